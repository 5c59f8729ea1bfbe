"""Momentum measured on runs: against known momenta, against SciPy, and against the reading."""

import warnings

import numpy as np
import pytest
import scipy.stats

from momentum_dynamics import (
    Deterministic,
    DomainError,
    Exponential,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Quadratic,
    Sensor,
    ShapeError,
    fit_mean_dynamics,
    measured_implicit_momentum,
    queue_moments,
    sensor_reading,
    simulate,
    simulate_queue,
    total_momentum,
)
from momentum_dynamics.dynamics.asynchrony.sensing import noise_reading
from momentum_dynamics.laws import sensors

ONE = Quadratic([1.0])
SPREAD = Quadratic(np.geomspace(0.01, 1, 9), solution=np.arange(9.0))


def round_robin(method, problem, updates, workers=16, **settings):
    return simulate_queue(
        method, problem, workers=workers, service=Deterministic(), updates=updates, **settings
    )


@pytest.mark.parametrize("momentum", [-0.4, 0.0, 0.7])
def test_without_delay_every_reading_is_the_momentum(momentum):
    run = simulate(HeavyBall(learning_rate=0.1, momentum=momentum), SPREAD, steps=60)
    found = total_momentum(run, SPREAD.field, 0.1)
    assert np.isnan(found[0])
    assert np.allclose(found[1:], momentum, atol=1e-9)


@pytest.mark.parametrize(("step", "momentum"), [(0.001, 0.5), (0.01, 0.0), (0.02, -0.16)])
def test_a_round_robin_reads_what_its_mode_says(step, momentum):
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    run = round_robin(ball, ONE, 900)
    expected = sensor_reading(ball, 1.0, FixedDelay(staleness=15))
    assert expected.is_steady
    assert total_momentum(run, ONE.field, step)[-1] == pytest.approx(expected.center, abs=1e-6)
    # Aligned on a wrong version, the reading of a pure mode is the same, until the first reads.
    assert total_momentum(run.points, ONE.field, step)[-1] == pytest.approx(
        expected.center, abs=1e-6
    )


def test_gradients_as_they_arrived_are_aligned_by_staleness():
    """Noise in the gradient cancels in heavy ball without delay only if the versions fit."""
    rng = np.random.default_rng(3)
    points, staleness = rng.normal(size=(40, 3)), rng.integers(0, 5, size=39)
    gradients = rng.normal(size=(39, 3))
    found = total_momentum(points, gradients, 0.3, staleness=staleness)
    for t in range(39):
        s = t - staleness[t]
        if s < 1:
            assert np.isnan(found[t])
            continue
        ratio = (points[s + 1] - points[s] + 0.3 * gradients[t]) / (points[s] - points[s - 1])
        assert found[t] == np.median(ratio)


@pytest.mark.parametrize("dimension", [4, 25])
def test_reductions_against_scipy(dimension):
    rng = np.random.default_rng(dimension)
    points, gradients = rng.normal(size=(12, 2, dimension)), rng.normal(size=(11, 2, dimension))
    here, before, after = points[1:-1], points[:-2], points[2:]
    ratio = (after - here + 0.1 * gradients[1:]) / (here - before)
    median = total_momentum(points, gradients, 0.1)
    trimmed = total_momentum(points, gradients, 0.1, sensor=Sensor(kind="trimmed", trim=0.1))
    assert np.allclose(median[1:], np.median(ratio, axis=-1))
    assert np.allclose(trimmed[1:], scipy.stats.trim_mean(ratio, 0.1, axis=-1))


def test_smoothing_averages_numerator_and_denominator():
    rng = np.random.default_rng(8)
    points, gradients = rng.normal(size=(30, 5)), rng.normal(size=(29, 5))
    found = total_momentum(points, gradients, 0.1, sensor=Sensor(smoothing=0.9))
    weights = 0.9 ** np.arange(28)[::-1]
    above = points[2:] - points[1:-1] + 0.1 * gradients[1:]
    below = points[1:-1] - points[:-2]
    expected = np.median((weights @ above) / (weights @ below))
    assert found[-1] == pytest.approx(expected)


