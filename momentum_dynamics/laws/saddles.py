"""Leaving a saddle: growth along a direction of negative curvature −g, and how long it takes."""

from __future__ import annotations

from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.laws.regions import heavy_ball_step_limit
from momentum_dynamics.laws.spectrum import larger_root
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import erf, euler_gamma, half_turns, log, sqrt

__all__ = [
    "amplified_noise",
    "deterministic_exit_time",
    "escape_rate",
    "escape_speed_up",
    "exit_time_deviation",
    "exit_time_mean",
    "exit_time_survival",
    "matched_exponent",
    "nesterov_escape_rate",
    "overdamped_exponent",
    "permitted_escape_rate",
    "plain_escape_rate",
    "returning_rate",
    "scaled_exponent",
    "undamped_exponent",
    "unstable_coefficient",
    "unstable_share",
]


def plain_escape_rate(learning_rate: Scalar, ascent: Scalar) -> Scalar:
    """The growth factor of gradient descent at a saddle, 1 + αg."""
    return 1 + learning_rate * ascent


def escape_rate(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """The growth factor of heavy ball at a saddle: the larger root of z² − (1 + β + αg)z + β.

    References
    ----------
    [oneill2019]_
    """
    return larger_root(1 + momentum + learning_rate * ascent, momentum)


def returning_rate(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """The other root, β/r₊: along the line x = r₋x₋ of states heavy ball comes back to the saddle.

    It is r₋ < 1 for every β < 1, so the line is the stable set of one unstable direction.
    """
    return momentum / escape_rate(learning_rate, momentum, ascent)


def nesterov_escape_rate(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """The growth factor of Nesterov's method: the larger root of z² − (1 + β)pz + βp, p = 1 + αg.

    References
    ----------
    [oneill2019]_
    """
    plain = plain_escape_rate(learning_rate, ascent)
    return larger_root((1 + momentum) * plain, momentum * plain)


def permitted_escape_rate(momentum: Scalar, largest_curvature: Scalar, ascent: Scalar) -> Scalar:
    """Heavy ball's growth factor with the largest step that the convex directions permit.

    That step is 2(1 + β)/h_max: what momentum permits at most is twice gradient descent's.

    References
    ----------
    [sun2019]_
    """
    step = heavy_ball_step_limit(momentum) / largest_curvature
    return escape_rate(step, momentum, ascent)


def overdamped_exponent(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """The growth exponent log r₊ where αg ≪ (1 − β)²: αg/(1 − β), all of it effective step."""
    return effective_learning_rate(learning_rate, momentum) * ascent


def undamped_exponent(learning_rate: Scalar, ascent: Scalar) -> Scalar:
    """The growth exponent as β → 1, exact: 2 log(√(αg)/2 + √(1 + αg/4)), about √(αg).

    At β = 1 the roots are inverse to each other, and z + 1/z = 2 + αg.
    """
    gain = learning_rate * ascent
    return 2 * log(sqrt(gain) / 2 + sqrt(1 + gain / 4))


def scaled_exponent(learning_rate: Scalar, scaled_gap: Scalar, ascent: Scalar) -> Scalar:
    """The growth exponent to leading order with β = 1 − c√(αg): √(αg)(√(c² + 4) − c)/2.

    Written without cancellation, 2√(αg)/(√(c² + 4) + c): the exponent of x″ + c x′ = x, in which
    one step takes the time √(αg).
    """
    return 2 * sqrt(learning_rate * ascent) / (sqrt(scaled_gap * scaled_gap + 4) + scaled_gap)


def escape_speed_up(learning_rate: Scalar, scaled_gap: Scalar, ascent: Scalar) -> Scalar:
    """How many times sooner than gradient descent at equal step: (√(c² + 4) − c)/(2√(αg)).

    With α ≈ 1/h_max it is of the order √(h_max/g). [jin2018]_
    """
    return scaled_exponent(learning_rate, scaled_gap, ascent) / (learning_rate * ascent)


def matched_exponent(effective_learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """The growth exponent at learning rate (1 − β)αₑ, to second order in the effective step.

    αₑg − (1 + β)/(1 − β) · (αₑg)²/2: momentum can only lose.
    """
    gain = effective_learning_rate * ascent
    return gain - (1 + momentum) / (1 - momentum) * gain * gain / 2


def unstable_coefficient(
    learning_rate: Scalar,
    momentum: Scalar,
    ascent: Scalar,
    position: Scalar,
    earlier_position: Scalar,
) -> Scalar:
    """The factor a of xₜ = a r₊ᵗ + b r₋ᵗ for the start (x₀, x₋₁): r₊(x₀ − r₋x₋₁)/(r₊ − r₋).

    It vanishes on one line of states alone.
    """
    away = escape_rate(learning_rate, momentum, ascent)
    back = returning_rate(learning_rate, momentum, ascent)
    return away * (position - back * earlier_position) / (away - back)


def unstable_share(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """Which share of a displacement at rest grows: r₊(1 − r₋)/(r₊ − r₋)."""
    return unstable_coefficient(learning_rate, momentum, ascent, 1, 1)


def deterministic_exit_time(
    learning_rate: Scalar,
    momentum: Scalar,
    ascent: Scalar,
    displacement: Scalar,
    distance: Scalar,
) -> Scalar:
    """When heavy ball, started at rest, is Δ away: log(Δ/(d · share))/log r₊.

    Between steps; the step at which it is seen to be is the next whole number.
    """
    share = unstable_share(learning_rate, momentum, ascent)
    return log(distance / (displacement * share)) / log(
        escape_rate(learning_rate, momentum, ascent)
    )


def amplified_noise(
    learning_rate: Scalar, momentum: Scalar, ascent: Scalar, noise_variance: Scalar
) -> Scalar:
    """The deviation s of W in xₜ ≈ W r₊ᵗ, from a start at the saddle: ασ/((r₊ − r₋)√(1 − r₊⁻²))."""
    away = escape_rate(learning_rate, momentum, ascent)
    back = returning_rate(learning_rate, momentum, ascent)
    return learning_rate * sqrt(noise_variance / (1 - 1 / (away * away))) / (away - back)


def exit_time_mean(growth: Scalar, amplitude: Scalar, distance: Scalar) -> Scalar:
    """The mean of the first step with |W| rᵗ ≥ Δ, W normal of deviation s, where Δ ≫ s.

    (log(Δ/s) + (γ + log 2)/2)/log r + 1/2: the mean of −log |N| is (γ + log 2)/2, and a step late
    by a uniform share is half a step late on average.
    """
    ratio, exponent = distance / amplitude, log(growth)
    return (log(2 * ratio * ratio) + exponent) / (2 * exponent) + euler_gamma(1 / (2 * exponent))


def exit_time_deviation(growth: Scalar) -> Scalar:
    """The standard deviation of the exit time: π/(2√2 log r), whatever noise and distance are.

    Between steps; counting whole steps adds about 1/12 to the variance.
    """
    exponent = log(growth)
    return half_turns(1 / sqrt(8 * exponent * exponent))


def exit_time_survival(
    growth: Scalar, amplitude: Scalar, distance: Scalar, steps: Scalar
) -> Scalar:
    """The chance to be still within Δ after t steps: erf(Δ r⁻ᵗ/(s√2))."""
    return erf(distance / (sqrt(2 * amplitude * amplitude) * growth**steps))
