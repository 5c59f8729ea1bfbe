"""The best parameters for a spectrum [h_min, h_max], and the rates they reach."""

from __future__ import annotations

from typing import NamedTuple

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "MethodParameters",
    "gradient_descent",
    "gradient_descent_rate",
    "heavy_ball",
    "heavy_ball_rate",
    "heavy_ball_rate_gap",
    "nesterov_quadratic",
    "nesterov_quadratic_rate",
    "nesterov_smooth",
    "nesterov_smooth_rate",
    "robust_momentum",
    "robust_momentum_rate",
    "triple_momentum",
    "triple_momentum_extrapolation",
    "triple_momentum_rate",
]


class MethodParameters(NamedTuple):
    """Parameters of the (α, β, γ) family; what a method does not use is zero."""

    learning_rate: Scalar
    momentum: Scalar
    lookahead: Scalar


def gradient_descent(smallest_curvature: Scalar, largest_curvature: Scalar) -> MethodParameters:
    """The learning rate that balances both ends of the spectrum."""
    return MethodParameters(2 / (smallest_curvature + largest_curvature), 0, 0)


def gradient_descent_rate(condition_number: Scalar) -> Scalar:
    """The spectral radius of balanced gradient descent, (κ − 1)/(κ + 1)."""
    return (condition_number - 1) / (condition_number + 1)


def heavy_ball(smallest_curvature: Scalar, largest_curvature: Scalar) -> MethodParameters:
    """Polyak's optimum: both ends of the spectrum at the edges of the robust region.

    References
    ----------
    [polyak1964]_, [lessard2016]_
    """
    low, high = sqrt(smallest_curvature), sqrt(largest_curvature)
    total = low + high
    return MethodParameters(4 / (total * total), ((high - low) / total) ** 2, 0)


def heavy_ball_rate(condition_number: Scalar) -> Scalar:
    """The spectral radius of optimal heavy ball, the root of its momentum: (√κ − 1)/(√κ + 1)."""
    root = sqrt(condition_number)
    return (root - 1) / (root + 1)


def heavy_ball_rate_gap(condition_number: Scalar) -> Scalar:
    """One minus the rate of optimal heavy ball, exact to rounding for every condition number."""
    return 2 / (sqrt(condition_number) + 1)


def nesterov_quadratic(smallest_curvature: Scalar, largest_curvature: Scalar) -> MethodParameters:
    """Nesterov's method tuned for quadratics.

    References
    ----------
    [lessard2016]_
    """
    root = sqrt(3 * largest_curvature / smallest_curvature + 1)
    momentum = (root - 2) / (root + 2)
    return MethodParameters(4 / (3 * largest_curvature + smallest_curvature), momentum, momentum)


def nesterov_quadratic_rate(condition_number: Scalar) -> Scalar:
    """The spectral radius of Nesterov's method tuned for quadratics, 1 − 2/√(3κ + 1)."""
    return 1 - 2 / sqrt(3 * condition_number + 1)


def nesterov_smooth(smallest_curvature: Scalar, largest_curvature: Scalar) -> MethodParameters:
    """Nesterov's standard parameters for smooth strongly convex functions.

    References
    ----------
    [nesterov2004]_
    """
    low, high = sqrt(smallest_curvature), sqrt(largest_curvature)
    momentum = (high - low) / (high + low)
    return MethodParameters(1 / largest_curvature, momentum, momentum)


def nesterov_smooth_rate(condition_number: Scalar) -> Scalar:
    """The spectral radius of Nesterov's standard parameters on quadratics, 1 − 1/√κ."""
    return 1 - 1 / sqrt(condition_number)


def triple_momentum_rate(condition_number: Scalar) -> Scalar:
    """The guaranteed rate of triple momentum on smooth strongly convex functions, 1 − 1/√κ."""
    return nesterov_smooth_rate(condition_number)


def triple_momentum(smallest_curvature: Scalar, largest_curvature: Scalar) -> MethodParameters:
    """The fastest known fixed parameters for all smooth strongly convex functions.

    References
    ----------
    [vanscoy2018]_
    """
    rate = triple_momentum_rate(largest_curvature / smallest_curvature)
    square = rate * rate
    momentum = square / (2 - rate)
    return MethodParameters((1 + rate) / largest_curvature, momentum, momentum / (1 + rate))


def triple_momentum_extrapolation(smallest_curvature: Scalar, largest_curvature: Scalar) -> Scalar:
    """How far along the last displacement triple momentum's answer lies, ρ²/(1 − ρ²)."""
    rate = triple_momentum_rate(largest_curvature / smallest_curvature)
    return rate * rate / (1 - rate * rate)


def robust_momentum_rate(condition_number: Scalar, robustness: Scalar) -> Scalar:
    """The guaranteed rate of robust momentum: triple momentum at 0, gradient descent at 1.

    References
    ----------
    [cyrus2018]_
    """
    plain = 1 - 1 / condition_number
    return robustness * plain + (1 - robustness) * triple_momentum_rate(condition_number)


def robust_momentum(
    smallest_curvature: Scalar, largest_curvature: Scalar, robustness: Scalar
) -> MethodParameters:
    """Parameters between triple momentum and gradient descent, for inexact gradients; needs κ > 1.

    References
    ----------
    [cyrus2018]_
    """
    kappa = largest_curvature / smallest_curvature
    rate = robust_momentum_rate(kappa, robustness)
    cube = rate * rate * rate
    contraction = (1 - rate) * (1 - rate) * (1 + rate)
    return MethodParameters(
        kappa * contraction / largest_curvature,
        kappa * cube / (kappa - 1),
        cube / ((kappa - 1) * contraction),
    )
