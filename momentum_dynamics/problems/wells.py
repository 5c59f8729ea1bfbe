"""Two minima of one variable, one deep and sharp, one shallow and flat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import one_number

__all__ = ["DoubleWell"]

Array = NDArray[np.float64]


class DoubleWell:
    """A loss with slope 4b(x² − 1)(x − c): minima at −1 and 1, and a top between them at c.

    With c < 0 the right minimum is the deeper and the sharper one: the depths differ by 16b|c|/3,
    the curvatures are 8b(1 + |c|) and 8b(1 − |c|).

    Parameters
    ----------
    barrier : float
        b > 0: for c = 0 the height of the top above both minima.
    top : float
        c, between −1 and 1.

    Raises
    ------
    DomainError
        If a number is not admissible.

    Examples
    --------
    >>> well = DoubleWell(barrier=2.0)
    >>> float(well.height(0.0) - well.height(1.0)), well.spectrum()
    (2.0, array([16.]))
    """

    dimension = 1

    def __init__(self, *, barrier: float = 1.0, top: float = 0.0) -> None:
        self.barrier = one_number("DoubleWell: barrier", barrier)
        self.top = one_number("DoubleWell: top", top)
        if not (0 < self.barrier < np.inf and -1 < self.top < 1):
            raise DomainError(
                f"barrier is {barrier} and top {top}, but must lie in (0, ∞) and (−1, 1)."
            )

    def __repr__(self) -> str:
        """Say height and place of the top."""
        return f"DoubleWell(barrier={self.barrier:g}, top={self.top:g})"

    @property
    def start(self) -> Array:
        """The left minimum."""
        return np.array([-1.0])

    @property
    def solution(self) -> Array:
        """The right minimum: for c < 0 the global one."""
        return np.array([1.0])

    def height(self, x: Any) -> Any:
        """The loss at numbers of any shape."""
        c = self.top
        return 4 * self.barrier * (x**4 / 4 - c * x**3 / 3 - x**2 / 2 + c * x)

    def loss(self, point: Array) -> Array:
        """The loss at points ``(*any, 1)``."""
        found: Array = self.height(point)[..., 0]
        return found

    def field(self, point: Array) -> Array:
        """The slope at points ``(*any, 1)``, or at numbers of any shape."""
        found: Array = 4 * self.barrier * (point**2 - 1) * (point - self.top)
        return found

    def curvature(self, point: Array) -> Array:
        """The second derivative at numbers of any shape."""
        x = np.asarray(point, dtype=float)
        return 4 * self.barrier * (3 * x**2 - 2 * self.top * x - 1)

    def spectrum(self) -> Array:
        """The curvature at the right minimum."""
        return np.asarray(self.curvature(self.solution), dtype=float)
