"""Clusters: the law of a group's time, the staleness of barriers, names of service laws."""

import numpy as np
import pytest

from momentum_dynamics import (
    Cluster,
    Deterministic,
    DomainError,
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ServiceDelay,
    ShiftedExponential,
    UnknownNameError,
)
from momentum_dynamics.delays.services import Service
from momentum_dynamics.systems import barrier_staleness
from momentum_dynamics.systems.cluster import ManyGroupsDelay, Scaled
from momentum_dynamics.systems.named import named_service


def moments(chances):
    numbers = np.arange(len(chances))
    mean = chances @ numbers
    return mean, (chances @ numbers**2 - mean**2) ** 0.5 / mean


@pytest.mark.parametrize(
    ("nodes", "groups", "size", "time", "variation", "stale"),
    [
        (9600, 9, 1066, 7.549, 0.170, 0.219),
        (9600, 8, 1200, 7.668, 0.167, 0.223),
        (1024, 8, 128, 5.433, 0.236, 0.290),
        (64, 8, 8, 2.718, 0.455, 0.506),
    ],
)
def test_barriers_of_memoryless_nodes(nodes, groups, size, time, variation, stale):
    """Measured once by direct simulation, to three digits."""
    cluster = Cluster(nodes=nodes, service=Exponential())
    law = cluster.group_law(groups)
    assert cluster.group_size(groups) == size
    assert law.mean == pytest.approx(time, abs=6e-4)
    assert law.variation == pytest.approx(variation, abs=6e-4)
    mean, spread = moments(barrier_staleness(cluster, groups).probabilities(120))
    assert mean == pytest.approx(groups - 1, abs=1e-6)
    assert spread == pytest.approx(stale, abs=3e-3)


def test_the_time_of_a_group_by_direct_sampling():
    rng = np.random.default_rng(5)
    cluster = Cluster(nodes=60, service=ShiftedExponential(shift=0.5), communication=0.25)
    times = cluster.service.sample(rng, (20_000, 20)).max(axis=1) + 5 * 0.25
    law = cluster.group_law(3)
    assert cluster.exchanges(3) == 5
    assert abs(times.mean() - law.mean) < 4 * times.std() / len(times) ** 0.5
    drawn = law.sample(rng, 20_000)
    assert abs(drawn.mean() - law.mean) < 4 * times.std() / len(times) ** 0.5
    assert drawn.std() / drawn.mean() == pytest.approx(law.variation, rel=0.03)
    assert np.mean(times <= 4.0) == pytest.approx(float(law.distribution(4.0)), abs=0.015)


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5, 8, 9, 1000])
def test_a_tree_doubles_with_every_exchange(nodes):
    rounds = Cluster(nodes=nodes, service=Exponential()).exchanges(1)
    assert 2**rounds >= nodes > 2 ** (rounds - 1) or nodes == 1 == 2**rounds


def test_special_groups_have_their_own_laws():
    cluster = Cluster(nodes=8, service=Exponential(mean=2), communication=0.5)
    assert repr(cluster.group_law(8)) == "Exponential(mean=2)"
    shared = Cluster(nodes=8, service=Exponential(mean=2), shares_batch=True)
    assert shared.group_law(8).mean == 2
    assert shared.group_law(4).mean == pytest.approx(1.5)
    fixed = Cluster(nodes=8, service=Deterministic(mean=2), communication=0.5, shares_batch=True)
    assert repr(fixed.group_law(2)) == "Deterministic(mean=1.5)"
    assert repr(fixed.server) == "Deterministic(mean=0.5)"
    assert Cluster(nodes=8, service=Exponential(), communication=0.5, server=0).server is None
    assert "8 nodes" in repr(cluster)


def test_noise_is_averaged_unless_the_batch_is_shared():
    assert Cluster(nodes=12, service=Exponential()).noise_variance(3, 8.0) == 2.0
    shared = Cluster(nodes=12, service=Exponential(), shares_batch=True)
    assert shared.noise_variance(3, 8.0) == 8.0


