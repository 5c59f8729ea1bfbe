"""Saddles, games and stopping early: what is no question, and what is one answer."""

import numpy as np
import pytest

from momentum_dynamics import (
    BilinearGame,
    DomainError,
    DoubleWell,
    ExponentialAverage,
    GradientDescent,
    HeavyBall,
    NotTraceableError,
    Quadratic,
    QuadraticGame,
    ShapeError,
    UnstableDynamicsError,
    exit_from_saddle,
    exit_time,
    is_stable,
    limit_risk_path,
    modified_loss,
    play,
    ridge_path,
    risk_path,
    sharpness_limit,
    simulate_well,
    spectral_radius,
    stationary_radius,
    symbol,
    tune,
)

DESCENT = GradientDescent(learning_rate=0.1)
BALL = HeavyBall(learning_rate=0.1, momentum=-0.3)
GAME = BilinearGame(1.0)
SYMBOLIC = GradientDescent(learning_rate=symbol("learning_rate"))
X, TRUTH = np.eye(2), np.ones(2)
SADDLE = {"noise_variance": 1e-6, "distance": 1.0}
LIMIT = {"noise_variance": 1.0, "steps": 3}


@pytest.mark.parametrize(("error", "words", "ask"), [
    (DomainError, "curvature is empty", lambda: exit_time(DESCENT, [], **SADDLE)),
    (DomainError, "distance is empty",
     lambda: exit_time(DESCENT, -1.0, noise_variance=1e-6, distance=[])),
    (DomainError, "no gradient anywhere", lambda: tune(HeavyBall, game=QuadraticGame(0, 0, 0))),
    (DomainError, "steps is 'a', but must", lambda: exit_time(DESCENT, -1.0, **SADDLE).cdf("a")),
    (DomainError, r"such as problem.spectrum\(\)",
     lambda: exit_from_saddle(DESCENT, Quadratic([-1.0]), **SADDLE)),
    (DomainError, "X is 'a', but must", lambda: risk_path(DESCENT, "a", TRUTH, 0.5, 3)),
    (DomainError, "truth is 'a', but must", lambda: risk_path(DESCENT, X, "a", 0.5, 3)),
    (DomainError, "ridge is 'a', but must", lambda: ridge_path(X, TRUTH, 0.5, "a")),
    (DomainError, "at least one", lambda: ridge_path(X, TRUTH, 0.5, [])),
    (DomainError, "aspect_ratio is 'a'",
     lambda: limit_risk_path(DESCENT, aspect_ratio="a", **LIMIT)),
    (ShapeError, "loop over several",
     lambda: limit_risk_path(DESCENT, aspect_ratio=[0.5, 2.0], **LIMIT)),
    (DomainError, "a name such as 'heavy-ball'", lambda: sharpness_limit(3, learning_rate=0.1)),
    (DomainError, "learning_rate is 'a'", lambda: sharpness_limit("nesterov", learning_rate="a")),
    (DomainError, "leave the objective out",
     lambda: tune(HeavyBall, game=GAME, objective="smooth-convex")),
    (DomainError, "gradient descent has none",
     lambda: sharpness_limit("gradient-descent", learning_rate=0.1, momentum=0.5)),
    (DomainError, "order is 2.5, but", lambda: modified_loss(DESCENT, order=2.5)),
    (DomainError, "is no double well",
     lambda: simulate_well(DESCENT, Quadratic([1.0]), noise_variance=0.1, steps=3)),
    (DomainError, "The start is 'a', but", lambda: play(DESCENT, GAME, steps=3, start="a")),
    (DomainError, "of a game give game=", lambda: tune(HeavyBall, spectrum=GAME)),
    (NotTraceableError, "limit of exponential-average has no closed form",
     lambda: sharpness_limit(ExponentialAverage, learning_rate=symbol("learning_rate"))),
    (NotTraceableError, "holds symbols",
     lambda: tune(HeavyBall, game=QuadraticGame(symbol("curvature"), 1, 1))),
    (NotTraceableError, "Symbols and batches of numbers do not mix",
     lambda: stationary_radius(
         HeavyBall(learning_rate=[0.1, 0.2], momentum=-0.3),
         QuadraticGame(0, symbol("singular_value"), 0), 1.0)),
    (UnstableDynamicsError, "converges for no value of its symbols",
     lambda: stationary_radius(SYMBOLIC, QuadraticGame(0, 1, 0), 1.0)),
    (UnstableDynamicsError, "converges for no value of its symbols",
     lambda: stationary_radius(SYMBOLIC, QuadraticGame(0, 1, 0), 1.0, play="simultaneous")),
])  # fmt: skip
def test_refusals(error, words, ask):
    with pytest.raises(error, match=words):
        ask()


def test_one_question_has_one_number_for_an_answer():
    away = exit_time(DESCENT, -1.0, **SADDLE)
    answers = (
        spectral_radius(BALL, GAME), stationary_radius(BALL, GAME, 1.0), is_stable(BALL, GAME),
        away.mean, away.standard_deviation, away.noise_share, away.memory_share, away.cdf(100),
        exit_time(DESCENT, -1.0, start=1e-2, **SADDLE).mean,
    )  # fmt: skip
    assert all(isinstance(answer, np.generic) for answer in answers)
    run = simulate_well(DESCENT, DoubleWell(), noise_variance=0.1, steps=3, replicas=4, seed=0)
    assert isinstance(run.occupation, float)
