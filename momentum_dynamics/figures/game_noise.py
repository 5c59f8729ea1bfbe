"""Where noisy players settle: over momentum, beside speed, and over the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.game_noise import settled_square
from momentum_dynamics.dynamics.playing import stationary_radius
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws.games import alternating_floor
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.problems.games import Game

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Settled radius and rate over momentum ``(steps, momenta)``; played radii with errors.

    Then radii over the step for each pull ``(pulls, small steps)``, the limit without one, and
    played radii without one.
    """

    learning_rate: Array
    momentum: Array
    radius: Array
    rate: Array
    played_momentum: Array
    played: Array
    error: Array
    pull: Array
    step: Array
    radius_of_step: Array
    closest: float
    played_step: Array
    played_of_step: Array
    error_of_step: Array
    seed: int


def _noise(
    *,
    learning_rate: Sequence[float] = (0.1, 0.3, 0.6),
    replicas: int = 2000,
    points: int = 81,
    seed: int = 7,
) -> Noise:
    game = QuadraticGame(0.05, 1.0, 0.05)
    steps = np.asarray(learning_rate, dtype=float)
    momentum = np.linspace(-0.65, -0.02, points)
    ball = HeavyBall(learning_rate=steps[:, None], momentum=momentum)
    few = np.linspace(-0.6, -0.1, 4)
    sequence = np.random.SeedSequence(seed).spawn(len(steps) + 1)
    played = [
        _settled(HeavyBall(learning_rate=step, momentum=few), game, int(80 / step), replicas, child)
        for step, child in zip(steps, sequence, strict=False)
    ]
    fine, dots, pulls = np.geomspace(0.02, 0.9, points), np.array([0.1, 0.3, 0.8]), (0.0, 0.02, 0.2)
    small = HeavyBall(learning_rate=fine, momentum=_MOMENTUM)
    alone = [
        _settled(
            HeavyBall(learning_rate=step, momentum=_MOMENTUM), BilinearGame(1.0),
            int(25 / step**2), replicas, child,
        )
        for step, child in zip(dots, sequence[-1].spawn(len(dots)), strict=True)
    ]  # fmt: skip
    return Noise(
        learning_rate=steps,
        momentum=momentum,
        radius=stationary_radius(ball, game, 1.0),
        rate=spectral_radius(ball, game),
        played_momentum=few,
        played=np.array([radius for radius, _ in played]),
        error=np.array([error for _, error in played]),
        pull=np.array(pulls),
        step=fine,
        radius_of_step=np.array(
            [stationary_radius(small, QuadraticGame(pull, 1.0, pull), 1.0) for pull in pulls]
        ),
        closest=float(np.sqrt(alternating_floor(0.0, _MOMENTUM, 1.0, 1.0))),
        played_step=dots,
        played_of_step=np.array([radius for radius, _ in alone]),
        error_of_step=np.array([error for _, error in alone]),
        seed=seed,
    )


_MOMENTUM = -0.3
"""Where the step varies."""


def _settled(method: HeavyBall, game: Game, rounds: int, replicas: int, seed: Any) -> Any:
    """The root mean square distance of plays from the equilibrium, and its standard error."""
    square, error = settled_square(method, game, 1.0, rounds, replicas, seed)
    return np.sqrt(square), error / (2 * np.sqrt(square))


def _draw_noise(data: Noise, axes: Any) -> None:
    left, right, steps = axes[0]
    colors = (COLORS[0], COLORS[2], COLORS[1])
    for index, color in enumerate(colors):
        step = data.learning_rate[index]
        left.plot(data.momentum, data.radius[index], color=color, label=f"$\\alpha = {step:g}$")
        left.errorbar(
            data.played_momentum, data.played[index], yerr=3 * data.error[index], fmt="o",
            color=color, markersize=4, capsize=2,
        )  # fmt: skip
        right.plot(data.rate[index], data.radius[index], color=color)
        right.plot(data.rate[index, -1], data.radius[index, -1], "o", color="white",
                   markeredgecolor=color, markersize=5)  # fmt: skip
    left.set(xlabel=label("momentum"), ylabel="settled distance, in noise", ylim=(0, None))
    left.set_title("pull 0.05")
    left.legend(fontsize=7)
    right.set(xlabel="spectral radius of a round", ylim=(0, None))
    right.set_title("noise against speed")
    for pull, radius, color in zip(data.pull, data.radius_of_step, reversed(colors), strict=True):
        steps.loglog(data.step, radius, color=color, label=f"pull {pull:g}")
    steps.axhline(data.closest, color=INK, linestyle=":", linewidth=1.2)
    steps.errorbar(
        data.played_step, data.played_of_step, yerr=3 * data.error_of_step, fmt="o",
        color=colors[-1], markersize=4, capsize=2,
    )  # fmt: skip
    steps.set(xlabel=label("learning_rate"), ylabel="settled distance")
    steps.set_yticks([0.3, 1, 2], ["0.3", "1", "2"])
    steps.minorticks_off()
    steps.set_title("$\\beta = -0.3$")
    steps.legend(fontsize=7)


def _tell_noise(data: Noise) -> str:
    return (
        "The game 0.025x² + xy − 0.025y² in turn with unit noise in every gradient. Left: the root "
        "mean square distance at which the players settle, from the operator of a round (curves) "
        f"and from plays (dots, three standard errors, seed {data.seed}), for momenta down to "
        f"{number(data.momentum[0])}. Middle: the same against the radius of a round; rings: "
        "almost no momentum. Negative momentum makes a turning game both faster and quieter, until "
        "it is overdone. Right: over the step, for games of several pulls. A pull of the game's "
        "own is of the first order in the step and wins over noise; without one, that of momentum "
        "is of the second order, as the noise is, and no step settles closer than "
        f"{number(data.closest, 4)} (dotted)."
    )


NOISE = Figure(
    slug="noise-in-games",
    title="Negative momentum in noise: faster and quieter, up to a point",
    source=Citation(None),
    claims=("noisy-players-settle-at-a-radius", "smaller-steps-do-not-quiet-a-bilinear-game"),
    compute=_noise,
    draw=_draw_noise,
    caption=_tell_noise,
    panels=(1, 3),
    size=(WIDTH, 3.0),
    quick={"replicas": 50, "points": 21},
)
