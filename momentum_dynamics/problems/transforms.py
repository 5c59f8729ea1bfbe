"""Other fields for the same game: what needs its Jacobian is a transform of it, not a method."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import one_number
from momentum_dynamics.notation import Scalar, is_symbolic
from momentum_dynamics.problems.bilinear import BilinearGame
from momentum_dynamics.problems.games import Game, LinearGame, is_game, split_point

__all__ = ["Consensus", "HamiltonianDescent", "Proximal", "is_linear_game"]

Array = NDArray[np.float64]


Field: TypeAlias = Callable[[Array], Array]
Derivative: TypeAlias = Callable[[Array | None], Any]


class _Transformed:
    """A game with another field and derivative: players, start, equilibrium and walls stay."""

    def __init__(self, game: Game, field: Field, jacobian: Derivative, amount: Scalar = 0) -> None:
        self.game, self._field, self._jacobian = game, field, jacobian
        self._amount = amount
        if hasattr(game, "project"):
            self.project = game.project

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each player has."""
        return self.game.sizes

    @property
    def dimension(self) -> int:
        """Coordinates of all players together."""
        return self.game.dimension

    @property
    def is_symbolic(self) -> bool:
        """Whether symbols stand in the game, or in what the transform adds."""
        return is_symbolic(self._amount) or getattr(self.game, "is_symbolic", False)

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
        return self._field(point)

    def jacobian(self, point: Array | None = None) -> Any:
        """The derivative of the new field at the equilibrium (everywhere for linear games).

        Raises
        ------
        DomainError
            Elsewhere, where the game is not linear: that takes second derivatives of its field.
        """
        if point is not None and not (
            is_linear_game(self.game) or np.array_equal(point, self.solution)
        ):
            raise DomainError(
                f"{self!r} has a Jacobian at the equilibrium alone, as its game is not linear; "
                "leave the point out."
            )
        found = self._jacobian(point)
        if found.dtype == object:
            import sympy

            return sympy.ImmutableMatrix(found)
        return found

    def player_field(self, index: int, point: Array) -> Array:
        """One player's part of the new field."""
        own: Array = split_point(self.field(point), self.sizes)[index]
        return own

    def spectrum(self) -> Any:
        """The eigenvalues of the new Jacobian at the equilibrium; of symbols a list."""
        if self.is_symbolic:
            return self.jacobian().eigenvals(multiple=True)
        return np.linalg.eigvals(self.jacobian()).astype(complex)


def is_linear_game(game: object) -> bool:
    """Whether a game's field is its Jacobian times the way from the equilibrium, everywhere."""
    if isinstance(game, _Transformed):
        return is_linear_game(game.game)
    return isinstance(game, LinearGame | BilinearGame) and not hasattr(game, "project")


def _require_game(game: Game, transform: str) -> None:
    if not is_game(game):
        raise DomainError(f"{transform}: {game!r} is no game; give one such as BilinearGame(1.0).")


def _amount(owner: str, value: Any) -> Any:
    """A number, or a symbol as it is."""
    return value if is_symbolic(value) else one_number(owner, value)


def _told(amount: Any) -> str:
    return str(amount) if is_symbolic(amount) else f"{amount:g}"


def _differential(game: Game, point: Array | None) -> Any:
    """The game's own Jacobian, as an array of floats or of symbols."""
    found = game.jacobian(point)
    if is_symbolic(found):
        return np.array(found.tolist(), dtype=object)
    return np.asarray(found, dtype=float)


def _turned(jacobian: Any, field: Array) -> Array:
    """Jᵀv, the gradient of ½|v|²."""
    found: Array = (np.swapaxes(jacobian, -1, -2) @ field[..., None])[..., 0]
    return found


def _agreeing_field(game: Game, weight: Scalar, point: Array) -> Array:
    """V + γJᵀv."""
    plain = game.field(point)
    return plain + weight * _turned(_differential(game, point), plain)


def _agreeing_jacobian(game: Game, weight: Scalar, point: Array | None) -> Array:
    """J + γJᵀJ."""
    own = _differential(game, point)
    return own + weight * np.swapaxes(own, -1, -2) @ own


