"""How many updates the others make while one worker computes: exact counts of renewal processes.

Time is measured in mean services. A renewal process that has run for long makes N(s) updates in a
time s, and with Sₖ the sum of k services and Aₖ(s) = E (s − Sₖ)⁺,

    P(N(s) ≥ k) = Aₖ₋₁(s) − Aₖ(s),   P(N(s) = k) = Aₖ₋₁(s) − 2Aₖ(s) + Aₖ₊₁(s),   A₀(s) = s.

Whatever the error in the Aₖ, such chances sum to 1 and have the mean s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.services import Service

__all__ = ["counts_of_one", "others_while_one_works", "table_end", "unit_survival"]

Array = NDArray[np.float64]

CAP = 16
"""Up to how many mean services counts are exact."""

_PER_MEAN = 256
_SPLIT, _QUANTILES = 8, 256
_DEVIATIONS, _LEAST_WINDOW = 24, 64
_NEGLIGIBLE, _MOST_COUNTS = 1e-13, 4000
_CELLS = 2**20


def table_end(others: int) -> int:
    """The staleness from which services are longer than the cap."""
    return CAP * others


def counts_of_one(service: Service, times: Array) -> Array:
    """P(N(s) = k) of one worker for each s in units of the mean, ``(len(times), counts)``."""
    mean = float(service.mean)
    grid = np.arange(CAP * _PER_MEAN + 1) / _PER_MEAN
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
    mean = float(service.mean)
    # The counts of M − 1 others change over times of about √(s/(M − 1)).
    steps = np.arange(int(2 * _SPLIT * np.sqrt(CAP * others)) + 1)
    quantiles = service.quantile((np.arange(_QUANTILES) + 0.5) / _QUANTILES) / mean
    times = np.concatenate([
        steps**2 / (4 * _SPLIT**2 * others),
        np.linspace(0, CAP, 32 * CAP + 1),
        quantiles,
    ])  # fmt: skip
    times = np.unique(times[times <= CAP])
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


def unit_survival(service: Service, others: int, staleness: NDArray[np.int64]) -> Array:
    """∫ P((M − 1)S/E S > x) dx from each staleness to the next whole number."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    x = staleness[:, None] + (1 + nodes) / 2
    return service.survival(float(service.mean) * x / others) @ weights / 2
