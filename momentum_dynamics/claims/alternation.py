"""Playing in turn: two momenta, small steps, best parameters, and what descent conserves."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import growth_factor
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

ALPHA, S = symbol("learning_rate"), symbol("singular_value")
FIRST, SECOND = symbol("momentum"), symbol("other_momentum")
COUPLING = sympy.Symbol("c", positive=True)
Z, W, M = sympy.Symbol("z"), sympy.Symbol("w"), sympy.Symbol("m", positive=True)


def _pair(step: Any, first: Any, second: Any) -> tuple[HeavyBall, HeavyBall]:
    return (
        HeavyBall(learning_rate=step, momentum=first),
        HeavyBall(learning_rate=step, momentum=second),
    )


def _polynomial(first: Any, second: Any, order: str = "alternating") -> Any:
    """The superposed round's polynomial in z and c = (αs)²."""
    matrix = round_matrix(_pair(ALPHA, first, second), S, play=order)
    return sympy.expand(
        sympy.expand(matrix.charpoly(Z).as_expr()).subs(ALPHA, sympy.sqrt(COUPLING) / S)
    )  # noqa: E501


# Two momenta ---------------------------------------------------------------------------------------


def _two_momenta_proof() -> Evidence:
    """Liénard and Chipart on a superposed round: stable iff four coefficients and Δ₃ are positive.

    After z = (1 + w)/(1 − w) the coefficients of w⁴, w³, w and 1 are 4(1 + β₁)(1 + β₂) − c,
    8(1 − β₁β₂) − 2c, 2c and c, and the third Hurwitz determinant is −16c times the third condition
    of the law. For |β₁β₂| ≥ 1 the product of the roots, β₁β₂, leaves one outside.
    """
    polynomial = _polynomial(FIRST, SECOND)
    turned = sympy.Poly(
        sympy.expand(sympy.cancel(polynomial.subs(Z, (1 + W) / (1 - W)) * (1 - W) ** 4)), W
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
        bool(ratio.is_number and ratio < 0), found, sympy.expand(polynomial.subs(Z, 0) - product),
        note="four coefficients and the third Hurwitz determinant of a superposed round",
    )  # fmt: skip


def _two_momenta_mask(rng: np.random.Generator, order: str) -> Evidence:
    first, second = rng.uniform(-1.5, 1.5, (2, 4000))
    step = rng.uniform(0.05, 2.5, 4000)
    radius = np.abs(np.linalg.eigvals(round_matrix(_pair(step, first, second), 1.0, play=order)))
    radius = radius.max(axis=-1)
    clear = np.abs(radius - 1) > 1e-9
    predicted = games.is_stable_alternating_pair(step**2, first, second)
    wrong = float(np.mean((radius < 1)[clear] != predicted[clear]))
    # One positive momentum is borne, if the other pulls hard enough.
    run = play(_pair(0.5, 0.2, -0.6), BilinearGame(1.0), steps=2500, play=order)
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


# Small steps ---------------------------------------------------------------------------------------


def _second_order(polynomial: Any) -> Any:
    """|z|² of the root near 1 to first order in c, from z = 1 + e x + e² y with c = e²."""
    e, x, y = sympy.symbols("e x y")
    expanded = sympy.expand(polynomial.subs({COUPLING: e**2, Z: 1 + e * x + e**2 * y}))
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
        sympy.cancel(_second_order(_polynomial(FIRST, SECOND)) - (in_turn - 1) / COUPLING),
        sympy.cancel(
            _second_order(_polynomial(FIRST, FIRST, "simultaneous")) - (at_once - 1) / COUPLING
        ),
        sympy.cancel((1 - games.alternating_growth(COUPLING, -M, -M)) / COUPLING - slope),
        sympy.diff(slope, M).subs(M, half), slope.subs(M, half) - sympy.Rational(4, 27),
        note="second-order expansion of the superposed round; steepest at −1/2, by 4/27",
    )  # fmt: skip


def _small_step_experiment(order: str) -> Evidence:
    step = 0.07
    predicted, found = [], []
    for first, second in ((-0.5, -0.5), (-0.3, 0.0), (0.1, -0.4), (0.2, 0.2)):
        predicted.append((float(games.alternating_growth(step**2, first, second)) - 1) / step**2)
        path = play(_pair(step, first, second), BilinearGame(1.0), steps=5000, play=order)
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


# Best parameters -----------------------------------------------------------------------------------


def _single_proof() -> Evidence:
    """At the laws' parameters the quartic has a root of multiplicity three."""
    checks = []
    for law, rate, one_sided in (
        (games.best_alternating, 2 * sympy.sqrt(3) - 3, False),
        (games.best_one_sided, sympy.Rational(1, 2), True),
    ):
        step, momentum, _ = law(sympy.Integer(1))
        polynomial = _polynomial(FIRST, 0 if one_sided else FIRST)
        polynomial = sympy.Poly(
            sympy.expand(polynomial.subs({COUPLING: step**2, FIRST: momentum})), Z
        )
        for _ in range(3):
            checks.append(sympy.simplify(polynomial.eval(-rate)))
            polynomial = polynomial.diff(Z)
    return Evidence.exact(
        *checks, note="minus the rate is a root of the polynomial and two derivatives"
    )


