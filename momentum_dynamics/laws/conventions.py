"""From one convention of momentum to another while the learning rate changes.

A velocity v that is kept as v ← b v + k g moves the point by −c v. That is Polyak's method with
learning rate c k and momentum b c/c₋, where c₋ is the scale of the step before.
"""

from __future__ import annotations

from momentum_dynamics.notation import Scalar

__all__ = ["earlier_effective_learning_rate", "velocity_momentum"]


def velocity_momentum(
    momentum: Scalar, learning_rate: Scalar, earlier_learning_rate: Scalar
) -> Scalar:
    """The momentum of a velocity scaled by the learning rate that does what Polyak's β does.

    β α₋/α: constant momentum in Keras is this momentum in PyTorch when the learning rate changes.

    References
    ----------
    [goyal2017]_
    """
    return momentum * earlier_learning_rate / learning_rate


def earlier_effective_learning_rate(
    effective_learning_rate: Scalar, learning_rate: Scalar, momentum: Scalar
) -> Scalar:
    """The effective learning rate one step before: it moves by α_eff = α + β α_eff₋.

    An average of gradients has it as its learning rate. Where nothing changes it is α/(1 − β).
    """
    return (effective_learning_rate - learning_rate) / momentum
