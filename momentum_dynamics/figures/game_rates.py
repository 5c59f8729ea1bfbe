"""What each method reaches in games: laws of the condition, rates per gradient, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.game_methods import monotone_corners, scalar_class
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.playing import stationary_radius
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.methods import (
    ComplexMomentum,
    Extragradient,
    GradientDescent,
    HeavyBall,
    Method,
    OptimisticGradient,
)
from momentum_dynamics.problems import BilinearGame, HamiltonianDescent, QuadraticGame
from momentum_dynamics.problems.games import Game
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]


# Laws of the condition -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """One minus the best radius ``(kinds, conditions)``, laws ``(kinds, conditions)``, slopes."""

    condition_number: Array
    names: NDArray[np.str_]
    gap: Array
    law: Array
    slope: Array
    momentum: Array


def _gaps(*, condition_number: Sequence[float] = (10.0, 30.0, 100.0, 300.0, 1000.0)) -> Gaps:
    kappas = np.asarray(condition_number, dtype=float)
    gaps = np.empty((5, len(kappas)))
    momentum = np.empty((3, len(kappas)))
    for index, kappa in enumerate(kappas):
        corners = monotone_corners(kappa)
        family = scalar_class(kappa)
        bilinear = BilinearGame(np.diag([1.0, 1 / kappa]))
        descent = tune("gradient-descent", spectrum=corners)
        ball = tune("heavy-ball", spectrum=corners)
        edge = 1 / kappa + 1j * np.linspace(0, 1, 40)
        whole = np.append(corners, edge)
        extra = tune("extragradient", spectrum=whole)
        turns = tune("heavy-ball", game=family, play="alternating")
        tamed = tune("heavy-ball", game=bilinear, play="alternating")
        gaps[:, index] = [
            1 - np.max(spectral_radius(descent, corners)),
            1 - np.max(spectral_radius(ball, corners)),
            1 - np.max(spectral_radius(turns, family, play="alternating")),
            1 - np.max(np.sqrt(spectral_radius(extra, whole))),
            1 - spectral_radius(tamed, bilinear, play="alternating"),
        ]
        momentum[:, index] = [ball.momentum, turns.momentum, tamed.momentum]
    laws = np.stack(
        [
            shapes.monotone_descent_gap(kappas),
            shapes.monotone_momentum_gap(kappas),
            gaps[2, -1] * kappas[-1] / kappas,
            gaps[3, -1] * kappas[-1] / kappas,
            games.minimax_alternating_gap(kappas),
        ]
    )
    return Gaps(
        condition_number=kappas,
        names=np.array(
            [
                "descent at once",
                "momentum at once",
                "in turn (best: no momentum)",
                "extragradient, per gradient",
                "bilinear: momentum in turn",
            ]
        ),
        gap=gaps,
        law=laws,
        slope=np.polyfit(np.log(kappas[-3:]), np.log(gaps[:, -3:]).T, 1)[0],
        momentum=momentum,
    )


def _draw_gaps(data: Gaps, axes: Any) -> None:
    left, right = axes["l"], axes["r"]
    colors = (GRAY, COLORS[1], COLORS[0], COLORS[3], COLORS[2])
    for gap, law, name, slope, color in zip(
        data.gap, data.law, data.names, data.slope, colors, strict=True
    ):
        left.loglog(data.condition_number, law, color=color, linewidth=1.4)
        words = f"{name}: {slope:.2f}".replace("-", "−")
        left.loglog(data.condition_number, gap, "o", color=color, markersize=4.5, label=words)
    left.set(xlabel=label("condition_number"), ylabel="one minus the best radius")
    left.set_title("gaps, with their measured slopes")
    left.legend(fontsize=6.5, loc="lower left")
    for row, color, name in zip(
        data.momentum, (COLORS[1], COLORS[0], COLORS[2]),
        ("at once", "in turn", "bilinear, in turn"), strict=True,
    ):  # fmt: skip
        right.semilogx(data.condition_number, row, "o-", color=color, markersize=4.5, label=name)
    fine = np.geomspace(data.condition_number[0], data.condition_number[-1], 60)
    right.semilogx(fine, shapes.monotone_momentum(fine), ":", color=INK, linewidth=1.2)
    right.set(ylim=(-1.02, 0.1), xlabel=label("condition_number"), ylabel=label("momentum"))
    right.set_title("the best momentum")
    right.legend(fontsize=7, loc="center right")


def _tell_gaps(data: Gaps) -> str:
    slopes = ", ".join(
        f"{name} {number(slope, 3)}" for name, slope in zip(data.names, data.slope, strict=True)
    )
    return (
        "How far the best radius stays below one as the condition κ grows, on strongly monotone "
        "games (curvatures with Re h ≥ 1/κ and |h| ≤ 1; in turn: games of two numbers on a grid) "
        "and on bilinear games with singular values 1/κ and 1. Dots: searches; lines: the laws "
        "1/(2κ²), 4/(3√3)κ^(−3/2), 8/(27κ²), and slopes −1 through the last dot. Slopes over the "
        f"last three: {slopes}. At once momentum gains half a power with β near −1 (right; dotted: "
        "−1 + 2/√(3κ)); taking turns gains a whole one with none."
    )


GAPS = Figure(
    slug="gaps-against-condition",
    title="Three exponents: what momentum gains at once, taking turns gains without it",
    source=Citation("zhang2021"),
    claims=(
        "negative-momentum-gains-half-a-power",
        "alternation-needs-no-momentum-on-strongly-monotone-games",
        "best-momentum-in-turn-for-a-range",
        "slightly-negative-momentum-is-best",
    ),
    compute=_gaps,
    draw=_draw_gaps,
    caption=_tell_gaps,
    panels="lllrr",
    size=(WIDTH, 3.7),
    quick={"condition_number": (10.0, 30.0)},
    remark="The papers' orders of κ; constants, class of scalar games and picture are ours.",
)


# Per gradient ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class PerGradient:
    """Distances ``(methods, gradients + 1)`` on one bilinear game, and rates per gradient."""

    condition_number: float
    names: NDArray[np.str_]
    cost: Array
    gradients: Array
    distance: Array
    rate: Array


def _best_one_sided(game: Game) -> tuple[Method, Method]:
    """The fastest heavy ball against plain descent, by a search from the limit of large κ."""
    from scipy.optimize import minimize

    def players(point: Any) -> tuple[Method, Method]:
        step, momentum = map(float, point)
        return (
            HeavyBall(learning_rate=step, momentum=momentum),
            HeavyBall(learning_rate=step, momentum=0.0),
        )

    found = minimize(
        lambda point: float(spectral_radius(players(point), game)),
        games.minimax_one_sided(1.0)[:2], method="Nelder-Mead", options={"maxiter": 200},
    )  # fmt: skip
    return players(found.x)


def _contenders(game: Game, low: float) -> list[tuple[str, Method, Game, str, int]]:
    """Name, tuned method, field, order of play and gradients in a round."""
    at_once = HeavyBall(learning_rate=low, momentum=-0.5)
    pair: Any = _best_one_sided(game)
    turned = HamiltonianDescent(game)
    plain = GradientDescent(learning_rate=1.0)
    return [
        ("momentum −1/2, at once", at_once, game, "simultaneous", 1),
        ("descent in turn", plain, game, "alternating", 1),
        ("optimistic", tune(OptimisticGradient, game=game, play="simultaneous"), game,
         "simultaneous", 1),
        ("extragradient", tune(Extragradient, game=game, play="simultaneous"), game,
         "simultaneous", 2),
        ("one negative momentum in turn", pair, game, "alternating", 1),
        ("negative momentum in turn", tune(HeavyBall, game=game), game, "alternating", 1),
        ("momentum on the Hamiltonian",
         tune("heavy-ball", spectrum=turned.spectrum().real), turned, "simultaneous", 2),
    ]  # fmt: skip


def _per_gradient(*, condition_number: float = 5.0, gradients: int = 800) -> PerGradient:
    low = 1 / condition_number
    game = BilinearGame(np.diag([low, 1.0]))
    rows, rates, names, costs = [], [], [], []
    for name, method, field, order, cost in _contenders(game, low):
        # A step of extragradient is one gradient; a round makes the two of them.
        rounds = gradients // cost
        distance = play(method, field, steps=rounds, play=order).distance
        rows.append(np.repeat(distance, cost)[: gradients + 1] if cost > 1 else distance)
        if len(rows[-1]) <= gradients:
            rows[-1] = np.append(rows[-1], rows[-1][-1:])
        rates.append(float(spectral_radius(method, field, play=order)) ** (1 / cost))
        names.append(name)
        costs.append(float(cost))
    floor = 1e-13
    return PerGradient(
        condition_number=float(condition_number),
        names=np.array(names),
        cost=np.array(costs),
        gradients=np.arange(gradients + 1.0),
        distance=np.maximum(np.stack(rows), floor),
        rate=np.array(rates),
    )


def _draw_per_gradient(data: PerGradient, ax: Any) -> None:
    palette = (COLORS[4], GRAY, COLORS[3], COLORS[1], COLORS[5], COLORS[0], COLORS[2])
    last = data.gradients[-1]
    for row, name, rate, color in zip(data.distance, data.names, data.rate, palette, strict=True):
        ax.semilogy(data.gradients, row, color=color, linewidth=1.4,
                    label=f"{name}, {rate:.5f}")  # fmt: skip
        half = data.gradients >= last / 2
        shown = half & (row > 1e-9) & (row < 1e5)
        if shown.any():
            x = data.gradients[shown]
            level = np.log(row[shown]).mean() - np.log(rate) * x.mean()
            ax.semilogy(x, np.exp(level + np.log(rate) * x), ":", color=INK, linewidth=1.1)
    ax.set(xlim=(0, last), ylim=(1e-10, 1e2), xlabel="gradients of each player")
    ax.set_ylabel("distance from the equilibrium")
    ax.legend(fontsize=7, loc="lower right", title="and rate per gradient", title_fontsize=7)


def _tell_per_gradient(data: PerGradient) -> str:
    parts = "; ".join(
        f"{name} {number(rate, 6)}" for name, rate in zip(data.names, data.rate, strict=True)
    )
    return (
        f"One bilinear game with singular values 1/{number(data.condition_number)} and 1, every "
        "method with the best parameters for it (at once with a small step, since no step "
        "converges, and descent in turn at α = 1), against the gradients of each player: "
        f"extragradient takes two a step, the Hamiltonian two products. Rates "
        f"per gradient: {parts}. Dotted: the predicted slopes. "
        "Among methods that take gradients only, negative momentum in turn is fastest here; the "
        "Hamiltonian, a minimization, beats all."
    )


PER_GRADIENT = Figure(
    slug="methods-per-gradient",
    title="All methods on one bilinear game, per gradient",
    source=Citation(None),
    claims=(
        "negative-momentum-in-turn-wins-per-gradient",
        "best-momentum-in-turn-for-a-range",
        "optimistic-gradient-is-imaginary-momentum",
        "consensus-leaves-the-imaginary-axis",
    ),
    compute=_per_gradient,
    draw=_draw_per_gradient,
    caption=_tell_per_gradient,
    size=(WIDTH, 4.3),
    quick={"gradients": 300},
)


# Complex momentum ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Turned:
    """Best rate over the argument of momentum ``(curvatures, phases)``, and two plays."""

    phase: Array
    argument: Array
    rate: Array
    played_phase: Array
    played: Array


def _best_rate(curvature: complex, phase: Array, points: int, closer: int) -> Array:
    """The best radius for each argument, on grids of modulus and step drawn closer and closer."""
    # The modulus is 1 − e⁻ᵘ: close to one where the argument is close to zero.
    depth, step = np.full(phase.shape, 3.0), np.full(phase.shape, -3.0)
    wide, high = np.full(phase.shape, 3.0), np.full(phase.shape, 4.0)
    best = np.full(phase.shape, np.inf)
    around = np.linspace(-1, 1, points)
    for _ in range(closer):
        depths = np.maximum(depth[:, None, None] + (wide[:, None] * around)[:, :, None], 0)
        steps = np.exp(step[:, None, None] + (high[:, None] * around)[:, None, :])
        method = ComplexMomentum(
            learning_rate=steps, momentum=1 - np.exp(-depths), phase=phase[:, None, None]
        )
        radius = spectral_radius(method, curvature).reshape(len(phase), -1)
        place = np.argmin(radius, axis=-1)
        best = np.minimum(best, radius.min(axis=-1))
        rows = np.arange(len(phase))
        depth = depths[rows, place // points, 0]
        step = np.log(steps[rows, 0, place % points])
        wide, high = wide / 2.5, high / 2.5
    return best


def _turned(*, phases: int = 49, points: int = 21, rounds: int = 300, closer: int = 7) -> Turned:
    phase = np.linspace(0, np.pi, phases)
    argument = np.array([0, np.pi / 4, np.pi / 2])
    rate = np.stack([_best_rate(np.exp(1j * psi), phase, points, closer) for psi in argument])
    played = np.array([0.0, 3 * np.pi / 8, np.pi])
    method = ComplexMomentum(learning_rate=0.537, momentum=0.68, phase=played)
    path = play(method, BilinearGame(1.0), steps=rounds, play="simultaneous").distance.T
    return Turned(
        phase=phase,
        argument=argument,
        rate=rate,
        played_phase=played,
        played=np.clip(path, 1e-13, 1e30),
    )


def _draw_turned(data: Turned, axes: Any) -> None:
    left, right = axes[0, 0], axes[0, 1]
    names = ("1 (minimization)", "$e^{i\\pi/4}$", "$i$ (rotation)")
    for rate, name, color in zip(data.rate, names, (GRAY, COLORS[2], COLORS[0]), strict=True):
        left.plot(np.degrees(data.phase), rate, color=color, label=f"$h$ = {name}")
    left.axhline(1, color=INK, linewidth=0.9)
    left.set(xlim=(0, 180), ylim=(-0.02, 1.05), xlabel="argument of momentum in degrees")
    left.set_xticks([0, 45, 90, 135, 180])
    left.set_ylabel("best rate at once")
    left.legend(fontsize=7, loc=(0.3, 0.08))
    for path, phase, color in zip(
        data.played, data.played_phase, (COLORS[1], COLORS[0], COLORS[4]), strict=True
    ):
        right.semilogy(path, color=color, label=f"{np.degrees(phase):.4g}°")
    right.set(xlim=(0, data.played.shape[-1] - 1), ylim=(1e-13, 1e10), xlabel="round")
    right.set_title("played at once, $h = i$", size=9)
    right.set_ylabel("distance")
    right.legend(fontsize=7, title="argument", title_fontsize=7)


def _tell_turned(data: Turned) -> str:
    best = int(np.argmin(data.rate[2]))
    inside = data.phase[data.rate[2] < 1 - 1e-6]
    return (
        "Complex momentum βe^{iφ}, both players at once: the best rate over modulus and step "
        "against the argument φ, for three curvatures. On a rotation (h = i) real momentum, "
        "positive (0°) or negative (180°), never contracts; arguments between do, here from "
        f"{number(np.degrees(inside[0]), 3)}° to {number(np.degrees(inside[-1]), 3)}°, best near "
        f"{number(np.degrees(data.phase[best]), 3)}° with {number(data.rate[2, best], 4)}. Right: "
        "play with |β| = 0.68 and α = 0.537."
    )


TURNED = Figure(
    slug="complex-momentum",
    title="Momentum with an argument converges where every real momentum fails",
    source=Citation("lorraine2022"),
    claims=(
        "complex-momentum-converges-where-real-fails",
        "optimistic-gradient-is-imaginary-momentum",
    ),
    compute=_turned,
    draw=_draw_turned,
    caption=_tell_turned,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"phases": 7, "points": 9, "rounds": 40, "closer": 2},
    remark="The paper's method; this picture is ours.",
)


# Noise -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Settled radius and rate over momentum ``(steps, momenta)``; played radii with errors."""

    learning_rate: Array
    momentum: Array
    radius: Array
    rate: Array
    played_momentum: Array
    played: Array
    error: Array
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
    sequence = np.random.SeedSequence(seed).spawn(len(steps))
    played, error = [], []
    for step, child in zip(steps, sequence, strict=True):
        method = HeavyBall(learning_rate=step, momentum=few)
        rounds = int(80 / step)
        run = play(
            method, game, steps=rounds, replicas=replicas, noise_variance=1.0, seed=child,
            start=np.zeros(2),
        )  # fmt: skip
        square = run.distance[-1] ** 2
        played.append(np.sqrt(square.mean(axis=-1)))
        error.append(square.std(axis=-1) / np.sqrt(replicas) / (2 * played[-1]))
    return Noise(
        learning_rate=steps,
        momentum=momentum,
        radius=stationary_radius(ball, game, 1.0),
        rate=spectral_radius(ball, game),
        played_momentum=few,
        played=np.stack(played),
        error=np.stack(error),
        seed=seed,
    )


def _draw_noise(data: Noise, axes: Any) -> None:
    left, right = axes[0, 0], axes[0, 1]
    for index, color in enumerate((COLORS[0], COLORS[2], COLORS[1])):
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
    left.legend(fontsize=8)
    right.set(xlabel="spectral radius of a round", ylabel="settled distance", ylim=(0, None))
    right.set_title("noise against speed")


def _tell_noise(data: Noise) -> str:
    return (
        "The game 0.025x² + xy − 0.025y² in turn with unit noise in every gradient. Left: the root "
        "mean square distance at which the players settle, from the operator of a round (curves) "
        f"and from plays (dots, three standard errors, seed {data.seed}), for momenta down to "
        f"{number(data.momentum[0])}. Right: the same against the radius of a round; rings: almost "
        "no momentum. Negative momentum makes a turning game both faster and quieter, until it "
        "is overdone."
    )


NOISE = Figure(
    slug="noise-in-games",
    title="Negative momentum in noise: faster and quieter, up to a point",
    source=Citation(None),
    claims=("noisy-players-settle-at-a-radius",),
    compute=_noise,
    draw=_draw_noise,
    caption=_tell_noise,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"replicas": 50, "points": 21},
)
