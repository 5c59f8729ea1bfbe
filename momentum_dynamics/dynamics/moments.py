"""First and second moments of a noisy loop: settled, and step by step."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.loop import gain, loop_coefficients, trace_determinant
from momentum_dynamics.dynamics.lyapunov import (
    NEVER_SETTLED,
    covariance,
    readable,
    symbolic_covariance,
)
from momentum_dynamics.dynamics.polynomials import schur_cohn
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.errors import DomainError, UnstableDynamicsError
from momentum_dynamics.laws import noise as laws
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import Method, period_of, stage_index, transient_of
from momentum_dynamics.methods.rows import Rows, as_float, combine, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["Moments", "second_moments", "stationary_covariance", "stationary_variance"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Moments:
    """Mean and second moment of the answer's displacement from the solution, step by step.

    Attributes
    ----------
    mean, variance : array ``(steps + 1, *batch)``
        Of the displacement of the answer.
    covariance : array ``(steps + 1, *batch, slots, slots)``
        Of the state.

    With symbols the arrays hold SymPy expressions.
    """

    mean: NDArray[Any]
    variance: NDArray[Any]
    covariance: NDArray[Any]

    def __repr__(self) -> str:
        """One line."""
        return f"<Moments: {len(self.mean) - 1} steps, each of shape {self.mean.shape[1:]}>"

    @property
    def second_moment(self) -> NDArray[Any]:
        """Variance plus squared mean."""
        return self.variance + self.mean**2

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name."""
        return {"mean": self.mean, "second_moment": self.second_moment, "variance": self.variance}


def stationary_variance(method: Method, curvature: Scalar, noise_variance: Scalar) -> Any:
    """The settled variance of the answer when every gradient carries independent noise.

    Parameters
    ----------
    method : Method
        With settled coefficients.
    curvature : scalar
        h, real.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.

    Returns
    -------
    array or sympy.Expr
        Of `output`; a closed form for one and two slots.

    Raises
    ------
    UnstableDynamicsError
        Where some loop is unstable: it has no stationary law.
    DomainError
        If the noise variance is negative, the curvature complex, or the coefficients never settle.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, symbol
    >>> float(stationary_variance(HeavyBall(learning_rate=1.0, momentum=0.0), 1.0, 0.25))
    0.25
    >>> alpha, beta = symbol("learning_rate"), symbol("momentum")
    >>> method = HeavyBall(learning_rate=alpha, momentum=beta)
    >>> stationary_variance(method, symbol("curvature"), symbol("noise_variance"))
    alpha*sigma^2*(beta + 1)/(h*(beta - 1)*(alpha*h - 2*beta - 2))
    """
    system, curvature, symbolic = _noisy_loop(method, None, curvature, noise_variance)
    if not symbolic:
        _require_stable(method, curvature)
        noise_variance = np.asarray(noise_variance, dtype=float)
    if system.slots <= 2 and system.gradients == 1:
        found = _two_slots(system, curvature, noise_variance)
        if symbolic:
            import sympy

            found = sympy.factor(found)
            if found.has(sympy.zoo, sympy.nan, sympy.oo):
                raise UnstableDynamicsError(NEVER_SETTLED)
            return found
        return found
    readout = system.readout[0]
    if symbolic:
        import sympy

        row = sympy.Matrix([readout]).applyfunc(lambda e: sympy.nsimplify(e, rational=True))
        spread = symbolic_covariance(*system.closed_rows(curvature), noise_variance)
        floating = _is_floating(*system.entries, curvature, noise_variance)
        return readable((row * spread * row.T)[0], floating=floating)
    spread = covariance(*system.closed_rows(curvature), noise_variance)
    row = stack(system.readout)[..., 0, :]
    return np.einsum("...i,...ij,...j->...", row, spread, row)


