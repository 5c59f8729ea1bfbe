"""Statistical efficiency: how many updates a target takes behind stale gradients, tuned for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay, NoDelay
from momentum_dynamics.dynamics.asynchrony.paths import square_path
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import GLOSSARY, POSITIVE

__all__ = [
    "Task",
    "Tuned",
    "fewest_updates",
    "loss_path",
    "statistical_efficiency",
    "tune_for",
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
        found[part] = [_crossing(path, task.target) for path in loss_path(task, some, delay, steps)]
    return found.reshape(shape)


_AT_ONCE = 2**15
"""Settings times updates that are computed together: what stays in a processor's cache."""


def _crossing(path: Array, target: float) -> float:
    above = np.flatnonzero(~(path <= target))
    if len(above) == 0:
        return 0.0
    last = int(above[-1])
    if last == len(path) - 1:
        return np.inf
    here, after = path[last], max(path[last + 1], np.finfo(float).tiny)
    return last + float(np.log(here / target) / np.log(here / after))


class _Table:
    """A law of staleness that remembers its longest row of probabilities."""

    def __init__(self, delay: Any) -> None:
        self.delay = delay
        self.row = np.zeros(0)

    def probabilities(self, count: int) -> Array:
        if count > len(self.row):
            self.row = np.asarray(self.delay.probabilities(2 * count))
        return self.row[:count]


def tune_for(
    task: Task, delay: Delay | None = None, *, near: Tuned | None = None, longest: float = LONGEST
) -> Tuned | None:
    """Learning rate and explicit momentum that reach a target in the fewest updates.

    Parameters
    ----------
    task : Task
        With the noise of a gradient as the server gets it.
    delay : Delay, optional
        The staleness law; by default none.
    near : Tuned, optional
        A guess to begin with, such as the answer for another law.
    longest : float
        How many updates are too many.

    Returns
    -------
    Tuned or None
        None if no setting reaches the target within `longest` updates.

    Notes
    -----
    The horizon doubles until a coarse grid has a setting that reaches the target. Then steps in the
    learning rate over 1 − b and in 1 − b are tried, by ever smaller factors, on exact paths; short
    ones are then polished by a simplex. A setting counts if the loss then stays at the target for
    as long again as it took.

    Examples
    --------
    >>> found = tune_for(Task(spectrum=[0.1, 1.0], noise_variance=0.0, target=1e-4))
    >>> found.updates < 15, 0.2 < found.momentum < 0.4
    (True, True)
    """
    law: Any = NoDelay() if delay is None else delay
    if not isinstance(law, GeometricDelay | NoDelay):
        law = _Table(law)
    least = fewest_updates(task)
    if least > longest:
        return None
    steps, best = max(_SHORTEST, math.ceil(least)), None
    if near is not None:
        steps = int(min(max(steps, _SLACK * near.updates), 2 * longest))
        best = _best_of(task, law, (*_close_to(near), *_grid(task, steps)), steps)
    while best is None and steps <= 2 * longest:  # the coarse grid may miss what is just in time
        best = _best_of(task, law, _grid(task, steps), steps)
        steps *= 2
    if best is None:
        return None
    best = _refined(task, law, best)
    return best if best.updates <= longest else None


_SHORTEST, _SLACK = 32, 1.1
_COARSE = (0.0, 0.5, 0.8, 0.95)


def _close_to(near: Tuned) -> Iterator[tuple[float, float]]:
    rate = near.learning_rate / (1 - near.momentum)
    for momentum in (near.momentum, near.momentum / 2, 0.0):
        for factor in (1 / 1.5, 1, 1.2):
            yield factor * rate, momentum


def _grid(task: Task, steps: int) -> Iterator[tuple[float, float]]:
    """Settings that could be fast enough: effective learning rates and momenta."""
    losses = np.array(task.spectrum) * task.start**2 / 2
    needed = np.maximum(np.log(losses / task.target), 0) / (2 * np.array(task.spectrum) * steps)
    for momentum in _COARSE:
        most = 2 * (1 + momentum) / (1 - momentum) / max(task.spectrum)
        least = min(max(float(needed.max()) / 2, most * 1e-6), most)
        for rate in np.geomspace(least, most, 7)[:-1]:
            yield float(rate), momentum


