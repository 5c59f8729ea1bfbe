"""Leaving a saddle of many directions at once: exact variances, and how many take part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.unstable import Loop, closed_loop, noisy_moments, over_a_period
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.inputs import real_numbers
from momentum_dynamics.methods import Method
from momentum_dynamics.notation import Scalar

__all__ = ["SaddleExit", "exit_from_saddle"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SaddleExit:
    """How a noisy linear loop leaves a saddle of many directions, from the saddle itself.

    Attributes
    ----------
    variances : array ``(steps + 1, modes)``
        Of the answer along each mode, exact.
    distance : float
    """

    variances: Array
    distance: float

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<SaddleExit: {self.mean:.4g} steps on average from {self.variances.shape[1]} "
            f"directions, {self.participants:.3g} of which take part>"
        )

    @property
    def mean_square(self) -> Array:
        """The mean of the squared distance from the saddle, exact, ``(steps + 1,)``."""
        return np.asarray(self.variances.sum(axis=-1))

    @property
    def participation(self) -> Array:
        """(Σ v)²/Σ v²: how many directions share the motion, from 1 to all, ``(steps + 1,)``."""
        squares = (self.variances**2).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            return np.where(squares > 0, self.mean_square**2 / squares, self.variances.shape[1])

    @property
    def participants(self) -> float:
        """The participation at the mean exit."""
        return float(np.interp(self.mean, np.arange(len(self.variances)), self.participation))

    @cached_property
    def inside(self) -> Array:
        """The chance to be within the distance at each step, P(T > t), ``(steps + 1,)``.

        The squared distance is Σ v z² with independent normal z, whose law is inverted from its
        Laplace transform. Where more than sixty directions share the motion it is taken for a χ² of
        as many degrees of freedom as take part.
        """
        from scipy.special import gammainc

        scaled = self.variances / self.distance**2
        half = self.participation / 2
        with np.errstate(divide="ignore"):
            found = np.asarray(gammainc(half, half / scaled.sum(axis=-1)))
        few = (self.participation <= _MANY) & (found < 1)
        found[few] = _chance_below_one(scaled[few])
        return found

    @property
    def mean(self) -> float:
        """The mean of the first step outside, Σ P(T > t)."""
        return float(self.inside.sum())

    @property
    def standard_deviation(self) -> float:
        """Of the first step outside."""
        second = ((2 * np.arange(len(self.inside)) + 1) * self.inside).sum()
        return float(np.sqrt(max(second - self.mean**2, 0.0)))

    def survival(self, steps: ArrayLike) -> Array:
        """P(T > t), ``(*times)``; past the last step that was followed as there."""
        times = real_numbers("steps", steps)
        if np.isnan(times).any():
            raise DomainError("steps holds NaN, but must be numbers of updates.")
        at = np.clip(np.floor(times), 0, len(self.inside) - 1).astype(int)
        return np.where(times < 0, 1.0, self.inside[at])[()]

    def cdf(self, steps: ArrayLike) -> Array:
        """P(T ≤ t).

        Parameters
        ----------
        steps : array ``(*times)``
            t, in updates; between whole steps nothing happens.

        Returns
        -------
        array ``(*times)``
        """
        return 1 - self.survival(steps)

    def to_dict(self) -> dict[str, Any]:
        """The arrays and numbers by name."""
        names = ("variances", "distance", "participation", "participants", "inside", "mean",
                 "standard_deviation")  # fmt: skip
        return {name: getattr(self, name) for name in names}


_MANY, _NODES = 60.0, 32
"""Above which participation χ² is near enough; nodes of the contour, good for 1e-8 up to there."""


def _chance_below_one(variances: Array) -> Array:
    """P(Σ v z² < 1) for independent standard normal z: ``(*any, modes)`` to ``(*any)``.

    Talbot's contour, in the fixed form of Abate and Valkó, around the negative axis, on which the
    Laplace transform Π(1 + 2vs)^(−1/2) has its singularities.
    """
    angle = np.arange(1, _NODES) * np.pi / _NODES
    radius = 2 * _NODES / 5
    slope = 1 / np.tan(angle)
    points = np.append(radius + 0j, radius * angle * (slope + 1j))
    weights = np.append(0.5 + 0j, 1 + 1j * (angle + (angle * slope - 1) * slope))
    total = np.zeros(variances.shape[:-1])
    for point, weight in zip(points, weights, strict=True):
        transform = np.exp(point - np.log1p(2 * variances * point).sum(axis=-1) / 2) / point
        total += (weight * transform).real
    return np.clip(total * radius / _NODES, 0.0, 1.0)


def exit_from_saddle(
    method: Method,
    spectrum: ArrayLike,
    *,
    noise_variance: Scalar,
    distance: float,
    delay: Delay | None = None,
) -> SaddleExit:
    """How long a method takes to leave a saddle of many directions, started at the saddle.

    Every direction of negative curvature grows. The most negative one wins in the end, but near the
    edge of a spectrum many are almost as fast, and the distance is often reached together: sooner,
    and with less spread, than by the winner alone.

    Parameters
    ----------
    method : Method
        One setting.
    spectrum : array ``(modes,)``
        The curvatures, at least one negative.
    noise_variance : scalar or array ``(modes,)``
        σ² of each gradient, along the modes.
    distance : float
        Δ of the whole point.
    delay : Delay, optional
        As in `exit_time`.

    Returns
    -------
    SaddleExit

    Raises
    ------
    ShapeError
        If the spectrum is no vector, or the method or the distance has batch axes.
    DomainError
        As `exit_time` of the most negative curvature; and if another direction grows without being
        a saddle's.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, semicircle_saddle
    >>> saddle = semicircle_saddle(200, shift=0.5, seed=0)
    >>> exit_from_saddle(
    ...     GradientDescent(learning_rate=0.1), saddle.spectrum(), noise_variance=1e-6, distance=1.0
    ... )
    <SaddleExit: 163.1 steps on average from 200 directions, 3.51 of which take part>
    """
    curvatures = real_numbers(
        "spectrum", spectrum, "give a vector of curvatures, such as problem.spectrum()"
    )
    if curvatures.ndim != 1 or curvatures.size == 0:
        raise ShapeError(
            f"spectrum has shape {curvatures.shape}, but must be a vector of curvatures."
        )
    if np.shape(noise_variance) not in {(), (1,), curvatures.shape}:
        raise ShapeError(
            f"noise_variance has shape {np.shape(noise_variance)}, but there are "
            f"{len(curvatures)} curvatures; give one number, or one for each."
        )
    noise = np.broadcast_to(np.asarray(noise_variance, dtype=float), curvatures.shape)
    first = int(np.argmin(curvatures))
    winner = exit_time(
        method, curvatures[first], noise_variance=noise[first], distance=distance, delay=delay
    )
    # As many settings as modes would pass for one along each mode.
    if winner.growth.ndim or np.ndim(distance):
        raise ShapeError(
            "The method or distance has batch axes; ask for one setting and one distance at a time."
        )
    loop = closed_loop(method, curvatures, noise, 0.0, delay)
    _require_stable_rest(loop, curvatures)
    last = np.log(distance / (winner.amplitude * _RARE)) / np.log(winner.growth)
    _, variances = noisy_moments(loop, int(np.ceil(last)) + 1)
    return SaddleExit(variances=variances, distance=float(distance))


_RARE = 1e-4
"""Which share of its deviation the winner's coefficient hardly ever falls below."""


def _require_stable_rest(loop: Loop, curvatures: Array) -> None:
    """Refuse a step that is too large for the directions of positive curvature."""
    radius = np.abs(np.linalg.eigvals(over_a_period(loop)[0])).max(axis=-1)
    if np.any(radius[curvatures > 0] > 1):
        largest = curvatures[np.argmax(np.where(curvatures > 0, radius, 0))]
        raise DomainError(
            f"The loop is unstable on the curvature {largest:.6g} too, which is no saddle's but a "
            "step that is too large; lower the learning rate."
        )
