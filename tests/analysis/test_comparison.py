"""What the spectrum predicts against what runs on data measure."""

import dataclasses
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

from momentum_dynamics import (
    BilinearGame,
    DomainError,
    LeastSquares,
    NamedData,
    Quadratic,
    Ridge,
    Rosenbrock,
    ShapeError,
    analyze,
    named_data,
    plot,
)
from momentum_dynamics.analysis.ready import prepare
from momentum_dynamics.laws import optima

RNG_SEED = 20


def drawn(samples=60, features=5, seed=RNG_SEED, noise=1.0):
    """Features of mixed scale, and a target that is partly theirs."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((samples, features)) * np.exp(rng.uniform(-1, 1, features))
    y = X @ rng.standard_normal(features) + noise * rng.standard_normal(samples)
    return X, y


def with_column(X, column):
    return np.column_stack([X, column])


def by_name(analysis):
    return {row.name: row for row in analysis.rows}


def agrees(row):
    """Measured as predicted for these steps, and in the long run within twice the uncertainty."""
    gap = 1 - row.predicted
    exact = abs(row.measured - row.expected) <= 2e-3 * gap
    return exact and abs(row.measured - row.predicted) <= 2 * row.uncertainty + 1e-3 * gap


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("noise", [0.0, 30.0])
def test_measured_rates_agree_with_the_spectrum(seed, noise):
    samples, features = 10 + 12 * seed, 2 + seed
    found = analyze(LeastSquares(*drawn(samples, features, seed, noise)))
    assert len(found.rows) == 7
    assert [row.name for row in found.rows if not agrees(row)] == []


def test_predictions_are_those_of_the_textbook():
    found = analyze(LeastSquares(*drawn()))
    kappa, rows = found.condition_number, by_name(found)
    assert kappa == pytest.approx(found.largest_curvature / found.smallest_curvature)
    expected = {
        "gradient descent": optima.gradient_descent_rate(kappa),
        "heavy ball": optima.heavy_ball_rate(kappa),
        "Nesterov": optima.nesterov_quadratic_rate(kappa),
        "Nesterov, standard": optima.nesterov_smooth_rate(kappa),
        "triple momentum": optima.triple_momentum_rate(kappa),
        "Chebyshev": optima.heavy_ball_rate(kappa),
    }
    for name, rate in expected.items():
        assert rows[name].predicted == pytest.approx(rate, abs=1e-7), name
        assert rows[name].gradients_predicted == pytest.approx(
            np.log(1000) / -np.log(rate), rel=1e-5
        )
    rate = optima.robust_momentum_rate(kappa, 0.5)
    assert rows["robust momentum"].predicted == pytest.approx(rate, abs=1e-6)
    ball = optima.heavy_ball(found.smallest_curvature, found.largest_curvature)
    assert rows["heavy ball"].parameters == {
        "learning_rate": ball.learning_rate, "momentum": ball.momentum
    }  # fmt: skip


def test_the_run_is_the_method_on_the_data():
    X, y = drawn()
    found = analyze(LeastSquares(X, y), steps=40)
    solution = np.linalg.lstsq(X, y)[0]
    parameters = by_name(found)["heavy ball"].parameters
    before = weights = np.zeros(X.shape[1])
    distance = [np.linalg.norm(solution)]
    for _ in range(40):
        gradient = X.T @ (X @ weights - y) / len(y)
        step = parameters["momentum"] * (weights - before) - parameters["learning_rate"] * gradient
        before, weights = weights, weights + step
        distance.append(np.linalg.norm(weights - solution))
    row = by_name(found)["heavy ball"]
    assert row.final_distance == pytest.approx(distance[-1] / distance[0], rel=1e-6)
    assert row.gradients_measured == np.flatnonzero(np.array(distance) > distance[0] / 1000)[-1] + 1
    assert (row.steps, row.window) == (40, (20, 40))


@pytest.mark.slow
def test_a_field_that_is_not_the_spectrum_s_is_found_out():
    problem = LeastSquares(*drawn(6, 4))
    names = ("dimension", "start", "solution", "modes", "rank", "spectrum")
    halved = SimpleNamespace(
        field=lambda point: problem.field(point) / 2,
        **{name: getattr(problem, name) for name in names},
    )
    assert all(agrees(row) for row in analyze(problem).rows)
    assert not any(agrees(row) for row in analyze(halved).rows)


def test_tall_data_fold_into_the_same_gradient():
    X, y = drawn(500, 6)
    problem = Ridge(X, y, ridge=0.3)
    run = prepare(problem)
    assert run.cost < 4 * 7 * 7
    points = np.random.default_rng(0).standard_normal((10, 6))
    np.testing.assert_allclose(run.field(points), problem.field(points), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_named_data_bring_their_name_and_take_a_ridge():
    X, y = drawn()
    names = tuple("abcde")
    data = NamedData(X=X, y=y, features=names, target="z", name="drawn.csv")
    found, plain = analyze(data, ridge=0.5), analyze(data)
    assert (found.name, found.samples, found.features, found.ridge) == ("drawn.csv", 60, 5, 0.5)
    assert found.smallest_curvature == pytest.approx(plain.smallest_curvature + 0.5)
    assert analyze(data, name="mine").name == "mine"
    assert analyze(Ridge(X, y, ridge=0.5)).rows == found.rows
    assert all(agrees(row) for row in found.rows)


def test_fewer_rows_than_columns():
    X, y = drawn(12, 40)
    found = analyze(LeastSquares(X, y))
    curvatures = np.linalg.eigvalsh(X @ X.T / 12)
    assert (found.rank, found.dropped) == (12, 28)
    assert found.smallest_curvature == pytest.approx(curvatures[0])
    assert found.largest_curvature == pytest.approx(curvatures[-1])
    assert found.notes[0].startswith("28 of 40 curvatures are zero (fewer rows than columns")
    assert all(agrees(row) for row in found.rows)


@pytest.mark.parametrize("samples", [30, 500])
def test_one_hot_columns_with_an_intercept(samples):
    rng = np.random.default_rng(3)
    one_hot = np.eye(4)[rng.integers(0, 4, samples)]
    X = np.column_stack([np.ones(samples), one_hot, rng.standard_normal(samples)])
    found = analyze(LeastSquares(X, rng.standard_normal(samples)))
    assert (found.rank, found.dropped, found.features) == (5, 1, 6)
    assert found.condition_number < 100
    assert found.notes[0].startswith("1 of 6 curvatures is zero")
    assert all(agrees(row) for row in found.rows)


def test_zero_and_repeated_columns():
    X, y = drawn()
    found = analyze(LeastSquares(with_column(with_column(X, 0 * y), X[:, 0]), y))
    assert (found.rank, found.dropped) == (5, 2)
    assert all(agrees(row) for row in found.rows)


@pytest.mark.slow
def test_a_ridge_fills_the_rank_and_what_lies_still_is_said():
    X, y = drawn(12, 20)
    found = analyze(Ridge(X, y, ridge=0.01))
    assert (found.rank, found.dropped, found.smallest_curvature) == (12, 0, 0.01)
    assert found.notes[0].startswith("From this start nothing moves along the curvatures below")
    assert by_name(found)["robust momentum"].measured < by_name(found)["robust momentum"].predicted
    for row in found.rows:
        assert row.measured == pytest.approx(row.expected, abs=2e-3 * (1 - row.predicted))


def test_equal_curvatures_need_one_step_and_no_momentum():
    for problem in (
        LeastSquares(np.eye(4), np.arange(4.0)),
        LeastSquares(*drawn(30, 1)),
        LeastSquares(np.linalg.qr(drawn()[0])[0], drawn()[1]),
        Quadratic(np.ones((3, 3))),
    ):
        found = analyze(problem)
        assert found.condition_number == pytest.approx(1, abs=1e-12)
        assert "robust momentum" not in by_name(found)
        assert any("robust momentum is left out" in note for note in found.notes)
        for row in found.rows:
            assert row.measured == pytest.approx(0, abs=1e-12)
            assert (row.gradients_measured, row.gradients_predicted) == (1, 1)
            assert row.parameters.get("momentum", 0) == pytest.approx(0, abs=1e-12)


def test_constant_target_is_nothing_special():
    X, _ = drawn()
    assert all(agrees(row) for row in analyze(LeastSquares(X, np.full(60, 7.0))).rows)


def test_already_solved():
    X, y = drawn()
    residual = y - X @ np.linalg.lstsq(X, y)[0]
    for target in (np.zeros(60), residual, 1e6 * residual):
        found = analyze(LeastSquares(X, target))
        assert "Already solved" in found.notes[-1]
        for row in found.rows:
            assert (row.measured, row.expected, row.steps, row.outcome) == (
                None, None, 0, "converged"
            )  # fmt: skip
        assert "None" not in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("closeness", [1e-7, 1e-10])
def test_vast_condition_number_is_said_with_the_ridge_that_helps(closeness):
    X, y = drawn(50, 3)
    nearly = with_column(X, X[:, 0] + closeness * np.random.default_rng(1).standard_normal(50))
    begun = time.monotonic()
    found = analyze(LeastSquares(nearly, y))
    assert time.monotonic() - begun < 20
    assert found.condition_number > 1e12
    note = next(note for note in found.notes if "is vast" in note)
    ridge = float(note.split("add a ridge: ")[1].split()[0])
    assert analyze(Ridge(nearly, y, ridge=ridge), steps=1).condition_number == pytest.approx(
        1e4, rel=0.05
    )
    assert {row.outcome for row in found.rows} == {"budget_spent"}
    assert all(np.isfinite(row.measured) for row in found.rows)


@pytest.mark.slow
def test_slow_problem_spends_its_budget_and_is_predicted_for_these_steps():
    X, y = drawn(50, 3)
    found = analyze(LeastSquares(X * [1, 20, 300], y))
    assert found.condition_number > 3e4
    descent = by_name(found)["gradient descent"]
    assert descent.outcome == "budget_spent"
    assert descent.gradients_measured is None
    assert "gradient descent" in found.notes[-1]
    assert "heavy ball" not in found.notes[-1]
    assert by_name(found)["heavy ball"].outcome == "converged"
    for row in found.rows:
        assert abs(row.measured - row.expected) <= 0.01 * (1 - row.predicted)


def test_steps_are_as_asked():
    found = analyze(LeastSquares(*drawn()), steps=7)
    assert {row.steps for row in found.rows} == {7}
    assert "budget of 7 steps was spent" in found.notes[-1]
    assert "(all methods)" in found.notes[-1]


def test_quadratics_from_a_spectrum_and_from_a_matrix():
    turned = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))[0]
    spectrum = np.array([0.0, 1.0, 4.0, 9.0])
    flat = analyze(Quadratic(spectrum))
    full = analyze(Quadratic(turned * spectrum @ turned.T))
    assert (flat.samples, flat.features, flat.rank, flat.dropped) == (None, 4, 3, 1)
    assert flat.condition_number == 9
    assert (full.rank, full.condition_number) == (3, pytest.approx(9))
    assert "fewer rows" not in flat.notes[0]
    for one, other in zip(flat.rows, full.rows, strict=True):
        assert agrees(one)
        assert agrees(other)
        assert one.measured == pytest.approx(other.measured, rel=0.05)


def test_a_spectrum_is_exact_however_small():
    assert analyze(Quadratic([1e-30, 1.0]), steps=1).condition_number == pytest.approx(1e30)


@pytest.mark.parametrize(
    ("problem", "options", "error", "sentence"),
    [
        (Quadratic([-1.0, 1.0]), {}, DomainError, "smallest curvature is -1, a saddle"),
        (Quadratic([0.0, 0.0]), {}, DomainError, "Every curvature is zero"),
        (Quadratic([1.0]), {"steps": 0}, DomainError, "steps is 0, but must be a whole number"),
        (Quadratic([1.0]), {"steps": 1.5}, DomainError, "steps is 1.5"),
        (Quadratic([1.0]), {"steps": 10**12}, DomainError, "does not fit into memory"),
        (Quadratic([1.0]), {"ridge": 1.0}, DomainError, "Ridge(X, y, ridge=…)"),
        (Rosenbrock(), {}, ShapeError, "Rosenbrock has no fixed spectrum"),
        (BilinearGame(1.0), {}, ShapeError, "BilinearGame has no fixed spectrum"),
        (np.eye(3), {}, ShapeError, "ndarray has no fixed spectrum"),
    ],
)
def test_what_cannot_be_analyzed(problem, options, error, sentence):
    with pytest.raises(error) as caught:
        analyze(problem, **options)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("factor", [1e308, 1e200, 1e-200])
def test_numbers_that_cannot_be_squared_are_refused_by_column(factor):
    X, y = drawn()
    X = X / np.abs(X).max()
    names = tuple("abcde")
    for data in (
        NamedData(X=X * factor, y=y, features=names, target="z", name="drawn"),
        NamedData(X=X, y=y / np.abs(y).max() * factor, features=names, target="z", name="drawn"),
    ):
        with pytest.raises(DomainError, match=r"column '[a-ez]' is .* rescale it"):
            analyze(data)
        with pytest.raises(DomainError, match=r"number of [Xy] is .* rescale it"):
            analyze(LeastSquares(data.X, data.y))
        if factor == 1e308:
            assert all(agrees(row) for row in analyze(data.standardized()).rows)


def test_zero_features_are_refused():
    with pytest.raises(DomainError, match="Every entry of X is zero"):
        analyze(LeastSquares(np.zeros((5, 2)), np.ones(5)))


def test_json_and_text():
    found = analyze(LeastSquares(*drawn()), name="<b>drawn</b>")
    entry = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert entry["condition_number"] == found.condition_number
    assert entry["rows"][1]["parameters"]["momentum"] == found.rows[1].parameters["momentum"]
    assert entry["rows"][1]["window"] == list(found.rows[1].window)
    for row in found.rows:
        assert row.name in str(found)
        assert row.name in found._repr_html_()
    assert "60 samples, 5 features, rank 5" in str(found)
    assert "<b>" not in found._repr_html_()
    assert max(map(len, str(found).splitlines())) <= 130
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.ridge = 1.0


def test_what_is_not_finite_becomes_null():
    found = analyze(Quadratic([1e-30, 1.0]), steps=2)
    descent = by_name(found)["gradient descent"]
    assert descent.gradients_predicted == np.inf
    assert found.to_dict()["rows"][0]["gradients_predicted"] is None
    assert "no end" in str(found)


@pytest.mark.slow
def test_plot_draws_an_analysis_even_without_measurements():
    axes = plot(analyze(LeastSquares(*drawn()), name="drawn"))
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert "heavy ball" in labels
    plot(analyze(LeastSquares(drawn()[0], np.zeros(60))))


@pytest.mark.slow
def test_many_rows_and_many_columns_in_reasonable_time():
    begun = time.monotonic()
    tall = analyze(LeastSquares(*drawn(50_000, 100)))
    wide = analyze(LeastSquares(*drawn(100, 2000)))
    assert time.monotonic() - begun < 60
    for row in (*tall.rows, *wide.rows):
        assert abs(row.measured - row.expected) <= 2e-3 * (1 - row.predicted)
    assert (tall.samples, wide.features) == (50_000, 2000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "condition_number"), [("diabetes", 470.1), ("wine", 45.52), ("breast-cancer", 99829)]
)
def test_shipped_data(name, condition_number):
    found = analyze(named_data(name))
    assert found.condition_number == pytest.approx(condition_number, rel=1e-3)
    assert all(agrees(row) for row in found.rows if row.outcome == "converged")
    assert by_name(found)["heavy ball"].outcome == "converged"
