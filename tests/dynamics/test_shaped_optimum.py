"""Tuning for complex curvatures and for games: against closed forms, searches and play."""

import numpy as np
import pytest

from momentum_dynamics import (
    Alternating,
    BilinearGame,
    ComplexMomentum,
    Consensus,
    CovarianceGame,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LinearGame,
    OptimisticGradient,
    QuadraticGame,
    UnknownNameError,
    play,
    spectral_radius,
    tune,
)
from momentum_dynamics.dynamics.shaped_optimum import hull_vertices, step_size_bounds
from momentum_dynamics.laws import games, shapes
from momentum_dynamics.simulation.rates import measure_rate

SHAPES = [
    # center, real and imaginary half axis, and what the ellipse's optimum is, to five digits
    (1, 0.6, 0.3, 1.07852, 0.07852, 0.48533),
    (1, 0.3, 0.8, 0.89087, -0.10913, 0.48998),
    (1, 0.5, 0.5, 1.0, 0.0, 0.5),
    (1, 0.9, 0, 1.39286, 0.39286, 0.62679),
    (1, 0, 2, 0.61803, -0.38197, 0.61803),
    (2, 1, 3, 0.36603, -0.26795, 0.73205),
]


def worst(method, spectrum):
    radii = [spectral_radius(method, value) for value in np.atleast_1d(spectrum)]
    return float(np.max(radii))


@pytest.mark.slow
@pytest.mark.parametrize(("d", "p", "q", "step", "momentum", "rate"), SHAPES)
def test_ellipses(d, p, q, step, momentum, rate):
    turn = np.linspace(0, 2 * np.pi, 49)
    spectrum = d + p * np.cos(turn) + 1j * q * np.sin(turn)
    law = shapes.ellipse_optimum(d, p, q)
    assert law[:2] == pytest.approx((step, momentum), abs=5e-6)
    assert shapes.ellipse_rate(d, p, q) == pytest.approx(rate, abs=5e-6)
    found = tune(HeavyBall, spectrum=spectrum)
    assert (found.learning_rate, found.momentum) == pytest.approx(law[:2], abs=1e-6)
    assert worst(found, spectrum) == pytest.approx(shapes.ellipse_rate(d, p, q), abs=1e-9)


@pytest.mark.slow
def test_no_random_parameters_are_better():
    rng = np.random.default_rng(4)
    for _ in range(3):
        spectrum = rng.uniform(0.2, 2, 6) + 1j * rng.uniform(-2, 2, 6)
        best = worst(tune("heavy-ball", spectrum=spectrum), spectrum)
        tried = HeavyBall(
            learning_rate=rng.uniform(0, 3, 40_000)[:, None],
            momentum=rng.uniform(-1, 1, 40_000)[:, None],
        )
        assert spectral_radius(tried, spectrum).max(axis=-1).min() > best - 1e-12
        descent = tune("gradient-descent", spectrum=spectrum)
        steps = GradientDescent(learning_rate=np.linspace(1e-3, 2, 20_000)[:, None])
        scan = spectral_radius(steps, spectrum).max(axis=-1).min()
        assert worst(descent, spectrum) == pytest.approx(scan, abs=1e-3)
        assert worst(descent, spectrum) <= scan + 1e-12
        low, high, least, most = step_size_bounds(spectrum)
        assert low - 1e-12 <= worst(descent, spectrum) <= high + 1e-12
        assert least - 1e-12 <= descent.learning_rate <= most + 1e-12


def test_corners():
    rng = np.random.default_rng(5)
    spectrum = rng.normal(size=40) + 3 + 1j * rng.normal(size=40)
    corners = hull_vertices(spectrum)
    assert len(corners) < 20
    method = HeavyBall(learning_rate=0.3, momentum=rng.uniform(-0.9, 0.9, 50)[:, None])
    np.testing.assert_allclose(
        spectral_radius(method, corners).max(axis=-1),
        spectral_radius(method, spectrum).max(axis=-1),
    )
    assert hull_vertices([2.0]).tolist() == [2]
    assert hull_vertices([1 + 1j, 1, 1 - 2j]).tolist() == [1 + 2j]


@pytest.mark.slow
def test_one_pair():
    for angle in (0.3, 1.0, 1.5):
        found = tune(HeavyBall, spectrum=[2 * np.exp(1j * angle)])
        assert found.momentum == pytest.approx(shapes.pair_momentum(angle), abs=1e-7)
        assert worst(found, 2 * np.exp(1j * angle)) == pytest.approx(np.tan(angle / 2), abs=1e-9)


def rate_in_play(method, game, order):
    run = play(method, game, steps=500, play=order)
    return measure_rate(run.distance).rate


@pytest.mark.slow
@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
@pytest.mark.parametrize("kind", ["gradient-descent", "heavy-ball", "optimistic-gradient"])
def test_tuned_games_are_played_at_their_rate(kind, order):
    game = QuadraticGame(0.4, 1.0, 0.3)
    method = tune(kind, game=game, play=order)
    radius = spectral_radius(method, game, play=order)
    assert rate_in_play(method, game, order) == pytest.approx(radius, abs=0.02)
    for other in (0.9, 1.1):
        moved = type(method)(**{**vars(method), "learning_rate": other * method.learning_rate})
        assert spectral_radius(moved, game, play=order) > radius


