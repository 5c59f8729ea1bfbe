"""Games: several players, each with its own loss, and the field of all their gradients."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError, UnknownNameError
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["Game", "LinearGame", "QuadraticGame", "is_game", "split_point"]

Array = NDArray[np.float64]

_ROUNDING = 1e-12
"""Asymmetry below this share of the largest entry is rounding."""


@runtime_checkable
class Game(Protocol):
    """A problem whose coordinates belong to players.

    Each player moves against its own gradient; an ascending player's has the sign of a descent.
    """

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each player has."""
        ...

    @property
    def dimension(self) -> int:
        """Coordinates of all players together."""
        ...

    @property
    def start(self) -> Array:
        """Where runs begin unless told otherwise."""
        ...

    @property
    def solution(self) -> Array:
        """The equilibrium."""
        ...

    def field(self, point: Array) -> Array:
        """All players' gradients at points ``(*any, dimension)``."""
        ...

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient, ``(*any, size)``, at points of all players."""
        ...

    def jacobian(self, point: Array | None = None) -> Any:
        """The derivative of the field, by default at the solution."""
        ...

    def spectrum(self) -> Any:
        """The eigenvalues of the Jacobian at the solution."""
        ...


def is_game(value: object) -> bool:
    """Whether a problem's coordinates belong to players."""
    return not isinstance(value, type) and hasattr(value, "player_field")


def split_point(point: Any, sizes: Sequence[int]) -> tuple[Any, ...]:
    """The coordinates of each player, along the last axis."""
    ends = np.cumsum(sizes)
    return tuple(point[..., end - size : end] for size, end in zip(sizes, ends, strict=True))


class LinearGame:
    """Any number of players whose gradients are linear: the field is the Jacobian times the point.

    Parameters
    ----------
    jacobian : array ``(*batch, dimension, dimension)`` or sympy.Matrix
        Row by row the gradients of the players in their order.
    sizes : sequence of int
        How many coordinates each player has.

    Raises
    ------
    ShapeError
        If the Jacobian is not square, or the sizes do not add up to it.
    DomainError
        If a number is not finite.

    Examples
    --------
    Three players, each drawn to its own coordinate and pushed by the next one's:

    >>> game = LinearGame([[1, 1, 0], [0, 1, 1], [1, 0, 1]], sizes=(1, 1, 1))
    >>> game.player_field(2, np.array([1.0, 2.0, 3.0]))
    array([4.])
    """

    def __init__(self, jacobian: Any, sizes: Sequence[int]) -> None:
        matrix = _entries(jacobian)
        self._sizes = tuple(int(size) for size in sizes)
        if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
            raise ShapeError(
                f"{self._name}: the Jacobian has shape {matrix.shape}; give a square matrix."
            )
        if sum(self._sizes) != matrix.shape[-1] or min(self._sizes, default=0) < 1:
            raise ShapeError(
                f"{self._name}: players of sizes {self._sizes} do not share the "
                f"{matrix.shape[-1]} coordinates of the Jacobian; give sizes from 1 that add up."
            )
        self._jacobian = matrix

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        """Say the sizes."""
        return f"{self._name}(sizes={self.sizes})"

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each player has."""
        return self._sizes

    @property
    def dimension(self) -> int:
        """Coordinates of all players together."""
        return sum(self._sizes)

    @property
    def is_symbolic(self) -> bool:
        """Whether it is made of symbols."""
        return self._jacobian.dtype == object

    @property
    def start(self) -> Array:
        """One in every coordinate."""
        return np.ones(self.dimension)

    @property
    def solution(self) -> Array:
        """The equilibrium, zero."""
        return np.zeros(self.dimension)

    def split(self, point: Array) -> tuple[Array, ...]:
        """Each player's coordinates."""
        return split_point(point, self._sizes)

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient at points ``(*any, dimension)``."""
        last = sum(self._sizes[: index + 1])
        rows = self._jacobian[..., last - self._sizes[index] : last, :]
        found: Array = (rows @ point[..., None])[..., 0]
        return found

    def field(self, point: Array) -> Array:
        """All players' gradients at points ``(*any, dimension)``."""
        found: Array = (self._jacobian @ point[..., None])[..., 0]
        return found

    def jacobian(self, point: Array | None = None) -> Any:  # noqa: ARG002 - the same everywhere
        """The matrix of the field; of symbols a SymPy matrix."""
        if self.is_symbolic:
            import sympy

            return sympy.ImmutableMatrix(self._jacobian)
        return self._jacobian.copy()

    def spectrum(self) -> Any:
        """The eigenvalues of the Jacobian, ``(*batch, dimension)``; of symbols a list."""
        if self.is_symbolic:
            return self.jacobian().eigenvals(multiple=True)
        return np.linalg.eigvals(self._jacobian).astype(complex)


