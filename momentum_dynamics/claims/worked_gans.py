"""Worked numbers of GANs: simulated apart from the package, beside what it computes and plays."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.gans_at_work import random_covariance
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.dynamics.playing import round_radius, stationary_radius
from momentum_dynamics.laws import gans
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import CovarianceGame, DiracGAN
from momentum_dynamics.simulation import play
from momentum_dynamics.simulation.rings import recorded_rings

__all__ = ["ROWS"]

OURS = Citation(None)

_MOMENTA = (-0.7, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3)

_PLAYED = "two simulations, each with its error"


def _apart(error: float, digits: float) -> float:
    """What two simulations with this standard error, and a rounding, may differ by."""
    return 4 * float(np.sqrt(2)) * error + digits


# The sweep over momentum -----------------------------------------------------------------------


@cache
def _sweep(learning_rate: float, order: str) -> tuple[float, ...]:
    method = HeavyBall(learning_rate=learning_rate, momentum=np.array(_MOMENTA))
    start = np.random.default_rng(1).standard_normal((200, 2))
    run = play(
        method, DiracGAN(), steps=2000, play=order, start=start, replicas=200, stride=2000
    )  # fmt: skip
    told = np.log10(run.distance[-1] / run.distance[0]).mean(axis=-1)
    return tuple(map(float, told))


def _cell(learning_rate: float, order: str, index: int) -> float:
    return _sweep(learning_rate, order)[index]


_SWEEP = {
    (0.2, "alternating"): (
        (-1.194, 0.010), (-1.243, 0.010), (-1.142, 0.010), (-0.613, 0.007), (0.004, 0.001),
        (0.459, 0.015), (0.572, 0.018),
    ),
    (0.5, "alternating"): (
        (-7.709, 0.012), (-8.052, 0.012), (-7.439, 0.014), (-4.044, 0.023), (0.047, 0.005),
        (0.572, 0.018), (0.656, 0.018),
    ),
    (1.0, "alternating"): (
        (-30.96, 0.18), (-33.00, 0.05), (-30.93, 0.04), (-16.69, 0.10), (0.284, 0.016),
        (0.639, 0.019), (0.736, 0.019),
    ),
    (0.5, "simultaneous"): (
        (0.494, 0.017), (0.547, 0.017), (0.579, 0.018), (0.616, 0.018), (0.640, 0.018),
        (0.674, 0.018), (0.733, 0.019),
    ),
}  # fmt: skip

_SWEEP_ROWS = tuple(
    WorkedNumber(
        source=OURS,
        quantity=f"Dirac-GAN, α = {rate:g}, {order}, β = {momentum:g}: decades in 2,000 rounds",
        published=value,
        compute=partial(_cell, rate, order, index),
        tolerance=_apart(error, 0.01 if abs(value) > 10 else 0.001),
        note=_PLAYED,
    )
    for (rate, order), row in _SWEEP.items()
    for index, (momentum, (value, error)) in enumerate(zip(_MOMENTA, row, strict=True))
)


def _predicted(momentum: float) -> float:
    method = HeavyBall(learning_rate=0.5, momentum=momentum)
    return 2000 * float(np.log10(round_radius(method, DiracGAN(), "alternating")))


def _settled(momentum: float) -> float:
    method = HeavyBall(learning_rate=0.5, momentum=momentum)
    return float(stationary_radius(method, DiracGAN(), 0.01))


_LAW_ROWS = (
    *(
        WorkedNumber(
            source=OURS, quantity=f"Dirac-GAN, α = 0.5, β = {momentum:g}: 2,000 log₁₀ ρ",
            published=value, compute=partial(_predicted, momentum), tolerance=6e-4,
        )
        for momentum, value in ((-0.7, -7.765), (-0.5, -8.105), (-0.3, -7.499), (-0.1, -4.118))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"Dirac-GAN under noise, β = {momentum:g}: settled radius",
            published=value, compute=partial(_settled, momentum), tolerance=0.025,
            note="the law of the linear game, beside a mean over runs of the game itself",
        )
        for momentum, value in ((-0.7, 0.305), (-0.5, 0.328), (-0.3, 0.404), (-0.1, 0.648))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"R1-regularized Dirac-GAN, γ = {penalty:g}: {name}",
            published=value, compute=partial(_law, penalty), tolerance=6e-5,
        )
        for name, _law, pairs in (
            ("best rate", lambda penalty: float(gans.penalized_rate(0.5, penalty)),
             ((0.3, 0.7338), (0.6, 0.5))),
            ("best rate without momentum",
             lambda penalty: float(gans.penalized_descent_rate(0.5, penalty)),
             ((0.3, 0.9539), (0.6, 0.8))),
        )
        for penalty, value in pairs
    ),
    WorkedNumber(
        source=Citation("mescheder2018"), quantity="critical gradient penalty of a logistic GAN",
        published=1.0, compute=lambda: float(gans.critical_penalty(0.5)), tolerance=1e-12,
    ),
)  # fmt: skip


# Covariances -----------------------------------------------------------------------------------


@cache
def _covariance(momentum: float, batch_size: int | None) -> float:
    """Decades of error over two random covariances and six starts of each."""
    told = []
    for seed in range(2):
        truth = random_covariance(3, np.random.default_rng(seed))
        game = CovarianceGame(truth, batch_size=batch_size, seed=seed)
        run = play(
            HeavyBall(learning_rate=0.1, momentum=momentum), game, steps=4000,
            start=game.starts(6, seed), replicas=6, stride=20,
        )  # fmt: skip
        told.append(np.log10(game.error(run.outputs[-10:]).mean(axis=0)))
    return float(np.mean(told))


_COVARIANCE_ROWS = tuple(
    WorkedNumber(
        source=OURS,
        quantity=f"covariance GAN, {name}, β = {momentum:g}: decades of error, 4,000 rounds",
        published=value,
        compute=partial(_covariance, momentum, batch_size),
        tolerance=_apart(error, 0.01) + spread,
        note=f"{_PLAYED}, of other covariances",
    )
    for name, momentum, batch_size, value, error, spread in (
        ("expectations", -0.7, None, -6.27, 0.36, 0.0),
        ("expectations", -0.5, None, -6.50, 0.37, 0.0),
        ("expectations", -0.3, None, -6.07, 0.34, 0.0),
        ("expectations", -0.1, None, -3.69, 0.21, 0.0),
        ("batches of 256", -0.7, 256, -0.924, 0.019, 0.1),
        ("batches of 256", -0.5, 256, -0.885, 0.015, 0.1),
        ("batches of 256", -0.3, 256, -0.776, 0.017, 0.1),
        ("batches of 256", -0.1, 256, -0.602, 0.015, 0.1),
    )
)


# A ring of Gaussians ---------------------------------------------------------------------------


def _ring(measure: str, setting: tuple[float, float]) -> float:
    return float(recorded_rings().late(measure, setting).mean())


_RING_ROWS = tuple(
    WorkedNumber(
        source=OURS,
        quantity=f"ring of Gaussians, β = {setting[0]:g}, α = {setting[1]:g}: {name}",
        published=value,
        compute=partial(_ring, measure, setting),
        tolerance=_apart(error, 0.001),
        agrees=agrees,
        note=f"{_PLAYED}; the one apart has {seeds} seeds" + ("" if agrees else f", and {reason}"),
    )
    for setting, seeds, rows in (
        (
            (-0.5, 0.075),
            8,
            (
                ("modes", 6.08, 0.44, True),
                ("quality", 0.295, 0.022, True),
                ("total_variation", 0.705, 0.022, True),
            ),
        ),
        (
            (0.0, 0.05),
            8,
            (
                ("modes", 5.96, 0.51, True),
                ("quality", 0.309, 0.031, True),
                ("total_variation", 0.691, 0.031, True),
            ),
        ),
        (
            (0.5, 0.025),
            8,
            (
                ("modes", 5.83, 0.51, True),
                ("quality", 0.302, 0.028, False),
                ("total_variation", 0.698, 0.028, False),
            ),
        ),
        (
            (-0.5, 0.1),
            4,
            (
                ("modes", 6.48, 0.66, True),
                ("quality", 0.413, 0.038, True),
                ("total_variation", 0.594, 0.046, True),
            ),
        ),
        (
            (0.0, 0.1),
            4,
            (
                ("modes", 3.67, 1.33, True),
                ("quality", 0.680, 0.110, True),
                ("total_variation", 0.672, 0.077, True),
            ),
        ),
        (
            (0.5, 0.1),
            4,
            (
                ("modes", 2.80, 0.90, True),
                ("quality", 0.181, 0.073, True),
                ("total_variation", 0.848, 0.051, True),
            ),
        ),
    )
    for measure, value, error, agrees in rows
    for name, reason in ((measure.replace("_", " "), "starts from other networks"),)
)

ROWS: tuple[WorkedNumber, ...] = (*_SWEEP_ROWS, *_LAW_ROWS, *_COVARIANCE_ROWS, *_RING_ROWS)
