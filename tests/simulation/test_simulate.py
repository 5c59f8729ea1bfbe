"""What a run gives back, how it is seeded, how it is delayed, and what it refuses."""

import numpy as np
import pytest

from momentum_dynamics import (
    BilinearGame,
    DomainError,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LeastSquares,
    Nesterov,
    NoDelay,
    Outcome,
    Quadratic,
    Rosenbrock,
    ShapeError,
    equivalent_momentum,
    simulate,
)
from momentum_dynamics.simulation import EnsembleMoments, Trajectory
from momentum_dynamics.simulation.noise import BLOCK, block_sizes, block_streams, seed_sequence

METHOD, PROBLEM = HeavyBall(learning_rate=0.3, momentum=0.7), Quadratic([0.5, 1.0])
NOISY = {"steps": 6, "replicas": 4, "noise_variance": 1.0}


def test_shape_of_a_single_run():
    run = simulate(METHOD, PROBLEM, steps=5)
    assert isinstance(run, Trajectory)
    assert run.points.shape == run.outputs.shape == (6, 2)
    assert run.steps == 5
    assert run.distance.shape == (6,)
    assert isinstance(run.outcome, Outcome)
    np.testing.assert_array_equal(run.points[0], PROBLEM.start)
    np.testing.assert_array_equal(run.solution, PROBLEM.solution)


@pytest.mark.parametrize(
    ("replicas", "axes"),
    [((), ()), (3, (3,)), ((2, 3), (2, 3)), (np.int64(3), (3,)), ([2, 1], (2, 1))],
)
@pytest.mark.parametrize("engine", ["direct", "numpy", "compiled"])
def test_axes_are_batch_replicas_dimension(replicas, axes, engine):
    method = HeavyBall(learning_rate=np.full((4, 1), 0.1), momentum=np.full(5, 0.5))
    run = simulate(method, PROBLEM, steps=3, replicas=replicas, noise_variance=1.0, engine=engine)
    assert run.points.shape == (4, 4, 5, *axes, 2)
    assert run.distance.shape == (4, 4, 5, *axes)
    assert np.shape(run.outcome) == (4, 5, *axes)
    moments = simulate(
        method, PROBLEM, steps=3, replicas=replicas, noise_variance=1.0, engine=engine,
        record="moments",
    )  # fmt: skip
    assert isinstance(moments, EnsembleMoments)
    assert moments.mean.shape == moments.variance.shape == (4, 4, 5, 2)
    assert np.shape(moments.outcome) == (4, 5, *axes)


def test_zero_steps_are_the_start():
    run = simulate(METHOD, PROBLEM, steps=0, start=[3.0, 4.0])
    np.testing.assert_array_equal(run.points, [[3.0, 4.0]])
    assert run.outcome is Outcome.BUDGET_SPENT


def test_outcomes():
    assert simulate(METHOD, PROBLEM, steps=300).outcome is Outcome.CONVERGED
    assert simulate(METHOD, PROBLEM, steps=3).outcome is Outcome.BUDGET_SPENT
    fast = GradientDescent(learning_rate=5.0)
    assert simulate(fast, PROBLEM, steps=30).outcome is Outcome.DIVERGED
    assert simulate(fast, PROBLEM, steps=5000).outcome is Outcome.DIVERGED
    assert simulate(METHOD, PROBLEM, steps=20, tolerance=0.5).outcome is Outcome.CONVERGED


def test_divergence_of_what_is_not_linear_is_an_outcome_too():
    run = simulate(GradientDescent(learning_rate=1.0), Rosenbrock(), steps=50)
    assert run.outcome is Outcome.DIVERGED
    assert not np.isfinite(run.points[-1]).all()


def test_results_as_plain_arrays():
    run = simulate(METHOD, PROBLEM, seed=3, **NOISY)
    assert set(run.to_dict()) == {"points", "outputs", "outcome", "seed", "solution"}
    assert run.to_dict()["outcome"].tolist() == ["budget_spent"] * 4
    moments = simulate(METHOD, PROBLEM, seed=3, record="moments", **NOISY)
    assert moments.to_dict()["replicas"] == 4
    assert moments.seed == run.seed == 3


