"""After Goh's page: a path through a banana, the loss by mode; and Nesterov's narrower range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label, product_label, shades
from momentum_dynamics.laws import regions
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.problems.nonquadratic import Banana
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BananaPath:
    """Paths ``(momenta, steps + 1, 2)`` over the loss on a grid."""

    learning_rate: float
    momentum: Array
    across: Array
    along: Array
    loss: Array
    path: Array
    end: Array


def _banana_path(
    *,
    learning_rate: float = 0.003,
    momentum: Sequence[float] = (0.0, 0.8),
    steps: int = 150,
    points: int = 200,
) -> BananaPath:
    problem = Banana()
    chosen = np.asarray(momentum, dtype=float)
    run = simulate(
        HeavyBall(learning_rate=learning_rate, momentum=chosen), problem, steps=steps
    ).points
    across, along = np.linspace(-1.9, 1.6, points), np.linspace(-0.6, 1.2, points)
    grid = np.stack(np.meshgrid(across, along), axis=-1)
    return BananaPath(
        learning_rate=float(learning_rate),
        momentum=chosen,
        across=across,
        along=along,
        loss=np.log10(problem.loss(grid) + 1e-3),
        path=np.moveaxis(run, 1, 0),
        end=np.linalg.norm(run[-1] - problem.solution, axis=-1),
    )


def _draw_banana_path(data: BananaPath, axes: Any) -> None:
    for ax, beta, path in zip(axes[0], data.momentum, data.path, strict=True):
        ax.contourf(data.across, data.along, data.loss, levels=14, cmap="Blues_r", alpha=0.55)
        ax.plot(*path.T, color=COLORS[1], linewidth=0.9)
        ax.plot(*path.T, "o", color=COLORS[1], markersize=2)
        ax.plot(1, 1 / 3, "*", color=INK, markersize=10)
        ax.set(
            xlabel="$x$", title=f"$\\beta = {beta:g}$", xlim=(data.across[0], data.across[-1]),
            ylim=(data.along[0], data.along[-1]),
        )  # fmt: skip
    axes[0, 0].set_ylabel("$y$")
    axes[0, 1].set_yticklabels([])


def _tell_banana_path(data: BananaPath) -> str:
    ends = " and ".join(
        f"{distance:.2g} at β = {number(float(beta))}"
        for beta, distance in zip(data.momentum, data.end, strict=True)
    )
    return (
        f"{data.path.shape[1] - 1} steps with learning rate {number(data.learning_rate)} from "
        "(−1.21, 0.853) along a curved valley to its minimum (star). Without momentum the path "
        "crawls along the floor; with it, it swings and arrives. Distances at the end: "
        f"{ends}."
    )


BANANA = Figure(
    slug="banana",
    title="Momentum through a curved valley",
    source=Citation("goh2017"),
    claims=("heavy-ball-is-symplectic-euler",),
    compute=_banana_path,
    draw=_draw_banana_path,
    caption=_tell_banana_path,
    panels=(1, 2),
    size=(WIDTH, 3.0),
    quick={"points": 80},
    remark="The source's picture has sliders; two settings are shown here.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ByMode:
    """The loss of each mode, ``(methods, modes, steps + 1)``, from the same loss."""

    curvature: Array
    names: tuple[str, ...]
    rates: Array
    loss: Array


def _by_mode(*, curvature: Sequence[float] = (1.0, 10.0, 100.0), steps: int = 120) -> ByMode:
    modes = np.asarray(curvature, dtype=float)
    kinds = ("gradient-descent", "heavy-ball")
    losses, rates = [], []
    for kind in kinds:
        method = tune(
            kind, smallest_curvature=float(modes.min()), largest_curvature=float(modes.max())
        )
        run = simulate(method, Quadratic(modes), steps=steps, start=1 / np.sqrt(modes))
        losses.append((modes * run.outputs**2 / 2).T)
        rates.append(float(np.max(spectral_radius(method, modes))))
    return ByMode(
        curvature=modes,
        names=("gradient descent", "momentum"),
        rates=np.array(rates),
        loss=np.array(losses),
    )


def _draw_by_mode(data: ByMode, axes: Any) -> None:
    step = np.arange(data.loss.shape[-1])
    colors = shades(len(data.curvature))
    for ax, name, rows in zip(axes[0], data.names, data.loss, strict=True):
        for value, row, color in zip(data.curvature, rows, colors, strict=True):
            ax.semilogy(step, np.maximum(row, 1e-12), color=color, label=f"$h = {value:g}$")
        ax.semilogy(step, rows.sum(axis=0), "--", color=INK, linewidth=1, label="whole")
        ax.set(xlabel=label("step"), title=name, xlim=(0, step[-1]), ylim=(1e-6, 20))
    axes[0, 0].set_ylabel("loss")
    axes[0, 1].set_yticklabels([])
    axes[0, 1].legend()


def _tell_by_mode(data: ByMode) -> str:
    whole = data.loss.sum(axis=1)
    steps = [int(np.argmax(row < 0.01 * row[0])) for row in whole]
    shown = [f"after {count} steps" if count else "not in the steps shown" for count in steps]
    return (
        f"Three modes of curvature {', '.join(number(float(h)) for h in data.curvature)}, each "
        "with the same loss at the start, and both methods at their optimum. Gradient descent "
        f"shrinks errors by {data.rates[0]:.4f} a step, equally at both ends (one line); "
        f"momentum by {data.rates[1]:.4f}, with a swell at first. A hundredth of the loss is left "
        f"{shown[0]} and {shown[1]}."
    )


BY_MODE = Figure(
    slug="loss-by-mode",
    title="Who is late: the loss by mode, without and with momentum",
    source=Citation("goh2017"),
    claims=("optimal-heavy-ball",),
    compute=_by_mode,
    draw=_draw_by_mode,
    caption=_tell_by_mode,
    panels=(1, 2),
    size=(WIDTH, 3.0),
    quick={"steps": 60},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranges:
    """Radii of both methods over αh, and the ends of their stable steps over momentum."""

    momentum: float
    step: Array
    ball: Array
    nesterov: Array
    momenta: Array
    ball_limit: Array
    nesterov_limit: Array


def _ranges(*, momentum: float = 0.9, points: int = 500) -> Ranges:
    step, momenta = np.linspace(0.001, 4.2, points), np.linspace(0, 1, points)
    return Ranges(
        momentum=float(momentum),
        step=step,
        ball=np.asarray(spectral_radius(HeavyBall(learning_rate=step, momentum=momentum), 1.0)),
        nesterov=np.asarray(spectral_radius(Nesterov(learning_rate=step, momentum=momentum), 1.0)),
        momenta=momenta,
        ball_limit=np.asarray(regions.heavy_ball_step_limit(momenta), dtype=float),
        nesterov_limit=np.asarray(regions.nesterov_step_limit(momenta), dtype=float),
    )


def _draw_ranges(data: Ranges, axes: Any) -> None:
    left, right = axes[0]
    left.axhline(1, color="#bbbbbb", linewidth=0.8)
    left.plot(data.step, data.ball, color=COLORS[1], label="heavy ball")
    left.plot(data.step, data.nesterov, color=COLORS[2], label="Nesterov")
    left.set(
        xlabel=product_label("learning_rate", "curvature"), ylabel="spectral radius",
        ylim=(0, 1.6), xlim=(0, 4.2), title=f"$\\beta = {data.momentum:g}$",
    )  # fmt: skip
    left.legend()
    right.plot(data.momenta, data.ball_limit, color=COLORS[1])
    right.plot(data.momenta, data.nesterov_limit, color=COLORS[2])
    right.set(
        xlabel=label("momentum"), ylabel="largest stable $\\alpha h$", ylim=(0, 4.2), xlim=(0, 1)
    )


def _tell_ranges(data: Ranges) -> str:
    stable = data.step[data.nesterov < 1].max()
    return (
        f"Left: spectral radii at β = {number(data.momentum)}. Heavy ball has its plateau √β over "
        "nearly the whole range; Nesterov's method damps better on the left, with radius 0 at "
        f"αh = 1, and diverges from αh = {stable:.3f} on. Right: momentum doubles heavy ball's "
        f"range of stable steps, from 2 to {data.ball_limit[-1]:.3g}, and shrinks Nesterov's, to "
        f"{data.nesterov_limit[-1]:.3f}."
    )


RANGES = Figure(
    slug="stable-ranges",
    title="Momentum widens heavy ball's range of steps and narrows Nesterov's",
    source=Citation("lessard2016"),
    claims=("stable-steps",),
    compute=_ranges,
    draw=_draw_ranges,
    caption=_tell_ranges,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"points": 150},
    remark="The comparison is ours.",
)
