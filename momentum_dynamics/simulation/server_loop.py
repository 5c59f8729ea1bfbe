"""The server of real workers: it waits, applies what arrives, and notes what does not."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import answer_before, stage_of
from momentum_dynamics.simulation.noise import reported
from momentum_dynamics.simulation.server_pool import Pool, PoolGoneError
from momentum_dynamics.simulation.server_run import Ending, Loss, LossKind, ServeRun
from momentum_dynamics.simulation.server_task import Job, hold, release, run_task

__all__ = ["Server"]

Array = NDArray[np.float64]

_KILLED_ABROAD = frozenset({"KilledWorker"})
"""Exceptions by which engines other than the standard library's say that a process was killed."""

_OFTEN = 8
"""Processes that live long ask for a job a few times each, at the start."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """A gradient under way."""

    worker: int
    number: int
    version: int
    point: Array
    due: float


class Server:
    """The server of one run: its state, its workers and what it writes down."""

    def __init__(
        self,
        *,
        method: Method,
        state: Any,
        job: Job,
        pool: Pool,
        workers: int,
        updates: int,
        timeout: float,
        task_timeout: float,
        patience: int,
        keeps_all: bool,
    ) -> None:
        self._method, self._state, self._job, self._pool = method, state, job, pool
        self._workers, self._updates = workers, updates
        self._task_timeout, self._patience, self._keeps_all = task_timeout, patience, keeps_all
        self._token = uuid4().hex
        self._arrivals: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._flight: dict[Future[Any], _Task] = {}  # the oldest reading first
        self._given_up: list[Future[Any]] = []
        self._version = self._number = self._unheld = 0
        self._in_a_row = [0] * workers
        self._refusal: PoolGoneError | None = None
        self._begun = time.perf_counter()
        self._end = self._begun + timeout
        self._rows: list[tuple[int, float, int, int, int]] = []
        self._points: list[Array] = []
        self._outputs: list[Array] = []
        self._losses: list[Loss] = []
        self._ages = np.full(workers, -1, dtype=np.int64)

    def run(self) -> ServeRun:
        """Make updates until all are made, no worker is left, or time is up."""
        hold(self._token, self._job)
        try:
            self._write_down()
            for worker in range(self._workers):
                self._read(worker)
                if self._refusal is not None:
                    raise DomainError(
                        f"The executor takes no tasks ({self._refusal}); give one that is open, or "
                        "a function that makes one."
                    ) from self._refusal
            ending = self._ending()
            while ending is None:
                self._await()
                ending = self._ending()
            for task in self._flight.values():
                self._ages[task.worker] = self._version - task.version
            elapsed = time.perf_counter() - self._begun
        finally:
            release(self._token)
            under_way, self._flight = list(self._flight), {}
            self._pool.close([*under_way, *self._given_up])
        return self._collect(ending, elapsed)

    def _ending(self) -> Ending | None:
        if self._version >= self._updates:
            return Ending.ALL_UPDATES
        if not self._flight:
            return Ending.NO_WORKER_LEFT if self._refusal is None else Ending.EXECUTOR_GONE
        return Ending.TIME_IS_UP if time.perf_counter() >= self._end else None

    def _await(self) -> None:
        """Wait for one arrival or for the next limit, and do what is to be done then."""
        oldest = next(iter(self._flight.values()))
        limit = min(self._end, oldest.due) - time.perf_counter()
        try:
            future = self._arrivals.get(timeout=min(max(limit, 0.0), threading.TIMEOUT_MAX))
        except queue.Empty:
            pass
        else:
            task = self._flight.pop(future, None)
            if task is not None:
                self._take(task, future)
        while self._flight:
            future, task = next(iter(self._flight.items()))
            # What has arrived meanwhile is in the queue and no longer hangs.
            if task.due > time.perf_counter() or future.done():
                break
            del self._flight[future]
            future.cancel()
            self._given_up.append(future)
            self._lose(task, LossKind.HUNG, f"no answer after {self._task_timeout:g} s")

    def _take(self, task: _Task, future: Future[Any]) -> None:
        """Apply a gradient that arrived, or note that none did."""
        error = _error_of(future)
        if error is not None:
            killed = isinstance(error, BrokenExecutor) or type(error).__name__ in _KILLED_ABROAD
            self._lose(
                task,
                LossKind.KILLED if killed else LossKind.RAISED,
                _told(error),
            )
            self._in_a_row[task.worker] += 1
            if self._in_a_row[task.worker] < self._patience:
                self._read(task.worker)
            return
        self._pool.worked()
        gradient = future.result()
        if gradient is None:  # its process does not hold the job yet
            self._unheld += 1
            if not self._submit(replace(task, due=self._due()), self._job):
                cause = None if self._refusal is None else self._refusal.__cause__
                self._lose(task, LossKind.KILLED, _told(cause))
            return
        self._in_a_row[task.worker] = 0
        staleness, present = self._version - task.version, len(self._flight) + 1
        with np.errstate(all="ignore"):
            self._state = stage_of(self._method, self._version).update(self._state, gradient)
        now = time.perf_counter() - self._begun
        self._rows.append((staleness, now, task.number, task.worker, present))
        self._version += 1
        self._write_down()
        self._ages[task.worker] = 0
        if self._version < self._updates:
            self._read(task.worker)

    def _read(self, worker: int) -> None:
        """Let a worker read, and compute."""
        self._ages[worker] = -1
        task = _Task(
            worker=worker,
            number=self._number,
            version=self._version,
            point=self._points[-1],
            due=self._due(),
        )
        self._number += 1
        # Where processes do not live long enough to hold a job, each task brings it along.
        self._submit(task, self._job if self._unheld > _OFTEN * self._workers else None)

    def _due(self) -> float:
        return time.perf_counter() + self._task_timeout

    def _submit(self, task: _Task, job: Job | None) -> bool:
        """Let the executor have a task; if it takes no more, the worker is given up."""
        try:
            future = self._pool.submit(run_task, self._token, job, task.number, task.point)
        except PoolGoneError as error:
            self._refusal = error
            return False
        self._flight[future] = task
        future.add_done_callback(self._arrivals.put)
        return True

    def _lose(self, task: _Task, kind: LossKind, reason: str) -> None:
        self._losses.append(
            Loss(
                kind=kind,
                worker=task.worker,
                task=task.number,
                staleness=self._version - task.version,
                seconds=time.perf_counter() - self._begun,
                reason=reason,
            )
        )

    def _write_down(self) -> None:
        """Keep the point that the next reader sees, and the answer."""
        if not self._keeps_all:
            self._points.clear()
            self._outputs.clear()
        with np.errstate(all="ignore"):
            query = stage_of(self._method, self._version).query(self._state)
            answer = answer_before(self._method, self._version, self._state)
        point = np.array(query, dtype=float)
        point.flags.writeable = False  # threads share it
        self._points.append(point)
        self._outputs.append(np.array(answer, dtype=float))

    def _collect(self, ending: Ending, elapsed: float) -> ServeRun:
        rows = np.array(self._rows, dtype=float).reshape(-1, 5).T
        staleness, seconds, tasks, writers, present = rows
        points, outputs = np.stack(self._points), np.stack(self._outputs)
        whole = slice(None) if self._keeps_all else -1
        return ServeRun(
            workers=self._workers,
            engine=self._pool.engine,
            asked=self._updates,
            staleness=staleness.astype(np.int64),
            seconds=seconds,
            tasks=tasks.astype(np.int64),
            writers=writers.astype(np.int64),
            present=present.astype(np.int64),
            points=points[whole],
            outputs=outputs[whole],
            ages=self._ages,
            losses=tuple(self._losses),
            pools=self._pool.count,
            outcome=ending,
            elapsed=elapsed,
            seed=reported(self._job.root),
            solution=self._job.problem.solution,
        )


def _told(error: BaseException | None) -> str:
    """An exception by its class and its message, whichever way it came."""
    return f"{type(error).__name__}: {error}"


def _error_of(future: Future[Any]) -> BaseException | None:
    """What a future that is done raised, cancellation by somebody else included."""
    if future.cancelled():
        return RuntimeError("the task was cancelled")
    return future.exception()
