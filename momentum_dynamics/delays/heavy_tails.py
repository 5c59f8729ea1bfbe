"""Service times with heavy tails or none but measured: lognormal, Pareto, empirical."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.services import (
    Array,
    after_zero,
    as_chances,
    require_single,
)
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import Scalar, is_symbolic, record
from momentum_dynamics.scalars import exp

__all__ = ["Empirical", "LogNormal", "Pareto"]


def _numbers(law: Any, s: Scalar) -> Array:
    """The arguments of a transform without closed form, as an array."""
    if is_symbolic(s):
        raise NotTraceableError(
            f"The Laplace transform of {type(law).__name__} has no closed form; give numbers."
        )
    return np.asarray(s, dtype=complex if np.iscomplexobj(s) else float)


@record
class LogNormal:
    """A product of many small random factors.

    Parameters
    ----------
    variation : scalar
        The coefficient of variation, positive.
    mean : scalar
        Positive.

    Examples
    --------
    >>> round(float(LogNormal(variation=1).quantile(0.5)), 4)
    0.7071
    """

    variation: Scalar
    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)

    @property
    def _logarithm(self) -> tuple[float, float]:
        """Mean and standard deviation of log S."""
        square = np.log1p(float(self.variation) ** 2)
        return float(np.log(float(self.mean)) - square / 2), float(np.sqrt(square))

    def _standard(self, t: Any) -> Array:
        center, spread = self._logarithm
        with np.errstate(divide="ignore"):
            return (np.log(after_zero(t)) - center) / spread

    def distribution(self, t: Any) -> Array:
        from scipy.special import ndtr

        return ndtr(self._standard(t))

    def survival(self, t: Any) -> Array:
        from scipy.special import ndtr

        return ndtr(-self._standard(t))

    def quantile(self, p: Any) -> Array:
        from scipy.special import ndtri

        center, spread = self._logarithm
        return np.exp(center + spread * ndtri(as_chances(p)))

    def shortfall(self, t: Any) -> Array:
        from scipy.special import ndtr

        share = ndtr(self._standard(t) - self._logarithm[1])
        return after_zero(t) * self.distribution(t) - float(self.mean) * share

    def laplace_transform(self, s: Scalar) -> Scalar:
        # With x = log S the integrand is exp(−s eˣ − (x − μ)²/2σ²). Its saddle lies where
        # μ − x = W, with W exp W = sσ² exp μ. Through the saddle, parallel to the real line, the
        # integrand is a smooth bump, for which the trapezoidal rule is exact to rounding.
        from scipy.special import lambertw

        center, spread = self._logarithm
        w = lambertw(_numbers(self, s) * spread**2 * np.exp(center))[..., None]
        y = spread * np.linspace(-_BUMP, _BUMP, _NODES)
        with np.errstate(over="ignore"):
            # Far to the right the exponent is −∞ plus a phase: nothing is left there.
            power = -(w * (np.exp(y) - 1 - y) + y**2 / 2 + (w + w**2 / 2)) / spread**2
        bump = np.where(np.isfinite(power), np.exp(np.where(np.isfinite(power), power, 0)), 0)
        step = 2 * _BUMP / (_NODES - 1)
        value = bump.sum(axis=-1) * step / np.sqrt(2 * np.pi)
        return value if np.iscomplexobj(s) else value.real

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return rng.lognormal(*self._logarithm, size)


@record
class Pareto:
    """Times whose chances decay like a power: a few services take very long.

    Parameters
    ----------
    tail : scalar
        The exponent, above 1; P(S > t) = (b/t)^tail from the smallest time b on. The variation is
        infinite up to tail 2.
    mean : scalar
        Positive.

    Examples
    --------
    >>> Pareto(tail=2.0).smallest, Pareto(tail=2.0).variation
    (0.5, inf)
    """

    tail: Scalar
    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)

    @property
    def smallest(self) -> Scalar:
        """The smallest time, b = mean (tail − 1)/tail."""
        return self.mean * (self.tail - 1) / self.tail

    @property
    def variation(self) -> Scalar:
        return float(self.tail * (self.tail - 2)) ** -0.5 if self.tail > 2 else np.inf

    def distribution(self, t: Any) -> Array:
        up_to = np.maximum(np.asarray(t, dtype=float), self.smallest)
        return -np.expm1(self.tail * np.log(self.smallest / up_to))

    def survival(self, t: Any) -> Array:
        up_to = np.maximum(np.asarray(t, dtype=float), self.smallest)
        return (self.smallest / up_to) ** self.tail

    def quantile(self, p: Any) -> Array:
        with np.errstate(divide="ignore"):
            return self.smallest * np.exp(-np.log1p(-as_chances(p)) / self.tail)

    def shortfall(self, t: Any) -> Array:
        low, power = self.smallest, self.tail - 1
        up_to = np.maximum(np.asarray(t, dtype=float), low)
        return (up_to - low) + low / power * np.expm1(power * np.log(low / up_to))

    def laplace_transform(self, s: Scalar) -> Scalar:
        # With z = bs it is a e⁻ᶻ/z ∫ e⁻ˣ(1 + x/z)^(−a − 1) dx over x > 0. In log x the integrand is
        # analytic in a strip of half-width π/2 and dies out at both ends: the trapezoidal rule.
        z = np.asarray(self.smallest * _numbers(self, s))[..., None]
        at_zero = z == 0
        z = np.where(at_zero, 1, z)
        low = np.minimum(np.log(np.abs(z)), 0) - _LEFT
        u = low + (_RIGHT - low) * np.linspace(0, 1, _NODES)
        x = np.exp(u)
        parts = np.exp(u - x) * (1 + x / z) ** (-self.tail - 1)
        step = (u[..., 1] - u[..., 0])[..., None]
        value = self.tail * np.exp(-z) / z * parts.sum(axis=-1, keepdims=True) * step
        return np.where(at_zero, 1, value)[..., 0]

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return float(self.smallest) * (1 + rng.pareto(float(self.tail), size))


_BUMP, _NODES, _LEFT, _RIGHT = 12.0, 801, 40.0, 4.5
"""How far and how finely the transforms are integrated: past these ends nothing is left."""


@record
class Empirical:
    """Measured times, resampled.

    Parameters
    ----------
    times : sequence of float
        At least one; each positive and finite.

    Examples
    --------
    >>> Empirical(times=[1.0, 3.0]).mean
    2.0
    """

    times: Any

    def check(self) -> None:
        if np.ndim(self.times) != 1:
            raise DomainError(
                f"Empirical: times has shape {np.shape(self.times)}, but must be one row of times."
            )

    @cached_property
    def _sorted(self) -> NDArray[np.float64]:
        return np.sort(np.asarray(self.times, dtype=float))

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self._sorted)])

    @property
    def mean(self) -> Scalar:
        return float(self._sorted.mean())

    @property
    def variation(self) -> Scalar:
        return float(self._sorted.std() / self._sorted.mean())

    def distribution(self, t: Any) -> Array:
        return np.searchsorted(self._sorted, np.asarray(t, dtype=float), "right") / len(self._sorted)

    def survival(self, t: Any) -> Array:
        return 1 - self.distribution(t)

    def quantile(self, p: Any) -> Array:
        count = len(self._sorted)
        # p = k/count, rounded, is the k-th time and not the next.
        rank = np.ceil(as_chances(p) * count * (1 - np.finfo(float).eps)).astype(int)
        return self._sorted[np.clip(rank, 1, count) - 1]

    def shortfall(self, t: Any) -> Array:
        up_to = np.asarray(t, dtype=float)
        below = np.searchsorted(self._sorted, up_to, "right")
        return (below * up_to - self._sums[below]) / len(self._sorted)

    def laplace_transform(self, s: Scalar) -> Scalar:
        if is_symbolic(s):
            return sum(exp(-t * s) for t in self._sorted.tolist()) / len(self._sorted)
        return np.exp(-np.asarray(s)[..., None] * self._sorted).mean(axis=-1)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return rng.choice(self._sorted, size)
