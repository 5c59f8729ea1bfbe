"""Momentum at a saddle: faster or slower, depending on what is held equal; and who stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import simulated_rates
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.laws import noise, saddles
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, ASCENT = symbol("learning_rate"), symbol("momentum"), symbol("ascent")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
Z = sympy.Symbol("z")

ASCENTS = np.array([0.1, 0.5, 2.0])
LEARNING_RATE, MOMENTUM = 0.1, 0.6


def _plain_growth(*, effective: bool) -> Any:
    step = noise.effective_learning_rate(ALPHA, BETA) if effective else ALPHA
    return saddles.plain_escape_rate(step, ASCENT)


def _for_momentum(relation: Any) -> Any:
    """A statement about positive learning rates and momenta between 0 and 1."""
    return sympy.Implies(sympy.And(ALPHA > 0, BETA > 0, BETA < 1), relation)


def _faster_statement() -> Any:
    return _for_momentum(expression(saddles.escape_rate) > _plain_growth(effective=False))


def _slower_statement() -> Any:
    return _for_momentum(expression(saddles.escape_rate) < _plain_growth(effective=True))


def _proof(*, effective: bool) -> Evidence:
    """The sign of the characteristic polynomial at gradient descent's growth factor.

    At 1 + αg it is negative, so the larger root lies beyond. At 1 + αg/(1 − β) it is positive and
    the mean of the roots lies below, so both roots do. Signs are taken with β = 1/(1 + e), e > 0.
    """
    polynomial = characteristic_polynomial(BALL, -ASCENT)
    root = polynomial.as_expr().subs(Z, expression(saddles.escape_rate))
    growth = _plain_growth(effective=effective)
    value = polynomial.as_expr().subs(Z, growth)
    below = growth + polynomial.all_coeffs()[1] / 2
    alpha, e = sympy.symbols("a e", positive=True)

    def signed(part: Any) -> Any:
        return sympy.factor(sympy.simplify(part.subs({ALPHA: alpha, BETA: 1 / (1 + e)})))

    if effective:
        signs = [bool(signed(value).is_positive), bool(signed(below).is_positive)]
    else:
        signs = [bool(signed(value).is_negative)]
    return Evidence.exact(
        sympy.simplify(root), *signs,
        note="sign of the characteristic polynomial at gradient descent's factor",
    )  # fmt: skip


def _race(*, effective: bool, lead: int, momentum: float = MOMENTUM) -> Evidence:
    """Growth in simulation: momentum's against its law, and the sign of its lead over descent."""
    step = noise.effective_learning_rate(LEARNING_RATE, momentum) if effective else LEARNING_RATE
    ball = simulated_rates(HeavyBall(learning_rate=LEARNING_RATE, momentum=momentum), -ASCENTS)
    plain = simulated_rates(GradientDescent(learning_rate=step), -ASCENTS)
    law = saddles.escape_rate(LEARNING_RATE, momentum, ASCENTS)
    return Evidence.close(
        [*law, *np.full(len(law), lead)], [*ball, *np.sign(ball - plain)], tolerance=1e-9,
        note="simulated growth against the law, and whether momentum leads (1) or trails (−1)",
    )  # fmt: skip


FASTER = Claim(
    slug="momentum-escapes-saddles-faster-at-equal-step",
    title="At a saddle heavy ball with 0 < β < 1 grows faster than gradient descent at equal step.",
    source=Citation("oneill2019"),
    kind=Kind.LOWER_BOUND,
    statement=_faster_statement,
    proof=lambda: _proof(effective=False),
    experiment=lambda _: _race(effective=False, lead=1),
    control=lambda _: _race(effective=True, lead=1),
    expected=Verdict.PROVED,
    figures=("saddle-escape",),
    remark="The control gives gradient descent the effective step α/(1 − β).",
)

SLOWER = Claim(
    slug="momentum-escapes-saddles-slower-at-equal-effective-step",
    title=(
        "At equal effective step α/(1 − β) heavy ball with 0 < β < 1 leaves a saddle more slowly "
        "than gradient descent."
    ),
    source=Citation(None),
    kind=Kind.UPPER_BOUND,
    statement=_slower_statement,
    proof=lambda: _proof(effective=True),
    experiment=lambda _: _race(effective=True, lead=-1),
    control=lambda _: _race(effective=False, lead=-1),
    expected=Verdict.PROVED,
    figures=("saddle-escape",),
    remark="What helps at a saddle is the larger step that momentum hides, not the memory.",
)


def _always_statement() -> Any:
    """For all effective steps and momenta: what is often said, without what is held equal."""
    effective = symbol("effective_learning_rate")
    growth = saddles.escape_rate((1 - BETA) * effective, BETA, ASCENT)
    return _for_momentum(growth > saddles.plain_escape_rate(effective, ASCENT))


