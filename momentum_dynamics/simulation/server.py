"""`serve`: an asynchronous parameter server on real workers, over any executor."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import answer_before, require_method, spread, stage_of
from momentum_dynamics.problems import MiniBatches, Problem
from momentum_dynamics.simulation.checks import (
    checked_start,
    require_law,
    require_numbers,
    require_single,
    require_whole,
)
from momentum_dynamics.simulation.direct import begin
from momentum_dynamics.simulation.noise import Seed, reported, seed_sequence
from momentum_dynamics.simulation.server_pool import Pool, PoolGoneError
from momentum_dynamics.simulation.server_run import Ending, Loss, LossKind, ServeRun
from momentum_dynamics.simulation.server_task import Job, Work, hold, release, run_task

__all__ = ["serve"]

Array = NDArray[np.float64]

_KILLED_ABROAD = frozenset({"KilledWorker"})
"""Exceptions by which engines other than the standard library's say that a process was killed."""


def serve(
    method: Method,
    problem: Problem,
    *,
    workers: int,
    executor: Executor | Callable[[], Executor],
    updates: int,
    timeout: float = 60.0,
    task_timeout: float | None = None,
    seed: Seed = None,
    start: Any = None,
    work: Work | None = None,
    batch_size: int | None = None,
    service: Any = None,
    patience: int = 100,
    record: str = "all",
) -> ServeRun:
    """Run a method on gradients that real workers compute, asynchronously.

    Every worker reads the point where the method asks and computes a gradient of it through the
    executor. When the gradient arrives the server makes one update at once, and the worker reads
    again. The staleness of an update is the number of updates made between its reading and its
    arrival.

    Parameters
    ----------
    method : Method
        One setting; batch axes are not run.
    problem : Problem
        With `MiniBatches` every task draws samples of its own, whatever generator the problem has.
    workers : int
        M ≥ 1: how many gradients are under way at once. An executor with fewer places makes some
        of them wait in its line.
    executor : Executor or callable
        Threads or processes of `concurrent.futures`, ``mpi4py.futures.MPIPoolExecutor``, or a Dask
        client's ``get_executor(pure=False)``; or a function without arguments that makes one. Of a
        function the run asks another executor when one breaks, and ends them all; an executor that
        is given stays open.
    updates : int
        After how many updates the run ends.
    timeout : float
        After how many seconds it ends in any case, with what it has.
    task_timeout : float, optional
        After how many seconds from its reading a gradient is given up for lost, and its worker with
        it: an executor cannot stop a task, which goes on to occupy its thread or process. Time in
        the executor's line counts. By default only the run has a limit.
    seed : int, SeedSequence or Generator, optional
        All random draws of a task follow from it and from the number of the task.
    start : array ``(dimension,)`` or tuple of arrays, optional
        The point of rest, or the whole initial state slot by slot; the problem's own by default.
    work : callable, optional
        ``work(problem, point, rng)`` computes the gradient instead of ``problem.field(point)``. For
        processes it must be a function at the top of a module that they can import.
    batch_size : int, optional
        Each gradient is that of so many samples, drawn with replacement, of a problem on data.
    service : law of times, optional
        Any object with ``sample(rng, size)``: how many seconds each task sleeps first, to compare
        real workers with simulated ones.
    patience : int
        A worker whose gradients are lost so many times in a row is given up.
    record : {"all", "last"}
        Keep all points, or the last one alone.

    Returns
    -------
    ServeRun

    Raises
    ------
    DomainError
        If a setting is not admissible, or the executor is none, is shut down or is broken.
    ShapeError
        If the start does not fit, or the method has batch axes.

    Notes
    -----
    A gradient is lost, and noted in `ServeRun.losses`, if its task raises (the worker reads again),
    if it takes longer than `task_timeout` (the worker is given up), or if its process is killed: a
    pool of the standard library breaks then, with all gradients under way, while Dask computes the
    same task once more elsewhere, and MPI ends the whole job.

    A Dask executor that is `pure`, as it is by default, takes two calls with equal arguments for
    one. Here no two tasks are equal, but work of one's own that draws numbers from elsewhere than
    `rng` would see the same ones again: pass ``pure=False``.

    A task carries the point and its number only; the problem is sent to a process once, or found
    there after a fork. An executor that computes within ``submit`` cannot be interrupted by limits.

    As long as nothing is lost, staleness and ages add up to updates × (M − 1), exactly; so mean
    staleness is M − 1 whatever the times. Its law is geometric if times are memoryless.
    [mitliagkas2016]_

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from momentum_dynamics import GradientDescent, Quadratic
    >>> with ThreadPoolExecutor(3) as pool:
    ...     run = serve(
    ...         GradientDescent(learning_rate=0.1), Quadratic([1.0, 0.5]), workers=3, executor=pool,
    ...         updates=300,
    ...     )
    >>> str(run.outcome), int(run.staleness.sum() + run.ages.sum()), run.lost
    ('all updates', 600, 0)
    >>> bool(run.distance[-1] < 1e-3)
    True
    """
    require_method(method)
    require_numbers(method)
    if not hasattr(problem, "field"):
        raise DomainError(
            f"{type(problem).__name__} has no field; call "
            "serve(method, problem, workers=…, executor=…, updates=…)."
        )
    require_single(method, problem.dimension)
    require_whole("workers", workers, 1)
    require_whole("updates", updates, 0)
    require_whole("patience", patience, 1)
    _require_seconds("timeout", timeout)
    if task_timeout is not None:
        _require_seconds("task_timeout", task_timeout)
    if service is not None:
        require_law("service", service)
        _require_times(service)
    if work is not None and not callable(work):
        raise DomainError(f"work is {work!r}, but must be a function of problem, point and rng.")
    if record not in {"all", "last"}:
        raise DomainError(f"record is {record!r}, but must be one of all, last.")
    whole, size = _data_of(problem, batch_size)
    root = seed_sequence(seed)
    job = Job(problem=whole, work=work, batch_size=size, service=service, root=root)
    point = checked_start(whole.start if start is None else start, whole, ())
    moving = spread(method, 1)
    server = _Server(
        method=moving,
        state=begin(moving, point, (whole.dimension,)),
        job=job,
        pool=Pool(executor),
        workers=int(workers),
        updates=int(updates),
        timeout=float(timeout),
        task_timeout=math.inf if task_timeout is None else float(task_timeout),
        patience=int(patience),
        keeps_all=record == "all",
    )
    return server.run()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """A gradient under way."""

    worker: int
    number: int
    version: int
    point: Array
    due: float


