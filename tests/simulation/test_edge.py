"""Sharpness in training: what is measured, that it goes on after a kill, and what is kept."""

from dataclasses import replace

import numpy as np
import pytest

from momentum_dynamics import HeavyBall, MomentumDynamicsError, Nesterov, UnknownNameError, simulate
from momentum_dynamics.problems import DigitsNetwork
from momentum_dynamics.simulation import edge
from momentum_dynamics.simulation.edge import (
    MEASURES,
    STUDIES,
    EdgeProtocol,
    EdgeResults,
    EdgeSetting,
    recorded_edge,
    run_edge,
    run_setting,
)

TINY = EdgeProtocol(
    settings=(
        EdgeSetting("heavy-ball", 0.4, 0.5, 30),
        EdgeSetting("nesterov", 0.3, 0.5, 30),
        EdgeSetting("heavy-ball", 0.3, 0.5, 4),
        EdgeSetting("heavy-ball", 90.0, 0.9, 4),
    ),
    steps=12, stride=4, seeds=2, batches=8, samples=30, hidden=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge")
    watched = []
    found = run_edge(
        TINY, folder / "edge.npz", store=folder / "settings.jsonl", jobs=1, watch=watched.append
    )
    assert watched == list(TINY.settings)
    return folder, found


def test_killed_runs_go_on(whole, tmp_path):
    folder, found = whole
    lines = [line for line in (folder / "settings.jsonl").read_text().splitlines() if line]
    store = tmp_path / "settings.jsonl"
    store.write_text("\n".join(lines[:2]) + '\n{"protocol": "torn')
    watched = []
    again = run_edge(TINY, tmp_path / "edge.npz", store=store, jobs=1, watch=watched.append)
    assert watched == list(TINY.settings[2:])
    for name in MEASURES:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    run_edge(TINY, tmp_path / "edge.npz", store=store, jobs=1, watch=watched.append)
    assert len(watched) == 2


@pytest.mark.parametrize(("place", "kind"), [(0, HeavyBall), (1, Nesterov)])
def test_whole_batches_are_what_simulate_runs(whole, place, kind):
    _, found = whole
    network = DigitsNetwork(samples=30, hidden=2, seed=1)
    setting = TINY.settings[place]
    method = kind(learning_rate=setting.learning_rate, momentum=setting.momentum)
    points = simulate(method, network, steps=12, engine="direct").points[::4]
    np.testing.assert_allclose(found.loss[place, :, 1], network.loss(points))
    np.testing.assert_allclose(
        found.sharpness[place, :, 1], [network.sharpness(point) for point in points], rtol=1e-3
    )
    np.testing.assert_allclose(found.batch_sharpness[place], found.along[place])


def test_what_diverges_is_no_number_from_then_on(whole):
    _, found = whole
    for name in MEASURES:
        kept = np.isfinite(getattr(found, name))
        assert kept[:3].all()
        assert kept[3, 0].all()
        assert not kept[3, 1:].any()
    assert found.plateau("loss", TINY.settings[3]).seeds == 0
    assert np.isnan(found.plateau("loss", TINY.settings[3]).value)


def test_a_seed_does_not_hang_on_its_neighbors(whole):
    _, found = whole
    alone = run_setting(replace(TINY, seeds=1), TINY.settings[2])
    for name in MEASURES:
        np.testing.assert_allclose(alone[name][:, 0], getattr(found, name)[2, :, 0], rtol=1e-6)


def test_what_has_diverged_once_stays_out_though_it_comes_back(monkeypatch):
    setting = EdgeSetting("heavy-ball", 1.4, 0.9, 30)
    each = replace(TINY, stride=1, seeds=3, batches=2)
    free = run_setting(each, setting)["loss"]
    over = free >= 1.3 * free[0]
    assert over[2, 0]
    assert not over[3, 0]
    assert not over[:, 1:].any()
    monkeypatch.setattr(edge, "_DIVERGED", 1.3)
    capped = run_setting(each, setting)["loss"]
    np.testing.assert_array_equal(capped[:, 1:], free[:, 1:])
    np.testing.assert_array_equal(capped[:2, 0], free[:2, 0])
    assert np.isnan(capped[2:, 0]).all()


def test_plateaus_are_means_over_the_last_quarter(whole):
    _, found = whole
    more = replace(found, loss=np.arange(9.0)[None, :, None] + np.array([0.0, 1.0]))
    setting = TINY.settings[0]
    np.testing.assert_allclose(more.late("loss", setting), [7.5, 8.5])
    np.testing.assert_allclose(more.late("loss", setting, quarter=1), [1.5, 2.5])
    assert more.plateau("loss", setting) == pytest.approx((8.0, 0.5, 2))


def test_results_are_kept_with_how_they_were_made(whole, tmp_path):
    folder, found = whole
    held = EdgeResults.load(folder / "edge.npz")
    assert held.settings == TINY.settings
    assert EdgeProtocol(**{**held.about["protocol"], "settings": held.settings}) == TINY
    assert {"python", "numpy", "scipy", "autograd"} <= set(held.about["versions"])
    assert repr(held.network) == repr(DigitsNetwork(samples=30, hidden=2))
    np.testing.assert_allclose(held.sharpness, found.sharpness, rtol=1e-6)
    np.testing.assert_array_equal(held.steps, [0, 4, 8, 12])
    with pytest.raises(UnknownNameError, match="setting"):
        held.late("loss", EdgeSetting("heavy-ball", 0.5, 0.5))
    with pytest.raises(MomentumDynamicsError, match="--full"):
        EdgeResults.load(tmp_path / "none.npz")
    with pytest.raises(UnknownNameError, match="study"):
        recorded_edge("small batch")


def test_batches_of_a_seed_are_the_same_for_every_setting():
    slow = replace(TINY, stride=12)
    first, second = (
        run_setting(slow, EdgeSetting(kind, 1e-4, 0.0, 4)) for kind in ("heavy-ball", "nesterov")
    )
    np.testing.assert_array_equal(first["loss"], second["loss"])
    assert np.ptp(first["loss"][-1]) > 0


@pytest.mark.parametrize("study", STUDIES)
def test_the_records_are_those_of_the_protocols(study):
    protocol, path = STUDIES[study]
    found = recorded_edge(study)
    held = EdgeProtocol(**{**found.about["protocol"], "settings": found.settings})
    assert held == protocol
    assert found.loss.shape[1:] == (protocol.steps // protocol.stride + 1, protocol.seeds)
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize("study", STUDIES)
def test_recorded_seeds_are_several_networks(study):
    begun = recorded_edge(study).sharpness[0, 0]
    assert len(np.unique(begun)) == len(begun) >= 3
    expected = [DigitsNetwork(seed=seed) for seed in range(2)]
    np.testing.assert_allclose(
        begun[:2], [each.sharpness(each.start) for each in expected], rtol=1e-3
    )
