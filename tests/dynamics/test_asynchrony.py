"""Second moments of stale gradients against whole states, enumeration, runs and closed forms."""

import itertools

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    EmpiricalDelay,
    Exponential,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    MixtureDelay,
    NegativeBinomialDelay,
    Nesterov,
    NoDelay,
    Quadratic,
    TorchSGD,
    UniformDelay,
    delay_stability_limit,
    is_stable,
    mean_square_limit,
    queue_moments,
    second_moments,
    simulate_queue,
    spectral_radius,
    stale_moments,
    state_space,
    stationary_variance,
    symbol,
    tune_queue,
)
from momentum_dynamics.errors import DomainError, NotTraceableError, UnstableDynamicsError
from momentum_dynamics.laws import staleness as laws

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.2, momentum=0.5),
    HeavyBall(learning_rate=0.3, momentum=-0.3),
    Nesterov(learning_rate=0.1, momentum=0.6),
]
LAWS = [
    GeometricDelay(workers=3.0),
    UniformDelay(largest=3),
    FixedDelay(staleness=2),
    NegativeBinomialDelay(mean=2.0, stages=2),
    MixtureDelay(speeds=[1.0, 3.0]),
    EmpiricalDelay(probabilities=[0.5, 0.0, 0.25, 0.25]),
]


def whole_queue(method, curvature, workers):
    """For each worker that may write, the matrix that moves (state, what every worker holds)."""
    system = state_space(method)
    slots = system.slots
    size = slots + workers
    for worker in range(workers):
        matrix = np.eye(size)
        matrix[:slots, :slots] = system.A
        matrix[:slots, slots + worker] = curvature * system.B[:, 0]
        matrix[slots + worker] = system.C[0] @ matrix[:slots]
        kick = np.zeros(size)
        kick[:slots] = system.B[:, 0]
        kick[slots + worker] = system.C[0] @ system.B[:, 0]
        yield 1 / workers, matrix, kick


def whole_history(method, curvature, chances):
    """For each staleness, the matrix that moves (state, the queries before)."""
    system = state_space(method)
    slots, past = system.slots, len(chances) - 1
    for staleness, chance in enumerate(chances):
        matrix = np.zeros((slots + past, slots + past))
        matrix[:slots, :slots] = system.A
        if past:
            matrix[slots, :slots] = system.C[0]
            matrix[slots + 1 :, slots:-1] = np.eye(past - 1)
        read = np.zeros(slots + past)
        if staleness:
            read[slots + staleness - 1] = 1
        else:
            read[:slots] = system.C[0]
        matrix[:slots] += curvature * system.B @ read[None]
        yield chance, matrix, np.r_[system.B[:, 0], np.zeros(past)]


def oracle(parts, method, noise_variance):
    """Radius of E A ⊗ A, and the settled covariance of the method's own state."""
    parts = list(parts)
    size = len(parts[0][2])
    doubled = sum(chance * np.kron(matrix, matrix) for chance, matrix, _ in parts)
    source = noise_variance * sum(chance * np.outer(kick, kick) for chance, _, kick in parts)
    rate = np.abs(np.linalg.eigvals(doubled)).max()
    settled = np.linalg.solve(np.eye(size**2) - doubled, source.ravel()).reshape(size, size)
    slots = state_space(method).slots
    row = state_space(method).E[0]
    return rate, row @ settled[:slots, :slots] @ row


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_queue_against_the_state_of_all_workers(method, workers):
    rate, variance = oracle(whole_queue(method, 0.8, workers), method, 0.7)
    found = queue_moments(method, 0.8, workers=workers, noise_variance=0.7)
    assert found.mean_square_rate == pytest.approx(rate, rel=1e-9)
    assert found.stationary_variance == pytest.approx(variance, rel=1e-9)
    delay = GeometricDelay(workers=float(workers))
    assert found.mean_rate == pytest.approx(spectral_radius(method, 0.8, delay), rel=1e-7)


@pytest.mark.parametrize(
    "delay", [UniformDelay(largest=3), FixedDelay(staleness=2), LAWS[-1]], ids=repr
)
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_independent_delays_against_the_whole_history(method, delay):
    chances = delay.probabilities(4)
    rate, variance = oracle(whole_history(method, 0.6, chances), method, 0.7)
    found = stale_moments(method, 0.6, delay, 0.7)
    assert found.mean_square_rate == pytest.approx(rate, rel=1e-8)
    assert found.stationary_variance == pytest.approx(variance, rel=1e-9)
    assert found.mean_rate == pytest.approx(spectral_radius(method, 0.6, delay), rel=1e-7)


