"""Momentum in continuous time, and two misprints about its roots."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.continuous import exponents, time_limit
from momentum_dynamics.dynamics.loop import transition_matrix
from momentum_dynamics.dynamics.radius import eigenvalues
from momentum_dynamics.laws import continuous
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.methods import GrowingNesterov, HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic, Rosenbrock
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__ = ["exponent_order"]

ALPHA, BETA, H, LOW = map(symbol, ("learning_rate", "momentum", "curvature", "smallest_curvature"))
TICK = sympy.Symbol("d", positive=True)
FRICTION = sympy.Symbol("a", positive=True)


# Symplectic Euler ------------------------------------------------------------------------------


def _euler_statement() -> Any:
    learning_rate, momentum = continuous.symplectic_euler(TICK, FRICTION)
    return sympy.And(
        sympy.Eq(ALPHA, learning_rate, evaluate=False), sympy.Eq(BETA, momentum, evaluate=False)
    )


def _euler_proof() -> Evidence:
    """V ← e^{−ad}v − d∇f(x), x ← x + dv, for any gradient; and the area shrinks by β a step."""
    x, v, g = sympy.symbols("x v g")
    ball = HeavyBall(**continuous.symplectic_euler(TICK, FRICTION)._asdict())
    velocity = sympy.exp(-FRICTION * TICK) * v - TICK * g
    moved = ball.update((x, x - TICK * v), g)[0]
    area = sympy.Matrix(transition_matrix(HeavyBall(learning_rate=ALPHA, momentum=BETA), H)).det()
    return Evidence.exact(
        sympy.expand(moved - (x + TICK * velocity)), sympy.simplify(area - BETA),
        note="the same step for every gradient; areas shrink by β whatever the curvature",
    )  # fmt: skip


def _euler_experiment(*, symplectic: bool) -> Evidence:
    """Integrate x″ + ax′ + ∇f = 0 on Rosenbrock's function; the control moves x with the old v."""
    friction, tick, steps = 3.0, 0.02, 20
    problem = Rosenbrock()
    point, velocity = problem.start, np.zeros(2)
    for _ in range(steps):
        old = velocity
        velocity = np.exp(-friction * tick) * velocity - tick * problem.field(point)
        point = point + tick * (velocity if symplectic else old)
    ball = HeavyBall(**continuous.symplectic_euler(tick, friction)._asdict())
    run = simulate(ball, problem, steps=steps)
    return Evidence.close(
        point, run.points[-1], tolerance=1e-9, note="the 20th point on Rosenbrock's function"
    )


EULER = Claim(
    slug="heavy-ball-is-symplectic-euler",
    title="Heavy ball is the symplectic Euler method for x″ + ax′ + ∇f = 0, with learning rate d² "
    "and momentum e^{−ad}.",
    source=Citation("polyak1964"),
    kind=Kind.IDENTITY,
    statement=_euler_statement,
    proof=_euler_proof,
    experiment=lambda _: _euler_experiment(symplectic=True),
    control=lambda _: _euler_experiment(symplectic=False),
    expected=Verdict.PROVED,
    figures=("damping-regimes",),
    remark="Exactly, for every gradient, when the friction is integrated exactly. The control is "
    "the explicit Euler method.",
)


# High resolution -------------------------------------------------------------------------------


def _standard_momentum(tick: Any) -> Any:
    """(1 − √(μs))/(1 + √(μs)) with s = d²."""
    root = sympy.sqrt(LOW) * tick
    return (1 - root) / (1 + root)


def _resolution_statement() -> Any:
    t = sympy.Symbol("t")
    x = sympy.Function("x")(t)
    force = continuous.high_resolution_stiffness(TICK**2, LOW, H)
    return sympy.Eq(
        x.diff(t, 2) + continuous.critical_friction(LOW) * x.diff(t) + force * x, 0, evaluate=False
    )


def _shifted(kind: Any) -> Any:
    """The slopes in d of both exponents of a method, by root."""
    method = kind(learning_rate=TICK**2, momentum=_standard_momentum(TICK))
    return dict(exponents(time_limit(method, H, TICK), TICK))


