"""Bilinear games min max x·s·y with momentum: when playing in turn converges."""

from __future__ import annotations

from momentum_dynamics.laws.regions import heavy_ball_step_limit
from momentum_dynamics.notation import Scalar

__all__ = ["is_stable_alternating", "round_hurwitz_determinant"]


def is_stable_alternating(
    learning_rate: Scalar, momentum: Scalar, singular_value: Scalar
) -> Scalar:
    """Whether two heavy balls moving in turn converge: iff −1 < β < 0 and αs < 2(1 + β), for α > 0.

    Notes
    -----
    The claim ``negative-momentum-converges-on-alternating-bilinear-games`` proves it.

    References
    ----------
    [gidel2019]_
    """
    coupling = learning_rate * singular_value
    return (
        (momentum > -1)
        & (momentum < 0)
        & (coupling > 0)
        & (coupling < heavy_ball_step_limit(momentum))
    )


def round_hurwitz_determinant(
    learning_rate: Scalar, momentum: Scalar, singular_value: Scalar
) -> Scalar:
    """The third Hurwitz determinant of an alternating round after z = (1 + w)/(1 − w).

    With c = αs it is −32 β c² (4(1 − β)²(1 + β) + 2βc²): positive only for negative momentum.
    """
    square = (learning_rate * singular_value) ** 2
    gap = 1 - momentum
    return -32 * momentum * square * (4 * gap * gap * (1 + momentum) + 2 * momentum * square)
