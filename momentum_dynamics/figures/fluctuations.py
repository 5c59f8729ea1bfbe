"""A settled run against theory: how often it is where, how it swings, how long it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.fluctuations import autocorrelation, power_spectrum
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws import noise
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fluctuations:
    """Theory and measurement of settled runs; errors are standard errors over runs."""

    seed: int
    learning_rate: float
    momentum: float
    variance: float
    edges: Array
    share: Array
    frequency: Array
    spectrum: Array
    measured_spectrum: Array
    spectrum_error: Array
    resonance: float
    lag: Array
    correlation: Array
    measured_correlation: Array
    correlation_error: Array


def _fluctuations(
    *,
    learning_rate: float = 0.3,
    momentum: float = 0.8,
    steps: int = 4095,
    runs: int = 64,
    lags: int = 40,
    seed: int = 7,
) -> Fluctuations:
    from scipy.signal import welch

    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    begun, follow = np.random.SeedSequence(seed).spawn(2)
    settled = simulate(
        ball, Quadratic([1.0]), steps=4096, stride=4096, replicas=runs, noise_variance=1.0,
        engine="jump", seed=begun,
    ).outputs[-1]  # fmt: skip
    path = simulate(
        ball, Quadratic([1.0]), steps=steps + 100, replicas=runs, noise_variance=1.0,
        start=settled, seed=follow,
    ).outputs[100:, :, 0]  # fmt: skip
    variance = float(stationary_variance(ball, 1.0, 1.0))
    edges = np.linspace(-4, 4, 41) * np.sqrt(variance)
    counts, _ = np.histogram(path, bins=edges)
    cycles, density = welch(path, nperseg=256, axis=0, detrend=False)
    lag = np.arange(lags + 1)
    products = np.array([(path[: len(path) - k] * path[k:]).mean(axis=0) for k in lag]) / variance
    omega = 2 * np.pi * cycles
    cosine = noise.resonance_cosine(learning_rate, momentum, 1.0)
    return Fluctuations(
        seed=int(seed),
        learning_rate=float(learning_rate),
        momentum=float(momentum),
        variance=variance,
        edges=edges,
        share=counts / path.size / np.diff(edges),
        frequency=omega,
        spectrum=power_spectrum(ball, 1.0, 1.0, omega),
        measured_spectrum=density.mean(axis=1) / 2,
        spectrum_error=density.std(axis=1, ddof=1) / 2 / np.sqrt(runs),
        resonance=float(np.arccos(np.clip(cosine, -1, 1))),
        lag=lag.astype(float),
        correlation=autocorrelation(ball, 1.0, 1.0, lag),
        measured_correlation=products.mean(axis=1),
        correlation_error=products.std(axis=1, ddof=1) / np.sqrt(runs),
    )


def _draw_fluctuations(data: Fluctuations, axes: Any) -> None:
    left, middle, right = axes[0]
    place = np.linspace(data.edges[0], data.edges[-1], 301)
    bell = np.exp(-(place**2) / (2 * data.variance)) / np.sqrt(2 * np.pi * data.variance)
    left.stairs(data.share, data.edges, fill=True, color=COLORS[5], alpha=0.6, label="runs")
    left.plot(place, bell, color=INK, linewidth=1.4, label="theory")
    left.set(xlabel="answer", title="how often it is where", ylim=(0, 1.35 * bell.max()))
    left.legend(loc="upper right", fontsize=9)
    inner = slice(1, -1)
    every = slice(1, -1, 4)
    middle.semilogy(data.frequency[inner], data.spectrum[inner], color=INK, linewidth=1.4)
    middle.errorbar(
        data.frequency[every], data.measured_spectrum[every], 2 * data.spectrum_error[every],
        fmt="o", color=COLORS[1], markersize=3, linewidth=1,
    )  # fmt: skip
    middle.axvline(data.resonance, color="#bbbbbb", linewidth=1, zorder=0)
    middle.set(
        xlabel="frequency $\\omega$", title="how it swings", xticks=[0, np.pi / 2, np.pi],
        xticklabels=["0", "π/2", "π"],
    )  # fmt: skip
    right.axhline(0, color="#bbbbbb", linewidth=0.8)
    right.plot(data.lag, data.correlation, color=INK, linewidth=1.4)
    right.errorbar(
        data.lag, data.measured_correlation, 2 * data.correlation_error, fmt="o",
        color=COLORS[1], markersize=3, linewidth=1,
    )  # fmt: skip
    right.set(xlabel="steps apart $k$", title="how long it remembers")


def _tell_fluctuations(data: Fluctuations) -> str:
    score = (
        np.abs(data.measured_correlation[1:] - data.correlation[1:]) / data.correlation_error[1:]
    )
    return (
        f"Settled heavy ball with αh = {number(data.learning_rate)}, β = {number(data.momentum)} "
        "under unit noise; lines are theory, dots runs with two standard errors. The answers are "
        f"Gaussian with variance {data.variance:.3f}; the power spectrum, by Welch's estimate, has "
        f"its resonance at ω = {data.resonance:.2f}, a swing of {2 * np.pi / data.resonance:.1f} "
        f"steps; the autocorrelation is off by at most {score.max():.1f} standard errors. "
        f"Seed {data.seed}."
    )


FLUCTUATIONS = Figure(
    slug="fluctuations",
    title="A settled run swings at one frequency and forgets at one rate",
    source=Citation("goh2017"),
    claims=("power-spectrum-of-heavy-ball", "autocorrelation-of-heavy-ball"),
    compute=_fluctuations,
    draw=_draw_fluctuations,
    caption=_tell_fluctuations,
    panels=(1, 3),
    size=(WIDTH, 3.0),
    quick={"steps": 1023, "runs": 16},
    remark="The source's page shows the loss of a noisy run; spectrum and correlation are ours.",
)


# The loss in two parts -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoParts:
    """Mean loss and its two parts, ``(momenta, steps + 1)``, exactly and over runs."""

    seed: int
    replicas: int
    learning_rate: float
    noise: float
    momentum: Array
    step: Array
    transient: Array
    stochastic: Array
    measured: Array
    error: Array
    floor: Array


def _two_parts(
    *,
    learning_rate: float = 0.05,
    momentum: tuple[float, ...] = (0.0, 0.4, 0.8),
    noise_deviation: float = 8.0,
    distance: float = 20.0,
    steps: int = 150,
    replicas: int = 1000,
    seed: int = 5,
) -> TwoParts:
    momenta = np.array(momentum)
    balls = HeavyBall(learning_rate=learning_rate, momentum=momenta)
    exact = second_moments(balls, 1.0, noise_deviation**2, steps=steps, start=distance)
    run = simulate(
        balls, Quadratic([1.0]), steps=steps, replicas=replicas, noise_variance=noise_deviation**2,
        start=[distance], seed=seed,
    )  # fmt: skip
    loss = run.outputs[..., 0] ** 2 / 2
    return TwoParts(
        seed=int(seed),
        replicas=int(replicas),
        learning_rate=float(learning_rate),
        noise=float(noise_deviation),
        momentum=momenta,
        step=np.arange(steps + 1.0),
        transient=exact.mean.T**2 / 2,
        stochastic=exact.variance.T / 2,
        measured=loss.mean(axis=-1).T,
        error=loss.std(axis=-1, ddof=1).T / np.sqrt(replicas),
        floor=np.asarray(stationary_variance(balls, 1.0, noise_deviation**2)) / 2,
    )


def _draw_two_parts(data: TwoParts, axes: Any) -> None:
    every = slice(0, None, 10)
    for ax, momentum, transient, stochastic, measured, error, floor in zip(
        axes[0], data.momentum, data.transient, data.stochastic, data.measured, data.error,
        data.floor, strict=True,
    ):  # fmt: skip
        ax.fill_between(data.step, transient, color=COLORS[5], alpha=0.35, linewidth=0)
        ax.semilogy(data.step, transient, color=COLORS[0], label="deterministic part")
        ax.semilogy(data.step[1:], stochastic[1:], color=COLORS[1], label="stochastic part")
        ax.semilogy(data.step, transient + stochastic, color=INK, linewidth=1.4, label="both")
        ax.errorbar(
            data.step[every], measured[every], 2 * error[every], fmt="o", color=INK, markersize=3,
            linewidth=1, label="runs",
        )  # fmt: skip
        ax.axhline(floor, color="#bbbbbb", linewidth=1, zorder=0)
        ax.set(
            xlabel=label("step"), title=f"$\\beta = {momentum:g}$",
            ylim=(0.03, 2 * data.transient.max()),
        )  # fmt: skip
    axes[0, 0].set_ylabel("mean loss")
    axes[0, 1].legend(fontsize=8, loc="upper right")


def _tell_two_parts(data: TwoParts) -> str:
    floors = ", ".join(
        f"{floor:.2f} at β = {momentum:g}"
        for floor, momentum in zip(data.floor, data.momentum, strict=True)
    )
    score = np.abs(data.measured - data.transient - data.stochastic)[:, 1:] / data.error[:, 1:]
    return (
        f"The mean loss at αh = {number(data.learning_rate)} under gradient noise of deviation "
        f"{number(data.noise)} is the loss of the noiseless run plus that of the noise alone, "
        "step by step and exactly. Momentum brings the first part down sooner and the second to a "
        f"higher floor: {floors}. Dots are {number(float(data.replicas))} runs with two standard "
        f"errors (largest gap {score.max():.1f} of them, of {score.size} points), seed "
        f"{data.seed}."
    )


TWO_PARTS = Figure(
    slug="two-parts-of-the-loss",
    title="First momentum is all gain, then it is all noise",
    source=Citation("goh2017"),
    claims=("noise-floor-of-heavy-ball", "noisy-quadratic-model-bounds-the-risk"),
    compute=_two_parts,
    draw=_draw_two_parts,
    caption=_tell_two_parts,
    panels=(1, 3),
    size=(WIDTH, 3.0),
    quick={"steps": 60, "replicas": 200},
    remark="Learning rate, momentum 0.4 and noise are those of the page's sketch.",
)
