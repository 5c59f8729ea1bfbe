"""Batch sharpness of a network in training, drawn from runs that were recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.stochastic_edge import (
    bound_settings,
    noise_limit,
    one_mode_limit,
    trained_settings,
)
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, WIDTH
from momentum_dynamics.simulation.edge import EdgeSetting, recorded_edge

__all__: list[str] = []

Array = NDArray[np.float64]

_SHOWN = ((0.8, 0.0), (0.8, 0.5), (0.4, 0.9), (0.08, 0.0))
"""Learning rates and momenta of the curves; the last one is far from its limit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StochasticEdge:
    """Curves ``(shown, times)`` of one batch size, and late values of all trainings ``(runs,)``.

    Bands are standard errors over seeds; limits are those of one direction.
    """

    batch: int
    shown_rate: Array
    shown_momentum: Array
    shown_limit: Array
    shown_noise_limit: Array
    step: NDArray[np.int64]
    batch_sharpness: Array
    batch_sharpness_error: Array
    sharpness: Array
    sharpness_error: Array
    kinds: tuple[str, ...]
    momentum: Array
    batch_size: NDArray[np.int64]
    is_bound: NDArray[np.int64]
    late: Array
    late_error: Array
    limit: Array
    noise_limit: Array
    seeds: int
    diverged: int
    weights: int


def _curves(measure: str, settings: list[EdgeSetting]) -> tuple[Array, Array]:
    """Means and standard errors over the seeds that came to the end ``(settings, times)``."""
    results = recorded_edge("small batches")
    found = np.array([getattr(results, measure)[results.index(each)] for each in settings])
    ended = np.isfinite(found[:, -1:])
    kept = np.where(ended, found, np.nan)
    count = ended.sum(axis=-1)
    return np.nanmean(kept, axis=-1), np.nanstd(kept, axis=-1, ddof=1) / np.sqrt(count)


def _stochastic_edge(*, batch: int = 16) -> StochasticEdge:
    results = recorded_edge("small batches")
    shown = [EdgeSetting("heavy-ball", rate, momentum, batch) for rate, momentum in _SHOWN]
    known = trained_settings()
    # Batches of a size that was not run are refused by name, what diverged is left out.
    shown = [each for each in shown if results.settings[results.index(each)] in known]
    settings = known + trained_settings("nesterov")
    late = [results.plateau("batch_sharpness", each) for each in settings]
    bound = bound_settings()
    curves, curve_errors = _curves("batch_sharpness", shown)
    sharpness, sharpness_errors = _curves("sharpness", shown)
    return StochasticEdge(
        batch=batch,
        shown_rate=np.array([each.learning_rate for each in shown]),
        shown_momentum=np.array([each.momentum for each in shown]),
        shown_limit=np.array([np.nanmean(one_mode_limit(each)) for each in shown]),
        shown_noise_limit=np.array([noise_limit(each) for each in shown]),
        step=results.steps,
        batch_sharpness=curves,
        batch_sharpness_error=curve_errors,
        sharpness=sharpness,
        sharpness_error=sharpness_errors,
        kinds=tuple(each.kind for each in settings),
        momentum=np.array([each.momentum for each in settings]),
        batch_size=np.array([each.batch_size for each in settings]),
        is_bound=np.array([int(each in bound) for each in settings]),
        late=np.array([each.value for each in late]),
        late_error=np.array([each.error for each in late]),
        limit=np.array([np.nanmean(one_mode_limit(each)) for each in settings]),
        noise_limit=np.array([noise_limit(each) for each in settings]),
        seeds=results.seeds,
        diverged=len(results.settings) - len(settings),
        weights=results.network.dimension,
    )


_COLORS = {0.0: COLORS[6], 0.5: COLORS[0], 0.9: COLORS[1]}
_SHAPES = {4: "o", 16: "s", 64: "^"}


