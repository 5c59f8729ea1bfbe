"""`plot` draws every kind of result, and says so where it cannot."""

import warnings

import numpy as np
import pytest

from momentum_dynamics import (
    Deterministic,
    Exponential,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    NotTraceableError,
    Quadratic,
    analyze,
    exit_from_saddle,
    exit_time,
    plot,
    queue_moments,
    ridge_path,
    risk_path,
    second_moments,
    simulate,
    simulate_closed_loop,
    simulate_queue,
    simulate_stale,
)

BALL = HeavyBall(learning_rate=0.2, momentum=0.5)
PROBLEM = Quadratic([1.0, 4.0])


def drawn(ax):
    """The axes after being drawn for real, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax.figure.canvas.draw()
    return ax


def test_a_trajectory_is_drawn_as_its_distance():
    run = simulate(BALL, PROBLEM, steps=20)
    ax = drawn(plot(run))
    assert ax.get_yscale() == "log"
    assert ax.lines[0].get_ydata() == pytest.approx(run.distance)


def test_a_run_into_infinity_is_drawn_as_far_as_there_are_numbers():
    run = simulate(GradientDescent(learning_rate=1e3), PROBLEM, steps=200)
    assert not np.isfinite(run.distance).all()
    shown = drawn(plot(run)).lines[0].get_ydata()
    assert np.isfinite(shown[:40]).all()
    assert np.isnan(shown[-1])


def test_a_run_that_arrives_at_once_is_drawn():
    drawn(plot(simulate(GradientDescent(learning_rate=1.0), Quadratic([1.0]), steps=5)))


def test_of_many_runs_the_first_are_drawn_and_counted():
    run = simulate(BALL, PROBLEM, steps=10, replicas=30, noise_variance=0.1, seed=1)
    ax = drawn(plot(run))
    assert len(ax.lines) == 8
    assert ax.get_title(loc="left") == "the first 8 of 30 runs"


def test_streamed_moments_are_drawn_with_their_spread():
    run = simulate(
        BALL,
        PROBLEM,
        steps=10,
        replicas=300,
        noise_variance=0.1,
        seed=1,
        record="moments",
        engine="numpy",
    )
    ax = drawn(plot(run))
    assert len(ax.lines) == len(ax.collections) == 2
    assert ax.get_xlabel() == "step $t$"


def test_exact_moments_are_drawn_with_their_spread():
    moments = second_moments(BALL, [1.0, 4.0], 0.1, steps=10)
    ax = drawn(plot(moments))
    assert ax.lines[1].get_ydata() == pytest.approx(moments.mean[:, 1])


def test_moments_of_a_queue_are_drawn_by_their_path():
    moments = queue_moments(GradientDescent(learning_rate=0.2), 1.0, workers=4).path(30)
    assert drawn(plot(moments)).lines[0].get_ydata() == pytest.approx(moments.mean)


def test_a_queue_is_drawn_as_its_staleness_over_the_geometric_law():
    run = simulate_queue(
        BALL, PROBLEM, workers=4, service=Exponential(), updates=2_000, seed=1, record="last"
    )
    ax = drawn(plot(run))
    heights = np.array([bar.get_height() for bar in ax.patches])
    assert heights == pytest.approx(run.histogram[: len(heights)] / 2_000)
    assert 0.995 < heights.sum() <= 1
    law = ax.lines[0].get_ydata()
    assert law[1:] / law[:-1] == pytest.approx(1 - 1 / (1 + run.mean_staleness))
    assert ax.get_title(loc="left").startswith("mean staleness 2.9")


def test_bars_of_many_workers_hold_several_stalenesses():
    run = simulate_queue(
        BALL, PROBLEM, workers=500, service=Exponential(), updates=9_000, seed=1, record="last"
    )
    bars = drawn(plot(run)).patches
    assert 80 < len(bars) <= 160
    width = bars[0].get_width() / 0.9
    seen = sum(bar.get_height() for bar in bars) * width
    assert 0.995 < seen <= 1 + 1e-12
    first = run.histogram[: round(width)].mean() / 9_000
    assert bars[0].get_height() == pytest.approx(first)


@pytest.mark.parametrize("updates", [0, 1, 40])
def test_a_queue_of_equal_times_is_drawn_without_a_tail(updates):
    run = simulate_queue(BALL, PROBLEM, workers=3, service=Deterministic(), updates=updates)
    assert len(drawn(plot(run)).patches) == len(run.histogram)


def test_a_stale_run_is_drawn_as_its_staleness():
    run = simulate_stale(BALL, PROBLEM, GeometricDelay(workers=2), steps=200, seed=1)
    assert drawn(plot(run)).patches[0].get_height() == pytest.approx(run.histogram[0] / 200)


def test_a_closed_loop_is_drawn_with_its_target():
    run = simulate_closed_loop(
        0.2, Quadratic([1.0]), learning_rate=0.02, workers=8, service=Deterministic(), updates=300
    )
    read, kept, wanted = drawn(plot(run)).lines[:3]
    assert read.get_ydata()[-1] == pytest.approx(run.reading[-1])
    assert kept.get_ydata() == pytest.approx(run.momentum)
    assert set(wanted.get_ydata()) == {0.2}


def test_a_closed_loop_that_runs_away_is_drawn():
    run = simulate_closed_loop(
        0.9, Quadratic([1.0, 2.0]), learning_rate=1.5, workers=8, service=Exponential(), gain=0.1,
        updates=300, seed=1, replicas=3,
    )  # fmt: skip
    assert drawn(plot(run)).get_title(loc="left") == "the first of 3 runs"


def test_an_analysis_is_drawn_method_by_method():
    found = analyze(Quadratic([1.0, 4.0, 9.0]), name="three springs")
    ax = drawn(plot(found))
    assert [text.get_text() for text in ax.get_yticklabels()] == [row.name for row in found.rows]
    assert ax.get_title(loc="left").startswith("three springs: condition number 9")


def test_an_analysis_without_measurements_is_drawn():
    drawn(plot(analyze(Quadratic([2.0, 2.0]))))


def test_an_exit_time_is_drawn_setting_by_setting():
    balls = HeavyBall(learning_rate=0.05, momentum=[0.0, 0.9])
    away = exit_time(balls, -1.0, noise_variance=1e-6, distance=1.0)
    lines = drawn(plot(away)).lines
    assert len(lines) == 2
    assert lines[0].get_ydata().sum() == pytest.approx(1, abs=1e-2)
    many = HeavyBall(learning_rate=0.05, momentum=np.linspace(0, 0.9, 12))
    ax = drawn(plot(exit_time(many, -1.0, noise_variance=1e-6, distance=1.0)))
    assert ax.get_title(loc="left") == "the first 8 of 12 settings"


def test_a_joint_exit_is_drawn():
    found = exit_from_saddle(BALL, [-1.0, -0.9, 2.0], noise_variance=1e-4, distance=1.0)
    inside, share = drawn(plot(found)).lines[:2]
    assert inside.get_ydata()[0] == 1
    assert share.get_ydata()[-1] < 1


def test_axes_of_ones_own_are_used():
    from matplotlib.figure import Figure

    own = Figure().subplots()
    assert plot(simulate(BALL, PROBLEM, steps=5), own) is own


def test_what_has_no_picture_is_refused_by_name():
    with pytest.raises(NotTraceableError, match=r"no picture of a dict; plot draws Trajectory"):
        plot({})


def test_plotting_changes_no_settings():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plot(simulate(BALL, PROBLEM, steps=5))
    assert dict(mpl.rcParams) == before


def test_a_risk_is_drawn_with_its_parts():
    X, truth = np.eye(3)[:, :2] * 2, np.array([1.0, 2.0])
    balls = HeavyBall(learning_rate=0.2, momentum=np.array([0.0, 0.5]))
    path = risk_path(balls, X, truth, 1.0, 9)
    lines = drawn(plot(path)).lines
    assert len(lines) == 6
    assert lines[0].get_ydata() == pytest.approx(path.risk[:, 0])
    ridges = ridge_path(X, truth, 1.0, [0.1, 1.0, 10.0])
    assert drawn(plot(ridges)).lines[0].get_ydata() == pytest.approx(ridges.risk)
