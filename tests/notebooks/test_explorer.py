"""The sliders without a browser: what they say is what the package computes."""

import sys

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Quadratic,
    ShapeError,
    UnknownNameError,
    equivalent_momentum,
    mean_square_limit,
    path_exponent,
    queue_moments,
    simulate,
    spectral_radius,
    tune,
)
from momentum_dynamics.figures.interactive import (
    mean_explorer,
    path_explorer,
    root_explorer,
    root_film,
    show,
)
from momentum_dynamics.figures.queue_views import mean_view, path_view

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


def rates(explorer):
    """The factors of the mean, of the root of second moments, and of almost every path."""
    words = explorer.readout.value.replace(";", ",").split(",")
    return [float(word.split("×")[1]) for word in words[:3]]


@pytest.mark.parametrize("workers", [1, 5, 64])
@pytest.mark.parametrize("step", [0.01, 0.5])
def test_mean_explorer_says_which_heavy_ball_the_mean_is(workers, step):
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    explorer = mean_explorer()
    before = explorer.picture.value
    explorer.workers.value = workers
    explorer.step.value = step
    twin = equivalent_momentum(GradientDescent(learning_rate=step), GeometricDelay(workers=workers))
    momentum, rate = float(twin.momentum), float(twin.learning_rate)
    assert explorer.readout.value.startswith(f"implicit momentum {momentum:.6f}, ")
    assert f"α/M = {rate:.6f};" in explorer.readout.value
    assert f"by {float(spectral_radius(twin, 1.0)):.4f} an update" in explorer.readout.value
    assert explorer.picture.value != before


def test_the_mean_of_queues_is_the_kicked_heavy_ball_and_not_the_rested_one():
    view = mean_view(8, 0.1)
    exact = queue_moments(GradientDescent(learning_rate=0.1), 1.0, workers=8).path(60).mean
    assert view.path == pytest.approx(exact, abs=1e-12)
    assert (np.abs(view.measured - view.path)[2:] < 5 * view.error[2:]).all()
    assert (np.abs(view.rested - view.path) > 5 * view.error).any()


def test_mean_swings_from_the_critical_step_on():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    explorer = mean_explorer(workers=16)
    explorer.preset("critical")
    critical = explorer.step.value
    assert critical == pytest.approx(0.016133, abs=1e-6)
    for factor, words in ((0.98, "no swing"), (1.02, "it swings")):
        explorer.step.value = factor * critical
        assert explorer.readout.value.endswith(words)
    explorer.preset("one worker")
    assert explorer.workers.value == 1
    assert explorer.readout.value.startswith("implicit momentum 0.000000")


@pytest.mark.parametrize(("workers", "step"), [(1, 60.0), (1, 0.5), (8, 0.9), (64, 60.0)])
def test_path_explorer_says_what_moments_do(workers, step):
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    mean, root, path = rates(explorer := path_explorer(workers=workers, step=step))
    method = GradientDescent(learning_rate=step)
    exact = queue_moments(method, 1.0, workers=workers)
    assert mean == pytest.approx(float(exact.mean_rate), abs=1e-4)
    assert root == pytest.approx(float(exact.mean_square_rate) ** 0.5, abs=1e-4)
    found = path_exponent(method, 1.0, workers=workers, seed=1)
    assert path == pytest.approx(np.exp(found.value), rel=0.05)
    fate = "converges" if root < 1 else "explodes"
    assert explorer.readout.value.endswith(f"E x² {fate}")


def test_second_moments_turn_at_their_limit():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    explorer = path_explorer(workers=4)
    explorer.preset("at the limit")
    limit = float(mean_square_limit(GradientDescent(learning_rate=1.0), workers=4))
    assert explorer.step.value == pytest.approx(limit)
    for factor, words in ((0.95, "E x² converges"), (1.05, "E x² explodes")):
        explorer.step.value = factor * limit
        assert explorer.readout.value.endswith(words)
    explorer.preset("fastest mean")
    mean, root, _ = rates(explorer)
    assert mean == pytest.approx(0.75**0.5, abs=1e-4)
    assert root > 4
    explorer.preset("small steps")
    mean, root, path = rates(explorer)
    assert mean == pytest.approx(root, abs=2e-3)
    assert mean == pytest.approx(path, abs=1e-2)


def test_moments_of_a_view_are_those_of_its_paths():
    view = path_view(3, 0.9)
    assert view.paths.shape == (61, 6)
    assert (view.second >= view.mean**2 * (1 - 1e-9)).all()
    assert view.mean[1] == pytest.approx(view.paths[1, 0])


@pytest.mark.parametrize("make", [mean_explorer, path_explorer])
@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"workers": 2.5}, {"workers": 65}, {"step": 0.0}, {"step": np.nan}]
)
def test_wrong_settings_of_queues_are_refused(make, wrong):
    with pytest.raises(DomainError, match=next(iter(wrong))):
        make(**wrong)


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
