"""Every notebook runs from top to bottom, in a kernel of its own, from its text."""

import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.notebooks]

SHOWS = re.compile(r"^(show|root_explorer|group_explorer)\(|^plt\.show\(\)", re.MULTILINE)


def test_runs_within_a_minute(build, source):
    book = build.convert(source)
    build.execute(book)  # its time-out is a minute a cell
    assert list(build.faults(book)) == []
    for cell in book.cells:
        if cell.cell_type == "code" and SHOWS.search(cell.source):
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), (
                cell.source
            )
    kept = build.nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    for fresh, old in zip(book.cells, kept.cells, strict=True):
        if fresh.cell_type == "code":
            assert [out.output_type for out in fresh.outputs] == [
                out.output_type for out in old.outputs
            ], fresh.source
