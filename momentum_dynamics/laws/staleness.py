"""What random staleness does in the mean."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar

__all__ = [
    "fixed_delay_step_limit_angle",
    "implicit_learning_rate",
    "implicit_momentum",
    "staleness_correlation",
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


def staleness_correlation(workers: Scalar, steps: Scalar) -> Scalar:
    """The correlation of two stalenesses n ≥ 1 updates apart, of M memoryless workers.

    It is −(1 − 1/M)ⁿ⁻¹/(2M): a gradient that took long leaves younger ones behind. Over all n it
    sums to −1/2, so that the sum of stalenesses does not spread.
    """
    return -(implicit_momentum(workers) ** (steps - 1)) / (2 * workers)
