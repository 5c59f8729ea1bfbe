"""The staleness that a law of service times begets among workers that never wait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.families import power_series
from momentum_dynamics.delays.memoryless import Deterministic, Exponential
from momentum_dynamics.delays.renewal import long_survival, others_while_one_works, table_end
from momentum_dynamics.delays.services import Array, Service, require_service
from momentum_dynamics.delays.staleness import (
    Coefficients,
    Delay,
    FixedDelay,
    GeometricDelay,
    first_below,
    require_chance,
)
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["ServiceDelay"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ServiceDelay:
    """The staleness of M equal workers that read, compute, write and read again at once.

    While one worker computes for a time S, each of the others writes at the points of a renewal
    process of its own, which has run for long and knows nothing of S. With G(w; s) the generating
    function of one such count over a time s, q(w) = E G(w; S)^(M − 1), for every M: geometric for
    exponential times, M − 1 always for deterministic ones, mean M − 1 for all. As M grows,
    τ/(M − 1) tends to S/E S: the memory kernel is the service law, rescaled.

    Parameters
    ----------
    service : Service
        The law of one gradient's time.
    workers : int
        M, a whole number from 1.

    Notes
    -----
    This is the law of all updates in the long run. A start at one moment is forgotten after some
    1/variation² services of each worker; times that are all multiples of one time never forget it,
    and workers that write at the very same moments have another law. Nothing is said about how
    successive stalenesses depend on each other.

    Counts are computed on a grid of times, 256 to the mean, that keeps means exact, so a variation
    below some 1/100 looks larger than it is. Very long services, in which the others' counts
    vary little against their mean, are taken to meet (M − 1)S/E S others. The total variation to
    the exact law is below 10⁻³ for variations from 1/10 to 5.

    Examples
    --------
    >>> from momentum_dynamics import Gamma
    >>> delay = ServiceDelay(service=Gamma(shape=4), workers=16)
    >>> delay.mean, round(float(delay.probabilities(1)[0] * 16), 2)
    (15, 0.02)
    """

    service: Service
    workers: int

    def __post_init__(self) -> None:
        require_service("ServiceDelay", self.service, numbers=True)
        if np.ndim(self.workers) or is_symbolic(self.workers):
            raise DomainError(
                f"ServiceDelay: workers is {self.workers}, but must be one whole number."
            )
        GLOSSARY["workers"].check(self.workers)
        if self.workers % 1:
            raise DomainError(
                f"ServiceDelay: workers is {self.workers}, but must be a whole number; of these "
                "laws only GeometricDelay has a meaning between."
            )
        object.__setattr__(self, "workers", int(self.workers))

    @property
    def _closed(self) -> Delay | None:
        """The law itself where it has a name."""
        match self.service:
            case Exponential():
                return GeometricDelay(workers=self.workers)
            case Deterministic():
                return FixedDelay(staleness=self.workers - 1)
        return FixedDelay(staleness=0) if self.workers == 1 else None

    @property
    def mean(self) -> Scalar:
        return self.workers - 1

    @cached_property
    def _body(self) -> Array:
        """Chances of each staleness together with a service that is not very long."""
        return others_while_one_works(self.service, self.workers - 1)

    @cached_property
    def _body_beyond(self) -> Array:
        """Of the body, P(τ > k) for each k."""
        return np.append(np.cumsum(self._body[:0:-1])[::-1], 0.0)

    def _beyond(self, staleness: int) -> float:
        """P(τ > staleness)."""
        body = self._body_beyond
        rest = long_survival(self.service, self.workers - 1, np.array([staleness]))
        return float(body[min(staleness, len(body) - 1)] + rest[0])

    @cached_property
    def _table(self) -> Array:
        """Chances up to where little is left, or up to a long table's end."""
        return self.probabilities(1 + min(first_below(self._beyond, _LITTLE), self._longest))

    @property
    def _longest(self) -> int:
        return max(_LONGEST, len(self._body), table_end(self.workers - 1))

    def probabilities(self, count: int) -> Array:
        if self._closed is not None:
            return self._closed.probabilities(count)
        chances = np.zeros(count)
        body = self._body[:count]
        chances[: len(body)] = body
        end = table_end(self.workers - 1)
        if count > end:
            left = long_survival(self.service, self.workers - 1, np.arange(end - 1, count))
            chances[end:] += np.maximum(-np.diff(left), 0)
        return chances

    def generating_function(self, w: Scalar) -> Scalar:
        if self._closed is not None:
            return self._closed.generating_function(w)
        if is_symbolic(w):
            raise NotTraceableError(
                f"The staleness of {self.workers} workers with {self.service!r} has no closed "
                "generating function; give numbers."
            )
        table = self._table
        # What lies beyond the table counts at its mean.
        left = 1 - table.sum()
        after = len(table)
        if left > _LITTLE:
            after = max(after, round((self.mean - table @ np.arange(len(table))) / left))
        return power_series(table, w) + left * w**after

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if self._closed is not None:
            return self._closed.rational()
        raise NotTraceableError(
            f"The staleness of {self.workers} workers with {self.service!r} has no rational "
            "generating function; cut it off, as in "
            "EmpiricalDelay(probabilities=delay.probabilities(1 + delay.tail(1e-10)))."
        )

    def tail(self, chance: float) -> int:
        if self._closed is not None:
            return self._closed.tail(chance)
        return first_below(self._beyond, require_chance(chance, bounded=False))

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        if self._closed is not None:
            return self._closed.sample(rng, size)
        steps = np.cumsum(self._table)
        chances = rng.random(size)
        drawn = np.searchsorted(steps, chances, "right")
        far = drawn >= len(steps)
        if np.any(far):
            # Beyond the table only services as long as that lead.
            scale = (self.workers - 1) / float(self.service.mean)
            longest = np.minimum(scale * self.service.quantile(chances), _MOST)
            drawn = np.where(far, np.maximum(np.rint(longest), len(steps)), drawn)
        return np.asarray(drawn, dtype=np.int64)


_LITTLE, _LONGEST, _MOST = 1e-9, 2**17, 2.0**62
