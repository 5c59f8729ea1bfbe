"""Small polynomials and matrices over any scalar, against NumPy and SymPy."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from momentum_dynamics.dynamics.polynomials import add, evaluate, leverrier, multiply, schur_cohn

RNG_SEED = 20240501
coefficients = st.lists(st.floats(-5, 5), min_size=1, max_size=6)


@given(coefficients, coefficients)
def test_products(first, second):
    found = np.array(multiply(first, second), dtype=float)
    np.testing.assert_allclose(found, np.convolve(first, second), atol=1e-12)


@given(coefficients, coefficients, st.floats(-3, 3))
def test_sums(first, second, factor):
    for point in (-1.3, 0.0, 2.0):
        whole = evaluate(add(first, second, factor), point)
        parts = np.polyval(first, point) + factor * np.polyval(second, point)
        assert whole == pytest.approx(parts, abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_characteristic_polynomial_and_resolvent(size):
    matrix = np.random.default_rng(RNG_SEED + size).normal(size=(size, size))
    rows = tuple(tuple(row) for row in matrix.tolist())
    poles, numerators = leverrier(rows)
    np.testing.assert_allclose(np.array(poles, dtype=float), np.poly(matrix), rtol=1e-9, atol=1e-11)
    z = 1.7 - 0.6j
    above = sum(
        np.array(part, dtype=float) * z ** (size - 1 - power)
        for power, part in enumerate(numerators)
    )
    resolvent = np.linalg.inv(z * np.eye(size) - matrix)
    np.testing.assert_allclose(above / evaluate(poles, z), resolvent, rtol=1e-9, atol=1e-11)


def test_characteristic_polynomial_is_exact_with_symbols():
    a, b, z = sympy.symbols("a b z")
    rows = ((a, 1, 0), (b, 2, 1), (1, a, b))
    poles, _ = leverrier(rows)
    oracle = sympy.Matrix(rows).charpoly(z).as_expr()
    assert sympy.expand(evaluate(poles, z) - oracle) == 0
    assert not sympy.sympify(evaluate(poles, z)).atoms(sympy.Float)


@pytest.mark.parametrize("degree", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_schur_cohn_says_what_the_roots_say(degree, kind):
    """On random polynomials, about half of them stable; none within rounding of the circle."""
    rng = np.random.default_rng(RNG_SEED + degree)
    count = 400
    radii = rng.uniform(0.3, 1.02 + 0.6 / degree**2, (count, degree))
    angles = rng.uniform(0, 2 * np.pi, (count, degree))
    roots = radii * np.exp(1j * angles)
    if kind == "real":
        roots[:, 1::2] = np.conj(roots[:, : 2 * (degree // 2) : 2])
        if degree % 2:
            roots[:, -1] = radii[:, -1] * np.sign(np.cos(angles[:, -1]))
    polynomials = np.array([np.poly(row) for row in roots])
    polynomials = polynomials * rng.normal(size=(count, 1)) * (1 if kind == "real" else np.exp(1j))
    largest = np.abs(roots).max(axis=1)
    clear = np.abs(largest - 1) > 1e-6
    assert 20 < (largest < 1).sum() < count - 20
    found = schur_cohn(list(polynomials.T))
    np.testing.assert_array_equal(found[clear], (largest < 1)[clear])


@pytest.mark.parametrize(
    ("polynomial", "stable"),
    [
        ([1.0], True),
        ([1.0, -1.0], False),
        ([1.0, 1.0], False),
        ([1.0, 0.0, 0.0], True),
        ([1.0, 0.0, 1.0], False),
        ([1.0, -2.0, 1.0], False),
        ([2.0, 1.0], True),
        ([0.0, 1.0], False),
        ([1.0, np.inf], False),
        ([1.0, np.nan, 0.0], False),
    ],
)
def test_schur_cohn_at_the_edge(polynomial, stable):
    assert bool(schur_cohn([np.float64(entry) for entry in polynomial])) is stable


def test_schur_cohn_is_not_fooled_by_rounding():
    """A pole at 1 whose coefficients are rounded, and one that is near but inside."""
    momentum = np.linspace(0, 0.99, 200)
    one = np.ones_like(momentum)
    assert not schur_cohn([one, -(1 + momentum), momentum]).any()
    assert not schur_cohn([one, 1 + momentum, momentum]).any()
    assert not schur_cohn([one, -(1 + momentum), momentum, 0 * one]).any()
    assert schur_cohn([one, -(1 + momentum) + 1e-13, momentum]).all()
    slow = 1 - 1e-6
    assert schur_cohn([1.0, -(1 + slow) + 1e-12, slow])
