"""`single_step`: YellowFin's rule, from four measured numbers to momentum and learning rate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.laws.tuning import (
    best_root_momentum,
    cubic_root,
    released_cubic_root,
    robust_learning_rate,
    robust_root_gap,
    robust_root_momentum,
    signal_to_noise,
)
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import absolute, maximum, minimum, where

__all__ = ["SingleStep", "choose", "single_step"]


class _Limits(NamedTuple):
    """The least positive number that is normal, its inverse, and the largest number below one."""

    least: float
    most: float
    below_one: float


def _limits(found: Any) -> _Limits:
    return _Limits(float(found.tiny), float(1 / found.tiny), float(1 - found.eps / 2))


_DOUBLE = _limits(np.finfo(np.float64))
_SINGLE = _limits(np.finfo(np.float32))


class SingleStep(NamedTuple):
    """What YellowFin chooses.

    Attributes
    ----------
    momentum : float or array
        β in [0, 1).
    learning_rate : float or array
        α = (1 − √β)²/h_min.
    one_minus_root : float or array
        1 − √β in [0, 1]. Where β is next to 1 it has digits that β has lost.
    """

    momentum: Scalar
    learning_rate: Scalar
    one_minus_root: Scalar


def single_step(
    *, h_max: ArrayLike, h_min: ArrayLike, variance: ArrayLike, distance: ArrayLike
) -> SingleStep:
    r"""The momentum and learning rate that shrink the surrogate of the loss most in one step.

    Minimize :math:`\beta D^2 + \alpha^2 C` over :math:`\beta \in [0, 1)`, such that the whole range
    of curvatures lies in the robust region: :math:`\sqrt\beta \ge (\sqrt\nu - 1)/(\sqrt\nu + 1)`
    with :math:`\nu = h_{\max}/h_{\min}`, and :math:`\alpha = (1 - \sqrt\beta)^2/h_{\min}`.

    Parameters
    ----------
    h_max, h_min : array_like
        The range of curvatures, 0 ≤ h_min ≤ h_max.
    variance : array_like
        C ≥ 0: the variance of the gradient, summed over the coordinates.
    distance : array_like
        D ≥ 0: how far the solution is.

    Returns
    -------
    SingleStep
        Floats, or arrays of the common shape.

    Raises
    ------
    DomainError
        If a number is negative or not finite, or h_min exceeds h_max.
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    With x = √β the objective x²D² + (1 − x)⁴C/h_min² is strictly convex, and its slope is a
    multiple of p x − (1 − x)³ with p = D²h_min²/(2C), which has one root, in (0, 1). So the
    constrained optimum is the larger of this root and the least robust √β. Both are computed as x
    and as 1 − x without cancellation: momentum and learning rate have full precision for every p
    that is a normal number. With variance 0 the rule is Polyak's optimum of the range. As D²/C → 0,
    momentum goes to 1 and the learning rate to 0; where p is 0 in floating point, as without
    distance, the learning rate is 0 and momentum the largest number below 1. Smaller curvatures and
    variances than the least normal number, 2e-308, count as that number, 0 included, so that
    without variance D h_min should be above 1e-150.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> step = single_step(h_max=100.0, h_min=1.0, variance=0.0, distance=1.0)
    >>> round(step.momentum, 4), round(step.learning_rate, 4)
    (0.6694, 0.0331)
    >>> step = single_step(h_max=1.0, h_min=1.0, variance=1e12, distance=1.0)
    >>> round(step.momentum, 5), round(step.one_minus_root, 8)
    (0.99984, 7.937e-05)
    """
    given = {"h_max": h_max, "h_min": h_min, "variance": variance, "distance": distance}
    numbers = {name: _checked(name, value) for name, value in given.items()}
    try:
        np.broadcast_shapes(*(np.shape(value) for value in numbers.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in numbers.items())
        raise ShapeError(f"The shapes do not fit each other: {shapes}.") from None
    if np.any(np.asarray(numbers["h_min"]) > numbers["h_max"]):
        raise DomainError(
            "h_min exceeds h_max; give the smallest curvature as h_min, the largest as h_max."
        )
    with np.errstate(over="ignore", under="ignore"):
        return choose(**numbers)


def choose(
    *, h_max: Scalar, h_min: Scalar, variance: Scalar, distance: Scalar, released: Scalar = None
) -> SingleStep:
    """`single_step` without checks, for floats, arrays of any library, and traced numbers.

    With ``released``, a floor ε, the root of the cubic is the one of the code that was released
    with the paper, its pole and its cancellation included.
    """
    single = type(h_min) is not float and getattr(h_min, "dtype", None) == np.float32
    tiny, huge, below_one = _SINGLE if single else _DOUBLE
    low = maximum(h_min, tiny)
    p = signal_to_noise(distance, low, maximum(variance, tiny))
    some = minimum(maximum(p, tiny), huge)
    high = maximum(h_max, low)
    least = robust_root_momentum(low, high)
    if released is None:
        gap = where(p > 0, cubic_root(some), 0 * some)
        root = where(p > 0, best_root_momentum(gap, some), 0 * some + 1)
        gap = minimum(gap, robust_root_gap(low, high))
        root = maximum(root, least)
        momentum = minimum(root * root, below_one)  # √β may round to one
    else:
        try:
            root = maximum(absolute(released_cubic_root(p, released)), least)
        except ZeroDivisionError:  # where the released code raises as well
            raise DomainError(
                f"The signal-to-noise ratio {p:.3g} is the pole of the released root; "
                'take root="exact", which has none.'
            ) from None
        gap, momentum = 1 - root, root * root
    return SingleStep(momentum, robust_learning_rate(gap, low), gap)


def _checked(name: str, value: ArrayLike) -> Scalar:
    try:
        number = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DomainError(f"{name} is {value!r}, but must be a number in [0, ∞).") from None
    if not (np.isfinite(number).all() and (number >= 0).all()):
        shown = number if number.ndim == 0 else "an array with others"
        raise DomainError(f"{name} is {shown}, but must lie in [0, ∞).")
    return number if number.ndim else float(number)
