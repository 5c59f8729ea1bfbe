"""First and second moments of a noisy loop: settled, and step by step."""

from __future__ import annotations

import numbers
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
from momentum_dynamics.errors import DomainError, NotTraceableError, UnstableDynamicsError
from momentum_dynamics.laws import noise as laws
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import Method, period_of, stage_index, transient_of
from momentum_dynamics.methods.rows import as_float, combine, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["Moments", "second_moments", "stationary_covariance", "stationary_variance"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Mean and second moment of the answer's displacement from the solution, step by step.

    Attributes
    ----------
    mean, second_moment : array ``(steps + 1, *batch)``
        Of the displacement of the answer.
    covariance : array ``(steps + 1, *batch, slots, slots)``
        Of the state.
    """

    mean: NDArray[np.float64]
    second_moment: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def variance(self) -> NDArray[np.float64]:
        """Second moment minus squared mean."""
        return self.second_moment - self.mean**2

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
    GLOSSARY["noise_variance"].check(noise_variance)
    curvature = _real(curvature)
    system = state_space(method).beside(curvature, noise_variance)
    symbolic = system.is_symbolic or is_symbolic(curvature) or is_symbolic(noise_variance)
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
    GLOSSARY["noise_variance"].check(noise_variance)
    curvature = _real(curvature)
    system = state_space(method).beside(curvature, noise_variance)
    if system.is_symbolic or is_symbolic(curvature) or is_symbolic(noise_variance):
        floating = _is_floating(*system.entries, curvature, noise_variance)
        found = symbolic_covariance(*system.closed_rows(curvature), noise_variance)
        return found.applyfunc(lambda entry: readable(entry, floating=floating))
    _require_stable(method, curvature)
    return covariance(*system.closed_rows(curvature), noise_variance)


def _is_floating(*values: Scalar) -> bool:
    """Say whether a number that is not exact is among the values."""
    import sympy

    return any(sympy.sympify(value).atoms(sympy.Float) for value in values)


def _real(curvature: Scalar) -> Scalar:
    """The curvature as real floats; moments of complex modes are not those of one coordinate."""
    curvature = gain(curvature)
    if is_symbolic(curvature):
        return curvature
    if np.iscomplexobj(curvature):
        raise DomainError(
            f"curvature is {curvature}, but moments are answered for real curvatures only; "
            "simulate the game itself."
        )
    return np.asarray(as_float(curvature), dtype=float)


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
    start : scalar or tuple of scalars, optional
        The displacement from the solution at rest (default 1), or the whole initial state.

    Returns
    -------
    Moments
        Arrays ``(steps + 1, *batch)``. Unstable methods are answered too: their moments grow.

    Raises
    ------
    DomainError
        If the noise variance or the number of steps is negative, or the curvature complex.
    NotTraceableError
        With symbols.
    ShapeError
        If the batch axes of what is given do not broadcast.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> second_moments(GradientDescent(learning_rate=0.5), 1.0, 0.0, steps=3).mean
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    GLOSSARY["noise_variance"].check(noise_variance)
    GLOSSARY["steps"].check(steps)
    curvature = _real(curvature)
    system = state_space(method, step=0).beside(curvature, noise_variance)
    given = start if isinstance(start, tuple) else (start,)
    if system.is_symbolic or any(map(is_symbolic, (curvature, noise_variance, *given))):
        raise NotTraceableError(
            "Moments step by step are answered for numbers only; for symbols ask for "
            "stationary_variance or transition_matrix."
        )
    noise = np.asarray(as_float(noise_variance), dtype=float)
    displacement = 1.0 if start is None else start
    state = displacement if isinstance(displacement, tuple) else method.initial_state(displacement)
    system.beside(curvature, noise_variance, *state)
    cache: dict[int, tuple[Any, Any, Any]] = {}

    def maps(step: int) -> tuple[Any, Any, Any]:
        """Transition, noise and readout of a step, computed once per distinct stage."""
        period = period_of(method)
        key = stage_index(step, transient_of(method), period)
        if key not in cache:
            system = state_space(method, step=key)
            rows, injection = system.closed_rows(curvature)
            vector = stack(injection)
            source = noise[..., None, None] * (vector @ np.swapaxes(vector, -1, -2))
            cache[key] = stack(rows), source, stack(system.readout)
            if period is None:
                cache.pop(key - 1, None)
        return cache[key]

    matrix, source, _ = maps(0)
    batch = np.broadcast_shapes(matrix.shape[:-2], source.shape[:-2], *(np.shape(s) for s in state))
    slots = matrix.shape[-1]
    mean = np.stack([np.broadcast_to(slot, batch) for slot in state], axis=-1)[..., None].astype(
        float
    )
    covariance = np.zeros((*batch, slots, slots))
    means, seconds, covariances = [], [], []
    with np.errstate(all="ignore"):
        for step in range(int(steps) + 1):
            matrix, source, readout = maps(step)
            along = (readout @ mean)[..., 0, 0]
            spread = (readout @ covariance @ np.swapaxes(readout, -1, -2))[..., 0, 0]
            means.append(along)
            seconds.append(spread + along**2)
            covariances.append(covariance)
            mean = matrix @ mean
            covariance = matrix @ covariance @ np.swapaxes(matrix, -1, -2) + source
    return Moments(
        mean=np.stack(means), second_moment=np.stack(seconds), covariance=np.stack(covariances)
    )
