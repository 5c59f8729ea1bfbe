"""Rates on real data: what the spectrum predicts, and what a run on the data measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.analysis import analyze
from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.problems import LeastSquares, Ridge, named_data
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DataRates:
    """Rates ``(data sets, methods)``; paths ``(methods, steps + 1)`` on the first data set."""

    names: NDArray[np.str_]
    ridge: Array
    condition_number: Array
    plain_condition_number: Array
    methods: NDArray[np.str_]
    predicted: Array
    expected: Array
    measured: Array
    uncertainty: Array
    paths: Array


_SHOWN = ("gradient descent", "Nesterov", "triple momentum", "heavy ball", "Chebyshev")


def _data_rates(
    *,
    names: Sequence[str] = ("diabetes", "wine", "breast-cancer"),
    ridge: Sequence[float] = (0.0, 0.0, 0.01),
    steps: int = 400,
) -> DataRates:
    if len(names) != len(ridge):
        raise ShapeError(
            f"names has {len(names)} entries and ridge {len(ridge)}; give one ridge for each "
            "data set, 0 for none."
        )
    tables = [
        analyze(named_data(name), ridge=float(amount))
        for name, amount in zip(names, ridge, strict=True)
    ]
    rows = [{row.name: row for row in table.rows} for table in tables]

    def column(field: str) -> Array:
        return np.array(
            [[getattr(table[name], field) for name in _SHOWN] for table in rows], dtype=float
        )

    loaded = [named_data(name) for name in names]
    problem = Ridge(loaded[0].X, loaded[0].y, ridge=float(ridge[0]))
    plain = [LeastSquares(each.X, each.y).spectrum() for each in loaded]
    paths = []
    for name in _SHOWN:
        row = rows[0][name]
        method = tune(
            row.kind, objective=row.objective, smallest_curvature=tables[0].smallest_curvature,
            largest_curvature=tables[0].largest_curvature,
        )  # fmt: skip
        distance = simulate(method, problem, steps=steps, engine="direct").distance
        paths.append(distance / distance[0])
    return DataRates(
        names=np.array(list(names)),
        ridge=np.asarray(ridge, dtype=float),
        condition_number=np.array([table.condition_number for table in tables]),
        plain_condition_number=np.array([curvatures[-1] / curvatures[0] for curvatures in plain]),
        methods=np.array(_SHOWN),
        predicted=column("predicted"),
        expected=column("expected"),
        measured=column("measured"),
        uncertainty=column("uncertainty"),
        paths=np.array(paths),
    )


_PALETTE = (COLORS[6], COLORS[2], COLORS[4], COLORS[0], COLORS[1])
_MARKERS = "osD"


def _draw_data_rates(data: DataRates, axes: Any) -> None:
    left, right = axes[0]
    low = 0.6 * (1 - data.predicted).min()
    high = 1.6 * (1 - data.predicted).max()
    left.plot([low, high], [low, high], color=GRAY, linewidth=1.2, zorder=1)
    for row, name in enumerate(data.names):
        for place, color in enumerate(_PALETTE):
            left.errorbar(
                1 - data.predicted[row, place], 1 - data.measured[row, place],
                data.uncertainty[row, place], fmt=_MARKERS[row % len(_MARKERS)], color=color,
                markerfacecolor="white", markersize=6.5, markeredgewidth=1.5,
            )  # fmt: skip
        left.plot(
            [], [], _MARKERS[row % len(_MARKERS)], color="#555555", markerfacecolor="white",
            label=name + (f", ridge {data.ridge[row]:g}" if data.ridge[row] else ""),
        )  # fmt: skip
    left.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    left.set(xlabel="predicted, one minus the rate", ylabel="measured, one minus the rate")
    left.legend(loc="upper left", fontsize=8.5)
    time = np.arange(data.paths.shape[1])
    for path, name, rate, color in zip(
        data.paths, data.methods, data.predicted[0], _PALETTE, strict=True
    ):
        right.semilogy(time, path, color=color, label=name)
        late = time[len(time) // 2 :]
        shown = late[path[late] > _FLOOR]
        if len(shown) < 2:
            shown = time[path > _FLOOR][-len(time) // 4 :]
        level = np.log(path[shown]).mean() - np.log(rate) * shown.mean()
        right.semilogy(
            shown, np.exp(level + np.log(rate) * shown), ":", color=INK, lw=1.4, zorder=4
        )
    right.semilogy([], [], ":", color=INK, linewidth=1.4, label="predicted slope")
    right.set(xlim=(0, time[-1]), ylim=(1e-13, 30), xlabel="gradients")
    right.set_ylabel("distance from the solution")
    right.set_title(f"runs on {data.names[0]}")
    right.legend(loc="lower left", fontsize=8)


_FLOOR = 1e-12
"""Below this share of the first distance rounding has its say."""


def _tell_data_rates(data: DataRates) -> str:
    sets = ", ".join(
        f"{name} (κ = {kappa:,.0f}"
        + (f" with ridge {number(ridge)}; {plain:,.0f} without)" if ridge else ")")
        for name, kappa, plain, ridge in zip(
            data.names, data.condition_number, data.plain_condition_number, data.ridge, strict=True
        )
    )
    gap = np.abs(data.measured - data.predicted)
    exact = np.nanmax(np.abs(data.measured - data.expected))
    within = int(np.sum(gap <= data.uncertainty))
    shown = ", ".join(str(name) for name in data.methods)
    return (
        f"Least squares on {len(data.names)} real data sets, standardized: {sets}. The rate that "
        f"the spectrum predicts for tuned methods ({shown}) against the rate measured on the data, "
        "as one minus the rate, with how far the measured window may be from the long run: "
        f"{within} of {gap.size} agree within it. Predicted for the very steps that were read, "
        f"rates agree to {number(exact, 1)}. Right: the runs on the first data set, with the "
        "predicted slopes."
    )


REAL_DATA = Figure(
    slug="rates-on-real-data",
    title="The spectrum of real data predicts how fast each method runs on them",
    source=Citation(None),
    claims=("rates-hold-on-real-data", "optimal-heavy-ball"),
    compute=_data_rates,
    draw=_draw_data_rates,
    caption=_tell_data_rates,
    panels=(1, 2),
    size=(WIDTH, 3.7),
    quick={"names": ("diabetes", "wine"), "ridge": (0.1, 0.0), "steps": 150},
    remark="Data that scikit-learn ships; the methods and their tuning are the papers'. The claim "
    "also runs Nesterov's standard parameters and the robust momentum method.",
)
