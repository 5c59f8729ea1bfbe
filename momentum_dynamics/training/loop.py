"""Training: an optimizer on a workload, for several seeds side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.delays import Exponential
from momentum_dynamics.errors import DomainError, ShapeError, UnknownNameError
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue
from momentum_dynamics.training.workloads import Workload
from momentum_dynamics.tuning import Optimizer

__all__ = ["ORDERS", "WORKERS", "Training", "staleness_of", "train"]

Array = NDArray[np.float64]

ORDERS = ("fresh", "round-robin", "queue")
"""Who computes gradients: one worker; workers in turn; workers that take random times."""

WORKERS = 16
"""How many workers there are unless another number is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """Runs of one optimizer on one workload, a lane for each seed.

    Attributes
    ----------
    losses : array ``(steps, lanes)``
        The loss on each batch, where its gradient was taken; infinite from the step on at which
        the run diverged.
    parameters : array ``(lanes, size)``
        The last ones, or those before that step.
    train_loss, test_accuracy : array ``(lanes,)``
        In the end, on all data; the loss of a run that diverged is infinite, its accuracy NaN.
    traces : dict from str to array ``(steps, lanes)``
        What each step used, as far as it was asked; NaN where nothing was.
    points : array ``(frames, lanes, size)``
        The parameters before every so many steps and after the last one, if they were asked.
    """

    losses: Array
    parameters: Array
    train_loss: Array
    test_accuracy: Array
    traces: dict[str, Array]
    points: Array

    @property
    def diverged(self) -> NDArray[np.int64]:
        """At which step each run came to its end, or the number of steps, ``(lanes,)``."""
        return np.asarray(np.isfinite(self.losses).sum(axis=0))


def staleness_of(
    order: str, steps: int, *, workers: int = WORKERS, seed: int = 0
) -> NDArray[np.int64]:
    """How stale the gradient of each step is.

    Parameters
    ----------
    order : {"fresh", "round-robin", "queue"}
        One worker; workers that write in turn, all after the same time; workers that take
        exponential times, as `simulate_queue` has them.
    steps, workers, seed : int
        The seed is that of the queue's times.

    Returns
    -------
    array of int ``(steps,)``
        Never older than the start.

    Raises
    ------
    UnknownNameError
        If there is no such order.

    Examples
    --------
    >>> staleness_of("round-robin", 6, workers=4)
    array([0, 1, 2, 3, 3, 3])
    """
    if order not in ORDERS:
        raise UnknownNameError.among("order", order, ORDERS)
    if order == "fresh":
        return np.zeros(steps, dtype=np.int64)
    if order == "round-robin":
        return np.minimum(np.arange(steps), workers - 1)
    run = simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=steps, seed=seed, engine="python",
    )  # fmt: skip
    return np.asarray(run.staleness, dtype=np.int64)


def train(
    workload: Workload,
    optimizer: Optimizer,
    *,
    seeds: Iterable[int] = (0,),
    steps: int,
    staleness: ArrayLike | None = None,
    products: bool = False,
    record: Sequence[str] = (),
    stride: int = 0,
) -> Training:
    """Train with the same initial parameters and batches that any other optimizer gets.

    Parameters
    ----------
    workload : Workload
    optimizer : Optimizer
        Two pure functions, ``init(parameters)`` and ``update(state, gradient, parameters)``.
    seeds : iterable of int
        One run each: a seed stands for initial parameters and batches.
    steps : int
    staleness : array of int ``(steps,)`` or ``(steps, lanes)``, optional
        How many updates ago the parameters were read at which the gradient of a step is taken.
    products : bool
        Give the optimizer the product of the batch's Hessian and the gradient, too, as ``product``:
        `EquivariantYellowFin` reads curvature from it.
    record : sequence of str
        Which entries of the optimizer's info to keep.
    stride : int
        Keep the parameters every so many steps; 0 keeps none.

    Returns
    -------
    Training

    Raises
    ------
    DomainError
        If there is no seed or no step, or a gradient is older than the start.
    ShapeError
        If staleness does not fit.

    Notes
    -----
    A run has diverged where its loss or the squared norm of its gradient is no finite number: that
    is data and no error.

    Examples
    --------
    >>> from momentum_dynamics.training import train, workload
    >>> from momentum_dynamics.training.optimizers import Adam
    >>> found = train(workload("wine-softmax"), Adam(learning_rate=0.1), steps=60, seeds=[0, 1])
    >>> found.losses.shape, bool((found.train_loss < 0.25).all())
    ((60, 2), True)
    """
    lanes = list(seeds)
    if not lanes or steps < 1:
        raise DomainError(
            f"There are {len(lanes)} seeds and {steps} steps, but a training needs one of each."
        )
    ages = _ages(staleness, steps, len(lanes))
    parameters = np.stack([workload.initial_parameters(seed) for seed in lanes])
    batches = np.stack([workload.batches(seed, steps) for seed in lanes], axis=1)
    states = [optimizer.init(point) for point in parameters]
    past = deque([parameters], maxlen=int(ages.max()) + 1)
    losses = np.full((steps, len(lanes)), np.inf)
    traces = {name: np.full((steps, len(lanes)), np.nan) for name in record}
    is_alive = np.ones(len(lanes), dtype=bool)
    lane = range(len(lanes))
    points = []
    with np.errstate(all="ignore"):
        for step in range(steps):
            if stride and step % stride == 0:
                points.append(parameters)
            read = parameters
            if len(past) > 1:
                read = np.stack([past[-1 - ages[step, each]][each] for each in lane])
            loss, gradient = workload.loss_and_gradient(read, batches[step])
            is_alive &= np.isfinite(loss) & np.isfinite((gradient**2).sum(axis=-1))
            if not is_alive.any():
                break
            bends = workload.gradient_product(read, batches[step]) if products else None
            parameters = parameters.copy()
            for each in np.flatnonzero(is_alive):
                losses[step, each] = loss[each]
                told = {} if bends is None else {"product": bends[each]}
                states[each], parameters[each], info = optimizer.update(
                    states[each], gradient[each], parameters[each], **told
                )
                for name in record:
                    traces[name][step, each] = info[name]
            past.append(parameters)
        train_loss = np.where(is_alive, workload.train_loss(parameters), np.inf)
        accuracy = np.where(is_alive, workload.test_accuracy(parameters), np.nan)
    if stride:
        points.append(parameters)
    return Training(
        losses=losses,
        parameters=parameters,
        train_loss=np.where(np.isfinite(train_loss), train_loss, np.inf),
        test_accuracy=accuracy,
        traces=traces,
        points=np.array(points),
    )


def _ages(staleness: ArrayLike | None, steps: int, lanes: int) -> NDArray[np.int64]:
    ages = np.asarray(0 if staleness is None else staleness, dtype=np.int64)
    ages = ages[:, None] if ages.ndim == 1 else ages
    try:
        ages = np.broadcast_to(ages, (steps, lanes))
    except ValueError as error:
        raise ShapeError(
            f"staleness has {len(ages)} rows, but there are {steps} steps and {lanes} "
            "seeds; give one age a step, or one a step and seed."
        ) from error
    if (ages < 0).any() or (ages > np.arange(steps)[:, None]).any():
        raise DomainError(
            "A gradient of step t can be 0 to t updates old, for there is nothing before the start."
        )
    return ages
