"""What follows from the operator of a round: its polynomial, its radius, its settled noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.dynamics.loop import affine_pair
from momentum_dynamics.dynamics.lyapunov import (
    covariance,
    is_floating,
    readable,
    symbolic_covariance,
)
from momentum_dynamics.dynamics.polynomials import (
    Coefficients,
    leverrier,
    schur_cohn,
    two_player_coefficients,
)
from momentum_dynamics.dynamics.quartic_kernels import is_large, quartic_map, stability_map
from momentum_dynamics.dynamics.rounds import (
    Players,
    RoundSystem,
    methods_of_players,
    round_groups,
    round_system,
)
from momentum_dynamics.errors import NotTraceableError, UnstableDynamicsError
from momentum_dynamics.laws import spectrum as laws
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import spread
from momentum_dynamics.methods.rows import as_rows
from momentum_dynamics.methods.separable import separable_state_space
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic, require_fitting_axes
from momentum_dynamics.problems.bilinear import BilinearGame
from momentum_dynamics.problems.games import Game, QuadraticGame
from momentum_dynamics.problems.plays import Play

__all__ = [
    "round_coefficients",
    "round_eigenvalues",
    "round_is_stable",
    "round_radius",
    "stationary_radius",
]


def round_coefficients(method: Players, game: Game, play: Play | str) -> Coefficients:
    """The characteristic polynomial of a round, highest power first, entry by entry.

    For two players of one coordinate each with two-slot methods it is written down at once; else
    it is computed from the operator.
    """
    pair = _pair(method, game, play)
    if pair is not None:
        return (1, *two_player_coefficients(*pair))
    return leverrier(as_rows(round_system(method, game, play).transition))[0]


def round_eigenvalues(method: Players, game: Game, play: Play | str) -> Any:
    """The eigenvalues of a round, ``(*batch, states)``.

    Raises
    ------
    NotTraceableError
        With symbols.
    """
    system = round_system(method, game, play)
    if system.is_symbolic:
        raise NotTraceableError(
            "Eigenvalues of a round are answered for numbers only; for symbols ask for "
            "characteristic_polynomial."
        )
    matrix = system.transition
    finite = np.isfinite(matrix).all(axis=(-2, -1), keepdims=True)
    values = np.linalg.eigvals(np.where(finite, matrix, 0)).astype(complex)
    return np.where(finite[..., 0], values, np.inf)


def round_radius(method: Players, game: Game, play: Play | str) -> Any:
    """The factor by which a round contracts (or grows) in the long run.

    Raises
    ------
    NotTraceableError
        With symbols, where the operator has more than two rows.
    """
    modes = _coupling_modes(game)
    own, reduced = (_trailing(method), modes) if modes is not None else (method, game)
    pair = _pair(own, reduced, play)
    if pair is None or not is_large(pair):
        at_once = _at_once(method, game, play)
        if at_once is not None:
            return at_once
    if pair is not None and not any(map(is_symbolic, pair)):
        with np.errstate(all="ignore"):
            radius = quartic_map(*pair)
        return radius[()] if modes is None else radius.max(axis=-1)
    system = round_system(method, game, play)
    if not system.is_symbolic:
        with np.errstate(all="ignore"):
            return np.abs(round_eigenvalues(method, game, play)).max(axis=-1)
    if len(system.transition) > 2:
        raise NotTraceableError(
            f"The operator of a round has {len(system.transition)} rows, and no closed form that "
            "one could read; give numbers, or ask for characteristic_polynomial."
        )
    coefficients = round_coefficients(method, game, play)
    return laws.spectral_radius(-coefficients[1], coefficients[2])


def round_is_stable(method: Players, game: Game, play: Play | str) -> Any:
    """Whether a round converges: by Schur and Cohn's test where the operator is small.

    Raises
    ------
    NotTraceableError
        With symbols.
    """
    modes = _coupling_modes(game)
    if modes is not None:
        return np.all(round_is_stable(_trailing(method), modes, play), axis=-1)
    pair = _pair(method, game, play)
    if pair is not None and not any(map(is_symbolic, pair)):
        with np.errstate(all="ignore"):
            return stability_map(*pair)[()]
    states = sum(
        size * len(own.initial_state(0))
        for size, own in zip(game.sizes, methods_of_players(method, len(game.sizes)), strict=True)
    )
    if states > _FEW:
        return round_radius(method, game, play) < 1
    coefficients = round_coefficients(method, game, play)
    if any(is_symbolic(entry) for entry in coefficients):
        raise NotTraceableError(
            "The stability of a round is answered for numbers only; for symbols ask for "
            "characteristic_polynomial."
        )
    return schur_cohn([np.asarray(entry, dtype=float) for entry in coefficients])[()]


_FEW = 8
"""Rows up to which coefficients are computed as exactly as eigenvalues."""


def stationary_radius(
    method: Players,
    game: Game,
    noise_variance: Scalar,
    *,
    play: Play | str = "alternating",
) -> Any:
    """How far from the equilibrium the players settle when every gradient is noisy.

    Parameters
    ----------
    method : Method or sequence of Method
        One for all players, or one for each; numbers, batches or symbols.
    game : Game
    noise_variance : scalar
        σ² ≥ 0 of each coordinate of each gradient.
    play : Play or {"alternating", "simultaneous"}
        Who moves when.

    Returns
    -------
    array or sympy.Expr
        The root of the mean square distance of all answers together from the equilibrium. Of
        symbols a closed form, which holds where the round converges; with more than three of them
        it may take minutes.

    Raises
    ------
    UnstableDynamicsError
        If the round does not converge without noise.
    NotTraceableError
        If symbols meet batches of numbers.

    Examples
    --------
    >>> from momentum_dynamics import BilinearGame, HeavyBall
    >>> tamed = HeavyBall(learning_rate=0.3, momentum=-0.5)
    >>> round(float(stationary_radius(tamed, BilinearGame(1.0), 1.0)), 6)
    1.76037

    A game with a pull, both players descending at once:

    >>> from momentum_dynamics import GradientDescent, QuadraticGame, symbol
    >>> descent = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> pull, coupled = symbol("curvature"), symbol("singular_value")
    >>> game = QuadraticGame(pull, coupled, pull)
    >>> stationary_radius(descent, game, 1, play="simultaneous") ** 2
    -2*alpha/(alpha*h**2 + alpha*s**2 - 2*h)
    """
    GLOSSARY["noise_variance"].check(noise_variance)
    system = round_system(method, game, play)
    if system.is_symbolic:
        return _symbolic_radius(system, noise_variance)
    if is_symbolic(noise_variance):
        import sympy

        return stationary_radius(method, game, 1.0, play=play) * sympy.sqrt(noise_variance)
    if not np.all(round_is_stable(method, game, play)):
        radius = float(np.max(round_radius(method, game, play)))
        raise UnstableDynamicsError(
            f"No stationary radius: a round has spectral radius {radius:.6g}; let the players "
            "alternate, lower the learning rate, or make momentum negative."
        )
    settled = covariance(as_rows(system.transition), as_rows(system.injection), noise_variance)
    shown = system.readout @ settled @ np.swapaxes(system.readout, -1, -2)
    return np.sqrt(np.trace(shown, axis1=-2, axis2=-1))


def _symbolic_radius(system: RoundSystem, noise_variance: Scalar) -> Any:
    import sympy

    rows, injection = as_rows(system.transition), as_rows(system.injection)
    try:
        spread = symbolic_covariance(rows, injection, noise_variance)
    except UnstableDynamicsError as error:
        raise UnstableDynamicsError(_NEVER_CONVERGES) from error
    shown = system.readout.tolist()
    # Entry by entry: a product of matrices would spend its time on tidying up.
    square = sum(
        left * right * spread[i, j]
        for row in shown
        for i, left in enumerate(row)
        for j, right in enumerate(row)
        if left != 0 and right != 0
    )
    entries = [entry for part in (*rows, *injection, *shown) for entry in part]
    square = readable(square, floating=is_floating(*entries, noise_variance))
    if square.is_negative:
        raise UnstableDynamicsError(_NEVER_CONVERGES)
    return sympy.sqrt(square)


_NEVER_CONVERGES = (
    "No stationary radius: the round converges for no value of its symbols; let the players "
    "alternate, make momentum negative, or give the game a pull."
)


def _at_once(method: Any, game: Game, play: Play | str) -> Any:
    """The radius where all players move at once by the same method: that of its spectrum."""
    if isinstance(method, list | tuple) or np.asarray(game.jacobian()).dtype == object:
        return None
    groups = round_groups(methods_of_players(method, len(game.sizes)), play)
    if len(set(groups)) > 1 or sorted(groups[0]) != list(range(len(game.sizes))):
        return None
    if state_space(method).is_symbolic:
        return None
    from momentum_dynamics.dynamics.radius import spectral_radius

    return np.max(spectral_radius(spread(method, 1), game.spectrum()), axis=-1)


def _coupling_modes(game: Game) -> Any:
    """A bilinear game of many coordinates as games of two, one for each singular value.

    Coordinates that nothing couples stay where they are: they count as a singular value 0.
    """
    if not isinstance(game, BilinearGame) or game.dimension == 2:
        return None
    return QuadraticGame.family(0, np.unique(game.singular_values), 0)


def _trailing(method: Any) -> Players:
    if isinstance(method, list | tuple):
        return tuple(spread(own, 1) for own in method)
    return spread(method, 1)


def _pair(method: Players, game: Game, play: Play | str) -> tuple[Any, ...] | None:
    """What the polynomial of two players of one coordinate each is made of, or None."""
    if tuple(game.sizes) != (1, 1):
        return None
    methods = methods_of_players(method, 2)
    groups = round_groups(methods, play)
    later = {((0, 1),): 0, ((0,), (1,)): 1, ((1,), (0,)): 1}.get(groups)
    first = separable_state_space(methods[0])
    second = first if methods[1] is methods[0] else separable_state_space(methods[1])
    systems = [first, second]
    if later is None or any(own.slots > 2 or own.gradients > 1 for own in systems):
        return None
    jacobian = np.asarray(game.jacobian())
    require_fitting_axes(
        "A round",
        {
            "the first player's method": _batch_axes(first),
            "the second player's method": _batch_axes(second),
            "the game": jacobian.shape[:-2],
        },
    )
    entries: list[Any] = [jacobian[..., i, j] for i in range(2) for j in range(2)]
    if jacobian.dtype == object:
        entries = [
            entry.item() if np.ndim(entry) == 0 and hasattr(entry, "item") else entry
            for entry in entries
        ]
    return (*affine_pair(systems[0]), *affine_pair(systems[1]), *entries, later)


def _batch_axes(system: StateSpace) -> tuple[int, ...]:
    """The axes of a method's grid, without spreading any entry over it."""
    return np.broadcast_shapes(*map(np.shape, system.entries))
