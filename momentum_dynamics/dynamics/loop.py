"""Closing the loop: a method, a curvature, a delay, and the polynomial of their poles."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay, NoDelay
from momentum_dynamics.dynamics.delayed import Delayed
from momentum_dynamics.dynamics.polynomials import (
    Coefficients,
    add,
    evaluate,
    leverrier,
    multiply,
)
from momentum_dynamics.dynamics.rounds import game_operator
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import (
    Method,
)
from momentum_dynamics.methods.rows import Rows, as_rows, combine, settle, stack
from momentum_dynamics.notation import Scalar, is_symbolic
from momentum_dynamics.problems.games import is_game
from momentum_dynamics.problems.plays import Play

__all__ = [
    "TransferFunction",
    "affine_pair",
    "asks_for_round",
    "characteristic_polynomial",
    "gain",
    "loop_coefficients",
    "loop_equation",
    "trace_determinant",
    "transfer_function",
    "transition_matrix",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class TransferFunction:
    """A rational function from gradient to query, as coefficients, highest power first.

    Call it with a number or an array of points z; batch axes of the coefficients stand in front.
    """

    numerator: Coefficients
    denominator: Coefficients

    def __call__(self, z: Scalar) -> Scalar:
        """The value at z."""
        return evaluate(self.numerator, z) / evaluate(self.denominator, z)


def transfer_function(method: Method) -> Any:
    """From gradient to query: G(z) = C(zI − A)⁻¹B + D.

    Parameters
    ----------
    method : Method

    Returns
    -------
    sympy.Expr, sympy.Matrix or TransferFunction
        With symbols in the fields, an expression in the symbol ``z`` (a matrix where a period
        takes several gradients); with numbers, a callable that holds both polynomials.

    Raises
    ------
    NotTraceableError
        With numbers, where one period takes several gradients.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, symbol
    >>> alpha, beta = symbol("learning_rate"), symbol("momentum")
    >>> transfer_function(HeavyBall(learning_rate=alpha, momentum=beta))
    -alpha*z/((-beta + z)*(z - 1))
    """
    system = state_space(method)
    coefficients, entries = _open_loop(system)
    if system.is_symbolic:
        import sympy

        z = sympy.Symbol("z")
        below = evaluate(coefficients, z)
        found = sympy.Matrix(
            system.gradients,
            system.gradients,
            lambda i, k: sympy.factor(sympy.cancel(evaluate(entries[i][k], z) / below)),
        )
        return found[0, 0] if system.gradients == 1 else found
    if system.gradients > 1:
        raise NotTraceableError(
            f"One period of {type(method).__name__} takes {system.gradients} gradients, so its "
            "transfer function is a matrix; put symbols in its fields to have it as one."
        )
    return TransferFunction(numerator=entries[0][0], denominator=coefficients)


def _open_loop(system: StateSpace) -> tuple[Coefficients, list[list[Coefficients]]]:
    """The open loop's poles, and the numerators of C(zI − A)⁻¹B + D."""
    coefficients, resolvent = leverrier(system.transition)
    channels = range(system.gradients)
    columns = [[row[k] for row in system.injection] for k in channels]
    entries = []
    for i in channels:
        line = []
        for k in channels:
            strict = tuple(
                combine(system.observation[i], [combine(row, columns[k]) for row in numerator])
                for numerator in resolvent
            )
            direct = tuple(combine((system.feedthrough[i][k],), (c,)) for c in coefficients)
            line.append(add(direct, strict))
        entries.append(line)
    return coefficients, entries


def transition_matrix(method: Method, curvature: Scalar) -> Any:
    """The matrix that moves the state over one settled period, on one curvature.

    Parameters
    ----------
    method : Method
    curvature : scalar
        h; real, complex or symbolic, broadcast against the parameters.

    Returns
    -------
    array ``(*batch, slots, slots)`` or sympy.Matrix

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> transition_matrix(HeavyBall(learning_rate=0.5, momentum=0.25), 1.0)
    array([[ 0.75, -0.25],
           [ 1.  ,  0.  ]])
    """
    return stack(state_space(method).closed_rows(gain(curvature))[0])


