"""What is drawn is what the theory says: ties between a figure's data and independent numbers."""

import numpy as np
import pytest

from momentum_dynamics import HeavyBall, spectral_radius
from momentum_dynamics.errors import ShapeError
from momentum_dynamics.figures import figure


def test_plateaus_are_the_roots_of_momentum():
    data = figure("radius-against-learning-rate").data(momentum=(0.0, 0.1, 0.3, 0.5, 0.9))
    assert data.height[1:] == pytest.approx(np.sqrt([0.1, 0.3, 0.5, 0.9]))
    assert data.plateau[1] == pytest.approx([0.46754, 1.73246], abs=1e-5)
    assert data.plateau[4] == pytest.approx([0.00263, 3.79737], abs=1e-5)
    for momentum, radius, (low, high) in zip(data.momentum, data.radius, data.plateau, strict=True):
        on = (data.learning_rate > low) & (data.learning_rate < high)
        assert radius[on] == pytest.approx(np.sqrt(momentum), rel=1e-9)
        assert (radius[~on] > np.sqrt(momentum)).all() or momentum == 0


def test_radius_stretches_with_the_curvature():
    figure_of = figure("radius-against-learning-rate")
    plain = figure_of.data(points=41)
    steep = figure_of.data(points=41, curvature=2.0, largest_learning_rate=2.0)
    assert steep.radius == pytest.approx(plain.radius)
    assert steep.plateau[1:] == pytest.approx(plain.plateau[1:] / 2)


def test_roots_travel_on_the_circle_and_leave_at_the_limit():
    data = figure("root-locus").data(momentum=(0.1, 0.5, 0.9))
    for row, momentum in enumerate(data.momentum):
        step, roots = data.step[row], data.roots[row]
        low, high = data.meeting[row]
        away = np.minimum(np.abs(step - low), np.abs(step - high)) > 1e-9
        on = (step > low) & (step < high) & away
        assert np.abs(roots[on]) == pytest.approx(np.sqrt(momentum))
        assert roots[~on & away].imag == pytest.approx(0)
        assert np.prod(roots, axis=-1) == pytest.approx(momentum)
        assert sorted(roots[0].real) == pytest.approx([momentum, 1])
        outside = np.abs(roots).max(axis=-1) > 1 + 1e-9
        assert outside[step > data.exit[row] + 1e-9].all()
        assert not outside[(step > 0) & (step < data.exit[row] - 1e-9)].any()


def test_branches_of_the_locus_do_not_jump():
    data = figure("root-locus").data()
    assert np.abs(np.diff(data.roots, axis=1)).max() < 0.5


def test_three_panels_ask_for_three_momenta():
    with pytest.raises(ShapeError, match="give 3 values"):
        figure("root-locus").data(momentum=(0.5,))


def test_every_portrait_is_of_another_regime():
    data = figure("regimes").data(points=41)
    assert len(set(data.names)) == len(data.names) == 5
    named = dict(zip(data.names, data.paths, strict=True))
    assert (np.diff(named["monotone decrease"][:, 0]) < 0).all() or (
        np.diff(named["monotone decrease"][:, 0])[1:] < 0
    ).all()
    assert (
        named["monotone oscillations"][1:12, 0] * named["monotone oscillations"][:11, 0] < 0
    ).all()
    assert named["one-step convergence"][1, 0] == 0
    assert np.abs(named["divergence"][-1, 0]) > 10
    assert len(np.flatnonzero(np.diff(np.sign(named["ripples"][:, 0])))) >= 3


def test_boundaries_of_the_map_are_where_the_radius_says():
    data = figure("regimes").data(points=81)
    step, momentum = np.meshgrid(data.step, data.momentum)
    limit = np.interp(momentum, data.momentum, data.step_limit)
    inside = (step > 1e-6) & (step < limit - 1e-6) & (np.abs(momentum) < 1)
    assert (data.radius[inside] < 1).all()
    assert (data.radius[step > limit + 1e-6] > 1).all()
    # Below zero momentum both roots are real; they are opposite where the dominant one flips.
    negative = data.momentum < 0
    turning = HeavyBall(learning_rate=data.turning_step, momentum=data.momentum)
    roots = np.abs(spectral_radius(turning, 1.0))
    assert roots[negative] == pytest.approx(np.sqrt(-data.momentum[negative]))
    # Between the branches of critical damping the radius is the root of momentum.
    low = np.interp(step, data.critical_step, data.critical_momentum)
    ripples = (momentum > low + 0.02) & (step > 0)
    assert data.radius[ripples] == pytest.approx(np.sqrt(momentum[ripples]), rel=1e-5)


