"""When an update is made, all groups having begun together, and how many there must be."""

import numpy as np
import pytest

from momentum_dynamics import (
    Cluster,
    Deterministic,
    Exponential,
    Gamma,
    GradientDescent,
    Quadratic,
    Task,
    hardware_efficiency,
    simulate_queue,
)
from momentum_dynamics.systems import fewest_updates
from momentum_dynamics.systems.choice import seconds_of


def times_of_updates(cluster, groups, updates, replicas=(), seed=0):
    return simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=groups, updates=updates,
        service=cluster.group_law(groups), server=cluster.server, replicas=replicas, seed=seed,
    ).times  # fmt: skip


@pytest.mark.parametrize("server", [0.0, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("groups", [1, 2, 5, 9])
def test_fixed_times_are_late_by_the_first_round(groups, server):
    """Exact in the mean over one round, before a server that rests and one that never does."""
    cluster = Cluster(nodes=groups, service=Deterministic(mean=8.0), server=server)
    times = times_of_updates(cluster, groups, 20 * groups)
    pace = hardware_efficiency(cluster, groups).seconds
    predicted = [seconds_of(cluster, groups, n, pace) for n in range(1, 20 * groups + 1)]
    for first in (0, 10 * groups):
        these = slice(first, first + groups)
        assert np.mean(predicted[these]) == pytest.approx(times[these].mean())


@pytest.mark.parametrize("service", [Gamma(shape=4), Gamma(shape=2), Exponential()])
def test_random_times_are_late_by_what_they_vary_less_than_memoryless_ones(service):
    groups, updates = 8, 40
    cluster = Cluster(nodes=groups, service=service)
    times = times_of_updates(cluster, groups, updates, replicas=4000, seed=2)[-1]
    found = seconds_of(cluster, groups, updates, 1 / groups)
    error = times.std() / len(times) ** 0.5
    assert abs(times.mean() - found) < 4 * error < 0.06  # a lateness of 0 … 0.33


@pytest.mark.parametrize(
    ("spectrum", "start", "target", "updates"),
    [([2.0], 1.0, 0.05, 19.0), ([0.5], 2.0, 0.25, 12.0), ([2.0, 2.0], 1.0, 0.1, 19.0)],
)
def test_the_fewest_updates_by_hand(spectrum, start, target, updates):
    """With σ² = 4, the loss of n modes is n(h/2)/(1/x² + h²T/4)."""
    task = Task(spectrum=spectrum, noise_variance=4.0, target=target, start=start)
    assert fewest_updates(task) == pytest.approx(updates)
