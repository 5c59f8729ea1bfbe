"""Problems: field, solution and spectrum tied together, found by inspection; and each by itself."""

import inspect

import numpy as np
import pytest

from momentum_dynamics import (
    Banana,
    BilinearGame,
    Consensus,
    ConvexRosenbrock,
    CovarianceGame,
    CurvatureJump,
    DiracGAN,
    DomainError,
    DoubleWell,
    HamiltonianDescent,
    LeastSquares,
    LinearGame,
    LogisticRegression,
    MonkeySaddle,
    PiecewiseQuadratic,
    Polygon,
    Proximal,
    Quadratic,
    QuadraticGame,
    QuarticSaddle,
    Ridge,
    Rosenbrock,
    SaddleChain,
    ShapeError,
    problems,
    semicircle_saddle,
    wishart_saddle,
)
from momentum_dynamics.problems import LinearProblem
from momentum_dynamics.problems.games import is_game


@pytest.mark.parametrize("saddle", [QuarticSaddle(), SaddleChain([1.0, 0.5])], ids=repr)
def test_saddles_are_left_from_where_runs_start(saddle):
    assert (saddle.start != saddle.solution).all()
    assert saddle.field(saddle.start)[0] < 0


def test_saddles_refuse_what_is_no_number():
    with pytest.raises(DomainError, match="positive number"):
        SaddleChain([1.0, np.inf])
    for wrong in (True, np.nan, np.inf, "a"):
        with pytest.raises(DomainError, match=r"dimension is .* whole number"):
            semicircle_saddle(wrong, shift=0.0, seed=0)


def data(samples, features, seed=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, features)), rng.normal(size=samples)


def symmetric(size, seed=4):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return matrix + matrix.T


DEFICIENT = np.column_stack([data(12, 2)[0], data(12, 2)[0].sum(axis=1)])
EXAMPLES = {
    "spectrum": Quadratic([0.5, -1.0, 3.0], solution=[1.0, 2.0, 3.0]),
    "matrix": Quadratic(symmetric(4), solution=[1.0, 2.0, -3.0, 0.5]),
    "tall": LeastSquares(*data(30, 4)),
    "wide": LeastSquares(*data(3, 6)),
    "square": LeastSquares(*data(4, 4)),
    "deficient": LeastSquares(DEFICIENT, data(12, 1)[1]),
    "ridge": Ridge(*data(30, 4), ridge=0.3),
    "wide ridge": Ridge(*data(3, 6), ridge=0.3),
    "zero ridge": Ridge(np.zeros((3, 2)), np.ones(3), ridge=0.3),
    "valley": Rosenbrock(),
    "long valley": Rosenbrock(5),
    "stretched valley": Rosenbrock(weight=7.0, stretch=-2.0),
    "game": BilinearGame(np.arange(1.0, 7.0).reshape(2, 3)),
    "small game": BilinearGame(0.7),
    "quadratic game": QuadraticGame(symmetric(2), np.arange(6.0).reshape(2, 3), symmetric(3)),
    "gidel": QuadraticGame.named("gidel"),
    "three players": LinearGame(data(4, 4)[0], sizes=(1, 2, 1)),
    "consensus": Consensus(BilinearGame(np.arange(1.0, 7.0).reshape(2, 3)), 0.3),
    "hamiltonian": HamiltonianDescent(QuadraticGame.named("gidel")),
    "proximal": Proximal(QuadraticGame(0.5, 1.0, 0.2), 0.7),
    "dirac": DiracGAN(),
    "dirac, not saturating": DiracGAN("non-saturating", gradient_penalty=0.3),
    "dirac, instance noise": DiracGAN(noise_deviation=0.7),
    "dirac, wasserstein": DiracGAN("wasserstein", gradient_penalty=1.4, noise_deviation=0.5),
    "covariance": CovarianceGame([[2.0, 0.5], [0.5, 1.0]]),
    "banana": Banana(),
    "chain": ConvexRosenbrock(dimension=6, condition_number=30.0),
    "logistic": LogisticRegression(data(30, 4)[0], np.sign(data(30, 4)[1]), ridge=0.2),
    "polygon": Polygon(0.4 + 0.1j, corners=5, smallest_curvature=1.0, largest_curvature=3.0),
    "pieces": PiecewiseQuadratic([-1.5, 1.0, 2.0], [3.0, 25.0, 1.0, 25.0]),
    "quartic": QuarticSaddle(),
    "monkey": MonkeySaddle(),
    "saddles": SaddleChain([1.0, 0.7, 1.3, 0.4]),
    "one saddle": SaddleChain([0.5]),
    "smooth jump": CurvatureJump(inner=10.0, outer=1.0, width=0.3),
    "double well": DoubleWell(barrier=1.5, top=-0.2),
}
every_example = pytest.mark.parametrize("problem", EXAMPLES.values(), ids=list(EXAMPLES))
LINEAR = {name: problem for name, problem in EXAMPLES.items() if hasattr(problem, "modes")}
every_linear = pytest.mark.parametrize("problem", LINEAR.values(), ids=list(LINEAR))