def gain(curvature: Scalar, name: str = "curvature") -> Scalar:
    """A curvature that can be computed with: lists become arrays; what is no number is refused.

    Every question of a loop passes its curvature through here.

    Raises
    ------
    DomainError
        Unless all are finite numbers, real or complex, or one is a symbol.
    NotTraceableError
        If symbols stand in an array.
    """
    if is_symbolic(curvature):
        fine = getattr(curvature, "is_finite", None) is not False and str(curvature) != "nan"
    elif isinstance(curvature, numbers.Number) and not isinstance(curvature, np.generic):
        fine = bool(abs(curvature) < math.inf)  # type: ignore[arg-type]
    elif type(curvature).__module__.startswith("mpmath"):
        fine = True
    else:
        curvature, fine = _finite_array(curvature)
    if not fine:
        raise DomainError(
            f"{name} is {curvature!r}, but must be a finite number (real or complex), an array of "
            "them or a SymPy symbol."
        )
    return curvature


def _finite_array(value: Any) -> tuple[Any, bool]:
    """The value as an array of numbers, and whether it is one and finite."""
    try:
        array = np.asarray(value)
    except ValueError:
        return value, False
    if array.dtype == object:
        if any(is_symbolic(entry) for entry in array.flat):
            raise NotTraceableError(
                "An array of symbols is no batch that could be computed with; ask for one symbol "
                "at a time."
            )
        if not all(isinstance(entry, numbers.Number) for entry in array.flat):
            return value, False
        array = array.astype(complex if any(map(np.iscomplexobj, array.flat)) else float)
    return array, array.dtype.kind in "iufc" and bool(np.isfinite(array).all())


def asks_for_round(curvature: Any, delay: Delay | None, play: Any) -> bool:
    """Whether a question is about a round of a game, and not about one loop.

    Raises
    ------
    DomainError
        If an order of play is given for one player, or a delay for a game.
    """
    if not is_game(curvature):
        if play is not None:
            raise DomainError(
                "An order of play is for a game, but a curvature has one player; give a game such "
                "as BilinearGame(1.0), or leave the order out."
            )
        return False
    if delay is not None and not isinstance(delay, NoDelay):
        raise DomainError(
            "Staleness in a game is not modeled; leave the delay out, or ask on the complex "
            "curvatures game.spectrum() of play at once."
        )
    return True


def loop_coefficients(method: Method, curvature: Scalar, delay: Delay | None) -> Coefficients:
    """The coefficients of the closed loop's characteristic polynomial, highest power first."""
    curvature = gain(curvature)
    system = state_space(method)
    if delay is None or isinstance(delay, NoDelay):
        return leverrier(system.closed_rows(curvature)[0])[0]
    if system.gradients > 1:
        delayed = state_space(Delayed(method=method, delay=delay))
        return leverrier(delayed.closed_rows(curvature)[0])[0]
    above, below = delay.rational()
    system = system.beside(curvature, *above, *below)
    above, below = settle((above, below), curvature, *system.entries)
    poles, entries = _open_loop(system)
    return add(multiply(below, poles), multiply(above, entries[0][0]), -curvature)


