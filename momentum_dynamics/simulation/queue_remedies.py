"""The server of a remedy: what it does with a gradient depends on its age, or on its worker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.protocol import State
from momentum_dynamics.methods.remedies import DelayCompensated, ServerMethod
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.queue_run import QueueSettings

__all__ = ["ServerMachine"]

Array = NDArray[np.float64]
_Server = tuple[State, State, State]
"""What is shared, what the last writer holds from now on, and the sum of what all hold."""


class ServerMachine:
    """A server's method that keeps something for each worker, on any problem.

    Raises
    ------
    DomainError
        If workers fail or join, or read before they write, or a start is given slot by slot; or if
        a curvature is asked of a problem that has none.
    """

    def __init__(self, method: ServerMethod, problem: Problem, settings: QueueSettings) -> None:
        name = type(method).__name__
        if isinstance(method, DelayCompensated) and not isinstance(problem, LinearProblem):
            raise DomainError(
                f"{name} corrects by the Hessian, which {type(problem).__name__} has not one of; "
                "run it on a linear problem."
            )
        if len(settings.changes.times) or settings.reads_first:
            raise DomainError(
                f"{name} keeps something for each worker from its write on, so workers must write "
                "before they read, and none may fail or join."
            )
        common = settings.common
        if isinstance(common.start, tuple):
            raise DomainError(f"{name} starts at rest; give start as one point.")
        self._method, self._problem, self._workers = method, problem, settings.workers
        self._deviations = common.deviations
        self._basis = problem.modes[1] if isinstance(problem, LinearProblem) else None
        shape = (*common.replicas, problem.dimension)
        # The solution is the origin of the method, which is linear.
        away = np.asarray(common.start, dtype=float) - problem.solution
        self._away = np.broadcast_to(away, shape).reshape(-1, problem.dimension)

    def begin(self, lane: int) -> _Server:
        shared, held = self._method.initial_state(self._away[lane].copy())
        return shared, held, tuple(self._workers * slot for slot in held)

    def read(self, state: _Server, step: int) -> State:  # noqa: ARG002
        return state[1]

    def query(self, state: _Server, step: int) -> Array:  # noqa: ARG002
        return np.asarray(self._method.query(state[0], state[1]) + self._problem.solution)

    def answer(self, state: _Server, step: int) -> Array:  # noqa: ARG002
        return np.asarray(self._method.output(state[0]) + self._problem.solution)

    def away(self, answer: Array) -> Array:
        along: Array = answer - self._problem.solution
        return along if self._basis is None else along @ self._basis

    def update(
        self,
        state: _Server,
        asked: State,
        noise: Array | None,
        step: int,  # noqa: ARG002
        age: int,  # noqa: ARG002
    ) -> _Server:
        shared, _, total = state
        point = self._method.query(shared, asked) + self._problem.solution
        gradient = self._problem.field(point)
        if noise is not None:
            along = noise * self._deviations
            gradient = gradient + (along if self._basis is None else along @ self._basis.T)
        others = tuple(whole - own for whole, own in zip(total, asked, strict=True))
        shared, held = self._method.update(shared, asked, others, gradient)
        return shared, held, tuple(a + b for a, b in zip(others, held, strict=True))
