"""Remedies against staleness: what a server may do with a gradient that it knows to be old.

A remedy needs more than a gradient: its staleness, where it was asked, or what is kept beside each
worker. So none of these is a `Method`, which would forget it; but `queue_moments`, `stale_moments`,
`simulate_queue` and `simulate_stale` take them in a method's place, as far as each can.

What a server keeps for each worker is a tuple of slots, *held* while the worker computes. The
update of a write sees what all share, what the writer holds, and the sum of what others hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.protocol import Method, State, output_of, require_method
from momentum_dynamics.notation import GLOSSARY, Scalar, record

__all__ = [
    "DelayAdaptive",
    "DelayCompensated",
    "InverseStaleness",
    "ServerMethod",
    "ShiftedHeavyBall",
    "ShiftedMomentum",
    "StaleThreshold",
    "StalenessWeighted",
    "WorkerMomentum",
    "holds_for_workers",
    "is_remedy",
    "weight_table",
]

Weight = Callable[[Any], Any]
"""From the staleness of gradients, an array of whole numbers, to the factor of each."""


class ServerMethod(Protocol):
    """A method of a server that keeps something for each worker; linear in all it is given."""

    def initial_state(self, point: Scalar) -> tuple[State, State]:
        """What is shared and what each worker holds, at rest at a point."""
        ...

    def query(self, shared: State, held: State) -> Scalar:
        """Where the gradient counts as asked, when it is written."""
        ...

    def update(
        self, shared: State, held: State, others: State, gradient: Scalar
    ) -> tuple[State, State]:
        """The next shared state, and what the writer holds from now on."""
        ...

    def output(self, shared: State) -> Scalar:
        """The answer."""
        ...


def holds_for_workers(method: object) -> TypeGuard[ServerMethod]:
    """Whether a server's method keeps something for each worker, as `ServerMethod` says."""
    update = getattr(method, "update", None)
    if not callable(update) or isinstance(method, type):
        return False
    return len(inspect.signature(update).parameters) == _PARTS


def is_remedy(method: object) -> bool:
    """Whether a server's method needs more than gradients."""
    return isinstance(method, StalenessWeighted) or holds_for_workers(method)


_PARTS = 4
"""What the update of a server's method takes: shared, held, others and the gradient."""


@record
class InverseStaleness:
    """The weight 1/(τ + 1): a gradient that is τ updates old counts that much less.

    Examples
    --------
    >>> InverseStaleness()(np.array([0, 1, 3]))
    array([1.  , 0.5 , 0.25])
    """

    def __call__(self, staleness: Any) -> Any:
        return 1 / (np.asarray(staleness) + 1.0)


@record
class StaleThreshold:
    """The weight 1 up to a staleness, and another beyond: by default 0, which drops gradients.

    Parameters
    ----------
    largest : int
        The largest staleness that counts in full.
    weight : scalar
        Of older gradients.

    Examples
    --------
    >>> StaleThreshold(largest=2)(np.array([0, 2, 3]))
    array([1., 1., 0.])
    """

    largest: Scalar
    weight: Scalar = 0.0

    @property
    def settles(self) -> int:
        """From which staleness on the weight does not change."""
        return int(self.largest) + 1

    def __call__(self, staleness: Any) -> Any:
        return np.where(np.asarray(staleness) <= self.largest, 1.0, float(self.weight))


@record
class DelayAdaptive:
    """The weight 1 up to a staleness, and from there on inverse to the age.

    The weight is min(1, (T + 1)/(τ + 1)): T = 0 is `InverseStaleness`.

    Parameters
    ----------
    largest : int
        T, the largest staleness that counts in full.

    Examples
    --------
    >>> DelayAdaptive(largest=3)(np.array([0, 3, 7]))
    array([1. , 1. , 0.5])
    """

    largest: Scalar

    def __call__(self, staleness: Any) -> Any:
        return np.minimum(1.0, (float(self.largest) + 1) / (np.asarray(staleness) + 1.0))