def affine_pair(system: StateSpace) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Trace and determinant of a loop with one gradient and at most two slots, as affine functions.

    With open loop p(z) = z² − T₀z + D₀ and numerator c₁z + c₀, closing the loop on curvature h
    gives p − h(c₁z + c₀): trace T₀ + hT₁ with T₁ = c₁ and determinant D₀ + hD₁ with D₁ = −c₀.
    """
    poles, entries = _open_loop(system)
    lead, lag = (*entries[0][0][1:], 0)[:2]
    minus_trace, determinant = (*poles[1:], 0)[:2]
    return -minus_trace, lead, determinant, -lag


def trace_determinant(rows: Rows) -> tuple[Scalar, Scalar]:
    """Trace and determinant of a matrix of one or two rows; of one row the determinant is 0."""
    if len(rows) == 1:
        return rows[0][0], 0
    return rows[0][0] + rows[1][1], rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]


def characteristic_polynomial(
    method: Any, curvature: Any, delay: Delay | None = None, *, play: Play | str | None = None
) -> Any:
    """The polynomial whose roots are the eigenvalues of the loop over one settled period.

    Parameters
    ----------
    method : Method
        On a game one for all players, or one each.
    curvature : scalar or Game
        h; real, complex or symbolic; or a game, whose round is asked for.
    delay : Delay, optional
        The law of staleness in the loop.
    play : Play or {"alternating", "simultaneous"}, optional
        Of a game: who moves when; by default in turn.

    Returns
    -------
    array ``(*batch, degree + 1)`` or sympy.Poly
        Coefficients, highest power first, as `numpy.roots` takes them; with symbols a polynomial
        in ``z``.

    Raises
    ------
    NotTraceableError
        If the delay has no polynomial of known degree.
    DomainError
        If an order of play is given for one player, or a delay for a game.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, FixedDelay, HeavyBall, symbol
    >>> characteristic_polynomial(GradientDescent(learning_rate=0.5), 1.0, FixedDelay(staleness=2))
    array([ 1. , -1. ,  0. ,  0.5])
    >>> characteristic_polynomial(
    ...     HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum")),
    ...     symbol("curvature"),
    ... ).as_expr()
    beta + z**2 + z*(alpha*h - beta - 1)
    """
    if asks_for_round(curvature, delay, play):
        coefficients = leverrier(as_rows(game_operator(method, curvature, play or "alternating")))[
            0
        ]
    else:
        coefficients = loop_coefficients(method, curvature, delay)
    if any(is_symbolic(entry) for entry in coefficients):
        import sympy

        simple = [sympy.factor(sympy.cancel(entry)) for entry in coefficients]
        return sympy.Poly.from_list(simple, gens=sympy.Symbol("z"))
    return stack((coefficients,))[..., 0, :]


def loop_equation(method: Method, curvature: Scalar, delay: Delay | None = None) -> Any:
    """What vanishes at the loop's poles, for any delay: det(I − h q(1/z)(C(zI − A)⁻¹B + D)).

    Unlike the characteristic polynomial it takes a symbolic staleness.

    Parameters
    ----------
    method : Method
    curvature : scalar
        h; a number or a symbol.
    delay : Delay, optional

    Returns
    -------
    sympy.Expr
        An expression in the symbol ``z``.

    Raises
    ------
    NotTraceableError
        With a delay, where one period takes several gradients: staleness counts updates, z periods.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, GradientDescent, symbol
    >>> method = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> loop_equation(method, symbol("curvature"), FixedDelay(staleness=symbol("staleness")))
    alpha*h/(z**tau*(z - 1)) + 1
    """
    import sympy

    z = sympy.Symbol("z")
    curvature = gain(curvature)
    system = state_space(method).beside(curvature)
    poles, entries = _open_loop(system)
    size = system.gradients
    if size > 1 and not (delay is None or isinstance(delay, NoDelay)):
        raise NotTraceableError(
            f"One period of {type(method).__name__} takes {size} gradients, while staleness counts "
            "single ones; ask for characteristic_polynomial, which unrolls the period."
        )
    through = curvature * (1 if delay is None else delay.generating_function(1 / z))
    below = evaluate(poles, z)
    loop = sympy.Matrix(
        size, size, lambda i, k: sympy.factor(sympy.cancel(evaluate(entries[i][k], z) / below))
    )
    return sympy.powsimp((sympy.eye(size) - through * loop).det())
