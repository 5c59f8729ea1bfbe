"""The Dirac-GAN: its variants, the sweep over momentum, and momentum in place of a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.playing import round_radius, stationary_radius
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label, shades
from momentum_dynamics.laws import gans
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import Consensus, DiracGAN, Game
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]

_HALF = 0.5
"""The slope of a logistic loss where it is undecided."""


# The sweep over momentum -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """Log distances ``(learning rates + 1, momenta)``, the last row at once; laws; radii."""

    learning_rate: Array
    momentum: Array
    decades: Array
    error: Array
    fine_momentum: Array
    predicted: Array
    noisy_momentum: Array
    radius: Array
    radius_error: Array
    predicted_radius: Array
    rounds: int
    starts: int
    deviation: float
    seed: int


def _sweep(
    *,
    learning_rate: Sequence[float] = (0.2, 0.5, 1.0),
    momentum: Sequence[float] = (-0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0, 0.1, 0.3),
    rounds: int = 2000,
    starts: int = 100,
    deviation: float = 0.1,
    seed: int = 1,
) -> Sweep:
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((starts, 2))
    betas, game = np.asarray(momentum, dtype=float), DiracGAN()
    orders = [(rate, "alternating") for rate in learning_rate] + [(0.5, "simultaneous")]
    told = []
    for rate, order in orders:
        method = HeavyBall(learning_rate=float(rate), momentum=betas)
        run = play(
            method, game, steps=rounds, play=order, start=start, replicas=starts, stride=rounds
        )
        told.append(np.log10(run.distance[-1] / run.distance[0]))
    fine = np.linspace(-0.99, -0.001, 300)
    noisy = betas[(betas >= -0.7) & (betas <= -0.05)]
    settled = HeavyBall(learning_rate=0.5, momentum=noisy)
    run = play(
        settled, game, steps=rounds, start=0.3 * start, replicas=starts,
        noise_variance=deviation**2, seed=rng, stride=10,
    )  # fmt: skip
    square = (run.distance[len(run.distance) // 2 :] ** 2).mean(axis=0)
    radius = np.sqrt(square.mean(axis=-1))
    return Sweep(
        learning_rate=np.asarray(learning_rate, dtype=float),
        momentum=betas,
        decades=np.mean(told, axis=-1),
        error=np.std(told, axis=-1) / np.sqrt(starts),
        fine_momentum=fine,
        predicted=np.array(
            [
                rounds
                * np.log10(round_radius(HeavyBall(learning_rate=float(rate), momentum=fine), game,
                                        "alternating"))
                for rate in learning_rate
            ]
        ),
        noisy_momentum=noisy,
        radius=radius,
        radius_error=square.std(axis=-1) / np.sqrt(starts) / (2 * radius),
        predicted_radius=np.asarray(stationary_radius(settled, game, deviation**2)),
        rounds=rounds,
        starts=starts,
        deviation=deviation,
        seed=seed,
    )  # fmt: skip


def _draw_sweep(data: Sweep, axes: Any) -> None:
    ax = axes["a"]
    colors = shades(len(data.learning_rate))
    floor = float(data.decades.min()) * 1.06
    for row, (rate, color) in enumerate(zip(data.learning_rate, colors, strict=True)):
        shown = data.predicted[row] <= 0
        ax.plot(data.fine_momentum[shown], data.predicted[row][shown], color=INK, linewidth=1)
        ax.errorbar(
            data.momentum, data.decades[row], data.error[row], fmt="o", color=color, markersize=4.5
        )  # fmt: skip
        middle = int(np.argmin(np.abs(data.momentum + 0.5)))
        ax.annotate(
            f"in turn, $\\alpha = {rate:g}$", (data.momentum[middle], data.decades[row, middle]),
            xytext=(0, 5 if row == len(colors) - 1 else -6), textcoords="offset points",
            ha="center", va="bottom" if row == len(colors) - 1 else "top", color=color, fontsize=8,
        )  # fmt: skip
    ax.plot(data.momentum, data.decades[-1], "x", color=COLORS[1], label="at once, $\\alpha = 0.5$")
    ax.plot([], [], color=INK, linewidth=1, label=f"{number(data.rounds)} $\\log_{{10}} \\rho$")
    ax.axhline(0, color=GRAY, linewidth=0.7, zorder=0)
    ax.axvline(0, color=GRAY, linewidth=0.7, zorder=0)
    ax.set(ylim=(floor, 3), xlabel=label("momentum"))
    ax.set_ylabel(f"decades of distance in {number(data.rounds)} rounds")
    ax.legend(loc="lower right", fontsize=8)
    chart = axes["b"]
    chart.plot(data.noisy_momentum, data.predicted_radius, color=INK, linewidth=1,
               label="law of the linear game")  # fmt: skip
    chart.errorbar(
        data.noisy_momentum, data.radius, 2 * data.radius_error, fmt="o", color=colors[1],
        markersize=4.5, label="played",
    )  # fmt: skip
    chart.set(xlabel=label("momentum"), ylim=(0, None), title="settled radius under noise")
    chart.legend(fontsize=8, loc="upper left")


def _tell_sweep(data: Sweep) -> str:
    stable = data.momentum == -0.5
    rates = ", ".join(
        f"{number(value, 4)} for α = {number(rate)}"
        for rate, value in zip(data.learning_rate, data.decades[:-1, stable][:, 0], strict=True)
    )
    return (
        f"Left: both players of an unregularized, saturating Dirac-GAN with heavy ball, from "
        f"{data.starts} normal starts; how far they came in {number(data.rounds)} rounds, in "
        f"decades, with standard errors. At β = −0.5 that is {rates}. The lines are "
        "the rate of the linear game at the equilibrium, which has no free parameter. From β = 0 "
        "on, or when both move at once (crosses), nothing converges; the flat loss bounds how far "
        f"they run. Right: with gradient noise of deviation {number(data.deviation)} and α = 0.5 "
        "the root mean square distance at which they settle, two standard errors, and its law. "
        f"Seed {data.seed}."
    )


SWEEP = Figure(
    slug="dirac-gan-sweep",
    title="A GAN that negative momentum solves, at the rate that theory predicts",
    source=Citation(None),
    claims=("dirac-gan-follows-its-linear-rate", "negative-momentum-settles-a-noisy-dirac-gan"),
    compute=_sweep,
    draw=_draw_sweep,
    caption=_tell_sweep,
    panels="aab",
    size=(WIDTH, 3.4),
    quick={"rounds": 400, "starts": 20},
)


# Variants --------------------------------------------------------------------------------------

_SHOWN = (
    ("GAN, at once", "gan", "simultaneous"),
    ("GAN, in turn", "gan", "alternating"),
    ("WGAN, clipped", "wgan-clip", "alternating"),
    ("WGAN-GP", "wgan-gp", "alternating"),
    ("R1, γ = 0.3", "r1", "alternating"),
    ("R1, γ = 1", "r1-critical", "alternating"),
    ("instance noise", "instance-noise", "alternating"),
    ("consensus, γ = 1", "consensus", "alternating"),
)


def _variant(name: str) -> Game:
    return Consensus(DiracGAN(), 1.0) if name == "consensus" else DiracGAN.named(name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Variants:
    """Fields ``(variants, grid, grid, 2)``, paths ``(variants, rounds + 1, 2)`` and curvatures."""

    title: NDArray[np.str_]
    grid: Array
    field: Array
    path: Array
    weight: Array
    curvature: NDArray[np.complex128]
    learning_rate: float


def _variants(*, learning_rate: float = 0.2, rounds: int = 500, points: int = 9) -> Variants:
    grid = np.linspace(-2, 2, points)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1)
    fields, paths = [], []
    for _, name, order in _SHOWN:
        game = _variant(name)
        fields.append(-game.field(plane))
        method = GradientDescent(learning_rate=learning_rate)
        paths.append(play(method, game, steps=rounds, play=order).outputs)
    weight = np.linspace(0, 3 * _HALF, 76)
    families = (
        [DiracGAN(gradient_penalty=each).spectrum() for each in weight],
        [DiracGAN(noise_deviation=float(np.sqrt(each))).spectrum() for each in weight],
        [Consensus(DiracGAN(), float(each)).spectrum() for each in weight],
    )
    curvature = np.array([[_ordered(pair) for pair in family] for family in families])
    return Variants(
        title=np.array([title for title, *_ in _SHOWN]),
        grid=grid,
        field=np.array(fields),
        path=np.array(paths),
        weight=weight,
        curvature=curvature,
        learning_rate=learning_rate,
    )


def _ordered(pair: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The upper one of a conjugate pair first, or the larger one of two real ones."""
    return pair[np.lexsort((-pair.real, -np.round(pair.imag, 12)))]


