"""What a block of replicas draws: times of the workers, times of the server, gradient noise.

Each has a stream of its own, read in one order: the k-th job that a replica begins takes row k of
the times, update t takes row t of the noise. So engines, and how many rows are drawn at once, do
not change the numbers, and a longer run begins as a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.simulation.noise import stream
from momentum_dynamics.simulation.queue_run import QueueSettings

__all__ = ["Draws", "Window", "draws_of_block"]

Array = NDArray[np.float64]

_AT_ONCE = 2**15
"""About so many numbers of each kind are drawn at once: they stay in the cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """Rows of a stream for every replica of a block.

    Attributes
    ----------
    values : array ``(lanes, rows)``
    first : int
        The number of the first row.
    """

    values: Array
    first: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """All that the next updates of a block take.

    Attributes
    ----------
    target : int
        Up to which update.
    service, server : Window
    noise : array ``(lanes, updates, modes)``
        Of the updates from the last target on; no updates where there is no noise.
    """

    target: int
    service: Window
    server: Window
    noise: Array


class _Stream:
    """Times of one law for a block, row by row; no rows where there is no law."""

    def __init__(self, name: str, law: Any, rng: np.random.Generator, lanes: int) -> None:
        self._name, self._law, self._rng = name, law, rng
        self._first, self._rows = 0, np.empty((0, lanes))

    def cover(self, low: int, high: int) -> Window:
        """Rows from `low`, which never falls, up to `high`."""
        if self._law is not None:
            kept = self._rows[low - self._first :].copy()
            drawn = self._draw(high - low - len(kept))
            self._rows = np.concatenate([kept, drawn]) if len(kept) else drawn
            self._first = low
        # A locked array would be a new type to compile for.
        values = np.require(self._rows.T, requirements=("C_CONTIGUOUS", "WRITEABLE"))
        return Window(values=values, first=low)

    def _draw(self, rows: int) -> Array:
        law, size = self._law, (rows, self._rows.shape[1])
        times = np.asarray(law.sample(self._rng, size), dtype=float)
        if times.shape != size:
            raise ShapeError(
                f"{self._name} {law!r} drew times of shape {times.shape} where {size} was asked; "
                "sample(rng, size) must return an array of that size."
            )
        if times.size and not (times.min() >= 0 and times.max() < np.inf):
            wrong = times[~((times >= 0) & (times < np.inf))][0]
            raise DomainError(
                f"{self._name} {law!r} drew the time {wrong}, but times must lie in [0, ∞); "
                "look at its sample(rng, size)."
            )
        return times


def draws_of_block(settings: QueueSettings, block: int, lanes: int) -> Iterator[Draws]:
    """Draw for one block of replicas, some updates at a time."""
    common, modes = settings.common, len(settings.common.deviations)
    noisy = bool(common.deviations.any())
    joins = int(settings.changes.joins.sum())
    failures = len(settings.changes.joins) - joins
    noise = stream(common.root, block)
    # Below the stream of the noise, which has the number of the block for its path.
    service = _Stream("service", settings.service, stream(common.root, block, 0), lanes)
    server = _Stream("server", settings.server, stream(common.root, block, 1), lanes)
    rows = max(16, _AT_ONCE // (lanes * (modes if noisy else 1)))
    for made in range(0, max(1, settings.updates), rows):
        target = min(made + rows, settings.updates)
        z = np.empty((lanes, 0, modes))
        if noisy:
            drawn = noise.standard_normal((target - made, modes, lanes))
            z = np.ascontiguousarray(drawn.transpose(2, 0, 1))
        yield Draws(
            target=target,
            # Every update and every join begins one job, and every failure may make the server
            # begin another write.
            service=service.cover(
                settings.workers + made if made else 0, settings.workers + target + joins
            ),
            server=server.cover(made, target + 1 + failures),
            noise=z,
        )