@pytest.mark.slow
def test_alternating_bilinear_games():
    one = tune(HeavyBall, game=BilinearGame(2.0), play=Alternating())
    law = games.best_alternating(2.0)
    assert (one.learning_rate, one.momentum) == pytest.approx(law[:2], rel=1e-3)
    assert spectral_radius(one, BilinearGame(2.0)) == pytest.approx(2 * np.sqrt(3) - 3, abs=1e-5)
    game = BilinearGame(np.diag([1.0, 0.02]))
    many = tune("heavy-ball", game=game)
    law = games.minimax_alternating(1.0)
    assert (many.learning_rate, many.momentum) == pytest.approx(law[:2], rel=2e-3)
    gap = 1 - spectral_radius(many, game)
    assert gap == pytest.approx(games.minimax_alternating_gap(50.0), rel=1e-3)


@pytest.mark.slow
def test_methods_made_for_rotation():
    game = BilinearGame(1.0)
    optimistic = tune(OptimisticGradient, game=game, play="simultaneous")
    assert optimistic.learning_rate == pytest.approx(0.5, abs=1e-6)
    extra = tune(Extragradient, game=game, play="simultaneous")
    assert extra.learning_rate == pytest.approx(np.sqrt(0.5), abs=1e-6)
    pulled = tune(HeavyBall, game=Consensus(game, 0.5), play="simultaneous")
    assert pulled.momentum == pytest.approx(shapes.pair_momentum(np.arctan(2)), abs=1e-7)


@pytest.mark.slow
def test_complex_momentum():
    """Better than what is printed for a rotation, and than any of its neighbors."""
    found = tune(ComplexMomentum, spectrum=[1j])
    assert worst(found, 1j) < worst(
        ComplexMomentum(learning_rate=0.537, momentum=0.68, phase=3 * np.pi / 8), 1j
    )
    near = np.random.default_rng(6).normal(scale=0.02, size=(3, 4000))
    tried = ComplexMomentum(
        learning_rate=found.learning_rate * np.exp(near[0]),
        momentum=found.momentum + near[1],
        phase=found.phase + near[2],
    )
    assert spectral_radius(tried, 1j).min() > worst(found, 1j) - 1e-5
    at_once = tune("complex-momentum", game=BilinearGame(1.0), play="simultaneous")
    assert vars(at_once) == pytest.approx(vars(found), rel=1e-6)
    # On real curvatures nothing is gained over Polyak's.
    polyak = tune(HeavyBall, smallest_curvature=0.1, largest_curvature=1.0)
    assert worst(tune(ComplexMomentum, spectrum=[0.1, 1.0]), [0.1, 1.0]) == pytest.approx(
        worst(polyak, [0.1, 1.0]), abs=1e-6
    )


@pytest.mark.slow
def test_one_sided_momentum_on_bilinear_games():
    kinds = (HeavyBall, GradientDescent)
    ball, descent = tune(kinds, game=BilinearGame(2.0))
    law = games.best_one_sided(2.0)
    assert (ball.learning_rate, ball.momentum) == pytest.approx(law[:2], rel=1e-5)
    assert descent.learning_rate == ball.learning_rate
    assert spectral_radius((ball, descent), BilinearGame(2.0)) == pytest.approx(0.5, abs=1e-6)
    game = BilinearGame(np.diag([1.0, 0.005]))
    pair = tune(kinds, game=game)
    law = games.minimax_one_sided(1.0)
    assert (pair[0].learning_rate, pair[0].momentum) == pytest.approx(law[:2], rel=5e-3)
    gap = 1 - spectral_radius(pair, game)
    assert gap == pytest.approx(games.minimax_one_sided_gap(200.0), rel=1e-3)


@pytest.mark.slow
def test_two_momenta_do_no_better_than_one_shared_on_a_range():
    game = BilinearGame(np.diag([1.0, 0.02]))
    pair = tune(("heavy-ball", "heavy-ball"), game=game)
    law = games.minimax_alternating(1.0)
    for own in pair:
        assert (own.learning_rate, own.momentum) == pytest.approx(law[:2], rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("kinds", "game", "order"), [
    ((HeavyBall, GradientDescent), BilinearGame(np.diag([1.0, 0.5])), "alternating"),
    ((HeavyBall, HeavyBall), QuadraticGame(np.diag([0.4, 0.1]), np.eye(2), np.diag([0.3, 2.0])),
     "simultaneous"),
    ((GradientDescent, HeavyBall), QuadraticGame(np.diag([0.4, 3.0]), np.eye(2), np.diag([0.3, 0])),
     "alternating"),
    ((GradientDescent,) * 3, LinearGame(np.eye(3) + np.diag([1, 2], 1) - np.diag([2, 1], -1),
                                        (1, 1, 1)), "alternating"),
    (ComplexMomentum, BilinearGame(1.0), "alternating"),
    (ComplexMomentum, QuadraticGame(0.4, 1.0, 0.3), "simultaneous"),
])  # fmt: skip
def test_players_with_parameters_of_their_own_are_played_at_their_rate(kinds, game, order):
    methods = tune(kinds, game=game, play=order)
    radius = spectral_radius(methods, game, play=order)
    run = play(methods, game, steps=int(min(500, 100 / (1 - radius))), play=order)
    assert measure_rate(run.distance).rate == pytest.approx(radius, abs=0.02)
    if isinstance(kinds, tuple) and len(set(kinds)) == 1:
        shared = tune(kinds[0], game=game, play=order)
        assert radius <= spectral_radius(shared, game, play=order) + 1e-6


