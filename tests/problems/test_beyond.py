"""Losses beyond quadratics: gradients against differences, convexity, Fractions, refusals."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from momentum_dynamics import (
    CurvatureJump,
    DomainError,
    LogisticRegression,
    PiecewiseQuadratic,
    Polygon,
    ShapeError,
    named_data,
)

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
Y = np.where(X @ [1.0, -1.0, 0.5] + RNG.normal(size=40) > 0, 2.0, 1.0)


def test_logistic_gradient_and_hessian_are_derivatives():
    problem = LogisticRegression(X, Y, ridge=0.1)
    for _ in range(3):
        point, way = RNG.normal(size=(2, 3))
        step = 1e-6 * way
        slope = (problem.loss(point + step) - problem.loss(point - step)) / 2e-6
        assert problem.field(point) @ way == pytest.approx(slope, rel=1e-7)
        bend = (problem.field(point + step) - problem.field(point - step)) / 2e-6
        np.testing.assert_allclose(problem.hessian(point) @ way, bend, rtol=1e-6)


def test_logistic_solution_is_that_of_scikit_learn():
    problem = LogisticRegression(X, Y, ridge=0.1)
    reference = Reference(C=1 / (0.1 * len(X)), fit_intercept=False, tol=1e-12, max_iter=10_000)
    reference.fit(X, Y)
    np.testing.assert_allclose(problem.solution, reference.coef_[0], rtol=1e-6)
    assert np.abs(problem.field(problem.solution)).max() < 1e-15
    np.testing.assert_allclose(
        problem.spectrum(), np.linalg.eigvalsh(problem.hessian(problem.solution))
    )


def test_logistic_without_ridge_where_a_minimum_exists():
    problem = LogisticRegression(X, Y)
    assert np.abs(problem.field(problem.solution)).max() < 1e-14
    batch = problem.field(np.stack([problem.solution, problem.start]))
    np.testing.assert_allclose(batch[1], problem.field(problem.start))


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        ([[1.0], [2.0], [-1.0]], [1, 1, 0]),
        ([[1.0, 0.0], [1.0, 1.0], [0.0, -1.0], [0.0, -2.0]], [1, 1, 0, 0]),
        ([[0.0, 1.0], [0.0, -1.0], [1.0, 1.0]], [1, 1, 1.5]),  # weakly: only one sample decides
    ],
)
def test_separable_classes_need_a_ridge(features, labels):
    with pytest.raises(DomainError, match="separable, so without a ridge"):
        LogisticRegression(features, labels)
    LogisticRegression(features, labels, ridge=0.1)


@pytest.mark.parametrize("units", [1e-9, 1e9])
def test_units_do_not_decide_on_separability(units):
    """One feature tells the classes apart, in units that are tiny or huge beside the other's."""
    labels = np.sign(X[:, 0])
    with pytest.raises(DomainError, match="separable"):
        LogisticRegression(X[:, :2] * [units, 1.0], labels)
    labels[np.argmax(X[:, 0])] = -1
    labels[np.argmin(X[:, 0])] = 1
    problem = LogisticRegression(X[:, :1] * units, labels)
    gradient = problem.field(problem.solution)
    assert np.abs(gradient).max() < 1e-13 * units


def test_shipped_classes_are_not_separable_through_the_origin():
    """Yet nearly: the flattest curvature is 4·10⁶ times as small as the steepest."""
    data = named_data("breast-cancer")
    bare = LogisticRegression(data.X, data.y)
    assert np.abs(bare.field(bare.solution)).max() < 1e-15
    assert np.divide(*bare.spectrum()[[-1, 0]]) > 1e6
    assert LogisticRegression(data.X, data.y, ridge=0.05).spectrum()[0] > 0.05


