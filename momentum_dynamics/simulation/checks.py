"""What every run is asked for, seen to be admissible before anything is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError, NotTraceableError, ShapeError
from momentum_dynamics.inputs import one_number, real_numbers, require_counts
from momentum_dynamics.methods.protocol import require_method, spread, stage_of
from momentum_dynamics.methods.remedies import StalenessWeighted, holds_for_workers, is_remedy
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic
from momentum_dynamics.problems import Problem

__all__ = [
    "checked_axes",
    "checked_deviations",
    "checked_start",
    "require_divisor",
    "require_law",
    "require_numbers",
    "require_one_of",
    "require_remedy",
    "require_single",
    "require_tolerance",
    "require_whole",
]


def checked_axes(replicas: Any) -> tuple[int, ...]:
    """The axes of replicas as a tuple."""
    lengths = (replicas,) if np.ndim(replicas) == 0 else tuple(replicas)
    for length in lengths:
        GLOSSARY["replicas"].check(length)
    return tuple(map(int, lengths))


def checked_start(given: Any, problem: Problem, axes: tuple[int, ...]) -> Any:
    """The start as an array or a tuple of slots, each seen to fit and to be finite."""
    slots = given if isinstance(given, tuple) else (given,)
    arrays = tuple(np.atleast_1d(real_numbers("The start", slot)) for slot in slots)
    for slot, array in zip(slots, arrays, strict=True):
        fits = array.shape[-1] == problem.dimension and all(
            length in {1, axis}
            for length, axis in zip(array.shape[-2::-1], reversed(axes), strict=False)
        )
        if not fits:
            raise ShapeError(
                f"The start has shape {np.shape(slot)}, but {problem!r} has dimension "
                f"{problem.dimension}, so it must fit {(*axes, problem.dimension)}; a point is a "
                "list or an array, a tuple holds the slots of a state."
            )
        if not np.isfinite(array).all():
            raise DomainError("The start holds a number that is not finite.")
    return arrays if isinstance(given, tuple) else arrays[0]


def require_numbers(owner: object) -> None:
    """Refuse symbols, and laws of delay with batch axes."""
    if not dataclasses.is_dataclass(owner):
        return
    values = [getattr(owner, item.name) for item in dataclasses.fields(owner)]
    # A law may hold a row of numbers, such as the speeds of workers.
    entries = [
        entry for value in values for entry in (value if isinstance(value, tuple) else (value,))
    ]
    if any(is_symbolic(entry) for entry in entries):
        raise NotTraceableError(
            f"{type(owner).__name__} holds SymPy symbols, but only numbers can be run; put some in."
        )
    if hasattr(owner, "generating_function") and np.ndim(getattr(owner, "mean", 0)):
        raise ShapeError(
            f"{type(owner).__name__} has batch axes, but a run takes one law of delay at a time."
        )


def checked_deviations(noise_variance: Scalar, dimension: int) -> Any:
    """The standard deviation of the noise of each mode."""
    GLOSSARY["noise_variance"].check(noise_variance)
    variances = np.asarray(noise_variance, dtype=float)
    if variances.shape not in {(), (1,), (dimension,)}:
        raise ShapeError(
            f"noise_variance has shape {variances.shape}; give one number, or one for each of the "
            f"{dimension} modes."
        )
    return np.sqrt(np.broadcast_to(variances, dimension))


def require_remedy(method: Any) -> None:
    """Refuse what is neither a method nor a remedy, or holds symbols."""
    if not is_remedy(method):
        require_method(method)
    for part in (method, getattr(method, "method", None)):
        require_numbers(part)


def require_single(method: Any, dimension: int) -> None:
    """Refuse batch axes where one setting is run at a time: they show in a first update."""
    zero = np.zeros(dimension)
    if holds_for_workers(method):
        shared, held = method.initial_state(zero)
        with np.errstate(all="ignore"):
            moved = method.update(shared, held, held, zero + method.query(shared, held))
        shapes = [np.shape(slot) for part in moved for slot in part]
    else:
        inner = method.method if isinstance(method, StalenessWeighted) else method
        stage = stage_of(spread(inner, 1), 0)
        with np.errstate(all="ignore"):
            shapes = [np.shape(slot) for slot in stage.update(stage.initial_state(zero), zero)]
    shape = np.broadcast_shapes(*shapes)
    if len(shape) > 1:
        raise ShapeError(
            f"{type(method).__name__} has batch axes {shape[:-1]}, but workers run one setting "
            "at a time; loop over the settings."
        )


def require_one_of(name: str, value: Any, admissible: Sequence[str]) -> None:
    """Refuse what is none of some words."""
    if value not in admissible:
        raise DomainError(f"{name} is {value!r}, but must be one of {', '.join(admissible)}.")


def require_divisor(stride: Any, steps: int) -> None:
    """Refuse a stride that does not divide the steps."""
    require_whole("stride", stride, 1)
    if steps % stride:
        raise DomainError(f"stride is {stride}, but must be a whole number that divides {steps}.")


def require_tolerance(tolerance: Any) -> None:
    """Refuse what is no share of a distance; one of 1 or more calls every run converged."""
    if not 0 <= one_number("tolerance", tolerance) < np.inf:
        raise DomainError(f"tolerance is {tolerance}, but must lie in [0, ∞).")


def require_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is not one whole number from the least on, in the glossary's words if it can."""
    if name in GLOSSARY:
        GLOSSARY[name].check(value)
    require_counts(least, **{name: value})


def require_law(name: str, law: Any) -> None:
    """Refuse what draws no times."""
    if isinstance(law, type) or not callable(getattr(law, "sample", None)):
        raise DomainError(
            f"{name} is {law!r}, but must be a law of times with sample(rng, size), such as "
            "Exponential(mean=1)."
        )
