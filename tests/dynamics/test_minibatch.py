"""Noise of the curvature against enumeration of all sequences, and limits against the operator."""

import itertools

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LeastSquares,
    MiniBatches,
    Nesterov,
    NotTraceableError,
    QuasiHyperbolic,
    Ridge,
    TripleMomentum,
    UnknownNameError,
    UnstableDynamicsError,
    mean_square_radius,
    mini_batch_limit,
    second_moments,
    sharpness_limit,
    spectral_radius,
    stationary_variance,
    symbol,
)
from momentum_dynamics.dynamics.sharpness import bearable_batch_sharpness
from momentum_dynamics.dynamics.stationary import query_variance
from momentum_dynamics.methods.protocol import output_of, stage_of

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=0.7),
    Nesterov(learning_rate=0.3, momentum=0.7),
    QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5),
    TripleMomentum(smallest_curvature=0.1, largest_curvature=2.0),
    Extragradient(learning_rate=0.3),
]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
one_gradient = pytest.mark.parametrize(
    "method", METHODS[:-1], ids=lambda method: type(method).__name__
)


@every_method
def test_moments_are_those_of_all_sequences(method):
    """Curvature 0.8 ± 0.5 and noise ±0.3: every sequence of both signs, weighted equally."""
    steps = 5
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=2 * steps)))
    state = tuple(np.broadcast_to(s, len(signs)) for s in method.initial_state(1.0))
    for step in range(steps):
        stage = stage_of(method, step)
        curvature = 0.8 + 0.5 * signs[:, 2 * step]
        state = stage.update(state, curvature * stage.query(state) + 0.3 * signs[:, 2 * step + 1])
    answer = output_of(method, state)
    moments = second_moments(method, 0.8, 0.09, steps=steps, curvature_variance=0.25)
    assert moments.mean[-1] == pytest.approx(answer.mean(), abs=1e-12)
    assert moments.second_moment[-1] == pytest.approx((answer**2).mean(), rel=1e-12)


@one_gradient
def test_settled_variance_is_where_moments_go(method):
    moments = second_moments(method, 0.8, 0.09, steps=3000, curvature_variance=0.25)
    settled = stationary_variance(method, 0.8, 0.09, curvature_variance=0.25)
    assert settled == pytest.approx(moments.variance[-1], rel=1e-9)
    assert settled > stationary_variance(method, 0.8, 0.09)


@every_method
def test_radius_is_the_growth_of_second_moments(method):
    period = getattr(method, "period", 1)
    moments = second_moments(method, 0.8, 0.0, steps=400 * period, curvature_variance=1.5)
    growth = moments.second_moment[-1] / moments.second_moment[-1 - period]
    assert mean_square_radius(method, 0.8, 1.5) == pytest.approx(growth, rel=1e-4)


@every_method
def test_radius_without_noise_is_the_square(method):
    curvatures = np.array([0.3, 0.8, 1.9])
    found = mean_square_radius(method, curvatures, 0.0)
    np.testing.assert_allclose(found, spectral_radius(method, curvatures) ** 2, rtol=1e-6)


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov", "exponential-average"])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("variance", [0.0, 0.3, 5.0])
def test_at_the_limit_the_radius_is_one(kind, momentum, variance):
    limit = mini_batch_limit(kind, momentum=momentum, curvature=0.7, curvature_variance=variance)
    build = {"heavy-ball": HeavyBall, "nesterov": Nesterov}.get(kind)
    if build is None:
        scaled = limit * (1 - momentum)
        limit, build = scaled, HeavyBall
    for factor, stable in ((0.999, True), (1.001, False)):
        method = build(learning_rate=limit * factor, momentum=momentum)
        assert (mean_square_radius(method, 0.7, variance) < 1) == stable


def test_limits_broadcast_and_have_symbols():
    found = mini_batch_limit(
        "heavy-ball", momentum=[0.0, 0.5], curvature=[[1.0], [2.0]], curvature_variance=1.0
    )
    assert found.shape == (2, 2)
    beta, h, tau = map(symbol, ("momentum", "curvature", "curvature_variance"))
    law = mini_batch_limit("heavy-ball", momentum=beta, curvature=h, curvature_variance=tau)
    value = law.subs({beta: 0.5, h: 2, tau: 1})
    assert float(value) == pytest.approx(found[1, 1])
    plain = mini_batch_limit("gradient-descent", curvature=h, curvature_variance=tau)
    assert sympy.simplify(law.subs(beta, 0) - plain) == 0
    # A class is as good as its name.
    assert law == mini_batch_limit(HeavyBall, momentum=beta, curvature=h, curvature_variance=tau)
    assert plain == mini_batch_limit(GradientDescent, curvature=h, curvature_variance=tau)
    rate = symbol("learning_rate")
    for name, kind in (("heavy-ball", HeavyBall), ("nesterov", Nesterov)):
        named = sharpness_limit(name, learning_rate=rate, momentum=beta)
        assert named == sharpness_limit(kind, learning_rate=rate, momentum=beta)


