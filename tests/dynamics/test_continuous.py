"""Limits of small ticks against known equations and against the exponents themselves."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    QuasiHyperbolic,
    TripleMomentum,
    characteristic_polynomial,
    eigenvalues,
    equation_of_motion,
    symbol,
    time_limit,
)
from momentum_dynamics.dynamics.continuous import exponents

D, A = sympy.symbols("d a", positive=True)
H, RATE = symbol("curvature"), sympy.Symbol("lambda")


@pytest.mark.parametrize("kind", [HeavyBall, Nesterov])
def test_two_slots_become_a_damped_oscillator(kind):
    leading, _ = time_limit(kind(learning_rate=D**2, momentum=1 - A * D), H, D)
    assert sympy.expand(leading - (RATE**2 + A * RATE + H)) == 0


def test_gradient_descent_becomes_gradient_flow():
    leading, correction = time_limit(GradientDescent(learning_rate=D), H, D)
    assert sympy.expand(leading - (RATE + H)) == 0
    assert sympy.expand(correction - RATE**2 / 2) == 0


def test_fixed_momentum_becomes_flow_at_the_effective_rate():
    beta = symbol("momentum")
    (leading,) = time_limit(HeavyBall(learning_rate=D, momentum=beta), H, D, terms=1)
    assert sympy.simplify(sympy.solve(leading, RATE)[0] + H / (1 - beta)) == 0


@pytest.mark.parametrize("kind", [HeavyBall, Nesterov])
def test_exponents_and_slopes_are_those_of_the_method(kind):
    found = exponents(time_limit(kind(learning_rate=D**2, momentum=1 - 2 * D), 9, D), D)
    assert len(found) == 2
    tick = 1e-4
    method = kind(learning_rate=tick**2, momentum=1 - 2 * tick)
    exact = np.sort_complex(np.log(np.asarray(eigenvalues(method, 9.0)).astype(complex)) / tick)
    first = np.sort_complex([complex(root + tick * slope) for root, slope in found])
    np.testing.assert_allclose(first, exact, rtol=1e-6)


def test_an_averaged_method_too():
    method = QuasiHyperbolic(learning_rate=D / A, momentum=1 - A * D, discount=1)
    (leading,) = time_limit(method, H, D, terms=1)
    assert sympy.expand(leading - (RATE**2 + A * RATE + H)) == 0


def test_refusals():
    ball = HeavyBall(learning_rate=D**2, momentum=1 - A * D)
    with pytest.raises(NotTraceableError, match="must be a SymPy symbol"):
        time_limit(ball, H, 0.1)
    with pytest.raises(NotTraceableError, match="No field of HeavyBall depends on"):
        time_limit(ball, H, sympy.Symbol("other"))


FADING = (1 - D * sympy.sqrt(2)) / (1 + D * sympy.sqrt(2))
MOVING = {
    "heavy ball": HeavyBall(learning_rate=D**2, momentum=FADING),
    "symplectic": HeavyBall(learning_rate=D**2, momentum=sympy.exp(-3 * D)),
    "Nesterov": Nesterov(learning_rate=D**2, momentum=FADING),
    "triple momentum": TripleMomentum(smallest_curvature=2, largest_curvature=1 / D**2),
    "quasi-hyperbolic": QuasiHyperbolic(learning_rate=D, momentum=1 - 2 * D, discount=0.5),
    "fixed momentum": HeavyBall(learning_rate=D, momentum=sympy.Rational(1, 2)),
    "gradient descent": GradientDescent(learning_rate=D),
}


@pytest.mark.slow
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", MOVING)
def test_the_equation_of_motion_has_the_exponents_up_to_its_order(name, order):
    equation = equation_of_motion(MOVING[name], 7, D, order=order)
    errors = []
    for tick in (1e-2, 1e-3):
        polynomial = characteristic_polynomial(MOVING[name], 7).as_expr().subs(D, tick)
        roots = np.roots(np.array(sympy.Poly(polynomial, sympy.Symbol("z")).all_coeffs(), float))
        roots = roots[np.abs(roots - 1) < 0.3].astype(complex)  # the others die out at once
        assert len(roots) == equation.degree()
        found = np.roots([complex(c.subs(D, tick)) for c in equation.all_coeffs()])
        errors.append(np.abs(found[:, None] - np.log(roots) / tick).min(axis=0).max())
    assert np.log10(errors[0] / errors[1]) > order + 0.85


@pytest.mark.parametrize(("kind", "extra"), [(HeavyBall, 0), (Nesterov, D * H)])
def test_the_high_resolution_equations_are_the_published_ones(kind, extra):
    mu = symbol("smallest_curvature")
    root = sympy.sqrt(mu) * D
    method = kind(learning_rate=D**2, momentum=(1 - root) / (1 + root))
    published = RATE**2 + (2 * sympy.sqrt(mu) + extra) * RATE + (1 + root) * H
    assert sympy.expand(equation_of_motion(method, H, D).as_expr() - published) == 0


@pytest.mark.slow
def test_triple_momentum_has_more_friction_and_force():
    mu = symbol("smallest_curvature")
    method = TripleMomentum(smallest_curvature=mu, largest_curvature=1 / D**2)
    limit = equation_of_motion(method, H, D, order=0).as_expr()
    assert sympy.expand(limit - (RATE**2 + 3 * sympy.sqrt(mu) * RATE + 2 * H)) == 0


def test_equal_exponents_have_no_slope():
    terms = time_limit(HeavyBall(learning_rate=D**2, momentum=1 - 6 * D), 9, D)
    with pytest.raises(DomainError, match="no slope; ask for equation_of_motion"):
        exponents(terms, D)


def test_an_equation_that_does_not_move_is_refused():
    with pytest.raises(DomainError, match="Nothing moves at the pace of this tick"):
        equation_of_motion(HeavyBall(learning_rate=D, momentum=1 - D), H, D)
    with pytest.raises(DomainError, match="order is -1"):
        equation_of_motion(HeavyBall(learning_rate=D**2, momentum=1 - D), H, D, order=-1)
