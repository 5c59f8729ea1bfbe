"""What a remedy makes of a method and the law of its reads: weights, and shares of compensation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay, NoDelay
from momentum_dynamics.dynamics.delayed import Delayed
from momentum_dynamics.errors import NotTraceableError
from momentum_dynamics.methods.protocol import Method, stage_of
from momentum_dynamics.methods.remedies import DelayCompensated, StalenessWeighted, weight_table
from momentum_dynamics.methods.rows import is_zero
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["Remedied"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _WeightedLaw:
    """The chances of each staleness times a power of its weight, in a law's place in a filter."""

    chances: tuple[float, ...]

    def rational(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.chances, (1.0, *(0.0,) * (len(self.chances) - 1))


_NEVER = 1e-12
"""The chance of a staleness that weighted laws leave out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Remedied:
    """A method, the law of its reads and that of their squares, and a share of compensation.

    Attributes
    ----------
    method : Method
    delay, squares : Delay
        For weighted gradients no laws, but what stands in their place; else the same law twice.
    energy : scalar
        The mean square of the weights.
    compensation : scalar
    """

    method: Method
    delay: Any
    squares: Any
    energy: Scalar = 1
    compensation: Scalar = 0

    @classmethod
    def of(cls, method: Any, delay: Delay) -> Remedied:
        """What the server's method and the law of staleness make."""
        if isinstance(method, DelayCompensated):
            if is_zero(1 - method.compensation):  # reads are of no effect, and no part of the loop
                return cls(method=method.method, delay=NoDelay(), squares=NoDelay())
            return cls(
                method=method.method, delay=delay, squares=delay, compensation=method.compensation
            )
        if not isinstance(method, StalenessWeighted):
            return cls(method=method, delay=delay, squares=delay)
        if is_symbolic(delay.mean) or np.ndim(delay.mean):
            raise NotTraceableError(
                "Weights of staleness take one law of numbers; give numbers for the delay."
            )
        count = delay.tail(_NEVER) + 1
        chances = delay.probabilities(count)
        weights = weight_table(method.weight, count)
        first, second = chances * weights, chances * weights**2
        last = int(np.flatnonzero(weights * (chances > 0)).max(initial=0)) + 1
        return cls(
            method=method.method,
            delay=_WeightedLaw(chances=tuple(first[:last].tolist())),
            squares=_WeightedLaw(chances=tuple(second[:last].tolist())),
            energy=float(second.sum()),
        )

    @property
    def delayed(self) -> Delayed:
        """The method behind its filter of reads."""
        return Delayed(method=self.method, delay=self.delay)

    def at(self, step: int | None) -> Remedied:
        """The same at one step, or settled."""
        return self if step is None else replace(self, method=stage_of(self.method, step))

    @property
    def is_certain(self) -> bool:
        """Whether every read has the same age and weight."""
        if not isinstance(self.squares, _WeightedLaw):
            poles, taps, direct = self.delayed.filter
            return all(map(is_zero, poles)) and sum(not is_zero(w) for w in (direct, *taps)) == 1
        several = sum(chance != 0 for chance in self.delay.chances) > 1
        return not several and sum(self.delay.chances) ** 2 == sum(self.squares.chances)
