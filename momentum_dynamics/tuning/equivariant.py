"""`EquivariantYellowFin`: the tuner with curvatures that have the units of curvatures."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import require_counts
from momentum_dynamics.tuning.optimizer import arrays_of, gradients_of, like, squared_norm
from momentum_dynamics.tuning.presets import check_number, check_switch, check_word
from momentum_dynamics.tuning.rule import SingleStep, choose
from momentum_dynamics.tuning.rules import exact_single_step, queue_single_step
from momentum_dynamics.tuning.states import as_arrays, as_numbers, check_fit, check_kind, restored
from momentum_dynamics.tuning.statistics import spread, started

__all__ = ["EquivariantState", "EquivariantSums", "EquivariantYellowFin"]

Array = NDArray[np.float64]

_LEAST = sys.float_info.min

_ARRAYS = ("averages", "earlier", "moved", "before")
_WORDS = {"secant": ("instrumented", "plain"), "distance_from": ("norm", "mean")}


class EquivariantSums(NamedTuple):
    """Exponential averages, all from 0: of ‖g‖², ‖g‖, curvatures, distance, and of secants."""

    squared_norm: float = 0.0
    norm: float = 0.0
    curvature: float = 0.0
    log_largest: float = 0.0
    log_smallest: float = 0.0
    distance: float = 0.0
    secant_above: float = 0.0
    secant_below: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EquivariantState:
    """All that the tuner remembers; a run that goes on from it goes on bit for bit.

    Attributes
    ----------
    step : int
        How many gradients were seen.
    readings : int
        How many steps ago a curvature was first read; 0 before.
    window : tuple of float
        The curvatures of the last steps, the oldest first.
    sums : EquivariantSums
    averages, earlier : list of arrays
        The exponential average of the gradient, and the last gradient.
    moved, before : list of arrays
        The last displacement, and the one before it.
    """

    step: int
    readings: int
    window: tuple[float, ...]
    sums: EquivariantSums
    averages: list[Array]
    earlier: list[Array]
    moved: list[Array]
    before: list[Array]

    def __repr__(self) -> str:
        """One line."""
        return f"<EquivariantState after {self.step} gradients>"

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, lists and arrays, to be stored by pickle or as JSON.

        JSON asks for ``json.dumps(stored, default=np.ndarray.tolist)``.
        """
        arrays = {name: [a.copy() for a in getattr(self, name)] for name in _ARRAYS}
        return {
            "step": self.step, "readings": self.readings, "window": list(self.window),
            "sums": self.sums._asdict(),
        } | arrays  # fmt: skip

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> EquivariantState:
        """The state that `to_dict` told, from arrays or from lists of numbers.

        Raises
        ------
        DomainError
            If something is missing, or is not what it must be.
        """
        return restored(
            cls, "EquivariantYellowFin", stored, step=int, readings=int, window=as_numbers,
            sums=_sums_of, **dict.fromkeys(_ARRAYS, as_arrays),
        )  # fmt: skip


def _sums_of(stored: Any) -> EquivariantSums:
    return restored(
        EquivariantSums, "the sums", stored, **dict.fromkeys(EquivariantSums._fields, float)
    )


