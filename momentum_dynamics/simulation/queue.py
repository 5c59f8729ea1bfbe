"""`simulate_queue`: workers that read, compute for a random time and write, event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.remedies import (
    ServerMethod,
    StalenessWeighted,
    holds_for_workers,
    is_remedy,
)
from momentum_dynamics.notation import Scalar
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.checks import (
    checked_axes,
    checked_deviations,
    checked_start,
    require_law,
    require_one_of,
    require_remedy,
    require_single,
    require_tolerance,
    require_whole,
)
from momentum_dynamics.simulation.ensemble import displacements, stages_of
from momentum_dynamics.simulation.noise import Seed, block_sizes, seed_sequence
from momentum_dynamics.simulation.outcome import Settings
from momentum_dynamics.simulation.queue_draws import Draws, draws_of_block
from momentum_dynamics.simulation.queue_kernels import compiled_block
from momentum_dynamics.simulation.queue_lanes import CompiledLanes
from momentum_dynamics.simulation.queue_loop import DirectMachine, LoopLanes, Machine, ModesMachine
from momentum_dynamics.simulation.queue_remedies import ServerMachine
from momentum_dynamics.simulation.queue_run import Changes, QueueRun, QueueSettings, Tape, collect
from momentum_dynamics.simulation.run import has_state_space

__all__ = ["ServiceTimes", "simulate_queue"]

_ENGINES = ("auto", "python", "compiled")
_RECORDS = ("all", "moments", "last")
_ORDERS = ("write-then-read", "read-then-write")
_WORTH_COMPILING = 10_000
"""Below so many updates in all, a heap of Python's is done before a compiler has started."""
_FRAMES = 10_000
"""How many frames streamed moments have at most, unless a stride is asked."""


class ServiceTimes(Protocol):
    """A law of times: nothing but a sampler is asked of it."""

    def sample(self, rng: np.random.Generator, size: Any) -> NDArray[np.float64]:
        """Independent times, nonnegative and finite."""
        ...


