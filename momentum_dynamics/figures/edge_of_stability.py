"""Sharpness of a network in training, drawn from numbers that were measured once.

They lie beside this module, with what they were measured on. ``fresh=1`` trains anew, here and now,
in about half a minute; `write_record` puts what it measures in their place::

    python -c "from momentum_dynamics.figures.edge_of_stability import write_record; write_record()"
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.sharpness import sharpness_limit
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.problems import DigitsNetwork
from momentum_dynamics.simulation import simulate

__all__ = ["measure", "write_record"]

Array = NDArray[np.float64]

_RECORD = Path(__file__).with_suffix(".json")
_KINDS: dict[str, Any] = {"heavy-ball": HeavyBall, "nesterov": Nesterov}
_SETTINGS = (
    ("heavy-ball", 0.667, 0.0), ("heavy-ball", 1.0, 0.5), ("heavy-ball", 1.267, 0.9),
    ("heavy-ball", 0.588, 0.0), ("heavy-ball", 0.882, 0.5), ("heavy-ball", 1.118, 0.9),
    ("nesterov", 0.5, 0.5), ("nesterov", 0.452, 0.9), ("nesterov", 0.441, 0.5),
    ("nesterov", 0.399, 0.9),
)  # fmt: skip


def measure(
    *,
    settings: Sequence[tuple[str, float, float]] = _SETTINGS,
    steps: int = 1600,
    stride: int = 20,
    seed: int = 0,
) -> dict[str, Any]:
    """Train a small network on the whole batch, and follow its sharpness and its loss.

    Parameters
    ----------
    settings : sequence of (str, float, float)
        Kind, learning rate, momentum.
    steps, stride : int
        How long, and after how many steps the sharpness is taken.
    seed : int
        Of the weights.

    Returns
    -------
    dict
        How it was made, and of each run sharpness and loss with five digits.
    """
    network: Any = DigitsNetwork(seed=seed)
    runs = []
    for kind, rate, momentum in settings:
        method = _KINDS[kind](learning_rate=rate, momentum=momentum)
        points = simulate(method, network, steps=steps, engine="direct").points[::stride]
        runs.append({
            "kind": kind, "learning_rate": rate, "momentum": momentum,
            "sharpness": [float(f"{network.sharpness(point):.5g}") for point in points],
            "loss": [float(f"{float(network.loss(point)):.5g}") for point in points],
        })  # fmt: skip
    return {
        "made_by": "momentum_dynamics.figures.edge_of_stability.measure",
        "network": repr(network),
        "weights": network.dimension,
        "steps": steps,
        "stride": stride,
        "seed": seed,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "runs": runs,
    }


def write_record(**settings: Any) -> None:
    """Measure, and keep it as what the figure shows.

    Parameters
    ----------
    **settings
        As `measure` takes them.
    """
    text = json.dumps(measure(**settings), separators=(",", ":"))
    _RECORD.write_text(text.replace('{"kind"', '\n{"kind"') + "\n", encoding="utf-8")


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
    is_recorded: int
    seed: int


def _edge(
    *, fresh: int = 0, settings: Sequence[tuple[str, float, float]] = _SETTINGS, steps: int = 1600
) -> Edge:
    if fresh:
        found = measure(settings=settings, steps=steps)
    else:
        found = json.loads(_RECORD.read_text(encoding="utf-8"))
    runs = found["runs"]
    sharpness = np.array([run["sharpness"] for run in runs])
    late = sharpness[:, -(sharpness.shape[1] // 4) :]
    return Edge(
        kinds=tuple(run["kind"] for run in runs),
        learning_rate=np.array([run["learning_rate"] for run in runs]),
        momentum=np.array([run["momentum"] for run in runs]),
        step=found["stride"] * np.arange(sharpness.shape[1]),
        sharpness=sharpness,
        loss=np.array([run["loss"] for run in runs]),
        limit=np.array(
            [
                sharpness_limit(
                    run["kind"], learning_rate=run["learning_rate"], momentum=run["momentum"]
                )
                for run in runs
            ]
        ),
        late=np.median(late, axis=1),
        weights=int(found["weights"]),
        is_recorded=int(not fresh),
        seed=int(found["seed"]),
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
    how = "Recorded once" if data.is_recorded else "Measured now"
    return (
        f"The largest curvature of the loss of a tanh network with {data.weights:,} weights on 200 "
        "digits, trained on the whole batch. Left: heavy ball with learning rates at which the "
        f"limit 2(1 + β)/α is {number(float(data.limit[0]), 3)}; the sharpness rises to it and "
        "hovers, and passes 2/α, the limit without momentum (dotted). Right: the median over the "
        f"last quarter against the limit, for {len(data.limit)} trainings; their ratio is "
        f"{ratio.min():.3f} to {ratio.max():.3f}. {how}. Seed {data.seed} "
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
    quick={"fresh": 0},
    remark="Drawn from recorded numbers; fresh=1 trains anew. The source's networks are larger.",
)
