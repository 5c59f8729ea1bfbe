"""Methods against each other, against other forms of themselves, and against their definitions."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_dynamics import (
    Chebyshev,
    ComplexMomentum,
    DomainError,
    Extragradient,
    GradientDescent,
    GrowingNesterov,
    HeavyBall,
    MarchenkoPastur,
    Nesterov,
    OptimisticGradient,
    Quadratic,
    QuasiHyperbolic,
    RobustMomentum,
    ThreeParameter,
    TripleMomentum,
    simulate,
    spectral_radius,
    state_space,
)
from momentum_dynamics.laws import optima

PROBLEM = Quadratic([0.3, 1.0, 2.2], solution=[1.0, -1.0, 0.5])
STEP, MOMENTUM = 0.3, 0.7


def paths(*methods, **options):
    return [simulate(method, PROBLEM, steps=50, **options) for method in methods]


def assert_same(first, second):
    np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-12)


@dataclass(frozen=True)
class VelocityForm:
    """Heavy ball as v ← βv − αg, x ← x + v."""

    learning_rate: float
    momentum: float

    def initial_state(self, point):
        return (point, 0 * point)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        velocity = self.momentum * state[1] - self.learning_rate * gradient
        return (state[0] + velocity, velocity)


def test_velocity_form_is_position_form():
    one, other = paths(
        VelocityForm(STEP, MOMENTUM), HeavyBall(learning_rate=STEP, momentum=MOMENTUM)
    )
    assert_same(one.points, other.points)


@pytest.mark.parametrize(
    "method",
    [
        HeavyBall(learning_rate=STEP, momentum=0.0),
        Nesterov(learning_rate=STEP, momentum=0.0),
        ThreeParameter(learning_rate=STEP, momentum=0.0, lookahead=0.0),
        QuasiHyperbolic(learning_rate=STEP, momentum=0.7, discount=0.0),
        QuasiHyperbolic(learning_rate=STEP, momentum=0.0, discount=0.4),
        ComplexMomentum(learning_rate=STEP, momentum=0.0, phase=1.0),
    ],
    ids=lambda method: type(method).__name__,
)
def test_without_momentum_it_is_gradient_descent(method):
    one, plain = paths(method, GradientDescent(learning_rate=STEP))
    assert_same(one.outputs, plain.outputs)


def test_three_parameters_hold_heavy_ball_and_nesterov():
    both = {"learning_rate": STEP, "momentum": MOMENTUM}
    ball, accelerated, as_ball, as_accelerated = paths(
        HeavyBall(**both), Nesterov(**both),
        ThreeParameter(**both, lookahead=0), ThreeParameter(**both, lookahead=MOMENTUM),
    )  # fmt: skip
    assert_same(as_ball.points, ball.points)
    assert_same(as_accelerated.points, accelerated.points)
    assert_same(as_accelerated.outputs, accelerated.outputs)
    assert not np.allclose(ball.points, accelerated.points)


def test_quasi_hyperbolic_holds_heavy_ball_and_nesterov():
    ball, averaged = paths(
        HeavyBall(learning_rate=STEP * (1 - MOMENTUM), momentum=MOMENTUM),
        QuasiHyperbolic(learning_rate=STEP, momentum=MOMENTUM, discount=1.0),
    )
    assert_same(averaged.points, ball.points)
    nesterov = Nesterov(learning_rate=STEP * (1 - MOMENTUM), momentum=MOMENTUM)
    stored = QuasiHyperbolic(learning_rate=STEP, momentum=MOMENTUM, discount=MOMENTUM)
    one, other = paths(nesterov, stored)
    assert_same(one.points, other.points)


@given(
    learning_rate=st.floats(0.01, 1.0), momentum=st.floats(-0.9, 0.99),
    lookahead=st.floats(-0.5, 0.9), curvature=st.floats(-1.0, 3.0),
)  # fmt: skip
def test_trace_and_determinant_of_three_parameters(learning_rate, momentum, lookahead, curvature):
    method = ThreeParameter(learning_rate=learning_rate, momentum=momentum, lookahead=lookahead)
    step = learning_rate * curvature
    trace = 1 + momentum - step * (1 + lookahead)
    roots = np.roots([1, -trace, momentum - step * lookahead])
    assert spectral_radius(method, curvature) == pytest.approx(np.abs(roots).max(), abs=1e-7)


@pytest.mark.parametrize(("phase", "sign"), [(0.0, 1), (np.pi, -1)])
def test_complex_momentum_on_the_real_axis_is_heavy_ball(phase, sign):
    one, other = paths(
        ComplexMomentum(learning_rate=STEP, momentum=0.5, phase=phase),
        HeavyBall(learning_rate=STEP, momentum=sign * 0.5),
    )
    assert_same(one.points, other.points)


def test_complex_momentum_by_complex_numbers():
    method = ComplexMomentum(learning_rate=0.4, momentum=0.8, phase=0.6)
    place, velocity = 1.0, 0j
    run = simulate(method, Quadratic([1.3]), steps=30)
    for found in run.points[:, 0]:
        assert found == pytest.approx(place, abs=1e-13)
        velocity = 0.8 * np.exp(0.6j) * velocity - 1.3 * place
        place += 0.4 * velocity.real


def test_optimistic_gradient_by_hand():
    run = simulate(OptimisticGradient(learning_rate=0.2), Quadratic([1.5]), steps=20)
    place, before = 1.0, 0.0
    for found in run.points[:, 0]:
        assert found == pytest.approx(place, abs=1e-14)
        place, before = place - 0.2 * (2 * 1.5 * place - before), 1.5 * place


def test_extragradient_by_hand():
    run = simulate(Extragradient(learning_rate=0.2), Quadratic([1.5]), steps=20)
    place = 1.0
    for turn in range(10):
        ahead = place - 0.2 * 1.5 * place
        assert run.points[2 * turn, 0] == pytest.approx(place, abs=1e-14)
        assert run.points[2 * turn + 1, 0] == pytest.approx(ahead, abs=1e-14)
        assert run.outputs[2 * turn + 1, 0] == pytest.approx(place, abs=1e-14)
        place -= 0.2 * 1.5 * ahead
    step = 0.2 * 1.5
    assert spectral_radius(Extragradient(learning_rate=0.2), 1.5) == pytest.approx(
        1 - step + step**2
    )


def test_extragradient_contracts_where_gradient_descent_turns_outwards():
    assert spectral_radius(GradientDescent(learning_rate=0.3), 1j) > 1
    radius = spectral_radius(Extragradient(learning_rate=0.3), 1j)
    assert radius == pytest.approx(abs(1 - 0.3j + (0.3j) ** 2))
    assert radius < 1


KAPPAS = [4.0, 30.0, 1e3]


@pytest.mark.parametrize("kappa", KAPPAS)
def test_chebyshev_polynomials_equioscillate(kappa):
    """The residual polynomial has the closed-form worst case, reached with alternating signs."""
    low, high = 1 / kappa, 1.0
    steps = 7
    angles = np.arange(steps + 1) * np.pi / steps
    extremes = (high + low) / 2 - (high - low) / 2 * np.cos(angles)
    method = Chebyshev(smallest_curvature=low, largest_curvature=high)
    run = simulate(method, Quadratic(extremes), steps=steps)
    rate = (kappa**0.5 - 1) / (kappa**0.5 + 1)
    worst = 2 * rate**steps / (1 + rate ** (2 * steps))
    np.testing.assert_allclose(run.points[-1], worst * (-1.0) ** np.arange(steps + 1), rtol=1e-9)
    between = simulate(method, Quadratic(np.linspace(low, high, 400)), steps=steps)
    assert np.abs(between.points[-1]).max() <= worst * (1 + 1e-12)


def test_chebyshev_tends_to_heavy_ball():
    stage = Chebyshev(smallest_curvature=0.1, largest_curvature=1.0).stage(200)
    best = optima.heavy_ball(0.1, 1.0)
    assert (stage.learning_rate, stage.momentum) == pytest.approx(best[:2], rel=1e-13)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_marchenko_pastur_residuals_are_orthogonal(ratio):
    """To each other, with the weight h times the Marchenko-Pastur density.

    The density is √((h₊ − h)(h − h₋))/(2π v r h), so that the weight is that of Chebyshev's second
    kind, for which Gauss's rule is exact.
    """
    variance, count = 1.3, 12
    low, high = variance * (1 - ratio**0.5) ** 2, variance * (1 + ratio**0.5) ** 2
    nodes = 40
    angles = np.arange(1, nodes + 1) * np.pi / (nodes + 1)
    curvatures = (high + low) / 2 + (high - low) / 2 * np.cos(angles)
    weights = np.sin(angles) ** 2 * 2 / (nodes + 1)
    method = MarchenkoPastur(variance=variance, aspect_ratio=ratio)
    residuals = simulate(method, Quadratic(curvatures), steps=count).points
    products = (residuals * weights) @ residuals.T
    scale = np.sqrt(np.diag(products))
    np.testing.assert_allclose(products / np.outer(scale, scale), np.eye(count + 1), atol=1e-13)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_triple_momentum_reaches_its_rate_on_quadratics(kappa):
    method = TripleMomentum(smallest_curvature=1 / kappa, largest_curvature=1.0)
    radii = spectral_radius(method, np.linspace(1 / kappa, 1, 1001))
    assert radii.max() == pytest.approx(1 - kappa**-0.5, rel=1e-7)
    roots = np.linalg.eigvals(
        state_space(method).A + 1.0 * state_space(method).B @ state_space(method).C
    )
    np.testing.assert_allclose(np.sort(np.abs(roots)), [0, 1 - kappa**-0.5], atol=1e-7)


@pytest.mark.parametrize("robustness", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("kappa", KAPPAS)
def test_robust_momentum_reaches_its_declared_rate_on_quadratics(robustness, kappa):
    method = RobustMomentum(
        smallest_curvature=1 / kappa, largest_curvature=1.0, robustness=robustness
    )
    radii = spectral_radius(method, np.linspace(1 / kappa, 1, 4001))
    declared = robustness * (1 - 1 / kappa) + (1 - robustness) * (1 - kappa**-0.5)
    assert radii.max() == pytest.approx(declared, rel=1e-7)


def test_robust_momentum_between_its_ends():
    ends = {"smallest_curvature": 0.1, "largest_curvature": 1.0}
    fast, slow = RobustMomentum(**ends, robustness=0.0), RobustMomentum(**ends, robustness=1.0)
    triple = TripleMomentum(**ends)
    assert_same(*(run.points for run in paths(fast, triple)))
    assert (slow.core.momentum, slow.core.learning_rate) == pytest.approx(
        (10 * 0.9**3 / 9, 10 * 0.1**2 * 1.9)
    )


@pytest.mark.parametrize(
    ("cls", "low", "high", "more"),
    [
        (TripleMomentum, 2.0, 1.0, {}),
        (Chebyshev, 2.0, 1.0, {}),
        (RobustMomentum, 1.0, 1.0, {"robustness": 0.5}),
        (TripleMomentum, np.array([0.1, 2.0]), 1.0, {}),
    ],
)
def test_ends_in_the_wrong_order_are_refused(cls, low, high, more):
    with pytest.raises(DomainError, match=r"smallest_curvature is .* but must be .* largest"):
        cls(smallest_curvature=low, largest_curvature=high, **more)


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        (TripleMomentum, {"smallest_curvature": -1.0, "largest_curvature": 1.0}),
        (MarchenkoPastur, {"variance": 1.0, "aspect_ratio": 1.0}),
        (MarchenkoPastur, {"variance": 0.0, "aspect_ratio": 0.5}),
    ],
)
def test_ranges_of_the_glossary_hold(cls, wrong):
    with pytest.raises(DomainError, match="must lie in"):
        cls(**wrong)


def test_instability_and_negative_momentum_are_welcome():
    assert HeavyBall(learning_rate=-3.0, momentum=-5.0).momentum == -5.0


def test_chebyshev_of_one_curvature_solves_in_one_step():
    run = simulate(
        Chebyshev(smallest_curvature=2.0, largest_curvature=2.0), Quadratic([2.0]), steps=3
    )
    np.testing.assert_allclose(run.points[:, 0], [1, 0, 0, 0], atol=1e-15)


def test_growing_nesterov_is_the_textbooks_recursion():
    method = GrowingNesterov(learning_rate=STEP)
    (run,) = paths(method)
    x = before = PROBLEM.start
    for k in range(1, 51):
        y = x + (k - 2) / (k + 1) * (x - before) if k > 1 else x  # y₀ = x₀, then (k − 1)/(k + 2)
        x, before = y - STEP * PROBLEM.field(y), x
        np.testing.assert_allclose(run.outputs[k], x, rtol=1e-12)
