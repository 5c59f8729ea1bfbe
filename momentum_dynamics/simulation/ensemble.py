"""Running the state space on many replicas of a linear problem, mode by mode, block by block."""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["displacements", "run_ensemble", "stages_of"]

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
    count, modes, rows = settings.count, problem.dimension, settings.steps + 1
    state = displacements(method, problem, settings, batch, basis)
    sums, squares = np.zeros((2, *batch, rows, modes))
    kept = None if settings.moments else np.empty((2, *batch, rows, modes, count))
    begun, ended = np.empty((2, *batch, count))
    first_stage, last_stage = stages.index(0), stages.index(settings.steps)
    for index in np.ndindex(*batch):
        own = _pick(stages, index)
        first = 0
        for size, rng in zip(block_sizes(count), block_streams(settings.root, count), strict=True):
            lanes = slice(first, first + size)
            current = state[index][..., lanes].copy()
            begun[index][lanes] = _distance(own.E[first_stage], current)
            paths = None if kept is None else np.empty((2, rows, modes, size))
            block(
                own,
                curvatures,
                settings.deviations,
                current,
                rng,
                sums[index],
                squares[index],
                paths,
            )
            ended[index][lanes] = _distance(own.E[last_stage], current)
            if kept is not None:
                kept[(slice(None), *index)][..., lanes] = paths
            first += size
    shape = (*batch, *settings.replicas)
    outcome = outcomes(begun.reshape(shape), ended.reshape(shape), settings.tolerance)
    if kept is None:
        return EnsembleMoments(
            mean=np.moveaxis(sums / count, -2, 0),
            second_moment=np.moveaxis(squares / count, -2, 0),
            replicas=count,
            outcome=outcome,
            seed=reported(settings.root),
        )
    with np.errstate(all="ignore"):
        along = np.moveaxis(kept, -3, 1).swapaxes(-1, -2).reshape(2, rows, *shape, modes)
        points, outputs = problem.solution + (along if basis is None else along @ basis.T)
    return Trajectory(
        points=points,
        outputs=outputs,
        outcome=outcome,
        seed=reported(settings.root),
        solution=problem.solution,
    )


def _distance(readout: Array, state: Array) -> Array:
    """The distance of a block's answers from the solution, ``(lanes,)``."""
    with np.errstate(all="ignore"):
        answers = np.einsum("i,ikl->kl", readout, state)
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
