"""What the queue really does: staleness, its correlations, and kernels that are service laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    Gamma,
    GeometricDelay,
    Hyperexponential,
    LogNormal,
    Pareto,
    Service,
    ServiceDelay,
    ShiftedExponential,
)
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

Array = NDArray[np.float64]

_SERVICES: dict[str, Service] = {
    "exponential": Exponential(),
    "gamma, 4 stages": Gamma(shape=4),
    "half fixed, half exponential": ShiftedExponential(shift=0.5),
    "lognormal": LogNormal(variation=1),
    "deterministic": Deterministic(),
    "hyperexponential": Hyperexponential(variation=2),
    "Pareto 2.5": Pareto(tail=2.5),
}
"""Service laws of mean 1 that are shown."""


def _stalenesses(service: Service, workers: int, updates: int, replicas: int, seed: Any) -> Any:
    """Staleness ``(updates, replicas)`` of queues that have run for as long before."""
    run = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=workers, service=service,
        updates=2 * updates, replicas=replicas, seed=seed,
    )  # fmt: skip
    stale: Any = run.staleness
    return stale[updates:]


# Staleness laws --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class QueueFacts:
    """Histograms ``(laws, staleness)`` with errors, and correlations with theirs."""

    workers: int
    names: tuple[str, ...]
    histogram: Array
    histogram_error: Array
    exact: Array
    geometric: Array
    mean: Array
    lags: Array
    correlation: Array
    correlation_error: Array
    law: Array
    drawn: Array
    drawn_error: Array
    replicas: int
    seed: int


def _queue_facts(
    *, workers: int = 16, updates: int = 400, replicas: int = 2_000, shown: int = 60, seed: int = 7
) -> QueueFacts:
    names = ("exponential", "gamma, 4 stages", "deterministic")
    seeds = np.random.SeedSequence(seed).spawn(len(names) + 2)
    counts, errors, means, exact = [], [], [], []
    for name, own in zip(names, seeds, strict=False):
        stale = _stalenesses(_SERVICES[name], workers, updates, replicas, own)
        shares = np.stack([(stale == k).mean(axis=0) for k in range(shown)])
        counts.append(shares.mean(axis=1))
        errors.append(shares.std(axis=1) / np.sqrt(replicas))
        means.append(stale.mean())
        exact.append(ServiceDelay(service=_SERVICES[name], workers=workers).probabilities(shown))
    few, lags = 4, np.arange(1, 9)
    law = np.asarray(laws.staleness_correlation(few, lags), dtype=float)

    def correlated(stale: Any) -> tuple[Array, Array]:
        away = stale - (few - 1.0)
        products = np.array([(away[k:] * away[:-k]).mean(axis=0) for k in lags])
        products /= few * (few - 1)
        return products.mean(axis=1), products.std(axis=1) / np.sqrt(products.shape[1])

    queue = correlated(_stalenesses(Exponential(), few, updates, replicas, seeds[-2]))
    rng = np.random.default_rng(seeds[-1])
    drawn = correlated(GeometricDelay(workers=float(few)).sample(rng, (updates, replicas)))
    return QueueFacts(
        workers=int(workers),
        names=names,
        histogram=np.array(counts),
        histogram_error=np.array(errors),
        exact=np.array(exact),
        geometric=GeometricDelay(workers=float(workers)).probabilities(shown),
        mean=np.array(means),
        lags=lags.astype(float),
        correlation=queue[0],
        correlation_error=queue[1],
        law=law,
        drawn=drawn[0],
        drawn_error=drawn[1],
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_queue_facts(data: QueueFacts, axes: Any) -> None:
    left, right = axes[0]
    ages = np.arange(data.histogram.shape[1])
    colors = (COLORS[0], COLORS[2], COLORS[1])
    for name, counts, exact, color in zip(
        data.names, data.histogram, data.exact, colors, strict=True
    ):
        left.semilogy(ages, counts, "o", color=color, markersize=3.2, label=name)
        left.semilogy(ages, exact, color=color, linewidth=1)
    left.semilogy(ages, data.geometric, "--", color=INK, linewidth=1.3, label="geometric")
    left.set(
        xlabel=label("staleness"), ylabel="probability", ylim=(2e-5, 2),
        title=f"$M = {data.workers}$ workers, service of mean 1",
    )  # fmt: skip
    left.legend(loc="upper right", fontsize=8.5)
    right.axhline(0, color=GRAY, linewidth=0.8)
    right.vlines(data.lags, data.law, 0, color=INK, linewidth=1.2)
    right.errorbar(
        data.lags, data.correlation, 3 * data.correlation_error, fmt="o", color=COLORS[0],
        markersize=4.5, label="queue of 4 workers",
    )  # fmt: skip
    right.errorbar(
        data.lags, data.drawn, 3 * data.drawn_error, fmt="s", color=COLORS[3], markersize=4,
        label="drawn independently",
    )  # fmt: skip
    right.set(xlabel="updates apart", title="correlation of stalenesses", ylim=(-0.15, 0.05))
    right.legend(loc="lower right", fontsize=8.5)


def _tell_queue_facts(data: QueueFacts) -> str:
    means = ", ".join(
        f"{number(float(mean), 3)} ({name})"
        for name, mean in zip(data.names, data.mean, strict=True)
    )
    return (
        f"Left: staleness in queues of {data.workers} workers (dots) over the law that the service "
        "times beget (lines); dashed the geometric law, which exponential service alone has. Mean "
        f"staleness: {means}; it is {data.workers - 1} for all, up to noise. Right: stalenesses of "
        "memoryless workers correlate by −(1 − 1/M)^(k − 1)/(2M) (stems), independent draws from "
        f"the same law do not. {data.replicas:,} queues each, ±3 standard errors. Seed {data.seed}."
    )


FACTS = Figure(
    slug="what-the-queue-does",
    title="Staleness is geometric for memoryless workers only, and never independent",
    source=Citation("mitliagkas2016"),
    claims=(
        "staleness-is-geometric-only-for-memoryless-service",
        "mean-staleness-is-one-less-than-the-workers",
        "stalenesses-of-the-queue-are-negatively-correlated",
    ),
    compute=_queue_facts,
    draw=_draw_queue_facts,
    caption=_tell_queue_facts,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"replicas": 200, "updates": 200},
)


# Kernels ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernels:
    """Survival of staleness over its mean ``(laws, workers, times)`` and of service times."""

    names: tuple[str, ...]
    workers: Array
    times: Array
    staleness: Array
    service: Array
    gap: Array
    seed: int


def _kernels(
    *,
    workers: Sequence[int] = (4, 16, 256),
    updates: int = 4_000,
    replicas: int = 40,
    points: int = 121,
    seed: int = 8,
) -> Kernels:
    names = ("exponential", "gamma, 4 stages", "lognormal", "Pareto 2.5")
    times = np.linspace(0, 4, points)
    seeds = iter(np.random.SeedSequence(seed).spawn(len(names) * len(workers)))
    survivals = [
        [
            [
                float((stale > t * (count - 1)).mean())
                for stale in [_stalenesses(_SERVICES[name], count, updates, replicas, next(seeds))]
                for t in times
            ]
            for count in workers
        ]
        for name in names
    ]
    service = np.array([_SERVICES[name].survival(times) for name in names])
    found = np.array(survivals)
    return Kernels(
        names=names,
        workers=np.array(workers, dtype=float),
        times=times,
        staleness=found,
        service=service,
        gap=np.abs(found - service[:, None]).max(axis=-1),
        seed=int(seed),
    )


def _draw_kernels(data: Kernels, axes: Any) -> None:
    for index, ax in enumerate(axes[0]):
        ax.semilogy(
            data.times, data.service[index], color=INK, linewidth=2.6, alpha=0.35, label="service"
        )
        for count, survival, color in zip(
            data.workers, data.staleness[index], (COLORS[1], COLORS[4], COLORS[0]), strict=False
        ):
            ax.semilogy(
                data.times, np.maximum(survival, 1e-9), color=color, linewidth=1.1,
                label=f"$M = {count:g}$",
            )  # fmt: skip
        ax.set(xlim=(0, data.times[-1]), ylim=(5e-4, 1.5), title=data.names[index])
        ax.set_xlabel("staleness / $(M-1)$")
        if index:
            ax.set_yticklabels([])
    axes[0, 0].set_ylabel("chance to be beyond")
    axes[0, 0].legend(loc="lower left", fontsize=8)


def _tell_kernels(data: Kernels) -> str:
    gaps = ", ".join(
        f"{name} {number(float(gap), 2)}"
        for name, gap in zip(data.names, data.gap[:, -1], strict=True)
    )
    return (
        "The chance that staleness over M − 1 exceeds a value, in queues of "
        f"{', '.join(f'{count:g}' for count in data.workers)} workers, over the same chance for a "
        "service time over its mean (broad gray). As workers grow many, the memory kernel is the "
        "service law, rescaled: momentum only where that is exponential. Largest distance at "
        f"M = {data.workers[-1]:g}: {gaps}. Seed {data.seed}."
    )


KERNELS = Figure(
    slug="kernels-are-service-laws",
    title="The memory of an asynchronous loop is the law of its service times",
    source=Citation(None),
    claims=("memory-kernel-is-the-rescaled-service-law",),
    compute=_kernels,
    draw=_draw_kernels,
    caption=_tell_kernels,
    panels=(1, 4),
    size=(WIDTH, 2.9),
    quick={"updates": 500, "replicas": 20, "workers": (4, 64)},
)
