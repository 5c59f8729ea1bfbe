"""One text for floats, arrays, fractions, intervals, many digits and symbols."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from momentum_dynamics import UnknownNameError, scalars, symbol

X = symbol("learning_rate")


@pytest.mark.parametrize(
    ("function", "oracle"),
    [
        (scalars.sqrt, math.sqrt),
        (scalars.cube_root, lambda x: x ** (1 / 3)),
        (scalars.cos, math.cos),
        (scalars.sin, math.sin),
        (scalars.absolute, abs),
    ],
)
@pytest.mark.parametrize("value", [0.25, 2.0, 17.3])
def test_every_world_agrees(function, oracle, value):
    expected = pytest.approx(oracle(value), rel=1e-14)
    assert function(value) == expected
    assert type(function(value)) in {float, np.float64}
    np.testing.assert_allclose(function(np.array([value, 1.0])), [oracle(value), oracle(1.0)])
    assert float(function(Fraction(value))) == expected
    assert float(function(mpmath.mpf(value))) == expected
    assert float(function(sympy.Rational(value))) == expected
    interval = function(mpmath.iv.mpf(value))
    assert interval.a <= oracle(value) + 1e-15
    assert interval.b >= oracle(value) - 1e-15


def test_python_floats_stay_python_floats():
    assert type(scalars.sqrt(2.0)) is float
    assert type(scalars.sqrt(4)) is float
    assert type(scalars.cube_root(8.0)) is float
    assert scalars.cube_root(27.0) == pytest.approx(3)


@given(st.fractions(0, 1000))
def test_roots_of_square_fractions_are_exact(value):
    assert scalars.sqrt(value * value) == value
    assert isinstance(scalars.sqrt(value * value), Fraction)


def test_roots_of_other_fractions_are_floats():
    assert scalars.sqrt(Fraction(1, 2)) == pytest.approx(0.5**0.5)
    assert isinstance(scalars.sqrt(Fraction(1, 2)), float)


def test_symbols_stay_symbols():
    assert scalars.sqrt(X) == sympy.sqrt(X)
    assert scalars.complex_sqrt(X) == sympy.sqrt(X)
    assert scalars.cube_root(X) == sympy.cbrt(X)
    assert scalars.absolute(X) == sympy.Abs(X)
    assert scalars.maximum(X, 1) == sympy.Max(X, 1)
    assert scalars.minimum(1, X) == sympy.Min(X, 1)
    assert scalars.where(X > 0, 1, X) == sympy.Piecewise((1, X > 0), (X, True))


def test_complex_roots_of_negative_numbers():
    assert scalars.complex_sqrt(-4.0) == 2j
    np.testing.assert_allclose(scalars.complex_sqrt(np.array([-1.0, 4.0])), [1j, 2])


def test_extremes_and_choices():
    np.testing.assert_array_equal(scalars.maximum(np.array([1, 5]), 3), [3, 5])
    np.testing.assert_array_equal(scalars.minimum(np.array([1, 5]), 3), [1, 3])
    assert scalars.maximum(Fraction(1, 2), Fraction(1, 3)) == Fraction(1, 2)
    assert scalars.minimum(Fraction(1, 2), 0) == 0
    np.testing.assert_array_equal(scalars.where(np.array([True, False]), 1, 2), [1, 2])
    assert scalars.where(True, Fraction(1, 2), Fraction(1, 3)) == Fraction(1, 2)


def test_intervals_of_extremes_hold_both_cases():
    wide, narrow = mpmath.iv.mpf([0, 3]), mpmath.iv.mpf([1, 2])
    largest, smallest = scalars.maximum(wide, narrow), scalars.minimum(wide, narrow)
    assert (largest.a, largest.b) == (1, 3)
    assert (smallest.a, smallest.b) == (0, 2)


def test_expression_traces_by_name():
    def law(momentum, curvature):
        return (momentum / 3, scalars.sqrt(curvature))

    traced = scalars.expression(law)
    assert traced == sympy.Tuple(symbol("momentum") / 3, sympy.sqrt(symbol("curvature")))


def test_expression_refuses_names_that_the_glossary_does_not_know():
    with pytest.raises(UnknownNameError, match="No quantity is called 'mometum'"):
        scalars.expression(lambda mometum: mometum)
    with pytest.raises(UnknownNameError, match=r"for beta ask symbol\('momentum'\)"):
        scalars.expression(lambda beta: beta)
