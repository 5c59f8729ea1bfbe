"""The slowest of many nodes: order statistics with closed forms, published values, simulation."""

import numpy as np
import pytest
from scipy import integrate, special

from momentum_dynamics.delays import (
    Deterministic,
    Empirical,
    Exponential,
    Gamma,
    LogNormal,
    Pareto,
    ServiceDelay,
    ShiftedExponential,
    SlowestOf,
)


@pytest.mark.parametrize(
    ("count", "known"), [(64, 4.74389), (1024, 7.50918), (9600, 9.74679), (10_000, 9.78761)]
)
def test_memoryless_nodes_have_harmonic_means(count, known):
    law = SlowestOf(service=Exponential(), count=count)
    assert law.mean == pytest.approx(known, abs=5e-6)
    assert law.mean == pytest.approx(special.digamma(count + 1) + np.euler_gamma, rel=1e-13)
    squares = np.pi**2 / 6 - special.polygamma(1, count + 1)
    assert law.variation == pytest.approx(squares**0.5 / law.mean, rel=1e-12)


@pytest.mark.parametrize(
    ("count", "mean", "variation"),
    [(1066, 7.549, 0.170), (1200, 7.668, 0.167), (128, 5.433, 0.236), (8, 2.718, 0.455)],
)
def test_groups_of_memoryless_nodes(count, mean, variation):
    law = SlowestOf(service=Exponential(), count=count)
    assert law.mean == pytest.approx(mean, abs=5e-4)
    assert law.variation == pytest.approx(variation, abs=5e-4)


def test_nine_thousand_six_hundred_nodes_of_other_laws():
    shifted = SlowestOf(service=ShiftedExponential(shift=1, mean=1.1), count=9600)
    assert shifted.mean == pytest.approx(1.975, abs=5e-4)
    log_normal = SlowestOf(service=LogNormal(variation=0.1), count=9600)
    known = integrate.quad(lambda t: 1 - log_normal.service.distribution(t) ** 9600, 0.5, 3)[0]
    assert log_normal.mean == pytest.approx(0.5 + known, rel=1e-9)
    assert log_normal.mean == pytest.approx(1.4604, abs=5e-5)
    pareto = SlowestOf(service=Pareto(tail=3), count=9600)
    # E max = b N B(N, 1 − 1/a), and 19.19 is its limit (2/3) N^(1/3) Γ(2/3).
    exact = 2 / 3 * 9600 * special.beta(9600, 2 / 3)
    assert pareto.mean == pytest.approx(exact, rel=1e-9)
    assert exact == pytest.approx(2 / 3 * 9600 ** (1 / 3) * special.gamma(2 / 3), rel=1e-4)
    assert pareto.mean == pytest.approx(19.19, abs=0.005)


def test_pareto_nodes_have_known_moments():
    for tail, count in ((3, 50), (1.2, 7), (2.5, 1)):
        law = SlowestOf(service=Pareto(tail=tail, mean=2), count=count)
        low = law.service.smallest
        mean = low * count * special.beta(count, 1 - 1 / tail)
        assert law.mean == pytest.approx(mean, rel=1e-8)
        if tail > 2:
            square = low**2 * count * special.beta(count, 1 - 2 / tail)
            deviation = (square - mean**2) ** 0.5
            assert law.variation == pytest.approx(deviation / mean, rel=1e-2)
        else:
            assert law.variation == np.inf


@pytest.mark.parametrize(
    "service",
    [
        Exponential(),
        ShiftedExponential(shift=0.9),
        Gamma(shape=0.5),
        LogNormal(variation=1),
        Empirical(times=[0.5, 1.0, 4.0]),
    ],
    ids=str,
)
def test_against_the_largest_of_many_draws(service):
    """Means over 2,000 groups of 64 nodes, within 5 standard errors."""
    law = SlowestOf(service=service, count=64)
    rng = np.random.default_rng(31)
    largest = service.sample(rng, (2000, 64)).max(axis=1)
    error = max(largest.std() / 2000**0.5, 1e-10)
    assert largest.mean() == pytest.approx(law.mean, abs=5 * error)
    own = law.sample(rng, 2000)
    assert own.mean() == pytest.approx(law.mean, abs=5 * error)
    for p in (0.2, 0.7):
        below = (largest <= law.quantile(p)).mean()
        chance = float(law.distribution(law.quantile(p)))
        assert below == pytest.approx(chance, abs=5 * (0.25 / 2000) ** 0.5)


def test_one_value_only():
    for service in (Deterministic(mean=2), Empirical(times=[2.0, 2.0])):
        law = SlowestOf(service=service, count=9)
        assert (law.mean, law.variation) == (2, 0)
        assert law.laplace_transform(0.5) == pytest.approx(np.exp(-1))
        assert law.shortfall([1.0, 2.0, 5.0]).tolist() == [0, 0, 3]


def test_many_nodes_never_take_forever():
    """Chances so near to 1 that their roots round to 1 are finite times all the same."""
    law = SlowestOf(service=Exponential(), count=9600)
    assert np.isfinite(law.quantile(1 - 2.0**-53))
    assert law.quantile(1.0) == np.inf
    assert law.quantile(2.0**-54) > 0


@pytest.mark.parametrize("s", [0.5, 2 + 3j, 30j])
def test_transforms_of_one_node_are_the_nodes_own(s):
    for service in (Pareto(tail=3), LogNormal(variation=1), Gamma(shape=0.5)):
        law = SlowestOf(service=service, count=1)
        known = service.laplace_transform(s)
        assert law.laplace_transform(s) == pytest.approx(known, abs=1e-10)


def test_transforms_of_memoryless_nodes_by_integration():
    """The closed product against the integral that other laws take."""
    closed = SlowestOf(service=Exponential(), count=40)
    open_ = SlowestOf(service=Gamma(shape=1), count=40)
    for s in (0.3, 2.0, 1 + 4j):
        assert open_.laplace_transform(s) == pytest.approx(closed.laplace_transform(s), abs=1e-12)
    assert open_.mean == pytest.approx(closed.mean, rel=1e-12)
    assert open_.variation == pytest.approx(closed.variation, rel=1e-10)


@pytest.mark.parametrize(
    ("groups", "nodes", "known"),
    [(8, 1200, 0.223), (9, 1066, 0.219), (8, 128, 0.290), (8, 8, 0.506)],
)
def test_staleness_of_a_hybrid(groups, nodes, known):
    """Barriers make the staleness of groups nearly fixed; known variations are simulated."""
    law = SlowestOf(service=Exponential(), count=nodes)
    chances = ServiceDelay(service=law, workers=groups).probabilities(400)
    deviation = (chances @ (np.arange(400) - groups + 1.0) ** 2) ** 0.5
    assert deviation / (groups - 1) == pytest.approx(known, abs=0.005)
