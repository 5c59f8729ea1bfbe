"""What is guaranteed on all smooth (strongly) convex functions after n steps, not only in the end.

Values are f(x_n) − f* for starts at distance 1 from the minimum, or against the value at the start.
"""

from __future__ import annotations

from momentum_dynamics.laws.optima import nesterov_smooth_rate, triple_momentum_rate
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "growth_guarantee",
    "nesterov_guarantee",
    "optimal_guarantee",
    "optimal_weight",
    "safe_guarantee",
    "safe_momentum",
    "triple_momentum_guarantee",
]


def safe_momentum(
    learning_rate: Scalar, smallest_curvature: Scalar, largest_curvature: Scalar
) -> Scalar:
    """A momentum with which heavy ball converges on every smooth strongly convex function, αL ≤ 1.

    √((1 − αμ)(1 − αL)): none at all for α = 1/L.

    References
    ----------
    [ghadimi2015]_
    """
    return sqrt((1 - learning_rate * smallest_curvature) * (1 - learning_rate * largest_curvature))


def safe_guarantee(learning_rate: Scalar, smallest_curvature: Scalar, steps: Scalar) -> Scalar:
    """What is left of f − f* after n steps of heavy ball with its safe momentum, (1 − αμ)ⁿ.

    References
    ----------
    [ghadimi2015]_
    """
    return (1 - learning_rate * smallest_curvature) ** steps


def nesterov_guarantee(condition_number: Scalar, steps: Scalar) -> Scalar:
    """What is left of f − f* + μ|x − x*|²/2 after n steps of Nesterov's method, (1 − 1/√κ)ⁿ.

    References
    ----------
    [nesterov2004]_
    """
    return nesterov_smooth_rate(condition_number) ** steps


def triple_momentum_guarantee(
    smallest_curvature: Scalar, largest_curvature: Scalar, steps: Scalar
) -> Scalar:
    """The largest f − f* after n ≥ 1 steps of triple momentum from distance 1, Lκρ²ⁿ/2.

    References
    ----------
    [vanscoy2018]_
    """
    kappa = largest_curvature / smallest_curvature
    return largest_curvature * kappa * triple_momentum_rate(kappa) ** (2 * steps) / 2


def growth_guarantee(largest_curvature: Scalar, steps: Scalar) -> Scalar:
    """The largest f − f* after n steps of heavy ball with α_t = 1/(L(t + 2)) and β_t = t/(t + 2).

    L/(2(n + 1)), from distance 1, for convex functions that grow at most quadratically.

    References
    ----------
    [goujaud2022]_
    """
    return largest_curvature / (2 * (steps + 1))


def optimal_weight(weight: Scalar, condition_number: Scalar) -> Scalar:
    """The next weight A₊ of the exactly optimal method, from A = 0 at the start.

    With q = 1/κ: A₊ = ((1 + q)A + 2(1 + √((1 + A)(1 + qA))))/(1 − q)².

    References
    ----------
    [taylor2023]_
    """
    q = 1 / condition_number
    root = sqrt((1 + weight) * (1 + q * weight))
    return ((1 + q) * weight + 2 * (1 + root)) / ((1 - q) * (1 - q))


def optimal_guarantee(weight: Scalar, condition_number: Scalar) -> Scalar:
    """The largest |x − x*|² of the exactly optimal method from distance 1, 1/(1 + A/κ).

    References
    ----------
    [taylor2023]_
    """
    return condition_number / (condition_number + weight)
