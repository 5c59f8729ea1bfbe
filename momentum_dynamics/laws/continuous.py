"""Momentum in continuous time: damped oscillators and what a small step leaves of them."""

from __future__ import annotations

from momentum_dynamics.laws.schedules import StepParameters
from momentum_dynamics.laws.spectrum import discriminant
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import exp, hyp0f1, maximum, minimum, sqrt

__all__ = [
    "critical_friction",
    "damped_rate",
    "gradient_flow_rate",
    "high_resolution_stiffness",
    "symplectic_euler",
    "vanishing_friction_bound",
    "vanishing_friction_path",
]


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


def damped_rate(friction: Scalar, curvature: Scalar) -> Scalar:
    """How fast x″ + a x′ + hx = 0 dies out, as e^{−rate·t}, for a, h > 0.

    Half the friction where it swings; else the slower root a/2 − √(a²/4 − h), written without
    cancellation. Largest, √h, at the critical friction.
    """
    gap = sqrt(maximum(discriminant(-friction, curvature), 0))
    return minimum(friction / 2, 2 * curvature / (friction + gap))


def symplectic_euler(tick: Scalar, friction: Scalar) -> StepParameters:
    """Heavy ball's parameters as the symplectic Euler method for x″ + a x′ + ∇f = 0.

    References
    ----------
    [polyak1964]_
    """
    return StepParameters(tick * tick, exp(-friction * tick))


def vanishing_friction_path(vanishing_friction: Scalar, curvature: Scalar, time: Scalar) -> Scalar:
    """The path of x″ + (r/t) x′ + hx = 0 from rest at 1: ₀F₁(; (r + 1)/2; −ht²/4).

    For r = 3, the limit of Nesterov's method, it is 2J₁(√h t)/(√h t); in this form it is defined
    at time 0, and at saddles, h < 0, where it grows.

    References
    ----------
    [su2016]_
    """
    return hyp0f1((vanishing_friction + 1) / 2, -curvature * time * time / 4)


def vanishing_friction_bound(displacement: Scalar, time: Scalar) -> Scalar:
    """What is left of a convex loss at time t > 0 of x″ + (3/t) x′ + ∇f = 0, at most 2d²/t².

    References
    ----------
    [su2016]_
    """
    return 2 * displacement * displacement / (time * time)
