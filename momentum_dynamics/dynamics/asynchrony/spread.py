"""The loop of a stale method, and the noise that comes from which read a gradient is of.

A stale gradient is asked at r, some query of the past. Let u be the mean of r given all that
happened before: the loop sees u, and beside it the deviation δ = r − u, whose mean is zero whatever
happened and whose variance V is that of the reads that might have been drawn, their mean square c
less u². So a stale method is its own mean, a linear system X, driven by δ as by noise:

    X' = M X + n ξ + d δ,    V = c − u²,    c' = (the same filter of squares of queries),

and (E XXᵀ, c) obeys a closed linear recursion, exactly. What differs between models of staleness
is how δ enters. Drawn independently for every gradient, it moves the state as gradient noise hδ
does: d = h n. In the queue of M exchangeable memoryless workers the read that was drawn is spent,
so that the mean of the others moves as well, by −δ/M.

Two remedies are carried along. Gradients weighted by their staleness φ(τ), drawn independently,
have the mean filter Σ qₖφₖwᵏ, the filter of squares Σ qₖφₖ²wᵏ and noise of variance σ² Σ qₖφₖ².
Gradients compensated for a share λ of the motion since are those at (1 − λ)r + λy: the loop sees
(1 − λ)u + λy, and (1 − λ)δ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.remedied import Remedied
from momentum_dynamics.dynamics.delayed import Delayed
from momentum_dynamics.dynamics.lyapunov import covariance, symbolic_covariance
from momentum_dynamics.errors import DomainError, UnstableDynamicsError
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import Method, period_of
from momentum_dynamics.methods.remedies import DelayCompensated, StalenessWeighted
from momentum_dynamics.methods.rows import Rows, is_zero, settle, stack
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["StaleLoop", "filtered", "require_settled", "stale_loop"]

_DENSE = 450
"""Unknowns up to which the second-moment operator is written down as a matrix."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StaleLoop:
    """One step of a stale method on one curvature, as rows of scalars.

    Attributes
    ----------
    transition : rows ``(size, size)``
        M: the method's own slots, then the filter's.
    noise, spread : rows ``(size, 1)``
        n and d: how gradient noise and the deviation of the read enter.
    fresh, read, output : rows ``(1, size)``
        The query y, the mean u of what is read, the answer.
    poles, taps : scalars
        Of the filter of squares, in observable form, with `direct` its share of the newest query.
    is_certain : bool
        Whether there is no choice of reads: no delay, or a fixed one.
    energy : scalar
        The gain of the filter of squares: 1 unless gradients are weighted.
    """

    transition: Rows
    noise: Rows
    spread: Rows
    fresh: Rows
    read: Rows
    output: Rows
    poles: tuple[Scalar, ...]
    taps: tuple[Scalar, ...]
    direct: Scalar
    is_certain: bool
    energy: Scalar = 1

    @property
    def size(self) -> int:
        """How many slots the lifted state has."""
        return len(self.transition)

    @property
    def _certain(self) -> Any:
        """Whether there is no choice of reads, setting by setting of a batch."""
        poles, weights = (
            [np.asarray(value, dtype=float) != 0 for value in values]
            for values in (self.poles, (self.direct, *self.taps))
        )
        return ~np.any(np.broadcast_arrays(*poles), axis=0) & (sum(weights) == 1)

    @property
    def entries(self) -> tuple[Scalar, ...]:
        """All entries that hold parameters."""
        rows = (*self.transition, *self.noise, *self.spread, *self.read)
        return (*(entry for row in rows for entry in row), *self.poles, *self.taps, self.direct)

    @cached_property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Transition, noise, spread, fresh, read and output, stacked over a common batch."""
        parts = (self.transition, self.noise, self.spread, self.fresh, self.read, self.output)
        return tuple(np.asarray(stack(rows)) for rows in parts)

    @cached_property
    def mean_rate(self) -> Any:
        """The spectral radius of the mean."""
        return np.abs(np.linalg.eigvals(self.arrays[0])).max(axis=-1)

    @cached_property
    def mean_square_rate(self) -> Any:
        """The spectral radius of second moments."""
        if self.is_certain:
            return self.mean_rate**2
        if self.size**2 + len(self.poles) <= _DENSE:
            found = np.abs(np.linalg.eigvals(self._operator())).max(axis=-1)
            # Where reads are certain the spread is 0 for good, and what the map would do to it no
            # part of the loop.
            return np.where(self._certain, self.mean_rate**2, found)[()]
        shape = np.shape(self.mean_rate)
        return np.reshape([self._rate_of_kernel(index) for index in np.ndindex(shape)], shape)

    def _operator(self) -> NDArray[np.float64]:
        """The map of (E XXᵀ, slots of c), as a matrix ``(*batch, unknowns, unknowns)``."""
        matrix, _, spread, fresh, read, _ = self.arrays
        size, slots = self.size, len(self.poles)
        filters = [np.asarray(value, dtype=float) for value in (*self.poles, *self.taps)]
        batch = np.broadcast_shapes(
            matrix.shape[:-2], spread.shape[:-2], read.shape[:-2], *(f.shape for f in filters)
        )
        whole = np.zeros((*batch, size**2 + slots, size**2 + slots))

        def doubled(a: Any, b: Any) -> Any:
            outer = np.einsum("...ij,...kl->...ikjl", a, b)
            return outer.reshape(*outer.shape[:-4], a.shape[-2] ** 2, a.shape[-1] ** 2)

        newest = doubled(fresh, fresh)
        kick = doubled(spread, spread)
        square = np.asarray(self.direct, dtype=float)[..., None, None] * newest
        whole[..., : size**2, : size**2] = doubled(matrix, matrix) + kick @ (
            square - doubled(read, read)
        )
        if slots:
            whole[..., : size**2, size**2] = kick[..., 0]
        for k in range(slots):
            row = size**2 + k
            whole[..., row, : size**2] = filters[slots + k][..., None] * newest[..., 0, :]
            whole[..., row, size**2] -= filters[k]
            if k + 1 < slots:
                whole[..., row, row + 1] += 1
        return whole

    def _rate_of_kernel(self, index: tuple[int, ...]) -> float:
        """The z where what a unit of V begets, Σ κₖ z⁻ᵏ, is 1; or where the sum ends.

        With δ's response y of queries and u of mean reads, κ is the filter of y² less u². The sum
        converges beyond the square of the mean's rate and the filter's slowest pole, below which
        second moments do not contract either: what is read again and again is forgotten no faster.

        There it takes the value 1 once at most. If δ acts as gradient noise does, no draw makes κ
        negative, and the sum falls in z. In the queue it is V itself that is begotten: with
        p = 1/M, and u + e + kδ the newest query, where e is settled before δ is drawn,

            V' = (1 − p − p² + 2p²k + p(1 − p)k²) V + p(1 − p) E e²,

        whose first factor is (1 − 2p)/(1 − p) at the least; so V obeys a sum that falls in z, and
        which is 1 at the same z.
        """
        from scipy.linalg import solve_discrete_lyapunov
        from scipy.optimize import brentq

        shape = np.shape(self.mean_rate)

        def here(value: Any, *last: int) -> Any:
            return np.broadcast_to(value, (*shape, *last))[index]

        matrix, _, spread, fresh, read, _ = (here(part, *part.shape[-2:]) for part in self.arrays)
        poles, taps = [1.0, *map(here, self.poles)], [0.0, *map(here, self.taps)]
        slowest = np.abs(np.roots(poles)).max(initial=0.0)
        floor = max(float(here(self.mean_rate)) ** 2, float(slowest))

        def excess(z: float) -> float:
            settled = solve_discrete_lyapunov(matrix / np.sqrt(z), spread @ spread.T / z)
            own, mean = (float((row @ settled @ row.T)[0, 0]) for row in (fresh, read))
            response = float(here(self.direct)) + np.polyval(taps, z) / np.polyval(poles, z)
            return float(response * own - mean - 1)

        low = floor * (1 + _CLOSE)
        if excess(low) <= 0:
            return floor
        high = 2 * low
        while excess(high) > 0:
            high *= 2
        return float(brentq(excess, low, high, xtol=1e-14, rtol=1e-12))

    @cached_property
    def shares(self) -> tuple[Any, Any, Any, Any]:
        """Settled second moments of a loop that is stable in the mean.

        The variance of the answer from gradient noise and from δ, each of variance 1; then what
        each of them makes of V. The last must be below 1: then V = σ²a/(1 − γ).
        """
        if any(map(is_symbolic, self.entries)):
            return self._symbolic_shares()
        _, _, _, fresh, read, output = self.arrays
        found = []
        for source in (self.noise, self.spread):
            settled = covariance(self.transition, source, 1.0)

            def seen(row: Any, settled: Any = settled) -> Any:
                return (row @ settled @ np.swapaxes(row, -1, -2))[..., 0, 0]

            found.append((seen(output), self.energy * seen(fresh) - seen(read)))
        (answer, own), (spread, again) = found
        return answer, spread, own, again

    def _symbolic_shares(self) -> tuple[Any, Any, Any, Any]:
        import sympy

        def exact(rows: Rows) -> Any:
            return sympy.Matrix(rows).applyfunc(lambda e: sympy.nsimplify(e, rational=True))

        fresh, read, output = map(exact, (self.fresh, self.read, self.output))
        found = []
        for source in (self.noise, self.spread):
            settled = symbolic_covariance(self.transition, source, 1)
            answer, own, mean = (
                sympy.cancel((row * settled * row.T)[0]) for row in (output, fresh, read)
            )
            found.append((answer, sympy.cancel(self.energy * own - mean)))
        (answer, own), (spread, again) = found
        return answer, spread, own, again

    def settled_variance(self, noise_variance: Any) -> Any:
        """The settled variance of the answer, σ²(e + da/(1 − γ)); stability is not asked for."""
        answer, spread, own, again = self.shares
        return noise_variance * (answer + spread * own / (1 - again))


_CLOSE = 1e-9
"""How near to the mean's rate the kernel's sum is tried."""


def filtered(held: Sequence[Any], newest: Any, poles: Sequence[Any], taps: Sequence[Any]) -> Any:
    """The slots of a filter in observable form, one input later."""
    return [
        later - pole * held[0] + tap * newest
        for later, pole, tap in zip((*held, 0)[1:], poles, taps, strict=True)
    ]


def stale_loop(
    method: Method | DelayCompensated | StalenessWeighted,
    curvature: Scalar,
    delay: Delay,
    *,
    in_queue: bool,
    step: int | None = None,
    beside: tuple[Scalar, ...] = (),
) -> StaleLoop:
    """The loop of a method with one gradient a step behind a delay with a rational law.

    Raises
    ------
    DomainError
        If one period takes several gradients, or a query sees the gradient that it asks for.
    NotTraceableError
        If the law is not rational.
    """
    remedied = Remedied.of(method, delay).at(step)
    if step is None and period_of(remedied.method) != 1:
        raise DomainError(
            f"{type(remedied.method).__name__} has no settled step with one gradient, which second "
            "moments of stale gradients need; ask for a path, step by step."
        )
    delayed, share = remedied.delayed, remedied.compensation
    poles, taps, direct = Delayed(method=remedied.method, delay=remedied.squares).filter
    own = state_space(remedied.method)
    if any(not is_zero(entry) for row in own.feedthrough for entry in row):
        raise DomainError(
            f"{type(remedied.method).__name__} asks where its own gradient takes it; a worker that "
            "reads and writes later cannot know."
        )
    system = state_space(delayed).beside(curvature, share, *beside)
    padding = (0,) * len(poles)
    own = own.beside(curvature, share, *beside)
    fresh = tuple((*row, *padding) for row in own.observation)
    spread = tuple((curvature * entry,) for (entry,) in system.injection)
    read = system.observation
    if not is_zero(share):
        seen = tuple(
            (1 - share) * old + share * new for old, new in zip(read[0], fresh[0], strict=True)
        )
        system = replace(system, observation=(seen,))
        spread = tuple(((1 - share) * entry,) for (entry,) in spread)
    transition, noise = system.closed_rows(curvature)
    if in_queue:
        if not isinstance(delay, GeometricDelay):
            raise DomainError(f"The queue of memoryless workers has no law {delay!r}.")
        if poles:
            (first,) = spread[own.slots]
            spread = (*spread[: own.slots], (first - 1 / delay.workers,))
    if remedied.energy != 1:
        noise = tuple((math.sqrt(remedied.energy) * entry,) for (entry,) in noise)
    poles, taps, (direct,) = settle((poles, taps, (direct,)), curvature, *beside, *system.entries)
    return StaleLoop(
        transition=transition,
        noise=noise,
        spread=spread,
        fresh=fresh,
        read=read,
        output=system.readout,
        poles=poles,
        taps=taps,
        direct=direct,
        is_certain=remedied.is_certain,
        energy=remedied.energy,
    )


def require_settled(loop: StaleLoop, described: str) -> None:
    """Raise `UnstableDynamicsError` where second moments do not settle."""
    rate = np.asarray(loop.mean_square_rate)
    if (rate < 1).all():
        return
    worst = float(rate.max())
    mean = float(np.asarray(loop.mean_rate).max())
    raise UnstableDynamicsError(
        f"No stationary variance: {described} is unstable in mean square (second moments grow by "
        f"{worst:.6g} a step, the mean by {mean:.6g}); lower the learning rate below what "
        "mean_square_limit answers."
    )
