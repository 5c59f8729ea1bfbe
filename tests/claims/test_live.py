"""What live claims are made of: pools that lose one process, times, queues that run all at once."""

import json
import subprocess
import sys
import warnings
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import numpy as np
import pytest

from momentum_dynamics import GradientDescent, Quadratic, list_claims, serve
from momentum_dynamics.claims import Claim, judge, live, nonlinear, real_workers
from momentum_dynamics.claims.live import Apart, awake, dies_at_times, doomed, service_times
from momentum_dynamics.delays import Exponential
from momentum_dynamics.simulation import simulate_queue

LIVE = [item for item in list_claims() if item.live]


class Fake:
    """A pool of one process that breaks when it is told to."""

    def __init__(self, _):
        self.is_broken, self.is_open = False, True

    def submit(self, _, /, *__):
        if self.is_broken:
            raise BrokenProcessPool("a process died")
        self.future = Future()
        return self.future

    def shutdown(self, **_):
        self.is_open = False


def test_claims_on_real_workers_are_live_and_no_others():
    assert {item.slug for item in LIVE} == {
        item.slug for item in vars(real_workers).values() if isinstance(item, Claim)
    }


def test_a_process_that_died_is_replaced_and_no_other_one_is():
    made = []
    pool = Apart(3, lambda count: made.append(Fake(count)) or made[-1])
    futures = [pool.submit(abs, -1) for _ in range(3)]
    assert [fake.future for fake in made] == futures
    made[1].is_broken = True
    futures[1].set_exception(BrokenProcessPool("a process died"))
    again = pool.submit(abs, -1)
    assert len(made) == 4
    assert made[3].future is again
    assert [fake.is_open for fake in made] == [True, False, True, True]
    pool.shutdown()
    assert not any(fake.is_open for fake in made)


def test_whoever_is_idle_gets_the_next_task():
    made = []
    pool = Apart(2, lambda count: made.append(Fake(count)) or made[-1])
    pool.submit(abs, -1)
    second = pool.submit(abs, -1)
    second.set_result(1)
    assert pool.submit(abs, -1) is made[1].future


def test_which_tasks_are_doomed_is_known_from_the_seed():
    tasks = np.arange(400)
    found = doomed(Quadratic([1.0]), 3, tasks)
    assert found.dtype == bool
    assert abs(found.mean() - live.CHANCE_OF_DEATH) < 5 * np.sqrt(0.09 / 400)
    np.testing.assert_array_equal(found[::-1], doomed(Quadratic([1.0]), 3, tasks[::-1]))
    assert (found != doomed(Quadratic([1.0]), 4, tasks)).any()


def test_doomed_tasks_are_those_in_which_a_run_dies(monkeypatch):
    def refuse(_):
        raise ArithmeticError("died")

    monkeypatch.setattr(live.os, "_exit", refuse)
    with awake(2) as pool:
        run = serve(
            GradientDescent(learning_rate=0.1), Quadratic([1.0, 0.5]), workers=2, executor=pool,
            updates=100, work=dies_at_times, seed=5,
        )  # fmt: skip
    lost = np.array([loss.task for loss in run.losses])
    assert len(lost)
    assert doomed(Quadratic([1.0]), 5, lost).all()
    assert not doomed(Quadratic([1.0]), 5, run.tasks).any()


def test_times_are_those_between_two_updates_of_one_worker():
    run = SimpleNamespace(writers=np.array([0, 1, 0, 0, 1]), seconds=np.array([1.0, 2, 4, 5, 9]))
    np.testing.assert_array_equal(service_times(run), [3, 1, 7])


def test_times_are_at_least_what_was_slept():
    with awake(2) as pool:
        run = serve(
            GradientDescent(learning_rate=0.1), Quadratic([1.0]), workers=2, executor=pool,
            updates=12, service=Exponential(mean=0.004), seed=1,
        )  # fmt: skip
    drawn = np.sort(service_times(run))
    assert len(drawn) == 10
    assert drawn.mean() > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("item", LIVE, ids=lambda item: item.slug)
