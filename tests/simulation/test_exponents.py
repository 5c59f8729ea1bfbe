"""How fast almost every path of a queue contracts, against exact products and bounds."""

import numpy as np
import pytest

from momentum_dynamics import (
    Extragradient,
    GradientDescent,
    HeavyBall,
    path_exponent,
    queue_moments,
    spectral_radius,
)
from momentum_dynamics.errors import DomainError


@pytest.mark.parametrize(
    ("method", "curvature"),
    [(GradientDescent(learning_rate=0.3), 1.0), (HeavyBall(learning_rate=0.1, momentum=0.2), 1.0)],
    ids=repr,
)
def test_one_worker_contracts_like_its_spectral_radius(method, curvature):
    found = path_exponent(method, curvature, workers=1, updates=600, replicas=4, seed=0)
    rate = float(spectral_radius(method, curvature))
    assert found.value == pytest.approx(np.log(rate), abs=2e-3)


@pytest.mark.parametrize("workers", [2, 5])
def test_paths_are_at_most_as_fast_as_second_moments_and_at_least_as_determinants(workers):
    """Half the logarithm of the mean-square rate is above; with one mode the volume is below."""
    method = GradientDescent(learning_rate=0.6)
    found = path_exponent(method, 1.0, workers=workers, updates=1500, replicas=128, seed=1)
    moments = queue_moments(method, 1.0, workers=workers)
    assert found.value < np.log(moments.mean_square_rate) / 2 + 5 * found.error
    # The newest read is the point itself, so what the workers hold is all there is. Worker i takes
    # rᵢ to r − αh rᵢ, with r the newest: the volume changes by αh, or by 1 − αh if rᵢ is it.
    volume = (1 - 1 / workers) * np.log(0.6) + np.log(0.4) / workers
    assert found.value > volume / workers - 5 * found.error


def test_errors_are_those_of_independent_paths():
    method = GradientDescent(learning_rate=0.8)
    several = [
        path_exponent(method, 1.0, workers=4, updates=300, replicas=64, seed=s) for s in range(24)
    ]
    spread = np.std([one.value for one in several], ddof=1)
    assert np.mean([one.error for one in several]) == pytest.approx(spread, rel=0.5)


def test_the_same_seed_gives_the_same_number():
    ask = {"workers": 3, "updates": 50, "replicas": 8}
    method = GradientDescent(learning_rate=0.5)
    first, again = (path_exponent(method, 1.0, seed=5, **ask) for _ in range(2))
    other = path_exponent(method, 1.0, seed=6, **ask)
    assert first == again
    assert first != other


def test_paths_that_end_at_the_solution_have_no_rate():
    found = path_exponent(GradientDescent(learning_rate=1.0), 1.0, workers=1, updates=20, seed=0)
    assert found.value == -np.inf
    assert np.isnan(found.error)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (GradientDescent(learning_rate=1.0), {"workers": 0}),
        (GradientDescent(learning_rate=1.0), {"workers": 2, "replicas": 0}),
        (GradientDescent(learning_rate=np.array([0.1, 0.2])), {"workers": 2}),
        (Extragradient(learning_rate=1.0), {"workers": 2}),
    ],
)
def test_bad_input_is_told(method, options):
    with pytest.raises(DomainError):
        path_exponent(method, 1.0, **options)
