"""Hardware efficiency: how many seconds one update takes, exactly or with an error bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Deterministic, EmpiricalDelay, Exponential, FixedDelay
from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws import systems as laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.simulation.noise import Seed
from momentum_dynamics.systems.cluster import Cluster, barrier_staleness

Array = NDArray[Any]

__all__ = [
    "HardwareEfficiency",
    "Scaling",
    "group_staleness",
    "hardware_efficiency",
    "machine_repair_throughput",
    "scaling",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class HardwareEfficiency:
    """Seconds per update of a cluster.

    Attributes
    ----------
    groups : int
    seconds : float
    standard_error : float
        0 where the answer is exact.
    """

    groups: int
    seconds: float
    standard_error: float

    @property
    def is_exact(self) -> bool:
        """Whether it comes from a formula."""
        return self.standard_error == 0


def machine_repair_throughput(group_time: Scalar, server_time: Scalar, groups: int) -> Scalar:
    """Updates per second of g groups before a server with exponential times.

    Groups are machines that work for a time of mean `group_time`, of any law, and then wait in line
    for the server. The sum over j of g!/(g − j)!(t_s/t_g)ʲ, by mean-value analysis: an arriving
    group sees the line of a system with one group less.

    Parameters
    ----------
    group_time, server_time : scalar
        Positive numbers, or symbols.
    groups : int

    Examples
    --------
    >>> [round(1 / machine_repair_throughput(8.0, 1.0, g), 4) for g in (4, 8, 9, 16)]
    [2.3509, 1.3082, 1.2094, 1.0046]
    """
    for name, value in (
        ("group_time", group_time), ("server_time", server_time), ("groups", groups),
    ):  # fmt: skip
        GLOSSARY[name].check(value)
    waiting: Scalar = 0
    throughput: Scalar = 0
    for count in range(1, int(groups) + 1):
        answer = server_time * (1 + waiting)
        throughput = count / (group_time + answer)
        waiting = throughput * answer
    return throughput


def hardware_efficiency(
    cluster: Cluster, groups: int, *, updates: int = 4000, seed: Seed = 0
) -> HardwareEfficiency:
    """Seconds per update when a cluster's nodes form so many groups.

    Parameters
    ----------
    cluster : Cluster
    groups : int
    updates : int
        How long each of 16 simulated runs is, where there is no formula.
    seed : int, SeedSequence or Generator

    Returns
    -------
    HardwareEfficiency

    Raises
    ------
    DomainError
        If there are more groups than nodes.

    Notes
    -----
    Groups and the server are a closed network of two stations. Exact are: no time at the server,
    E S/g, for any law; one group; fixed times, max(t_s, (t_g + t_s)/g); and exponential times at
    the server, with groups of any law, since computing, where nobody waits, enters by its mean
    only. For other laws at the server it is simulated. [hadjis2016]_

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> cluster = Cluster(nodes=8, service=Exponential(mean=8), server=Exponential())
    >>> round(hardware_efficiency(cluster, 8).seconds, 4)
    1.3082
    """
    groups = cluster.require_groups(groups)
    return _exact_pace(cluster, groups) or _measured(cluster, groups, updates, seed)[0]


def pace_and_staleness(
    cluster: Cluster, groups: int, *, updates: int = 4000, seed: Seed = 0
) -> tuple[HardwareEfficiency, Any]:
    """`hardware_efficiency` and `group_staleness` from one simulation, if it takes any.

    Parameters
    ----------
    cluster : Cluster
    groups : int
    updates : int
    seed : int, SeedSequence or Generator

    Returns
    -------
    HardwareEfficiency, Delay
    """
    groups = cluster.require_groups(groups)
    pace, delay = _exact_pace(cluster, groups), _known_staleness(cluster, groups)
    if pace is not None and delay is not None:
        return pace, delay
    measured, histogram = _measured(cluster, groups, updates, seed)
    return pace or measured, histogram if delay is None else delay


def least_seconds(cluster: Cluster, groups: int) -> float:
    """What one update takes at least, if the server never rests or no group ever waits."""
    busy = 0.0 if cluster.server is None else float(cluster.server.mean)
    return max(float(cluster.group_law(groups).mean) / groups, busy)


def _exact_pace(cluster: Cluster, groups: int) -> HardwareEfficiency | None:
    exact = _exact_seconds(cluster, groups)
    if exact is None:
        return None
    return HardwareEfficiency(groups=groups, seconds=exact, standard_error=0.0)


def _measured(
    cluster: Cluster, groups: int, updates: int, seed: Seed
) -> tuple[HardwareEfficiency, Any]:
    times, staleness = _simulated(cluster, groups, updates, seed)
    pace = HardwareEfficiency(
        groups=groups,
        seconds=float(times.mean()),
        standard_error=float(times.std(ddof=1)) / _RUNS**0.5,
    )
    return pace, EmpiricalDelay.from_staleness(staleness)


def _exact_seconds(cluster: Cluster, groups: int) -> float | None:
    law, server = cluster.group_law(groups), cluster.server
    mean = float(law.mean)
    if server is None:
        return mean / groups
    if groups == 1:
        return mean + float(server.mean)
    if _is_clockwork(cluster, groups):
        return float(laws.hardware_efficiency(mean, float(server.mean), groups))
    if isinstance(server, Exponential):
        return float(1 / machine_repair_throughput(mean, float(server.mean), groups))
    return None


def _is_clockwork(cluster: Cluster, groups: int) -> bool:
    """Whether all times are fixed."""
    laws_of_times = (cluster.group_law(groups), cluster.server)
    return all(isinstance(law, Deterministic) for law in laws_of_times)


def group_staleness(cluster: Cluster, groups: int, *, updates: int = 4000, seed: Seed = 0) -> Any:
    """The staleness law of the groups of a cluster.

    Parameters
    ----------
    cluster : Cluster
    groups : int
    updates : int
        How long each of 16 simulated runs is, where groups wait in line for the server.
    seed : int, SeedSequence or Generator

    Returns
    -------
    Delay
        `barrier_staleness` where nobody waits in line; else measured. The mean is `groups` − 1.

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> cluster = Cluster(nodes=8, service=Exponential(mean=8))
    >>> group_staleness(cluster, 8)
    GeometricDelay(workers=8)
    """
    groups = cluster.require_groups(groups)
    known = _known_staleness(cluster, groups)
    return _measured(cluster, groups, updates, seed)[1] if known is None else known


def _known_staleness(cluster: Cluster, groups: int) -> Any:
    """The law where it need not be measured, else None."""
    if cluster.server is None or groups == 1:
        return barrier_staleness(cluster, groups)
    if _is_clockwork(cluster, groups):
        return FixedDelay(staleness=groups - 1)
    return None


_RUNS = 16


def _simulated(cluster: Cluster, groups: int, updates: int, seed: Seed) -> tuple[Array, Array]:
    """Seconds per update of each run, and all stalenesses, after the start is forgotten."""
    if updates < 10:
        raise DomainError(f"updates is {updates}, but must be at least 10.")
    begin = updates // 5 + 5 * groups
    run = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=groups,
        service=cluster.group_law(groups), server=cluster.server, updates=begin + updates,
        replicas=_RUNS, seed=seed, stride=begin + updates,
    )  # fmt: skip
    each = (run.times[-1] - run.times[begin - 1]) / updates
    return each, np.asarray(run.staleness)[begin:].ravel()


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """How a cluster's speed grows with its nodes.

    Attributes
    ----------
    nodes : int array
    groups : int
    strong, weak : float array
        Speed over one node's: with one batch of fixed size split over a group, counted in updates;
        with a batch on every node, counted in gradients.
    straggler : float array
        The share of a group's time in which its mean node waits for the slowest.
    communication : float array
        The share of a group's time that exchanges take, with a batch on every node.
    """

    nodes: NDArray[np.int64]
    groups: int
    strong: NDArray[np.float64]
    weak: NDArray[np.float64]
    straggler: NDArray[np.float64]
    communication: NDArray[np.float64]


def scaling(cluster: Cluster, nodes: Sequence[int], groups: int = 1) -> Scaling:
    """Strong and weak scaling of clusters like this one, with stragglers and exchanges.

    Parameters
    ----------
    cluster : Cluster
        Everything but the number of nodes is taken from it.
    nodes : sequence of int
        At least as many as groups each.
    groups : int

    Returns
    -------
    Scaling

    Examples
    --------
    >>> from momentum_dynamics import Deterministic
    >>> found = scaling(Cluster(nodes=1, service=Deterministic()), [1, 8, 64])
    >>> found.strong, found.weak
    (array([ 1.,  8., 64.]), array([ 1.,  8., 64.]))
    """
    counts = np.asarray(nodes)
    server = 0.0 if cluster.server is None else cluster.server
    ours: dict[str, Any] = {"communication": cluster.communication, "server": server}
    rows = []
    for count in counts:
        speeds = []
        for shares in (True, False):
            each = Cluster(nodes=int(count), service=cluster.service, shares_batch=shares, **ours)
            seconds = hardware_efficiency(each, groups).seconds
            speeds.append((1 if shares else each.group_size(groups)) / seconds)
        law = each.group_law(groups)
        exchanged = float(cluster.communication) * each.exchanges(groups)
        waited = float(law.mean) - exchanged - float(cluster.service.mean)
        rows.append((*speeds, waited / float(law.mean), exchanged / float(law.mean)))
    alone = Cluster(nodes=1, service=cluster.service, server=server)
    base = hardware_efficiency(alone, 1).seconds
    strong, weak, straggler, communication = np.array(rows).T
    return Scaling(
        nodes=counts, groups=groups, strong=base * strong, weak=base * weak,
        straggler=straggler, communication=communication,
    )  # fmt: skip