def _draw_variants(data: Variants, axes: Any) -> None:
    for letter, title, field, path in zip("abcdefgh", data.title, data.field, data.path,
                                          strict=True):  # fmt: skip
        ax = axes[letter]
        arrows = field / np.maximum(np.linalg.norm(field, axis=-1, keepdims=True), 1e-12)
        ax.quiver(
            data.grid, data.grid, arrows[..., 0], arrows[..., 1], color="#aab2be", scale=12,
            width=0.009, pivot="mid",
        )  # fmt: skip
        ax.plot(*path.T, "-", color=COLORS[0], linewidth=0.7)
        ax.plot(*path[:60].T, "o", color=COLORS[0], markersize=1.2, zorder=1.5)
        ax.set_rasterization_zorder(1.6)  # hundreds of arrows and dots weigh more than a picture
        ax.plot(*path[0], "o", color="white", markeredgecolor=INK, markersize=4.5, zorder=5)
        ax.plot(0, 0, "+", color=COLORS[1], markersize=7, zorder=6)
        ax.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        ax.set_title(title, fontsize=9)
        if letter in "abcd":
            ax.set_xticklabels([])
        else:
            ax.set_xlabel("generator")
        if letter in "ae":
            ax.set_ylabel("discriminator")
        else:
            ax.set_yticklabels([])
    names = ("penalty R1", "instance noise, $\\sigma^2$", "consensus")
    for part, ax in (("real", axes["x"]), ("imag", axes["y"])):
        for name, family, color, line in zip(
            names, data.curvature, COLORS, ("-", "-", "--"), strict=False
        ):
            # Dashed on top, since the pull of consensus is that of as much instance noise.
            values = getattr(family, part)
            ax.plot(data.weight, values[:, 0], line, color=color, label=name)
            ax.plot(data.weight, values[:, 1], line, color=color)
        ax.set_xlim(0, data.weight[-1])
    axes["x"].set_title("real parts of curvatures", fontsize=9)
    axes["y"].set_title("imaginary parts", fontsize=9)
    axes["y"].set_xlabel("weight of the regularizer")
    axes["x"].legend(fontsize=7, loc="upper left")


