"""YellowFin's momentum on stale gradients, and on gradients that are noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.tuning import (
    ClosedLoopYellowFin,
    YellowFin,
    reading_of_noise,
    single_step,
    step_of_noise,
)

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TotalMomentum:
    """Target, explicit and total momentum of three runs, ``(3, updates)``, smoothed readings."""

    names: tuple[str, ...]
    target: Array
    explicit: Array
    total: Array
    settled: Array
    staleness: int
    gain: float
    smoothing: float
    dimension: int
    noise: float
    span: int
    seed: int


def _total_momentum(
    *,
    workers: int = 16,
    gain: float = 0.01,
    smoothing: float = 0.99,
    dimension: int = 400,
    noise: float = 0.1,
    updates: int = 2000,
    span: int = 25,
    seed: int = 1,
) -> TotalMomentum:
    settings: tuple[tuple[str, int, float | None], ...] = (
        ("synchronous", 0, None),
        (f"{workers} workers, open loop", workers - 1, None),
        (f"{workers} workers, closed loop", workers - 1, gain),
    )
    curvatures = np.geomspace(0.1, 1, dimension)
    rows: list[list[Array]] = []
    for _, staleness, slow in settings:
        rng = np.random.default_rng(seed)
        tuner = ClosedLoopYellowFin(
            staleness=staleness, gain=slow, tuner=YellowFin(smoothing=smoothing)
        )
        points = [np.ones(dimension)]
        state, told = tuner.init(points[0]), []
        for step in range(updates):
            asked = points[max(step - staleness, 0)]
            gradient = curvatures * asked + noise * rng.standard_normal(dimension)
            state, point, info = tuner.update(state, gradient, points[-1])
            points.append(point)
            told.append((info["target"], info["momentum"], info["total_momentum"]))
        rows.append(list(np.array(told).T))
    target, explicit, total = np.array(rows).transpose(1, 0, 2)
    late = updates // 2
    window = np.ones(span) / span
    smooth = np.array([np.convolve(np.nan_to_num(row), window, mode="valid") for row in total])
    return TotalMomentum(
        names=tuple(name for name, _, _ in settings),
        target=target,
        explicit=explicit,
        total=smooth,
        settled=np.array(
            [np.nanmean(rows_[:, late:], axis=1) for rows_ in (target, explicit, total)]
        ),
        staleness=workers - 1,
        gain=float(gain),
        smoothing=float(smoothing),
        dimension=int(dimension),
        noise=float(noise),
        span=int(span),
        seed=int(seed),
    )


def _draw_total_momentum(data: TotalMomentum, axes: Any) -> None:
    time = np.arange(data.target.shape[1])
    for index, ax in enumerate(axes[0]):
        (read,) = ax.plot(time[data.span - 1 :], data.total[index], color=COLORS[5], linewidth=1.2)
        (kept,) = ax.plot(time, data.explicit[index], color=COLORS[1], linewidth=2)
        (wanted,) = ax.plot(time, data.target[index], "--", color=INK, linewidth=1.2)
        ax.set(title=data.names[index], xlabel="updates", ylim=(-0.05, 0.65), xlim=(0, time[-1]))
    axes[0, 0].set_ylabel("momentum")
    axes[0, 0].figure.legend(
        [read, kept, wanted], ["total, measured", "explicit", "asked for by the rule"],
        loc="outside lower center", ncols=3,
    )  # fmt: skip


def _tell_total_momentum(data: TotalMomentum) -> str:
    target, explicit, total = data.settled
    return (
        f"YellowFin (smoothing {number(data.smoothing)}) on {data.dimension} curvatures from 0.1 "
        f"to 1 with gradient noise of standard deviation {number(data.noise)}: the momentum that "
        "its rule asks for, the explicit momentum, and the total momentum that its sensor reads, "
        f"the mean of {data.span} readings. Synchronous: all agree. Gradients "
        f"{data.staleness} updates old: total momentum {number(total[1], 3)} exceeds the explicit "
        f"{number(explicit[1], 3)}. The loop closed with gain {number(data.gain)}: explicit "
        f"momentum falls to {number(explicit[2], 3)}, where {number(total[2], 3)} is read and "
        f"{number(target[2], 3)} asked for. Means of the second half; seed {data.seed}."
    )


TOTAL = Figure(
    slug="yellowfin-total-momentum",
    title="What YellowFin sets, what is read, and the loop between them",
    source=Citation("zhang2017"),
    claims=(
        "without-staleness-total-momentum-is-the-explicit-one",
        "closed-loop-yellowfin-meets-its-target",
    ),
    compute=_total_momentum,
    draw=_draw_total_momentum,
    caption=_tell_total_momentum,
    panels=(1, 3),
    size=(WIDTH, 3.0),
    quick={"updates": 600, "dimension": 100},
    remark="The source shows these three panels on a residual network with 16 asynchronous "
    "workers. Here the gap is smaller than 1 − 1/16: the sensor sees of staleness what it adds on "
    "the median direction.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class PureNoise:
    """Momentum of YellowFin on noise, by dimension: its two parts, and what runs settle at."""

    dimension: Array
    cubic: Array
    bound: Array
    many: float
    measured_dimension: Array
    measured: Array
    error: Array
    window: int
    smoothing: float
    updates: int
    seed: int


def _pure_noise(
    *,
    window: int = 20,
    smoothing: float = 0.99,
    largest: float = 1e7,
    points: int = 57,
    measured_dimensions: tuple[int, ...] = (1, 3, 10, 30, 100, 300, 1000, 3000),
    updates: int = 5000,
    blocks: int = 8,
    seed: int = 4,
) -> PureNoise:
    dimensions = np.unique(np.geomspace(1, largest, points).round().astype(int))
    cubic, bound = [], []
    for dimension in dimensions:
        seen = reading_of_noise(int(dimension), window=window, smoothing=smoothing)
        free = {"h_max": seen.h_min, "h_min": seen.h_min, "distance": seen.distance}
        cubic.append(single_step(**free, variance=seen.variance).momentum)
        polyak = single_step(h_max=seen.h_max, h_min=seen.h_min, variance=0, distance=1)
        bound.append(polyak.momentum)
    rng = np.random.default_rng(seed)
    means, errors = [], []
    for dimension in measured_dimensions:
        tuner = YellowFin(smoothing=smoothing, window=window)
        point = np.zeros(dimension)
        state, found = tuner.init(point), []
        for _ in range(updates):
            state, point, info = tuner.update(state, rng.standard_normal(dimension), point)
            found.append(info["momentum"])
        late = np.array(found[updates // 5 :])
        late = late[: late.size // blocks * blocks].reshape(blocks, -1).mean(axis=1)
        means.append(late.mean())
        errors.append(late.std(ddof=1) / np.sqrt(blocks))
    return PureNoise(
        dimension=dimensions.astype(float),
        cubic=np.array(cubic),
        bound=np.array(bound),
        many=float(step_of_noise(10**12, window=window).momentum),
        measured_dimension=np.array(measured_dimensions, dtype=float),
        measured=np.array(means),
        error=np.array(errors),
        window=int(window),
        smoothing=float(smoothing),
        updates=int(updates),
        seed=int(seed),
    )


def _draw_pure_noise(data: PureNoise, ax: Any) -> None:
    ax.semilogx(data.dimension, data.cubic, color=COLORS[0], label="root of the cubic")
    ax.semilogx(data.dimension, data.bound, color=COLORS[1], label="bound of the robust region")
    ax.axhline(data.many, color=GRAY, linestyle=":", linewidth=1.2)
    ax.errorbar(
        data.measured_dimension, data.measured, yerr=2 * data.error, fmt="o", color=INK,
        markerfacecolor="white", label="measured", zorder=3,
    )  # fmt: skip
    ax.set(ylim=(0, 1), xlabel="number of parameters", ylabel="momentum")
    ax.legend()


def _tell_pure_noise(data: PureNoise) -> str:
    return (
        "What YellowFin asks for when the gradient is Gaussian noise and nothing else: the larger "
        "of the root of its cubic and of the bound that the ratio of its curvatures sets, from the "
        f"order statistics of the norm in a window of {data.window}; circles: runs of "
        f"{data.updates} steps with smoothing {number(data.smoothing)}, with two standard errors. "
        "The variance of the noise does not matter, the number of parameters does. Dotted: the "
        f"limit {number(data.many, 3)}, where p = 1/2. Seed {data.seed}."
    )


NOISE = Figure(
    slug="yellowfin-in-pure-noise",
    title="In pure noise YellowFin's momentum tells the number of parameters",
    source=Citation(None),
    claims=("yellowfin-in-noise-alone-has-a-momentum-of-its-own",),
    compute=_pure_noise,
    draw=_draw_pure_noise,
    caption=_tell_pure_noise,
    size=(WIDTH, 3.4),
    quick={"updates": 1500, "measured_dimensions": (1, 10, 100), "points": 15},
    remark="The rule's p = D²h_min²/(2C) would go to 0 with the signal if its curvature were one. "
    "It is the squared norm of the gradient, noise included, and p goes to 1/2 for many "
    "parameters.",
)
