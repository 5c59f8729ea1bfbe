"""One pair of complex curvatures: its best momentum, and how momentum moves eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import eigenvalues, spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import shapes
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import QuadraticGame

__all__: list[str] = []

Array = NDArray[np.float64]
_TURN = np.linspace(0, 2 * np.pi, 200)


# One pair --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Plane:
    """Best momentum and rate over the plane of curvatures, and both rates along the angle."""

    pull: Array
    turn: Array
    momentum: Array
    rate: Array
    angle: Array
    descent_rate: Array
    pair_rate: Array
    searched_angle: Array
    searched: Array


def _plane(*, points: int = 161, searched: int = 8) -> Plane:
    pull, turn = np.linspace(1e-3, 2, points), np.linspace(-2, 2, 2 * points - 1)
    angle = np.abs(np.arctan2(turn[:, None], pull))
    line = np.linspace(0, np.pi / 2, points)
    few = np.linspace(0.1, 1.45, searched)
    found = []
    for psi in few:
        pair = [np.exp(1j * psi)]
        found.append(
            [
                float(np.max(spectral_radius(tune(kind, spectrum=pair), pair)))
                for kind in ("gradient-descent", "heavy-ball")
            ]
        )
    return Plane(
        pull=pull,
        turn=turn,
        momentum=np.asarray(shapes.pair_momentum(angle)),
        rate=np.asarray(shapes.pair_rate(angle)),
        angle=line,
        descent_rate=np.asarray(shapes.pair_descent_rate(line)),
        pair_rate=np.asarray(shapes.pair_rate(line)),
        searched_angle=few,
        searched=np.array(found).T,
    )


def _draw_plane(data: Plane, axes: Any) -> None:
    extent = (data.pull[0], data.pull[-1], data.turn[0], data.turn[-1])
    for name, values, title in (
        ("l", data.momentum, "best momentum"),
        ("m", data.rate, "rate with it"),
    ):
        ax = axes[name]
        low = -1 if name == "l" else 0
        image = ax.imshow(
            values, extent=extent, origin="lower", cmap="viridis", vmin=low, vmax=low + 1,
            interpolation="nearest", rasterized=True, aspect="auto",
        )  # fmt: skip
        for sign in (1, -1):
            ax.plot([0, 2], [0, 2 * sign], color="white", linewidth=1.2)
            ax.plot([0, 2], [0, 2 * sign / np.sqrt(3)], ":", color="white", linewidth=1.2)
        ax.set(xlabel="real part of $h$", title=title)
        ax.grid(visible=False)
        bar = ax.figure.colorbar(image, ax=ax, pad=0.02, aspect=18)
        bar.outline.set_visible(False)
    axes["l"].set_ylabel("imaginary part of $h$")
    chart = axes["r"]
    degrees = np.degrees(data.angle)
    for height, color, values, name in (
        (0.15, GRAY, data.descent_rate, "descent, $\\sin\\psi$"),
        (0.06, COLORS[0], data.pair_rate, "momentum, $\\tan(\\psi/2)$"),
    ):
        chart.plot(degrees, values, color=color)
        chart.text(88, height, name, color=color, fontsize=7.5, ha="right",
                   bbox={"fc": "white", "ec": "none", "pad": 0.5})  # fmt: skip
    for values, color in zip(data.searched, (GRAY, COLORS[0]), strict=True):
        chart.plot(np.degrees(data.searched_angle), values, "o", color=color, markersize=4)
    chart.axvline(30, color=INK, linestyle=":", linewidth=1)
    chart.set(xlim=(0, 90), ylim=(0, 1.02), xlabel="argument $\\psi$ in degrees")
    chart.set_xticks([0, 30, 60, 90])
    chart.set_title("best rate")


def _tell_plane(data: Plane) -> str:
    gap = np.abs(data.searched - [
        shapes.pair_descent_rate(data.searched_angle), shapes.pair_rate(data.searched_angle)
    ]).max()  # fmt: skip
    return (
        "One conjugate pair of curvatures with argument ψ, both players at once: the best momentum "
        "is −tan²(ψ/2), none on the real axis and −1 on the imaginary one, and reaches the rate "
        "tan(ψ/2), against sin ψ of descent. White: ψ = 45°; dotted: 30°, from where on a little "
        "negative momentum helps at every step that the theorem allows. Dots: searches without the "
        f"formula, which agree within {number(gap, 1)}."
    )


PLANE = Figure(
    slug="best-momentum-over-the-complex-plane",
    title="The more a game turns, the more negative the best momentum",
    source=Citation("gidel2019"),
    claims=("half-angle-law", "little-negative-momentum-helps-from-thirty-degrees"),
    compute=_plane,
    draw=_draw_plane,
    caption=_tell_plane,
    panels="llmmrr",
    size=(WIDTH, 2.9),
    quick={"points": 41, "searched": 3},
    remark="The paper's question; the closed forms and the picture are ours.",
)


# Gidel's eigenvalues ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Eigenvalues:
    """Paths of eigenvalues ``(methods, steps, count)`` of the named game, and radii over α."""

    step: Array
    momentum: Array
    roots: NDArray[np.complex128]
    radius: Array
    marked: float
    marked_radius: Array
    best_descent: float
    best_rate: float
    best_momentum: float
    best_step: float


def _eigenvalues(
    *, momentum: float = -0.25, learning_rate: float = 1.55, points: int = 201
) -> Eigenvalues:
    game = QuadraticGame.named("gidel")
    step = np.linspace(0, 2, points)
    best = tune(HeavyBall, game=game, play="simultaneous")
    descent = tune(GradientDescent, game=game, play="simultaneous")
    momenta = np.array([0.0, momentum, best.momentum])
    ball = HeavyBall(learning_rate=step, momentum=momenta[:, None])
    there = HeavyBall(learning_rate=learning_rate, momentum=momenta)
    return Eigenvalues(
        step=step,
        momentum=momenta,
        roots=eigenvalues(ball, game, play="simultaneous"),
        radius=spectral_radius(ball, game, play="simultaneous"),
        marked=float(learning_rate),
        marked_radius=spectral_radius(there, game, play="simultaneous"),
        best_descent=float(spectral_radius(descent, game, play="simultaneous")),
        best_rate=float(spectral_radius(best, game, play="simultaneous")),
        best_momentum=float(best.momentum),
        best_step=float(best.learning_rate),
    )


def _draw_eigenvalues(data: Eigenvalues, axes: Any) -> None:
    left, right = axes["l"], axes["r"]
    left.plot(np.cos(_TURN), np.sin(_TURN), color=INK, linewidth=1)
    place = int(np.argmin(np.abs(data.step - data.marked)))
    for index, color in ((0, COLORS[1]), (1, COLORS[2])):
        roots = data.roots[index]
        left.plot(roots.real.ravel(), roots.imag.ravel(), ".", color=color, markersize=2)
        at = roots[place]
        left.plot(at.real, at.imag, "o", color=color, markersize=5)
        radius = data.marked_radius[index]
        left.plot(radius * np.cos(_TURN), radius * np.sin(_TURN), "--", color=color, linewidth=1.2)
    left.set(xlim=(-1.25, 1.25), ylim=(-1.35, 1.35), aspect="equal")
    left.set(xlabel="real part", ylabel="imaginary part", title="eigenvalues")
    names = (
        "no momentum",
        f"$\\beta = {data.momentum[1]:g}$",
        f"best, $\\beta = {data.momentum[2]:.3f}$",
    )
    for radius, color, name in zip(
        data.radius, (COLORS[1], COLORS[2], COLORS[0]), names, strict=True
    ):
        right.plot(data.step, radius, color=color, label=name)
    right.axhline(1, color=INK, linewidth=0.9)
    right.axvline(data.marked, color=GRAY, linewidth=1, linestyle="--")
    right.plot(data.best_step, data.best_rate, "o", color=COLORS[0], markersize=5)
    right.set(xlim=(0, 2), ylim=(0.5, 1.3), xlabel=label("learning_rate"), title="spectral radius")
    right.legend(loc="upper center", fontsize=8)


def _tell_eigenvalues(data: Eigenvalues) -> str:
    return (
        "The game 0.2x² + 0.6xy − 0.2y² with curvatures 0.4 ± 0.6i, both players at once. Left: "
        "eigenvalues as α grows from 0 to 2 (orange: plain, green: momentum "
        f"{number(data.momentum[1])}), dots and dashed circles of the spectral radius at α = "
        f"{number(data.marked)}: {number(data.marked_radius[0], 5)} without and "
        f"{number(data.marked_radius[1], 4)} with momentum. Right: the radius over α. Descent "
        f"reaches {number(data.best_descent, 4)} at best, momentum {number(data.best_momentum, 4)} "
        f"with α = {number(data.best_step, 5)} reaches {number(data.best_rate, 4)}, the half-angle "
        "law."
    )


EIGENVALUES = Figure(
    slug="eigenvalues-with-negative-momentum",
    title="Negative momentum pulls the eigenvalues of a turning game inside",
    source=Citation("gidel2019"),
    claims=("little-negative-momentum-helps-from-thirty-degrees", "half-angle-law"),
    compute=_eigenvalues,
    draw=_draw_eigenvalues,
    caption=_tell_eigenvalues,
    panels="lr",
    size=(WIDTH, 3.6),
    quick={"points": 41},
    remark="After the paper's picture of this game; its parameters were found by elimination.",
)
