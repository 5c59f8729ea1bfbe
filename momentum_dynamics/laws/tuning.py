"""YellowFin's rule: the momentum and learning rate that shrink the surrogate most in one step."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import cube_root, sqrt

__all__ = [
    "best_root_momentum",
    "cubic",
    "cubic_root",
    "released_cubic_root",
    "robust_learning_rate",
    "robust_root_gap",
    "robust_root_momentum",
    "signal_to_noise",
    "single_step_objective",
]


def single_step_objective(
    root_momentum: Scalar, displacement: Scalar, smallest_curvature: Scalar, noise_variance: Scalar
) -> Scalar:
    """What YellowFin minimizes: β d² + α² σ² on the edge α = (1 − √β)²/h_min, with u = √β.

    References
    ----------
    [zhang2017]_
    """
    rate = robust_learning_rate(1 - root_momentum, smallest_curvature)
    shrunk = root_momentum * displacement
    return shrunk * shrunk + rate * rate * noise_variance


def robust_learning_rate(root_gap: Scalar, smallest_curvature: Scalar) -> Scalar:
    """The learning rate that puts the smallest curvature at the low edge of the robust region.

    It takes 1 − √β, not β: near momentum 1 the difference has no digits left.
    """
    return root_gap * root_gap / smallest_curvature


def robust_root_momentum(smallest_curvature: Scalar, largest_curvature: Scalar) -> Scalar:
    """The least √β whose robust region holds the spectrum, (h_max − h_min)/(√h_max + √h_min)².

    The rate of optimal heavy ball, accurate for curvatures that are nearly equal too.
    """
    total = sqrt(largest_curvature) + sqrt(smallest_curvature)
    return (largest_curvature - smallest_curvature) / (total * total)


def robust_root_gap(smallest_curvature: Scalar, largest_curvature: Scalar) -> Scalar:
    """One minus the least √β whose robust region holds the spectrum, 2√h_min/(√h_max + √h_min)."""
    low = sqrt(smallest_curvature)
    return 2 * low / (sqrt(largest_curvature) + low)


def signal_to_noise(
    displacement: Scalar, smallest_curvature: Scalar, noise_variance: Scalar
) -> Scalar:
    """Half the squared pull of the smallest curvature over the noise, p = d² h_min²/(2σ²).

    On the estimates of the tuner it is ‖g‖²/(2σ²), noise included: see `tuner_signal`.
    """
    pull = displacement * smallest_curvature
    return pull * (pull / noise_variance) / 2


def cubic(root_momentum: Scalar, signal_to_noise: Scalar) -> Scalar:
    """Zero at the best u = √β: p u − (1 − u)³, with p = d² h_min² / (2σ²)."""
    gap = 1 - root_momentum
    return signal_to_noise * root_momentum - gap * gap * gap


def cubic_root(signal_to_noise: Scalar) -> Scalar:
    """The one root of YellowFin's cubic in (0, 1), as 1 − √β, without cancellation.

    With g = 1 − u the cubic is g³ + p g − p = 0. Cardano's w³ = p/2 + √(p²/4 + p³/27) and
    g = w − p/(3w) subtract near-equal numbers for large p; since the two terms are the cube
    roots w and v = p/(3w) of numbers whose difference is p,
    g = (w³ − v³)/(w² + wv + v²) = p/(w² + p/3 + v²). Divided by p, with w² = pt, this is
    1/(t + 1/3 + 1/(9t)), in which no power of p over- or underflows.

    References
    ----------
    [zhang2017]_
    """
    p = signal_to_noise
    large = cube_root((1 + sqrt(1 + 4 * (p / 27))) / 2)
    ratio = large * large / cube_root(p)
    return 1 / (ratio + (1 + 1 / (3 * ratio)) / 3)


def best_root_momentum(root_gap: Scalar, signal_to_noise: Scalar) -> Scalar:
    """The root of YellowFin's cubic as √β, from g = 1 − √β: the cubic says u = g³/p.

    The difference 1 − g would have no digits left where the root is small.
    """
    return root_gap * root_gap * (root_gap / signal_to_noise)


def released_cubic_root(signal_to_noise: Scalar, safeguard: Scalar) -> Scalar:
    """The root √β as the code released with the paper computes it, by Vieta's substitution.

    With w³ = −(p + √(p² + 4p³/27))/2 it is 1 + w − p/(3(w + ε)). The safeguard ε makes a pole at
    w = −ε, and for large p all digits cancel; with ε = 0 the formula is exact.
    """
    p = signal_to_noise
    cube = (sqrt(p * p + 4 * (p * p * p) / 27) + p) / 2
    root = cube_root(cube)
    return 1 - root + p / (3 * (root - safeguard))
