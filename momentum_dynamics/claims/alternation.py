"""Playing in turn: two momenta, small steps, best parameters, and what descent conserves."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import growth_factor
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.laws import games
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__ = ["heavy_balls", "polynomial"]

ALPHA, S = symbol("learning_rate"), symbol("singular_value")
FIRST, SECOND = symbol("momentum"), symbol("other_momentum")
COUPLING = sympy.Symbol("c", positive=True)
Z, W, M = sympy.Symbol("z"), sympy.Symbol("w"), sympy.Symbol("m", positive=True)


def heavy_balls(step: Any, first: Any, second: Any) -> tuple[HeavyBall, HeavyBall]:
    """Two players with one step and momenta of their own."""
    return (
        HeavyBall(learning_rate=step, momentum=first),
        HeavyBall(learning_rate=step, momentum=second),
    )


def polynomial(first: Any, second: Any, order: str = "alternating") -> Any:
    """The superposed round's quartic in z and c = (αs)²."""
    matrix = round_matrix(heavy_balls(ALPHA, first, second), S, play=order)
    return sympy.expand(
        sympy.expand(matrix.charpoly(Z).as_expr()).subs(ALPHA, sympy.sqrt(COUPLING) / S)
    )


# Two momenta -------------------------------------------------------------------------------------


def _two_momenta_proof() -> Evidence:
    """Liénard and Chipart on a superposed round: stable iff four coefficients and Δ₃ are positive.

    After z = (1 + w)/(1 − w) the coefficients of w⁴, w³, w and 1 are 4(1 + β₁)(1 + β₂) − c,
    8(1 − β₁β₂) − 2c, 2c and c, and the third Hurwitz determinant is −16c times the third condition
    of the law. For |β₁β₂| ≥ 1 the product of the roots, β₁β₂, leaves one outside.
    """
    quartic = polynomial(FIRST, SECOND)
    turned = sympy.Poly(
        sympy.expand(sympy.cancel(quartic.subs(Z, (1 + W) / (1 - W)) * (1 - W) ** 4)), W
    )
    first, second, third, fourth, last = turned.all_coeffs()
    hurwitz = fourth * (second * third - first * fourth) - second**2 * last
    product = FIRST * SECOND
    pull = (1 - product) * (FIRST + SECOND - 2 * product) + product * COUPLING
    conditions = expression(games.is_stable_alternating_pair).args
    found = any(sympy.simplify(item.lhs - item.rhs - pull.subs(COUPLING, symbol("coupling"))) == 0
                for item in conditions if item.rel_op == "<")  # fmt: skip
    ratio = sympy.cancel(hurwitz / (COUPLING * pull))
    return Evidence.exact(
        sympy.expand(first - (4 * (1 + FIRST) * (1 + SECOND) - COUPLING)),
        sympy.expand(second - (8 * (1 - product) - 2 * COUPLING)),
        sympy.expand(fourth - 2 * COUPLING), sympy.expand(last - COUPLING),
        bool(ratio.is_number and ratio < 0), found, sympy.expand(quartic.subs(Z, 0) - product),
        note="four coefficients and the third Hurwitz determinant of a superposed round",
    )  # fmt: skip


def _two_momenta_mask(rng: np.random.Generator, order: str) -> Evidence:
    first, second = rng.uniform(-1.5, 1.5, (2, 4000))
    step = rng.uniform(0.05, 2.5, 4000)
    radius = np.abs(
        np.linalg.eigvals(round_matrix(heavy_balls(step, first, second), 1.0, play=order))
    )
    radius = radius.max(axis=-1)
    clear = np.abs(radius - 1) > 1e-9
    predicted = games.is_stable_alternating_pair(step**2, first, second)
    wrong = float(np.mean((radius < 1)[clear] != predicted[clear]))
    # One positive momentum is borne, if the other pulls hard enough.
    run = play(heavy_balls(0.5, 0.2, -0.6), BilinearGame(1.0), steps=2500, play=order)
    return Evidence.close(
        [0.0, 1.0], [wrong, float(run.outcome == "converged")], tolerance=0,
        note="share of 4,000 rounds misjudged, and whether play with momenta 0.2, −0.6 converges",
    )  # fmt: skip


