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

_CAUTION = 2
"""A factor 1 + ct that has only begun to grow tilts the fit more than it bends the path."""

_ALIKE = 0.9
"""Correlation from which on a path is taken to bend as log t does, and not to oscillate."""


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
    The uncertainty comes from how far the logarithm is from a straight line. A double root
    multiplies the path by 1 + ct, whose logarithm bends and, over the window, tilts the fit; from
    the share of log t that is seen in the bend one knows the tilt. Transient modes bend a path in
    the same way. Where the path oscillates instead, the share is taken as that of a
    double root at most. Twice the tilt and twice the standard error of the fit are reported.

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
    steepness, rest = _line(places, heights)
    tilt, pattern = _line(places, np.log1p(places))
    bend, reference, common = (
        float(rest @ rest),
        float(pattern @ pattern),
        abs(float(rest @ pattern)),
    )
    if common > _ALIKE * math.sqrt(bend * reference):
        share = common / reference
    else:
        share = min(1.0, math.sqrt(bend / reference))
    error = math.sqrt(bend / max(len(rest) - 2, 1) / float(np.sum((places - places.mean()) ** 2)))
    return steepness, _CAUTION * (share * tilt + error)


def _line(places: Array, heights: Array) -> tuple[float, Array]:
    """Least squares line: its slope, and what it leaves."""
    away = places - places.mean()
    steepness = float(away @ heights) / float(away @ away)
    return steepness, heights - heights.mean() - steepness * away
