"""The race of optimizers on real data: curves, who was faster, who ended lower."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, WIDTH
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.protocol import Protocol, race
from momentum_dynamics.training.results import Results, recorded, summarize
from momentum_dynamics.training.store import Store
from momentum_dynamics.training.workloads import WORKLOADS

__all__ = ["how_it_was_run", "row_of"]

Array = NDArray[np.float64]
Names = NDArray[np.str_]

SHOWN = (
    "momentum", "adam", "rmsprop", "yellowfin", "yellowfin-paper", "yellowfin-factor",
    "equivariant",
)  # fmt: skip
RIVALS = (
    "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "yellowfin", "yellowfin-paper",
    "yellowfin-factor", "equivariant",
)  # fmt: skip
_HUES = {
    "sgd": COLORS[5], "momentum": COLORS[2], "nesterov": COLORS[4], "adagrad": GRAY,
    "rmsprop": COLORS[3], "adam": COLORS[0], "yellowfin": COLORS[1], "yellowfin-factor": COLORS[6],
    "yellowfin-paper": "#8c2d04", "equivariant": "#7a3db8",
}  # fmt: skip


def how_it_was_run(results: Results) -> str:
    """Steps, seeds, grid and versions of a race, in a sentence."""
    versions = results.about["versions"]
    with_what = ", ".join(f"{name} {versions[name]}" for name in ("autograd", "numpy", "python"))
    return (
        f"{results.steps:,} steps, {len(results.seeds)} seeds with the same initial parameters and "
        f"batches for all; learning rates by decades until the best one is inside; losses smoothed "
        f"over {results.window} steps. Recorded with {with_what}"
    )


def row_of(interval: Sequence[float]) -> list[float]:
    """An interval's three numbers, NaN where one is not finite."""
    return [each if np.isfinite(each) else np.nan for each in interval]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Means and extremes over seeds, ``(workloads, methods, points)``, at some iterations."""

    workloads: Names
    methods: Names
    titles: Names
    values: Array
    iterations: Array
    mean: Array
    low: Array
    high: Array
    told: str


def _curves(*, methods: Sequence[str] = SHOWN, every: int = 1) -> Curves:
    results = recorded()
    found = [[results.best(name, each) for each in methods] for name in results.workloads]
    curves = np.array([[each.curve[::every] for each in row] for row in found])
    curves = np.where(np.isfinite(curves), curves, np.nan)
    return Curves(
        workloads=np.array(results.workloads),
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        values=np.array([[each.setting.value for each in row] for row in found]),
        iterations=results.iterations[::every],
        mean=curves.mean(axis=-1),
        low=curves.min(axis=-1),
        high=curves.max(axis=-1),
        told=how_it_was_run(results),
    )


def _draw_curves(data: Curves, axes: Any) -> None:
    for index, ax in enumerate(axes.flat):
        if index >= len(data.workloads):
            ax.set_axis_off()
            continue
        for at, name in enumerate(data.methods):
            hue = _HUES[str(name)]
            ax.plot(
                data.iterations, data.mean[index, at], color=hue, linewidth=1.2,
                label=str(data.titles[at]),
            )  # fmt: skip
            ax.fill_between(
                data.iterations, data.low[index, at], data.high[index, at], color=hue, alpha=0.15,
                linewidth=0,
            )  # fmt: skip
        ax.set(title=str(data.workloads[index]), yscale="log")
        # What explodes leaves the picture.
        ax.set_ylim(top=min(ax.get_ylim()[1], 30 * np.nanmedian(data.mean[index, :, 0])))
        ax.title.set_fontsize(9)
        ax.tick_params(labelsize=7, which="both")
    for ax in axes[-1]:
        ax.set_xlabel("step", fontsize=9)
    for ax in axes[:, 0]:
        ax.set_ylabel("training loss", fontsize=9)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)


def _tell_curves(data: Curves) -> str:
    untuned = {item.title for item in CONTENDERS.values() if len(item.values) == 1}
    rates = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{title} {number(float(value), 2)}"
            for title, value in zip(data.titles, row, strict=True)
            if title not in untuned
        )
        for name, row in zip(data.workloads, data.values, strict=True)
    )
    return (
        "Training loss of each optimizer at its best setting, tuners with nothing set: mean "
        f"over seeds, and from the least to the largest. {data.told}. Best learning rates, and "
        f"factor of YellowFin's: {rates}."
    )


CURVES = Figure(
    slug="race-curves",
    title="Training curves on eight small workloads, everything tuned but YellowFin",
    source=Citation("zhang2017"),
    claims=("untuned-yellowfin-is-faster-than-tuned-adam",),
    compute=_curves,
    draw=_draw_curves,
    caption=_tell_curves,
    panels=(2, 4),
    size=(WIDTH, 4.6),
    quick={"every": 10},
    remark="The paper has ResNets and LSTMs on data that need a download and a graphics card; "
    "these are small substitutes. Drawn from recorded runs; reproduce --full makes them anew.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Against tuned Adam, ``(workloads, methods, 3)``: a value and the ends of its interval."""

    workloads: Names
    methods: Names
    titles: Names
    speedup: Array
    loss: Array
    accuracy: Array
    told: str


def _scores(*, methods: Sequence[str] = RIVALS) -> Scores:
    results = recorded()
    return _scored(results, results.workloads, methods)


def _scored(results: Results, workloads: Sequence[str], methods: Sequence[str]) -> Scores:
    def table(measure: Any) -> Array:
        return np.array([[row_of(measure(name, each)) for each in methods] for name in workloads])

    return Scores(
        workloads=np.array(list(workloads)),
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        speedup=table(results.speedup),
        loss=table(results.final_ratio),
        accuracy=table(results.accuracy_gain),
        told=how_it_was_run(results),
    )


