"""What a sensor of total momentum reads of a loop, and where feedback on the reading settles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay, FixedDelay, NoDelay
from momentum_dynamics.dynamics.delayed import behind
from momentum_dynamics.dynamics.fluctuations import autocorrelation
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.radius import eigenvalues
from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws.sensors import mode_reading
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.methods.protocol import Method, period_of, require_method
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = [
    "Reading",
    "feedback_eigenvalue",
    "feedback_spectrum",
    "momentum_at_target",
    "noise_reading",
    "sensor_reading",
]

_REAL = 1e-7
"""An imaginary part below this is the rounding of a double real pole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What YellowFin's sensor reads on the slowest mode of a loop.

    On a real pole the sensor reads `center`, step after step. On a complex pair the ratio is
    center + wander · tan φ with a phase φ that turns: over a turn it is Cauchy distributed, with
    median `center`, quartiles `wander` away, and no mean.

    Attributes
    ----------
    eigenvalue : complex or array ``(*batch)``
        The pole that is slowest, of a pair the upper one.
    center : float or array ``(*batch)``
        The median over time.
    wander : float or array ``(*batch)``
        How far the quartiles are from it: 0 where the mode does not oscillate.
    slope : float or array ``(*batch)``
        The derivative of `center` by explicit momentum; NaN for methods without.
    """

    eigenvalue: Any
    center: Any
    wander: Any
    slope: Any

    @property
    def is_steady(self) -> Any:
        """Whether the reading stands still: the slowest mode does not oscillate."""
        return np.imag(self.eigenvalue) == 0


def sensor_reading(method: Method, curvature: Scalar, delay: Delay | None = None) -> Reading:
    """What YellowFin's sensor reads of a method on one curvature once the slowest mode is left.

    On slow modes it is explicit momentum plus αh times the mean staleness, whatever momentum
    staleness begets: the sensor is blind there.

    Parameters
    ----------
    method : Method
        With a learning rate, and one gradient a step.
    curvature : scalar
        h, real; broadcast against the parameters.
    delay : Delay, optional
        With a rational generating function.

    Returns
    -------
    Reading

    Raises
    ------
    DomainError
        If the method has no learning rate or no settled step with one gradient.
    NotTraceableError
        With symbols, or if the law of delay is not rational.

    Notes
    -----
    In the mean: on the path of a queue the ratio scatters around it. The points are those at which
    the method asks for gradients.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, GradientDescent
    >>> descent = GradientDescent(learning_rate=0.02)
    >>> found = sensor_reading(descent, 1.0, FixedDelay(staleness=15))
    >>> round(float(found.center), 3), bool(found.is_steady)
    (0.384, True)
    """
    rate = _learning_rate(method)
    if np.iscomplexobj(curvature):
        raise DomainError(
            f"curvature is {curvature}, but the sensor is read for real curvatures only."
        )
    h = np.asarray(curvature, dtype=float) if not is_symbolic(curvature) else curvature
    poles = eigenvalues(method, h, delay)
    poles = np.where(np.abs(poles.imag) < _REAL, poles.real, poles)
    # Of equals in modulus, as of a pair, the one with the largest imaginary part.
    order = np.round(np.abs(poles), 12) + 1e-14 * np.sign(poles.imag)
    slowest = np.take_along_axis(poles, order.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        reading = mode_reading(slowest, rate, h)
        slope = _slope(method, h, delay, slowest, rate)
    return Reading(
        eigenvalue=slowest[()],
        center=np.real(reading)[()],
        wander=np.abs(np.imag(reading))[()],
        slope=np.broadcast_to(slope, np.shape(reading))[()],
    )


def noise_reading(method: Method, curvature: Scalar, delay: Delay | None = None) -> Any:
    """What YellowFin's sensor reads in the median at the noise floor, where no mode is left.

    Gradient noise moves the point at random, and the ratio of two such moves is Cauchy distributed
    about Cov(numerator, denominator)/Var(denominator). For heavy ball on slow directions, behind
    delays longer than 1/(1 − β), that is about β + αh/(1 − β), whatever the delay: staleness is
    seen even less than on a mode, where it adds its mean times αh.

    Parameters
    ----------
    method : Method
        With a learning rate, and one gradient a step; its answer must be where it asks.
    curvature : scalar
    delay : FixedDelay, optional
        No other law: random staleness adds noise of its own.

    Returns
    -------
    float or array ``(*batch)``

    Raises
    ------
    DomainError
        If the delay is random, or as `sensor_reading` does.
    UnstableDynamicsError
        If there is no noise floor.

    Notes
    -----
    With autocorrelations rₖ of the point it is (2r₁ − 1 − r₂)/(2(1 − r₁)) + αh/2: the noise of the
    gradient at a version is not in the displacement that led there.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, HeavyBall
    >>> ball = HeavyBall(learning_rate=0.001, momentum=0.5)
    >>> round(float(noise_reading(ball, 1.0)), 6)
    0.5
    >>> round(float(noise_reading(ball, 1.0, FixedDelay(staleness=15))), 3)
    0.502
    """
    rate = _learning_rate(method)
    if delay is not None and not isinstance(delay, FixedDelay | NoDelay):
        raise DomainError(
            f"delay is {delay!r}, but the noise floor's reading is known behind FixedDelay only: "
            "random staleness is noise as well; measure it with total_momentum on a run."
        )
    found = autocorrelation(behind(method, delay), curvature, 1.0, [1, 2])
    one, two = found[..., 0], found[..., 1]
    return (2 * one - 1 - two) / (2 * (1 - one)) + rate * np.asarray(curvature) / 2


def _slope(method: Any, h: Any, delay: Delay | None, z: Any, rate: Any) -> Any:
    """By implicit differentiation: (1 − a/(z − 1)²) · dz/db with dz/db = −(∂p/∂b)/(∂p/∂z).

    The coefficients of p are at most quadratic in b, so that a symmetric difference is exact.
    """
    if not hasattr(method, "momentum"):
        return np.nan
    below, above = (
        characteristic_polynomial(replace(method, momentum=method.momentum + change), h, delay)
        for change in (-0.5, 0.5)
    )
    own = characteristic_polynomial(method, h, delay)
    powers = np.arange(own.shape[-1] - 1, -1, -1)
    by_momentum = ((above - below) * z[..., None] ** powers).sum(axis=-1)
    by_pole = (own[..., :-1] * powers[:-1] * z[..., None] ** (powers[:-1] - 1)).sum(axis=-1)
    moved = -by_momentum / by_pole
    return np.real((1 - rate * h / (z - 1) ** 2) * moved)


def _learning_rate(method: Any) -> Any:
    require_method(method)
    if not hasattr(method, "learning_rate") or period_of(method) != 1:
        raise DomainError(
            f"{type(method).__name__} has no learning rate with one gradient a step, which the "
            "sensor needs; ask it of methods such as HeavyBall(learning_rate=0.1, momentum=0.9)."
        )
    return method.learning_rate


def momentum_at_target(
    method: Method, curvature: float, total_momentum: float, delay: Delay | None = None
) -> float:
    """The explicit momentum at which the sensor reads a target on one curvature.

    Where feedback on the reading settles, if it settles. Below zero where staleness begets more
    momentum than is wanted and the curvature is large enough for the sensor to see it.

    Parameters
    ----------
    method : Method
        With a learning rate and a momentum, which is the one that is asked for: its value does not
        matter. Single numbers.
    curvature : float
        h > 0.
    total_momentum : float
        The target T.
    delay : Delay, optional

    Returns
    -------
    float
        NaN where no explicit momentum makes the sensor read T on a slowest mode that does not
        oscillate: then feedback cannot come to rest.

    Raises
    ------
    DomainError
        If the method has no momentum, or as `sensor_reading` does.

    Notes
    -----
    The sensor reads T exactly if z² − (1 + T − αh)z + T = 0: feedback puts the pole where heavy
    ball with momentum T has it without delay. The momentum is then the one for which that z is a
    pole, β = z − (z − T)q(1/z) for heavy ball.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, HeavyBall
    >>> ball = HeavyBall(learning_rate=0.02, momentum=0.0)
    >>> round(momentum_at_target(ball, 1.0, 0.2, FixedDelay(staleness=15)), 4)
    -0.1608
    >>> momentum_at_target(ball, 1.0, 0.7, FixedDelay(staleness=15))
    nan
    """
    rate = _learning_rate(method)
    if not hasattr(method, "momentum"):
        raise DomainError(
            f"{type(method).__name__} has no momentum that feedback could move; take HeavyBall."
        )
    if any(np.ndim(value) for value in (rate, curvature, total_momentum)):
        raise DomainError("momentum_at_target answers for one setting at a time; loop over them.")
    GLOSSARY["total_momentum"].check(total_momentum)
    best = np.nan
    for z in np.roots([1, -(1 + total_momentum - rate * curvature), total_momentum]):
        if abs(z.imag) > _REAL:
            continue
        for momentum in _momenta_with_pole(method, curvature, delay, float(z.real)):
            moved: Any = replace(method, momentum=momentum)  # type: ignore[type-var]
            found = sensor_reading(moved, curvature, delay)
            if found.is_steady and abs(found.center - total_momentum) < 1e-6:
                best = momentum
    return best


def _momenta_with_pole(method: Any, h: float, delay: Delay | None, z: float) -> list[float]:
    """All b for which z is a pole, of a characteristic polynomial at most quadratic in b."""
    low, middle, high = (
        float(np.polyval(characteristic_polynomial(replace(method, momentum=b), h, delay), z))
        for b in (-1.0, 0.0, 1.0)
    )
    quadratic = [(low + high) / 2 - middle, (high - low) / 2, middle]
    if abs(quadratic[0]) < 1e-12 * max(map(abs, quadratic)):
        quadratic = quadratic[1:]
    return [float(root.real) for root in np.roots(quadratic) if abs(root.imag) < _REAL]


def feedback_eigenvalue(
    method: Method, curvature: Scalar, gain: Scalar, delay: Delay | None = None
) -> Any:
    """The eigenvalue of the slow loop: 1 − γ dμ̂/dβ at the method's own explicit momentum.

    Feedback β ← β + γ(T − μ̂) shrinks a small error by this factor an update, to first order in γ;
    `feedback_spectrum` is exact, and knows how large a γ is too large.

    Parameters
    ----------
    method : Method
        At the momentum where the loop rests, as `momentum_at_target` answers.
    curvature : scalar
    gain : scalar
        γ.
    delay : Delay, optional

    Returns
    -------
    float or array ``(*batch)``
        NaN where the slowest mode oscillates: there is no rest to linearize at.

    Raises
    ------
    DomainError, NotTraceableError
        As `sensor_reading` does.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> float(feedback_eigenvalue(HeavyBall(learning_rate=0.01, momentum=0.5), 1.0, 0.01))
    0.99
    """
    found = sensor_reading(method, curvature, delay)
    return np.where(found.is_steady, 1 - np.asarray(gain) * found.slope, np.nan)[()]


def feedback_spectrum(ball: HeavyBall, curvature: float, gain: float, staleness: int = 0) -> Any:
    """All eigenvalues of heavy ball behind a fixed delay with feedback on its momentum, at rest.

    Feedback acts on a reading as old as the gradient, and the reading follows momentum only after
    the modes have settled: too large a gain oscillates and runs away.

    Parameters
    ----------
    ball : HeavyBall
        At the momentum where the loop rests; single numbers.
    curvature : float
    gain : float
        γ.
    staleness : int
        τ, of every gradient.

    Returns
    -------
    complex array ``(τ + 2,)``
        Largest modulus first. A small error of momentum shrinks by the first, if that is below 1;
        for small gains it is `feedback_eigenvalue`.

    Raises
    ------
    DomainError
        If the slowest mode oscillates, or the delay is no whole number.

    Notes
    -----
    With x_t = zᵗ(1 + ε_t) and β_t = β + δ_t on the slowest pole z of p(w) = w − 1 − β + β/w + aw^−τ
    the loop is linear in ε and δ, and does not change with t. Errors go like λᵗ if, with w = λz and
    the reading μ̂,

        (λ − 1) p(w) + γλ^−τ (w − 1 + a − μ̂ + μ̂/w) = 0.

    λ = 1 always solves it, since nothing depends on the size of x, and is left out.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> ball = HeavyBall(learning_rate=0.02, momentum=-0.1608)
    >>> [round(float(abs(feedback_spectrum(ball, 1.0, gain, 15)[0])), 3) for gain in (0.01, 0.1)]
    [0.985, 1.002]
    """
    GLOSSARY["staleness"].check(staleness)
    delay = FixedDelay(staleness=staleness)
    found = sensor_reading(ball, curvature, delay)
    if np.ndim(found.center) or not found.is_steady:
        raise DomainError(
            f"{ball!r} behind staleness {staleness} has no single steady reading on curvature "
            f"{curvature}: its slowest mode oscillates or there are several; ask at one setting "
            "that momentum_at_target answers."
        )
    z, reading = float(np.real(found.eigenvalue)), float(found.center)
    step, b, old = ball.learning_rate * curvature, ball.momentum, int(staleness)
    # Both sides times w^(τ + 1), as coefficients of powers of w, lowest first.
    loop = np.zeros(old + 3)
    loop[[old, old + 1, old + 2]] = b, -1 - b, 1
    loop[1] += step
    whole = np.convolve(loop, [-1, 1 / z])
    whole[:3] += gain * z**old * np.array([reading, step - 1 - reading, 1])
    roots = np.roots(whole[::-1]) / z
    others = np.delete(roots, np.abs(roots - 1).argmin())
    return others[np.argsort(-np.abs(others))]
