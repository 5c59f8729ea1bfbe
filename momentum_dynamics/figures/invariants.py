"""What descent in turn conserves: orbits on ellipses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.laws import games
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]
_PANELS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Orbits:
    """Orbits ``(steps, rounds + 1, 2)`` in turn, their ellipses, and a few rounds at once."""

    step: Array
    orbit: Array
    ellipse: Array
    at_once: Array
    drift: float
    turn: Array


def _orbits(
    *, step: Sequence[float] = (0.1, 0.5, 1.0, 1.9), rounds: int = 200, points: int = 181
) -> Orbits:
    steps = np.asarray(step, dtype=float)
    if steps.shape != (_PANELS,):
        raise ShapeError(
            f"step has {steps.size} values, but invariant-ellipses has {_PANELS} panels; give "
            f"{_PANELS} values."
        )
    game, start = BilinearGame(1.0), np.array([1.0, 0.0])
    descent = GradientDescent(learning_rate=steps)
    orbit = play(descent, game, steps=rounds, start=start).outputs.swapaxes(0, 1)
    at_once = play(descent, game, steps=12, play="simultaneous", start=start).outputs
    around = np.linspace(0, 2 * np.pi, points)
    circle = np.stack([np.cos(around), np.sin(around)])
    level = games.orbit_invariant(steps[:, None], *start)
    scale = np.sqrt(level / games.orbit_invariant(steps[:, None], *circle))
    kept = games.orbit_invariant(steps[:, None], orbit[..., 0], orbit[..., 1])
    return Orbits(
        step=steps,
        orbit=orbit,
        ellipse=scale[..., None] * circle.T,
        at_once=at_once.swapaxes(0, 1),
        drift=float(np.abs(kept / kept[:, :1] - 1).max()),
        turn=np.degrees(np.arccos(games.orbit_cosine(steps))),
    )


def _draw_orbits(data: Orbits, axes: Any) -> None:
    for index, step in enumerate(data.step):
        ax = axes[0, index]
        reach = 1.5 * max(np.abs(data.ellipse[index]).max(), 1)
        ax.plot(*data.ellipse[index].T, color=GRAY, linewidth=1)
        ax.plot(*data.at_once[index].T, "-", color=COLORS[1], linewidth=0.9, alpha=0.8)
        ax.plot(*data.orbit[index].T, "o", color=COLORS[0], markersize=2.2)
        ax.plot(*data.orbit[index, :7].T, "-", color=COLORS[0], linewidth=0.8)
        ax.plot(*data.orbit[index, 0], "o", color="white", markeredgecolor=INK, markersize=5)
        ax.plot(0, 0, "+", color=INK, markersize=7)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.set_title(f"$\\alpha s = {step:g}$\n{data.turn[index]:.0f}° a round", size=9)
        ax.set_xlabel("first player", size=9)
    axes[0, 0].set_ylabel("second player", size=9)


def _tell_orbits(data: Orbits) -> str:
    return (
        f"Descent in turn on min max x·s·y from the ring, {data.orbit.shape[1] - 1} rounds (dots; "
        "the first six joined): every orbit stays on the ellipse x² + y² − αs·xy = 1 (gray), here "
        f"to {number(data.drift, 1)}, whatever αs < 2, and turns by the same angle each round. "
        "Orange: the same at once, which leaves for good."
    )


INVARIANTS = Figure(
    slug="invariant-ellipses",
    title="Descent in turn keeps an ellipse for ever",
    source=Citation("bailey2020"),
    claims=("alternating-descent-keeps-an-ellipse",),
    compute=_orbits,
    draw=_draw_orbits,
    caption=_tell_orbits,
    panels=(1, _PANELS),
    size=(WIDTH, 2.5),
    quick={"rounds": 40},
    remark="The paper's invariant; the picture is ours.",
)
