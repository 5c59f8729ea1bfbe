"""How many groups: seconds, updates and both; barriers, and what they make of staleness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.published import reported
from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    LogNormal,
    Pareto,
    ShiftedExponential,
)
from momentum_dynamics.delays.services import Service
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label, shades
from momentum_dynamics.laws import systems as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.systems import (
    Cluster,
    Task,
    barrier_staleness,
    best_groups,
    hardware_efficiency,
    scaling,
)

__all__: list[str] = []

Array = NDArray[np.float64]


# How many groups -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class HowMany:
    """Seconds per update, updates to a target and time to it, against the number of groups."""

    groups: NDArray[np.int64]
    pace: Array
    random_pace: Array
    random_groups: NDArray[np.int64]
    measured: Array
    measured_error: Array
    targets: Array
    updates: Array
    time: Array
    best: NDArray[np.int64]
    momentum: Array
    nodes: int
    batch: float
    server: float
    seed: int


def _how_many(
    *,
    nodes: int = 32,
    batch: float = 32.0,
    server: float = 0.35,
    targets: Sequence[float] = (0.3, 0.1, 0.03, 0.01, 0.003),
    updates: int = 2000,
    seed: int = 5,
) -> HowMany:
    groups = 2 ** np.arange(int(np.log2(nodes)) + 1)
    cluster = Cluster(
        nodes=nodes, service=Deterministic(mean=batch), server=server, shares_batch=True
    )
    # One node of 8 seconds in every group: where the server saturates, at 9 groups.
    many = np.array([1, 2, 4, 6, 8, 9, 10, 12, 16])
    fixed, random, measured = [], [], []
    for count in many:
        clockwork = Cluster(nodes=int(count), service=Deterministic(mean=8), server=1)
        fixed.append(hardware_efficiency(clockwork, int(count)).seconds)
        memoryless = Cluster(nodes=int(count), service=Exponential(mean=8), server=Exponential())
        random.append(hardware_efficiency(memoryless, int(count)).seconds)
        run = simulate_queue(
            GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=int(count),
            service=memoryless.service, server=memoryless.server, updates=2 * updates, replicas=8,
            stride=2 * updates, seed=np.random.SeedSequence([seed, int(count)]),
        )  # fmt: skip
        each = (run.times[-1] - run.times[updates - 1]) / updates
        measured.append((each.mean(), each.std(ddof=1) / 8**0.5))
    rows = []
    for target in targets:
        task = Task(spectrum=[1.0], noise_variance=1.0, target=target)
        choices = {
            choice.groups: choice for choice in best_groups(cluster, task, among=groups.tolist())
        }
        rows.append([
            (choice.updates, choice.seconds, choice.momentum)
            for choice in (choices[int(count)] for count in groups)
        ])  # fmt: skip
    table = np.array(rows, dtype=float)
    return HowMany(
        groups=groups,
        pace=np.array(fixed),
        random_pace=np.array(random),
        random_groups=many,
        measured=np.array(measured)[:, 0],
        measured_error=np.array(measured)[:, 1],
        targets=np.array(targets, dtype=float),
        updates=table[..., 0],
        time=table[..., 1],
        best=groups[table[..., 1].argmin(axis=1)],
        momentum=table[..., 2],
        nodes=int(nodes),
        batch=float(batch),
        server=float(server),
        seed=int(seed),
    )


def _draw_how_many(data: HowMany, axes: Any) -> None:
    colors = shades(len(data.targets))
    ax = axes["A"]
    ax.plot(data.random_groups, data.random_pace, color=COLORS[1], label="memoryless")
    ax.errorbar(
        data.random_groups, data.measured, 3 * data.measured_error, color=COLORS[1], fmt="o",
        markersize=3.5, label="simulated",
    )  # fmt: skip
    ax.plot(data.random_groups, data.pace, color=COLORS[0], label="fixed: the formula")
    ax.axvline(9, color=GRAY, linewidth=0.8)
    ax.set(xlabel=label("groups"), ylabel="seconds per update", yscale="log", xscale="log")
    ax.set(xticks=[1, 2, 4, 8, 16], xticklabels=["1", "2", "4", "8", "16"])
    ax.set(yticks=[1, 2, 4, 8], yticklabels=["1", "2", "4", "8"])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    panels = (("B", data.updates, "updates over one group's"), ("C", data.time, ("seconds over the "
              "best")))  # fmt: skip
    for letter, rows, text in panels:
        ax = axes[letter]
        for row, target, color in zip(rows, data.targets, colors, strict=True):
            base = row[0] if letter == "B" else row.min()
            ax.plot(data.groups, row / base, "o-", color=color, markersize=3.5,
                    label=f"{target:g}")  # fmt: skip
        ax.set(xlabel=label("groups"), ylabel=text, xscale="log", yscale="log")
        ax.set(xticks=data.groups, xticklabels=[f"{count}" for count in data.groups])
        ax.set(yticks=[1, 2, 4], yticklabels=["1", "2", "4"])
        ax.minorticks_off()
    axes["B"].legend(title="target", fontsize=8, title_fontsize=8)
    axes["C"].set(ylim=(0.9, 4.5))
    ax = axes["D"]
    ax.axhline(0, color=GRAY, linewidth=0.8)
    for row, color in zip(data.momentum, colors, strict=True):
        ax.plot(data.groups, row, "o-", color=color, markersize=3.5)
    ax.set(xlabel=label("groups"), ylabel=f"best {label('momentum')}", xscale="log")
    ax.set(xticks=data.groups, xticklabels=[f"{count}" for count in data.groups])
    ax.minorticks_off()


def _tell_how_many(data: HowMany) -> str:
    best = ", ".join(f"{count}" for count in data.best)
    targets = ", ".join(number(float(target)) for target in data.targets)
    gains = data.time[:, 0] / data.time.min(axis=1)
    return (
        "Top left: seconds per update of groups that compute for 8 seconds before a server that "
        "takes 1; the formula max(t_s, (t_g + t_s)/g) is exact for fixed times and optimistic for "
        f"memoryless ones, most of all at saturation, 9 groups ({data.random_pace[5]:.3f} against "
        f"{data.pace[5]:g}; runs with seed {data.seed}, bars of 3 standard errors). Top right: "
        "updates to a target loss with tuned learning rate and momentum, for "
        f"{data.nodes} nodes that split batches of {data.batch:g} seconds, curvature and noise 1. "
        f"Bottom left: seconds to the target; for {targets} the best of these numbers of groups "
        f"are {best}. The tighter the target, the more asynchrony pays. Bottom right: the "
        "explicit momentum of the fastest setting; at the target "
        f"{number(float(data.targets[1]))} it falls from {number(data.momentum[1, 0], 2)} to "
        f"{number(data.momentum[1, -1], 2)}, below zero. Over one group the best is "
        f"{gains.min():.2f} to {gains.max():.2f} times as fast, on the same nodes with the same "
        "code. What the source reports is against other systems: "
        f"{reported('hadjis2016', 'gain over the fastest systems')} over the fastest of its day, "
        f"and {reported('hadjis2016', 'gain on one node')} on a single node."
    )


HOW_MANY = Figure(
    slug="how-many-groups",
    title="How many groups: seconds per update times updates to a target",
    source=Citation("hadjis2016"),
    claims=(
        "hardware-efficiency-is-exact-for-fixed-times",
        "best-groups-grow-as-the-target-tightens",
        "halving-while-momentum-is-zero-can-miss-the-fastest-groups",
    ),
    compute=_how_many,
    draw=_draw_how_many,
    caption=_tell_how_many,
    panels="AB\nCD",
    size=(WIDTH, 5.6),
    quick={"targets": (0.3, 0.1), "updates": 300},
    remark="The source's model on a quadratic of our own; its networks and clusters are not here, "
    "only what its abstract says of them.",
)


# Hybrid staleness ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Hybrid:
    """Staleness of groups as they grow, and how fast clusters of such groups are."""

    groups: int
    sizes: NDArray[np.int64]
    chances: Array
    measured: Array
    variation: Array
    measured_variation: Array
    geometric: float
    counts: NDArray[np.int64]
    names: tuple[str, ...]
    weak: Array
    grouped: Array
    strong: Array
    exchange: float
    reported_nodes: int
    reported_speed: Array
    seed: int


def _hybrid(
    *,
    groups: int = 8,
    sizes: Sequence[int] = (1, 4, 32, 1200),
    exchange: float = 0.01,
    largest: int = 9600,
    points: int = 12,
    updates: int = 4000,
    seed: int = 3,
) -> Hybrid:
    ages = np.arange(5 * groups)
    chances, measured = [], []
    for size in sizes:
        cluster = Cluster(nodes=groups * size, service=Exponential())
        chances.append(barrier_staleness(cluster, groups).probabilities(len(ages)))
        run = simulate_queue(
            GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=groups,
            service=cluster.group_law(groups), updates=updates, replicas=8, stride=updates,
            seed=np.random.SeedSequence([seed, size]),
        )  # fmt: skip
        stale = np.asarray(run.staleness)[20 * groups :]
        counted = np.bincount(stale.ravel(), minlength=len(ages))
        measured.append((counted[: len(ages)] / stale.size, stale.std() / stale.mean()))
    services: dict[str, Service] = {
        "0.9 + 0.1 Exp": ShiftedExponential(shift=0.9),
        "lognormal, c = 0.1": LogNormal(variation=0.1),
        "exponential": Exponential(),
        "Pareto, tail 3": Pareto(tail=3),
    }
    counts = np.unique(np.geomspace(groups, largest, points).round().astype(int) // groups * groups)
    weak, grouped, strong = [], [], []
    for service in services.values():
        cluster = Cluster(nodes=1, service=service, communication=exchange, server=0)
        one = scaling(cluster, counts.tolist())
        weak.append(one.weak)
        strong.append(one.strong)
        grouped.append(scaling(cluster, counts.tolist(), groups).weak)
    node = reported("kurth2017", "speed of one node").smallest / 1000  # in PFLOP/s
    sustained = reported("kurth2017", "sustained speed")
    return Hybrid(
        groups=int(groups),
        sizes=np.array(sizes),
        chances=np.array(chances),
        measured=np.array([row for row, _ in measured]),
        variation=np.array([_variation(row) for row in chances]),
        measured_variation=np.array([value for _, value in measured]),
        geometric=float(laws.geometric_variation(groups)),
        counts=counts,
        names=tuple(services),
        weak=np.array(weak),
        grouped=np.array(grouped),
        strong=np.array(strong),
        exchange=float(exchange),
        reported_nodes=int(reported("kurth2017", "nodes").smallest),
        reported_speed=np.array([sustained.smallest, sustained.largest]) / node,
        seed=int(seed),
    )


def _variation(chances: Array) -> float:
    ages = np.arange(len(chances))
    total = chances.sum()
    mean = chances @ ages / total
    return float((chances @ ages**2 / total - mean**2) ** 0.5 / mean)


def _draw_hybrid(data: Hybrid, axes: Any) -> None:
    left, right = axes[0]
    ages = np.arange(data.chances.shape[1])
    for row, dots, size, color in zip(
        data.chances, data.measured, data.sizes, shades(len(data.sizes)), strict=True
    ):
        left.plot(ages, row, color=color, label=f"$k = {size}$")
        left.plot(ages, dots, "o", color=color, markersize=3)
    left.axvline(data.groups - 1, color=GRAY, linewidth=0.8)
    left.set(xlabel=label("staleness"), ylabel="probability", xlim=(0, 4 * data.groups))
    left.legend(fontsize=8, title=f"{data.groups} groups of $k$ nodes", title_fontsize=8)
    right.loglog(data.counts, data.counts, color=INK, linewidth=0.8)
    for name, one, several, split, color in zip(
        data.names, data.weak, data.grouped, data.strong, COLORS, strict=False
    ):
        right.loglog(data.counts, several, color=color, label=name)
        right.loglog(data.counts, one, "--", color=color)
        right.loglog(data.counts, split, ":", color=color)
    right.vlines(
        data.reported_nodes, *data.reported_speed, color=INK, linewidth=4, label="reported"
    )
    right.set(xlabel=label("nodes"), ylabel="speed over one node")
    right.legend(fontsize=8)


def _tell_hybrid(data: Hybrid) -> str:
    worst = 1 - data.weak[:, -1] / data.counts[-1]
    gains = data.grouped[:, -1] / data.weak[:, -1]
    names = ", ".join(
        f"{name} {share:.0%}, {gain:.2f}×"
        for name, share, gain in zip(data.names, worst, gains, strict=True)
    )
    low, high = data.reported_speed / data.reported_nodes
    return (
        f"Left: staleness in {data.groups} groups that wait for the slowest of their k memoryless "
        "nodes, by theory (lines) and in simulated queues (dots, "
        f"seed {data.seed}). It has mean {data.groups - 1} always, but its variation falls from "
        f"{data.variation[0]:.2f}, the geometric law, to {data.variation[-1]:.2f} at "
        f"k = {data.sizes[-1]:,}: nearly a fixed delay. Right: speed against nodes, the mean node "
        f"taking 1 second and an exchange {number(data.exchange)}: gradients per second of "
        f"{data.groups} groups (solid) and of one barrier (dashed), and updates per second when "
        "one batch is split over one barrier (dotted), which exchanges soon limit. At "
        f"{data.counts[-1]:,} nodes one barrier loses, and groups gain: {names}. The bar is what "
        f"the source reports of {reported('kurth2017', 'nodes')} of "
        f"{reported('kurth2017', 'speed of one node')} each: "
        f"{reported('kurth2017', 'sustained speed')} sustained, "
        f"{low:.0%} to {high:.0%} of all nodes' own speed."
    )


HYBRID = Figure(
    slug="hybrid-staleness",
    title="Barriers inside of groups: staleness that is nearly fixed, and how clusters scale",
    source=Citation("kurth2017"),
    claims=("barrier-groups-are-nearly-pure-delay",),
    compute=_hybrid,
    draw=_draw_hybrid,
    caption=_tell_hybrid,
    panels=(1, 2),
    size=(WIDTH, 3.6),
    quick={"sizes": (1, 32), "points": 4, "updates": 400},
    remark="Clusters of our own in the hybrid scheme of the source; of its measurements only what "
    "its abstract says.",
)
