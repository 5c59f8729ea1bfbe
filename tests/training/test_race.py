"""Training, the measures of curves, the store and the protocol."""

import dataclasses
import json
import math

import numpy as np
import pytest

from momentum_dynamics.errors import DomainError, ShapeError, UnknownNameError
from momentum_dynamics.training import Adam, momentum, sgd, staleness_of, train, workload
from momentum_dynamics.training import protocol as protocol_module
from momentum_dynamics.training.comparison import (
    paired_difference,
    paired_ratio,
    smoothed,
    speedup,
)
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.protocol import Protocol, best_setting, race, run_setting
from momentum_dynamics.training.store import Run, Setting, Store
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin

WINE = workload("wine-softmax")
SMALL = Protocol(
    workloads=("wine-softmax",), contenders=("adam", "sgd"), steps=30, seeds=(0, 1), window=5,
    stride=5, orders=("fresh",),
)  # fmt: skip


def test_a_run_does_not_hang_on_its_neighbors():
    alone = train(WINE, momentum(learning_rate=0.1), seeds=[4], steps=20)
    beside = train(WINE, momentum(learning_rate=0.1), seeds=[0, 4], steps=20)
    np.testing.assert_allclose(beside.losses[:, 1], alone.losses[:, 0], rtol=1e-10)


def test_divergence_is_data():
    item = workload("digits-factors")
    found = train(item, sgd(learning_rate=10.0), seeds=[0, 1], steps=40)
    assert (found.diverged < 40).all()
    assert np.isinf(found.train_loss).all()
    for lane, step in enumerate(found.diverged):
        assert np.isinf(found.losses[step:, lane]).all()
        assert np.isfinite(found.losses[:step, lane]).all()


def test_a_stale_gradient_is_taken_where_the_parameters_were():
    rate, ages = 0.1, [0, 1, 2, 1]
    found = train(WINE, sgd(learning_rate=rate), seeds=[2], steps=4, staleness=ages)
    path = [WINE.initial_parameters(2)]
    batches = WINE.batches(2, 4)
    for step, age in enumerate(ages):
        _, gradient = WINE.loss_and_gradient(path[step - age], batches[step])
        path.append(path[-1] - rate * gradient)
    np.testing.assert_allclose(found.parameters[0], path[-1], rtol=1e-12)


def test_products_are_those_of_the_gradient_that_is_used():
    tuner = EquivariantYellowFin(horizon=10.0)
    ages = [0, 1, 0, 2]
    found = train(WINE, tuner, seeds=[2, 5], steps=4, staleness=ages, products=True)
    for lane, seed in enumerate((2, 5)):
        point = WINE.initial_parameters(seed)
        batches, path, state = WINE.batches(seed, 4), [point], tuner.init(point)
        for step, age in enumerate(ages):
            read = path[step - age]
            _, gradient = WINE.loss_and_gradient(read, batches[step])
            product = WINE.gradient_product(read, batches[step])
            state, point, _ = tuner.update(state, gradient, path[-1], product=product)
            path.append(point)
        np.testing.assert_allclose(found.parameters[lane], point, rtol=1e-12)


def test_contenders_that_need_products_are_given_them():
    # Without products this tuner refuses to go on.
    setting = Setting(workload="wine-softmax", optimizer="queue-rule", order="queue")
    assert all(run.diverged == 30 for run in run_setting(setting, SMALL))


def test_staleness_of_workers():
    assert (staleness_of("fresh", 5) == 0).all()
    turn = staleness_of("round-robin", 40, workers=16)
    assert turn[:3].tolist() == [0, 1, 2]
    assert (turn[15:] == 15).all()
    queue = staleness_of("queue", 2000, workers=16, seed=1)
    assert (queue <= np.arange(2000)).all()
    # Conserved: stalenesses and the ages at the end add up to 15 a step.
    assert queue.mean() == pytest.approx(15, abs=0.5)
    assert queue.std() > 10
    with pytest.raises(UnknownNameError, match="order"):
        staleness_of("line", 5)


