"""Pipeline parallelism as a fixed delay for each stage.

In the slot n of a full pipeline of S stages, stage s runs forward on microbatch n − s and backward
on microbatch n − 2(S − 1) + s, then updates its weights. Gradients are taken at the weights of the
forward pass, which stages keep until then. So with d_s = S − 1 − s stages behind it, stage s moves

    x_s(n + 1) = x_s(n) − α_s Σ_r H_sr x_r(n − d_s − d_r):

the age of what it knows of stage r is d_s + d_r, and its own loop has the delay τ_s = 2 d_s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.notation import GLOSSARY

__all__ = ["pipeline_ages", "staged_matrix", "staged_path", "staged_radius"]

Array = NDArray[np.float64]


def pipeline_ages(stages: int) -> NDArray[np.int64]:
    """How old what each stage (row) knows of each other (column) is, in updates.

    Parameters
    ----------
    stages : int
        S ≥ 1.

    Returns
    -------
    array ``(stages, stages)``
        d_s + d_r; on the diagonal the delays of the stages' own loops.

    Raises
    ------
    DomainError
        If there is no whole number of stages.

    Examples
    --------
    >>> pipeline_ages(3)
    array([[4, 3, 2],
           [3, 2, 1],
           [2, 1, 0]])
    """
    GLOSSARY["stages"].check(stages)
    if np.ndim(stages) or stages != int(stages):
        raise DomainError(f"A pipeline has a whole number of stages, not {stages}.")
    behind = np.arange(int(stages), dtype=np.int64)[::-1]
    return behind[:, None] + behind


def _settings(
    hessian: ArrayLike, learning_rates: ArrayLike, ages: ArrayLike
) -> tuple[Array, NDArray[np.int64]]:
    """The gains α_s H_sr and the ages, all of one shape."""
    matrix, rates = (np.asarray(value, dtype=float) for value in (hessian, learning_rates))
    old = np.asarray(ages)
    size = len(matrix) if matrix.ndim else 0
    if size == 0 or matrix.shape != (size, size) or old.shape != (size, size):
        raise ShapeError(
            f"hessian has the shape {matrix.shape} and ages {old.shape}, but both must be square "
            "and of one size: a row and a column for each coordinate."
        )
    if rates.shape not in {(), (size,)}:
        raise ShapeError(
            f"learning_rates has the shape {rates.shape}, but needs one number or {size}, one for "
            "each coordinate."
        )
    GLOSSARY["staleness"].check(old)
    if not (np.isfinite(matrix).all() and np.isfinite(rates).all()):
        raise DomainError("hessian and learning_rates must be finite numbers.")
    return np.broadcast_to(rates, (size,))[:, None] * matrix, old.astype(np.int64)


def staged_matrix(hessian: ArrayLike, learning_rates: ArrayLike, ages: ArrayLike) -> Array:
    """One update of coordinates that know each other at ages of their own, on all that is kept.

    Parameters
    ----------
    hessian : array ``(size, size)``
        H, which need not be diagonal.
    learning_rates : scalar or array ``(size,)``
        α_s.
    ages : array ``(size, size)``
        Whole numbers from 0, such as `pipeline_ages`; a stage of several coordinates has rows and
        columns that repeat.

    Returns
    -------
    array ``(size·(oldest + 1), size·(oldest + 1))``
        The newest point stands first.

    Raises
    ------
    ShapeError, DomainError
        If the shapes do not fit, or a number is not admissible.

    Examples
    --------
    >>> staged_matrix([[1.0]], 0.5, [[1]])
    array([[ 1. , -0.5],
           [ 1. ,  0. ]])
    """
    gains, old = _settings(hessian, learning_rates, ages)
    size, kept = len(gains), int(old.max()) + 1
    lifted = np.eye(size * kept, k=-size)
    lifted[:size, :size] = np.eye(size)
    rows, columns = np.indices(gains.shape)
    lifted[rows, old * size + columns] -= gains
    return lifted


def staged_radius(hessian: ArrayLike, learning_rates: ArrayLike, ages: ArrayLike) -> float:
    """The factor by which such coordinates contract (or grow) per update, by eigenvalues.

    Parameters
    ----------
    hessian, learning_rates, ages
        As in `staged_matrix`.

    Returns
    -------
    float
        Below 1 where they converge.

    Raises
    ------
    ShapeError, DomainError
        As `staged_matrix`.

    Notes
    -----
    Ages that are a sum a_s + b_r have the poles of the ages τ_s = a_s + b_s by row: with
    Z = diag(z^b), (z − 1)I + αZₐ⁻¹HZ⁻¹ is similar to (z − 1)I + α(ZₐZ)⁻¹H.

    Examples
    --------
    >>> round(staged_radius([[1.0, 0.5], [0.5, 1.0]], 0.3, pipeline_ages(2)), 4)
    0.8245
    """
    poles = np.linalg.eigvals(staged_matrix(hessian, learning_rates, ages))
    return float(np.abs(poles).max())


def staged_path(
    hessian: ArrayLike,
    learning_rates: ArrayLike,
    ages: ArrayLike,
    *,
    start: ArrayLike,
    steps: int,
) -> Array:
    """The displacement after 0, 1, …, `steps` updates of such coordinates, from rest.

    Parameters
    ----------
    hessian, learning_rates, ages
        As in `staged_matrix`.
    start : array ``(size,)``
        What all read until updates have reached them.
    steps : int

    Returns
    -------
    array ``(steps + 1, size)``

    Raises
    ------
    ShapeError, DomainError
        As `staged_matrix`; and if the start does not fit.

    Examples
    --------
    >>> staged_path([[1.0]], 0.5, [[1]], start=[1.0], steps=3)[:, 0]
    array([ 1.  ,  0.5 ,  0.  , -0.25])
    """
    gains, old = _settings(hessian, learning_rates, ages)
    GLOSSARY["steps"].check(steps)
    begin: Any = np.asarray(start, dtype=float)
    if begin.shape != (len(gains),):
        raise ShapeError(f"start has the shape {begin.shape}, but must be ({len(gains)},).")
    kept = int(old.max())
    columns = np.arange(len(gains))
    points = np.empty((kept + int(steps) + 1, len(gains)))
    points[: kept + 1] = begin
    for now in range(kept, kept + int(steps)):
        points[now + 1] = points[now] - (gains * points[now - old, columns]).sum(axis=1)
    return points[kept:]
