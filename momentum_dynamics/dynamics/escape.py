"""Leaving a saddle: how long any linear method takes, by which law, and how good that law is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.delays import Delay, FixedDelay, NoDelay
from momentum_dynamics.dynamics.loop import gain
from momentum_dynamics.dynamics.unstable import (
    Loop,
    closed_loop,
    leading,
    noisy_moments,
    over_a_period,
    quadratic_form,
)
from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import real_numbers
from momentum_dynamics.laws import saddles as laws
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import period_of
from momentum_dynamics.notation import GLOSSARY, Scalar, require_fitting_axes

__all__ = ["ExitTime", "exit_time"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ExitTime:
    """The first step T at which a noisy loop is a distance away from a saddle.

    The law is asymptotic: of the state only the part along the unstable eigenvector is kept, which
    is |W| growthᵗ with W normal, so T is the first step at which that reaches the distance. Behind
    a random delay each path draws ages of its own, so that log |W| wanders as well.

    Attributes
    ----------
    growth : array ``(*batch)``
        r > 1, the modulus of the unstable eigenvalue, for each update.
    amplitude : array
        s, the standard deviation of W.
    offset : array
        The mean of W; 0 for a start at the saddle.
    distance : array
    wander : array
        The variance that random ages add to log |W| at each update; 0 without.
    runner_up : array
        The largest modulus of the other eigenvalues, for each update.
    loop : Loop
        For exact moments.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> away = exit_time(
    ...     GradientDescent(learning_rate=0.05), -1.0, noise_variance=1e-6, distance=1.0
    ... )
    >>> round(float(away.mean), 1), round(float(away.standard_deviation), 1)
    (193.2, 22.8)
    """

    growth: Array
    amplitude: Array
    offset: Array
    distance: Array
    wander: Array
    runner_up: Array
    loop: Loop

    def __repr__(self) -> str:
        """One line; of a batch the ends."""
        ends = [f"{end:.4g}" for end in (np.min(self.mean), np.max(self.mean))]
        return f"<ExitTime: {' to '.join(dict.fromkeys(ends))} steps on average>"

    @property
    def typical_growth(self) -> Array:
        """The growth factor of most paths: the mean's is carried by the few lucky ones."""
        return np.asarray(self.growth * np.exp(-self.wander / 2))

    @property
    def mean(self) -> Array:
        """E T, in updates, ``(*batch)``."""
        return self._of_either_start[0]

    @property
    def standard_deviation(self) -> Array:
        """Of T, in updates; of whole steps, so that 1/12 is added to the law's variance."""
        return self._of_either_start[1]

    @property
    def noise_share(self) -> Array:
        """s/Δ: the law asks that it is small."""
        return np.asarray(self.amplitude / self.distance)[()]

    @property
    def memory_share(self) -> Array:
        """(Runner-up/growth)^E T: which part of the other eigenvalues is left at the exit."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray((self.runner_up / self.growth) ** self.mean)[()]

    @property
    def wander_share(self) -> Array:
        """D/(2 log r): which part of the growth exponent random ages take from most paths."""
        return np.asarray(self.wander / (2 * np.log(self.growth)))[()]

    @property
    def is_asymptotic(self) -> Any:
        """Whether all three shares are below 5 %, so that the law holds to a few percent."""
        shares = (self.noise_share, self.memory_share, self.wander_share)
        return np.all([share < _SMALL for share in shares], axis=0)

    def survival(self, steps: ArrayLike) -> Array:
        """P(T > t) by the law, ``(*batch, *times)``."""
        return 1 - self.cdf(steps)

    def cdf(self, steps: ArrayLike) -> Array:
        """P(T ≤ t) by the law.

        Parameters
        ----------
        steps : array ``(*times)``
            t, in updates; between whole steps nothing happens, and before the first T is larger.

        Returns
        -------
        array ``(*batch, *times)``
        """
        times = real_numbers("steps", steps)
        if np.isnan(times).any():
            raise DomainError("steps holds NaN, but must be numbers of updates.")
        spent = np.floor((np.maximum(times, 0) - self._late) / len(self.loop.period))
        return np.where(times < max(self._late, 0), 0.0, 1 - self._still(spent))[()]

    def moments(self, steps: int) -> tuple[Array, Array]:
        """The exact mean and variance of the answer, each ``(steps + 1, *batch)``.

        Gaussian at each step, whatever the eigenvalues are. Behind a random delay they are those of
        the averaged loop, in which log |W| does not wander.
        """
        GLOSSARY["steps"].check(steps)
        return noisy_moments(self.loop, steps)

    def passed(self, steps: int) -> Array:
        """P(|x_t| ≥ Δ), exact, for t = 0, …, `steps`: ``(steps + 1, *batch)``.

        Who is outside has passed before, so this is never above P(T ≤ t); and far out nobody comes
        back, so at large t it is P(T ≤ t). What lies between the two is the noise at the border.
        """
        mean, variance = (
            part.reshape(len(part), *(1,) * (self.distance.ndim + 1 - part.ndim), *part.shape[1:])
            for part in self.moments(steps)
        )
        deviation = np.sqrt(variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = _normal((self.distance - mean) / deviation) - _normal(
                (-self.distance - mean) / deviation
            )
        still = (np.abs(mean) < self.distance).astype(float)
        return np.asarray(1 - np.where(deviation > 0, inside, still))

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name."""
        names = ("growth", "amplitude", "offset", "distance", "wander", "runner_up",
                 "mean", "standard_deviation")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @property
    def _late(self) -> int:
        return len(self.loop.transient)

    @property
    def _law(self) -> tuple[Array, Array, Array]:
        """Growth for each period, amplitude and distance."""
        return self.typical_growth ** len(self.loop.period), self.amplitude, self.distance

    def _still(self, periods: Array) -> Array:
        """P(T > k periods), ``(*batch, *periods)``; over normal steps of the walk by Gauss."""
        entries = (self.offset, *self._law, self.wander)
        mean, growth, amplitude, distance, wander = (
            np.reshape(entry, (*np.shape(entry), *(1,) * np.ndim(periods))) for entry in entries
        )
        if not np.any(wander):
            return np.asarray(_within(mean, amplitude, distance, growth, periods))
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        # A walk of so many steps leaves each path a growth of its own; 0 steps leave none.
        tilt = np.sqrt(wander / np.maximum(periods, 1))
        total = sum(
            weight * _within(mean, amplitude, distance, growth * np.exp(tilt * node), periods)
            for node, weight in zip(nodes, weights, strict=True)
        )
        return np.asarray(total / weights.sum())

    def _steps(self, periods: Any) -> Any:
        return self._late + len(self.loop.period) * periods

    @cached_property
    def _of_either_start(self) -> tuple[Any, ...]:
        """Mean and deviation: by the law from the saddle itself, summed from elsewhere."""
        from_saddle = self.offset == 0
        growth, amplitude, distance = self._law
        known = np.where(from_saddle, amplitude, distance)
        mean = self._steps(laws.exit_time_mean(growth, known, distance))
        own = laws.exit_time_deviation(growth)
        # To first order a walk of variance D t is met after E T steps, at a slope log r.
        walk = self.wander * mean / np.log(growth) ** 2
        found = mean, len(self.loop.period) * np.sqrt(own * own + 1 / 12 + walk)
        if from_saddle.all():
            return found
        away = self._summed()
        return tuple(np.where(from_saddle, found[k], away[k])[()] for k in range(2))

    def _summed(self) -> tuple[Any, Any]:
        """Mean and deviation from Σ P(T > t), for a start away from the saddle."""
        growth, amplitude, distance = self._law
        least = np.maximum(np.abs(self.offset), amplitude) * _TINY
        slowest = np.where(self.offset == 0, -np.inf, np.log(distance / least) / np.log(growth))
        last = int(np.ceil(np.max(slowest)))
        if last > _LONGEST:
            raise DomainError(
                f"The exit takes up to {last} periods, too many to be summed; raise the learning "
                "rate, or ask for the law from the saddle itself, start=0."
            )
        periods = np.arange(max(last, 1), dtype=float)
        still = self._still(periods)
        first = still.sum(axis=-1)
        second = ((2 * periods + 1) * still).sum(axis=-1)
        deviation = np.sqrt(np.maximum(second - first**2, 0))
        return self._steps(first), len(self.loop.period) * deviation


