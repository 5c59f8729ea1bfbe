"""How fast almost every path of the queue contracts: its Lyapunov exponent, by simulation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.simulation.noise import Seed, seed_sequence, stream

__all__ = ["PathExponent", "path_exponent"]


class PathExponent(NamedTuple):
    """The mean logarithm of the growth per update, and its standard error over replicas."""

    value: float
    error: float


_RESCALED = 32
"""After how many updates the state is brought back to size 1."""


def path_exponent(
    method: Method,
    curvature: float,
    *,
    workers: int,
    updates: int = 2000,
    replicas: int = 256,
    seed: Seed = None,
) -> PathExponent:
    """The Lyapunov exponent of a method on one curvature with M memoryless workers.

    Almost every path without noise shrinks or grows by exp(exponent) per update in the long run.
    It is at most half the logarithm of the mean-square rate, and says nothing about the mean,
    which rare large paths may carry.

    Parameters
    ----------
    method : Method
        One setting, with one gradient a step.
    curvature : float
        h.
    workers : int
        M ≥ 1.
    updates, replicas : int
        How long each path is, after as many updates that are not counted, and how many there are.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    PathExponent
        Of value −∞ where paths end at the solution, and error NaN there and for one replica.

    Raises
    ------
    DomainError
        If a number is not admissible, or the method has batch axes or several gradients a period.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> found = path_exponent(GradientDescent(learning_rate=0.5), 1.0, workers=1, updates=100)
    >>> round(float(found.value / np.log(0.5)), 12)
    1.0
    """
    for name, value in (("workers", workers), ("updates", updates), ("replicas", replicas)):
        GLOSSARY[name].check(value)
    system = state_space(method)
    if system.gradients > 1 or system.A.ndim != 2 or np.ndim(curvature):
        raise DomainError(
            f"Paths are followed for one setting with one gradient a step; {type(method).__name__} "
            "has batch axes or several gradients a period."
        )
    rng = stream(seed_sequence(seed))
    every, count = np.arange(replicas), int(workers)
    state = np.ones((system.slots, replicas)) * rng.standard_normal(replicas)
    held = np.repeat(system.C @ state, count, axis=0)
    grown = np.zeros(replicas)
    total = 2 * int(updates)
    for first in range(0, total, _RESCALED):
        size = min(_RESCALED, total - first)
        for worker in rng.integers(count, size=(size, replicas)):
            gradient = curvature * held[worker, every]
            state = system.A @ state + system.B * gradient
            held[worker, every] = (system.C @ state)[0]
        scale = np.maximum(np.abs(state).max(axis=0), np.abs(held).max(axis=0))
        with np.errstate(divide="ignore"):
            grown += np.where(first >= updates, np.log(scale), 0.0)
        scale = np.where(scale > 0, scale, 1.0)
        state, held = state / scale, held / scale
    counted = sum(
        min(_RESCALED, total - first) for first in range(0, total, _RESCALED) if first >= updates
    )
    rates = grown / counted
    settled = np.isfinite(rates).all() and replicas > 1
    error = float(rates.std(ddof=1) / np.sqrt(replicas)) if settled else np.nan
    return PathExponent(float(rates.mean()), error)