def test_ellipses_have_the_half_axes_of_the_theory():
    data = figure("stability-ellipses").data()
    for momentum, along, across in zip(data.momentum, data.along, data.across, strict=True):
        assert np.ptp(along) == pytest.approx(2 * (1 + momentum))
        assert across.max() == pytest.approx(1 - momentum, rel=1e-3)
        assert along.min() == pytest.approx(0)
        assert across[0] == pytest.approx(0, abs=1e-6)
    for rate, along, across in zip(data.rate, data.level_along, data.level_across, strict=True):
        assert np.ptp(along) == pytest.approx(2 * (rate + data.mapped / rate))
        assert across.max() == pytest.approx(rate - data.mapped / rate, rel=1e-3)


def test_level_sets_lie_where_the_radius_has_their_rate():
    data = figure("stability-ellipses").data(points=41)
    method = HeavyBall(learning_rate=1.0, momentum=data.mapped)
    for rate, along, across in zip(data.rate, data.level_along, data.level_across, strict=True):
        assert spectral_radius(method, along + 1j * across) == pytest.approx(rate, rel=1e-6)


@pytest.mark.slow
def test_the_mean_of_stale_runs_is_within_its_band_and_the_control_is_not():
    data = figure("staleness-is-momentum").data(replicas=1000, steps=40)
    assert data.twin_momentum == pytest.approx([3 / 4, 15 / 16])
    assert data.twin_learning_rate == pytest.approx(data.learning_rate / data.workers)
    score = np.abs(data.mean - data.predicted)[:2, 2:] / data.error[:2, 2:]
    assert score.max() < 6
    assert data.gap[2] > 0.1
    assert data.mean[2] == pytest.approx(data.exact, abs=1e-12)


@pytest.mark.slow
def test_noise_floors_rise_fall_and_leave_the_stand_in_behind():
    data = figure("noise-floor").data(replicas=500, momentum=(0.0, 0.5, 0.9), points=50)
    assert (np.diff(data.floor[0]) > 0).all()
    assert (np.diff(data.floor[1]) < 0).all()
    beta = data.momentum
    ratio = data.floor[2] / data.surrogate[2]
    assert ratio[1:] == pytest.approx((1 + beta[1:]) / (1 - beta[1:]) ** 2)
    assert ratio[-1] == pytest.approx(190)
    law = [data.floor[0][[0, -1]], data.floor[1][[0, -1]], data.floor[2][[0, -1]]]
    score = (data.measured[:, [0, -1]] - law) / data.error[:, [0, -1]]
    assert np.abs(score).max() < 6


def test_only_negative_momentum_played_in_turn_converges():
    data = figure("bilinear-game-orbits").data()
    assert list(data.order) == ["simultaneous", "alternating"]
    assert (data.rate[0] > 1).all()
    assert data.rate[0, 1] == pytest.approx(np.sqrt(1 + data.learning_rate**2))
    assert data.rate[1, 0] < 1 < data.rate[1, 2]
    assert data.rate[1, 1] == pytest.approx(1)
    assert data.distance[1, 0, -1] < data.distance[1, 0, 0] / 2
    # Averages over windows far apart smooth the swing of alternating play.
    early, late = data.distance[..., 40:70], data.distance[..., 120:150]
    measured = np.exp((np.log(late).mean(axis=-1) - np.log(early).mean(axis=-1)) / 80)
    assert measured == pytest.approx(data.rate, abs=3e-3)


