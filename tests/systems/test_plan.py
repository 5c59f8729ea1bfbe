"""Updates to a target, the best number of groups, the halving rule, and plans that hold."""

import json

import numpy as np
import pytest

from momentum_dynamics import (
    Cluster,
    Deterministic,
    DomainError,
    Exponential,
    FixedDelay,
    Gamma,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    NoDelay,
    Quadratic,
    ServiceDelay,
    ShapeError,
    ShiftedExponential,
    Task,
    best_groups,
    halving_rule,
    plan,
    queue_moments,
    simulate_queue,
    time_to_target,
)
from momentum_dynamics.laws import staleness as laws
from momentum_dynamics.systems import (
    fewest_updates,
    group_staleness,
    group_task,
    loss_path,
    statistical,
    statistical_efficiency,
    tune_for,
    updates_to_target,
)
from momentum_dynamics.systems.clocks import ticks_for, updates_by_clock

TASK = Task(spectrum=(0.1, 1.0), noise_variance=1.0, target=0.05)
OMNIVORE = Cluster(nodes=32, service=Deterministic(mean=32), server=0.35, shares_batch=True)


# --- updates to a target --------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2.5, 8])
def test_the_loss_is_that_of_exact_moments(workers):
    method, delay = HeavyBall(learning_rate=0.05, momentum=0.3), GeometricDelay(workers=workers)
    expected = 0
    for curvature in TASK.spectrum:
        path = queue_moments(method, curvature, workers=workers, noise_variance=1.0).path(60)
        expected = expected + curvature / 2 * (path.variance + path.mean**2)
    assert loss_path(TASK, method, delay, 60) == pytest.approx(expected, abs=1e-9)


def test_updates_to_a_target_by_hand():
    noiseless = Task(spectrum=[2.0], noise_variance=0.0, target=0.01)
    method = HeavyBall(learning_rate=np.array([0.1, 0.25, 1.01, 0.001]), momentum=0.0)
    found = updates_to_target(noiseless, method, NoDelay(), 100)
    by_hand = np.log(100) / -2 / np.log([0.8, 0.5])
    assert found[:2] == pytest.approx(by_hand)
    assert np.isinf(found[2:]).all()


def test_a_floor_above_the_target_is_never_reached():
    rate = 2 * TASK.target * 2 / 1.0  # the stiff mode's floor alone is twice the target
    found = updates_to_target(TASK, HeavyBall(learning_rate=rate, momentum=0.0), NoDelay(), 4000)
    assert np.isinf(found)
    floor = laws.queue_stationary_variance(rate, 1.0, 1.0, 1) / 2
    assert floor > TASK.target


@pytest.mark.parametrize(
    "delay", [None, FixedDelay(staleness=4), GeometricDelay(workers=6)], ids=repr
)
def test_tuning_beats_a_grid(delay):
    tuned = tune_for(TASK, delay)
    rates, momenta = np.meshgrid(np.geomspace(1e-3, 1, 13), [0.0, 0.3, 0.6, 0.9])
    method = HeavyBall(learning_rate=rates.ravel(), momentum=momenta.ravel())
    grid = updates_to_target(TASK, method, delay or NoDelay(), 200)
    assert tuned.updates <= 1.01 * grid.min()
    own = updates_to_target(TASK, tuned.method, delay or NoDelay(), 200)
    assert float(own) == pytest.approx(tuned.updates, rel=1e-6)


@pytest.mark.slow
def test_tuning_walks_along_a_bent_ridge_of_high_momentum():
    """The best of 3,000 settings about the ridge is not better, and a short delay costs nothing."""
    task = Task(spectrum=[1.0], noise_variance=1.0, target=0.003)
    rates, momenta = np.meshgrid(np.geomspace(2e-4, 5e-4, 60), np.linspace(0.95, 0.985, 50))
    method = HeavyBall(learning_rate=rates.ravel(), momentum=momenta.ravel())
    fresh = tune_for(task)
    assert fresh.updates < updates_to_target(task, method, NoDelay(), 410).min()
    late = tune_for(task, FixedDelay(staleness=3), near=fresh)
    assert late.updates == pytest.approx(fresh.updates, rel=1e-3)


