"""Runs of real workers that live claims share: threads, processes, processes that die."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_all_start_methods, get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Service
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import LeastSquares, named_data
from momentum_dynamics.simulation import ServeRun, serve
from momentum_dynamics.simulation.server_task import Job, Work

__all__ = [
    "Apart",
    "awake",
    "dies_at_times",
    "doomed",
    "process_pool",
    "run_on_data",
    "service_times",
]

Array = NDArray[np.float64]

BATCH = 8
CHANCE_OF_DEATH = 0.1

_PRELOADED = ["momentum_dynamics.claims.live"]
"""What the server of forks imports once, so that no process has to."""


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Processes that are forked from a clean server where there is one, and else spawned.

    To fork this process itself would copy locks that its threads hold. Like every start of
    processes that is not such a fork, this imports the main script again: a script that judges live
    claims needs ``if __name__ == "__main__":``.
    """
    if "forkserver" in get_all_start_methods():
        context: Any = get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
    else:
        context = get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context)


class Apart(Executor):
    """Every process in a pool of its own, so that one that dies takes no gradient of others along.

    Parameters
    ----------
    workers : int
    make : callable
        Makes a pool of so many processes.
    """

    def __init__(
        self, workers: int, make: Callable[[int], ProcessPoolExecutor] = process_pool
    ) -> None:
        self._make = make
        self._pools = [make(1) for _ in range(workers)]
        self._last: list[Future[Any] | None] = [None] * workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit to a process that has nothing to do; to a new one where that died."""
        idle = (
            place for place, last in enumerate(self._last) if last is None or last.done()
        )  # fmt: skip
        place = next(idle, 0)
        try:
            future = self._pools[place].submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pools[place].shutdown(wait=False)
            self._pools[place] = self._make(1)
            future = self._pools[place].submit(fn, *args, **kwargs)
        self._last[place] = future
        return future

    # The signature of every executor.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Shut all pools down."""
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def _dies(rng: np.random.Generator) -> bool:
    return bool(rng.random() < CHANCE_OF_DEATH)


def dies_at_times(problem: Any, point: Array, rng: np.random.Generator) -> Any:
    """A gradient, or the death of the process that should compute it."""
    if _dies(rng):
        os._exit(1)
    return problem.field(point)


def _says_whether_it_dies(_problem: Any, _point: Array, rng: np.random.Generator) -> Any:
    return np.array([float(_dies(rng))])


def doomed(problem: Any, seed: int, tasks: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tasks of a run with that seed kill their process.

    All draws of a task follow from the seed and from its number, so that it can be asked again.
    """
    job = Job(
        problem=problem, work=_says_whether_it_dies, batch_size=None, service=None,
        root=np.random.SeedSequence(seed),
    )  # fmt: skip
    return np.array([bool(job.gradient(int(task), np.zeros(1))[0]) for task in tasks], dtype=bool)


def awake(workers: int, *, on_processes: bool = False) -> Executor:
    """A pool of threads or processes that have all begun: they do so when they are first asked."""
    pool = process_pool(workers) if on_processes else ThreadPoolExecutor(workers)
    list(pool.map(time.sleep, [0.05] * workers))
    return pool


def run_on_data(
    pool: Executor, service: Service, *, workers: int, updates: int, seed: Any,
    work: Work | None = None, **options: Any,
) -> ServeRun:  # fmt: skip
    """Least squares on the diabetes data by small batches.

    Parameters
    ----------
    pool : Executor
    service : Service
        Of the seconds that every task sleeps first.
    workers, updates, seed, work, **options
        As `serve` takes them.

    Returns
    -------
    ServeRun
    """
    data = named_data("diabetes")
    return serve(
        GradientDescent(learning_rate=0.02), LeastSquares(data.X, data.y), workers=workers,
        executor=pool, updates=updates, service=service, seed=seed, work=work,
        batch_size=BATCH if work is None else None, **options,
    )  # fmt: skip


def service_times(run: ServeRun) -> Array:
    """How long each gradient took from its reading, overhead included, as the server saw it.

    A worker reads at once when its update has been made: its time is that between two of its own.
    """
    last: dict[int, float] = {}
    found = []
    for worker, now in zip(run.writers.tolist(), run.seconds.tolist(), strict=True):
        if worker in last:
            found.append(now - last[worker])
        last[worker] = now
    return np.array(found)
