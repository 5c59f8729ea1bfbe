"""Stopping early: filters of the spectrum, risk against effective time, and the ratio to ridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.early_stopping import flow_ratio
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.dynamics.risk import (
    limit_risk_path,
    ridge_path,
    ridge_ratio,
    risk_path,
)
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import generalization, noise
from momentum_dynamics.methods import HeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


# Filters ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Filters:
    """Shares that are fitted ``(momenta, curvatures)``, and ridge's."""

    momentum: Array
    learning_rate: Array
    steps: NDArray[np.int64]
    critical: Array
    curvature: Array
    fitted: Array
    ridge: Array
    matched: float


def _filters(
    *,
    momentum: Sequence[float] = (0.0, 0.5, 0.9, 0.97),
    effective_learning_rate: float = 0.2,
    time: float = 20.0,
    points: int = 600,
) -> Filters:
    betas = np.asarray(momentum, dtype=float)
    rates = effective_learning_rate * (1 - betas)
    steps = round(time / effective_learning_rate)
    h = np.geomspace(2e-3, 2.0, points)
    balls = HeavyBall(learning_rate=rates[:, None], momentum=betas[:, None])
    ridge = float(generalization.matched_ridge(float(rates[0]), float(betas[0]), steps))
    return Filters(
        momentum=betas,
        learning_rate=rates,
        steps=np.full(len(betas), steps),
        critical=(1 - np.sqrt(betas)) ** 2 / rates,
        curvature=h,
        fitted=1 - residual_polynomial(balls, steps)(h),
        ridge=h / (h + ridge),
        matched=ridge,
    )


def _draw_filters(data: Filters, ax: Any) -> None:
    ax.axhline(1, color=GRAY, linewidth=0.8)
    for place, (beta, critical, row, color) in enumerate(
        zip(data.momentum, data.critical, data.fitted, COLORS, strict=False)
    ):
        # Momentum that relaxes in time lies on plain descent, which is wider to be seen below it.
        width = 4.5 if place == 0 else 1.6
        ax.semilogx(data.curvature, row, color=color, linewidth=width, label=f"$\\beta = {beta:g}$")
        if data.curvature[0] < critical < data.curvature[-1]:
            at = int(np.searchsorted(data.curvature, critical))
            ax.plot(critical, row[at], "o", color=color, markersize=6, zorder=4)
    ax.semilogx(data.curvature, data.ridge, "--", color=INK, linewidth=1.4, label="ridge")
    ax.set(xlabel=label("curvature"), ylabel="share that is fitted, $1 - P_t(h)$")
    ax.legend()


def _tell_filters(data: Filters) -> str:
    worst = data.fitted.max(axis=1)
    return (
        f"What {data.steps[0]} steps fit of each direction at equal effective step, beside ridge "
        f"{number(data.matched, 3)} (dashed), the inverse of the effective time. Dots: where a "
        "method is critically damped; left of them it is overdamped and fits like gradient "
        f"descent. Right of them momentum oscillates, and with β = {data.momentum[-1]:g} it fits "
        f"up to {worst[-1]:.2f} of a direction: more than all of it, the noise included."
    )


FILTERS = Figure(
    slug="filters-of-early-stopping",
    title="Stopped early, momentum shrinks like ridge, until it oscillates",
    source=Citation(None),
    claims=("exact-risk-of-stopping-early", "momentum-stopped-early-is-ridge-whatever-its-damping"),
    compute=_filters,
    draw=_draw_filters,
    caption=_tell_filters,
    size=(WIDTH, 3.6),
    quick={"points": 100},
)


# Risk ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Risks:
    """Risk paths ``(momenta, steps + 1)`` of one data set and of the limit, and ridge's best."""

    momentum: Array
    learning_rate: Array
    time: Array
    risk: Array
    limit: Array
    best_risk: Array
    best_time: Array
    ridge_risk: float
    ridge: float
    last: float
    samples: int
    features: int
    noise_variance: float
    seed: int


