"""Complex spectra: the best momentum for a shape, and when a little negative momentum helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.rounds import game_operator
from momentum_dynamics.dynamics.shaped_optimum import step_size_bounds
from momentum_dynamics.laws import regions, shapes
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import QuadraticGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

BETA, RATE, STEP = symbol("momentum"), symbol("rate"), symbol("learning_rate")
CENTER, REAL, IMAGINARY = map(symbol, ("center", "real_half_axis", "imaginary_half_axis"))
PULL, TURN, ANGLE = symbol("pull"), symbol("turn"), symbol("angle")


def _searched(worst: Any, starts: Any) -> float:
    """The least worst rate that a simplex search finds which knows no formula."""
    from scipy.optimize import minimize

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 300}
    return min(
        float(minimize(worst, start, method="Nelder-Mead", options=options).fun) for start in starts
    )


# The ellipse -----------------------------------------------------------------------------------


def _ellipse_proof() -> Evidence:
    """The level set at rate r is the scaled spectrum itself: same center, same half axes.

    With D as in the law and F = p² − q², D² − 2dD + F = 0 gives 1 + β = αd; then r + β/r = αp and
    r − β/r = αq.

    Not to be beaten, by the maximum principle: outside the ellipse λ = d + (p + q)w/2 + (p − q)/2w
    with |w| > 1, and log ρ(αλ) − log |w| is subharmonic there and bounded. So at λ = 0, where |w| =
    D/(p + q) and 1 is a root, it is at most the largest log ρ on the ellipse, where |w| = 1. The
    logarithm of the larger modulus of two roots is subharmonic for every α ≠ 0 and β.
    """
    best = shapes.ellipse_optimum(CENTER, REAL, IMAGINARY)
    rate = shapes.ellipse_rate(CENTER, REAL, IMAGINARY)
    share = best.momentum / rate
    turn, beyond = sympy.Symbol("t", real=True), sympy.Symbol("e", positive=True)

    def outside(w: Any) -> Any:
        return CENTER + (REAL + IMAGINARY) * w / 2 + (REAL - IMAGINARY) / (2 * w)

    around = sympy.expand(outside(sympy.exp(sympy.I * turn)).rewrite(sympy.cos))
    edge = CENTER + REAL * sympy.cos(turn) + sympy.I * IMAGINARY * sympy.sin(turn)
    ball = HeavyBall(learning_rate=STEP, momentum=BETA)
    # D > p + q, so that 0 lies outside, since D − d = √(d² − p² + q²) > q where d > p.
    margin = (CENTER**2 - REAL**2).subs(CENTER, REAL + beyond)
    return Evidence.exact(
        sympy.simplify(1 + best.momentum - best.learning_rate * CENTER),
        sympy.simplify(rate + share - best.learning_rate * REAL),
        sympy.simplify(rate - share - best.learning_rate * IMAGINARY),
        sympy.simplify(around - edge), sympy.simplify(outside(-1 / rate)),
        bool(sympy.expand(margin).subs(REAL, sympy.Symbol("p", positive=True)).is_positive),
        characteristic_polynomial(ball, 0).eval(1),
        note="the level set at the law's rate is the spectrum; the maximum principle allows less "
        "to no heavy ball",
    )  # fmt: skip


_SHAPES = ((1.0, 0.6, 0.3), (1.0, 0.3, 0.8), (2.0, 1.0, 1.6))
_AROUND = np.linspace(0, np.pi, 61)


def _ellipse_experiment(*, exchange: bool) -> Evidence:
    predicted, found = [], []
    for center, real, imaginary in _SHAPES:
        spectrum = center + real * np.cos(_AROUND) + 1j * imaginary * np.sin(_AROUND)

        def worst(parameters: Any, spectrum: Any = spectrum) -> float:
            ball = HeavyBall(learning_rate=float(parameters[0]), momentum=float(parameters[1]))
            return float(np.max(spectral_radius(ball, spectrum)))

        axes = (imaginary, real) if exchange else (real, imaginary)
        law = float(shapes.ellipse_rate(center, *axes))
        predicted += [law, law]
        found += [
            worst(shapes.ellipse_optimum(center, *axes)[:2]),
            _searched(worst, ((0.5, 0.0), (1.0, -0.2))),
        ]
    return Evidence.close(
        predicted, found, tolerance=2e-4,
        note="rates on three ellipses at the law's parameters, and by a search without formula",
    )  # fmt: skip


ELLIPSE = Claim(
    slug="best-momentum-for-an-elliptic-spectrum",
    title=(
        "For curvatures in an ellipse the best momentum has the sign of its real minus its "
        "imaginary half axis, and the rate is (p + q)/D."
    ),
    source=Citation("azizian2020"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(
        *expression(shapes.ellipse_optimum)[:2], expression(shapes.ellipse_rate)
    ),
    proof=_ellipse_proof,
    experiment=lambda _: _ellipse_experiment(exchange=False),
    control=lambda _: _ellipse_experiment(exchange=True),
    expected=Verdict.PROVED,
    figures=("spectral-shapes",),
    remark=(
        "Proved: this rate is reached on the whole ellipse, and no heavy ball is faster, whatever "
        "the sign of its parameters. Polyak's segment, the disc of gradient descent and the "
        "standing ellipse of negative momentum are one formula. The control exchanges the half "
        "axes."
    ),
)


# One pair --------------------------------------------------------------------------------------


def _pair_proof() -> Evidence:
    """The steepest line through 0 that meets the level set, and how its slope falls with β."""
    slope, x = sympy.Symbol("k", positive=True), sympy.Symbol("x", real=True)
    line = sympy.Poly(
        sympy.together(regions.level_set_equation(x, slope * x, BETA, RATE)).as_numer_denom()[0], x
    )
    touching = shapes.pair_slope(BETA, RATE)
    square = sympy.Poly(sympy.expand(line.discriminant()), slope).as_dict()
    tangent = sympy.cancel(
        sum(term * sympy.cancel(touching**2) ** (power // 2) for (power,), term in square.items())
    )
    falls = sympy.simplify(
        sympy.diff(sympy.log(touching), BETA)
        + RATE**2 * (1 - BETA) / ((RATE**2 - BETA) * (RATE**2 - BETA**2))
    )
    half = sympy.Symbol("u", positive=True)  # tan(ψ/2)
    doubled = sympy.simplify(
        shapes.pair_slope(-(half**2), half) ** 2 - (2 * half / (1 - half**2)) ** 2
    )
    quarter = sympy.Symbol("t", real=True)
    law = sympy.expand_trig(shapes.pair_rate(2 * quarter)) - sympy.tan(quarter)
    return Evidence.exact(
        tangent, falls, doubled, sympy.simplify(law),
        note="tangent from 0, falling with momentum, and tan ψ = 2r/(1 − r²) at β = −r²",
    )  # fmt: skip


_ANGLES = (0.4, 1.0, 1.4)


def _pair_experiment(order: str) -> Evidence:
    predicted, found = [], []
    for angle in _ANGLES:
        game = QuadraticGame(np.cos(angle), np.sin(angle), np.cos(angle))

        def worst(parameters: Any, game: Any = game) -> float:
            ball = HeavyBall(learning_rate=float(parameters[0]), momentum=float(parameters[1]))
            return float(np.abs(np.linalg.eigvals(game_operator(ball, game, order))).max())

        predicted.append(float(shapes.pair_rate(angle)))
        found.append(_searched(worst, ((0.9, -0.2),)))
        # In play the double root shows as t·rᵗ: a span of rounds, without the factor t.
        step, momentum, _ = shapes.ellipse_optimum(np.cos(angle), 0.0, np.sin(angle))
        ball = HeavyBall(learning_rate=step, momentum=momentum)
        path = play(ball, game, steps=120, play=order).distance
        predicted.append(predicted[-1])
        found.append(float((path[120] / 120 / (path[60] / 60)) ** (1 / 60)))
    return Evidence.close(
        predicted, found, tolerance=5e-3,
        note="best rate of three pairs by a search without formula, and in play at the optimum",
    )  # fmt: skip


PAIR = Claim(
    slug="half-angle-law",
    title=(
        "On one pair of curvatures with argument ψ, heavy ball at once reaches tan(ψ/2), with "
        "momentum −tan²(ψ/2); gradient descent reaches sin ψ."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(expression(shapes.pair_rate), expression(shapes.pair_momentum)),
    proof=_pair_proof,
    experiment=lambda _: _pair_experiment("simultaneous"),
    control=lambda _: _pair_experiment("alternating"),
    expected=Verdict.PROVED,
    figures=(
        "best-momentum-over-the-complex-plane",
        "eigenvalues-with-negative-momentum",
    ),
    remark="Derived here; it may stand elsewhere. The control lets the players alternate.",
)


# Gradient descent's step -------------------------------------------------------------------------


def _bounds_proof() -> Evidence:
    """|1 − αλ|² = 1 − α|λ|²(2 Re(1/λ) − α): a parabola in α, least at Re(1/λ), and there sin² ψ.

    So no step brings the worst of several below the largest sin² ψ. At Re(1/λ₁), the least of the
    Re(1/λₖ), the worst is 1 − Re(1/λ₁)δ; below that step all parabolas still fall, and from twice
    that step on the first is no longer below 1, while all are below 1 at Re(1/λ₁).
    """
    curvature, inverse = PULL + sympy.I * TURN, PULL / (PULL**2 + TURN**2)
    square = sympy.expand((1 - STEP * curvature) * (1 - STEP * sympy.conjugate(curvature)))
    modulus = PULL**2 + TURN**2
    return Evidence.exact(
        sympy.simplify(sympy.re(1 / curvature) - inverse),
        sympy.simplify(square - (1 - STEP * modulus * (2 * inverse - STEP))),
        sympy.simplify(sympy.diff(square, STEP) - 2 * modulus * (STEP - inverse)),
        sympy.simplify(square.subs(STEP, inverse) - TURN**2 / modulus),
        sympy.simplify(square.subs(STEP, 2 * inverse) - 1),
        note="the parabola of one curvature: its least value, where it falls, where it is 1 again",
    )


def _bounds_experiment(rng: np.random.Generator, *, squeeze: float) -> Evidence:
    wrong = 0
    for _ in range(200):
        spectrum = rng.uniform(0.05, 2, 5) + 1j * rng.uniform(-2, 2, 5)
        low, high, least, most = step_size_bounds(spectrum)
        best = tune(GradientDescent, spectrum=spectrum)
        rate = float(np.max(spectral_radius(best, spectrum)))
        inside = low - 1e-9 <= rate <= squeeze * high + 1e-9
        wrong += not (inside and least - 1e-9 <= best.learning_rate <= most + 1e-9)
    return Evidence.close(
        0.0, float(wrong), tolerance=0, note="violations among the best steps of 200 random spectra"
    )


BOUNDS = Claim(
    slug="step-of-descent-in-games-is-bounded",
    title=(
        "The best gradient descent on a complex spectrum has a rate between max |sin ψ| and "
        "√(1 − Re(1/λ₁)δ), and a learning rate between Re(1/λ₁) and 2 Re(1/λ₁)."
    ),
    source=Citation("gidel2019"),
    kind=Kind.UPPER_BOUND,
    statement=lambda: sympy.Ge(RATE, expression(shapes.pair_descent_rate)),
    proof=_bounds_proof,
    experiment=lambda rng: _bounds_experiment(rng, squeeze=1.0),
    control=lambda rng: _bounds_experiment(rng, squeeze=0.97),
    expected=Verdict.PROVED,
    figures=("two-kinds-of-best-step",),
    remark="The control lowers the upper bound of the rate by 3 %.",
)


# A little negative momentum ----------------------------------------------------------------------


def _little_proof() -> Evidence:
    """The derivative of |μ|² in β at 0 has the sign of −Re(λ(1 − αλ̄)²), a parabola in α.

    μ = 1 − αλ − βαλ/(1 − αλ) + …; the parabola's roots are the ends of the interval. The upper end
    is past 2 Re(1/λ) iff (1 + sin ψ)(2 sin ψ − 1) ≥ 0.
    """
    curvature = PULL + sympy.I * TURN
    positive = sympy.Symbol("b", positive=True)
    parabola = sympy.re(sympy.expand(curvature * (1 - STEP * sympy.conjugate(curvature)) ** 2))
    low, high = (law(PULL, TURN) for law in (shapes.helpful_step_low, shapes.helpful_step_high))
    factored = PULL * (PULL**2 + TURN**2) * (STEP - low) * (STEP - high)
    roots = sympy.simplify(sympy.expand(parabola - factored))
    # The root that is 1 − αλ without momentum, to first order.
    z = 1 - STEP * curvature - BETA * STEP * curvature / (1 - STEP * curvature)
    ball = HeavyBall(learning_rate=STEP, momentum=BETA)
    mismatch = characteristic_polynomial(ball, curvature).as_expr().subs(sympy.Symbol("z"), z)
    first_order = sympy.simplify(sympy.diff(mismatch, BETA).subs(BETA, 0))
    sine = positive / sympy.sqrt(PULL**2 + positive**2)
    margin = (high.subs(TURN, positive) - 2 * PULL / (PULL**2 + positive**2)) * PULL
    return Evidence.exact(
        roots, first_order, sympy.simplify(mismatch.subs(BETA, 0)),
        sympy.simplify(margin - (1 + sine) * (2 * sine - 1)),
        note="the interval's ends, the root to first order, and the factor 2 sin ψ − 1",
    )  # fmt: skip


def _little_experiment(threshold: float) -> Evidence:
    """Whether momentum −10⁻⁴ helps at the largest step that the theorem allows."""
    angles = np.linspace(0.3, 1.2, 46)
    curvature = np.exp(1j * angles)
    step = 2 * curvature.real * (1 - 1e-3)
    radii = [
        spectral_radius(HeavyBall(learning_rate=step, momentum=momentum), curvature)
        for momentum in (-1e-4, 1e-4)
    ]
    helps = radii[0] < radii[1]
    expected = angles > threshold
    return Evidence.close(
        0.0, float(np.sum(helps != expected)), tolerance=0,
        note="angles from 0.3 to 1.2 at which a little negative momentum does not do as foretold",
    )  # fmt: skip


LITTLE = Claim(
    slug="little-negative-momentum-helps-from-thirty-degrees",
    title=(
        "A little negative momentum speeds up descent at every step from Re(1/λ) to 2 Re(1/λ) "
        "exactly if the argument of the curvature is at least π/6."
    ),
    source=Citation("gidel2019"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(
        expression(shapes.helpful_step_low), expression(shapes.helpful_step_high)
    ),
    proof=_little_proof,
    experiment=lambda _: _little_experiment(np.pi / 6),
    control=lambda _: _little_experiment(np.pi / 4),
    expected=Verdict.PROVED,
    figures=("eigenvalues-with-negative-momentum",),
    remark=(
        "The paper asks for π/4: sufficient, not necessary; π/6 is sharp. The control takes π/4 "
        "for the threshold."
    ),
)
