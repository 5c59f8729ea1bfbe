"""Two roots from their sum and product: radius, stability, regimes.

A method with two slots has, on each curvature, a 2×2 transition matrix; everything about it is in
its trace T and determinant D. No method is named here: T and D come from its state space.
"""

from __future__ import annotations

from momentum_dynamics.laws.regions import robust_low_end
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import absolute, complex_sqrt, maximum, sqrt

__all__ = [
    "complex_spectral_radius",
    "critical_momentum",
    "discriminant",
    "elliptic_spectral_radius",
    "is_stable_pair",
    "larger_root",
    "spectral_radius",
    "switching_growth",
]


def discriminant(trace: Scalar, determinant: Scalar) -> Scalar:
    """Negative where the two roots are conjugate, zero at critical damping."""
    return trace * trace - 4 * determinant


def larger_root(trace: Scalar, determinant: Scalar) -> Scalar:
    """The larger of two real roots, (T + √(T² − 4D))/2."""
    return (trace + sqrt(discriminant(trace, determinant))) / 2


def spectral_radius(trace: Scalar, determinant: Scalar) -> Scalar:
    """The larger modulus of two roots, for a real trace and a real determinant.

    Conjugate roots share the modulus √D; real roots lie at (T ± √(T² − 4D))/2, of which the larger
    in modulus has the sign of T. For real roots √|D| is their geometric mean and never the larger.

    Notes
    -----
    The claim ``spectral-radius-has-one-closed-form`` sets it beside eigenvalues.
    """
    real = (absolute(trace) + sqrt(maximum(discriminant(trace, determinant), 0))) / 2
    return maximum(sqrt(absolute(determinant)), real)


def complex_spectral_radius(trace: Scalar, determinant: Scalar) -> Scalar:
    """The larger modulus of two roots, for any complex trace and determinant.

    Neither root is obtained by cancellation of the other: both candidates are formed.
    """
    root = complex_sqrt(discriminant(trace, determinant))
    return maximum(absolute(trace + root), absolute(trace - root)) / 2


def elliptic_spectral_radius(trace: Scalar, determinant: Scalar) -> Scalar:
    """The same radius by the ellipse with foci ±2√D on which the trace lies.

    From z + D/z = T (Joukowski's map): |T − 2√D| + |T + 2√D| = 2(|z₁| + |z₂|), and |z₁||z₂| = |D|.
    The textbook's form; on the robust region it subtracts equal numbers, so engines use the other.
    """
    focus = 2 * complex_sqrt(determinant)
    distance = absolute(trace - focus) + absolute(trace + focus)
    gap = maximum(distance * distance - 16 * absolute(determinant), 0)
    return (distance + sqrt(gap)) / 4


def is_stable_pair(trace: Scalar, determinant: Scalar) -> Scalar:
    """Whether both roots lie inside the unit circle (Jury's triangle), for real T and D."""
    return (absolute(determinant) < 1) & (absolute(trace) < 1 + determinant)


def critical_momentum(learning_rate: Scalar, curvature: Scalar) -> Scalar:
    """The fastest momentum for one curvature, where heavy ball's two roots meet at 1 − √(αh).

    References
    ----------
    [goh2017]_
    """
    return robust_low_end(learning_rate * curvature)


def switching_growth(amplification: Scalar, determinant: Scalar) -> Scalar:
    """The fastest growth per step of x₊ = s x − D x₋ when |s| ≤ S may change at will (D ≥ 0).

    From |x₊| ≤ S|x| + D|x₋|: the positive root of r² − Sr − D, attained by switching the sign of s.
    On the robust region, S = 2√β and D = β, it is (1 + √2)√β.
    """
    return larger_root(amplification, -determinant)
