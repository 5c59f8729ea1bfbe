"""Workers: two engines with the same numbers, the laws of staleness, failures, refusals."""

import inspect
import sys
import tracemalloc
from functools import partial

import numpy as np
import pytest

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    MomentumDynamicsError,
    Nesterov,
    NotTraceableError,
    Outcome,
    Quadratic,
    QueueRun,
    Rosenbrock,
    ShapeError,
    simulate,
    simulate_queue,
    symbol,
)
from momentum_dynamics.delays import Deterministic, Exponential
from momentum_dynamics.simulation import calendar_kernels, queue_draws, queue_kernels
from momentum_dynamics.simulation import queue as queue_module


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """The kernel is compiled once, before any test is timed."""
    simulate_queue(METHOD, PROBLEM, **SETTINGS, engine="compiled")


class Law:
    """A law of times from a sampler."""

    def __init__(self, draw, name="Law()"):
        self.draw, self.name = draw, name

    def sample(self, rng, size):
        return self.draw(rng, size)

    def __repr__(self):
        return self.name


def always(time):
    """Every time is the same."""
    return Law(lambda _, size: np.full(size, float(time)), f"always({time})")


LAWS = {
    "exponential": Exponential(mean=2.0),
    "deterministic": Deterministic(),
    "gamma": Law(lambda rng, size: rng.gamma(4.0, 0.25, size)),
    "pareto of infinite variance": Law(lambda rng, size: rng.pareto(1.5, size) + 1),
    "pareto of infinite mean": Law(lambda rng, size: (rng.pareto(0.2, size) + 1) * 1e-9),
    "two scales": Law(
        lambda rng, size: rng.exponential(1, size) * np.where(rng.random(size) < 0.9, 1e-4, 9)
    ),
    "ties": Law(lambda rng, size: rng.integers(1, 4, size).astype(float)),
    "no time now and then": Law(lambda rng, size: rng.integers(0, 2, size).astype(float)),
    "a jump of scale": Law(
        lambda rng, size: rng.exponential(1, size) * 1e-12 ** (rng.random(size) < 0.5)
    ),
    "no time at all": always(0),
    "nearly equal": Law(lambda rng, size: 1 + 1e-9 * rng.random(size)),
}
METHODS = [
    GradientDescent(learning_rate=0.05),
    HeavyBall(learning_rate=0.05, momentum=0.3),
    Nesterov(learning_rate=0.05, momentum=0.3),
    Extragradient(learning_rate=0.05),
    Chebyshev(smallest_curvature=0.2, largest_curvature=2.5),
    LinearMethod(A=[[1.4, -0.4, 0], [1, 0, 0], [0.5, 0.5, 0.2]], B=[[-0.1], [0], [0.05]],
                 C=[[1.2, -0.2, 0.0]], E=[[1, 0, 0]]),
]  # fmt: skip
METHOD, PROBLEM = GradientDescent(learning_rate=0.05), Quadratic([0.5, 1.0, 2.0])
BASIS = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
ROTATED = Quadratic(BASIS @ np.diag([0.2, 1.0, 2.4]) @ BASIS.T, solution=[1.0, -2.0, 0.5])
SETTINGS = {"workers": 4, "service": Exponential(), "updates": 60, "seed": 3}
VARIANTS = {
    "plain": {},
    "speeds": {"speeds": [1.0, 20.0, 3.0, 0.01]},
    "read first": {"order": "read-then-write"},
    "server": {"server": Exponential(mean=0.5)},
    "slow server, read first": {"server": always(1.0), "order": "read-then-write"},
    "failures": {"failures": [(0.5, 1), (2.0, 0), (2.0, 2), (9.0, 1)], "joins": [(3.0, 1)]},
    "joins": {
        "joins": [(0.0, 4), (1.0, 5), (2.0, 1)],
        "failures": [(1.0, 1), (4.0, 5)],
        "speeds": [1.0, 2.0, 3.0, 0.5, 1.0, 4.0],
    },
    "failures at a server": {
        "server": Exponential(mean=2.0),
        "failures": [(0.5, 1), (1.0, 0), (2.0, 2), (2.5, 3)],
        "joins": [(1.5, 1), (2.1, 2), (7.0, 4)],
    },
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))


