"""Staleness of real threads and processes, drawn from numbers that were measured once.

They lie beside this module, with what they were measured on, so that the picture is the same in
every run. ``fresh=1`` measures anew, here and now; `write_measured` puts what it measures in their
place::

    python -c "from momentum_dynamics.figures import real_workers; real_workers.write_measured()"
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.analysis import staleness_report
from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.live import awake, run_on_data, service_times
from momentum_dynamics.claims.real_workers import NEARLY_CONSTANT
from momentum_dynamics.delays import Empirical, Exponential, Gamma, GeometricDelay, ServiceDelay
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, INK, WIDTH, label

__all__ = ["measure", "write_measured"]

Array = NDArray[np.float64]

_RECORD = Path(__file__).with_suffix(".json")
_MICRO = 1e6


def measure(
    *, workers: int = 4, updates: int = 1500, sleep: float = 0.02, seed: int = 1
) -> dict[str, Any]:
    """Run threads and processes, and threads whose sleeps are nearly constant.

    Parameters
    ----------
    workers, updates : int
    sleep : float
        Mean, in seconds.
    seed : int

    Returns
    -------
    dict
        How it was made, on what kind of machine, and of each run the staleness of every update and
        the time of every gradient in microseconds.
    """
    exponential, gamma = Exponential(mean=sleep), Gamma(shape=NEARLY_CONSTANT, mean=sleep)
    cases = (
        ("threads", exponential, False),
        ("processes", exponential, True),
        ("threads, steady sleeps", gamma, False),
    )
    runs = []
    for name, service, on_processes in cases:
        with awake(workers, on_processes=on_processes) as pool:
            run = run_on_data(pool, service, workers=workers, updates=updates, seed=seed)
        times = np.round(_MICRO * service_times(run)).astype(int)
        runs.append({"name": name, "staleness": run.staleness.tolist(), "times": times.tolist()})
    return {
        "made_by": "momentum_dynamics.figures.real_workers.measure",
        "workers": workers,
        "updates": updates,
        "sleep": sleep,
        "seed": seed,
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "runs": runs,
    }


def write_measured(**settings: Any) -> None:
    """Measure, and keep it as what the figure shows.

    Parameters
    ----------
    **settings
        As `measure` takes them.
    """
    text = json.dumps(measure(**settings), separators=(",", ":"))
    lines = text.replace(',"', ',\n"').replace('[{"name"', '[\n{"name"')
    _RECORD.write_text(lines + "\n", encoding="utf-8")


@dataclass(frozen=True, kw_only=True, eq=False)
class RealStaleness:
    """Shares of stalenesses ``(runs, staleness)`` with intervals, and laws beside them."""

    workers: int
    updates: int
    sleep: float
    machine: str
    names: tuple[str, ...]
    shares: Array
    low: Array
    high: Array
    measured_law: Array
    geometric: Array
    seconds: Array
    mean: Array
    distance: Array
    measured_distance: Array
    noise_limit: Array
    is_recorded: int
    seed: int


def _real_staleness(*, fresh: int = 0, shown: int = 16, resamples: int = 2000) -> RealStaleness:
    found = measure() if fresh else json.loads(_RECORD.read_text(encoding="utf-8"))
    workers = int(found["workers"])
    geometric = GeometricDelay(workers=float(workers))
    reports, laws, seconds = [], [], []
    for run in found["runs"]:
        times = np.array(run["times"]) / _MICRO
        law = ServiceDelay(service=Empirical(times=times), workers=workers)
        reports.append([
            staleness_report(np.array(run["staleness"]), each, resamples=resamples, seed=0)
            for each in (geometric, law)
        ])  # fmt: skip
        laws.append(law.probabilities(shown))
        seconds.append(times.mean())
    first = [pair[0] for pair in reports]

    def cut(values: Any) -> Array:
        row = np.asarray(values, dtype=float)[:shown]
        return np.pad(row, (0, shown - len(row)))

    return RealStaleness(
        workers=workers,
        updates=int(found["updates"]),
        sleep=float(found["sleep"]),
        machine=f"{found['machine']}, Python {found['python']}",
        names=tuple(run["name"] for run in found["runs"]),
        shares=np.array([cut(report.shares) for report in first]),
        low=np.array([cut(report.low) for report in first]),
        high=np.array([cut(report.high) for report in first]),
        measured_law=np.array(laws),
        geometric=geometric.probabilities(shown),
        seconds=np.array(seconds),
        mean=np.array([report.mean for report in first]),
        distance=np.array([report.distance for report in first]),
        measured_distance=np.array([pair[1].distance for pair in reports]),
        noise_limit=np.array([report.noise_limit for report in first]),
        is_recorded=int(not fresh),
        seed=int(found["seed"]),
    )


def _draw(data: RealStaleness, axes: Any) -> None:
    ages = np.arange(data.shares.shape[1])
    for index, (ax, color) in enumerate(
        zip(axes[0], (COLORS[0], COLORS[2], COLORS[1]), strict=True)
    ):
        shares = data.shares[index]
        # The middle of an interval is not where the share is, as near 0 it cannot be.
        errors = np.maximum([shares - data.low[index], data.high[index] - shares], 0)
        ax.bar(ages, shares, width=0.8, color=color, alpha=0.35)
        ax.errorbar(
            ages, shares, errors, fmt="none", ecolor=color, elinewidth=1.2, label="measured"
        )
        ax.plot(ages, data.geometric, "--", color=INK, linewidth=1.2, label="geometric")
        ax.plot(
            ages, data.measured_law[index], ".-", color=INK, linewidth=0.9, markersize=4,
            label="from the measured times",
        )  # fmt: skip
        ax.set(xlabel=label("staleness"), title=data.names[index], ylim=(0, 0.58))
    axes[0, 0].set_ylabel("share of updates")
    axes[0, 0].legend(loc="upper right", fontsize=8)


def _tell(data: RealStaleness) -> str:
    told = "; ".join(
        f"{name}: {number(1000 * float(seconds), 3)} ms for a gradient, mean staleness "
        f"{number(float(mean), 4)}, total variation {number(float(distance), 2)} to the geometric "
        f"law and {number(float(own), 2)} to that of the measured times, where sampling noise "
        f"gives up to {number(float(limit), 2)}"
        for name, seconds, mean, distance, own, limit in zip(
            data.names, data.seconds, data.mean, data.distance, data.measured_distance,
            data.noise_limit, strict=True,
        )
    )  # fmt: skip
    when = "Recorded once on" if data.is_recorded else "Measured now on"
    return (
        f"Staleness of {data.workers} real workers that sleep for {1000 * data.sleep:g} ms in the "
        f"mean and then compute a gradient of least squares on the diabetes data, {data.updates:,} "
        "updates each, with 95 % intervals of a block bootstrap; steady sleeps vary by a quarter. "
        "Dashed: the geometric law of memoryless workers. Dots: the law that the measured times "
        f"beget, overhead included; nothing is fitted. {told}. {when} {data.machine}. Seed "
        f"{data.seed}."
    )


FIGURE = Figure(
    slug="real-workers",
    title="Staleness of real threads and processes",
    source=Citation("mitliagkas2016"),
    claims=("staleness-of-real-threads-is-geometric", "staleness-of-real-processes-is-geometric"),
    compute=_real_staleness,
    draw=_draw,
    caption=_tell,
    panels=(1, 3),
    size=(WIDTH, 2.9),
    quick={"resamples": 200},
    remark="Drawn from recorded numbers, for no two runs of real workers are the same; "
    "fresh=1 measures anew.",
)
