"""`plan`: how many groups, which learning rate and momentum, how long; and a run that checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_dynamics.delays.services import Service
from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.simulation.noise import Seed
from momentum_dynamics.systems.choice import Choice, best_groups, group_task
from momentum_dynamics.systems.cluster import Cluster
from momentum_dynamics.systems.statistical import LONGEST, Task

__all__ = ["Plan", "Verification", "plan"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Verification:
    """What a simulated cluster did with a plan.

    Attributes
    ----------
    loss, loss_error : float
        The mean loss over replicas at the end of the predicted updates, and its standard error.
    target : float
    seconds, seconds_error : float
        When they were done, and its standard error.
    staleness : float
        The mean age of gradients.
    replicas : int
    """

    loss: float
    loss_error: float
    target: float
    seconds: float
    seconds_error: float
    staleness: float
    replicas: int

    @property
    def holds(self) -> bool:
        """Whether the loss is at the target, up to three standard errors and 5 % of it."""
        return self.loss <= self.target * (1 + _MARGIN) + 3 * self.loss_error

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**vars(self), "holds": self.holds}

    def __str__(self) -> str:
        """One sentence for a practitioner."""
        verdict = "at the target" if self.holds else "above the target"
        return (
            f"verified: {self.replicas} simulated clusters end at a loss of {self.loss:.4g} ± "
            f"{self.loss_error:.1g}, {verdict} {self.target:.4g}, after {self.seconds:.4g} ± "
            f"{self.seconds_error:.1g} s, gradients {self.staleness:.3g} updates old"
        )


_MARGIN = 0.05
"""How far a mean may lie above the target, as a share of it: what independent staleness leaves out
where groups are not memoryless."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """How to train: groups, learning rate, explicit momentum, and what else was possible.

    Attributes
    ----------
    cluster : Cluster
    task : Task
        With the noise of one node's gradient.
    choices : tuple of Choice
        What was compared, the fastest first.
    longest : int
        How many updates were too many.
    """

    cluster: Cluster
    task: Task
    choices: tuple[Choice, ...]
    longest: int

    @property
    def best(self) -> Choice:
        """The recommendation."""
        return self.choices[0]

    @property
    def groups(self) -> int:
        """How many groups to form."""
        return self.best.groups

    @property
    def learning_rate(self) -> float:
        """The learning rate of the server."""
        return self.best.learning_rate

    @property
    def momentum(self) -> float:
        """The explicit momentum of the server."""
        return self.best.momentum

    @property
    def seconds(self) -> float:
        """The predicted time to the target."""
        return self.best.seconds

    def of(self, groups: int) -> Choice | None:
        """The choice with so many groups, if it was compared and reaches the target."""
        return next((choice for choice in self.choices if choice.groups == groups), None)

    @property
    def synchronous(self) -> Choice | None:
        """One group of all nodes; None if it does not reach the target."""
        return self.of(1)

    @property
    def asynchronous(self) -> Choice | None:
        """Every node a group of its own; None if it does not reach the target."""
        return self.of(self.cluster.nodes)

    def __repr__(self) -> str:
        """One line."""
        return f"<Plan for {self.cluster.nodes} nodes: {self.best!r}>"

    def __str__(self) -> str:
        """A table to act on."""
        best, cluster = self.best, self.cluster
        idle = cluster.nodes - best.groups * best.group_size
        lines = [
            f"form {_counted(best.groups, 'group')} of {_counted(best.group_size, 'node')}"
            + (f" ({idle} idle)" if idle else ""),
            f"learning rate {best.learning_rate:.4g}, explicit momentum {best.momentum:.3g}",
            (
                f"a loss of {self.task.target:.4g} after {best.updates:,} updates, "
                f"{best.seconds:.4g} s"
            ),
            "",
            (
                f"{'':<14}{'groups':>7}{'rate':>11}{'momentum':>10}{'updates':>11}{'seconds':>11}"
                f"{'times':>8}"
            ),
        ]
        rows = (
            ("recommended", best, best.groups),
            ("synchronous", self.synchronous, 1),
            ("asynchronous", self.asynchronous, cluster.nodes),
        )
        for name, choice, groups in rows:
            if choice is None:
                lines.append(f"{name:<14}{groups:>7}   takes more than {self.longest:,} updates")
                continue
            lines.append(
                f"{name:<14}{choice.groups:>7}{choice.learning_rate:>11.4g}{choice.momentum:>10.3g}"
                f"{choice.updates:>11,}{choice.seconds:>11.4g}"
                f"{choice.seconds / best.seconds:>8.3g}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        names = ("groups", "group_size", "learning_rate", "momentum", "updates",
                 "seconds_per_update", "seconds")  # fmt: skip
        rows = [{name: getattr(choice, name) for name in names} for choice in self.choices]
        return {
            "nodes": self.cluster.nodes,
            "service": repr(self.cluster.service),
            "communication": self.cluster.communication,
            "spectrum": list(self.task.spectrum),
            "noise_variance": self.task.noise_variance,
            "target": self.task.target,
            "recommended": rows[0],
            "choices": sorted(rows, key=lambda row: row["groups"]),
        }

    def verify(
        self, seed: Seed = 0, replicas: int = 400, *, choice: Choice | None = None
    ) -> Verification:
        """Simulate the cluster, event by event, with the recommended settings.

        Parameters
        ----------
        seed : int, SeedSequence or Generator
        replicas : int
            How many clusters; at least 2, for the standard error.
        choice : Choice, optional
            Another one of the choices; by default the recommendation.

        Returns
        -------
        Verification

        Raises
        ------
        DomainError
            If there are fewer than two replicas.

        Examples
        --------
        >>> from momentum_dynamics import Exponential
        >>> found = plan(
        ...     nodes=8, service=Exponential(), communication=0.05, spectrum=(0.2, 1.0), noise=1.0,
        ...     target=0.05,
        ... )
        >>> found.verify(seed=1, replicas=200).holds
        True
        """
        GLOSSARY["replicas"].check(replicas)
        if replicas < 2:
            raise DomainError(f"replicas is {replicas}, but an error bar needs at least 2.")
        chosen = self.best if choice is None else choice
        task = group_task(self.cluster, self.task, chosen.groups)
        problem = Quadratic(list(task.spectrum))
        run = simulate_queue(
            chosen.method,
            problem,
            workers=chosen.groups,
            service=self.cluster.group_law(chosen.groups),
            server=self.cluster.server,
            updates=chosen.updates,
            noise_variance=task.noise_variance,
            start=task.start * np.ones(problem.dimension),
            replicas=replicas,
            record="last",
            seed=seed,
        )
        losses = np.asarray(run.outputs) ** 2 @ np.array(task.spectrum) / 2
        return Verification(
            loss=float(np.mean(losses)),
            loss_error=float(np.std(losses, ddof=1)) / replicas**0.5,
            target=task.target,
            seconds=float(run.times.mean()),
            seconds_error=float(run.times.std(ddof=1)) / replicas**0.5,
            staleness=run.mean_staleness,
            replicas=int(replicas),
        )


def plan(
    *,
    nodes: int,
    service: Service,
    communication: float = 0.0,
    spectrum: Any,
    noise: float,
    target: float,
    start: float = 1.0,
    server: Any = None,
    longest: int = LONGEST,
) -> Plan:
    """Recommend groups, learning rate and explicit momentum for a cluster.

    Nodes of a group wait for each other and average their gradients; groups do not wait. More
    groups make more updates per second of older and noisier gradients. For every number of groups
    learning rate and momentum are tuned on exact second moments, and time to the target is compared
    with that of one group and that of all nodes alone.

    Parameters
    ----------
    nodes : int
        N, from 1.
    service : Service
        How long a node computes one gradient.
    communication : float
        Seconds for one exchange of a model, along the tree of a group and with the server.
    spectrum : sequence of float
        Curvatures of the loss, such as the smallest and the largest.
    noise : float
        The variance of one node's gradient, in every coordinate; a group of k nodes has 1/k of it.
    target : float
        The loss to come down to; it begins at the sum of curvatures × `start`² / 2.
    start : float
        The displacement of every coordinate at the start.
    server : Service or float, optional
        How long the server takes for one update; by default `communication`, one at a time.
    longest : int
        How many updates are too many.

    Returns
    -------
    Plan
        Prints as a table; the same input gives the same plan.

    Raises
    ------
    DomainError
        If a number is not admissible, or no choice reaches the target.

    Notes
    -----
    Exact are memoryless nodes that are alone and meet no server, one group, and fixed times. In
    between, successive stalenesses are taken as independent, with the law of `group_staleness`;
    `Plan.verify` says what that leaves out.

    References
    ----------
    [hadjis2016]_, [kurth2017]_

    Examples
    --------
    >>> from momentum_dynamics import Exponential
    >>> found = plan(
    ...     nodes=32, service=Exponential(), communication=0.1, spectrum=(0.1, 1.0), noise=4.0,
    ...     target=0.05,
    ... )
    >>> 1 < found.groups < 32, found.seconds < found.synchronous.seconds
    (True, True)
    """
    cluster = Cluster(nodes=nodes, service=service, communication=communication, server=server)
    task = Task(spectrum=spectrum, noise_variance=noise, target=target, start=start)
    choices = best_groups(cluster, task, longest=longest)
    return Plan(cluster=cluster, task=task, choices=choices, longest=longest)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
