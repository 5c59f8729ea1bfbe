"""Measurements that several claims share: rates read off simulated paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.methods import Method
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.rates import measure_rate

__all__ = ["growth_factor", "simulated_rates"]

Array = NDArray[np.float64]


def growth_factor(distance: ArrayLike) -> float:
    """The factor per step of one path; NaN where the path can't be read."""
    found = measure_rate(np.abs(np.asarray(distance, dtype=float)))
    return np.nan if found is None else found.rate


def simulated_rates(method: Method, curvatures: ArrayLike, *, steps: int = 400) -> Array:
    """How fast each mode of a quadratic contracts, read off a simulated path of its answer.

    Returns
    -------
    array ``(*batch, modes)``
    """
    spectrum: Any = np.asarray(curvatures, dtype=float)
    run = simulate(method, Quadratic(spectrum), steps=steps, engine="direct")
    return np.apply_along_axis(growth_factor, 0, run.outputs)
