"""What the sensor of momentum reads: proved from the loop, and found again on paths."""

import dataclasses

import mpmath
import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Nesterov,
    UniformDelay,
    characteristic_polynomial,
    loop_equation,
    momentum_at_target,
    sensor_reading,
    symbol,
)
from momentum_dynamics.dynamics.asynchrony.sensing import (
    feedback_eigenvalue,
    feedback_spectrum,
    noise_reading,
)
from momentum_dynamics.laws import sensors
from momentum_dynamics.laws.staleness import fixed_delay_critical_step, geometric_critical_step
from momentum_dynamics.methods import Extragradient

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
WORKERS, STALENESS = symbol("workers"), symbol("staleness")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
Z = sympy.Symbol("z")


def step_on_pole(equation):
    """αh as a function of the pole, from the vanishing of the loop."""
    (found,) = sympy.solve(equation, H)
    return found


@pytest.mark.slow
def test_geometric_reading_follows_from_the_characteristic_polynomial():
    polynomial = characteristic_polynomial(BALL, H, GeometricDelay(workers=WORKERS)).as_expr()
    reading = sensors.mode_reading(Z, ALPHA, step_on_pole(polynomial))
    law = sensors.geometric_delay_reading(Z, BETA, WORKERS)
    assert sympy.simplify(reading - law) == 0


@pytest.mark.parametrize("staleness", range(6))
def test_fixed_reading_follows_from_the_characteristic_polynomial(staleness):
    polynomial = characteristic_polynomial(BALL, H, FixedDelay(staleness=staleness)).as_expr()
    reading = sensors.mode_reading(Z, ALPHA, step_on_pole(polynomial))
    law = sensors.fixed_delay_reading(Z, BETA, staleness)
    assert sympy.simplify(reading - law) == 0


def test_fixed_reading_for_every_staleness_at_once():
    loop = loop_equation(BALL, H, FixedDelay(staleness=STALENESS))
    reading = sensors.mode_reading(Z, ALPHA, step_on_pole(loop))
    assert sympy.simplify(reading - sensors.fixed_delay_reading(Z, BETA, STALENESS)) == 0


@pytest.mark.parametrize("learning_rate", [1e-3, 1e-4])
@pytest.mark.parametrize("momentum", [-0.3, 0.0, 0.5])
@pytest.mark.parametrize(
    "delay",
    [FixedDelay(staleness=7), GeometricDelay(workers=8), UniformDelay(largest=14)],
    ids=repr,
)
def test_slow_reading_is_right_to_first_order(learning_rate, momentum, delay):
    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    law = sensors.slow_reading(learning_rate, 1.0, momentum, delay.mean)
    gap = abs(sensor_reading(ball, 1.0, delay).center - law)
    assert gap < 4 * (learning_rate * 15) ** 2 / (1 - momentum)


@pytest.mark.parametrize("momentum", [-0.3, 0.0, 0.4])
def test_noise_reading_on_slow_directions_does_not_know_the_delay(momentum):
    step = 1e-4
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    assert noise_reading(ball, 1.0) == pytest.approx(momentum, abs=1e-9)
    for staleness in (15, 40):
        found = noise_reading(ball, 1.0, FixedDelay(staleness=staleness))
        assert found == pytest.approx(momentum + step / (1 - momentum), abs=3e-6)


@pytest.mark.parametrize("workers", [2, 5, 16])
def test_largest_readings_are_those_at_critical_damping(workers):
    for delay, step, largest in (
        (
            GeometricDelay(workers=workers),
            geometric_critical_step(workers),
            sensors.largest_geometric_delay_reading(workers),
        ),
        (
            FixedDelay(staleness=workers - 1),
            fixed_delay_critical_step(workers - 1),
            sensors.largest_fixed_delay_reading(workers - 1),
        ),
    ):
        steps = step * np.concatenate([np.linspace(0.05, 0.99, 40), [1 - 1e-8]])
        readings = sensor_reading(GradientDescent(learning_rate=steps), 1.0, delay).center
        assert (np.diff(readings) > 0).all()
        assert readings[-1] < largest
        assert readings[-1] == pytest.approx(largest, rel=1e-3)
    assert sensors.largest_geometric_delay_reading(1e9) == pytest.approx(1 / 2)
    assert sensors.largest_fixed_delay_reading(10**9) == pytest.approx(1 - np.exp(-1))


