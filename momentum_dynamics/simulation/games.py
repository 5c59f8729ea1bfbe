"""Two players on a bilinear game, moving at once or in turn."""

from __future__ import annotations

import numpy as np

from momentum_dynamics.dynamics.rounds import check_round
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import output_of
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.simulation.outcome import Trajectory, outcomes

__all__ = ["play"]


def play(
    method: Method,
    game: BilinearGame,
    *,
    steps: int,
    order: str = "alternating",
    tolerance: float = 1e-12,
) -> Trajectory:
    """Let two players with the same method play for a number of rounds.

    Parameters
    ----------
    method : Method
        With constant coefficients and no batch axes.
    game : BilinearGame
    steps : int
        Rounds; in each, every player makes one update.
    order : {"alternating", "simultaneous"}

    Returns
    -------
    Trajectory
        Points of both players together, ``(steps + 1, dimension)``.

    Raises
    ------
    DomainError
        If the order is another, or the coefficients of the method change with the step.
    """
    check_round(method, order)
    GLOSSARY["steps"].check(steps)
    first, second = (method.initial_state(part) for part in game.split(game.start))
    points, outputs = [], []
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            points.append(np.concatenate([method.query(first), method.query(second)]))
            outputs.append(np.concatenate([output_of(method, first), output_of(method, second)]))
            if step == steps:
                break
            moved = method.update(first, game.first_field(method.query(second)))
            seen = moved if order == "alternating" else first
            second = method.update(second, game.second_field(method.query(seen)))
            first = moved
    path = np.stack(outputs)
    with np.errstate(all="ignore"):
        distance = np.linalg.norm(path - game.solution, axis=-1)
    return Trajectory(
        points=np.stack(points),
        outputs=path,
        outcome=outcomes(distance[0], distance[-1], tolerance),
        seed=None,
        solution=game.solution,
    )
