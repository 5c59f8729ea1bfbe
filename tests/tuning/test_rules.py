"""Rules beside YellowFin's: against 60 digits, against searches, and at their ends."""

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.laws import noise, noisy_quadratic, queue_tuning, staleness, tuning
from momentum_dynamics.tuning.rule import single_step
from momentum_dynamics.tuning.rules import exact_single_step, queue_single_step

PLAIN = {"h_max": 1.0, "h_min": 1.0, "variance": 0.5}
"""With these the signal to noise is the squared distance."""


def exact_root(signal, horizon, near):
    """√β to 60 digits, by Newton's method on logarithms."""
    place, power = mpmath.log(mpmath.mpf(near)), 2 * horizon - 1
    for _ in range(8):
        u = mpmath.exp(place)
        right = 1 - u + u * u
        ratio = mpmath.log(mpmath.mpf(signal) * horizon) + power * place
        ratio += 4 * mpmath.log(1 + u) - mpmath.log(right)
        place -= ratio / (power + 4 * u / (1 + u) + u * (1 - 2 * u) / right)
    u = mpmath.exp(place)
    assert (
        abs(noisy_quadratic.exact_balance(u, mpmath.mpf(signal), horizon)) < mpmath.mpf(10) ** -50
    )
    return u


@pytest.mark.parametrize("horizon", [1, 30])
def test_exact_rule_has_full_precision_over_48_decades(horizon):
    distances = np.geomspace(1e-12, 1e12, 25)
    step = exact_single_step(**PLAIN, distance=distances, horizon=horizon)
    signals = tuning.signal_to_noise(distances, 1.0, 0.5)
    moving = 16 * signals * horizon > 1
    assert (step.learning_rate[~moving] == 0).all()
    assert 10 < moving.sum() < len(moving)
    with mpmath.workdps(60):
        for signal, momentum, gap in zip(signals[moving], step.momentum[moving],
                                         step.one_minus_root[moving], strict=True):  # fmt: skip
            root = exact_root(float(signal), horizon, np.sqrt(momentum))
            assert abs(momentum / root**2 - 1) < 2e-15
            assert abs(gap / (1 - root) - 1) < 1e-13


def test_exact_rule_has_digits_next_to_its_threshold():
    signal = (1 + 1e-6) / 16
    step = exact_single_step(h_max=1.0, h_min=1.0, variance=1 / (2 * signal), distance=1.0)
    with mpmath.workdps(60):
        root = exact_root(float(tuning.signal_to_noise(1.0, 1.0, 1 / (2 * signal))), 1, 0.999999)
        # The gap inherits the rounding of p, a million times over.
        assert abs(step.one_minus_root / (1 - root) - 1) < 1e-9
    assert step.one_minus_root == pytest.approx(1e-6 / 2, rel=1e-3)


@pytest.mark.parametrize("horizon", [100, 10_000, 1e8])
@pytest.mark.parametrize("patience", [0.5, 10.0, 1e17])
def test_exact_rule_has_digits_where_a_long_horizon_puts_the_root_next_to_one(horizon, patience):
    """`patience` is pn; the gap, about log(16pn)/(2n), must not be lost in the power u²ⁿ⁻¹."""
    step = exact_single_step(**PLAIN, distance=np.sqrt(patience / horizon), horizon=horizon)
    signal = tuning.signal_to_noise(np.sqrt(patience / horizon), 1.0, 0.5)
    with mpmath.workdps(60):
        root = exact_root(float(signal), horizon, 1 - step.one_minus_root)
        assert abs(step.one_minus_root / (1 - root) - 1) < 1e-14


def test_exact_rule_bears_any_horizon():
    step = exact_single_step(**PLAIN, distance=1.0, horizon=np.array([1e300, 1.7e308]))
    assert (step.momentum < 1).all()
    assert (step.one_minus_root > 0).all()