def test_one_replica_has_no_variance():
    run = simulate(METHOD, PROBLEM, steps=2, noise_variance=1.0, record="moments")
    assert np.isnan(run.variance[1:]).all()


# Seeds


@pytest.mark.parametrize("engine", ["direct", "compiled"])
def test_same_seed_same_run(engine):
    runs = [simulate(METHOD, PROBLEM, seed=s, engine=engine, **NOISY) for s in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0].points, runs[1].points)
    assert not np.isclose(runs[0].points[1:], runs[2].points[1:]).any()


def test_the_seed_that_a_run_reports_repeats_it():
    run = simulate(METHOD, PROBLEM, **NOISY)
    again = simulate(METHOD, PROBLEM, seed=run.seed, **NOISY)
    np.testing.assert_array_equal(run.points, again.points)


def test_sequences_and_generators_are_seeds():
    plain = simulate(METHOD, PROBLEM, seed=3, **NOISY)
    sequence = np.random.SeedSequence(3)
    for _ in range(2):
        run = simulate(METHOD, PROBLEM, seed=sequence, **NOISY)
        np.testing.assert_array_equal(run.points, plain.points)
    child = simulate(METHOD, PROBLEM, seed=sequence.spawn(1)[0], **NOISY)
    assert not np.isclose(child.points[1:], plain.points[1:]).any()
    first, second = (
        simulate(METHOD, PROBLEM, seed=np.random.default_rng(5), **NOISY) for _ in range(2)
    )
    np.testing.assert_array_equal(first.points, second.points)
    rng = np.random.default_rng(5)
    one, other = (simulate(METHOD, PROBLEM, seed=rng, **NOISY) for _ in range(2))
    assert not np.isclose(one.points[1:], other.points[1:]).any()


@pytest.mark.parametrize("seed", [-1, "three", 1.5])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(DomainError, match=r"seed is .* but must be a whole number from 0"):
        simulate(METHOD, PROBLEM, seed=seed, **NOISY)


def test_blocks():
    assert BLOCK == 128
    assert block_sizes(300) == [128, 128, 44]
    assert block_sizes(128) == [128]
    root = seed_sequence(7)
    few, many = block_streams(root, 128), block_streams(root, 300)
    assert [len(few), len(many)] == [1, 3]
    draws = [rng.standard_normal(4).tolist() for rng in (*few, *many)]
    assert draws[0] == draws[1]
    assert draws[1] != draws[2]
    assert root.n_children_spawned == 0


# Delays


@pytest.mark.parametrize("method", [
    Nesterov(learning_rate=0.2, momentum=0.5), Extragradient(learning_rate=0.2),
], ids=lambda method: type(method).__name__)  # fmt: skip
def test_fixed_delay_by_hand(method):
    problem = Quadratic([0.7])
    run = simulate(method, problem, steps=20, delay=FixedDelay(staleness=2))
    state, queries = method.initial_state(1.0), []
    for step in range(21):
        stage = method.stage(step) if hasattr(method, "stage") else method
        queries.append(stage.query(state))
        assert run.points[step, 0] == pytest.approx(queries[-1], abs=1e-13)
        state = stage.update(state, 0.7 * queries[max(step - 2, 0)])


def test_no_delay_is_no_delay():
    plain, fresh = (simulate(METHOD, Rosenbrock(), steps=4, delay=d) for d in (None, NoDelay()))
    np.testing.assert_array_equal(plain.points, fresh.points)


@pytest.mark.slow
def test_random_staleness_has_the_mean_path_of_its_equivalent():
    """z-scores of 40 steps × 2 modes below 5, and GD on stale gradients is heavy ball."""
    workers, rate, count = 5.0, 0.5, 6000
    method, delay = GradientDescent(learning_rate=rate), GeometricDelay(workers=workers)
    run = simulate(method, PROBLEM, steps=40, replicas=count, delay=delay, seed=2, record="moments")
    start = (PROBLEM.start, PROBLEM.start + rate * PROBLEM.field(PROBLEM.start))
    twin = simulate(equivalent_momentum(method, delay), PROBLEM, steps=40, start=start)
    spread = run.variance > 1e-12
    z = (run.mean - twin.outputs)[spread] / run.mean_error[spread]
    assert np.abs(z).max() < 5
    np.testing.assert_allclose((run.mean - twin.outputs)[~spread], 0, atol=1e-12)
    assert spread.sum() > 60


