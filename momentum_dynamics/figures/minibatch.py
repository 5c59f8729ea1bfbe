"""When momentum stops helping: limits in mean square and the speed-up against batch size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.minibatch import mean_square_radius, mini_batch_limit
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label, shades
from momentum_dynamics.laws import minibatch
from momentum_dynamics.methods import HeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """Largest learning rates times curvature, ``(kinds, variances, momenta)``."""

    momentum: Array
    variance: Array
    kinds: tuple[str, ...]
    limit: Array


def _limits(*, variance: Sequence[float] = (0.0, 0.3, 1.0, 3.0, 10.0), points: int = 40) -> Limits:
    momenta = 1 - np.geomspace(1, 0.01, points)
    variances = np.asarray(variance, dtype=float)
    ball = minibatch.mean_square_step_limit(momenta, 1.0, variances[:, None])
    nesterov = mini_batch_limit(
        "nesterov", momentum=momenta, curvature=1.0, curvature_variance=variances[:, None]
    )
    return Limits(
        momentum=momenta,
        variance=variances,
        kinds=("heavy-ball", "nesterov"),
        limit=np.array([ball, nesterov]),
    )


def _draw_limits(data: Limits, axes: Any) -> None:
    colors = shades(len(data.variance))
    for ax, kind, rows in zip(axes[0], data.kinds, data.limit, strict=True):
        for row, variance, color in zip(rows, data.variance, colors, strict=True):
            ax.semilogy(
                data.momentum, row / (1 - data.momentum), color=color,
                label=f"{variance:g}",
            )  # fmt: skip
        ax.set(xlabel=label("momentum"), title=kind.replace("-", " "), ylim=(0.1, 400), xlim=(0, 1))
    axes[0, 0].set_ylabel("largest stable $\\alpha h/(1-\\beta)$")
    axes[0, 1].set_yticklabels([])
    axes[0, 0].legend(title="$\\tau^2/h^2$", fontsize=9)


def _tell_limits(data: Limits) -> str:
    row = len(data.variance) - 1
    ball = data.limit[0, row] / (1 - data.momentum)
    free = data.limit[0, 0] / (1 - data.momentum)
    return (
        "The largest effective learning rate that is stable in mean square, when the curvature of "
        "each gradient varies with variance τ². Without noise momentum lets the effective step of "
        f"heavy ball grow from {free[0]:.2g} to {free[-1]:.3g}; with τ²/h² = "
        f"{number(float(data.variance[row]))} it goes from {ball[0]:.3f} to {ball[-1]:.3f}: in "
        "small batches momentum only rescales the step. Nesterov's method does alike until its "
        "momentum is high."
    )


LIMITS = Figure(
    slug="mini-batch-limits",
    title="In small batches momentum only rescales the step",
    source=Citation(None),
    claims=(
        "mean-square-limit-of-heavy-ball",
        "in-small-batches-momentum-only-rescales",
        "mini-batches-are-noise-of-the-curvature",
    ),
    compute=_limits,
    draw=_draw_limits,
    caption=_tell_limits,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 15, "variance": (0.0, 1.0, 10.0)},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SpeedUp:
    """Ratios of log-rates ``(condition numbers, batches)``."""

    constant: float
    condition_number: Array
    batch: Array
    speed_up: Array
    law: Array


def _speed_up(
    *,
    condition_number: Sequence[float] = (100.0, 10_000.0),
    constant: float = 2.0,
    batches: int = 11,
    grid: int = 24,
) -> SpeedUp:
    kappas = np.asarray(condition_number, dtype=float)
    batch = np.geomspace(0.25, 10_000, batches)
    rows = []
    for kappa in kappas:
        plain = _best_rate(kappa, constant / batch, np.zeros((len(batch), 1)))
        gaps = np.geomspace(1, min(1e-3, 0.1 / np.sqrt(kappa)), grid)
        accelerated = _best_rate(kappa, constant / batch, np.tile(1 - gaps, (len(batch), 1)))
        rows.append(np.minimum(np.log(accelerated), np.log(plain)) / np.log(plain))
    return SpeedUp(
        constant=float(constant),
        condition_number=kappas,
        batch=batch,
        speed_up=np.array(rows),
        law=np.asarray(minibatch.speed_up_limit(1.0, constant / batch), dtype=float),
    )


def _best_rate(kappa: float, share: Array, momentum: Array) -> Array:
    """The least mean-square radius over modes 1 and κ for each batch, τ² = share·h².

    For each momentum the best learning rate by golden sections, all at once; then once more
    between the neighbors of the best momentum.
    """
    curvatures = np.array([1.0, kappa])
    variances = share[:, None, None] * curvatures**2

    def worst(rate: Array) -> Array:
        balls = HeavyBall(learning_rate=np.exp(rate)[..., None], momentum=momentum[..., None])
        return mean_square_radius(balls, curvatures, variances).max(axis=-1)

    golden = (np.sqrt(5) - 1) / 2
    high = np.log(2 * (1 + momentum) / kappa) + np.zeros((len(share), 1))
    low = high - np.log(1e4 * kappa)
    for _ in range(42):
        first, second = high - golden * (high - low), low + golden * (high - low)
        left = worst(first) < worst(second)
        low, high = np.where(left, low, first), np.where(left, second, high)
    found = worst((low + high) / 2)
    best = found.argmin(axis=1)
    if momentum.shape[1] < 3 or momentum.shape[1] == _REFINED:
        return np.asarray(found.min(axis=1))
    rows = np.arange(len(share))
    ends = [momentum[rows, np.clip(best + way, 0, momentum.shape[1] - 1)] for way in (-1, 1)]
    return _best_rate(kappa, share, np.linspace(ends[0], ends[1], _REFINED, axis=-1))


_REFINED = 15
"""Momenta between the neighbors of the best one."""


def _draw_speed_up(data: SpeedUp, ax: Any) -> None:
    for kappa, row, color in zip(data.condition_number, data.speed_up, COLORS, strict=False):
        ax.loglog(
            data.batch, row, "o-", color=color, markersize=4,
            label=f"$\\kappa = {kappa:,.0f}$".replace(",", "\\,"),
        )  # fmt: skip
        ax.axhline(np.sqrt(kappa), color=color, linestyle="--", linewidth=1)
        ax.annotate(
            "$\\sqrt{\\kappa}$", (data.batch[0], np.sqrt(kappa)), (2, 3), color=color,
            textcoords="offset points", size=9,
        )  # fmt: skip
    ax.loglog(data.batch, data.law, ":", color=INK, label="$1 + B/c$")
    ax.axvline(data.constant, color="#bbbbbb", linewidth=0.9, zorder=0)
    ax.set(
        xlabel="batch size $B$", ylabel="speed-up by momentum",
        ylim=(0.8, 3 * np.sqrt(data.condition_number.max())),
    )  # fmt: skip
    ax.legend()


def _tell_speed_up(data: SpeedUp) -> str:
    small, large = data.speed_up[:, 0], data.speed_up[:, -1]
    ends = " and ".join(
        f"{first:.2f} to {last:.1f} at κ = {number(float(kappa))}"
        for kappa, first, last in zip(data.condition_number, small, large, strict=True)
    )
    return (
        "How many times fewer steps the best momentum needs than none, both tuned in mean square "
        f"for curvatures 1 and κ with τ² = ch²/B, c = {number(data.constant)}. The speed-up grows "
        f"from {ends}. It follows 1 + B/c (dotted), begins at batches of about c and saturates "
        "below √κ (dashed). The rule is a heuristic; the points are exact."
    )


SPEED_UP = Figure(
    slug="speed-up-against-batch-size",
    title="Momentum pays from batches of about c on, and at most √κ",
    source=Citation("zhang2019nqm"),
    claims=("in-small-batches-momentum-only-rescales",),
    compute=_speed_up,
    draw=_draw_speed_up,
    caption=_tell_speed_up,
    quick={"batches": 5, "grid": 12},
    remark="The source counts steps to a target loss; this is the rate in mean square.",
)
