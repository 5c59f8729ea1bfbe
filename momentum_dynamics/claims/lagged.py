"""Continuous-time accounts of asynchrony, against the exact moments: where they agree and part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential, FixedDelay
from momentum_dynamics.dynamics.asynchrony.continuum import MemoryEquation
from momentum_dynamics.dynamics.asynchrony.limits import mean_square_limit
from momentum_dynamics.dynamics.asynchrony.moments import stale_moments
from momentum_dynamics.laws import lagged, staleness
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate_queue, simulate_stale

__all__: list[str] = []

ALPHA, H, NOISE = map(symbol, ("learning_rate", "curvature", "noise_variance"))
WORKERS, AGE = symbol("workers"), symbol("age")
DESCENT = GradientDescent(learning_rate=ALPHA)
HALF = sympy.Rational(1, 2)


def _settled(*, keeps_spread: bool) -> Any:
    """E x² of the memory equation with a symbolic age, from the linear equations of its moments.

    d E x² = −2a X, dX = (E x² − X)/θ − a U, dU = 2(X − U)/θ for X = E xx̄ and U = E x̄², beside
    what noise adds; the spread D = E x² − U of a settled queue adds a²D, aD/θ and D/θ².
    """
    square, cross, read = sympy.symbols("E X U")
    step = ALPHA * H
    spread = (square - read) if keeps_spread else sympy.Integer(0)
    found = sympy.solve(
        [
            -2 * step * cross + ALPHA**2 * NOISE + step**2 * spread,
            (square - cross) / AGE - step * read + step * spread / AGE,
            2 * (cross - read) / AGE + spread / AGE**2,
        ],
        [square, cross, read],
    )
    return found[square]


# The modified equation -------------------------------------------------------------------------


def _modified_proof() -> Evidence:
    """Its floor solves the moment equations, and is the queue's times 1 + (a − Ma²)/2."""
    own = expression(lagged.memory_equation_variance)
    exact = expression(staleness.queue_stationary_variance)
    step = ALPHA * H
    there = own.subs(AGE, WORKERS)
    limit = expression(staleness.queue_mean_square_limit)
    prices = [
        sympy.series((floor / floor.subs(WORKERS, 1)).subs(H, 1), ALPHA, 0, 3).removeO()
        for floor in (there, exact)
    ]
    others = WORKERS - 1
    return Evidence.exact(
        _settled(keeps_spread=False) - own,
        there - exact * (1 + (step - WORKERS * step**2) / 2),
        (there - exact).subs(ALPHA, 1 / (WORKERS * H)),
        sympy.simplify(1 + (limit - WORKERS * limit**2) / 2),
        prices[0] - (1 + others * ALPHA - others * ALPHA**2),
        prices[1] - (1 + others * ALPHA - others * ALPHA**2 / 2),
        note="settled moments; equal at a = 1/M, finite where queues end; prices differ at a²",
    )


def _floors(rng: np.random.Generator, workers: Sequence[int], steps: Sequence[float]) -> Evidence:
    """Settled variances of queues against the modified equation's."""
    replicas, found, errors, predicted = 4_000, [], [], []
    for count, step in zip(workers, steps, strict=True):
        updates = int(40 / step)
        run: Any = simulate_queue(
            GradientDescent(learning_rate=step), Quadratic([1.0]), workers=count,
            service=Exponential(), updates=updates, noise_variance=1.0, replicas=replicas,
            record="moments", stride=updates, start=[0.0], seed=rng,
        ).moments  # fmt: skip
        found.append(run.variance[-1, 0])
        errors.append(run.variance_error[-1, 0])
        predicted.append(lagged.memory_equation_variance(step, 1.0, 1.0, count))
    return Evidence.statistical(
        predicted, found, errors,
        note=f"variance of {replicas:,} queues, M = {', '.join(map(str, workers))}",
    )  # fmt: skip


