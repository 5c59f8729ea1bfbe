"""Playing through the methods' own `query` and `update`, any game, all replicas at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods.protocol import Method, output_of, spread, stage_of
from momentum_dynamics.problems.bilinear import BilinearGame
from momentum_dynamics.problems.games import Game, split_point
from momentum_dynamics.problems.plays import Groups
from momentum_dynamics.simulation.noise import block_streams, normals, reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, Trajectory, outcomes

__all__ = ["modes_of", "play_directly"]

Array = NDArray[np.float64]


def modes_of(game: Game) -> tuple[Array, Array] | None:
    """The modes of a bilinear game of many coordinates, of which each is a game of two."""
    return game.paired_modes if isinstance(game, BilinearGame) and game.dimension > 2 else None


def play_directly(
    methods: Sequence[Method], game: Game, moves: Groups, settings: Settings
) -> Trajectory | EnsembleMoments:
    """Make every move as the methods' own functions say it."""
    axes, sizes = settings.replicas, tuple(game.sizes)
    modes = modes_of(game)
    basis, least = (None, 1) if modes is None else (modes[1], len(modes[0]))
    ends = np.cumsum(sizes)
    streams = block_streams(settings.root, settings.count)
    noisy = bool(settings.deviations.any())
    point = np.broadcast_to(settings.start, (*axes, game.dimension))
    moving = [spread(own, len(axes) + 1) for own in methods]
    states = [
        own.initial_state(part) for own, part in zip(moving, split_point(point, sizes), strict=True)
    ]
    counts = [0] * len(sizes)
    # Where no equilibrium is known, all that is seen is whether the players run away.
    center = np.nan_to_num(game.solution)

    def seen() -> Array:
        return _join(
            [
                stage_of(own, count).query(state)
                for own, count, state in zip(moving, counts, states, strict=True)
            ]
        )

    def noise(player: int) -> Array:
        own = slice(ends[player] - sizes[player], ends[player])
        drawn = normals(streams, max(least, sizes[player]), axes)[..., : sizes[player]]
        drawn = drawn * settings.deviations[own]
        return drawn if basis is None else drawn @ basis[own, own].T

    points, outputs, means, seconds = [], [], [], []
    first = last = np.zeros(axes)
    with np.errstate(all="ignore"):
        for step in range(settings.steps + 1):
            if step % settings.stride == 0:
                answers = [output_of(own, state) for own, state in zip(moving, states, strict=True)]
                answer = _join(answers)
                away = answer - center
                last = np.linalg.norm(away, axis=-1)
                first = last if step == 0 else first
                if settings.moments:
                    along = away if basis is None else away @ basis
                    over = tuple(range(along.ndim - 1 - len(axes), along.ndim - 1))
                    means.append(along.mean(axis=over))
                    seconds.append((along**2).mean(axis=over))
                else:
                    points.append(seen())
                    outputs.append(answer)
            if step == settings.steps:
                break
            for group in moves:
                here = seen()
                moved = {}
                for player in group:
                    gradient = game.player_field(player, here)
                    if noisy:
                        gradient = gradient + noise(player)
                    moved[player] = stage_of(moving[player], counts[player]).update(
                        states[player], gradient
                    )
                for player, state in moved.items():
                    states[player] = _admissible(game, player, state, moving[player])
                    counts[player] += 1
    outcome = outcomes(np.broadcast_to(first, last.shape), last, settings.tolerance)
    seed = reported(settings.root) if noisy else None
    if settings.moments:
        return EnsembleMoments(
            mean=np.stack(np.broadcast_arrays(*means)),
            second_moment=np.stack(np.broadcast_arrays(*seconds)),
            replicas=settings.count,
            outcome=outcome,
            seed=seed,
        )
    return Trajectory(
        points=np.stack(np.broadcast_arrays(*points)),
        outputs=np.stack(np.broadcast_arrays(*outputs)),
        outcome=outcome,
        seed=seed,
        solution=game.solution,
        stride=settings.stride,
    )


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


def _join(parts: list[Any]) -> Any:
    """Coordinates of all players side by side, their batch axes broadcast."""
    batch = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return np.concatenate(
        [np.broadcast_to(part, (*batch, part.shape[-1])) for part in parts], axis=-1
    )
