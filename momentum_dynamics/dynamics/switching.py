"""How fast a loop can grow when its curvature changes at will: the joint spectral radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.loop import affine_pair, transition_matrix
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.laws.spectrum import switching_growth
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.methods.protocol import period_of, transient_of
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["JointSpectralRadius", "joint_spectral_radius"]

Array = NDArray[np.float64]

_KEPT = 4000
"""Products followed at once."""


@dataclass(frozen=True, kw_only=True)
class JointSpectralRadius:
    """Bounds of the largest growth per step over all sequences of curvatures.

    Attributes
    ----------
    lower : float
        Attained by repeating `word`.
    upper : float
        No sequence grows faster in the long run.
    word : tuple of float
        The curvatures of one period of the fastest sequence found.
    is_exact : bool
        Whether the two bounds are one closed form.
    """

    lower: float
    upper: float
    word: tuple[float, ...]
    is_exact: bool


def joint_spectral_radius(
    method: Method,
    smallest_curvature: Scalar,
    largest_curvature: Scalar,
    *,
    tolerance: float = 1e-3,
    longest: int = 40,
) -> JointSpectralRadius:
    """The largest growth per step when every step may meet another curvature of an interval.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step; plain numbers.
    smallest_curvature, largest_curvature : float
        The ends of the interval; negative curvatures are allowed.
    tolerance : float
        How far apart the bounds may stay.
    longest : int
        The longest product that is tried.

    Returns
    -------
    JointSpectralRadius

    Raises
    ------
    DomainError
        If the ends are in the wrong order, or the coefficients change with the step.
    NotTraceableError
        With symbols: use the law ``spectrum.switching_growth``.

    Notes
    -----
    The transition is affine in the curvature, so the ends of the interval are as bad as all of it.
    Where the loop is x₊ = s x − D x₋ and s reaches both signs alike, or D ≤ 0, there is a closed
    form. Elsewhere branch and bound (Gripenberg): products of both ends are kept as long as a norm
    allows them to grow faster than what is attained, and the bracket closes from both sides.

    Examples
    --------
    >>> from momentum_dynamics import tune
    >>> ball = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=9.0)
    >>> found = joint_spectral_radius(ball, 1.0, 9.0)
    >>> round(found.lower, 6), round(found.upper, 6), found.is_exact
    (1.207107, 1.207107, True)
    """
    if any(map(is_symbolic, (smallest_curvature, largest_curvature))) or (
        state_space(method, step=transient_of(method)).is_symbolic
    ):
        raise NotTraceableError(
            "Joint radii are answered for numbers only; for symbols there is the law "
            "spectrum.switching_growth."
        )
    require_order(smallest_curvature, largest_curvature, single=True)
    if period_of(method) != 1:
        raise DomainError(
            f"One period of {type(method).__name__} takes several gradients; joint radii are "
            "answered for one gradient a step."
        )
    ends = float(smallest_curvature), float(largest_curvature)
    matrices: Any = [transition_matrix(method, end) for end in ends]
    if any(matrix.ndim != 2 for matrix in matrices):
        raise DomainError("A joint radius is of one method; give plain numbers, no batches.")
    bounds = _branch_and_bound(matrices, tolerance, longest)
    lower, upper, word = bounds
    exact = _closed_form(method, ends)
    if exact is not None:
        lower = upper = exact
    return JointSpectralRadius(
        lower=lower,
        upper=upper,
        word=tuple(ends[index] for index in word),
        is_exact=exact is not None,
    )


def _closed_form(method: Method, ends: tuple[float, float]) -> float | None:
    """The law of x₊ = s x − D x₋ where it applies."""
    system = state_space(method)
    if system.slots > 2:
        return None
    trace, per_curvature, determinant, slope = map(float, affine_pair(system))
    traces = [trace + per_curvature * end for end in ends]
    reach = max(map(abs, traces))
    balanced = abs(sum(traces)) <= 1e-12 * max(reach, 1.0)
    if abs(slope) > 1e-14 or not (balanced or determinant <= 0):
        return None
    return float(switching_growth(reach, abs(determinant)))


def _branch_and_bound(
    matrices: list[Array], tolerance: float, longest: int
) -> tuple[float, float, tuple[int, ...]]:
    """Gripenberg's bracket, in coordinates where the largest norm is small."""
    pair = [_balance(matrices) @ matrix @ np.linalg.inv(_balance(matrices)) for matrix in matrices]
    stack = np.array(pair)
    words: list[tuple[int, ...]] = [(0,), (1,)]
    bound = np.linalg.norm(stack, 2, axis=(-2, -1))
    radii = np.abs(np.linalg.eigvals(stack)).max(axis=-1)
    best = int(np.argmax(radii))
    lower, word = float(radii[best]), words[best]
    ceiling, products = float(bound.max()), stack
    for length in range(2, longest + 1):
        products = np.concatenate([matrix @ products for matrix in pair])
        words = [(*old, index) for index in range(2) for old in words]
        growth = np.linalg.norm(products, 2, axis=(-2, -1)) ** (1 / length)
        bound = np.minimum(np.concatenate([bound, bound]), growth)
        radii = np.abs(np.linalg.eigvals(products)).max(axis=-1) ** (1 / length)
        best = int(np.argmax(radii))
        if radii[best] > lower * (1 + 1e-12):
            lower, word = float(radii[best]), words[best]
        keep = bound > lower + tolerance
        ceiling = min(ceiling, max(lower + tolerance, float(bound.max())))
        if not keep.any() or keep.sum() > _KEPT:
            break
        products, bound = products[keep], bound[keep]
        words = [w for w, kept in zip(words, keep, strict=True) if kept]
    return lower, ceiling, word


def _balance(matrices: list[Array]) -> Array:
    """Coordinates from one quadratic norm that suits both matrices: their summed Gramian."""
    size = len(matrices[0])
    scale = max(float(np.abs(np.linalg.eigvals(matrix)).max()) for matrix in matrices)
    # Below 1/√2 of the radius the sum over all words converges.
    shrunk = [matrix / (1.6 * max(scale, 1e-12)) for matrix in matrices]
    gram = np.eye(size)
    for _ in range(60):
        gram = np.eye(size) + sum(matrix.T @ gram @ matrix for matrix in shrunk)
        gram = gram / np.linalg.norm(gram) if np.linalg.norm(gram) > 1e12 else gram
    return np.asarray(np.linalg.cholesky(gram).T, dtype=float)
