"""Delays beyond none, fixed and geometric: uniform, several stages, unequal workers, measured."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.staleness import Coefficients, first_below, require_chance
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic, record

__all__ = ["EmpiricalDelay", "MixtureDelay", "NegativeBinomialDelay", "UniformDelay"]


def power_series(coefficients: Any, w: Scalar) -> Scalar:
    """Σ cₖ wᵏ: exact for symbols and fractions, and in blocks of powers for arrays."""
    if isinstance(w, numbers.Rational) or is_symbolic(w) or type(w).__module__[:6] == "mpmath":
        total: Scalar = 0
        for coefficient in reversed(coefficients):
            total = total * w + coefficient
        return total
    w = np.asarray(w)[..., None]
    size = math.isqrt(len(coefficients) - 1) + 1
    blocks = np.zeros(size * size)
    blocks[: len(coefficients)] = np.asarray(coefficients, dtype=float)
    inner = w ** np.arange(size) @ blocks.reshape(size, size).T
    outer = (w**size) ** np.arange(size)
    return (inner * outer).sum(axis=-1)


@record
class UniformDelay:
    """Every staleness from 0 to a largest one is equally likely.

    Parameters
    ----------
    largest : int
        The largest staleness, from 0; a symbol is accepted where only mean and generating function
        are asked.

    Examples
    --------
    >>> UniformDelay(largest=3).probabilities(5)
    array([0.25, 0.25, 0.25, 0.25, 0.  ])
    """

    largest: Scalar

    def check(self) -> None:
        value = self.largest
        if np.ndim(value) > 0 or (is_symbolic(value) and value.is_integer is False):
            raise DomainError(f"UniformDelay: largest is {value}, but must be one whole number.")

    @property
    def mean(self) -> Scalar:
        return self.largest / 2

    @property
    def _is_open(self) -> bool:
        return is_symbolic(self.largest) and not self.largest.is_number

    def probabilities(self, count: int) -> NDArray[np.float64]:
        return np.where(np.arange(count) <= int(self.largest), 1 / (int(self.largest) + 1), 0.0)

    def generating_function(self, w: Scalar) -> Scalar:
        if self._is_open:
            return (1 - w ** (self.largest + 1)) / ((self.largest + 1) * (1 - w))
        return power_series(self.rational()[0], w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if self._is_open:
            raise NotTraceableError(
                f"With largest staleness {self.largest} the loop is no polynomial of known degree; "
                "give a whole number, or ask for loop_equation, which takes any."
            )
        largest = int(self.largest)
        return (1 / (self.largest + 1),) * (largest + 1), (1, *(0,) * largest)

    def tail(self, chance: float) -> int:
        size = int(self.largest) + 1
        least = require_chance(chance, bounded=True)
        return first_below(lambda k: max(size - 1 - k, 0) / size, least)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        return rng.integers(0, int(self.largest), size=size, endpoint=True)


@record
class NegativeBinomialDelay:
    """Several geometric delays in a row; the law that gamma service times beget for many workers.

    Parameters
    ----------
    mean : scalar
        The expected staleness, not negative; a number or a symbol.
    stages : scalar
        How many geometric delays follow each other, positive; 1 is `GeometricDelay`, ∞ Poisson's
        law. The filter is rational for whole numbers.

    Examples
    --------
    >>> NegativeBinomialDelay(mean=3, stages=1).probabilities(3)
    array([0.25    , 0.1875  , 0.140625])
    """

    mean: Scalar
    stages: Scalar

    def check(self) -> None:
        if np.ndim(self.mean) or np.ndim(self.stages):
            raise DomainError("NegativeBinomialDelay takes one mean and one number of stages.")

    @property
    def _kept(self) -> Scalar:
        """The momentum of each stage, mean/(mean + stages)."""
        return self.mean / (self.mean + self.stages)

    def probabilities(self, count: int) -> NDArray[np.float64]:
        from scipy.stats import nbinom

        return nbinom.pmf(np.arange(count), float(self.stages), float(1 - self._kept))

    def generating_function(self, w: Scalar) -> Scalar:
        return ((1 - self._kept) / (1 - self._kept * w)) ** self.stages

    def rational(self) -> tuple[Coefficients, Coefficients]:
        if is_symbolic(self.stages) and not self.stages.is_number:
            whole = False
        else:
            whole = self.stages == int(self.stages)
        if not whole:
            raise NotTraceableError(
                f"With {self.stages} stages the generating function is not rational; give a whole "
                "number of stages, or ask for loop_equation, which takes any."
            )
        stages, kept = int(self.stages), self._kept
        below = tuple(math.comb(stages, k) * (-kept) ** k for k in range(stages + 1))
        return ((1 - kept) ** stages, *(0,) * stages), below

    def tail(self, chance: float) -> int:
        from scipy.stats import nbinom

        law = nbinom(float(self.stages), float(1 - self._kept))
        return first_below(lambda k: float(law.sf(k)), require_chance(chance, bounded=False))

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        return rng.negative_binomial(float(self.stages), float(1 - self._kept), size=size)


@dataclass(frozen=True, kw_only=True, eq=False)
class MixtureDelay:
    """The staleness of memoryless workers of different speeds.

    The next update comes from worker i with chance πᵢ, its share of the speeds, whatever went
    before. So it waited for a geometric number of others, and q(w) = Σ πᵢ²/(1 − (1 − πᵢ)w). The
    mean is M − 1 for any speeds: the slow workers' few gradients are very stale.

    Parameters
    ----------
    speeds : sequence of scalar
        How many gradients each worker computes per time: positive numbers, or symbols. Equal ones
        count as one pole, so that M equal workers are `GeometricDelay`.

    Notes
    -----
    The filter of d different speeds has degree d. Its coefficients lose digits as the poles crowd:
    with floats ask for no more than some ten different speeds, or give fractions.

    Examples
    --------
    >>> delay = MixtureDelay(speeds=[1, 3])
    >>> delay.mean, float(delay.probabilities(1)[0])
    (1, 0.625)
    """

    speeds: Sequence[Scalar]

    def __post_init__(self) -> None:
        speeds = _entries("MixtureDelay", "speeds", self.speeds)
        GLOSSARY["speeds"].check([speed for speed in speeds if not is_symbolic(speed)])
        object.__setattr__(self, "speeds", speeds)

    @property
    def _shares(self) -> dict[Scalar, int]:
        """The different shares πᵢ of the updates, each with how many workers have it."""
        total = sum(self.speeds)
        counts: dict[Scalar, int] = {}
        for speed in self.speeds:
            counts[speed] = counts.get(speed, 0) + 1
        return {speed / total: count for speed, count in counts.items()}

    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shares, and the chance that an update comes from one of the workers that have it."""
        shares = self._shares
        each = np.array([float(share) for share in shares])
        return each, each * np.array(list(shares.values()))

    @property
    def mean(self) -> Scalar:
        return len(self.speeds) - 1

    def probabilities(self, count: int) -> NDArray[np.float64]:
        each, together = self._arrays()
        return (each * together) @ (1 - each[:, None]) ** np.arange(count)

    def generating_function(self, w: Scalar) -> Scalar:
        parts = (k * share**2 / (1 - (1 - share) * w) for share, k in self._shares.items())
        return sum(parts, 0 * w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        above: list[Scalar] = [0]
        below: list[Scalar] = [1]
        for share, count in self._shares.items():
            weight, kept = count * share**2, 1 - share
            # n/d + weight/(z − kept); the factor z of all terms comes last.
            above = _plus_pole(above, below, weight, kept)
            below = _times_pole(below, kept)
        return (*above, 0)[-len(below) :], tuple(below)

    def tail(self, chance: float) -> int:
        each, together = self._arrays()
        return first_below(
            lambda k: float(together @ (1 - each) ** (k + 1)),
            require_chance(chance, bounded=len(self.speeds) == 1),
        )

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        each, together = self._arrays()
        return rng.geometric(rng.choice(each, size, p=together / together.sum())) - 1


def _times_pole(coefficients: Sequence[Scalar], pole: Scalar) -> list[Scalar]:
    """The polynomial times (z − pole)."""
    pairs = zip([*coefficients, 0], [0, *coefficients], strict=True)
    return [own - pole * before for own, before in pairs]


def _plus_pole(
    above: Sequence[Scalar], below: Sequence[Scalar], weight: Scalar, pole: Scalar
) -> list[Scalar]:
    """The numerator of above/below + weight/(z − pole), over below·(z − pole)."""
    product = _times_pole(above, pole)
    size = max(len(product), len(below))
    left, right = ([*[0] * (size - len(part)), *part] for part in (product, below))
    return [own + weight * other for own, other in zip(left, right, strict=True)]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class EmpiricalDelay:
    """Any law on 0, …, n − 1, such as a measured histogram.

    Parameters
    ----------
    probabilities : sequence of float
        P(τ = 0), P(τ = 1), …; not negative, of sum 1 within 10⁻⁹. They are divided by their sum.
        Fractions stay exact.

    Raises
    ------
    DomainError
        Otherwise.

    Examples
    --------
    >>> EmpiricalDelay(probabilities=[0.5, 0.25, 0.25]).mean
    0.75
    >>> EmpiricalDelay.from_staleness([0, 2, 2, 1]).probabilities(4)
    array([0.25, 0.25, 0.5 , 0.  ])
    """

    chances: tuple[Scalar, ...]

    def __init__(self, *, probabilities: Sequence[Scalar]) -> None:
        given = _entries("EmpiricalDelay", "probabilities", probabilities)
        if any(is_symbolic(chance) and not chance.is_number for chance in given):
            raise NotTraceableError("EmpiricalDelay takes numbers; with symbols it has no sampler.")
        GLOSSARY["probabilities"].check(list(map(float, given)))
        total = _total(given)
        if abs(total - 1) > _SLACK:
            raise DomainError(
                f"EmpiricalDelay: probabilities sum to {float(total):.12g}, but must sum to 1; "
                "for counts call EmpiricalDelay.from_staleness with the measured values."
            )
        last = max(k for k, chance in enumerate(given) if chance)
        object.__setattr__(self, "chances", tuple(chance / total for chance in given[: last + 1]))

    @classmethod
    def from_staleness(cls, values: Any) -> EmpiricalDelay:
        """The histogram of measured stalenesses.

        Parameters
        ----------
        values : array of int
            Staleness of updates, in any shape; whole numbers from 0.

        Returns
        -------
        EmpiricalDelay

        Raises
        ------
        DomainError
            If there are none, or one is no staleness.
        """
        measured = np.asarray(values)
        if measured.size == 0:
            raise DomainError("There is no staleness to make a histogram of; give at least one.")
        GLOSSARY["staleness"].check(measured)
        counts = np.bincount(measured.ravel().astype(np.int64))
        return cls(probabilities=counts / counts.sum())

    def __repr__(self) -> str:
        """Show the probabilities, or the ends of a long law."""
        shown = ", ".join(map(str, self.chances[:_SHOWN]))
        rest = ", …" if len(self.chances) > _SHOWN else ""
        return f"EmpiricalDelay(probabilities=[{shown}{rest}])"

    @property
    def mean(self) -> Scalar:
        return _total([k * chance for k, chance in enumerate(self.chances)])

    def probabilities(self, count: int) -> NDArray[np.float64]:
        chances = np.zeros(count)
        kept = np.array(self.chances[:count], dtype=float)
        chances[: len(kept)] = kept
        return chances

    def generating_function(self, w: Scalar) -> Scalar:
        return power_series(self.chances, w)

    def rational(self) -> tuple[Coefficients, Coefficients]:
        return self.chances, (1, *(0,) * (len(self.chances) - 1))

    def tail(self, chance: float) -> int:
        least = require_chance(chance, bounded=True)
        beyond = np.cumsum(self.probabilities(len(self.chances))[::-1])[::-1]
        return first_below(lambda k: float(beyond[k + 1]) if k + 1 < len(beyond) else 0.0, least)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.int64]:
        steps = np.cumsum(self.probabilities(len(self.chances)))
        drawn = np.searchsorted(steps, rng.random(size) * steps[-1], "right")
        return np.minimum(drawn, len(steps) - 1).astype(np.int64)


_SLACK, _SHOWN = 1e-9, 6


def _total(values: Sequence[Scalar]) -> Scalar:
    return math.fsum(values) if any(isinstance(v, float) for v in values) else sum(values)


def _entries(owner: str, name: str, given: Any) -> tuple[Scalar, ...]:
    """The numbers of a row as Python's own; anything else is refused."""
    try:
        entries = given.tolist() if isinstance(given, np.ndarray) else list(given)
    except TypeError:
        entries = []
    kept = [entry.item() if isinstance(entry, np.generic) else entry for entry in entries]
    fine = [
        is_symbolic(entry) or (isinstance(entry, int | float | Fraction) and entry == entry)
        for entry in kept
    ]
    if not kept or not all(fine):
        raise DomainError(
            f"{owner}: {name} is {given!r}, but must be one row of at least one number."
        )
    return tuple(kept)
