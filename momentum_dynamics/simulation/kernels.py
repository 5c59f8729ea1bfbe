"""The linear loop on many replicas: one text compiled, one in NumPy, the same bits.

Both take the small arrays of the stages (transient, then period), never a method, and evaluate

    u = σ z + h (C s),   s' = A s + B u,   answer E s

or, where the modes are small games, whole rounds of several gradients,

    s' = M s + N (σ z),   query C s,   answer E s

in one fixed order, mode by mode, over a block of up to 128 replicas. Sums over the replicas of a
block, filled up with zeros, add its four quarters, those of the result, and what remains from left
to right: an order that processors can take in vectors and that NumPy can follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods.protocol import stage_index
from momentum_dynamics.simulation.compiling import compile_text

__all__ = [
    "Rounds",
    "Stages",
    "compiled_block",
    "compiled_rounds",
    "lane_sum",
    "numpy_block",
    "numpy_rounds",
    "weighted",
]

Array = NDArray[np.float64]

_WIDTH = 128
"""The replicas of a full block; the literals in the compiled text follow from it."""

_NOTHING = np.empty((2, 0, 0, 0))
"""Paths that nobody wants, to the compiled texts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """The maps of every distinct stage: step t uses stage t, or wraps around the period.

    Attributes
    ----------
    A, B, C, E : arrays ``(stages, slots, slots)``, and ``(stages, slots)`` for the others
    transient : int
    """

    A: Array
    B: Array
    C: Array
    E: Array
    transient: int

    def index(self, step: int) -> int:
        """Which stage makes a step."""
        return stage_index(step, self.transient, len(self.A) - self.transient)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rounds:
    """The maps of the first rounds; all later ones are like the last.

    Attributes
    ----------
    MN : array ``(rounds, modes, states, states + noises)``
        M and N side by side.
    C : array ``(rounds, modes, answers, states)``
    E : array ``(modes, answers, states)``
        The same in every round.
    """

    MN: Array
    C: Array
    E: Array

    def index(self, step: int) -> int:
        """Which of the rounds makes a step."""
        return min(step, len(self.MN) - 1)


def numpy_block(
    stages: Stages,
    curvatures: Array,
    deviations: Array,
    state: Array,
    rng: np.random.Generator,
    sums: Array,
    squares: Array,
    paths: Array | None,
) -> None:
    """Run one block of replicas in NumPy; all outputs are written in place.

    Parameters
    ----------
    stages : Stages
    curvatures, deviations : array ``(modes,)``
        h and σ of each mode.
    state : array ``(slots, modes, lanes)``
        The initial state; holds the final one afterwards.
    rng : Generator
        Draws modes × lanes normals for each step.
    sums, squares : array ``(steps + 1, modes)``
        To which the sums of the answer and its square over the lanes are added.
    paths : array ``(2, steps + 1, modes, lanes)`` or None
        Filled with queries and answers.
    """
    steps = len(sums) - 1
    h, sigma = curvatures[:, None], deviations[:, None]
    noisy = bool(deviations.any())
    z = np.zeros(state.shape[1:])
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            at = stages.index(step)
            query = weighted(stages.C[at], state)
            answer = weighted(stages.E[at], state)
            sums[step] += lane_sum(answer)
            squares[step] += lane_sum(answer * answer)
            if paths is not None:
                paths[0, step], paths[1, step] = query, answer
            if step == steps:
                return
            if noisy:
                rng.standard_normal(out=z)
            u = sigma * z + h * query
            state[:] = [
                weighted(row, state) + b * u
                for row, b in zip(stages.A[at], stages.B[at], strict=True)
            ]