def test_published_path_values():
    """The readings of a fixed delay of 15 that were found on paths."""
    for step, momentum, told in ((0.001, 0, 0.0151), (0.001, 0.5, 0.515), (0.01, 0, 0.163),
                                 (0.02, 0, 0.384)):  # fmt: skip
        ball = HeavyBall(learning_rate=step, momentum=momentum)
        assert sensor_reading(ball, 1.0, FixedDelay(staleness=15)).center == pytest.approx(
            told, abs=6e-4
        )


def test_reading_without_delay_is_the_momentum():
    momenta = np.array([-0.5, 0.0, 0.3, 0.9])
    found = sensor_reading(HeavyBall(learning_rate=0.1, momentum=momenta), [[0.1], [3.0]])
    assert found.center.shape == (2, 4)
    assert np.allclose(found.center, momenta, atol=1e-12)
    assert np.allclose(found.wander, 0, atol=1e-12)  # also where the mode oscillates


def test_reading_of_nesterov_is_more_than_its_momentum_on_stiff_modes():
    """Its queries obey z² − (1 + β)(1 − a)z + β(1 − a): with a the reading departs from β."""
    step, momentum = 0.05, 0.6
    found = sensor_reading(Nesterov(learning_rate=step, momentum=momentum), 1.0)
    z = np.roots([1, -(1 + momentum) * (1 - step), momentum * (1 - step)])
    z = z[z.imag.argmax()]
    assert found.eigenvalue == pytest.approx(z)
    assert found.center == pytest.approx((z + step * z / (z - 1)).real)


@pytest.mark.parametrize("method", [HeavyBall, Nesterov])
@pytest.mark.parametrize("delay", [None, FixedDelay(staleness=15), GeometricDelay(workers=16)])
def test_slope_is_the_difference_of_readings(method, delay):
    own = method(learning_rate=0.01, momentum=0.1)
    change = 1e-5
    above, below = (
        sensor_reading(dataclasses.replace(own, momentum=0.1 + sign * change), 1.0, delay).center
        for sign in (1, -1)
    )
    slope = sensor_reading(own, 1.0, delay).slope
    assert slope == pytest.approx((above - below) / (2 * change), rel=1e-5)
    assert feedback_eigenvalue(own, 1.0, 0.02, delay) == pytest.approx(1 - 0.02 * slope)


def test_slope_of_a_method_without_momentum_is_none():
    assert np.isnan(sensor_reading(GradientDescent(learning_rate=0.01), 1.0).slope)


@pytest.mark.parametrize("target", [0.05, 0.2, 0.35])
def test_balance_laws_are_where_the_sensor_reads_the_target(target):
    ball = HeavyBall(learning_rate=0.02, momentum=0.0)
    for delay, law in (
        (FixedDelay(staleness=15), sensors.fixed_delay_balance(0.02, 1.0, target, 15)),
        (GeometricDelay(workers=16), sensors.geometric_delay_balance(0.02, 1.0, target, 16)),
    ):
        assert momentum_at_target(ball, 1.0, target, delay) == pytest.approx(law, abs=1e-9)
        at_rest = sensor_reading(dataclasses.replace(ball, momentum=law), 1.0, delay)
        assert at_rest.center == pytest.approx(target, abs=1e-7)
        assert at_rest.is_steady


def test_feedback_puts_the_pole_where_the_target_has_it_without_delay():
    """z is the target's pole exactly if the reading is the target: one polynomial, two texts."""
    total = symbol("total_momentum")
    synchronous = characteristic_polynomial(
        HeavyBall(learning_rate=ALPHA, momentum=total), H
    ).as_expr()
    reading = sensors.mode_reading(Z, ALPHA, H)
    assert sympy.simplify((reading - total) * (Z - 1) - synchronous) == 0
    law = sensors.target_eigenvalue(ALPHA, H, total)
    assert sympy.simplify(synchronous.subs(Z, law)) == 0


def test_momentum_at_target_of_nesterov():
    method, delay = Nesterov(learning_rate=0.01, momentum=0.0), FixedDelay(staleness=10)
    found = momentum_at_target(method, 1.0, 0.3, delay)
    reading = sensor_reading(dataclasses.replace(method, momentum=found), 1.0, delay)
    assert reading.center == pytest.approx(0.3, abs=1e-6)


