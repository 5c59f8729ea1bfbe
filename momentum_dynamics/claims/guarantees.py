"""What is guaranteed on all smooth convex functions: published values, tightness, misprints."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.certificates import certified_rate
from momentum_dynamics.dynamics.loop import transition_matrix
from momentum_dynamics.dynamics.optimum import tune, worst_rate
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.laws import guarantees, optima
from momentum_dynamics.methods import HeavyBall, ThreeParameter, TripleMomentum, state_space
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import PiecewiseQuadratic, Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, KAPPA = symbol("learning_rate"), symbol("condition_number")


# Published values ------------------------------------------------------------------------------

PUBLISHED = {
    "Nesterov, μ = 0.1, n = 2": 0.467544,
    "heavy ball, μ = 0.1, α = 1/2, n = 2": 0.9025,
    "triple momentum, μ = 0.1, n = 4": 0.238925,
    "robust momentum, κ = 10, λ = 0.2, one step": 0.528555,
    "optimal method, μ = 0.001, n = 15": 0.756605,
    "heavy ball, quadratic growth, n = 5": 0.0833333,
}
"""What the documentation of the package prints for L = 1."""


def _published_statement() -> Any:
    return sympy.And(
        sympy.Eq(sympy.Symbol("Nesterov"), expression(guarantees.nesterov_guarantee)),
        sympy.Eq(sympy.Symbol("safe"), expression(guarantees.safe_guarantee)),
        sympy.Eq(sympy.Symbol("triple"), expression(guarantees.triple_momentum_guarantee)),
        sympy.Eq(sympy.Symbol("optimal"), expression(guarantees.optimal_guarantee)),
        sympy.Eq(sympy.Symbol("growth"), expression(guarantees.growth_guarantee)),
    )


def _guaranteed(*, late: int) -> list[float]:
    """The laws at the published settings, after so many steps more."""
    weight = 0.0
    for _ in range(15 + late):
        weight = guarantees.optimal_weight(weight, 1000.0)
    return [
        guarantees.nesterov_guarantee(10.0, 2 + late),
        guarantees.safe_guarantee(0.5, 0.1, 2 + late),
        guarantees.triple_momentum_guarantee(0.1, 1.0, 4 + late),
        optima.robust_momentum_rate(10.0, 0.2) ** (2 + 2 * late),
        guarantees.optimal_guarantee(weight, 1000.0),
        guarantees.growth_guarantee(1.0, 5 + late),
    ]


def _published_experiment(*, late: int) -> Evidence:
    return Evidence.close(
        list(PUBLISHED.values()), _guaranteed(late=late), tolerance=1e-6,
        note="six published worst-case values against the laws",
    )  # fmt: skip


VALUES = Claim(
    slug="published-worst-case-values",
    title="Six worst-case guarantees that a package for worst cases prints are reproduced to six "
    "digits.",
    source=Citation("goujaud2022"),
    kind=Kind.IDENTITY,
    statement=_published_statement,
    proof=None,
    experiment=lambda _: _published_experiment(late=0),
    control=lambda _: _published_experiment(late=1),
    expected=Verdict.CONFIRMED,
    remark=f"{'; '.join(f'{name}: {value:g}' for name, value in PUBLISHED.items())}; with L = 1. "
    "The control counts one step more.",
)


# Triple momentum -------------------------------------------------------------------------------


def _tight_statement() -> Any:
    value = expression(guarantees.triple_momentum_guarantee)
    return sympy.Eq(sympy.Symbol("f_n"), value, evaluate=False)


def _tight_proof() -> Evidence:
    """On the parabola of curvature L, with μ = 1 and κ = k², for every n ≥ 1 at once.

    The transition has the eigenvalues 0 and −ρ, so from the first state on every step multiplies
    by −ρ; the first answer is 1 − k, and L(1 − k)²/2 is the guarantee for n = 1.
    """
    root = sympy.Symbol("k", positive=True)
    method = TripleMomentum(smallest_curvature=sympy.Integer(1), largest_curvature=root**2)
    rate = optima.triple_momentum_rate(root**2)
    matrix = sympy.Matrix(transition_matrix(method, root**2))
    first = matrix * sympy.Matrix([1, 1])
    answer = (sympy.Matrix(state_space(method).E) * first)[0]
    bound = [guarantees.triple_momentum_guarantee(1, root**2, steps) for steps in (1, 2)]
    return Evidence.exact(
        *(matrix * first + rate * first), root**2 * answer**2 / 2 - bound[0],
        bound[1] - rate**2 * bound[0],
        note="the answer is (−ρ)ⁿ⁻¹(1 − √κ) on the steepest parabola",
    )  # fmt: skip


def _largest_values(method: Any, ends: tuple[float, float], steps: int) -> Any:
    """The largest f − f* after each step over parabolas, from distance 1."""
    curvatures = np.linspace(*ends, 91)
    run = simulate(method, Quadratic(curvatures), steps=steps, start=np.ones(91))
    return (curvatures * run.outputs**2 / 2).max(axis=1)


def _tight_experiment(kind: str) -> Evidence:
    ends = (0.1, 1.0)
    method = tune(
        kind, smallest_curvature=ends[0], largest_curvature=ends[1], objective="smooth-convex"
    )
    steps = np.arange(1, 9)
    return Evidence.close(
        guarantees.triple_momentum_guarantee(*ends, steps),
        _largest_values(method, ends, 8)[1:], tolerance=1e-12,
        note="the largest value over 91 parabolas after 1 to 8 steps against the guarantee, κ = 10",
    )  # fmt: skip


TIGHT = Claim(
    slug="triple-momentum-guarantee-is-attained-by-a-parabola",
    title="Triple momentum's guarantee f − f* ≤ Lκρ²ⁿ/2 for distance 1 is attained, after every "
    "number of steps, by the parabola of curvature L.",
    source=Citation("vanscoy2018"),
    kind=Kind.TIGHT_BOUND,
    statement=_tight_statement,
    proof=_tight_proof,
    experiment=lambda _: _tight_experiment("triple-momentum"),
    control=lambda _: _tight_experiment("nesterov"),
    expected=Verdict.PROVED,
    remark="The guarantee is the source's; that a parabola attains it, as a start at rest makes "
    "the answer leap by √κ − 1 at first, is ours. The control runs Nesterov's method.",
)


def _exponent_statement() -> Any:
    steps = symbol("steps")
    low, high = symbol("smallest_curvature"), symbol("largest_curvature")
    printed = guarantees.triple_momentum_guarantee(low, high, steps + 1)
    return sympy.Le(sympy.Symbol("f_n"), printed, evaluate=False)


def _exponent_experiment(kind: str, *, late: int) -> Evidence:
    """How far a parabola is above a guarantee, as a share of it, at worst over 1 to 12 steps."""
    ends, steps = (0.1, 1.0), np.arange(1, 13)
    method = tune(
        kind, smallest_curvature=ends[0], largest_curvature=ends[1], objective="smooth-convex"
    )
    bound = guarantees.triple_momentum_guarantee(*ends, steps + late)
    excess = _largest_values(method, ends, 12)[1:] / bound - 1
    return Evidence.close(
        0.0, np.maximum(excess, 0), tolerance=1e-9,
        note="excess of the worst of 91 parabolas over the guarantee, as a share of it",
    )  # fmt: skip


EXPONENT = Claim(
    slug="triple-momentum-exponent-as-printed",
    title="After n steps from distance 1 triple momentum has f − f* ≤ Lκρ²⁽ⁿ⁺¹⁾/2.",
    source=Citation("goujaud2022"),
    kind=Kind.UPPER_BOUND,
    statement=_exponent_statement,
    proof=_tight_proof,
    experiment=lambda _: _exponent_experiment("triple-momentum", late=1),
    control=lambda _: _exponent_experiment("gradient-descent", late=0),
    expected=Verdict.REFUTED,
    remark="A misprint of a docstring, whose code is right: the exponent is 2n. The parabola of "
    "curvature L exceeds what is printed by 1/ρ² after every number of steps. The control holds "
    "gradient descent to the right bound.",
)


# A momentum that is safe -----------------------------------------------------------------------


def _safe_statement() -> Any:
    bound = expression(guarantees.safe_guarantee)
    return sympy.Le(sympy.Symbol("f_n") / sympy.Symbol("f_0"), bound, evaluate=False)


def _safe_excess(ball: HeavyBall, rate: float, ends: tuple[float, float], steps: int) -> float:
    """The largest f_n/f_0 beyond (1 − αμ)ⁿ over parabolas and starts on Lessard's function."""
    problem = PiecewiseQuadratic((1, 2), (ends[1], ends[0], ends[1]))
    starts = np.linspace(-6, 6, 120)  # none of them at the minimum
    run = simulate(ball, problem, steps=steps, replicas=120, start=starts[:, None])
    curved = problem.loss(run.points) / problem.loss(run.points[0])
    plain = _largest_values(ball, ends, steps) / (ends[1] / 2)
    bound = guarantees.safe_guarantee(rate, ends[0], np.arange(steps + 1))
    return float(max((curved / bound[:, None]).max(), (plain / bound).max()) - 1)


