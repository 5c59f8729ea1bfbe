"""A method behind a delay, as a method: the filter that staleness is in the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from momentum_dynamics.delays import Delay, NoDelay
from momentum_dynamics.dynamics.polynomials import Coefficients
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import (
    Method,
    State,
    output_of,
    period_of,
    stage_of,
    transient_of,
)
from momentum_dynamics.methods.rows import combine
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["Delayed", "behind", "require_digits", "resting"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Delayed:
    """A method whose gradients are asked at stale queries, as a method.

    The delay is a filter of past queries, y, in observable canonical form: its slots f follow the
    method's own, and what is asked is u = b₀y + f₁. For memoryless workers f₁ is what all but the
    newest read add to the mean over the workers. Staleness counts updates, also where several of
    them make one period.

    Attributes
    ----------
    method : Method
    delay : Delay
        With a rational generating function.
    """

    method: Method
    delay: Delay

    @property
    def period(self) -> int | None:
        """The method's own."""
        return period_of(self.method)

    @property
    def transient(self) -> int:
        """The method's own."""
        return transient_of(self.method)

    def stage(self, step: int) -> Delayed:
        """The method's stage behind the same delay."""
        return Delayed(method=stage_of(self.method, step), delay=self.delay)

    def initial_state(self, point: Scalar) -> State:
        return self.rested(self.method.initial_state(point))

    def rested(self, own: State) -> State:
        """The state in which every query so far was where the method's own state asks."""
        return (*own, *resting(self.filter, self.method.query(own)))

    def query(self, state: State) -> Scalar:
        own, held = self._split(state)
        direct = combine((self.filter[2],), (self.method.query(own),))
        return direct + held[0] if held else direct

    def output(self, state: State) -> Scalar:
        return output_of(self.method, self._split(state)[0])

    def update(self, state: State, gradient: Scalar) -> State:
        poles, taps, _ = self.filter
        own, held = self._split(state)
        y = self.method.query(own)
        moved = tuple(
            later - combine((pole,), (held[0],)) + combine((tap,), (y,))
            for later, pole, tap in zip((*held, 0)[1:], poles, taps, strict=True)
        )
        return (*self.method.update(own, gradient), *moved)

    @property
    def filter(self) -> tuple[Coefficients, Coefficients, Scalar]:
        """The filter's poles a₁, …, aₙ, its taps bₖ − b₀aₖ and its direct share b₀."""
        above, below = self.delay.rational()
        require_digits(self.delay, below)
        above = (*(0,) * (len(below) - len(above)), *above)
        direct, poles = above[0], below[1:]
        taps = tuple(
            own - combine((direct,), (pole,)) for own, pole in zip(above[1:], poles, strict=True)
        )
        return poles, taps, direct

    def _split(self, state: State) -> tuple[State, State]:
        """The method's own slots, and the filter's."""
        own = len(state) - len(self.filter[0])
        return state[:own], state[own:]


def require_digits(delay: Delay, below: Coefficients) -> None:
    """Refuse a filter whose poles crowd so much that its coefficients, as floats, do not tell them.

    By how much the polynomial of the poles cancels at 1, where the slow ones are, a rounding of its
    coefficients is enlarged there.

    Raises
    ------
    DomainError
        If fewer than five digits of the poles are left.
    """
    if len(below) <= _PAIR or any(map(is_symbolic, below)):
        return
    entries = np.broadcast_arrays(*(np.asarray(entry, dtype=float) for entry in below))
    size, value = np.abs(entries).sum(axis=0), np.abs(np.sum(entries, axis=0))
    if not (size * np.finfo(float).eps <= _LOST * value).all():
        raise DomainError(
            f"{type(delay).__name__} has {len(below) - 1} poles so near each other that floats "
            "cannot hold its filter; ask for fewer of them, or cut the law off as "
            "EmpiricalDelay(probabilities=…)."
        )


_PAIR, _LOST = 2, 1e-5
"""Coefficients of a filter of one pole, and which relative error of a filter is too much."""


def resting(parts: tuple[Coefficients, Coefficients, Scalar], level: Scalar) -> State:
    """A filter's slots when its input has always been at one level: each stays as it is."""
    poles, taps, direct = parts
    first = (direct + sum(taps) + direct * sum(poles)) / (1 + sum(poles)) - direct
    slots, now = [], first
    for pole, tap in zip(poles, taps, strict=True):
        slots.append(now * level)
        now = now + pole * first - tap
    return tuple(slots)


def behind(method: Method, delay: Delay | None) -> Method:
    """The method behind a delay; itself where there is none."""
    if delay is None or isinstance(delay, NoDelay):
        return method
    above, below = delay.rational()
    if any(np.ndim(entry) for entry in (*above, *below) if not is_symbolic(entry)):
        state_space(method).beside(*above, *below)
    return Delayed(method=method, delay=delay)
