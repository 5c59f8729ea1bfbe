"""The covariance GAN: a linear generator and a quadratic critic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.inputs import real_numbers, require_counts

__all__ = ["CovarianceGame"]

Array = NDArray[np.float64]


class CovarianceGame:
    """A generator Vz of normal noise z against a critic xᵀWx: min over V, max over W ⟨W, Σ − VVᵀ⟩.

    Every V with VVᵀ = Σ and every antisymmetric W is an equilibrium. There the game is bilinear to
    first order: its curvatures lie on the imaginary axis.

    Parameters
    ----------
    covariance : array ``(size, size)``
        Σ, symmetric and positive definite.
    batch_size : int, optional
        Samples of data and of noise for every gradient; by default gradients are expectations.
    seed : int or Generator, optional
        Of the batches; the same seed and the same calls give the same batches.

    Raises
    ------
    ShapeError
        If the covariance is not square.
    DomainError
        If it is not symmetric and positive definite, or the batch size is no whole number from 1.

    References
    ----------
    [daskalakis2018]_

    Examples
    --------
    >>> game = CovarianceGame([[2.0, 0.5], [0.5, 1.0]])
    >>> float(abs(game.spectrum().real).max()) < 1e-12
    True
    """

    def __init__(
        self, covariance: ArrayLike, *, batch_size: int | None = None, seed: Any = None
    ) -> None:
        matrix: Any = np.atleast_2d(real_numbers("CovarianceGame: the covariance", covariance))
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
            raise ShapeError(
                f"CovarianceGame: the covariance has shape {matrix.shape}; give a square matrix of "
                "at least one row."
            )
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
            raise DomainError("CovarianceGame: the covariance must be finite and symmetric.")
        try:
            self._root: Array = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError as error:
            raise DomainError(
                "CovarianceGame: the covariance is not positive definite; add a multiple of the "
                "identity."
            ) from error
        if batch_size is not None:
            require_counts(batch_size=batch_size)
        self.covariance, self.batch_size = matrix, batch_size
        self._rng = np.random.default_rng(seed)

    def __repr__(self) -> str:
        """Say the sizes."""
        batch = "" if self.batch_size is None else f", batch_size={self.batch_size}"
        return f"CovarianceGame(size={len(self.covariance)}{batch})"

    @property
    def sizes(self) -> tuple[int, int]:
        """The entries of V and of W, row by row."""
        return (self.covariance.size, self.covariance.size)

    @property
    def dimension(self) -> int:
        """Both together."""
        return 2 * self.covariance.size

    @property
    def solution(self) -> Array:
        """One equilibrium of many: Cholesky's factor, and a flat critic."""
        return np.concatenate([self._root.ravel(), np.zeros(self.covariance.size)])

    @property
    def start(self) -> Array:
        """Near that equilibrium, the first of `starts` of seed 0."""
        return self.starts(1, 0)[0]

    def starts(self, count: int, seed: Any, *, spread: float = 0.3) -> Array:
        """Random points around the equilibrium, ``(count, dimension)``."""
        rng = np.random.default_rng(seed)
        return self.solution + spread * rng.standard_normal((count, self.dimension))

    def error(self, point: Array) -> Array:
        """How far VVᵀ is from Σ, as a share of Σ, at points ``(*any, dimension)``."""
        factor, _ = self._matrices(point)
        gap = factor @ np.swapaxes(factor, -1, -2) - self.covariance
        found: Array = np.linalg.norm(gap, axis=(-2, -1)) / np.linalg.norm(self.covariance)
        return found

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient at points ``(*any, dimension)``."""
        factor, critic = self._matrices(point)
        lanes = point.shape[:-1]
        noise = self._moment(lanes)
        pushed = factor if noise is None else factor @ noise
        if index == 0:
            gradient = -(critic + np.swapaxes(critic, -1, -2)) @ pushed
        else:
            seen = self._moment(lanes)
            truth = self.covariance if seen is None else self._root @ seen @ self._root.T
            gradient = pushed @ np.swapaxes(factor, -1, -2) - truth
        return np.broadcast_to(gradient, factor.shape).reshape(*lanes, self.covariance.size)

    def field(self, point: Array) -> Array:
        """Both players' gradients at points ``(*any, dimension)``."""
        return np.concatenate([self.player_field(index, point) for index in (0, 1)], axis=-1)

    def jacobian(self, point: Array | None = None) -> Array:
        """The derivative of the expected field, ``(*any, dimension, dimension)``.

        By default at the equilibrium.
        """
        at = self.solution if point is None else np.asarray(point, dtype=float)
        # Beside the points an axis for the directions in which they are moved.
        factor, critic = (part[..., None, :, :] for part in self._matrices(at))
        moved, tilted = self._matrices(np.eye(self.dimension))
        bent, turned = (part + np.swapaxes(part, -1, -2) for part in (tilted, critic))
        first = -bent @ factor - turned @ moved
        second = moved @ np.swapaxes(factor, -1, -2) + factor @ np.swapaxes(moved, -1, -2)
        flat = [part.reshape(*part.shape[:-2], -1) for part in (first, second)]
        return np.swapaxes(np.concatenate(flat, axis=-1), -1, -2)

    def spectrum(self) -> NDArray[np.complex128]:
        """The eigenvalues of the Jacobian: imaginary pairs, and zeros along the equilibria."""
        return np.linalg.eigvals(self.jacobian()).astype(complex)

    def _matrices(self, point: Array) -> tuple[Array, Array]:
        size = len(self.covariance)
        whole = point.reshape(*point.shape[:-1], 2, size, size)
        return whole[..., 0, :, :], whole[..., 1, :, :]

    def _moment(self, lanes: tuple[int, ...]) -> Array | None:
        """Second moments of a new batch of normal noise for each point, or None: they are 1.

        They are drawn by Bartlett's decomposition, as Wishart's law is that of their sum: a
        triangle of normal numbers, with roots of chi-squared ones on its diagonal.
        """
        if self.batch_size is None:
            return None
        size, rng = len(self.covariance), self._rng
        if self.batch_size < size:
            drawn = rng.standard_normal((*lanes, size, self.batch_size))
        else:
            drawn = np.tril(rng.standard_normal((*lanes, size, size)), -1)
            freedom = self.batch_size - np.arange(size)
            drawn[..., range(size), range(size)] = np.sqrt(
                rng.chisquare(freedom, size=(*lanes, size))
            )
        found: Array = drawn @ np.swapaxes(drawn, -1, -2) / self.batch_size
        return found
