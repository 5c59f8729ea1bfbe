"""How fast each single parameter of a net comes to its last value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError
from momentum_dynamics.training.loop import train
from momentum_dynamics.training.optimizers import momentum as momentum_optimizer
from momentum_dynamics.training.workloads import recurrent_rows

__all__ = ["VariablePaths", "variable_paths"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class VariablePaths:
    """Distances of all parameters of a net from their last values.

    Attributes
    ----------
    momentum : float
    time : array ``(frames,)``
        In steps.
    distance : array ``(frames, parameters)``
    losses : array ``(frames,)``
    """

    momentum: float
    time: Array
    distance: Array
    losses: Array

    def rates(self, begin: float = 0.15, end: float = 0.6) -> Array:
        """By what factor each distance shrinks in a step, ``(parameters,)``.

        From the slope of the logarithm of the distance's envelope, the largest one yet to come.

        Parameters
        ----------
        begin, end : float
            The part of the run that is looked at: later, the last value is not yet final.

        Raises
        ------
        DomainError
            If there are no two frames in that part.
        """
        part = (self.time >= begin * self.time[-1]) & (self.time <= end * self.time[-1])
        if part.sum() < 2:
            raise DomainError(f"From {begin:g} to {end:g} of the run there are no two frames.")
        envelope = np.maximum.accumulate(self.distance[::-1])[::-1][part]
        time = self.time[part] - self.time[part].mean()
        slope = time @ np.log(envelope) / (time @ time)
        return np.asarray(np.exp(slope))


def variable_paths(
    momentum: float,
    *,
    learning_rate: float = 0.01,
    steps: int = 3000,
    stride: int = 10,
    seed: int = 0,
) -> VariablePaths:
    """Train a small recurrent net by full batches, and see every parameter come to rest.

    Parameters
    ----------
    momentum, learning_rate : float
        Of the heavy ball.
    steps, stride, seed : int

    Returns
    -------
    VariablePaths

    Notes
    -----
    Near the end the loss is as good as quadratic. Where αh ≥ (1 − √β)² for its least curvature h,
    every mode and so every parameter shrinks by √β a step; where it is not, the slowest mode rules
    them all in the long run. The ridge makes h at least 0.05. [zhang2017]_

    Examples
    --------
    >>> paths = variable_paths(0.9, steps=20)
    >>> paths.distance.shape
    (2, 102)
    """
    net = recurrent_rows()
    optimizer = momentum_optimizer(learning_rate=learning_rate, momentum=momentum)
    run = train(net, optimizer, seeds=[seed], steps=steps, stride=stride)
    points = run.points[:, 0]
    return VariablePaths(
        momentum=float(momentum),
        time=np.arange(len(points) - 1, dtype=float) * stride,
        distance=np.abs(points[:-1] - points[-1]),
        losses=run.losses[::stride, 0],
    )
