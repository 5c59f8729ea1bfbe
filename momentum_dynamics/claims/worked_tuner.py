"""The rows of the table of worked numbers on YellowFin and the rules beside it."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from momentum_dynamics.claims.better_rules import followed
from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.laws import noise, noisy_quadratic, queue_tuning, spectrum, staleness, tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.tuning.rule import single_step
from momentum_dynamics.tuning.rules import exact_single_step, queue_single_step

__all__ = ["ROWS"]

YELLOWFIN, OURS = Citation("zhang2017"), Citation(None)


def _root(signal: float) -> float:
    """√β as the rule has it, with h_min = 1 and C = 1/2."""
    step = single_step(h_max=1.0, h_min=1.0, variance=0.5, distance=float(np.sqrt(signal)))
    return float(tuning.best_root_momentum(step.one_minus_root, signal))


def _released(signal: float) -> float:
    return float(tuning.released_cubic_root(signal, 1e-6))


def _edge_ratio(momentum: float) -> float:
    """True floor over stand-in at the low edge, from the general law."""
    root = float(np.sqrt(momentum))
    rate = float(tuning.robust_learning_rate(1 - root, 1.0))
    return float(noise.surrogate_ratio(rate, momentum, 1.0))


def _second_moment() -> float:
    """E x² of heavy ball after 30 steps from the solution: α = 0.3, β = ½, h = 1, C = 2."""
    ball = HeavyBall(learning_rate=0.3, momentum=0.5)
    return float(second_moments(ball, 1.0, 2.0, steps=30, start=0.0).second_moment[-1])


def _switched(ratio: float) -> float:
    """Growth per step when curvature alternates between the ends at the tuned setting."""
    root = float(tuning.robust_root_momentum(1.0, ratio))
    return float(spectrum.switching_growth(2 * root, root**2))


def _threshold() -> float:
    return float(brentq(lambda ratio: _switched(ratio) - 1, 2.0, 100.0, xtol=1e-12))


def _exact_threshold(horizon: int) -> float:
    """The least p at which the exact rule moves, by search."""

    def moves(log_signal: float) -> float:
        distance = float(np.sqrt(2 * np.exp(log_signal)))
        step = exact_single_step(
            h_max=1.0, h_min=1.0, variance=1.0, distance=distance, horizon=horizon
        )
        return 1.0 if step.learning_rate > 0 else -1.0

    return float(np.exp(brentq(moves, np.log(1e-6), np.log(10.0), xtol=1e-13)))


def _rest() -> float:
    """Where YellowFin's rule comes to rest when it is told the true distance."""
    return float(
        followed(
            lambda d: single_step(h_max=1.0, h_min=1.0, variance=1.0, distance=d),
            distance=10.0, steps=400,
        )[-1]
    )  # fmt: skip


def _queue_rate(workers: int) -> float:
    """The rule's learning rate on curvature 1: C = 1, D = 5, horizon 400."""
    return float(
        queue_single_step(
            h_max=1.0, h_min=1.0, variance=1.0, distance=5.0, workers=workers, horizon=400
        ).learning_rate
    )


def _queue_search(workers: int) -> float:
    """The same by a search on the objective."""
    limit = float(staleness.queue_mean_square_limit(workers))
    found = minimize_scalar(
        lambda rate: queue_tuning.queue_horizon_objective(rate, 0.0, 1.0, 5.0, 1.0, workers, 400),
        bounds=(1e-6, limit * (1 - 1e-9)), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    return float(found.x)


ROWS = (
    *(
        WorkedNumber(
            source=YELLOWFIN, quantity=f"√β of the rule, p = {signal:g}", published=value,
            compute=partial(_root, signal), tolerance=tolerance,
            note="the value by 60-digit bisection, apart from the package",
        )
        for signal, value, tolerance in (
            (1e-18, 0.999999, 1e-12), (1e-12, 0.9999000033, 1e-10), (1e-3, 0.903332, 6e-7),
            (1.0, 0.3176721961719807, 1e-15), (1e3, 9.97011945e-4, 5e-13),
            (1e6, 9.99997e-7, 5e-13), (1e12, 1e-12, 1e-23),
        )
    ),
    *(
        WorkedNumber(
            source=YELLOWFIN, quantity=f"√β by the released code's formula, p = {signal:g}",
            published=value, compute=partial(_released, signal), tolerance=1e-3 * value,
            agrees=False,
            note="the formula's floor 1e-6 and its cancellation; the published value is the root",
        )
        for signal, value in ((1e6, 9.99997e-7), (1e9, 1e-9))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"noise floor over stand-in at the low edge, β = {momentum:g}",
            published=value, compute=partial(_edge_ratio, momentum), tolerance=1e-9 * value,
        )
        for momentum, value in ((0.5, 6.0), (0.9, 190.0), (0.99, 19900.0))
    ),
    WorkedNumber(
        source=YELLOWFIN, quantity="E x² after 30 steps: α = 0.3, β = ½, h = 1, C = 2",
        published=0.66667, compute=_second_moment, tolerance=1e-5,
        note="four hundred thousand runs apart from the package gave 0.6675 ± 0.0015",
    ),
    WorkedNumber(
        source=OURS, quantity="growth under alternating curvature, tuned for ν = 1000",
        published=2.266, compute=partial(_switched, 1000.0), tolerance=6e-4,
    ),
    WorkedNumber(
        source=OURS, quantity="range of curvatures at which the tuned setting may grow",
        published=3 + 2 * float(np.sqrt(2)), compute=_threshold, tolerance=1e-9,
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"least signal at which the exact rule moves, n = {horizon}",
            published=1 / (16 * horizon), compute=partial(_exact_threshold, horizon),
            tolerance=1e-9, note="1/(16n)",
        )
        for horizon in (1, 10)
    ),
    WorkedNumber(
        source=OURS, quantity="YellowFin's floor when told the true distance, in C/h²",
        published=2 * (1 - 0.6765228616777232) ** 3 / 0.6765228616777232, compute=_rest,
        tolerance=1e-9, note="from the root of u(1 + u²) = 2(1 − u)²(1 + u)³",
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"learning rate of the rule for M = {workers} workers",
            published=_queue_search(workers), compute=partial(_queue_rate, workers),
            tolerance=1e-7, note="beside a direct search; h = C = 1, D = 5, n = 400",
        )
        for workers in (1, 16)
    ),
    WorkedNumber(
        source=OURS, quantity="plain secant at the noise floor: α = 0.2, β = 0.6, h = 1",
        published=4.0,
        compute=lambda: float(noisy_quadratic.settled_secant(0.2, 0.6, 1.0)), tolerance=1e-12,
        note="10,000 runs read 4.015 ± 0.012",
    ),
)  # fmt: skip
