"""`plot(result)`: a sensible picture of any result object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.moments import Moments
from momentum_dynamics.errors import NotTraceableError
from momentum_dynamics.figures.style import new_figure, styled
from momentum_dynamics.simulation import EnsembleMoments, Trajectory

__all__ = ["plot"]

_MANY = 8


def plot(result: Any, ax: Any = None) -> Any:
    """Draw a trajectory, moments or an analysis.

    Parameters
    ----------
    result : Trajectory, EnsembleMoments, Moments or Analysis
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
    if draw is None and hasattr(result, "rows") and hasattr(result, "condition_number"):
        draw = _draw_analysis
    if draw is None:
        known = ", ".join(kind.__name__ for kind in _DRAWERS)
        raise NotTraceableError(
            f"There is no picture of a {type(result).__name__}; plot draws {known} and Analysis."
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
    ax.semilogy(np.where(shown > 0, shown, np.nan))
    ax.set_xlabel("step $t$")
    ax.set_ylabel("distance from the solution")
    if distance.shape[1] > _MANY:
        ax.set_title(f"the first {_MANY} of {distance.shape[1]} runs")


def _draw_moments(result: Moments | EnsembleMoments, ax: Any) -> None:
    steps = np.arange(len(result.mean))
    mean = result.mean.reshape(len(steps), -1)
    spread = np.sqrt(np.maximum(result.variance, 0)).reshape(len(steps), -1)
    for index in range(min(mean.shape[1], _MANY)):
        (line,) = ax.plot(steps, mean[:, index])
        ax.fill_between(
            steps,
            mean[:, index] - spread[:, index],
            mean[:, index] + spread[:, index],
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    ax.set_xlabel("step $t$")
    ax.set_ylabel("displacement: mean and one standard deviation")


def _draw_analysis(result: Any, ax: Any) -> None:
    names = [row.name for row in result.rows]
    place = np.arange(len(names))
    ax.plot([row.predicted for row in result.rows], place + 0.12, "o", label="predicted")
    ax.plot([row.measured for row in result.rows], place - 0.12, "s", label="measured on the data")
    ax.set_yticks(place, names)
    ax.invert_yaxis()
    ax.set_xlabel("rate per gradient")
    ax.set_title(f"{result.name}: condition number {result.condition_number:.3g}")
    ax.legend()


_DRAWERS: dict[type, Callable[[Any, Any], None]] = {
    Trajectory: _draw_trajectory,
    EnsembleMoments: _draw_moments,
    Moments: _draw_moments,
}
