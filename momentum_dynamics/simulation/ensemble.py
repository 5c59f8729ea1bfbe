"""Running the state space on many replicas of a linear problem, mode by mode, block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.linear import stack
from momentum_dynamics.methods.protocol import period_of, spread, stage_of, transient_of
from momentum_dynamics.problems import LinearProblem
from momentum_dynamics.simulation.direct import begin
from momentum_dynamics.simulation.kernels import Stages
from momentum_dynamics.simulation.noise import block_sizes, block_streams, reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, Trajectory, outcomes

__all__ = ["Loop", "Record", "displacements", "run_blocks", "run_ensemble", "stages_of"]

Array = NDArray[np.float64]


def stages_of(method: Method, steps: int) -> Stages:
    """The distinct stages of a method as stacked arrays ``(stages, *batch, …)``."""
    period, transient = period_of(method), transient_of(method)
    count = steps + 1 if period is None else transient + period
    systems = [state_space(method, step=index) for index in range(count)]
    parts = {
        "A": [stack(system.transition) for system in systems],
        "B": [stack(system.injection)[..., 0] for system in systems],
        "C": [stack(system.observation)[..., 0, :] for system in systems],
        "E": [stack(system.readout)[..., 0, :] for system in systems],
    }
    stacked = {name: np.stack(np.broadcast_arrays(*arrays)) for name, arrays in parts.items()}
    return Stages(**stacked, transient=0 if period is None else transient)


def run_ensemble(
    method: Method, problem: LinearProblem, settings: Settings, block: Callable[..., None]
) -> Trajectory | EnsembleMoments:
    """Run all settings and replicas through one of the two kernels."""
    stages = stages_of(method, settings.steps)
    batch = np.broadcast_shapes(
        stages.A.shape[1:-2], *(part.shape[1:-1] for part in (stages.B, stages.C, stages.E))
    )
    curvatures, basis = problem.modes
    state = displacements(method, problem, settings, batch, basis)
    first, last = stages.index(0), stages.index(settings.steps)

    def loop(index: tuple[int, ...]) -> Loop:
        own = _pick(stages, index)
        return Loop(
            advance=partial(block, own, curvatures, settings.deviations),
            first=partial(np.einsum, "i,ikl->kl", own.E[first]),
            last=partial(np.einsum, "i,ikl->kl", own.E[last]),
        )

    record = run_blocks(loop, state, problem.dimension, settings)
    return record.told(problem.solution, basis, settings, seed=reported(settings.root))


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """One setting's loop.

    Attributes
    ----------
    advance : callable
        Runs a block: takes its state, generator, sums, squares and paths, all but the generator to
        be written in place.
    first, last : callable
        Read the answers ``(answers, lanes)`` off the first and the last state.
    """

    advance: Callable[..., None]
    first: Callable[[Array], Array]
    last: Callable[[Array], Array]


def run_blocks(
    loop: Callable[[tuple[int, ...]], Loop], state: Array, answers: int, settings: Settings
) -> Record:
    """Run all settings, block by block, each block on its own stream.

    Parameters
    ----------
    loop : callable
        From the index of a setting in the batch to its loop.
    state : array ``(*batch, slots, modes, replicas)``
        The initial state, away from rest at the solution.
    answers : int
        How many numbers a replica answers.
    settings : Settings
    """
    batch, count = state.shape[:-3], settings.count
    frames = settings.steps // settings.stride + 1
    sums, squares = np.zeros((2, *batch, frames, answers))
    kept = None if settings.moments else np.empty((2, *batch, frames, answers, count))
    begun, ended = np.empty((2, *batch, count))
    for index in np.ndindex(*batch):
        own = loop(index)
        first = 0
        for size, rng in zip(block_sizes(count), block_streams(settings.root, count), strict=True):
            lanes = slice(first, first + size)
            current = state[index][..., lanes].copy()
            begun[index][lanes] = _distance(own.first, current)
            paths = None if kept is None else np.empty((2, frames, answers, size))
            own.advance(current, rng, sums[index], squares[index], paths)
            ended[index][lanes] = _distance(own.last, current)
            if kept is not None:
                kept[(slice(None), *index)][..., lanes] = paths
            first += size
    return Record(sums=sums, squares=squares, kept=kept, begun=begun, ended=ended)


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What the blocks wrote down.

    Attributes
    ----------
    sums, squares : array ``(*batch, frames, answers)``
        Over all replicas.
    kept : array ``(2, *batch, frames, answers, replicas)`` or None
        Queries and answers, away from the solution.
    begun, ended : array ``(*batch, replicas)``
        The first and the last distance from the solution.
    """

    sums: Array
    squares: Array
    kept: Array | None
    begun: Array
    ended: Array

    def picked(self, which: NDArray[np.intp]) -> Record:
        """Some of the answers, in an order of their own."""
        return dataclasses.replace(
            self,
            sums=self.sums[..., which],
            squares=self.squares[..., which],
            kept=None if self.kept is None else self.kept[..., which, :],
        )

    def told(
        self, solution: Array, basis: Array | None, settings: Settings, *, seed: Any
    ) -> Trajectory | EnsembleMoments:
        """The moments along the answers, or the trajectory in coordinates: answers times basisᵀ."""
        count, frames, answers = settings.count, *self.sums.shape[-2:]
        shape = (*self.begun.shape[:-1], *settings.replicas)
        outcome = outcomes(self.begun.reshape(shape), self.ended.reshape(shape), settings.tolerance)
        if self.kept is None:
            return EnsembleMoments(
                mean=np.moveaxis(self.sums / count, -2, 0),
                second_moment=np.moveaxis(self.squares / count, -2, 0),
                replicas=count,
                outcome=outcome,
                seed=seed,
            )
        with np.errstate(all="ignore"):
            along = np.moveaxis(self.kept, -3, 1).swapaxes(-1, -2)
            along = along.reshape(2, frames, *shape, answers)
            points, outputs = solution + (along if basis is None else along @ basis.T)
        return Trajectory(
            points=points,
            outputs=outputs,
            outcome=outcome,
            seed=seed,
            solution=solution,
            stride=settings.stride,
        )


