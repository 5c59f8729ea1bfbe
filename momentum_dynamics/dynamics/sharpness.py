"""The sharpest minimum in which a method stays, with whole batches and with small ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.minibatch import (
    kind_name,
    mean_square_excess,
    method_kinds,
    mini_batch_limit,
)
from momentum_dynamics.dynamics.stationary import query_variance
from momentum_dynamics.errors import DomainError, NotTraceableError, UnknownNameError
from momentum_dynamics.laws import minibatch as laws
from momentum_dynamics.laws import regions
from momentum_dynamics.methods import GradientDescent, Method
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["bearable_batch_sharpness", "sharpness_limit"]


def sharpness_limit(
    kind: str | Callable[..., Method],
    *,
    learning_rate: Scalar,
    momentum: Scalar = 0,
    curvature_variance: Scalar = 0,
) -> Any:
    """The largest curvature on which a method is stable at a learning rate.

    Where training has a sharpness that rises, it rises up to here and hovers: the edge of
    stability. `mini_batch_limit` asks the same of the learning rate.

    Parameters
    ----------
    kind : str or method class
        As in `mini_batch_limit`.
    learning_rate : scalar
        α > 0.
    momentum : scalar
    curvature_variance : scalar
        τ² ≥ 0 of the curvature that a gradient sees: for mini-batches that of one sample over the
        batch size, of least squares `MiniBatches.curvature_variance`; 0 for whole batches. With
        noise the limit is one in mean square, of the mean curvature h; the batch sharpness there is
        h + τ²/h.

    Returns
    -------
    array, float or sympy.Expr

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    DomainError
        If a learning rate is not positive, or no curvature is stable: the noise is then too large
        for every mean.
    NotTraceableError
        With symbols, for a kind whose limit has no closed form here.

    References
    ----------
    [cohen2021]_

    Examples
    --------
    >>> round(sharpness_limit("heavy-ball", learning_rate=1.0, momentum=0.9), 9)
    3.8
    >>> round(sharpness_limit("nesterov", learning_rate=1.0, momentum=0.9), 6)
    1.357143
    >>> from momentum_dynamics import symbol
    >>> sharpness_limit("heavy-ball", learning_rate=symbol("learning_rate"),
    ...                 momentum=symbol("momentum"))
    2*(beta + 1)/alpha
    """
    kinds = method_kinds()
    if isinstance(kind, str) and kind not in kinds:
        raise UnknownNameError.among("kind of method", kind, kinds)
    given = (learning_rate, momentum, curvature_variance)
    if any(map(is_symbolic, given)):
        return _symbolic(kind, *given)
    if not (isinstance(kind, str) or callable(kind)):
        raise DomainError(
            f"kind is {kind!r}, but must be a name such as 'heavy-ball', or a class such as "
            "HeavyBall."
        )
    GLOSSARY["learning_rate"].check(learning_rate)
    GLOSSARY["curvature_variance"].check(curvature_variance)
    if not np.all(np.asarray(learning_rate) > 0):
        raise DomainError(f"learning_rate is {learning_rate}, but must be positive.")
    if kind in {"gradient-descent", GradientDescent} and np.any(np.asarray(momentum) != 0):
        raise DomainError(
            f"momentum is {momentum}, but gradient descent has none; leave it out, or ask for "
            "'heavy-ball'."
        )
    each = np.vectorize(
        lambda rate, beta, variance: _limit(kind, float(rate), float(beta), float(variance)),
        otypes=[float],
    )
    found = each(*given)
    return float(found) if found.ndim == 0 else found


def bearable_batch_sharpness(method: Method, curvature: Scalar) -> Any:
    """The batch sharpness h + τ²/h at which a method is at its limit in mean square.

    τ² is the largest variance of the curvature that it bears at the mean h.

    Parameters
    ----------
    method : Method
        With one gradient a step.
    curvature : scalar
        The mean h, below the limit of whole batches.

    Returns
    -------
    array, float or sympy.Expr

    Raises
    ------
    UnstableDynamicsError
        If it is unstable at the mean already.
    DomainError
        If a step takes several gradients.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, symbol
    >>> ball = HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    >>> limit = bearable_batch_sharpness(ball, symbol("curvature"))
    >>> law = laws.batch_sharpness_limit(
    ...     symbol("learning_rate"), symbol("momentum"), symbol("curvature")
    ... )
    >>> (limit - law).simplify()
    0
    """
    return curvature + 1 / (curvature * query_variance(method, curvature))


def _symbolic(kind: Any, learning_rate: Any, momentum: Any, curvature_variance: Any) -> Any:
    import sympy

    kind = kind_name(kind)
    own = momentum if kind != "gradient-descent" else 0
    if kind in {"heavy-ball", "gradient-descent"}:
        if curvature_variance == 0:
            return sympy.factor(regions.heavy_ball_step_limit(own) / learning_rate)
        return laws.mean_square_sharpness_limit(learning_rate, own, curvature_variance)
    if kind == "nesterov" and curvature_variance == 0:
        return sympy.factor(regions.nesterov_step_limit(own) / learning_rate)
    raise NotTraceableError(
        f"The limit of {kind} has no closed form here; give numbers, or solve "
        "curvature_variance * query_variance(method, curvature) = 1."
    )


def _limit(kind: Any, learning_rate: float, momentum: float, variance: float) -> float:
    """The highest root of the excess in mean square, below the limit in the mean."""
    from scipy.optimize import brentq

    # In the mean learning rate times curvature alone counts.
    largest = mini_batch_limit(kind, momentum=momentum, curvature=1.0, curvature_variance=0.0)
    edge = largest / learning_rate
    if variance == 0:
        return float(edge)
    build = method_kinds()[kind] if isinstance(kind, str) else kind
    method = build(learning_rate=learning_rate, momentum=momentum)

    def excess(curvature: float) -> float:
        return mean_square_excess(method, curvature, variance)

    tried = edge * np.linspace(0, 1, _POINTS + 2)[1:-1]
    values = np.array([excess(curvature) for curvature in tried])
    lowest = int(values.argmin())
    values, tried = _finer(excess, tried, values, lowest)
    stable = np.flatnonzero(values < 0)
    if not stable.size:
        raise DomainError(
            f"No curvature is stable in mean square at learning_rate {learning_rate:g} and "
            f"momentum {momentum:g} with curvature_variance {variance:g}; lower the learning rate, "
            "or take larger batches."
        )
    last = int(stable[-1])
    above = edge if last + 1 == len(tried) else float(tried[last + 1])
    return float(brentq(excess, float(tried[last]), above, xtol=1e-15 * edge, rtol=1e-14))


def _finer(excess: Any, tried: Any, values: Any, lowest: int) -> tuple[Any, Any]:
    """With the minimum between the neighbors of the lowest value, if none is stable yet."""
    from scipy.optimize import minimize_scalar

    if (values < 0).any():
        return values, tried
    ends = tried[[max(lowest - 1, 0), min(lowest + 1, len(tried) - 1)]]
    found = minimize_scalar(excess, bounds=tuple(ends), method="bounded", options={"xatol": 1e-12})
    place = int(np.searchsorted(tried, found.x))
    return np.insert(values, place, found.fun), np.insert(tried, place, found.x)


_POINTS = 64
"""Of curvatures that are tried below the limit in the mean."""
