"""The rules fed with what they measure themselves, with and without asynchronous workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.noisy_quadratic import noisy_run
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin
from momentum_dynamics.tuning.yellowfin import YellowFin

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RulesAtWork:
    """Losses by workers, noise, tuner and seed: over the run, and late."""

    tuners: NDArray[np.str_]
    workers: Array
    noise_deviation: Array
    average: Array
    late: Array
    start_loss: float
    steps: int
    seeds: int


def _rules_at_work(
    *,
    workers: Sequence[int] = (1, 16),
    noise_deviation: Sequence[float] = (0.1, 1.0),
    steps: int = 1500,
    seeds: int = 3,
    smoothing: float = 0.99,
) -> RulesAtWork:
    counts, levels = np.atleast_1d(np.asarray(workers)), np.atleast_1d(noise_deviation)
    shared: dict[str, Any] = {"smoothing": smoothing, "distance_from": "mean"}
    names = ("YellowFin", "equivariant", "true floor, n = 10", "true floor, n = 100", "queue rule")
    average, late = np.empty((2, len(counts), len(levels), len(names), seeds))
    for i, count in enumerate(counts):
        tuners = (
            YellowFin(smoothing=smoothing),
            EquivariantYellowFin(**shared),
            EquivariantYellowFin(**shared, horizon=10),
            EquivariantYellowFin(**shared, horizon=100),
            EquivariantYellowFin(**shared, horizon=1000, workers=int(count)),
        )
        for j, level in enumerate(levels):
            for k, tuner in enumerate(tuners):
                for seed in range(seeds):
                    losses, _ = noisy_run(
                        tuner, steps=steps, seed=seed, noise_deviation=float(level),
                        workers=int(count), product=k > 0,
                    )  # fmt: skip
                    average[i, j, k, seed] = losses.mean()
                    late[i, j, k, seed] = losses[-steps // 5 :].mean()
    return RulesAtWork(
        tuners=np.array(names),
        workers=counts.astype(float),
        noise_deviation=levels.astype(float),
        average=average,
        late=late,
        start_loss=float(np.geomspace(0.1, 1.0, 10).sum() / 2),
        steps=int(steps),
        seeds=int(seeds),
    )


def _draw_rules_at_work(data: RulesAtWork, axes: Any) -> None:
    rows = np.arange(len(data.tuners))[::-1]
    for i, count in enumerate(data.workers):
        for j, level in enumerate(data.noise_deviation):
            ax = axes[i, j]
            ax.axvline(data.start_loss, color=GRAY, linewidth=1)
            for values, color, shift, name in (
                (data.average[i, j], COLORS[0], 0.14, "over the run"),
                (data.late[i, j], COLORS[1], -0.14, "in the last fifth"),
            ):
                middle = np.median(values, axis=-1)
                ax.hlines(
                    rows + shift, values.min(axis=-1), values.max(axis=-1), color=color, linewidth=2
                )
                ax.plot(middle, rows + shift, "o", color=color, markersize=5, label=name)
            ax.set(xscale="log", yticks=rows, ylim=(-0.6, len(rows) - 0.4))
            ax.set_yticklabels(data.tuners if j == 0 else [])
            one = "one worker" if count == 1 else f"{count:.0f} workers"
            ax.set_title(f"{one}, noise {level:g}", size=10, color=INK)
            if i == len(data.workers) - 1:
                ax.set_xlabel("loss")
    axes[0, 0].figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2
    )  # fmt: skip


def _tell_rules_at_work(data: RulesAtWork) -> str:
    middle = np.median(data.late, axis=-1)
    told = "; ".join(
        f"{'one worker' if count == 1 else f'{count:.0f} workers'}, noise {number(level)}: "
        f"{number(middle[i, j, 0], 2)} for YellowFin, {number(middle[i, j, -1], 2)} for the queue "
        "rule"
        for i, count in enumerate(data.workers)
        for j, level in enumerate(data.noise_deviation)
    )
    best = data.tuners[np.argmin(np.median(data.average, axis=-1), axis=-1)]
    return (
        f"The loss of tuners that feed themselves, over {data.steps:,} steps on ten curvatures "
        "from 0.1 to 1, with memoryless workers: medians and ranges over seeds 0 to "
        f"{data.seeds - 1}; gray: the loss at the start. All but YellowFin are given "
        "Hessian-vector products and take the distance from the averaged gradient. Late medians, "
        f"{told}. No rule is best throughout: over the whole run it is, panel by panel, "
        f"{', '.join(best.ravel())}. Long horizons begin slowly, short ones keep a high floor. The "
        "horizon of the queue rule, 1,000, is about the length of the run: it is told how long "
        "patience pays."
    )


AT_WORK = Figure(
    slug="rules-at-work",
    title="Fed with their own measurements: patience pays late, and workers must be known",
    source=Citation(None),
    claims=(
        "the-exact-rule-is-a-convex-problem",
        "the-horizon-objective-of-queues-is-convex",
        "curvature-from-secants-makes-yellowfin-equivariant",
    ),
    compute=_rules_at_work,
    draw=_draw_rules_at_work,
    caption=_tell_rules_at_work,
    panels=(2, 2),
    size=(WIDTH, 4.6),
    quick={"steps": 120, "seeds": 2},
)
