"""Residual polynomials: what some steps leave of a distance, as a polynomial in curvature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import answer_before, require_method, stage_of
from momentum_dynamics.notation import GLOSSARY, Scalar, symbol

__all__ = ["ResidualPolynomial", "answers", "residual_polynomial"]


def answers(method: Method, curvature: Scalar, steps: int) -> Iterator[Scalar]:
    """The answers on one curvature, from rest at 1, before the first step and after each."""
    state = stage_of(method, 0).initial_state(1)
    for step in range(steps + 1):
        yield answer_before(method, step, state)
        stage = stage_of(method, step)
        state = stage.update(state, curvature * stage.query(state))


@dataclass(frozen=True, kw_only=True, eq=False)
class ResidualPolynomial:
    """Pₙ(h), by which n steps from rest multiply the distance along a direction of curvature h.

    Call it with curvatures: the method itself is run, so that large degrees lose nothing to
    coefficients of alternating signs.

    Attributes
    ----------
    method : Method
    steps : int
    """

    method: Method
    steps: int

    def __call__(self, curvature: Scalar) -> NDArray[Any]:
        """The value at curvatures; batch axes of the method broadcast with theirs."""
        values = np.asarray(curvature, dtype=float)
        *_, last = answers(self.method, values, self.steps)
        return np.asarray(last + 0 * values)

    @property
    def coefficients(self) -> list[Any]:
        """From h⁰ on: fractions if the method's numbers are, else floats, which grow and cancel."""
        *_, last = answers(self.method, Polynomial(np.array([0, 1], dtype=object)), self.steps)
        return list(last.coef) if isinstance(last, Polynomial) else [last]


def residual_polynomial(method: Method, steps: int) -> Any:
    """What n steps from rest leave of the distance, as a polynomial in the curvature.

    Parameters
    ----------
    method : Method
        Any method, with numbers or symbols; each step is one stage.
    steps : int
        n ≥ 0, the number of gradients.

    Returns
    -------
    ResidualPolynomial or sympy.Poly
        With symbols a polynomial in ``symbol("curvature")``; with numbers a callable that knows
        its coefficients.

    Raises
    ------
    DomainError
        If the number of steps is negative or the object is no method.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, HeavyBall
    >>> ball = HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    >>> residual_polynomial(ball, 2).as_expr()
    alpha**2*h**2 + h*(-alpha*beta - 2*alpha) + 1
    >>> residual_polynomial(GradientDescent(learning_rate=0.5), 3)([0.0, 1.0, 2.0])
    array([1.   , 0.125, 0.   ])
    """
    require_method(method)
    GLOSSARY["steps"].check(steps)
    if not state_space(method, step=0).is_symbolic:
        return ResidualPolynomial(method=method, steps=int(steps))
    import sympy

    h = symbol("curvature")
    *_, last = answers(method, h, int(steps))
    return sympy.Poly(sympy.expand(last), h)
