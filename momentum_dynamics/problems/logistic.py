"""Logistic regression on a user's data, exactly as given."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["LogisticRegression"]

Array = NDArray[np.float64]


class LogisticRegression:
    """The mean of log(1 + exp(−y x·w)) plus ridge·|w|²/2: no intercept, no scaling.

    Parameters
    ----------
    X : array ``(samples, features)``
    y : array ``(samples,)``
        Two distinct numbers; the larger one is the positive class.
    ridge : float
        R ≥ 0. Without it the two classes must not be separable: else there is no minimum.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DomainError
        If a number is not finite, there are not two classes, the ridge is negative, or it is zero
        and the classes are separable.

    Examples
    --------
    >>> problem = LogisticRegression([[1.0], [2.0], [1.5]], [0, 1, 0], ridge=0.1)
    >>> bool(abs(problem.field(problem.solution)).max() < 1e-12)
    True
    """

    def __init__(self, X: ArrayLike, y: ArrayLike, *, ridge: float = 0.0) -> None:
        data, labels = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        if data.ndim != 2 or labels.ndim != 1 or len(data) != len(labels) or data.shape[1] == 0:
            raise ShapeError(
                f"X has shape {data.shape} and y {labels.shape}; give X as (samples, features) and "
                "y as (samples,)."
            )
        if not (np.isfinite(data).all() and np.isfinite(labels).all()):
            raise DomainError(
                "X or y holds a number that is not finite; drop or fill those rows first."
            )
        classes = np.unique(labels)
        if len(classes) != 2:
            raise DomainError(
                f"y holds {len(classes)} distinct values; logistic regression tells two classes "
                "apart."
            )
        if not (np.isfinite(ridge) and ridge >= 0):
            raise DomainError(f"ridge is {ridge}, but must lie in [0, ∞).")
        self.X, self.ridge = data, float(ridge)
        self.y = np.where(labels == classes[1], 1.0, -1.0)
        if ridge == 0:
            self._require_minimum()

    def _require_minimum(self) -> None:
        """Refuse classes that a hyperplane through 0 separates, weakly too.

        A direction w with y x·w ≥ 0 for all samples and > 0 for one lowers the loss for ever: it
        is found, or shown not to exist, by a linear program.
        """
        from scipy.optimize import linprog

        signed = self.y[:, None] * self.X
        scaled = signed / max(float(np.abs(signed).max()), 1e-300)
        program = linprog(
            -scaled.sum(axis=0), A_ub=-scaled, b_ub=np.zeros(len(scaled)),
            bounds=[(-1, 1)] * self.dimension, method="highs",
        )  # fmt: skip
        if program.status == 0 and -program.fun > 1e-9:
            raise DomainError(
                "The classes are separable, so without a ridge the weights grow for ever and there "
                "is no minimum; give ridge=0.01, say."
            )

    def __repr__(self) -> str:
        """Say the size and the ridge."""
        samples, features = self.X.shape
        return f"LogisticRegression(samples={samples}, features={features}, ridge={self.ridge:g})"

    @property
    def dimension(self) -> int:
        """The number of features."""
        return self.X.shape[1]

    @property
    def start(self) -> Array:
        """All weights zero."""
        return np.zeros(self.dimension)

    def _margins(self, point: Array) -> Array:
        found: Array = (point @ self.X.T) * self.y
        return found

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, features)``."""
        fit = np.logaddexp(0, -self._margins(point)).mean(axis=-1)
        return fit + self.ridge * (point**2).sum(axis=-1) / 2

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, features)``."""
        from scipy.special import expit

        pull = -self.y * expit(-self._margins(point))
        gradient: Array = pull @ self.X / len(self.X) + self.ridge * point
        return gradient

    def hessian(self, point: Array) -> Array:
        """The matrix of second derivatives at one point."""
        from scipy.special import expit

        chance = expit(self._margins(point))
        weighted = self.X * (chance * (1 - chance))[:, None]
        matrix: Array = weighted.T @ self.X / len(self.X) + self.ridge * np.eye(self.dimension)
        return matrix

    @cached_property
    def solution(self) -> Array:
        """The minimum, by Newton's method with halved steps, to rounding; of least norm if flat."""
        point = self.start
        for _ in range(200):
            gradient = self.field(point)
            step = np.linalg.lstsq(self.hessian(point), gradient, rcond=None)[0]
            scale = 1.0
            while self.loss(point - scale * step) > self.loss(point) and scale > 1e-6:
                scale /= 2
            point = point - scale * step
            if np.abs(step).max() <= 4e-16 * max(1.0, float(np.abs(point).max())):
                break
        return point

    def spectrum(self) -> Array:
        """The curvatures at the minimum, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.hessian(self.solution)), dtype=float)
