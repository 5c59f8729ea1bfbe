"""A block of replicas behind a delay: on the state space, or through the method's own functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import State, answer_before, spread, stage_of
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.direct import begin
from momentum_dynamics.simulation.kernels import Stages, weighted
from momentum_dynamics.simulation.outcome import Settings
from momentum_dynamics.simulation.stale_kernels import Text, ring_for, write_frame

__all__ = ["Frames", "FunctionLanes", "Lanes", "ModesLanes", "direct_start"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """What a block of replicas writes down; what is not kept has no frames.

    Attributes
    ----------
    sums, squares : array ``(frames, modes)``
        Of the answer's displacement, over the replicas of the block.
    paths : array ``(2, frames, modes, lanes)``
        Queries and answers.
    ends : array ``(2, modes, lanes)``
        Queries and answers of the end.
    distances : array ``(2, lanes)``
        How far the first and the last answer are from the solution.
    """

    sums: Array
    squares: Array
    paths: Array
    ends: Array
    distances: Array

    @classmethod
    def empty(cls, settings: Settings, record: str, lanes: int) -> Frames:
        """Room for one block of so many replicas."""
        modes = len(settings.deviations)
        frames = settings.steps // settings.stride + 1
        sums, squares = np.zeros((2, 0 if record == "last" else frames, modes))
        return cls(
            sums=sums,
            squares=squares,
            paths=np.empty((2, frames if record == "all" else 0, modes, lanes)),
            ends=np.empty((2, modes, lanes)),
            distances=np.empty((2, lanes)),
        )


class Lanes(Protocol):
    """A block of replicas that can be advanced."""

    def advance(self, lags: Counts, begun: int, drawn: Counts) -> None:
        """Make the steps from one on, each gradient so many steps old ``(rows, lanes)``.

        What was drawn for it may be older than the start.
        """
        ...

    def finish(self) -> None:
        """Write down where the replicas ended."""
        ...


class ModesLanes:
    """The state space on the modes of a linear problem.

    Parameters
    ----------
    text : Text
        One of the two of the kernels.
    stages : Stages
    curvatures : array ``(modes,)``
    settings : Settings
    state : array ``(slots, modes, lanes)``
        The initial state of these replicas.
    rng : Generator
        The noise.
    capacity : int
        For how many steps queries are kept.
    frames : Frames
    """

    def __init__(
        self,
        text: Text,
        stages: Stages,
        curvatures: Array,
        settings: Settings,
        state: Array,
        rng: np.random.Generator,
        capacity: int,
        frames: Frames,
    ) -> None:
        self._text, self._stages, self._settings, self._frames = text, stages, settings, frames
        # Copies, so that a view or a locked array is no new type to compile for.
        self._curvatures = np.array(curvatures, dtype=float)
        self._deviations = np.array(settings.deviations, dtype=float)
        self._state = np.array(state, dtype=float, order="C")
        self._source = text.source(rng)
        self._ring = ring_for(capacity, *state.shape[1:])
        with np.errstate(all="ignore"):
            frames.distances[0] = _length(weighted(stages.E[stages.index(0)], self._state))

    def advance(self, lags: Counts, begun: int, drawn: Counts) -> None:  # noqa: ARG002
        frames = self._frames
        lags = np.require(lags, requirements=("C_CONTIGUOUS", "WRITEABLE"))
        with np.errstate(all="ignore"):
            self._text.advance(
                self._stages, self._curvatures, self._deviations, self._state, self._source,
                lags, begun, self._ring, self._settings.stride,
                frames.sums, frames.squares, frames.paths,
            )  # fmt: skip

    def finish(self) -> None:
        steps, stages, frames = self._settings.steps, self._stages, self._frames
        at = stages.index(steps)
        with np.errstate(all="ignore"):
            query, answer = (weighted(part[at], self._state) for part in (stages.C, stages.E))
            frames.ends[:] = query, answer
            frames.distances[1] = _length(answer)
            if steps % self._settings.stride == 0:
                frame = steps // self._settings.stride
                write_frame(frame, query, answer, frames.sums, frames.squares, frames.paths)


def direct_start(method: Method, problem: Problem, settings: Settings) -> list[Array]:
    """The initial state of all replicas, slot by slot ``(count, dimension)``, not copied."""
    shape = (*settings.replicas, problem.dimension)
    slots = begin(spread(method, len(shape)), settings.start, shape)
    return [np.broadcast_to(slot, shape).reshape(-1, problem.dimension) for slot in slots]


class FunctionLanes:
    """The functions of any method on any problem, all replicas of the block at once.

    Parameters
    ----------
    method : Method
    problem : Problem
    settings : Settings
    state : list of array ``(lanes, dimension)``
        The initial state of these replicas, slot by slot.
    rng : Generator
        The noise.
    capacity : int
        For how many steps queries are kept.
    frames : Frames
    weight : callable, optional
        Of gradients, from the staleness drawn.
    share : float
        Of the motion since its read that each query is compensated for.
    """

    def __init__(
        self,
        method: Method,
        problem: Problem,
        settings: Settings,
        state: list[Array],
        rng: np.random.Generator,
        capacity: int,
        frames: Frames,
        *,
        weight: Callable[[Any], Any] | None = None,
        share: float = 0.0,
    ) -> None:
        self._weight, self._share = weight, share
        self._method, self._problem, self._settings = spread(method, 1), problem, settings
        self._basis: Any = problem.modes[1] if isinstance(problem, LinearProblem) else None
        self._state: State = tuple(slot.copy() for slot in state)
        self._rng, self._frames = rng, frames
        self._ring = np.empty((capacity, *state[0].shape))
        with np.errstate(all="ignore"):
            frames.distances[0] = _length(self._away(self._answer(0)))

    def _answer(self, step: int) -> Array:
        return np.asarray(answer_before(self._method, step, self._state), dtype=float)

    def _away(self, answer: Array) -> Array:
        """How far answers are from the solution, along modes where there are any."""
        away: Array = answer - self._problem.solution
        return (away if self._basis is None else away @ self._basis).T

    def advance(self, lags: Counts, begun: int, drawn: Counts) -> None:
        ring, stride, frames = self._ring, self._settings.stride, self._frames
        capacity, every = len(ring), np.arange(ring.shape[1])
        wanted = bool(frames.sums.size)
        with np.errstate(all="ignore"):
            for step, (lag, age) in enumerate(zip(lags, drawn, strict=True), begun):
                stage, place = stage_of(self._method, step), step % capacity
                ring[place] = query = np.asarray(stage.query(self._state), dtype=float)
                if wanted and step % stride == 0:
                    self._write_frame(step // stride, query, self._answer(step))
                asked = ring[(place - lag) % capacity, every]
                if self._share:
                    asked = (1 - self._share) * asked + self._share * query
                gradient = self._problem.field(asked)
                if self._settings.deviations.any():
                    gradient = gradient + self._noise()
                if self._weight is not None:
                    gradient = np.asarray(self._weight(age), dtype=float)[:, None] * gradient
                self._state = stage.update(self._state, gradient)

    def _noise(self) -> Array:
        deviations, lanes = self._settings.deviations, self._ring.shape[1]
        along = self._rng.standard_normal((len(deviations), lanes)).T * deviations
        return along if self._basis is None else along @ self._basis.T

    def _write_frame(self, frame: int, query: Array, answer: Array) -> None:
        kept = self._frames
        write_frame(frame, query.T, self._away(answer), kept.sums, kept.squares, kept.paths)
        if kept.paths.size:
            kept.paths[1, frame] = answer.T

    def finish(self) -> None:
        steps, frames = self._settings.steps, self._frames
        with np.errstate(all="ignore"):
            query = np.asarray(stage_of(self._method, steps).query(self._state), dtype=float)
            answer = self._answer(steps)
            frames.ends[:] = query.T, answer.T
            frames.distances[1] = _length(self._away(answer))
            if frames.sums.size and steps % self._settings.stride == 0:
                self._write_frame(steps // self._settings.stride, query, answer)


def _length(away: Array) -> Array:
    """The distance of answers ``(modes, lanes)`` from the solution."""
    found: Array = np.sqrt(np.einsum("kl,kl->l", away, away))
    return found
