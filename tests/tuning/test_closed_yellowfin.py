"""YellowFin on stale gradients: the loop against its parts, against the queue, and its limits."""

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from scipy import stats

from momentum_dynamics import (
    ClosedLoopYellowFin,
    Deterministic,
    DomainError,
    Quadratic,
    ShapeError,
    YellowFin,
    simulate_closed_loop,
)
from momentum_dynamics.tuning import (
    ClosedLoopState,
    Optimizer,
    Sensor,
    reading_of_noise,
    step_of_noise,
)

SPECTRUM = np.geomspace(0.1, 1, 30)
FAST = YellowFin(smoothing=0.9, window=5)


def run(tuner, steps, *, noise=0.1, seed=0, staleness=None, state=None, points=None):
    rng = np.random.default_rng(seed)
    lag = tuner.staleness if staleness is None else staleness
    points = [np.ones(30)] if points is None else list(points)
    state = tuner.init(points[0]) if state is None else state
    infos = []
    for _ in range(steps):
        asked = points[max(len(points) - 1 - lag, 0)]
        gradient = SPECTRUM * asked + noise * rng.standard_normal(30)
        state, point, info = tuner.update(state, gradient, points[-1])
        points.append(point)
        infos.append(info)
    return state, points, infos


def test_is_an_optimizer():
    assert isinstance(ClosedLoopYellowFin(staleness=3), Optimizer)


@pytest.mark.parametrize("gain", [0.01, None])
def test_without_staleness_it_reads_what_it_sets(gain):
    _, _, infos = run(ClosedLoopYellowFin(staleness=0, gain=gain, tuner=FAST), 200)
    read = np.array([info["total_momentum"] for info in infos])
    kept = np.array([info["momentum"] for info in infos])
    assert np.isnan(read[0])
    assert np.allclose(read[1:], kept[1:], atol=1e-9)


def test_the_open_loop_is_yellowfin_one_step_later():
    """The rule's choice is used from the next step on, as in the paper's listing."""
    _, _, open_loop = run(ClosedLoopYellowFin(staleness=4, gain=None, tuner=FAST), 100)
    for now, then in itertools.pairwise(open_loop):
        assert then["momentum"] == now["target"]


@pytest.mark.parametrize(
    "settings",
    [{"sparsity_debias": True}, {"clip_norm": 0.7}, {"preset": "reference", "clip_norm": 2.0}],
)
def test_it_reads_what_yellowfin_reads(settings):
    tuner = YellowFin(smoothing=0.9, window=5, learning_rate_factor=0.5, **settings)
    loop = ClosedLoopYellowFin(staleness=2, tuner=tuner)
    rng = np.random.default_rng(0)
    point = np.ones(30)
    one, two = tuner.init(point), loop.init(point)
    for step in range(60):
        gradient = rng.standard_normal(30) * (rng.random(30) < 0.4) * (9 if step % 20 == 19 else 1)
        one, _, plain = tuner.update(one, gradient, point)
        two, _, info = loop.update(two, gradient, point)
        for name in ("h_min", "h_max", "variance", "distance", "clip"):
            assert info[name] == pytest.approx(plain[name], rel=1e-12)
        if step == 0:
            assert info["learning_rate"] == plain["learning_rate"] == 0.5e-4


def test_the_first_gradient_sets_nothing_in_the_simulation():
    run = simulate_closed_loop(
        FAST, Quadratic(SPECTRUM), learning_rate=0.03, momentum=0.2, workers=2,
        service=Deterministic(), updates=3, gain=0.0, start=np.ones(30),
    )  # fmt: skip
    assert run.learning_rate[1] == 0.03
    assert run.target[0] == run.target[1] == 0.2
    assert run.learning_rate[2] != 0.03


@pytest.mark.parametrize("sensor", [Sensor(), Sensor(kind="trimmed", smoothing=0.5)], ids=repr)
@pytest.mark.parametrize("staleness", [0, 1, 7])
def test_the_loop_is_that_of_the_simulation(staleness, sensor):
    """Against `simulate_closed_loop` on a round robin, whose target lags by one gradient."""
    tuner = ClosedLoopYellowFin(staleness=staleness, gain=0.0, tuner=FAST, sensor=sensor)
    _, points, infos = run(tuner, 60, noise=0.0)
    other = simulate_closed_loop(
        FAST, Quadratic(SPECTRUM), learning_rate=1e-4, workers=staleness + 1,
        service=Deterministic(), updates=60, gain=0.0, start=np.ones(30), sensor=sensor,
    )  # fmt: skip
    assert np.allclose(points, other.points, rtol=1e-12)
    rates = [info["learning_rate"] for info in infos]
    assert np.allclose(rates, other.learning_rate[:-1], rtol=1e-10)
    read = [info["total_momentum"] for info in infos]
    assert np.allclose(read, other.reading, rtol=1e-9, equal_nan=True)
    assert np.allclose([info["target"] for info in infos[:-1]], other.target[1:], rtol=1e-9)


