"""What differential equations make of staleness: floors and limits of an age in continuous time.

Of an update as the unit of time, dx = −αh·x̄ dt + ασ dB, where x̄ is x at some age: a fixed one, or
one of an exponential law, which is what the stochastic modified equation of M memoryless workers
has, with the age M.
"""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import cos, half_turns, sin, sqrt

__all__ = [
    "delay_equation_step_limit",
    "delay_equation_variance",
    "memory_equation_variance",
    "spread_equation_step_limit",
    "spread_equation_variance",
]


def delay_equation_step_limit(age: Scalar) -> Scalar:
    """The largest αh that a gradient of fixed age bears in continuous time, π/(2θ)."""
    return half_turns(1 / (2 * age))


def delay_equation_variance(
    learning_rate: Scalar, curvature: Scalar, noise_variance: Scalar, age: Scalar
) -> Scalar:
    """The floor of dx = −αh·x(t − θ) dt + ασ dB, (ασ²/2h)(1 + sin φ)/cos φ with φ = αhθ."""
    angle = learning_rate * curvature * age
    plain = learning_rate * noise_variance / (2 * curvature)
    return plain * (1 + sin(angle)) / cos(angle)


def memory_equation_variance(
    learning_rate: Scalar, curvature: Scalar, noise_variance: Scalar, age: Scalar
) -> Scalar:
    """The floor of a gradient of exponential age in continuous time, (ασ²/2h)(1 + αhθ).

    It is the modified equation's for θ = M workers, and has no limit of αh.

    References
    ----------
    [an2018]_
    """
    return learning_rate * noise_variance * (1 + learning_rate * curvature * age) / (2 * curvature)


def spread_equation_step_limit(age: Scalar) -> Scalar:
    """The largest αh of the same in mean square, if the spread of the reads is kept as noise.

    The positive root of θa² − a − (2 + 1/θ): what M = θ memoryless workers bear, but for 1/θ.
    """
    return (1 + sqrt(8 * age + 5)) / (2 * age)


def spread_equation_variance(
    learning_rate: Scalar, curvature: Scalar, noise_variance: Scalar, age: Scalar
) -> Scalar:
    """The floor of a gradient of exponential age, if the spread of the reads is kept as noise.

    With a = αh it is (ασ²/2h)(2 + 1/θ + 2(1 + θ)a)/(2 + 1/θ + a − θa²).
    """
    step = learning_rate * curvature
    own = 2 + 1 / age
    plain = learning_rate * noise_variance / (2 * curvature)
    return plain * (own + 2 * (1 + age) * step) / (own + step - age * step * step)
