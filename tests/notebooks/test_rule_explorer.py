"""The sliders for YellowFin's rule without a browser: what they say is what the rule says."""

import numpy as np
import pytest

from momentum_dynamics import DomainError
from momentum_dynamics.figures.rule_sliders import rule_explorer, rule_view
from momentum_dynamics.tuning.rule import single_step

pytestmark = pytest.mark.slow


@pytest.fixture
def explorer():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    return rule_explorer(signal_to_noise=0.1, condition_number=20.0)


def said(explorer):
    return float(explorer.readout.value.split()[1].rstrip(","))


def test_first_picture_stands_by_itself(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert metadata["image/png"]["width"] > 600
    assert data["text/plain"].startswith("momentum ")


@pytest.mark.parametrize("signal", [1e-5, 0.1, 1e3])
@pytest.mark.parametrize("ratio", [1.0, 30.0, 1e4])
def test_readout_and_picture_follow_the_sliders(explorer, signal, ratio):
    before = explorer.picture.value
    explorer.signal.value, explorer.ratio.value = signal, ratio
    signal, ratio = explorer.signal.value, explorer.ratio.value
    rule = single_step(h_max=ratio, h_min=1.0, variance=0.5, distance=np.sqrt(signal))
    assert said(explorer) == pytest.approx(rule.momentum, abs=1e-6)
    assert explorer.picture.value != before


def test_where_they_meet_both_ask_for_the_same(explorer):
    explorer.preset("where they meet")
    view = rule_view(explorer.signal.value, explorer.ratio.value)
    assert view.root == pytest.approx(view.least, rel=1e-6)
    explorer.preset("no range")
    assert explorer.ratio.value == 1.0
    assert explorer.readout.value.endswith("the noise decides")


def test_what_is_not_admissible_is_refused():
    with pytest.raises(DomainError, match="h_min exceeds h_max"):
        rule_explorer(condition_number=0.5)
