"""Double wells: the loss, its runs, and the laws of small steps against independent integrals."""

import numpy as np
import pytest
from scipy.integrate import quad

from momentum_dynamics import (
    DomainError,
    DoubleWell,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    simulate,
    simulate_well,
    symbol,
)
from momentum_dynamics.laws import generalization
from momentum_dynamics.simulation.wells import WellRun, gibbs_occupation, limit_exit_time

TILTED = DoubleWell(barrier=1.5, top=-0.2)


def test_field_and_curvature_are_derivatives_of_the_loss():
    x = np.linspace(-2, 2, 41)
    tiny = 1e-6
    assert TILTED.field(x) == pytest.approx(
        (TILTED.height(x + tiny) - TILTED.height(x - tiny)) / (2 * tiny), abs=1e-6
    )
    assert TILTED.curvature(x) == pytest.approx(
        (TILTED.field(x + tiny) - TILTED.field(x - tiny)) / (2 * tiny), abs=1e-6
    )
    assert TILTED.field(np.array([-1.0, -0.2, 1.0])) == pytest.approx([0, 0, 0], abs=1e-15)


def test_depths_and_curvatures_are_those_of_the_docstring():
    depth = TILTED.height(np.array(-1.0)) - TILTED.height(np.array(1.0))
    assert depth == pytest.approx(16 * 1.5 * 0.2 / 3)
    assert TILTED.curvature(np.array([1.0, -1.0])) == pytest.approx([12 * 1.2, 12 * 0.8])
    assert "top=-0.2" in repr(TILTED)


@pytest.mark.parametrize("bad", [{"barrier": 0.0}, {"top": 1.0}, {"barrier": np.nan}])
def test_a_well_refuses(bad):
    with pytest.raises(DomainError, match="barrier"):
        DoubleWell(**bad)


@pytest.mark.parametrize("method", [HeavyBall, Nesterov])
def test_without_noise_it_is_simulate(method):
    chosen = method(learning_rate=0.01, momentum=0.6)
    quiet = simulate(chosen, TILTED, steps=50, start=[-1.0])
    run = simulate_well(chosen, TILTED, noise_variance=0.0, steps=50, replicas=3)
    assert run.points == pytest.approx(np.full(3, quiet.points[-1, 0]))
    assert np.isnan(run.exit_steps).all()
    assert run.mean_exit == np.inf
    assert "3 replicas" in repr(run)


def test_runs_are_the_same_twice_and_stop_when_all_have_left():
    ball = HeavyBall(learning_rate=0.01, momentum=0.5)
    settings = {"noise_variance": 80.0, "steps": 4000, "replicas": 20, "until_exit": True}
    first = simulate_well(ball, TILTED, seed=1, **settings)
    again = simulate_well(ball, TILTED, seed=1, **settings)
    assert (first.exit_steps == again.exit_steps).all()
    assert first.steps == first.exit_steps.max() < 4000
    assert first.exit_error > 0


def test_a_run_has_left_once_it_is_at_the_other_minimum():
    ball = HeavyBall(learning_rate=0.01, momentum=0.5)
    for seed in range(5):
        run = simulate_well(
            ball, TILTED, noise_variance=80.0, steps=4000, replicas=1, until_exit=True, seed=seed
        )
        assert run.exit_steps[0] == run.steps
        assert run.points[0] >= 1


def test_shares_are_counted_from_the_top_with_their_errors():
    run = WellRun(
        exit_steps=np.array([1.0, 3.0, 1.0, 3.0]), points=np.array([-1.0, -0.1, 1.0, 0.9]),
        steps=3, top=-0.2,
    )  # fmt: skip
    assert (run.mean_exit, run.occupation) == (2, 1 / 4)
    assert run.exit_error == pytest.approx(np.sqrt(4 / 3) / 2)
    assert run.occupation_error == pytest.approx(np.sqrt(3) / 8)


def test_a_step_that_is_too_large_is_said():
    with pytest.raises(DomainError, match="left both wells"):
        simulate_well(
            HeavyBall(learning_rate=1.0, momentum=0.5), TILTED, noise_variance=10.0, steps=60,
            replicas=5, seed=0,
        )  # fmt: skip


def test_laws_of_small_steps_agree_with_quadrature():
    heat = 0.5

    def weight(x):
        return np.exp(-TILTED.height(np.array(x)) / heat)

    left, right = quad(weight, -3, -0.2)[0], quad(weight, -0.2, 3)[0]
    assert gibbs_occupation(TILTED, heat) == pytest.approx(left / (left + right), rel=1e-3)
    exact = quad(lambda y: quad(weight, -3, y)[0] / weight(y), -1, 1)[0] / heat
    assert limit_exit_time(TILTED, heat) == pytest.approx(exact, rel=1e-3)


def test_inertia_is_the_inverse_of_kramers_factor():
    mass, top = 0.01 * 0.9 / 0.1**2, 4.0
    factor = (np.sqrt(1 / 4 + mass * top) - 1 / 2) / (mass * top)
    assert generalization.inertia_factor(0.01, 0.9, top) == pytest.approx(1 / factor)
    assert generalization.inertia_factor(0.1, 0.0, top) == 1


def test_one_setting_at_a_time():
    with pytest.raises(DomainError, match="batch axes"):
        simulate_well(
            HeavyBall(learning_rate=0.01, momentum=np.array([0.1, 0.5])), TILTED,
            noise_variance=1.0, steps=3,
        )  # fmt: skip
    with pytest.raises(NotTraceableError):
        simulate_well(
            HeavyBall(learning_rate=symbol("learning_rate"), momentum=0.5), TILTED,
            noise_variance=1.0, steps=3,
        )  # fmt: skip
