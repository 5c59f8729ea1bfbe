"""Rates for all smooth strongly convex functions, from conditions in the frequency domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.dynamics.optimum import worst_rate
from momentum_dynamics.errors import DomainError, NotTraceableError, UnknownNameError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.methods.protocol import period_of, transient_of

__all__ = ["CertifiedRate", "certified_rate"]

Array = NDArray[np.float64]

CONSTRAINTS = ("sector", "off-by-one")


@dataclass(frozen=True, kw_only=True)
class CertifiedRate:
    """What a frequency-domain condition certifies, on a grid.

    Attributes
    ----------
    rate : float or None
        No function of the class makes the method converge more slowly; None if no rate below 1
        passes.
    constraint : str
    frequencies : int
        Size of the grid: the condition was checked there and nowhere between.
    is_proof : bool
        Always False: a grid is evidence.
    """

    rate: float | None
    constraint: str
    frequencies: int
    is_proof: bool = False


def certified_rate(
    method: Method,
    smallest_curvature: float,
    largest_curvature: float,
    constraint: str = "off-by-one",
    *,
    frequencies: int = 4001,
) -> CertifiedRate:
    """The rate that holds for every gradient between two curvatures, as far as a grid can tell.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step; plain numbers.
    smallest_curvature, largest_curvature : float
        m < L.
    constraint : {"sector", "off-by-one"}
        The class: gradients in the sector between m and L, which may change from step to step; or
        the gradient of one m-strongly convex, L-smooth function.
    frequencies : int
        Of the grid on the half circle.

    Returns
    -------
    CertifiedRate

    Raises
    ------
    UnknownNameError
        If there is no such constraint.
    DomainError
        If the curvatures are in the wrong order, or the coefficients change with the step.
    NotTraceableError
        With symbols.

    Notes
    -----
    A rate ρ is certified where the loop is ρ-stable for a linear gradient and
    Re[(1 − η/z)(L G(z) − 1)·conj(1 − m G(z))] < 0 on |z| = ρ, with η = 0 for the sector and some
    0 ≤ η ≤ ρ² off by one. The condition is linear in η, so η is found exactly, by intersecting
    half-lines; z is on a grid, and ρ by bisection.

    References
    ----------
    [lessard2016]_

    Examples
    --------
    >>> from momentum_dynamics import tune
    >>> descent = tune("gradient-descent", smallest_curvature=1.0, largest_curvature=3.0)
    >>> round(certified_rate(descent, 1.0, 3.0, "sector").rate, 6)
    0.5
    """
    if constraint not in CONSTRAINTS:
        raise UnknownNameError.among("constraint", constraint, CONSTRAINTS)
    require_order(smallest_curvature, largest_curvature, strictly=True, single=True)
    if period_of(method) != 1 or transient_of(method):
        raise DomainError(
            f"The coefficients of {type(method).__name__} change with the step; certificates are "
            "for one gradient a step with settled coefficients."
        )
    system = state_space(method)
    if system.is_symbolic:
        raise NotTraceableError("Certificates are answered for numbers only.")
    loop = transfer_function(method)
    angle = np.linspace(0, np.pi, frequencies)
    linear = worst_rate(method, np.linspace(smallest_curvature, largest_curvature, 201))

    def passes(rate: float) -> bool:
        z = rate * np.exp(1j * angle)
        response = np.asarray(loop(z))
        kernel = (largest_curvature * response - 1) * np.conj(1 - smallest_curvature * response)
        return _some_multiplier(kernel, z, rate**2 if constraint == "off-by-one" else 0.0)

    low, high = linear * (1 + 1e-9), 1 - 1e-9
    if linear >= 1 or not passes(high):
        return CertifiedRate(rate=None, constraint=constraint, frequencies=frequencies)
    if passes(low):
        high = low
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return CertifiedRate(rate=float(high), constraint=constraint, frequencies=frequencies)


def _some_multiplier(kernel: Any, z: Any, largest: float) -> bool:
    """Whether some 0 ≤ η ≤ `largest` makes Re K − η Re(K/z) negative at every point."""
    constant, slope = kernel.real, (kernel / z).real
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = constant / slope
    least = max(0.0, float(np.max(cross[slope > 0], initial=-np.inf)))
    most = min(largest, float(np.min(cross[slope < 0], initial=np.inf)))
    flat = bool(np.all(constant[slope == 0] < 0))
    if largest == 0.0:
        return bool(np.all(constant < 0))
    return flat and least < most
