"""When heavy ball runs in circles: cycles on roots of unity."""

from __future__ import annotations

from momentum_dynamics.notation import Scalar

__all__ = ["cycle_margin"]


def cycle_margin(
    learning_rate: Scalar,
    momentum: Scalar,
    smallest_curvature: Scalar,
    largest_curvature: Scalar,
    cosine: Scalar,
) -> Scalar:
    """Heavy ball has a cycle on the K-th roots of unity where this is at most 0.

    (αμ)² − 2(β − c + (1 − βc)μ/L)αμ + 2(1 − c)(1 + β² − 2βc)μ/L, with c = cos 2π/K.

    References
    ----------
    [goujaud2023]_
    """
    step, ratio = learning_rate * smallest_curvature, smallest_curvature / largest_curvature
    linear = momentum - cosine + ratio * (1 - momentum * cosine)
    constant = ratio * (1 - cosine) * (1 + momentum * momentum - 2 * momentum * cosine)
    return step * step - 2 * linear * step + 2 * constant
