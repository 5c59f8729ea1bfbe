"""What a user gives, as an array of numbers; or one sentence about why it is none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["one_number", "real_numbers", "require_counts"]


def real_numbers(name: str, value: Any, instead: str = "give real numbers") -> NDArray[np.float64]:
    """A number or nested sequence as an array of floats, infinite and NaN ones included.

    Parameters
    ----------
    name : str
        What the message calls the value.
    value : array
    instead : str
        What the message asks for.

    Raises
    ------
    DomainError
        If an entry is no real number, or rows differ in length.

    Examples
    --------
    >>> real_numbers("truth", [1, 2])
    array([1., 2.])
    >>> real_numbers("truth", "left")
    Traceback (most recent call last):
    momentum_dynamics.errors.DomainError: truth is 'left', but must hold numbers; give real numbers.
    """
    try:
        given = np.asarray(value)
        # NumPy would drop an imaginary part, with a warning only.
        return np.asarray(value, dtype=object if np.iscomplexobj(given) else None).astype(float)
    except (TypeError, ValueError) as error:
        raise DomainError(f"{name} is {value!r}, but must hold numbers; {instead}.") from error


def one_number(name: str, value: Any) -> float:
    """A single real number.

    Raises
    ------
    DomainError
        If it is no real number.
    ShapeError
        If there are several.

    Examples
    --------
    >>> one_number("barrier", 2)
    2.0
    >>> one_number("top", [1, 2])
    Traceback (most recent call last):
    momentum_dynamics.errors.ShapeError: top has shape (2,), but is one number; loop over several.
    """
    number = real_numbers(name, value, "give a real number")
    if number.ndim:
        raise ShapeError(f"{name} has shape {number.shape}, but is one number; loop over several.")
    return float(number)


def require_counts(least: int = 1, /, **counts: Any) -> None:
    """Refuse what is no whole number from the least on.

    Raises
    ------
    DomainError
        Naming the first that is none.

    Examples
    --------
    >>> require_counts(hidden=32, batch_size=2.5)
    Traceback (most recent call last):
    momentum_dynamics.errors.DomainError: batch_size is 2.5, but must be one whole number from 1 on.
    """
    for name, value in counts.items():
        try:
            fine = not isinstance(value, bool) and value >= least and value == int(value)
        except (TypeError, ValueError, OverflowError):
            fine = False
        if not fine:
            raise DomainError(f"{name} is {value!r}, but must be one whole number from {least} on.")
