"""Where momentum is stable, robust, damped: regions of the parameters in closed form."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "heavy_ball_step_limit",
    "is_robust",
    "is_stable_heavy_ball",
    "level_set_equation",
    "nesterov_step_limit",
    "robust_high_end",
    "robust_low_end",
    "stability_ellipse",
]


def robust_low_end(momentum: Scalar) -> Scalar:
    """The smallest αh of the robust region, (1 − √β)²."""
    return (1 - sqrt(momentum)) ** 2


def robust_high_end(momentum: Scalar) -> Scalar:
    """The largest αh of the robust region, (1 + √β)²."""
    return (1 + sqrt(momentum)) ** 2


def is_robust(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """Whether heavy ball's spectral radius is √β here, whatever the curvature nearby.

    References
    ----------
    [zhang2017]_
    """
    step = learning_rate * curvature
    return (step >= robust_low_end(momentum)) & (step <= robust_high_end(momentum))


def heavy_ball_step_limit(momentum: Scalar) -> Scalar:
    """The least upper bound of stable αh of heavy ball, for −1 < β < 1."""
    return 2 * (1 + momentum)


def nesterov_step_limit(momentum: Scalar) -> Scalar:
    """The least upper bound of stable αh of Nesterov's method, for 0 ≤ β < 1; 4/3 as β → 1."""
    return 2 * (1 + momentum) / (1 + 2 * momentum)


def is_stable_heavy_ball(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """Whether heavy ball converges on this real curvature, negative momentum included."""
    step = learning_rate * curvature
    return (momentum > -1) & (momentum < 1) & (step > 0) & (step < heavy_ball_step_limit(momentum))


def level_set_equation(
    real_part: Scalar, imaginary_part: Scalar, momentum: Scalar, rate: Scalar
) -> Scalar:
    """Negative exactly where heavy ball contracts faster than `rate` on αh = x + iy (rate² > |β|).

    An ellipse around 1 + β with half axes r + β/r and r − β/r, and foci 1 + β ± 2√β; zero where the
    spectral radius is the rate. As r² falls to |β| it shrinks to the segment between the foci, for
    β > 0 the robust region, and nothing is faster.
    """
    share = momentum / rate
    along = (real_part - 1 - momentum) / (rate + share)
    across = imaginary_part / (rate - share)
    return along * along + across * across - 1


def stability_ellipse(real_part: Scalar, imaginary_part: Scalar, momentum: Scalar) -> Scalar:
    """Negative exactly where heavy ball is stable on the complex αh = x + iy, for |β| < 1.

    Half axes 1 + β and 1 − β: negative momentum widens the reach along the imaginary axis, where
    games live. The ellipse touches that axis at 0, so a purely rotational game is never stabilized.
    """
    return level_set_equation(real_part, imaginary_part, momentum, 1)
