"""Sharpness of a network in training, drawn from runs that were recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.sharpness import sharpness_limit
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.simulation.edge import recorded_edge

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edge:
    """Sharpness and loss ``(runs, times)`` beside the limits ``(runs,)``."""

    kinds: tuple[str, ...]
    learning_rate: Array
    momentum: Array
    step: NDArray[np.int64]
    sharpness: Array
    loss: Array
    limit: Array
    late: Array
    weights: int
    seed: int


def _edge(*, stride: int = 1) -> Edge:
    results = recorded_edge("whole batches")
    kinds, rates, momenta, _ = zip(*results.settings, strict=True)
    late = [results.late("sharpness", each) for each in results.settings]
    limits = [
        sharpness_limit(kind, learning_rate=rate, momentum=momentum)
        for kind, rate, momentum, _ in results.settings
    ]
    return Edge(
        kinds=kinds,
        learning_rate=np.array(rates),
        momentum=np.array(momenta),
        step=results.steps[::stride],
        sharpness=results.sharpness[:, ::stride, 0],
        loss=results.loss[:, ::stride, 0],
        limit=np.array(limits),
        late=np.array(late)[:, 0],
        weights=results.network.dimension,
        seed=0,
    )


_MARKERS = {"heavy-ball": "o", "nesterov": "s"}
_COLORS = {0.0: COLORS[6], 0.5: COLORS[0], 0.9: COLORS[1]}


def _draw_edge(data: Edge, axes: Any) -> None:
    left, right = axes[0]
    shown = [
        index
        for index, (kind, limit) in enumerate(zip(data.kinds, data.limit, strict=True))
        if kind == "heavy-ball" and abs(limit - data.limit[0]) < 0.1
    ]
    for index in shown:
        color = _COLORS[float(data.momentum[index])]
        left.plot(
            data.step, data.sharpness[index], color=color, linewidth=1.3,
            label=f"$\\beta = {data.momentum[index]:g}$, limit ${data.limit[index]:.2f}$",
        )  # fmt: skip
        plain = 2 / data.learning_rate[index]
        left.axhline(plain, color=color, linestyle=":", linewidth=1)
    left.axhline(float(data.limit[shown[0]]), color=INK, linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="sharpness", xlim=(0, data.step[-1]), title="heavy ball")
    left.set_ylim(1.3, 1.08 * float(data.sharpness[shown].max()))
    left.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.31))
    low, high = 2.7, 3.8
    right.plot([low, high], [low, high], color=GRAY, linewidth=1.2, zorder=1)
    for kind, momentum, limit, late in zip(
        data.kinds, data.momentum, data.limit, data.late, strict=True
    ):
        right.plot(
            limit, late, _MARKERS[kind], color=_COLORS[float(momentum)], markersize=7,
            markerfacecolor="white", markeredgewidth=1.6,
        )  # fmt: skip
    for kind, marker in _MARKERS.items():
        right.plot(
            [], [], marker, color=GRAY, markerfacecolor="white", label=kind.replace("-", " ")
        )
    right.set(xlabel="limit of the method", ylabel="late sharpness", xlim=(low, high))
    right.set_ylim(low, high)
    right.legend(fontsize=8.5)


def _tell_edge(data: Edge) -> str:
    ratio = data.late / data.limit
    return (
        f"The largest curvature of the loss of a tanh network with {data.weights:,} weights on 200 "
        "digits, trained on the whole batch. Left: heavy ball with learning rates at which the "
        f"limit 2(1 + β)/α is {number(float(data.limit[0]), 3)}; the sharpness rises to it and "
        "hovers, and passes 2/α, the limit without momentum (dotted). Right: the mean over the "
        f"last quarter against the limit, for {len(data.limit)} trainings; their ratio is "
        f"{ratio.min():.3f} to {ratio.max():.3f}. Seed {data.seed} "
        "is that of the weights."
    )


EDGE = Figure(
    slug="edge-of-stability",
    title="Sharpness rises to the limit of the momentum that trains, and hovers",
    source=Citation("cohen2021"),
    claims=("training-hovers-at-the-limit-of-its-momentum", "momentum-finds-flatter-minima"),
    compute=_edge,
    draw=_draw_edge,
    caption=_tell_edge,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"stride": 4},
    remark="The source's networks are larger. Drawn from recorded runs: reproduce --full makes "
    "them anew.",
)
