"""A small network on scikit-learn's digits, whole-batch, with products of its Hessian."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError

__all__ = ["DigitsNetwork"]

Array = NDArray[np.float64]

_PIXELS, _CLASSES = 64, 10


class DigitsNetwork:
    """Half the squared error of a tanh network with one hidden layer on the digits.

    All samples are one batch, centered pixel by pixel. The minimum is not known, so there is no
    `spectrum`: what has a sharpness is a point, by `sharpness`.

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
        if not (samples == int(samples) and 1 < samples <= 1797):
            raise DomainError(f"samples is {samples}, but must be a whole number from 2 to 1,797.")
        if not (hidden == int(hidden) and hidden > 0):
            raise DomainError(f"hidden is {hidden}, but must be a whole number from 1.")
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

    def loss(self, point: Any) -> Any:
        """Half the squared error, in the mean over samples, at one point."""
        import autograd.numpy as anp

        edge = _PIXELS * self.hidden
        last = edge + self.hidden
        first = point[:edge].reshape((_PIXELS, self.hidden))
        second = point[last:-_CLASSES].reshape((self.hidden, _CLASSES))
        seen = anp.tanh(anp.dot(self.inputs, first) + point[edge:last])
        missing = anp.dot(seen, second) + point[-_CLASSES:] - self.targets
        return anp.sum(missing**2) / (2 * len(self.inputs))

    def field(self, point: Array) -> Array:
        """The gradient at one point."""
        from autograd import grad

        return np.asarray(grad(self.loss)(point))

    def hessian_product(self, point: Array, along: Array) -> Array:
        """The Hessian at one point times a vector."""
        from autograd import make_hvp

        return np.asarray(make_hvp(self.loss)(point)[0](along))

    def sharpness(self, point: Array) -> float:
        """The largest eigenvalue of the Hessian at one point, from products alone."""
        from autograd import make_hvp
        from scipy.sparse.linalg import LinearOperator, eigsh

        product = make_hvp(self.loss)(np.asarray(point, dtype=float))[0]
        operator = LinearOperator((self.dimension,) * 2, matvec=product, dtype=float)
        first = np.random.default_rng(0).normal(size=self.dimension)
        (found,) = eigsh(operator, k=1, which="LA", v0=first, tol=1e-4, return_eigenvectors=False)
        return float(found)