def _best_of(task: Task, delay: Any, settings: Any, steps: int) -> Tuned | None:
    pairs = np.array(list(settings))
    momenta = pairs[:, 1]
    rates = pairs[:, 0] * (1 - momenta)
    # Looked at for as long again: an oscillation that dips below the target has not reached it.
    method = HeavyBall(learning_rate=rates, momentum=momenta)
    found = updates_to_target(task, method, delay, 2 * int(steps))
    least = int(found.argmin())
    if found[least] > steps:
        return None
    return Tuned(
        learning_rate=float(rates[least]),
        momentum=float(momenta[least]),
        updates=float(found[least]),
    )


_FACTORS = (1.6, 1.25, 1.1, 1.04)
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (-1, -1), (1, 1), (1, -1), (-1, 1))
_ROUNDS, _LEAST_FRICTION, _MOST_FRICTION = 12, 1e-3, 1.99
_GAIN = 1e-3


def _refined(task: Task, delay: Any, best: Tuned) -> Tuned:
    """Steps in the effective learning rate and the friction 1 − b by the same factors.

    Both are what a time scale is made of: at b = 0.97 a step of 0.01 in b is a large one.
    """
    for factor in _FACTORS:
        for _ in range(_ROUNDS):
            friction = 1 - best.momentum
            rate = best.learning_rate / friction
            around = [
                (rate * factor**i, 1 - friction * factor**k)
                for i, k in _DIRECTIONS
                if _LEAST_FRICTION < friction * factor**k < _MOST_FRICTION
            ]
            found = _best_of(task, delay, around, int(np.ceil(best.updates)))
            if found is None or found.updates >= best.updates * (1 - _GAIN):
                break
            best = found
    return _polished(task, delay, best)


_EVALUATIONS, _AFFORDED, _EDGE = 80, 2**19, 0.06
"""How often a polish looks, how many updates in all of it at most, how far it steps first."""


def _polished(task: Task, delay: Any, best: Tuned) -> Tuned:
    """Nelder and Mead's descent: fast settings lie on a bent ridge, beside a cliff of ringing."""
    from scipy.optimize import minimize

    steps = int(np.ceil(best.updates))
    budget = min(_EVALUATIONS, _AFFORDED // (2 * steps + 1))
    if steps < 2 or budget < 10:
        return best
    found = [best]

    def updates(logarithms: Array) -> float:
        rate, friction = np.exp(logarithms)
        if not _LEAST_FRICTION < friction < _MOST_FRICTION:
            return np.inf
        seen = _best_of(task, delay, [(rate, 1 - friction)], steps)
        if seen is None:
            return np.inf
        found.append(seen)
        return seen.updates

    friction = 1 - best.momentum
    here = np.log([best.learning_rate / friction, friction])
    corners = here + _EDGE * np.array([[0, 0], [1, 0], [0, 1]])
    options = {"maxfev": budget, "initial_simplex": corners, "fatol": 1e-3, "xatol": 1e-3}
    with np.errstate(invalid="ignore"):  # differences of infinities, in the rule to stop
        minimize(updates, here, method="Nelder-Mead", options=options)
    return min(found, key=lambda one: one.updates)


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


def statistical_efficiency(task: Task, delay: Delay, *, longest: float = LONGEST) -> float:
    """How many times the updates a target takes behind stale gradients, over fresh ones.

    Learning rate and explicit momentum are tuned for each.

    Parameters
    ----------
    task : Task
    delay : Delay
    longest : float
        How many updates are too many.

    Returns
    -------
    float
        Infinite where stale gradients do not get there.

    Raises
    ------
    DomainError
        If fresh gradients do not reach the target.

    Examples
    --------
    >>> task = Task(spectrum=(0.1, 1.0), noise_variance=1.0, target=0.05)
    >>> 1.1 < statistical_efficiency(task, GeometricDelay(workers=32)) < 1.5
    True
    """
    fresh = tune_for(task, longest=longest)
    if fresh is None:
        raise unreachable(task, longest)
    stale = tune_for(task, delay, near=fresh, longest=longest)
    return np.inf if stale is None else stale.updates / fresh.updates


def unreachable(task: Task, longest: float) -> DomainError:
    """The error that says that a target takes too long."""
    return DomainError(
        f"target {task.target:g} takes more than {int(longest):,} updates at every learning rate "
        f"and momentum that was tried, from a loss of {task.start_loss:g}; ask for more, or lower "
        "the noise."
    )
