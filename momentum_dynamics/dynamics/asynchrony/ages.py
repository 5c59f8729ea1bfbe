"""Exact moments of the queue when a gradient's weight depends on its staleness.

M memoryless workers hold reads rᵢ of ages aᵢ; each is the next to write with chance p = 1/M, and
the state moves by s' = A s + φ(aᵢ) B (h rᵢ + ξ). Whatever was drawn before, workers stay
exchangeable, so that with indicators of ages the second moments close over

    E ssᵀ,  bₖ = E[s rᵢ; aᵢ = k],  cₖ = E[rᵢ²; aᵢ = k],  dₗₖ = E[rⱼ rᵢ; aⱼ = l, aᵢ = k],

since j's write makes s rᵢ (at age k) into A s rᵢ + hB φ(aⱼ) rⱼ rᵢ (at age k + 1). As

    E s's'ᵀ = A E ssᵀ Aᵀ + h Σ φₖ (A bₖ Bᵀ + B bₖᵀ Aᵀ) + Σ φₖ² (h² cₖ + σ² πₖ) B Bᵀ,
    b₀' = p E s's'ᵀ Cᵀ,          bₖ₊₁' = (1 − p)(A bₖ + hB Σₗ φₗ dₗₖ),
    c₀' = p C E s's'ᵀ Cᵀ,        cₖ₊₁' = (1 − p) cₖ,
    d₀ₖ₊₁' = p C (A bₖ + hB Σₗ φₗ dₗₖ),  dₗ₊₁ₖ₊₁' = (1 − 2p) dₗₖ

with πₖ the law of ages. Where φ does not change any more, all ages are one: a threshold is carried
exactly by as many ages as it has. A weight that goes on changing is averaged over the ages that
come with a chance of 1/100: that leaves floors right to about 10⁻⁵, and rates of fast loops, which
are near 1 − p, to about 10⁻².
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import GeometricDelay
from momentum_dynamics.dynamics.moments import Moments
from momentum_dynamics.errors import (
    DomainError,
    NotTraceableError,
    ShapeError,
    UnstableDynamicsError,
)
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import State, period_of
from momentum_dynamics.methods.remedies import StalenessWeighted, weight_table
from momentum_dynamics.methods.rows import is_zero
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["AgedMoments", "aged_moments"]

Array = NDArray[np.float64]

_BEYOND, _NEVER, _DENSE = 1e-2, 1e-15, 60
"""Chance of an age from which on weights are averaged, of one that is left out; unknowns up to
which matrices are dense."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AgedMoments:
    """What a method does on M memoryless workers with weights of staleness, on one curvature.

    Attributes
    ----------
    method : StalenessWeighted
    curvature, workers, noise_variance : float
    weights : array ``(ages,)``
        Of staleness 0, 1, …; the last is that of all older gradients.
    """

    method: StalenessWeighted
    curvature: float
    workers: float
    noise_variance: float
    weights: Array

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<AgedMoments: {type(self.method.method).__name__} with {self.workers:g} workers and "
            f"weights of staleness, mean rate {self.mean_rate:.4g}, mean-square rate "
            f"{self.mean_square_rate:.4g}>"
        )

    @cached_property
    def _system(self) -> tuple[Array, Array, Array, Array]:
        system = state_space(self.method.method)
        return system.A, system.B, system.C, system.E

    @cached_property
    def _ages(self) -> Array:
        """The settled law of a worker's age, the last one of all older."""
        chance = 1 / self.workers
        law = (1 - chance) ** np.arange(len(self.weights), dtype=float)
        law[:-1] *= chance
        return np.asarray(law, dtype=float)

    def _after(self, ages: Array) -> Array:
        """The law of a worker's age one update later."""
        chance, last = 1 / self.workers, len(ages) - 1
        later = np.zeros_like(ages)
        np.add.at(later, np.minimum(np.arange(last + 1) + 1, last), (1 - chance) * ages)
        later[0] += chance
        return later

    @cached_property
    def _mean_matrix(self) -> Array:
        """The map of E s and of E[rᵢ; aᵢ = k]."""
        A, B, C, _ = self._system
        slots, count, chance = len(A), len(self.weights), 1 / self.workers
        found = np.zeros((slots + count, slots + count))
        found[:slots] = np.hstack([A, self.curvature * B @ self.weights[None]])
        for age in range(count):
            found[slots + min(age + 1, count - 1), slots + age] += 1 - chance
        found[slots] += chance * (C @ found[:slots])[0]
        return found

    @cached_property
    def mean_rate(self) -> Any:
        """The factor by which the mean contracts (or grows) per update."""
        return float(np.abs(np.linalg.eigvals(self._mean_matrix)).max())

    @cached_property
    def _pairs(self) -> NDArray[np.int64]:
        """Where dₗₖ stands among the unknowns; dₖₗ is the same."""
        slots, count = len(self._system[0]), len(self.weights)
        table = np.zeros((count, count), dtype=np.int64)
        first, second = np.triu_indices(count)
        table[first, second] = np.arange(len(first)) + slots**2 + (slots + 1) * count
        return np.maximum(table, table.T)

    @cached_property
    def _operator(self) -> Any:
        """The map of (E ssᵀ, b, c, d), sparse."""
        from scipy import sparse

        A, B, C, _ = self._system
        h, weights, pairs = self.curvature, self.weights, self._pairs
        slots, count, chance = len(A), len(weights), 1 / self.workers
        size, square = int(pairs.max()) + 1, slots**2
        # One worker makes no pairs, and must not make a pole of them.
        apart = 1 - 2 * chance if self.workers > 1 else 0.0

        def held(age: int) -> slice:
            return slice(square + age * slots, square + (age + 1) * slots)

        second = np.zeros((square, square + (slots + 1) * count))
        second[:, :square] = np.kron(A, A)
        for age, weight in enumerate(weights):
            second[:, held(age)] = h * weight * (np.kron(A, B) + np.kron(B, A))
        second[:, square + slots * count :] = h**2 * np.kron(B, B) * weights**2
        moved = sparse.csr_matrix(
            (second.ravel(), (np.repeat(np.arange(square), second.shape[1]),
             np.tile(np.arange(second.shape[1]), square))), shape=(square, size)
        )  # fmt: skip
        later = np.minimum(np.arange(count) + 1, count - 1)
        # What becomes of s rᵢ when another writes, row by row ``(count * slots, size)``.
        rows, columns, values = [], [], []
        for age in range(count):
            for i in range(slots):
                row = age * slots + i
                columns += [np.arange(held(age).start, held(age).stop), pairs[:, age]]
                values += [A[i], h * B[i, 0] * weights]
                rows += [np.full(slots, row), np.full(count, row)]
        shape = (count * slots, size)
        crossed = _sparse(rows, columns, values, shape)
        aged = _sparse(
            [np.repeat(later, slots) * slots + np.tile(np.arange(slots), count)],
            [np.arange(count * slots)], [np.full(count * slots, 1 - chance)],
            (count * slots, count * slots),
        )  # fmt: skip
        fresh = sparse.csr_matrix(chance * np.kron(np.eye(slots), C)) @ moved
        newest = sparse.csr_matrix(chance * np.kron(C, C)) @ moved
        held_rows = aged @ crossed + _placed(fresh, 0, count * slots)
        squares = _placed(newest, 0, count) + _sparse(
            [later], [square + slots * count + np.arange(count)],
            [np.full(count, 1 - chance)], (count, size),
        )  # fmt: skip
        offset = square + (slots + 1) * count
        drawn = chance if self.workers > 1 else 0.0
        seen = sparse.kron(sparse.identity(count), sparse.csr_matrix(drawn * C)) @ crossed
        young = _sparse(
            [pairs[0, later] - offset], [np.arange(count)], [np.ones(count)],
            (size - offset, count),
        )  # fmt: skip
        first, other = np.indices((count, count))
        own, to = pairs[first, other].ravel(), pairs[later[first], later[other]].ravel()
        # Both (l, k) and (k, l) lead to a place off the diagonal; counted once there.
        off = later[first].ravel() != later[other].ravel()
        keep = np.where(off, 0.5, 1.0) * apart
        old = _sparse([to - offset], [own], [keep], (size - offset, size))
        return sparse.vstack([moved, held_rows, squares, young @ seen + old]).tocsc()

    @cached_property
    def mean_square_rate(self) -> Any:
        """The factor per update of second moments; its root is a rate of paths."""
        operator = self._operator
        size = operator.shape[0]
        if size <= _DENSE:
            return float(np.abs(np.linalg.eigvals(operator.toarray())).max())
        from scipy.sparse.linalg import ArpackNoConvergence, eigs

        try:
            found = eigs(operator, k=1, v0=np.ones(size), return_eigenvectors=False, ncv=40)
        except ArpackNoConvergence:  # where several eigenvalues are about as large
            found = np.linalg.eigvals(operator.toarray())
        return float(np.abs(found).max())

    def _source(self, ages: Array) -> Array:
        """What gradient noise of variance 1 adds to the unknowns."""
        _, B, C, _ = self._system
        slots, count, chance = len(B), len(ages), 1 / self.workers
        made = float(ages @ self.weights**2) * B @ B.T
        found = np.zeros(self._operator.shape[0])
        square = slots**2
        found[:square] = made.ravel()
        found[square : square + slots] = chance * (made @ C.T)[:, 0]
        found[square + slots * count] = chance * float((C @ made @ C.T)[0, 0])
        return found

    @cached_property
    def stationary_variance(self) -> Any:
        """The settled variance of the answer.

        Raises
        ------
        UnstableDynamicsError
            Where second moments do not settle.
        """
        if not self.mean_square_rate < 1:
            raise UnstableDynamicsError(
                f"No stationary variance: {type(self.method.method).__name__} with weights of "
                f"staleness and {self.workers:g} workers is unstable in mean square (second "
                f"moments grow by {self.mean_square_rate:.6g} a step); lower the learning rate."
            )
        from scipy import sparse
        from scipy.sparse.linalg import spsolve

        operator = self._operator
        settled = spsolve(
            (sparse.identity(operator.shape[0]) - operator).tocsc(), self._source(self._ages)
        )
        return self.noise_variance * self._seen(settled)

    def _seen(self, unknowns: Array) -> float:
        E = self._system[3]
        slots = E.shape[-1]
        return float((E @ unknowns[: slots**2].reshape(slots, slots) @ E.T)[0, 0])

    def path(self, steps: int, start: Scalar | State = 1) -> Moments:
        """Moments of the answer's displacement after 0, 1, …, `steps` updates.

        Parameters
        ----------
        steps : int
        start : scalar or tuple of scalars
            The displacement at rest, or the method's whole state; all workers read there at age 0.

        Returns
        -------
        Moments
            Arrays ``(steps + 1,)``; `covariance` is that of the state.
        """
        GLOSSARY["steps"].check(steps)
        _, _, C, E = self._system
        own = start if isinstance(start, tuple) else self.method.method.initial_state(start)
        state = np.array(own, dtype=float)
        slots, count = len(state), len(self.weights)
        query = float((C @ state)[0])
        mean = np.zeros(slots + count)
        mean[:slots], mean[slots] = state, query
        unknowns = np.zeros(self._operator.shape[0])
        square = slots**2
        unknowns[:square] = np.outer(state, state).ravel()
        unknowns[square : square + slots] = state * query
        unknowns[square + slots * count] = unknowns[self._pairs[0, 0]] = query**2
        ages = np.zeros(count)
        ages[0] = 1.0
        means, variances, covariances = [], [], []
        for _ in range(int(steps) + 1):
            spread = unknowns[:square].reshape(slots, slots) - np.outer(mean[:slots], mean[:slots])
            means.append(float((E @ mean[:slots])[0]))
            variances.append(float((E @ spread @ E.T)[0, 0]))
            covariances.append(spread)
            unknowns = self._operator @ unknowns + self.noise_variance * self._source(ages)
            mean = self._mean_matrix @ mean
            ages = self._after(ages)
        return Moments(
            mean=np.array(means), variance=np.array(variances), covariance=np.stack(covariances)
        )


