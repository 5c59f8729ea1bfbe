"""The bilinear game min over x, max over y of xᵀ S y: pure rotation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.inputs import real_numbers

__all__ = ["BilinearGame"]

Array = NDArray[np.float64]


class BilinearGame:
    """Two players on xᵀSy: one descends, one ascends, and the field turns around the origin.

    Parameters
    ----------
    matrix : array ``(rows, columns)`` or number
        S, the coupling; a number is a 1×1 game, a vector one row. For symbols take
        `QuadraticGame`, as in ``QuadraticGame(0, s, 0)``.

    Raises
    ------
    ShapeError
        If the coupling is no matrix.
    DomainError
        If an entry is no finite real number.

    References
    ----------
    [gidel2019]_

    Examples
    --------
    >>> BilinearGame(1.0).field(np.array([1.0, 0.0]))
    array([ 0., -1.])
    >>> BilinearGame(2.0).spectrum()
    array([0.+2.j, 0.-2.j])
    """

    def __init__(self, matrix: ArrayLike) -> None:
        entries = real_numbers(
            "BilinearGame: the coupling",
            matrix,
            "give real ones, or symbols to QuadraticGame(0, s, 0)",
        )
        self.matrix = np.atleast_2d(entries)
        if self.matrix.ndim != 2 or self.matrix.size == 0:
            raise ShapeError(
                f"BilinearGame: the coupling has shape {np.shape(matrix)}; give (rows, columns), "
                "at least one of each, or a number."
            )
        if not np.isfinite(self.matrix).all():
            raise DomainError("BilinearGame: the coupling holds a number that is not finite.")

    def __repr__(self) -> str:
        """Say the size."""
        rows, columns = self.matrix.shape
        return f"BilinearGame(rows={rows}, columns={columns})"

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each player has."""
        return self.matrix.shape

    @property
    def dimension(self) -> int:
        """Coordinates of both players together."""
        return sum(self.matrix.shape)

    @property
    def start(self) -> Array:
        """One in every coordinate."""
        return np.ones(self.dimension)

    @property
    def solution(self) -> Array:
        """The equilibrium."""
        return np.zeros(self.dimension)

    @property
    def singular_values(self) -> Array:
        """How strongly each coordinate of the larger player is coupled, largest first.

        Where the players differ in size, or the matrix in rank, some are coupled by 0.
        """
        rows, columns = self.matrix.shape
        values = np.linalg.svd(self.matrix, compute_uv=False)
        return np.append(values, np.zeros(abs(rows - columns)))

    @property
    def paired_modes(self) -> tuple[Array, Array]:
        """The singular values, and both players' directions as columns ``(dimension, dimension)``.

        Along them each of a player's coordinates knows one of the other's: xᵀSy is Σ sₖxₖyₖ.
        Where one player has more coordinates, the values of the others are 0.
        """
        rows = len(self.matrix)
        first, _, second = np.linalg.svd(self.matrix)
        directions = np.zeros((self.dimension, self.dimension))
        directions[:rows, :rows], directions[rows:, rows:] = first, second.T
        return self.singular_values, directions

    def split(self, point: Array) -> tuple[Array, Array]:
        """The two players' coordinates."""
        rows = self.matrix.shape[0]
        return point[..., :rows], point[..., rows:]

    def first_field(self, second: Array) -> Array:
        """The descending player's gradient, Sy."""
        gradient: Array = second @ self.matrix.T
        return gradient

    def second_field(self, first: Array) -> Array:
        """The ascending player's gradient with the sign of a descent, −Sᵀx."""
        gradient: Array = -(first @ self.matrix)
        return gradient

    def field(self, point: Array) -> Array:
        """Both players' fields at once, at points ``(*any, dimension)``."""
        first, second = self.split(point)
        return np.concatenate([self.first_field(second), self.second_field(first)], axis=-1)

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient at points ``(*any, dimension)`` of both."""
        first, second = self.split(point)
        return self.second_field(first) if index else self.first_field(second)

    def jacobian(self, point: Array | None = None) -> Array:  # noqa: ARG002 - the same everywhere
        """The matrix of the linear field."""
        rows, columns = self.matrix.shape
        return np.block(
            [[np.zeros((rows, rows)), self.matrix], [-self.matrix.T, np.zeros((columns, columns))]]
        )

    def spectrum(self) -> NDArray[np.complex128]:
        """Purely imaginary pairs ±is, one for each singular value s, then zeros."""
        coupled = self.singular_values[: min(self.sizes)]
        zeros = np.zeros(self.dimension - 2 * len(coupled))
        pairs = np.stack([1j * coupled, -1j * coupled], axis=-1).ravel()
        return np.concatenate([pairs, zeros])
