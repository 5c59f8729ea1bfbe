"""Where the roots of heavy ball lie: the radius and its plateaus, the root locus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import eigenvalues, spectral_radius
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import (
    COLORS,
    GRAY,
    INK,
    WIDTH,
    label,
    product_label,
    shades,
)
from momentum_dynamics.laws import regions
from momentum_dynamics.methods import HeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


# Radius against learning rate ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RadiusCurves:
    """Radius ``(momenta, points)``; plateau ends ``(momenta, 2)`` and heights ``(momenta,)``."""

    momentum: Array
    curvature: float
    learning_rate: Array
    radius: Array
    plateau: Array
    height: Array


def _radius_curves(
    *,
    momentum: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.9),
    curvature: float = 1.0,
    largest_learning_rate: float = 4.0,
    points: int = 801,
) -> RadiusCurves:
    momenta = np.atleast_1d(np.asarray(momentum, dtype=float))
    if not (np.abs(momenta) < 1).all():
        raise DomainError(
            f"momentum is {momentum}, but must lie in (−1, 1): beyond, no learning rate converges."
        )
    rates = np.linspace(0, largest_learning_rate, points)
    kept = np.maximum(momenta, 0)  # negative momentum has no robust region
    ends = np.stack([regions.robust_low_end(kept), regions.robust_high_end(kept)], axis=-1)
    ends = ends / curvature
    middle = HeavyBall(learning_rate=ends.mean(axis=-1), momentum=kept)
    method = HeavyBall(learning_rate=rates, momentum=momenta[:, None])
    return RadiusCurves(
        momentum=momenta,
        curvature=float(curvature),
        learning_rate=rates,
        radius=spectral_radius(method, curvature),
        plateau=np.where(momenta[:, None] > 0, ends, np.nan),
        height=np.where(momenta > 0, spectral_radius(middle, curvature), np.nan),
    )


def _draw_radius_curves(data: RadiusCurves, ax: Any) -> None:
    ax.axhspan(1, 1.6, color="#f3f3f3", linewidth=0)
    ax.axhline(1, color=GRAY, linewidth=1)
    last = data.learning_rate[-1]
    ax.text(0.01 * last, 1.02, "diverges", color=INK, ha="left", va="bottom", size=9)
    colors = shades(len(data.momentum))
    for row, color in enumerate(colors):
        ax.plot(data.learning_rate, data.radius[row], color=color)
        ends, height = data.plateau[row], data.height[row]
        words = f"$\\beta = {data.momentum[row]:g}$"
        below = (data.learning_rate[np.argmin(data.radius[row])], data.radius[row].min())
        place, shift = (
            (below, (32, 12)) if np.isnan(height) else ((1 / data.curvature, height), _UP)
        )
        if np.isfinite(height):
            ax.plot(ends, [height, height], "o-", color=color, linewidth=3.6, markersize=5)
            words += f",  $\\sqrt{{\\beta}} = {height:.2f}$"
            shift = _DOWN if height > _HIGH else _UP
        ax.annotate(
            words, place, shift, textcoords="offset points", ha="center", color=INK, size=9,
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.85},
        )  # fmt: skip
    ax.set(xlim=(0, last), ylim=(0, 1.3), xlabel=label("learning_rate"))
    ax.set_ylabel("spectral radius $\\rho$")


_UP, _DOWN, _HIGH = (0, 6), (0, -15), 0.9
"""Labels stand above their plateaus, below where the limit of stability is near."""


def _tell_radius_curves(data: RadiusCurves) -> str:
    plateaus = ", ".join(
        f"{height:.3f} for β = {number(momentum)} on [{low:.3f}, {high:.3f}]"
        for momentum, height, (low, high) in zip(
            data.momentum, data.height, data.plateau, strict=True
        )
        if np.isfinite(height)
    )
    plateaus = plateaus or "no momentum shown is positive, so there is none"
    return (
        f"Spectral radius of heavy ball on curvature h = {number(data.curvature)} against the "
        "learning "
        "rate. Momentum β flattens the valley: on the whole robust region, from (1 − √β)²/h to "
        f"(1 + √β)²/h, the radius is √β ({plateaus}). More momentum tolerates a wider range of "
        "curvatures, at a slower rate."
    )


RADIUS = Figure(
    slug="radius-against-learning-rate",
    title="The robust region: momentum makes the rate insensitive to the learning rate",
    source=Citation("zhang2017"),
    claims=(
        "robust-region",
        "spectral-radius-has-one-closed-form",
        "stable-steps",
        "the-robust-rule-admits-a-learning-rate-from-polyaks-momentum-on",
    ),
    compute=_radius_curves,
    draw=_draw_radius_curves,
    caption=_tell_radius_curves,
    size=(WIDTH, 4.3),
    quick={"points": 201},
    remark="After the paper's picture; momenta and marks of the plateaus were chosen here.",
)


# Root locus ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RootLocus:
    """Roots ``(momenta, points, 2)`` as αh runs over `step`, followed along their branches."""

    momentum: Array
    step: Array
    roots: NDArray[np.complex128]
    circle: Array
    meeting: Array
    exit: Array


_PANELS = 3


def _root_locus(
    *,
    momentum: Sequence[float] = (0.1, 0.5, 0.9),
    largest_step: float = 4.0,
    points: int = 161,
) -> RootLocus:
    momenta = np.atleast_1d(np.asarray(momentum, dtype=float))
    if momenta.shape != (_PANELS,):
        raise ShapeError(
            f"momentum has {momenta.size} values, but root-locus has {_PANELS} panels; give "
            f"{_PANELS} values."
        )
    kept = np.maximum(momenta, 0)
    meeting = np.stack([regions.robust_low_end(kept), regions.robust_high_end(kept)], axis=-1)
    between = HeavyBall(learning_rate=meeting.mean(axis=-1), momentum=kept)
    meeting = np.where(momenta[:, None] > 0, meeting, np.nan)
    # A quarter wave of points for each stretch: roots move fastest where they meet.
    steps = []
    for ends in meeting:
        inner = ends[np.isfinite(ends) & (ends < largest_step)]
        marks = [0.0, *inner, largest_step]
        share = max(points // (len(marks) - 1), 2)
        wave = (1 - np.cos(np.linspace(0, np.pi, share))) / 2
        stretches = [low + (high - low) * wave for low, high in pairwise(marks)]
        path = np.concatenate(stretches)
        steps.append(np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(path)), path))
    step = np.stack(steps)
    roots = eigenvalues(HeavyBall(learning_rate=step, momentum=momenta[:, None]), 1.0)
    # Upper with upper, slow with slow: by imaginary part, then by real part.
    order = np.lexsort((-roots.real, -np.where(np.abs(roots.imag) < _ROUNDING, 0, roots.imag)))
    return RootLocus(
        momentum=momenta,
        step=step,
        roots=np.take_along_axis(roots, order, axis=-1),
        circle=np.where(momenta > 0, spectral_radius(between, 1.0), np.nan),
        meeting=meeting,
        exit=regions.heavy_ball_step_limit(momenta),
    )


_ROUNDING = 1e-6
"""A double root is known to the root of rounding only."""


def _draw_root_locus(data: RootLocus, axes: Any) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    shown = None
    for row, ax in enumerate(axes[0]):
        ax.add_patch(Circle((0, 0), 1, facecolor="#f6f6f6", edgecolor=GRAY, linewidth=1))
        radius = data.circle[row]
        ax.axhline(0, color="#cccccc", linewidth=0.8, zorder=1)
        if np.isfinite(radius):
            ax.add_patch(
                Circle((0, 0), radius, fill=False, edgecolor=COLORS[1], linestyle=":", zorder=1)
            )
        points = np.stack([data.roots[row].real, data.roots[row].imag], axis=-1)
        for branch in range(points.shape[1]):
            path = points[:, branch]
            jumps = np.abs(np.diff(data.roots[row, :, branch])) > 0.5
            pieces = np.stack([path[:-1], path[1:]], axis=1)[~jumps]
            shown = LineCollection(
                list(pieces), cmap="viridis", linewidth=3.2, capstyle="projecting"
            )
            shown.set_array(((data.step[row, :-1] + data.step[row, 1:]) / 2)[~jumps])
            shown.set_clim(0, data.step.max())
            ax.add_collection(shown)
            ax.plot(*path[0], "o", color="white", markeredgecolor=INK, markersize=5, zorder=4)
        ax.set(xlim=(-1.65, 1.25), ylim=(-1.2, 1.2), aspect="equal", xlabel="real part of a root")
        ax.set_xticks([-1, 0, 1])
        ax.set_yticks([-1, 0, 1])
        title = f"$\\beta = {data.momentum[row]:g}$"
        if np.isfinite(radius):
            title += f",  $\\sqrt{{\\beta}} = {radius:.2f}$"
        ax.set_title(title)
        if row:
            ax.set_yticklabels([])
    axes[0, 0].set_ylabel("imaginary part of a root")
    bar = axes[0, 0].figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02)
    bar.set_label(product_label("learning_rate", "curvature"))
    bar.outline.set_visible(False)


def _tell_root_locus(data: RootLocus) -> str:
    parts = [
        f"β = {number(momentum)}: circle between αh = {low:.3f} and {high:.3f}, unstable from "
        f"{number(limit)}"
        for momentum, (low, high), limit in zip(data.momentum, data.meeting, data.exit, strict=True)
        if np.isfinite(low)
    ]
    told = "; ".join(parts) or "with negative momentum they never leave the real axis"
    return (
        "The two roots of heavy ball on one curvature as αh grows from 0 to "
        f"{number(data.step.max())} (rings: αh = 0). They start at 1 and β, meet at √β, travel "
        "along the circle of radius √β (dotted), meet again at −√β, and one leaves the unit "
        f"circle at −1. Here {told}."
    )


LOCUS = Figure(
    slug="root-locus",
    title="The roots of heavy ball leave the real axis along a circle",
    source=Citation("goh2017"),
    claims=("robust-region", "spectral-radius-has-one-closed-form", "stable-steps"),
    compute=_root_locus,
    draw=_draw_root_locus,
    caption=_tell_root_locus,
    panels=(1, _PANELS),
    size=(WIDTH, 2.5),
    quick={"points": 61},
)
