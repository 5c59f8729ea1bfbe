"""The staleness that a law of service times begets among workers that never wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.families import NegativeBinomialDelay, power_series
from momentum_dynamics.delays.renewal import others_while_one_works, table_end, unit_survival
from momentum_dynamics.delays.services import (
    Deterministic,
    Exponential,
    Gamma,
    Hyperexponential,
    Service,
    require_service,
)
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

__all__ = ["ManyWorkersDelay", "ServiceDelay"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ServiceDelay:
    """The staleness of M equal workers that read, compute, write and read again at once.

    While one worker computes for a time S, each of the others writes at the points of a renewal
    process of its own, which has run for long. With G(w; s) the generating function of one such
    count over a time s, q(w) = E G(w; S)^(M − 1), exactly and for every M: geometric for exponential
    times, M − 1 always for deterministic ones, mean M − 1 for all. Nothing is said about how
    successive stalenesses depend on each other.

    Parameters
    ----------
    service : Service
        The law of one gradient's time.
    workers : int
        M, a whole number from 1.

    Notes
    -----
    Counts are computed on a grid of times, 256 to the mean, that keeps means exact; the total
    variation to the exact law is below 10⁻³ for the laws here with M up to 10,000. Services longer
    than 16 means, where the others' counts vary little against their mean, are taken to meet
    (M − 1)S/E S others.

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
        if np.ndim(self.workers) or is_symbolic(self.workers) or self.workers % 1:
            raise DomainError(
                f"ServiceDelay: workers is {self.workers}, but must be one whole number; for a "
                "symbol take ManyWorkersDelay, the law for many workers."
            )
        GLOSSARY["workers"].check(self.workers)
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
        """Chances of each staleness together with a service of up to 16 means."""
        return others_while_one_works(self.service, self.workers - 1)

    @cached_property
    def _table(self) -> Array:
        """Chances up to where little is left, or up to a long table's end."""
        start = len(self._body)
        last = first_below(lambda k: self._beyond(k) if k < _LONGEST else 0.0, _LITTLE)
        return self.probabilities(max(start, last + 1))

    def _beyond(self, staleness: int) -> float:
        """P(τ > staleness)."""
        body = float(self._body[staleness + 1 :].sum())
        first = max(staleness, table_end(self.workers - 1))
        return body + float(unit_survival(self.service, self.workers - 1, np.array([first]))[0])

    def probabilities(self, count: int) -> Array:
        if self._closed is not None:
            return self._closed.probabilities(count)
        others = self.workers - 1
        chances = np.zeros(count)
        body = self._body[:count]
        chances[: len(body)] = body
        end = table_end(others)
        if count > end:
            left = unit_survival(self.service, others, np.arange(end, count))
            before = float(self.service.survival(end * float(self.service.mean) / others))
            chances[end:] += np.maximum(-np.diff(left, prepend=before), 0)
        return chances

    def generating_function(self, w: Scalar) -> Scalar:
        if self._closed is not None:
            return self._closed.generating_function(w)
        if is_symbolic(w):
            raise NotTraceableError(
                f"The staleness of {self.workers} workers with {self.service!r} has no closed "
                "generating function; give numbers, or take ManyWorkersDelay."
            )
        table = self._table
        w = np.asarray(w)
        value = power_series(table, w)
        left = 1 - table.sum()
        if left > _LITTLE / 2:
            # What lies beyond the table counts at its mean.
            middle = (self.mean - table @ np.arange(len(table))) / left
            value = value + left * w ** int(round(middle))
        return value

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if self._closed is not None:
            return self._closed.rational()
        raise NotTraceableError(
            f"The staleness of {self.workers} workers with {self.service!r} has no rational "
            "generating function; cut it off, as in "
            "EmpiricalDelay.from_staleness(delay.sample(rng, size)), or ask for its values."
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
            scale = (self.workers - 1) / float(self.service.mean)
            drawn = np.where(far, np.rint(scale * self.service.quantile(chances)), drawn)
        return np.asarray(drawn, dtype=np.int64)


_LITTLE, _LONGEST = 1e-9, 2**17


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyWorkersDelay:
    """The law to which `ServiceDelay` tends for many workers, in closed form.

    As M grows τ/(M − 1) tends to S/E S: the memory kernel is the service law, rescaled. Here the
    others' updates form a Poisson stream, so that q(w) = L((M − 1)(1 − w)/E S), with L the Laplace
    transform of the service. For exponential times this is exact at every M; elsewhere the stream
    of the others is more regular (or less, above variation 1), and for deterministic times the
    staleness is M − 1 and not Poisson: use it for its formula, `ServiceDelay` for its numbers.

    Parameters
    ----------
    service : Service
        Symbols are accepted where the generating function is asked.
    workers : scalar
        M ≥ 1; need not be a whole number, may be a symbol.

    Examples
    --------
    >>> from momentum_dynamics import Gamma, symbol
    >>> w, M = symbol("curvature"), symbol("workers")
    >>> ManyWorkersDelay(service=Gamma(shape=2), workers=M).generating_function(w)
    ((1 - h)*(M - 1)/2 + 1)**(-2)
    """

    service: Service
    workers: Scalar

    def __post_init__(self) -> None:
        require_service("ManyWorkersDelay", self.service)
        if np.ndim(self.workers):
            raise DomainError(
                f"ManyWorkersDelay: workers is {self.workers}, but must be one number."
            )
        GLOSSARY["workers"].check(self.workers)

    @property
    def mean(self) -> Scalar:
        return self.workers - 1

    def generating_function(self, w: Scalar) -> Scalar:
        return self.service.laplace_transform((self.workers - 1) * (1 - w) / self.service.mean)

    def probabilities(self, count: int) -> Array:
        # Cauchy's formula on a circle of radius r < 1: what folds back from beyond the circle's
        # `size` points is suppressed by r^size.
        size = max(2 * int(count), _FEWEST)
        radius = _FOLDING ** (1 / size)
        circle = radius * np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
        values = self.generating_function(circle) * np.ones(len(circle))
        series = np.fft.irfft(values, size)[:count] / radius ** np.arange(count)
        return np.maximum(series, 0)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        for delay in self._factors():
            return delay.rational()
        if isinstance(self.service, Hyperexponential):
            (short, quick), (long, slow) = (
                (chance, NegativeBinomialDelay(mean=self.mean * part / self.service.mean, stages=1))
                for chance, part in self.service.phases
            )
            (one, _), (_, first) = quick.rational()
            (two, _), (_, second) = slow.rational()
            one, two = short * one, long * two
            above = (one + two, one * second + two * first, 0)
            return above, (1, first + second, first * second)
        raise NotTraceableError(
            f"With {self.service!r} the generating function is not rational; ask for "
            "loop_equation, or cut the law off as an EmpiricalDelay."
        )

    def _factors(self) -> Iterator[Delay]:
        """The law as one of the named ones, where it is."""
        match self.service:
            case Exponential():
                yield GeometricDelay(workers=self.workers)
            case Gamma(shape=shape):
                yield NegativeBinomialDelay(mean=self.mean, stages=shape)

    def tail(self, chance: float) -> int:
        return first_below(self._beyond, require_chance(chance, bounded=False))

    def _beyond(self, staleness: int) -> float:
        """P(τ > k): the service outlasts k + 1 points of the stream, a gamma time."""
        if self.workers == 1:
            return 0.0
        from scipy.special import gammaln

        stages = staleness + 1
        u = np.linspace(-_WIDTH, _WIDTH, _NODES) / np.sqrt(stages)
        x = stages * np.exp(u)
        density = np.exp(stages * np.log(x) - x - gammaln(stages))
        scale = float(self.service.mean) / float(self.workers - 1)
        return float((density * self.service.survival(scale * x)).sum() * (u[1] - u[0]))

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        rate = float(self.workers - 1) / float(self.service.mean)
        return rng.poisson(np.minimum(rate * self.service.sample(rng, size), _MOST))


_FEWEST, _FOLDING = 1024, 1e-6
_WIDTH, _NODES, _MOST = 40.0, 4001, 1e18
