"""The runs of the ring of Gaussians: they go on after a kill, and are kept with their origin."""

from dataclasses import replace

import numpy as np
import pytest

from momentum_dynamics import DomainError, MomentumDynamicsError, UnknownNameError
from momentum_dynamics.simulation import rings
from momentum_dynamics.simulation.rings import (
    MEASURES,
    RingProtocol,
    RingResults,
    recorded_rings,
    run_full,
)

TINY = RingProtocol(
    settings=((-0.5, 0.1), (0.5, 0.05)), blocks=2, block_size=2, rounds=4, stride=2, samples=50,
    hidden=4, batch_size=8,
)  # fmt: skip


def ran(folder, protocol=TINY):
    watched = []
    found = run_full(
        path=folder / "rings.npz", store=folder / "blocks.jsonl", protocol=protocol, jobs=1,
        watch=watched.append,
    )  # fmt: skip
    return found, watched


def test_killed_runs_go_on(tmp_path):
    whole, watched = ran(tmp_path)
    assert watched == [*TINY.settings, *TINY.settings]
    store = tmp_path / "blocks.jsonl"
    lines = store.read_text().splitlines()
    kept = [line for line in lines if line][:2]
    store.write_text("\n".join(kept) + '\n{"protocol": "torn')
    again, watched = ran(tmp_path)
    assert len(watched) == 2
    for name in MEASURES:
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert ran(tmp_path)[1] == []


def test_more_blocks_and_settings_use_what_is_done(tmp_path):
    first, _ = ran(tmp_path, replace(TINY, blocks=1))
    more, watched = ran(tmp_path)
    assert len(watched) == 2
    np.testing.assert_array_equal(more.modes[..., :2], first.modes)
    assert more.seeds == TINY.seeds == 4
    other, watched = ran(tmp_path, replace(TINY, rounds=6))
    assert len(watched) == 4
    np.testing.assert_array_equal(other.rounds, [2, 4, 6])


def test_results_are_kept_with_how_they_were_made(tmp_path):
    found, _ = ran(tmp_path)
    held = RingResults.load(tmp_path / "rings.npz")
    assert held.settings == TINY.settings
    assert RingProtocol(**{**held.about["protocol"], "settings": held.settings}) == TINY
    assert {"python", "momentum-dynamics", "numpy", "autograd"} <= set(held.about["versions"])
    np.testing.assert_allclose(held.quality, found.quality, atol=1e-6)
    np.testing.assert_array_equal(held.late("modes", (0.5, 0.05), last=2),
                                  found.modes[1].mean(axis=0))  # fmt: skip
    with pytest.raises(UnknownNameError, match="setting"):
        held.late("modes", (0.9, 0.05))
    with pytest.raises(MomentumDynamicsError, match="--full"):
        RingResults.load(tmp_path / "none.npz")
    with pytest.raises(DomainError, match="jobs is 0"):
        run_full(
            path=tmp_path / "rings.npz", store=tmp_path / "blocks.jsonl", protocol=TINY, jobs=0
        )


def test_the_same_networks_and_batches_for_every_setting():
    slow = replace(TINY, settings=((0.0, 1e-9), (0.5, 1e-9)))
    first, second = (rings.run_block(slow, setting, 0) for setting in slow.settings)
    np.testing.assert_allclose(first["samples"], second["samples"], atol=1e-5)
    other = rings.run_block(slow, slow.settings[0], 1)
    assert np.abs(first["samples"] - other["samples"]).max() > 0.1


@pytest.mark.slow
def test_processes_find_the_same(tmp_path):
    apart = run_full(
        path=tmp_path / "rings.npz", store=tmp_path / "apart.jsonl", protocol=TINY, jobs=2
    )
    found, _ = ran(tmp_path)
    np.testing.assert_array_equal(apart.quality, found.quality)


def test_the_record_is_that_of_the_protocol():
    found = recorded_rings()
    protocol = RingProtocol(**{**found.about["protocol"], "settings": found.settings})
    assert protocol.settings == RingProtocol().settings
    assert found.seeds >= 10
    assert found.modes.shape == (9, 80, found.seeds)
