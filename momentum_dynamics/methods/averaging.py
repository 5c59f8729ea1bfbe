"""Any method, answering with an average of its points."""

from __future__ import annotations

from dataclasses import dataclass

from momentum_dynamics.methods.protocol import (
    Method,
    State,
    output_of,
    period_of,
    spread,
    stage_of,
    trailing,
    transient_of,
)
from momentum_dynamics.notation import GLOSSARY, Scalar

__all__ = ["Averaged"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Averaged:
    """A method that answers with an exponential average of its answers; it moves as before.

    The average a ← ηa + (1 − η)x damps what turns: a rotation by the angle ω per step is scaled by
    (1 − η)/|1 − ηe^{−iω}|. It makes no diverging method converge.

    Parameters
    ----------
    method : Method
    smoothing : scalar
        η in [0, 1): the share of the average that a step leaves.

    Raises
    ------
    DomainError
        If the smoothing lies outside.

    Examples
    --------
    >>> from momentum_dynamics import BilinearGame, GradientDescent, play
    >>> plain = GradientDescent(learning_rate=1.0)
    >>> run = play(Averaged(method=plain, smoothing=0.9), BilinearGame(1.0), steps=90)
    >>> bool(run.distance[-1] < 0.2 * run.distance[0])
    True
    """

    method: Method
    smoothing: Scalar

    def __post_init__(self) -> None:
        GLOSSARY["smoothing"].check(self.smoothing)

    @property
    def period(self) -> int | None:
        """The method's own."""
        return period_of(self.method)

    @property
    def transient(self) -> int:
        """The method's own."""
        return transient_of(self.method)

    def stage(self, step: int) -> Averaged:
        """The method's stage, averaged alike."""
        return Averaged(method=stage_of(self.method, step), smoothing=self.smoothing)

    def with_trailing_axes(self, count: int) -> Averaged:
        """The batch axes of method and smoothing, moved in front of those of points."""
        return Averaged(
            method=spread(self.method, count), smoothing=trailing(self.smoothing, count)
        )

    def initial_state(self, point: Scalar) -> State:
        return (*self.method.initial_state(point), point)

    def query(self, state: State) -> Scalar:
        return self.method.query(state[:-1])

    def output(self, state: State) -> Scalar:
        return state[-1]

    def update(self, state: State, gradient: Scalar) -> State:
        moved = self.method.update(state[:-1], gradient)
        kept = self.smoothing * state[-1]
        return (*moved, kept + (1 - self.smoothing) * output_of(self.method, moved))
