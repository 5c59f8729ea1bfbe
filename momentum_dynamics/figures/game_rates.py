"""What each method reaches in games: laws of the condition, and rates per gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.monotone_games import monotone_corners
from momentum_dynamics.claims.monotone_turns import scalar_class, turns_gap
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.methods import (
    Extragradient,
    GradientDescent,
    HeavyBall,
    Method,
    OptimisticGradient,
)
from momentum_dynamics.problems import BilinearGame, HamiltonianDescent
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
            [turns_gap(kappa) for kappa in kappas],
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
        "1/(2κ²), 4/(3√3)κ^(−3/2), the exact one of descent in turn, and 8/(27κ²); for "
        "extragradient the slope −1 through the last dot. Slopes over the last three: "
        f"{slopes}. At once momentum gains half a power with β near −1 (right; dotted: "
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
    ax.legend(fontsize=7, loc="lower right", title="rate per gradient", title_fontsize=7)


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
