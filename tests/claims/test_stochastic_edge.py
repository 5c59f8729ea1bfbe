"""What is read off the recorded trainings by small batches."""

import numpy as np
import pytest
from scipy import stats

from momentum_dynamics.claims.stochastic_edge import (
    bound_settings,
    noise_limit,
    one_mode_limit,
    trained_settings,
)
from momentum_dynamics.laws.minibatch import batch_sharpness_limit
from momentum_dynamics.simulation.edge import EdgeSetting, recorded_edge


def test_limits_of_heavy_ball_are_the_law():
    results = recorded_edge("small batches")
    for setting in trained_settings():
        along = results.late("along", setting)
        law = batch_sharpness_limit(setting.learning_rate, setting.momentum, along)
        np.testing.assert_allclose(one_mode_limit(setting), law, rtol=1e-9)
        assert noise_limit(setting) <= np.nanmin(law) + 1e-12


@pytest.mark.parametrize("smaller", [0.4, 0.2])
def test_a_setting_is_bound_where_a_smaller_step_is_sharper(smaller):
    results = recorded_edge("small batches")
    momentum = {0.4: 0.5, 0.2: 0.9}[smaller]
    long = EdgeSetting("heavy-ball", 2 * smaller, momentum, 16)
    short = long._replace(learning_rate=smaller)
    pair = [results.late("batch_sharpness", each) for each in (short, long)]
    ended = np.isfinite(pair).all(axis=0)
    found = stats.ttest_rel(*(each[ended] for each in pair))
    assert found.statistic > 3
    assert long in bound_settings()
    assert EdgeSetting("heavy-ball", 0.08, 0.0, 16) not in bound_settings()


def test_what_diverged_is_no_training():
    assert EdgeSetting("heavy-ball", 0.4, 0.9, 4) not in trained_settings()
    assert len(trained_settings()) + len(trained_settings("nesterov")) == 27
