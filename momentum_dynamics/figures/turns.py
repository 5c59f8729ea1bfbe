"""Why negative momentum needs turns: the push of moving at once against the pull of momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import eigenvalues, spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import games, regions
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]
ORDERS = ("simultaneous", "alternating")
WORDS = {"simultaneous": "at once", "alternating": "in turn"}
AT_ONCE, IN_TURN = COLORS[1], COLORS[0]


# Why -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Why:
    """Descent's orbits ``(orders, rounds + 1, 2)``; pull, push and growth over momentum −m."""

    learning_rate: float
    orbits: Array
    ellipse: Array
    strength: Array
    pull: Array
    push: Array
    growth: Array
    played_strength: Array
    played: Array
    played_rate: float


def _why(
    *,
    learning_rate: float = 0.4,
    rounds: int = 18,
    small: float = 0.05,
    points: int = 181,
    played_rounds: int = 2000,
) -> Why:
    game, unit = BilinearGame(1.0), 1.0
    start = np.array([1.0, 0.0])
    orbits = [
        play(
            GradientDescent(learning_rate=learning_rate), game, steps=rounds, play=order,
            start=start,
        ).outputs
        for order in ORDERS
    ]  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, points)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    level = games.orbit_invariant(learning_rate, *start)
    scale = np.sqrt(level / games.orbit_invariant(learning_rate, *circle.T))
    strength = np.linspace(0, 0.98, points)
    in_turn = games.alternating_growth(unit, -strength, -strength) - 1
    push = games.delay_push(unit, -strength)
    grid = np.linspace(-0.9, 0.3, 13)
    ball = HeavyBall(learning_rate=small, momentum=grid)
    # Rates are read off the second half of the play, where the fast roots are gone.
    played = []
    for order in ORDERS:
        distance = play(ball, game, steps=played_rounds, play=order).distance
        half = played_rounds // 2
        rate = (distance[-1] / distance[half]) ** (1 / (played_rounds - half))
        played.append((rate - 1) / small**2)
    momentum = np.linspace(-0.95, 0.3, points)
    return Why(
        learning_rate=float(learning_rate),
        orbits=np.stack(orbits),
        ellipse=circle * scale[:, None],
        strength=strength,
        pull=-in_turn,
        push=push,
        growth=np.stack(
            [
                momentum,
                games.simultaneous_growth(unit, momentum) - 1,
                games.alternating_growth(unit, momentum, momentum) - 1,
            ]
        ),
        played_strength=grid,
        played=np.stack(played),
        played_rate=float(small),
    )


def _draw_why(data: Why, axes: Any) -> None:
    left, middle, right = axes["a"], axes["b"], axes["c"]
    left.plot(*data.ellipse.T, color=GRAY, linewidth=1.2)
    for orbit, order, color in zip(data.orbits, ORDERS, (AT_ONCE, IN_TURN), strict=True):
        left.plot(*orbit.T, "o-", color=color, markersize=3, linewidth=1, label=WORDS[order])
    left.plot(*data.orbits[0, 0], "o", color="white", markeredgecolor=INK, markersize=6, zorder=5)
    left.plot(0, 0, "+", color=INK, markersize=8)
    reach = 1.08 * np.abs(data.orbits[0]).max()
    left.set(
        xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="first player",
        ylabel="second player",
    )  # fmt: skip
    left.set_title("without momentum")
    left.legend(loc="lower left", fontsize=7)
    middle.plot(data.strength, data.push, color=AT_ONCE, label="push of moving at once")
    middle.plot(data.strength, data.pull, color=COLORS[2], label="pull of momentum $-m$")
    middle.fill_between(data.strength, data.pull, data.push, color=AT_ONCE, alpha=0.12)
    top = int(np.argmax(data.pull))
    middle.plot(data.strength[top], data.pull[top], "o", color=COLORS[2], markersize=5)
    middle.annotate(
        f"strongest at $m = {data.strength[top]:.2f}$", (data.strength[top], data.pull[top]),
        (-4, -24), textcoords="offset points", fontsize=7, color=INK, ha="center",
    )  # fmt: skip
    middle.set(xlim=(0, 1), ylim=(0, 0.55), xlabel="strength $m$ of negative momentum")
    middle.set_ylabel("per round, over $(\\alpha s)^2$")
    middle.set_title("the push always wins")
    middle.legend(loc="upper right", fontsize=7)
    momentum, at_once, in_turn = data.growth
    right.axhline(0, color=INK, linewidth=0.9)
    right.axvline(0, color=GRAY, linewidth=0.9)
    right.plot(momentum, at_once, color=AT_ONCE, label="at once")
    right.plot(momentum, in_turn, color=IN_TURN, label="in turn")
    for played, color in zip(data.played, (AT_ONCE, IN_TURN), strict=True):
        right.plot(data.played_strength, played, "o", color=color, markersize=3.5)
    right.fill_between(momentum, 0, in_turn, where=in_turn < 0, color=IN_TURN, alpha=0.15)
    right.text(-0.52, -0.09, "converges", ha="center", fontsize=7, color=IN_TURN)
    right.set(xlim=(-1, 0.3), ylim=(-0.25, 1.1), xlabel=label("momentum"))
    right.set_ylabel("growth per round, over $(\\alpha s)^2$")
    right.set_title("in turn there is no push")
    right.legend(loc="upper left", fontsize=7)


