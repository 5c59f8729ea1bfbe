"""YellowFin's one-step rule: the cubic's root, and the minimum it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label, shades
from momentum_dynamics.laws import tuning

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CubicRule:
    """The rule against p, the searched minimum at some p, and the objective at a few."""

    signal_to_noise: Array
    momentum: Array
    learning_rate: Array
    searched_signal: Array
    searched_momentum: Array
    searched_learning_rate: Array
    gap: float
    root_momentum: Array
    shown_signal: Array
    objective: Array
    best_root: Array
    best_objective: Array
    noise_variance: float
    smallest_curvature: float


def _cubic_rule(
    *,
    smallest_curvature: float = 1.0,
    noise_variance: float = 1.0,
    smallest_displacement: float = 1e-3,
    largest_displacement: float = 1e3,
    shown: Sequence[float] = (0.2, 1.0, 5.0),
    searches: int = 13,
    points: int = 200,
) -> CubicRule:
    def signal(displacement: Any) -> Any:
        return tuning.signal_to_noise(displacement, smallest_curvature, noise_variance)

    span = (smallest_displacement, largest_displacement)
    p = signal(np.geomspace(*span, points))
    tried = np.geomspace(*span, searches)
    found = np.array([_searched_root(d, smallest_curvature, noise_variance) for d in tried])
    root = 1 - tuning.cubic_root(p)
    distances = np.atleast_1d(np.asarray(shown, dtype=float))[:, None]
    grid = np.linspace(0, 1, points)
    best = 1 - tuning.cubic_root(signal(distances[:, 0]))

    def objective(u: Array, displacement: Array) -> Array:
        return np.asarray(
            tuning.single_step_objective(u, displacement, smallest_curvature, noise_variance)
        )

    return CubicRule(
        signal_to_noise=p,
        momentum=root**2,
        learning_rate=tuning.robust_learning_rate(1 - root, smallest_curvature),
        searched_signal=signal(tried),
        searched_momentum=found**2,
        searched_learning_rate=tuning.robust_learning_rate(1 - found, smallest_curvature),
        gap=float(np.abs(1 - tuning.cubic_root(signal(tried)) - found).max()),
        root_momentum=grid,
        shown_signal=signal(distances[:, 0]),
        objective=objective(grid, distances),
        best_root=best,
        best_objective=objective(best, distances[:, 0]),
        noise_variance=float(noise_variance),
        smallest_curvature=float(smallest_curvature),
    )


def _searched_root(displacement: float, curvature: float, noise_variance: float) -> float:
    """The √β of least objective, by search."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda u: tuning.single_step_objective(u, displacement, curvature, noise_variance),
        bounds=(0, 1), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    return float(found.x)


def _draw_cubic_rule(data: CubicRule, axes: Any) -> None:
    left, right = axes[0]
    for values, searched, name, color in (
        (data.momentum, data.searched_momentum, label("momentum"), COLORS[0]),
        (
            data.learning_rate * data.smallest_curvature,
            data.searched_learning_rate * data.smallest_curvature,
            "learning rate $\\alpha h_{\\min}$",
            COLORS[1],
        ),
    ):
        left.semilogx(data.signal_to_noise, values, color=color, label=name)
        left.semilogx(
            data.searched_signal, searched, "o", color=color, markerfacecolor="white",
            markeredgewidth=1.4,
        )  # fmt: skip
    left.semilogx([], [], "o", color=INK, markerfacecolor="white", label="minimum, searched")
    left.set(ylim=(-0.03, 1.03), xlabel="signal to noise $p$", ylabel="YellowFin's choice")
    colors = shades(len(data.shown_signal))
    for row, color in enumerate(colors):
        scale = data.noise_variance / data.smallest_curvature**2
        right.semilogy(data.root_momentum, data.objective[row] / scale, color=color)
        right.semilogy(
            data.best_root[row], data.best_objective[row] / scale, "o", color=color, markersize=7,
            markeredgecolor="white",
        )  # fmt: skip
        right.annotate(
            f"$p = {data.shown_signal[row]:g}$", (1, data.objective[row, -1] / scale), (4, 0),
            textcoords="offset points", va="center", color=INK, size=9, annotation_clip=False,
        )  # fmt: skip
    right.set(xlim=(0, 1), xlabel="root of momentum $\\sqrt{\\beta}$")
    right.set_ylabel("$\\beta d^2 + \\alpha^2\\sigma^2$, in $\\sigma^2/h_{\\min}^2$")
    left.figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=3
    )  # fmt: skip


def _tell_cubic_rule(data: CubicRule) -> str:
    low, high = data.signal_to_noise[[0, -1]]
    return (
        "YellowFin's one-step rule: the momentum and learning rate that minimize βd² + α²σ² with "
        "α = (1 − √β)²/h_min. Both depend on p = d²h_min²/(2σ²) only: much noise asks for "
        f"momentum near one and a tiny step (β = {data.momentum[0]:.3f} at p = "
        f"{number(low, 2)}), little "
        f"noise for neither ({number(data.momentum[-1], 2)} at p = {number(high, 2)}). Lines: "
        "one root of "
        "a cubic; circles: the minimum searched, which differs in √β by at most "
        f"{number(data.gap, 1)}. "
        "Right: the objective, with its minimum by the rule."
    )


CUBIC = Figure(
    slug="yellowfin-cubic",
    title="YellowFin reads its momentum off the signal-to-noise ratio",
    source=Citation("zhang2017"),
    claims=("yellowfin-cubic-has-one-root", "yellowfin-momentum-falls-with-the-signal"),
    compute=_cubic_rule,
    draw=_draw_cubic_rule,
    caption=_tell_cubic_rule,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"points": 60, "searches": 7},
    remark="Without the lower bound on momentum that the condition number sets.",
)
