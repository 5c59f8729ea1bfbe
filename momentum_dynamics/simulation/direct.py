"""Running a method through `query` and `update`, on any problem, all replicas at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import State, answer_before, spread, stage_of
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.noise import block_sizes, block_streams, normals, reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, Trajectory, outcomes

__all__ = ["begin", "run_directly"]

Array = NDArray[np.float64]


def begin(method: Method, start: Any, shape: tuple[int, ...]) -> State:
    """The initial state: at rest at a point, or the slots as given.

    Raises
    ------
    ShapeError
        If a number of slots is given that is not the method's.
    """
    first = stage_of(method, 0)
    if not isinstance(start, tuple):
        return first.initial_state(np.broadcast_to(np.asarray(start, dtype=float), shape))
    slots = len(first.initial_state(0))
    if len(start) != slots:
        raise ShapeError(
            f"The start is a tuple of {len(start)}, but the state of {type(method).__name__} has "
            f"{slots} slots; give a point as a list or an array."
        )
    return tuple(np.asarray(slot, dtype=float) for slot in start)


def run_directly(
    method: Method, problem: Problem, settings: Settings, *, delay: Delay | None
) -> Trajectory | EnsembleMoments:
    """Run every step as the method's own functions say it."""
    axes, dimension = settings.replicas, problem.dimension
    basis = problem.modes[1] if isinstance(problem, LinearProblem) else None
    streams = block_streams(settings.root, settings.count)
    moving = spread(method, len(axes) + 1)
    state = begin(moving, settings.start, (*axes, dimension))
    lags = None if delay is None else _Lags(delay, streams, settings)
    points, outputs, means, seconds = [], [], [], []
    with np.errstate(all="ignore"):
        # A first update shows the batch axes that the parameters bring.
        tried = stage_of(moving, 0).update(state, np.zeros((*axes, dimension)))
        shape = np.broadcast_shapes(*(np.shape(slot) for slot in tried))
        state = tuple(np.broadcast_to(slot, shape) for slot in state)
        first = last = np.zeros(shape[:-1])
        for step in range(settings.steps + 1):
            stage = stage_of(moving, step)
            query = np.asarray(stage.query(state), dtype=float)
            answer = np.asarray(answer_before(moving, step, state), dtype=float)
            if settings.moments:
                along = answer - problem.solution
                along = along if basis is None else along @ basis
                over = tuple(range(along.ndim - 1 - len(axes), along.ndim - 1))
                means.append(along.mean(axis=over))
                seconds.append((along**2).mean(axis=over))
            else:
                points.append(query)
                outputs.append(answer)
            last = np.linalg.norm(answer - problem.solution, axis=-1)
            first = last if step == 0 else first
            if step == settings.steps:
                break
            gradient = problem.field(query if lags is None else lags.stale(query))
            if settings.deviations.any():
                noise = normals(streams, dimension, axes) * settings.deviations
                gradient = gradient + (noise if basis is None else noise @ basis.T)
            state = stage.update(state, gradient)
    outcome = outcomes(first, last, settings.tolerance)
    if settings.moments:
        return EnsembleMoments(
            mean=np.stack(means),
            second_moment=np.stack(seconds),
            replicas=settings.count,
            outcome=outcome,
            seed=reported(settings.root),
        )
    return Trajectory(
        points=np.stack(points),
        outputs=np.stack(outputs),
        outcome=outcome,
        seed=reported(settings.root),
        solution=problem.solution,
    )


class _Lags:
    """Draws a staleness for every replica and looks the stale queries up."""

    def __init__(
        self, delay: Delay, streams: list[np.random.Generator], settings: Settings
    ) -> None:
        self._delay, self._streams, self._settings = delay, streams, settings
        self._history: list[Array] = []

    def stale(self, query: Array) -> Array:
        """Where this step's gradients are asked, this step's query being the newest known."""
        self._history.append(query)
        step = len(self._history) - 1
        drawn = [
            self._delay.sample(rng, size)
            for rng, size in zip(self._streams, block_sizes(self._settings.count), strict=True)
        ]
        lag = np.minimum(np.concatenate(drawn), step).reshape(self._settings.replicas)
        # One row of the history for each age that was drawn, then each replica's own row.
        ages, which = np.unique(lag, return_inverse=True)
        rows = np.stack([self._history[step - age] for age in ages])
        chosen = np.broadcast_to(which.reshape(lag.shape)[..., None], query.shape)
        return np.take_along_axis(rows, chosen[None], axis=0)[0]