def jacobian(problem, point, step=1e-6):
    """By central differences of the field."""
    columns = [
        (problem.field(point + step * unit) - problem.field(point - step * unit)) / (2 * step)
        for unit in np.eye(problem.dimension)
    ]
    return np.array(columns).T


def test_the_banana_is_the_printed_function():
    x, y = np.random.default_rng(8).normal(size=(2, 50))
    valley = Banana()
    printed = (1 - x) ** 2 + 20 * (3 * y - x**2) ** 2
    np.testing.assert_allclose(valley.loss(np.stack([x, y], axis=-1)), printed, rtol=1e-12)
    np.testing.assert_allclose(valley.solution, [1, 1 / 3])
    assert repr(Rosenbrock(weight=20, stretch=3)) == "Rosenbrock(dimension=2, weight=20, stretch=3)"
    assert repr(Rosenbrock()) == "Rosenbrock(dimension=2)"


@pytest.mark.parametrize(
    "wrong",
    [{"weight": 0.0}, {"weight": np.inf}, {"stretch": 0.0}, {"dimension": 3, "stretch": 2.0}],
)
def test_valleys_that_are_none_are_refused(wrong):
    with pytest.raises(DomainError, match="but must"):
        Rosenbrock(**wrong)


def test_every_problem_has_examples():
    classes = {
        cls
        for name in problems.__all__
        if inspect.isclass(cls := getattr(problems, name)) and hasattr(cls, "field")
    } - {problems.Problem, problems.LinearProblem, problems.Game}
    # The field of mini-batches is random, and nobody knows a network's minimum: they have tests of
    # their own.
    assert classes - {problems.MiniBatches, problems.DigitsNetwork, problems.RingGAN} == {
        type(problem) for problem in EXAMPLES.values()
    }


@every_example
def test_the_field_vanishes_at_the_solution(problem):
    assert problem.solution.shape == (problem.dimension,)
    np.testing.assert_allclose(problem.field(problem.solution), 0, atol=1e-12)


@every_example
def test_spectrum_is_that_of_the_fields_jacobian(problem):
    oracle = np.linalg.eigvals(jacobian(problem, problem.solution)).astype(complex)
    found = np.asarray(problem.spectrum(), dtype=complex)
    assert found.shape == (problem.dimension,)
    np.testing.assert_allclose(
        sorted(found, key=lambda z: (round(z.real, 4), z.imag)),
        sorted(oracle, key=lambda z: (round(z.real, 4), z.imag)),
        rtol=1e-5, atol=1e-5,
    )  # fmt: skip
    if np.isrealobj(problem.spectrum()):
        assert (np.diff(problem.spectrum()) >= 0).all()


@every_example
def test_field_is_the_gradient_of_the_loss(problem):
    if not hasattr(problem, "loss"):
        fine = is_game(problem) or isinstance(problem, CurvatureJump)
        assert fine, "only games and a toy have no loss in closed form"
        return
    rng = np.random.default_rng(5)
    for point in rng.normal(size=(3, problem.dimension)):
        slopes = [
            (problem.loss(point + 1e-6 * unit) - problem.loss(point - 1e-6 * unit)) / 2e-6
            for unit in np.eye(problem.dimension)
        ]
        np.testing.assert_allclose(problem.field(point), slopes, rtol=1e-5, atol=1e-6)


