"""The staleness of a queue: against phase-type algebra, which is exact, and against the queue."""

from functools import reduce

import numpy as np
import pytest

from momentum_dynamics import (
    GeometricDelay,
    GradientDescent,
    Quadratic,
    ServiceDelay,
    delays,
    simulate_queue,
)
from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    Gamma,
    Hyperexponential,
    LogNormal,
    Pareto,
    ShiftedExponential,
    SlowestOf,
)
from momentum_dynamics.delays.renewal import counts_of_one


def exact_generating_function(first, rates, workers, w):
    """E w^τ of workers whose service is a chain of memoryless phases.

    The service starts in phase i with chance `first[i]` and moves with the matrix `rates`. One
    worker starts anew; the others are in the phases of a chain that has run for long. They all run
    on their own until the one has finished, with a factor w for each service of the others:
    q(w) = −(β ⊗ π ⊗ … ⊗ π)(T ⊕ (T + w t β) ⊕ … ⊕ (T + w t β))⁻¹(t ⊗ 1 ⊗ … ⊗ 1).
    """
    first, rates = np.asarray(first, dtype=float), np.asarray(rates, dtype=float)
    size, done = len(first), -rates.sum(axis=1)
    settled = first @ np.linalg.inv(-rates)
    settled /= settled.sum()
    other, together = rates + w * np.outer(done, first), rates
    for _ in range(workers - 1):
        together = np.kron(together, np.eye(size)) + np.kron(np.eye(len(together)), other)
    start = reduce(np.kron, [first] + [settled] * (workers - 1))
    end = reduce(np.kron, [done] + [np.ones(size)] * (workers - 1))
    return -start @ np.linalg.solve(together.astype(complex), end)


(SHORT, QUICK), (LONG, SLOW) = Hyperexponential(variation=2).phases
PHASES = [
    (Exponential(), [1.0], [[-1.0]]),
    (Gamma(shape=2), [1, 0], [[-2, 2], [0, -2]]),
    (Gamma(shape=3), [1, 0, 0], [[-3, 3, 0], [0, -3, 3], [0, 0, -3]]),
    (Hyperexponential(variation=2), [SHORT, LONG], np.diag([-1 / QUICK, -1 / SLOW])),
    (SlowestOf(service=Exponential(mean=2 / 3), count=2), [1, 0], [[-3, 3], [0, -1.5]]),
]


@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize(("service", "first", "rates"), PHASES, ids=[str(p[0]) for p in PHASES])
def test_against_phase_type_algebra(service, first, rates, workers):
    delay = ServiceDelay(service=service, workers=workers)
    for w in (0.0, 0.5, -1.0, np.exp(0.3j), np.exp(2j)):
        exact = exact_generating_function(first, rates, workers, w)
        assert delay.generating_function(w) == pytest.approx(exact, abs=2e-5)


def test_the_algebra_tells_other_laws_apart():
    """The control: two stages are no single one."""
    exact = exact_generating_function([1, 0], [[-2, 2], [0, -2]], 3, 0.5)
    geometric = GeometricDelay(workers=3).generating_function(0.5)
    assert abs(exact - geometric) > 0.01


@pytest.mark.parametrize(
    "service",
    [Gamma(shape=0.5), LogNormal(variation=0.1), Pareto(tail=1.5), ShiftedExponential(shift=0.9)],
    ids=str,
)
def test_renewal_counts_have_the_mean_that_time_asks(service):
    """A settled process makes s updates in s mean services, whatever its law."""
    times = np.array([0.01, 0.3, 1.0, 7.7, 20.0])
    chances = counts_of_one(service, times)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(chances @ np.arange(chances.shape[1]), times, rtol=2e-5)


def test_renewal_counts_of_memoryless_services_are_poisson():
    from scipy import stats

    times = np.array([0.1, 1.0, 9.3])
    chances = counts_of_one(Exponential(mean=3), times)
    known = stats.poisson.pmf(np.arange(chances.shape[1]), times[:, None])
    np.testing.assert_allclose(chances, known, atol=2e-6)


LAWS = [
    Exponential(),
    Gamma(shape=4),
    LogNormal(variation=1),
    ShiftedExponential(shift=0.5),
    Hyperexponential(variation=2),
    Pareto(tail=2.5),
]
REPLICAS = 50


def _largest_deviation(staleness, delay):
    """The largest deviation of a bin's share from its chance, in standard errors over replicas.

    Successive stalenesses depend on each other; the replicas do not. A bin holds at least one
    update in two hundred; the last holds the rest.
    """
    chances = delay.probabilities(10 * delay.workers)
    bins, edges = [], [0]
    for k, chance in enumerate(chances):
        if chances[edges[-1] : k].sum() + chance >= 0.005:
            bins.append(chances[edges[-1] : k + 1].sum())
            edges.append(k + 1)
    expected = np.array([*bins, 1 - sum(bins)])
    which = np.searchsorted(edges, staleness, "right") - 1
    shares = np.array([(which == k).mean(axis=0) for k in range(len(expected))])
    gaps = shares.mean(axis=1) - expected
    errors = shares.std(axis=1, ddof=1) / np.sqrt(shares.shape[1])
    return float(np.max(np.abs(gaps) / np.maximum(errors, 1e-4 / np.sqrt(REPLICAS))))


