"""The optimizers that people train with, as pure functions, in PyTorch's conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods import Method, TorchSGD
from momentum_dynamics.tuning import Optimizer

__all__ = [
    "AdaGrad",
    "Adam",
    "Info",
    "MethodOptimizer",
    "RMSProp",
    "WithoutMomentum",
    "momentum",
    "nesterov",
    "sgd",
]

Array: TypeAlias = NDArray[np.float64]
Info: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class MethodOptimizer:
    """A momentum method whose first slot is the point, as an optimizer.

    Parameters
    ----------
    method : Method
        Such as `TorchSGD`. Its other slots are the state.

    Examples
    --------
    >>> optimizer = momentum(learning_rate=0.5)
    >>> state = optimizer.init(np.array([1.0]))
    >>> state, parameters, info = optimizer.update(state, np.array([1.0]), np.array([1.0]))
    >>> parameters, info["momentum"]
    (array([0.5]), 0.9)
    """

    method: Method

    def init(self, parameters: Array) -> tuple[Array, ...]:
        return tuple(self.method.initial_state(parameters)[1:])

    def update(
        self, state: tuple[Array, ...], gradient: Array, parameters: Array
    ) -> tuple[tuple[Array, ...], Array, Info]:
        point, *rest = self.method.update((parameters, *state), gradient)
        info = {name: getattr(self.method, name, 0.0) for name in ("learning_rate", "momentum")}
        return tuple(rest), point, info


def sgd(*, learning_rate: float) -> MethodOptimizer:
    """Gradient descent: x ← x − αg."""
    return MethodOptimizer(method=TorchSGD(learning_rate=learning_rate, momentum=0.0))


def momentum(*, learning_rate: float, momentum: float = 0.9) -> MethodOptimizer:
    """Heavy ball as ``torch.optim.SGD``: v ← βv + g, x ← x − αv."""
    return MethodOptimizer(method=TorchSGD(learning_rate=learning_rate, momentum=momentum))


def nesterov(*, learning_rate: float, momentum: float = 0.9) -> MethodOptimizer:
    """Nesterov's momentum as ``torch.optim.SGD``: v ← βv + g, x ← x − α(g + βv)."""
    method = TorchSGD(learning_rate=learning_rate, momentum=momentum, nesterov=True)
    return MethodOptimizer(method=method)


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Steps by the mean gradient over the root of the mean square, both without their bias.

    Parameters
    ----------
    learning_rate : float
    mean_smoothing, square_smoothing : float
        What a step leaves of the mean and of the mean square.
    floor : float
        Added to the root.

    Notes
    -----
    As ``torch.optim.Adam``: the floor is added after the bias is taken off. [kingma2015]_
    """

    learning_rate: float
    mean_smoothing: float = 0.9
    square_smoothing: float = 0.999
    floor: float = 1e-8

    def init(self, parameters: Array) -> tuple[int, Array, Array]:
        return 0, np.zeros_like(parameters), np.zeros_like(parameters)

    def update(
        self, state: tuple[int, Array, Array], gradient: Array, parameters: Array
    ) -> tuple[tuple[int, Array, Array], Array, Info]:
        step, mean, square = state
        mean = self.mean_smoothing * mean + (1 - self.mean_smoothing) * gradient
        square = self.square_smoothing * square + (1 - self.square_smoothing) * gradient**2
        step += 1
        size = self.learning_rate / (1 - self.mean_smoothing**step)
        root = np.sqrt(square / (1 - self.square_smoothing**step)) + self.floor
        info = {"learning_rate": self.learning_rate, "momentum": self.mean_smoothing}
        return (step, mean, square), parameters - size * mean / root, info


@dataclass(frozen=True, kw_only=True)
class AdaGrad:
    """Steps by the gradient over the root of the sum of all its squares.

    Parameters
    ----------
    learning_rate : float
    floor : float
        Added to the root.

    Notes
    -----
    As ``torch.optim.Adagrad``. [duchi2011]_
    """

    learning_rate: float
    floor: float = 1e-10

    def init(self, parameters: Array) -> Array:
        return np.zeros_like(parameters)

    def update(self, state: Array, gradient: Array, parameters: Array) -> tuple[Array, Array, Info]:
        total = state + gradient**2
        moved = parameters - self.learning_rate * gradient / (np.sqrt(total) + self.floor)
        return total, moved, {"learning_rate": self.learning_rate, "momentum": 0.0}


@dataclass(frozen=True, kw_only=True)
class RMSProp:
    """Steps by the gradient over the root of its mean square.

    Parameters
    ----------
    learning_rate : float
    square_smoothing : float
        What a step leaves of the mean square.
    floor : float
        Added to the root.

    Notes
    -----
    As ``torch.optim.RMSprop``: the mean square starts at 0 and keeps that bias. [tieleman2012]_
    """

    learning_rate: float
    square_smoothing: float = 0.99
    floor: float = 1e-8

    def init(self, parameters: Array) -> Array:
        return np.zeros_like(parameters)

    def update(self, state: Array, gradient: Array, parameters: Array) -> tuple[Array, Array, Info]:
        square = self.square_smoothing * state + (1 - self.square_smoothing) * gradient**2
        moved = parameters - self.learning_rate * gradient / (np.sqrt(square) + self.floor)
        return square, moved, {"learning_rate": self.learning_rate, "momentum": 0.0}


@dataclass(frozen=True, kw_only=True)
class WithoutMomentum:
    """Gradient descent with the gain of a tuner: x ← x − α/(1 − β) g, with the tuner's α and β.

    It tells whether a tuner's momentum did more than to enlarge the step: in the long run a
    constant gradient moves both equally far.

    Parameters
    ----------
    tuner : Optimizer
        Its info tells ``learning_rate``, ``momentum`` and perhaps ``clip``, the factor by which it
        shortened the gradient.

    Examples
    --------
    >>> optimizer = WithoutMomentum(tuner=momentum(learning_rate=0.1))
    >>> point = np.zeros(1)
    >>> optimizer.update(optimizer.init(point), np.ones(1), point)[1]
    array([-1.])
    """

    tuner: Optimizer

    def init(self, parameters: Array) -> Any:
        return self.tuner.init(parameters)

    def update(self, state: Any, gradient: Array, parameters: Array) -> tuple[Any, Array, Info]:
        state, _, info = self.tuner.update(state, gradient, parameters)
        rate = info["learning_rate"] / (1 - info["momentum"])
        moved = parameters - (rate * info.get("clip", 1.0)) * gradient
        return state, moved, {**info, "learning_rate": rate, "momentum": 0.0}
