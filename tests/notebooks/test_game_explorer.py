"""The sliders for games without a browser: what they say is what the round says."""

import numpy as np
import pytest

from momentum_dynamics import DomainError, HeavyBall, QuadraticGame, spectral_radius
from momentum_dynamics.figures.game_sliders import game_explorer, game_view

pytestmark = pytest.mark.slow


@pytest.fixture
def explorer():
    pytest.importorskip("ipywidgets", reason="needs the extra [notebooks]")
    return game_explorer()


def said(explorer):
    words = explorer.readout.value.replace(",", "").split()
    return float(words[4]), float(words[7])


def test_first_picture_stands_by_itself(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert {"image/png", "text/plain"} <= set(data)
    assert data["text/plain"].startswith("spectral radius at once ")


@pytest.mark.parametrize(("step", "momentum", "pull"), [(0.2, -0.5, 0.0), (1.0, 0.3, 0.5)])
def test_readout_and_picture_follow_the_sliders(explorer, step, momentum, pull):
    before = explorer.picture.value
    explorer.step.value, explorer.momentum.value, explorer.pull.value = step, momentum, pull
    ball, game = HeavyBall(learning_rate=step, momentum=momentum), QuadraticGame(pull, 1.0, pull)
    expected = [
        spectral_radius(ball, game, play=order) for order in ("simultaneous", "alternating")
    ]
    np.testing.assert_allclose(said(explorer), expected, atol=6e-4)
    assert explorer.picture.value != before


def test_a_step_back_is_refused():
    with pytest.raises(DomainError, match="step is -1, but must be at least 0"):
        game_view(-1, 0.0)
