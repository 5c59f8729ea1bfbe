"""Leaving a saddle: growth along a direction of negative curvature −g."""

from __future__ import annotations

from momentum_dynamics.laws.spectrum import larger_root
from momentum_dynamics.notation import Scalar

__all__ = ["escape_rate", "plain_escape_rate"]


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
