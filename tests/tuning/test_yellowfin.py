"""The tuner: pure, restorable, with its presets, its safeguards and its known limits."""

import copy
import itertools
import json
import pickle
from dataclasses import fields

import numpy as np
import pytest

from momentum_dynamics import DomainError, ShapeError, YellowFin, single_step
from momentum_dynamics.tuning import Optimizer, YellowFinState

PRESETS = ["paper", "reference"]
SPECTRUM = np.linspace(0.1, 1, 10)


def noisy(seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    return lambda point: SPECTRUM * point + noise * rng.standard_normal(10)


def run(tuner, gradient, steps, point=None, state=None):
    point = np.ones(10) if point is None else point
    state = tuner.init(point) if state is None else state
    infos = []
    for _ in range(steps):
        state, point, info = tuner.update(state, gradient(point), point)
        infos.append(info)
    return state, point, infos


@pytest.mark.parametrize("preset", PRESETS)
def test_is_an_optimizer_and_tells_what_it_used(preset):
    tuner = YellowFin(preset=preset)
    assert isinstance(tuner, Optimizer)
    _, _, infos = run(tuner, noisy(), 3)
    assert {"learning_rate", "momentum", "h_min", "h_max", "variance", "distance"} <= set(infos[0])
    assert infos[0]["learning_rate"] == 1e-4
    assert infos[0]["momentum"] == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_changes_nothing_that_it_is_given(preset):
    tuner = YellowFin(preset=preset, weight_decay=0.1, sparsity_debias=True)
    state, point, _ = run(tuner, noisy(), 30)
    gradient = np.arange(10.0)
    before = copy.deepcopy((state.to_dict(), gradient, point))
    first = tuner.update(state, gradient, point)
    second = tuner.update(state, gradient, point)
    after = (state.to_dict(), gradient, point)
    np.testing.assert_equal(after, before)
    np.testing.assert_equal(first[0].to_dict(), second[0].to_dict())
    assert not np.shares_memory(first[1], point)
    assert not np.shares_memory(first[0].gradients[0], gradient)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("way", ["json", "pickle", "copy"])
def test_a_restored_run_goes_on_bit_for_bit(preset, way):
    tuner = YellowFin(preset=preset, smoothing=0.9, window=5)
    state, point, _ = run(tuner, noisy(), 50)
    if way == "json":
        told = json.dumps(state.to_dict(), default=np.ndarray.tolist)
        restored = YellowFinState.from_dict(json.loads(told))
    else:
        restored = pickle.loads(pickle.dumps(state)) if way == "pickle" else copy.deepcopy(state)
    one = run(tuner, noisy(1), 50, point, state)
    two = run(tuner, noisy(1), 50, point, restored)
    assert np.array_equal(one[1], two[1])
    assert one[2] == two[2]


def test_what_is_stored_is_a_copy():
    state, _, _ = run(YellowFin(), noisy(), 3)
    stored = state.to_dict()
    again = YellowFinState.from_dict(stored)
    for name in ("gradients", "velocities"):
        arrays = [getattr(state, name)[0], stored[name][0], getattr(again, name)[0]]
        assert not any(np.shares_memory(*pair) for pair in itertools.combinations(arrays, 2))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_tree_is_its_joined_vector(preset, kind):
    tuner = YellowFin(preset=preset, smoothing=0.9, clip_norm=2.0, sparsity_debias=True)
    whole, tree = np.linspace(-1, 1, 10), kind([np.linspace(-1, 1, 10)[:6].reshape(2, 3),
                                                np.linspace(-1, 1, 10)[6:]])  # fmt: skip
    one, two = tuner.init(whole), tuner.init(tree)
    make = noisy()
    for _ in range(60):
        gradient = make(whole)
        parts = kind([gradient[:6].reshape(2, 3), gradient[6:]])
        one, whole, info = tuner.update(one, gradient, whole)
        two, tree, other = tuner.update(two, parts, tree)
        assert isinstance(tree, kind)
        assert other == pytest.approx(info, rel=1e-9)
    joined = np.concatenate([part.ravel() for part in tree])
    assert np.allclose(joined, whole, rtol=1e-9)


def test_whole_numbers_are_parameters():
    tuner = YellowFin()
    one = tuner.update(tuner.init(np.arange(3)), np.array([1, 0, 2]), np.arange(3))[1]
    two = tuner.update(tuner.init(np.arange(3.0)), np.array([1.0, 0, 2]), np.arange(3.0))[1]
    assert one.dtype == np.float64
    assert np.array_equal(one, two)


def test_a_number_is_a_parameter():
    tuner = YellowFin()
    state, point, _ = tuner.update(tuner.init(1.0), 0.5, 1.0)
    assert point == pytest.approx(1 - 0.5e-4)
    assert state.step == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_the_rule_is_single_step_on_what_was_read(preset):
    tuner = YellowFin(preset=preset, smoothing=0.99)
    _, _, infos = run(tuner, noisy(), 300)
    floor = tuner.floor
    for info in infos[250:]:
        low = info["h_min"] + floor
        chosen = single_step(
            h_max=max(info["h_max"] + floor, (1 + floor) * low), h_min=low,
            variance=info["variance"] + floor, distance=info["distance"] + floor,
        )  # fmt: skip
        assert info["momentum"] == pytest.approx(chosen.momentum, rel=1e-12)
        assert info["learning_rate"] == pytest.approx(chosen.learning_rate, rel=1e-12)


def test_what_is_read_is_what_the_paper_says():
    """Extremes, variance and distance against plain averages with their weights."""
    tuner = YellowFin(smoothing=0.9, window=4)
    rng = np.random.default_rng(3)
    gradients = rng.standard_normal((25, 7)) + 0.5
    state, point = tuner.init(np.zeros(7)), np.zeros(7)
    for gradient in gradients:
        state, point, info = tuner.update(state, gradient, point)
    norms = (gradients**2).sum(axis=1)

    def average(values):
        weights = 0.9 ** np.arange(len(values))[::-1]
        return np.tensordot(weights / weights.sum(), values, axes=1)

    most = [norms[max(k - 3, 0) : k + 1].max() for k in range(25)]
    least = [norms[max(k - 3, 0) : k + 1].min() for k in range(25)]
    ratios = [average(np.sqrt(norms[: k + 1])) / average(norms[: k + 1]) for k in range(25)]
    variance = average(norms) - (average(gradients) ** 2).sum()
    assert info["h_max"] == pytest.approx(average(np.array(most)))
    assert info["h_min"] == pytest.approx(average(np.array(least)))
    assert info["distance"] == pytest.approx(average(np.array(ratios)))
    assert info["variance"] == pytest.approx(variance)


def test_difference_and_velocity_part_where_the_learning_rate_changes():
    rule = {"initial_momentum": 0.5, "slow_start": True, "smoothing": 0.9}
    _, one, _ = run(YellowFin(update_rule="difference", **rule), noisy(), 2)
    _, two, _ = run(YellowFin(update_rule="velocity", **rule), noisy(), 2)
    assert not np.allclose(one, two, rtol=1e-6)


def test_difference_update_step_by_step():
    tuner = YellowFin(smoothing=0.9)
    make, point, before = noisy(), np.ones(10), np.ones(10)
    state = tuner.init(point)
    for _ in range(20):
        gradient = make(point)
        state, moved, info = tuner.update(state, gradient, point)
        predicted = point + info["momentum"] * (point - before) - info["learning_rate"] * gradient
        assert np.allclose(moved, predicted, rtol=0, atol=1e-13)
        before, point = point, moved


def test_slow_start_is_a_factor():
    slow = run(YellowFin(), lambda _: np.ones(10), 5)[2]
    fast = run(YellowFin(slow_start=False), lambda _: np.ones(10), 5)[2]
    for step in range(1, 5):
        share = slow[step]["learning_rate"] / fast[step]["learning_rate"]
        assert share == pytest.approx((step + 1) / 200)


def test_learning_rate_factor_is_a_factor():
    one = run(YellowFin(), lambda _: np.ones(10), 5)[2]
    third = run(YellowFin(learning_rate_factor=1 / 3), lambda _: np.ones(10), 5)[2]
    for first, second in zip(one, third, strict=True):
        assert second["learning_rate"] == pytest.approx(first["learning_rate"] / 3)
        assert second["momentum"] == first["momentum"]


def test_weight_decay_is_not_measured():
    bare = run(YellowFin(), lambda _: np.ones(10), 5)
    decayed = run(YellowFin(weight_decay=0.3), lambda _: np.ones(10), 5)
    assert bare[2] == decayed[2]
    assert not np.allclose(bare[1], decayed[1], rtol=1e-9)


def test_clip_norm_bounds_what_is_measured():
    infos = run(YellowFin(clip_norm=0.5), lambda _: np.ones(10), 5)[2]
    assert infos[-1]["h_max"] == pytest.approx(0.25)
    assert infos[-1]["clip"] == pytest.approx(0.5 / np.sqrt(10))


def test_the_guard_measures_what_clip_norm_has_left():
    """At ten thousand times the norm that is allowed, the guard has nothing to do."""
    tuner = YellowFin(preset="reference", clip_norm=1.0)
    infos = run(tuner, lambda _: 1e4 * np.ones(10), 5)[2]
    assert infos[-1]["h_max"] == pytest.approx(1, rel=1e-6)
    assert infos[-1]["clip"] == pytest.approx(1e-4 / np.sqrt(10), rel=1e-5)


@pytest.mark.parametrize(("norm", "share"), [(2.4, 1.0), (2.6, 3.0 / 3.1)])
def test_a_norm_is_compared_with_the_floor_added(norm, share):
    """As released; the floor here is large enough to be seen."""
    tuner = YellowFin(clip_norm=3.0, floor=0.5)
    assert run(tuner, lambda _: np.full(1, norm), 1, np.ones(1))[2][0]["clip"] == share


@pytest.mark.parametrize("update_rule", ["difference", "velocity"])
def test_a_shortened_gradient_is_what_moves(update_rule):
    tuner = YellowFin(clip_norm=0.5, update_rule=update_rule)
    _, moved, infos = run(tuner, lambda _: np.ones(10), 1)
    assert np.allclose(1 - moved, infos[0]["learning_rate"] * 0.5 / np.sqrt(10), rtol=1e-9)


def test_a_spike_is_clipped_by_the_curvature_before_it():
    """Under ten times √h_max it enters the statistics whole; its step is shortened."""
    tuner = YellowFin(preset="reference")
    state, point, infos = run(tuner, lambda _: np.ones(10), 40)
    spike = 5 * np.ones(10)
    _, moved, info = tuner.update(state, spike, point)
    most = np.sqrt(infos[-1]["h_max"]) + tuner.floor
    assert info["clip"] * np.linalg.norm(spike) == pytest.approx(most, rel=1e-6)
    assert info["h_max"] > 1.002 * infos[-1]["h_max"]
    push = info["momentum"] * state.velocities[0] + info["clip"] * spike
    assert np.allclose(moved, point - info["learning_rate"] * push, rtol=1e-12)


def test_a_huge_spike_is_guarded_before_it_is_measured():
    tuner = YellowFin(preset="reference")
    state, point, infos = run(tuner, lambda _: np.ones(10), 40)
    after = tuner.update(state, 1e6 * np.ones(10), point)[0]
    assert max(after.window) == pytest.approx(100 * infos[-1]["h_max"], rel=1e-5)


def test_a_move_has_a_largest_length():
    tuner = YellowFin(preset="reference", initial_learning_rate=1e6)
    _, point, infos = run(tuner, lambda _: np.ones(10), 1)
    assert np.linalg.norm(point - 1) == pytest.approx(100, rel=1e-6)
    assert infos[0]["learning_rate"] == pytest.approx(100 / np.sqrt(10), rel=1e-6)


def test_the_first_gradient_in_the_velocity():
    for enters in (False, True):
        tuner = YellowFin(preset="reference", first_gradient_in_velocity=enters)
        state = run(tuner, lambda _: np.ones(10), 1)[0]
        assert state.velocities[0].any() == enters
    momentum = YellowFin(preset="reference", initial_momentum=0.5)
    assert run(momentum, lambda _: np.ones(10), 1)[0].velocities[0].all()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", ["always", "later"])
def test_zero_gradients(preset, kind):
    tuner = YellowFin(preset=preset, smoothing=0.9)
    state, point, _ = run(tuner, noisy(), 0 if kind == "always" else 50)
    _, ended, infos = run(tuner, lambda _: np.zeros(10), 500, point, state)
    assert all(0 <= info["momentum"] < 1 for info in infos)
    assert np.isfinite([info["learning_rate"] for info in infos]).all()
    assert np.isfinite(ended).all()
    if kind == "always":
        assert np.array_equal(ended, np.ones(10))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_constant_gradient_has_no_variance(preset):
    infos = run(YellowFin(preset=preset), lambda _: 3e4 * np.ones(10), 100)[2]
    assert all(0 <= info["momentum"] < 1 for info in infos)
    assert infos[-1]["momentum"] < 1e-6


def test_sparse_gradients_are_scaled_by_their_density():
    rng = np.random.default_rng(0)
    mask = rng.random((400, 10)) < 0.3
    gradients = iter(np.where(mask, 1.0, 0.0))
    tuner = YellowFin(preset="reference", smoothing=0.99, sparsity_debias=True)
    infos = run(tuner, lambda _: next(gradients), 400)[2]
    plain_gradients = iter(np.where(mask, 1.0, 0.0))
    plain = run(YellowFin(preset="reference", smoothing=0.99), lambda _: next(plain_gradients), 400)
    share = infos[-1]["h_max"] / plain[2][-1]["h_max"]
    assert share == pytest.approx(0.3, abs=0.05)
    assert infos[-1]["h_min"] / plain[2][-1]["h_min"] == pytest.approx(share)
    assert infos[-1]["variance"] / plain[2][-1]["variance"] == pytest.approx(share)
    assert infos[-1]["distance"] / plain[2][-1]["distance"] == pytest.approx(share**-0.5, rel=1e-5)


@pytest.mark.parametrize("scale", [10.0, 1e-12])
def test_the_learning_rate_goes_like_the_inverse_square_of_the_scale(scale):
    """A loss times c has c²-fold curvature estimates: a limit of the method, told in its page."""
    rates = []
    for factor in (1.0, scale):
        make = noisy()
        infos = run(YellowFin(), lambda _, m=make, c=factor: c * m(np.ones(10)), 300)[2]
        rates.append(infos[-1]["learning_rate"])
    assert rates[0] / rates[1] == pytest.approx(scale**2, rel=1e-9)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_names_its_step(wrong):
    tuner = YellowFin()
    state, point, _ = run(tuner, noisy(), 7)
    gradient = np.where(np.arange(10) < 2, wrong, 1.0)
    with pytest.raises(DomainError, match="gradient of step 7 is not finite in 2 of 10 entries"):
        tuner.update(state, gradient, point)


def test_where_nothing_has_moved_the_learning_rate_is_not_blamed():
    tuner = YellowFin()
    with pytest.raises(DomainError, match=r"step 0 is not finite .* look at the data") as found:
        tuner.update(tuner.init(np.ones(2)), np.full(2, np.nan), np.ones(2))
    assert "learning rate" not in str(found.value)


def test_a_gradient_that_is_too_long_names_its_step():
    tuner = YellowFin()
    with pytest.raises(DomainError, match="gradient of step 0 is too long"):
        tuner.update(tuner.init(np.ones(2)), np.full(2, 1e200), np.ones(2))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (np.ones(9), ShapeError, r"The gradient has shapes \[\(9,\)\]"),
        ([np.ones(10), np.ones(10)], ShapeError, "give one number for each parameter"),
        ("steep", DomainError, "are real numbers"),
        (([[1.0], [1.0, 2.0]],), DomainError, "are real numbers"),
        (np.ones(10) * 1j, DomainError, "are real numbers"),
    ],
)
def test_gradients_that_are_refused(gradient, error, message):
    tuner = YellowFin()
    with pytest.raises(error, match=message):
        tuner.update(tuner.init(np.ones(10)), gradient, np.ones(10))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"preset": "best"}, "preset is 'best', but must be one of paper, reference"),
        ({"root": "cubic"}, "root is 'cubic'"),
        ({"update_rule": 3}, "update_rule is 3"),
        ({"smoothing": 1.0}, r"smoothing is 1.0, but must be a number in \[0, 1\)"),
        ({"smoothing": np.nan}, "smoothing is nan"),
        ({"window": 0}, "window is 0"),
        ({"window": 2.5}, "window is 2.5"),
        ({"window": "wide"}, "window is 'wide'"),
        ({"slow_start": 1}, "slow_start is 1, but must be True or False"),
        ({"clip_norm": -1}, "clip_norm is -1"),
        ({"learning_rate_factor": "half"}, "learning_rate_factor is 'half'"),
        ({"smoothing": "0.5"}, "smoothing is '0.5'"),
        ({"window": True}, "window is True"),
        ({"statistics_guard": -1}, "statistics_guard is -1"),
        ({"largest_move": -1}, "largest_move is -1"),
        ({"initial_learning_rate": -1}, "initial_learning_rate is -1"),
        ({"learning_rate_factor": -1}, "learning_rate_factor is -1"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"weight_decay": np.inf}, "weight_decay is inf"),
        ({"initial_momentum": -np.inf}, "initial_momentum is -inf"),
        ({"floor": -1e-6}, "floor is -1e-06"),
    ],
)
def test_settings_that_are_refused(setting, message):
    with pytest.raises(DomainError, match=message):
        YellowFin(**setting)


def test_switches_may_come_from_an_array():
    assert YellowFin(slow_start=np.array([False])[0]).slow_start is False


def test_presets_are_overruled_one_by_one():
    for name in ("statistics_guard", "largest_move"):
        assert getattr(YellowFin(preset="reference", **{name: None}), name) is None
        assert getattr(YellowFin(**{name: 7}), name) == 7.0
    for name in ("log_smoothing", "zero_debias", "slow_start", "adaptive_clip", "sparsity_debias"):
        for preset in PRESETS:
            default = getattr(YellowFin(preset=preset), name)
            assert getattr(YellowFin(preset=preset, **{name: not default}), name) is not default
    settings = {field.name for field in fields(YellowFin)}
    assert all(getattr(YellowFin(), name) is not ... for name in settings)
