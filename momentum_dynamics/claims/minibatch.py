"""Mini-batches: noise of the curvature, and when momentum stops helping."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.loop import transition_matrix
from momentum_dynamics.dynamics.minibatch import mean_square_radius, mini_batch_limit
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.stationary import query_variance
from momentum_dynamics.laws import minibatch, noise
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import LeastSquares, MiniBatches
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__ = ["growth_of_squares"]

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
TAU = symbol("curvature_variance")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


# The variance operator -------------------------------------------------------------------------


def _operator(varying: Any) -> Any:
    """Second moments of a symmetric 2 × 2 state, (xx, xy, yy), under noise of the curvature."""
    x, y, c = sympy.symbols("x y c")
    matrix = sympy.Matrix(transition_matrix(BALL, H))
    system = state_space(BALL)
    kick = sympy.Matrix(system.B) * sympy.Matrix(system.C)
    moments = sympy.Matrix([[x, c], [c, y]])
    moved = matrix * moments * matrix.T + varying * kick * moments * kick.T
    entries = [sympy.expand(moved[place]) for place in ((0, 0), (0, 1), (1, 1))]
    return sympy.Matrix([[entry.coeff(name) for name in (x, c, y)] for entry in entries])


def _operator_statement() -> Any:
    first, second = sympy.symbols("z_1 z_2")
    return sympy.Contains(
        first * second, sympy.FiniteSet(first**2, second**2, first * second), evaluate=False
    )


def _operator_proof() -> Evidence:
    """(λ − β)(λ² − (s² − 2β)λ + β²): the roots are z₁², z₂² and z₁z₂."""
    z = sympy.Symbol("z")
    trace = 1 + BETA - ALPHA * H
    known = (z - BETA) * (z**2 - (trace**2 - 2 * BETA) * z + BETA**2)
    found = _operator(0).charpoly(z).as_expr()
    return Evidence.exact(
        sympy.expand(found - known), note="the characteristic polynomial of the 3 × 3 operator"
    )


def _operator_experiment(*, variance: float) -> Evidence:
    rates = np.linspace(0.1, 3.0, 12)[:, None]
    balls = HeavyBall(learning_rate=rates, momentum=np.array([0.1, 0.5, 0.9]))
    return Evidence.close(
        spectral_radius(balls, 1.0) ** 2, mean_square_radius(balls, 1.0, variance),
        tolerance=1e-6, note="36 settings: the operator's radius against the square of the loop's",
    )  # fmt: skip


OPERATOR = Claim(
    slug="variance-operator-has-squared-roots",
    title="Under additive noise second moments move by an operator with eigenvalues z₁², z₂² and "
    "z₁z₂, so at the square of the loop's rate.",
    source=Citation("zhang2017"),
    kind=Kind.IDENTITY,
    statement=_operator_statement,
    proof=_operator_proof,
    experiment=lambda _: _operator_experiment(variance=0.0),
    control=lambda _: _operator_experiment(variance=0.05),
    expected=Verdict.PROVED,
    remark="On the robust region the radius is β. The control lets the curvature vary.",
)


# The limit in mean square ----------------------------------------------------------------------


def _limit_statement() -> Any:
    return sympy.Lt(ALPHA, expression(minibatch.mean_square_step_limit))


def _limit_proof() -> Evidence:
    """Where τ² times the query's variance is 1, the operator has the eigenvalue 1, and only there.

    It maps covariances to covariances, so its radius is one of its eigenvalues, and it rises with
    τ². Noise of rank one makes det(1 − T) linear in τ²: it is 1 − τ²g times that without, which has
    no zero where the mean is stable. So the radius is below 1 for τ²g < 1 and above beyond; and τ²g
    rises with α, as its numerator does while its denominator falls.
    """
    limit = minibatch.mean_square_step_limit(BETA, H, TAU)
    gain = query_variance(BALL, H)
    operator, still = _operator(TAU), _operator(0)
    whole, without = ((sympy.eye(3) - each).det() for each in (operator, still))
    shown = (1 + BETA) * ALPHA / (H * (1 - BETA) * (2 * (1 + BETA) - ALPHA * H))
    return Evidence.exact(
        sympy.simplify((TAU * gain).subs(ALPHA, limit) - 1),
        sympy.simplify(whole.subs(ALPHA, limit)),
        sympy.simplify(whole - (1 - TAU * gain) * without),
        sympy.simplify(gain - shown),
        sympy.simplify(limit.subs(TAU, 0) - 2 * (1 + BETA) / H),
        note="τ²g = 1 there, and 1 is an eigenvalue of the second-moment operator there alone",
    )


def growth_of_squares(
    learning_rate: float, momentum: float, curvature: float, variance: float
) -> float:
    """The factor per step of E x², from all sequences of curvatures h ± τ, in exact proportion."""
    steps, deviation = 16, np.sqrt(variance)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=steps)))
    point, before = np.ones((2, len(signs)))
    squares = [1.0]
    for step in range(steps):
        h = curvature + deviation * signs[:, step]
        point, before = point + momentum * (point - before) - learning_rate * h * point, point
        squares.append(float(np.mean(point**2)))
    return squares[-1] / squares[-2]


def _limit_experiment(*, with_variance: bool) -> Evidence:
    """At the predicted limit E x² must neither grow nor shrink in the long run."""
    found = []
    for momentum, curvature, variance in ((0.0, 1.0, 1.0), (0.3, 0.5, 1.0), (0.5, 2.0, 20.0)):
        rate = mini_batch_limit(
            "heavy-ball", momentum=momentum, curvature=curvature,
            curvature_variance=variance if with_variance else 0.0,
        )  # fmt: skip
        found.append(growth_of_squares(rate, momentum, curvature, variance))
    return Evidence.close(
        1.0, found, tolerance=2e-3, note="growth of E x² at the limit, from all 65,536 sequences"
    )


LIMIT = Claim(
    slug="mean-square-limit-of-heavy-ball",
    title="With a curvature of variance τ² heavy ball is stable in mean square below "
    "α = 2h(1 − β)/(τ² + h²(1 − β)/(1 + β)).",
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=_limit_statement,
    proof=_limit_proof,
    experiment=lambda _: _limit_experiment(with_variance=True),
    control=lambda _: _limit_experiment(with_variance=False),
    expected=Verdict.PROVED,
    figures=("mini-batch-limits",),
    remark="For any method with one gradient a step the limit is where τ² times the variance of "
    "the query under unit noise is 1. The control takes the limit of the mean.",
)


def _rescale_statement() -> Any:
    limit = minibatch.mean_square_step_limit(BETA, H, TAU)
    effective = noise.effective_learning_rate(limit, BETA)
    return sympy.Eq(sympy.Limit(TAU * effective, TAU, sympy.oo, dir="-"), 2 * H, evaluate=False)


def _rescale_proof() -> Evidence:
    effective = noise.effective_learning_rate(minibatch.mean_square_step_limit(BETA, H, TAU), BETA)
    scaled = sympy.simplify(TAU * effective)
    momentum = sympy.limit(effective.subs(BETA, 1 - sympy.Symbol("e")), sympy.Symbol("e"), 0)
    plain = effective.subs(BETA, 0)
    return Evidence.exact(
        sympy.limit(scaled, TAU, sympy.oo) - 2 * H,
        sympy.simplify(momentum / plain - minibatch.speed_up_limit(H, TAU)),
        sympy.simplify(minibatch.speed_up_limit(H, TAU) - 1 - H**2 / TAU),
        note="α_eff τ² → 2h whatever β is; the most that momentum gains is 1 + h²/τ²",
    )


def _rescale_experiment(*, variance: float) -> Evidence:
    momenta = np.array([0.0, 0.5, 0.9, 0.99])
    limits = mini_batch_limit(
        "heavy-ball", momentum=momenta, curvature=1.0, curvature_variance=variance
    )
    return Evidence.close(
        1.0, np.asarray(limits) / (1 - momenta) * variance / 2, tolerance=1e-2,
        note="largest α_eff over 2h/τ², four momenta",
    )  # fmt: skip


RESCALE = Claim(
    slug="in-small-batches-momentum-only-rescales",
    title="Where noise of the curvature dominates, the largest effective learning rate is 2h/τ² "
    "whatever the momentum; in general momentum gains at most a factor 1 + h²/τ².",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_rescale_statement,
    proof=_rescale_proof,
    experiment=lambda _: _rescale_experiment(variance=1000.0),
    control=lambda _: _rescale_experiment(variance=1.0),
    expected=Verdict.PROVED,
    figures=("mini-batch-limits", "speed-up-against-batch-size"),
    remark="With τ² = c h²/B the gain is at most 1 + B/c, so momentum begins to pay at batches of "
    "about c. A statement on stability, not on the rate at a given loss.",
)


# Moments and real mini-batches -----------------------------------------------------------------


def _settled_statement() -> Any:
    floor, unit = sympy.symbols("V g")
    return sympy.Eq(sympy.Symbol("Var"), floor / (1 - TAU * unit), evaluate=False)


def _settled_proof() -> Evidence:
    """The stationary second moments solve the operator's equation, for heavy ball and Nesterov."""
    from momentum_dynamics.dynamics.stationary import stationary_covariance, stationary_variance

    sigma = symbol("noise_variance")
    found: list[Any] = []
    for method in (BALL, Nesterov(learning_rate=ALPHA, momentum=BETA)):
        system = state_space(method)
        noisy = sigma / (1 - TAU * query_variance(method, H))
        covariance = stationary_covariance(method, H, noisy)
        matrix = sympy.Matrix(transition_matrix(method, H))
        kick, gain = sympy.Matrix(system.B), sympy.Matrix(system.B) * sympy.Matrix(system.C)
        moved = (
            matrix * covariance * matrix.T
            + TAU * gain * covariance * gain.T
            + sigma * kick * kick.T
        )
        found += [sympy.simplify(entry) for entry in moved - covariance]
        answer = sympy.Matrix(system.E) * covariance * sympy.Matrix(system.E).T
        law = stationary_variance(method, H, sigma, curvature_variance=TAU)
        found.append(sympy.simplify(answer[0] - law))
    return Evidence.exact(*found, note="solves the second-moment equation of both methods")


