"""`simulate_closed_loop`: asynchronous workers, and feedback on the server's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.notation import Scalar
from momentum_dynamics.problems import LinearProblem, Problem, Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.simulation.checks import checked_axes, checked_deviations, checked_start
from momentum_dynamics.simulation.noise import Seed, reported, seed_sequence
from momentum_dynamics.simulation.outcome import outcomes, told
from momentum_dynamics.simulation.queue import ServiceTimes
from momentum_dynamics.tuning.feedback import Arrival, Feedback, Parameters, as_target_tuner
from momentum_dynamics.tuning.sensors import Sensor

__all__ = ["ClosedLoopRun", "simulate_closed_loop"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClosedLoopRun:
    """What a run with feedback has left.

    Attributes
    ----------
    momentum : array ``(updates + 1, *replicas)``
        The explicit momentum of every update, and the one after the last.
    learning_rate : array ``(updates + 1, *replicas)``
    reading, target : array ``(updates, *replicas)``
        Total momentum as measured after each update, NaN where it could not be, and as wanted.
    staleness : int array ``(updates, *replicas)``
    times : array ``(updates, *replicas)``
    points : array ``(updates + 1, *replicas, dimension)``
        With ``record="last"`` the end alone, ``(*replicas, dimension)``.
    outcome : Outcome, or array of them ``(*replicas)``
    seed : int or list of int
    solution : array ``(dimension,)``
    """

    momentum: Array
    learning_rate: Array
    reading: Array
    target: Array
    staleness: Any
    times: Array
    points: Array
    outcome: Any
    seed: Any
    solution: Array

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<ClosedLoopRun: {len(self.reading)} updates, explicit momentum "
            f"{np.mean(self.momentum[0]):.3g} to {np.mean(self.momentum[-1]):.3g}, "
            f"{told(self.outcome)}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name, with the outcome and the seed."""
        names = ("momentum", "learning_rate", "reading", "target", "staleness", "times", "points",
                 "seed", "solution")  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        return found | {"outcome": np.asarray(self.outcome).astype(str)}


def simulate_closed_loop(
    tuner: Any,
    problem: Problem,
    *,
    learning_rate: float,
    momentum: float = 0.0,
    workers: int,
    service: ServiceTimes,
    updates: int,
    gain: float = 0.01,
    sensor: Sensor | None = None,
    clip: float = np.inf,
    noise_variance: Scalar = 0,
    seed: Seed = None,
    replicas: int | tuple[int, ...] = (),
    start: Any = None,
    speeds: ArrayLike | None = None,
    record: str = "all",
    tolerance: float = 1e-12,
) -> ClosedLoopRun:
    """Run heavy ball on asynchronous workers while feedback moves its momentum.

    After every update the sensor reads total momentum at the version of the gradient that came in,
    and the explicit momentum of the next update is β + γ(T − μ̂). One worker is the synchronous
    loop, equal deterministic ones are a round robin.

    Parameters
    ----------
    tuner : float, callable or tuner
        The target T: a number, a function of the step, or a tuner with ``target(state)``, which may
        set the learning rate as well.
    problem : Problem
    learning_rate, momentum : float
        At the begin.
    workers, service, updates, noise_variance, seed, replicas, start, speeds, tolerance
        As `simulate_queue` takes them; the start is a point of rest.
    gain : float
        γ ≥ 0; with 0 the loop is open.
    sensor : Sensor, optional
        By default the median over the coordinates.
    clip : float
        Errors T − μ̂ count up to this size; by default all do.
    record : {"all", "last"}
        Keep the points of all updates, or the last alone.

    Returns
    -------
    ClosedLoopRun

    Raises
    ------
    DomainError
        If a setting is not admissible.
    ShapeError
        If arrays do not fit.

    Notes
    -----
    Who writes when does not depend on what is written: the order of events, hence the staleness of
    every update, is that of `simulate_queue`.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> from momentum_dynamics import Deterministic, Quadratic
    >>> run = simulate_closed_loop(
    ...     0.2, Quadratic([1.0]), learning_rate=0.02, workers=16, service=Deterministic(),
    ...     updates=1500,
    ... )
    >>> round(float(run.reading[-1]), 3), round(float(run.momentum[-1]), 3)
    (0.2, -0.161)
    """
    if not hasattr(problem, "field"):
        raise DomainError(
            f"{type(problem).__name__} has no field; call simulate_closed_loop(tuner, problem, …)."
        )
    if record not in {"all", "last"}:
        raise DomainError(f"record is {record!r}, but must be one of all, last.")
    if isinstance(start, tuple):
        raise DomainError("start must be a point of rest here, not the slots of a state.")
    for name, value in {"learning_rate": learning_rate, "momentum": momentum}.items():
        if np.ndim(value) or not np.isfinite(value):
            raise DomainError(f"{name} is {value!r}, but must be one finite number at the begin.")
    loop = Feedback(tuner=as_target_tuner(tuner), gain=gain, sensor=sensor or Sensor(), clip=clip)
    axes = checked_axes(replicas)
    begin = checked_start(problem.start if start is None else start, problem, axes)
    root = seed_sequence(seed)
    own = np.random.SeedSequence(entropy=root.entropy, spawn_key=root.spawn_key)
    events, noise = own.spawn(2)
    queue = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=workers, service=service,
        updates=updates, seed=events, replicas=axes, speeds=speeds,
    )  # fmt: skip
    count = int(np.prod(axes, dtype=int))
    staleness = np.asarray(queue.staleness).reshape(updates, count)
    deviations = checked_deviations(noise_variance, problem.dimension)
    first = np.broadcast_to(begin, (*axes, problem.dimension)).reshape(count, -1)
    parts = Parameters(
        learning_rate=np.full(count, float(learning_rate)), momentum=np.full(count, float(momentum))
    )
    rng = np.random.default_rng(noise)
    tape = _run(loop, problem, parts, first, staleness, deviations, rng, keep=record == "all")
    last = tape["points"][-1]
    found = {
        name: values.reshape(len(values), *axes, *values.shape[2:]) for name, values in tape.items()
    }
    if record == "last":
        found["points"] = found["points"][-1]
    return ClosedLoopRun(
        **found,
        staleness=queue.staleness,
        times=queue.times,
        outcome=_outcome(problem, first, last, axes, tolerance),
        seed=reported(root),
        solution=problem.solution,
    )