def _draw_stochastic_edge(data: StochasticEdge, axes: Any) -> None:
    for ax, curves, errors in (
        (axes[0, 0], data.batch_sharpness, data.batch_sharpness_error),
        (axes[0, 1], data.sharpness, data.sharpness_error),
    ):
        for rate, momentum, mean, error in zip(
            data.shown_rate, data.shown_momentum, curves, errors, strict=True
        ):
            is_free = rate == _SHOWN[-1][0]
            color = GRAY if is_free else _COLORS[float(momentum)]
            ax.fill_between(data.step, mean - error, mean + error, color=color, alpha=0.25,
                            linewidth=0)  # fmt: skip
            ax.plot(data.step, mean, color=color, linewidth=1.3,
                    label=f"$\\beta = {momentum:g}$, $\\alpha = {rate:g}$")  # fmt: skip
        ax.set(xlabel="step", xlim=(0, data.step[-1]))
    left = axes[0, 0]
    for rate, momentum, limit, noise in zip(
        data.shown_rate, data.shown_momentum, data.shown_limit, data.shown_noise_limit, strict=True
    ):
        if rate != _SHOWN[-1][0]:
            color = _COLORS[float(momentum)]
            left.plot(data.step[[-8, -1]], [limit, limit], "--", color=color, linewidth=1.6)
            left.axhline(noise, color=color, linestyle=":", linewidth=1)
    left.set_ylabel("batch sharpness")
    left.set_title(f"batches of {data.batch}", fontsize=10)
    axes[0, 1].set_ylabel("sharpness, all samples")
    axes[0, 1].legend(fontsize=7.5, loc="upper left")
    axes[0, 1].set_ylim(1, 1.35 * float(np.nanmax(data.sharpness)))
    for ax, limits, name in (
        (axes[1, 0], data.noise_limit, "noise limit $2(1-\\beta)/\\alpha$"),
        (axes[1, 1], data.limit, "limit of one direction"),
    ):
        ends = np.array([0.4, 40.0])
        ax.loglog(ends, ends, color=GRAY, linewidth=1.2, zorder=1)
        for row, kind in enumerate(data.kinds):
            color = _COLORS[float(data.momentum[row])]
            ax.errorbar(
                limits[row], data.late[row], yerr=data.late_error[row], linewidth=1.2,
                fmt=_SHAPES[int(data.batch_size[row])], color=color, markersize=5.5,
                markerfacecolor=color if data.is_bound[row] else "white",
                alpha=0.45 if kind == "nesterov" else 1,
            )  # fmt: skip
        ax.set(xlabel=name, xlim=ends, ylim=(1.2, 7))
        ax.set_yticks([2, 3, 4, 6], ["2", "3", "4", "6"])
        ax.set_xticks([0.5, 1, 2, 5, 10, 25], ["0.5", "1", "2", "5", "10", "25"])
        ax.minorticks_off()
    axes[1, 0].set_ylabel("late batch sharpness")
    for size, shape in _SHAPES.items():
        axes[1, 0].plot([], [], shape, color=GRAY, markerfacecolor="white", label=f"by {size}")
    axes[1, 0].plot([], [], "o", color=GRAY, label="step binds")
    axes[1, 0].legend(fontsize=7.5, loc="lower right")


def _tell_stochastic_edge(data: StochasticEdge) -> str:
    bound = (data.late / data.limit)[data.is_bound == 1]
    with_momentum = (data.momentum > 0) & np.array([kind == "heavy-ball" for kind in data.kinds])
    beyond = (data.late / data.noise_limit)[with_momentum]
    return (
        f"A tanh network with {data.weights:,} weights on 200 digits, trained by small batches; "
        f"means and standard errors over up to {data.seeds} seeds of weights and batches. Top: "
        "batch sharpness E gᵀHg/E|g|², and the largest curvature of the loss on all samples. "
        "Dotted is 2(1 − β)/α, dashed the limit for one direction, 2(1 − β)/α + 2βh/(1 + β), at "
        "the late mean curvature h along gradients; gray is far from its limit. Bottom: means over "
        f"the last quarter of {len(data.late)} trainings, Nesterov's method pale, against both "
        f"limits; {data.diverged} others, by batches of 4, diverged. Filled: a smaller step is "
        f"sharper, so the step binds; these stop at {bound.min():.2f} to {bound.max():.2f} of the "
        "limit of one direction. With momentum heavy ball always passes 2(1 − β)/α, "
        f"{number(float(beyond.min()), 2)} to {number(float(beyond.max()), 2)} times, for its mean "
        "curvature is not small beside the noise. Late values still rise by some per cent a "
        "quarter."
    )


STOCHASTIC_EDGE = Figure(
    slug="edge-of-stochastic-stability",
    title="By small batches sharpness stops where one direction would, beyond 2(1 − β)/α",
    source=Citation("andreyev2026"),
    claims=(
        "batch-sharpness-stops-at-the-noise-limit",
        "batch-sharpness-stops-at-the-limit-of-one-direction",
        "smaller-batches-keep-a-network-flatter",
        "recorded-sharpness-is-measured-again",
    ),
    compute=_stochastic_edge,
    draw=_draw_stochastic_edge,
    caption=_tell_stochastic_edge,
    panels=(2, 2),
    size=(WIDTH, 6.0),
    quick={"batch": 64},
    remark="The source's networks are larger. Drawn from recorded runs, ten minutes on two "
    "processors: reproduce --full makes them anew.",
)
