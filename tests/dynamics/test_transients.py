"""Peaks and powers against brute force, pseudospectra against SciPy and random changes."""

import numpy as np
import pytest
import scipy.linalg

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    TripleMomentum,
    UnstableDynamicsError,
    plot,
    pseudospectrum,
    symbol,
    transient_peak,
    transition_matrix,
    tune,
)
from momentum_dynamics.dynamics.residual import answers
from momentum_dynamics.dynamics.transients import kreiss_constant
from momentum_dynamics.laws import transients

METHODS = [
    GradientDescent(learning_rate=0.4),
    HeavyBall(learning_rate=1.5, momentum=0.8),
    HeavyBall(learning_rate=0.5, momentum=-0.6),
    Nesterov(learning_rate=0.4, momentum=0.9),
    TripleMomentum(smallest_curvature=0.01, largest_curvature=1.5),
]


def tuned(kappa):
    return tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_peaks_against_brute_force(method):
    curvatures = np.array([0.05, 0.6, 1.4])
    peak = transient_peak(method, curvatures)
    paths = np.abs([value + 0 * curvatures for value in answers(method, curvatures, 600)])
    np.testing.assert_allclose(peak.value, paths.max(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(peak.step, paths.argmax(axis=0))
    for place, curvature in enumerate(curvatures):
        matrix = transition_matrix(method, curvature)
        norms = [np.linalg.norm(np.linalg.matrix_power(matrix, k), 2) for k in range(400)]
        assert peak.power_norm[place] == pytest.approx(max(norms), rel=1e-12)
        moved = (
            np.linalg.matrix_power(matrix, int(peak.power_step[place])) @ (peak.worst_start[place])
        )
        assert np.linalg.norm(moved) == pytest.approx(max(norms), rel=1e-12)


@pytest.mark.parametrize(
    ("kappa", "constant", "power", "step"),
    [(10.0, 1.039, 1.455, 1), (100.0, 2.404, 3.776, 5), (1000.0, 7.703, 11.663, 16)],
)
def test_known_values_of_tuned_heavy_ball(kappa, constant, power, step):
    peak = transient_peak(tuned(kappa), kappa)
    assert peak.power_norm == pytest.approx(power, abs=1e-3)
    assert peak.power_step == step
    assert kreiss_constant(tuned(kappa), kappa) == pytest.approx(constant, abs=1e-3)


@pytest.mark.parametrize(
    ("kappa", "value", "step"), [(100.0, 3.707, 4), (1e4, 36.79, 49), (1e6, 367.88, 499)]
)
def test_known_peaks_of_tuned_heavy_ball(kappa, value, step):
    peak = transient_peak(tuned(kappa), np.array([1.0, kappa]))
    assert peak.value[1] == pytest.approx(value, abs=5e-3)
    assert peak.step[1] == step
    assert peak.value[0] == 1
    assert peak.value[1] == pytest.approx(
        transients.rest_envelope(tuned(kappa).momentum, step), rel=1e-6
    )


def test_kreiss_constant_against_a_fine_grid():
    matrix = transition_matrix(tuned(30.0), 30.0)
    radius = 1 + np.geomspace(1e-4, 10, 500)[:, None]
    z = radius * np.exp(1j * np.linspace(0, np.pi, 361))
    resolvent = np.linalg.inv(z[..., None, None] * np.eye(2) - matrix)
    largest = ((np.abs(z) - 1) * np.linalg.norm(resolvent, 2, axis=(-2, -1))).max()
    found = kreiss_constant(tuned(30.0), 30.0)
    assert largest <= found * (1 + 1e-9)
    assert found == pytest.approx(largest, rel=1e-3)
    assert kreiss_constant(GradientDescent(learning_rate=0.5), 1.0) == pytest.approx(1)


def test_no_change_of_norm_epsilon_leaves_the_pseudospectrum():
    levels = [0.01, 0.05, 0.2]
    method, curvature = HeavyBall(learning_rate=1.5, momentum=0.8), 1.2
    found = pseudospectrum(method, curvature, levels, points=31)
    matrix = transition_matrix(method, curvature)
    rng = np.random.default_rng(8)
    for level, radius in zip(found.levels, found.radius, strict=True):
        largest = 0.0
        for _ in range(3000):
            change = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
            change *= level / np.linalg.norm(change, 2)
            largest = max(largest, np.abs(np.linalg.eigvals(matrix + change)).max())
        assert largest <= radius * (1 + 1e-9)
        assert largest == pytest.approx(radius, rel=0.05)


def test_distance_is_the_smallest_singular_value():
    found = pseudospectrum(METHODS[1], 0.6, [0.1], points=11)
    matrix = transition_matrix(METHODS[1], 0.6)
    for row, column in [(0, 0), (5, 7), (10, 3)]:
        z = found.real[column] + 1j * found.imaginary[row]
        smallest = scipy.linalg.svdvals(z * np.eye(2) - matrix)[-1]
        assert found.distance[row, column] == pytest.approx(smallest, abs=1e-14)


def test_a_normal_matrix_has_disks_for_pseudospectra():
    found = pseudospectrum(GradientDescent(learning_rate=0.5), 1.0, [0.3, 0.1], points=5)
    np.testing.assert_allclose(found.levels, [0.1, 0.3])
    np.testing.assert_allclose(found.radius, [0.6, 0.8], rtol=1e-9)


def test_is_drawn():
    ax = plot(pseudospectrum(METHODS[1], 0.6, [0.1, 0.2], points=41))
    assert ax.get_xlabel() == "real part of $z$"


@pytest.mark.parametrize("question", [transient_peak, kreiss_constant])
def test_unstable_loops_have_none(question):
    with pytest.raises(UnstableDynamicsError, match="GradientDescent"):
        question(GradientDescent(learning_rate=3.0), 1.0)


@pytest.mark.parametrize(
    "question", [transient_peak, kreiss_constant, lambda m, h: pseudospectrum(m, h, [0.1])]
)
def test_what_is_not_answered(question):
    with pytest.raises(DomainError, match="change with the step"):
        question(Chebyshev(smallest_curvature=1.0, largest_curvature=2.0), 1.0)
    with pytest.raises(NotTraceableError):
        question(HeavyBall(learning_rate=symbol("learning_rate"), momentum=0.5), 1.0)


def test_pseudospectra_refuse_levels_and_batches():
    with pytest.raises(DomainError, match="levels are"):
        pseudospectrum(METHODS[1], 1.0, [0.1, 0.0])
    with pytest.raises(DomainError, match="of one loop"):
        pseudospectrum(METHODS[1], [1.0, 2.0], [0.1])
