"""Rounds of games: operators against play, polynomials against the printed ones, engines alike."""

import tracemalloc

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Alternating,
    Averaged,
    BilinearGame,
    ComplexMomentum,
    DomainError,
    Extragradient,
    FixedDelay,
    GradientDescent,
    HeavyBall,
    LinearGame,
    Nesterov,
    NotTraceableError,
    OptimisticGradient,
    Proximal,
    QuadraticGame,
    Scheduled,
    ShapeError,
    Simultaneous,
    TorchSGD,
    UnstableDynamicsError,
    characteristic_polynomial,
    eigenvalues,
    game_operator,
    is_stable,
    play,
    spectral_radius,
    stationary_radius,
    symbol,
)
from momentum_dynamics.dynamics.playing import round_coefficients
from momentum_dynamics.dynamics.polynomials import schur_cohn
from momentum_dynamics.dynamics.quartic_kernels import quartic_map
from momentum_dynamics.dynamics.rounds import round_system
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.separable import separable_state_space

RNG = np.random.default_rng(7)
ROOT = RNG.normal(size=(3, 3))
GAME = QuadraticGame(np.diag([0.3, 0.1]), RNG.normal(size=(2, 3)), ROOT @ ROOT.T / 9)
RING = LinearGame([[1, 0.5, 0], [0, 1, 0.5], [0.5, 0, 1]], sizes=(1, 1, 1))
PLAYS = [
    Simultaneous(),
    Alternating(),
    Alternating(first=1),
    Alternating(inner_steps=(1, 3)),
    Alternating(inner_steps=(2, 1), first=1),
]
METHODS = [
    HeavyBall(learning_rate=0.2, momentum=-0.4),
    (GradientDescent(learning_rate=0.3), Nesterov(learning_rate=0.1, momentum=0.3)),
    OptimisticGradient(learning_rate=0.2),
    Extragradient(learning_rate=0.3),
    ComplexMomentum(learning_rate=0.2, momentum=0.6, phase=1.0),
]


def names(values):
    return [type(value[0] if isinstance(value, tuple) else value).__name__ for value in values]


def rest(methods, sizes, point):
    """The state of all players at rest, in the operator's order."""
    pieces = np.split(point, np.cumsum(sizes)[:-1])
    slots = [
        slot
        for method, piece in zip(methods, pieces, strict=True)
        for slot in method.initial_state(piece)
    ]
    return np.concatenate(slots)


@pytest.mark.parametrize("order", PLAYS, ids=str)
@pytest.mark.parametrize("method", METHODS, ids=names(METHODS))
def test_playing_is_the_power_of_the_operator(method, order):
    run = play(method, GAME, steps=6, play=order)
    methods = method if isinstance(method, tuple) else (method, method)
    system = round_system(method, GAME, order)
    state = rest(methods, GAME.sizes, GAME.start)
    for answer in run.outputs:
        np.testing.assert_allclose(system.readout @ state, answer, rtol=1e-9, atol=1e-12)
        state = system.transition @ state


@pytest.mark.parametrize("order", PLAYS[:4], ids=str)
def test_rounds_before_the_methods_settle(order):
    """Damped methods whose first steps are not, and the second player's first two."""
    damped = TorchSGD(learning_rate=0.2, momentum=0.5, dampening=0.4)
    late = Scheduled(stages=[damped, TorchSGD(learning_rate=0.3, momentum=0.5), damped])
    methods, state = (damped, late), rest((damped, late), GAME.sizes, GAME.start)
    run = play(methods, GAME, steps=5, play=order)
    for count, (point, answer) in enumerate(zip(run.points, run.outputs, strict=True)):
        system = round_system(methods, GAME, order, after=count)
        np.testing.assert_allclose(system.observation @ state, point, rtol=1e-12)
        np.testing.assert_allclose(system.readout @ state, answer, rtol=1e-12)
        state = system.transition @ state
    settled = round_system(methods, GAME, order)
    np.testing.assert_array_equal(system.transition, settled.transition)
    first = round_system(methods, GAME, order, after=0)
    assert not np.allclose(first.transition, settled.transition)


