"""Beyond the mean: what asynchrony does to second moments, where it is not momentum."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.limits import mean_square_limit
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments, stale_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import optima, staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall, state_space
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate, simulate_queue
from momentum_dynamics.simulation.exponents import path_exponent

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
WORKERS, NOISE = symbol("workers"), symbol("noise_variance")
DESCENT = GradientDescent(learning_rate=ALPHA)


def _whole_operator(method: Any, curvature: float, workers: int) -> Any:
    """E A ⊗ A of the method's slots and of what each worker holds, written out worker by worker."""
    system = state_space(method)
    slots, size = system.slots, system.slots + workers
    total = np.zeros((size**2, size**2))
    for worker in range(workers):
        matrix = np.eye(size)
        matrix[:slots, :slots] = system.A
        matrix[:slots, slots + worker] = curvature * system.B[:, 0]
        matrix[slots + worker] = system.C[0] @ matrix[:slots]
        total += np.kron(matrix, matrix) / workers
    return total


def _largest(operator: Any) -> float:
    return float(np.abs(np.linalg.eigvals(operator)).max())


# The limit in mean square ----------------------------------------------------------------------


def _limit_proof() -> Evidence:
    """The closed recursion's only pole in a is the positive root of Ma² − a − 2."""
    limit = expression(staleness.queue_mean_square_limit)
    floor = queue_moments(DESCENT, 1, workers=WORKERS, noise_variance=1).stationary_variance
    quadratic = WORKERS * ALPHA**2 - ALPHA - 2
    return Evidence.exact(
        floor * quadratic + ALPHA * (1 + WORKERS * ALPHA),
        quadratic.subs(ALPHA, limit),
        mean_square_limit(DESCENT, workers=WORKERS) - limit,
        sympy.limit(limit / sympy.sqrt(2 / WORKERS), WORKERS, sympy.oo) - 1,
        note="the noise floor, which is positive before, has its pole there",
    )


def _limit_experiment(_: np.random.Generator, law: Any) -> Evidence:
    counts = (2, 3, 4, 5)
    rates = [
        _largest(_whole_operator(GradientDescent(learning_rate=float(law(m))), 1.0, m))
        for m in counts
    ]
    return Evidence.close(
        1.0, rates, tolerance=1e-6,
        note="spectral radius of E A⊗A over all workers' reads at the limit, M = 2 … 5",
    )  # fmt: skip


LIMIT = Claim(
    slug="asynchrony-shrinks-the-stable-step-in-mean-square",
    title=(
        "M memoryless workers are stable in mean square for αh below (1 + √(1 + 8M))/(2M), about "
        "√(2/M), although their mean is stable up to 4M − 2."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.queue_mean_square_limit), evaluate=False
    ),
    proof=_limit_proof,
    experiment=lambda rng: _limit_experiment(rng, staleness.queue_mean_square_limit),
    control=lambda rng: _limit_experiment(rng, staleness.geometric_delay_step_limit),
    expected=Verdict.PROVED,
    figures=("limits-of-stale-steps", "mean-is-fine"),
    remark="Gradient descent. No earlier source of this closed form was found. The control is the "
    "limit of the mean. For heavy ball the limit is a root of a quadratic as well, which "
    "mean_square_limit answers in symbols.",
)


# With explicit momentum ------------------------------------------------------------------------

BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


def _ball_proof() -> Evidence:
    """The closed recursion of three slots, solved: its pole is the law's root."""
    found = queue_moments(BALL, H, workers=WORKERS, noise_variance=NOISE).stationary_variance
    limit = expression(staleness.heavy_ball_queue_step_limit)
    return Evidence.exact(
        found - expression(staleness.heavy_ball_queue_stationary_variance),
        mean_square_limit(BALL, workers=WORKERS) - limit,
        limit.subs(BETA, 0) - expression(staleness.queue_mean_square_limit),
        found.subs(WORKERS, 1) - stationary_variance(BALL, H, NOISE),
        note="floor and limit for every M and β; β = 0 and M = 1 are known",
    )


