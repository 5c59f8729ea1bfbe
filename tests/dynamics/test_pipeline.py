"""Coupled stages with ages of their own: against a pipeline run slot by slot, and known limits."""

import numpy as np
import pytest

from momentum_dynamics import (
    DomainError,
    FixedDelay,
    GradientDescent,
    ShapeError,
    pipeline_ages,
    simulate_stale,
    spectral_radius,
    staged_matrix,
    staged_path,
    staged_radius,
)
from momentum_dynamics.laws.staleness import fixed_delay_step_limit, stage_learning_rate
from momentum_dynamics.problems import Quadratic


def drawn(rng, size, smallest=0.05):
    directions, _ = np.linalg.qr(rng.standard_normal((size, size)))
    curvatures = np.concatenate([[1.0, smallest], rng.uniform(smallest, 1, size)])[:size]
    return (directions * curvatures) @ directions.T


def pipeline(hessian, rates, start, slots):
    """Microbatches that go forward and backward through stages, one pass each a slot.

    Each stage keeps the weights of a microbatch's forward pass; the gradient is of what was kept.
    Nothing here knows of ages.
    """
    stages = len(rates)
    weights = np.array(start, dtype=float)
    seen, kept = [weights], {}
    for slot in range(slots):
        for stage in range(stages):
            kept.setdefault(slot - stage, {})[stage] = weights[stage]
        moves = np.zeros(stages)
        for stage in range(stages):
            batch = slot - 2 * (stages - 1) + stage
            # A pipe that was full before the start: earlier microbatches read the start too.
            read = [kept.get(batch, {}).get(other, start[other]) for other in range(stages)]
            moves[stage] = rates[stage] * (hessian @ read)[stage]
        weights = weights - moves
        seen.append(weights)
    return np.array(seen)


@pytest.mark.parametrize("stages", [1, 2, 3, 6])
def test_ages_are_those_of_a_pipeline_run_slot_by_slot(stages):
    rng = np.random.default_rng(stages)
    hessian, start = drawn(rng, stages), rng.standard_normal(stages)
    rates = rng.uniform(0.05, 0.2, stages)
    run = pipeline(hessian, rates, start, 60)
    path = staged_path(hessian, rates, pipeline_ages(stages), start=start, steps=60)
    np.testing.assert_allclose(path, run, atol=1e-12)


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_the_matrix_moves_the_path(stages):
    rng = np.random.default_rng(10 + stages)
    hessian, rates = drawn(rng, stages), rng.uniform(0.05, 0.3, stages)
    ages = rng.integers(0, 4, (stages, stages))
    start = rng.standard_normal(stages)
    path = staged_path(hessian, rates, ages, start=start, steps=25)
    matrix = staged_matrix(hessian, rates, ages)
    state = np.tile(start, int(ages.max()) + 1)
    for row in path:
        np.testing.assert_allclose(state[:stages], row, atol=1e-12)
        state = matrix @ state


@pytest.mark.parametrize("delay", [0, 1, 5])
def test_equal_ages_are_a_fixed_delay_on_each_curvature(delay):
    hessian = drawn(np.random.default_rng(3), 3)
    ages = np.full((3, 3), delay)
    radius = staged_radius(hessian, 0.2, ages)
    curvatures = np.linalg.eigvalsh(hessian)
    own = spectral_radius(
        GradientDescent(learning_rate=0.2), curvatures, FixedDelay(staleness=delay)
    )
    assert radius == pytest.approx(float(np.max(own)), rel=1e-9)
    run = simulate_stale(
        GradientDescent(learning_rate=0.2), Quadratic([0.7]), FixedDelay(staleness=delay), steps=30,
        start=[1.0], engine="python",
    )  # fmt: skip
    path = staged_path([[0.7]], 0.2, [[delay]], start=[1.0], steps=30)
    np.testing.assert_allclose(path, np.asarray(run.outputs).reshape(31, 1), atol=1e-12)


