"""Sweeps over games against the eigenvalues that one would compute instead."""

import time

import numpy as np
import pytest

from momentum_dynamics import (
    BilinearGame,
    HeavyBall,
    QuadraticGame,
    game_operator,
    is_stable,
    play,
    spectral_radius,
)

pytestmark = pytest.mark.benchmark

POINTS = 1000
GAMES = {"bilinear": BilinearGame(1.0), "quadratic": QuadraticGame(0.3, 1.2, 0.3)}


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
@pytest.mark.parametrize("name", GAMES)
def test_sweep_of_a_game_against_batched_eigenvalues(race, name, order):
    """1000 learning rates × 1000 momenta, one thread each; the stacking is not counted against it.

    Every tenth row of eigenvalues is timed, and counted ten times.
    """
    game = GAMES[name]
    method = HeavyBall(
        learning_rate=np.linspace(0.01, 2.5, POINTS)[:, None],
        momentum=np.linspace(-0.99, 0.99, POINTS),
    )
    some = slice(None, None, 10)
    matrices = game_operator(method, game, order)[some]

    def theirs():
        return np.abs(np.linalg.eigvals(matrices)).max(axis=-1)

    ours = spectral_radius(method, game, play=order)[some]
    reference = theirs()
    np.testing.assert_allclose(ours, reference, rtol=1e-7)
    stable = is_stable(method, game, play=order)[some]
    clear = np.abs(reference - 1) > 1e-9
    np.testing.assert_array_equal(stable[clear], reference[clear] < 1)
    times = race(
        rounds=5,
        clock=time.thread_time,
        eigenvalues=theirs,
        radius=lambda: spectral_radius(method, game, play=order),
        stability=lambda: is_stable(method, game, play=order),
    )
    radius = 10 * np.median(times["eigenvalues"] / times["radius"])
    stability = 10 * np.median(times["eigenvalues"] / times["stability"])
    race.report(
        f"{name} game, {order}, 1000 × 1000: radius {np.median(times['radius']) * 1e3:.0f} ms, "
        f"{radius:.0f} times as fast as batched numpy.linalg.eigvals; stability "
        f"{np.median(times['stability']) * 1e3:.0f} ms, {stability:.0f} times"
    )
    assert radius >= 50
    assert stability >= 50


def test_play_against_a_loop_over_replicas(race):
    """2000 noisy replicas of 100 rounds, all at once against one after the other."""
    game, method = QuadraticGame(0.1, 1.0, 0.1), HeavyBall(learning_rate=0.3, momentum=-0.4)

    def together():
        return play(
            method, game, steps=100, replicas=2000, noise_variance=1.0, seed=0, engine="direct"
        )

    def one_by_one():
        return [play(method, game, steps=100, noise_variance=1.0, seed=k) for k in range(20)]

    times = race(rounds=3, together=together, one_by_one=one_by_one)
    ratio = 100 * np.median(times["one_by_one"] / times["together"])
    race.report(f"2000 plays of 100 rounds at once: {ratio:.0f} times as fast as one by one")
    assert ratio >= 50


@pytest.mark.parametrize(
    ("size", "record", "least"),
    [(1, "moments", 5), (1, "trajectory", 2.5), (20, "moments", 2.5)],
)
def test_rounds_against_moves(race, size, record, least):
    """2048 noisy replicas of 200 rounds: the compiled matrix of a round against `query`, `update`.

    A game of one number each, and one of twenty, mode by mode; one thread each.
    """
    coupling = np.random.default_rng(0).normal(size=(size, size)) / np.sqrt(size)
    game, method = BilinearGame(coupling), HeavyBall(learning_rate=0.3, momentum=-0.4)
    settings = {"steps": 200, "replicas": 2048, "noise_variance": 1.0, "seed": 0, "record": record}
    times = race(
        rounds=5,
        clock=time.thread_time,
        direct=lambda: play(method, game, engine="direct", **settings),
        compiled=lambda: play(method, game, engine="compiled", **settings),
    )
    ratio = np.median(times["direct"] / times["compiled"])
    race.report(
        f"2048 noisy plays of 200 rounds, {size} numbers each, {record}: "
        f"{np.median(times['compiled']) * 1e3:.0f} ms, {ratio:.1f} times as fast as move by move"
    )
    assert ratio >= least