def _tell_variants(data: Variants) -> str:
    far = np.linalg.norm(data.path[:, -1], axis=-1)
    near = [title for title, distance in zip(data.title, far, strict=True) if distance < 1e-2]
    return (
        f"Dirac-GANs from (1, 1), {data.path.shape[1] - 1} rounds of gradient descent with "
        f"learning rate {number(data.learning_rate)}, on the direction field of both players. "
        f"Within 0.01 of the equilibrium end: {'; '.join(near)}. Right: the two curvatures at the "
        "equilibrium; where their real parts are zero nothing pulls in, and their imaginary parts "
        "turn. A penalty of γ = 1 ends the turning, instance noise needs σ² = 2, and consensus "
        "pulls in just as noise does but never slows the turning down."
    )


VARIANTS = Figure(
    slug="dirac-gan-variants",
    title="What regularizers do to the smallest GAN",
    source=Citation("mescheder2018"),
    claims=("dirac-gan-curvatures", "wgan-gp-does-not-converge"),
    compute=_variants,
    draw=_draw_variants,
    caption=_tell_variants,
    panels="abcdxx\nefghyy",
    size=(WIDTH * 1.25, 3.9),
    quick={"rounds": 100, "points": 7},
)


# Momentum in place of a penalty ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Penalized:
    """The best rate at each penalty and momentum ``(momenta, penalties)``, and the two laws."""

    gradient_penalty: Array
    momentum: Array
    rate: Array
    best_momentum: Array
    best_rate: Array
    descent_rate: Array


