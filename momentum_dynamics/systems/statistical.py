"""A task and its exact mean loss: how many updates a target takes behind stale gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.paths import square_path
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import GLOSSARY, POSITIVE

__all__ = [
    "Task",
    "Tuned",
    "fewest_updates",
    "loss_path",
    "updates_to_target",
]

Array = NDArray[np.float64]

LONGEST = 2**17
"""Updates beyond which a target counts as out of reach."""
_PRECISION = 1e-8
"""The smallest target over the loss at the start: paths are known to about 1e-10 of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A quadratic loss to bring down: L(w) = Σ h w²/2 over its curvatures.

    Parameters
    ----------
    spectrum : sequence of float
        Curvatures, such as the smallest and the largest; positive.
    noise_variance : float
        Of every coordinate of one gradient, as the server gets it or, in a cluster, one node.
    target : float
        The mean loss to come down to, and to stay below; less than that at the start.
    start : float
        The displacement of every coordinate at the start.

    Examples
    --------
    >>> Task(spectrum=(0.1, 1.0), noise_variance=1.0, target=0.01).start_loss
    0.55
    """

    spectrum: Any
    noise_variance: float
    target: float
    start: float = 1.0

    def __post_init__(self) -> None:
        try:
            curvatures = np.array(self.spectrum, dtype=float)
        except (TypeError, ValueError) as error:
            raise DomainError(
                f"spectrum is {self.spectrum!r}, but must be a row of curvatures, such as "
                "(0.1, 1.0)."
            ) from error
        if curvatures.ndim != 1 or curvatures.size == 0:
            raise ShapeError(
                f"spectrum has shape {curvatures.shape}, but must be a row of curvatures such as "
                "(0.1, 1.0)."
            )
        if not POSITIVE.holds(curvatures):
            worst = curvatures[~((curvatures > 0) & (curvatures < np.inf))][0]
            raise DomainError(f"spectrum holds {worst}, but every curvature must lie in (0, ∞).")
        for name in ("noise_variance", "target", "start"):
            if np.ndim(getattr(self, name)):
                raise DomainError(f"{name} is {getattr(self, name)}, but must be one number.")
        GLOSSARY["noise_variance"].check(self.noise_variance)
        GLOSSARY["target"].check(self.target)
        if not 0 < abs(self.start) < np.inf:
            raise DomainError(f"start is {self.start}, but must be a finite number other than 0.")
        object.__setattr__(self, "spectrum", tuple(np.sort(curvatures).tolist()))
        if self.target >= self.start_loss:
            raise DomainError(
                f"target is {self.target:g}, but the loss is {self.start_loss:g} at the start, "
                "with nothing done; ask for less."
            )
        if self.target < _PRECISION * self.start_loss:
            raise DomainError(
                f"target is {self.target:g}, but paths are known only down to "
                f"{_PRECISION * self.start_loss:.3g}, {_PRECISION:g} of the loss at the start; ask "
                "for more."
            )

    @property
    def start_loss(self) -> float:
        """The loss before the first update."""
        return float(sum(self.spectrum)) * self.start**2 / 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuned:
    """The learning rate and the explicit momentum that bring a loss down soonest.

    Attributes
    ----------
    learning_rate, momentum : float
    updates : float
        How many updates it takes, between whole numbers as if the loss fell geometrically.
    """

    learning_rate: float
    momentum: float
    updates: float

    @property
    def method(self) -> HeavyBall:
        """The method with these settings."""
        return HeavyBall(learning_rate=self.learning_rate, momentum=self.momentum)


def loss_path(task: Task, method: HeavyBall, delay: Delay, steps: int) -> Array:
    """The mean loss after 0, 1, …, `steps` updates.

    Exact for the queue of memoryless workers, which a `GeometricDelay` stands for here, and for
    staleness that is independent from update to update, which other laws are taken to be.

    Parameters
    ----------
    task : Task
    method : HeavyBall
        Batch axes are answered setting by setting.
    delay : Delay
    steps : int

    Returns
    -------
    array ``(*batch, steps + 1)``
        Infinite for settings that grow.
    """
    workers = float(delay.workers) if isinstance(delay, GeometricDelay) else None
    parts = (
        curvature / 2 * square_path(
            method, curvature, delay, steps, noise_variance=task.noise_variance,
            start=task.start, workers=workers,
        )
        for curvature in task.spectrum
    )  # fmt: skip
    return np.asarray(sum(parts))


def updates_to_target(task: Task, method: HeavyBall, delay: Delay, steps: int) -> Array:
    """After how many updates the mean loss comes to stay at or below the target.

    Parameters
    ----------
    task : Task
    method : HeavyBall
        Batch axes are answered setting by setting.
    delay : Delay
    steps : int
        How many updates are looked at.

    Returns
    -------
    array ``(*batch,)``
        Between whole numbers as if the loss fell geometrically; infinite where it is not within
        `steps`.

    Examples
    --------
    >>> from momentum_dynamics import NoDelay
    >>> task = Task(spectrum=[1.0], noise_variance=0.0, target=0.05)
    >>> found = updates_to_target(task, HeavyBall(learning_rate=0.2, momentum=0.0), NoDelay(), 50)
    >>> round(float(found), 3), round(float(np.log(10) / -2 / np.log(0.8)), 3)
    (5.159, 5.159)
    """
    shape = np.broadcast_shapes(np.shape(method.learning_rate), np.shape(method.momentum))
    rates, momenta = (
        np.broadcast_to(np.asarray(value, dtype=float), shape).ravel()
        for value in (method.learning_rate, method.momentum)
    )
    found = np.empty(rates.size)
    together = max(1, _AT_ONCE // (steps + 1))
    for first in range(0, rates.size, together):
        part = slice(first, first + together)
        some = HeavyBall(learning_rate=rates[part], momentum=momenta[part])
        found[part] = [crossing(path, task.target) for path in loss_path(task, some, delay, steps)]
    return found.reshape(shape)


_AT_ONCE = 2**15
"""Settings times updates that are computed together: what stays in a processor's cache."""