TWO_MOMENTA = Claim(
    slug="two-momenta-in-turn",
    title=(
        "Two heavy balls in turn on a bilinear game converge exactly if s < 4(1 + β₁)(1 + β₂), "
        "s < 4(1 − β₁β₂) and the momenta together pull: one of them may be positive."
    ),
    source=Citation("zhang2020"),
    kind=Kind.IDENTITY,
    statement=lambda: expression(games.is_stable_alternating_pair),
    proof=_two_momenta_proof,
    experiment=lambda rng: _two_momenta_mask(rng, "alternating"),
    control=lambda rng: _two_momenta_mask(rng, "simultaneous"),
    expected=Verdict.PROVED,
    figures=("why-taking-turns-matters",),
    remark="Derived here for steps of one product s = α₁α₂σ². The control lets them move at once.",
)


# Small steps -------------------------------------------------------------------------------------


def _second_order(quartic: Any) -> Any:
    """|z|² of the root near 1 to first order in c, from z = 1 + e x + e² y with c = e²."""
    e, x, y = sympy.symbols("e x y")
    expanded = sympy.expand(quartic.subs({COUPLING: e**2, Z: 1 + e * x + e**2 * y}))
    second = sympy.expand(expanded.coeff(e, 2))
    third = sympy.expand(expanded.coeff(e, 3))
    square = sympy.cancel(sympy.solve(second, x**2)[0]) if second.coeff(x, 2) == 0 else (
        sympy.cancel(-(second - second.coeff(x, 2) * x**2) / second.coeff(x, 2))
    )  # fmt: skip
    shift = sympy.solve(third, y)[0]
    shift = sympy.cancel(sympy.cancel(shift).subs(x**2, square))
    # x is imaginary: |z| = 1 + c (y + |x|²/2) to first order.
    return sympy.cancel(shift - square / 2)


def _small_step_proof() -> Evidence:
    in_turn = games.alternating_growth(COUPLING, FIRST, SECOND)
    at_once = games.simultaneous_growth(COUPLING, FIRST)
    slope = M / (1 + M) ** 3
    half = sympy.Rational(1, 2)
    return Evidence.exact(
        sympy.cancel(_second_order(polynomial(FIRST, SECOND)) - (in_turn - 1) / COUPLING),
        sympy.cancel(
            _second_order(polynomial(FIRST, FIRST, "simultaneous")) - (at_once - 1) / COUPLING
        ),
        sympy.cancel((1 - games.alternating_growth(COUPLING, -M, -M)) / COUPLING - slope),
        sympy.cancel(
            at_once
            - games.alternating_growth(COUPLING, FIRST, FIRST)
            - games.delay_push(COUPLING, FIRST)
        ),
        sympy.diff(slope, M).subs(M, half), slope.subs(M, half) - sympy.Rational(4, 27),
        note="second-order expansion of the superposed round; steepest at −1/2, by 4/27; the push",
    )  # fmt: skip


def _small_step_experiment(order: str) -> Evidence:
    step = 0.07
    predicted, found = [], []
    for first, second in ((-0.5, -0.5), (-0.3, 0.0), (0.1, -0.4), (0.2, 0.2)):
        predicted.append((float(games.alternating_growth(step**2, first, second)) - 1) / step**2)
        path = play(heavy_balls(step, first, second), BilinearGame(1.0), steps=5000, play=order)
        found.append((growth_factor(path.distance) - 1) / step**2)
    return Evidence.close(
        predicted, found, tolerance=8e-3, note="growth per round over (αs)², four pairs of momenta"
    )


SMALL_STEPS = Claim(
    slug="small-steps-in-turn",
    title=(
        "For small steps in turn a bilinear game contracts by 1 − s m/(1 + m)³ with momentum −m: "
        "fastest at −1/2, and not at all without momentum."
    ),
    source=Citation("gidel2019"),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: expression(games.alternating_growth),
    proof=_small_step_proof,
    experiment=lambda _: _small_step_experiment("alternating"),
    control=lambda _: _small_step_experiment("simultaneous"),
    expected=Verdict.PROVED,
    figures=("why-taking-turns-matters",),
    remark="At once the same expansion gives 1 + s(1 + β)/(2(1 − β)³), above one for every β > −1.",
)


# Printed rates -----------------------------------------------------------------------------------


def _bound(coupling: Any) -> Any:
    return np.maximum(0.5, 1 - np.asarray(coupling) / 16)


