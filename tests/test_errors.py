"""The exceptions: one tree, each also the builtin kind that one would catch."""

import inspect

import pytest

from momentum_dynamics import errors

CLASSES = [
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)
]


def test_one_tree():
    assert len(CLASSES) >= 6
    for cls in CLASSES:
        assert issubclass(cls, errors.MomentumDynamicsError)
        assert cls.__doc__
        assert cls.__name__ in errors.__all__


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.DomainError, ValueError),
        (errors.UnstableDynamicsError, errors.DomainError),
        (errors.ShapeError, ValueError),
        (errors.UnknownNameError, LookupError),
        (errors.NotTraceableError, TypeError),
    ],
)
def test_kinds(cls, builtin):
    assert issubclass(cls, builtin)


def test_unknown_names_hint_at_near_ones():
    error = errors.UnknownNameError.among("claim", "hevy-ball", ["heavy-ball", "nesterov"])
    assert str(error) == "No claim is called 'hevy-ball'; did you mean 'heavy-ball'?"


def test_unknown_names_hint_at_all_that_hold_them():
    known = ["sharpness-limit", "batch-sharpness-stops", "sharp-turn", "nesterov"]
    error = errors.UnknownNameError.among("claim", "sharpness", known)
    assert str(error) == (
        "No claim is called 'sharpness'; did you mean 'batch-sharpness-stops' or 'sharpness-limit'?"
    )


def test_unknown_names_list_all_where_none_is_near():
    error = errors.UnknownNameError.among("claim", "xyz", {"nesterov": 1, "heavy-ball": 2})
    assert str(error) == "No claim is called 'xyz'; known are: heavy-ball, nesterov."


@pytest.mark.parametrize("name", [3, None, 2.5])
def test_what_is_no_name_is_unknown_too(name):
    error = errors.UnknownNameError.among("claim", name, ["heavy-ball"])
    assert str(error) == f"No claim is called {name}; known are: heavy-ball."