def _safe_experiment(*, safe: bool) -> Evidence:
    excess = []
    for kappa in (5.0, 25.0, 100.0):
        tuned: Any = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
        for share in (0.2, 0.6, 1.0):
            rate = share / kappa if safe else float(tuned.learning_rate)
            momentum = guarantees.safe_momentum(rate, 1.0, kappa) if safe else tuned.momentum
            ball = HeavyBall(learning_rate=rate, momentum=float(momentum))
            certified = certified_rate(ball, 1.0, kappa, frequencies=801).rate or np.inf
            excess.append(certified - np.sqrt(guarantees.safe_guarantee(rate, 1.0, 1)))
            excess.append(_safe_excess(ball, rate, (1.0, kappa), 60))
    return Evidence.close(
        0.0, np.maximum(excess, 0), tolerance=1e-6,
        note="excess of certified rates and of values in runs over the guarantee, nine settings",
    )  # fmt: skip


SAFE = Claim(
    slug="heavy-ball-has-a-safe-momentum",
    title="With the momentum √((1 − αμ)(1 − αL)) and αL ≤ 1 heavy ball's values fall at least by "
    "1 − αμ a step on all smooth strongly convex functions.",
    source=Citation("ghadimi2015"),
    kind=Kind.UPPER_BOUND,
    statement=_safe_statement,
    proof=None,
    experiment=lambda _: _safe_experiment(safe=True),
    control=lambda _: _safe_experiment(safe=False),
    expected=Verdict.CONFIRMED,
    remark="Safe, and no faster than gradient descent: at α = 1/L nothing of the momentum is left. "
    "The control has Polyak's parameters.",
)