def _mini_batch_experiment(rng: np.random.Generator, *, varying: bool) -> Evidence:
    """Mini-batches of four samples of one feature, fit without error, against exact moments.

    With the samples drawn independently the curvature of a batch has the samples' variance over 4.
    """
    features = rng.normal(size=300)
    problem = LeastSquares(features[:, None], 2.0 * features)
    batch, steps, replicas = 4, 5, 40_000
    curvature = float(problem.spectrum()[0])
    variance = float(np.var(features**2)) / batch if varying else 0.0
    ball = HeavyBall(learning_rate=0.3, momentum=0.6)
    run = simulate(
        ball, MiniBatches(problem, batch_size=batch, seed=rng), steps=steps, replicas=replicas,
        seed=rng,
    )  # fmt: skip
    exact = second_moments(
        ball, curvature, 0.0, steps=steps, start=-2.0, curvature_variance=variance
    )
    chosen = np.array([1, 2, 3, 5])
    squares = (run.outputs[chosen, :, 0] - problem.solution) ** 2
    return Evidence.statistical(
        exact.second_moment[chosen], squares.mean(axis=1),
        squares.std(axis=1, ddof=1) / np.sqrt(replicas),
        note=f"second moments after 1 to 5 steps over {replicas:,} replicas, batches of {batch}",
    )  # fmt: skip


MINI_BATCH = Claim(
    slug="mini-batches-are-noise-of-the-curvature",
    title="Mini-batches add noise of the curvature: second moments move by M⊗M + τ²(BC)⊗(BC), and "
    "the noise floor is divided by 1 − τ²g.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_settled_statement,
    proof=_settled_proof,
    experiment=lambda rng: _mini_batch_experiment(rng, varying=True),
    control=lambda rng: _mini_batch_experiment(rng, varying=False),
    expected=Verdict.PROVED,
    figures=("mini-batch-limits",),
    remark="g is the variance of the query under unit noise. Exact where a batch's curvature is "
    "independent of its other noise, as where the data are fit without error; in general the two "
    "are correlated. The control knows the mean curvature only.",
)