@pytest.mark.parametrize("name", ["yellowfin-closed", "yellowfin-closed-clipped"])
def test_closed_loops_know_how_old_gradients_are_in_turn(name):
    assert CONTENDERS[name].make(1.0).staleness == staleness_of("round-robin", 100)[-1]


def test_traces_are_what_the_optimizer_told():
    found = train(WINE, Adam(learning_rate=0.02), seeds=[0], steps=3, record=["learning_rate"])
    assert found.traces["learning_rate"].tolist() == [[0.02]] * 3


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"steps": 0}, DomainError),
        ({"steps": 3, "seeds": []}, DomainError),
        ({"steps": 3, "staleness": [0, 2, 0]}, DomainError),
        ({"steps": 3, "staleness": [0, -1, 0]}, DomainError),
        ({"steps": 3, "staleness": [0, 1]}, ShapeError),
    ],
)
def test_training_refuses_what_has_no_meaning(options, error):
    with pytest.raises(error):
        train(WINE, sgd(learning_rate=0.1), **options)


def test_smoothing_is_a_mean_and_keeps_infinities():
    curve = np.array([4.0, 2.0, 6.0, math.inf, math.inf])
    assert smoothed(curve, 2).tolist() == [3, 4, math.inf, math.inf]
    assert smoothed(curve, 2, stride=3).tolist() == [3, math.inf]
    with pytest.raises(DomainError):
        smoothed(curve, 6)


def test_speedup_is_the_ratio_of_first_times_at_the_worse_minimum():
    time = np.arange(1, 101)[:, None]
    fast, slow = np.exp(-0.1 * time) + np.zeros(3), np.exp(-0.05 * time) + np.zeros(3)
    found = speedup(fast, slow, window=1, stride=1)
    assert found == pytest.approx((2, 2, 2))
    turned = speedup(slow, fast, window=1, stride=1)
    assert turned.value == pytest.approx(0.5)
    # The metric does not see how far below the target a curve goes.
    clipped = np.maximum(fast, slow[-1])
    assert speedup(clipped, slow, window=1, stride=1).value == found.value


def test_speedup_with_a_run_that_diverged():
    slow = np.tile(np.linspace(4, 1, 31)[:, None], 2)
    lost = slow / 2
    lost[10:, 1] = math.inf
    found = speedup(lost, slow, window=1, stride=1)
    assert found.value > 1, "before it diverges it is lower"
    nothing = np.full((31, 2), math.inf)
    assert math.isnan(speedup(nothing, slow, window=1, stride=1).value)
    with pytest.raises(ShapeError):
        speedup(slow, slow[1:], window=1, stride=1)


def test_paired_intervals_are_those_of_student():
    from scipy import stats

    rng = np.random.default_rng(0)
    ours, theirs = rng.uniform(1, 2, 5), rng.uniform(1, 2, 5)
    found = paired_difference(ours, theirs)
    expected = stats.ttest_rel(ours, theirs).confidence_interval()
    assert found[1:] == pytest.approx((expected.low, expected.high))
    assert paired_ratio(2 * theirs, theirs) == pytest.approx((2, 2, 2))
    assert math.isnan(paired_ratio([math.inf, 1], [1, 1]).value)
    assert math.isinf(paired_difference([1.0], [2.0]).high)


def test_without_a_job_there_is_no_race(tmp_path):
    with pytest.raises(DomainError, match="jobs is 0, but must be one whole number"):
        race(SMALL, Store(tmp_path / "runs.jsonl", SMALL.common), jobs=0)


@pytest.mark.parametrize("best", [1e-6, 1e2])
def test_a_search_goes_on_until_the_best_value_is_inside(monkeypatch, tmp_path, best):
    def fake(setting, protocol):
        reached = 1 + abs(math.log10(setting.value / best))
        ends = {"final": 1.0, "accuracy": 1.0, "diverged": protocol.steps}
        return [
            Run(setting=setting, seed=seed, steps=protocol.steps, curve=(reached,), **ends)
            for seed in protocol.seeds
        ]

    monkeypatch.setattr(protocol_module, "run_setting", fake)
    found = race(SMALL, Store(tmp_path / "runs.jsonl", SMALL.common))
    for (_, name, _), settings in found.items():
        values = {round(math.log10(setting.value)) for setting in settings}
        ends = [
            *map(math.log10, CONTENDERS[name].values),
            math.log10(best) - 1,
            math.log10(best) + 1,
        ]
        assert values == set(range(round(min(ends)), round(max(ends)) + 1))
        assert best_setting(settings).value == pytest.approx(best)


