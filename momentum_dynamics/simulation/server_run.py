"""What an asynchronous parameter server on real workers leaves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ending", "Loss", "LossKind", "ServeRun"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


class Ending(StrEnum):
    """Why a run of real workers ended."""

    ALL_UPDATES = "all updates"
    NO_WORKER_LEFT = "no worker left"
    EXECUTOR_GONE = "executor gone"
    TIME_IS_UP = "time is up"


class LossKind(StrEnum):
    """What became of a gradient that never arrived."""

    RAISED = "raised"
    HUNG = "hung"
    KILLED = "killed"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A gradient that was under way and never arrived.

    Attributes
    ----------
    kind : LossKind
        ``raised`` an exception, ``hung`` beyond the limit of a task, or was ``killed`` together
        with the process that computed it or with the whole pool.
    worker, task : int
        Their numbers.
    staleness : int
        How many updates had been made since its point was read.
    seconds : float
        When the loss was noticed, from the start of the run.
    reason : str
        The exception, or what was waited for.
    """

    kind: LossKind
    worker: int
    task: int
    staleness: int
    seconds: float
    reason: str

    def __str__(self) -> str:
        """One sentence."""
        return f"worker {self.worker}, task {self.task} {self.kind}: {self.reason}"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ServeRun:
    """What a run of real workers has left; what `QueueRun` has too bears the same name.

    Attributes
    ----------
    workers : int
        How many began.
    engine : str
        The class of the executor.
    asked : int
        How many updates were asked for.
    staleness : int array ``(updates,)``
        How many updates were made while each gradient was under way.
    seconds : array ``(updates,)``
        When each update was made, from the start of the run; `times` is the same.
    tasks, writers : int array ``(updates,)``
        The numbers of the task and of the worker of each update.
    present : int array ``(updates,)``
        How many workers had a gradient under way when each update was made, its own among them.
    points, outputs : array ``(updates + 1, dimension)``
        Where workers read, and the answers; with ``record="last"`` the end alone, ``(dimension,)``.
    ages : int array ``(workers,)``
        At the end: how many updates each worker has missed since it read; −1 for those given up.
    losses : tuple of Loss
        The gradients that never arrived, in order.
    pools : int
        How many pools were used; more than one if pools broke and new ones were made.
    outcome : Ending
    elapsed : float
        Seconds from the start to the end of the run.
    seed : int or list of int
        The entropy of the run: task k draws the same numbers in every run with the same seed.
    solution : array ``(dimension,)``
    """

    workers: int
    engine: str
    asked: int
    staleness: Counts
    seconds: Array
    tasks: Counts
    writers: Counts
    present: Counts
    points: Array
    outputs: Array
    ages: Counts
    losses: tuple[Loss, ...]
    pools: int
    outcome: Ending
    elapsed: float
    seed: Any
    solution: Array

    @property
    def updates(self) -> int:
        """How many updates were made."""
        return len(self.staleness)

    @property
    def times(self) -> Array:
        """When each update was made, as in a simulated run."""
        return self.seconds

    @property
    def lost(self) -> int:
        """How many gradients were lost."""
        return len(self.losses)

    @property
    def reasons(self) -> dict[str, int]:
        """How many gradients were lost in which way."""
        return dict(sorted(Counter(str(loss.kind) for loss in self.losses).items()))

    @property
    def histogram(self) -> Counts:
        """How many updates had staleness 0, 1, …."""
        return np.bincount(self.staleness)

    @property
    def mean_staleness(self) -> float:
        """The mean staleness of the updates; 0 if there are none."""
        return float(self.staleness.mean()) if self.updates else 0.0

    @property
    def aged(self) -> int:
        """Staleness of all updates, of what was lost and of what was under way at the end.

        Every update makes the gradients of all other workers older by one, so that this is `due`,
        exactly; without losses it is updates × (workers − 1).
        """
        lost = sum(loss.staleness for loss in self.losses)
        return int(self.staleness.sum() + self.ages[self.ages >= 0].sum()) + lost

    @property
    def due(self) -> int:
        """What `aged` is, counted from the other side: the other workers at every update."""
        return int((self.present - 1).sum())

    @property
    def distance(self) -> Any:
        """The distance of each answer from the solution, ``(updates + 1,)``."""
        with np.errstate(all="ignore"):
            return np.linalg.norm(self.outputs - self.solution, axis=-1)

    def __repr__(self) -> str:
        """One line."""
        lost = f"{self.lost} lost, " if self.losses else ""
        return (
            f"<ServeRun: {self.workers} workers, {self.updates} updates, "
            f"mean staleness {self.mean_staleness:.4g}, {lost}{self.outcome}>"
        )

    def __str__(self) -> str:
        """The report."""
        return self.report()

    def report(self) -> str:
        """How the run went, in a few lines."""
        speed = f" ({self.updates / self.elapsed:.4g} per second)" if self.elapsed > 0 else ""
        first = (
            f"{self.workers} workers on {self.engine}: {self.updates} of {self.asked} updates in "
            f"{self.elapsed:.3g} s{speed}; {self.outcome}."
        )
        lines = [first]
        if self.updates:
            lines.append(
                f"Staleness: mean {self.mean_staleness:.4g}, largest {self.staleness.max()}, "
                f"fresh {(self.staleness == 0).mean():.3f} of the updates."
            )
        under_way = int((self.ages >= 0).sum())
        lines.append(
            f"Conserved: staleness of updates, of losses and of {under_way} gradients under way is "
            f"{self.aged}; other workers at all updates are {self.due}."
        )
        if self.pools > 1:
            lines.append(f"Pools: {self.pools}, the last of them made by the run.")
        if self.losses:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.reasons.items())
            lines.append(f"Lost: {self.lost} ({kinds}); the last one, {self.losses[-1]}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed."""
        names = ("workers", "engine", "asked", "updates", "histogram", "mean_staleness",
                 "staleness", "seconds", "tasks", "writers", "present", "points", "outputs",
                 "ages", "lost", "reasons", "pools", "elapsed", "seed", "solution")  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"outcome": str(self.outcome)}