def crossing(path: Array, target: float) -> float:
    """After how many updates a path comes to stay at or below the target; infinite if not."""
    above = np.flatnonzero(~(path <= target))
    if len(above) == 0:
        return 0.0
    last = int(above[-1])
    if last == len(path) - 1:
        return np.inf
    here, after = path[last], max(path[last + 1], np.finfo(float).tiny)
    return last + float(np.log(here / target) / np.log(here / after))


def fewest_updates(task: Task) -> float:
    """Updates that no method with fixed weights can do without, however it is tuned.

    From T noisy gradients a mode's solution is known up to a mean square of 1/(1/x² + h²T/σ²), bias
    and variance balanced; the answer is where the loss of all modes is the target.

    Examples
    --------
    >>> task = Task(spectrum=[1.0], noise_variance=4.0, target=0.05)
    >>> round(fewest_updates(task), 6)  # 1/(1 + T/4)/2 = 0.05
    36.0
    """
    if task.noise_variance == 0:
        return 0.0
    from scipy.optimize import brentq

    h = np.array(task.spectrum)

    def excess(updates: float) -> float:
        known = 1 / task.start**2 + h**2 * updates / task.noise_variance
        return float((h / known).sum()) / 2 - task.target

    most = task.noise_variance * float((1 / h).sum()) / (2 * task.target)
    return float(brentq(excess, 0.0, most, xtol=1e-9 * most))


def unreachable(task: Task, longest: float) -> DomainError:
    """The error that says that a target takes too long."""
    return DomainError(
        f"target {task.target:g} takes more than {int(longest):,} updates at every learning rate "
        f"and momentum that was tried, from a loss of {task.start_loss:g}; ask for more, or lower "
        "the noise."
    )
