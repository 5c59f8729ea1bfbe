"""The state space of a method, read off by superposition.

A method is linear, so applying it to unit vectors gives the small matrices that everything else
is made from: `s' = A s + B u`, queries `y = C s + D u`, output `E s`. Entries stay what they are
(floats, arrays of batch axes, SymPy expressions); `A` … `E` stack them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods.protocol import (
    Method,
    State,
    answer_before,
    period_of,
    require_method,
    stage_of,
    transient_of,
)
from momentum_dynamics.methods.rows import PLAIN, Rows, combine, is_zero, settle, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["StateSpace", "stack", "state_space"]

Run: TypeAlias = Callable[[State, tuple[int, ...]], tuple[State, tuple[Scalar, ...]]]
"""What a period does: from state and gradients to the next state and the queries."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StateSpace:
    """The linear system of one settled period of a method.

    Attributes
    ----------
    transition, injection, observation, feedthrough, readout : rows of scalars
        Entry by entry what `A`, `B`, `C`, `D`, `E` stack: slots by slots, slots by gradients,
        gradients by slots, gradients by gradients (lower triangular), 1 by slots.
    """

    transition: Rows
    injection: Rows
    observation: Rows
    feedthrough: Rows
    readout: Rows

    @property
    def slots(self) -> int:
        """How many numbers the state holds per coordinate."""
        return len(self.transition)

    @property
    def gradients(self) -> int:
        """How many gradients one period takes."""
        return len(self.observation)

    @property
    def A(self) -> Any:
        """The transition of the state without gradient, ``(*batch, slots, slots)``."""
        return stack(self.transition, exact=self.is_symbolic)

    @property
    def B(self) -> Any:
        """What each gradient adds to the state, ``(*batch, slots, gradients)``."""
        return stack(self.injection, exact=self.is_symbolic)

    @property
    def C(self) -> Any:
        """Where each gradient is asked, ``(*batch, gradients, slots)``."""
        return stack(self.observation, exact=self.is_symbolic)

    @property
    def D(self) -> Any:
        """How queries see gradients of the same period, ``(*batch, gradients, gradients)``."""
        return stack(self.feedthrough, exact=self.is_symbolic)

    @property
    def E(self) -> Any:
        """The answer as a combination of slots, ``(*batch, 1, slots)``."""
        return stack(self.readout, exact=self.is_symbolic)

    @property
    def is_symbolic(self) -> bool:
        """Whether any entry is a SymPy expression."""
        return any(is_symbolic(entry) for entry in self.entries)

    @property
    def entries(self) -> tuple[Scalar, ...]:
        """All entries of all parts."""
        parts = (self.transition, self.injection, self.observation, self.feedthrough, self.readout)
        return tuple(entry for rows in parts for row in rows for entry in row)

    def beside(self, *numbers: Scalar) -> StateSpace:
        """The same system, fit to be computed with beside a curvature and other numbers.

        Raises
        ------
        NotTraceableError
            If symbols meet batches of numbers.
        ShapeError
            If batch axes do not broadcast.
        """
        others = (*numbers, *self.entries)
        if all(type(number) in PLAIN for number in others):
            return self
        return StateSpace(
            transition=settle(self.transition, *others),
            injection=settle(self.injection, *others),
            observation=settle(self.observation, *others),
            feedthrough=settle(self.feedthrough, *others),
            readout=settle(self.readout, *others),
        )

    def gain_rows(self, curvature: Scalar) -> tuple[Rows, Rows]:
        """Gradients in terms of the state, and of gradient noise, on one curvature.

        The gradients of a period are u = h y + ξ with y = C s + D u and D lower triangular, so
        they follow one after the other: u = (I − hD)⁻¹(hC s + ξ).
        """
        from_state: list[tuple[Scalar, ...]] = []
        from_noise: list[tuple[Scalar, ...]] = []
        for i, (row, through) in enumerate(zip(self.observation, self.feedthrough, strict=True)):
            earlier = through[:i]
            own = 1 if is_zero(through[i]) else 1 / (1 - curvature * through[i])
            from_state.append(
                tuple(
                    curvature * own * (row[j] + combine(earlier, [gain[j] for gain in from_state]))
                    for j in range(self.slots)
                )
            )
            from_noise.append(
                tuple(
                    own
                    * (int(i == k) + curvature * combine(earlier, [gain[k] for gain in from_noise]))
                    for k in range(self.gradients)
                )
            )
        return tuple(from_state), tuple(from_noise)

    def closed_rows(self, curvature: Scalar) -> tuple[Rows, Rows]:
        """Transition and noise injection with the loop closed on one curvature, as rows."""
        system = self.beside(curvature)
        from_state, from_noise = system.gain_rows(curvature)
        transition = tuple(
            tuple(
                system.transition[i][j]
                + combine(system.injection[i], [row[j] for row in from_state])
                for j in range(self.slots)
            )
            for i in range(self.slots)
        )
        injection = tuple(
            tuple(
                combine(system.injection[i], [row[k] for row in from_noise])
                for k in range(self.gradients)
            )
            for i in range(self.slots)
        )
        return transition, injection

    def _repr_latex_(self) -> str:
        import sympy

        def shown(rows: Rows) -> str:
            # Entry by entry, so that a whole number beside a symbol stays one.
            plain = all(np.ndim(entry) == 0 for row in rows for entry in row)
            return str(sympy.latex(sympy.Matrix(rows) if plain else stack(rows)))

        parts = zip(
            "ABCDE",
            (self.transition, self.injection, self.observation, self.feedthrough, self.readout),
            strict=True,
        )
        return "$" + r",\; ".join(f"{name} = {shown(rows)}" for name, rows in parts) + "$"


