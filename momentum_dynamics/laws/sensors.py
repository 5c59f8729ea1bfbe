"""What a sensor of momentum reads on one mode: its own explicit momentum, where the mode is slow.

YellowFin's sensor reads μ̂ = (x′ − x + αg(x))/(x − x₋) on three successive versions of the point. On
a mode whose displacement goes like zᵗ, with a = αh, that is z + az/(z − 1); behind heavy ball with
momentum β and a delay with generating function q it is z − (z − β)/q(1/z), because z is a pole.
"""

from __future__ import annotations

from momentum_dynamics.laws.staleness import implicit_momentum
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "fixed_delay_balance",
    "fixed_delay_implicit_reading",
    "fixed_delay_reading",
    "geometric_delay_balance",
    "geometric_delay_reading",
    "largest_fixed_delay_reading",
    "largest_geometric_delay_reading",
    "mode_reading",
    "slow_implicit_reading",
    "slow_reading",
    "target_eigenvalue",
]


def mode_reading(eigenvalue: Scalar, learning_rate: Scalar, curvature: Scalar) -> Scalar:
    """What the sensor reads on a mode that goes like zᵗ, whatever made it: z + αhz/(z − 1).

    References
    ----------
    [zhang2017]_
    """
    return eigenvalue + learning_rate * curvature * eigenvalue / (eigenvalue - 1)


def fixed_delay_reading(eigenvalue: Scalar, momentum: Scalar, staleness: Scalar) -> Scalar:
    """What the sensor reads of heavy ball behind a fixed delay, z − z^τ(z − β).

    It is βz^τ + z(1 − z^τ): the explicit momentum where z is near 1.
    """
    return eigenvalue - eigenvalue**staleness * (eigenvalue - momentum)


def geometric_delay_reading(eigenvalue: Scalar, momentum: Scalar, workers: Scalar) -> Scalar:
    """What the sensor reads of heavy ball on M memoryless workers, z − (z − β)(M − (M − 1)/z).

    With μ = 1 − 1/M this is z − (z − β)(z − μ)/((1 − μ)z).
    """
    return eigenvalue - (eigenvalue - momentum) * (workers - (workers - 1) / eigenvalue)


def slow_reading(
    learning_rate: Scalar, curvature: Scalar, momentum: Scalar, mean: Scalar
) -> Scalar:
    """What the sensor reads on a slow mode behind any delay of mean m, to first order: β + mαh.

    No sign of the implicit momentum: the reading goes to the explicit one as αh goes to 0.
    """
    return momentum + mean * learning_rate * curvature


def largest_geometric_delay_reading(workers: Scalar) -> Scalar:
    """The most that the sensor reads without oscillation on M memoryless workers, μ/(1 + √μ).

    Of gradient descent, at critical damping z = √μ with μ = 1 − 1/M: below one half, where the
    implicit momentum goes to 1.
    """
    hidden = implicit_momentum(workers)
    return hidden / (1 + sqrt(hidden))


def largest_fixed_delay_reading(staleness: Scalar) -> Scalar:
    """The most that the sensor reads without oscillation behind a fixed delay, z(1 − z^τ).

    Of gradient descent, at critical damping z = τ/(τ + 1); it rises to 1 − 1/e.
    """
    eigenvalue = staleness / (staleness + 1)
    return eigenvalue * (1 - eigenvalue**staleness)


def fixed_delay_implicit_reading(eigenvalue: Scalar, staleness: Scalar) -> Scalar:
    """What the sensor of implicit momentum reads behind a fixed delay, z(z^τ − 1)/(z^(τ+1) − 1).

    Whatever the explicit momentum is.
    """
    power = eigenvalue**staleness
    return eigenvalue * (power - 1) / (power * eigenvalue - 1)


def slow_implicit_reading(mean: Scalar) -> Scalar:
    """What the sensor of implicit momentum reads on a slow mode behind any delay, m/(m + 1).

    With M workers the mean staleness is m = M − 1, so that this is 1 − 1/M, whatever the law of
    service times.
    """
    return mean / (mean + 1)


def target_eigenvalue(learning_rate: Scalar, curvature: Scalar, total_momentum: Scalar) -> Scalar:
    """Where feedback on the reading puts the pole of a mode: where synchronous heavy ball has it.

    The reading is T exactly if z² − (1 + T − a)z + T = 0 with a = αh; this is the larger root, real
    up to a = (1 − √T)².
    """
    step = learning_rate * curvature
    middle = 1 - total_momentum + step
    return 1 - 2 * step / (middle + sqrt(middle * middle - 4 * step))


def fixed_delay_balance(
    learning_rate: Scalar, curvature: Scalar, total_momentum: Scalar, staleness: Scalar
) -> Scalar:
    """The explicit momentum at which the sensor reads T behind a fixed delay, z − (z − T)/z^τ."""
    eigenvalue = target_eigenvalue(learning_rate, curvature, total_momentum)
    return eigenvalue - (eigenvalue - total_momentum) / eigenvalue**staleness


def geometric_delay_balance(
    learning_rate: Scalar, curvature: Scalar, total_momentum: Scalar, workers: Scalar
) -> Scalar:
    """The same on M memoryless workers, z − (z − T)/(M − (M − 1)/z)."""
    eigenvalue = target_eigenvalue(learning_rate, curvature, total_momentum)
    unfiltered = workers - (workers - 1) / eigenvalue
    return eigenvalue - (eigenvalue - total_momentum) / unfiltered