@pytest.mark.slow
def test_unequal_pulls_ask_for_unequal_steps():
    """Two steps put both roots of a round at 0, so that two rounds reach the equilibrium."""
    game = QuadraticGame(10.0, 1.0, 0.1)
    pair = tune((GradientDescent, GradientDescent), game=game)
    assert spectral_radius(pair, game) < 1e-4
    run = play(pair, game, steps=10)
    assert run.distance[-1] < 1e-6 * run.distance[0]
    assert spectral_radius(tune(GradientDescent, game=game), game) > 0.5


@pytest.mark.slow
def test_what_is_coupled_tunes_a_game_with_a_line_of_equilibria():
    """As the refusal advises: the singular values that are not 0."""
    game = CovarianceGame([[2.0, 0.5], [0.5, 1.0]])
    coupled = np.linalg.svd(game.jacobian()[:4, 4:], compute_uv=False)[:-1]
    best = tune(HeavyBall, game=BilinearGame(np.diag(coupled)))
    run = play(best, game, steps=1000, start=game.starts(12, 1, spread=0.1), replicas=12)
    assert game.error(run.points[-1]).max() < 1e-12


def test_refusals():
    bilinear = BilinearGame(1.0)
    cases = [
        (DomainError, "touches the origin", {"kind": HeavyBall, "spectrum": [1j]}),
        (DomainError, "touches the origin", {"kind": HeavyBall, "spectrum": [0.0, 1.0]}),
        (DomainError, "real parts from -1 to 1", {"kind": GradientDescent, "spectrum": [-1, 1]}),
        (DomainError, "sign of an ascent", {"kind": HeavyBall, "spectrum": [-1 + 1j, -1 - 1j]}),
        (DomainError, "holds 0, on which no", {"kind": OptimisticGradient, "spectrum": [0.0, 1j]}),
        (DomainError, "must hold finite numbers", {"kind": HeavyBall, "spectrum": []}),
        (DomainError, "leaves a direction uncoupled",
         {"kind": HeavyBall, "game": BilinearGame(np.ones((2, 3)))}),
        (DomainError, "leaves a direction uncoupled",
         {"kind": HeavyBall, "game": BilinearGame(np.diag([1.0, 0.0]))}),
        (DomainError, "leaves a direction uncoupled",
         {"kind": HeavyBall, "game": QuadraticGame(0, np.ones((2, 3)), 0)}),
        (DomainError, r"CovarianceGame\(size=2\) leaves a direction uncoupled",
         {"kind": HeavyBall, "game": CovarianceGame(np.eye(2))}),
        (DomainError, "tune asks for one of three", {"kind": HeavyBall}),
        (DomainError, "tune asks for one of three",
         {"kind": HeavyBall, "game": bilinear, "spectrum": [1.0]}),
        (DomainError, "An order of play is for a game",
         {"kind": HeavyBall, "spectrum": [1.0], "play": "alternating"}),
        (DomainError, "is no game", {"kind": HeavyBall, "game": 3.0}),
        (DomainError, "Several kinds are for the players of a game",
         {"kind": (HeavyBall, GradientDescent), "spectrum": [1.0]}),
        (DomainError, "There are 3 kinds for 2 players; give one for all, or one each",
         {"kind": [HeavyBall] * 3, "game": bilinear}),
        (DomainError, "leave 5 parameters to search, but at most 4",
         {"kind": (ComplexMomentum, ComplexMomentum), "game": bilinear}),
        (DomainError, "Players who move at once take",
         {"kind": (Extragradient, HeavyBall), "game": bilinear, "play": "simultaneous"}),
        (UnknownNameError, "No method tuned for complex curvatures is called 'chebyshev'",
         {"kind": (HeavyBall, "chebyshev"), "game": bilinear}),
        (UnknownNameError, "No method tuned for complex curvatures is called 'chebyshev'",
         {"kind": "chebyshev", "spectrum": [1.0]}),
    ]  # fmt: skip
    for error, words, settings in cases:
        with pytest.raises(error, match=words):
            tune(settings.pop("kind"), **settings)


@pytest.mark.slow
def test_descent_in_turn_never_converges_on_a_bilinear_game():
    with pytest.raises(DomainError, match="No gradient-descent converges here"):
        tune(GradientDescent, game=BilinearGame(1.0))
