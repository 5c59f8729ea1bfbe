"""Maps of the spectral radius: regimes over (αh, β), ellipses over complex αh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import regime, spectral_radius
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label, product_label, shades
from momentum_dynamics.laws import regions, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import Scalar
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]
Picture = NDArray[np.float32]


# Regimes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RegimeMap:
    """Radius ``(momenta, steps)``, boundaries as curves, and paths ``(examples, time, 2)``."""

    step: Array
    momentum: Array
    radius: Picture
    critical_step: Array
    critical_momentum: Array
    step_limit: Array
    turning_step: Array
    examples: Array
    names: NDArray[np.str_]
    paths: Array


_EXAMPLES = ((0.5, 0.85), (0.1, 0.2), (1.0, 0.0), (1.9, 0.1), (2.75, 0.3))
"""One (αh, β) for each regime, the fastest of all in the middle."""


def _regime_map(
    *,
    examples: Sequence[tuple[float, float]] = _EXAMPLES,
    largest_step: float = 4.2,
    points: int = 241,
    steps: int = 24,
) -> RegimeMap:
    chosen = np.asarray(examples, dtype=float)
    if chosen.shape != (len(_EXAMPLES), 2):
        raise ShapeError(
            f"examples has shape {chosen.shape}, but regimes has {len(_EXAMPLES)} portraits; give "
            f"{len(_EXAMPLES)} pairs of learning rate × curvature and momentum."
        )
    step = np.linspace(0, largest_step, int(1.4 * points))
    momentum = np.linspace(-1, 1, points)
    radius = spectral_radius(HeavyBall(learning_rate=1.0, momentum=momentum[:, None]), step)
    critical = np.linspace(0, 2, points) ** 2
    limit = regions.heavy_ball_step_limit(momentum)
    balls = HeavyBall(learning_rate=chosen[:, 0], momentum=chosen[:, 1])
    moved = simulate(balls, Quadratic([1.0]), steps=steps, start=np.ones(1)).points[..., 0]
    moved = np.broadcast_to(moved, (steps + 1, len(chosen)))
    velocity = np.diff(moved, axis=0, prepend=moved[:1])
    names = np.atleast_1d(regime(balls, 1.0)).astype(str)
    names[spectral_radius(balls, 1.0) < _INSTANT] = "one-step convergence"
    return RegimeMap(
        step=step,
        momentum=momentum,
        radius=radius.astype(np.float32),
        critical_step=critical,
        critical_momentum=spectrum.critical_momentum(1.0, critical),
        step_limit=limit,
        # The trace is affine in αh, 1 + β at 0 and its negative at the limit: zero half way.
        turning_step=limit / 2,
        examples=chosen,
        names=names,
        paths=np.stack([moved, velocity], axis=-1).swapaxes(0, 1),
    )


_INSTANT = 1e-12


def _draw_regime_map(data: RegimeMap, axes: Any) -> None:
    ax = axes["m"]
    extent = (data.step[0], data.step[-1], data.momentum[0], data.momentum[-1])
    inside = np.ma.masked_greater(data.radius, 1)
    image = ax.imshow(
        inside, extent=extent, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=1,
        interpolation="nearest", rasterized=True,
    )  # fmt: skip
    ax.set_facecolor("#e9e9ec")
    ax.grid(visible=False)
    ax.contour(
        data.step, data.momentum, inside, [0.2, 0.4, 0.6, 0.8],
        colors="white", linewidths=0.6, alpha=0.7,
    )  # fmt: skip
    ax.plot(data.critical_step, data.critical_momentum, color="white", linewidth=2.2)
    ax.plot(data.step_limit, data.momentum, color=INK, linewidth=2.2)
    below = data.momentum <= 0
    ax.plot(data.turning_step[below], data.momentum[below], color="white", lw=1.4, ls="--")
    ax.set(xlim=(0, data.step[-1]), ylim=(-1, 1))
    ax.set_xlabel(product_label("learning_rate", "curvature"))
    ax.set_ylabel(label("momentum"))
    ax.text(0.975, 0.04, "divergence", transform=ax.transAxes, ha="right", color=INK)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, aspect=18)
    bar.set_label("spectral radius $\\rho$")
    bar.outline.set_visible(False)
    for index, (place, name) in enumerate(zip(data.examples, data.names, strict=True)):
        letter = "abcde"[index]
        ax.plot(*place, "o", color=COLORS[1], markeredgecolor="white", markersize=7)
        ax.annotate(
            letter, place, (8, 0), textcoords="offset points", color=INK, va="center",
            weight="bold", bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
        )  # fmt: skip
        _draw_portrait(axes[letter], data.paths[index], f"{letter}  {name}")
    axes["a"].set_ylabel("velocity")


def _draw_portrait(ax: Any, path: Array, title: str) -> None:
    near = path[np.abs(path).max(axis=-1) < 40]
    ax.axhline(0, color="#cccccc", linewidth=0.8)
    ax.axvline(0, color="#cccccc", linewidth=0.8)
    ax.plot(*near.T, "-", color=COLORS[0], linewidth=0.9, alpha=0.7)
    ax.plot(*near.T, "o", color=COLORS[0], markersize=2.6)
    ax.plot(*near[0], "o", color="white", markeredgecolor=INK, markersize=5)
    size = 12 if np.abs(path[-1]).max() > 1 else 1.15 * max(np.abs(near).max(), 1.08)
    ax.set(xlim=(-size, size), ylim=(-size, size), aspect="equal", xlabel="position")
    half = 10 if size > 4 else np.floor(size)
    ax.set_xticks([-half, 0, half])
    ax.set_yticks([-half, 0, half])
    ax.tick_params(labelsize=8)
    head, _, tail = title.partition("  ")
    ax.set_title(f"{head}  " + tail.replace(" ", "\n", 1), size=9)


def _tell_regime_map(data: RegimeMap) -> str:
    parts = [
        f"{'abcde'[index]}: {name} at αh = {number(step)}, β = {number(momentum)}"
        for index, (name, (step, momentum)) in enumerate(
            zip(data.names, data.examples, strict=True)
        )
    ]
    return (
        "Spectral radius of heavy ball over αh and β, gray where it diverges (beyond αh = "
        "2(1 + β), black). Between the white branches of β = (1 − √(αh))² the roots are complex "
        "and the motion ripples; on them it is critically damped. Dashed: below zero momentum, "
        "where the dominant root turns negative. Thin lines: radius 0.2, 0.4, 0.6, 0.8. Portraits: "
        f"{len(data.paths[0]) - 1} steps from rest at 1 (rings). {'; '.join(parts)}."
    )


REGIMES = Figure(
    slug="regimes",
    title="Five ways momentum can move",
    source=Citation("goh2017"),
    claims=("spectral-radius-has-one-closed-form", "stable-steps"),
    compute=_regime_map,
    draw=_draw_regime_map,
    caption=_tell_regime_map,
    panels="mmmmm\nmmmmm\nabcde",
    size=(WIDTH, 5.6),
    quick={"points": 101},
    remark="After the article's picture; range, marks and portraits were chosen here.",
)


# Stability ellipses ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Ellipses:
    """Upper halves of ellipses, `along` and `across` ``(momenta, points)``; one of them as a map.

    `level_along` and `level_across` are the level sets of its radius, ``(rates, points)``.
    """

    momentum: Array
    along: Array
    across: Array
    mapped: float
    real_part: Array
    imaginary_part: Array
    radius: Picture
    rate: Array
    level_along: Array
    level_across: Array


def _upper_half(momentum: Scalar, rate: Scalar, points: int) -> tuple[Array, Array]:
    """Where the law's level set is zero, above the real axis.

    The law is quadratic and even in the imaginary part, and quadratic in the real part, where it
    is even around half the limit of stable steps: its values at 0 and 1 tell where it vanishes.
    """
    center = regions.heavy_ball_step_limit(momentum) / 2

    def law(x: Array, y: float) -> Array:
        return np.asarray(regions.level_set_equation(x, y, momentum, rate))

    middle = law(center, 0)
    reach = np.sqrt(middle / (middle - law(center + 1, 0)))
    x = center + reach * np.cos(np.linspace(np.pi, 0, points))
    floor = law(x, 0)
    return x, np.sqrt(np.maximum(floor / (floor - law(x, 1)), 0))


def _ellipses(
    *,
    momentum: Sequence[float] = (-0.6, -0.3, 0.0, 0.3, 0.6),
    mapped: float = -0.5,
    rate: Sequence[float] = (0.75, 0.85, 0.95),
    points: int = 181,
) -> Ellipses:
    momenta = np.atleast_1d(np.asarray(momentum, dtype=float))
    rates = np.atleast_1d(np.asarray(rate, dtype=float))
    rates = rates[rates**2 > abs(mapped)]
    along, across = _upper_half(momenta[:, None], 1, points)
    own = _upper_half(mapped, 1, points)
    right, top = own[0].max(), own[1].max()
    x = np.linspace(-0.12 * right, 1.12 * right, points)
    y = np.linspace(-1.12 * top, 1.12 * top, 2 * points)
    method = HeavyBall(learning_rate=1.0, momentum=mapped)
    level = _upper_half(mapped, rates[:, None], points)
    return Ellipses(
        momentum=momenta,
        along=along,
        across=across,
        mapped=float(mapped),
        real_part=x,
        imaginary_part=y,
        radius=spectral_radius(method, x + 1j * y[:, None]).astype(np.float32),
        rate=rates,
        level_along=level[0],
        level_across=level[1],
    )


def _draw_ellipses(data: Ellipses, axes: Any) -> None:
    left, right = axes["l"], axes["r"]
    colors = shades(len(data.momentum))
    for momentum, x, y, color in zip(data.momentum, data.along, data.across, colors, strict=True):
        left.plot(
            np.concatenate([x, x[::-1]]), np.concatenate([y, -y[::-1]]), color=color, linewidth=2.2,
            label=f"$\\beta = {momentum:g}$",
        )  # fmt: skip
    left.legend(loc="upper right")
    left.set_title("stable inside")
    x, y = data.real_part, data.imaginary_part
    inside = np.ma.masked_greater(data.radius, 1)
    image = right.imshow(
        inside, extent=(x[0], x[-1], y[0], y[-1]), origin="lower", cmap="viridis",
        vmin=np.floor(20 * inside.min()) / 20, vmax=1, interpolation="nearest", rasterized=True,
    )  # fmt: skip
    right.contour(x, y, data.radius, [1], colors=INK, linewidths=1.6)
    for along, across in zip(data.level_along, data.level_across, strict=True):
        right.plot(along, across, color="white", linewidth=1.4)
        right.plot(along, -across, color="white", linewidth=1.4)
    right.set_title(f"rate, $\\beta = {data.mapped:g}$")
    right.set_facecolor("#e9e9ec")
    for ax in (left, right):
        ax.axvline(0, color=COLORS[1], linewidth=1.8)
        ax.set(aspect="equal", xlabel="real part of $\\alpha h$")
    left.set_xlim(-0.55, max(4.1, 1.08 * data.along.max()))
    right.grid(visible=False)
    left.set_ylabel("imaginary part of $\\alpha h$")
    left.text(
        -0.06, 0, "rotating games", color=COLORS[1], rotation=90, ha="right", va="center", size=9
    )
    bar = right.figure.colorbar(image, ax=right, pad=0.04, aspect=20)
    bar.set_label("spectral radius $\\rho$")
    bar.ax.hlines(data.rate, 0, 1, color="white", linewidth=1.4)
    bar.outline.set_visible(False)


def _tell_ellipses(data: Ellipses) -> str:
    shown = ", ".join(f"{number(momentum)}" for momentum in data.momentum)
    rates = ", ".join(f"{number(rate)}" for rate in data.rate)
    levels = f"; it is r = {rates} on ellipses (white) with half axes r + β/r and r − β/r"
    return (
        "Where simultaneous heavy ball is stable in the plane of complex αh: an ellipse around "
        f"1 + β with half axes 1 + β and 1 − β, for β = {shown}. Negative momentum makes it tall, "
        "which helps rotating games; but every ellipse touches the imaginary axis (orange) only "
        "at 0, so a purely rotating game is never stabilized. Right: the spectral radius "
        f"at β = {number(data.mapped)}{levels if rates else ''}."
    )


ELLIPSES = Figure(
    slug="stability-ellipses",
    title="Complex curvature: stability is an ellipse, tall for negative momentum",
    source=Citation("gidel2019"),
    claims=("complex-stability-ellipse", "simultaneous-bilinear-play-diverges"),
    compute=_ellipses,
    draw=_draw_ellipses,
    caption=_tell_ellipses,
    panels="llllrr",
    size=(WIDTH, 3.6),
    quick={"points": 81},
    remark="Momentum on complex eigenvalues is the paper's subject; this picture of it is ours.",
)