@pytest.mark.parametrize("horizon", [1, 5, 100])
@pytest.mark.parametrize("distance", [0.6, 1.0, 3.0, 100.0])
def test_exact_rule_is_the_minimum(distance, horizon):
    found = minimize_scalar(
        lambda u: noisy_quadratic.exact_objective(u, distance, 2.0, 3.0, horizon),
        bounds=(0, 1), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    step = exact_single_step(h_max=2.0, h_min=2.0, variance=3.0, distance=distance, horizon=horizon)
    assert step.momentum == pytest.approx(found.x**2, abs=1e-7)
    assert step.learning_rate == pytest.approx((1 - found.x) ** 2 / 2, abs=1e-7)


def test_exact_rule_charges_the_true_floor():
    step = exact_single_step(h_max=1.0, h_min=1.0, variance=1.0, distance=2.0)
    true = noise.stationary_variance(step.learning_rate, step.momentum, 1.0, 1.0)
    assert noisy_quadratic.edge_floor(step.one_minus_root, 1.0, 1.0) == pytest.approx(true)


def test_rules_keep_to_the_robust_region():
    for rule in (single_step, exact_single_step):
        step = rule(h_max=100.0, h_min=1.0, variance=1e-9, distance=1e9)
        assert step.momentum == pytest.approx((9 / 11) ** 2, rel=1e-14)
        assert step.learning_rate == pytest.approx(4 / 121, rel=1e-14)


def test_exact_rule_at_its_ends():
    still = exact_single_step(h_max=1.0, h_min=0.0, variance=0.0, distance=0.0)
    assert still.learning_rate == 0
    assert 0 < still.momentum < 1
    patient = exact_single_step(h_max=2.0, h_min=1.0, variance=0.0, distance=1.0, horizon=100)
    assert 0 < patient.learning_rate < 1
    sure = exact_single_step(h_max=1.0, h_min=1.0, variance=0.0, distance=1.0)
    assert sure.momentum < 1e-100
    assert sure.learning_rate == pytest.approx(1.0)


def test_shapes_and_types():
    step = exact_single_step(h_max=1.0, h_min=1.0, variance=np.ones((3, 1)), distance=np.ones(2))
    assert step.momentum.shape == step.learning_rate.shape == (3, 2)
    assert isinstance(exact_single_step(**PLAIN, distance=1.0).momentum, float)
    rates = queue_single_step(
        **PLAIN, distance=np.ones((3, 1)), workers=np.array([1.0, 2.0]), horizon=100,
        momentum=None,
    ).learning_rate  # fmt: skip
    assert rates.shape == (3, 2)


@pytest.mark.parametrize("workers", [1, 2.5, 16])
@pytest.mark.parametrize("momentum", [-0.4, 0.0, 0.6])
@pytest.mark.parametrize("distance", [1e-3, 1.0, 1e3])
def test_queue_rule_is_the_minimum(workers, momentum, distance):
    low, high, horizon = 0.05, 1.0, 500
    step = queue_single_step(
        h_max=high, h_min=low, variance=2.0, distance=distance, workers=workers, horizon=horizon,
        momentum=momentum,
    )  # fmt: skip
    limit = float(staleness.heavy_ball_queue_step_limit(momentum, workers))

    def cost(log_rate):
        rate = np.exp(log_rate)
        near = queue_tuning.queue_horizon_objective(
            rate, momentum, low, distance, 1.0, workers, horizon
        )
        return near + staleness.heavy_ball_queue_stationary_variance(
            rate, momentum, high, 1.0, workers
        )

    found = minimize_scalar(
        cost, bounds=(np.log(1e-9), np.log(limit / high)), method="bounded",
        options={"xatol": 1e-12},
    )  # fmt: skip
    assert step.learning_rate == pytest.approx(np.exp(found.x), rel=1e-5)
    assert 0 < step.learning_rate * high < limit


@pytest.mark.parametrize("workers", [1.0, 16.0])
@pytest.mark.parametrize("batch", [False, True])
def test_queue_rule_has_eleven_digits(workers, batch):
    """The slope, by a derivative along the imaginary axis, changes its sign right there."""
    distance = np.array([1.0, 30.0]) if batch else 30.0
    setting = {"h_max": 1.0, "h_min": 0.05, "variance": 2.0, "workers": workers, "horizon": 500}
    rate = queue_single_step(**setting, distance=distance, momentum=0.3).learning_rate

    def slope(share):
        shifted = rate * share * (1 + 1e-30j)
        near = queue_tuning.queue_horizon_objective(shifted, 0.3, 0.05, distance, 1.0, workers, 500)
        far = staleness.heavy_ball_queue_stationary_variance(shifted, 0.3, 1.0, 1.0, workers)
        return (near + far).imag

    assert np.all(slope(1 - 1e-11) < 0)
    assert np.all(slope(1 + 1e-11) > 0)


def test_a_negative_momentum_has_no_root():
    setting = {**PLAIN, "distance": 1.0, "workers": 4, "horizon": 100}
    assert queue_single_step(**setting, momentum=-0.25).one_minus_root == 1
    assert queue_single_step(**setting, momentum=0.25).one_minus_root == 0.5


def test_one_setting_is_answered_as_a_batch_of_one():
    setting = {"h_max": 3.0, "h_min": 0.2, "variance": 1.0, "workers": 5, "horizon": 100}
    alone = queue_single_step(**setting, distance=2.0, momentum=-0.1)
    batch = queue_single_step(**setting, distance=np.array([2.0]), momentum=-0.1)
    assert alone.learning_rate == pytest.approx(batch.learning_rate[0], rel=1e-14)


@pytest.mark.slow
def test_best_momentum_of_queues_is_no_worse_and_falls_with_the_workers():
    setting = {"h_max": 1.0, "h_min": 0.01, "variance": 1.0, "distance": 10.0, "horizon": 1000}
    momenta = []
    for workers in (1, 4, 16):
        best = queue_single_step(**setting, workers=workers, momentum=None)
        costs = []
        for shift in (-1e-5, 0.0, 1e-5):
            beta = best.momentum + shift
            rate = queue_single_step(**setting, workers=workers, momentum=beta).learning_rate
            near = queue_tuning.queue_horizon_objective(rate, beta, 0.01, 10.0, 0.5, workers, 1000)
            costs.append(
                near + staleness.heavy_ball_queue_stationary_variance(rate, beta, 1.0, 0.5, workers)
            )
        assert np.argmin(costs) == 1
        momenta.append(best.momentum)
    assert momenta[0] > momenta[1] > momenta[2]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"horizon": 0.5}, r"horizon is 0.5, but must lie in \[1, ∞\)"),
        ({"variance": -1.0}, "variance is -1.0"),
        ({"distance": "far"}, "distance is 'far'"),
        ({"h_min": 2.0}, "h_min exceeds h_max"),
        ({"distance": np.array([1.0, np.nan])}, "distance holds nan"),
    ],
)
def test_what_is_not_admissible_is_told(setting, words):
    with pytest.raises(DomainError, match=words):
        exact_single_step(**({**PLAIN, "distance": 1.0} | setting))


def test_queue_rule_refuses():
    setting = {**PLAIN, "distance": 1.0, "horizon": 10}
    with pytest.raises(DomainError, match=r"workers is 0, but must lie in \[1, ∞\)"):
        queue_single_step(**setting, workers=0)
    with pytest.raises(DomainError, match="h_min is 0"):
        queue_single_step(**(setting | {"h_min": 0.0}), workers=2)
    with pytest.raises(DomainError, match=r"momentum is 1\.0"):
        queue_single_step(**setting, workers=2, momentum=1.0)
    with pytest.raises(DomainError, match="momentum is 'some'"):
        queue_single_step(**setting, workers=2, momentum="some")
    with pytest.raises(DomainError, match="give a narrower range"):
        queue_single_step(**(setting | {"h_min": 1e-308, "h_max": 1e308}), workers=2)
    with pytest.raises(ShapeError, match=r"momentum \(3,\), all else \(2,\)"):
        queue_single_step(**setting, workers=np.ones(2), momentum=np.zeros(3))
    with pytest.raises(ShapeError, match="do not fit"):
        queue_single_step(**(setting | {"distance": np.ones(3)}), workers=np.ones(2))
