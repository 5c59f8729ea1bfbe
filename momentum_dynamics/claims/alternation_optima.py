"""The best momentum for playing in turn, for each question another one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.alternation import (
    COUPLING,
    FIRST,
    M,
    S,
    W,
    Z,
    heavy_balls,
    polynomial,
)
from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.scalars import expression

__all__: list[str] = []


def _single_reached() -> list[Any]:
    """At the laws' parameters the quartic has a root of multiplicity three."""
    checks = []
    for law, rate, one_sided in (
        (games.best_alternating, _EQUAL_RATE, False),
        (games.best_one_sided, sympy.Rational(1, 2), True),
    ):
        step, momentum, _ = law(sympy.Integer(1))
        quartic = polynomial(FIRST, 0 if one_sided else FIRST)
        quartic = sympy.Poly(sympy.expand(quartic.subs({COUPLING: step**2, FIRST: momentum})), Z)
        for _ in range(3):
            checks.append(sympy.simplify(quartic.eval(-rate)))
            quartic = quartic.diff(Z)
    return checks


_EQUAL_RATE = 2 * sympy.sqrt(3) - 3


def _one_sided_bound() -> list[Any]:
    """Three roots within r: their e₂ − 2e₃ is 1 for every c and β, and at most 3r² + 2r³."""
    r = sympy.Symbol("r", positive=True)
    _, _, second, third = sympy.Poly(sympy.cancel(polynomial(FIRST, 0) / Z), Z).all_coeffs()
    return [
        sympy.expand(second + 2 * third - 1),  # e₃ is minus the last coefficient
        sympy.expand(3 * r**2 + 2 * r**3 - 1 - (2 * r - 1) * (r + 1) ** 2),
    ]


def _equal_bound() -> list[Any]:
    """Equal momenta: with z = −y² a round is q(y)q(−y), q = y⁴ − √c y³ + (1 + β)y² + β.

    With y = √r u the four u lie in the unit disc if the z lie within r. Of their symmetric
    functions e₃ = 0, and r e₂ − r² e₄ = 1 whatever c and β are. Schur's step leaves a cubic with
    roots in the disc and coefficients A₂, A₁ = e₂/(1 + e₄), A₀ = −e₄A₂, for which Π(1 ± u) ≥ 0 and
    Π(1 − uᵢuⱼ) ≥ 0, and v = 1 + A₁ ≤ 4.

    Let B = −e₄ > 0 and k = B(1 − B)/(1 + B)². The first says A₂² ≤ v²/(1 + B)², so the second kv² −
    v + 2 ≥ 0: v lies outside its roots 2(1 + B)/(1 − B) and (1 + B)/B, of which the larger is above
    4. So e₂ ≤ 1 + 3B up to B = 1/3 and e₂ ≤ 1/B − 1 from there on, and e₂ + rB is largest at 1/3:
    1 ≤ r(2 + r/3), which is r ≥ 2√3 − 3. For e₄ = b ≥ 0 it is less: A₁ ≤ 1 − b(1 + b)A₂² ≤ 1, and
    e₂ − rb ≤ 1 + b(1 − r).
    """
    y, r, b, large = sympy.symbols("y r b B", positive=True)
    a2, a3, v = sympy.symbols("a2 a3 v")
    half = y**4 - sympy.sqrt(COUPLING) * y**3 + (1 + FIRST) * y**2 + FIRST
    quartic = y**4 + a3 * y**3 + a2 * y**2 + b
    mirrored = sympy.expand(y**4 * quartic.subs(y, 1 / y))
    step = sympy.Poly(sympy.cancel((quartic - b * mirrored) / (y * (1 - b**2))), y).all_coeffs()
    roots = sympy.symbols("u1:4")
    cubic = sympy.Poly(sympy.prod(y - u for u in roots), y).all_coeffs()
    pairs = sympy.prod(1 - u * w for u, w in itertools.combinations(roots, 2))
    edges = sympy.prod(1 - u for u in roots), sympy.prod(1 + u for u in roots)
    A2 = sympy.Symbol("A2")
    after = step[2].subs(a2, (v - 1) * (1 + b)), -b * A2  # A₁ and A₀ with v
    second = (1 - after[1] ** 2 - after[0] + after[1] * A2).subs(b, -large)
    share = large * (1 - large) / (1 + large) ** 2
    parabola = share * (v - 2 * (1 + large) / (1 - large)) * (v - (1 + large) / large)
    third = sympy.Rational(1, 3)
    low, high = 1 + 3 * large, 1 / large - 1
    return [
        sympy.expand(polynomial(FIRST, FIRST).subs(Z, -(y**2)) - half * half.subs(y, -y)),
        sympy.cancel(step[1] - a3 / (1 - b**2)), sympy.cancel(step[2] - a2 / (1 + b)),
        sympy.cancel(step[3] + b * step[1]),
        sympy.expand(pairs - (1 - cubic[3] ** 2 - cubic[2] + cubic[3] * cubic[1])),
        sympy.expand(edges[0] - (1 + cubic[1] + cubic[2] + cubic[3])),
        sympy.expand(edges[1] - (1 - cubic[1] + cubic[2] - cubic[3])),
        # The edges with A₀ = BA₂ are v ± (1 + B)A₂, and put into the second:
        sympy.cancel(second.subs(A2, v / (1 + large)) - (parabola)),
        sympy.cancel(2 * (1 + large) / (1 - large) - 4 - 2 * (3 * large - 1) / (1 - large)),
        sympy.cancel((1 + large) / large - 4 - (1 - 3 * large) / large),
        sympy.cancel((1 - large) * (2 * (1 + large) / (1 - large) - 1) - low),
        sympy.cancel((1 - large) * ((1 + large) / large - 1) - high),
        low.subs(large, third) - 2, high.subs(large, third) - 2,
        sympy.expand((r * (2 + r / 3) - 1).subs(r, _EQUAL_RATE)),
    ]  # fmt: skip


