"""Seconds per update against closed queues, and staleness at a server."""

from math import factorial

import numpy as np
import pytest

from momentum_dynamics import (
    Cluster,
    Deterministic,
    DomainError,
    Exponential,
    FixedDelay,
    GradientDescent,
    Hyperexponential,
    LogNormal,
    Quadratic,
    ShiftedExponential,
    hardware_efficiency,
    simulate_queue,
)
from momentum_dynamics.laws import systems as laws
from momentum_dynamics.systems import group_staleness, machine_repair_throughput, scaling
from momentum_dynamics.systems.hardware import _simulated


def machine_repair(group_time, server_time, groups):
    """1 − P₀ over the server's time, P₀ from the balance of a birth-and-death chain."""
    ratio = server_time / group_time
    terms = [factorial(groups) / factorial(groups - j) * ratio**j for j in range(groups + 1)]
    return (1 - 1 / sum(terms)) / server_time


@pytest.mark.parametrize(
    ("groups", "fixed", "random"),
    [(4, 2.25, 2.351), (8, 1.125, 1.308), (9, 1.0, 1.209), (16, 1.0, 1.0045)],
)
def test_two_stations(groups, fixed, random):
    """One node in a group computes for 8 seconds, the server for one."""
    clockwork = Cluster(nodes=groups, service=Deterministic(mean=8), server=1)
    assert hardware_efficiency(clockwork, groups).seconds == fixed
    memoryless = Cluster(nodes=groups, service=Exponential(mean=8), server=Exponential())
    found = hardware_efficiency(memoryless, groups)
    assert found.is_exact
    assert found.seconds == pytest.approx(random, abs=6e-4)
    assert found.seconds == pytest.approx(1 / machine_repair(8, 1, groups))


@pytest.mark.parametrize("ratio", [0.01, 0.3, 1.0, 7.0])
@pytest.mark.parametrize("groups", [1, 2, 30])
def test_mean_value_analysis_is_the_balance_of_the_chain(ratio, groups):
    found = machine_repair_throughput(1.0, ratio, groups)
    assert found == pytest.approx(machine_repair(1.0, ratio, groups))


def test_fixed_times_by_direct_simulation():
    run = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=9, updates=400,
        service=Deterministic(mean=8), server=Deterministic(), engine="python",
    )  # fmt: skip
    assert (run.times[-1] - run.times[-91]) / 90 == pytest.approx(1.0)
    assert (run.staleness[-90:] == 8).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "service",
    [Deterministic(mean=8), LogNormal(variation=1, mean=8), Hyperexponential(variation=2, mean=8)],
)
def test_only_the_mean_of_a_groups_time_counts_before_an_exponential_server(service):
    cluster = Cluster(nodes=8, service=service, server=Exponential())
    times, stale = _simulated(cluster, 8, 6000, 3)
    assert abs(times.mean() - 1.3081647) < 4 * times.std(ddof=1) / 4
    assert stale.mean() == pytest.approx(7, abs=0.02)
    assert hardware_efficiency(cluster, 8).seconds == pytest.approx(1.3081647)


@pytest.mark.slow
def test_what_has_no_formula_is_simulated_with_an_error_bar():
    cluster = Cluster(nodes=8, service=Exponential(mean=8), server=1.0)
    found = hardware_efficiency(cluster, 8, seed=1)
    again = hardware_efficiency(cluster, 8, seed=2)
    assert not found.is_exact
    apart = np.hypot(found.standard_error, again.standard_error)
    assert abs(found.seconds - again.seconds) < 4 * apart < 0.03
    # Between clockwork and a memoryless server.
    assert 1.125 + 4 * found.standard_error < found.seconds < 1.308 - 4 * found.standard_error
    assert group_staleness(cluster, 8).mean == pytest.approx(7, abs=0.05)


def test_without_a_server_it_is_the_mean_over_the_groups():
    cluster = Cluster(nodes=16, service=LogNormal(variation=1, mean=3), server=0)
    assert hardware_efficiency(cluster, 16).seconds == pytest.approx(3 / 16)
    alone = Cluster(nodes=1, service=LogNormal(variation=1, mean=3), server=0.5)
    assert hardware_efficiency(alone, 1).seconds == 3.5
    clockwork = Cluster(nodes=4, service=Deterministic(), server=0.5)
    assert isinstance(group_staleness(clockwork, 4), FixedDelay)


def test_barriers_gain_what_the_law_says():
    cluster = Cluster(nodes=9600, service=Exponential())
    speeds = {g: 1 / hardware_efficiency(cluster, g).seconds for g in (1, 8)}
    gradients = speeds[8] * 1200 / (speeds[1] * 9600)
    assert gradients == pytest.approx(laws.barrier_gain(1200, 8))


def test_scaling_has_stragglers_and_exchanges():
    cluster = Cluster(nodes=1, service=ShiftedExponential(shift=0.9), communication=0.01, server=0)
    found = scaling(cluster, [1, 64, 9600])
    assert found.weak[0] == found.strong[0] == 1
    assert found.straggler[0] == found.communication[0] == 0
    slowest = 0.9 + 0.1 * laws.straggler_factor(9600)
    seconds = slowest + 14 * 0.01
    assert found.weak[2] == pytest.approx(9600 / seconds)
    assert found.straggler[2] == pytest.approx((slowest - 1) / seconds)
    assert found.communication[2] == pytest.approx(0.14 / seconds)
    # With one batch split over all nodes, exchanges are what remains.
    assert found.strong[2] == pytest.approx(1 / (slowest / 9600 + 0.14))
    assert found.strong[2] < found.strong[1] * 9600 / 64 / 10


def test_refusals():
    cluster = Cluster(nodes=4, service=Exponential(), server=1.0)
    with pytest.raises(DomainError, match="5 groups were asked of 4 nodes"):
        hardware_efficiency(cluster, 5)
    with pytest.raises(DomainError, match="updates is 3, but must be at least 10"):
        hardware_efficiency(cluster, 4, updates=3)
    with pytest.raises(DomainError, match="server_time is 0"):
        machine_repair_throughput(1.0, 0.0, 4)
