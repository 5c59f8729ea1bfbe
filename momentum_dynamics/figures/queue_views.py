"""Gradient descent on memoryless workers at one setting: its mean, and how far paths are from it.

Every view is that of one curvature, 1, so that the step αh is the learning rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Exponential, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.radius import eigenvalues
from momentum_dynamics.figures.style import COLORS, GRAY, INK, label
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate, simulate_queue
from momentum_dynamics.simulation.exponents import path_exponent

__all__ = [
    "MOST",
    "STEPS",
    "MeanView",
    "PathView",
    "draw_law",
    "draw_limits",
    "draw_mean",
    "draw_paths",
    "draw_poles",
    "draw_squares",
    "mean_view",
    "path_view",
]

Array = NDArray[np.float64]

MOST = 64
"""The most workers of the sliders."""

STEPS = ((0.001, 2.0), (0.01, 60.0))
"""The ends of the sliders of αh: where the mean is looked at, and where paths are."""

_PROBLEM = Quadratic([1.0])
_UPDATES, _REPLICAS, _PATHS, _SEED = 60, 2000, 6, 7
_SMALLEST, _LARGEST = 1e-6, 1e6
"""Where squares end in the picture."""


# The mean --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanView:
    """The mean of M memoryless workers at one step.

    Attributes
    ----------
    workers : int
    step : float
    twin : HeavyBall
        What the mean is.
    law : array ``(staleness,)``
    poles : complex array ``(2,)``
    trail : complex array ``(points, 2)``
        The poles as the step grows.
    measured, error, path, rested : array ``(updates + 1,)``
        The mean of queues with its standard error; heavy ball with the velocity −α∇f(w₀), and from
        rest.
    """

    workers: int
    step: float
    twin: HeavyBall
    law: Array
    poles: NDArray[np.complex128]
    trail: NDArray[np.complex128]
    measured: Array
    error: Array
    path: Array
    rested: Array

    @property
    def swings(self) -> bool:
        """Whether the mean swings."""
        return bool(np.abs(self.poles.imag).max() > _ROUNDING)

    @property
    def words(self) -> str:
        """The heavy ball that the mean is, in a line."""
        radius = float(np.abs(self.poles).max())
        moves = "it swings" if self.swings else "no swing"
        return (
            f"implicit momentum {self.twin.momentum:.6f}, learning rate α/M = "
            f"{self.twin.learning_rate:.6f}; the mean contracts by {radius:.4f} an update: {moves}"
        )


_ROUNDING = 1e-6


def mean_view(workers: int, step: float) -> MeanView:
    """Compute what is shown of the mean at one setting."""
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(step, workers),
        momentum=staleness.implicit_momentum(workers),
    )
    begin = _PROBLEM.start
    kicked = (begin, begin + step * _PROBLEM.field(begin))
    seen: Any = simulate_queue(
        GradientDescent(learning_rate=step), _PROBLEM, workers=workers, service=Exponential(),
        updates=_UPDATES, replicas=_REPLICAS, record="moments", stride=1, seed=_SEED,
    ).moments  # fmt: skip
    grid = np.geomspace(1e-3, 1e3, 601)
    balls = HeavyBall(learning_rate=grid / workers, momentum=twin.momentum)
    return MeanView(
        workers=workers,
        step=step,
        twin=twin,
        law=GeometricDelay(workers=workers).probabilities(4 * workers + 4),
        poles=eigenvalues(twin, 1.0),
        trail=eigenvalues(balls, 1.0),
        measured=seen.mean[:, 0],
        error=seen.mean_error[:, 0],
        # The state of a heavy ball that has made the first step is where the queue's first is.
        path=simulate(twin, _PROBLEM, steps=_UPDATES, start=kicked).outputs[:, 0],
        rested=simulate(twin, _PROBLEM, steps=_UPDATES).outputs[:, 0],
    )


def draw_law(view: MeanView, ax: Any) -> None:
    """The chances of each staleness, and their mean."""
    ages = np.arange(len(view.law))
    ax.vlines(ages, 0, view.law, color=COLORS[0], linewidth=max(0.8, 70 / len(ages)))
    ax.axvline(view.workers - 1, color=INK, linestyle="--", linewidth=1.2)
    ax.set(xlabel=label("staleness"), ylabel="probability", ylim=(0, None))
    ax.set_title(f"staleness, mean M − 1 = {view.workers - 1}")


def draw_poles(view: MeanView, ax: Any) -> None:
    """The poles of the mean in the unit disk, with the way that the step moves them."""
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor="#f6f6f6", edgecolor=GRAY, linewidth=1, zorder=0.5))
    if view.workers > 1:
        modulus = float(view.twin.momentum) ** 0.5
        ax.add_patch(Circle((0, 0), modulus, fill=False, edgecolor=INK, linestyle=":"))
    ax.plot(view.trail.real.ravel(), view.trail.imag.ravel(), ".", color="#c9ced6", markersize=2)
    color = COLORS[1] if view.swings else COLORS[0]
    ax.plot(
        view.poles.real, view.poles.imag, "o", color=color, markersize=10, markeredgecolor="white",
        clip_on=False, zorder=5,
    )  # fmt: skip
    ax.set(xlim=(-1.28, 1.28), ylim=(-1.28, 1.28), aspect="equal", xticks=(-1, 0, 1))
    ax.set(yticks=(-1, 0, 1), xlabel="real part of a pole", ylabel="imaginary part")
    ax.set_title("poles of the mean: heavy ball's")


def draw_mean(view: MeanView, ax: Any) -> None:
    """The mean of queues over the heavy ball that it is."""
    time = np.arange(len(view.measured))
    ax.axhline(0, color="#bbbbbb", linewidth=0.9)
    ax.errorbar(
        time, view.measured, 3 * view.error, fmt="o", color=COLORS[5], markersize=3, linewidth=0.8,
        label=f"mean of {_REPLICAS:,} queues",
    )  # fmt: skip
    ax.plot(time, view.rested, ":", color=GRAY, linewidth=1.4, label="heavy ball from rest")
    ax.plot(time, view.path, color=INK, linewidth=1.2, label="heavy ball")
    reach = 1.15 * min(float(np.abs(view.path).max()), 10.0)
    ax.set(xlim=(0, time[-1]), ylim=(-reach, 1.4 * reach), xlabel="update", ylabel="displacement")
    ax.legend(loc="upper right", fontsize=8)
    ax.set_title("the mean path")


# Paths -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class PathView:
    """Paths of M memoryless workers at one step, and their exact moments.

    Attributes
    ----------
    workers : int
    step : float
    paths : array ``(updates + 1, paths)``
    mean, second : array ``(updates + 1,)``
        The exact mean and mean square.
    mean_rate, square_root_rate, path_rate : float
        Factors per update: of the mean, of the root of the second moment, of almost every path (by
        simulation).
    """

    workers: int
    step: float
    paths: Array
    mean: Array
    second: Array
    mean_rate: float
    square_root_rate: float
    path_rate: float

    @property
    def words(self) -> str:
        """The three factors in a line, and what they mean."""
        fates = [
            f"{name} {'converges' if rate < 1 else 'explodes'}"
            for name, rate in (("the mean", self.mean_rate), ("E x²", self.square_root_rate))
        ]
        return (
            f"per update: mean × {self.mean_rate:.4f}, root of E x² × {self.square_root_rate:.4f}, "
            f"almost every path × {self.path_rate:.2f}; {', '.join(fates)}"
        )


def path_view(workers: int, step: float) -> PathView:
    """Compute what is shown of paths at one setting."""
    method = GradientDescent(learning_rate=step)
    outputs: Any = simulate_queue(
        method, _PROBLEM, workers=workers, service=Exponential(), updates=_UPDATES,
        replicas=_PATHS, seed=_SEED, engine="python",
    ).outputs  # fmt: skip
    exact = queue_moments(method, 1.0, workers=workers)
    along = exact.path(_UPDATES)
    found = path_exponent(method, 1.0, workers=workers, updates=300, replicas=64, seed=_SEED)
    return PathView(
        workers=workers,
        step=step,
        paths=outputs[..., 0],
        mean=along.mean,
        second=along.second_moment,
        mean_rate=float(exact.mean_rate),
        square_root_rate=float(exact.mean_square_rate) ** 0.5,
        path_rate=float(np.exp(found.value)),
    )


def draw_paths(view: PathView, ax: Any) -> None:
    """Paths, and the exact mean."""
    ax.axhline(0, color="#bbbbbb", linewidth=0.9)
    ax.plot(np.clip(view.paths, -_LARGEST, _LARGEST), color=COLORS[5], linewidth=0.9)
    ax.plot(np.clip(view.mean, -_LARGEST, _LARGEST), color=INK, linewidth=1.6)
    ax.set(xlim=(0, len(view.mean) - 1), ylim=(-3, 3), xlabel="update", ylabel="displacement")
    ax.set_title(f"{_PATHS} paths, and the mean (black)")


def draw_squares(view: PathView, ax: Any) -> None:
    """Squares of the paths, the exact second moment, and the square of the mean."""
    series = ((view.paths, COLORS[5], 0.8), (view.mean, INK, 1.4))
    for values, color, width in series:
        squares = np.clip(np.abs(values), 1e-100, 1e100) ** 2
        ax.semilogy(squares, color=color, linewidth=width)
    ax.semilogy(np.clip(view.second, 1e-200, 1e200), color=COLORS[1], linewidth=2.2)
    ax.set(xlim=(0, len(view.mean) - 1), ylim=(_SMALLEST, _LARGEST), xlabel="update")
    ax.set_ylabel("square")
    ax.set_title("E x² (orange), (E x)² (black)")


def draw_limits(view: PathView, ax: Any) -> None:
    """Where the setting lies among the limits of the step."""
    counts = np.geomspace(1, MOST, 121)
    lines = (
        ("mean", staleness.geometric_delay_step_limit(counts), COLORS[0]),
        ("second moment", staleness.queue_mean_square_limit(counts), COLORS[1]),
        ("round robin", staleness.fixed_delay_step_limit(counts - 1), COLORS[2]),
    )
    for name, limits, color in lines:
        ax.loglog(counts, limits, color=color, linewidth=1.6, label=name)
    ax.loglog(
        view.workers, view.step, "o", color=INK, markersize=10, markeredgecolor="white",
        clip_on=False, zorder=5,
    )  # fmt: skip
    ax.set(xlim=(1, MOST), ylim=STEPS[1], xlabel=label("workers"), ylabel="αh")
    ax.legend(loc="lower left", fontsize=8)
    ax.set_title("largest stable step")
