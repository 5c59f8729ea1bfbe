"""`simulate`: any method on any problem, one path or many replicas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.linear import stack
from momentum_dynamics.methods.protocol import (
    output_of,
    period_of,
    spread,
    stage_of,
    transient_of,
)
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.kernels import Stages, compiled_block, numpy_block
from momentum_dynamics.simulation.noise import (
    Seed,
    block_sizes,
    block_streams,
    seed_sequence,
)
from momentum_dynamics.simulation.outcome import EnsembleMoments, Trajectory, outcomes

__all__ = ["ENGINES", "simulate"]

Array = NDArray[np.float64]

ENGINES = ("auto", "direct", "numpy", "compiled")


def simulate(  # noqa: PLR0913
    method: Method,
    problem: Problem,
    *,
    steps: int,
    start: Any = None,
    replicas: int | tuple[int, ...] = (),
    noise_variance: Scalar = 0.0,
    delay: Delay | None = None,
    seed: Seed = None,
    record: str = "trajectory",
    engine: str = "auto",
    tolerance: float = 1e-12,
) -> Any:
    """Run a method on a problem for a number of steps.

    Parameters
    ----------
    method : Method
        Its parameters may carry batch axes: all settings run at once, on the same noise.
    problem : Problem
    steps : int
        Updates; each asks one gradient.
    start : array ``(dimension,)`` or tuple of arrays, optional
        The point of rest, or the whole initial state slot by slot; the problem's own by default.
    replicas : int or tuple of int
        How many independent noisy copies, as axes before the dimension.
    noise_variance : scalar or array ``(dimension,)``
        Of Gaussian noise added to every gradient; along the modes of a linear problem.
    delay : Delay, optional
        Every replica's every gradient is asked at the query of τ steps ago, τ drawn independently;
        before the first step every worker holds the start.
    seed : int, SeedSequence or Generator, optional
    record : {"trajectory", "moments"}
        Keep every step, or stream mean and second moment over the replicas in bounded memory.
    engine : {"auto", "direct", "numpy", "compiled"}
        ``direct`` runs `query` and `update`. On a linear problem without delay the replicas can run
        on the state space instead, in NumPy or compiled, with the same bits in both.
    tolerance : float
        A run has converged once its distance from the solution fell by this factor.

    Returns
    -------
    Trajectory or EnsembleMoments

    Raises
    ------
    DomainError
        If a setting is not admissible, or the engine cannot run this case.
    ShapeError
        If the start does not fit the problem.

    Notes
    -----
    Divergence is an outcome, never an exception: the numbers run to infinity and are kept.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, Quadratic
    >>> run = simulate(HeavyBall(learning_rate=0.25, momentum=0.25), Quadratic([1.0, 9.0]), steps=60)
    >>> run.points.shape, str(run.outcome)
    ((61, 2), 'converged')
    """
    if record not in {"trajectory", "moments"}:
        raise DomainError(f"record is {record!r}, but must be 'trajectory' or 'moments'.")
    if engine not in ENGINES:
        raise DomainError(f"engine is {engine!r}, but must be one of {', '.join(ENGINES)}.")
    if steps != int(steps) or steps < 0:
        raise DomainError(f"steps is {steps}, but must be a whole number from 0.")
    axes = (replicas,) if isinstance(replicas, int) else tuple(replicas)
    if any(count < 1 for count in axes):
        raise DomainError(f"replicas is {replicas}, but every axis must hold at least one.")
    GLOSSARY["noise_variance"].check(noise_variance)
    deviations = np.sqrt(np.broadcast_to(np.asarray(noise_variance, dtype=float), problem.dimension))
    root = seed_sequence(seed)
    given = problem.start if start is None else start
    for slot in given if isinstance(given, tuple) else (given,):
        if np.shape(slot)[-1:] != (problem.dimension,):
            raise ShapeError(
                f"The start has shape {np.shape(slot)}, but {problem!r} has dimension "
                f"{problem.dimension}."
            )
    linear = isinstance(problem, LinearProblem) and delay is None
    if engine in {"numpy", "compiled"} and not linear:
        raise DomainError(
            f"engine {engine!r} runs linear problems without delay only; use 'auto' or 'direct'."
        )
    if engine == "auto":
        engine = "direct"
        if linear and deviations.any() and math.prod(axes) > 1:
            engine = "compiled" if compiled_block() is not None else "numpy"
    if engine == "compiled" and compiled_block() is None:
        raise DomainError("engine 'compiled' needs numba, which is not installed; use 'numpy'.")
    run = _direct if engine == "direct" else _ensemble
    options: dict[str, Any] = {"delay": delay} if engine == "direct" else {"compiled": engine == "compiled"}
    return run(
        method, problem, int(steps), given, axes, deviations, root, record == "moments", tolerance, **options
    )


def _direct(  # noqa: PLR0913, PLR0917
    method: Method,
    problem: Problem,
    steps: int,
    start: Any,
    axes: tuple[int, ...],
    deviations: Array,
    root: np.random.SeedSequence,
    moments: bool,  # noqa: FBT001
    tolerance: float,
    *,
    delay: Delay | None,
) -> Any:
    """Through `query` and `update`, all replicas at once."""
    count, dimension = math.prod(axes), problem.dimension
    basis = problem.modes[1] if isinstance(problem, LinearProblem) else None
    sizes, streams = block_sizes(count), block_streams(root, count)
    moving = spread(method, len(axes) + 1)
    noisy = bool(deviations.any())
    state = start if isinstance(start, tuple) else stage_of(moving, 0).initial_state(
        np.broadcast_to(np.asarray(start, dtype=float), (*axes, dimension))
    )
    answering = moving if hasattr(moving, "output") else None
    lags = _Lags(delay, streams, sizes, axes) if delay is not None else None
    history: list[Array] = []
    points, outputs, means, seconds = [], [], [], []
    first = last = np.zeros(())
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            stage = stage_of(moving, step)
            query = np.asarray(stage.query(state), dtype=float)
            answer = np.asarray(output_of(answering or stage, state), dtype=float)
            if moments:
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
            if step == steps:
                break
            asked = query
            if lags is not None:
                history.append(query)
                asked = lags.stale(history, step)
            gradient = problem.field(asked)
            if noisy:
                drawn = [
                    rng.standard_normal((dimension, size)) for rng, size in zip(streams, sizes, strict=True)
                ]
                noise = (np.concatenate(drawn, axis=1).T * deviations).reshape(*axes, dimension)
                gradient = gradient + (noise if basis is None else noise @ basis.T)
            state = stage.update(state, gradient)
    result = outcomes(np.broadcast_to(first, np.shape(last)), last, tolerance)
    if moments:
        return EnsembleMoments(
            mean=_stacked(means), second_moment=_stacked(seconds), replicas=count, outcome=result,
            seed=root.entropy,
        )  # fmt: skip
    return Trajectory(
        points=_stacked(points), outputs=_stacked(outputs), outcome=result, seed=root.entropy,
        solution=problem.solution,
    )  # fmt: skip


def _stacked(rows: list[Array]) -> Array:
    """Rows of a run as one array; the first may lack batch axes that the others have."""
    shape = np.broadcast_shapes(*(np.shape(row) for row in rows))
    return np.stack([np.broadcast_to(row, shape) for row in rows])


class _Lags:
    """Draws a staleness for every replica and looks the stale queries up."""

    def __init__(
        self, delay: Delay, streams: list[np.random.Generator], sizes: list[int], axes: tuple[int, ...]
    ) -> None:
        self._delay, self._streams, self._sizes, self._axes = delay, streams, sizes, axes

    def stale(self, history: list[Array], step: int) -> Array:
        """The queries that this step's gradients were asked at."""
        drawn = [
            self._delay.sample(rng, size) for rng, size in zip(self._streams, self._sizes, strict=True)
        ]
        lag = np.minimum(np.concatenate(drawn), step).reshape(self._axes)
        chosen = history[-1].copy()
        for age in np.unique(lag):
            past = np.broadcast_to(history[step - age], chosen.shape)
            chosen = np.where((lag == age)[..., None], past, chosen)
        return chosen


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
    stacked = {
        name: np.stack(np.broadcast_arrays(*arrays)) for name, arrays in parts.items()
    }
    return Stages(**stacked, transient=0 if period is None else transient)