# A worst case that is a parabola, and a misprint ----------------------------------------------


def _worst_statement() -> Any:
    value = sympy.Function("P_2")(sympy.Rational(1, 10)) ** 2
    return sympy.Eq(sympy.Symbol("f_2") / sympy.Symbol("f_0"), value, evaluate=False)


def _worst_experiment(*, curvature: float) -> Evidence:
    """Heavy ball with α = 1/2, β = √((1 − αμ)(1 − αL)), μ = 0.1, L = 1, two steps."""
    rate, low, high = 0.5, 0.1, 1.0
    momentum = np.sqrt((1 - rate * low) * (1 - rate * high))
    ball = HeavyBall(learning_rate=rate, momentum=momentum)
    left = float(residual_polynomial(ball, 2)(curvature))
    return Evidence.close(
        0.753492450790, left**2, tolerance=1e-5, note="the published worst case against f = hx²/2"
    )


WORST = Claim(
    slug="a-worst-case-can-be-a-quadratic",
    title="The worst smooth strongly convex function for two steps of heavy ball at α = 1/2, as "
    "found by semidefinite programming, is the parabola of curvature μ.",
    source=Citation("goujaud2022"),
    kind=Kind.EMPIRICAL,
    statement=_worst_statement,
    proof=None,
    experiment=lambda _: _worst_experiment(curvature=0.1),
    control=lambda _: _worst_experiment(curvature=0.2),
    expected=Verdict.CONFIRMED,
    remark="The published value is 0.753493; a parabola reaches it. For other methods the worst "
    "case is no quadratic.",
)


