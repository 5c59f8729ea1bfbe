"""The executor of a run: as given, or made by a function that can make another one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from typing import Any

from momentum_dynamics.errors import DomainError

__all__ = ["Pool", "PoolGoneError"]

_GRACE = 1.0
"""Seconds that tasks under way at the end of a run have before processes of its own are killed."""

_FRUITLESS = 3
"""After so many pools in a row that broke before an update, no more are made."""


class PoolGoneError(Exception):
    """An executor takes no more tasks, and there is no other one."""


class Pool:
    """An executor, or one after the other.

    Parameters
    ----------
    given : Executor or callable
        A callable makes an executor; pools so made are ended with the run, the one given is not.

    Raises
    ------
    DomainError
        If it is neither, or makes something else.
    """

    def __init__(self, given: Any) -> None:
        own = not isinstance(given, Executor)
        if own and not callable(given):
            hint = "; of a Dask client give client.get_executor(pure=False)"
            raise DomainError(
                f"executor is {given!r}, but must be a concurrent.futures.Executor, such as "
                "ThreadPoolExecutor(4), or a function that makes one"
                + (hint if hasattr(given, "get_executor") else "")
                + "."
            )
        self._make: Callable[[], Any] | None = given if own else None
        self.count = self._fruitless = 1
        self._executor: Executor = self._made() if own else given

    @property
    def engine(self) -> str:
        """The class of the executor."""
        return type(self._executor).__name__

    def _made(self) -> Executor:
        made = None if self._make is None else self._make()
        if not isinstance(made, Executor):
            raise DomainError(
                f"executor made {made!r}, but must make a concurrent.futures.Executor, as "
                "lambda: ProcessPoolExecutor(4) does."
            )
        return made

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Submit to the executor, or to a new one if it takes no more.

        Raises
        ------
        PoolGoneError
            If none can be made.
        """
        while True:
            try:
                return self._executor.submit(function, *arguments)
            except Exception as error:  # broken, shut down, out of threads; each engine has its own
                if self._make is None or self._fruitless >= _FRUITLESS:
                    raise PoolGoneError(str(error) or type(error).__name__) from error
            self._executor.shutdown(wait=False)
            self._executor = self._made()
            self.count += 1
            self._fruitless += 1

    def worked(self) -> None:
        """Note that a task came back from the executor, which therefore works."""
        self._fruitless = 0

    def close(self, futures: Iterable[Future[Any]]) -> None:
        """Cancel what has not begun; end a pool of our own, processes that hang with it."""
        running = [future for future in futures if not future.cancel()]
        if self._make is None:
            return
        late = wait(running, timeout=_GRACE).not_done
        if late:
            self._kill()
        # Nobody may wait for a thread that hangs.
        self._executor.shutdown(wait=not late)

    def _kill(self) -> None:
        """Kill the processes of the pool, if it has any; threads cannot be killed."""
        processes: Any = getattr(self._executor, "_processes", None)
        for process in list((processes or {}).values()):
            with contextlib.suppress(OSError, ValueError):  # ended meanwhile
                process.kill()
