"""Quadratic problems: linear fields given by a spectrum or a symmetric matrix."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["LinearProblem", "Problem", "Quadratic"]

Array = NDArray[np.float64]


_ROUNDING = 1e-12
"""Asymmetry below this share of the largest entry is rounding."""


class Problem(Protocol):
    """What simulation asks for (the field) and what analysis asks for (the spectrum)."""

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        ...

    @property
    def start(self) -> Array:
        """Where runs begin unless told otherwise."""
        ...

    @property
    def solution(self) -> Array:
        """The point where the field vanishes."""
        ...

    def field(self, point: Array) -> Array:
        """The gradient or the game's vector field at points ``(*any, dimension)``."""
        ...

    def spectrum(self) -> Array:
        """The eigenvalues of the field's Jacobian at the solution."""
        ...


@runtime_checkable
class LinearProblem(Problem, Protocol):
    """A problem with a symmetric linear field: it splits into modes, each with one curvature."""

    @property
    def modes(self) -> tuple[Array, Array | None]:
        """The curvatures, ascending order not promised, and the orthonormal modes as columns.

        None in place of the modes where the coordinates are the modes already.
        """
        ...


class Quadratic:
    """The loss Σ hₖ(wₖ − w*ₖ)²/2, or (w − w*)ᵀH(w − w*)/2.

    Parameters
    ----------
    curvature : array ``(dimension,)`` or ``(dimension, dimension)``
        A spectrum, or a symmetric matrix; negative curvatures make a saddle.
    spectrum, matrix : array, optional
        The same by name, in place of `curvature`.
    solution : array ``(dimension,)``, optional
        By default zero.

    Raises
    ------
    ShapeError
        If the array is neither a vector nor a square matrix, or the solution does not fit.
    DomainError
        If a number is not finite, or the matrix is not symmetric.

    Examples
    --------
    >>> Quadratic([1.0, 10.0]).field(np.array([1.0, 1.0]))
    array([ 1., 10.])
    """

    def __init__(
        self,
        curvature: ArrayLike | None = None,
        *,
        spectrum: ArrayLike | None = None,
        matrix: ArrayLike | None = None,
        solution: ArrayLike | None = None,
    ) -> None:
        given = [value for value in (curvature, spectrum, matrix) if value is not None]
        if len(given) != 1:
            raise ShapeError("Quadratic: give one of a spectrum and a matrix.")
        if (spectrum is not None and np.ndim(spectrum) > 1) or (
            matrix is not None and np.ndim(matrix) != 2
        ):
            raise ShapeError("Quadratic: a spectrum has one axis, a matrix two.")
        curvature = given[0]
        array = np.atleast_1d(np.asarray(curvature, dtype=float))
        if (
            array.size == 0
            or array.ndim > 2
            or (array.ndim == 2 and array.shape[0] != array.shape[1])
        ):
            raise ShapeError(
                f"Quadratic: the curvature has shape {array.shape}; give a spectrum (d,) or a "
                "symmetric matrix (d, d)."
            )
        if not np.isfinite(array).all():
            raise DomainError("Quadratic: the curvature holds a number that is not finite.")
        if array.ndim == 2:
            if np.abs(array - array.T).max() > _ROUNDING * np.abs(array).max():
                raise DomainError("Quadratic: the matrix is not symmetric; use (H + H.T) / 2.")
            array = (array + array.T) / 2
        self.curvature = array
        place = np.zeros(len(array)) if solution is None else np.asarray(solution, dtype=float)
        if place.shape != (len(array),):
            raise ShapeError(
                f"Quadratic: the solution has shape {place.shape}, not ({len(array)},)."
            )
        self._solution = place

    def __repr__(self) -> str:
        """Say the size and the ends of the spectrum."""
        low, high = self.spectrum()[[0, -1]]
        name = type(self).__name__
        return f"{name}(dimension={self.dimension}, spectrum in [{low:g}, {high:g}])"

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        return len(self.curvature)

    @property
    def start(self) -> Array:
        """One away from the solution in every mode."""
        basis = self.modes[1]
        return self._solution + (1 if basis is None else basis.sum(axis=1))

    @property
    def solution(self) -> Array:
        """The stationary point."""
        return self._solution

    @cached_property
    def modes(self) -> tuple[Array, Array | None]:
        """Curvatures, and modes as columns where the problem was given by a matrix."""
        if self.curvature.ndim == 1:
            return self.curvature, None
        values, vectors = np.linalg.eigh(self.curvature)
        return values, vectors

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, dimension)``."""
        displacement = point - self._solution
        if self.curvature.ndim == 1:
            return displacement * self.curvature
        product: Array = displacement @ self.curvature
        return product

    def loss(self, point: Array) -> Any:
        """The loss above its value at the solution."""
        return ((point - self._solution) * self.field(point)).sum(axis=-1) / 2

    def spectrum(self) -> Array:
        """The curvatures, ascending."""
        return np.sort(self.modes[0])
