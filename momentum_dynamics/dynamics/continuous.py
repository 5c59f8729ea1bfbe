"""From steps to time: what a loop becomes when its step is small."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import Method
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["exponents", "time_limit"]


def time_limit(method: Method, curvature: Scalar, tick: Any, *, terms: int = 2) -> list[Any]:
    """The characteristic polynomial in continuous time, term by term in the tick of the clock.

    A step is a tick of time, so an exponent λ of the continuous motion is z = e^{λ·tick}. The
    loop's polynomial is expanded in the tick; the first term that is left is the limiting equation,
    as the polynomial of its exponents, and the next ones are what a finite step changes.

    Parameters
    ----------
    method : Method
        With one gradient a step, and fields that are expressions in `tick`.
    curvature : scalar
        h; a number or symbol.
    tick : sympy.Symbol
        d: for heavy ball the square root of the learning rate.
    terms : int
        How many terms to keep.

    Returns
    -------
    list of sympy.Expr
        Polynomials in the symbol ``lambda``, the coefficients of tick⁰, tick¹, …

    Raises
    ------
    NotTraceableError
        If the tick is no symbol, or the fields do not hold it.
    DomainError
        If nothing is left in the limit.

    Examples
    --------
    >>> import sympy
    >>> from momentum_dynamics import HeavyBall, symbol
    >>> d, a = sympy.symbols("d a", positive=True)
    >>> time_limit(HeavyBall(learning_rate=d**2, momentum=1 - a * d), symbol("curvature"), d)[0]
    a*lambda + h + lambda**2
    """
    import sympy

    if not isinstance(tick, sympy.Symbol):
        raise NotTraceableError(f"The tick is {tick!r}, but must be a SymPy symbol.")
    found = characteristic_polynomial(method, curvature)
    if not is_symbolic(found) or tick not in found.as_expr().free_symbols:
        raise NotTraceableError(f"No field of {type(method).__name__} depends on {tick}.")
    z, rate = found.gens[0], sympy.Symbol("lambda")
    moved = found.as_expr().subs(z, sympy.exp(rate * tick))
    # Two slots lose two powers of the tick; a margin for methods that lose more.
    series = sympy.series(moved, tick, 0, terms + found.degree() + 1).removeO()
    coefficients = sympy.Poly(sympy.expand(series), tick).all_coeffs()[::-1]
    first = next((k for k, entry in enumerate(coefficients) if sympy.simplify(entry) != 0), None)
    if first is None:
        raise DomainError("Nothing is left in the limit of a small tick.")
    kept = coefficients[first : first + terms]
    return [sympy.expand(sympy.simplify(entry)) for entry in kept]


def exponents(polynomials: list[Any], tick: Any) -> list[tuple[Any, Any]]:
    """The exponents of a `time_limit`: their values at tick 0, and their slopes in it.

    Parameters
    ----------
    polynomials : list of sympy.Expr
        At least two terms.
    tick : sympy.Symbol

    Returns
    -------
    list of (sympy.Expr, sympy.Expr)
    """
    import sympy

    rate = sympy.Symbol("lambda")
    leading, correction = polynomials[:2]
    slope = sympy.diff(leading, rate)
    return [
        (root, sympy.simplify((-correction / slope).subs(rate, root)))
        for root in sympy.roots(sympy.Poly(leading, rate))
        if root.free_symbols is not None and tick not in root.free_symbols
    ]
