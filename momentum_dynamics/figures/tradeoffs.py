"""Speed is paid in noise: the triangle of stable loops, and what tuned methods leave of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune, worst_rate
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws import minibatch
from momentum_dynamics.methods import HeavyBall, ThreeParameter

__all__: list[str] = []

Array = NDArray[np.float64]

_KINDS = ("gradient-descent", "heavy-ball", "nesterov")


@dataclass(frozen=True, kw_only=True, eq=False)
class Triangle:
    """Radius and noise over the triangle of stable loops, and the trade-off of tuned methods."""

    condition_number: float
    trace: Array
    determinant: Array
    radius: Array
    lines: Array
    kappa: Array
    names: tuple[str, ...]
    amplification: Array
    law: Array
    product: Array
    least: Array


def _triangle(*, condition_number: float = 20.0, points: int = 161, kappas: int = 13) -> Triangle:
    trace = np.linspace(-2, 2, points)
    determinant = np.linspace(-1, 1, points)[:, None]
    # A loop with trace T and determinant D: the family's member with look-ahead 0 has both.
    balls = HeavyBall(learning_rate=1 + determinant - trace, momentum=determinant)
    radius = np.broadcast_to(spectral_radius(balls, 1.0), (points, points))
    share = np.linspace(0, 1, 60)
    curvature = 1 + (condition_number - 1) * share
    lines = []
    for kind in _KINDS:
        method: Any = tune(kind, smallest_curvature=1.0, largest_curvature=condition_number)
        momentum = getattr(method, "momentum", 0.0)
        ahead = momentum if kind == "nesterov" else 0.0
        family = ThreeParameter(
            learning_rate=method.learning_rate, momentum=momentum, lookahead=ahead
        )
        step = family.learning_rate * curvature
        lines.append([1 + momentum - step * (1 + ahead), momentum - step * ahead])
    kappa = np.geomspace(2, 10_000, kappas)
    floor, radius_of = np.array([_floor_and_rate(float(value)) for value in kappa]).T
    return Triangle(
        condition_number=float(condition_number),
        trace=trace,
        determinant=determinant[:, 0],
        radius=np.where(
            (np.abs(determinant) < 1) & (np.abs(trace) < 1 + determinant), radius, np.nan
        ),
        lines=np.array(lines),
        kappa=kappa,
        names=("gradient descent", "heavy ball", "Nesterov"),
        amplification=floor[1:] / floor[0],
        law=np.asarray(minibatch.amplification(kappa), dtype=float),
        product=floor / (1 - radius_of),
        least=np.asarray(minibatch.least_noise_time_product(kappa), dtype=float),
    )


def _floor_and_rate(kappa: float) -> list[list[float]]:
    """The noise floor at curvature 1 and the rate on [1, κ] of three tuned methods.

    Under noise of variance one in the iterate, which in the gradient is one of variance 1/α².
    """
    found = []
    for kind in _KINDS:
        method: Any = tune(kind, smallest_curvature=1.0, largest_curvature=kappa)
        found.append(
            [
                float(stationary_variance(method, 1.0, 1 / method.learning_rate**2)),
                worst_rate(method, np.array([1.0, kappa])),
            ]
        )
    return found


def _draw_triangle(data: Triangle, axes: Any) -> None:
    left, right, last = axes[0]
    levels = np.arange(0.1, 1.01, 0.1)
    left.contourf(
        data.trace, data.determinant, data.radius, levels=[0, *levels], cmap="Blues", alpha=0.75
    )
    left.plot([-2, 0, 2, -2], [1, -1, 1, 1], color=INK, linewidth=1.2)
    for name, line, color in zip(data.names, data.lines, COLORS[1:], strict=False):
        left.plot(*line, color=color, linewidth=2.4, label=name)
        left.plot(*line[:, 0], "o", color=color, markersize=5)
    left.set(
        xlabel=label("trace"), ylabel=label("determinant"), xlim=(-2.15, 2.15), ylim=(-1.1, 1.9),
        title=f"tuned for $\\kappa = {data.condition_number:g}$", yticks=[-1, 0, 1],
    )  # fmt: skip
    left.legend(loc="upper center", fontsize=8.5, ncols=1)
    for row, color in zip(data.amplification, COLORS[2:], strict=False):
        right.loglog(data.kappa, row, "o", color=color, markersize=4)
    right.loglog(data.kappa, data.law, color=COLORS[2], linewidth=1.2)
    right.axhline(1, color="#bbbbbb", linewidth=0.8)
    right.set(xlabel=label("condition_number"), title="noise over gradient descent's")
    for row, color in zip(data.product, COLORS[1:], strict=False):
        last.loglog(data.kappa, row / data.kappa**2, "o-", color=color, markersize=4, linewidth=1)
    last.loglog(data.kappa, data.least / data.kappa**2, color=INK, linewidth=1.2)
    last.text(data.kappa[-1], data.least[-1] / data.kappa[-1] ** 2 / 1.25, "1/64", ha="right")
    last.set(xlabel=label("condition_number"), title="noise × settling time / $\\kappa^2$")
    last.set(ylim=(0.01, 0.7), yticks=[0.01, 0.1], yticklabels=["0.01", "0.1"])
    last.minorticks_off()


def _tell_triangle(data: Triangle) -> str:
    return (
        "Left: the triangle of stable loops of two slots, shaded by spectral radius. As the "
        "curvature runs from the flattest mode (dot) to the stiffest, gradient descent moves on "
        "the line D = 0, heavy ball on D = β, Nesterov's method on a slanted one. Middle: the "
        "noise that tuned methods leave of noise in the iterate on the flattest mode; for heavy "
        "ball it is (√κ + 1)⁴/(8√κ(κ + 1)) times gradient descent's, "
        f"{data.law[-1]:.1f} at κ = {number(float(data.kappa[-1]))}. Right: that noise times the "
        "settling time 1/(1 − ρ). No method of two steps gets below κ²/64, and tuned heavy ball "
        f"gets there as κ grows: {64 * data.product[1, -1] / data.kappa[-1] ** 2:.2f} times as "
        "much at the largest. Speed is paid in noise."
    )


TRIANGLE = Figure(
    slug="noise-against-speed",
    title="Speed is paid in noise: the triangle of stable loops",
    source=Citation("mohammadi2021"),
    claims=(
        "acceleration-amplifies-noise",
        "noise-times-settling-time-grows-like-kappa-squared",
    ),
    compute=_triangle,
    draw=_draw_triangle,
    caption=_tell_triangle,
    panels=(1, 3),
    size=(WIDTH, 3.6),
    quick={"points": 61, "kappas": 6},
)