def _distance(read: Callable[[Array], Array], state: Array) -> Array:
    """The distance of a block's answers from the solution, ``(lanes,)``."""
    with np.errstate(all="ignore"):
        answers = read(state)
        return np.sqrt(np.einsum("kl,kl->l", answers, answers))


def _pick(stages: Stages, index: tuple[int, ...]) -> Stages:
    """The stages of one batch element, contiguous."""

    def pick(array: Array, matrix_axes: int) -> Array:
        lengths = array.shape[1 : array.ndim - matrix_axes]
        own = index[len(index) - len(lengths) :]
        place = [i if length > 1 else 0 for i, length in zip(own, lengths, strict=True)]
        return np.ascontiguousarray(np.moveaxis(array, 0, len(place))[tuple(place)])

    return Stages(
        A=pick(stages.A, 2),
        B=pick(stages.B, 1),
        C=pick(stages.C, 1),
        E=pick(stages.E, 1),
        transient=stages.transient,
    )


def displacements(
    method: Method,
    problem: LinearProblem,
    settings: Settings,
    batch: tuple[int, ...],
    basis: Array | None,
) -> Array:
    """The initial state, away from rest at the solution, ``(*batch, slots, modes, replicas)``.

    A start that all replicas share is kept once and seen by all.
    """
    count, dimension = settings.count, problem.dimension
    own = [np.ndim(slot) > 1 for slot in _slots(settings.start)]
    shared = (*(1,) * len(settings.replicas), dimension)
    inner = (*settings.replicas, dimension) if any(own) else shared
    moving = spread(method, len(inner))
    rest = stage_of(moving, 0).initial_state(problem.solution)
    slots = []
    for slot, still in zip(begin(moving, settings.start, inner), rest, strict=True):
        away = slot - still
        away = np.broadcast_to(away if basis is None else away @ basis, (*batch, *inner))
        slots.append(away.reshape(*batch, -1, dimension).swapaxes(-1, -2))
    stacked = np.stack(slots, axis=len(batch))
    return np.broadcast_to(stacked, (*stacked.shape[:-1], count))


def _slots(start: Any) -> tuple[Any, ...]:
    return start if isinstance(start, tuple) else (start,)
