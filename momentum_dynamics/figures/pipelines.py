"""Stages of a pipeline: the step that each bears, coupled or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.pipelines import coupled, stage_limits
from momentum_dynamics.dynamics.asynchrony.pipeline import (
    pipeline_ages,
    staged_path,
    staged_radius,
)
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import staleness as laws

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """Limits and rules by stage, radii ``(Hessians, shares)`` of two rules, losses of runs."""

    stages: int
    delay: Array
    limit: Array
    rule: Array
    share: Array
    by_limit: Array
    by_curvature: Array
    loss: Array
    rate: Array
    smallest: float
    seed: int


def _stages(
    *,
    stages: int = 6,
    hessians: int = 12,
    points: int = 31,
    updates: int = 1200,
    smallest: float = 0.05,
    share: Sequence[float] = (0.05, 1.2),
    seed: int = 6,
) -> Stages:
    ages = pipeline_ages(stages)
    delay = np.diag(ages).astype(float)
    limit = stage_limits(stages)
    rule = np.asarray(laws.stage_learning_rate(1.0, delay), dtype=float)
    rng = np.random.default_rng(seed)
    drawn = [coupled(rng, stages, smallest) for _ in range(hessians)]
    least, most = share
    shares = np.linspace(least, most, points)
    radii = np.array(
        [
            [
                [staged_radius(one, part * limit / scale, ages) for part in shares]
                for scale in (1.0, np.diag(one))
            ]
            for one in drawn
        ]
    )
    # Half of what each rule may take at most, on the first Hessian, from all coordinates at 1.
    slowest = np.full(stages, limit.min())
    rates = [slowest / 2, limit / 2, rule / 2, limit / np.diag(drawn[0])]
    paths = [
        staged_path(drawn[0], own, ages, start=np.ones(stages), steps=updates) for own in rates
    ]
    with np.errstate(over="ignore"):
        loss = np.array([np.einsum("ts,sr,tr->t", path, drawn[0], path) / 2 for path in paths])
    return Stages(
        stages=int(stages),
        delay=delay,
        limit=limit,
        rule=rule,
        share=shares,
        by_limit=radii[:, 0],
        by_curvature=radii[:, 1],
        loss=loss,
        rate=np.array([staged_radius(drawn[0], own, ages) for own in rates]),
        smallest=float(smallest),
        seed=int(seed),
    )


def _draw_stages(data: Stages, axes: Any) -> None:
    left, middle, right = axes[0]
    number_of = np.arange(1, data.stages + 1)
    left.semilogy(number_of, data.limit, "o-", color=COLORS[0], label=r"$2\sin(\pi/(4\tau+2))$")
    left.semilogy(number_of, data.rule, "s--", color=COLORS[2], markersize=4,
                  label=r"$1/(\tau+\frac{1}{2})$")  # fmt: skip
    left.axhline(data.limit.min(), color=GRAY, linewidth=1.2, label="slowest stage's")
    left.set(xlabel="stage", title=r"largest stable $\alpha\lambda$", xticks=number_of)

    for radii, color, name in (
        (data.by_curvature, COLORS[1], "own curvature"),
        (data.by_limit, COLORS[0], r"largest curvature $\lambda$"),
    ):
        middle.plot(data.share, radii.T, color=color, linewidth=0.6, alpha=0.5)
        middle.plot(data.share, radii.max(axis=0), color=color, linewidth=1.8, label=name)
    middle.axhline(1, color=INK, linewidth=0.8)
    middle.axvline(1, color=GRAY, linewidth=0.8, linestyle=":")
    middle.set(xlabel="share of each stage's limit", ylim=(0.96, 1.06), title="radius, coupled")

    names = ("slowest's limit / 2", "own limits / 2", "rule / 2", "own curvature")
    styles = ((GRAY, "-"), (COLORS[0], "-"), (COLORS[2], "--"), (COLORS[1], "-"))
    for loss, name, (color, line) in zip(data.loss, names, styles, strict=True):
        right.semilogy(np.arange(len(loss)), loss, line, color=color, linewidth=1.5, label=name)
    right.set(xlabel=label("step"), xlim=(0, data.loss.shape[1] - 1), title="loss of a run")
    right.set(ylim=(max(data.loss[:3].min(), 1e-12) / 3, 1e4 * data.loss[0, 0]))
    for ax in axes[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), fontsize=8)


def _tell_stages(data: Stages) -> str:
    edge = int(np.searchsorted(data.share, 1.0)) - 1
    unstable = int((data.by_curvature[:, edge] > 1).sum())
    return (
        f"A pipeline of {data.stages} stages with weights kept between the passes: the delay of "
        f"stage s is 2(S − s), from {number(data.delay[0])} updates to none. Left: the largest "
        "rate that each bears alone, the rule 1/(τ + ½), never above, and the slowest stage's for "
        f"all. Middle: the radius for {len(data.by_limit)} coupled Hessians with curvatures from "
        f"{number(data.smallest)} to λ = 1, stages at a share of their limits (thick: the worst). "
        "Counted with λ of the whole, every stage may go to its own limit; counted with its own "
        f"curvature it may not: {unstable} diverge at a share of "
        f"{number(float(data.share[edge]), 2)}. Right: runs on the first of them; the factors per "
        f"update are {', '.join(number(float(one), 4) for one in data.rate)}, in the order of the "
        f"legend. Seed {data.seed}."
    )


STAGES = Figure(
    slug="pipeline-stages",
    title="Each stage of a pipeline bears what its own delay bears",
    source=Citation(None),
    claims=("each-stage-bears-what-its-own-delay-bears", "fixed-delay-limits-the-step"),
    compute=_stages,
    draw=_draw_stages,
    caption=_tell_stages,
    panels=(1, 3),
    size=(WIDTH, 4.0),
    quick={"hessians": 3, "points": 8, "updates": 100, "stages": 4},
)
