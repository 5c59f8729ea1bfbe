"""Remedies against staleness: exact moments against whole states, runs and each other."""

import itertools

import numpy as np
import pytest

from momentum_dynamics import (
    DelayAdaptive,
    DelayCompensated,
    EmpiricalDelay,
    Exponential,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    InverseStaleness,
    Quadratic,
    Rosenbrock,
    ShiftedHeavyBall,
    ShiftedMomentum,
    StalenessWeighted,
    StaleThreshold,
    WorkerMomentum,
    characteristic_polynomial,
    compare_remedies,
    queue_moments,
    remedy_limit,
    simulate_queue,
    simulate_stale,
    spectral_radius,
    stale_moments,
    state_space,
    symbol,
)
from momentum_dynamics.dynamics.asynchrony.held import held_moments
from momentum_dynamics.errors import (
    DomainError,
    NotTraceableError,
    ShapeError,
    UnstableDynamicsError,
)

DESCENT = GradientDescent(learning_rate=0.4)
BALL = HeavyBall(learning_rate=0.2, momentum=0.4)
HELD = [
    WorkerMomentum(learning_rate=0.15, momentum=0.5),
    WorkerMomentum(learning_rate=0.15, momentum=0.5, lookahead=0),
    WorkerMomentum(learning_rate=0.15, momentum=-0.3, lookahead=0.4),
    ShiftedMomentum(learning_rate=0.1, momentum=0.4),
    DelayCompensated(method=BALL, compensation=0.4),
]
TABLE = np.array([1.0, 0.6, 0.25])


class Steps:
    """Weights by a table, the last of all older."""

    def __init__(self, count):
        self.settles = count - 1

    def __call__(self, staleness):
        return TABLE[np.minimum(staleness, self.settles)]


def whole_server(method, curvature, workers):
    """For each writer, how (shared, held by worker 0, 1, …) moves, and what noise does."""
    shared, held = method.initial_state(0.0)
    first, each = len(shared), len(held)
    size = first + workers * each
    for writer in range(workers):
        matrix, noise = np.empty((size, size)), np.zeros(size)
        for k in range(size + 1):
            state = np.eye(size + 1)[k][:size]
            kept = state[first:].reshape(workers, each)
            others = tuple(kept.sum(axis=0) - kept[writer])
            own = tuple(state[:first]), tuple(kept[writer])
            gradient = curvature * method.query(*own) + (k == size)
            moved = method.update(*own, others, gradient)
            column = state.copy()
            column[:first] = moved[0]
            column[first + writer * each : first + (writer + 1) * each] = moved[1]
            if k < size:
                matrix[:, k] = column
            else:
                noise = column
        yield matrix, noise


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("method", HELD, ids=lambda m: type(m).__name__)
def test_what_workers_hold_closes_as_the_whole_server(method, workers):
    writes = list(whole_server(method, 0.9, workers))
    operator = sum(np.kron(matrix, matrix) for matrix, _ in writes) / workers
    source = sum(np.outer(noise, noise).ravel() for _, noise in writes) / workers
    moments = held_moments(method, 0.9, workers, 2.0)
    mean = sum(matrix for matrix, _ in writes) / workers
    assert moments.mean_rate == pytest.approx(np.abs(np.linalg.eigvals(mean)).max(), rel=1e-12)
    rate = np.abs(np.linalg.eigvals(operator)).max()
    assert moments.mean_square_rate == pytest.approx(rate, rel=1e-10)
    settled = np.linalg.solve(np.eye(len(operator)) - operator, 2 * source)[0]
    assert moments.stationary_variance == pytest.approx(settled, rel=1e-10)
    path = moments.path(4, start=1.0)
    shared, held = method.initial_state(1.0)
    start = np.array([*shared, *held * workers])
    second = np.outer(start, start).ravel()
    for step in range(5):
        assert path.variance[step] + path.mean[step] ** 2 == pytest.approx(second[0], rel=1e-10)
        second = operator @ second + 2 * source


