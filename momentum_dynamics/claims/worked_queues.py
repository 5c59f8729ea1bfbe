"""Worked numbers of asynchrony and of systems: derived or simulated apart, beside the package's."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    FixedDelay,
    GeometricDelay,
    LogNormal,
    Pareto,
    ShiftedExponential,
    SlowestOf,
)
from momentum_dynamics.delays.services import Service
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit, mean_square_limit
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments, stale_moments
from momentum_dynamics.dynamics.asynchrony.sensing import momentum_at_target, sensor_reading
from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import optima, staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.systems import Cluster, barrier_staleness, hardware_efficiency

__all__ = ["ROWS"]

OURS, HADJIS, YELLOWFIN = Citation(None), Citation("hadjis2016"), Citation("zhang2017")


# Clusters --------------------------------------------------------------------------------------


def _pace(groups: int) -> float:
    """Seconds per update of a simulated queue of fixed times, 8 of a group and 1 of the server."""
    run = _idle_run(groups, Deterministic(mean=8), Deterministic(), 1440)
    return float(run.times[-1].mean() - run.times[719].mean()) / 720


def _idle_run(groups: int, service: Service, server: Service | None, updates: int) -> Any:
    return simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=groups, service=service,
        server=server, updates=updates, stride=updates, seed=1,
    )  # fmt: skip


def _repaired(groups: int) -> float:
    cluster = Cluster(nodes=groups, service=Exponential(mean=8), server=Exponential())
    return hardware_efficiency(cluster, groups).seconds


def _slowest(service: Service, count: int) -> float:
    return float(SlowestOf(service=service, count=count).mean)


def _gain(service: Service, groups: int) -> float:
    """Gradients per second of groups over one barrier, by integrals over the service law."""
    return _slowest(service, 9600) / _slowest(service, 9600 // groups)


def _group_variation(nodes: int, groups: int) -> float:
    return float(Cluster(nodes=nodes, service=Exponential()).group_law(groups).variation)


def _staleness_variation(nodes: int, groups: int) -> float:
    delay = barrier_staleness(Cluster(nodes=nodes, service=Exponential()), groups)
    chances, ages = np.asarray(delay.probabilities(400)), np.arange(400)
    mean = chances @ ages
    return float((chances @ ages**2 - mean**2) ** 0.5 / mean)


_CLUSTER_ROWS = (
    *(
        WorkedNumber(
            source=HADJIS, quantity=f"seconds per update, {groups} groups, fixed times",
            published=max(1.0, 9 / groups), compute=partial(_pace, groups), tolerance=1e-9,
            note="the formula, with t_g = 8 and t_s = 1, beside a simulated queue",
        )
        for groups in (4, 8, 9, 16)
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"seconds per update, {groups} groups, memoryless times",
            published=value, compute=partial(_repaired, groups), tolerance=tolerance,
            note="the machine-repair sum beside mean-value analysis",
        )
        for groups, value, tolerance in
        ((4, 2.351, 5e-4), (8, 1.308, 5e-4), (9, 1.209, 5e-4), (16, 1.0045, 1e-4))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"mean of the slowest of {count:,} memoryless nodes",
            published=value, compute=partial(_slowest, Exponential(), count), tolerance=6e-6,
            note="the harmonic number",
        )
        for count, value in ((64, 4.74389), (1024, 7.50918), (9600, 9.74679), (10_000, 9.78761))
    ),
    WorkedNumber(
        source=OURS, quantity="mean of the slowest of 9,600 nodes, 1 + 0.1 Exp", published=1.975,
        compute=partial(_slowest, ShiftedExponential(shift=1, mean=1.1), 9600), tolerance=5e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="mean of the slowest of 9,600 nodes, lognormal, c = 0.1",
        published=1.462, compute=partial(_slowest, LogNormal(variation=0.1), 9600),
        tolerance=5e-3, note="a simulation apart, beside an integral",
    ),
    WorkedNumber(
        source=OURS, quantity="mean of the slowest of 9,600 nodes, Pareto, tail 3",
        published=19.19, compute=partial(_slowest, Pareto(tail=3), 9600), tolerance=5e-3,
        note="the limit (2/3) N^(1/3) Γ(2/3) beside an integral",
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"gradients per second, {groups} groups over one, memoryless",
            published=value, compute=partial(_gain, Exponential(), groups), tolerance=5e-4,
        )
        for groups, value in ((2, 1.077), (8, 1.271), (64, 1.743))
    ),
    WorkedNumber(
        source=OURS, quantity="gradients per second, 8 groups over one, 1 + 0.1 Exp",
        published=1.118, compute=partial(_gain, ShiftedExponential(shift=1, mean=1.1), 8),
        tolerance=5e-4,
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"variation of a group's time, {nodes:,} nodes in {groups}",
            published=value, compute=partial(_group_variation, nodes, groups), tolerance=tolerance,
            note="π/(√6 H_k), its limit for large k" if nodes == 64 else "",
        )
        for nodes, groups, value, tolerance in
        (
            (9600, 9, 0.170, 5e-4), (9600, 8, 0.167, 5e-4), (1024, 8, 0.236, 8e-4),
            (64, 8, 0.455, 8e-4),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"variation of staleness, {nodes:,} nodes in {groups} groups",
            published=value, compute=partial(_staleness_variation, nodes, groups), tolerance=2e-3,
            note="a simulation apart, beside the law",
        )
        for nodes, groups, value in
        ((9600, 9, 0.219), (9600, 8, 0.223), (1024, 8, 0.290), (64, 8, 0.506))
    ),
    WorkedNumber(
        source=Citation("alahyane2025"), quantity="mean staleness of 16 lognormal workers",
        published=15.0,
        compute=lambda: float(_idle_run(16, LogNormal(variation=1), None, 400_000).mean_staleness),
        tolerance=1e-3, note="a count, whatever the service law, but for the first reads",
    ),
)  # fmt: skip


# Limits, floors and paths ----------------------------------------------------------------------

_DESCENT, _FAST = GradientDescent(learning_rate=1.0), GradientDescent(learning_rate=9.917)


def _mean_limit(workers: int) -> float:
    return float(delay_stability_limit(_DESCENT, GeometricDelay(workers=workers)))


def _square_limit(workers: int, *, queue: bool) -> float:
    if queue:
        return float(mean_square_limit(_DESCENT, workers=workers))
    return float(mean_square_limit(_DESCENT, delay=GeometricDelay(workers=workers)))


def _path(workers: int, step: float, *, queue: bool) -> float:
    """E w² after 20 updates from 1."""
    method, delay = GradientDescent(learning_rate=step), GeometricDelay(workers=workers)
    moments = (
        queue_moments(method, 1.0, workers=workers) if queue else stale_moments(method, 1.0, delay)
    )
    path = moments.path(20)
    return float(path.variance[-1] + path.mean[-1] ** 2)


def _floor(workers: int, step: float, *, queue: bool) -> float:
    """The stationary variance over α²σ²."""
    method, delay = GradientDescent(learning_rate=step), GeometricDelay(workers=workers)
    moments = (
        queue_moments(method, 1.0, workers=workers, noise_variance=1.0)
        if queue
        else stale_moments(method, 1.0, delay, 1.0)
    )
    return float(moments.stationary_variance) / step**2


_MOMENT_ROWS = (
    WorkedNumber(
        source=OURS, quantity="stability limit, fixed delay 15", published=0.101298,
        compute=lambda: float(delay_stability_limit(_DESCENT, FixedDelay(staleness=15))),
        tolerance=1e-6,
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"stability limit of the mean, {workers} memoryless workers",
            published=float(4 * workers - 2),
            compute=partial(_mean_limit, workers), tolerance=1e-6,
            note="4M − 2 beside a search on roots",
        )
        for workers in (2, 16)
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"stability limit in mean square, {workers} workers",
            published=value,
            compute=partial(_square_limit, workers, queue=True), tolerance=6e-5,
        )
        for workers, value in ((2, 1.2808), (4, 0.8431), (16, 0.3862), (256, 0.0904))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"the same for independent staleness, {workers} workers",
            published=value,
            compute=partial(_square_limit, workers, queue=False), tolerance=6e-5,
        )
        for workers, value in ((4, 0.7432), (16, 0.3584))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"E w² after 20 updates, M = {workers}, αh = {step:g}, {name}",
            published=value, compute=partial(_path, workers, step, queue=name == "queue"),
            tolerance=tolerance,
        )
        for workers, step, name, value, tolerance in (
            (3, 0.9, "queue", 0.3319, 6e-5), (3, 0.9, "independent", 1.1234, 6e-5),
            (8, 0.4, "queue", 0.39614, 6e-6), (8, 0.4, "independent", 0.49555, 6e-6),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"floor over α²σ², M = {workers}, αh = {step:g}, {name}",
            published=value, compute=partial(_floor, workers, step, queue=name == "queue"),
            tolerance=6e-4,
        )
        for workers, step, name, value in (
            (4, 0.2, "queue", 4.412), (8, 0.1, "queue", 8.911),
            (4, 0.2, "independent", 4.595), (8, 0.1, "independent", 9.104),
        )
    ),
    WorkedNumber(
        source=OURS, quantity="rate of the mean, M = 3, αL = 9.917, κ = 100", published=0.890,
        compute=lambda: float(
            np.max(spectral_radius(_FAST, np.array([0.01, 1.0]), GeometricDelay(workers=3)))
        ),
        tolerance=6e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="growth of E w² there, a step", published=27.8,
        compute=lambda: float(
            queue_moments(_FAST, 1.0, workers=3).mean_square_rate
        ),
        tolerance=0.05, note="what the mean does not say",
    ),
)  # fmt: skip


# Explicit momentum and sensors -----------------------------------------------------------------

_TOTAL = float(optima.heavy_ball_rate(100.0)) ** 2
"""The best momentum for κ = 100."""


@cache
def _tuned(workers: int, sense: str) -> Any:
    return tune_queue(0.01, 1.0, workers=workers, sense=sense)


def _best_momentum(workers: int, sense: str) -> float:
    return float(_tuned(workers, sense).method.momentum)


def _best_rate(workers: int, sense: str) -> float:
    return float(_tuned(workers, sense).rate)


def _reading(step: float, momentum: float) -> float:
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    return float(sensor_reading(ball, 1.0, FixedDelay(staleness=15)).center)


_MOMENTUM_ROWS = (
    WorkedNumber(
        source=OURS, quantity="workers whose implicit momentum is the best for κ = 100",
        published=3.025, compute=lambda: 1 / (1 - _TOTAL), tolerance=6e-4,
        note="in the mean only",
    ),
    *(
        WorkedNumber(
            source=OURS,
            quantity=f"best explicit momentum, M = {workers}, in {sense.replace('-', ' ')}",
            published=value, compute=partial(_best_momentum, workers, sense),
            tolerance=0.03, note="the optimum is flat: the rates of the two differ by 10⁻⁵ at most",
        )
        for workers, sense, value in (
            (2, "mean", 0.129), (4, "mean", -0.263), (8, "mean", -0.311),
            (2, "mean-square", 0.430), (4, "mean-square", 0.059), (8, "mean-square", -0.200),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"best rate, M = {workers}, in {sense.replace('-', ' ')}",
            published=value,
            compute=partial(_best_rate, workers, sense),
            tolerance=tolerance,
        )
        for workers, sense, value, tolerance in (
            (2, "mean", 0.9131, 1e-4), (8, "mean", 0.9331, 1e-4),
            (2, "mean-square", 0.98595, 1e-5), (8, "mean-square", 0.99455, 1e-5),
        )
    ),
    WorkedNumber(
        source=OURS, quantity="explicit momentum by the time constant, M = 2", published=0.506,
        compute=lambda: float(staleness.time_constant_momentum(_TOTAL, 2.0)), tolerance=6e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="explicit momentum by the additive rule, M = 2", published=0.169,
        compute=lambda: float(staleness.additive_momentum(_TOTAL, 2.0)), tolerance=6e-4,
    ),
    *(
        WorkedNumber(
            source=YELLOWFIN,
            quantity=f"sensor of momentum, delay 15, αh = {step:g}, β = {momentum:g}",
            published=value, compute=partial(_reading, step, momentum), tolerance=tolerance,
            note="the source's estimator; the value is from a path that was run apart",
        )
        for step, momentum, value, tolerance in (
            (0.001, 0.0, 0.0151, 1e-4), (0.001, 0.5, 0.515, 6e-4), (0.01, 0.0, 0.163, 6e-4),
            (0.02, 0.0, 0.384, 6e-4),
        )
    ),
    WorkedNumber(
        source=OURS, quantity="where the closed loop rests, delay 15, αh = 0.02, target 0.2",
        published=-0.1608,
        compute=lambda: float(
            momentum_at_target(
                HeavyBall(learning_rate=0.02, momentum=0.0), 1.0, 0.2, FixedDelay(staleness=15)
            )
        ),
        tolerance=6e-5, note="a loop that was run apart, beside the root",
    ),
)  # fmt: skip

ROWS: tuple[WorkedNumber, ...] = (*_CLUSTER_ROWS, *_MOMENT_ROWS, *_MOMENTUM_ROWS)
