"""A cluster: nodes in groups, a barrier in every group, one server for all groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    GeometricDelay,
    NoDelay,
    ServiceDelay,
    ShiftedExponential,
    SlowestOf,
)
from momentum_dynamics.delays.services import Service, require_service
from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.simulation.checks import require_whole

__all__ = ["Cluster", "ManyGroupsDelay", "Scaled", "barrier_staleness"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaled:
    """A law of times in other units, and later by a fixed time: wait + factor × S.

    Parameters
    ----------
    service : Service
        The law of S.
    factor : float
        Positive.
    wait : float
        From 0.

    Examples
    --------
    >>> Scaled(service=Exponential(), wait=1.0).mean
    2.0
    """

    service: Service
    factor: float = 1.0
    wait: float = 0.0

    def __post_init__(self) -> None:
        require_service("Scaled", self.service, numbers=True)
        if not (0 < self.factor < np.inf and 0 <= self.wait < np.inf):
            raise DomainError(
                f"Scaled: factor is {self.factor} and wait {self.wait}, but factor must lie in "
                "(0, ∞) and wait in [0, ∞)."
            )

    def _inner(self, t: Any) -> Array:
        return (np.asarray(t, dtype=float) - self.wait) / self.factor

    @property
    def mean(self) -> float:
        return self.wait + self.factor * float(self.service.mean)

    @property
    def variation(self) -> float:
        return self.factor * float(self.service.mean) * float(self.service.variation) / self.mean

    def distribution(self, t: Any) -> Array:
        return self.service.distribution(self._inner(t))

    def survival(self, t: Any) -> Array:
        return self.service.survival(self._inner(t))

    def quantile(self, p: Any) -> Array:
        return self.wait + self.factor * self.service.quantile(p)

    def shortfall(self, t: Any) -> Array:
        return self.factor * self.service.shortfall(self._inner(t))

    def laplace_transform(self, s: Scalar) -> Scalar:
        return np.exp(-self.wait * s) * self.service.laplace_transform(self.factor * s)

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        return self.wait + self.factor * self.service.sample(rng, size)


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyGroupsDelay:
    """The staleness law of many equal workers: (g − 1)S/E S, split between whole numbers.

    Each value goes to the whole numbers below and above it so that the mean stays g − 1. Other
    workers' counts vary by the square root of staleness, which is left out: from hundreds of groups
    on that is little against the service law itself.

    Parameters
    ----------
    service : Service
    groups : int
    """

    service: Service
    groups: int

    @property
    def mean(self) -> int:
        return self.groups - 1

    def probabilities(self, count: int) -> NDArray[np.float64]:
        scale = float(self.service.mean) / (self.groups - 1)
        below = self.service.shortfall(scale * np.arange(-1, count + 1)) / scale
        return np.maximum(np.diff(below, 2), 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cluster:
    """Nodes that form groups: a barrier inside of a group, no waiting between groups.

    A group of k = ⌊nodes/groups⌋ nodes computes until its slowest node is done, averages k
    gradients along a tree, and brings the average to the server, which makes one update of it.

    Parameters
    ----------
    nodes : int
        N, from 1.
    service : Service
        How long one node computes one gradient.
    communication : float
        Seconds for one exchange of a model, of which a group makes ⌈log₂ k⌉ along its tree.
    server : Service or float, optional
        How long the server takes for one update; groups wait in line. By default it takes part in
        one exchange at a time, so `communication`; 0 is a server that never makes anyone wait.
    shares_batch : bool
        Whether the nodes of a group split one batch, so that a node takes 1/k of the time; else
        each has a batch of its own, and more nodes in a group mean less noise.

    Examples
    --------
    >>> cluster = Cluster(nodes=9600, service=Exponential(), communication=0.1)
    >>> cluster.group_size(8), round(cluster.group_law(8).mean, 3), cluster.server
    (1200, 8.768, Deterministic(mean=0.1))
    """

    nodes: int
    service: Service
    communication: float = 0.0
    server: Any = None
    shares_batch: bool = False

    def __post_init__(self) -> None:
        require_whole("nodes", self.nodes, 1)
        require_service("Cluster", self.service, numbers=True)
        if np.ndim(self.communication):
            raise DomainError(
                f"communication is {self.communication}, but must be one number of seconds."
            )
        GLOSSARY["communication"].check(self.communication)
        if self.server is None:
            object.__setattr__(self, "server", float(self.communication))
        if isinstance(self.server, int | float):
            if not 0 <= self.server < np.inf:
                raise DomainError(
                    f"server is {self.server}, but must be seconds in [0, ∞) or a law of times."
                )
            law = Deterministic(mean=float(self.server)) if self.server else None
            object.__setattr__(self, "server", law)
        else:
            require_service("Cluster: server", self.server, numbers=True)

    def __repr__(self) -> str:
        """One line."""
        return f"<Cluster of {self.nodes} nodes, {self.service!r} each>"

    def require_groups(self, groups: Any) -> int:
        """The number of groups as an integer.

        Raises
        ------
        DomainError
            If it is no whole number from 1 to the number of nodes.
        """
        require_whole("groups", groups, 1)
        if groups > self.nodes:
            raise DomainError(
                f"{groups} groups were asked of {self.nodes} nodes, but a group has at least one "
                f"node; ask for 1 to {self.nodes} groups."
            )
        return int(groups)

    def group_size(self, groups: int) -> int:
        """How many nodes each group has; a remainder is idle."""
        return self.nodes // self.require_groups(groups)

    def exchanges(self, groups: int) -> int:
        """How many exchanges of a model the tree of a group takes, ⌈log₂ k⌉."""
        return (self.group_size(groups) - 1).bit_length()

    def group_law(self, groups: int) -> Service:
        """The law of a group's time for one gradient: its slowest node, then its exchanges."""
        count = self.group_size(groups)
        law: Any = self.service if count == 1 else SlowestOf(service=self.service, count=count)
        factor = 1 / count if self.shares_batch else 1.0
        wait = float(self.communication) * self.exchanges(groups)
        if factor != 1 and isinstance(self.service, Deterministic | Exponential):
            inner = replace(self.service, mean=factor * self.service.mean)
            law, factor = (inner if count == 1 else SlowestOf(service=inner, count=count)), 1.0
        if isinstance(self.service, Deterministic):
            return Deterministic(mean=wait + factor * float(law.mean))
        if wait == 0 and factor == 1:
            return law
        if isinstance(law, Exponential):
            return ShiftedExponential(shift=wait, mean=wait + law.mean)
        return Scaled(service=law, factor=factor, wait=wait)

    def noise_variance(self, groups: int, noise_variance: float) -> float:
        """The variance of a group's gradient, of that of one node's own batch."""
        return noise_variance if self.shares_batch else noise_variance / self.group_size(groups)


def barrier_staleness(cluster: Cluster, groups: int) -> Any:
    """The staleness law of the groups of a cluster, the server taking no time.

    Parameters
    ----------
    cluster : Cluster
    groups : int

    Returns
    -------
    Delay
        With mean `groups` − 1: geometric for single memoryless nodes, nearly fixed for large
        barriers. From 500 groups on, the law for many of them.

    Examples
    --------
    >>> cluster = Cluster(nodes=9600, service=Exponential())
    >>> delay = barrier_staleness(cluster, 8)
    >>> chances = delay.probabilities(40)
    >>> round(float(chances[3:12].sum()), 3)
    0.988
    """
    law = cluster.group_law(groups)
    if groups == 1:
        return NoDelay()
    if isinstance(law, Exponential):
        return GeometricDelay(workers=groups)
    if groups > _MANY and not isinstance(law, Deterministic):
        return ManyGroupsDelay(service=law, groups=groups)
    return ServiceDelay(service=law, workers=groups)


_MANY = 500
