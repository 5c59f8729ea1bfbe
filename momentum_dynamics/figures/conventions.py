"""Which momentum is this: the same numbers in five conventions, and what parts frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.conversion import CONVENTIONS, convert
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.methods import (
    ExponentialAverage,
    HeavyBall,
    KerasSGD,
    Method,
    Scheduled,
    TorchSGD,
)
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]

NAMES = {
    "polyak": "Polyak",
    "pytorch": "PyTorch",
    "keras": "Keras",
    "average": "average",
    "sutskever": "Sutskever",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Conventions:
    """Paths ``(curves, steps + 1)`` of one mode, from 1."""

    learning_rate: float
    momentum: float
    curvature: float
    drop: int
    names: tuple[str, ...]
    unconverted: Array
    converted: Array
    damped: Array
    averaged: Array
    torch: Array
    keras: Array


def _conventions(
    *,
    learning_rate: float = 0.05,
    momentum: float = 0.8,
    curvature: float = 1.0,
    steps: int = 40,
    drop: int = 6,
) -> Conventions:
    def path(method: Method) -> Array:
        return simulate(method, Quadratic([curvature]), steps=steps, start=[1.0]).outputs[:, 0]

    numbers: dict[str, Any] = {"learning_rate": learning_rate, "momentum": momentum}
    ball = HeavyBall(**numbers)
    rates = [learning_rate] * drop + [learning_rate / 10]

    def dropping(kind: Any) -> Array:
        return path(Scheduled(stages=[kind(**{**numbers, "learning_rate": r}) for r in rates]))

    return Conventions(
        learning_rate=float(learning_rate),
        momentum=float(momentum),
        curvature=float(curvature),
        drop=int(drop),
        names=tuple(NAMES[name] for name in CONVENTIONS),
        unconverted=np.array([path(way.plain(**numbers)) for way in CONVENTIONS.values()]),
        converted=np.array([path(convert(ball, to=name)) for name in CONVENTIONS]),
        damped=path(TorchSGD(**numbers, dampening=momentum)),
        averaged=path(ExponentialAverage(**numbers)),
        torch=dropping(TorchSGD),
        keras=dropping(KerasSGD),
    )


_MARKERS = ("o", "s", "^", "D", "v")


def _draw_conventions(data: Conventions, axes: Any) -> None:
    titles = {
        "A": "the same two numbers",
        "B": "converted",
        "C": "dampening is no average",
        "D": "a learning rate that drops",
    }
    for letter, ax in axes.items():
        ax.axhline(0, color="#bbbbbb", linewidth=0.8)
        ax.set_title(f"{letter}  {titles[letter]}")
        if letter in "CD":
            ax.set_xlabel(label("step"))
        if letter in "AC":
            ax.set_ylabel("distance from the solution")
    for letter, paths in (("A", data.unconverted), ("B", data.converted)):
        for index, (name, path) in enumerate(zip(data.names, paths, strict=True)):
            # Markers are set off against each other, so that curves on top of each other show.
            axes[letter].plot(
                path, color=COLORS[index], linewidth=1.2, marker=_MARKERS[index],
                markevery=(index, len(data.names)), markersize=5, label=name,
            )  # fmt: skip
    axes["A"].legend(loc="upper right")
    for letter, curves in {
        "C": (("PyTorch, dampening β", data.damped), ("average", data.averaged)),
        "D": (("PyTorch, rate outside", data.torch), ("Keras, rate inside", data.keras)),
    }.items():
        for index, (name, path) in enumerate(curves):
            axes[letter].plot(path, color=COLORS[1 - index], label=name)
        axes[letter].legend(loc="upper right")
    axes["D"].axvline(data.drop, color=INK, linewidth=0.9, linestyle=":")
    axes["D"].annotate(
        "rate ÷ 10", (data.drop, 0.5), (4, 0), textcoords="offset points",
        color=INK, size=9,
    )  # fmt: skip


def _tell_conventions(data: Conventions) -> str:
    average = effective_learning_rate(data.learning_rate, data.momentum)
    apart = float(np.ptp(data.converted, axis=0).max())
    lengths = [float(path[1] - 1) for path in (data.damped, data.averaged)]
    return (
        f"One mode of curvature {number(data.curvature)}. Learning rate "
        f"{number(data.learning_rate)} and momentum {number(data.momentum)} mean one thing to "
        "Polyak, PyTorch, Keras and Sutskever, and another to an exponential average (A). Once its "
        f"learning rate is {number(average)}, all five are one path (B; "
        f"{'equal to rounding' if apart < _ROUNDING else f'apart by {number(apart, 1)}'}). "
        "PyTorch's dampening spares the first step, which is then "
        f"{number(lengths[0] / lengths[1], 3)} times as long as the average's (C). When the "
        "learning rate drops, PyTorch shrinks the velocity's effect at once, while Keras lets the "
        "old velocity run out (D)."
    )


_ROUNDING = 1e-9
"""Smaller deviations are rounding, and differ from machine to machine."""


CONVENTIONS_FIGURE = Figure(
    slug="which-momentum",
    title="Which momentum is this? The same numbers in five conventions",
    source=Citation(None),
    claims=(
        "five-conventions-are-one-method",
        "dampening-makes-an-average",
        "rate-outside-the-velocity",
    ),
    compute=_conventions,
    draw=_draw_conventions,
    caption=_tell_conventions,
    panels="AB\nCD",
    size=(WIDTH, 5.2),
    quick={"steps": 30},
)
