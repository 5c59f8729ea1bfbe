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
from momentum_dynamics.laws import tuning as laws
from momentum_dynamics.tuning.rule import choose

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


UNARY = ("absolute", "cos", "cube_root", "exp", "log", "sin", "sqrt")


@pytest.mark.parametrize("name", UNARY)
def test_the_reading_for_floats_agrees(name):
    for value in (1e-300, 0.1, 1.0, 1.7, 50.0):
        expected = getattr(scalars, name)(value)
        assert scalars._OF_FLOATS[name](value) == pytest.approx(expected, rel=1e-15)
    assert scalars._OF_FLOATS["exp"](1e9) == np.inf
    assert scalars._OF_FLOATS["log"](0.0) == -np.inf


@pytest.mark.parametrize(("first", "second"), [(1.0, 2.0), (2.0, 1.0), (-1.0, np.inf)])
def test_the_reading_for_floats_chooses_alike(first, second):
    for name in ("maximum", "minimum"):
        expected = getattr(scalars, name)(first, second)
        assert scalars._OF_FLOATS[name](first, second) == expected
    choose = scalars._OF_FLOATS["where"]
    assert choose(first > second, first, second) == scalars.where(first > second, first, second)


def test_the_reading_for_floats_goes_into_the_functions_of_the_package_and_no_further():
    fast = scalars.for_floats(choose)
    assert fast.__globals__["maximum"] is scalars._OF_FLOATS["maximum"]
    inner = fast.__globals__["cubic_root"]
    assert inner is not laws.cubic_root
    assert inner.__globals__["sqrt"] is scalars._OF_FLOATS["sqrt"]
    assert fast.__globals__["SingleStep"] is choose.__globals__["SingleStep"]
    assert choose.__globals__["maximum"] is scalars.maximum
    numbers = {"h_max": 9.0, "h_min": 0.3, "variance": 2.0, "distance": 0.7}
    assert fast(**numbers) == pytest.approx(choose(**numbers), rel=1e-14)


def test_nan_is_passed_on_by_extremes_of_floats():
    for pair in ((np.nan, 1.0), (1.0, np.nan)):
        assert np.isnan(scalars.maximum(*pair))
        assert np.isnan(scalars.minimum(*pair))


class Foreign:
    """A number of an array library that is not NumPy; its functions say that they were asked."""

    def __init__(self, told="x"):
        self.told = told

    def __array_namespace__(self):
        return self

    def __getattr__(self, name):
        def asked(*given):
            inner = ", ".join(getattr(value, "told", str(value)) for value in given)
            return Foreign(f"{name}({inner})")

        return asked


def test_arrays_of_other_libraries_are_handed_to_their_library():
    x = Foreign()
    assert [getattr(scalars, name)(x).told for name in UNARY] == [
        "abs(x)", "cos(x)", "cbrt(x)", "exp(x)", "log(x)", "sin(x)", "sqrt(x)",
    ]  # fmt: skip
    assert scalars.maximum(1.0, x).told == "maximum(1.0, x)"
    assert scalars.minimum(x, 1.0).told == "minimum(x, 1.0)"
    assert scalars.where(x, 1.0, 2.0).told == "where(x, 1.0, 2.0)"
