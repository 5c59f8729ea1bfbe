"""How large a step staleness bears: limits against workers, and where the poles go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import FixedDelay, GeometricDelay, UniformDelay
from momentum_dynamics.dynamics.asynchrony.limits import mean_square_limit
from momentum_dynamics.dynamics.radius import eigenvalues, spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.simulation.exponents import path_exponent

__all__: list[str] = []

Array = NDArray[np.float64]


# Limits ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class StepLimits:
    """The largest αh against workers, for each law and each sense; almost-sure ones with errors."""

    workers: Array
    geometric: Array
    uniform: Array
    fixed: Array
    queue: Array
    independent: Array
    uniform_square: Array
    some: Array
    almost: Array
    almost_error: Array
    seed: int


def _almost_sure(workers: int, seed: Any, updates: int) -> tuple[float, float]:
    """Where the exponent of paths crosses 0, by halving, and its error over the slope there."""
    low = float(laws.queue_mean_square_limit(workers))
    high = 2.0 * low

    def exponent(step: float) -> Any:
        return path_exponent(
            GradientDescent(learning_rate=step), 1.0, workers=workers, updates=updates,
            replicas=64, seed=seed,
        )  # fmt: skip

    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if exponent(middle).value < 0 else (low, middle)
    zero = (low + high) / 2
    width = 0.1 * zero
    after, before = exponent(zero + width), exponent(zero - width)
    slope = (after.value - before.value) / (2 * width)
    return zero, exponent(zero).error / slope


def _step_limits(
    *,
    largest: int = 256,
    points: int = 25,
    some: Sequence[int] = (2, 4, 8, 16, 32, 64),
    updates: int = 1500,
    seed: int = 11,
) -> StepLimits:
    workers = np.unique(np.geomspace(1, largest, points).round())
    seeds = np.random.SeedSequence(seed).spawn(len(some))
    descent = GradientDescent(learning_rate=1.0)
    few = workers[workers <= _FEW]
    almost = np.array(
        [_almost_sure(count, one, updates) for count, one in zip(some, seeds, strict=True)]
    )
    uniform = [
        float(mean_square_limit(descent, delay=UniformDelay(largest=int(2 * (m - 1))))) for m in few
    ]
    return StepLimits(
        workers=workers,
        geometric=np.asarray(laws.geometric_delay_step_limit(workers), dtype=float),
        uniform=np.asarray(laws.uniform_delay_step_limit(2 * (workers - 1)), dtype=float),
        fixed=np.asarray(laws.fixed_delay_step_limit(workers - 1), dtype=float),
        queue=np.asarray(laws.queue_mean_square_limit(workers), dtype=float),
        independent=np.asarray(laws.independent_mean_square_limit(workers), dtype=float),
        uniform_square=np.array(uniform),
        some=np.array(some, dtype=float),
        almost=almost[:, 0],
        almost_error=almost[:, 1],
        seed=int(seed),
    )


_FEW = 9
"""Workers up to which limits without closed form are searched for the figure."""


def _draw_step_limits(data: StepLimits, ax: Any) -> None:
    lines = (
        (data.geometric, COLORS[2], "-", "geometric, mean"),
        (data.uniform, COLORS[4], "-", "uniform, mean"),
        (data.fixed, COLORS[1], "-", "fixed"),
        (data.queue, COLORS[0], "-", "queue, mean square"),
        (data.independent, COLORS[0], ":", "geometric, mean square"),
    )
    for values, color, style, name in lines:
        ax.loglog(data.workers, values, style, color=color, linewidth=1.8, label=name)
    size = len(data.uniform_square)
    ax.loglog(data.workers[:size], data.uniform_square, ":", color=COLORS[4], linewidth=1.8,
              label="uniform, mean square")  # fmt: skip
    ax.errorbar(
        data.some, data.almost, 3 * data.almost_error, fmt="o", color=INK, markersize=4,
        label="queue, almost every path",
    )  # fmt: skip
    ax.set(xlabel=label("workers"), ylabel=r"largest stable $\alpha h$", ylim=(4e-3, 2e3))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8.5)


def _tell_step_limits(data: StepLimits) -> str:
    told = min(3, len(data.some) - 1)
    limit = float(laws.queue_mean_square_limit(data.some[told]))
    return (
        "The largest αh that gradient descent bears on M workers of mean staleness M − 1. The mean "
        "of memoryless workers gains stability with every worker, 4M − 2; their second moment "
        "loses it as √(2/M), and almost every path (dots, from Lyapunov exponents, ±3 standard "
        f"errors) little later: at M = {data.some[told]:g}, {number(float(data.almost[told]), 2)} "
        f"against {number(limit, 3)}. A round robin, "
        f"the fixed delay, falls as π/(2M), uniform staleness in between. Seed {data.seed}."
    )


LIMITS = Figure(
    slug="limits-of-stale-steps",
    title="How large a step staleness bears, in the mean and beyond",
    source=Citation(None),
    claims=(
        "fixed-delay-limits-the-step",
        "memoryless-workers-raise-the-limit-of-the-mean",
        "uniform-staleness-limits-the-step",
        "asynchrony-shrinks-the-stable-step-in-mean-square",
        "independent-staleness-is-noisier-than-the-queue",
        "almost-every-path-stops-converging-between-the-two-limits",
    ),
    compute=_step_limits,
    draw=_draw_step_limits,
    caption=_tell_step_limits,
    size=(WIDTH, 3.8),
    quick={"points": 9, "some": (2, 4, 8, 16), "updates": 300},
)


# Root loci -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Loci:
    """Poles ``(steps, poles)`` of each law as αh grows, its limit, and the radii against αh."""

    names: tuple[str, ...]
    step: Array
    fixed: NDArray[np.complex128]
    uniform: NDArray[np.complex128]
    geometric: NDArray[np.complex128]
    radius: Array
    limit: Array


def _loci(*, staleness: int = 7, points: int = 400) -> Loci:
    delays: dict[str, Any] = {
        "none": FixedDelay(staleness=0),
        "fixed": FixedDelay(staleness=staleness),
        "uniform": UniformDelay(largest=2 * staleness),
        "geometric": GeometricDelay(workers=float(staleness + 1)),
    }
    step = np.geomspace(1e-3, 40.0, points)
    descent = GradientDescent(learning_rate=1.0)
    limits = [
        2.0,
        float(laws.fixed_delay_step_limit(staleness)),
        float(laws.uniform_delay_step_limit(2 * staleness)),
        float(laws.geometric_delay_step_limit(staleness + 1)),
    ]
    return Loci(
        names=tuple(delays),
        step=step,
        fixed=eigenvalues(descent, step, delays["fixed"]),
        uniform=eigenvalues(descent, step, delays["uniform"]),
        geometric=eigenvalues(descent, step, delays["geometric"]),
        radius=np.array([spectral_radius(descent, step, delay) for delay in delays.values()]),
        limit=np.array(limits),
    )


def _draw_loci(data: Loci, axes: Any) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    colors = (GRAY, COLORS[1], COLORS[4], COLORS[2])
    shown = (data.fixed, data.uniform, data.geometric)
    for index, (ax, poles) in enumerate(zip(axes[0], shown, strict=False)):
        stable = data.step <= data.limit[index + 1]
        ax.plot(np.cos(angle), np.sin(angle), color=INK, linewidth=0.8)
        ax.plot(poles.real[stable], poles.imag[stable], ".", color=colors[index + 1], markersize=2)
        ax.plot(poles.real[~stable], poles.imag[~stable], ".", color="#d0d0d0", markersize=1.2)
        ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
        ax.set(title=data.names[index + 1], xlabel="real part")
        if index:
            ax.set_yticklabels([])
    axes[0, 0].set_ylabel("imaginary part")
    last = axes[0, 3]
    for name, radius, color in zip(data.names, data.radius, colors, strict=True):
        last.semilogx(data.step, radius, color=color, linewidth=1.6, label=name)
    last.axhline(1, color=INK, linewidth=0.8)
    last.set(ylim=(0.4, 1.3), xlabel=r"$\alpha h$", title="radius of the mean")
    last.legend(loc="lower left", fontsize=8)


def _tell_loci(data: Loci) -> str:
    limits = ", ".join(
        f"{name} {number(float(limit), 3)}"
        for name, limit in zip(data.names, data.limit, strict=True)
    )
    return (
        "Poles of the mean of gradient descent as αh grows, behind three laws of staleness with "
        "the mean 7: colored as long as all are inside the circle. A fixed delay sends many poles "
        "out, and early; uniform staleness later; geometric staleness has but two, which part at "
        "the critical step and circle at the modulus √(1 − 1/M), heavy ball's √β. Right: the "
        f"largest modulus. Limits of αh: {limits}."
    )


LOCI = Figure(
    slug="poles-behind-delays",
    title="Root loci behind four laws of staleness",
    source=Citation(None),
    claims=(
        "fixed-delay-limits-the-step",
        "memoryless-workers-raise-the-limit-of-the-mean",
        "uniform-staleness-limits-the-step",
        "stale-mean-is-critically-damped-at-small-steps",
    ),
    compute=_loci,
    draw=_draw_loci,
    caption=_tell_loci,
    panels=(1, 4),
    size=(WIDTH, 2.7),
    quick={"points": 120},
)