def _sparse(rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=shape)


def _placed(rows: Any, first: int, count: int) -> Any:
    """Some rows among so many that are zero otherwise."""
    from scipy import sparse

    above, below = first, count - first - rows.shape[0]
    size = rows.shape[1]
    return sparse.vstack(
        [sparse.csr_matrix((above, size)), rows, sparse.csr_matrix((below, size))]
    ).tocsr()


def aged_moments(
    method: StalenessWeighted, curvature: Scalar, workers: Scalar, noise_variance: Scalar
) -> AgedMoments:
    """Moments of weighted gradients in the queue, for one setting of numbers.

    Raises
    ------
    NotTraceableError
        With symbols.
    ShapeError
        With batches.
    DomainError
        If the method takes several gradients a period, or sees its own.
    """
    system = state_space(method.method)
    numbers = (curvature, workers, noise_variance)
    if system.is_symbolic or any(map(is_symbolic, numbers)):
        raise NotTraceableError(
            "Moments with weights of staleness are answered for numbers only; give numbers."
        )
    if any(map(np.ndim, numbers)) or system.A.ndim > 2:
        raise ShapeError(
            "Moments with weights of staleness are answered for one setting at a time; the "
            "parameters, curvature, workers and noise_variance must be single numbers."
        )
    if period_of(method.method) != 1 or not all(map(is_zero, system.feedthrough[0])):
        raise DomainError(
            f"{type(method.method).__name__} has no settled step with one gradient that a worker "
            "can compute beforehand; weigh the gradients of another method."
        )
    return AgedMoments(
        method=method, curvature=float(curvature), workers=float(workers),
        noise_variance=float(noise_variance), weights=_weights(method.weight, float(workers)),
    )  # fmt: skip


def _weights(weight: Any, workers: float) -> Array:
    """Weights of ages 0, 1, …; the last is the mean over all older ones."""
    law = GeometricDelay(workers=workers)
    settles = getattr(weight, "settles", None)
    if settles is not None:
        return np.asarray(weight_table(weight, settles + 1))
    last = law.tail(_BEYOND) + 1
    table = np.asarray(weight_table(weight, last + law.tail(_NEVER) + 1))
    older = law.probabilities(len(table) - last)
    return np.append(table[:last], older @ table[last:] / older.sum())
