"""Moments under noise against Lyapunov equations, closed forms and enumeration of all signs."""

import numpy as np
import pytest
import sympy
from scipy.linalg import solve_discrete_lyapunov

from momentum_dynamics import (
    Chebyshev,
    ComplexMomentum,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    Nesterov,
    OptimisticGradient,
    Quadratic,
    QuasiHyperbolic,
    TripleMomentum,
    UnstableDynamicsError,
    second_moments,
    simulate,
    state_space,
    stationary_covariance,
    stationary_variance,
    symbol,
)
from momentum_dynamics.dynamics.stationary import query_variance

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=0.7),
    HeavyBall(learning_rate=0.3, momentum=-0.4),
    Nesterov(learning_rate=0.3, momentum=0.7),
    QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5),
    TripleMomentum(smallest_curvature=0.1, largest_curvature=2.0),
    OptimisticGradient(learning_rate=0.2),
    ComplexMomentum(learning_rate=0.3, momentum=0.6, phase=0.9),
    Extragradient(learning_rate=0.3),
    LinearMethod(A=np.diag([1.0, 0.5, 0.4, 0.3, -0.2]), B=-np.full((5, 1), 0.1),
                 C=np.ones((1, 5))),
]  # fmt: skip
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
ALPHA, BETA, H, VARIANCE = map(symbol, ("learning_rate", "momentum", "curvature", "noise_variance"))


def closed(method, curvature):
    """Transition and noise injection of one period, by running the functions on unit vectors."""
    slots = len(method.initial_state(0))
    period = getattr(method, "period", 1)
    columns = []
    for unit in np.eye(slots + period):
        state = tuple(unit[:slots])
        for step in range(period):
            stage = method.stage(step) if hasattr(method, "stage") else method
            state = stage.update(state, curvature * stage.query(state) + unit[slots + step])
        columns.append(np.array(state, dtype=float))
    matrix = np.array(columns).T
    return matrix[:, :slots], matrix[:, slots:]


@every_method
@pytest.mark.parametrize("curvature", [0.3, 1.4])
def test_stationary_moments_solve_the_lyapunov_equation(method, curvature):
    matrix, noise = closed(method, curvature)
    oracle = solve_discrete_lyapunov(matrix, 0.7 * noise @ noise.T)
    np.testing.assert_allclose(
        stationary_covariance(method, curvature, 0.7), oracle, rtol=1e-9, atol=1e-12
    )
    row = state_space(method).E
    found = stationary_variance(method, curvature, 0.7)
    assert found == pytest.approx((row @ oracle @ row.T).item(), rel=1e-9)


@every_method
def test_moments_settle_at_the_stationary_ones(method):
    period = getattr(method, "period", 1)
    moments = second_moments(method, 1.0, 0.7, steps=600 * period)
    settled = stationary_variance(method, 1.0, 0.7)
    assert moments.variance[-1] == pytest.approx(settled, rel=1e-9)
    assert moments.mean[-1] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(
        moments.covariance[-1], stationary_covariance(method, 1.0, 0.7), rtol=1e-8, atol=1e-12
    )


def test_heavy_ball_closed_form():
    found = stationary_variance(HeavyBall(learning_rate=ALPHA, momentum=BETA), H, VARIANCE)
    textbook = ALPHA * VARIANCE * (1 + BETA) / (H * (1 - BETA) * (2 * (1 + BETA) - ALPHA * H))
    assert sympy.simplify(found - textbook) == 0


def test_symbolic_covariance_agrees_with_the_closed_form():
    """Through the Lyapunov equation in place of the law of two slots."""
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    covariance = stationary_covariance(ball, H, VARIANCE)
    assert sympy.simplify(covariance[0, 0] - stationary_variance(ball, H, VARIANCE)) == 0
    assert sympy.simplify(covariance[0, 0] - covariance[1, 1]) == 0


