"""A small network on scikit-learn's digits, by whole or small batches, and its Hessian."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import require_counts

__all__ = ["DigitsNetwork"]

Array = NDArray[np.float64]

_PIXELS, _CLASSES = 64, 10


class DigitsNetwork:
    """Half the squared error of a tanh network with one hidden layer on the digits.

    All samples are one batch unless one is given; they are centered pixel by pixel. The minimum is
    not known, so there is no `spectrum`: what has a sharpness is a point, by `sharpness`.

    Parameters
    ----------
    samples : int
        How many of the 1,797 digits, the first ones.
    hidden : int
        Units of the hidden layer.
    seed : int
        Of the Gaussian weights that runs start from.

    Raises
    ------
    DomainError
        If a number is not admissible.

    Notes
    -----
    Needs autograd and scikit-learn.

    Examples
    --------
    >>> network = DigitsNetwork(samples=50, hidden=4)
    >>> network.dimension
    310
    >>> along = np.ones(network.dimension)
    >>> ahead, behind = (network.field(network.start + step * along) for step in (1e-5, -1e-5))
    >>> slope = (ahead - behind) / 2e-5
    >>> bool(np.allclose(slope, network.hessian_product(network.start, along), atol=1e-6))
    True
    """

    def __init__(self, *, samples: int = 200, hidden: int = 16, seed: int = 0) -> None:
        require_counts(samples=samples, hidden=hidden)
        if not 2 <= samples <= 1797:
            raise DomainError(f"samples is {samples}, but must be a whole number from 2 to 1,797.")
        from sklearn.datasets import load_digits

        images, digits = load_digits(return_X_y=True)
        images = np.asarray(images[:samples], dtype=float) / 16
        self.inputs: Array = images - images.mean(axis=0)
        self.targets: Array = np.eye(_CLASSES)[digits[:samples]]
        self.hidden, self.seed = int(hidden), int(seed)

    def __repr__(self) -> str:
        """Say the size."""
        return f"DigitsNetwork(samples={len(self.inputs)}, hidden={self.hidden}, seed={self.seed})"

    @property
    def dimension(self) -> int:
        """How many weights and biases there are."""
        return (_PIXELS + 1) * self.hidden + (self.hidden + 1) * _CLASSES

    @cached_property
    def start(self) -> Array:
        """Gaussian weights of variance one half over the inputs of a unit, and no biases."""
        rng = np.random.default_rng(self.seed)
        first = rng.normal(size=(_PIXELS, self.hidden)) / np.sqrt(2 * _PIXELS)
        second = rng.normal(size=(self.hidden, _CLASSES)) / np.sqrt(2 * self.hidden)
        parts = (first.ravel(), np.zeros(self.hidden), second.ravel(), np.zeros(_CLASSES))
        return np.concatenate(parts)

    @property
    def solution(self) -> Array:
        """Nobody knows the minimum; distances are measured from the start."""
        return self.start

    def loss(self, point: Any, batch: Any = None) -> Any:
        """Half the squared error, in the mean over samples.

        Parameters
        ----------
        point : array ``(*lanes, dimension)``
        batch : array of int ``(*lanes, batch_size)``, optional
            Which samples; all by default.

        Returns
        -------
        array ``(*lanes,)``
        """
        import autograd.numpy as anp

        lanes = point.shape[:-1]
        chosen = slice(None) if batch is None else batch
        inputs, targets = self.inputs[chosen], self.targets[chosen]
        edge = _PIXELS * self.hidden
        last = edge + self.hidden
        first = point[..., :edge].reshape((*lanes, _PIXELS, self.hidden))
        second = point[..., last:-_CLASSES].reshape((*lanes, self.hidden, _CLASSES))
        seen = anp.tanh(anp.matmul(inputs, first) + point[..., None, edge:last])
        missing = anp.matmul(seen, second) + point[..., None, -_CLASSES:] - targets
        return anp.sum(missing**2, axis=(-2, -1)) / (2 * inputs.shape[-2])

    def field(self, point: Array, batch: Any = None) -> Array:
        """The gradient, ``(*lanes, dimension)``, on all samples or on a batch."""
        import autograd.numpy as anp
        from autograd import grad

        return np.asarray(grad(lambda at: anp.sum(self.loss(at, batch)))(point))

    def hessian_product(self, point: Array, along: Array, batch: Any = None) -> Array:
        """The Hessian times a vector, ``(*lanes, dimension)``, on all samples or on a batch."""
        import autograd.numpy as anp
        from autograd import make_hvp

        return np.asarray(make_hvp(lambda at: anp.sum(self.loss(at, batch)))(point)[0](along))

    def sharpness(self, point: Array) -> float:
        """The largest eigenvalue of the Hessian at one point, from products alone."""
        from autograd import make_hvp
        from scipy.sparse.linalg import LinearOperator, eigsh

        product = make_hvp(self.loss)(np.asarray(point, dtype=float))[0]
        operator = LinearOperator((self.dimension,) * 2, matvec=product, dtype=float)
        first = np.random.default_rng(0).normal(size=self.dimension)
        (found,) = eigsh(operator, k=1, which="LA", v0=first, tol=1e-4, return_eigenvectors=False)
        return float(found)

    def draw(self, batch_size: int, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Batches without repetition, ``(*shape, batch_size)``.

        From equal generators a smaller batch is the beginning of a larger one.
        """
        return rng.random((*shape, len(self.inputs))).argsort(axis=-1)[..., :batch_size]

    def batch_sharpness(
        self, point: Array, batch_size: int, rng: np.random.Generator, *, batches: int = 128
    ) -> tuple[float, float]:
        """The curvature that batches have along their gradients, and that the whole has along them.

        E gᵀHg/E|g|² over batches: first with gradient and Hessian of the same batch, the batch
        sharpness, then with the Hessian of all samples.

        Parameters
        ----------
        point : array ``(dimension,)``
        batch_size : int
            From 1 to the number of samples.
        rng : Generator
            Of the batches.
        batches : int
            How many are drawn; of whole batches there is one.

        Raises
        ------
        DomainError
            If there are no such batches, or none is drawn.

        References
        ----------
        [andreyev2024]_
        """
        samples = len(self.inputs)
        require_counts(batch_size=batch_size, batches=batches)
        if batch_size > samples:
            raise DomainError(
                f"batch_size is {batch_size}, but must be a whole number from 1 to {samples}."
            )
        batch = self.draw(batch_size, (1 if batch_size == samples else batches,), rng)
        points = np.repeat(np.asarray(point, dtype=float)[None], len(batch), axis=0)
        gradients = self.field(points, batch)
        squares = np.sum(gradients**2)
        own = np.sum(gradients * self.hessian_product(points, gradients, batch)) / squares
        # The Hessian of all samples costs the most: a quarter of the gradients is enough for it.
        some = slice(-(-len(batch) // 4))
        gradients, points = gradients[some], points[some]
        along = np.sum(gradients * self.hessian_product(points, gradients)) / np.sum(gradients**2)
        return float(own), float(along)