@every_example
def test_field_takes_any_axes_before_the_dimension(problem):
    points = np.random.default_rng(6).normal(size=(2, 3, problem.dimension))
    whole = problem.field(points)
    assert whole.shape == points.shape
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(whole[index], problem.field(points[index]), rtol=1e-12)
    if hasattr(problem, "loss"):
        assert problem.loss(points).shape == (2, 3)


@every_example
def test_start_is_a_point_away_from_the_solution(problem):
    assert problem.start.shape == (problem.dimension,)
    assert np.linalg.norm(problem.start - problem.solution) > 0 or not problem.solution.any()


@every_example
def test_shows_its_size(problem):
    assert type(problem).__name__ in repr(problem)
    assert "0x" not in repr(problem)


@every_linear
def test_modes_split_the_field(problem):
    assert isinstance(problem, LinearProblem)
    curvatures, basis = problem.modes
    basis = np.eye(problem.dimension) if basis is None else basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(problem.dimension), atol=1e-12)
    points = np.random.default_rng(7).normal(size=(4, problem.dimension))
    along = (points - problem.solution) @ basis
    np.testing.assert_allclose(problem.field(points), along * curvatures @ basis.T, atol=1e-11)


def test_problems_that_are_not_linear_have_no_modes():
    assert not isinstance(Rosenbrock(), LinearProblem)
    assert not isinstance(BilinearGame(1.0), LinearProblem)


# Least squares and ridge


@pytest.mark.parametrize("name", ["tall", "wide", "square", "deficient"])
def test_solution_of_least_squares_is_that_of_least_norm(name):
    problem = EXAMPLES[name]
    oracle, _, rank, _ = np.linalg.lstsq(problem.X, problem.y, rcond=None)
    np.testing.assert_allclose(problem.solution, oracle, rtol=1e-9, atol=1e-11)
    assert problem.rank == rank


@pytest.mark.parametrize("name", ["tall", "wide", "square", "deficient", "ridge", "wide ridge"])
def test_spectrum_of_the_data(name):
    problem = EXAMPLES[name]
    hessian = problem.X.T @ problem.X / len(problem.X) + problem.ridge * np.eye(problem.dimension)
    np.testing.assert_allclose(problem.spectrum(), np.linalg.eigvalsh(hessian), atol=1e-13)
    if name in {"wide", "deficient"}:
        assert (problem.spectrum()[: problem.dimension - problem.rank] == 0).all(), "exactly zero"


@pytest.mark.parametrize("name", ["ridge", "wide ridge"])
def test_solution_of_ridge(name):
    problem = EXAMPLES[name]
    samples, features = problem.X.shape
    matrix = problem.X.T @ problem.X / samples + problem.ridge * np.eye(features)
    oracle = np.linalg.solve(matrix, problem.X.T @ problem.y / samples)
    np.testing.assert_allclose(problem.solution, oracle, rtol=1e-9)


def test_ridge_without_ridge_is_least_squares():
    X, y = data(20, 3)
    np.testing.assert_array_equal(Ridge(X, y, ridge=0).solution, LeastSquares(X, y).solution)
    assert isinstance(LeastSquares(X, y), Ridge)


def test_one_hot_columns_beside_a_constant_leave_one_direction_open():
    rng = np.random.default_rng(8)
    kinds = np.eye(3)[rng.integers(3, size=40)]
    problem = LeastSquares(np.column_stack([np.ones(40), kinds]), rng.normal(size=40))
    assert problem.rank == 3
    assert problem.spectrum()[0] == 0
    assert problem.spectrum()[1] > 1e-3


def test_nearly_dependent_columns_are_told_from_dependent_ones():
    X, y = data(50, 2)
    X = np.column_stack([X, X[:, 0] + 1e-6 * data(50, 1, seed=9)[0][:, 0]])
    problem = LeastSquares(X, y)
    assert problem.rank == 3
    oracle = np.linalg.svd(X, compute_uv=False)[-1] ** 2 / 50
    assert problem.spectrum()[0] == pytest.approx(oracle, rel=1e-6)


