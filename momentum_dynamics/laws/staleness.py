"""What staleness does: in the mean, where it is momentum, and in mean square, where it is not."""

from __future__ import annotations

from typing import NamedTuple

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import half_turns, sin, sqrt

__all__ = [
    "QuadraticPolynomial",
    "additive_momentum",
    "fixed_delay_critical_step",
    "fixed_delay_step_limit",
    "fixed_delay_step_limit_angle",
    "geometric_critical_step",
    "geometric_delay_step_limit",
    "heavy_ball_queue_stationary_variance",
    "heavy_ball_queue_step_limit",
    "implicit_learning_rate",
    "implicit_momentum",
    "independent_mean_square_limit",
    "independent_stationary_variance",
    "queue_mean_square_limit",
    "queue_stationary_variance",
    "queue_step_polynomial",
    "stage_learning_rate",
    "staleness_correlation",
    "time_constant_momentum",
    "total_lag_step_limit",
    "uniform_delay_step_limit",
]


def implicit_momentum(workers: Scalar) -> Scalar:
    """The momentum that M memoryless asynchronous workers cause in the mean, 1 − 1/M.

    References
    ----------
    [mitliagkas2016]_
    """
    return 1 - 1 / workers


def implicit_learning_rate(learning_rate: Scalar, workers: Scalar) -> Scalar:
    """The learning rate of the heavy ball that M memoryless workers are in the mean, α/M.

    References
    ----------
    [mitliagkas2016]_
    """
    return learning_rate / workers


def fixed_delay_step_limit_angle(staleness: Scalar) -> Scalar:
    """The φ at which gradient descent with a fixed delay turns unstable, αh = 2 sin(πφ)."""
    return 1 / (2 * (2 * staleness + 1))


def fixed_delay_step_limit(staleness: Scalar) -> Scalar:
    """The largest αh at which gradient descent bears a fixed delay, 2 sin(π/(2(2τ + 1))).

    A round robin of M equal workers is the fixed delay M − 1.
    """
    return 2 * sin(half_turns(fixed_delay_step_limit_angle(staleness)))


def stage_learning_rate(curvature: Scalar, staleness: Scalar) -> Scalar:
    """A learning rate that a stage of delay τ bears up to the curvature h, 1/(h(τ + ½)).

    At least 2/π of the largest, and all of it without delay.
    """
    return 2 / (curvature * (2 * staleness + 1))


def uniform_delay_step_limit(largest: Scalar) -> Scalar:
    """The largest αh at which the mean bears staleness uniform on 0, …, n.

    It is 2(n + 1) sin²(π/(2(n + 1))).
    """
    wave = sin(half_turns(1 / (2 * (largest + 1))))
    return 2 * (largest + 1) * wave * wave


def geometric_delay_step_limit(workers: Scalar) -> Scalar:
    """The largest αh at which the mean bears M memoryless workers, 4M − 2: more than one bears."""
    return 4 * workers - 2


def geometric_critical_step(workers: Scalar) -> Scalar:
    """The αh at which the mean of M memoryless workers is critically damped, M(1 − √(1 − 1/M))².

    About 1/(4M); beyond it the mean oscillates.
    """
    root = sqrt(implicit_momentum(workers))
    return 1 / (workers * (1 + root) * (1 + root))


def fixed_delay_critical_step(staleness: Scalar) -> Scalar:
    """The αh at which a fixed delay is critically damped, τ^τ/(τ + 1)^(τ + 1).

    About 1/(e(τ + 1)); the double root is τ/(τ + 1).
    """
    return staleness**staleness / (staleness + 1) ** (staleness + 1)


def queue_mean_square_limit(workers: Scalar) -> Scalar:
    """The largest αh at which gradient descent bears M memoryless workers in mean square.

    The positive root of Ma² − a − 2; about √(2/M), where the mean bears 4M − 2.
    """
    return (1 + sqrt(1 + 8 * workers)) / (2 * workers)


def independent_mean_square_limit(workers: Scalar) -> Scalar:
    """The same for staleness drawn independently from the geometric law of M workers.

    The positive root of 2M(M − 1)a² + a − (4M − 2).
    """
    lead = 4 * workers * (workers - 1)
    limit = geometric_delay_step_limit(workers)
    return 2 * limit / (1 + sqrt(1 + 2 * lead * limit))