def _resolution_proof() -> Evidence:
    """Both exponents have the slope in √s that the high-resolution equations have."""
    rate = sympy.Symbol("lambda")
    friction = continuous.critical_friction(LOW)
    force = continuous.high_resolution_stiffness(TICK**2, LOW, H)
    found: list[Any] = []
    for kind, extra in ((HeavyBall, 0), (Nesterov, TICK * H)):
        equation = sympy.expand(rate**2 + (friction + extra) * rate + force)
        terms = [equation.coeff(TICK, k) for k in (0, 1)]
        expected = dict(exponents(terms, TICK))
        slopes = _shifted(kind)
        found += [sympy.simplify(slopes[root] - expected[root]) for root in expected]
        found.append(len(slopes) == len(expected) == 2)
    return Evidence.exact(
        *found, note="heavy ball and Nesterov's method, whose equation has √s·h·x′ more"
    )


def exponent_order(kind: Any, *, high: bool) -> tuple[float, float]:
    """The power of s with which the exponents' error shrinks, and its standard error."""
    low_curvature, curvature = 1.0, 9.0
    steps = np.geomspace(1e-7, 1e-4, 13)
    errors = []
    for step in steps:
        root = np.sqrt(low_curvature * step)
        method = kind(learning_rate=float(step), momentum=float((1 - root) / (1 + root)))
        found = np.log(np.asarray(eigenvalues(method, curvature))) / np.sqrt(step)
        friction = 2 * np.sqrt(low_curvature)
        force = curvature
        if high:
            force = continuous.high_resolution_stiffness(step, low_curvature, curvature)
            friction += np.sqrt(step) * curvature * (kind is Nesterov)
        exact = np.roots([1, friction, force])
        errors.append(np.abs(np.sort_complex(found) - np.sort_complex(exact)).max())
    design = np.stack([np.log(steps), np.ones_like(steps)], axis=1)
    fit, residual, *_ = np.linalg.lstsq(design, np.log(errors), rcond=None)
    spread = np.sqrt(residual[0] / (len(steps) - 2) * np.linalg.inv(design.T @ design)[0, 0])
    return float(fit[0]), float(spread)


def _resolution_experiment(*, high: bool) -> Evidence:
    orders = [exponent_order(kind, high=high) for kind in (HeavyBall, Nesterov)]
    return Evidence.close(
        1.0, [order for order, _ in orders], tolerance=0.05,
        note="order in s of the exponents' error, heavy ball and Nesterov, 13 steps; standard "
        f"errors up to {max(error for _, error in orders):.0e}",
    )  # fmt: skip


RESOLUTION = Claim(
    slug="high-resolution-equations-are-right-to-order-s",
    title="The high-resolution equations have the exponents of heavy ball and of Nesterov's method "
    "up to O(s); they differ by the gradient correction √s·∇²f·x′.",
    source=Citation("shi2022"),
    kind=Kind.ASYMPTOTIC,
    statement=_resolution_statement,
    proof=_resolution_proof,
    experiment=lambda _: _resolution_experiment(high=True),
    control=lambda _: _resolution_experiment(high=False),
    expected=Verdict.PROVED,
    figures=("damping-regimes",),
    remark="On quadratics, with momentum (1 − √(μs))/(1 + √(μs)). The control has the "
    "low-resolution equation, one for both methods, which is right to O(√s) only.",
)


# Fixed momentum --------------------------------------------------------------------------------


def _flow_statement() -> Any:
    root = sympy.Function("z")(ALPHA)
    return sympy.Eq(root, continuous.gradient_flow_rate(ALPHA, BETA, H), evaluate=False)


def _flow_proof() -> Evidence:
    """Put into the characteristic polynomial, the expansion leaves third order only."""
    step = sympy.Symbol("e", positive=True)
    root = continuous.gradient_flow_rate(step, BETA, 1)
    left = sympy.expand(root**2 - (1 + BETA - step) * root + BETA)
    low = [sympy.simplify(left.coeff(step, power)) for power in (0, 1, 2)]
    slope = sympy.simplify(-sympy.diff(root, step).subs(step, 0) - effective_learning_rate(1, BETA))
    return Evidence.exact(*low, slope, note="zero up to third order; the first order is α/(1 − β)")


def _flow_experiment(*, with_momentum: bool) -> Evidence:
    """Heavy ball after time 1, in units of the effective step, against e^{−ht}."""
    momentum, curvatures = 0.9, np.array([0.5, 1.0, 2.0])
    rate = 1e-5
    effective = effective_learning_rate(rate, momentum) if with_momentum else rate
    steps = round(1 / effective)
    ball = HeavyBall(learning_rate=rate, momentum=momentum)
    run = simulate(ball, Quadratic(curvatures), steps=min(steps, 20_000))
    time = effective * min(steps, 20_000)
    return Evidence.close(
        np.exp(-curvatures * time), run.outputs[-1], tolerance=2e-3,
        note="three modes after one unit of time, α = 10⁻⁵, β = 0.9",
    )  # fmt: skip


