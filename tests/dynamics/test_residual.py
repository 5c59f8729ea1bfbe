"""Residual polynomials against simulation, SymPy's Chebyshev polynomials and orthogonality."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from numpy.polynomial import Polynomial

from momentum_dynamics import (
    Chebyshev,
    ConvexRosenbrock,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    MarchenkoPastur,
    Nesterov,
    Quadratic,
    Scheduled,
    TorchSGD,
    TripleMomentum,
    residual_polynomial,
    simulate,
    symbol,
    tune,
)
from momentum_dynamics.dynamics.average import average_case
from momentum_dynamics.dynamics.residual import answers

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=-0.4),
    Nesterov(learning_rate=0.3, momentum=0.7),
    TorchSGD(learning_rate=0.3, momentum=0.7, dampening=0.5),
    Extragradient(learning_rate=0.3),
    Chebyshev(smallest_curvature=0.2, largest_curvature=3.0),
    TripleMomentum(smallest_curvature=0.2, largest_curvature=3.0),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("steps", [0, 1, 2, 9])
def test_is_what_a_run_leaves(method, steps):
    curvatures = np.array([0.2, 1.1, 2.9])
    found = residual_polynomial(method, steps)
    run = simulate(method, Quadratic(curvatures), steps=steps)
    np.testing.assert_allclose(found(curvatures), run.outputs[-1], rtol=1e-11, atol=1e-13)
    exact = Polynomial([float(entry) for entry in found.coefficients])
    np.testing.assert_allclose(exact(curvatures), run.outputs[-1], rtol=1e-9, atol=1e-11)
    assert found.coefficients[0] == 1


def test_coefficients_of_fractions_are_exact():
    half = Fraction(1, 2)
    found = residual_polynomial(HeavyBall(learning_rate=half, momentum=half), 2)
    assert found.coefficients == [1, Fraction(-5, 4), Fraction(1, 4)]
    assert isinstance(found.coefficients[2], Fraction)


def test_symbols():
    h, alpha = symbol("curvature"), symbol("learning_rate")
    found = residual_polynomial(GradientDescent(learning_rate=alpha), 4)
    assert isinstance(found, sympy.Poly)
    assert sympy.expand(found.as_expr() - (1 - alpha * h) ** 4) == 0


def test_large_degrees_lose_nothing():
    """Degree 400 in the power basis would be noise; the recursion is not."""
    method = tune("chebyshev", smallest_curvature=1.0, largest_curvature=100.0)
    curvatures = np.linspace(1, 100, 7)
    exact = [
        sympy.chebyshevt(400, sympy.Rational(101 - 2 * int(h * 2) // 2, 99)) for h in (1.0, 100.0)
    ]
    least = 1 / float(sympy.chebyshevt(400, sympy.Rational(101, 99)).evalf(30))
    found = residual_polynomial(method, 400)(curvatures[[0, -1]])
    np.testing.assert_allclose(np.abs(found) / least, np.abs(np.array(exact, float)), rtol=1e-6)


def test_batches_broadcast():
    family = HeavyBall(learning_rate=np.array([0.1, 0.2])[:, None], momentum=0.5)
    found = residual_polynomial(family, 3)([1.0, 2.0, 3.0])
    assert found.shape == (2, 3)
    alone = residual_polynomial(HeavyBall(learning_rate=0.2, momentum=0.5), 3)(3.0)
    assert found[1, 2] == pytest.approx(float(alone))


@pytest.mark.parametrize("steps", [-1, 1.5])
def test_refuses_numbers_of_steps(steps):
    with pytest.raises(DomainError, match="steps is"):
        residual_polynomial(METHODS[0], steps)


# Average case


@pytest.mark.parametrize(
    "density",
    [np.ones_like, lambda h: 1 / h, lambda h: np.sqrt((h - 1) * (20 - h))],
    ids=["uniform", "falling", "edges"],
)
def test_average_case_residuals_are_orthogonal(density):
    """On a quadrature that knows nothing of the one inside."""
    method = average_case(density, smallest_curvature=1.0, largest_curvature=20.0, steps=8)
    angle = (np.arange(4000) + 0.5) * np.pi / 4000
    nodes = 10.5 + 9.5 * np.cos(angle)
    weight = density(nodes) * nodes * np.sin(angle)
    values = np.array([value + 0 * nodes for value in answers(method, nodes, 8)])
    gram = (values * weight) @ values.T
    scale = np.sqrt(np.diag(gram))
    np.testing.assert_allclose(gram / scale / scale[:, None], np.eye(9), atol=2e-6)


def test_average_case_leaves_least_on_average():
    """No single coefficient can be changed for the better."""
    density = np.ones_like
    best = average_case(density, smallest_curvature=1.0, largest_curvature=20.0, steps=5)
    nodes = np.linspace(1, 20, 20_001)

    def left(method):
        *_, last = answers(method, nodes, 5)
        return np.trapezoid(last**2, nodes)

    least = left(best)
    rng = np.random.default_rng(3)
    for _ in range(40):
        changed = Scheduled(
            stages=[
                HeavyBall(
                    learning_rate=stage.learning_rate * (1 + 0.01 * rng.normal()),
                    momentum=stage.momentum + 0.01 * rng.normal(),
                )
                for stage in best.stages
            ]
        )
        assert left(changed) >= least * (1 - 1e-6)


def test_average_case_of_random_data_is_marchenko_pastur():
    method = MarchenkoPastur(variance=1.7, aspect_ratio=0.4)
    low, high = 1.7 * (1 - 0.4**0.5) ** 2, 1.7 * (1 + 0.4**0.5) ** 2
    found = average_case(
        lambda h: np.sqrt((h - low) * (high - h)) / h,
        smallest_curvature=low, largest_curvature=high, steps=20,
    )  # fmt: skip
    for step, stage in enumerate(found.stages):
        assert stage.learning_rate == pytest.approx(method.stage(step).learning_rate, rel=1e-12)
        assert stage.momentum == pytest.approx(method.stage(step).momentum, abs=1e-12)


@pytest.mark.parametrize(
    ("density", "settings", "message"),
    [
        (lambda h: -h, {}, "not negative"),
        (lambda h: 0 * h, {}, "somewhere positive"),
        (lambda h: h * np.nan, {}, "finite"),
        (np.ones_like, {"smallest_curvature": 9.0}, "must be below"),
        (np.ones_like, {"smallest_curvature": 0.0}, "curvatures above zero"),
        (np.ones_like, {"steps": 0}, "at least one step"),
    ],
)
def test_average_case_refuses(density, settings, message):
    good = {"smallest_curvature": 1.0, "largest_curvature": 4.0, "steps": 3}
    with pytest.raises(DomainError, match=message):
        average_case(density, **{**good, **settings})


# The chain


def test_the_chain_is_the_function_of_its_name():
    """Its Hessian and solution from finite differences of the loss as written."""
    kappa, size = 30.0, 6
    chain = ConvexRosenbrock(dimension=size, condition_number=kappa)

    def loss(w):
        springs = (w[0] - 1) ** 2 / 2 + ((w[:-1] - w[1:]) ** 2).sum() / 2
        return springs + 2 * (w @ w) / (kappa - 1)

    rng = np.random.default_rng(0)
    for _ in range(3):
        point, other = rng.normal(size=(2, size))
        gap = loss(point) - loss(chain.solution)
        assert chain.loss(point) == pytest.approx(gap, rel=1e-9)
        slope = (loss(point + 1e-6 * other) - loss(point - 1e-6 * other)) / 2e-6
        assert chain.field(point) @ other == pytest.approx(slope, rel=1e-6)


def test_a_long_chain_has_its_condition_number_and_its_solution():
    chain = ConvexRosenbrock(dimension=200, condition_number=50.0)
    low, high = chain.spectrum()[[0, -1]]
    assert high / low == pytest.approx(50, rel=4e-3)
    rate = (np.sqrt(50) - 1) / (np.sqrt(50) + 1)
    np.testing.assert_allclose(chain.solution[:60], rate ** np.arange(1, 61), rtol=1e-8)


@pytest.mark.parametrize(
    "settings",
    [{"dimension": 1, "condition_number": 9.0}, {"dimension": 5, "condition_number": 1.0}],
)
def test_the_chain_refuses(settings):
    with pytest.raises(DomainError):
        ConvexRosenbrock(**settings)
