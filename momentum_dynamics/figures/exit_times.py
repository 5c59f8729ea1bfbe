"""Leaving a saddle: exit times on one curve, the root law, and where starts must lie to stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.exit_times import SETTINGS, exit_runs, foretold
from momentum_dynamics.claims.experiments import simulated_rates
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, product_label, shades
from momentum_dynamics.laws import saddles
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.exits import first_steps

__all__: list[str] = []

Array = NDArray[np.float64]
_E = float(np.e)


@dataclass(frozen=True, kw_only=True, eq=False)
class Collapse:
    """Exit times ``(methods, replicas)``, their laws, and both in the scaled time."""

    names: Any
    exits: Array
    mean: Array
    growth: Array
    times: Array
    chance: Array
    scaled: Array
    density: Array
    replicas: int
    seed: int


def _collapse(*, replicas: int = 3000, seed: int = 17, points: int = 300) -> Collapse:
    streams = np.random.SeedSequence(seed).spawn(len(SETTINGS))
    laws = [foretold(method, delay) for _, method, delay in SETTINGS]
    exits = [
        exit_runs(method, delay, np.random.default_rng(stream), replicas=replicas)
        for (_, method, delay), stream in zip(SETTINGS, streams, strict=True)
    ]
    times = np.arange(1 + int(max(law.mean + 4.5 * law.standard_deviation for law in laws)))
    scaled = np.linspace(-2.6, 4.5, points)
    # In the time log r · T, half a step before the whole one; the density by differences.
    middle = saddles.exit_time_mean(_E, 1.0, 1.0) - 1 / 2
    step = 1e-4
    ends = [
        saddles.exit_time_survival(_E, 1.0, 1.0, scaled + middle + side) for side in (-step, step)
    ]
    return Collapse(
        names=np.array([name for name, _, _ in SETTINGS]),
        exits=np.array(exits),
        mean=np.array([float(law.mean) for law in laws]),
        growth=np.array([float(law.growth) for law in laws]),
        times=times.astype(float),
        chance=np.array([np.diff(law.cdf(times), prepend=0.0) for law in laws]),
        scaled=scaled,
        density=(ends[0] - ends[1]) / (2 * step),
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_collapse(data: Collapse, axes: Any) -> None:
    left, right = axes[0]
    colors = [*COLORS[:5], GRAY]
    for row, color in enumerate(colors):
        width = max(1, round(0.35 / np.log(data.growth[row])))
        edges = np.arange(0, data.times[-1] + width, width) + 0.5
        heights, _ = np.histogram(data.exits[row], edges)
        left.stairs(heights / data.replicas / width, edges, color=color, fill=True, alpha=0.3)
        left.plot(data.times, data.chance[row], color=color, linewidth=1.4)
    left.set(xlabel="first step outside, $T$", ylabel="chance", xlim=(0, data.times[-1]))
    left.set_ylim(bottom=0)
    marks = "os^Dvx"
    for row, color in enumerate(colors):
        # Cells of whole steps: others would hold one step more or less.
        exponent = np.log(data.growth[row])
        width = max(1, round(0.33 / exponent))
        edges = np.arange(int(data.exits[row].min()), data.exits[row].max() + width, width) - 0.5
        heights, _ = np.histogram(data.exits[row], edges)
        middles = ((edges[1:] + edges[:-1]) / 2 - data.mean[row]) * exponent
        right.plot(
            middles, heights / data.replicas / width / exponent, marks[row], color=color,
            markersize=4, label=str(data.names[row]),
        )  # fmt: skip
    right.plot(data.scaled, data.density, color=INK, linewidth=1.4, zorder=0)
    right.set(
        xlabel=r"$(T - \mathrm{E}\,T)\,\log r_+$", ylabel="density",
        xlim=(data.scaled[0], data.scaled[-1]),
    )  # fmt: skip
    right.set_ylim(bottom=0)
    right.legend(fontsize=7.5, loc="upper right")


def _tell_collapse(data: Collapse) -> str:
    found = data.exits.mean(axis=1)
    rows = (0, 3)
    told = " and ".join(
        f"{number(data.mean[row], 4)} for {data.names[row]} (seen: {number(found[row], 4)})"
        for row in rows
    )
    return (
        f"First steps at which {data.replicas:,} runs from a saddle are a distance 1 away, moved "
        "by gradient noise of deviation 10⁻³, curvature −1, learning rate 0.05. Left: histograms "
        f"and laws; the mean is foretold to be {told}. Right: centered and in units of 1/log r₊ "
        "all lie on one curve, the law of minus the logarithm of a normal number: whatever the "
        "method, the momentum or the staleness, only place and scale differ. "
        f"Seed {data.seed}."
    )


COLLAPSE = Figure(
    slug="exit-time-collapse",
    title="Exit times from a saddle all have one shape",
    source=Citation(None),
    claims=("exit-time-from-a-noisy-saddle", "exit-times-have-one-shape"),
    compute=_collapse,
    draw=_draw_collapse,
    caption=_tell_collapse,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"replicas": 300},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SpeedUps:
    """Ratios of exponents ``(gaps, gains)`` and their law; exponents against the gap at one αg."""

    scaled_gap: Array
    gain: Array
    lead: Array
    law: Array
    seen_gain: Array
    seen: Array
    one_gain: float
    gap: Array
    ball: Array
    nesterov: Array
    damped: Array
    undamped: float
    seen_gap: Array
    seen_ball: Array
    seen_nesterov: Array


def _speed_ups(
    *, scaled_gap: Sequence[float] = (0.5, 1.0, 2.0), one_gain: float = 0.01, points: int = 200
) -> SpeedUps:
    gaps = np.asarray(scaled_gap, dtype=float)
    gain, seen_gain = np.geomspace(1e-5, 0.3, points), np.geomspace(1e-4, 0.1, 4)

    def lead(q: Array) -> Array:
        growth = saddles.escape_rate(1.0, 1 - gaps[:, None] * np.sqrt(q), q)
        return np.asarray(np.log(growth) / np.log(saddles.plain_escape_rate(1.0, q)))

    seen = [
        [
            np.log(
                simulated_rates(
                    HeavyBall(learning_rate=1.0, momentum=1 - c * np.sqrt(q)), [-q],
                    steps=int(40 / np.sqrt(q)),
                )[0]
            )
            / np.log1p(q)
            for q in seen_gain
        ]
        for c in gaps
    ]  # fmt: skip
    gap, seen_gap = np.geomspace(1e-3, 1, points), np.array([1e-2, 3e-2, 0.1, 0.3, 1.0])
    kinds = (HeavyBall, Nesterov)
    measured = [
        np.log(simulated_rates(kind(learning_rate=1.0, momentum=1 - seen_gap), [-one_gain])[:, 0])
        for kind in kinds
    ]
    return SpeedUps(
        scaled_gap=gaps,
        gain=gain,
        lead=lead(gain),
        law=np.asarray(saddles.escape_speed_up(1.0, gaps[:, None], gain)),
        seen_gain=seen_gain,
        seen=np.array(seen),
        one_gain=float(one_gain),
        gap=gap,
        ball=np.log(saddles.escape_rate(1.0, 1 - gap, one_gain)),
        nesterov=np.log(saddles.nesterov_escape_rate(1.0, 1 - gap, one_gain)),
        damped=np.asarray(saddles.overdamped_exponent(1.0, 1 - gap, one_gain)),
        undamped=float(saddles.undamped_exponent(1.0, one_gain)),
        seen_gap=seen_gap,
        seen_ball=measured[0],
        seen_nesterov=measured[1],
    )


def _draw_speed_ups(data: SpeedUps, axes: Any) -> None:
    left, right = axes[0]
    for row, color in enumerate(shades(len(data.scaled_gap))):
        left.loglog(data.gain, data.law[row], "--", color=color, linewidth=1)
        left.loglog(data.gain, data.lead[row], color=color, label=f"$c = {data.scaled_gap[row]:g}$")
        left.loglog(data.seen_gain, data.seen[row], "o", color=color, markerfacecolor="white")
    left.set(xlabel=product_label("learning_rate", "ascent"), ylabel="times sooner than descent")
    left.axhline(1, color=GRAY, linewidth=0.8)
    left.legend(title=r"$\beta = 1 - c\sqrt{\alpha g}$", loc="upper right")
    right.loglog(data.gap, data.damped, "--", color=GRAY, linewidth=1.2)
    right.axhline(data.undamped, color=GRAY, linestyle=":", linewidth=1.2)
    right.loglog(data.gap, data.ball, color=COLORS[0], label="heavy ball")
    right.loglog(data.gap, data.nesterov, color=COLORS[1], label="Nesterov")
    right.loglog(data.seen_gap, data.seen_ball, "o", color=COLORS[0], markerfacecolor="white")
    right.loglog(data.seen_gap, data.seen_nesterov, "s", color=COLORS[1], markerfacecolor="white")
    right.set(
        xlabel=r"$1 - \beta$", ylabel=r"exponent $\log r_+$",
        ylim=(data.ball.min() / 1.3, data.undamped * 1.6),
    )  # fmt: skip
    right.annotate(
        r"$\alpha g/(1-\beta)$", (0.27, 0.27 ** -1 * data.one_gain), (8, 4),
        textcoords="offset points", color=INK, fontsize=9,
    )  # fmt: skip
    right.annotate(
        r"$\approx\sqrt{\alpha g}$", (1.2e-3, data.undamped), (0, -14),
        textcoords="offset points", color=INK, fontsize=9,
    )  # fmt: skip
    right.legend(loc="lower left")


def _tell_speed_ups(data: SpeedUps) -> str:
    place = int(np.argmin(np.abs(data.scaled_gap - 1)))
    return (
        "Left: how many times larger heavy ball's exponent of escape is than gradient descent's at "
        "equal step, with β = 1 − c√(αg): exact (lines), simulated (dots), and the law (√(c² + 4) "
        f"− c)/(2√(αg)) (dashed). At αg = {number(data.seen_gain[0])} and c = "
        f"{number(data.scaled_gap[place])} it is {data.seen[place, 0]:.1f}. Right: exponents at αg "
        f"= {number(data.one_gain)} against 1 − β. As long as (1 − β)² ≫ αg momentum is a step "
        "divided by 1 − β (dashed); then the exponent stays below that of β = 1 (dotted). "
        "Nesterov's method is slightly faster."
    )


SPEED_UP = Figure(
    slug="escape-speed-up",
    title="Momentum leaves a saddle sooner by a root",
    source=Citation("oneill2019"),
    claims=(
        "momentum-leaves-a-saddle-sooner-by-a-root",
        "a-damped-ball-leaves-by-its-effective-step",
        "nesterov-leaves-a-saddle-faster-than-heavy-ball",
        "larger-momentum-accelerates-the-escape",
        "escape-trades-against-local-convergence",
        "permitted-steps-leave-sooner-by-the-root-of-the-condition",
    ),
    compute=_speed_ups,
    draw=_draw_speed_ups,
    caption=_tell_speed_ups,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 40},
    remark="Both diverge faster than gradient descent, as the paper says; the laws are ours.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Starts:
    """Paths from a ring ``(steps + 1, starts, 2)``; exit times over pairs of starts ``(n, n)``."""

    learning_rate: float
    momentum: float
    paths: Array
    path_exits: Array
    side: Array
    exits: Array
    staying: float
    leaving: float
    tracks: Array


def _starts(
    *, learning_rate: float = 0.05, momentum: float = 0.7, ring: int = 40, side: int = 121,
    steps: int = 400,
) -> Starts:  # fmt: skip
    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    angle = (np.arange(ring) + 0.5) * 2 * np.pi / ring
    around = 0.6 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    run = simulate(ball, Quadratic([-1.0, 1.0]), steps=120, start=around, replicas=ring)
    paths = run.outputs
    path_exits = first_steps(np.abs(paths[..., 0]) >= 1)
    line = np.linspace(-1, 1, side)
    before, now = np.meshgrid(line, line)
    state = (now.reshape(-1, 1), before.reshape(-1, 1))
    grid = simulate(ball, Quadratic([-1.0]), steps=steps, start=state, replicas=side * side)
    exits = first_steps(np.abs(grid.outputs[..., 0]) >= 10).reshape(side, side)
    slope = float(saddles.returning_rate(learning_rate, momentum, 1.0))
    off = np.array([-0.6, -0.25, -0.08, 0.0, 0.08, 0.25, 0.6])
    far = np.repeat([1.0, -1.0], len(off))[:, None]
    some = (slope * far + np.tile(off, 2)[:, None], far)
    tracks = simulate(ball, Quadratic([-1.0]), steps=30, start=some, replicas=len(far))
    return Starts(
        learning_rate=float(learning_rate),
        momentum=float(momentum),
        paths=paths,
        path_exits=path_exits,
        side=line,
        exits=np.where(np.isnan(exits), steps, exits),
        staying=slope,
        leaving=float(saddles.escape_rate(learning_rate, momentum, 1.0)),
        tracks=np.concatenate([far[None, :, 0], tracks.outputs[..., 0]]),
    )


def _draw_starts(data: Starts, axes: Any) -> None:
    import matplotlib as mpl

    left, right = axes[0]
    ramp = mpl.colormaps["viridis"]
    low, high = np.nanmin(data.path_exits), np.nanmax(data.path_exits)
    norm = mpl.colors.Normalize(low, high)
    for path, exit_step in zip(np.moveaxis(data.paths, 1, 0), data.path_exits, strict=True):
        color = ramp(norm(exit_step))
        left.plot(*path[: int(exit_step) + 1].T, color=color, linewidth=1)
        left.plot(*path[0], "o", color=color, markersize=4)
    left.axvline(0, color=INK, linewidth=1, linestyle="--")
    left.set(
        xlim=(-1, 1), ylim=(-0.75, 0.75), xlabel="$x$, curvature −1", ylabel="$y$, curvature 1"
    )
    left.set_title("paths from rest on a ring")
    bar = left.figure.colorbar(mpl.cm.ScalarMappable(norm, ramp), ax=left, location="bottom")
    bar.set_label("steps until $|x| \\geq 1$")
    picture = right.pcolormesh(
        data.side, data.side, data.exits, cmap=ramp, rasterized=True,
        vmax=np.quantile(data.exits, 0.99),
    )  # fmt: skip
    reach = np.array([-1.0, 1.0])
    right.plot(reach, data.staying * reach, "--", color="white", linewidth=1.6)
    right.plot(reach, data.leaving * reach, color="white", linewidth=1.2)
    for track in data.tracks.T:
        right.plot(track[:-1], track[1:], color="black", linewidth=0.9)
    right.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="$x_{t-1}$", ylabel="$x_t$")
    right.set_title("all pairs $(x_{-1}, x_0)$")
    second = right.figure.colorbar(picture, ax=right, location="bottom")
    second.set_label("steps until $|x| \\geq 10$")


def _tell_starts(data: Starts) -> str:
    return (
        f"Heavy ball with learning rate {number(data.learning_rate)} and momentum "
        f"{number(data.momentum)} at a saddle. Left: paths from rest; all leave but those that "
        "start on the line x = 0. Right: the coordinate of curvature −1 alone, over all pairs of "
        "its first two values, with paths in black; the color is the exit time. It has no bound "
        f"near the dashed line x₀ = r₋x₋₁, r₋ = {data.staying:.4f}, from which alone a run comes "
        f"back to the saddle; every other one leaves along x₀ = r₊x₋₁, r₊ = {data.leaving:.4f} "
        "(full line)."
    )


STARTS = Figure(
    slug="starts-at-a-saddle",
    title="Only a line of starts stays at a saddle",
    source=Citation("oneill2019"),
    claims=("only-a-line-of-starts-stays-at-a-saddle",),
    compute=_starts,
    draw=_draw_starts,
    caption=_tell_starts,
    panels=(1, 2),
    size=(WIDTH, 4.4),
    quick={"side": 31, "ring": 12, "steps": 200},
    remark="The paper's theorem is about general strict saddles; this is the quadratic one.",
)
