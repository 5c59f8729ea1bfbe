"""What each method reaches in games: laws of the condition, and rates per gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    ComplexMomentum,
    Extragradient,
    GradientDescent,
    HeavyBall,
    OptimisticGradient,
)
from momentum_dynamics.problems import BilinearGame, Consensus, HamiltonianDescent
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


def _gaps(
    *, condition_number: Sequence[float] = (10.0, 30.0, 100.0, 300.0, 1000.0), points: int = 4
) -> Gaps:
    kappas = np.asarray(condition_number, dtype=float)
    gaps = np.empty((5, len(kappas)))
    momentum = np.empty((3, len(kappas)))
    for index, kappa in enumerate(kappas):
        corners = monotone_corners(kappa)
        family = scalar_class(kappa, points)
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
    quick={"condition_number": (10.0, 30.0), "points": 2},
    remark="The papers' orders of κ; constants, class of scalar games and picture are ours.",
)


# Per gradient ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class PerGradient:
    """Distances ``(methods, gradients + 1)`` on one bilinear game, rates per gradient, means."""

    condition_number: float
    names: NDArray[np.str_]
    cost: Array
    averaged: NDArray[np.int_]
    gradients: Array
    distance: Array
    rate: Array


class Contender(NamedTuple):
    """A tuned method, the field that it follows, and what a round costs each player."""

    name: str
    method: Any
    field: Game
    play: str
    cost: int = 1
    averaged: bool = False


def _contenders(game: BilinearGame, low: float) -> list[Contender]:
    turned, drawn = HamiltonianDescent(game), Consensus(game, 1.0)
    plain = GradientDescent(learning_rate=1.0)

    def at_once(kind: Any) -> Any:
        return tune(kind, game=game, play="simultaneous")

    return [
        Contender("momentum −1/2, at once", HeavyBall(learning_rate=low, momentum=-0.5), game,
                  "simultaneous"),
        Contender("momentum 0.1, in turn", HeavyBall(learning_rate=low, momentum=0.1), game,
                  "alternating"),
        Contender("descent in turn", plain, game, "alternating"),
        Contender("mean of descent in turn", plain, game, "alternating", averaged=True),
        Contender("complex momentum", at_once(ComplexMomentum), game, "simultaneous"),
        Contender("optimistic", at_once(OptimisticGradient), game, "simultaneous"),
        Contender("extragradient", at_once(Extragradient), game, "simultaneous", 2),
        Contender("one negative momentum in turn", tune((HeavyBall, GradientDescent), game=game),
                  game, "alternating"),
        Contender("negative momentum in turn", tune(HeavyBall, game=game), game, "alternating"),
        Contender("consensus, γ = 1", tune(GradientDescent, game=drawn, play="simultaneous"),
                  drawn, "simultaneous", 2),
        Contender("momentum on the Hamiltonian",
                  tune("heavy-ball", spectrum=turned.spectrum().real), turned, "simultaneous", 2),
    ]  # fmt: skip


def _per_gradient(*, condition_number: float = 5.0, gradients: int = 800) -> PerGradient:
    low = 1 / condition_number
    game = BilinearGame(np.diag([low, 1.0]))
    contenders = _contenders(game, low)
    rows, rates = [], []
    for _, method, field, order, cost, averaged in contenders:
        # A step of extragradient is one gradient; a round makes the two of them.
        run = play(method, field, steps=gradients // cost, play=order)
        distance = np.linalg.norm(run.average, axis=-1) if averaged else run.distance
        row = np.repeat(distance, cost)[: gradients + 1]
        rows.append(np.append(row, row[-1:]) if len(row) <= gradients else row)
        rates.append(float(spectral_radius(method, field, play=order)) ** (1 / cost))
    floor = 1e-13
    return PerGradient(
        condition_number=float(condition_number),
        names=np.array([each.name for each in contenders]),
        cost=np.array([float(each.cost) for each in contenders]),
        averaged=np.array([int(each.averaged) for each in contenders]),
        gradients=np.arange(gradients + 1.0),
        distance=np.maximum(np.stack(rows), floor),
        rate=np.array(rates),
    )


def _draw_per_gradient(data: PerGradient, ax: Any) -> None:
    looks = (
        (COLORS[4], "-"), (COLORS[4], "--"), (GRAY, "-"), (GRAY, "--"), (COLORS[3], "--"),
        (COLORS[3], "-"), (COLORS[1], "-"), (COLORS[5], "-"), (COLORS[0], "-"), (COLORS[2], "--"),
        (COLORS[2], "-"),
    )  # fmt: skip
    last = data.gradients[-1]
    for row, name, rate, averaged, (color, dashes) in zip(
        data.distance, data.names, data.rate, data.averaged, looks, strict=True
    ):
        told = "$1/t$" if averaged else f"{rate:.5f}"
        ax.semilogy(data.gradients, row, dashes, color=color, linewidth=1.4,
                    label=f"{name}, {told}")  # fmt: skip
        half = data.gradients >= last / 2
        shown = half & (row > 1e-9) & (row < 1e5)
        if shown.any() and not averaged:
            x = data.gradients[shown]
            level = np.log(row[shown]).mean() - np.log(rate) * x.mean()
            ax.semilogy(x, np.exp(level + np.log(rate) * x), ":", color=INK, linewidth=1.1)
    ax.set(xlim=(0, last), ylim=(1e-10, 1e2), xlabel="gradients of each player")
    ax.set_ylabel("distance from the equilibrium")
    ax.legend(fontsize=6.5, loc="center left", bbox_to_anchor=(1.01, 0.5),
              title="rate per gradient", title_fontsize=7)  # fmt: skip


def _tell_per_gradient(data: PerGradient) -> str:
    parts = "; ".join(
        f"{name} {number(rate, 6)}"
        for name, rate, averaged in zip(data.names, data.rate, data.averaged, strict=True)
        if not averaged
    )
    return (
        f"One bilinear game with singular values 1/{number(data.condition_number)} and 1, every "
        "method with the best parameters for it (with a small step where none converges, and "
        "descent in turn at α = 1), against the gradients of each player: extragradient takes two "
        "a step, consensus and the Hamiltonian two products. Both players at once where nothing "
        f"else is said. Rates per gradient: {parts}; the mean of all points of descent falls as "
        "1/t. Dotted: the predicted slopes. Among methods that take gradients only, negative "
        "momentum in turn is fastest here; the Hamiltonian, a minimization, beats all, and "
        "consensus is on the way to it. Steps of two sizes are no method of their own: their "
        "product alone counts. A proximal step solves for its answer, and has no price in "
        "gradients."
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