@pytest.mark.parametrize(
    "delay", [GeometricDelay(workers=2.0), LAWS[3], MixtureDelay(speeds=[1.0, 3.0])], ids=repr
)
def test_a_filter_is_as_good_as_its_long_history(delay):
    method = METHODS[1]
    cut = EmpiricalDelay(probabilities=delay.probabilities(40) / delay.probabilities(40).sum())
    found, long = (stale_moments(method, 0.5, law, 1.0) for law in (delay, cut))
    assert found.stationary_variance == pytest.approx(long.stationary_variance, rel=2e-4)
    # Memory of squares that is cut off is missing from the rate: the slower it fades, the more.
    found, long = (stale_moments(method, 1.6, law) for law in (delay, cut))
    assert found.mean_square_rate == pytest.approx(long.mean_square_rate, rel=5e-3)


class LongMemory:
    """Descent that is pushed along by its last 22 steps: a method of 24 slots."""

    def __init__(self, learning_rate, push):
        self.learning_rate, self.push = learning_rate, push

    def initial_state(self, point):
        return (point,) * 24

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        step = self.push * (state[0] - state[22]) - self.learning_rate * gradient
        return (state[0] + step, *state[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("in_queue", [True, False])
@pytest.mark.parametrize(("rate", "push"), [(1.2, -0.02), (0.2, -0.05)])
def test_methods_of_many_slots_against_the_operator_of_second_moments(rate, push, in_queue):
    """The mean alone would say stable of both; of the first its rate is below the filter's pole."""
    ask = queue_moments if in_queue else stale_moments
    law = {"workers": 9} if in_queue else {"delay": GeometricDelay(workers=9)}
    found = ask(LongMemory(rate, push), 1.0, noise_variance=1.0, **law)
    whole = np.abs(np.linalg.eigvals(found._settled._operator())).max()
    assert found.mean_rate < 1
    assert found.mean_square_rate == pytest.approx(whole, rel=1e-9)


def test_methods_of_many_slots_have_no_floor_where_squares_grow():
    found = queue_moments(LongMemory(1.2, -0.02), 1.0, workers=9, noise_variance=1.0)
    assert found.mean_rate < 1
    with pytest.raises(UnstableDynamicsError):
        _ = found.stationary_variance


@pytest.mark.parametrize("in_queue", [True, False])
def test_the_rate_by_what_spread_begets_is_the_operators(in_queue):
    rng = np.random.default_rng(3)
    for _ in range(20):
        workers, rate = int(rng.integers(2, 20)), 10 ** rng.uniform(-3, 0.3)
        ball = HeavyBall(learning_rate=rate, momentum=rng.uniform(-0.8, 0.9))
        law = GeometricDelay(workers=workers)
        ask = queue_moments(ball, 1.0, workers=workers) if in_queue else stale_moments(ball, 1, law)
        assert ask._settled._rate_of_kernel(()) == pytest.approx(ask.mean_square_rate, rel=1e-7)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_paths_against_enumeration_of_all_sequences(method):
    """Every sequence of workers, and every sequence of stalenesses, each with its chance."""
    steps = 4
    for in_queue in (True, False):
        parts = list(
            whole_queue(method, 0.9, 3)
            if in_queue
            else whole_history(method, 0.9, UniformDelay(largest=2).probabilities(3))
        )
        slots, row = state_space(method).slots, state_space(method).E[0]
        first, second = np.zeros(steps + 1), np.zeros(steps + 1)
        start = np.ones(len(parts[0][2]))
        for sequence in itertools.product(parts, repeat=steps):
            chance, state = np.prod([part[0] for part in sequence]), start
            values = [row @ state[:slots]]
            for _, matrix, _ in sequence:
                state = matrix @ state
                values.append(row @ state[:slots])
            first += chance * np.array(values)
            second += chance * np.array(values) ** 2
        moments = (
            queue_moments(method, 0.9, workers=3)
            if in_queue
            else stale_moments(method, 0.9, UniformDelay(largest=2))
        ).path(steps)
        np.testing.assert_allclose(moments.mean, first, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(moments.second_moment, second, rtol=1e-12, atol=1e-14)


def test_known_values():
    """Of the closed recursion, as published beside its Monte Carlo values."""
    for workers, step, queue, independent in ((3, 0.9, 0.3319, 1.1234), (8, 0.4, 0.39614, 0.49555)):
        method = GradientDescent(learning_rate=step)
        found = queue_moments(method, 1.0, workers=workers).path(20).second_moment[-1]
        assert found == pytest.approx(queue, abs=6e-5)
        delay = GeometricDelay(workers=workers)
        found = stale_moments(method, 1.0, delay).path(20).second_moment[-1]
        assert found == pytest.approx(independent, abs=6e-5)
    assert queue_moments(
        GradientDescent(learning_rate=9.917), 1.0, workers=3
    ).mean_square_rate == pytest.approx(27.8, abs=0.05)


@pytest.mark.parametrize(
    "method", [METHODS[1], TorchSGD(learning_rate=0.2, momentum=0.6, dampening=0.5)], ids=repr
)
def test_a_path_is_that_of_runs(method):
    moments = queue_moments(method, np.array([1.0, 0.4]), workers=5, noise_variance=0.5).path(40)
    run = simulate_queue(
        method, Quadratic([1.0, 0.4]), workers=5, service=Exponential(), updates=40,
        noise_variance=0.5, replicas=20_000, seed=3, record="moments", stride=1,
    )  # fmt: skip
    gap = run.moments.mean - moments.mean
    assert np.abs(gap[1:] / run.moments.mean_error[1:]).max() < 4.5
    gap = run.moments.variance - moments.variance
    assert np.abs(gap[2:] / run.moments.variance_error[2:]).max() < 4.5


def test_one_worker_and_no_delay_are_no_asynchrony():
    method = METHODS[1]
    plain = second_moments(method, 0.8, 0.3, steps=12)
    for found in (
        queue_moments(method, 0.8, workers=1, noise_variance=0.3),
        stale_moments(method, 0.8, NoDelay(), 0.3),
        stale_moments(method, 0.8, FixedDelay(staleness=0), 0.3),
    ):
        np.testing.assert_allclose(found.path(12).variance, plain.variance, atol=1e-15)
        assert found.stationary_variance == pytest.approx(stationary_variance(method, 0.8, 0.3))
        assert found.mean_square_rate == pytest.approx(found.mean_rate**2)


def test_batches_are_answered_setting_by_setting():
    rates, curvature = np.array([0.1, 0.2, 0.3])[:, None], np.array([0.5, 1.0])
    method = HeavyBall(learning_rate=rates, momentum=0.3)
    found = queue_moments(method, curvature, workers=4, noise_variance=1.0)
    path = found.path(5)
    assert path.mean.shape == (6, 3, 2)
    for i, j in np.ndindex(3, 2):
        one = queue_moments(
            HeavyBall(learning_rate=rates[i, 0], momentum=0.3), curvature[j], workers=4,
            noise_variance=1.0,
        )  # fmt: skip
        assert found.mean_square_rate[i, j] == pytest.approx(one.mean_square_rate)
        assert found.stationary_variance[i, j] == pytest.approx(one.stationary_variance)
        np.testing.assert_allclose(path.variance[:, i, j], one.path(5).variance)


def test_closed_forms_are_the_laws():
    alpha, h, workers, noise = map(
        symbol, ("learning_rate", "curvature", "workers", "noise_variance")
    )
    descent = GradientDescent(learning_rate=alpha)
    found = queue_moments(descent, h, workers=workers, noise_variance=noise).stationary_variance
    law = laws.queue_stationary_variance(alpha, h, noise, workers)
    assert sympy.simplify(found - law) == 0
    found = stale_moments(descent, h, GeometricDelay(workers=workers), noise).stationary_variance
    law = laws.independent_stationary_variance(alpha, h, noise, workers)
    assert sympy.simplify(found - law) == 0
    found = mean_square_limit(descent, workers=workers)
    assert sympy.simplify(found - laws.queue_mean_square_limit(workers)) == 0


def test_symbolic_paths_are_exact():
    found = queue_moments(GradientDescent(learning_rate=sympy.Rational(9, 10)), 1, workers=3)
    exact = found.path(6)
    numbers = queue_moments(GradientDescent(learning_rate=0.9), 1.0, workers=3).path(6)
    assert all(value.is_Rational for value in exact.mean)
    np.testing.assert_allclose(exact.second_moment.astype(float), numbers.second_moment)


@pytest.mark.parametrize("momentum", [-0.5, 0.0, 0.6])
@pytest.mark.parametrize("delay", LAWS, ids=repr)
def test_limits_are_where_stability_ends(delay, momentum):
    method = HeavyBall(learning_rate=0.5, momentum=momentum)
    limit = delay_stability_limit(method, delay) / method.learning_rate
    below, above = spectral_radius(method, limit * np.array([1 - 1e-5, 1 + 1e-5]), delay)
    assert below < 1 < above
    assert (spectral_radius(method, limit * np.linspace(0.01, 0.99, 50), delay) < 1).all()
    limit = mean_square_limit(method, delay=delay) / method.learning_rate
    rates = stale_moments(method, limit * np.array([1 - 1e-5, 1 + 1e-5]), delay).mean_square_rate
    assert rates[0] < 1 < rates[1]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_mean_square_limits_of_queues(method):
    limit = mean_square_limit(method, workers=np.array([1.0, 2.0, 6.0])) / method.learning_rate
    assert limit.shape == (3,)
    for workers, end in zip((1, 2, 6), limit, strict=True):
        found = queue_moments(method, end * np.array([1 - 1e-6, 1 + 1e-6]), workers=workers)
        assert found.mean_square_rate[0] < 1 < found.mean_square_rate[1]


def test_limits_of_laws():
    descent = GradientDescent(learning_rate=1.0)
    for count in (1, 2, 5, 16, 64):
        for delay, law in (
            (FixedDelay(staleness=count), laws.fixed_delay_step_limit(count)),
            (UniformDelay(largest=count), laws.uniform_delay_step_limit(count)),
            (GeometricDelay(workers=count), laws.geometric_delay_step_limit(count)),
        ):
            assert delay_stability_limit(descent, delay) == pytest.approx(law, rel=1e-9)
        assert mean_square_limit(descent, workers=count) == pytest.approx(
            laws.queue_mean_square_limit(count), rel=1e-9
        )
        delay = GeometricDelay(workers=count)
        assert mean_square_limit(descent, delay=delay) == pytest.approx(
            laws.independent_mean_square_limit(count), rel=1e-9
        )


def test_no_stable_curvature_is_no_limit():
    uphill = GradientDescent(learning_rate=-0.1)
    for method in (HeavyBall(learning_rate=1.0, momentum=1.5), uphill):
        assert delay_stability_limit(method) == 0
        assert delay_stability_limit(method, FixedDelay(staleness=2)) == 0
        assert mean_square_limit(method, workers=3) == 0


def test_ten_thousand_workers_cost_what_two_do():
    method = HeavyBall(learning_rate=1e-3, momentum=0.3)
    found = queue_moments(method, 1.0, workers=10_000, noise_variance=1.0)
    assert (
        found.stationary_variance
        > queue_moments(method, 1.0, workers=2, noise_variance=1.0).stationary_variance
    )
    assert found.path(1000).variance[-1] > 0


DESCENT = GradientDescent(learning_rate=1.0)
TWICE = Extragradient(learning_rate=1.0)
OPEN = GradientDescent(learning_rate=symbol("learning_rate"))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: queue_moments(DESCENT, 1.0, workers=0), "workers"),
        (lambda: queue_moments(DESCENT, 1.0, workers=2, noise_variance=-1), "noise"),
        (lambda: queue_moments(DESCENT, 1j, workers=2), "real curvatures"),
        (lambda: queue_moments(DESCENT, 1.0, workers=2).path(-1), "steps"),
        (lambda: stale_moments(DESCENT, 1.0, 3), "law of staleness"),
        (lambda: stale_moments(TWICE, 1.0, NoDelay()).mean_rate, "one gradient"),
        (lambda: mean_square_limit(DESCENT), "exactly one"),
        (lambda: mean_square_limit(DESCENT, workers=2, delay=NoDelay()), "exactly one"),
        (lambda: mean_square_limit(DESCENT, delay=3), "law of staleness"),
        (lambda: delay_stability_limit(TWICE), "one gradient"),
    ],
)
def test_bad_input_is_told(ask, words):
    with pytest.raises(DomainError, match=words):
        ask()


