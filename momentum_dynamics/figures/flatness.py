"""What momentum asks of a minimum: limits of sharpness, and penalties on the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.implicit_regularization import measured_penalty, product_penalty
from momentum_dynamics.dynamics.minibatch import mean_square_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label
from momentum_dynamics.laws import generalization, minibatch
from momentum_dynamics.methods import HeavyBall

__all__: list[str] = []

Array = NDArray[np.float64]


# Sharpness against batch size ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchLimits:
    """Largest batch sharpness ``(momenta, batches)`` by the law, and where runs begin to grow."""

    momentum: Array
    batch: Array
    limit: Array
    tried: Array
    found: Array
    full: Array
    noisy: Array
    samples: int
    spread: float


def _batch_limits(
    *,
    momentum: Sequence[float] = (0.0, 0.5, 0.9),
    samples: int = 1000,
    spread: float = 30.0,
    points: int = 60,
    tried: int = 6,
) -> BatchLimits:
    betas = np.asarray(momentum, dtype=float)
    batch = np.geomspace(1, samples, points)
    few = np.unique(np.round(np.geomspace(1, samples, tried)))
    mean = _stable_mean(betas[:, None], spread * _share(batch, samples))
    return BatchLimits(
        momentum=betas,
        batch=batch,
        limit=minibatch.batch_sharpness_limit(1.0, betas[:, None], mean),
        tried=few,
        found=np.array([[_grown(beta, spread * share) for share in _share(few, samples)]
                        for beta in betas.tolist()]),
        full=np.asarray(2 * (1 + betas)),
        noisy=np.asarray(2 * (1 - betas)),
        samples=int(samples),
        spread=float(spread),
    )  # fmt: skip


def _share(batch: Array, samples: int) -> Array:
    """The variance of a batch without repetition over that of one sample."""
    return (samples - batch) / (batch * (samples - 1))


def _stable_mean(momentum: Any, relative_variance: Any) -> Any:
    """The mean curvature at the limit of a step of 1, where τ² is a multiple of h²."""
    return minibatch.mean_square_step_limit(momentum, 1.0, relative_variance)


def _grown(momentum: float, relative_variance: float) -> float:
    """The batch sharpness from which second moments grow, by the operator's radius."""
    from scipy.optimize import brentq

    ball = HeavyBall(learning_rate=1.0, momentum=momentum)

    def excess(logarithm: float) -> float:
        mean = float(np.exp(logarithm))
        return float(mean_square_radius(ball, mean, relative_variance * mean**2)) - 1

    mean = float(np.exp(brentq(excess, -16.0, 3.0, xtol=1e-12)))
    return mean * (1 + relative_variance)


