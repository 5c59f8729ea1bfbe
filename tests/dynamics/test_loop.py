"""Closing the loop: transition matrices, polynomials, transfer functions, delays as methods."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    Quadratic,
    QuasiHyperbolic,
    characteristic_polynomial,
    loop_equation,
    simulate,
    state_space,
    symbol,
    transfer_function,
    transition_matrix,
)
from momentum_dynamics.dynamics.delayed import Delayed
from momentum_dynamics.dynamics.loop import TransferFunction, affine_pair

ALPHA, BETA, H, Z = (
    symbol("learning_rate"),
    symbol("momentum"),
    symbol("curvature"),
    sympy.Symbol("z"),
)
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


def test_transition_matrix_by_hand():
    found = transition_matrix(HeavyBall(learning_rate=0.5, momentum=0.25), [1.0, 2j])
    assert found.shape == (2, 2, 2)
    np.testing.assert_allclose(found, [[[0.75, -0.25], [1, 0]], [[1.25 - 1j, -0.25], [1, 0]]])
    assert transition_matrix(BALL, H) == sympy.Matrix([[1 + BETA - ALPHA * H, -BETA], [1, 0]])


def test_area_shrinks_by_the_momentum_whatever_the_curvature():
    assert sympy.simplify(transition_matrix(BALL, H).det() - BETA) == 0


def test_characteristic_polynomials_of_the_textbook():
    ball = characteristic_polynomial(BALL, H)
    assert sympy.expand(ball.as_expr() - (Z**2 - (1 + BETA - ALPHA * H) * Z + BETA)) == 0
    nesterov = characteristic_polynomial(Nesterov(learning_rate=ALPHA, momentum=BETA), H)
    kept = 1 - ALPHA * H
    assert sympy.expand(nesterov.as_expr() - (Z**2 - (1 + BETA) * kept * Z + BETA * kept)) == 0


@pytest.mark.parametrize(
    "delay", [None, FixedDelay(staleness=2), GeometricDelay(workers=3)], ids=str
)
def test_polynomial_of_several_curvatures(delay):
    method = QuasiHyperbolic(learning_rate=np.array([[0.1], [0.4]]), momentum=0.8, discount=0.6)
    found = characteristic_polynomial(method, [0.5, 1.0, 2.0], delay)
    assert found.shape[:2] == (2, 3)
    for (i, rate), (j, curvature) in np.ndindex(0) or [
        ((i, r), (j, c)) for i, r in enumerate([0.1, 0.4]) for j, c in enumerate([0.5, 1.0, 2.0])
    ]:
        alone = QuasiHyperbolic(learning_rate=rate, momentum=0.8, discount=0.6)
        np.testing.assert_allclose(
            found[i, j], characteristic_polynomial(alone, curvature, delay), atol=1e-14
        )


@pytest.mark.parametrize(
    "delay", [FixedDelay(staleness=1), FixedDelay(staleness=3), GeometricDelay(workers=4)], ids=str
)
@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(learning_rate=0.3),
        Nesterov(learning_rate=0.3, momentum=0.7),
        QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5),
        Extragradient(learning_rate=0.3),
    ],
    ids=lambda method: type(method).__name__,
)
def test_delayed_polynomial_has_the_delayed_systems_eigenvalues(method, delay):
    found = np.poly(transition_matrix(Delayed(method=method, delay=delay), 0.9))
    np.testing.assert_allclose(
        characteristic_polynomial(method, 0.9, delay), found, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("delay", [FixedDelay(staleness=0), FixedDelay(staleness=2)], ids=str)
@pytest.mark.parametrize(
    "method",
    [
        Nesterov(learning_rate=0.3, momentum=0.7),
        Extragradient(learning_rate=0.3),
        Chebyshev(smallest_curvature=0.2, largest_curvature=2.0),
    ],
    ids=lambda method: type(method).__name__,
)
def test_a_delayed_method_is_a_method_that_runs(method, delay):
    """It takes the path that the simulation takes behind the delay."""
    problem = Quadratic([0.2, 1.1, 2.0])
    stale = simulate(method, problem, steps=20, delay=delay)
    run = simulate(Delayed(method=method, delay=delay), problem, steps=20)
    np.testing.assert_allclose(run.outputs, stale.outputs, rtol=1e-10, atol=1e-12)


def test_a_delayed_method_rests_at_the_solution():
    for delay in (FixedDelay(staleness=3), GeometricDelay(workers=4.0)):
        method = Delayed(method=Nesterov(learning_rate=0.3, momentum=0.7), delay=delay)
        state = method.initial_state(2.0)
        assert method.query(state) == pytest.approx(2.0)
        assert method.update(state, 0.0) == pytest.approx(state)


def test_transfer_function_with_numbers():
    system = state_space(method := QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5))
    found = transfer_function(method)
    assert isinstance(found, TransferFunction)
    for z in (1.4, -0.6 + 1.1j):
        oracle = system.C @ np.linalg.solve(z * np.eye(2) - system.A, system.B) + system.D
        assert found(z) == pytest.approx(oracle.item(), rel=1e-12)
    np.testing.assert_allclose(found(np.array([1.4, 2.0])), [found(1.4), found(2.0)])


def test_transfer_function_with_symbols():
    assert sympy.simplify(transfer_function(BALL) + ALPHA * Z / ((Z - 1) * (Z - BETA))) == 0
    extra = transfer_function(Extragradient(learning_rate=ALPHA))
    assert extra.shape == (2, 2)
    assert sympy.simplify(extra[1, 0] + ALPHA) == 0
    assert sympy.simplify(extra[1, 1] + ALPHA / (Z - 1)) == 0


def test_transfer_function_of_several_gradients_needs_symbols():
    with pytest.raises(NotTraceableError, match="takes 2 gradients, so its transfer function is a"):
        transfer_function(Extragradient(learning_rate=0.1))


def test_loop_equation_vanishes_at_the_poles():
    for method in (BALL, Extragradient(learning_rate=ALPHA)):
        equation = loop_equation(method, H)
        polynomial = characteristic_polynomial(method, H).as_expr()
        poles = state_space(method).A.charpoly(Z).as_expr()
        assert sympy.simplify(equation - polynomial / poles) == 0


def test_loop_equation_takes_a_symbolic_staleness():
    tau = symbol("staleness")
    method = GradientDescent(learning_rate=ALPHA)
    equation = loop_equation(method, H, FixedDelay(staleness=tau))
    assert sympy.simplify(equation - (1 + ALPHA * H / (Z**tau * (Z - 1)))) == 0
    with pytest.raises(NotTraceableError, match="no polynomial of known degree"):
        characteristic_polynomial(method, H, FixedDelay(staleness=tau))


def test_loop_equation_of_several_stale_gradients_is_refused():
    with pytest.raises(NotTraceableError, match="staleness counts single ones"):
        loop_equation(Extragradient(learning_rate=ALPHA), H, FixedDelay(staleness=1))


def test_asynchrony_begets_momentum():
    """Geometric staleness times gradient descent is heavy ball, as polynomials."""
    workers = symbol("workers")
    stale = characteristic_polynomial(
        GradientDescent(learning_rate=ALPHA), H, GeometricDelay(workers=workers)
    )
    ball = characteristic_polynomial(
        HeavyBall(learning_rate=ALPHA / workers, momentum=1 - 1 / workers), H
    )
    assert sympy.simplify(stale.as_expr() - ball.as_expr()) == 0


@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(learning_rate=0.3),
        HeavyBall(learning_rate=0.3, momentum=0.7),
        QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5),
    ],
    ids=lambda method: type(method).__name__,
)
def test_trace_and_determinant_are_affine_in_the_curvature(method):
    t0, t1, d0, d1 = affine_pair(state_space(method))
    for curvature in (0.0, 0.7, -2.0, 1j):
        matrix = transition_matrix(method, curvature)
        assert t0 + curvature * t1 == pytest.approx(np.trace(matrix))
        assert len(matrix) == 1 or d0 + curvature * d1 == pytest.approx(np.linalg.det(matrix))


def test_methods_that_never_settle_have_no_loop():
    method = Chebyshev(smallest_curvature=0.1, largest_curvature=1.0)
    for question in (transfer_function, lambda m: characteristic_polynomial(m, 1.0)):
        with pytest.raises(DomainError, match="change with every step"):
            question(method)