@pytest.mark.slow
def test_symbolic_variance_of_three_slots():
    method = ComplexMomentum(learning_rate=ALPHA, momentum=sympy.Rational(1, 2), phase=sympy.pi / 2)
    found = stationary_variance(method, 1, 1)
    numbers = ComplexMomentum(learning_rate=0.3, momentum=0.5, phase=np.pi / 2)
    assert float(found.subs(ALPHA, 0.3)) == pytest.approx(stationary_variance(numbers, 1.0, 1.0))


def test_answer_and_query_of_nesterov_have_different_variances():
    method = Nesterov(learning_rate=0.3, momentum=0.7)
    system = state_space(method)
    at_query = LinearMethod(A=system.A, B=system.B, C=system.C)
    assert stationary_variance(at_query, 1.0, 1.0) != pytest.approx(
        stationary_variance(method, 1.0, 1.0), rel=1e-2
    )


def test_broadcasts():
    method = HeavyBall(learning_rate=np.array([0.1, 0.3])[:, None, None], momentum=0.5)
    found = stationary_variance(method, np.array([[0.5], [1.0], [2.0]]), [1.0, 4.0])
    assert found.shape == (2, 3, 2)
    single = stationary_variance(HeavyBall(learning_rate=0.3, momentum=0.5), 2.0, 4.0)
    assert found[1, 2, 1] == pytest.approx(single, rel=1e-12)
    three = ComplexMomentum(learning_rate=np.array([0.1, 0.3]), momentum=0.5, phase=0.2)
    assert stationary_variance(three, 1.0, 1.0).shape == (2,)
    assert stationary_covariance(three, 1.0, 1.0).shape == (2, 3, 3)


@pytest.mark.parametrize("momentum", [-0.5, 0.0, 0.5])
def test_refused_exactly_where_unstable(momentum):
    limit = 2 * (1 + momentum)
    for curvature in (1e-3, 0.5 * limit, limit * (1 - 1e-6)):
        assert (
            stationary_variance(HeavyBall(learning_rate=1.0, momentum=momentum), curvature, 1) > 0
        )
    for curvature in (-1e-3, 0.0, limit, limit * (1 + 1e-6)):
        method = HeavyBall(learning_rate=1.0, momentum=momentum)
        for question in (stationary_variance, stationary_covariance):
            with pytest.raises(
                UnstableDynamicsError,
                match=r"No stationary variance: HeavyBall with learning_rate 1 and m",
            ):
                question(method, curvature, 1.0)


def test_refusal_says_the_radius():
    method = GradientDescent(learning_rate=2.5)
    with pytest.raises(
        UnstableDynamicsError, match=r"is unstable on curvature 1 \(spectral radius 1.5\); change"
    ):
        stationary_variance(method, 1.0, 1.0)
    with pytest.raises(UnstableDynamicsError):
        stationary_variance(method, [0.1, 1.0], 1.0)


def test_more_slots_than_two_are_refused_where_unstable_too():
    with pytest.raises(UnstableDynamicsError):
        stationary_variance(OptimisticGradient(learning_rate=3.0), 1.0, 1.0)


@pytest.mark.parametrize("question", [stationary_variance, stationary_covariance])
def test_what_is_no_noise_or_no_curvature_is_refused(question):
    method = GradientDescent(learning_rate=0.5)
    with pytest.raises(DomainError, match="noise_variance is -1"):
        question(method, 1.0, -1.0)
    with pytest.raises(DomainError, match="real curvatures only"):
        question(method, 1j, 1.0)
    with pytest.raises(DomainError, match="change with every step"):
        question(Chebyshev(smallest_curvature=1, largest_curvature=2), 1.0, 1.0)


def walk(method, curvature, noises, start=1.0):
    """All answers of one path, stage by stage."""
    state = start if isinstance(start, tuple) else method.initial_state(start)
    answers = []
    for step in range(len(noises) + 1):
        stage = method.stage(step) if hasattr(method, "stage") else method
        answering = method if hasattr(method, "output") else stage
        answers.append(getattr(answering, "output", answering.query)(state))
        if step < len(noises):
            state = stage.update(state, curvature * stage.query(state) + noises[step])
    return np.array(answers, dtype=float)