def _always_correction() -> Evidence:
    """Which normalization decides, and by how much: the exponent at equal effective step.

    It solves the characteristic equation to second order, near the root 1, which is simple.
    """
    small = sympy.Symbol("q", positive=True)
    ball = HeavyBall(learning_rate=(1 - BETA) * small, momentum=BETA)
    polynomial = characteristic_polynomial(ball, -1).as_expr()
    residue = polynomial.subs(Z, sympy.exp(saddles.matched_exponent(small, BETA, 1)))
    orders = [sympy.diff(residue, small, order).subs(small, 0) for order in (1, 2)]
    return Evidence.exact(
        _proof(effective=True).passed,
        _proof(effective=False).passed,
        residue.subs(small, 0),
        *map(sympy.simplify, orders),
        sympy.simplify(sympy.diff(polynomial, Z).subs({small: 0, Z: 1}) - (1 - BETA)),
        note="faster at equal step, slower at equal effective step, and by how much",
    )


ALWAYS = Claim(
    slug="momentum-escapes-saddles-faster",
    title="Momentum leaves saddles faster than gradient descent.",
    source=Citation(None),
    kind=Kind.LOWER_BOUND,
    statement=_always_statement,
    proof=_always_correction,
    experiment=lambda _: _race(effective=True, lead=1),
    control=lambda _: _race(effective=False, lead=1, momentum=-MOMENTUM),
    expected=Verdict.REFUTED,
    figures=("saddle-escape",),
    remark=(
        "False without saying what is held equal: true at equal learning rate, false at equal "
        "effective rate α/(1 − β), where log r₊ = αₑg − (1 + β)/(1 − β) · (αₑg)²/2 + …, below "
        "gradient descent's. What helps is the step that momentum permits. The control has "
        "negative momentum, which loses at equal learning rate."
    ),
)


def _line_statement() -> Any:
    now, before = symbol("position"), symbol("earlier_position")
    share = saddles.unstable_coefficient(ALPHA, BETA, ASCENT, now, before)
    slope = saddles.returning_rate(ALPHA, BETA, ASCENT)
    return sympy.Equivalent(
        sympy.Eq(share, 0, evaluate=False), sympy.Eq(now, slope * before, evaluate=False)
    )


def _line_proof() -> Evidence:
    """r₋ is a root, and the coefficient is linear in the state with x = r₋x₋ as its only zeros."""
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    polynomial = characteristic_polynomial(ball, -ASCENT).as_expr()
    slope, growth = expression(saddles.returning_rate), expression(saddles.escape_rate)
    now, before = symbol("position"), symbol("earlier_position")
    share = saddles.unstable_coefficient(ALPHA, BETA, ASCENT, now, before)
    moved = saddles.unstable_coefficient(
        ALPHA, BETA, ASCENT, (1 + BETA + ALPHA * ASCENT) * now - BETA * before, now
    )
    return Evidence.exact(
        polynomial.subs(Z, slope),
        share.subs(now, slope * before),
        sympy.simplify(sympy.diff(share, now) - growth / (growth - slope)),
        moved - growth * share,
        note="the line is invariant; off it the coefficient grows by r₊ at each step",
    )


def _staying_slopes(momenta: Any, ascent: float) -> Any:
    """The slope x/x₋ from which simulated runs change the side of the saddle that they leave to."""
    ball = HeavyBall(learning_rate=0.1, momentum=np.asarray(momenta))
    low, high = np.full(len(momenta), -1.5), np.full(len(momenta), 1.5)
    for _ in range(40):
        slope = (low + high) / 2
        state = (slope[:, None], np.ones((len(momenta), 1)))
        run = simulate(ball, Quadratic([-ascent]), steps=200, start=state)
        side = run.outputs[-1, :, 0] > 0
        low, high = np.where(side, low, slope), np.where(side, slope, high)
    return (low + high) / 2


MOMENTA = np.array([-0.5, 0.3, 0.6, 0.9])


def _line_check(law: Any) -> Evidence:
    found = _staying_slopes(MOMENTA, 1.0)
    return Evidence.close(
        law(0.1, MOMENTA, 1.0), found, tolerance=1e-9,
        note="slope x/x₋ of the starts that stay, bisected by simulation, β = −0.5, 0.3, 0.6, 0.9",
    )  # fmt: skip


LINE = Claim(
    slug="only-a-line-of-starts-stays-at-a-saddle",
    title=(
        "Along a direction of negative curvature only the starts on the line x₀ = r₋x₋₁ stay: of "
        "all pairs (x₀, x₋₁) a set of measure zero."
    ),
    source=Citation("oneill2019"),
    kind=Kind.IDENTITY,
    statement=_line_statement,
    proof=_line_proof,
    experiment=lambda _: _line_check(saddles.returning_rate),
    control=lambda _: _line_check(lambda _rate, momentum, _ascent: momentum),
    expected=Verdict.PROVED,
    figures=("starts-at-a-saddle",),
    remark=(
        "The paper shows it for general strict saddles; here is the line itself. Its slope is r₋, "
        "not β, as the control has it. In floating point rounding leaves the line as well."
    ),
)
