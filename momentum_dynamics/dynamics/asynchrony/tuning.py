"""The best explicit momentum and learning rate on a queue of memoryless workers, by search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_dynamics.delays import GeometricDelay
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.notation import GLOSSARY

__all__ = ["TunedQueue", "tune_queue"]

_CURVATURES, _POINTS, _ZOOMS, _SHRINK = 5, 21, 14, 0.5
"""The search: curvatures of the spectrum, points along each axis, and how it closes in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TunedQueue:
    """A heavy ball that suits a number of workers.

    Attributes
    ----------
    method : HeavyBall
    rate : float
        The worst factor per update over the spectrum: of the mean, or the root of second moments'.
    workers : int
    sense : str
    """

    method: HeavyBall
    rate: float
    workers: int
    sense: str


def tune_queue(
    smallest_curvature: float,
    largest_curvature: float,
    *,
    workers: int,
    sense: str = "mean-square",
) -> TunedQueue:
    """Find the heavy ball with the best worst-case rate on M memoryless workers.

    Parameters
    ----------
    smallest_curvature, largest_curvature : float
        The ends of the spectrum, positive.
    workers : int
        M ≥ 1.
    sense : {"mean-square", "mean"}
        Which rate counts. Tuned for the mean, second moments explode as a rule.

    Returns
    -------
    TunedQueue
        Found by a grid over both parameters that closes in: to three digits of the momentum, since
        the optimum is flat, and to five of the rate.

    Raises
    ------
    DomainError
        If a number is not admissible.

    Examples
    --------
    >>> found = tune_queue(0.01, 1.0, workers=16)
    >>> round(found.method.momentum, 1), round(found.rate, 4)
    (-0.3, 0.9963)
    """
    require_order(smallest_curvature, largest_curvature, single=True)
    GLOSSARY["workers"].check(workers)
    if sense not in {"mean-square", "mean"}:
        raise DomainError(f"sense is {sense!r}, but must be 'mean-square' or 'mean'.")
    ends = np.geomspace(smallest_curvature / largest_curvature, 1.0, _CURVATURES)
    in_mean = sense == "mean"
    delay = GeometricDelay(workers=float(workers))

    def worst(momentum: Any, step: Any) -> Any:
        method = HeavyBall(learning_rate=step[:, None], momentum=momentum[:, None, None])
        if in_mean:
            return spectral_radius(method, ends, delay).max(axis=-1)
        moments = queue_moments(method, ends, workers=workers)
        return np.sqrt(moments.mean_square_rate.max(axis=-1))

    law = staleness.geometric_delay_step_limit if in_mean else staleness.queue_mean_square_limit
    largest = float(law(workers))
    low, high = np.array([-0.8, 0.02 * largest]), np.array([0.9, 2.0 * largest])
    for _ in range(_ZOOMS):
        momentum, step = (np.linspace(a, b, _POINTS) for a, b in zip(low, high, strict=True))
        rates = worst(momentum, step)
        i, j = np.unravel_index(np.argmin(rates), rates.shape)
        center, width = np.array([momentum[i], step[j]]), (high - low) * _SHRINK / 2
        low, high = center - width, center + width
        low[1] = max(low[1], 1e-9 * largest)
    best = HeavyBall(learning_rate=float(step[j]) / largest_curvature, momentum=float(momentum[i]))
    return TunedQueue(method=best, rate=float(rates[i, j]), workers=int(workers), sense=sense)
