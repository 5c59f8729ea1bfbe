"""Momentum against a rescaled step, on real data with paired seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.marginal_value import paired_losses
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """Test loss minus that of plain descent ``(normalizations, momenta, steps)``, with errors."""

    effective_learning_rate: Array
    momentum: Array
    normalizations: tuple[str, ...]
    difference: Array
    error: Array
    plain: Array
    seeds: int
    steps: int
    seed: int


def _differences(
    *,
    effective_learning_rate: Sequence[float] = (0.03, 0.06, 0.1, 0.2, 0.4, 0.8),
    momentum: Sequence[float] = (0.5, 0.9),
    seeds: int = 30,
    steps: int = 2000,
    seed: int = 3,
) -> Differences:
    rates = np.asarray(effective_learning_rate, dtype=float)
    betas = np.array([0.0, *momentum])
    chosen = np.random.default_rng(seed).integers(1 << 30, size=seeds).tolist()
    grid = rates[:, None] + 0 * betas
    both = np.stack([grid * (1 - betas), grid])
    momenta = np.broadcast_to(betas, both.shape)
    losses = paired_losses(both.ravel(), momenta.ravel(), seeds=chosen, steps=steps)
    paired = losses.reshape(seeds, *both.shape)
    table = np.moveaxis(paired[..., 1:] - paired[..., :1], 3, 2)
    return Differences(
        effective_learning_rate=rates,
        momentum=betas[1:],
        normalizations=("equal effective learning rate", "equal learning rate"),
        difference=table.mean(axis=0),
        error=table.std(axis=0, ddof=1) / np.sqrt(seeds),
        plain=paired[:, 0, :, 0].mean(axis=0),
        seeds=int(seeds),
        steps=int(steps),
        seed=int(seed),
    )


def _draw_differences(data: Differences, axes: Any) -> None:
    for ax, name, rows, errors in zip(
        axes[0], data.normalizations, data.difference, data.error, strict=True
    ):
        ax.axhline(0, color=INK, linewidth=0.8)
        for beta, row, error, color, shift in zip(
            data.momentum, rows, errors, COLORS, (0.97, 1.03), strict=False
        ):
            ax.errorbar(
                shift * data.effective_learning_rate, row, 2 * error, fmt="o", color=color,
                markersize=4.5, markerfacecolor="white", label=f"$\\beta = {beta:g}$",
            )  # fmt: skip
        ax.set(xscale="log", yscale="symlog", title=f"at {name}", ylim=(-0.01, 1))
        ax.set_yscale("symlog", linthresh=1e-3)
        ax.set_xlabel("step of plain descent")
        ax.set_xticks(
            data.effective_learning_rate, [f"{x:g}" for x in data.effective_learning_rate]
        )
        ax.minorticks_off()
    axes[0, 0].set_ylabel("test loss minus plain descent's")
    axes[0, 1].set_yticklabels([])
    axes[0, 1].legend(loc="upper left")


def _tell_differences(data: Differences) -> str:
    own, other = np.abs(data.difference)
    return (
        f"Logistic regression on breast cancer by batches of 8, {data.seeds} paired seeds, "
        f"{data.steps:,} steps, ±2 standard errors. At equal effective learning rate momentum "
        f"changes the test loss by at most {number(float(own[:, :3].max()), 2)} for steps up to "
        f"{number(float(data.effective_learning_rate[2]))}; at equal learning rate by up to "
        f"{number(float(other[:, :3].max()), 2)}. Plain descent has "
        f"{data.plain.min():.3f} at its best. Seed {data.seed}."
    )


DIFFERENCES = Figure(
    slug="momentum-against-a-rescaled-step",
    title="On real data momentum is a rescaled step as long as steps are small",
    source=Citation("wang2024"),
    claims=("momentum-is-a-rescaled-step-on-real-data",),
    compute=_differences,
    draw=_draw_differences,
    caption=_tell_differences,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"seeds": 3, "steps": 100, "effective_learning_rate": (0.03, 0.1, 0.4)},
    remark="The source trains networks; this is logistic regression.",
)
