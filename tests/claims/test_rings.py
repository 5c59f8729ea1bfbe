"""Gains on the ring of Gaussians, seed by seed."""

import numpy as np
import pytest
from scipy import stats

from momentum_dynamics import UnknownNameError
from momentum_dynamics.claims.rings import COMPARISONS, GOOD, gain
from momentum_dynamics.simulation.rings import recorded_rings


@pytest.mark.parametrize("measure", GOOD)
def test_gains_are_paired_over_seeds(measure):
    found = gain("learning rate 0.1", measure, -0.5, 0.5)
    results = recorded_rings()
    ours, theirs = (
        GOOD[measure] * results.late(measure, COMPARISONS["learning rate 0.1"][beta])
        for beta in (-0.5, 0.5)
    )
    oracle = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert found.value == pytest.approx((ours - theirs).mean())
    np.testing.assert_allclose(
        [found.value - found.half_width, found.value + found.half_width],
        [oracle.low, oracle.high],
    )
    assert gain("learning rate 0.1", measure, 0.5, -0.5).value == pytest.approx(-found.value)


@pytest.mark.parametrize("name", ["effective step 0.05", "effective step 0.1"])
def test_effective_steps_are_what_they_are_called(name):
    step = float(name.split()[-1])
    for momentum, (beta, learning_rate) in COMPARISONS[name].items():
        assert momentum == beta
        assert learning_rate / (1 - beta) == pytest.approx(step)


def test_unknown_comparisons_are_told():
    with pytest.raises(UnknownNameError, match="comparison"):
        gain("learning rate 0.2", "modes", -0.5)
    with pytest.raises(UnknownNameError, match="measure"):
        gain("learning rate 0.1", "mode", -0.5)
