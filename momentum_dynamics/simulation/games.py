"""Players on a game, moving at once or in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.dynamics.rounds import Players, methods_of_players, round_groups
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods.protocol import output_of, spread, stage_of
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems.games import Game, is_game, split_point
from momentum_dynamics.problems.plays import Play
from momentum_dynamics.simulation.checks import checked_axes, checked_start, require_numbers
from momentum_dynamics.simulation.noise import Seed, reported, seed_sequence, stream
from momentum_dynamics.simulation.outcome import Trajectory, outcomes

__all__ = ["play"]


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
    tolerance: float = 1e-12,
) -> Trajectory:
    """Let the players of a game play for a number of rounds.

    Parameters
    ----------
    method : Method or sequence of Method
        One for all players, or one for each; with constant coefficients, batch axes allowed.
    game : Game
        Linear or not; one at a time.
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
    tolerance : float
        The share of the first distance at which a run counts as converged.

    Returns
    -------
    Trajectory
        Points of all players together, ``(steps + 1, *batch, *replicas, dimension)``.

    Raises
    ------
    DomainError
        If it is no game, the order does not fit it, or the coefficients of a method never settle.
    ShapeError
        If the start does not fit, or the game has batch axes.

    Examples
    --------
    >>> from momentum_dynamics import BilinearGame, HeavyBall
    >>> tamed = HeavyBall(learning_rate=0.7, momentum=-0.3)
    >>> play(tamed, BilinearGame(1.0), steps=800).outcome
    <Outcome.CONVERGED: 'converged'>
    """
    _require_playable(game, noise_variance)
    sizes = tuple(game.sizes)
    methods = methods_of_players(method, len(sizes))
    groups = round_groups(methods, play)
    for own in methods:
        require_numbers(own)
    GLOSSARY["steps"].check(steps)
    axes = checked_axes(replicas)
    point = checked_start(game.start if start is None else start, game, axes)
    if isinstance(point, tuple):
        raise ShapeError("Players start at rest; give one point of all of them, not slots.")
    point = np.broadcast_to(point, (*axes, game.dimension))
    root = seed_sequence(seed)
    rng, deviation = stream(root), np.sqrt(noise_variance)
    moving = [spread(own, len(axes) + 1) for own in methods]
    states = [
        own.initial_state(part) for own, part in zip(moving, split_point(point, sizes), strict=True)
    ]
    counts = [0] * len(sizes)

    def seen() -> Any:
        return _join(
            [
                stage_of(own, count).query(state)
                for own, count, state in zip(moving, counts, states, strict=True)
            ]
        )

    points, outputs = [], []
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            points.append(seen())
            outputs.append(
                _join([output_of(own, state) for own, state in zip(moving, states, strict=True)])
            )
            if step == steps:
                break
            for group in groups:
                here = seen()
                moved = {}
                for player in group:
                    gradient = game.player_field(player, here)
                    if np.any(deviation):
                        gradient = gradient + deviation * rng.standard_normal(gradient.shape)
                    moved[player] = stage_of(moving[player], counts[player]).update(
                        states[player], gradient
                    )
                for player, state in moved.items():
                    states[player] = state
                    counts[player] += 1
        path = np.stack(np.broadcast_arrays(*outputs))
        distance = np.linalg.norm(path[[0, -1]] - game.solution, axis=-1)
    return Trajectory(
        points=np.stack(np.broadcast_arrays(*points)),
        outputs=path,
        outcome=outcomes(distance[0], distance[1], tolerance),
        seed=reported(root) if np.any(deviation) else None,
        solution=game.solution,
    )


def _require_playable(game: Game, noise_variance: Scalar) -> None:
    if not is_game(game):
        raise DomainError(f"{game!r} is no game; give one such as BilinearGame(1.0).")
    GLOSSARY["noise_variance"].check(noise_variance)
    if np.ndim(noise_variance):
        raise ShapeError("Every gradient of a game is equally noisy; give one noise_variance.")
    if np.ndim(game.jacobian()) > 2:
        raise ShapeError("A family of games is analyzed at once, but played one game at a time.")


def _join(parts: list[Any]) -> Any:
    """Coordinates of all players side by side, their batch axes broadcast."""
    batch = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return np.concatenate(
        [np.broadcast_to(part, (*batch, part.shape[-1])) for part in parts], axis=-1
    )
