"""Closed loops with every delay that is a filter: poles, stability limits, symbolic equations."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    GradientDescent,
    HeavyBall,
    NotTraceableError,
    characteristic_polynomial,
    delays,
    is_stable,
    loop_equation,
    spectral_radius,
    symbol,
)
from momentum_dynamics.delays import (
    EmpiricalDelay,
    Exponential,
    FixedDelay,
    Gamma,
    GeometricDelay,
    MixtureDelay,
    NegativeBinomialDelay,
    NoDelay,
    ServiceDelay,
    UniformDelay,
)

DELAYS = [
    NoDelay(),
    FixedDelay(staleness=3),
    GeometricDelay(workers=5),
    UniformDelay(largest=4),
    NegativeBinomialDelay(mean=3, stages=2),
    MixtureDelay(speeds=[1, 2, 2, 5]),
    EmpiricalDelay(probabilities=[0.2, 0.5, 0, 0.3]),
    ServiceDelay(service=Exponential(), workers=4),
]
METHODS = [
    GradientDescent(learning_rate=0.2),
    HeavyBall(learning_rate=0.1, momentum=0.6),
    HeavyBall(learning_rate=0.1, momentum=-0.3),
]


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_poles_of_the_polynomial_close_the_loop(method, delay):
    """Each root z has (z − 1)(z − β) + αh z q(1/z) = 0, with q from its own formula."""
    step, kept = method.learning_rate, getattr(method, "momentum", 0)
    roots = np.roots(characteristic_polynomial(method, 1.5, delay))
    assert len(roots) >= 1
    inside = roots[abs(roots) > 0.05]
    series = np.asarray(delay.generating_function(1 / inside), dtype=complex)
    residual = (inside - 1) * (inside - kept) + 1.5 * step * inside * series
    assert abs(residual).max() < 1e-6
    radius = spectral_radius(method, 1.5, delay)
    assert radius == pytest.approx(abs(roots).max(), rel=1e-9)
    assert is_stable(method, 1.5, delay) == (radius < 1)


@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_the_loop_equation_vanishes_at_the_poles(delay):
    method, z = HeavyBall(learning_rate=0.1, momentum=0.5), sympy.Symbol("z")
    equation = sympy.lambdify(z, loop_equation(method, 1.2, delay), "numpy")
    roots = np.roots(characteristic_polynomial(method, 1.2, delay))
    slowest = roots[np.argmax(abs(roots))]
    assert abs(equation(slowest)) < 1e-9
    assert abs(equation(1.1 * slowest + 0.1)) > 1e-3


def _limits():
    yield NoDelay(), 2.0
    for staleness in (0, 1, 5, 15):
        limit = 2 * np.sin(np.pi / (2 * (2 * staleness + 1)))
        yield FixedDelay(staleness=staleness), limit
        yield EmpiricalDelay(probabilities=[*[0] * staleness, 1]), limit
    for workers in (2, 4, 8, 16):
        yield GeometricDelay(workers=workers), 4 * workers - 2
        yield MixtureDelay(speeds=[3] * workers), 4 * workers - 2
        yield NegativeBinomialDelay(mean=workers - 1, stages=1), 4 * workers - 2
        yield ServiceDelay(service=Exponential(), workers=workers), 4 * workers - 2
        # Equal workers in turn.
        round_robin = ServiceDelay(service=delays.Deterministic(), workers=workers)
        yield round_robin, 2 * np.sin(np.pi / (4 * workers - 2))
    for largest in (0, 1, 4, 12, 24):
        limit = 2 * (largest + 1) * np.sin(np.pi / (2 * (largest + 1))) ** 2
        yield UniformDelay(largest=largest), limit
        yield EmpiricalDelay(probabilities=[1 / (largest + 1)] * (largest + 1)), limit


LIMITS = list(_limits())


@pytest.mark.parametrize(("delay", "limit"), LIMITS, ids=[str(delay) for delay, _ in LIMITS])
def test_stability_limits_of_gradient_descent(delay, limit):
    """Stable all the way below the limit, unstable right above it."""
    steps = limit * np.array([1e-3, 0.1, 0.3, 0.6, 0.9, 1 - 1e-6])
    assert is_stable(GradientDescent(learning_rate=steps), 1.0, delay).all()
    assert not is_stable(GradientDescent(learning_rate=limit * (1 + 1e-6)), 1.0, delay)


def test_sixteen_workers_in_turn():
    limit = 0.101298
    for gap, stable in ((-1e-6, True), (1e-6, False)):
        method = GradientDescent(learning_rate=limit + gap)
        assert is_stable(method, 1.0, FixedDelay(staleness=15)) == stable


def test_uniform_limit_from_its_polynomial():
    """The edge of stability in closed form.

    With n = m + 1 the loop times z − 1 is n(z − 1)² zᵐ + a(zⁿ − 1) = 0. On the circle, z = exp(iθ),
    (z − 1)² = −4 sin²(θ/2) z and zⁿ − 1 = 2i sin(nθ/2) exp(inθ/2), so that

        2n sin²(θ/2) exp(inθ/2) = ia sin(nθ/2):

    exp(inθ/2) is ±i, first at θ = π/n, where a = 2n sin²(π/2n).
    """
    for largest in (1, 2, 7):
        n = largest + 1
        a = 2 * n * np.sin(np.pi / (2 * n)) ** 2
        coefficients = characteristic_polynomial(
            GradientDescent(learning_rate=a), 1.0, UniformDelay(largest=largest)
        )
        edge = np.exp(1j * np.pi / n)
        assert abs(np.polyval(coefficients, edge)) < 1e-12
        assert abs(np.roots(coefficients)).max() == pytest.approx(1, abs=1e-9)


def test_critical_damping():
    """Double roots: z = τ/(τ + 1) for a fixed delay, z = √μ for a geometric one."""
    for staleness in (1, 4):
        a = staleness**staleness / (staleness + 1) ** (staleness + 1)
        method = GradientDescent(learning_rate=a)
        polynomial = characteristic_polynomial(method, 1.0, FixedDelay(staleness=staleness))
        root = staleness / (staleness + 1)
        assert np.polyval(polynomial, root) == pytest.approx(0, abs=1e-14)
        assert np.polyval(np.polyder(polynomial), root) == pytest.approx(0, abs=1e-14)
    a = 16 * (1 - np.sqrt(1 - 1 / 16)) ** 2
    assert a == pytest.approx(0.016133, abs=5e-7)
    method = GradientDescent(learning_rate=a)
    polynomial = characteristic_polynomial(method, 1.0, GeometricDelay(workers=16))
    assert np.polyval(polynomial, np.sqrt(15 / 16)) == pytest.approx(0, abs=1e-14)


def test_mean_dynamics_of_memoryless_workers_are_heavy_ball():
    """Any number of them at once, in symbols; unequal speeds are no single momentum."""
    rate, workers, curvature = map(symbol, ("learning_rate", "workers", "curvature"))
    method = GradientDescent(learning_rate=rate)
    stale = characteristic_polynomial(method, curvature, GeometricDelay(workers=workers))
    momentum = HeavyBall(learning_rate=rate / workers, momentum=1 - 1 / workers)
    plain = characteristic_polynomial(momentum, curvature)
    assert sympy.simplify(stale.as_expr() - plain.as_expr()) == 0
    first, second = sympy.symbols("a b", positive=True)
    mixed = characteristic_polynomial(method, curvature, MixtureDelay(speeds=[first, second]))
    assert mixed.degree() == 3
    z = sympy.Symbol("z")
    equal = mixed.as_expr().subs(second, first)
    pole = sympy.Rational(1, 2)
    product = stale.as_expr().subs(workers, 2) * (z - pole)
    assert sympy.expand(sympy.simplify(equal - product)) == 0


def test_symbolic_loops():
    """Delays whose size is a symbol have an equation, and a polynomial once it is a number."""
    rate, curvature, z = symbol("learning_rate"), symbol("curvature"), sympy.Symbol("z")
    method = GradientDescent(learning_rate=rate)
    for open_, known, size in (
        (UniformDelay(largest=symbol("largest")), UniformDelay(largest=Fraction(3)), "largest"),
        (
            NegativeBinomialDelay(mean=symbol("mean"), stages=symbol("stages")),
            NegativeBinomialDelay(mean=symbol("mean"), stages=3),
            "stages",
        ),
    ):
        with pytest.raises(NotTraceableError, match="loop_equation"):
            characteristic_polynomial(method, curvature, open_)
        equation = loop_equation(method, curvature, open_).subs(symbol(size), 3)
        other = loop_equation(method, curvature, known)
        numbers = {rate: 0.3, curvature: 1.7, symbol("mean"): 2.5, z: 1.3 + 0.4j}
        gap = complex((equation - other).subs(numbers).evalf())
        assert abs(gap) < 1e-12


def test_what_is_no_filter_is_cut_off_by_its_own_advice():
    delay, method = (
        ServiceDelay(service=Gamma(shape=4), workers=8),
        GradientDescent(learning_rate=1),
    )
    with pytest.raises(NotTraceableError, match=r"8 workers with Gamma.* cut it off"):
        characteristic_polynomial(method, 1.0, delay)
    cut = EmpiricalDelay(probabilities=delay.probabilities(1 + delay.tail(1e-10)))
    assert cut.mean == pytest.approx(7, abs=1e-6)
    roots = np.roots(characteristic_polynomial(method, 1.0, cut))
    slowest = roots[np.argmax(abs(roots))]
    assert slowest - 1 + delay.generating_function(1 / slowest) == pytest.approx(0, abs=1e-6)
    # More regular services than memoryless ones lower the limit of the mean from 4M − 2.
    assert not is_stable(GradientDescent(learning_rate=4 * 8 - 2.1), 1.0, cut)
    assert is_stable(GradientDescent(learning_rate=4 * 8 - 2.1), 1.0, GeometricDelay(workers=8))
