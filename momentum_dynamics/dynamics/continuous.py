"""From steps to time: what a loop becomes when its step is small."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import Method
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["equation_of_motion", "exponents", "time_limit"]


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

    Raises
    ------
    DomainError
        At critical friction, where two exponents are equal.
    """
    import sympy

    rate = sympy.Symbol("lambda")
    leading, correction = polynomials[:2]
    slope = sympy.diff(leading, rate)
    roots = sympy.roots(sympy.Poly(leading, rate))
    if any(count > 1 for count in roots.values()):
        raise DomainError(
            f"Two exponents of {leading} are equal and part like the root of {tick}, so they have "
            "no slope; ask for equation_of_motion."
        )
    return [(root, sympy.simplify((-correction / slope).subs(rate, root))) for root in roots]


def equation_of_motion(method: Method, curvature: Scalar, tick: Any, *, order: int = 1) -> Any:
    """The differential equation that moves like a method with small steps, to an order in the tick.

    Of order 0 it is the limit, the equation of low resolution; of order 1 the one of high
    resolution. It has as many derivatives as roots tend to 1 with the tick; roots that do not, die
    out at once and are left out.

    Parameters
    ----------
    method, curvature, tick
        As in `time_limit`.
    order : int
        The highest power of the tick that is kept.

    Returns
    -------
    sympy.Poly
        In the symbol ``lambda``, monic: λ² + 2√μ λ + h stands for x″ + 2√μ x′ + hx = 0. Its
        exponents are the method's up to O(tickᵒʳᵈᵉʳ⁺¹).

    Raises
    ------
    NotTraceableError
        As `time_limit`.
    DomainError
        If the order is no whole number from 0, or nothing moves at the pace of this tick.

    Notes
    -----
    By Weierstrass' preparation: the expanded polynomial is a unit times a monic polynomial of the
    degree of the first term, found term by term by division with remainder. It is unique.

    References
    ----------
    [shi2022]_

    Examples
    --------
    >>> import sympy
    >>> from momentum_dynamics import Nesterov, symbol
    >>> d, a = sympy.symbols("d a", positive=True)
    >>> method = Nesterov(learning_rate=d**2, momentum=1 - a * d)
    >>> equation_of_motion(method, symbol("curvature"), d, order=0).as_expr()
    a*lambda + h + lambda**2
    """
    import sympy

    if order != int(order) or order < 0:
        raise DomainError(f"order is {order}, but must be a whole number from 0.")
    rate = sympy.Symbol("lambda")
    terms = [
        sympy.Poly(term, rate, field=True)
        for term in time_limit(method, curvature, tick, terms=int(order) + 1)
    ]
    nothing = sympy.Poly(0, rate, field=True)
    terms += [nothing] * (int(order) + 1 - len(terms))
    if terms[0].degree() < 1:
        raise DomainError(
            f"Nothing moves at the pace of this tick: the limit of {type(method).__name__} is "
            f"{terms[0].as_expr()} = 0; let a tick be the root of the learning rate, or momentum "
            "stay away from 1."
        )
    leading = sympy.Poly(terms[0].LC(), rate, field=True)
    units, parts = [leading], [terms[0].monic()]
    for term in terms[1:]:
        known = sum((u * p for u, p in zip(units[1:], parts[:0:-1], strict=True)), nothing)
        unit, rest = sympy.div(term - known, parts[0])
        units.append(unit)
        parts.append(rest.quo(leading))
    whole = sum((part.as_expr() * tick**k for k, part in enumerate(parts)), sympy.Integer(0))
    found = [sympy.simplify(entry) for entry in sympy.Poly(whole, rate).all_coeffs()]
    return sympy.Poly.from_list(found, rate)
