"""Other fields for the same game: what needs its Jacobian is a transform of it, not a method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.problems.games import Game, is_game

__all__ = ["Consensus", "HamiltonianDescent", "Proximal"]

Array = NDArray[np.float64]


class _Transformed:
    """What a transform keeps of its game: players, start and equilibrium."""

    game: Game

    def _hold(self, game: Game) -> None:
        if not is_game(game):
            raise DomainError(
                f"{type(self).__name__}: {game!r} is no game; give one such as BilinearGame(1.0)."
            )
        self.game = game

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each player has."""
        return self.game.sizes

    @property
    def dimension(self) -> int:
        """Coordinates of all players together."""
        return self.game.dimension

    @property
    def start(self) -> Array:
        """The game's own."""
        return self.game.start

    @property
    def solution(self) -> Array:
        """The game's equilibrium, where the new field vanishes as well."""
        return self.game.solution

    def field(self, point: Array) -> Array:
        """The new field at points ``(*any, dimension)``."""
        raise NotImplementedError

    def jacobian(self, point: Array | None = None) -> Any:
        """The derivative of the new field at the equilibrium."""
        raise NotImplementedError

    def player_field(self, index: int, point: Array) -> Array:
        """One player's part of the new field."""
        last = sum(self.sizes[: index + 1])
        return self.field(point)[..., last - self.sizes[index] : last]

    def spectrum(self) -> NDArray[np.complex128]:
        """The eigenvalues of the new Jacobian at the equilibrium."""
        return np.linalg.eigvals(self.jacobian()).astype(complex)


def _turned(jacobian: Any, field: Array) -> Array:
    """Jᵀv, the gradient of ½|v|²."""
    found: Array = (np.swapaxes(jacobian, -1, -2) @ field[..., None])[..., 0]
    return found


class Consensus(_Transformed):
    """The field v + γJᵀv: each player also helps to make the field small.

    On a bilinear game the curvatures ±is become γs² ± is: the spectrum leaves the imaginary axis,
    and play at once converges.

    Parameters
    ----------
    game : Game
    weight : float
        γ ≥ 0.

    Raises
    ------
    DomainError
        If it is no game, or the weight is negative.

    References
    ----------
    [mescheder2017]_

    Examples
    --------
    >>> from momentum_dynamics.problems import BilinearGame
    >>> Consensus(BilinearGame(2.0), 0.5).spectrum()
    array([2.+2.j, 2.-2.j])
    """

    def __init__(self, game: Game, weight: float) -> None:
        self._hold(game)
        if not 0 <= weight < np.inf:
            raise DomainError(f"Consensus: weight is {weight}, but must lie in [0, ∞).")
        self.weight = float(weight)

    def __repr__(self) -> str:
        """Say the game and the weight."""
        return f"Consensus({self.game!r}, {self.weight:g})"

    def field(self, point: Array) -> Array:
        """V + γJᵀv at points ``(*any, dimension)``."""
        plain = self.game.field(point)
        return plain + self.weight * _turned(self.game.jacobian(point), plain)

    def jacobian(self, point: Array | None = None) -> Any:
        """J + γJᵀJ, the derivative at the equilibrium (everywhere for linear games)."""
        own = np.asarray(self.game.jacobian(point), dtype=float)
        return own + self.weight * np.swapaxes(own, -1, -2) @ own


class HamiltonianDescent(_Transformed):
    """The field Jᵀv, the gradient of the Hamiltonian ½|v|²: minimization, whatever the game.

    Parameters
    ----------
    game : Game

    Raises
    ------
    DomainError
        If it is no game.

    Examples
    --------
    >>> from momentum_dynamics.problems import BilinearGame
    >>> HamiltonianDescent(BilinearGame(3.0)).spectrum().real
    array([9., 9.])
    """

    def __init__(self, game: Game) -> None:
        self._hold(game)

    def __repr__(self) -> str:
        """Say the game."""
        return f"HamiltonianDescent({self.game!r})"

    def field(self, point: Array) -> Array:
        """Jᵀv at points ``(*any, dimension)``."""
        return _turned(self.game.jacobian(point), self.game.field(point))

    def jacobian(self, point: Array | None = None) -> Any:
        """JᵀJ, the derivative at the equilibrium (everywhere for linear games)."""
        own = np.asarray(self.game.jacobian(point), dtype=float)
        return np.swapaxes(own, -1, -2) @ own


class Proximal(_Transformed):
    """The field v((1 + αv)⁻¹w) of a linear game: descending it by α is a proximal (implicit) step.

    Curvature h becomes h/(1 + αh); on a bilinear game every α > 0 converges.

    Parameters
    ----------
    game : Game
        Linear.
    learning_rate : float
        α > 0 of the implicit step.

    Raises
    ------
    DomainError
        If it is no game, or α is not positive.

    Examples
    --------
    >>> from momentum_dynamics.problems import BilinearGame
    >>> Proximal(BilinearGame(1.0), 1.0).spectrum()
    array([0.5+0.5j, 0.5-0.5j])
    """

    def __init__(self, game: Game, learning_rate: float) -> None:
        self._hold(game)
        if not 0 < learning_rate < np.inf:
            raise DomainError(f"Proximal: learning_rate is {learning_rate}, but must be positive.")
        self.learning_rate = float(learning_rate)

    def __repr__(self) -> str:
        """Say the game and the step."""
        return f"Proximal({self.game!r}, {self.learning_rate:g})"

    def field(self, point: Array) -> Array:
        """J(I + αJ)⁻¹w at points ``(*any, dimension)``."""
        shifted = point - self.solution
        found: Array = (self.jacobian() @ shifted[..., None])[..., 0]
        return found

    def jacobian(self, point: Array | None = None) -> Any:
        """J(I + αJ)⁻¹."""
        own = np.asarray(self.game.jacobian(point), dtype=float)
        implicit = np.eye(self.dimension) + self.learning_rate * own
        return np.linalg.solve(implicit, own)