def test_only_the_sum_of_reading_and_writing_ages_counts():
    rng = np.random.default_rng(4)
    hessian, rates = drawn(rng, 4), rng.uniform(0.02, 0.2, 4)
    reads, writes = rng.integers(0, 4, 4), rng.integers(0, 4, 4)
    split = staged_radius(hessian, rates, writes[:, None] + reads)
    by_row = staged_radius(hessian, rates, np.repeat((reads + writes)[:, None], 4, axis=1))
    assert split == pytest.approx(by_row, abs=1e-7)


def test_no_coupling_reaches_the_circle_below_the_limits():
    """All pairs of stages along all directions: the worst is where nothing couples them."""
    for stages, first, second in ((2, 0, 1), (4, 0, 2), (4, 1, 3)):
        ages = pipeline_ages(stages)
        rates = 0.999 * fixed_delay_step_limit(np.diag(ages))
        for angle in np.linspace(0, np.pi, 25):
            along = np.zeros(stages)
            along[[first, second]] = np.cos(angle), np.sin(angle)
            hessian = 0.05 * np.eye(stages) + 0.95 * np.outer(along, along)
            assert staged_radius(hessian, rates, ages) < 1
    alone = staged_radius(np.diag([1.0, 0.05]), [0.62, 0.1], pipeline_ages(2))
    assert alone > 1 > staged_radius(np.diag([1.0, 0.05]), [0.61, 0.1], pipeline_ages(2))


def test_own_curvature_or_later_reads_do_not_suffice():
    coupled = np.array([[1.0, 0.9], [0.9, 1.0]])
    limits = fixed_delay_step_limit(np.diag(pipeline_ages(2)))
    assert staged_radius(coupled, 0.9 * limits, pipeline_ages(2)) > 1.05
    assert staged_radius(coupled, 0.999 * limits / 1.9, pipeline_ages(2)) < 1
    along = np.array([0.9, -np.sqrt(0.19)])
    hessian = 0.05 * np.eye(2) + 0.95 * np.outer(along, along)
    assert staged_radius(hessian, 0.999 * limits, pipeline_ages(2)) < 1
    later = pipeline_ages(2) + 2 * (1 - np.eye(2))
    assert staged_radius(hessian, 0.999 * limits, later) > 1.03


def test_the_rule_is_never_above_the_limit():
    delays = np.arange(60)
    ratio = stage_learning_rate(1.0, delays) / fixed_delay_step_limit(delays)
    assert ratio[0] == pytest.approx(1)
    assert (np.diff(ratio) < 0).all()
    assert ratio[-1] == pytest.approx(2 / np.pi, rel=1e-3)


@pytest.mark.parametrize(
    ("hessian", "rates", "ages", "error", "message"),
    [
        ([[1.0, 0.0]], 0.1, [[0, 0]], ShapeError, r"shape \(1, 2\) and ages"),
        (np.eye(2), 0.1, [[0]], ShapeError, "both must be square and of one size"),
        (1.0, 0.1, [[0]], ShapeError, "both must be square"),
        (np.eye(2), [0.1, 0.2, 0.3], np.ones((2, 2)), ShapeError, "needs one number or 2"),
        (np.eye(2), 0.1, [[0, -1], [0, 0]], DomainError, "must be a whole number in"),
        (np.eye(2), 0.1, [[0, 0.5], [0, 0]], DomainError, "must be a whole number in"),
        (np.eye(2) * np.nan, 0.1, np.ones((2, 2)), DomainError, "must be finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(hessian, rates, ages, error, message):
    with pytest.raises(error, match=message):
        staged_matrix(hessian, rates, ages)


def test_starts_and_stages_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"start has the shape \(3,\), but must be \(2,\)"):
        staged_path(np.eye(2), 0.1, np.ones((2, 2)), start=np.ones(3), steps=2)
    with pytest.raises(DomainError, match="steps is -1"):
        staged_path(np.eye(2), 0.1, np.ones((2, 2)), start=np.ones(2), steps=-1)
    for stages in (0, -1, np.nan):
        with pytest.raises(DomainError, match="stages is"):
            pipeline_ages(stages)
    with pytest.raises(DomainError, match=r"whole number of stages, not 1\.5"):
        pipeline_ages(1.5)