class _Server:
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
            while self._ending() is None:
                self._await()
            ending = self._ending() or Ending.TIME_IS_UP
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
                f"{type(error).__name__}: {error}",
            )
            self._in_a_row[task.worker] += 1
            if self._in_a_row[task.worker] < self._patience:
                self._read(task.worker)
            return
        self._pool.worked()
        gradient = future.result()
        if gradient is None:  # its process does not hold the job yet
            self._unheld += 1
            self._submit(task, self._job)
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
            point=self._query(),
            due=time.perf_counter() + self._task_timeout,
        )
        self._number += 1
        # Where processes do not live long enough to hold a job, each task brings it along.
        self._submit(task, self._job if self._unheld > _OFTEN * self._workers else None)

    def _submit(self, task: _Task, job: Job | None) -> None:
        try:
            future = self._pool.submit(run_task, self._token, job, task.number, task.point)
        except PoolGoneError as error:
            self._refusal = error
            return
        self._flight[future] = task
        future.add_done_callback(self._arrivals.put)

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

    def _query(self) -> Array:
        with np.errstate(all="ignore"):
            query = stage_of(self._method, self._version).query(self._state)
        point = np.array(query, dtype=float)
        point.flags.writeable = False  # threads share it
        return point

    def _write_down(self) -> None:
        """Keep the point that the next reader sees, and the answer."""
        if not self._keeps_all:
            self._points.clear()
            self._outputs.clear()
        self._points.append(self._query())
        with np.errstate(all="ignore"):
            answer = answer_before(self._method, self._version, self._state)
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


_OFTEN = 8
"""Processes that live long ask for a job a few times each, at the start."""


def _error_of(future: Future[Any]) -> BaseException | None:
    """What a future that is done raised, cancellation by somebody else included."""
    if future.cancelled():
        return RuntimeError("the task was cancelled")
    return future.exception()


def _require_seconds(name: str, value: Any) -> None:
    try:
        fine = np.ndim(value) == 0 and not isinstance(value, bool) and 0 < float(value) < math.inf
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise DomainError(f"{name} is {value!r}, but must be a number of seconds in (0, ∞).")


def _require_times(service: Any) -> None:
    """Refuse a law that draws what cannot be slept, as far as some draws show."""
    drawn = np.asarray(service.sample(np.random.default_rng(0), 100), dtype=float)
    if drawn.shape != (100,) or not ((drawn >= 0) & (drawn < math.inf)).all():
        raise DomainError(
            f"service {service!r} draws a time that is negative or not finite, or not as many as are "
            "asked; each must lie in [0, ∞)."
        )


def _data_of(problem: Problem, batch_size: int | None) -> tuple[Problem, int | None]:
    """The whole problem, and how many of its samples make one gradient."""
    if isinstance(problem, MiniBatches):
        if batch_size is not None:
            raise DomainError(
                f"batch_size is {batch_size}, but {problem!r} has one already; give one of both."
            )
        return problem.problem, problem.batch_size
    if batch_size is None:
        return problem, None
    require_whole("batch_size", batch_size, 1)
    if not hasattr(problem, "batch_field"):
        raise DomainError(
            f"batch_size is {batch_size}, but {problem!r} has no samples to draw; leave it out, or "
            "take LeastSquares, Ridge or LogisticRegression."
        )
    return problem, int(batch_size)
