"""The fastest method on average over a spectrum, from orthogonal polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import HeavyBall, Scheduled
from momentum_dynamics.methods.minimizing import require_order
from momentum_dynamics.notation import GLOSSARY

__all__ = ["average_case", "root_edge_nodes"]

Array = NDArray[np.float64]

_NODES_PER_STEP = 8
"""Of the quadrature; smooth densities need a few more than two."""


def average_case(
    density: Callable[[Array], Any],
    *,
    smallest_curvature: float,
    largest_curvature: float,
    steps: int,
) -> Scheduled:
    """The method that after every number of steps leaves least on average over a density.

    Its residual polynomials are orthogonal for the weight h·density(h), so they obey a recursion of
    three terms, which is heavy ball with coefficients that change.

    Parameters
    ----------
    density : callable
        Of curvatures ``(nodes,)``; positive inside the interval, up to a factor, and smooth there
        or with square-root edges.
    smallest_curvature, largest_curvature : float
        The ends of its support.
    steps : int
        How many stages to compute; the last one stays.

    Returns
    -------
    Scheduled
        Of `HeavyBall` stages. They tend to Polyak's for every density that is positive between the
        ends.

    Raises
    ------
    DomainError
        If the density is negative, not finite or zero everywhere, the ends are in the wrong order,
        or the number of steps is not positive.

    References
    ----------
    [pedregosa2020]_, [scieur2020]_

    Examples
    --------
    >>> uniform = average_case(np.ones_like, smallest_curvature=1, largest_curvature=20, steps=120)
    >>> uniform.stages[-1]
    HeavyBall(learning_rate=0.133583..., momentum=0.40262...)
    """
    require_order(smallest_curvature, largest_curvature, strictly=True, single=True)
    GLOSSARY["steps"].check(steps)
    if steps < 1 or smallest_curvature <= 0:
        raise DomainError(
            f"average_case got {steps} steps from curvature {smallest_curvature}; it needs at "
            "least one step, and curvatures above zero."
        )
    nodes, weights = root_edge_nodes(int(steps), smallest_curvature, largest_curvature)
    values = np.asarray(density(nodes), dtype=float) * np.ones_like(nodes)
    if not (np.isfinite(values).all() and (values >= 0).all() and values.any()):
        raise DomainError("The density must be finite and not negative, and somewhere positive.")
    return Scheduled(stages=_stages(nodes, weights * values * nodes, int(steps)))


def root_edge_nodes(steps: int, low: float, high: float) -> tuple[Array, Array]:
    """Nodes h = mid + half·cos θ with Gaussian θ: square roots at the ends do no harm.

    Weights are up to a factor; there are enough nodes for products of two residual polynomials.
    """
    from scipy.special import roots_legendre

    points, weights = roots_legendre(_NODES_PER_STEP * steps + 64)
    angle = np.pi * (points + 1) / 2
    nodes = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
    return nodes, weights * np.sin(angle)


def _stages(nodes: Array, weight: Array, steps: int) -> list[HeavyBall]:
    """Stieltjes' procedure on residual polynomials, which are 1 at curvature 0.

    With P₋₁ = 0 and P₀ = 1, P₊ = (1 + β)P − βP₋ − αhP is heavy ball's step; α and β make P₊
    orthogonal to P and P₋.
    """

    def inner(first: Array, second: Array) -> float:
        return float(np.sum(weight * first * second))

    before, now = np.zeros_like(nodes), np.ones_like(nodes)
    stages: list[HeavyBall] = []
    last = 0.0
    for _ in range(steps):
        square = inner(now, now)
        mean = inner(nodes * now, now) / square
        # P₊ ⊥ P gives 1 + β = α·mean, and P₊ ⊥ P₋ with α₋⟨hP, P₋⟩ = −⟨P, P⟩ gives β = α·share.
        share = square / (last * inner(before, before)) if stages else 0.0
        learning_rate = 1 / (mean - share)
        momentum = learning_rate * share
        stages.append(HeavyBall(learning_rate=learning_rate, momentum=momentum))
        before, now = (
            now,
            now + momentum * (now - before) - learning_rate * nodes * now,
        )
        last = learning_rate
    return stages
