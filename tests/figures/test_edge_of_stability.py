"""The record of sharpness in training: how it is made, and that it holds."""

import json

import numpy as np
import pytest

from momentum_dynamics.figures import edge_of_stability, figure


def test_the_record_is_what_the_picture_shows():
    record = json.loads(edge_of_stability._RECORD.read_text(encoding="utf-8"))
    data = figure("edge-of-stability").data()
    assert len(record["runs"]) == len(data.limit)
    assert record["made_by"].endswith("edge_of_stability.measure")
    assert data.sharpness[:, 0] == pytest.approx(data.sharpness[0, 0])  # one start for all
    assert (data.loss[:, -1] < 0.15 * data.loss[:, 0]).all()
    assert np.abs(data.late / data.limit - 1).max() < 0.05


@pytest.mark.slow
def test_measuring_anew_begins_as_the_record_does(tmp_path, monkeypatch):
    settings = [("heavy-ball", 1.0, 0.5), ("nesterov", 0.5, 0.5)]
    kept = figure("edge-of-stability").data()
    fresh = figure("edge-of-stability").data(fresh=1, settings=settings, steps=40)
    assert fresh.is_recorded == 0
    for row, (kind, rate, momentum) in enumerate(settings):
        place = next(
            index
            for index in range(len(kept.limit))
            if (kept.kinds[index], kept.learning_rate[index], kept.momentum[index])
            == (kind, rate, momentum)
        )
        assert fresh.sharpness[row] == pytest.approx(kept.sharpness[place, :3], rel=2e-3)
        assert fresh.loss[row] == pytest.approx(kept.loss[place, :3], rel=1e-3)
    monkeypatch.setattr(edge_of_stability, "_RECORD", tmp_path / "record.json")
    edge_of_stability.write_record(settings=settings, steps=40)
    assert len(figure("edge-of-stability").data().limit) == 2
