"""Paths by generating functions against the recursion of exact moments, and their refusals."""

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    NoDelay,
    UniformDelay,
    queue_moments,
    stale_moments,
)  # fmt: skip
from momentum_dynamics.dynamics.asynchrony.paths import square_path

METHODS = [
    GradientDescent(learning_rate=0.2),
    HeavyBall(learning_rate=0.05, momentum=0.5),
    HeavyBall(learning_rate=0.1, momentum=-0.3),
]
each_method = pytest.mark.parametrize("method", METHODS, ids=repr)


def squares(path):
    return path.variance + path.mean**2


@each_method
@pytest.mark.parametrize(
    "delay",
    [NoDelay(), FixedDelay(staleness=2), GeometricDelay(workers=5), UniformDelay(largest=6)],
)
def test_independent_staleness_has_its_exact_moments(method, delay):
    expected = squares(stale_moments(method, 0.7, delay, 1.3).path(90, start=2.0))
    found = square_path(method, 0.7, delay, 90, noise_variance=1.3, start=2.0)
    assert found == pytest.approx(expected, abs=1e-9)


@each_method
@pytest.mark.parametrize("workers", [1, 2, 2.5, 8, 40])
def test_the_queue_has_its_exact_moments(method, workers):
    delay = GeometricDelay(workers=workers)
    expected = squares(queue_moments(method, 0.7, workers=workers, noise_variance=1.3).path(90))
    found = square_path(method, 0.7, delay, 90, noise_variance=1.3, workers=workers)
    assert found == pytest.approx(expected, abs=1e-9)


def test_settings_are_answered_one_by_one():
    rates = np.array([0.05, 0.2, 0.6])
    many = square_path(
        HeavyBall(learning_rate=rates, momentum=0.3), 1.0, GeometricDelay(workers=4), 50,
        noise_variance=2.0,
    )  # fmt: skip
    for rate, row in zip(rates, many, strict=True):
        method = HeavyBall(learning_rate=rate, momentum=0.3)
        alone = square_path(method, 1.0, GeometricDelay(workers=4), 50, noise_variance=2.0)
        assert row == pytest.approx(alone, abs=1e-10)
    assert many.shape == (3, 51)


@pytest.mark.parametrize(
    ("rate", "delay", "workers"),
    [
        (0.46, FixedDelay(staleness=3), None),  # the mean grows from 0.4450 on
        (0.86, GeometricDelay(workers=4), 4),  # the mean square from 0.8431 on
        (0.76, GeometricDelay(workers=4), None),  # … and from 0.7432 on
    ],
)
def test_what_grows_is_infinite(rate, delay, workers):
    assert np.isinf(
        square_path(GradientDescent(learning_rate=rate), 1.0, delay, 4000, workers=workers)
    ).all()
    calmer = GradientDescent(learning_rate=0.9 * rate)
    assert square_path(calmer, 1.0, delay, 4000, workers=workers)[-1] < 1e-6


def test_refusals():
    descent, delay = GradientDescent(learning_rate=0.1), NoDelay()
    with pytest.raises(DomainError, match="steps is -1"):
        square_path(descent, 1.0, delay, -1)
    with pytest.raises(DomainError, match="curvature is nan"):
        square_path(descent, np.nan, delay, 5)
