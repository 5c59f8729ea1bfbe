"""Results of a race: gathered, written, read, and made anew on demand."""

import json
import math

import numpy as np
import pytest

from momentum_dynamics.errors import MomentumDynamicsError, UnknownNameError
from momentum_dynamics.training import results as module
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.protocol import Protocol
from momentum_dynamics.training.rates import variable_paths
from momentum_dynamics.training.results import Results, recorded, run_full

SMALL = Protocol(
    workloads=("wine-softmax",), contenders=("adam", "sgd"), steps=30, seeds=(0, 1), window=5,
    stride=5, orders=("fresh",),
)  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race")
    made = run_full(
        path=folder / "results.npz", store=folder / "runs.jsonl", protocol=SMALL, jobs=1
    )
    return made, Results.load(folder / "results.npz")


def test_what_is_read_is_what_was_written(small):
    made, read = small
    assert read.settings == made.settings
    assert read.about == json.loads(json.dumps(made.about))
    for name in ("reached", "final", "accuracy", "diverged"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    assert read.curves.keys() == made.curves.keys()
    for setting, curve in made.curves.items():
        np.testing.assert_allclose(read.curves[setting], curve, rtol=3e-4)


def test_the_best_setting_is_the_one_that_reached_least(small):
    _, found = small
    for name in ("adam", "sgd"):
        values, reached = found.tried("wine-softmax", name)
        best = found.best("wine-softmax", name)
        assert best.setting.value == values[np.argmin(reached)]
        assert best.reached == pytest.approx(reached.min(), rel=1e-3)
        assert best.curve.shape == (len(found.iterations), 2)
    assert found.iterations[0] == 5
    assert found.iterations[-1] == 30
    with pytest.raises(UnknownNameError, match="adam on wine-softmax"):
        found.best("wine-softmax", "adan")


def test_against_itself_everything_is_even(small):
    _, found = small
    assert found.speedup("wine-softmax", "adam") == (1, 1, 1)
    assert found.final_ratio("wine-softmax", "adam") == (1, 1, 1)
    assert found.accuracy_gain("wine-softmax", "adam") == (0, 0, 0)


def test_without_results_it_says_how_to_make_them(tmp_path):
    with pytest.raises(MomentumDynamicsError, match="reproduce --full"):
        Results.load(tmp_path / "nothing.npz")


def test_the_record_is_whole_and_says_how_it_was_made():
    found = recorded()
    about = found.about
    protocol = Protocol(**{
        name: tuple(value) if isinstance(value, list) else value
        for name, value in about["protocol"].items()
    })  # fmt: skip
    assert len(protocol.seeds) >= 5
    assert {"python", "numpy", "autograd", "scikit-learn"} <= set(about["versions"])
    for name, contender, order in protocol.searches():
        best = found.best(name, contender, order)
        assert best.curve.shape == (len(found.iterations), len(found.seeds))
        values, reached = found.tried(name, contender, order)
        assert set(CONTENDERS[contender].values) <= set(values)
        if CONTENDERS[contender].extends and math.isfinite(best.reached):
            # The search went on until the best value was inside.
            assert values[0] < best.setting.value < values[-1], (name, contender, order)
            assert best.setting.value == values[np.argmin(reached)]
    assert module.RECORD.stat().st_size < 1_000_000


def test_no_run_is_both_quick_and_full(tmp_path):
    from momentum_dynamics import DomainError
    from momentum_dynamics.reproduce import write_gallery

    with pytest.raises(DomainError, match="quick or full"):
        write_gallery(quick=True, full=True, out=tmp_path)


def test_distances_of_variables_are_to_the_last_point():
    paths = variable_paths(0.9, steps=40, stride=10)
    assert paths.time.tolist() == [0, 10, 20, 30]
    assert paths.distance.shape[0] == 4
    assert (paths.distance[0] > 0).any()


def test_rates_of_a_geometric_path_are_its_ratio():
    from momentum_dynamics.training.rates import VariablePaths

    time = np.arange(0.0, 400, 2)
    swing = np.abs(np.cos(0.3 * time))[:, None]
    distance = np.array([0.98, 0.95]) ** time[:, None] * swing
    paths = VariablePaths(momentum=0.9, time=time, distance=distance, losses=time)
    np.testing.assert_allclose(paths.rates(), [0.98, 0.95], atol=1.5e-3)