def test_without_noise_and_delay_tuning_finds_fast_momentum():
    task = Task(spectrum=(0.01, 1.0), noise_variance=0.0, target=1e-6)
    plain = updates_to_target(
        task, HeavyBall(learning_rate=2 / 1.01, momentum=0.0), NoDelay(), 2000
    )
    tuned = tune_for(task)
    assert tuned.updates < plain / 3
    assert 0.4 < tuned.momentum < 0.9


def test_statistical_efficiency_is_a_price():
    prices = [statistical_efficiency(TASK, GeometricDelay(workers=g)) for g in (2, 8, 32)]
    assert 1 < prices[0] < prices[1] < prices[2] < 1.5
    assert statistical_efficiency(TASK, GeometricDelay(workers=32), longest=50) == np.inf


# --- a coarse clock -------------------------------------------------------------------------------


LONG = Task(spectrum=(0.2, 1.0), noise_variance=20.0, target=0.02)


@pytest.mark.parametrize(
    "delay",
    [
        NoDelay(),
        FixedDelay(staleness=100),
        GeometricDelay(workers=200),
        ServiceDelay(service=Gamma(shape=4), workers=60),
    ],
    ids=lambda delay: type(delay).__name__,
)
def test_a_coarse_clock_tells_the_updates_of_long_paths(delay):
    momenta = np.array([0.0, 0.5, 0.98])
    method = HeavyBall(learning_rate=8e-4 * (1 - momenta), momentum=momenta)
    exact, coarse = (updates_by_clock(LONG, method, delay, 8_000, tick) for tick in (1, 8))
    assert exact == pytest.approx(updates_to_target(LONG, method, delay, 8_000))
    assert (exact > 4000).all()
    assert coarse == pytest.approx(exact, rel=5e-3)
    # … and the coarser, the less: the error is of the order of a tick.
    assert np.abs(updates_by_clock(LONG, method, delay, 8_000, 32) - exact).max() < 64


