"""Momentum measured on a run: the ratio of YellowFin's sensor, and the sensor of implicit momentum.

The ratios are taken coordinate by coordinate and reduced to one number by the median or by a
trimmed mean; before that, numerators and denominators may be averaged over updates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.notation import GLOSSARY

__all__ = ["Sensor", "aligned", "measured_implicit_momentum", "rounding_of", "total_momentum"]

Array = NDArray[np.float64]

_KINDS = ("median", "trimmed")
_ROUNDING = 2.0**-46
"""A displacement of less than this share of its point is rounding: 64 units in the last place."""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """How ratios become one reading.

    Parameters
    ----------
    kind : {"median", "trimmed"}
        The median over the coordinates, or their mean without the extremes.
    trim : float
        The share of ratios that a trimmed mean leaves out at each end, in [0, 1/2).
    smoothing : float
        The share that an exponential average over updates keeps, in [0, 1): numerator and
        denominator are averaged, each on its own. By default 0, no average.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    References
    ----------
    [zhang2017]_
    """

    kind: str = "median"
    trim: float = 0.05
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise DomainError(f"kind is {self.kind!r}, but must be one of {', '.join(_KINDS)}.")
        GLOSSARY["trim"].check(self.trim)
        GLOSSARY["smoothing"].check(self.smoothing)

    def init(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """The averages before anything was seen: ratios need no correction for this start."""
        return np.zeros(shape), np.zeros(shape)

    def update(
        self, state: tuple[Array, Array], numerator: Array, denominator: Array, rounding: Array
    ) -> tuple[tuple[Array, Array], Any]:
        """Take one more numerator and denominator in, and read.

        Parameters
        ----------
        state : pair of arrays ``(*any, dimension)``
        numerator, denominator : array ``(*any, dimension)``
            Of one update; NaN where there was nothing to measure.
        rounding : array ``(*any, dimension)``
            Denominators up to this size are rounding.

        Returns
        -------
        state : pair of arrays
        reading : array ``(*any)``
        """
        keep = self.smoothing
        seen = np.isfinite(numerator) & np.isfinite(denominator)
        above = np.where(seen, keep * state[0] + (1 - keep) * numerator, state[0])
        below = np.where(seen, keep * state[1] + (1 - keep) * denominator, state[1])
        reading = self.reduce(above, below, rounding)
        return (above, below), np.where(seen.any(axis=-1), reading, np.nan)

    def reduce(self, numerator: Array, denominator: Array, rounding: Array) -> Any:
        """The ratios of all coordinates as one number; NaN where none has a denominator."""
        fine = np.abs(denominator) > rounding
        ratio = np.sort(np.where(fine, numerator / np.where(fine, denominator, 1), np.nan), axis=-1)
        # NaN is sorted to the end, behind the ratios that count.
        count = (~np.isnan(ratio)).sum(axis=-1, keepdims=True)
        cut = (count - 1) // 2 if self.kind == "median" else (self.trim * count).astype(int)
        place = np.arange(ratio.shape[-1])
        kept = (place >= cut) & (place < count - cut)
        total = np.where(kept, ratio, 0).sum(axis=-1)
        return np.where(count[..., 0] > 0, total / np.maximum(kept.sum(axis=-1), 1), np.nan)


def rounding_of(*points: Array) -> Array:
    """What displacements between these points, all of one shape, have of rounding.

    A point that is not finite counts as 0: with it there is nothing to measure.
    """
    size = np.abs(np.array(points)).max(axis=0)
    return np.asarray(_ROUNDING * np.where(np.isfinite(size), size, 0))


def aligned(points: Any, staleness: Any = None, back: int = 1) -> tuple[Any, Array, list[Array]]:
    """The versions around each gradient: the one it was computed at, the next, and those before.

    Parameters
    ----------
    points : array ``(updates + 1, *replicas, dimension)`` or a run that has them
        The point at which gradients are asked, before every update and after the last. A run of
        `simulate_queue` with ``record="all"`` brings its staleness along.
    staleness : int or int array ``(updates, *replicas)``, optional
        The age of the gradient of each update; negative where there was no update. By default the
        run's own, or 0.
    back : int
        How many versions before are wanted.

    Returns
    -------
    version : int array ``(updates, *replicas)``
        At which the gradient was computed.
    after : array ``(updates, *replicas, dimension)``
    earlier : list of arrays of the same shape
        The point at the version itself and the `back` versions before; NaN where there is none.

    Raises
    ------
    DomainError
        If a run has kept no points, or not every update.
    ShapeError
        If staleness does not fit the points.
    """
    points, staleness = _taken(points, staleness)
    updates, axes = len(points) - 1, points.shape[1:-1]
    ages = np.asarray(0 if staleness is None else staleness)
    try:
        ages = np.broadcast_to(ages if ages.ndim else ages[None], (updates, *axes))
    except ValueError as error:
        raise ShapeError(
            f"staleness has shape {ages.shape}, but {updates} updates of points "
            f"{points.shape[1:]} need one whole number or shape {(updates, *axes)}."
        ) from error
    step = np.arange(updates).reshape(-1, *(1,) * len(axes))
    version = np.where(ages >= 0, step - ages, -1)

    def at(shift: int) -> Array:
        index = (version + shift)[..., None]
        found = np.take_along_axis(points, np.maximum(index, 0), axis=0)
        return np.where((version[..., None] >= 0) & (index >= 0), found, np.nan)

    return version, at(1), [at(-shift) for shift in range(back + 1)]


def _taken(points: Any, staleness: Any) -> tuple[Array, Any]:
    if hasattr(points, "points"):
        run = points
        own = getattr(run, "staleness", 0)
        # A queue that kept no staleness kept the end alone.
        if run.points is None or own is None or getattr(run, "stride", 1) != 1:
            raise DomainError(
                "The run has not kept its point before every update, which a sensor needs; use "
                'record="all" and stride 1.'
            )
        points, staleness = run.points, own if staleness is None else staleness
    points = np.asarray(points, dtype=float)
    if points.ndim < 2 or len(points) < 2:
        raise ShapeError(
            f"points has shape {points.shape}, but must be (updates + 1, *replicas, dimension) "
            "with at least one update."
        )
    return points, staleness


def total_momentum(
    points: Any,
    gradients: Any,
    learning_rate: Any,
    *,
    staleness: Any = None,
    sensor: Sensor | None = None,
) -> Any:
    """YellowFin's measurement of total momentum, for every update of a run.

    With s the version at which the gradient of an update was computed, it is the median over the
    coordinates of

        (x_{s+1} − x_s + αg(x_s)) / (x_s − x_{s−1}).

    On a heavy ball without delay this is its momentum. On a stale one it is what `sensor_reading`
    answers: on slow modes the explicit momentum alone.

    Parameters
    ----------
    points : array ``(updates + 1, *replicas, dimension)`` or a run that has them
        As `aligned` takes them.
    gradients : array ``(updates, *replicas, dimension)`` or callable
        As they arrived, noise and all; or the problem's field, which is asked at the points.
    learning_rate : float
        α.
    staleness : int or int array ``(updates, *replicas)``, optional
    sensor : Sensor, optional
        By default the median, not smoothed.

    Returns
    -------
    array ``(updates, *replicas)``
        NaN where nothing can be measured: at version 0, which has no version before, and where all
        coordinates stand still. A coordinate that moves by less than 64 units in the last place is
        left out of the median, since its ratio is 0/0 or rounding.

    Raises
    ------
    DomainError
        If a run has kept no points.
    ShapeError
        If shapes do not fit.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, HeavyBall, Quadratic, simulate
    >>> ball, problem = HeavyBall(learning_rate=0.02, momentum=0.5), Quadratic([1.0, 0.5])
    >>> run = simulate(ball, problem, steps=200)
    >>> total_momentum(run, problem.field, 0.02)[-1].round(6)
    np.float64(0.5)
    """
    version, after, (here, before) = aligned(points, staleness)
    gradient = _gradients(gradients, here)
    return _read(
        after - here + learning_rate * gradient, here - before, (here, before), version, sensor
    )


def measured_implicit_momentum(
    points: Any,
    gradients: Any,
    learning_rate: Any,
    momentum: Any,
    *,
    staleness: Any = None,
    sensor: Sensor | None = None,
) -> Any:
    """The momentum that staleness begets, measured beside a known explicit one.

    With v_s = x_s − x_{s−1} and explicit momentum β it is the median over the coordinates of

        (v_{s+1} − βv_s + αg(x_s)) / (v_s − βv_{s−1} + αg(x_s)).

    On the mean path of M memoryless workers it is 1 − 1/M, exactly; on slow modes behind any delay
    of mean m it is m/(m + 1). But there numerator and denominator are smaller than v by two orders
    of αh: noise drowns them. Give it the mean over replicas, or a transient.

    Parameters
    ----------
    points, gradients, learning_rate, staleness, sensor
        As `total_momentum` takes them.
    momentum : float
        β, the explicit momentum.

    Returns
    -------
    array ``(updates, *replicas)``
        NaN where nothing can be measured: at versions 0 and 1, and where denominators are no more
        than the rounding of the points.

    Raises
    ------
    DomainError, ShapeError
        As `total_momentum` does.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, Quadratic, simulate
    >>> from momentum_dynamics.delays import FixedDelay
    >>> problem = Quadratic([1.0])
    >>> descent, delay = GradientDescent(learning_rate=0.01), FixedDelay(staleness=3)
    >>> run = simulate(descent, problem, steps=300, delay=delay)
    >>> measured_implicit_momentum(run, problem.field, 0.01, 0.0)[-1].round(2)
    np.float64(0.75)
    """
    version, after, (here, before, earlier) = aligned(points, staleness, back=2)
    push = learning_rate * _gradients(gradients, here)
    moved = here - before
    above = after - here - momentum * moved + push
    below = moved - momentum * (before - earlier) + push
    return _read(above, below, (here, before, earlier), version, sensor)


def _gradients(gradients: Callable[[Array], Array] | Any, here: Array) -> Array:
    if callable(gradients):
        return np.asarray(gradients(here), dtype=float)
    found = np.asarray(gradients, dtype=float)
    if found.shape != here.shape:
        raise ShapeError(
            f"gradients has shape {found.shape}, but the points make it {here.shape}: one gradient "
            "for each update, as it arrived."
        )
    return found


def _read(
    above: Array, below: Array, around: tuple[Array, ...], version: Any, sensor: Sensor | None
) -> Any:
    sensor = sensor or Sensor()
    rounding = rounding_of(*around)
    if sensor.smoothing == 0:
        seen = np.isfinite(above) & np.isfinite(below)
        return sensor.reduce(np.where(seen, above, 0), np.where(seen, below, 0), rounding)
    state = sensor.init(above.shape[1:])
    reading = np.empty(version.shape)
    for step in range(len(version)):
        state, reading[step] = sensor.update(state, above[step], below[step], rounding[step])
    return reading
