"""Methods whose coefficients change with the step: each stage is a heavy ball."""

from __future__ import annotations

from momentum_dynamics.laws import schedules
from momentum_dynamics.methods.minimizing import HeavyBall, require_order
from momentum_dynamics.methods.protocol import State
from momentum_dynamics.notation import Scalar, record

__all__ = ["Chebyshev", "MarchenkoPastur"]


@record
class Chebyshev:
    """The Chebyshev semi-iteration: the best worst case after every number of steps.

    Parameters
    ----------
    smallest_curvature, largest_curvature : scalar
        The ends of the spectrum.

    References
    ----------
    [golub1961]_
    """

    smallest_curvature: Scalar
    largest_curvature: Scalar

    period = None

    def check(self) -> None:
        require_order(self.smallest_curvature, self.largest_curvature)

    def stage(self, step: int) -> HeavyBall:
        """The heavy ball that makes step t."""
        low, high = self.smallest_curvature, self.largest_curvature
        relaxation = schedules.chebyshev_relaxation(high / low, step) if step else 1
        return HeavyBall(learning_rate=2 * relaxation / (low + high), momentum=relaxation - 1)

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)


@record
class MarchenkoPastur:
    """The fastest method on average over least squares with random data.

    Parameters
    ----------
    variance : scalar
        The variance of the entries of the data.
    aspect_ratio : scalar
        Features over samples, in (0, 1).

    References
    ----------
    [pedregosa2020]_
    """

    variance: Scalar
    aspect_ratio: Scalar

    period = None

    def stage(self, step: int) -> HeavyBall:
        """The heavy ball that makes step t."""
        return HeavyBall(
            **schedules.marchenko_pastur(self.variance, self.aspect_ratio, step)._asdict()
        )

    def initial_state(self, point: Scalar) -> State:
        return (point, point)

    def query(self, state: State) -> Scalar:
        return state[0]

    def update(self, state: State, gradient: Scalar) -> State:
        return self.stage(0).update(state, gradient)
