"""What heavy ball does before its rate sets in: residual polynomials and their largest values."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import chebyshev_first, chebyshev_second, sqrt

__all__ = [
    "balanced_envelope",
    "balanced_residual",
    "balanced_step",
    "rest_envelope",
    "rest_residual",
]


def _cosine(learning_rate: Scalar, momentum: Scalar, curvature: Scalar) -> Scalar:
    """σ = (1 + β − αh)/(2√β): from 1 to −1 over the robust region."""
    return (1 + momentum - learning_rate * curvature) / (2 * sqrt(momentum))


def rest_residual(
    learning_rate: Scalar, momentum: Scalar, curvature: Scalar, steps: Scalar
) -> Scalar:
    """Heavy ball's residual polynomial from rest: β^{n/2}(Uₙ(σ) − √β Uₙ₋₁(σ)).

    σ = (1 + β − αh)/(2√β), and U are Chebyshev's polynomials of the second kind.

    Notes
    -----
    The claim ``heavy-ball-residual-polynomials`` proves it.
    """
    cosine, root = _cosine(learning_rate, momentum, curvature), sqrt(momentum)
    waves = chebyshev_second(steps, cosine) - root * chebyshev_second(steps - 1, cosine)
    return root**steps * waves


def balanced_step(learning_rate: Scalar, momentum: Scalar) -> Scalar:
    """The first learning rate from rest that leaves no overshoot, α/(1 + β)."""
    return learning_rate / (1 + momentum)


def balanced_residual(
    learning_rate: Scalar, momentum: Scalar, curvature: Scalar, steps: Scalar
) -> Scalar:
    """The residual polynomial where the first step is α/(1 + β).

    β^{n/2}(2β Tₙ(σ) + (1 − β) Uₙ(σ))/(1 + β), with σ as in `rest_residual`.
    """
    cosine, root = _cosine(learning_rate, momentum, curvature), sqrt(momentum)
    first, second = chebyshev_first(steps, cosine), chebyshev_second(steps, cosine)
    return root**steps * (2 * momentum * first + (1 - momentum) * second) / (1 + momentum)


def rest_envelope(momentum: Scalar, steps: Scalar) -> Scalar:
    """The largest residual from rest over the robust region: β^{n/2}(1 + (1 + √β)n).

    Its highest edge attains it, the stiffest mode of a tuned method.
    """
    root = sqrt(momentum)
    return root**steps * (1 + (1 + root) * steps)


def balanced_envelope(momentum: Scalar, steps: Scalar) -> Scalar:
    """The largest residual with first step α/(1 + β): β^{n/2}(1 + n(1 − β)/(1 + β)), at most 1."""
    return sqrt(momentum) ** steps * (1 + steps * (1 - momentum) / (1 + momentum))
