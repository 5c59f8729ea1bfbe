"""Leaving a well and sharing two: noisy runs on a loss of one variable, and what small steps do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import require_method
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.problems import DoubleWell
from momentum_dynamics.simulation.checks import require_numbers
from momentum_dynamics.simulation.noise import Seed, seed_sequence

__all__ = [
    "WellRun",
    "gibbs_occupation",
    "limit_exit_time",
    "simulate_well",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class WellRun:
    """Independent noisy runs from the left minimum of a double well.

    Attributes
    ----------
    exit_steps : array ``(replicas,)``
        When each reached the right minimum first; NaN if it did not.
    points : array ``(replicas,)``
        Where each is in the end.
    steps : int
    """

    exit_steps: Array
    points: Array
    steps: int
    top: float

    @property
    def mean_exit(self) -> float:
        """The mean number of steps to the right minimum; infinite if some run did not come there.

        A mean over those that came would be too short.
        """
        found = self.exit_steps
        return float(found.mean()) if np.isfinite(found).all() else np.inf

    @property
    def exit_error(self) -> float:
        """The standard error of that mean."""
        return float(self.exit_steps.std(ddof=1) / np.sqrt(len(self.exit_steps)))

    @property
    def occupation(self) -> float:
        """The share of runs that are left of the top in the end."""
        return float((self.points < self.top).mean())

    @property
    def occupation_error(self) -> float:
        """The standard error of that share."""
        share = self.occupation
        return float(np.sqrt(share * (1 - share) / len(self.points)))

    def __repr__(self) -> str:
        """One line."""
        return f"<WellRun of {len(self.points):,} replicas, {self.steps:,} steps>"


def simulate_well(
    method: Method,
    well: DoubleWell,
    *,
    noise_variance: float,
    steps: int,
    replicas: int = 1000,
    until_exit: bool = False,
    seed: Seed = None,
) -> WellRun:
    """Run a method in a double well under Gaussian noise of the gradient.

    Parameters
    ----------
    method : Method
        With settled coefficients.
    well : DoubleWell
    noise_variance : float
    steps : int
        At most.
    replicas : int
    until_exit : bool
        Whether to stop once all have reached the right minimum.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    WellRun

    Raises
    ------
    DomainError
        If a setting is not admissible.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> run = simulate_well(
    ...     HeavyBall(learning_rate=0.01, momentum=0.5), DoubleWell(), noise_variance=0.0, steps=9,
    ...     replicas=2,
    ... )
    >>> run.points, run.occupation
    (array([-1., -1.]), 1.0)
    """
    require_method(method)
    require_numbers(method)
    if not isinstance(well, DoubleWell):
        raise DomainError(f"{well!r} is no double well; give one such as DoubleWell(top=-0.1).")
    if any(np.ndim(slot) for slot in method.update(method.initial_state(0.0), 0.0)):
        raise DomainError(
            f"{type(method).__name__} has batch axes, but a run in a well takes one setting at a "
            "time; loop over them."
        )
    GLOSSARY["steps"].check(steps)
    GLOSSARY["replicas"].check(replicas)
    GLOSSARY["noise_variance"].check(noise_variance)
    rng = np.random.default_rng(seed_sequence(seed))
    deviation = float(np.sqrt(noise_variance))
    state = method.initial_state(np.full(int(replicas), -1.0))
    found = np.full(int(replicas), np.nan)
    made = int(steps)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(int(steps)):
            query: Any = method.query(state)
            noise = deviation * rng.standard_normal(int(replicas))
            state = method.update(state, well.field(query) + noise)
            came = np.isnan(found) & (np.asarray(state[0]) >= 1)
            if came.any():
                found[came] = step + 1
                if until_exit and not np.isnan(found).any():
                    made = step + 1
                    break
    points = np.asarray(state[0], dtype=float)
    if not np.isfinite(points).all():
        raise DomainError(
            f"{type(method).__name__} left both wells for good: the learning rate is too large for "
            "the noise; lower it."
        )
    return WellRun(exit_steps=found, points=points, steps=made, top=well.top)


def gibbs_occupation(well: DoubleWell, temperature: float) -> float:
    """The share of the left well under the law exp(−V/T), which small steps settle at.

    Examples
    --------
    >>> round(gibbs_occupation(DoubleWell(), 0.3), 3)
    0.5
    """
    x = np.linspace(-_WIDE, _WIDE, _GRID)
    weight = np.exp(-(well.height(x) - well.height(x).min()) / temperature)
    return float(weight[x < well.top].sum() / weight.sum())


def limit_exit_time(well: DoubleWell, temperature: float) -> float:
    """The mean effective time from the left minimum to the right one, for small steps.

    That of dx = −V′dt + √(2T)dW: ∫ from −1 to 1 of e^{V(y)/T} ∫ from −∞ to y of e^{−V(z)/T}, over
    T. It needs no high barrier.

    Examples
    --------
    >>> round(limit_exit_time(DoubleWell(), 0.3), 2)
    36.58
    """
    x = np.linspace(-_WIDE, 1, _GRID)
    level = well.height(x) / temperature
    level -= level.min()
    gap = float(x[1] - x[0])
    below = np.cumsum(np.exp(-level)) * gap
    inside = x >= -1
    return float((np.exp(level[inside]) * below[inside]).sum() * gap / temperature)


_WIDE, _GRID = 4.0, 40_001