@pytest.mark.parametrize(
    ("X", "y", "more", "error", "message"),
    [
        (np.ones(3), np.ones(3), {}, ShapeError, "give X as"),
        (np.ones((3, 2)), np.ones(4), {}, ShapeError, r"X has shape \(3, 2\) and y \(4,\)"),
        (np.ones((3, 2)), np.ones((3, 1)), {}, ShapeError, "give X as"),
        (np.ones((3, 0)), np.ones(3), {}, ShapeError, "give X as"),
        (np.ones((1, 2)), np.ones(1), {}, ShapeError, "needs at least 2"),
        ([[1, np.nan], [0, 1]], [1, 2], {}, DomainError, "not finite"),
        ([[1, 1], [0, 1]], [1, np.inf], {}, DomainError, "not finite"),
        (np.zeros((3, 2)), np.ones(3), {}, DomainError, "all curvatures are zero"),
        (np.ones((3, 2)), np.ones(3), {"ridge": -1.0}, DomainError, "ridge is -1.0, but must"),
        (np.ones((3, 2)), np.ones(3), {"ridge": np.nan}, DomainError, "ridge is nan, but must"),
    ],
)
def test_data_that_cannot_be_fitted(X, y, more, error, message):
    with pytest.raises(error, match=message):
        Ridge(X, y, **{"ridge": 0.0, **more})


# Quadratics


def test_quadratic_by_hand():
    problem = Quadratic([[2.0, 1.0], [1.0, 2.0]], solution=[1.0, 0.0])
    np.testing.assert_allclose(problem.spectrum(), [1, 3])
    np.testing.assert_allclose(problem.field(np.array([2.0, 0.0])), [2, 1])
    assert problem.loss(np.array([2.0, 0.0])) == pytest.approx(1.0)
    assert repr(problem) == "Quadratic(dimension=2, spectrum in [1, 3])"
    assert Quadratic(3.0).dimension == 1


def test_matrices_symmetric_to_rounding_are_taken():
    rng = np.random.default_rng(10)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    values = np.array([1e-6, 1.0, 1.0, 1.0, 1.0, 10.0])
    matrix = basis @ np.diag(values) @ basis.T
    matrix[0, 1:] = matrix[1:, 0] = 0
    matrix[0, 1] = 1e-15
    problem = Quadratic(matrix)
    oracle = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(problem.spectrum(), oracle, atol=1e-14)
    np.testing.assert_array_equal(problem.curvature, problem.curvature.T)


@pytest.mark.parametrize(
    ("curvature", "solution", "error", "message"),
    [
        ([], None, ShapeError, r"shape \(0,\); give a spectrum"),
        (np.ones((2, 3)), None, ShapeError, "symmetric matrix"),
        (np.ones((2, 2, 2)), None, ShapeError, "symmetric matrix"),
        ([1.0, np.nan], None, DomainError, "not finite"),
        ([[1.0, 2.0], [0.0, 1.0]], None, DomainError, r"not symmetric; use \(H \+ H.T\) / 2"),
        ([1.0, 2.0], [1.0], ShapeError, r"the solution has shape \(1,\), not \(2,\)"),
    ],
)
def test_what_is_no_quadratic(curvature, solution, error, message):
    with pytest.raises(error, match=message):
        Quadratic(curvature, solution=solution)


# Rosenbrock and games


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_rosenbrock_hessian_by_differences(dimension):
    problem = Rosenbrock(dimension)
    for point in np.random.default_rng(11).normal(size=(3, dimension)):
        np.testing.assert_allclose(
            problem.hessian(point), jacobian(problem, point), rtol=1e-6, atol=1e-4
        )


def test_rosenbrock_is_the_textbooks():
    from scipy.optimize import rosen, rosen_der

    point = np.array([0.3, -0.7, 1.1, 0.4])
    assert Rosenbrock(4).loss(point) == pytest.approx(rosen(point))
    np.testing.assert_allclose(Rosenbrock(4).field(point), rosen_der(point))
    np.testing.assert_allclose(Rosenbrock().start, [-1.2, 1.0])


