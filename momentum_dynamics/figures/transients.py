"""Before the rate sets in: overshoot from rest, pseudospectra, and how both grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.transients import (
    kreiss_constant,
    pseudospectrum,
    transient_peak,
)
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.plots import draw_pseudospectrum
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import optima, transients
from momentum_dynamics.methods import HeavyBall, Method, Scheduled
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Overshoot:
    """Worst distances ``(condition numbers, steps + 1)``, NaN after the shown steps."""

    condition_number: Array
    step: Array
    rate: Array
    rest: Array
    balanced: Array
    nesterov: Array
    rest_envelope: Array
    balanced_envelope: Array


def _overshoot(
    *, condition_number: Sequence[float] = (100.0, 10_000.0), modes: int = 200
) -> Overshoot:
    kappas = np.asarray(condition_number, dtype=float)
    longest = int(6 * np.sqrt(kappas.max()))
    steps = np.arange(longest + 1)
    wave = (1 - np.cos(np.linspace(0, np.pi, modes))) / 2

    def worst(method: Method, kappa: float) -> Array:
        count = int(6 * np.sqrt(kappa))
        run = simulate(method, Quadratic(1 + (kappa - 1) * wave), steps=count)
        found = np.full(longest + 1, np.nan)
        found[: count + 1] = np.abs(run.outputs).max(axis=-1)
        return found

    rows: dict[str, list[Array]] = {name: [] for name in ("rest", "balanced", "nesterov")}
    for kappa in kappas:
        ball: Any = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
        first = transients.balanced_step(ball.learning_rate, ball.momentum)
        balanced = Scheduled(
            stages=[
                HeavyBall(learning_rate=rate, momentum=ball.momentum)
                for rate in (first, ball.learning_rate)
            ]
        )
        standard = tune(
            "nesterov", smallest_curvature=1.0, largest_curvature=kappa, objective="smooth-convex"
        )
        for name, method in (("rest", ball), ("balanced", balanced), ("nesterov", standard)):
            rows[name].append(worst(method, float(kappa)))
    momentum = optima.heavy_ball_rate(kappas[:, None]) ** 2
    shown = steps <= 6 * np.sqrt(kappas[:, None])
    return Overshoot(
        condition_number=kappas,
        step=steps.astype(float),
        rate=np.where(shown, optima.heavy_ball_rate(kappas[:, None]) ** steps, np.nan),
        rest=np.array(rows["rest"]),
        balanced=np.array(rows["balanced"]),
        nesterov=np.array(rows["nesterov"]),
        rest_envelope=np.where(shown, transients.rest_envelope(momentum, steps), np.nan),
        balanced_envelope=np.where(shown, transients.balanced_envelope(momentum, steps), np.nan),
    )


def _draw_overshoot(data: Overshoot, axes: Any) -> None:
    for column, ax in enumerate(axes[0]):
        shown = np.isfinite(data.rest[column])
        step = data.step[shown]
        every = max(1, len(step) // 16)
        ax.axhline(1, color="#bbbbbb", linewidth=0.8)
        ax.semilogy(step, data.rate[column][shown], ":", color=INK, linewidth=1.4)
        for color, envelope, path in (
            (COLORS[1], data.rest_envelope, data.rest),
            (COLORS[0], data.balanced_envelope, data.balanced),
        ):
            ax.semilogy(step, envelope[column][shown], color=color)
            ax.semilogy(
                step[::every], path[column][shown][::every], "o", color=color, markersize=4,
                markerfacecolor="white", markeredgewidth=1.2,
            )  # fmt: skip
        ax.semilogy(step, data.nesterov[column][shown], "--", color=COLORS[2], linewidth=1.4)
        ax.set(
            xlabel=label("step"), ylim=(1e-4, 80),
            title=f"$\\kappa = {data.condition_number[column]:,.0f}$".replace(",", "\\,"),
        )  # fmt: skip
    axes[0, 0].set_ylabel("the largest distance left")
    for ax in axes[0, 1:]:
        ax.set_yticklabels([])
    ax = axes[0, 0]
    handles = [
        *ax.plot([], [], color=COLORS[1]), *ax.plot([], [], color=COLORS[0]),
        *ax.plot([], [], "--", color=COLORS[2], linewidth=1.4),
        *ax.plot([], [], ":", color=INK, linewidth=1.4),
    ]  # fmt: skip
    ax.figure.legend(
        handles, ["full first step", "first step α/(1 + β)", "Nesterov", "the rate $r^t$"],
        loc="outside lower center", ncols=4, fontsize=9,
    )  # fmt: skip


def _tell_overshoot(data: Overshoot) -> str:
    told = []
    for row, kappa in enumerate(data.condition_number):
        step = int(np.nanargmax(data.rest[row]))
        told.append(
            f"{data.rest[row, step]:.3g} times the start after {step} steps at κ = {number(kappa)}"
        )
    high = float(np.nanmax(data.balanced))
    return (
        "The largest distance over all modes of tuned heavy ball from rest (lines: laws; dots: "
        f"runs). With a full first step it reaches {' and '.join(told)}, near √κ/e; the stiffest "
        "mode does it. With first step α/(1 + β), which is gradient descent's best, it never "
        f"exceeds {number(high, 3)}, and soon both fall at the same rate (dotted). Nesterov's "
        "method (dashed) does not overshoot from rest."
    )


OVERSHOOT = Figure(
    slug="overshoot",
    title="Heavy ball overshoots because its first step is too long",
    source=Citation("mohammadi2021"),
    claims=(
        "tuned-heavy-ball-overshoots-by-root-kappa",
        "a-smaller-first-step-removes-the-overshoot",
        "heavy-ball-residual-polynomials",
        "nesterov-overshoots-from-some-starts",
    ),
    compute=_overshoot,
    draw=_draw_overshoot,
    caption=_tell_overshoot,
    panels=(1, 2),
    size=(WIDTH, 3.6),
    quick={"condition_number": (100.0, 1000.0), "modes": 60},
    remark="The comparison of first steps is ours.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Powers:
    """The pseudospectrum of one loop, and the growth of powers against the condition number."""

    condition_number: float
    eigenvalues: NDArray[np.complex128]
    real: Array
    imaginary: Array
    distance: Array
    levels: Array
    radius: Array
    kappa: Array
    kreiss: Array
    power_norm: Array
    peak: Array


def _powers(
    *,
    condition_number: float = 100.0,
    levels: Sequence[float] = (0.003, 0.01, 0.03, 0.1),
    points: int = 161,
    kappa: Sequence[float] = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0),
) -> Powers:
    def tuned(value: float) -> Any:
        return tune("heavy-ball", smallest_curvature=1.0, largest_curvature=value)

    found = pseudospectrum(tuned(condition_number), float(condition_number), levels, points=points)
    values = np.asarray(kappa, dtype=float)
    peaks = [transient_peak(tuned(value), float(value)) for value in values]
    return Powers(
        condition_number=float(condition_number),
        eigenvalues=found.eigenvalues,
        real=found.real,
        imaginary=found.imaginary,
        distance=found.distance,
        levels=found.levels,
        radius=found.radius,
        kappa=values,
        kreiss=np.array([kreiss_constant(tuned(value), float(value)) for value in values]),
        power_norm=np.array([float(peak.power_norm) for peak in peaks]),
        peak=np.array([float(peak.value) for peak in peaks]),
    )


def _draw_powers(data: Powers, axes: Any) -> None:
    left, right = axes[0]
    draw_pseudospectrum(data, left)
    left.set_title(f"stiffest mode, $\\kappa = {data.condition_number:g}$")
    right.fill_between(
        data.kappa, data.kreiss, 2 * np.e * data.kreiss, color=GRAY, alpha=0.25, linewidth=0,
        label="Kreiss: from $K$ to $2eK$",
    )  # fmt: skip
    right.loglog(data.kappa, data.power_norm, "o-", color=COLORS[1], label="largest $\\|M^k\\|$")
    right.loglog(data.kappa, data.peak, "s--", color=COLORS[0], label="largest distance from rest")
    right.loglog(
        data.kappa, np.sqrt(data.kappa) / np.e, ":", color=INK, label="$\\sqrt{\\kappa}/e$"
    )
    right.set(xlabel=label("condition_number"), title="how large it gets")
    right.legend(fontsize=9)


def _tell_powers(data: Powers) -> str:
    outside = data.levels[data.radius > 1]
    reach = (
        f"a change of norm {number(float(outside[0]))} already moves an eigenvalue out of the unit "
        "circle"
        if len(outside)
        else "no change shown moves an eigenvalue out of the unit circle"
    )
    row = int(np.argmin(np.abs(data.kappa - data.condition_number)))
    return (
        f"Left: where changes of the transition matrix of norm ε can move the double eigenvalue "
        f"of tuned heavy ball's stiffest mode; {reach}. Right: the nearer to defective, the larger "
        f"the powers. At κ = {number(float(data.kappa[row]))} the Kreiss constant is "
        f"{data.kreiss[row]:.3f}, the largest power {data.power_norm[row]:.3f}, the largest "
        f"distance from rest {data.peak[row]:.3f}; all grow like √κ."
    )


POWERS = Figure(
    slug="pseudospectra",
    title="The tuned method sits at a defective matrix, and its powers show it",
    source=Citation(None),
    claims=("kreiss-constant-brackets-the-powers", "tuned-heavy-ball-overshoots-by-root-kappa"),
    compute=_powers,
    draw=_draw_powers,
    caption=_tell_powers,
    panels=(1, 2),
    size=(WIDTH, 3.5),
    quick={"points": 81, "kappa": (3.0, 30.0, 300.0)},
)
