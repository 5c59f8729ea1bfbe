"""The quadratic on which no method that adds up gradients is fast: a chain of springs."""

from __future__ import annotations

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.problems.quadratic import Quadratic

__all__ = ["ConvexRosenbrock"]


class ConvexRosenbrock(Quadratic):
    """(w₁ − 1)²/2 + Σ(wᵢ − wᵢ₊₁)²/2 + 2|w|²/(κ − 1): each gradient sees one coordinate further.

    From w = 0, n gradients leave all coordinates after the n-th at 0, whatever is done with them.
    In a long chain the solution is wᵢ = rⁱ with r = (√κ − 1)/(√κ + 1), so something like rⁿ is
    left.

    Parameters
    ----------
    dimension : int
        From 2.
    condition_number : float
        κ > 1, reached in the limit of a long chain.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    References
    ----------
    [goh2017]_, [nesterov2004]_

    Examples
    --------
    >>> low, high = ConvexRosenbrock(dimension=200, condition_number=50.0).spectrum()[[0, -1]]
    >>> round(float(high / low), 2)
    49.96
    """

    def __init__(self, *, dimension: int, condition_number: float) -> None:
        if dimension < 2 or dimension != int(dimension):
            raise DomainError(f"dimension is {dimension}, but must be a whole number from 2.")
        if not 1 < condition_number < np.inf:
            raise DomainError(f"condition_number is {condition_number}, but must be above 1.")
        size = int(dimension)
        springs = 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
        springs[-1, -1] = 1
        matrix = springs + 4 / (condition_number - 1) * np.eye(size)
        super().__init__(matrix=matrix, solution=np.linalg.solve(matrix, np.eye(size)[0]))

    @property
    def start(self) -> np.ndarray:
        """Zero, where nothing is known but the first spring."""
        return np.zeros(self.dimension)
