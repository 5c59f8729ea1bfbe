"""Momentum as an oscillator: phase portraits, orbits on their equations, vanishing friction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.continuous import equation_of_motion
from momentum_dynamics.dynamics.flows import flow
from momentum_dynamics.dynamics.radius import Regime, regime
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH
from momentum_dynamics.laws import continuous
from momentum_dynamics.methods import GrowingNesterov, HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import ConvexRosenbrock, Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


# Phase portraits -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Portraits:
    """Paths ``(steps, momenta, starts, position or displacement)`` of ``(steps, momenta, …)``."""

    step: Array
    momentum: Array
    paths: Array
    regime: NDArray[np.str_]


_ROWS, _COLUMNS = 4, 7
_SPAN = 0.35
"""The largest displacement in one step from which a path begins; positions begin up to 1."""


def _portraits(
    *,
    step: Sequence[float] = (0.0, 0.02, 0.1, 0.25),
    momentum: Sequence[float] = (1.0, 0.985, 0.95, 0.9, 0.85, 0.8, 0.0),
    starts: int = 6,
    steps: int = 60,
) -> Portraits:
    sizes, momenta = np.asarray(step, dtype=float), np.asarray(momentum, dtype=float)
    if sizes.shape != (_ROWS,) or momenta.shape != (_COLUMNS,):
        raise ShapeError(f"phase-portraits has {_ROWS} rows of step and {_COLUMNS} of momentum.")
    angle = 2 * np.pi * np.arange(starts) / starts
    ball = HeavyBall(learning_rate=sizes[:, None], momentum=momenta)
    begin = np.cos(angle)[:, None], (np.cos(angle) - _SPAN * np.sin(angle))[:, None]
    run = simulate(ball, Quadratic([1.0]), steps=steps, replicas=starts, start=begin)
    position = run.points[..., 0]
    before = np.concatenate([begin[1][None, None, None, :, 0] + 0 * position[:1], position[:-1]])
    return Portraits(
        step=sizes,
        momentum=momenta,
        paths=np.moveaxis(np.stack([position, position - before], axis=-1), 0, -2),
        regime=np.asarray(regime(ball, 1.0)),
    )


_KINDS = {
    Regime.MONOTONE.value: COLORS[0],
    Regime.RIPPLES.value: COLORS[1],
    Regime.OSCILLATING.value: COLORS[2],
    Regime.DIVERGING.value: GRAY,
}


def _draw_portraits(data: Portraits, axes: Any) -> None:
    for row, column in np.ndindex(_ROWS, _COLUMNS):
        ax = axes[row, column]
        color = _KINDS[str(data.regime[row, column])]
        ax.axhline(0, color="#dddddd", linewidth=0.7, zorder=0)
        ax.axvline(0, color="#dddddd", linewidth=0.7, zorder=0)
        for path in data.paths[row, column]:
            ax.plot(path[:, 0], path[:, 1], color=color, linewidth=0.8)
        ax.plot(*data.paths[row, column][:, 0].T, "o", color=INK, markersize=1.8)
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.6, 0.6), xticks=[], yticks=[])
        ax.grid(visible=False)
        if row == 0:
            ax.set_title(f"$\\beta = {data.momentum[column]:g}$", loc="center")
        if column == 0:
            ax.set_ylabel(f"$\\alpha h = {data.step[row]:g}$")
    axes[-1, _COLUMNS // 2].set_xlabel("position across, displacement in one step upwards")


def _tell_portraits(data: Portraits) -> str:
    return (
        f"Heavy ball on one mode, from {data.paths.shape[2]} starts (black dots) in the plane of "
        "position and last displacement. Columns: less and less momentum; rows: a growing force. "
        "Blue dies out without a swing, orange swings, gray does not come home: without friction, "
        f"momentum {number(data.momentum[0])}, the ball circles for ever, and without a force, the "
        "first row, it only coasts. Momentum is what is left of the displacement after one step, "
        "and by this factor every area in the plane shrinks."
    )


PORTRAITS = Figure(
    slug="phase-portraits",
    title="Momentum is friction: less of it stops the swinging",
    source=Citation("goh2017"),
    claims=("critical-friction-is-fastest",),
    compute=_portraits,
    draw=_draw_portraits,
    caption=_tell_portraits,
    panels=(_ROWS, _COLUMNS),
    size=(WIDTH, 4.4),
    quick={"steps": 30, "starts": 3},
    remark="Momenta and forces are the page's; starts and colors were chosen here.",
)


# Orbits on their equations ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Orbits:
    """Steps and the paths of both equations, ``(methods, sizes, …)``; NaN behind the last step."""

    step: Array
    curvature: float
    names: NDArray[np.str_]
    orbit_time: Array
    orbit: Array
    time: Array
    low: Array
    high: Array
    low_gap: Array
    high_gap: Array


_KIND_NAMES = ("heavy ball", "Nesterov")


def _equations(kind: Any) -> list[Any]:
    """Coefficients of the equations of order 0 and 1, as functions of the tick and h, for μ = 1."""
    import sympy

    tick, h = sympy.Symbol("d", positive=True), symbol("curvature")
    method = kind(learning_rate=tick**2, momentum=(1 - tick) / (1 + tick))
    return [
        sympy.lambdify((tick, h), equation_of_motion(method, h, tick, order=order).all_coeffs())
        for order in (0, 1)
    ]


def _through(coefficients: Any, first: float, second: float, tick: float, time: Array) -> Array:
    """The solution that is at one point at time 0 and at another after one tick."""
    roots = np.roots(coefficients).astype(complex)
    weights = np.linalg.solve(np.array([[1, 1], np.exp(roots * tick)]), [first, second])
    return np.asarray((np.exp(np.multiply.outer(time, roots)) @ weights).real)


def _orbits(
    *, step: Sequence[float] = (0.01, 0.1), curvature: float = 6.0, end: float = 5.0,
    points: int = 401,
) -> Orbits:  # fmt: skip
    sizes, time = np.asarray(step, dtype=float), np.linspace(0, end, points)
    if sizes.shape != (2,):
        raise ShapeError(f"step has {sizes.size} values, but orbits-and-equations has two columns.")
    if not (sizes > 0).all():
        raise DomainError(f"step is {step}, but must be above 0.")
    counts = (end / np.sqrt(sizes)).astype(int)
    orbit = np.full((2, 2, counts.max() + 1), np.nan)
    orbit_time = np.full((2, counts.max() + 1), np.nan)
    paths, gaps = np.empty((2, 2, 2, points)), np.empty((2, 2, 2))
    for row, kind in enumerate((HeavyBall, Nesterov)):
        equations = _equations(kind)
        for column, (size, count) in enumerate(zip(sizes, counts, strict=True)):
            tick = float(np.sqrt(size))
            method = kind(learning_rate=float(size), momentum=(1 - tick) / (1 + tick))
            run = simulate(method, Quadratic([curvature]), steps=int(count)).outputs[:, 0]
            instants = np.arange(count + 1) * tick
            orbit[row, column, : count + 1], orbit_time[column, : count + 1] = run, instants
            for order, equation in enumerate(equations):
                found = equation(tick, curvature)
                paths[order, row, column] = _through(found, run[0], run[1], tick, time)
                own = _through(found, run[0], run[1], tick, instants)
                gaps[order, row, column] = np.abs(own - run).max()
    return Orbits(
        step=sizes,
        curvature=float(curvature),
        names=np.array(_KIND_NAMES),
        orbit_time=orbit_time,
        orbit=orbit,
        time=time,
        low=paths[0],
        high=paths[1],
        low_gap=gaps[0],
        high_gap=gaps[1],
    )


def _draw_orbits(data: Orbits, axes: Any) -> None:
    for row, column in np.ndindex(2, 2):
        ax = axes[row, column]
        ax.axhline(0, color="#bbbbbb", linewidth=0.8)
        ax.plot(data.time, data.low[row, column], "--", color=COLORS[1], linewidth=1.4)
        ax.plot(data.time, data.high[row, column], color=COLORS[0], linewidth=1.6)
        ax.plot(data.orbit_time[column], data.orbit[row, column], "o", color=INK, markersize=3)
        ax.set_title(f"{data.names[row]}, $s = {data.step[column]:g}$")
        ax.set(ylim=(-0.85, 1.05), xlim=(0, data.time[-1]))
        if row == 1:
            ax.set_xlabel("time, $k\\sqrt{s}$")
        if column == 0:
            ax.set_ylabel("displacement")
    handles = axes[0, 0].lines[1:4]
    axes[0, 0].legend(handles, ("low resolution", "high resolution", "the method"), fontsize=8)


def _tell_orbits(data: Orbits) -> str:
    worst = "; ".join(
        f"{name}, s = {number(size)}: {low:.2g} and {high:.2g}"
        for name, lows, highs in zip(data.names, data.low_gap, data.high_gap, strict=True)
        for size, low, high in zip(data.step, lows, highs, strict=True)
    )
    return (
        f"Steps on a mode of curvature {number(data.curvature)} (dots; momentum (1 − √s)/(1 + √s)) "
        "and the solutions of two equations through the first two dots. The low-resolution "
        "equation (dashed) is one for both methods, so it cannot tell them apart; the "
        "high-resolution ones are derived from each method's polynomial. Largest distance from the "
        f"dots, low and high: {worst}."
    )


ORBITS = Figure(
    slug="orbits-and-equations",
    title="Only equations of high resolution tell heavy ball from Nesterov's method",
    source=Citation("shi2022"),
    claims=(
        "gradient-correction-is-the-whole-difference",
        "high-resolution-equations-are-right-to-order-s",
    ),
    compute=_orbits,
    draw=_draw_orbits,
    caption=_tell_orbits,
    panels=(2, 2),
    size=(WIDTH, 4.6),
    quick={"points": 101},
    remark="The equations are the paper's; the example was chosen here.",
)


# Vanishing friction ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Accelerated:
    """Nesterov's method beside Bessel's function, and losses times t² over 2d² by friction."""

    step: Array
    time: Array
    bessel: Array
    orbit_time: Array
    orbit: Array
    gap: Array
    frictions: Array
    quotient: Array


def _accelerated(
    *,
    step: Sequence[float] = (0.3, 0.01),
    vanishing_friction: Sequence[float] = (1.0, 3.0, 6.0),
    end: float = 24.0,
    points: int = 481,
) -> Accelerated:
    sizes, time = np.asarray(step, dtype=float), np.linspace(0, end, points)
    if not (sizes > 0).all():
        raise DomainError(f"step is {step}, but must be above 0.")
    counts = (end / np.sqrt(sizes)).astype(int)
    orbit = np.full((len(sizes), counts.max() + 1), np.nan)
    instants, gaps = np.full_like(orbit, np.nan), []
    for row, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        run = simulate(
            GrowingNesterov(learning_rate=float(size)), Quadratic([1.0]), steps=int(count)
        )
        orbit[row, : count + 1] = run.outputs[:, 0]
        instants[row, : count + 1] = np.arange(count + 1) * np.sqrt(size)
        law = continuous.vanishing_friction_path(3, 1.0, instants[row, : count + 1])
        gaps.append(np.abs(law - orbit[row, : count + 1]).max())
    chain = ConvexRosenbrock(dimension=12, condition_number=400.0)
    distance = np.linalg.norm(chain.start - chain.solution)
    later = np.linspace(0, 60, points)
    quotients = []
    for friction in vanishing_friction:
        path = flow(chain, later, vanishing_friction=float(friction))
        left = chain.loss(path.points) - chain.loss(chain.solution)
        quotients.append(left[1:] / continuous.vanishing_friction_bound(distance, later[1:]))
    return Accelerated(
        step=sizes,
        time=time,
        bessel=continuous.vanishing_friction_path(3, 1.0, time),
        orbit_time=instants,
        orbit=orbit,
        gap=np.array(gaps),
        frictions=np.asarray(vanishing_friction, dtype=float),
        quotient=np.stack([later[1:], *quotients]),
    )


def _draw_accelerated(data: Accelerated, axes: Any) -> None:
    left, right = axes[0]
    left.axhline(0, color="#bbbbbb", linewidth=0.8)
    left.plot(data.time, data.bessel, color=INK, linewidth=1.4, label="$2J_1(t)/t$")
    for row, (marker, color) in enumerate(zip("os", COLORS[1:3], strict=False)):
        some = slice(None, None, max(1, int(np.isfinite(data.orbit[row]).sum()) // 48))
        left.plot(
            data.orbit_time[row, some], data.orbit[row, some], marker, color=color,
            markersize=3.2, label=f"Nesterov, $s = {data.step[row]:g}$",
        )  # fmt: skip
    left.set(xlabel="time, $k\\sqrt{s}$", ylabel="displacement", title="one mode, $h = 1$")
    left.legend(fontsize=8)
    time, *rows = data.quotient
    right.axhline(1, color=INK, linewidth=1.4)
    right.text(0, 1.15, "the bound for $r = 3$", ha="left", va="bottom", size=8, color=INK)
    colors = (COLORS[1], COLORS[0], COLORS[2])
    for friction, quotient, color in zip(data.frictions, rows, colors, strict=False):
        right.semilogy(time, quotient, color=color, linewidth=1.3, label=f"$r = {friction:g}$")
    right.set(xlabel="time $t$", ylabel="loss over bound", ylim=(1e-4, 30))
    right.set_title("a chain of springs, friction $r/t$")
    right.legend(fontsize=8, loc="lower left")


def _tell_accelerated(data: Accelerated) -> str:
    _, *rows = data.quotient
    told = ", ".join(
        f"{number(float(row.max()), 2)} for r = {number(friction)}"
        for friction, row in zip(data.frictions, rows, strict=True)
    )
    off = " and ".join(f"{gap:.2g} at s = {size:g}"
                       for gap, size in zip(data.gap, data.step, strict=True))  # fmt: skip
    return (
        "Left: Nesterov's method with momentum (k − 1)/(k + 2) and the solution of "
        f"x″ + (3/t)x′ + x = 0 that it tends to; largest distance {off}. Right: the loss that is "
        "left, over the bound 2|x₀ − x*|²/t², on a convex chain of 12 springs; at most "
        f"{told}. The bound is proved for r = 3 on every convex loss; it says nothing of other r."
    )


ACCELERATED = Figure(
    slug="accelerated-equation",
    title="A friction that vanishes like 3/t: Bessel's function, and a loss that falls like 1/t²",
    source=Citation("su2016"),
    claims=(
        "nesterov-follows-a-bessel-function",
        "accelerated-flow-decays-like-one-over-time-squared",
    ),
    compute=_accelerated,
    draw=_draw_accelerated,
    caption=_tell_accelerated,
    panels=(1, 2),
    size=(WIDTH, 3.3),
    quick={"points": 121},
    remark="The equation and its bound are the paper's; the examples were chosen here.",
)
