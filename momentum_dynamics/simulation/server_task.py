"""What a worker does: one gradient, wherever the executor runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import ShapeError
from momentum_dynamics.problems import Problem
from momentum_dynamics.simulation.noise import stream

__all__ = ["Job", "Work", "hold", "release", "run_task"]

Array = NDArray[np.float64]

Work: TypeAlias = Callable[[Any, Array, np.random.Generator], Any]
"""How a gradient is computed: from the problem, the point that was read, and a generator."""

_GRADIENT, _SLEEP = 0, 1
"""The streams of one task: a law of service times does not change the samples that are drawn."""

_MOST = 8
"""So many jobs does a process hold: those of runs that ended make room."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What all tasks of a run have in common.

    Attributes
    ----------
    problem : Problem
    work : Work or None
        None for the problem's own gradient.
    batch_size : int or None
        How many samples of the data one gradient takes; None for all.
    service : law of times or None
        How many seconds a task sleeps before it computes.
    root : SeedSequence
    """

    problem: Problem
    work: Work | None
    batch_size: int | None
    service: Any
    root: np.random.SeedSequence

    def gradient(self, number: int, point: Array) -> Array:
        """The gradient of one task, whose number is all its random draws depend on."""
        problem: Any = self.problem
        with np.errstate(all="ignore"):
            if self.work is not None:
                found = self.work(problem, point, stream(self.root, number, _GRADIENT))
            elif self.batch_size is not None:
                rng = stream(self.root, number, _GRADIENT)
                chosen = rng.integers(len(problem.y), size=self.batch_size)
                found = problem.batch_field(point, chosen)
            else:
                found = problem.field(point)
        gradient = np.array(found, dtype=float)
        if gradient.shape != point.shape:
            raise ShapeError(
                f"The gradient has shape {gradient.shape}, but the point has {point.shape}; return "
                "one number for each coordinate."
            )
        return gradient

    def pause(self, number: int) -> None:
        """Sleep for the service time of one task."""
        if self.service is not None:
            drawn = self.service.sample(stream(self.root, number, _SLEEP), 1)
            time.sleep(float(np.ravel(drawn)[0]))


_HELD: dict[str, Job] = {}


def hold(token: str, job: Job) -> None:
    """Keep a job in this process; children that are forked from it have it too."""
    _HELD[token] = job


def release(token: str) -> None:
    """Forget a job in this process."""
    _HELD.pop(token, None)


def run_task(token: str, job: Job | None, number: int, point: Array) -> Array | None:
    """Compute one gradient; None asks to be sent the job, which this process does not hold.

    A problem with its data may be a thousand times as large as a point, so that tasks carry the
    name of their job only.
    """
    if job is None:
        job = _HELD.get(token)
        if job is None:
            return None
    elif token not in _HELD:
        while len(_HELD) >= _MOST:
            _HELD.pop(next(iter(_HELD)), None)
        _HELD[token] = job
    job.pause(number)
    return job.gradient(number, point)
