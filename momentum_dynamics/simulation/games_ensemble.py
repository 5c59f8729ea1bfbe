"""Playing rounds of a linear game on many replicas, block by block, a bilinear one by its modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.rounds import round_system, settled_round
from momentum_dynamics.methods.protocol import Method, spread
from momentum_dynamics.problems.games import Game, QuadraticGame, split_point
from momentum_dynamics.problems.plays import Groups, Play
from momentum_dynamics.simulation.ensemble import Loop, run_blocks
from momentum_dynamics.simulation.games_direct import modes_of
from momentum_dynamics.simulation.kernels import Rounds
from momentum_dynamics.simulation.noise import reported
from momentum_dynamics.simulation.outcome import EnsembleMoments, Settings, Trajectory

__all__ = ["play_ensemble"]

Array = NDArray[np.float64]


def play_ensemble(
    methods: Sequence[Method],
    game: Game,
    order: Play | str,
    moves: Groups,
    settings: Settings,
    block: Callable[..., None],
) -> Trajectory | EnsembleMoments:
    """Play all settings and replicas through one of the two texts."""
    found = modes_of(game)
    if found is None:
        small, basis, modes = game, None, 1
        rounds = _rounds(methods, small, order, moves, settings.steps, axes=(1,))
    else:
        values, basis = found
        small, modes = QuadraticGame.family(0, values, 0), len(values)
        methods = [spread(own, 1) for own in methods]
        rounds = _rounds(methods, small, order, moves, settings.steps, axes=())
    batch = rounds.E.shape[:-3]
    # Where a mode belongs to one player alone, the other has no gradient that could be noisy.
    known = [np.arange(modes) < size for size in game.sizes]
    deviations = np.concatenate(
        [
            np.tile(settings.deviations[0] * known[player], (small.sizes[player], 1))
            for group in moves
            for player in group
        ]
    )

    def loop(index: tuple[int, ...]) -> Loop:
        every: tuple[Any, ...] = (slice(None), *index)
        own = Rounds(
            MN=np.ascontiguousarray(rounds.MN[every]),
            C=np.ascontiguousarray(rounds.C[every]),
            E=np.ascontiguousarray(rounds.E[index]),
        )
        read = partial(_answers, own.E)
        return Loop(advance=partial(block, own, deviations, settings.stride), first=read, last=read)

    state = _away(methods, game, basis, modes, batch, settings)
    record = run_blocks(loop, state, modes * small.dimension, settings)
    if basis is not None:
        pairs = np.arange(2 * modes).reshape(modes, 2)
        record = record.picked(
            np.concatenate([pairs[:size, player] for player, size in enumerate(game.sizes)])
        )
    seed = reported(settings.root) if settings.deviations.any() else None
    return record.told(game.solution, basis, settings, seed=seed)


def _rounds(
    methods: Sequence[Method],
    game: Game,
    order: Play | str,
    moves: Groups,
    steps: int,
    *,
    axes: tuple[int, ...],
) -> Rounds:
    """The rounds up to the first settled one, ``(rounds, *batch, modes, …)``."""
    last = min(settled_round(methods, moves), steps)
    systems = [round_system(methods, game, order, after=k) for k in range(last + 1)]
    parts: dict[str, list[Any]] = {
        "MN": [np.concatenate([own.transition, own.injection], axis=-1) for own in systems],
        "C": [own.observation for own in systems],
        "E": [own.readout for own in systems],
    }
    batch = np.broadcast_shapes(*(part.shape[:-2] for own in parts.values() for part in own))
    stacked = {
        name: np.stack([np.broadcast_to(part, (*batch, *part.shape[-2:])) for part in own]).reshape(
            len(systems), *batch, *axes, *own[0].shape[-2:]
        )
        for name, own in parts.items()
    }
    return Rounds(MN=stacked["MN"], C=stacked["C"], E=stacked["E"][0])


def _answers(matrices: Array, state: Array) -> Array:
    """The answers of all modes ``(modes × answers, lanes)``."""
    return np.einsum("kij,jkl->kil", matrices, state).reshape(-1, state.shape[-1])


def _away(
    methods: Sequence[Method],
    game: Game,
    basis: Array | None,
    modes: int,
    batch: tuple[int, ...],
    settings: Settings,
) -> Array:
    """The initial state, away from rest at the equilibrium, ``(*batch, states, modes, replicas)``.

    A start that all replicas share is kept once and seen by all.
    """
    away = np.asarray(settings.start - game.solution)
    if away.ndim > 1:
        away = np.broadcast_to(away, (*settings.replicas, game.dimension))
    away = away.reshape(-1, game.dimension)
    slots = []
    for own, part in zip(
        methods, split_point(away if basis is None else away @ basis, game.sizes), strict=True
    ):
        rest = part.T[:, None]
        if basis is not None:
            rest = np.zeros((1, modes, len(away)))
            rest[0, : part.shape[-1]] = part.T
        # Methods of one mode each have an axis for it already.
        state = spread(own, 3 if basis is None else 2).initial_state(rest)
        slots += [np.broadcast_to(slot, (*batch, *rest.shape)) for slot in state]
    stacked = np.concatenate(slots, axis=-3)
    return np.broadcast_to(stacked, (*stacked.shape[:-1], settings.count))
