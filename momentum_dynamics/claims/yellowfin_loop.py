"""YellowFin on stale gradients, and on gradients that are noise."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Deterministic, FixedDelay
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit
from momentum_dynamics.dynamics.asynchrony.sensing import noise_reading
from momentum_dynamics.laws import tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.tuning import (
    ClosedLoopYellowFin,
    YellowFin,
    simulate_closed_loop,
    step_of_noise,
)

__all__: list[str] = []

ALPHA, BETA = map(symbol, ("learning_rate", "momentum"))
P = symbol("signal_to_noise")


# Without staleness -----------------------------------------------------------------------------


def _reading(before: Any, point: Any, after: Any, gradient: Any, learning_rate: Any) -> Any:
    """What the sensor of total momentum reads on three versions of a point."""
    return (after - point + learning_rate * gradient) / (point - before)


def _step_of_ball() -> tuple[Any, Any]:
    before, point, gradient = sympy.symbols("x_{-} x g")
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    after, _ = ball.update((point, before), gradient)
    return _reading(before, point, after, gradient, ALPHA), gradient


def _identity_statement() -> Any:
    return sympy.Eq(sympy.Symbol("muhat"), BETA)


def _identity_proof() -> Evidence:
    read, gradient = _step_of_ball()
    left = sympy.simplify(read - BETA)
    return Evidence.exact(
        left, gradient not in sympy.simplify(read).free_symbols,
        note="the reading on one step of heavy ball is β, whatever the gradient was",
    )  # fmt: skip


def _identity_experiment(rng: np.random.Generator, *, staleness: int) -> Evidence:
    """YellowFin changes both parameters at every step; the sensor knows the learning rate."""
    tuner = ClosedLoopYellowFin(staleness=staleness, gain=None, tuner=YellowFin(smoothing=0.99))
    told = _train(tuner, rng, steps=600)
    late = slice(100, None)
    return Evidence.close(
        told["momentum"][late], told["total_momentum"][late], tolerance=1e-6,
        note=f"reading of every step of YellowFin in noise, staleness {staleness}",
    )  # fmt: skip


def _train(
    tuner: ClosedLoopYellowFin,
    rng: np.random.Generator,
    *,
    steps: int,
    dimension: int = 400,
    noise: float = 0.1,
) -> dict[str, Any]:
    """A noisy quadratic with curvatures from 0.1 to 1, by a round robin; what every step told."""
    curvatures = np.geomspace(0.1, 1, dimension)
    points = [np.ones(dimension)]
    state, infos = tuner.init(points[0]), []
    for step in range(steps):
        asked = points[max(step - tuner.staleness, 0)]
        gradient = curvatures * asked + noise * rng.standard_normal(dimension)
        state, point, info = tuner.update(state, gradient, points[-1])
        points.append(point)
        infos.append(info)
    return {name: np.array([info[name] for info in infos]) for name in infos[0]}


IDENTITY = Claim(
    slug="without-staleness-total-momentum-is-the-explicit-one",
    title="Without staleness YellowFin's sensor of total momentum reads the explicit momentum at "
    "every step, however noisy the gradient is.",
    source=Citation("zhang2017"),
    kind=Kind.IDENTITY,
    statement=_identity_statement,
    proof=_identity_proof,
    experiment=lambda rng: _identity_experiment(rng, staleness=0),
    control=lambda rng: _identity_experiment(rng, staleness=3),
    expected=Verdict.PROVED,
    figures=("yellowfin-total-momentum",),
    remark="For the update x ← x + β(x − x₋) − αg. The velocity form of the released code obeys it "
    "only while the learning rate stands still.",
)


# Noise before the sensor -----------------------------------------------------------------------


def _noise_statement() -> Any:
    """μ̂ = Cov(numerator, denominator)/Var(denominator), with autocorrelations of the point."""
    first, second, curvature = sympy.symbols("r_1 r_2 h")
    covariance = (2 * first - 1 - second) / (2 * (1 - first))
    return sympy.Eq(sympy.Symbol("muhat"), covariance + ALPHA * curvature / 2)


@cache
def _floor_readings() -> tuple[float, float]:
    """The median reading of a round robin of 16 at its noise floor, and its standard error."""
    ball = HeavyBall(learning_rate=0.02, momentum=0.5)
    run = simulate_queue(
        ball, Quadratic([1.0]), workers=16, service=Deterministic(), updates=6000, replicas=64,
        noise_variance=1.0, seed=20, record="all",
    )  # fmt: skip
    points = np.asarray(run.points)[..., 0]
    before, point, after = points[980:-17], points[981:-16], points[982:-15]
    # The gradient of version v arrives 15 updates later; it is what moved the point then.
    moved = points[981 + 16 :] - points[981 + 15 : -1]
    kept = 0.5 * (points[981 + 15 : -1] - points[981 + 14 : -2])
    gradient = (kept - moved) / 0.02
    medians = np.median(_reading(before, point, after, gradient, 0.02), axis=0)
    return float(medians.mean()), float(medians.std(ddof=1) / np.sqrt(medians.size))


def _noise_experiment(*, on_floor: bool) -> Evidence:
    ball = HeavyBall(learning_rate=0.02, momentum=0.5)
    delay = FixedDelay(staleness=15)
    measured, error = _floor_readings()
    predicted = float(noise_reading(ball, 1.0, delay)) if on_floor else 0.5 + 15 * 0.02
    return Evidence.statistical(
        predicted, measured, error,
        note="median reading at the noise floor, round robin of 16, β = 0.5, αh = 0.02",
    )  # fmt: skip


ATTENUATION = Claim(
    slug="noise-hides-staleness-from-the-sensor",
    title="At the noise floor the median of YellowFin's sensor is a ratio of covariances of the "
    "point, in which staleness hardly shows; the level of the noise cancels.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_noise_statement,
    proof=None,
    experiment=lambda _: _noise_experiment(on_floor=True),
    control=lambda _: _noise_experiment(on_floor=False),
    expected=Verdict.CONFIRMED,
    figures=("what-the-sensor-reads",),
    remark="The ratio of two Gaussian moves is Cauchy distributed about that number. The control "
    "is the reading β + ταh of a slow mode without noise.",
)


# The loop closed -------------------------------------------------------------------------------


@cache
def _settled(gain: float | None) -> dict[str, tuple[float, float]]:
    """Late means of five runs behind a staleness of 15, each with its standard error."""
    tuner = ClosedLoopYellowFin(staleness=15, gain=gain, tuner=YellowFin(smoothing=0.99))
    seeds = np.random.SeedSequence(15).spawn(5)
    runs = [_train(tuner, np.random.default_rng(seed), steps=1800) for seed in seeds]
    found = {}
    for name in ("target", "total_momentum", "momentum"):
        means = np.array([np.nanmean(run[name][-800:]) for run in runs])
        found[name] = float(means.mean()), float(means.std(ddof=1) / np.sqrt(means.size))
    return found


def _target_statement() -> Any:
    total, wanted = sympy.symbols("muhat mu^*")
    return sympy.Eq(sympy.Function("E")(total), wanted)


def _target_experiment(gain: float | None) -> Evidence:
    found = _settled(gain)
    wanted, measured = found["target"], found["total_momentum"]
    return Evidence.close(
        wanted[0], measured[0], tolerance=0.01 + 5 * (wanted[1] + measured[1]),
        note=f"mean total momentum of the last 800 of 1,800 updates, staleness 15, 5 runs; "
        f"explicit momentum {found['momentum'][0]:.3f}",
    )  # fmt: skip


TARGET = Claim(
    slug="closed-loop-yellowfin-meets-its-target",
    title="Feedback brings the measured total momentum of YellowFin on stale gradients to the "
    "momentum that its rule asks for.",
    source=Citation("zhang2017"),
    kind=Kind.EMPIRICAL,
    statement=_target_statement,
    proof=None,
    experiment=lambda _: _target_experiment(0.01),
    control=lambda _: _target_experiment(None),
    expected=Verdict.CONFIRMED,
    figures=("yellowfin-total-momentum",),
    remark="On 400 curvatures from 0.1 to 1 with noise of standard deviation 0.1. The control "
    "leaves the loop open.",
)


def _stability_statement() -> Any:
    total, wanted, point = sympy.symbols("muhat mu^* x_t")
    return sympy.Implies(sympy.Eq(total, wanted), sympy.Eq(sympy.Limit(point, "t", sympy.oo), 0))


def _looped(learning_rate: float, target: float = 0.3) -> tuple[float, float, float]:
    """The explicit momentum at the end, the total momentum read, and how much has grown."""
    curvatures = np.geomspace(0.1, 1, 400)
    run = simulate_closed_loop(
        target, Quadratic(curvatures), learning_rate=learning_rate, momentum=target, workers=16,
        service=Deterministic(), updates=4000, noise_variance=0.01, seed=3, clip=1.0,
    )  # fmt: skip
    with np.errstate(over="ignore"):
        growth = np.linalg.norm(run.points[-1]) / np.linalg.norm(run.points[0])
    return (
        float(np.mean(run.momentum[-500:])),
        float(np.nanmean(run.reading[-500:])),
        float(np.log10(growth)),
    )


def _stability_counterexample() -> Evidence:
    """As well on target on either side of the limit of the momentum that feedback has found."""
    told, found = [], []
    for rate, explodes in ((0.05, False), (0.13, True)):
        explicit, reading, growth = _looped(rate)
        ball = HeavyBall(learning_rate=rate, momentum=explicit)
        limit = float(delay_stability_limit(ball, FixedDelay(staleness=15)))
        is_beyond = rate > (1.2 if explodes else 0.8) * limit
        grows = growth > 1 if explodes else growth > -1
        found += [abs(reading - 0.3) < 0.01, is_beyond is explodes, grows is explodes]
        told.append(
            f"at αh = {rate} total momentum {reading:.3f}, limit {limit:.4f} at explicit momentum "
            f"{explicit:.3f}, distance × 10^{growth:.1f}".replace("-", "−")
        )
    return Evidence.exact(*map(bool, found), note=f"target 0.3; {'; '.join(told)}")


def _stability_experiment(*, closed: bool) -> Evidence:
    if closed:
        explicit, reading, growth = _looped(0.13)
        note = f"decades of growth on target ({reading:.3f}, explicit momentum {explicit:.3f})"
    else:
        ball = HeavyBall(learning_rate=0.13, momentum=0.3)
        run = simulate_queue(
            ball, Quadratic(np.geomspace(0.1, 1, 400)), workers=16, service=Deterministic(),
            updates=4000, noise_variance=0.01, seed=3, record="all",
        )  # fmt: skip
        points = np.asarray(run.points)
        with np.errstate(over="ignore", invalid="ignore"):
            growth = float(np.log10(np.linalg.norm(points[-1]) / np.linalg.norm(points[0])))
        note = "decades of growth with the loop open"
    return Evidence.close(0.0, max(growth, 0.0), tolerance=0.5, note=note)


STABILITY = Claim(
    slug="total-momentum-on-target-is-stable",
    title="A loop that holds the measured total momentum on its target converges.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=_stability_statement,
    proof=None,
    counterexample=_stability_counterexample,
    experiment=lambda _: _stability_experiment(closed=True),
    control=lambda _: _stability_experiment(closed=False),
    expected=Verdict.REFUTED,
    remark="Feedback lowers momentum, which moves the limit of the learning rate a little: from "
    "0.069 at momentum 0.3 to 0.10 at 0 behind a staleness of 15. Past that it holds the median "
    "reading on target while the stiffest directions explode; below, the same reading goes with "
    "convergence. So the reading says nothing about it. The control, the open loop, explodes too.",
)


# Noise alone -----------------------------------------------------------------------------------


def _pure_statement() -> Any:
    gap = expression(tuning.cubic_root).subs(P, sympy.Rational(1, 2))
    return sympy.Eq(sympy.Limit(BETA, symbol("dimension"), sympy.oo), (1 - gap) ** 2)


def _pure_proof() -> Evidence:
    """With norms that do not differ, p = (1 + s)/2 at a signal-to-noise ratio s of the gradient."""
    signal, variance = sympy.symbols("s C", positive=True)
    square = (1 + signal) * variance
    p = tuning.signal_to_noise(sympy.sqrt(square) / square, square, variance)
    root, ratio = symbol("root_momentum"), sympy.Rational(1, 2)
    falls = -sympy.diff(tuning.cubic(root, P), P) / sympy.diff(tuning.cubic(root, P), root)
    momentum = (1 - tuning.cubic_root(sympy.Float(ratio, 30))) ** 2
    return Evidence.exact(
        sympy.simplify(p - (1 + signal) / 2),
        sympy.simplify(falls * (P + 3 * (1 - root) ** 2) + root),
        bool(abs(tuning.cubic(sympy.sqrt(momentum), ratio)) < 1e-25),
        bool(0.168 < momentum < 0.169),
        note=f"p is at least 1/2, √β falls in p, and β = {momentum:.6f} at p = 1/2",
    )  # fmt: skip


def _pure_experiment(rng: np.random.Generator, *, as_ratio: bool) -> Evidence:
    """Momentum in the long run on noise alone, by dimension."""
    dimensions = (10, 100, 1000)
    measured, errors = [], []
    for dimension in dimensions:
        tuner = YellowFin(smoothing=0.99)
        point = np.zeros(dimension)
        state, found = tuner.init(point), []
        for _ in range(5000):
            state, point, info = tuner.update(state, rng.standard_normal(dimension), point)
            found.append(info["momentum"])
        blocks = np.mean(np.reshape(found[1000:], (8, -1)), axis=1)
        measured.append(blocks.mean())
        errors.append(blocks.std(ddof=1) / np.sqrt(blocks.size))
    predicted = [step_of_noise(n, smoothing=0.99).momentum for n in dimensions]
    if as_ratio:
        predicted = [1.0] * len(dimensions)
    return Evidence.close(
        predicted, measured, tolerance=0.01 + 6 * max(errors),
        note="momentum on pure noise with 10, 100 and 1,000 parameters",
    )  # fmt: skip


PURE = Claim(
    slug="yellowfin-in-noise-alone-has-a-momentum-of-its-own",
    title="On gradients that are noise alone YellowFin's momentum depends on the number of "
    "parameters, not on the noise: with many it is 0.168.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_pure_statement,
    proof=_pure_proof,
    experiment=lambda rng: _pure_experiment(rng, as_ratio=False),
    control=lambda rng: _pure_experiment(rng, as_ratio=True),
    expected=Verdict.PROVED,
    figures=("yellowfin-in-pure-noise",),
    remark="The curvature is ‖g‖², noise included, so that p = D²h_min²/(2C) is not half the "
    "signal-to-noise ratio s but (1 + s)/2 where norms hardly differ: the cubic then never asks "
    "for more than 0.168, and momentum beyond that comes from norms that differ: the least of a "
    "window, h_min, lowers p, and the ratio h_max/h_min bounds momentum from below. With few "
    "parameters that least is far below the mean of the norms, and momentum is near 1. "
    "The control expects 1, the rule's limit for no signal.",
)
