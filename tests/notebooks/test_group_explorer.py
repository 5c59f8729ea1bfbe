"""The sliders for groups without a browser: what they say is what the laws say."""

import sys

import numpy as np
import pytest

from momentum_dynamics import Cluster, Deterministic, DomainError, Exponential, hardware_efficiency
from momentum_dynamics.figures.sliders import group_explorer, group_view
from momentum_dynamics.laws import systems as laws

pytestmark = pytest.mark.slow


@pytest.fixture
def explorer():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    return group_explorer(nodes=16, batch=16.0, communication=0.0)


def said(explorer):
    return int(explorer.readout.value.split()[2].rstrip(":"))


def test_first_picture_stands_by_itself(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert metadata["image/png"]["width"] > 600
    assert data["text/plain"].startswith("best groups ")


@pytest.mark.parametrize("server", [0.0, 0.35, 3.0])
@pytest.mark.parametrize("floor", [1e-4, 0.01, 0.5])
def test_readout_and_picture_follow_the_sliders(explorer, floor, server):
    before = explorer.picture.value
    explorer.floor.value = floor
    explorer.server.value = server
    cluster = Cluster(nodes=16, service=Deterministic(mean=16), server=server, shares_batch=True)
    times = [
        hardware_efficiency(cluster, count).seconds
        * laws.statistical_efficiency(explorer.floor.value, 1.0, 1.0, count)
        for count in (1, 2, 4, 8, 16)
    ]
    assert said(explorer) == 2 ** int(np.argmin(times))
    assert explorer.picture.value != before


def test_best_groups_grow_as_the_floor_falls_and_a_free_server_needs_one(explorer):
    found = []
    for floor in (0.5, 0.1, 0.01, 1e-3, 1e-4):
        explorer.floor.value = floor
        found.append(said(explorer))
    assert found == sorted(found)
    assert found[0] < found[-1]
    explorer.server.value = 0.0  # a split batch: as many updates a second for any groups
    assert said(explorer) == 1


def test_nodes_with_batches_of_their_own_are_refused():
    with pytest.raises(DomainError, match="shares_batch=True"):
        group_view(Cluster(nodes=4, service=Exponential()), 0.1)


def test_without_ipywidgets_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(DomainError, match=r"pip install 'momentum-dynamics\[notebooks\]'"):
        group_explorer()
