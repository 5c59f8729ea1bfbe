"""Sharpness of a network in training, drawn from runs that were recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.sharpness import sharpness_limit
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.simulation.edge import recorded_edge

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edge:
    """Sharpness and loss ``(runs, times, seeds)``; limits and late sharpness ``(runs,)``.

    Late is the mean over the last quarter and over seeds, with the standard error over seeds.
    """

    kinds: tuple[str, ...]
    learning_rate: Array
    momentum: Array
    step: NDArray[np.int64]
    sharpness: Array
    loss: Array
    limit: Array
    late: Array
    late_error: Array
    trained: int
    seeds: int
    weights: int


def _edge(*, stride: int = 1) -> Edge:
    results = recorded_edge("whole batches")
    kinds, rates, momenta, _ = zip(*results.settings, strict=True)
    late = [results.plateau("sharpness", each) for each in results.settings]
    limits = [
        sharpness_limit(kind, learning_rate=rate, momentum=momentum)
        for kind, rate, momentum, _ in results.settings
    ]
    return Edge(
        kinds=kinds,
        learning_rate=np.array(rates),
        momentum=np.array(momenta),
        step=results.steps[::stride],
        sharpness=results.sharpness[:, ::stride],
        loss=results.loss[:, ::stride],
        limit=np.array(limits),
        late=np.array([each.value for each in late]),
        late_error=np.array([each.error for each in late]),
        trained=sum(each.seeds for each in late),
        seeds=results.seeds,
        weights=results.network.dimension,
    )


_MARKERS = {"heavy-ball": "o", "nesterov": "s"}
_COLORS = {0.0: COLORS[6], 0.5: COLORS[0], 0.9: COLORS[1]}
_BARS = 3
"""Standard errors of a bar."""


def _is_low(limit: Array) -> NDArray[np.bool_]:
    """Whether a limit is the lower one of the two that learning rates were chosen for."""
    return np.asarray(limit < (limit.min() + limit.max()) / 2)


def _draw_edge(data: Edge, axes: Any) -> None:
    left, right = axes[0]
    is_ball = np.array(data.kinds) == "heavy-ball"
    shown = np.flatnonzero(is_ball & _is_low(data.limit))
    for index in shown:
        color = _COLORS[float(data.momentum[index])]
        left.plot(
            data.step, data.sharpness[index, :, 1:], color=color, linewidth=0.6, alpha=0.45,
            zorder=1.5,
        )  # fmt: skip
        left.plot(
            data.step, data.sharpness[index, :, 0], color=color, linewidth=1.4,
            label=f"$\\beta = {data.momentum[index]:g}$, limit ${data.limit[index]:.2f}$",
        )  # fmt: skip
        plain = 2 / data.learning_rate[index]
        left.axhline(plain, color=color, linestyle=":", linewidth=1)
    left.axhline(float(data.limit[shown[0]]), color=INK, linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="sharpness", xlim=(0, data.step[-1]), title="heavy ball")
    left.set_ylim(1.3, 1.05 * float(np.nanmax(data.sharpness[shown])))
    left.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.27))
    right.axhline(1, color=GRAY, linewidth=1.2, zorder=1)
    momenta = np.unique(data.momentum).tolist()
    for momentum in momenta:
        group = np.flatnonzero(data.momentum == momentum)
        places = momenta.index(momentum) + 0.18 * (np.arange(len(group)) - (len(group) - 1) / 2)
        for index, place in zip(group, places, strict=True):
            color = _COLORS[momentum]
            right.errorbar(
                place, data.late[index] / data.limit[index],
                _BARS * data.late_error[index] / data.limit[index],
                fmt=_MARKERS[data.kinds[index]], color=color, markersize=6, linewidth=1.3,
                markerfacecolor="white" if _is_low(data.limit)[index] else color,
            )  # fmt: skip
    for kind, marker in _MARKERS.items():
        for limit, face in ((data.limit.min(), "white"), (data.limit.max(), GRAY)):
            right.plot(
                [], [], marker, color=GRAY, markerfacecolor=face,
                label=f"{kind.replace('-', ' ')}, limit {limit:.1f}",
            )  # fmt: skip
    right.set_xticks(range(len(momenta)), [f"{momentum:g}" for momentum in momenta])
    right.set(xlabel=label("momentum"), ylabel="late sharpness over its limit")
    right.set(xlim=(-0.5, len(momenta) - 0.5), ylim=(0.94, 1.04))
    right.legend(fontsize=8, loc="lower left")


def _tell_edge(data: Edge) -> str:
    ratio = data.late / data.limit
    error = data.late_error / data.limit
    rest = np.abs(ratio - 1)
    beyond = int(np.sum(rest > _BARS * error))
    return (
        f"The largest curvature of the loss of a tanh network with {data.weights:,} weights on 200 "
        f"digits, trained on the whole batch from {data.seeds} starts. Left: heavy ball with "
        f"learning rates at which the limit 2(1 + β)/α is {number(float(data.limit[0]), 3)}, one "
        "start thick and the others thin; the sharpness rises to it and hovers, and passes 2/α, "
        "the limit without momentum (dotted). Right: the mean over the last quarter and over "
        f"starts, over the limit, for {len(ratio)} settings and {data.trained} trainings; bars are "
        f"±{_BARS} standard errors over starts. The ratio is {ratio.min():.3f} to "
        f"{ratio.max():.3f}: off 1 by more than the bar in {beyond} settings, "
        f"by {number(100 * float(rest.max()), 2)} % at the most."
    )


EDGE = Figure(
    slug="edge-of-stability",
    title="Sharpness rises to the limit of the momentum that trains, and hovers",
    source=Citation("cohen2021"),
    claims=(
        "training-hovers-at-the-limit-of-its-momentum",
        "momentum-finds-flatter-minima",
        "recorded-sharpness-is-measured-again",
    ),
    compute=_edge,
    draw=_draw_edge,
    caption=_tell_edge,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"stride": 4},
    remark="The source's networks are larger. Drawn from recorded runs, a minute on two "
    "processors: reproduce --full makes them anew.",
)
