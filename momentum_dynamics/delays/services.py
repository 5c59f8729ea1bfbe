"""How long one gradient takes: service-time laws, as frozen records of named numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import POSITIVE, Range, Scalar, is_symbolic

__all__ = [
    "Array",
    "Service",
    "after_zero",
    "as_chances",
    "require_service",
    "require_single",
]

Array: TypeAlias = NDArray[Any]


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