def _draw_batch_limits(data: BatchLimits, ax: Any) -> None:
    for beta, row, found, full, noisy, color in zip(
        data.momentum, data.limit, data.found, data.full, data.noisy, COLORS, strict=False
    ):
        ax.loglog(data.batch, row, color=color, label=f"$\\beta = {beta:g}$")
        ax.loglog(
            data.tried, found, "o", color=color, markersize=5, markerfacecolor="white",
            markeredgewidth=1.4,
        )  # fmt: skip
        ax.axhline(full, color=color, linestyle=":", linewidth=0.9)
        ax.axhline(noisy, color=color, linestyle="--", linewidth=0.9)
    ax.set(xlabel="batch size $B$", ylabel="largest batch sharpness × $\\alpha$")
    ax.set_yticks((ticks := (0.2, 0.5, 1, 2, 3, 4)), [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(0, 0.34))


def _tell_batch_limits(data: BatchLimits) -> str:
    ends = "; ".join(
        f"from {row[0]:.3g} to {row[-1]:.3g} with β = {beta:g}"
        for beta, row in zip(data.momentum, data.limit, strict=True)
    )
    gap = float(np.abs(data.found / np.array([
        np.interp(data.tried, data.batch, row) for row in data.limit
    ]) - 1).max())  # fmt: skip
    return (
        f"The largest batch sharpness E h²/E h on which heavy ball is stable in mean square, for "
        f"batches of {data.samples:,} samples whose curvatures have "
        f"{number(data.spread)} times the squared mean as variance: {ends}. Small batches have the "
        "limit 2(1 − β)/α (dashed): momentum asks for flatter minima. The whole batch has 2(1 + "
        "β)/α (dotted): it stays in sharper ones. Circles: where the radius of the second-moment "
        f"operator passes 1, within {number(max(gap, 1e-3), 1)} of the law read off between its "
        "points."
    )


BATCH_LIMITS = Figure(
    slug="sharpness-limit-against-batch-size",
    title="Momentum bears sharper minima on whole batches, and flatter ones only in small batches",
    source=Citation("andreyev2026"),
    claims=("sharpness-limit-in-mean-square", "momentum-finds-flatter-minima"),
    compute=_batch_limits,
    draw=_draw_batch_limits,
    caption=_tell_batch_limits,
    size=(WIDTH, 3.8),
    quick={"points": 20, "tried": 3},
    remark="For one direction; the source measures networks.",
)


# Penalties -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Penalties:
    """Factors over gradient descent's penalty ``(normalizations, momenta)``; measured ones."""

    momentum: Array
    normalizations: tuple[str, ...]
    factor: Array
    tried: Array
    measured: Array
    product: Array


def _penalties(
    *, points: int = 80, tried: Sequence[float] = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9), step: float = 5e-4
) -> Penalties:
    betas = np.linspace(0, 0.95, points)
    plain = generalization.gradient_penalty(1.0, 0.0)
    some = np.asarray(tried, dtype=float)
    pole = np.array([measured_penalty(1e-6, beta) for beta in some]) / measured_penalty(1e-6, 0.0)
    weight = np.asarray(generalization.loss_weight(some))
    return Penalties(
        momentum=betas,
        normalizations=("equal learning rate", "against the loss", "equal effective step"),
        factor=np.array([
            generalization.gradient_penalty(1.0, betas) / plain,
            generalization.relative_penalty(1.0, betas) / plain,
            generalization.relative_penalty(1 - betas, betas) / plain,
        ]),
        tried=some,
        measured=np.array([pole, pole / weight, pole / weight**2]),
        product=np.array([product_penalty(step, beta) for beta in some.tolist()]),
    )  # fmt: skip


def _draw_penalties(data: Penalties, ax: Any) -> None:
    powers = ("3", "2", "")
    for name, power, row, found, color in zip(
        data.normalizations, powers, data.factor, data.measured, COLORS, strict=False
    ):
        raised = f"(1-\\beta)^{power}" if power else "(1-\\beta)"
        ax.semilogy(data.momentum, row, color=color, label=f"{name}, $(1+\\beta)/{raised}$")
        ax.semilogy(data.tried, found, "o", color=color, markersize=5, markerfacecolor="white")
    ax.semilogy(data.tried, data.product, "x", color=INK, markersize=7, label="on $(uv-1)^2/2$")
    ax.set(xlabel=label("momentum"), ylabel="penalty over gradient descent's", xlim=(-0.02, 0.97))
    ax.legend()


def _tell_penalties(data: Penalties) -> str:
    last = data.measured[:, -1]
    return (
        "By what momentum multiplies the weight of |∇E|² in the loss that gradient descent really "
        "descends, in three normalizations: at equal learning rate, the same relative to the "
        "weight of the loss, and at equal effective step (lines; "
        f"{last[0]:,.0f}, {last[1]:,.0f} and {last[2]:.0f} at β = {data.tried[-1]:g}). Dots: from "
        "the slow pole itself. Crosses: on a loss that is no quadratic, at equal effective step, "
        "from the decay of what gradient flow conserves."
    )


PENALTIES = Figure(
    slug="implicit-regularization-factors",
    title="One implicit regularization, three factors: which one depends on what is held equal",
    source=Citation("ghosh2023"),
    claims=("modified-loss-of-heavy-ball", "implicit-regularization-grows-by-one-factor"),
    compute=_penalties,
    draw=_draw_penalties,
    caption=_tell_penalties,
    size=(WIDTH, 3.8),
    quick={"points": 20, "tried": (0.0, 0.5), "step": 5e-3},
)
