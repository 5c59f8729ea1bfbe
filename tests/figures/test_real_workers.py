"""The figure of real workers: recorded once, drawn from the record, measured anew on demand."""

import json

import numpy as np
import pytest

from momentum_dynamics.figures import figure, real_workers

RECORD = json.loads(real_workers._RECORD.read_text(encoding="utf-8"))


def test_the_record_says_how_it_was_made_and_is_consistent():
    assert {"made_by", "workers", "updates", "sleep", "seed", "machine", "python"} <= set(RECORD)
    for run in RECORD["runs"]:
        assert len(run["staleness"]) == RECORD["updates"]
        assert RECORD["updates"] - RECORD["workers"] <= len(run["times"]) < RECORD["updates"]
        assert min(run["staleness"]) == 0
        # Conserved up to the ages at the end.
        mean = np.mean(run["staleness"])
        assert 0 <= RECORD["workers"] - 1 - mean < 40 / RECORD["updates"]


def test_real_workers_are_near_the_law_and_steady_ones_far_from_it():
    data = figure("real-workers").data(resamples=200)
    assert (data.distance[:2] < 0.1).all()
    assert data.distance[2] > 0.4
    assert (data.measured_distance < 1.5 * data.noise_limit).all()


@pytest.mark.slow
def test_a_new_record_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(real_workers, "_RECORD", tmp_path / "record.json")
    real_workers.write_measured(updates=60, sleep=0.002)
    data = figure("real-workers").data(resamples=50)
    assert data.updates == 60
    assert data.is_recorded
    np.testing.assert_allclose(data.shares.sum(axis=1), 1, atol=0.2)


def test_measuring_anew_takes_what_is_measured(monkeypatch):
    monkeypatch.setattr(real_workers, "measure", lambda: RECORD | {"seed": 77})
    item = figure("real-workers")
    data = item.data(fresh=1, resamples=50)
    assert data.seed == 77
    assert "Measured now" in item.caption(data)
