"""`serve`: an asynchronous parameter server on real workers, over any executor."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import require_method, spread
from momentum_dynamics.problems import MiniBatches, Problem
from momentum_dynamics.simulation.checks import (
    checked_start,
    require_law,
    require_numbers,
    require_single,
    require_whole,
)
from momentum_dynamics.simulation.direct import begin
from momentum_dynamics.simulation.noise import Seed, seed_sequence
from momentum_dynamics.simulation.server_loop import Server
from momentum_dynamics.simulation.server_pool import Pool
from momentum_dynamics.simulation.server_run import ServeRun
from momentum_dynamics.simulation.server_task import Job, Work

__all__ = ["serve"]


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
        it: an executor cannot stop a task, which goes on to occupy its thread or process, and
        Python waits for it when it exits. Time in the executor's line counts, and the time in which
        its processes start. By default only the run has a limit.
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
    there after a fork: with 20,000 samples of ten features updates are ten times as fast for it. An
    executor that computes within ``submit`` cannot be interrupted by limits.

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
    if work is not None and batch_size is not None:
        raise DomainError(
            f"batch_size is {batch_size}, but work of one's own draws its samples itself; give one "
            "of both."
        )
    if record not in {"all", "last"}:
        raise DomainError(f"record is {record!r}, but must be one of all, last.")
    whole, size = (problem, None) if work is not None else _data_of(problem, batch_size)
    root = seed_sequence(seed)
    job = Job(problem=whole, work=work, batch_size=size, service=service, root=root)
    point = checked_start(whole.start if start is None else start, whole, ())
    moving = spread(method, 1)
    server = Server(
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
            f"service {service!r} draws a time that is negative or not finite, or too many or too "
            "few of them; each must lie in [0, ∞)."
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