@pytest.mark.parametrize("share", [0.3, 0.8, 1.3])
@pytest.mark.parametrize("workers", [2, 5])
def test_compensation_is_carried_alike_by_two_closures(share, workers):
    method = DelayCompensated(method=BALL, compensation=share)
    lifted = queue_moments(method, 0.9, workers=workers, noise_variance=1.0)
    held = held_moments(method, 0.9, workers, 1.0)
    for name in ("mean_rate", "mean_square_rate", "stationary_variance"):
        assert getattr(lifted, name) == pytest.approx(getattr(held, name), rel=1e-10)
    assert lifted.path(20).variance == pytest.approx(held.path(20).variance, rel=1e-10)


def test_full_compensation_is_one_worker():
    full = DelayCompensated(method=BALL, compensation=1)
    one = queue_moments(BALL, 0.9, workers=1, noise_variance=1.0)
    for found in (
        queue_moments(full, 0.9, workers=7, noise_variance=1.0),
        stale_moments(full, 0.9, GeometricDelay(workers=7), 1.0),
    ):
        assert found.mean_rate == pytest.approx(one.mean_rate)
        assert found.mean_square_rate == pytest.approx(one.mean_square_rate)
        assert found.stationary_variance == pytest.approx(one.stationary_variance)


def whole_ages(method, weights, curvature, workers):
    """Second moments of (s, reads) for each tuple of ages: operator, ages' chain and source."""
    system = state_space(method)
    slots, count = len(system.A), len(weights)
    size = slots + workers
    ages = list(itertools.product(range(count), repeat=workers))
    place = {age: i for i, age in enumerate(ages)}
    operator = np.zeros((len(ages), size**2, len(ages), size**2))
    chain, source = np.zeros((2, len(ages), len(ages))), np.zeros((len(ages), len(ages), size**2))
    for old in ages:
        for writer in range(workers):
            new = tuple(0 if i == writer else min(age + 1, count - 1) for i, age in enumerate(old))
            matrix, noise = np.eye(size), np.zeros(size)
            matrix[:slots, :slots] = system.A
            gain = weights[old[writer]] * system.B[:, 0]
            matrix[:slots, slots + writer], noise[:slots] = curvature * gain, gain
            matrix[slots + writer] = system.C[0] @ matrix[:slots]
            noise[slots + writer] = system.C[0] @ gain
            to, at = place[new], place[old]
            operator[to, :, at] += np.kron(matrix, matrix) / workers
            chain[0, to, at] += 1 / workers
            source[to, at] += np.outer(noise, noise).ravel() / workers
    return operator.reshape(len(ages) * size**2, -1), chain[0], source


@pytest.mark.parametrize(("workers", "count"), [(2, 2), (2, 3), (3, 2)])
@pytest.mark.parametrize("method", [DESCENT, BALL], ids=lambda m: type(m).__name__)
def test_weights_close_over_ages_as_the_whole_chain(method, workers, count):
    operator, chain, source = whole_ages(method, TABLE[:count], 0.9, workers)
    weighted = StalenessWeighted(method=method, weight=Steps(count))
    moments = queue_moments(weighted, 0.9, workers=workers, noise_variance=1.0)
    rate = np.abs(np.linalg.eigvals(operator)).max()
    assert moments.mean_square_rate == pytest.approx(rate, rel=1e-9)
    size = len(state_space(method).A) + workers
    second, law = np.zeros((len(chain), size**2)), np.zeros(len(chain))
    second[0], law[0] = 1.0, 1.0
    path = moments.path(150)
    for step in range(151):
        total = second.sum(axis=0)[0]
        assert path.variance[step] + path.mean[step] ** 2 == pytest.approx(total, rel=1e-9)
        second = (operator @ second.ravel()).reshape(second.shape)
        second += np.einsum("ijk,j->ik", source, law)
        law = chain @ law
    assert moments.stationary_variance == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("workers", [1, 1.5, 4])
