"""Speed is paid in noise: no method has both."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.optimum import worst_rate
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import minibatch, optima
from momentum_dynamics.methods import HeavyBall, ThreeParameter
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

ALPHA, BETA, AHEAD = map(symbol, ("learning_rate", "momentum", "lookahead"))
H = symbol("curvature")
FAMILY = ThreeParameter(learning_rate=ALPHA, momentum=BETA, lookahead=AHEAD)


def _statement() -> Any:
    product = sympy.Symbol("J") / (1 - symbol("rate"))
    return sympy.Ge(product, expression(minibatch.least_noise_time_product), evaluate=False)


def _family_facts() -> list[Any]:
    """1 − T + D = αh and 1 + T + D = 2(1 + D) − αh, and the noise floor in terms of D and αh.

    A stable loop has 1 + T + D > 0 and D < 1, so αL < 4 and αμ < 4/κ. Its floor is 1/(2(1 − D)αh)
    times (2(1 + D))/(2(1 + D) − αh), which is above 1.
    """
    z = sympy.Symbol("z")
    loop = sympy.Poly(characteristic_polynomial(FAMILY, H), z)
    determinant, step = loop.eval(0), ALPHA * H
    floor = stationary_variance(FAMILY, H, 1 / ALPHA**2)
    excess = 2 * (1 + determinant) / (2 * (1 + determinant) - step)
    return [
        sympy.expand(loop.eval(1) - step),
        sympy.expand(loop.eval(-1) - (2 * (1 + determinant) - step)),
        sympy.simplify(floor - excess / (2 * (1 - determinant) * step)),
    ]


def _roots_facts() -> list[Any]:
    """(1 − D)(1 − ρ) ≤ 2αh, for real roots 1 − x, 1 − x − y and for a pair (1 − x)e^{±iφ}.

    With x, y ≥ 0, D the product of the roots and αh = (1 − z₁)(1 − z₂); ρ is at least the first
    root. What is left over has no negative term: in the pair 1 − x > 0 and c = 1 − cos φ ≥ 0.
    """
    x, y, c, radius = sympy.symbols("x y c r", nonnegative=True)
    first, second = 1 - x, 1 - x - y
    real = 2 * (1 - first) * (1 - second) - (1 - first * second) * (1 - first)
    pair = 2 * (1 - 2 * radius * (1 - c) + radius**2) - (1 - radius**2) * (1 - radius)
    return [
        sympy.expand(real - (x * y + x**2 * (x + y))),
        sympy.expand(pair - ((1 - radius) ** 3 + 4 * radius * c)),
    ]


def _tightness() -> Any:
    """The product of tuned heavy ball over κ²/64, in the limit of large κ."""
    root = sympy.Symbol("k", positive=True)
    tuned = optima.heavy_ball(1, root**2)
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    floor = stationary_variance(ball, 1, 1 / ALPHA**2)
    floor = floor.subs({ALPHA: tuned.learning_rate, BETA: tuned.momentum})
    product = floor / (1 - optima.heavy_ball_rate(root**2))
    ratio = product / minibatch.least_noise_time_product(root**2)
    return sympy.limit(sympy.factor(ratio), root, sympy.oo)


def _proof() -> Evidence:
    """J/(1 − ρ) ≥ 1/(2αμ(1 − D)(1 − ρ)) ≥ 1/(2αμ)² ≥ κ²/64, with every step shown."""
    return Evidence.exact(
        *_family_facts(), *_roots_facts(), _tightness() - 1,
        note="αμ < 4/κ, J > 1/(2(1 − D)αμ), (1 − D)(1 − ρ) ≤ 2αμ; tuned heavy ball attains it "
        "as κ grows",
    )  # fmt: skip


def _smallest_product(rng: np.random.Generator, kappa: float, *, of_gradient: bool) -> float:
    """The least product over κ²/64 that a search over stable (α, β, γ) finds."""
    from scipy.optimize import minimize

    ends = np.array([1.0, kappa])

    def product(parameters: Any) -> float:
        rate, momentum, ahead = map(float, parameters)
        method = ThreeParameter(learning_rate=rate / kappa, momentum=momentum, lookahead=ahead)
        radius = worst_rate(method, ends)
        if radius >= 1 or rate <= 0:
            return 1e3
        variance = 1.0 if of_gradient else (kappa / rate) ** 2
        floor = float(stationary_variance(method, 1.0, variance))
        return floor / (1 - radius) / float(minibatch.least_noise_time_product(kappa))

    tuned = optima.heavy_ball(1.0, kappa)
    starts = [(tuned.learning_rate * kappa, tuned.momentum, 0.0), (1.0, 0.0, 0.0)]
    starts.append(tuple(rng.uniform((0.1, 0, 0), (2, 0.9, 0.9))))
    options = {"maxfev": 250}
    return min(
        float(minimize(product, start, method="Nelder-Mead", options=options).fun)
        for start in starts
    )  # fmt: skip


def _experiment(rng: np.random.Generator, *, of_gradient: bool) -> Evidence:
    found = [_smallest_product(rng, kappa, of_gradient=of_gradient) for kappa in (10.0, 100.0, 1e4)]
    return Evidence.close(
        0.0, np.maximum(1 - np.array(found), 0), tolerance=1e-9,
        note="shortfall from κ²/64 of the best methods that a search finds, κ = 10, 100, 10⁴",
    )  # fmt: skip


PRODUCT = Claim(
    slug="noise-times-settling-time-grows-like-kappa-squared",
    title="Noise of the flattest direction times settling time is at least κ²/64 for every "
    "momentum method of two steps.",
    source=Citation("mohammadi2024"),
    kind=Kind.LOWER_BOUND,
    statement=_statement,
    proof=_proof,
    experiment=lambda rng: _experiment(rng, of_gradient=False),
    control=lambda rng: _experiment(rng, of_gradient=True),
    expected=Verdict.PROVED,
    figures=("noise-against-speed",),
    remark="For the (α, β, γ) family and noise of variance 1 in the iterate, J the noise floor at "
    "curvature μ and settling time 1/(1 − ρ). That the product grows like κ² is the source's; the "
    "constant and the proof are ours. The control has the noise in the gradient, where small "
    "steps pay.",
)