def numpy_rounds(
    rounds: Rounds,
    deviations: Array,
    stride: int,
    state: Array,
    rng: np.random.Generator,
    sums: Array,
    squares: Array,
    paths: Array | None,
) -> None:
    """Play one block of replicas in NumPy; all outputs are written in place.

    Parameters
    ----------
    rounds : Rounds
    deviations : array ``(noises, modes)``
        σ of each gradient of a round, in the order of play.
    stride : int
        How many rounds one frame is apart from the next.
    state : array ``(states, modes, lanes)``
        The initial state; holds the final one afterwards.
    rng : Generator
        Draws noises × modes × lanes normals for each round.
    sums, squares : array ``(frames, modes × answers)``
        To which the sums of the answers and their squares over the lanes are added.
    paths : array ``(2, frames, modes × answers, lanes)`` or None
        Filled with queries and answers.
    """
    lanes = state.shape[-1]
    last = (len(sums) - 1) * stride
    noisy = bool(deviations.any())
    z = np.zeros((*deviations.shape, lanes))
    with np.errstate(all="ignore"):
        for step in range(last + 1):
            at = rounds.index(step)
            if step % stride == 0:
                frame = step // stride
                answer = _mapped(rounds.E, state).reshape(-1, lanes)
                total, total_square = np.split(lane_sum(np.vstack([answer, answer * answer])), 2)
                sums[frame] += total
                squares[frame] += total_square
                if paths is not None:
                    paths[0, frame] = _mapped(rounds.C[at], state).reshape(-1, lanes)
                    paths[1, frame] = answer
            if step == last:
                return
            if noisy:
                rng.standard_normal(out=z)
            held = np.concatenate([state, deviations[..., None] * z])
            state[:] = _mapped(rounds.MN[at], held).swapaxes(0, 1)


def _mapped(matrices: Array, state: Array) -> Array:
    """Each mode's matrix times its state ``(states, modes, lanes)``: ``(modes, rows, lanes)``."""
    return weighted(np.moveaxis(matrices, -1, 0)[..., None], state[:, :, None])


def weighted(weights: Array, state: Any) -> Array:
    """The slots of a state added up with weights, from left to right."""
    total: Array = weights[0] * state[0]
    for weight, slot in zip(weights[1:], state[1:], strict=True):
        total = total + weight * slot
    return total


