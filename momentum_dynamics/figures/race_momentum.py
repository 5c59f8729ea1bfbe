"""The race: the factor of YellowFin, momentum taken away, gradients that are stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.race import how_it_was_run, row_of
from momentum_dynamics.figures.style import COLORS, GRAY, WIDTH
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.results import recorded

__all__: list[str] = []

Array = NDArray[np.float64]
Names = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity:
    """What searches tried, ``(methods, workloads, values)``: value over the best, loss over it."""

    methods: Names
    titles: Names
    workloads: Names
    value: Array
    loss: Array
    untuned: Array
    told: str


def _sensitivity(
    *, methods: Sequence[str] = ("yellowfin-factor", "adam", "momentum"), most: int = 12
) -> Sensitivity:
    results = recorded()
    shape = (len(methods), len(results.workloads), most)
    value, loss = np.full(shape, np.nan), np.full(shape, np.nan)
    for at, method in enumerate(methods):
        for row, name in enumerate(results.workloads):
            values, reached = (each[:most] for each in results.tried(name, method))
            best = results.best(name, method)
            is_factor = method == "yellowfin-factor"
            value[at, row, : len(values)] = values / (1.0 if is_factor else best.setting.value)
            finite = np.where(np.isfinite(reached), reached, np.nan)
            loss[at, row, : len(values)] = finite / best.reached
    untuned = [
        results.best(name, "yellowfin").reached / results.best(name, "yellowfin-factor").reached
        for name in results.workloads
    ]
    return Sensitivity(
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        workloads=np.array(results.workloads),
        value=value,
        loss=loss,
        untuned=np.where(np.isfinite(untuned), untuned, np.nan),
        told=how_it_was_run(results),
    )


def _hues(count: int) -> list[str]:
    return [*COLORS, GRAY][:count]


def _draw_sensitivity(data: Sensitivity, axes: Any) -> None:
    for ax in axes[0, len(data.methods) :]:
        ax.set_axis_off()
    for at, ax in enumerate(axes[0, : len(data.methods)]):
        for row, hue in enumerate(_hues(len(data.workloads))):
            ax.loglog(
                data.value[at, row], data.loss[at, row], "o-", color=hue, markersize=3,
                linewidth=1, label=str(data.workloads[row]),
            )  # fmt: skip
        ax.axhline(1, color=GRAY, linewidth=0.6)
        ax.axvline(1, color=GRAY, linewidth=0.6)
        is_factor = data.methods[at] == "yellowfin-factor"
        ax.set(title=str(data.titles[at]), ylim=(0.8, 3e3))
        ax.set_xlabel("learning-rate factor" if is_factor else "rate over the best one")
    axes[0, 0].set_ylabel("least loss over the best one's")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)


def _tell_sensitivity(data: Sensitivity) -> str:
    rows = ", ".join(
        f"{name} {number(float(ratio), 3)}" if np.isfinite(ratio) else f"{name} diverged"
        for name, ratio in zip(data.workloads, data.untuned, strict=True)
    )
    return (
        "The least smoothed training loss of the mean over seeds, over that of the best setting, "
        "against the factor by which YellowFin's learning rate is multiplied, and against Adam's "
        "and momentum's learning rates over their best ones. Settings in which a run diverged are "
        "missing. What YellowFin loses with factor 1 against its best factor: "
        f"{rows}. {data.told}."
    )


SENSITIVITY = Figure(
    slug="learning-rate-factor",
    title="How much one factor of YellowFin's learning rate matters",
    source=Citation("zhang2017"),
    claims=("yellowfin-with-one-factor-is-as-fast-as-tuned-adam",),
    compute=_sensitivity,
    draw=_draw_sensitivity,
    caption=_tell_sensitivity,
    panels=(1, 3),
    size=(WIDTH, 3.4),
    quick={"methods": ("yellowfin-factor", "adam")},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ablation:
    """With momentum against without, ``(workloads, pairs, 3)``: a value and its interval's ends."""

    workloads: Names
    pairs: Names
    speedup: Array
    loss: Array
    told: str


PAIRS = (
    ("momentum", "momentum-without"),
    ("yellowfin", "yellowfin-without"),
)


def _ablation(*, pairs: Sequence[tuple[str, str]] = PAIRS) -> Ablation:
    results = recorded()

    def table(measure: Any) -> Array:
        return np.array([
            [row_of(measure(name, ours, theirs)) for ours, theirs in pairs]
            for name in results.workloads
        ])  # fmt: skip

    return Ablation(
        workloads=np.array(results.workloads),
        pairs=np.array([
            f"{CONTENDERS[ours].title} over {CONTENDERS[theirs].title}" for ours, theirs in pairs
        ]),
        speedup=table(results.speedup),
        loss=table(results.final_ratio),
        told=how_it_was_run(results),
    )  # fmt: skip


def _draw_ablation(data: Ablation, axes: Any) -> None:
    rows = np.arange(len(data.workloads))
    count = len(data.pairs)
    for ax, values, text in (
        (axes[0, 0], data.speedup, "speedup"),
        (axes[0, 1], data.loss, "ratio of final losses"),
    ):
        ax.axvline(1, color=GRAY, linewidth=0.9)
        for at, hue in zip(range(count), (COLORS[2], COLORS[1]), strict=False):
            middle, low, high = values[:, at].T
            errors = np.maximum([middle - low, high - middle], 0)
            ax.errorbar(
                middle, rows + 0.7 * ((at + 0.5) / count - 0.5), xerr=errors, fmt="o", color=hue,
                markersize=4, elinewidth=1, label=str(data.pairs[at]),
            )  # fmt: skip
        ax.set(xscale="log", xlabel=text, ylim=(len(rows) - 0.5, -0.5))
        ax.xaxis.set_minor_formatter("")
        ax.set_yticks(rows, data.workloads if ax is axes[0, 0] else [""] * len(rows))
    shown = [0.5, 1, 2, 5, 10]
    axes[0, 0].set_xticks(shown, [f"{each:g}" for each in shown])
    axes[0, 1].set_xlim(*np.clip(axes[0, 1].get_xlim(), 1e-9, 1e5))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=1, fontsize=8)