def test_what_is_unstable_or_symbolic_is_told():
    with pytest.raises(UnstableDynamicsError, match="mean square"):
        _ = queue_moments(DESCENT, 9.0, workers=2).stationary_variance
    with pytest.raises(NotTraceableError, match="numbers"):
        delay_stability_limit(OPEN)
    with pytest.raises(NotTraceableError, match="numbers"):
        _ = queue_moments(DESCENT, symbol("curvature"), workers=2).mean_rate


def test_stale_variance_never_falls_below_that_of_its_mean():
    """The spread of reads only adds noise where it acts as gradient noise does."""
    method = METHODS[1]
    for delay in LAWS:
        loop = stale_moments(method, 0.5, delay, 1.0)
        answer, spread, own, again = loop._settled.shares
        assert own >= -1e-14
        assert spread >= 0
        assert again < 1
        assert loop.stationary_variance >= answer - 1e-14


@pytest.mark.parametrize(("workers", "sense", "rate"), [
    (1, "mean", 0.8182), (1, "mean-square", 0.8182), (2, "mean", 0.9131), (3, "mean", 0.8288),
    (2, "mean-square", 0.98595), (8, "mean-square", 0.99455), (16, "mean-square", 0.99632),
])  # fmt: skip
def test_the_best_heavy_ball_of_a_queue_has_the_published_rate(workers, sense, rate):
    found = tune_queue(0.01, 1.0, workers=workers, sense=sense)
    assert found.rate == pytest.approx(rate, abs=1.5e-3 if workers == 1 else 1e-4)
    ends = np.geomspace(0.01, 1.0, 40)
    moments = queue_moments(found.method, ends, workers=workers)
    rates = moments.mean_rate if sense == "mean" else np.sqrt(moments.mean_square_rate)
    assert rates.max() == pytest.approx(found.rate, abs=2e-3)