def _draw_scores(data: Scores, axes: Any) -> None:
    parts = (
        (data.speedup, "speedup over Adam", "log"),
        (data.loss, "final loss over Adam's", "log"),
        (100 * data.accuracy, "accuracy minus Adam's, %", "symlog"),
    )
    rows = np.arange(len(data.workloads))
    count = len(data.methods)
    for ax, (values, text, scale) in zip(axes[0], parts, strict=True):
        ax.axvline(1 if scale == "log" else 0, color=COLORS[0], linewidth=0.9)
        for at, name in enumerate(data.methods):
            middle, low, high = values[:, at].T
            place = rows + 0.8 * ((at + 0.5) / count - 0.5)
            errors = np.maximum([middle - low, high - middle], 0)
            ax.errorbar(
                middle, place, xerr=errors, fmt="o", markersize=3.2, color=_HUES[str(name)],
                elinewidth=0.9, label=str(data.titles[at]),
            )  # fmt: skip
        ax.set_xscale(scale, **({"linthresh": 5} if scale == "symlog" else {}))
        ax.xaxis.set_minor_formatter("")
        ax.set_xlabel(text, fontsize=9)
        ax.set_yticks(rows, data.workloads if ax is axes[0, 0] else [""] * len(rows))
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.tick_params(labelsize=8)
        for edge in rows[:-1] + 0.5:
            ax.axhline(edge, color=GRAY, linewidth=0.3)
    low, high = axes[0, 2].get_xlim()
    axes[0, 2].set_xticks([each for each in (-50, -10, 0, 10) if low <= each <= high])
    axes[0, 2].xaxis.set_major_formatter("{x:g}")
    shown = [0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    axes[0, 0].set_xticks(shown, [f"{each:g}" for each in shown])
    axes[0, 1].set_xlim(*np.clip(axes[0, 1].get_xlim(), 1e-9, 1e5))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)


def _tell_scores(data: Scores) -> str:
    at = list(data.methods).index("yellowfin") if "yellowfin" in data.methods else 0
    rows = "; ".join(
        f"{name} {number(float(fast), 3)} and {number(float(low), 3)}"
        for name, fast, low in zip(
            data.workloads, data.speedup[:, at, 0], data.loss[:, at, 0], strict=True
        )
        if np.isfinite(fast) and np.isfinite(low)
    )
    return (
        "Every optimizer at its best setting against Adam at its own. Left: the speedup of the "
        "paper, iterations of Adam over its own to the higher of both least losses, with 95 % of a "
        "bootstrap over seeds. Middle: final loss on all training data over Adam's, geometric mean "
        "and Student's 95 % of pairs. Right: test accuracy, where there is one, linear "
        "up to 5 % and logarithmic beyond. Runs that diverged are left out. Speedup and ratio of "
        f"losses of {data.titles[at]}: {rows}. {data.told}."
    )


SCORES = Figure(
    slug="race-scores",
    title="Faster, and lower? Two answers to one question",
    source=Citation("zhang2017"),
    claims=(
        "untuned-yellowfin-is-faster-than-tuned-adam",
        "who-is-faster-by-the-speedup-ends-lower",
    ),
    compute=_scores,
    draw=_draw_scores,
    caption=_tell_scores,
    panels=(1, 3),
    size=(WIDTH, 6.4),
    quick={"methods": ("momentum", "yellowfin")},
    remark="The paper's table has the speedup alone.",
)


def _rerun(
    *,
    workloads: Sequence[str] = ("wine-softmax", "cancer-mlp", "digits-mlp", "digits-factors"),
    contenders: Sequence[str] = ("sgd", "momentum", "adam", "yellowfin"),
    steps: int = 400,
    seeds: Sequence[int] = (0, 1, 2),
    window: int = 20,
) -> Scores:
    protocol = Protocol(
        workloads=tuple(workloads), contenders=tuple(contenders), steps=int(steps),
        seeds=tuple(seeds), window=int(window), stride=max(window // 4, 1), orders=("fresh",),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = race(protocol, Store(Path(folder) / "runs.jsonl", protocol.common))
    results = summarize(protocol, found)
    scores = _scored(results, workloads, [name for name in contenders if name != "adam"])
    grid = "; ".join(
        f"{CONTENDERS[name].title} {number(min(values), 2)} to {number(max(values), 2)}"
        for name in contenders
        if len(values := {each.value for each in results.settings if each.optimizer == name}) > 1
    )
    told = (
        f"{steps} steps, seeds {', '.join(map(str, seeds))}; learning rates by decades, on some "
        f"workload from and to: {grid}; losses smoothed over {window} steps"
    )
    return Scores(**{**vars(scores), "told": told})


def _draw_rerun(data: Scores, axes: Any) -> None:
    _draw_scores(data, axes)
    words = data.told.split("; ")
    head = "; ".join(words[:1] + words[-1:]) + "\n" + "; ".join(words[1:-1])
    axes[0, 0].figure.suptitle(head, fontsize=7.5)


RERUN = Figure(
    slug="race-rerun",
    title="The race in small, run now",
    source=Citation("zhang2017"),
    claims=("recorded-runs-run-again",),
    compute=_rerun,
    draw=_draw_rerun,
    caption=_tell_scores,
    panels=(1, 3),
    size=(WIDTH, 4.0),
    quick={
        "workloads": WORKLOADS[:1],
        "contenders": ("adam", "momentum"),
        "steps": 30,
        "seeds": (0, 1),
        "window": 4,
    },
    remark="A few hundred steps of a few workloads, at each reproduction; the recorded race has "
    "all of it.",
)
