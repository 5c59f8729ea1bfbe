"""Saddles to leave: a quartic one, a degenerate one, many in a row, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.inputs import real_numbers, require_counts
from momentum_dynamics.problems.quadratic import Quadratic

__all__ = [
    "MonkeySaddle",
    "QuarticSaddle",
    "SaddleChain",
    "semicircle_saddle",
    "wishart_saddle",
]

Array = NDArray[np.float64]


class QuarticSaddle:
    """The loss x⁴/4 − x²/2 + y²/2: a strict saddle at 0 between two minima at (±1, 0).

    Examples
    --------
    >>> QuarticSaddle().field(np.array([0.5, 2.0]))
    array([-0.375,  2.   ])
    """

    dimension = 2

    def __repr__(self) -> str:
        """Its name."""
        return "QuarticSaddle()"

    @property
    def start(self) -> Array:
        """A thousandth off the stable line x = 0."""
        return np.array([1e-3, 1.0])

    @property
    def solution(self) -> Array:
        """The saddle."""
        return np.zeros(2)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, 2)``."""
        x, y = point[..., 0], point[..., 1]
        return np.stack([x * (x * x - 1), y], axis=-1)

    def loss(self, point: Array) -> Any:
        """The loss: 0 at the saddle, −1/4 at the minima."""
        x, y = point[..., 0], point[..., 1]
        return x**4 / 4 - x**2 / 2 + y**2 / 2

    def spectrum(self) -> Array:
        """The curvatures at the saddle."""
        return np.array([-1.0, 1.0])