def test_every_replica_and_setting_draws_its_own_staleness():
    delay = GeometricDelay(workers=4.0)
    method = GradientDescent(learning_rate=np.array([0.1, 0.4]))
    run = simulate(method, PROBLEM, steps=12, replicas=(2, 3), delay=delay, seed=1)
    assert run.points.shape == (13, 2, 2, 3, 2)
    ends = run.points[-1, 0, :, :, 0].ravel()
    assert len(np.unique(ends)) == 6
    repeat = simulate(method, PROBLEM, steps=12, replicas=(2, 3), delay=delay, seed=1)
    np.testing.assert_array_equal(run.points, repeat.points)


# Problems


def test_games_are_run_directly():
    run = simulate(Extragradient(learning_rate=0.3), BilinearGame(1.0), steps=900)
    assert run.outcome is Outcome.BUDGET_SPENT
    assert run.distance[-1] < 1e-7 * run.distance[0]
    assert (
        simulate(GradientDescent(learning_rate=0.3), BilinearGame(1.0), steps=400).distance[-1]
        > 1e3
    )


def test_least_squares_tends_to_the_solution_of_least_norm():
    rng = np.random.default_rng(4)
    problem = LeastSquares(rng.normal(size=(4, 7)), rng.normal(size=4))
    largest = problem.spectrum()[-1]
    run = simulate(Nesterov(learning_rate=1 / largest, momentum=0.8), problem, steps=3000)
    np.testing.assert_allclose(run.outputs[-1], problem.solution, atol=1e-9)


# Refusals


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": -1}, DomainError, "steps is -1, but must be a whole number in"),
        ({"steps": 2.5}, DomainError, "steps is 2.5, but must be a whole number in"),
        ({"steps": "5"}, DomainError, "steps is '5', but must be a whole number in"),
        ({"steps": np.inf}, DomainError, "steps is inf, but must be a whole number in"),
        ({"replicas": 0}, DomainError, "replicas is 0, but must be a whole number in"),
        ({"replicas": (2, -1)}, DomainError, "replicas is -1, but must be a whole number in"),
        ({"replicas": 1.5}, DomainError, "replicas is 1.5, but must be a whole number in"),
        ({"noise_variance": -1.0}, DomainError, "noise_variance is -1.0, but must lie in"),
        ({"noise_variance": np.nan}, DomainError, "noise_variance is nan, but must lie in"),
        ({"noise_variance": [1.0] * 3}, ShapeError, r"noise_variance has shape \(3,\); give one"),
        ({"record": "everything"}, DomainError, "record is 'everything', but must be one of tr"),
        ({"engine": "fast"}, DomainError, "engine is 'fast', but must be one of auto, direct, nu"),
        ({"start": [1.0, 2.0, 3.0]}, ShapeError, r"start has shape \(3,\), but Quadratic\(dim"),
        ({"start": 1.0}, ShapeError, r"start has shape \(\), but Quadratic\(dimension=2"),
        (
            {"start": (np.ones(2),)},
            ShapeError,
            "tuple of 1, but the state of HeavyBall has 2 slots",
        ),
        ({"start": (np.ones(2), np.ones(3))}, ShapeError, r"start has shape \(3,\)"),
    ],
)
@pytest.mark.parametrize("method", [METHOD])
def test_refusals(method, settings, error, message):
    with pytest.raises(error, match=message):
        simulate(method, PROBLEM, **{"steps": 3, **settings})


def test_refusals_name_problems_without_modes_too():
    with pytest.raises(ShapeError, match=r"BilinearGame\(rows=1, columns=1\) has dimension 2"):
        simulate(METHOD, BilinearGame(1.0), steps=3, start=[1.0])


