"""Stability in mean square when every gradient sees a curvature of its own, as in mini-batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.radius import is_stable, spectral_radius
from momentum_dynamics.dynamics.stationary import query_variance
from momentum_dynamics.errors import DomainError, NotTraceableError, UnknownNameError
from momentum_dynamics.laws import minibatch as laws
from momentum_dynamics.methods import (
    ExponentialAverage,
    GradientDescent,
    HeavyBall,
    Method,
    Nesterov,
    state_space,
)
from momentum_dynamics.methods.linear import stack
from momentum_dynamics.methods.protocol import period_of, transient_of
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["mean_square_excess", "mean_square_radius", "method_kinds", "mini_batch_limit"]

Array = NDArray[np.float64]


def mean_square_radius(method: Method, curvature: Scalar, curvature_variance: Scalar) -> Array:
    """The factor per period of second moments under noise of the curvature.

    The spectral radius of the second-moment operator, M⊗M + τ²(BC)⊗(BC) for one gradient a step;
    without noise it is the square of the loop's.

    Parameters
    ----------
    method : Method
        With settled coefficients; numbers or batches.
    curvature, curvature_variance : scalar
        h and τ², broadcast.

    Returns
    -------
    array
        Below 1 where the loop is stable in mean square.

    Raises
    ------
    NotTraceableError
        With symbols: ask `stationary_variance` with ``curvature_variance=``, whose denominator
        vanishes at the limit.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> round(float(mean_square_radius(GradientDescent(learning_rate=0.5), 1.0, 0.4)), 12)
    0.35
    """
    GLOSSARY["curvature_variance"].check(curvature_variance)
    if (
        is_symbolic(curvature)
        or is_symbolic(curvature_variance)
        or (state_space(method, step=transient_of(method)).is_symbolic)
    ):
        raise NotTraceableError(
            "Radii in mean square are answered for numbers only; for symbols ask for "
            "stationary_variance with curvature_variance=…."
        )
    h, variance = np.broadcast_arrays(
        np.asarray(curvature, dtype=float), np.asarray(curvature_variance, dtype=float)
    )
    whole: Any = None
    for step in range(period_of(method) or 1):
        system = state_space(method, step=transient_of(method) + step)
        matrix = stack(system.closed_rows(h)[0])
        kick = system.B @ system.C
        operator = _doubled(matrix) + variance[..., None, None] * _doubled(kick)
        whole = operator if whole is None else operator @ whole
    radius: Array = np.abs(np.linalg.eigvals(whole)).max(axis=-1)
    return radius


def _doubled(matrix: Array) -> Array:
    """M ⊗ M, over batch axes."""
    size = matrix.shape[-1]
    product = np.einsum("...ij,...kl->...ikjl", matrix, matrix)
    return product.reshape(*matrix.shape[:-2], size**2, size**2)


def _descent(learning_rate: Scalar, momentum: Scalar) -> Method:  # noqa: ARG001
    return GradientDescent(learning_rate=learning_rate)


_KINDS: dict[str, Callable[..., Method]] = {
    "gradient-descent": _descent,
    "heavy-ball": HeavyBall,
    "nesterov": Nesterov,
    "exponential-average": ExponentialAverage,
}


def method_kinds() -> dict[str, Callable[..., Method]]:
    """What makes a method of learning rate and momentum, by name."""
    return dict(_KINDS)


def kind_name(kind: Any) -> str:
    """The name under which a class of methods is known here; of another one its own name."""
    names = {GradientDescent: "gradient-descent"} | {made: name for name, made in _KINDS.items()}
    return kind if isinstance(kind, str) else str(names.get(kind, getattr(kind, "__name__", kind)))


def mini_batch_limit(
    kind: str | Callable[..., Method],
    *,
    curvature: Scalar,
    curvature_variance: Scalar,
    momentum: Scalar = 0,
) -> Any:
    """The largest learning rate that is stable in mean square when the curvature varies.

    Parameters
    ----------
    kind : str or method class
        ``"heavy-ball"``, ``"nesterov"``, ``"gradient-descent"``, ``"exponential-average"``, or
        anything that makes a method with one gradient a step from `learning_rate` and `momentum`.
    curvature : scalar
        h > 0.
    curvature_variance : scalar
        τ² ≥ 0 of the curvature that a gradient sees: for mini-batches that of one sample over the
        batch size; of least squares `MiniBatches.curvature_variance`.
    momentum : scalar

    Returns
    -------
    array, float or sympy.Expr
        Where τ² times the variance of the query under unit noise reaches 1. With τ = 0 it is the
        limit of stable steps.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    DomainError
        If a curvature is not positive, a variance negative, or no learning rate is stable.
    NotTraceableError
        With symbols, for a kind whose limit has no closed form here.

    Examples
    --------
    >>> round(mini_batch_limit("gradient-descent", curvature=1.0, curvature_variance=3.0), 9)
    0.5
    >>> from momentum_dynamics import symbol
    >>> mini_batch_limit("gradient-descent", curvature=symbol("curvature"),
    ...                  curvature_variance=symbol("curvature_variance"))
    2*h/(h**2 + tau^2)
    """
    if isinstance(kind, str) and kind not in _KINDS:
        raise UnknownNameError.among("kind of method", kind, _KINDS)
    given = (momentum, curvature, curvature_variance)
    if any(map(is_symbolic, given)):
        kind = kind_name(kind)
        if kind not in {"heavy-ball", "gradient-descent"}:
            raise NotTraceableError(
                f"The limit of {kind} has no closed form here; give numbers, or solve "
                "curvature_variance * query_variance(method, curvature) = 1."
            )
        import sympy

        own = momentum if kind == "heavy-ball" else 0
        return sympy.factor(laws.mean_square_step_limit(own, curvature, curvature_variance))
    GLOSSARY["curvature_variance"].check(curvature_variance)
    if not np.all(np.asarray(curvature) > 0):
        raise DomainError(f"curvature is {curvature}, but must be positive.")
    build = _KINDS[kind] if isinstance(kind, str) else kind
    each = np.vectorize(
        lambda beta, h, variance: _limit(build, float(beta), float(h), float(variance)),
        otypes=[float],
    )
    found = each(*given)
    return float(found) if found.ndim == 0 else found


def mean_square_excess(method: Method, curvature: float, variance: float) -> float:
    """How far a loop is beyond its limit in mean square: τ²g/(1 + τ²g) − 1/2.

    g is the variance of the query under unit noise. Bounded, increasing in the noise, zero at the
    limit, and one half where the mean is unstable.
    """
    if not bool(is_stable(method, curvature)):
        return 0.5
    share = variance * float(query_variance(method, curvature))
    return share / (1 + share) - 0.5


def _limit(
    build: Callable[..., Method], momentum: float, curvature: float, variance: float
) -> float:
    """Between 0 and the limit in the mean, where the share of the bearable variance reaches 1."""
    from scipy.optimize import brentq

    def method(rate: float) -> Method:
        return build(learning_rate=rate, momentum=momentum)

    def excess(rate: float) -> float:
        return mean_square_excess(method(rate), curvature, variance)

    high = 1 / curvature
    while bool(is_stable(method(high), curvature)):
        high *= 2
        if high * curvature > _LARGEST:
            raise DomainError("Every learning rate is stable, so there is no largest one.")
    low = high
    while excess(low) >= 0:
        low /= 2
        if low * curvature < 1 / _LARGEST:
            raise DomainError(
                "No learning rate is stable in mean square with these settings; change momentum."
            )
    if variance > 0:
        return float(brentq(excess, low, high, xtol=1e-15 * high, rtol=1e-14))

    def margin(rate: float) -> float:
        return float(spectral_radius(method(rate), curvature)) - 1

    return float(brentq(margin, low, high, xtol=1e-15 * high, rtol=1e-14))


_LARGEST = 1e12
"""Times a curvature, what no learning rate exceeds."""
