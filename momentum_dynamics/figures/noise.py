"""The noise floor against momentum, under three ways of holding something equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws import noise, regions, tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseFloors:
    """Law and stand-in ``(rules, points)``, simulated variance ``(rules, measured)``."""

    rules: NDArray[np.str_]
    learning_rate: float
    effective_learning_rate: float
    curvature: float
    noise_variance: float
    momentum: Array
    floor: Array
    surrogate: Array
    measured_momentum: Array
    measured: Array
    error: Array
    replicas: int
    seed: int


def _noise_floors(
    *,
    learning_rate: float = 0.1,
    effective_learning_rate: float = 1.0,
    curvature: float = 1.0,
    noise_variance: float = 1.0,
    momentum: Sequence[float] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95),
    replicas: int = 10_000,
    points: int = 200,
    seed: int = 2,
) -> NoiseFloors:
    chosen = np.atleast_1d(np.asarray(momentum, dtype=float))
    line = np.linspace(chosen.min(), chosen.max(), points)
    # The law is linear in the learning rate: one unit tells how much a given effective rate is.
    rules: dict[str, Callable[[Array], Array]] = {
        "equal learning rate": lambda beta: np.full_like(beta, learning_rate),
        "equal effective rate": lambda beta: (
            effective_learning_rate / noise.effective_learning_rate(1, beta)
        ),
        "YellowFin's edge": lambda beta: tuning.robust_learning_rate(1 - np.sqrt(beta), curvature),
    }
    floors, surrogates, measured, errors = [], [], [], []
    for index, rule in enumerate(rules.values()):
        balls = HeavyBall(learning_rate=rule(line), momentum=line)
        floors.append(stationary_variance(balls, curvature, noise_variance))
        stand_in = noise.surrogate_variance(rule(line), line, noise_variance)
        # On the edge itself rounding decides, so the region is taken a hair wider.
        nearly = rule(line) * (1 + _HAIR)
        surrogates.append(np.where(regions.is_robust(nearly, line, curvature), stand_in, np.nan))
        found = [
            _simulated_floor(
                HeavyBall(learning_rate=float(rule(beta)), momentum=float(beta)),
                curvature, noise_variance, replicas, np.random.SeedSequence([seed, index, place]),
            )
            for place, beta in enumerate(chosen)
        ]  # fmt: skip
        measured.append([variance for variance, _ in found])
        errors.append([error for _, error in found])
    return NoiseFloors(
        rules=np.array(list(rules)),
        learning_rate=float(learning_rate),
        effective_learning_rate=float(effective_learning_rate),
        curvature=float(curvature),
        noise_variance=float(noise_variance),
        momentum=line,
        floor=np.array(floors),
        surrogate=np.array(surrogates),
        measured_momentum=chosen,
        measured=np.array(measured),
        error=np.array(errors),
        replicas=int(replicas),
        seed=int(seed),
    )


_HAIR = 1e-9
_SETTLED = 6.0
"""Decades of e that the transient of the variance has shrunk by when it is read."""


def _simulated_floor(
    method: HeavyBall,
    curvature: float,
    noise_variance: float,
    replicas: int,
    seed: np.random.SeedSequence,
) -> tuple[float, float]:
    """Variance over settled replicas, and its standard error."""
    radius = max(float(spectral_radius(method, curvature)), 0.5)
    run = simulate(
        method, Quadratic([curvature]), steps=int(_SETTLED / -np.log(radius)) + 10,
        start=np.zeros(1), replicas=replicas, noise_variance=noise_variance, record="moments",
        seed=seed,
    )  # fmt: skip
    return float(run.variance[-1, 0]), float(run.variance_error[-1, 0])


def _draw_noise_floors(data: NoiseFloors, axes: Any) -> None:
    for index, ax in enumerate(axes[0]):
        ax.semilogy(data.momentum, data.floor[index], color=COLORS[0], label="law")
        ax.errorbar(
            data.measured_momentum, data.measured[index], 2 * data.error[index], fmt="o",
            color=COLORS[0], markerfacecolor="white", markeredgewidth=1.4, label="simulated",
        )  # fmt: skip
        ax.semilogy(
            data.momentum,
            data.surrogate[index],
            "--",
            color=COLORS[1],
            label="YellowFin's stand-in",
        )
        ax.set(xlim=(0, 1), xlabel=label("momentum"))
        ax.set_xticks([0, 0.5, 1])
    axes[0, 0].set_title(f"equal $\\alpha = {data.learning_rate:g}$")
    axes[0, 1].set_title(f"equal $\\alpha/(1-\\beta) = {data.effective_learning_rate:g}$")
    axes[0, 2].set_title("$\\alpha = (1-\\sqrt{\\beta})^2/h$")
    axes[0, 0].set_ylabel("stationary variance")
    last = axes[0, 2]
    ratio = data.floor[2, -1] / data.surrogate[2, -1]
    place = data.momentum[-1]
    last.annotate(
        "", (place, data.floor[2, -1]), (place, data.surrogate[2, -1]),
        arrowprops={"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    last.annotate(
        f"× {ratio:.3g}", (place, data.surrogate[2, -1]), (-14, 1), textcoords="offset points",
        ha="right", color=INK,
    )  # fmt: skip
    axes[0, 0].figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3
    )


def _tell_noise_floors(data: NoiseFloors) -> str:
    first, last = data.floor[:, 0], data.floor[:, -1]
    ratio = last[2] / data.surrogate[2, -1]
    return (
        f"Stationary variance of heavy ball on curvature {number(data.curvature)} under "
        "gradient noise "
        f"of variance {number(data.noise_variance)}. At equal learning rate "
        f"{number(data.learning_rate)} "
        f"momentum raises it where αh < 1 + β ({number(first[0], 3)} to {number(last[0], 3)} at "
        f"β = {number(data.momentum[-1])}); at "
        f"equal effective rate α/(1 − β) = {number(data.effective_learning_rate)} it lowers it "
        f"({number(first[1], 3)} to {number(last[1], 3)}). YellowFin's stand-in α²σ²/(1 − β), "
        "drawn on the "
        "robust region, is no upper bound: at the edge where the rule works the truth is "
        f"{number(ratio, 3)} times larger at β = {number(data.momentum[-1])}. Dots: "
        f"{data.replicas:,} replicas "
        f"with ±2 standard errors, seed {data.seed}."
    )


NOISE = Figure(
    slug="noise-floor",
    title="Momentum raises the noise floor, or lowers it: it depends on what is held equal",
    source=Citation("zhang2017"),
    claims=(
        "noise-floor-of-heavy-ball",
        "surrogate-is-an-upper-bound",
        "momentum-raises-the-noise-floor",
    ),
    compute=_noise_floors,
    draw=_draw_noise_floors,
    caption=_tell_noise_floors,
    panels=(1, 3),
    size=(WIDTH, 3.1),
    quick={"replicas": 400, "momentum": (0.0, 0.5, 0.9), "points": 60},
    remark="The stand-in is the paper's; the exact floor of an eigenvalue is in Mohammadi et al. "
    "(2021); the comparison is ours.",
)