def test_ticks_resolve_the_path_and_the_fastest_mode():
    rates = np.array([1e-6, 1e-3, 1.0])
    ticks = ticks_for(LONG, rates, 2**14)
    assert ticks.tolist() == [2**14 // 512, 32, 1]
    assert (ticks_for(LONG, rates, 500) == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "delay", [FixedDelay(staleness=100), GeometricDelay(workers=200)], ids=repr
)
def test_what_a_clock_found_is_exact_and_the_best_about(delay):
    tuned = tune_for(LONG, delay)
    assert tuned.updates > 2000
    exact = updates_to_target(LONG, tuned.method, delay, 9_000)
    assert float(exact) == pytest.approx(tuned.updates, rel=1e-6)
    effective, momenta = (
        part.ravel() for part in np.meshgrid(
            np.geomspace(0.5, 1.6, 9) * tuned.learning_rate / (1 - tuned.momentum),
            [-0.3, 0.0, 0.5, 0.9, 0.98, 0.993],
        )
    )  # fmt: skip
    around = HeavyBall(learning_rate=effective * (1 - momenta), momentum=momenta)
    grid = updates_to_target(LONG, around, delay, 9_000)
    assert tuned.updates <= 1.002 * grid.min()


# --- how many groups ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_best_number_of_groups_grows_as_the_target_tightens():
    best = [
        best_groups(OMNIVORE, Task(spectrum=[1.0], noise_variance=1.0, target=target))[0].groups
        for target in (0.3, 0.1, 0.03, 0.005)
    ]
    assert best == [1, 2, 4, 8]


def test_choices_are_in_the_order_of_time():
    choices = best_groups(OMNIVORE, Task(spectrum=[1.0], noise_variance=1.0, target=0.1))
    times = [choice.seconds for choice in choices]
    assert times == sorted(times)
    assert {1, 2, 4, 8, 16, 32} <= {choice.groups for choice in choices}
    some = best_groups(OMNIVORE, TASK, among=[4, 1, 4])
    assert sorted(choice.groups for choice in some) == [1, 4]
    single = time_to_target(OMNIVORE, TASK, 4)
    assert single.updates == next(choice.updates for choice in some if choice.groups == 4)
    assert single.seconds_per_update == pytest.approx((4 + 0.35) / 4)


@pytest.mark.slow
def test_what_cannot_win_and_takes_long_is_left_out_unless_asked_for():
    cluster = Cluster(nodes=64, service=Deterministic(), server=0.2)
    noisy = Task(spectrum=[1.0], noise_variance=800.0, target=0.05)
    choices = best_groups(cluster, noisy)
    best, counts = choices[0], {choice.groups for choice in choices}
    assert 64 in counts  # every node alone is told in any case
    assert 32 not in counts
    asked = time_to_target(cluster, noisy, 32, near=best.tuned)
    assert asked.seconds > best.seconds


def test_a_prime_number_of_nodes_leaves_some_idle():
    found = best_groups(
        Cluster(nodes=31, service=Deterministic()), Task(spectrum=[1.0], noise_variance=4.0,
                                                         target=0.1),
    )  # fmt: skip
    sizes = {choice.groups: choice.group_size for choice in found}
    assert sizes[1] == 31
    assert sizes[31] == 1
    assert all(groups * size <= 31 < groups * size + size for groups, size in sizes.items())


def test_the_halving_rule_halves_while_the_best_momentum_is_zero():
    cluster = Cluster(nodes=32, service=Exponential())
    noisy = Task(spectrum=(0.05, 1.0), noise_variance=4.0, target=0.01)
    trials = halving_rule(cluster, noisy, seconds=10.0)
    assert [trial.groups for trial in trials] == [32, 16]
    assert trials[0].momentum == 0
    assert trials[-1].momentum > 0
    # What the trial says of its own setting is what exact moments say.
    own = HeavyBall(learning_rate=trials[0].learning_rate, momentum=0.0)
    loss = loss_path(noisy, own, GeometricDelay(workers=32), 320)[-1]
    assert trials[0].loss == pytest.approx(loss)


def test_the_halving_rule_begins_before_the_server_saturates():
    cluster = Cluster(nodes=32, service=Deterministic(mean=8), server=1)  # saturates at 9
    assert halving_rule(cluster, TASK, seconds=60.0)[0].groups == 8
    assert halving_rule(cluster, TASK, seconds=60.0, groups=2)[0].groups == 2


# --- plans ----------------------------------------------------------------------------------------


def some_plan(**changes):
    given = {"nodes": 32, "service": Exponential(), "communication": 0.1, "spectrum": (0.1, 1.0),
             "noise": 4.0, "target": 0.05}  # fmt: skip
    return plan(**given | changes)


def test_a_plan_beats_both_extremes_and_says_so():
    found = some_plan()
    assert 1 < found.groups < 32
    assert found.seconds < found.synchronous.seconds
    assert found.seconds < found.asynchronous.seconds
    assert (found.learning_rate, found.momentum) == (
        found.best.learning_rate,
        found.best.momentum,
    )
    text = str(found)
    assert text.startswith(f"form {found.groups} groups of {found.best.group_size} node")
    assert "synchronous" in text
    assert max(map(len, text.splitlines())) <= 80
    assert repr(found).startswith("<Plan for 32 nodes: <Choice: ")
    assert json.loads(json.dumps(found.to_dict()))["recommended"]["groups"] == found.groups


@pytest.mark.slow
def test_thousands_of_nodes_take_few_exact_paths(monkeypatch):
    """Exact paths of all settings together see some hundred times the updates of the plan."""
    seen = []

    def counted(method, curvature, delay, steps, **options):
        found = square_path(method, curvature, delay, steps, **options)
        seen.append(found.size)
        return found

    square_path = statistical.square_path
    monkeypatch.setattr(statistical, "square_path", counted)
    found = some_plan(
        nodes=9600, service=ShiftedExponential(shift=0.9), communication=0.0,
        spectrum=(0.05, 1.0), noise=1000.0,
    )  # fmt: skip
    assert found.best.updates > 10_000
    assert sum(seen) < 400 * found.best.updates
    own = loss_path(
        group_task(found.cluster, found.task, found.groups), found.best.method,
        group_staleness(found.cluster, found.groups), found.best.updates,
    )  # fmt: skip
    assert own[-1] <= found.task.target < own[-2]


def test_plans_are_deterministic():
    first, second = (some_plan().to_dict() for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"noise": 30.0, "target": 0.02},
        {"communication": 0.0},
        {"service": ShiftedExponential(shift=0.5)},
        {"service": Gamma(shape=4), "nodes": 16},
        {"service": Deterministic()},
        {"nodes": 1},
        {"spectrum": (0.05, 0.3, 1.0), "start": 2.0},
    ],
    ids=str,
)
def test_a_simulation_verifies_the_plan(changes):
    found = some_plan(**changes)
    checked = found.verify(seed=7, replicas=600)
    assert checked.holds
    # … and not by far: the prediction is a prediction, and no bound.
    assert checked.loss > 0.85 * checked.target - 3 * checked.loss_error
    assert abs(checked.seconds / found.seconds - 1) < 0.03 + 3 * checked.seconds_error
    assert checked.staleness <= found.groups - 1
    assert "at the target" in str(checked)


