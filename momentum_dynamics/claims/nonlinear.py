"""Gradients that are not linear: momentum in the mean all the same, though not of the mean point.

`simulate_queue` runs such problems replica by replica in Python. What is needed here are thousands
of queues of memoryless workers and no times: the next worker to write is any of them with the same
chance, so that one loop over updates moves all queues at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import staleness
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Banana, LogisticRegression, named_data

__all__ = ["CASES", "Case", "Queues", "logistic", "run_queues", "valley"]

Array = NDArray[np.float64]

_GROUPS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A problem, and queues of gradient descent on it whose starts are spread evenly in a box.

    Attributes
    ----------
    problem : Problem
    name : str
    learning_rate, spread : float
        Every coordinate of the start differs from the problem's own by at most so much.
    workers, updates, replicas : int
    """

    problem: Any
    name: str
    learning_rate: float
    spread: float
    updates: int
    replicas: int
    workers: int = 4


def logistic(replicas: int = 1_000) -> Case:
    """Whether diabetes has advanced beyond its mean, by logistic regression."""
    data = named_data("diabetes")
    problem = LogisticRegression(data.X, (data.y > 0).astype(float), ridge=0.01)
    return Case(
        problem=problem, name="logistic regression, diabetes data", learning_rate=0.5, spread=4.0,
        updates=20, replicas=replicas,
    )  # fmt: skip


def valley(replicas: int = 3_000) -> Case:
    """A curved valley, where curvature is negative at many points."""
    return Case(
        problem=Banana(), name="a curved valley", learning_rate=0.0005, spread=0.5, updates=80,
        replicas=replicas,
    )  # fmt: skip


CASES = (logistic, valley)


@dataclass(frozen=True, kw_only=True, eq=False)
class Queues:
    """Points and gradients there, from the start on, ``(updates + 1, replicas, dimension)``."""

    case: Case
    points: Array
    fields: Array

    def grouped(self, values: Array) -> Array:
        """Means over groups of replicas, ``(updates + 1, groups, dimension)``."""
        return values.reshape(len(values), _GROUPS, -1, values.shape[-1]).mean(axis=2)

    def residual(self, *, at_mean: bool = False) -> tuple[Array, Array]:
        """E v′ − (1 − 1/M) E v + (α/M) E g(w) from update 2 on, and its standard error.

        Both sides are from the same queues, so that only what differs between them has an error.

        Parameters
        ----------
        at_mean : bool
            Take g(E w) instead of E g(w), the mean over a group.

        Returns
        -------
        pair of array ``(updates - 1, dimension)``
        """
        case = self.case
        velocity = np.diff(self.grouped(self.points), axis=0)
        if at_mean:
            field = case.problem.field(self.grouped(self.points))
        else:
            field = self.grouped(self.fields)
        left = (
            velocity[1:]
            - staleness.implicit_momentum(case.workers) * velocity[:-1]
            + staleness.implicit_learning_rate(case.learning_rate, case.workers) * field[1:-1]
        )
        return left.mean(axis=1), left.std(axis=1, ddof=1) / np.sqrt(_GROUPS)


def run_queues(case: Case, rng: np.random.Generator, *, is_round_robin: bool = False) -> Queues:
    """Queues of memoryless workers, or of workers with equal constant times, who take turns.

    Parameters
    ----------
    case : Case
        Its replicas are a multiple of 100.
    rng : Generator
    is_round_robin : bool

    Returns
    -------
    Queues
    """
    size = (case.replicas, case.problem.dimension)
    point = case.problem.start + case.spread * rng.uniform(-1, 1, size)
    field = case.problem.field(point)
    held = np.repeat(field[:, None], case.workers, axis=1)
    lanes = np.arange(case.replicas)
    points, fields = [point], [field]
    for update in range(case.updates):
        if is_round_robin:
            writers = np.full(case.replicas, update % case.workers)
        else:
            writers = rng.integers(case.workers, size=case.replicas)
        point = point - case.learning_rate * held[lanes, writers]
        field = case.problem.field(point)
        held[lanes, writers] = field
        points.append(point)
        fields.append(field)
    return Queues(case=case, points=np.array(points), fields=np.array(fields))


def _evidence(queues: Queues, *, at_mean: bool = False) -> Evidence:
    case = queues.case
    left, error = queues.residual(at_mean=at_mean)
    where = "g(E w)" if at_mean else "E g(w)"
    return Evidence.statistical(
        0, left, error,
        note=f"E v′ − (1 − 1/M) E v + (α/M) {where}, updates 2 to {case.updates} of "
        f"{case.replicas:,} queues, M = {case.workers}, all {case.problem.dimension} coordinates",
    )  # fmt: skip


def _controls(case: Case, rng: np.random.Generator) -> Evidence:
    """Two assumptions broken, one at a time; neither may agree."""
    found = [
        _evidence(run_queues(case, rng), at_mean=True),
        _evidence(run_queues(case, rng, is_round_robin=True)),
    ]
    return next((evidence for evidence in found if evidence.passed), found[0])


def _statement() -> Any:
    velocity, workers = sympy.Function("v"), symbol("workers")
    step, rate = symbol("step"), symbol("learning_rate")
    gradient = sympy.Function("E")(sympy.Function("g")(sympy.Symbol("w_t")))
    return sympy.Eq(
        velocity(step + 1),
        staleness.implicit_momentum(workers) * velocity(step)
        - staleness.implicit_learning_rate(rate, workers) * gradient,
        evaluate=False,
    )


def _claim(case: Any, slug: str, title: str, remark: str) -> Claim:
    return Claim(
        slug=slug,
        title=title,
        source=Citation("mitliagkas2016"),
        kind=Kind.IDENTITY,
        statement=_statement,
        proof=None,
        experiment=lambda rng: _evidence(run_queues(case(), rng)),
        control=lambda rng: _controls(case(), rng),
        expected=Verdict.CONFIRMED,
        figures=("nonlinear-fields",),
        remark=remark + " The control takes the gradient at the mean point, which is another "
        "number, or workers of equal times in a round robin; neither agrees. The proof, for any "
        "gradient, is that of queue-of-memoryless-workers-is-momentum-in-the-mean.",
    )


LOGISTIC = _claim(
    logistic,
    "asynchronous-logistic-regression-has-momentum-in-the-mean",
    "Memoryless workers on logistic regression obey the momentum recursion in the mean, with the "
    "mean gradient in it and not the gradient at the mean.",
    "Whether diabetes is beyond its mean, from ten features; starts lie evenly in a box.",
)

VALLEY = _claim(
    valley,
    "asynchrony-on-a-non-convex-loss-is-momentum-in-the-mean",
    "On a loss that is not convex memoryless workers obey the momentum recursion in the mean all "
    "the same.",
    "A curved valley, with negative curvature at a quarter of the points where gradients are "
    "taken; starts lie evenly in a square.",
)
