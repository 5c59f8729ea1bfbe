"""Random streams: one generator for every block of 128 replicas, all from one seed.

The block is part of the definition of a run: engines and thread counts do not change the numbers.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError

__all__ = [
    "BLOCK",
    "Seed",
    "block_sizes",
    "block_streams",
    "normals",
    "reported",
    "seed_sequence",
    "stream",
]

BLOCK = 128

Seed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """Turn any seed into the sequence that a run is drawn from.

    A generator gives its next numbers as the entropy; None asks the operating system.

    Raises
    ------
    DomainError
        If the seed is of another type or negative.
    """
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence([int(word) for word in seed.integers(2**32, size=4)])
    if seed is None:
        return np.random.SeedSequence()
    refusal = f"seed is {seed!r}, but must be a whole number from 0, a SeedSequence or a Generator."
    if isinstance(seed, bool):
        raise DomainError(refusal)
    try:
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError) as error:
        raise DomainError(refusal) from error


def reported(root: np.random.SeedSequence) -> Any:
    """What a run returns as its seed: the number, or the sequence itself where it was spawned."""
    return root if root.spawn_key else root.entropy


def block_sizes(replicas: int) -> list[int]:
    """How many replicas each block holds: 128, and what remains in the last."""
    full, rest = divmod(replicas, BLOCK)
    return [BLOCK] * full + ([rest] if rest else [])


def stream(root: np.random.SeedSequence, *path: int) -> np.random.Generator:
    """The generator at a path below a root, which it does not change."""
    own = np.random.SeedSequence(
        entropy=root.entropy, spawn_key=(*root.spawn_key, *path), pool_size=root.pool_size
    )
    return np.random.Generator(np.random.SFC64(own))


def block_streams(root: np.random.SeedSequence, replicas: int) -> list[np.random.Generator]:
    """One generator for every block, spawned by index without changing the root."""
    return [stream(root, index) for index in range(len(block_sizes(replicas)))]


def normals(
    streams: list[np.random.Generator], rows: int, replicas: tuple[int, ...]
) -> NDArray[np.float64]:
    """The next normals of all blocks ``(*replicas, rows)``, each drawn row by row."""
    count = math.prod(replicas)
    drawn = [
        rng.standard_normal((rows, size))
        for rng, size in zip(streams, block_sizes(count), strict=True)
    ]
    return np.concatenate(drawn, axis=1).T.reshape(*replicas, rows)
