"""Second moments under additive gradient noise."""

from __future__ import annotations

from momentum_dynamics.laws.regions import heavy_ball_step_limit
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import chebyshev_first, chebyshev_second, cos, sqrt

__all__ = [
    "autocorrelation",
    "effective_learning_rate",
    "power_spectrum",
    "resonance_cosine",
    "stationary_variance",
    "surrogate_ratio",
    "surrogate_variance",
    "two_slot_variance",
]


def two_slot_variance(
    trace: Scalar, determinant: Scalar, lead: Scalar, lag: Scalar, noise_variance: Scalar
) -> Scalar:
    """The stationary variance of an output whose transfer function is (n₁z + n₀)/(z² − Tz + D).

    For a process v with unit noise, Var v = (1 + D)/((1 − D)((1 + D)² − T²)) and its lag-one
    correlation is T/(1 + D); the output is n₁v plus n₀ times v one step before.
    """
    own = lead * lead + lag * lag + 2 * lead * lag * trace / (1 + determinant)
    triangle = (1 - determinant) * (1 + determinant - trace) * (1 + determinant + trace)
    return noise_variance * own * (1 + determinant) / triangle


def stationary_variance(
    learning_rate: Scalar, momentum: Scalar, curvature: Scalar, noise_variance: Scalar
) -> Scalar:
    """Heavy ball's noise floor: α σ² (1 + β) / (h (1 − β)(2(1 + β) − αh)).

    Notes
    -----
    The claim ``noise-floor-of-heavy-ball`` proves it from the state space.
    """
    damping = (1 - momentum) * (heavy_ball_step_limit(momentum) - learning_rate * curvature)
    return learning_rate * noise_variance * (1 + momentum) / (curvature * damping)


def power_spectrum(
    learning_rate: Scalar,
    momentum: Scalar,
    curvature: Scalar,
    noise_variance: Scalar,
    frequency: Scalar,
) -> Scalar:
    """The power spectrum of settled heavy ball, α²σ²/|1 − s e^{−iω} + β e^{−2iω}|².

    With s = 1 + β − αh. Its mean over all angles is the stationary variance.

    Notes
    -----
    The claim ``power-spectrum-of-heavy-ball`` proves it.
    """
    trace = 1 + momentum - learning_rate * curvature
    swing = 1 + momentum * momentum + trace * trace - 2 * trace * (1 + momentum) * cos(frequency)
    return (
        learning_rate * learning_rate * noise_variance / (swing + 2 * momentum * cos(2 * frequency))
    )


def resonance_cosine(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The cosine of the frequency where settled heavy ball swings most, s(1 + β)/(4β).

    Where it is not between −1 and 1, the spectrum has its peak at 0 or at π.
    """
    trace = 1 + momentum - learning_rate * curvature
    return trace * (1 + momentum) / (4 * momentum)


def autocorrelation(
    learning_rate: Scalar, momentum: Scalar, curvature: Scalar, steps: Scalar
) -> Scalar:
    """The autocorrelation of settled heavy ball: βᵏᐟ²(Tₖ(σ) + σ Uₖ₋₁(σ)(1 − β)/(1 + β)).

    With σ = (1 + β − αh)/(2√β); T and U are Chebyshev's polynomials.
    """
    root = sqrt(momentum)
    cosine = (1 + momentum - learning_rate * curvature) / (2 * root)
    waves = chebyshev_first(steps, cosine) + cosine * chebyshev_second(steps - 1, cosine) * (
        1 - momentum
    ) / (1 + momentum)
    return root**steps * waves


def effective_learning_rate(learning_rate: Scalar, momentum: Scalar) -> Scalar:
    """The displacement that a constant unit gradient causes per step in the long run, α/(1 − β)."""
    return learning_rate / (1 - momentum)


def surrogate_variance(learning_rate: Scalar, momentum: Scalar, noise_variance: Scalar) -> Scalar:
    """YellowFin's stand-in for the noise floor on the robust region, α²σ²/(1 − β).

    References
    ----------
    [zhang2017]_
    """
    return learning_rate * learning_rate * noise_variance / (1 - momentum)


def surrogate_ratio(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The true noise floor over YellowFin's stand-in: (1 + β)/(αh(2(1 + β) − αh)).

    At the edges of the robust region it is (1 + β)/(1 − β)², so the stand-in is no upper bound;
    in the middle, at αh = 1 + β, it is 1/(1 + β), so it is no lower bound either.
    """
    step = learning_rate * curvature
    return (1 + momentum) / (step * (heavy_ball_step_limit(momentum) - step))
