"""Random data with as many features as samples: losses fall by powers, and by which."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.modified import modified_loss
from momentum_dynamics.laws import generalization
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

Array = NDArray[np.float64]

ALPHA, BETA, STEPS = symbol("learning_rate"), symbol("momentum"), symbol("steps")


def _statement() -> Any:
    return sympy.Tuple(
        expression(generalization.square_data_loss),
        expression(generalization.least_square_data_loss),
    )


def _proof() -> Evidence:
    """With h = 2 − 2 cos θ the mean loss is ∫ P² dμ, dμ = 2 sin² θ dθ/π = √(h(4 − h)) dh/(2π).

    The least: the polynomials sin((k + 1)θ)/sin θ are orthonormal for μ, up to a sign, and k + 1 at
    h = 0. By Cauchy and Schwarz the least ∫ P² dμ with P(0) = 1 is one over the sum of their
    squares at 0.

    Heavy ball: far from h = 0 its roots are below one. Near it the slow root is exp(−αh/(1 − β) +
    O(h²)), all that is left from rest, and μ has the density √h/π: by Watson's lemma the integral
    of its squared powers tends to ∫ √h/π · exp(−2th) dh.
    """
    h, time = sympy.symbols("h t", positive=True)
    theta = sympy.Symbol("theta", real=True)
    j = sympy.Symbol("k", integer=True, nonnegative=True)
    density = sympy.sqrt(h * (4 - h)) / (2 * sympy.pi)
    mapped = (density**2).subs(h, 2 - 2 * sympy.cos(theta)) * (2 * sympy.sin(theta)) ** 2
    inner = [
        sympy.integrate(
            2 * sympy.sin((a + 1) * theta) * sympy.sin((b + 1) * theta) / sympy.pi,
            (theta, 0, sympy.pi),
        )
        - (1 if a == b else 0)
        for a in range(5)
        for b in range(a + 1)
    ]
    ends = [sympy.limit(sympy.sin((k + 1) * theta) / sympy.sin(theta), theta, 0) - k - 1
            for k in range(5)]  # fmt: skip
    whole = sympy.summation((j + 1) ** 2, (j, 0, STEPS))
    watson = sympy.integrate(sympy.sqrt(h) / sympy.pi * sympy.exp(-2 * time * h), (h, 0, sympy.oo))
    law = expression(generalization.square_data_loss)
    slow = modified_loss(HeavyBall(learning_rate=ALPHA, momentum=BETA), order=1)[0]
    inside = law.subs(ALPHA, (1 - BETA) * time / STEPS) - watson
    return Evidence.exact(
        sympy.simplify(mapped - (2 * sympy.sin(theta) ** 2 / sympy.pi) ** 2), *inner, *ends,
        sympy.simplify(whole * generalization.least_square_data_loss(STEPS) - 1),
        sympy.limit(density / sympy.sqrt(h), h, 0) - 1 / sympy.pi,
        sympy.simplify(slow - ALPHA / (1 - BETA)),
        sympy.simplify(inside),
        note="orthonormal polynomials and their values at 0; Watson's lemma for the slow root",
    )  # fmt: skip


def _spectrum(aspect_ratio: float, count: int) -> tuple[Array, Array]:
    """Curvatures and weights of the mean loss by Marchenko's and Pastur's law, Gauss' nodes."""
    angle = np.pi * np.arange(1, count + 1) / (count + 1)
    curvature = 1 + aspect_ratio - 2 * np.sqrt(aspect_ratio) * np.cos(angle)
    return curvature, 2 * np.sin(angle) ** 2 / (count + 1)


def _conjugate_gradients(aspect_ratio: float, chosen: tuple[int, ...]) -> list[float]:
    """What conjugate gradients leave of the loss, which no method of gradients leaves less of."""
    h, weight = _spectrum(aspect_ratio, 400)
    point = np.sqrt(weight / h)
    gradient = h * point
    direction, found = -gradient, []
    for step in range(1, max(chosen) + 1):
        square = gradient @ gradient
        length = square / (direction @ (h * direction))
        point = point + length * direction
        gradient = gradient + length * h * direction
        direction = -gradient + gradient @ gradient / square * direction
        if step in chosen:
            found.append(float(point @ (h * point)))
    return found


def _experiment(aspect_ratio: float) -> Evidence:
    """Losses of runs over their laws: conjugate gradients, and heavy ball after 2,000 steps."""
    chosen, steps = (3, 10, 30), 2000
    least = [float(generalization.least_square_data_loss(step)) for step in chosen]
    found = list(np.array(_conjugate_gradients(aspect_ratio, chosen)) / least)
    h, weight = _spectrum(aspect_ratio, 8000)
    for momentum in (-0.4, 0.0, 0.5, 0.9):
        ball = HeavyBall(learning_rate=0.25, momentum=momentum)
        state: Any = (np.ones_like(h), np.ones_like(h))
        for _ in range(steps):
            state = ball.update(state, h * state[0])
        law = float(generalization.square_data_loss(0.25, momentum, steps))
        found.append(float(weight @ state[0] ** 2) / law)
    return Evidence.close(
        1.0, found, tolerance=0.01,
        note="loss over its law: conjugate gradients after 3, 10, 30 steps; heavy ball after 2,000",
    )  # fmt: skip


POWERS = Claim(
    slug="on-square-random-data-loss-falls-by-powers",
    title=(
        "On large random data with as many features as samples heavy ball's mean loss falls like "
        "t^(−3/2) in effective time, whatever its momentum, and that of the best method like 3/n³."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_statement,
    proof=_proof,
    experiment=lambda _: _experiment(1.0),
    control=lambda _: _experiment(0.8),
    expected=Verdict.PROVED,
    remark=(
        "As a share of the first loss, without noise, over truths of equal variance in all "
        "directions. A fixed momentum gains a factor and no exponent. The control has four "
        "features for five samples: no curvature is near 0, and powers give way to a rate."
    ),
)
