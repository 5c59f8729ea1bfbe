"""Gradient descent, Polyak's and Nesterov's momentum, and the families around them."""

from __future__ import annotations

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws import optima
from momentum_dynamics.methods.protocol import State
from momentum_dynamics.notation import Scalar, is_symbolic, record

__all__ = [
    "GradientDescent",
    "HeavyBall",
    "Nesterov",
    "QuasiHyperbolic",
    "RobustMomentum",
    "ThreeParameter",
    "TripleMomentum",
    "require_order",
]


@record
class GradientDescent:
    """A step against the gradient.

    Parameters
    ----------
    learning_rate : scalar
        α; any real number or batch of them.
    """

    learning_rate: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point,)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return (state[0] - self.learning_rate * gradient,)


def _step(method: HeavyBall | ThreeParameter, state: State, gradient: Scalar) -> State:
    """Polyak's step, shared by the (α, β, γ) family: only where the gradient is asked differs."""
    point, before = state
    return (point + method.momentum * (point - before) - method.learning_rate * gradient, point)


@record
class HeavyBall:
    """Polyak's method: a gradient step plus a share of the last displacement.

    Parameters
    ----------
    learning_rate : scalar
        α; any real number or batch of them.
    momentum : scalar
        β; any real number, negative ones included. 0 is gradient descent.

    References
    ----------
    [polyak1964]_

    Examples
    --------
    >>> from momentum_dynamics import spectral_radius
    >>> float(spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.25), 1.0))
    0.5
    """

    learning_rate: Scalar
    momentum: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return _step(self, state, gradient)


@record
class ThreeParameter:
    """The (α, β, γ) family: γ = 0 is heavy ball, γ = β is Nesterov's method.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β, as in heavy ball.
    lookahead : scalar
        γ: how far along the last displacement the gradient is asked.

    References
    ----------
    [lessard2016]_
    """

    learning_rate: Scalar
    momentum: Scalar
    lookahead: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        point, before = state
        return point + self.lookahead * (point - before)

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return _step(self, state, gradient)


@record
class Nesterov:
    """Nesterov's method: the gradient is asked where the momentum leads.

    The query is y = x + β(x − x₋). x and y have different variances under noise.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β; any real numbers or batches of them.
    answers_lookahead : bool
        Whether the answer is y, which most frameworks store, or x.

    References
    ----------
    [nesterov1983]_
    """

    learning_rate: Scalar
    momentum: Scalar
    answers_lookahead: bool = False

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        point, before = state
        return point + self.momentum * (point - before)

    def output(self, state: State) -> Scalar:
        return self.query(state) if self.answers_lookahead else state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return (self.query(state) - self.learning_rate * gradient, state[0])


@record
class QuasiHyperbolic:
    """Quasi-hyperbolic momentum: a mean of the plain and the averaged gradient.

    m ← βm + (1 − β)g, then w ← w − α((1 − ν)g + νm). ν = 0 is gradient descent, ν = 1 heavy ball
    with an averaged gradient, ν = β Nesterov's method (each at the stored point).

    Parameters
    ----------
    learning_rate, momentum : scalar
        α and β of the paper: α is the effective learning rate.
    discount : scalar
        ν, the weight of the average.

    References
    ----------
    [ma2019]_
    """

    learning_rate: Scalar
    momentum: Scalar
    discount: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        point, average = state
        average = self.momentum * average + (1 - self.momentum) * gradient
        step = (1 - self.discount) * gradient + self.discount * average
        return (point - self.learning_rate * step, average)


@record
class TripleMomentum:
    """The fastest known fixed-parameter method for all smooth strongly convex functions.

    Parameters
    ----------
    smallest_curvature, largest_curvature : scalar
        The constants of strong convexity and smoothness.

    References
    ----------
    [vanscoy2018]_
    """

    smallest_curvature: Scalar
    largest_curvature: Scalar

    def check(self) -> None:
        require_order(self.smallest_curvature, self.largest_curvature)

    @property
    def core(self) -> ThreeParameter:
        """The three-parameter method that makes the steps; only the answer differs."""
        return ThreeParameter(
            **optima.triple_momentum(self.smallest_curvature, self.largest_curvature)._asdict()
        )

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return self.core.query(state)

    def output(self, state: State) -> Scalar:
        point, before = state
        ends = self.smallest_curvature, self.largest_curvature
        return point + optima.triple_momentum_extrapolation(*ends) * (point - before)

    def update(self, state: State, gradient: Scalar) -> State:
        return self.core.update(state, gradient)


@record
class RobustMomentum:
    """Between triple momentum (robustness 0) and gradient descent (robustness 1).

    Parameters
    ----------
    smallest_curvature, largest_curvature : scalar
        The constants of strong convexity and smoothness; they must differ.
    robustness : scalar
        λ in [0, 1]: how much rate is traded for tolerance of wrong gradients.

    References
    ----------
    [cyrus2018]_
    """

    smallest_curvature: Scalar
    largest_curvature: Scalar
    robustness: Scalar

    def check(self) -> None:
        require_order(self.smallest_curvature, self.largest_curvature, strictly=True)

    @property
    def core(self) -> ThreeParameter:
        """The three-parameter method that makes the steps."""
        ends = self.smallest_curvature, self.largest_curvature
        return ThreeParameter(**optima.robust_momentum(*ends, self.robustness)._asdict())

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return self.core.query(state)

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.core.update(state, gradient)


def require_order(
    smallest: Scalar, largest: Scalar, *, strictly: bool = False, single: bool = False
) -> None:
    """Refuse a spectrum whose ends are in the wrong order, or no real numbers.

    Raises
    ------
    DomainError
        Unless the smallest curvature is at most the largest, or with `strictly` below it; with
        `single`, unless each is one number.
    """
    for name, end in (("smallest_curvature", smallest), ("largest_curvature", largest)):
        fine = is_symbolic(end) or np.asarray(end).dtype.kind in "fiuO"
        if not fine or (single and np.ndim(end) > 0):
            one = "one real number" if single else "a real number or an array of them"
            raise DomainError(f"{name} is {end!r}, but must be {one}.")
    if not (is_symbolic(smallest) or is_symbolic(largest)):
        smallest, largest = np.asarray(smallest), np.asarray(largest)
    difference = largest - smallest
    if is_symbolic(difference) and not difference.is_number:
        return
    wrong = difference <= 0 if strictly else difference < 0
    if np.any(wrong):
        relation = "below" if strictly else "at most"
        raise DomainError(
            f"smallest_curvature is {smallest}, but must be {relation} largest_curvature "
            f"{largest}; swap them or give others."
        )
