"""Exact first and second moments of stale methods: of the queue, and of independent delays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from momentum_dynamics.delays import Delay, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.ages import AgedMoments, aged_moments
from momentum_dynamics.dynamics.asynchrony.held import HeldMoments, held_moments
from momentum_dynamics.dynamics.asynchrony.remedied import Remedied
from momentum_dynamics.dynamics.asynchrony.spread import (
    StaleLoop,
    filtered,
    require_settled,
    stale_loop,
)
from momentum_dynamics.dynamics.delayed import resting
from momentum_dynamics.dynamics.loop import gain
from momentum_dynamics.dynamics.lyapunov import is_floating, readable
from momentum_dynamics.dynamics.moments import Moments, in_symbols
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import Method, State, period_of, stage_index, transient_of
from momentum_dynamics.methods.remedies import (
    DelayCompensated,
    ServerMethod,
    StalenessWeighted,
    holds_for_workers,
)
from momentum_dynamics.methods.rows import Rows, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["StaleMoments", "queue_moments", "stale_moments"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StaleMoments:
    """What a stale method does on one curvature, in the mean and beyond, exactly.

    Attributes
    ----------
    method : Method, DelayCompensated or StalenessWeighted
    curvature, noise_variance : scalar
        h and σ², broadcast against the method's parameters.
    delay : Delay
    in_queue : bool
        Whether staleness comes from a queue of memoryless workers; else it is independent.
    """

    method: Method | DelayCompensated | StalenessWeighted
    curvature: Scalar
    delay: Delay
    noise_variance: Scalar
    in_queue: bool

    def __repr__(self) -> str:
        """One line."""
        if self._is_symbolic:
            return f"<StaleMoments: {self._described}, symbolic>"
        mean, square = (float(np.max(rate)) for rate in (self.mean_rate, self.mean_square_rate))
        return (
            f"<StaleMoments: {self._described}, mean rate {mean:.4g}, "
            f"mean-square rate {square:.4g}>"
        )

    @property
    def _described(self) -> str:
        if self.in_queue:
            return f"{type(self.method).__name__} with {self.delay.mean + 1} workers"
        return f"{type(self.method).__name__} behind {type(self.delay).__name__}"

    @cached_property
    def _remedied(self) -> Remedied:
        return Remedied.of(self.method, self.delay)

    def _loop(self, step: int | None = None) -> StaleLoop:
        return stale_loop(
            self.method, self.curvature, self.delay, in_queue=self.in_queue, step=step,
            beside=(self.noise_variance,),
        )  # fmt: skip

    @cached_property
    def _settled(self) -> StaleLoop:
        return self._loop()

    @cached_property
    def _is_symbolic(self) -> bool:
        loop = self._settled if period_of(self._remedied.method) == 1 else self._loop(0)
        return any(map(is_symbolic, (*loop.entries, self.noise_variance)))

    def _require_numbers(self, what: str) -> None:
        if self._is_symbolic:
            raise NotTraceableError(
                f"{what} of a stale method is answered for numbers only; stationary_variance and "
                "path take symbols."
            )

    @property
    def mean_rate(self) -> Any:
        """The factor by which the mean contracts (or grows) per update, ``(*batch,)``."""
        self._require_numbers("The mean rate")
        return self._settled.mean_rate

    @property
    def mean_square_rate(self) -> Any:
        """The factor per update of second moments, ``(*batch,)``; its root is a rate of paths."""
        self._require_numbers("The mean-square rate")
        return self._settled.mean_square_rate

    @cached_property
    def stationary_variance(self) -> Any:
        """The settled variance of the answer, ``(*batch,)`` or a SymPy expression.

        Raises
        ------
        UnstableDynamicsError
            Where second moments do not settle; with symbols that is not asked.
        """
        loop = self._settled
        if self._is_symbolic:
            import sympy

            noise = sympy.nsimplify(self.noise_variance, rational=True)
            floating = is_floating(*loop.entries, self.noise_variance)
            return readable(sympy.cancel(loop.settled_variance(noise)), floating=floating)
        require_settled(loop, self._described)
        return loop.settled_variance(np.asarray(self.noise_variance, dtype=float))

    def path(self, steps: int, start: Scalar | State = 1) -> Moments:
        """Moments of the answer's displacement after 0, 1, …, `steps` updates.

        Parameters
        ----------
        steps : int
        start : scalar or tuple of scalars
            The displacement from the solution at rest, or the method's whole initial state. All
            gradients under way at the start are of the first query.

        Returns
        -------
        Moments
            Arrays ``(steps + 1, *batch)``; `covariance` is that of the state and of the filter.

        Raises
        ------
        DomainError
            If the number of steps is negative.
        """
        GLOSSARY["steps"].check(steps)
        method = self._remedied.method
        own = start if isinstance(start, tuple) else method.initial_state(start)
        state = self._remedied.delayed.rested(own)
        symbolic = self._is_symbolic or any(map(is_symbolic, own))
        entries = (*self._loop(0).entries, *own, self.noise_variance)
        array, tidy, shown = in_symbols(*entries) if symbolic else (stack, np.asarray, np.asarray)
        noise = array(((self.noise_variance,),))
        stages: dict[int, _Step] = {}

        def at(step: int) -> _Step:
            key = stage_index(step, transient_of(method), period_of(method))
            if key not in stages:
                stages[key] = _Step.of(self._loop(key), array)
            return stages[key]

        now = at(0)
        mean = _turned(array((state,)))
        shape = np.broadcast_shapes(*(part.shape[:-2] for part in (*now.parts, mean, noise)))
        mean = np.broadcast_to(mean, (*shape, *mean.shape[-2:]))
        moment = mean @ _turned(mean)
        held = resting((now.poles, now.taps, now.direct), now.fresh @ moment @ _turned(now.fresh))
        found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        with np.errstate(all="ignore"):
            for step in range(int(steps) + 1):
                now = at(step)
                spread = tidy(moment - mean @ _turned(mean))
                seen = now.output @ mean, now.output @ spread @ _turned(now.output)
                for series, value in zip(
                    found, (*(v[..., 0, 0] for v in seen), spread), strict=True
                ):
                    series.append(value)
                newest = now.fresh @ moment @ _turned(now.fresh)
                square = now.direct * newest + (held[0] if held else 0)
                varied = square - now.read @ moment @ _turned(now.read)
                mean = tidy(now.transition @ mean)
                moment = tidy(
                    now.transition @ moment @ _turned(now.transition)
                    + noise * (now.noise @ _turned(now.noise))
                    + varied * (now.spread @ _turned(now.spread))
                )
                held = tuple(map(tidy, filtered(held, newest, now.poles, now.taps)))
        means, variances, covariances = (shown(np.stack(series)) for series in found)
        return Moments(mean=means, variance=variances, covariance=covariances)


def _turned(matrix: Any) -> Any:
    return np.swapaxes(matrix, -1, -2)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Step:
    """One step of the lifted loop as arrays with two last axes, of numbers or of symbols."""

    transition: Any
    noise: Any
    spread: Any
    fresh: Any
    read: Any
    output: Any
    poles: tuple[Any, ...]
    taps: tuple[Any, ...]
    direct: Any

    @classmethod
    def of(cls, loop: StaleLoop, array: Callable[[Rows], Any]) -> _Step:
        def number(value: Scalar) -> Any:
            return array(((value,),))

        parts = (loop.transition, loop.noise, loop.spread, loop.fresh, loop.read, loop.output)
        transition, noise, spread, fresh, read, output = map(array, parts)
        return cls(
            transition=transition, noise=noise, spread=spread, fresh=fresh, read=read,
            output=output, poles=tuple(map(number, loop.poles)),
            taps=tuple(map(number, loop.taps)), direct=number(loop.direct),
        )  # fmt: skip

    @property
    def parts(self) -> tuple[Any, ...]:
        """All arrays."""
        matrices = (self.transition, self.noise, self.spread, self.fresh, self.read, self.output)
        return (*matrices, *self.poles, *self.taps, self.direct)


def queue_moments(
    method: Method | StalenessWeighted | ServerMethod,
    curvature: Scalar,
    *,
    workers: Scalar,
    noise_variance: Scalar = 0,
) -> StaleMoments | AgedMoments | HeldMoments:
    """Moments of a method whose gradients come from M memoryless workers, exactly.

    Every worker reads where the method asks, computes for an exponential time and writes; it reads
    again at once. The answers hold for any M at one cost.

    Parameters
    ----------
    method : Method or remedy
        Linear, with one gradient a step; or `StalenessWeighted`, `DelayCompensated`,
        `WorkerMomentum`, `ShiftedMomentum`, or a server's method of one's own.
    curvature : scalar
        h, real; broadcast against the parameters, the workers and the noise.
    workers : scalar
        M ≥ 1.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.

    Returns
    -------
    StaleMoments, AgedMoments or HeldMoments
        With `mean_rate`, `mean_square_rate`, `stationary_variance` and `path(steps)`. Weights of
        staleness are answered for one setting at a time, in numbers.

    Raises
    ------
    DomainError
        If a number is not admissible, or the method has no settled step with one gradient.
    NotTraceableError
        With symbols, for remedies other than compensation.

    Notes
    -----
    Each worker is the next to write with chance 1/M, whatever went before. Let u be the mean of
    what the workers hold and V the mean square around it. The gradient is taken at u + δ, with
    E δ = 0 and E δ² = V given all that happened; the worker then holds the newest query in place
    of u + δ. So the state and u are linear, driven by δ; the mean square c of what is held is
    filtered as u is, and V = c − u². Together that is a linear recursion with coefficients in 1/M.

    All is exact but for weights of staleness that never settle, as 1/(τ + 1): those of the oldest
    gradients, one in a hundred, are averaged, which moves floors by some 10⁻⁵ of them.

    The mean is that of independent geometric staleness, the second moment is not: successive
    stalenesses of the queue are dependent. [mitliagkas2016]_

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, symbol
    >>> found = queue_moments(GradientDescent(learning_rate=9.9), 1.0, workers=3)
    >>> round(float(found.mean_rate), 3), round(float(found.mean_square_rate), 1)
    (0.833, 27.7)
    >>> descent = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> queue_moments(
    ...     descent, 1, workers=symbol("workers"), noise_variance=1
    ... ).stationary_variance
    -alpha*(M*alpha + 1)/(M*alpha**2 - alpha - 2)
    """
    GLOSSARY["workers"].check(workers)
    GLOSSARY["noise_variance"].check(noise_variance)
    if isinstance(method, StalenessWeighted):
        return aged_moments(method, _real(curvature), workers, noise_variance)
    if holds_for_workers(method) and not isinstance(method, DelayCompensated):
        return held_moments(method, _real(curvature), workers, noise_variance)
    inner: Any = method.method if isinstance(method, DelayCompensated) else method
    if isinstance(workers, int) and state_space(inner, step=0).is_symbolic:
        import sympy

        workers = sympy.Integer(workers)  # so that 1/M is exact beside symbols
    delay = GeometricDelay(workers=workers)
    return _moments(method, curvature, delay, noise_variance, in_queue=True)


def stale_moments(
    method: Method | DelayCompensated | StalenessWeighted,
    curvature: Scalar,
    delay: Delay,
    noise_variance: Scalar = 0,
) -> StaleMoments:
    """Moments of a method whose gradients are stale independently of each other, exactly.

    Parameters
    ----------
    method : Method, DelayCompensated or StalenessWeighted
        Linear, with one gradient a step. Weights of staleness take any law, cut off where its
        tail is below 10⁻¹², at the cost of as many slots; they are weights of what was drawn, also
        where the start is younger.
    curvature : scalar
        h, real; broadcast against the parameters and the noise.
    delay : Delay
        With a rational generating function; one that is not can be cut off as an `EmpiricalDelay`.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.

    Returns
    -------
    StaleMoments
        With `mean_rate`, `mean_square_rate`, `stationary_variance` and `path(steps)`.

    Raises
    ------
    DomainError
        If a number is not admissible, or the method has no settled step with one gradient.
    NotTraceableError
        If the law is not rational.

    Notes
    -----
    Given the past, the read has mean u = Σ qₖ yₜ₋ₖ and mean square c = Σ qₖ y²ₜ₋ₖ, so that its
    deviation acts as gradient noise of variance h²(c − u²) does. With g_y and g_u the settled
    variances of query and mean read under gradient noise of variance 1, the loop is stable in mean
    square where h²(g_y − g_u) < 1, and its floor is that of the mean loop divided by one minus it.

    Examples
    --------
    >>> from momentum_dynamics import GeometricDelay, GradientDescent
    >>> delay, descent = GeometricDelay(workers=4), GradientDescent(learning_rate=0.2)
    >>> round(float(stale_moments(descent, 1.0, delay, 1.0).stationary_variance), 4)
    0.1838
    """
    law = delay if hasattr(delay, "rational") else None
    if law is None:
        raise DomainError(
            f"delay is {delay!r}, but must be a law of staleness, such as "
            "GeometricDelay(workers=4)."
        )
    return _moments(method, curvature, law, noise_variance, in_queue=False)


def _real(curvature: Scalar) -> Scalar:
    curvature = gain(curvature)
    if np.iscomplexobj(curvature):
        raise DomainError(
            f"curvature is {curvature}, but moments are answered for real curvatures only; "
            "simulate the game itself."
        )
    return curvature


def _moments(
    method: Any, curvature: Scalar, delay: Delay, noise_variance: Scalar, *, in_queue: bool
) -> StaleMoments:
    GLOSSARY["noise_variance"].check(noise_variance)
    if not in_queue and holds_for_workers(method) and not isinstance(method, DelayCompensated):
        raise DomainError(
            f"{type(method).__name__} keeps something for each worker, of which independent "
            "staleness knows nothing; ask queue_moments."
        )
    curvature = _real(curvature)
    found = StaleMoments(
        method=method, curvature=curvature, delay=delay, noise_variance=noise_variance,
        in_queue=in_queue,
    )  # fmt: skip
    _ = found._is_symbolic  # what cannot be a loop is refused here, not at the first question
    return found
