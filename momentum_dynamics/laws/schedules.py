"""Coefficients that change with the step and tend to heavy ball's constants."""

from __future__ import annotations

from typing import NamedTuple

from momentum_dynamics.laws.optima import heavy_ball_rate
from momentum_dynamics.laws.regions import robust_high_end, robust_low_end
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import maximum

__all__ = [
    "StepParameters",
    "chebyshev_relaxation",
    "chebyshev_residual",
    "growing_momentum",
    "marchenko_pastur",
    "marchenko_pastur_high_end",
    "marchenko_pastur_low_end",
]


class StepParameters(NamedTuple):
    """Learning rate and momentum of one step."""

    learning_rate: Scalar
    momentum: Scalar


def chebyshev_relaxation(condition_number: Scalar, step: Scalar) -> Scalar:
    """The relaxation ω of the Chebyshev semi-iteration at step t ≥ 1; the momentum is ω − 1.

    The recursion ω₁ = 2, ωₜ₊₁ = 1/(1 − q²ωₜ/4), with q = (κ − 1)/(κ + 1) = 2r/(1 + r²) and
    r = (√κ − 1)/(√κ + 1), is solved by ωₜ₊₁ = (1 + r²)(1 + r²ᵗ)/(1 + r²ᵗ⁺²). It tends to 1 + r²:
    heavy ball is frozen Chebyshev.

    References
    ----------
    [golub1961]_
    """
    square = heavy_ball_rate(condition_number) ** 2
    return (1 + square) * (1 + square**step) / (1 + square ** (step + 1))


def chebyshev_residual(condition_number: Scalar, steps: Scalar) -> Scalar:
    """The share of the start that n gradients must leave in the worst case, 2rⁿ/(1 + r²ⁿ)."""
    rate = heavy_ball_rate(condition_number)
    return 2 * rate**steps / (1 + rate ** (2 * steps))


def marchenko_pastur(variance: Scalar, aspect_ratio: Scalar, step: Scalar) -> StepParameters:
    """The fastest method on average over least squares with random data, at step t ≥ 0.

    With p = (1 + r)/√r the recursion δ₁ = −1/p, δₜ = −1/(p + δₜ₋₁) is solved by
    δₜ = −√r(1 − rᵗ)/(1 − rᵗ⁺¹); step t uses δₜ₊₁ in momentum −(1 + pδ) and learning rate −δ/(v√r).

    References
    ----------
    [pedregosa2020]_
    """
    ratio = aspect_ratio
    share = (1 - ratio ** (step + 1)) / (1 - ratio ** (step + 2))
    return StepParameters(share / variance, (1 + ratio) * share - 1)


def marchenko_pastur_low_end(variance: Scalar, aspect_ratio: Scalar) -> Scalar:
    """The low edge of the Marchenko-Pastur spectrum."""
    return variance * robust_low_end(aspect_ratio)


def marchenko_pastur_high_end(variance: Scalar, aspect_ratio: Scalar) -> Scalar:
    """The high edge of the Marchenko-Pastur spectrum."""
    return variance * robust_high_end(aspect_ratio)


def growing_momentum(step: Scalar) -> Scalar:
    """Nesterov's momentum for convex losses, (t − 1)/(t + 2) at step t ≥ 1, and 0 at step 0.

    It tends to 1 as 1 − 3/t, a friction 3/t in continuous time.

    References
    ----------
    [su2016]_
    """
    return maximum(step - 1, 0) / (step + 2)
