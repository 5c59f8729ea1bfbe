"""Worked numbers: each agrees with its source, or is told to differ."""

import dataclasses
import json

import pytest

from momentum_dynamics.claims import cite
from momentum_dynamics.claims.numbers import list_numbers
from momentum_dynamics.gallery import scorecard_page
from momentum_dynamics.reproduce import Report

NUMBERS = list_numbers()


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS, ids=[entry.quantity for entry in NUMBERS])
def test_agrees_or_is_told_to_differ(number):
    entry = number.to_dict()
    assert entry["agrees"] == number.agrees, entry
    assert number.agrees or number.note, "say why they differ"
    assert number.source.key is None or number.source.key in cite(number.source.key)
    json.dumps(entry, allow_nan=False)


def test_there_are_misprints_and_agreements():
    assert len(NUMBERS) >= 100
    assert {number.agrees for number in NUMBERS} == {True, False}


def wrong(number):
    """The same number, its source misread in the fourth digit."""
    return dataclasses.replace(number, published=number.published * 1.001 + 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [entry for entry in NUMBERS if entry.agrees], ids=lambda entry: entry.quantity
)
def test_a_wrong_published_value_is_told(number, tmp_path):
    # Limits, regressions and simulations are compared more coarsely than the misreading is.
    loose = number.tolerance > 1e-3 * (1 + abs(number.published))
    entry = wrong(number).to_dict()
    assert entry["agrees"] is loose
    report = Report(claims=(), figures=(), out=tmp_path, quick=False, seconds=0.0, numbers=(entry,))
    assert report.exit_code == (0 if loose else 1)
    assert (number.quantity in report.summary()) is not loose


def test_a_misprint_that_agrees_is_told_too(tmp_path):
    right = dataclasses.replace(NUMBERS[0], agrees=False, note="said to differ").to_dict()
    report = Report(claims=(), figures=(), out=tmp_path, quick=False, seconds=0.0, numbers=(right,))
    assert report.exit_code == 1
    assert "yes (not expected)" in scorecard_page([], [right])


def test_every_quantity_is_named_once():
    names = [(number.source.key, number.quantity) for number in NUMBERS]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_the_page_shows_them():
    page = scorecard_page([], [number.to_dict() for number in NUMBERS])
    assert page.count("<tr>") == len(NUMBERS) + 1
    assert "noise amplification" in page
