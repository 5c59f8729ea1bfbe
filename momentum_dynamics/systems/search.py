"""Tuning: the learning rate and explicit momentum that take the fewest updates, and their price."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay, NoDelay
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.systems.clocks import ticks_for, updates_by_clock
from momentum_dynamics.systems.statistical import (
    LONGEST,
    Task,
    Tuned,
    fewest_updates,
    unreachable,
)

__all__ = ["statistical_efficiency", "tune_for"]

Array = NDArray[np.float64]


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
    learning rate over 1 − b and in 1 − b are tried, by ever smaller factors, and polished by a
    simplex. Where paths are long, a coarse clock that takes many updates as one leads this search;
    the updates of its end, and of a last polish, are exact. A setting counts if the loss then stays
    at the target for as long again as it took.

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
    best = _refined(task, law, best, steps)
    return best if best is not None and best.updates <= longest else None


_SHORTEST, _SLACK = 32, 1.1
_COARSE = (0.0, 0.5, 0.8, 0.95)
_LONG, _ROOM = 1024, 1.5
"""From so many steps on, no rate is tried whose floor of noise is so many times the target.
Without staleness the floor is a quarter of rate, variance and number of modes."""


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
        if steps > _LONG and task.noise_variance > 0:
            most = min(most, _ROOM * 4 * task.target / (len(losses) * task.noise_variance))
        least = min(max(float(needed.max()) / 2, most * 1e-6), most)
        for rate in np.geomspace(least, most, 7)[:-1]:
            yield float(rate), momentum


def _best_of(
    task: Task, delay: Any, settings: Any, steps: int, tick: int | None = None
) -> Tuned | None:
    """The soonest by this clock, by default by the coarsest that resolves a setting."""
    pairs = np.array(list(settings))
    momenta = pairs[:, 1]
    rates = pairs[:, 0] * (1 - momenta)
    ticks = ticks_for(task, pairs[:, 0], steps) if tick is None else np.full(len(pairs), tick)
    found = np.empty(len(pairs))
    for each in np.unique(ticks):
        part = ticks == each
        method = HeavyBall(learning_rate=rates[part], momentum=momenta[part])
        # As long again: an oscillation that dips below the target has not reached it.
        found[part] = updates_by_clock(task, method, delay, 2 * int(steps), int(each))
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


def _refined(task: Task, delay: Any, best: Tuned, steps: int) -> Tuned | None:
    """Searched by a coarse clock where the path is long; what is answered is exact.

    The best so far was seen by the clock for so many steps, or by a finer one.
    """
    seen_by, tick = (_tick(task, best, horizon) for horizon in (steps, best.updates))
    if tick > 1:
        seen = _best_of(task, delay, [_pair(best)], _surely(best), tick)
        if seen is not None:
            seen = _polished(task, delay, _stepped(task, delay, seen, tick), tick)
            # What momentum does within few ticks the clock does not see.
            rate = _pair(seen)[0]
            exact = _best_of(task, delay, [_pair(seen), (rate, 0.0)], _surely(seen), 1)
            if exact is not None:
                return _polished(task, delay, exact, 1, afforded=_AFTERWARDS, edge=_EDGE / 2)
    if seen_by > 1:
        around = (_pair(best), *_close_to(best))
        exact = _best_of(task, delay, around, 2 * _surely(best), 1)
        if exact is None:
            return None
        best = exact
    return _polished(task, delay, _stepped(task, delay, best, 1), 1)


def _tick(task: Task, tuned: Tuned, steps: float) -> int:
    return int(ticks_for(task, np.array([_pair(tuned)[0]]), steps)[0])


def _pair(tuned: Tuned) -> tuple[float, float]:
    """The effective learning rate and momentum."""
    return tuned.learning_rate / (1 - tuned.momentum), tuned.momentum


def _surely(tuned: Tuned) -> int:
    return math.ceil(_SLACK * tuned.updates)


def _stepped(task: Task, delay: Any, best: Tuned, tick: int) -> Tuned:
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
            found = _best_of(task, delay, around, math.ceil(best.updates), tick)
            if found is None or found.updates >= best.updates * (1 - _GAIN):
                break
            best = found
    return best


_EVALUATIONS, _EDGE = 80, 0.06
"""How often a polish looks, and how far it steps first."""
_AFFORDED, _AFTERWARDS = 2**19, 2**18
"""How many updates, or ticks, it looks at in all: where a path is short, and after a clock."""


def _polished(
    task: Task,
    delay: Any,
    best: Tuned,
    tick: int,
    *,
    afforded: int = _AFFORDED,
    edge: float = _EDGE,
) -> Tuned:
    """Nelder and Mead's descent: fast settings lie on a bent ridge, beside a cliff of ringing."""
    from scipy.optimize import minimize

    steps = math.ceil(best.updates)
    budget = min(_EVALUATIONS, afforded * tick // (2 * steps + 1))
    if steps < 2 or budget < 10:
        return best
    found = [best]

    def updates(logarithms: Array) -> float:
        rate, friction = np.exp(logarithms)
        if not _LEAST_FRICTION < friction < _MOST_FRICTION:
            return np.inf
        seen = _best_of(task, delay, [(rate, 1 - friction)], steps, tick)
        if seen is None:
            return np.inf
        found.append(seen)
        return seen.updates

    friction = 1 - best.momentum
    here = np.log([best.learning_rate / friction, friction])
    corners = here + edge * np.array([[0, 0], [1, 0], [0, 1]])
    options = {"maxfev": budget, "initial_simplex": corners, "fatol": 1e-3, "xatol": 1e-3}
    with np.errstate(invalid="ignore"):  # differences of infinities, in the rule to stop
        minimize(updates, here, method="Nelder-Mead", options=options)
    return min(found, key=lambda one: one.updates)


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
