"""Several players, each with its method: a round of their game, superposed like a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from momentum_dynamics.errors import DomainError, NotTraceableError, ShapeError
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import (
    Method,
    output_of,
    period_of,
    require_method,
    spread,
    stage_of,
    transient_of,
)
from momentum_dynamics.notation import Scalar, is_symbolic
from momentum_dynamics.problems.games import Game, QuadraticGame, is_game
from momentum_dynamics.problems.plays import Alternating, Groups, Play, play_order

__all__ = [
    "Players",
    "RoundSystem",
    "game_operator",
    "methods_of_players",
    "round_groups",
    "round_matrix",
    "round_system",
    "settled_round",
]

Players: TypeAlias = Method | Sequence[Method]
"""One method for all players, or one for each."""


def methods_of_players(method: Players, players: int) -> tuple[Method, ...]:
    """The method of each player.

    Raises
    ------
    DomainError
        If there are not as many methods as players, or the coefficients of one never settle.
    """
    given: Any = method
    chosen: tuple[Method, ...] = (
        tuple(given) if isinstance(given, list | tuple) else (given,) * players
    )
    if len(chosen) != players:
        raise DomainError(
            f"There are {len(chosen)} methods for {players} players; give one for all, or one each."
        )
    for own in chosen:
        require_method(own)
        if period_of(own) is None:
            raise DomainError(
                f"A round repeats, but {type(own).__name__} changes its coefficients with every "
                "step; give a method with constant ones."
            )
    return chosen


def round_groups(methods: Sequence[Method], play: Play | str) -> Groups:
    """Who moves at once, gradient by gradient, through one round.

    A method that takes several gradients takes them one after the other within its turn.

    Raises
    ------
    DomainError
        If players who move at once take different numbers of gradients.
    """
    moves: list[tuple[int, ...]] = []
    for group in play_order(play).groups(len(methods)):
        periods = {period_of(methods[player]) for player in group}
        if len(periods) > 1:
            raise DomainError(
                f"Players who move at once take {sorted(map(str, periods))} gradients in a turn; "
                "give them methods of one period, or let them alternate."
            )
        moves += [group] * int(periods.pop() or 1)
    return tuple(moves)


def settled_round(methods: Sequence[Method], moves: Groups) -> int:
    """After how many rounds all methods have left their transients.

    Parameters
    ----------
    methods : sequence of Method
        One for each player.
    moves : tuple of tuple of int
        The gradients of one round, as `round_groups` orders them.

    Returns
    -------
    int
    """
    return max(
        -(-transient_of(own) // made)
        for own, made in zip(methods, _gradients(moves, len(methods)), strict=True)
    )


def _gradients(moves: Groups, players: int) -> list[int]:
    """How many gradients each player takes in one round."""
    return [sum(player in group for group in moves) for player in range(players)]


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundSystem:
    """The linear system of one round: s' = M s + N ξ with queries C s and answers E s.

    The state holds player after player, slot after slot, coordinate after coordinate; the noise
    ξ gradient after gradient in the order of play.

    Attributes
    ----------
    transition : array ``(*batch, states, states)``
    injection : array ``(*batch, states, noises)``
    observation, readout : array ``(*batch, dimension, states)``
        Where the players would ask before anyone has moved, and what they answer.
    """

    transition: Any
    injection: Any
    observation: Any
    readout: Any

    @property
    def is_symbolic(self) -> bool:
        """Whether symbols stand in it."""
        return self.transition.dtype == object


def round_system(
    method: Players, game: Game, play: Play | str, after: int | None = None
) -> RoundSystem:
    """Superpose a round: each slot is a linear form of the state before, and the methods move it.

    Parameters
    ----------
    method : Method or sequence of Method
    game : Game
    play : Play or {"simultaneous", "alternating"}
    after : int, optional
        Read the round that follows so many; by default the first settled one.

    Raises
    ------
    DomainError
        If it is no game, the order does not fit it, or the methods do not fit the order.
    NotTraceableError
        If symbols meet batches of numbers.
    """
    if not is_game(game):
        raise DomainError(
            f"{game!r} is no game; give one such as BilinearGame(1.0) or QuadraticGame(1, 2, 1)."
        )
    sizes = tuple(game.sizes)
    methods = methods_of_players(method, len(sizes))
    moves = round_groups(methods, play)
    jacobian = _jacobian(game)
    symbolic = jacobian.dtype == object or any(state_space(own).is_symbolic for own in methods)
    if symbolic and (jacobian.ndim > 2 or any(map(_has_batch, methods))):
        raise NotTraceableError(
            "Symbols and batches of numbers do not mix; give symbols alone, or numbers for all."
        )
    slots = [len(own.initial_state(0)) for own in methods]
    spans = [count * size for count, size in zip(slots, sizes, strict=True)]
    states, noises = sum(spans), sum(sizes[player] for group in moves for player in group)
    unit = np.eye(states, states + noises, dtype=object if symbolic else float)
    if symbolic:
        unit = unit.astype(int).astype(object)
    blocks = np.split(unit, np.cumsum(spans)[:-1])
    held = [tuple(np.split(block, count)) for block, count in zip(blocks, slots, strict=True)]
    moving = [spread(own, 2) for own in methods]
    rounds = settled_round(methods, moves) if after is None else after
    steps = [rounds * made for made in _gradients(moves, len(sizes))]
    column = states
    begun = _asked(moving, steps, held)
    try:
        for group in moves:
            seen = _pile(_asked(moving, steps, held))
            moved = {}
            for player in group:
                last = sum(sizes[: player + 1])
                rows = jacobian[..., last - sizes[player] : last, :]
                gradient = rows @ seen
                gradient[..., np.arange(sizes[player]), column + np.arange(sizes[player])] += 1
                column += sizes[player]
                moved[player] = stage_of(moving[player], steps[player]).update(
                    held[player], gradient
                )
            for player, state in moved.items():
                held[player] = state
                steps[player] += 1
        whole = _pile([slot for state in held for slot in state])
    except ValueError as error:
        raise ShapeError(
            "The batch axes of the methods and of the game do not broadcast; give each quantity an "
            "axis of its own, as in momentum[:, None]."
        ) from error
    answers = [
        output_of(own, tuple(np.split(block, count)))
        for own, block, count in zip(moving, blocks, slots, strict=True)
    ]
    if not symbolic:
        whole = np.asarray(whole, dtype=float)
    return RoundSystem(
        transition=whole[..., :states],
        injection=whole[..., states:],
        observation=_pile(begun)[..., :states],
        readout=_pile(answers)[..., :states],
    )


def _asked(moving: Sequence[Method], steps: Sequence[int], held: Sequence[Any]) -> list[Any]:
    """Where each player would ask its next gradient."""
    return [
        stage_of(own, step).query(state)
        for own, step, state in zip(moving, steps, held, strict=True)
    ]


def _jacobian(game: Game) -> Any:
    found = game.jacobian()
    return np.asarray(found) if isinstance(found, np.ndarray) else np.array(found, dtype=object)


def _has_batch(method: Method) -> bool:
    return any(np.ndim(entry) for entry in state_space(method).entries)


def _pile(parts: Sequence[Any]) -> Any:
    """Linear forms one below the other, their batch axes broadcast."""
    batch = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
    return np.concatenate(
        [np.broadcast_to(part, (*batch, *part.shape[-2:])) for part in parts], axis=-2
    )


def game_operator(method: Players, game: Game, play: Play | str = Alternating()) -> Any:  # noqa: B008 - frozen
    """The matrix that moves the states of all players over one round.

    Parameters
    ----------
    method : Method or sequence of Method
        One for all players, or one for each; numbers, batches or symbols.
    game : Game
        Linear, or read at its equilibrium.
    play : Play or {"simultaneous", "alternating"}
        Who moves when.

    Returns
    -------
    array ``(*batch, states, states)`` or sympy.Matrix
        Player after player, in each slot after slot, in each coordinate after coordinate.

    Raises
    ------
    DomainError
        If it is no game, the order does not fit it, or the coefficients of a method never settle.
    NotTraceableError
        If symbols meet batches of numbers.

    Notes
    -----
    A round is superposed like a step: every state is fed in as a unit vector, and the methods'
    own `query` and `update` move it. Nothing is derived anew for an order of play.

    References
    ----------
    [gidel2019]_

    Examples
    --------
    >>> from momentum_dynamics import BilinearGame, GradientDescent
    >>> game_operator(GradientDescent(learning_rate=0.5), BilinearGame(1.0))
    array([[ 1.  , -0.5 ],
           [ 0.5 ,  0.75]])
    """
    system = round_system(method, game, play)
    if system.is_symbolic:
        import sympy

        return sympy.ImmutableMatrix(system.transition)
    return system.transition


def round_matrix(method: Players, singular_value: Scalar, play: Play | str = "alternating") -> Any:
    """The matrix of one round of min max x·s·y.

    Parameters
    ----------
    method : Method or pair of Method
        With constant coefficients; numbers, batches or symbols.
    singular_value : scalar
        s, the coupling of this pair of modes.
    play : Play or {"alternating", "simultaneous"}
        Whether the second player answers to the first player's new or old point.

    Returns
    -------
    array ``(*batch, 2 slots, 2 slots)`` or sympy.Matrix
        On the first player's slots, then the second's.

    Raises
    ------
    DomainError
        If the coefficients of the method change with every step.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> round_matrix(GradientDescent(learning_rate=0.5), 1.0)
    array([[ 1.  , -0.5 ],
           [ 0.5 ,  0.75]])
    """
    # Imported here: loops of one player are closed without knowing of games.
    from momentum_dynamics.dynamics.loop import gain

    singular_value = gain(singular_value, "singular_value")
    if is_symbolic(singular_value):
        return game_operator(method, QuadraticGame(0, singular_value, 0), play)
    return game_operator(method, QuadraticGame.family(0, singular_value, 0), play)
