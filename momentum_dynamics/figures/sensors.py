"""What a sensor of momentum reads, and what feedback on it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import Delay, Deterministic, FixedDelay, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.sensing import sensor_reading
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, product_label
from momentum_dynamics.laws import sensors, staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.tuning import simulate_closed_loop, total_momentum

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """Readings by explicit momentum, law of delay and αh, and those measured on runs."""

    workers: int
    momentum: Array
    step: Array
    center: Array
    wander: Array
    slow: Array
    folklore: Array
    measured_step: Array
    measured: Array
    predicted: Array


def _readings(
    *, workers: int = 16, momenta: tuple[float, ...] = (0.0, 0.5), points: int = 300, runs: int = 9
) -> Readings:
    step = np.geomspace(5e-4, 0.06, points)
    delays: list[Delay] = [FixedDelay(staleness=workers - 1), GeometricDelay(workers=workers)]
    momentum = np.array(momenta)
    found = [
        [sensor_reading(HeavyBall(learning_rate=step, momentum=b), 1.0, delay) for delay in delays]
        for b in momenta
    ]
    steps = np.geomspace(1e-3, 0.05, runs)
    measured = [[_measured(float(a), b, workers) for a in steps] for b in momenta]
    predicted = [
        sensor_reading(HeavyBall(learning_rate=steps, momentum=b), 1.0, delays[0]).center
        for b in momenta
    ]
    return Readings(
        workers=int(workers),
        momentum=momentum,
        step=step,
        center=np.array([[each.center for each in row] for row in found]),
        wander=np.array([[each.wander for each in row] for row in found]),
        slow=sensors.slow_reading(step, 1.0, momentum[:, None], workers - 1),
        folklore=momentum + staleness.implicit_momentum(workers),
        measured_step=steps,
        measured=np.array(measured),
        predicted=np.array(predicted),
    )


def _measured(step: float, momentum: float, workers: int) -> float:
    """The median over time of the reading of a round robin, once its slowest mode is left."""
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    run = simulate_queue(
        ball, Quadratic([1.0]), workers=workers, service=Deterministic(), updates=2400
    )
    return float(np.median(total_momentum(run, lambda x: x, step)[1200:]))


def _draw_readings(data: Readings, axes: Any) -> None:
    for index, ax in enumerate(axes[0]):
        b = data.momentum[index]
        for law, color in enumerate(COLORS[:2]):
            center, wander = data.center[index, law], data.wander[index, law]
            ax.fill_between(
                data.step, center - wander, center + wander, color=color, alpha=0.2, linewidth=0
            )
            ax.plot(data.step, center, color=color, linewidth=2)
        ax.plot(data.step, data.slow[index], "--", color=INK, linewidth=1.2)
        ax.axhline(data.folklore[index], color=GRAY, linewidth=1.2, linestyle=":")
        ax.axhline(b, color=GRAY, linewidth=0.8)
        ax.plot(data.measured_step, data.measured[index], "o", color=COLORS[0], markersize=4)
        ax.set(
            xscale="log", xlim=data.step[[0, -1]], ylim=(b - 0.12, b + 1.12),
            xlabel=product_label("learning_rate", "curvature"), title=f"explicit $\\beta$ = {b:g}",
        )  # fmt: skip
    axes[0, 0].set_ylabel("measured total momentum")
    handles = [
        axes[0, 0].plot([], [], style, color=color)[0]
        for style, color in (("-o", COLORS[0]), ("-", COLORS[1]), ("--", INK), (":", GRAY))
    ]
    axes[0, 0].figure.legend(
        handles,
        ["fixed delay", "memoryless workers", "β + mαh", "β + 1 − 1/M"],
        loc="outside lower center", ncols=4,
    )  # fmt: skip


def _tell_readings(data: Readings) -> str:
    gap = float(np.abs(data.measured - data.predicted).max())
    most = [
        float(law)
        for law in (
            sensors.largest_fixed_delay_reading(data.workers - 1),
            sensors.largest_geometric_delay_reading(data.workers),
        )
    ]
    return (
        f"What YellowFin's sensor of total momentum reads of M = {data.workers} workers on one "
        "curvature: behind the fixed delay of a round robin (blue; dots measured on runs, at most "
        f"{number(gap, 1)} off) and on the mean of memoryless workers (orange). On slow "
        "directions it reads the explicit momentum (thin line), and leaves it with slope "
        "m = M − 1 (dashed); staleness as momentum would be the dotted line. Without explicit "
        f"momentum a direction that does not oscillate is read as at most {number(most[0], 3)} "
        f"and {number(most[1], 3)}. Beyond, the ratio wanders through ±∞: its median over time, "
        "and its quartiles (bands)."
    )


READINGS = Figure(
    slug="what-the-sensor-reads",
    title="The sensor of total momentum sees what one knows already",
    source=Citation("zhang2017"),
    claims=(
        "noise-hides-staleness-from-the-sensor",
        "sensor-reads-explicit-momentum-on-slow-directions",
    ),
    compute=_readings,
    draw=_draw_readings,
    caption=_tell_readings,
    panels=(1, 2),
    size=(WIDTH, 3.8),
    quick={"points": 80, "runs": 3},
    remark="The source has the sensor, on networks in training; the curves are ours.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClosedLoops:
    """Reading, explicit momentum and target against updates, ``(panels, updates)``."""

    names: tuple[str, ...]
    workers: int
    learning_rate: float
    target: float
    gain: float
    reading: Array
    momentum: Array
    rest: float
    smallest_curvature: float
    noise_variance: float
    seed: int


def _closed_loops(
    *,
    workers: int = 16,
    learning_rate: float = 0.015,
    target: float = 0.1,
    gain: float = 0.01,
    updates: int = 1200,
    smallest_curvature: float = 0.01,
    noise_variance: float = 0.05,
    seed: int = 7,
) -> ClosedLoops:
    one = Quadratic([1.0])
    wide = Quadratic(np.geomspace(smallest_curvature, 1, 64))
    settings = (
        (one, 1, 0.0, 0.0),
        (one, workers, 0.0, 0.0),
        (one, workers, gain, 0.0),
        (wide, workers, gain, noise_variance),
    )
    runs = [
        simulate_closed_loop(
            target, problem, learning_rate=learning_rate, momentum=target, workers=count,
            service=Deterministic(), updates=updates, gain=slow, noise_variance=noise, seed=seed,
        )
        for problem, count, slow, noise in settings
    ]  # fmt: skip
    # The first workers all read the start: from here on there is something to read.
    begin = 2 * workers
    return ClosedLoops(
        names=(
            "synchronous",
            "asynchronous, open loop",
            "closed loop",
            "closed loop, wide spectrum",
        ),
        workers=int(workers),
        learning_rate=float(learning_rate),
        target=float(target),
        gain=float(gain),
        reading=np.array([run.reading[begin:] for run in runs]),
        momentum=np.array([run.momentum[begin:-1] for run in runs]),
        rest=float(sensors.fixed_delay_balance(learning_rate, 1.0, target, workers - 1)),
        smallest_curvature=float(smallest_curvature),
        noise_variance=float(noise_variance),
        seed=int(seed),
    )


def _draw_closed_loops(data: ClosedLoops, axes: Any) -> None:
    time = np.arange(data.reading.shape[1]) + 2 * data.workers
    for index, ax in enumerate(axes.flat):
        width = 0.4 if index == 3 else 3.2
        (read,) = ax.plot(time, data.reading[index], color=COLORS[5], linewidth=width)
        (kept,) = ax.plot(time, data.momentum[index], color=COLORS[1], linewidth=2)
        wanted = ax.axhline(data.target, color=INK, linestyle="--", linewidth=1.2)
        if index == 0:
            drawn = [read, kept, wanted]
        ax.set(title=data.names[index], ylim=(-0.35, 0.65), xlim=(0, time[-1]))
    for ax in axes[1]:
        ax.set_xlabel("updates")
    for ax in axes[:, 0]:
        ax.set_ylabel("momentum")
    axes[0, 0].figure.legend(
        drawn, ["total, measured", "explicit", "target"],
        loc="outside lower center", ncols=3,
    )  # fmt: skip


def _tell_closed_loops(data: ClosedLoops) -> str:
    last = data.reading[:, -1]
    settled = data.momentum[3, len(data.momentum[3]) // 2 :].mean()
    return (
        "Total momentum as YellowFin's sensor measures it, the explicit momentum, and the target "
        f"{number(data.target)}, with learning rate {number(data.learning_rate)}. One worker: what "
        f"is set is what is read. A round robin of {data.workers} on curvature 1: the reading "
        f"rises to {number(last[1], 3)}. Feedback with gain {number(data.gain)} takes explicit "
        f"momentum to {number(data.momentum[2, -1], 3)} (predicted {number(data.rest, 3)}), where "
        f"{number(last[2], 3)} is read. On 64 curvatures from "
        f"{number(data.smallest_curvature)} to 1 with noise of variance "
        f"{number(data.noise_variance)} the median direction is slow, the sensor reads what it is "
        f"given, and explicit momentum stays at {number(settled, 2)}, the mean over the second "
        f"half: almost nothing is compensated. Seed {data.seed}."
    )


LOOPS = Figure(
    slug="closed-loop-momentum",
    title="Closing the loop on total momentum, and where it sees nothing",
    source=Citation("zhang2017"),
    claims=(
        "feedback-finds-negative-momentum-on-one-curvature",
        "feedback-on-momentum-is-as-slow-as-its-reading-is-old",
    ),
    compute=_closed_loops,
    draw=_draw_closed_loops,
    caption=_tell_closed_loops,
    panels=(2, 2),
    size=(WIDTH, 5.0),
    quick={"updates": 400},
    remark="The source shows the first three panels on networks in training; here they are one "
    "curvature, where theory says what must come out, and the fourth is ours.",
)
