"""Noise of the curvature, as mini-batches have it: limits in mean square."""

from __future__ import annotations

from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.laws.optima import heavy_ball_rate
from momentum_dynamics.laws.regions import heavy_ball_step_limit
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "amplification",
    "batch_sharpness_limit",
    "gradient_amplification",
    "least_noise_time_product",
    "mean_square_sharpness_limit",
    "mean_square_step_limit",
    "nonuniformity_limit",
    "speed_up_limit",
]


def mean_square_step_limit(
    momentum: Scalar, curvature: Scalar, curvature_variance: Scalar
) -> Scalar:
    """Heavy ball is stable in mean square below 2h(1 − β)/(τ² + h²(1 − β)/(1 + β)).

    Notes
    -----
    The claim ``mean-square-limit-of-heavy-ball`` proves it.
    """
    share = curvature * curvature * (1 - momentum) / (1 + momentum)
    return 2 * curvature * (1 - momentum) / (curvature_variance + share)


def mean_square_sharpness_limit(
    learning_rate: Scalar, momentum: Scalar, curvature_variance: Scalar
) -> Scalar:
    """The largest mean curvature on which heavy ball is stable in mean square at a learning rate.

    The larger root in h of α = 2h(1 − β)/(τ² + h²(1 − β)/(1 + β)), namely
    (1 + β)/α + √((1 + β)²/α² − τ²(1 + β)/(1 − β)). Without noise it is 2(1 + β)/α.

    Notes
    -----
    The claim ``sharpness-limit-in-mean-square`` proves it.
    """
    center = heavy_ball_step_limit(momentum) / (2 * learning_rate)
    return center + sqrt(center * center - curvature_variance * (1 + momentum) / (1 - momentum))


def batch_sharpness_limit(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The largest stable batch sharpness E h²/E h: 2(1 − β)/α + 2βh/(1 + β), h the mean.

    Where noise dominates, h ≪ E h²/E h, it is 2(1 − β)/α: momentum tightens the limit. On the full
    batch, E h² = h², it is 2(1 + β)/α: momentum relaxes it.

    Notes
    -----
    What is read off training is E gᵀHg/E|g|²: in one direction E h³/E h², for h ≥ 0
    no smaller than E h²/E h.

    The claim ``sharpness-limit-in-mean-square`` proves it.
    """
    noisy = 2 / effective_learning_rate(learning_rate, momentum)
    return noisy + 2 * momentum * curvature / (1 + momentum)


def nonuniformity_limit(
    learning_rate: Scalar, momentum: Scalar, batch_size: Scalar, samples: Scalar
) -> Scalar:
    """The largest deviation of one sample's curvature that heavy ball bears at some mean.

    With B of n samples drawn without repetition a batch's variance is s²(n − B)/(B(n − 1)), and no
    mean is stable beyond s = √(1 − β²)/α · √(B(n − 1)/(n − B)). It is attained at h = (1 + β)/α.

    References
    ----------
    [wu2018]_
    """
    bearable = sqrt(1 - momentum * momentum) / learning_rate
    return bearable * sqrt(batch_size * (samples - 1) / (samples - batch_size))


def speed_up_limit(curvature: Scalar, curvature_variance: Scalar) -> Scalar:
    """How much larger the effective step may get with momentum near 1 than with none: 1 + h²/τ².

    With mini-batches of size B, where τ² = c h²/B, it is 1 + B/c.
    """
    largest = 2 * curvature / curvature_variance  # of α/(1 − β), in the limit β → 1
    return largest / effective_learning_rate(
        mean_square_step_limit(0, curvature, curvature_variance), 0
    )


def amplification(condition_number: Scalar) -> Scalar:
    """Noise of the iterate under tuned heavy ball over tuned gradient descent, for every mode.

    1/(1 − β*²) with Polyak's momentum: (√κ + 1)⁴/(8√κ(κ + 1)).

    References
    ----------
    [mohammadi2021]_
    """
    return 1 / (1 - heavy_ball_rate(condition_number) ** 4)


def gradient_amplification(condition_number: Scalar) -> Scalar:
    """Noise of the gradient under both at their optimum: (1 + β*)/(1 − β*) = (κ + 1)/(2√κ)."""
    momentum = heavy_ball_rate(condition_number) ** 2
    return (1 + momentum) / (1 - momentum)


def least_noise_time_product(condition_number: Scalar) -> Scalar:
    """The least noise of the flattest mode times settling time 1/(1 − ρ) can be: κ²/64.

    For noise of variance one in the iterate, over all stable methods of the (α, β, γ) family.

    Notes
    -----
    The claim ``noise-times-settling-time-grows-like-kappa-squared`` proves it.

    References
    ----------
    [mohammadi2024]_
    """
    return condition_number * condition_number / 64
