"""The equivariant tuner: units, secants, and what it leaves alone."""

import copy
import json
import pickle

import numpy as np
import pytest

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.tuning.equivariant import EquivariantState, EquivariantYellowFin
from momentum_dynamics.tuning.optimizer import Optimizer
from momentum_dynamics.tuning.rule import single_step
from momentum_dynamics.tuning.rules import exact_single_step, queue_single_step

CURVATURES = np.geomspace(0.1, 1.0, 6)


def run(tuner, *, loss=1.0, unit=1.0, steps=150, noise=0.1, product=False, seed=3):
    """A path on a noisy quadratic, the loss and the parameters in other units."""
    rng = np.random.default_rng(seed)
    point = unit * np.ones(len(CURVATURES))
    state, told = tuner.init(point), []
    for _ in range(steps):
        pull = CURVATURES * point / unit + noise * rng.standard_normal(len(point))
        gradient = loss * pull / unit
        extra = {"product": loss * CURVATURES * gradient / unit**2} if product else {}
        state, point, info = tuner.update(state, gradient, point, **extra)
        told.append(info)
    return point / unit, told


@pytest.mark.parametrize("product", [True, False])
@pytest.mark.parametrize("distance_from", ["norm", "mean"])
def test_units_come_out_right(product, distance_from):
    tuner = EquivariantYellowFin(smoothing=0.99, distance_from=distance_from)
    point, told = run(tuner, product=product)
    for loss, unit in ((1024.0, 1.0), (1e-3, 1.0), (1.0, 30.0), (7.0, 0.01)):
        again, others = run(tuner, loss=loss, unit=unit, product=product)
        np.testing.assert_allclose(again, point, rtol=1e-6)
        for one, other in zip(told, others, strict=True):
            assert other["learning_rate"] * loss / unit**2 == pytest.approx(
                one["learning_rate"], rel=1e-6
            )
            assert other["momentum"] == pytest.approx(one["momentum"], rel=1e-6)
            assert other["h_max"] * unit**2 / loss == pytest.approx(one["h_max"], rel=1e-6)
            assert other["distance"] / unit == pytest.approx(one["distance"], rel=1e-6)


def test_what_a_step_used_is_the_rule_on_what_it_read():
    tuner = EquivariantYellowFin(slow_start=False, learning_rate_factor=0.5)
    _, told = run(tuner)
    for info in told[1:]:
        given = {name: info[name] for name in ("h_min", "h_max", "variance", "distance")}
        step = single_step(**given)
        assert info["learning_rate"] == pytest.approx(step.learning_rate / 2)
        assert info["momentum"] == pytest.approx(step.momentum)


@pytest.mark.parametrize("distance_from", ["norm", "mean"])
def test_what_is_read_is_what_the_page_says(distance_from):
    """Curvatures, variance and distance against plain averages with their weights."""
    tuner = EquivariantYellowFin(smoothing=0.9, window=4, distance_from=distance_from)
    gradients = np.random.default_rng(3).standard_normal((25, 6)) + 0.5
    state, point = tuner.init(np.zeros(6)), np.zeros(6)
    for gradient in gradients:
        state, point, info = tuner.update(state, gradient, point, product=CURVATURES * gradient)

    def average(values):
        weights = 0.9 ** np.arange(len(values))[::-1]
        return np.tensordot(weights / weights.sum(), np.asarray(values), axes=1)

    squares = (gradients**2).sum(axis=1)
    bends = (CURVATURES * gradients**2).sum(axis=1) / squares
    most = [np.log(bends[max(k - 3, 0) : k + 1].max()) for k in range(25)]
    least = [np.log(bends[max(k - 3, 0) : k + 1].min()) for k in range(25)]
    pulls = {
        "norm": [average(np.sqrt(squares[: k + 1])) for k in range(25)],
        "mean": [np.linalg.norm(average(gradients[: k + 1])) for k in range(25)],
    }[distance_from]
    distances = [pull / average(bends[: k + 1]) for k, pull in enumerate(pulls)]
    assert info["h_max"] == pytest.approx(np.exp(average(most)))
    assert info["h_min"] == pytest.approx(np.exp(average(least)))
    assert info["distance"] == pytest.approx(average(distances))
    assert info["variance"] == pytest.approx(average(squares) - (average(gradients) ** 2).sum())


