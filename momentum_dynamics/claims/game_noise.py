"""Noise in games: where players settle, and why smaller steps may not help."""

from __future__ import annotations

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.playing import stationary_radius
from momentum_dynamics.dynamics.rounds import round_system
from momentum_dynamics.laws import games
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import BilinearGame, QuadraticGame
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

COUPLING, BETA = sympy.Symbol("c", positive=True), symbol("momentum")
SIGMA, S = symbol("noise_variance"), symbol("singular_value")


def _noise_experiment(rng: np.random.Generator, told: str) -> Evidence:
    predicted, found, errors = [], [], []
    for momentum in (-0.6, -0.3):
        ball, game = HeavyBall(learning_rate=0.4, momentum=momentum), QuadraticGame(0.3, 1.0, 0.3)
        run = play(
            ball, game, steps=120, play="alternating", replicas=20_000, noise_variance=0.25,
            seed=rng, stride=120,
        )  # fmt: skip
        square = run.distance[-1] ** 2
        predicted.append(float(stationary_radius(ball, game, 0.25, play=told)) ** 2)
        found.append(float(square.mean()))
        errors.append(float(square.std() / np.sqrt(square.size)))
    return Evidence.statistical(
        predicted, found, errors, note="settled mean square distance of 20,000 noisy plays in turn"
    )


NOISE = Claim(
    slug="noisy-players-settle-at-a-radius",
    title=(
        "With noisy gradients the players settle at a radius that the operator of a round "
        "foretells, in the order in which they play."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.MatrixSymbol("Sigma", 4, 4),
        sympy.MatrixSymbol("M", 4, 4)
        * sympy.MatrixSymbol("Sigma", 4, 4)
        * sympy.MatrixSymbol("M", 4, 4).T
        + sympy.MatrixSymbol("N", 4, 4),
    ),
    proof=None,
    experiment=lambda rng: _noise_experiment(rng, "alternating"),
    control=lambda rng: _noise_experiment(rng, "simultaneous"),
    expected=Verdict.CONFIRMED,
    figures=("noise-in-games",),
    remark="The control foretells from play at once.",
)


# Without a pull ----------------------------------------------------------------------------------


def _quiet_proof() -> Evidence:
    """What settles solves Σ = MΣMᵀ + NNᵀ, with the operator of a round in turn and s = 1, σ = 1.

    M couples ten entries linearly; the solution is unique where no two eigenvalues have product 1,
    as in a stable round. What is above the limit for small steps is c²(1 − m)/(2m(4(1 − m)² − c²))
    with m = −β, positive as long as the round converges.
    """
    system = round_system(
        HeavyBall(learning_rate=COUPLING, momentum=BETA), QuadraticGame(0, 1, 0), "alternating"
    )
    moved, source = (sympy.Matrix(part) for part in (system.transition, system.injection))
    shown = sympy.Matrix(system.readout)
    size = moved.rows
    entries = [[sympy.Symbol(f"v{min(i, j)}{max(i, j)}") for j in range(size)] for i in range(size)]
    held = sympy.Matrix(entries)
    left = moved * held * moved.T + source * source.T - held
    (found,) = sympy.linsolve(
        [left[i, j] for i in range(size) for j in range(i, size)],
        sorted(held.free_symbols, key=str),
    )
    settled = held.subs(dict(zip(sorted(held.free_symbols, key=str), found, strict=True)))
    law = games.alternating_noise(COUPLING, BETA)
    seen = shown * settled * shown.T
    m = sympy.Symbol("m", positive=True)
    small = law.subs(COUPLING, 0)
    excess = COUPLING**2 * (1 - m) / (2 * m * (4 * (1 - m) ** 2 - COUPLING**2))
    return Evidence.exact(
        sympy.cancel(seen[0, 0] - law),
        sympy.cancel(seen[1, 1] - law),
        sympy.cancel(small + (1 - BETA) / (2 * BETA)),
        sympy.cancel((law - small).subs(BETA, -m) - excess),
        note="E x² = E y² of the settled round, its limit for small steps, and what is above that",
    )


def _quiet_experiment(rng: np.random.Generator, *, with_step: bool) -> Evidence:
    """A fall of the mean square with the step, as minimizing has it, is the control."""
    predicted, found, errors = [], [], []
    for rate, momentum in ((0.3, -0.5), (0.1, -0.5), (0.1, -0.3)):
        steps = int(20 / rate**2)
        run = play(
            HeavyBall(learning_rate=rate, momentum=momentum), BilinearGame(2.0), steps=steps,
            play="alternating", replicas=4000, noise_variance=0.25, seed=rng, stride=steps,
            start=np.zeros(2),
        )  # fmt: skip
        square = run.distance[-1] ** 2
        law = float(games.alternating_noise(2 * rate, momentum)) * 2 * 0.25 / 4
        predicted.append(law * (rate / 0.3 if with_step else 1))
        found.append(float(square.mean()))
        errors.append(float(square.std() / np.sqrt(square.size)))
    return Evidence.statistical(
        predicted, found, errors, note="settled mean square distance of 4,000 plays, three settings"
    )


QUIET = Claim(
    slug="no-step-quiets-a-noisy-bilinear-game",
    title=(
        "Played in turn with momentum −m, a noisy bilinear game settles at E|(x, y)|² above "
        "(1 + m)σ²/(ms²), however small the step."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("E") * sympy.Symbol("x") ** 2,
        SIGMA / S**2 * expression(games.alternating_noise),
    ),
    proof=_quiet_proof,
    experiment=lambda rng: _quiet_experiment(rng, with_step=False),
    control=lambda rng: _quiet_experiment(rng, with_step=True),
    expected=Verdict.PROVED,
    figures=("noise-in-games",),
    remark=(
        "The pull of negative momentum is of the second order in the step, as the noise is; where "
        "the game has a pull of its own, of the first order, smaller steps settle closer. So the "
        "distance is always above √2 σ/s. The control lets the mean square fall with the step, as "
        "in minimizing."
    ),
)
