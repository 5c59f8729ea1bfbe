"""One text for floats, arrays, exact fractions, intervals and symbols.

A law calls these functions in place of NumPy's; what they do depends on what they are given. The
same text of a formula is then a fast array program (of NumPy, or of the library that the arrays
belong to), an exact rational, a rigorous enclosure and, through `expression`, the SymPy expression
that proofs and captions are made from.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from momentum_dynamics.notation import Scalar, symbol

if TYPE_CHECKING:
    import sympy

__all__ = [
    "absolute",
    "chebyshev_first",
    "chebyshev_second",
    "complex_sqrt",
    "cos",
    "cube_root",
    "erf",
    "euler_gamma",
    "exp",
    "expression",
    "for_floats",
    "half_turns",
    "harmonic",
    "hyp0f1",
    "log",
    "maximum",
    "minimum",
    "sin",
    "sqrt",
    "where",
]


def _world(*values: Any) -> str:
    """Which reading the values ask for: symbolic, interval, exact or numeric."""
    sympy_module = sys.modules.get("sympy")
    if sympy_module is not None:
        symbolic = (sympy_module.Basic, sympy_module.logic.boolalg.Boolean)
        if any(isinstance(value, symbolic) for value in values):
            return "symbolic"
    mpmath_module = sys.modules.get("mpmath")
    if mpmath_module is not None:
        if any(isinstance(value, mpmath_module.ctx_iv.ivmpf) for value in values):
            return "interval"
        if any(isinstance(value, mpmath_module.mpf | mpmath_module.mpc) for value in values):
            return "multiprecision"
    if any(isinstance(value, Fraction) for value in values):
        return "exact"
    return "numeric"


def _namespace(*values: Any) -> Any:
    """NumPy, or the library whose arrays are among the values; traced numbers know theirs too."""
    for value in values:
        if hasattr(value, "__array_namespace__") and not isinstance(value, np.ndarray | np.generic):
            return value.__array_namespace__()
    return np


def _apply(name: str, value: Scalar) -> Scalar:
    if type(value) is float:
        return float(getattr(np, name)(value))
    world = _world(value)
    if world == "symbolic":
        import sympy

        return getattr(sympy, name)(value)
    if world == "interval":
        return getattr(sys.modules["mpmath"].iv, name)(value)
    if world == "multiprecision":
        return getattr(sys.modules["mpmath"], name)(value)
    if world == "exact" or type(value) in {int, float}:
        return float(getattr(np, name)(float(value)))
    return getattr(_namespace(value), name)(value)


def sqrt(value: Scalar) -> Scalar:
    """The square root; of a fraction exact where the root is a fraction.

    Examples
    --------
    >>> sqrt(Fraction(9, 4))
    Fraction(3, 2)
    """
    if type(value) is float and value >= 0:
        return math.sqrt(value)  # the same bits as NumPy's, and a tuner takes many at each step
    if isinstance(value, Fraction) and value >= 0:
        root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if root * root == value:
            return root
    return _apply("sqrt", value)


def complex_sqrt(value: Scalar) -> Scalar:
    """The principal square root, complex for negative numbers."""
    if _world(value) in {"symbolic", "interval", "multiprecision"}:
        return sqrt(value)
    return np.sqrt(np.asarray(value, dtype=complex))


def cube_root(value: Scalar) -> Scalar:
    """The real cube root of a number that is not negative."""
    if type(value) is float:
        return float(np.cbrt(value))
    world = _world(value)
    if world == "symbolic":
        import sympy

        return sympy.cbrt(value)
    if world in {"interval", "multiprecision"}:
        context = sys.modules["mpmath"].iv if world == "interval" else sys.modules["mpmath"]
        return context.exp(context.log(value) / 3)
    if world == "exact" or type(value) in {int, float}:
        return float(np.cbrt(float(value)))
    return _namespace(value).cbrt(value)


def cos(value: Scalar) -> Scalar:
    """The cosine of an angle in radians."""
    return _apply("cos", value)


def sin(value: Scalar) -> Scalar:
    """The sine of an angle in radians."""
    return _apply("sin", value)


def half_turns(value: Scalar) -> Scalar:
    """The angle of so many half turns in radians, π times the value.

    Examples
    --------
    >>> half_turns(0.5)
    1.5707963267948966
    """
    world = _world(value)
    if world == "symbolic":
        import sympy

        return sympy.pi * value
    if world in {"interval", "multiprecision"}:
        context = sys.modules["mpmath"].iv if world == "interval" else sys.modules["mpmath"]
        return context.pi * value
    return math.pi * (float(value) if world == "exact" else value)


def euler_gamma(value: Scalar) -> Scalar:
    """Euler's constant times the value, γ = 0.5772….

    Examples
    --------
    >>> euler_gamma(2.0)
    1.1544313298030657
    """
    world = _world(value)
    if world == "symbolic":
        import sympy

        return sympy.EulerGamma * value
    if world in {"interval", "multiprecision"}:
        context = sys.modules["mpmath"].iv if world == "interval" else sys.modules["mpmath"]
        return context.euler * value
    return float(np.euler_gamma) * (float(value) if world == "exact" else value)


def erf(value: Scalar) -> Scalar:
    """The chance that a standard normal number lies within √2 times the value. Intervals have none.

    Examples
    --------
    >>> round(erf(1 / 2**0.5), 4)
    0.6827
    """
    world = _world(value)
    if world in {"symbolic", "multiprecision"}:
        module = sys.modules["sympy" if world == "symbolic" else "mpmath"]
        return module.erf(value)
    if np.ndim(value) == 0:
        return math.erf(float(value))
    from scipy.special import erf

    return erf(value)


def exp(value: Scalar) -> Scalar:
    """The exponential function."""
    return _apply("exp", value)


def log(value: Scalar) -> Scalar:
    """The natural logarithm."""
    return _apply("log", value)


def harmonic(count: Scalar) -> Scalar:
    """The harmonic number 1 + 1/2 + … + 1/count; between whole numbers as the digamma function.

    Examples
    --------
    >>> from fractions import Fraction
    >>> harmonic(Fraction(4))
    Fraction(25, 12)
    """
    world = _world(count)
    if world == "symbolic":
        import sympy

        return sympy.harmonic(count)
    if world in {"exact", "interval"}:
        last = int(count) if world == "exact" else int(count.b)
        one = Fraction(1) if world == "exact" else sys.modules["mpmath"].iv.mpf(1)
        return sum((one / rank for rank in range(1, last + 1)), start=0 * one)
    if world == "multiprecision":
        return sys.modules["mpmath"].harmonic(count)
    from scipy.special import digamma

    found = digamma(np.asarray(count, dtype=float) + 1) + np.euler_gamma
    return float(found) if np.ndim(count) == 0 else found


def hyp0f1(parameter: Scalar, value: Scalar) -> Scalar:
    """The confluent hypergeometric limit function ₀F₁(; b; x): Bessel functions without a pole.

    J₁(w) = (w/2)·₀F₁(; 2; −w²/4). Intervals have none.
    """
    world = _world(parameter, value)
    if world == "symbolic":
        import sympy

        return sympy.hyper([], [parameter], value)
    if world == "multiprecision":
        return sys.modules["mpmath"].hyp0f1(parameter, value)
    from scipy.special import hyp0f1

    if world == "exact":
        parameter, value = float(parameter), float(value)
    return hyp0f1(parameter, value)


def chebyshev_first(degree: Scalar, value: Scalar) -> Scalar:
    """Chebyshev's polynomial of the first kind, Tₙ(cos φ) = cos nφ, for n ≥ 0."""
    return _chebyshev("chebyshevt", degree, value, 1)


