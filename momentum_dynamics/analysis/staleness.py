"""Measured staleness beside a law, with intervals that know how stalenesses depend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.laws.staleness import staleness_correlation
from momentum_dynamics.simulation.checks import require_numbers, require_whole
from momentum_dynamics.simulation.noise import Seed, seed_sequence, stream

__all__ = ["StalenessReport", "staleness_report"]

Array = NDArray[np.float64]

_FEWEST, _BINS, _LAGS, _CHUNK = 20, 256, 4, 64
_OFFSETS = 4
"""Blocks begin at every quarter of a block: nearly all of what beginning anywhere would give."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StalenessReport:
    """What was measured, what the law says, and what sampling noise would do.

    Intervals are pairs (low, high).

    Attributes
    ----------
    law : Delay
    updates : int
    block : int
        How many successive updates are drawn together.
    confidence : float
        Of all intervals.
    bins : int array ``(bins,)``
        Where each bin of the histogram begins; the last one is open.
    shares, low, high, expected : array ``(bins,)``
        The share of updates in each bin, its interval, and the law's.
    mean, mean_interval, expected_mean
    fresh, fresh_interval, expected_fresh
        P(τ = 0).
    distance : float
        In total variation, between shares and law.
    noise, noise_limit : float
        The distance that sampling noise alone gives: on average, and rarely more than that.
    correlations, correlations_low, correlations_high : array ``(lags,)``
        Between stalenesses 1, 2, … updates apart.
    expected_correlations : array ``(lags,)`` or None
        For memoryless workers.
    successions : int
        How often a staleness follows one that is less by one, both having read the same point:
        where workers read at once what they have written, only the start is read twice.
    aged, due : int or None
        Staleness of updates, losses and gradients under way, and what it is by conservation.
    """

    law: Any
    updates: int
    block: int
    confidence: float
    bins: NDArray[np.int64]
    shares: Array
    low: Array
    high: Array
    expected: Array
    mean: float
    mean_interval: tuple[float, float]
    expected_mean: float
    fresh: float
    fresh_interval: tuple[float, float]
    expected_fresh: float
    distance: float
    noise: float
    noise_limit: float
    correlations: Array
    correlations_low: Array
    correlations_high: Array
    expected_correlations: Array | None
    successions: int
    aged: int | None
    due: int | None

    @property
    def is_compatible(self) -> bool:
        """Whether the distance is one that sampling noise alone often gives."""
        return self.distance <= self.noise_limit

    @property
    def is_conserved(self) -> bool | None:
        """Whether staleness is conserved, exactly; None where only stalenesses are known."""
        return None if self.aged is None else self.aged == self.due

    def __repr__(self) -> str:
        """One line."""
        verdict = "compatible" if self.is_compatible else "not compatible"
        return (
            f"<StalenessReport: {self.updates} updates, mean {self.mean:.4g}, distance "
            f"{self.distance:.3g}, {verdict} with {self.law!r}>"
        )

    def __str__(self) -> str:
        """A few lines: conservation, mean, fresh gradients, distance, correlations."""
        verdict = "within" if self.is_compatible else "beyond"
        ends = zip(self.correlations_low, self.correlations_high, strict=True)
        correlations = ", ".join(
            _with(value, pair) for value, pair in zip(self.correlations, ends, strict=True)
        )
        head = f"{self.updates} updates beside {self.law!r}"
        mean = _with(self.mean, self.mean_interval)
        fresh = _with(self.fresh, self.fresh_interval)
        noise = f"{self.noise:.3g} on average, up to {self.noise_limit:.3g}"
        lines = [
            f"{head}; intervals of {100 * self.confidence:g} % from blocks of {self.block}.",
            f"Mean {mean}; the law's is {self.expected_mean:.4g}.",
            f"Fresh {fresh}; the law's share is {self.expected_fresh:.4g}.",
            f"Total variation {self.distance:.3g}, {verdict} what sampling noise gives: {noise}.",
            f"Correlations {correlations}.",
        ]
        if self.expected_correlations is not None:
            expected = ", ".join(f"{value:.3g}" for value in self.expected_correlations)
            lines.append(f"Those of memoryless workers: {expected}.")
        lines.append(f"Points read twice in succession: {self.successions}.")
        if self.aged is not None:
            sign = "=" if self.is_conserved else "≠"
            lines.append(f"Conservation: {self.aged} {sign} {self.due}.")
        return "\n".join(lines)


