"""A GAN of two small networks that is to learn a ring of Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, NotTraceableError, UnknownNameError
from momentum_dynamics.inputs import one_number, require_counts

__all__ = ["Coverage", "RingGAN"]

Array = NDArray[np.float64]
Layers: TypeAlias = Sequence[Any]
"""Weights ``(*any, inputs, outputs)`` and biases ``(*any, outputs)`` in turn."""

_LOSSES = ("saturating", "non-saturating")


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """How well samples cover the ring; arrays ``(*any,)``.

    Attributes
    ----------
    modes : array
        How many Gaussians hold at least 2 % of the samples.
    quality : array
        The share of samples that lie near one of them.
    total_variation : array
        Distance of the shares of the Gaussians, and of what lies near none, from equal shares.
    """

    modes: Array
    quality: Array
    total_variation: Array


class RingGAN:
    """A generator and a discriminator, each with two hidden layers of tanh, on a ring of Gaussians.

    The generator turns two normal numbers into a point of the plane, and the discriminator tells
    points of the data from those of the generator by a logistic loss. Every gradient is that of a
    batch that is drawn anew, so gradients are right on average.

    Parameters
    ----------
    gaussians : int
        On a circle of radius 1.
    deviation : float
        Of each Gaussian.
    hidden : int
        Units of each hidden layer.
    batch_size : int
    loss : {"saturating", "non-saturating"}
        What the generator lowers: log(1 − D), which is flat where it is found out, or −log D.
    seed : int or Generator, optional
        Of the batches; the same seed and the same calls give the same batches.

    Raises
    ------
    DomainError
        If a size is no whole number from 1, or the deviation is negative.
    UnknownNameError
        If there is no such loss.

    Notes
    -----
    Gradients are computed in single precision by autograd, which comes with
    ``momentum_dynamics[reproduce]``. Points may have any axes in front: replicas, each with its own
    batches, are computed at once.

    Examples
    --------
    >>> game = RingGAN(hidden=4, batch_size=8, seed=0)
    >>> game.sizes
    (42, 37)
    >>> game.field(game.start).shape
    (79,)
    """

    def __init__(
        self,
        *,
        gaussians: int = 8,
        deviation: float = 0.05,
        hidden: int = 32,
        batch_size: int = 128,
        loss: str = "saturating",
        seed: Any = None,
    ) -> None:
        require_counts(gaussians=gaussians, hidden=hidden, batch_size=batch_size)
        if not 0 <= one_number("deviation", deviation) < np.inf:
            raise DomainError(f"deviation is {deviation}, but must lie in [0, ∞).")
        if loss not in _LOSSES:
            raise UnknownNameError.among("loss", loss, _LOSSES)
        self.gaussians, self.hidden, self.batch_size = (
            int(size) for size in (gaussians, hidden, batch_size)
        )
        self.deviation, self.loss = float(deviation), loss
        self._rng = np.random.default_rng(seed)

    def __repr__(self) -> str:
        """Say the loss and the sizes."""
        return f"RingGAN({self.loss}, hidden={self.hidden}, batch_size={self.batch_size})"

    @property
    def shapes(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """The shapes of weights and biases of generator and discriminator."""
        width = self.hidden
        inner = ((2, width), (width,), (width, width), (width,))
        return (*inner, (width, 2), (2,)), (*inner, (width, 1), (1,))

    @property
    def sizes(self) -> tuple[int, int]:
        """How many weights and biases each player has."""
        generator, discriminator = (
            sum(math.prod(shape) for shape in shapes) for shapes in self.shapes
        )
        return generator, discriminator

    @property
    def dimension(self) -> int:
        """Weights and biases of both."""
        return sum(self.sizes)

    def starts(self, count: int, seed: Any) -> Array:
        """Random networks ``(count, dimension)``: weights of variance 1/inputs, biases 0."""
        rng = np.random.default_rng(seed)
        parts = [
            rng.standard_normal((count, math.prod(shape))) / np.sqrt(shape[0])
            if len(shape) > 1
            else np.zeros((count, *shape))
            for shapes in self.shapes
            for shape in shapes
        ]
        return np.concatenate(parts, axis=-1)

    @property
    def start(self) -> Array:
        """The random networks of seed 0."""
        return self.starts(1, 0)[0]

    @property
    def solution(self) -> Array:
        """NaN: no equilibrium is known."""
        return np.full(self.dimension, np.nan)

    @property
    def centers(self) -> Array:
        """The means of the Gaussians, ``(gaussians, 2)``."""
        angle = 2 * np.pi * np.arange(self.gaussians) / self.gaussians
        return np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    def data(self, size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
        """Points of the ring, ``(*size, 2)``."""
        chosen = self.centers[rng.integers(self.gaussians, size=size)]
        return chosen + self.deviation * rng.standard_normal(chosen.shape)

    def generated(self, point: Array, count: int, rng: np.random.Generator) -> Array:
        """Points of the generator, ``(*any, count, 2)``."""
        noise = rng.standard_normal((*point.shape[:-1], count, 2), dtype=np.float32)
        return np.asarray(_network(self._parts(point)[0], noise), dtype=float)

    def coverage(self, samples: Array, *, near: float = 0.2, least: float = 0.02) -> Coverage:
        """How well samples ``(*any, count, 2)`` cover the ring.

        Parameters
        ----------
        samples : array
        near : float
            The distance from a mean up to which a sample belongs to it.
        least : float
            The share of samples from which a Gaussian counts as found.
        """
        distance = np.linalg.norm(samples[..., None, :] - self.centers, axis=-1)
        nearest = distance.argmin(axis=-1)
        hit = (distance.min(axis=-1) <= near)[..., None]
        share = ((nearest[..., None] == np.arange(self.gaussians)) & hit).mean(axis=-2)
        quality = share.sum(axis=-1)
        apart = np.abs(share - 1 / self.gaussians).sum(axis=-1) + (1 - quality)
        return Coverage(
            modes=(share >= least).sum(axis=-1).astype(float),
            quality=quality,
            total_variation=apart / 2,
        )

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient on a new batch for each of the points ``(*any, dimension)``."""
        lanes = (*point.shape[:-1], self.batch_size)
        noise = self._rng.standard_normal((*lanes, 2), dtype=np.float32)
        generator, discriminator = self._parts(point)
        if index == 0:
            # The layers of the discriminator are constants of this loss.
            return _gradient(generator, lambda own: self._generator_loss(own, discriminator, noise))
        real = self.data(lanes, self._rng).astype(np.float32)
        told = np.concatenate([real, np.asarray(_network(generator, noise))], axis=-2)
        return _gradient(discriminator, lambda own: self._discriminator_loss(own, told))

    def field(self, point: Array) -> Array:
        """Both gradients at points ``(*any, dimension)``, each on batches of its own."""
        return np.concatenate([self.player_field(index, point) for index in (0, 1)], axis=-1)

    def jacobian(self, point: Array | None = None) -> Any:  # noqa: ARG002 - there is none
        """None is known.

        Raises
        ------
        NotTraceableError
            Always.
        """
        raise NotTraceableError(
            f"{self!r} has random gradients and no known equilibrium, so there is no Jacobian at "
            "it; play it, or ask a GAN that can be solved, such as DiracGAN()."
        )

    def spectrum(self) -> Any:
        """None is known.

        Raises
        ------
        NotTraceableError
            Always.
        """
        return self.jacobian()

    def _parts(self, point: Array) -> tuple[Layers, Layers]:
        """The weights and biases of both, in single precision, as is usual for networks."""
        whole = point.astype(np.float32)
        own, other = whole[..., : self.sizes[0]], whole[..., self.sizes[0] :]
        return _unpack(own, self.shapes[0]), _unpack(other, self.shapes[1])

    def _generator_loss(self, own: Layers, other: Layers, noise: Any) -> Any:
        """Summed over the axes in front, so that each point gets the gradient of its own loss."""
        import autograd.numpy as anp

        score = _network(other, _network(own, noise))
        if self.loss == "saturating":
            return -anp.sum(anp.logaddexp(0, score)) / self.batch_size
        return anp.sum(anp.logaddexp(0, -score)) / self.batch_size

    def _discriminator_loss(self, own: Layers, told: Array) -> Any:
        """Of the data, which come first, and of what was generated."""
        import autograd.numpy as anp

        sign = np.repeat(np.array([-1, 1], dtype=np.float32), self.batch_size)[:, None]
        return anp.sum(anp.logaddexp(0, sign * _network(own, told))) / self.batch_size


def _unpack(parameters: Any, shapes: Sequence[tuple[int, ...]]) -> Layers:
    """Cut a flat vector into arrays ``(*any, *shape)``."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    pieces = np.split(parameters, ends, axis=-1)
    return tuple(
        piece.reshape((*parameters.shape[:-1], *shape))
        for piece, shape in zip(pieces, shapes, strict=True)
    )


def _gradient(layers: Layers, loss: Callable[[Any], Any]) -> Array:
    """The derivative with respect to every weight and bias, flat again."""
    from autograd import grad

    found = grad(lambda *own: loss(own), tuple(range(len(layers))))(*layers)
    lanes = layers[1].shape[:-1]
    flat = [np.asarray(part, dtype=float).reshape((*lanes, -1)) for part in found]
    return np.concatenate(flat, axis=-1)


def _network(layers: Layers, inputs: Any) -> Any:
    """Dense layers with tanh between them, of inputs ``(*any, batch, 2)``."""
    import autograd.numpy as anp

    values = inputs
    for depth in range(0, len(layers), 2):
        values = anp.matmul(values, layers[depth]) + layers[depth + 1][..., None, :]
        if depth + 2 < len(layers):
            values = anp.tanh(values)
    return values