def _risks(
    *,
    momentum: Sequence[float] = (0.0, 0.5, 0.9, 0.97),
    effective_learning_rate: float = 0.05,
    samples: int = 500,
    features: int = 400,
    noise_variance: float = 1.0,
    steps: int = 400,
    seed: int = 4,
) -> Risks:
    rng = np.random.default_rng(seed)
    X, truth = rng.normal(size=(samples, features)), rng.normal(size=features)
    truth /= np.linalg.norm(truth)
    betas = np.asarray(momentum, dtype=float)
    rates = effective_learning_rate * (1 - betas)
    balls = HeavyBall(learning_rate=rates, momentum=betas)
    path = risk_path(balls, X, truth, noise_variance, steps)
    ratio = features / samples
    limit = limit_risk_path(balls, aspect_ratio=ratio, noise_variance=noise_variance, steps=steps)
    ridges = ridge_path(X, truth, noise_variance, np.geomspace(1e-3, 1e2, 2001))
    step = float(noise.effective_learning_rate(float(rates[0]), float(betas[0])))
    return Risks(
        momentum=betas,
        learning_rate=rates,
        time=np.asarray(step * np.arange(steps + 1), dtype=float),
        risk=path.risk.T,
        limit=limit.risk.T,
        best_risk=np.asarray(path.best_risk),
        best_time=step * np.asarray(path.best_steps),
        ridge_risk=ridges.best_risk,
        ridge=ridges.best_ridge,
        last=float(noise_variance * ratio / (1 - ratio)),
        samples=int(samples),
        features=int(features),
        noise_variance=float(noise_variance),
        seed=int(seed),
    )


def _draw_risks(data: Risks, ax: Any) -> None:
    ax.axhline(data.ridge_risk, color=INK, linestyle="--", linewidth=1.1)
    ax.annotate(
        "best ridge", (data.time[1], data.ridge_risk), (2, 4), textcoords="offset points",
        color=INK, size=9,
    )  # fmt: skip
    for beta, row, limit, color in zip(data.momentum, data.risk, data.limit, COLORS, strict=False):
        ax.semilogx(data.time[1:], row[1:], color=color, label=f"$\\beta = {beta:g}$")
        ax.semilogx(data.time[1:], limit[1:], ":", color=color, linewidth=2.2)
    ax.plot([], [], ":", color=GRAY, linewidth=2.2, label="limit")
    ax.set(xlabel="effective time $\\alpha t/(1-\\beta)$", ylabel="risk $E|w_t-\\theta|^2$")
    ax.set_ylim(0.85 * data.ridge_risk, 2.2)
    ax.legend()


def _tell_risks(data: Risks) -> str:
    best = ", ".join(
        f"{risk:.3f} at time {time:.2f} (β = {beta:g})"
        for beta, risk, time in zip(data.momentum, data.best_risk, data.best_time, strict=True)
    )
    return (
        f"The exact risk of stopping, on one data set of {data.samples} samples and "
        f"{data.features} features with noise of variance {number(data.noise_variance)} and a "
        "truth of length one (lines), and its limit by the law of Marchenko and Pastur (dotted), "
        f"at equal effective step. The best times to stop: {best}. The best ridge, "
        f"{number(data.ridge, 3)}, has {data.ridge_risk:.3f}. Seed {data.seed}."
    )


RISKS = Figure(
    slug="risk-against-effective-time",
    title="Against effective time momentum has gradient descent's risk, until it swings",
    source=Citation(None),
    claims=(
        "exact-risk-of-stopping-early",
        "risk-of-large-random-data",
        "momentum-stops-at-no-lower-risk",
    ),
    compute=_risks,
    draw=_draw_risks,
    caption=_tell_risks,
    size=(WIDTH, 3.8),
    quick={"samples": 100, "features": 80, "steps": 200},
)


