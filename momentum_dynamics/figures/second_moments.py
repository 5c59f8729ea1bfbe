"""The mean is fine, the paths are not: limits, floors and rates of asynchronous descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import Exponential, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import optima
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue, simulate_stale

__all__: list[str] = []

Array = NDArray[np.float64]


# The mean is fine, you are not -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanIsFine:
    """Paths ``(steps, cases, paths + 1)``, measured and exact moments ``(cases, updates + 1)``."""

    workers: int
    step: Array
    limit: float
    mean_limit: float
    paths: Array
    mean: Array
    mean_error: Array
    exact_mean: Array
    second: Array
    exact_second: Array
    rate: Array
    square_rate: Array
    replicas: int
    seed: int


def _mean_is_fine(
    *,
    workers: int = 8,
    step: Sequence[float] = (0.3, 1.1),
    updates: int = 80,
    replicas: int = 100_000,
    shown: int = 4,
    seed: int = 3,
) -> MeanIsFine:
    steps = np.asarray(step, dtype=float)
    seeds = np.random.SeedSequence(seed).spawn(2 * len(steps))
    paths, mean, error, second = [], [], [], []
    exact = [
        queue_moments(GradientDescent(learning_rate=float(one)), 1.0, workers=workers)
        for one in steps
    ]
    for index, one in enumerate(steps):
        method = GradientDescent(learning_rate=float(one))
        few = simulate_queue(
            method, Quadratic([1.0]), workers=workers, service=Exponential(), updates=updates,
            replicas=shown, seed=seeds[2 * index],
        )  # fmt: skip
        outputs: Any = few.outputs
        paths.append(outputs[..., 0].T)
        many: Any = simulate_queue(
            method, Quadratic([1.0]), workers=workers, service=Exponential(), updates=updates,
            replicas=replicas, record="moments", stride=1, seed=seeds[2 * index + 1],
        ).moments  # fmt: skip
        mean.append(many.mean[:, 0])
        error.append(many.mean_error[:, 0])
        second.append(many.second_moment[:, 0])
    along = [moments.path(updates) for moments in exact]
    return MeanIsFine(
        workers=int(workers),
        step=steps,
        limit=float(laws.queue_mean_square_limit(workers)),
        mean_limit=float(laws.geometric_delay_step_limit(workers)),
        paths=np.array(paths),
        mean=np.array(mean),
        mean_error=np.array(error),
        exact_mean=np.array([one.mean for one in along]),
        second=np.array(second),
        exact_second=np.array([one.second_moment for one in along]),
        rate=np.array([float(moments.mean_rate) for moments in exact]),
        square_rate=np.array([float(moments.mean_square_rate) for moments in exact]),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_mean_is_fine(data: MeanIsFine, axes: Any) -> None:
    time = np.arange(data.mean.shape[1])
    start = data.exact_mean[0, 0] ** 2
    for index, step in enumerate(data.step):
        left, right = axes[index]
        left.axhline(0, color=GRAY, linewidth=0.8)
        left.plot(time, data.paths[index].T, color=COLORS[5], linewidth=0.6, alpha=0.6)
        band = 3 * data.mean_error[index]
        mean = data.mean[index]
        left.fill_between(time, mean - band, mean + band, color=COLORS[0], alpha=0.3, lw=0)
        left.plot([], [], color=COLORS[5], linewidth=1, label="single runs")
        left.plot(time, mean, color=COLORS[0], linewidth=1.8, label="their mean")
        left.plot(
            time, data.exact_mean[index], "--", color=INK, linewidth=1.2, label="momentum recursion"
        )
        left.set(ylim=(-4, 4), xlim=(0, time[-1]), ylabel="displacement")
        left.set_title(f"$\\alpha h = {step:g}$: paths and mean")
        right.semilogy(time, data.paths[index].T ** 2, color=COLORS[5], linewidth=0.5, alpha=0.6)
        right.semilogy(
            time, data.second[index], color=COLORS[1], linewidth=2.4, alpha=0.6, label="mean square"
        )
        right.semilogy(
            time, data.exact_second[index], "--", color=INK, linewidth=1.3, label="exact"
        )
        right.semilogy(
            time, data.exact_mean[index] ** 2, color=COLORS[0], linewidth=1, label="mean, squared"
        )
        right.set(xlim=(0, time[-1]), ylim=(1e-6 * start, 1e6 * start))
        right.set_title(f"$\\alpha h = {step:g}$: their squares")
    for ax in axes[-1]:
        ax.set_xlabel(label("step"))
    axes[0, 0].legend(loc="upper right", fontsize=7.5)
    axes[0, 1].legend(loc="upper right", fontsize=7.5)


def _tell_mean_is_fine(data: MeanIsFine) -> str:
    cases = "; ".join(
        f"αh = {number(float(step))}: mean {number(float(mean), 3)}, second moment "
        f"{number(float(square), 3)}"
        for step, mean, square in zip(data.step, data.rate, data.square_rate, strict=True)
    )
    return (
        f"Gradient descent on {data.workers} memoryless workers without noise, below (top) and "
        f"above (bottom) the mean-square limit αh = {number(data.limit, 3)}; the mean is stable up "
        f"to {number(data.mean_limit)}. Left: {data.paths.shape[1]} paths (thin), the mean of "
        f"{data.replicas:,} with ±3 standard errors (blue), and the momentum recursion (dashed). "
        "Right: squares of the paths, their mean (orange), the exact second moment (dashed) and "
        f"the square of the mean (blue). Factors per update: {cases}. Where second moments "
        "explode, the mean of any number of paths is carried by a few: it stops being seen. "
        f"Seed {data.seed}."
    )


FINE = Figure(
    slug="mean-is-fine",
    title="The mean is fine, you are not",
    source=Citation("mitliagkas2016"),
    claims=(
        "queue-of-memoryless-workers-is-momentum-in-the-mean",
        "asynchrony-shrinks-the-stable-step-in-mean-square",
        "asynchrony-accelerates-as-momentum-does",
    ),
    compute=_mean_is_fine,
    draw=_draw_mean_is_fine,
    caption=_tell_mean_is_fine,
    panels=(2, 2),
    size=(WIDTH, 4.6),
    quick={"replicas": 5_000},
    remark="The paper's theorem is about the mean; what it leaves open is shown here.",
)


# Noise floors ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Price:
    """Floors over one worker's ``(workers, steps)``, and runs with their errors."""

    workers: Array
    share: Array
    queue: Array
    independent: Array
    twin: Array
    tried: Array
    queue_run: Array
    queue_error: Array
    drawn_run: Array
    drawn_error: Array
    replicas: int
    seed: int


