"""Rules beside YellowFin's: on the true noise floor, and for memoryless workers."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.laws import noisy_quadratic, queue_tuning, staleness, tuning
from momentum_dynamics.notation import Scalar
from momentum_dynamics.tuning.checks import checked_numbers
from momentum_dynamics.tuning.rule import SingleStep

__all__ = ["exact_single_step", "queue_single_step"]

Array = NDArray[np.float64]

_LEAST = sys.float_info.min
_MOST = 1 / _LEAST
_BELOW_ONE = 1 - sys.float_info.epsilon / 2


def exact_single_step(
    *,
    h_max: ArrayLike,
    h_min: ArrayLike,
    variance: ArrayLike,
    distance: ArrayLike,
    horizon: ArrayLike = 1,
) -> SingleStep:
    r"""YellowFin's rule with the true noise floor in place of its stand-in.

    Minimize :math:`\beta^n D^2 + V(\beta)` over the same momenta as `single_step` and with the same
    learning rate :math:`\alpha = (1 - \sqrt\beta)^2/h_{\min}`, where V is the stationary variance
    that heavy ball settles to at this setting.

    Parameters
    ----------
    h_max, h_min, variance, distance : array_like
        As `single_step` takes them.
    horizon : array_like
        n ≥ 1: after how many steps the bias is counted.

    Returns
    -------
    SingleStep
        Floats, or arrays of the common shape.

    Raises
    ------
    DomainError
        If a number is not admissible.
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    Line by line, with u = √β and p = D²h²/(2C), where h = h_min:

    1. the floor of heavy ball is V = αC(1 + β)/(h(1 − β)(2(1 + β) − αh));
    2. on the edge αh = (1 − u)² the last factor is 2(1 + u²) − (1 − u)² = (1 + u)², so that
       V = C(1 − u)(1 + u²)/(h²(1 + u)³);
    3. its slope is −4(C/h²)(1 − u + u²)/(1 + u)⁴ and its second derivative
       4(C/h²)(5 − 5u + 2u²)/(1 + u)⁵, positive since 25 − 40 < 0: the objective u²ⁿD² + V is
       strictly convex;
    4. its slope vanishes where p n u²ⁿ⁻¹(1 + u)⁴ = 1 − u + u². The left side rises and stays the
       larger one: one root, and in (0, 1) if and only if pn > 1/16;
    5. the constrained optimum is the larger of this root and the least robust √β.

    Where pn ≤ 1/16, D² ≤ C/(8nh²): all that n steps can gain is less than what any learning rate
    costs in the long run, and the rule says not to move: learning rate 0. So n is patience: fed
    with the true distance step by step, the rule comes to rest near D² = C/(8nh²), the sooner and
    the farther off the smaller n is. YellowFin's, which sees the noise of one step only, comes to
    rest at 0.10006 C/h², where its own floor keeps up the distance that it is fed.

    Where it stops, momentum is next to 1, and what velocity there is goes on: fed step by step, a
    short horizon makes it coast.

    Both u and 1 − u are computed with full precision, where the problem has it: close to pn = 1/16
    the gap 1 − u ≈ (16pn − 1)/(2n) inherits the rounding of p.

    Examples
    --------
    >>> step = exact_single_step(h_max=1.0, h_min=1.0, variance=1.0, distance=1.0)
    >>> round(step.momentum, 4), round(step.learning_rate, 4)
    (0.1585, 0.3623)
    >>> exact_single_step(h_max=1.0, h_min=1.0, variance=9.0, distance=1.0).learning_rate
    0.0
    """
    low, high, noise, far, count = _checked(
        h_max=h_max, h_min=h_min, variance=variance, distance=distance, horizon=horizon
    )
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        p = np.clip(tuning.signal_to_noise(far, low, np.maximum(noise, _LEAST)), _LEAST, _MOST)
        root, gap = _exact_root(p, count)
        root = np.maximum(root, tuning.robust_root_momentum(low, high))
        gap = np.minimum(gap, tuning.robust_root_gap(low, high))
        momentum = np.minimum(root * root, _BELOW_ONE)
        rate = tuning.robust_learning_rate(gap, low)
    return SingleStep(_plain(momentum), _plain(rate), _plain(gap))


def _exact_root(signal: Array, horizon: Array) -> tuple[Array, Array]:
    """√β where the exact objective is least, and 1 − √β; 1 and 0 where it falls all the way.

    Newton's method on the logarithm of the ratio of both sides against log u, whose slope is
    between 2n − 1 and 2n + 2: a nearly straight line.
    """
    signal, horizon = np.broadcast_arrays(signal, np.minimum(horizon, _LONGEST))
    power, inside = 2 * horizon - 1, 16 * signal * horizon > 1
    gain = np.where(inside, np.minimum(signal, _MOST / horizon) * horizon, 1.0)
    # The right side lies in [3/4, 1] and (1 + u)⁴ in [1, 16].
    low, high = np.log(3 / (64 * gain)) / power, np.minimum(-np.log(gain) / power, 0)
    place = high
    for _ in range(_STEPS):
        root = np.exp(place)
        fall = noisy_quadratic.edge_floor_fall(root)
        ratio = np.log(gain) + power * place + 4 * np.log1p(root) - np.log(fall)
        slope = noisy_quadratic.exact_balance_slope(root, horizon)
        place = np.clip(place - ratio / slope, low, high)
    root, gap = np.exp(place), -np.expm1(place)
    for _ in range(_POLISH):
        # Where the root is small the logarithms above have the rounding of log p; this residual has
        # none to speak of. Next to 1 they are better: a high power would magnify that of the root.
        excess = noisy_quadratic.exact_balance(root, gain / horizon, horizon)
        excess = excess / noisy_quadratic.edge_floor_fall(root)
        slope = noisy_quadratic.exact_balance_slope(root, horizon)
        move = np.where(inside & (root < 0.5), root * excess / slope, 0)
        root, gap = root - move, gap + move
    root, gap = np.clip(root, 0, 1), np.clip(gap, 0, 1)
    return np.where(inside, root, 1.0), np.where(inside, gap, 0.0)


_LONGEST = 1e300
"""A longer horizon counts as this one: learning rates underflow far below it."""

_STEPS, _POLISH = 7, 2
"""Newton's steps: four would do for every p and n that were tried."""


