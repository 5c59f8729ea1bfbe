"""How many updates the others make while one worker computes: exact counts of renewal processes.

Time is measured in mean services. A renewal process that has run for long makes N(s) updates in a
time s, and with Sₖ the sum of k services and Aₖ(s) = E (s − Sₖ)⁺,

    P(N(s) ≥ k) = Aₖ₋₁(s) − Aₖ(s),   P(N(s) = k) = Aₖ₋₁(s) − 2Aₖ(s) + Aₖ₊₁(s),   A₀(s) = s.

Whatever the error in the Aₖ, such chances sum to 1 and have the mean s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.services import Array, Service

__all__ = ["counts_of_one", "long_survival", "others_while_one_works", "table_end"]

_PER_MEAN = 256
_SPLIT, _QUANTILES = 8, 256
_DEVIATIONS, _LEAST_WINDOW = 24, 64
_NEGLIGIBLE, _MOST_COUNTS = 1e-13, 4000
_CELLS = 2**20


def _cap(others: int) -> int:
    """Up to how many mean services counts are computed; beyond, many others have little spread."""
    return 64 if others < 16 else 16


def table_end(others: int) -> int:
    """The staleness from which services are longer than the cap."""
    return _cap(others) * others


def counts_of_one(service: Service, times: Array) -> Array:
    """P(N(s) = k) of one worker for each s in units of the mean, ``(len(times), counts)``."""
    mean = float(service.mean)
    grid = np.arange(math.ceil(times.max() * _PER_MEAN) + 2) / _PER_MEAN
    shortfall = service.shortfall(mean * grid) / mean
    # One service's mass on the grid, each time split between its neighbors: the mean is kept.
    slopes = np.diff(shortfall) * _PER_MEAN
    mass = np.diff(slopes, prepend=0.0)
    size = 1 << (2 * len(grid)).bit_length()
    spectrum = np.fft.rfft(mass, size)
    rows, at_grid = [times, service.shortfall(mean * times) / mean], shortfall
    while at_grid[-1] > _NEGLIGIBLE and len(rows) < _MOST_COUNTS:
        at_grid = np.fft.irfft(np.fft.rfft(at_grid, size) * spectrum, size)[: len(grid)]
        rows.append(np.interp(times, grid, at_grid))
    excess = np.array([*rows, np.zeros_like(times), np.zeros_like(times)])
    first = 1 - excess[0] + excess[1]
    rest = excess[:-2] - 2 * excess[1:-1] + excess[2:]
    return np.maximum(np.vstack([first, rest]).T, 0)


def _times(service: Service, others: int) -> tuple[Array, Array]:
    """Service times up to the cap, and the chances that stand for the law between them."""
    mean, cap = float(service.mean), _cap(others)
    # The counts of M − 1 others change over times of about √(s/(M − 1)).
    steps = np.arange(int(2 * _SPLIT * np.sqrt(cap * others)) + 1)
    quantiles = service.quantile((np.arange(_QUANTILES) + 0.5) / _QUANTILES) / mean
    times = np.concatenate([
        steps**2 / (4 * _SPLIT**2 * others),
        np.linspace(0, cap, 32 * cap + 1),
        quantiles,
    ])  # fmt: skip
    times = np.unique(times[times <= cap])
    times = times[np.diff(times, prepend=-1.0) > 1e-12]
    shortfall = service.shortfall(mean * times) / mean
    slopes = np.diff(shortfall) / np.diff(times)
    below = float(service.distribution(mean * times[-1]))
    return times, np.maximum(np.diff(slopes, prepend=0.0, append=below), 0)


def others_while_one_works(service: Service, others: int) -> Array:
    """P(τ = k and S ≤ cap) for k = 0, 1, …, with M − 1 others.

    The counts of the others are independent, so their sum's law is a power of one's transform,
    taken modulo a window of a dozen standard deviations to both sides and put back in its place.
    """
    times, weights = _times(service, others)
    times, weights = times[weights > 0], weights[weights > 0]
    one = counts_of_one(service, times)
    numbers = np.arange(one.shape[1])
    spread = np.sqrt(others * np.maximum(one @ numbers**2 - times**2, 0))
    windows = 2 ** np.ceil(np.log2(_DEVIATIONS * spread + _LEAST_WINDOW)).astype(int)
    total = np.zeros(table_end(others) + int(windows.max()) + 1)
    for window in np.unique(windows):
        (chosen,) = np.nonzero(windows == window)
        for rows in np.array_split(chosen, max(1, len(chosen) * int(window) // _CELLS)):
            folded = _fold(one[rows], int(window))
            sums = np.fft.irfft(np.fft.rfft(folded, axis=1) ** others, int(window), axis=1)
            lowest = np.maximum(np.rint(others * times[rows]).astype(int) - int(window) // 2, 0)
            place = lowest[:, None] + np.arange(window)
            found = np.take_along_axis(sums, place % window, axis=1) * weights[rows, None]
            np.add.at(total, place, np.maximum(found, 0))
    return np.trim_zeros(total, "b")


def _fold(chances: Array, window: int) -> Array:
    """Chances of counts modulo a window."""
    padded = np.zeros((len(chances), -(-chances.shape[1] // window) * window))
    padded[:, : chances.shape[1]] = chances
    return padded.reshape(len(chances), -1, window).sum(axis=1)


def long_survival(service: Service, others: int, staleness: NDArray[np.int64]) -> Array:
    """P(τ > k and S > cap) for whole k ≥ 0, where such services meet (M − 1)S/E S others.

    The staleness is one of the two whole numbers around that, so that means are kept.
    """
    nodes, weights = np.polynomial.legendre.leggauss(4)
    end = table_end(others)
    after = np.maximum(staleness, end)[:, None] + (1 + nodes) / 2
    scale = float(service.mean) / others
    beyond = service.survival(scale * after) @ weights / 2
    return np.where(staleness < end, service.survival(scale * end), beyond)
