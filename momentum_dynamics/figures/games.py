"""A bilinear game played six ways: who moves when, and with which momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]

_MOMENTA = 3
_ORDERS = ("simultaneous", "alternating")


@dataclass(frozen=True, kw_only=True, eq=False)
class Orbits:
    """Orbits ``(orders, momenta, rounds + 1, 2)``, their distances, and the rate of a round."""

    order: NDArray[np.str_]
    momentum: Array
    learning_rate: float
    singular_value: float
    points: Array
    distance: Array
    rate: Array


def _orbits(
    *,
    momentum: Sequence[float] = (-0.5, 0.0, 0.2),
    learning_rate: float = 0.3,
    singular_value: float = 1.0,
    rounds: int = 150,
) -> Orbits:
    momenta = np.atleast_1d(np.asarray(momentum, dtype=float))
    if momenta.shape != (_MOMENTA,):
        raise ShapeError(
            f"momentum has {momenta.size} values, but bilinear-game-orbits has {_MOMENTA} columns; "
            f"give {_MOMENTA} values."
        )
    game = BilinearGame(singular_value)
    points, distances, rates = [], [], []
    for order in _ORDERS:
        for beta in momenta:
            method = HeavyBall(learning_rate=learning_rate, momentum=float(beta))
            path = play(method, game, steps=rounds, play=order)
            points.append(path.outputs)
            distances.append(path.distance)
            roots = np.linalg.eigvals(round_matrix(method, singular_value, play=order))
            rates.append(np.abs(roots).max())
    shape = (len(_ORDERS), _MOMENTA)
    return Orbits(
        order=np.array(_ORDERS),
        momentum=momenta,
        learning_rate=float(learning_rate),
        singular_value=float(singular_value),
        points=np.reshape(points, (*shape, rounds + 1, 2)),
        distance=np.reshape(distances, (*shape, rounds + 1)),
        rate=np.reshape(rates, shape),
    )


_PALETTE = (COLORS[0], COLORS[2], COLORS[1])
"""Negative, none, positive."""

_VIEW = 3.2
"""Half the width of an orbit's panel; the game starts at (1, 1)."""


def _draw_orbits(data: Orbits, axes: Any) -> None:
    rounds = np.arange(data.distance.shape[-1])
    chart = axes["D"]
    for row in range(len(data.order)):
        for column, color in enumerate(_PALETTE):
            ax = axes["abcdef"[row * _MOMENTA + column]]
            path = data.points[row, column]
            out = np.flatnonzero(np.abs(path).max(axis=-1) > 2 * _VIEW)
            path = path[: out[0] + 1] if len(out) else path
            ax.plot(*path.T, "-", color=color, linewidth=0.8, alpha=0.8)
            ax.plot(*path.T, "o", color=color, markersize=1.8)
            ax.plot(*path[0], "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)
            ax.plot(0, 0, "+", color=INK, markersize=7)
            ax.set(xlim=(-_VIEW, _VIEW), ylim=(-_VIEW, _VIEW), aspect="equal")
            ax.set_xticks([-2, 0, 2])
            ax.set_yticks([-2, 0, 2])
            if row == 0:
                ax.set_title(f"$\\beta = {data.momentum[column]:g}$")
                ax.set_xticklabels([])
            else:
                ax.set_xlabel("first player")
            if column:
                ax.set_yticklabels([])
            else:
                ax.set_ylabel(f"{data.order[row]}\nsecond player")
            distance, rate = data.distance[row, column], data.rate[row, column]
            chart.semilogy(rounds, distance, color=color, linestyle="-" if row else "--")
            late = rounds[len(rounds) // 3 :]
            # A straight line of the predicted slope, through the geometric mean of the late rounds.
            level = np.log(distance[late]).mean() - np.log(rate) * late.mean()
            line = np.exp(level + np.log(rate) * late)
            chart.semilogy(late, line, ":", color=INK, linewidth=1.4, zorder=4)
    chart.set(xlim=(0, rounds[-1]), ylim=(5e-2, 3e5), xlabel="round")
    chart.set_title("distance from the equilibrium")
    style = {"color": "#555555", "linewidth": 1.6}
    chart.plot([], [], "--", label="simultaneous", **style)
    chart.plot([], [], "-", label="alternating", **style)
    chart.plot([], [], ":", label="predicted slope", color=INK, linewidth=1.4)
    chart.legend(loc="upper left", fontsize=8)


def _tell_orbits(data: Orbits) -> str:
    def rates(row: int) -> str:
        return ", ".join(
            f"{rate:.4f} at β = {number(momentum)}"
            for rate, momentum in zip(data.rate[row], data.momentum, strict=True)
        )

    return (
        f"Both players of min max x·s·y, s = {number(data.singular_value)}, use heavy ball with "
        f"learning rate {number(data.learning_rate)} from (1, 1), {len(data.distance[0, 0]) - 1} "
        "rounds. Moving at once they diverge for every momentum between −1 and 1 (growth per round "
        f"{rates(0)}); moving in turn they converge with negative momentum only ({rates(1)}). "
        "Right: distance from the equilibrium, with the slope that the matrix of a round predicts."
    )


ORBITS = Figure(
    slug="bilinear-game-orbits",
    title="Negative momentum tames a game, if the players take turns",
    source=Citation("gidel2019"),
    claims=(
        "negative-momentum-converges-on-alternating-bilinear-games",
        "simultaneous-bilinear-play-diverges",
        "descent-at-once-grows-by-one-plus-the-square",
    ),
    compute=_orbits,
    draw=_draw_orbits,
    caption=_tell_orbits,
    panels="abcDD\ndefDD",
    size=(WIDTH, 3.4),
    quick={"rounds": 60},
)
