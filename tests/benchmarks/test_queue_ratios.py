"""The event-driven queue against its bare updates, a heap of Python's and simpy."""

import heapq
from functools import partial

import numpy as np
import pytest

from momentum_dynamics import (
    Deterministic,
    Exponential,
    HeavyBall,
    Quadratic,
    queue_moments,
    simulate_queue,
)
from momentum_dynamics.simulation import queue as queue_module

pytestmark = pytest.mark.benchmark

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


def test_exact_moments_of_many_workers_cost_what_those_of_two_do(race):
    """Rates, noise floor and 200 steps of the path."""

    def ask(workers):
        found = queue_moments(
            HeavyBall(learning_rate=1e-5, momentum=0.5), 1.0, workers=workers, noise_variance=1.0
        )
        return found.mean_square_rate, found.stationary_variance, found.path(200)

    times = race(rounds=9, two=lambda: ask(2), many=lambda: ask(10_000))
    ratio = np.median(times["many"] / times["two"])
    race.report(
        f"exact moments of 10,000 workers: {np.median(times['many']) * 1e3:.1f} ms, {ratio:.2f} "
        "times those of 2"
    )
    assert ratio <= 1.2
