"""Exact moments of a server that keeps something beside each of its memoryless workers.

Worker i holds a few slots zᵢ; s is shared. Each worker is the next to write with chance p = 1/M,
whatever went before, and its write moves (s, zᵢ) linearly, given the sum oᵢ of what others hold:

    (s, zᵢ)' = T (s, zᵢ, oᵢ) + N ξ,    zⱼ' = zⱼ for the others.

Workers are exchangeable, so second moments close over four blocks, whatever M: E ssᵀ, b = E szᵢᵀ,
c = E zᵢzᵢᵀ and d = E zᵢzⱼᵀ, since E soᵢᵀ = (M − 1)b, E zᵢoᵢᵀ = (M − 1)d and
E oᵢoᵢᵀ = (M − 1)(c + (M − 2)d); and of what j writes while i computes, E (s, zⱼ, oⱼ)zᵢᵀ has the
blocks b, d and c + (M − 2)d.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.moments import Moments
from momentum_dynamics.errors import DomainError, NotTraceableError, UnstableDynamicsError
from momentum_dynamics.methods.protocol import State
from momentum_dynamics.methods.remedies import ServerMethod
from momentum_dynamics.methods.rows import stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["HeldMoments", "held_moments"]

Array = NDArray[Any]
_Blocks = tuple[Any, Any, Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HeldMoments:
    """What a server that keeps something for each worker does on one curvature, exactly.

    Attributes
    ----------
    method : ServerMethod
    curvature, noise_variance : scalar
        h and σ², broadcast against the method's parameters.
    workers : float
    """

    method: ServerMethod
    curvature: Scalar
    workers: float
    noise_variance: Scalar

    def __repr__(self) -> str:
        """One line."""
        mean, square = (float(np.max(rate)) for rate in (self.mean_rate, self.mean_square_rate))
        return (
            f"<HeldMoments: {type(self.method).__name__} with {self.workers:g} workers, mean rate "
            f"{mean:.4g}, mean-square rate {square:.4g}>"
        )

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        shared, held = self.method.initial_state(0)
        return len(shared), len(held)

    @cached_property
    def _write(self) -> tuple[Array, Array, Array]:
        """T ``(*batch, n + m, n + 2m)``, N ``(*batch, n + m, 1)`` and the answer's row."""
        shared, held = self._sizes
        width = shared + 2 * held

        def written(parts: tuple[int, ...], noise: int) -> tuple[Scalar, ...]:
            own = parts[:shared], parts[shared : shared + held]
            gradient = self.curvature * self.method.query(*own) + noise
            left = self.method.update(*own, parts[shared + held :], gradient)
            return (*left[0], *left[1])

        still = (0,) * width
        columns = [written(tuple(int(i == k) for i in range(width)), 0) for k in range(width)] + [
            written(still, 1)
        ]
        rows = tuple(tuple(column[i] for column in columns) for i in range(shared + held))
        whole = np.asarray(stack(rows))
        answer = tuple(
            self.method.output(tuple(int(i == k) for i in range(shared))) for k in range(shared)
        )
        return whole[..., :width], whole[..., width:], np.asarray(stack((answer,)))

    @cached_property
    def mean_rate(self) -> Any:
        """The factor by which the mean contracts (or grows) per update, ``(*batch,)``."""
        whole, _, _ = self._write
        shared, held = self._sizes
        chance = 1 / self.workers
        matrix = whole[..., : shared + held].copy()
        matrix[..., shared:] += (self.workers - 1) * whole[..., shared + held :]
        matrix[..., shared:, :] *= chance
        matrix[..., shared:, shared:] += (1 - chance) * np.eye(held)
        return np.abs(np.linalg.eigvals(matrix)).max(axis=-1)

    @cached_property
    def mean_square_rate(self) -> Any:
        """The factor per update of second moments, ``(*batch,)``; its root is a rate of paths."""
        return np.abs(np.linalg.eigvals(self._operator)).max(axis=-1)

    @cached_property
    def _operator(self) -> Array:
        """The map of all blocks as a matrix, by what it does to each unit."""
        batch = self._write[0].shape[:-2]
        units = np.eye(self._count).reshape(self._count, *(1,) * len(batch), self._count)
        moved = self._flat(self._moved(self._blocks(units)))
        moved = np.broadcast_to(moved, (self._count, *batch, self._count))
        return np.moveaxis(moved, 0, -1)

    @property
    def _count(self) -> int:
        shared, held = self._sizes
        pairs = held**2 if self.workers > 1 else 0  # one worker makes no pairs
        return shared**2 + shared * held + held**2 + pairs

    def _blocks(self, flat: Any) -> _Blocks:
        shared, held = self._sizes
        found, begun = [], 0
        for rows, columns in ((shared, shared), (shared, held), (held, held), (held, held)):
            part = flat[..., begun : begun + rows * columns]
            if part.shape[-1] == 0:
                part = np.zeros((*flat.shape[:-1], rows * columns))
            found.append(part.reshape(*part.shape[:-1], rows, columns))
            begun += rows * columns
        return found[0], found[1], found[2], found[3]

    def _flat(self, blocks: _Blocks) -> Any:
        batch = np.broadcast_shapes(*(block.shape[:-2] for block in blocks))
        parts = [
            np.broadcast_to(block, (*batch, *block.shape[-2:])).reshape(*batch, -1)
            for block in blocks
        ]
        return np.concatenate(parts, axis=-1)[..., : self._count]

    def _moved(self, blocks: _Blocks) -> _Blocks:
        """All blocks one update later, without noise."""
        s, b, c, d = blocks
        shared, _ = self._sizes
        whole, chance, rest = self._write[0], 1 / self.workers, self.workers - 1
        apart = c + (rest - 1) * d
        drawn = np.block(
            [[s, b, rest * b], [_t(b), c, rest * d], [rest * _t(b), rest * _t(d), rest * apart]]
        )
        written = whole @ drawn @ _t(whole)
        besides = whole @ np.concatenate([b, d, apart], axis=-2)
        own, other = besides[..., :shared, :], besides[..., shared:, :]
        return (
            written[..., :shared, :shared],
            chance * written[..., :shared, shared:] + (1 - chance) * own,
            chance * written[..., shared:, shared:] + (1 - chance) * c,
            chance * (other + _t(other)) + (1 - 2 * chance) * d,
        )

    def _source(self) -> _Blocks:
        """What gradient noise of variance 1 adds in one update."""
        shared, held = self._sizes
        noise = self._write[1]
        made = noise @ _t(noise)
        chance = 1 / self.workers
        return (
            made[..., :shared, :shared],
            chance * made[..., :shared, shared:],
            chance * made[..., shared:, shared:],
            np.zeros((held, held)),
        )

    @cached_property
    def stationary_variance(self) -> Any:
        """The settled variance of the answer, ``(*batch,)``.

        Raises
        ------
        UnstableDynamicsError
            Where second moments do not settle.
        """
        rate = float(np.max(self.mean_square_rate))
        if not rate < 1:
            raise UnstableDynamicsError(
                f"No stationary variance: {type(self.method).__name__} with {self.workers:g} "
                f"workers is unstable in mean square (second moments grow by {rate:.6g} a step); "
                "lower the learning rate."
            )
        source = self._flat(self._source())[..., None]
        settled = np.linalg.solve(np.eye(self._count) - self._operator, source)[..., 0]
        row = self._write[2]
        seen = (row @ self._blocks(settled)[0] @ _t(row))[..., 0, 0]
        return np.asarray(self.noise_variance, dtype=float) * seen

    def path(self, steps: int, start: Scalar | tuple[State, State] = 1) -> Moments:
        """Moments of the answer's displacement after 0, 1, …, `steps` updates.

        Parameters
        ----------
        steps : int
        start : scalar or pair of states
            The displacement at rest, or what is shared and what every worker holds.

        Returns
        -------
        Moments
            Arrays ``(steps + 1, *batch)``; `covariance` is that of the shared state.
        """
        GLOSSARY["steps"].check(steps)
        pair = start if isinstance(start, tuple) else self.method.initial_state(start)
        shared, held = (np.asarray(stack((part,)))[..., 0, :, None] for part in pair)
        blocks: _Blocks = (shared @ _t(shared), shared @ _t(held), held @ _t(held), held @ _t(held))
        whole, _, row = self._write
        size, chance = self._sizes[0], 1 / self.workers
        noise = np.asarray(self.noise_variance, dtype=float)[..., None, None]
        source = self._source()
        means, variances, covariances = [], [], []
        shape = np.broadcast_shapes(whole.shape[:-2], shared.shape[:-2], noise.shape[:-2])
        for _ in range(int(steps) + 1):
            spread = blocks[0] - shared @ _t(shared)
            means.append(np.broadcast_to((row @ shared)[..., 0, 0], shape))
            variances.append(np.broadcast_to((row @ spread @ _t(row))[..., 0, 0], shape))
            covariances.append(np.broadcast_to(spread, (*shape, size, size)))
            moved = self._moved(blocks)
            blocks = tuple(a + noise * n for a, n in zip(moved, source, strict=True))
            written = whole @ np.concatenate([shared, held, (self.workers - 1) * held], axis=-2)
            shared = written[..., :size, :]
            held = chance * written[..., size:, :] + (1 - chance) * held
        return Moments(
            mean=np.stack(means), variance=np.stack(variances), covariance=np.stack(covariances)
        )


def _t(matrix: Any) -> Any:
    return np.swapaxes(matrix, -1, -2)


def held_moments(
    method: ServerMethod, curvature: Scalar, workers: Scalar, noise_variance: Scalar
) -> HeldMoments:
    """Moments of a server's method, of numbers.

    Raises
    ------
    NotTraceableError
        With symbols.
    DomainError
        If several numbers of workers are asked at once.
    """
    numbers = (curvature, workers, noise_variance)
    fields = vars(method).values() if hasattr(method, "__dict__") else ()
    if any(map(is_symbolic, (*numbers, *fields))):
        raise NotTraceableError(
            f"Moments of {type(method).__name__} are answered for numbers only; give numbers."
        )
    if np.ndim(workers):
        raise DomainError(
            f"workers is an array of shape {np.shape(workers)}, but {type(method).__name__} is "
            "answered for one number of workers at a time."
        )
    return HeldMoments(
        method=method, curvature=curvature, workers=float(workers), noise_variance=noise_variance
    )
