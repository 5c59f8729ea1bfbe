"""Optimal parameters for a spectrum, and the method they are the limit of."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import simulated_rates
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import optima, regions, schedules
from momentum_dynamics.methods import Chebyshev, HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

KAPPA = symbol("condition_number")
CURVATURES = np.array([1.0, 3.0, 10.0, 30.0, 60.0, 100.0])


def _equations(kind: str, rate: Any) -> Any:
    """Learning rate, momentum and radius of a tuned method, as equations."""
    low, high = symbol("smallest_curvature"), symbol("largest_curvature")
    best = tune(kind, smallest_curvature=low, largest_curvature=high)
    return sympy.And(
        sympy.Eq(symbol("learning_rate"), best.learning_rate),
        sympy.Eq(symbol("momentum"), best.momentum),
        sympy.Eq(sympy.Symbol("rho"), expression(rate)),
    )


# Heavy ball ------------------------------------------------------------------------------------


def _ball_statement() -> Any:
    return _equations("heavy-ball", optima.heavy_ball_rate)


def _ball_proof() -> Evidence:
    """Reached: both ends lie on the edges of the robust region, so both radii are √β*.

    Not to be beaten: the roots obey (1 − z₁)(1 − z₂) = p(1) = αh, and |zᵢ| ≤ r < 1 puts that
    product between (1 − r)² and (1 + r)²; so κ ≤ ((1 + r)/(1 − r))², with equality at the rate.
    The same holds for every method of the (α, β, γ) family.
    """
    root = sympy.Symbol("k", positive=True)
    kappa = (1 + root) ** 2
    best = optima.heavy_ball(1, kappa)
    low = regions.robust_low_end(best.momentum) - best.learning_rate
    high = regions.robust_high_end(best.momentum) - best.learning_rate * kappa
    rate = optima.heavy_ball_rate(kappa)
    ball = HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    step = ball.learning_rate * symbol("curvature")
    product = characteristic_polynomial(ball, symbol("curvature")).eval(1) - step
    widest = ((1 + rate) / (1 - rate)) ** 2 - kappa
    gap = 1 - optima.heavy_ball_rate(KAPPA) - optima.heavy_ball_rate_gap(KAPPA)
    return Evidence.exact(
        low, high, rate**2 - best.momentum, product, widest, gap,
        note="both ends at the robust edges; αh = (1 − z₁)(1 − z₂) allows no wider spectrum",
    )  # fmt: skip


def _ball_experiment(*, momentum_shift: float) -> Evidence:
    best = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
    ball = HeavyBall(learning_rate=best.learning_rate, momentum=best.momentum + momentum_shift)
    rates = simulated_rates(ball, CURVATURES, steps=1600)
    return Evidence.close(
        optima.heavy_ball_rate(100.0), rates.max(), tolerance=3e-3,
        note="slowest mode of a simulated path, κ = 100",
    )  # fmt: skip


def _better_by_chance(rng: np.random.Generator, kind: str) -> float:
    """The best worst-case radius among random parameters around the tuned ones."""
    best = tune(kind, smallest_curvature=1.0, largest_curvature=100.0)
    factor, shift = rng.uniform(0.7, 1.3, 20_000), rng.uniform(-0.2, 0.2, 20_000)
    tried = type(best)(
        learning_rate=(best.learning_rate * factor)[:, None],
        momentum=(best.momentum + shift)[:, None],
    )
    return float(spectral_radius(tried, CURVATURES).max(axis=1).min())


OPTIMAL_BALL = Claim(
    slug="optimal-heavy-ball",
    title="No heavy ball is faster on [μ, L] than Polyak's, with rate (√κ − 1)/(√κ + 1).",
    source=Citation("polyak1964"),
    kind=Kind.TIGHT_BOUND,
    statement=_ball_statement,
    proof=_ball_proof,
    experiment=lambda _: _ball_experiment(momentum_shift=0.0),
    control=lambda _: _ball_experiment(momentum_shift=0.05),
    expected=Verdict.PROVED,
    figures=(
        "rate-against-condition-number",
        "rates-on-real-data",
        "loss-by-mode",
        "colorization",
    ),
    remark="On quadratics only: on smooth strongly convex functions the same parameters can cycle.",
)


# Nesterov --------------------------------------------------------------------------------------


def _nesterov_statement() -> Any:
    return _equations("nesterov", optima.nesterov_quadratic_rate)


def _nesterov_reached() -> list[Any]:
    """A double root at the rate for h = μ; for h = L the roots −rate and one in (0, rate)."""
    root = sympy.Symbol("R", positive=True)  # R = √(3κ + 1) ≥ 2
    kappa = (root**2 - 1) / 3
    best = optima.nesterov_quadratic(1, kappa)
    method = Nesterov(
        learning_rate=sympy.simplify(best.learning_rate), momentum=sympy.simplify(best.momentum)
    )
    rate = sympy.simplify(optima.nesterov_quadratic_rate(kappa))
    z = sympy.Symbol("z")
    slow = characteristic_polynomial(method, 1).as_expr() - (z - rate) ** 2
    stiff = characteristic_polynomial(method, kappa)
    other = sympy.simplify(stiff.all_coeffs()[2] / -rate)
    beyond = root, 2 + sympy.Symbol("e", positive=True)
    signs = [sympy.factor(sympy.simplify(part.subs(*beyond))) for part in (rate - other, other)]
    return [slow, stiff.as_expr().subs(z, -rate), *(bool(sign.is_positive) for sign in signs)]


def _nesterov_proof() -> Evidence:
    """Reached, see above; and not to be beaten, by the widest spectrum with radius at most r.

    Jury's conditions for radius r are linear in c = 1 − αh: |βc| ≤ r² and |(1 + β)c| ≤ r + βc/r,
    so the ends of the spectrum suffice, and κ = (1 − c_stiff)/(1 − c_slow). While the second
    binds, the slope of log κ has the sign of β. The first takes over, at the slow end, from β =
    r/(2 − r) on (which is above r²), and at the stiff end from β = −r/(2 + r) down: there κ falls
    away from 0. So its peaks are at these two, and the positive one is higher by (9 − r²)/(9(1 −
    r²)) > 1.
    """
    r, b, c = sympy.symbols("r b c")
    slow, stiff = (
        sympy.solve(sympy.Eq(sign * (1 + b) * c, r + b * c / r), c)[0] for sign in (1, -1)
    )
    widest = (1 - stiff) / (1 - slow)

    def slope(kappa: Any) -> Any:
        return sympy.diff(sympy.log(kappa), b)

    both = (r**2 - b**2) * (r - b * (1 - r)) * (r + b * (1 + r))
    right, left = (1 - stiff) / (1 - r**2 / b), (1 - r**2 / b) / (1 - slow)
    # For b > r² the first slope is negative, for b < 0 the second positive: each factor has a sign.
    falls = (
        r**2 * (b**2 * (2 + r) + 2 * b * r + r**2) / (b * (r**2 - b) * (b + r) * (r + b * (1 + r)))
    )
    rises = (
        r**2 * (b**2 * (2 - r) - 2 * b * r + r**2) / (b * (b - r**2) * (r - b) * (r - b * (1 - r)))
    )
    high, low = widest.subs(b, r / (2 - r)), widest.subs(b, -r / (2 + r))
    return Evidence.exact(
        *_nesterov_reached(),
        slope(widest) - 2 * r**3 * b * (2 + b) / both, slope(right) - falls, slope(left) - rises,
        high - (3 - r) * (1 + r) / (3 * (1 - r) ** 2), high / low - (9 - r**2) / (9 * (1 - r**2)),
        high.subs(r, optima.nesterov_quadratic_rate(KAPPA)) - KAPPA,
        note="roots at both ends; no parameters allow a wider spectrum at this rate",
    )  # fmt: skip


def _nesterov_experiment(rng: np.random.Generator, objective: str) -> Evidence:
    best = tune("nesterov", smallest_curvature=1.0, largest_curvature=100.0, objective=objective)
    rate = optima.nesterov_quadratic_rate(100.0)
    measured = simulated_rates(best, CURVATURES, steps=1600).max()
    beaten = min(_better_by_chance(rng, "nesterov"), rate)
    return Evidence.close(
        [rate, rate], [measured, beaten], tolerance=3e-3,
        note="slowest simulated mode, and the best of 20,000 random parameters, κ = 100",
    )  # fmt: skip


OPTIMAL_NESTEROV = Claim(
    slug="optimal-nesterov",
    title=(
        "On quadratics Nesterov's method is fastest with α = 4/(3L + μ), at rate 1 − 2/√(3κ + 1)."
    ),
    source=Citation("lessard2016", "Proposition 1"),
    kind=Kind.TIGHT_BOUND,
    statement=_nesterov_statement,
    proof=_nesterov_proof,
    experiment=lambda rng: _nesterov_experiment(rng, "quadratic"),
    control=lambda rng: _nesterov_experiment(rng, "smooth-convex"),
    expected=Verdict.PROVED,
    figures=("rate-against-condition-number",),
    remark="The control has the standard 1/L and its momentum, which are slower on quadratics.",
)


# Chebyshev -------------------------------------------------------------------------------------


def _chebyshev_statement() -> Any:
    step = symbol("step")
    return sympy.Eq(
        sympy.Limit(schedules.chebyshev_relaxation(KAPPA, step) - 1, step, sympy.oo),
        expression(optima.heavy_ball_rate) ** 2,
        evaluate=False,
    )


def _chebyshev_paths() -> list[Any]:
    """What six steps leave of curvature h: the Chebyshev polynomials, scaled to 1 at h = 0."""
    h, low, high = sympy.Symbol("h"), sympy.Integer(1), sympy.Integer(9)
    method = Chebyshev(smallest_curvature=low, largest_curvature=high)
    state, found = method.initial_state(sympy.Integer(1)), []
    scale = (low + high) / (high - low)
    for step in range(6):
        stage = method.stage(step)
        state = stage.update(state, h * stage.query(state))
        best = sympy.chebyshevt(step + 1, scale - 2 * h / (high - low))
        least = 1 / sympy.chebyshevt(step + 1, scale)
        found += [
            sympy.expand(state[0] - best * least),
            schedules.chebyshev_residual(high / low, step + 1) - least,
        ]
    return found


def _chebyshev_proof() -> Evidence:
    """The closed form solves the recursion for every step, and its limit is Polyak's momentum.

    That the scaled Chebyshev polynomials have the least maximum on the spectrum is classical.
    """
    root, n = sympy.Symbol("k", positive=True), sympy.Symbol("n", positive=True, integer=True)
    kappa = (1 + root) ** 2
    now, following = (schedules.chebyshev_relaxation(kappa, step) for step in (n, n + 1))
    shrink = optima.gradient_descent_rate(kappa)
    recursion = following - 1 / (1 - shrink**2 * now / 4)
    begin = schedules.chebyshev_relaxation(kappa, 1) - 1 / (1 - shrink**2 / 2)
    square = optima.heavy_ball_rate(kappa) ** 2  # below one, so its powers vanish
    limit = now.subs({square**n: 0, square ** (n + 1): 0})
    best = optima.heavy_ball(1, kappa)
    return Evidence.exact(
        *_chebyshev_paths(), recursion, begin, limit - 1 - best.momentum,
        2 * limit / (1 + kappa) - best.learning_rate,
        note="closed form solves the recursion; its limit is Polyak's",
    )  # fmt: skip


def _chebyshev_experiment(method: Any) -> Evidence:
    curvatures = np.linspace(1, 100, 4001)
    reached = [
        np.abs(second_moments(method, curvatures, 0.0, steps=n).mean[-1]).max() for n in (5, 20, 60)
    ]
    predicted = [schedules.chebyshev_residual(100.0, n) for n in (5, 20, 60)]
    return Evidence.close(
        predicted, reached, tolerance=1e-6, note="worst distance on [1, 100] after 5, 20, 60 steps"
    )


CHEBYSHEV = Claim(
    slug="chebyshev-tends-to-polyak",
    title=(
        "Heavy ball is frozen Chebyshev: the coefficients of the best method for every "
        "number of steps tend to Polyak's."
    ),
    source=Citation("golub1961"),
    kind=Kind.ASYMPTOTIC,
    statement=_chebyshev_statement,
    proof=_chebyshev_proof,
    experiment=lambda _: _chebyshev_experiment(
        Chebyshev(smallest_curvature=1.0, largest_curvature=100.0)
    ),
    control=lambda _: _chebyshev_experiment(
        tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
    ),
    expected=Verdict.PROVED,
    figures=("chebyshev-tends-to-polyak",),
    remark="The control runs the frozen method from rest: it does not reach the optimal residual.",
)
