"""Remedies against staleness side by side, and momentum as old as the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import FixedDelay
from momentum_dynamics.dynamics.asynchrony.comparison import compare_remedies, usual_remedies
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.methods.remedies import ShiftedHeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


# The table -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Remedies:
    """The columns of the table ``(remedies, workers)``."""

    names: tuple[str, ...]
    workers: Array
    condition_number: float
    momentum: float
    mean_rate: Array
    root_mean_square_rate: Array
    noise_floor: Array
    largest_step: Array


def _remedies(
    *,
    workers: Sequence[int] = (2, 4, 8, 16),
    condition_number: float = 100.0,
    momentum: float = 0.5,
) -> Remedies:
    low = 1 / condition_number
    tables = []
    for count in workers:
        usual = usual_remedies(int(count), low, 1.0, momentum=momentum)
        # The tuned momentum is another for each number of workers, and so is its name.
        named = {"momentum, tuned" if "tuned" in k else k: make for k, make in usual.items()}
        shown = {
            name: named[name] for name in named if not name.startswith(("momentum 0", "delay"))
        }
        tables.append(compare_remedies(int(count), low, 1.0, remedies=shown))
    columns = {
        name: np.array([getattr(table, name) for table in tables]).T
        for name in ("mean_rate", "root_mean_square_rate", "noise_floor", "largest_step")
    }
    return Remedies(
        names=tables[0].names, workers=np.array(workers, dtype=float),
        condition_number=float(condition_number), momentum=float(momentum), **columns,
    )  # fmt: skip


_STYLES = (
    (INK, "-", 2.4), (COLORS[1], "-", 1.6), (COLORS[0], "-", 1.6), (COLORS[0], "--", 1.6),
    (COLORS[0], ":", 1.9), (COLORS[2], "--", 1.6), (COLORS[2], "-", 1.6), (COLORS[3], "-", 1.6),
    (COLORS[3], "--", 1.6),
)  # fmt: skip
"""One color for each family: none, tuned, weights, compensation, momentum of workers."""


_HEIGHTS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0)
"""Where axes are marked."""


def _draw_remedies(data: Remedies, axes: Any) -> None:
    panels = (
        (1 - data.mean_rate, "one minus the mean rate"),
        (1 - data.root_mean_square_rate, "one minus the root mean square"),
        (data.noise_floor, "noise floor over one worker's"),
        (data.largest_step, r"largest stable $\alpha h$"),
    )
    for ax, (values, title) in zip(axes.flat, panels, strict=True):
        for row, name, (color, style, width) in zip(values, data.names, _STYLES, strict=True):
            ax.loglog(data.workers, row, style, color=color, linewidth=width, label=name)
        ax.set(title=title)
        ticks = [count for count in (2, 4, 8, 16) if count in data.workers]
        ax.set_xticks(ticks, [f"{count:g}" for count in ticks])
        heights = [h for h in _HEIGHTS if np.nanmin(values) <= h <= np.nanmax(values)]
        ax.set_yticks(heights, [f"{height:g}" for height in heights])
        ax.minorticks_off()
    for ax in axes[1]:
        ax.set_xlabel(label("workers"))
    axes[0, 1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)


def _tell_remedies(data: Remedies) -> str:
    columns = (data.root_mean_square_rate, data.noise_floor, data.largest_step)
    at = {name: tuple(column[i, -1] for column in columns) for i, name in enumerate(data.names)}
    plain, dropped = at["none"], at["dropped beyond M - 1"]
    age, half = at["rate over age"], at["compensated by half"]
    return (
        f"Gradient descent with remedies on M memoryless workers, κ = "
        f"{number(data.condition_number)}, by exact second moments: rates per update at each "
        "one's best learning rate, noise floors where all are half as fast as no remedy at its "
        "best, and the largest stable step. At these rates the mean is "
        f"as fast. At M = {number(data.workers[-1])} the best rate of "
        f"root mean squares is {number(plain[0], 5)} without a remedy. Dropping old gradients "
        f"bears a step of {number(dropped[2], 3)} instead of {number(plain[2], 3)}, and is slower, "
        f"{number(dropped[0], 5)}, and noisier, {number(dropped[1], 3)} times one worker's floor "
        f"instead of {number(plain[1], 3)}; the rate 1/(τ + 1) bears {number(age[2], 3)} at a "
        f"floor of {number(age[1], 3)}. True curvature is worth most: compensation for half of the "
        f"motion has the limit 2 of one worker, and the rate {number(half[0], 5)}. Momentum kept "
        f"for each worker (β = {number(data.momentum)}; the same as shifted momentum) gains, with "
        "look-ahead above all in noise."
    )


TABLE = Figure(
    slug="remedies-against-staleness",
    title="What remedies against staleness buy, and what they cost",
    source=Citation(None),
    claims=(
        "compensation-by-the-true-curvature-removes-staleness",
        "half-a-compensation-restores-the-limit-of-one-worker",
        "weights-of-staleness-are-paid-for-in-noise",
        "dropping-stale-gradients-is-slower-and-noisier",
        "a-velocity-for-each-worker-is-shifted-momentum",
    ),
    compute=_remedies,
    draw=_draw_remedies,
    caption=_tell_remedies,
    panels=(2, 2),
    size=(WIDTH, 5.4),
    quick={"workers": (2, 4)},
)


# Shifted momentum ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Shifted:
    """(τ + 1)αh/(1 − β) at the limit, ``(stalenesses, momenta)``, and of long delays."""

    momentum: Array
    staleness: Array
    fresh: Array
    shifted: Array
    long: Array


def _shifted(*, staleness: Sequence[int] = (3, 9), points: int = 25) -> Shifted:
    momentum = np.linspace(-0.5, 0.95, points)
    fresh, shifted = np.empty((2, len(staleness), points))
    for i, age in enumerate(staleness):
        delay = FixedDelay(staleness=int(age))
        scale = (age + 1) / (1 - momentum)
        heavy = HeavyBall(learning_rate=1.0, momentum=momentum)
        old = ShiftedHeavyBall(learning_rate=1.0, momentum=momentum, staleness=int(age))
        fresh[i] = scale * delay_stability_limit(heavy, delay)
        shifted[i] = scale * delay_stability_limit(old, delay)
    return Shifted(
        momentum=momentum, staleness=np.array(staleness, dtype=float), fresh=fresh,
        shifted=shifted, long=np.arccos(momentum) * np.sqrt((1 + momentum) / (1 - momentum)),
    )  # fmt: skip


def _draw_shifted(data: Shifted, ax: Any) -> None:
    for age, fresh, shifted, style in zip(
        data.staleness, data.fresh, data.shifted, ("-", "--"), strict=False
    ):
        ax.plot(data.momentum, shifted, style, color=COLORS[0], linewidth=1.8,
                label=f"as old as the gradient, τ = {age:g}")  # fmt: skip
        ax.plot(data.momentum, fresh, style, color=COLORS[1], linewidth=1.8,
                label=f"fresh, τ = {age:g}")  # fmt: skip
    ax.plot(data.momentum, data.long, ":", color=INK, linewidth=1.4,
            label=r"old, $\tau \to \infty$")  # fmt: skip
    ax.axhline(np.pi / 2, color=GRAY, linewidth=0.8, label="no momentum, $\\tau \\to \\infty$")
    ax.set(xlabel=label("momentum"), ylabel=r"$(\tau + 1)\,\alpha h/(1 - \beta)$ at the limit")
    ax.set_ylim(0, 2.6)
    ax.legend(loc="lower left", fontsize=8.5)


def _tell_shifted(data: Shifted) -> str:
    return (
        "The largest stable speed of heavy ball behind a fixed delay τ, in the mean, over τ + 1. "
        "Fresh momentum lowers it; momentum as old as the gradient raises it, for long delays to "
        f"arccos(β)√((1 + β)/(1 − β)), from π/2 at β = 0 to {number(float(data.long[-1]), 3)} at "
        f"β = {number(float(data.momentum[-1]), 2)}."
    )


SHIFTED = Figure(
    slug="shifted-momentum",
    title="Momentum as old as the gradient bears more speed",
    source=Citation("giladi2020"),
    claims=("shifted-momentum-raises-the-stable-speed",),
    compute=_shifted,
    draw=_draw_shifted,
    caption=_tell_shifted,
    size=(6.4, 3.8),
    quick={"staleness": (3, 5), "points": 9},
)
