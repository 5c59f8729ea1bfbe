"""Exact risk paths against runs, least squares and ridge; limits of sharpness; modified losses."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    GradientDescent,
    HeavyBall,
    LeastSquares,
    Nesterov,
    NotTraceableError,
    OptimisticGradient,
    ShapeError,
    UnknownNameError,
    eigenvalues,
    limit_risk_path,
    mean_square_radius,
    mini_batch_limit,
    modified_loss,
    ridge_path,
    ridge_ratio,
    risk_path,
    sharpness_limit,
    simulate,
    spectral_radius,
    symbol,
)
from momentum_dynamics.laws import generalization, minibatch

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=0.6),
    Nesterov(learning_rate=0.2, momentum=0.6),
]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)


def design(samples, features, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, features)), rng.normal(size=features)


@every_method
@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_risk_is_that_of_unit_vectors_of_noise(method, shape):
    """Risk is quadratic in the noise: the truth alone, plus every unit vector of noise alone."""
    X, truth = design(*shape)
    path = risk_path(method, X, truth, 0.7, 12)
    clean = simulate(method, LeastSquares(X, X @ truth), steps=12, engine="direct").outputs - truth
    noise = [
        simulate(method, LeastSquares(X, unit), steps=12, engine="direct").outputs
        for unit in np.eye(len(X))
    ]
    assert path.bias == pytest.approx((clean**2).sum(axis=1), rel=1e-10)
    expected = 0.7 * sum((run**2).sum(axis=1) for run in noise)
    assert path.variance == pytest.approx(expected, rel=1e-10, abs=1e-14)


def test_batches_of_methods_are_paths_side_by_side():
    X, truth = design(9, 4)
    momenta = np.array([0.0, 0.5, 0.9])
    both = risk_path(HeavyBall(learning_rate=0.1, momentum=momenta), X, truth, 1.0, 20)
    assert both.risk.shape == (21, 3)
    for column, momentum in enumerate(momenta):
        alone = risk_path(HeavyBall(learning_rate=0.1, momentum=momentum), X, truth, 1.0, 20)
        assert both.risk[:, column] == pytest.approx(alone.risk, rel=1e-12)
        assert both.best_steps[column] == alone.best_steps
        assert both.best_risk[column] == pytest.approx(alone.risk.min())


def test_ridge_is_ridge():
    X, truth = design(9, 4)
    path = ridge_path(X, truth, 0.7, [0.01, 0.3])
    for place, amount in enumerate((0.01, 0.3)):
        inverse = np.linalg.inv(X.T @ X / 9 + amount * np.eye(4))
        bias = amount * inverse @ truth
        spread = 0.7 / 81 * np.trace(X @ inverse @ inverse @ X.T)
        assert path.bias[place] == pytest.approx(bias @ bias)
        assert path.variance[place] == pytest.approx(spread)
    assert path.best_risk == path.risk.min()
    assert "2 ridges" in repr(path)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.5])
def test_limit_holds_the_whole_mass_and_the_known_moments(ratio):
    start = limit_risk_path(
        GradientDescent(learning_rate=0.1),
        aspect_ratio=ratio,
        noise_variance=2.0,
        steps=1,
        signal=3.0,
    )
    assert start.bias[0] == pytest.approx(3.0)
    # One step leaves 1 − αh: the mean of h is 1, of h² it is 1 + r.
    assert start.bias[1] == pytest.approx(3 * (1 - 0.2 + 0.01 * (1 + ratio)))
    assert start.variance[1] == pytest.approx(2 * ratio * 0.01)


def test_open_directions_keep_their_bias():
    path = limit_risk_path(
        HeavyBall(learning_rate=0.2, momentum=0.5), aspect_ratio=4.0, noise_variance=0.0, steps=400
    )
    assert path.bias[-1] == pytest.approx(1 - 1 / 4, abs=1e-9)
    assert "400 steps" in repr(path)


def test_noise_is_one_number():
    """A row of them would be broadcast along the directions, as if noise belonged to features."""
    X, truth = design(9, 4)
    ball = METHODS[1]
    for ask in (
        lambda: risk_path(ball, X, truth, [0.1, 0.2, 0.3, 0.4], 3),
        lambda: ridge_path(X, truth, [0.1, 0.2, 0.3, 0.4], 1.0),
        lambda: limit_risk_path(ball, aspect_ratio=0.5, noise_variance=[1.0, 2.0], steps=3),
    ):
        with pytest.raises(ShapeError, match="noise_variance has shape"):
            ask()


def test_the_best_time_and_the_best_ridge_are_inside():
    """With as much noise as truth bias alone, which falls for ever, would choose the ends."""
    X, truth = design(9, 4)
    path = risk_path(GradientDescent(learning_rate=0.05), X, truth, 20.0, 300)
    stopped = int(path.best_steps)
    assert 0 < stopped < 300
    assert path.risk[[stopped - 1, stopped + 1]].min() >= path.risk[stopped] == path.best_risk
    amounts = np.logspace(-4, 4, 41)
    ridges = ridge_path(X, truth, 20.0, amounts)
    assert amounts[0] < ridges.best_ridge < amounts[-1]
    assert ridges.best_risk == ridge_path(X, truth, 20.0, ridges.best_ridge).risk[0]


def test_the_best_ridge_is_never_beaten_along_a_direction():
    h = np.geomspace(1e-3, 3, 60)
    for momentum in (0.0, 0.9, 0.97):
        ball = HeavyBall(learning_rate=0.01, momentum=momentum)
        assert ridge_ratio(ball, h, 80, 0.05).min() >= 1


def test_flow_is_the_limit_of_small_steps():
    h = np.array([0.3, 1.0, 4.0])
    found = ridge_ratio(GradientDescent(learning_rate=1e-4), h, 10_000, 1.0)
    assert found == pytest.approx(generalization.flow_ridge_ratio(1.0, h), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda X, w: risk_path(METHODS[0], X, w[:-1], 1.0, 3), ShapeError, "truth"),
        (lambda X, w: risk_path(METHODS[0], X, w * np.nan, 1.0, 3), DomainError, "finite"),
        (lambda X, w: risk_path(METHODS[0], X, w, -1.0, 3), DomainError, "noise_variance"),
        (lambda X, w: risk_path(METHODS[0], X, w, 1.0, -3), DomainError, "steps"),
        (
            lambda X, w: risk_path(
                GradientDescent(learning_rate=symbol("learning_rate")), X, w, 1, 3
            ),
            NotTraceableError,
            "residual_polynomial",
        ),
        (lambda X, w: ridge_path(X, w, 1.0, [0.0]), DomainError, "ridge"),
        (lambda _, __: ridge_ratio(METHODS[0], [0.0], 3, 1.0), DomainError, "positive"),
        (
            lambda _, __: limit_risk_path(METHODS[0], aspect_ratio=0.0, noise_variance=1, steps=3),
            DomainError,
            "aspect_ratio",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call(*design(6, 3))


# Sharpness -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [HeavyBall, Nesterov])
def test_full_batch_limit_is_where_the_radius_is_one(kind):
    limit = sharpness_limit(kind, learning_rate=0.3, momentum=0.7)
    method = kind(learning_rate=0.3, momentum=0.7)
    assert spectral_radius(method, limit * (1 - 1e-6)) < 1
    assert spectral_radius(method, limit * (1 + 1e-6)) > 1


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov", "gradient-descent"])
def test_limit_in_mean_square_inverts_that_of_the_step(kind):
    momentum = 0 if kind == "gradient-descent" else 0.6
    limit = sharpness_limit(kind, learning_rate=0.2, momentum=momentum, curvature_variance=3.0)
    step = mini_batch_limit(kind, curvature=limit, momentum=momentum, curvature_variance=3.0)
    assert step == pytest.approx(0.2, rel=1e-6)
    if kind == "heavy-ball":
        ball = HeavyBall(learning_rate=0.2, momentum=0.6)
        assert mean_square_radius(ball, limit, 3.0) == pytest.approx(1, abs=1e-6)
        law = minibatch.mean_square_sharpness_limit(0.2, 0.6, 3.0)
        assert limit == pytest.approx(law, rel=1e-9)


def test_no_mean_is_stable_beyond_the_nonuniformity():
    bearable = float(minibatch.nonuniformity_limit(0.2, 0.6, 1, 10**9)) ** 2
    near = sharpness_limit(
        "heavy-ball", learning_rate=0.2, momentum=0.6, curvature_variance=bearable * (1 - 1e-6)
    )
    assert near == pytest.approx(1.6 / 0.2, rel=1e-2)
    with pytest.raises(DomainError, match="No curvature is stable"):
        sharpness_limit(
            "heavy-ball", learning_rate=0.2, momentum=0.6, curvature_variance=bearable * 1.001
        )


def test_symbols_give_the_formula_where_there_is_one():
    alpha, beta, tau = map(symbol, ("learning_rate", "momentum", "curvature_variance"))
    found = sharpness_limit("nesterov", learning_rate=alpha, momentum=beta)
    assert sympy.simplify(found - 2 * (1 + beta) / (alpha * (1 + 2 * beta))) == 0
    noisy = sharpness_limit(
        "heavy-ball", learning_rate=alpha, momentum=beta, curvature_variance=tau
    )
    assert noisy == minibatch.mean_square_sharpness_limit(alpha, beta, tau)
    assert sharpness_limit("gradient-descent", learning_rate=alpha, momentum=0.9) == 2 / alpha
    with pytest.raises(NotTraceableError, match="no closed form"):
        sharpness_limit("nesterov", learning_rate=alpha, momentum=beta, curvature_variance=tau)


def test_sharpness_limit_refuses():
    with pytest.raises(UnknownNameError, match="heavy-ball"):
        sharpness_limit("heavy-bal", learning_rate=0.1)
    with pytest.raises(DomainError, match="positive"):
        sharpness_limit("heavy-ball", learning_rate=0.0)


# The modified loss -----------------------------------------------------------------------------


@every_method
def test_the_modified_loss_follows_the_slow_pole(method):
    h = 1e-3
    slow = max(abs(np.asarray(eigenvalues(method, h))))
    series = sum(float(c) * h ** (k + 1) for k, c in enumerate(modified_loss(method, order=5)))
    assert series == pytest.approx(-np.log(slow), rel=1e-9)


def test_the_modified_loss_has_the_known_coefficients():
    alpha, beta = symbol("learning_rate"), symbol("momentum")
    ball = HeavyBall(learning_rate=alpha, momentum=beta)
    _, second, third = modified_loss(ball, order=3)
    penalty = generalization.gradient_penalty(alpha, beta)
    assert sympy.simplify(second - 2 * alpha * penalty) == 0
    assert sympy.simplify(third - alpha**3 * (1 + 4 * beta + beta**2) / (3 * (1 - beta) ** 5)) == 0


def test_the_modified_loss_refuses():
    with pytest.raises(DomainError, match="order"):
        modified_loss(METHODS[0], order=0)
    assert modified_loss(METHODS[0], order=2.0) == modified_loss(METHODS[0])
    with pytest.raises(DomainError, match="several slow poles"):
        modified_loss(HeavyBall(learning_rate=0.1, momentum=1.0))
    assert modified_loss(OptimisticGradient(learning_rate=0.1))[0] == sympy.Rational(1, 10)
