"""What the states of tuners have in common: they belong to parameters, and can be stored."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["as_arrays", "as_numbers", "check_fit", "check_kind", "restored"]

Array = NDArray[np.float64]
State = TypeVar("State")

_SHAPE = attrgetter("shape")


def check_kind(state: Any, kind: type) -> None:
    """Refuse a state that another optimizer made.

    Raises
    ------
    DomainError
        If it is one.
    """
    if not isinstance(state, kind):
        raise DomainError(
            f"The state is a {type(state).__name__}, but this optimizer has a {kind.__name__}; "
            "give what its init or its last update returned."
        )


def check_fit(held: Sequence[Any], arrays: Sequence[Any]) -> None:
    """Refuse a state whose arrays are not of the parameters' shapes.

    Raises
    ------
    ShapeError
        If they are not.
    """
    if [*map(_SHAPE, held)] != [*map(_SHAPE, arrays)]:
        raise ShapeError(
            f"The state is of parameters of shapes {[array.shape for array in held]}, but here "
            f"they have {[array.shape for array in arrays]}; call init with these parameters."
        )


def as_numbers(stored: Any) -> tuple[float, ...]:
    """Numbers from a list of them."""
    return tuple(float(number) for number in stored)


def as_arrays(stored: Any) -> list[Array]:
    """Arrays from a list of arrays, or of lists of numbers."""
    return [np.array(array, dtype=float) for array in stored]


def restored(
    kind: Callable[..., State],
    owner: str,
    stored: Any,
    teller: str = "to_dict",
    /,
    **readers: Callable[[Any], Any],
) -> State:
    """The state that a dictionary tells.

    Parameters
    ----------
    kind : callable
        Makes the state out of its parts.
    owner : str
        Whose state it is, for the messages.
    stored : mapping
    teller : str
        The method that tells such a dictionary, for the messages too.
    **readers : callable
        What makes each part out of what was stored of it.

    Raises
    ------
    DomainError
        If something is missing, or is not what it must be.
    """
    if not isinstance(stored, Mapping):
        raise DomainError(
            f"A stored state of {owner} is a {type(stored).__name__}, but must be a dictionary; "
            f"give what {teller} told."
        )
    missing = [name for name in readers if name not in stored]
    if missing:
        raise DomainError(
            f"A stored state of {owner} has no {', '.join(missing)}; give all that {teller} told."
        )
    parts = {}
    for name, read in readers.items():
        try:
            parts[name] = read(stored[name])
        except (TypeError, ValueError) as error:
            if isinstance(error, DomainError):
                raise
            raise DomainError(
                f"A stored state of {owner} has {reprlib.repr(stored[name])} for {name}; give what "
                f"{teller} told."
            ) from None
    return kind(**parts)
