"""Bilinear games: who moves when decides whether momentum helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.alternation import (
    COUPLING,
    FIRST,
    SECOND,
    heavy_balls,
    polynomial,
)
from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import growth_factor
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.laws import games, regions
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

ALPHA, BETA, S = symbol("learning_rate"), symbol("momentum"), symbol("singular_value")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
Z = sympy.Symbol("z")


# Simultaneous ----------------------------------------------------------------------------------


def _simultaneous_statement() -> Any:
    outside = regions.stability_ellipse(0, ALPHA * S, BETA) > 0
    return sympy.Implies(sympy.And(ALPHA > 0, BETA > -1, BETA < 1), outside)


def _simultaneous_proof() -> Evidence:
    """A round splits into heavy ball on the curvatures ±is, an axis the ellipse touches only at 0.

    For |β| < 1 and αs > 0 its equation is (αs/(1 − β))², positive: a root outside. For |β| ≥ 1 the
    product of two roots is β, so one of them is not inside the circle, and nothing converges.
    """
    matrix = round_matrix(BALL, S, play="simultaneous")
    up = characteristic_polynomial(BALL, sympy.I * S).as_expr()
    down = characteristic_polynomial(BALL, -sympy.I * S).as_expr()
    outside = regions.stability_ellipse(0, ALPHA * S, BETA) - (ALPHA * S / (1 - BETA)) ** 2
    product = characteristic_polynomial(BALL, sympy.I * S).all_coeffs()[2] - BETA
    return Evidence.exact(
        sympy.expand(matrix.charpoly(Z).as_expr() - up * down), outside, product,
        note="round splits into ±is, outside the ellipse; beyond |β| = 1 the product of roots is β",
    )  # fmt: skip


MOMENTA = (-0.7, -0.3, 0.0, 0.4, 0.8)


def _played_rates(order: str) -> Any:
    game = BilinearGame(1.0)
    rates = []
    for momentum in MOMENTA:
        path = play(HeavyBall(learning_rate=0.3, momentum=momentum), game, steps=600, play=order)
        rates.append(growth_factor(path.distance))
    return np.array(rates)


def _simultaneous_experiment(order: str) -> Evidence:
    method = HeavyBall(learning_rate=0.3, momentum=np.array(MOMENTA))
    predicted = spectral_radius(method, 1j)
    played = _played_rates(order)
    return Evidence.close(
        [*predicted, 1.0], [*played, float(played.min() > 1)], tolerance=5e-4,
        note="growth per round in play, five momenta, and whether all of it is above 1",
    )  # fmt: skip


SIMULTANEOUS = Claim(
    slug="simultaneous-bilinear-play-diverges",
    title=(
        "When both players of a bilinear game move at once, heavy ball never converges, and "
        "diverges for every momentum between −1 and 1."
    ),
    source=Citation("gidel2019", "simultaneous updates on bilinear games"),
    kind=Kind.IDENTITY,
    statement=_simultaneous_statement,
    proof=_simultaneous_proof,
    experiment=lambda _: _simultaneous_experiment("simultaneous"),
    control=lambda _: _simultaneous_experiment("alternating"),
    expected=Verdict.PROVED,
    figures=("bilinear-game-orbits", "stability-ellipses"),
    remark="At β = −1 and αs < 2 the players circle for ever. The control lets them alternate.",
)


# Two momenta at once ----------------------------------------------------------------------------


def _pair_statement() -> Any:
    radius = sympy.Function("rho")(FIRST, SECOND, COUPLING)
    return sympy.Implies(COUPLING > 0, sympy.Ge(radius, 1, evaluate=False))


def _pair_proof() -> Evidence:
    """Hurwitz on a superposed round, after z = (1 + w)/(1 − w): the coefficient of w is 0.

    So the inverse roots w, none of which is 0, add up to 0: not all lie to the left. The third
    determinant is −64c(β₁β₂ − 1)². For |β₁β₂| < 1 the sum of the roots themselves is not 0 either,
    so one lies to the right: a round diverges. For |β₁β₂| ≥ 1 the product of the z is β₁β₂.
    """
    w = sympy.Symbol("w")
    quartic = polynomial(FIRST, SECOND, "simultaneous")
    turned = sympy.Poly(
        sympy.expand(sympy.cancel(quartic.subs(Z, (1 + w) / (1 - w)) * (1 - w) ** 4)), w
    )
    first, second, third, fourth, last = turned.all_coeffs()
    product = FIRST * SECOND
    hurwitz = fourth * (second * third - first * fourth) - second**2 * last
    return Evidence.exact(
        fourth, last - COUPLING, sympy.expand(second - 8 * (1 - product)),
        sympy.expand(hurwitz + 64 * COUPLING * (product - 1) ** 2),
        sympy.expand(quartic.subs(Z, 0) - product),
        note="the coefficient of w, and the third determinant −64c(β₁β₂ − 1)², of a round at once",
    )  # fmt: skip


def _pair_experiment(rng: np.random.Generator, order: str) -> Evidence:
    """Whether any of 4,000 rounds contracts, and whether play with 0.2 and −0.6 does."""
    first, second = rng.uniform(-1.5, 1.5, (2, 4000))
    step = rng.uniform(0.05, 2.5, 4000)
    matrix = round_matrix(heavy_balls(step, first, second), 1.0, play=order)
    radius = np.abs(np.linalg.eigvals(matrix)).max(axis=-1)
    run = play(heavy_balls(0.5, 0.2, -0.6), BilinearGame(1.0), steps=2500, play=order)
    return Evidence.close(
        [0.0, 0.0], [float(np.mean(radius < 1 - 1e-9)), float(run.outcome == "converged")],
        tolerance=0, note="share of 4,000 rounds that contract, and whether play at 0.2, −0.6 does",
    )  # fmt: skip


PAIR_AT_ONCE = Claim(
    slug="no-two-momenta-converge-at-once",
    title=(
        "When both players of a bilinear game move at once, heavy ball converges for no pair of "
        "momenta, however different, and diverges where |β₁β₂| < 1."
    ),
    source=Citation("zhang2020"),
    kind=Kind.IDENTITY,
    statement=_pair_statement,
    proof=_pair_proof,
    experiment=lambda rng: _pair_experiment(rng, "simultaneous"),
    control=lambda rng: _pair_experiment(rng, "alternating"),
    expected=Verdict.PROVED,
    figures=("why-taking-turns-matters",),
    remark="For steps of any positive product. The control lets the players alternate.",
)


# Alternating -----------------------------------------------------------------------------------


def _alternating_statement() -> Any:
    return expression(games.is_stable_alternating)


def _alternating_proof() -> Evidence:
    """Routh and Hurwitz on a superposed round, with m = 1 − β, n = 1 + β and c = αs.

    z = (1 + w)/(1 − w) turns the round's polynomial into one whose coefficients are positive for
    |β| < 1 iff c² < 4mn and c² < 4n². Its third Hurwitz determinant is positive iff β < 0 and
    2βc² > −4m²n; where β < 0, m > n, and c² < 4n² implies the others because 4m²n/(m − n) − 4n² and
    4mn − 4n² are not negative: m² − mn + n² > 0. So stable iff −1 < β < 0 and 0 < c < 2n; for |β|
    ≥ 1 the product of the roots is β², so one of them is not inside the circle.
    """
    w = sympy.Symbol("w")
    m, n, c = 1 - BETA, 1 + BETA, ALPHA * S
    matrix = round_matrix(BALL, S)
    polynomial = sympy.expand(matrix.charpoly(Z).as_expr())
    turned = sympy.Poly(
        sympy.expand(sympy.cancel(polynomial.subs(Z, (1 + w) / (1 - w)) * (1 - w) ** 4)), w
    )
    first, second, third, fourth, last = turned.all_coeffs()
    hurwitz = fourth * (second * third - first * fourth) - second**2 * last
    law = games.round_hurwitz_determinant(ALPHA, BETA, S)
    room = sympy.Symbol("b", positive=True)  # β = −b, 0 < b < 1
    implied = (m**2 - n * (m - n)).subs(BETA, -room)
    positive = sympy.Poly(sympy.expand(implied), room)
    return Evidence.exact(
        sympy.expand(first - (4 * n**2 - c**2)), sympy.expand(second - (8 * m * n - 2 * c**2)),
        sympy.expand(third - 4 * m**2), sympy.expand(fourth - 2 * c**2), sympy.expand(last - c**2),
        sympy.expand(hurwitz - law), positive.all_coeffs() == [3, 0, 1],
        sympy.expand(matrix.det() - BETA**2),
        note="Hurwitz conditions of a superposed round",
    )  # fmt: skip


def _alternating_mask(rng: np.random.Generator, order: str) -> Evidence:
    momentum, step = rng.uniform(-1.2, 0.6, 3000), rng.uniform(0.05, 2.5, 3000)
    method = HeavyBall(learning_rate=step, momentum=momentum)
    radius = np.abs(np.linalg.eigvals(round_matrix(method, 1.0, play=order))).max(axis=-1)
    predicted = games.is_stable_alternating(step, momentum, 1.0)
    clear = np.abs(radius - 1) > 1e-9
    wrong = float(np.mean((radius < 1)[clear] != predicted[clear]))
    played = play(
        HeavyBall(learning_rate=0.5, momentum=-0.5), BilinearGame(1.0), steps=2000, play=order
    )
    return Evidence.close(
        [0.0, 1.0], [wrong, float(played.outcome == "converged")], tolerance=0,
        note="share of 3,000 rounds misjudged, and whether play at β = −1/2 converges",
    )  # fmt: skip


ALTERNATING = Claim(
    slug="negative-momentum-converges-on-alternating-bilinear-games",
    title=(
        "When the players of a bilinear game move in turn, heavy ball converges exactly for "
        "−1 < β < 0 and αs < 2(1 + β)."
    ),
    source=Citation("gidel2019", "alternating updates on bilinear games"),
    kind=Kind.IDENTITY,
    statement=_alternating_statement,
    proof=_alternating_proof,
    experiment=lambda rng: _alternating_mask(rng, "alternating"),
    control=lambda rng: _alternating_mask(rng, "simultaneous"),
    expected=Verdict.PROVED,
    figures=("bilinear-game-orbits",),
    remark="For α > 0; the exact range is derived here. The control lets them move at once.",
)