@pytest.mark.parametrize("order", PLAYS[:3], ids=str)
def test_the_settled_round_is_one_that_is_played(order, late_swinging):
    """A transient that is no multiple of the period moves the phase at which rounds begin."""
    methods = (late_swinging, late_swinging)
    settled = round_system(methods, GAME, order)
    for after, same in ((0, False), (1, True), (2, True)):
        system = round_system(methods, GAME, order, after=after)
        assert np.array_equal(system.transition, settled.transition) == same
        assert np.array_equal(system.injection, settled.injection) == same
    run = play(methods, GAME, steps=40, play=order, stride=4)
    state = rest(methods, GAME.sizes, GAME.start)
    state = round_system(methods, GAME, order, after=0).transition @ state
    state = np.linalg.matrix_power(settled.transition, 39) @ state
    np.testing.assert_allclose(settled.readout @ state, run.outputs[-1], rtol=1e-9)


def test_noise_enters_gradient_after_gradient():
    """A later player answers to the noise of the one before, with all its coordinates."""
    step, (first, second) = 0.3, np.split(np.eye(5), [2])
    descent = GradientDescent(learning_rate=step)
    at_once = round_system(descent, GAME, Simultaneous())
    np.testing.assert_allclose(at_once.injection, -step * np.eye(5))
    answer = step**2 * GAME.jacobian()[2:, :2] @ first - step * second
    in_turn = round_system(descent, GAME, Alternating())
    np.testing.assert_allclose(in_turn.injection, np.vstack([-step * first, answer]))


class OneMovesAgain:
    """Both at once, and then the second once more."""

    def groups(self, players):
        return ((0, 1), (1,)) if players == 2 else ()


def test_an_order_of_ones_own():
    method, game = HeavyBall(learning_rate=0.3, momentum=-0.2), QuadraticGame(0.3, 1.0, 0.2)
    order = OneMovesAgain()
    values = np.linalg.eigvals(game_operator(method, game, order))
    radius = np.abs(values).max()
    assert spectral_radius(method, game, play=order) == pytest.approx(radius, rel=1e-9)
    assert is_stable(method, game, play=order) == (radius < 1)


def test_three_players_in_a_ring():
    order = Alternating(inner_steps=(1, 2, 1), first=2)
    assert order.groups(3) == ((2,), (0,), (1,), (1,))
    method = HeavyBall(learning_rate=0.3, momentum=0.2)
    system = round_system(method, RING, order)
    run = play(method, RING, steps=9, play=order)
    state = np.linalg.matrix_power(system.transition, 9) @ np.ones(6)
    np.testing.assert_allclose(system.readout @ state, run.outputs[-1])
    assert spectral_radius(method, RING, play=order) == pytest.approx(
        np.abs(np.linalg.eigvals(system.transition)).max()
    )


A, B, C = sympy.symbols("a b c", real=True)
E1, E2, B1, B2 = sympy.symbols("eta1 eta2 beta1 beta2", real=True)
Z = sympy.Symbol("z")


@pytest.mark.slow
@pytest.mark.parametrize(("order", "power"), [*zip(PLAYS[:3], (2, 3, 3), strict=True)], ids=str)
def test_the_polynomial_of_two_heavy_balls(order, power):
    pair = (
        HeavyBall(learning_rate=E1, momentum=B1),
        HeavyBall(learning_rate=E2, momentum=B2),
    )
    game = QuadraticGame(A, B, C)
    own = Z**2 - (1 + B1 - E1 * A) * Z + B1
    other = Z**2 - (1 + B2 - E2 * C) * Z + B2
    printed = own * other + E1 * E2 * B**2 * Z**power
    assert sympy.expand(game_operator(pair, game, order).charpoly(Z).as_expr() - printed) == 0
    polynomial = characteristic_polynomial(pair, game, play=order)
    assert sympy.expand(polynomial.as_expr() - printed) == 0
    coefficients = round_coefficients(pair, game, order)
    assert all(
        sympy.expand(a - b) == 0 for a, b in zip(coefficients, polynomial.all_coeffs(), strict=True)
    )


