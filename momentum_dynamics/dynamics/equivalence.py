"""Staleness is momentum: the method that a stale method is in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics.delayed import behind
from momentum_dynamics.dynamics.exact import Exactly
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.dynamics.polynomials import evaluate
from momentum_dynamics.errors import NotTraceableError
from momentum_dynamics.methods import (
    HeavyBall,
    LinearMethod,
    Method,
    StateSpace,
    ThreeParameter,
    state_space,
)
from momentum_dynamics.notation import Scalar

__all__ = ["equivalent_momentum"]


def equivalent_momentum(method: Method, delay: Delay) -> HeavyBall | ThreeParameter | LinearMethod:
    """The method without delay whose path is the mean path of this one behind an independent delay.

    On a quadratic, that is: where the gradient is linear, its mean is the gradient at the mean.

    The mean of a stale loop is the loop of the mean: q(1/z) multiplies the transfer function. What
    cancels, cancels exactly (numbers are taken as the exact fractions they are).

    Parameters
    ----------
    method : Method
        Numbers, batches or symbols in its fields.
    delay : Delay
        A law of staleness with a rational generating function.

    Returns
    -------
    HeavyBall
        Where the product is heavy ball's transfer function: gradient descent with geometric
        staleness is heavy ball with momentum 1 − 1/M and learning rate α/M.
    ThreeParameter
        Where it has two slots and one pole at 1 but heavy ball's zero is not at 0.
    LinearMethod
        Otherwise.

    Raises
    ------
    NotTraceableError
        If one period of the method takes several gradients, the delay's generating function is not
        rational, or symbols and batches of numbers are mixed.

    Notes
    -----
    Equal transfer functions give one recursion, and equal paths from equal starts. Nothing is said
    about second moments.

    A stale method begins with all of its history at the start, so its first step is a full one,
    −α∇f(w₀): a heavy ball that stands for it starts with that velocity,
    ``start=(w0, w0 + alpha * gradient)`` in `simulate`. A `LinearMethod` carries its start along;
    its outputs are the stale method's in the mean, its queries the stale ones.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, GeometricDelay, symbol
    >>> twin = equivalent_momentum(GradientDescent(learning_rate=0.5), GeometricDelay(workers=4))
    >>> twin.learning_rate, twin.momentum
    (0.125, 0.75)
    >>> M = symbol("workers")
    >>> twin = equivalent_momentum(
    ...     GradientDescent(learning_rate=symbol("learning_rate")), GeometricDelay(workers=M)
    ... )
    >>> twin.learning_rate, twin.momentum
    (alpha/M, (M - 1)/M)
    """
    import sympy

    series = state_space(behind(method, delay))
    if isinstance(method, LinearMethod) and np.ndim(series.transition[0][0]) > 0:
        return _linear(series)
    exactly = Exactly()
    exact_method, exact_delay = exactly(method), exactly(delay)
    z = sympy.Symbol("z")
    loop = sympy.sympify(transfer_function(exact_method))
    if isinstance(loop, sympy.MatrixBase):
        raise NotTraceableError(
            f"One period of {type(method).__name__} takes {loop.rows} gradients, so no method with "
            "one gradient a step is its equivalent."
        )
    gain = sympy.cancel(loop * _filter(exact_delay, z))
    above, below = (sympy.Poly(part, z) for part in sympy.fraction(sympy.together(gain)))
    leading = below.LC()
    top = [sympy.simplify(entry / leading) for entry in above.all_coeffs()]
    bottom = [sympy.simplify(entry / leading) for entry in below.all_coeffs()]

    def settle(value: Any) -> Scalar:
        return exactly.back(value, symbolic=series.is_symbolic)

    if sympy.simplify(sum(bottom)) == 0 and len(bottom) <= 3:
        lead, lag = (top[0], 0) if len(bottom) == 2 else (*(0,) * (2 - len(top)), *top)
        momentum = bottom[2] if len(bottom) == 3 else sympy.Integer(0)
        learning_rate = sympy.simplify(-lead - lag)
        if lag == 0:
            return HeavyBall(learning_rate=settle(-lead), momentum=settle(momentum))
        if learning_rate != 0:
            return ThreeParameter(
                learning_rate=settle(learning_rate),
                momentum=settle(momentum),
                lookahead=settle(lag / learning_rate),
            )
    return _linear(series)


def _linear(system: StateSpace) -> LinearMethod:
    return LinearMethod(A=system.A, B=system.B, C=system.C, E=system.E)


def _filter(delay: Delay, z: Any) -> Any:
    """q(1/z) as a rational function."""
    above, below = delay.rational()
    return evaluate(above, z) / evaluate(below, z)
