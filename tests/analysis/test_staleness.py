"""Measured staleness: intervals that hold what they say, distances that noise explains or not."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from momentum_dynamics import (
    Deterministic,
    DomainError,
    Exponential,
    FixedDelay,
    Gamma,
    GeometricDelay,
    GradientDescent,
    MomentumDynamicsError,
    NotTraceableError,
    Quadratic,
    ShapeError,
    serve,
    simulate_queue,
    staleness_report,
    symbol,
)
from momentum_dynamics.laws.staleness import staleness_correlation

METHOD, PROBLEM = GradientDescent(learning_rate=0.01), Quadratic([1.0])


def queue(service, workers=4, updates=2000, seed=0, **settings):
    return simulate_queue(
        METHOD, PROBLEM, workers=workers, service=service, updates=updates, seed=seed, **settings
    )


def test_memoryless_workers_are_compatible_with_their_law():
    run = queue(Exponential(), seed=1)
    report = staleness_report(run)
    np.testing.assert_array_equal(report.shares * 2000, run.histogram)
    assert report.mean == pytest.approx(run.mean_staleness)
    assert report.fresh == report.shares[0]
    assert report.expected.sum() == pytest.approx(1)
    np.testing.assert_allclose(report.expected[:5], 0.25 * 0.75 ** np.arange(5))
    by_hand = 0.5 * np.abs(report.shares - report.expected).sum()
    assert report.distance == pytest.approx(by_hand)
    assert report.is_compatible
    assert report.is_conserved
    assert report.aged == 6000
    assert report.successions == 0
    assert report.noise < report.noise_limit
    assert (report.low <= report.shares).all()
    assert (report.shares <= report.high).all()
    away = run.staleness - run.staleness.mean()
    expected = [(away * np.roll(away, -lag)).mean() / away.var() for lag in (1, 2, 3, 4)]
    np.testing.assert_allclose(report.correlations, expected, rtol=1e-10)
    assert (report.correlations_low < report.expected_correlations).all()
    assert (report.expected_correlations < report.correlations_high).all()


@pytest.mark.parametrize("service", [Deterministic(), Gamma(shape=4)], ids=repr)
def test_other_workers_are_not(service):
    """The control: the mean is the same, the law is not."""
    report = staleness_report(queue(service))
    assert not report.is_compatible
    assert report.is_conserved
    assert report.distance > 3 * report.noise_limit
    assert report.mean == pytest.approx(report.expected_mean, abs=0.05)
    assert not report.fresh_interval[0] <= report.expected_fresh <= report.fresh_interval[1]


def test_a_law_may_be_named():
    run = queue(Deterministic(), workers=5)
    report = staleness_report(run, FixedDelay(staleness=4))
    assert report.distance == pytest.approx(4 / 2000)
    assert report.expected_correlations is None
    assert report.expected_mean == 4
    assert "memoryless" not in str(report)


def test_independent_draws_read_points_twice():
    """The control of what only a queue has: M = 4, a share 0.107 of successions."""
    law = GeometricDelay(workers=4)
    drawn = law.sample(np.random.default_rng(0), 4000)
    report = staleness_report(drawn, law)
    assert report.successions / 4000 == pytest.approx(0.107, abs=4 * np.sqrt(0.107 / 4000))
    assert report.is_compatible
    assert report.is_conserved is None
    assert "Conservation" not in str(report)


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    """Of 60 histories 57 are expected within; fewer than 50 have a chance below 10⁻³."""
    inside, distances, noises, widths = [], [], [], {None: [], 1: []}
    for seed in range(60):
        run = queue(Exponential(), seed=seed)
        report = staleness_report(run, resamples=200, seed=seed)
        low, high = report.fresh_interval
        inside.append([
            low <= report.expected_fresh <= high,
            report.is_compatible,
            report.correlations_low[0] <= report.expected_correlations[0]
            <= report.correlations_high[0],
        ])  # fmt: skip
        distances.append(report.distance)
        noises.append(report.noise)
        for block, found in widths.items() if seed < 5 else ():
            other = staleness_report(run, resamples=50, block=block)
            found.append(np.ptp(other.mean_interval))
    assert (np.sum(inside, axis=0) >= 50).all()
    assert np.mean(noises) == pytest.approx(np.mean(distances), rel=0.1)
    # Independent draws do not know that the mean is conserved.
    assert np.mean(widths[1]) > 1.5 * np.mean(widths[None])


def test_correlations_of_memoryless_workers_sum_to_minus_one_half():
    """So that the variance of the running sum stays bounded: the conservation law."""
    each = staleness_correlation(4, np.arange(1, 200))
    assert each.sum() == pytest.approx(-0.5)
    np.testing.assert_allclose(each[[0, 1, 3]], [-0.125, -0.09375, -0.052734375])


def test_wide_bins_hold_long_tails():
    run = queue(Exponential(), workers=300, updates=3000)
    report = staleness_report(run)
    assert 2 < np.diff(report.bins)[0] < 20
    assert len(report.bins) <= 256
    assert report.shares.sum() == pytest.approx(1)
    assert report.expected.sum() == pytest.approx(1)
    width = report.bins[1]
    assert report.expected[0] == pytest.approx(1 - (1 - 1 / 300) ** width)


def test_a_run_of_threads_is_reported():
    with ThreadPoolExecutor(3) as pool:
        run = serve(METHOD, PROBLEM, workers=3, executor=pool, updates=300)
    report = staleness_report(run)
    assert report.is_conserved
    assert report.aged == report.due == 600
    text = str(report)
    assert text.startswith("300 updates beside GeometricDelay(workers=3); intervals of 95 %")
    assert "Conservation: 600 = 600." in text
    assert repr(report).startswith("<StalenessReport: 300 updates, mean ")


def test_failures_say_nothing_of_conservation():
    report = staleness_report(queue(Exponential(), failures=[(3.0, 0)]))
    assert report.is_conserved is None


def test_reports_are_the_same_for_the_same_seed():
    run = queue(Exponential())
    one, other, third = (staleness_report(run, seed=seed) for seed in (1, 1, 2))
    assert one.noise == other.noise != third.noise


@pytest.mark.parametrize(
    ("measured", "settings", "error", "message"),
    [
        (np.ones(50, int), {}, DomainError, "how many workers"),
        (np.ones(5, int), {"law": FixedDelay(staleness=1)}, DomainError, "at least 20"),
        (np.ones((50, 2), int), {"law": FixedDelay(staleness=1)}, ShapeError, "one row"),
        (-np.ones(50), {"law": FixedDelay(staleness=1)}, DomainError, "no whole number"),
        (np.full(50, 0.5), {"law": FixedDelay(staleness=1)}, DomainError, "no whole number"),
        (np.array(["a"] * 50), {"law": FixedDelay(staleness=1)}, DomainError, "no whole number"),
        (np.ones(50, int), {"law": 3}, DomainError, "law is 3"),
        (np.ones(50, int), {"law": FixedDelay}, DomainError, "must be a law of staleness"),
        (np.ones(50, int), {"law": GeometricDelay(workers=symbol("workers"))}, NotTraceableError,
         "SymPy symbols"),
        (np.ones(50, int), {"law": FixedDelay(staleness=1), "confidence": 1}, DomainError,
         "confidence is 1"),
        (np.ones(50, int), {"law": FixedDelay(staleness=1), "resamples": 0}, DomainError,
         "resamples is 0"),
        (np.ones(50, int), {"law": FixedDelay(staleness=1), "block": 0}, DomainError,
         "block is 0"),
        (np.ones(50, int), {"law": FixedDelay(staleness=1), "block": 26}, DomainError,
         "at most half"),
    ],
)  # fmt: skip
def test_refusals(measured, settings, error, message):
    with pytest.raises(error, match=message) as caught:
        staleness_report(measured, **settings)
    assert isinstance(caught.value, MomentumDynamicsError)


def test_a_run_without_staleness_is_refused():
    with pytest.raises(DomainError, match="record='all'"):
        staleness_report(queue(Exponential(), record="last"))


def test_constant_staleness_has_no_correlation():
    report = staleness_report(np.full(100, 3), FixedDelay(staleness=3))
    assert report.distance == report.noise == report.noise_limit == 0
    assert (report.correlations == 0).all()
    assert report.is_compatible
