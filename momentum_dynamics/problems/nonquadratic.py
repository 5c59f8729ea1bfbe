"""Losses whose curvature changes along the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError

__all__ = ["Rosenbrock"]

Array = NDArray[np.float64]


class Rosenbrock:
    """The curved valley Σ 100(wₖ₊₁ − wₖ²)² + (1 − wₖ)², with its minimum at (1, …, 1).

    Parameters
    ----------
    dimension : int
        At least 2.

    References
    ----------
    [rosenbrock1960]_

    Examples
    --------
    >>> Rosenbrock().field(np.array([1.0, 2.0]))
    array([-400.,  200.])
    """

    def __init__(self, dimension: int = 2) -> None:
        if dimension != int(dimension) or dimension < 2:
            raise DomainError(f"dimension is {dimension}, but must be a whole number from 2.")
        self.dimension = int(dimension)

    def __repr__(self) -> str:
        """Say the dimension."""
        return f"Rosenbrock(dimension={self.dimension})"

    @property
    def start(self) -> Array:
        """The classical start, (−1.2, 1, −1.2, …)."""
        return np.where(np.arange(self.dimension) % 2, 1.0, -1.2)

    @property
    def solution(self) -> Array:
        """The minimum."""
        return np.ones(self.dimension)

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, dimension)``."""
        here, after = point[..., :-1], point[..., 1:]
        return (100 * (after - here**2) ** 2 + (1 - here) ** 2).sum(axis=-1)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, dimension)``."""
        here, after = point[..., :-1], point[..., 1:]
        bend = after - here**2
        gradient = np.zeros_like(point, dtype=float)
        gradient[..., :-1] = -400 * here * bend - 2 * (1 - here)
        gradient[..., 1:] += 200 * bend
        return gradient

    def hessian(self, point: Array) -> Array:
        """The matrix of second derivatives at one point."""
        here, after = point[:-1], point[1:]
        diagonal = np.zeros(self.dimension)
        diagonal[:-1] = 1200 * here**2 - 400 * after + 2
        diagonal[1:] += 200
        return np.diag(diagonal) + np.diag(-400 * here, 1) + np.diag(-400 * here, -1)

    def spectrum(self) -> Array:
        """The curvatures at the minimum, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.hessian(self.solution)), dtype=float)
