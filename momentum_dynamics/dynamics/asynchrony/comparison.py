"""Remedies against staleness side by side: rates, noise floors, largest steps; no simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.methods.remedies import (
    DelayAdaptive,
    DelayCompensated,
    InverseStaleness,
    StalenessWeighted,
    StaleThreshold,
    WorkerMomentum,
)
from momentum_dynamics.notation import GLOSSARY

__all__ = ["RemedyTable", "compare_remedies", "remedy_limit", "usual_remedies"]

Array = NDArray[np.float64]
Remedy = Callable[[float], Any]
"""From a learning rate to what the server does."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RemedyTable:
    """Remedies on M memoryless workers, one a row.

    Attributes
    ----------
    names : tuple of str
    workers : int
    smallest_curvature, largest_curvature : float
    largest_step : array ``(remedies,)``
        The largest learning rate times the largest curvature that is stable in mean square.
    learning_rate : array
        With the best mean-square rate over both ends of the spectrum.
    root_mean_square_rate, mean_rate : array
        At that learning rate, the worst factor per update of root mean squares, and of means.
    noise_floor : array
        The expected loss at rest, each remedy at a learning rate that makes it as fast in root
        mean square on the smallest curvature as `speed` says, over that of gradient descent with
        one worker; NaN where a remedy is never as fast.
    speed : float
        The common factor per update.
    """

    names: tuple[str, ...]
    workers: int
    smallest_curvature: float
    largest_curvature: float
    largest_step: Array
    learning_rate: Array
    root_mean_square_rate: Array
    mean_rate: Array
    noise_floor: Array
    speed: float

    def __repr__(self) -> str:
        """One line."""
        return f"<RemedyTable: {len(self.names)} remedies on {self.workers} workers>"

    def __str__(self) -> str:
        """Return the table, of moments that `queue_moments` answers."""
        width = max(map(len, self.names))
        head = f"{'remedy':<{width}}  mean rate  mean-square  floor  largest step"
        told = (
            f"{self.workers} workers, curvatures from {self.smallest_curvature:g} to "
            f"{self.largest_curvature:g}; exact second moments. Rates are factors per update of "
            f"the mean and of root mean squares; floors are at the rate {self.speed:.5f}, over one "
            "worker's; steps are learning rates times the largest curvature."
        )
        columns = (self.mean_rate, self.root_mean_square_rate, self.noise_floor, self.largest_step)
        rows = [
            f"{name:<{width}}  {mean:9.5f}  {square:11.5f}  {floor:5.2f}  {step:12.4f}"
            for name, mean, square, floor, step in zip(self.names, *columns, strict=True)
        ]
        return "\n".join([head, *rows, told])


def usual_remedies(
    workers: int, smallest_curvature: float, largest_curvature: float, *, momentum: float = 0.5
) -> dict[str, Remedy]:
    """The remedies of the literature, each as a function of the learning rate.

    Parameters
    ----------
    workers : int
        M: thresholds stand at the mean staleness M − 1.
    smallest_curvature, largest_curvature : float
        Which lowered momentum is tuned for.
    momentum : float
        β of those remedies that keep momentum.

    Returns
    -------
    dict
        By name; what `compare_remedies` compares.
    """
    lowered = tune_queue(smallest_curvature, largest_curvature, workers=workers).method.momentum

    def weighted(weight: Any, rate: float) -> StalenessWeighted:
        return StalenessWeighted(method=GradientDescent(learning_rate=rate), weight=weight)

    def compensated(share: float, rate: float) -> DelayCompensated:
        return DelayCompensated(method=GradientDescent(learning_rate=rate), compensation=share)

    last = workers - 1
    return {
        "none": lambda rate: GradientDescent(learning_rate=rate),
        f"momentum {momentum:g}": lambda rate: HeavyBall(learning_rate=rate, momentum=momentum),
        f"momentum {lowered:.2f}, tuned": lambda rate: HeavyBall(
            learning_rate=rate, momentum=lowered
        ),
        "rate over age": partial(weighted, InverseStaleness()),
        "delay-adaptive rate": partial(weighted, DelayAdaptive(largest=last)),
        "half rate beyond M - 1": partial(weighted, StaleThreshold(largest=last, weight=0.5)),
        "dropped beyond M - 1": partial(weighted, StaleThreshold(largest=last)),
        "compensated by half": partial(compensated, 0.5),
        "compensated in full": partial(compensated, 1.0),
        f"shifted momentum {momentum:g}": lambda rate: WorkerMomentum(
            learning_rate=rate, momentum=momentum, lookahead=0
        ),
        f"look-ahead {momentum:g}": lambda rate: WorkerMomentum(
            learning_rate=rate, momentum=momentum
        ),
    }


def remedy_limit(remedy: Remedy, curvature: float, *, workers: int) -> float:
    """The largest learning rate that is stable in mean square on one curvature.

    Parameters
    ----------
    remedy : callable
        From a learning rate to what the server does.
    curvature : float
        Positive.
    workers : int

    Returns
    -------
    float
        The end of the first stable interval, as far as steps that grow by a quarter show one;
        infinite if there is none below 1000 over the curvature.

    Raises
    ------
    DomainError
        If no small learning rate is stable.

    Examples
    --------
    >>> from momentum_dynamics import DelayCompensated, GradientDescent
    >>> def half(rate):
    ...     return DelayCompensated(method=GradientDescent(learning_rate=rate), compensation=0.5)
    >>> [round(remedy_limit(half, 1.0, workers=count), 6) for count in (1, 4, 100)]
    [2.0, 2.0, 2.0]
    """

    def excess(share: float) -> float:
        moments = queue_moments(remedy(share / curvature), curvature, workers=workers)
        return float(np.max(moments.mean_square_rate)) - 1

    high = _SMALLEST / math.sqrt(workers)
    if not excess(high) < 0:
        raise DomainError(
            f"The remedy is unstable at the learning rate {high / curvature:.3g} already; give one "
            "that descends with small steps."
        )
    while excess(high) < 0:
        high *= _GROWTH
        if high > _LARGEST:
            return math.inf
    from scipy.optimize import brentq

    return float(brentq(excess, high / _GROWTH, high, rtol=1e-10)) / curvature


