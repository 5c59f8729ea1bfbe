"""Worked numbers: each agrees with its source, or is told to differ."""

import json

import pytest

from momentum_dynamics.claims import cite
from momentum_dynamics.claims.numbers import list_numbers
from momentum_dynamics.gallery import scorecard_page

NUMBERS = list_numbers()


@pytest.mark.parametrize("number", NUMBERS, ids=[entry.quantity for entry in NUMBERS])
def test_agrees_or_is_told_to_differ(number):
    entry = number.to_dict()
    assert entry["agrees"] == number.agrees, entry
    assert number.agrees or number.note, "say why they differ"
    assert number.source.key in cite(number.source.key)
    json.dumps(entry, allow_nan=False)


def test_there_are_misprints_and_agreements():
    assert len(NUMBERS) >= 18
    assert {number.agrees for number in NUMBERS} == {True, False}


def test_the_page_shows_them():
    page = scorecard_page([], [number.to_dict() for number in NUMBERS])
    assert page.count("<tr>") == len(NUMBERS) + 1
    assert "noise amplification" in page
