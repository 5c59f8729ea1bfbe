"""A round of a bilinear game as a matrix, against playing it."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    BilinearGame,
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    Nesterov,
    UnknownNameError,
    spectral_radius,
    symbol,
)
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.laws.games import is_stable_alternating
from momentum_dynamics.simulation import Outcome, play

METHODS = [
    GradientDescent(learning_rate=0.4),
    HeavyBall(learning_rate=0.4, momentum=-0.5),
    Nesterov(learning_rate=0.3, momentum=0.2),
]


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_playing_is_the_power_of_the_round(method, order):
    slots = len(method.initial_state(0))
    matrix = round_matrix(method, 1.3, order)
    run = play(method, BilinearGame(1.3), steps=15, play=order)
    state = np.array([*method.initial_state(1.0), *method.initial_state(1.0)])
    for step in range(16):
        players = state[:slots], state[slots:]
        np.testing.assert_allclose(run.points[step], [method.query(tuple(p)) for p in players])
        np.testing.assert_allclose(run.outputs[step], [p[0] for p in players], rtol=1e-9)
        state = matrix @ state


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_simultaneous_play_is_an_imaginary_curvature(method):
    """The round splits into curvatures ±is: play at once is no more than a complex gain."""
    radius = np.abs(np.linalg.eigvals(round_matrix(method, 1.3, "simultaneous"))).max()
    assert radius == pytest.approx(spectral_radius(method, 1.3j), rel=1e-7)


def test_alternating_play_converges_with_negative_momentum_only():
    rng = np.random.default_rng(6)
    for coupling, momentum in zip(
        rng.uniform(0.05, 3, 60), rng.uniform(-0.95, 0.9, 60), strict=True
    ):
        method = HeavyBall(learning_rate=coupling, momentum=momentum)
        radius = np.abs(np.linalg.eigvals(round_matrix(method, 1.0))).max()
        if abs(radius - 1) > 1e-9:
            assert (radius < 1) == is_stable_alternating(coupling, momentum, 1.0)


def test_outcomes_of_play():
    game = BilinearGame(np.diag([1.0, 0.5]))
    good = HeavyBall(learning_rate=0.7, momentum=-0.3)
    assert play(good, game, steps=2000).outcome is Outcome.CONVERGED
    run = play(good, game, steps=3000, play="simultaneous")
    assert run.outcome is Outcome.DIVERGED
    assert run.points.shape == (3001, 4)


def test_symbols():
    step, s = symbol("learning_rate"), symbol("singular_value")
    matrix = round_matrix(GradientDescent(learning_rate=step), s)
    assert matrix == sympy.Matrix([[1, -step * s], [step * s, 1 - step**2 * s**2]])


def test_batches():
    method = HeavyBall(learning_rate=np.array([0.1, 0.2]), momentum=-0.5)
    whole = round_matrix(method, 1.0)
    assert whole.shape == (2, 4, 4)
    np.testing.assert_allclose(
        whole[1], round_matrix(HeavyBall(learning_rate=0.2, momentum=-0.5), 1.0)
    )


@pytest.mark.parametrize("question", [
    lambda method, order: round_matrix(method, 1.0, order),
    lambda method, order: play(method, BilinearGame(1.0), steps=3, play=order),
])  # fmt: skip
def test_refusals(question):
    with pytest.raises(UnknownNameError, match="No order of play is called 'in turn'; known are"):
        question(GradientDescent(learning_rate=0.1), "in turn")
    with pytest.raises(DomainError, match="give a method with constant ones"):
        question(Chebyshev(smallest_curvature=1, largest_curvature=2), "alternating")
    with pytest.raises(DomainError, match="There are 3 methods for 2 players"):
        question((GradientDescent(learning_rate=0.1),) * 3, "alternating")
    with pytest.raises(DomainError, match="gradients in a turn; give them methods of one period"):
        question(
            (GradientDescent(learning_rate=0.1), Extragradient(learning_rate=0.1)), "simultaneous"
        )
    with pytest.raises(DomainError, match="play is 3, but must be an order such as"):
        question(GradientDescent(learning_rate=0.1), 3)


def test_steps_are_counted():
    with pytest.raises(DomainError, match="steps is -1, but must be a whole number"):
        play(GradientDescent(learning_rate=0.1), BilinearGame(1.0), steps=-1)