def queue_single_step(
    *,
    h_max: ArrayLike,
    h_min: ArrayLike,
    variance: ArrayLike,
    distance: ArrayLike,
    workers: ArrayLike,
    horizon: ArrayLike,
    momentum: ArrayLike | None = 0.0,
) -> SingleStep:
    r"""The learning rate, and explicit momentum, for M memoryless workers, from exact moments.

    Minimize the mean squared distance over the next n updates,
    :math:`\tfrac1n D^2 S(\alpha h_{\min}) + \tfrac12 V(\alpha h_{\min})
    + \tfrac12 V(\alpha h_{\max})`: the summed bias from a start at distance D on the slowest mode,
    and the noise floor of variance C, half of it at either end of the spectrum.

    Parameters
    ----------
    h_max, h_min, variance, distance : array_like
        As `single_step` takes them; both curvatures positive.
    workers : array_like
        M ≥ 1; with 1 it is a rule for synchronous heavy ball.
    horizon : array_like
        n ≥ 1 updates; n many enough for the bias to be gone by then.
    momentum : array_like or None
        The explicit momentum, in (−1, 1); None looks for the best.

    Returns
    -------
    SingleStep
        Its `one_minus_root` is 1 − √β, or 1 where the momentum is negative.

    Raises
    ------
    DomainError
        If a number is not admissible.
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    Line by line, without explicit momentum, with a = αh and Q = 2 + a − Ma²:

    1. second moments of the queue close on E x², E xu, E u² and the mean square of what the workers
       hold, where u is the mean of the latter;
    2. without noise the sum of E xₜ² from rest at 1 is
       S = (2M − 1)(1 + Ma)/(2Q) + 1/(2a) − (M − 1);
    3. the floor is V = (C/h²) a(1 + Ma)/Q = (C/h²)(2(1 + a)/Q − 1);
    4. with a₊ and a₋ the roots of Q, V and S − 1/(2a) are w₊/(a₊ − a) + w₋/(a − a₋) up to a
       constant, and w₊ is positive. Where w₋ is negative the second derivative rises with a, from
       (2M − 1)C/(2h²) and (2M − 1)/8 at a = 0: convex on (0, a₊);
    5. so the objective is strictly convex on (0, a₊/h_max) and infinite at both ends: one optimum,
       which keeps the mean-square limit a₊ = (1 + √(1 + 8M))/(2M) at h_max by itself.

    With explicit momentum S and V are rational as well, of the same shape; of one worker
    S = (1 + β)²/(2(1 − β)(2(1 + β) − a)) + (1 − β)/(2a), convex at sight. The claim
    ``the-horizon-objective-of-queues-is-convex`` proves convexity for every M ≥ 1 and every β in
    (−1, 1). Where β is negative it needs the pole (1 − β)/(2a): the rest of S can bend down.

    The best learning rate for a momentum is where the slope vanishes, by bisection to the last
    digits. The best momentum is searched for, on a grid that closes in, to about six digits.

    Examples
    --------
    >>> one, many = (
    ...     queue_single_step(
    ...         h_max=1.0, h_min=0.1, variance=1.0, distance=10.0, workers=M, horizon=1000
    ...     ).learning_rate
    ...     for M in (1, 16)
    ... )
    >>> round(one, 4), round(many, 4)
    (0.4082, 0.2244)
    """
    low, high, *others = _checked(
        h_max=h_max, h_min=h_min, variance=variance, distance=distance, horizon=horizon,
        workers=workers,
    )  # fmt: skip
    if not (low > 0).all():
        raise DomainError("h_min is 0, but must be positive; without curvature nothing is gained.")
    if not (low / high >= 1 / _WIDEST).all():
        raise DomainError(
            f"h_max exceeds h_min more than {_WIDEST:.0e} times; give a narrower range."
        )
    shape = np.broadcast_shapes(low.shape, high.shape, *(one.shape for one in others))
    problem = _QueueProblem.of(low, high, *others)
    if momentum is None:
        beta = _best_momentum(problem, shape)
    else:
        beta = _checked_momentum(momentum, shape)
    gap = 1 - np.sqrt(np.maximum(beta, 0))
    return SingleStep(_plain(beta), _plain(problem.best_rate(beta)), _plain(gap))


