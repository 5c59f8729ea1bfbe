"""The best parameters for complex curvatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.dynamics.parameter_search import require_shaped, search
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws import shapes
from momentum_dynamics.laws.spectrum import complex_spectral_radius
from momentum_dynamics.methods import GradientDescent, HeavyBall, Method
from momentum_dynamics.methods.protocol import period_of, spread

__all__ = ["hull_vertices", "step_size_bounds", "tune_spectrum"]

Array = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

_CONVEX = {"gradient-descent", "heavy-ball"}
"""Kinds whose level sets in the plane of curvatures are convex, and lie right of the origin."""


def _checked(spectrum: ArrayLike) -> Spectrum:
    try:
        values = np.atleast_1d(np.asarray(spectrum, dtype=complex)).ravel()
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.size == 0 or not np.isfinite(values).all():
        raise DomainError(
            "spectrum must hold finite numbers, real or complex, at least one; of a game give "
            "game=…, and symbols only as smallest_curvature=… and largest_curvature=…."
        )
    # A real method treats conjugates alike.
    return values.real + 1j * np.abs(values.imag)


def hull_vertices(spectrum: ArrayLike) -> Spectrum:
    """The corners, above the real axis, of the convex hull of a spectrum and its conjugates.

    For fixed parameters the curvatures on which heavy ball contracts at some rate fill an ellipse,
    which is convex: the slowest of a set is one of these.

    Examples
    --------
    >>> hull_vertices([1, 2, 3, 2 + 1j, 2 + 0.5j])
    array([1.+0.j, 2.+1.j, 3.+0.j])
    """
    upper = _checked(spectrum)
    points = sorted({(value.real, value.imag) for value in upper.tolist()})
    chain: list[tuple[float, float]] = []
    for x, y in points:
        while len(chain) > 1:
            (x0, y0), (x1, y1) = chain[-2:]
            if (x1 - x0) * (y - y0) < (y1 - y0) * (x - x0):
                break
            chain.pop()
        chain.append((x, y))
    # Below another point of the same real part lies no corner, but an edge to the conjugate.
    tops = dict(points)
    return np.array([complex(x, y) for x, y in chain if tops[x] == y])


def step_size_bounds(spectrum: ArrayLike) -> tuple[float, float, float, float]:
    """What bounds the best gradient descent on a complex spectrum, without searching for it.

    Parameters
    ----------
    spectrum : array
        Curvatures with positive real parts.

    Returns
    -------
    rate_low, rate_high, step_low, step_high : float
        max |sin ψₖ| ≤ ρ ≤ √(1 − Re(1/λ₁) δ) and Re(1/λ₁) ≤ α ≤ 2 Re(1/λ₁), where Re(1/λ₁) is the
        least and δ the least |λₖ|²(2 Re(1/λₖ) − Re(1/λ₁)).

    References
    ----------
    [gidel2019]_

    Examples
    --------
    >>> [round(bound, 6) for bound in step_size_bounds([1.0, 2.0])]
    [0.0, 0.5, 0.5, 1.0]
    """
    values = _checked(spectrum)
    _require_pull(values)
    inverse = (1 / values).real
    least = inverse.min()
    delta = (np.abs(values) ** 2 * (2 * inverse - least)).min()
    low = float(np.max(values.imag / np.abs(values)))
    high = float(np.sqrt(max(1 - least * delta, 0.0)))
    return low, high, float(least), float(2 * least)


def _require_pull(values: Spectrum) -> None:
    """Refuse a spectrum that touches or surrounds the origin, or has the sign of an ascent."""
    low, high = values.real.min(), values.real.max()
    if high < 0:
        raise DomainError(
            f"The spectrum lies left of the origin (real parts from {low:.3g} to {high:.3g}), as "
            "that of a field with the sign of an ascent does; give its negative."
        )
    if low <= _ROUNDING * np.abs(values).max():
        raise DomainError(
            f"The spectrum touches the origin or reaches around it (real parts from {low:.3g} to "
            f"{high:.3g}), where no heavy ball converges at once; let the players of a game "
            "alternate, give it a pull, as Consensus does, or take a kind such as ComplexMomentum."
        )


_ROUNDING = 1e-13


def tune_spectrum(kind: str, spectrum: ArrayLike) -> Method:
    """The method of a kind with the best worst rate over complex curvatures.

    Parameters
    ----------
    kind : str
        One of `SHAPED_KINDS`.
    spectrum : array
        Curvatures, real or complex; conjugates need not be given.

    Raises
    ------
    DomainError
        If the spectrum touches the origin, or no method of the kind converges on it.
    UnknownNameError
        If there is no such kind.

    Notes
    -----
    Heavy ball and gradient descent: the corners of the convex hull suffice (`hull_vertices`). For a
    fixed momentum the stable learning rates of each corner at each rate are an interval, so the
    worst rate has one valley in the learning rate; the valleys' floors are then compared over
    momentum, and with those of the ellipse through the ends.
    """
    require_shaped(kind)
    values = _checked(spectrum)
    if kind not in _CONVEX:
        if not np.abs(values).min() > 0:
            raise DomainError("The spectrum holds 0, on which no method moves; leave it out.")
        values = np.unique(values)
        scale = float(np.abs(values).max())
        return search((kind,), lambda methods: _worst(methods[0], values), (scale,))[0]
    _require_pull(values)
    corners = hull_vertices(values)
    if kind == "gradient-descent":
        return GradientDescent(learning_rate=_best_step(corners))
    step, momentum = _best_pair(corners)
    return HeavyBall(learning_rate=step, momentum=momentum)


def _worst(method: Method, values: Spectrum) -> Any:
    radius = np.max(spectral_radius(spread(method, 1), values), axis=-1)
    return radius ** (1 / (period_of(method) or 1))


def _best_step(corners: Spectrum) -> float:
    """Where the largest of the parabolas |1 − αλ|² is least: at a floor, or where two cross."""
    slope, bend = corners.real, np.abs(corners) ** 2
    candidates = list(slope / bend)
    for k in range(len(corners)):
        gap = bend - bend[k]
        apart = np.abs(gap) > _ROUNDING * bend
        candidates += list(2 * (slope - slope[k])[apart] / gap[apart])
    steps = np.array(candidates)
    steps = steps[steps > 0]
    worst = np.max(1 - 2 * steps[:, None] * slope + steps[:, None] ** 2 * bend, axis=-1)
    return float(steps[np.argmin(worst)])


def _rates(step: Array, momentum: Array, corners: Spectrum) -> Array:
    trace = (1 + momentum)[:, None] - step[:, None] * corners
    found: Array = np.max(complex_spectral_radius(trace, momentum[:, None]), axis=-1)
    return found


_GOLDEN = (np.sqrt(5) - 1) / 2
_CUTS, _ZOOMS, _MOMENTA = 78, 16, 25


def _floors(momentum: Array, corners: Spectrum) -> tuple[Array, Array]:
    """For each momentum the best learning rate and its worst rate, by golden section."""
    limits = shapes.complex_step_limit(momentum[:, None], corners.real, corners.imag)
    high = limits.min(axis=-1)
    low = np.zeros_like(high)
    for _ in range(_CUTS):
        width = _GOLDEN * (high - low)
        left, right = high - width, low + width
        keep_left = _rates(left, momentum, corners) < _rates(right, momentum, corners)
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
    step = (low + high) / 2
    return step, _rates(step, momentum, corners)


def _best_pair(corners: Spectrum) -> tuple[float, float]:
    # Logarithmically near both ends, where stiff spectra have their optimum.
    arc = np.tanh(np.linspace(-8, 8, 4 * _MOMENTA + 1))
    momenta = np.append(arc, _ellipse_start(corners))
    best = (np.inf, 0.0, 0.0)
    low, high = -1.0, 1.0
    for zoom in range(_ZOOMS):
        if zoom:
            momenta = np.linspace(low, high, _MOMENTA)
        momenta = np.unique(momenta[np.abs(momenta) < 1])
        if momenta.size < 3:
            break
        steps, rates = _floors(momenta, corners)
        place = int(np.argmin(rates))
        best = min(best, (float(rates[place]), float(steps[place]), float(momenta[place])))
        low, high = momenta[max(place - 1, 0)], momenta[min(place + 1, len(momenta) - 1)]
    return best[1], best[2]


def _ellipse_start(corners: Spectrum) -> float:
    """The momentum of an upright ellipse through the ends of the spectrum, as a first guess."""
    low, high = corners.real.min(), corners.real.max()
    best = shapes.ellipse_optimum((low + high) / 2, (high - low) / 2, corners.imag.max())
    return float(best.momentum)
