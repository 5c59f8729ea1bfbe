"""`simulate`: any method on any problem, one path or many replicas."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.delays import Delay
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import require_method
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.checks import (
    checked_axes,
    checked_deviations,
    checked_start,
    require_divisor,
    require_numbers,
    require_one_of,
    require_tolerance,
)
from momentum_dynamics.simulation.compiling import chosen_text
from momentum_dynamics.simulation.direct import run_directly
from momentum_dynamics.simulation.ensemble import run_ensemble
from momentum_dynamics.simulation.jump import run_jumps
from momentum_dynamics.simulation.kernels import compiled_block, numpy_block
from momentum_dynamics.simulation.noise import Seed, seed_sequence
from momentum_dynamics.simulation.outcome import Settings

__all__ = ["ENGINES", "RECORDS", "has_state_space", "simulate"]

RECORDS = ("trajectory", "moments")

ENGINES = ("auto", "direct", "numpy", "compiled", "jump")


def simulate(
    method: Method,
    problem: Problem,
    *,
    steps: int,
    start: Any = None,
    replicas: int | tuple[int, ...] = (),
    noise_variance: Scalar = 0,
    delay: Delay | None = None,
    seed: Seed = None,
    record: str = "trajectory",
    engine: str = "auto",
    tolerance: float = 1e-12,
    stride: int = 1,
) -> Any:
    """Run a method on a problem for a number of steps.

    Parameters
    ----------
    method : Method
        Its parameters may carry batch axes: all settings run at once, on the same noise.
    problem : Problem
    steps : int
        Updates; each asks one gradient.
    start : array ``(dimension,)`` or tuple of arrays, optional
        The point of rest, or the whole initial state slot by slot; the problem's own by default.
    replicas : int or tuple of int
        How many independent noisy copies, as axes before the dimension.
    noise_variance : scalar or array ``(dimension,)``
        Of Gaussian noise added to every gradient; along the modes of a linear problem.
    delay : Delay, optional
        Every replica's every gradient is asked at the query of τ steps ago, τ drawn independently;
        before the first step every worker holds the start.
    seed : int, SeedSequence or Generator, optional
    record : {"trajectory", "moments"}
        Keep every step, or stream mean and second moment over the replicas in bounded memory
        (behind a delay the past queries are kept).
    engine : {"auto", "direct", "numpy", "compiled", "jump"}
        ``direct`` runs `query` and `update`. On a linear problem without delay the replicas can run
        on the state space instead, in NumPy or compiled, with the same bits in both. ``jump`` draws
        the state of a linear problem every `stride` steps from its exact law: as good as all steps
        between, of which it makes none.
    tolerance : float
        A run has converged once its distance from the solution fell by this factor.
    stride : int
        With ``engine="jump"``: how many steps one draw replaces, a divisor of `steps`.

    Returns
    -------
    Trajectory or EnsembleMoments

    Raises
    ------
    DomainError
        If a setting is not admissible, or the engine cannot run this case.
    ShapeError
        If the start or the noise variance does not fit the problem or the method.

    Notes
    -----
    Divergence is an outcome, never an exception: the numbers run to infinity and are kept.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, Quadratic
    >>> method = HeavyBall(learning_rate=0.25, momentum=0.25)
    >>> run = simulate(method, Quadratic([1.0, 9.0]), steps=60)
    >>> run.points.shape, str(run.outcome)
    ((61, 2), 'converged')
    """
    require_method(method)
    if not hasattr(problem, "field"):
        raise DomainError(
            f"{type(problem).__name__} has no field; call simulate(method, problem, steps=…)."
        )
    require_one_of("record", record, RECORDS)
    GLOSSARY["steps"].check(steps)
    axes = checked_axes(replicas)
    require_divisor(stride, steps)
    if stride > 1 and engine != "jump":
        raise DomainError(f"stride is {stride}, which only engine 'jump' knows.")
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
    require_numbers(method)
    if delay is not None:
        require_numbers(delay)
    require_tolerance(tolerance)
    chosen = _chosen_engine(engine, method, problem, settings, delay)
    if chosen == "direct" or not isinstance(problem, LinearProblem):
        return run_directly(method, problem, settings, delay=delay)
    if chosen == "jump":
        return run_jumps(method, problem, settings)
    block = chosen_text(chosen, compiled_block, numpy_block)
    return run_ensemble(method, problem, settings, block)


def _chosen_engine(
    engine: str, method: Method, problem: Problem, settings: Settings, delay: Delay | None
) -> str:
    require_one_of("engine", engine, ENGINES)
    linear = isinstance(problem, LinearProblem) and delay is None
    if engine in {"numpy", "compiled", "jump"} and not linear:
        raise DomainError(
            f"engine {engine!r} runs linear problems without delay only; use 'auto' or 'direct'."
        )
    if engine != "auto":
        return engine
    if not (
        linear and settings.deviations.any() and settings.count > 1 and has_state_space(method)
    ):
        return "direct"
    return "numpy" if compiled_block() is None else "compiled"


def has_state_space(method: Method) -> bool:
    """Whether a method has a state space; sign descent and Adam have none, and still can run."""
    try:
        state_space(method, step=0)
    except DomainError:
        return False
    return True