def _ensemble(  # noqa: PLR0913, PLR0917
    method: Method,
    problem: LinearProblem,
    steps: int,
    start: Any,
    axes: tuple[int, ...],
    deviations: Array,
    root: np.random.SeedSequence,
    moments: bool,  # noqa: FBT001
    tolerance: float,
    *,
    compiled: bool,
) -> Any:
    """On the state space, mode by mode, in blocks of replicas."""
    stages = stages_of(method, steps)
    batch = np.broadcast_shapes(
        stages.A.shape[1:-2], *(part.shape[1:-1] for part in (stages.B, stages.C, stages.E))
    )
    curvatures, basis = problem.modes
    count, modes = math.prod(axes), problem.dimension
    slots = stages.A.shape[-1]
    state = _displacements(method, problem, start, axes, batch, basis)
    block = compiled_block() if compiled else numpy_block
    if block is None:
        raise DomainError("engine 'compiled' needs numba, which is not installed; use 'numpy'.")
    sums, squares = np.zeros((2, *batch, steps + 1, modes))
    kept = None if moments else np.empty((2, *batch, steps + 1, modes, count))
    final = np.empty((*batch, slots, modes, count))
    for index in np.ndindex(*batch):
        own = Stages(
            A=_pick(stages.A, index, 2), B=_pick(stages.B, index, 1), C=_pick(stages.C, index, 1),
            E=_pick(stages.E, index, 1), transient=stages.transient,
        )  # fmt: skip
        begin = 0
        for size, rng in zip(block_sizes(count), block_streams(root, count), strict=True):
            lanes = slice(begin, begin + size)
            current = np.ascontiguousarray(state[index][..., lanes])
            paths = None if kept is None else np.empty((2, steps + 1, modes, size))
            block(own, curvatures, deviations, current, rng, sums[index], squares[index], paths)
            final[index][..., lanes] = current
            if kept is not None:
                kept[(slice(None), *index)][..., lanes] = paths
            begin += size
    readout = stages.E[stages.index(steps)]
    with np.errstate(all="ignore"):
        answers = np.einsum("...i,...ikl->...kl", readout, final)
        begun = np.einsum("...i,...ikl->...kl", stages.E[stages.index(0)], state)
        distances = [np.linalg.norm(part, axis=-2).reshape(*batch, *axes) for part in (begun, answers)]
    result = outcomes(*distances, tolerance)
    if moments:
        return EnsembleMoments(
            mean=np.moveaxis(sums / count, -2, 0), second_moment=np.moveaxis(squares / count, -2, 0),
            replicas=count, outcome=result, seed=root.entropy,
        )  # fmt: skip
    assert kept is not None  # noqa: S101
    with np.errstate(all="ignore"):
        paths = np.moveaxis(kept, -3, 1).swapaxes(-1, -2).reshape(2, steps + 1, *batch, *axes, modes)
        paths = problem.solution + (paths if basis is None else paths @ basis.T)
    return Trajectory(
        points=paths[0], outputs=paths[1], outcome=result, seed=root.entropy, solution=problem.solution
    )