def stationary_covariance(method: Method, curvature: Scalar, noise_variance: Scalar) -> Any:
    """The settled covariance of the state, where `stationary_variance` gives that of the answer.

    Parameters
    ----------
    method, curvature, noise_variance
        As in `stationary_variance`.

    Returns
    -------
    array ``(*batch, slots, slots)`` or sympy.Matrix

    Raises
    ------
    UnstableDynamicsError, DomainError
        As `stationary_variance`.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> stationary_covariance(HeavyBall(learning_rate=1.0, momentum=0.0), 1.0, 0.25)
    array([[0.25, 0.  ],
           [0.  , 0.25]])
    """
    system, curvature, symbolic = _noisy_loop(method, None, curvature, noise_variance)
    if symbolic:
        floating = _is_floating(*system.entries, curvature, noise_variance)
        found = symbolic_covariance(*system.closed_rows(curvature), noise_variance)
        return found.applyfunc(lambda entry: readable(entry, floating=floating))
    _require_stable(method, curvature)
    return covariance(*system.closed_rows(curvature), noise_variance)


def _is_floating(*values: Scalar) -> bool:
    """Say whether a number that is not exact is among the values."""
    import sympy

    return any(sympy.sympify(value).atoms(sympy.Float) for value in values)


def _noisy_loop(
    method: Method, step: int | None, curvature: Scalar, noise_variance: Scalar, *others: Scalar
) -> tuple[StateSpace, Scalar, bool]:
    """The system and the curvature fit to be computed with, and whether anything is symbolic.

    Moments of complex modes are not those of one coordinate: they are refused.
    """
    GLOSSARY["noise_variance"].check(noise_variance)
    curvature = gain(curvature)
    if np.iscomplexobj(curvature):
        raise DomainError(
            f"curvature is {curvature}, but moments are answered for real curvatures only; "
            "simulate the game itself."
        )
    system = state_space(method, step=step).beside(curvature, noise_variance, *others)
    symbolic = system.is_symbolic or any(map(is_symbolic, (curvature, noise_variance, *others)))
    return system, curvature if symbolic else np.asarray(as_float(curvature), dtype=float), symbolic


def _require_stable(method: Method, curvature: Scalar) -> None:
    coefficients = loop_coefficients(method, curvature, None)
    stable = schur_cohn([np.asarray(entry) for entry in coefficients])
    if stable.all():
        return
    radius = spectral_radius(method, curvature)
    radius, stable = np.broadcast_arrays(radius, stable)
    worst = np.unravel_index(np.argmax(np.where(stable, -np.inf, radius)), radius.shape)

    def at(value: Scalar) -> str:
        return f"{float(np.broadcast_to(value, radius.shape)[worst]):.6g}"

    quantities = [
        f"{name} {at(value)}"
        for name, value in (vars(method) if hasattr(method, "__dict__") else {}).items()
        if isinstance(value, numbers.Real) or (name in GLOSSARY and np.ndim(value) > 0)
    ]
    described = " with " + " and ".join(quantities) if quantities else ""
    raise UnstableDynamicsError(
        f"No stationary variance: {type(method).__name__}{described} is unstable on curvature "
        f"{at(curvature)} (spectral radius {at(radius)}); change the learning rate, or keep only "
        "the settings that is_stable accepts."
    )


def _two_slots(system: StateSpace, curvature: Scalar, noise_variance: Scalar) -> Any:
    """By the law of two slots, from noise to output (n₁z + n₀)/(z² − Tz + D)."""
    rows, injection = system.closed_rows(curvature)
    vector = [entry[0] for entry in injection]
    moved = [combine(row, vector) for row in rows]
    trace, determinant = trace_determinant(rows)
    lead = combine(system.readout[0], vector)
    lag = combine(system.readout[0], moved) - trace * lead if system.slots > 1 else 0
    return laws.two_slot_variance(trace, determinant, lead, lag, noise_variance)


