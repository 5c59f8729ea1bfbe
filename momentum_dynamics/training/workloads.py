"""Small learning problems on real data that needs no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.training import networks
from momentum_dynamics.training.networks import Shapes
from momentum_dynamics.training.texts import zen

__all__ = ["WORKLOADS", "Workload", "recurrent_rows", "workload"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_SPLIT = 0
"""Seed of the order in which samples are cut into training and test data, the same for all runs."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Workload:
    """A loss over samples, differentiated by autograd, with its data and its initial parameters.

    Attributes
    ----------
    name, title : str
    inputs, targets : array ``(samples, …)``
        Of the training data.
    test_inputs, test_targets : array ``(samples, …)``
        Empty where there is no accuracy to measure.
    shapes : shapes
        Of the arrays that the flat parameters consist of.
    gains : tuple of float
        Of each of these arrays: its entries start as Gaussians with this standard deviation.
    loss : callable
        ``loss(parameters, inputs, targets)`` gives one number for each lane.
    scores : callable or None
        ``scores(parameters, inputs)`` gives numbers whose largest tells the class.
    batch_size : int
    """

    name: str
    title: str
    inputs: Array
    targets: Array
    test_inputs: Array
    test_targets: Array
    shapes: Shapes
    gains: tuple[float, ...]
    loss: Callable[[Any, Any, Any], Any]
    scores: Callable[[Any, Any], Any] | None = None
    batch_size: int = 32

    def __repr__(self) -> str:
        """One line."""
        return f"<Workload {self.name}: {self.title}>"

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return networks.size_of(self.shapes)

    @property
    def has_accuracy(self) -> bool:
        """Whether there are classes and test data."""
        return self.scores is not None and len(self.test_inputs) > 0

    def initial_parameters(self, seed: int) -> Array:
        """Gaussian weights and zero biases, ``(size,)``, the same for the same seed."""
        rng = np.random.default_rng([seed, 0])
        parts = [
            gain * rng.standard_normal(shape).ravel()
            for shape, gain in zip(self.shapes, self.gains, strict=True)
        ]
        return np.concatenate(parts)

    def batches(self, seed: int, steps: int) -> Indices:
        """Which samples each step sees, ``(steps, batch_size)``: an order for each epoch.

        A longer run begins with the batches of a shorter one.
        """
        rng = np.random.default_rng([seed, 1])
        samples = len(self.inputs)
        epochs = -(-steps * self.batch_size // samples)
        order = np.concatenate([rng.permutation(samples) for _ in range(epochs)])
        return order[: steps * self.batch_size].reshape(steps, self.batch_size)

    def loss_and_gradient(self, parameters: Array, batch: Indices) -> tuple[Array, Array]:
        """The loss on some samples and its gradient.

        Parameters
        ----------
        parameters : array ``(*lanes, size)``
        batch : array of int ``(*lanes, batch_size)``
            Which samples of the training data.

        Returns
        -------
        loss : array ``(*lanes,)``
        gradient : array ``(*lanes, size)``
        """
        from autograd.core import make_vjp
        from autograd.extend import vspace

        inputs, targets = self.inputs[batch], self.targets[batch]
        backwards, loss = make_vjp(lambda at: self.loss(at, inputs, targets), parameters)
        return loss, backwards(vspace(loss).ones())

    def gradient_product(self, parameters: Array, batch: Indices) -> Array:
        """The Hessian of the loss on some samples times its gradient there, ``(*lanes, size)``.

        Half the squared norm of the gradient, differentiated: two to five times the cost of one.

        Parameters
        ----------
        parameters : array ``(*lanes, size)``
        batch : array of int ``(*lanes, batch_size)``
            Which samples of the training data.
        """
        import autograd.numpy as anp
        from autograd import grad

        inputs, targets = self.inputs[batch], self.targets[batch]
        gradient = grad(lambda at: anp.sum(self.loss(at, inputs, targets)))
        return np.asarray(grad(lambda at: anp.sum(gradient(at) ** 2) / 2)(parameters))

    def train_loss(self, parameters: Array) -> Array:
        """The loss on all training data, ``(*lanes,)``."""
        return np.asarray(self.loss(parameters, self.inputs, self.targets))

    def test_accuracy(self, parameters: Array) -> Array:
        """The share of test samples whose largest score is at their class, ``(*lanes,)``.

        NaN where there are no test data.
        """
        if self.scores is None or not self.has_accuracy:
            return np.full(parameters.shape[:-1], np.nan)
        found = np.argmax(self.scores(parameters, self.test_inputs), axis=-1)
        return np.asarray(np.mean(found == np.argmax(self.test_targets, axis=-1), axis=-1))


def _one_hot(values: Any, count: int) -> Array:
    return np.eye(count)[np.asarray(values, dtype=int)]


def _classes(loader: str, *, test: int) -> tuple[Array, Array, Array, Array]:
    """Inputs and one-hot targets of a data set of scikit-learn, for training and for the test."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{loader}")(return_X_y=True)
    order = np.random.default_rng(_SPLIT).permutation(len(X))
    X, y = np.asarray(X, dtype=float)[order], _one_hot(y[order], int(y.max()) + 1)
    return X[test:], y[test:], X[:test], y[:test]


def _standardized(loader: str, *, test: int) -> tuple[Array, Array, Array, Array]:
    X, y, test_X, test_y = _classes(loader, test=test)
    mean, spread = X.mean(axis=0), X.std(axis=0)
    return (X - mean) / spread, y, (test_X - mean) / spread, test_y


def _digits(shape: tuple[int, ...] = (64,)) -> tuple[Array, Array, Array, Array]:
    X, y, test_X, test_y = _classes("digits", test=450)
    return X.reshape(-1, *shape) / 16, y, test_X.reshape(-1, *shape) / 16, test_y


def _classifier(
    name: str,
    title: str,
    data: tuple[Array, Array, Array, Array],
    scores: Callable[[Any, Any], Any],
    shapes: Shapes,
    gains: tuple[float, ...],
    *,
    ridge: float = 0.0,
    batch_size: int = 32,
) -> Workload:
    def loss(parameters: Any, inputs: Any, targets: Any) -> Any:
        found = networks.cross_entropy(scores(parameters, inputs), targets)
        return found + ridge * networks.squares(parameters) if ridge else found

    inputs, targets, test_inputs, test_targets = data
    return Workload(
        name=name,
        title=title,
        inputs=inputs,
        targets=targets,
        test_inputs=test_inputs,
        test_targets=test_targets,
        shapes=shapes,
        gains=gains,
        loss=loss,
        scores=scores,
        batch_size=batch_size,
    )


def _layered(
    name: str, title: str, data: Any, widths: tuple[int, ...], *, ridge: float = 0.0
) -> Workload:
    shapes: list[tuple[int, ...]] = []
    gains: list[float] = []
    for before, after in pairwise(widths):
        shapes += [(before, after), (after,)]
        gains += [before**-0.5, 0.0]
    scores = partial(networks.layered_scores, shapes=shapes)
    return _classifier(name, title, data, scores, shapes, tuple(gains), ridge=ridge)


def _digits_layered() -> Workload:
    return _layered("digits-mlp", "two dense layers on digits", _digits(), (64, 32, 10))


def _cancer_layered() -> Workload:
    data = _standardized("breast_cancer", test=142)
    return _layered("cancer-mlp", "two dense layers on breast cancer", data, (30, 16, 2))


def _wine_softmax() -> Workload:
    data = _standardized("wine", test=45)
    title = "softmax regression on wine, with a ridge of 0.01"
    return _layered("wine-softmax", title, data, (13, 3), ridge=0.01)


def _digits_factors(rows: int = 256, rank: int = 8) -> Workload:
    images = _digits()[0][:rows]
    shapes = [(rows, rank), (rank, 64)]
    nothing = np.empty((0, rows))
    return Workload(
        name="digits-factors",
        title=f"factors of rank {rank} of {rows} digits",
        inputs=np.eye(rows),
        targets=images,
        test_inputs=nothing,
        test_targets=nothing,
        shapes=shapes,
        gains=(rank**-0.5, 0.1),
        loss=partial(networks.factor_loss, shapes=shapes),
    )


def _digits_convolved(channels: int = 8) -> Workload:
    inputs, targets, test_inputs, test_targets = _digits((8, 8))
    data = (networks.patches(inputs, 3), targets, networks.patches(test_inputs, 3), test_targets)
    shapes = [(9, channels), (channels,), (9 * channels, 10), (10,)]
    return _classifier(
        "digits-convolved", "a convolution and a dense layer on digits", data,
        partial(networks.convolved_scores, shapes=shapes), shapes,
        (1 / 3, 0.0, (9 * channels) ** -0.5, 0.0), batch_size=16,
    )  # fmt: skip


def _recurrent_shapes(features: int, hidden: int, classes: int) -> Shapes:
    return [(features, hidden), (hidden, hidden), (hidden,), (hidden, classes), (classes,)]


def _digits_rows(hidden: int = 24) -> Workload:
    shapes = _recurrent_shapes(8, hidden, 10)
    return _classifier(
        "digits-rows", "a recurrent net on the rows of digits", _digits((8, 8)),
        partial(networks.recurrent_scores, shapes=shapes), shapes,
        (8**-0.5, hidden**-0.5, 0.0, hidden**-0.5, 0.0),
    )  # fmt: skip


def recurrent_rows(*, samples: int = 32, hidden: int = 4, ridge: float = 0.05) -> Workload:
    """A recurrent net on the rows of a few digits, all in one batch, with a ridge.

    With momentum 0.99 and learning rate 0.01 all its variables converge linearly.

    Parameters
    ----------
    samples, hidden : int
        How many digits, and how long the state is.
    ridge : float
        Half of it times the squared length of all parameters is added to the loss.

    Returns
    -------
    Workload

    Examples
    --------
    >>> recurrent_rows(samples=20).size
    102
    """
    shapes = _recurrent_shapes(8, hidden, 10)
    inputs, targets, test_inputs, test_targets = _digits((8, 8))
    return _classifier(
        "digits-rows-ridge", f"a recurrent net on the rows of {samples} digits, with a ridge",
        (inputs[:samples], targets[:samples], test_inputs, test_targets),
        partial(networks.recurrent_scores, shapes=shapes), shapes,
        (8**-0.5, hidden**-0.5, 0.0, hidden**-0.5, 0.0), ridge=ridge, batch_size=samples,
    )  # fmt: skip


def _digits_explosive(hidden: int = 24, gain: float = 2.0) -> Workload:
    shapes = _recurrent_shapes(4, hidden, 10)
    scores = partial(networks.recurrent_scores, shapes=shapes, is_rectified=True)
    return _classifier(
        "digits-explosive",
        "a rectified recurrent net on half rows of digits that starts with large weights",
        _digits((16, 4)), scores, shapes,
        (0.5, gain * hidden**-0.5, 0.0, hidden**-0.5, 0.0),
    )  # fmt: skip


def _zen_letters(times: int = 12, hidden: int = 24) -> Workload:
    text = zen()
    letters = sorted(set(text))
    coded = _one_hot([letters.index(letter) for letter in text], len(letters))
    places = np.arange(len(text) - times)[:, None] + np.arange(times)
    shapes = _recurrent_shapes(len(letters), hidden, len(letters))
    scores = partial(networks.recurrent_scores, shapes=shapes, every=True)

    def loss(parameters: Any, inputs: Any, targets: Any) -> Any:
        # Scores come one time after the other, and so must the letters that follow.
        turned = np.swapaxes(targets, -2, -3)
        told = turned.reshape((*turned.shape[:-3], -1, turned.shape[-1]))
        return networks.cross_entropy(scores(parameters, inputs), told)

    nothing = np.empty((0, times, len(letters)))
    return Workload(
        name="zen-letters",
        title="a recurrent net that foretells the letters of the Zen of Python",
        inputs=coded[places],
        targets=coded[places + 1],
        test_inputs=nothing,
        test_targets=nothing,
        shapes=shapes,
        gains=(0.5, hidden**-0.5, 0.0, hidden**-0.5, 0.0),
        loss=loss,
        batch_size=8,
    )


_MAKERS: dict[str, Callable[[], Workload]] = {
    "wine-softmax": _wine_softmax,
    "cancer-mlp": _cancer_layered,
    "digits-mlp": _digits_layered,
    "digits-factors": _digits_factors,
    "digits-convolved": _digits_convolved,
    "digits-rows": _digits_rows,
    "zen-letters": _zen_letters,
    "digits-explosive": _digits_explosive,
}

WORKLOADS = tuple(_MAKERS)
"""The names of all workloads, from the easiest on."""


@cache
def workload(name: str) -> Workload:
    """One workload by its name.

    Parameters
    ----------
    name : str
        One of `WORKLOADS`.

    Returns
    -------
    Workload

    Raises
    ------
    UnknownNameError
        With the nearest names, if there is none of this name.

    Notes
    -----
    Data are those that scikit-learn bundles and the Zen of Python; the first samples of a fixed
    order are for the test.

    Examples
    --------
    >>> digits = workload("digits-mlp")
    >>> digits.size, digits.inputs.shape, digits.test_inputs.shape
    (2410, (1347, 64), (450, 64))
    """
    if name not in _MAKERS:
        raise UnknownNameError.among("workload", name, WORKLOADS)
    return _MAKERS[name]()
