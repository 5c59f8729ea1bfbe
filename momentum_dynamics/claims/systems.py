"""From staleness to systems: seconds per update, barriers, and how many groups to form."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Deterministic, Exponential
from momentum_dynamics.delays.services import Service
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.laws import staleness
from momentum_dynamics.laws import systems as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.systems import Cluster, barrier_staleness, machine_repair_throughput

__all__: list[str] = []

GROUPS, COUNT, WORKERS = map(symbol, ("groups", "count", "workers"))
COMPUTING, SERVING = symbol("group_time"), symbol("server_time")
FLOOR = symbol("floor")


def _run(rng: np.random.Generator, groups: int, service: Service, server: Service | None,
         updates: int, replicas: int) -> Any:  # fmt: skip
    """Times and stalenesses of a queue whose point does not move."""
    return simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=groups, service=service,
        server=server, updates=updates, replicas=replicas, stride=updates, seed=rng,
    )  # fmt: skip


# Hardware efficiency ---------------------------------------------------------------------------


def _hardware_statement() -> Any:
    law = expression(laws.hardware_efficiency)
    return sympy.Ge(sympy.Symbol("T") / sympy.Symbol("n"), law, evaluate=False)


def _hardware_proof() -> Evidence:
    """Fixed times: a round in which every group is served in turn repeats itself.

    Group j is done at c_j = c₀ + j t_s and again a period P later. It is served at the later of its
    own return, c_j + t_g, and of the end of the service before, so it is done after
    P = max(t_g, (g − 1)t_s) + t_s for the first of a round, and as P ≥ t_g + t_s for the others.
    Memoryless times: what 1/throughput has beyond either side is a ratio of positive polynomials.

    For any law and every g: the server is busy at most always, so X t_s ≤ 1 updates a second; and a
    group's round takes t_g + t_s and its waiting, so X(t_g + t_s) ≤ g by Little's law. Both are
    strict where the server may idle and groups may wait, as memoryless ones do.
    """
    law, gap = expression(laws.hardware_efficiency), sympy.Symbol("d", positive=True)
    others = (GROUPS - 1) * SERVING
    checks: list[Any] = []
    for returning, waits in ((others + gap, others + gap), (others - gap, others)):
        period = waits + SERVING
        seconds = law.subs(COMPUTING, returning).replace(
            sympy.Max, lambda *sides: sympy.Max(*map(sympy.expand, sides))
        )
        beyond = sympy.expand(period - returning - SERVING)
        checks += [sympy.expand(period / GROUPS - seconds), beyond.is_nonnegative]
    for groups in range(2, 7):
        seconds = sympy.cancel(1 / machine_repair_throughput(COMPUTING, SERVING, groups))
        for side in (SERVING, (COMPUTING + SERVING) / groups):
            above, under = sympy.fraction(sympy.cancel(seconds - side))
            terms = [*sympy.Poly(above, COMPUTING, SERVING).coeffs(),
                     *sympy.Poly(under, COMPUTING, SERVING).coeffs()]  # fmt: skip
            checks.append(all(term > 0 for term in terms))
    return Evidence.exact(
        *checks, note="the periodic schedule of fixed times; memoryless ones with 2 to 6 groups"
    )


def _pace(rng: np.random.Generator, server: Service, service: Service) -> Evidence:
    """Seconds per update of simulated queues against the formula, t_g = 8 and t_s = 1."""
    counts, updates = (2, 4, 8, 9, 16), 720
    found = []
    for groups in counts:
        run = _run(rng, groups, service, server, 2 * updates, 4)
        found.append((run.times[-1] - run.times[updates - 1]).mean() / updates)
    predicted = [float(laws.hardware_efficiency(8.0, 1.0, groups)) for groups in counts]
    return Evidence.close(
        predicted, found, tolerance=1e-9, note="seconds per update of 2, 4, 8, 9 and 16 groups"
    )


HARDWARE = Claim(
    slug="hardware-efficiency-is-exact-for-fixed-times",
    title="Seconds per update of g groups and one server are max(t_s, (t_g + t_s)/g) where times "
    "are fixed, and more than that where they are memoryless.",
    source=Citation("hadjis2016"),
    kind=Kind.TIGHT_BOUND,
    statement=_hardware_statement,
    proof=_hardware_proof,
    experiment=lambda rng: _pace(rng, Deterministic(), Deterministic(mean=8)),
    control=lambda rng: _pace(rng, Exponential(), Exponential(mean=8)),
    expected=Verdict.PROVED,
    figures=("how-many-groups",),
    remark="T seconds for n updates, in the long run. The model of time per update is the "
    "source's; that it is a lower bound, attained by fixed times, is ours. The control has "
    "memoryless times.",
)


# The best number of groups ---------------------------------------------------------------------


def _best_statement() -> Any:
    price = expression(laws.statistical_efficiency)
    slope = sympy.Derivative(sympy.log(price), FLOOR, WORKERS)
    return sympy.Ge(slope, 0, evaluate=False)


def _best_proof() -> Evidence:
    """∂² log SE/∂V∂M ≥ 0, so that no hardware makes the best M fall as V does.

    With v = Vh²/σ² and R² = (1 − v)² + 8Mv(1 + v), log SE has the M-derivative 4/(ψ + 8M), where
    ψ = (1 − v)(1 − v + R)/(v(1 + v)) = 8M/(R/(1 − v) − 1). The square of R/(1 − v) grows with
    v(1 + v)/(1 − v)², whose derivative (1 + 3v)/(1 − v)³ is positive below v = 1 and negative
    above, where R/(1 − v) is negative: so ψ falls in v throughout.
    """
    v, many = sympy.Symbol("v", positive=True), sympy.Symbol("M", positive=True)
    share = v * (1 + v)
    root = sympy.sqrt((1 - v) ** 2 + 8 * many * share)
    price = laws.statistical_efficiency(v, 1, 1, many).replace(
        lambda part: part.is_Pow and part.exp == sympy.Rational(1, 2),
        lambda part: sympy.sqrt(sympy.factor(part.base)),  # one worker's root is 1 + 3v
    )
    psi = (1 - v) * (1 - v + root) / share
    fast = sympy.Symbol("r", real=True)  # R/(1 − v)
    return Evidence.exact(
        *(
            sympy.simplify(value)
            for value in (
                price - (1 - v + root) / (2 * (1 + v)),
                sympy.diff(sympy.log(1 - v + root), many) - 4 / (psi + 8 * many),
                psi * (root - (1 - v)) - 8 * many * (1 - v),
                sympy.diff(share / (1 - v) ** 2, v) - (1 + 3 * v) / (1 - v) ** 3,
                (root / (1 - v)) ** 2 - 1 - 8 * many * share / (1 - v) ** 2,
                sympy.diff(1 / (fast - 1), fast) + 1 / (fast - 1) ** 2,
            )
        ),
        note="log SE has increasing differences in V and M, for every law of seconds per update",
    )


_NODES, _BATCH, _LINK, _SERVER = 32, 32.0, 0.02, 0.35
"""Nodes that split a batch of 32 seconds, 0.02 seconds for each exchange, 0.35 at the server."""
_FLOORS = (0.3, 0.03, 0.003)


def _seconds(groups: int) -> float:
    group = max(_BATCH * groups / _NODES, _LINK * _NODES / groups)
    return float(laws.hardware_efficiency(group, _SERVER, groups))


def _settling_rate(floor: float, workers: int) -> float:
    """The learning rate at which the exact moments of the queue settle at a variance."""
    from scipy.optimize import brentq

    limit = float(staleness.queue_mean_square_limit(workers))

    def excess(rate: float) -> float:
        method = GradientDescent(learning_rate=rate)
        found = queue_moments(method, 1.0, workers=workers, noise_variance=1.0)
        return float(np.log(found.stationary_variance / floor))

    return float(brentq(excess, 1e-6, limit * (1 - 1e-9)))


def _best_experiment(*, blind: bool) -> Evidence:
    """The best of 1, 2, … 32 groups: by the laws, and by moments and simulated seconds."""
    counts = 2 ** np.arange(6)
    pace = np.array([_seconds(int(groups)) for groups in counts])
    predicted, found = [], []
    for floor in _FLOORS:
        price = laws.statistical_efficiency(floor, 1.0, 1.0, counts.astype(float))
        predicted.append(counts[np.argmin(pace * price)])
        rates = np.array([_settling_rate(floor, 1 if blind else int(g)) for g in counts])
        found.append(counts[np.argmin(pace / rates)])
    return Evidence.close(
        predicted, found, tolerance=0,
        note="best groups for the floors 0.3, 0.03 and 0.003: "
        + ", ".join(map(str, found)),
    )  # fmt: skip


BEST = Claim(
    slug="best-groups-grow-as-the-target-tightens",
    title="The lower the noise floor that is asked for, the more groups are best, whatever the "
    "hardware.",
    source=Citation("hadjis2016"),
    kind=Kind.IDENTITY,
    statement=_best_statement,
    proof=_best_proof,
    experiment=lambda _: _best_experiment(blind=False),
    control=lambda _: _best_experiment(blind=True),
    expected=Verdict.PROVED,
    figures=("how-many-groups",),
    remark="For gradient descent with memoryless workers on one curvature: time to settle is "
    "seconds per update times the price SE of staleness, and log SE has increasing differences in "
    "floor and workers. Small steps make staleness free. That training should begin synchronously "
    "and end asynchronously is the source's advice; the law is ours. The control keeps one "
    "worker's learning rate.",
)


# Barriers --------------------------------------------------------------------------------------


def _barrier_statement() -> Any:
    return sympy.Eq(symbol("variation"), expression(laws.barrier_variation), evaluate=False)


def _barrier_proof() -> Evidence:
    """Mean and variance of the slowest of k are sums of 1/j and 1/j², by integration for k ≤ 7.

    For every k: while j nodes still compute, the next of them ends after an exponential time of
    mean 1/j, whatever was before. The slowest is the sum of these independent times.
    """
    t, j = sympy.Symbol("t", positive=True), sympy.Symbol("j", integer=True, positive=True)
    checks: list[Any] = []
    for count in range(1, 8):
        late = sympy.expand(1 - (1 - sympy.exp(-t)) ** count)
        mean, square = (
            sum(sympy.integrate(power * term, (t, 0, sympy.oo)) for term in late.as_ordered_terms())
            for power in (1, 2 * t)
        )
        checks += [
            mean - laws.straggler_factor(sympy.Integer(count)),
            square - mean**2 - sum(sympy.Rational(1, rank**2) for rank in range(1, count + 1)),
        ]
    limit = sympy.summation(1 / j**2, (j, 1, sympy.oo))
    gumbel = expression(laws.barrier_variation) * expression(laws.straggler_factor)
    checks.append(sympy.simplify(limit - gumbel**2))
    return Evidence.exact(
        *checks, note="H_k and Σ 1/j² for k up to 7; Σ 1/j² tends to π²/6, the square of cv × H_k"
    )


def _spread(rng: np.random.Generator, nodes: int, groups: int) -> Evidence:
    """The variation of staleness of nodes in groups, simulated, against that of 1,200 a group."""
    cluster = Cluster(nodes=nodes, service=Exponential())
    run = _run(rng, groups, cluster.group_law(groups), None, 4000, 16)
    stale = np.asarray(run.staleness)[400:]
    each = stale.std(axis=0) / stale.mean(axis=0)
    barrier = barrier_staleness(Cluster(nodes=9600, service=Exponential()), 8)
    chances = barrier.probabilities(80)
    ages = np.arange(80)
    mean = chances @ ages
    predicted = float((chances @ ages**2 - mean**2) ** 0.5 / mean)
    return Evidence.statistical(
        predicted, each.mean(), each.std(ddof=1) / 4,
        note=f"variation of staleness, {nodes:,} nodes in {groups} groups",
    )  # fmt: skip


BARRIERS = Claim(
    slug="barrier-groups-are-nearly-pure-delay",
    title="The time of a barrier of k memoryless nodes varies by π/(√6 H_k) of its mean, so that "
    "the staleness of large groups is nearly fixed and not geometric.",
    source=Citation("kurth2017"),
    kind=Kind.ASYMPTOTIC,
    statement=_barrier_statement,
    proof=_barrier_proof,
    experiment=lambda rng: _spread(rng, 9600, 8),
    control=lambda rng: _spread(rng, 8, 8),
    expected=Verdict.PROVED,
    figures=("hybrid-staleness",),
    remark="The hybrid of synchronous groups is the source's; the law of its staleness is ours. "
    "The control has groups of one node: geometric staleness, with variation √(8/7).",
)
