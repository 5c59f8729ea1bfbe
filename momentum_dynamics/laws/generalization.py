"""Early stopping, temperature and implicit regularization: what momentum does beyond fitting."""

from __future__ import annotations

from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import exp, half_turns, sqrt

__all__ = [
    "flow_ridge_ratio",
    "gradient_penalty",
    "inertia_factor",
    "least_square_data_loss",
    "loss_weight",
    "matched_ridge",
    "relative_penalty",
    "square_data_loss",
    "temperature",
]


def matched_ridge(learning_rate: Scalar, momentum: Scalar, steps: Scalar) -> Scalar:
    """The ridge that shrinks slow directions as n steps of heavy ball do, (1 − β)/(αn).

    The inverse of the effective time that has passed.
    """
    return 1 / (effective_learning_rate(learning_rate, momentum) * steps)


def flow_ridge_ratio(time: Scalar, curvature: Scalar) -> Scalar:
    """The risk of gradient flow at time t over that of ridge 1/t, both the best for their prior.

    Along one direction, averaged over a Gaussian truth for which the ridge 1/t is the best there
    is: with x = th it is (e⁻²ˣ + (1 − e⁻ˣ)²/x)(1 + x).

    Notes
    -----
    The claim ``early-stopping-is-nearly-ridge`` measures heavy ball against it.

    References
    ----------
    [ali2019]_
    """
    passed = time * curvature
    left = exp(-passed)
    return (left * left + (1 - left) * (1 - left) / passed) * (1 + passed)


def square_data_loss(learning_rate: Scalar, momentum: Scalar, steps: Scalar) -> Scalar:
    """What heavy ball leaves of the mean loss on large random data of ratio 1, after many steps.

    1/(2√π (2t)^(3/2)) with the effective time t = αn/(1 − β): curvatures reach down to 0, so loss
    falls by a power, and a fixed momentum changes its factor only.

    Notes
    -----
    The claim ``on-square-random-data-loss-falls-by-powers`` proves it.
    """
    passed = 2 / matched_ridge(learning_rate, momentum, steps)
    return sqrt(1 / half_turns(4 * passed * passed * passed))


def least_square_data_loss(steps: Scalar) -> Scalar:
    """The least that n gradients can leave of it, 6/((n + 1)(n + 2)(2n + 3)), about 3/n³."""
    return 6 / ((steps + 1) * (steps + 2) * (2 * steps + 3))


def temperature(learning_rate: Scalar, momentum: Scalar, noise_variance: Scalar) -> Scalar:
    """The temperature that gradient noise keeps small steps at, ασ²/(2(1 − β)).

    A direction of curvature h is found with variance T/h: it depends on the effective step alone.

    Notes
    -----
    The claim ``temperature-of-heavy-ball`` proves it.
    """
    return effective_learning_rate(learning_rate, momentum) * noise_variance / 2


def inertia_factor(learning_rate: Scalar, momentum: Scalar, ascent: Scalar) -> Scalar:
    """By how much inertia lengthens the exit over a high barrier: 1/2 + √(1/4 + mg).

    g is minus the curvature at its top. At equal effective step heavy ball is a particle of
    friction 1 and mass m = αβ/(1 − β)² in effective time, which vanishes with the step. The
    source's factor of the rate is (√(1/4 + mg) − 1/2)/(mg), its inverse.

    Notes
    -----
    The claim ``momentum-leaves-a-well-no-sooner`` measures it.

    References
    ----------
    [kramers1940]_
    """
    settled = 1 - momentum
    mass = learning_rate * momentum / (settled * settled)
    return (1 + sqrt(1 + 4 * mass * ascent)) / 2


def loss_weight(momentum: Scalar) -> Scalar:
    """The weight of the loss in what heavy ball descends per learning rate, 1/(1 − β)."""
    return effective_learning_rate(1, momentum)


def gradient_penalty(learning_rate: Scalar, momentum: Scalar) -> Scalar:
    """The weight of |∇E|² beside E/(1 − β) in what heavy ball descends: α(1 + β)/(4(1 − β)³).

    Without momentum it is gradient descent's α/4; at equal learning rate momentum multiplies it by
    (1 + β)/(1 − β)³.

    Notes
    -----
    The claim ``modified-loss-of-heavy-ball`` proves it on quadratics.

    References
    ----------
    [ghosh2023]_
    """
    weight = loss_weight(momentum)
    return learning_rate * (1 + momentum) * weight * weight * weight / 4


def relative_penalty(learning_rate: Scalar, momentum: Scalar) -> Scalar:
    """The weight of |∇E|² when that of the loss is 1: α(1 + β)/(4(1 − β)²).

    At equal learning rate momentum multiplies it by (1 + β)/(1 − β)²; at equal effective learning
    rate, α = α_e(1 − β), by (1 + β)/(1 − β).
    """
    return gradient_penalty(learning_rate, momentum) / loss_weight(momentum)
