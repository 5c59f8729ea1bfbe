"""What a run is given, and what it returns: paths or streamed moments, the outcome, the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EnsembleMoments", "Outcome", "Settings", "Trajectory", "outcomes", "told"]

Array = NDArray[np.float64]

_DIVERGED = 1e6
"""Growth of the distance beyond every transient of a stable method with κ ≤ 10¹²."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings:
    """How to run, checked.

    Attributes
    ----------
    steps : int
    start : array or tuple of arrays
        A point of rest, or the initial state slot by slot.
    replicas : tuple of int
        The axes of replicas.
    deviations : array ``(dimension,)``
        The standard deviation of each mode's gradient noise.
    root : SeedSequence
    moments : bool
        Whether to stream moments instead of keeping every step.
    tolerance : float
    stride : int
        How many steps one frame of the record is apart from the next.
    """

    steps: int
    start: Any
    replicas: tuple[int, ...]
    deviations: Array
    root: np.random.SeedSequence
    moments: bool
    tolerance: float
    stride: int = 1

    @property
    def count(self) -> int:
        """How many replicas there are."""
        return math.prod(self.replicas)


class Outcome(StrEnum):
    """How a run ended."""

    CONVERGED = "converged"
    DIVERGED = "diverged"
    BUDGET_SPENT = "budget_spent"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Trajectory:
    """Every step of a run.

    Attributes
    ----------
    points : array ``(steps + 1, *batch, *replicas, dimension)``
        Where the gradients were asked.
    outputs : array of the same shape
        The answers of the method.
    outcome : Outcome, or array of them ``(*batch, *replicas)``
    seed : int or list of int
        The entropy of the run: the same seed gives the same run.
    solution : array ``(dimension,)``
    stride : int
        How many steps one entry is apart from the next.
    """

    points: Array
    outputs: Array
    outcome: Any
    seed: Any
    solution: Array
    stride: int = 1

    def __repr__(self) -> str:
        """One line."""
        shape = self.outputs.shape[1:]
        return f"<Trajectory: {self.steps} steps of points {shape}, {told(self.outcome)}>"

    @property
    def steps(self) -> int:
        """How many updates were made; each used one gradient."""
        return (len(self.points) - 1) * self.stride

    @property
    def distance(self) -> Array:
        """The distance of each answer from the solution, ``(steps + 1, *batch, *replicas)``."""
        with np.errstate(all="ignore"):
            found: Array = np.linalg.norm(self.outputs - self.solution, axis=-1)
        return found

    @property
    def average(self) -> Array:
        """The mean of all answers so far, ``(steps + 1, *batch, *replicas, dimension)``.

        On a game played in turn it converges although the players circle.
        """
        count = np.arange(1, len(self.outputs) + 1).reshape(-1, *(1,) * (self.outputs.ndim - 1))
        with np.errstate(all="ignore"):
            found: Array = np.cumsum(self.outputs, axis=0) / count
        return found

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed."""
        return {
            "points": self.points,
            "outputs": self.outputs,
            "outcome": np.asarray(self.outcome).astype(str),
            "seed": self.seed,
            "solution": self.solution,
        }


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EnsembleMoments:
    """Moments of the answer's displacement over replicas, streamed so that memory stays bounded.

    Attributes
    ----------
    mean, second_moment : array ``(steps + 1, *batch, dimension)``
        Along the modes of a linear problem, along the coordinates of any other.
    replicas : int
    outcome : Outcome, or array of them ``(*batch, *replicas)``
    seed : int or list of int
    """

    mean: Array
    second_moment: Array
    replicas: int
    outcome: Any
    seed: Any

    def __repr__(self) -> str:
        """One line."""
        steps = len(self.mean) - 1
        return f"<EnsembleMoments: {steps} steps of {self.replicas} replicas, {told(self.outcome)}>"

    @property
    def variance(self) -> Array:
        """The unbiased variance over replicas; NaN for a single one."""
        with np.errstate(all="ignore"):
            spread = self.second_moment - self.mean**2
            return spread * (self.replicas / np.float64(self.replicas - 1))

    @property
    def mean_error(self) -> Array:
        """The standard error of the mean."""
        return np.sqrt(np.maximum(self.variance, 0) / self.replicas)

    @property
    def variance_error(self) -> Array:
        """The standard error of the variance for Gaussian displacements, as on linear problems."""
        with np.errstate(all="ignore"):
            return self.variance * np.sqrt(2 / np.float64(self.replicas - 1))

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed."""
        return {
            "mean": self.mean,
            "second_moment": self.second_moment,
            "replicas": self.replicas,
            "outcome": np.asarray(self.outcome).astype(str),
            "seed": self.seed,
        }


def told(outcome: Any) -> str:
    """One outcome, or how often each occurs."""
    names, counts = np.unique(np.asarray(outcome).astype(str), return_counts=True)
    words = [name.replace("_", " ") for name in names]
    if len(words) == 1:
        return words[0]
    return ", ".join(f"{count} {word}" for word, count in zip(words, counts, strict=True))


def outcomes(first: Array, last: Array, tolerance: float) -> Any:
    """Compare the last distance with the first: one outcome, or an array of their names."""
    with np.errstate(all="ignore"):
        scale = np.where(first > 0, first, 1.0)
        diverged = ~np.isfinite(last) | (last > _DIVERGED * scale)
        names = np.select(
            [diverged, last <= tolerance * scale],
            [Outcome.DIVERGED.value, Outcome.CONVERGED.value],
            Outcome.BUDGET_SPENT.value,
        )
    return Outcome(str(names)) if names.ndim == 0 else names
