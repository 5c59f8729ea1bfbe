"""Leaving a saddle of many directions: exact variances, participation, and the exit itself."""

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    FixedDelay,
    HeavyBall,
    Quadratic,
    ShapeError,
    exit_from_saddle,
    exit_steps,
    exit_time,
    semicircle_saddle,
    simulate,
)

BALL = HeavyBall(learning_rate=0.1, momentum=0.5)
NOISY = {"noise_variance": 1e-6, "distance": 1.0}


def test_of_one_direction_it_is_the_law():
    many = exit_from_saddle(BALL, [-1.0], **NOISY)
    one = exit_time(BALL, -1.0, **NOISY)
    assert many.participation == pytest.approx(1)
    assert many.to_dict()["participants"] == pytest.approx(1)
    assert many.inside == pytest.approx(one.survival(np.arange(len(many.inside))), abs=1e-3)
    assert many.mean == pytest.approx(float(one.mean), abs=0.01)
    assert many.standard_deviation == pytest.approx(float(one.standard_deviation), rel=2e-3)


@pytest.mark.slow
def test_equal_directions_all_take_part():
    from scipy.stats import chi2

    many = exit_from_saddle(BALL, [-1.0] * 6 + [1.0], **NOISY)
    late = len(many.inside) // 2
    assert many.survival([-1, late + 0.5]).tolist() == [1.0, many.inside[late]]
    assert many.cdf(late) == 1 - many.inside[late]
    assert many.participation[late] == pytest.approx(6, rel=1e-3)
    size = many.variances[:, 0][10:]
    assert many.inside[10:] == pytest.approx(chi2(6).cdf(1 / size), abs=1e-5)
    crowd = exit_from_saddle(BALL, [-1.0] * 90, **NOISY)
    for step in (40, 55, 60, 65):
        law = chi2(90).cdf(1 / crowd.variances[step, 0])
        assert crowd.inside[step] == pytest.approx(law, abs=1e-6)
    assert many.standard_deviation < 0.5 * exit_time(BALL, -1.0, **NOISY).standard_deviation
    assert "6 of which take part" in repr(many)


@pytest.mark.slow
def test_a_random_saddle_is_left_as_foretold():
    saddle = semicircle_saddle(30, shift=0.4, seed=2)
    many = exit_from_saddle(BALL, saddle.spectrum(), **NOISY)
    run = simulate(
        BALL, saddle, steps=len(many.inside), start=np.zeros(30), replicas=900,
        noise_variance=1e-6, seed=4,
    )  # fmt: skip
    steps = exit_steps(run, 1.0)
    assert steps.mean() == pytest.approx(many.mean, abs=5 * steps.std() / 900**0.5)
    squares = run.distance[40] ** 2
    error = squares.std() / 900**0.5
    assert squares.mean() == pytest.approx(many.mean_square[40], abs=5 * error)
    alone = exit_time(BALL, saddle.spectrum()[0], **NOISY)
    assert many.mean < alone.mean - 0.5
    stale = exit_from_saddle(BALL, saddle.spectrum(), delay=FixedDelay(staleness=2), **NOISY)
    assert stale.mean > many.mean


def test_what_cannot_be_answered_is_told():
    with pytest.raises(ShapeError, match="vector"):
        exit_from_saddle(BALL, np.eye(2), **NOISY)
    with pytest.raises(DomainError, match="never leaves"):
        exit_from_saddle(BALL, [1.0, 2.0], **NOISY)
    with pytest.raises(DomainError, match="step that is too large"):
        exit_from_saddle(BALL, [-1.0, 50.0], **NOISY)
    with pytest.raises(ShapeError, match="one for each"):
        exit_from_saddle(BALL, [-1.0, 1.0], noise_variance=[1.0, 2.0, 3.0], distance=1.0)
    for momenta in ([[0.2], [0.5]], [0.2, 0.5], [0.2]):
        balls = HeavyBall(learning_rate=0.1, momentum=np.array(momenta))
        with pytest.raises(ShapeError, match="one setting"):
            exit_from_saddle(balls, [-1.0, 2.0], **NOISY)
    with pytest.raises(ShapeError, match="one distance"):
        exit_from_saddle(BALL, [-1.0, 1.0], noise_variance=1e-6, distance=[1.0, 2.0])


def test_a_run_that_has_not_left_is_told():
    run = simulate(BALL, Quadratic([-1.0]), steps=5, start=[1e-3])
    with pytest.raises(DomainError, match="1 of 1 runs have not left after 5 steps"):
        exit_steps(run, 1.0)
    with pytest.raises(DomainError, match="distance"):
        exit_steps(run, 0.0)