def test_an_oscillating_mode_is_read_as_a_cauchy_law():
    """Median and quartiles over many turns are center and center ± wander; the mean is none."""
    descent = GradientDescent(learning_rate=0.03)
    expected = sensor_reading(descent, 1.0, FixedDelay(staleness=15))
    assert not expected.is_steady
    found = total_momentum(round_robin(descent, ONE, 6000), ONE.field, 0.03)[600:]
    low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
    # A phase that turns by a fixed angle fills the circle with an error of about 1/n.
    assert middle == pytest.approx(expected.center, abs=0.005)
    assert high - middle == pytest.approx(expected.wander, abs=0.01)
    assert middle - low == pytest.approx(expected.wander, abs=0.01)
    assert np.abs(found).max() > 20 * expected.wander


@pytest.mark.slow
@pytest.mark.parametrize(("step", "momentum"), [(0.02, 0.0), (0.05, 0.0), (0.02, 0.4)])
def test_at_the_noise_floor_the_reading_sees_still_less(step, momentum):
    """The median over time and copies; its error from the copies, which are independent."""
    copies, delay = 64, FixedDelay(staleness=15)
    problem = Quadratic(np.ones(copies), solution=np.zeros(copies))
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    run = round_robin(ball, problem, 4000, noise_variance=1.0, seed=6, start=np.zeros(copies))
    v = np.diff(run.points, axis=0)[500:]
    ratio = (v[1:] + step * run.points[501:-1]) / v[:-1]
    medians = np.median(ratio, axis=0)
    error = medians.std(ddof=1) / np.sqrt(copies)
    expected = noise_reading(ball, 1.0, delay)
    assert error < 0.01
    assert abs(medians.mean() - expected) < 5 * error
    assert expected < sensor_reading(ball, 1.0, delay).center - 10 * error
    with pytest.raises(DomainError, match="behind FixedDelay only"):
        noise_reading(ball, 1.0, GeometricDelay(workers=4))


def test_what_stands_still_is_left_out():
    points = np.ones((5, 3))
    points[:, 0] = [1, 2, 4, 8, 16]
    points[:, 1] += np.array([0, 1, 0, 1, 0]) * 2.0**-52
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = total_momentum(points, np.zeros((4, 3)), 0.1)
        nothing = total_momentum(np.ones((5, 3)), np.zeros((4, 3)), 0.1)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [2, 2, 2]
    assert np.isnan(nothing).all()


def test_updates_that_were_not_made_are_not_read():
    points, gradients = np.random.default_rng(0).normal(size=(2, 6, 2))
    found = total_momentum(points, gradients[:5], 0.1, staleness=[0, 0, 0, -1, -1])
    assert np.isnan(found).tolist() == [True, False, False, True, True]


@pytest.mark.parametrize("momentum", [-0.2, 0.0, 0.5])
@pytest.mark.parametrize("staleness", [1, 7])
def test_implicit_sensor_behind_a_fixed_delay_is_its_law(momentum, staleness):
    ball, delay = HeavyBall(learning_rate=0.01, momentum=momentum), FixedDelay(staleness=staleness)
    run = simulate(ball, ONE, steps=300, delay=delay)
    z = sensor_reading(ball, 1.0, delay).eigenvalue.real
    found = measured_implicit_momentum(run, ONE.field, 0.01, momentum)
    assert found[-1] == pytest.approx(sensors.fixed_delay_implicit_reading(z, staleness), abs=1e-5)
    assert sensors.fixed_delay_implicit_reading(1 - 1e-7, staleness) == pytest.approx(
        sensors.slow_implicit_reading(staleness), abs=1e-5
    )