_SMALLEST, _GROWTH, _LARGEST = 0.02, 1.25, 1000.0


def compare_remedies(
    workers: int,
    smallest_curvature: float,
    largest_curvature: float,
    *,
    momentum: float = 0.5,
    remedies: Mapping[str, Remedy] | None = None,
) -> RemedyTable:
    """Compare remedies against staleness on M memoryless workers by exact second moments.

    Parameters
    ----------
    workers : int
        M ≥ 1.
    smallest_curvature, largest_curvature : float
        The ends of the spectrum, positive; a quadratic with both is what is run.
    momentum : float
        β of the usual remedies that keep momentum.
    remedies : mapping, optional
        Names to functions of the learning rate; `usual_remedies` by default. The first is what
        speeds are compared with: floors are taken where a remedy is half as fast as the first is
        at its best.

    Returns
    -------
    RemedyTable
        Print it.

    Raises
    ------
    DomainError
        If a number is not admissible, or there is no remedy.

    Examples
    --------
    >>> from momentum_dynamics import DelayCompensated, GradientDescent
    >>> def full(rate):
    ...     return DelayCompensated(method=GradientDescent(learning_rate=rate), compensation=1.0)
    >>> remedies = {"none": lambda rate: GradientDescent(learning_rate=rate), "full": full}
    >>> print(str(compare_remedies(4, 0.01, 1.0, remedies=remedies)).rsplit(chr(10), 1)[0])
    remedy  mean rate  mean-square  floor  largest step
    none    0.99183      0.99183   1.75        0.8431
    full    0.98020      0.98020   1.00        2.0000
    """
    require_order(smallest_curvature, largest_curvature, single=True)
    GLOSSARY["workers"].check(workers)
    if remedies is None:
        remedies = usual_remedies(workers, smallest_curvature, largest_curvature, momentum=momentum)
    if not remedies:
        raise DomainError("There is no remedy to compare; give at least one.")
    case = _Case(workers=workers, low=float(smallest_curvature), high=float(largest_curvature))
    limits = [remedy_limit(make, case.high, workers=workers) for make in remedies.values()]
    rates = [case.best(make, limit) for make, limit in zip(remedies.values(), limits, strict=True)]
    squares = [case.rate(make(rate)) for make, rate in zip(remedies.values(), rates, strict=True)]
    speed = 1 - (1 - squares[0]) * _SHARE
    alone = case.floor(GradientDescent(learning_rate=(1 - speed) / case.low), workers=1)
    floors = [
        case.floor_at(make, rate, speed) / alone
        for make, rate in zip(remedies.values(), rates, strict=True)
    ]
    means = [
        case.mean_rate(make(rate)) for make, rate in zip(remedies.values(), rates, strict=True)
    ]
    return RemedyTable(
        names=tuple(remedies), workers=int(workers), smallest_curvature=case.low,
        largest_curvature=case.high, largest_step=np.array(limits) * case.high,
        learning_rate=np.array(rates), root_mean_square_rate=np.array(squares),
        mean_rate=np.array(means), noise_floor=np.array(floors), speed=speed,
    )  # fmt: skip


_SHARE = 0.5
"""How fast remedies are when their floors are compared, against the best of the first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Case:
    """Workers and two curvatures that a remedy is tried on."""

    workers: int
    low: float
    high: float

    def rate(self, method: Any, *curvatures: float) -> float:
        """The worst factor per update of root mean squares."""
        found = [
            np.max(queue_moments(method, h, workers=self.workers).mean_square_rate)
            for h in curvatures or (self.low, self.high)
        ]
        return math.sqrt(max(map(float, found)))

    def mean_rate(self, method: Any) -> float:
        return max(
            float(np.max(queue_moments(method, h, workers=self.workers).mean_rate))
            for h in (self.low, self.high)
        )

    def best(self, make: Remedy, limit: float) -> float:
        """The learning rate with the best rate, below a limit."""
        from scipy.optimize import minimize_scalar

        end = min(limit, _LARGEST / self.high)
        found = minimize_scalar(
            lambda share: self.rate(make(share * end)), bounds=(0.02, 1.0), method="bounded",
            options={"xatol": 1e-4},
        )  # fmt: skip
        return float(found.x) * end

    def floor(self, method: Any, *, workers: int) -> float:
        """The expected loss at rest, over both curvatures, for noise of variance 1."""
        return sum(
            h / 2 * float(queue_moments(
                method, h, workers=workers, noise_variance=1.0
            ).stationary_variance)
            for h in (self.low, self.high)
        )  # fmt: skip

    def floor_at(self, make: Remedy, best: float, speed: float) -> float:
        """The floor where the slow end has a rate; NaN where it has not."""
        from scipy.optimize import brentq

        def excess(rate: float) -> float:
            return self.rate(make(rate), self.low) - speed

        if excess(best) > 0:
            return math.nan
        rate = float(brentq(excess, best * 1e-4, best, rtol=1e-8))
        if self.rate(make(rate)) >= 1:
            return math.nan
        return self.floor(make(rate), workers=self.workers)
