"""First and second moments of noisy players, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.moments import Moments, in_symbols
from momentum_dynamics.dynamics.rounds import (
    Players,
    RoundSystem,
    methods_of_players,
    round_groups,
    round_system,
    settled_round,
)
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.methods.rows import as_rows
from momentum_dynamics.notation import Scalar, is_symbolic
from momentum_dynamics.problems.games import Game, split_point
from momentum_dynamics.problems.plays import Play

__all__ = ["round_moments"]


def round_moments(
    method: Players,
    game: Game,
    noise_variance: Scalar,
    *,
    steps: int,
    play: Play | str,
    start: Any = None,
) -> Moments:
    """Exact moments of all answers after each round; as `second_moments` of a game.

    Raises
    ------
    ShapeError
        If the start is no point of all players together.
    """
    methods = methods_of_players(method, len(game.sizes))
    settled = settled_round(methods, round_groups(methods, play))
    systems = [round_system(method, game, play, after=after) for after in range(settled + 1)]
    displacement = game.start - game.solution if start is None else np.asarray(start)
    if displacement.shape != (game.dimension,):
        raise ShapeError(
            f"start has shape {displacement.shape}; give the displacement of all players together, "
            f"({game.dimension},)."
        )
    symbolic = any(map(is_symbolic, (noise_variance, *displacement))) or systems[0].is_symbolic
    if symbolic:
        known = [entry for system in systems for entry in _entries(system)]
        # The game's own start holds floats that stand for whole numbers.
        given = () if start is None else displacement
        array, tidy, shown = in_symbols(*known, noise_variance, *given)
    else:
        array = tidy = shown = np.asarray
    noise = array(((noise_variance,),)) if symbolic else np.asarray(noise_variance)[..., None, None]
    maps = []
    for system in systems:
        if symbolic:
            system = _in_rows(system, array)  # noqa: PLW2901
        source = system.injection @ np.swapaxes(system.injection, -1, -2)
        maps.append((system.transition, noise * source, system.readout))
    mean = array(_at_rest(methods, game, displacement)[:, None])
    batch = np.broadcast_shapes(*(part.shape[:-2] for parts in maps for part in parts))
    mean = np.broadcast_to(mean, (*batch, *mean.shape))
    covariance = np.zeros((*batch, *maps[0][0].shape[-2:]), dtype=mean.dtype)
    found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    with np.errstate(all="ignore"):
        for step in range(int(steps) + 1):
            matrix, source, readout = maps[min(step, settled)]
            spread = readout @ covariance @ np.swapaxes(readout, -1, -2)
            now = (readout @ mean)[..., 0], np.diagonal(spread, axis1=-2, axis2=-1), covariance
            for series, value in zip(found, now, strict=True):
                series.append(value)
            mean = tidy(matrix @ mean)
            covariance = tidy(matrix @ covariance @ np.swapaxes(matrix, -1, -2) + source)
    along, spreads, covariances = (shown(np.stack(series)) for series in found)
    return Moments(mean=along, variance=spreads, covariance=covariances)


def _entries(system: RoundSystem) -> list[Any]:
    parts = (system.transition, system.injection, system.readout)
    return [entry for part in parts for row in as_rows(part) for entry in row]


def _in_rows(system: RoundSystem, array: Any) -> RoundSystem:
    return RoundSystem(
        transition=array(as_rows(system.transition)),
        injection=array(as_rows(system.injection)),
        observation=array(as_rows(system.observation)),
        readout=array(as_rows(system.readout)),
    )


def _at_rest(methods: Sequence[Method], game: Game, displacement: Any) -> Any:
    """All slots of all players, each at rest where it is."""
    parts = split_point(displacement, game.sizes)
    slots = [
        np.broadcast_to(slot, part.shape)
        for own, part in zip(methods, parts, strict=True)
        for slot in own.initial_state(part)
    ]
    return np.concatenate(slots)