class MonkeySaddle:
    """The loss x³ − 3xy²: three valleys meet at 0, where all curvatures vanish.

    No theorem about strict saddles covers it: there is no negative curvature to grow along, and it
    is left polynomially, along −x from a distance d in about (1 − β)/(3αd) steps.

    Examples
    --------
    >>> MonkeySaddle().field(np.array([1.0, 2.0]))
    array([ -9., -12.])
    """

    dimension = 2

    def __repr__(self) -> str:
        """Its name."""
        return "MonkeySaddle()"

    @property
    def start(self) -> Array:
        """On the ray down which a run goes straight."""
        return np.array([-0.05, 0.0])

    @property
    def solution(self) -> Array:
        """The saddle."""
        return np.zeros(2)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, 2)``."""
        x, y = point[..., 0], point[..., 1]
        return np.stack([3 * (x * x - y * y), -6 * x * y], axis=-1)

    def loss(self, point: Array) -> Any:
        """The loss, unbounded from below."""
        x, y = point[..., 0], point[..., 1]
        return x**3 - 3 * x * y**2

    def spectrum(self) -> Array:
        """The curvatures at the saddle: none."""
        return np.zeros(2)


class SaddleChain:
    """Strict saddles one behind the other, each with one way down, and minima at (±1, …, ±1).

    The loss Σ gᵢ(wᵢ⁴/4 − wᵢ²/2) + gᵢ(1 − wᵢ₋₁²)² wᵢ², the second term from the second coordinate
    on: coordinate i has the curvature gᵢ until coordinate i − 1 has come to ±1, and −gᵢ from then
    on. So the saddles on the way are 0, (±1, 0, …, 0), (±1, ±1, 0, …, 0) and so on.

    Parameters
    ----------
    ascents : sequence of float
        gᵢ > 0, one for each saddle.

    Raises
    ------
    ShapeError, DomainError
        If there is none, or one is not positive.

    Examples
    --------
    >>> chain = SaddleChain([1.0, 1.0, 0.5])
    >>> chain.spectrum()
    array([-1. ,  0.5,  1. ])
    >>> chain.field(np.array([1.0, 1.0, 0.0]))
    array([0., 0., 0.])
    """

    def __init__(self, ascents: ArrayLike) -> None:
        values = np.array(real_numbers("SaddleChain: ascents", ascents))
        if values.ndim != 1 or values.size == 0:
            raise ShapeError(
                f"SaddleChain: ascents have shape {values.shape}; give one number for each saddle."
            )
        if not (np.isfinite(values) & (values > 0)).all():
            raise DomainError("SaddleChain: every ascent must be a positive number.")
        self.ascents = values

    def __repr__(self) -> str:
        """Say the ascents."""
        return f"SaddleChain({self.ascents.tolist()})"

    @property
    def dimension(self) -> int:
        """How many saddles there are on the way."""
        return len(self.ascents)

    @property
    def start(self) -> Array:
        """A thousandth off the first saddle in every coordinate."""
        return np.full(self.dimension, 1e-3)

    @property
    def solution(self) -> Array:
        """The first saddle."""
        return np.zeros(self.dimension)

    def field(self, point: Array) -> Array:
        """The gradient at points ``(*any, dimension)``."""
        g, squares = self.ascents, point * point
        gate = 1 - squares[..., :-1]
        found = g * point * (squares - 1)
        found[..., 1:] += 2 * g[1:] * gate * gate * point[..., 1:]
        found[..., :-1] -= 4 * g[1:] * gate * squares[..., 1:] * point[..., :-1]
        return np.asarray(found)

    def loss(self, point: Array) -> Any:
        """The loss: 0 at the first saddle, −Σ gᵢ/4 at the minima."""
        g, squares = self.ascents, point * point
        own = g * (squares / 4 - 1 / 2) * squares
        walls = g[1:] * (1 - squares[..., :-1]) ** 2 * squares[..., 1:]
        return own.sum(axis=-1) + walls.sum(axis=-1)

    def spectrum(self) -> Array:
        """The curvatures at the first saddle, ascending."""
        return np.sort(np.append(-self.ascents[0], self.ascents[1:]))


def semicircle_saddle(dimension: int, *, shift: float, seed: int) -> Quadratic:
    """A random quadratic whose curvatures fill a semicircle of radius 1 around a shift.

    The Hessian is a symmetric Gaussian matrix, scaled so that its spectrum tends to [−1, 1], plus
    the shift.

    Parameters
    ----------
    dimension : int
    shift : float
        Below 1, or there is hardly a saddle; the share of negative curvatures falls from 1/2 at 0.
    seed : int

    Returns
    -------
    Quadratic

    Raises
    ------
    DomainError
        If the dimension is no whole number from 1 on, or no curvature is negative.

    Examples
    --------
    >>> saddle = semicircle_saddle(200, shift=0.5, seed=0)
    >>> round(float((saddle.spectrum() < 0).mean()), 2)
    0.2
    """
    require_counts(dimension=dimension)
    size = int(dimension)
    drawn = np.random.default_rng(seed).standard_normal((size, size))
    matrix = (drawn + drawn.T) / np.sqrt(8 * size)
    return _saddle(matrix, -shift, f"the shift {shift}")


def wishart_saddle(samples: int, dimension: int, *, shift: float, seed: int) -> Quadratic:
    """A random quadratic with the curvatures of random data, lowered by a shift.

    The Hessian is XᵀX/n − shift for n samples of independent standard normal features.

    Parameters
    ----------
    samples, dimension : int
        n and the number of features.
    shift : float
        Above the smallest eigenvalue of XᵀX/n, near (1 − √(d/n))², or there is no saddle.
    seed : int

    Returns
    -------
    Quadratic

    Raises
    ------
    DomainError
        If a count is no whole number from 1 on, or no curvature is negative.

    Examples
    --------
    >>> saddle = wishart_saddle(400, 100, shift=0.5, seed=0)
    >>> round(float((saddle.spectrum() < 0).mean()), 2)
    0.19
    """
    require_counts(samples=samples, dimension=dimension)
    shape = int(samples), int(dimension)
    data = np.random.default_rng(seed).standard_normal(shape)
    return _saddle(data.T @ data / shape[0], shift, f"the shift {shift}")


def _saddle(matrix: Array, lowered: float, what: str) -> Quadratic:
    """The quadratic with its curvatures lowered, if that makes one negative."""
    saddle = Quadratic((matrix + matrix.T) / 2 - lowered * np.eye(len(matrix)))
    if saddle.spectrum()[0] >= 0:
        raise DomainError(f"With {what} no curvature is negative, so there is no saddle.")
    return saddle
