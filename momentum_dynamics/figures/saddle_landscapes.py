"""Saddles that are not quadratic, many in a row, and of many directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.many_saddles import monkey_steps, passages
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.escape_modes import exit_from_saddle
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label, shades
from momentum_dynamics.laws import saddles
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import MonkeySaddle, QuarticSaddle, SaddleChain, semicircle_saddle
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.exits import exit_steps

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscapes:
    """Losses on grids, paths on them, and steps from the monkey saddle against the start."""

    momentum: Array
    side: Array
    quartic: Array
    quartic_paths: Array
    monkey: Array
    monkey_paths: Array
    displacement: Array
    steps: Array
    law: Array
    strict: Array
    seed: int


def _landscapes(
    *, momentum: Sequence[float] = (0.0, 0.5, 0.9), points: int = 7, side: int = 121, seed: int = 4
) -> Landscapes:
    momenta = np.asarray(momentum, dtype=float)
    line = np.linspace(-1.5, 1.5, side)
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    ball = HeavyBall(learning_rate=0.05, momentum=momenta)
    noisy = simulate(
        ball,
        QuarticSaddle(),
        steps=300,
        start=[0.0, 1.2],
        noise_variance=2.5e-3,
        replicas=3,
        seed=seed,
    )
    angle = np.deg2rad(np.arange(15, 360, 30.0))
    ring = 0.15 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    swift = HeavyBall(learning_rate=0.02, momentum=0.5)
    away = simulate(swift, MonkeySaddle(), steps=80, start=ring, replicas=len(angle))
    inside = away.distance < 2.5
    near = np.geomspace(1e-3, 0.1, points)
    return Landscapes(
        momentum=momenta,
        side=line,
        quartic=QuarticSaddle().loss(grid),
        # Each momentum with noise of its own.
        quartic_paths=np.stack([noisy.outputs[:, i, i % 3] for i in range(len(momenta))], axis=1),
        monkey=MonkeySaddle().loss(grid),
        # Beyond the picture a path stands still.
        monkey_paths=np.where(np.logical_and.accumulate(inside)[..., None], away.outputs, 2.5),
        displacement=near,
        steps=np.stack([monkey_steps(momenta, d) for d in near], axis=-1),
        law=(1 - momenta[:, None]) / (0.3 * near),
        strict=np.asarray(saddles.deterministic_exit_time(0.1, momenta[:, None], 1.0, near, 1.0)),
        seed=int(seed),
    )


def _draw_landscapes(data: Landscapes, axes: Any) -> None:
    left, middle, right = axes[0]
    levels = np.linspace(-0.22, 1.2, 8)
    left.contour(data.side, data.side, data.quartic, levels, colors=GRAY, linewidths=0.5)
    for row, color in enumerate(shades(len(data.momentum))):
        path = data.quartic_paths[:, row]
        left.plot(*path.T, color=color, linewidth=1.2, label=f"$\\beta = {data.momentum[row]:g}$")
        right.loglog(data.displacement, data.steps[row], "o", color=color, markersize=4)
        right.loglog(data.displacement, data.law[row], color=color, linewidth=1.2)
        right.loglog(data.displacement, data.strict[row], ":", color=color, linewidth=1.2)
    left.plot([-1, 0, 1], [0, 0, 0], "k+", markersize=7)
    left.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xlabel="$x$", ylabel="$y$", title="strict saddle")
    left.legend(fontsize=7, loc="lower center", frameon=True, framealpha=1, edgecolor="none")
    shown = np.linspace(-3, 3, 9)
    middle.contour(data.side, data.side, data.monkey, shown, colors=GRAY, linewidths=0.5)
    for path in np.moveaxis(data.monkey_paths, 1, 0):
        kept = path[(path < 2.5).all(axis=-1)]
        middle.plot(*kept.T, color=COLORS[0], linewidth=1.1)
        middle.plot(*path[0], "o", color=COLORS[0], markersize=3)
    middle.plot(0, 0, "k+", markersize=7)
    middle.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xlabel="$x$", title="monkey saddle")
    right.set(xlabel=label("displacement"), ylabel="steps until a distance of 1")
    right.set_title("from the monkey saddle")


def _tell_landscapes(data: Landscapes) -> str:
    rows = ", ".join(
        f"{number(steps[0], 5)} (β = {number(beta)})"
        for beta, steps in zip(data.momentum, data.steps, strict=True)
    )
    return (
        "Left: the strict saddle x⁴/4 − x²/2 + y²/2, started on its stable line; gradient noise of "
        "deviation 0.05 decides for a minimum, learning rate 0.05. Middle: the monkey saddle "
        "x³ − 3xy² has no curvature at all, and three valleys; learning rate 0.02, β = 0.5. "
        "Right: steps from (−d, 0) with learning rate 0.1 (dots) against (1 − β)/(3αd) (lines); "
        "dotted is what a strict saddle of curvature −1 would take. From d = "
        f"{number(data.displacement[0])} it takes {rows} steps. Seed {data.seed}."
    )


LANDSCAPES = Figure(
    slug="strict-and-degenerate-saddles",
    title="A strict saddle is left in a logarithm, a degenerate one in a power",
    source=Citation(None),
    claims=("less-noise-delays-the-exit-by-a-logarithm", "a-monkey-saddle-is-left-polynomially"),
    compute=_landscapes,
    draw=_draw_landscapes,
    caption=_tell_landscapes,
    panels=(1, 3),
    size=(WIDTH, 2.9),
    quick={"points": 2, "side": 31},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """One run's coordinates ``(steps + 1, saddles)`` and loss; passages of many."""

    ascents: Array
    momentum: Array
    path: Array
    loss: Array
    mean: Array
    deviation: Array
    law_mean: Array
    law_deviation: Array
    replicas: int
    seed: int


