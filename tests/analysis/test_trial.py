"""One method on one problem: names, tuning, and predictions beside measurements."""

import json

import numpy as np
import pytest

from momentum_dynamics import (
    BilinearGame,
    Chebyshev,
    DomainError,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LeastSquares,
    Nesterov,
    Quadratic,
    Rosenbrock,
    UnknownNameError,
    methods,
    plot,
)
from momentum_dynamics.analysis.trial import method_names, named_method, try_out

WELL = Quadratic([1.0, 10.0])


def test_every_method_with_named_parameters_has_a_name():
    kinds = {getattr(methods, name) for name in methods.__all__}
    named = method_names()
    assert set(named.values()) <= kinds
    assert {"heavy-ball", "gradient-descent", "three-parameter", "marchenko-pastur"} <= set(named)
    assert "linear-method" not in named


def test_parameters_as_given_or_tuned_or_from_the_spectrum():
    set_by_hand = named_method("heavy-ball", {"learning_rate": 1, "momentum": 0.5}, WELL)
    assert (set_by_hand.learning_rate, set_by_hand.momentum) == (1, 0.5)
    tuned = named_method("gradient-descent", {}, WELL)
    assert tuned.learning_rate == pytest.approx(2 / 11)
    robust = named_method("robust-momentum", {"robustness": 0.25}, WELL)
    assert (robust.smallest_curvature, robust.robustness) == (1.0, 0.25)
    moved = named_method("chebyshev", {"largest_curvature": 20.0}, WELL)
    assert (moved.smallest_curvature, moved.largest_curvature) == (1.0, 20.0)


@pytest.mark.parametrize(
    ("name", "parameters", "problem", "error", "sentence"),
    [
        ("heavy-bal", {}, WELL, UnknownNameError, "did you mean 'heavy-ball'?"),
        ("heavy-ball", {"momentm": 1}, WELL, UnknownNameError, "did you mean 'momentum'?"),
        ("heavy-ball", {"momentum": 1}, WELL, DomainError, "needs learning_rate; set each"),
        ("heavy-ball", {"momentum": [1, 2]}, WELL, DomainError, "momentum is [1, 2], but must be"),
        ("heavy-ball", {"momentum": True}, WELL, DomainError, "momentum is True, but must be"),
        ("heavy-ball", {}, Quadratic([-1.0, 2.0]), DomainError, "cannot be tuned for curvatures"),
        ("heavy-ball", {}, Quadratic([0.0]), DomainError, "cannot be tuned for curvatures from 0"),
        ("optimistic-gradient", {}, WELL, DomainError, "needs learning_rate"),
    ],
)
def test_methods_that_cannot_be_built(name, parameters, problem, error, sentence):
    with pytest.raises(error) as caught:
        named_method(name, parameters, problem)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("method", "rate"),
    [
        (GradientDescent(learning_rate=0.1), 0.9),
        (GradientDescent(learning_rate=0.3), 2.0),
        (HeavyBall(learning_rate=0.1, momentum=0.64), 0.8),
        (Nesterov(learning_rate=0.1, momentum=0.0), 0.9),
        (Chebyshev(smallest_curvature=1.0, largest_curvature=25.0), 2 / 3),
        (Extragradient(learning_rate=0.05), (1 - 0.05 + 0.05**2) ** 0.5),
    ],
)
def test_rate_is_predicted_and_measured_per_gradient(method, rate):
    trial = try_out(method, WELL, steps=400)
    assert trial.predicted == pytest.approx(rate)
    assert abs(trial.measured.rate - rate) <= 2 * trial.measured.uncertainty + 1e-9


def test_fixed_staleness_has_a_rate_of_its_own():
    trial = try_out(
        GradientDescent(learning_rate=0.03), WELL, steps=600, delay=FixedDelay(staleness=2)
    )
    assert trial.predicted > 0.965
    assert trial.measured.rate == pytest.approx(trial.predicted, abs=1e-6)
    assert not trial.is_random


def test_random_staleness_is_predicted_in_the_mean():
    trial = try_out(
        GradientDescent(learning_rate=0.2), Quadratic([1.0]), steps=60, replicas=2000,
        delay=GeometricDelay(workers=4.0), seed=3,
    )  # fmt: skip
    assert trial.predicted == pytest.approx(0.75**0.5)
    assert trial.is_random
    assert any("mean over many replicas, here over 2000" in note for note in trial.notes)
    alone = try_out(
        GradientDescent(learning_rate=0.2), Quadratic([1.0]), steps=9,
        delay=GeometricDelay(workers=4.0), seed=3,
    )  # fmt: skip
    assert any("this is one run" in note for note in alone.notes)


