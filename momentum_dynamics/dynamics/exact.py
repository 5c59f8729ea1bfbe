"""Methods and delays with exact numbers in their fields, and the way back."""

from __future__ import annotations

import dataclasses
import numbers
from fractions import Fraction
from typing import Any

import numpy as np

from momentum_dynamics.delays import EmpiricalDelay
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import LinearMethod, state_space
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["Exactly"]


class Exactly:
    """Puts fractions for numbers and dummy symbols for batches, so that what cancels cancels.

    A float is taken as the decimal that it is printed as.
    """

    def __init__(self) -> None:
        self._arrays: dict[Any, Any] = {}

    def __call__(self, owner: Any) -> Any:
        """The same method, delay or schedule with exact fields."""
        if not hasattr(owner, "__dataclass_fields__"):
            if not hasattr(owner, "update"):
                return owner
            system = state_space(owner)
            return self(LinearMethod(A=system.A, B=system.B, C=system.C, E=system.E))
        if isinstance(owner, EmpiricalDelay):
            return EmpiricalDelay(probabilities=tuple(map(_fraction, owner.chances)))
        changed = {
            field.name: self._field(owner, field.name, getattr(owner, field.name))
            for field in dataclasses.fields(owner)
        }
        found: Any = dataclasses.replace(owner, **changed)
        return found

    def _field(self, owner: Any, name: str, value: Any) -> Any:
        import sympy

        if value is None or isinstance(value, bool) or is_symbolic(value):
            return value
        if hasattr(value, "generating_function"):
            return self(value)
        if isinstance(value, tuple) and all(hasattr(entry, "update") for entry in value):
            return tuple(self(entry) for entry in value)
        if isinstance(value, tuple) and all(isinstance(entry, numbers.Real) for entry in value):
            return tuple(_fraction(entry) for entry in value)
        if isinstance(owner, LinearMethod):
            return sympy.ImmutableMatrix(np.asarray(value)).applyfunc(sympy.Rational)
        if np.ndim(value) == 0 and not (name == "learning_rate" and value == 0):
            return _fraction(value)
        # A learning rate of 0 would cancel the whole loop, and with it the poles asked for.
        dummy = sympy.Dummy(name, real=True)
        self._arrays[dummy] = np.asarray(value)
        return dummy

    def back(self, value: Any, *, symbolic: bool) -> Scalar:
        """An exact value as array, float or, if symbols went in, simplified expression.

        Raises
        ------
        DomainError
            If a learning rate of 0 makes it infinite.
        """
        import sympy

        scalars = {dummy: 0 for dummy, entry in self._arrays.items() if entry.ndim == 0}
        value = sympy.sympify(value).subs(scalars)
        if value.has(sympy.zoo, sympy.nan):
            raise DomainError("A learning rate of 0 stands where the result divides by it.")
        if value.free_symbols & set(self._arrays):
            found = sympy.lambdify(list(self._arrays), value)(*self._arrays.values())
            return np.asarray(found, dtype=float)
        return sympy.factor(value) if symbolic else float(value)


def _fraction(value: Any) -> Any:
    import sympy

    exact = value if isinstance(value, numbers.Rational) else repr(float(value))
    return sympy.Rational(Fraction(exact))
