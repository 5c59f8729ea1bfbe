"""Stale gradients: thousands of replicas, their mean, and the momentum that predicts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import Delay, FixedDelay, GeometricDelay
from momentum_dynamics.dynamics.equivalence import equivalent_momentum
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StalePaths:
    """Some paths ``(panels, paths, steps + 1)``; mean, its error and prediction by panel.

    The last panel is the control: a fixed delay with the first panel's mean and prediction.
    """

    workers: Array
    staleness: Array
    learning_rate: float
    twin_learning_rate: Array
    twin_momentum: Array
    paths: Array
    mean: Array
    error: Array
    predicted: Array
    exact: Array
    gap: Array
    replicas: int
    seed: int


def _stale_paths(
    *,
    workers: Sequence[int] = (4, 16),
    learning_rate: float = 0.2,
    curvature: float = 1.0,
    replicas: int = 10_000,
    steps: int = 100,
    shown: int = 25,
    seed: int = 4,
) -> StalePaths:
    counts = np.atleast_1d(np.asarray(workers, dtype=float))
    if counts.shape != (2,):
        raise ShapeError(
            f"workers has {counts.size} values, but staleness-is-momentum has two panels for "
            "them; give two."
        )
    problem = Quadratic([curvature])
    descent = GradientDescent(learning_rate=learning_rate)
    begin = problem.start
    # The first stale step is a full one: every worker still holds the start.
    moving = (begin, begin + learning_rate * problem.field(begin))
    fixed = FixedDelay(staleness=round(counts[0]) - 1)
    laws: list[Delay] = [*(GeometricDelay(workers=count) for count in counts), fixed]
    twins: list[Any] = [equivalent_momentum(descent, law) for law in laws[:2]]
    predicted = [simulate(twin, problem, steps=steps, start=moving).outputs[:, 0] for twin in twins]
    own = simulate(equivalent_momentum(descent, fixed), problem, steps=steps).outputs[:, 0]
    paths, means, errors = [], [], []
    for index, law in enumerate(laws):
        run = simulate(
            descent, problem, steps=steps, delay=law,
            replicas=1 if law is fixed else replicas,
            seed=np.random.SeedSequence([seed, index]),
        )  # fmt: skip
        points = run.outputs[..., 0].T
        paths.append(np.resize(points[:shown], (shown, steps + 1)))
        means.append(points.mean(axis=0))
        errors.append(points.std(axis=0) / np.sqrt(len(points)))
    mean, error = np.array(means), np.array(errors)
    expected = np.array([*predicted, predicted[0]])
    return StalePaths(
        workers=counts,
        staleness=np.array([float(law.mean) for law in laws]),
        learning_rate=float(learning_rate),
        twin_learning_rate=np.array([twin.learning_rate for twin in twins]),
        twin_momentum=np.array([twin.momentum for twin in twins]),
        paths=np.array(paths),
        mean=mean,
        error=error,
        predicted=expected,
        exact=own,
        gap=np.abs(mean - expected).max(axis=-1),
        replicas=int(replicas),
        seed=int(seed),
    )


_BAND = 3
"""Standard errors in the band."""


def _draw_stale_paths(data: StalePaths, axes: Any) -> None:
    time = np.arange(data.mean.shape[1])
    highest = 1.25 * max(1.0, np.abs(data.mean[:2]).max())
    for index, ax in enumerate(axes[0]):
        ax.axhline(0, color=GRAY, linewidth=0.8)
        mean, predicted = data.mean[index], data.predicted[index]
        if index < len(data.workers):
            ax.plot(time, data.paths[index].T, color=COLORS[5], linewidth=0.6, alpha=0.35)
            band = _BAND * data.error[index]
            ax.fill_between(time, mean - band, mean + band, color=COLORS[0], alpha=0.35, lw=0)
            (mean_line,) = ax.plot(time, mean, color=COLORS[0], linewidth=2.8)
            rate, momentum = data.twin_learning_rate[index], data.twin_momentum[index]
            ax.set_title(
                f"$M = {data.workers[index]:g}$ workers\n"
                f"$\\alpha/M$ = {rate:g}, $\\beta$ = {momentum:g}"
            )
        else:
            (only_line,) = ax.plot(time, mean, color=COLORS[1], linewidth=2.8)
            ax.set_title(f"control\nfixed staleness {data.staleness[index]:g}")
        (twin_line,) = ax.plot(time, predicted, "--", color=INK, linewidth=1.4)
        ax.set(xlim=(0, time[-1]), ylim=(-highest, highest), xlabel=label("step"))
        if index:
            ax.set_yticklabels([])
    axes[0, 0].set_ylabel("displacement")
    (path_line,) = axes[0, 0].plot([], [], color=COLORS[5], linewidth=1)
    axes[0, 0].figure.legend(
        [path_line, mean_line, twin_line, only_line],
        ["one run", "mean over runs", "heavy ball, predicted", "fixed staleness"],
        loc="outside lower center", ncols=4,
    )  # fmt: skip


def _tell_stale_paths(data: StalePaths) -> str:
    parts = [
        f"M = {number(count)} workers: heavy ball with α/M = {number(rate)}, 1 − 1/M = "
        f"{number(momentum)}, farthest "
        f"from the mean {number(gap, 1)}"
        for count, rate, momentum, gap in zip(
            data.workers, data.twin_learning_rate, data.twin_momentum, data.gap, strict=False
        )
    ]
    return (
        f"Gradient descent with learning rate {number(data.learning_rate)} on stale gradients: "
        f"{data.paths.shape[1]} of {data.replicas:,} replicas (thin), their mean with "
        f"±{_BAND} standard errors (blue), and the heavy ball that staleness is in the mean "
        f"(dashed). {'; '.join(parts)}. A fixed staleness of {number(data.staleness[-1])} has "
        "the mean "
        "staleness of the first panel and departs from its heavy ball by "
        f"{number(data.gap[-1], 2)}. "
        f"Seed {data.seed}."
    )


STALENESS = Figure(
    slug="staleness-is-momentum",
    title="Asynchrony begets momentum, in the mean",
    source=Citation("mitliagkas2016"),
    claims=("asynchrony-begets-momentum", "fixed-delay-has-no-two-slot-equivalent"),
    compute=_stale_paths,
    draw=_draw_stale_paths,
    caption=_tell_stale_paths,
    panels=(1, 3),
    size=(WIDTH, 3.3),
    quick={"replicas": 500, "steps": 60},
    remark="Staleness is drawn independently for every gradient. Single paths scatter far more "
    "than heavy ball's would: equal means are not equal noise.",
)
