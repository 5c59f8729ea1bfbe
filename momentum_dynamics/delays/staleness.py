"""No delay, a fixed one, and the geometric law of memoryless workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.laws.staleness import implicit_momentum
from momentum_dynamics.notation import Range, Scalar, is_symbolic, record

__all__ = [
    "Coefficients",
    "Delay",
    "FixedDelay",
    "GeometricDelay",
    "NoDelay",
    "first_below",
    "require_chance",
]

Coefficients: TypeAlias = tuple[Scalar, ...]
"""Coefficients of a polynomial in z, highest power first."""


class Delay(Protocol):
    """A law of staleness on 0, 1, 2, …, independent of everything else."""

    @property
    def mean(self) -> Scalar:
        """The expected staleness."""
        ...

    def probabilities(self, count: int) -> NDArray[np.float64]:
        """P(τ = 0), …, P(τ = count − 1)."""
        ...

    def generating_function(self, w: Scalar) -> Scalar:
        """q(w) = Σ P(τ = k) wᵏ."""
        ...

    def rational(self) -> tuple[Coefficients, Coefficients]:
        """q(1/z) as numerator and monic denominator in z; `NotTraceableError` if it is not so."""
        ...

    def tail(self, chance: float) -> int:
        """The smallest k with P(τ > k) ≤ chance: how long a history loses no more than that."""
        ...

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        """Draw independent staleness values."""
        ...


def require_chance(chance: Any, *, bounded: bool) -> float:
    """The chance of a tail as a number in (0, 1], or in [0, 1] where staleness is bounded.

    Raises
    ------
    DomainError
        Outside.
    """
    allowed = Range(0, 1, low_open=not bounded)
    if np.ndim(chance) or is_symbolic(chance) or not allowed.holds(chance):
        raise DomainError(
            f"chance is {chance}, but must lie in {allowed}"
            + (": staleness has no largest value here." if not bounded else ".")
        )
    return float(chance)


def first_below(survival: Callable[[int], float], chance: float) -> int:
    """The smallest k ≥ 0 with survival(k) ≤ chance, for a survival that never rises."""
    low, high = -1, 0
    while survival(high) > chance:
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if survival(middle) > chance else (low, middle)
    return high


@record
class NoDelay:
    """Every gradient is fresh."""

    @property
    def mean(self) -> Scalar:
        return 0

    def probabilities(self, count: int) -> NDArray[np.float64]:
        return np.eye(1, count)[0]

    def generating_function(self, w: Scalar) -> Scalar:
        return w**0

    def rational(self) -> tuple[Coefficients, Coefficients]:
        return (1,), (1,)

    def tail(self, chance: float) -> int:
        require_chance(chance, bounded=True)
        return 0

    def sample(
        self,
        rng: np.random.Generator,  # noqa: ARG002
        size: Any,
    ) -> NDArray[np.int64]:
        return np.zeros(size, dtype=np.int64)


@record
class FixedDelay:
    """Every gradient is exactly τ updates old, as in a round robin of τ + 1 equal workers.

    Parameters
    ----------
    staleness : int
        τ ≥ 0; a SymPy symbol is accepted where only the generating function is asked.
    """

    staleness: Scalar

    def check(self) -> None:
        value = self.staleness
        if np.ndim(value) > 0 or (is_symbolic(value) and value.is_integer is False):
            raise DomainError(f"FixedDelay: staleness is {value}, but must be one whole number.")

    @property
    def mean(self) -> Scalar:
        return self.staleness

    def probabilities(self, count: int) -> NDArray[np.float64]:
        return np.eye(1, count, int(self.staleness))[0]

    def generating_function(self, w: Scalar) -> Scalar:
        return w**self.staleness

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if is_symbolic(self.staleness) and not self.staleness.is_number:
            raise NotTraceableError(
                f"With staleness {self.staleness} the loop is no polynomial of known degree; give "
                "a whole number, or ask for loop_equation, which takes any."
            )
        return (1,), (1, *(0,) * int(self.staleness))

    def tail(self, chance: float) -> int:
        return int(self.staleness) if require_chance(chance, bounded=True) < 1 else 0

    def sample(
        self,
        rng: np.random.Generator,  # noqa: ARG002
        size: Any,
    ) -> NDArray[np.int64]:
        return np.full(size, int(self.staleness), dtype=np.int64)


@record
class GeometricDelay:
    """The staleness of M memoryless workers: P(τ = k) = (1/M)(1 − 1/M)ᵏ for k = 0, 1, ….

    The support starts at 0: the worker that has just read may be the next to write.

    Parameters
    ----------
    workers : scalar
        M ≥ 1; need not be a whole number, may be a batch or a symbol.

    References
    ----------
    [mitliagkas2016]_
    """

    workers: Scalar

    @property
    def mean(self) -> Scalar:
        return self.workers - 1

    def probabilities(self, count: int) -> NDArray[np.float64]:
        kept = np.asarray(implicit_momentum(self.workers), dtype=float)[..., None]
        chances: NDArray[np.float64] = (1 - kept) * kept ** np.arange(count)
        return chances

    def generating_function(self, w: Scalar) -> Scalar:
        return (1 / self.workers) / (1 - implicit_momentum(self.workers) * w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        return (1 / self.workers, 0), (1, -implicit_momentum(self.workers))

    def tail(self, chance: float) -> int:
        least = require_chance(chance, bounded=False)
        # Of several laws the longest history serves all.
        kept = float(np.max(np.asarray(implicit_momentum(self.workers), dtype=float)))
        return first_below(lambda k: kept ** (k + 1), least)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        return rng.geometric(1 / np.asarray(self.workers, dtype=float), size=size) - 1
