"""Moments of noisy players round by round: against play, settled noise and symbols."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Alternating,
    BilinearGame,
    ComplexMomentum,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    NotTraceableError,
    OptimisticGradient,
    QuadraticGame,
    ShapeError,
    Simultaneous,
    TorchSGD,
    UnknownNameError,
    play,
    second_moments,
    stationary_radius,
    symbol,
)

BALL = HeavyBall(learning_rate=0.4, momentum=-0.5)
GAME = QuadraticGame(0.3, 1.0, 0.2)
WIDE = QuadraticGame(0.3, np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.2]]), 0.2)
PLAYS = [Simultaneous(), Alternating(), Alternating(inner_steps=(1, 2), first=1)]
METHODS = [
    BALL,
    (BALL, GradientDescent(learning_rate=0.2)),
    TorchSGD(learning_rate=0.3, momentum=0.4, dampening=0.2),
    Extragradient(learning_rate=0.3),
    OptimisticGradient(learning_rate=0.2),
    ComplexMomentum(learning_rate=0.2, momentum=0.5, phase=1.0),
]


@pytest.mark.parametrize("order", PLAYS, ids=str)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_without_noise_the_mean_is_the_play(method, order):
    """Transients included: the first step of PyTorch is not damped."""
    run = play(method, WIDE, steps=6, play=order)
    moments = second_moments(method, WIDE, 0.0, steps=6, play=order)
    np.testing.assert_allclose(moments.mean, run.outputs, atol=1e-12)
    np.testing.assert_array_equal(moments.variance, 0)


@pytest.mark.slow
@pytest.mark.parametrize("order", PLAYS, ids=str)
def test_noise_spreads_as_it_is_played(order):
    start = np.array([0.5, -1.0])
    moments = second_moments(BALL, GAME, 0.25, steps=5, play=order, start=start)
    run = play(BALL, GAME, steps=5, play=order, replicas=20_000, noise_variance=0.25, seed=0,
               start=start)  # fmt: skip
    square = (run.outputs**2).mean(axis=1)
    error = (run.outputs**2).std(axis=1) / np.sqrt(20_000)
    assert (np.abs(square - moments.second_moment)[1:] < 5 * error[1:]).all()
    np.testing.assert_allclose(moments.mean[0], start)


@pytest.mark.parametrize("order", PLAYS, ids=str)
def test_in_the_end_it_is_the_settled_radius(order):
    late = second_moments(BALL, GAME, 0.25, steps=300, play=order).second_moment[-1].sum()
    assert np.sqrt(late) == pytest.approx(stationary_radius(BALL, GAME, 0.25, play=order))


def test_in_turn_is_the_default_and_batches_broadcast():
    balls = HeavyBall(learning_rate=np.array([0.1, 0.2, 0.4]), momentum=-0.5)
    moments = second_moments(balls, GAME, 0.25, steps=3)
    assert moments.mean.shape == moments.variance.shape == (4, 3, 2)
    assert moments.covariance.shape == (4, 3, 4, 4)
    alone = second_moments(BALL, GAME, 0.25, steps=3, play="alternating")
    np.testing.assert_allclose(moments.variance[:, 2], alone.variance)
    noisy = second_moments(BALL, GAME, np.array([0.25, 1.0]), steps=3)
    np.testing.assert_allclose(noisy.variance[:, 1], 4 * alone.variance)


@pytest.mark.slow
def test_symbols_and_numbers_agree():
    alpha, beta, s, noise = map(
        symbol, ("learning_rate", "momentum", "singular_value", "noise_variance")
    )
    ball = HeavyBall(learning_rate=alpha, momentum=beta)
    found = second_moments(ball, QuadraticGame(0, s, 0), noise, steps=2).second_moment
    expected = second_moments(BALL, BilinearGame(0.8), 0.25, steps=2).second_moment
    values = {alpha: 0.4, beta: -0.5, s: 0.8, noise: 0.25}
    numbers = [[float(sympy.sympify(entry).subs(values)) for entry in row] for row in found]
    np.testing.assert_allclose(np.array(numbers), expected)
    assert not any(sympy.sympify(entry).atoms(sympy.Float) for entry in found.flat)


@pytest.mark.parametrize(("error", "words", "settings"), [
    (DomainError, "leave curvature_variance out", {"curvature_variance": 0.1}),
    (ShapeError, "displacement of all players together", {"start": 1.0}),
    (UnknownNameError, "No order of play", {"play": "altern"}),
    (NotTraceableError, "Symbols and batches",
     {"method": HeavyBall(learning_rate=[0.1, 0.2], momentum=symbol("momentum"))}),
])  # fmt: skip
def test_refusals(error, words, settings):
    with pytest.raises(error, match=words):
        second_moments(settings.pop("method", BALL), GAME, 0.1, steps=2, **settings)


def test_one_player_has_no_order():
    with pytest.raises(DomainError, match="a curvature has one player"):
        second_moments(BALL, 1.0, 0.1, steps=2, play="alternating")
