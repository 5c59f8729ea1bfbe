"""Logistic regression on a user's data, exactly as given."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["LogisticRegression"]

Array = NDArray[np.float64]

_SEPARATED = 1e-7
"""A mean margin beyond what the linear program's own tolerance can feign."""

_POLISH = 3
"""Steps of Newton's method, each of which doubles the digits, after the trust region's search."""


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
        is found, or shown not to exist, by a linear program. Neither the units of a feature nor
        the length of a sample matter for that, so both are scaled away.
        """
        from scipy.optimize import linprog

        signed = self.y[:, None] * self.X
        for axis in (0, 1):
            longest = np.abs(signed).max(axis=axis, keepdims=True)
            signed = signed / np.where(longest > 0, longest, 1.0)
        program = linprog(
            -signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)),
            bounds=[(-1, 1)] * self.dimension, method="highs",
        )  # fmt: skip
        if program.status == 0 and -program.fun > _SEPARATED:
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
        return self.batch_field(point, slice(None))

    def batch_field(self, point: Array, chosen: Any) -> Array:
        """The gradient on chosen samples alone: a slice, or indices, each as often as it is there.

        Examples
        --------
        >>> problem = LogisticRegression([[1.0], [2.0], [1.5]], [0, 1, 0], ridge=0.1)
        >>> problem.batch_field(np.zeros(1), [0]), problem.batch_field(np.zeros(1), [0, 1, 1])
        (array([0.5]), array([-0.5]))
        """
        from scipy.special import expit

        X, y = self.X[chosen], self.y[chosen]
        pull = -y * expit(-(point @ X.T) * y)
        gradient: Array = pull @ X / len(X) + self.ridge * point
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
        """The minimum, to rounding; one of them if it is flat."""
        from scipy.linalg import lstsq
        from scipy.optimize import minimize

        # In units of each weight in which all curvatures at the start are 1.
        bend = np.sqrt(np.diag(self.hessian(self.start)))
        unit = 1 / np.where(bend > 0, bend, 1.0)
        point: Array = minimize(
            lambda scaled: self.loss(unit * scaled), self.start, method="trust-exact",
            jac=lambda scaled: unit * self.field(unit * scaled),
            hess=lambda scaled: unit[:, None] * self.hessian(unit * scaled) * unit,
            options={"gtol": 1e-9, "maxiter": 1000},
        ).x * unit  # fmt: skip
        for _ in range(_POLISH):
            matrix = unit[:, None] * self.hessian(point) * unit
            point = point - unit * lstsq(matrix, unit * self.field(point))[0]
        return point

    def spectrum(self) -> Array:
        """The curvatures at the minimum, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.hessian(self.solution)), dtype=float)