def _price(
    *,
    workers: Sequence[int] = (4, 16),
    points: int = 80,
    tried: Sequence[float] = (0.1, 0.3, 0.5, 0.7),
    replicas: int = 3_000,
    seed: int = 5,
) -> Price:
    counts = np.asarray(workers, dtype=float)
    shares = np.linspace(0.01, 0.97, points)
    limits = np.asarray(laws.independent_mean_square_limit(counts), dtype=float)
    steps = limits[:, None] * shares
    one = stationary_variance(GradientDescent(learning_rate=1.0), steps, 1.0)
    column = counts[:, None]
    floors = [
        np.asarray(law(1.0, steps, 1.0, column), dtype=float) / one
        for law in (laws.queue_stationary_variance, laws.independent_stationary_variance)
    ]
    twin = HeavyBall(learning_rate=1 / column, momentum=laws.implicit_momentum(column))
    twins = stationary_variance(twin, steps, 1.0) / one
    seeds = iter(np.random.SeedSequence(seed).spawn(2 * len(counts) * len(tried)))
    runs = np.empty((4, len(counts), len(tried)))
    for i, count in enumerate(counts):
        for j, share in enumerate(tried):
            step = float(limits[i] * share)
            method, problem = GradientDescent(learning_rate=step), Quadratic([1.0])
            updates = int(_SETTLE / step)
            own = stationary_variance(GradientDescent(learning_rate=1.0), step, 1.0) * step**2
            queue: Any = simulate_queue(
                method, problem, workers=int(count), service=Exponential(), updates=updates,
                noise_variance=1.0, replicas=replicas, record="moments", stride=updates,
                start=[0.0], seed=next(seeds),
            ).moments  # fmt: skip
            drawn: Any = simulate_stale(
                method, problem, GeometricDelay(workers=float(count)), steps=updates,
                noise_variance=1.0, replicas=replicas, record="moments", stride=updates,
                start=[0.0], seed=next(seeds),
            ).moments  # fmt: skip
            for k, moments in enumerate((queue, drawn)):
                runs[2 * k, i, j] = moments.variance[-1, 0] / own
                runs[2 * k + 1, i, j] = moments.variance_error[-1, 0] / own
    return Price(
        workers=counts,
        share=shares,
        queue=floors[0],
        independent=floors[1],
        twin=twins,
        tried=np.array(tried, dtype=float),
        queue_run=runs[0],
        queue_error=runs[1],
        drawn_run=runs[2],
        drawn_error=runs[3],
        replicas=int(replicas),
        seed=int(seed),
    )


_SETTLE = 60.0
"""Time constants of the slow mode that runs are given to settle."""


def _draw_price(data: Price, axes: Any) -> None:
    limits = np.asarray(laws.independent_mean_square_limit(data.workers), dtype=float)
    for index, ax in enumerate(axes[0]):
        steps = limits[index] * data.share
        ax.plot(steps, data.queue[index], color=COLORS[0], linewidth=1.8, label="queue")
        ax.plot(steps, data.independent[index], color=COLORS[3], linewidth=1.8,
                label="drawn independently")  # fmt: skip
        ax.plot(steps, data.twin[index], color=COLORS[1], linewidth=1.8,
                label="heavy ball of equal mean")  # fmt: skip
        ax.plot(steps, 1 + (data.workers[index] - 1) * steps, "--", color=INK, linewidth=1,
                label=r"$1 + (M-1)\alpha h$")  # fmt: skip
        tried = limits[index] * data.tried
        for run, error, color in (
            (data.queue_run, data.queue_error, COLORS[0]),
            (data.drawn_run, data.drawn_error, COLORS[3]),
        ):
            ax.errorbar(tried, run[index], 3 * error[index], fmt="o", color=color, markersize=4)
        ax.set(xlabel=r"$\alpha h$", ylim=(0, 10), title=f"$M = {data.workers[index]:g}$")
    axes[0, 0].set_ylabel("noise floor over one worker's")
    axes[0, 0].legend(loc="upper left", fontsize=8.5)