def test_a_mean_square_that_grows_is_said():
    trial = try_out(
        GradientDescent(learning_rate=0.1), WELL, steps=60, replicas=500,
        delay=GeometricDelay(workers=4.0), seed=1,
    )  # fmt: skip
    assert trial.final_distance > trial.start_distance
    assert trial.predicted < 1
    assert any("a few replicas make up the mean" in note for note in trial.notes)


@pytest.mark.slow
def test_noise_leaves_the_predicted_distance():
    trial = try_out(
        HeavyBall(learning_rate=0.1, momentum=0.9), WELL, steps=600, noise_variance=0.1,
        replicas=1000, seed=2,
    )  # fmt: skip
    assert trial.measured is None
    assert trial.noise_measured == pytest.approx(trial.noise_predicted, rel=0.05)
    assert "settled squared distance" in str(trial)
    assert "seed      2" in str(trial)


def test_an_unstable_noisy_run_has_no_settled_distance():
    trial = try_out(GradientDescent(learning_rate=1.0), WELL, steps=40, noise_variance=1.0, seed=0)
    assert trial.noise_predicted is None
    assert trial.outcome == {"diverged": 1}


def test_divergence_beyond_all_numbers():
    trial = try_out(GradientDescent(learning_rate=3.0), WELL, steps=1000)
    assert trial.measured.rate == pytest.approx(29)
    assert "beyond all numbers at the end" in str(trial)
    assert trial.to_dict()["final_distance"] is None
    wild = try_out(HeavyBall(learning_rate=1.0, momentum=0.9), Rosenbrock(), steps=50)
    assert wild.measured is None
    assert wild.outcome == {"diverged": 1}


def test_near_its_minimum_a_valley_is_a_quadratic():
    method = Nesterov(learning_rate=0.001, momentum=0.9)
    trial = try_out(method, Rosenbrock(), steps=4000)
    assert trial.measured.rate == pytest.approx(trial.predicted, abs=1e-5)
    assert any("curvatures at the solution" in note for note in trial.notes)


def test_open_directions_do_not_count():
    rng = np.random.default_rng(0)
    problem = LeastSquares(rng.standard_normal((4, 6)), rng.standard_normal(4))
    trial = try_out(named_method("heavy-ball", {}, problem), problem, steps=300)
    assert trial.predicted < 1
    assert abs(trial.measured.rate - trial.predicted) <= 2 * trial.measured.uncertainty
    assert any("2 of 6 curvatures are zero" in note for note in trial.notes)


def test_games_have_complex_curvatures():
    trial = try_out(Extragradient(learning_rate=0.5), BilinearGame(1.0), steps=200)
    assert trial.predicted == pytest.approx(abs(1 - 0.5j + (0.5j) ** 2) ** 0.5)
    assert trial.measured.rate == pytest.approx(trial.predicted, abs=1e-3)


def test_what_has_no_prediction_still_runs():
    method = Chebyshev(smallest_curvature=1.0, largest_curvature=10.0)
    trial = try_out(method, WELL, steps=20, delay=FixedDelay(staleness=1))
    assert trial.predicted is None
    assert any(note.startswith("no prediction: ") for note in trial.notes)
    assert "predicted" not in str(trial).split("rate  ")[1].split("\n")[0]


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("replicas", [1, 3])
def test_shortest_runs(steps, replicas):
    trial = try_out(
        GradientDescent(learning_rate=0.1), WELL, steps=steps, replicas=replicas, seed=1
    )
    assert (trial.measured is None) == (steps == 0)
    assert sum(trial.outcome.values()) == replicas
    json.dumps(trial.to_dict(), allow_nan=False)
    assert f"after {steps} step" in str(trial)


def test_to_dict_is_json_and_plots():
    trial = try_out(HeavyBall(learning_rate=0.1, momentum=0.5), WELL, steps=50)
    entry = json.loads(json.dumps(trial.to_dict(), allow_nan=False))
    assert entry["measured"]["rate"] == trial.measured.rate
    assert entry["outcome"] == trial.outcome
    assert "run" not in entry
    plot(trial.run)
