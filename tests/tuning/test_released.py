"""YellowFin against the released code, as recorded: in a closed loop, at every step."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import DomainError, YellowFin, single_step

RECORDED = Path(__file__).parent / "recorded"
RECORDS = np.load(RECORDED / "released_yellowfin.npz")
NAMES = ("learning_rate", "momentum", "h_min", "h_max", "variance", "distance")
RATE, MOMENTUM = 0, 1
FLOOR = 1e-6
POLE = 1e-15
"""Below this signal-to-noise ratio the released root is decided by the last bit."""


def load_scenarios():
    spec = importlib.util.spec_from_file_location("scenarios", RECORDED / "scenarios.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {scenario.name: scenario for scenario in module.SCENARIOS}


SCENARIOS = load_scenarios()
RESTORED = [name for name in SCENARIOS if RECORDS[f"{name}/restored"].size]
WALKS = [name for name in SCENARIOS if name not in {*RESTORED, "constant"}]
ON_THE_POLE = {"zeros-at-first", "zeros-for-ever"}
"""Runs of which the last bit decides with the released root, and whether it raises."""

AMPLIFYING = {"tiny-loss", "huge-moves", "scalar"}
"""Runs on the brink of stability: a difference of 1e-6 grows, one of rounding stays below 1e-10."""

SAFEGUARDS = ("clip_norm", "statistics_guard", "adaptive_clip", "largest_move")


def signal_to_noise(steps):
    """The p of the cubic, as the released code floors its parts."""
    _, _, h_min, _, variance, distance = steps.T
    return ((distance + FLOOR) * (h_min + FLOOR)) ** 2 / (2 * (variance + FLOOR))


def walk(scenario, **options):
    """What each step used, and all parameters before the first step and after every tenth."""
    tuner = YellowFin(preset="reference", **scenario.options, **options)
    points = scenario.start()
    state = tuner.init(points)
    gradients = scenario.gradients()
    next(gradients)
    used, path = [], [points]
    for step in range(scenario.steps):
        state, points, info = tuner.update(state, gradients.send(points), points)
        used.append([info[name] for name in NAMES])
        if (step + 1) % 10 == 0:
            path.append(points)
    return np.array(used), np.array([np.concatenate([*map(np.ravel, at)]) for at in path])


def displacement_error(path, expected):
    """The largest error of a parameter, relative to how far the run came from its start."""
    moved = np.abs(expected - expected[0]).max()
    return np.abs(path - expected).max() / (moved or 1.0)


@pytest.mark.parametrize("name", [name for name in WALKS if name not in ON_THE_POLE])
def test_walks_as_released_with_its_root(name):
    steps, points = RECORDS[f"{name}/steps"], RECORDS[f"{name}/points"]
    used, path = walk(SCENARIOS[name], root="released")
    np.testing.assert_allclose(used, steps, rtol=1e-10)
    assert displacement_error(path, points) < 1e-10


@pytest.mark.parametrize("name", [name for name in WALKS if name not in AMPLIFYING])
def test_walks_as_released_with_the_exact_root(name):
    """What separates the two is the 1e-6 in the released root."""
    steps, points = RECORDS[f"{name}/steps"], RECORDS[f"{name}/points"]
    used, path = walk(SCENARIOS[name])
    sound = signal_to_noise(steps) > POLE
    sound[0] = True
    np.testing.assert_allclose(used[sound, RATE], steps[sound, RATE], rtol=2e-6)
    np.testing.assert_allclose(used[sound, MOMENTUM], steps[sound, MOMENTUM], rtol=0, atol=1e-6)
    assert displacement_error(path, points) < 5e-6


@pytest.mark.parametrize("name", WALKS)
def test_the_released_root_is_off_by_a_millionth(name):
    """The rule alone, on what the released code had measured: no error has been fed back."""
    steps = RECORDS[f"{name}/steps"][1:]
    steps = steps[signal_to_noise(steps) > 1e-12]
    _, momentum, h_min, h_max, variance, distance = steps.T
    low = h_min + FLOOR
    exact = single_step(
        h_max=np.maximum(h_max + FLOOR, (1 + FLOOR) * low), h_min=low,
        variance=variance + FLOOR, distance=distance + FLOOR,
    )  # fmt: skip
    gap = 1 - np.sqrt(momentum)
    assert np.abs(exact.one_minus_root - gap).max(initial=0) < 1.01e-6
    assert np.abs(exact.one_minus_root / gap - 1).max(initial=0) < 1.01e-6


def test_the_released_root_loses_all_digits_of_a_small_momentum():
    """A constant gradient of norm 1e4 has p = 4e13: the bound of the robust region rules."""
    steps = RECORDS["constant/steps"]
    used, _ = walk(SCENARIOS["constant"])
    np.testing.assert_allclose(used[:, 2:], steps[:, 2:], rtol=1e-10)
    h_min, h_max = used[-1, 2:4] + FLOOR
    assert signal_to_noise(steps).min() > 1e13
    assert h_max / h_min - 1 < FLOOR
    ratio = np.sqrt(1 + FLOOR)
    np.testing.assert_allclose(used[1:, MOMENTUM], ((ratio - 1) / (ratio + 1)) ** 2, rtol=1e-9)
    assert (steps[1:, MOMENTUM] > 10 * used[1:, MOMENTUM]).all()


def test_without_gradients_the_released_root_has_a_pole_and_ours_has_none():
    steps = RECORDS["zeros-for-ever/steps"][1:]
    used, path = walk(SCENARIOS["zeros-for-ever"])
    assert steps[:, MOMENTUM].max() > 1e6
    assert steps[:, RATE].max() > 1e11
    assert (used[:, MOMENTUM] < 1).all()
    assert (used[1:, MOMENTUM] > 0.99999).all()
    assert used[1:, RATE].max() < 1e-5
    np.testing.assert_array_equal(path, path[:1].repeat(len(path), axis=0))


def test_where_the_released_code_goes_back_to_its_start_ours_names_the_step():
    name = "not-a-number"
    steps, points = RECORDS[f"{name}/steps"], RECORDS[f"{name}/points"]
    (failed,) = RECORDS[f"{name}/restored"]
    assert failed == 30
    np.testing.assert_array_equal(steps[failed + 1 :, MOMENTUM][0], steps[failed - 1, MOMENTUM])
    assert np.abs(points[4] - points[0]).max() < np.abs(points[3] - points[0]).max()
    with pytest.raises(DomainError, match="gradient of step 30 is not finite in 10 of 10 entries"):
        walk(SCENARIOS[name])


def test_where_the_released_root_overflows_ours_goes_on():
    name = "constant-huge"
    assert list(RECORDS[f"{name}/restored"]) == list(range(1, 30, 2))
    assert np.ptp(RECORDS[f"{name}/points"], axis=0).max() < 1e-6
    used, path = walk(SCENARIOS[name])
    assert np.isfinite(used).all()
    assert np.isfinite(path).all()
    assert (used[1:, MOMENTUM] < 1e-9).all()


def test_every_safeguard_has_acted_somewhere():
    """Else the agreement above would say nothing about it."""
    fired = sum(RECORDS[f"{name}/fired"] for name in WALKS)
    assert dict(zip(SAFEGUARDS, fired > 0, strict=True)) == dict.fromkeys(SAFEGUARDS, True)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("spikes", {"adaptive_clip": False}),
        ("spikes", {"statistics_guard": None}),
        ("huge-moves", {"largest_move": None}),
        ("noisy", {"slow_start": False}),
        ("noisy", {"zero_debias": False}),
        ("noisy", {"log_smoothing": False}),
        ("noisy", {"window": 21}),
        ("noisy", {"first_gradient_in_velocity": True}),
        ("noisy", {"update_rule": "difference"}),
        ("noisy", {"floor": 1e-7}),
        ("sparse", {"sparsity_debias": False}),
        ("weight-decay", {"weight_decay": 0.0}),
        ("clip-norm", {"clip_norm": None}),
        ("first-momentum", {"initial_momentum": 0.0}),
    ],
)
def test_a_wrong_setting_is_noticed(name, wrong):
    scenario = SCENARIOS[name]
    changed = dataclasses.replace(scenario, options={**scenario.options, **wrong})
    _, path = walk(changed, root="released")
    assert displacement_error(path, RECORDS[f"{name}/points"]) > 1e-7
