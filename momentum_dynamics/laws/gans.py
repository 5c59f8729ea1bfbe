"""The Dirac-GAN at its equilibrium: curvatures under regularizers, and the best momentum.

With f′(0) the slope of its loss, 1/2 for a logistic GAN. Every variant has two curvatures: their
mean is the pull, and their product the square of the slope, or larger for consensus.
"""

from __future__ import annotations

from momentum_dynamics.laws.optima import MethodParameters
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "consensus_pull",
    "critical_penalty",
    "instance_noise_pull",
    "penalized_descent_rate",
    "penalized_optimum",
    "penalized_pull",
    "penalized_rate",
    "penalized_turn",
]


def penalized_pull(gradient_penalty: Scalar) -> Scalar:
    """The mean of the two curvatures under a gradient penalty γ/2 ψ², γ/2."""
    return gradient_penalty / 2


def instance_noise_pull(bend: Scalar, noise_variance: Scalar) -> Scalar:
    """The mean of the two curvatures under instance noise, −f″(0)σ²."""
    return -bend * noise_variance


def consensus_pull(slope: Scalar, gradient_penalty: Scalar) -> Scalar:
    """The real part of both curvatures under consensus of weight γ, γf′(0)².

    The imaginary parts stay ±f′(0): a penalty slows the rotation down, consensus does not.
    """
    return gradient_penalty * slope * slope


def penalized_turn(slope: Scalar, pull: Scalar) -> Scalar:
    """The imaginary part beside a pull, √(f′(0)² − pull²), as long as the pull is below f′(0)."""
    return sqrt(slope * slope - pull * pull)


def critical_penalty(slope: Scalar) -> Scalar:
    """The gradient penalty from which nothing turns any more, 2f′(0).

    References
    ----------
    [mescheder2018]_
    """
    return 2 * slope


def penalized_optimum(slope: Scalar, gradient_penalty: Scalar) -> MethodParameters:
    """The best heavy ball of players who move at once under a penalty below the critical one.

    α = 4/(2f′(0) + γ), β = −(2f′(0) − γ)/(2f′(0) + γ): the weaker the penalty, the more negative
    the momentum.
    """
    critical = critical_penalty(slope)
    reach = critical + gradient_penalty
    return MethodParameters(4 / reach, (gradient_penalty - critical) / reach, 0)


def penalized_rate(slope: Scalar, gradient_penalty: Scalar) -> Scalar:
    """The rate of `penalized_optimum`, √((2f′(0) − γ)/(2f′(0) + γ))."""
    critical = critical_penalty(slope)
    return sqrt((critical - gradient_penalty) / (critical + gradient_penalty))


def penalized_descent_rate(slope: Scalar, gradient_penalty: Scalar) -> Scalar:
    """The best rate without momentum, √(1 − (γ/2f′(0))²)."""
    critical = critical_penalty(slope)
    product = (critical - gradient_penalty) * (critical + gradient_penalty)
    return sqrt(product) / critical
