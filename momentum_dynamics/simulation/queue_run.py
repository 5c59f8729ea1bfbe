"""What a run of workers is given, what it writes down on its way, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.simulation.noise import reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, outcomes, told

__all__ = ["Changes", "QueueRun", "QueueSettings", "Tape", "collect"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_LONGEST = 2**20
"""Staleness is counted one by one up to here; the last entry of a histogram holds what is beyond,
so that memory stays bounded under the heaviest tail."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes:
    """Failures and joins in the order of time.

    Attributes
    ----------
    times : array ``(changes,)``
    workers : int array ``(changes,)``
    joins : bool array ``(changes,)``
        Whether the worker joins, or fails.
    """

    times: Array
    workers: Counts
    joins: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class QueueSettings:
    """How workers run, checked.

    Attributes
    ----------
    common : Settings
        What every run has; its steps are updates.
    workers, everyone : int
        How many begin, and how many there are with those who join.
    speeds : array ``(everyone,)``
    service, server : laws of times
        Of the workers; of the server, or None.
    changes : Changes
    reads_first : bool
        Whether a worker reads before its own write is applied.
    record : str
    """

    common: Settings
    workers: int
    everyone: int
    speeds: Array
    service: Any
    server: Any
    changes: Changes
    reads_first: bool
    record: str

    @property
    def updates(self) -> int:
        """How many updates are asked for."""
        return self.common.steps

    @property
    def frames(self) -> int:
        """How many frames the record has, the start among them."""
        return self.common.steps // self.common.stride + 1


