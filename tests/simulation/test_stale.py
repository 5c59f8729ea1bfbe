"""Stale ensembles: three engines, hand-written recursions, enumeration, moments, refusals."""

import itertools
import tracemalloc

import numpy as np
import pytest

from momentum_dynamics import (
    Banana,
    Chebyshev,
    DomainError,
    EmpiricalDelay,
    Extragradient,
    FixedDelay,
    Gamma,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    LogisticRegression,
    MixtureDelay,
    MomentumDynamicsError,
    NegativeBinomialDelay,
    Nesterov,
    NoDelay,
    NotTraceableError,
    Outcome,
    Pareto,
    Quadratic,
    Rosenbrock,
    ServiceDelay,
    ShapeError,
    UniformDelay,
    characteristic_polynomial,
    simulate,
    simulate_stale,
    symbol,
)
from momentum_dynamics.methods.protocol import answer_before, stage_of
from momentum_dynamics.simulation import stale as stale_module
from momentum_dynamics.simulation import stale_kernels
from momentum_dynamics.simulation.noise import stream

METHODS = [
    GradientDescent(learning_rate=0.05),
    HeavyBall(learning_rate=0.05, momentum=0.3),
    Nesterov(learning_rate=0.05, momentum=0.3),
    Extragradient(learning_rate=0.05),
    Chebyshev(smallest_curvature=0.2, largest_curvature=2.5),
    LinearMethod(A=[[1.4, -0.4, 0], [1, 0, 0], [0.5, 0.5, 0.2]], B=[[-0.1], [0], [0.05]],
                 C=[[1.2, -0.2, 0.0]], E=[[1, 0, 0]]),
]  # fmt: skip
DELAYS = [
    NoDelay(),
    FixedDelay(staleness=3),
    GeometricDelay(workers=4),
    UniformDelay(largest=5),
    MixtureDelay(speeds=[1.0, 1.0, 5.0]),
    NegativeBinomialDelay(mean=3.0, stages=2),
    EmpiricalDelay(probabilities=[0.5, 0.0, 0.2, 0.3]),
    ServiceDelay(service=Gamma(shape=3), workers=4),
]
BASIS = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
ROTATED = Quadratic(BASIS @ np.diag([0.2, 1.0, 2.4]) @ BASIS.T, solution=[1.0, -2.0, 0.5])
WIDE = Quadratic(np.linspace(0.1, 2.0, 19))
METHOD, DELAY = HeavyBall(learning_rate=0.05, momentum=0.3), GeometricDelay(workers=4)
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
every_delay = pytest.mark.parametrize("delay", DELAYS, ids=lambda delay: type(delay).__name__)


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Kernels are compiled, and the table of a service law is made, before any test is timed."""
    run = simulate_stale(METHOD, ROTATED, DELAYS[-1], steps=1, engine="compiled")
    assert run.steps == 1


class Law:
    """A law of staleness from a sampler."""

    def __init__(self, draw, tail=lambda _: 0):
        self.sample, self.tail = draw, tail

    def __repr__(self):
        return "Law()"


def run_of(method=METHOD, problem=ROTATED, delay=DELAY, **settings):
    return simulate_stale(method, problem, delay, **({"steps": 30, "seed": 3} | settings))


def assert_same_run(one, other):
    assert repr(one) == repr(other)
    first, second = one.to_dict(), other.to_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
@every_method
@every_delay
@pytest.mark.parametrize("replicas", [1, 7, 130])
def test_engines_agree_on_every_method_and_law(method, delay, replicas):
    settings = {"replicas": replicas, "noise_variance": 0.3}
    compiled, numpy, python = (
        run_of(method, ROTATED, delay, engine=engine, **settings)
        for engine in ("compiled", "numpy", "python")
    )
    assert_same_run(compiled, numpy)
    np.testing.assert_array_equal(compiled.staleness, python.staleness)
    for name in ("points", "outputs", "mean", "second_moment"):
        expected, found = getattr(compiled, name), getattr(python, name)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("record", ["all", "moments", "last"])
@pytest.mark.parametrize("problem", [Quadratic([0.7]), ROTATED, WIDE], ids=["one", "three", "wide"])
def test_engines_agree_on_every_record(record, problem):
    settings = {"replicas": (2, 67), "noise_variance": 0.3, "record": record, "stride": 4}
    start = np.random.default_rng(0).normal(size=(2, 67, problem.dimension))
    runs = [
        run_of(problem=problem, engine=engine, start=start, **settings)
        for engine in ("compiled", "numpy")
    ]
    assert_same_run(*runs)


@every_method
def test_the_text_that_is_compiled_is_the_same_without_a_compiler(monkeypatch, method):
    """With frames, without, and with what is left over of a tile of modes."""

    def plain(stages, *others):
        stale_kernels._advance(stages.A, stages.B, stages.C, stages.E, stages.transient, *others)

    problem = Quadratic(np.linspace(0.2, 2, 5))
    settings = {"steps": 5, "replicas": 3, "noise_variance": [0.3, 0, 1, 1, 1], "stride": 2}
    for record in ("all", "last"):
        expected = run_of(method, problem, record=record, engine="compiled", **settings)
        with monkeypatch.context() as patch:
            patch.setattr(
                stale_module,
                "compiled_text",
                lambda: stale_kernels.Text(advance=plain, source=lambda rng: rng),
            )
            assert_same_run(
                expected, run_of(method, problem, record=record, engine="compiled", **settings)
            )


def test_noise_drawn_in_the_loop_is_numpys(monkeypatch):
    """The text without a compiler, far enough to meet the tail of the ziggurat and refusals."""
    for name, table in stale_kernels._tables().items():
        monkeypatch.setattr(stale_kernels, name, table)
    rng = np.random.Generator(np.random.SFC64(5))
    words, found = stale_kernels.words_of(rng), np.empty(8000)
    with np.errstate(over="ignore"):
        stale_kernels._fill_from_words(words, found)
    expected = rng.standard_normal(8000)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(words, stale_kernels.words_of(rng))
    assert np.abs(expected).max() > stale_kernels._LAST


@pytest.mark.slow
def test_noise_drawn_in_compiled_code_is_numpys():
    run = run_of(
        GradientDescent(learning_rate=1.0), Quadratic([0.0]), NoDelay(), steps=20_000,
        replicas=100, noise_variance=1.0, start=[0.0], record="last",
    )  # fmt: skip
    noise = stream(np.random.SeedSequence(3), 0).standard_normal((20_000, 100))
    np.testing.assert_array_equal(run.outputs[:, 0], (-noise).cumsum(axis=0)[-1])


@pytest.mark.slow
def test_without_tables_the_generator_is_called(monkeypatch):
    expected = run_of(replicas=5, noise_variance=0.1, engine="compiled")
    assert stale_kernels.compiled_text().source is stale_kernels.words_of
    monkeypatch.setattr(stale_kernels, "_tables", lambda: None)
    plain = stale_kernels.compiled_text.__wrapped__()
    assert plain.source is not stale_kernels.words_of
    monkeypatch.setattr(stale_module, "compiled_text", lambda: plain)
    assert_same_run(expected, run_of(replicas=5, noise_variance=0.1, engine="compiled"))


def test_threads_do_not_change_a_bit():
    settings = {"replicas": 1000, "noise_variance": 0.3, "record": "moments"}
    runs = [run_of(threads=threads, **settings) for threads in (1, 2, 3, 20, None)]
    for run in runs[1:]:
        assert_same_run(runs[0], run)


def test_without_a_compiler_numpy_does_it(monkeypatch):
    expected = run_of(replicas=5)
    monkeypatch.setattr(stale_module, "compiled_text", lambda: None)
    assert_same_run(expected, run_of(replicas=5))
    with pytest.raises(DomainError, match="needs numba"):
        run_of(engine="compiled")


@every_method
@pytest.mark.parametrize("engine", ["compiled", "numpy", "python"])
def test_without_delay_it_is_the_ensemble(method, engine):
    settings = {"steps": 30, "replicas": 130, "noise_variance": [0.3, 0.1, 0.0], "seed": 3}
    run = simulate_stale(method, ROTATED, NoDelay(), engine=engine, **settings)
    serial = simulate(
        method, ROTATED, engine="direct" if engine == "python" else engine, **settings
    )
    compare = np.testing.assert_allclose if engine == "python" else np.testing.assert_array_equal
    compare(run.points, serial.points)
    compare(run.outputs, serial.outputs)
    compare(run.distance, serial.distance)
    assert run.seed == serial.seed == 3
    if engine != "python":
        moments = simulate(method, ROTATED, engine=engine, record="moments", **settings)
        for name in ("mean", "second_moment", "variance", "mean_error"):
            compare(getattr(run, name), getattr(moments, name))
    assert run.mean_staleness == 0
    np.testing.assert_array_equal(run.histogram, [30 * 130])


def test_without_delay_it_is_the_ensemble_on_a_curved_problem():
    settings = {"steps": 50, "replicas": 130, "noise_variance": 1e-4, "seed": 1}
    method = HeavyBall(learning_rate=2e-4, momentum=0.8)
    run = simulate_stale(method, Rosenbrock(), NoDelay(), **settings)
    serial = simulate(method, Rosenbrock(), **settings)
    np.testing.assert_allclose(run.outputs, serial.outputs, rtol=1e-12)


def by_hand(method, problem, staleness, start):
    """One replica without noise, as the definition says it."""
    state = stage_of(method, 0).initial_state(np.asarray(start, dtype=float))
    asked, answers = [], []
    for step, age in enumerate(staleness):
        stage = stage_of(method, step)
        asked.append(stage.query(state))
        answers.append(answer_before(method, step, state))
        state = stage.update(state, problem.field(asked[step - age]))
    return np.array([*answers, answer_before(method, len(staleness), state)])


LOGISTIC = LogisticRegression(
    np.random.default_rng(4).normal(size=(12, 2)), np.arange(12) % 2, ridge=0.1
)


GENTLE = [
    HeavyBall(learning_rate=1e-3, momentum=0.8),
    Nesterov(learning_rate=1e-3, momentum=0.8),
    Extragradient(learning_rate=1e-3),
]


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        *((method, ROTATED) for method in METHODS),
        *itertools.product(METHODS[:4], [LOGISTIC]),
        *itertools.product(GENTLE, [Rosenbrock(), Banana()]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_replica_follows_its_recorded_staleness(method, problem):
    run = run_of(method, problem, steps=12, replicas=3, start=0.1 * np.ones(problem.dimension))
    assert run.staleness.shape == (12, 3)
    assert (np.diff(run.staleness, axis=1) != 0).any()
    for replica, ages in enumerate(run.staleness.T):
        found = by_hand(method, problem, ages, 0.1 * np.ones(problem.dimension))
        np.testing.assert_allclose(run.outputs[:, replica], found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("staleness", [0, 1, 4])
def test_a_fixed_delay_is_its_recursion_and_its_companion_matrix(staleness):
    rate, curvature, steps = 0.3, 0.7, 25
    delay = FixedDelay(staleness=staleness)
    method, problem = GradientDescent(learning_rate=rate), Quadratic([curvature])
    run = simulate_stale(method, problem, delay, steps=steps, start=[1.0])
    point = [1.0]
    for step in range(steps):
        point.append(point[step] - rate * curvature * point[max(step - staleness, 0)])
    np.testing.assert_allclose(run.outputs[:, 0], point, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(run.staleness, np.minimum(np.arange(steps), staleness))
    companion = np.eye(staleness + 1, k=-1)
    companion[0] = -characteristic_polynomial(method, curvature, delay)[1:]
    for step in (1, 7, steps):
        held = np.linalg.matrix_power(companion, step) @ np.ones(staleness + 1)
        assert run.outputs[step, 0] == pytest.approx(held[0], rel=1e-10, abs=1e-12)


def heavy_ball_path(rate, workers, gradient, start, steps):
    """Momentum 1 − 1/M at rate α/M, whose first displacement is a whole step."""
    points = [start, start - rate * gradient(start)]
    for _ in range(steps - 1):
        displacement = (1 - 1 / workers) * (points[-1] - points[-2])
        points.append(points[-1] + displacement - rate / workers * gradient(points[-1]))
    return np.array(points)


@pytest.mark.parametrize("engine", ["compiled", "numpy", "python"])
@pytest.mark.parametrize("workers", [2, 3.5, 8])
def test_all_sequences_of_staleness_average_to_heavy_ball(engine, workers):
    """Each of 120 replicas takes one of all sequences of five steps; weights are exact."""
    steps, rate = 5, 0.9
    sequences = np.array(list(itertools.product(*(range(t + 1) for t in range(steps)))))
    chances = (1 / workers) * (1 - 1 / workers) ** sequences
    last = sequences == np.arange(steps)
    chances[last] = ((1 - 1 / workers) ** sequences)[last]
    weights = chances.prod(axis=1)
    assert weights.sum() == pytest.approx(1, abs=1e-14)

    def draw(_, size):
        drawn = np.zeros(size, dtype=np.int64)
        drawn[:steps] = sequences.T
        return drawn

    run = simulate_stale(
        GradientDescent(learning_rate=rate), Quadratic([0.5, 1.0]), Law(draw), steps=steps,
        replicas=len(sequences), start=[1.0, -2.0], engine=engine,
    )  # fmt: skip
    np.testing.assert_array_equal(run.staleness, sequences.T)
    mean = np.einsum("trd,r->td", run.outputs, weights)
    expected = heavy_ball_path(
        rate, workers, lambda x: np.array([0.5, 1.0]) * x, np.array([1.0, -2.0]), steps
    )
    np.testing.assert_allclose(mean, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4, 8])
def test_the_mean_path_behind_a_geometric_delay_is_heavy_balls(workers):
    rate, h = 0.25, np.array([0.2, 1.0])
    run = simulate_stale(
        GradientDescent(learning_rate=rate), Quadratic(h), GeometricDelay(workers=workers),
        steps=40, replicas=20_000, seed=5, start=[1.0, 1.0], record="moments",
        noise_variance=0.01,
    )  # fmt: skip
    expected = heavy_ball_path(rate, workers, lambda x: h * x, np.ones(2), 40)
    assert (np.abs(run.mean - expected) <= 4 * run.mean_error + 1e-12).all()
    without_first_step = heavy_ball_path(rate, workers, lambda x: h * x, np.ones(2), 39)
    assert (np.abs(run.mean[1:] - without_first_step) > 4 * run.mean_error[1:]).any()


@pytest.mark.slow
def test_the_mean_gradient_behind_a_delay_on_a_curved_problem():
    """E w(t+1) = E w(t) − α Σ q E∇f(w(t−τ)) for any gradient, the tail at the start."""
    problem, steps, workers, rate = LOGISTIC, 15, 4, 0.8
    run = simulate_stale(
        GradientDescent(learning_rate=rate), problem, GeometricDelay(workers=workers),
        steps=steps, replicas=8000, seed=2, start=[2.0, -1.5],
    )  # fmt: skip
    gradients = problem.field(run.outputs)
    q = GeometricDelay(workers=workers).probabilities(steps)
    for step in range(1, steps):
        weights = np.append(q[:step], 1 - q[:step].sum())
        expected = np.einsum("l,lrd->rd", weights, gradients[step::-1])
        difference = run.outputs[step + 1] - run.outputs[step] + rate * expected
        error = difference.std(axis=0, ddof=1) / np.sqrt(8000)
        assert (np.abs(difference.mean(axis=0)) <= 4.5 * error).all()


def independent_second_moments(workers, a, noise, steps):
    """E w² by the closed recursion of four moments, from w = 1."""
    p = 1 / workers
    mu = 1 - p
    ww = wu = c = uu = 1.0
    found = [ww]
    for _ in range(steps):
        new = ww - 2 * a * wu + a**2 * c + noise
        cross = wu - a * uu
        wu, uu = mu * cross + p * new, mu**2 * uu + 2 * p * mu * cross + p**2 * new
        c, ww = mu * c + p * new, new
        found.append(ww)
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "a", "known"), [(3, 0.9, 1.1234), (8, 0.4, 0.49555)])
def test_second_moments_behind_independent_staleness(workers, a, known):
    expected = independent_second_moments(workers, a, 0.0, 20)
    assert expected[-1] == pytest.approx(known, abs=6e-5)
    run = simulate_stale(
        GradientDescent(learning_rate=a), Quadratic([1.0]), GeometricDelay(workers=workers),
        steps=20, replicas=200_000, seed=7, start=[1.0], record="moments",
    )  # fmt: skip
    gap = np.abs(run.second_moment[2:, 0] - expected[2:])
    assert (gap <= 4 * run.second_moment_error[2:, 0]).all()
    assert run.second_moment_error[-1, 0] < 0.03 * known


@pytest.mark.slow
def test_noise_floor_behind_independent_staleness():
    M, a, rate = 4, 0.2, 0.1
    floor = (2 * M - 1 + 2 * M * (M - 1) * a) / (a * (4 * M - 2 - a - 2 * M * (M - 1) * a**2))
    run = simulate_stale(
        GradientDescent(learning_rate=rate), Quadratic([a / rate]), GeometricDelay(workers=M),
        steps=200, replicas=40_000, noise_variance=3.0, seed=11, start=[0.0], record="moments",
    )  # fmt: skip
    expected = floor * rate**2 * 3.0
    assert abs(run.variance[-1, 0] - expected) <= 4 * run.variance_error[-1, 0]
    assert run.variance_error[-1, 0] < 0.02 * expected


def test_errors_are_those_between_blocks():
    run = run_of(replicas=300, noise_variance=0.3)
    away = (run.outputs - ROTATED.solution) @ ROTATED.modes[1]
    assert run.mean.shape == run.second_moment_error.shape == (31, 3)
    np.testing.assert_allclose(run.mean, away.mean(axis=1), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(run.variance, away.var(axis=1, ddof=1), rtol=1e-9, atol=1e-14)
    for centre, found in ((0, run.second_moment_error), (run.mean[:, None], run.variance_error)):
        squares = (away - centre) ** 2
        squares = squares - squares.mean(axis=1, keepdims=True)
        sums = [part.sum(axis=1) for part in np.split(squares, [128, 256], axis=1)]
        expected = np.sqrt((np.array(sums) ** 2).sum(axis=0) * 3 / 2) / 300
        np.testing.assert_allclose(found[2:], expected[2:], rtol=1e-6)
    assert np.isnan(run_of(replicas=128).variance_error).all()


@every_delay
def test_staleness_has_the_law(delay):
    run = run_of(delay=delay, steps=400, replicas=20)
    assert (run.staleness <= np.arange(400)[:, None]).all()
    np.testing.assert_array_equal(run.histogram, np.bincount(run.staleness.ravel()))
    assert run.mean_staleness == pytest.approx(run.staleness.mean())
    late = run.staleness[100:]
    expected = delay.probabilities(40)
    found = np.bincount(late.ravel(), minlength=40)[:40] / late.size
    assert (np.abs(found - expected) <= 4.5 * np.sqrt(expected / late.size) + 1e-12).all()


def test_staleness_is_drawn_for_every_replica_and_step():
    ages = run_of(steps=3000, replicas=4).staleness[50:].astype(float)
    ages -= ages.mean(axis=0)
    spread = ages.std(axis=0)
    for lag in (1, 2, 5):
        correlation = (ages[lag:] * ages[:-lag]).mean(axis=0) / spread**2
        assert (np.abs(correlation) < 4.5 / np.sqrt(len(ages))).all()
    between = np.corrcoef(ages.T)[np.triu_indices(4, 1)]
    assert (np.abs(between) < 4.5 / np.sqrt(len(ages))).all()


@pytest.mark.parametrize("engine", ["compiled", "numpy", "python"])
def test_nothing_is_cut_off_where_a_tail_is_longer_than_it_says(engine):
    expected = run_of(replicas=130, noise_variance=0.2, steps=120, engine=engine)
    liar = Law(DELAY.sample, lambda _: 0)
    assert_same_run(
        expected, run_of(delay=liar, replicas=130, noise_variance=0.2, steps=120, engine=engine)
    )
    assert expected.staleness.max() > 8


def test_a_heavy_tail_reads_the_start():
    delay = ServiceDelay(service=Pareto(tail=1.2), workers=10)
    run = run_of(
        GradientDescent(learning_rate=0.01), Quadratic([1.0]), delay, steps=300, replicas=9
    )
    assert run.staleness.max() > 100
    for replica, ages in enumerate(run.staleness.T):
        found = by_hand(GradientDescent(learning_rate=0.01), Quadratic([1.0]), ages, [1.0])
        np.testing.assert_allclose(run.outputs[:, replica], found, rtol=1e-11)


@every_delay
@pytest.mark.parametrize("engine", ["compiled", "python"])
def test_a_longer_run_begins_as_a_shorter_one(delay, engine):
    short, long = (
        run_of(delay=delay, replicas=100, steps=steps, noise_variance=0.1, engine=engine)
        for steps in (5, 90)
    )
    np.testing.assert_array_equal(long.outputs[:6], short.outputs)
    np.testing.assert_array_equal(long.staleness[:5], short.staleness)


@pytest.mark.parametrize("engine", ["compiled", "numpy", "python"])
def test_records_and_strides_are_parts_of_one_run(engine):
    settings = {"replicas": (3, 50), "noise_variance": 0.2, "engine": engine, "steps": 11}
    full = run_of(**settings)
    assert full.points.shape == full.outputs.shape == (12, 3, 50, 3)
    assert full.staleness.shape == (11, 3, 50)
    assert full.outcome.shape == (3, 50)
    thin = run_of(stride=4, **settings)
    np.testing.assert_array_equal(thin.points, full.points[::4])
    np.testing.assert_array_equal(thin.outputs, full.outputs[::4])
    np.testing.assert_array_equal(thin.second_moment, full.second_moment[::4])
    moments = run_of(record="moments", **settings)
    assert moments.points is None
    assert moments.staleness is None
    np.testing.assert_array_equal(moments.mean, full.mean)
    np.testing.assert_array_equal(moments.histogram, full.histogram)
    last = run_of(record="last", **settings)
    np.testing.assert_array_equal(last.points, full.points[-1])
    np.testing.assert_array_equal(last.distance, full.distance[-1])
    with pytest.raises(DomainError, match="kept its end alone"):
        _ = last.mean
    with pytest.raises(DomainError, match="kept no points"):
        _ = moments.distance
    assert last.mean_staleness == full.mean_staleness


def test_no_step_at_all():
    run = run_of(steps=0, start=[0.0, 1.0, 2.0])
    np.testing.assert_allclose(run.outputs, [[0.0, 1.0, 2.0]], atol=1e-14)
    assert run.staleness.shape == (0,)
    assert run.mean_staleness == 0


def test_a_start_slot_by_slot():
    state = (np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.5, 0.5]))
    run, serial = (
        simulate_stale(METHOD, ROTATED, NoDelay(), steps=9, start=state),
        simulate(METHOD, ROTATED, steps=9, start=state),
    )
    np.testing.assert_allclose(run.outputs, serial.outputs, rtol=1e-12, atol=1e-14)


def test_outcomes():
    settings = {"problem": Quadratic([1.0]), "steps": 400}
    assert run_of(GradientDescent(learning_rate=0.2), **settings).outcome is Outcome.CONVERGED
    assert run_of(GradientDescent(learning_rate=1e-3), **settings).outcome is Outcome.BUDGET_SPENT
    run = run_of(GradientDescent(learning_rate=5.0), replicas=4, **settings)
    assert set(run.outcome) == {"diverged"}
    assert repr(run).endswith("diverged>")


def test_a_seed_is_a_run():
    one, same, other = (run_of(replicas=5, noise_variance=0.1, seed=seed) for seed in (1, 1, 2))
    assert_same_run(one, same)
    assert (one.outputs[-1] != other.outputs[-1]).all()
    drawn = run_of(noise_variance=0.1, seed=None)
    assert_same_run(drawn, run_of(noise_variance=0.1, seed=drawn.seed))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps():
    def peak(steps):
        tracemalloc.start()
        run = simulate_stale(
            METHOD, ROTATED, DELAY, steps=steps, replicas=256, noise_variance=0.1, seed=0,
            record="moments", stride=steps // 100, threads=1,
        )  # fmt: skip
        assert run.mean.shape == (101, 3)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few = peak(2000)
    assert peak(60_000) < 1.3 * few
    assert run_of(steps=25_000, record="moments").stride == 3


REFUSED = {
    "steps are negative": ({"steps": -1}, DomainError, "steps is -1"),
    "steps are no number": ({"steps": 2.5}, DomainError, "steps is 2.5"),
    "no replica": ({"replicas": 0}, DomainError, "replicas is 0"),
    "negative noise": ({"noise_variance": -1.0}, DomainError, "noise_variance is -1.0"),
    "noise of another shape": ({"noise_variance": [1.0, 2.0]}, ShapeError, "noise_variance"),
    "a record": ({"record": "trajectory"}, DomainError, "all, moments, last"),
    "an engine": ({"engine": "direct"}, DomainError, "auto, python, numpy, compiled"),
    "a stride": ({"stride": 0}, DomainError, "stride is 0"),
    "threads": ({"threads": 0}, DomainError, "threads is 0"),
    "a tolerance": ({"tolerance": -1.0}, DomainError, "tolerance is -1.0"),
    "a seed": ({"seed": "one"}, DomainError, "seed is 'one'"),
    "a start": ({"start": [1.0]}, ShapeError, "The start has shape"),
    "a start that is not finite": ({"start": [1.0, np.nan, 1.0]}, DomainError, "not finite"),
    "no method": ({"method": GradientDescent}, DomainError, "is a class"),
    "no problem": ({"problem": 3}, DomainError, "no field"),
    "no delay": ({"delay": 3}, DomainError, "delay is 3"),
    "a class of delays": ({"delay": NoDelay}, DomainError, "GeometricDelay"),
    "symbols in the delay": (
        {"delay": GeometricDelay(workers=symbol("workers"))}, NotTraceableError, "symbols"
    ),
    "symbols in the method": (
        {"method": GradientDescent(learning_rate=symbol("learning_rate"))},
        NotTraceableError, "symbols",
    ),
    "a batch of laws": ({"delay": GeometricDelay(workers=[2, 3])}, ShapeError, "batch axes"),
    "a batch of methods": (
        {"method": GradientDescent(learning_rate=[0.1, 0.2])}, ShapeError, "batch axes"
    ),
    "a linear engine on a curved problem": (
        {"problem": Rosenbrock(), "engine": "compiled"}, DomainError, "linear problems only"
    ),
    "a negative staleness": (
        {"delay": Law(lambda _, size: np.full(size, -2))}, DomainError, "drew a staleness -2"
    ),
    "half a staleness": (
        {"delay": Law(lambda _, size: np.full(size, 0.5))}, DomainError, "of type float64"
    ),
    "too few stalenesses": (
        {"delay": Law(lambda *_: np.zeros(3, dtype=int))}, ShapeError, r"shape \(3,\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "error", "words"), REFUSED.values(), ids=list(REFUSED))
def test_refusals(settings, error, words):
    with pytest.raises(error, match=words) as caught:
        run_of(**settings)
    assert isinstance(caught.value, MomentumDynamicsError)


def test_a_refusal_in_a_thread_arrives():
    calls = itertools.count()

    def draw(_, size):
        return np.full(size, -1 if next(calls) > 5 else 0)

    with pytest.raises(DomainError, match="drew a staleness -1"):
        run_of(delay=Law(draw), replicas=2000, threads=2)