def second_moments(
    method: Method,
    curvature: Scalar,
    noise_variance: Scalar,
    *,
    steps: int,
    start: Scalar = None,
) -> Moments:
    """Exact moments of the answer after 0, 1, …, `steps` steps, under additive gradient noise.

    Parameters
    ----------
    method : Method
        Any method; each step is one stage, with its own coefficients.
    curvature : scalar
        h, real.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.
    steps : int
        With symbols keep to about ten, which take SymPy ten seconds with two slots.
    start : scalar or tuple of scalars, optional
        The displacement from the solution at rest (default 1), or the whole initial state.

    Returns
    -------
    Moments
        Arrays ``(steps + 1, *batch)``, of SymPy expressions if anything given is symbolic.
        Unstable methods are answered too: their moments grow.

    Raises
    ------
    DomainError
        If the noise variance or the number of steps is negative, or the curvature complex.
    NotTraceableError
        If symbols meet batches of numbers.
    ShapeError
        If the batch axes of what is given do not broadcast.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, symbol
    >>> second_moments(GradientDescent(learning_rate=0.5), 1.0, 0.0, steps=3).mean
    array([1.   , 0.5  , 0.25 , 0.125])
    >>> method = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> second_moments(method, 1, symbol("noise_variance"), steps=2).variance
    array([0, alpha**2*sigma^2, alpha**2*sigma^2*(alpha**2 - 2*alpha + 2)],
          dtype=object)
    """
    GLOSSARY["steps"].check(steps)
    displacement = 1 if start is None else start
    state = displacement if isinstance(displacement, tuple) else method.initial_state(displacement)
    system, curvature, symbolic = _noisy_loop(method, 0, curvature, noise_variance, *state)
    entries = (*system.entries, curvature, noise_variance, *state)
    array, tidy, shown = _exactly(*entries) if symbolic else (stack, np.asarray, np.asarray)
    noise = array(((noise_variance,),))
    cache: dict[int, tuple[Any, Any, Any]] = {}

    def maps(step: int) -> tuple[Any, Any, Any]:
        """Transition, noise and readout of a step, computed once per distinct stage."""
        period = period_of(method)
        key = stage_index(step, transient_of(method), period)
        if key not in cache:
            system = state_space(method, step=key)
            rows, injection = system.closed_rows(curvature)
            transition, vector, readout = map(array, (rows, injection, system.readout))
            source = noise * (vector @ np.swapaxes(vector, -1, -2))
            cache[key] = transition, source, readout
            if period is None:
                cache.pop(key - 1, None)
        return cache[key]

    matrix, source, _ = maps(0)
    mean = np.swapaxes(array((state,)), -1, -2)
    batch = np.broadcast_shapes(*(part.shape[:-2] for part in (matrix, source, mean)))
    mean = np.broadcast_to(mean, (*batch, *mean.shape[-2:]))
    covariance = np.zeros((*batch, *matrix.shape[-2:]), dtype=mean.dtype)
    found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    with np.errstate(all="ignore"):
        for step in range(int(steps) + 1):
            matrix, source, readout = maps(step)
            spread = readout @ covariance @ np.swapaxes(readout, -1, -2)
            now = (readout @ mean)[..., 0, 0], spread[..., 0, 0], covariance
            for series, value in zip(found, now, strict=True):
                series.append(value)
            mean = tidy(matrix @ mean)
            covariance = tidy(matrix @ covariance @ np.swapaxes(matrix, -1, -2) + source)
    along, spreads, covariances = (shown(np.stack(series)) for series in found)
    return Moments(mean=along, variance=spreads, covariance=covariances)


def _exactly(
    *values: Scalar,
) -> tuple[Callable[[Rows], Any], Callable[[Any], Any], Callable[[Any], Any]]:
    """How rows of symbols become arrays, are kept short between steps, and are shown at the end.

    Floats enter as exact fractions and are floats again when shown.
    """
    import sympy

    floating = _is_floating(*values)

    def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return np.vectorize(lambda entry: change(sympy.sympify(entry)), otypes=[object])

    def array(rows: Rows) -> Any:
        return each(lambda entry: sympy.nsimplify(entry, rational=True))(
            np.array(rows, dtype=object)
        )

    return array, each(sympy.cancel), each(lambda entry: readable(entry, floating=floating))
