"""YellowFin under asynchrony: its momentum is the total that should come out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.tuning.feedback import Arrival, Feedback, FixedTarget, Parameters
from momentum_dynamics.tuning.optimizer import arrays_of, gradients_of, like, squared_norm
from momentum_dynamics.tuning.sensors import Sensor
from momentum_dynamics.tuning.states import as_arrays, as_numbers, check_fit, check_kind, restored
from momentum_dynamics.tuning.statistics import Averages, averages_of, guarded
from momentum_dynamics.tuning.yellowfin import YellowFin, averaged, not_finite

__all__ = ["ClosedLoopState", "ClosedLoopYellowFin", "YellowFinTarget"]

Array = NDArray[np.float64]


class _Memory(NamedTuple):
    """What is remembered of the gradients, ``(*replicas)``; the target is the last momentum."""

    step: int
    window: tuple[Any, ...]
    averages: Averages
    h_max: Any
    gradient: Any
    target: Any


@dataclass(frozen=True)
class YellowFinTarget:
    """YellowFin as a tuner with a target: its rule without its step.

    Gradients are ``(*replicas, dimension)``, and every replica is tuned on its own. Clipping acts
    on what is measured alone: the gradient that is applied is not the tuner's, which tells the
    factor by which it would shorten it.

    Parameters
    ----------
    tuner : YellowFin
    """

    tuner: YellowFin

    def init(self, parameters: Parameters) -> _Memory:
        """The state before the first gradient; the first target is the momentum at the begin."""
        return _Memory(0, (), Averages(), 0.0, 0.0, parameters.momentum)

    def update(
        self,
        state: _Memory,
        gradient: Any,
        parameters: Parameters,
    ) -> tuple[_Memory, Parameters, dict[str, Any]]:
        """Take a gradient in; the first sets nothing, for it has no variance."""
        tuner, step = self.tuner, state.step
        # A run that diverges is data; it goes through infinity to NaN.
        with np.errstate(all="ignore"):
            squared = (gradient * gradient).sum(axis=-1)
            factor = guarded(tuner, step, state.h_max, squared)
            (average,) = averaged(
                tuner.smoothing, np.asarray(factor)[..., None], [state.gradient], [gradient]
            )
            density = (gradient != 0).mean(axis=-1)
            numbers, tuned, info = tuner.advance(
                (state.window, state.averages, state.h_max),
                step, factor * factor * squared, (average * average).sum(axis=-1), density,
            )  # fmt: skip
        if step:
            # A replica that has overflowed keeps what it had: there is no rule for infinity.
            fine = np.isfinite(tuned.learning_rate) & np.isfinite(tuned.momentum)
            parameters = Parameters(
                learning_rate=np.where(fine, tuned.learning_rate, parameters.learning_rate),
                momentum=np.where(fine, tuned.momentum, parameters.momentum),
            )
        info["clip"] = factor * tuned.clip
        return _Memory(step + 1, *numbers, average, parameters.momentum), parameters, info

    def target(self, state: _Memory) -> Any:
        """The momentum that the rule chose last."""
        return state.target


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClosedLoopState:
    """All that the closed loop remembers.

    Attributes
    ----------
    memory : tuple
        Of the gradients.
    readings : pair of arrays
        The sensor's averages.
    recent : tuple of arrays
        The last points as long vectors, the oldest first: staleness + 2 of them.
    rates : tuple of float
        The learning rates with which they were left.
    learning_rate, momentum : float
        Of the next step.
    """

    memory: _Memory
    readings: tuple[Array, Array]
    recent: tuple[Array, ...]
    rates: tuple[float, ...]
    learning_rate: float
    momentum: float

    def __repr__(self) -> str:
        """One line."""
        return f"<ClosedLoopState after {self.memory.step} gradients>"

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, lists and arrays, to be stored by pickle or as JSON.

        JSON asks for ``json.dumps(stored, default=np.ndarray.tolist)``.
        """
        memory = self.memory
        return {
            "memory": memory._asdict()
            | {
                "window": list(memory.window),
                "averages": memory.averages._asdict(),
                "gradient": memory.gradient.copy(),
            },
            "readings": [array.copy() for array in self.readings],
            "recent": [array.copy() for array in self.recent],
            "rates": list(self.rates),
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ClosedLoopState:
        """The state that `to_dict` told, from arrays or from lists of numbers.

        Raises
        ------
        DomainError
            If something is missing, or is not what it must be.
        """
        return restored(
            cls, "the closed loop", stored, memory=_memory_of, readings=_pair_of_arrays,
            recent=_tuple_of_arrays, rates=as_numbers, learning_rate=float, momentum=float,
        )  # fmt: skip


def _memory_of(stored: Any) -> _Memory:
    return restored(
        _Memory, "the gradients", stored, step=int, window=as_numbers, averages=averages_of,
        h_max=float, gradient=_array, target=float,
    )  # fmt: skip


def _array(stored: Any) -> Array:
    return np.array(stored, dtype=float)


def _tuple_of_arrays(stored: Any) -> tuple[Array, ...]:
    return tuple(as_arrays(stored))


def _pair_of_arrays(stored: Any) -> tuple[Array, Array]:
    above, below = as_arrays(stored)
    return above, below


@dataclass(frozen=True, kw_only=True)
class ClosedLoopYellowFin:
    """YellowFin with feedback on the total momentum, for gradients of a known staleness.

    Asynchronous workers bring momentum of their own. So the momentum μ* that the rule chooses is
    taken for the total that should come out: after each step the total momentum μ_T is measured at
    the version at which the gradient was computed, and the explicit momentum becomes
    β + γ(μ* − μ_T), below 0 too. **When not to use it:** it does not touch the learning rate, so
    where staleness has made the learning rate unstable the loop does not help; and the sensor reads
    a single step, so it is for constant staleness (a round robin), not for random one.

    Parameters
    ----------
    staleness : int
        How many updates old each gradient is: one less than the workers of a round robin. The first
        gradients, for which there is no version so old, belong to the first version.
    gain : float or None
        γ ≥ 0. None leaves the loop open: the explicit momentum is μ* itself, as `YellowFin` has it,
        and the sensor only reads.
    tuner : YellowFin
        What chooses μ* and the learning rate. Its update is x ← x + β(x − x₋) − αg here, its
        clipping and its weight decay are those of its preset.
    sensor : Sensor
        By default the median over the coordinates.
    clip : float
        Errors μ* − μ_T count up to this size; by default all do.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    Notes
    -----
    Memory: the state holds staleness + 5 arrays of the size of the parameters: staleness + 2
    points, the average of the gradient, and the two averages of the sensor.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tuner = ClosedLoopYellowFin(staleness=3, gain=0.02, tuner=YellowFin(smoothing=0.99))
    >>> points, late = [np.ones(100)], []
    >>> state = tuner.init(points[0])
    >>> for step in range(1000):
    ...     stale = points[max(step - 3, 0)]
    ...     gradient = np.linspace(0.1, 1, 100) * stale + 0.1 * rng.standard_normal(100)
    ...     state, point, info = tuner.update(state, gradient, points[-1])
    ...     points.append(point)
    ...     late.append([info["target"], info["total_momentum"], info["momentum"]])
    >>> target, measured, explicit = np.nanmean(late[-500:], axis=0)
    >>> bool(abs(measured - target) < 0.02), bool(explicit < target - 0.02)
    (True, True)
    """

    staleness: int
    gain: float | None = 0.01
    tuner: YellowFin = field(default_factory=YellowFin)
    sensor: Sensor = field(default_factory=Sensor)
    clip: float = np.inf

    def __post_init__(self) -> None:
        GLOSSARY["staleness"].check(self.staleness)
        for name, kind in (("tuner", YellowFin), ("sensor", Sensor)):
            if not isinstance(getattr(self, name), kind):
                raise DomainError(
                    f"{name} is {getattr(self, name)!r}, but must be a {kind.__name__}, such as "
                    f"{kind.__name__}()."
                )
        _ = self._loop  # checks gain and clip

    @property
    def _loop(self) -> Feedback:
        """The feedback; its own target is not used."""
        return Feedback(
            tuner=FixedTarget(total_momentum=0.0),
            gain=0.0 if self.gain is None else self.gain,
            sensor=self.sensor,
            clip=self.clip,
        )

    def init(self, parameters: Any) -> ClosedLoopState:
        """The state before the first gradient.

        Parameters
        ----------
        parameters : array, or list or tuple of arrays
        """
        size = _joined(arrays_of(parameters)).shape
        rate, momentum = self.tuner.initial_learning_rate, self.tuner.initial_momentum
        begin = Parameters(learning_rate=rate, momentum=momentum)
        return ClosedLoopState(
            memory=YellowFinTarget(self.tuner).init(begin)._replace(gradient=np.zeros(size)),
            readings=self.sensor.init(size),
            recent=(),
            rates=(),
            learning_rate=rate * self.tuner.learning_rate_factor,
            momentum=momentum,
        )

    def update(
        self, state: ClosedLoopState, gradient: Any, parameters: Any
    ) -> tuple[ClosedLoopState, Any, dict[str, float]]:
        """One step with a gradient that is `staleness` updates old.

        Parameters
        ----------
        state : ClosedLoopState
        gradient : array, or list or tuple of arrays
            At the parameters of `staleness` updates ago.
        parameters : array, or list or tuple of arrays
            Those of now.

        Returns
        -------
        state : ClosedLoopState
        parameters : array, or list or tuple of arrays
        info : dict
            What the step used: ``learning_rate``, the explicit ``momentum``, and what was read
            after it: ``target``, ``total_momentum`` (NaN where none could be), ``h_min``,
            ``h_max``, ``variance``, ``distance``; and ``clip``, the factor of the gradient.

        Raises
        ------
        DomainError
            If the gradient is not finite, whose step the message names, or the state is another
            optimizer's.
        ShapeError
            If gradient and parameters differ in shape, or are not as many as in the state.
        """
        check_kind(state, ClosedLoopState)
        arrays = arrays_of(parameters)
        gradients = gradients_of(gradient, arrays)
        here, push = _joined(arrays), _joined(gradients)
        check_fit([state.memory.gradient], [here])
        step = state.memory.step
        if not math.isfinite(squared_norm([push])):
            raise DomainError(not_finite(step, gradients))
        used = Parameters(learning_rate=state.learning_rate, momentum=state.momentum)
        memory, tuned, info = YellowFinTarget(self.tuner).update(state.memory, push, used)
        before = state.recent[-1] if state.recent else here
        decay = self.tuner.weight_decay
        applied = float(info["clip"]) * push
        pull = applied + decay * here if decay else applied
        after = here + used.momentum * (here - before) - used.learning_rate * pull
        recent = (*state.recent, here)[-(self.staleness + 2) :]
        rates = (*state.rates, state.learning_rate)[-(self.staleness + 2) :]
        known = (*recent, after)
        version = max(step - self.staleness, 0) - (step + 1 - len(recent))
        # Weight decay is never late: with the version's own it cancels from what is measured there.
        arrival = Arrival(
            gradient=applied + decay * known[version] if decay else applied,
            before=known[version - 1] if version else np.full_like(here, np.nan),
            point=known[version],
            after=known[version + 1],
            learning_rate=rates[version],
        )
        target = memory.target
        readings, momentum, reading = self._loop.corrected(state.readings, arrival, used, target)
        now = ClosedLoopState(
            memory=memory,
            readings=readings,
            recent=recent,
            rates=rates,
            learning_rate=float(tuned.learning_rate),
            momentum=float(target if self.gain is None else momentum),
        )
        seen = {
            name: float(info[name]) for name in ("h_min", "h_max", "variance", "distance", "clip")
        }
        told = {
            "learning_rate": state.learning_rate,
            "momentum": state.momentum,
            "target": float(target),
            "total_momentum": float(reading),
        }
        return now, like(parameters, _parted(after, arrays)), told | seen


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _parted(vector: Array, arrays: list[Array]) -> list[Array]:
    ends = np.cumsum([array.size for array in arrays])[:-1]
    parts = np.split(vector, ends)
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]