def simulate_queue(
    method: Method | StalenessWeighted | ServerMethod,
    problem: Problem,
    *,
    workers: int,
    service: ServiceTimes,
    updates: int,
    noise_variance: Scalar = 0,
    seed: Seed = None,
    record: str = "all",
    replicas: int | tuple[int, ...] = (),
    start: Any = None,
    stride: int | None = None,
    speeds: ArrayLike | None = None,
    order: str = "write-then-read",
    server: ServiceTimes | None = None,
    failures: Iterable[Any] = (),
    joins: Iterable[Any] = (),
    engine: str = "auto",
    tolerance: float = 1e-12,
) -> QueueRun:
    """Run a method on gradients that come from asynchronous workers.

    Every worker reads the point where the method asks, computes its gradient for a random time and
    writes it; the server makes one update of it at once, and the worker reads again. The staleness
    of an update is the number of updates made between its reading and its writing. At time 0 all
    workers read the start.

    Parameters
    ----------
    method : Method or remedy
        One setting; batch axes are not run. Remedies run on the heap: `StalenessWeighted`,
        `DelayCompensated` on linear problems, `WorkerMomentum`, `ShiftedMomentum`, or a server's
        method of one's own.
    problem : Problem
    workers : int
        M ≥ 1.
    service : law of times
        Any object with ``sample(rng, size)``: how long a worker of speed 1 computes.
    updates : int
        After how many updates of the server the run ends.
    noise_variance : scalar or array ``(dimension,)``
        Of Gaussian noise added to every gradient; along the modes of a linear problem.
    seed : int, SeedSequence or Generator, optional
    record : {"all", "moments", "last"}
        Keep staleness and time of every update, and the points; or stream mean and second moment
        over the replicas in memory that does not grow with the updates; or keep the end alone.
    replicas : int or tuple of int
        How many independent copies, each with its own workers.
    start : array ``(dimension,)`` or tuple of arrays, optional
        The point of rest, or the whole initial state slot by slot; the problem's own by default.
    stride : int, optional
        How many updates apart points or moments are kept: by default 1, but for moments so many
        that there are no more than 10,000 frames.
    speeds : array ``(workers,)``, optional
        A worker of speed 2 takes half the times; those who join later are counted too.
    order : {"write-then-read", "read-then-write"}
        A worker that reads before its own write is applied computes on a point one update older.
    server : law of times, optional
        How long the server takes for one write: writes wait in line, first come, first served, and
        the worker reads when its own has been served. By default no time.
    failures, joins : iterable of pairs (time, worker)
        A worker that fails loses the gradient that it computes or that waits at the server; one
        that joins reads at once. A worker with a number from `workers` on is absent until it joins.
    engine : {"auto", "python", "compiled"}
        A heap of Python's runs all problems; the compiled calendar queue runs linear ones, with the
        same numbers. By default the one that is done first.
    tolerance : float
        A run has converged once its distance from the solution fell by this factor.

    Returns
    -------
    QueueRun

    Raises
    ------
    DomainError
        If a setting is not admissible, or a law draws a time that is negative or no number.
    ShapeError
        If arrays do not fit, or the method has batch axes.

    Notes
    -----
    With M memoryless workers, staleness has the geometric law on 0, 1, … with mean M − 1, and the
    mean path is that of momentum 1 − 1/M. [mitliagkas2016]_

    Whatever the law and the speeds, every update makes M − 1 other gradients older by one: the
    staleness of all updates and the ages at the end add up to exactly (M − 1) × updates, as long as
    nobody fails or joins.

    Workers whose times are equal to the last bit write in the order of their numbers.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, Quadratic
    >>> from momentum_dynamics.delays import Deterministic
    >>> method = GradientDescent(learning_rate=0.1)
    >>> run = simulate_queue(
    ...     method, Quadratic([1.0]), workers=3, service=Deterministic(), updates=300
    ... )
    >>> run
    <QueueRun: 3 workers, 300 updates, mean staleness 1.99, converged>
    >>> run.staleness[:5], run.times[:5]
    (array([0, 1, 2, 2, 2]), array([1., 1., 1., 2., 2.]))
    """
    require_remedy(method)
    if not hasattr(problem, "field"):
        raise DomainError(
            f"{type(problem).__name__} has no field; call "
            "simulate_queue(method, problem, workers=…, service=…, updates=…)."
        )
    require_single(method, problem.dimension)
    for name, value, admissible in (
        ("record", record, _RECORDS),
        ("order", order, _ORDERS),
        ("engine", engine, _ENGINES),
    ):
        require_one_of(name, value, admissible)
    require_tolerance(tolerance)
    require_whole("workers", workers, 1)
    require_whole("updates", updates, 0)
    if stride is None:
        stride = max(1, -(-updates // _FRAMES)) if record == "moments" else 1
    require_whole("stride", stride, 1)
    require_law("service", service)
    if server is not None:
        require_law("server", server)
    changes = _changes(failures, joins, int(workers))
    everyone = max(int(workers), 1 + int(changes.workers.max(initial=-1)))
    axes = checked_axes(replicas)
    settings = QueueSettings(
        common=Settings(
            steps=int(updates),
            start=checked_start(problem.start if start is None else start, problem, axes),
            replicas=axes,
            deviations=checked_deviations(noise_variance, problem.dimension),
            root=seed_sequence(seed),
            moments=record == "moments",
            tolerance=tolerance,
            stride=int(stride),
        ),
        workers=int(workers),
        everyone=everyone,
        speeds=_speeds(speeds, everyone),
        service=service,
        server=server,
        changes=changes,
        reads_first=order == "read-then-write",
        record=record,
    )
    return run_queue(method, problem, settings, engine)


def run_queue(
    method: Any, problem: Problem, settings: QueueSettings, engine: str, *, in_turn: bool = False
) -> QueueRun:
    """Run all blocks of replicas through the engine that fits.

    Raises
    ------
    DomainError
        If the compiled engine is asked where it cannot run.
    """
    large = settings.updates * settings.common.count >= _WORTH_COMPILING
    wanted = engine == "compiled" or (engine == "auto" and large)
    compiled = compiled_block() if wanted else None
    tape = Tape(settings, problem.dimension)
    plain = not is_remedy(method)
    linear = plain and isinstance(problem, LinearProblem) and has_state_space(method)
    basis: Any = False
    if isinstance(problem, LinearProblem) and linear:
        curvatures, basis = problem.modes
        stages = stages_of(method, settings.updates)
        state = displacements(method, problem, settings.common, (), basis)

        def open_lanes(lanes: range, draws: Draws) -> Any:
            if compiled is None:
                machine = ModesMachine(stages, settings, curvatures, state)
                return LoopLanes(machine, settings, tape, lanes, draws)
            return CompiledLanes(
                compiled, stages, settings, tape, lanes, curvatures, state, draws, in_turn=in_turn
            )
    else:
        direct = _direct(method, problem, settings)

        def open_lanes(lanes: range, draws: Draws) -> Any:
            return LoopLanes(direct, settings, tape, lanes, draws)

    if engine == "compiled" and not linear:
        raise DomainError(
            "engine 'compiled' runs linear methods on linear problems, and no remedies; use 'auto'."
        )
    if engine == "compiled" and compiled is None:
        raise DomainError("engine 'compiled' needs numba, which is not installed; use 'python'.")
    _run_blocks(settings, open_lanes)
    return collect(settings, tape, problem.solution, basis)


def _direct(method: Any, problem: Problem, settings: QueueSettings) -> Machine:
    """The server on the method's own functions."""
    if isinstance(method, StalenessWeighted):
        return DirectMachine(method.method, problem, settings, method.weight)
    if holds_for_workers(method):
        return ServerMachine(method, problem, settings)
    return DirectMachine(method, problem, settings)


def _run_blocks(settings: QueueSettings, open_lanes: Callable[[range, Draws], Any]) -> None:
    first = 0
    for block, size in enumerate(block_sizes(settings.common.count)):
        lanes = None
        for draws in draws_of_block(settings, block, size):
            lanes = lanes or open_lanes(range(first, first + size), draws)
            lanes.advance(draws)
        if lanes is not None:
            lanes.finish()
        first += size


def _speeds(given: Any, everyone: int) -> NDArray[np.float64]:
    if given is None:
        return np.ones(everyone)
    speeds = np.array(given, dtype=float)
    if speeds.shape != (everyone,):
        raise ShapeError(
            f"speeds has shape {speeds.shape}, but there are {everyone} workers, those who join "
            "among them; give one speed for each."
        )
    if not ((speeds > 0) & (speeds < np.inf)).all():
        raise DomainError(
            f"speeds hold {speeds[~((speeds > 0) & (speeds < np.inf))][0]}, but must lie in (0, ∞)."
        )
    return speeds


def _changes(failures: Iterable[Any], joins: Iterable[Any], workers: int) -> Changes:
    """Failures and joins in order, each seen to be possible; of equal times, failures go first."""
    rows = [
        (*row, is_join)
        for name, events, is_join in (("failures", failures, False), ("joins", joins, True))
        for row in _pairs(name, events)
    ]
    rows.sort(key=lambda row: (row[0], row[2], row[1]))
    present = set(range(workers))
    for time, worker, is_join in rows:
        if is_join == (worker in present):
            doing, state = ("join", "already there") if is_join else ("fail", "not there")
            raise DomainError(
                f"Worker {worker} cannot {doing} at time {time:g}: it is {state} then; a worker "
                "fails and joins by turns."
            )
        present ^= {worker}
    numbers = {worker for _, worker, _ in rows if worker >= workers}
    missing = set(range(workers, max(numbers, default=workers - 1))) - numbers
    if missing:
        raise DomainError(
            f"Worker {max(numbers)} joins, but worker {min(missing)} never does; number those who "
            f"join from {workers} on without gaps."
        )
    return Changes(
        times=np.array([row[0] for row in rows], dtype=float),
        workers=np.array([row[1] for row in rows], dtype=np.int64),
        joins=np.array([row[2] for row in rows], dtype=bool),
    )


def _pairs(name: str, events: Iterable[Any]) -> list[tuple[float, int]]:
    given = np.asarray(list(events), dtype=float)
    if given.size == 0:
        return []
    if given.ndim != 2 or given.shape[1] != 2:
        raise ShapeError(f"{name} has shape {given.shape}, but must be pairs (time, worker).")
    fine = (given >= 0).all(axis=1) & np.isfinite(given).all(axis=1) & (given[:, 1] % 1 == 0)
    if not fine.all():
        time, worker = given[~fine][0]
        raise DomainError(
            f"{name} hold (time, worker) = ({time:g}, {worker:g}), but a time must lie in [0, ∞) "
            "and a worker must be a whole number from 0 on."
        )
    return [(float(time), int(worker)) for time, worker in given]
