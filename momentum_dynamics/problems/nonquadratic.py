"""Losses whose curvature changes along the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError

__all__ = ["Banana", "Rosenbrock"]

Array = NDArray[np.float64]


class Rosenbrock:
    """The curved valley Σ W(s wₖ₊₁ − wₖ²)² + (1 − wₖ)², classically with W = 100 and s = 1.

    Its minimum is at (1, …, 1, 1/s), and 0.

    Parameters
    ----------
    dimension : int
        At least 2.
    weight : float
        W > 0: how steep the walls are.
    stretch : float
        s ≠ 0: how much narrower the last coordinate is; other than 1 in two dimensions only.

    Raises
    ------
    DomainError
        If one of them is not admissible.

    References
    ----------
    [rosenbrock1960]_

    Examples
    --------
    >>> Rosenbrock().field(np.array([1.0, 2.0]))
    array([-400.,  200.])
    >>> Rosenbrock(weight=20, stretch=3).solution
    array([1.        , 0.33333333])
    """

    def __init__(self, dimension: int = 2, *, weight: float = 100.0, stretch: float = 1.0) -> None:
        if dimension != int(dimension) or dimension < 2:
            raise DomainError(f"dimension is {dimension}, but must be a whole number from 2.")
        if not 0 < weight < np.inf:
            raise DomainError(f"weight is {weight}, but must lie in (0, ∞).")
        if not np.isfinite(stretch) or stretch == 0 or (stretch != 1 and dimension > 2):
            raise DomainError(
                f"stretch is {stretch} in {dimension} dimensions, but must be a number other than "
                "0, and 1 from three dimensions on."
            )
        self.dimension = int(dimension)
        self.weight, self.stretch = float(weight), float(stretch)

    def __repr__(self) -> str:
        """Say the dimension, and what is not classical."""
        extra = "" if self.weight == 100 else f", weight={self.weight:g}"
        extra += "" if self.stretch == 1 else f", stretch={self.stretch:g}"
        return f"Rosenbrock(dimension={self.dimension}{extra})"

    @property
    def start(self) -> Array:
        """The classical start, (−1.2, 1, −1.2, …)."""
        return np.where(np.arange(self.dimension) % 2, 1.0, -1.2)

    @property
    def solution(self) -> Array:
        """The minimum."""
        return np.append(np.ones(self.dimension - 1), 1 / self.stretch)

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, dimension)``."""
        here, after = point[..., :-1], self.stretch * point[..., 1:]
        return (self.weight * (after - here**2) ** 2 + (1 - here) ** 2).sum(axis=-1)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, dimension)``."""
        here, after = point[..., :-1], self.stretch * point[..., 1:]
        bend = 2 * self.weight * (after - here**2)
        gradient = np.zeros_like(point, dtype=float)
        gradient[..., :-1] = -2 * here * bend - 2 * (1 - here)
        gradient[..., 1:] += self.stretch * bend
        return gradient

    def hessian(self, point: Array) -> Array:
        """The matrix of second derivatives at one point."""
        here, after = point[:-1], self.stretch * point[1:]
        diagonal = np.zeros(self.dimension)
        diagonal[:-1] = self.weight * (12 * here**2 - 4 * after) + 2
        diagonal[1:] += 2 * self.weight * self.stretch**2
        beside = -4 * self.weight * self.stretch * here
        return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)

    def spectrum(self) -> Array:
        """The curvatures at the minimum, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.hessian(self.solution)), dtype=float)


class Banana(Rosenbrock):
    """The curved valley (1 − x)² + 20(3y − x²)², with its minimum at (1, 1/3).

    References
    ----------
    [goh2017]_

    Examples
    --------
    >>> Banana().field(np.array([0.0, 1.0]))
    array([ -2., 360.])
    """

    def __init__(self) -> None:
        super().__init__(weight=20.0, stretch=3.0)

    def __repr__(self) -> str:
        """Say the name."""
        return "Banana()"

    @property
    def start(self) -> Array:
        """Where the page begins."""
        return np.array([-1.21, 0.853])
