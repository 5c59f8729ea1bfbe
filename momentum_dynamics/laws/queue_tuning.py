"""What a setting costs on memoryless workers: the way to the solution, and the floor there.

From the exact second moments of the queue: they are linear recursions, so the sum of E x² over all
updates is a rational function. Its poles are 0, where nothing moves, and the limit in mean square.
"""

from __future__ import annotations

from momentum_dynamics.laws.staleness import (
    heavy_ball_queue_stationary_variance,
    queue_step_polynomial,
)
from momentum_dynamics.notation import Scalar

__all__ = [
    "heavy_ball_queue_summed_bias",
    "heavy_ball_summed_bias",
    "queue_horizon_objective",
    "queue_summed_bias",
]


def queue_summed_bias(learning_rate: Scalar, curvature: Scalar, workers: Scalar) -> Scalar:
    """The sum of E xₜ² over all updates of descent on M memoryless workers, from rest at 1.

    With a = αh it is (2M − 1)(1 + Ma)/(2(2 + a − Ma²)) + 1/(2a) − (M − 1). Of one worker it is
    1/(a(2 − a)), the sum of (1 − a)²ᵗ.
    """
    step = learning_rate * curvature
    below = 2 + step - workers * step * step
    spread = (2 * workers - 1) * (1 + workers * step) / (2 * below)
    return spread + 1 / (2 * step) - (workers - 1)


def heavy_ball_summed_bias(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """The sum of xₜ² over all steps of heavy ball from rest at 1.

    With a = αh it is (1 + β)²/(2(1 − β)(2(1 + β) − a)) + (1 − β)/(2a).
    """
    step, kept = learning_rate * curvature, 1 + momentum
    far = kept * kept / (2 * (1 - momentum) * (2 * kept - step))
    return far + (1 - momentum) / (2 * step)


def heavy_ball_queue_summed_bias(
    learning_rate: Scalar, momentum: Scalar, curvature: Scalar, workers: Scalar
) -> Scalar:
    """The sum of E xₜ² over all updates of heavy ball on M memoryless workers, from rest at 1.

    With a = αh and p the polynomial of `heavy_ball_queue_step_limit` it is −n(a)/(a p(a)), where n
    is a polynomial of degree 3. Of one worker it is `heavy_ball_summed_bias`, and without explicit
    momentum `queue_summed_bias`.
    """
    step, b, m = learning_rate * curvature, momentum, workers
    second, first, constant = queue_step_polynomial(b, m)
    below = (second * step + first) * step + constant
    cube = (m - 1) * (m * m * (1 + b) - b)
    square = m * (1 + b) * (m * m * (1 - b) + m * (5 * b - 2) + 1 - 5 * b) + b * (b + 3)
    linear = m * (1 - b) * (1 + b) * (2 - 3 * b - m * (1 - b)) + b * (3 - b * b)
    fixed = (1 - b) * (1 - b) * (1 + b) * (m * (1 - b) + b)
    above = ((cube * step + square) * step + linear) * step + fixed
    return -above / (step * below)


def queue_horizon_objective(
    learning_rate: Scalar,
    momentum: Scalar,
    curvature: Scalar,
    displacement: Scalar,
    noise_variance: Scalar,
    workers: Scalar,
    steps: Scalar,
) -> Scalar:
    """The mean of E xₜ² over n updates, n so large that the start is forgotten by then.

    The summed bias from rest at d, divided by n, plus the noise floor.
    """
    way = heavy_ball_queue_summed_bias(learning_rate, momentum, curvature, workers) / steps
    floor = heavy_ball_queue_stationary_variance(
        learning_rate, momentum, curvature, noise_variance, workers
    )
    return displacement * displacement * way + floor