def test_no_momentum_makes_the_sensor_read_an_unreachable_target():
    ball, delay = HeavyBall(learning_rate=0.02, momentum=0.0), FixedDelay(staleness=15)
    assert np.isnan(momentum_at_target(ball, 1.0, 0.7, delay))
    momenta = np.linspace(-0.9, 0.9, 400)
    found = sensor_reading(HeavyBall(learning_rate=0.02, momentum=momenta), 1.0, delay)
    assert found.center[found.is_steady].max() < 0.7


@pytest.mark.parametrize("staleness", [0, 1, 2, 15])
def test_feedback_spectrum_is_that_of_the_linearized_loop(staleness):
    """Against a Jacobian of the loop itself, differentiated by mpmath at 40 digits.

    The state is scaled by the newest point, so that the loop of paths that shrink comes to rest.
    """
    step, gain = 0.01, 0.02
    target = 0.2
    ball = HeavyBall(learning_rate=step, momentum=0.0)
    b = momentum_at_target(ball, 1.0, target, FixedDelay(staleness=staleness))
    ball = HeavyBall(learning_rate=step, momentum=b)
    z = sensor_reading(ball, 1.0, FixedDelay(staleness=staleness)).eigenvalue.real
    length = staleness + 2

    def advance(state):
        *ratios, momentum = state  # of x_{t-1}, x_{t-2}, … to x_t
        x = [mpmath.mpf(1), *ratios]
        new = x[0] + momentum * (x[0] - x[1]) - step * x[staleness]
        past = [new, *x]  # past[staleness + 1] is the version of the gradient
        own = past[staleness + 1]
        reading = (past[staleness] - own + step * own) / (own - past[staleness + 2])
        return [*(value / new for value in x[: length - 1]), momentum + gain * (target - reading)]

    with mpmath.workdps(40):
        rest = [mpmath.mpf(z) ** -k for k in range(1, length)] + [mpmath.mpf(b)]
        tiny = mpmath.mpf(10) ** -12
        columns = []
        for index in range(len(rest)):
            shifted = [value + (tiny if k == index else 0) for k, value in enumerate(rest)]
            lowered = [value - (tiny if k == index else 0) for k, value in enumerate(rest)]
            columns.append(
                [
                    float((high - low) / (2 * tiny))
                    for high, low in zip(advance(shifted), advance(lowered), strict=True)
                ]
            )
    jacobian = np.array(columns).T
    expected = np.sort(np.abs(np.linalg.eigvals(jacobian)))[::-1]
    found = np.abs(feedback_spectrum(ball, 1.0, gain, staleness))
    assert found.shape == (staleness + 2,)
    assert found[:2] == pytest.approx(expected[:2], abs=1e-6)


def test_feedback_spectrum_of_small_gains_is_the_slow_eigenvalue():
    delay = FixedDelay(staleness=15)
    ball = HeavyBall(learning_rate=0.02, momentum=-0.1)
    gaps = []
    for gain in (1e-3, 1e-4):
        exact = feedback_spectrum(ball, 1.0, gain, 15)[0]
        gaps.append(abs(exact - feedback_eigenvalue(ball, 1.0, gain, delay)))
    assert gaps[0] < 30 * 1e-3**2
    assert gaps[1] < gaps[0] / 80


def test_refusals():
    with pytest.raises(DomainError, match="no learning rate"):
        sensor_reading(Extragradient(learning_rate=0.1), 1.0)
    with pytest.raises(DomainError, match="real curvatures only"):
        sensor_reading(GradientDescent(learning_rate=0.1), 1j)
    with pytest.raises(DomainError, match="no momentum that feedback could move"):
        momentum_at_target(GradientDescent(learning_rate=0.1), 1.0, 0.5)
    with pytest.raises(DomainError, match="one setting at a time"):
        momentum_at_target(HeavyBall(learning_rate=[0.1, 0.2], momentum=0), 1.0, 0.5)
    with pytest.raises(DomainError, match="no single steady reading"):
        feedback_spectrum(HeavyBall(learning_rate=0.03, momentum=0.5), 1.0, 0.01, 15)
    with pytest.raises(DomainError, match="staleness is"):
        feedback_spectrum(HeavyBall(learning_rate=0.01, momentum=0.5), 1.0, 0.01, 1.5)


def test_of_a_pair_the_upper_pole_is_told():
    found = sensor_reading(
        GradientDescent(learning_rate=[0.03, 0.2]), 1.0, FixedDelay(staleness=15)
    )
    assert (found.eigenvalue.imag > 0).all()
    assert not found.is_steady.any()