@pytest.mark.parametrize("secant", ["instrumented", "plain"])
def test_secants_are_ratios_of_averages(secant):
    tuner = EquivariantYellowFin(secant=secant, secant_smoothing=0.7)
    rng = np.random.default_rng(0)
    points, gradients, above, below = [np.ones(6)], [], 0.0, 0.0
    state = tuner.init(points[0])
    for step in range(12):
        gradients.append(CURVATURES * points[-1] + 0.05 * rng.standard_normal(6))
        state, point, _ = tuner.update(state, gradients[-1], points[-1])
        if step:
            moved = points[-1] - points[-2]
            earlier = points[-2] - points[-3] if step > 1 else moved
            along = moved if secant == "plain" else earlier
            above = 0.7 * above + 0.3 * along @ (gradients[-1] - gradients[-2])
            below = 0.7 * below + 0.3 * along @ moved
            if above / below > 0:
                assert state.window[-1] == pytest.approx(above / below, rel=1e-8)
        points.append(point)
    assert len(state.window) > 5


def test_slow_start_is_a_factor():
    settings = {"product": True, "steps": 5}
    slow = run(EquivariantYellowFin(), **settings)[1]
    fast = run(EquivariantYellowFin(slow_start=False), **settings)[1]
    assert slow[0]["learning_rate"] / fast[0]["learning_rate"] == pytest.approx(1 / 200)
    first = run(EquivariantYellowFin(window=4), **settings)[1][0]
    assert first["learning_rate"] / fast[0]["learning_rate"] == pytest.approx(1 / 40)


@pytest.mark.parametrize(("start", "length"), [(np.zeros(4), 1e-3), (np.ones(4), 2e-3)])
def test_the_first_move_has_a_length_of_its_own(start, length):
    tuner = EquivariantYellowFin()
    _, moved, _ = tuner.update(tuner.init(start), np.full(4, 7.0), start)
    assert np.linalg.norm(moved - start) == pytest.approx(length)


@pytest.mark.parametrize("way", ["json", "pickle", "copy"])
def test_a_restored_run_goes_on_bit_for_bit(way):
    tuner = EquivariantYellowFin(smoothing=0.9, window=5)
    rng = np.random.default_rng(0)
    points, pulls = [np.ones(6), np.ones((2, 3))], rng.standard_normal((40, 6))

    def go(state, points, pulls):
        for pull in pulls:
            gradients = [CURVATURES * points[0] + pull, points[1] + pull.reshape(2, 3)]
            state, points, info = tuner.update(state, gradients, points)
        return points, info

    state = tuner.init(points)
    for pull in pulls[:20]:
        state, points, _ = tuner.update(state, [pull, pull.reshape(2, 3)], points)
    if way == "json":
        told = json.loads(json.dumps(state.to_dict(), default=np.ndarray.tolist))
        restored = EquivariantState.from_dict(told)
    else:
        restored = pickle.loads(pickle.dumps(state)) if way == "pickle" else copy.deepcopy(state)
    (one, info), (two, other) = go(state, points, pulls[20:]), go(restored, points, pulls[20:])
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert info == other


def test_a_stored_state_with_a_gap_is_refused():
    stored = EquivariantYellowFin().init(np.ones(2)).to_dict()
    del stored["sums"]
    with pytest.raises(DomainError, match="has no sums"):
        EquivariantState.from_dict(stored)


def test_other_rules_can_be_fed():
    for settings, rule in (
        ({"horizon": 20}, exact_single_step),
        ({"horizon": 200, "workers": 8}, queue_single_step),
    ):
        tuner = EquivariantYellowFin(slow_start=False, **settings)
        _, told = run(tuner, product=True, steps=40)
        for info in told[1:]:
            given = {name: info[name] for name in ("h_min", "h_max", "variance", "distance")}
            step = rule(**given, **settings)
            assert info["learning_rate"] == pytest.approx(step.learning_rate)
            assert info["momentum"] == pytest.approx(step.momentum)
    with pytest.raises(DomainError, match="give update the product"):
        run(tuner)


