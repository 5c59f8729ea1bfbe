"""The server on Dask, processes of this machine."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    Exponential,
    GradientDescent,
    LeastSquares,
    Quadratic,
    serve,
    staleness_report,
)
from momentum_dynamics.simulation import Ending
from momentum_dynamics.simulation.server_task import Job

pytestmark = [
    pytest.mark.extras,
    # Dask and tornado leave sockets and loops to the collector of garbage.
    pytest.mark.filterwarnings("default"),
]

METHOD, PROBLEM = GradientDescent(learning_rate=0.05), Quadratic([0.5, 1.0, 2.0])


@pytest.fixture(scope="module")
def misbehavior():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent.parent / "simulation")
        import misbehavior

        yield misbehavior


@pytest.fixture(scope="module")
def client(misbehavior):  # noqa: ARG001 - workers find it on the path that it sets
    import dask
    from dask.distributed import Client, LocalCluster

    # A task that kills its process is tried elsewhere once, and then blamed.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=4, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as found,
    ):  # fmt: skip
        yield found


@pytest.fixture
def executor(client):
    client.wait_for_workers(4, timeout=30)
    return client.get_executor(pure=False)


def test_staleness_is_conserved(executor):
    run = serve(METHOD, PROBLEM, workers=4, executor=executor, updates=150,
                service=Exponential(mean=0.02), seed=1)  # fmt: skip
    assert run.outcome == Ending.ALL_UPDATES
    assert run.engine == "ClientExecutor"
    assert run.staleness.sum() + run.ages.sum() == 150 * 3
    assert staleness_report(run).is_conserved


def test_samples_are_those_of_the_seed(executor):
    rng = np.random.default_rng(0)
    data = LeastSquares(rng.normal(size=(2000, 20)), rng.normal(size=2000))
    run = serve(METHOD, data, workers=4, executor=executor, updates=60, seed=3, batch_size=8)
    job = Job(problem=data, work=None, batch_size=8, service=None, root=np.random.SeedSequence(3))
    state = METHOD.initial_state(run.points[0])
    for step, (age, number) in enumerate(zip(run.staleness, run.tasks, strict=True)):
        state = METHOD.update(state, job.gradient(int(number), run.points[step - age]))
        np.testing.assert_allclose(run.points[step + 1], state[0], rtol=1e-12, atol=1e-12)


def test_a_killed_process_is_replaced_and_its_task_computed_again(client, executor):
    before = set(client.run(os.getpid).values())
    killed = min(before)
    timer = threading.Timer(0.5, os.kill, (killed, signal.SIGKILL))
    timer.start()
    run = serve(METHOD, PROBLEM, workers=4, executor=executor, updates=150, timeout=60,
                service=Exponential(mean=0.05))  # fmt: skip
    timer.join()
    assert run.outcome == Ending.ALL_UPDATES
    assert run.seconds[-1] > 0.5
    assert set(run.reasons) <= {"killed"}
    assert run.aged == run.due == 150 * 3
    client.wait_for_workers(4, timeout=30)
    assert killed not in client.run(os.getpid).values()


def test_a_task_that_kills_two_processes_is_lost(executor, misbehavior):
    run = serve(METHOD, PROBLEM, workers=2, executor=executor, updates=5, patience=1, timeout=60,
                work=misbehavior.kills_its_process)  # fmt: skip
    assert run.outcome == Ending.NO_WORKER_LEFT
    assert run.reasons == {"killed": 2}
    assert run.losses[0].reason.startswith("KilledWorker: ")


def test_gradients_that_raise_are_lost(executor, misbehavior):
    run = serve(METHOD, PROBLEM, workers=4, executor=executor, updates=60, seed=1,
                work=misbehavior.raises_now_and_then)  # fmt: skip
    assert run.outcome == Ending.ALL_UPDATES
    assert run.lost > 3
    assert run.reasons == {"raised": run.lost}
    assert run.aged == run.due == 60 * 3


def test_workers_that_hang_are_given_up(executor, misbehavior):
    run = serve(METHOD, PROBLEM, workers=2, executor=executor, updates=5, task_timeout=0.5,
                work=misbehavior.hangs_always)  # fmt: skip
    assert run.outcome == Ending.NO_WORKER_LEFT
    assert run.reasons == {"hung": 2}


def test_an_executor_that_is_shut_down_is_refused(client):
    executor = client.get_executor(pure=False)
    executor.shutdown()
    with pytest.raises(DomainError, match="takes no tasks"):
        serve(METHOD, PROBLEM, workers=2, executor=executor, updates=5)


def test_a_client_is_no_executor(client):
    with pytest.raises(DomainError, match=r"give client.get_executor\(pure=False\)"):
        serve(METHOD, PROBLEM, workers=2, executor=client, updates=5)