def _unit(size: int, index: int | None) -> tuple[int, ...]:
    return tuple(int(position == index) for position in range(size))


def state_space(method: Method, step: int | None = None) -> StateSpace:
    """Read the linear system of a method off `query` and `update`, by superposition.

    Parameters
    ----------
    method : Method
        Any method, with numbers, arrays of batch axes or SymPy symbols in its fields.
    step : int, optional
        Read the one step with this index; by default one settled period.

    Returns
    -------
    StateSpace

    Raises
    ------
    DomainError
        If the coefficients of the method never settle and no step is given, if the method is not
        linear, or if a step is negative.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall
    >>> system = state_space(HeavyBall(learning_rate=0.1, momentum=0.5))
    >>> system.A
    array([[ 1.5, -0.5],
           [ 1. ,  0. ]])
    >>> system.B.ravel(), system.C.ravel()
    (array([-0.1,  0. ]), array([1., 0.]))
    """
    require_method(method)
    period = period_of(method)
    if step is not None:
        GLOSSARY["step"].check(step)
    if step is None and period is None:
        raise DomainError(
            f"The coefficients of {type(method).__name__} change with every step, so it has no one "
            "state space; ask for state_space(method, step=…)."
        )
    first = transient_of(method) if step is None else step
    stages = [stage_of(method, first + i) for i in range(period or 1 if step is None else 1)]
    slots = len(stages[0].initial_state(0))

    def run(state: State, gradients: tuple[int, ...]) -> tuple[State, tuple[Scalar, ...]]:
        queries = []
        for stage, gradient in zip(stages, gradients, strict=True):
            queries.append(stage.query(state))
            state = stage.update(state, gradient)
        return state, tuple(queries)

    _require_no_offset(method, run, slots, len(stages))
    still = _unit(len(stages), None)
    by_slot = [run(_unit(slots, i), still) for i in range(slots)]
    by_gradient = [run(_unit(slots, None), _unit(len(stages), k)) for k in range(len(stages))]
    system = StateSpace(
        transition=_columns([state for state, _ in by_slot], slots),
        injection=_columns([state for state, _ in by_gradient], slots),
        observation=_columns([queries for _, queries in by_slot], len(stages)),
        feedthrough=_columns([queries for _, queries in by_gradient], len(stages)),
        readout=(tuple(answer_before(method, first, _unit(slots, i)) for i in range(slots)),),
    ).beside()
    _require_superposition(method, run, system)
    return system


def _columns(columns: Sequence[Sequence[Scalar]], rows: int) -> Rows:
    return tuple(tuple(column[i] for column in columns) for i in range(rows))


def _require_no_offset(
    method: Method,
    run: Run,
    slots: int,
    gradients: int,
) -> None:
    """Refuse a method that moves a state of zeros: superposition would misread it."""
    state, queries = run(_unit(slots, None), _unit(gradients, None))
    if len(state) != slots:
        raise ShapeError(
            f"{type(method).__name__}.update returns {len(state)} slots, but initial_state {slots}."
        )
    for entry in (*state, *queries):
        moved = entry != 0 if is_symbolic(entry) else bool(np.any(np.asarray(entry) != 0))
        if moved:
            raise DomainError(
                f"{type(method).__name__} is not linear: from a state of zeros with no gradient it "
                f"moves to {entry}; write update and query as sums of multiples of what they get."
            )


def _require_superposition(method: Method, run: Run, system: StateSpace) -> None:
    """Refuse a method that does not do to one mixed state what its unit states foretell.

    The state is negative, so that clipping and moduli show.
    """
    if any(is_symbolic(entry) for entry in system.entries):
        return
    state = tuple(-index - 2 for index in range(system.slots))
    gradients = tuple(index + 3 for index in range(system.gradients))
    moved, queries = run(state, gradients)
    whole = (*state, *gradients)
    rows = [
        *(a + b for a, b in zip(system.transition, system.injection, strict=True)),
        *(c + d for c, d in zip(system.observation, system.feedthrough, strict=True)),
    ]
    for row, found in zip(rows, (*moved, *queries), strict=True):
        with np.errstate(all="ignore"):
            foretold = np.asarray(combine(row, whole), dtype=float)
            scale = sum(np.abs(np.asarray(entry, dtype=float)) for entry in row) + 1
            error = np.abs(np.asarray(found, dtype=float) - foretold)
        if np.any(error > _ROUNDING * scale * max(map(abs, whole))):
            raise DomainError(
                f"{type(method).__name__} is not linear: the sum of two states does not move to "
                "the sum of where they move; write update and query as sums of multiples of what "
                "they get."
            )


_ROUNDING = 1e-9
"""How far, relative to the entries of its rows, a linear update may be off by rounding."""
