"""A problem made ready to run: its own field, the modes of its start, and where rounding begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.problems import LinearProblem, NamedData, Ridge

__all__ = ["EPSILON", "Run", "prepare", "require_scale"]

Array = NDArray[np.float64]


def require_scale(problem: Ridge, data: NamedData | None) -> None:
    """Refuse numbers whose squares leave the range of floating point."""
    for array, kind in ((problem.X, "X"), (problem.y, "y")):
        size = np.abs(array)
        largest = float(size.max())
        if largest == 0 or _SMALL < largest < 1 / _SMALL:
            continue
        where = kind
        if data is not None:
            column = data.features[int(size.max(axis=0).argmax())] if kind == "X" else data.target
            where = f"column {column!r}"
        raise DomainError(
            f"The largest number of {where} is {largest:.3g}, and its square leaves the range of "
            "floating point; rescale it to about one."
        )


_SMALL = 1e-100
"""Numbers between this and its inverse can be squared, summed and divided by each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A problem made ready to run: its own field, and the modes that its start excites.

    It is a `Problem`, so that `simulate` takes it.
    """

    field: Callable[[Array], Array]
    start: Array
    solution: Array
    curvatures: Array
    along: Array
    dropped: int
    floor: float
    is_solved: bool
    cost: float

    @property
    def dimension(self) -> int:
        return len(self.start)

    @property
    def low(self) -> float:
        return float(self.curvatures[0])

    @property
    def high(self) -> float:
        return float(self.curvatures[-1])

    @property
    def is_round(self) -> bool:
        """Whether all curvatures are one number, up to rounding."""
        return self.high - self.low <= 1e-12 * self.high

    @property
    def away(self) -> float:
        """The distance of the start."""
        return float(np.linalg.norm(self.along))

    def spectrum(self) -> Array:
        return self.curvatures


def prepare(problem: LinearProblem) -> Run:
    """Split a problem into its modes and find where its start leads.

    Raises
    ------
    DomainError
        If a curvature is negative or all are zero.
    """
    values, basis = problem.modes
    # A problem with a rank, or given by its spectrum, knows its zeros exactly; the eigenvalues of a
    # matrix are known up to rounding.
    exact = basis is None or hasattr(problem, "rank")
    rounding = 0.0 if exact else len(values) * EPSILON * float(np.abs(values).max())
    if values.min() < -rounding:
        raise DomainError(
            f"The smallest curvature is {values.min():.4g}, a saddle, from which every method runs "
            "away; analyze needs curvatures from 0."
        )
    kept = np.flatnonzero(values > rounding)
    if len(kept) == 0:
        raise DomainError("Every curvature is zero, so there is nothing to fit.")
    kept = kept[np.argsort(values[kept], kind="stable")]
    curvatures = values[kept]

    def along_modes(vector: Array) -> Array:
        return vector[kept] if basis is None else basis[:, kept].T @ vector

    along = along_modes(problem.start - problem.solution)
    step_back = np.zeros(problem.dimension)
    if basis is None:
        step_back[kept] = along
    else:
        step_back = basis[:, kept] @ along
    solution = problem.start - step_back if len(kept) < len(values) else problem.solution
    field, cost = _own_field(problem)
    leftover = along_modes(field(solution))
    away = float(np.linalg.norm(along))
    rounding = EPSILON * _magnitude(problem, curvatures * along)
    floor = _FLOOR * float(np.linalg.norm(leftover / curvatures))
    floor += 4 * max(EPSILON * away * curvatures[-1], rounding) / curvatures[0]
    return Run(
        field=field,
        start=problem.start,
        solution=solution,
        curvatures=curvatures,
        along=along,
        dropped=len(values) - len(kept),
        floor=min(float(floor), _SHALLOW * away),
        is_solved=bool(np.linalg.norm(curvatures * along) <= _FLOOR * rounding),
        cost=cost,
    )


def _magnitude(problem: LinearProblem, gradient: Array) -> float:
    """The size of the terms that the first gradient sums up: rounding is relative to it."""
    if not isinstance(problem, Ridge):
        return float(np.linalg.norm(gradient))
    terms = np.abs(problem.X).T @ np.abs(problem.y)
    return float(np.linalg.norm(terms)) / len(problem.X)


EPSILON = float(np.finfo(float).eps)

_FLOOR = 30
"""How far rounding may wander above the one sample of it taken at the solution."""

_SHALLOW = 1e-3
"""Runs that cannot resolve the smallest curvature do not come that near to their floor either."""


def _own_field(problem: LinearProblem) -> tuple[Callable[[Array], Array], float]:
    """The gradient on the data themselves, and what it costs; tall data are folded first."""
    size = problem.dimension
    if not isinstance(problem, Ridge):
        return problem.field, 2.0 * size * size
    samples = len(problem.X)
    if samples <= 2 * (size + 1):
        return problem.field, 4.0 * samples * size
    triangle = np.asarray(np.linalg.qr(np.column_stack([problem.X, problem.y]), mode="r"))
    triangle = triangle * math.sqrt(len(triangle) / samples)
    folded = Ridge(triangle[:, :-1], triangle[:, -1], ridge=problem.ridge)
    return folded.field, 4.0 * len(triangle) * size