FLOW = Claim(
    slug="fixed-momentum-tends-to-gradient-flow",
    title="With momentum held fixed and small steps heavy ball is gradient flow, at speed "
    "α/(1 − β).",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_flow_statement,
    proof=_flow_proof,
    experiment=lambda _: _flow_experiment(with_momentum=True),
    control=lambda _: _flow_experiment(with_momentum=False),
    expected=Verdict.PROVED,
    remark="The limit in which momentum is only a rescaled step. It swings only if β tends to 1 "
    "with the step.",
)


# The equation of Nesterov's accelerated method -------------------------------------------------


def _bessel_statement() -> Any:
    t, r = symbol("time"), symbol("vanishing_friction")
    x = sympy.Function("x")(t)
    equation = sympy.Eq(x.diff(t, 2) + r / t * x.diff(t) + H * x, 0, evaluate=False)
    path = sympy.Eq(x, expression(continuous.vanishing_friction_path), evaluate=False)
    return sympy.And(equation, path)


def _bessel_proof() -> Evidence:
    """The law's power series solves the equation, for every r; and r = 3 is Bessel's function."""
    t, h, k = sympy.symbols("t h k", positive=True)
    r = symbol("vanishing_friction")
    law = continuous.vanishing_friction_path(r, h, t)
    _, (below,), argument = law.args

    def coefficient(power: Any) -> Any:
        """Of t²ᵏ in the series Σ zᵏ/((b)ₖ k!)."""
        return (argument / t**2) ** power / (sympy.rf(below, power) * sympy.gamma(power + 1))

    left = 2 * k * (2 * k - 1 + r) * coefficient(k) + h * coefficient(k - 1)
    # In place of r a letter that lets SymPy see which Γ is the next of which.
    left = (left / coefficient(k)).rewrite(sympy.gamma).subs(r, 2 * sympy.Symbol("m") - 2 * k + 1)
    w = sympy.Symbol("w", positive=True)
    three = continuous.vanishing_friction_path(sympy.Integer(3), 1, w)
    bessel = sympy.hyperexpand(three).rewrite(sympy.besselj)
    known = 2 * sympy.besselj(1, w) / w
    return Evidence.exact(
        sympy.gammasimp(left), sympy.simplify(law.subs(t, 0)) - 1,
        sympy.simplify(bessel - known),
        note="zero residual term by term, for every r; 2J₁(w)/w at r = 3",
    )  # fmt: skip


