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
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall, state_space
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate, simulate_queue

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


def _recursion() -> dict[Any, Any]:
    """What one update makes of E x², E xu, c and E u²: u the mean of the reads, c of their squares.

    With p = 1/M, a read r drawn uniformly and ξ of variance σ², x' = x − αh r − αξ, and the writer
    then holds x' in place of r: u' = u + p(x' − r). Given all before, E r = u and E r² = c. So

        E x'²  = E x² − 2αh E xu + (αh)²c + α²σ²,
        E x'u' = E x'u + p E x'² − p E x'r,   E x'u = E xu − αh E u²,   E x'r = E xu − αh c,
        c'     = (1 − p)c + p E x'²,
        E u'²  = E u² + 2p(E x'u − E u²) + p²(E x'² − 2 E x'r + c).
    """
    square, cross, held, mean = sympy.symbols("W X c U")
    step, share = ALPHA * H, 1 / WORKERS
    newest = square - 2 * step * cross + step**2 * held + ALPHA**2 * NOISE
    before, drawn = cross - step * mean, cross - step * held
    return {
        square: newest,
        cross: before + share * (newest - drawn),
        held: (1 - share) * held + share * newest,
        mean: mean + 2 * share * (before - mean) + share**2 * (newest - 2 * drawn + held),
    }


def _limit_proof() -> Evidence:
    """1 is an eigenvalue of the closed recursion only at the positive root of Ma² − a − 2.

    Its map T takes second moments of random variables to such, a cone, so that its spectral radius
    ρ is an eigenvalue. At a = 0 that is 1, once for M > 1, and it falls as 1 − 2a. As ρ is
    continuous in a, second moments contract until 1 is an eigenvalue again: until det(I − T) = 0,
    at the root. Beyond they never contract: the floor Σ Tᵏ(what noise adds) is not negative.
    """
    limit = expression(staleness.queue_mean_square_limit)
    floor = queue_moments(DESCENT, 1, workers=WORKERS, noise_variance=1).stationary_variance
    quadratic = WORKERS * ALPHA**2 - ALPHA - 2
    moved = sympy.Matrix(list(_recursion().values())).jacobian(list(_recursion())).subs(H, 1)
    eigenvalue = sympy.Symbol("lambda")
    fixed = sympy.factor((eigenvalue * sympy.eye(4) - moved.subs(ALPHA, 0)).det())
    stay = 1 - 1 / WORKERS
    apart = (eigenvalue - stay) ** 2 * (eigenvalue - 1 + 2 / WORKERS)
    return Evidence.exact(
        sympy.cancel((sympy.eye(4) - moved).det() + 2 * ALPHA * quadratic / WORKERS**3),
        sympy.cancel(fixed - (eigenvalue - 1) * apart),
        floor * quadratic + ALPHA * (1 + WORKERS * ALPHA),
        quadratic.subs(ALPHA, limit),
        mean_square_limit(DESCENT, workers=WORKERS) - limit,
        sympy.limit(limit / sympy.sqrt(2 / WORKERS), WORKERS, sympy.oo) - 1,
        note="det(I − T) of the recursion written out; the floor is negative beyond its root",
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


def _floor_proof() -> Evidence:
    """The closed recursion, settled."""
    kept = _recursion()
    settled = sympy.solve([later - now for now, later in kept.items()], list(kept))
    law = expression(staleness.queue_stationary_variance)
    priced = (law / law.subs(WORKERS, 1)).subs(H, 1)
    plain = law.subs(H, 1) / (ALPHA * NOISE / 2)
    half = sympy.Rational(1, 2)
    return Evidence.exact(
        queue_moments(DESCENT, H, workers=WORKERS, noise_variance=NOISE).stationary_variance - law,
        settled[next(iter(kept))] - law,
        sympy.series(priced, ALPHA, 0, 2).removeO() - (1 + (WORKERS - 1) * ALPHA),
        sympy.series(plain, ALPHA, 0, 2).removeO() - (1 + (WORKERS - half) * ALPHA),
        note="from two closed recursions of second moments, one written out; expanded in a",
    )


FLOOR = Claim(
    slug="noise-floor-of-the-queue",
    title=(
        "M memoryless workers settle at the variance ασ²(1 + Ma)/(h(2 + a − Ma²)), a = αh: to "
        "first order asynchrony costs a factor 1 + (M − 1)a of noise."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("V"), expression(staleness.queue_stationary_variance), evaluate=False
    ),
    proof=_floor_proof,
    experiment=lambda rng: _floor_runs(rng, in_queue=True, predict_queue=True),
    control=lambda rng: _floor_runs(rng, in_queue=False, predict_queue=True),
    expected=Verdict.PROVED,
    figures=("price-of-asynchrony",),
    remark="The factor is over the floor of one worker. Over ασ²/(2h), what small steps leave, it "
    "is 1 + (M − ½)a. The control draws staleness independently.",
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