@pytest.mark.parametrize(
    "method",
    [*METHODS, Chebyshev(smallest_curvature=0.2, largest_curvature=2.0)],
    ids=lambda method: type(method).__name__,
)
def test_moments_step_by_step_by_enumerating_all_signs(method):
    """Noise ±σ has the same first two moments as any other, and finitely many paths."""
    steps, variance = 6, 0.3
    signs = np.array(np.meshgrid(*[[-1, 1]] * steps)).reshape(steps, -1).T * variance**0.5
    paths = np.array([walk(method, 0.8, noises) for noises in signs])
    moments = second_moments(method, 0.8, variance, steps=steps)
    np.testing.assert_allclose(moments.mean, paths.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(moments.second_moment, (paths**2).mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(moments.variance, paths.var(axis=0), rtol=1e-9, atol=1e-12)


def test_moments_from_another_start():
    method = HeavyBall(learning_rate=0.3, momentum=0.7)
    scaled = second_moments(method, 0.8, 0.0, steps=5, start=2.0)
    np.testing.assert_allclose(scaled.mean, walk(method, 0.8, np.zeros(5), start=2.0))
    moving = second_moments(method, 0.8, 0.0, steps=5, start=(2.0, -1.0))
    np.testing.assert_allclose(moving.mean, walk(method, 0.8, np.zeros(5), start=(2.0, -1.0)))


@pytest.mark.parametrize(
    "kind",
    [HeavyBall, Nesterov, QuasiHyperbolic],
    ids=lambda kind: kind.__name__,
)
def test_symbolic_moments_are_those_of_numbers(kind):
    extra = {"discount": sympy.Rational(1, 3)} if kind is QuasiHyperbolic else {}
    exact = second_moments(kind(learning_rate=ALPHA, momentum=BETA, **extra), H, VARIANCE, steps=4)
    values = {ALPHA: 0.3, BETA: 0.7, H: 0.8, VARIANCE: 0.2}
    numeric = {name: float(value) for name, value in extra.items()}
    found = second_moments(kind(learning_rate=0.3, momentum=0.7, **numeric), 0.8, 0.2, steps=4)
    for name in ("mean", "variance", "second_moment", "covariance"):
        at = np.vectorize(lambda entry: float(sympy.sympify(entry).subs(values)))
        np.testing.assert_allclose(
            at(getattr(exact, name)), getattr(found, name), rtol=1e-12, atol=1e-15, err_msg=name
        )


def test_symbolic_moments_of_a_schedule_and_of_a_symbolic_start():
    q = sympy.Symbol("q", positive=True)
    descent = second_moments(GradientDescent(learning_rate=ALPHA), 1, VARIANCE, steps=3, start=q)
    contraction = 1 - ALPHA
    assert [sympy.expand(m - q * contraction**t) for t, m in enumerate(descent.mean)] == [0] * 4
    noise = ALPHA**2 * VARIANCE
    expected = noise * (1 + contraction**2 + contraction**4)
    assert sympy.expand(descent.variance[3] - expected) == 0
    ends = {"smallest_curvature": sympy.Integer(1), "largest_curvature": sympy.Integer(9)}
    path = second_moments(Chebyshev(**ends), sympy.Integer(9), 0, steps=2).mean
    assert path[1] == sympy.Rational(-4, 5)
    assert path[2] == sympy.Rational(8, 17)


def test_floats_among_symbols_come_back_as_floats():
    moments = second_moments(HeavyBall(learning_rate=0.1, momentum=0.5), 1.0, VARIANCE, steps=2)
    assert str(moments.variance[2]) == "0.0296*sigma^2"


def test_moments_of_an_unstable_method_grow():
    moments = second_moments(GradientDescent(learning_rate=3.0), 1.0, 1.0, steps=3)
    np.testing.assert_allclose(moments.mean, [1, -2, 4, -8])
    np.testing.assert_allclose(moments.variance, [0, 9, 9 * 5, 9 * 21])


def test_moments_broadcast():
    method = HeavyBall(learning_rate=np.array([0.1, 0.3])[:, None], momentum=0.5)
    moments = second_moments(method, [0.5, 1.0, 2.0], 0.1, steps=4)
    assert moments.mean.shape == moments.second_moment.shape == (5, 2, 3)
    assert moments.covariance.shape == (5, 2, 3, 2, 2)
    alone = second_moments(HeavyBall(learning_rate=0.3, momentum=0.5), 2.0, 0.1, steps=4)
    np.testing.assert_allclose(moments.second_moment[:, 1, 2], alone.second_moment, rtol=1e-12)
    assert set(moments.to_dict()) == {"mean", "second_moment", "variance"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps is -1, but must be a whole number in"),
        ({"steps": 1.5}, "steps is 1.5, but must be a whole number in"),
        ({"noise_variance": -1.0}, "noise_variance is -1"),
        ({"curvature": 1j}, "real curvatures only"),
    ],
)
def test_moments_refuse(settings, message):
    good = {"curvature": 1.0, "noise_variance": 1.0, "steps": 3}
    with pytest.raises(DomainError, match=message):
        second_moments(GradientDescent(learning_rate=0.5), **{**good, **settings})


@pytest.mark.slow
def test_ensembles_have_these_moments():
    """Over 40 steps and 3 modes, z-scores below 5: one false alarm in ten thousand runs."""
    method, problem = Nesterov(learning_rate=0.3, momentum=0.7), Quadratic([0.3, 1.0, 2.0])
    run = simulate(
        method, problem, steps=40, replicas=4000, noise_variance=0.5, seed=11, record="moments"
    )
    exact = second_moments(method, problem.spectrum(), 0.5, steps=40)
    with np.errstate(invalid="ignore"):
        z_mean = (run.mean - exact.mean)[1:] / np.sqrt(exact.variance[1:] / 4000)
        z_variance = (run.variance / exact.variance - 1)[1:] / np.sqrt(2 / 3999)
    assert np.abs(z_mean).max() < 5
    assert np.abs(z_variance).max() < 5
    np.testing.assert_allclose(run.variance[0], 0, atol=1e-15)


class TestMapsOfVariances:
    METHODS = (
        lambda a, b: HeavyBall(learning_rate=a, momentum=b),
        lambda a, b: Nesterov(learning_rate=a, momentum=b),
        lambda a, b: Nesterov(learning_rate=a, momentum=b, answers_lookahead=True),
        lambda a, b: QuasiHyperbolic(learning_rate=a, momentum=b, discount=0.4),
    )
    RATES = np.linspace(0.05, 1.2, 8)[:, None, None]
    MOMENTA = np.linspace(-0.5, 0.9, 90)[:, None]

    @pytest.mark.parametrize("make", METHODS)
    def test_the_compiled_map_is_the_law(self, make):
        curvature = np.linspace(0.1, 0.8, 90)
        method = make(self.RATES, self.MOMENTA)
        for question in (
            lambda h: stationary_variance(method, h, 0.7),
            lambda h: query_variance(method, h),
        ):
            whole = question(curvature)
            parts = np.concatenate([question(part) for part in np.split(curvature, 9)], axis=-1)
            assert whole.size > 50_000 > parts.size // 9
            np.testing.assert_allclose(whole, parts, rtol=1e-11)

    def test_an_unstable_corner_of_a_large_map_is_named(self):
        method = HeavyBall(learning_rate=self.RATES, momentum=self.MOMENTA)
        with pytest.raises(UnstableDynamicsError, match=r"learning_rate 1\.2 .*unstable"):
            stationary_variance(method, np.linspace(0.1, 9.0, 90), 1.0)
