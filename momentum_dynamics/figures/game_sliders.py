"""For notebooks: sliders for the momentum and step of two players, and both orders of play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.radius import eigenvalues
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures.base import number
from momentum_dynamics.figures.explorers import Explorer, new_slider
from momentum_dynamics.figures.style import COLORS, INK
from momentum_dynamics.figures.turns import ORDERS, WORDS
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import QuadraticGame
from momentum_dynamics.simulation import play

__all__ = ["GameExplorer", "GameView", "game_explorer", "game_view"]

Array = NDArray[np.float64]
_ROUNDS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class GameView:
    """One pair of parameters played in both orders.

    Attributes
    ----------
    roots : array ``(2, 4)``
        Of a round at once, and of one in turn.
    path : array ``(2, rounds + 1, 2)``
    distance : array ``(2, rounds + 1)``
    """

    roots: NDArray[np.complex128]
    path: Array
    distance: Array

    @property
    def radius(self) -> Array:
        """The spectral radius of a round, in both orders."""
        found: Array = np.abs(self.roots).max(axis=-1)
        return found

    @property
    def words(self) -> str:
        """One line."""
        said = [
            f"{WORDS[order]} {number(radius, 4)}"
            for order, radius in zip(ORDERS, self.radius, strict=True)
        ]
        return f"spectral radius {', '.join(said)}"


def game_view(step: float, momentum: float, pull: float = 0.0) -> GameView:
    """Play ½a x² + xy − ½a y² in both orders.

    Parameters
    ----------
    step : float
        The learning rate, at least 0.
    momentum : float
    pull : float
        a, what draws each player to the equilibrium by itself.

    Raises
    ------
    DomainError
        If the step is negative.
    """
    if step < 0:
        raise DomainError(f"step is {step}, but must be at least 0.")
    game = QuadraticGame(pull, 1.0, pull)
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    runs = [play(ball, game, steps=_ROUNDS, play=order) for order in ORDERS]
    return GameView(
        roots=np.stack([eigenvalues(ball, game, play=order) for order in ORDERS]),
        path=np.stack([run.outputs for run in runs]),
        distance=np.stack([run.distance for run in runs]),
    )


_PALETTE = (COLORS[1], COLORS[0])


def _draw_roots(view: GameView, ax: Any) -> None:
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.fill(np.cos(turn), np.sin(turn), color="#eef3f8", zorder=0)
    ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.9)
    for roots, color in zip(view.roots, _PALETTE, strict=True):
        ax.plot(roots.real, roots.imag, "o", color=color, markersize=6)
    ax.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8), aspect="equal", title="roots of a round")


def _draw_paths(view: GameView, ax: Any) -> None:
    for path, color in zip(view.path, _PALETTE, strict=True):
        near = path[np.cumsum(np.abs(path).max(axis=-1) > 6) == 0]
        ax.plot(*near.T, "o-", color=color, markersize=3, linewidth=0.8)
    ax.plot(0, 0, "+", color=INK, markersize=8)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", title="the play")


def _draw_distances(view: GameView, ax: Any) -> None:
    for distance, order, color in zip(view.distance, ORDERS, _PALETTE, strict=True):
        ax.semilogy(np.clip(distance, 1e-12, 1e12), color=color, label=WORDS[order])
    ax.set(ylim=(1e-6, 1e4), xlabel="round", title="distance")
    ax.legend(fontsize=8)


class GameExplorer(Explorer):
    """Roots, play and distance of two players, at once and in turn.

    Attributes
    ----------
    step, momentum, pull : ipywidgets.FloatSlider
    readout : ipywidgets.Label
        Begins with ``spectral radius``.
    """

    def __init__(self, *, step: float, momentum: float, pull: float) -> None:
        self.step = new_slider(
            "FloatSlider", "step", step, 0.0, 2.2, step=0.05, readout_format=".2f"
        )
        self.momentum = new_slider(
            "FloatSlider", "momentum", momentum, -0.95, 0.95, step=0.05, readout_format=".2f"
        )
        self.pull = new_slider(
            "FloatSlider", "pull", pull, 0.0, 1.0, step=0.05, readout_format=".2f"
        )
        super().__init__(
            {"step": self.step, "momentum": self.momentum, "pull": self.pull},
            {},
            (_draw_roots, _draw_paths, _draw_distances),
            view=lambda values: game_view(**values),
        )


def game_explorer(*, step: float = 0.6, momentum: float = -0.3, pull: float = 0.0) -> GameExplorer:
    """Sliders for step, momentum and pull of two players, both orders side by side.

    Parameters
    ----------
    step, momentum, pull : float
        Where the sliders start.

    Returns
    -------
    GameExplorer

    Raises
    ------
    DomainError
        If ipywidgets is not installed.
    """
    return GameExplorer(step=step, momentum=momentum, pull=pull)
