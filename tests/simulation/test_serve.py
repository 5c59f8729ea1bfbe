"""A parameter server on real workers: staleness, losses, limits, refusals."""

import multiprocessing
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LeastSquares,
    LogisticRegression,
    MiniBatches,
    MomentumDynamicsError,
    Nesterov,
    Quadratic,
    Ridge,
    Rosenbrock,
    ShapeError,
    named_data,
    serve,
    simulate,
    simulate_queue,
)
from momentum_dynamics.delays import Deterministic, Exponential
from momentum_dynamics.simulation import Ending, LossKind, server_pool, server_task

METHOD, PROBLEM = GradientDescent(learning_rate=0.05), Quadratic([0.5, 1.0, 2.0])
DATA = Ridge([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0], [1.0, 1.0]], [1.0, 2.0, 3.0, 4.0], ridge=0.1)
METHODS = [
    METHOD,
    HeavyBall(learning_rate=0.05, momentum=0.3),
    Nesterov(learning_rate=0.05, momentum=0.3),
    Extragradient(learning_rate=0.05),
    Chebyshev(smallest_curvature=0.2, largest_curvature=2.5),
]


class AtOnce(Executor):
    """Computes within `submit`."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except ValueError as error:
            future.set_exception(error)
        return future


class InRandomOrder(Executor):
    """As soon as all workers have read, one of them, drawn at random, is done: memoryless times."""

    def __init__(self, workers, seed):
        self.workers, self.rng, self.waiting = workers, np.random.default_rng(seed), []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == self.workers:
            done, fn, args = self.waiting.pop(self.rng.integers(self.workers))
            done.set_result(fn(*args, **kwargs))
        return future


class Short(Executor):
    """Takes a number of tasks, and then no more."""

    def __init__(self, tasks, error):
        self.tasks, self.error = tasks, error

    def submit(self, fn, /, *args, **kwargs):
        if self.tasks == 0:
            raise self.error
        self.tasks -= 1
        return AtOnce().submit(fn, *args, **kwargs)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture(scope="module")
def misbehavior():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        import misbehavior

        yield misbehavior


@pytest.fixture
def door(misbehavior):
    """What hangs hangs until the end of the test."""
    misbehavior.DOOR.clear()
    yield
    misbehavior.DOOR.set()


def make_processes():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def processes(misbehavior):  # noqa: ARG001 - children find it on the path that it sets
    with make_processes() as pool:
        # Both have started once these are done.
        serve(
            METHOD, PROBLEM, workers=4, executor=pool, updates=20, service=Deterministic(mean=0.05)
        )
        yield pool


def assert_replays(run, method, job_seed, gradient):
    """The path is what the method makes of the gradients at the points that were read."""
    state = method.initial_state(run.points[0])
    for step, (age, number) in enumerate(zip(run.staleness, run.tasks, strict=True)):
        np.testing.assert_array_equal(run.points[step], _stage(method, step).query(state))
        found = gradient(run.points[step - age], job_seed, number)
        state = _stage(method, step).update(state, found)


def _stage(method, step):
    return method.stage(step) if hasattr(method, "stage") else method


def full(problem):
    return lambda point, _seed, _number: problem.field(point)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("problem", [PROBLEM, DATA, Rosenbrock()], ids=repr)
def test_one_worker_is_the_serial_method(method, problem, threads):
    start = np.full(problem.dimension, 0.25)
    run = serve(method, problem, workers=1, executor=threads, updates=30, start=start)
    serial = simulate(method, problem, steps=30, start=start)
    np.testing.assert_array_equal(run.points, serial.points)
    np.testing.assert_array_equal(run.outputs, serial.outputs)
    assert not run.staleness.any()
    assert run.outcome == Ending.ALL_UPDATES


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_an_executor_that_computes_at_once_is_a_round_robin(method, workers):
    """The same as simulated workers of equal times, gradient by gradient."""
    run = serve(method, PROBLEM, workers=workers, executor=AtOnce(), updates=50)
    queue = simulate_queue(
        method, PROBLEM, workers=workers, service=Deterministic(), updates=50, engine="python"
    )
    np.testing.assert_array_equal(run.staleness, queue.staleness)
    np.testing.assert_array_equal(run.histogram, queue.histogram)
    np.testing.assert_array_equal(np.sort(run.ages), np.sort(queue.ages))
    np.testing.assert_allclose(run.points, queue.points, rtol=1e-12, atol=1e-12)
    assert run.mean_staleness == queue.mean_staleness
    again = serve(method, PROBLEM, workers=workers, executor=AtOnce(), updates=50)
    np.testing.assert_array_equal(run.points, again.points)


def test_memoryless_arrivals_make_a_geometric_law():
    """With the standard errors of independent draws, which are too wide for what is correlated."""
    workers, updates = 4, 2000
    run = serve(
        METHOD, Quadratic([1.0]), workers=workers, executor=InRandomOrder(workers, 1),
        updates=updates, record="last",
    )  # fmt: skip
    kept = 1 - 1 / workers
    for age in (0, 1, 2, 5):
        expected = kept**age / workers
        error = np.sqrt(expected * (1 - expected) / updates)
        assert abs((run.staleness == age).mean() - expected) < 4 * error
    begun = np.arange(updates) - run.staleness
    assert not (np.diff(run.staleness)[begun[1:] > 0] == 1).any()
    assert run.points.shape == run.outputs.shape == (1,)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_gradient_is_asked_at_the_point_that_was_read(method, threads):
    run = serve(method, DATA, workers=4, executor=threads, updates=200)
    assert_replays(run, method, None, full(DATA))
    assert run.staleness.max() >= 3


@pytest.mark.parametrize(
    "problem", [DATA, LogisticRegression(DATA.X, [0, 1, 1, 0], ridge=0.1)], ids=repr
)
def test_samples_depend_on_seed_and_task_alone(problem, threads, processes):
    """Threads, processes, one worker or four: task k draws the same samples."""

    def gradient(point, seed, number):
        job = server_task.Job(
            problem=problem,
            work=None,
            batch_size=2,
            service=None,
            root=np.random.SeedSequence(seed),
        )
        return job.gradient(int(number), point)

    settings = {"updates": 40, "batch_size": 2, "seed": 7}
    for workers, executor in ((4, threads), (1, threads), (4, processes), (3, AtOnce())):
        run = serve(METHOD, problem, workers=workers, executor=executor, **settings)
        assert_replays(run, METHOD, 7, gradient)
        assert run.seed == 7
        assert len(set(run.tasks)) == 40
    drawn = {gradient(np.ones(2), 7, number).tobytes() for number in range(40)}
    assert len(drawn) > 5
    assert gradient(np.ones(2), 8, 0).tobytes() != gradient(np.ones(2), 7, 0).tobytes()


def test_a_problem_of_mini_batches_does_not_repeat_its_generator_in_each_process(processes):
    """Its own generator would be copied with it: equal samples wherever it is sent."""
    problem = MiniBatches(DATA, batch_size=2, seed=0)
    one = serve(METHOD, problem, workers=1, executor=processes, updates=20, seed=3)
    other = serve(METHOD, DATA, workers=1, executor=AtOnce(), updates=20, seed=3, batch_size=2)
    np.testing.assert_array_equal(one.points, other.points)


def test_batches_are_right_on_average():
    """100,000 samples, standard error 1/√n, against the whole gradient."""
    point, rng = np.array([0.3, -0.2]), np.random.default_rng(0)
    for problem in (DATA, LogisticRegression(DATA.X, [0, 1, 1, 0], ridge=0.1)):
        each = np.stack([problem.batch_field(point, [sample]) for sample in range(4)])
        np.testing.assert_allclose(each.mean(axis=0), problem.field(point), rtol=1e-12)
        found = problem.batch_field(point, rng.integers(4, size=100_000))
        error = each.std(axis=0) / np.sqrt(100_000)
        assert (np.abs(found - problem.field(point)) < 4 * error + 1e-12).all()


def test_staleness_is_conserved_by_threads(threads):
    run = serve(METHOD, PROBLEM, workers=4, executor=threads, updates=250, service=_Short())
    assert run.staleness.sum() + run.ages.sum() == 250 * 3 == run.aged == run.due
    assert (np.diff(run.seconds) >= 0).all()
    assert 0 < run.seconds[0] <= run.seconds[-1] <= run.elapsed < 10
    assert sorted(set(run.writers)) == [0, 1, 2, 3]
    begun = np.arange(250) - run.staleness
    assert len(set(begun[begun > 0])) == (begun > 0).sum()
    assert abs(run.mean_staleness - 3) < 4 * 3 / 250 * 10
    assert "Lost" not in run.report()


class _Short:
    """Times of half a millisecond, exponential."""

    def sample(self, rng, size):
        return rng.exponential(5e-4, size)


def test_staleness_is_conserved_by_processes(processes):
    run = serve(METHOD, PROBLEM, workers=4, executor=processes, updates=100)
    assert run.staleness.sum() + run.ages.sum() == 100 * 3 == run.aged == run.due
    assert run.engine == "ProcessPoolExecutor"
    assert str(run).startswith("4 workers on ProcessPoolExecutor: 100 of 100 updates in ")


def test_a_problem_is_sent_to_a_process_that_does_not_hold_it(processes, monkeypatch):
    sent = []
    submit = type(processes).submit

    def spy(self, function, /, *arguments):
        sent.append(arguments[1] is not None)
        return submit(self, function, *arguments)

    monkeypatch.setattr(type(processes), "submit", spy)
    run = serve(METHOD, PROBLEM, workers=4, executor=processes, updates=100)
    assert run.updates == 100
    assert 1 <= sum(sent) <= 8
    assert not sent[0]


def test_where_no_process_holds_a_job_for_long_tasks_bring_it_along(monkeypatch):
    class Forgetful(AtOnce):
        calls = 0

        def submit(self, fn, /, *args):
            self.calls += 1
            with monkeypatch.context() as patch:
                patch.setattr(server_task, "_HELD", {})
                return super().submit(fn, *args)

    executor = Forgetful()
    run = serve(METHOD, PROBLEM, workers=2, executor=executor, updates=500)
    assert run.updates == 500
    assert executor.calls < 540


def test_a_process_holds_a_few_jobs_only(monkeypatch):
    monkeypatch.setattr(server_task, "_HELD", {})
    job = server_task.Job(
        problem=PROBLEM, work=None, batch_size=None, service=None, root=np.random.SeedSequence(0)
    )
    point = np.ones(3)
    for token in "abcdefghijkl":
        assert server_task.run_task(token, None, 0, point) is None
        np.testing.assert_array_equal(
            server_task.run_task(token, job, 0, point), PROBLEM.field(point)
        )
    assert list(server_task._HELD) == list("efghijkl")
    server_task.release("e")
    server_task.release("e")
    assert server_task.run_task("e", None, 0, point) is None


def test_nothing_is_held_after_a_run(threads, misbehavior):
    before = dict(server_task._HELD)
    serve(METHOD, PROBLEM, workers=2, executor=threads, updates=5)
    serve(METHOD, PROBLEM, workers=2, executor=threads, updates=5, work=misbehavior.raises_always)
    assert before == server_task._HELD


def test_a_gradient_that_raises_is_lost_and_the_worker_reads_again(threads, misbehavior):
    run = serve(
        METHOD, PROBLEM, workers=4, executor=threads, updates=200, seed=1,
        work=misbehavior.raises_now_and_then,
    )  # fmt: skip
    assert run.updates == 200
    assert 20 < run.lost < 100
    assert run.reasons == {"raised": run.lost}
    assert run.losses[0].reason == "ValueError: no gradient today"
    assert run.aged == run.due == 200 * 3
    assert not {loss.task for loss in run.losses} & set(run.tasks)
    assert f"Lost: {run.lost} ({run.lost} raised); the last one, worker " in str(run)
    assert f"{run.lost} lost, all updates>" in repr(run)
    assert_replays(run, METHOD, None, full(PROBLEM))


def test_losses_are_the_same_for_the_same_seed(misbehavior):
    """And many of them exhaust no patience, for they do not come in a row."""
    one, other = (
        serve(METHOD, PROBLEM, workers=3, executor=AtOnce(), updates=200, seed=5, patience=8,
              work=misbehavior.raises_now_and_then)
        for _ in range(2)
    )  # fmt: skip
    assert [loss.task for loss in one.losses] == [loss.task for loss in other.losses]
    assert one.updates == 200
    assert one.lost > 3 * 8
    np.testing.assert_array_equal(one.points, other.points)


@pytest.mark.parametrize("name", ["raises_always", "returns_one_number", "writes_into_its_point"])
def test_workers_that_always_raise_are_given_up(name, threads, misbehavior):
    run = serve(
        METHOD, PROBLEM, workers=4, executor=threads, updates=100, patience=5,
        work=getattr(misbehavior, name),
    )  # fmt: skip
    assert run.outcome == Ending.NO_WORKER_LEFT
    assert run.updates == 0
    assert run.lost == 20
    assert run.mean_staleness == 0
    assert (run.ages == -1).all()
    assert str(run).startswith("4 workers on ThreadPoolExecutor: 0 of 100 updates")
    np.testing.assert_array_equal(run.points, PROBLEM.start[None])


@pytest.mark.usefixtures("door")
def test_a_worker_that_hangs_is_given_up_and_the_others_go_on(misbehavior):
    pool = ThreadPoolExecutor(4)
    run = serve(
        METHOD, PROBLEM, workers=4, executor=pool, updates=250, seed=8, task_timeout=0.06,
        work=misbehavior.hangs_now_and_then, service=Exponential(mean=1e-3),
    )  # fmt: skip
    assert run.outcome == Ending.ALL_UPDATES
    assert 1 <= run.lost <= 3
    assert run.reasons == {"hung": run.lost}
    assert run.losses[0].reason == "no answer after 0.06 s"
    gone = [loss.worker for loss in run.losses]
    assert (run.ages[gone] == -1).all()
    assert (np.delete(run.ages, gone) >= 0).all()
    assert run.present[-1] == 4 - run.lost
    assert run.aged == run.due < 250 * 3
    misbehavior.DOOR.set()
    pool.shutdown()


@pytest.mark.usefixtures("door")
def test_when_all_hang_no_worker_is_left(threads, misbehavior):
    """Eight workers on four threads: those who wait in line are given up as well."""
    run = serve(
        METHOD, PROBLEM, workers=8, executor=threads, updates=60, task_timeout=0.03,
        work=misbehavior.hangs_always,
    )  # fmt: skip
    misbehavior.DOOR.set()
    assert run.outcome == Ending.NO_WORKER_LEFT
    assert run.reasons == {"hung": 8}
    assert run.elapsed < 5


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.usefixtures("door")
def test_time_is_up(workers, threads, misbehavior):
    run = serve(
        METHOD, PROBLEM, workers=workers, executor=threads, updates=60, timeout=0.05,
        work=misbehavior.hangs_always,
    )  # fmt: skip
    misbehavior.DOOR.set()
    assert run.outcome == Ending.TIME_IS_UP
    assert run.updates == run.lost == 0
    assert (run.ages == 0).all()
    assert 0.05 <= run.elapsed < 5


def test_time_is_up_in_the_midst_of_updates(threads):
    run = serve(METHOD, PROBLEM, workers=4, executor=threads, updates=10**7, timeout=0.05)
    assert run.outcome == Ending.TIME_IS_UP
    assert 0 < run.updates < 10**6
    assert len(run.points) == run.updates + 1
    assert run.aged == run.due


@pytest.mark.usefixtures("door")
def test_what_has_not_begun_is_cancelled_at_the_end(misbehavior):
    futures = []

    class Recording(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            futures.append(super().submit(fn, *args, **kwargs))
            return futures[-1]

    with Recording(1) as pool:
        serve(METHOD, PROBLEM, workers=5, executor=pool, updates=9, timeout=0.03,
              work=misbehavior.hangs_always)  # fmt: skip
        assert [future.cancelled() for future in futures] == [False, True, True, True, True]
        misbehavior.DOOR.set()
        assert pool.submit(int, "7").result(timeout=5) == 7


@pytest.mark.parametrize("error", [RuntimeError("cannot schedule new futures"), OSError("closed")])
def test_an_executor_that_takes_no_more_ends_the_run(error):
    run = serve(METHOD, PROBLEM, workers=3, executor=Short(20, error), updates=100)
    assert run.outcome == Ending.EXECUTOR_GONE
    assert run.updates == 20
    assert run.lost == 0
    assert run.aged == run.due < 20 * 2


def test_another_executor_is_made_where_a_function_makes_them():
    made = []

    def make():
        made.append(Short(20, RuntimeError("broken")))
        return made[-1]

    run = serve(METHOD, PROBLEM, workers=3, executor=make, updates=100)
    assert run.outcome == Ending.ALL_UPDATES
    assert run.pools == len(made) == 6
    assert "Pools: 6" in str(run)
    assert run.aged == run.due == 100 * 2


def test_executors_that_take_nothing_are_made_a_few_times_only():
    made = []

    def make():
        made.append(Short(0, RuntimeError("broken from the start")))
        return made[-1]

    with pytest.raises(DomainError, match="takes no tasks \\(broken from the start\\)"):
        serve(METHOD, PROBLEM, workers=3, executor=make, updates=100)
    assert len(made) == server_pool._FRUITLESS


def test_a_job_that_cannot_be_sent_is_lost():
    """The pool breaks between the reading and the sending of the job."""

    class Elsewhere(Short):
        def submit(self, fn, /, token, *rest):
            return super().submit(fn, "another " + token, *rest)

    run = serve(METHOD, PROBLEM, workers=2, executor=Elsewhere(2, RuntimeError("x")), updates=9)
    assert run.outcome == Ending.EXECUTOR_GONE
    assert run.reasons == {"killed": 2}
    assert {loss.reason for loss in run.losses} == {"RuntimeError: x"}


def test_a_pool_that_is_closed_under_way_ends_the_run():
    pool = ThreadPoolExecutor(2)
    timer = threading.Timer(0.03, pool.shutdown, kwargs={"cancel_futures": True})
    timer.start()
    run = serve(METHOD, PROBLEM, workers=6, executor=pool, updates=10**7, service=_Short())
    timer.join()
    assert run.outcome == Ending.EXECUTOR_GONE
    assert run.reasons == {"raised": run.lost}
    assert run.losses[-1].reason == "RuntimeError: the task was cancelled"
    assert run.updates > 0
    assert run.aged == run.due


def test_pools_of_a_function_are_ended_with_the_run():
    made = []

    def make():
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    serve(METHOD, PROBLEM, workers=2, executor=make, updates=5)
    with pytest.raises(RuntimeError, match="shutdown"):
        made[0].submit(int)


def test_a_pool_that_is_given_stays_open(threads):
    serve(METHOD, PROBLEM, workers=2, executor=threads, updates=5)
    assert threads.submit(int, "7").result(timeout=5) == 7


@pytest.mark.slow
def test_a_killed_process_breaks_a_pool_that_is_given(misbehavior):
    with make_processes() as pool:
        run = serve(
            METHOD, PROBLEM, workers=4, executor=pool, updates=5000, seed=1,
            work=misbehavior.kills_its_process_now_and_then,
        )  # fmt: skip
    assert run.outcome == Ending.EXECUTOR_GONE
    # Each worker loses what it has under way; one whose gradient has just been applied has nothing.
    assert run.reasons == {"killed": run.lost}
    losers = {loss.worker for loss in run.losses}
    assert 1 <= len(losers) == run.lost <= 4
    numbers = [*run.tasks.tolist(), *(loss.task for loss in run.losses)]
    assert len(set(numbers)) == run.updates + run.lost
    assert len(set(range(run.updates + 4)) - set(numbers)) == 4 - run.lost
    assert 0 < run.updates < 5000
    assert run.aged == run.due
    assert run.losses[0].kind is LossKind.KILLED
    assert run.losses[0].reason.startswith("BrokenProcessPool: ")


@pytest.mark.slow
def test_after_a_killed_process_a_run_goes_on_with_a_new_pool(misbehavior):
    run = serve(
        METHOD, PROBLEM, workers=4, executor=make_processes, updates=100, seed=1,
        work=misbehavior.kills_its_process_now_and_then,
    )  # fmt: skip
    assert run.outcome == Ending.ALL_UPDATES
    assert run.pools >= 2
    assert run.reasons == {"killed": run.lost}
    assert run.pools - 1 <= run.lost <= 4 * run.pools
    assert run.aged == run.due
    assert_replays(run, METHOD, None, full(PROBLEM))


@pytest.mark.slow
def test_processes_that_are_always_killed_end_the_run(misbehavior):
    begun = time.perf_counter()
    run = serve(
        METHOD, PROBLEM, workers=2, executor=make_processes, updates=100, timeout=30, patience=3,
        work=misbehavior.kills_its_process,
    )  # fmt: skip
    assert run.outcome in {Ending.NO_WORKER_LEFT, Ending.EXECUTOR_GONE}
    assert run.updates == 0
    assert 2 <= run.lost <= 6
    assert time.perf_counter() - begun < 25


@pytest.mark.slow
def test_processes_that_hang_are_killed_with_a_pool_of_the_run(misbehavior):
    before, begun = set(multiprocessing.active_children()), time.perf_counter()
    run = serve(
        METHOD, PROBLEM, workers=2, executor=make_processes, updates=100, task_timeout=2,
        work=misbehavior.sleeps_for_ever,
    )  # fmt: skip
    assert run.outcome == Ending.NO_WORKER_LEFT
    assert run.reasons == {"hung": 2}
    while set(multiprocessing.active_children()) - before:
        assert time.perf_counter() - begun < 20
        time.sleep(0.01)


def test_processes_compute_in_processes(processes, misbehavior):
    method = GradientDescent(learning_rate=-1)
    run = serve(method, Quadratic([1.0], solution=[0.0]), workers=4, executor=processes, start=[0],
                updates=20, work=misbehavior.process_number)  # fmt: skip
    assert len(set(np.diff(run.points[:, 0]))) in {1, 2}
    assert multiprocessing.current_process().pid not in np.diff(run.points[:, 0])


def test_divergence_is_no_loss(threads):
    run = serve(
        GradientDescent(learning_rate=1e30), PROBLEM, workers=2, executor=threads, updates=60
    )
    assert run.updates == 60
    assert run.lost == 0
    assert not np.isfinite(run.points[-1]).any()


def test_service_times_are_slept_and_change_no_samples(threads):
    plain, slow = (
        serve(METHOD, DATA, workers=1, executor=threads, updates=10, seed=1, batch_size=1,
              service=law)
        for law in (None, Deterministic(mean=0.01))
    )  # fmt: skip
    np.testing.assert_array_equal(plain.points, slow.points)
    assert (np.diff(slow.seconds) >= 0.01).all()
    np.testing.assert_array_equal(slow.times, slow.seconds)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 64])
def test_four_threads_fit_the_diabetes_data(threads, batch_size):
    data = named_data("diabetes")
    problem = LeastSquares(data.X, data.y)
    run = serve(
        GradientDescent(learning_rate=0.02), problem, workers=4, executor=threads, updates=4000,
        seed=0, batch_size=batch_size, record="all",
    )  # fmt: skip
    least, first = problem.loss(problem.solution), problem.loss(problem.start)
    last = problem.loss(run.outputs[-1])
    assert run.outcome == Ending.ALL_UPDATES
    assert last - least < (1e-2 if batch_size is None else 5e-2) * (first - least)
    assert run.distance[-1] < run.distance[0]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 32])
def test_four_threads_tell_tumors_apart(threads, batch_size):
    data = named_data("breast-cancer")
    problem = LogisticRegression(data.X, data.y, ridge=0.01)
    run = serve(
        HeavyBall(learning_rate=0.05, momentum=0.3), problem, workers=4, executor=threads,
        updates=3000, seed=0, batch_size=batch_size,
    )  # fmt: skip
    least, first = problem.loss(problem.solution), problem.loss(problem.start)
    last = problem.loss(run.outputs[-1])
    assert last - least < 2e-2 * (first - least)
    assert ((data.X @ run.outputs[-1] > 0) == (data.y > 0)).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("workers", [4, 8])
def test_threads_that_sleep_exponentially_are_nearly_geometric(workers):
    with ThreadPoolExecutor(workers) as pool:
        run = serve(METHOD, PROBLEM, workers=workers, executor=pool, updates=1000, seed=1,
                    service=Exponential(mean=0.01))  # fmt: skip
        constant = serve(METHOD, PROBLEM, workers=workers, executor=pool, updates=200, seed=1,
                         service=Deterministic(mean=0.01))  # fmt: skip
    late = constant.staleness[20:]
    geometric = np.sqrt(workers / (workers - 1))
    assert 0.75 < run.staleness.std() / run.staleness.mean() / geometric < 1.25
    # Threads in step come in rounds. Even if a busy machine shuffles every round anew, staleness is
    # M − 1 plus a difference of two uniform ranks, of variance (M² − 1)/6: half of the geometric.
    shuffled = np.sqrt((workers**2 - 1) / 6) / (workers - 1)
    assert late.std() / late.mean() < 1.2 * shuffled < 0.6 * geometric


def test_to_dict(threads):
    run = serve(METHOD, PROBLEM, workers=2, executor=threads, updates=5)
    found = run.to_dict()
    assert found["outcome"] == "all updates"
    assert found["updates"] == 5
    assert found["points"].shape == (6, 3)


def test_no_updates_are_none(threads):
    run = serve(METHOD, PROBLEM, workers=2, executor=threads, updates=0)
    assert run.outcome == Ending.ALL_UPDATES
    assert run.updates == 0
    assert len(run.points) == 1


def _closed():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    return pool


class _Client:
    def get_executor(self):
        return None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"workers": 1.5}, "workers is 1.5"),
        ({"updates": -1}, "updates is -1"),
        ({"timeout": 0}, "timeout is 0, but must be a number of seconds in"),
        ({"timeout": np.inf}, "timeout is inf"),
        ({"timeout": np.nan}, "timeout is nan"),
        ({"timeout": "soon"}, "timeout is 'soon'"),
        ({"timeout": True}, "timeout is True"),
        ({"task_timeout": -1}, "task_timeout is -1"),
        ({"patience": 0}, "patience is 0"),
        ({"executor": None}, "executor is None, but must be a concurrent.futures.Executor"),
        ({"executor": 4}, "executor is 4"),
        ({"executor": _Client()}, r"of a Dask client give client.get_executor\(pure=False\)\."),
        ({"executor": int}, "executor made 0, but must make"),
        ({"executor": _closed()}, r"takes no tasks \(cannot schedule new futures after shutdown\)"),
        ({"service": 1.0}, "service is 1.0, but must be a law of times"),
        ({"service": Exponential}, "must be a law of times"),
        ({"service": lambda: 0}, "must be a law of times"),
        ({"work": 3}, "work is 3"),
        ({"work": print, "batch_size": 3}, "give one of both"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"batch_size": 2, "problem": PROBLEM}, "has no samples to draw"),
        ({"batch_size": 2, "problem": MiniBatches(DATA, batch_size=2)}, "has one already"),
        ({"record": "moments"}, "record is 'moments'"),
        ({"seed": -1}, "seed is -1"),
        ({"problem": 3}, "int has no field"),
        ({"method": GradientDescent}, "is a class"),
        ({"method": GradientDescent(learning_rate=[0.1, 0.2])}, "batch axes"),
        ({"start": [1.0]}, "has shape"),
        ({"start": (np.ones(2), np.ones(2))}, "has 1 slots"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)  # fmt: skip
def test_refusals_are_one_sentence(settings, message):
    given = {"method": METHOD, "problem": DATA, "workers": 2, "executor": AtOnce(), "updates": 3}
    given |= settings
    with pytest.raises(MomentumDynamicsError, match=message) as caught:
        serve(given.pop("method"), given.pop("problem"), **given)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("draw", [lambda n: -np.ones(n), lambda n: np.full(n, np.nan), np.array])
def test_times_that_cannot_be_slept_are_refused(draw):
    class Law:
        def sample(self, _, size):
            return draw(size)

    with pytest.raises(DomainError, match="negative or not finite"):
        serve(METHOD, PROBLEM, workers=2, executor=AtOnce(), updates=3, service=Law())


def test_a_wrong_gradient_is_told(misbehavior):
    run = serve(METHOD, PROBLEM, workers=1, executor=AtOnce(), updates=3, patience=1,
                work=misbehavior.returns_one_number)  # fmt: skip
    assert run.losses[0].reason.startswith(f"{ShapeError.__name__}: The gradient has shape ()")
