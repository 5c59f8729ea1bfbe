"""Leaving a saddle: momentum against gradient descent, with two things held equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import INK, WIDTH, label, shades
from momentum_dynamics.laws import noise, regions, saddles
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.rates import measure_rate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Escapes:
    """Growth per step: law ``(3, ascents, points)``, simulated, and gradient descent's."""

    learning_rate: float
    ascent: Array
    momentum: Array
    growth: Array
    plain: Array
    measured_momentum: Array
    expected: Array
    measured: Array


def _escapes(
    *,
    learning_rate: float = 1.0,
    ascent: Sequence[float] = (0.02, 0.1, 0.5),
    momentum: Sequence[float] = (-0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95),
    steps: int = 400,
    points: int = 200,
) -> Escapes:
    ascents = np.atleast_1d(np.asarray(ascent, dtype=float))
    chosen = np.atleast_1d(np.asarray(momentum, dtype=float))
    line = np.linspace(chosen.min(), chosen.max(), points)

    def rates(beta: Array) -> tuple[Array, ...]:
        """The same learning rate, the same effective one, and the same share of the permitted."""
        return (
            np.full_like(beta, learning_rate),
            learning_rate / noise.effective_learning_rate(1, beta),
            learning_rate * regions.heavy_ball_step_limit(beta) / regions.heavy_ball_step_limit(0),
        )

    def law(beta: Array) -> Array:
        return np.array([saddles.escape_rate(rate, beta, ascents[:, None]) for rate in rates(beta)])

    measured = []
    for rate in rates(chosen):
        balls = HeavyBall(learning_rate=rate, momentum=chosen)
        run = simulate(balls, Quadratic(-ascents), steps=steps, start=np.ones(len(ascents)))
        paths = np.abs(run.outputs).reshape(steps + 1, -1).T
        found = [measure_rate(path) for path in paths]
        factors = [np.nan if one is None else one.rate for one in found]
        measured.append(np.reshape(factors, (len(chosen), len(ascents))).T)
    return Escapes(
        learning_rate=float(learning_rate),
        ascent=ascents,
        momentum=line,
        growth=law(line),
        plain=np.asarray(saddles.plain_escape_rate(learning_rate, ascents)),
        measured_momentum=chosen,
        expected=law(chosen),
        measured=np.array(measured),
    )


def _draw_escapes(data: Escapes, axes: Any) -> None:
    colors = shades(len(data.ascent))
    titles = ("equal rate $\\alpha$", "equal $\\alpha/(1-\\beta)$", "equal $\\alpha/(1+\\beta)$")
    for index, ax in enumerate(axes[0]):
        for row, color in enumerate(colors):
            plain = data.plain[row] - 1
            ax.axhline(plain, color=color, linewidth=1.2, linestyle="--")
            ax.semilogy(data.momentum, data.growth[index, row] - 1, color=color)
            ax.semilogy(
                data.measured_momentum, data.measured[index, row] - 1, "o", color=color,
                markerfacecolor="white", markeredgewidth=1.4,
            )  # fmt: skip
            if index == len(titles) - 1:
                ax.annotate(
                    f"$\\alpha g = {data.learning_rate * data.ascent[row]:g}$", (1, plain), (4, 0),
                    xycoords=("axes fraction", "data"), textcoords="offset points",
                    va="center", color=INK, size=9, annotation_clip=False,
                )  # fmt: skip
        ax.axvline(0, color="#bbbbbb", linewidth=0.8)
        ax.set(xlim=(data.momentum[0] - 0.03, 1), xlabel=label("momentum"), title=titles[index])
    low = min(ax.get_ylim()[0] for ax in axes[0])
    high = max(ax.get_ylim()[1] for ax in axes[0])
    for ax in axes[0]:
        ax.set_ylim(low, high)
    for ax in axes[0, 1:]:
        ax.set_yticklabels([])
    axes[0, 0].set_ylabel("growth per step, minus one")
    handles = [
        *axes[0, 0].plot([], [], color="#555555"),
        *axes[0, 0].plot([], [], "o", color="#555555", markerfacecolor="white"),
        *axes[0, 0].plot([], [], "--", color="#555555", linewidth=1.2),
    ]
    axes[0, 0].figure.legend(
        handles, ["heavy ball, law", "simulated", "gradient descent"],
        loc="outside lower center", ncols=3,
    )  # fmt: skip


def _tell_escapes(data: Escapes) -> str:
    off = np.nanmax(np.abs(data.measured - data.expected))
    row = len(data.ascent) // 2
    told = "equal to rounding" if off < _ROUNDING else f"off by at most {number(off, 1)}"
    last = data.momentum[-1]
    equal, effective, permitted = data.growth[:, row, -1]
    return (
        "Growth along a direction of curvature −g at a saddle, heavy ball (lines; dots simulated, "
        f"{told}) and gradient descent (dashed), learning rate "
        f"{number(data.learning_rate)}. At equal learning rate momentum 0 < β < 1 leaves faster: "
        "at αg = "
        f"{number(data.learning_rate * data.ascent[row])} and β = {number(last)} by {equal:.3f} "
        "a step "
        f"against {data.plain[row]:.3f}. At equal effective rate α/(1 − β) the same momentum "
        f"leaves more slowly: {effective:.4f}. For negative momentum both are the other way round. "
        "The stiffest direction permits α < 2(1 + β)/h_max; at an equal share of that momentum is "
        f"faster, {permitted:.3f}. "
        "What helps at a saddle is the larger step that momentum permits."
    )


_ROUNDING = 1e-9
"""Smaller deviations are rounding, and differ from machine to machine."""


ESCAPE = Figure(
    slug="saddle-escape",
    title="Leaving a saddle: momentum is faster, unless the steps are made equal",
    source=Citation("oneill2019"),
    claims=(
        "momentum-escapes-saddles-faster-at-equal-step",
        "momentum-escapes-saddles-slower-at-equal-effective-step",
        "momentum-escapes-saddles-faster",
        "larger-momentum-accelerates-the-escape",
        "permitted-steps-leave-sooner-by-the-root-of-the-condition",
    ),
    compute=_escapes,
    draw=_draw_escapes,
    caption=_tell_escapes,
    panels=(1, 3),
    size=(WIDTH, 3.5),
    quick={"steps": 200, "points": 60},
    remark="The comparisons at equal effective rate and at permitted steps are ours.",
)