def jackknife(run, measure, count=16):
    """What is measured on the mean path of all replicas, and its error from leaving groups out."""
    group = np.arange(run.points.shape[1]) % count
    left = np.array([measure(run.points[:, group != index]) for index in range(count)])
    error = np.sqrt((count - 1) / count * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return measure(run.points), error


@pytest.fixture(scope="module")
def queue():
    """Heavy ball with momentum 0.3 on four memoryless workers, 16000 times."""
    ball = HeavyBall(learning_rate=0.3, momentum=0.3)
    return simulate_queue(
        ball, ONE, workers=4, service=Exponential(), updates=12, replicas=16_000, seed=4
    )


def two_lags(points):
    fit = fit_mean_dynamics(points, ONE.field, lags=2)
    return np.array([*np.sort(fit.lag_poles.real), fit.learning_rate])


@pytest.mark.slow
def test_implicit_momentum_of_the_queue_is_one_minus_one_over_m(queue):
    def measure(points):
        mean = points.mean(axis=1)
        return measured_implicit_momentum(mean, ONE.field, 0.3, 0.3, staleness=0)[3]

    found, error = jackknife(queue, measure)
    assert error < 0.02
    assert abs(found - 0.75) < 5 * error


@pytest.mark.slow
def test_two_lags_find_both_momenta_of_the_queue(queue):
    """Poles β and 1 − 1/M and the gain α/M; one lag finds neither, nor their sum."""
    found, error = jackknife(queue, two_lags)
    assert (error < [0.05, 0.02, 0.005]).all()
    assert (np.abs(found - [0.3, 0.75, 0.3 / 4]) < 5 * error).all()
    one = fit_mean_dynamics(queue.points, ONE.field, lags=1)
    two = fit_mean_dynamics(queue.points, ONE.field, lags=2)
    assert one.residual > 5 * two.residual
    assert abs(one.total_momentum - (0.3 + 0.75)) > 0.1
    assert np.isnan(two.total_momentum)


@pytest.mark.parametrize(("momentum", "workers"), [(0.3, 4), (-0.4, 8), (0.8, 2)])
def test_two_lags_of_the_exact_mean_are_exact(momentum, workers):
    ball = HeavyBall(learning_rate=0.2, momentum=momentum)
    mean = queue_moments(ball, 1.0, workers=workers).path(40).mean[:, None]
    hidden = 1 - 1 / workers
    found = two_lags(mean)
    assert found == pytest.approx([*sorted([momentum, hidden]), 0.2 / workers], abs=1e-6)
    implicit = measured_implicit_momentum(mean, ONE.field, 0.2, momentum)
    assert implicit[2:12] == pytest.approx(hidden, abs=1e-8)


def test_regression_of_an_exact_path_is_exact():
    run = simulate(HeavyBall(learning_rate=0.2, momentum=0.6), Quadratic([1.0, 0.2]), steps=40)
    problem = Quadratic([1.0, 0.2])
    one = fit_mean_dynamics(run, problem.field)
    two = fit_mean_dynamics(run.points, problem.field(run.points[:-1]), lags=2)
    assert one.total_momentum == pytest.approx(0.6)
    assert one.learning_rate == pytest.approx(0.2)
    assert np.abs(two.lag_poles) == pytest.approx([0.6, 0], abs=1e-6)
    assert one.residual < 1e-10


def test_one_slow_mode_does_not_tell_momentum_from_gain():
    """Past the transient, displacements and gradients of one mode are proportional."""
    ball = HeavyBall(learning_rate=0.01, momentum=0.5)
    run = simulate(ball, ONE, steps=400)
    begin = fit_mean_dynamics(run.points[:30], ONE.field).condition_number
    late = fit_mean_dynamics(run.points[200:], ONE.field).condition_number
    assert begin < 100
    assert late > 1e6


def test_refusals():
    points = np.zeros((5, 2))
    with pytest.raises(DomainError, match="kind is 'mean'"):
        Sensor(kind="mean")
    with pytest.raises(DomainError, match=r"trim is 0\.5"):
        Sensor(kind="trimmed", trim=0.5)
    with pytest.raises(DomainError, match="smoothing is 1"):
        Sensor(smoothing=1)
    with pytest.raises(ShapeError, match="points has shape"):
        total_momentum(np.zeros(5), points, 0.1)
    with pytest.raises(ShapeError, match="gradients has shape"):
        total_momentum(points, points, 0.1)
    with pytest.raises(ShapeError, match="staleness has shape"):
        total_momentum(points, points[1:], 0.1, staleness=[1, 2])
    last = round_robin(GradientDescent(learning_rate=0.1), ONE, 5, workers=2, record="last")
    with pytest.raises(DomainError, match="has not kept its point"):
        total_momentum(last, ONE.field, 0.1)
    moments = round_robin(GradientDescent(learning_rate=0.1), ONE, 5, workers=2, record="moments")
    with pytest.raises(DomainError, match="has not kept its point"):
        total_momentum(moments, ONE.field, 0.1)
    with pytest.raises(DomainError, match="lags is 3"):
        fit_mean_dynamics(points, ONE.field, lags=3)
    with pytest.raises(DomainError, match="The path gives"):
        fit_mean_dynamics(points, Quadratic([1.0, 1.0]).field)