def test_the_best_heavy_ball_of_a_queue_scales_with_the_spectrum():
    small, large = (tune_queue(0.01 * s, 1.0 * s, workers=4) for s in (1.0, 8.0))
    assert large.method.learning_rate == pytest.approx(small.method.learning_rate / 8)
    assert large.method.momentum == pytest.approx(small.method.momentum)


@pytest.mark.parametrize(("ask", "words"), [
    ({"workers": 0}, "workers"), ({"workers": 2, "sense": "median"}, "sense"),
])  # fmt: skip
def test_tuning_a_queue_refuses(ask, words):
    with pytest.raises(DomainError, match=words):
        tune_queue(0.1, 1.0, **ask)


def test_one_worker_among_many_has_no_spread():
    """A batch answers as its settings one by one, the certain one included."""
    descent, counts = GradientDescent(learning_rate=0.01), np.array([1.0, 2.0, 40.0])
    together = queue_moments(descent, 1.0, workers=counts, noise_variance=1.0)
    singly = [queue_moments(descent, 1.0, workers=m, noise_variance=1.0) for m in counts]
    assert together.mean_square_rate == pytest.approx([one.mean_square_rate for one in singly])
    assert together.mean_square_rate[0] == pytest.approx(0.99**2)
    floors = [one.stationary_variance for one in singly]
    assert together.stationary_variance == pytest.approx(floors)


