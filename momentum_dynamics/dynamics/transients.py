"""Before the rate sets in: peaks, norms of powers, pseudospectra, the Kreiss constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.dynamics.loop import transition_matrix
from momentum_dynamics.errors import DomainError, NotTraceableError, UnstableDynamicsError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import period_of, transient_of
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = [
    "Pseudospectrum",
    "TransientPeak",
    "kreiss_constant",
    "pseudospectrum",
    "transient_peak",
]

Array = NDArray[np.float64]

_LONGEST = 1_000_000
"""Steps after which a peak is given up."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TransientPeak:
    """The largest excursions of a stable loop, batch axes first.

    Attributes
    ----------
    value, step : array
        The largest distance of the answer from the solution, relative to a start at rest, and after
        how many steps.
    power_norm, power_step : array
        The largest norm of a power of the transition matrix, and which power: the largest state,
        Euclidean, that a state of norm 1 can become.
    worst_start : array ``(*batch, slots)``
        The state of norm 1 that becomes it.
    """

    value: Array
    step: NDArray[np.int64]
    power_norm: Array
    power_step: NDArray[np.int64]
    worst_start: Array


def transient_peak(method: Method, curvature: Scalar) -> TransientPeak:
    """How far a stable method goes before it converges, and when.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step; numbers or batches in its fields.
    curvature : scalar
        h, real.

    Returns
    -------
    TransientPeak

    Raises
    ------
    UnstableDynamicsError
        Where some loop is unstable: it has no largest excursion.
    DomainError
        If the coefficients change with the step.
    NotTraceableError
        With symbols.

    Notes
    -----
    Exact: once some power has norm below 1, later powers are products of it and of earlier ones, so
    the largest is among those before; and a path is followed until what its state can still become
    is less than its peak.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> peak = transient_peak(HeavyBall(learning_rate=400 / 121, momentum=(9 / 11) ** 2), 1.0)
    >>> round(float(peak.value), 3), int(peak.step)
    (3.707, 4)
    """
    matrix = _settled_matrix(method, curvature)
    radius = np.abs(np.linalg.eigvals(matrix)).max(axis=-1)
    if not np.all(radius < 1):
        raise UnstableDynamicsError(
            f"No largest excursion: {type(method).__name__} has spectral radius "
            f"{float(np.max(radius)):.6g} somewhere; keep only the settings that is_stable accepts."
        )
    power_norm, power_step, worst_start = _largest_power(matrix)
    system = state_space(method)
    reach = np.linalg.norm(system.E, axis=-1)[..., 0] * power_norm
    state = np.stack(
        [np.asarray(slot, dtype=float) for slot in np.broadcast_arrays(*method.initial_state(1.0))],
        axis=-1,
    )
    state = np.broadcast_to(state, matrix.shape[:-1])[..., None]
    value, step = np.zeros(matrix.shape[:-2]), np.zeros(matrix.shape[:-2], dtype=np.int64)
    for count in range(_LONGEST):
        answer = np.abs((system.E @ state)[..., 0, 0])
        step = np.where(answer > value, count, step)
        value = np.maximum(answer, value)
        if np.all(reach * np.linalg.norm(state[..., 0], axis=-1) < value):
            break
        state = matrix @ state
    return TransientPeak(
        value=value, step=step, power_norm=power_norm, power_step=power_step,
        worst_start=worst_start,
    )  # fmt: skip


def _settled_matrix(method: Method, curvature: Scalar) -> Array:
    if period_of(method) != 1 or transient_of(method):
        raise DomainError(
            f"The coefficients of {type(method).__name__} change with the step; transients are "
            "answered for methods with settled ones, residual_polynomial for any."
        )
    matrix = transition_matrix(method, curvature)
    if not isinstance(matrix, np.ndarray) or is_symbolic(curvature):
        raise NotTraceableError("Transients are answered for numbers only.")
    return matrix


def _largest_power(matrix: Array) -> tuple[Array, NDArray[np.int64], Array]:
    """The largest norm over all powers, which power, and the right singular vector."""
    size = matrix.shape[-1]
    power = np.broadcast_to(np.eye(size), matrix.shape)
    best, which = np.ones(matrix.shape[:-2]), np.zeros(matrix.shape[:-2], dtype=np.int64)
    start = np.broadcast_to(np.eye(size)[0], matrix.shape[:-1])
    done = np.zeros(matrix.shape[:-2], dtype=bool)
    for count in range(1, _LONGEST):
        power = matrix @ power
        _, singular, right = np.linalg.svd(power)
        norm = singular[..., 0]
        better = (norm > best) & ~done
        best, which = np.where(better, norm, best), np.where(better, count, which)
        start = np.where(better[..., None], right[..., 0, :], start)
        done = done | (norm < 1)
        if done.all():
            break
    return best, which, start


@dataclass(frozen=True, kw_only=True, eq=False)
class Pseudospectrum:
    """Where a small change of the transition matrix can move its eigenvalues.

    Attributes
    ----------
    eigenvalues : array ``(slots,)``
    real, imaginary : array
        The grid.
    distance : array ``(imaginary, real)``
        The smallest singular value of zI − M: the norm of the least change that makes z an
        eigenvalue.
    levels : array
        ε, ascending.
    radius : array
        The largest modulus of an eigenvalue after a change of norm ε, for each level.
    """

    eigenvalues: NDArray[np.complex128]
    real: Array
    imaginary: Array
    distance: Array
    levels: Array
    radius: Array


