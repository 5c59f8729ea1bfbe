"""What `mpiexec` runs: one process serves, the others compute; MODE is steady, raises or kills."""

import json
import os
import signal
import sys

from mpi4py.futures import MPIPoolExecutor

from momentum_dynamics import GradientDescent, Ridge, serve

DATA = Ridge([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0], [1.0, 1.0]], [1.0, 2.0, 3.0, 4.0], ridge=0.1)


def raises_now_and_then(problem, point, rng):
    if rng.random() < 0.2:
        raise ValueError("no gradient today")
    return problem.field(point)


def kills_its_process_now_and_then(problem, point, rng):
    if rng.random() < 0.02:
        os.kill(os.getpid(), signal.SIGKILL)
    return problem.field(point)


WORK = {"steady": None, "raises": raises_now_and_then, "kills": kills_its_process_now_and_then}


def main(mode):
    with MPIPoolExecutor() as pool:
        print("serving", flush=True)
        run = serve(
            GradientDescent(learning_rate=0.05), DATA, workers=4, executor=pool, updates=300,
            seed=1, timeout=30, work=WORK[mode], batch_size=2 if mode == "steady" else None,
        )  # fmt: skip
    report = {
        "points": run.points, "staleness": run.staleness, "tasks": run.tasks, "ages": run.ages,
    }  # fmt: skip
    found = {name: value.tolist() for name, value in report.items()}
    found |= {"outcome": run.outcome, "reasons": run.reasons, "aged": run.aged, "due": run.due}
    print(json.dumps(found | {"engine": run.engine}))


if __name__ == "__main__":
    main(sys.argv[1])