class QuadraticGame(LinearGame):
    """Two players on ½xᵀax + xᵀby − ½yᵀcy: the first descends, the second ascends.

    Parameters
    ----------
    a, c : number, symbol or symmetric matrix
        How strongly each player's own curvature draws it; positive for a convex-concave game. A
        number is the same curvature in all of a player's directions.
    b : number, symbol or matrix ``(first player's size, second player's size)``
        The coupling.

    Raises
    ------
    ShapeError
        If the shapes do not form a game.
    DomainError
        If a number is not finite, or a or c is not symmetric.

    References
    ----------
    [gidel2019]_

    Examples
    --------
    >>> QuadraticGame.named("gidel").spectrum()
    array([0.4+0.6j, 0.4-0.6j])
    >>> QuadraticGame(1.0, 2.0, 1.0).field(np.array([1.0, 1.0]))
    array([ 3., -1.])
    >>> QuadraticGame(0.5, np.ones((2, 3)), 0.5).sizes
    (2, 3)
    """

    def __init__(self, a: ArrayLike | Scalar, b: ArrayLike | Scalar, c: ArrayLike | Scalar) -> None:
        coupling = np.atleast_2d(_entries(b, "b"))
        rows, columns = coupling.shape[-2:]
        first, second = _block(_entries(a, "a"), rows), _block(_entries(c, "c"), columns)
        shapes = (first.shape, coupling.shape, second.shape)
        if not coupling.size or shapes != ((rows, rows), (rows, columns), (columns, columns)):
            raise ShapeError(
                f"QuadraticGame: a, b, c of shapes {', '.join(map(str, shapes))} form no game; "
                "give (m, m), (m, n) and (n, n), m and n from 1, or numbers "
                "in place of a and c."
            )
        for name, block in (("a", first), ("c", second)):
            if _asymmetry(block):
                raise DomainError(
                    f"QuadraticGame: {name} is not symmetric; use ({name} + {name}.T) / 2."
                )
        super().__init__(np.block([[first, coupling], [-coupling.T, second]]), (rows, columns))

    @classmethod
    def family(cls, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> LinearGame:
        """Many games of two numbers at once: a, b, c with batch axes that broadcast.

        Examples
        --------
        >>> QuadraticGame.family(0.5, [1.0, 2.0], 0.5).jacobian().shape
        (2, 2, 2)
        """
        parts = [np.asarray(value, dtype=float) for value in (a, b, c)]
        try:
            first, coupling, second = np.broadcast_arrays(*parts)
        except ValueError as error:
            raise ShapeError(
                f"QuadraticGame.family: the batch axes of a, b, c do not broadcast: "
                f"{[part.shape for part in parts]}."
            ) from error
        rows = [np.stack(row, axis=-1) for row in ((first, coupling), (-coupling, second))]
        return LinearGame(np.stack(rows, axis=-2), (1, 1))

    @classmethod
    def named(cls, name: str, share: Scalar = 0.4) -> QuadraticGame:
        """A game of the literature by its name.

        Parameters
        ----------
        name : {"gidel"}
            ½ s x² + (1 − s)xy − ½ s y², of which momentum's effect on eigenvalues was drawn.
        share : scalar
            s, between a rotation (0) and two separate minimizations (1).
        """
        if name != "gidel":
            raise UnknownNameError.among("game", name, ("gidel",))
        return cls(share, 1 - share, share)


def _entries(value: Any, name: str = "the Jacobian") -> Any:
    """An array of finite floats, or of objects where symbols stand in it."""
    sympy_module = sys.modules.get("sympy")
    if sympy_module is not None and isinstance(value, sympy_module.MatrixBase):
        return np.array(value.tolist(), dtype=object)
    try:
        array = np.asarray(value, dtype=object if is_symbolic(value) else None)
        if array.dtype == object and any(is_symbolic(entry) for entry in array.flat):
            return array
        # NumPy would drop an imaginary part, with a warning only; objects refuse.
        array = array.astype(object if np.iscomplexobj(array) else float).astype(float)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"A game: {name} is {value!r}; give real numbers, or symbols.") from error
    if not np.isfinite(array).all():
        raise DomainError(f"A game: {name} holds a number that is not finite.")
    return array


def _block(entries: Any, size: int) -> Any:
    """A matrix as it is, a number along the diagonal."""
    return entries if entries.ndim else entries * np.eye(size, dtype=int)


def _asymmetry(block: Any) -> bool:
    if block.dtype == object:
        return any(entry != 0 for entry in (block - block.T).flat)
    return bool(np.abs(block - block.T).max() > _ROUNDING * np.abs(block).max())