def chebyshev_second(degree: Scalar, value: Scalar) -> Scalar:
    """Chebyshev's polynomial of the second kind, Uₙ(cos φ) = sin (n + 1)φ / sin φ, for n ≥ −1."""
    return _chebyshev("chebyshevu", degree, value, 2)


def _chebyshev(name: str, degree: Scalar, value: Scalar, slope: int) -> Scalar:
    world = _world(degree, value)
    if world == "symbolic":
        import sympy

        return getattr(sympy, name)(degree, value)
    if world == "numeric" and np.ndim(degree) > 0:
        each = np.vectorize(lambda n, x: _chebyshev(name, int(n), x, slope), otypes=[float])
        return each(degree, value)
    before, now = 0 * value + 1, slope * value
    if degree < 1:
        return before if degree == 0 else 0 * value
    for _ in range(int(degree) - 1):
        before, now = now, 2 * value * now - before
    return now


def absolute(value: Scalar) -> Scalar:
    """The modulus."""
    if type(value) is float or _world(value) != "numeric":
        return abs(value)
    return _namespace(value).abs(value)


def maximum(first: Scalar, second: Scalar) -> Scalar:
    """The larger of two real numbers, elementwise."""
    if type(first) is float and type(second) is float:
        return first if first > second or math.isnan(first) else second
    return _extreme("Max", max, "maximum", first, second)