def test_the_printed_rows():
    pair = (HeavyBall(learning_rate=E1, momentum=B1), HeavyBall(learning_rate=E2, momentum=B2))
    rows = game_operator(pair, QuadraticGame(A, B, C), "alternating").tolist()
    # The page's state is (x, y, x₋, y₋); ours (x, x₋, y, y₋).
    order = (0, 2, 1, 3)
    printed = [E2 * B * (1 + B1 - E1 * A), 1 + B2 - E2 * C - E1 * E2 * B**2, -E2 * B * B1, -B2]
    found = [rows[2][order.index(index)] for index in range(4)]
    assert all(sympy.expand(a - b) == 0 for a, b in zip(found, printed, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("order", PLAYS[:2], ids=str)
def test_engines_agree(order):
    """The compiled quartic, the companion matrix and the operator's eigenvalues."""
    count = 25_000
    rng = np.random.default_rng(1)
    a, c = rng.uniform(0, 1, (2, count))
    game = QuadraticGame.family(a, rng.normal(size=count), c)
    first = HeavyBall(learning_rate=rng.uniform(0.05, 2, count), momentum=rng.uniform(-1, 1, count))
    second = Nesterov(learning_rate=rng.uniform(0.05, 2, count), momentum=0.3)
    pair = (first, second)
    radius = spectral_radius(pair, game, play=order)
    few = np.abs(np.linalg.eigvals(game_operator(pair, game, order))).max(axis=-1)
    np.testing.assert_allclose(radius, few, rtol=1e-9)
    stable = is_stable(pair, game, play=order)
    np.testing.assert_array_equal(stable, few < 1)
    coefficients = round_coefficients(pair, game, order)
    np.testing.assert_array_equal(stable, schur_cohn(coefficients))


@pytest.mark.slow
def test_the_quartic_knows_degenerate_cases():
    """Roots z⁴ = 0, z⁴ = ±1, biquadratics, and a divergence past all floats."""
    plain = np.zeros((5, 13))
    plain[:, 8] = 1
    # trace 0 and determinants d, e: (z² + d)(z² + e)
    plain[:, 2], plain[:, 6] = [0, 1, -1, 0.25, 0.5], [0, -1, 1, -0.25, 0.5]
    many = np.repeat(plain, 5000, axis=0)
    found = quartic_map(*many.T)[::5000]
    np.testing.assert_allclose(found, [0, 1, 1, 0.5, np.sqrt(0.5)], atol=1e-7)
    many[:, 2] = np.inf
    assert np.isinf(quartic_map(*many.T)).all()


def test_a_large_bilinear_game_is_its_singular_values():
    matrix = np.random.default_rng(2).normal(size=(4, 4))
    method = HeavyBall(learning_rate=np.array([0.1, 0.5]), momentum=-0.3)
    for order in PLAYS:
        whole = np.abs(np.linalg.eigvals(game_operator(method, BilinearGame(matrix), order)))
        radius = spectral_radius(method, BilinearGame(matrix), play=order)
        np.testing.assert_allclose(radius, whole.max(axis=-1), rtol=1e-7)
        np.testing.assert_array_equal(
            is_stable(method, BilinearGame(matrix), play=order), radius < 1
        )
    wide = BilinearGame(matrix[:2])
    assert spectral_radius(HeavyBall(learning_rate=0.1, momentum=-0.3), wide) == pytest.approx(1)
    assert not is_stable(HeavyBall(learning_rate=0.1, momentum=-0.3), wide)


def test_players_at_once_have_the_radius_of_the_spectrum():
    for method in METHODS:
        if not isinstance(method, tuple):
            expected = np.max(spectral_radius(method, GAME.spectrum()))
            operator = game_operator(method, GAME, "simultaneous")
            assert np.abs(np.linalg.eigvals(operator)).max() == pytest.approx(expected, rel=1e-6)
            assert spectral_radius(method, GAME, play="simultaneous") == pytest.approx(expected)


def test_a_proximal_step_is_descent_on_the_transform():
    game, step = QuadraticGame(0.2, 1.0, 0.1), 0.7
    run = play(GradientDescent(learning_rate=step), Proximal(game, step), steps=1,
               play="simultaneous")  # fmt: skip
    implicit = np.linalg.solve(np.eye(2) + step * game.jacobian(), game.start)
    np.testing.assert_allclose(run.outputs[1], implicit)


def test_averages():
    """Orbits in turn are bounded, so their mean falls as 1/t; a running one damps the turn."""
    descent, game = GradientDescent(learning_rate=0.5), BilinearGame(1.0)
    run = play(descent, game, steps=4000)
    mean = np.linalg.norm(run.average, axis=-1)
    np.testing.assert_allclose(run.average[10], run.outputs[:11].mean(axis=0))
    assert mean[-1] < 2e-3
    assert run.distance[-1] > 0.5
    smoothed = Averaged(method=descent, smoothing=0.9)
    damped = play(smoothed, game, steps=400)
    np.testing.assert_allclose(damped.points, run.points[:401])
    turn = np.arccos(1 - 0.5**2 / 2)
    factor = 0.1 / np.abs(1 - 0.9 * np.exp(-1j * turn))
    late = slice(200, 400)
    ratio = np.sqrt((damped.distance[late] ** 2).mean() / (run.distance[late] ** 2).mean())
    assert ratio == pytest.approx(factor, rel=1e-2)
    assert spectral_radius(smoothed, game) == pytest.approx(1)
    batch = Averaged(
        method=HeavyBall(learning_rate=0.3, momentum=np.array([-0.2, -0.4])), smoothing=0.5
    )
    assert play(batch, game, steps=3).outputs.shape == (4, 2, 2)
    with pytest.raises(DomainError, match="smoothing is 1, but must lie"):
        Averaged(method=descent, smoothing=1)


def test_entries_keep_their_own_axes():
    method = HeavyBall(learning_rate=np.ones((5, 1)), momentum=np.full(4, 0.5))
    whole, thin = state_space(method), separable_state_space(method)
    assert np.shape(thin.transition[0][0]) == (4,)
    assert np.shape(thin.injection[0][0]) == (5, 1)
    for part in "ABCDE":
        np.testing.assert_array_equal(
            *np.broadcast_arrays(getattr(whole, part), getattr(thin, part))
        )


def test_the_stationary_radius_is_that_of_answers_apart_from_queries():
    """Responses to each unit of noise, added up over the rounds, where answers are averages."""
    game = QuadraticGame(0.3, 1.0, 0.2)
    method = Averaged(method=HeavyBall(learning_rate=0.2, momentum=-0.3), smoothing=0.8)
    system = round_system(method, game, "alternating")
    assert not np.allclose(system.readout, system.observation)
    state, total = system.injection, 0.0
    for _ in range(400):
        total += 0.7 * np.sum((system.readout @ state) ** 2)
        state = system.transition @ state
    assert stationary_radius(method, game, 0.7) == pytest.approx(np.sqrt(total), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("ask", [spectral_radius, is_stable])
def test_a_grid_is_not_spread_over_the_entries(ask):
    """A map holds few arrays of its size, though a round has sixteen entries at every point."""
    count = 400
    method = HeavyBall(
        learning_rate=np.linspace(0.01, 2.5, count)[:, None],
        momentum=np.linspace(-0.99, 0.99, count),
    )
    ask(method, BilinearGame(1.0))
    tracemalloc.start()
    ask(method, BilinearGame(1.0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 8 * count**2


@pytest.mark.slow
def test_the_stationary_radius_is_met():
    method, game = HeavyBall(learning_rate=0.3, momentum=-0.4), QuadraticGame(0.2, 1.0, 0.1)
    for order in ("simultaneous", "alternating"):
        predicted = stationary_radius(method, game, 0.5, play=order)
        run = play(method, game, steps=150, play=order, replicas=4000, noise_variance=0.5, seed=3)
        square = run.distance[-1] ** 2
        error = square.std() / np.sqrt(square.size)
        assert abs(square.mean() - predicted**2) < 4.5 * error
        again = play(method, game, steps=2, play=order, replicas=3, noise_variance=0.5, seed=3)
        same = play(method, game, steps=2, play=order, replicas=3, noise_variance=0.5, seed=3)
        np.testing.assert_array_equal(again.outputs, same.outputs)
    with pytest.raises(UnstableDynamicsError, match="No stationary radius: a round has spectral"):
        stationary_radius(method, BilinearGame(1.0), 1.0, play="simultaneous")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "order"),
    [
        (HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum")), PLAYS[1]),
        (HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum")), PLAYS[3]),
        (OptimisticGradient(learning_rate=symbol("learning_rate")), PLAYS[0]),
        (Extragradient(learning_rate=symbol("learning_rate")), PLAYS[0]),
    ],
    ids=str,
)
def test_the_stationary_radius_in_symbols(method, order):
    """The same number, with the symbols put in before or after."""
    numbers = {"learning_rate": 0.3, "momentum": -0.4}
    own = {name: numbers[name] for name in vars(method)}
    given = {symbol(name): value for name, value in own.items()}
    given |= {symbol("singular_value"): 0.8, symbol("noise_variance"): 0.25}
    found = stationary_radius(
        method, QuadraticGame(0, symbol("singular_value"), 0), symbol("noise_variance"), play=order
    )
    expected = stationary_radius(type(method)(**own), BilinearGame(0.8), 0.25, play=order)
    assert float(found.subs(given)) == pytest.approx(expected)


def test_the_stationary_radius_takes_noise_as_a_symbol():
    noise = symbol("noise_variance")
    method = HeavyBall(learning_rate=0.3, momentum=np.array([-0.4, -0.2]))
    found = stationary_radius(method, BilinearGame(1.0), noise)
    expected = stationary_radius(method, BilinearGame(1.0), 0.25)
    for ours, number in zip(found, expected, strict=True):
        assert float(ours.subs(noise, 0.25)) == pytest.approx(number)


def test_two_rows_have_a_closed_form():
    alpha, s = symbol("learning_rate"), symbol("singular_value")
    game = QuadraticGame(0, s, 0)
    radius = spectral_radius(GradientDescent(learning_rate=alpha), game, play="simultaneous")
    for value in (0.1, 1.3):
        assert float(radius.subs({alpha: value, s: 1})) == pytest.approx(np.sqrt(1 + value**2))


def test_noise_enters_gradient_by_gradient():
    """x' = x − α(y + ξ₁), y' = y + α(x' − ξ₂): a column for each gradient, in the order of play."""
    system = round_system(GradientDescent(learning_rate=0.5), BilinearGame(1.0), "alternating")
    np.testing.assert_array_equal(system.injection, [[-0.5, 0], [-0.25, -0.5]])
    twice = round_system(
        GradientDescent(learning_rate=0.5), BilinearGame(1.0), Alternating(inner_steps=(1, 2))
    )
    np.testing.assert_array_equal(twice.injection, [[-0.5, 0, 0], [-0.5, -0.5, -0.5]])


def test_a_round_says_where_it_asks_and_what_it_answers():
    system = round_system(
        Nesterov(learning_rate=0.1, momentum=0.5), BilinearGame(1.0), "alternating"
    )
    np.testing.assert_allclose(np.sum(system.observation, axis=-1), 1)
    np.testing.assert_allclose(system.observation.max(axis=-1), 1.5)
    np.testing.assert_array_equal(system.readout.max(axis=-1), 1)


class AllThenFirst:
    def groups(self, players):
        return (tuple(range(players)), (0,))


@pytest.mark.parametrize("game", [BilinearGame(1.0), RING], ids=repr)
def test_players_at_once_and_one_of_them_again(game):
    method = HeavyBall(learning_rate=0.2, momentum=-0.4)
    whole = np.abs(np.linalg.eigvals(game_operator(method, game, AllThenFirst()))).max()
    assert spectral_radius(method, game, play=AllThenFirst()) == pytest.approx(whole, rel=1e-9)
    assert is_stable(method, game, play=AllThenFirst()) == (whole < 1)


def test_one_answer_is_a_scalar_for_curvatures_and_games():
    ball = HeavyBall(learning_rate=0.1, momentum=0.5)
    for subject in (1.0, BilinearGame(1.0), BilinearGame(np.eye(3)), RING):
        assert isinstance(is_stable(ball, subject), np.bool_)
        assert isinstance(spectral_radius(ball, subject), np.float64)


def test_axes_that_do_not_fit_are_named():
    two, three = (GradientDescent(learning_rate=np.full(count, 0.1)) for count in (2, 3))
    with pytest.raises(ShapeError, match="second player"):
        spectral_radius((two, three), BilinearGame(1.0))
    with pytest.raises(ShapeError, match="the game"):
        is_stable(two, QuadraticGame.family(0, [1.0, 2.0, 3.0], 0), play="alternating")


def test_what_overflows_is_not_stable():
    huge = HeavyBall(learning_rate=1e200, momentum=0.1)
    assert not is_stable(huge, BilinearGame(1e200), play="alternating")
    method = HeavyBall(learning_rate=[0.1, 1e308], momentum=-0.4)
    game = QuadraticGame(np.diag([1e3, 1.0]), np.eye(2), np.eye(2))
    with np.errstate(over="ignore", invalid="ignore"):
        radius = spectral_radius(method, game, play="alternating")
        stable = is_stable(method, game, play="alternating")
    assert radius[1] == np.inf
    assert not stable[1]


def test_refusals():
    descent, alpha = GradientDescent(learning_rate=0.1), symbol("learning_rate")
    game = BilinearGame(1.0)
    cases = [
        (DomainError, "An order of play is for a game, but a curvature has one player",
         lambda: spectral_radius(descent, 1.0, play="alternating")),
        (DomainError, "An order of play needs at least two players, but there is 1",
         lambda: spectral_radius(descent, LinearGame([[1.0]], sizes=(1,)))),
        (DomainError, "Staleness in a game is not modeled",
         lambda: is_stable(descent, game, FixedDelay(staleness=1))),
        (ShapeError, r"a, b, c of shapes \(2, 2\), \(1, 1\), \(1, 1\) form no game",
         lambda: QuadraticGame(np.eye(2), 1.0, 1.0)),
        (DomainError, "a is not symmetric; use",
         lambda: QuadraticGame([[1.0, 2.0], [0.0, 1.0]], np.eye(2), np.eye(2))),
        (ShapeError, "players of sizes .1, 1. do not share the 3 coordinates",
         lambda: LinearGame(np.eye(3), sizes=(1, 1))),
        (ShapeError, "give a square matrix", lambda: LinearGame(np.ones((2, 3)), sizes=(2,))),
        (DomainError, "holds a number that is not finite", lambda: QuadraticGame(np.nan, 1.0, 1.0)),
        (ShapeError, "batch axes of a, b, c do not broadcast",
         lambda: QuadraticGame.family([1.0, 2.0], [1.0, 2.0, 3.0], 0)),
        (DomainError, "inner_steps is .0, 1., but every player makes",
         lambda: Alternating(inner_steps=(0, 1))),
        (DomainError, "first is -1, but must be a player", lambda: Alternating(first=-1)),
        (DomainError, "does not fit a game of 2 players",
         lambda: game_operator(descent, game, Alternating(inner_steps=(1, 1, 1)))),
        (DomainError, "is no game; give one such as", lambda: game_operator(descent, 1.0)),
        (DomainError, "is no game; give one such as", lambda: play(descent, 1.0, steps=1)),
        (ShapeError, "played one game at a time",
         lambda: play(descent, QuadraticGame.family(0, [1.0, 2.0], 0), steps=1)),
        (ShapeError, "Every gradient of a game is equally noisy",
         lambda: play(descent, game, steps=1, noise_variance=[1.0, 2.0])),
        (ShapeError, "Players start at rest",
         lambda: play(descent, game, steps=1, start=(np.ones(2),))),
        (NotTraceableError, "answered for numbers only",
         lambda: eigenvalues(GradientDescent(learning_rate=alpha), game)),
        (NotTraceableError, "The operator of a round has 4 rows",
         lambda: spectral_radius(HeavyBall(learning_rate=alpha, momentum=0.5), game)),
        (NotTraceableError, "Symbols and batches of numbers do not mix",
         lambda: game_operator(GradientDescent(learning_rate=alpha),
                               QuadraticGame.family(0, [1.0, 2.0], 0))),
        (ShapeError, "batch axes of the methods and of the game do not broadcast",
         lambda: game_operator(GradientDescent(learning_rate=np.ones(3)),
                               QuadraticGame.family(0, [1.0, 2.0], 0))),
    ]  # fmt: skip
    with pytest.raises(DomainError, match="There are 1 methods for 2 players"):
        play((HeavyBall(learning_rate=0.1, momentum=0.1),), GAME, steps=1)
    for error, words, question in cases:
        with pytest.raises(error, match=words):
            question()
