"""Feedback on explicit momentum: the loop against its parts, its rest and its linearization."""

import numpy as np
import pytest

from momentum_dynamics import (
    Deterministic,
    DomainError,
    Exponential,
    FixedDelay,
    FixedTarget,
    HeavyBall,
    Quadratic,
    Sensor,
    ShapeError,
    momentum_at_target,
    simulate,
    simulate_closed_loop,
    simulate_queue,
    total_momentum,
)
from momentum_dynamics.dynamics.asynchrony.sensing import feedback_eigenvalue, feedback_spectrum
from momentum_dynamics.laws.sensors import fixed_delay_balance
from momentum_dynamics.tuning import Arrival, Feedback, Parameters, TargetTuner

ONE = Quadratic([1.0])
MATRIX = Quadratic(matrix=[[1.0, 0.4], [0.4, 0.5]], solution=[2.0, -1.0])
BALL = HeavyBall(learning_rate=0.02, momentum=0.0)
DELAY = FixedDelay(staleness=15)


def robin(tuner, problem=ONE, *, updates, **settings):
    settings = {"learning_rate": 0.02, "workers": 16, "service": Deterministic(), **settings}
    return simulate_closed_loop(tuner, problem, updates=updates, **settings)


def test_open_loop_is_heavy_ball_without_delay():
    run = robin(0.9, MATRIX, updates=50, workers=1, learning_rate=0.3, momentum=0.4, gain=0)
    alone = simulate(HeavyBall(learning_rate=0.3, momentum=0.4), MATRIX, steps=50)
    assert np.allclose(run.points, alone.points, rtol=0, atol=1e-13)
    assert (run.momentum == 0.4).all()
    assert (run.target == 0.9).all()
    assert np.allclose(run.reading[1:], 0.4, atol=1e-9)


