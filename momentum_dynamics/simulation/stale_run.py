"""What a run behind a delay returns, put together block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.simulation.noise import reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, outcomes, told
from momentum_dynamics.simulation.stale_lanes import Frames

__all__ = ["Block", "StaleRun", "collect"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """What one block of replicas has left.

    Attributes
    ----------
    lanes : slice
        Which replicas these are.
    frames : Frames
    staleness : int array ``(steps, lanes)``
        No steps where it is not kept.
    histogram : int array
    """

    lanes: slice
    frames: Frames
    staleness: Counts
    histogram: Counts


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StaleRun:
    """What a run behind a delay has left.

    Attributes
    ----------
    steps : int
        How many updates were made; each used one gradient.
    points, outputs : array ``(frames, *replicas, dimension)`` or None
        Where the method asks, and its answers, every `stride` steps; with ``record="last"`` at the
        end alone, ``(*replicas, dimension)``.
    moments : EnsembleMoments or None
        Of the answer's displacement over the replicas, every `stride` steps; not with
        ``record="last"``. Its `mean`, `second_moment`, `variance` and `mean_error` are the run's
        own as well.
    second_moment_error, variance_error : array ``(frames, dimension)`` or None
        Standard errors, from how the blocks of 128 replicas differ, whatever the displacement's
        law: behind a random delay it is not Gaussian. NaN for one block.
    staleness : int array ``(steps, *replicas)`` or None
        How old each gradient was, with ``record="all"``; at most the number of the step.
    histogram : int array ``(largest + 1,)``
        How many gradients had staleness 0, 1, …, over all replicas.
    mean_staleness : float
    outcome : Outcome, or array of them ``(*replicas)``
    seed : int or list of int
        The entropy of the run: the same seed gives the same run.
    solution : array ``(dimension,)``
    stride : int
        How many steps one frame is apart from the next.
    """

    steps: int
    points: Array | None
    outputs: Array | None
    moments: EnsembleMoments | None
    second_moment_error: Array | None
    variance_error: Array | None
    staleness: Counts | None
    histogram: Counts
    mean_staleness: float
    outcome: Any
    seed: Any
    solution: Array
    stride: int

    def __repr__(self) -> str:
        """One line."""
        replicas = 1 if self.outputs is None else int(np.size(self.outcome))
        if self.moments is not None:
            replicas = self.moments.replicas
        many = f" of {replicas} replicas" if replicas > 1 else ""
        return (
            f"<StaleRun: {self.steps} steps{many}, mean staleness {self.mean_staleness:.4g}, "
            f"{told(self.outcome)}>"
        )

    @property
    def mean(self) -> Array:
        """The mean displacement over the replicas, ``(frames, dimension)``."""
        return self._kept_moments.mean

    @property
    def second_moment(self) -> Array:
        """The mean square of the displacement."""
        return self._kept_moments.second_moment

    @property
    def variance(self) -> Array:
        """The unbiased variance over replicas; NaN for a single one."""
        return self._kept_moments.variance

    @property
    def mean_error(self) -> Array:
        """The standard error of the mean."""
        return self._kept_moments.mean_error

    @property
    def distance(self) -> Array:
        """The distance of each answer from the solution."""
        if self.outputs is None:
            raise DomainError(
                "This run kept no points; run it with record='all' or record='last' for distances."
            )
        with np.errstate(all="ignore"):
            found: Array = np.linalg.norm(self.outputs - self.solution, axis=-1)
        return found

    @property
    def _kept_moments(self) -> EnsembleMoments:
        if self.moments is None:
            raise DomainError(
                "This run kept its end alone; run it with record='moments' or record='all' for "
                "moments."
            )
        return self.moments

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed; what was not kept is left out."""
        names = ("steps", "points", "outputs", "staleness", "histogram", "mean_staleness",
                 "seed", "solution", "stride")  # fmt: skip
        found = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.moments is not None:
            found |= {"mean": self.mean, "second_moment": self.second_moment}
            found |= {"second_moment_error": self.second_moment_error}
        return found | {"outcome": np.asarray(self.outcome).astype(str)}