def _bessel_experiment(*, vanishing_friction: float) -> Evidence:
    """Nesterov's method with growing momentum, against SciPy's Bessel functions too."""
    from scipy.special import jv

    step, time = 1e-5, 6.0
    count = int(time / np.sqrt(step))
    curvatures = np.array([1.0, 4.0])
    run = simulate(GrowingNesterov(learning_rate=step), Quadratic(curvatures), steps=count)
    places = np.array([count // 3, 2 * count // 3, count])
    instants = (places * np.sqrt(step))[:, None]
    law = continuous.vanishing_friction_path(vanishing_friction, curvatures, instants)
    root = np.sqrt(curvatures) * instants
    return Evidence.close(
        [law, law], [run.outputs[places], 2 * jv(1, root) / root], tolerance=5e-3,
        note="two modes at times 2, 4 and 6, step 10⁻⁵; and Bessel's function",
    )  # fmt: skip


BESSEL = Claim(
    slug="nesterov-follows-a-bessel-function",
    title="Nesterov's method with momentum (k − 1)/(k + 2) follows x″ + (3/t)x′ + ∇f = 0, on a "
    "quadratic 2J₁(√h t)/(√h t).",
    source=Citation("su2016"),
    kind=Kind.ASYMPTOTIC,
    statement=_bessel_statement,
    proof=_bessel_proof,
    experiment=lambda _: _bessel_experiment(vanishing_friction=3.0),
    control=lambda _: _bessel_experiment(vanishing_friction=2.0),
    expected=Verdict.PROVED,
    figures=("damping-regimes", "accelerated-equation"),
    remark="With time k√s. The formula shown is for friction r/t; Nesterov's is r = 3. The control "
    "predicts by r = 2.",
)


# Misprints about the roots ---------------------------------------------------------------------


def _modulus_statement() -> Any:
    return sympy.Eq(sympy.Abs(sympy.Symbol("z")), 2 * sympy.sqrt(BETA), evaluate=False)


def _modulus_proof() -> Evidence:
    """Conjugate roots have the determinant for the square of their modulus: it is β."""
    matrix = sympy.Matrix(transition_matrix(HeavyBall(learning_rate=ALPHA, momentum=BETA), H))
    z = sympy.Symbol("z")
    product = sympy.Poly(matrix.charpoly(z).as_expr(), z).all_coeffs()[-1]
    return Evidence.exact(
        sympy.simplify(product - BETA), note="the product of the roots is β, so the modulus is √β"
    )


def _modulus_experiment(factor: float) -> Evidence:
    balls = HeavyBall(learning_rate=1.0, momentum=np.array([0.2, 0.5, 0.9]))
    found = np.abs(eigenvalues(balls, 1.0)).max(axis=-1)
    return Evidence.close(
        factor * np.sqrt([0.2, 0.5, 0.9]), found, tolerance=1e-9, note="moduli of complex roots"
    )


MODULUS = Claim(
    slug="complex-roots-have-modulus-two-root-momentum",
    title="Where heavy ball's roots are complex, their modulus is 2√β.",
    source=Citation("goh2017"),
    kind=Kind.IDENTITY,
    statement=_modulus_statement,
    proof=_modulus_proof,
    experiment=lambda _: _modulus_experiment(2.0),
    control=lambda _: _modulus_experiment(1.5),
    expected=Verdict.REFUTED,
    remark="A misprint: it is √β, as the rest of the source uses.",
)


def _powers_statement() -> Any:
    first, second, k = sympy.symbols("sigma_1 sigma_2 k")
    matrix = sympy.MatrixSymbol("R", 2, 2)
    r1 = (matrix - first * sympy.Identity(2)) / (first - second)
    r2 = (matrix - second * sympy.Identity(2)) / (first - second)
    return sympy.Eq(matrix**k, first**k * r1 - second**k * r2, evaluate=False)


def _powers(matrix: Any, first: Any, second: Any, count: int, *, swapped: bool) -> Any:
    """R^k from its roots; as printed the indices of the two parts are swapped."""
    eye = np.eye(2) if isinstance(matrix, np.ndarray) else sympy.eye(2)
    one, two = (first, second) if swapped else (second, first)
    parts = (matrix - one * eye) / (first - second), (matrix - two * eye) / (first - second)
    return first**count * parts[0] - second**count * parts[1]


def _powers_proof() -> Evidence:
    """R₁ − R₂ = I, RR₁ = σ₁R₁ and RR₂ = σ₂R₂: by induction R^k = σ₁ᵏR₁ − σ₂ᵏR₂ for every k."""
    a, b, c, first, second = sympy.symbols("a b c s t")
    # A general matrix with roots s and t.
    matrix = sympy.Matrix([[a, b], [c, first + second - a]]).subs(
        c, (a * (first + second - a) - first * second) / b
    )
    eye = sympy.eye(2)
    one, two = (matrix - second * eye) / (first - second), (matrix - first * eye) / (first - second)
    zeros = [one - two - eye, matrix * one - first * one, matrix * two - second * two]
    own = _powers(matrix, first, second, 1, swapped=False) - matrix
    return Evidence.exact(
        *(sympy.simplify(entry) for zero in (*zeros, own) for entry in zero),
        note="with R₁ = (R − σ₂)/(σ₁ − σ₂), R₂ = (R − σ₁)/(σ₁ − σ₂), for every power",
    )  # fmt: skip


def _powers_experiment(*, swapped: bool, count: int) -> Evidence:
    matrix = transition_matrix(HeavyBall(learning_rate=0.05, momentum=0.3), 1.0)
    first, second = sorted(np.linalg.eigvals(matrix).real, reverse=True)
    exact = np.linalg.matrix_power(matrix, 5)
    return Evidence.close(
        _powers(matrix, first, second, count, swapped=swapped), exact, tolerance=1e-9,
        note="the fifth power of a transition matrix",
    )  # fmt: skip


POWERS = Claim(
    slug="powers-from-roots-as-printed",
    title="R^k = σ₁ᵏR₁ − σ₂ᵏR₂ with Rⱼ = (R − σⱼ)/(σ₁ − σ₂).",
    source=Citation("goh2017"),
    kind=Kind.IDENTITY,
    statement=_powers_statement,
    proof=_powers_proof,
    experiment=lambda _: _powers_experiment(swapped=True, count=5),
    control=lambda _: _powers_experiment(swapped=False, count=4),
    expected=Verdict.REFUTED,
    remark="A misprint: the indices of the two parts are swapped. The control takes the right "
    "parts and the fourth power for the fifth.",
)
