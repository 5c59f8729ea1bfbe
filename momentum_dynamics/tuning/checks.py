"""What the rules are given, checked in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["checked_numbers"]

Array = NDArray[np.float64]

_FROM_ONE = ("horizon", "workers")
"""What counts steps or workers begins at 1, all else at 0."""


def checked_numbers(**given: ArrayLike) -> dict[str, Array]:
    """The input of a rule as arrays that fit each other, by name.

    Parameters
    ----------
    **given : array_like
        ``h_max``, ``h_min``, ``variance``, ``distance``, and what else the rule takes.

    Raises
    ------
    DomainError
        If a number is not finite or below its least, or h_min exceeds h_max.
    ShapeError
        If the shapes do not fit.
    """
    numbers: dict[str, Array] = {}
    for name, value in given.items():
        least = int(name in _FROM_ONE)
        try:
            number = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise DomainError(
                f"{name} is {value!r}, but must be a number in [{least}, ∞)."
            ) from None
        fine = np.isfinite(number) & (number >= least)
        if not fine.all():
            shown = f"is {value!r}" if number.ndim == 0 else f"holds {number[~fine][0]}"
            raise DomainError(f"{name} {shown}, but must lie in [{least}, ∞).")
        numbers[name] = number
    try:
        np.broadcast_shapes(*(number.shape for number in numbers.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {number.shape}" for name, number in numbers.items())
        raise ShapeError(f"The shapes do not fit each other: {shapes}.") from None
    if np.any(numbers["h_min"] > numbers["h_max"]):
        raise DomainError(
            "h_min exceeds h_max; give the smallest curvature as h_min, the largest as h_max."
        )
    return numbers
