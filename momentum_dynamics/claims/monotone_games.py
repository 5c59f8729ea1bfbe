"""Strongly monotone games at once: what negative momentum gains there."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import regions, shapes
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__ = ["monotone_corners"]

BETA, RATE, STEP = symbol("momentum"), symbol("rate"), symbol("learning_rate")


def monotone_corners(condition_number: float, count: int = 120) -> Any:
    """The upper boundary of {Re λ ≥ 1/κ, |λ| ≤ 1}."""
    edge = np.arccos(1 / condition_number)
    return np.exp(1j * edge * np.linspace(0, 1, count) ** 0.5)


def _monotone_proof() -> Evidence:
    """With L = 1, μ = u², β = −1 + eu, α = 2eut, rate 1 − gu³: what two corners ask, to order u².

    The corner λ = 1 lies in the level set only if t(t − 1) ≤ 0, and μ + i√(1 − μ²) only if g ≤ et −
    e³t²/4, which is at most 4√t/(3√3), at e = 2/√(3t). So t = 1 is best; momenta of another order
    are the limits e → 0 and e → ∞, t → 0, of gap 0. Both corners suffice: on the arc |λ| = 1 the
    level set's equation is a parabola in Re λ that opens upwards for β < 0, so it is largest at the
    ends, and level sets are convex.

    Descent: |1 − αλ|² at the second corner is at least 1 − μ², at α = μ, where 1 is no worse.
    """
    u, e, t, x, y = sympy.symbols("u e t x y", positive=True)
    g = sympy.Symbol("g")
    kappa = symbol("condition_number")
    momentum, step, rate = e * u - 1, 2 * e * u * t, 1 - g * u**3
    pull, turn = u**2, sympy.sqrt(1 - u**4)
    corner = regions.level_set_equation(step * pull, step * turn, momentum, rate)
    leading = [sympy.limit(sympy.simplify(corner) / u**order, u, 0) for order in (1, 2)]
    end = sympy.limit(regions.level_set_equation(step, 0, momentum, rate), u, 0)
    gap = e * t - e**3 * t**2 / 4
    best = 2 / sympy.sqrt(3 * t)
    largest = 4 * sympy.sqrt(t) / (3 * sympy.sqrt(3))
    lean = sympy.Symbol("b", positive=True)  # minus the momentum
    arc = regions.level_set_equation(STEP * x, STEP * y, -lean, RATE).subs(y, sympy.sqrt(1 - x**2))
    bend = sympy.cancel(sympy.expand(arc).coeff(x, 2) / STEP**2)
    axes = 4 * lean * RATE**4 / ((RATE**2 - lean) ** 2 * (RATE**2 + lean) ** 2)
    square = 1 - 2 * STEP * u + STEP**2  # of 1 − αλ, where Re λ = u and |λ| = 1
    return Evidence.exact(
        leading[0],
        sympy.simplify(leading[1] - 4 * (g - gap) / e),
        sympy.expand(end - 4 * t * (t - 1)),
        sympy.simplify(gap.diff(e).subs(e, best)),
        bool(gap.diff(e, 2).is_negative),
        sympy.simplify(gap.subs(e, best) - largest),
        sympy.simplify(
            largest.subs(t, 1) - shapes.monotone_momentum_gap(kappa) * kappa ** sympy.Rational(3, 2)
        ),
        sympy.simplify(best.subs(t, 1) - (1 + shapes.monotone_momentum(kappa)) * sympy.sqrt(kappa)),
        sympy.cancel(bend - axes),
        sympy.expand(square - (1 - u**2) - (STEP - u) ** 2),
        sympy.limit((1 - sympy.sqrt(1 - u**2)) / u**2, u, 0) - shapes.monotone_descent_gap(1),
        note="what two corners of the half disc ask of step and momentum; between them nothing",
    )


def _monotone_experiment(law: Any) -> Evidence:
    predicted, found = [], []
    for kappa in (3e3, 3e4):
        corners = monotone_corners(kappa)
        ball = tune("heavy-ball", spectrum=corners)
        gap = 1 - float(np.max(spectral_radius(ball, corners)))
        predicted += [float(law(kappa)) * kappa**1.5, 2 / np.sqrt(3)]
        found += [gap * kappa**1.5, (1 + ball.momentum) * np.sqrt(kappa)]
        descent = tune("gradient-descent", spectrum=corners)
        predicted.append(0.5)
        found.append((1 - float(np.max(spectral_radius(descent, corners)))) * kappa**2)
    return Evidence.close(
        predicted, found, tolerance=1.5e-2,
        note="gap × κ^1.5, (1 + β)√κ and descent's gap × κ² at κ = 3,000 and 30,000, by search",
    )  # fmt: skip


MONOTONE = Claim(
    slug="negative-momentum-gains-half-a-power",
    title=(
        "On strongly monotone games at once, heavy ball has gap 4/(3√3) κ^(−3/2) with momentum "
        "−1 + 2/√(3κ); gradient descent has 1/(2κ²)."
    ),
    source=Citation("zhang2021"),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Tuple(
        expression(shapes.monotone_momentum_gap), expression(shapes.monotone_momentum)
    ),
    proof=_monotone_proof,
    experiment=lambda _: _monotone_experiment(shapes.monotone_momentum_gap),
    control=lambda _: _monotone_experiment(shapes.monotone_descent_gap),
    expected=Verdict.PROVED,
    figures=("gaps-against-condition",),
    remark="Worst case over curvatures with Re λ ≥ μ and |λ| ≤ L. The constants are ours.",
)
