"""A method of one's own in five lines gets everything; each answer has an independent oracle."""

import types

import numpy as np
import pytest
import sympy
from scipy.linalg import solve_discrete_lyapunov

from momentum_dynamics import (
    FixedDelay,
    GeometricDelay,
    LinearMethod,
    NoDelay,
    Quadratic,
    ThreeParameter,
    characteristic_polynomial,
    eigenvalues,
    equivalent_momentum,
    is_stable,
    loop_equation,
    second_moments,
    simulate,
    spectral_radius,
    state_space,
    stationary_covariance,
    stationary_variance,
    transfer_function,
    transition_matrix,
)


class MeanOfTwo:
    """Heavy ball on the mean of the last two gradients."""

    def __init__(self, learning_rate, momentum):
        self.learning_rate, self.momentum = learning_rate, momentum

    def initial_state(self, point):
        return (point, point, 0 * point)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        point, before, last = state
        step = self.learning_rate * (gradient + last) / 2
        return (point + self.momentum * (point - before) - step, point, gradient)


A, B = 0.4, 0.5
METHOD = MeanOfTwo(A, B)
CURVATURES = np.array([0.2, 1.0, 2.5])


def matrix(h):
    """The loop by hand, on (x, x₋, g₋)."""
    return np.array([[1 + B - A * h / 2, -B, -A / 2], [1, 0, 0], [h, 0, 0]])


NOISE = np.array([-A / 2, 0, 1])


def by_hand(h, steps, lag=0, noise=None):
    """By hand, with a fixed staleness and, if given, additive noise in the gradient."""
    places, last = [1.0], 0.0
    before = 1.0
    for step in range(steps):
        gradient = h * places[max(step - lag, 0)] + (0 if noise is None else noise[step])
        after = places[-1] + B * (places[-1] - before) - A * (gradient + last) / 2
        before, last = places[-1], gradient
        places.append(after)
    return np.array(places)


def test_it_is_a_subclass_of_nothing():
    assert MeanOfTwo.__mro__ == (MeanOfTwo, object)


