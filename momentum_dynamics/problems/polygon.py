"""Smooth strongly convex functions on which a method can run in circles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError

__all__ = ["Polygon"]

Array = NDArray[np.float64]


class Polygon:
    """L|x|²/2 − (L − μ)/2 times the squared distance from a regular polygon in the plane.

    The gradient is μx + (L − μ)·(the nearest point of the polygon): μ-strongly convex, L-smooth,
    with curvature μ where the nearest point is a corner, and its minimum at 0.

    Parameters
    ----------
    corner : complex
        One corner, as a point of the complex plane; the others are its turns by 2π/corners.
    corners : int
        From 3.
    smallest_curvature, largest_curvature : float
        μ < L.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    References
    ----------
    [goujaud2023]_

    Examples
    --------
    >>> triangle = Polygon(0.5, corners=3, smallest_curvature=1.0, largest_curvature=3.0)
    >>> triangle.field(np.array([2.0, 0.0]))
    array([3., 0.])
    """

    dimension = 2

    def __init__(
        self,
        corner: complex,
        *,
        corners: int,
        smallest_curvature: float,
        largest_curvature: float,
    ) -> None:
        if corners < 3 or corners != int(corners):
            raise DomainError(f"corners is {corners}, but must be a whole number from 3.")
        if not 0 < smallest_curvature < largest_curvature < np.inf:
            raise DomainError(
                f"The curvatures are {smallest_curvature} and {largest_curvature}, but must be "
                "positive and ascending."
            )
        self.corner, self.corners = complex(corner), int(corners)
        self.low, self.high = float(smallest_curvature), float(largest_curvature)

    def __repr__(self) -> str:
        """Say the corners and the curvatures."""
        return f"Polygon(corners={self.corners}, curvatures [{self.low:g}, {self.high:g}])"

    @property
    def start(self) -> Array:
        """On the unit circle."""
        return np.array([1.0, 0.0])

    @property
    def solution(self) -> Array:
        """The middle."""
        return np.zeros(2)

    def nearest(self, point: Array) -> Array:
        """The nearest point of the polygon to points ``(*any, 2)``."""
        z = np.asarray(point[..., 0] + 1j * point[..., 1])
        if self.corner == 0:
            return np.zeros_like(point, dtype=float)
        # In units of the corner, the polygon has a corner at 1 and sides at half turns.
        seen = z / self.corner
        turn = 2 * np.pi / self.corners
        sector = np.exp(1j * turn * np.floor(np.angle(seen) / turn))
        local = seen / sector  # its angle is between the corners at 1 and at e^{i turn}
        side = np.exp(1j * turn) - 1
        along = np.clip(((local - 1) * np.conj(side)).real / abs(side) ** 2, 0, 1)
        on_side = 1 + along * side
        normal = np.exp(1j * turn / 2)
        inside = (local * np.conj(normal)).real <= np.cos(turn / 2)
        found = np.where(inside, local, on_side) * sector * self.corner
        return np.stack([found.real, found.imag], axis=-1)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, 2)``."""
        return self.low * point + (self.high - self.low) * self.nearest(point)

    def loss(self, point: Array) -> Any:
        """The loss at points ``(*any, 2)``; zero at the minimum."""
        gap = ((point - self.nearest(point)) ** 2).sum(axis=-1)
        return self.high * (point**2).sum(axis=-1) / 2 - (self.high - self.low) * gap / 2

    def spectrum(self) -> Array:
        """The curvatures at the minimum, inside the polygon: L twice."""
        return np.array([self.high, self.high])
