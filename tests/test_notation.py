"""The glossary: one name, symbol and range for each quantity, and the records that obey it."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import sympy

from momentum_dynamics import DomainError, ShapeError, UnknownNameError, symbol
from momentum_dynamics.notation import GLOSSARY, Range, is_symbolic, record

every_quantity = pytest.mark.parametrize("quantity", GLOSSARY.values(), ids=list(GLOSSARY))


@every_quantity
def test_symbol_carries_the_range(quantity):
    found = quantity.symbol
    assert found is symbol(quantity.name)
    assert found.is_real
    assert bool(found.is_positive) is (
        quantity.range.low > 0 or (quantity.range.low == 0 and quantity.range.low_open)
    )
    assert bool(found.is_nonnegative) is (quantity.range.low >= 0)
    assert bool(found.is_integer) is quantity.integer


@every_quantity
def test_label_and_meaning(quantity):
    assert quantity.label == f"{quantity.name.replace('_', ' ')} ${quantity.latex}$"
    assert quantity.meaning
    assert not quantity.meaning.endswith(".")


@every_quantity
def test_the_range_is_checked_at_its_ends(quantity):
    for end, is_open in (
        (quantity.range.low, quantity.range.low_open),
        (quantity.range.high, quantity.range.high_open),
    ):
        if is_open:
            said = f"{quantity.name} is .* must (lie|be a whole number) in "
            with pytest.raises(DomainError, match=said):
                quantity.check(end)
        else:
            quantity.check(end)
    quantity.check(quantity.symbol)


@pytest.mark.parametrize("wrong", [1.5, [1, 2.5], "2", np.nan, None])
def test_counts_are_whole_numbers(wrong):
    with pytest.raises(DomainError, match=r"steps is .* must be a whole number in"):
        GLOSSARY["steps"].check(wrong)
    GLOSSARY["steps"].check([3.0, 4])


def test_unknown_quantity():
    with pytest.raises(UnknownNameError, match="did you mean 'momentum'"):
        symbol("momentun")


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        (Range(0, 1), "[0, 1]"),
        (Range(0, np.inf, low_open=True), "(0, ∞)"),
        (Range(-np.inf, 0.5, high_open=True), "(−∞, 0.5)"),
    ],
)
def test_ranges_are_written_as_in_a_textbook(interval, shown):
    assert str(interval) == shown


def test_ranges_hold_arrays():
    assert Range(0, 1).holds([0, 0.5, 1])
    assert not Range(0, 1).holds([0, 1.5])
    assert not Range(0, 1).holds(np.nan)


def test_symbols_are_told_from_numbers():
    assert is_symbolic(symbol("momentum"))
    assert is_symbolic(sympy.Integer(1))
    assert not is_symbolic(1.0)
    assert not is_symbolic("beta")


@record
class Pair:
    """Two numbers, of which the glossary knows one."""

    workers: float
    other: float


@pytest.mark.parametrize("good", [1, 2.5, Fraction(7, 2), np.float32(2), np.arange(1, 4), [1, 2]])
def test_records_take_numbers(good):
    kept = Pair(workers=good, other=-1).workers
    assert np.array_equal(kept, good)
    assert not isinstance(kept, list | np.generic)


def test_records_print_plain_numbers():
    assert (
        repr(Pair(workers=np.float64(2.5), other=np.array(3.0))) == "Pair(workers=2.5, other=3.0)"
    )
    assert type(Pair(workers=Fraction(3, 2), other=1).workers) is Fraction
    assert type(Pair(workers=Fraction(3, 2), other=[1.0, 2.0]).workers) is float


@pytest.mark.parametrize("bad", [sympy.nan, sympy.I])
def test_records_refuse_symbols_that_are_no_real_numbers(bad):
    with pytest.raises(DomainError, match="other is"):
        Pair(workers=1, other=bad)


@pytest.mark.parametrize("bad", ["1", None, np.nan, 1j, [], [1, np.nan], [[1], [2, 3]], object()])
def test_records_refuse_what_is_no_number(bad):
    with pytest.raises(DomainError, match=r"Pair: other is .* must be a real number"):
        Pair(workers=1, other=bad)


def test_records_hold_the_glossary():
    with pytest.raises(DomainError, match=r"workers is 0, but must lie in \[1, ∞\): how many"):
        Pair(workers=0, other=0)
    with pytest.raises(DomainError, match="an array from 0 to 3"):
        Pair(workers=[0, 3], other=0)


def test_records_refuse_axes_that_do_not_broadcast():
    with pytest.raises(ShapeError, match=r"workers \(2,\), other \(3,\)"):
        Pair(workers=[1, 2], other=[1, 2, 3])


def test_records_are_keyword_only_frozen_and_compared_by_identity():
    pair = Pair(workers=1, other=2)
    with pytest.raises(TypeError):
        Pair(1, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.other = 3
    assert pair != Pair(workers=1, other=2)
    assert hash(pair)
