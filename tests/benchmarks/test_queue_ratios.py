"""The event-driven queue against its bare updates, a heap of Python's and simpy."""

import heapq
import time
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

UPDATES, FEW = 1_000_000, 200_000
"""Of the compiled queue, and of what is slower: enough that the start of the workers is little."""


def queue(workers, updates=UPDATES, service=None):
    """One mode with noise: the least that an update can cost, and so the hardest case."""
    return simulate_queue(
        HeavyBall(learning_rate=1e-5, momentum=0.5), Quadratic([1.0]), workers=workers,
        service=service or Exponential(), updates=updates, noise_variance=1.0, seed=0,
        record="last", engine="compiled",
    )  # fmt: skip


def bare_updates(workers, monkeypatch, service):
    """The same kernel, workers one after the other: the same draws, but no events."""
    with monkeypatch.context() as patch:
        run = partial(queue_module.run_queue, in_turn=True)
        patch.setattr(queue_module, "run_queue", run)
        return queue(workers, service=service)


def heap_loop(workers, updates=FEW):
    """What one writes in Python: floats and a heap, a number drawn where it is wanted.

    It does what the queue does in these runs: a new time and a new noise for every update, the
    gradient at the point that was read, the step of heavy ball, a histogram of staleness. So do
    the models in simpy below, which draw the same numbers and must find the same histogram.
    """
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


class Server:
    """The server of a model in simpy, and how its workers reach it."""

    def __init__(self, simpy, updates):
        self.rng = np.random.default_rng(0)
        self.environment = simpy.Environment()
        self.done = self.environment.event()
        self.resource = simpy.Resource(self.environment)
        self.inbox = simpy.Store(self.environment)
        self.point = self.before = 1.0
        self.update, self.updates, self.histogram = 0, updates, {}

    def write(self, read, version):
        age = self.update - version
        self.histogram[age] = self.histogram.get(age, 0) + 1
        gradient = read + self.rng.standard_normal()
        moved = self.point + 0.5 * (self.point - self.before) - 1e-5 * gradient
        self.point, self.before = moved, self.point
        self.update += 1
        if self.update == self.updates:
            self.done.succeed()
        return self.update < self.updates

    def lean_worker(self):
        """A process for each worker, which writes by itself: one event an update, the least."""
        going = True
        while going:
            read, version = self.point, self.update
            yield self.environment.timeout(self.rng.standard_exponential())
            going = self.write(read, version)

    def worker_in_line(self):
        """The server is a resource of one at a time, as simpy's manual has it: two events."""
        going = True
        while going:
            read, version = self.point, self.update
            yield self.environment.timeout(self.rng.standard_exponential())
            with self.resource.request() as turn:
                yield turn
                going = self.write(read, version)

    def worker_with_letters(self):
        """The worker sends what it found to a server that is a process, and waits for an answer."""
        going = True
        while going:
            read, version = self.point, self.update
            yield self.environment.timeout(self.rng.standard_exponential())
            answer = self.environment.event()
            self.inbox.put((read, version, answer))
            going = yield answer

    def answers(self):
        while True:
            read, version, answer = yield self.inbox.get()
            answer.succeed(self.write(read, version))


def with_simpy(simpy, workers, model, updates=FEW):
    """The same as `heap_loop`, in one of the models of `Server`."""
    server = Server(simpy, updates)
    environment = server.environment
    if model == "worker_with_letters":
        environment.process(server.answers())
    for _ in range(workers):
        environment.process(getattr(server, model)())
    environment.run(until=server.done)
    return server.histogram, environment.now


def best_of(race, rounds, **contenders):
    """The least time of each in one thread: what else the machine computes only adds to it."""
    times = race(rounds=rounds, clock=time.thread_time, **contenders)
    return {name: seconds.min() for name, seconds in times.items()}


@pytest.mark.parametrize("law", [Exponential(), Deterministic()], ids=repr)
def test_queue_against_its_bare_updates_and_against_few_workers(race, monkeypatch, law):
    """The bare update draws what the queue draws; reported too: one that draws no random times."""
    best = best_of(
        race,
        15,
        few=lambda: queue(16, service=law),
        many=lambda: queue(10_000, service=law),
        bare=lambda: bare_updates(10_000, monkeypatch, law),
        barest=lambda: bare_updates(10_000, monkeypatch, Deterministic()),
    )
    over_bare, over_few = best["many"] / best["bare"], best["many"] / best["few"]
    race.report(
        f"queue of 10,000 workers, {law!r}: {best['many'] / UPDATES * 1e9:.0f} ns an update, "
        f"{over_bare:.2f} times the bare update, {best['many'] / best['barest']:.2f} times one "
        f"without random times, {over_few:.2f} times 16 workers"
    )
    assert over_bare <= 2.5
    assert over_few <= 1.6


@pytest.mark.parametrize(("workers", "least"), [(16, 20), (10_000, 42)])
def test_queue_against_a_heap_of_pythons(race, workers, least):
    """With 16 workers the heap has four levels, and most of its time goes into two draws."""
    best = best_of(race, 5, queue=lambda: queue(workers), heap=lambda: heap_loop(workers))
    ratio = best["heap"] / FEW / (best["queue"] / UPDATES)
    race.report(f"queue of {workers} workers: {ratio:.0f} times as fast as a heap of Python's")
    assert ratio >= least


MODELS = {
    "lean_worker": "processes alone",
    "worker_in_line": "a server that is a resource",
    "worker_with_letters": "a server that gets letters",
}


@pytest.mark.parametrize(
    ("workers", "least", "least_with_server"), [(16, 37, 110), (10_000, 95, 220)]
)
def test_queue_against_simpy(race, workers, least, least_with_server):
    """A server that is modeled costs simpy more events; without one it has a single event.

    The lean model takes about 2 µs an update with 16 workers and 5 µs with 10,000. To be 200 times
    as fast, an update would have 10 or 27 ns; its two random numbers alone take NumPy about 12.
    """
    simpy = pytest.importorskip("simpy")
    expected = heap_loop(workers, 20_000)
    for model in MODELS:
        assert with_simpy(simpy, workers, model, 20_000) == expected
    best = best_of(
        race,
        3,
        **{f"queue, turn {turn}": partial(queue, workers) for turn in range(6)},
        **{model: partial(with_simpy, simpy, workers, model) for model in MODELS},
    )
    ours = min(best[f"queue, turn {turn}"] for turn in range(6)) / UPDATES
    ratios = {model: best[model] / FEW / ours for model in MODELS}
    told = ", ".join(f"{ratio:.0f} times {MODELS[model]}" for model, ratio in ratios.items())
    race.report(f"queue of {workers} workers, as fast as simpy {simpy.__version__}: {told}")
    assert ratios["lean_worker"] >= least
    assert ratios["worker_in_line"] >= least_with_server
    assert ratios["worker_with_letters"] >= least_with_server


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