def _ball_experiment(rng: np.random.Generator, *, with_mean: bool) -> Evidence:
    """Runs of the queue with explicit momentum below and above 0, against the law."""
    workers, rate, updates, replicas = 6, 0.25, 300, 10_000
    predicted, measured, errors = [], [], []
    for momentum in (-0.4, 0.4):
        run: Any = simulate_queue(
            HeavyBall(learning_rate=rate, momentum=momentum), Quadratic([1.0]), workers=workers,
            service=Exponential(), updates=updates, noise_variance=1.0, replicas=replicas,
            record="moments", stride=updates, seed=rng,
        ).moments  # fmt: skip
        measured.append(run.variance[-1, 0])
        errors.append(run.variance_error[-1, 0])
        law = staleness.heavy_ball_queue_stationary_variance(rate, momentum, 1.0, 1.0, workers)
        if with_mean:
            effective = float(rate / (1 - momentum))
            law = staleness.queue_stationary_variance(effective, 1.0, 1.0, workers)
        predicted.append(float(law))
    return Evidence.statistical(
        predicted, measured, errors,
        note=f"variance of {replicas:,} queues with β = −0.4 and 0.4, M = {workers}",
    )  # fmt: skip


EXPLICIT = Claim(
    slug="heavy-ball-in-the-queue-has-a-closed-form",
    title=(
        "Heavy ball on M memoryless workers has its mean-square limit at the positive root of a "
        "quadratic polynomial in αh, which is also the denominator of its noise floor."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.heavy_ball_queue_step_limit), evaluate=False
    ),
    proof=_ball_proof,
    experiment=lambda rng: _ball_experiment(rng, with_mean=False),
    control=lambda rng: _ball_experiment(rng, with_mean=True),
    expected=Verdict.PROVED,
    figures=("limits-with-momentum",),
    remark="Derived from the closed recursion of second moments; no earlier source was found. The "
    "control takes explicit momentum for a larger learning rate, α/(1 − β), which is right for "
    "small steps only.",
)


# Independent staleness is another model --------------------------------------------------------


def _other_proof() -> Evidence:
    """Both floors, and that the queue bears more: its limit is beyond the other polynomial's root.

    The other limit is the root of f(a) = 2M(M − 1)a² + a − (4M − 2), which rises. At the queue's
    limit, where Ma² = a + 2, f is (2M − 1)a − 2; it is positive where (2M − 1)²(1 + 8M) is above
    (2M + 1)², and the difference is 32(M − 1)M².
    """
    queue = queue_moments(DESCENT, H, workers=WORKERS, noise_variance=NOISE)
    drawn = stale_moments(DESCENT, H, GeometricDelay(workers=WORKERS), NOISE)
    own = expression(staleness.queue_mean_square_limit)

    def rising(step: Any) -> Any:
        pairs = 2 * WORKERS * (WORKERS - 1)
        return pairs * step**2 + step - expression(staleness.geometric_delay_step_limit)

    squares = (2 * WORKERS - 1) ** 2 * (1 + 8 * WORKERS) - (2 * WORKERS + 1) ** 2
    return Evidence.exact(
        queue.stationary_variance - expression(staleness.queue_stationary_variance),
        drawn.stationary_variance - expression(staleness.independent_stationary_variance),
        rising(expression(staleness.independent_mean_square_limit)),
        rising(own) - ((2 * WORKERS - 1) * own - 2),
        squares - 32 * (WORKERS - 1) * WORKERS**2,
        note="closed forms from two recursions; the queue's limit is the larger for M > 1",
    )


