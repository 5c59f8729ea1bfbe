"""Switching, certificates and cycles against brute force, published values and simulation."""

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    QuasiHyperbolic,
    UnknownNameError,
    certified_rate,
    cycle,
    joint_spectral_radius,
    simulate,
    symbol,
    transition_matrix,
    tune,
)


def tuned(kappa, kind="heavy-ball", objective="quadratic"):
    return tune(kind, smallest_curvature=1.0, largest_curvature=kappa, objective=objective)


# Switching


@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(learning_rate=0.15),
        HeavyBall(learning_rate=0.2, momentum=0.5),
        HeavyBall(learning_rate=0.1, momentum=-0.4),
        Nesterov(learning_rate=0.1, momentum=0.6),
        QuasiHyperbolic(learning_rate=0.3, momentum=0.6, discount=0.8),
        tuned(9.0),
        tuned(9.0, "triple-momentum"),
    ],
    ids=lambda method: type(method).__name__,
)
def test_joint_radius_brackets_all_products(method):
    found = joint_spectral_radius(method, 1.0, 9.0)
    ends = [transition_matrix(method, h) for h in (1.0, 5.0, 9.0)]
    best = 0.0
    for length in range(1, 8):
        for word in itertools.product(ends, repeat=length):
            product = np.linalg.multi_dot(word) if length > 1 else word[0]
            best = max(best, np.abs(np.linalg.eigvals(product)).max() ** (1 / length))
    assert found.lower <= found.upper
    assert best <= found.upper * (1 + 1e-9)
    assert found.upper - best < 0.01
    product = np.eye(len(ends[0]))
    for h in found.word:
        product = transition_matrix(method, h) @ product
    attained = np.abs(np.linalg.eigvals(product)).max() ** (1 / len(found.word))
    assert attained == pytest.approx(found.lower, rel=1e-6)


def test_joint_radius_of_tuned_heavy_ball_is_the_law():
    for kappa in (2.0, 9.0, 100.0):
        ball = tuned(kappa)
        found = joint_spectral_radius(ball, 1.0, kappa)
        assert found.is_exact
        assert found.lower == found.upper
        assert found.lower == pytest.approx((1 + np.sqrt(2)) * np.sqrt(ball.momentum))


# Certificates: the table of published and independently computed values

TABLE = {
    2.0: (0.41421, 0.33611, 0.36606, 0.31977),
    5.0: (0.92215, 0.66160, 0.63283, 0.58631),
    10.0: (None, 0.86041, 0.75182, 0.71572),
    17.0: (None, 0.98814, 0.81466, 0.78634),
    100.0: (None, None, 0.92793, 0.91644),
    1000.0: (None, None, 0.97806, 0.97460),
}


@pytest.mark.parametrize("kappa", TABLE)
def test_certified_rates(kappa):
    asked = [
        (tuned(kappa), "sector"),
        (tuned(kappa), "off-by-one"),
        (tuned(kappa, "nesterov", "smooth-convex"), "off-by-one"),
        (tuned(kappa, "nesterov"), "off-by-one"),
    ]
    for (method, constraint), known in zip(asked, TABLE[kappa], strict=True):
        found = certified_rate(method, 1.0, kappa, constraint)
        assert not found.is_proof
        assert found.rate == (None if known is None else pytest.approx(known, abs=2e-5))


@pytest.mark.parametrize("constraint", ["sector", "off-by-one"])
def test_certificates_are_exact_for_gradient_descent(constraint):
    found = certified_rate(tuned(7.0, "gradient-descent"), 1.0, 7.0, constraint)
    assert found.rate == pytest.approx(6 / 8, abs=1e-6)


def test_triple_momentum_keeps_its_rate():
    for kappa, rate in ((10.0, 0.683772), (100.0, 0.9)):
        method = tuned(kappa, "triple-momentum", "smooth-convex")
        assert certified_rate(method, 1.0, kappa).rate == pytest.approx(rate, abs=1e-5)


# Cycles


@pytest.mark.parametrize(
    ("length", "threshold"),
    [(3, 17.944272), (4, 25.2741), (5, 43.8657), (6, 76.2706), (8, 204.188), (10, 463.525)],
)
def test_thresholds_of_cycles(length, threshold):
    found = brentq(lambda k: cycle(tuned(k), 1.0, k, length).margin, 3, 600, xtol=1e-9)
    assert found == pytest.approx(threshold, abs=1e-3)


@pytest.mark.parametrize(
    "method",
    [
        tuned(100.0),
        HeavyBall(learning_rate=0.03, momentum=0.9),
        Nesterov(learning_rate=0.05, momentum=0.9),
    ],
    ids=["tuned", "heavy ball", "nesterov"],
)  # fmt: skip
@pytest.mark.parametrize("length", [3, 4, 6])
def test_cycles_are_cycles(method, length):
    found = cycle(method, 1.0, 100.0, length)
    run = simulate(method, found.problem, steps=5 * length, start=found.start)
    angles = 2 * np.pi * np.arange(5 * length + 1) / length
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    goes_round = np.abs(run.points - circle).max() < 1e-9
    assert goes_round == found.exists


def test_refusals():
    symbolic = HeavyBall(learning_rate=symbol("learning_rate"), momentum=0.5)
    for question in (
        lambda m: joint_spectral_radius(m, 1.0, 2.0),
        lambda m: certified_rate(m, 1.0, 2.0),
        lambda m: cycle(m, 1.0, 2.0, 3),
    ):
        with pytest.raises(NotTraceableError):
            question(symbolic)
        with pytest.raises(DomainError):
            question(Extragradient(learning_rate=0.1))
    with pytest.raises(DomainError, match="change with the step"):
        certified_rate(Chebyshev(smallest_curvature=1.0, largest_curvature=2.0), 1.0, 2.0)
    with pytest.raises(UnknownNameError, match="off-by-one"):
        certified_rate(tuned(4.0), 1.0, 4.0, "off-by-two")
    with pytest.raises(DomainError, match="must be below"):
        certified_rate(tuned(4.0), 4.0, 1.0)
    with pytest.raises(DomainError, match="length is 2"):
        cycle(tuned(4.0), 1.0, 4.0, 2)
    with pytest.raises(DomainError, match="no batches"):
        joint_spectral_radius(HeavyBall(learning_rate=[0.1, 0.2], momentum=0.5), 1.0, 2.0)
