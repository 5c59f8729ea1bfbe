"""How fast momentum leaves a saddle: limits, the root law, Nesterov, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import simulated_rates
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.laws import noise, regions, saddles
from momentum_dynamics.methods import GradientDescent, HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

ALPHA, BETA, ASCENT = symbol("learning_rate"), symbol("momentum"), symbol("ascent")
GAP, TOP = symbol("scaled_gap"), symbol("largest_curvature")
ONE = sympy.Integer(1)
Z, SMALL, E = sympy.Symbol("z"), sympy.Symbol("q", positive=True), sympy.Symbol("e", positive=True)


def _root_statement() -> Any:
    momentum = 1 - GAP * sympy.sqrt(ALPHA * ASCENT)
    exponent = sympy.log(saddles.escape_rate(ALPHA, momentum, ASCENT))
    scaled = exponent / sympy.sqrt(ALPHA * ASCENT)
    found = expression(saddles.scaled_exponent) / sympy.sqrt(ALPHA * ASCENT)
    return sympy.Eq(sympy.Limit(scaled, ALPHA, 0), found, evaluate=False)


def _root_proof() -> Evidence:
    """With q = √(αg): log r₊/q → (√(c² + 4) − c)/2, and its ratio to gradient descent's exponent.

    The law is written without cancellation; the textbook's form is proved equal.
    """
    growth = sympy.log(saddles.escape_rate(1, 1 - GAP * SMALL, SMALL**2))
    law = saddles.scaled_exponent(ONE, GAP, ONE)
    lead = sympy.limit(SMALL * growth / sympy.log(1 + SMALL**2), SMALL, 0)
    return Evidence.exact(
        sympy.limit(growth / SMALL, SMALL, 0) - law,
        law - (sympy.sqrt(GAP**2 + 4) - GAP) / 2,
        lead - saddles.escape_speed_up(ONE, GAP, ONE),
        note="limits of the exponent and of its ratio to gradient descent's as αg → 0",
    )


def _exponents(gain: float, gaps: Any, steps: int) -> Any:
    """Simulated log growth of heavy ball over √(αg), at β = 1 − c√(αg)."""
    ball = HeavyBall(learning_rate=1.0, momentum=1 - np.asarray(gaps) * np.sqrt(gain))
    return np.log(simulated_rates(ball, [-gain], steps=steps)[:, 0]) / np.sqrt(gain)


GAPS, GAIN = np.array([0.5, 1.0, 2.0]), 1e-4


def _root_check(law: Any) -> Evidence:
    return Evidence.close(
        law(GAPS), _exponents(GAIN, GAPS, 3000), tolerance=2e-3,
        note=f"log growth over √(αg) in simulation at αg = {GAIN:g}, c = 1/2, 1, 2",
    )  # fmt: skip


ROOT = Claim(
    slug="momentum-leaves-a-saddle-sooner-by-a-root",
    title=(
        "With 1 − β = c√(αg) heavy ball leaves a saddle (√(c² + 4) − c)/(2√(αg)) times sooner than "
        "gradient descent at equal step."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_root_statement,
    proof=_root_proof,
    experiment=lambda _: _root_check(lambda c: saddles.scaled_exponent(1.0, c, 1.0)),
    control=lambda _: _root_check(lambda c: 1 / c),
    expected=Verdict.PROVED,
    figures=("escape-speed-up",),
    remark="The control takes the exponent for αg/(1 − β), which holds for (1 − β)² ≫ αg only.",
)


def _limits_statement() -> Any:
    growth = sympy.log(expression(saddles.escape_rate))
    damped = sympy.Eq(
        sympy.Limit(growth / (ALPHA * ASCENT), ASCENT, 0), 1 / (1 - BETA), evaluate=False
    )
    undamped = sympy.Eq(
        sympy.log(saddles.escape_rate(ALPHA, 1, ASCENT)), expression(saddles.undamped_exponent)
    )
    return sympy.And(damped, undamped, evaluate=False)


def _limits_proof() -> Evidence:
    """The exponent solves the characteristic equation to first order, near a simple root."""
    polynomial = characteristic_polynomial(HeavyBall(learning_rate=1, momentum=BETA), -SMALL)
    damped = saddles.overdamped_exponent(SMALL, BETA, ONE)
    residue = polynomial.as_expr().subs(Z, sympy.exp(damped))
    at_rest = sympy.diff(polynomial.as_expr(), Z).subs({SMALL: 0, Z: 1})
    undamped = polynomial.as_expr().subs(BETA, 1)
    root = sympy.exp(saddles.undamped_exponent(ONE, SMALL))
    return Evidence.exact(
        residue.subs(SMALL, 0),
        sympy.diff(residue, SMALL).subs(SMALL, 0),
        sympy.simplify(at_rest - (1 - BETA)),
        sympy.expand(undamped.subs(Z, root)),
        note="residues of both exponents in the characteristic equation",
    )


def _limits_check(*, effective: bool) -> Evidence:
    momentum, gain = np.array([0.0, 0.5, 0.9]), 1e-5
    ball = HeavyBall(learning_rate=1.0, momentum=momentum)
    damped = np.log(simulated_rates(ball, [-gain], steps=4000)[:, 0]) / gain
    whole = simulated_rates(HeavyBall(learning_rate=1.0, momentum=1.0), [-0.3])
    law = noise.effective_learning_rate(1.0, momentum if effective else 0 * momentum)
    last = saddles.undamped_exponent(1.0, 0.3)
    return Evidence.close(
        [*law, last], [*damped, *np.log(whole)], tolerance=2e-2,
        note="exponents in simulation: over αg = 10⁻⁵ for β = 0, 0.5, 0.9, and at β = 1",
    )  # fmt: skip


LIMITS = Claim(
    slug="a-damped-ball-leaves-by-its-effective-step",
    title=(
        "Where αg ≪ (1 − β)² the exponent of the escape is αg/(1 − β), the effective step's; at "
        "β = 1 it is 2 log(√(αg)/2 + √(1 + αg/4))."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_limits_statement,
    proof=_limits_proof,
    experiment=lambda _: _limits_check(effective=True),
    control=lambda _: _limits_check(effective=False),
    expected=Verdict.PROVED,
    figures=("escape-speed-up",),
    remark="The control leaves out the division by 1 − β.",
)


def _nesterov_statement() -> Any:
    relation = expression(saddles.nesterov_escape_rate) > expression(saddles.escape_rate)
    return sympy.Implies(sympy.And(ALPHA > 0, BETA > 0, BETA < 1), relation)


def _nesterov_proof() -> Evidence:
    """Nesterov's polynomial is −βαg(r − 1) < 0 at heavy ball's growth r, so its root is beyond.

    Reduced modulo heavy ball's own polynomial; r > 1 since that is −αg at 1.
    """
    ball, other = (
        characteristic_polynomial(kind(learning_rate=ALPHA, momentum=BETA), -ASCENT).as_expr()
        for kind in (HeavyBall, Nesterov)
    )
    rest = sympy.rem(other, ball, Z)
    law = expression(saddles.nesterov_escape_rate)
    return Evidence.exact(
        sympy.expand(rest + BETA * ALPHA * ASCENT * (Z - 1)),
        sympy.expand(ball.subs(Z, 1) + ALPHA * ASCENT),
        sympy.simplify(other.subs(Z, law)),
        note="remainder of Nesterov's polynomial by heavy ball's",
    )


def _nesterov_race(momentum: float) -> Evidence:
    ascents = np.array([0.1, 0.5, 2.0])
    found = [
        simulated_rates(kind(learning_rate=0.1, momentum=momentum), -ascents)
        for kind in (Nesterov, HeavyBall)
    ]
    law = saddles.nesterov_escape_rate(0.1, momentum, ascents)
    return Evidence.close(
        [*law, *np.ones(3)], [*found[0], *np.sign(found[0] - found[1])], tolerance=1e-9,
        note="simulated growth against the law, and whether Nesterov leads (1) or trails (−1)",
    )  # fmt: skip


NESTEROV = Claim(
    slug="nesterov-leaves-a-saddle-faster-than-heavy-ball",
    title="At equal step and momentum, β > 0, Nesterov's method leaves a saddle faster.",
    source=Citation(None),
    kind=Kind.LOWER_BOUND,
    statement=_nesterov_statement,
    proof=_nesterov_proof,
    experiment=lambda _: _nesterov_race(0.6),
    control=lambda _: _nesterov_race(-0.6),
    expected=Verdict.PROVED,
    figures=("escape-speed-up",),
    remark="It asks for the gradient farther out. The control has negative momentum.",
)


def _larger_statement() -> Any:
    growth = expression(saddles.escape_rate)
    relation = sympy.Gt(sympy.Derivative(growth, BETA), 0)
    return sympy.Implies(sympy.And(ALPHA > 0, BETA > 0, BETA < 1), relation)


def _larger_proof() -> Evidence:
    """From the polynomial p: dr/dβ = −(∂p/∂β)/(∂p/∂z) = (r − 1)/(2r − 1 − β − αg), both positive.

    Likewise at the largest permitted step, where αg grows with β too.
    """
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    polynomial = characteristic_polynomial(ball, -ASCENT).as_expr()
    steps = regions.heavy_ball_step_limit(BETA)
    root = sympy.sqrt((1 + BETA + ALPHA * ASCENT) ** 2 - 4 * BETA)
    growth = expression(saddles.escape_rate)
    return Evidence.exact(
        sympy.diff(polynomial, BETA) + (Z - 1),
        sympy.expand(sympy.diff(polynomial, Z).subs(Z, growth) - root),
        sympy.diff(polynomial, ALPHA) + ASCENT * Z,
        bool(sympy.diff(steps, BETA) > 0),
        note="signs of the partial derivatives of the characteristic polynomial at its larger root",
    )


def _larger_race(*, effective: bool) -> Evidence:
    momentum = np.array([-0.5, 0.0, 0.5, 0.9, 0.99])
    rate = 0.05 / (noise.effective_learning_rate(1, momentum) if effective else 1)
    grown = simulated_rates(HeavyBall(learning_rate=rate, momentum=momentum), [-1.0])[:, 0]
    return Evidence.close(
        np.ones(4), np.sign(np.diff(grown)), tolerance=0.5,
        note="signs of the differences of simulated growth over β = −0.5, 0, 0.5, 0.9, 0.99",
    )  # fmt: skip


LARGER = Claim(
    slug="larger-momentum-accelerates-the-escape",
    title="At equal step every increase of momentum makes the escape from a saddle faster.",
    source=Citation("dixit2023", "abstract", True),
    kind=Kind.LOWER_BOUND,
    statement=_larger_statement,
    proof=_larger_proof,
    experiment=lambda _: _larger_race(effective=False),
    control=lambda _: _larger_race(effective=True),
    expected=Verdict.PROVED,
    figures=("escape-speed-up", "saddle-escape"),
    remark=(
        "So no momentum below 1 is best for the escape; what limits it is convergence afterwards. "
        "At equal effective step, the control, every increase makes it slower."
    ),
)


def _permitted_statement() -> Any:
    lead = sympy.log(saddles.permitted_escape_rate(1, TOP, ASCENT)) / sympy.log(
        saddles.permitted_escape_rate(0, TOP, ASCENT)
    )
    whole = sympy.Limit(lead * sympy.sqrt(ASCENT / TOP), ASCENT, 0)
    return sympy.Eq(whole, 1, evaluate=False)


def _permitted_proof() -> Evidence:
    exponents = [sympy.log(saddles.permitted_escape_rate(b, 1, SMALL**2)) for b in (1, 0)]
    lead = sympy.limit(SMALL * exponents[0] / exponents[1], SMALL, 0)
    return Evidence.exact(lead - 1, note="limit of the ratio of exponents times √(g/h_max)")


def _permitted_check(power: float) -> Evidence:
    ratio = np.array([1e2, 1e3, 1e4])
    ball = HeavyBall(learning_rate=4.0, momentum=1.0)
    exponents = [
        np.log(simulated_rates(method, -1 / ratio, steps=1500))
        for method in (ball, GradientDescent(learning_rate=2.0))
    ]
    return Evidence.close(
        np.ones(3), exponents[0] / exponents[1] / ratio**power, tolerance=2e-2,
        note="simulated ratio of exponents over a power of h_max/g = 10², 10³, 10⁴",
    )  # fmt: skip


PERMITTED = Claim(
    slug="permitted-steps-leave-sooner-by-the-root-of-the-condition",
    title=(
        "With the largest steps that the top curvature permits, the limit β → 1 leaves a saddle "
        "√(h_max/g) times sooner than gradient descent."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_permitted_statement,
    proof=_permitted_proof,
    experiment=lambda _: _permitted_check(1 / 2),
    control=lambda _: _permitted_check(1.0),
    expected=Verdict.PROVED,
    figures=("escape-speed-up",),
    remark=(
        "The largest step, 2(1 + β)/h_max, is at most twice gradient descent's; momentum is not "
        "made to divide by 1/(1 − β) what it multiplies. The control takes h_max/g."
    ),
)


def _trade_statement() -> Any:
    local = sympy.sqrt(BETA)
    relations = (
        sympy.Gt(sympy.Derivative(local, BETA), 0, evaluate=False),
        sympy.Gt(sympy.Derivative(expression(saddles.escape_rate), BETA), 0, evaluate=False),
    )
    return sympy.And(*relations, evaluate=False)


def _trade_check(momenta: Any) -> Evidence:
    """Over rising momenta both the rate at a minimum and the growth at a saddle must rise."""
    ball = HeavyBall(learning_rate=1.0, momentum=np.asarray(momenta))
    found = simulated_rates(ball, [0.1, 1.0, -0.1], steps=600)
    local, growth = found[:, :2].max(axis=1), found[:, 2]
    return Evidence.close(
        1, [*np.sign(np.diff(local)), *np.sign(np.diff(growth))], tolerance=0,
        note="signs of the differences of simulated rates, curvatures 0.1 and 1, and −0.1",
    )  # fmt: skip


def _trade_proof() -> Evidence:
    """On the robust region both roots at a minimum have modulus √β; at a saddle r₊ rises too."""
    polynomial = characteristic_polynomial(HeavyBall(learning_rate=ALPHA, momentum=BETA), ASCENT)
    rest = _larger_proof()
    return Evidence.exact(
        polynomial.as_expr().subs(Z, 0) - BETA, rest.passed,
        note="the product of the roots at a minimum; the derivative of the growth at a saddle",
    )  # fmt: skip


TRADE = Claim(
    slug="escape-trades-against-local-convergence",
    title=(
        "Beyond the best momentum for a minimum more of it slows convergence there and hastens the "
        "escape from a saddle."
    ),
    source=Citation("dixit2023", "abstract", True),
    kind=Kind.LOWER_BOUND,
    statement=_trade_statement,
    proof=_trade_proof,
    experiment=lambda _: _trade_check([0.5, 0.7, 0.9, 0.97]),
    control=lambda _: _trade_check([0.0, 0.15, 0.3, 0.45]),
    expected=Verdict.PROVED,
    figures=("escape-speed-up",),
    remark=(
        "α = 1, curvatures 0.1 and 1: the best momentum is (1 − √0.1)² = 0.47. Below it, the "
        "control, both gain by more momentum."
    ),
)
