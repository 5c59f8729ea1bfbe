"""Losses of small networks, written in autograd's NumPy so that it differentiates them.

Parameters are one flat vector ``(*lanes, size)``: lanes are independent runs, computed at once.
Inputs and targets of a batch have the same lanes in front, or none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Shapes",
    "convolved_scores",
    "cross_entropy",
    "factor_loss",
    "layered_scores",
    "patches",
    "recurrent_scores",
    "size_of",
    "squares",
    "unpack",
]

Array: TypeAlias = NDArray[np.float64]
Shapes: TypeAlias = Sequence[tuple[int, ...]]


def size_of(shapes: Shapes) -> int:
    """How many numbers arrays of these shapes hold in all.

    Examples
    --------
    >>> size_of([(2, 3), (3,)])
    9
    """
    return sum(math.prod(shape) for shape in shapes)


def unpack(parameters: Any, shapes: Shapes) -> Iterator[Any]:
    """Cut a flat vector into arrays ``(*lanes, *shape)``.

    Examples
    --------
    >>> weights, bias = unpack(np.arange(9.0), [(2, 3), (3,)])
    >>> weights.shape, bias
    ((2, 3), array([6., 7., 8.]))
    """
    lanes, begun = parameters.shape[:-1], 0
    for shape in shapes:
        ended = begun + math.prod(shape)
        yield parameters[..., begun:ended].reshape((*lanes, *shape))
        begun = ended


def cross_entropy(scores: Any, targets: Any) -> Any:
    """The mean over all but the lanes of −log softmax(scores) at the targets.

    Parameters
    ----------
    scores : array ``(*lanes, samples, classes)``
    targets : array ``(*lanes or none, samples, classes)``
        One-hot.

    Returns
    -------
    array ``(*lanes,)``
    """
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    return anp.mean(logsumexp(scores, axis=-1) - anp.sum(scores * targets, axis=-1), axis=-1)


def layered_scores(parameters: Any, inputs: Any, shapes: Shapes) -> Any:
    """Scores of dense layers, weights and bias in turn, with tanh between them.

    Returns
    -------
    array ``(*lanes, samples, classes)``
    """
    import autograd.numpy as anp

    parts = list(unpack(parameters, shapes))
    value = inputs
    for index in range(0, len(parts), 2):
        if index:
            value = anp.tanh(value)
        value = anp.matmul(value, parts[index]) + parts[index + 1][..., None, :]
    return value


def patches(images: Array, side: int) -> Array:
    """All square patches of images, ``(samples, places, side²)``, for a convolution as a product.

    Examples
    --------
    >>> patches(np.arange(9.0).reshape(1, 3, 3), 2)[0, 0]
    array([0., 1., 3., 4.])
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    return np.ascontiguousarray(windows.reshape(len(images), -1, side * side))


def convolved_scores(parameters: Any, inputs: Any, shapes: Shapes) -> Any:
    """Scores of one convolution, tanh, means of 2 by 2 places, and a dense layer.

    Parameters
    ----------
    parameters : array ``(*lanes, size)``
    inputs : array ``(*lanes or none, samples, places, pixels)``
        From `patches`, a square of an even number of places.
    shapes : shapes
        Of filters (pixels, channels), their bias, weights and bias.

    Returns
    -------
    array ``(*lanes, samples, classes)``
    """
    import autograd.numpy as anp

    filters, shift, weights, bias = unpack(parameters, shapes)
    half, channels = math.isqrt(inputs.shape[-2]) // 2, filters.shape[-1]
    seen = anp.tanh(anp.matmul(inputs, filters[..., None, :, :]) + shift[..., None, None, :])
    pooled = anp.mean(seen.reshape((*seen.shape[:-2], half, 2, half, 2, channels)), axis=(-4, -2))
    flat = pooled.reshape((*pooled.shape[:-3], half * half * channels))
    return anp.matmul(flat, weights) + bias[..., None, :]


def recurrent_scores(
    parameters: Any, inputs: Any, shapes: Shapes, *, every: bool = False, is_rectified: bool = False
) -> Any:
    """Scores of a recurrent net that reads its inputs one by one.

    Parameters
    ----------
    parameters : array ``(*lanes, size)``
    inputs : array ``(*lanes or none, samples, times, features)``
    shapes : shapes
        Of the weights of inputs, of the state, the state's bias, and the scores' weights and bias.
    every : bool
        Scores at every time instead of the last one, one time after the other along the samples.
    is_rectified : bool
        max(0, ·) in place of tanh, which lets the state grow.

    Returns
    -------
    array ``(*lanes, samples, classes)`` or ``(*lanes, times · samples, classes)``
    """
    import autograd.numpy as anp

    entry, again, shift, weights, bias = unpack(parameters, shapes)
    shift = shift[..., None, :]
    states: list[Any] = []
    for time in range(inputs.shape[-2]):
        sums = anp.matmul(inputs[..., time, :], entry) + shift
        if states:
            sums = sums + anp.matmul(states[-1], again)
        states.append(anp.maximum(sums, 0.0) if is_rectified else anp.tanh(sums))
    value = anp.concatenate(states, axis=-2) if every else states[-1]
    return anp.matmul(value, weights) + bias[..., None, :]


def factor_loss(parameters: Any, rows: Any, entries: Any, shapes: Shapes) -> Any:
    """Half the square of what a product of two factors leaves of a row of a matrix, in the mean.

    Parameters
    ----------
    parameters : array ``(*lanes, size)``
    rows : array ``(*lanes or none, samples, all rows)``
        Which rows, one-hot.
    entries : array ``(*lanes or none, samples, columns)``
    shapes : shapes
        Of the factors, (rows, rank) and (rank, columns).

    Returns
    -------
    array ``(*lanes,)``
    """
    import autograd.numpy as anp

    left, right = unpack(parameters, shapes)
    rest = anp.matmul(anp.matmul(rows, left), right) - entries
    return 0.5 * anp.mean(anp.sum(rest**2, axis=-1), axis=-1)


def squares(parameters: Any) -> Any:
    """Half the sum of squares along the last axis, ``(*lanes,)``."""
    import autograd.numpy as anp

    return 0.5 * anp.sum(parameters**2, axis=-1)