@pytest.mark.slow
def test_a_plan_of_memoryless_nodes_is_exact():
    found = some_plan(communication=0.0, nodes=8, target=0.1)
    assert found.groups == 8
    checked = found.verify(seed=3, replicas=4000)
    path = loss_path(found.task, found.best.method, GeometricDelay(workers=8), found.best.updates)
    assert abs(checked.loss - path[-1]) < 4 * checked.loss_error
    assert abs(checked.seconds - found.seconds) < 4 * checked.seconds_error


@pytest.mark.slow
def test_a_bad_plan_is_not_verified():
    found = some_plan()
    wrong = {**vars(found.best), "learning_rate": 8 * found.learning_rate}
    checked = found.verify(seed=1, replicas=400, choice=type(found.best)(**wrong))
    assert not checked.holds
    assert "above the target" in str(checked)


def test_verification_is_a_run_of_the_queue():
    """The same loss from a run that is set up here, without the plan."""
    found = some_plan(nodes=4, communication=0.0, target=0.2)
    checked = found.verify(seed=11, replicas=30)
    run = simulate_queue(
        GradientDescent(learning_rate=found.learning_rate) if found.momentum == 0
        else HeavyBall(learning_rate=found.learning_rate, momentum=found.momentum),
        Quadratic([0.1, 1.0]), workers=found.groups, service=found.cluster.group_law(found.groups),
        updates=found.best.updates, replicas=30, seed=11, record="last",
        noise_variance=4.0 / found.best.group_size,
    )  # fmt: skip
    assert checked.loss == pytest.approx((run.outputs**2 @ [0.1, 1.0]).mean() / 2)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"nodes": 0}, DomainError, "nodes is 0"),
        ({"spectrum": (0.0, 1.0)}, DomainError, "spectrum holds 0.0, but every curvature"),
        ({"spectrum": [[1.0]]}, ShapeError, "spectrum has shape"),
        ({"spectrum": "0.1,1"}, DomainError, "spectrum is '0.1,1', but must be a row"),
        ({"noise": -1.0}, DomainError, "noise_variance is -1.0"),
        ({"noise": [1.0, 2.0]}, DomainError, "must be one number"),
        ({"target": 0.0}, DomainError, "target is 0.0"),
        ({"target": 0.55}, DomainError, "the loss is 0.55 at the start"),
        ({"target": 1e-12}, DomainError, "paths are known only down to"),
        ({"start": 0.0}, DomainError, "start is 0.0"),
        ({"target": 0.001, "longest": 100}, DomainError, "takes more than 100 updates"),
        ({"service": "exponential"}, DomainError, "must be a law of service times"),
    ],
)
def test_refusals(changes, error, message):
    with pytest.raises(error, match=message):
        some_plan(**changes)


def test_an_error_bar_needs_two_replicas():
    found = some_plan(nodes=2, target=0.3)
    with pytest.raises(DomainError, match="replicas is 1, but an error bar"):
        found.verify(replicas=1)
    with pytest.raises(DomainError, match="5 groups were asked of 2 nodes"):
        time_to_target(found.cluster, found.task, 5)


@pytest.mark.parametrize("delay", [None, GeometricDelay(workers=6)])
@pytest.mark.parametrize("target", [0.2, 0.05, 0.02])
def test_no_tuning_beats_the_fewest_updates(target, delay):
    task = Task(spectrum=(0.1, 1.0), noise_variance=2.0, target=target)
    tuned = tune_for(task, delay)
    assert fewest_updates(task) < tuned.updates < 40 * fewest_updates(task) + 40


def test_what_is_out_of_reach_is_refused_at_once():
    with pytest.raises(DomainError, match="takes more than 131,072 updates"):
        some_plan(noise=1e6, target=0.001)
