"""The server on MPI, processes of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import GradientDescent, Ridge
from momentum_dynamics.simulation.server_task import Job

pytestmark = pytest.mark.extras

SCRIPT = Path(__file__).parent / "mpi_script.py"
DATA = Ridge([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0], [1.0, 1.0]], [1.0, 2.0, 3.0, 4.0], ridge=0.1)


def run_on_mpi(mode):
    """Five processes, one of which serves."""
    beside = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["mpiexec", "-n", "5", sys.executable, "-m", "mpi4py.futures", str(SCRIPT), mode],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip


def report_of(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_staleness_is_conserved_and_samples_are_those_of_the_seed():
    report = report_of(run_on_mpi("steady"))
    assert report["engine"] == "MPIPoolExecutor"
    assert report["outcome"] == "all updates"
    assert sum(report["staleness"]) + sum(report["ages"]) == 300 * 3
    method = GradientDescent(learning_rate=0.05)
    job = Job(problem=DATA, work=None, batch_size=2, service=None, root=np.random.SeedSequence(1))
    points = np.array(report["points"])
    state = method.initial_state(points[0])
    rows = zip(report["staleness"], report["tasks"], strict=True)
    for step, (age, number) in enumerate(rows):
        state = method.update(state, job.gradient(number, points[step - age]))
        np.testing.assert_allclose(points[step + 1], state[0], rtol=1e-12, atol=1e-12)


def test_gradients_that_raise_are_lost():
    report = report_of(run_on_mpi("raises"))
    assert report["outcome"] == "all updates"
    assert list(report["reasons"]) == ["raised"]
    assert 30 < report["reasons"]["raised"] < 150
    assert report["aged"] == report["due"] == 300 * 3


def test_a_killed_process_ends_the_job_and_nothing_hangs():
    """MPI ends all processes with one of them, the server's too: there is no report."""
    done = run_on_mpi("kills")
    assert "serving" in done.stdout
    assert done.returncode != 0
    assert "outcome" not in done.stdout
