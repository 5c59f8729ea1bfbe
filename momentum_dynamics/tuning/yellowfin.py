"""`YellowFin`: the tuner of momentum and learning rate, as a pair of pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.notation import Scalar
from momentum_dynamics.tuning.optimizer import arrays_of, gradients_of, like, squared_norm
from momentum_dynamics.tuning.presets import BY_PRESET, settled
from momentum_dynamics.tuning.states import as_arrays, as_numbers, check_fit, check_kind, restored
from momentum_dynamics.tuning.statistics import (
    OF_ARRAYS,
    OF_FLOATS,
    Averages,
    Tuned,
    averages_of,
)

__all__ = ["YellowFin", "YellowFinState", "averaged", "not_finite"]

Array = NDArray[np.float64]


class YellowFinState(NamedTuple):
    """All that YellowFin remembers; a run that goes on from it goes on bit for bit.

    Attributes
    ----------
    step : int
        How many gradients were seen.
    window : tuple of float
        ‖g‖² of the last steps, the oldest first.
    averages : Averages
    h_max : float
        The largest curvature as read in the last step; 0 before the first.
    gradients : list of arrays
        The exponential average of the gradient.
    velocities : list of arrays
        The last displacement, or the velocity.
    """

    step: int
    window: tuple[Scalar, ...]
    averages: Averages
    h_max: Scalar
    gradients: list[Array]
    velocities: list[Array]

    def __repr__(self) -> str:
        """One line."""
        return f"<YellowFinState after {self.step} gradients>"

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, lists and arrays, to be stored by pickle or as JSON.

        JSON asks for ``json.dumps(stored, default=np.ndarray.tolist)``.
        """
        return {
            "step": self.step,
            "window": list(self.window),
            "averages": self.averages._asdict(),
            "h_max": self.h_max,
            "gradients": [array.copy() for array in self.gradients],
            "velocities": [array.copy() for array in self.velocities],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> YellowFinState:
        """The state that `to_dict` told, from arrays or from lists of numbers.

        Raises
        ------
        DomainError
            If something is missing, or is not what it must be.
        """
        return restored(
            cls, "YellowFin", stored, step=int, window=as_numbers, averages=averages_of,
            h_max=float, gradients=as_arrays, velocities=as_arrays,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class YellowFin:
    """The tuner of the YellowFin paper.

    **When not to use it.** It spares a search, and is no better than what a search finds: on small
    problems tuned Adam and tuned momentum mostly reach lower losses. It takes the squared norm of
    the gradient for a curvature, so that a loss multiplied by c gets a learning rate divided by c²,
    not by c: a loss that is a sum over samples, or in unusual units, must be normalized. Its
    averages need about 1/(1 − smoothing) steps to settle; for runs of a few thousand
    steps take 0.99.

    Parameters
    ----------
    preset : {"paper", "reference"}
        The defaults of what follows. "paper" is the algorithm of the paper: its estimators and the
        update x ← x + β(x − x₋) − αg. "reference" does what the authors' released PyTorch code
        does, in its order and with its constants.
    smoothing : float
        The share of its past that an average keeps, in [0, 1).
    window : int
        Of so many last steps the extremes of ‖g‖² are taken.
    initial_learning_rate, initial_momentum : float
        What the first step uses, before there is a variance.
    log_smoothing : bool
        Average the logarithms of the extremes: they follow a fall within one window of steps rather
        than 1/(1 − smoothing). By default off in "paper", on in "reference".
    zero_debias : bool
        Divide averages by the weight that they have seen. By default on.
    slow_start : bool
        Lower the learning rate of the first 10 · window steps linearly. By default on.
    adaptive_clip : bool
        Shorten a gradient with ‖g‖² ≥ h_max, of the step before, to √h_max, after it was measured.
        By default off in "paper", on in "reference".
    statistics_guard : float or None
        From step 2 on shorten a gradient to √(guard · h_max) before it is measured; None for no
        such guard, the default of "paper". "reference" has 100.
    largest_move : float or None
        Lower the learning rate where ‖αg‖ would be larger; None for no bound, the default of
        "paper". "reference" has 100.
    clip_norm : float or None
        Shorten every gradient to this norm, before all else.
    sparsity_debias : bool
        Multiply curvatures and variance by the average share of coordinates that are not 0, and
        divide the distance by its root. By default off.
    learning_rate_factor : float
        Multiplies the learning rate that is used.
    weight_decay : float
        This share of the parameters is added to the gradient, after all clipping and unmeasured.
    floor : float
        Added to what is divided by or of which a logarithm is taken, and the least variance. By
        default the smallest normal number in "paper", 1e-6 in "reference".
    root : {"exact", "released"}
        The root of the cubic: as it is, or with the rounding, the floor and the pole that the
        released code has.
    update_rule : {"difference", "velocity"}
        x ← x + β(x − x₋) − αg, or v ← βv + g with x ← x − αv; they differ where α changes. By
        default the first in "paper", the second in "reference".
    first_gradient_in_velocity : bool
        Whether the first gradient enters the velocity also where the initial momentum is 0. By
        default yes in "paper", no in "reference".

    Raises
    ------
    DomainError
        If a setting is not admissible.

    Notes
    -----
    A step reads four numbers and feeds `single_step`. The curvatures h_max, h_min are averages of
    the extremes of ‖g‖² over the window; the variance is C = E‖g‖² − ‖E g‖²; the distance is
    D = E(E‖g‖ / E‖g‖²), for ‖g‖ ≤ h‖x − x*‖. Everything is in double precision. Beside the
    parameters the state holds two arrays of their size: the average of the gradient, and the
    velocity.

    To go on later, bit for bit, store the parameters and ``stored = state.to_dict()``. The state
    again is ``tuner.init(parameters).from_dict(stored)``.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> tuner = YellowFin(preset="reference", smoothing=0.99)
    >>> point = np.ones(10)
    >>> state = tuner.init(point)
    >>> for _ in range(500):
    ...     gradient = np.linspace(0.1, 1, 10) * point + 0.1 * rng.standard_normal(10)
    ...     state, point, info = tuner.update(state, gradient, point)
    >>> bool(np.linalg.norm(point) < 1), bool(0 < info["momentum"] < 1)
    (True, True)
    """

    preset: str = "paper"
    smoothing: float = 0.999
    window: int = 20
    initial_learning_rate: float = 1e-4
    initial_momentum: float = 0.0
    log_smoothing: Any = None
    zero_debias: Any = None
    slow_start: Any = None
    adaptive_clip: Any = None
    statistics_guard: Any = BY_PRESET
    largest_move: Any = BY_PRESET
    clip_norm: float | None = None
    sparsity_debias: Any = None
    learning_rate_factor: float = 1.0
    weight_decay: float = 0.0
    floor: Any = None
    root: str = "exact"
    update_rule: Any = None
    first_gradient_in_velocity: Any = None

    def __post_init__(self) -> None:
        for name, value in settled(
            {field.name: getattr(self, field.name) for field in fields(self)}
        ):
            object.__setattr__(self, name, value)

    @property
    def forgets_first_gradient(self) -> bool:
        """Whether the velocity is still 0 after the first step."""
        return self.initial_momentum == 0 and not self.first_gradient_in_velocity

    def init(self, parameters: Any) -> YellowFinState:
        """The state before the first gradient.

        Parameters
        ----------
        parameters : array, or list or tuple of arrays
        """
        arrays = arrays_of(parameters)
        return YellowFinState(
            step=0,
            window=(),
            averages=Averages(),
            h_max=0.0,
            gradients=[np.zeros_like(array) for array in arrays],
            velocities=[np.zeros_like(array) for array in arrays],
        )

    def update(
        self, state: YellowFinState, gradient: Any, parameters: Any
    ) -> tuple[YellowFinState, Any, dict[str, float]]:
        """One step.

        Parameters
        ----------
        state : YellowFinState
        gradient, parameters : array, or list or tuple of arrays

        Returns
        -------
        state : YellowFinState
        parameters : array, or list or tuple of arrays
            As they were given, in double precision.
        info : dict
            What the step used: ``learning_rate``, ``momentum``, the measured ``h_min``, ``h_max``,
            ``variance`` and ``distance``, and ``clip``, the factor of the gradient.

        Raises
        ------
        DomainError
            If the gradient is not finite, whose step the message names, or the state is another
            optimizer's.
        ShapeError
            If gradient, parameters and state differ in shape.
        """
        check_kind(state, YellowFinState)
        points = arrays_of(parameters)
        gradients = gradients_of(gradient, points)
        check_fit(state.gradients, points)
        step, squared = state.step, squared_norm(gradients)
        if not squared < math.inf:
            raise DomainError(not_finite(step, gradients))
        factor = OF_FLOATS.guarded(self, step, state.h_max, squared)
        averages = averaged(self.smoothing, factor, state.gradients, gradients)
        density = 1.0
        if self.sparsity_debias:
            total = sum(array.size for array in gradients)
            density = sum(int(np.count_nonzero(array)) for array in gradients) / max(total, 1)
        numbers, tuned, info = self.advance(
            (state.window, state.averages, state.h_max),
            step, factor * factor * squared, squared_norm(averages), density,
        )  # fmt: skip
        factor = info["clip"] = factor * tuned.clip
        velocities, moved = self._moved(step, tuned, factor, state.velocities, gradients, points)
        window, sums, h_max = numbers
        now = YellowFinState(step + 1, window, sums, h_max, averages, velocities)
        return now, like(parameters, moved), info

    def as_target(self) -> Any:
        """The tuner for `simulate_closed_loop`: its momentum is the target, its rate is used."""
        from momentum_dynamics.tuning.closed_yellowfin import YellowFinTarget

        return YellowFinTarget(self)

    def advance(
        self,
        numbers: tuple[tuple[Scalar, ...], Averages, Scalar],
        step: int,
        squared: Scalar,
        squared_average: Scalar,
        density: Scalar = 1.0,
        factor: Scalar | None = None,
    ) -> tuple[tuple[tuple[Scalar, ...], Averages, Scalar], Tuned, dict[str, Any]]:
        """The part of a step that is made of single numbers: window, averages and the rule."""
        window, averages, earlier = numbers
        window = (*window, squared)[-self.window :]
        arithmetic = OF_FLOATS if type(squared) is float else OF_ARRAYS
        averages, reading = arithmetic.read(
            self, averages, step, squared, squared_average, _extremes(window), density
        )
        tuned = arithmetic.tune(self, step, earlier, squared, reading, factor)
        info = {
            "learning_rate": tuned.learning_rate, "momentum": tuned.momentum,
            "h_min": reading.h_min, "h_max": reading.h_max,
            "variance": reading.variance, "distance": reading.distance,
        }  # fmt: skip
        return (window, averages, reading.h_max), tuned, info

    def _moved(
        self,
        step: int,
        tuned: Tuned,
        factor: float,
        velocities: list[Array],
        gradients: list[Array],
        points: list[Array],
    ) -> tuple[list[Array], list[Array]]:
        """The velocities and the points after a step; the long arrays are passed over here."""
        rate, momentum = tuned.learning_rate, tuned.momentum
        difference = self.update_rule == "difference"
        forgets = step == 0 and self.forgets_first_gradient
        after, moved = [], []
        for velocity, gradient, point in zip(velocities, gradients, points, strict=True):
            push, share = gradient, factor
            if self.weight_decay:
                push, share = factor * gradient + self.weight_decay * point, 1.0
            # Every array that is asked for is used twice: long ones cost more to get than to fill.
            fresh = momentum * velocity
            if difference:
                move = (-rate * share) * push
                fresh += move
                moved.append(np.add(point, fresh, out=move) if point.ndim else point + fresh)
            else:
                fresh += push if share == 1 else share * push
                move = -rate * fresh
                move += point
                moved.append(move)
            after.append(np.zeros_like(point) if forgets else fresh)
        return after, moved


def averaged(
    keep: float, factor: Any, averages: list[Array], gradients: list[Array]
) -> list[Array]:
    """The exponential averages after one more gradient, shortened by a factor."""
    found = []
    for average, gradient in zip(averages, gradients, strict=True):
        now = (gradient if factor == 1 else factor * gradient) - average
        now *= 1 - keep
        now += average
        found.append(now)
    return found


def _extremes(window: tuple[Scalar, ...]) -> tuple[Scalar, Scalar]:
    if isinstance(window[-1], float):
        ordered = sorted(window)  # of a few numbers faster than min and max
        return ordered[0], ordered[-1]
    return np.minimum.reduce(window), np.maximum.reduce(window)


def not_finite(step: int, gradients: list[Array]) -> str:
    """The message for a gradient whose squared norm is no number."""
    wrong = sum(int(np.count_nonzero(~np.isfinite(array))) for array in gradients)
    total = sum(array.size for array in gradients)
    if wrong:
        advice = "lower the learning rate with a factor, or clip with clip_norm"
        if not step:  # nothing has moved yet
            advice = "nothing has moved yet, so look at the data, the loss and the initial values"
        return f"The gradient of step {step} is not finite in {wrong} of {total} entries; {advice}."
    return (
        f"The gradient of step {step} is too long: its squared norm is no floating-point number; "
        "scale the loss down."
    )