_SMALL, _TINY, _LONGEST, _NODES = 0.05, 1e-9, 10_000_000, 32
"""What is small beside one; which share of W is never met; how long a sum may be; Gauss's nodes."""


def _normal(value: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(value)


def _within(mean: Any, amplitude: Any, distance: Any, growth: Any, periods: Any) -> Any:
    """P(|W| rᵏ < Δ) for a normal W; the law itself where W has mean 0, a step where it is sure."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        border = distance / growth**periods
        central = laws.exit_time_survival(growth, amplitude, distance, periods)
        around = _normal((border - mean) / amplitude) - _normal((-border - mean) / amplitude)
    chance = np.where(mean == 0, central, around)
    return np.where(amplitude == 0, (np.abs(mean) < border).astype(float), chance)


def exit_time(
    method: Method,
    curvature: Scalar,
    *,
    noise_variance: Scalar,
    distance: Scalar,
    start: Scalar = 0,
    delay: Delay | None = None,
) -> ExitTime:
    """How long a method takes to leave a saddle along one direction, and by which law.

    Gradient noise moves the state off the saddle, and the unstable eigenvalue r of the loop does
    the rest. With left and right eigenvectors u and v, u v = 1, noise injection B and readout E,
    the answer is W rᵗ with W normal of variance σ²(E v)²(u B)²/(r² − 1). Its logarithm is that of a
    normal number, so the shape of the law of T is the same for all methods; r and s only move and
    scale it.

    Parameters
    ----------
    method : Method
        Numbers or batches in its fields; of one or several gradients a period.
    curvature : scalar
        h, real; negative at a saddle.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.
    distance : scalar
        Δ > 0: how far from the saddle it has been left.
    start : scalar
        The displacement at which the method rests at first.
    delay : Delay, optional
        The law of staleness, with a rational generating function; of one gradient a period where
        it is random. Exact for a fixed delay. A random one enters by its mean loop, and by the
        walk of log |W| to first order in its variance, as if ages were independent.

    Returns
    -------
    ExitTime

    Raises
    ------
    DomainError
        If the loop is stable, rotates away (a complex pair leads) or has no single leading
        eigenvalue; if nothing moves it, or noise alone carries it across the distance; if random
        ages disturb it too much for first order.
    ShapeError
        If batch axes do not broadcast.
    NotTraceableError
        With symbols: the laws are in `momentum_dynamics.laws.saddles`.

    Notes
    -----
    The law holds where s ≪ Δ, the other eigenvalues are forgotten by then, and random ages disturb
    the growth little; see `noise_share`, `memory_share`, `wander_share` and `is_asymptotic`. Beside
    the exact first passage of gradient descent (its density inside, step by step) it is off by at
    most 0.0002, 0.0012, 0.005 and 0.017 in probability at s/Δ = 0.02, 0.05, 0.1 and 0.2. The claim
    ``exit-time-from-a-noisy-saddle`` tests it.

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, HeavyBall
    >>> ball = HeavyBall(learning_rate=0.05, momentum=[0.0, 0.5, 0.9])
    >>> exit_time(ball, -1.0, noise_variance=1e-6, distance=1.0).mean.round(1)
    array([193.2, 104.5,  50.7])
    >>> exit_time(ball, -1.0, noise_variance=1e-6, distance=1.0, delay=FixedDelay(staleness=4))
    <ExitTime: 69.42 to 228.7 steps on average>
    """
    for name, value in (("noise_variance", noise_variance), ("distance", distance)):
        GLOSSARY[name].check(value)
    start = gain(start, "start")
    given = {"curvature": curvature, "noise_variance": noise_variance, "distance": distance,
             "start": start}  # fmt: skip
    for name, value in given.items():
        if np.size(value) == 0:
            raise DomainError(f"{name} is empty; give at least one number.")
    batch = {"method": state_space(method).A.shape[:-2]}
    require_fitting_axes("exit_time", batch | {name: np.shape(x) for name, x in given.items()})
    loop = closed_loop(method, curvature, noise_variance, start, delay)
    matrix, source = over_a_period(loop)
    value, right, left, second = leading(matrix, type(method).__name__)
    period = len(loop.period)
    mean, spread = loop.rest, np.zeros_like(source)
    for step_matrix, step_source in loop.transient:
        mean = np.einsum("...ij,...j->...i", step_matrix, mean)
        spread = step_matrix @ spread @ np.swapaxes(step_matrix, -1, -2) + step_source
    seen = np.einsum("...i,...i->...", loop.readout[0], right)
    settled = quadratic_form(left, source) / (value * value - 1)
    amplitude = np.abs(seen) * np.sqrt(settled + quadratic_form(left, spread))
    offset = seen * np.einsum("...i,...i->...", left, mean)
    reach = np.asarray(distance, dtype=float)
    _require_motion(amplitude, offset, reach)
    growth = np.abs(value) ** (1 / period)
    wander = _walk(method, curvature, delay, (value, right, left))
    _require_typical_growth(growth, wander)
    entries = (growth, amplitude, offset, reach, wander, second ** (1 / period))
    parts = [np.array(part) for part in np.broadcast_arrays(*entries)]
    return ExitTime(
        growth=parts[0], amplitude=parts[1], offset=parts[2], distance=parts[3], wander=parts[4],
        runner_up=parts[5], loop=loop,
    )  # fmt: skip


def _walk(
    method: Method, curvature: Scalar, delay: Delay | None, pair: tuple[Array, Array, Array]
) -> Any:
    """The variance of log |W| for each update when ages are drawn anew.

    A gradient of age τ is h C v r^−τ in place of its mean h C v q(1/r), for a state v. Through the
    left eigenvector that changes W by the share h (u B)(C v)(r^−τ − q(1/r))/r.
    """
    if delay is None or isinstance(delay, NoDelay | FixedDelay):
        return 0.0
    if period_of(method) != 1:
        raise DomainError(
            f"One period of {type(method).__name__} takes several gradients; behind a random delay "
            "its exit time is not answered. Take a FixedDelay of the mean staleness."
        )
    value, right, left = pair
    own = state_space(method)
    asked = np.einsum("...i,...i->...", own.C[..., 0, :], right[..., : own.slots])
    moved = np.einsum("...i,...i->...", left[..., : own.slots], own.B[..., 0])
    spread = delay.generating_function(1 / value**2) - delay.generating_function(1 / value) ** 2
    return (np.asarray(curvature) * asked * moved / value) ** 2 * np.maximum(spread, 0)


def _require_typical_growth(growth: Array, wander: Any) -> None:
    typical = growth * np.exp(-wander / 2)
    if np.any(typical <= 1):
        raise DomainError(
            f"Random ages disturb the growth so much that the typical path would grow by "
            f"{np.min(typical):.6g} only, where the law of small disturbances says nothing; lower "
            "the learning rate, or simulate."
        )


def _require_motion(amplitude: Array, offset: Array, distance: Array) -> None:
    if np.any((amplitude == 0) & (offset == 0)):
        raise DomainError(
            "Nothing moves off the saddle: noise_variance is 0 and so is the start along the "
            "unstable direction; give one of them."
        )
    if np.any(np.maximum(amplitude, np.abs(offset)) >= distance):
        raise DomainError(
            f"distance is {np.min(distance):.6g}, but noise or start reach "
            f"{np.max(np.maximum(amplitude, np.abs(offset))):.6g} before any growth; ask for a "
            "distance well beyond that."
        )
