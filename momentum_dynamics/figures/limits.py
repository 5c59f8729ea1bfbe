"""The best on average, and the best at all: coefficients that meet, and the light cone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.average import average_case
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws import optima
from momentum_dynamics.methods import Chebyshev
from momentum_dynamics.problems import ConvexRosenbrock
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class AverageCases:
    """Coefficients ``(densities, steps)`` and the densities ``(densities, points)``."""

    largest_curvature: float
    names: tuple[str, ...]
    curvature: Array
    density: Array
    learning_rate: Array
    momentum: Array
    limit_learning_rate: float
    limit_momentum: float


def _average_cases(
    *, largest_curvature: float = 20.0, steps: int = 25, points: int = 301
) -> AverageCases:
    low, high = 1.0, float(largest_curvature)
    densities: dict[str, Any] = {
        "uniform": lambda h: np.ones_like(h) / (high - low),
        "random data": lambda h: np.sqrt(np.maximum((h - low) * (high - h), 0)) / h,
        "falling": lambda h: np.exp(-(h - low) / 4),
    }
    curvature = np.linspace(low, high, points)
    values = np.array([density(curvature) for density in densities.values()])
    stages = [
        average_case(density, smallest_curvature=low, largest_curvature=high, steps=steps).stages
        for density in densities.values()
    ]
    best = Chebyshev(smallest_curvature=low, largest_curvature=high)
    stages.append([best.stage(step) for step in range(steps)])
    rows: list[list[Any]] = [list(row) for row in stages]
    polyak: Any = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
    return AverageCases(
        largest_curvature=high,
        names=(*densities, "worst case (Chebyshev)"),
        curvature=curvature,
        density=values / np.trapezoid(values, curvature)[:, None],
        learning_rate=np.array([[stage.learning_rate for stage in row] for row in rows]) * high,
        momentum=np.array([[stage.momentum for stage in row] for row in rows]),
        limit_learning_rate=float(polyak.learning_rate) * high,
        limit_momentum=float(polyak.momentum),
    )


def _draw_average_cases(data: AverageCases, axes: Any) -> None:
    left, middle, right = axes[0]
    colors = [*COLORS[:3], "#555555"]
    for values, color in zip(data.density, colors, strict=False):
        left.plot(data.curvature, values, color=color)
    left.set(xlabel=label("curvature"), title="density", ylim=(0, None))
    step = np.arange(data.momentum.shape[1])
    for ax, rows, limit, title in (
        (middle, data.learning_rate, data.limit_learning_rate, "$\\alpha_t h_{\\max}$"),
        (right, data.momentum, data.limit_momentum, "$\\beta_t$"),
    ):
        for row, color in zip(rows, colors, strict=True):
            ax.plot(
                step, row, color=color, linewidth=1.4, marker="o", markersize=2.5,
                linestyle="-" if color != colors[-1] else "--",
            )  # fmt: skip
        ax.axhline(limit, color=INK, linestyle=":", linewidth=1.4)
        ax.set(xlabel=label("step"), title=title)
    handles = [
        left.plot([], [], color=color, linestyle="-" if color != colors[-1] else "--")[0]
        for color in colors
    ]
    handles += left.plot([], [], ":", color=INK)
    left.figure.legend(
        handles, [*data.names, "Polyak"], loc="outside lower center", ncols=5, fontsize=8.5,
        columnspacing=1.2,
    )  # fmt: skip


def _tell_average_cases(data: AverageCases) -> str:
    off = np.abs(data.momentum[:, -1] - data.limit_momentum)
    return (
        f"The fastest methods on average over three densities on [1, "
        f"{number(data.largest_curvature)}], from orthogonal polynomials, and the one for the "
        "worst case. Their first steps differ; all learning rates and momenta tend to Polyak's "
        f"(dotted), αh_max = {data.limit_learning_rate:.3f} and β = {data.limit_momentum:.3f}. "
        f"After {data.momentum.shape[1]} steps no momentum is off by more than "
        f"{number(float(off.max()), 2)}."
    )


AVERAGE = Figure(
    slug="average-case",
    title="Whatever the density: the fastest method on average tends to Polyak's",
    source=Citation("scieur2020"),
    claims=("average-case-tends-to-polyak", "marchenko-pastur-is-fastest-on-average"),
    compute=_average_cases,
    draw=_draw_average_cases,
    caption=_tell_average_cases,
    panels=(1, 3),
    size=(WIDTH, 3.1),
    quick={"steps": 20, "points": 101},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class LightCone:
    """Coordinate errors ``(steps + 1, dimension)`` of one method, and the largest of several."""

    condition_number: float
    names: tuple[str, ...]
    shown: str
    error: Array
    largest: Array
    bound: Array


def _light_cone(
    *, dimension: int = 25, condition_number: float = 215.0, steps: int = 50
) -> LightCone:
    chain = ConvexRosenbrock(dimension=dimension, condition_number=condition_number)
    low, high = map(float, chain.spectrum()[[0, -1]])
    kinds = {
        "gradient descent": "gradient-descent",
        "heavy ball": "heavy-ball",
        "Nesterov": "nesterov",
        "Chebyshev": "chebyshev",
    }
    runs = [
        np.abs(
            simulate(
                tune(kind, smallest_curvature=low, largest_curvature=high), chain, steps=steps
            ).points
            - chain.solution
        )
        for kind in kinds.values()
    ]
    rate = float(optima.heavy_ball_rate(condition_number))
    return LightCone(
        condition_number=float(condition_number),
        names=tuple(kinds),
        shown="heavy ball",
        error=runs[1] / np.abs(chain.solution),
        largest=np.array([run.max(axis=-1) for run in runs]),
        bound=np.asarray(rate ** (np.arange(steps + 1) + 1.0), dtype=float),
    )


def _draw_light_cone(data: LightCone, axes: Any) -> None:
    from matplotlib.colors import LogNorm

    left, right = axes[0]
    picture = left.imshow(
        np.clip(data.error, 1e-3, 1).T, origin="lower", aspect="auto", cmap="viridis",
        norm=LogNorm(1e-3, 1),
        extent=(-0.5, len(data.error) - 0.5, 0.5, data.error.shape[1] + 0.5),
        interpolation="nearest",
    )  # fmt: skip
    reach = np.arange(data.error.shape[1] + 1)
    left.step(reach - 0.5, reach + 0.5, where="pre", color="white", linewidth=1.6)
    left.set(
        xlabel=label("step"), ylabel="coordinate $i$", title=f"error left, {data.shown}",
        ylim=(0.5, data.error.shape[1] + 0.5),
    )  # fmt: skip
    left.grid(visible=False)
    left.figure.colorbar(picture, ax=left, label="relative to the start")
    for name, path, color in zip(data.names, data.largest, COLORS, strict=False):
        right.semilogy(path, color=color, label=name)
    right.semilogy(data.bound, ":", color=INK, linewidth=1.8, label="light cone $r^{t+1}$")
    right.set(xlabel=label("step"), title="the largest coordinate error")
    right.legend(fontsize=9)


def _tell_light_cone(data: LightCone) -> str:
    size = data.error.shape[1]
    last = min(size, len(data.bound)) - 1
    ratio = data.largest[:, last] / data.bound[last]
    nearest = int(np.argmin(ratio))
    return (
        f"The chain of {size} springs, condition number {number(data.condition_number)}, from 0. "
        "Left: how much of each coordinate's error heavy ball has left; beyond the white line, one "
        "coordinate further with every step, nothing can have happened yet. Right: so the largest "
        "coordinate error stays above rᵗ⁺¹ (dotted) while the wave has not reached the end; "
        f"after {last} steps {data.names[nearest]} is nearest to it, {ratio[nearest]:.2f} times as "
        "large."
    )


CONE = Figure(
    slug="light-cone",
    title="The limits of descent: no gradient sees beyond the light cone",
    source=Citation("goh2017"),
    claims=("no-gradient-method-outruns-the-light-cone",),
    compute=_light_cone,
    draw=_draw_light_cone,
    caption=_tell_light_cone,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"steps": 30},
    remark="The source's page shows one method with sliders; the comparison is ours.",
)