def weight_table(weight: Weight, count: int) -> Any:
    """The weights of staleness 0, …, count − 1, ``(count,)``.

    Raises
    ------
    DomainError
        If what the weight answers is not one finite number for each.
    """
    found = np.asarray(weight(np.arange(count)), dtype=float)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise DomainError(
            f"{weight!r} answered {found!r} for staleness 0 … {count - 1}, but must answer one "
            "finite number for each entry of an array of staleness."
        )
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class StalenessWeighted:
    """A method whose gradients are weighted by their staleness before they are applied.

    A gradient of weight 0 is dropped, but its write is a step all the same: the method moves on
    with the gradient 0, and all others grow older.

    Parameters
    ----------
    method : Method
    weight : callable
        From an array of staleness to weights, such as `InverseStaleness()`. If it has an attribute
        ``settles``, its weight does not change from that staleness on.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, queue_moments
    >>> method = GradientDescent(learning_rate=1.0)
    >>> dropping = StalenessWeighted(method=method, weight=StaleThreshold(largest=4))
    >>> for one in (method, dropping):
    ...     print(round(float(queue_moments(one, 1.0, workers=4).mean_square_rate), 3))
    1.059
    0.966
    """

    method: Method
    weight: Weight

    def __post_init__(self) -> None:
        require_method(self.method)
        if not callable(self.weight):
            raise DomainError(
                f"weight is {self.weight!r}, but must be called with staleness, such as "
                "InverseStaleness()."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DelayCompensated:
    """A method whose gradients are corrected by the curvature for how far it has moved since.

    Instead of the gradient at r, where it was asked, the server applies ∇f(r) + λ H (y − r), y
    being where it would ask now: on a quadratic the gradient at (1 − λ)r + λy. This is idealized.
    The correction known as DC-ASGD [zheng2017]_ has the squares of the gradient's own entries in
    place of H, which are noisy, and small near a minimum; here it is the true Hessian.

    Parameters
    ----------
    method : Method
    compensation : scalar
        λ; 0 does nothing, 1 is the exact first-order correction.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, queue_moments
    >>> method = GradientDescent(learning_rate=1.0)
    >>> half = DelayCompensated(method=method, compensation=0.5)
    >>> round(float(queue_moments(half, 1.0, workers=4).mean_square_rate), 3)
    0.819
    """

    method: Method
    compensation: Scalar

    def __post_init__(self) -> None:
        require_method(self.method)
        GLOSSARY["compensation"].check(self.compensation)

    def initial_state(self, point: Scalar) -> tuple[State, State]:
        state = self.method.initial_state(point)
        return state, (self.method.query(state),)

    def query(self, shared: State, held: State) -> Scalar:
        now = self.method.query(shared)
        return (1 - self.compensation) * held[0] + self.compensation * now

    def update(
        self,
        shared: State,
        held: State,  # noqa: ARG002
        others: State,  # noqa: ARG002
        gradient: Scalar,
    ) -> tuple[State, State]:
        state = self.method.update(shared, gradient)
        return state, (self.method.query(state),)

    def output(self, shared: State) -> Scalar:
        return output_of(self.method, shared)


@record
class WorkerMomentum:
    """Heavy ball with a velocity for each worker, and queries that look ahead along all of them.

    When worker i writes, vᵢ ← βvᵢ + g and x ← x − αvᵢ; then it reads at x − γαβ Σⱼ vⱼ: for γ = 1
    where the velocities would take x if every worker wrote once with the gradient 0. This is the
    look-ahead of DANA-Zero [hakimi2019]_ as recalled, of which the abstract alone was read again;
    γ = 0 does not look ahead.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.
    lookahead : scalar
        γ: the share of the predicted motion that queries are moved by.

    Examples
    --------
    >>> from momentum_dynamics import queue_moments
    >>> for ahead in (0, 1):
    ...     method = WorkerMomentum(learning_rate=0.2, momentum=0.6, lookahead=ahead)
    ...     print(round(float(queue_moments(method, 1.0, workers=4).mean_square_rate), 3))
    0.925
    0.871
    """

    learning_rate: Scalar
    momentum: Scalar
    lookahead: Scalar = 1

    def initial_state(self, point: Scalar) -> tuple[State, State]:
        return (point,), (point, 0 * point)

    def query(self, shared: State, held: State) -> Scalar:  # noqa: ARG002
        return held[0]

    def update(
        self, shared: State, held: State, others: State, gradient: Scalar
    ) -> tuple[State, State]:
        velocity = self.momentum * held[1] + gradient
        point = shared[0] - self.learning_rate * velocity
        ahead = self.lookahead * self.learning_rate * self.momentum
        return (point,), (point - ahead * (velocity + others[1]), velocity)

    def output(self, shared: State) -> Scalar:
        return shared[0]


@record
class ShiftedMomentum:
    """Heavy ball whose momentum is as old as its gradient.

    A worker takes the last displacement along when it reads, and the server adds that one:
    x ← x + βd − αg, with d and g of the same version. On a fixed delay it is `ShiftedHeavyBall`.
    Since a worker reads right after its own write, d is what it moved itself: in a queue this is
    `WorkerMomentum` without look-ahead.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.

    References
    ----------
    [giladi2020]_
    """

    learning_rate: Scalar
    momentum: Scalar

    def initial_state(self, point: Scalar) -> tuple[State, State]:
        return (point,), (point, 0 * point)

    def query(self, shared: State, held: State) -> Scalar:  # noqa: ARG002
        return held[0]

    def update(
        self,
        shared: State,
        held: State,
        others: State,  # noqa: ARG002
        gradient: Scalar,
    ) -> tuple[State, State]:
        moved = self.momentum * held[1] - self.learning_rate * gradient
        point = shared[0] + moved
        return (point,), (point, moved)

    def output(self, shared: State) -> Scalar:
        return shared[0]


@record
class ShiftedHeavyBall:
    """Heavy ball whose momentum is as old as its gradient behind a fixed delay; a method.

    x ← x + β(x₋τ − x₋τ₋₁) − αg: put it behind ``FixedDelay(staleness=τ)`` of the same τ.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.
    staleness : int
        τ ≥ 0; 0 is heavy ball.

    References
    ----------
    [giladi2020]_

    Examples
    --------
    >>> from momentum_dynamics import FixedDelay, HeavyBall, delay_stability_limit
    >>> delay = FixedDelay(staleness=15)
    >>> shifted = ShiftedHeavyBall(learning_rate=1.0, momentum=0.6, staleness=15)
    >>> for method in (HeavyBall(learning_rate=1.0, momentum=0.6), shifted):
    ...     print(round(float(delay_stability_limit(method, delay)), 4))
    0.0376
    0.049
    """

    learning_rate: Scalar
    momentum: Scalar
    staleness: int

    def check(self) -> None:
        if not isinstance(self.staleness, int):
            raise DomainError(
                f"ShiftedHeavyBall: staleness is {self.staleness!r}, but must be one whole number: "
                "it says how many points the state keeps."
            )

    def initial_state(self, point: Scalar) -> State:
        return (point,) * (self.staleness + 2)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        old = state[self.staleness] - state[self.staleness + 1]
        return (state[0] + self.momentum * old - self.learning_rate * gradient, *state[:-1])