def _with(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.4g} [{interval[0]:.4g}, {interval[1]:.4g}]"


def staleness_report(
    measured: Any,
    law: Delay | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    block: int | None = None,
    seed: Seed = 0,
) -> StalenessReport:
    """Compare measured staleness with a law.

    Successive stalenesses depend on each other, for whoever waits makes others go first. So the
    uncertainty of a share is not that of independent draws, and that of the mean is far from it:
    the sum is conserved. A circular block bootstrap keeps the dependence within blocks.

    Parameters
    ----------
    measured : ServeRun, QueueRun or int array ``(updates,)``
    law : Delay, optional
        By default the geometric one of as many memoryless workers as the run had.
    confidence : float
        In (0, 1).
    resamples : int
        How many histories are drawn from the blocks.
    block : int, optional
        Their length; by default five times the mean time between a worker's updates, or the cube
        root of the number of updates where that is more.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    StalenessReport

    Raises
    ------
    DomainError
        If a setting is not admissible, there are fewer than 20 updates, or of an array it is not
        said which law it is measured against.
    ShapeError
        If stalenesses are no single row.

    Notes
    -----
    A mean of M − 1 tells nothing about the law, for it is conserved whatever the law; nor does a
    momentum that is fitted to it. The share of fresh gradients is what overhead changes first. The
    interval of the mean is too wide even so, as blocks break off what their ends would balance.

    Staleness is counted in at most 256 bins of equal width.

    Examples
    --------
    >>> from momentum_dynamics import Exponential, GradientDescent, Quadratic, simulate_queue
    >>> run = simulate_queue(
    ...     GradientDescent(learning_rate=0.1), Quadratic([1.0]), workers=4, updates=4000, seed=1,
    ...     service=Exponential(),
    ... )
    >>> report = staleness_report(run)
    >>> report.is_compatible, report.is_conserved, report.successions
    (True, True, 0)
    """
    staleness = _staleness_of(measured)
    if law is None:
        if not hasattr(measured, "workers"):
            raise DomainError(
                "An array does not say how many workers it is from; give the law it is measured "
                "against, as in law=GeometricDelay(workers=4)."
            )
        law = GeometricDelay(workers=measured.workers)
    if not callable(getattr(law, "probabilities", None)) or isinstance(law, type):
        raise DomainError(
            f"law is {law!r}, but must be a law of staleness, as GeometricDelay(workers=4)."
        )
    require_numbers(law)
    if not 0 < confidence < 1:
        raise DomainError(f"confidence is {confidence}, but must lie in (0, 1).")
    require_whole("resamples", resamples, 1)
    count = len(staleness)
    if block is None:
        block = min(max(5 * (int(staleness.mean()) + 1), round(count ** (1 / 3))), count // 2)
    require_whole("block", block, 1)
    if block > count // 2:
        raise DomainError(f"block is {block}, but must be at most half of the {count} updates.")

    width = 1 + int(staleness.max()) // _BINS
    bins = np.arange(0, int(staleness.max()) + 1, width)
    chances = np.asarray(law.probabilities(int(bins[-1])), dtype=float)
    expected = chances.reshape(-1, width).sum(axis=1)
    expected = np.append(expected, max(0.0, 1 - expected.sum()))
    lags = min(_LAGS, count // 4)
    columns = _columns(staleness, lags)
    rows = _rows(staleness // width, len(bins), columns, block)
    drawn = _resampled(rows, -(-count // block), int(resamples), seed) / block
    whole = np.concatenate([np.bincount(staleness // width, minlength=len(bins)), columns.sum(0)])
    whole = whole / count
    shares, mean, fresh, correlations = _read(whole, len(bins))
    shares_drawn, means, freshes, correlations_drawn = _read(drawn, len(bins))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(shares_drawn, ends, axis=0)
    correlations_low, correlations_high = np.quantile(correlations_drawn, ends, axis=0)
    noise = np.abs(shares_drawn - shares).sum(axis=1) / 2
    begun = np.arange(count) - staleness
    aged, due = _conservation(measured, staleness)
    return StalenessReport(
        law=law,
        updates=count,
        block=int(block),
        confidence=float(confidence),
        bins=bins,
        shares=shares,
        low=low,
        high=high,
        expected=expected,
        mean=float(mean),
        mean_interval=_pair(np.quantile(means, ends)),
        expected_mean=float(law.mean),
        fresh=float(fresh),
        fresh_interval=_pair(np.quantile(freshes, ends)),
        expected_fresh=float(law.probabilities(1)[0]),
        distance=float(np.abs(shares - expected).sum() / 2),
        noise=float(noise.mean()),
        noise_limit=float(np.quantile(noise, confidence)),
        correlations=correlations,
        correlations_low=correlations_low,
        correlations_high=correlations_high,
        expected_correlations=(
            np.array([staleness_correlation(law.workers, lag) for lag in range(1, lags + 1)])
            if isinstance(law, GeometricDelay)
            else None
        ),
        successions=int(((np.diff(staleness) == 1) & (begun[1:] > 0)).sum()),
        aged=aged,
        due=due,
    )


def _staleness_of(measured: Any) -> NDArray[np.int64]:
    given = getattr(measured, "staleness", measured)
    if given is None:
        raise DomainError("The run kept no staleness of each update; run it with record='all'.")
    found = np.asarray(given)
    if found.ndim != 1:
        raise ShapeError(
            f"staleness has shape {found.shape}, but must be one row (updates,); take one replica "
            "at a time."
        )
    if found.dtype.kind not in "iuf" or not ((found >= 0) & (found % 1 == 0)).all():
        raise DomainError("staleness holds what is no whole number from 0 on.")
    if len(found) < _FEWEST:
        raise DomainError(
            f"There are {len(found)} updates, but a report needs at least {_FEWEST}; run longer."
        )
    return found.astype(np.int64)


def _columns(staleness: NDArray[np.int64], lags: int) -> Array:
    """What is averaged beside the bins: τ, τ = 0, the square, and products with what follows."""
    value = staleness.astype(float)
    # Centered, for products of large numbers nearly cancel.
    away = value - value.mean()
    products = [away * np.roll(away, -lag) for lag in range(1, lags + 1)]
    return np.stack([value, value == 0, away, away**2, *products], axis=1)


def _rows(place: NDArray[np.int64], bins: int, columns: Array, block: int) -> Array:
    """Sums over each block, whose beginnings are a quarter of a block apart, around the circle."""
    count = len(place)
    blocks = -(-count // block)
    number = np.repeat(np.arange(blocks), block)
    found = []
    for offset in sorted({part * block // _OFFSETS for part in range(_OFFSETS)}):
        index = (offset + np.arange(blocks * block)) % count
        counts = np.bincount(number * bins + place[index], minlength=blocks * bins)
        sums = columns[index].reshape(blocks, block, -1).sum(axis=1)
        found.append(np.concatenate([counts.reshape(blocks, bins), sums], axis=1))
    return np.concatenate(found)


def _resampled(rows: Array, blocks: int, resamples: int, seed: Seed) -> Array:
    """The mean over as many blocks as the history has, drawn with replacement, again and again."""
    rng = stream(seed_sequence(seed), 0)
    found = []
    for first in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - first)
        chosen = rng.integers(len(rows), size=(size, blocks)) + len(rows) * np.arange(size)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=size * len(rows)).reshape(size, len(rows))
        found.append(weights.astype(float) @ rows / blocks)
    return np.concatenate(found)


def _read(averages: Array, bins: int) -> tuple[Array, Any, Any, Array]:
    """Shares, mean, share of fresh gradients and correlations, from averages of columns."""
    mean, fresh, shift, square = np.moveaxis(averages[..., bins : bins + 4], -1, 0)
    variance = np.maximum(square - shift**2, np.finfo(float).tiny)[..., None]
    products = averages[..., bins + 4 :] - shift[..., None] ** 2
    return averages[..., :bins], mean, fresh, products / variance


def _conservation(measured: Any, staleness: NDArray[np.int64]) -> tuple[int | None, int | None]:
    """What was aged and what was due, where a run says so."""
    if hasattr(measured, "due"):
        return measured.aged, measured.due
    ages = getattr(measured, "ages", None)
    if ages is None or measured.lost or (ages < 0).any():
        return None, None
    return int(staleness.sum() + ages.sum()), len(staleness) * (measured.workers - 1)


def _pair(values: Array) -> tuple[float, float]:
    return float(values[0]), float(values[1])
