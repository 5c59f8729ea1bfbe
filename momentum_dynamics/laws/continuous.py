"""Momentum in continuous time: damped oscillators and what a small step leaves of them."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = ["critical_friction", "gradient_flow_rate", "high_resolution_stiffness"]


def critical_friction(curvature: Scalar) -> Scalar:
    """The friction of x″ + a x′ + hx = 0 that is just enough to stop the swinging, 2√h.

    References
    ----------
    [polyak1964]_
    """
    return 2 * sqrt(curvature)


def high_resolution_stiffness(
    learning_rate: Scalar, smallest_curvature: Scalar, curvature: Scalar
) -> Scalar:
    """The force per distance in the high-resolution equation of heavy ball, (1 + √(μα))h.

    References
    ----------
    [shi2022]_
    """
    return (1 + sqrt(smallest_curvature * learning_rate)) * curvature


def gradient_flow_rate(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The slow root at fixed momentum, to second order: 1 − αh/(1 − β) − β(αh)²/(1 − β)³."""
    step, left = learning_rate * curvature, 1 - momentum
    return 1 - step / left - momentum * step * step / (left * left * left)
