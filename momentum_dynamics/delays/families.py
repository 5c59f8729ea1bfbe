"""Delays beyond none, fixed and geometric: uniform, and several geometric stages in a row."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.staleness import Coefficients, first_below, require_chance
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import Scalar, is_symbolic, record

__all__ = ["NegativeBinomialDelay", "UniformDelay", "power_series"]


def power_series(coefficients: Any, w: Scalar) -> Scalar:
    """Σ cₖ wᵏ: exact for symbols and fractions, and in blocks of powers for arrays."""
    if isinstance(w, numbers.Rational) or is_symbolic(w) or type(w).__module__[:6] == "mpmath":
        total: Scalar = 0
        for coefficient in reversed(coefficients):
            total = total * w + coefficient
        return total
    w = np.asarray(w)[..., None]
    size = math.isqrt(len(coefficients) - 1) + 1
    blocks = np.zeros(size * size)
    blocks[: len(coefficients)] = np.asarray(coefficients, dtype=float)
    inner = w ** np.arange(size) @ blocks.reshape(size, size).T
    outer = (w**size) ** np.arange(size)
    return (inner * outer).sum(axis=-1)


@record
class UniformDelay:
    """Every staleness from 0 to a largest one is equally likely.

    Parameters
    ----------
    largest : int
        The largest staleness, from 0; a symbol is accepted where only mean and generating function
        are asked.

    Examples
    --------
    >>> UniformDelay(largest=3).probabilities(5)
    array([0.25, 0.25, 0.25, 0.25, 0.  ])
    """

    largest: Scalar

    def check(self) -> None:
        value = self.largest
        if np.ndim(value) > 0 or (is_symbolic(value) and value.is_integer is False):
            raise DomainError(f"UniformDelay: largest is {value}, but must be one whole number.")

    @property
    def mean(self) -> Scalar:
        return self.largest / 2

    @property
    def _is_open(self) -> bool:
        return is_symbolic(self.largest) and not self.largest.is_number

    def probabilities(self, count: int) -> NDArray[np.float64]:
        return np.where(np.arange(count) <= int(self.largest), 1 / (int(self.largest) + 1), 0.0)

    def generating_function(self, w: Scalar) -> Scalar:
        if self._is_open:
            return (1 - w ** (self.largest + 1)) / ((self.largest + 1) * (1 - w))
        return power_series(self.rational()[0], w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if self._is_open:
            raise NotTraceableError(
                f"With largest staleness {self.largest} the loop is no polynomial of known degree; "
                "give a whole number, or ask for loop_equation, which takes any."
            )
        largest = int(self.largest)
        return (1 / (self.largest + 1),) * (largest + 1), (1, *(0,) * largest)

    def tail(self, chance: float) -> int:
        size = int(self.largest) + 1
        least = require_chance(chance, bounded=True)
        return first_below(lambda k: max(size - 1 - k, 0) / size, least)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        return rng.integers(0, int(self.largest), size=size, endpoint=True)


@record
class NegativeBinomialDelay:
    """Several geometric delays in a row; the law that gamma service times beget for many workers.

    Parameters
    ----------
    mean : scalar
        The expected staleness, not negative; a number or a symbol.
    stages : scalar
        How many geometric delays follow each other, positive; 1 is `GeometricDelay`, ∞ Poisson's
        law. The filter is rational for whole numbers.

    Examples
    --------
    >>> NegativeBinomialDelay(mean=3, stages=1).probabilities(3)
    array([0.25    , 0.1875  , 0.140625])
    """

    mean: Scalar
    stages: Scalar

    def check(self) -> None:
        if np.ndim(self.mean) or np.ndim(self.stages):
            raise DomainError("NegativeBinomialDelay takes one mean and one number of stages.")

    @property
    def _kept(self) -> Scalar:
        """The momentum of each stage, mean/(mean + stages)."""
        return self.mean / (self.mean + self.stages)

    def probabilities(self, count: int) -> NDArray[np.float64]:
        from scipy.stats import nbinom

        return nbinom.pmf(np.arange(count), float(self.stages), float(1 - self._kept))

    def generating_function(self, w: Scalar) -> Scalar:
        return ((1 - self._kept) / (1 - self._kept * w)) ** self.stages

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if is_symbolic(self.stages) and not self.stages.is_number:
            whole = False
        else:
            whole = self.stages == int(self.stages)
        if not whole:
            raise NotTraceableError(
                f"With {self.stages} stages the generating function is not rational; give a whole "
                "number of stages, or ask for loop_equation, which takes any."
            )
        stages, kept = int(self.stages), self._kept
        below = tuple(math.comb(stages, k) * (-kept) ** k for k in range(stages + 1))
        return ((1 - kept) ** stages, *(0,) * stages), below

    def tail(self, chance: float) -> int:
        from scipy.stats import nbinom

        law = nbinom(float(self.stages), float(1 - self._kept))
        return first_below(lambda k: float(law.sf(k)), require_chance(chance, bounded=False))

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        return rng.negative_binomial(float(self.stages), float(1 - self._kept), size=size)
