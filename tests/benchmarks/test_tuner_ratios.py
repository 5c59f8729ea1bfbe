"""A step of YellowFin against a step of Adam, with NumPy and, where it is installed, with PyTorch.

The part with PyTorch needs the environment of `make test-extras`:
`.venv/extras/bin/python -m pytest tests/benchmarks/test_tuner_ratios.py -m benchmark`.
"""

import importlib.util

import numpy as np
import pytest

from momentum_dynamics import YellowFin

pytestmark = pytest.mark.benchmark

SIZES = {10**3: 500, 10**5: 100, 10**7: 2}
"""Parameters, and how many steps are timed together."""
PRESETS = ("paper", "reference")


class Adam:
    """What one writes with NumPy, for a list of arrays."""

    def init(self, points):
        return 0, [np.zeros_like(x) for x in points], [np.zeros_like(x) for x in points]

    def update(self, state, gradients, points):
        step, means, squares = state
        step += 1
        new_means, new_squares, moved = [], [], []
        for m, v, g, x in zip(means, squares, gradients, points, strict=True):
            new_means.append(0.9 * m + 0.1 * g)
            new_squares.append(0.999 * v + 0.001 * g * g)
            mean = new_means[-1] / (1 - 0.9**step)
            spread = np.sqrt(new_squares[-1] / (1 - 0.999**step))
            moved.append(x - 1e-3 * mean / (spread + 1e-8))
        return (step, new_means, new_squares), moved


def walker(optimizer, size, steps):
    rng = np.random.default_rng(0)
    points, pulls = [rng.standard_normal(size)], [[rng.standard_normal(size)] for _ in range(2)]
    state = optimizer.init(points)

    def walk():
        nonlocal state, points
        for step in range(steps):
            state, points, *_ = optimizer.update(state, pulls[step % 2], points)

    return walk


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", SIZES)
def test_a_step_with_numpy(race, size, preset):
    steps = SIZES[size]
    times = race(
        rounds=15,
        adam=walker(Adam(), size, steps),
        ours=walker(YellowFin(preset=preset), size, steps),
    )
    ratio = np.median(times["ours"] / times["adam"])
    race.report(
        f"YellowFin ({preset}) with NumPy, {size:.0e} parameters: "
        f"{np.median(times['ours']) / steps * 1e6:.0f} µs a step, {ratio:.2f} times Adam"
    )
    assert ratio <= 1.5


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", SIZES)
def test_a_step_with_torch(race, size, preset):
    """One thread each: on a shared machine two of them wait for each other."""
    import torch

    from momentum_dynamics.adapters.torch import YellowFin as Adapter

    steps = SIZES[size]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    start, *pulls = (torch.randn(size) for _ in range(3))

    def stepper(make):
        parameter = torch.nn.Parameter(start.clone())
        optimizer = make([parameter])

        def walk():
            for step in range(steps):
                parameter.grad = pulls[step % 2]
                optimizer.step()

        return walk

    times = race(
        rounds=15,
        adam=stepper(torch.optim.Adam),
        ours=stepper(lambda parameters: Adapter(parameters, preset=preset)),
    )
    ratio = np.median(times["ours"] / times["adam"])
    race.report(
        f"YellowFin ({preset}) with torch {torch.__version__}, {size:.0e} parameters: "
        f"{np.median(times['ours']) / steps * 1e6:.0f} µs a step, {ratio:.2f} times Adam"
    )
    assert ratio <= 1.5
