"""Work shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

__all__ = ["results_of"]

Unit = TypeVar("Unit")


def results_of(
    work: Callable[[Unit], Any], units: Iterable[Unit], jobs: int
) -> Iterator[tuple[Unit, Any]]:
    """Units of work with what came of each, as soon as it is done.

    After an error, or Ctrl-C, no unit is begun any more.

    Parameters
    ----------
    work : callable
        ``work(unit)``; with several jobs spawned processes call it.
    units : iterable
    jobs : int
        Processes; with one all is done in this process, in order.

    Examples
    --------
    >>> list(results_of(abs, [-1, 2], 1))
    [(-1, 1), (2, 2)]
    """
    if jobs == 1:
        for unit in units:
            yield unit, work(unit)
        return
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"))
    try:
        running = {pool.submit(work, unit): unit for unit in units}
        for done in as_completed(running):
            yield running[done], done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
