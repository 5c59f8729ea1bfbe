"""Two players with one method: a round of a bilinear game, superposed like a step."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.dynamics.loop import gain
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.protocol import Method, period_of, transient_of
from momentum_dynamics.methods.rows import stack
from momentum_dynamics.notation import Scalar

__all__ = ["ORDERS", "check_round", "round_matrix"]

ORDERS = ("simultaneous", "alternating")


def check_round(method: Method, order: str) -> None:
    """Refuse an unknown order of play, and methods whose coefficients change with the step.

    Raises
    ------
    DomainError
        With what is admissible.
    """
    if order not in ORDERS:
        raise DomainError(f"order is {order!r}, but must be one of {', '.join(ORDERS)}.")
    if period_of(method) != 1 or transient_of(method):
        raise DomainError(
            f"A round takes one gradient of each player, but {type(method).__name__} changes its "
            "coefficients from step to step; give a method with constant ones."
        )


def round_matrix(method: Method, singular_value: Scalar, order: str = "alternating") -> Any:
    """The matrix of one round of min max x·s·y, both players using the same method.

    Parameters
    ----------
    method : Method
        With constant coefficients; numbers, batches or symbols.
    singular_value : scalar
        s, the coupling of this pair of modes.
    order : {"alternating", "simultaneous"}
        Whether the second player answers to the first player's new or old point.

    Returns
    -------
    array ``(*batch, 2 slots, 2 slots)`` or sympy.Matrix
        On the first player's slots, then the second's.

    Raises
    ------
    DomainError
        If the order is another, or the coefficients of the method change with the step.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> round_matrix(GradientDescent(learning_rate=0.5), 1.0)
    array([[ 1.  , -0.5 ],
           [ 0.5 ,  0.75]])
    """
    check_round(method, order)
    singular_value = gain(singular_value, "singular_value")
    slots = len(method.initial_state(0))
    columns = []
    for index in range(2 * slots):
        unit = tuple(int(position == index) for position in range(2 * slots))
        first, second = unit[:slots], unit[slots:]
        moved = method.update(first, singular_value * method.query(second))
        seen = moved if order == "alternating" else first
        answered = method.update(second, -singular_value * method.query(seen))
        columns.append((*moved, *answered))
    return stack(tuple(tuple(column[i] for column in columns) for i in range(2 * slots)))
