"""What a momentum method is: where it asks, how it moves, and five defaults.

A method is any object with `initial_state`, `query` and `update`, linear in the state and the
gradient. Whatever else the protocol knows has a default, read by the functions of this module, so
that a new method needs no base class and five lines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.notation import Scalar

__all__ = [
    "Method",
    "State",
    "answer_before",
    "output_of",
    "period_of",
    "require_method",
    "spread",
    "stage_index",
    "stage_of",
    "trailing",
    "transient_of",
]

State: TypeAlias = tuple[Scalar, ...]
"""The slots of a method: points, velocities or gradients, all of the shape of a point."""


class Method(Protocol):
    """Any momentum method.

    Optional members, with the default that holds where they are missing:

    ``output(state)``
        The answer, where it is not the point of the query (default: ``query(state)``).
    ``stage(step)``
        The method of one step, where coefficients change (default: the method itself).
    ``period``
        After how many steps the stages repeat (default 1); None if they never do.
    ``transient``
        How many first stages are exceptions before the period sets in (default 0).
    """

    def initial_state(self, point: Scalar) -> State:
        """The state at rest at a point; linear in it."""
        ...

    def query(self, state: State) -> Scalar:
        """The point where the gradient is wanted; linear in the state."""
        ...

    def update(self, state: State, gradient: Scalar) -> State:
        """The next state; linear in state and gradient."""
        ...


def require_method(method: object) -> None:
    """Refuse what is no method, with a sentence on what to do.

    Raises
    ------
    DomainError
        If a class is given instead of a method, or a part of the protocol is missing or returns
        the wrong kind of thing.
    """
    if isinstance(method, type):
        raise DomainError(
            f"{method.__name__} is a class; make a method of it first, as in "
            f"{method.__name__}(learning_rate=0.1, …)."
        )
    name = type(method).__name__
    parts = ("initial_state", "query", "update")
    missing = [part for part in parts if not callable(getattr(method, part, None))]
    if missing:
        raise DomainError(
            f"A {name} is no method: it has no {' and no '.join(missing)}; methods are such as "
            "HeavyBall(learning_rate=0.1, momentum=0.9), or a class of your own with "
            "initial_state(point), query(state) and update(state, gradient)."
        )
    state: Any = getattr(method, "initial_state")(0)  # noqa: B009 - not every object has it
    if not isinstance(state, tuple):
        raise DomainError(
            f"{name}.initial_state returns {state!r}, but must return a tuple of slots, one slot "
            "as (point,)."
        )


def output_of(method: Method, state: State) -> Scalar:
    """The answer a method gives in a state."""
    answer: Callable[[State], Scalar] = getattr(method, "output", method.query)
    return answer(state)


def answer_before(method: Method, step: int, state: State) -> Scalar:
    """The answer a method gives in a state before one step; stages may read it in their own way."""
    return output_of(method if hasattr(method, "output") else stage_of(method, step), state)


def stage_of(method: Method, step: int) -> Method:
    """The method that makes one step: itself, unless its coefficients change."""
    choose: Callable[[int], Method] | None = getattr(method, "stage", None)
    return method if choose is None else choose(step)


def period_of(method: Method) -> int | None:
    """After how many steps the stages of a method repeat; None if they never do."""
    period: int | None = getattr(method, "period", 1)
    return period


def transient_of(method: Method) -> int:
    """How many first stages are exceptions before the period sets in."""
    transient: Any = getattr(method, "transient", 0)
    return int(transient)


def stage_index(step: int, transient: int, period: int | None) -> int:
    """Which distinct stage makes a step: its own, or the one it repeats after the transient."""
    if period is None or step < transient:
        return step
    return transient + (step - transient) % period


def trailing(value: Scalar, count: int) -> Scalar:
    """A scalar or batch with `count` axes of length one after its own."""
    shape = np.shape(value)
    return np.reshape(value, (*shape, *(1,) * count)) if shape else value


def spread(method: Method, count: int) -> Method:
    """The same method, its batch axes moved in front of `count` axes of points.

    Parameters carry batch axes; points carry replicas and the dimension. Before a method is run,
    each array among its fields is given `count` trailing axes, so that the two never mix.

    Raises
    ------
    ShapeError
        If a class that is no dataclass holds arrays: nobody can say which are parameters.
    """
    own: Callable[[int], Method] | None = getattr(method, "with_trailing_axes", None)
    if own is not None:
        return own(count)
    record: Any = method
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        held = [name for name, value in getattr(record, "__dict__", {}).items() if np.ndim(value)]
        if held:
            raise ShapeError(
                f"{type(record).__name__}.{held[0]} is an array; make the class a record "
                "(momentum_dynamics.record) to run a batch of parameters at once."
            )
        return method
    arrays = {
        field.name: trailing(getattr(record, field.name), count)
        for field in dataclasses.fields(record)
        if np.ndim(getattr(record, field.name)) > 0
    }
    moved: Any = dataclasses.replace(record, **arrays) if arrays else method
    return moved
