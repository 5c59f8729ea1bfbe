"""The noisy quadratic that YellowFin is derived from: surrogate, truth, and what secants read.

The surrogate replaces the bias of heavy ball by its rate and its variance by that of a loop which
contracts at this rate. At the low edge of the robust region, where the tuner puts the smallest
curvature, both poles are u = √β, and the truth has closed forms as well.
"""

from __future__ import annotations

from momentum_dynamics.laws.noise import surrogate_variance
from momentum_dynamics.notation import Scalar

__all__ = [
    "edge_floor",
    "edge_floor_fall",
    "edge_residual",
    "edge_second_moment",
    "edge_surrogate_ratio",
    "exact_balance",
    "exact_balance_slope",
    "exact_objective",
    "settled_secant",
    "surrogate_second_moment",
    "tuner_signal",
]


def surrogate_second_moment(
    learning_rate: Scalar,
    momentum: Scalar,
    displacement: Scalar,
    noise_variance: Scalar,
    steps: Scalar,
) -> Scalar:
    """YellowFin's stand-in for E x² after n steps, βⁿd² + (1 − βⁿ)α²σ²/(1 − β).

    On the robust region the mean contracts at √β and the variance operator at β; the stand-in is
    what scalar recursions at these rates give. At n = 1 it is what the rule minimizes.

    References
    ----------
    [zhang2017]_
    """
    shrunk = momentum**steps
    spread = surrogate_variance(learning_rate, momentum, noise_variance)
    return shrunk * displacement * displacement + (1 - shrunk) * spread


def edge_residual(root_gap: Scalar, steps: Scalar) -> Scalar:
    """What is left of a start at rest at the low edge of the robust region, uⁿ(1 + n(1 − u)).

    Both poles are u = √β, so a factor linear in n stands beside the power.
    """
    return (1 - root_gap) ** steps * (1 + steps * root_gap)


def edge_second_moment(
    root_gap: Scalar,
    smallest_curvature: Scalar,
    displacement: Scalar,
    noise_variance: Scalar,
    steps: Scalar,
) -> Scalar:
    """E x² after n steps from rest at d, exactly, at the low edge αh = (1 − u)².

    The response to one unit of noise k steps later is kuᵏ⁻¹, so the variance is α²σ² Σ k²qᵏ⁻¹ over
    k = 1 … n with q = u², which is
    α²σ²(1 + q − qⁿ((n + 1)² − (2n² + 2n − 1)q + n²q²))/(1 − q)³. In floating point this cancels
    next to u = 1, for a relative error of up to 1e-16/(1 − u)³.
    """
    n, g = steps, root_gap
    q, below = (1 - g) ** 2, g * (2 - g)
    tail = q**n * ((n + 1) ** 2 - (2 * n * (n + 1) - 1) * q + n * n * q * q)
    rate = g * g / smallest_curvature
    bias = edge_residual(g, n) * displacement
    return bias * bias + rate * rate * noise_variance * (1 + q - tail) / below**3


def edge_floor(root_gap: Scalar, smallest_curvature: Scalar, noise_variance: Scalar) -> Scalar:
    """The noise floor at the low edge αh = (1 − u)²: σ²(1 − u)(1 + u²)/(h²(1 + u)³).

    It is `stationary_variance` there; this form has all digits for momentum next to one.
    """
    u = 1 - root_gap
    ratio = root_gap * (1 + u * u) / (1 + u) ** 3
    return noise_variance * ratio / (smallest_curvature * smallest_curvature)


def edge_surrogate_ratio(root_gap: Scalar) -> Scalar:
    """The true noise floor over YellowFin's stand-in at the low edge, (1 + β)/(1 − β)²."""
    u = 1 - root_gap
    below = root_gap * (1 + u)
    return (1 + u * u) / (below * below)


def exact_objective(
    root_momentum: Scalar,
    displacement: Scalar,
    smallest_curvature: Scalar,
    noise_variance: Scalar,
    steps: Scalar,
) -> Scalar:
    """What the exact rule minimizes: βⁿd² plus the true noise floor at the low edge."""
    shrunk = root_momentum**steps * displacement
    return shrunk * shrunk + edge_floor(1 - root_momentum, smallest_curvature, noise_variance)


def exact_balance(root_momentum: Scalar, signal_to_noise: Scalar, steps: Scalar) -> Scalar:
    """Zero where the exact objective is least: p n u²ⁿ⁻¹(1 + u)⁴ − (1 − u + u²).

    It rises with u from −1 to 16pn − 1, so there is a root in (0, 1) if and only if pn > 1/16.
    """
    u = root_momentum
    gain = signal_to_noise * steps * u ** (2 * steps - 1) * (1 + u) ** 4
    return gain - edge_floor_fall(u)


def edge_floor_fall(root_momentum: Scalar) -> Scalar:
    """How fast the floor on the edge falls with u = √β, over 4(C/h²)/(1 + u)⁴: 1 − u + u²."""
    return 1 - root_momentum + root_momentum * root_momentum


def exact_balance_slope(root_momentum: Scalar, steps: Scalar) -> Scalar:
    """The slope against log u of the logarithm of the balance's first part over its second.

    2n − 1 + 4u/(1 + u) + u(1 − 2u)/(1 − u + u²), between 2n − 1 and 2n + 2.
    """
    u = root_momentum
    return 2 * steps - 1 + 4 * u / (1 + u) + u * (1 - 2 * u) / edge_floor_fall(u)


def settled_secant(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The curvature that secants of noisy gradients read at the noise floor, whatever the noise.

    E ΔgΔx / E Δx² = (1 + β)((1 − β)/α + h/2): the noise of the older gradient is in Δx as well, and
    for small learning rates that is all there is to read.
    """
    return (1 + momentum) * ((1 - momentum) / learning_rate + curvature / 2)


def tuner_signal(signal_to_noise: Scalar) -> Scalar:
    """The signal that YellowFin's estimates show in place of ‖ḡ‖²/(2C): one half more.

    With ‖g‖² for the curvature and 1/‖g‖ for the distance p is ‖g‖²/(2C), and the noise is in ‖g‖².
    """
    return (2 * signal_to_noise + 1) / 2