def _checked_momentum(momentum: ArrayLike, shape: tuple[int, ...]) -> Array:
    try:
        beta = np.asarray(momentum, dtype=float)
    except (TypeError, ValueError):
        beta = np.array(np.nan)
    if not (np.abs(beta) < 1).all():
        raise DomainError(f"momentum is {momentum!r}, but must lie in (−1, 1), or be None.")
    try:
        return np.broadcast_to(beta, np.broadcast_shapes(shape, beta.shape))
    except ValueError:
        raise ShapeError(
            f"The shapes do not fit each other: momentum {beta.shape}, all else {shape}."
        ) from None


class _QueueProblem(NamedTuple):
    """The objective as a function of learning rate and momentum, over C/h_min²."""

    ratio: Any
    largest: Any
    displacement: Any
    workers: Any

    @classmethod
    def of(
        cls,
        smallest: Array,
        largest: Array,
        variance: Array,
        distance: Array,
        horizon: Array,
        workers: Array,
    ) -> _QueueProblem:
        """In units in which h_min, C and the horizon are 1."""
        with np.errstate(over="ignore", under="ignore"):
            p = tuning.signal_to_noise(distance, smallest, np.maximum(variance, _LEAST))
            weight = 2 * np.clip(p / horizon, 1e-100, 1e100)
        return cls(smallest / largest, largest, np.sqrt(weight), workers)

    def objective(self, step: Any, momentum: Any) -> Any:
        """At αh_max = `step`."""
        ratio, half = self.ratio, self.ratio * self.ratio / 2
        near = queue_tuning.queue_horizon_objective(
            step, momentum, ratio, self.displacement, half, self.workers, 1
        )
        far = staleness.heavy_ball_queue_stationary_variance(step, momentum, 1, half, self.workers)
        return near + far

    def best_rate(self, momentum: Array) -> Array:
        """The learning rate at which the slope in log α vanishes."""
        limit = staleness.heavy_ball_queue_step_limit(momentum, self.workers)
        shape = np.broadcast_shapes(*(np.shape(part) for part in (*self, momentum)))
        if not shape:
            numbers = _QueueProblem(*map(float, self))
            return np.asarray(_best_step(numbers, float(momentum), float(limit)) / self.largest)
        start, end = np.full(shape, np.log(_NEAR_ZERO)), np.broadcast_to(np.log(limit), shape)
        for _ in range(_HALVINGS):
            middle = (start + end) / 2
            step = np.exp(middle)
            # The derivative along the imaginary axis: a difference with nothing to cancel.
            falls = self.objective(step * (1 + 1e-30j), momentum).imag < 0
            start, end = np.where(falls, middle, start), np.where(falls, end, middle)
        return np.asarray(np.minimum(np.exp(start), np.nextafter(limit, 0)) / self.largest)


def _best_step(problem: _QueueProblem, momentum: float, limit: float) -> float:
    """αh_max of one setting, as `best_rate` finds it, fast enough for every step of a tuner."""
    start, end = math.log(_NEAR_ZERO), math.log(limit)
    for _ in range(_HALVINGS):
        middle = (start + end) / 2
        if problem.objective(math.exp(middle) * (1 + 1e-30j), momentum).imag < 0:
            start = middle
        else:
            end = middle
    return min(math.exp(start), math.nextafter(limit, 0))


_WIDEST = 1e100
"""The widest range of curvatures whose squares are floating-point numbers."""

_NEAR_ZERO, _HALVINGS = 1e-60, 64
"""Where the search begins, and how often it halves: the width falls below rounding."""


def _best_momentum(problem: _QueueProblem, shape: tuple[int, ...]) -> Array:
    center, width = np.zeros(shape), 1.0
    for _ in range(_ZOOMS):
        low, high = np.maximum(center - width, -1), np.minimum(center + width, 1)
        share = np.linspace(0, 1, _POINTS + 2)[1:-1].reshape(-1, *(1,) * len(shape))
        tried = low + (high - low) * share
        rates = problem.best_rate(tried)
        costs = problem.objective(rates * problem.largest, tried)
        center = np.take_along_axis(tried, np.argmin(costs, axis=0)[None], axis=0)[0]
        width *= 4 / _POINTS
    return center


_ZOOMS, _POINTS = 8, 33
"""The search for the best momentum: how often it closes in, and points of each grid."""


def _checked(**given: ArrayLike) -> tuple[Array, ...]:
    """The settings as arrays: h_min, h_max, variance, distance, horizon and what else is given."""
    numbers = checked_numbers(**given)
    high, low = numbers.pop("h_max"), numbers.pop("h_min")
    low = np.maximum(low, _LEAST) if "workers" not in numbers else low
    return low, np.maximum(high, low), *numbers.values()


def _plain(value: Scalar) -> Scalar:
    found = np.asarray(value, dtype=float)
    return found if found.ndim else float(found)
