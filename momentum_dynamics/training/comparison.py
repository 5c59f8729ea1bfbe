"""Who was faster, and who ended lower: measures of training curves and their intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["Interval", "paired_difference", "paired_ratio", "smoothed", "speedup"]

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """A number with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def smoothed(losses: ArrayLike, window: int, *, stride: int = 1) -> Array:
    """Means of a curve over a uniform window, every so many steps.

    Parameters
    ----------
    losses : array ``(steps, *lanes)``
        May be infinite from some step on.
    window : int
        From 1 to the number of steps.
    stride : int

    Returns
    -------
    array ``(points, *lanes)``
        Point k is the mean of steps k·stride to k·stride + window − 1.

    Raises
    ------
    DomainError
        If the window does not fit.

    Examples
    --------
    >>> smoothed([4.0, 2.0, 2.0, 0.0], 2)
    array([3., 2., 1.])
    """
    curve = np.asarray(losses, dtype=float)
    if not 1 <= window <= len(curve) or stride < 1:
        raise DomainError(
            f"A window of {window} steps, {stride} apart, does not fit a curve of {len(curve)} "
            "steps; both are at least 1, and the window is no longer than the curve."
        )
    windows = np.lib.stride_tricks.sliding_window_view(curve, window, axis=0)
    return np.asarray(windows[::stride].mean(axis=-1))


def speedup(
    curves: ArrayLike,
    baseline: ArrayLike,
    *,
    window: int,
    stride: int,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """How many times fewer iterations than a baseline it takes to a loss that both reach.

    Both training curves are averaged over the seeds; the target is the higher one of their minima;
    the speedup is the ratio of the first steps at which they are at the target. [zhang2017]_

    Parameters
    ----------
    curves, baseline : array ``(points, seeds)``
        From `smoothed`, of the same seeds.
    window, stride : int
        With which the curves were smoothed: a point counts as the last step of its window.
    resamples, seed : int
        For the interval: seeds are drawn again, the same ones for both curves.

    Returns
    -------
    Interval
        Above 1 where it is faster than the baseline; NaN if either curve has no finite mean. With
        a few seeds a bootstrap is narrow: take its ends as a hint.

    Raises
    ------
    ShapeError
        If the curves are not of the same points and seeds.

    Examples
    --------
    >>> fast, slow = np.array([[4.0], [1.0], [1.0]]), np.array([[4.0], [2.0], [1.0]])
    >>> speedup(fast, slow, window=1, stride=1).value
    1.5
    """
    ours, theirs = np.asarray(curves, dtype=float), np.asarray(baseline, dtype=float)
    if ours.shape != theirs.shape or ours.ndim != 2:
        raise ShapeError(
            f"Curves have shapes {ours.shape} and {theirs.shape}, but must both be (points, seeds)."
        )
    seeds = ours.shape[1]
    drawn = np.random.default_rng(seed).integers(seeds, size=(resamples, seeds))
    weights = np.stack([(drawn == each).sum(axis=1) for each in range(seeds)]) / seeds
    first = _iterations(ours.mean(axis=1, keepdims=True), theirs.mean(axis=1, keepdims=True))
    again = _iterations(_average(ours, weights), _average(theirs, weights))
    ratios = [
        (window + stride * there) / (window + stride * here) for here, there in (first, again)
    ]
    if not (np.isfinite(ours.mean(axis=1)).any() and np.isfinite(theirs.mean(axis=1)).any()):
        return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(ratios[1], [0.025, 0.975])
    return Interval(float(ratios[0][0]), float(low), float(high))


def _average(curves: Array, weights: Array) -> Array:
    """Weighted means over seeds, of which an infinite one counts only where it was drawn."""
    finite = np.where(np.isfinite(curves), curves, 0.0) @ weights
    lost = ~np.isfinite(curves)
    return np.where((lost.astype(float) @ weights) > 0, np.inf, finite)


def _iterations(ours: Array, theirs: Array) -> tuple[Any, Any]:
    """At which point both reach the higher one of their minima."""
    target = np.maximum(ours.min(axis=0), theirs.min(axis=0))
    return (ours <= target).argmax(axis=0), (theirs <= target).argmax(axis=0)


def paired_difference(ours: ArrayLike, theirs: ArrayLike) -> Interval:
    """The mean difference of two measurements with the same seeds, with Student's interval.

    Parameters
    ----------
    ours, theirs : array ``(seeds,)``
        NaN or infinite where a run diverged.

    Returns
    -------
    Interval
        Without ends, which are infinite, for one seed; NaN if a run diverged.

    Examples
    --------
    >>> paired_difference([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    Interval(value=2.0, low=2.0, high=2.0)
    """
    from scipy.special import stdtrit

    with np.errstate(invalid="ignore"):
        gap = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    if not np.isfinite(gap).all():
        return Interval(np.nan, np.nan, np.nan)
    mean, count = float(gap.mean()), gap.size
    if count < 2:
        return Interval(mean, -np.inf, np.inf)
    half = float(stdtrit(count - 1, 0.975) * gap.std(ddof=1) / np.sqrt(count))
    return Interval(mean, mean - half, mean + half)


def paired_ratio(ours: ArrayLike, theirs: ArrayLike) -> Interval:
    """The geometric mean of ratios of positive measurements with the same seeds.

    Examples
    --------
    >>> round(paired_ratio([2.0, 8.0], [1.0, 4.0]).value, 12)
    2.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = paired_difference(np.log(ours), np.log(theirs))
    return Interval(*(float(np.exp(end)) for end in found))
