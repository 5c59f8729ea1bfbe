"""Which loss a method really descends: backward error analysis on a quadratic."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import require_counts
from momentum_dynamics.methods import Method
from momentum_dynamics.notation import symbol

__all__ = ["modified_loss"]


def modified_loss(method: Method, *, order: int = 2) -> tuple[Any, ...]:
    """The coefficients of −log z = c₁h + c₂h² + …, z the slow pole on curvature h.

    One step moves the slow direction as the gradient flow of (c₁h + c₂h² + …)x²/2 does in time 1.
    Now hx²/2 is the loss E and h²x²/2 half of |∇E|²: the method descends c₁E + c₂|∇E|²/2 + …, and
    c₂ is its implicit regularization.

    Parameters
    ----------
    method : Method
        With settled coefficients; numbers or symbols.
    order : int
        How many coefficients, from 1 on.

    Returns
    -------
    tuple of sympy.Expr
        c₁, c₂, …, each holding the power of the learning rate that belongs to it.

    Raises
    ------
    DomainError
        If the order is below 1, or the method does not have exactly one slow pole: 1 must be a
        simple root on curvature 0, as for every method that descends.

    References
    ----------
    [ghosh2023]_

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> ball = HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    >>> first, second = modified_loss(ball)
    >>> first, second
    (-alpha/(beta - 1), -alpha**2*(beta + 1)/(2*(beta - 1)**3))
    """
    import sympy

    require_counts(order=order)
    order = int(order)
    h, z = symbol("curvature"), sympy.Symbol("z")
    polynomial = characteristic_polynomial(method, h)
    loop = sympy.nsimplify(polynomial.as_expr().subs(polynomial.gen, z), rational=True)
    if sympy.simplify(loop.subs({h: 0, z: 1})) != 0:
        raise DomainError(
            f"{type(method).__name__} has no slow pole: on curvature 0 it does not keep its point."
        )
    slope = sympy.simplify(loop.diff(z).subs({h: 0, z: 1}))
    if slope == 0:
        raise DomainError(
            f"{type(method).__name__} has several slow poles on curvature 0, so no single loss is "
            "descended; lower the momentum below 1."
        )
    pole = sympy.Integer(1)
    for power in range(1, order + 1):
        # The next coefficient enters linearly, with the slope at z = 1.
        rest = sympy.expand(loop.subs(z, pole)).coeff(h, power)
        pole += sympy.factor(-rest / slope) * h**power
    exact = -sympy.log(pole).series(h, 0, order + 1).removeO()
    return tuple(sympy.factor(sympy.expand(exact).coeff(h, power)) for power in range(1, order + 1))