@pytest.mark.parametrize("service", [Deterministic(), Exponential()], ids=repr)
def test_open_loop_is_the_queue(service):
    """The same events as `simulate_queue` of the seed that the loop hands on."""
    settings = {"workers": 5, "service": service, "updates": 80, "replicas": 3}
    run = simulate_closed_loop(
        0.5, MATRIX, learning_rate=0.1, momentum=0.3, gain=0, seed=11, **settings
    )
    events = np.random.SeedSequence(11).spawn(2)[0]
    queue = simulate_queue(
        HeavyBall(learning_rate=0.1, momentum=0.3), MATRIX, seed=events, **settings
    )
    assert np.array_equal(run.staleness, queue.staleness)
    assert np.array_equal(run.times, queue.times)
    assert np.allclose(run.points, queue.points, rtol=0, atol=1e-12)
    measured = total_momentum(queue, MATRIX.field, 0.1)
    assert np.allclose(run.reading, measured, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("sensor", [Sensor(), Sensor(kind="trimmed"), Sensor(smoothing=0.8)])
def test_the_loop_obeys_its_own_readings(sensor):
    """Momentum moves by γ(T − μ̂); the readings are those of the estimator on the finished run."""
    run = robin(0.2, MATRIX, updates=120, sensor=sensor, gain=0.02, momentum=0.1)
    moved = np.diff(run.momentum)
    seen = np.isfinite(run.reading)
    assert not moved[~seen].any()
    assert np.allclose(moved[seen], 0.02 * (0.2 - run.reading[seen]), atol=1e-15)
    measured = total_momentum(run, MATRIX.field, 0.02, sensor=sensor)
    assert np.allclose(measured, run.reading, rtol=1e-9, equal_nan=True)
    v = np.diff(run.points, axis=0)
    versions = np.arange(120) - run.staleness
    gradients = MATRIX.field(run.points[versions])
    expected = run.momentum[1:-1, None] * v[:-1] - 0.02 * gradients[1:]
    assert np.allclose(v[1:], expected, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("begin", [0.0, 0.2, 0.5])
def test_feedback_finds_negative_momentum(begin):
    """The published example: a round robin of 16, αh = 0.02, target 0.2."""
    run = robin(0.2, updates=4000, momentum=begin)
    assert run.reading[-1] == pytest.approx(0.2, abs=1e-8)
    assert run.momentum[-1] == pytest.approx(fixed_delay_balance(0.02, 1.0, 0.2, 15), abs=1e-8)
    assert run.momentum[-1] == pytest.approx(-0.1608, abs=1e-4)
    assert run.momentum[-1] == pytest.approx(momentum_at_target(BALL, 1.0, 0.2, DELAY), abs=1e-8)


@pytest.mark.slow
def test_without_delay_the_target_is_found():
    run = robin(0.2, updates=3000, workers=1)
    assert run.momentum[-1] == pytest.approx(0.2, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.001, 0.01])
def test_errors_shrink_by_the_exact_eigenvalue(gain):
    rest = momentum_at_target(BALL, 1.0, 0.2, DELAY)
    ball = HeavyBall(learning_rate=0.02, momentum=rest)
    run = robin(0.2, updates=800, gain=gain, momentum=rest + 1e-3)
    measured = ((run.momentum[700] - rest) / (run.momentum[400] - rest)) ** (1 / 300)
    exact = abs(feedback_spectrum(ball, 1.0, gain, 15)[0])
    assert measured == pytest.approx(exact, abs=3e-6)
    slow = feedback_eigenvalue(ball, 1.0, gain, DELAY)
    assert abs(slow - exact) > 5 * abs(measured - exact)


@pytest.mark.slow
def test_a_large_gain_runs_away_where_the_spectrum_says():
    rest = momentum_at_target(BALL, 1.0, 0.2, DELAY)
    ball = HeavyBall(learning_rate=0.02, momentum=rest)
    gains = np.linspace(0.05, 0.15, 21)
    radius = np.array([abs(feedback_spectrum(ball, 1.0, gain, 15)[0]) for gain in gains])
    limit = np.interp(1, radius, gains)
    # Errors of the fast modes' transient shrink like 0.997ᵗ at the smaller gain.
    shrunk, grown = (
        np.abs(robin(0.2, updates=2500, gain=gain, momentum=rest).momentum[-100:] - rest).max()
        for gain in (0.85 * limit, 1.15 * limit)
    )
    assert shrunk < 1e-4
    assert grown > 0.1


@pytest.mark.slow
def test_an_unreachable_target_leaves_no_rest():
    """No explicit momentum reads 0.7: the mode turns, and the loop swings on."""
    assert np.isnan(momentum_at_target(BALL, 1.0, 0.7, DELAY))
    run = robin(0.7, updates=4000)
    late = run.momentum[2000:]
    assert late.max() - late.min() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("service", [Deterministic(), Exponential()], ids=repr)
def test_on_a_wide_spectrum_feedback_compensates_almost_nothing(service):
    """The median direction is slow, where the sensor reads explicit momentum; 1 − 1/M is unseen.

    Each replica ends on its own path; bounds are in standard errors over replicas, beside the
    0.94 that would have to be taken off.
    """
    problem = Quadratic(np.geomspace(0.01, 1, 64))
    run = robin(
        0.6, problem, updates=4000, service=service, momentum=0.6, noise_variance=0.05, seed=2,
        replicas=12, record="last",
    )  # fmt: skip
    settled = run.momentum[1500:].mean(axis=0)
    error = settled.std(ddof=1) / np.sqrt(len(settled))
    assert error < 0.01
    assert settled.mean() - 5 * error > 0.5
    assert settled.mean() + 5 * error < 0.6
    assert run.points.shape == (12, 64)


@pytest.mark.slow
def test_random_staleness_on_one_curvature_needs_a_clip():
    """The ratio runs through ±∞ whenever a path turns: one such reading moves momentum anywhere."""
    settings = {"service": Exponential(), "updates": 3000, "replicas": 16, "seed": 5}
    free, clipped = (robin(0.2, **settings, clip=clip) for clip in (np.inf, 1.0))
    assert np.ptp(free.momentum) > 10
    assert np.mean(free.outcome == "diverged") > 0.5
    assert (clipped.outcome == "converged").all()
    settled = clipped.momentum[1500:].mean(axis=0)
    error = settled.std(ddof=1) / 4
    assert settled.mean() + 5 * error < -0.1
    moved = np.diff(clipped.momentum, axis=0)
    assert np.abs(moved).max() <= 0.01 * (1 + 1e-12)


def test_records_differ_in_the_points_only():
    every, last = (
        robin(0.4, MATRIX, updates=60, service=Exponential(), seed=3, replicas=(2, 2), record=kind,
              noise_variance=[0.1, 0.2])
        for kind in ("all", "last")
    )  # fmt: skip
    assert every.points.shape == (61, 2, 2, 2)
    assert np.array_equal(every.points[-1], last.points)
    assert np.array_equal(every.momentum, last.momentum)
    assert every.reading.shape == every.target.shape == (60, 2, 2)
    assert np.array_equal(every.to_dict()["points"], every.points)
    assert "60 updates" in repr(every)


def test_noise_has_its_variance_along_the_modes():
    settings = {"updates": 1, "gain": 0, "learning_rate": 1.0, "replicas": 2000, "seed": 1,
                "workers": 1, "start": MATRIX.solution, "noise_variance": [0.5, 2.0]}  # fmt: skip
    run = robin(0.0, MATRIX, **settings)
    _, basis = MATRIX.modes
    along = (run.points[1] - MATRIX.solution) @ basis
    spread = (along**2).mean(axis=0)
    assert (np.abs(spread / [0.5, 2.0] - 1) < 5 * np.sqrt(2 / 2000)).all()
    assert np.array_equal(run.points, robin(0.0, MATRIX, **settings).points)


def test_no_updates_and_divergence_are_outcomes():
    assert robin(0.2, updates=0).momentum.tolist() == [0.0]
    run = robin(0.2, updates=400, learning_rate=8.0, momentum=0.99)
    assert run.outcome == "diverged"


class Halving:
    """A tuner that halves the learning rate once, and wants what the last gradient says."""

    def init(self, parameters):
        assert np.ndim(parameters.momentum) == 1
        return (0, 0.0)

    def update(self, state, gradient, parameters):
        rate = np.where(state[0] == 9, parameters.learning_rate / 2, parameters.learning_rate)
        info = {"count": state[0]}
        return (
            (state[0] + 1, np.tanh(gradient[..., 0])),
            Parameters(learning_rate=rate, momentum=parameters.momentum),
            info,
        )

    def target(self, state):
        return state[1]


def test_any_tuner_with_a_target_plugs_in():
    assert isinstance(Halving(), TargetTuner)
    run = robin(Halving(), MATRIX, updates=20, workers=3, learning_rate=0.1)
    assert run.learning_rate.tolist() == [0.1] * 10 + [0.05] * 11
    versions = np.arange(20) - run.staleness
    told = np.tanh(MATRIX.field(run.points[versions])[:, 0])
    assert np.allclose(run.target, [0, *told[:-1]])


def test_targets_may_move():
    run = robin(lambda step: 0.01 * step, updates=5)
    assert np.allclose(run.target, [0, 0.01, 0.02, 0.03, 0.04])
    assert np.array_equal(robin(0.3, updates=5).target, robin(FixedTarget(total_momentum=0.3),
                                                              updates=5).target)  # fmt: skip


def test_feedback_is_a_pure_function():
    loop = Feedback(tuner=FixedTarget(total_momentum=0.5), gain=0.1)
    parameters = Parameters(learning_rate=0.1, momentum=0.2)
    arrival = Arrival(
        gradient=np.array([1.0]), before=np.array([1.5]), point=np.array([1.0]),
        learning_rate=0.1, after=np.array([0.75]),
    )  # fmt: skip
    state = loop.init(parameters, (1,))
    first, again = (loop.update(state, arrival, parameters) for _ in range(2))
    assert first[1].momentum == again[1].momentum == pytest.approx(0.22)
    assert parameters.momentum == 0.2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tuner": "fast"}, "tuner is 'fast'"),
        ({"tuner": True}, "tuner is True"),
        ({"tuner": FixedTarget}, "tuner is <class"),
        ({"gain": -1}, "gain is -1"),
        ({"gain": np.nan}, "gain is nan"),
        ({"clip": 0}, "clip is 0"),
        ({"clip": np.nan}, "clip is nan"),
        ({"learning_rate": np.inf}, "learning_rate is inf"),
        ({"momentum": [0.1, 0.2]}, "momentum is"),
        ({"record": "moments"}, "record is 'moments'"),
        ({"workers": 0}, "workers is 0"),
        ({"updates": 1.5}, "updates is 1.5"),
        ({"service": Deterministic}, "service is"),
        ({"start": (0.0,)}, "point of rest"),
        ({"problem": 3}, "int has no field"),
    ],
)
def test_refusals(settings, said):
    usual = {"tuner": 0.5, "problem": ONE, "learning_rate": 0.1, "workers": 2,
             "service": Deterministic(), "updates": 3}  # fmt: skip
    settings = usual | settings
    with pytest.raises(DomainError, match=said):
        simulate_closed_loop(settings.pop("tuner"), settings.pop("problem"), **settings)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="start has shape"):
        robin(0.2, updates=3, start=[1.0, 2.0])
    with pytest.raises(ShapeError, match="noise_variance has shape"):
        robin(0.2, updates=3, noise_variance=[1.0, 2.0])