def _chain(
    *, saddles_in_a_row: int = 5, momentum: Sequence[float] = (0.0, 0.5, 0.9),
    replicas: int = 600, seed: int = 6,
) -> Chain:  # fmt: skip
    ascents, momenta = np.ones(saddles_in_a_row), np.asarray(momentum, dtype=float)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(len(momenta))]
    times = [
        passages(beta, ascents, rng, replicas=replicas)
        for beta, rng in zip(momenta, streams, strict=True)
    ]
    one = exit_time(
        HeavyBall(learning_rate=0.05, momentum=momenta), -1.0, noise_variance=1e-6, distance=1 / 2
    )
    chain, count = SaddleChain(ascents), np.arange(1, saddles_in_a_row + 1)
    run = simulate(
        HeavyBall(learning_rate=0.05, momentum=0.9), chain, steps=60 * saddles_in_a_row,
        start=np.zeros(saddles_in_a_row), noise_variance=1e-6, seed=seed,
    )  # fmt: skip
    return Chain(
        ascents=ascents,
        momentum=momenta,
        path=run.outputs,
        loss=chain.loss(run.outputs),
        mean=np.array([part.mean(axis=1) for part in times]),
        deviation=np.array([part.std(axis=1, ddof=1) for part in times]),
        law_mean=one.mean[:, None] * count,
        law_deviation=one.standard_deviation[:, None] * np.sqrt(count),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_chain(data: Chain, axes: Any) -> None:
    left, right = axes[0]
    for index, color in enumerate(shades(len(data.ascents))):
        left.plot(np.abs(data.path[:, index]), color=color, linewidth=1.4)
    left.set(xlabel=label("step"), ylabel=r"$|w_i|$ of one run", xlim=(0, len(data.path) - 1))
    twin = left.twinx()
    twin.plot(data.loss, color=GRAY, linewidth=1.2, linestyle="--")
    twin.set_ylabel("loss (dashed)", color=GRAY)
    twin.grid(visible=False)
    count = np.arange(1, len(data.ascents) + 1)
    for row, color in enumerate(shades(len(data.momentum))):
        right.errorbar(
            count, data.mean[row], data.deviation[row], fmt="o", color=color, capsize=3,
            markerfacecolor="white", label=f"$\\beta = {data.momentum[row]:g}$",
        )  # fmt: skip
        right.plot(count, data.law_mean[row], color=color, linewidth=1.2)
        for side in (-1, 1):
            edge = data.law_mean[row] + side * data.law_deviation[row]
            right.plot(count, edge, ":", color=color, linewidth=1)
    right.set(xlabel="saddles passed", ylabel="steps", xticks=count, ylim=(0, None))
    right.legend(loc="upper left")


def _tell_chain(data: Chain) -> str:
    last = len(data.ascents)
    return (
        f"A chain of {last} strict saddles, each with one way down, from the first on, with "
        "learning rate 0.05 and gradient noise of deviation 10⁻³. Left: the coordinates of one run "
        "with β = 0.9 come to ±1 one after the other. Right: when they are halfway, mean and "
        f"deviation of {data.replicas} runs; lines: k times the law's mean for one saddle, dotted "
        "√k times its deviation. Times add up: the last of the saddles is passed after "
        f"{number(data.mean[0, -1], 4)} steps without momentum and {number(data.mean[-1, -1], 4)} "
        f"with β = {number(data.momentum[-1])}. Seed {data.seed}."
    )


CHAIN = Figure(
    slug="chain-of-saddles",
    title="Saddles one behind the other: exit times add up",
    source=Citation(None),
    claims=("exit-times-of-a-chain-of-saddles-add-up",),
    compute=_chain,
    draw=_draw_chain,
    caption=_tell_chain,
    panels=(1, 2),
    size=(WIDTH, 3.2),
    quick={"replicas": 40, "saddles_in_a_row": 3},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomSaddle:
    """A spectrum, and for each noise the mean square, participation and survival by step."""

    spectrum: Array
    deviation: Array
    exits: Array
    survival: Array
    alone: Array
    mean_square: Array
    measured_square: Array
    participation: Array
    participants: Array
    replicas: int
    seed: int


def _random_saddle(
    *, dimension: int = 100, shift: float = 0.6, deviation: Sequence[float] = (0.1, 0.001),
    replicas: int = 400, seed: int = 3,
) -> RandomSaddle:  # fmt: skip
    saddle = semicircle_saddle(dimension, shift=shift, seed=seed)
    spectrum, ball = saddle.spectrum(), HeavyBall(learning_rate=0.1, momentum=0.5)
    laws, lone, exits, squares = [], [], [], []
    for index, size in enumerate(deviation):
        noisy: Any = {"noise_variance": size**2, "distance": 3.0}
        laws.append(exit_from_saddle(ball, spectrum, **noisy))
        lone.append(exit_time(ball, spectrum[0], **noisy))
        run = simulate(
            ball, saddle, steps=int(laws[-1].mean + 9 * laws[-1].standard_deviation),
            start=np.zeros(dimension), noise_variance=size**2, replicas=replicas,
            seed=seed + index,
        )  # fmt: skip
        exits.append(exit_steps(run, 3.0))
        squares.append((run.distance**2).mean(axis=-1))
    steps = max(len(law.inside) for law in laws)
    times = np.arange(steps)

    def padded(values: Array) -> Array:
        """To one length; what comes after the end of a run or law is not drawn."""
        return np.pad(values, (0, max(0, steps - len(values))), mode="edge")[:steps]

    return RandomSaddle(
        spectrum=spectrum,
        deviation=np.asarray(deviation, dtype=float),
        exits=np.array(exits),
        survival=np.array([law.survival(times) for law in laws]),
        alone=np.array([law.survival(times) for law in lone]),
        mean_square=np.array([padded(law.mean_square) for law in laws]),
        measured_square=np.array([padded(part) for part in squares]),
        participation=np.array([padded(law.participation) for law in laws]),
        participants=np.array([law.participants for law in laws]),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_random_saddle(data: RandomSaddle, axes: Any) -> None:
    left, middle, right = axes[0]
    edges = np.linspace(data.spectrum[0] - 0.01, data.spectrum[-1] + 0.01, 26)
    left.hist(data.spectrum, edges, color=GRAY, alpha=0.6)
    left.hist(data.spectrum[data.spectrum < 0], edges, color=COLORS[1])
    left.axvline(0, color=INK, linewidth=0.8)
    left.set(xlabel=label("curvature"), ylabel="directions", title="spectrum")
    last = int(data.exits.max() * 1.05)
    for row, color in enumerate((COLORS[0], COLORS[2])):
        name = f"$\\sigma = {data.deviation[row]:g}$"
        middle.semilogy(data.participation[row, 1:last], color=color, label=name)
        mean = data.exits[row].mean()
        middle.semilogy(mean, data.participants[row], "o", color=color, markerfacecolor="white")
        ordered = np.sort(data.exits[row])
        right.step(
            ordered, 1 - np.arange(1, len(ordered) + 1) / len(ordered), where="post", color=color,
            linewidth=2.6, alpha=0.4,
        )  # fmt: skip
        right.plot(data.survival[row, :last], color=color, linewidth=1.3, label=name)
        right.plot(data.alone[row, :last], ":", color=color, linewidth=1.3)
    middle.set(xlabel=label("step"), title="how many take part", xlim=(0, last), ylim=(1, None))
    right.set(xlabel=label("step"), title="chance to be inside", xlim=(0, last), ylim=(0, 1.02))
    middle.legend(*right.get_legend_handles_labels(), fontsize=7.5, loc="upper right")


def _tell_random_saddle(data: RandomSaddle) -> str:
    negative = int((data.spectrum < 0).sum())
    told = " and ".join(
        f"{number(part.mean(), 4)} (σ = {number(size)}, {share:.1f} directions take part)"
        for part, size, share in zip(data.exits, data.deviation, data.participants, strict=True)
    )
    return (
        f"A random saddle of {len(data.spectrum)} directions, {negative} of them of negative "
        "curvature; heavy ball with β = 0.5 and learning rate 0.1, from the saddle to a distance "
        "of 3, moved by gradient noise of deviation σ. Left: the spectrum. Middle: how many "
        "directions share the motion, (Σ v)²/Σ v², with the mean exit (dots). Right: the chance to "
        f"be still inside, of {data.replicas} runs (wide), by exact variances of all directions "
        "(lines), and "
        f"by the most negative curvature alone (dotted). Mean exits: {told}. The less noise, the "
        f"longer the way, and the more the winner decides. Seed {data.seed}."
    )


RANDOM = Figure(
    slug="random-saddle",
    title="A random saddle is left by many directions together",
    source=Citation(None),
    claims=("a-random-saddle-is-left-by-all-its-negative-directions",),
    compute=_random_saddle,
    draw=_draw_random_saddle,
    caption=_tell_random_saddle,
    panels=(1, 3),
    size=(WIDTH, 2.9),
    quick={"dimension": 30, "replicas": 60},
)