def _floor_runs(rng: np.random.Generator, *, in_queue: bool, predict_queue: bool) -> Evidence:
    workers, rate, updates, replicas = 4, 0.5, 400, 4_000
    method, problem = GradientDescent(learning_rate=rate), Quadratic([1.0])
    if in_queue:
        run: Any = simulate_queue(
            method, problem, workers=workers, service=Exponential(), updates=updates,
            noise_variance=1.0, replicas=replicas, record="moments", stride=50, seed=rng,
        ).moments  # fmt: skip
    else:
        run = simulate(
            method, problem, steps=updates, noise_variance=1.0, replicas=replicas, seed=rng,
            delay=GeometricDelay(workers=workers), record="moments",
        )  # fmt: skip
    law = (
        staleness.queue_stationary_variance
        if predict_queue
        else staleness.independent_stationary_variance
    )
    return Evidence.statistical(
        law(rate, 1.0, 1.0, workers), run.variance[-1, 0], run.variance_error[-1, 0],
        note=f"variance after {updates} updates of {replicas:,} replicas, M = {workers}",
    )  # fmt: skip


FLOOR = Claim(
    slug="noise-floor-of-the-queue",
    title=(
        "M memoryless workers settle at the variance ασ²(1 + Ma)/(h(2 + a − Ma²)), a = αh: to "
        "first order asynchrony costs a factor 1 + Ma of noise."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("V"), expression(staleness.queue_stationary_variance), evaluate=False
    ),
    proof=lambda: Evidence.exact(
        queue_moments(DESCENT, H, workers=WORKERS, noise_variance=NOISE).stationary_variance
        - expression(staleness.queue_stationary_variance),
        sympy.series(
            expression(staleness.queue_stationary_variance).subs(H, 1) / (ALPHA * NOISE / 2),
            ALPHA,
            0,
            2,
        ).removeO()
        - (1 + (WORKERS - sympy.Rational(1, 2)) * ALPHA),
        note="from the closed recursion of second moments; expanded in a",
    ),
    experiment=lambda rng: _floor_runs(rng, in_queue=True, predict_queue=True),
    control=lambda rng: _floor_runs(rng, in_queue=False, predict_queue=True),
    expected=Verdict.PROVED,
    figures=("price-of-asynchrony",),
    remark="Against gradient descent without asynchrony, whose floor expands as 1 + a/2, the "
    "factor is 1 + (M − 1)a. The control draws staleness independently.",
)


INDEPENDENT = Claim(
    slug="independent-staleness-is-noisier-than-the-queue",
    title=(
        "Staleness drawn independently from the queue's own law has the queue's mean, but another "
        "noise floor, and a smaller limit in mean square."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Lt(
        expression(staleness.independent_mean_square_limit),
        expression(staleness.queue_mean_square_limit),
        evaluate=False,
    ),
    proof=_other_proof,
    experiment=lambda rng: _floor_runs(rng, in_queue=False, predict_queue=False),
    control=lambda rng: _floor_runs(rng, in_queue=True, predict_queue=False),
    expected=Verdict.PROVED,
    figures=("limits-of-stale-steps", "price-of-asynchrony"),
    remark="Most simulations of staleness draw it independently; the queue reads every version "
    "exactly once, which averages better.",
)


# An equal mean is no equal noise ---------------------------------------------------------------


def _twin_floor() -> Any:
    """The floor of the heavy ball with the queue's mean, its noise scaled as its gradient is."""
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(ALPHA, WORKERS),
        momentum=staleness.implicit_momentum(WORKERS),
    )
    return stationary_variance(twin, H, NOISE)


def _twin_proof() -> Evidence:
    """The queue's floor is above by 2M(M − 1)a(2 + a) over the product of both denominators."""
    step = ALPHA * H
    queue = expression(staleness.queue_stationary_variance)
    below = 2 + step - WORKERS * step**2
    other = expression(staleness.geometric_delay_step_limit) - step
    gap = 2 * WORKERS * (WORKERS - 1) * step * (2 + step)
    return Evidence.exact(
        queue - _twin_floor() - ALPHA * NOISE / H * gap / (below * other),
        note="the difference is positive for M > 1 wherever second moments settle",
    )


