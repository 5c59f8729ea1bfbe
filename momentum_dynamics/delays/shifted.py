"""Staleness that is never below a number: a law behind so many updates more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.staleness import Coefficients, Delay, require_chance
from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY, Scalar

__all__ = ["ShiftedDelay"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftedDelay:
    """A law of staleness, and a fixed number of updates more.

    Memoryless workers that read before their own write is applied compute on a point one update
    older: `GeometricDelay` by one. A pipe between worker and server adds its length.

    Parameters
    ----------
    delay : Delay
        Any law.
    by : int
        How many updates older each gradient is, from 0.

    Raises
    ------
    DomainError
        If `delay` is no law, or `by` no whole number from 0.

    Examples
    --------
    >>> from momentum_dynamics import GeometricDelay
    >>> counted = ShiftedDelay(delay=GeometricDelay(workers=4), by=1)
    >>> counted.mean, counted.probabilities(3)
    (4, array([0.    , 0.25  , 0.1875]))
    """

    delay: Delay
    by: int

    def __post_init__(self) -> None:
        if not hasattr(self.delay, "generating_function") or isinstance(self.delay, type):
            raise DomainError(
                f"ShiftedDelay: delay is {self.delay!r}, but must be a law of staleness, such as "
                "GeometricDelay(workers=4)."
            )
        GLOSSARY["by"].check(self.by)
        if np.ndim(self.by):
            raise DomainError(f"ShiftedDelay: by is {self.by}, but must be one whole number.")
        object.__setattr__(self, "by", int(self.by))

    @property
    def mean(self) -> Scalar:
        """The expected staleness."""
        return self.delay.mean + self.by

    def probabilities(self, count: int) -> NDArray[np.float64]:
        """P(τ = 0), …, P(τ = count − 1); zero before the shift."""
        own = self.delay.probabilities(max(count - self.by, 0))
        return np.concatenate([np.zeros((*own.shape[:-1], min(self.by, count))), own], axis=-1)

    def generating_function(self, w: Scalar) -> Scalar:
        """The law's own, times w to the shift."""
        return w**self.by * self.delay.generating_function(w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        """The law's own filter behind so many delays of one update."""
        above, below = self.delay.rational()
        return above, (*below, *(0,) * self.by)

    def tail(self, chance: float) -> int:
        """The law's own, later by the shift."""
        if require_chance(chance, bounded=True) == 1:
            return 0
        return self.delay.tail(chance) + self.by

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        """Draws of the law's own, older by the shift."""
        return self.delay.sample(rng, size) + self.by