def pseudospectrum(
    method: Method, curvature: float, levels: Sequence[float], *, points: int = 201
) -> Pseudospectrum:
    """The pseudospectrum of a loop: contours of the resolvent's norm.

    Parameters
    ----------
    method : Method
        With settled coefficients, one gradient a step, and plain numbers.
    curvature : float
        h.
    levels : sequence of float
        ε > 0, the norms of changes.
    points : int
        Of the grid, along each axis.

    Returns
    -------
    Pseudospectrum
        Draw it with `plot`.

    Raises
    ------
    DomainError
        If a level is not positive, the coefficients change with the step, or batches are given.
    NotTraceableError
        With symbols.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> found = pseudospectrum(HeavyBall(learning_rate=1.0, momentum=0.25), 2.25, [0.1], points=21)
    >>> bool(abs(found.eigenvalues).max() < 0.6 < found.radius[0])
    True
    """
    chosen = np.sort(np.atleast_1d(np.asarray(levels, dtype=float)))
    if not (chosen > 0).all():
        raise DomainError(f"levels are {list(levels)}, but must be positive.")
    matrix = _one_matrix(method, curvature)
    roots = np.linalg.eigvals(matrix).astype(complex)
    radius = np.array([_pseudospectral_radius(matrix, level) for level in chosen])
    reach = 1.1 * max(1.0, float(radius.max()))
    axis = np.linspace(-reach, reach, points)
    return Pseudospectrum(
        eigenvalues=roots,
        real=axis,
        imaginary=axis,
        distance=_distance(matrix, axis + 1j * axis[:, None]),
        levels=chosen,
        radius=radius,
    )


def _one_matrix(method: Method, curvature: Scalar) -> Array:
    matrix = _settled_matrix(method, curvature)
    if matrix.ndim != 2:
        raise DomainError("A pseudospectrum is of one loop; give plain numbers, no batches.")
    return matrix


def _distance(matrix: Array, z: ArrayLike) -> Array:
    """The smallest singular value of zI − M at every z."""
    shifted = np.asarray(z)[..., None, None] * np.eye(len(matrix)) - matrix
    found: Array = np.asarray(np.linalg.svd(shifted, compute_uv=False)[..., -1], dtype=float)
    return found


def _pseudospectral_radius(matrix: Array, level: float) -> float:
    """The largest |z| with distance ε: on every ray the outermost crossing, then the best ray."""
    from scipy.optimize import brentq, minimize_scalar

    outside = float(np.linalg.norm(matrix, 2)) + level
    inside = float(np.abs(np.linalg.eigvals(matrix)).max())

    def reached(angle: float) -> float:
        """The outermost crossing on a ray; the spectral radius where there is none beyond."""
        wave = np.exp(1j * angle)
        grid = np.linspace(inside, outside, 400)
        below = np.flatnonzero(_distance(matrix, grid * wave) <= level)
        if not len(below):
            return inside
        if below[-1] == len(grid) - 1:
            return outside
        ends = grid[below[-1]], grid[below[-1] + 1]
        return float(brentq(lambda r: float(_distance(matrix, r * wave)) - level, *ends))

    angles = np.linspace(0, np.pi, 61)  # a real matrix: the half plane mirrors the other
    found = [reached(angle) for angle in angles]
    best = int(np.argmax(found))
    around = angles[max(best - 1, 0)], angles[min(best + 1, len(angles) - 1)]
    refined = minimize_scalar(lambda angle: -reached(angle), bounds=around, method="bounded")
    return max(found[best], -float(refined.fun))


def kreiss_constant(method: Method, curvature: float) -> float:
    """The Kreiss constant: the largest (|z| − 1)·‖(zI − M)⁻¹‖ over |z| > 1.

    By Kreiss's matrix theorem the largest norm of a power lies between it and e·slots times it.

    Parameters
    ----------
    method, curvature
        As in `pseudospectrum`.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    UnstableDynamicsError
        If the loop is unstable: it has none.
    DomainError, NotTraceableError
        As `pseudospectrum`.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> round(kreiss_constant(HeavyBall(learning_rate=400 / 121, momentum=(9 / 11) ** 2), 1.0), 3)
    2.404
    """
    from scipy.optimize import minimize

    matrix = _one_matrix(method, curvature)
    if np.abs(np.linalg.eigvals(matrix)).max() >= 1:
        raise UnstableDynamicsError(
            f"No Kreiss constant: {type(method).__name__} is unstable on curvature {curvature}."
        )

    def bound(place: Any) -> float:
        """Minus the quantity at z = (1 + e^s) e^{iθ}."""
        height = np.exp(place[0])
        return -float(height / _distance(matrix, (1 + height) * np.exp(1j * place[1])))

    heights, angles = np.linspace(np.log(1e-8), np.log(1e2), 121), np.linspace(0, np.pi, 61)
    grid = np.exp(heights)[:, None]
    values = grid / _distance(matrix, (1 + grid) * np.exp(1j * angles))
    row, column = np.unravel_index(np.argmax(values), values.shape)
    found = minimize(
        bound, [heights[row], angles[column]], method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13},
    )  # fmt: skip
    return max(1.0, -float(found.fun))
