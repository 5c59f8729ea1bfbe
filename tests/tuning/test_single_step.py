"""The rule: full precision, the constrained minimum, the edges, and what is refused."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from momentum_dynamics import DomainError, ShapeError, single_step
from momentum_dynamics.laws import optima, tuning
from momentum_dynamics.tuning.rule import choose

DECADES = st.floats(-24, 24)


def exact(p):
    """√β and 1 − √β to sixty digits, by bisection and Newton's method on the cubic."""
    with mpmath.workdps(90):
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if middle**3 + p * middle < p else (low, middle)
        gap = high
        for _ in range(8):
            gap -= (gap**3 + p * gap - p) / (3 * gap**2 + p)
        return 1 - gap, gap


@given(DECADES)
def test_full_precision_over_48_decades(power):
    p = 10.0**power
    # Curvature 1 and variance 1/2: p is the squared distance, here without rounding.
    distance = mpmath.mpf(float(np.sqrt(p)))
    with mpmath.workdps(90):
        root, gap = exact(distance**2)
        found = single_step(h_max=1.0, h_min=1.0, variance=0.5, distance=float(distance))
        assert abs(found.momentum / root**2 - 1) < 1e-14
        assert abs(found.learning_rate / gap**2 - 1) < 1e-14
        assert abs(found.one_minus_root / gap - 1) < 1e-14


@given(DECADES, st.floats(0, 6))
def test_the_larger_of_the_root_and_the_robust_bound(power, decades):
    h_max, distance = 10.0**decades, np.sqrt(10.0**power)
    found = single_step(h_max=h_max, h_min=1.0, variance=0.5, distance=distance)
    free = single_step(h_max=1.0, h_min=1.0, variance=0.5, distance=distance)
    bound = optima.heavy_ball(1.0, h_max).momentum
    assert found.momentum == pytest.approx(max(free.momentum, bound), rel=1e-9, abs=1e-15)
    assert found.one_minus_root == pytest.approx(
        min(free.one_minus_root, optima.heavy_ball_rate_gap(h_max)), rel=1e-14
    )
    high_edge = (1 + np.sqrt(found.momentum)) ** 2 / h_max
    assert found.learning_rate <= high_edge * (1 + 1e-12)


@pytest.mark.parametrize("ratio", [1 + 1e-12, 1 + 1e-6, 1.5, 1e8])
def test_the_bound_has_full_precision_near_equal_curvatures(ratio):
    found = single_step(h_max=ratio, h_min=1.0, variance=0.0, distance=1.0)
    with mpmath.workdps(60):
        root = mpmath.sqrt(mpmath.mpf(ratio))
        assert abs(found.momentum / ((root - 1) / (root + 1)) ** 2 - 1) < 1e-14


@pytest.mark.parametrize("h_max", [1.0, 3.0, 100.0])
@pytest.mark.parametrize("variance", [1e-3, 1.0, 1e3])
def test_the_constrained_minimum(variance, h_max):
    found = single_step(h_max=h_max, h_min=0.5, variance=variance, distance=2.0)
    least = tuning.robust_root_momentum(0.5, h_max)
    search = minimize_scalar(
        lambda u: tuning.single_step_objective(u, 2.0, 0.5, variance),
        bounds=(least, 1), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    assert np.sqrt(found.momentum) == pytest.approx(search.x, abs=1e-6)
    gap = 1 - np.sqrt(found.momentum)
    assert found.learning_rate == pytest.approx(tuning.robust_learning_rate(gap, 0.5), rel=1e-8)


def test_arrays_of_a_common_shape():
    found = single_step(
        h_max=[[1.0], [10.0]], h_min=1.0, variance=np.array([0.0, 1.0, 100.0]), distance=1.0
    )
    assert all(part.shape == (2, 3) for part in found)
    for row, h_max in enumerate([1.0, 10.0]):
        for column, variance in enumerate([0.0, 1.0, 100.0]):
            one = single_step(h_max=h_max, h_min=1.0, variance=variance, distance=1.0)
            assert all(type(part) is float for part in one)
            assert np.allclose([part[row, column] for part in found], one, rtol=1e-15)


@pytest.mark.parametrize("h_min", [0.0, 1e-300, 1.0, 1e300])
@pytest.mark.parametrize("variance", [0.0, 1e-300, 1.0, 1e300])
@pytest.mark.parametrize("distance", [0.0, 1e-300, 1.0, 1e300])
def test_momentum_is_below_one_and_rates_are_numbers(h_min, variance, distance):
    for h_max in (h_min, 2 * h_min, 1e301):
        found = single_step(h_max=h_max, h_min=h_min, variance=variance, distance=distance)
        assert 0 <= found.momentum < 1
        assert 0 <= found.one_minus_root <= 1
        assert 0 <= found.learning_rate < np.inf


def test_the_ends():
    polyak = single_step(h_max=9.0, h_min=1.0, variance=0.0, distance=1.0)
    assert polyak == pytest.approx((0.25, 0.25, 0.5))
    at_rest = single_step(h_max=9.0, h_min=1.0, variance=1.0, distance=0.0)
    assert at_rest.learning_rate == 0
    assert at_rest.momentum == np.nextafter(1, 0)


@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.1, 1.0, 5.0])
def test_the_released_root_without_its_floor_is_the_root(p):
    assert tuning.released_cubic_root(p, 0.0) == pytest.approx(1 - tuning.cubic_root(p), rel=1e-12)


def test_the_released_root_has_a_pole():
    """Near p = ε³ the floor divides by almost nothing; the exact rule passes through."""
    for distance in (1e-9 * (1 + np.arange(-20, 21) * 2.0**-52)).tolist():
        numbers = {"h_max": 1.0, "h_min": 1.0, "variance": 0.5, "distance": distance}
        try:
            found = choose(**numbers, released=1e-6).momentum
        except DomainError:  # exactly on it
            found = np.inf
        assert found > 100
        assert choose(**numbers).momentum == pytest.approx(1 - 2e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"h_max": -1.0}, "h_max is -1.0, but must lie"),
        ({"h_min": np.nan}, "h_min is nan"),
        ({"variance": np.inf}, "variance is inf"),
        ({"distance": "far"}, "distance is 'far'"),
        ({"distance": [1.0, -1.0]}, "distance holds -1.0, but must lie"),
        ({"h_min": 3.0}, "h_min exceeds h_max"),
    ],
)
def test_refusals(changed, message):
    numbers = {"h_max": 2.0, "h_min": 1.0, "variance": 1.0, "distance": 1.0} | changed
    with pytest.raises(DomainError, match=message):
        single_step(**numbers)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"h_max \(2,\)"):
        single_step(h_max=[1.0, 2.0], h_min=[1.0, 1.0, 1.0], variance=1.0, distance=1.0)
