"""States of the tuners: stored and restored, and refused where they do not belong."""

import json

import numpy as np
import pytest

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.tuning.closed_yellowfin import ClosedLoopYellowFin
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin
from momentum_dynamics.tuning.yellowfin import YellowFin

TUNERS = {
    "YellowFin": YellowFin(smoothing=0.9, window=5),
    "ClosedLoopYellowFin": ClosedLoopYellowFin(staleness=2, tuner=YellowFin(smoothing=0.9)),
    "EquivariantYellowFin": EquivariantYellowFin(smoothing=0.9, window=5),
}
every_tuner = pytest.mark.parametrize("tuner", TUNERS.values(), ids=TUNERS)


def walk(tuner, state, points, steps, seed=0):
    rng, path = np.random.default_rng(seed), []
    for _ in range(steps):
        gradients = [0.5 * point + 0.1 * rng.standard_normal(point.shape) for point in points]
        state, points, info = tuner.update(state, gradients, points)
        path.append(info)
    return state, points, path


def begun(tuner):
    """A state and the parameters after some steps."""
    points = [np.ones((2, 3)), np.ones(4)]
    state, points, _ = walk(tuner, tuner.init(points), points, 12)
    return state, points


@every_tuner
def test_a_run_restored_from_json_goes_on_bit_for_bit(tuner):
    state, points = begun(tuner)
    told = json.loads(json.dumps(state.to_dict(), default=np.ndarray.tolist))
    _, one, first = walk(tuner, state, points, 12, seed=1)
    _, two, second = walk(tuner, type(state).from_dict(told), points, 12, seed=1)
    assert all(map(np.array_equal, one, two))
    np.testing.assert_equal(first, second)


@every_tuner
def test_what_was_stored_does_not_change_with_the_run(tuner):
    state, points = begun(tuner)
    told, again = state.to_dict(), state.to_dict()
    walk(tuner, state, points, 3)
    np.testing.assert_equal(told, again)


def filled(told, number):
    """Write a number into every array of what was told."""
    for part in told.values() if isinstance(told, dict) else told:
        if isinstance(part, np.ndarray):
            part[...] = number
        elif isinstance(part, dict | list):
            filled(part, number)


@every_tuner
def test_what_was_told_belongs_to_the_caller(tuner):
    state, _ = begun(tuner)
    told, again = state.to_dict(), state.to_dict()
    restored = type(state).from_dict(told)
    filled(told, 7.0)
    np.testing.assert_equal(state.to_dict(), again)
    np.testing.assert_equal(restored.to_dict(), again)


@every_tuner
@pytest.mark.parametrize("wrong", [None, "steep", [[1.0], "a"]])
def test_a_stored_state_with_gaps_or_with_something_else_is_refused(tuner, wrong):
    state, _ = begun(tuner)
    told = state.to_dict()
    for name, value in told.items():
        with pytest.raises(DomainError, match=f"has no {name}; give all that to_dict told"):
            type(state).from_dict({key: told[key] for key in told if key != name})
        with pytest.raises(DomainError, match="to_dict told"):
            type(state).from_dict(told | {name: wrong})
        for inner in value if isinstance(value, dict) else ():
            part = {key: value[key] for key in value if key != inner}
            with pytest.raises(DomainError, match=f"has no {inner}"):
                type(state).from_dict(told | {name: part})
    with pytest.raises(DomainError, match="must be a dictionary"):
        type(state).from_dict(wrong)


@every_tuner
def test_the_state_of_another_optimizer_is_refused(tuner):
    point = np.ones(3)
    for other in TUNERS.values():
        if type(other) is not type(tuner):
            with pytest.raises(DomainError, match="what its init or its last update returned"):
                tuner.update(other.init(point), point, point)


@every_tuner
@pytest.mark.parametrize("point", [np.ones(5), np.ones((2, 2)), [np.ones(3), np.ones(3)]])
def test_the_state_of_other_parameters_is_refused(tuner, point):
    with pytest.raises(ShapeError, match="call init with these parameters"):
        tuner.update(tuner.init(np.ones(3)), point, point)


@every_tuner
def test_no_parameters_and_a_dictionary_of_them_are_refused(tuner):
    with pytest.raises(DomainError, match="There are no parameters"):
        tuner.init([])
    with pytest.raises(DomainError, match="give the list of its values"):
        tuner.init({"weights": np.ones(3)})


def test_a_shorter_window_forgets_what_a_longer_one_held():
    long, short, point = YellowFin(window=20), YellowFin(window=5), np.ones(3)
    state, *_ = walk(long, long.init([point]), [point], 12)
    state, *_ = walk(short, state, [point], 1)
    assert len(state.window) == 5