def lane_sum(values: Array) -> Array:
    """The sum over the lanes of a block ``(modes, lanes)``."""
    row = np.zeros((len(values), _WIDTH))
    row[:, : values.shape[1]] = values
    for width in (_WIDTH // 4, _WIDTH // 16):
        first, second, third, fourth = (row[:, i * width : (i + 1) * width] for i in range(4))
        row = ((first + second) + third) + fourth
    total: Array = row[:, 0]
    for lane in range(1, row.shape[1]):
        total = total + row[:, lane]
    return total


@cache
def compiled_block() -> Callable[..., None] | None:
    """The same as `numpy_block`, compiled; None where numba is not installed."""
    kernel = compile_text(_block, _add_lanes=compile_text(_add_lanes))
    return _taking(kernel, "A", "B", "C", "E", "transient")


@cache
def compiled_rounds() -> Callable[..., None] | None:
    """The same as `numpy_rounds`, compiled; None where numba is not installed."""
    kernel = compile_text(
        _play, _add_lanes=compile_text(_add_lanes), _combine=compile_text(_combine)
    )
    return _taking(kernel, "MN", "C", "E")


def _taking(kernel: Any, *names: str) -> Callable[..., None] | None:
    """A kernel that takes these parts of maps, and None for paths that nobody wants."""
    if kernel is None:
        return None
    parts = attrgetter(*names)

    def run(maps: Stages | Rounds, *given: Any) -> None:
        *rest, paths = given
        kernel(*parts(maps), *rest, _NOTHING if paths is None else paths)

    return run


def _add_lanes(answer: Any, part: Any, sums: Any, squares: Any, frame: int, which: int) -> None:
    """What `lane_sum` does, to an answer and to its square."""
    for i in range(32):
        p, q, r, s = answer[i], answer[i + 32], answer[i + 64], answer[i + 96]
        part[0, i] = ((p + q) + r) + s
        part[1, i] = ((p * p + q * q) + r * r) + s * s
    for i in range(8):
        for j in range(2):
            part[j, i] = ((part[j, i] + part[j, i + 8]) + part[j, i + 16]) + part[j, i + 24]
    total, total_square = part[0, 0], part[1, 0]
    for i in range(1, 8):
        total += part[0, i]
        total_square += part[1, i]
    sums[frame, which] += total
    squares[frame, which] += total_square


def _combine(weights: Any, state: Any, k: int, found: Any) -> None:
    """What `weighted` does, to one mode of a state ``(slots, modes, lanes)``."""
    lanes = state.shape[2]
    for lane in range(lanes):
        found[lane] = weights[0] * state[0, k, lane]
    for j in range(1, len(weights)):
        for lane in range(lanes):
            found[lane] = found[lane] + weights[j] * state[j, k, lane]


def _play(
    MN: Any,
    C: Any,
    E: Any,
    deviations: Any,
    stride: int,
    state: Any,
    rng: Any,
    sums: Any,
    squares: Any,
    paths: Any,
) -> None:
    """The text that is compiled: loops in the order that `numpy_rounds` describes."""
    states, modes, lanes = state.shape
    noises, answers = deviations.shape[0], E.shape[1]
    last = (sums.shape[0] - 1) * stride
    keep = paths.shape[1] > 0
    noisy = np.any(deviations != 0)
    drawn, held = np.zeros(noises * modes * lanes), np.empty((states + noises, modes, lanes))
    z = drawn.reshape((noises, modes, lanes))
    answer, part = np.zeros(128), np.empty((2, 32))
    for step in range(last + 1):
        at = min(step, MN.shape[0] - 1)
        if step % stride == 0:
            frame = step // stride
            for k in range(modes):
                for i in range(answers):
                    which = k * answers + i
                    _combine(E[k, i], state, k, answer)
                    _add_lanes(answer, part, sums, squares, frame, which)
                    if keep:
                        _combine(C[at, k, i], state, k, paths[0, frame, which])
                        paths[1, frame, which] = answer[:lanes]
        if step == last:
            return
        if noisy:
            for i in range(len(drawn)):
                drawn[i] = rng.standard_normal()
        held[:states] = state
        for k in range(modes):
            for c in range(noises):
                held[states + c, k] = deviations[c, k] * z[c, k]
            for i in range(states):
                _combine(MN[at, k, i], held, k, state[i, k])


def _block(  # noqa: C901, PLR0912 - a kernel is one flat text; calls would be inlined anyway
    A: Any,
    B: Any,
    C: Any,
    E: Any,
    transient: int,
    curvatures: Any,
    deviations: Any,
    state: Any,
    rng: Any,
    sums: Any,
    squares: Any,
    paths: Any,
) -> None:
    """The text that is compiled: loops in the order that `numpy_block` describes."""
    slots, modes, lanes = state.shape
    steps = sums.shape[0] - 1
    keep = paths.shape[1] > 0
    noisy = False
    for k in range(modes):
        noisy = noisy or deviations[k] != 0.0
    z, query, moved = np.zeros(lanes), np.empty(lanes), np.empty((slots, lanes))
    answer, part = np.zeros(128), np.empty((2, 32))
    for step in range(steps + 1):
        at = step
        if step >= transient:
            at = transient + (step - transient) % (A.shape[0] - transient)
        for k in range(modes):
            for lane in range(lanes):
                answer[lane] = E[at, 0] * state[0, k, lane]
            for j in range(1, slots):
                for lane in range(lanes):
                    answer[lane] = answer[lane] + E[at, j] * state[j, k, lane]
            _add_lanes(answer, part, sums, squares, step, k)
            if keep or slots != 2:
                for lane in range(lanes):
                    query[lane] = C[at, 0] * state[0, k, lane]
                for j in range(1, slots):
                    for lane in range(lanes):
                        query[lane] = query[lane] + C[at, j] * state[j, k, lane]
            if keep:
                for lane in range(lanes):
                    paths[0, step, k, lane] = query[lane]
                    paths[1, step, k, lane] = answer[lane]
            if step == steps:
                continue
            if noisy:
                for lane in range(lanes):
                    z[lane] = rng.standard_normal()
            sigma, h = deviations[k], curvatures[k]
            if slots == 2:  # the common case in one pass: same order, same bits
                a, b, c, d = A[at, 0, 0], A[at, 0, 1], A[at, 1, 0], A[at, 1, 1]
                first_gain, second_gain = B[at, 0], B[at, 1]
                ask_newest, ask_before = C[at, 0], C[at, 1]
                for lane in range(lanes):
                    newest, before = state[0, k, lane], state[1, k, lane]
                    u = sigma * z[lane] + h * (ask_newest * newest + ask_before * before)
                    state[0, k, lane] = (a * newest + b * before) + first_gain * u
                    state[1, k, lane] = (c * newest + d * before) + second_gain * u
                continue
            for lane in range(lanes):
                query[lane] = sigma * z[lane] + h * query[lane]
            for i in range(slots):
                for lane in range(lanes):
                    moved[i, lane] = A[at, i, 0] * state[0, k, lane]
                for j in range(1, slots):
                    for lane in range(lanes):
                        moved[i, lane] = moved[i, lane] + A[at, i, j] * state[j, k, lane]
                for lane in range(lanes):
                    moved[i, lane] = moved[i, lane] + B[at, i] * query[lane]
            for i in range(slots):
                for lane in range(lanes):
                    state[i, k, lane] = moved[i, lane]