class Tape:
    """Where the lanes of all replicas write down what is kept; what is not kept has no length."""

    def __init__(self, settings: QueueSettings, modes: int) -> None:
        count, updates, frames = settings.common.count, settings.updates, settings.frames
        everything, moments = settings.record == "all", settings.record == "moments"
        self.staleness = np.full((count, updates if everything else 0), -1, dtype=np.int64)
        self.times = np.full((count, updates if everything else 0), np.nan)
        self.paths = np.full((count, 2, frames if everything else 0, modes), np.nan)
        self.sums, self.squares = np.zeros((2, frames if moments else 0, modes))
        self.hours = np.zeros(frames if moments else 0)
        self.histogram = np.zeros(min(updates, _LONGEST) + 1, dtype=np.int64)
        self.ends = np.empty((count, 2, modes))
        self.begun, self.ended, self.written = np.empty((3, count))
        self.made, self.lost, self.total = np.zeros((3, count), dtype=np.int64)
        self.ages = np.empty((count, settings.everyone), dtype=np.int64)

    def keep_start(self, lanes: Any, query: Array, answer: Array, away: Array) -> None:
        """Write frame 0 of some replicas: queries, answers, and how far these are away."""
        with np.errstate(all="ignore"):
            self.begun[lanes] = np.sqrt((away * away).sum(axis=-1))
            if self.paths.size:
                self.paths[lanes, 0, 0], self.paths[lanes, 1, 0] = query, answer
            if len(self.sums):
                for row in away.reshape(
                    -1, away.shape[-1]
                ):  # one by one, as the frames that follow
                    self.sums[0] += row
                    self.squares[0] += row * row

    def keep_end(self, lanes: Any, query: Array, answer: Array, away: Array) -> None:
        """Write where some replicas ended."""
        self.ends[lanes, 0], self.ends[lanes, 1] = query, answer
        with np.errstate(all="ignore"):
            self.ended[lanes] = np.sqrt((away * away).sum(axis=-1))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class QueueRun:
    """What a run of workers has left.

    Attributes
    ----------
    workers : int
        How many began.
    updates : int, or int array ``(*replicas)``
        How many updates were made: fewer than asked where no worker was left.
    histogram : int array ``(largest + 1,)``
        How many updates had staleness 0, 1, …, over all replicas; entry 2²⁰ holds all beyond.
    mean_staleness : float
    staleness : int array ``(updates, *replicas)`` or None
        Of every update, with ``record="all"``; −1 behind the end of a replica.
    times : array
        The time of every update ``(updates, *replicas)``; with ``record="moments"`` the mean time
        of every frame ``(frames,)``; else the time of the last update ``(*replicas)``.
    points, outputs : array ``(frames, *replicas, dimension)`` or None
        What a worker that reads sees, and the answer, every `stride` updates; with
        ``record="last"`` at the end alone, ``(*replicas, dimension)``.
    moments : EnsembleMoments or None
        With ``record="moments"``: mean and second moment over the replicas, every `stride` updates.
    ages : int array ``(*replicas, workers)``
        At the end: how many updates each worker has missed since it read; −1 for the absent.
    lost : int, or int array ``(*replicas)``
        Gradients under way of workers that failed.
    outcome : Outcome, or array of them ``(*replicas)``
    seed : int or list of int
        The entropy of the run: the same seed gives the same run.
    solution : array ``(dimension,)``
    stride : int
        How many updates one frame is apart from the next.
    """

    workers: int
    updates: Any
    histogram: Counts
    mean_staleness: float
    staleness: Counts | None
    times: Any
    points: Array | None
    outputs: Array | None
    moments: EnsembleMoments | None
    ages: Counts
    lost: Any
    outcome: Any
    seed: Any
    solution: Array
    stride: int

    def __repr__(self) -> str:
        """One line."""
        made = np.unique(self.updates)
        updates = f"{made[0]}" if len(made) == 1 else f"{made[0]} to {made[-1]}"
        lost = int(np.sum(self.lost))
        return (
            f"<QueueRun: {self.workers} workers, {updates} updates, "
            f"mean staleness {self.mean_staleness:.4g}, "
            + (f"{lost} lost, " if lost else "")
            + f"{told(self.outcome)}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed; what was not kept is left out."""
        names = ("workers", "updates", "histogram", "mean_staleness", "staleness", "times",
                 "points", "outputs", "ages", "lost", "seed", "solution", "stride")  # fmt: skip
        found = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.moments is not None:
            found |= {"mean": self.moments.mean, "second_moment": self.moments.second_moment}
        return found | {"outcome": np.asarray(self.outcome).astype(str)}


def collect(settings: QueueSettings, tape: Tape, solution: Array, basis: Any) -> QueueRun:
    """Make the result of what was written down; paths along modes are turned back by the basis.

    Parameters
    ----------
    settings : QueueSettings
    tape : Tape
    solution : array ``(dimension,)``
    basis : array, None or False
        The modes as columns; None where coordinates are modes; False where paths are points.
    """
    common = settings.common
    axes = common.replicas
    longest = int(tape.made.max(initial=0))
    outcome = outcomes(tape.begun.reshape(axes), tape.ended.reshape(axes), common.tolerance)

    def placed(along: Array) -> Any:
        with np.errstate(all="ignore"):
            if basis is False:
                return along
            return solution + (along if basis is None else along @ basis.T)

    staleness = points = outputs = moments = None
    times: Any = tape.written.reshape(axes)[()]
    if settings.record == "all":
        staleness = tape.staleness[:, :longest].T.reshape(longest, *axes)
        times = tape.times[:, :longest].T.reshape(longest, *axes)
        frames = tape.paths[:, :, : longest // common.stride + 1]
        points, outputs = (
            placed(part.swapaxes(0, 1).reshape(-1, *axes, len(solution)))
            for part in frames.swapaxes(0, 1)
        )
    elif settings.record == "moments":
        reached = tape.made[:, None] >= np.arange(settings.frames) * common.stride
        count = reached.sum(axis=0)
        with np.errstate(all="ignore"):
            times = tape.hours / count
            moments = EnsembleMoments(
                mean=tape.sums / count[:, None],
                second_moment=tape.squares / count[:, None],
                replicas=common.count,
                outcome=outcome,
                seed=reported(common.root),
            )
    else:
        points, outputs = (
            placed(tape.ends[:, which].reshape(*axes, len(solution))) for which in (0, 1)
        )
    return QueueRun(
        workers=settings.workers,
        updates=_plain(tape.made, axes),
        histogram=_without_tail(tape.histogram),
        mean_staleness=float(tape.total.sum() / max(1, tape.made.sum())),
        staleness=staleness,
        times=times,
        points=points,
        outputs=outputs,
        moments=moments,
        ages=tape.ages.reshape(*axes, settings.everyone),
        lost=_plain(tape.lost, axes),
        outcome=outcome,
        seed=reported(common.root),
        solution=solution,
        stride=common.stride,
    )


def _without_tail(histogram: Counts) -> Counts:
    """Up to the last entry that is not zero: found from the end, where a million are none."""
    found = histogram[::-1] != 0
    return histogram[: len(histogram) - int(found.argmax()) if found.any() else 0]


def _plain(counts: Counts, axes: tuple[int, ...]) -> Any:
    """One whole number, or an array of them over the replicas."""
    return counts.reshape(axes) if axes else int(counts[0])