@pytest.mark.parametrize(
    ("features", "labels", "ridge", "error", "message"),
    [
        (X, np.ones(40), 0.1, DomainError, "1 distinct values"),
        (X, np.arange(40), 0.1, DomainError, "40 distinct values"),
        (X, Y, -1.0, DomainError, "ridge is -1"),
        (X * np.nan, Y, 0.1, DomainError, "not finite"),
        (X, Y[:-1], 0.1, ShapeError, "has shape"),
    ],
)
def test_logistic_refuses(features, labels, ridge, error, message):
    with pytest.raises(error, match=message):
        LogisticRegression(features, labels, ridge=ridge)


@pytest.mark.parametrize("corner", [0.5, 0.3 + 0.2j, -0.2j])
@pytest.mark.parametrize("corners", [3, 5])
def test_polygons_are_smooth_and_strongly_convex(corner, corners):
    problem = Polygon(corner, corners=corners, smallest_curvature=1.0, largest_curvature=6.0)
    first, second = RNG.normal(size=(2, 300, 2))
    gap = first - second
    pull = problem.field(first) - problem.field(second)
    inner, square = (gap * pull).sum(-1), (gap**2).sum(-1)
    assert np.all(inner >= square - 1e-9)
    assert np.all((pull**2).sum(-1) <= 6 * inner + 1e-9)
    way = 1e-6 * RNG.normal(size=(300, 2))
    slope = (problem.loss(first + way) - problem.loss(first - way)) / 2
    np.testing.assert_allclose((problem.field(first) * way).sum(-1), slope, rtol=2e-4, atol=1e-11)
    np.testing.assert_array_equal(problem.field(np.zeros(2)), 0)


def test_nearest_points_are_nearest():
    problem = Polygon(0.6 + 0.1j, corners=4, smallest_curvature=1.0, largest_curvature=2.0)
    corners = problem.corner * np.exp(2j * np.pi * np.arange(4) / 4)
    weights = RNG.dirichlet(np.full(4, 0.3), size=20_000)
    inside = weights @ corners
    for point in RNG.normal(size=(20, 2)):
        near = problem.nearest(point)
        distance = np.hypot(*(point - near))
        assert distance <= np.abs(inside - complex(*point)).min() + 1e-12
        assert distance == pytest.approx(np.abs(inside - complex(*point)).min(), abs=0.05)


def test_piecewise_quadratics_are_exact_on_fractions():
    problem = PiecewiseQuadratic.lessard()
    assert problem.slope(Fraction(3, 2)) == 25 + Fraction(1, 2)
    assert problem.slope(Fraction(3)) == 51
    assert problem.slope(-2) == -50
    place = np.linspace(-3, 4, 29)
    np.testing.assert_allclose(problem.field(place), [float(problem.slope(x)) for x in place])
    turned = PiecewiseQuadratic([-2.0, -1.0], [25.0, 1.0, 25.0])
    np.testing.assert_allclose(turned.field(-place), -problem.field(place))
    assert problem.spectrum() == turned.spectrum() == [25.0]


@pytest.mark.parametrize(
    ("knots", "curvatures", "error"),
    [
        ([1.0], [1.0], ShapeError),
        ([2.0, 1.0], [1, 1, 1], DomainError),
        ([1.0], [1, 0], DomainError),
    ],
)
def test_piecewise_quadratics_refuse(knots, curvatures, error):
    with pytest.raises(error):
        PiecewiseQuadratic(knots, curvatures)


def test_curvature_jumps_or_passes():
    jump = CurvatureJump(inner=100.0, outer=1.0)
    np.testing.assert_allclose(jump.field(np.array([-0.5, 0.0, 2.0])), [-50, 0, 2])
    smooth = CurvatureJump(inner=100.0, outer=1.0, width=0.2)
    far = smooth.curvature(np.array([1e-6, 1.0, 1e6]))
    np.testing.assert_allclose(far, [100, 10, 1], rtol=1e-9)
    with pytest.raises(DomainError):
        CurvatureJump(inner=0.0, outer=1.0)
