"""The slowest of several services: how long a group of nodes takes that waits for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.heavy_tails import Empirical
from momentum_dynamics.delays.memoryless import Exponential, ShiftedExponential
from momentum_dynamics.delays.services import Array, Service, as_chances, require_service
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["SlowestOf"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SlowestOf:
    """The time of a barrier group: the largest of `count` independent times of one law.

    The chance to be done by t is the node's own, to the power `count`. For exponential nodes, with
    or without a shift, mean, variation and transform have closed forms; elsewhere they are
    integrals, by Gauss and Legendre's rule on panels between quantiles: means to some nine digits,
    transforms to 10⁻⁹, with the heaviest tails to 10⁻⁶.

    Parameters
    ----------
    service : Service
        The law of one node's time.
    count : int
        How many nodes the group has, from 1.

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> round(SlowestOf(service=Exponential(), count=1200).mean, 3)
    7.668
    """

    service: Service
    count: int

    def __post_init__(self) -> None:
        require_service("SlowestOf", self.service, numbers=True)
        if np.ndim(self.count) or is_symbolic(self.count):
            raise DomainError(f"SlowestOf: count is {self.count}, but must be one whole number.")
        GLOSSARY["count"].check(self.count)
        object.__setattr__(self, "count", int(self.count))

    @property
    def _memoryless(self) -> tuple[float, float] | None:
        """Shift and mean of the memoryless part where the nodes are exponential."""
        match self.service:
            case Exponential(mean=mean):
                return 0.0, float(mean)
            case ShiftedExponential(shift=shift, mean=mean):
                return float(shift), float(mean - shift)
        return None

    @property
    def _ranks(self) -> NDArray[np.float64]:
        return np.arange(1, self.count + 1, dtype=float)

    @cached_property
    def mean(self) -> float:
        """The expected time; of exponential nodes the harmonic number of `count`."""
        if self._memoryless is not None:
            shift, scale = self._memoryless
            return shift + scale * float((1 / self._ranks).sum())
        return float(self._smallest + self._integral(self.survival))

    @cached_property
    def variation(self) -> float:
        """The coefficient of variation; infinite where the node's is."""
        if self._memoryless is not None:
            return self._memoryless[1] * float((1 / self._ranks**2).sum()) ** 0.5 / self.mean
        if not np.isfinite(float(self.service.variation)):
            return np.inf
        low = self._smallest
        square = self._integral(lambda t: 2 * (t - low) * self.survival(t))
        return float(max(square - (self.mean - low) ** 2, 0.0)) ** 0.5 / self.mean

    def distribution(self, t: Any) -> Array:
        return self.service.distribution(t) ** self.count

    def survival(self, t: Any) -> Array:
        with np.errstate(divide="ignore"):
            return -np.expm1(self.count * np.log1p(-self.service.survival(t)))

    def quantile(self, p: Any) -> Array:
        p = as_chances(p)
        # A root that rounds to 1 would make the time infinite.
        return self.service.quantile(
            np.where(p < 1, np.minimum(p ** (1 / self.count), _BELOW_1), 1)
        )

    def shortfall(self, t: Any) -> Array:
        up_to = np.maximum(np.asarray(t, dtype=float), self._smallest)
        edges, before = self._panels
        which = np.clip(np.searchsorted(edges, up_to, "right") - 1, 0, len(edges) - 1)
        nodes, weights = _between(edges[which], up_to)
        return before[which] + (self.distribution(nodes) * weights).sum(axis=-1)

    def laplace_transform(self, s: Scalar) -> Scalar:
        if is_symbolic(s):
            raise NotTraceableError(
                "The Laplace transform of SlowestOf is a product or an integral over numbers; "
                "give numbers."
            )
        s = np.asarray(s, dtype=complex if np.iscomplexobj(s) else float)
        if self._memoryless is not None:
            shift, scale = self._memoryless
            value = np.exp(-shift * s)
            for rank in self._ranks:
                value = value * (rank / (rank + scale * s))
            return value
        return np.asarray([self._transform(value) for value in s.flat]).reshape(s.shape)

    def _transform(self, s: Scalar) -> Scalar:
        """E exp(−sS) = exp(−sb) − s ∫ exp(−st) P(S > t) dt over t > b, the smallest time."""
        pieces = np.ceil(np.diff(self._edges) * abs(s) / _TURN).clip(1)
        # Where a panel holds thousands of turns, nothing is left of the integral over what
        # follows, s ∫ exp(−st) P(S > t) dt, but its first term by parts.
        last = int(np.argmax([*(pieces > _PIECES), True]))
        edges = self._edges[: last + 1]
        starts = [
            np.linspace(a, b, int(n), endpoint=False)
            for a, b, n in zip(edges[:-1], edges[1:], pieces[:last], strict=True)
        ]
        ends = np.concatenate([*starts, edges[-1:]])
        nodes, weights = (part.ravel() for part in _between(ends[:-1], ends[1:]))
        body = np.exp(-s * nodes) @ (weights * self.survival(nodes))
        rest = np.exp(-s * ends[-1]) * self.survival(ends[-1]) if s else 0
        return np.exp(-s * self._smallest) - s * body - rest

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        # One uniform number for each time, away from 0, where a quantile may be no positive time.
        return self.quantile(np.maximum(rng.random(size), _SMALLEST_CHANCE))

    @property
    def _smallest(self) -> float:
        return float(self.service.quantile(0.0))

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        """Ends of panels on each of which the distribution is smooth and varies moderately."""
        if isinstance(self.service, Empirical):
            return np.unique(self.service.times)
        rare = 10.0 ** -np.arange(1, 16)
        chances = np.concatenate([[0], rare[::-1], np.linspace(0, 1, 41)[5:-4], 1 - rare])
        edges, node = list(self.quantile(chances)), float(self.service.mean)
        # Distributions may start like a root of the time, which panels of one factor follow.
        near = self._smallest + node * _FACTOR ** -np.arange(_HALVINGS)
        # Beyond, by factors, until what is left adds nothing to the mean.
        while edges[-1] < _FARTHEST and edges[-1] * self.survival(edges[-1]) > _NOTHING * node:
            edges.append(_FACTOR * edges[-1])
        return np.unique(np.concatenate([edges, near[near < edges[-1]]]))

    @cached_property
    def _panels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends of panels, and the integral of the distribution up to each."""
        nodes, weights = _between(self._edges[:-1], self._edges[1:])
        pieces = (self.distribution(nodes) * weights).sum(axis=-1)
        return self._edges, np.concatenate([[0.0], np.cumsum(pieces)])

    def _integral(self, integrand: Any) -> float:
        nodes, weights = _between(self._edges[:-1], self._edges[1:])
        return float((integrand(nodes) * weights).sum())


def _between(low: Any, high: Any) -> tuple[Array, Array]:
    """Gauss and Legendre's nodes and weights between ends, along a last axis."""
    nodes, weights = np.polynomial.legendre.leggauss(_GAUSS)
    low, high = np.asarray(low)[..., None], np.asarray(high)[..., None]
    half = (high - low) / 2
    return low + half * (1 + nodes), half * weights


_GAUSS, _TURN, _PIECES = 24, 10.0, 1024
_FACTOR, _HALVINGS, _FARTHEST, _NOTHING = 2.0, 50, 1e290, 1e-14
_SMALLEST_CHANCE, _BELOW_1 = 2.0**-54, 1 - 2.0**-53
