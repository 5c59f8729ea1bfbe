"""The staleness that a block of replicas draws, and how many steps back it has to look.

Staleness has a stream of its own below that of the noise, drawn some rows at a time. How many rows
is part of the definition, and a last part is drawn whole: so a longer run begins as a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["history", "staleness_of_block"]

Counts = NDArray[np.int64]

_AT_ONCE = 2**13
"""About so many stalenesses are drawn at once: they stay in the cache."""
_REPLAYED = 0.01
"""The chance that a block meets a staleness beyond its history, and is run again with a longer."""


def staleness_of_block(
    delay: Delay, rng: np.random.Generator, steps: int, lanes: int
) -> Iterator[tuple[int, Counts, Counts]]:
    """The number of a first step, and the staleness of the steps from it on ``(rows, lanes)``.

    At step t only t queries lie behind: what is drawn beyond reads the start. Last comes what was
    drawn, which weights of staleness go by.

    Raises
    ------
    ShapeError
        If the law draws another number of them than asked.
    DomainError
        If it draws what is no staleness.
    """
    rows = max(1, _AT_ONCE // lanes)
    for begun in range(0, steps, rows):
        drawn = _checked(delay, delay.sample(rng, (rows, lanes)), (rows, lanes))
        known = np.arange(begun, min(begun + rows, steps))
        drawn = drawn[: len(known)]
        yield begun, np.minimum(drawn, known[:, None]), drawn


def _checked(delay: Delay, drawn: Any, size: tuple[int, int]) -> Counts:
    array = np.asarray(drawn)
    if array.shape != size:
        raise ShapeError(
            f"{delay!r} drew staleness of shape {array.shape} where {size} was asked; "
            "sample(rng, size) must return an array of that size."
        )
    if array.dtype.kind not in "iu" or array.min() < 0:
        wrong = array[array < 0][0] if array.dtype.kind == "i" else f"of type {array.dtype}"
        raise DomainError(
            f"{delay!r} drew a staleness {wrong}, but must draw whole numbers from 0 on; look at "
            "its sample(rng, size)."
        )
    return array.astype(np.int64, copy=False)


def history(delay: Delay, steps: int, lanes: int) -> int:
    """For how many steps a block first keeps its queries: nearly always enough.

    Of all that a block draws, the chance that one staleness lies beyond is a hundredth. Nothing is
    lost then: the block begins anew and keeps them for longer.
    """
    if steps < 2:
        return 1
    longest = delay.tail(_REPLAYED / (steps * lanes))
    return min(int(longest), steps - 1) + 1