def test_filters_whose_poles_crowd_are_refused_not_rounded():
    descent = GradientDescent(learning_rate=0.1)
    for law in (
        MixtureDelay(speeds=np.linspace(0.5, 1.5, 16)),
        NegativeBinomialDelay(mean=63.0, stages=24),
    ):
        for ask in (
            lambda law=law: stale_moments(descent, 1.0, law).mean_rate,
            lambda law=law: spectral_radius(descent, 1.0, law),
            lambda law=law: is_stable(descent, 1.0, law),
        ):
            with pytest.raises(DomainError, match="poles so near each other"):
                ask()
        assert delay_stability_limit(descent, law) > 0


@pytest.mark.parametrize("count", [2, 5, 8])
def test_mixtures_that_are_answered_are_right(count):
    """Against a state that keeps the mean read of every worker."""
    speeds = np.linspace(0.5, 1.5, count)
    shares, rate = speeds / speeds.sum(), 0.1
    matrix = np.eye(count + 1)
    matrix[0, 1:] = -rate * shares
    for i, share in enumerate(shares, start=1):
        matrix[i, i] = 1 - share
        matrix[i] += share * matrix[0]
    whole = np.abs(np.linalg.eigvals(matrix)).max()
    found = spectral_radius(GradientDescent(learning_rate=rate), 1.0, MixtureDelay(speeds=speeds))
    assert found == pytest.approx(whole, rel=1e-5)
