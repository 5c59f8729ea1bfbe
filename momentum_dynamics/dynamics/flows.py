"""Losses rolled down in continuous time: gradient flow and the heavy ball with friction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.problems import Problem

__all__ = ["Flow", "flow"]

Array = NDArray[np.float64]

_TOLERANCE = 1e-12
"""Of the integrator, relative; paths of some dozen swings keep eight digits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow:
    """A path in continuous time.

    Attributes
    ----------
    times : array ``(times,)``
    points, velocities : array ``(times, dimension)``
    """

    times: Array
    points: Array
    velocities: Array

    def __repr__(self) -> str:
        """One line."""
        return f"<Flow of {self.points.shape[1]} coordinates to time {self.times[-1]:g}>"


def flow(
    problem: Problem,
    times: ArrayLike,
    *,
    friction: float | None = None,
    vanishing_friction: float = 0.0,
    start: Any = None,
    velocity: Any = None,
) -> Flow:
    """Roll down a loss in continuous time.

    x″ + (a + r/t) x′ + ∇f(x) = 0, the equation of Polyak (r = 0) and of Su, Boyd and Candès
    (a = 0, r = 3); without any friction given, gradient flow x′ + ∇f(x) = 0.

    Parameters
    ----------
    problem : Problem
    times : array ``(times,)``
        Ascending from 0 on; the motion begins at time 0.
    friction : float, optional
        a; 0 conserves energy.
    vanishing_friction : float
        r ≥ 0, of a friction r/t that is infinite at the begin and fades.
    start, velocity : array ``(dimension,)``, optional
        Where the motion begins, by default at rest at the problem's start.

    Returns
    -------
    Flow

    Raises
    ------
    DomainError
        If times or frictions are not admissible, a vanishing friction meets a velocity, which it
        stops at once, or the path runs to infinity in finite time.
    ShapeError
        If start or velocity do not fit the problem.

    Notes
    -----
    By Dormand and Prince's method of order 8 in SciPy. At time 0 the equation with r/t has the
    limit (1 + r) x″ = −∇f.

    References
    ----------
    [polyak1964]_, [su2016]_

    Examples
    --------
    >>> from momentum_dynamics import Quadratic
    >>> rolled = flow(Quadratic([1.0, 4.0]), [0.0, 1.0], friction=2.0)
    >>> rolled.points[:, 0].round(6)
    array([1.      , 0.735759])
    """
    from scipy.integrate import solve_ivp

    instants = np.atleast_1d(np.asarray(times, dtype=float))
    if instants.ndim != 1 or not (np.diff(instants, prepend=0.0) >= 0).all():
        raise DomainError("times must ascend from 0 on, as in numpy.linspace(0, 10, 101).")
    first_order = friction is None and vanishing_friction == 0
    steady = 0.0 if friction is None else friction
    for name, value in (("friction", steady), ("vanishing_friction", vanishing_friction)):
        GLOSSARY[name].check(value)
    begin = _vector("start", problem.start if start is None else start, problem.dimension)
    moving = _vector("velocity", np.zeros_like(begin) if velocity is None else velocity, len(begin))
    if moving.any() and (first_order or vanishing_friction):
        raise DomainError(
            "A velocity at the begin needs a steady friction: gradient flow has none of its own, "
            "and an infinite friction stops it at once."
        )

    def change(time: float, state: Array) -> Array:
        point, speed = np.split(state, 2)
        slope = problem.field(point)
        if time == 0:
            return np.concatenate([speed, -(slope + steady * speed) / (1 + vanishing_friction)])
        drag = steady + vanishing_friction / time
        return np.concatenate([speed, -slope - drag * speed])

    scale = float(np.abs(begin - problem.solution).max() + np.abs(moving).max()) or 1.0
    solved = solve_ivp(
        (lambda _, point: -problem.field(point)) if first_order else change,
        (0.0, float(instants[-1])),
        begin if first_order else np.concatenate([begin, moving]),
        method="DOP853", t_eval=instants, rtol=_TOLERANCE, atol=_TOLERANCE * scale,
    )  # fmt: skip
    if not solved.success:
        raise DomainError(f"The path cannot be followed to time {instants[-1]:g}: it runs away.")
    path = solved.y.T
    points = path[:, : len(begin)]
    speeds = -problem.field(points) if first_order else path[:, len(begin) :]
    return Flow(times=instants, points=points, velocities=speeds)


def _vector(name: str, value: Any, dimension: int) -> Array:
    found = np.asarray(value, dtype=float)
    if found.shape != (dimension,):
        raise ShapeError(f"{name} has shape {found.shape}, but must be ({dimension},).")
    if not np.isfinite(found).all():
        raise DomainError(f"{name} is {value}, but must be finite.")
    return found
