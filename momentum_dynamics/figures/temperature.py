"""Noise as heat: the temperature of one minimum, and two wells that are shared and left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.temperature import WELL_TEMPERATURE
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import generalization, noise
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.problems import DoubleWell, Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.wells import (
    gibbs_occupation,
    limit_exit_time,
    simulate_well,
)

__all__: list[str] = []

Array = NDArray[np.float64]


# Temperature -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Temperatures:
    """Curvature times variance over temperature: exact ``(kinds, momenta, steps)``, measured."""

    momentum: Array
    effective_learning_rate: Array
    kinds: tuple[str, ...]
    exact: Array
    measured_step: Array
    measured: Array
    error: Array
    replicas: int
    seed: int


def _temperatures(
    *,
    momentum: Sequence[float] = (0.0, 0.5, 0.9),
    points: int = 60,
    replicas: int = 20_000,
    seed: int = 6,
) -> Temperatures:
    betas = np.asarray(momentum, dtype=float)
    steps = np.geomspace(1e-3, 1.0, points)
    rates = steps * (1 - betas[:, None])
    heat = generalization.temperature(rates, betas[:, None], 1.0)
    exact = [
        np.asarray(
            stationary_variance(kind(learning_rate=rates, momentum=betas[:, None]), 1.0, 1.0)
        )
        / heat
        for kind in (HeavyBall, Nesterov)
    ]
    tried, rng = np.geomspace(2e-3, 1.0, 7), np.random.default_rng(seed)
    measured, error = [], []
    for beta in betas:
        rows = np.asarray(tried * (1 - beta))
        run = simulate(
            HeavyBall(learning_rate=rows, momentum=float(beta)), Quadratic([1.0]),
            steps=8000, replicas=replicas, noise_variance=1.0, seed=rng, engine="jump",
            stride=8000, start=np.zeros(1),
        )  # fmt: skip
        squares = np.asarray(run.outputs)[-1][..., 0] ** 2
        own = generalization.temperature(rows, float(beta), 1.0)
        measured.append(squares.mean(axis=-1) / own)
        error.append(squares.std(axis=-1, ddof=1) / np.sqrt(replicas) / own)
    return Temperatures(
        momentum=betas,
        effective_learning_rate=steps,
        kinds=("heavy-ball", "nesterov"),
        exact=np.array(exact),
        measured_step=tried,
        measured=np.array(measured),
        error=np.array(error),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_temperatures(data: Temperatures, ax: Any) -> None:
    ax.axhline(1, color=INK, linewidth=0.8)
    for place, (beta, color) in enumerate(zip(data.momentum, COLORS, strict=False)):
        ax.semilogx(
            data.effective_learning_rate, data.exact[0, place], color=color,
            label=f"$\\beta = {beta:g}$",
        )  # fmt: skip
        ax.semilogx(data.effective_learning_rate, data.exact[1, place], ":", color=color)
        ax.errorbar(
            data.measured_step, data.measured[place], 2 * data.error[place], fmt="o", color=color,
            markersize=4, markerfacecolor="white",
        )  # fmt: skip
    ax.plot([], [], ":", color=GRAY, label="Nesterov")
    ax.set(xlabel="effective step times curvature", ylabel="$h\\,$Var over $T$", ylim=(0, 2.1))
    ax.legend()


def _tell_temperatures(data: Temperatures) -> str:
    small = data.exact[:, :, 0]
    return (
        "The settled variance of one direction times its curvature over the temperature T = "
        "ασ²/(2(1 − β)): heavy ball exactly (lines) and by "
        f"{data.replicas:,} replicas (dots, ±2 standard errors), Nesterov's method exactly "
        f"(dotted). At {number(float(data.effective_learning_rate[0]))} all lie from "
        f"{small.min():.3f} to {small.max():.3f}: small steps know the effective step only. For "
        "larger ones momentum is colder than plain descent at equal effective step. Seed "
        f"{data.seed}."
    )


TEMPERATURES = Figure(
    slug="temperature-collapse",
    title="In noise small steps have one temperature, that of the effective step",
    source=Citation(None),
    claims=("temperature-of-heavy-ball",),
    compute=_temperatures,
    draw=_draw_temperatures,
    caption=_tell_temperatures,
    size=(WIDTH, 3.6),
    quick={"points": 20, "replicas": 400},
)


# Wells -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Exits:
    """Effective times of exit and shares ``(normalizations, momenta)``, with errors and laws."""

    momentum: Array
    normalizations: tuple[str, ...]
    time: Array
    time_error: Array
    predicted_time: Array
    share: Array
    share_error: Array
    predicted_share: Array
    temperature: float
    replicas: int
    seed: int


def _exits(
    *,
    momentum: Sequence[float] = (0.0, 0.3, 0.5, 0.65, 0.8, 0.9),
    effective_learning_rate: float = 0.008,
    replicas: int = 1000,
    seed: int = 8,
) -> Exits:
    step, heat = effective_learning_rate, WELL_TEMPERATURE
    betas = np.asarray(momentum, dtype=float)
    even, tilted = DoubleWell(), DoubleWell(top=-0.1)
    noise_variance = 2 * heat / step
    rows = []
    for is_effective in (True, False):
        row = []
        for place, beta in enumerate(betas.tolist()):
            rate = step * (1 - beta) if is_effective else step
            ball = HeavyBall(learning_rate=rate, momentum=beta)
            top = -float(even.curvature(np.array(even.top)))
            inertia = float(generalization.inertia_factor(rate, beta, top))
            own = float(noise.effective_learning_rate(rate, beta))
            found = float(generalization.temperature(rate, beta, noise_variance))
            left = simulate_well(
                ball, even, noise_variance=noise_variance, steps=round(400 / step),
                replicas=replicas, until_exit=True, seed=seed + place,
            )  # fmt: skip
            shared = simulate_well(
                ball, tilted, noise_variance=noise_variance, steps=round(60 / own),
                replicas=2 * replicas, seed=seed + 100 + place,
            )  # fmt: skip
            row.append((
                own * left.mean_exit, own * left.exit_error,
                limit_exit_time(even, found) * inertia,
                shared.occupation, shared.occupation_error, gibbs_occupation(tilted, found),
            ))  # fmt: skip
        rows.append(row)
    table = np.array(rows)
    return Exits(
        momentum=betas,
        normalizations=("equal effective learning rate", "equal learning rate"),
        time=table[..., 0],
        time_error=table[..., 1],
        predicted_time=table[..., 2],
        share=table[..., 3],
        share_error=table[..., 4],
        predicted_share=table[..., 5],
        temperature=heat,
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_exits(data: Exits, axes: Any) -> None:
    left, right = axes[0]
    for place, (name, color) in enumerate(zip(data.normalizations, COLORS, strict=False)):
        for ax, values, error, law in (
            (left, data.time, data.time_error, data.predicted_time),
            (right, data.share, data.share_error, data.predicted_share),
        ):
            ax.plot(data.momentum, law[place], color=color, linewidth=1.3)
            ax.errorbar(
                data.momentum, values[place], 2 * error[place], fmt="o", color=color, markersize=5,
                markerfacecolor="white", label=name,
            )  # fmt: skip
    left.set(xlabel=label("momentum"), ylabel="effective time to leave", yscale="log")
    left.set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"])
    left.minorticks_off()
    right.set(xlabel=label("momentum"), ylabel="share in the flat, shallow well", ylim=(0.15, 0.65))
    right.legend(fontsize=8.5, loc="upper left")


def _tell_exits(data: Exits) -> str:
    times, shares = data.time, data.share
    return (
        f"A double well with a barrier of 1 at temperature {number(data.temperature)} without "
        f"momentum, {data.replicas:,} replicas, ±2 standard errors. Left: the effective time from "
        f"one minimum to the other. At equal effective learning rate it is {times[0, 0]:.1f} "
        f"without momentum and {times[0, -1]:.1f} with β = {data.momentum[-1]:g}, later by inertia "
        f"as predicted (line); at equal learning rate it falls to {times[1, -1]:.2g}. Right: the "
        f"share of runs in the flat, shallow one of two wells: {shares[0, 0]:.3f} and "
        f"{shares[0, -1]:.3f} at equal effective learning rate, {shares[1, -1]:.3f} at equal "
        "learning rate, beside exp(−V/T) (lines). Where the temperature is above the "
        f"barrier, inertia keeps times above the line. Seed {data.seed}."
    )


EXITS = Figure(
    slug="exits-from-a-well",
    title="Momentum leaves a well because its step is longer, not because it rolls",
    source=Citation("kramers1940"),
    claims=(
        "momentum-leaves-a-well-no-sooner",
        "momentum-shares-two-wells-as-its-effective-step-does",
    ),
    compute=_exits,
    draw=_draw_exits,
    caption=_tell_exits,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"momentum": (0.0, 0.5), "replicas": 50, "effective_learning_rate": 0.05},
)