def collect(
    settings: Settings, record: str, blocks: Iterable[Block], solution: Array, basis: Any
) -> StaleRun:
    """Make the result of the blocks, which come in their order and are not kept.

    Parameters
    ----------
    settings : Settings
    record : str
    blocks : iterable of Block
    solution : array ``(dimension,)``
    basis : array, None or False
        The modes as columns; None where coordinates are modes; False where paths are points.
    """
    axes, count, dimension = settings.replicas, settings.count, len(solution)
    everything = record == "all"
    room = Frames.empty(settings, record, count)
    products = np.zeros((3, 3, *room.sums.shape))
    met = 0
    staleness = np.empty((settings.steps if everything else 0, count), dtype=np.int64)
    histogram = np.zeros(1, dtype=np.int64)
    with np.errstate(all="ignore"):
        for block in blocks:
            lanes, own = block.lanes, block.frames
            room.sums[:] += own.sums
            room.squares[:] += own.squares
            size = np.full(own.sums.shape, float(lanes.stop - lanes.start))
            triple = np.stack((size, own.sums, own.squares))
            products += triple[:, None] * triple
            met += 1
            for name in ("paths", "ends", "distances"):
                getattr(room, name)[..., lanes] = getattr(own, name)
            staleness[:, lanes] = block.staleness
            histogram = _added(histogram, block.histogram)
    first, last = (part.reshape(axes) for part in room.distances)
    outcome = outcomes(first, last, settings.tolerance)
    moments = points = outputs = second_moment_error = variance_error = None
    if record != "last":
        moments = EnsembleMoments(
            mean=room.sums / count,
            second_moment=room.squares / count,
            replicas=count,
            outcome=outcome,
            seed=reported(settings.root),
        )
        mean, square = moments.mean, moments.second_moment
        zero, one = np.zeros_like(mean), np.ones_like(mean)
        second_moment_error = _error(products, (-square, zero, one), met, count)
        variance_error = _error(products, (2 * mean**2 - square, -2 * mean, one), met, count)
    if record != "moments":
        along = (room.paths if everything else room.ends).swapaxes(-1, -2)
        along = along.reshape(*along.shape[:-2], *axes, dimension)
        with np.errstate(all="ignore"):
            if basis is not False:
                along = solution + (along if basis is None else along @ basis.T)
        points, outputs = along
    return StaleRun(
        steps=settings.steps,
        points=points,
        outputs=outputs,
        moments=moments,
        second_moment_error=second_moment_error,
        variance_error=variance_error,
        staleness=staleness.reshape(-1, *axes) if everything else None,
        histogram=np.trim_zeros(histogram, "b"),
        mean_staleness=float(
            np.arange(len(histogram)) @ histogram.astype(float) / max(1, histogram.sum())
        ),
        outcome=outcome,
        seed=reported(settings.root),
        solution=solution,
        stride=settings.stride,
    )


def _error(products: Array, weights: tuple[Array, Array, Array], blocks: int, count: int) -> Array:
    """The standard error of a mean of w₀ + w₁x + w₂x² over replicas, itself zero by its weights.

    Blocks are independent, so the variance of the sum over all replicas is that of the sum over a
    block, times their number. `products` are the sums over blocks of the products of the block's
    size, Σx and Σx².
    """
    with np.errstate(all="ignore"):
        total = np.einsum("ifk,ijfk,jfk->fk", weights, products, weights)
        unbiased = blocks / (blocks - 1) if blocks > 1 else np.nan
        return np.sqrt(np.maximum(total, 0) * unbiased) / count


def _added(one: Counts, other: Counts) -> Counts:
    """Two histograms as one."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    longer = longer.copy()
    longer[: len(shorter)] += shorter
    return longer