def _pick(array: Array, index: tuple[int, ...], matrix_axes: int) -> Array:
    """One batch element of stacked stages, contiguous."""
    own = array.shape[1 : array.ndim - matrix_axes]
    place = tuple(i if length > 1 else 0 for i, length in zip(index[len(index) - len(own) :], own, strict=True))
    return np.ascontiguousarray(array[(slice(None), *place)])


def _displacements(  # noqa: PLR0913, PLR0917
    method: Method,
    problem: LinearProblem,
    start: Any,
    axes: tuple[int, ...],
    batch: tuple[int, ...],
    basis: Array | None,
) -> Array:
    """The initial state as displacement from rest at the solution, ``(*batch, slots, modes, replicas)``."""
    inner = (*axes, problem.dimension)
    first = stage_of(spread(method, len(inner)), 0)
    rest = first.initial_state(problem.solution)
    begin = start
    if not isinstance(start, tuple):
        begin = first.initial_state(np.broadcast_to(np.asarray(start, dtype=float), inner))
    slots = []
    for slot, still in zip(begin, rest, strict=True):
        away = np.asarray(slot, dtype=float) - still
        away = np.broadcast_to(away if basis is None else away @ basis, (*batch, *inner))
        slots.append(away.reshape(*batch, math.prod(axes), problem.dimension).swapaxes(-1, -2))
    return np.stack(slots, axis=len(batch))