def _printed(kappa: Any, rate: Any) -> ThreeParameter:
    """Robust momentum with the parameters as the docstring prints them."""
    return ThreeParameter(
        learning_rate=kappa * (1 - rate**2) * (1 + rate) / kappa,
        momentum=kappa * rate**3 / (kappa - 1),
        lookahead=rate**2 / ((kappa - 1) * (1 - rate) ** 2 * (1 + rate)),
    )


def _misprint_statement() -> Any:
    rate = symbol("rate")
    printed = _printed(KAPPA, rate)
    return sympy.And(
        sympy.Eq(ALPHA, printed.learning_rate, evaluate=False),
        sympy.Eq(symbol("lookahead"), printed.lookahead, evaluate=False),
    )


def _misprint_proof() -> Evidence:
    """With (1 − ρ)² in α and ρ³ in γ the roots at both ends of the spectrum have modulus ρ."""
    found = []
    for kappa, robustness in ((sympy.Integer(4), sympy.Rational(1, 5)), (sympy.Integer(9), 0)):
        rate = optima.robust_momentum_rate(kappa, robustness)
        right = optima.robust_momentum(sympy.Integer(1), kappa, robustness)
        # On the flattest mode, h = 1, the rate is a root of the characteristic polynomial.
        trace = 1 + right.momentum - right.learning_rate * (1 + right.lookahead)
        determinant = right.momentum - right.learning_rate * right.lookahead
        found.append(sympy.simplify(rate**2 - trace * rate + determinant))
    return Evidence.exact(*found, note="the corrected parameters have the declared rate at h = μ")


def _misprint_experiment(*, printed: bool) -> Evidence:
    kappa, robustness = 10.0, 0.2
    rate = float(optima.robust_momentum_rate(kappa, robustness))
    right = ThreeParameter(**optima.robust_momentum(1.0, kappa, robustness)._asdict())
    claimed = rate if printed else rate**2
    method = ThreeParameter(
        learning_rate=_printed(kappa, rate).learning_rate / 1.0,
        momentum=_printed(kappa, rate).momentum,
        lookahead=_printed(kappa, rate).lookahead,
    )
    found = worst_rate(method if printed else right, np.linspace(1, kappa, 101))
    return Evidence.close(
        claimed, found, tolerance=1e-6, note="worst radius on [1, 10] against the declared rate"
    )


MISPRINT = Claim(
    slug="robust-momentum-as-printed",
    title="Robust momentum has α = κ(1 − ρ²)(1 + ρ)/L and γ = ρ²/((κ − 1)(1 − ρ)²(1 + ρ)).",
    source=Citation("goujaud2022"),
    kind=Kind.IDENTITY,
    statement=_misprint_statement,
    proof=_misprint_proof,
    experiment=lambda _: _misprint_experiment(printed=True),
    control=lambda _: _misprint_experiment(printed=False),
    expected=Verdict.REFUTED,
    remark="A misprint of a docstring, whose code is right: α has (1 − ρ)², γ has ρ³. As printed "
    "the method diverges on quadratics. The control compares the right method with ρ².",
)
