"""Bilinear games min max x·s·y with momentum: simultaneous and alternating play."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar

__all__ = ["hurwitz_determinant", "is_stable_alternating"]


def hurwitz_determinant(learning_rate: Scalar, momentum: Scalar, singular_value: Scalar) -> Scalar:
    """The Hurwitz determinant of simultaneous play after z = (1 + w)/(1 − w): −64 s²α²(β² − 1)².

    Stability would need it positive; it never is, so simultaneous play diverges for every momentum.

    References
    ----------
    [gidel2019]_
    """
    coupling = learning_rate * singular_value
    return -64 * coupling * coupling * (momentum * momentum - 1) ** 2


def is_stable_alternating(learning_rate: Scalar, momentum: Scalar, singular_value: Scalar) -> Scalar:
    """Whether players moving in turn converge: iff −1 < β < 0 and 0 < αs < 2(1 + β).

    References
    ----------
    [gidel2019]_
    """
    coupling = learning_rate * singular_value
    return (momentum > -1) & (momentum < 0) & (coupling > 0) & (coupling < 2 * (1 + momentum))
