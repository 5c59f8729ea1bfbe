"""The robust region beyond quadratics: a loss of one variable whose curvature changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import WIDTH, label
from momentum_dynamics.laws import optima, regions
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import CurvatureJump
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Toys:
    """Shares of starts that converge ``(toys, momenta, steps)``, and paths."""

    ratio: float
    widths: Array
    momentum: Array
    place: Array
    share: Array


def _toys(
    *, ratio: float = 1000.0, width: Sequence[float] = (0.0, 0.3), points: int = 24,
    starts: int = 20, steps: int = 2500,
) -> Toys:  # fmt: skip
    edge = float(optima.heavy_ball_rate(ratio)) ** 2
    momentum = np.linspace(edge, 0.985, points)
    place = np.linspace(0, 1, points)
    low, high = regions.robust_low_end(momentum), regions.robust_high_end(momentum) / ratio
    rate = low[:, None] ** (1 - place) * high[:, None] ** place
    shares = []
    for value in width:
        balls = HeavyBall(learning_rate=rate, momentum=momentum[:, None])
        run = simulate(
            balls, CurvatureJump(inner=ratio, outer=1.0, width=float(value)), steps=steps,
            replicas=starts, start=np.linspace(1, 20, starts)[:, None], tolerance=1e-5,
        )  # fmt: skip
        shares.append((np.asarray(run.outcome) == "converged").mean(axis=-1))
    return Toys(
        ratio=float(ratio),
        widths=np.asarray(width, dtype=float),
        momentum=momentum,
        place=place,
        share=np.array(shares),
    )


def _draw_toys(data: Toys, axes: Any) -> None:
    for ax, width, share in zip(axes[0], data.widths, data.share, strict=True):
        picture = ax.pcolormesh(
            data.place,
            data.momentum,
            share,
            cmap="RdYlBu",
            vmin=0,
            vmax=1,
            shading="nearest",
            rasterized=True,
        )
        ax.set(
            xlabel="place of $\\alpha$ in the robust interval",
            title="curvature jumps" if width == 0 else f"smooth passage, width {width:g}",
            xticks=[0, 1], xticklabels=["smallest", "largest"],
        )  # fmt: skip
    axes[0, 0].set_ylabel(label("momentum"))
    axes[0, 1].set_yticklabels([])
    axes[0, 0].figure.colorbar(picture, ax=list(axes[0]), label="share that converges")


def _tell_toys(data: Toys) -> str:
    jump, smooth = (f"{100 * share:.0f} %" for share in data.share[:, 0, 0])
    return (
        f"f'(x) = h(x)x with generalized curvature from 1 to {number(data.ratio)}: a narrow bowl "
        "in a wide one. Every setting shown is in the robust region, where each single step has "
        "radius √β. Colored: the share of starts that converge. With a jump, at the tuned setting "
        f"(bottom left) {jump} do; where curvature passes smoothly, {smooth}. More momentum and "
        "the smallest step help; being in the region does not suffice."
    )


TOYS = Figure(
    slug="toys",
    title="The robust region is no promise beyond quadratics",
    source=Citation("zhang2017"),
    claims=(
        "generalized-curvature-converges-at-root-momentum",
        "a-smooth-passage-of-curvature-lets-it-converge",
    ),
    compute=_toys,
    draw=_draw_toys,
    caption=_tell_toys,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 10, "starts": 8},
    remark="The source's own toy is not known in full; this one has its curvatures.",
)