def test_rates_measured_on_quadratics_are_the_laws():
    data = figure("rate-against-condition-number").data(measured_at=(10.0,), points=20)
    assert data.measured[:, 0] == pytest.approx(data.expected[:, 0], rel=1e-2)
    # Worked numbers for condition number 10.
    assert data.expected[:, 0] == pytest.approx(
        [0.818182, 0.683772, 0.683772, 0.640789, 0.519494], abs=1e-6
    )
    assert (data.rate >= data.bound).all()


def test_chebyshev_reaches_the_least_residual_and_polyak_only_its_coefficients():
    data = figure("chebyshev-tends-to-polyak").data(condition_number=100.0)
    cosh = np.cosh(data.step * np.arccosh(101 / 99))
    assert data.worst[2] == pytest.approx(1 / cosh)
    assert data.least == pytest.approx(1 / cosh)
    assert (data.worst[:2, 2:] > data.least[2:]).all()
    assert data.worst[1].max() == pytest.approx(3.707, abs=1e-3)
    assert data.momentum[-1] == pytest.approx(data.limit_momentum, rel=1e-3)
    assert data.limit_momentum == pytest.approx(0.669421, abs=1e-6)


@pytest.mark.slow
def test_rates_on_wine_are_what_its_spectrum_predicts():
    data = figure("rates-on-real-data").data(names=("wine",), ridge=(0.0,), steps=100)
    assert data.condition_number[0] == pytest.approx(45.52, abs=0.01)
    assert data.measured == pytest.approx(data.expected, abs=1e-4)
    assert data.paths[:, 0] == pytest.approx(1)
    assert (data.paths[:, -1] < 0.1).all()


def test_each_data_set_needs_its_ridge():
    with pytest.raises(ShapeError, match="ridge"):
        figure("rates-on-real-data").data(names=("wine",))


def test_momentum_leads_at_equal_step_and_trails_at_equal_effective_step():
    data = figure("saddle-escape").data()
    positive = data.momentum > 0.01
    assert (data.growth[0][:, positive] > data.plain[:, None]).all()
    assert (data.growth[1][:, positive] < data.plain[:, None]).all()
    assert (data.growth[2][:, positive] > data.growth[0][:, positive]).all()
    assert data.measured == pytest.approx(data.expected, rel=1e-6)
    assert data.plain == pytest.approx(1 + data.learning_rate * data.ascent)


def test_switching_grows_by_one_plus_root_two():
    data = figure("switching-curvature").data()
    assert data.growth == pytest.approx((1 + np.sqrt(2)) * np.sqrt(data.momentum), abs=1e-7)
    assert data.plateau == pytest.approx(np.sqrt(data.momentum), abs=1e-9)
    assert data.threshold == pytest.approx(3 - 2 * np.sqrt(2))
    beta = data.measured_momentum
    assert data.measured_growth == pytest.approx((1 + np.sqrt(2)) * np.sqrt(beta), rel=1e-3)
    assert data.measured_plateau == pytest.approx(np.sqrt(beta), rel=2e-2)
    assert data.paths[2, -1] > 1e9
    assert (data.paths[:2, -1] < 1e-5).all()


def test_yellowfins_rule_is_the_searched_minimum():
    data = figure("yellowfin-cubic").data()
    assert data.gap < 1e-6
    assert (np.diff(data.momentum) < 0).all()
    assert (data.best_objective[:, None] <= data.objective * (1 + 1e-12)).all()
    assert data.learning_rate == pytest.approx((1 - np.sqrt(data.momentum)) ** 2)
    assert data.shown_signal == pytest.approx(np.array([0.2, 1.0, 5.0]) ** 2 / 2)
    root = np.interp(0.0, np.log(data.signal_to_noise), np.sqrt(data.momentum))
    assert root == pytest.approx(0.3176721961719807, abs=1e-3)


def test_the_rule_depends_on_the_ratio_only():
    plain = figure("yellowfin-cubic").data()
    scaled = figure("yellowfin-cubic").data(smallest_curvature=3.0, noise_variance=9.0)
    assert scaled.momentum == pytest.approx(plain.momentum)
    assert scaled.signal_to_noise == pytest.approx(plain.signal_to_noise)
