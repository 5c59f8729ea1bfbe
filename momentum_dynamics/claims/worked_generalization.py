"""Rows of the table of worked numbers: early stopping, sharpness, implicit regularization."""

from __future__ import annotations

from functools import partial
from typing import Any

from momentum_dynamics.claims.early_stopping import flow_ratio, worst_ridge_ratio
from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.implicit_regularization import measured_penalty
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.dynamics.minibatch import mini_batch_limit
from momentum_dynamics.dynamics.sharpness import sharpness_limit
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import generalization
from momentum_dynamics.methods import HeavyBall, Nesterov

__all__ = ["ROWS"]

OURS, ALI, COHEN = Citation(None), Citation("ali2019"), Citation("cohen2021")
GHOSH = Citation("ghosh2023")

_RATIO_ROWS = (
    WorkedNumber(
        source=ALI, quantity="risk of tuned early stopping over tuned ridge", published=1.22,
        compute=flow_ratio, tolerance=1e-2, note="the source's abstract rounds up",
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"worst risk over that of matched ridge, β = {momentum:g}",
            published=value,
            compute=partial(worst_ridge_ratio, rate, momentum, 2.0, steps), tolerance=tolerance,
            note=note,
        )
        for momentum, rate, steps, value, tolerance, note in (
            (0.0, 0.001, 4000, 1.2148, 6e-4, "4,000 steps; apart, an unknown number"),
            (0.5, 0.001, 4000, 1.2154, 6e-4, "4,000 steps; apart, an unknown number"),
            (0.9, 0.001, 4000, 1.2165, 6e-4, "4,000 steps; apart, an unknown number"),
            (0.97, 0.01, 100, 3.21, 6e-3, "up to curvature 2"),
        )
    ),
)  # fmt: skip


def _sharpness(kind: str) -> float:
    return float(sharpness_limit(kind, learning_rate=1.0, momentum=0.9))


def _step(momentum: float, variance: float) -> float:
    return float(
        mini_batch_limit(
            "heavy-ball", momentum=momentum, curvature=1.0, curvature_variance=variance
        )
    )


_SHARPNESS_ROWS = (
    *(
        WorkedNumber(
            source=COHEN, quantity=f"edge of stability, {kind.replace('-', ' ')}, α = 1, β = 0.9",
            published=value, compute=partial(_sharpness, kind), tolerance=6e-4,
        )
        for kind, value in (("heavy-ball", 3.8), ("nesterov", 1.357))
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"largest stable α, h = 1, τ² = {variance:g}, β = {momentum:g}",
            published=value, compute=partial(_step, momentum, variance), tolerance=tolerance,
        )
        for momentum, variance, value, tolerance in (
            (0.0, 0.0, 2.0, 1e-9), (0.0, 0.01, 1.980, 6e-4), (0.0, 0.1, 1.818, 6e-4),
            (0.0, 1.0, 1.0, 1e-9), (0.0, 10.0, 0.1818, 6e-5), (0.9, 0.0, 3.8, 1e-9),
            (0.9, 0.01, 3.193, 6e-4), (0.9, 0.1, 1.310, 6e-4), (0.9, 1.0, 0.190, 6e-4),
            (0.9, 10.0, 0.0199, 6e-5),
        )
    ),
)  # fmt: skip


def _variance(build: Any) -> float:
    return float(stationary_variance(build(learning_rate=0.1, momentum=0.9), 1.0, 1.0))


def _penalty(learning_rate: float, *, is_relative: bool) -> float:
    """The penalty at β = 0.9 over gradient descent's at learning rate 1."""
    law = generalization.relative_penalty if is_relative else generalization.gradient_penalty
    return float(law(learning_rate, 0.9) / generalization.gradient_penalty(1.0, 0.0))


_PENALTY_ROWS = (
    *(
        WorkedNumber(
            source=OURS, quantity=f"noise floor of {name}, α = 0.1, β = 0.9, h = 1",
            published=value, compute=partial(_variance, build), tolerance=1e-6,
        )
        for name, build, value in (
            ("heavy ball", HeavyBall, 0.513514), ("Nesterov's method", Nesterov, 0.270634),
        )
    ),
    *(
        WorkedNumber(
            source=source, quantity=f"implicit regularization over descent's, β = 0.9, {what}",
            published=value, compute=partial(_penalty, rate, is_relative=is_relative),
            tolerance=1e-9,
        )
        for source, what, value, rate, is_relative in (
            (OURS, "equal learning rate", 1900.0, 1.0, False),
            (OURS, "relative to the loss", 190.0, 1.0, True),
            (GHOSH, "equal effective learning rate", 19.0, 0.1, True),
        )
    ),
    *(
        WorkedNumber(
            source=OURS, quantity=f"second coefficient of −log z, α = 10⁻⁴, β = {momentum:g}",
            published=value, compute=partial(measured_penalty, 1e-4, momentum),
            tolerance=tolerance, note="the third order included",
        )
        for momentum, value, tolerance in ((0.9, 968.5, 0.06), (0.5, 6.0035, 6e-5))
    ),
)  # fmt: skip

ROWS: tuple[WorkedNumber, ...] = (*_RATIO_ROWS, *_SHARPNESS_ROWS, *_PENALTY_ROWS)
