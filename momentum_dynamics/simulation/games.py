"""Players on a game, moving at once or in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.rounds import Players, methods_of_players, round_groups
from momentum_dynamics.errors import DomainError, NotTraceableError, ShapeError
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems.games import Game, is_game
from momentum_dynamics.problems.plays import Play
from momentum_dynamics.problems.transforms import is_linear_game
from momentum_dynamics.simulation.checks import (
    checked_axes,
    checked_deviations,
    checked_start,
    require_divisor,
    require_numbers,
    require_one_of,
    require_tolerance,
)
from momentum_dynamics.simulation.compiling import chosen_text
from momentum_dynamics.simulation.games_direct import modes_of, play_directly
from momentum_dynamics.simulation.games_ensemble import play_ensemble
from momentum_dynamics.simulation.kernels import compiled_rounds, numpy_rounds
from momentum_dynamics.simulation.noise import Seed, seed_sequence
from momentum_dynamics.simulation.outcome import Settings
from momentum_dynamics.simulation.run import RECORDS, has_state_space

__all__ = ["GAME_ENGINES", "play"]

GAME_ENGINES = ("auto", "direct", "numpy", "compiled")

_MANY_STATES = 32
"""States of a round up to which its matrix is faster than the moves of which it is made."""


def play(
    method: Players,
    game: Game,
    *,
    steps: int,
    play: Play | str = "alternating",
    start: Any = None,
    replicas: int | tuple[int, ...] = (),
    noise_variance: Scalar = 0,
    seed: Seed = None,
    record: str = "trajectory",
    engine: str = "auto",
    tolerance: float = 1e-12,
    stride: int = 1,
) -> Any:
    """Let the players of a game play for a number of rounds.

    Parameters
    ----------
    method : Method or sequence of Method
        One for all players, or one for each; with constant coefficients, batch axes allowed.
    game : Game
        Linear or not; one at a time. If it has `project(index, own)`, the players' points are put
        back where they are admissible after every move.
    steps : int
        Rounds; in each, every player makes the moves that the order grants it.
    play : Play or {"alternating", "simultaneous"}
        Who moves when.
    start : array ``(*replicas, dimension)``, optional
        Where all rest at first; by default the game's own start.
    replicas : int or tuple of int
        Independent copies, which differ by their noise.
    noise_variance : scalar
        Of each coordinate of each gradient.
    seed : int, SeedSequence or Generator, optional
        Asked for by noise only.
    record : {"trajectory", "moments"}
        Keep the rounds, or stream mean and second moment over the replicas in bounded memory.
    engine : {"auto", "direct", "numpy", "compiled"}
        ``direct`` runs `query` and `update`. Linear games of methods with a state space can run on
        the matrix of a round instead, in NumPy or compiled, with the same bits in both and to
        rounding the same run.
    tolerance : float
        The share of the first distance at which a run counts as converged.
    stride : int
        How many rounds one entry of the record is apart from the next; it divides the steps.

    Returns
    -------
    Trajectory or EnsembleMoments
        Points of all players together, ``(steps / stride + 1, *batch, *replicas, dimension)``; or
        moments of their displacement from the equilibrium, ``(steps / stride + 1, *batch,
        dimension)``, along the modes of a bilinear game of many coordinates.

    Raises
    ------
    DomainError
        If it is no game, the order does not fit it, the coefficients of a method never settle,
        the stride does not divide the steps, the tolerance is negative, or the engine cannot run
        this case.
    ShapeError
        If the start does not fit, or the game has batch axes.
    NotTraceableError
        With symbols.

    Notes
    -----
    A bilinear game is many games of two, one for each singular value, and the linear engines play
    them so [gidel2019]_.

    Examples
    --------
    >>> from momentum_dynamics import BilinearGame, HeavyBall
    >>> tamed = HeavyBall(learning_rate=0.7, momentum=-0.3)
    >>> play(tamed, BilinearGame(1.0), steps=800).outcome
    <Outcome.CONVERGED: 'converged'>

    Ten thousand noisy plays, of which the moments are kept, and how far off they settle:

    >>> noisy = {"replicas": 10_000, "noise_variance": 1.0, "seed": 0}
    >>> run = play(tamed, BilinearGame(1.0), steps=100, record="moments", stride=100, **noisy)
    >>> round(float(run.second_moment[-1].sum()), 1)
    5.2
    """
    _require_playable(game, noise_variance)
    require_one_of("record", record, RECORDS)
    require_one_of("engine", engine, GAME_ENGINES)
    methods = methods_of_players(method, len(game.sizes))
    moves = round_groups(methods, play)
    for own in methods:
        require_numbers(own)
    GLOSSARY["steps"].check(steps)
    require_divisor(stride, steps)
    require_tolerance(tolerance)
    axes = checked_axes(replicas)
    point = checked_start(game.start if start is None else start, game, axes)
    if isinstance(point, tuple):
        raise ShapeError("Players start at rest; give one point of all of them, not slots.")
    settings = Settings(
        steps=int(steps),
        start=point,
        replicas=axes,
        deviations=checked_deviations(noise_variance, game.dimension),
        root=seed_sequence(seed),
        moments=record == "moments",
        tolerance=tolerance,
        stride=int(stride),
    )
    chosen = _chosen_engine(engine, methods, game, settings)
    if chosen == "direct":
        return play_directly(methods, game, moves, settings)
    block = chosen_text(chosen, compiled_rounds, numpy_rounds)
    return play_ensemble(methods, game, play, moves, settings, block)


def _chosen_engine(engine: str, methods: Sequence[Method], game: Game, settings: Settings) -> str:
    linear = is_linear_game(game) and all(map(has_state_space, methods))
    if engine in {"numpy", "compiled"} and not linear:
        raise DomainError(
            f"engine {engine!r} plays linear games only, with methods that have a state space; use "
            "'auto' or 'direct'."
        )
    if engine != "auto":
        return engine
    sizes = game.sizes if modes_of(game) is None else (1, 1)
    states = sum(len(own.initial_state(0)) * size for own, size in zip(methods, sizes, strict=True))
    noisy = settings.deviations.any() and settings.count > 1
    if not (linear and noisy and states <= _MANY_STATES):
        return "direct"
    return "numpy" if compiled_rounds() is None else "compiled"


def _require_playable(game: Game, noise_variance: Scalar) -> None:
    if not is_game(game):
        raise DomainError(f"{game!r} is no game; give one such as BilinearGame(1.0).")
    GLOSSARY["noise_variance"].check(noise_variance)
    if np.ndim(noise_variance):
        raise ShapeError("Every gradient of a game is equally noisy; give one noise_variance.")
    gradient = np.asarray(game.player_field(0, game.start))
    if gradient.dtype == object:
        raise NotTraceableError(
            f"{game!r} holds SymPy symbols, but only numbers can be run; put some in."
        )
    if gradient.ndim > 1:
        raise ShapeError("A family of games is analyzed at once, but played one game at a time.")