def _run(
    loop: Feedback,
    problem: Problem,
    parameters: Parameters,
    first: Array,
    staleness: Any,
    deviations: Array,
    rng: np.random.Generator,
    *,
    keep: bool,
) -> dict[str, Array]:
    """All updates; versions are kept as long as a gradient may still refer to them."""
    updates, count = staleness.shape
    length = updates + 1 if keep else min(updates + 1, int(staleness.max(initial=0)) + 3)
    versions = np.empty((length, *first.shape))
    versions[0] = first
    basis = problem.modes[1] if isinstance(problem, LinearProblem) else None
    rows = np.arange(count)
    state = loop.init(parameters, first.shape)
    momentum, rate = np.empty((2, updates + 1, count))
    reading, target = np.empty((2, updates, count))
    momentum[0], rate[0] = parameters.momentum, parameters.learning_rate
    here = before = first
    with np.errstate(all="ignore"):
        for step in range(updates):
            version = step - staleness[step]
            asked = versions[version % length, rows]
            gradient = problem.field(asked)
            if deviations.any():
                along = rng.standard_normal(first.shape) * deviations
                gradient = gradient + (along if basis is None else along @ basis.T)
            moved = momentum[step][:, None] * (here - before) - rate[step][:, None] * gradient
            here, before = here + moved, here
            versions[(step + 1) % length] = here
            older = versions[(version - 1) % length, rows]
            arrival = Arrival(
                gradient=gradient,
                before=np.where(version[:, None] >= 1, older, np.nan),
                point=asked,
                after=versions[(version + 1) % length, rows],
                learning_rate=rate[version, rows],
            )
            state, parameters, used = loop.update(state, arrival, parameters)
            reading[step], target[step] = used["reading"], used["target"]
            momentum[step + 1], rate[step + 1] = parameters.momentum, parameters.learning_rate
    points = versions if keep else here[None]
    return {"momentum": momentum, "learning_rate": rate, "reading": reading, "target": target,
            "points": points}  # fmt: skip


def _outcome(
    problem: Problem, first: Array, last: Array, axes: tuple[int, ...], tolerance: float
) -> Any:
    if not 0 <= tolerance < np.inf:
        raise DomainError(f"tolerance is {tolerance}, but must lie in [0, ∞).")
    with np.errstate(all="ignore"):
        begun, ended = (
            np.linalg.norm(points - problem.solution, axis=-1).reshape(axes)
            for points in (first, last)
        )
    return outcomes(begun, ended, tolerance)