def test_state_space():
    system = state_space(METHOD)
    np.testing.assert_allclose(system.A, [[1 + B, -B, -A / 2], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(system.B.ravel(), NOISE)
    np.testing.assert_allclose(system.C, [[1, 0, 0]])
    np.testing.assert_allclose(system.E, [[1, 0, 0]])
    for h in CURVATURES:
        np.testing.assert_allclose(transition_matrix(METHOD, h), matrix(h), rtol=1e-14)


def test_transfer_function():
    """−(α/2)(z + 1)/((z − 1)(z − β)), from z-transforming the recursion by hand."""
    for z in (2.0, -1.5, 0.3 + 2j):
        by_hand = -(A / 2) * (z + 1) / ((z - 1) * (z - B))
        assert transfer_function(METHOD)(z) == pytest.approx(by_hand, rel=1e-12)
    alpha, beta, z = sympy.symbols("alpha beta z")
    symbolic = transfer_function(MeanOfTwo(alpha, beta))
    assert sympy.simplify(symbolic + alpha * (z + 1) / (2 * (z - 1) * (z - beta))) == 0


def test_characteristic_polynomial():
    for h in CURVATURES:
        np.testing.assert_allclose(
            characteristic_polynomial(METHOD, h), np.poly(matrix(h)), rtol=1e-12, atol=1e-14
        )
    alpha, beta, h = sympy.symbols("alpha beta h", real=True)
    z = sympy.Symbol("z")
    symbolic = characteristic_polynomial(MeanOfTwo(alpha, beta), h)
    by_hand = z * (z - 1) * (z - beta) + alpha * h * (z + 1) * z / 2
    assert sympy.expand(symbolic.as_expr() - by_hand) == 0


def test_spectral_radius_and_stability():
    oracle = np.array([np.abs(np.linalg.eigvals(matrix(h))).max() for h in CURVATURES])
    np.testing.assert_allclose(spectral_radius(METHOD, CURVATURES), oracle, rtol=1e-12)
    np.testing.assert_array_equal(is_stable(METHOD, CURVATURES), oracle < 1)
    assert is_stable(METHOD, [1.0, 9.0]).tolist() == [True, False]
    assert np.sort_complex(eigenvalues(METHOD, 1.0)) == pytest.approx(
        np.sort_complex(np.linalg.eigvals(matrix(1.0)).astype(complex))
    )


@pytest.mark.slow
@pytest.mark.parametrize("lag", [1, 3])
def test_behind_a_fixed_delay(lag):
    for h in CURVATURES:
        polynomial = np.polymul([1, -1 - B, B], np.eye(1, lag + 1)[0])
        polynomial[-2:] += A * h / 2 * np.ones(2)
        delay = FixedDelay(staleness=lag)
        roots = np.roots(polynomial)
        radius = spectral_radius(METHOD, h, delay)
        assert radius == pytest.approx(np.abs(roots).max(), rel=1e-9)
        assert bool(is_stable(METHOD, h, delay)) is bool(np.abs(roots).max() < 1)
    run = simulate(METHOD, Quadratic(CURVATURES), steps=30, delay=FixedDelay(staleness=lag))
    for mode, h in enumerate(CURVATURES):
        np.testing.assert_allclose(run.points[:, mode], by_hand(h, 30, lag), rtol=1e-10)
    z = sympy.Symbol("z")
    equation = loop_equation(METHOD, 1.0, FixedDelay(staleness=lag))
    worst = max(
        np.roots(characteristic_polynomial(METHOD, 1.0, FixedDelay(staleness=lag))), key=abs
    )
    assert abs(complex(equation.subs(z, worst))) < 1e-9


def test_stationary_moments():
    h, variance = 1.0, 0.3
    oracle = solve_discrete_lyapunov(matrix(h), variance * np.outer(NOISE, NOISE))
    np.testing.assert_allclose(stationary_covariance(METHOD, h, variance), oracle, rtol=1e-12)
    assert stationary_variance(METHOD, h, variance) == pytest.approx(oracle[0, 0], rel=1e-12)


def test_second_moments():
    h, variance, steps = 0.7, 0.2, 6
    moments = second_moments(METHOD, h, variance, steps=steps)
    np.testing.assert_allclose(moments.mean, by_hand(h, steps), rtol=1e-12)
    signs = np.array(np.meshgrid(*[[-1, 1]] * steps)).reshape(steps, -1).T * variance**0.5
    ends = np.array([by_hand(h, steps, noise=noise)[-1] for noise in signs])
    assert moments.second_moment[-1] == pytest.approx((ends**2).mean(), rel=1e-12)


@pytest.mark.slow
def test_simulation_on_every_engine():
    problem = Quadratic(CURVATURES)
    quiet = simulate(METHOD, problem, steps=30)
    for mode, h in enumerate(CURVATURES):
        np.testing.assert_allclose(quiet.points[:, mode], by_hand(h, 30), rtol=1e-10)
    options = {"steps": 20, "replicas": 40, "noise_variance": 0.1, "seed": 7}
    runs = {
        engine: simulate(METHOD, problem, engine=engine, **options)
        for engine in ("direct", "numpy", "compiled", "auto")
    }
    np.testing.assert_array_equal(runs["numpy"].points, runs["compiled"].points)
    np.testing.assert_array_equal(runs["auto"].points, runs["compiled"].points)
    np.testing.assert_allclose(runs["direct"].points, runs["numpy"].points, rtol=1e-10, atol=1e-12)


def test_equivalent_without_delay_and_with():
    """−(α/2)(z + 1)/((z − 1)(z − β)) is the (α, β, γ) family's with γ = −1/2."""
    twin = equivalent_momentum(METHOD, NoDelay())
    assert isinstance(twin, ThreeParameter)
    assert (twin.learning_rate, twin.momentum, twin.lookahead) == pytest.approx((A, B, -0.5))
    stale = equivalent_momentum(METHOD, GeometricDelay(workers=3))
    assert isinstance(stale, LinearMethod)
    run = simulate(stale, Quadratic(CURVATURES), steps=25)
    for mode, h in enumerate(CURVATURES):
        places, before, last, queries = [1.0], 1.0, 0.0, []
        for step in range(25):
            queries.append(places[-1])
            kept = 2 / 3
            mean = sum(kept**k / 3 * queries[step - k] for k in range(step + 1)) + kept ** (
                step + 1
            )
            after = places[-1] + B * (places[-1] - before) - A * (h * mean + last) / 2
            before, last = places[-1], h * mean
            places.append(after)
        np.testing.assert_allclose(run.outputs[:, mode], places, rtol=1e-10, atol=1e-12)


def test_even_a_bare_namespace_will_do():
    """The protocol asks for three functions, not for a class."""
    bare = types.SimpleNamespace(
        initial_state=METHOD.initial_state, query=METHOD.query, update=METHOD.update
    )
    assert spectral_radius(bare, 1.0) == spectral_radius(METHOD, 1.0)
    np.testing.assert_array_equal(
        simulate(bare, Quadratic([1.0]), steps=5).points,
        simulate(METHOD, Quadratic([1.0]), steps=5).points,
    )
