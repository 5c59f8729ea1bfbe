"""What the pictures of sharpness in training show is what was recorded."""

import numpy as np
import pytest

from momentum_dynamics.figures import figure
from momentum_dynamics.simulation.edge import recorded_edge


def test_whole_batches_begin_alike_and_end_at_their_limits():
    data = figure("edge-of-stability").data()
    record = recorded_edge("whole batches")
    assert len(data.limit) == len(record.settings)
    begun = data.sharpness[:, 0]
    np.testing.assert_allclose(begun, np.broadcast_to(begun[0], begun.shape))  # by seed
    assert len(np.unique(begun[0])) == data.seeds
    assert (data.loss[:, -1] < 0.15 * data.loss[:, 0]).all()
    assert np.abs(data.late / data.limit - 1).max() < 0.05
    with_momentum = data.momentum > 0
    plain = 2 / data.learning_rate
    assert (np.abs(data.late - plain) > 3 * data.late_error)[with_momentum].all()


def test_bars_reach_three_standard_errors_over_starts():
    entry = figure("edge-of-stability")
    data = entry.data()
    record = recorded_edge("whole batches")
    late = np.array([record.late("sharpness", each) for each in record.settings])
    late /= data.limit[:, None]
    middle = late.mean(axis=1)
    error = late.std(axis=1, ddof=1) / np.sqrt(record.seeds)
    right = entry.render(data).axes[1]
    drawn = np.array([bar.lines[2][0].get_segments()[0][:, 1] for bar in right.containers])
    wanted = np.stack([middle - 3 * error, middle + 3 * error], axis=1)
    assert sorted(map(tuple, drawn)) == [pytest.approx(each) for each in sorted(map(tuple, wanted))]
    low, high = right.get_ylim()
    assert low < drawn.min() <= drawn.max() < high
