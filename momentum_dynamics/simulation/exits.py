"""When runs leave: the first step at which something holds, replica by replica."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY

__all__ = ["exit_steps", "first_steps"]

Array = NDArray[np.float64]


def first_steps(reached: ArrayLike) -> Array:
    """The first index along the first axis at which a condition holds; NaN where it never does.

    Parameters
    ----------
    reached : bool array ``(steps + 1, *any)``

    Returns
    -------
    array ``(*any)``

    Examples
    --------
    >>> first_steps([[False, False], [True, False], [True, False]])
    array([ 1., nan])
    """
    held = np.asarray(reached, dtype=bool)
    return np.where(held.any(axis=0), held.argmax(axis=0), np.nan)


def exit_steps(run: Any, distance: float) -> Array:
    """The first step at which each answer of a run is a distance away from the problem's solution.

    Parameters
    ----------
    run : Trajectory or StaleRun
        With every step kept. At a saddle the problem's solution is the saddle.
    distance : float
        Δ > 0.

    Returns
    -------
    array ``(*batch, *replicas)``

    Raises
    ------
    DomainError
        If some replica has not left by the end: leaving it out would bias every mean.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, Quadratic, simulate
    >>> run = simulate(GradientDescent(learning_rate=1.0), Quadratic([-1.0]), steps=9, start=[0.01])
    >>> exit_steps(run, 1.0)
    array(7.)
    """
    GLOSSARY["distance"].check(distance)
    found = first_steps(run.distance >= distance)
    left = np.isfinite(found)
    if not left.all():
        raise DomainError(
            f"{(~left).sum()} of {found.size} runs have not left after {run.steps} steps; run "
            "longer, so that the slow ones are not left out."
        )
    return found
