"""The state space of a method, read off by superposition.

A method is linear, so applying it to unit vectors gives the small matrices that everything else
is made from: `s' = A s + B u`, queries `y = C s + D u`, output `E s`. Entries stay what they are
(floats, arrays of batch axes, SymPy expressions); `A` … `E` stack them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from momentum_dynamics.errors import DomainError, NotTraceableError, ShapeError
from momentum_dynamics.methods.protocol import (
    Method,
    State,
    output_of,
    period_of,
    stage_of,
    transient_of,
)
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic

__all__ = ["Rows", "StateSpace", "combine", "is_zero", "stack", "state_space"]

Rows: TypeAlias = tuple[tuple[Scalar, ...], ...]
"""A small matrix as rows of scalars, each with its own batch axes."""


def is_zero(value: Scalar) -> bool:
    """Say whether an entry is the plain number 0, which sums may leave out."""
    return (np.ndim(value) == 0 and not is_symbolic(value) and value == 0) or (
        is_symbolic(value) and bool(value.is_zero)
    )


def as_float(entry: Scalar) -> Scalar:
    """The entry with fractions as floats, as it must be where arrays or complex numbers meet it."""
    if isinstance(entry, Fraction):
        return float(entry)
    if isinstance(entry, np.ndarray) and entry.dtype == object:
        return entry.astype(complex if any(map(np.iscomplexobj, entry.flat)) else float)
    return entry


def settle(rows: Rows, *others: Scalar) -> Rows:
    """Rows that arrays can be computed with, beside other numbers that they will meet.

    Raises
    ------
    NotTraceableError
        If symbols meet batches of numbers.
    ShapeError
        If batch axes do not broadcast.
    """
    entries = [*(entry for row in rows for entry in row), *others]
    shapes = {np.shape(entry) for entry in entries if not is_symbolic(entry)} - {()}
    if shapes:
        if any(is_symbolic(e) or _holds_symbols(e) for e in entries):
            raise NotTraceableError(
                "Symbols and batches of numbers do not mix; give symbols alone, or numbers for all."
            )
        try:
            np.broadcast_shapes(*shapes)
        except ValueError as error:
            raise ShapeError(
                f"The batch axes of the method, the delay and the numbers beside them do not "
                f"broadcast: {sorted(shapes)}; give each quantity an axis of its own, as in "
                "momentum[:, None]."
            ) from error
    if shapes or any(isinstance(entry, complex | np.ndarray) for entry in others):
        return tuple(tuple(as_float(entry) for entry in row) for row in rows)
    return rows


def _holds_symbols(entry: Scalar) -> bool:
    return (
        isinstance(entry, np.ndarray)
        and entry.dtype == object
        and any(is_symbolic(value) for value in entry.flat)
    )


def combine(coefficients: Sequence[Scalar], values: Sequence[Scalar]) -> Scalar:
    """The sum of products, without the terms that are plainly zero."""
    total: Scalar = 0
    for coefficient, value in zip(coefficients, values, strict=True):
        if not (is_zero(coefficient) or is_zero(value)):
            try:
                total = total + coefficient * value
            except ValueError as error:
                shapes = sorted({np.shape(entry) for entry in (total, coefficient, value)} - {()})
                raise ShapeError(
                    f"The batch axes of a method and of what stands beside it do not broadcast: "
                    f"{shapes}; give each quantity an axis of its own, as in momentum[:, None]."
                ) from error
    return total


def stack(rows: Rows, *, exact: bool = False) -> Any:
    """The rows as one array ``(*batch, rows, columns)``, or as a SymPy matrix if any is symbolic.

    Parameters
    ----------
    rows : rows of scalars
    exact : bool
        Make a SymPy matrix of numbers as well, as beside symbolic ones.

    Returns
    -------
    array or sympy.ImmutableMatrix

    Raises
    ------
    ShapeError
        If the batch axes of the entries do not broadcast.
    """
    entries = [entry for row in rows for entry in row]
    shape = (len(rows), len(rows[0]) if rows else 0)
    if exact or any(is_symbolic(entry) for entry in entries):
        import sympy

        return sympy.ImmutableMatrix(*shape, entries)
    try:
        flat = np.broadcast_arrays(*entries) if entries else []
    except ValueError as error:
        shapes = sorted({np.shape(entry) for entry in entries})
        raise ShapeError(
            f"The batch axes of a method's parameters do not broadcast: {shapes}; "
            "give each parameter its own axis, as in momentum[:, None]."
        ) from error
    batch = flat[0].shape if flat else ()
    kind = complex if any(np.iscomplexobj(entry) for entry in flat) else float
    if not flat:
        return np.zeros((*batch, *shape))
    return np.stack(flat, axis=-1).astype(kind).reshape(*batch, *shape)


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
    answering = method if hasattr(method, "output") else stages[0]
    still = _unit(len(stages), None)
    by_slot = [run(_unit(slots, i), still) for i in range(slots)]
    by_gradient = [run(_unit(slots, None), _unit(len(stages), k)) for k in range(len(stages))]
    return StateSpace(
        transition=_columns([state for state, _ in by_slot], slots),
        injection=_columns([state for state, _ in by_gradient], slots),
        observation=_columns([queries for _, queries in by_slot], len(stages)),
        feedthrough=_columns([queries for _, queries in by_gradient], len(stages)),
        readout=(tuple(output_of(answering, _unit(slots, i)) for i in range(slots)),),
    ).beside()


def _columns(columns: Sequence[Sequence[Scalar]], rows: int) -> Rows:
    return tuple(tuple(column[i] for column in columns) for i in range(rows))


def _require_no_offset(
    method: Method,
    run: Callable[[State, tuple[int, ...]], tuple[State, tuple[Scalar, ...]]],
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
                f"moves to {entry}."
            )
