"""Momentum with an argument, in games."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.methods import ComplexMomentum
from momentum_dynamics.problems import BilinearGame
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]


# Complex momentum ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Turned:
    """Best rate over the argument of momentum ``(curvatures, phases)``, and two plays."""

    phase: Array
    argument: Array
    rate: Array
    played_phase: Array
    played: Array


def _best_rate(curvature: complex, phase: Array, points: int, closer: int) -> Array:
    """The best radius for each argument, on grids of modulus and step drawn closer and closer."""
    # The modulus is 1 − e⁻ᵘ: close to one where the argument is close to zero.
    depth, step = np.full(phase.shape, 3.0), np.full(phase.shape, -3.0)
    wide, high = np.full(phase.shape, 3.0), np.full(phase.shape, 4.0)
    best = np.full(phase.shape, np.inf)
    around = np.linspace(-1, 1, points)
    for _ in range(closer):
        depths = np.maximum(depth[:, None, None] + (wide[:, None] * around)[:, :, None], 0)
        steps = np.exp(step[:, None, None] + (high[:, None] * around)[:, None, :])
        method = ComplexMomentum(
            learning_rate=steps, momentum=1 - np.exp(-depths), phase=phase[:, None, None]
        )
        radius = spectral_radius(method, curvature).reshape(len(phase), -1)
        place = np.argmin(radius, axis=-1)
        best = np.minimum(best, radius.min(axis=-1))
        rows = np.arange(len(phase))
        depth = depths[rows, place // points, 0]
        step = np.log(steps[rows, 0, place % points])
        wide, high = wide / 2.5, high / 2.5
    return best


def _turned(*, phases: int = 49, points: int = 21, rounds: int = 300, closer: int = 7) -> Turned:
    phase = np.linspace(0, np.pi, phases)
    argument = np.array([0, np.pi / 4, np.pi / 2])
    rate = np.stack([_best_rate(np.exp(1j * psi), phase, points, closer) for psi in argument])
    played = np.array([0.0, 3 * np.pi / 8, np.pi])
    method = ComplexMomentum(learning_rate=0.537, momentum=0.68, phase=played)
    path = play(method, BilinearGame(1.0), steps=rounds, play="simultaneous").distance.T
    return Turned(
        phase=phase,
        argument=argument,
        rate=rate,
        played_phase=played,
        played=np.clip(path, 1e-13, 1e30),
    )


def _draw_turned(data: Turned, axes: Any) -> None:
    left, right = axes[0, 0], axes[0, 1]
    names = ("1 (minimization)", "$e^{i\\pi/4}$", "$i$ (rotation)")
    for rate, name, color in zip(data.rate, names, (GRAY, COLORS[2], COLORS[0]), strict=True):
        left.plot(np.degrees(data.phase), rate, color=color, label=f"$h$ = {name}")
    left.axhline(1, color=INK, linewidth=0.9)
    left.set(xlim=(0, 180), ylim=(-0.02, 1.05), xlabel="argument of momentum in degrees")
    left.set_xticks([0, 45, 90, 135, 180])
    left.set_ylabel("best rate at once")
    left.legend(fontsize=7, loc=(0.3, 0.08))
    for path, phase, color in zip(
        data.played, data.played_phase, (COLORS[1], COLORS[0], COLORS[4]), strict=True
    ):
        right.semilogy(path, color=color, label=f"{np.degrees(phase):.4g}°")
    right.set(xlim=(0, data.played.shape[-1] - 1), ylim=(1e-13, 1e10), xlabel="round")
    right.set_title("played at once, $h = i$", size=9)
    right.set_ylabel("distance")
    right.legend(fontsize=7, title="argument", title_fontsize=7)


def _tell_turned(data: Turned) -> str:
    best = int(np.argmin(data.rate[2]))
    inside = data.phase[data.rate[2] < 1 - 1e-6]
    return (
        "Complex momentum βe^{iφ}, both players at once: the best rate over modulus and step "
        "against the argument φ, for three curvatures. On a rotation (h = i) real momentum, "
        "positive (0°) or negative (180°), never contracts; arguments between do, here from "
        f"{number(np.degrees(inside[0]), 3)}° to {number(np.degrees(inside[-1]), 3)}°, best near "
        f"{number(np.degrees(data.phase[best]), 3)}° with {number(data.rate[2, best], 4)}. Right: "
        "play with |β| = 0.68 and α = 0.537."
    )


TURNED = Figure(
    slug="complex-momentum",
    title="Momentum with an argument converges where every real momentum fails",
    source=Citation("lorraine2022"),
    claims=(
        "complex-momentum-converges-where-real-fails",
        "optimistic-gradient-is-imaginary-momentum",
    ),
    compute=_turned,
    draw=_draw_turned,
    caption=_tell_turned,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"phases": 7, "points": 9, "rounds": 40, "closer": 2},
    remark="The paper's method; this picture is ours.",
)