def test_the_update_is_that_of_the_paper():
    tuner = ClosedLoopYellowFin(staleness=2, gain=0.05, tuner=FAST)
    rng = np.random.default_rng(0)
    points, state, before, rates = [np.ones(30)], tuner.init(np.ones(30)), None, []
    for step in range(40):
        asked = max(step - 2, 0)
        gradient = SPECTRUM * points[asked] + 0.1 * rng.standard_normal(30)
        state, point, info = tuner.update(state, gradient, points[-1])
        drift = points[-1] - (points[-2] if step else points[-1])
        moved = points[-1] + info["momentum"] * drift - info["learning_rate"] * gradient
        assert np.allclose(point, moved, atol=1e-13)
        points.append(point)
        rates.append(info["learning_rate"])
        if before is not None and not np.isnan(before["total_momentum"]):
            error = before["target"] - before["total_momentum"]
            assert info["momentum"] == pytest.approx(before["momentum"] + 0.05 * error, rel=1e-9)
        if asked:
            shift = points[asked + 1] - points[asked] + rates[asked] * gradient
            ratio = shift / (points[asked] - points[asked - 1])
            assert info["total_momentum"] == pytest.approx(np.median(ratio), rel=1e-9)
        before = info


def test_clipping_and_decay_are_those_of_the_tuner():
    """The step that is made is the step that the sensor knows of, so the identity holds."""
    tuner = YellowFin(preset="reference", smoothing=0.9, weight_decay=0.01)
    loop = ClosedLoopYellowFin(staleness=0, tuner=tuner)
    rng = np.random.default_rng(0)
    point, before, clipped = np.ones(30), np.ones(30), 0
    state = loop.init(point)
    for step in range(120):
        gradient = SPECTRUM * point + (5 if step % 20 == 19 else 0.1) * rng.standard_normal(30)
        state, moved, info = loop.update(state, gradient, point)
        push = info["clip"] * gradient + 0.01 * point
        drift = info["momentum"] * (point - before)
        assert np.allclose(moved, point + drift - info["learning_rate"] * push, atol=1e-13)
        if step:
            assert info["total_momentum"] == pytest.approx(info["momentum"], abs=1e-9)
        clipped += info["clip"] < 1
        before, point = point, moved
    assert clipped >= 4