def test_products_read_curvatures_of_the_hessian():
    _, told = run(EquivariantYellowFin(), product=True)
    assert all(0.1 <= info["h_min"] <= info["h_max"] <= 1.0 for info in told)


def test_without_noise_both_secants_read_curvatures():
    for secant in ("instrumented", "plain"):
        _, told = run(EquivariantYellowFin(secant=secant), noise=0.0, steps=40)
        assert all(0.09 <= info["h_min"] <= info["h_max"] <= 1.01 for info in told[1:])


def test_with_noise_the_plain_secant_runs_away_and_the_instrumented_one_does_not():
    ends = {}
    for secant in ("instrumented", "plain"):
        tuner = EquivariantYellowFin(smoothing=0.99, secant=secant)
        _, told = run(tuner, steps=800)
        ends[secant] = told[-1]
    assert ends["plain"]["h_min"] > 100
    assert ends["plain"]["learning_rate"] < 5e-3
    assert 0.03 < ends["instrumented"]["h_min"] < 1.0


def test_it_is_an_optimizer_and_changes_nothing_that_it_was_given():
    tuner = EquivariantYellowFin()
    assert isinstance(tuner, Optimizer)
    point, gradient = [np.ones(3), np.ones((2, 2))], [np.ones(3), np.ones((2, 2))]
    state = tuner.init(point)
    for _ in range(3):
        state, moved, _ = tuner.update(state, gradient, point)
        assert isinstance(moved, list)
        assert all((a == 1).all() for a in (*point, *gradient))
        gradient[0][:] = 1.0
    first = tuner.update(state, gradient, point)[1]
    gradient[0] *= 5  # the caller's array is the caller's
    again = tuner.update(state, [np.ones(3), gradient[1]], point)[1]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_product_that_is_not_finite_is_passed_over(wrong):
    tuner, point = EquivariantYellowFin(), np.ones(3)
    state = tuner.update(tuner.init(point), np.ones(3), point, product=2 * np.ones(3))[0]
    after, moved, info = tuner.update(state, np.ones(3), point, product=np.full(3, wrong))
    assert after.window == state.window == (2.0,)
    assert np.isfinite(moved).all()
    assert info["h_max"] == pytest.approx(2)


def test_nothing_moves_on_gradients_that_are_zero():
    tuner, point = EquivariantYellowFin(), np.zeros(4)
    state = tuner.init(point)
    for _ in range(30):
        state, point, info = tuner.update(state, np.zeros(4), point)
        assert np.isfinite(list(info.values())).all()
        assert 0 <= info["momentum"] < 1
    assert (point == 0).all()


def test_refusals():
    tuner = EquivariantYellowFin()
    state = tuner.init(np.ones(2))
    with pytest.raises(DomainError, match="gradient of step 0"):
        tuner.update(state, np.array([1.0, np.nan]), np.ones(2))
    with pytest.raises(ShapeError, match="gradient has shapes"):
        tuner.update(state, np.ones(3), np.ones(2))
    for setting, words in (
        ({"secant": "straight"}, "instrumented, plain"),
        ({"distance_from": "afar"}, "norm, mean"),
        ({"smoothing": 1.0}, r"\[0, 1\)"),
        ({"initial_move": 0.0}, r"\(0, ∞\)"),
        ({"window": 0}, "whole number"),
        ({"window": np.inf}, "whole number"),
        ({"smoothing": "long"}, "smoothing is 'long'"),
        ({"slow_start": "no"}, "True or False"),
        ({"horizon": 0.5}, r"\[1, ∞\)"),
        ({"workers": 4}, "no horizon"),
    ):
        with pytest.raises(DomainError, match=words):
            EquivariantYellowFin(**setting)
