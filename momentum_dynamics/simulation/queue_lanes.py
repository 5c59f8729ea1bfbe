"""A block of replicas as the arrays that the compiled kernel works on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.simulation import calendar_kernels as kernels
from momentum_dynamics.simulation.kernels import Stages, weighted
from momentum_dynamics.simulation.queue_draws import Draws
from momentum_dynamics.simulation.queue_run import QueueSettings, Tape

__all__ = ["CompiledLanes"]

Array = NDArray[np.float64]


class CompiledLanes:
    """A block of replicas of a linear problem.

    Parameters
    ----------
    text : callable
        `advance_block` of the kernels, compiled or not.
    stages : Stages
    settings : QueueSettings
    tape : Tape
    lanes : range
        Which replicas these are.
    curvatures : array ``(modes,)``
    state : array ``(slots, modes, replicas)``
        The initial state of all replicas.
    draws : Draws
        The first ones.
    in_turn : bool
        Let workers write one after the other, without events: what the calendar is compared with.
    """

    def __init__(
        self,
        text: Callable[..., None],
        stages: Stages,
        settings: QueueSettings,
        tape: Tape,
        lanes: range,
        curvatures: Array,
        state: Array,
        draws: Draws,
        *,
        in_turn: bool = False,
    ) -> None:
        self._text, self._stages, self._settings, self._tape = text, stages, settings, tape
        self._in_turn = in_turn
        # Copies, so that a view or a locked array is no new type to compile for.
        self._curvatures = np.array(curvatures, dtype=float)
        self._deviations = np.array(settings.common.deviations, dtype=float)
        count, workers, everyone = len(lanes), settings.workers, settings.everyone
        buckets = kernels.bucket_count(everyone)
        self._state = np.ascontiguousarray(state[..., lanes].transpose(2, 1, 0))
        self._read = np.empty((count, everyone, len(curvatures)))
        self._version = np.full((count, everyone), -1, dtype=np.int64)
        self._version[:, :workers] = 0
        self._due = np.full((count, everyone), np.inf)
        # Where all speeds are 1 there is nothing to divide by.
        self._speeds = settings.speeds[: everyone * bool((settings.speeds != 1).any())]
        self._due[:, :workers] = draws.service.values[:, :workers] / settings.speeds[:workers]
        self._head = np.empty((count, buckets), dtype=np.uint32)
        self._marks = np.empty((count, buckets // 32), dtype=np.int64)
        self._links = np.empty((count, 4, everyone), dtype=np.uint32)
        self._counts = np.zeros((count, kernels.COUNTS), dtype=np.int64)
        self._counts[:, kernels.JOB] = workers
        self._clocks = np.zeros((count, kernels.CLOCKS))
        self._clocks[:, kernels.DONE] = np.inf
        self._own = slice(lanes.start, lanes.stop)
        query, answer = self._seen(slice(None), 0)
        self._read[:, :workers] = query[:, None]
        tape.keep_start(self._own, query, answer, answer)

    def _seen(self, rows: Any, step: int) -> tuple[Array, Array]:
        """Queries and answers of some replicas, ``(rows, modes)`` each."""
        at, slots = self._stages.index(step), self._state[rows].transpose(2, 0, 1)
        with np.errstate(all="ignore"):
            return weighted(self._stages.C[at], slots), weighted(self._stages.E[at], slots)

    def advance(self, draws: Draws) -> None:
        """Run all replicas up to the target of the draws."""
        stages, settings, tape = self._stages, self._settings, self._tape
        changes, own = settings.changes, self._own
        with np.errstate(all="ignore"):
            self._text(
                stages.A, stages.B, stages.C, stages.E, stages.transient,
                self._curvatures, self._deviations, self._speeds,
                changes.times, changes.joins, changes.workers, int(settings.reads_first),
                int(settings.server is not None), int(self._in_turn),
                draws.service.values, draws.service.first, draws.server.values, draws.server.first,
                draws.noise, draws.target, settings.common.stride,
                self._state, self._read, self._version, self._due, self._head, self._marks,
                self._links,
                self._counts, self._clocks,
                tape.staleness[own], tape.times[own], tape.paths[own], tape.sums, tape.squares,
                tape.hours, tape.histogram,
            )  # fmt: skip

    def finish(self) -> None:
        """Write down where the replicas ended."""
        tape, own, made = self._tape, self._own, self._counts[:, kernels.MADE]
        tape.made[own], tape.lost[own] = made, self._counts[:, kernels.LOST]
        tape.total[own] = self._counts[:, kernels.TOTAL]
        tape.written[own] = self._clocks[:, kernels.WRITTEN]
        tape.ages[own] = np.where(self._version < 0, -1, made[:, None] - self._version)
        for step in np.unique(made).tolist():
            rows = np.flatnonzero(made == step)
            query, answer = self._seen(rows, step)
            tape.keep_end(own.start + rows, query, answer, answer)