def _twin_experiment(rng: np.random.Generator) -> Evidence:
    """What a run of the queue has, against the floor of the heavy ball of equal mean."""
    workers, updates, replicas = 4, 400, 4_000
    rate = 0.5
    run: Any = simulate_queue(
        GradientDescent(learning_rate=rate), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=updates, noise_variance=1.0, replicas=replicas,
        record="moments", stride=updates, seed=rng,
    ).moments  # fmt: skip
    floor = float(_twin_floor().subs({ALPHA: rate, H: 1, NOISE: 1, WORKERS: workers}))
    return Evidence.statistical(
        floor, run.variance[-1, 0], run.variance_error[-1, 0],
        note=f"variance of {replicas:,} queues against heavy ball's floor, M = {workers}",
    )  # fmt: skip


TWIN = Claim(
    slug="heavy-ball-of-equal-mean-has-equal-noise",
    title=(
        "A heavy ball with the mean of M asynchronous workers also has their noise, so that it may "
        "stand for them."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        _twin_floor(), expression(staleness.queue_stationary_variance), evaluate=False
    ),
    proof=_twin_proof,
    experiment=_twin_experiment,
    control=lambda rng: _floor_runs(rng, in_queue=True, predict_queue=False),
    expected=Verdict.REFUTED,
    figures=("price-of-asynchrony",),
    remark="Often done in simulations. The heavy ball's floor is lower, by a share of the order "
    "Ma; with small steps the two agree.",
)


# Asynchrony accelerates the mean alone ---------------------------------------------------------


def _tuned_for_asynchrony(root: Any) -> tuple[Any, Any]:
    """Workers and learning rate whose mean is tuned heavy ball on curvatures from 1/κ to 1."""
    tuned = optima.heavy_ball(1 / root**2, sympy.Integer(1))
    workers = sympy.simplify(1 / (1 - tuned.momentum))
    return workers, sympy.simplify(tuned.learning_rate * workers)


def _acceleration_proof() -> Evidence:
    """The tuning asks for αL = √κ, and M(αL)² − αL − 2 > 0 from κ = 4 on: second moments explode.

    With k = √κ it is (k³ + 2k² − 3k − 8)/4; written in k − 2 ≥ 0 all coefficients are positive.
    """
    root, beyond = sympy.Symbol("k", positive=True), sympy.Symbol("x", nonnegative=True)
    workers, rate = _tuned_for_asynchrony(root)
    excess = sympy.expand((workers * rate**2 - rate - 2).subs(root, 2 + beyond))
    return Evidence.exact(
        workers - (root + 1) ** 2 / (4 * root),
        rate - root,
        all(bool(c > 0) for c in sympy.Poly(excess, beyond).coeffs()),
        note="the mean is tuned heavy ball's, and unstable in mean square for every κ ≥ 4",
    )


def _acceleration_experiment(rng: np.random.Generator, *, workers: int) -> Evidence:
    """The rate of almost every path on the stiffest curvature against tuned heavy ball's."""
    kappa = 100.0
    alone = float(optima.gradient_descent(1 / kappa, 1.0).learning_rate)
    rate = np.sqrt(kappa) if workers > 1 else alone
    found = path_exponent(
        GradientDescent(learning_rate=rate), 1.0, workers=workers, updates=1000, replicas=128,
        seed=rng,
    )  # fmt: skip
    predicted = float(np.log(optima.heavy_ball_rate(kappa)))
    return Evidence.statistical(
        predicted, found.value, max(found.error, 1e-12),
        note=f"log of the rate of single paths, κ = {kappa:g}, M = {workers}",
    )  # fmt: skip


ACCELERATES = Claim(
    slug="asynchrony-accelerates-as-momentum-does",
    title=(
        "With the right number of workers, (√κ + 1)²/(4√κ), asynchronous gradient descent is as "
        "fast as tuned heavy ball."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("rho"), expression(optima.heavy_ball_rate), evaluate=False
    ),
    proof=_acceleration_proof,
    experiment=lambda rng: _acceleration_experiment(rng, workers=3),
    control=lambda rng: _acceleration_experiment(rng, workers=1),
    expected=Verdict.REFUTED,
    figures=("mean-is-fine", "best-rates-of-queues"),
    remark="True of the mean and of nothing else: the theorem speaks of the mean, and this reading "
    "of it is not the paper's claim. The learning rate that it takes is αL = √κ, at which second "
    "moments explode from κ = 4 on, and single paths grow. The control is one worker, whose "
    "gradient descent is slower.",
)


