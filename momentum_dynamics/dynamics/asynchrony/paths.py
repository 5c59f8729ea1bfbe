"""Whole paths of second moments behind any law of staleness, by generating functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.notation import GLOSSARY, Scalar

__all__ = ["square_path", "thinned_path"]

Array = NDArray[np.float64]

_FOLDING = 1e-11
"""What folds back from beyond the circle's points is suppressed by this; its root is the error."""


def square_path(
    method: Method,
    curvature: float,
    delay: Delay,
    steps: int,
    *,
    noise_variance: Scalar = 0,
    start: float = 1.0,
    workers: float | None = None,
) -> Array:
    """The mean square of the query's displacement after 0, 1, …, `steps` updates, by series.

    For staleness drawn independently from any law, rational or not, at the cost of a few Fourier
    transforms; with `workers`, for the queue of so many memoryless workers, whose law `delay` is.

    Parameters
    ----------
    method : Method
        With numbers and one gradient a step; batch axes are answered setting by setting.
    curvature : float
    delay : Delay
        Only its probabilities are asked.
    steps : int
    noise_variance : scalar
        Of each gradient; broadcast against the batch.
    start : float
        The displacement from the solution, at rest.
    workers : float, optional
        M of a queue; by default successive stalenesses are independent.

    Returns
    -------
    array ``(*batch, steps + 1)``
        Infinite for a setting whose mean or second moment grows within so many steps.

    Notes
    -----
    As power series in w = 1/z, let R = G/(1 − hqG) answer gradient noise at the query and P = qR
    at the mean read. The deviation δ of the read from its mean has, given the past, mean 0 and
    variance V; it answers with S = hR, U = hP, or in a queue, where the read is spent, with
    S = hR(1 − E), U = hP(1 − E) − E, where E = (w/M)/(1 − (1 − 1/M)w). With R² the series of
    squared coefficients, and m, u the mean query and read,

        V = q∗m² + (1 − q)x₀²/(1 − w) − u² + (qR² − P²)σ²/(1 − w) + (qS² − U²)V.

    All is evaluated on a circle of radius below 1, where a grid with twice as many points as steps
    leaves nothing to fold back. A pole inside of it is seen by the winding number.

    Examples
    --------
    >>> from momentum_dynamics import GeometricDelay, GradientDescent
    >>> descent, delay = GradientDescent(learning_rate=0.4), GeometricDelay(workers=8)
    >>> [round(float(square_path(descent, 1.0, delay, 20, workers=w)[-1]), 4) for w in (8, None)]
    [0.3961, 0.4956]
    """
    GLOSSARY["steps"].check(steps)
    if np.ndim(curvature) or not np.isfinite(curvature):
        raise DomainError(f"curvature is {curvature}, but must be one number.")
    return thinned_path(
        method, float(curvature), np.asarray(delay.probabilities(int(steps) + 1)),
        noise_variance=noise_variance, start=start, workers=workers,
    )  # fmt: skip


