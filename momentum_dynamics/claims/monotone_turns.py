"""Strongly monotone games of two numbers in turn: nothing is left for momentum to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.playing import round_coefficients
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import games
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import LinearGame, QuadraticGame
from momentum_dynamics.scalars import expression

__all__ = ["scalar_class", "turns_gap"]

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
R, B, Z = symbol("rate"), sympy.Symbol("b", positive=True), sympy.Symbol("z")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


def scalar_class(condition_number: float, points: int = 4) -> LinearGame:
    """Games ½ax² + bxy − ½cy² with a, c in [1/κ, 1] and b in [0, 1], on a grid."""
    pull = np.geomspace(1 / condition_number, 1.0, points)
    coupling = np.append(0.0, np.geomspace(1 / condition_number, 1.0, 2 * points))
    a, b, c = (part.ravel() for part in np.meshgrid(pull, coupling, pull, indexing="ij"))
    return QuadraticGame.family(a, b, c)


def turns_gap(condition_number: float) -> float:
    """One minus the best rate in turn at a condition: where `games.turns_condition` meets it."""
    from scipy.optimize import brentq

    tiny = 1e-3 / condition_number
    return float(
        brentq(lambda gap: games.turns_condition(1 - gap) - condition_number, tiny, 1 - 1e-9,
               xtol=1e-15)
    )  # fmt: skip


def _alone(curvature: Any) -> Any:
    """The polynomial of one player on a curvature."""
    return characteristic_polynomial(BALL, curvature).as_expr()


def _round(first: Any, coupling: Any, second: Any) -> Any:
    """The polynomial of a round in turn."""
    highest_first = round_coefficients(BALL, QuadraticGame(first, coupling, second), "alternating")
    return sympy.Poly.from_list(list(highest_first), Z).as_expr()


def _reached() -> list[Any]:
    """Without momentum and with s = αb the rest of a round is z² − (A + C − s²)z + AC.

    A = 1 − αa and C = 1 − αc lie in [0, r] for r = 1 − α/κ, α ≤ 1. At r it is (r − A)(r − C) + s²r
    ≥ 0; its last coefficient is at most r²; at −r it is least for a = b = c = 1, where it vanishes
    with α − `turns_step_limit`. So all roots lie in |z| ≤ r, and a = 1/κ, b = 0 has the root r.
    """
    share, other, coupling = sympy.symbols("A C s", nonnegative=True)
    whole = _round((1 - share) / ALPHA, coupling / ALPHA, (1 - other) / ALPHA).subs(BETA, 0)
    rest = sympy.expand(sympy.cancel(whole / Z**2))
    stiff = rest.subs({Z: -R, share: 1 - ALPHA, other: 1 - ALPHA, coupling: ALPHA})
    root, limit = sympy.sqrt(R), games.turns_step_limit(0, R)
    least = R + 1 - ALPHA - ALPHA * root
    return [
        sympy.expand(rest - Z**2 + (share + other - coupling**2) * Z - share * other),
        sympy.expand(rest.subs(Z, R) - (R - share) * (R - other) - coupling**2 * R),
        sympy.expand(rest.subs(Z, -R) - (R + share) * (R + other) + coupling**2 * R),
        sympy.expand(stiff - least * (R + 1 - ALPHA + ALPHA * root)),
        sympy.simplify(least - (1 + root) * (limit - ALPHA)),
    ]


def _asked() -> list[Any]:
    """What any rate R < 1 asks: β ≤ R² as a product of roots, and α ≤ `turns_step_limit`(β, R).

    At −R the polynomial of the game 1, 1, 1 is X² − α²R³ with X that of one player on curvature 1:
    both must not be negative. Without momentum the limit rises with R from (√2 − 1)² on, and is at
    least 2√2 − 2.

    With β < 0 a player alone on the curvature μ = 1/κ has αμβ < 0 at 1 − αμ, so R > 1 − αμ, at
    least 7/8; but the limit is below the one without momentum, so αμ is too.
    """
    soft = symbol("smallest_curvature")
    alone, both = (poly.subs(Z, -R) for poly in (_alone(1), _round(1, 1, 1)))
    hard, bound = sympy.Rational(3, 2), games.turns_step_limit(BETA, R)
    root = sympy.Symbol("u", positive=True)  # of R
    plain = games.turns_step_limit(0, root**2)
    rise = sympy.factor(plain.diff(root) * (1 + root) ** 2)
    return [
        sympy.expand(both - alone**2 + ALPHA**2 * R**3),
        sympy.simplify((alone - ALPHA * R**hard) / (R + R**hard) - (bound - ALPHA)),
        sympy.expand(rise - (root**2 + 2 * root - 1)),
        sympy.simplify(plain.subs(root, sympy.sqrt(2) - 1) - (2 * sympy.sqrt(2) - 2)),
        sympy.simplify(bound / games.turns_step_limit(0, R) - 1 - BETA / R),
        sympy.expand(_alone(soft).subs(Z, 1 - ALPHA * soft) - ALPHA * soft * BETA),
    ]


def _left() -> list[Any]:
    """What is left: with β > 0 some game a = c = μ is as slow.

    They have a root r exp(iθ), c = cos θ, wherever

        1 − αμ + β = r + β(2c − 1)/r,   αb = s with s² = 2(1 − c)(r − β/r)²/r.

    From b = 0, where r is the rate of a player alone, at least √β and at least half of M = 1 − αμ +
    β, s moves continuously to its value at c = 1/2, where r = M.

    1. If α is beyond that value, R ≥ 1 − αμ + β. With α₀ the best step without momentum, a better
       rate asks α > α₀ + βκ, its limit α ≤ α₀(1 + β/R): so R < 1/κ. But R ≥ 1 − αμ with α ≤ 1 + R
       is R ≥ (κ − 1)/(κ + 1), and κ² − 2κ − 1 > 0.
    2. Else s = α for some r, on the game with b = 1. Then αμ = (1 − r)(1 − β/r) + βα²/(r − β/r)²;
       with e = β/r and q = 1 − e ≥ r − β/r the gap is at most αμ + (e/q)(αμ − rα²/q²). If the
       bracket is positive, α < μ/r and the gap is below μ²/r. Else a better gap asks α > α₀, and
       with α ≤ α₀(1 + e) again μ > rα₀ − μ. Both ask rα₀ < 2μ; but r ≥ M/2 ≥ 3/8 as α ≤ 2.
    """
    r, c, soft, e = sympy.symbols("r c mu e", positive=True)
    square = 2 * (1 - c) * (r - BETA / r) ** 2 / r
    whole = r + BETA * (2 * c - 1) / r
    rate = (1 + BETA - whole) / soft  # the learning rate at which it is a root
    found = _round(soft, B, soft).subs(B, sympy.sqrt(square) / ALPHA).subs(ALPHA, rate)
    numerator, _ = sympy.fraction(sympy.together(found))
    asked = (1 - r) * (1 - BETA / r) + BETA * square / (r - BETA / r) ** 2
    q = 1 - e
    gap = (ALPHA * soft - r * e * ALPHA**2 / q**2) / q
    least = 2 * sympy.sqrt(2) - 2
    kappa = sympy.Symbol("k", nonnegative=True) + 8
    return [
        sympy.rem(numerator, Z**2 - 2 * r * c * Z + r**2, Z),
        sympy.simplify(whole.subs(c, sympy.Rational(1, 2)) - r),
        sympy.simplify(rate * soft - asked),
        sympy.simplify(gap - ALPHA * soft - e / q * (ALPHA * soft - r * ALPHA**2 / q**2)),
        bool(sympy.expand(kappa**2 - 2 * kappa - 1).is_positive),
        bool(sympy.Rational(3, 8) * least > sympy.Rational(2, 8)),
    ]


def _turns_proof() -> Evidence:
    """Reached without momentum, and no better with any: L = 1, μ = 1/κ ≤ 1/8, 0 < α, |β| < 1."""
    return Evidence.exact(
        *_reached(),
        *_asked(),
        *_left(),
        note="every game of the class without momentum; the games 1, 1, 1 and μ, b, μ with any",
    )


def _turns_experiment(order: str) -> Evidence:
    kappa = 100.0
    family = scalar_class(kappa)
    best = (
        tune("heavy-ball", game=family, play=order)
        if order == "alternating"
        else tune("heavy-ball", spectrum=family.spectrum())
    )
    gap = 1 - float(np.max(spectral_radius(best, family, play=order)))
    return Evidence.close(
        [0.0, turns_gap(kappa) * kappa], [best.momentum, gap * kappa], tolerance=1e-4,
        note="best momentum and gap × κ at κ = 100, by a search over a grid of games",
    )  # fmt: skip


TURNS = Claim(
    slug="alternation-needs-no-momentum-on-strongly-monotone-games",
    title=(
        "On strongly monotone games of two numbers with κ ≥ 8, descent in turn has a gap of about "
        "1/κ at the best step, and no momentum does better."
    ),
    source=Citation("zhang2022"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(
        sympy.Eq(BETA, 0), sympy.Eq(symbol("condition_number"), expression(games.turns_condition))
    ),
    proof=_turns_proof,
    experiment=lambda _: _turns_experiment("alternating"),
    control=lambda _: _turns_experiment("simultaneous"),
    expected=Verdict.PROVED,
    figures=("gaps-against-condition",),
    remark=(
        "Equal steps and momenta; games ½ax² + bxy − ½cy² with a, c in [1/κ, 1] and b in [0, 1]. "
        "What negative momentum does for play at once, taking turns does by itself. The exact rate "
        "and its optimality are ours."
    ),
)