def _tell_price(data: Price) -> str:
    parts = "; ".join(
        f"M = {count:g}: {number(float(run[-1]), 3)} ± {number(float(error[-1]), 1)} in the queue "
        f"at αh = {number(float(laws.independent_mean_square_limit(count) * data.tried[-1]), 3)}"
        for count, run, error in zip(data.workers, data.queue_run, data.queue_error, strict=True)
    )
    return (
        "The settled variance of gradient descent on M memoryless workers over that of one worker "
        "with the same step: exact (lines) and in runs (dots, ±3 standard errors). "
        f"{parts}. To first order asynchrony costs a factor 1 + (M − 1)αh. A heavy ball with the "
        "same mean is no stand-in: its noise is far too low; nor are independent draws of "
        f"staleness, near their own limit. {data.replicas:,} replicas each. Seed {data.seed}."
    )


PRICE = Figure(
    slug="price-of-asynchrony",
    title="The price of asynchrony is paid in noise",
    source=Citation(None),
    claims=(
        "noise-floor-of-the-queue",
        "independent-staleness-is-noisier-than-the-queue",
        "heavy-ball-of-equal-mean-has-equal-noise",
    ),
    compute=_price,
    draw=_draw_price,
    caption=_tell_price,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"replicas": 300},
)


# Best rates ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class BestRates:
    """The worst rate over a spectrum against the learning rate, for each number of workers."""

    condition_number: float
    workers: Array
    share: Array
    mean: Array
    square: Array
    alone: float
    tuned: float


def _best_rates(
    *, condition_number: float = 100.0, workers: Sequence[int] = (1, 2, 3, 4, 8), points: int = 300
) -> BestRates:
    step = np.geomspace(0.05, 60.0, points)
    ends = np.array([1 / condition_number, 1.0])
    mean, square = [], []
    for count in workers:
        moments = queue_moments(GradientDescent(learning_rate=step[:, None]), ends, workers=count)
        mean.append(moments.mean_rate.max(axis=-1))
        square.append(np.sqrt(moments.mean_square_rate.max(axis=-1)))
    return BestRates(
        condition_number=float(condition_number),
        workers=np.array(workers, dtype=float),
        share=step,
        mean=np.array(mean),
        square=np.array(square),
        alone=float(optima.gradient_descent_rate(condition_number)),
        tuned=float(optima.heavy_ball_rate(condition_number)),
    )


def _draw_best_rates(data: BestRates, axes: Any) -> None:
    for ax, rates, title in zip(
        axes[0], (data.mean, data.square), ("of the mean", "of root mean squares"), strict=True
    ):
        for count, rate, color in zip(data.workers, rates, COLORS, strict=False):
            ax.loglog(data.share, 1 - np.where(rate < 1, rate, np.nan), color=color, linewidth=1.7,
                      label=f"$M = {count:g}$")  # fmt: skip
        ax.axhline(1 - data.alone, color=GRAY, linewidth=1, label="gradient descent, best")
        ax.axhline(1 - data.tuned, color=INK, ls="--", linewidth=1, label="heavy ball, tuned")
        ax.set(xlabel=r"$\alpha L$", ylim=(5e-4, 0.4), title=f"one minus the rate {title}")
    axes[0, 0].legend(loc="lower right", fontsize=8.5)


def _tell_best_rates(data: BestRates) -> str:
    best = 1 - np.nanmax(np.where(data.square < 1, 1 - data.square, np.nan), axis=1)
    told = ", ".join(
        f"M = {count:g} {number(float(rate), 5)}"
        for count, rate in zip(data.workers, best, strict=True)
    )
    return (
        f"One minus the worst rate per update of gradient descent at κ = "
        f"{number(data.condition_number)} against its step, for numbers of memoryless workers. The "
        "mean (left) seems to accelerate: three workers are nearly as fast as tuned heavy ball "
        f"(dashed, rate {number(data.tuned, 3)}). Second moments (right) do not: the best roots of "
        f"mean-square rates are {told}, none below gradient descent's {number(data.alone, 4)} "
        "(gray)."
    )


RATES = Figure(
    slug="best-rates-of-queues",
    title="Asynchrony accelerates the mean, and nothing but the mean",
    source=Citation("mitliagkas2016"),
    claims=(
        "asynchrony-accelerates-as-momentum-does",
        "more-workers-are-slower-per-update-in-mean-square",
    ),
    compute=_best_rates,
    draw=_draw_best_rates,
    caption=_tell_best_rates,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 80},
)
