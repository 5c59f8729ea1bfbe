"""Staleness is momentum: equivalents, and their paths against the mean over the law of delay."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    EmpiricalDelay,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    MixtureDelay,
    Nesterov,
    NoDelay,
    NotTraceableError,
    OptimisticGradient,
    Quadratic,
    QuasiHyperbolic,
    ShiftedDelay,
    ThreeParameter,
    TripleMomentum,
    equivalent_momentum,
    simulate,
    state_space,
    symbol,
    transfer_function,
)

ALPHA, BETA, WORKERS = map(symbol, ("learning_rate", "momentum", "workers"))


def mean_path(method, curvature, delay, steps):
    """E of the answers: each gradient is the mean over P(τ = k) of the query k steps ago.

    Before the first step every worker holds the start, so what is older counts as the start.
    """
    chances = delay.probabilities(steps + 1)
    state, queries, answers = method.initial_state(1.0), [], []
    for step in range(steps + 1):
        queries.append(method.query(state))
        answers.append(getattr(method, "output", method.query)(state))
        older = 1 - chances[: step + 1].sum()
        asked = sum(chances[k] * queries[step - k] for k in range(step + 1)) + older * queries[0]
        state = method.update(state, curvature * asked)
    return np.array(answers, dtype=float)


METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.2, momentum=0.4),
    Nesterov(learning_rate=0.2, momentum=0.4),
    QuasiHyperbolic(learning_rate=0.3, momentum=0.6, discount=0.7),
    OptimisticGradient(learning_rate=0.1),
    TripleMomentum(smallest_curvature=0.2, largest_curvature=2.0),
]
DELAYS = [FixedDelay(staleness=1), FixedDelay(staleness=3), GeometricDelay(workers=2.5)]


@pytest.mark.parametrize("workers", [1.0, 2.0, 4.0, 16.0])
def test_gradient_descent_with_geometric_staleness_is_heavy_ball(workers):
    twin = equivalent_momentum(GradientDescent(learning_rate=0.4), GeometricDelay(workers=workers))
    assert isinstance(twin, HeavyBall)
    assert (twin.learning_rate, twin.momentum) == pytest.approx((0.4 / workers, 1 - 1 / workers))


def test_its_mean_path_is_the_heavy_balls_from_the_full_first_step():
    for workers in (1.0, 3.0, 10.0):
        for curvature in (0.2, 1.0, 1.7):
            delay = GeometricDelay(workers=workers)
            method = GradientDescent(learning_rate=0.4)
            twin = equivalent_momentum(method, delay)
            start = (np.array([1.0]), np.array([1.0 + 0.4 * curvature]))
            run = simulate(twin, Quadratic([curvature]), steps=60, start=start)
            oracle = mean_path(method, curvature, delay, 60)
            np.testing.assert_allclose(run.points[:, 0], oracle, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("delay", DELAYS, ids=str)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_linear_equivalents_take_the_mean_path(method, delay):
    twin = equivalent_momentum(method, delay)
    if not isinstance(twin, LinearMethod):
        assert state_space(twin).slots == 2
        return
    for curvature in (0.2, 0.9):
        run = simulate(twin, Quadratic([curvature]), steps=60)
        oracle = mean_path(method, curvature, delay, 60)
        np.testing.assert_allclose(run.outputs[:, 0], oracle, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("delay", DELAYS, ids=str)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_equivalents_have_the_transfer_function_behind_the_delay(method, delay):
    twin = equivalent_momentum(method, delay)
    for z in (1.8, -0.7 + 1.1j, 2j):
        product = transfer_function(method)(z) * delay.generating_function(1 / z)
        assert transfer_function(twin)(z) == pytest.approx(product, rel=1e-11)


@pytest.mark.parametrize(
    "delay", [MixtureDelay(speeds=[1.0, 3.0]), EmpiricalDelay(probabilities=[0.5, 0.2, 0.3])]
)
def test_laws_that_are_rows_of_numbers_have_equivalents(delay):
    descent = GradientDescent(learning_rate=0.3)
    found = equivalent_momentum(descent, delay)
    assert isinstance(found, LinearMethod)
    z = np.exp(1j * np.linspace(0.1, 3, 7))
    behind = transfer_function(descent)(z) * delay.generating_function(1 / z)
    assert transfer_function(found)(z) == pytest.approx(behind)


def test_equal_workers_are_heavy_ball_and_a_late_one_is_in_the_family():
    descent = GradientDescent(learning_rate=0.25)
    found = equivalent_momentum(descent, MixtureDelay(speeds=[2.0, 2.0]))
    assert (type(found), found.learning_rate, found.momentum) == (HeavyBall, 0.125, 0.5)
    late = equivalent_momentum(descent, EmpiricalDelay(probabilities=[0.0, 1.0]))
    assert isinstance(late, ThreeParameter)
    assert (late.learning_rate, late.momentum, late.lookahead) == (0.25, 0.0, -1.0)


def test_a_delay_of_one_step_is_the_family_with_a_look_back():
    twin = equivalent_momentum(GradientDescent(learning_rate=0.3), FixedDelay(staleness=1))
    assert isinstance(twin, ThreeParameter)
    assert (twin.learning_rate, twin.momentum, twin.lookahead) == pytest.approx((0.3, 0, -1))
    ball = HeavyBall(learning_rate=0.3, momentum=0.4)
    assert equivalent_momentum(ball, FixedDelay(staleness=1)).lookahead == pytest.approx(-1)
    for method in (GradientDescent(learning_rate=0.3), ball):
        oracle = mean_path(method, 0.9, FixedDelay(staleness=1), 40)
        look_back = equivalent_momentum(method, FixedDelay(staleness=1))
        run = simulate(look_back, Quadratic([0.9]), steps=40)
        np.testing.assert_allclose(run.outputs[:, 0], oracle, atol=1e-12)


@pytest.mark.parametrize("staleness", [2, 3])
def test_longer_fixed_delays_have_no_two_slot_equivalent(staleness):
    twin = equivalent_momentum(GradientDescent(learning_rate=0.3), FixedDelay(staleness=staleness))
    assert isinstance(twin, LinearMethod)
    assert state_space(twin).slots == staleness + 1


@pytest.mark.parametrize(
    ("method", "cls", "fields"),
    [
        (GradientDescent(learning_rate=0.3), HeavyBall, (0.3, 0)),
        (HeavyBall(learning_rate=0.3, momentum=0.7), HeavyBall, (0.3, 0.7)),
        (HeavyBall(learning_rate=0.3, momentum=-0.7), HeavyBall, (0.3, -0.7)),
        (Nesterov(learning_rate=0.3, momentum=0.7), ThreeParameter, (0.3, 0.7, 0.7)),
        (
            QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=1.0),
            HeavyBall,
            (0.3 * (1 - 0.7), 0.7),
        ),
        (OptimisticGradient(learning_rate=0.3), ThreeParameter, (0.3, 0, 1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_without_delay_the_family_is_found(method, cls, fields):
    twin = equivalent_momentum(method, NoDelay())
    assert type(twin) is cls
    found = (twin.learning_rate, twin.momentum, *([twin.lookahead] if len(fields) > 2 else []))
    assert found == pytest.approx(fields)
    for z in (1.7, 0.3 + 1j):
        assert transfer_function(twin)(z) == pytest.approx(transfer_function(method)(z), rel=1e-12)


def test_what_cancels_cancels_exactly():
    """A pole that the delay cancels: momentum β behind a filter with its zero there."""
    method = HeavyBall(learning_rate=0.1, momentum=0.0)
    twin = equivalent_momentum(method, GeometricDelay(workers=3))
    assert isinstance(twin, HeavyBall)
    assert twin.momentum == pytest.approx(2 / 3)


@pytest.mark.slow
def test_staleness_from_one_asks_one_point_back():
    counted = ShiftedDelay(delay=GeometricDelay(workers=WORKERS), by=1)
    twin = equivalent_momentum(GradientDescent(learning_rate=ALPHA), counted)
    assert isinstance(twin, ThreeParameter)
    assert (twin.learning_rate, twin.lookahead) == (ALPHA / WORKERS, -1)
    assert sympy.simplify(twin.momentum - 1 + 1 / WORKERS) == 0


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_staleness_from_one_on_its_mean_path(workers):
    """Heavy ball with the gradient of the point before, from the velocity −α∇f(w₀)."""
    delay = ShiftedDelay(delay=GeometricDelay(workers=workers), by=1)
    exact = mean_path(GradientDescent(learning_rate=0.4), 1.5, delay, 30)
    step, kept, found = 0.6, 1 - 1 / workers, [1.0, 1 - 0.6]
    for t in range(1, 30):
        found.append(found[t] + kept * (found[t] - found[t - 1]) - step / workers * found[t - 1])
    np.testing.assert_allclose(exact, found, atol=1e-12)


def test_symbols():
    twin = equivalent_momentum(
        GradientDescent(learning_rate=ALPHA), GeometricDelay(workers=WORKERS)
    )
    assert isinstance(twin, HeavyBall)
    assert sympy.simplify(twin.learning_rate - ALPHA / WORKERS) == 0
    assert sympy.simplify(twin.momentum - 1 + 1 / WORKERS) == 0
    stale = equivalent_momentum(GradientDescent(learning_rate=ALPHA), FixedDelay(staleness=1))
    assert (stale.learning_rate, stale.momentum, stale.lookahead) == (ALPHA, 0, -1)
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    longer = equivalent_momentum(ball, GeometricDelay(workers=WORKERS))
    assert isinstance(longer, LinearMethod)
    z = sympy.Symbol("z")
    gain = transfer_function(longer) / transfer_function(ball)
    oracle = (z / WORKERS) / (z - 1 + 1 / WORKERS)
    assert sympy.simplify(gain - oracle) == 0


def test_exact_numbers_stay_exact():
    twin = equivalent_momentum(
        GradientDescent(learning_rate=sympy.Rational(1, 3)),
        GeometricDelay(workers=sympy.Integer(4)),
    )
    assert (twin.learning_rate, twin.momentum) == (sympy.Rational(1, 12), sympy.Rational(3, 4))


@pytest.mark.slow
def test_batches():
    rates, workers = np.array([0.1, 0.2]), np.array([2.0, 5.0])
    twin = equivalent_momentum(
        GradientDescent(learning_rate=rates), GeometricDelay(workers=workers)
    )
    np.testing.assert_allclose(twin.learning_rate, rates / workers, rtol=1e-15)
    np.testing.assert_allclose(twin.momentum, 1 - 1 / workers, rtol=1e-15)
    longer = equivalent_momentum(
        HeavyBall(learning_rate=rates, momentum=np.array([0.5, -0.5])), FixedDelay(staleness=2)
    )
    assert longer.A.shape == (2, 4, 4)
    again = equivalent_momentum(longer, NoDelay())
    np.testing.assert_array_equal(again.A, longer.A)


def test_a_linear_method_is_found_out():
    ball = state_space(HeavyBall(learning_rate=0.25, momentum=0.5))
    twin = equivalent_momentum(LinearMethod(A=ball.A, B=ball.B, C=ball.C), NoDelay())
    assert isinstance(twin, HeavyBall)
    assert (twin.learning_rate, twin.momentum) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("method", "delay", "error", "message"),
    [
        (Extragradient(learning_rate=0.1), NoDelay(), NotTraceableError, "takes 2 gradients"),
        (
            GradientDescent(learning_rate=0.1),
            FixedDelay(staleness=symbol("staleness")),
            NotTraceableError,
            "no polynomial of known degree",
        ),
        (
            HeavyBall(learning_rate=np.array([0.1, 0.2]), momentum=BETA),
            NoDelay(),
            NotTraceableError,
            "Symbols and batches of numbers do not mix",
        ),
        (
            Chebyshev(smallest_curvature=1, largest_curvature=2),
            NoDelay(),
            DomainError,
            "change with every step",
        ),
    ],
)
def test_refusals(method, delay, error, message):
    with pytest.raises(error, match=message):
        equivalent_momentum(method, delay)


def test_no_learning_rate_is_heavy_ball_too():
    twin = equivalent_momentum(GradientDescent(learning_rate=0.0), GeometricDelay(workers=4))
    assert isinstance(twin, HeavyBall)
    assert (twin.learning_rate, twin.momentum) == (0.0, 0.75)


def test_constants_beside_a_batch_stay_numbers():
    twin = equivalent_momentum(
        HeavyBall(learning_rate=0.1, momentum=np.array([0.1, 0.2])), NoDelay()
    )
    assert type(twin.learning_rate) is float
    np.testing.assert_allclose(twin.momentum, [0.1, 0.2])
