"""Settled moments of a noisy loop: of the answer, of the state, and of the query."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from momentum_dynamics.dynamics.kernels import variance_map
from momentum_dynamics.dynamics.loop import gain, loop_coefficients, trace_determinant
from momentum_dynamics.dynamics.lyapunov import (
    NEVER_SETTLED,
    covariance,
    is_floating,
    readable,
    symbolic_covariance,
)
from momentum_dynamics.dynamics.polynomials import schur_cohn
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.errors import DomainError, UnstableDynamicsError
from momentum_dynamics.laws import noise as laws
from momentum_dynamics.methods.linear import StateSpace, state_space
from momentum_dynamics.methods.protocol import Method, period_of
from momentum_dynamics.methods.rows import Rows, as_float, combine, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = [
    "noisy_loop",
    "query_variance",
    "require_stable",
    "stationary_covariance",
    "stationary_variance",
]


def stationary_variance(
    method: Method, curvature: Scalar, noise_variance: Scalar, *, curvature_variance: Scalar = 0
) -> Any:
    """The settled variance of the answer when every gradient carries independent noise.

    Parameters
    ----------
    method : Method
        With settled coefficients.
    curvature : scalar
        h, real.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.
    curvature_variance : scalar
        τ² ≥ 0 of the curvature that each gradient sees, as with mini-batches; independent of the
        other noise.

    Returns
    -------
    array or sympy.Expr
        Of `output`; a closed form for one and two slots.

    Raises
    ------
    UnstableDynamicsError
        Where some loop is unstable, in the mean or in mean square: it has no stationary variance.
    DomainError
        If a variance is negative, the curvature complex, the coefficients never settle, or a
        period takes several gradients while the curvature varies.

    Notes
    -----
    A curvature that varies adds to the noise of a gradient τ² times the mean square of its query,
    which is itself that noise times the query's variance g under unit noise: so the effective noise
    is σ²/(1 − τ²g), and the loop is stable in mean square as long as τ²g < 1.

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
    if not _is_nothing(curvature_variance):
        noise_variance = _effective_noise(method, curvature, noise_variance, curvature_variance)
    system, curvature, symbolic = noisy_loop(method, None, curvature, noise_variance)
    return _settled_variance(method, system, system.readout, curvature, noise_variance, symbolic)


def query_variance(method: Method, curvature: Scalar) -> Any:
    """The settled variance of the query under gradient noise of variance 1.

    Its inverse is the largest variance of the curvature that the loop bears in mean square.

    Parameters
    ----------
    method : Method
        With settled coefficients and one gradient a step.
    curvature : scalar
        h, real.

    Returns
    -------
    array or sympy.Expr

    Raises
    ------
    UnstableDynamicsError, DomainError
        As `stationary_variance`.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> float(query_variance(GradientDescent(learning_rate=1.0), 1.0))
    1.0
    """
    if period_of(method) != 1:
        raise DomainError(
            f"One period of {type(method).__name__} takes several gradients, each with a query of "
            "its own; noise of the curvature is answered for one gradient a step."
        )
    system, curvature, symbolic = noisy_loop(method, None, curvature, 1)
    return _settled_variance(method, system, system.observation, curvature, 1, symbolic)


def _is_nothing(value: Scalar) -> bool:
    return not is_symbolic(value) and np.ndim(value) == 0 and value == 0


def _effective_noise(
    method: Method, curvature: Scalar, noise_variance: Scalar, curvature_variance: Scalar
) -> Any:
    """σ²/(1 − τ²g), where the loop is stable in mean square."""
    GLOSSARY["noise_variance"].check(noise_variance)
    GLOSSARY["curvature_variance"].check(curvature_variance)
    share = curvature_variance * query_variance(method, curvature)
    if is_symbolic(share) or is_symbolic(noise_variance):
        import sympy

        return sympy.factor(noise_variance / (1 - share))
    if np.any(share >= 1):
        raise UnstableDynamicsError(
            f"No stationary variance: {type(method).__name__} is unstable in mean square, since "
            f"the curvature's variance is {float(np.max(share)):.6g} times the largest that it "
            "bears; lower the learning rate, or take larger batches."
        )
    return np.asarray(noise_variance, dtype=float) / (1 - share)


def _settled_variance(
    method: Method,
    system: StateSpace,
    seen: Rows,
    curvature: Scalar,
    noise_variance: Scalar,
    symbolic: bool,  # noqa: FBT001
) -> Any:
    """The settled variance of one row of the state: of the answer, or of the query."""
    if not symbolic:
        if system.slots == 2 and system.gradients == 1:
            rows = (system.transition, zip(*system.injection, strict=True), system.observation)
            entries = [entry for part in (*rows, seen) for row in part for entry in row]
            mapped = variance_map(entries, curvature, noise_variance)
            if mapped is not None:
                return mapped
        require_stable(method, curvature)
        noise_variance = np.asarray(noise_variance, dtype=float)
    if system.slots <= 2 and system.gradients == 1:
        found = _two_slots(system, seen, curvature, noise_variance)
        if symbolic:
            import sympy

            found = sympy.factor(found)
            if found.has(sympy.zoo, sympy.nan, sympy.oo):
                raise UnstableDynamicsError(NEVER_SETTLED)
            return found
        return found
    if symbolic:
        import sympy

        row = sympy.Matrix([seen[0]]).applyfunc(lambda e: sympy.nsimplify(e, rational=True))
        spread = symbolic_covariance(*system.closed_rows(curvature), noise_variance)
        floating = is_floating(*system.entries, curvature, noise_variance)
        return readable((row * spread * row.T)[0], floating=floating)
    spread = covariance(*system.closed_rows(curvature), noise_variance)
    row = stack(seen)[..., 0, :]
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
    system, curvature, symbolic = noisy_loop(method, None, curvature, noise_variance)
    if symbolic:
        floating = is_floating(*system.entries, curvature, noise_variance)
        found = symbolic_covariance(*system.closed_rows(curvature), noise_variance)
        return found.applyfunc(lambda entry: readable(entry, floating=floating))
    require_stable(method, curvature)
    return covariance(*system.closed_rows(curvature), noise_variance)


def noisy_loop(
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


def require_stable(method: Method, curvature: Scalar) -> None:
    """Refuse a loop that is not stable everywhere, naming the worst case.

    Raises
    ------
    UnstableDynamicsError
    """
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


def _two_slots(system: StateSpace, seen: Rows, curvature: Scalar, noise_variance: Scalar) -> Any:
    """By the law of two slots, from noise to what is seen, (n₁z + n₀)/(z² − Tz + D)."""
    rows, injection = system.closed_rows(curvature)
    vector = [entry[0] for entry in injection]
    moved = [combine(row, vector) for row in rows]
    trace, determinant = trace_determinant(rows)
    lead = combine(seen[0], vector)
    lag = combine(seen[0], moved) - trace * lead if system.slots > 1 else 0
    return laws.two_slot_variance(trace, determinant, lead, lag, noise_variance)
