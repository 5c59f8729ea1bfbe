"""Momentum in the mean on gradients that are not linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.nonlinear import CASES, Case, Queues, run_queues
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NonlinearFields:
    """Of two problems, one after the other: one coordinate of paths, and residuals in errors."""

    names: tuple[str, ...]
    workers: int
    replicas: tuple[int, ...]
    first_coordinate: int
    second_coordinate: int
    first_mean: Array
    first_recursion: Array
    first_heavy_ball: Array
    first_scores: Array
    second_mean: Array
    second_recursion: Array
    second_heavy_ball: Array
    second_scores: Array
    seed: int


def _recursion(queues: Queues) -> Array:
    """The mean path from the second point on, by the momentum recursion on mean gradients."""
    case = queues.case
    kept = staleness.implicit_momentum(case.workers)
    step = staleness.implicit_learning_rate(case.learning_rate, case.workers)
    point = queues.points.mean(axis=1)[:2]
    path = [point[0], point[1]]
    for gradient in queues.fields.mean(axis=1)[1:-1]:
        path.append(path[-1] + kept * (path[-1] - path[-2]) - step * gradient)
    return np.array(path)


def _heavy_ball(case: Case, first: Array, second: Array) -> Array:
    """Heavy ball itself, from the mean start and with the mean first step."""
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(case.learning_rate, case.workers),
        momentum=staleness.implicit_momentum(case.workers),
    )
    run = simulate(twin, case.problem, steps=case.updates - 1, start=(second, first))
    return np.concatenate([first[None], run.outputs])


def _worst(pair: tuple[Array, Array]) -> Array:
    """The largest residual of the coordinates at every update, in standard errors."""
    left, error = pair
    return (np.abs(left) / error).max(axis=1)


def _shown(case: Case, rng: np.random.Generator) -> tuple[int, Array, Array, Array, Array]:
    queues = run_queues(case, rng)
    turns = run_queues(case, rng, is_round_robin=True)
    mean = queues.points.mean(axis=1)
    twin = _heavy_ball(case, mean[0], mean[1])
    coordinate = int(np.argmax(np.abs(mean - twin).max(axis=0)))
    scores = [
        _worst(queues.residual()), _worst(queues.residual(at_mean=True)), _worst(turns.residual())
    ]  # fmt: skip
    own, recursion, other = (path[:, coordinate] for path in (mean, _recursion(queues), twin))
    return coordinate, own, recursion, other, np.array(scores)


def _nonlinear(*, replicas: int = 4_000, seed: int = 9) -> NonlinearFields:
    cases = [make(replicas) for make in CASES]
    seeds = np.random.SeedSequence(seed).spawn(len(cases))
    first, second = (
        _shown(case, np.random.default_rng(own)) for case, own in zip(cases, seeds, strict=True)
    )
    return NonlinearFields(
        names=tuple(case.name for case in cases),
        workers=cases[0].workers,
        replicas=tuple(case.replicas for case in cases),
        first_coordinate=first[0],
        first_mean=first[1],
        first_recursion=first[2],
        first_heavy_ball=first[3],
        first_scores=first[4],
        second_coordinate=second[0],
        second_mean=second[1],
        second_recursion=second[2],
        second_heavy_ball=second[3],
        second_scores=second[4],
        seed=int(seed),
    )


def _draw(data: NonlinearFields, axes: Any) -> None:
    rows = (
        (data.first_coordinate, data.first_mean, data.first_recursion, data.first_heavy_ball,
         data.first_scores),
        (data.second_coordinate, data.second_mean, data.second_recursion, data.second_heavy_ball,
         data.second_scores),
    )  # fmt: skip
    for index, (coordinate, mean, recursion, twin, scores) in enumerate(rows):
        left, right = axes[index]
        updates = np.arange(len(mean))
        left.plot(updates, mean, "o", color=COLORS[0], markersize=3.5, label="mean of the queues")
        left.plot(
            updates, recursion, color=INK, linewidth=1.1, label=r"recursion with $E\,g(w)$"
        )  # fmt: skip
        left.plot(
            updates, twin, "--", color=COLORS[1], linewidth=1.3,
            label=r"heavy ball: $g(E\,w)$",
        )  # fmt: skip
        left.set(title=data.names[index], ylabel=f"coordinate {coordinate + 1}")
        right.axhspan(0.1, 3, color=GRAY, alpha=0.18, linewidth=0)
        for row, style, color, name in zip(
            scores, ("o", "s", "^"), (COLORS[0], COLORS[1], COLORS[2]),
            (r"$E\,g(w)$", r"$g(E\,w)$", "workers in turns"), strict=True,
        ):  # fmt: skip
            right.semilogy(updates[2:], row, style, color=color, markersize=3, label=name)
        right.set(ylim=(0.1, 1000), title="residual in standard errors")
    axes[0, 0].legend(fontsize=8.5)
    axes[0, 1].legend(loc="upper right", ncols=3, fontsize=8.5, columnspacing=1)
    for ax in axes[1]:
        ax.set_xlabel(label("step"))


def _tell(data: NonlinearFields) -> str:
    told = "; ".join(
        f"{name}: {number(float(scores[0].max()), 2)} with the mean gradient, "
        f"{number(float(scores[1].max()), 2)} with the gradient at the mean, "
        f"{number(float(scores[2].max()), 2)} in turns"
        for name, scores in zip(data.names, (data.first_scores, data.second_scores), strict=True)
    )
    return (
        f"Gradient descent by {data.workers} memoryless workers on gradients that are not linear. "
        f"Left: the mean of {data.replicas[0]:,} queues, spread out at the start, follows the "
        "momentum recursion with the mean gradient; heavy ball from the mean start takes the "
        "gradient at the mean and leaves. Right: at every update the largest residual of all "
        "coordinates of the identity E v′ = (1 − 1/M) E v − (α/M) E g(w); gray is up to 3. Over "
        f"all updates at most: {told}. Seed {data.seed}."
    )


FIGURE = Figure(
    slug="nonlinear-fields",
    title="Momentum in the mean needs no linear gradient",
    source=Citation("mitliagkas2016"),
    claims=(
        "asynchronous-logistic-regression-has-momentum-in-the-mean",
        "asynchrony-on-a-non-convex-loss-is-momentum-in-the-mean",
    ),
    compute=_nonlinear,
    draw=_draw,
    caption=_tell,
    panels=(2, 2),
    size=(WIDTH, 5.2),
    quick={"replicas": 400},
)
