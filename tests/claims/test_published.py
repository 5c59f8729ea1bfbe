"""What sources report of their own machines: what was seen, and nothing else."""

import pytest

from momentum_dynamics.claims import cite
from momentum_dynamics.claims.published import list_reported, reported
from momentum_dynamics.errors import UnknownNameError


@pytest.mark.parametrize("key", ["kurth2017", "hadjis2016"])
def test_each_names_its_source_and_where_it_was_seen(key):
    rows = list_reported(key)
    assert rows
    for row in rows:
        assert row.source.key in cite(row.source.key)
        assert row.source.seen
        assert "abstract" in str(row.source)
        assert 0 < row.smallest <= row.largest
        assert str(row).endswith(row.unit)


def test_sustained_speed_lies_below_peak_and_below_all_nodes_own():
    nodes, node, sustained, peak = (
        reported("kurth2017", name)
        for name in ("nodes", "speed of one node", "sustained speed", "peak speed")
    )
    assert sustained.smallest < peak.smallest
    assert sustained.largest < peak.largest
    assert peak.largest < nodes.smallest * node.smallest / 1000


def test_an_unknown_quantity_names_its_neighbors():
    with pytest.raises(UnknownNameError, match="sustained speed"):
        reported("kurth2017", "sustained sped")
    assert list_reported("nobody1900") == ()
