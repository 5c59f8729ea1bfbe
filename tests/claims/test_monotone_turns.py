"""The best rate in turn on strongly monotone games, against the whole class and any momentum."""

import numpy as np
import pytest

from momentum_dynamics import HeavyBall, QuadraticGame, spectral_radius
from momentum_dynamics.claims.monotone_turns import turns_gap
from momentum_dynamics.laws import games


def worst(method, pulls, couplings):
    a, b, c = np.meshgrid(pulls, couplings, pulls, indexing="ij")
    family = QuadraticGame.family(a.ravel(), b.ravel(), c.ravel())
    return spectral_radius(method, family, play="alternating").max(axis=-1)


@pytest.mark.parametrize("kappa", [8.0, 20.0, 300.0])
def test_the_gap_is_reached_and_no_setting_at_random_is_better(kappa):
    gap = turns_gap(kappa)
    assert games.turns_condition(1 - gap) == pytest.approx(kappa, rel=1e-9)
    best = HeavyBall(learning_rate=gap * kappa, momentum=0.0)
    pulls, couplings = np.linspace(1 / kappa, 1, 9), np.linspace(0, 1, 33)
    assert worst(best, pulls, couplings) == pytest.approx(1 - gap, abs=1e-7)
    rng = np.random.default_rng(1)
    # Near the optimum at every scale, where better ones would be.
    scale = 10.0 ** rng.uniform(-5, 0, (2, 150, 1))
    tried = HeavyBall(
        learning_rate=gap * kappa * np.exp(scale[0] * rng.normal(size=(150, 1))),
        momentum=np.tanh(scale[1] * rng.normal(size=(150, 1))),
    )
    ends = np.array([1 / kappa, 1.0])
    assert (worst(tried, ends, np.linspace(0, 1, 101)) > 1 - gap - 1e-7).all()
