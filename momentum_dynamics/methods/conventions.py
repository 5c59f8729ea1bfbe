"""Momentum as frameworks and textbooks write it: one method in many conventions.

Each stores a point and a velocity. They differ in what the velocity holds (gradients, displacements
or an average), in where the learning rate stands and, with Nesterov's momentum, in which of two
points is stored: x, or the look-ahead y = x + βv, where the gradient is asked. `convert` goes from
one to another.
"""

from __future__ import annotations

import dataclasses

from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.protocol import State
from momentum_dynamics.methods.rows import is_zero
from momentum_dynamics.notation import Scalar, record

__all__ = ["ExponentialAverage", "KerasSGD", "Sutskever", "TorchSGD"]


@record
class TorchSGD:
    """As ``torch.optim.SGD``: v ← βv + (1 − θ)g, then x ← x − αv. The first v is the whole g.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.
    dampening : scalar
        θ. It does not make v an average, since the first step is undamped.
    nesterov : bool
        Step by g + βv: Nesterov's method that stores the look-ahead y; needs dampening 0.
    answers_lookahead : bool
        With `nesterov`, whether the answer is the stored y or Nesterov's x.

    References
    ----------
    [paszke2019]_

    Examples
    --------
    >>> from momentum_dynamics import convert
    >>> convert(TorchSGD(learning_rate=0.1, momentum=0.9), to="average")
    ExponentialAverage(learning_rate=1.0, momentum=0.9)
    """

    learning_rate: Scalar
    momentum: Scalar
    dampening: Scalar = 0
    nesterov: bool = False
    answers_lookahead: bool = True

    def check(self) -> None:
        if self.nesterov and not is_zero(self.dampening):
            raise DomainError(
                f"TorchSGD: dampening is {self.dampening}, but Nesterov's momentum needs 0."
            )

    @property
    def transient(self) -> int:
        """One exceptional first step, if dampening makes it one."""
        return 0 if is_zero(self.dampening) else 1

    def stage(self, step: int) -> TorchSGD:
        """The method of step t: the first one is undamped."""
        return dataclasses.replace(self, dampening=0) if step < self.transient else self

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def output(self, state: State) -> Scalar:
        return _answer(self, state, -self.learning_rate)

    def update(self, state: State, gradient: Scalar) -> State:
        return _step(self, state, -self.learning_rate, (1 - self.dampening) * gradient)


@record
class KerasSGD:
    """As ``keras.optimizers.SGD``: v ← βv − αg, then x ← x + v; with `nesterov` x ← x + βv − αg.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.
    nesterov : bool
        Nesterov's method that stores the look-ahead y.
    answers_lookahead : bool
        With `nesterov`, whether the answer is the stored y or Nesterov's x.

    References
    ----------
    [chollet2015]_

    Examples
    --------
    >>> from momentum_dynamics import convert
    >>> method = KerasSGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    >>> convert(method, to="pytorch", nesterov=True)
    TorchSGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    """

    learning_rate: Scalar
    momentum: Scalar
    nesterov: bool = False
    answers_lookahead: bool = True

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def output(self, state: State) -> Scalar:
        return _answer(self, state, 1)

    def update(self, state: State, gradient: Scalar) -> State:
        return _step(self, state, 1, -self.learning_rate * gradient)


@record
class ExponentialAverage:
    """A step along an average of gradients: m ← βm + (1 − β)g, then x ← x − αm.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β: α is the effective learning rate.
    nesterov : bool
        Step by (1 − β)g + βm: Nesterov's method that stores the look-ahead y.
    answers_lookahead : bool
        With `nesterov`, whether the answer is the stored y or Nesterov's x.

    Examples
    --------
    >>> from momentum_dynamics import convert
    >>> convert(ExponentialAverage(learning_rate=1.0, momentum=0.9), to="polyak")
    HeavyBall(learning_rate=0.1, momentum=0.9)
    """

    learning_rate: Scalar
    momentum: Scalar
    nesterov: bool = False
    answers_lookahead: bool = True

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def output(self, state: State) -> Scalar:
        return _answer(self, state, -self.learning_rate)

    def update(self, state: State, gradient: Scalar) -> State:
        return _step(self, state, -self.learning_rate, (1 - self.momentum) * gradient)


@record
class Sutskever:
    """Momentum with the velocity in front: v ← βv − αg, then x ← x + v.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β.
    nesterov : bool
        Ask the gradient at the look-ahead y = x + βv and store x; otherwise at x.
    answers_lookahead : bool
        With `nesterov`, whether the answer is y or the stored x.

    References
    ----------
    [sutskever2013]_

    Examples
    --------
    >>> from momentum_dynamics import Nesterov, convert
    >>> convert(Nesterov(learning_rate=0.1, momentum=0.9), to="sutskever", nesterov=True)
    Sutskever(learning_rate=0.1, momentum=0.9)
    """

    learning_rate: Scalar
    momentum: Scalar
    nesterov: bool = True
    answers_lookahead: bool = False

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        point, velocity = state
        return point + self.momentum * velocity if self.nesterov else point

    def output(self, state: State) -> Scalar:
        return self.query(state) if self.answers_lookahead else state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        point, velocity = state
        velocity = self.momentum * velocity - self.learning_rate * gradient
        return (point + velocity, velocity)


def _step(
    method: TorchSGD | KerasSGD | ExponentialAverage,
    state: State,
    scale: Scalar,
    pull: Scalar,
) -> State:
    """The step of all that store the look-ahead, whose displacement is scale times velocity."""
    point, velocity = state
    velocity = method.momentum * velocity + pull
    step = pull + method.momentum * velocity if method.nesterov else velocity
    return (point + scale * step, velocity)


def _answer(
    method: TorchSGD | KerasSGD | ExponentialAverage, state: State, scale: Scalar
) -> Scalar:
    """The stored point, or the x that it looks ahead from."""
    point, velocity = state
    if not method.nesterov or method.answers_lookahead:
        return point
    return point - scale * method.momentum * velocity