def _bound_experiment(second: float, order: str = "alternating") -> Evidence:
    step = np.append(np.linspace(0.02, 1.0, 50), 1.0)
    radius = spectral_radius(heavy_balls(step, -0.5, second), BilinearGame(1.0), play=order)
    excess = float(np.max(radius - _bound(step**2)))
    return Evidence.close(
        0.0, max(excess, 0.0), tolerance=1e-9,
        note="largest excess of the radius over max(1/2, 1 − (αs)²/16) for αs up to 1",
    )  # fmt: skip


def _bound_proof() -> Evidence:
    both = polynomial(FIRST, FIRST).subs({FIRST: -sympy.Rational(1, 2), COUPLING: 1, Z: -1})
    one = polynomial(FIRST, 0).subs({FIRST: -sympy.Rational(1, 2), COUPLING: 1})
    roots = [abs(complex(root)) for root in sympy.Poly(one, Z).nroots(n=30)]
    return Evidence.exact(
        both,
        bool(max(roots) < 15 / 16),
        note="with both at −1/2 and αs = 1, z = −1 is a root; with one, all roots are below 15/16",
    )


def _one_sided_proof() -> Evidence:
    """Jury's conditions on the cubic of a round with z = Rw, R = 1 − c/16, for 0 < c ≤ 1.

    Besides z = 0 its roots are those of z³ + (c − 3/2)z² + 1/2. Each condition is a polynomial in c
    that has no zero on (0, 1] and is positive at 1; R > 1/2 there, so R is the printed bound.
    """
    radius, half = 1 - COUPLING / 16, sympy.Rational(1, 2)
    cubic = sympy.Poly(sympy.cancel(polynomial(FIRST, 0).subs(FIRST, -half) / Z), Z)
    lead, second, third, last = cubic.all_coeffs()
    outer = radius**6 - last**2
    crossed = third * radius**4 - last * second * radius**2
    conditions = (
        cubic.as_expr().subs(Z, radius), -cubic.as_expr().subs(Z, -radius), radius**3 - last,
        outer - crossed, outer + crossed,
    )  # fmt: skip
    return Evidence.exact(
        lead - 1, *(_is_positive_up_to_one(each) for each in conditions),
        note="Jury's conditions for the radius 1 − c/16, by Sturm's count of zeros on (0, 1]",
    )  # fmt: skip


def _is_positive_up_to_one(value: Any) -> bool:
    """Whether a polynomial in c is positive on (0, 1]; it may vanish at 0."""
    whole = sympy.Poly(sympy.expand(value), COUPLING)
    while whole.eval(0) == 0:
        whole = whole.quo(sympy.Poly(COUPLING, COUPLING))
    return bool(whole.eval(1) > 0 and whole.count_roots(0, 1) == 0)


BOUND_OF_BOTH = Claim(
    slug="both-momenta-at-minus-one-half-keep-the-printed-rate",
    title=(
        "With momentum −1/2 for both players in turn and αs ≤ 1, a round contracts at least by "
        "max(1/2, 1 − (αs)²/16)."
    ),
    source=Citation(None),
    kind=Kind.UPPER_BOUND,
    statement=lambda: sympy.Le(
        symbol("rate"), sympy.Max(sympy.Rational(1, 2), 1 - (ALPHA * S) ** 2 / 16)
    ),
    proof=_bound_proof,
    experiment=lambda _: _bound_experiment(-0.5),
    control=lambda _: _bound_experiment(-0.5, "simultaneous"),
    expected=Verdict.REFUTED,
    figures=("bilinear-grid",),
    remark=(
        "The rate of Gidel et al. (2019), read for both players. At αs = 1 these keep circling: −1 "
        "is a root. With momentum −1/2 for one player and none for the other it holds."
    ),
)

BOUND_OF_ONE = Claim(
    slug="one-momentum-at-minus-one-half-keeps-the-printed-rate",
    title=(
        "With momentum −1/2 for one player, none for the other, and αs ≤ 1, a round in turn "
        "contracts at least by max(1/2, 1 − (αs)²/16)."
    ),
    source=Citation("gidel2019"),
    kind=Kind.UPPER_BOUND,
    statement=lambda: sympy.Le(
        symbol("rate"), sympy.Max(sympy.Rational(1, 2), 1 - (ALPHA * S) ** 2 / 16)
    ),
    proof=_one_sided_proof,
    experiment=lambda _: _bound_experiment(0.0),
    control=lambda _: _bound_experiment(-0.5),
    expected=Verdict.PROVED,
    figures=("bilinear-grid",),
    remark="For 0 < αs ≤ 1. The control gives both players the momentum.",
)


