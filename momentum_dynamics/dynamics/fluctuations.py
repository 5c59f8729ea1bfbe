"""How a settled loop fluctuates in time: power spectrum and autocorrelation of the answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.dynamics.loop import TransferFunction
from momentum_dynamics.dynamics.polynomials import leverrier
from momentum_dynamics.dynamics.stationary import (
    noisy_loop,
    require_stable,
    stationary_covariance,
)
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.linear import StateSpace
from momentum_dynamics.methods.protocol import period_of
from momentum_dynamics.methods.rows import combine, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["autocorrelation", "noise_transfer", "power_spectrum"]


def noise_transfer(method: Method, curvature: Scalar) -> TransferFunction:
    """From gradient noise to the answer with the loop closed: E(zI − M)⁻¹B, as two polynomials.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step.
    curvature : scalar
        h, real or symbolic.

    Returns
    -------
    TransferFunction

    Raises
    ------
    DomainError
        If one period takes several gradients: its noise is not stationary from step to step.
    """
    system, curvature, _ = noisy_loop(method, None, curvature, 0)
    return _noise_transfer(method, system, curvature)


def _noise_transfer(method: Method, system: StateSpace, curvature: Scalar) -> TransferFunction:
    if period_of(method) != 1:
        raise DomainError(
            f"One period of {type(method).__name__} takes {system.gradients} gradients, so its "
            "fluctuations are not stationary from step to step."
        )
    rows, injection = system.closed_rows(curvature)
    below, resolvent = leverrier(rows)
    vector = [entry[0] for entry in injection]
    above = tuple(
        combine(system.readout[0], [combine(row, vector) for row in numerator])
        for numerator in resolvent
    )
    return TransferFunction(numerator=above, denominator=below)


def power_spectrum(
    method: Method, curvature: Scalar, noise_variance: Scalar, frequencies: Scalar
) -> Any:
    """The power spectrum of the settled answer: σ²|E(e^{iω} − M)⁻¹B|².

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step.
    curvature : scalar
        h, real.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.
    frequencies : scalar or array ``(frequencies,)``
        ω in radians per step.

    Returns
    -------
    array ``(*batch, frequencies)`` or sympy.Expr
        Two-sided and per radian over 2π: its mean over (−π, π) is the stationary variance.
        `scipy.signal.welch` at one sample a step, one-sided, gives twice this.

    Raises
    ------
    UnstableDynamicsError
        Where some loop is unstable.
    DomainError
        If the noise variance is negative, the curvature complex, or a period takes several
        gradients.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> ball = HeavyBall(learning_rate=0.1, momentum=0.9)
    >>> power_spectrum(ball, 1.0, 1.0, [0.0, 0.3]).round(3)
    array([1.  , 9.07])
    """
    system, curvature, symbolic = noisy_loop(method, None, curvature, noise_variance)
    transfer = _noise_transfer(method, system, curvature)
    if symbolic or is_symbolic(frequencies):
        import sympy

        wave = sympy.exp(sympy.I * frequencies)
        both = transfer(wave) * transfer(1 / wave)
        return sympy.simplify(noise_variance * both.rewrite(sympy.cos))
    require_stable(method, curvature)
    omega = np.asarray(frequencies, dtype=float)
    spread = TransferFunction(
        numerator=_with_axes(transfer.numerator, omega.ndim),
        denominator=_with_axes(transfer.denominator, omega.ndim),
    )
    (variance,) = _with_axes((np.asarray(noise_variance, dtype=float),), omega.ndim)
    return variance * np.abs(spread(np.exp(1j * omega))) ** 2


def _with_axes(entries: Any, count: int) -> tuple[Any, ...]:
    """Batch axes in front of the axes of frequencies."""
    return tuple(np.reshape(entry, (*np.shape(entry), *(1,) * count)) for entry in entries)


def autocorrelation(method: Method, curvature: Scalar, noise_variance: Scalar, lags: Any) -> Any:
    """The correlation of the settled answer with itself some steps later: E Mᵏ Σ Eᵀ, over E Σ Eᵀ.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step.
    curvature : scalar
        h, real.
    noise_variance : scalar
        σ² > 0; it cancels.
    lags : int or sequence of int
        k ≥ 0, in steps.

    Returns
    -------
    array ``(*batch, lags)`` or sympy.Expr, or a list of them

    Raises
    ------
    UnstableDynamicsError, DomainError
        As `power_spectrum`, and if a lag is negative.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> autocorrelation(GradientDescent(learning_rate=0.5), 1.0, 1.0, [0, 1, 2])
    array([1.  , 0.5 , 0.25])
    """
    count = np.asarray(lags)
    for lag in count.ravel():
        GLOSSARY["steps"].check(lag)
    if period_of(method) != 1:
        _noise_transfer(method, state_space(method), curvature)
    covariance = stationary_covariance(method, curvature, noise_variance)
    system, closed, symbolic = noisy_loop(method, None, curvature, noise_variance)
    matrix = stack(system.closed_rows(closed)[0], exact=symbolic)
    readout = stack(system.readout, exact=symbolic)
    if symbolic:
        import sympy

        def at(lag: int) -> Any:
            along = (readout * matrix ** int(lag) * covariance * readout.T)[0]
            return sympy.factor(along / (readout * covariance * readout.T)[0])

        return at(int(count)) if count.ndim == 0 else [at(lag) for lag in count]
    if not np.all(np.asarray(noise_variance) > 0):
        raise DomainError("noise_variance is 0, so nothing fluctuates and nothing is correlated.")
    row = readout[..., 0, :]
    moved = np.einsum("...ij,...j->...i", covariance, row)
    found = []
    for lag in count.ravel():
        power = np.linalg.matrix_power(matrix, int(lag))
        found.append(np.einsum("...i,...ij,...j->...", row, power, moved))
    whole = np.einsum("...i,...i->...", row, moved)
    return np.reshape(np.stack(found, axis=-1) / whole[..., None], (*whole.shape, *count.shape))
