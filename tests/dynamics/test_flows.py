"""Integrated paths against closed solutions, the matrix exponential and conserved energy."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import iv, jv

from momentum_dynamics import DomainError, Quadratic, Rosenbrock, ShapeError, flow
from momentum_dynamics.laws import continuous

TIMES = np.linspace(0, 5, 21)


@pytest.mark.parametrize("friction", [0.0, 0.7, 4.0, 9.0])
def test_steady_friction_is_the_matrix_exponential(friction):
    curvatures, start, velocity = np.array([0.5, 4.0]), np.array([1.0, -2.0]), np.array([0.3, 1.0])
    found = flow(Quadratic(curvatures), TIMES, friction=friction, start=start, velocity=velocity)
    for mode, h in enumerate(curvatures):
        exact = [expm(t * np.array([[0, 1], [-h, -friction]])) for t in TIMES]
        state = np.array(exact) @ [start[mode], velocity[mode]]
        np.testing.assert_allclose(found.points[:, mode], state[:, 0], atol=1e-8)
        np.testing.assert_allclose(found.velocities[:, mode], state[:, 1], atol=1e-8)


def test_without_friction_it_is_gradient_flow():
    found = flow(Quadratic([0.5, 3.0], solution=[1.0, 2.0]), TIMES, start=[0.0, 0.0])
    exact = np.array([1.0, 2.0]) * (1 - np.exp(-np.outer(TIMES, [0.5, 3.0])))
    np.testing.assert_allclose(found.points, exact, atol=1e-8)
    np.testing.assert_allclose(found.velocities[0], [0.5, 6.0], atol=1e-8)


def test_a_friction_of_zero_conserves_energy():
    valley = Rosenbrock(weight=5.0)
    found = flow(valley, TIMES, friction=0.0)
    energy = valley.loss(found.points) + (found.velocities**2).sum(axis=-1) / 2
    np.testing.assert_allclose(energy, energy[0], rtol=1e-7)


@pytest.mark.parametrize("vanishing", [1.0, 3.0, 4.5])
def test_vanishing_friction_follows_its_law_and_bessel(vanishing):
    found = flow(Quadratic([2.0, -0.5]), TIMES, vanishing_friction=vanishing)
    for mode, h in enumerate((2.0, -0.5)):
        law = continuous.vanishing_friction_path(vanishing, h, TIMES)
        np.testing.assert_allclose(found.points[:, mode], law, rtol=1e-7, atol=1e-7)
    if vanishing == 3.0:
        w = np.sqrt(2.0) * TIMES[1:]
        np.testing.assert_allclose(found.points[1:, 0], 2 * jv(1, w) / w, atol=1e-8)
        w = np.sqrt(0.5) * TIMES[1:]
        np.testing.assert_allclose(found.points[1:, 1], 2 * iv(1, w) / w, rtol=1e-7)


def test_a_start_at_rest_in_the_minimum_stays():
    found = flow(Quadratic([1.0]), [0.0, 1.0], friction=1.0, start=[0.0])
    assert not found.points.any()
    assert "1 coordinates" in repr(found)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"times": [1.0, 0.5]}, "times must ascend"),
        ({"times": [-1.0]}, "times must ascend"),
        ({"times": [1.0], "friction": -1.0}, "friction is -1.0"),
        ({"times": [1.0], "vanishing_friction": -3.0}, "vanishing_friction is -3.0"),
        ({"times": [1.0], "vanishing_friction": 3.0, "velocity": [1.0]}, "stops it at once"),
        ({"times": [1.0], "velocity": [1.0]}, "gradient flow has none"),
        ({"times": [1.0], "start": [np.nan]}, "start is .* finite"),
    ],
)
def test_refusals(settings, said):
    with pytest.raises(DomainError, match=said):
        flow(Quadratic([1.0]), **settings)


def test_a_start_of_another_dimension_is_refused():
    with pytest.raises(ShapeError, match=r"start has shape \(2,\), but must be \(1,\)"):
        flow(Quadratic([1.0]), [1.0], start=[1.0, 2.0])