def _tell_why(data: Why) -> str:
    top = int(np.argmax(data.pull))
    return (
        f"The game min max x·s·y. Left: {data.orbits.shape[1] - 1} rounds of plain descent from "
        f"the ring, αs = {number(data.learning_rate)}: whoever moves at once answers to where the "
        "other stood, steps along the tangent and is pushed outwards; in turn the players stay on "
        "an ellipse. "
        "Middle: for small steps, growth at once is exactly a push 1/(2(1 + m)²) outwards minus "
        "the pull m/(1 + m)³ of momentum −m inwards (times (αs)²). The pull is at most "
        f"{number(data.pull[top], 3)}, at m = {number(data.strength[top], 2)}, and less than the "
        "push for every m < 1: at once, negative momentum slows divergence and never stops it. "
        "Right: in turn there is no push, so any negative momentum converges, and any positive one "
        f"diverges. Dots: played at αs = {number(data.played_rate)}. In words: on a rotation "
        "whoever answers late is driven outwards and whoever answers early inwards, by lag times "
        "step squared. A straight step at once is half a round late, since the other moves "
        "meanwhile; taking turns, the second mover makes up for it. Momentum −m takes steps "
        "α/(1 + m) and is m/(1 + m) rounds early: less than half a round, for every m < 1."
    )


WHY = Figure(
    slug="why-taking-turns-matters",
    title="Why negative momentum needs turns: a pull too weak for the push of moving at once",
    source=Citation("gidel2019"),
    claims=("small-steps-in-turn", "two-momenta-in-turn", "no-two-momenta-converge-at-once"),
    compute=_why,
    draw=_draw_why,
    caption=_tell_why,
    panels="abc",
    size=(WIDTH, 2.9),
    quick={"points": 61, "played_rounds": 400},
    remark="The paper's statement; the split into push and pull, and the picture, are ours.",
)


# Root loci -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundLoci:
    """The four roots of a round ``(orders, momenta, steps, 4)`` and their largest modulus."""

    momentum: Array
    step: Array
    roots: NDArray[np.complex128]
    radius: Array


def _round_loci(
    *, momentum: Sequence[float] = (-0.4, 0.0, 0.3), largest_step: float = 2.2, points: int = 221
) -> RoundLoci:
    momenta = np.asarray(momentum, dtype=float)
    step = np.linspace(0, largest_step, points)
    ball = HeavyBall(learning_rate=step, momentum=momenta[:, None])
    roots = np.stack([eigenvalues(ball, BilinearGame(1.0), play=order) for order in ORDERS])
    # In an order that does not hang on the solver's.
    keys = np.round(np.angle(roots), 9) + 10 * np.round(np.abs(roots), 9)
    roots = np.take_along_axis(roots, np.argsort(keys, axis=-1), axis=-1)
    return RoundLoci(momentum=momenta, step=step, roots=roots, radius=np.abs(roots).max(axis=-1))


