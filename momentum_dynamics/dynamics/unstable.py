"""A linear loop in numbers: its stages, the moments of its noise, its leading eigenvalue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Delay
from momentum_dynamics.dynamics.delayed import behind
from momentum_dynamics.dynamics.loop import gain
from momentum_dynamics.errors import DomainError, NotTraceableError
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import period_of, stage_of, transient_of
from momentum_dynamics.methods.rows import as_float, stack
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["Loop", "closed_loop", "leading", "noisy_moments", "over_a_period", "quadratic_form"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """A linear loop in numbers: M and the covariance of its noise by stage, readout and start.

    Attributes
    ----------
    transient, period : tuple of (array ``(*batch, slots, slots)``, array of the same shape)
        What the state is multiplied by, and the covariance added to it, in each stage.
    readout : array ``(*batch, slots)``
        Of the settled stages.
    first_readouts : tuple of array
        Of the stages before.
    rest : array ``(*batch, slots)``
        The state at rest at the start.
    """

    transient: tuple[tuple[Array, Array], ...]
    period: tuple[tuple[Array, Array], ...]
    readout: tuple[Array, ...]
    first_readouts: tuple[Array, ...]
    rest: Array

    def stage(self, step: int) -> tuple[Array, Array]:
        """What step `step` does."""
        first = len(self.transient)
        if step < first:
            return self.transient[step]
        return self.period[(step - first) % len(self.period)]

    def readout_of(self, step: int) -> Array:
        """How the answer is read before step `step`."""
        first = len(self.first_readouts)
        if step < first:
            return self.first_readouts[step]
        return self.readout[(step - first) % len(self.readout)]


def quadratic_form(vector: Array, matrix: Array) -> Any:
    """vᵀ M v, over batch axes."""
    return np.einsum("...i,...ij,...j->...", vector, matrix, vector)


def closed_loop(
    method: Method, curvature: Scalar, noise_variance: Scalar, start: Scalar, delay: Delay | None
) -> Loop:
    """The loop stage by stage, in numbers."""
    curvature = gain(curvature)
    whole = behind(method, delay)
    system = state_space(whole)  # refuses what never settles
    if any(map(is_symbolic, (curvature, noise_variance, start))) or system.is_symbolic:
        raise NotTraceableError(
            "The exit time is answered for numbers only; for symbols take the laws of "
            "momentum_dynamics.laws.saddles."
        )
    if np.iscomplexobj(curvature):
        raise DomainError("curvature is complex, but a saddle has real ones; give its real part.")
    h, variance = as_float(curvature), np.asarray(noise_variance, dtype=float)
    transient, period = transient_of(whole), period_of(whole) or 1
    stages, readouts = [], []
    for step in range(transient + period):
        own = state_space(whole, step=step)
        rows, injection = own.closed_rows(h)
        noise = stack(injection)
        source = variance[..., None, None] * (noise @ np.swapaxes(noise, -1, -2))
        matrix = stack(rows)
        shape = np.broadcast_shapes(matrix.shape, source.shape)
        stages.append((np.broadcast_to(matrix, shape), np.broadcast_to(source, shape)))
        readouts.append(stack(own.readout)[..., 0, :])
    slots = stage_of(whole, 0).initial_state(np.asarray(start, dtype=float))
    return Loop(
        transient=tuple(stages[:transient]),
        period=tuple(stages[transient:]),
        first_readouts=tuple(readouts[:transient]),
        readout=tuple(readouts[transient:]),
        rest=np.stack(np.broadcast_arrays(*slots), axis=-1).astype(float),
    )


def over_a_period(loop: Loop) -> tuple[Array, Array]:
    """What one settled period multiplies the state by, and the covariance that it adds."""
    matrix, source = loop.period[0]
    for later, added in loop.period[1:]:
        matrix = later @ matrix
        source = later @ source @ np.swapaxes(later, -1, -2) + added
    return matrix, source


def leading(matrix: Array, name: str) -> tuple[Array, Array, Array, Array]:
    """The leading eigenvalue, its right and left vectors with product 1, and the next modulus."""
    values, vectors = np.linalg.eig(matrix)
    others, covectors = np.linalg.eig(np.swapaxes(matrix, -1, -2))
    order = np.argsort(-np.abs(values), axis=-1)
    sizes = np.take_along_axis(np.abs(values), order, axis=-1)
    first = order[..., :1]
    value = np.take_along_axis(values, first, axis=-1)[..., 0]
    second = sizes[..., 1] if matrix.shape[-1] > 1 else np.zeros_like(sizes[..., 0])
    largest = sizes[..., 0]
    if np.any(largest <= 1 + _ROUNDING):
        raise DomainError(
            f"{name} never leaves: its loop does not grow here (largest eigenvalue "
            f"{np.min(largest):.6g}); give a negative curvature and a positive learning rate."
        )
    if np.any(np.abs(value.imag) > _ROUNDING * largest):
        raise DomainError(
            f"{name} rotates away: a complex pair leads its loop, for which the law of one "
            "unstable direction says nothing; lower the learning rate or the delay."
        )
    if np.any(second >= largest * (1 - _ROUNDING)):
        raise DomainError(
            f"{name} leaves in two ways equally fast, for which the law of one unstable direction "
            "says nothing; change the learning rate a little."
        )
    mate = np.argmin(np.abs(others - value[..., None]), axis=-1)[..., None]
    right = np.take_along_axis(vectors, first[..., None, :], axis=-1)[..., 0].real
    left = np.take_along_axis(covectors, mate[..., None, :], axis=-1)[..., 0].real
    left = left / np.einsum("...i,...i->...", left, right)[..., None]
    return value.real, right, left, second


_ROUNDING = 1e-10
"""How near eigenvalues must be to be taken as equal."""


def noisy_moments(loop: Loop, steps: int) -> tuple[Array, Array]:
    """The exact mean and variance of a loop's answer by step, each ``(steps + 1, *batch)``."""
    mean, spread = loop.rest, np.zeros_like(loop.period[0][1])
    means, variances = [], []
    for step in range(steps + 1):
        row = loop.readout_of(step)
        means.append(np.einsum("...i,...i->...", row, mean))
        variances.append(quadratic_form(row, spread))
        matrix, source = loop.stage(step)
        mean = np.einsum("...ij,...j->...i", matrix, mean)
        spread = matrix @ spread @ np.swapaxes(matrix, -1, -2) + source
    return np.stack(np.broadcast_arrays(*means)), np.stack(np.broadcast_arrays(*variances))