def test_a_protocol_goes_on_after_a_kill(tmp_path):
    path = tmp_path / "runs.jsonl"
    whole = race(SMALL, Store(path, SMALL.common))
    lines = [line for line in path.read_text().splitlines() if line]
    path.write_text("\n".join(lines[:5]) + "\n" + lines[5][:40])  # cut off in the middle of a line
    told = []
    again = race(SMALL, Store(path, SMALL.common), watch=told.append)
    assert 0 < len(told) < len(lines) / 2
    for where, settings in whole.items():
        assert best_setting(settings) == best_setting(again[where])
        for setting, runs in settings.items():
            for left, right in zip(runs, again[where][setting], strict=True):
                assert left.curve == right.curve
                assert left.final == right.final
    told.clear()
    race(SMALL, Store(path, SMALL.common), watch=told.append)
    assert not told
    for line in path.read_text().splitlines()[6:]:
        if line:
            json.loads(line, parse_constant=pytest.fail)


def test_runs_of_other_seeds_or_strides_are_not_taken_for_these(tmp_path):
    path = tmp_path / "runs.jsonl"
    few = dataclasses.replace(SMALL, contenders=("queue-rule",), orders=("queue",), steps=12)
    few = dataclasses.replace(few, stale_workloads=few.workloads)
    race(few, Store(path, few.common))
    for change, is_new in (({"seeds": (1, 0)}, 0), ({"seeds": (0, 2)}, 1), ({"stride": 2}, 1)):
        other, told = dataclasses.replace(few, **change), []
        (settings,) = race(other, Store(path, other.common), watch=told.append).values()
        assert len(told) == is_new
        ((_, runs),) = settings.items()
        assert [run.seed for run in runs] == [*other.seeds]


def test_a_search_ends_with_its_best_inside(tmp_path):
    found = race(SMALL, Store(tmp_path / "runs.jsonl", SMALL.common))
    for settings in found.values():
        values = sorted(setting.value for setting in settings)
        assert values[0] < best_setting(settings).value < values[-1]
        assert np.allclose(np.diff(np.log10(values)), 1)


def test_a_setting_of_which_a_run_diverged_is_not_the_best():
    def runs(value, curve, diverged=3):
        setting = Setting(workload="wine-softmax", optimizer="sgd", value=value)
        run = Run(
            setting=setting, seed=0, steps=3, curve=curve, final=curve[-1], accuracy=1.0,
            diverged=diverged,
        )  # fmt: skip
        return setting, [run]

    tried = dict([runs(0.1, (3.0, 2.0)), runs(1.0, (3.0, 1.5)), runs(10.0, (1.0, math.inf), 2)])
    assert best_setting(tried).value == 1.0


def test_runs_of_another_protocol_are_passed_over(tmp_path):
    path = tmp_path / "runs.jsonl"
    setting = Setting(workload="wine-softmax", optimizer="sgd", value=0.1)
    Store(path, "old").add(run_setting(setting, SMALL))
    assert Store(path, "old").runs(setting)
    assert not Store(path, "new").settings()


@pytest.mark.slow
def test_processes_find_what_one_finds(tmp_path):
    one = race(SMALL, Store(tmp_path / "one.jsonl", SMALL.common))
    two = race(SMALL, Store(tmp_path / "two.jsonl", SMALL.common), jobs=2)
    assert one.keys() == two.keys()
    for where, settings in one.items():
        assert settings.keys() == two[where].keys()
        for setting, runs in settings.items():
            assert [run.curve for run in runs] == [run.curve for run in two[where][setting]]
