"""One method on one problem: the outcome, and the measured rate beside the predicted one."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics import methods
from momentum_dynamics.analysis.report import plain
from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics.optimum import TUNED_KINDS, tune, worst_rate
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.errors import DomainError, MomentumDynamicsError, UnknownNameError
from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import period_of
from momentum_dynamics.notation import GLOSSARY, is_switch, quantities
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation import EnsembleMoments, Trajectory, simulate
from momentum_dynamics.simulation.noise import Seed
from momentum_dynamics.simulation.rates import Measurement, measure_rate

__all__ = ["Trial", "built_method", "method_names", "named_method", "try_out"]

Array = NDArray[np.float64]


def method_names() -> dict[str, type]:
    """Every method with named parameters, by its name on the command line.

    Examples
    --------
    >>> method_names()["torch-sgd"].__name__
    'TorchSGD'
    """
    found = {}
    for name in methods.__all__:
        kind = getattr(methods, name)
        if not (dataclasses.is_dataclass(kind) and isinstance(kind, type)):
            continue
        if all(field in GLOSSARY for field in quantities(kind)):
            found[re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower()] = kind
    return found


def named_method(name: str, parameters: Mapping[str, Any], problem: Problem) -> Method:
    """Build a method from its name; without parameters, tuned for a problem.

    Parameters
    ----------
    name : str
        A name of `method_names`.
    parameters : mapping
        Numbers by the method's field names. The ends of the spectrum may be left out: they are
        the problem's.
    problem : Problem

    Returns
    -------
    Method

    Raises
    ------
    UnknownNameError
        If there is no such method or parameter, with near matches.
    DomainError
        If a parameter is missing or no number, or tuning finds a curvature that is not positive.

    Examples
    --------
    >>> from momentum_dynamics import Quadratic
    >>> named_method("heavy-ball", {}, Quadratic([1.0, 9.0]))
    HeavyBall(learning_rate=0.25, momentum=0.25)
    """
    fields = quantities(_kind(name))
    spectrum = np.asarray(problem.spectrum())
    low, high = _ends(spectrum)
    if not parameters and name in TUNED_KINDS:
        if low <= 0:
            raise DomainError(
                f"{name} cannot be tuned for curvatures from {spectrum.min():.4g}; set its "
                f"parameters: {', '.join(fields)}."
            )
        tuned: Any = tune(name, smallest_curvature=low, largest_curvature=high)
        return built_method(name, {field: float(getattr(tuned, field)) for field in fields})
    ends = {"smallest_curvature": low, "largest_curvature": high}
    return built_method(
        name, {**{key: end for key, end in ends.items() if key in fields}, **parameters}
    )


def built_method(name: str, parameters: Mapping[str, Any]) -> Method:
    """Build a method from its name and its parameters, as a command line gives them.

    Raises
    ------
    UnknownNameError
        If there is no such method or parameter, with near matches.
    DomainError
        If a parameter is missing, no number, or no truth value where it is a switch.

    Examples
    --------
    >>> built_method("torch-sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True})
    TorchSGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    """
    kind = _kind(name)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key, value in parameters.items():
        if key not in fields:
            raise UnknownNameError.among(f"parameter of {name}", key, fields)
        wanted = (bool,) if is_switch(fields[key]) else (int, float)
        if type(value) not in wanted:
            what = "True or False" if is_switch(fields[key]) else "one number"
            raise DomainError(f"{key} is {value!r}, but must be {what}.")
    missing = [
        key
        for key, field in fields.items()
        if key not in parameters and field.default is dataclasses.MISSING
    ]
    if missing:
        raise DomainError(f"{name} needs {' and '.join(missing)}; set each to a number.")
    built: Method = kind(**parameters)
    return built


def _kind(name: str) -> Any:
    kinds = method_names()
    if name not in kinds:
        raise UnknownNameError.among("method", name, kinds)
    return kinds[name]


def _ends(spectrum: Array) -> tuple[float, float]:
    """The ends, without the zeros of directions that data leave open."""
    kept = spectrum[spectrum != 0]
    return (float(kept.min()), float(kept.max())) if len(kept) else (0.0, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """What one run showed.

    Attributes
    ----------
    method, problem : str
    run : Trajectory or EnsembleMoments
    outcome : dict
        How many replicas converged, diverged, or spent the budget.
    steps : int
    start_distance, final_distance : float
        From the solution; over replicas the root of the mean square.
    predicted : float or None
        The spectral radius per gradient; with staleness, of the mean.
    measured : Measurement or None
        Of the path, or of the mean over replicas; None where noise drowns it.
    noise_predicted, noise_measured : float or None
        The settled mean squared distance, where gradients are noisy.
    is_random : bool
        Whether another seed gives another run.
    notes : tuple of str
    """

    method: str
    problem: str
    run: Trajectory | EnsembleMoments
    outcome: dict[str, int]
    steps: int
    start_distance: float
    final_distance: float
    predicted: float | None
    measured: Measurement | None
    noise_predicted: float | None
    noise_measured: float | None
    is_random: bool
    notes: tuple[str, ...]

    def noting(self, note: str) -> Trial:
        """The same with one more sentence for the reader."""
        return dataclasses.replace(self, notes=(*self.notes, note))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the path in JSON's types; what is not finite becomes None."""
        entries = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "run"
        }
        measured = None if self.measured is None else dataclasses.asdict(self.measured)
        found: dict[str, Any] = plain({**entries, "measured": measured, "seed": self.run.seed})
        return found

    def __str__(self) -> str:
        """A few lines for the terminal."""
        words = {_OUTCOMES[name]: count for name, count in self.outcome.items()}
        outcome = ", ".join(f"{count} {name}" for name, count in words.items())
        if len(words) == 1:
            ((outcome, count),) = words.items()
            outcome = outcome if count == 1 else f"all {count} {outcome}"
        start, end = self.start_distance, self.final_distance
        lines = [
            f"method    {self.method}",
            f"problem   {self.problem}",
            f"outcome   {outcome} after {self.steps} step{'s' * (self.steps != 1)}",
            f"distance  {_distance(start)} at the start, {_distance(end)} at the end",
        ]
        rates = []
        if self.predicted is not None:
            rates.append(f"predicted {self.predicted:.6g}")
        if self.measured is not None:
            rates.append(
                f"measured {self.measured.rate:.6g} ± {self.measured.uncertainty:.1g} "
                f"(steps {self.measured.first} to {self.measured.last})"
            )
        lines.append("rate      " + (", ".join(rates) or "not known"))
        if self.noise_measured is not None:
            exact = (
                "" if self.noise_predicted is None else f"predicted {self.noise_predicted:.6g}, "
            )
            lines.append(
                f"noise     settled squared distance: {exact}measured {self.noise_measured:.6g}"
            )
        if self.is_random:
            lines.append(f"seed      {self.run.seed}")
        lines.extend(f"note      {note}" for note in self.notes)
        return "\n".join(lines)


