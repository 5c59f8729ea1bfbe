"""How much faster than what one would write instead, and how far from the bound."""

import heapq
from functools import partial

import numba
import numpy as np
import pytest

from momentum_dynamics import (
    HeavyBall,
    Quadratic,
    simulate,
    simulate_queue,
    spectral_radius,
    transition_matrix,
)
from momentum_dynamics.delays.services import Deterministic, Exponential
from momentum_dynamics.simulation import queue as queue_module

pytestmark = pytest.mark.benchmark

REPEATS = 30
"""Of what takes milliseconds, so that one hiccup of the machine does not decide."""


def test_radius_map_against_batched_eigenvalues(race):
    """3 learning rates × 1000 momenta × 1000 curvatures; the stacking is not counted against it."""
    method = HeavyBall(
        learning_rate=np.array([0.5, 1.0, 2.0])[:, None, None],
        momentum=np.linspace(-0.5, 0.999, 1000)[:, None],
    )
    curvatures = np.linspace(0.001, 2.0, 1000)
    matrices = transition_matrix(method, curvatures)
    assert matrices.shape == (3, 1000, 1000, 2, 2)
    ours, theirs = (
        spectral_radius(method, curvatures),
        np.abs(np.linalg.eigvals(matrices)).max(axis=-1),
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-7)

    def radii():
        for _ in range(REPEATS):
            spectral_radius(method, curvatures)

    times = race(
        rounds=3,
        eigenvalues=lambda: np.abs(np.linalg.eigvals(matrices)).max(axis=-1),
        radius=radii,
    )
    times["radius"] = times["radius"] / REPEATS
    ratio = np.median(times["eigenvalues"] / times["radius"])
    race.report(
        f"radius map 3 × 1000 × 1000: {np.median(times['radius']) * 1e3:.1f} ms, "
        f"{ratio:.0f} times as fast as batched numpy.linalg.eigvals"
    )
    assert ratio >= 300


