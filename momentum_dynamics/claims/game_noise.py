"""Noise in games: where players settle, and why smaller steps may not help."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.playing import stationary_radius
from momentum_dynamics.laws import games
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.problems.games import Game
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__ = ["settled_square"]

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
S, VARIANCE = symbol("singular_value"), symbol("noise_variance")


def _noise_proof() -> Evidence:
    """The covariance that a superposed round of the bilinear game keeps has the law's trace."""
    ball, game = HeavyBall(learning_rate=ALPHA, momentum=BETA), QuadraticGame(0, S, 0)
    settled = stationary_radius(ball, game, VARIANCE, play="alternating") ** 2
    return Evidence.exact(
        sympy.simplify(settled - expression(games.alternating_floor)),
        note="mean square distance that a superposed round of the bilinear game keeps",
    )


def settled_square(
    ball: HeavyBall, game: Game, noise_variance: float, rounds: int, replicas: int, seed: Any
) -> tuple[Any, Any]:
    """The mean square distance of noisy plays in turn after so many rounds, and its error.

    Both ``(*batch)``; the plays begin at the equilibrium.
    """
    run = play(
        ball, game, steps=rounds, play="alternating", replicas=replicas, seed=seed, stride=rounds,
        noise_variance=noise_variance, start=np.zeros(game.dimension),
    )  # fmt: skip
    square = run.distance[-1] ** 2
    return square.mean(axis=-1), square.std(axis=-1, ddof=1) / np.sqrt(replicas)


def _noise_experiment(rng: np.random.Generator, told: str) -> Evidence:
    """With a pull by the operator, without one by the law."""
    predicted, found = [], []
    for momentum in (-0.6, -0.3):
        ball, game = HeavyBall(learning_rate=0.4, momentum=momentum), QuadraticGame(0.3, 1.0, 0.3)
        predicted.append(float(stationary_radius(ball, game, 0.25, play=told)) ** 2)
        found.append(settled_square(ball, game, 0.25, 120, 20_000, rng))
        predicted.append(float(games.alternating_floor(0.4, momentum, 1.0, 0.25)))
        found.append(settled_square(ball, BilinearGame(1.0), 0.25, 400, 20_000, rng))
    return Evidence.statistical(
        predicted, *np.transpose(found),
        note="settled mean square distance of 20,000 noisy plays in turn",
    )  # fmt: skip


NOISE = Claim(
    slug="noisy-players-settle-at-a-radius",
    title=(
        "With noisy gradients the players settle at a radius that the operator of a round "
        "foretells, in the order in which they play; in turn on a bilinear game in closed form."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: expression(games.alternating_floor),
    proof=_noise_proof,
    experiment=lambda rng: _noise_experiment(rng, "alternating"),
    control=lambda rng: _noise_experiment(rng, "simultaneous"),
    expected=Verdict.PROVED,
    figures=("noise-in-games",),
    remark="Two heavy balls of equal momentum, where they converge. The control foretells from "
    "play at once, where the game has a pull.",
)


def _floor_proof() -> Evidence:
    """The limit of small steps is positive; from there the distance rises with the step."""
    floor = expression(games.alternating_floor)
    pull, share = sympy.symbols("m u", positive=True)
    # αs = 2u(1 + β), β = −m: 0 < u < 1 is all that converges.
    inside = {ALPHA: 2 * share * (1 - pull) / S, BETA: -pull}
    slope = sympy.factor(sympy.diff(floor.subs(inside), share))
    return Evidence.exact(
        sympy.simplify(floor.subs(ALPHA, 0) - VARIANCE * (1 - BETA) / (-BETA * S**2)),
        sympy.simplify(
            slope - 2 * VARIANCE * share * (1 - pull) / (pull * S**2 * (1 - share**2) ** 2)
        ),
        note="the limit of small steps, and the slope in αs/(2(1 + β)), positive for m < 1",
    )


def _floor_experiment(rng: np.random.Generator, *, falls: bool) -> Evidence:
    """Steps of 0.4, 0.2 and 0.1 with momentum −1/2."""
    steps = np.array([0.4, 0.2, 0.1])
    law = games.alternating_floor(steps, -0.5, 1.0, 0.25)
    found = [
        settled_square(
            HeavyBall(learning_rate=step, momentum=-0.5), BilinearGame(1.0), 0.25,
            round(60 / step**2), 3000, rng,
        )
        for step in steps
    ]  # fmt: skip
    return Evidence.statistical(
        law[0] * steps / steps[0] if falls else law,
        *np.transpose(found),
        note="settled mean square distance of 3,000 noisy plays, α = 0.4, 0.2 and 0.1",
    )


FLOOR = Claim(
    slug="smaller-steps-do-not-quiet-a-bilinear-game",
    title=(
        "In turn on a bilinear game noise keeps the players at σ²(1 − β)/(−βs²) in mean square, "
        "however small their steps."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Limit(expression(games.alternating_floor), ALPHA, 0),
    proof=_floor_proof,
    experiment=lambda rng: _floor_experiment(rng, falls=False),
    control=lambda rng: _floor_experiment(rng, falls=True),
    expected=Verdict.PROVED,
    figures=("noise-in-games",),
    remark="The pull of negative momentum is of the second order in the step, as the noise is. A "
    "pull of the game's own is of the first, so that there small steps do help. The control "
    "expects a distance that falls with the step, as at a minimum.",
)
