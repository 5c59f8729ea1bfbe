"""Least squares and ridge regression on a user's data, exactly as given."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["LeastSquares", "Ridge"]

Array = NDArray[np.float64]


class Ridge:
    """The loss |Xw − y|²/(2n) + ridge·|w|²/2: no intercept, no scaling, nothing hidden.

    Parameters
    ----------
    X : array ``(samples, features)``
    y : array ``(samples,)``
    ridge : float
        R ≥ 0; it is added to every curvature.

    Raises
    ------
    ShapeError
        If the shapes do not fit or there are fewer than two samples.
    DomainError
        If a number is not finite, the ridge is negative, or X is zero and so has no curvature.

    Examples
    --------
    >>> problem = Ridge([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0], ridge=0.5)
    >>> problem.spectrum()
    array([1. , 2.5])
    """

    def __init__(self, X: ArrayLike, y: ArrayLike, *, ridge: float) -> None:
        data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        if data.ndim != 2 or target.ndim != 1 or len(data) != len(target) or data.shape[1] == 0:
            raise ShapeError(
                f"X has shape {data.shape} and y {target.shape}; give X as (samples, features) and "
                "y as (samples,)."
            )
        if len(data) < 2:
            raise ShapeError(f"There are {len(data)} samples; least squares needs at least 2.")
        if not (np.isfinite(data).all() and np.isfinite(target).all()):
            raise DomainError(
                "X or y holds a number that is not finite; drop or fill those rows first."
            )
        if not (np.isfinite(ridge) and ridge >= 0):
            raise DomainError(f"ridge is {ridge}, but must lie in [0, ∞).")
        if not data.any() and ridge == 0:
            raise DomainError(
                "Every entry of X is zero, so all curvatures are zero and there is nothing to fit."
            )
        self.X, self.y, self.ridge = data, target, float(ridge)

    def __repr__(self) -> str:
        """Say the size and the ridge."""
        samples, features = self.X.shape
        return (
            f"{type(self).__name__}(samples={samples}, features={features}, ridge={self.ridge:g})"
        )

    @property
    def dimension(self) -> int:
        """The number of features."""
        return self.X.shape[1]

    @property
    def start(self) -> Array:
        """All weights zero: from here every method tends to the solution of least norm."""
        return np.zeros(self.dimension)

    @cached_property
    def _decomposition(self) -> tuple[Array, Array, Array]:
        """Curvatures without the ridge, modes as columns, and the target along the modes."""
        samples = len(self.X)
        # Tall data keep their curvatures and modes in the triangle of X = QR, which is small.
        small = np.linalg.qr(self.X, mode="r") if samples > self.dimension else self.X
        _, values, rows = np.linalg.svd(small, full_matrices=True)
        curvatures = np.zeros(self.dimension)
        curvatures[: len(values)] = values**2 / samples
        # Singular values below the rounding of the largest are zero: numpy's rule for the rank.
        rounding = max(self.X.shape) * np.finfo(float).eps * (values[0] if len(values) else 0)
        curvatures[: len(values)][values <= rounding] = 0
        return curvatures, rows.T, rows @ (self.X.T @ self.y) / samples

    @property
    def rank(self) -> int:
        """How many directions the data determine."""
        return int(np.count_nonzero(self._decomposition[0]))

    @property
    def modes(self) -> tuple[Array, Array | None]:
        """Curvatures with the ridge, and modes as columns."""
        curvatures, vectors, _ = self._decomposition
        return curvatures + self.ridge, vectors

    @cached_property
    def solution(self) -> Array:
        """The minimizer; of least norm where the data leave directions open."""
        curvatures, vectors, along = self._decomposition
        total = curvatures + self.ridge
        flat = total == 0
        weights = np.where(flat, 0, along) / np.where(flat, 1, total)
        return np.asarray(vectors @ weights, dtype=float)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, features)``."""
        return self.batch_field(point, slice(None))

    def batch_field(self, point: Array, chosen: Any) -> Array:
        """The gradient on chosen samples alone: a slice, or indices, each as often as it is there.

        Examples
        --------
        >>> problem = LeastSquares([[1.0], [2.0]], [1.0, 2.0])
        >>> problem.batch_field(np.zeros(1), [0]), problem.batch_field(np.zeros(1), [0, 1, 1])
        (array([-1.]), array([-3.]))
        """
        X, y = self.X[chosen], self.y[chosen]
        residual = point @ X.T - y
        gradient: Array = residual @ X / len(X) + self.ridge * point
        return gradient

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, features)``."""
        residual = point @ self.X.T - self.y
        fit = (residual**2).sum(axis=-1) / (2 * len(self.X))
        return fit + self.ridge * (point**2).sum(axis=-1) / 2

    def spectrum(self) -> Array:
        """The curvatures, ascending; zeros where the data leave directions open."""
        return np.sort(self.modes[0])


class LeastSquares(Ridge):
    """The loss |Xw − y|²/(2n): ridge regression without a ridge.

    Parameters
    ----------
    X : array ``(samples, features)``
    y : array ``(samples,)``

    Raises
    ------
    ShapeError, DomainError
        As `Ridge`.
    """

    def __init__(self, X: ArrayLike, y: ArrayLike) -> None:
        super().__init__(X, y, ridge=0.0)
