"""The laws of clusters against numbers worked out by hand and by other means."""

import numpy as np
import pytest

from momentum_dynamics.laws import staleness, systems


@pytest.mark.parametrize(("groups", "seconds"), [(4, 2.25), (8, 1.125), (9, 1.0), (16, 1.0)])
def test_seconds_per_update_of_fixed_times(groups, seconds):
    assert systems.hardware_efficiency(8, 1, groups) == pytest.approx(seconds)
    assert systems.saturation_groups(8, 1) == 9


@pytest.mark.parametrize(
    ("count", "factor"),
    [(1, 1), (64, 4.74389), (1024, 7.50918), (9600, 9.74679), (10_000, 9.78761)],
)
def test_straggler_factor(count, factor):
    assert systems.straggler_factor(count) == pytest.approx(factor, abs=5e-6)
    assert systems.straggler_factor(count) == pytest.approx((1 / np.arange(1, count + 1)).sum())


@pytest.mark.parametrize(
    ("groups", "gain"), [(2, 1.077), (4, 1.166), (8, 1.271), (16, 1.397), (64, 1.743)]
)
def test_barrier_gain_of_9600_nodes(groups, gain):
    assert systems.barrier_gain(9600 // groups, groups) == pytest.approx(gain, abs=5e-4)


@pytest.mark.parametrize(("count", "variation"), [(1066, 0.170), (1200, 0.167), (128, 0.236)])
def test_variation_of_large_barriers(count, variation):
    assert systems.barrier_variation(count) == pytest.approx(variation, abs=6e-4)


def test_geometric_variation():
    assert systems.geometric_variation(np.array([9, 8])) == pytest.approx([1.061, 1.069], abs=5e-4)


@pytest.mark.parametrize("floor", [1e-4, 0.03, 0.3, 5.0])
@pytest.mark.parametrize("workers", [1, 2, 8, 100])
def test_the_learning_rate_meets_the_floor(floor, workers):
    rate = systems.floor_learning_rate(floor, 2.0, 3.0, workers)
    assert 0 < 2 * rate < staleness.queue_mean_square_limit(workers)
    settled = staleness.queue_stationary_variance(rate, 2.0, 3.0, workers)
    assert settled == pytest.approx(floor)


@pytest.mark.parametrize(
    ("floor", "best", "time"), [(0.3, 1, 1.35), (0.03, 2, 1.237), (0.003, 8, 1.086)]
)
def test_the_best_number_of_groups_grows_as_the_target_tightens(floor, best, time):
    """32 nodes share a batch that takes one of them 32 seconds; the server takes 0.35."""
    groups = 2 ** np.arange(6)
    group_time = np.maximum(groups, 0.02 * 32 / groups)
    total = systems.hardware_efficiency(group_time, 0.35, groups)
    total = total * systems.statistical_efficiency(floor, 1.0, 1.0, groups)
    assert groups[total.argmin()] == best
    assert total.min() == pytest.approx(time, abs=6e-4)
