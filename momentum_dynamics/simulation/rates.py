"""Reading the rate of convergence off a path of distances, with how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Measurement", "measure_rate", "slope"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A rate read off a path of distances.

    Attributes
    ----------
    rate : float
        The factor per step.
    uncertainty : float
        How far the rate in the long run may lie from it, as far as the path itself can tell.
    first, last : int
        The window of steps that was read.
    """

    rate: float
    uncertainty: float
    first: int
    last: int


_BLOCKS = 8
"""Blocks of a window; the peak of each is kept, which smooths out oscillation."""

_SETTLING = 4
"""Where the slope settles like 1/t, as at a double root, the two halves of a window of steps
n/2 … n differ by 0.47/n and the whole window lies 1.39/n off: three times as much; 4 to be safe."""


def measure_rate(distance: Array, *, floor: float = 0.0) -> Measurement | None:
    """The factor per step by which a path of distances shrinks in the long run.

    The slope of the logarithm, fitted by least squares to the peaks of eight blocks in the second
    half of the steps above the floor: late, so that transients have died out, and by peaks,
    so that oscillation does not matter.

    Parameters
    ----------
    distance : array ``(steps + 1,)``
    floor : float
        Where rounding takes over: from the last step above it on, nothing is read.

    Returns
    -------
    Measurement or None
        None if the path begins at or below the floor, has one point, or overflows.

    Notes
    -----
    The uncertainty is the standard error of the fit and four times the change of slope from the
    first to the second half of the window, whichever is larger. The latter covers a double root,
    whose factor 1 + ct the window cannot tell from a rate slightly nearer to one.

    Examples
    --------
    >>> found = measure_rate(0.5 ** np.arange(30.0))
    >>> round(found.rate, 12), found.uncertainty < 1e-12, (found.first, found.last)
    (0.5, True, (14, 29))
    """
    path = np.asarray(distance, dtype=float)
    if len(path) < 2 or not np.isfinite(path).all() or path[0] <= floor:
        return None
    above = int(np.flatnonzero(path > floor)[-1])
    if above == 0:
        return Measurement(
            rate=float(path[1] / path[0]), uncertainty=float(floor / path[0]), first=0, last=1
        )
    first = above // 2 if above >= 2 * _BLOCKS else 0
    steepness, uncertainty = slope(path, first, above)
    rate = math.exp(steepness)
    return Measurement(rate=rate, uncertainty=rate * uncertainty, first=first, last=above)


def slope(path: Array, first: int, last: int) -> tuple[float, float]:
    """Slope of the logarithm over the peaks of blocks, and how far it may be off."""
    blocks = np.array_split(np.arange(first, last + 1), min(_BLOCKS, last + 1 - first))
    places = np.array([block[np.argmax(path[block])] for block in blocks], dtype=float)
    with np.errstate(divide="ignore"):
        heights = np.log(path[places.astype(int)])
    if len(places) < 4 or not np.isfinite(heights).all():
        ends = path[[first, last]]
        steepness = math.log(ends[1] / ends[0]) / (last - first) if ends.all() else -math.inf
        return steepness, abs(steepness) if ends.all() else 1.0
    steepness, error = _fit(places, heights)
    half = len(places) // 2
    change = abs(_fit(places[half:], heights[half:])[0] - _fit(places[:half], heights[:half])[0])
    return steepness, max(error, _SETTLING * change)


def _fit(places: Array, heights: Array) -> tuple[float, float]:
    """Least squares line: slope and its standard error."""
    away = places - places.mean()
    weight = float(away @ away)
    steepness = float(away @ heights) / weight
    rest = heights - heights.mean() - steepness * away
    freedom = max(len(places) - 2, 1)
    return steepness, math.sqrt(float(rest @ rest) / freedom / weight)
