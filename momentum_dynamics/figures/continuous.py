"""Momentum in continuous time: damping, equations of two resolutions, a Bessel function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import eigenvalues
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH
from momentum_dynamics.laws import continuous, spectrum
from momentum_dynamics.methods import GrowingNesterov, HeavyBall, Nesterov
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Damping:
    """Paths in the phase plane, errors of exponents, and Nesterov's method beside its limit."""

    momentum: Array
    critical: float
    position: Array
    velocity: Array
    step: Array
    low_error: Array
    high_error: Array
    time: Array
    bessel: Array
    nesterov: Array


def _damping(
    *,
    momentum: Sequence[float] = (0.01, 0.81, 0.97),
    learning_rate: float = 1e-4,
    curvature: float = 100.0,
    steps: int = 400,
    points: int = 9,
    accelerated_step: float = 1e-3,
) -> Damping:
    chosen = np.asarray(momentum, dtype=float)
    runs = [
        simulate(
            HeavyBall(learning_rate=learning_rate, momentum=float(beta)), Quadratic([curvature]),
            steps=steps,
        ).outputs[:, 0]
        for beta in chosen
    ]  # fmt: skip
    position = np.array(runs)
    velocity = np.diff(position, axis=1, prepend=1.0) / np.sqrt(learning_rate * curvature)
    sizes = np.geomspace(1e-6, 1e-1, points)
    errors = np.array([[_exponent_errors(kind, float(s)) for s in sizes]
                       for kind in (HeavyBall, Nesterov)])  # fmt: skip
    count = int(20 / np.sqrt(accelerated_step))
    accelerated = GrowingNesterov(learning_rate=accelerated_step)
    path = simulate(accelerated, Quadratic([1.0]), steps=count).outputs[:, 0]
    time = np.arange(1, count + 1) * np.sqrt(accelerated_step)
    return Damping(
        momentum=chosen,
        critical=float(spectrum.critical_momentum(learning_rate, curvature)),
        position=position,
        velocity=velocity,
        step=sizes,
        low_error=errors[..., 0],
        high_error=errors[..., 1],
        time=time,
        bessel=continuous.vanishing_friction_path(3, 1.0, time),
        nesterov=path[1:],
    )


def _exponent_errors(kind: Any, step: float) -> list[float]:
    """How far the exponents of the equations of low and high resolution are from the method's."""
    root = np.sqrt(step)
    method = kind(learning_rate=step, momentum=float((1 - root) / (1 + root)))
    found = np.log(np.asarray(eigenvalues(method, 4.0)).astype(complex)) / root
    friction = float(continuous.critical_friction(1.0))
    corrected = friction + root * 4.0 * (kind is Nesterov)
    force = float(continuous.high_resolution_stiffness(step, 1.0, 4.0))
    return [
        float(np.abs(np.sort_complex(found) - np.sort_complex(np.roots(equation))).max())
        for equation in ([1, friction, 4.0], [1, corrected, force])
    ]


def _draw_damping(data: Damping, axes: Any) -> None:
    left, middle, right = axes[0]
    names = ("over-damped", "critical", "under-damped")
    for beta, name, x, v, color in zip(
        data.momentum,
        names,
        data.position,
        data.velocity,
        (COLORS[0], INK, COLORS[1]),
        strict=False,
    ):
        left.plot(x, v, color=color, label=f"{name}, {beta:g}", linewidth=1.4)
    left.plot(0, 0, "+", color=INK)
    left.set(xlabel="position", ylabel="velocity", title="ways to be damped", ylim=(-1.05, 1.25))
    left.legend(fontsize=8, loc="upper right")
    for low, high, name, color in zip(
        data.low_error, data.high_error, ("heavy ball", "Nesterov"), (COLORS[1], COLORS[2]),
        strict=True,
    ):  # fmt: skip
        middle.loglog(data.step, low, "o--", color=color, markersize=3, linewidth=1.1)
        middle.loglog(data.step, high, "o-", color=color, markersize=3, label=name)
    middle.set(xlabel="size of a step $s$", title="error of the exponents")
    middle.legend(fontsize=8, title="high (low: dashed)", title_fontsize=8)
    right.axhline(0, color="#bbbbbb", linewidth=0.8)
    right.plot(data.time, data.nesterov, color=COLORS[2], label="Nesterov", linewidth=2.4)
    right.plot(data.time, data.bessel, "--", color=INK, label="$2J_1(t)/t$", linewidth=1.2)
    right.set(xlabel="time, $k\\sqrt{s}$", title="momentum (k − 1)/(k + 2)")
    right.legend(fontsize=8)


def _tell_damping(data: Damping) -> str:
    slopes = [
        np.polyfit(np.log(data.step), np.log(rows), 1)[0]
        for rows in (*data.low_error, *data.high_error)
    ]
    off = np.abs(data.nesterov - data.bessel).max()
    return (
        "Left: heavy ball as a damped oscillator, with less momentum than the critical "
        f"{number(data.critical)}, with just this, and with more. Middle: exponents of the "
        "limiting equations against the method's; for the low-resolution one, which is the same "
        f"for both methods, the error shrinks like s to the {slopes[0]:.2f} and {slopes[1]:.2f}, "
        f"for the high-resolution ones like s to the {slopes[2]:.2f} and {slopes[3]:.2f}. Right: "
        "Nesterov's method with growing momentum follows a Bessel function, off by at most "
        f"{number(float(off), 1)}."
    )


DAMPING = Figure(
    slug="damping-regimes",
    title="In continuous time momentum is friction",
    source=Citation("shi2022"),
    claims=(
        "heavy-ball-is-symplectic-euler",
        "high-resolution-equations-are-right-to-order-s",
        "nesterov-follows-a-bessel-function",
        "accelerated-flow-decays-like-one-over-time-squared",
        "critical-friction-is-fastest",
    ),
    compute=_damping,
    draw=_draw_damping,
    caption=_tell_damping,
    panels=(1, 3),
    size=(WIDTH, 3.1),
    quick={"steps": 200, "points": 5, "accelerated_step": 1e-2},
    remark="Left after Goh's phase portraits.",
)