def test_notes_of_live_claims_hold_no_measurement(item):
    first, second = (judge(item).checks for _ in range(2))
    assert {role: check.note for role, check in first.items()} == {
        role: check.note for role, check in second.items()
    }
    assert all(check.standard_error is None for check in first.values())


@pytest.mark.slow
def test_live_claims_are_judged_from_a_main_module(tmp_path):
    """Where processes import the main script again, and warnings are errors."""
    slug = "a-killed-process-costs-its-own-gradient-alone"
    command = [sys.executable, "-W", "error", "-m", "momentum_dynamics", "reproduce", slug]
    done = subprocess.run(
        [*command, "--out", tmp_path, "--jobs", "1"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    (entry,) = json.loads((tmp_path / "live.json").read_text(encoding="utf-8"))["claims"]
    assert entry["verdict"] == "confirmed"


def test_a_pool_is_made_where_there_is_no_server_of_forks(monkeypatch):
    monkeypatch.setattr(live, "get_all_start_methods", lambda: ["spawn"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with live.process_pool(1) as pool:
            assert pool._mp_context.get_start_method() == "spawn"


@pytest.fixture(scope="module")
def case():
    return nonlinear.valley(400)


def test_queues_move_as_those_of_the_simulation(case):
    """Same problem, same start: the loop over updates beside the queue event by event."""
    still = nonlinear.Case(
        problem=case.problem, name="", learning_rate=case.learning_rate, spread=0.0, updates=12,
        replicas=400,
    )  # fmt: skip
    loop = nonlinear.run_queues(still, np.random.default_rng(1)).points[-1]
    run = simulate_queue(
        GradientDescent(learning_rate=still.learning_rate), still.problem, workers=4,
        service=Exponential(), updates=12, replicas=100, seed=2,
    )  # fmt: skip
    event = run.points[-1]
    for power in (1, 2):
        gap = (loop**power).mean(axis=0) - (event**power).mean(axis=0)
        error = np.sqrt((loop**power).var(axis=0) / 400 + (event**power).var(axis=0) / 100)
        assert (np.abs(gap) < 5 * error).all()


def test_workers_in_turns_are_a_fixed_delay(case):
    queues = nonlinear.run_queues(case, np.random.default_rng(1), is_round_robin=True)
    step = np.diff(queues.points, axis=0)
    np.testing.assert_allclose(step[3:], -case.learning_rate * queues.fields[:-4], atol=1e-12)


def test_the_residual_of_one_worker_vanishes(case):
    alone = nonlinear.Case(
        problem=case.problem, name="", learning_rate=case.learning_rate, spread=0.3, updates=10,
        replicas=100, workers=1,
    )  # fmt: skip
    left, _ = nonlinear.run_queues(alone, np.random.default_rng(1)).residual()
    np.testing.assert_allclose(left, 0, atol=1e-12)


def test_a_control_that_agrees_is_reported():
    """Where the gradient is linear that at the mean is the mean gradient: one of two agrees."""
    linear = nonlinear.Case(
        problem=Quadratic([1.0, 0.5]), name="", learning_rate=0.1, spread=0.3, updates=10,
        replicas=400,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    assert nonlinear._controls(linear, rng).passed
    turns = nonlinear.run_queues(linear, rng, is_round_robin=True)
    assert not nonlinear._evidence(turns).passed


def test_the_quarter_of_negative_curvature():
    queues = nonlinear.run_queues(nonlinear.valley(100), np.random.default_rng(1))
    problem = queues.case.problem
    lowest = [
        np.linalg.eigvalsh(problem.hessian(point))[0]
        for point in queues.points[::8, ::4].reshape(-1, 2)
    ]
    assert 0.15 < np.mean(np.array(lowest) < 0) < 0.35
