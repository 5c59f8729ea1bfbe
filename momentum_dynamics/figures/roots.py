"""Heavy ball's roots at one setting: in the plane, on the map of the radius, and as a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.radius import Regime, eigenvalues, regime, spectral_radius
from momentum_dynamics.figures.style import (
    COLORS,
    GRAY,
    INK,
    label,
    product_label,
)
from momentum_dynamics.laws import regions, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__ = [
    "REACH",
    "REAL_COLOR",
    "RootView",
    "draw_map",
    "draw_plane",
    "draw_radius",
    "draw_roots",
    "draw_steps",
    "mode_color",
    "root_view",
    "roots_meet",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RootView:
    """Heavy ball at one setting: by mode its roots, its radius and its path.

    Attributes
    ----------
    learning_rate, momentum : float
    curvatures, radius : array ``(modes,)``
    roots : array ``(modes, 2)``
    regimes : tuple of Regime
    trail : array ``(modes, points, 2)``
        The roots at the same learning rate as momentum runs from 0 to 1.
    path : array ``(steps + 1, modes)``
        From rest at 1 in the first mode and 1/2 in the second.
    """

    learning_rate: float
    momentum: float
    curvatures: Array
    radius: Array
    roots: NDArray[np.complex128]
    regimes: tuple[Regime, ...]
    trail: NDArray[np.complex128]
    path: Array

    @property
    def worst(self) -> float:
        """The spectral radius over all modes."""
        return float(self.radius.max())

    @property
    def words(self) -> str:
        """The spectral radius and the regime of each mode, in a line."""
        told = f"spectral radius {self.worst:.6f}"
        if self.worst < _STILL:
            return f"{told}: two steps, and it is there"
        if self.worst < 1:
            told += f": a tenth of the distance every {np.log(0.1) / np.log(self.worst):.3g} steps"
        if len(self.curvatures) == 1:
            return f"{told}; {self.regimes[0]}"
        modes = zip(self.curvatures, self.regimes, strict=True)
        return "; ".join([told, *(f"{name} on h = {h:g}" for h, name in modes)])


_STILL = 1e-6
_TRAIL, _STEPS = 240, 40
_START = np.array([1.0, 0.5])


def root_view(learning_rate: float, momentum: float, curvatures: Array) -> RootView:
    """Compute what is shown at one setting."""
    method = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    run = simulate(method, Quadratic(curvatures), steps=_STEPS, start=_START[: len(curvatures)])
    trail = []
    for curvature in curvatures:
        # Roots move fastest where they meet, so momenta lie dense there.
        meeting = float(spectrum.critical_momentum(learning_rate, curvature))
        inner = meeting if 0 < meeting < 1 else 0.5
        share = np.linspace(0, 1, _TRAIL // 2) ** 2
        momenta = np.concatenate([inner * (1 - share[::-1]), inner + (1 - inner) * share])
        ball = HeavyBall(learning_rate=learning_rate, momentum=momenta)
        trail.append(_ordered(eigenvalues(ball, curvature)))
    return RootView(
        learning_rate=learning_rate,
        momentum=momentum,
        curvatures=curvatures,
        radius=np.atleast_1d(spectral_radius(method, curvatures)),
        roots=_ordered(eigenvalues(method, curvatures)),
        regimes=tuple(Regime(str(regime(method, curvature))) for curvature in curvatures),
        trail=np.stack(trail),
        path=run.outputs,
    )


def _ordered(roots: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Upper with upper, large with large: by imaginary part, then by real part."""
    height = np.where(np.abs(roots.imag) < _ROUNDING, 0, roots.imag)
    return np.take_along_axis(roots, np.lexsort((-roots.real, -height)), axis=-1)


_ROUNDING = 1e-6
"""A double root is known to the root of rounding only."""

_TOUCHING = 1e-3
"""Roots so near that one sees one."""

_MARKERS = "os"
"""The first mode's roots are round, the second one's square."""

REAL_COLOR, _CONJUGATE, _OUTSIDE = COLORS[0], COLORS[1], INK


def mode_color(view: RootView, mode: int) -> str:
    """Blue while the roots are real, orange once they are conjugate, black outside the circle."""
    if view.radius[mode] >= 1:
        return _OUTSIDE
    return _CONJUGATE if np.abs(view.roots[mode].imag).max() > _ROUNDING else REAL_COLOR


def draw_roots(view: RootView, ax: Any) -> None:
    """The two roots of each mode in the unit disk, with the way that momentum moves them."""
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor="#f6f6f6", edgecolor=GRAY, linewidth=1, zorder=0.5))
    ax.axhline(0, color="#bbbbbb", linewidth=0.9, zorder=0.8)
    for mode in range(len(view.curvatures)):
        color, ways = mode_color(view, mode), view.trail[mode]
        for way in ways.T:
            ax.plot(way.real, way.imag, color="#c9ced6", linewidth=1.4, zorder=1)
        if color == _CONJUGATE:
            for root in view.roots[mode]:
                ax.plot([0, root.real], [0, root.imag], color=color, linewidth=1, alpha=0.6)
        ax.plot(
            view.roots[mode].real, view.roots[mode].imag, _MARKERS[mode % 2], color=color,
            markersize=11 if mode % 2 == 0 else 9, markeredgecolor="white", markeredgewidth=1.4,
            clip_on=False, zorder=5,
        )  # fmt: skip
    if _STILL < view.worst < 1:
        ring = Circle((0, 0), view.worst, fill=False, edgecolor=INK, linestyle=":", linewidth=1)
        ax.add_patch(ring)
    ax.set(xlim=(-1.28, 1.28), ylim=(-1.28, 1.28), aspect="equal")
    ax.set(xlabel="real part of a root", ylabel="imaginary part")
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.set_title(_kind(view))