@pytest.mark.parametrize("method", [DESCENT, BALL], ids=lambda m: type(m).__name__)
def test_weights_of_one_change_nothing(method, workers):
    weighted = StalenessWeighted(method=method, weight=StaleThreshold(largest=3, weight=1.0))
    for one, other in (
        (queue_moments(weighted, 0.9, workers=workers, noise_variance=1.0),
         queue_moments(method, 0.9, workers=workers, noise_variance=1.0)),
        (stale_moments(weighted, 0.9, GeometricDelay(workers=2), 1.0),
         stale_moments(method, 0.9, GeometricDelay(workers=2), 1.0)),
    ):  # fmt: skip
        # A law that is cut off has its rates to fewer digits, since they divide by powers of z.
        assert one.mean_square_rate == pytest.approx(other.mean_square_rate, rel=1e-5)
        assert one.stationary_variance == pytest.approx(other.stationary_variance, rel=1e-8)


def test_independent_weights_are_a_product_of_draws():
    law = EmpiricalDelay(probabilities=[0.5, 0.3, 0.2])
    moments = stale_moments(
        StalenessWeighted(method=DESCENT, weight=Steps(3)), 0.9, law, noise_variance=1.0
    )
    operator, source = np.zeros((9, 9)), np.zeros(9)
    for age, (chance, weight) in enumerate(zip(law.probabilities(3), TABLE, strict=True)):
        matrix, noise = np.eye(3, k=-1), np.zeros(3)
        matrix[0, 0] = 1.0
        matrix[0, age] -= 0.4 * 0.9 * weight
        noise[0] = -0.4 * weight
        operator += chance * np.kron(matrix, matrix)
        source += chance * np.outer(noise, noise).ravel()
    rate = np.abs(np.linalg.eigvals(operator)).max()
    assert moments.mean_square_rate == pytest.approx(rate, rel=1e-12)
    settled = np.linalg.solve(np.eye(9) - operator, source)[0]
    assert moments.stationary_variance == pytest.approx(settled, rel=1e-12)
    assert moments.path(300).variance[-1] == pytest.approx(settled, rel=1e-9)


def test_a_fixed_age_of_one_weight_is_certain():
    weighted = StalenessWeighted(method=DESCENT, weight=InverseStaleness())
    half = stale_moments(weighted, 0.9, FixedDelay(staleness=1), 4.0)
    plain = stale_moments(GradientDescent(learning_rate=0.2), 0.9, FixedDelay(staleness=1), 4.0)
    assert half.mean_square_rate == pytest.approx(plain.mean_square_rate)
    assert half.stationary_variance == pytest.approx(plain.stationary_variance)


RUNS = [
    StalenessWeighted(method=BALL, weight=StaleThreshold(largest=3)),
    StalenessWeighted(method=DESCENT, weight=InverseStaleness()),
    DelayCompensated(method=BALL, compensation=0.5),
    HELD[0],
    HELD[3],
]


