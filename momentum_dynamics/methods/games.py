"""Methods made for vector fields that rotate: past gradients, two gradients, a turning velocity."""

from __future__ import annotations

from momentum_dynamics.methods.protocol import State
from momentum_dynamics.notation import Scalar, record
from momentum_dynamics.scalars import cos, sin

__all__ = ["ComplexMomentum", "Extragradient", "OptimisticGradient"]


@record
class OptimisticGradient:
    """Optimistic gradient: x ← x − 2αg + αg₋, the last gradient standing in for the next.

    Started with g₋ = 0, so that the first step has length 2α.

    Parameters
    ----------
    learning_rate : scalar
        α; any real number or batch of them.

    References
    ----------
    [daskalakis2018]_
    """

    learning_rate: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        point, before = state
        return (point - self.learning_rate * (2 * gradient - before), gradient)


@record
class Extragradient:
    """Extragradient: look one gradient step ahead, then step from where you stood.

    Two gradients make one period; a step of this package is one gradient.

    Parameters
    ----------
    learning_rate : scalar
        α; any real number or batch of them.

    References
    ----------
    [korpelevich1976]_
    """

    learning_rate: Scalar

    period = 2

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def stage(self, step: int) -> LookAhead | StepBack:
        """Look ahead at even steps, step from the base point at odd ones."""
        kind = StepBack if step % 2 else LookAhead
        return kind(learning_rate=self.learning_rate)

    def query(self, state: State) -> Scalar:
        return self.stage(0).query(state)

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)


@record
class LookAhead:
    """The first half of extragradient: remember the base point, move the probe."""

    learning_rate: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return (state[0], state[0] - self.learning_rate * gradient)


@record
class StepBack:
    """The second half of extragradient: the probe's gradient moves the base point."""

    learning_rate: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[1]

    def output(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        moved = state[0] - self.learning_rate * gradient
        return (moved, moved)


@record
class ComplexMomentum:
    """Momentum with a complex share βe^{iφ}: the velocity turns while it decays.

    The velocity is kept as real and imaginary part, so that all states stay real:
    m ← βe^{iφ}m − g, then w ← w + α Re m. φ = 0 is heavy ball, φ = π negative momentum.

    Parameters
    ----------
    learning_rate, momentum : scalar
        α, and the modulus β of the momentum.
    phase : scalar
        φ in radians.

    References
    ----------
    [lorraine2022]_
    """

    learning_rate: Scalar
    momentum: Scalar
    phase: Scalar

    def initial_state(self, point: Scalar) -> State:
        return (point, 0 * point, 0 * point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        point, real, imaginary = state
        along, across = self.momentum * cos(self.phase), self.momentum * sin(self.phase)
        turned = along * real - across * imaginary - gradient
        return (
            point + self.learning_rate * turned,
            turned,
            across * real + along * imaginary,
        )