def _kind(view: RootView) -> str:
    kinds = {mode_color(view, mode) for mode in range(len(view.curvatures))}
    if _OUTSIDE in kinds:
        return "a root outside the unit circle"
    if roots_meet(view):
        return f"two roots meet, modulus √β = {view.worst:.3f}"
    if kinds == {_CONJUGATE}:
        return f"conjugate roots, modulus √β = {view.worst:.3f}"
    if kinds == {REAL_COLOR}:
        return f"real roots, the larger one {view.worst:.3f}"
    return f"real and conjugate roots, up to {view.worst:.3f}"


def roots_meet(view: RootView) -> bool:
    """Whether the two roots of every mode are seen as one."""
    return bool(np.abs(np.diff(view.roots, axis=-1)).max() < _TOUCHING)


def draw_steps(view: RootView, ax: Any) -> None:
    """One mode against time, between the powers of its radius."""
    steps, color = np.arange(len(view.path)), mode_color(view, 0)
    with np.errstate(over="ignore"):
        decay = view.worst**steps
    for side in (1, -1):
        ax.plot(steps, side * decay, "--", color=GRAY, linewidth=1.1)
    ax.axhline(0, color="#bbbbbb", linewidth=0.9)
    shown = _first_beyond(view.path, 10.0)
    ax.plot(steps[:shown], view.path[:shown, 0], "o-", color=color, linewidth=1.4, markersize=3.6)
    reach = 1.15 if view.worst < 1 else 3.5
    ax.set(xlim=(-0.5, steps[-1]), ylim=(-reach, reach), xlabel=label("step"))
    ax.set_ylabel("displacement")
    ax.set_title("its path; dashed ±ρᵗ")


def draw_plane(view: RootView, ax: Any) -> None:
    """Two modes as a path on the level lines of the loss."""
    grid = np.linspace(-1.5, 1.5, 121)
    loss = view.curvatures[0] * grid**2 + view.curvatures[1] * grid[:, None] ** 2
    levels = np.geomspace(1e-3, 1, 12) * loss.max()
    ax.contour(grid, grid, loss, levels, colors="#d3d8df", linewidths=0.8)
    near = view.path[: _first_beyond(view.path, 10.0)]
    color = next(
        color
        for color in (_OUTSIDE, _CONJUGATE, REAL_COLOR)
        if color in {mode_color(view, mode) for mode in range(2)}
    )
    ax.plot(*near.T, "o-", color=color, linewidth=1.2, markersize=3.2)
    ax.plot(*near[0], "o", color="white", markeredgecolor=INK, markersize=6, zorder=5)
    ax.plot(0, 0, "+", color=INK, markersize=9, zorder=5)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
    ax.set_xlabel(f"along $h = {view.curvatures[0]:g}$")
    ax.set_ylabel(f"along $h = {view.curvatures[1]:g}$")
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.set_title("its path on the level lines")


def _first_beyond(path: Array, reach: float) -> int:
    """How many points of a path come before it is far away, that one included."""
    beyond = np.flatnonzero(~(np.abs(path).max(axis=-1) <= reach))
    return int(beyond[0]) + 1 if len(beyond) else len(path)


REACH = 4.4
"""The largest αh of the sliders and the map; no heavy ball is stable from 4 on."""


def draw_map(view: RootView, ax: Any) -> None:
    """Where the setting lies on the map of the spectral radius."""
    step, momentum = np.linspace(0, REACH, 221), np.linspace(0, 1, 121)
    radius = spectral_radius(HeavyBall(learning_rate=step, momentum=momentum[:, None]), 1.0)
    draw_radius(ax, step, momentum, radius)
    ridge = np.linspace(0, 2, 121) ** 2
    ax.plot(ridge, spectrum.critical_momentum(1.0, ridge), color="white", linewidth=2)
    ax.plot(regions.heavy_ball_step_limit(momentum), momentum, color=INK, linewidth=1.8)
    place = view.learning_rate * view.curvatures
    height = np.full(len(place), view.momentum)
    ax.plot(place, height, color="white", linewidth=5, solid_capstyle="round")
    ax.plot(place, height, color=INK, linewidth=2.2, solid_capstyle="round")
    for mode, across in enumerate(place):
        ax.plot(
            across, view.momentum, _MARKERS[mode % 2], color=mode_color(view, mode),
            markeredgecolor="white", markeredgewidth=1.4, markersize=10, clip_on=False, zorder=5,
        )  # fmt: skip
    ax.set(xlim=(0, REACH), ylim=(0, 1), xlabel=product_label("learning_rate", "curvature"))
    ax.set_ylabel(label("momentum"))
    ax.set_title("radius: dark is fast; white, the ridge")


def draw_radius(ax: Any, across: Array, up: Array, radius: Array) -> None:
    """A map of the spectral radius, gray where it is 1 or more.

    Parameters
    ----------
    ax : matplotlib Axes
    across, up : array
        Ascending, evenly spaced values along the two axes.
    radius : array ``(len(up), len(across))``
    """
    ends = (np.min(across), np.max(across), np.min(up), np.max(up))
    ax.imshow(
        np.ma.masked_greater_equal(radius, 1), extent=ends, origin="lower", aspect="auto",
        cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
    )  # fmt: skip
    ax.set_facecolor("#e9e9ec")
    ax.grid(visible=False)
