"""Any law of staleness, such as a measured histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.families import power_series
from momentum_dynamics.delays.staleness import Coefficients, first_below, require_chance
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["EmpiricalDelay", "row_of_numbers"]


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
        given = row_of_numbers("EmpiricalDelay", "probabilities", probabilities)
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
        if measured.dtype.kind not in "iuf":
            raise DomainError(
                f"staleness is an array of {measured.dtype}, but must be a whole number in [0, ∞)."
            )
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


def row_of_numbers(owner: str, name: str, given: Any) -> tuple[Scalar, ...]:
    """The numbers of a row as Python's own; anything else is refused."""
    try:
        entries = given.tolist() if isinstance(given, np.ndarray) else list(given)
    except TypeError:
        entries = []
    kept = [entry.item() if isinstance(entry, np.generic) else entry for entry in entries]
    fine = [
        is_symbolic(entry)
        or isinstance(entry, int | Fraction)
        or (isinstance(entry, float) and not math.isnan(entry))
        for entry in kept
    ]
    if not kept or not all(fine):
        raise DomainError(
            f"{owner}: {name} is {given!r}, but must be one row of at least one number."
        )
    return tuple(kept)
