"""How large a step the mean bears behind each law of staleness, and where it is fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Delay, FixedDelay, GeometricDelay, UniformDelay
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit
from momentum_dynamics.dynamics.loop import characteristic_polynomial, loop_equation
from momentum_dynamics.dynamics.radius import is_stable, spectral_radius
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

ALPHA, H, BETA = map(symbol, ("learning_rate", "curvature", "momentum"))
WORKERS, TAU, LARGEST = map(symbol, ("workers", "staleness", "largest"))
DESCENT = GradientDescent(learning_rate=ALPHA)
Z = sympy.Symbol("z")
COUNTS = (1, 2, 3, 5, 8, 16, 40)


def _edges(law: Callable[[int], Any], delay: Callable[[int], Delay]) -> Evidence:
    """Roots just inside the circle below the limit and outside above, by eigenvalues."""
    inside = []
    for count in COUNTS:
        steps = float(law(count)) * np.array([1 - 1e-4, 1 + 1e-4])
        below, above = spectral_radius(GradientDescent(learning_rate=1.0), steps, delay(count))
        inside.append(bool(below < 1 < above))
    return Evidence.exact(
        *inside,
        note=f"spectral radius around the limit for {len(COUNTS)} delays up to {COUNTS[-1]}",
    )


def _first(counts: Sequence[int], law: Any, delay: Callable[[int], Delay]) -> list[bool]:
    """No earlier crossing: stable at nine tenths, at a half and at a tenth of the limit."""
    checks = []
    for count in counts:
        limit = sympy.nsimplify(sympy.N(law(sympy.Integer(count)), 20), rational=True)
        for share in (sympy.Rational(9, 10), sympy.Rational(1, 2), sympy.Rational(1, 10)):
            method = GradientDescent(learning_rate=float(limit * share))
            checks.append(bool(is_stable(method, 1.0, delay(count))))
    return checks


# Fixed -----------------------------------------------------------------------------------------


def _fixed_proof() -> Evidence:
    """At a = 2 sin(θ/2), θ = π/(2τ + 1), a pole is exp(iθ): its modulus and its angle fit.

    z^τ(z − 1) = −a means |z − 1| = a, which is 2 sin(θ/2) on the circle, and an angle
    τθ + (π + θ)/2 that is an odd number of half turns; the smallest such θ comes first. Before, all
    poles are inside: for small a one is about 1 − a, and the others are near 0.
    """
    angle = 2 * sympy.pi * expression(staleness.fixed_delay_step_limit_angle)
    turned = TAU * angle + (sympy.pi + angle) / 2
    loop = loop_equation(DESCENT, 1, FixedDelay(staleness=TAU))
    return Evidence.exact(
        sympy.simplify(turned - sympy.pi),
        expression(staleness.fixed_delay_step_limit) - 2 * sympy.sin(angle / 2),
        sympy.simplify((loop - 1) * Z**TAU * (Z - 1) - ALPHA),
        *_first((1, 2, 3, 6, 15), staleness.fixed_delay_step_limit, _fixed),
        note="modulus and angle of the first pole for every τ; by Schur and Cohn up to τ = 15",
    )


def _fixed(count: int) -> Delay:
    return FixedDelay(staleness=count)


FIXED = Claim(
    slug="fixed-delay-limits-the-step",
    title="Behind a fixed delay τ gradient descent is stable for αh below 2 sin(π/(4τ + 2)).",
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.fixed_delay_step_limit), evaluate=False
    ),
    proof=_fixed_proof,
    experiment=lambda _: _edges(staleness.fixed_delay_step_limit, _fixed),
    control=lambda _: _edges(
        staleness.fixed_delay_step_limit, lambda k: FixedDelay(staleness=k + 1)
    ),
    expected=Verdict.PROVED,
    figures=("limits-of-stale-steps", "poles-behind-delays"),
    remark="Classical for this difference equation. A round robin of M equal workers is τ = M − 1, "
    "so its limit falls as π/(2M). The control has one worker more.",
)


# Geometric -------------------------------------------------------------------------------------


def _geometric(count: int) -> Delay:
    return GeometricDelay(workers=float(count))


def _geometric_proof() -> Evidence:
    """Jury's triangle: p(−1) > 0 is the condition that fails, at a = 4M − 2."""
    loop = sympy.Poly(
        characteristic_polynomial(DESCENT, 1, GeometricDelay(workers=WORKERS)).as_expr(), Z
    )
    at_one, at_minus_one = sympy.factor(loop.eval(1)), sympy.factor(loop.eval(-1))
    limit = expression(staleness.geometric_delay_step_limit)
    return Evidence.exact(
        at_one - ALPHA / WORKERS,
        at_minus_one - (limit - ALPHA) / WORKERS,
        loop.eval(0) - staleness.implicit_momentum(WORKERS),
        note="p(1) = a/M, p(−1) = (4M − 2 − a)/M, p(0) = 1 − 1/M < 1",
    )


