"""Settled covariances Σ = MΣMᵀ + Q, in numbers and in symbols: solved here and nowhere else.

Nothing here asks whether the loop is stable; whoever calls must.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.errors import UnstableDynamicsError
from momentum_dynamics.methods.rows import Rows, stack
from momentum_dynamics.notation import Scalar

__all__ = ["NEVER_SETTLED", "covariance", "is_floating", "readable", "symbolic_covariance"]

NEVER_SETTLED = (
    "No stationary variance: the loop has a pole on the unit circle for all values of its symbols; "
    "give a curvature that is not 0."
)

_KRONECKER_LIMIT = 4
"""Slots up to which the doubled system is the faster way."""


def covariance(rows: Rows, injection: Rows, noise_variance: Scalar) -> Any:
    """The settled covariance of a stable loop, ``(*batch, slots, slots)``."""
    matrix, vectors = stack(rows), stack(injection)
    noise = np.asarray(noise_variance, dtype=float)[..., None, None]
    source = noise * (vectors @ np.swapaxes(vectors, -1, -2))
    size = len(rows)
    batch = np.broadcast_shapes(matrix.shape[:-2], source.shape[:-2])
    matrix = np.broadcast_to(matrix, (*batch, size, size))
    source = np.broadcast_to(source, (*batch, size, size))
    if size > _KRONECKER_LIMIT:
        from scipy.linalg import solve_discrete_lyapunov

        found = np.empty(source.shape)
        for index in np.ndindex(*batch):
            found[index] = solve_discrete_lyapunov(matrix[index], source[index])
        return found
    doubled = np.einsum("...ij,...kl->...ikjl", matrix, matrix).reshape(*batch, size**2, size**2)
    right = source.reshape(*batch, size**2, 1)
    return np.linalg.solve(np.eye(size**2) - doubled, right).reshape(*batch, size, size)


def symbolic_covariance(rows: Rows, injection: Rows, noise_variance: Scalar) -> Any:
    """The settled covariance in symbols, as a SymPy matrix; floats enter as exact fractions.

    One linear equation for each pair of slots, solved over a field of rational functions. Sines
    and cosines are unknowns of that field, and sin² is reduced to 1 − cos² afterwards.

    Raises
    ------
    UnstableDynamicsError
        If the equations have no solution whatever the symbols are.
    """
    import sympy
    from sympy.polys.matrices import DomainMatrix
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    size = len(rows)
    matrix, vectors = (
        sympy.Matrix(part).applyfunc(lambda entry: sympy.nsimplify(entry, rational=True))
        for part in (rows, injection)
    )
    waves = {
        wave: sympy.Dummy(wave.func.__name__)
        for wave in matrix.atoms(sympy.sin, sympy.cos) | vectors.atoms(sympy.sin, sympy.cos)
    }
    matrix, vectors = matrix.xreplace(waves), vectors.xreplace(waves)
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    place = {pair: index for index, pair in enumerate(pairs)}
    doubled = sympy.zeros(len(pairs))
    for i, j in pairs:
        for k in range(size):
            for m in range(size):
                doubled[place[i, j], place[min(k, m), max(k, m)]] += matrix[i, k] * matrix[j, m]
    source = vectors * vectors.T
    left = DomainMatrix.from_Matrix(sympy.eye(len(pairs)) - doubled).to_field()
    right = DomainMatrix.from_Matrix(sympy.Matrix([source[pair] for pair in pairs])).to_field()
    left, right = left.unify(right, fmt="dense")
    try:
        solution = left.lu_solve(right).to_Matrix()
    except DMNonInvertibleMatrixError as error:
        raise UnstableDynamicsError(NEVER_SETTLED) from error
    noise = sympy.nsimplify(noise_variance, rational=True)
    entries = [noise * _reduced(entry, waves) for entry in solution]
    return sympy.Matrix(size, size, lambda i, j: entries[place[min(i, j), max(i, j)]])


def _reduced(entry: Any, waves: dict[Any, Any]) -> Any:
    """The entry without even powers of sines beside their cosines, and with the waves put back."""
    import sympy

    for wave, sine in waves.items():
        cosine = waves.get(sympy.cos(wave.args[0]))
        if isinstance(wave, sympy.sin) and cosine is not None:
            above, below = (
                sympy.rem(part, sine**2 + cosine**2 - 1, sine) for part in sympy.fraction(entry)
            )
            entry = sympy.cancel(above / below)
    return entry.xreplace({dummy: wave for wave, dummy in waves.items()})


def is_floating(*values: Scalar) -> bool:
    """Say whether a number that is not exact is among the values."""
    import sympy

    return any(sympy.sympify(value).atoms(sympy.Float) for value in values)


def readable(found: Any, *, floating: bool) -> Any:
    """The expression in factors; if floats went in, with floats and leading coefficients of one."""
    import sympy

    found = sympy.factor(found)
    if not floating:
        return found
    constant, product = sympy.Integer(1), sympy.Integer(1)
    for part, sign in zip(sympy.fraction(found), (1, -1), strict=True):
        coefficient, factors = sympy.factor_list(part)
        constant *= coefficient**sign
        for factor, power in factors:
            lead = sympy.LC(factor)
            constant *= lead ** (sign * power)
            product *= sympy.nfloat(sympy.expand(factor / lead)) ** (sign * power)
    return sympy.Float(constant) * product
