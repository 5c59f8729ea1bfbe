"""A run looked into: what YellowFin measures and chooses, and how fast every variable converges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.laws.tuning import robust_root_momentum
from momentum_dynamics.training.comparison import smoothed
from momentum_dynamics.training.loop import train
from momentum_dynamics.training.rates import variable_paths
from momentum_dynamics.training.workloads import workload as workload_named
from momentum_dynamics.tuning import YellowFin

__all__: list[str] = []

Array = NDArray[np.float64]

_READ = ("h_max", "h_min", "variance", "distance", "momentum", "learning_rate")


@dataclass(frozen=True, kw_only=True, eq=False)
class Traces:
    """What each step measured and used, ``(presets, steps)``, and the smoothed loss."""

    workload: str
    presets: NDArray[np.str_]
    h_max: Array
    h_min: Array
    variance: Array
    distance: Array
    momentum: Array
    learning_rate: Array
    loss: Array
    window: int
    seed: int


def _traces(
    *,
    workload: str = "digits-mlp",
    presets: Sequence[str] = ("reference", "paper"),
    steps: int = 2000,
    window: int = 50,
    seed: int = 0,
) -> Traces:
    runs = [
        train(
            workload_named(workload), YellowFin(preset=preset), seeds=[seed], steps=steps,
            record=_READ,
        )
        for preset in presets
    ]  # fmt: skip
    if any(run.diverged[0] < steps for run in runs):
        raise DomainError(f"YellowFin diverged on {workload} with seed {seed}; take another seed.")
    return Traces(
        workload=workload,
        presets=np.array(list(presets)),
        **{name: np.array([run.traces[name][:, 0] for run in runs]) for name in _READ},
        loss=np.array([smoothed(run.losses[:, 0], window) for run in runs]),
        window=int(window),
        seed=int(seed),
    )


def _draw_traces(data: Traces, axes: Any) -> None:
    steps = np.arange(data.h_max.shape[1])
    # The first reading has no variance yet, and its learning rate is a setting.
    shown = slice(1, None)
    for at, (name, hue) in enumerate(zip(data.presets, (COLORS[0], COLORS[1]), strict=False)):
        loss = data.loss[at]
        axes[0, 0].semilogy(np.arange(len(loss)) + data.window, loss, color=hue, label=str(name))
        panel = axes[0, 1]
        panel.semilogy(steps[shown], data.h_max[at, shown], color=hue)
        panel.semilogy(steps[shown], data.h_min[at, shown], "--", color=hue)
        for ax, values in ((axes[0, 2], data.variance), (axes[1, 2], data.learning_rate)):
            ax.semilogy(steps[shown], values[at, shown], color=hue)
        axes[1, 0].plot(steps[shown], data.distance[at, shown], color=hue)
        axes[1, 1].plot(steps[shown], data.momentum[at, shown], color=hue)
    for ax, text in zip(
        axes.flat,
        (
            f"loss, mean of {data.window}", "extremes of ‖g‖²", "gradient variance $C$",
            "distance as measured $D$", label("momentum"), label("learning_rate"),
        ),
        strict=True,
    ):  # fmt: skip
        ax.set_ylabel(text, fontsize=9)
        ax.tick_params(labelsize=7.5, which="both")
    axes[1, 1].set_ylim(-0.02, 1.02)
    axes[0, 0].legend(fontsize=8)
    for ax in axes[1]:
        ax.set_xlabel(label("step"), fontsize=9)


def _tell_traces(data: Traces) -> str:
    steps = data.momentum.shape[1]
    begin = min(200, steps // 2)  # where the slow start ends
    reach = effective_learning_rate(data.learning_rate, data.momentum)
    decides = data.momentum > robust_root_momentum(data.h_min, data.h_max) ** 2 * (1 + 1e-9)
    ends = "; ".join(
        f"{name}: momentum {number(float(data.momentum[at, -1]), 3)}, learning rate "
        f"{number(float(data.learning_rate[at, -1]), 3)}, α/(1 − β) {number(reach[at, -1], 2)} "
        f"after {number(reach[at, begin], 2)} at step {begin}"
        for at, name in enumerate(data.presets)
    )
    return (
        f"What YellowFin reads and chooses along {steps:,} steps on {data.workload}, "
        "as in the released code and as in the paper: smoothed loss, extremes of the squared "
        "gradient (dashed: the least), variance, distance, momentum and learning rate as used. "
        f"The least of the squared gradients falls, and the step α/(1 − β) rises. At the end, "
        f"{ends}. In {number(100 * float(decides[:, 1:].mean()), 3)} % of the steps the cubic asks "
        f"for more momentum than the range of h. Seed {data.seed}."
    )


TRACES = Figure(
    slug="yellowfin-traces",
    title="What YellowFin measures and chooses while a net learns",
    source=Citation("zhang2017"),
    claims=("untuned-yellowfin-is-faster-than-tuned-adam",),
    compute=_traces,
    draw=_draw_traces,
    caption=_tell_traces,
    panels=(2, 3),
    size=(WIDTH, 4.0),
    quick={"steps": 60, "window": 10},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class VariableRates:
    """Distances ``(momenta, frames, variables)`` from last values, and rates of each variable."""

    momentum: Array
    learning_rate: float
    time: Array
    distance: Array
    rates: Array
    seed: int


def _variable_rates(
    *,
    momentum: Sequence[float] = (0.9, 0.99),
    learning_rate: float = 0.01,
    steps: int = 3000,
    stride: int = 20,
    seed: int = 0,
) -> VariableRates:
    paths = [
        variable_paths(
            beta, learning_rate=learning_rate, steps=steps, stride=stride, seed=seed
        )
        for beta in momentum
    ]  # fmt: skip
    return VariableRates(
        momentum=np.array(list(momentum), dtype=float),
        learning_rate=float(learning_rate),
        time=paths[0].time,
        distance=np.array([each.distance for each in paths]),
        rates=np.array([each.rates() for each in paths]),
        seed=int(seed),
    )


def _draw_variable_rates(data: VariableRates, axes: Any) -> None:
    for ax, beta, distance in zip(axes[0], data.momentum, data.distance, strict=True):
        ax.semilogy(data.time, distance / distance[0], color=COLORS[0], linewidth=0.4, alpha=0.5)
        ax.semilogy(
            data.time, np.sqrt(beta) ** data.time, color=COLORS[1], linewidth=1.8,
            label=r"$\sqrt{\beta}^{\,t}$",
        )  # fmt: skip
        ax.set(xlabel=label("step"), ylim=(1e-7, 1e2), title=f"$\\beta = {beta:g}$")
        ax.axhline(1, color=INK, linewidth=0.4)
        ax.legend(loc="upper right")
    axes[0, 0].set_ylabel("distance from the last value")


def _tell_variable_rates(data: VariableRates) -> str:
    rows = "; ".join(
        f"momentum {number(float(beta))}: from {number(float(rates.min()), 5)} to "
        f"{number(float(rates.max()), 5)}, and √β is {number(float(np.sqrt(beta)), 5)}"
        for beta, rates in zip(data.momentum, data.rates, strict=True)
    )
    return (
        f"Distance of each of {data.distance.shape[-1]} parameters of a recurrent net on the rows "
        "of 32 digits, with a ridge, from its last value, over that at the start; learning rate "
        f"{data.learning_rate:g}, full batches. Line: √β to the power t. Rates of the parameters, "
        f"{rows}. With the larger momentum all modes are in the robust region. Seed {data.seed}."
    )


VARIABLE_RATES = Figure(
    slug="per-variable-rates",
    title="With enough momentum, every variable of a recurrent net converges at one rate",
    source=Citation("zhang2017"),
    claims=("variables-of-a-recurrent-net-converge-at-root-momentum",),
    compute=_variable_rates,
    draw=_draw_variable_rates,
    caption=_tell_variable_rates,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"steps": 60, "stride": 3},
    remark="The paper shows an LSTM on MNIST, without a ridge.",
)