def test_a_scaled_law_is_a_service_law():
    rng = np.random.default_rng(6)
    law = Scaled(service=Gamma(shape=4), factor=2.0, wait=0.5)
    assert isinstance(law, Service)
    assert law.mean == 2.5
    assert law.variation == pytest.approx(0.4)
    times = np.linspace(0, 9, 10)
    assert law.distribution(times) + law.survival(times) == pytest.approx(np.ones(10))
    assert law.distribution(law.quantile([0.1, 0.9])) == pytest.approx([0.1, 0.9])
    slope = (law.shortfall(times + 1e-4) - law.shortfall(times - 1e-4)) / 2e-4
    assert slope == pytest.approx(law.distribution(times), abs=1e-6)
    assert law.laplace_transform(0.7) == pytest.approx(np.exp(-0.35) * (1 + 0.35) ** -4)
    assert law.sample(rng, 4000).mean() == pytest.approx(2.5, abs=0.07)


@pytest.mark.parametrize("service", [LogNormal(variation=1), Pareto(tail=3), Gamma(shape=2)])
def test_many_groups_tend_to_the_rescaled_service_law(service):
    exact = ServiceDelay(service=service, workers=400).probabilities(6000)
    near = ManyGroupsDelay(service=service, groups=400).probabilities(6000)
    assert np.abs(exact - near).sum() / 2 < 0.05  # Pareto's edge is the hardest
    assert moments(near)[0] == pytest.approx(399, rel=5e-3)
    cluster = Cluster(nodes=2000, service=service)
    assert isinstance(barrier_staleness(cluster, 2000), ManyGroupsDelay)
    assert barrier_staleness(cluster, 1).mean == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("exponential", "Exponential()"),
        ("exponential:2", "Exponential(mean=2.0)"),
        ("deterministic:0.3", "Deterministic(mean=0.3)"),
        ("Gamma:4", "Gamma(shape=4.0)"),
        ("shifted:0.5:2", "ShiftedExponential(shift=0.5, mean=2.0)"),
        ("lognormal:1", "LogNormal(variation=1.0)"),
        ("pareto:3", "Pareto(tail=3.0)"),
        ("hyperexponential:2", "Hyperexponential(variation=2.0)"),
    ],
)
def test_service_laws_by_name(text, shown):
    assert repr(named_service(text)) == shown


@pytest.mark.parametrize("text", ["gamma", "gamma:x", "gamma:1:2:3", "exponential:1:2", "shifted:"])
def test_service_laws_that_cannot_be_read(text):
    with pytest.raises(DomainError, match="cannot be read; write"):
        named_service(text)


def test_unknown_service_laws_name_their_neighbors():
    with pytest.raises(UnknownNameError, match="did you mean 'gamma'"):
        named_service("gama:4")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nodes": 0}, "nodes is 0, but must be a whole number in"),
        ({"nodes": 2.5}, "nodes is 2.5, but must be a whole number"),
        ({"nodes": "two"}, "nodes is 'two', but must be a whole number in"),
        ({"nodes": 4, "service": 1.0}, "service is 1.0, but must be a law of service times"),
        ({"nodes": 4, "communication": -1}, "communication is -1, but must lie in"),
        ({"nodes": 4, "communication": [1, 2]}, "must be one number of seconds"),
        ({"nodes": 4, "server": -1.0}, "server is -1.0, but must be seconds"),
        ({"nodes": 4, "server": "fast"}, "server: service is 'fast'"),
    ],
)
def test_what_is_no_cluster(fields, message):
    with pytest.raises(DomainError, match=message):
        Cluster(**{"service": Exponential(), **fields})


def test_more_groups_than_nodes():
    cluster = Cluster(nodes=4, service=Exponential())
    with pytest.raises(DomainError, match="5 groups were asked of 4 nodes"):
        cluster.group_size(5)
    with pytest.raises(DomainError, match="groups is 0, but must be a whole number"):
        cluster.group_size(0)
    with pytest.raises(DomainError, match="factor is 0"):
        Scaled(service=Exponential(), factor=0.0)
