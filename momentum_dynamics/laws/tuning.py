"""YellowFin's rule: the momentum and learning rate that shrink the surrogate most in one step."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import cube_root, sqrt

__all__ = ["cubic", "cubic_root", "robust_learning_rate", "single_step_objective"]


def single_step_objective(
    root_momentum: Scalar, displacement: Scalar, smallest_curvature: Scalar, noise_variance: Scalar
) -> Scalar:
    """What YellowFin minimizes: β d² + α² σ² on the edge α = (1 − √β)²/h_min, with u = √β.

    References
    ----------
    [zhang2017]_
    """
    rate = robust_learning_rate(root_momentum, smallest_curvature)
    shrunk = root_momentum * displacement
    return shrunk * shrunk + rate * rate * noise_variance


def robust_learning_rate(root_momentum: Scalar, smallest_curvature: Scalar) -> Scalar:
    """The learning rate that puts the smallest curvature at the low edge of the robust region."""
    gap = 1 - root_momentum
    return gap * gap / smallest_curvature


def cubic(root_momentum: Scalar, signal_to_noise: Scalar) -> Scalar:
    """Zero at the best u = √β: p u − (1 − u)³, with p = d² h_min² / (2σ²)."""
    gap = 1 - root_momentum
    return signal_to_noise * root_momentum - gap * gap * gap


def cubic_root(signal_to_noise: Scalar) -> Scalar:
    """The one root of YellowFin's cubic in (0, 1), as 1 − √β, without cancellation.

    With g = 1 − u the cubic is g³ + p g − p = 0. Cardano's w³ = p/2 + √(p²/4 + p³/27) and
    g = w − p/(3w) subtract near-equal numbers for large p; since the two terms are the cube
    roots w and v = p/(3w) of numbers whose difference is p,
    g = (w³ − v³)/(w² + wv + v²) = p/(w² + p/3 + v²).

    References
    ----------
    [zhang2017]_
    """
    p = signal_to_noise
    large = cube_root(p / 2 + sqrt(p * p / 4 + p * p * p / 27))
    small = p / (3 * large)
    return p / (large * large + p / 3 + small * small)
