"""Ratios of times: contenders take turns in one process; the median or the best round counts."""

import ctypes
import re
import time
from pathlib import Path

import numpy as np
import pytest


class Blas:
    """The OpenBLAS that NumPy has loaded, asked for its name and told its number of threads."""

    def __init__(self):
        np.linalg.eigvals(np.eye(2))
        maps = Path("/proc/self/maps")
        text = maps.read_text(encoding="utf-8") if maps.exists() else ""
        found = sorted(set(re.findall(r"/\S*openblas\S*", text)))
        self.library = ctypes.CDLL(found[0]) if found else None

    def function(self, name):
        for spelling in (f"scipy_openblas_{name}64_", f"openblas_{name}64_", f"openblas_{name}"):
            if self.library is not None and hasattr(self.library, spelling):
                return getattr(self.library, spelling)
        return None

    def use_one_thread(self):
        change = self.function("set_num_threads")
        if change is not None:
            change(1)

    def __str__(self):
        name, threads = self.function("get_corename"), self.function("get_num_threads")
        if name is None or threads is None:
            return "BLAS unknown"
        name.restype = ctypes.c_char_p
        return f"OpenBLAS kernels for {name().decode()}, {threads()} thread"


@pytest.fixture(scope="session")
def blas():
    found = Blas()
    found.use_one_thread()
    return found


@pytest.fixture
def race(capsys, blas):
    """Time contenders in turns, and return the times of all rounds.

    Where each works in one thread, `time.thread_time` does not count what others compute meanwhile.
    """

    def run(rounds=5, clock=time.perf_counter, **contenders):
        for contender in contenders.values():
            contender()  # compiles, and warms caches
        times = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, contender in contenders.items():
                begun = clock()
                contender()
                times[name].append(clock() - begun)
        return {name: np.array(seconds) for name, seconds in times.items()}

    def report(line):
        with capsys.disabled():
            print(f"\n{line} [{blas}, NumPy {np.__version__}]")

    run.report = report
    return run
