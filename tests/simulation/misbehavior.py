"""Work that goes wrong; a module of its own, so that processes can import it."""

import os
import threading
import time

DOOR = threading.Event()
"""What hangs waits for it."""


def raises_always(_problem, _point, _rng):
    raise ValueError("no gradient today")


def raises_now_and_then(problem, point, rng):
    if rng.random() < 0.2:
        raise ValueError("no gradient today")
    return problem.field(point)


def hangs_now_and_then(problem, point, rng):
    if rng.random() < 0.004:
        DOOR.wait(20)
    return problem.field(point)


def hangs_always(problem, point, _rng):
    DOOR.wait(20)
    return problem.field(point)


def sleeps_for_ever(_problem, _point, _rng):
    time.sleep(3600)


def kills_its_process_now_and_then(problem, point, rng):
    if rng.random() < 0.02:
        os._exit(3)
    return problem.field(point)


def kills_its_process(_problem, _point, _rng):
    os._exit(3)


def writes_into_its_point(problem, point, _rng):
    point += 1
    return problem.field(point)


def returns_one_number(_problem, _point, _rng):
    return 1.0


def noise_alone(_problem, point, rng):
    return rng.standard_normal(len(point))


def process_number(_problem, point, _rng):
    return point * 0 + os.getpid()
