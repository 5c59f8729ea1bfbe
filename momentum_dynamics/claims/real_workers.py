"""For real: threads and processes that compute gradients, measured while they run.

What they measure differs from run to run, so none of it stands in a note, and the scorecard keeps
their numbers apart. Bounds leave room for a machine that is busy with other things: conservation
and losses are exact whatever the times; staleness may be off by what overhead does to a law, and
every control is off by far more.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.analysis import staleness_report
from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.live import (
    Apart,
    awake,
    dies_at_times,
    doomed,
    process_pool,
    run_on_data,
    service_times,
)
from momentum_dynamics.delays import Empirical, Exponential, Gamma, Service, ServiceDelay
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import Ending, serve

__all__: list[str] = []

Array = NDArray[np.float64]
WORKERS = symbol("workers")

# Conservation ----------------------------------------------------------------------------------


def _raises_at_times(problem: Any, point: Array, rng: np.random.Generator) -> Any:
    if rng.random() < 0.05:
        raise ArithmeticError("no gradient this time")
    return problem.field(point)


def _conserved(rng: np.random.Generator, **options: Any) -> Evidence:
    workers, updates = 8, 300
    with awake(workers) as pool:
        done = run_on_data(
            pool, Exponential(mean=0.003), workers=workers, updates=updates, seed=rng, **options
        )
    present = done.ages[done.ages >= 0]
    left = int(done.staleness.sum() + present.sum()) - done.updates * (workers - 1)
    return Evidence.close(
        0, left, tolerance=0,
        note="Σ staleness + Σ ages − T(M − 1) of 8 threads on the diabetes data, a whole number",
    )  # fmt: skip


CONSERVATION = Claim(
    slug="real-workers-conserve-staleness",
    title=(
        "Staleness of all updates of real threads and the ages at the end add up to exactly "
        "(M − 1) times the updates, whatever the machine does meanwhile."
    ),
    source=Citation("alahyane2025"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("S") + sympy.Symbol("A"), symbol("updates") * (WORKERS - 1), evaluate=False
    ),
    proof=None,
    experiment=_conserved,
    control=partial(_conserved, work=_raises_at_times, patience=1),
    expected=Verdict.CONFIRMED,
    live=True,
    remark="S is the sum of stalenesses, A that of ages. Least squares by small batches; every "
    "thread sleeps for an exponential time first. In the control gradients raise, and their "
    "workers are given up. The queue's claim of the same content has the proof.",
)


# The law of staleness --------------------------------------------------------------------------

_OVERHEAD, _COUPLING = 0.2, 0.12
"""Total variation that is allowed beyond sampling noise: for overhead that makes exponential times
longer, which a third of the mean does; and for workers that wait for the same processor."""

NEARLY_CONSTANT = 16
"""Stages of the gamma law of the controls: times that vary by a quarter soon are out of step."""


_SLEEPS, _BUSY = (0.01, 0.02, 0.04), 1.2
"""Mean sleeps in seconds: the next one where times are longer than sleeps by so much. Whether they
are is asked of the times alone, so that staleness does not choose which run is shown."""


def _distances(
    rng: np.random.Generator,
    service: Callable[[float], Service],
    updates: int,
    *,
    on_processes: bool,
) -> Evidence:
    workers = 4
    with awake(workers, on_processes=on_processes) as pool:
        for sleep in _SLEEPS:
            done = run_on_data(pool, service(sleep), workers=workers, updates=updates, seed=rng)
            times = service_times(done)
            if times.mean() < _BUSY * sleep:
                break
    measured = ServiceDelay(service=Empirical(times=times), workers=workers)
    geometric, own = staleness_report(done), staleness_report(done, measured)
    shares = [
        geometric.distance / (geometric.noise_limit + _OVERHEAD),
        own.distance / (own.noise_limit + _COUPLING),
    ]
    return Evidence.close(
        0, shares, tolerance=1,
        note="distance to the geometric law, and to the law of the measured times, as shares of "
        f"sampling noise and {_OVERHEAD:g}, or {_COUPLING:g}, in total variation",
    )  # fmt: skip


def _law_statement() -> Any:
    k = symbol("staleness")
    kept = staleness.implicit_momentum(WORKERS)
    return sympy.Eq(sympy.Function("P")(k), (1 - kept) * kept**k, evaluate=False)


def _law(kind: str, *, on_processes: bool) -> Claim:
    return Claim(
        slug=f"staleness-of-real-{kind}-is-geometric",
        title=(
            f"Staleness of {kind} that sleep for exponential times is geometric up to overhead, "
            "and it follows the law that the measured times beget."
        ),
        source=Citation("mitliagkas2016"),
        kind=Kind.EMPIRICAL,
        statement=_law_statement,
        proof=None,
        experiment=lambda rng: _distances(
            rng, lambda sleep: Exponential(mean=sleep), 320, on_processes=on_processes
        ),
        control=lambda rng: _distances(
            rng, lambda sleep: Gamma(shape=NEARLY_CONSTANT, mean=sleep), 200,
            on_processes=on_processes,
        ),
        expected=Verdict.CONFIRMED,
        live=True,
        figures=("real-workers",),
        remark="Four workers, 10 ms of sleep, or 20 or 40 where the machine is busy, 320 updates "
        "of least squares on the diabetes data. Noise is from a block bootstrap, for stalenesses "
        "depend on each other. Overhead turns exponential times into shifted ones and takes fresh "
        "gradients away, so the bound is wide; in the control times vary by a quarter, and the "
        "distance is about 0.5.",
    )  # fmt: skip


THREADS = _law("threads", on_processes=False)
PROCESSES = _law("processes", on_processes=True)


# Second moments --------------------------------------------------------------------------------

_RATE, _MODES = 0.2, 64


def _noisy(problem: Any, point: Array, rng: np.random.Generator) -> Any:
    return problem.field(point) + rng.standard_normal(len(point))


def _settled(rng: np.random.Generator, updates: int) -> tuple[float, float]:
    """The variance of a threaded run at rest, over time and equal modes, and its error.

    The modes share the order of the workers, so that only blocks of time are independent.
    """
    workers, block = 4, 40
    with ThreadPoolExecutor(workers) as pool:
        done = serve(
            GradientDescent(learning_rate=_RATE), Quadratic(np.ones(_MODES)), workers=workers,
            executor=pool, updates=updates, service=Exponential(mean=0.008), work=_noisy, seed=rng,
            start=np.zeros(_MODES),
        )  # fmt: skip
    square = (done.outputs[block:] ** 2).mean(axis=1)
    count = len(square)
    begun = rng.integers(count, size=(500, -(-count // block), 1))
    drawn = square[(begun + np.arange(block)) % count].mean(axis=(1, 2))
    return float(square.mean()), float(drawn.std())


def _floor(rng: np.random.Generator, predicted: float, updates: int) -> Evidence:
    found, error = _settled(rng, updates)
    return Evidence.close(
        predicted, found, tolerance=5 * error + 0.15 * predicted,
        note="variance at rest of 4 threads on 64 noisy modes, over time; 5 standard errors of a "
        "block bootstrap and 15 % for overhead are allowed",
    )  # fmt: skip


def _queue_floor() -> float:
    method = GradientDescent(learning_rate=_RATE)
    return float(queue_moments(method, 1.0, workers=4, noise_variance=1.0).stationary_variance)


def _heavy_ball_floor() -> float:
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(_RATE, 4),
        momentum=staleness.implicit_momentum(4.0),
    )
    return float(stationary_variance(twin, 1.0, 1.0))


FLOOR = Claim(
    slug="noise-of-real-threads-is-that-of-the-queue",
    title=(
        "The variance at which real threads come to rest is the exact one of the queue, and not "
        "that of the heavy ball with the same mean."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Eq(
        sympy.Symbol("V"), expression(staleness.queue_stationary_variance), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _floor(rng, _queue_floor(), 480),
    control=lambda rng: _floor(rng, _heavy_ball_floor(), 360),
    expected=Verdict.CONFIRMED,
    live=True,
    remark="αh = 0.2, unit noise on every gradient, sleeps of 8 ms. Predicted are 0.176 for the "
    "queue, 0.101 for heavy ball, and 0.216 for a fixed delay of 3, to which overhead moves what "
    "is measured.",
)


# Survival --------------------------------------------------------------------------------------


def _survival(rng: np.random.Generator, *, is_replaced: bool) -> Evidence:
    """Which gradients are lost and how many updates are made, where processes die."""
    workers, updates, seed = 3, 40, int(rng.integers(2**32))
    problem = Quadratic([1.0, 0.5])
    common: dict[str, Any] = {
        "workers": workers, "updates": updates, "work": dies_at_times, "seed": seed,
        "service": Exponential(mean=0.004),
    }  # fmt: skip
    method = GradientDescent(learning_rate=0.1)
    if is_replaced:
        done = serve(method, problem, executor=lambda: Apart(workers), **common)
    else:
        with process_pool(workers) as pool:
            done = serve(method, problem, executor=pool, **common)
    lost = np.array([loss.task for loss in done.losses], dtype=np.int64)
    spared = int((~doomed(problem, seed, lost)).sum())
    passed_over = int(doomed(problem, seed, done.tasks).sum())
    unaccounted = done.aged - done.due
    missing = updates - done.updates if done.outcome is Ending.ALL_UPDATES else updates
    return Evidence.close(
        [0, 0, 0, 0, 0], [spared, passed_over, unaccounted, missing, int(len(lost) == 0)],
        tolerance=0,
        note="gradients lost without a death or made in spite of one, staleness unaccounted for, "
        "updates missing, no death at all; whole numbers",
    )  # fmt: skip


SURVIVAL = Claim(
    slug="a-killed-process-costs-its-own-gradient-alone",
    title=(
        "A worker process that dies costs the one gradient that it computed: it is counted, "
        "staleness stays conserved, and the run goes on to all its updates."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("N"), symbol("updates") + sympy.Symbol("L") + sympy.Symbol("F"), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _survival(rng, is_replaced=True),
    control=lambda rng: _survival(rng, is_replaced=False),
    expected=Verdict.CONFIRMED,
    live=True,
    remark="N tasks were begun, L lost, F were under way at the end. One in ten tasks kills the "
    "process that computes it, which ones is known from the seed; every process has a pool of its "
    "own. In the control all share one pool of the standard library, which breaks with all "
    "gradients under way, and nobody makes another one.",
)
