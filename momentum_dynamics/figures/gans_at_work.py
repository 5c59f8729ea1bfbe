"""GANs of matrices: a covariance that is learned, and a discriminator that is clipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.gans_at_work import random_covariance
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import CovarianceGame, DiracGAN
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]


# Covariances -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Covariances:
    """Log errors over rounds ``(cases, momenta, frames)``, and late ones with standard errors.

    Cases are expectations in turn, batches in turn, expectations at once. NaN where all starts
    overflowed; `finite` is the share of starts that did not.
    """

    momentum: Array
    rounds: Array
    curve: Array
    late: Array
    error: Array
    finite: Array
    learning_rate: float
    batch_size: int
    starts: int
    seed: int


def _covariances(
    *,
    momentum: Sequence[float] = (-0.7, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3),
    learning_rate: float = 0.1,
    batch_size: int = 256,
    starts: int = 12,
    rounds: int = 1600,
    stride: int = 20,
    seed: int = 0,
) -> Covariances:
    truth = random_covariance(3, np.random.default_rng(seed))
    method = HeavyBall(learning_rate=learning_rate, momentum=np.asarray(momentum, dtype=float))
    whole, batches = CovarianceGame(truth), CovarianceGame(truth, batch_size=batch_size, seed=seed)
    start = whole.starts(starts, seed)
    cases = ((whole, "alternating"), (batches, "alternating"), (whole, "simultaneous"))
    curves, ends, errors, finite = [], [], [], []
    for game, order in cases:
        run = play(
            method, game, steps=rounds, play=order, start=start, replicas=starts, stride=stride
        )
        with np.errstate(all="ignore"):
            told = np.log10(whole.error(run.outputs))
        told = np.where(np.isfinite(told), told, np.nan)
        late = told[-10:].mean(axis=0)
        known = np.isfinite(late)
        count = known.sum(axis=-1)
        kept = np.where(known, late, 0)
        with np.errstate(all="ignore"):
            mean = kept.sum(axis=-1) / count
            square = np.where(known, (late - mean[:, None]) ** 2, 0).sum(axis=-1)
            errors.append(np.sqrt(square / (count - 1) / count))
        ends.append(mean)
        finite.append(count / starts)
        curves.append(np.moveaxis(told.mean(axis=-1), 0, -1))
    return Covariances(
        momentum=np.asarray(momentum, dtype=float),
        rounds=np.arange(0.0, rounds + 1, stride),
        curve=np.array(curves),
        late=np.array(ends),
        error=np.array(errors),
        finite=np.array(finite),
        learning_rate=learning_rate,
        batch_size=batch_size,
        starts=starts,
        seed=seed,
    )


_NAMES = ("in turn, expectations", "in turn, batches", "at once, expectations")
_COLORS = (COLORS[0], COLORS[2], COLORS[1])


def _draw_covariances(data: Covariances, axes: Any) -> None:
    ax = axes[0, 0]
    for momentum, color, style in (
        (-0.5, COLORS[0], "-"),
        (-0.1, COLORS[5], "-"),
        (0.0, INK, "-"),
        (0.1, COLORS[1], "-"),
    ):
        at = int(np.argmin(np.abs(data.momentum - momentum)))
        ax.plot(data.rounds, data.curve[0, at], style, color=color,
                label=f"$\\beta = {data.momentum[at]:g}$")  # fmt: skip
        ax.plot(data.rounds, data.curve[1, at], ":", color=color, linewidth=1.3)
    ax.plot([], [], ":", color=GRAY, label=f"batches of {data.batch_size}")
    ax.set(xlabel="round", ylabel="decades of relative error", xlim=(0, data.rounds[-1]))
    ax.legend(fontsize=8, loc="lower left")
    chart = axes[0, 1]
    for row, (name, color) in enumerate(zip(_NAMES, _COLORS, strict=True)):
        chart.errorbar(
            data.momentum, data.late[row], data.error[row], fmt="o-", color=color, markersize=4,
            linewidth=1, label=name,
        )  # fmt: skip
        for momentum, share in zip(data.momentum, data.finite[row], strict=True):
            lost = str(round(data.starts * (1 - share)))
            chart.text(momentum, 0.5 + 0.32 * row, lost, ha="center", fontsize=7, color=color)
    chart.text(data.momentum[0] - 0.02, 1.5, f"starts lost, of {data.starts}", fontsize=7.5)
    chart.axhline(0, color=GRAY, linewidth=0.7, zorder=0)
    chart.set(xlabel=label("momentum"), ylabel="decades of error in the end", ylim=(None, 1.8))
    chart.legend(fontsize=8, loc="lower right")


def _tell_covariances(data: Covariances) -> str:
    best = int(np.argmin(np.abs(data.momentum + 0.5)))
    return (
        "A linear generator and a quadratic critic learn a covariance of three variables with "
        f"learning rate {number(data.learning_rate)} from {data.starts} starts near it. Left: mean "
        "error over rounds in turn; lines end where a start overflowed. Right: error in the end, "
        "with standard errors, and how many starts overflowed. In turn with β = −0.5 all "
        f"{data.starts} converge, to 10^{number(data.late[0, best], 3)} with expectations and "
        f"10^{number(data.late[1, best], 2)} with batches of {data.batch_size}; from β = 0 on, or "
        f"at once, none does. Seed {data.seed}."
    )


COVARIANCES = Figure(
    slug="covariance-gan",
    title="Learning a covariance needs turns and negative momentum",
    source=Citation("daskalakis2018"),
    claims=("covariance-gan-converges-with-negative-momentum",),
    compute=_covariances,
    draw=_draw_covariances,
    caption=_tell_covariances,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"rounds": 400, "starts": 4, "batch_size": 32},
    remark="The source trains by optimistic gradients.",
)


# A clipped discriminator -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Clipped:
    """Paths and their running means ``(momenta, rounds + 1, 2)``, in turn."""

    momentum: Array
    path: Array
    mean: Array
    distance: Array
    mean_distance: Array
    learning_rate: float
    bound: float


def _clipped(
    *,
    momentum: Sequence[float] = (-0.1, 0.0, 0.1),
    learning_rate: float = 0.1,
    rounds: int = 800,
    bound: float = 1.0,
) -> Clipped:
    game = DiracGAN("wasserstein", clip=bound)
    betas = np.asarray(momentum, dtype=float)
    method = HeavyBall(learning_rate=learning_rate, momentum=betas)
    run = play(method, game, steps=rounds, start=[2.0, 0.5])
    path = np.moveaxis(run.outputs, 0, -2)
    mean = np.cumsum(path, axis=-2) / np.arange(1, rounds + 2)[:, None]
    return Clipped(
        momentum=betas,
        path=path,
        mean=mean,
        distance=np.linalg.norm(path, axis=-1),
        mean_distance=np.linalg.norm(mean, axis=-1),
        learning_rate=learning_rate,
        bound=bound,
    )


def _draw_clipped(data: Clipped, axes: Any) -> None:
    colors = (COLORS[0], INK, COLORS[1])
    for ax, momentum, path, color in zip(axes[0], data.momentum, data.path, colors, strict=False):
        for edge in (-data.bound, data.bound):
            ax.axhline(edge, color=GRAY, linewidth=0.9, linestyle="--")
        ax.plot(*path.T, "-", color=color, linewidth=0.7)
        ax.plot(*path[0], "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)
        ax.plot(0, 0, "+", color=INK, markersize=7, zorder=5)
        ax.set(xlim=(-2.2, 2.3), ylim=(-2.2, 2.3), aspect="equal", xlabel="generator")
        ax.set_title(f"$\\beta = {momentum:g}$")
    axes[0, 0].set_ylabel("discriminator")
    chart = axes[0, 3]
    rounds = np.arange(data.distance.shape[-1])
    for momentum, distance, mean, color in zip(
        data.momentum, data.distance, data.mean_distance, colors, strict=True
    ):
        chart.semilogy(rounds, distance, color=color, linewidth=1, label=f"${momentum:g}$")
        chart.semilogy(rounds, mean, ":", color=color, linewidth=1.3)
    chart.set(xlabel="round", xlim=(0, rounds[-1]), ylim=(1e-3, 4), title="distance")
    chart.legend(fontsize=8, loc="lower left", title=r"$\beta$; dotted: mean", title_fontsize=8)


def _tell_clipped(data: Clipped) -> str:
    ends = ", ".join(
        f"{number(distance[-1], 2)} at β = {number(momentum)}"
        for momentum, distance in zip(data.momentum, data.distance, strict=True)
    )
    return (
        "A Wasserstein GAN on one number, with a discriminator of slope at most "
        f"{number(data.bound)}, played in turn with learning rate {number(data.learning_rate)} "
        f"from (2, 0.5). After {len(data.distance[0]) - 1} rounds the distance from the "
        f"equilibrium is {ends}. Without momentum the players circle inside the bounds, with "
        "positive momentum along them. The means of the paths so far (dotted) come near in each "
        "case, but slowly."
    )


CLIPPED = Figure(
    slug="clipped-wgan",
    title="A clipped discriminator bounds the circle, and negative momentum ends it",
    source=Citation("gidel2019"),
    claims=("negative-momentum-converges-on-alternating-bilinear-games",),
    compute=_clipped,
    draw=_draw_clipped,
    caption=_tell_clipped,
    panels=(1, 4),
    size=(WIDTH * 1.15, 2.6),
    quick={"rounds": 200},
    remark="The game of the authors' code, drawn for more rounds.",
)