def _draw_round_loci(data: RoundLoci, axes: Any) -> None:
    turn = np.linspace(0, 2 * np.pi, 200)
    shades = np.repeat(data.step, data.roots.shape[-1])
    for row, order in enumerate(ORDERS):
        for column, momentum in enumerate(data.momentum):
            ax = axes[row, column]
            ax.fill(np.cos(turn), np.sin(turn), color="#eef3f8", zorder=0)
            ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.9)
            roots = data.roots[row, column].ravel()
            dots = ax.scatter(
                roots.real, roots.imag, c=shades, s=3, cmap="viridis", linewidths=0, rasterized=True
            )
            first = data.roots[row, column, 0]
            ax.plot(first.real, first.imag, "x", color=INK, markersize=5)
            ax.set(xlim=(-1.75, 1.75), ylim=(-1.45, 1.45), aspect="equal")
            ax.set_xticks([-1, 0, 1])
            ax.set_yticks([-1, 0, 1])
            if row == 0:
                ax.set_title(f"$\\beta = {momentum:g}$")
                ax.set_xticklabels([])
            else:
                ax.set_xlabel("real part")
            if column == 0:
                ax.set_ylabel(f"{WORDS[order]}\nimaginary part")
            else:
                ax.set_yticklabels([])
            inside = data.radius[row, column, 1:] < 1 - 1e-9
            outside = data.step[1:][~inside]
            words = "never all inside"
            if inside.any():
                words = f"inside below {outside[0]:.2f}" if outside.size else "inside"
            ax.text(
                0.02, 0.96, words, transform=ax.transAxes, va="top", fontsize=7, color=INK,
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
            )  # fmt: skip
    bar = axes[0, 0].figure.colorbar(dots, ax=axes, pad=0.01, aspect=30)
    bar.set_label("learning rate × singular value $\\alpha s$")
    bar.outline.set_visible(False)


def _tell_round_loci(data: RoundLoci) -> str:
    limits = ", ".join(
        f"{number(regions.heavy_ball_step_limit(momentum))} at β = {number(momentum)}"
        for momentum in data.momentum
        if momentum < 0
    )
    return (
        "The four roots of one round of min max x·s·y as αs grows from 0 (crosses) to "
        f"{number(data.step[-1])}, with the unit circle: a round multiplies distances by their "
        "moduli, so that all must be inside. At once the pair that starts at 1 leaves "
        "the circle straight away, whatever the momentum. In turn it runs along the "
        "circle without momentum, outside with positive and inside with negative momentum, until "
        f"αs = 2(1 + β), where a root leaves through −1: {limits}."
    )


ROUND_LOCI = Figure(
    slug="how-a-round-moves-its-roots",
    title="The roots of a round: turns bend them along the circle, negative momentum inside",
    source=Citation("gidel2019"),
    claims=(
        "best-momentum-in-turn-for-one-singular-value",
        "negative-momentum-converges-on-alternating-bilinear-games",
    ),
    compute=_round_loci,
    draw=_draw_round_loci,
    caption=_tell_round_loci,
    panels=(2, 3),
    size=(WIDTH, 4.0),
    quick={"points": 81},
    remark="The paper's statement; the picture is ours.",
)


# The grid --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Radius ``(orders, momenta, steps)``; plays as distances after many rounds; named optima."""

    step: Array
    momentum: Array
    radius: NDArray[np.float32]
    limit: Array
    played_step: Array
    played_momentum: Array
    converges: Array
    optima: Array


def _grid(*, points: int = 301, played: int = 9, rounds: int = 3000) -> Grid:
    game = BilinearGame(1.0)
    step, momentum = np.linspace(0.01, 2.2, points), np.linspace(-0.99, 0.5, points)
    ball = HeavyBall(learning_rate=step, momentum=momentum[:, None])
    radius = [spectral_radius(ball, game, play=order) for order in ORDERS]
    few_steps, few_momenta = np.linspace(0.2, 2.0, played), np.linspace(-0.9, 0.35, played)
    few = HeavyBall(learning_rate=few_steps, momentum=few_momenta[:, None])
    converges = []
    for order in ORDERS:
        distance = play(few, game, steps=rounds, play=order).distance
        converges.append((distance[-1] < distance[0] / 10).astype(float))
    best, spread = games.best_alternating(1.0), games.minimax_alternating(1.0)
    return Grid(
        step=step,
        momentum=momentum,
        radius=np.stack(radius).astype(np.float32),
        limit=np.asarray(regions.heavy_ball_step_limit(momentum)),
        played_step=few_steps,
        played_momentum=few_momenta,
        converges=np.stack(converges),
        optima=np.array([best[:2], spread[:2]]),
    )