def _single_proof() -> Evidence:
    """Three roots meet at the laws' rates, and a round with all roots within less has no (c, β)."""
    return Evidence.exact(
        *_single_reached(), *_one_sided_bound(), *_equal_bound(),
        note="minus the rate is a triple root; symmetric functions of the roots allow no less",
    )  # fmt: skip


def _searched_single(order: str) -> Evidence:
    from scipy.optimize import minimize

    def worst(point: Any, one_sided: bool) -> float:  # noqa: FBT001 - of a search
        methods = heavy_balls(
            float(point[0]), float(point[1]), 0.0 if one_sided else float(point[1])
        )
        return float(np.abs(np.linalg.eigvals(round_matrix(methods, 1.0, play=order))).max())

    predicted, found = [2 * np.sqrt(3) - 3, 0.5], []
    for one_sided in (False, True):
        search = minimize(worst, (1.6, -0.2), args=(one_sided,), method="Nelder-Mead",
                          options={"maxiter": 250})  # fmt: skip
        found.append(float(search.fun))
    return Evidence.close(
        predicted, found, tolerance=2e-3, note="best rates on one singular value, by a search"
    )


SINGLE = Claim(
    slug="best-momentum-in-turn-for-one-singular-value",
    title=(
        "On one singular value the best equal momenta are −(2 − √3)² = −0.072, with rate 2√3 − 3; "
        "the best single one is −1/8, with rate 1/2."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: expression(games.best_alternating),
    proof=_single_proof,
    experiment=lambda _: _searched_single("alternating"),
    control=lambda _: _searched_single("simultaneous"),
    expected=Verdict.PROVED,
    figures=("how-a-round-moves-its-roots",),
    remark="Three roots meet there, and no step and momentum, or momenta, bring all roots closer. "
    "Two momenta, both free, do no better in any search; that is not proved.",
)


def _within(quartic: Any, rate: Any) -> tuple[list[Any], Any]:
    """Coefficients, the highest first, and last Hurwitz determinant with z = R(1 + w)/(1 − w).

    All roots lie within R exactly if all of them are positive (Liénard and Chipart).
    """
    degree = sympy.degree(quartic, Z)
    turned = sympy.cancel(quartic.subs(Z, rate * (1 + W) / (1 - W)) * (1 - W) ** degree)
    *rest, third, fourth, last = coefficients = sympy.Poly(turned, W).all_coeffs()
    if degree == 3:
        return coefficients, sympy.expand(third * fourth - rest[0] * last)
    return coefficients, sympy.expand(
        fourth * (rest[1] * third - rest[0] * fourth) - rest[1] ** 2 * last
    )


def _equal_range(r: Any, u: Any) -> tuple[Any, Any, list[Any]]:
    """The least and the largest c at rate R with both momenta −uR, and what shows it.

    Besides, where the best u is taken, that no other condition binds.
    """
    low = (1 - r) * (1 + u) * (r + u) ** 2 / (r * u)
    high = (1 + r) ** 2 * (1 - u) ** 2 / r
    other_low = 2 * (1 - r) * (1 + u) * (r + u) / r
    others = 2 * (1 + r) * (1 - u) * (r + u) / r, (1 + r) * (1 - u) * (r + u) ** 2 / (r * u)
    c, scale = COUPLING, r**3
    found, hurwitz = _within(polynomial(-r * u, -r * u), r)
    free = r**2 * (3 * r**2 + 4 * r * u + 3 * u**2 - r**2 * u**2 - 1)
    below = (1 - r) ** 2 * (1 + u) ** 2 / r
    bounds = (
        scale * (high - c), 2 * scale * (others[0] - c), 2 * free, 2 * scale * (c - other_low),
        scale * (c + below),
    )  # fmt: skip
    best = {u: sympy.Rational(1, 5)}
    return low, high, [
        *(sympy.expand(a - b) for a, b in zip(found, bounds, strict=True)),
        sympy.expand(hurwitz - 64 * r**8 * u**2 * (c - low) * (others[1] - c)),
        *(_positive_late(value.subs(best), r)
          for value in (free, low - other_low, others[0] - high, others[1] - high)),
    ]  # fmt: skip


def _one_sided_range(r: Any, u: Any) -> tuple[Any, Any, list[Any]]:
    """The same with the momenta −uR² and 0, without the root at 0."""
    low = (1 - r**2) * (1 + u) ** 2 / u
    high = (1 + r) ** 2 * (1 - r * u) / r
    other_low = (1 - r) * (r**2 * u + 3 * r * u + 3 * r + 1) / r
    other_high = (1 + r) * (3 * r + 3 * r * u - r**2 * u - 1) / r
    c, scale = COUPLING, r**2
    found, hurwitz = _within(sympy.cancel(polynomial(-(r**2) * u, 0) / Z), r)
    below = (1 - r) ** 2 * (1 + r * u) / r
    bounds = (
        scale * (high - c), scale * (other_high - c), scale * (c - other_low), scale * (c + below)
    )  # fmt: skip
    best = {u: sympy.Rational(1, 3)}
    return low, high, [
        *(sympy.expand(a - b) for a, b in zip(found, bounds, strict=True)),
        sympy.expand(hurwitz - 8 * r**4 * u * (c - low)),
        *(_positive_late(value.subs(best), r) for value in (low - other_low, other_high - high)),
    ]  # fmt: skip


def _positive_late(value: Any, rate: Any) -> bool:
    """Whether a rational function is positive for 2/3 ≤ R < 1; at 1 it may vanish.

    By the signs of its coefficients in k, where R = (k + 2)/(k + 3).
    """
    k = sympy.Symbol("k", nonnegative=True)
    parts = sympy.fraction(sympy.cancel(value.subs(rate, (k + 2) / (k + 3))))
    return all(bool(c > 0) for part in parts for c in sympy.Poly(part, k).coeffs())


def _minimax_proof() -> Evidence:
    """For every rate R the admitted c are an interval, so the ends of a range decide.

    With momenta −uR every condition for roots within R is linear in c but the last Hurwitz
    determinant, a product of two such. Any range at rate R so has κ² at most high/low; and u < R
    by the product of the roots, u > 0 since stable rounds pull. With momentum −uR² for one it is
    the same. Let G = (1 − R) high/low. For equal momenta it exceeds its value at R = 1 at most by
    the factor ((1 + R)/(2R))², for one momentum at most by (1 + R)/(2R), and then by (1 − R²)/(4R).
    R is at least the best rate on one singular value. So as κ → ∞ R tends to 1, and the limit of
    (1 − R)κ² is at most the largest G at R = 1, 8/27 and 1/4, which is at u = 1/5 and 1/3 alone.
    With this u no other condition binds from R = 2/3 on: high/low is reached.
    """
    r, u = sympy.symbols("R u", positive=True)
    kappa = symbol("condition_number")
    law, other = games.minimax_alternating(S), games.minimax_one_sided(S)
    low, high, shown = _equal_range(r, u)
    least, most, seen = _one_sided_range(r, u)
    equal, single = (sympy.cancel((1 - r) * ratio) for ratio in (high / low, most / least))
    fast, slow = equal.subs(r, 1), single.subs(r, 1)
    gaps = games.minimax_alternating_gap(kappa), games.minimax_one_sided_gap(kappa)
    slopes = [
        sympy.cancel((1 - games.alternating_growth(COUPLING, *momenta)) / COUPLING)
        for momenta in ((-u, -u), (-u, 0))
    ]
    fifth, third = sympy.Rational(1, 5), sympy.Rational(1, 3)
    return Evidence.exact(
        *shown, *seen,
        sympy.cancel(high.subs(r, 1) * slopes[0] - fast),
        sympy.cancel(most.subs(r, 1) * slopes[1] - slow),
        sympy.cancel(gaps[0] * kappa**2 - fast - (5 * u - 1) ** 2 * (8 - 4 * u) / (27 * (1 + u) ** 3)),  # noqa: E501
        sympy.cancel(gaps[1] * kappa**2 - slow - (3 * u - 1) ** 2 / (4 * (1 + u) ** 2)),
        # What is squared is at most 1 + (1 − R)/(2R) and 1/2, since 0 < u < 1.
        sympy.cancel(equal - fast * (1 + (1 - r) * (1 - u) / (2 * (r + u))) ** 2),
        sympy.cancel(single - (1 + r) / (2 * r) * slow - (1 - r**2) / r * (u / (1 + u)) ** 2),
        law.momentum + fifth, other.momentum + third,
        sympy.simplify((law.learning_rate * S) ** 2 - high.subs({r: 1, u: fifth})),
        sympy.simplify((other.learning_rate * S) ** 2 - most.subs({r: 1, u: third})),
        note="the admitted products are an interval with ends in closed form, at every rate",
    )  # fmt: skip


_KAPPA = 60.0


def _minimax_experiment(order: str) -> Evidence:
    from scipy.optimize import minimize

    game = QuadraticGame.family(0, np.array([1 / _KAPPA, 1.0]), 0)

    def worst(point: Any) -> float:
        methods = heavy_balls(float(point[0]), float(point[1]), 0.0)
        return float(np.max(spectral_radius(methods, game, play=order)))

    if order == "alternating":
        equal = tune("heavy-ball", game=BilinearGame(np.diag([1.0, 1 / _KAPPA])), play=order)
    else:
        equal = HeavyBall(learning_rate=1.6, momentum=-0.2)
    gap = 1 - float(np.max(spectral_radius(equal, game, play=order)))
    other = minimize(worst, (1.5, -0.3), method="Nelder-Mead", options={"maxiter": 200})
    square = _KAPPA**2
    return Evidence.close(
        [8 / 27, -1 / 5, 8 / 5, 1 / 4],
        [gap * square, equal.momentum, equal.learning_rate, (1 - float(other.fun)) * square],
        tolerance=6e-3,
        note="gap × κ², momentum and step of a search at κ = 60, and the gap with one momentum",
    )


MINIMAX = Claim(
    slug="best-momentum-in-turn-for-a-range",
    title=(
        "For singular values from 1/κ to 1 the best equal momenta tend to −1/5 and the gap to "
        "8/(27κ²); one momentum alone gives −1/3 and 1/(4κ²)."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Tuple(
        expression(games.minimax_alternating_gap), expression(games.minimax_one_sided_gap)
    ),
    proof=_minimax_proof,
    experiment=lambda _: _minimax_experiment("alternating"),
    control=lambda _: _minimax_experiment("simultaneous"),
    expected=Verdict.PROVED,
    figures=("gaps-against-condition", "methods-per-gradient"),
    remark="The ends decide at every rate R: at the best ones, with momenta −uR, the least and the "
    "largest (αs)² are (1 − R)(1 + u)(R + u)²/(Ru) and (1 + R)²(1 − u)²/R. Negative momentum "
    "changes the constant, and not the exponent of κ.",
)


def _default_experiment(default: float) -> Evidence:
    """The best momenta of four questions against one default."""
    pair = tune("heavy-ball", game=BilinearGame(1.0))
    stiff = tune("heavy-ball", game=BilinearGame(np.diag([1.0, 0.02])))
    small = np.linspace(-0.95, -0.05, 181)
    slow = spectral_radius(HeavyBall(learning_rate=0.01, momentum=small), BilinearGame(1.0))
    arc = np.append(1e-4 + 1j * np.sqrt(1 - 1e-8), np.exp(1j * np.linspace(0, np.pi / 2, 60)[:-1]))
    monotone = tune("heavy-ball", spectrum=arc)
    found = [pair.momentum, stiff.momentum, float(small[np.argmin(slow)]), monotone.momentum]
    return Evidence.close(
        [default] * 4, found, tolerance=0.15,
        note="best momenta: one singular value, a range, small steps, strongly monotone at once",
    )  # fmt: skip


def _default_proof() -> Evidence:
    """The exact optima of the four questions, which differ."""
    equal = 4 * (1 - M) ** 2 * M / (1 + M) ** 3
    slope = M / (1 + M) ** 3
    kappa = symbol("condition_number")
    limit = sympy.limit(expression(shapes.monotone_momentum), kappa, sympy.oo)
    best = games.best_alternating(sympy.Integer(1)).momentum
    return Evidence.exact(
        sympy.diff(equal, M).subs(M, sympy.Rational(1, 5)),
        sympy.diff(slope, M).subs(M, sympy.Rational(1, 2)),
        limit + 1,
        sympy.expand(best + 7 - 4 * sympy.sqrt(3)),
        note="−1/5 for a range, −1/2 for small steps, −1 for monotone games, −0.072 for one value",
    )


DEFAULT = Claim(
    slug="slightly-negative-momentum-is-best",
    title="A slightly negative momentum, such as −0.1, is the best one in games.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Eq(FIRST, -sympy.Rational(1, 10)),
    proof=_default_proof,
    experiment=lambda _: _default_experiment(-0.1),
    control=lambda _: _default_experiment(-0.5),
    expected=Verdict.REFUTED,
    figures=("gaps-against-condition",),
    remark=(
        "It depends on the question: −0.072 for one singular value, −1/5 for a range of them, −1/2 "
        "for small steps, close to −1 for strongly monotone games played at once. No default fits; "
        "the control tries −1/2."
    ),
)