def _staleness(service, workers, updates):
    run = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=workers, service=service,
        updates=updates + 60 * workers, replicas=REPLICAS, seed=77,
    )  # fmt: skip
    return np.asarray(run.staleness)[60 * workers :]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4, 16])
@pytest.mark.parametrize("service", LAWS, ids=str)
def test_against_the_queue(service, workers):
    """Some fifty bins a run: 5.5 standard errors of 50 replicas are a false alarm in 10⁻⁴."""
    drawn = _staleness(service, workers, 4000)
    assert _largest_deviation(drawn, ServiceDelay(service=service, workers=workers)) < 5.5
    assert drawn.mean() == pytest.approx(workers - 1, abs=workers**2 / 4000)
    if not isinstance(service, Exponential):
        # The control: the geometric law of the same mean is far away.
        assert _largest_deviation(drawn, GeometricDelay(workers=workers)) > 12


@pytest.mark.parametrize("workers", [2, 4, 16])
def test_deterministic_services_make_a_round_robin(workers):
    drawn = _staleness(Deterministic(), workers, 20)
    assert (drawn == workers - 1).all()
    chances = ServiceDelay(service=Deterministic(), workers=workers).probabilities(workers + 1)
    np.testing.assert_array_equal(chances, np.eye(workers + 1)[workers - 1])


def test_nearly_deterministic_services_are_nearly_a_round_robin():
    delay = ServiceDelay(service=LogNormal(variation=0.01), workers=8)
    assert delay.probabilities(12)[5:10].sum() > 0.999
    assert delay.mean == 7


@pytest.mark.slow
@pytest.mark.parametrize("service", [Gamma(shape=4), Hyperexponential(variation=2)], ids=str)
def test_the_kernel_tends_to_the_rescaled_service_law(service):
    """Kolmogorov's distance of τ/(M − 1) to S/E S falls with M; at 256 it is a few thousandths."""
    gaps = []
    for workers in (4, 32, 256):
        delay = ServiceDelay(service=service, workers=workers)
        steps = np.cumsum(delay.probabilities(12 * workers))
        middle = (np.arange(12 * workers) + 0.5) / (workers - 1)
        gaps.append(abs(steps - service.distribution(middle)).max())
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]
    assert gaps[2] < 0.004


@pytest.mark.parametrize(
    ("service", "spread", "distance", "none"),
    [
        (Gamma(shape=4), 0.526, 0.337, 0.02),
        (LogNormal(variation=1), 1.030, 0.147, 0.15),
        (Hyperexponential(variation=2), 2.037, 0.170, 1.59),
        (ShiftedExponential(shift=0.5), 0.523, 0.409, 0.0001),
        (Pareto(tail=2.5), None, 0.477, 0.0),
    ],
    ids=str,
)
def test_sixteen_workers_as_measured_before(service, spread, distance, none):
    """Variation, total variation to the geometric law and M P(τ = 0), from 400,000 updates."""
    delay = ServiceDelay(service=service, workers=16)
    chances = delay.probabilities(4000)
    known = GeometricDelay(workers=16).probabilities(4000)
    assert abs(chances - known).sum() / 2 == pytest.approx(distance, abs=0.004)
    assert 16 * chances[0] == pytest.approx(none, abs=0.012)
    if spread is not None:
        deviation = (chances @ (np.arange(4000) - 15.0) ** 2) ** 0.5 / 15
        assert deviation == pytest.approx(spread, abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize(
    "service", [Gamma(shape=4), Pareto(tail=1.5), SlowestOf(service=Exponential(), count=50)],
    ids=str,
)  # fmt: skip
def test_thousands_of_workers(service):
    delay = ServiceDelay(service=service, workers=5_000)
    chances = delay.probabilities(200_000)
    assert 1 - chances.sum() == pytest.approx(delay._beyond(199_999), abs=1e-9)
    assert delay.tail(0.01) / 4999 == pytest.approx(
        service.quantile(0.99) / float(service.mean), rel=0.01
    )
    drawn = delay.sample(np.random.default_rng(4), 2000)
    assert abs((drawn <= delay.tail(0.5)).mean() - 0.5) < 5 * 0.5 / 2000**0.5
    assert delay.generating_function(1.0) == pytest.approx(1, rel=1e-12)


@pytest.mark.slow
def test_what_lies_beyond_a_long_table_is_drawn_and_counted():
    delay = ServiceDelay(service=Pareto(tail=1.1), workers=3)
    assert delay.tail(1e-7) > len(delay._table) > 100_000
    drawn = delay.sample(np.random.default_rng(11), 200_000)
    for last in (10, 1000, len(delay._table)):
        chance = delay._beyond(last)
        error = np.sqrt(chance / drawn.size)
        assert (drawn > last).mean() == pytest.approx(chance, abs=5 * error + 2 / drawn.size)
    assert delay.generating_function(1.0) == pytest.approx(1, rel=1e-12)
    assert delay.tail(0.3) == delays.ServiceDelay(service=Pareto(tail=1.1), workers=3).tail(0.3)
