"""Small matrices as rows of scalars: floats, arrays of batch axes, fractions, symbols."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from momentum_dynamics.errors import NotTraceableError, ShapeError
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = ["PLAIN", "Rows", "as_float", "as_rows", "combine", "is_zero", "settle", "stack"]

Rows: TypeAlias = tuple[tuple[Scalar, ...], ...]
"""A small matrix as rows of scalars, each with its own batch axes."""

PLAIN = frozenset({int, float, np.int64, np.float64})
"""Types of single real numbers, which need no closer look; most entries are of these."""


def is_zero(value: Scalar) -> bool:
    """Say whether an entry is the plain number 0, which sums may leave out."""
    if type(value) in PLAIN:
        return bool(value == 0)
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


def as_rows(matrix: Any) -> Rows:
    """A matrix, SymPy's or an array ``(*batch, rows, columns)``, as rows of scalars."""
    if is_symbolic(matrix):
        return tuple(tuple(row) for row in matrix.tolist())
    return tuple(tuple(row) for row in np.moveaxis(matrix, (-2, -1), (0, 1)))


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
