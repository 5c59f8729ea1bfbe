"""How long workers compute: laws of service times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.notation import Scalar, record

__all__ = ["Deterministic", "Exponential"]


@record
class Exponential:
    """The memoryless law: P(S > s) = exp(−s / mean)."""

    mean: Scalar = 1

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return rng.standard_exponential(size) * self.mean


@record
class Deterministic:
    """Every computation takes the same time."""

    mean: Scalar = 1

    def sample(
        self,
        rng: np.random.Generator,  # noqa: ARG002
        size: Any,
    ) -> NDArray[np.float64]:
        return np.full(size, float(self.mean))
