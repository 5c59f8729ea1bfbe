"""Functions of one variable on which momentum fails, and one on which it does not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, ShapeError

__all__ = ["CurvatureJump", "PiecewiseQuadratic"]

Array = NDArray[np.float64]


class PiecewiseQuadratic:
    """A convex function whose gradient is continuous and piecewise linear, with its minimum at 0.

    Parameters
    ----------
    knots : sequence of float
        Where the curvature changes, ascending.
    curvatures : sequence of float
        One more than knots, positive; the piece that holds 0 runs through it.

    Raises
    ------
    ShapeError, DomainError
        If the sequences do not fit or are not admissible.

    Examples
    --------
    >>> PiecewiseQuadratic([1.0, 2.0], [25.0, 1.0, 25.0]).field(np.array([3.0]))
    array([51.])
    """

    dimension = 1

    def __init__(self, knots: Sequence[float], curvatures: Sequence[float]) -> None:
        if len(curvatures) != len(knots) + 1:
            raise ShapeError(
                f"There are {len(knots)} knots and {len(curvatures)} curvatures, but must be one "
                "more of these."
            )
        if list(knots) != sorted(set(knots)) or min(curvatures) <= 0:
            raise DomainError("The knots must ascend and the curvatures be positive.")
        self.knots, self.curvatures = tuple(knots), tuple(curvatures)

    @classmethod
    def lessard(cls) -> PiecewiseQuadratic:
        """The function on which heavy ball, tuned for curvatures 1 and 25, has a 3-cycle."""
        return cls((1, 2), (25, 1, 25))

    def __repr__(self) -> str:
        """Say the pieces."""
        return f"PiecewiseQuadratic(knots={self.knots}, curvatures={self.curvatures})"

    @property
    def start(self) -> Array:
        """Where the cycle of `lessard` draws near."""
        return np.array([3.3])

    @property
    def solution(self) -> Array:
        """The minimum."""
        return np.zeros(1)

    def slope(self, point: Any) -> Any:
        """The derivative at one number, exact for fractions."""
        ends = [knot for knot in self.knots if 0 < knot < point or point < knot < 0]
        walls = [0, *(sorted(ends) if point > 0 else sorted(ends, reverse=True)), point]
        total: Any = 0
        for here, there in itertools.pairwise(walls):
            total = total + self._curvature(here, there) * (there - here)
        return total

    def _curvature(self, here: Any, there: Any) -> Any:
        """The curvature between two points of one piece."""
        middle = Fraction(here) + (Fraction(there) - Fraction(here)) / 2
        return self.curvatures[sum(middle > knot for knot in self.knots)]

    @cached_property
    def _pieces(self) -> tuple[Array, Array, Array, Array]:
        """Walls, and at each the loss, the derivative and the curvature up to the next wall.

        The first and the last piece reach to infinity, so the first wall stands for it too.
        """
        walls = np.array(sorted({0.0, *map(float, self.knots)}))
        slopes = np.array([float(self.slope(wall)) for wall in walls])
        middles = [walls[0] - 1, *((walls[1:] + walls[:-1]) / 2), walls[-1] + 1]
        bends = [float(self.curvatures[sum(x > knot for knot in self.knots)]) for x in middles]
        rises = np.concatenate([[0.0], np.cumsum(np.diff(walls) * (slopes[1:] + slopes[:-1]) / 2)])
        losses = rises - rises[int(np.flatnonzero(walls == 0)[0])]
        return (
            np.array([walls[0], *walls]), np.array([losses[0], *losses]),
            np.array([slopes[0], *slopes]), np.array(bends),
        )  # fmt: skip

    def field(self, point: Array) -> Array:
        """The derivative at points ``(*any, 1)``."""
        walls, _, slopes, bends = self._pieces
        piece = np.searchsorted(walls[1:], point)
        found: Array = slopes[piece] + bends[piece] * (point - walls[piece])
        return found

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, 1)``; zero at the minimum."""
        walls, losses, slopes, bends = self._pieces
        piece = np.searchsorted(walls[1:], point)
        away = point - walls[piece]
        return (losses[piece] + away * (slopes[piece] + bends[piece] * away / 2)).sum(axis=-1)

    def spectrum(self) -> Array:
        """The curvature at the minimum."""
        return np.array([float(self.curvatures[sum(knot < 0 for knot in self.knots)])])


class CurvatureJump:
    """f'(x) = h(x) x, with one curvature near the minimum and another beyond a distance.

    The generalized curvature h lies between the two, yet f' jumps (or, smoothed, falls) at the
    wall, so the function is not convex.

    Parameters
    ----------
    inner, outer : float
        The curvatures for |x| < 1 and beyond; positive.
    width : float
        Of a smooth passage in log |x|; 0 is a jump.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> CurvatureJump(inner=1000.0, outer=1.0).field(np.array([0.5, 2.0]))
    array([500.,   2.])
    """

    dimension = 1

    def __init__(self, *, inner: float, outer: float, width: float = 0.0) -> None:
        if not (inner > 0 and outer > 0 and width >= 0):
            raise DomainError(
                f"CurvatureJump got curvatures {inner} and {outer} and width {width}; they must be "
                "positive, the width not negative."
            )
        self.inner, self.outer, self.width = float(inner), float(outer), float(width)

    def __repr__(self) -> str:
        """Say the curvatures."""
        return f"CurvatureJump(inner={self.inner:g}, outer={self.outer:g}, width={self.width:g})"

    @property
    def start(self) -> Array:
        """Outside."""
        return np.array([10.0])

    @property
    def solution(self) -> Array:
        """The minimum."""
        return np.zeros(1)

    def curvature(self, point: Array) -> Array:
        """The generalized curvature f'(x)/x."""
        with np.errstate(divide="ignore"):
            away = np.log(np.abs(point))
        if self.width == 0:
            return np.where(away < 0, self.inner, self.outer)
        share = 1 / (1 + np.exp(np.clip(-away / self.width, -700, 700)))
        return np.asarray(self.inner ** (1 - share) * self.outer**share)

    def field(self, point: Array) -> Array:
        """The derivative at points ``(*any, 1)``."""
        return self.curvature(point) * point

    def spectrum(self) -> Array:
        """The curvature at the minimum."""
        return np.array([self.inner])
