"""Equations with a lag in continuous time, against quadrature, Lyapunov and small steps."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.linalg import solve_continuous_lyapunov

from momentum_dynamics import (
    DelayEquation,
    FixedDelay,
    GradientDescent,
    MemoryEquation,
    UnstableDynamicsError,
    delay_stability_limit,
    mean_square_limit,
    queue_moments,
    stale_moments,
)

CASES = [(0.02, 1.0, 3.0), (0.1, 0.5, 8.0), (0.3, 1.2, 1.7), (0.005, 2.0, 60.0)]


def memory(learning_rate, curvature, age, **more):
    return MemoryEquation(
        learning_rate=learning_rate, curvature=curvature, age=age, noise_variance=0.7, **more
    )


def delayed(learning_rate, curvature, age):
    return DelayEquation(
        learning_rate=learning_rate, curvature=curvature, age=age, noise_variance=0.7
    )


@pytest.mark.parametrize("case", CASES)
def test_memory_floor_solves_lyapunovs_equation(case):
    alpha, h, age = case
    drift = np.array([[0, -alpha * h], [1 / age, -1 / age]])
    settled = solve_continuous_lyapunov(drift, -np.diag([alpha**2 * 0.7, 0]))
    assert memory(*case).stationary_variance == pytest.approx(settled[0, 0], rel=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_memory_floor_with_the_spread_solves_lyapunovs_equation_with_its_own_noise(case):
    """By iteration: the spread of the settled reads is noise, which settles them anew."""
    alpha, h, age = case
    drift = np.array([[0, -alpha * h], [1 / age, -1 / age]])
    kick = np.outer([alpha * h, 1 / age], [alpha * h, 1 / age])
    spread = 0.0
    for _ in range(2000):
        noise = np.diag([alpha**2 * 0.7, 0]) + spread * kick
        settled = solve_continuous_lyapunov(drift, -noise)
        spread = settled[0, 0] - settled[1, 1]
    found = memory(*case, keeps_spread=True)
    assert found.stationary_variance == pytest.approx(settled[0, 0], rel=1e-9)


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_moments_settle_where_the_drift_says(case, keeps):
    equation = memory(*case, keeps_spread=keeps)
    alpha = case[0]
    settled = np.linalg.solve(equation.moment_drift(), [-(alpha**2) * 0.7, 0, 0, 0])
    assert equation.stationary_variance == pytest.approx(settled[0], rel=1e-10)


@pytest.mark.parametrize("age", [1.0, 4.0, 25.0, 300.0])
def test_the_limit_in_mean_square_is_where_moments_stop_settling(age):
    limit = memory(1.0, 1.0, age, keeps_spread=True).mean_square_limit
    below, above = (memory(limit * f, 1.0, age, keeps_spread=True) for f in (1 - 1e-5, 1 + 1e-5))
    assert below.mean_square_rate < 1 < above.mean_square_rate
    assert memory(1.0, 1.0, age).mean_square_limit == np.inf
    with pytest.raises(UnstableDynamicsError, match="memory equation settles for"):
        _ = above.stationary_variance


@pytest.mark.parametrize("case", CASES)
def test_delay_floor_is_the_integral_of_the_spectrum(case):
    """By Plancherel: 1/π ∫ α²σ²/|iω + a e^{−iωθ}|² dω over positive frequencies."""
    alpha, h, age = case
    step = alpha * h

    def density(frequency):
        return alpha**2 * 0.7 / abs(1j * frequency + step * np.exp(-1j * frequency * age)) ** 2

    ends = np.append(np.arange(200) * np.pi / age, np.inf)
    parts = [quad(density, low, high, limit=200)[0] for low, high in pairwise(ends)]
    assert delayed(*case).stationary_variance == pytest.approx(sum(parts) / np.pi, rel=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_exponents_solve_their_equations(case):
    alpha, h, age = case
    step = alpha * h
    roots = np.roots([age, 1, step])
    assert memory(*case).mean_rate == pytest.approx(np.exp(roots.real.max()), rel=1e-12)
    assert memory(*case).mean_square_rate == pytest.approx(memory(*case).mean_rate ** 2)
    # On a fine grid of time the delay equation is gradient descent behind many steps of delay.
    count, tick = 100, age / 100.5
    poles = np.roots([1, -1, *[0] * (count - 1), step * tick])
    coarse = np.abs(poles).max() ** (1 / tick)
    assert delayed(*case).mean_rate == pytest.approx(coarse, rel=2e-4)


@pytest.mark.parametrize("case", CASES)
def test_means_solve_their_equations(case):
    alpha, h, age = case
    step = alpha * h
    times = np.linspace(0, 4 * age, 17)
    solved = solve_ivp(
        lambda _, y: [-step * y[1], (y[0] - y[1]) / age], (0, times[-1]), [1, 1], t_eval=times,
        rtol=1e-9, atol=1e-11,
    )  # fmt: skip
    np.testing.assert_allclose(memory(*case).mean(times), solved.y[0], atol=1e-7)
    # The delay equation by its integral from one time to the next.
    grid = np.linspace(0, 4 * age, 801)
    mean = delayed(*case).mean(grid)
    late = np.concatenate([np.ones(200), mean])[: len(grid)]
    moved = np.concatenate([[0], np.cumsum((late[1:] + late[:-1]) / 2 * np.diff(grid))])
    np.testing.assert_allclose(mean, 1 - step * moved, atol=2e-4)


def test_no_age_is_gradient_flow():
    equation = DelayEquation(learning_rate=0.2, curvature=1.0, age=0, noise_variance=1.0)
    np.testing.assert_allclose(equation.mean([0.0, 5.0]), np.exp([0.0, -1.0]))
    assert equation.mean_rate == pytest.approx(np.exp(-0.2))
    assert equation.mean_limit == np.inf
    assert equation.stationary_variance == pytest.approx(0.1)


def test_a_batch_is_answered_setting_by_setting():
    steps, ages = np.array([0.01, 0.05])[:, None], np.array([1.0, 4.0, 9.0])
    for cls in (MemoryEquation, DelayEquation):
        whole = cls(learning_rate=steps, curvature=1.0, age=ages, noise_variance=1.0)
        for i, j in np.ndindex(2, 3):
            one = cls(
                learning_rate=float(steps[i, 0]), curvature=1.0, age=float(ages[j]),
                noise_variance=1.0,
            )  # fmt: skip
            for name in ("mean_rate", "mean_square_rate", "stationary_variance"):
                assert getattr(whole, name)[i, j] == pytest.approx(getattr(one, name), rel=1e-12)


def test_the_delay_equation_ends_at_a_quarter_turn():
    equation = delayed(1.0, 1.0, 5.0)
    assert equation.mean_square_limit == equation.mean_limit == pytest.approx(np.pi / 10)
    edge = DelayEquation(learning_rate=np.pi / 10, curvature=1.0, age=5.0)
    assert edge.mean_rate == pytest.approx(1, abs=1e-12)
    assert edge.mean_square_rate == pytest.approx(1, abs=1e-12)
    for step in (0.32, -0.1):
        with pytest.raises(UnstableDynamicsError, match=r"the delay equation settles for .*0\.314"):
            _ = delayed(step, 1.0, 5.0).stationary_variance


# Against the exact moments ---------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 8, 64])
def test_the_modified_equation_is_exact_at_one_over_the_workers_alone(workers):
    for share, sign in ((0.5, 1), (1.0, 0), (1.2, -1)):
        step = share / workers
        exact = queue_moments(
            GradientDescent(learning_rate=step), 1.0, workers=workers, noise_variance=0.7
        ).stationary_variance
        gap = memory(step, 1.0, workers).stationary_variance / exact - 1
        assert gap == pytest.approx((step - workers * step**2) / 2, abs=1e-12)
        assert np.sign(round(gap, 12)) == sign


def test_keeping_the_spread_is_nearer_than_leaving_it_out():
    workers = 16
    for share in (0.5, 0.8, 0.95):
        step = share * float(mean_square_limit(GradientDescent(learning_rate=1.0), workers=workers))
        exact = queue_moments(
            GradientDescent(learning_rate=step), 1.0, workers=workers, noise_variance=0.7
        ).stationary_variance
        plain, kept = (
            memory(step, 1.0, workers, keeps_spread=keeps).stationary_variance / exact
            for keeps in (False, True)
        )
        assert abs(kept - 1) < 0.35 * abs(plain - 1)


@pytest.mark.parametrize("delay", [7, 15])
def test_half_an_update_gains_an_order(delay):
    descent = GradientDescent(learning_rate=1 / (delay + 0.5))
    law = FixedDelay(staleness=delay)
    exact = stale_moments(descent, 1.0, law, 0.7).stationary_variance
    limit = float(delay_stability_limit(GradientDescent(learning_rate=1.0), law))
    plain, half = (delayed(1 / (delay + 0.5), 1.0, delay + extra) for extra in (0.0, 0.5))
    assert abs(half.stationary_variance / exact - 1) < 0.25 / delay**2
    assert abs(plain.stationary_variance / exact - 1) > 0.7 / delay
    assert half.mean_limit / limit - 1 == pytest.approx(np.pi**2 / (96 * delay**2), rel=0.15)
    assert plain.mean_limit / limit - 1 == pytest.approx(1 / (2 * delay), rel=0.1)


def test_limits_of_the_queue_come_back():
    for workers in (16, 256):
        exact = float(mean_square_limit(GradientDescent(learning_rate=1.0), workers=workers))
        kept = memory(1.0, 1.0, workers, keeps_spread=True).mean_square_limit
        assert kept / exact - 1 == pytest.approx(1 / (4 * workers), rel=0.15)
    assert memory(1.0, 1.0, 4).mean_limit == np.inf