MODIFIED = Claim(
    slug="modified-equation-misses-the-limit-in-mean-square",
    title=(
        "The stochastic modified equation of M memoryless workers settles at ασ²(1 + Ma)/(2h), "
        "a = αh: the exact floor times 1 + (a − Ma²)/2. It is exact at a = 1/M, knows the price "
        "of asynchrony to first order, and no limit in mean square."
    ),
    source=Citation("an2018"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        expression(lagged.memory_equation_variance).subs(AGE, WORKERS)
        / expression(staleness.queue_stationary_variance),
        1 + (ALPHA * H - WORKERS * (ALPHA * H) ** 2) / 2,
        evaluate=False,
    ),
    proof=_modified_proof,
    experiment=lambda rng: _floors(rng, (4, 16), (1 / 4, 1 / 16)),
    control=lambda rng: _floors(
        rng, (4, 16), [0.8 * float(staleness.queue_mean_square_limit(m)) for m in (4, 16)]
    ),
    expected=Verdict.PROVED,
    figures=("continuous-accounts-of-asynchrony",),
    remark="Of the source the abstract and the first lines were read: its equation, said to be of "
    "Langevin type, is recalled, and derived here anew for additive noise on a quadratic, with the "
    "noise of gradients alone. Over one worker's floor it says 1 + (M − 1)(a − a²), where "
    "1 + (M − 1)(a − a²/2) is exact to second order. The experiment is at a = 1/M, the control at "
    "0.8 of the limit that it misses.",
)


# What it leaves out ----------------------------------------------------------------------------


def moment_limit(age: float, *, in_queue: bool = True) -> float:
    """The αh at which an eigenvalue of the moments' drift, spread kept, reaches 0, by search.

    Independent draws of staleness move x alone; a queue's read that was drawn is spent.
    """
    from scipy.optimize import brentq

    def growth(step: float) -> float:
        equation = MemoryEquation(learning_rate=step, curvature=1.0, age=age, keeps_spread=True)
        drift = equation.moment_drift()
        if not in_queue:
            plain = MemoryEquation(learning_rate=step, curvature=1.0, age=age).moment_drift()
            drift[1:] = plain[1:]
        return float(np.linalg.eigvals(drift).real.max())

    return float(brentq(growth, 0.2 / np.sqrt(age), 4 / np.sqrt(age), xtol=1e-14))


def _spread_proof() -> Evidence:
    """The floor with the spread, its pole, and how near that is to the queue's."""
    own, limit = (
        expression(law)
        for law in (lagged.spread_equation_variance, lagged.spread_equation_step_limit)
    )
    exact = expression(staleness.queue_mean_square_limit)
    below = 2 + 1 / AGE + ALPHA - AGE * ALPHA**2
    inverse = sympy.Symbol("p", positive=True)
    ratio = (limit.subs(AGE, WORKERS) / exact).subs(WORKERS, 1 / inverse)
    return Evidence.exact(
        sympy.simplify(_settled(keeps_spread=True) - own),
        sympy.simplify(below.subs(ALPHA, limit)),
        sympy.limit((ratio - 1) / inverse, inverse, 0) - sympy.Rational(1, 4),
        note="from the settled moments; the limits' ratio is 1 + 1/(4M) to first order",
    )


def _spread_experiment(_: np.random.Generator, *, in_queue: bool) -> Evidence:
    counts = (64, 256, 1024)
    descent = GradientDescent(learning_rate=1.0)
    ratios = [
        moment_limit(count, in_queue=in_queue) / float(mean_square_limit(descent, workers=count))
        for count in counts
    ]
    predicted = [1 + 1 / (4 * count) for count in counts]
    return Evidence.close(
        predicted, ratios, tolerance=5e-4,
        note="limit of the moments' drift by search over the queue's, M = 64, 256, 1024",
    )  # fmt: skip


SPREAD = Claim(
    slug="spread-of-reads-restores-the-limit",
    title=(
        "Kept as noise in the modified equation, the spread of the reads gives the limit in mean "
        "square back: the root of Ma² − a − 2 − 1/M, which is the queue's times 1 + 1/(4M)."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(lagged.spread_equation_step_limit).subs(AGE, WORKERS), evaluate=False
    ),
    proof=_spread_proof,
    experiment=lambda rng: _spread_experiment(rng, in_queue=True),
    control=lambda rng: _spread_experiment(rng, in_queue=False),
    expected=Verdict.PROVED,
    figures=("continuous-accounts-of-asynchrony",),
    remark="In the control the spread moves x alone, as independent draws of staleness do; in a "
    "queue the read that was drawn is spent.",
)