def thinned_path(
    method: Method,
    h: float,
    chances: Array,
    *,
    noise_variance: Scalar,
    start: float,
    workers: float | None,
    thinned: float = 1.0,
) -> Array:
    """`square_path` as long as a row of chances, with a part of the kicks by random staleness.

    Where a step stands for many updates, the deviations of their reads average as noise does.

    Parameters
    ----------
    method : Method
    h : float
        The curvature.
    chances : array
        Of staleness 0, 1, …
    noise_variance : scalar
    start : float
    workers : float, optional
    thinned : float
        The part of the kicks, in [0, 1].

    Returns
    -------
    array ``(*batch, len(chances))``
    """
    loop = transfer_function(method)
    grid = _Circle(len(chances) - 1)
    below = grid.polynomial(loop.denominator)
    above = grid.polynomial(loop.numerator)
    q = grid.transform(chances)
    closed = below - h * q * above
    answer = above / closed
    grows = grid.winding(closed) != 0
    variance = np.asarray(noise_variance, dtype=float)[..., None]

    with np.errstate(all="ignore"):
        answers = grid.series(answer)
        # A factor 1/(1 − w) is a running sum, which costs less than a transform.
        mean = (start * (1 + h * _since_start(answers))) ** 2
        if np.count_nonzero(chances) <= 1 and chances.max(initial=0) in (0, 1):
            # Staleness without chance: the read has no deviation, V = 0.
            found = mean + variance * np.cumsum(answers**2, axis=-1)
        else:
            one = 1 / (1 - grid.points)
            read = q * answer
            reads = grid.series(read)
            noise_answer, noise_read = grid.transform(answers**2), grid.transform(reads**2)
            kick_answer, kick_read = h**2 * noise_answer, h**2 * noise_read
            if workers is not None and workers > 1:  # a single worker's read has no deviation
                share = 1 / workers
                spent = share * grid.points / (1 - (1 - share) * grid.points)
                kick_answer = grid.square(h * answer * (1 - spent))
                kick_read = grid.square(h * read * (1 - spent) - spent)
            mean_square = grid.transform(mean)
            read_square = grid.transform((start * (1 + h * _since_start(reads))) ** 2)
            begun = q * mean_square + (1 - q) * start**2 * one - read_square
            source = begun + variance * (q * noise_answer - noise_read) * one
            again = 1 - thinned * (q * kick_answer - kick_read)
            grows = grows | (grid.winding(again) != 0)
            spread = variance * noise_answer * one + thinned * kick_answer * source / again
            found = mean + grid.series(spread)
    return np.where(grows[..., None] | ~np.isfinite(found), np.inf, np.maximum(found, 0))


def _since_start(series: Array) -> Array:
    return np.cumsum(series, axis=-1)


class _Circle:
    """Points w on a circle of radius below 1, and the way from series to values there and back."""

    def __init__(self, steps: int) -> None:
        from scipy.fft import next_fast_len

        self.length = steps + 1
        self.size = 2 * next_fast_len(self.length, real=True)
        radius = _FOLDING ** (1 / self.size)
        self.points = radius * np.exp(-2j * np.pi * np.arange(self.size // 2 + 1) / self.size)
        self.weights = radius ** np.arange(self.length)

    def polynomial(self, coefficients: Any) -> Any:
        """A polynomial in z over the power of z that makes it one in w = 1/z, highest first."""
        parts = [np.asarray(value, dtype=float)[..., None] for value in coefficients]
        return sum(part * self.points**power for power, part in enumerate(parts))

    def transform(self, series: Array) -> Any:
        """The values of a power series."""
        return np.fft.rfft(series * self.weights, self.size)

    def series(self, values: Any) -> Array:
        """The coefficients of a power series."""
        return np.fft.irfft(values, self.size)[..., : self.length] / self.weights

    def square(self, values: Any) -> Any:
        """The values of the series with squared coefficients."""
        return self.transform(self.series(values) ** 2)

    def winding(self, values: Any) -> Any:
        """How often the values turn around 0: the number of zeros inside, poles being outside.

        Half the circle is seen, the rest mirrors it: the half turns between its real ends, and two
        for every time that the values pass the negative half axis.
        """
        rows = values.reshape(-1, values.shape[-1])
        upper = rows.imag >= 0
        row, passed = np.nonzero(upper[:, 1:] != upper[:, :-1])
        turning = (rows[row, passed].conj() * rows[row, passed + 1]).imag
        signs = np.where(upper[row, passed], turning > 0, -1.0 * (turning < 0))
        turns = 2 * np.bincount(row, weights=signs, minlength=len(rows))
        ends = np.where(upper, 1, -1)[:, [0, -1]] * np.abs(np.angle(rows[:, [0, -1]]))
        return np.rint(turns + (ends[:, 1] - ends[:, 0]) / np.pi).reshape(values.shape[:-1])
