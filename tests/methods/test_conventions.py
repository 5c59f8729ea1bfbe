"""Conventions step by step against the frameworks they are named after: recorded, and live."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import DomainError, KerasSGD, Scheduled, ShapeError, TorchSGD, simulate
from momentum_dynamics.methods import Chebyshev, GradientDescent, HeavyBall, Nesterov, Sutskever

RECORDED = Path(__file__).parent / "recorded"
H = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.4]])
CENTRE = np.array([1.0, -2.0, 0.5])


class Rippled:
    """The loss of the recordings: a bowl with ripples, whose gradient is not linear."""

    dimension = 3
    start = np.zeros(3)
    solution = np.zeros(3)

    @staticmethod
    def field(w):
        return (w - CENTRE) @ H - np.sin(w)


def cases(name):
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))["cases"]


def method(cls, case):
    """The method of a case; a schedule where its learning rate changes."""
    options = {key: value for key, value in case.items() if key not in {"lr", "points"}}
    if isinstance(case["lr"], list):
        return Scheduled(stages=[cls(learning_rate=rate, **options) for rate in case["lr"]])
    return cls(learning_rate=case["lr"], **options)


def described(case):
    return "-".join(f"{key}={value}" for key, value in case.items() if key not in {"lr", "points"})


@pytest.mark.parametrize(
    ("cls", "case"),
    [
        *((TorchSGD, case) for case in cases("torch_sgd")),
        *((KerasSGD, case) for case in cases("keras_sgd")),
    ],
    ids=lambda value: described(value) if isinstance(value, dict) else value.__name__,
)
def test_walks_as_recorded(cls, case):
    run = simulate(method(cls, case), Rippled(), steps=len(case["points"]) - 1)
    np.testing.assert_allclose(run.points, case["points"], rtol=1e-13, atol=1e-14)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_recording_is_what_torch_does_today():
    spec = importlib.util.spec_from_file_location("torch_sgd", RECORDED / "torch_sgd.py")
    recorder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recorder)
    for case in cases("torch_sgd"):
        options = {key: value for key, value in case.items() if key != "points"}
        np.testing.assert_allclose(recorder.path(options), case["points"], rtol=1e-12)


def test_recordings_tell_conventions_apart():
    """Else the agreement above would say nothing about dampening, look-ahead and schedules."""
    paths = [np.array(case["points"])[-1] for case in (*cases("torch_sgd"), *cases("keras_sgd"))]
    distinct = {tuple(np.round(path, 9)) for path in paths}
    assert len(distinct) >= 10


def test_dampening_spares_the_first_gradient_only():
    plain, damped = (
        simulate(TorchSGD(learning_rate=0.1, momentum=0.9, dampening=d), Rippled(), steps=2)
        for d in (0.0, 0.5)
    )
    np.testing.assert_array_equal(plain.points[:2], damped.points[:2])
    assert np.abs(plain.points[2] - damped.points[2]).max() > 1e-3


@pytest.mark.parametrize("cls", [TorchSGD, KerasSGD, Sutskever])
def test_the_lookahead_is_where_nesterov_asks(cls):
    """All ask along Nesterov's y; the answers are x and y as told."""
    ours = simulate(Nesterov(learning_rate=0.1, momentum=0.8), Rippled(), steps=9)
    for ahead in (False, True):
        theirs = cls(learning_rate=0.1, momentum=0.8, nesterov=True, answers_lookahead=ahead)
        run = simulate(theirs, Rippled(), steps=9)
        np.testing.assert_allclose(run.points, ours.points, rtol=1e-12)
        np.testing.assert_allclose(run.outputs, ours.points if ahead else ours.outputs, rtol=1e-12)
    told = simulate(
        Nesterov(learning_rate=0.1, momentum=0.8, answers_lookahead=True), Rippled(), steps=9
    )
    np.testing.assert_array_equal(told.outputs, told.points)


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_a_switch_is_true_or_false(wrong):
    with pytest.raises(DomainError, match=f"nesterov is {wrong!r}, but must be True or False"):
        KerasSGD(learning_rate=0.1, momentum=0.9, nesterov=wrong)


def test_nesterov_in_torch_needs_no_dampening():
    with pytest.raises(DomainError, match=r"dampening is 0\.5, but Nesterov's momentum needs 0"):
        TorchSGD(learning_rate=0.1, momentum=0.9, dampening=0.5, nesterov=True)


def test_representation_leaves_defaults_out():
    assert repr(KerasSGD(learning_rate=0.1, momentum=0.9)) == (
        "KerasSGD(learning_rate=0.1, momentum=0.9)"
    )
    assert "nesterov=True" in repr(KerasSGD(learning_rate=0.1, momentum=0.9, nesterov=True))


def test_a_schedule_of_heavy_balls_is_a_product_of_steps():
    balls = [HeavyBall(learning_rate=rate, momentum=0.5) for rate in (0.3, 0.2)]
    run = simulate(Scheduled(stages=balls), Rippled(), steps=3)
    state = balls[0].initial_state(np.zeros(3))
    for ball in (balls[0], balls[1], balls[1]):
        state = ball.update(state, Rippled.field(ball.query(state)))
    np.testing.assert_allclose(run.points[-1], state[0], rtol=1e-14)


def test_a_schedule_carries_batches():
    rates = np.array([0.1, 0.2])
    whole = Scheduled(stages=[HeavyBall(learning_rate=r * rates, momentum=0.5) for r in (1, 0.5)])
    run = simulate(whole, Rippled(), steps=5)
    for place, rate in enumerate(rates):
        alone = Scheduled(
            stages=[HeavyBall(learning_rate=r * rate, momentum=0.5) for r in (1, 0.5)]
        )
        np.testing.assert_allclose(
            run.points[:, place], simulate(alone, Rippled(), steps=5).points, rtol=1e-13
        )


@pytest.mark.parametrize(
    ("stages", "error", "message"),
    [
        ([], ShapeError, "hold"),
        (
            [GradientDescent(learning_rate=0.1), HeavyBall(learning_rate=0.1, momentum=0.5)],
            ShapeError,
            r"the stages hold \[1, 2\] slots",
        ),
        (
            [TorchSGD(learning_rate=r, momentum=0.5, nesterov=True, answers_lookahead=False)
             for r in (0.1, 0.2)],
            DomainError,
            "read different answers",
        ),
        ([Chebyshev(smallest_curvature=1, largest_curvature=2)], DomainError, "repeats every step"),
    ],
)  # fmt: skip
def test_schedules_refuse(stages, error, message):
    with pytest.raises(error, match=message):
        Scheduled(stages=stages)