def queue_stationary_variance(
    learning_rate: Scalar, curvature: Scalar, noise_variance: Scalar, workers: Scalar
) -> Scalar:
    """Gradient descent's noise floor with M memoryless workers, ασ²(1 + Ma)/(h(2 + a − Ma²)).

    With a = αh. To first order it is 1 + (M − 1)a times that of one worker.
    """
    step = learning_rate * curvature
    below = curvature * (2 + step - workers * step * step)
    return learning_rate * noise_variance * (1 + workers * step) / below


def independent_stationary_variance(
    learning_rate: Scalar, curvature: Scalar, noise_variance: Scalar, workers: Scalar
) -> Scalar:
    """The same for staleness drawn independently from the geometric law of M workers.

    With a = αh it is ασ²(2M − 1 + 2M(M − 1)a)/(h(4M − 2 − a − 2M(M − 1)a²)).
    """
    step = learning_rate * curvature
    pairs = 2 * workers * (workers - 1)
    below = geometric_delay_step_limit(workers) - step - pairs * step * step
    above = 2 * workers - 1 + pairs * step
    return learning_rate * noise_variance * above / (curvature * below)


class QuadraticPolynomial(NamedTuple):
    """Coefficients of a polynomial of degree two, highest power first."""

    second: Scalar
    first: Scalar
    constant: Scalar


def queue_step_polynomial(momentum: Scalar, workers: Scalar) -> QuadraticPolynomial:
    """The polynomial in αh whose positive root is heavy ball's mean-square limit in the queue."""
    b, m = momentum, workers
    return QuadraticPolynomial(
        second=m * m * (1 + b) - b * (m + 1),
        first=m * (3 * b - 1) * (1 + b) - b * (b + 3),
        constant=-2 * (1 - b) * (1 + b) * (m * (1 - b) + b),
    )


def heavy_ball_queue_step_limit(momentum: Scalar, workers: Scalar) -> Scalar:
    """The largest αh that heavy ball bears on M memoryless workers in mean square.

    The positive root of (M²(1 + β) − β(M + 1))a² + (M(3β − 1)(1 + β) − β(β + 3))a
    − 2(1 − β²)(M(1 − β) + β); of gradient descent it is `queue_mean_square_limit`, and of one
    worker 2(1 + β).
    """
    second, first, constant = queue_step_polynomial(momentum, workers)
    root = sqrt(first * first - 4 * second * constant)
    return (root - first) / (2 * second)


def heavy_ball_queue_stationary_variance(
    learning_rate: Scalar,
    momentum: Scalar,
    curvature: Scalar,
    noise_variance: Scalar,
    workers: Scalar,
) -> Scalar:
    """Heavy ball's noise floor with M memoryless workers.

    With a = αh and the polynomial p of `heavy_ball_queue_step_limit` it is
    −ασ²(M²a(1 + β) − M(aβ + β² − 1) + β(1 + a + β))/(h p(a)).
    """
    step, b, m = learning_rate * curvature, momentum, workers
    second, first, constant = queue_step_polynomial(momentum, workers)
    below = (second * step + first) * step + constant
    above = m * m * step * (1 + b) - m * (step * b + b * b - 1) + b * (1 + step + b)
    return -learning_rate * noise_variance * above / (curvature * below)


def staleness_correlation(workers: Scalar, steps: Scalar) -> Scalar:
    """How stalenesses of M memoryless workers correlate, −(1 − 1/M)^(k − 1)/(2M) for k ≥ 1 apart.

    All together they sum to −1/2.
    """
    return -(implicit_momentum(workers) ** (steps - 1)) / (2 * workers)


def time_constant_momentum(total_momentum: Scalar, workers: Scalar) -> Scalar:
    """The explicit momentum b with which M memoryless workers lag as momentum T does.

    Mean lags add: b/(1 − b) + (M − 1) = T/(1 − T). Negative from M = 1/(1 − T) on.
    """
    lag = total_momentum / (1 - total_momentum) - (workers - 1)
    return lag / (1 + lag)


def additive_momentum(total_momentum: Scalar, workers: Scalar) -> Scalar:
    """The explicit momentum that with the implicit one of M workers adds up to a total."""
    return total_momentum - implicit_momentum(workers)


def total_lag_step_limit(momentum: Scalar, staleness: Scalar) -> Scalar:
    """A rule of thumb for heavy ball behind a fixed delay: αh below π(1 − β)/(2D + 1).

    With the total mean lag D = τ + β/(1 − β). Exact to first order in 1/τ at β = 0.
    """
    lag = staleness + momentum / (1 - momentum)
    return half_turns(1 - momentum) / (2 * lag + 1)
