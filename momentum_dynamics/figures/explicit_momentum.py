"""Explicit momentum on stale gradients: limits, and optima that fall below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import FixedDelay
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit, mean_square_limit
from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import optima
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.methods import HeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BestMomentum:
    """The best explicit momentum against workers, in two senses, and two rules of thumb."""

    condition_number: float
    total: float
    workers: Array
    mean: Array
    square: Array
    mean_rate: Array
    square_rate: Array
    without: Array
    additive: Array
    lag: Array


def _best_momentum(
    *, condition_number: float = 100.0, workers: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 12, 16)
) -> BestMomentum:
    total = float(optima.heavy_ball(1 / condition_number, 1.0).momentum)
    counts = np.asarray(workers, dtype=float)
    mean, square = (
        [tune_queue(1 / condition_number, 1.0, workers=m, sense=sense) for m in workers]
        for sense in ("mean", "mean-square")
    )
    lag = np.asarray(laws.time_constant_momentum(total, counts), dtype=float)
    return BestMomentum(
        condition_number=float(condition_number),
        total=total,
        workers=counts,
        mean=np.array([tuned.method.momentum for tuned in mean]),
        square=np.array([tuned.method.momentum for tuned in square]),
        mean_rate=np.array([tuned.rate for tuned in mean]),
        square_rate=np.array([tuned.rate for tuned in square]),
        without=np.array([float(optima.gradient_descent_rate(condition_number))]),
        additive=np.asarray(laws.additive_momentum(total, counts), dtype=float),
        lag=lag[counts - 1 < total / (1 - total) + 0.5],
    )


def _draw_best_momentum(data: BestMomentum, axes: Any) -> None:
    left, right = axes[0]
    left.axhline(0, color=GRAY, linewidth=0.8)
    left.plot(data.workers, data.mean, "o-", color=COLORS[0], markersize=4, label="mean")
    left.plot(data.workers, data.square, "s-", color=COLORS[1], markersize=4, label="mean square")
    left.plot(data.workers, data.additive, "--", color=INK, linewidth=1, label="$T - (1 - 1/M)$")
    left.plot(
        data.workers[: len(data.lag)],
        data.lag,
        "x:",
        color=COLORS[3],
        markersize=5,
        label="equal mean lags",
    )
    left.set(xlabel=label("workers"), ylabel=label("momentum"), ylim=(-0.6, 0.8))
    left.set_title("best explicit momentum")
    for ax in axes[0]:
        ax.set_xticks([1, 4, 8, 12, 16])
    left.legend(loc="upper right", fontsize=8.5)
    right.semilogy(data.workers, 1 - data.mean_rate, "o-", color=COLORS[0], markersize=4)
    right.semilogy(data.workers, 1 - data.square_rate, "s-", color=COLORS[1], markersize=4)
    right.axhline(1 - data.without[0], color=GRAY, linewidth=1)
    right.set(xlabel=label("workers"), title="one minus the rate that it has")


def _tell_best_momentum(data: BestMomentum) -> str:
    first_mean = data.workers[np.argmax(data.mean < -0.01)]
    first_square = data.workers[np.argmax(data.square < -0.01)]
    return (
        f"Left: the explicit momentum with the best worst rate at κ = "
        f"{number(data.condition_number)} on M memoryless workers, each with its best learning "
        f"rate; negative from M = {first_mean:g} on in the mean, from {first_square:g} on in mean "
        "square. Dashed: the total momentum "
        f"T = {number(data.total, 3)} of tuned heavy ball less 1 − 1/M; dotted: equal mean lags, "
        "which has no solution beyond a few workers. Neither rule is exact. Right: one minus the "
        "rates; in mean square all workers but one are slower per update than gradient descent on "
        "one (gray)."
    )


BEST = Figure(
    slug="best-momentum-of-queues",
    title="The best explicit momentum falls with the workers, and below zero",
    source=Citation("mitliagkas2016"),
    claims=(
        "best-explicit-momentum-becomes-negative",
        "momenta-add-up-for-few-workers",
        "explicit-and-implicit-momentum-are-two-poles",
    ),
    compute=_best_momentum,
    draw=_draw_best_momentum,
    caption=_tell_best_momentum,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"workers": (1, 2, 4, 8)},
    remark="The paper tunes convolutional networks; here the optimum is computed on quadratics.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class LimitsWithMomentum:
    """Limits of αh against momentum ``(delays, momenta)`` and ``(workers, momenta)``."""

    momentum: Array
    delays: Array
    fixed: Array
    rule: Array
    workers: Array
    square: Array


def _limits_with_momentum(
    *,
    delays: Sequence[int] = (3, 7, 15, 31),
    workers: Sequence[int] = (2, 4, 8, 16, 64),
    points: int = 49,
) -> LimitsWithMomentum:
    momentum = np.linspace(-0.9, 0.95, points)
    method = HeavyBall(learning_rate=1.0, momentum=momentum)
    stale = np.asarray(delays, dtype=float)
    return LimitsWithMomentum(
        momentum=momentum,
        delays=stale,
        fixed=np.array([delay_stability_limit(method, FixedDelay(staleness=k)) for k in delays]),
        rule=np.asarray(laws.total_lag_step_limit(momentum, stale[:, None]), dtype=float),
        workers=np.array(workers, dtype=float),
        square=np.array([mean_square_limit(method, workers=float(m)) for m in workers]),
    )


def _draw_limits_with_momentum(data: LimitsWithMomentum, axes: Any) -> None:
    left, right = axes[0]
    for delay, limit, rule, color in zip(data.delays, data.fixed, data.rule, COLORS, strict=False):
        left.semilogy(data.momentum, limit, color=color, linewidth=1.7, label=f"{delay:g}")
        left.semilogy(data.momentum, rule, "--", color=color, linewidth=1)
    left.set(xlabel=label("momentum"), ylabel=r"largest stable $\alpha h$", ylim=(1e-3, 2))
    left.set_title("fixed delay, and the rule of lags")
    left.legend(title=label("staleness"), fontsize=8, loc="lower left")
    for count, limit, color in zip(data.workers, data.square, COLORS, strict=False):
        right.semilogy(data.momentum, limit, color=color, linewidth=1.7, label=f"{count:g}")
        best = int(np.argmax(limit))
        right.plot(data.momentum[best], limit[best], "o", color=color, markersize=4)
    right.set(xlabel=label("momentum"), ylim=(1e-2, 2), title="queue, mean square")
    right.legend(title=label("workers"), fontsize=8, loc="lower left")


def _tell_limits_with_momentum(data: LimitsWithMomentum) -> str:
    best = data.momentum[np.argmax(data.square, axis=1)]
    told = ", ".join(
        f"{number(float(b), 2)} (M = {count:g})"
        for b, count in zip(best, data.workers, strict=True)
    )
    near = np.abs(data.momentum) < _NEAR
    worst = float(np.abs(data.rule / data.fixed - 1)[1:, near].max())
    return (
        "The largest αh against explicit momentum. Left: behind a fixed delay, exact (lines) and "
        "by the rule that delay and momentum add as lags (dashed), which for |β| below "
        f"{_NEAR:g} and delays from {data.delays[1]:g} on is within {number(100 * worst, 2)} %. "
        f"Right: in mean square on M memoryless workers; it is largest at β = {told} (dots)."
    )


_NEAR = 0.6
"""Momenta for which the caption tells how good the rule of lags is."""


WITH_MOMENTUM = Figure(
    slug="limits-with-momentum",
    title="Delay and momentum add as lags",
    source=Citation(None),
    claims=("delay-and-momentum-add-as-lags", "heavy-ball-in-the-queue-has-a-closed-form"),
    compute=_limits_with_momentum,
    draw=_draw_limits_with_momentum,
    caption=_tell_limits_with_momentum,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 13, "delays": (3, 15), "workers": (2, 16)},
)
