"""Limits of small ticks against known equations and against the exponents themselves."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    QuasiHyperbolic,
    eigenvalues,
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
