"""Staleness that counts from 1: a delayed heavy ball, and what it does to the stable step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.support import mean_path
from momentum_dynamics.delays import Exponential, GeometricDelay, ShiftedDelay
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Support:
    """Mean of queues with its error, three predictions ``(updates + 1,)``, radii against αh."""

    workers: int
    learning_rate: float
    mean: Array
    error: Array
    delayed: Array
    ball: Array
    whole_gain: Array
    step: Array
    from_zero: Array
    from_one: Array
    limit: float
    other_limit: float
    replicas: int
    seed: int


def _support(
    *,
    workers: int = 8,
    learning_rate: float = 0.5,
    updates: int = 60,
    replicas: int = 20_000,
    points: int = 400,
    seed: int = 12,
) -> Support:
    run: Any = simulate_queue(
        GradientDescent(learning_rate=learning_rate), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=updates, replicas=replicas, record="moments", stride=1,
        order="read-then-write", start=[1.0], seed=seed,
    ).moments  # fmt: skip
    delay = GeometricDelay(workers=float(workers))
    descent = GradientDescent(learning_rate=1.0)
    counted = ShiftedDelay(delay=delay, by=1)
    step = np.geomspace(2e-3, 2 * (4 * workers - 2), points)
    return Support(
        workers=int(workers),
        learning_rate=float(learning_rate),
        mean=run.mean[:, 0],
        error=run.mean_error[:, 0],
        delayed=mean_path(learning_rate, workers, updates),
        ball=mean_path(learning_rate, workers, updates, age=0),
        whole_gain=mean_path(learning_rate, workers, updates, age=0, gain=learning_rate),
        step=step,
        from_zero=np.asarray(spectral_radius(descent, step, delay)),
        from_one=np.asarray(spectral_radius(descent, step, counted)),
        limit=float(delay_stability_limit(descent, counted)),
        other_limit=float(laws.geometric_delay_step_limit(workers)),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_support(data: Support, axes: Any) -> None:
    left, right = axes[0]
    time = np.arange(len(data.mean))
    left.axhline(0, color=GRAY, linewidth=0.8)
    band = 3 * data.error
    left.fill_between(time, data.mean - band, data.mean + band, color=COLORS[0], alpha=0.3, lw=0)
    left.plot(time, data.mean, color=COLORS[0], linewidth=2.2, label="mean of runs")
    left.plot(time, data.delayed, "--", color=INK, linewidth=1.1, label="delayed heavy ball")
    left.plot(time, data.ball, color=COLORS[1], linewidth=1.3, label="heavy ball")
    left.plot(
        time, data.whole_gain, ":", color=COLORS[3], linewidth=1.3, label=r"with gain $\alpha$"
    )
    left.set(xlabel=label("step"), ylabel="mean displacement", xlim=(0, time[-1]), ylim=(-1.7, 1.7))
    left.set_title(f"$M = {data.workers}$, $\\alpha h = {data.learning_rate:g}$")
    left.legend(loc="upper right", fontsize=7.5)
    right.axhline(1, color=INK, linewidth=0.8)
    right.semilogx(data.step, data.from_zero, color=COLORS[1], linewidth=1.8, label="from 0")
    right.semilogx(data.step, data.from_one, color=COLORS[0], linewidth=1.8, label="from 1")
    for limit, color in ((data.limit, COLORS[0]), (data.other_limit, COLORS[1])):
        right.axvline(limit, color=color, linestyle=":", linewidth=1)
    right.set(xlabel=r"$\alpha h$", ylim=(0.9, 1.2), title="radius of the mean")
    right.legend(loc="upper left", fontsize=8.5)


def _tell_support(data: Support) -> str:
    return (
        f"Left: the mean of {data.replicas:,} queues of {data.workers} memoryless workers that "
        "read before their own write is applied, ±3 standard errors, so that staleness is "
        "geometric from 1 on: it follows the heavy ball whose gradient is one update older "
        "(dashed), not heavy ball with the gain α/M (orange), nor with the gain α (dotted). Right: "
        "the largest modulus of the poles. Counted from 1 the mean bears αh up to "
        f"{number(data.limit)}, for any number of workers; from 0 up to "
        f"{number(data.other_limit)}. Seed {data.seed}."
    )


SUPPORT = Figure(
    slug="stale-support-from-one",
    title="One update of age is the difference between momentum and delay",
    source=Citation(None),
    claims=("stale-support-from-one", "one-update-of-age-takes-the-gain-of-random-staleness"),
    compute=_support,
    draw=_draw_support,
    caption=_tell_support,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"replicas": 2_000, "points": 80},
)