def _best_mean_square(workers: int, kappa: float) -> float:
    """The best mean-square rate of gradient descent over learning rates, by golden section."""
    from scipy.optimize import minimize_scalar

    ends = np.array([1 / kappa, 1.0])
    limit = float(staleness.queue_mean_square_limit(workers))

    def worst(rate: float) -> float:
        method = GradientDescent(learning_rate=float(rate))
        return float(queue_moments(method, ends, workers=workers).mean_square_rate.max())

    found = minimize_scalar(worst, bounds=(0.1 * limit, limit), method="bounded")
    return float(np.sqrt(found.fun))


def _never_experiment(_: np.random.Generator, *, kappa: float, in_mean: bool) -> Evidence:
    """The largest gain over gradient descent of one worker that any number of workers has."""
    counts = (2, 3, 4, 8, 16, 64)
    own = float(optima.gradient_descent_rate(kappa))
    if in_mean:
        rates = [float(optima.heavy_ball_rate(kappa))]
    else:
        rates = [_best_mean_square(count, kappa) for count in counts]
    gains = [max(own - rate, 0.0) for rate in rates]
    return Evidence.close(
        0.0, gains, tolerance=1e-9,
        note=f"gain in the rate over one worker, κ = {kappa:g}, M = 2 … 64, best step for each",
    )  # fmt: skip


NEVER = Claim(
    slug="more-workers-are-slower-per-update-in-mean-square",
    title=(
        "In mean square gradient descent with any number of memoryless workers is slower per "
        "update than with one, each with its best learning rate."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Ge(
        sympy.Symbol("rho_M"), expression(optima.gradient_descent_rate), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _never_experiment(rng, kappa=100.0, in_mean=False),
    control=lambda rng: _never_experiment(rng, kappa=100.0, in_mean=True),
    expected=Verdict.CONFIRMED,
    figures=("best-rates-of-queues",),
    remark="Rates are roots of mean-square rates. Computed, not proved; the control is the best "
    "rate of the mean. Per unit of time M workers make M updates, and gain.",
)


# Almost every path -----------------------------------------------------------------------------


def _between(rng: np.random.Generator, workers: tuple[int, ...]) -> Evidence:
    """Just beyond the mean-square limit paths shrink; well below the mean's limit they grow."""
    checks, told = [], []
    for count in workers:
        low = 1.1 * float(staleness.queue_mean_square_limit(count))
        high = 0.5 * float(staleness.geometric_delay_step_limit(count))
        shrinks, grows = (
            path_exponent(
                GradientDescent(learning_rate=step), 1.0, workers=count, updates=600,
                replicas=128, seed=rng,
            )
            for step in (low, high)
        )  # fmt: skip
        checks += [shrinks.value < -5 * shrinks.error, grows.value > 5 * grows.error]
        told.append(f"M = {count}: {shrinks.value:.3f}, {grows.value:.2f}")
    return Evidence.exact(
        *map(bool, checks), note="exponents 10 % beyond, and at half: " + "; ".join(told)
    )


ALMOST_SURE = Claim(
    slug="almost-every-path-stops-converging-between-the-two-limits",
    title=(
        "As the step grows, second moments explode first, then almost every path, and the mean "
        "last."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(
        expression(staleness.queue_mean_square_limit),
        expression(staleness.geometric_delay_step_limit),
        evaluate=False,
    ),
    proof=None,
    experiment=lambda rng: _between(rng, (2, 4, 16)),
    control=lambda rng: _between(rng, (1,)),
    expected=Verdict.CONFIRMED,
    figures=("limits-of-stale-steps",),
    remark="M memoryless workers on one curvature without noise; exponents have errors from "
    "independent paths. With one worker, the control, there is one limit for all three.",
)