_PLATE = {"boxstyle": "round,pad=0.1", "fc": "#e9e9ec", "ec": "none"}
"""The ground on which a round does not contract, under the words too."""


def _draw_grid(data: Grid, axes: Any) -> None:
    extent = (data.step[0], data.step[-1], data.momentum[0], data.momentum[-1])
    for index, order in enumerate(ORDERS):
        ax = axes[0, index]
        inside = np.ma.masked_greater_equal(data.radius[index], 1 - 1e-7)
        image = ax.imshow(
            inside, extent=extent, origin="lower", aspect="auto", cmap="viridis", vmin=0.4, vmax=1,
            interpolation="nearest", rasterized=True,
        )  # fmt: skip
        ax.set_facecolor(_PLATE["fc"])
        ax.grid(visible=False)
        x, y = np.meshgrid(data.played_step, data.played_momentum)
        good = data.converges[index] > 0
        ax.plot(x[good], y[good], "o", color="white", markersize=3.5, markeredgecolor=INK,
                markeredgewidth=0.5)  # fmt: skip
        ax.plot(x[~good], y[~good], "x", color="#555555", markersize=3.5, markeredgewidth=0.9)
        ax.set(
            xlim=extent[:2], ylim=extent[2:], xlabel="learning rate × singular value $\\alpha s$"
        )
        ax.set_title(WORDS[order])
        if order == "alternating":
            below = data.momentum <= 0
            ax.plot(data.limit[below], data.momentum[below], color=INK, linewidth=1.8)
            ax.plot([0, 2], [0, 0], color=INK, linewidth=1.8)
            ax.text(1.12, -0.56, "$\\alpha s = 2(1 + \\beta)$", rotation=33, fontsize=8, color=INK,
                    ha="center", va="center", rotation_mode="anchor", bbox=_PLATE)  # fmt: skip
            for (place, height), name, shift in zip(
                data.optima, ("fastest", "for a range"), ((-14, 19), (-52, -3)), strict=True
            ):
                ax.plot(place, height, "*", color=COLORS[1], markersize=9, markeredgecolor="white")
                ink = "white" if shift[0] < -20 else INK
                ax.annotate(
                    name, (place, height), shift, textcoords="offset points", fontsize=7, color=ink
                )
            ax.set_yticklabels([])
        else:
            ax.set_ylabel(label("momentum"))
    bar = axes[0, 0].figure.colorbar(image, ax=axes[0, :].tolist(), pad=0.01, aspect=18)
    bar.set_label("spectral radius of a round")
    bar.outline.set_visible(False)


def _tell_grid(data: Grid) -> str:
    best, spread = data.optima
    share = int(data.converges[1].sum())
    return (
        "Spectral radius of a round of min max x·s·y over αs and β, gray where it does not "
        "contract. At once it never does. In turn it does exactly for −1 < β < 0 and αs < "
        f"2(1 + β) (black). Stars: the fastest (αs = {number(best[0], 4)}, β = "
        f"{number(best[1], 3)}) and the best for all singular values below s (αs = "
        f"{number(spread[0], 3)}, β = {number(spread[1], 3)}). Dots and crosses: plays that "
        f"converged or did not; in turn {share} of {data.converges[1].size} converged."
    )


GRID = Figure(
    slug="bilinear-grid",
    title="Which momentum and step tame a bilinear game",
    source=Citation("gidel2019"),
    claims=(
        "negative-momentum-converges-on-alternating-bilinear-games",
        "simultaneous-bilinear-play-diverges",
        "both-momenta-at-minus-one-half-keep-the-printed-rate",
        "one-momentum-at-minus-one-half-keeps-the-printed-rate",
    ),
    compute=_grid,
    draw=_draw_grid,
    caption=_tell_grid,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"points": 61, "rounds": 300},
    remark=(
        "After the paper's grid of distances after many rounds; here the radius, which is exact, "
        "with its frontier in closed form."
    ),
)
