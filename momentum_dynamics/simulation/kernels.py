"""The linear loop on many replicas: one text compiled, one in NumPy, the same bits.

Both take the small arrays of the stages (transient, then period), never a method, and evaluate

    u = σ z + h (C s),   s' = A s + B u,   answer E s

in one fixed order, mode by mode, over a block of up to 128 replicas. Sums over the replicas of a
block, filled up with zeros, add its four quarters, those of the result, and what remains from left
to right: an order that processors can take in vectors and that NumPy can follow.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods.protocol import stage_index

__all__ = ["Stages", "compile_text", "compiled_block", "lane_sum", "numpy_block", "weighted"]

Array = NDArray[np.float64]

_WIDTH = 128
"""The replicas of a full block; the literals in the compiled text follow from it."""


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


def compile_text(text: Callable[..., Any], **bound: Any) -> Any:
    """A kernel's text, compiled and kept on disk; None where numba is not installed.

    Parameters
    ----------
    text : callable
        All that it calls stands in its own file: compiled code that is kept notices no other.
    **bound
        Names that the text takes from its module, bound anew, as to the compiled texts it calls.
    """
    try:
        import numba
    except ImportError:
        return None
    native = types.FunctionType(text.__code__, {**text.__globals__, **bound}, text.__name__)
    try:
        return numba.njit(native, cache=True, error_model="numpy", nogil=True)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(native, error_model="numpy", nogil=True)


@cache
def compiled_block() -> Callable[..., None] | None:
    """The same as `numpy_block`, compiled; None where numba is not installed."""
    kernel = compile_text(_block)
    if kernel is None:
        return None

    def run(
        stages: Stages,
        curvatures: Array,
        deviations: Array,
        state: Array,
        rng: np.random.Generator,
        sums: Array,
        squares: Array,
        paths: Array | None,
    ) -> None:
        matrices = (stages.A, stages.B, stages.C, stages.E)
        kept = np.empty((2, 0, 0, 0)) if paths is None else paths
        kernel(*matrices, stages.transient, curvatures, deviations, state, rng, sums, squares, kept)

    return run


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
    answer, part, square = np.zeros(128), np.empty(32), np.empty(32)
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
            for i in range(32):
                p, q, r, s = answer[i], answer[i + 32], answer[i + 64], answer[i + 96]
                part[i] = ((p + q) + r) + s
                square[i] = ((p * p + q * q) + r * r) + s * s
            for i in range(8):
                part[i] = ((part[i] + part[i + 8]) + part[i + 16]) + part[i + 24]
                square[i] = ((square[i] + square[i + 8]) + square[i + 16]) + square[i + 24]
            total, total_square = part[0], square[0]
            for i in range(1, 8):
                total += part[i]
                total_square += square[i]
            sums[step, k] += total
            squares[step, k] += total_square
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
