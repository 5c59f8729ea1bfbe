"""Spectral radius, stability and regimes of the closed loop."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics import playing
from momentum_dynamics.dynamics.delayed import behind, require_digits
from momentum_dynamics.dynamics.kernels import radius_map
from momentum_dynamics.dynamics.loop import (
    affine_pair,
    asks_for_round,
    gain,
    loop_coefficients,
    trace_determinant,
)
from momentum_dynamics.dynamics.polynomials import schur_cohn
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.laws import spectrum as laws
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import Method
from momentum_dynamics.methods.rows import as_float, stack
from momentum_dynamics.notation import Scalar, is_symbolic
from momentum_dynamics.problems.plays import Play

__all__ = ["Regime", "eigenvalues", "is_stable", "regime", "spectral_radius"]


class Regime(StrEnum):
    """How one mode of a two-slot method moves."""

    MONOTONE = "monotone decrease"
    RIPPLES = "ripples"
    OSCILLATING = "monotone oscillations"
    DIVERGING = "divergence"


def _symbolic(system: StateSpace, curvature: Scalar) -> bool:
    return system.is_symbolic or is_symbolic(curvature)


def spectral_radius(
    method: Any, curvature: Any, delay: Delay | None = None, *, play: Play | str | None = None
) -> Any:
    """The factor by which the loop contracts (or grows) per settled period in the long run.

    Parameters
    ----------
    method : Method
        Its parameters broadcast against the curvature; on a game one for all players, or one each.
    curvature : scalar or Game
        h: real, complex (games at once) or negative (saddles); or a game, whose round is asked for.
    delay : Delay, optional
        The law of staleness; the radius is that of the mean.
    play : Play or {"alternating", "simultaneous"}, optional
        Of a game: who moves when; by default in turn.

    Returns
    -------
    array or sympy.Expr
        A closed form for two slots, symbols included; eigenvalues elsewhere. Symbols not declared
        real, as `symbol` makes them, count as complex.

    Raises
    ------
    NotTraceableError
        With symbols, where the loop has more than two slots.
    DomainError
        If an order of play is given for one player, or a delay for a game.

    Notes
    -----
    At critical damping the problem is ill-conditioned: a change of ε in a parameter moves the
    radius by √ε. Per period of two steps (extragradient) it is the factor of both together.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, HeavyBall, GeometricDelay
    >>> float(spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.25), 2.0))
    0.5
    >>> spectral_radius(GradientDescent(learning_rate=1.0), [0.5, 2.5])
    array([0.5, 1.5])
    """
    if asks_for_round(curvature, delay, play):
        return playing.round_radius(method, curvature, play or "alternating")
    curvature = gain(curvature)
    system = state_space(behind(method, delay)).beside(curvature)
    if _symbolic(system, curvature):
        if system.slots > 2:
            raise NotTraceableError(
                f"The loop has {system.slots} slots, and no closed form that one could read; give "
                "numbers, or ask for characteristic_polynomial."
            )
        import sympy

        trace, determinant = trace_determinant(system.closed_rows(curvature)[0])
        real = all(sympy.sympify(entry).is_real for entry in (trace, determinant))
        law = laws.spectral_radius if real else laws.complex_spectral_radius
        return law(trace, determinant)
    h = np.asarray(as_float(curvature))
    system = system.beside(h)
    with np.errstate(all="ignore"):
        if system.slots <= 2 and system.gradients == 1:
            t0, t1, d0, d1 = affine_pair(system)
            if not np.iscomplexobj(h):
                return radius_map(t0, t1, d0, d1, h.astype(float))
            return laws.complex_spectral_radius(t0 + h * t1, d0 + h * d1)
        return np.abs(_eigenvalues(system, h)).max(axis=-1)


def eigenvalues(
    method: Any, curvature: Any, delay: Delay | None = None, *, play: Play | str | None = None
) -> Any:
    """The poles of the closed loop, ``(*batch, poles)``, in no particular order.

    Parameters
    ----------
    method, curvature, delay, play
        As in `spectral_radius`; numbers only.

    Returns
    -------
    complex array ``(*batch, poles)``
        Infinite where an entry of the transition matrix is.

    Raises
    ------
    NotTraceableError
        With symbols.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> eigenvalues(HeavyBall(learning_rate=1.0, momentum=0.0), -1.0).real
    array([0., 2.])
    """
    if asks_for_round(curvature, delay, play):
        return playing.round_eigenvalues(method, curvature, play or "alternating")
    curvature = gain(curvature)
    system = state_space(behind(method, delay))
    _require_numbers("Eigenvalues", system, curvature)
    return _eigenvalues(system, np.asarray(as_float(curvature)))


def _require_numbers(what: str, system: StateSpace, curvature: Scalar) -> None:
    if _symbolic(system, curvature):
        raise NotTraceableError(
            f"{what} are answered for numbers only; for symbols ask for characteristic_polynomial "
            "or spectral_radius."
        )


def _eigenvalues(system: StateSpace, curvature: Any) -> Any:
    matrix = stack(system.closed_rows(curvature)[0])
    finite = np.isfinite(matrix).all(axis=(-2, -1))
    values = np.linalg.eigvals(np.where(finite[..., None, None], matrix, 0)).astype(complex)
    return np.where(finite[..., None], values, np.inf)


def is_stable(
    method: Any, curvature: Any, delay: Delay | None = None, *, play: Play | str | None = None
) -> Any:
    """Whether the loop converges: all poles strictly inside the unit circle.

    Decided by Schur and Cohn's test on the characteristic polynomial, without computing a root; for
    two slots and symbols by Jury's triangle.

    Parameters
    ----------
    method, curvature, delay, play
        As in `spectral_radius`.

    Returns
    -------
    bool array or sympy.Basic

    Raises
    ------
    NotTraceableError
        With symbols, where the loop has more than two slots or they may be complex.
    DomainError
        If the poles of the delay are so near each other that floats cannot tell.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> is_stable(HeavyBall(learning_rate=1.0, momentum=0.5), [2.9, 3.1])
    array([ True, False])
    """
    if asks_for_round(curvature, delay, play):
        return playing.round_is_stable(method, curvature, play or "alternating")
    coefficients = loop_coefficients(method, curvature, delay)
    if any(is_symbolic(entry) for entry in coefficients):
        if len(coefficients) > 3:
            raise NotTraceableError(
                f"The characteristic polynomial has degree {len(coefficients) - 1}, and no "
                "stability condition that one could read; give numbers."
            )
        import sympy

        if not all(sympy.sympify(entry).is_real for entry in coefficients):
            raise NotTraceableError(
                "The characteristic polynomial may have complex coefficients, for which there is "
                "no readable condition; give numbers, or real symbols as symbol() makes them."
            )
        _, minus_trace, *rest = (sympy.factor(entry) for entry in coefficients)
        return laws.is_stable_pair(-minus_trace, rest[0] if rest else 0)
    if delay is not None:
        require_digits(delay, delay.rational()[1])
    return schur_cohn([np.asarray(entry) for entry in coefficients])[()]


def regime(method: Method, curvature: Scalar) -> Any:
    """Name how one mode of a two-slot method moves, as `Regime` values.

    Parameters
    ----------
    method : Method
        With one or two slots and one gradient a step.
    curvature : real scalar

    Returns
    -------
    Regime or array of str
        Real positive dominant root: monotone decrease; conjugate roots: ripples; negative dominant
        root: monotone oscillations; no contraction: divergence.

    Raises
    ------
    NotTraceableError
        If the method has more than two slots, or with symbols.
    DomainError
        If the curvature is complex.

    References
    ----------
    [goh2017]_

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> regime(HeavyBall(learning_rate=1.0, momentum=0.5), 1.0)
    <Regime.RIPPLES: 'ripples'>
    """
    system = state_space(method)
    if system.slots > 2:
        raise NotTraceableError(f"Regimes are named for two slots; this method has {system.slots}.")
    curvature = gain(curvature)
    _require_numbers("Regimes", system, curvature)
    if np.iscomplexobj(curvature):
        raise DomainError(f"curvature is {curvature}, but regimes are named for real curvatures.")
    h = np.asarray(as_float(curvature), dtype=float)
    trace, determinant = trace_determinant(system.closed_rows(h)[0])
    stable = schur_cohn([1, -trace, determinant])
    ripples = laws.discriminant(trace, determinant) < 0
    # With equal moduli of opposite sign (trace 0) the mode flips sign: call it oscillating.
    names = np.select(
        [~stable, ripples, np.asarray(trace) > 0],
        [Regime.DIVERGING.value, Regime.RIPPLES.value, Regime.MONOTONE.value],
        Regime.OSCILLATING.value,
    )
    return Regime(str(names)) if names.ndim == 0 else names