DIMENSION, REPLICAS, STEPS = 100, 10_000, 60
RATE, MOMENTUM = 0.3, 0.7
CURVATURES = np.linspace(0.1, 2.0, DIMENSION)
SIZES = [128] * (REPLICAS // 128) + [REPLICAS % 128]


def streams():
    seeds = np.random.SeedSequence(0).spawn(len(SIZES))
    return [np.random.Generator(np.random.SFC64(seed)) for seed in seeds]


def by_hand():
    """The best one writes in NumPy: in place, in blocks that stay in the cache, no moments."""
    kept = (1 + MOMENTUM - RATE * CURVATURES)[:, None]
    scale = np.full((DIMENSION, 1), -RATE)
    last = []
    for size, rng in zip(SIZES, streams(), strict=True):
        point, before = np.ones((2, DIMENSION, size))
        noise, grown = np.empty((2, DIMENSION, size))
        for _ in range(STEPS):
            rng.standard_normal(out=noise)
            noise *= scale
            before *= -MOMENTUM
            before += noise
            np.multiply(point, kept, out=grown)
            before += grown
            point, before = before, point
        last.append(point)
    return np.concatenate(last, axis=1)


@numba.njit
def draw(rng, count, noise):
    for _ in range(count):
        for lane in range(noise.size):
            noise[lane] = rng.standard_normal()


def noise_alone():
    """Compiled, which draws the same numbers in less than half of NumPy's time."""
    for size, rng in zip(SIZES, streams(), strict=True):
        draw(rng, STEPS * DIMENSION, np.empty(size))


def ensemble(noise_variance=1.0):
    return simulate(
        HeavyBall(learning_rate=RATE, momentum=MOMENTUM), Quadratic(CURVATURES), steps=STEPS,
        replicas=REPLICAS, noise_variance=noise_variance, seed=0, record="moments",
        engine="compiled",
    )  # fmt: skip


def test_ensemble_against_numpy_and_against_the_bound(race):
    """One thread each. The bound: drawing the noise alone, and the updates without noise alone."""
    spread = by_hand().var(axis=1, ddof=1)
    np.testing.assert_allclose(spread, ensemble().variance[-1], rtol=1e-6)
    times = race(
        rounds=9,
        by_hand=by_hand,
        ensemble=ensemble,
        noise=noise_alone,
        update=lambda: ensemble(noise_variance=0.0),
    )
    against = np.median(times["by_hand"] / times["ensemble"])
    bound = np.median(times["ensemble"] / (times["noise"] + times["update"]))
    race.report(
        f"ensemble {DIMENSION} × {REPLICAS} × {STEPS} steps: "
        f"{np.median(times['ensemble']):.3f} s, {against:.2f} times as fast as NumPy in place, "
        f"{bound:.2f} times noise alone ({np.median(times['noise']):.3f} s) and update alone "
        f"({np.median(times['update']):.3f} s)"
    )
    assert against >= 2.2
    assert bound <= 1.3


UPDATES, FEW = 1_000_000, 50_000
"""Of the compiled queue, and of what is slower."""


def queue(workers, updates=UPDATES, service=None):
    """One mode with noise: the least that an update can cost, and so the hardest case."""
    return simulate_queue(
        HeavyBall(learning_rate=1e-5, momentum=0.5), Quadratic([1.0]), workers=workers,
        service=service or Exponential(), updates=updates, noise_variance=1.0, seed=0,
        record="last", engine="compiled",
    )  # fmt: skip


def bare_updates(workers, monkeypatch):
    """The same kernel, workers one after the other: no events, and no times that cost anything."""
    with monkeypatch.context() as patch:
        run = partial(queue_module.run_queue, in_turn=True)
        patch.setattr(queue_module, "run_queue", run)
        return queue(workers, service=Deterministic())


def heap_loop(workers, updates=FEW):
    """What one writes in Python: floats and a heap, a number drawn where it is wanted."""
    rng = np.random.default_rng(0)
    heap = [(rng.standard_exponential(), worker) for worker in range(workers)]
    heapq.heapify(heap)
    point = before = 1.0
    read, version, histogram = [point] * workers, [0] * workers, {}
    for update in range(updates):
        now, worker = heap[0]
        age = update - version[worker]
        histogram[age] = histogram.get(age, 0) + 1
        gradient = read[worker] + rng.standard_normal()
        point, before = point + 0.5 * (point - before) - 1e-5 * gradient, point
        read[worker], version[worker] = point, update + 1
        heapq.heapreplace(heap, (now + rng.standard_exponential(), worker))
    return histogram, now


def with_simpy(simpy, workers, updates=FEW, *, lock=False):
    """The same with a process for each worker; the server may be a resource of one at a time."""
    rng = np.random.default_rng(0)
    environment = simpy.Environment()
    done = environment.event()
    server = simpy.Resource(environment) if lock else None
    point, before, update, histogram = 1.0, 1.0, 0, {}

    def work():
        nonlocal point, before, update
        while True:
            read, version = point, update
            yield environment.timeout(rng.standard_exponential())
            if lock:
                turn = server.request()
                yield turn
            age = update - version
            histogram[age] = histogram.get(age, 0) + 1
            gradient = read + rng.standard_normal()
            point, before = point + 0.5 * (point - before) - 1e-5 * gradient, point
            update += 1
            if lock:
                server.release(turn)
            if update == updates:
                done.succeed()
                return

    for _ in range(workers):
        environment.process(work())
    environment.run(until=done)
    return histogram, environment.now


@pytest.mark.parametrize("law", [Exponential(), Deterministic()], ids=repr)
def test_queue_against_its_bare_updates_and_against_few_workers(race, monkeypatch, law):
    times = race(
        rounds=9,
        few=lambda: queue(16, service=law),
        many=lambda: queue(10_000, service=law),
        bare=lambda: bare_updates(10_000, monkeypatch),
    )
    over_bare = np.median(times["many"] / times["bare"])
    over_few = np.median(times["many"] / times["few"])
    race.report(
        f"queue of 10,000 workers, {law!r}: {np.median(times['many']) / UPDATES * 1e9:.0f} ns an "
        f"update, {over_bare:.2f} times the bare update, {over_few:.2f} times 16 workers"
    )
    assert over_bare <= 2.5
    assert over_few <= 1.6


@pytest.mark.parametrize(("workers", "least"), [(16, 12), (10_000, 20)])
def test_queue_against_a_heap_of_pythons(race, workers, least):
    times = race(queue=lambda: queue(workers), heap=lambda: heap_loop(workers))
    ratio = np.median(times["heap"] / FEW / (times["queue"] / UPDATES))
    race.report(f"queue of {workers} workers: {ratio:.0f} times as fast as a heap of Python's")
    assert ratio >= least


@pytest.mark.parametrize(("workers", "least"), [(16, 20), (10_000, 60)])
def test_queue_against_simpy(race, workers, least):
    simpy = pytest.importorskip("simpy")
    expected = heap_loop(workers)
    for lock in (False, True):
        np.testing.assert_equal(with_simpy(simpy, workers, lock=lock), expected)
    times = race(
        rounds=3,
        queue=lambda: queue(workers),
        bare=lambda: with_simpy(simpy, workers),
        locked=lambda: with_simpy(simpy, workers, lock=True),
    )
    ratio, with_lock = (
        np.median(times[name] / FEW / (times["queue"] / UPDATES)) for name in ("bare", "locked")
    )
    race.report(
        f"queue of {workers} workers: {ratio:.0f} times as fast as processes of simpy "
        f"{simpy.__version__}, {with_lock:.0f} times where the server is a resource"
    )
    assert ratio >= least
    assert with_lock >= 1.5 * least