def _searched_single(order: str) -> Evidence:
    from scipy.optimize import minimize

    def worst(point: Any, one_sided: bool) -> float:  # noqa: FBT001 - of a search
        methods = _pair(float(point[0]), float(point[1]), 0.0 if one_sided else float(point[1]))
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
    figures=("root-loci-of-a-round",),
    remark="Proved: three roots meet there. That nothing is faster is what the search confirms.",
)


def _minimax_proof() -> Evidence:
    """The slow end contracts by its step squared over κ² times the slope; the fast end bounds it."""
    equal = 4 * (1 - M) ** 2 * M / (1 + M) ** 3
    one_sided = 4 * (1 - M) * M / (2 * (1 + M) ** 2)
    kappa = symbol("condition_number")
    fifth, third = sympy.Rational(1, 5), sympy.Rational(1, 3)
    law, other = games.minimax_alternating(S), games.minimax_one_sided(S)
    slopes = [
        sympy.cancel((1 - games.alternating_growth(COUPLING, *momenta)) / COUPLING)
        for momenta in ((-M, -M), (-M, 0))
    ]
    return Evidence.exact(
        sympy.cancel(4 * (1 - M) ** 2 * slopes[0] - equal),
        sympy.cancel(4 * (1 - M) * slopes[1] - one_sided),
        sympy.diff(equal, M).subs(M, fifth), sympy.diff(one_sided, M).subs(M, third),
        equal.subs(M, fifth) - games.minimax_alternating_gap(kappa) * kappa**2,
        one_sided.subs(M, third) - games.minimax_one_sided_gap(kappa) * kappa**2,
        sympy.simplify(law.momentum + fifth), sympy.simplify(law.learning_rate * S - 8 * fifth),
        sympy.simplify(other.momentum + third), sympy.simplify(other.learning_rate**2 * S**2 - 8 * third),  # noqa: E501
        note="the largest 4(1 − m)²m/(1 + m)³ and 2(1 − m)m/(1 + m)²",
    )  # fmt: skip


_KAPPA = 60.0


def _minimax_experiment(order: str) -> Evidence:
    from scipy.optimize import minimize

    game = QuadraticGame.family(0, np.array([1 / _KAPPA, 1.0]), 0)

    def worst(point: Any) -> float:
        methods = _pair(float(point[0]), float(point[1]), 0.0)
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
    remark="Negative momentum changes the constant, and not the exponent of κ.",
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
    source=Citation("gidel2019"),
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


# Printed rates -------------------------------------------------------------------------------------


def _bound(coupling: Any) -> Any:
    return np.maximum(0.5, 1 - np.asarray(coupling) / 16)


def _bound_experiment(second: float, order: str = "alternating") -> Evidence:
    step = np.append(np.linspace(0.02, 1.0, 50), 1.0)
    radius = spectral_radius(_pair(step, -0.5, second), BilinearGame(1.0), play=order)
    excess = float(np.max(radius - _bound(step**2)))
    return Evidence.close(
        0.0, max(excess, 0.0), tolerance=1e-9,
        note="largest excess of the radius over max(1/2, 1 − (αs)²/16) for αs up to 1",
    )  # fmt: skip


def _bound_proof() -> Evidence:
    both = _polynomial(FIRST, FIRST).subs({FIRST: -sympy.Rational(1, 2), COUPLING: 1, Z: -1})
    one = _polynomial(FIRST, 0).subs({FIRST: -sympy.Rational(1, 2), COUPLING: 1})
    roots = [abs(complex(root)) for root in sympy.Poly(one, Z).nroots(n=30)]
    return Evidence.exact(
        both,
        bool(max(roots) < 15 / 16),
        note="with both at −1/2 and αs = 1, z = −1 is a root; with one, all roots are below 15/16",
    )


BOUND_OF_BOTH = Claim(
    slug="both-momenta-at-minus-one-half-keep-the-printed-rate",
    title=(
        "With momentum −1/2 for both players in turn and αs ≤ 1, a round contracts at least by "
        "max(1/2, 1 − (αs)²/16)."
    ),
    source=Citation("gidel2019"),
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
        "At αs = 1 the players keep circling: −1 is a root. With momentum −1/2 for one player and "
        "none for the other the bound holds."
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
    proof=None,
    experiment=lambda _: _bound_experiment(0.0),
    control=lambda _: _bound_experiment(-0.5),
    expected=Verdict.CONFIRMED,
    figures=("bilinear-grid",),
    remark="Seen on a grid of steps. The control gives both players the momentum.",
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


# What descent conserves ----------------------------------------------------------------------------


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