@pytest.mark.parametrize("engine", ["auto", "direct", "numpy", "compiled"])
@pytest.mark.parametrize("replicas", [(), 3])
def test_batch_axes_are_there_before_the_first_step(engine, replicas):
    method = HeavyBall(learning_rate=np.array([0.1, 0.2, 0.3, 0.4]), momentum=0.5)
    run = simulate(
        method, Quadratic([1.0, 2.0]), steps=0, replicas=replicas, noise_variance=0.1, seed=0,
        engine=engine,
    )  # fmt: skip
    inner = () if replicas == () else (3,)
    assert run.points.shape == (1, 4, *inner, 2)
    assert np.shape(run.outcome) == (4, *inner)


def test_a_spawned_seed_is_reported_so_that_it_runs_again():
    child = np.random.SeedSequence(1).spawn(2)[1]
    settings = {"steps": 5, "replicas": 4, "noise_variance": 1.0}
    method = HeavyBall(learning_rate=0.1, momentum=0.5)
    first = simulate(method, Quadratic([1.0]), seed=child, **settings)
    again = simulate(method, Quadratic([1.0]), seed=first.seed, **settings)
    np.testing.assert_array_equal(first.points, again.points)


def test_symbols_batched_delays_and_truth_values_are_refused():
    from momentum_dynamics import GeometricDelay, symbol
    from momentum_dynamics.errors import NotTraceableError

    numbers = HeavyBall(learning_rate=0.1, momentum=0.5)
    symbolic = HeavyBall(learning_rate=symbol("learning_rate"), momentum=0)
    batched = GeometricDelay(workers=np.array([1.0, 2.0]))
    with pytest.raises(NotTraceableError, match="only numbers can be run"):
        simulate(symbolic, Quadratic([1.0]), steps=1)
    with pytest.raises(ShapeError, match="one law of delay"):
        simulate(numbers, Quadratic([1.0]), steps=1, delay=batched)
    with pytest.raises(DomainError, match="seed is True"):
        simulate(numbers, Quadratic([1.0]), steps=1, seed=True)
    with pytest.raises(DomainError, match="not finite"):
        simulate(numbers, Quadratic([1.0]), steps=1, start=[np.nan])
    with pytest.raises(ShapeError, match="must fit"):
        simulate(numbers, Quadratic([1.0, 2.0]), steps=1, start=np.ones((4, 2)), replicas=3)


def test_quadratics_by_name():
    np.testing.assert_array_equal(Quadratic(spectrum=[1.0, 2.0]).spectrum(), [1.0, 2.0])
    np.testing.assert_array_equal(Quadratic(matrix=np.diag([2.0, 1.0])).spectrum(), [1.0, 2.0])
    both = {"spectrum": [1.0], "matrix": [[1.0]]}
    for wrong in ({}, both, {"matrix": [1.0]}, {"spectrum": [[1.0]]}):
        with pytest.raises(ShapeError):
            Quadratic(**wrong)


class SignDescent:
    """Not linear: it has no state space, but it can be run."""

    def __init__(self, rate):
        self.rate = rate

    def initial_state(self, point):
        return (point,)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        return (state[0] - self.rate * np.sign(gradient),)


def test_methods_that_are_not_linear_are_run_directly():
    settings = {"steps": 3, "replicas": 2, "noise_variance": 1e-12, "seed": 1}
    run = simulate(SignDescent(0.25), Quadratic([1.0, 100.0]), **settings)
    np.testing.assert_allclose(run.outputs[:, 0, 0], [1.0, 0.75, 0.5, 0.25])
    with pytest.raises(DomainError, match="not linear"):
        simulate(SignDescent(0.25), Quadratic([1.0]), engine="numpy", **settings)


def test_arrays_in_a_class_that_is_no_record_are_refused():
    with pytest.raises(ShapeError, match="make the class a record"):
        simulate(SignDescent(np.array([0.1, 0.2])), Quadratic([1.0, 2.0]), steps=1)


def test_results_show_themselves_in_one_line():
    descent, problem = GradientDescent(learning_rate=[0.5, 3.0]), Quadratic([1.0, 1.5])
    path = simulate(descent, problem, steps=60)
    assert repr(path) == "<Trajectory: 60 steps of points (2, 2), 1 converged, 1 diverged>"
    cloud = simulate(
        GradientDescent(learning_rate=0.5), problem, steps=3, replicas=4, record="moments"
    )
    assert repr(cloud) == "<EnsembleMoments: 3 steps of 4 replicas, budget spent>"
