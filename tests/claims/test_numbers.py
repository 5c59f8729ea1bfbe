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
def test_agrees_or_is_told_to_differ(number, tmp_path):
    entry = number.to_dict()
    assert entry["agrees"] == number.agrees, entry
    assert number.agrees or number.note, "say why they differ"
    assert number.source.key is None or number.source.key in cite(number.source.key)
    json.dumps(entry, allow_nan=False)
    if number.agrees:
        require_that_a_wrong_value_is_told(number, entry["computed"], tmp_path)


def require_that_a_wrong_value_is_told(number, computed, tmp_path):
    """The same number, its source misread in the fourth digit, makes the main job fail."""
    wrong = number.published * 1.001 + 1e-3
    misread = dataclasses.replace(number, published=wrong, compute=lambda: computed).to_dict()
    # Limits, regressions and simulations are compared more coarsely than the misreading is.
    loose = number.tolerance > 1e-3 * (1 + abs(number.published))
    assert misread["agrees"] is loose
    report = Report(
        claims=(), figures=(), out=tmp_path, quick=False, seconds=0.0, numbers=(misread,)
    )
    assert report.exit_code == (0 if loose else 1)
    assert (number.quantity in report.summary()) is not loose


def test_there_are_misprints_and_agreements():
    assert len(NUMBERS) >= 100
    assert {number.agrees for number in NUMBERS} == {True, False}


def test_a_misprint_that_agrees_is_told_too(tmp_path):
    right = dataclasses.replace(NUMBERS[0], agrees=False, note="said to differ").to_dict()
    report = Report(claims=(), figures=(), out=tmp_path, quick=False, seconds=0.0, numbers=(right,))
    assert report.exit_code == 1
    assert "yes (not expected)" in scorecard_page([], [right])


def test_every_quantity_is_named_once():
    names = [(number.source.key, number.quantity) for number in NUMBERS]
    assert len(set(names)) == len(names)


def test_the_page_shows_them():
    entries = [
        dataclasses.replace(number, compute=lambda value=number.published: value).to_dict()
        for number in NUMBERS
    ]
    page = scorecard_page([], entries)
    assert page.count("<tr>") == len(NUMBERS) + 1
    assert "noise amplification" in page
