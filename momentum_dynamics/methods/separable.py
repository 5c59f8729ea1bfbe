"""The state space of a grid of methods, each entry with the axes it depends on and no others."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import Method, output_of, period_of, transient_of
from momentum_dynamics.methods.rows import Rows

__all__ = ["separable_state_space"]


class _Nothing:
    """A zero that leaves no trace: what is multiplied by it, or added to it, keeps its axes."""

    __array_ufunc__ = None

    def __add__(self, other: Any) -> Any:
        return other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return -other

    def __rsub__(self, other: Any) -> Any:
        return other

    def __neg__(self) -> _Nothing:
        return self

    def __mul__(self, _: Any) -> _Nothing:
        return self

    __rmul__ = __mul__

    def __truediv__(self, _: Any) -> _Nothing:
        return self


_NOTHING = _Nothing()


def separable_state_space(method: Method) -> StateSpace:
    """The state space of a method, read without spreading every entry over the whole grid.

    On a grid of learning rates and momenta, superposition with the number zero makes each entry as
    large as the grid. With a zero that leaves no trace, 1 + β keeps the axes of β. Linearity is
    seen on one point of the grid. Methods for which this is no gain are read as always.
    """
    thin = _one_point(method)
    if thin is None or period_of(method) != 1 or transient_of(method):
        return state_space(method)
    slots = state_space(thin).slots
    try:
        columns = [
            method.update(_unit(slots, index), _NOTHING)
            for index in range(slots)
        ]  # fmt: skip
        pushed = method.update(_unit(slots, None), 1)
        asked = [method.query(_unit(slots, index)) for index in range(slots)]
        told = [output_of(method, _unit(slots, index)) for index in range(slots)]
    except TypeError:
        return state_space(method)
    return StateSpace(
        transition=tuple(tuple(_plain(column[i]) for column in columns) for i in range(slots)),
        injection=tuple((_plain(entry),) for entry in pushed),
        observation=_row(asked),
        feedthrough=((0,),),
        readout=_row(told),
    ).beside()


def _unit(size: int, index: int | None) -> tuple[Any, ...]:
    return tuple(1 if position == index else _NOTHING for position in range(size))


def _plain(entry: Any) -> Any:
    return 0 if entry is _NOTHING else entry


def _row(entries: list[Any]) -> Rows:
    return (tuple(map(_plain, entries)),)


def _one_point(method: Any) -> Any:
    """The method at the first point of its grid; None where it has none, or hides it."""
    if not dataclasses.is_dataclass(method) or isinstance(method, type):
        return None
    arrays = {
        field.name: float(np.ravel(getattr(method, field.name))[0])
        for field in dataclasses.fields(method)
        if np.ndim(getattr(method, field.name)) > 0
    }
    return dataclasses.replace(method, **arrays) if arrays else None
