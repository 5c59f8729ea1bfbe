"""YellowFin's rule over all its inputs, and the digits of the root behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.tuner_rule import exact_roots, relative_error
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import tuning
from momentum_dynamics.tuning.rule import single_step

__all__: list[str] = []

Array = NDArray[np.float64]


# Digits of the root ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RootErrors:
    """Relative errors of √β against 60 digits, by formula and p, and of 1 − √β."""

    signal_to_noise: Array
    formulas: NDArray[np.str_]
    error: Array
    gap_error: Array
    floor: float


_NO_DIGITS, _LEAST, _MOST = 1.0, 3e-17, 1e19
"""Where an error leaves no digit, and the ends of what is drawn."""


def _root_errors(
    *, smallest: float = 1e-24, largest: float = 1e24, floor: float = 1e-6, points: int = 385
) -> RootErrors:
    p = np.geomspace(smallest, largest, points)
    roots, gaps = exact_roots(p)
    gap = tuning.cubic_root(p)
    with np.errstate(all="ignore"):
        found = {
            "released code": tuning.released_cubic_root(p, floor),
            "the same without its floor": tuning.released_cubic_root(p, 0.0),
            "this project": tuning.best_root_momentum(gap, p),
        }
    return RootErrors(
        signal_to_noise=p,
        formulas=np.array(list(found)),
        # At the pole itself a formula has no value.
        error=np.nan_to_num(
            [relative_error(values, roots) for values in found.values()], nan=_MOST, posinf=_MOST
        ),
        gap_error=relative_error(gap, gaps),
        floor=float(floor),
    )


def _draw_root_errors(data: RootErrors, ax: Any) -> None:
    ax.axhspan(_NO_DIGITS, _MOST, color="#f3f3f3", linewidth=0)
    for errors, name, color in zip(
        data.error, data.formulas, (COLORS[1], COLORS[4], COLORS[0]), strict=True
    ):
        shown = np.clip(errors, _LEAST, _MOST)
        ax.loglog(data.signal_to_noise, shown, ".", color=color, markersize=3.5, label=name)
    ax.text(
        data.signal_to_noise[0] * 3, 30, "no digit is right", color=INK, size=9, va="bottom"
    )  # fmt: skip
    pole = data.floor**3
    ax.annotate(
        f"pole at $p = \\varepsilon^3 = 10^{{{round(np.log10(pole))}}}$", (pole, 1e-11), (0, 34),
        textcoords="offset points", color=INK, size=9, ha="center",
        arrowprops={"arrowstyle": "-", "color": GRAY},
    )  # fmt: skip
    ax.set(xlabel="signal to noise $p$", ylabel="relative error of $\\sqrt{\\beta}$")
    ax.set(xlim=data.signal_to_noise[[0, -1]], ylim=(_LEAST / 1.5, _MOST))
    ax.legend(loc="upper left", markerscale=2.5)


def _tell_root_errors(data: RootErrors) -> str:
    ours = max(data.error[-1].max(), data.gap_error.max())
    decades = np.log10(data.signal_to_noise[-1] / data.signal_to_noise[0])
    lost = data.signal_to_noise[(data.error[0] > 1e-2) & (data.signal_to_noise > 1)][0]
    bare = data.signal_to_noise[(data.error[1] > 1e-2) & (data.signal_to_noise > 1)][0]
    return (
        "The root of YellowFin's cubic, √β, by three formulas in double precision, against 60 "
        "digits. Vieta's substitution in the released code subtracts near-equal numbers twice, and "
        f"its floor ε = {number(data.floor, 1)} makes a pole at p = ε³, where gradients that are "
        f"all zero lead: less than two digits are right from p = {number(lost, 2)} on, without the "
        f"floor from {number(bare, 2)} on. 1/(t + 1/3 + 1/(9t)) for 1 − √β, and its cube over p "
        f"for √β, are wrong by at most {number(ours, 2)} over {decades:.0f} decades."
    )


ROOT_ERRORS = Figure(
    slug="cubic-root-precision",
    title="The same root, with all digits and with none",
    source=Citation("zhang2017"),
    claims=("yellowfin-root-has-all-digits-over-48-decades", "released-root-is-accurate"),
    compute=_root_errors,
    draw=_draw_root_errors,
    caption=_tell_root_errors,
    size=(WIDTH, 3.8),
    quick={"points": 49},
    remark="The formula is that of the released code, not of the paper.",
)


# The choice over all inputs --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleSurfaces:
    """The rule on a grid ``(signals, ratios)``, and from which signal on the range decides."""

    condition_number: Array
    signal_to_noise: Array
    momentum: Array
    step: Array
    edge_signal: Array


_NARROWEST = 1.01
"""The smallest range drawn; at 1 no signal is large enough for the range to decide."""


def _rule_surfaces(
    *,
    largest_ratio: float = 1e6,
    smallest_signal: float = 1e-8,
    largest_signal: float = 1e8,
    points: int = 161,
) -> RuleSurfaces:
    ratio = np.geomspace(_NARROWEST, largest_ratio, points)
    signal = np.geomspace(smallest_signal, largest_signal, points)
    step = single_step(h_max=ratio, h_min=1.0, variance=0.5, distance=np.sqrt(signal)[:, None])
    edge = tuning.balanced_signal(
        tuning.robust_root_momentum(1.0, ratio), tuning.robust_root_gap(1.0, ratio)
    )
    return RuleSurfaces(
        condition_number=ratio,
        signal_to_noise=signal,
        momentum=step.momentum,
        step=step.learning_rate * ratio,
        edge_signal=edge,
    )


_LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 0.997, 0.999)
"""Of momentum: near one a small difference counts."""


def _draw_rule_surfaces(data: RuleSurfaces, axes: Any) -> None:
    from matplotlib.colors import BoundaryNorm

    left, right = axes[0]
    grid = data.condition_number, data.signal_to_noise
    drawn = (
        (left, data.momentum, _LEVELS, label("momentum")),
        (right, data.step, 10.0 ** np.arange(-6, 0.7, 0.5), "$\\alpha h_{\\max}$"),
    )
    for ax, values, levels, words in drawn:
        norm = BoundaryNorm([*levels, 1.01 * values.max()], 256)
        filled = ax.contourf(*grid, values, norm.boundaries, cmap="viridis", norm=norm)
        bar = ax.figure.colorbar(filled, ax=ax, shrink=0.95)
        bar.set_ticks(levels[::2], labels=[number(level) for level in levels[::2]])
        ax.plot(data.condition_number, data.edge_signal, color="white", linewidth=2.2)
        # Beside the bar the words would be read as an axis of the next panel.
        ax.set(xscale="log", yscale="log", xlabel="range of curvatures $\\nu$", title=words)
        ax.set(xlim=grid[0][[0, -1]], ylim=grid[1][[0, -1]])
    left.set_ylabel("signal to noise $p$")
    right.set_yticklabels([])
    for place, words in (((0.97, 0.95), "the range decides"), ((0.03, 0.05), "the noise decides")):
        left.text(
            *place, words, transform=left.transAxes, color="white", size=9,
            ha="right" if place[0] > 0.5 else "left", va="top" if place[1] > 0.5 else "bottom",
            bbox={"boxstyle": "round,pad=0.2", "fc": "#00000066", "ec": "none"},
        )  # fmt: skip


def _tell_rule_surfaces(data: RuleSurfaces) -> str:
    rows = [int(np.argmin(np.abs(np.log(data.signal_to_noise / value)))) for value in (1e-4, 1e4)]
    column = int(np.argmin(np.abs(np.log(data.condition_number / 100))))
    told = " and ".join(
        f"β = {data.momentum[row, column]:.3f}, αh_max = {number(data.step[row, column], 2)} at "
        f"p = {number(data.signal_to_noise[row], 1)}"
        for row in rows
    )
    return (
        "YellowFin's choice over the range of curvatures ν = h_max/h_min and the signal p = "
        "d²h_min²/(2σ²). Above the white line the range decides: momentum is Polyak's "
        "((√ν − 1)/(√ν + 1))², whatever the noise. Below it the noise does: momentum is the root "
        f"of the cubic, whatever the range. At ν = {number(data.condition_number[column], 2)}: "
        f"{told}."
    )


SURFACES = Figure(
    slug="yellowfin-surfaces",
    title="Either the range of curvatures or the noise sets YellowFin's momentum",
    source=Citation("zhang2017"),
    claims=(
        "yellowfin-momentum-falls-with-the-signal",
        "the-robust-rule-admits-a-learning-rate-from-polyaks-momentum-on",
    ),
    compute=_rule_surfaces,
    draw=_draw_rule_surfaces,
    caption=_tell_rule_surfaces,
    panels=(1, 2),
    size=(WIDTH, 3.3),
    quick={"points": 41},
    remark="The paper has the rule; the picture is ours.",
)
