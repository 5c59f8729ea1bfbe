"""How many groups: time to a target against their number, and Omnivore's rule for choosing it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum_dynamics.delays import NoDelay
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.systems.cluster import Cluster
from momentum_dynamics.systems.hardware import (
    group_staleness,
    hardware_efficiency,
    least_seconds,
    pace_and_staleness,
)
from momentum_dynamics.systems.search import tune_for
from momentum_dynamics.systems.statistical import (
    LONGEST,
    Task,
    Tuned,
    fewest_updates,
    loss_path,
    unreachable,
)

__all__ = [
    "Choice",
    "HalvingTrial",
    "best_groups",
    "group_task",
    "halving_rule",
    "time_to_target",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """One number of groups with its best settings, and how long it takes.

    Attributes
    ----------
    groups, group_size : int
    learning_rate, momentum : float
    updates : int
    seconds_per_update : float
    seconds : float
        To the target.
    """

    groups: int
    group_size: int
    learning_rate: float
    momentum: float
    updates: int
    seconds_per_update: float
    seconds: float

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<Choice: {self.groups} groups of {self.group_size}, learning rate "
            f"{self.learning_rate:.4g}, momentum {self.momentum:.3g}, {self.seconds:.4g} seconds>"
        )

    @property
    def method(self) -> HeavyBall:
        """The method that the server runs."""
        return HeavyBall(learning_rate=self.learning_rate, momentum=self.momentum)

    @property
    def tuned(self) -> Tuned:
        """The settings without the cluster."""
        return Tuned(learning_rate=self.learning_rate, momentum=self.momentum, updates=self.updates)


def group_task(cluster: Cluster, task: Task, groups: int) -> Task:
    """The task as the server of so many groups sees it: with the noise of a group's average.

    Parameters
    ----------
    cluster : Cluster
    task : Task
    groups : int

    Returns
    -------
    Task

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> task = Task(spectrum=[1.0], noise_variance=4.0, target=0.1)
    >>> group_task(Cluster(nodes=32, service=Exponential()), task, 8).noise_variance
    1.0
    """
    return replace(task, noise_variance=cluster.noise_variance(groups, task.noise_variance))


def seconds_of(cluster: Cluster, groups: int, updates: float, seconds_per_update: float) -> float:
    """When the update with this number is made, all groups having begun together.

    Fixed times make the first round wait: a server that takes t_s is behind a steady pace by
    (t_g + (g + 1)t_s)(1 − 1/g)/2 on average over a round, and by t_g where it never rests. Random
    times forget the start and come to the server one by one: by renewal theory 1 − c² of t_g's part
    is left, nothing for memoryless ones. Times that vary more than those bring the first updates
    sooner than a steady pace; that is left out, and a prediction is late by it.
    """
    if groups == 1:
        return updates * seconds_per_update
    law = cluster.group_law(groups)
    memory = max(1 - float(law.variation) ** 2, 0.0)
    mean, busy = float(law.mean), 0.0
    if memory == 1 and cluster.server is not None:
        busy = float(cluster.server.mean)
    late = min((mean + (groups + 1) * busy) * (1 - 1 / groups) / 2, mean)
    return updates * seconds_per_update + memory * late


def time_to_target(
    cluster: Cluster,
    task: Task,
    groups: int,
    *,
    near: Tuned | None = None,
    longest: float = LONGEST,
) -> Choice | None:
    """The time that so many groups take to the target, learning rate and momentum tuned.

    Hardware efficiency times statistical efficiency: seconds per update times updates.

    Parameters
    ----------
    cluster : Cluster
    task : Task
        Its noise is that of one node's gradient, or of the batch that a group shares.
    groups : int
    near : Tuned, optional
        Settings to begin the search with.
    longest : float
        How many updates are too many.

    Returns
    -------
    Choice or None
        None if the target is not reached within `longest` updates.

    Raises
    ------
    DomainError
        If there are more groups than nodes.

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> cluster = Cluster(nodes=16, service=Exponential())
    >>> task = Task(spectrum=(0.2, 1.0), noise_variance=1.0, target=0.05)
    >>> time_to_target(cluster, task, 4).groups
    4
    """
    groups = cluster.require_groups(groups)
    seen = group_task(cluster, task, groups)
    if fewest_updates(seen) > longest:
        return None
    pace, delay = pace_and_staleness(cluster, groups)
    tuned = tune_for(seen, delay, near=near, longest=longest)
    if tuned is None:
        return None
    updates = math.ceil(tuned.updates)
    return Choice(
        groups=groups,
        group_size=cluster.group_size(groups),
        learning_rate=tuned.learning_rate,
        momentum=tuned.momentum,
        updates=updates,
        seconds_per_update=pace.seconds,
        seconds=seconds_of(cluster, groups, updates, pace.seconds),
    )


def best_groups(
    cluster: Cluster, task: Task, *, among: Iterable[int] | None = None, longest: int = LONGEST
) -> tuple[Choice, ...]:
    """The time to a target for several numbers of groups, the fastest first.

    Parameters
    ----------
    cluster : Cluster
    task : Task
    among : iterable of int, optional
        Numbers of groups; by default powers of two, all nodes alone, and what lies about the best
        of those; without those that would take long to tune and cannot win.
    longest : int
        How many updates are too many.

    Returns
    -------
    tuple of Choice
        In the order of time; those that do not reach the target are left out.

    Raises
    ------
    DomainError
        If none reaches the target.

    Examples
    --------
    >>> from momentum_dynamics import Deterministic
    >>> cluster = Cluster(
    ...     nodes=32, service=Deterministic(mean=32), server=0.35, shares_batch=True
    ... )
    >>> for target in (0.3, 0.1, 0.005):
    ...     task = Task(spectrum=[1.0], noise_variance=1.0, target=target)
    ...     print(best_groups(cluster, task)[0].groups)
    1
    2
    8
    """
    given = None if among is None else sorted({cluster.require_groups(groups) for groups in among})
    found: dict[int, Choice] = {}
    near: Tuned | None = None
    for groups in given or _powers(cluster):
        if given is None and _is_hopeless(cluster, task, groups, found):
            continue
        choice = time_to_target(cluster, task, groups, near=near, longest=longest)
        if choice is not None:
            found[groups], near = choice, choice.tuned
    if not found:
        raise unreachable(task, longest)
    _search_again(cluster, task, found, longest)
    if given is None:
        best = min(found.values(), key=lambda choice: choice.seconds)
        for groups in _between(cluster, best.groups, set(found)):
            choice = time_to_target(cluster, task, groups, near=best.tuned, longest=longest)
            if choice is not None:
                found[groups] = choice
    return tuple(sorted(found.values(), key=lambda choice: choice.seconds))


def _search_again(cluster: Cluster, task: Task, found: dict[int, Choice], longest: int) -> None:
    """Fewer groups need no more updates: where they seem to, begin where more groups ended."""
    counts = sorted(found, reverse=True)
    for more, fewer in itertools.pairwise(counts):
        if found[fewer].updates > found[more].updates:
            again = time_to_target(cluster, task, fewer, near=found[more].tuned, longest=longest)
            if again is not None and again.updates < found[fewer].updates:
                found[fewer] = again


_LONG = 2**11
_CLEARLY = 0.9


def _is_hopeless(cluster: Cluster, task: Task, groups: int, found: dict[int, Choice]) -> bool:
    """Whether no tuning could win, and it would take long to tune.

    No tuning takes fewer updates than the fewest of all methods, nor clearly fewer than fewer
    groups, whose gradients are fresher and less noisy.
    """
    if not found or groups == cluster.nodes:
        return False
    best = min(choice.seconds for choice in found.values())
    fewer = max((choice.updates for choice in found.values() if choice.groups < groups), default=0)
    least = max(fewest_updates(group_task(cluster, task, groups)), _CLEARLY * fewer)
    return least > _LONG and least * least_seconds(cluster, groups) > best


def _filled(cluster: Cluster, groups: int) -> int:
    """The largest number of groups of the same size: with the fewest idle nodes."""
    return cluster.nodes // cluster.group_size(groups)


def _powers(cluster: Cluster) -> list[int]:
    powers = [2**power for power in range(cluster.nodes.bit_length())]
    return sorted({_filled(cluster, groups) for groups in powers} | {cluster.nodes})


def _between(cluster: Cluster, groups: int, known: set[int]) -> list[int]:
    near = {round(groups * factor) for factor in (0.71, 0.84, 1.19, 1.41)}
    return sorted({
        _filled(cluster, value) for value in near if 1 <= value <= cluster.nodes
    } - known)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class HalvingTrial:
    """One trial of the halving rule: the settings that a grid search likes best.

    Attributes
    ----------
    groups : int
    learning_rate, momentum : float
    loss : float
        The mean loss at the end of the trial.
    """

    groups: int
    learning_rate: float
    momentum: float
    loss: float


def halving_rule(
    cluster: Cluster, task: Task, *, seconds: float, groups: int | None = None
) -> tuple[HalvingTrial, ...]:
    """Omnivore's rule: while the best explicit momentum is 0, halve the number of groups.

    The search starts with the most groups that the server can keep up with, tries every learning
    rate 1, 1/10, … times the curvature's inverse with momentum 0, 0.3, 0.6 and 0.9 for a while, and
    takes the lowest loss; within 1 % the larger learning rate wins, then the larger momentum. Best
    momentum 0 is read as too much implicit momentum. Losses are exact means here, not runs.

    Parameters
    ----------
    cluster : Cluster
    task : Task
        Each trial starts where the task starts.
    seconds : float
        How long one trial takes.
    groups : int, optional
        Where to begin; by default before the server saturates.

    Returns
    -------
    tuple of HalvingTrial
        One for each number of groups tried; the last is the rule's choice.

    References
    ----------
    [hadjis2016]_

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> cluster = Cluster(nodes=32, service=Exponential())
    >>> task = Task(spectrum=(0.05, 1.0), noise_variance=4.0, target=0.01)
    >>> [trial.groups for trial in halving_rule(cluster, task, seconds=10.0)]
    [32, 16]
    """
    count = _saturated(cluster) if groups is None else cluster.require_groups(groups)
    trials = [_trial(cluster, task, count, seconds)]
    while trials[-1].momentum == 0 and count > 1:
        count //= 2
        trials.append(_trial(cluster, task, count, seconds))
    return tuple(trials)


def _saturated(cluster: Cluster) -> int:
    """The most groups, among halvings of all nodes, whose server still has time to rest."""
    count = cluster.nodes
    if cluster.server is None:
        return count
    while count > 1:
        law = cluster.group_law(count)
        if count < 1 + float(law.mean) / float(cluster.server.mean):
            break
        count //= 2
    return count


_MOMENTA = (0.0, 0.3, 0.6, 0.9)
_DECADES = 6
_TIE = 0.01


def _trial(cluster: Cluster, task: Task, groups: int, seconds: float) -> HalvingTrial:
    steps = int(seconds / hardware_efficiency(cluster, groups).seconds)
    steps = min(max(steps, 1), LONGEST)
    delay: Any = NoDelay() if groups == 1 else group_staleness(cluster, groups)
    rates, momenta = (
        part.ravel() for part in np.meshgrid(
            10.0 ** -np.arange(_DECADES) / max(task.spectrum), _MOMENTA, indexing="ij"
        )
    )  # fmt: skip
    seen = group_task(cluster, task, groups)
    method = HeavyBall(learning_rate=rates, momentum=momenta)
    losses = loss_path(seen, method, delay, steps)[:, -1]
    near = np.flatnonzero(losses <= (1 + _TIE) * losses.min())
    chosen = max(near, key=lambda index: (rates[index], momenta[index]))
    return HalvingTrial(
        groups=groups, learning_rate=float(rates[chosen]), momentum=float(momenta[chosen]),
        loss=float(losses[chosen]),
    )  # fmt: skip
