"""What every optimizer here is: a pair of pure functions over an array or a list of arrays."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["Optimizer", "Tree", "arrays_of", "gradients_of", "like", "squared_norm"]

Array = NDArray[np.float64]

_SHAPE = attrgetter("shape")
_SEVERAL = (list, tuple)

Tree: TypeAlias = "ArrayLike | Sequence[ArrayLike]"
"""Parameters of a model: an array, or a list or tuple of arrays."""


@runtime_checkable
class Optimizer(Protocol):
    """An optimizer as two pure functions; nothing that they are given is changed."""

    def init(self, parameters: Any) -> Any:
        """The state before the first gradient."""
        ...

    def update(
        self, state: Any, gradient: Any, parameters: Any
    ) -> tuple[Any, Any, Mapping[str, Any]]:
        """The state and the parameters after one step, and what the step used."""
        ...


def arrays_of(parameters: Any) -> list[Array]:
    """The arrays of a tree, in double precision; those that have it are not copied.

    Raises
    ------
    DomainError
        If something is no real number, or there is nothing.
    """
    leaves = parameters if isinstance(parameters, _SEVERAL) else (parameters,)
    if not leaves:
        raise DomainError("There are no parameters; give an array, or a list or tuple of arrays.")
    found = []
    for leaf in leaves:
        if type(leaf) is np.ndarray and leaf.dtype.char == "d":
            found.append(leaf)
            continue
        try:
            array = np.asarray(leaf)
        except ValueError:  # rows of different lengths
            array = np.asarray(leaf, dtype=object)
        if array.dtype.kind not in "biuf":
            advice = "; give the list of its values" if isinstance(leaf, Mapping) else ""
            raise DomainError(
                "Parameters and gradients are real numbers, in one array or in a list or tuple of "
                f"arrays, but here is a {type(leaf).__name__}: {reprlib.repr(leaf)}{advice}."
            )
        found.append(array.astype(np.float64, copy=False))
    return found


def gradients_of(gradient: Any, arrays: Sequence[Array]) -> list[Array]:
    """The arrays of a gradient, each of the shape of its parameters.

    Raises
    ------
    DomainError
        If something is no real number.
    ShapeError
        If the shapes differ.
    """
    found = arrays_of(gradient)
    if [*map(_SHAPE, found)] != [*map(_SHAPE, arrays)]:
        raise ShapeError(
            f"The gradient has shapes {[array.shape for array in found]}, but the parameters have "
            f"{[array.shape for array in arrays]}; give one number for each parameter."
        )
    return found


def like(parameters: Any, arrays: list[Array]) -> Any:
    """Arrays in the form in which parameters were given: one array, a list or a tuple."""
    if isinstance(parameters, tuple):
        return tuple(arrays)
    return arrays if isinstance(parameters, list) else arrays[0]


def squared_norm(arrays: Sequence[Array]) -> float:
    """The sum of the squares of all numbers."""
    total = 0.0
    for array in arrays:
        total += float(np.vdot(array, array))
    return total