def test_a_constant_pull_and_weight_decay_are_never_late():
    """Neither depends on the version, so that staleness brings no momentum with them."""
    tuner = YellowFin(smoothing=0.9, window=5, weight_decay=0.5, initial_momentum=0.4)
    loop = ClosedLoopYellowFin(staleness=4, gain=0.0, tuner=tuner)
    point, read = np.ones(30), []
    state = loop.init(point)
    for _ in range(30):
        state, point, info = loop.update(state, np.linspace(1, 2, 30), point)
        read.append(info["total_momentum"])
    assert np.allclose(read[6:], 0.4, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_the_loop_meets_its_target_with_less_momentum_where_gradients_are_older():
    found = []
    for staleness in (0, 3, 15):
        tuner = ClosedLoopYellowFin(staleness=staleness, tuner=YellowFin(smoothing=0.99))
        spectrum = np.geomspace(0.1, 1, 400)
        rng = np.random.default_rng(1)
        points, infos = [np.ones(400)], []
        state = tuner.init(points[0])
        for step in range(2000):
            asked = points[max(step - staleness, 0)]
            gradient = spectrum * asked + 0.1 * rng.standard_normal(400)
            state, point, info = tuner.update(state, gradient, points[-1])
            points.append(point)
            infos.append(info)
        late = infos[1200:]
        read, wanted, kept = (
            np.mean([info[name] for info in late])
            for name in ("total_momentum", "target", "momentum")
        )
        assert read == pytest.approx(wanted, rel=0.04)
        found.append(kept)
    assert found[0] > found[1] > found[2] > 0


def test_nothing_is_changed_and_a_restored_run_goes_on_bit_for_bit():
    tuner = ClosedLoopYellowFin(staleness=3, tuner=FAST)
    state, points, _ = run(tuner, 40)
    before = copy.deepcopy(state.to_dict())
    one = run(tuner, 30, seed=1, state=state, points=points)
    np.testing.assert_equal(state.to_dict(), before)
    told = json.loads(json.dumps(state.to_dict(), default=np.ndarray.tolist))
    for restored in (ClosedLoopState.from_dict(told), pickle.loads(pickle.dumps(state))):
        two = run(tuner, 30, seed=1, state=restored, points=points)
        assert np.array_equal(one[1], two[1])
        assert one[2] == two[2]
    del told["recent"]
    with pytest.raises(DomainError, match="has no recent"):
        ClosedLoopState.from_dict(told)


def test_a_tree_is_its_joined_vector():
    tuner = ClosedLoopYellowFin(staleness=1, tuner=FAST)
    rng = np.random.default_rng(0)
    whole, tree = np.ones(6), [np.ones((2, 2)), np.ones(2)]
    one, two = tuner.init(whole), tuner.init(tree)
    for _ in range(20):
        gradient = whole + rng.standard_normal(6)
        one, whole, _ = tuner.update(one, gradient, whole)
        two, tree, _ = tuner.update(two, [gradient[:4].reshape(2, 2), gradient[4:]], tree)
    assert np.array_equal(np.concatenate([part.ravel() for part in tree]), whole)


def test_replicas_are_tuned_each_on_its_own():
    settings = {
        "learning_rate": 1e-4, "workers": 3, "service": Deterministic(), "updates": 40,
        "noise_variance": 0.01,
    }  # fmt: skip
    many = simulate_closed_loop(FAST, Quadratic(SPECTRUM), seed=5, replicas=4, **settings)
    assert len(set(many.momentum[-1])) == 4
    assert many.momentum.shape == (41, 4)


def test_divergence_is_data_in_the_simulation():
    tuner = YellowFin(learning_rate_factor=1e12, slow_start=False)
    run = simulate_closed_loop(
        tuner, Quadratic([1.0, 0.1]), learning_rate=1.0, workers=2, service=Deterministic(),
        updates=400,
    )  # fmt: skip
    assert run.outcome == "diverged"


def test_refusals():
    tuner = ClosedLoopYellowFin(staleness=1)
    state = tuner.init(np.ones(3))
    with pytest.raises(DomainError, match="gradient of step 0 is not finite in 1 of 3"):
        tuner.update(state, np.array([1.0, np.nan, 1.0]), np.ones(3))
    with pytest.raises(ShapeError, match="The gradient has shapes"):
        tuner.update(state, np.ones(2), np.ones(3))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"staleness": -1}, "staleness is -1"),
        ({"staleness": 0.5}, "staleness is 0.5"),
        ({"staleness": 1, "gain": -0.1}, "gain is -0.1"),
        ({"staleness": 1, "clip": 0}, "clip is 0"),
        ({"staleness": 1, "tuner": 0.5}, "tuner is 0.5, but must be a YellowFin"),
    ],
)
def test_settings_that_are_refused(setting, message):
    with pytest.raises(DomainError, match=message):
        ClosedLoopYellowFin(**setting)


@pytest.mark.parametrize("dimension", [1, 7, 300])
def test_the_reading_of_noise_is_that_of_drawn_noise(dimension):
    rng = np.random.default_rng(dimension)
    norms = rng.chisquare(dimension, (20_000, 20))
    reading = reading_of_noise(dimension, noise_variance=4.0)
    for found, drawn in ((reading.h_min, norms.min(axis=1)), (reading.h_max, norms.max(axis=1))):
        assert found / 4 == pytest.approx(drawn.mean(), abs=5 * stats.sem(drawn))
    ratio = np.sqrt(norms).mean() / norms.mean()
    assert reading.distance * 2 == pytest.approx(ratio, rel=0.01)
    assert reading.variance == pytest.approx(4 * dimension, rel=1e-3)
    # The average gradient keeps the share (1 − η)/(1 + η) of the noise: a third at η = 1/2.
    short = reading_of_noise(dimension, noise_variance=4.0, smoothing=0.5)
    assert short.variance == pytest.approx(4 * dimension * 2 / 3)


def test_momentum_of_noise_knows_no_noise_but_the_dimension():
    found = [step_of_noise(40, noise_variance=level).momentum for level in (1e-6, 1.0, 1e6)]
    assert found == pytest.approx([found[0]] * 3, rel=1e-9)
    assert step_of_noise(1).momentum > 0.9
    assert step_of_noise(10**9).momentum == pytest.approx(0.1683, abs=1e-4)


@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"dimension": 1.5}, {"window": None}])
def test_noise_of_no_dimension_is_refused(wrong):
    with pytest.raises(DomainError, match="must be one whole number from 1 on"):
        reading_of_noise(**{"dimension": 3} | wrong)