@dataclass(frozen=True, kw_only=True)
class EquivariantYellowFin:
    """YellowFin's rule on curvatures instead of squared gradients: units come out right.

    YellowFin takes ‖g‖² for a curvature. Multiply the loss by c: a curvature grows by c, ‖g‖² by
    c², and the learning rate falls by c² where it should fall by c. Here curvature is measured
    along the way, by Hessian-vector products or by secants, and the distance is ‖g‖ over it. Then
    a loss multiplied by c gets the learning rate divided by c, parameters multiplied by c get it
    multiplied by c², and momentum is the same: the same path, in other units.

    Parameters
    ----------
    smoothing : float
        The share of its past that an average keeps, in [0, 1).
    window : int
        Of so many last steps the extremes of curvature are taken.
    secant : {"instrumented", "plain"}
        How curvature is read where no Hessian-vector product is given. Both divide averages of
        z·Δg by averages of z·Δx, over successive gradients. "plain" takes the displacement Δx
        itself for z, "instrumented" the displacement before. See the notes: with noisy gradients
        the plain one fails.
    secant_smoothing : float
        Of these averages.
    distance_from : {"norm", "mean"}
        ‖g‖ averaged, as the paper has it, or the norm of the averaged gradient. With the first,
        noise looks like distance, and p hardly falls below 1/2 times the square of h_min over the
        mean curvature; with the second the learning rate falls as the signal is lost in the noise.
    horizon : float or None
        None for YellowFin's rule; n ≥ 1 for `exact_single_step` with this horizon, which charges a
        setting with its true noise floor. With `workers`, the horizon of `queue_single_step`.
    workers : float or None
        M ≥ 1 for `queue_single_step`: gradient descent on so many memoryless workers. Successive
        gradients are then of different ages and tell no secant: give products.
    initial_move : float
        The length of the first displacement over that of the parameters (over 1 where they are 0),
        where no curvature is known.
    slow_start : bool
        Lower the learning rate of the first 10 · window steps linearly.
    learning_rate_factor : float
        Multiplies the learning rate that is used.

    Raises
    ------
    DomainError
        If a setting is not admissible.

    Notes
    -----
    *Errors in variables.* A step makes Δx out of the older of the two gradients that make Δg, so
    the noise of it is in both: at the noise floor of a quadratic the plain secant reads
    (1 + β)((1 − β)/α + h/2), which is mostly the learning rate, not the curvature. The tuner then
    lowers the learning rate, reads a larger curvature, and so on to nothing. The displacement
    before, z, was made before either gradient: E z·Δg = h E z·Δx, so the instrumented secant reads
    the curvature, whatever the noise. It is well posed where displacements are correlated; at the
    noise floor they are by β − αh/2. A single reading is noisy, which widens the range of
    curvatures.

    A Hessian-vector product on the batch of the gradient has no such errors; curvature along the
    gradient is |g·Hg|/g·g, of a convex loss a mean of the Hessian's eigenvalues, weighted by the
    squares of the gradient's parts: inside their range, and seldom at its ends.

    Beside the parameters the state holds four arrays of their size.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import numpy as np
    >>> tuner, curvatures, rates = EquivariantYellowFin(smoothing=0.99), np.array([1.0, 0.1]), []
    >>> for scale in (1.0, 64.0):
    ...     point = np.ones(2)
    ...     state = tuner.init(point)
    ...     for _ in range(300):
    ...         state, point, info = tuner.update(state, scale * curvatures * point, point)
    ...     rates.append(info["learning_rate"])
    >>> bool(np.isclose(rates[0] / rates[1], 64))
    True
    """

    smoothing: float = 0.999
    window: int = 20
    secant: str = "instrumented"
    secant_smoothing: float = 0.9
    distance_from: str = "norm"
    horizon: float | None = None
    workers: float | None = None
    initial_move: float = 1e-3
    slow_start: bool = True
    learning_rate_factor: float = 1.0

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            check_word(name, getattr(self, name), words)
        for name in ("smoothing", "secant_smoothing"):
            check_number(name, getattr(self, name), 0, 1)
        for name in ("initial_move", "learning_rate_factor"):
            check_number(name, getattr(self, name), 0, math.inf, open_low=True)
        for name in ("horizon", "workers"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1, math.inf)
        if self.workers is not None and self.horizon is None:
            raise DomainError("workers is given, but no horizon; set it too, such as 1000.")
        check_switch("slow_start", self.slow_start)
        require_counts(window=self.window)
        object.__setattr__(self, "window", int(self.window))

    def init(self, parameters: Any) -> EquivariantState:
        """The state before the first gradient.

        Parameters
        ----------
        parameters : array, or list or tuple of arrays
        """
        zeros = [np.zeros_like(array) for array in arrays_of(parameters)]
        return EquivariantState(
            step=0, readings=0, window=(), sums=EquivariantSums(), averages=zeros, earlier=zeros,
            moved=zeros, before=zeros,
        )  # fmt: skip

    def update(
        self, state: EquivariantState, gradient: Any, parameters: Any, *, product: Any = None
    ) -> tuple[EquivariantState, Any, dict[str, float]]:
        """One step.

        Parameters
        ----------
        state : EquivariantState
        gradient, parameters : array, or list or tuple of arrays
        product : array, or list or tuple of arrays, optional
            The Hessian of the batch's loss times this gradient; one that is not finite tells no
            curvature and is passed over. By default curvature comes from successive gradients.

        Returns
        -------
        state : EquivariantState
        parameters : array, or list or tuple of arrays
            As they were given, in double precision.
        info : dict
            What the step used: ``learning_rate``, ``momentum``, ``h_min``, ``h_max``, ``variance``
            and ``distance``.

        Raises
        ------
        DomainError
            If the gradient is not finite, where the message names the step, there are workers and
            no product, or the state is another optimizer's.
        ShapeError
            If gradient, product, parameters and state differ in shape.
        """
        check_kind(state, EquivariantState)
        points = arrays_of(parameters)
        gradients = gradients_of(gradient, points)
        check_fit(state.averages, points)
        squared = squared_norm(gradients)
        if not squared < math.inf:
            raise DomainError(
                f"The gradient of step {state.step} has no finite squared norm; lower the learning "
                "rate with learning_rate_factor, or initial_move."
            )
        keep = self.smoothing
        averages = [
            keep * a + (1 - keep) * g for a, g in zip(state.averages, gradients, strict=True)
        ]
        if product is None and self.workers is not None:
            raise DomainError(
                "There are workers, whose gradients are of different ages and tell no secant; give "
                "update the product of the Hessian and the gradient."
            )
        if product is None:
            bend, sums = self._secant(state, gradients)
        else:
            along = abs(_dot(gradients_of(product, points), gradients))
            bend, sums = along / squared if squared else 0.0, state.sums
        window = state.window
        if 0 < bend < math.inf:
            window = (*window, bend)[-self.window :]
        readings = state.readings + 1 if window else 0
        sums, read = self._read(state.step, readings, window, sums, squared, squared_norm(averages))
        if readings:
            chosen = self._choose(read)
            rate, momentum = float(chosen.learning_rate), float(chosen.momentum)
            if self.slow_start:
                rate *= started(state.step, self.window)
        else:
            size = math.sqrt(squared_norm(points)) or 1.0
            rate = self.initial_move * size / math.sqrt(squared) if squared else 0.0
            momentum = 0.0
        rate *= self.learning_rate_factor
        moved = [momentum * v - rate * g for v, g in zip(state.moved, gradients, strict=True)]
        now = EquivariantState(
            step=state.step + 1, readings=readings, window=window, sums=sums, averages=averages,
            earlier=[g.copy() for g in gradients], moved=moved, before=state.moved,
        )  # fmt: skip
        after = [x + v for x, v in zip(points, moved, strict=True)]
        return now, like(parameters, after), {"learning_rate": rate, "momentum": momentum} | read

    def _choose(self, read: Mapping[str, float]) -> SingleStep:
        if self.horizon is None:
            return choose(**read)
        if self.workers is None:
            return exact_single_step(**read, horizon=self.horizon)
        return queue_single_step(**read, horizon=self.horizon, workers=self.workers)

    def _secant(
        self, state: EquivariantState, gradients: list[Array]
    ) -> tuple[float, EquivariantSums]:
        """The curvature that successive gradients tell, 0 if none."""
        if state.step == 0:
            return 0.0, state.sums
        change = [g - e for g, e in zip(gradients, state.earlier, strict=True)]
        # The first displacement has none before it.
        alone = self.secant == "plain" or state.step == 1
        along = state.moved if alone else state.before
        keep, take = self.secant_smoothing, 1 - self.secant_smoothing
        above = keep * state.sums.secant_above + take * _dot(along, change)
        below = keep * state.sums.secant_below + take * _dot(along, state.moved)
        sums = state.sums._replace(secant_above=above, secant_below=below)
        return (above / below if below else 0.0), sums

    def _read(
        self,
        step: int,
        readings: int,
        window: tuple[float, ...],
        sums: EquivariantSums,
        squared: float,
        squared_average: float,
    ) -> tuple[EquivariantSums, dict[str, float]]:
        """Averages after one more step, and the four numbers that the rule is fed."""
        keep, take, seen = self.smoothing, 1 - self.smoothing, 1 - self.smoothing ** (step + 1)
        sums = sums._replace(
            squared_norm=keep * sums.squared_norm + take * squared,
            norm=keep * sums.norm + take * math.sqrt(squared),
        )
        variance = spread(sums.squared_norm, squared_average, seen, _LEAST)
        if not readings:
            return sums, {"h_min": 0.0, "h_max": 0.0, "variance": variance, "distance": 0.0}
        weight = 1 - keep**readings
        bend = keep * sums.curvature + take * window[-1]
        pull = sums.norm if self.distance_from == "norm" else math.sqrt(squared_average)
        sums = sums._replace(
            curvature=bend,
            log_largest=keep * sums.log_largest + take * math.log(max(window)),
            log_smallest=keep * sums.log_smallest + take * math.log(min(window)),
            distance=keep * sums.distance + take * (pull / seen) / (bend / weight),
        )
        low, high = math.exp(sums.log_smallest / weight), math.exp(sums.log_largest / weight)
        return sums, {
            "h_min": low,
            "h_max": max(low, high),
            "variance": variance,
            "distance": sums.distance / weight,
        }


def _dot(one: list[Array], two: list[Array]) -> float:
    return sum((float(np.vdot(a, b)) for a, b in zip(one, two, strict=True)), start=0.0)
