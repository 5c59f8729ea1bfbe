"""The staleness of memoryless workers of different speeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays.measured import row_of_numbers
from momentum_dynamics.delays.staleness import Coefficients, first_below, require_chance
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["MixtureDelay"]


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
    The filter of d different speeds has degree d. Its coefficients lose digits as the poles crowd,
    so that loops take no more than some eight different speeds; a limit in the mean, chances and
    samples are answered for any.

    Examples
    --------
    >>> delay = MixtureDelay(speeds=[1, 3])
    >>> delay.mean, float(delay.probabilities(1)[0])
    (1, 0.625)
    """

    speeds: Sequence[Scalar]

    def __post_init__(self) -> None:
        speeds = row_of_numbers("MixtureDelay", "speeds", self.speeds)
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
