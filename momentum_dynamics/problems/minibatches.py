"""Least squares by mini-batches: every gradient is that of a few samples, drawn anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.problems.least_squares import Ridge

__all__ = ["MiniBatches"]

Array = NDArray[np.float64]


class MiniBatches:
    """A least-squares or ridge problem whose field is the gradient on a random mini-batch.

    Samples are drawn with replacement, for every replica and every gradient anew, so gradients are
    right on average.

    Parameters
    ----------
    problem : Ridge
        `LeastSquares` or `Ridge`.
    batch_size : int
        From 1.
    seed : int or Generator, optional
        Of the batches; the same seed and the same calls give the same batches.

    Raises
    ------
    DomainError
        If the batch size is no whole number from 1.

    Examples
    --------
    >>> from momentum_dynamics import LeastSquares
    >>> whole = LeastSquares([[1.0], [2.0]], [1.0, 2.0])
    >>> MiniBatches(whole, batch_size=1, seed=0).field(np.ones(1))
    array([0.])
    """

    def __init__(self, problem: Ridge, *, batch_size: int, seed: Any = None) -> None:
        if batch_size < 1 or batch_size != int(batch_size):
            raise DomainError(f"batch_size is {batch_size}, but must be a whole number from 1.")
        self.problem, self.batch_size = problem, int(batch_size)
        self._rng = np.random.default_rng(seed)

    def __repr__(self) -> str:
        """Say what of."""
        return f"MiniBatches({self.problem!r}, batch_size={self.batch_size})"

    @property
    def dimension(self) -> int:
        """The number of features."""
        return self.problem.dimension

    @property
    def start(self) -> Array:
        """That of the whole problem."""
        return self.problem.start

    @property
    def solution(self) -> Array:
        """The minimizer of the whole problem."""
        return self.problem.solution

    def field(self, point: Array) -> Array:
        """The gradient on a new batch for each of the points ``(*any, features)``."""
        whole = self.problem
        chosen = self._rng.integers(len(whole.X), size=(*point.shape[:-1], self.batch_size))
        rows = whole.X[chosen]
        residual = np.einsum("...bf,...f->...b", rows, point) - whole.y[chosen]
        gradient: Array = np.einsum("...b,...bf->...f", residual, rows) / self.batch_size
        return gradient + whole.ridge * point

    def spectrum(self) -> Array:
        """The curvatures of the whole problem, ascending."""
        return self.problem.spectrum()

    def curvature_variance(self) -> Array:
        """τ² along each mode of the whole problem: the variance of one sample's over the batch."""
        _, basis = self.problem.modes
        along = self.problem.X if basis is None else self.problem.X @ basis
        found: Array = np.var(along**2, axis=0) / self.batch_size
        return found
