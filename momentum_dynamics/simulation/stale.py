"""`simulate_stale`: gradients of random age, drawn for every replica and step from any law."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.remedies import (
    DelayCompensated,
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
    require_numbers,
    require_one_of,
    require_remedy,
    require_single,
    require_tolerance,
    require_whole,
)
from momentum_dynamics.simulation.ensemble import displacements, stages_of
from momentum_dynamics.simulation.noise import BLOCK, Seed, block_sizes, seed_sequence, stream
from momentum_dynamics.simulation.outcome import Settings
from momentum_dynamics.simulation.run import has_state_space
from momentum_dynamics.simulation.stale_draws import history, staleness_of_block
from momentum_dynamics.simulation.stale_kernels import compiled_text, numpy_text
from momentum_dynamics.simulation.stale_lanes import (
    Frames,
    FunctionLanes,
    Lanes,
    ModesLanes,
    direct_start,
)
from momentum_dynamics.simulation.stale_run import Block, StaleRun, collect

__all__ = ["simulate_stale"]

_ENGINES = ("auto", "python", "numpy", "compiled")
_RECORDS = ("all", "moments", "last")
_FRAMES = 10_000
"""How many frames streamed moments have at most, unless a stride is asked."""


def simulate_stale(
    method: Method | StalenessWeighted | DelayCompensated,
    problem: Problem,
    delay: Delay,
    *,
    steps: int,
    replicas: int | tuple[int, ...] = (),
    noise_variance: Scalar = 0,
    seed: Seed = None,
    record: str = "all",
    start: Any = None,
    stride: int | None = None,
    engine: str = "auto",
    threads: int | None = None,
    tolerance: float = 1e-12,
) -> StaleRun:
    """Run many replicas of a method whose gradients are stale, each by a staleness of its own.

    The gradient of step t is taken where the method asked at step t − τ, τ drawn from the law for
    every replica and every step, independently of everything else. All coordinates of a replica
    read the same version. A staleness past the start reads the start.

    Parameters
    ----------
    method : Method, StalenessWeighted or DelayCompensated
        One setting; batch axes are not run. Weights go by the staleness drawn, also where the
        start is younger; compensation needs a linear problem.
    problem : Problem
    delay : Delay
        Any law of staleness, such as ``GeometricDelay(workers=8)``, or an object of one's own with
        ``sample(rng, size)`` and ``tail(chance)``.
    steps : int
        Updates; each uses one gradient.
    replicas : int or tuple of int
        How many independent copies.
    noise_variance : scalar or array ``(dimension,)``
        Of Gaussian noise added to every gradient when it is applied, fresh at each step; along the
        modes of a linear problem.
    seed : int, SeedSequence or Generator, optional
    record : {"all", "moments", "last"}
        Keep points and staleness of every step; or stream mean and second moment over the replicas
        in memory that does not grow with the steps; or keep the end alone.
    start : array ``(dimension,)`` or tuple of arrays, optional
        The point of rest, or the whole initial state slot by slot; the problem's own by default.
    stride : int, optional
        How many steps apart points or moments are kept: by default 1, but for moments so many that
        there are no more than 10,000 frames.
    engine : {"auto", "python", "numpy", "compiled"}
        ``python`` calls the method's own functions, on any problem. Linear methods on linear
        problems run on the state space instead, compiled or in NumPy, with the same bits in both,
        and the same to rounding as ``python``. By default the fastest that can run.
    threads : int, optional
        How many blocks of 128 replicas are run at once by the compiled engine: by default as many
        as there are processors. The numbers do not depend on it.
    tolerance : float
        A run has converged once its distance from the solution fell by this factor.

    Returns
    -------
    StaleRun

    Raises
    ------
    DomainError
        If a setting is not admissible, the engine cannot run this case, or the law draws what is no
        staleness.
    ShapeError
        If arrays do not fit, or the method or the law has batch axes.

    Notes
    -----
    Past queries are kept for as long as the tail of the law demands. A block of replicas that draws
    a staleness beyond begins anew and keeps them for longer: nothing is cut off.

    With M memoryless workers the staleness of `simulate_queue` has the law ``GeometricDelay``, but
    successive ones depend on each other. Mean paths agree (with those of heavy ball of momentum
    1 − 1/M), second moments do not. [mitliagkas2016]_

    Examples
    --------
    >>> from momentum_dynamics import GeometricDelay, GradientDescent, Quadratic
    >>> run = simulate_stale(
    ...     GradientDescent(learning_rate=0.1), Quadratic([1.0]), GeometricDelay(workers=4),
    ...     steps=400, replicas=200, seed=0, record="moments",
    ... )
    >>> run
    <StaleRun: 400 steps of 200 replicas, mean staleness 2.981, converged>
    >>> run.mean.shape, bool(run.variance[20, 0] > 0)
    ((401, 1), True)
    """
    require_remedy(method)
    if holds_for_workers(method) and not isinstance(method, DelayCompensated):
        raise DomainError(
            f"{type(method).__name__} keeps something for each worker, of which independent "
            "staleness knows nothing; run simulate_queue."
        )
    if not hasattr(problem, "field"):
        raise DomainError(
            f"{type(problem).__name__} has no field; call "
            "simulate_stale(method, problem, delay, steps=…)."
        )
    require_single(method, problem.dimension)
    _require_delay(delay)
    for name, value, admissible in (("record", record, _RECORDS), ("engine", engine, _ENGINES)):
        require_one_of(name, value, admissible)
    require_tolerance(tolerance)
    require_whole("steps", steps, 0)
    if stride is None:
        stride = max(1, -(-steps // _FRAMES)) if record == "moments" else 1
    require_whole("stride", stride, 1)
    if threads is not None:
        require_whole("threads", threads, 1)
    axes = checked_axes(replicas)
    settings = Settings(
        steps=int(steps),
        start=checked_start(problem.start if start is None else start, problem, axes),
        replicas=axes,
        deviations=checked_deviations(noise_variance, problem.dimension),
        root=seed_sequence(seed),
        moments=record == "moments",
        tolerance=tolerance,
        stride=int(stride),
    )
    chosen = _chosen_engine(engine, method, problem)
    open_lanes = _opener(chosen, method, problem, settings)
    capacity = history(delay, settings.steps, min(BLOCK, settings.count))
    sizes = block_sizes(settings.count)

    def run(index: int) -> Block:
        lanes = slice(index * BLOCK, index * BLOCK + sizes[index])
        return _run_block(delay, settings, record, index, lanes, open_lanes, capacity)

    at_once = 1 if chosen != "compiled" else threads or _processors()
    basis: Any = False
    if chosen != "python" and isinstance(problem, LinearProblem):
        basis = problem.modes[1]
    return collect(settings, record, _in_order(run, len(sizes), at_once), problem.solution, basis)


_Opener = Callable[[slice, np.random.Generator, int, Frames], Lanes]


def _opener(engine: str, method: Any, problem: Problem, settings: Settings) -> _Opener:
    """How a block of replicas is begun: some lanes, their noise, a history, room for the record."""
    if engine != "python" and isinstance(problem, LinearProblem):
        curvatures, basis = problem.modes
        stages = stages_of(method, settings.steps)
        away = displacements(method, problem, settings, (), basis)
        text = compiled_text() if engine == "compiled" else numpy_text
        if text is None:
            raise DomainError("engine 'compiled' needs numba, which is not installed; use 'numpy'.")

        def open_modes(
            lanes: slice, rng: np.random.Generator, capacity: int, frames: Frames
        ) -> Lanes:
            own = away[..., lanes]
            return ModesLanes(text, stages, curvatures, settings, own, rng, capacity, frames)

        return open_modes
    if isinstance(method, DelayCompensated) and not isinstance(problem, LinearProblem):
        raise DomainError(
            f"DelayCompensated corrects by the Hessian, which {type(problem).__name__} has not one "
            "of; run it on a linear problem."
        )
    weight = method.weight if isinstance(method, StalenessWeighted) else None
    share = method.compensation if isinstance(method, DelayCompensated) else 0
    inner = method.method if is_remedy(method) else method
    start = direct_start(inner, problem, settings)

    def open_functions(
        lanes: slice, rng: np.random.Generator, capacity: int, frames: Frames
    ) -> Lanes:
        own = [slot[lanes] for slot in start]
        return FunctionLanes(
            inner, problem, settings, own, rng, capacity, frames, weight=weight, share=share
        )

    return open_functions


def _run_block(
    delay: Delay,
    settings: Settings,
    record: str,
    index: int,
    lanes: slice,
    open_lanes: _Opener,
    capacity: int,
) -> Block:
    """Run one block, with a longer history each time that it proves too short."""
    size, most = lanes.stop - lanes.start, max(1, settings.steps)
    while True:
        frames = Frames.empty(settings, record, size)
        # Below the stream of the noise, which has the number of the block for its path.
        noise, draws = stream(settings.root, index), stream(settings.root, index, 0)
        block = open_lanes(lanes, noise, capacity, frames)
        histogram = np.zeros(capacity, dtype=np.int64)
        kept = [np.empty((0, size), dtype=np.int64)]
        for begun, lags, drawn in staleness_of_block(delay, draws, settings.steps, size):
            longest = int(lags.max())
            if longest >= capacity:
                capacity = min(most, max(2 * capacity, longest + 1))
                break
            block.advance(lags, begun, drawn)
            histogram += np.bincount(lags.ravel(), minlength=capacity)
            if record == "all":
                kept.append(lags)
        else:
            block.finish()
            return Block(
                lanes=lanes, frames=frames, staleness=np.concatenate(kept), histogram=histogram
            )


def _in_order(run: Callable[[int], Block], count: int, threads: int) -> Iterator[Block]:
    """The blocks in their order, some at once; only so many exist as run or are waited for."""
    if min(threads, count) == 1:
        yield from map(run, range(count))
        return
    with ThreadPoolExecutor(min(threads, count)) as pool:
        waiting: deque[Future[Block]] = deque()
        for index in range(count):
            waiting.append(pool.submit(run, index))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chosen_engine(engine: str, method: Any, problem: Problem) -> str:
    plain = not is_remedy(method)
    linear = plain and isinstance(problem, LinearProblem) and has_state_space(method)
    if engine in {"numpy", "compiled"} and not linear:
        raise DomainError(
            f"engine {engine!r} runs linear methods on linear problems only, and no remedies; use "
            "'auto' or 'python'."
        )
    if engine != "auto":
        return engine
    if not linear:
        return "python"
    return "numpy" if compiled_text() is None else "compiled"


def _require_delay(delay: Any) -> None:
    parts = ("sample", "tail")
    if isinstance(delay, type) or not all(callable(getattr(delay, part, None)) for part in parts):
        raise DomainError(
            f"delay is {delay!r}, but must be a law of staleness with sample(rng, size) and "
            "tail(chance), such as GeometricDelay(workers=8)."
        )
    require_numbers(delay)