GEOMETRIC = Claim(
    slug="memoryless-workers-raise-the-limit-of-the-mean",
    title=(
        "The mean of M memoryless workers is stable for αh below 4M − 2: random staleness makes it "
        "more stable than no staleness, where a fixed one of equal mean makes it less."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.geometric_delay_step_limit), evaluate=False
    ),
    proof=_geometric_proof,
    experiment=lambda _: _edges(staleness.geometric_delay_step_limit, _geometric),
    control=lambda _: _edges(
        staleness.geometric_delay_step_limit, lambda k: FixedDelay(staleness=k)
    ),
    expected=Verdict.PROVED,
    figures=("limits-of-stale-steps", "poles-behind-delays"),
    remark="Heavy ball's own limit 2(1 + β) with β = 1 − 1/M and the learning rate α/M. Second "
    "moments are another matter: see asynchrony-shrinks-the-stable-step-in-mean-square.",
)


# Uniform ---------------------------------------------------------------------------------------


def _uniform(count: int) -> Delay:
    return UniformDelay(largest=count)


def _uniform_proof() -> Evidence:
    """At a = 2(n + 1) sin²(θ/2), θ = π/(n + 1), exp(iθ) is a pole, and the first on the circle.

    The loop's equation is (n + 1)(z − 1)²zⁿ + a(zⁿ⁺¹ − 1) = 0. At z = exp(iθ), over z^(n + 1), its
    first term is −4(n + 1) sin²(θ/2), which is real; so zⁿ⁺¹ is its own conjugate, and not 1, hence
    −1: θ is an odd multiple of π/(n + 1), and (n + 1)(2 cos θ − 2) = −2a. The smallest such θ comes
    first; for small a one pole is about 1 − a, and the others are near 0.
    """
    angle = sympy.pi / (LARGEST + 1)
    limit = expression(staleness.uniform_delay_step_limit)
    loop = loop_equation(DESCENT, 1, UniformDelay(largest=LARGEST))
    size = LARGEST + 1
    polynomial = size * (Z - 1) ** 2 * Z**LARGEST + ALPHA * (Z**size - 1)
    given = sympy.simplify(loop * size * (Z - 1) ** 2 * Z**LARGEST - polynomial)
    half = sympy.sin(angle / 2) ** 2
    turn = sympy.Symbol("theta", real=True)
    onto = ((Z - 1) ** 2 / Z).subs(Z, sympy.exp(sympy.I * turn))
    return Evidence.exact(
        sympy.simplify(sympy.powsimp(sympy.expand(given))),
        sympy.simplify(sympy.expand_complex(onto) + 4 * sympy.sin(turn / 2) ** 2),
        sympy.simplify(size * (2 * (1 - 2 * half) - 2) + 2 * limit),
        *_first((1, 2, 3, 6, 15), staleness.uniform_delay_step_limit, _uniform),
        note="the first pole on the circle for every n; by Schur and Cohn up to n = 15",
    )


UNIFORM = Claim(
    slug="uniform-staleness-limits-the-step",
    title=(
        "The mean behind staleness that is uniform on 0, …, n is stable for αh below "
        "2(n + 1) sin²(π/(2n + 2))."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.uniform_delay_step_limit), evaluate=False
    ),
    proof=_uniform_proof,
    experiment=lambda _: _edges(staleness.uniform_delay_step_limit, _uniform),
    control=lambda _: _edges(staleness.uniform_delay_step_limit, _fixed),
    expected=Verdict.PROVED,
    figures=("limits-of-stale-steps", "poles-behind-delays"),
    remark="About π²/(2(n + 1)) for large n. The control is a fixed delay n.",
)


# Critical damping ------------------------------------------------------------------------------