# The ratio to ridge ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Ratios:
    """Ratios along directions ``(settings, points)``, and the worst against steps."""

    momentum: Array
    learning_rate: Array
    steps: NDArray[np.int64]
    curvature: Array
    ratio: Array
    relaxations: Array
    top: float
    tried_momentum: Array
    worst: Array
    flow: float


def _ratios(
    *, top: float = 2.0, points: int = 2000, times: int = 24, learning_rate: float = 0.01
) -> Ratios:
    settings = ((0.0, 0.001, 4000), (0.5, 0.001, 4000), (0.9, 0.001, 4000), (0.97, 0.01, 100))
    h = np.geomspace(1e-3, top, points)
    rows = [_ratio(beta, rate, count, h) for beta, rate, count in settings]
    tried = np.array([0.9, 0.97, 0.99])
    relaxations = np.geomspace(1, 60, times)
    worst = [
        [
            _ratio(beta, learning_rate, max(1, round(count / (1 - beta))), h).max()
            for count in relaxations
        ]
        for beta in tried
    ]
    return Ratios(
        momentum=np.array([beta for beta, _, _ in settings]),
        learning_rate=np.array([rate for _, rate, _ in settings]),
        steps=np.array([count for _, _, count in settings]),
        curvature=h,
        ratio=np.array(rows),
        relaxations=relaxations,
        top=float(top),
        tried_momentum=tried,
        worst=np.array(worst),
        flow=flow_ratio(),
    )


def _ratio(momentum: float, learning_rate: float, steps: int, h: Array) -> Array:
    ridge = generalization.matched_ridge(learning_rate, momentum, steps)
    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    return np.asarray(ridge_ratio(ball, h, steps, ridge))


def _draw_ratios(data: Ratios, axes: Any) -> None:
    left, right = axes[0]
    for beta, count, row, color in zip(data.momentum, data.steps, data.ratio, COLORS, strict=False):
        left.semilogx(
            data.curvature, row, color=color, label=f"$\\beta = {beta:g}$, {count:,} steps"
        )
    left.axhline(data.flow, color=INK, linestyle=":", linewidth=1)
    left.set(xlabel=label("curvature"), ylabel="Bayes risk over that of ridge", ylim=(0.9, 3.4))
    left.legend(fontsize=8)
    for beta, row, color in zip(data.tried_momentum, data.worst, COLORS[2:], strict=False):
        right.loglog(data.relaxations, row, color=color, label=f"$\\beta = {beta:g}$")
    right.axhline(data.flow, color=INK, linestyle=":", linewidth=1)
    right.set(xlabel="relaxation times $t(1-\\beta)$", title="worst ratio")
    ticks = [1.2147, 2, 5, 10, 50]
    right.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
    right.minorticks_off()
    right.legend(fontsize=8)


def _tell_ratios(data: Ratios) -> str:
    worst = ", ".join(
        f"{row.max():.4f} with β = {beta:g} after {count:,} steps"
        for beta, count, row in zip(data.momentum, data.steps, data.ratio, strict=True)
    )
    return (
        "The risk of stopping along one direction over that of the ridge calibrated to it, c = (1 "
        "− β)/(αt), averaged over the Gaussian truth for which that ridge is the best there is. "
        f"Largest up to curvature {number(data.top)}: {worst}. Dotted: gradient flow, "
        f"{data.flow:.4f}. Right: the largest ratio against relaxation times that have passed; "
        "after a few tens of them momentum is as close to ridge as gradient descent."
    )


RATIOS = Figure(
    slug="early-stopping-against-ridge",
    title="Early stopping is ridge up to 1.21, except for momentum that still oscillates",
    source=Citation("ali2019"),
    claims=(
        "early-stopping-is-nearly-ridge",
        "momentum-stopped-early-is-ridge-whatever-its-damping",
    ),
    compute=_ratios,
    draw=_draw_ratios,
    caption=_tell_ratios,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 80, "times": 3},
    remark="The source treats gradient flow; momentum is ours.",
)
