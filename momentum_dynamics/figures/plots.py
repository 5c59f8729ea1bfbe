"""`plot(result)`: a sensible picture of any result object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from momentum_dynamics.analysis import Analysis
from momentum_dynamics.delays import GeometricDelay
from momentum_dynamics.dynamics.escape import ExitTime
from momentum_dynamics.dynamics.escape_modes import SaddleExit
from momentum_dynamics.dynamics.moments import Moments
from momentum_dynamics.dynamics.risk import RidgePath, RiskPath
from momentum_dynamics.dynamics.transients import Pseudospectrum
from momentum_dynamics.errors import NotTraceableError
from momentum_dynamics.figures.style import COLORS, GRAY, INK, label, new_figure, shades, styled
from momentum_dynamics.simulation import EnsembleMoments, QueueRun, StaleRun, Trajectory
from momentum_dynamics.tuning import ClosedLoopRun

__all__ = ["draw_pseudospectrum", "plot"]

_MANY = 8


def plot(result: Any, ax: Any = None) -> Any:
    """Draw a trajectory, moments, staleness, a closed loop, an exit time, an analysis and others.

    Parameters
    ----------
    result : Trajectory, EnsembleMoments, Moments, QueueRun, StaleRun, ClosedLoopRun, ExitTime,
        SaddleExit, Analysis, Pseudospectrum, RiskPath or RidgePath
        Of a `QueueRun` or `StaleRun` the histogram of staleness is drawn; its `moments`, where it
        has them, are drawn by themselves.
    ax : matplotlib Axes, optional
        Where to draw; a new figure in the house style by default.

    Returns
    -------
    Axes

    Raises
    ------
    NotTraceableError
        If there is no picture for this kind of object.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, Quadratic, simulate
    >>> ax = plot(simulate(GradientDescent(learning_rate=0.1), Quadratic([1.0, 5.0]), steps=20))
    >>> ax.get_xlabel()
    'step $t$'
    """
    draw = next((function for kind, function in _DRAWERS.items() if isinstance(result, kind)), None)
    if draw is None:
        known = ", ".join(kind.__name__ for kind in _DRAWERS)
        raise NotTraceableError(
            f"There is no picture of a {type(result).__name__}; plot draws {known}."
        )
    with styled():
        if ax is None:
            _, axes = new_figure((1, 1), (6.4, 4.0))
            ax = axes[0, 0]
        draw(result, ax)
    return ax


def _draw_trajectory(result: Trajectory, ax: Any) -> None:
    distance = result.distance.reshape(len(result.points), -1)
    shown = distance[:, :_MANY]
    ax.set_yscale("log")
    ax.plot(np.where((shown > 0) & np.isfinite(shown), shown, np.nan))
    ax.set_xlabel(label("step"))
    ax.set_ylabel("distance from the solution")
    if distance.shape[1] > _MANY:
        ax.set_title(f"the first {_MANY} of {distance.shape[1]} runs")


def _draw_moments(result: Moments | EnsembleMoments, ax: Any) -> None:
    steps = np.arange(len(result.mean))
    mean = result.mean.reshape(len(steps), -1)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(np.maximum(result.variance, 0)).reshape(len(steps), -1)
    for index in range(min(mean.shape[1], _MANY)):
        (line,) = ax.plot(steps, mean[:, index], label=f"direction {index + 1}")
        ax.fill_between(
            steps,
            mean[:, index] - spread[:, index],
            mean[:, index] + spread[:, index],
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    ax.set_xlabel(label("step"))
    ax.set_ylabel("displacement: mean and one standard deviation")
    if mean.shape[1] > 1:
        ax.legend()
    if mean.shape[1] > _MANY:
        ax.set_title(f"the first {_MANY} of {mean.shape[1]} modes")


def _draw_staleness(result: QueueRun | StaleRun, ax: Any) -> None:
    """Shares of each staleness, up to where one in a thousand is left, over the geometric law."""
    shares = result.histogram / max(1, result.histogram.sum())
    beyond = 1 - np.cumsum(shares)
    shown = min(len(shares), 1 + int(np.argmax(np.append(beyond, 0) < _RARE)))
    # Bars of one staleness each, or of several where there would be too many to see.
    width = max(1, -(-shown // _BARS))
    ages = np.arange(0, shown, width)
    law = GeometricDelay(workers=1 + result.mean_staleness).probabilities(width * len(ages))
    binned = np.pad(shares[: width * len(ages)], (0, max(0, len(law) - len(shares))))
    middle = ages + (width - 1) / 2
    ax.bar(
        middle, binned.reshape(-1, width).mean(axis=1), width=0.9 * width, color=COLORS[0],
        alpha=0.45, label="measured",
    )  # fmt: skip
    ax.plot(
        middle, law.reshape(-1, width).mean(axis=1), "o-", color=INK, markersize=2.5, linewidth=1,
        label="geometric law of this mean",
    )  # fmt: skip
    ax.set_xlabel(label("staleness"))
    ax.set_ylabel("share of updates")
    ax.set_title(f"mean staleness {result.mean_staleness:.4g}")
    ax.legend(loc="upper right")


_RARE, _BARS = 1e-3, 160


def _draw_closed_loop(result: ClosedLoopRun, ax: Any) -> None:
    """What is read, what is set and what is wanted, of the first replica."""
    time = np.arange(len(result.momentum))
    series = (
        ("total momentum, as read", result.reading, COLORS[5], "-", 0.8),
        ("explicit momentum", result.momentum, COLORS[1], "-", 1.8),
        ("target", result.target, INK, "--", 1.2),
    )
    for name, values, color, style, width in series:
        first = values.reshape(len(values), -1)[:, 0]
        ax.plot(
            time[: len(first)], np.where(np.abs(first) < _FAR, first, np.nan), style, color=color,
            linewidth=width, label=name,
        )  # fmt: skip
    settled = result.momentum.reshape(len(time), -1)[:, 0]
    low, high = np.nanmin([settled.min(), result.target.min(), 0.0]), 1.0
    ax.axhline(0, color=GRAY, linewidth=0.8)
    ax.set(ylim=(max(low, -_FAR) - 0.1, high + 0.05), xlabel="update", ylabel="momentum")
    ax.legend(loc="upper right")
    if result.momentum[0].size > 1:
        ax.set_title(f"the first of {result.momentum[0].size} runs")


_FAR = 2.0
"""A ratio wanders through infinity where a mode oscillates; beyond this nothing is drawn."""


def _draw_analysis(result: Analysis, ax: Any) -> None:
    place = np.arange(len(result.rows))
    predicted = 1 - np.array([row.predicted for row in result.rows])
    measured = 1 - np.array([row.measured for row in result.rows], dtype=float)
    spread = np.array([row.uncertainty for row in result.rows], dtype=float)
    # On a log axis a bar must end above zero.
    lower = np.minimum(spread, 0.95 * np.abs(measured))
    ax.set_xscale("log")
    ax.plot(
        np.where(predicted > 0, predicted, np.nan), place, "o", color=COLORS[0], markersize=8,
        markerfacecolor="white", markeredgewidth=1.8, label="predicted",
    )  # fmt: skip
    ax.errorbar(
        np.where(measured > 0, measured, np.nan), place, xerr=np.stack([lower, spread]), fmt="D",
        color=COLORS[1], markersize=4, label="measured",
    )  # fmt: skip
    ax.set_yticks(place, [row.name for row in result.rows])
    ax.set_ylim(len(place) - 0.5, -0.5)
    ax.set_xlabel("one minus the rate per gradient: right is faster")
    ax.set_title(f"{result.name}: condition number {result.condition_number:.3g}")
    ax.legend(loc="lower left")


def _draw_exit_time(result: ExitTime, ax: Any) -> None:
    """The chance of each first step outside, setting by setting."""
    last = int(np.max(result.mean + 5 * result.standard_deviation)) + 1
    times = np.arange(last + 1)
    chances = np.diff(result.cdf(times), prepend=0.0, axis=-1).reshape(-1, len(times))
    means = np.reshape(result.mean, -1)
    for chance, mean in zip(chances[:_MANY], means[:_MANY], strict=True):
        ax.plot(times, chance, label=f"mean {mean:.4g}")
    ax.set(xlabel="first step outside, $T$", ylabel="chance", ylim=(0, None))
    ax.legend()
    if len(chances) > _MANY:
        ax.set_title(f"the first {_MANY} of {len(chances)} settings")


def _draw_saddle_exit(result: SaddleExit, ax: Any) -> None:
    """The chance to be still inside, over the share of directions that take part."""
    shown = 1 + int(result.mean + 5 * result.standard_deviation)
    ax.plot(result.inside[:shown], color=COLORS[0], label="chance to be inside")
    share = result.participation / result.variances.shape[1]
    ax.plot(share[:shown], color=COLORS[1], label="share of directions that take part")
    ax.axvline(result.mean, color=GRAY, linestyle="--", linewidth=1)
    ax.set(xlabel=label("step"), ylim=(0, 1.02))
    ax.set_title(f"mean exit {result.mean:.4g}")
    ax.legend()


def draw_pseudospectrum(result: Any, ax: Any) -> None:
    """Contours of the distance to singularity around the eigenvalues, and the unit circle."""
    angle = np.linspace(0, 2 * np.pi, 361)
    ax.plot(np.cos(angle), np.sin(angle), color=GRAY, linewidth=1.2)
    contours = ax.contour(
        result.real, result.imaginary, result.distance, levels=result.levels,
        colors=shades(len(result.levels)), linewidths=1.4,
    )  # fmt: skip
    ax.clabel(contours, fmt=lambda level: f"{level:g}", fontsize=8)
    ax.plot(
        result.eigenvalues.real, result.eigenvalues.imag, "x", color=COLORS[1], markersize=7,
        markeredgewidth=2,
    )  # fmt: skip
    ax.set(xlabel="real part of $z$", ylabel="imaginary part of $z$", aspect="equal")


def _draw_risk(result: RiskPath, ax: Any) -> None:
    steps = np.arange(len(result.bias))
    parts = (
        ("risk", result.risk, "-"),
        ("bias", result.bias, ":"),
        ("variance", result.variance, "--"),
    )
    for name, values, style in parts:
        ax.set_prop_cycle(None)
        rows = values.reshape(len(steps), -1)[:, :_MANY]
        for column, row in enumerate(rows.T):
            ax.plot(steps, row, style, linewidth=1.4, label=name if column == 0 else None)
    ax.set(xlabel=label("step"), ylabel="expected squared distance")
    ax.legend()


def _draw_ridge(result: RidgePath, ax: Any) -> None:
    ax.semilogx(result.ridge, result.risk, label="risk")
    ax.semilogx(result.ridge, result.bias, ":", label="bias")
    ax.semilogx(result.ridge, result.variance, "--", label="variance")
    ax.plot(result.best_ridge, result.best_risk, "o", color=INK)
    ax.set(xlabel="ridge", ylabel="expected squared distance")
    ax.legend()


_DRAWERS: dict[type, Callable[[Any, Any], None]] = {
    Trajectory: _draw_trajectory,
    EnsembleMoments: _draw_moments,
    Moments: _draw_moments,
    QueueRun: _draw_staleness,
    StaleRun: _draw_staleness,
    ClosedLoopRun: _draw_closed_loop,
    ExitTime: _draw_exit_time,
    SaddleExit: _draw_saddle_exit,
    Analysis: _draw_analysis,
    Pseudospectrum: draw_pseudospectrum,
    RiskPath: _draw_risk,
    RidgePath: _draw_ridge,
}