def _critical_proof() -> Evidence:
    """The characteristic polynomial and its slope vanish together."""
    root = sympy.sqrt(staleness.implicit_momentum(WORKERS))
    loop = characteristic_polynomial(DESCENT, 1, GeometricDelay(workers=WORKERS)).as_expr()
    loop = loop.subs(ALPHA, expression(staleness.geometric_critical_step))
    checks = [
        sympy.simplify(loop.subs(Z, root)),
        sympy.simplify(sympy.diff(loop, Z).subs(Z, root)),
    ]
    for delay in range(1, 9):
        double = sympy.Rational(delay, delay + 1)
        loop = characteristic_polynomial(DESCENT, 1, FixedDelay(staleness=delay)).as_expr()
        loop = loop.subs(ALPHA, staleness.fixed_delay_critical_step(sympy.Integer(delay)))
        checks += [loop.subs(Z, double), sympy.diff(loop, Z).subs(Z, double)]
    return Evidence.exact(*checks, note="double roots: √(1 − 1/M) for every M, τ/(τ + 1) to τ = 8")


def _critical_experiment(_: np.random.Generator, *, of_fixed: bool) -> Evidence:
    """The step with the smallest radius of the mean, found by search."""
    from scipy.optimize import minimize_scalar

    found, predicted = [], []
    for count in (2, 4, 16):
        delay: Delay = FixedDelay(staleness=count - 1)
        law = staleness.fixed_delay_critical_step(count - 1)
        if not of_fixed:
            law = staleness.geometric_critical_step(count)

        def radius(step: float, delay: Delay = delay) -> float:
            return float(spectral_radius(GradientDescent(learning_rate=step), 1.0, delay))

        ends = (0.2 * law, 3 * law)
        found.append(minimize_scalar(radius, bounds=ends, method="bounded").x / law)
        predicted.append(1.0)
    return Evidence.close(
        predicted, found, tolerance=1e-2,
        note="the fastest step of a round robin of 2, 4 and 16, found by search, over the law",
    )  # fmt: skip


CRITICAL = Claim(
    slug="stale-mean-is-critically-damped-at-small-steps",
    title=(
        "The mean is critically damped at αh = M(1 − √(1 − 1/M))², about 1/(4M), for memoryless "
        "workers, and at τ^τ/(τ + 1)^(τ + 1), about 1/(e(τ + 1)), behind a fixed delay."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("a"), expression(staleness.geometric_critical_step), evaluate=False
    ),
    proof=_critical_proof,
    experiment=lambda rng: _critical_experiment(rng, of_fixed=True),
    control=lambda rng: _critical_experiment(rng, of_fixed=False),
    expected=Verdict.PROVED,
    figures=("poles-behind-delays",),
    remark="Beyond it the mean oscillates: what is seen as momentum of asynchronous runs lies "
    "between 1/(4M) and the mean-square limit √(2/M). The experiment searches behind fixed "
    "delays; memoryless workers have equal moduli beyond. The control exchanges the laws.",
)


# Delays and momentum add as lags ---------------------------------------------------------------


def _lags(_: np.random.Generator, momenta: Sequence[float]) -> Evidence:
    """The rule of thumb over the true limit, for delays of 7, 15 and 31."""
    ratios = []
    for delay in (7, 15, 31):
        for momentum in momenta:
            method = HeavyBall(learning_rate=1.0, momentum=momentum)
            limit = float(delay_stability_limit(method, FixedDelay(staleness=delay)))
            ratios.append(float(staleness.total_lag_step_limit(momentum, delay)) / limit)
    return Evidence.close(
        1.0, ratios, tolerance=0.07,
        note="the rule over the limit by roots, τ = 7, 15, 31",
    )  # fmt: skip


LAGS = Claim(
    slug="delay-and-momentum-add-as-lags",
    title=(
        "Heavy ball behind a fixed delay bears αh/(1 − β) up to about π/(2D + 1), where the total "
        "mean lag D is τ + β/(1 − β): delay and momentum add as lags."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(
        ALPHA * H, expression(staleness.total_lag_step_limit), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _lags(rng, (-0.5, 0.0, 0.3, 0.6)),
    control=lambda rng: _lags(rng, (0.9,)),
    expected=Verdict.CONFIRMED,
    figures=("limits-with-momentum",),
    remark="Within 7 % as long as the momentum's lag is small against the delay; at β = 0.9, the "
    "control, it is too low by up to 40 %.",
)
