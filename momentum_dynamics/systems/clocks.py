"""A coarse clock: many updates taken as one, to look at long paths while settings are searched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import GeometricDelay
from momentum_dynamics.dynamics.asynchrony.paths import thinned_path
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.systems.statistical import Task, crossing, updates_to_target

__all__: list[str] = []

Array = NDArray[np.float64]

_RESOLVED = 512
"""How many ticks a path takes at least: a tick more or less is a small part of it."""
_SMALL = 1 / 16
"""A tick's learning rate times the largest curvature at most: its updates see one gradient."""


def ticks_for(task: Task, rates: Array, steps: float) -> NDArray[np.int64]:
    """How many updates may be one tick, a power of two, by effective learning rate and horizon."""
    most = np.minimum(steps / _RESOLVED, _SMALL / (np.asarray(rates) * max(task.spectrum)))
    return np.asarray(2 ** np.floor(np.log2(np.maximum(most, 1))).astype(np.int64))


def updates_by_clock(task: Task, method: HeavyBall, delay: Any, steps: int, tick: int) -> Array:
    """`updates_to_target` where so many updates are one, of their noise's average.

    The effective learning rate α/(1 − b) is that of all of them, momentum b becomes their power,
    ages are counted in ticks, split between whole numbers. Deviations by random staleness average
    as noise does.

    Parameters
    ----------
    task : Task
    method : HeavyBall
        With one batch axis.
    delay : Delay
    steps : int
        How many updates are looked at.
    tick : int
        From 1; 1 is exact.

    Returns
    -------
    array ``(batch,)``

    Examples
    --------
    >>> from momentum_dynamics import GeometricDelay
    >>> task = Task(spectrum=[1.0], noise_variance=40.0, target=0.01)
    >>> method = HeavyBall(learning_rate=np.array([4e-4]), momentum=np.array([0.5]))
    >>> delay = GeometricDelay(workers=200)
    >>> exact, coarse = (updates_by_clock(task, method, delay, 9000, c)[0] for c in (1, 16))
    >>> bool(exact > 3000), bool(abs(coarse / exact - 1) < 0.01)
    (True, True)
    """
    if tick == 1:
        return updates_to_target(task, method, delay, steps)
    momenta = np.asarray(method.momentum)
    powers = np.maximum(momenta, 0) ** tick
    rates = np.asarray(method.learning_rate) / (1 - momenta) * tick * (1 - powers)
    coarse = HeavyBall(learning_rate=rates, momentum=powers)
    chances = _in_ticks(np.asarray(delay.probabilities(steps + 1)), tick)
    workers = delay.workers / tick if isinstance(delay, GeometricDelay) else None
    paths: Any = sum(
        curvature / 2 * thinned_path(
            coarse, curvature, chances, noise_variance=task.noise_variance / tick,
            start=task.start, workers=workers, thinned=1 / tick,
        )
        for curvature in task.spectrum
    )  # fmt: skip
    return tick * np.array([crossing(path, task.target) for path in paths])


def _in_ticks(chances: Array, tick: int) -> Array:
    """The law of age/tick, each value split between the whole numbers about it."""
    below, rest = np.divmod(np.arange(len(chances)), tick)
    count = int(below[-1]) + 1
    share = rest / tick
    lower = np.bincount(below, weights=(1 - share) * chances, minlength=count + 1)
    upper = np.bincount(below + 1, weights=share * chances, minlength=count + 1)
    return np.asarray((lower + upper)[:count])
