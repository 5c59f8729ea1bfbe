"""The best parameters for games played in any order: one kind for all, or one for each player."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.parameter_search import (
    MOST_PARAMETERS,
    count_parameters,
    probe,
    require_shaped,
    search,
)
from momentum_dynamics.dynamics.playing import round_radius
from momentum_dynamics.dynamics.rounds import methods_of_players, round_groups
from momentum_dynamics.dynamics.shaped_optimum import tune_spectrum
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import spread
from momentum_dynamics.problems.bilinear import BilinearGame
from momentum_dynamics.problems.games import Game, QuadraticGame, is_game
from momentum_dynamics.problems.plays import Play

__all__ = ["tune_game"]


def tune_game(
    kind: str | tuple[str, ...], game: Game, play: Play | str
) -> Method | tuple[Method, ...]:
    """The method of a kind that, used by all players, contracts a game's round fastest.

    Parameters
    ----------
    kind : str or tuple of str
        One of `SHAPED_KINDS`, or one for each player.
    game : Game
    play : Play or {"alternating", "simultaneous"}

    Returns
    -------
    Method or tuple of Method
        As many as kinds were given.

    Raises
    ------
    DomainError
        If no method of the kind converges, some direction of the game is not coupled at all, there
        are not as many kinds as players, or they have more than four parameters together.
    NotTraceableError
        If the game holds symbols.
    UnknownNameError
        If there is no such kind.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        require_shaped(each)
    if not is_game(game):
        raise DomainError(f"{game!r} is no game; give one such as BilinearGame(1.0).")
    if getattr(game, "is_symbolic", False):
        raise NotTraceableError(f"{game!r} holds symbols, but is tuned for numbers; put some in.")
    each_own = isinstance(kind, tuple)
    if each_own and len(kinds) != len(game.sizes):
        raise DomainError(
            f"There are {len(kinds)} kinds for {len(game.sizes)} players; give one for all, or one "
            "each."
        )
    probes = [probe(each) for each in kinds]
    groups = round_groups(
        methods_of_players(probes if each_own else probes[0], len(game.sizes)), play
    )
    if not isinstance(kind, tuple) and len(set(groups)) == 1:
        return tune_spectrum(kind, game.spectrum())
    modes: Game = game
    if isinstance(game, BilinearGame):
        modes = QuadraticGame.family(0, np.unique(game.singular_values), 0)
    jacobian = np.asarray(modes.jacobian(), dtype=float)
    _require_coupled(game, jacobian)
    batch = jacobian.ndim - 2

    def worst(methods: tuple[Any, ...]) -> Any:
        moved = tuple(spread(own, batch) for own in methods)
        radius = np.asarray(round_radius(moved if each_own else moved[0], modes, play))
        return radius.max(axis=tuple(range(-batch, 0))) if batch else radius

    if not each_own:
        return search(kinds, worst, (_size(jacobian),))[0]
    own_rows = np.split(jacobian, np.cumsum(modes.sizes)[:-1], axis=-2)
    tied = _is_bilinear(jacobian, modes.sizes)
    asked = count_parameters(kinds, tied=tied)
    if asked > MOST_PARAMETERS:
        raise DomainError(
            f"{kinds} leave {asked} parameters to search, but at most {MOST_PARAMETERS} are "
            "searched together; give some player a kind with fewer, or one kind for all."
        )
    return search(kinds, worst, [_size(rows) for rows in own_rows], tied=tied)


def _is_bilinear(jacobian: Any, sizes: Sequence[int]) -> bool:
    """Whether two players feel each other alone.

    Then one's points can be measured in another unit, and only the product of the learning rates
    counts.
    """
    first = sizes[0]
    return len(sizes) == 2 and not (
        jacobian[..., :first, :first].any() or jacobian[..., first:, first:].any()
    )


def _size(rows: Any) -> float:
    """The largest singular value of a matrix, or of a batch of them."""
    return float(np.linalg.norm(rows, ord=2, axis=(-2, -1)).max())


def _require_coupled(game: Game, jacobian: Any) -> None:
    strengths = np.linalg.svd(jacobian, compute_uv=False)
    if strengths.max() == 0:
        raise DomainError(f"{game!r} has no gradient anywhere; there is nothing to tune.")
    if strengths.min() <= _ROUNDING * strengths.max():
        raise DomainError(
            f"{game!r} leaves a direction uncoupled (a singular value of its Jacobian is 0, as "
            "where players of a bilinear game differ in size), and there nothing moves; tune for "
            "what is coupled, such as the BilinearGame of the other singular values."
        )


_ROUNDING = 1e-13
