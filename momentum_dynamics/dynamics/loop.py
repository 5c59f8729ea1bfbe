"""Closing the loop: a method, a curvature, a delay, and the polynomial of their poles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from momentum_dynamics.delays import Delay, NoDelay
from momentum_dynamics.dynamics.polynomials import (
    Coefficients,
    add,
    evaluate,
    leverrier,
    multiply,
)
from momentum_dynamics.errors import NotTraceableError
from momentum_dynamics.methods.linear import Rows, StateSpace, combine, stack, state_space
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = [
    "TransferFunction",
    "affine_pair",
    "characteristic_polynomial",
    "delayed_state_space",
    "loop_coefficients",
    "loop_equation",
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
    >>> transfer_function(HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum")))
    -alpha*z/((beta - z)*(1 - z))
    """
    system = state_space(method)
    coefficients, entries = _open_loop(system)
    if system.is_symbolic:
        import sympy  # noqa: PLC0415

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
    return stack(state_space(method).closed_rows(curvature)[0])


def loop_coefficients(system: StateSpace, curvature: Scalar, delay: Delay | None) -> Coefficients:
    """The coefficients of the closed loop's characteristic polynomial, highest power first."""
    if delay is None or isinstance(delay, NoDelay):
        return leverrier(system.closed_rows(curvature)[0])[0]
    if system.gradients > 1:
        return leverrier(delayed_state_space(system, delay).closed_rows(curvature)[0])[0]
    above, below = delay.rational()
    poles, entries = _open_loop(system)
    return add(multiply(below, poles), multiply(above, entries[0][0]), -curvature)


def affine_pair(system: StateSpace) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Trace and determinant of a loop with one gradient and at most two slots, as affine functions.

    With open loop p(z) = z² − T₀z + D₀ and numerator c₁z + c₀, closing the loop on curvature h gives
    p − h(c₁z + c₀): trace T₀ + hT₁ with T₁ = c₁ and determinant D₀ + hD₁ with D₁ = −c₀.
    """
    poles, entries = _open_loop(system)
    (_, lead, lag) = (*entries[0][0], *(0,) * (3 - len(entries[0][0])))
    (_, minus_trace, determinant) = (*poles, *(0,) * (3 - len(poles)))
    return -minus_trace, lead, determinant, -lag


def characteristic_polynomial(
    method: Method, curvature: Scalar, delay: Delay | None = None
) -> Any:
    """The polynomial whose roots are the eigenvalues of the loop over one settled period.

    Parameters
    ----------
    method : Method
    curvature : scalar
        h; real, complex or symbolic.
    delay : Delay, optional
        The law of staleness in the loop.

    Returns
    -------
    array ``(*batch, degree + 1)`` or sympy.Poly
        Coefficients, highest power first, as `numpy.roots` takes them; with symbols a polynomial
        in ``z``.

    Raises
    ------
    NotTraceableError
        If the delay has no polynomial of known degree.

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
    coefficients = loop_coefficients(state_space(method), curvature, delay)
    if any(is_symbolic(entry) for entry in coefficients):
        import sympy  # noqa: PLC0415

        simple = [sympy.factor(sympy.cancel(entry)) for entry in coefficients]
        return sympy.Poly.from_list(simple, gens=sympy.Symbol("z"))
    return stack((coefficients,))[..., 0, :]


def loop_equation(method: Method, curvature: Scalar, delay: Delay | None = None) -> Any:
    """What vanishes at the loop's poles, for any delay: det(I − h q(1/z)(C(zI − A)⁻¹B + D)).

    Unlike the characteristic polynomial it takes a symbolic staleness.

    Returns
    -------
    sympy.Expr
        An expression in the symbol ``z``.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, GradientDescent, symbol
    >>> method = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> loop_equation(method, symbol("curvature"), FixedDelay(staleness=symbol("staleness")))
    1 + alpha*h/(z**tau*(z - 1))
    """
    import sympy  # noqa: PLC0415

    z = sympy.Symbol("z")
    system = state_space(method)
    poles, entries = _open_loop(system)
    size = system.gradients
    gain = curvature * (1 if delay is None else delay.generating_function(1 / z))
    below = evaluate(poles, z)
    loop = sympy.Matrix(
        size, size, lambda i, k: sympy.factor(sympy.cancel(evaluate(entries[i][k], z) / below))
    )
    return sympy.powsimp((sympy.eye(size) - gain * loop).det())


def delayed_state_space(system: StateSpace, delay: Delay) -> StateSpace:
    """A method's state space behind a delay: gradients are asked at stale queries.

    The delay becomes a filter in controllable canonical form, one for each gradient of a period:
    its slots hold past queries (a fixed delay) or a fading sum of them (a geometric one).
    """
    above, below = delay.rational()
    order = len(below) - 1
    above = (*(0,) * (order + 1 - len(above)), *above)
    direct = above[0]
    taps = tuple(above[i + 1] - combine((direct,), (below[i + 1],)) for i in range(order))
    slots, channels = system.slots, system.gradients
    size = slots + order * channels

    def place(i: int, j: int) -> int:
        return slots + order * i + j

    transition = [[*row, *(0,) * (size - slots)] for row in system.transition]
    injection = [list(row) for row in system.injection]
    observation, feedthrough = [], []
    for i in range(channels):
        for j in range(order):
            line: list[Scalar] = [0] * size
            if j == 0:
                line[:slots] = system.observation[i]
                for k in range(order):
                    line[place(i, k)] = -below[k + 1]
            else:
                line[place(i, j - 1)] = 1
            transition.append(line)
            injection.append(list(system.feedthrough[i]) if j == 0 else [0] * channels)
        stale: list[Scalar] = [0] * size
        stale[:slots] = [combine((direct,), (entry,)) for entry in system.observation[i]]
        stale[place(i, 0) : place(i, order)] = taps
        observation.append(tuple(stale))
        feedthrough.append(
            tuple(combine((direct,), (entry,)) for entry in system.feedthrough[i])
        )
    rows: tuple[Rows, ...] = tuple(
        tuple(tuple(line) for line in part) for part in (transition, injection)
    )
    return StateSpace(
        transition=rows[0],
        injection=rows[1],
        observation=tuple(observation),
        feedthrough=tuple(feedthrough),
        readout=((*system.readout[0], *(0,) * (size - slots)),),
    )
