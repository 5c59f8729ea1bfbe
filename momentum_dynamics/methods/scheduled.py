"""Methods whose coefficients change with the step: known schedules, and any of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.laws import schedules
from momentum_dynamics.methods.minimizing import HeavyBall, Nesterov, require_order
from momentum_dynamics.methods.protocol import (
    Method,
    State,
    output_of,
    period_of,
    spread,
    stage_of,
    transient_of,
)
from momentum_dynamics.notation import Scalar, is_symbolic, record

__all__ = ["Chebyshev", "GrowingNesterov", "MarchenkoPastur", "Scheduled"]


@record
class Chebyshev:
    """The Chebyshev semi-iteration: the best worst case after every number of steps.

    Parameters
    ----------
    smallest_curvature, largest_curvature : scalar
        The ends of the spectrum.

    References
    ----------
    [golub1961]_
    """

    smallest_curvature: Scalar
    largest_curvature: Scalar

    period = None

    def check(self) -> None:
        require_order(self.smallest_curvature, self.largest_curvature)

    def stage(self, step: int) -> HeavyBall:
        """The heavy ball that makes step t."""
        low, high = self.smallest_curvature, self.largest_curvature
        relaxation = schedules.chebyshev_relaxation(high / low, step) if step else 1
        return HeavyBall(learning_rate=2 * relaxation / (low + high), momentum=relaxation - 1)

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)


@record
class GrowingNesterov:
    """Nesterov's method for convex losses: its momentum (t − 1)/(t + 2) grows to 1.

    Needs no curvature at the low end; the loss falls like 1/t².

    Parameters
    ----------
    learning_rate : scalar
        α, at most one over the largest curvature.

    References
    ----------
    [su2016]_
    """

    learning_rate: Scalar

    period = None

    def stage(self, step: int) -> Nesterov:
        """The Nesterov method that makes step t."""
        exact = is_symbolic(self.learning_rate) or isinstance(self.learning_rate, Fraction)
        momentum = schedules.growing_momentum(Fraction(step) if exact else step)
        return Nesterov(learning_rate=self.learning_rate, momentum=momentum)

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)


@record
class MarchenkoPastur:
    """The fastest method on average over least squares with random data.

    Parameters
    ----------
    variance : scalar
        The variance of the entries of the data.
    aspect_ratio : scalar
        Features over samples, in (0, 1).

    References
    ----------
    [pedregosa2020]_
    """

    variance: Scalar
    aspect_ratio: Scalar

    period = None

    def stage(self, step: int) -> HeavyBall:
        """The heavy ball that makes step t."""
        return HeavyBall(
            **schedules.marchenko_pastur(self.variance, self.aspect_ratio, step)._asdict()
        )

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scheduled:
    """One method after the other on one state; the last one stays.

    Parameters
    ----------
    stages : sequence of Method
        The method of each step, all of one kind: they must hold the same state and read the answer
        off it in the same way.

    Raises
    ------
    ShapeError
        If there are no stages, or they hold different numbers of slots.
    DomainError
        If they read the answer off the state in different ways, or one needs several steps to
        repeat.

    Examples
    --------
    >>> from momentum_dynamics import TorchSGD
    >>> Scheduled(stages=[TorchSGD(learning_rate=rate, momentum=0.9) for rate in (0.1, 0.01)])
    Scheduled(stages=(TorchSGD(learning_rate=0.1, momentum=0.9),
    TorchSGD(learning_rate=0.01, momentum=0.9)))
    """

    stages: Sequence[Method]

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        slots = {len(stage.initial_state(0)) for stage in self.stages}
        if len(slots) != 1:
            raise ShapeError(
                f"Scheduled: the stages hold {sorted(slots)} slots, but must share one state."
            )
        if any(period_of(stage) != 1 for stage in self.stages):
            raise DomainError("Scheduled: each stage must be a method that repeats every step.")
        units = [tuple(int(i == j) for j in range(*slots)) for i in range(*slots)]
        for unit in units:
            first, *others = (output_of(stage, unit) for stage in self.stages)
            if any(bool(np.any(other != first)) for other in others):
                raise DomainError(
                    "Scheduled: the stages read different answers off one state; let all of them "
                    "answer the point they store."
                )

    @property
    def transient(self) -> int:
        """All stages but the last are exceptions, and what is exceptional in that one."""
        return max(len(self.stages) - 1, transient_of(self.stages[-1]))

    def stage(self, step: int) -> Method:
        """The method of step t."""
        return stage_of(self.stages[min(step, len(self.stages) - 1)], step)

    def initial_state(self, point: Scalar) -> State:
        return self.stages[0].initial_state(point)

    def query(self, state: State) -> Scalar:
        return self.stages[0].query(state)

    def output(self, state: State) -> Scalar:
        return output_of(self.stages[0], state)

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stages[0].update(state, gradient)

    def with_trailing_axes(self, count: int) -> Scheduled:
        """The same methods, each with axes for points behind its batch."""
        return Scheduled(stages=[spread(stage, count) for stage in self.stages])
