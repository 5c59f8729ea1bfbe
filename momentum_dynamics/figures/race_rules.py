"""The race of rules: YellowFin's and ours, with fresh gradients and with stale ones."""

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

RULES = (
    "yellowfin-paper", "equivariant", "equivariant-products", "true-floor", "true-floor-products",
    "true-floor-horizon",
)  # fmt: skip
STALE_RULES = ("yellowfin", "equivariant-products", "true-floor-products", "queue-rule")
_HUES = {
    "yellowfin-paper": COLORS[1], "yellowfin": COLORS[1], "equivariant": "#c5a3e0",
    "equivariant-products": "#7a3db8", "true-floor": "#9ccbe5", "true-floor-products": COLORS[0],
    "true-floor-horizon": "#08306b", "queue-rule": COLORS[2],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class RulesRaced:
    """Against tuned Adam, ``(panels, workloads, methods, 3)``: a value and its interval's ends."""

    panels: Names
    workloads: Names
    methods: Names
    titles: Names
    against: Array
    told: str


def _rules(*, methods: Sequence[str] = RULES) -> RulesRaced:
    results = recorded()
    measures: Any = (results.speedup, results.final_ratio)
    return RulesRaced(
        panels=np.array(["speedup over Adam", "final loss over Adam's"]),
        workloads=np.array(results.workloads),
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        against=np.array([
            [[row_of(measure(name, each)) for each in methods] for name in results.workloads]
            for measure in measures
        ]),
        told=how_it_was_run(results),
    )  # fmt: skip


def _stale_rules(*, methods: Sequence[str] = STALE_RULES) -> RulesRaced:
    results = recorded()
    names = results.about["protocol"]["stale_workloads"]
    orders = ("round-robin", "queue")
    workers = results.about["protocol"]["workers"]
    return RulesRaced(
        panels=np.array([
            f"final loss over Adam's, {workers} in turn",
            f"final loss over Adam's, {workers} in a queue",
        ]),
        workloads=np.array(names),
        methods=np.array(list(methods)),
        titles=np.array([CONTENDERS[name].title for name in methods]),
        against=np.array([
            [
                [row_of(results.final_ratio(name, each, order=order)) for each in methods]
                for name in names
            ]
            for order in orders
        ]),
        told=how_it_was_run(results),
    )  # fmt: skip


def _draw(data: RulesRaced, axes: Any) -> None:
    rows, count = np.arange(len(data.workloads)), len(data.methods)
    for ax, values, text in zip(axes[0], data.against, data.panels, strict=True):
        ax.axvline(1, color=GRAY, linewidth=0.9)
        for at, name in enumerate(data.methods):
            middle, low, high = values[:, at].T
            ax.errorbar(
                middle, rows + 0.8 * ((at + 0.5) / count - 0.5),
                xerr=np.maximum([middle - low, high - middle], 0), fmt="o",
                color=_HUES[str(name)], markersize=4, elinewidth=1, label=str(data.titles[at]),
            )  # fmt: skip
        ax.set(xscale="log", ylim=(len(rows) - 0.5, -0.5))
        ax.set_xlabel(str(text), fontsize=9)
        ax.xaxis.set_minor_formatter("")
        ax.set_xlim(*np.clip(ax.get_xlim(), 1e-6, 1e6))
        ax.set_yticks(rows, data.workloads if ax is axes[0, 0] else [""] * len(rows))
        ax.tick_params(labelsize=8)
        for edge in rows[:-1] + 0.5:
            ax.axhline(edge, color=GRAY, linewidth=0.3)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)


def _middle(values: Array) -> str:
    """The median over workloads; a run that diverged counts as the worst there is."""
    seen = np.median(np.where(np.isfinite(values), values, np.inf))
    return number(float(seen), 2) if np.isfinite(seen) else "diverged"


def _tell(data: RulesRaced) -> str:
    rows = "; ".join(
        f"{panel}: "
        + ", ".join(
            f"{_middle(values[:, at, 0])} ({title})" for at, title in enumerate(data.titles)
        )
        for panel, values in zip(data.panels, data.against, strict=True)
    )
    return (
        "Rules that set learning rate and momentum by themselves, against Adam at its best "
        "learning rate for the same gradients. Speedups with 95 % of a bootstrap over seeds, "
        "ratios of final losses as geometric means with Student's 95 % of pairs; what diverged is "
        f"left out. Medians over workloads, {rows}. {data.told}."
    )


FRESH = Figure(
    slug="race-of-rules",
    title="The same measurements, another rule: YellowFin's and ours",
    source=Citation(None),
    claims=(
        "curvature-from-products-ends-lower-than-yellowfin",
        "the-true-floor-ends-lower-than-its-stand-in",
    ),
    compute=_rules,
    draw=_draw,
    caption=_tell,
    panels=(1, 2),
    size=(WIDTH, 5.6),
    quick={"methods": RULES[1:3]},
)

STALE = Figure(
    slug="race-of-rules-stale",
    title="Sixteen workers: rules that know of them, and rules that do not",
    source=Citation(None),
    claims=("a-rule-that-knows-the-workers-ends-lower-than-yellowfin",),
    compute=_stale_rules,
    draw=_draw,
    caption=_tell,
    panels=(1, 2),
    size=(WIDTH, 4.4),
    quick={"methods": STALE_RULES[1:3]},
)