def _energy_field(game: Game, point: Array) -> Array:
    """Jᵀv."""
    return _turned(_differential(game, point), game.field(point))


def _energy_jacobian(game: Game, point: Array | None) -> Array:
    """JᵀJ."""
    own = _differential(game, point)
    return np.swapaxes(own, -1, -2) @ own


def _implicit_field(game: Game, learning_rate: Scalar, point: Array) -> Array:
    """J(I + αJ)⁻¹w, from the equilibrium."""
    matrix = _implicit_jacobian(game, learning_rate, None)
    found: Array = (matrix @ (point - game.solution)[..., None])[..., 0]
    return found


def _implicit_jacobian(game: Game, learning_rate: Scalar, point: Array | None) -> Any:
    """J(I + αJ)⁻¹."""
    own = _differential(game, point)
    if own.dtype == object or is_symbolic(learning_rate):
        import sympy

        matrix = sympy.Matrix(own)
        solved = (sympy.eye(game.dimension) + learning_rate * matrix).LUsolve(matrix)
        return np.array(solved.applyfunc(sympy.cancel).tolist(), dtype=object)
    return np.linalg.solve(np.eye(game.dimension) + learning_rate * own, own)


class Consensus(_Transformed):
    """The field v + γJᵀv: each player also helps to make the field small.

    On a bilinear game the curvatures ±is become γs² ± is: the spectrum leaves the imaginary axis,
    and play at once converges.

    Parameters
    ----------
    game : Game
    weight : float or symbol
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

    def __init__(self, game: Game, weight: Scalar) -> None:
        _require_game(game, "Consensus")
        self.weight = _amount("Consensus: weight", weight)
        if not (is_symbolic(weight) or 0 <= self.weight < np.inf):
            raise DomainError(f"Consensus: weight is {weight}, but must lie in [0, ∞).")
        super().__init__(
            game,
            partial(_agreeing_field, game, self.weight),
            partial(_agreeing_jacobian, game, self.weight),
            self.weight,
        )

    def __repr__(self) -> str:
        """Say the game and the weight."""
        return f"Consensus({self.game!r}, {_told(self.weight)})"


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
        _require_game(game, "HamiltonianDescent")
        super().__init__(game, partial(_energy_field, game), partial(_energy_jacobian, game))

    def __repr__(self) -> str:
        """Say the game."""
        return f"HamiltonianDescent({self.game!r})"


class Proximal(_Transformed):
    """The field v((1 + αv)⁻¹w) of a linear game: descending it by α is a proximal (implicit) step.

    Curvature h becomes h/(1 + αh); on a bilinear game every α > 0 converges.

    Parameters
    ----------
    game : Game
        Linear.
    learning_rate : float or symbol
        α > 0 of the implicit step.

    Raises
    ------
    DomainError
        If it is no linear game, or α is not positive.

    Examples
    --------
    >>> from momentum_dynamics.problems import BilinearGame
    >>> Proximal(BilinearGame(1.0), 1.0).spectrum()
    array([0.5+0.5j, 0.5-0.5j])
    """

    def __init__(self, game: Game, learning_rate: Scalar) -> None:
        _require_game(game, "Proximal")
        if not is_linear_game(game):
            raise DomainError(
                f"Proximal: {game!r} is not linear; give its linearization, "
                "LinearGame(game.jacobian(), game.sizes)."
            )
        self.learning_rate = _amount("Proximal: learning_rate", learning_rate)
        if not (is_symbolic(learning_rate) or 0 < self.learning_rate < np.inf):
            raise DomainError(f"Proximal: learning_rate is {learning_rate}, but must be positive.")
        super().__init__(
            game,
            partial(_implicit_field, game, self.learning_rate),
            partial(_implicit_jacobian, game, self.learning_rate),
            self.learning_rate,
        )

    def __repr__(self) -> str:
        """Say the game and the step."""
        return f"Proximal({self.game!r}, {_told(self.learning_rate)})"
