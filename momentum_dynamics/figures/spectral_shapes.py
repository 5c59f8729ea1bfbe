"""Spectra of many complex curvatures: the best momentum for a shape, the best step of descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.shaped_optimum import step_size_bounds
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import shapes

__all__: list[str] = []

Array = NDArray[np.float64]
_TURN = np.linspace(0, 2 * np.pi, 200)


# Shapes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Shapes:
    """Ellipses from a segment to a standing one, with best momentum and rate; searches as dots."""

    center: float
    real_half_axis: float
    height: Array
    momentum: Array
    rate: Array
    shown: Array
    shown_momentum: Array
    shown_rate: Array
    searched_height: Array
    searched: Array


def _shapes(
    *,
    center: float = 1.0,
    real_half_axis: float = 0.8,
    shown: Sequence[float] = (0.0, 0.3, 0.8, 1.8),
    searched: int = 7,
    points: int = 121,
) -> Shapes:
    height = np.linspace(0, 2, points)
    few = np.linspace(0.05, 1.95, searched)
    around = np.linspace(0, np.pi, 41)
    found = []
    for q in few:
        spectrum = center + real_half_axis * np.cos(around) + 1j * q * np.sin(around)
        best = tune("heavy-ball", spectrum=spectrum)
        found.append([best.momentum, float(np.max(spectral_radius(best, spectrum)))])
    some = np.asarray(shown, dtype=float)
    best = shapes.ellipse_optimum(center, real_half_axis, height)
    best_shown = shapes.ellipse_optimum(center, real_half_axis, some)
    return Shapes(
        center=center,
        real_half_axis=real_half_axis,
        height=height,
        momentum=np.asarray(best.momentum),
        rate=np.asarray(shapes.ellipse_rate(center, real_half_axis, height)),
        shown=some,
        shown_momentum=np.asarray(best_shown.momentum),
        shown_rate=np.asarray(shapes.ellipse_rate(center, real_half_axis, some)),
        searched_height=few,
        searched=np.array(found).T,
    )


def _draw_shapes(data: Shapes, axes: Any) -> None:
    for letter, q, momentum, rate in zip(
        "abcd", data.shown, data.shown_momentum, data.shown_rate, strict=True
    ):
        ax = axes[letter]
        x = data.center + data.real_half_axis * np.cos(_TURN)
        y = q * np.sin(_TURN)
        color = COLORS[1] if momentum > 1e-9 else COLORS[0] if momentum < -1e-9 else GRAY
        ax.axvline(0, color=INK, linewidth=0.9)
        ax.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
        ax.fill(x, y, color=color, alpha=0.2)
        ax.plot(x, y, color=color, linewidth=2.2)
        ax.set(xlim=(-0.3, 2.3), ylim=(-2.1, 2.1))
        ax.set_title(f"$\\beta = {momentum + 0:.2f}$, $\\rho = {rate:.2f}$", size=8)
        ax.set_xlabel("real part of $h$", size=8)
        if letter == "a":
            ax.set_ylabel("imaginary part")
        else:
            ax.set_yticklabels([])
    left, right = axes["e"], axes["f"]
    for ax, curve, dots, name in (
        (left, data.momentum, data.searched[0], label("momentum")),
        (right, data.rate, data.searched[1], "best rate $\\rho$"),
    ):
        ax.plot(data.height, curve, color=COLORS[0])
        ax.plot(data.searched_height, dots, "o", color=INK, markersize=3.5)
        ax.axvline(data.real_half_axis, color=GRAY, linewidth=1, linestyle="--")
        ax.set(xlim=(0, 2), xlabel="imaginary half axis $q$", ylabel=name)
    left.axhline(0, color=INK, linewidth=0.8)
    left.text(data.real_half_axis + 0.04, left.get_ylim()[1] * 0.75, "disc", fontsize=8, color=GRAY)
    right.set_ylim(0.4, 1)


def _tell_shapes(data: Shapes) -> str:
    return (
        "Curvatures that fill an ellipse around "
        f"{number(data.center)} with real half axis p = {number(data.real_half_axis)} and growing "
        "imaginary half axis q: from a segment, where Polyak's positive momentum is best, over a "
        "disc (dashed), where plain descent is, to a standing ellipse, which asks for negative "
        "momentum. Curves: closed form; dots: searches over the boundary. An imaginary part of "
        "√(d² − p²) = "
        f"{number(np.sqrt(data.center**2 - data.real_half_axis**2))} is enough to cost most of the "
        "acceleration."
    )


SHAPES = Figure(
    slug="spectral-shapes",
    title="From segment to disc to standing ellipse: the sign of momentum follows the shape",
    source=Citation("azizian2020"),
    claims=("best-momentum-for-an-elliptic-spectrum",),
    compute=_shapes,
    draw=_draw_shapes,
    caption=_tell_shapes,
    panels="abcd\neeff",
    size=(WIDTH, 4.6),
    quick={"points": 41, "searched": 2},
    remark="The paper's continuum of shapes; parameters and picture are ours.",
)


# Best steps of descent -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Two spectra ``(2, pairs)``; 1 − αh over α, at the best step, and the bounds on it."""

    spectra: NDArray[np.complex128]
    step: Array
    paths: NDArray[np.complex128]
    best_step: Array
    rate: Array
    bounds: Array


