"""The kernels are compiled once, before any test is timed."""

import pytest

from momentum_dynamics import GradientDescent, Quadratic, simulate


@pytest.fixture(scope="session", autouse=True)
def _compiled():
    simulate(GradientDescent(learning_rate=0.1), Quadratic([1.0]), steps=1, engine="compiled")