def test_a_kind_of_ones_own():
    def lookahead(learning_rate, momentum):
        return QuasiHyperbolic(learning_rate=learning_rate, momentum=momentum, discount=0.9)

    limit = mini_batch_limit(lookahead, momentum=0.6, curvature=1.0, curvature_variance=2.0)
    assert mean_square_radius(lookahead(limit, 0.6), 1.0, 2.0) == pytest.approx(1, abs=1e-9)


def test_symbolic_variances_under_both_noises():
    alpha, h = symbol("learning_rate"), symbol("curvature")
    sigma, tau = symbol("noise_variance"), symbol("curvature_variance")
    found = stationary_variance(
        GradientDescent(learning_rate=alpha), h, sigma, curvature_variance=tau
    )
    exact = alpha * sigma / (2 * h - alpha * h**2 - alpha * tau)
    assert sympy.simplify(found - exact) == 0
    path = second_moments(
        GradientDescent(learning_rate=alpha), h, 0, steps=2, curvature_variance=tau
    )
    square = (1 - alpha * h) ** 2 + alpha**2 * tau
    assert sympy.expand(path.second_moment[2] - square**2) == 0


def test_refusals():
    ball = HeavyBall(learning_rate=1.0, momentum=0.5)
    with pytest.raises(UnstableDynamicsError, match="unstable in mean square"):
        stationary_variance(ball, 1.0, 1.0, curvature_variance=10.0)
    with pytest.raises(DomainError, match="one gradient a step"):
        query_variance(Extragradient(learning_rate=0.3), 1.0)
    with pytest.raises(DomainError, match="curvature_variance is -1"):
        mean_square_radius(ball, 1.0, -1.0)
    with pytest.raises(NotTraceableError, match="numbers only"):
        mean_square_radius(ball, symbol("curvature"), 1.0)
    with pytest.raises(UnknownNameError, match="heavy-ball"):
        mini_batch_limit("hevy-ball", curvature=1.0, curvature_variance=1.0)
    with pytest.raises(DomainError, match="must be positive"):
        mini_batch_limit("heavy-ball", curvature=-1.0, curvature_variance=1.0)
    with pytest.raises(NotTraceableError, match="no closed form"):
        mini_batch_limit("nesterov", momentum=0.5, curvature=symbol("curvature"),
                         curvature_variance=1.0)  # fmt: skip


def test_batches_are_right_on_average_and_have_their_variance():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 3))
    whole = Ridge(X, rng.normal(size=40), ridge=0.2)
    batches = MiniBatches(whole, batch_size=5, seed=9)
    point = np.array([0.3, -1.0, 0.5])
    drawn = batches.field(np.broadcast_to(point, (20_000, 3)))
    error = drawn.std(axis=0) / np.sqrt(20_000)
    assert np.all(np.abs(drawn.mean(axis=0) - whole.field(point)) < 5 * error)
    one = LeastSquares(X[:, :1], 2 * X[:, 0])
    batches = MiniBatches(one, batch_size=5, seed=9)
    drawn = batches.field(np.full((50_000, 1), 3.0))  # displacement 1, so the curvature itself
    assert drawn.var() == pytest.approx(float(batches.curvature_variance()[0]), rel=0.05)
    np.testing.assert_array_equal(batches.solution, one.solution)
    np.testing.assert_array_equal(batches.spectrum(), one.spectrum())


@pytest.mark.parametrize("size", [0, 1.5])
def test_batches_have_a_size(size):
    with pytest.raises(DomainError, match="batch_size is"):
        MiniBatches(LeastSquares([[1.0], [2.0]], [1.0, 2.0]), batch_size=size)


@pytest.mark.parametrize(("kind", "build"), [("heavy-ball", HeavyBall), ("nesterov", Nesterov)])
def test_at_the_bearable_batch_sharpness_the_learning_rate_is_at_its_limit(kind, build):
    rate, momentum, mean = 0.3, 0.6, 2.0
    bearable = bearable_batch_sharpness(build(learning_rate=rate, momentum=momentum), mean)
    variance = mean * (float(bearable) - mean)
    found = mini_batch_limit(
        kind, momentum=momentum, curvature=mean, curvature_variance=variance
    )  # fmt: skip
    assert found == pytest.approx(rate)
