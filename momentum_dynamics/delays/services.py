"""How long one gradient takes: service-time laws, as frozen records of named numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import ABOVE_ONE, POSITIVE, Range, Scalar, is_symbolic, record
from momentum_dynamics.scalars import exp

__all__ = [
    "Deterministic",
    "Exponential",
    "Gamma",
    "Hyperexponential",
    "Service",
    "ShiftedExponential",
    "after_zero",
    "as_chances",
    "require_service",
    "require_single",
]

Array = NDArray[Any]


@runtime_checkable
class Service(Protocol):
    """A law of positive times: how long a worker computes one gradient."""

    @property
    def mean(self) -> Scalar:
        """E S, positive and finite."""
        ...

    @property
    def variation(self) -> Scalar:
        """The coefficient of variation, standard deviation over mean; may be infinite."""
        ...

    def distribution(self, t: Any) -> Array:
        """P(S ≤ t), elementwise."""
        ...

    def survival(self, t: Any) -> Array:
        """P(S > t), elementwise, to full precision where it is small."""
        ...

    def quantile(self, p: Any) -> Array:
        """The smallest t with P(S ≤ t) ≥ p, elementwise, for p in [0, 1]."""
        ...

    def shortfall(self, t: Any) -> Array:
        """E (t − S)⁺, the integral of the distribution up to t, elementwise."""
        ...

    def laplace_transform(self, s: Scalar) -> Scalar:
        """E exp(−sS) for Re s ≥ 0; symbols are taken where there is a closed form."""
        ...

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        """Draw independent times."""
        ...


def require_service(owner: str, service: Any, *, numbers: bool = False) -> None:
    """Raise `DomainError` unless `service` is a service law, without symbols where asked."""
    if not isinstance(service, Service) or isinstance(service, type):
        raise DomainError(
            f"{owner}: service is {service!r}, but must be a law of service times, such as "
            "Exponential(mean=1)."
        )
    if numbers and (is_symbolic(service.mean) or is_symbolic(service.variation)):
        raise DomainError(f"{owner}: service is {service!r}, but must hold numbers, no symbols.")


def as_chances(p: Any) -> Array:
    """The chances p as an array of floats; what lies outside [0, 1] is refused."""
    values = np.asarray(p, dtype=float)
    if not Range(0, 1).holds(values):
        raise DomainError(f"p is {p}, but a chance must lie in [0, 1].")
    return values


def require_single(law: Any, **ranges: Range) -> None:
    """Raise `DomainError` unless each field is one number inside its range, the mean positive."""
    owner = type(law).__name__
    for field in fields(law):
        value = getattr(law, field.name)
        if np.ndim(value):
            raise DomainError(f"{owner}: {field.name} is {value}, but must be one number.")
        allowed = {"mean": POSITIVE, **ranges}.get(field.name)
        if allowed is not None and not is_symbolic(value) and not allowed.holds(value):
            raise DomainError(f"{owner}: {field.name} is {value}, but must lie in {allowed}.")


def after_zero(t: Any) -> Array:
    """The times as an array of floats, with 0 for what lies before."""
    return np.maximum(np.asarray(t, dtype=float), 0)


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
        return rng.exponential(float(self.mean), size)


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
    >>> [(round(chance, 3), round(mean, 3)) for chance, mean in Hyperexponential(variation=2).phases]
    [(0.887, 0.564), (0.113, 4.436)]
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