_OUTCOMES = {"converged": "converged", "budget_spent": "still under way", "diverged": "diverged"}


def _distance(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "beyond all numbers"


def try_out(
    method: Method,
    problem: Problem,
    *,
    steps: int,
    noise_variance: float = 0.0,
    replicas: int = 1,
    delay: Delay | None = None,
    seed: Seed = None,
) -> Trial:
    """Run a method on a problem and set what is measured beside what is predicted.

    Parameters
    ----------
    method : Method
        With plain numbers.
    problem : Problem
    steps : int
    noise_variance : float
        Of every coordinate of every gradient.
    replicas : int
        Independent copies; from two on, moments are streamed and the mean is measured.
    delay : Delay, optional
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    Trial

    Raises
    ------
    DomainError
        As `simulate`.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, Quadratic
    >>> trial = try_out(GradientDescent(learning_rate=0.5), Quadratic([1.0]), steps=30)
    >>> trial.predicted, round(trial.measured.rate, 9)
    (0.5, 0.5)
    """
    many = replicas > 1
    run = simulate(
        method,
        problem,
        steps=steps,
        replicas=replicas if many else (),
        noise_variance=noise_variance,
        delay=delay,
        seed=seed,
        record="moments" if many else "trajectory",
    )
    with np.errstate(all="ignore"):
        if many:
            path = np.linalg.norm(run.mean, axis=-1)
            squares = run.second_moment.sum(axis=-1)
        else:
            path = run.distance
            squares = path**2
    spectrum = np.asarray(problem.spectrum())
    notes: list[str] = []
    predicted = _predicted(method, problem, spectrum, delay, notes)
    measured = None
    if noise_variance:
        notes.append("noise covers the rate; the settled distance is what it leaves")
    elif isinstance(problem, LinearProblem) or np.isfinite(path).all():
        measured = _measured(path, spectrum)
    random_delay = delay is not None and bool(delay.mean) and not hasattr(delay, "staleness")
    if random_delay and not noise_variance:
        notes.append(
            "staleness is random: the prediction is the rate of the mean over many replicas, "
            + (f"here over {replicas}" if many else "and this is one run")
        )
    if many and not squares[-1] <= squares[0]:
        notes.append("the mean square grows, so that a few replicas make up the mean")
    noise_predicted, noise_measured = None, None
    if noise_variance and steps >= _SETTLED:
        noise_measured = float(squares[len(squares) // 2 :].mean())
        if delay is None and isinstance(problem, LinearProblem):
            noise_predicted = _noise_floor(method, spectrum, noise_variance)
    names, counts = np.unique(np.asarray(run.outcome).astype(str), return_counts=True)
    with np.errstate(all="ignore"):
        first, last = np.sqrt(squares[[0, -1]])
    return Trial(
        method=_described(method),
        problem=repr(problem),
        run=run,
        outcome=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        steps=steps,
        start_distance=float(first),
        final_distance=float(last),
        predicted=predicted,
        measured=measured,
        noise_predicted=noise_predicted,
        noise_measured=noise_measured,
        is_random=bool(noise_variance) or random_delay,
        notes=tuple(notes),
    )


def _described(method: object) -> str:
    """The method with its numbers rounded for reading."""
    if not dataclasses.is_dataclass(method):
        return repr(method)
    numbers = [f"{name}={getattr(method, name):.6g}" for name in quantities(method)]
    return f"{type(method).__name__}({', '.join(numbers)})"


_SETTLED = 20
"""Steps from which on the second half of a noisy run is worth a mean."""


def _predicted(
    method: Method, problem: Problem, spectrum: Array, delay: Delay | None, notes: list[str]
) -> float | None:
    kept = spectrum
    if isinstance(problem, LinearProblem) and not spectrum.all():
        kept = spectrum[spectrum != 0]
        notes.append(
            f"{len(spectrum) - len(kept)} of {len(spectrum)} curvatures are zero: these directions "
            "never move, and the rate is that of the others"
        )
    if not isinstance(problem, LinearProblem):
        notes.append("the prediction is for the curvatures at the solution, once the run is near")
    try:
        if delay is None and not np.iscomplexobj(kept):
            return worst_rate(method, kept)
        radius = float(np.max(spectral_radius(method, kept, delay)))
        return radius ** (1 / (period_of(method) or 1))
    except MomentumDynamicsError as error:
        notes.append(f"no prediction: {error}")
        return None


def _measured(path: Array, spectrum: Array) -> Measurement | None:
    finite = np.flatnonzero(~np.isfinite(path))
    path = path[: finite[0]] if len(finite) else path
    if len(path) < 2:
        return None
    low, high = _ends(np.abs(spectrum))
    share = max(1e-13, 4 * np.finfo(float).eps * high / low) if low else 1e-13
    return measure_rate(path, floor=min(share, 1e-3) * path[0])


def _noise_floor(method: Method, spectrum: Array, noise_variance: float) -> float | None:
    if not spectrum.all():
        return None
    try:
        total = float(np.sum(stationary_variance(method, spectrum, noise_variance)))
    except MomentumDynamicsError:
        return None
    return total if math.isfinite(total) else None