def minimum(first: Scalar, second: Scalar) -> Scalar:
    """The smaller of two real numbers, elementwise."""
    if type(first) is float and type(second) is float:
        return first if first < second or math.isnan(first) else second
    return _extreme("Min", min, "minimum", first, second)


def _extreme(
    symbolic: str,
    exact: Callable[..., Any],
    numeric: str,
    first: Scalar,
    second: Scalar,
) -> Scalar:
    world = _world(first, second)
    if world == "symbolic":
        import sympy

        return getattr(sympy, symbolic)(first, second)
    if world == "interval":
        iv = sys.modules["mpmath"].iv
        left, right = iv.mpf(first), iv.mpf(second)
        return iv.mpf([exact(left.a, right.a), exact(left.b, right.b)])
    if world != "numeric":
        return exact(first, second)
    return getattr(_namespace(first, second), numeric)(first, second)


def where(condition: Any, yes: Scalar, no: Scalar) -> Scalar:
    """Choose elementwise; both sides are evaluated, so both must be defined everywhere."""
    if type(condition) is bool and type(yes) is float and type(no) is float:
        return yes if condition else no
    world = _world(condition, yes, no)
    if world == "symbolic":
        import sympy

        return sympy.Piecewise((yes, condition), (no, True))
    if world == "numeric":
        return _namespace(condition, yes, no).where(condition, yes, no)
    return yes if condition else no


def for_floats(text: Callable[..., Any]) -> Callable[..., Any]:
    """The same text for Python's floats alone, in two thirds of the time.

    What these functions do is decided once, here, and not at every call: the names of this module
    that the text uses, and those of the functions of this package that it calls by name, mean
    Python's own functions in the copy that is returned. Where its inputs are finite it agrees with
    the text to the last digits.

    Examples
    --------
    >>> def norm(first, second):
    ...     return sqrt(first * first + second * second)
    >>> for_floats(norm)(3.0, 4.0)
    5.0
    """
    meant = dict(text.__globals__)
    for name in text.__code__.co_names:
        value = meant.get(name)
        if not isinstance(value, FunctionType):
            continue
        if value.__module__ == __name__:
            meant[name] = _OF_FLOATS[value.__name__]
        elif value.__module__.startswith(__package__):
            meant[name] = for_floats(value)
    copy = FunctionType(text.__code__, meant, text.__name__, text.__defaults__, text.__closure__)
    copy.__kwdefaults__ = text.__kwdefaults__
    return copy


def _exp_of_float(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


_OF_FLOATS: dict[str, Callable[..., Any]] = {
    "absolute": abs,
    "cos": math.cos,
    "cube_root": math.cbrt,
    "exp": _exp_of_float,
    "log": lambda value: math.log(value) if value else -math.inf,
    # Faster than max and min, which take any number of arguments.
    "maximum": lambda first, second: second if second > first else first,  # noqa: FURB136
    "minimum": lambda first, second: second if second < first else first,  # noqa: FURB136
    "sin": math.sin,
    "sqrt": math.sqrt,
    "where": lambda condition, yes, no: yes if condition else no,
}


def expression(law: Callable[..., Any]) -> sympy.Expr:
    """The formula a law computes, read off by calling it on its glossary symbols.

    Parameters
    ----------
    law : callable
        A function of `momentum_dynamics.laws`; its parameters are names of the glossary.

    Returns
    -------
    sympy.Expr or sympy.Tuple
        A tuple where the law returns a named tuple.

    Raises
    ------
    UnknownNameError
        If a parameter of the law is not in the glossary.

    Examples
    --------
    >>> from momentum_dynamics.laws.spectrum import critical_momentum
    >>> expression(critical_momentum)
    (1 - sqrt(alpha*h))**2
    """
    import sympy

    return sympy.sympify(law(**{name: symbol(name) for name in inspect.signature(law).parameters}))