# Half an update --------------------------------------------------------------------------------


def _half_proof() -> Evidence:
    """Floors to first order, of exact fixed delays and of the laws; limits for many workers."""
    plain = ALPHA * NOISE / (2 * H)
    checks = []
    for delay in range(5):
        exact = stale_moments(DESCENT, H, FixedDelay(staleness=delay), NOISE).stationary_variance
        found = sympy.series(sympy.cancel(exact / plain).subs(H, 1), ALPHA, 0, 2).removeO()
        checks.append(found - 1 - (delay + HALF) * ALPHA)
    own = sympy.series(
        (expression(lagged.delay_equation_variance) / plain).subs(H, 1), ALPHA, 0, 2
    ).removeO()
    inverse = sympy.Symbol("p", positive=True)
    fixed = staleness.fixed_delay_step_limit(1 / inverse)
    half = lagged.delay_equation_step_limit(1 / inverse + HALF)
    whole = lagged.delay_equation_step_limit(1 / inverse)
    memory = expression(lagged.memory_equation_variance).subs(AGE, WORKERS - HALF)
    queue = expression(staleness.queue_stationary_variance)
    return Evidence.exact(
        *checks,
        own - 1 - AGE * ALPHA,
        sympy.limit((half / fixed - 1) / inverse**2, inverse, 0) - sympy.pi**2 / 96,
        sympy.limit((whole / fixed - 1) / inverse, inverse, 0) - HALF,
        sympy.series((memory / queue).subs(H, 1), ALPHA, 0, 2).removeO() - 1,
        note="1 + (τ + ½)a for τ = 0 … 4; limits are off by π²/(96τ²), with age τ by 1/(2τ)",
    )


def _half_experiment(rng: np.random.Generator, extra: float) -> Evidence:
    delay, angle, replicas, updates = 15, 1.0, 40_000, 400
    step = angle / (delay + 0.5)
    run: Any = simulate_stale(
        GradientDescent(learning_rate=step), Quadratic([1.0]), FixedDelay(staleness=delay),
        steps=updates, replicas=replicas, noise_variance=1.0, record="moments", stride=updates,
        start=[0.0], seed=rng,
    ).moments  # fmt: skip
    return Evidence.statistical(
        lagged.delay_equation_variance(step, 1.0, 1.0, delay + extra),
        run.variance[-1, 0], run.variance_error[-1, 0],
        note=f"variance of {replicas:,} runs behind a fixed delay {delay}, αh = {step:.4f}",
    )  # fmt: skip


HALF_UPDATE = Claim(
    slug="an-update-is-half-an-update-of-age",
    title=(
        "In continuous time a staleness τ is the age τ + ½: so read, the delay equation has the "
        "floor of a fixed delay to first order in αh and its limit to second order in 1/τ; with "
        "the age τ each is off by one order less."
    ),
    source=Citation("yu2025"),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Lt(
        ALPHA * H,
        lagged.delay_equation_step_limit(symbol("staleness") + HALF),
        evaluate=False,
    ),
    proof=_half_proof,
    experiment=lambda rng: _half_experiment(rng, 0.5),
    control=lambda rng: _half_experiment(rng, 0.0),
    expected=Verdict.PROVED,
    figures=("continuous-accounts-of-asynchrony",),
    remark="Of the source, which reads conditions of convergence off the characteristic roots of "
    "such equations, only the abstract was read; the half is not its claim. Memory equations gain "
    "it too: with the age M − ½ in place of M their floor is the queue's to first order.",
)


def round_robin_floors(steps: NDArray[np.float64], delay: int) -> NDArray[np.float64]:
    """The exact floor behind a fixed delay, σ² = h = 1, by Lyapunov's equation for each step."""
    descent = GradientDescent(learning_rate=steps)
    found = stale_moments(descent, 1.0, FixedDelay(staleness=delay), 1.0).stationary_variance
    return np.asarray(found, dtype=float)
