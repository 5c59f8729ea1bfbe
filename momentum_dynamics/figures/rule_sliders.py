"""For notebooks: sliders for the signal and the range of curvatures, and what YellowFin chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import number
from momentum_dynamics.figures.explorers import Explorer, new_slider
from momentum_dynamics.figures.style import COLORS, GRAY, INK, label
from momentum_dynamics.laws import noisy_quadratic, regions, tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.tuning.rule import SingleStep, single_step

__all__ = ["RuleExplorer", "RuleView", "rule_explorer", "rule_view"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleView:
    """YellowFin's choice at one setting, with h_min = C = 1.

    Attributes
    ----------
    signal_to_noise, condition_number : float
        p, and ν = h_max/h_min.
    choice : SingleStep
    least : float
        The least √β whose robust region holds the range of curvatures.
    root : float
        √β of the cubic, without the range.
    """

    signal_to_noise: float
    condition_number: float
    choice: SingleStep
    least: float
    root: float

    @property
    def displacement(self) -> float:
        return float(np.sqrt(2 * self.signal_to_noise))

    @property
    def words(self) -> str:
        """One line."""
        who = "the range" if self.least > self.root else "the noise"
        return (
            f"momentum {self.choice.momentum:.6f}, learning rate "
            f"{number(self.choice.learning_rate, 3)}/h_min: {who} decides"
        )


def rule_view(signal_to_noise: float, condition_number: float) -> RuleView:
    """What YellowFin chooses, and why.

    Parameters
    ----------
    signal_to_noise : float
        p > 0.
    condition_number : float
        ν ≥ 1.

    Returns
    -------
    RuleView

    Raises
    ------
    DomainError
        If a number is not admissible.

    Examples
    --------
    >>> rule_view(0.01, 100.0).words
    'momentum 0.669421, learning rate 0.0331/h_min: the range decides'
    """
    choice = single_step(
        h_max=condition_number, h_min=1.0, variance=1.0, distance=np.sqrt(2 * signal_to_noise)
    )
    return RuleView(
        signal_to_noise=float(signal_to_noise),
        condition_number=float(condition_number),
        choice=choice,
        least=float(tuning.robust_root_momentum(1.0, condition_number)),
        root=float(1 - tuning.cubic_root(signal_to_noise)),
    )


_POINTS, _STEPS = 301, 60


def _draw_objective(view: RuleView, ax: Any) -> None:
    u = np.linspace(0, 1, _POINTS)[1:-1]
    total = tuning.single_step_objective(u, view.displacement, 1.0, 1.0)
    bias = (u * view.displacement) ** 2
    chosen = 1 - view.choice.one_minus_root
    ax.axvspan(0, view.least, color="#eeeeee", linewidth=0)
    ax.semilogy(u, bias, ":", color=COLORS[2], label="bias $\\beta d^2$")
    ax.semilogy(u, total - bias, ":", color=COLORS[1], label="noise $\\alpha^2\\sigma^2$")
    ax.semilogy(u, total, color=COLORS[0], label="both")
    best = tuning.single_step_objective(chosen, view.displacement, 1.0, 1.0)
    ax.plot([chosen], [best], "o", color=INK, markersize=8)
    ax.set(xlim=(0, 1), ylim=(max(total.min() / 30, 1e-12), 5 * total.max()))
    ax.set(xlabel="root of momentum $\\sqrt{\\beta}$", ylabel="objective")
    ax.legend(loc="lower center", fontsize=9)


def _draw_region(view: RuleView, ax: Any) -> None:
    curvature = np.geomspace(0.1, 10 * view.condition_number, _POINTS)
    ball = HeavyBall(learning_rate=view.choice.learning_rate, momentum=view.choice.momentum)
    ax.axvspan(1, view.condition_number, color="#eeeeee", linewidth=0)
    ax.axhline(1, color=GRAY, linewidth=0.8)
    ax.semilogx(curvature, spectral_radius(ball, curvature), color=COLORS[0])
    ends = (
        regions.robust_low_end(view.choice.momentum),
        regions.robust_high_end(view.choice.momentum),
    )
    height = np.sqrt(view.choice.momentum)
    ax.plot(np.array(ends) / view.choice.learning_rate, [height] * 2, color=INK, linewidth=3)
    ax.set(xlabel="curvature $h/h_{\\min}$", ylabel="spectral radius", ylim=(0, 1.5))
    ax.set(xlim=curvature[[0, -1]], title="robust region, and the range")


def _draw_truth(view: RuleView, ax: Any) -> None:
    steps = np.arange(_STEPS + 1)
    rate, momentum, gap = (
        view.choice.learning_rate, view.choice.momentum, view.choice.one_minus_root,
    )  # fmt: skip
    truth = noisy_quadratic.edge_second_moment(gap, 1.0, view.displacement, 1.0, steps)
    stand_in = noisy_quadratic.surrogate_second_moment(
        rate, momentum, view.displacement, 1.0, steps
    )
    ax.semilogy(steps, truth, color=COLORS[0], label="exact")
    ax.semilogy(steps, stand_in, "--", color=COLORS[1], label="stand-in")
    ax.axhline(noisy_quadratic.edge_floor(gap, 1.0, 1.0), color=GRAY, linewidth=1)
    ax.set(xlabel=label("step"), ylabel="$E\\,x^2$ at $h_{\\min}$", xlim=(0, _STEPS))
    ax.legend(loc="best", fontsize=9)


class RuleExplorer(Explorer):
    """YellowFin's objective, the robust region of its choice, and what comes of it.

    Attributes
    ----------
    signal, ratio : ipywidgets.FloatLogSlider
        p and ν.
    readout : ipywidgets.Label
        Begins with ``momentum`` and six digits of it.
    """

    def __init__(self, *, signal_to_noise: float, condition_number: float) -> None:
        self.signal = new_slider(
            "FloatLogSlider", "signal p", signal_to_noise, -6, 4, base=10, step=0.05,
            readout_format=".2g",
        )  # fmt: skip
        self.ratio = new_slider(
            "FloatLogSlider", "range ν", condition_number, 0, 4, base=10, step=0.05,
            readout_format=".3g",
        )  # fmt: skip
        super().__init__(
            {"signal": self.signal, "ratio": self.ratio},
            {
                "where they meet": "the signal at which range and noise ask for the same momentum",
                "no range": "one curvature only",
            },
            (_draw_objective, _draw_region, _draw_truth),
            view=lambda values: rule_view(values["signal"], values["ratio"]),
            target=self._aim,
        )

    def _aim(self, name: str, values: dict[str, float]) -> dict[str, float]:
        if name == "no range":
            return {**values, "ratio": 1.0}
        ratio = max(values["ratio"], 1.01)
        gap = float(tuning.robust_root_gap(1.0, ratio))
        meeting = gap**3 / float(tuning.robust_root_momentum(1.0, ratio))  # the cubic, for p
        return {"ratio": ratio, "signal": meeting}


def rule_explorer(*, signal_to_noise: float = 0.1, condition_number: float = 20.0) -> RuleExplorer:
    """Sliders for the signal and the range of curvatures, and what YellowFin makes of them.

    Parameters
    ----------
    signal_to_noise : float
        p, where the slider stands first.
    condition_number : float
        ν, likewise.

    Returns
    -------
    RuleExplorer

    Raises
    ------
    DomainError
        If ipywidgets is not installed, or a number is not admissible.
    """
    rule_view(signal_to_noise, condition_number)
    return RuleExplorer(signal_to_noise=signal_to_noise, condition_number=condition_number)
