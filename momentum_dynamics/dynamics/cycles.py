"""Cycles on roots of unity: whether some smooth strongly convex function traps a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.methods.protocol import period_of, transient_of
from momentum_dynamics.problems import Polygon

__all__ = ["Cycle", "cycle"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cycle:
    """Whether a method can run in circles, and where.

    Attributes
    ----------
    exists : bool
    length : int
        K, the period.
    margin : float
        At least 0 where the cycle exists: how far inside its normal cone each point lies.
    problem : Polygon
        The function, on which the cycle is one if it exists.
    start : tuple of arrays
        The state from which the method cycles, for ``simulate(…, start=cycle.start)``.
    """

    exists: bool
    length: int
    margin: float
    problem: Polygon
    start: tuple[Any, ...]


def cycle(
    method: Method, smallest_curvature: float, largest_curvature: float, length: int
) -> Cycle:
    """Look for a cycle of a method on the K-th roots of unity.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step; plain numbers.
    smallest_curvature, largest_curvature : float
        μ < L, of the class of functions.
    length : int
        K ≥ 3.

    Returns
    -------
    Cycle

    Raises
    ------
    DomainError
        If a setting is not admissible, or the coefficients change with the step.
    NotTraceableError
        With symbols.

    Notes
    -----
    Queries that go round the unit circle need gradients that go round with them: by the transfer
    function, gradients 1/G(e^{iθ}) times the queries. A function of the class with these gradients
    exists if and only if the point M = (1/G − μ)/(L − μ) and its turns are corners whose normal
    cones hold the queries, Re M − |M|² ≥ |Im M| cot(θ/2).

    References
    ----------
    [goujaud2023]_

    Examples
    --------
    >>> from momentum_dynamics import tune
    >>> ball = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
    >>> [cycle(ball, 1.0, 100.0, length).exists for length in (3, 4, 5, 6, 7)]
    [True, True, True, True, False]
    """
    require_order(smallest_curvature, largest_curvature, strictly=True, single=True)
    if length < 3 or length != int(length):
        raise DomainError(f"length is {length}, but must be a whole number from 3.")
    if period_of(method) != 1 or transient_of(method):
        raise DomainError(
            f"The coefficients of {type(method).__name__} change with the step; cycles are looked "
            "for with settled ones."
        )
    system = state_space(method)
    if system.is_symbolic:
        raise NotTraceableError("Cycles are looked for with numbers only.")
    angle = 2 * np.pi / length
    wave = np.exp(1j * angle)
    pull = 1 / complex(np.asarray(transfer_function(method)(wave)))
    corner = (pull - smallest_curvature) / (largest_curvature - smallest_curvature)
    margin = corner.real - abs(corner) ** 2 - abs(corner.imag) / np.tan(angle / 2)
    slots = np.linalg.solve(wave * np.eye(system.slots) - system.A, system.B[:, 0] * pull)
    return Cycle(
        exists=bool(margin >= 0),
        length=int(length),
        margin=float(margin),
        problem=Polygon(
            corner,
            corners=int(length),
            smallest_curvature=float(smallest_curvature),
            largest_curvature=float(largest_curvature),
        ),
        start=tuple(np.array([slot.real, slot.imag]) for slot in slots),
    )