@pytest.mark.slow
@pytest.mark.parametrize("method", RUNS, ids=lambda m: type(m).__name__)
def test_runs_of_the_queue_have_the_exact_moments(method):
    run = simulate_queue(
        method, Quadratic([1.0]), workers=4, service=Exponential(), updates=40, seed=1,
        noise_variance=1.0, replicas=1_280, record="moments", start=[2.0],
    ).moments  # fmt: skip
    path = queue_moments(method, 1.0, workers=4, noise_variance=1.0).path(40, 2.0)
    at = [1, 2, 5, 10, 20, 40]
    assert (np.abs(run.mean[at, 0] - path.mean[at]) < 4.5 * run.mean_error[at, 0] + 1e-9).all()
    off = np.abs(run.variance[at, 0] - path.variance[at])
    assert (off < 5 * run.variance_error[at, 0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", RUNS[:3], ids=lambda m: type(m).__name__)
def test_independent_runs_have_the_exact_moments(method):
    law = GeometricDelay(workers=4)
    run = simulate_stale(
        method, Quadratic([1.0]), law, steps=40, seed=1, noise_variance=1.0, replicas=10_240,
        record="moments", start=[2.0],
    )  # fmt: skip
    path = stale_moments(method, 1.0, law, 1.0).path(40, 2.0)
    at = [1, 2, 5, 10, 20, 40]
    assert (np.abs(run.mean[at, 0] - path.mean[at]) < 4.5 * run.mean_error[at, 0] + 1e-9).all()
    off = np.abs(run.variance[at, 0] - path.variance[at])
    assert (off < 5 * run.variance_error[at, 0]).all()


def test_a_dropped_gradient_is_a_step_all_the_same():
    method = StalenessWeighted(method=BALL, weight=lambda staleness: 0.0 * staleness)
    run = simulate_queue(
        method, Quadratic([1.0]), workers=3, service=Exponential(), updates=6, seed=0,
        start=(np.array([2.0]), np.array([1.0])),
    )  # fmt: skip
    moved = 1.0 + np.cumsum(0.4 ** np.arange(7))
    assert run.outputs[:, 0] == pytest.approx(moved)
    assert run.staleness.max() > 0


def test_a_velocity_for_each_worker_is_shifted_momentum():
    own = WorkerMomentum(learning_rate=0.2, momentum=0.6, lookahead=0)
    shifted = ShiftedMomentum(learning_rate=0.2, momentum=0.6)
    first, second = (
        queue_moments(method, np.array([0.1, 1.0]), workers=5, noise_variance=1.0)
        for method in (own, shifted)
    )
    assert first.mean_square_rate == pytest.approx(second.mean_square_rate)
    assert first.stationary_variance == pytest.approx(second.stationary_variance)
    assert "WorkerMomentum with 5 workers" in repr(first)


def test_shifted_heavy_ball_has_its_characteristic_equation():
    method = ShiftedHeavyBall(learning_rate=0.05, momentum=0.6, staleness=3)
    found = characteristic_polynomial(method, 1.0, FixedDelay(staleness=3))
    wanted = np.zeros(6)
    wanted[:2] = 1.0, -1.0  # z⁴(z − 1) − β(z − 1) + αhz
    wanted[-2:] += -0.6 + 0.05, 0.6
    roots = np.sort_complex(np.roots(np.trim_zeros(found, "b")))
    assert roots == pytest.approx(np.sort_complex(np.roots(wanted)), abs=1e-9)
    plain = ShiftedHeavyBall(learning_rate=0.2, momentum=0.4, staleness=0)
    assert spectral_radius(plain, 1.0) == pytest.approx(spectral_radius(BALL, 1.0))


@pytest.mark.parametrize("workers", [1, 2, 30])
def test_half_a_compensation_has_the_limit_two(workers):
    def half(rate):
        return DelayCompensated(method=GradientDescent(learning_rate=rate), compensation=0.5)

    assert remedy_limit(half, 0.5, workers=workers) == pytest.approx(4.0, rel=1e-9)


def test_the_limit_is_that_of_the_law():
    def none(rate):
        return GradientDescent(learning_rate=rate)

    assert remedy_limit(none, 1.0, workers=4) == pytest.approx((1 + np.sqrt(33)) / 8)
    with pytest.raises(DomainError, match="unstable at the learning rate"):
        remedy_limit(lambda rate: GradientDescent(learning_rate=-rate), 1.0, workers=4)
    assert remedy_limit(lambda _: GradientDescent(learning_rate=0.01), 1.0, workers=4) == np.inf


@pytest.mark.slow
def test_the_table_compares_what_it_says():
    table = compare_remedies(3, 0.05, 1.0)
    assert len(table.names) == len(table.largest_step) == 11
    assert repr(table) == "<RemedyTable: 11 remedies on 3 workers>"
    rate, square = table.learning_rate[0], table.root_mean_square_rate[0]
    own = queue_moments(GradientDescent(learning_rate=rate), np.array([0.05, 1.0]), workers=3)
    assert square == pytest.approx(np.sqrt(own.mean_square_rate.max()))
    assert table.noise_floor[table.names.index("compensated in full")] == pytest.approx(1, rel=0.01)
    assert str(table).count("\n") == 12


def test_weights_are_what_they_say():
    ages = np.arange(6)
    assert InverseStaleness()(ages) == pytest.approx(1 / (ages + 1))
    assert DelayAdaptive(largest=0)(ages) == pytest.approx(1 / (ages + 1))
    assert StaleThreshold(largest=2, weight=0.5)(ages).tolist() == [1, 1, 1, 0.5, 0.5, 0.5]
    assert StaleThreshold(largest=2).settles == 3


WEIGHTED = StalenessWeighted(method=DESCENT, weight=InverseStaleness())


@pytest.mark.parametrize(
    ("ask", "error", "told"),
    [
        (lambda: StalenessWeighted(method=DESCENT, weight=2.0), DomainError, "must be called"),
        (lambda: queue_moments(StalenessWeighted(method=DESCENT, weight=lambda _: 1.0), 1.0,
                               workers=3), DomainError, "one finite number"),
        (lambda: queue_moments(WEIGHTED, np.ones(2), workers=3), ShapeError, "one setting"),
        (lambda: queue_moments(WEIGHTED, symbol("curvature"), workers=3), NotTraceableError,
         "numbers only"),
        (lambda: queue_moments(
            StalenessWeighted(method=Extragradient(learning_rate=0.1), weight=InverseStaleness()),
            1.0, workers=3), DomainError, "no settled step"),
        (lambda: queue_moments(HELD[0], symbol("curvature"), workers=3), NotTraceableError,
         "numbers only"),
        (lambda: queue_moments(HELD[0], 1.0, workers=np.array([2, 3])), DomainError, "at a time"),
        (lambda: stale_moments(HELD[0], 1.0, GeometricDelay(workers=3)), DomainError,
         "keeps something for each worker"),
        (lambda: stale_moments(WEIGHTED, 1.0, GeometricDelay(workers=symbol("workers"))),
         NotTraceableError, "numbers for the delay"),
        (lambda: simulate_stale(HELD[0], Quadratic([1.0]), GeometricDelay(workers=3), steps=3),
         DomainError, "keeps something for each worker"),
        (lambda: simulate_stale(HELD[4], Rosenbrock(), GeometricDelay(workers=3), steps=3),
         DomainError, "Hessian"),
        (lambda: simulate_queue(HELD[4], Rosenbrock(), workers=2, service=Exponential(),
                                updates=3), DomainError, "Hessian"),
        (lambda: simulate_queue(HELD[0], Quadratic([1.0]), workers=2, service=Exponential(),
                                updates=3, order="read-then-write"), DomainError, "must write"),
        (lambda: simulate_queue(HELD[0], Quadratic([1.0]), workers=2, service=Exponential(),
                                updates=3, start=(np.ones(1),)), DomainError, "starts at rest"),
        (lambda: simulate_queue(HELD[0], Quadratic([1.0]), workers=2, service=Exponential(),
                                updates=3, engine="compiled"), DomainError, "no remedies"),
        (lambda: compare_remedies(3, 0.1, 1.0, remedies={}), DomainError, "no remedy"),
        (lambda: ShiftedHeavyBall(learning_rate=1.0, momentum=0.5, staleness=np.array([1, 2])),
         DomainError, "whole number"),
        (lambda: queue_moments(
            WorkerMomentum(learning_rate=3.0, momentum=0.5), 1.0, workers=4
        ).stationary_variance, UnstableDynamicsError, "No stationary variance"),
        (lambda: queue_moments(
            StalenessWeighted(method=GradientDescent(learning_rate=9.0), weight=InverseStaleness()),
            1.0, workers=4).stationary_variance, UnstableDynamicsError, "No stationary variance"),
    ],
)  # fmt: skip
def test_what_is_refused(ask, error, told):
    with pytest.raises(error, match=told):
        ask()
