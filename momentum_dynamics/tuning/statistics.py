"""What YellowFin measures on gradients: a range of curvatures, their noise, and a distance.

All of it is made of single numbers (the squared norm of the gradient, that of its average) and is
written once for Python's numbers, for arrays of them, and for the traced numbers of a compiler:
wherever the long arrays live, this is the tuner's arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import exp, for_floats, log, maximum, minimum, sqrt, where
from momentum_dynamics.tuning.rule import choose
from momentum_dynamics.tuning.states import restored

if TYPE_CHECKING:
    from momentum_dynamics.tuning.yellowfin import YellowFin

__all__ = [
    "OF_ARRAYS",
    "OF_FLOATS",
    "Arithmetic",
    "Averages",
    "Reading",
    "Tuned",
    "averages_of",
    "damped",
    "guarded",
    "read",
    "spread",
    "started",
    "tune",
]


class Averages(NamedTuple):
    """Exponential averages, all from 0: of ‖g‖², ‖g‖, the distance, the extremes, the density."""

    squared_norm: Scalar = 0.0
    norm: Scalar = 0.0
    distance: Scalar = 0.0
    largest: Scalar = 0.0
    smallest: Scalar = 0.0
    density: Scalar = 0.0


def averages_of(stored: Any) -> Averages:
    """Averages from a dictionary of numbers.

    Raises
    ------
    DomainError
        If one is missing, or is no number.
    """
    return restored(Averages, "the averages", stored, **dict.fromkeys(Averages._fields, float))


class Reading(NamedTuple):
    """The four measured numbers that the rule is fed."""

    h_min: Scalar
    h_max: Scalar
    variance: Scalar
    distance: Scalar


class Tuned(NamedTuple):
    """What a step uses: learning rate, momentum, and the factor that shortens the gradient."""

    learning_rate: Scalar
    momentum: Scalar
    clip: Scalar


def guarded(settings: YellowFin, step: Any, h_max: Scalar, squared_norm: Scalar) -> Scalar:
    """The factor that shortens a gradient before anything is measured on it.

    First to the fixed norm `clip_norm`, then, from step 2 on, to √(guard · h_max) of the step
    before.
    """
    factor: Scalar = 1.0
    norm = sqrt(squared_norm)
    if settings.clip_norm is not None:
        factor = damped(settings.clip_norm, norm, settings.floor)
    if settings.statistics_guard is not None:
        most = sqrt(settings.statistics_guard * h_max) + settings.floor
        guard = damped(most, factor * norm, settings.floor)
        factor = factor * where(step > 1, guard, 1.0)
    return factor


def damped(most: Scalar, norm: Scalar, floor: Scalar) -> Scalar:
    """The factor that brings a norm down to the most, 1 where it is no larger."""
    # A gradient of norm 0 needs no factor, and the comparison must not divide by it.
    longer = norm + floor > most
    return where(longer, most / where(longer, norm + floor, 1.0), 1.0)


def spread(square: Scalar, squared_average: Scalar, weight: Scalar, least: Scalar) -> Scalar:
    """The variance of the gradient, C = E‖g‖² − ‖E g‖², at least so much.

    Of the averages of ‖g‖² and of g, the latter squared, which have seen a weight.
    """
    return maximum(square / weight - squared_average / (weight * weight), least)


def started(step: Any, window: int) -> Scalar:
    """The share of the learning rate in a slow start, which ends after ten windows."""
    return minimum(1.0, (step + 1) / (10.0 * window))


def read(
    settings: YellowFin,
    averages: Averages,
    step: Any,
    squared_norm: Scalar,
    squared_average: Scalar,
    extremes: tuple[Scalar, Scalar],
    density: Scalar = 1.0,
    seen: Scalar | None = None,
) -> tuple[Averages, Reading]:
    """Take one gradient in.

    Parameters
    ----------
    settings : YellowFin
    averages : Averages
    step : int
        0 for the first gradient.
    squared_norm, squared_average : float
        ‖g‖², and the squared norm of the exponential average of g, this g included.
    extremes : pair of float
        The least and the largest ‖g‖² of the window.
    density : float
        The share of coordinates of the gradient that are not 0.
    seen : float, optional
        1 − keep^(step + 1), from whoever has it more precisely than the subtraction gives it: in
        single precision that is left with four digits in the first steps.
    """
    keep, floor = settings.smoothing, settings.floor
    take = 1 - keep
    least, most = extremes
    if settings.log_smoothing:
        least, most = log(least + floor), log(most + floor)
    square = keep * averages.squared_norm + take * squared_norm
    norm = keep * averages.norm + take * sqrt(squared_norm)
    now = Averages(
        square,
        norm,
        keep * averages.distance + take * norm / (square + floor),
        keep * averages.largest + take * most,
        keep * averages.smallest + take * least,
        keep * averages.density + take * density,
    )
    if seen is None:
        seen = 1 - keep ** (step + 1)
    weight = seen if settings.zero_debias else 1.0
    h_min, h_max = now.smallest / weight, now.largest / weight
    if settings.log_smoothing:
        h_min, h_max = exp(h_min), exp(h_max)
    variance = spread(square, squared_average, weight, floor)
    distance = now.distance / weight
    if settings.sparsity_debias:
        share = now.density / seen
        h_min, h_max, variance = h_min * share, h_max * share, variance * share
        distance = distance / (sqrt(share) + floor)
    return now, Reading(h_min, h_max, variance, distance)


def tune(
    settings: YellowFin,
    step: Any,
    earlier: Scalar,
    squared_norm: Scalar,
    reading: Reading,
    factor: Scalar | None = None,
) -> Tuned:
    """The rule on what was read, and the safeguards after it.

    Parameters
    ----------
    settings : YellowFin
    step : int
    earlier : float
        h_max of the step before.
    squared_norm : float
        Of the gradient that was read.
    reading : Reading
    factor : float, optional
        On the learning rate; by default that of the settings. Groups of parameters have their own.
    """
    floor = settings.floor
    released = settings.root == "released"
    low = reading.h_min + floor
    chosen = choose(
        h_max=maximum(reading.h_max + floor, (1 + floor) * low),
        h_min=low,
        variance=reading.variance + floor,
        distance=reading.distance + floor,
        released=floor if released else None,
    )
    rate: Scalar = chosen.learning_rate
    if settings.slow_start:
        rate = rate * started(step, settings.window)
    first = step == 0
    rate = where(first, settings.initial_learning_rate, rate)
    rate = rate * (settings.learning_rate_factor if factor is None else factor)
    momentum = where(first, settings.initial_momentum, chosen.momentum)
    norm = sqrt(squared_norm)
    if settings.largest_move is not None:
        far = rate * norm >= settings.largest_move
        rate = where(far, settings.largest_move / sqrt(squared_norm + floor), rate)
    clip: Scalar = 1.0
    if settings.adaptive_clip:
        spike = (step > 0) & (squared_norm >= earlier)
        clip = where(spike, damped(sqrt(earlier) + floor, norm, floor), 1.0)
    return Tuned(rate, momentum, clip)


class Arithmetic(NamedTuple):
    """The three steps of this module in one reading."""

    guarded: Callable[..., Scalar]
    read: Callable[..., tuple[Averages, Reading]]
    tune: Callable[..., Tuned]


OF_FLOATS = Arithmetic(for_floats(guarded), for_floats(read), for_floats(tune))
OF_ARRAYS = Arithmetic(guarded, read, tune)
