"""Paths of the tuned method on functions of generalized curvature, where it holds and where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import GRAY, INK, WIDTH, label, shades
from momentum_dynamics.laws import tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import CurvatureJump
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.rates import measure_rate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ToyPaths:
    """The functions ``(passages, places)``, and distances ``(passages, starts, steps + 1)``."""

    width: Array
    place: Array
    slope: Array
    starts: Array
    distance: Array
    predicted: Array
    rates: Array
    ratio: float
    momentum: float
    root: float


def _toy_paths(
    *,
    ratio: float = 1000.0,
    width: Sequence[float] = (0.5, 0.0),
    starts: Sequence[float] = (2.0, 5.0, 10.0),
    steps: int = 600,
    points: int = 400,
) -> ToyPaths:
    root = float(tuning.robust_root_momentum(1.0, ratio))
    gap = float(tuning.robust_root_gap(1.0, ratio))
    ball = HeavyBall(learning_rate=tuning.robust_learning_rate(gap, 1.0), momentum=root**2)
    chosen = np.atleast_1d(np.asarray(starts, dtype=float))
    place = np.geomspace(1e-3, 1e2, points)
    slopes, paths, rates = [], [], []
    for passage in width:
        toy = CurvatureJump(inner=ratio, outer=1.0, width=float(passage))
        slopes.append(toy.field(place))
        run: Any = simulate(
            ball, toy, steps=steps, replicas=len(chosen), start=chosen[:, None], tolerance=0.0
        )
        paths.append(np.abs(run.points[:, :, 0]).T)
        found = [measure_rate(path) for path in paths[-1]]
        rates.append([np.nan if one is None else one.rate for one in found])
    return ToyPaths(
        width=np.asarray(width, dtype=float),
        place=place,
        slope=np.array(slopes),
        starts=chosen,
        distance=np.array(paths),
        predicted=chosen[-1] * root ** np.arange(steps + 1),
        rates=np.array(rates),
        ratio=float(ratio),
        momentum=root**2,
        root=root,
    )


def _draw_toy_paths(data: ToyPaths, axes: Any) -> None:
    left, *others = axes[0]
    colors = shades(len(data.starts))
    for slope, width in zip(data.slope, data.width, strict=True):
        name = "smooth" if width else "jump"
        left.loglog(
            data.place, slope, "-" if width else "--", color=INK, label=name, linewidth=1.4
        )  # fmt: skip
    left.set(xlabel="distance from 0 $|x|$", ylabel="steepness $|f'(x)|$")
    left.legend(loc="upper left")
    time = np.arange(data.distance.shape[-1])
    for ax, paths, width in zip(others, data.distance, data.width, strict=True):
        for path, start, color in zip(paths, data.starts, colors, strict=True):
            ax.semilogy(
                time, np.maximum(path, 1e-18), color=color, linewidth=1, label=f"$x_0 = {start:g}$"
            )  # fmt: skip
        ax.semilogy(time, data.predicted, ":", color=INK, linewidth=1.6, label="$\\sqrt{\\beta}^t$")
        ax.set(xlabel=label("step"), ylim=(1e-17, 1e3), xlim=(0, time[-1]))
        ax.set_title("smooth passage" if width else "jump")
        ax.axhline(1, color=GRAY, linewidth=0.8)
    others[0].set_ylabel("distance from 0 $|x_t|$")
    others[1].set_yticklabels([])
    left.figure.legend(
        *others[0].get_legend_handles_labels(), loc="outside lower center",
        ncols=len(data.starts) + 1,
    )  # fmt: skip


def _tell_toy_paths(data: ToyPaths) -> str:
    smooth = data.rates[0][np.isfinite(data.rates[0])]
    told = (
        f"at {smooth.min():.3f} to {smooth.max():.3f} a step" if len(smooth) else "at no one rate"
    )
    end = data.distance[1, :, -100:].max()
    return (
        f"f'(x) = h(x)x with curvature {number(data.ratio)} near the minimum and 1 far out, and "
        f"heavy ball tuned for the range, β = {data.momentum:.4f}: every step taken alone has "
        f"radius √β = {data.root:.4f} (dotted). Where curvature passes smoothly the paths shown "
        f"converge, {told}. With a jump at 1 (gray) they are caught in swings as wide as "
        f"{number(end, 3)}: each time the ball enters the narrow bowl it is thrown out again. So "
        "the constant rate is a matter of the function, not of its range of curvatures."
    )


PATHS = Figure(
    slug="generalized-curvature-paths",
    title="The same range of curvatures, the same tuning: one converges, one does not",
    source=Citation("zhang2017"),
    claims=(
        "generalized-curvature-converges-at-root-momentum",
        "a-smooth-passage-of-curvature-lets-it-converge",
        "switching-breaks-the-robust-region",
    ),
    compute=_toy_paths,
    draw=_draw_toy_paths,
    caption=_tell_toy_paths,
    panels=(1, 3),
    size=(WIDTH, 3.2),
    quick={"steps": 200, "points": 60},
    remark="The source's own toy is not known in full; these have its curvatures.",
)
