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
    stride: int = 1,
) -> Trajectory:
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
    tolerance : float
        The share of the first distance at which a run counts as converged.
    stride : int
        How many rounds one entry of the record is apart from the next; it divides the steps.

    Returns
    -------
    Trajectory
        Points of all players together, ``(steps / stride + 1, *batch, *replicas, dimension)``.

    Raises
    ------
    DomainError
        If it is no game, the order does not fit it, the coefficients of a method never settle, or
        the stride does not divide the steps.
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
    _require_stride(stride, steps)
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
            if step % stride == 0:
                points.append(seen())
                answers = [output_of(own, state) for own, state in zip(moving, states, strict=True)]
                outputs.append(_join(answers))
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
                    states[player] = _admissible(game, player, state, moving[player])
                    counts[player] += 1
        path = np.stack(np.broadcast_arrays(*outputs))
        # Where no equilibrium is known, all that is seen is whether the players run away.
        distance = np.linalg.norm(path[[0, -1]] - np.nan_to_num(game.solution), axis=-1)
    return Trajectory(
        points=np.stack(np.broadcast_arrays(*points)),
        outputs=path,
        outcome=outcomes(distance[0], distance[1], tolerance),
        seed=reported(root) if np.any(deviation) else None,
        solution=game.solution,
        stride=int(stride),
    )


def _require_stride(stride: Any, steps: int) -> None:
    if stride != int(stride) or stride < 1 or steps % stride:
        raise DomainError(f"stride is {stride}, but must be a whole number that divides {steps}.")


def _admissible(game: Game, player: int, state: Any, method: Any) -> Any:
    """A state whose points are projected, where the game keeps its players in a set.

    Slots that begin at the point are points; velocities and gradients begin at zero.
    """
    if not hasattr(game, "project"):
        return state
    return tuple(
        game.project(player, slot) if np.all(begun == 1) else slot
        for slot, begun in zip(state, method.initial_state(np.ones(1)), strict=True)
    )


def _require_playable(game: Game, noise_variance: Scalar) -> None:
    if not is_game(game):
        raise DomainError(f"{game!r} is no game; give one such as BilinearGame(1.0).")
    GLOSSARY["noise_variance"].check(noise_variance)
    if np.ndim(noise_variance):
        raise ShapeError("Every gradient of a game is equally noisy; give one noise_variance.")
    if np.ndim(game.player_field(0, game.start)) > 1:
        raise ShapeError("A family of games is analyzed at once, but played one game at a time.")


def _join(parts: list[Any]) -> Any:
    """Coordinates of all players side by side, their batch axes broadcast."""
    batch = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return np.concatenate(
        [np.broadcast_to(part, (*batch, part.shape[-1])) for part in parts], axis=-1
    )