@pytest.mark.parametrize("dimension", [1, 2.5, -3])
def test_rosenbrock_needs_two_dimensions(dimension):
    with pytest.raises(DomainError, match="must be a whole number from 2"):
        Rosenbrock(dimension)


def test_game_fields_of_both_players():
    game = BilinearGame(np.arange(6.0).reshape(2, 3))
    first, second = np.array([1.0, -1.0]), np.array([0.5, 0.0, 2.0])
    np.testing.assert_allclose(game.first_field(second), game.matrix @ second)
    np.testing.assert_allclose(game.second_field(first), -game.matrix.T @ first)
    np.testing.assert_allclose(
        game.field(np.concatenate([first, second])),
        game.jacobian() @ np.concatenate([first, second]),
    )


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (np.ones((2, 2, 2)), ShapeError, r"shape \(2, 2, 2\); give \(rows, columns\)"),
        (np.ones((0, 2)), ShapeError, "at least one of each"),
        ([[1.0, np.inf]], DomainError, "not finite"),
    ],
)
def test_what_is_no_game(matrix, error, message):
    with pytest.raises(error, match=message):
        BilinearGame(matrix)


def test_a_chain_has_one_way_down_from_each_saddle():
    chain = SaddleChain([1.0, 0.7, 1.3, 0.4])
    for passed in range(4):
        saddle = np.zeros(4)
        saddle[:passed] = [1.0, -1.0, 1.0, -1.0][:passed]
        np.testing.assert_allclose(chain.field(saddle), 0, atol=1e-12)
        found = np.linalg.eigvalsh(jacobian(chain, saddle))
        assert (found < 0).sum() == 1
        assert found[0] == pytest.approx(-chain.ascents[passed], abs=1e-6)
        assert chain.loss(saddle) == pytest.approx(-chain.ascents[:passed].sum() / 4)
    rng = np.random.default_rng(0)
    assert chain.loss(rng.normal(scale=2, size=(1000, 4))).min() > chain.loss(np.ones(4))


@pytest.mark.slow
def test_random_saddles_have_the_spectra_of_random_matrices():
    saddle = semicircle_saddle(300, shift=0.3, seed=1)
    spectrum = saddle.spectrum()
    assert spectrum[[0, -1]] == pytest.approx([-0.7, 1.3], abs=0.05)
    assert spectrum.std() == pytest.approx(0.5, abs=0.01)
    share = 0.5 - (0.3 * np.sqrt(1 - 0.09) + np.arcsin(0.3)) / np.pi
    assert (spectrum < 0).mean() == pytest.approx(share, abs=0.01)
    lowered = wishart_saddle(800, 200, shift=0.5, seed=1).spectrum()
    assert lowered[[0, -1]] == pytest.approx([0.25 - 0.5, 2.25 - 0.5], abs=0.05)
    again = semicircle_saddle(300, shift=0.3, seed=1)
    assert (again.curvature == saddle.curvature).all()


def test_what_is_no_saddle_is_refused():
    with pytest.raises(DomainError, match="no curvature is negative"):
        semicircle_saddle(50, shift=1.5, seed=0)
    with pytest.raises(DomainError, match="no curvature is negative"):
        wishart_saddle(200, 50, shift=0.1, seed=0)
    with pytest.raises(DomainError, match=r"dimension is 2\.5"):
        semicircle_saddle(2.5, shift=0.0, seed=0)
    with pytest.raises(DomainError, match="samples is 0"):
        wishart_saddle(0, 3, shift=0.5, seed=0)
    with pytest.raises(ShapeError, match="one number for each saddle"):
        SaddleChain([])
    with pytest.raises(DomainError, match="positive"):
        SaddleChain([1.0, -1.0])
    with pytest.raises(DomainError, match="dimension is inf"):
        semicircle_saddle(np.inf, shift=0.0, seed=0)
    with pytest.raises(DomainError, match="ascents is 'steep', but must hold numbers"):
        SaddleChain("steep")


def test_a_chain_keeps_ascents_of_its_own():
    given = np.array([1.0, 2.0])
    chain = SaddleChain(given)
    given[0] = -1.0
    np.testing.assert_array_equal(chain.ascents, [1.0, 2.0])
