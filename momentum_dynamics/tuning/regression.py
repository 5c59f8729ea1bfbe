"""Mean dynamics fitted to paths by least squares: a gain, and one or two lag poles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.tuning.sensors import aligned

__all__ = ["MeanDynamics", "fit_mean_dynamics"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanDynamics:
    """A recursion of the mean displacement, as fitted.

    Attributes
    ----------
    lag_poles : complex array ``(lags,)``
        The momenta, largest modulus first: one of heavy ball, explicit and implicit of a queue.
    learning_rate : float
        The gain of the gradient: α/M of a queue with M workers.
    condition_number : float
        Of the regressors, scaled to equal size. Where it is large, as on one slow mode, the split
        into momentum and gain rests on the last digits.
    residual : float
        What is left of the displacements, root mean square over their own.
    """

    lag_poles: Array
    learning_rate: float
    condition_number: float
    residual: float

    @property
    def total_momentum(self) -> Any:
        """The one momentum of a fit with one lag; with several lags there is none, hence NaN."""
        return float(self.lag_poles[0].real) if len(self.lag_poles) == 1 else np.nan


def fit_mean_dynamics(points: Any, gradients: Any, *, lags: int = 1) -> MeanDynamics:
    """Fit E v_{t+1} = c₁ E v_t + c₂ E v_{t−1} − α' E g(x_t) by least squares.

    With one lag c₁ is the total momentum of heavy ball, or 1 − 1/M of stale gradient descent. With
    explicit momentum β on M memoryless workers there are two lags, c₁ = β + μ and c₂ = −βμ with
    μ = 1 − 1/M and gain α/M: no single number is the total momentum.

    Parameters
    ----------
    points : array ``(updates + 1, *replicas, dimension)`` or a run that has them
    gradients : array ``(updates, *replicas, dimension)`` or callable
        At the point before each update, fresh; or the problem's field.
    lags : {1, 2}

    Returns
    -------
    MeanDynamics

    Raises
    ------
    DomainError
        If `lags` is another number, or the path is too short or does not move.
    ShapeError
        If shapes do not fit.

    Notes
    -----
    Replicas are averaged before the fit. The fit of one noisy path is biased: what is left over,
    gradient noise and the draw of the read, acts on regressors of later updates.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, Quadratic, simulate
    >>> problem = Quadratic([1.0, 0.1])
    >>> run = simulate(HeavyBall(learning_rate=0.1, momentum=0.6), problem, steps=100)
    >>> found = fit_mean_dynamics(run, problem.field)
    >>> round(found.total_momentum, 6), round(found.learning_rate, 6)
    (0.6, 0.1)
    """
    if lags not in {1, 2}:
        raise DomainError(f"lags is {lags!r}, but must be 1 or 2.")
    _, after, earlier = aligned(points, 0, back=lags)
    here = earlier[0]
    pushes = gradients(here) if callable(gradients) else np.asarray(gradients, dtype=float)
    versions = [after, *earlier]
    moves = [_mean(new - old) for new, old in pairwise(versions)]
    answer, *moved = (move[lags:].ravel() for move in moves)
    regressors = np.stack([*moved, -_mean(pushes)[lags:].ravel()], axis=1)
    scale = np.linalg.norm(regressors, axis=0)
    if len(regressors) < lags + 1 or not np.isfinite(scale).all() or not scale.all():
        raise DomainError(
            f"The path gives {len(regressors)} equations of sizes {scale}, but {lags + 1} that are "
            "finite and not zero are needed; run longer, and from a point that is no solution."
        )
    found, *_ = np.linalg.lstsq(regressors / scale, answer, rcond=None)
    left = answer - regressors / scale @ found
    found = found / scale
    return MeanDynamics(
        lag_poles=_by_size(np.roots([1, *-found[:lags]])),
        learning_rate=float(found[-1]),
        condition_number=float(np.linalg.cond(regressors / scale)),
        residual=float(np.linalg.norm(left) / np.linalg.norm(answer)),
    )


def _mean(values: Array) -> Array:
    """Over the replicas."""
    return values.mean(axis=tuple(range(1, values.ndim - 1)))


def _by_size(poles: Any) -> Any:
    return poles[np.argsort(-np.abs(poles))]
