"""Polynomials and small matrices over any scalar: floats, batches, symbols.

Polynomials are tuples of coefficients, highest power first, each with its own batch axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods.rows import Rows, combine
from momentum_dynamics.notation import Scalar, is_symbolic

__all__ = [
    "Coefficients",
    "add",
    "evaluate",
    "leverrier",
    "multiply",
    "schur_cohn",
    "two_player_coefficients",
]

Coefficients: TypeAlias = tuple[Scalar, ...]


def multiply(first: Sequence[Scalar], second: Sequence[Scalar]) -> Coefficients:
    """The product of two polynomials."""
    size = len(first) + len(second) - 1
    return tuple(
        combine(
            [first[i] for i in range(len(first)) if 0 <= k - i < len(second)],
            [second[k - i] for i in range(len(first)) if 0 <= k - i < len(second)],
        )
        for k in range(size)
    )


def add(first: Sequence[Scalar], second: Sequence[Scalar], factor: Scalar = 1) -> Coefficients:
    """The first polynomial plus `factor` times the second."""
    size = max(len(first), len(second))
    left = (*(0,) * (size - len(first)), *first)
    right = (*(0,) * (size - len(second)), *second)
    return tuple(a + combine((factor,), (b,)) for a, b in zip(left, right, strict=True))


def evaluate(coefficients: Sequence[Scalar], point: Scalar) -> Scalar:
    """The value at a point, by Horner's rule."""
    value: Scalar = 0
    for coefficient in coefficients:
        value = value * point + coefficient
    return value


def leverrier(rows: Rows) -> tuple[Coefficients, tuple[Rows, ...]]:
    """The characteristic polynomial of a small matrix, and its resolvent's numerator.

    Faddeev and Leverrier: (zI − A)⁻¹ = (N₀zⁿ⁻¹ + … + Nₙ₋₁)/p(z) with N₀ = I, p₁ = −tr A,
    Nₖ = A Nₖ₋₁ + pₖ I and pₖ₊₁ = −tr(A Nₖ)/(k + 1). Meant for the few slots of a method.
    """
    if any(is_symbolic(entry) for row in rows for entry in row):
        import sympy

        rows = tuple(tuple(sympy.sympify(entry) for entry in row) for row in rows)
    size = len(rows)
    coefficients: list[Scalar] = [1]
    numerator: Rows = tuple(tuple(int(i == j) for j in range(size)) for i in range(size))
    numerators = []
    for k in range(1, size + 1):
        numerators.append(numerator)
        columns = [[row[j] for row in numerator] for j in range(size)]
        product = [[combine(row, column) for column in columns] for row in rows]
        trace = sum(product[i][i] for i in range(size))
        coefficients.append(-trace / k if k > 1 else -trace)
        numerator = tuple(
            tuple(product[i][j] + (coefficients[k] if i == j else 0) for j in range(size))
            for i in range(size)
        )
    return tuple(coefficients), tuple(numerators)


def two_player_coefficients(
    trace: Scalar, trace_slope: Scalar, determinant: Scalar, determinant_slope: Scalar,
    other_trace: Scalar, other_trace_slope: Scalar,
    other_determinant: Scalar, other_determinant_slope: Scalar,
    own: Scalar, across: Scalar, back: Scalar, other_own: Scalar, later: Scalar,
) -> tuple[Scalar, Scalar, Scalar, Scalar]:  # fmt: skip
    """z³ to z⁰ of a round's monic quartic, for two players with two slots each.

    On curvature h a player has trace T + hT′ and determinant D + hD′, and its query answers the
    gradient by (T′z − D′)/(z² − Tz + D). The other sees that query one power of z later in time
    when they alternate: p(z) q(z) − J₁₂J₂₁ n(z) m(z) zᵏ, k = 1 if the second answers to the first's
    new point, else 0. Arithmetic alone: for floats, arrays and symbols, and to be compiled.
    """
    t, d = trace + own * trace_slope, determinant + own * determinant_slope
    s = other_trace + other_own * other_trace_slope
    e = other_determinant + other_own * other_determinant_slope
    loop = -across * back
    high = loop * trace_slope * other_trace_slope
    low = loop * determinant_slope * other_determinant_slope
    mid = -loop * (trace_slope * other_determinant_slope + determinant_slope * other_trace_slope)
    now = 1 - later
    return (
        later * high - t - s,
        t * s + d + e + now * high + later * mid,
        now * mid + later * low - t * e - s * d,
        d * e + now * low,
    )


def schur_cohn(coefficients: Sequence[Scalar]) -> NDArray[np.bool_]:
    """Whether all roots lie strictly inside the unit circle, elementwise, by Schur and Cohn's test.

    A polynomial a₀zⁿ + … + aₙ is stable iff |aₙ| < |a₀| and ā₀a(z) − aₙa*(z), which is z times a
    polynomial of degree n − 1, is stable. Each round is scaled by its leading coefficient.

    A root within rounding of 1 or −1 counts as on the circle: there the polynomial's own value is
    compared with the rounding of its coefficients. For real polynomials of degree two and less
    these values and the constant term are all that is needed (Jury's triangle).
    """
    columns = np.broadcast_arrays(*coefficients)
    shape, kind = columns[0].shape, complex if any(map(np.iscomplexobj, columns)) else float
    flat = [column.reshape(-1) for column in columns]
    stable = np.empty(flat[0].size, dtype=bool)
    with np.errstate(all="ignore"):
        for first in range(0, stable.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            stable[block] = _shrinks(np.array([column[block] for column in flat], dtype=kind))
    return stable.reshape(shape)


def _shrinks(row: NDArray[Any]) -> NDArray[np.bool_]:
    """Schur and Cohn's test on a block of polynomials ``(degree + 1, count)``, which it spends."""
    degree = len(row) - 1
    row /= row[0].copy()
    rounding = _ROUNDINGS * max(degree, 1) * np.finfo(float).eps * np.abs(row).sum(axis=0)
    stable = np.isfinite(row).all(axis=0)
    if degree:
        stable &= np.abs(row[-1]) < 1 - rounding
        even, odd = row[::2].sum(axis=0), row[1::2].sum(axis=0)
        for value in (even + odd, even - odd):  # at 1, and at −1 up to the sign (−1)ⁿ
            stable &= (np.abs(value) if np.iscomplexobj(value) else value) > rounding
    if degree <= 2 and not np.iscomplexobj(row):
        return stable
    crossed = np.empty_like(row)
    while len(row) > 1:
        last = row[-1].copy()
        stable &= np.abs(last) < 1
        crossed = crossed[: len(row) - 1]
        np.multiply(np.conj(row[:0:-1]), last, out=crossed)
        row = row[:-1]
        row -= crossed
        row *= 1 / row[0]
    return stable & np.isfinite(row[0])


_BLOCK = 4096
"""Polynomials at a time, so that their coefficients stay in the cache."""


_ROUNDINGS = 2
"""How many roundings each coefficient is granted per degree, relative to their sum."""
