"""How large a step may be when gradients are stale: limits of the mean and of second moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay, NoDelay
from momentum_dynamics.dynamics.asynchrony.spread import stale_loop
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import LinearMethod
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["delay_stability_limit", "mean_square_limit"]

Array = NDArray[Any]


def delay_stability_limit(method: Method, delay: Delay | None = None) -> Any:
    """The end of the first interval of αh on which a stale method is stable in the mean.

    On the edge of stability a pole z = exp(iθ) lies on the circle, where 1 = h q(1/z) G(z). So h is
    one over a real positive value of q(1/z) G(z), and the first to come is that of the largest.

    Parameters
    ----------
    method : Method
        With numbers and one gradient a step; batch axes are answered setting by setting.
    delay : Delay, optional
        Any law, with a rational generating function or without; none by default.

    Returns
    -------
    array ``(*batch,)``
        The largest curvature times the method's learning rate (times 1, if it has none); infinite
        if no curvature is too large, and 0 if there is no stable one next to 0.

    Raises
    ------
    NotTraceableError
        With symbols: `is_stable` and the laws answer those.
    DomainError
        If one period takes several gradients.

    Notes
    -----
    The limits that have closed forms are laws: `fixed_delay_step_limit`, `uniform_delay_step_limit`
    and `geometric_delay_step_limit`.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, GeometricDelay, GradientDescent
    >>> descent = GradientDescent(learning_rate=1.0)
    >>> round(float(delay_stability_limit(descent, FixedDelay(staleness=15))), 6)
    0.101298
    >>> round(float(delay_stability_limit(descent, GeometricDelay(workers=16))), 6)
    62.0
    """
    law = NoDelay() if delay is None else delay
    _require_law(law)
    if state_space(method).is_symbolic or is_symbolic(law.mean):
        raise NotTraceableError(
            "Limits in the mean are answered for numbers only; ask the laws, or is_stable."
        )
    return _each(method, law, lambda one, here: 1 / _largest_crossing(one, here))


def mean_square_limit(
    method: Method, *, workers: Scalar | None = None, delay: Delay | None = None
) -> Any:
    """The end of the first interval of αh on which a stale method is stable in mean square.

    Parameters
    ----------
    method : Method
        Linear, with one gradient a step; batch axes are answered setting by setting. With a symbol
        for the learning rate the answer is a closed form, where there is one.
    workers : scalar, optional
        M ≥ 1 memoryless workers in a queue.
    delay : Delay, optional
        Independent staleness of a rational law; one of the two must be given.

    Returns
    -------
    array ``(*batch,)`` or sympy.Expr
        The largest curvature times the method's learning rate (times 1, if it has none); 0 if no
        curvature next to 0 is stable.

    Raises
    ------
    DomainError
        Unless exactly one of `workers` and `delay` is given and admissible.
    NotTraceableError
        With symbols, where the limit is no root of a quadratic polynomial.

    Notes
    -----
    It is where the share γ of its own spread that the spread of reads begets reaches 1: the map of
    second moments keeps a cone, so that its spectral radius is an eigenvalue, and where the mean is
    stable 1 is one exactly if γ = 1; see `queue_moments` and `stale_moments`.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, symbol
    >>> round(float(mean_square_limit(GradientDescent(learning_rate=1.0), workers=4)), 4)
    0.8431
    >>> descent = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> mean_square_limit(descent, workers=symbol("workers"))
    (sqrt(8*M + 1) + 1)/(2*M)
    """
    in_queue = workers is not None
    if workers is not None:
        GLOSSARY["workers"].check(workers)
    law = delay if workers is None else GeometricDelay(workers=workers)
    if law is None or (in_queue and delay is not None):
        raise DomainError(
            "mean_square_limit takes either workers, for a queue, or delay, for independent "
            "staleness; give exactly one of them."
        )
    _require_law(law)
    if state_space(method).is_symbolic or is_symbolic(law.mean):
        return _symbolic_limit(method, law, in_queue=in_queue)
    return _each(method, law, lambda one, here: _first_failure(one, here, in_queue=in_queue))


def _require_law(delay: Any) -> None:
    if not hasattr(delay, "generating_function") or isinstance(delay, type):
        raise DomainError(
            f"delay is {delay!r}, but must be a law of staleness, such as FixedDelay(staleness=15)."
        )


def _each(method: Method, delay: Delay, answer: Callable[[Method, Delay], float]) -> Any:
    """The learning rate times the answer for each setting, as a method without batch axes."""
    system = state_space(method)
    if system.gradients > 1:
        raise DomainError(
            f"One period of {type(method).__name__} takes {system.gradients} gradients, while "
            "staleness counts single ones; limits are answered for one gradient a step."
        )
    workers = getattr(delay, "workers", 1.0)
    parts = {"A": system.A, "B": system.B, "C": system.C, "E": system.E}
    batch = np.broadcast_shapes(np.shape(workers), *(part.shape[:-2] for part in parts.values()))
    counts = np.broadcast_to(np.asarray(workers, dtype=float), batch)
    found = np.empty(batch)
    for index in np.ndindex(batch):
        own = {
            name: np.broadcast_to(part, (*batch, *part.shape[-2:]))[index]
            for name, part in parts.items()
        }
        here = GeometricDelay(workers=float(counts[index])) if np.ndim(workers) else delay
        found[index] = answer(LinearMethod(**own, start=(1.0,) * system.slots), here)
    return np.asarray(getattr(method, "learning_rate", 1.0), dtype=float) * found


def _is_stable_near_zero(method: Method) -> bool:
    """Whether the open loop has no pole on or outside the circle but one at 1 that h moves in."""
    loop = transfer_function(method)
    poles = np.roots(np.array(loop.denominator, dtype=float))
    nearest = np.argmin(np.abs(poles - 1))
    others = np.abs(np.delete(poles, nearest))
    if abs(poles[nearest] - 1) > _SAME:
        return bool((np.abs(poles) < 1).all())
    slope = np.polyval(loop.numerator, 1.0) / np.polyval(np.polyder(loop.denominator), 1.0)
    return bool((others < 1 - _SAME).all() and slope < 0)


def _largest_crossing(method: Method, delay: Delay) -> float:
    """The largest positive value of q(1/z) G(z) on the circle; infinite if no h is stable."""
    if not _is_stable_near_zero(method):
        return np.inf
    loop = transfer_function(method)

    def value(angle: Array) -> Array:
        z = np.exp(1j * angle)
        return np.asarray(delay.generating_function(1 / z) * loop(z))

    mean = float(delay.mean)
    count = int(_FINE * (1 + mean))
    grid = np.union1d(
        np.geomspace(_FIRST / (1 + mean), np.pi, _FINE), np.linspace(0, np.pi, count + 1)[1:]
    )
    values = value(grid)
    at_end = float(values[-1].real)
    turns = np.nonzero(values.imag[:-1] * values.imag[1:] < 0)[0]
    low, high, left = grid[turns], grid[turns + 1], values.imag[turns]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = value(middle).imag * left > 0
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    crossings = value((low + high) / 2).real if len(turns) else np.array([])
    largest = max(at_end, float(crossings.max(initial=0.0)))
    return largest if largest > 0 else 0.0


_FINE, _FIRST, _HALVINGS, _SAME = 400, 1e-3, 60, 1e-9
"""Angles for each turn of a delay, the first of them, halvings, and when a pole is at 1."""


def _first_failure(method: Method, delay: Delay, *, in_queue: bool) -> float:
    """The smallest h at which the spread of reads begets itself; at most the limit of the mean."""
    largest = _largest_crossing(method, delay)
    if not np.isfinite(largest):
        return 0.0
    highest = 1 / largest if largest > 0 else _HIGHEST

    def margin(curvature: Any) -> Any:
        loop = stale_loop(method, curvature, delay, in_queue=in_queue)
        return np.ones_like(curvature) if loop.is_certain else 1 - loop.shares[3]

    grid = highest * np.union1d(
        np.geomspace(_SMALLEST, 1, _FINE + 1)[:-1], np.linspace(0, 1, _FINE + 1)[1:-1]
    )
    margins = margin(grid)
    fails = np.nonzero(~(margins > 0))[0]
    if len(fails) == 0:
        return float(highest)
    if fails[0] == 0:
        return 0.0
    from scipy.optimize import brentq

    low, high = grid[fails[0] - 1], grid[fails[0]]
    return float(brentq(lambda h: float(margin(np.float64(h))), low, high, xtol=1e-300, rtol=1e-13))


_SMALLEST, _HIGHEST = 1e-7, 1e6
"""The smallest curvature tried against the largest, and the largest where the mean has no limit."""


def _symbolic_limit(method: Method, delay: Delay, *, in_queue: bool) -> Any:
    """The positive root of 1 = γ in the learning rate, where that is quadratic."""
    import sympy

    alpha = sympy.sympify(getattr(method, "learning_rate", None))
    if not isinstance(alpha, sympy.Symbol):
        raise NotTraceableError(
            "A limit in symbols needs a symbol for the learning rate; or give numbers for all."
        )
    again = stale_loop(method, 1, delay, in_queue=in_queue).shares[3]
    above, _ = sympy.fraction(sympy.cancel(1 - again))
    factors = [
        factor for factor, _ in sympy.factor_list(above)[1] if factor.has(alpha) and factor != alpha
    ]
    if len(factors) != 1 or sympy.degree(factors[0], alpha) > 2:
        raise NotTraceableError(
            "The limit in mean square is no root of a quadratic polynomial in the learning rate; "
            "give numbers."
        )
    second, first, constant = (
        sympy.Poly(factors[0], alpha).coeff_monomial(alpha**k) for k in (2, 1, 0)
    )
    if second == 0:
        return sympy.factor(-constant / first)
    inside = sympy.factor(first**2 - 4 * second * constant)
    return sympy.factor((sympy.sqrt(inside) - first) / (2 * second))
