"""`enumerate_queue`: all that can happen in a small queue of memoryless workers, in fractions."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import State, answer_before, require_method, stage_of
from momentum_dynamics.simulation.checks import require_whole

__all__ = ["EnumeratedQueue", "enumerate_queue"]

_MOST = 2_000_000
"""Updates of all sequences together: some seconds."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EnumeratedQueue:
    """Means over all sequences of workers, exact if fractions went in.

    Attributes
    ----------
    workers, updates : int
    mean, second_moment : list ``(updates + 1)``
        E w and E w² of the answer w after 0, 1, … updates.
    gradient : list ``(updates + 1)``
        E g(w), the mean gradient at the answer, not at a stale read.
    """

    workers: int
    updates: int
    mean: list[Any]
    second_moment: list[Any]
    gradient: list[Any]

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<EnumeratedQueue: {self.workers} workers, {self.updates} updates, "
            f"{self.workers**self.updates} sequences>"
        )

    @property
    def velocity(self) -> list[Any]:
        """E v of each update, the differences of the means."""
        return [after - before for before, after in pairwise(self.mean)]


def enumerate_queue(
    method: Method,
    field: Callable[[Any], Any],
    *,
    workers: int,
    updates: int,
    start: Any = 1,
) -> EnumeratedQueue:
    """Run a method on every sequence in which M memoryless workers can write, and average.

    Each worker is the next to write with chance 1/M, whatever went before, so all Mᵗ sequences of t
    updates are equally likely. Nothing is drawn and, with fractions, nothing is rounded: what holds
    here holds.

    Parameters
    ----------
    method : Method
        One setting, as a rule with `fractions.Fraction` in its fields.
    field : callable
        The gradient g(w) of one coordinate; any function, linear or not.
    workers : int
        M ≥ 1.
    updates : int
        How many; all sequences together may have two million of them.
    start : number
        Where the method rests and what all workers have read; whole numbers are taken as fractions.

    Returns
    -------
    EnumeratedQueue

    Raises
    ------
    DomainError
        If a number is not admissible, or there are too many sequences.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from momentum_dynamics import GradientDescent
    >>> descent = GradientDescent(learning_rate=Fraction(1, 2))
    >>> found = enumerate_queue(descent, lambda w: w, workers=2, updates=3)
    >>> found.mean
    [Fraction(1, 1), Fraction(1, 2), Fraction(1, 8), Fraction(-3, 32)]
    >>> found.velocity[1] == found.velocity[0] / 2 - found.gradient[1] / 4
    True
    """
    require_method(method)
    require_whole("workers", workers, 1)
    require_whole("updates", updates, 0)
    count, length = int(workers), int(updates)
    if sum(count**step for step in range(1, length + 1)) > _MOST:
        raise DomainError(
            f"updates is {updates}, but the {count}^{length} sequences of {workers} workers are "
            "too many to enumerate; ask for fewer, or for queue_moments."
        )
    if not isinstance(start, numbers.Number):
        raise DomainError(f"start is {start!r}, but must be one number.")
    begin: Any = Fraction(start) if isinstance(start, int) else start
    totals = [[Fraction(0)] * (length + 1) for _ in range(3)]
    stages = [stage_of(method, step) for step in range(length + 1)]

    def follow(step: int, state: State, held: tuple[Any, ...]) -> None:
        """All ways to go on from here, worker by worker."""
        answer: Any = answer_before(method, step, state)
        for total, value in zip(totals, (answer, answer * answer, field(answer)), strict=True):
            total[step] += value
        if step == length:
            return
        for worker in range(count):
            moved = stages[step].update(state, field(held[worker]))
            read = stages[step + 1].query(moved)
            follow(step + 1, moved, (*held[:worker], read, *held[worker + 1 :]))

    first = method.initial_state(begin)
    follow(0, first, (stages[0].query(first),) * count)
    mean, second, gradient = (
        [value * Fraction(1, count**step) for step, value in enumerate(total)] for total in totals
    )
    return EnumeratedQueue(
        workers=count, updates=length, mean=mean, second_moment=second, gradient=gradient
    )
