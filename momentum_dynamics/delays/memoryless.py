"""Service times made of memoryless ones: plain, in stages, after a fixed time, short or long."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.services import Array, after_zero, as_chances, require_single
from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import ABOVE_ONE, Scalar, is_symbolic, record
from momentum_dynamics.scalars import exp

__all__ = ["Deterministic", "Exponential", "Gamma", "Hyperexponential", "ShiftedExponential"]


@record
class Exponential:
    """Memoryless times: what is left of a service does not depend on how long it has run.

    Parameters
    ----------
    mean : scalar
        Positive.

    Examples
    --------
    >>> Exponential(mean=2).laplace_transform(0.5)
    0.5
    """

    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)

    @property
    def variation(self) -> Scalar:
        return 1

    def distribution(self, t: Any) -> Array:
        return -np.expm1(-after_zero(t) / self.mean)

    def survival(self, t: Any) -> Array:
        return np.exp(-after_zero(t) / self.mean)

    def quantile(self, p: Any) -> Array:
        with np.errstate(divide="ignore"):
            return -self.mean * np.log1p(-as_chances(p))

    def shortfall(self, t: Any) -> Array:
        return after_zero(t) - self.mean * self.distribution(t)

    def laplace_transform(self, s: Scalar) -> Scalar:
        return 1 / (1 + self.mean * s)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        # The bits of `rng.exponential`, in four fifths of its time.
        return float(self.mean) * rng.standard_exponential(size)


@record
class Deterministic:
    """Every service takes the same time.

    Parameters
    ----------
    mean : scalar
        That time; positive.

    Examples
    --------
    >>> Deterministic(mean=2).distribution([1.9, 2.0])
    array([0., 1.])
    """

    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)

    @property
    def variation(self) -> Scalar:
        return 0

    def distribution(self, t: Any) -> Array:
        return np.asarray(np.asarray(t, dtype=float) >= self.mean, dtype=float)

    def survival(self, t: Any) -> Array:
        return 1 - self.distribution(t)

    def quantile(self, p: Any) -> Array:
        return np.full_like(as_chances(p), self.mean)

    def shortfall(self, t: Any) -> Array:
        return after_zero(np.asarray(t, dtype=float) - self.mean)

    def laplace_transform(self, s: Scalar) -> Scalar:
        return exp(-self.mean * s)

    def sample(
        self,
        rng: np.random.Generator,  # noqa: ARG002
        size: Any,
    ) -> NDArray[np.float64]:
        return np.full(size, float(self.mean))


@record
class ShiftedExponential:
    """A fixed time, then a memoryless one: computing, then the network.

    Parameters
    ----------
    shift : scalar
        The fixed time, in [0, mean).
    mean : scalar
        The mean of the whole.

    Examples
    --------
    >>> ShiftedExponential(shift=0.5).variation
    0.5
    """

    shift: Scalar
    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)
        if not (is_symbolic(self.shift) or is_symbolic(self.mean)) and self.shift >= self.mean:
            raise DomainError(
                f"ShiftedExponential: shift is {self.shift}, but must be below mean {self.mean}, "
                "the mean of the whole; for a fixed time take Deterministic."
            )

    @property
    def random_part(self) -> Exponential:
        """The memoryless time after the fixed one."""
        return Exponential(mean=self.mean - self.shift)

    @property
    def variation(self) -> Scalar:
        return (self.mean - self.shift) / self.mean

    def distribution(self, t: Any) -> Array:
        return self.random_part.distribution(np.asarray(t, dtype=float) - self.shift)

    def survival(self, t: Any) -> Array:
        return self.random_part.survival(np.asarray(t, dtype=float) - self.shift)

    def quantile(self, p: Any) -> Array:
        return self.shift + self.random_part.quantile(p)

    def shortfall(self, t: Any) -> Array:
        return self.random_part.shortfall(np.asarray(t, dtype=float) - self.shift)

    def laplace_transform(self, s: Scalar) -> Scalar:
        return exp(-self.shift * s) * self.random_part.laplace_transform(s)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return float(self.shift) + self.random_part.sample(rng, size)


@record
class Gamma:
    """Several memoryless stages in a row; any positive number of them.

    Parameters
    ----------
    shape : scalar
        The number of stages: 1 is exponential, ∞ deterministic; the variation is 1/√shape.
    mean : scalar
        Positive.

    Examples
    --------
    >>> Gamma(shape=4).variation
    0.5
    """

    shape: Scalar
    mean: Scalar = 1

    def check(self) -> None:
        require_single(self)

    @property
    def _scale(self) -> Scalar:
        return self.mean / self.shape

    @property
    def variation(self) -> Scalar:
        return self.shape**-0.5

    def distribution(self, t: Any) -> Array:
        from scipy.special import gammainc

        return gammainc(self.shape, after_zero(t) / self._scale)

    def survival(self, t: Any) -> Array:
        from scipy.special import gammaincc

        return gammaincc(self.shape, after_zero(t) / self._scale)

    def quantile(self, p: Any) -> Array:
        from scipy.special import gammaincinv

        return self._scale * gammaincinv(self.shape, as_chances(p))

    def shortfall(self, t: Any) -> Array:
        from scipy.special import gammainc

        up_to = after_zero(t)
        share = gammainc(self.shape + 1, up_to / self._scale)
        return up_to * self.distribution(t) - self.mean * share

    def laplace_transform(self, s: Scalar) -> Scalar:
        return (1 + self._scale * s) ** (-self.shape)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        # Tiny shapes give times below the smallest float, which are positive all the same.
        drawn = rng.gamma(float(self.shape), float(self._scale), size)
        return np.maximum(drawn, np.finfo(float).tiny)


@record
class Hyperexponential:
    """One of two memoryless times, a short or a long one, each with half of the work.

    Parameters
    ----------
    variation : scalar
        The coefficient of variation, above 1.
    mean : scalar
        Positive.

    Examples
    --------
    >>> for chance, mean in Hyperexponential(variation=2).phases:
    ...     print(round(chance, 3), round(mean, 3))
    0.887 0.564
    0.113 4.436
    """

    variation: Scalar
    mean: Scalar = 1

    def check(self) -> None:
        require_single(self, variation=ABOVE_ONE)

    @property
    def phases(self) -> tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar]]:
        """Chance and mean of the short time and of the long one; their products are equal."""
        square = self.variation**2
        root = ((square - 1) / (square + 1)) ** 0.5
        short, long = (1 + root) / 2, 1 / ((square + 1) * (1 + root))
        return (short, self.mean / (2 * short)), (long, self.mean / (2 * long))

    def _density(self, t: Array) -> Array:
        return np.asarray(sum(chance / m * np.exp(-t / m) for chance, m in self.phases))

    def distribution(self, t: Any) -> Array:
        up_to = after_zero(t)
        return np.asarray(sum(-chance * np.expm1(-up_to / mean) for chance, mean in self.phases))

    def survival(self, t: Any) -> Array:
        up_to = after_zero(t)
        return np.asarray(sum(chance * np.exp(-up_to / mean) for chance, mean in self.phases))

    def quantile(self, p: Any) -> Array:
        # log P(S > t) is convex and falls, so Newton's method climbs to the root from 0.
        with np.errstate(divide="ignore"):
            target = np.log1p(-as_chances(p))
        finite = np.isfinite(target)
        goal, t = np.where(finite, target, 0), np.zeros_like(target)
        for _ in range(_NEWTON_STEPS):
            left = self.survival(t)
            ahead = np.maximum(t, t + (np.log(left) - goal) * left / self._density(t))
            if np.array_equal(ahead, t):
                break
            t = ahead
        return np.where(finite, t, np.inf)

    def shortfall(self, t: Any) -> Array:
        parts = (chance * Exponential(mean=mean).shortfall(t) for chance, mean in self.phases)
        return np.asarray(sum(parts))

    def laplace_transform(self, s: Scalar) -> Scalar:
        (short, quick), (long, slow) = self.phases
        return short / (1 + quick * s) + long / (1 + slow * s)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        (short, quick), (_, slow) = self.phases
        means = np.where(rng.random(size) < float(short), float(quick), float(slow))
        return means * rng.exponential(1.0, size)


_NEWTON_STEPS = 100
"""More than Newton's method takes: it doubles its digits once it is near."""
