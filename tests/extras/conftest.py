"""The recorded runs of the released YellowFin, which every adapter walks like the NumPy tuner."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from momentum_dynamics import YellowFin

SOURCE = Path(__file__).parent.parent / "tuning" / "recorded" / "scenarios.py"
NAMES = ("learning_rate", "momentum", "h_min", "h_max", "variance", "distance", "clip")


def load_scenarios():
    spec = importlib.util.spec_from_file_location("yellowfin_scenarios", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {scenario.name: scenario for scenario in module.SCENARIOS}


SCENARIOS = load_scenarios()
PAPER = {"preset": "paper", "smoothing": 0.99}
CASES = {
    **{name: ({"preset": "reference"}, name) for name in SCENARIOS},
    "paper": (PAPER, "noisy"),
    "paper-several": (PAPER | {"weight_decay": 0.01, "clip_norm": 3.0}, "several"),
    "released-root": ({"preset": "reference", "root": "released"}, "noisy"),
}
for unfit in ("not-a-number", "constant-huge", "zeros-for-ever", "tiny-loss", "huge-moves"):
    del CASES[unfit]  # they end, or grow differences of rounding


@pytest.fixture(params=sorted(CASES))
def case(request):
    """Settings, a scenario, and what the NumPy tuner does there: numbers used, and the end."""
    settings, name = CASES[request.param]
    scenario = dataclasses.replace(SCENARIOS[name], steps=min(SCENARIOS[name].steps, 120))
    settings = settings | scenario.options
    return settings, scenario, walk(scenario, numpy_stepper(settings, scenario.start()))


@pytest.fixture
def scenarios():
    return SCENARIOS


def numpy_stepper(settings, start):
    tuner = YellowFin(**settings)
    state, points = tuner.init(start), start

    def step(gradients):
        nonlocal state, points
        state, points, info = tuner.update(state, gradients, points)
        return points, info

    return step


def walk(scenario, stepper):
    """Send gradients to a stepper, which answers with the points and what it used."""
    gradients = scenario.gradients()
    next(gradients)
    points, used = scenario.start(), []
    for _ in range(scenario.steps):
        points, info = stepper(gradients.send(points))
        used.append([info[name] for name in NAMES])
    return np.array(used), np.concatenate([np.ravel(point) for point in points])


@pytest.fixture(name="walk")
def walk_fixture():
    return walk