_TANGENT = (0.7 + 1.5j, 0.5 + 0.4j, 1.5 + 0.8j)
_CUT = (0.25 + 0.25j, 1.9 + 0.4j, 1.0 + 0.3j)


def _steps(*, points: int = 61) -> Steps:
    spectra = np.array([_TANGENT, _CUT])
    best, rates, bounds = [], [], []
    for spectrum in spectra:
        method = tune("gradient-descent", spectrum=spectrum)
        best.append(method.learning_rate)
        rates.append(float(np.max(spectral_radius(method, spectrum))))
        bounds.append(step_size_bounds(spectrum))
    fraction = np.linspace(0, 1.6, points)
    step = np.array(best)[:, None] * fraction
    return Steps(
        spectra=spectra,
        step=step,
        paths=1 - step[..., None] * spectra[:, None, :],
        best_step=np.array(best),
        rate=np.array(rates),
        bounds=np.array(bounds),
    )


def _draw_steps(data: Steps, axes: Any) -> None:
    titles = ("one pair decides: tangent", "two pairs decide: a cut")
    for index, title in enumerate(titles):
        ax = axes[0, index]
        ax.plot(np.cos(_TURN), np.sin(_TURN), color=INK, linewidth=1)
        rate = data.rate[index]
        ax.fill(rate * np.cos(_TURN), rate * np.sin(_TURN), color=COLORS[1], alpha=0.12)
        ax.plot(rate * np.cos(_TURN), rate * np.sin(_TURN), color=COLORS[1], linewidth=1.2)
        now = 1 - data.best_step[index] * data.spectra[index]
        for k, value in enumerate(now):
            active = np.abs(value) > rate - 1e-6
            color = COLORS[0] if active else GRAY
            for sign in (1, -1):
                path = data.paths[index, :, k]
                ax.plot(path.real, sign * path.imag, color=color, linewidth=1)
                ax.plot(value.real, sign * value.imag, "o", color=color, markersize=5)
        ax.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xlabel="real part", title=title)
        low, high = data.bounds[index, :2]
        ax.text(0.03, 0.03, f"{low:.3f} ≤ $\\rho$ = {rate:.3f} ≤ {high:.3f}",
                transform=ax.transAxes, fontsize=7, color=INK)  # fmt: skip
    axes[0, 0].set_ylabel("imaginary part")


def _tell_steps(data: Steps) -> str:
    return (
        "Eigenvalues 1 − αh of gradient descent at once as α grows from 0 (at 1), for two spectra; "
        "dots at the best learning rate. The smallest disc that holds all dots is touched by the "
        "path of one pair (left, where the rate "
        f"{number(data.rate[0], 4)} is its sine), or two pairs sit on its edge (right, "
        f"{number(data.rate[1], 4)}, worse than either sine). Below: the paper's bounds."
    )


STEPS = Figure(
    slug="two-kinds-of-best-step",
    title="What limits the step of descent in a game: one pair, or two",
    source=Citation("gidel2019"),
    claims=("step-of-descent-in-games-is-bounded",),
    compute=_steps,
    draw=_draw_steps,
    caption=_tell_steps,
    panels=(1, 2),
    size=(WIDTH, 3.7),
    quick={"points": 21},
    remark="After the paper's two cases; the spectra were chosen here.",
)
