"""The way back from a state space: small matrices as a method that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods.protocol import State, trailing
from momentum_dynamics.methods.rows import combine, is_zero
from momentum_dynamics.notation import Scalar

__all__ = ["LinearMethod"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearMethod:
    """A state space as a method: run it, tune it, ask for its spectrum.

    For one gradient a step; `D` may be left out (zero), and `E` too (then the answer is the query).

    Parameters
    ----------
    A, B, C : array or SymPy matrix
        ``(*batch, slots, slots)``, ``(*batch, slots, 1)``, ``(*batch, 1, slots)``.
    D, E : array or SymPy matrix, optional
        ``(*batch, 1, 1)`` and ``(*batch, 1, slots)``.
    start : sequence of scalars, optional
        The state at rest at the point 1; by default found as the state that stays put
        without gradient and answers 1.

    Raises
    ------
    ShapeError
        If the shapes do not fit, or more than one gradient a step is asked for.
    DomainError
        If an entry is no number; in `initial_state`, if no state stays put and answers 1.
    """

    A: Any
    B: Any
    C: Any
    D: Any = None
    E: Any = None
    start: Sequence[Scalar] | None = None

    def __post_init__(self) -> None:
        if len(_dimensions(self.A)) < 2:
            raise ShapeError(
                f"LinearMethod: A has shape {_dimensions(self.A)}, but must be a matrix, slots by "
                "slots; write one slot as [[a]]."
            )
        size = _dimensions(self.A)[-1]
        wanted = {"A": (size, size), "B": (size, 1), "C": (1, size), "D": (1, 1), "E": (1, size)}
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is not None and _dimensions(value)[-2:] != shape:
                raise ShapeError(
                    f"LinearMethod: {name} ends in shape {_dimensions(value)[-2:]}, but with "
                    f"{size} slots and one gradient a step it must end in {shape}."
                )
        if self.D is not None and any(not is_zero(entry) for entry in _row(self.D, 0)):
            raise ShapeError(
                "LinearMethod: D is not zero, so the query would need its own gradient; "
                "that is a proximal step, which cannot be run by asking for gradients."
            )

        for name in wanted:
            value = getattr(self, name)
            if value is not None and not _is_numeric(value):
                raise DomainError(
                    f"LinearMethod: {name} is {value!r}, but all its entries must be numbers or "
                    "SymPy expressions."
                )

    def initial_state(self, point: Scalar) -> State:
        return tuple(weight * point for weight in self._rest())

    def query(self, state: State) -> Scalar:
        return combine(_row(self.C, 0), state)

    def output(self, state: State) -> Scalar:
        matrix = self.C if self.E is None else self.E
        return combine(_row(matrix, 0), state)

    def update(self, state: State, gradient: Scalar) -> State:
        size = _dimensions(self.A)[-1]
        return tuple(
            combine((*_row(self.A, i), *_row(self.B, i)), (*state, gradient)) for i in range(size)
        )

    def with_trailing_axes(self, count: int) -> LinearMethod:
        """The same method with axes of length one between the batch and the matrix."""

        def spread(matrix: Any) -> Any:
            if matrix is None or np.ndim(matrix) == 2:
                return matrix
            array = np.asarray(matrix)
            return array.reshape(*array.shape[:-2], *(1,) * count, *array.shape[-2:])

        start = None if self.start is None else [trailing(entry, count) for entry in self._rest()]
        matrices = {name: spread(getattr(self, name)) for name in "ABCDE"}
        return LinearMethod(**matrices, start=start)

    def _rest(self) -> Sequence[Scalar]:
        if self.start is not None:
            return self.start
        size = _dimensions(self.A)[-1]
        if hasattr(self.A, "free_symbols"):
            return _symbolic_rest(self.A, self.C if self.E is None else self.E)
        array = np.asarray(self.A, dtype=float)
        readout = np.asarray(self.C if self.E is None else self.E, dtype=float)
        readout = np.broadcast_to(readout, (*array.shape[:-2], 1, size))
        system = np.concatenate([array - np.eye(size), readout], axis=-2)
        right = np.zeros((*array.shape[:-2], size + 1, 1))
        right[..., -1, 0] = 1
        rest = np.linalg.pinv(system) @ right
        if np.any(np.abs(system @ rest - right) > _REST_TOLERANCE * (1 + np.abs(rest).max())):
            raise DomainError(_NO_REST)
        return [rest[..., i, 0] if rest.ndim > 2 else float(rest[i, 0]) for i in range(size)]


_REST_TOLERANCE = 1e-6
"""How far a state found by least squares may be from one at rest: a pole at 1 to half the digits
is meant as one."""

_NO_REST = (
    "LinearMethod: no state stays where it is without gradient and answers 1, so there is no state "
    "at rest; give start=, the state that stands for the point 1."
)


def _symbolic_rest(matrix: Any, readout: Any) -> Sequence[Scalar]:
    import sympy

    size = _dimensions(matrix)[-1]
    unknowns = sympy.symbols(f"s:{size}", cls=sympy.Dummy)
    vector = sympy.Matrix(unknowns)
    equations = [*(matrix * vector - vector), (readout * vector)[0] - 1]
    solutions = sympy.linsolve(equations, *unknowns)
    if not solutions:
        raise DomainError(_NO_REST)
    (solution,) = solutions
    return tuple(entry.subs(dict.fromkeys(unknowns, 0)) for entry in solution)


def _is_numeric(matrix: Any) -> bool:
    """Say whether all entries are numbers and none is NaN."""
    if hasattr(matrix, "free_symbols"):
        return not any(str(entry) == "nan" for entry in matrix)
    try:
        return not bool(np.isnan(np.asarray(matrix, dtype=float)).any())
    except (TypeError, ValueError):
        return False


def _dimensions(matrix: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = matrix.shape if hasattr(matrix, "shape") else np.shape(matrix)
    return shape


def _row(matrix: Any, index: int) -> list[Scalar]:
    """One row as scalars, each with the batch axes."""
    if not hasattr(matrix, "shape") or isinstance(matrix, np.ndarray):
        array = np.asarray(matrix, dtype=float)
        if array.ndim == 2:
            return array[index].tolist()
        return [array[..., index, j] for j in range(array.shape[-1])]
    return [matrix[index, j] for j in range(matrix.shape[1])]