def _tell_ablation(data: Ablation) -> str:
    rows = []
    for at, pair in enumerate(data.pairs):
        values = data.speedup[:, at, 0]
        seen = values[np.isfinite(values)]
        if len(seen):
            rows.append(
                f"{pair}, from {number(float(seen.min()), 3)} to {number(float(seen.max()), 3)}"
            )
    return (
        "Was it the momentum? Momentum β with learning rate α moves as far in the long run as no "
        "momentum with learning rate α/(1 − β): how much faster with momentum than without it, "
        "every one at its best learning rate and YellowFin with α and β as it tunes them. Right: "
        "with over without in final training loss. 95 % of a bootstrap over seeds, and Student's "
        f"of pairs. Runs that diverged are left out. Speedups: {'; '.join(rows)}. {data.told}."
    )


ABLATION = Figure(
    slug="race-without-momentum",
    title="Was it the momentum, or only the larger step?",
    source=Citation(None),
    claims=("momentum-trains-a-quarter-faster-than-as-large-a-step",),
    compute=_ablation,
    draw=_draw_ablation,
    caption=_tell_ablation,
    panels=(1, 2),
    size=(WIDTH, 4.6),
    quick={"pairs": PAIRS[:1]},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class StaleCurves:
    """Means over seeds with stale gradients, ``(orders, workloads, methods, points)``."""

    orders: Names
    workloads: Names
    methods: Names
    titles: Names
    iterations: Array
    mean: Array
    workers: int
    told: str


STALE_METHODS = (
    "momentum", "adam", "yellowfin", "yellowfin-closed", "yellowfin-closed-clipped",
)  # fmt: skip


def _stale(*, methods: Sequence[str] = STALE_METHODS, every: int = 1) -> StaleCurves:
    results = recorded()
    orders = ("round-robin", "queue")
    names = [name for name in results.workloads if results.has(name, methods[0], orders[0])]
    mean = np.array([
        [[results.best(name, each, order).curve.mean(axis=1)[::every] for each in methods]
         for name in names]
        for order in orders
    ])  # fmt: skip
    return StaleCurves(
        orders=np.array(orders),
        workloads=np.array(names),
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        iterations=results.iterations[::every],
        mean=np.where(np.isfinite(mean), mean, np.nan),
        workers=int(results.about["protocol"]["workers"]),
        told=how_it_was_run(results),
    )


def _draw_stale(data: StaleCurves, axes: Any) -> None:
    hues = (COLORS[2], COLORS[0], COLORS[1], COLORS[3], COLORS[6])
    for row, order in enumerate(data.orders):
        for column, ax in enumerate(axes[row]):
            if column >= len(data.workloads):
                ax.set_axis_off()
                continue
            curves = data.mean[row, column]
            for at, hue in zip(range(len(data.methods)), hues, strict=False):
                ax.semilogy(
                    data.iterations, curves[at], color=hue, linewidth=1.2,
                    label=str(data.titles[at]),
                )  # fmt: skip
            ax.set_ylim(0.7 * np.nanmin(curves), 10 * np.nanmin(curves[:, 0]))
            ax.tick_params(labelsize=7, which="both")
            if row == 0:
                ax.set_title(str(data.workloads[column]), fontsize=9)
            if column == 0:
                ax.set_ylabel(f"{order}\ntraining loss", fontsize=9)
            if row == len(data.orders) - 1:
                ax.set_xlabel("step", fontsize=9)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)


def _loss(value: float) -> str:
    return number(float(value), 2) if value < 1e6 else "exploded"


def _tell_stale(data: StaleCurves) -> str:
    rows = []
    names = list(data.methods)
    if {"yellowfin", "yellowfin-closed", "adam"} <= set(names):
        least = np.nan_to_num(data.mean, nan=np.inf).min(axis=-1)
        for order, table in zip(data.orders, least, strict=True):
            told = ", ".join(
                f"{name} {_loss(row[names.index('yellowfin')])} and "
                f"{_loss(row[names.index('yellowfin-closed')])}, Adam "
                f"{_loss(row[names.index('adam')])}"
                for name, row in zip(data.workloads, table, strict=True)
            )
            rows.append(f"{order}: {told}")
    least_told = f" Least losses of YellowFin, open and closed: {'; '.join(rows)}." if rows else ""
    return (
        f"Training loss, the mean over seeds, with {data.workers} workers that write in turn "
        "(top), and that take exponential times (bottom); momentum and Adam tuned for it, "
        "YellowFin with nothing set, and with feedback of gain 0.01 on the total momentum, told "
        f"that gradients are {data.workers - 1} updates old. Curves that leave the "
        f"picture above have exploded.{least_told} {data.told}."
    )


STALE = Figure(
    slug="race-stale",
    title="Sixteen workers: YellowFin open and closed, Adam and momentum tuned",
    source=Citation("zhang2017"),
    claims=("closed-loop-yellowfin-ends-lower-than-the-open-loop",),
    compute=_stale,
    draw=_draw_stale,
    caption=_tell_stale,
    panels=(2, 5),
    size=(WIDTH, 4.4),
    quick={"every": 10},
    remark="Gradients are computed at the parameters that a worker read; the staleness of a queue "
    "is that of simulate_queue. The paper's workers write in turn.",
)
