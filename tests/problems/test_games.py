"""Games: each player's part, families and symbols, transforms, and what is refused."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Alternating,
    BilinearGame,
    Consensus,
    CovarianceGame,
    DiracGAN,
    DomainError,
    DoubleWell,
    GradientDescent,
    HamiltonianDescent,
    LinearGame,
    NotTraceableError,
    Proximal,
    QuadraticGame,
    RingGAN,
    SaddleChain,
    ShapeError,
    UnknownNameError,
    play,
    spectral_radius,
    symbol,
)
from momentum_dynamics.problems.games import Game, is_game
from momentum_dynamics.problems.transforms import is_linear_game

MATRIX = np.arange(1.0, 7.0).reshape(2, 3)
GAMES = [
    BilinearGame(MATRIX),
    QuadraticGame(np.eye(2), MATRIX, 2 * np.eye(3)),
    LinearGame(np.arange(16.0).reshape(4, 4), sizes=(1, 2, 1)),
    Consensus(BilinearGame(MATRIX), 0.2),
    HamiltonianDescent(BilinearGame(MATRIX)),
    Proximal(QuadraticGame(0.1, 1.0, 0.2), 0.5),
]


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_the_players_share_the_field(game):
    assert is_game(game)
    assert isinstance(game, Game)
    points = np.random.default_rng(1).normal(size=(4, game.dimension))
    parts = [game.player_field(index, points) for index in range(len(game.sizes))]
    assert [part.shape[-1] for part in parts] == list(game.sizes)
    np.testing.assert_allclose(np.concatenate(parts, axis=-1), game.field(points))
    np.testing.assert_allclose(game.field(points), points @ game.jacobian().T, atol=1e-12)


def test_the_second_player_ascends():
    game, point = QuadraticGame(2.0, 3.0, 4.0), np.array([0.7, -0.4])
    x, y = point
    np.testing.assert_allclose(game.field(point), [2 * x + 3 * y, -(3 * x - 4 * y)])


def test_families_and_symbols():
    family = QuadraticGame.family(0.1, np.array([1.0, 2.0])[:, None], np.zeros(3))
    assert family.spectrum().shape == (2, 3, 2)
    a = symbol("curvature")
    game = QuadraticGame(a, symbol("coupling"), a)
    assert game.jacobian() == sympy.Matrix([[a, symbol("coupling")], [-symbol("coupling"), a]])
    expected = [a - sympy.I * symbol("coupling"), a + sympy.I * symbol("coupling")]
    assert all(
        any(sympy.simplify(value - other) == 0 for other in expected) for value in game.spectrum()
    )


def test_transforms_move_the_spectrum():
    np.testing.assert_allclose(
        np.sort_complex(Consensus(BilinearGame(2.0), 0.5).spectrum()), [2 - 2j, 2 + 2j]
    )
    np.testing.assert_allclose(HamiltonianDescent(BilinearGame(3.0)).spectrum(), [9, 9])
    for step in (0.3, 30.0):
        implicit = Proximal(BilinearGame(1.0), step)
        radius = spectral_radius(GradientDescent(learning_rate=step), implicit, play="simultaneous")
        assert radius == pytest.approx(1 / np.sqrt(1 + step**2))


@pytest.mark.parametrize(
    "transform",
    [lambda game, _: HamiltonianDescent(game), Consensus, Proximal],
    ids=["hamiltonian", "consensus", "proximal"],
)
def test_transforms_take_symbols(transform):
    """The same matrix, with the symbols put in before or after."""
    names = [symbol(name) for name in ("curvature", "singular_value", "learning_rate")]
    a, s, amount = names
    values = dict(zip(names, (0.3, 1.2, 0.7), strict=True))
    told = transform(QuadraticGame(a, s, 2 * a), amount)
    expected = transform(QuadraticGame(0.3, 1.2, 0.6), 0.7).jacobian()
    found = np.array(told.jacobian().subs(values).tolist(), dtype=float)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert "alpha" in repr(Consensus(BilinearGame(1.0), amount))
    roots = np.array([complex(value.subs(values)) for value in told.spectrum()])
    np.testing.assert_allclose(
        np.sort_complex(roots), np.sort_complex(np.linalg.eigvals(expected).astype(complex))
    )
    with pytest.raises(NotTraceableError, match="holds SymPy symbols"):
        play(GradientDescent(learning_rate=0.1), told, steps=1)


def test_what_a_game_gives_away_is_a_copy():
    game, ascents = LinearGame(np.eye(2), (1, 1)), np.ones(2)
    game.jacobian()[0, 0] = 7
    chain = SaddleChain(ascents)
    ascents[0] = 7
    assert game.jacobian()[0, 0] == chain.ascents[0] == 1


def test_a_transform_is_as_linear_as_its_game():
    assert is_linear_game(Consensus(HamiltonianDescent(BilinearGame(1.0)), 0.1))
    assert not is_linear_game(Consensus(DiracGAN(), 0.1))


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2)])
def test_paired_modes_pair_the_players(shape):
    game = BilinearGame(np.random.default_rng(0).normal(size=shape))
    values, directions = game.paired_modes
    rows, columns = shape
    np.testing.assert_allclose(directions.T @ directions, np.eye(rows + columns), atol=1e-12)
    coupling = np.zeros(shape)
    np.fill_diagonal(coupling, values)
    assert len(values) == max(shape)
    found = directions[:rows, :rows].T @ game.matrix @ directions[rows:, rows:]
    np.testing.assert_allclose(found, coupling, atol=1e-12)


@pytest.mark.parametrize("game", [DiracGAN(), QuadraticGame(0.3, 1.0, 0.2)])
def test_fields_of_transforms_are_slopes_of_half_the_squared_field(game):
    """Away from the equilibrium, where Jacobians of games that are not linear differ from there."""
    point, shift = np.array([0.7, -1.2]), 1e-5 * np.eye(2)
    energy = [(game.field(point + sign * shift) ** 2).sum(axis=-1) / 2 for sign in (1, -1)]
    slope = (energy[0] - energy[1]) / 2e-5
    np.testing.assert_allclose(HamiltonianDescent(game).field(point), slope, rtol=1e-8)
    agreed = Consensus(game, 0.4)
    np.testing.assert_allclose(agreed.field(point), game.field(point) + 0.4 * slope, rtol=1e-8)
    for player in range(2):
        assert agreed.player_field(player, point) == agreed.field(point)[player]


def test_transforms_of_what_is_not_linear():
    """A derivative where it is known, and the walls within which the players stay."""
    clipped = DiracGAN.named("wgan-clip")
    agreed, turned = Consensus(clipped, 0.5), HamiltonianDescent(DiracGAN())
    assert agreed.project(1, np.array([3.0])) == clipped.clip
    assert not hasattr(GAMES[4], "project")
    np.testing.assert_array_equal(turned.jacobian(np.zeros(2)), turned.jacobian())
    shift = 1e-5 * np.eye(2)
    slopes = (turned.field(shift) - turned.field(-shift)).T / 2e-5
    np.testing.assert_allclose(turned.jacobian(), slopes, atol=1e-9)
    with pytest.raises(DomainError, match="has a Jacobian at the equilibrium alone"):
        turned.jacobian(np.ones(2))
    linear = Consensus(GAMES[1], 0.5)
    np.testing.assert_array_equal(linear.jacobian(np.ones(5)), linear.jacobian())


@pytest.mark.parametrize(("error", "words", "build"), [
    (DomainError, "Proximal: .* is not linear", lambda: Proximal(DiracGAN(), 0.1)),
    (DomainError, "Consensus: weight is -1, but must lie in", lambda: Consensus(GAMES[0], -1)),
    (DomainError, "Consensus: weight is 'a'", lambda: Consensus(GAMES[0], "a")),
    (ShapeError, "Proximal: learning_rate has shape", lambda: Proximal(GAMES[0], [0.1, 0.2])),
    (ShapeError, "gradient_penalty has shape", lambda: DiracGAN(gradient_penalty=[1, 2])),
    (ShapeError, "barrier has shape", lambda: DoubleWell(barrier=[1, 2])),
    (ShapeError, "at least one row", lambda: CovarianceGame(np.ones((0, 0)))),
    (DomainError, "Consensus: weight is inf", lambda: Consensus(GAMES[0], np.inf)),
    (DomainError, "Proximal: learning_rate is inf", lambda: Proximal(GAMES[0], np.inf)),
    (DomainError, "not linear; give its linearization", lambda: Proximal(DiracGAN(), 0.5)),
    (ShapeError, "give sizes from 1", lambda: LinearGame(np.eye(2), sizes=(2, 0))),
    (DomainError, "first is -1, but must be a player", lambda: Alternating(first=-1)),
    (DomainError, "does not fit a game of 2", lambda: Alternating(first=2).groups(2)),
    (DomainError, "Consensus: 3 is no game", lambda: Consensus(3, 1.0)),
    (DomainError, "Proximal: learning_rate is 0, but must be", lambda: Proximal(GAMES[0], 0)),
    (UnknownNameError, "No game is called 'gidell'; did you mean 'gidel'",
     lambda: QuadraticGame.named("gidell")),
    (ShapeError, "b is 'two'; give real numbers, or", lambda: QuadraticGame(1.0, "two", 1.0)),
    (ShapeError, "b is 1j; give real numbers", lambda: QuadraticGame(1.0, 1j, 1.0)),
    (ShapeError, r"a, b, c of shapes \(1, 1\), \(1, 0\)", lambda: QuadraticGame(1.0, [], 1.0)),
    (DomainError, "the coupling is 'a', but must hold numbers", lambda: BilinearGame("a")),
    (ShapeError, r"the coupling has shape \(0,\); give", lambda: BilinearGame([])),
    (DomainError, "the covariance is 'a', but must", lambda: CovarianceGame("a")),
    (DomainError, "hidden is 'a', but must be one whole", lambda: RingGAN(hidden="a")),
    (DomainError, "gradient_penalty is 'a'", lambda: DiracGAN(gradient_penalty="a")),
    (DomainError, "inner_steps is 3, but every player", lambda: Alternating(inner_steps=3)),
])  # fmt: skip
def test_refusals(error, words, build):
    with pytest.raises(error, match=words):
        build()