def _descent_growth(order: str) -> Evidence:
    steps = np.array([0.3, 0.6, 1.0])
    found = [
        growth_factor(
            play(GradientDescent(learning_rate=step), BilinearGame(1.0), steps=150, play=order)
            .distance
        )
        for step in steps
    ]  # fmt: skip
    return Evidence.close(
        1 + steps**2, found, tolerance=1e-3, note="growth per round of descent in play, three steps"
    )


def _descent_proof() -> Evidence:
    matrix = round_matrix(GradientDescent(learning_rate=ALPHA), S, play="simultaneous")
    return Evidence.exact(
        sympy.simplify(matrix.T * matrix - (1 + ALPHA**2 * S**2) * sympy.eye(2)) == sympy.zeros(2),
        note="every distance grows by √(1 + (αs)²) exactly: the printed number is its square",
    )


PRINTED_GROWTH = Claim(
    slug="descent-at-once-grows-by-one-plus-the-square",
    title="Gradient descent at once on a bilinear game has spectral radius 1 + (αs)².",
    source=Citation("zhang2022"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(symbol("rate"), 1 + (ALPHA * S) ** 2),
    proof=_descent_proof,
    experiment=lambda _: _descent_growth("simultaneous"),
    control=lambda _: _descent_growth("alternating"),
    expected=Verdict.REFUTED,
    figures=("bilinear-game-orbits",),
    remark="It is the square of the radius, √(1 + (αs)²): right for squared distances.",
)


# What descent conserves --------------------------------------------------------------------------


def _invariant_proof() -> Evidence:
    coupling = symbol("coupling")
    matrix = round_matrix(GradientDescent(learning_rate=ALPHA), S).subs(ALPHA, coupling / S)
    x, y = symbol("first_player"), symbol("second_player")
    moved = matrix * sympy.Matrix([x, y])
    kept = games.orbit_invariant(coupling, *moved) - games.orbit_invariant(coupling, x, y)
    return Evidence.exact(
        sympy.expand(kept), sympy.expand(matrix.det() - 1),
        sympy.expand(matrix.trace() / 2 - games.orbit_cosine(coupling)),
        note="the form is the same after a round, the area too, and half the trace is the cosine",
    )  # fmt: skip


def _invariant_experiment(order: str) -> Evidence:
    predicted, found = [], []
    for coupling in (0.1, 0.5, 1.0, 1.9):
        descent = GradientDescent(learning_rate=coupling)
        path = play(descent, BilinearGame(1.0), steps=1000, play=order).outputs
        with np.errstate(all="ignore"):
            kept = games.orbit_invariant(coupling, path[:, 0], path[:, 1])
            turned = np.arccos(np.clip(games.orbit_cosine(coupling), -1, 1))
            # Straightened, the ellipse is a circle, on which each round turns by one angle.
            straight = (
                path[:, 0]
                - coupling / 2 * path[:, 1]
                + 1j * path[:, 1] * np.sqrt(1 - coupling**2 / 4)
            )
            angle = np.abs(np.angle(straight[1:] / straight[:-1])).mean()
        predicted += [float(kept[0]), float(turned)]
        found += [float(kept[-1]), float(angle)]
    return Evidence.close(
        predicted, found, tolerance=1e-9, note="the form after 1,000 rounds and the turn per round"
    )


INVARIANT = Claim(
    slug="alternating-descent-keeps-an-ellipse",
    title=(
        "Gradient descent in turn on a bilinear game stays for ever on the ellipse "
        "x² + y² − αs·xy and turns by arccos(1 − (αs)²/2) in each round, for αs < 2."
    ),
    source=Citation("bailey2020"),
    kind=Kind.IDENTITY,
    statement=lambda: expression(games.orbit_invariant),
    proof=_invariant_proof,
    experiment=lambda _: _invariant_experiment("alternating"),
    control=lambda _: _invariant_experiment("simultaneous"),
    expected=Verdict.PROVED,
    figures=("invariant-ellipses",),
    remark="It neither converges nor diverges: this is what negative momentum needs to push off.",
)
