"""Tuners as pure functions of their state, and feedback that puts momentum on their target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY, Scalar, record
from momentum_dynamics.tuning.presets import as_float
from momentum_dynamics.tuning.sensors import Sensor, rounding_of

__all__ = [
    "Arrival",
    "Feedback",
    "FixedTarget",
    "MovingTarget",
    "Parameters",
    "TargetTuner",
    "as_target_tuner",
]


@record
class Parameters:
    """What a tuner sets.

    Parameters
    ----------
    learning_rate, momentum : float or array ``(*replicas)``
    """

    learning_rate: Scalar
    momentum: Scalar


@runtime_checkable
class TargetTuner(Protocol):
    """A tuner that can say which total momentum it wants."""

    def init(self, parameters: Parameters) -> Any:
        """The state before the first gradient."""
        ...

    def update(self, state: Any, gradient: Any, parameters: Parameters) -> tuple[Any, Any, Any]:
        """After a gradient ``(*replicas, dimension)``: the state, the parameters, what was used."""
        ...

    def target(self, state: Any) -> Any:
        """The total momentum that is wanted, a number or ``(*replicas)``."""
        ...


@record
class FixedTarget:
    """A tuner that always wants the same total momentum.

    Parameters
    ----------
    total_momentum : float
    """

    total_momentum: Scalar

    def init(self, parameters: Parameters) -> tuple[()]:  # noqa: ARG002
        return ()

    def update(
        self,
        state: tuple[()],
        gradient: Any,  # noqa: ARG002
        parameters: Parameters,
    ) -> tuple[tuple[()], Parameters, dict[str, Any]]:
        return state, parameters, {}

    def target(self, state: tuple[()]) -> Any:  # noqa: ARG002
        return self.total_momentum


@dataclass(frozen=True)
class MovingTarget:
    """A tuner whose wanted total momentum is a function of the update.

    Parameters
    ----------
    law : callable
        ``law(step)`` for step 0, 1, ….
    """

    law: Callable[[int], float]

    def init(self, parameters: Parameters) -> int:  # noqa: ARG002
        return 0

    def update(
        self,
        state: int,
        gradient: Any,  # noqa: ARG002
        parameters: Parameters,
    ) -> tuple[int, Parameters, dict[str, Any]]:
        return state + 1, parameters, {}

    def target(self, state: int) -> Any:
        return self.law(state)


def as_target_tuner(tuner: Any) -> TargetTuner:
    """A number as a fixed target, a function of the step as a moving one, a tuner as it is.

    An optimizer that can be one, as `YellowFin`, has a method ``as_target()``.

    Raises
    ------
    DomainError
        If it is none of them.

    Examples
    --------
    >>> as_target_tuner(0.5)
    FixedTarget(total_momentum=0.5)
    """
    if not isinstance(tuner, type):
        if isinstance(tuner, TargetTuner):
            return tuner
        if hasattr(tuner, "as_target"):
            found: TargetTuner = tuner.as_target()
            return found
    if isinstance(tuner, int | float | np.number) and not isinstance(tuner, bool):
        return FixedTarget(total_momentum=tuner)
    if callable(tuner) and not isinstance(tuner, type):
        return MovingTarget(tuner)
    raise DomainError(
        f"tuner is {tuner!r}, but must be a number, a function of the step, or a tuner with "
        "init(parameters), update(state, gradient, parameters) and target(state)."
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrival:
    """A gradient that was applied, with the versions of the point around its own.

    Attributes
    ----------
    gradient : array ``(*replicas, dimension)``
        Noise and all.
    before, point, after : array ``(*replicas, dimension)``
        The versions before the one at which the gradient was computed, that one, and the next; NaN
        where there is none before.
    learning_rate : float or array ``(*replicas)``
        With which the next version was made. While a tuner starts slowly it is far from that of
        now.
    """

    gradient: Any
    before: Any
    point: Any
    after: Any
    learning_rate: Any


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Feedback on explicit momentum: β ← β + γ(T − μ̂), around any tuner with a target T.

    The tuner's learning rate is taken as it is; the momentum that it sets is not, for it is the
    total that should come out so. The target is the one that stood before this gradient was seen:
    an update late, which no tuner that averages over many of them notices.

    Parameters
    ----------
    tuner : TargetTuner
    gain : float
        γ ≥ 0; with 0 the loop is open, and the sensor only reads.
    sensor : Sensor
    clip : float
        A safeguard beside the rule: errors T − μ̂ count up to this size. By default all do. A mode
        that oscillates, or random staleness, makes the ratio run through ±∞.

    Raises
    ------
    DomainError
        If the gain is negative or no number, or the clip not positive.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import numpy as np
    >>> loop = Feedback(tuner=FixedTarget(total_momentum=0.5), gain=0.1)
    >>> parameters = Parameters(learning_rate=0.1, momentum=0.2)
    >>> arrival = Arrival(
    ...     gradient=np.array([1.0]), before=np.array([1.5]), point=np.array([1.0]),
    ...     after=np.array([0.75]), learning_rate=0.1,
    ... )
    >>> state, parameters, info = loop.update(loop.init(parameters, (1,)), arrival, parameters)
    >>> round(float(info["reading"]), 3), round(float(parameters.momentum), 3)
    (0.3, 0.22)
    """

    tuner: TargetTuner
    gain: float = 0.01
    sensor: Sensor = field(default_factory=Sensor)
    clip: float = np.inf

    def __post_init__(self) -> None:
        if not as_float(self.clip) > 0:
            raise DomainError(
                f"clip is {self.clip!r}, but must be a number in (0, ∞]; math.inf is no bound."
            )
        GLOSSARY["gain"].check(self.gain)
        if self.gain < 0:
            raise DomainError(f"gain is {self.gain}, but feedback needs one in [0, ∞).")

    def init(self, parameters: Parameters, shape: tuple[int, ...]) -> Any:
        """The state before the first arrival, for points of a shape ``(*replicas, dimension)``."""
        return self.tuner.init(parameters), self.sensor.init(shape)

    def update(
        self, state: Any, arrival: Arrival, parameters: Parameters
    ) -> tuple[Any, Parameters, dict[str, Any]]:
        """After an update was made: the state, the parameters of the next one, and the reading.

        Where there is nothing to read, momentum stays as it is.
        """
        inner, averages = state
        target = self.tuner.target(inner)
        averages, momentum, reading = self.corrected(averages, arrival, parameters, target)
        inner, tuned, info = self.tuner.update(inner, arrival.gradient, parameters)
        used = {**info, "target": target, "reading": reading}
        return (inner, averages), replace(tuned, momentum=momentum), used

    def corrected(
        self, averages: Any, arrival: Arrival, parameters: Parameters, target: Any
    ) -> tuple[Any, Any, Any]:
        """The sensor's averages, the corrected momentum and the reading after an arrival."""
        rate = np.asarray(arrival.learning_rate)[..., None]
        before, point = arrival.before, arrival.point
        averages, reading = self.sensor.update(
            averages,
            arrival.after - point + rate * arrival.gradient,
            point - before,
            rounding_of(point, before),
        )
        error = np.where(np.isnan(reading), 0, np.clip(target - reading, -self.clip, self.clip))
        return averages, parameters.momentum + self.gain * error, reading
