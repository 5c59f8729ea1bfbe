"""Measurements that several claims share: rates read off simulated paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.methods import Method
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__ = ["growth_factor", "simulated_rates"]

Array = NDArray[np.float64]


def growth_factor(distance: ArrayLike, window: int) -> Array:
    """The factor per step between the peaks of the first and of the last window of a path.

    Peaks over a window smooth out oscillation. The path runs along the first axis.
    """
    path = np.abs(np.asarray(distance, dtype=float))
    early, late = path[:window].max(axis=0), path[-window:].max(axis=0)
    with np.errstate(all="ignore"):
        factor = (late / early) ** (1 / (len(path) - window))
    return np.where(late == 0, 0.0, factor)


def simulated_rates(method: Method, curvatures: ArrayLike, *, steps: int = 400) -> Array:
    """How fast each mode of a quadratic contracts, read off the second half of a simulated path.

    A double root adds a factor (1 + ct), which the second half of n steps sees as about 2^(2/n).
    """
    spectrum: Any = np.asarray(curvatures, dtype=float)
    run = simulate(method, Quadratic(spectrum), steps=steps, engine="direct")
    return growth_factor(run.outputs[steps // 2 :], steps // 8)
