"""Jumping over many noisy steps of a linear problem with one exact Gaussian draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.linear import stack
from momentum_dynamics.methods.protocol import period_of, spread, transient_of
from momentum_dynamics.problems import LinearProblem
from momentum_dynamics.simulation.ensemble import displacements
from momentum_dynamics.simulation.noise import block_sizes, block_streams, reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, Trajectory, outcomes

__all__ = ["jump_maps", "run_jumps"]

Array = NDArray[np.float64]


def jump_maps(matrix: Array, source: Array, stride: int) -> tuple[Array, Array]:
    """What `stride` steps s ← Ms + ξ, Cov ξ = Q, do at once: Mⁿ and Q + MQMᵀ + … + Mⁿ⁻¹QMⁿ⁻¹ᵀ.

    By doubling, so a thousand steps cost ten products.
    """
    size = matrix.shape[-1]
    whole = np.broadcast_to(np.eye(size), matrix.shape), np.zeros_like(source)
    part = matrix, source
    while stride:
        if stride & 1:
            whole = _then(whole, part)
        stride >>= 1
        if stride:
            part = _then(part, part)
    return whole


def _then(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    """First one map, then the other."""
    matrix, source = second
    spread_out = matrix @ first[1] @ np.swapaxes(matrix, -1, -2)
    return matrix @ first[0], spread_out + source


def run_jumps(
    method: Method, problem: LinearProblem, settings: Settings
) -> Trajectory | EnsembleMoments:
    """Draw the state every `stride` steps from its exact law, which is Gaussian.

    Raises
    ------
    DomainError
        If the coefficients change with the step, or the law is beyond all numbers.
    """
    if period_of(method) != 1 or transient_of(method):
        raise DomainError(
            f"The coefficients of {type(method).__name__} change with the step; engine 'jump' "
            "needs settled ones."
        )
    curvatures, basis = problem.modes
    system = state_space(spread(method, 1))
    rows, injection = system.closed_rows(curvatures)
    matrix, vector = stack(rows), stack(injection)
    source = settings.deviations[:, None, None] ** 2 * (vector @ np.swapaxes(vector, -1, -2))
    matrix, source = np.broadcast_arrays(matrix, source)
    with np.errstate(all="ignore"):
        power, covariance = jump_maps(matrix, source, settings.stride)
    if not (np.isfinite(power).all() and np.isfinite(covariance).all()):
        raise DomainError(
            f"{settings.stride} steps of this unstable loop are beyond all numbers; use a smaller "
            "stride."
        )
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
    batch, modes = matrix.shape[:-3], problem.dimension
    # A row for every mode; slots behind modes, so that every mode has its own small matrix.
    seen = [stack(part)[..., None, :, :] for part in (system.observation, system.readout)]
    state = np.swapaxes(displacements(method, problem, settings, batch, basis), -2, -3)
    frames = np.empty(
        (2, settings.steps // settings.stride + 1, *batch, modes, settings.count), dtype=float
    )
    first = 0
    streams = block_streams(settings.root, settings.count)
    with np.errstate(all="ignore"):
        for size, rng in zip(block_sizes(settings.count), streams, strict=True):
            lanes = slice(first, first + size)
            own = state[..., lanes]
            for frame in range(frames.shape[1]):
                if frame > 0:
                    drawn = rng.standard_normal((modes, matrix.shape[-1], size))
                    own = power @ own + root @ drawn
                for which, row in enumerate(seen):
                    frames[which, frame, ..., lanes] = (row @ own)[..., 0, :]
            first += size
    return _result(frames, problem, settings, batch, basis)


def _result(
    frames: Array,
    problem: LinearProblem,
    settings: Settings,
    batch: tuple[int, ...],
    basis: Any,
) -> Trajectory | EnsembleMoments:
    answers = frames[1]
    with np.errstate(all="ignore"):
        begun, ended = (np.sqrt((answers[k] ** 2).sum(axis=-2)) for k in (0, -1))
    shape = (*batch, *settings.replicas)
    outcome = outcomes(begun.reshape(shape), ended.reshape(shape), settings.tolerance)
    if settings.moments:
        return EnsembleMoments(
            mean=answers.mean(axis=-1),
            second_moment=(answers**2).mean(axis=-1),
            replicas=settings.count,
            outcome=outcome,
            seed=reported(settings.root),
        )
    along = np.swapaxes(frames, -1, -2).reshape(*frames.shape[:2], *shape, problem.dimension)
    points, outputs = problem.solution + (along if basis is None else along @ basis.T)
    return Trajectory(
        points=points,
        outputs=outputs,
        outcome=outcome,
        seed=reported(settings.root),
        solution=problem.solution,
        stride=settings.stride,
    )
