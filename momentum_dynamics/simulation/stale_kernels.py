"""Stale gradients on many replicas of a linear problem: one text compiled, one in NumPy.

Both keep the queries of the last steps in a ring and evaluate, mode by mode over a block of up to
128 replicas, in the order of the ensemble without delay,

    y = C s,   u = σ z + h y(t − τ),   s' = A s + B u,   answer E s

so that they give the same bits, and without delay those of the ensemble.

In the compiled text's ring the modes of one replica lie side by side, up to 16 of them in two lines
of the cache: replicas look up different ages, and what they find is all of one version. In a ring
as in NumPy's order of axes every number would be fetched with a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.simulation.compiling import compile_text
from momentum_dynamics.simulation.kernels import Stages, lane_sum, weighted

__all__ = ["Text", "compiled_text", "numpy_text", "ring_for", "write_frame"]

Array = NDArray[np.float64]

_TILE = 16
"""How many modes of one replica stand side by side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Text:
    """One of the texts, and what it draws its noise from.

    Attributes
    ----------
    advance : callable
        With the parameters of `advance_in_numpy`.
    source : callable
        Makes what is drawn from out of a generator that nobody else draws from.
    """

    advance: Callable[..., None]
    source: Callable[[np.random.Generator], Any]


def ring_for(capacity: int, modes: int, lanes: int) -> Array:
    """Room for the queries of so many steps, ``(capacity, tiles, lanes, width)``, not filled."""
    tiles = -(-modes // _TILE)
    return np.empty((capacity, tiles, lanes, -(-modes // tiles)))


def advance_in_numpy(
    stages: Stages,
    curvatures: Array,
    deviations: Array,
    state: Array,
    rng: np.random.Generator,
    lags: NDArray[np.int64],
    begun: int,
    ring: Array,
    stride: int,
    sums: Array,
    squares: Array,
    paths: Array,
) -> None:
    """Make some steps of one block in NumPy; all outputs are written in place.

    Parameters
    ----------
    stages : Stages
    curvatures, deviations : array ``(modes,)``
        h and σ of each mode.
    state : array ``(slots, modes, lanes)``
        The state before these steps; holds the one behind them afterwards.
    rng : Generator
        Draws modes × lanes normals for each step, none where no mode has noise; in its place the
        source of the compiled text.
    lags : int array ``(rows, lanes)``
        The staleness of each step, at most the step's own number and below the ring's capacity.
    begun : int
        The number of the first step.
    ring : array ``(capacity, tiles, lanes, width)``
        The queries of the steps before, each at its number modulo the capacity.
    stride : int
        How many steps one frame is apart from the next.
    sums, squares : array ``(frames, modes)``
        Filled with sums of the answer and of its square over the lanes; no frames if not wanted.
    paths : array ``(2, frames, modes, lanes)``
        Filled with queries and answers; no frames if not wanted.
    """
    h, sigma = curvatures[:, None], deviations[:, None]
    modes, lanes = state.shape[1:]
    capacity, tiles, _, width = ring.shape
    noisy = bool(deviations.any())
    z = np.zeros((modes, lanes))
    padded = np.zeros((tiles * width, lanes))
    every = np.arange(lanes)
    with np.errstate(all="ignore"):
        for step, lag in enumerate(lags, begun):
            at, place = stages.index(step), step % capacity
            query = weighted(stages.C[at], state)
            padded[:modes] = query
            ring[place] = padded.reshape(tiles, width, lanes).swapaxes(1, 2)
            if step % stride == 0:
                answer = weighted(stages.E[at], state)
                write_frame(step // stride, query, answer, sums, squares, paths)
            if noisy:
                rng.standard_normal(out=z)
            found = ring[(place - lag) % capacity, :, every]
            u = sigma * z + h * found.reshape(lanes, -1).T[:modes]
            state[:] = [
                weighted(row, state) + b * u
                for row, b in zip(stages.A[at], stages.B[at], strict=True)
            ]


def write_frame(
    frame: int, query: Array, answer: Array, sums: Array, squares: Array, paths: Array
) -> None:
    """Write down what is wanted of one step of a block, ``(modes, lanes)`` each."""
    if len(sums):
        sums[frame] = lane_sum(answer)
        squares[frame] = lane_sum(answer * answer)
    if paths.shape[1]:
        paths[0, frame], paths[1, frame] = query, answer


numpy_text = Text(advance=advance_in_numpy, source=lambda rng: rng)


def _fill(rng: Any, z: Any) -> None:
    """Draw a row of normals."""
    for lane in range(len(z)):
        z[lane] = rng.standard_normal()


# The tables of the ziggurat, which are bound when the texts are compiled: where the core of each
# layer ends, the layer's width, the density at its foot, and where the last layer ends.
_CORE, _WIDTH, _DENSITY = np.empty(0, dtype=np.uint64), np.empty(0), np.empty(0)
_LAST = 1.0

# Unsigned, for beside a signed number compiled code would turn both into floats.
_1, _3, _8, _9, _11, _24, _40, _BYTE, _PLACE = np.array(
    [1, 3, 8, 9, 11, 24, 40, 2**8 - 1, 2**52 - 1], dtype=np.uint64
)


def _uniform(words: Any) -> Any:
    """The next number of an SFC64 generator, from 0 to 1."""
    a, b, c, count = words[0], words[1], words[2], words[3]
    drawn = a + b + count
    words[0], words[1], words[3] = b ^ (b >> _11), c + (c << _3), count + _1
    words[2] = ((c << _24) | (c >> _40)) + drawn
    return np.float64(np.int64(drawn >> _11)) / 2.0**53


def _beyond(words: Any, layer: Any, place: Any, x: float) -> Any:
    """A normal outside of the core of its layer; NaN where it is refused."""
    if layer > 0:
        foot = _DENSITY[layer]
        share = (_DENSITY[layer - _1] - foot) * _uniform(words) + foot
        return x if share < np.exp(-0.5 * x * x) else np.nan
    while True:
        far = -(1 / _LAST) * np.log1p(-_uniform(words))
        high = -np.log1p(-_uniform(words))
        if high + high > far * far:
            return -(_LAST + far) if (place >> _8) & _1 else _LAST + far


def _fill_from_words(words: Any, z: Any) -> None:
    """The same numbers as `_fill`, from the four words of an SFC64 generator, which are moved on.

    Compiled code calls NumPy's generator through a pointer for each number, and that costs more
    than all else in a run. Here the generator stands in the loop, and NumPy's ziggurat with it: of
    64 bits one byte chooses a layer, one bit the sign and 52 bits the place in the layer.
    """
    a, b, c, count = words[0], words[1], words[2], words[3]
    for lane in range(len(z)):
        x = np.nan
        while np.isnan(x):
            drawn = a + b + count
            a, b, c = b ^ (b >> _11), c + (c << _3), ((c << _24) | (c >> _40)) + drawn
            count += _1
            layer, place = drawn & _BYTE, (drawn >> _9) & _PLACE
            x = np.float64(np.int64(place)) * _WIDTH[layer]
            if (drawn >> _8) & _1:
                x = -x
            if place >= _CORE[layer]:
                words[0], words[1], words[2], words[3] = a, b, c, count
                x = _beyond(words, layer, place, x)
                a, b, c, count = words[0], words[1], words[2], words[3]
        z[lane] = x
    words[0], words[1], words[2], words[3] = a, b, c, count


def words_of(rng: np.random.Generator) -> NDArray[np.uint64]:
    """The four words of an SFC64 generator."""
    state: Any = rng.bit_generator.state
    return np.array(state["state"]["state"], dtype=np.uint64)


@cache
def compiled_text() -> Text | None:
    """The same as `numpy_text`, compiled; None where numba is not installed."""
    if find_spec("numba") is None:
        return None
    tables = _tables()
    source: Callable[[np.random.Generator], Any] = words_of
    if tables is None:
        fill, source = compile_text(_fill), numpy_text.source
    else:
        beyond = compile_text(_beyond, _uniform=compile_text(_uniform), **tables)
        fill = compile_text(_fill_from_words, _beyond=beyond, **tables)
    kernel = compile_text(_advance, _fill=fill)

    def advance(stages: Stages, *others: Any) -> None:
        kernel(stages.A, stages.B, stages.C, stages.E, stages.transient, *others)

    return Text(advance=advance, source=source)


def _tables() -> dict[str, Any] | None:
    """NumPy's ziggurat as numba holds it; None where another version does not."""
    try:
        from numba.np.random import _constants as held

        return {
            "_CORE": held.ki_double,
            "_WIDTH": held.wi_double,
            "_DENSITY": held.fi_double,
            "_LAST": float(held.ziggurat_nor_r),
        }
    except (ImportError, AttributeError):
        return None


def _advance(  # noqa: C901, PLR0912, PLR0915 - a kernel is one flat text; calls would be inlined anyway
    A: Any,
    B: Any,
    C: Any,
    E: Any,
    transient: int,
    curvatures: Any,
    deviations: Any,
    state: Any,
    source: Any,
    lags: Any,
    begun: int,
    ring: Any,
    stride: int,
    sums: Any,
    squares: Any,
    paths: Any,
) -> None:
    """The text that is compiled: loops in the order that `advance_in_numpy` describes."""
    slots, modes, lanes = state.shape
    capacity, tiles, width = ring.shape[0], ring.shape[1], ring.shape[3]
    noisy = False
    for k in range(modes):
        noisy = noisy or deviations[k] != 0.0
    z, moved = np.zeros(lanes), np.empty((slots, lanes))
    stale, query = np.empty((width, lanes)), np.empty((width, lanes))
    found = np.empty(lanes, dtype=np.int64)
    answer, part, square = np.zeros(128), np.empty(32), np.empty(32)
    for row in range(lags.shape[0]):
        step = begun + row
        at = step
        if step >= transient:
            at = transient + (step - transient) % (A.shape[0] - transient)
        place, frame = step % capacity, step // stride
        seen = step % stride == 0
        for lane in range(lanes):
            slot = place - lags[row, lane]
            if slot < 0:
                slot += capacity
            found[lane] = slot
        for tile in range(tiles):
            first = tile * width
            count = min(width, modes - first)
            for i in range(count):
                k = first + i
                for lane in range(lanes):
                    query[i, lane] = C[at, 0] * state[0, k, lane]
                for j in range(1, slots):
                    for lane in range(lanes):
                        query[i, lane] = query[i, lane] + C[at, j] * state[j, k, lane]
            if count < 4:
                for i in range(count):
                    for lane in range(lanes):
                        ring[place, tile, lane, i] = query[i, lane]
                    for lane in range(lanes):
                        stale[i, lane] = ring[found[lane], tile, lane, i]
            else:
                for lane in range(lanes):
                    for i in range(count):
                        ring[place, tile, lane, i] = query[i, lane]
                    slot = found[lane]
                    for i in range(count):
                        stale[i, lane] = ring[slot, tile, lane, i]
            for i in range(count):
                k = first + i
                if seen and sums.shape[0] > 0:
                    for lane in range(lanes):
                        answer[lane] = E[at, 0] * state[0, k, lane]
                    for j in range(1, slots):
                        for lane in range(lanes):
                            answer[lane] = answer[lane] + E[at, j] * state[j, k, lane]
                    for m in range(32):
                        p, q, r, s = answer[m], answer[m + 32], answer[m + 64], answer[m + 96]
                        part[m] = ((p + q) + r) + s
                        square[m] = ((p * p + q * q) + r * r) + s * s
                    for m in range(8):
                        part[m] = ((part[m] + part[m + 8]) + part[m + 16]) + part[m + 24]
                        square[m] = ((square[m] + square[m + 8]) + square[m + 16]) + square[m + 24]
                    total, total_square = part[0], square[0]
                    for m in range(1, 8):
                        total += part[m]
                        total_square += square[m]
                    sums[frame, k] = total
                    squares[frame, k] = total_square
                    if paths.shape[1] > 0:
                        for lane in range(lanes):
                            paths[0, frame, k, lane] = query[i, lane]
                            paths[1, frame, k, lane] = answer[lane]
                if noisy:
                    _fill(source, z)
                sigma, h = deviations[k], curvatures[k]
                if slots == 1:  # the two common cases in one pass: same order, same bits
                    a, gain = A[at, 0, 0], B[at, 0]
                    for lane in range(lanes):
                        u = sigma * z[lane] + h * stale[i, lane]
                        state[0, k, lane] = a * state[0, k, lane] + gain * u
                elif slots == 2:
                    a, b, c, d = A[at, 0, 0], A[at, 0, 1], A[at, 1, 0], A[at, 1, 1]
                    gain, second_gain = B[at, 0], B[at, 1]
                    for lane in range(lanes):
                        newest, before = state[0, k, lane], state[1, k, lane]
                        u = sigma * z[lane] + h * stale[i, lane]
                        state[0, k, lane] = (a * newest + b * before) + gain * u
                        state[1, k, lane] = (c * newest + d * before) + second_gain * u
                else:
                    for lane in range(lanes):
                        stale[i, lane] = sigma * z[lane] + h * stale[i, lane]
                    for e in range(slots):
                        for lane in range(lanes):
                            moved[e, lane] = A[at, e, 0] * state[0, k, lane]
                        for j in range(1, slots):
                            for lane in range(lanes):
                                moved[e, lane] = moved[e, lane] + A[at, e, j] * state[j, k, lane]
                        for lane in range(lanes):
                            moved[e, lane] = moved[e, lane] + B[at, e] * stale[i, lane]
                    for e in range(slots):
                        for lane in range(lanes):
                            state[e, k, lane] = moved[e, lane]
