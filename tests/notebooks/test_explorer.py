"""The sliders without a browser: what they say is what the package computes."""

import sys

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    GradientDescent,
    HeavyBall,
    Quadratic,
    ShapeError,
    UnknownNameError,
    simulate,
    spectral_radius,
    tune,
)
from momentum_dynamics.figures.interactive import root_explorer, root_film, show

pytestmark = pytest.mark.slow


@pytest.fixture
def explorer():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    return root_explorer(1.0, learning_rate=0.25, momentum=0.1)


def said(explorer):
    return float(explorer.readout.value.split()[2].rstrip(":;"))


def test_first_picture_stands_by_itself(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert metadata["image/png"]["width"] > 600
    assert data["text/plain"].startswith("spectral radius 0.708945")


@pytest.mark.parametrize("momentum", [0.0, 0.25, 0.6, 0.95])
@pytest.mark.parametrize("learning_rate", [0.0, 0.25, 2.0, 4.3])
def test_readout_and_picture_follow_the_sliders(explorer, learning_rate, momentum):
    before = explorer.picture.value
    explorer.learning_rate.value = learning_rate
    explorer.momentum.value = momentum
    method = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    assert said(explorer) == pytest.approx(float(spectral_radius(method, 1.0)), abs=1e-6)
    assert explorer.picture.value != before


def test_roots_turn_from_real_to_conjugate_at_the_critical_momentum(explorer):
    explorer.preset("critical")
    assert explorer.momentum.value == pytest.approx(0.25)
    assert said(explorer) == pytest.approx(0.5, abs=1e-6)
    explorer.momentum.value = 0.24
    assert "monotone decrease" in explorer.readout.value
    explorer.momentum.value = 0.26
    assert "ripples" in explorer.readout.value


def test_presets_do_what_they_say():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    explorer = root_explorer((25.0, 1.0), learning_rate=0.05, momentum=0.2)
    explorer.presets["optimal"].click()
    best = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=25.0)
    assert explorer.learning_rate.value == pytest.approx(best.learning_rate)
    assert said(explorer) == pytest.approx(2 / 3, abs=1e-6)
    for momentum in (0.0, 0.5, 0.995):
        explorer.momentum.value = momentum
        explorer.presets["unstable"].click()
        assert said(explorer) > 1
        assert explorer.momentum.value == momentum
    explorer.presets["optimal"].click()
    assert said(explorer) == pytest.approx(2 / 3, abs=1e-6)


def test_a_preset_redraws_once(explorer):
    seen = []
    explorer.readout.observe(seen.append, names="value")
    explorer.preset("unstable")
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("curvatures", "error"),
    [((1.0, 2.0, 3.0), ShapeError), ((), ShapeError), (-1.0, DomainError), (np.nan, DomainError)],
)
def test_wrong_curvatures_are_refused(curvatures, error):
    with pytest.raises(error, match="curvature"):
        root_explorer(curvatures)


def test_without_ipywidgets_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(DomainError, match=r"pip install 'momentum-dynamics\[notebooks\]'"):
        root_explorer(1.0)


def test_film_has_two_panels_a_momentum():
    picture = root_film(momenta=(0.1, 0.25, 0.9))
    titles = [ax.get_title(loc="left") for ax in picture.axes[:3]]
    assert ["real" in titles[0], "double" in titles[1], "conjugate" in titles[2]] == [True] * 3
    assert len(picture.axes) == 6


def test_show_refuses_what_it_cannot_set():
    pytest.importorskip("IPython", reason="needs the extra [notebooks]")
    run = simulate(GradientDescent(learning_rate=0.1), Quadratic([1.0]), steps=3)
    with pytest.raises(DomainError, match="momentum"):
        show(run, momentum=0.5)
    with pytest.raises(UnknownNameError):
        show("regimes", colour="red")


def test_show_displays_a_picture_and_a_caption(capsys):
    pytest.importorskip("IPython", reason="needs the extra [notebooks]")
    show("regimes", points=21)
    run = simulate(GradientDescent(learning_rate=0.1), Quadratic([1.0]), steps=3)
    show(run)
    assert capsys.readouterr().out.count("Image object") == 2