def _penalized(*, momenta: int = 121, penalties: int = 60, steps: int = 240) -> Penalized:
    gamma = np.linspace(0.02, 0.98, penalties)
    beta = np.linspace(-0.99, 0.6, momenta)
    curvature = gamma / 2 + 1j * gans.penalized_turn(_HALF, gamma / 2)
    rate = np.full((momenta, penalties), np.inf)
    for step in np.geomspace(0.02, 4.2, steps):
        method = HeavyBall(learning_rate=float(step), momentum=beta[:, None])
        rate = np.minimum(rate, spectral_radius(method, curvature))
    return Penalized(
        gradient_penalty=gamma,
        momentum=beta,
        rate=rate,
        best_momentum=gans.penalized_optimum(_HALF, gamma).momentum,
        best_rate=gans.penalized_rate(_HALF, gamma),
        descent_rate=gans.penalized_descent_rate(_HALF, gamma),
    )


def _draw_penalized(data: Penalized, axes: Any) -> None:
    ax = axes[0, 0]
    levels = np.linspace(0, 1, 21)
    shown = ax.contourf(
        data.gradient_penalty, data.momentum, np.clip(data.rate, 0, 0.9999), levels,
        cmap="viridis_r",
    )  # fmt: skip
    ax.plot(data.gradient_penalty, data.best_momentum, "-", color="white", linewidth=3.2)
    ax.plot(data.gradient_penalty, data.best_momentum, "-", color=COLORS[1], linewidth=1.8,
            label=r"$-(1-\gamma_1)/(1+\gamma_1)$")  # fmt: skip
    ax.set(xlabel=label("gradient_penalty"), ylabel=label("momentum"))
    ax.legend(loc="upper left", fontsize=8, labelcolor="white")
    ax.figure.colorbar(shown, ax=ax, label="best rate of both players at once", ticks=levels[::4])
    chart = axes[0, 1]
    found = data.rate.min(axis=0)
    plain = data.rate[np.argmin(np.abs(data.momentum))]
    every = slice(None, None, 4)
    for law, grid, color, name in (
        (data.descent_rate, plain, COLORS[0], "no momentum"),
        (data.best_rate, found, COLORS[1], "best momentum"),
    ):
        chart.plot(data.gradient_penalty, law, color=color, label=f"{name}, law")
        chart.plot(
            data.gradient_penalty[every], grid[every], "o", color=color, markersize=4,
            label=f"{name}, on the grid",
        )  # fmt: skip
    chart.set(xlabel=label("gradient_penalty"), ylabel="rate per step", xlim=(0, 1), ylim=(0, 1.02))
    chart.legend(fontsize=8, loc="lower left")


def _tell_penalized(data: Penalized) -> str:
    at = int(np.argmin(np.abs(data.gradient_penalty - 0.3)))
    return (
        "An R1-regularized Dirac-GAN whose players move at once. Left: the least rate over all "
        "learning rates for each penalty and momentum, found on a grid; the line is the best "
        "momentum in closed form. Right: rates along it and without momentum. At γ₁ = "
        f"{number(data.gradient_penalty[at], 2)} momentum "
        f"{number(data.best_momentum[at], 3)} contracts by {number(data.best_rate[at], 3)} "
        f"a step, none by {number(data.descent_rate[at], 3)}: negative momentum does what a "
        "stronger penalty would do."
    )


PENALIZED = Figure(
    slug="dirac-gan-penalty-and-momentum",
    title="Negative momentum in place of a penalty",
    source=Citation(None),
    claims=("negative-momentum-substitutes-for-a-penalty",),
    compute=_penalized,
    draw=_draw_penalized,
    caption=_tell_penalized,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"momenta": 41, "penalties": 20, "steps": 60},
)
