"""Complex spectra: the best momentum for a shape, and what one complex pair allows."""

from __future__ import annotations

from momentum_dynamics.laws.optima import MethodParameters
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import absolute, cos, sin, sqrt

__all__ = [
    "complex_step_limit",
    "ellipse_optimum",
    "ellipse_rate",
    "helpful_step_high",
    "helpful_step_low",
    "monotone_descent_gap",
    "monotone_momentum",
    "monotone_momentum_gap",
    "pair_descent_rate",
    "pair_momentum",
    "pair_rate",
    "pair_slope",
]


def _reach(center: Scalar, real_half_axis: Scalar, imaginary_half_axis: Scalar) -> Scalar:
    foci = real_half_axis * real_half_axis - imaginary_half_axis * imaginary_half_axis
    return center + sqrt(center * center - foci)


def ellipse_optimum(
    center: Scalar, real_half_axis: Scalar, imaginary_half_axis: Scalar
) -> MethodParameters:
    """The best heavy ball for curvatures that fill an ellipse to the right of 0.

    With D = d + √(d² − p² + q²): α = 2/D, β = (p² − q²)/D². Momentum has the sign of p − q:
    positive for a lying ellipse (q = 0 is Polyak's segment), none for a disc, negative for a
    standing one.

    Notes
    -----
    The level set of heavy ball at rate r is an ellipse with half axes r + β/r and r − β/r around
    1 + β; here it is the scaled spectrum itself.

    References
    ----------
    [manteuffel1977]_, [azizian2020]_
    """
    reach = _reach(center, real_half_axis, imaginary_half_axis)
    foci = real_half_axis * real_half_axis - imaginary_half_axis * imaginary_half_axis
    return MethodParameters(2 / reach, foci / (reach * reach), 0)


def ellipse_rate(center: Scalar, real_half_axis: Scalar, imaginary_half_axis: Scalar) -> Scalar:
    """The rate of `ellipse_optimum`, (p + q)/D."""
    reach = _reach(center, real_half_axis, imaginary_half_axis)
    return (real_half_axis + imaginary_half_axis) / reach


def pair_descent_rate(angle: Scalar) -> Scalar:
    """The best rate of gradient descent on one conjugate pair of argument ψ, sin ψ."""
    return sin(angle)


def pair_rate(angle: Scalar) -> Scalar:
    """The best rate of heavy ball on one conjugate pair of argument ψ, tan(ψ/2)."""
    return sin(angle) / (1 + cos(angle))


def pair_momentum(angle: Scalar) -> Scalar:
    """The best momentum on one conjugate pair of argument ψ, −tan²(ψ/2)."""
    return -(pair_rate(angle) ** 2)


def pair_slope(momentum: Scalar, rate: Scalar) -> Scalar:
    """The steepest pair, imaginary over real part, that heavy ball contracts at a rate.

    The tangent from 0 to the level set: (r² − β)/√((1 − r²)(r² − β²)), which falls with β on
    (−r², r²): so β = −r² reaches furthest, and there tan ψ = 2r/(1 − r²).
    """
    square = rate * rate
    return (square - momentum) / sqrt((1 - square) * (square - momentum * momentum))


def complex_step_limit(momentum: Scalar, pull: Scalar, turn: Scalar) -> Scalar:
    """The least upper bound of stable learning rates on the curvature a + ib, for |β| < 1."""
    up, down = (1 + momentum) ** 2, (1 - momentum) ** 2
    return 2 * pull * (1 + momentum) * down / (pull * pull * down + turn * turn * up)


def _helpful(pull: Scalar, turn: Scalar, sign: int) -> Scalar:
    modulus = sqrt(pull * pull + turn * turn)
    return (modulus + sign * absolute(turn)) / (modulus * pull)


def helpful_step_low(pull: Scalar, turn: Scalar) -> Scalar:
    """From this learning rate on, a little negative momentum speeds up the curvature a + ib.

    References
    ----------
    [gidel2019]_
    """
    return _helpful(pull, turn, -1)


def helpful_step_high(pull: Scalar, turn: Scalar) -> Scalar:
    """Up to this learning rate, a little negative momentum speeds up the curvature a + ib."""
    return _helpful(pull, turn, 1)


def monotone_descent_gap(condition_number: Scalar) -> Scalar:
    """One minus the best rate of descent at once on {Re λ ≥ μ, |λ| ≤ L}: 1/(2κ²) as κ → ∞."""
    return 1 / (2 * condition_number * condition_number)


def monotone_momentum_gap(condition_number: Scalar) -> Scalar:
    """One minus the best rate of heavy ball at once on {Re λ ≥ μ, |λ| ≤ L}, as κ → ∞.

    4/(3√3) κ^(−3/2): momentum gains half a power of κ.

    References
    ----------
    [zhang2021]_
    """
    return 4 / (3 * condition_number * sqrt(3 * condition_number))


def monotone_momentum(condition_number: Scalar) -> Scalar:
    """The momentum that reaches it, −1 + 2/√(3κ): close to −1, and not slightly negative."""
    return 2 / sqrt(3 * condition_number) - 1
