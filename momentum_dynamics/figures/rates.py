"""How fast methods get: rate against condition number, and the schedule that heavy ball freezes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import optima, schedules
from momentum_dynamics.methods import Method
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.rates import measure_rate

__all__: list[str] = []

Array = NDArray[np.float64]


# Rate against condition number -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionRates:
    """Rates by method: laws ``(methods, points)`` and simulated ``(methods, measured)``."""

    methods: NDArray[np.str_]
    condition_number: Array
    rate: Array
    bound: Array
    measured_condition_number: Array
    expected: Array
    measured: Array
    dimension: int


_METHODS = {
    "gradient descent": ("gradient-descent", "quadratic", optima.gradient_descent_rate),
    "Nesterov, standard": ("nesterov", "smooth-convex", optima.nesterov_smooth_rate),
    "triple momentum": ("triple-momentum", "quadratic", optima.triple_momentum_rate),
    "Nesterov, tuned": ("nesterov", "quadratic", optima.nesterov_quadratic_rate),
    "heavy ball": ("heavy-ball", "quadratic", optima.heavy_ball_rate),
}
"""What is shown: kind and objective of `tune`, and the law of the rate."""


def _condition_rates(
    *,
    largest_condition_number: float = 1e6,
    measured_at: Sequence[float] = (4.0, 30.0, 300.0, 3000.0),
    dimension: int = 20,
    points: int = 200,
) -> ConditionRates:
    kappa = np.geomspace(2, largest_condition_number, points)
    tried = np.atleast_1d(np.asarray(measured_at, dtype=float))
    measured = [
        [_measured_rate(kind, objective, float(k), dimension, float(law(k))) for k in tried]
        for kind, objective, law in _METHODS.values()
    ]
    return ConditionRates(
        methods=np.array(list(_METHODS)),
        condition_number=kappa,
        rate=np.array([law(kappa) for _, _, law in _METHODS.values()]),
        # In high enough dimension no method that asks for gradients is faster on every quadratic.
        bound=np.asarray(optima.heavy_ball_rate(kappa)),
        measured_condition_number=tried,
        expected=np.array([law(tried) for _, _, law in _METHODS.values()]),
        measured=np.array(measured),
        dimension=int(dimension),
    )


_FOLDS, _MOST = 150, 20_000
"""Factors of e that a run shrinks by, and the steps it may take."""


def _measured_rate(
    kind: str, objective: str, condition_number: float, dimension: int, rate: float
) -> float:
    method = tune(
        kind, objective=objective, smallest_curvature=1.0, largest_curvature=condition_number
    )
    spectrum = np.geomspace(1, condition_number, dimension)
    steps = min(int(_FOLDS / -np.log(rate)) + 20, _MOST)
    run = simulate(method, Quadratic(spectrum), steps=steps, engine="direct")
    found = measure_rate(run.distance)
    return np.nan if found is None else found.rate


def _folds(rate: Array) -> Array:
    """Gradients for one factor of e."""
    return -1 / np.log(rate)


def _draw_condition_rates(data: ConditionRates, axes: Any) -> None:
    left, right = axes[0]
    kappa, tried = data.condition_number, data.measured_condition_number
    bound = _folds(data.bound)
    bound_at = _folds(data.expected[list(data.methods).index("heavy ball")])
    looks = {
        "gradient descent": (COLORS[6], "-", "o", 1.8),
        "Nesterov, standard": (COLORS[1], "-", "s", 3.4),
        "triple momentum": (COLORS[4], "--", "D", 1.8),
        "Nesterov, tuned": (COLORS[2], "-", "^", 1.8),
        "heavy ball": (COLORS[0], "-", "v", 1.8),
    }
    for name, rate, found in zip(data.methods, data.rate, data.measured, strict=True):
        color, line, marker, width = looks[str(name)]
        for ax, scale, scale_at in ((left, 1, 1), (right, bound, bound_at)):
            ax.plot(kappa, _folds(rate) / scale, line, color=color, linewidth=width, label=name)
            ax.plot(
                tried, _folds(found) / scale_at, marker, color=color, markerfacecolor="white",
                markersize=6, markeredgewidth=1.3,
            )  # fmt: skip
    left.fill_between(kappa, 1e-2, bound, color="#ededf0", linewidth=0)
    left.text(
        0.96, 0.06, "no gradient method", transform=left.transAxes, ha="right", color=INK, size=9
    )
    left.set(xscale="log", yscale="log", xlim=kappa[[0, -1]], ylim=(0.3, 6e5))
    left.set_ylabel("gradients for a factor $e$")
    left.legend(loc="upper left")
    right.axhspan(0, 1, color="#ededf0", linewidth=0)
    right.set(xscale="log", xlim=kappa[[0, -1]], ylim=(0.8, 2.35))
    right.set_ylabel("the same, over the least possible")
    for ax in (left, right):
        ax.set_xlabel(label("condition_number"))


def _tell_condition_rates(data: ConditionRates) -> str:
    kappa = data.measured_condition_number[-1]
    counts = "; ".join(
        f"{name}: {number(float(_folds(rate[-1])), 4)}"
        for name, rate in zip(data.methods, data.expected, strict=True)
    )
    off = np.nanmax(np.abs(_folds(data.measured) / _folds(data.expected) - 1))
    return (
        "Gradients that shrink the distance by a factor e on quadratics of condition number κ. "
        "Gradient descent, heavy ball and “Nesterov, tuned” have the best constant parameters for "
        "such quadratics, “Nesterov, standard” and triple momentum those of their guarantee on all "
        "smooth strongly convex functions, for which they pay up to a factor 2. At "
        f"κ = {number(kappa)}, {counts}. Heavy ball's rate is the least possible (shaded: in high "
        "enough dimension no method that asks for gradients is so fast on every such quadratic; "
        "Nesterov, 2004). Markers: simulated on "
        f"{data.dimension} curvatures, within {100 * off:.0f} % of the law."
    )


RATES = Figure(
    slug="rate-against-condition-number",
    title="Momentum takes the square root of the condition number",
    source=Citation("lessard2016"),
    claims=("optimal-heavy-ball", "optimal-nesterov"),
    compute=_condition_rates,
    draw=_draw_condition_rates,
    caption=_tell_condition_rates,
    panels=(1, 2),
    size=(WIDTH, 3.7),
    quick={"measured_at": (4.0, 30.0), "points": 60},
    remark="On quadratics, so rates and not certificates.",
)


# Chebyshev -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class ChebyshevRun:
    """Coefficients by step, residuals ``(methods, curvatures)``, the worst ``(methods, steps)``."""

    condition_number: float
    step: Array
    momentum: Array
    learning_rate: Array
    limit_momentum: float
    limit_learning_rate: float
    methods: NDArray[np.str_]
    shown_step: int
    curvature: Array
    residual: Array
    worst: Array
    least: Array


def _chebyshev_run(
    *,
    condition_number: float = 100.0,
    steps: int = 40,
    shown_step: int = 12,
    points: int = 801,
) -> ChebyshevRun:
    if condition_number <= 1:
        raise DomainError(
            f"condition_number is {condition_number}, but must be above 1: with one curvature the "
            "first step solves it."
        )
    kinds = {
        "gradient descent": "gradient-descent",
        "heavy ball": "heavy-ball",
        "Chebyshev": "chebyshev",
    }
    methods: dict[str, Any] = {
        name: tune(kind, smallest_curvature=1.0, largest_curvature=condition_number)
        for name, kind in kinds.items()
    }
    # Denser towards both ends, where residuals are steepest.
    wave = (1 - np.cos(np.linspace(0, np.pi, points))) / 2
    curvature = 1 + (condition_number - 1) * wave
    residuals = [
        _residuals(method, curvature, max(steps, shown_step)) for method in methods.values()
    ]
    count = np.arange(steps + 1)
    chebyshev, ball = methods["Chebyshev"], methods["heavy ball"]
    stages = [chebyshev.stage(int(step)) for step in count]
    return ChebyshevRun(
        condition_number=float(condition_number),
        step=count.astype(float),
        momentum=np.array([stage.momentum for stage in stages]),
        learning_rate=np.array([stage.learning_rate for stage in stages]) * condition_number,
        limit_momentum=float(ball.momentum),
        limit_learning_rate=float(ball.learning_rate) * condition_number,
        methods=np.array(list(kinds)),
        shown_step=int(shown_step),
        curvature=curvature / condition_number,
        residual=np.array([found[shown_step] for found in residuals]),
        worst=np.array([np.abs(found[: steps + 1]).max(axis=-1) for found in residuals]),
        least=np.asarray(schedules.chebyshev_residual(condition_number, count)),
    )


def _residuals(method: Method, curvature: Array, steps: int) -> Array:
    """What is left of a unit distance on every curvature, ``(steps + 1, curvatures)``."""
    return second_moments(method, curvature, 0.0, steps=steps).mean


_SHADES = (GRAY, COLORS[0], COLORS[1])


def _draw_chebyshev_run(data: ChebyshevRun, axes: Any) -> None:
    left, middle, right = axes[0]
    for values, limit, color, name in (
        (data.learning_rate, data.limit_learning_rate, COLORS[2], "$\\alpha_t h_{\\max}$"),
        (data.momentum, data.limit_momentum, COLORS[3], "$\\beta_t$"),
    ):
        left.plot(data.step, values, "o-", color=color, markersize=3, linewidth=1.2)
        left.axhline(limit, color=INK, linestyle="--", linewidth=1.2)
        left.annotate(
            name, (data.step[-1], limit), (0, 5), textcoords="offset points", color=color,
            ha="right",
        )  # fmt: skip
    left.set(xlabel=label("step"), ylim=(0, 4), title="coefficients")
    for name, residual, worst, color in zip(
        data.methods, data.residual, data.worst, _SHADES, strict=True
    ):
        middle.plot(data.curvature, residual, color=color, linewidth=1.4, label=name)
        right.semilogy(data.step, worst, color=color)
    level = data.least[data.shown_step] if data.shown_step < len(data.least) else np.nan
    for sign in (-1, 1):
        middle.axhline(sign * level, color=INK, linestyle=":", linewidth=1.2)
    middle.set(xlabel="curvature $h / h_{\\max}$", ylim=(-0.6, 1), xlim=(0, 1))
    middle.set_title(f"left after {data.shown_step} steps")
    right.semilogy(data.step, data.least, ":", color=INK, linewidth=1.6, zorder=4)
    right.set(xlabel=label("step"), title="the worst left")
    handles, names = middle.get_legend_handles_labels()
    handles += [
        *middle.plot([], [], ":", color=INK, linewidth=1.4),
        *middle.plot([], [], "--", color=INK, linewidth=1.2),
    ]
    middle.figure.legend(
        handles, [*names, "least possible", "Polyak"], loc="outside lower center", ncols=5,
        fontsize=8.5, columnspacing=1.4,
    )  # fmt: skip


def _tell_chebyshev_run(data: ChebyshevRun) -> str:
    off = np.abs(data.worst[-1] / data.least - 1).max()
    told = "to rounding" if off < _ROUNDING else f"to {number(off, 1)}"
    peak = data.worst[1].max()
    return (
        f"The Chebyshev semi-iteration on [1, {number(data.condition_number)}]. Its "
        "coefficients tend "
        f"to Polyak's, α h_max = {data.limit_learning_rate:.3f} and β = {data.limit_momentum:.3f} "
        f"(dashed). After {data.shown_step} steps its residual polynomial swings between bounds "
        "that no other can undercut (dotted); after every number of steps its worst residual is "
        f"the least possible, 2rⁿ/(1 + r²ⁿ), {told}. Heavy ball from rest, frozen at the "
        f"limit, first overshoots to {peak:.2f}."
    )


_ROUNDING = 1e-9
"""Smaller deviations are rounding, and differ from machine to machine."""


CHEBYSHEV = Figure(
    slug="chebyshev-tends-to-polyak",
    title="Heavy ball is frozen Chebyshev",
    source=Citation("golub1961"),
    claims=("chebyshev-tends-to-polyak", "optimal-heavy-ball"),
    compute=_chebyshev_run,
    draw=_draw_chebyshev_run,
    caption=_tell_chebyshev_run,
    panels=(1, 3),
    size=(WIDTH, 3.1),
    quick={"points": 201},
)
