"""Laws against numbers worked out independently, and against the definitions behind them."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from momentum_dynamics.laws import (
    continuous,
    games,
    noise,
    optima,
    regions,
    saddles,
    schedules,
    spectrum,
    staleness,
    tuning,
)


@pytest.mark.parametrize(
    ("kappa", "step", "momentum", "rate", "plain"),
    [
        (10, 2.308862, 0.269874, 0.519494, 0.818182),
        (100, 3.305785, 0.669421, 9 / 11, 99 / 101),
        (1000, 3.758531, 0.881145, 0.938693, 0.998002),
        (1e4, 3.921184, 0.960788, 0.980198, 0.999800),
    ],
)
def test_optimal_heavy_ball_and_gradient_descent(kappa, step, momentum, rate, plain):
    best = optima.heavy_ball(1 / kappa, 1)
    assert best == pytest.approx((step, momentum, 0), abs=1e-6)
    assert optima.heavy_ball_rate(kappa) == pytest.approx(rate, abs=1e-6)
    assert optima.heavy_ball_rate_gap(kappa) == pytest.approx(1 - rate, abs=1e-6)
    assert optima.gradient_descent_rate(kappa) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(
    ("kappa", "standard", "tuned"),
    [(10, 0.683772, 0.640789), (100, 0.9, 0.884722), (1000, 0.968377, 0.963491)],
)
def test_nesterov_rates(kappa, standard, tuned):
    assert optima.nesterov_smooth_rate(kappa) == pytest.approx(standard, abs=1e-6)
    assert optima.nesterov_quadratic_rate(kappa) == pytest.approx(tuned, abs=1e-6)


def test_nesterov_parameters_at_ten():
    learning_rate, momentum, lookahead = optima.nesterov_quadratic(1, 10)
    assert learning_rate == pytest.approx(0.1290323, abs=1e-7)
    assert momentum == lookahead == pytest.approx(0.4714423, abs=1e-7)


@pytest.mark.parametrize(
    ("momentum", "low", "high"),
    [
        (0.1, 0.46754, 1.73246),
        (0.3, 0.20455, 2.39545),
        (0.5, 0.08579, 2.91421),
        (0.9, 0.00263, 3.79737),
    ],
)
def test_plateaus(momentum, low, high):
    ends = regions.robust_low_end(momentum), regions.robust_high_end(momentum)
    assert ends == pytest.approx((low, high), abs=5e-6)
    inside = np.linspace(*ends, 9)[1:-1]
    assert regions.is_robust(inside, momentum, 1.0).all()
    assert not regions.is_robust(np.array([low - 1e-4, high + 1e-4]), momentum, 1.0).any()


@pytest.mark.parametrize(
    ("step", "radius"), [(1, 0.5**0.5), (3, 1.0), (0.05, (1.45 + 0.1025**0.5) / 2)]
)
def test_radius_at_momentum_one_half(step, radius):
    for law in (spectrum.spectral_radius, spectrum.complex_spectral_radius):
        assert law(1.5 - step, 0.5) == pytest.approx(radius, abs=1e-12)
    assert spectrum.elliptic_spectral_radius(1.5 - step, 0.5) == pytest.approx(radius, abs=3e-8)


@pytest.mark.parametrize(
    "law", [spectrum.complex_spectral_radius, spectrum.elliptic_spectral_radius]
)
def test_radius_of_complex_pairs(law):
    rng = np.random.default_rng(1)
    roots = rng.normal(size=(200, 2)) + 1j * rng.normal(size=(200, 2))
    found = law(roots.sum(axis=1), roots.prod(axis=1))
    np.testing.assert_allclose(found, np.abs(roots).max(axis=1), rtol=1e-7)


def test_critical_momentum_of_distill():
    assert spectrum.critical_momentum(1e-4, 100.0) == pytest.approx(0.81)


def test_marchenko_pastur_tends_to_polyak_for_its_edges():
    ends = (edge(1.7, 0.4) for edge in (
        schedules.marchenko_pastur_low_end, schedules.marchenko_pastur_high_end
    ))  # fmt: skip
    best, last = optima.heavy_ball(*ends), schedules.marchenko_pastur(1.7, 0.4, 200)
    assert last == pytest.approx(best[:2], rel=1e-13)


def test_the_stable_region_of_heavy_ball_is_jurys_triangle():
    rng = np.random.default_rng(0)
    step, momentum = rng.uniform(-1, 5, 5000), rng.uniform(-1.5, 1.5, 5000)
    told = regions.is_stable_heavy_ball(step, momentum, 1.0)
    assert (told == spectrum.is_stable_pair(1 + momentum - step, momentum)).all()
    assert 0.2 < told.mean() < 0.6


def test_switching_growth_on_the_robust_region():
    assert spectrum.switching_growth(2 * 0.9**0.5, 0.9) == pytest.approx((1 + 2**0.5) * 0.9**0.5)


def test_surrogate_is_off_by_190_at_the_robust_edge():
    step = regions.robust_low_end(0.9)
    ratio = noise.stationary_variance(step, 0.9, 1, 1) / noise.surrogate_variance(step, 0.9, 1)
    assert ratio == pytest.approx(1.9 / 0.1**2)
    assert noise.surrogate_ratio(step, 0.9, 1) == pytest.approx(ratio)
    assert noise.surrogate_ratio(1.9, 0.9, 1) == pytest.approx(1 / 1.9)


def test_noise_at_equal_effective_step_is_smaller_with_momentum():
    plain = noise.stationary_variance(0.5, 0, 1, 1)
    step = 0.5 * (1 - 0.9)
    assert noise.effective_learning_rate(step, 0.9) == pytest.approx(0.5)
    assert noise.stationary_variance(step, 0.9, 1, 1) < plain
    assert noise.stationary_variance(0.5, 0.9, 1, 1) > plain


def test_stability_ellipse_is_where_the_radius_is_one():
    momentum, angles = -0.4, np.linspace(0.1, 6.2, 50)
    step = (1 + momentum) * (1 + np.cos(angles)) + 1j * (1 - momentum) * np.sin(angles)
    on_edge = spectrum.complex_spectral_radius(1 + momentum - step, momentum)
    np.testing.assert_allclose(on_edge, 1, atol=1e-12)
    np.testing.assert_allclose(
        regions.stability_ellipse(step.real, step.imag, momentum), 0, atol=1e-12
    )


def test_chebyshev_relaxations_satisfy_the_textbook_recursion():
    kappa = 50.0
    share = (kappa - 1) / (kappa + 1)
    relaxation = 2.0
    for step in range(1, 40):
        relaxation = 1 / (1 - share**2 * relaxation / 4)
        assert schedules.chebyshev_relaxation(kappa, step) == pytest.approx(relaxation, rel=1e-13)


def test_marchenko_pastur_satisfies_its_recursion():
    variance, ratio = 1.7, 0.3
    p, delta = (1 + ratio) / ratio**0.5, 0.0
    for step in range(40):
        delta = -1 / (p + delta)
        found = schedules.marchenko_pastur(variance, ratio, step)
        assert found.momentum == pytest.approx(-(1 + p * delta), abs=1e-13)
        assert found.learning_rate == pytest.approx(-delta / (variance * ratio**0.5), rel=1e-13)


@pytest.mark.parametrize("signal", [1e-6, 0.1, 1.0, 30.0, 1e9, 1e100])
def test_cubic_root(signal):
    gap = tuning.cubic_root(signal)
    assert 0 < gap < 1 or signal > 1e15
    assert gap**3 + signal * gap == pytest.approx(signal, rel=1e-12)
    assert tuning.cubic(1 - gap, signal) == pytest.approx(0, abs=1e-12 * max(signal, 1))


def test_cubic_root_minimizes_the_surrogate():
    distance, curvature, variance = 2.0, 0.7, 3.0
    signal = distance**2 * curvature**2 / (2 * variance)
    found = minimize_scalar(
        lambda u: tuning.single_step_objective(u, distance, curvature, variance),
        bounds=(0, 1), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    assert 1 - tuning.cubic_root(signal) == pytest.approx(found.x, abs=1e-6)


@pytest.mark.parametrize("delay", range(6))
def test_fixed_delay_turns_unstable_at_the_angle(delay):
    limit = 2 * np.sin(np.pi * staleness.fixed_delay_step_limit_angle(delay))

    def radius(step):
        polynomial = np.zeros(delay + 2)
        polynomial[:2] = 1, -1
        polynomial[-1] += step
        return np.abs(np.roots(polynomial)).max()

    assert radius(0.999 * limit) < 1 < radius(1.001 * limit)


def test_implicit_heavy_ball():
    assert staleness.implicit_momentum(4) == 0.75
    assert staleness.implicit_learning_rate(0.2, 4) == pytest.approx(0.05)


def test_escape_from_a_saddle():
    matrix = np.array([[1 + 0.9 + 0.1 * 2, -0.9], [1, 0]])
    assert saddles.escape_rate(0.1, 0.9, 2.0) == pytest.approx(np.linalg.eigvals(matrix).max())
    assert saddles.escape_rate(0.1, 0.0, 2.0) == saddles.plain_escape_rate(0.1, 2.0)


def test_alternating_games_are_stable_with_negative_momentum_only():
    momentum = np.array([-1.0, -0.5, -0.5, -0.5, 0.0, 0.5])
    coupling = np.array([0.1, 0.1, 0.99, 1.01, 0.1, 0.1])
    stable = games.is_stable_alternating(coupling, momentum, 1.0)
    assert stable.tolist() == [False, True, True, False, False, False]
    inside = (
        games.round_hurwitz_determinant(0.1, -0.5, 1.0),
        games.round_hurwitz_determinant(0.1, 0.5, 1.0),
    )
    assert inside[0] > 0 > inside[1]


def test_heavy_ball_is_optimal_among_two_parameters():
    kappa = 20.0
    spectrum_ends = np.array([1 / kappa, 1.0])

    def worst(parameters):
        step, momentum = parameters
        return spectrum.spectral_radius(1 + momentum - step * spectrum_ends, momentum).max()

    found = minimize(
        worst,
        (1.5, 0.3),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000},
    )
    assert worst(optima.heavy_ball(1 / kappa, 1)[:2]) <= found.fun + 1e-7


def test_damped_rates_are_the_slower_roots():
    friction, curvature = np.meshgrid([0.1, 1.0, 4.0, 50.0], [0.3, 4.0, 100.0])
    found = continuous.damped_rate(friction, curvature)
    for a, h, rate in zip(friction.ravel(), curvature.ravel(), found.ravel(), strict=True):
        assert rate == pytest.approx(-np.roots([1, a, h]).real.max(), rel=1e-6)
    # Where the textbook's form, (a − √(a² − 4h))/2, has lost every digit.
    assert continuous.damped_rate(1e9, 1.0) == pytest.approx(1e-9, rel=1e-12)


def test_growing_momentum_is_nesterovs():
    assert [schedules.growing_momentum(k) for k in range(5)] == [0, 0, 1 / 4, 2 / 5, 1 / 2]
