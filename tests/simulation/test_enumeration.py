"""Everything a small queue can do, against the exact moments, which know nothing of sequences."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    GradientDescent,
    GrowingNesterov,
    HeavyBall,
    Nesterov,
    Quadratic,
    enumerate_queue,
    queue_moments,
    simulate,
)

THIRD = Fraction(1, 3)


def half(point):
    return point / 2


@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(learning_rate=THIRD),
        HeavyBall(learning_rate=THIRD, momentum=-Fraction(1, 5)),
        Nesterov(learning_rate=THIRD, momentum=Fraction(1, 2)),
    ],
)
@pytest.mark.parametrize(("workers", "updates"), [(1, 6), (2, 7), (3, 5)])
def test_moments_are_those_of_the_closed_recursion(method, workers, updates):
    found = enumerate_queue(method, half, workers=workers, updates=updates)
    exact = queue_moments(method, 0.5, workers=workers).path(updates)
    assert np.array(found.mean, dtype=float) == pytest.approx(exact.mean, abs=1e-14)
    squares = np.array(found.second_moment, dtype=float)
    assert squares == pytest.approx(exact.second_moment, abs=1e-14)
    assert found.gradient == [half(value) for value in found.mean]


def test_one_worker_is_the_method_itself_stage_by_stage():
    method = GrowingNesterov(learning_rate=0.3)
    found = enumerate_queue(method, half, workers=1, updates=8, start=2.0)
    run = simulate(method, Quadratic([0.5]), steps=8, start=[2.0])
    assert found.mean == pytest.approx(run.outputs[:, 0])


def test_fractions_stay_fractions_and_velocities_are_differences():
    found = enumerate_queue(
        GradientDescent(learning_rate=THIRD), lambda w: w**3 - w / 2, workers=2, updates=4
    )
    assert all(isinstance(value, Fraction) for value in (*found.mean, *found.gradient))
    assert found.velocity == [after - before for before, after in pairwise(found.mean)]
    assert found.gradient[2] != found.mean[2] ** 3 - found.mean[2] / 2
    assert repr(found) == "<EnumeratedQueue: 2 workers, 4 updates, 16 sequences>"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"workers": 0}, "workers"),
        ({"updates": -1}, "updates"),
        ({"updates": 40}, "sequences"),
        ({"start": [1.0]}, "start"),
    ],
)
def test_wrong_numbers_are_refused(changed, word):
    settings = {"workers": 2, "updates": 3, **changed}
    with pytest.raises(DomainError, match=word):
        enumerate_queue(GradientDescent(learning_rate=THIRD), half, **settings)
