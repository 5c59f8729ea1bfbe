"""What the pictures of sharpness in training show is what was recorded."""

import numpy as np
import pytest

from momentum_dynamics.figures import figure
from momentum_dynamics.simulation.edge import recorded_edge


def test_whole_batches_begin_alike_and_end_at_their_limits():
    data = figure("edge-of-stability").data()
    record = recorded_edge("whole batches")
    assert len(data.limit) == len(record.settings)
    assert data.sharpness[:, 0] == pytest.approx(data.sharpness[0, 0])  # one start for all
    assert (data.loss[:, -1] < 0.15 * data.loss[:, 0]).all()
    assert np.abs(data.late / data.limit - 1).max() < 0.05