def assert_same_run(one, other):
    assert repr(one) == repr(other)
    first, second = one.to_dict(), other.to_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def both(method=METHOD, problem=PROBLEM, **settings):
    runs = [
        simulate_queue(method, problem, engine=engine, **(SETTINGS | settings))
        for engine in ("python", "compiled")
    ]
    assert_same_run(*runs)
    return runs[1]


@every_law
@every_variant
def test_engines_agree(law, variant):
    run = both(service=law, noise_variance=0.1, **variant)
    assert run.points.shape == run.outputs.shape == (61, 3)
    assert (np.diff(run.times) >= 0).all()
    assert run.staleness.min() >= 0


@pytest.mark.slow
@every_law
@pytest.mark.parametrize("workers", [1, 2, 37, 300])
def test_engines_agree_on_many_workers(law, workers):
    both(service=law, workers=workers, updates=8000, record="last", problem=Quadratic([0.01]))


@pytest.mark.parametrize("record", ["all", "moments", "last"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_engines_agree_on_every_linear_method(method, record):
    settings = {"noise_variance": [0.0, 0.1, 0.2], "record": record, "stride": 7}
    both(method, ROTATED, **settings)
    both(method, ROTATED, replicas=(2, 3), updates=20, **settings)
    both(method, Quadratic([0.7]), **settings | {"noise_variance": 0.1})


def test_engines_agree_across_blocks_of_replicas():
    for record in ("all", "moments"):
        both(replicas=131, updates=5, noise_variance=0.1, record=record)


@pytest.mark.parametrize(
    "variant",
    [*VARIANTS.values(), {"failures": [(3.0, 0), (3.0, 1), (3.5, 2), (4.0, 3)]}],
    ids=[*VARIANTS, "no worker is left"],
)
def test_the_text_of_the_kernel_agrees_without_a_compiler(variant, monkeypatch):
    settings = SETTINGS | {"updates": 25, "engine": "compiled"} | variant
    cases = [
        {"method": method, "problem": problem, "noise_variance": noise_variance, "record": record}
        for method, problem in (
            (METHODS[1], PROBLEM),
            (METHODS[4], PROBLEM),
            (METHODS[1], Quadratic([0.7])),
        )
        for record, noise_variance in (("all", 0.1), ("moments", 0.0))
    ]
    runs = [
        [simulate_queue(**case, **settings | {"engine": engine}) for case in cases]
        for engine in ("python", "compiled")
    ]
    monkeypatch.setattr(queue_module, "compiled_block", lambda: queue_kernels.advance_block)
    runs.append([simulate_queue(**case, **settings) for case in cases])
    for by_loop, compiled, by_text in zip(*runs, strict=True):
        assert_same_run(by_text, compiled)
        assert_same_run(by_text, by_loop)


def crowd_after_a_calm_start(rng, size):
    """Buckets are laid out for one fast worker, then the events of 23 others fall into one."""
    row = np.arange(size[0])[:, None]
    return ((row > 0) & (row < 24)) + 0.01 * rng.exponential(1, size)


@pytest.mark.parametrize("law", [*LAWS.values(), Law(crowd_after_a_calm_start)], ids=repr)
def test_the_ring_of_the_kernel_agrees_without_a_compiler(law, monkeypatch):
    """Few buckets and many workers, so that every branch of the calendar is taken."""
    settings = {"workers": 24, "service": law, "updates": 300, "seed": 2}
    problem = Quadratic([0.01])
    monkeypatch.setattr(calendar_kernels, "bucket_count", lambda _: 64)
    expected = simulate_queue(METHOD, problem, engine="python", **settings)
    settings["engine"] = "compiled"
    assert_same_run(simulate_queue(METHOD, problem, **settings), expected)
    monkeypatch.setattr(queue_module, "compiled_block", lambda: queue_kernels.advance_block)
    assert_same_run(simulate_queue(METHOD, problem, **settings), expected)


@every_variant
@pytest.mark.parametrize("problem", [PROBLEM, ROTATED, Rosenbrock()], ids=repr)
def test_every_gradient_is_asked_at_the_point_that_was_read(problem, variant):
    """Replay: the staleness that a run tells is the staleness that its path has."""
    method = HeavyBall(learning_rate=1e-4, momentum=0.5)
    run = simulate_queue(method, problem, **(SETTINGS | variant))
    state = method.initial_state(np.asarray(problem.start, dtype=float))
    for step, age in enumerate(run.staleness):
        np.testing.assert_allclose(run.points[step], method.query(state), rtol=1e-12, atol=1e-12)
        state = method.update(state, problem.field(run.points[step - age]))
    assert run.staleness.max() > 2


def test_events_are_those_of_a_search_for_the_next_worker():
    """An oracle of ten lines: no calendar, no heap."""
    drawn = []

    def sample(rng, size):
        drawn.append(rng.exponential(1, size))
        return drawn[-1]

    speeds = np.array([1.0, 2.0, 5.0, 0.5, 1.0])
    run = simulate_queue(
        METHOD, PROBLEM, workers=5, service=Law(sample), updates=200, speeds=speeds, seed=1
    )
    times = np.concatenate(drawn)[:, 0]
    due, version = times[:5] / speeds, np.zeros(5, dtype=int)
    for update in range(200):
        worker = int(np.argmin(due))
        assert run.staleness[update] == update - version[worker]
        assert run.times[update] == due[worker]
        version[worker] = update + 1
        due[worker] += times[5 + update] / speeds[worker]


@every_law
@pytest.mark.parametrize("order", ["write-then-read", "read-then-write"])
@pytest.mark.parametrize("server", [None, Exponential(mean=0.3)])
def test_conservation(law, order, server):
    """Every update ages the M − 1 other gradients by one, or all M where reading comes first."""
    aged = 5 if order == "write-then-read" else 6
    run = simulate_queue(
        METHOD, PROBLEM, workers=6, service=law, updates=3000, seed=4, order=order, server=server,
        speeds=[1, 2, 3, 4, 5, 20], record="last",
    )  # fmt: skip
    total = round(run.mean_staleness * run.updates)
    assert total == run.histogram @ np.arange(len(run.histogram))
    assert total + run.ages.sum() == 3000 * aged
    assert run.histogram.sum() == 3000


def test_workers_that_fail_break_the_conservation():
    """The control: one update more of ages is lost with each gradient."""
    run = simulate_queue(METHOD, PROBLEM, **SETTINGS, failures=[(3.0, 0)])
    total = run.staleness.sum() + run.ages[run.ages >= 0].sum()
    assert total < 60 * 3


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_equal_times_make_a_round_robin(workers):
    run = simulate_queue(METHOD, PROBLEM, workers=workers, service=always(3.0), updates=50)
    expected = np.minimum(np.arange(50), workers - 1)
    np.testing.assert_array_equal(run.staleness, expected)
    np.testing.assert_array_equal(run.times, 3.0 * (1 + np.arange(50) // workers))
    np.testing.assert_array_equal(run.histogram, np.bincount(expected))


@pytest.mark.slow
def test_memoryless_workers_make_a_geometric_law():
    """Batches of 10⁴ updates are nearly independent: eleven z-scores of their means below 5."""
    workers, batches, size = 4, 100, 10_000
    run = simulate_queue(
        METHOD, Quadratic([0.01]), workers=workers, service=Exponential(), seed=6,
        updates=batches * size,
    )  # fmt: skip
    ages = run.staleness.reshape(batches, size)

    def z_score(samples, expected):
        error = samples.std(ddof=1) / np.sqrt(batches)
        return (samples.mean() - expected) / error

    kept = 1 - 1 / workers
    scores = [
        z_score((ages == age).mean(axis=1), kept**age / workers) for age in (0, 1, 2, 5, 9, 14)
    ]
    variance = workers * (workers - 1)
    away = ages - (workers - 1)
    scores.append(z_score((away**2).mean(axis=1), variance))
    for lag in (1, 2, 4, 8):
        found = (away[:, lag:] * away[:, :-lag]).mean(axis=1) / variance
        scores.append(z_score(found, -(kept ** (lag - 1)) / (2 * workers)))
        assert found.mean() < -5 * found.std() / 10 or lag == 8
    assert np.abs(scores).max() < 5
    # But for the start, which all have read, every point is read once, so no staleness follows on
    # one less by one.
    begun = np.arange(run.updates) - run.staleness
    assert len(set(begun[begun > 0])) == (begun > 0).sum() == run.updates - workers
    assert not (np.diff(run.staleness)[begun[1:] > 0] == 1).any()
    np.testing.assert_allclose(run.times[-1], batches * size / workers, rtol=5e-3)


@pytest.mark.slow
def test_other_laws_are_not_geometric():
    """The control: the same mean, another share of fresh gradients."""
    for law in (LAWS["gamma"], LAWS["two scales"]):
        run = simulate_queue(
            METHOD, Quadratic([0.01]), workers=4, service=law, seed=6, updates=100_000
        )
        assert abs((run.staleness == 0).mean() - 0.25) > 20 * np.sqrt(0.25 / 100_000)


@pytest.mark.slow
def test_the_mean_path_is_that_of_momentum():
    """Exactly, where the first step is a whole one; from rest it is another path."""
    workers, rate, curvature = 4, 0.6, np.array([1.0, 0.3])
    run = simulate_queue(
        GradientDescent(learning_rate=rate), Quadratic(curvature), workers=workers,
        service=Exponential(), updates=25, replicas=20_000, seed=1, record="moments",
    )  # fmt: skip
    momentum = HeavyBall(learning_rate=rate / workers, momentum=1 - 1 / workers)
    start = np.ones(2)
    paths = [
        simulate(momentum, Quadratic(curvature), steps=25, start=begun).points
        for begun in ((start, start + rate * curvature * start), start)
    ]
    error = run.moments.mean_error[2:]
    assert (error > 0).all()
    scores = [np.abs(run.moments.mean - path)[2:] / error for path in paths]
    assert scores[0].max() < 5
    assert scores[1].max() > 20
    np.testing.assert_allclose(run.moments.mean[:2], paths[0][:2], rtol=1e-12)


@pytest.mark.slow
def test_second_moments_of_memoryless_workers():
    """Against the linear recursion of E w², E wu, E c, E u², u and c the means of what is held."""
    workers, rate, count = 3, 0.9, 60_000
    run = simulate_queue(
        GradientDescent(learning_rate=rate), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=20, replicas=count, seed=5, record="moments",
    )  # fmt: skip
    p, a = 1 / workers, rate
    ww = wu = c = uu = 1.0
    exact = [ww]
    for _ in range(20):
        moved = (1 - p) * wu - a * (uu - p * c)
        ww = ww - 2 * a * wu + a * a * c
        uu = (1 - 2 * p) * uu + p * p * c + 2 * p * moved + p * p * ww
        wu, c = moved + p * ww, (1 - p) * c + p * ww
        exact.append(ww)
    assert exact[-1] == pytest.approx(0.3319, abs=5e-5)
    second = run.moments.second_moment[:, 0]
    # The fourth moment is heavy, so the error is that of fifty groups of replicas.
    ends = simulate_queue(
        GradientDescent(learning_rate=rate), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=20, replicas=count, seed=5, record="last",
    ).outputs[:, 0]  # fmt: skip
    error = (ends**2).std() / np.sqrt(count)
    assert second[-1] == pytest.approx((ends**2).mean(), rel=1e-9)
    assert abs(second[-1] - exact[-1]) < 4 * error
    assert error < 0.01
    np.testing.assert_allclose(second[:3], exact[:3], rtol=0.02)


@pytest.mark.parametrize("engine", ["python", "compiled"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_one_worker_is_a_serial_run(method, engine):
    """The same seed draws the same noise, so the bits are the same."""
    settings = {"replicas": 5, "noise_variance": 0.2, "seed": 8, "engine": engine}
    run = simulate_queue(method, ROTATED, workers=1, service=Exponential(), updates=20, **settings)
    serial = simulate(method, ROTATED, steps=20, **settings | {"engine": "numpy"})
    np.testing.assert_array_equal(run.points, serial.points)
    np.testing.assert_array_equal(run.outputs, serial.outputs)
    assert not run.staleness.any()
    moments = simulate_queue(
        method, ROTATED, workers=1, service=Exponential(), updates=20, record="moments", **settings
    ).moments
    expected = simulate(
        method, ROTATED, steps=20, record="moments", **settings | {"engine": "numpy"}
    )
    np.testing.assert_allclose(moments.mean, expected.mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(moments.second_moment, expected.second_moment, rtol=1e-12)


def test_one_worker_is_a_serial_run_on_any_problem():
    method = Nesterov(learning_rate=1e-3, momentum=0.5)
    settings = {"replicas": 3, "noise_variance": 0.2, "seed": 8}
    run = simulate_queue(
        method, Rosenbrock(), workers=1, service=Exponential(), updates=30, **settings
    )
    serial = simulate(method, Rosenbrock(), steps=30, **settings)
    np.testing.assert_array_equal(run.points, serial.points)
    late = simulate_queue(
        method, Rosenbrock(), workers=1, service=Exponential(), updates=29,
        order="read-then-write", **settings,
    )  # fmt: skip
    np.testing.assert_array_equal(late.points[1], serial.points[1])
    assert not (late.points[2] == serial.points[2]).any()
    assert (late.staleness[1:] == 1).all()


def test_a_method_without_state_space_runs_on_a_linear_problem():
    class Sign:
        def initial_state(self, point):
            return (point,)

        def query(self, state):
            return state[0]

        def update(self, state, gradient):
            return (state[0] - 0.01 * np.sign(gradient),)

    run = simulate_queue(Sign(), ROTATED, **SETTINGS, noise_variance=0.1)
    np.testing.assert_allclose(np.abs(np.diff(run.points, axis=0)), 0.01)
    moments = simulate_queue(Sign(), ROTATED, **SETTINGS, noise_variance=0.1, record="moments")
    along = (run.outputs - ROTATED.solution) @ ROTATED.modes[1]
    np.testing.assert_allclose(moments.moments.mean, along, rtol=1e-12)


@pytest.mark.parametrize("problem", [PROBLEM, Rosenbrock()], ids=repr)
def test_records_are_of_one_run(problem):
    """Moments and the end are those of the kept path, and every replica is seen."""
    method = GradientDescent(learning_rate=1e-3)
    settings = SETTINGS | {"replicas": (2, 3), "noise_variance": 0.3, "updates": 20}
    kept = simulate_queue(method, problem, **settings)
    assert kept.points.shape == kept.outputs.shape == (21, 2, 3, problem.dimension)
    assert kept.staleness.shape == kept.times.shape == (20, 2, 3)
    assert kept.ages.shape == (2, 3, 4)
    assert kept.updates.shape == kept.lost.shape == kept.outcome.shape == (2, 3)
    assert kept.moments is None
    moments = simulate_queue(method, problem, record="moments", stride=4, **settings)
    away = (kept.outputs - problem.solution)[::4]
    np.testing.assert_allclose(moments.moments.mean, away.mean(axis=(1, 2)), rtol=1e-10)
    np.testing.assert_allclose(moments.moments.second_moment, (away**2).mean(axis=(1, 2)))
    np.testing.assert_allclose(moments.times[1:], kept.times[3::4].mean(axis=(1, 2)))
    assert moments.times[0] == 0
    assert moments.points is moments.outputs is moments.staleness is None
    last = simulate_queue(method, problem, record="last", **settings)
    np.testing.assert_array_equal(last.outputs, kept.outputs[-1])
    np.testing.assert_array_equal(last.times, kept.times[-1])
    for run in (moments, last):
        np.testing.assert_array_equal(run.histogram, kept.histogram)
        np.testing.assert_array_equal(run.ages, kept.ages)
    np.testing.assert_array_equal(kept.histogram, np.bincount(kept.staleness.ravel()))
    strided = simulate_queue(method, problem, stride=6, **settings)
    np.testing.assert_array_equal(strided.outputs, kept.outputs[::6])
    assert strided.stride == 6


@pytest.mark.parametrize("variant", ["plain", "failures at a server"])
def test_a_longer_run_begins_as_a_shorter_one(variant, monkeypatch):
    """Streams are read row by row, however many are drawn at once."""
    settings = SETTINGS | VARIANTS[variant] | {"replicas": 2, "noise_variance": 0.1}
    longer = simulate_queue(METHOD, PROBLEM, **settings | {"updates": 90})
    monkeypatch.setattr(queue_draws, "_AT_ONCE", 1)
    shorter = simulate_queue(METHOD, PROBLEM, **settings)
    for name in ("staleness", "times"):
        np.testing.assert_array_equal(getattr(shorter, name), getattr(longer, name)[:60])
    np.testing.assert_array_equal(shorter.points, longer.points[:61])


def test_faster_workers_write_more_often():
    """A worker of share π waits for 1/π − 1 others; together they still wait for M − 1."""
    speeds = np.array([1.0, 2.0, 5.0])
    run = simulate_queue(
        METHOD, Quadratic([0.01]), workers=3, service=Exponential(), updates=50_000, seed=1,
        speeds=speeds,
    )  # fmt: skip
    assert run.mean_staleness == pytest.approx(2, abs=1e-3)
    assert run.times[-1] == pytest.approx(50_000 / speeds.sum(), rel=0.03)
    shares = speeds / speeds.sum()
    law = [(shares**2 * (1 - shares) ** age).sum() for age in range(6)]
    np.testing.assert_allclose(run.histogram[:6] / 50_000, law, atol=6 * np.sqrt(0.25 / 50_000))


def test_a_server_that_takes_time_is_the_limit():
    """Deterministic times: four workers of time 1 and a server of time 1 leave 1 update a time."""
    run = simulate_queue(
        METHOD, PROBLEM, workers=4, service=Deterministic(), server=Deterministic(), updates=40
    )
    np.testing.assert_array_equal(run.times, 2 + np.arange(40))
    assert (run.staleness[4:] == 3).all()
    free = simulate_queue(
        METHOD, PROBLEM, workers=4, service=Exponential(), updates=40, server=always(0),
        seed=2,
    )  # fmt: skip
    plain = simulate_queue(METHOD, PROBLEM, workers=4, service=Exponential(), updates=40, seed=2)
    assert_same_run(free, plain)


def test_failures_and_joins_one_by_one():
    """Equal times of 1: who is there can be counted by hand."""
    run = simulate_queue(
        METHOD, PROBLEM, workers=2, service=Deterministic(), updates=8,
        failures=[(1.5, 0)], joins=[(2.25, 2), (3.5, 0)],
    )  # fmt: skip
    # By the workers 0, 1, 1, 1, 2, 1, 2 and 0.
    np.testing.assert_array_equal(run.times, [1, 1, 2, 3, 3.25, 4, 4.25, 4.5])
    np.testing.assert_array_equal(run.staleness, [0, 1, 0, 0, 1, 1, 1, 2])
    assert run.lost == 1
    assert run.updates == 8
    assert run.ages.tolist() == [0, 2, 1]
    assert "1 lost" in repr(run)


@pytest.mark.parametrize("engine", ["python", "compiled"])
@pytest.mark.parametrize("record", ["all", "moments", "last"])
def test_without_workers_a_run_ends_with_what_it_has(engine, record):
    run = simulate_queue(
        METHOD, PROBLEM, workers=2, service=Exponential(), updates=100_000, replicas=3, seed=1,
        failures=[(20.0, 0), (30.0, 1)], engine=engine, record=record, stride=1,
    )  # fmt: skip
    assert (run.lost == 2).all()
    assert (run.ages == -1).all()
    assert (run.updates < 100).all()
    assert len(set(run.updates)) > 1
    longest = run.updates.max()
    if record == "all":
        assert run.staleness.shape == (longest, 3)
        assert run.points.shape == (longest + 1, 3, 3)
        for lane, made in enumerate(run.updates):
            assert (run.staleness[made:, lane] == -1).all()
            assert np.isnan(run.times[made:, lane]).all()
            assert np.isnan(run.outputs[made + 1 :, lane]).all()
            assert np.isfinite(run.outputs[: made + 1, lane]).all()
    elif record == "moments":
        assert np.isfinite(run.moments.mean[: longest + 1]).all()
        assert np.isnan(run.moments.mean[longest + 1 :]).all()
    else:
        assert np.isfinite(run.outputs).all()
        assert (run.times < 30).all()


def test_outcomes():
    settings = {"workers": 2, "service": Exponential(), "seed": 1, "replicas": 2}
    good = simulate_queue(GradientDescent(learning_rate=0.5), PROBLEM, updates=400, **settings)
    bad = simulate_queue(GradientDescent(learning_rate=9.0), PROBLEM, updates=2000, **settings)
    none = simulate_queue(METHOD, PROBLEM, updates=0, **settings)
    assert (good.outcome == Outcome.CONVERGED).all()
    assert (bad.outcome == Outcome.DIVERGED).all()
    assert (none.outcome == Outcome.BUDGET_SPENT).all()
    assert none.points.shape == (1, 2, 3)
    assert none.mean_staleness == 0
    assert isinstance(both(updates=3).outcome, Outcome)
    run = both()
    told = f"mean staleness {run.mean_staleness:.4g}, budget spent"
    assert repr(run) == f"<QueueRun: 4 workers, 60 updates, {told}>"
    assert isinstance(none, QueueRun)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_updates():
    peaks = []
    for updates in (100_000, 1_600_000):
        tracemalloc.start()
        run = simulate_queue(
            METHOD, Quadratic([0.01]), workers=64, service=LAWS["pareto of infinite mean"],
            updates=updates, noise_variance=1.0, seed=1, record="moments", stride=updates // 100,
        )  # fmt: skip
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert run.moments.mean.shape == (101, 1)
    assert peaks[1] < peaks[0] + 8.5 * 2**20
    default = simulate_queue(METHOD, PROBLEM, record="moments", **SETTINGS | {"updates": 50_001})
    assert len(default.moments.mean) <= 10_001


def test_long_histories_fall_into_the_last_entry(monkeypatch):
    monkeypatch.setattr("momentum_dynamics.simulation.queue_run._LONGEST", 5)
    run = both()
    assert len(run.histogram) == 6
    np.testing.assert_array_equal(run.histogram, np.bincount(np.minimum(run.staleness, 5)))
    assert run.mean_staleness == run.staleness.mean()


@pytest.mark.parametrize("compiled", [False, True])
def test_workers_in_turn_are_the_loop_without_events(compiled, monkeypatch):
    """What the calendar is measured against makes the updates of equal deterministic workers."""
    settings = SETTINGS | {"service": Deterministic(), "noise_variance": 0.1, "engine": "compiled"}
    expected = simulate_queue(METHOD, PROBLEM, **settings)
    text = queue_kernels.compiled_block() if compiled else queue_kernels.advance_block
    monkeypatch.setattr(queue_module, "compiled_block", lambda: text)
    run = partial(queue_module.run_queue, in_turn=True)
    monkeypatch.setattr(queue_module, "run_queue", run)
    bare = simulate_queue(METHOD, PROBLEM, **settings)
    np.testing.assert_array_equal(bare.points, expected.points)
    np.testing.assert_array_equal(bare.staleness, expected.staleness)


def test_the_kernel_is_compiled_where_it_can_be(monkeypatch):
    """Without a folder for compiled code it is compiled all the same; without numba it is not."""
    compile_anew = queue_kernels.compiled_block.__wrapped__

    def without_folder(text, **options):
        if options.pop("cache", False):
            raise RuntimeError
        assert options == {"error_model": "numpy", "nogil": True}
        return text

    monkeypatch.setattr("numba.njit", without_folder)
    assert compile_anew().__name__ == "advance_block"
    monkeypatch.setitem(sys.modules, "numba", None)
    assert compile_anew() is None


@pytest.mark.slow
def test_auto_compiles_what_is_large_and_runs_without_numba(monkeypatch):
    asked = []
    original = queue_module.LoopLanes
    monkeypatch.setattr(queue_module, "LoopLanes", lambda *a: asked.append(1) or original(*a))
    large = SETTINGS | {"updates": 4000, "replicas": 3, "record": "last"}
    expected = simulate_queue(METHOD, PROBLEM, **large)
    assert not asked
    simulate_queue(METHOD, PROBLEM, **SETTINGS)
    assert asked.pop()
    monkeypatch.setattr(queue_module, "compiled_block", lambda: None)
    assert_same_run(simulate_queue(METHOD, PROBLEM, **large), expected)
    assert asked.pop()
    with pytest.raises(DomainError, match="engine 'compiled' needs numba, which is not installed"):
        simulate_queue(METHOD, PROBLEM, **SETTINGS, engine="compiled")


NAN = Law(lambda rng, size: np.where(rng.random(size) < 0.1, np.nan, 1.0), "Broken()")
REFUSED = [
    ({"workers": 0}, DomainError, r"workers is 0, but must lie in \[1, ∞\)"),
    ({"workers": 2.5}, DomainError, "workers is 2.5, but must be one whole number from 1 on"),
    ({"workers": [2, 3]}, DomainError, r"workers is \[2, 3\], but must be one whole number"),
    ({"workers": np.nan}, DomainError, "workers is nan"),
    ({"updates": -1}, DomainError, "updates is -1, but must be a whole number"),
    ({"updates": 2.5}, DomainError, "updates is 2.5, but must be a whole number"),
    ({"stride": 0}, DomainError, "stride is 0, but must be one whole number from 1 on"),
    ({"stride": "x"}, DomainError, "stride is 'x', but must be one whole number"),
    ({"record": "everything"}, DomainError, "record is 'everything', but must be one of all"),
    ({"order": "random"}, DomainError, "order is 'random', but must be one of write-then-read"),
    ({"engine": "gpu"}, DomainError, "engine is 'gpu', but must be one of auto"),
    ({"tolerance": -1}, DomainError, "tolerance is -1"),
    ({"service": Exponential}, DomainError, "service is .*, but must be a law of times"),
    ({"service": 1.0}, DomainError, r"service is 1.0, but must be a law .* Exponential\(mean=1\)"),
    ({"service": None}, DomainError, "service is None"),
    ({"server": 2}, DomainError, "server is 2, but must be a law of times"),
    ({"service": NAN}, DomainError, r"service Broken\(\) drew the time nan, but times must lie"),
    ({"service": always(-1)}, DomainError, "drew the time -1.0, but times"),
    ({"server": always(np.inf)}, DomainError, "server .* drew the time inf"),
    ({"service": Law(lambda _rng, _size: 1.0)}, ShapeError, r"drew times of shape \(\)"),
    ({"speeds": [1, 2, 3]}, ShapeError, r"speeds has shape \(3,\), but there are 4 workers"),
    ({"speeds": [1, 2, -3, 1]}, DomainError, r"speeds hold -3.0, but must lie in \(0, ∞\)"),
    ({"speeds": [1, 2, np.nan, 1]}, DomainError, "speeds hold nan"),
    ({"failures": [1.0, 2.0]}, ShapeError, r"failures has shape \(2,\), but must be pairs"),
    ({"failures": [(-1.0, 2)]}, DomainError, r"failures hold \(time, worker\) = \(-1, 2\)"),
    ({"failures": [(1.0, 2.5)]}, DomainError, "a worker must be a whole number"),
    ({"failures": [(1, 0), (2, 0)]}, DomainError, "Worker 0 cannot fail at time 2: it is not"),
    ({"failures": [(1, 7)]}, DomainError, "Worker 7 cannot fail at time 1: it is not there"),
    ({"joins": [(1, 0)]}, DomainError, "Worker 0 cannot join at time 1: it is already there"),
    ({"joins": [(1, 6)]}, DomainError, "Worker 6 joins, but worker 4 never does"),
    ({"start": [1.0]}, ShapeError, "The start has shape"),
    ({"replicas": 0}, DomainError, "replicas is 0"),
    ({"noise_variance": -1}, DomainError, "noise_variance is -1"),
    ({"seed": "x"}, DomainError, "seed is 'x'"),
    ({"method": GradientDescent}, DomainError, "is a class"),
    ({"method": GradientDescent(learning_rate=[0.1, 0.2])}, ShapeError, "batch axes"),
    ({"method": GradientDescent(learning_rate=symbol("learning_rate"))}, NotTraceableError, "symb"),
    ({"problem": 3}, DomainError, "int has no field"),
    ({"problem": Rosenbrock(), "engine": "compiled"}, DomainError, "engine 'compiled' runs linear"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED, ids=[r[2][:40] for r in REFUSED])
def test_refusals(wrong, error, message):
    settings = {"method": METHOD, "problem": PROBLEM} | SETTINGS | wrong
    method, problem = settings.pop("method"), settings.pop("problem")
    with pytest.raises(error, match=message) as caught:
        simulate_queue(method, problem, **settings)
    assert isinstance(caught.value, MomentumDynamicsError)
    assert "\n" not in str(caught.value)


def test_compiled_code_that_is_kept_knows_what_was_compiled_into_it(monkeypatch):
    """Its name tells the contents of the file of every text it calls, however far down."""
    pytest.importorskip("numba")
    compile_anew = queue_kernels.compiled_block.__wrapped__
    name, original = compile_anew().__qualname__, inspect.getsource
    assert name == compile_anew().__qualname__
    for changed in (calendar_kernels, queue_kernels):
        monkeypatch.setattr(
            "inspect.getsource", lambda of, c=changed: original(of) + "#" * (of is c)
        )
        assert compile_anew().__qualname__ != name
