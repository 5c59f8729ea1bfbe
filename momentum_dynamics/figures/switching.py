"""What the robust region does not promise: a curvature that switches can make momentum grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import regions, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import Scalar
from momentum_dynamics.simulation.rates import measure_rate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SwitchedPaths:
    """Radius and worst growth against momentum; paths ``(kinds, steps + 1)`` at one of them."""

    momentum: Array
    plateau: Array
    growth: Array
    threshold: float
    measured_momentum: Array
    measured_plateau: Array
    measured_growth: Array
    shown_momentum: float
    shown_growth: float
    kinds: NDArray[np.str_]
    paths: Array


def _edges(momentum: Scalar) -> tuple[Any, Any]:
    return regions.robust_low_end(momentum), regions.robust_high_end(momentum)


def _worst_growth(momentum: Scalar) -> Array:
    """The law of switching, for the largest trace on the robust region: at its low edge."""
    method = HeavyBall(learning_rate=1.0, momentum=momentum)
    polynomial = characteristic_polynomial(method, _edges(momentum)[0])
    return np.asarray(spectrum.switching_growth(-polynomial[..., 1], polynomial[..., 2]))


def _path(momentum: float, curvatures: Sequence[float], steps: int) -> Array:
    """The distance of a path from rest at 1 that meets the curvatures in turn."""
    ball = HeavyBall(learning_rate=1.0, momentum=momentum)
    state, found = ball.initial_state(1.0), []
    for step in range(steps + 1):
        point = ball.query(state)
        found.append(abs(point))
        state = ball.update(state, curvatures[step % len(curvatures)] * point)
    return np.array(found)


def _paths(momentum: float, steps: int) -> dict[str, Array]:
    ends = _edges(momentum)
    return {
        "low edge": _path(momentum, ends[:1], steps),
        "high edge": _path(momentum, ends[1:], steps),
        "switching": _path(momentum, ends, steps),
    }


def _switched_paths(
    *,
    momentum: Sequence[float] = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95),
    shown_momentum: float = 0.5,
    steps: int = 60,
    points: int = 200,
) -> SwitchedPaths:
    from scipy.optimize import brentq

    line = np.linspace(0, 1, points)
    chosen = np.atleast_1d(np.asarray(momentum, dtype=float))
    plateau, growth = [], []
    for beta in chosen:
        # Away from the double roots at the edges, where the rate settles slowly.
        middle = sum(_edges(float(beta))) / 2
        plateau.append(_rate(_path(float(beta), (middle,), 4 * steps)))
        growth.append(_rate(_paths(float(beta), 4 * steps)["switching"]))
    paths = _paths(shown_momentum, steps)
    # The same radius everywhere on the region: taken in its middle, off the double roots.
    middle_of_region = sum(_edges(line)) / 2
    return SwitchedPaths(
        momentum=line,
        plateau=spectral_radius(HeavyBall(learning_rate=1.0, momentum=line), middle_of_region),
        growth=_worst_growth(line),
        threshold=float(brentq(lambda beta: _worst_growth(beta) - 1, 1e-6, 1)),
        measured_momentum=chosen,
        measured_plateau=np.array(plateau),
        measured_growth=np.array(growth),
        shown_momentum=float(shown_momentum),
        shown_growth=float(_worst_growth(shown_momentum)),
        kinds=np.array(list(paths)),
        paths=np.array(list(paths.values())),
    )


def _rate(path: Array) -> float:
    found = measure_rate(path)
    return np.nan if found is None else found.rate


def _draw_switched_paths(data: SwitchedPaths, axes: Any) -> None:
    left, right = axes[0]
    left.axhspan(1, 2.6, color="#f3f3f3", linewidth=0)
    left.axhline(1, color=GRAY, linewidth=1)
    left.plot(data.momentum, data.growth, color=COLORS[1], label="worst switching")
    left.plot(data.momentum, data.plateau, color=COLORS[0], label="any constant curvature")
    for values, color in (
        (data.measured_growth, COLORS[1]),
        (data.measured_plateau, COLORS[0]),
    ):
        left.plot(
            data.measured_momentum, values, "o", color=color, markerfacecolor="white",
            markeredgewidth=1.4,
        )  # fmt: skip
    left.plot([data.threshold] * 2, [0, 1], ":", color=INK, linewidth=1.2)
    left.annotate(
        f"$\\beta = {data.threshold:.3f}$", (data.threshold, 0.06), (4, 0),
        textcoords="offset points", color=INK, size=9,
    )  # fmt: skip
    left.set(xlim=(0, 1), ylim=(0, 2.6), xlabel=label("momentum"), ylabel="growth per step")
    left.legend(loc="upper left")
    time = np.arange(data.paths.shape[1])
    for path, kind, color in zip(
        data.paths, data.kinds, (COLORS[0], COLORS[5], COLORS[1]), strict=True
    ):
        right.semilogy(time, path, color=color, label=kind)
    slope = data.paths[2, -1] * data.shown_growth ** (time - time[-1])
    right.semilogy(time, slope, ":", color=INK, linewidth=1.4, zorder=4, label="predicted slope")
    right.set(xlim=(0, time[-1]), xlabel=label("step"), ylabel="distance")
    right.set_title(f"paths at $\\beta = {data.shown_momentum:g}$")
    right.legend(loc="center right", bbox_to_anchor=(1, 0.45), fontsize=8.5)


def _tell_switched_paths(data: SwitchedPaths) -> str:
    height = float(np.interp(data.shown_momentum, data.momentum, data.plateau))
    return (
        "On the robust region every constant curvature contracts at √β, but a curvature that "
        "switches between its edges grows like ((1 + √2)√β)ᵗ, the worst possible: above β = "
        f"{data.threshold:.4f} it diverges although each step alone has radius √β < 1. At β = "
        f"{number(data.shown_momentum)} (right) the radius is {height:.3f} and the switched "
        "path grows "
        f"by {data.shown_growth:.3f} a step. Circles: rates of simulated paths."
    )


SWITCHING = Figure(
    slug="switching-curvature",
    title="The robust region is no promise when the curvature changes",
    source=Citation("zhang2017"),
    claims=("switching-breaks-the-robust-region", "robust-region"),
    compute=_switched_paths,
    draw=_draw_switched_paths,
    caption=_tell_switched_paths,
    panels=(1, 2),
    size=(WIDTH, 3.3),
    quick={"points": 60},
    remark="The paper has the plateau; the growth under switching is ours. We found no earlier "
    "source for it.",
)
