"""One draw in place of many steps: the same law, and what is refused."""

import numpy as np
import pytest

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    GradientDescent,
    HeavyBall,
    Nesterov,
    Quadratic,
    Rosenbrock,
    second_moments,
    simulate,
    stationary_covariance,
)
from momentum_dynamics.simulation.jump import jump_maps

BALL = HeavyBall(learning_rate=0.2, momentum=0.8)
CURVATURES = [0.3, 1.0, 2.5]


@pytest.mark.parametrize("stride", [1, 2, 3, 7, 64, 1000])
def test_maps_are_sums_and_powers(stride):
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(3, 2, 2)) * 0.5
    source = np.eye(2) * np.array([0.1, 0.2, 0.3])[:, None, None]
    power, total = jump_maps(matrix, source, stride)
    own, sums = np.broadcast_to(np.eye(2), matrix.shape), np.zeros_like(source)
    for _ in range(stride):
        sums = matrix @ sums @ np.swapaxes(matrix, -1, -2) + source
        own = matrix @ own
    np.testing.assert_allclose(power, own, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(total, sums, rtol=1e-10, atol=1e-14)


def test_a_long_jump_is_the_stationary_law():
    matrix = np.array([[1.6, -0.8], [1.0, 0.0]])
    source = np.array([[0.04, 0.0], [0.0, 0.0]])
    _, total = jump_maps(matrix, source, 100_000)
    np.testing.assert_allclose(total, stationary_covariance(BALL, 1.0, 1.0), rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("method", [BALL, Nesterov(learning_rate=0.2, momentum=0.8)])
def test_frames_have_the_moments_of_the_steps_between(method):
    run = simulate(
        method, Quadratic(CURVATURES), steps=60, stride=15, replicas=40_000, noise_variance=0.5,
        engine="jump", seed=3, record="moments",
    )  # fmt: skip
    exact = second_moments(method, np.array(CURVATURES), 0.5, steps=60)
    mean, variance = exact.mean[::15], exact.variance[::15]
    assert run.mean.shape == mean.shape == (5, 3)
    assert np.all(np.abs(run.mean - mean)[1:] < 5 * run.mean_error[1:])
    assert np.all(np.abs(run.variance - variance)[1:] < 5 * run.variance_error[1:])


def test_without_noise_it_is_the_path():
    problem = Quadratic(np.diag([1.0, 3.0]) + 0.2 * np.ones((2, 2)), solution=[1.0, -2.0])
    jumps = simulate(BALL, problem, steps=20, stride=5, engine="jump", start=[3.0, 3.0])
    steps = simulate(BALL, problem, steps=20, start=[3.0, 3.0])
    np.testing.assert_allclose(jumps.outputs, steps.outputs[::5], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(jumps.points, steps.points[::5], rtol=1e-9, atol=1e-12)
    assert (jumps.steps, steps.steps) == (20, 20)
    assert jumps.outcome == steps.outcome


def test_shapes_and_seeds():
    family = HeavyBall(learning_rate=[0.1, 0.2], momentum=0.5)
    settings = {"steps": 40, "stride": 10, "replicas": (2, 3), "noise_variance": 1.0}
    first, again, other = (
        simulate(family, Quadratic(CURVATURES), **settings, engine="jump", seed=seed)
        for seed in (5, 5, 6)
    )
    assert first.outputs.shape == (5, 2, 2, 3, 3)
    assert first.outcome.shape == (2, 2, 3)
    np.testing.assert_array_equal(first.outputs, again.outputs)
    assert np.abs(first.outputs - other.outputs)[1:].min() > 0


@pytest.mark.parametrize(
    ("method", "problem", "settings", "message"),
    [
        (BALL, Rosenbrock(), {"steps": 4, "engine": "jump"}, "linear problems"),
        (BALL, Quadratic([1.0]), {"steps": 10, "stride": 3, "engine": "jump"}, "divides 10"),
        (BALL, Quadratic([1.0]), {"steps": 10, "stride": 0, "engine": "jump"}, "stride is 0"),
        (BALL, Quadratic([1.0]), {"steps": 10, "stride": 2}, "only engine 'jump'"),
        (
            Chebyshev(smallest_curvature=1.0, largest_curvature=2.0), Quadratic([1.0]),
            {"steps": 4, "engine": "jump"}, "change with the step",
        ),
        (
            GradientDescent(learning_rate=9.0), Quadratic([1.0]),
            {"steps": 5000, "stride": 5000, "engine": "jump", "noise_variance": 1.0},
            "beyond all numbers",
        ),
    ],
)  # fmt: skip
def test_refusals(method, problem, settings, message):
    with pytest.raises(DomainError, match=message):
        simulate(method, problem, **settings)
