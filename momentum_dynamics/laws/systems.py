"""How fast a cluster of groups goes: seconds per update, stragglers, and updates per accuracy."""

from __future__ import annotations

from momentum_dynamics.laws.staleness import implicit_momentum
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import half_turns, harmonic, maximum, sqrt

__all__ = [
    "barrier_gain",
    "barrier_variation",
    "floor_learning_rate",
    "geometric_variation",
    "hardware_efficiency",
    "saturation_groups",
    "statistical_efficiency",
    "straggler_factor",
]


def hardware_efficiency(group_time: Scalar, server_time: Scalar, groups: Scalar) -> Scalar:
    """Seconds per update of g groups and one server, max(t_s, (t_g + t_s)/g).

    Exact where both times are fixed; random times take longer.

    References
    ----------
    [hadjis2016]_
    """
    return maximum(server_time, (group_time + server_time) / groups)


def saturation_groups(group_time: Scalar, server_time: Scalar) -> Scalar:
    """The number of groups from which on the server alone sets the pace, 1 + t_g/t_s."""
    return 1 + group_time / server_time


def straggler_factor(count: Scalar) -> Scalar:
    """The mean time of a barrier of k memoryless nodes over one's, H_k = 1 + 1/2 + … + 1/k."""
    return harmonic(count)


def barrier_gain(count: Scalar, groups: Scalar) -> Scalar:
    """Gradients per second of g barriers of k memoryless nodes over one barrier of all of them."""
    return straggler_factor(groups * count) / straggler_factor(count)


def barrier_variation(count: Scalar) -> Scalar:
    """The coefficient of variation of a barrier of many memoryless nodes, about π/(√6 H_k).

    The time of the slowest, less ln k, tends to Gumbel's law, with variance π²/6.
    """
    mean = straggler_factor(count)
    return half_turns(1 / sqrt(6 * mean * mean))


def geometric_variation(workers: Scalar) -> Scalar:
    """The coefficient of variation of geometric staleness, √(M/(M − 1))."""
    return 1 / sqrt(implicit_momentum(workers))


def floor_learning_rate(
    floor: Scalar, curvature: Scalar, noise_variance: Scalar, workers: Scalar
) -> Scalar:
    """The learning rate at which gradient descent with M memoryless workers settles at variance V.

    The root of `queue_stationary_variance` = V.
    """
    share = floor * curvature * curvature / noise_variance
    root = sqrt((1 - share) * (1 - share) + 8 * workers * share * (1 + share))
    return 4 * share / (curvature * (1 - share + root))


def statistical_efficiency(
    floor: Scalar, curvature: Scalar, noise_variance: Scalar, workers: Scalar
) -> Scalar:
    """How many times the updates M memoryless workers need to settle at variance V, over one.

    Slow modes contract by the learning rate, so it is that of one worker over that of M.
    """
    alone = floor_learning_rate(floor, curvature, noise_variance, 1)
    return alone / floor_learning_rate(floor, curvature, noise_variance, workers)
