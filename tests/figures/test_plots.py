"""`plot` draws every kind of result, and says so where it cannot."""

import warnings

import numpy as np
import pytest

from momentum_dynamics import (
    GradientDescent,
    HeavyBall,
    NotTraceableError,
    Quadratic,
    analyze,
    plot,
    second_moments,
    simulate,
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


def test_an_analysis_is_drawn_method_by_method():
    found = analyze(Quadratic([1.0, 4.0, 9.0]), name="three springs")
    ax = drawn(plot(found))
    assert [text.get_text() for text in ax.get_yticklabels()] == [row.name for row in found.rows]
    assert ax.get_title(loc="left").startswith("three springs: condition number 9")


def test_an_analysis_without_measurements_is_drawn():
    drawn(plot(analyze(Quadratic([2.0, 2.0]))))


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
