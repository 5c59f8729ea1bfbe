"""Reading rates off paths whose rate is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_dynamics.simulation.rates import measure_rate, slope


@given(rate=st.floats(0.2, 1.5), steps=st.integers(20, 200), scale=st.floats(1e-3, 1e3))
def test_exact_geometric_path(rate, steps, scale):
    found = measure_rate(scale * rate ** np.arange(steps + 1.0))
    assert found.rate == pytest.approx(rate, rel=1e-9)
    assert found.uncertainty < 1e-9
    assert (found.first, found.last) == (steps // 2, steps)


@pytest.mark.parametrize("rate", [0.3, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("turns", [0.07, 0.31, 0.4999])
def test_oscillation_does_not_matter(rate, turns):
    steps = int(30 / -np.log(rate)) + 1
    times = np.arange(steps + 1.0)
    path = rate**times * np.abs(np.cos(2 * np.pi * turns * times + 0.3))
    found = measure_rate(path)
    assert abs(found.rate - rate) <= max(0.1 * (1 - rate), found.uncertainty)


@pytest.mark.parametrize("rate", [0.3, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
def test_double_root_is_covered_by_the_uncertainty(rate, weight):
    steps = int(30 / -np.log(rate)) + 1
    times = np.arange(steps + 1.0)
    found = measure_rate((1 + weight * (1 - rate) * times) * rate**times)
    assert rate < found.rate <= rate + found.uncertainty
    assert found.uncertainty < 0.3 * (1 - rate)


def test_a_fast_transient_is_over_in_the_second_half():
    times = np.arange(201.0)
    found = measure_rate(1000 * 0.5**times + 0.9**times)
    assert found.rate == pytest.approx(0.9, abs=1e-12)


def test_a_slow_mode_that_has_not_come_up_yet_is_not_seen_but_suspected():
    times = np.arange(201.0)
    found = measure_rate(0.9**times + 1e-7 * 0.99**times)
    assert 0.9 < found.rate < 0.97
    assert abs(found.rate - 0.99) <= found.uncertainty


def test_nothing_is_read_below_the_floor():
    times = np.arange(400.0)
    path = np.maximum(0.8**times, 1e-13)
    found = measure_rate(path, floor=3e-13)
    assert found.rate == pytest.approx(0.8, rel=1e-12)
    assert path[found.last] > 3e-13 >= path[found.last + 1]
    assert measure_rate(path).rate > 0.99, "without a floor the plateau is read as a rate of one"


def test_solved_in_one_step():
    found = measure_rate(np.array([2.0, 0.0, 0.0]), floor=1e-12)
    assert (found.rate, found.uncertainty, found.first, found.last) == (0.0, 5e-13, 0, 1)


def test_short_paths_are_read_whole_and_not_trusted():
    found = measure_rate(np.array([1.0, 0.5, 0.3]))
    assert (found.first, found.last) == (0, 2)
    assert found.rate == pytest.approx(0.3**0.5)
    assert found.uncertainty > 0.2


@pytest.mark.parametrize("path", [[1.0], [], [0.0, 0.0], [1.0, np.inf], [1.0, np.nan]])
def test_nothing_to_read(path):
    assert measure_rate(np.array(path)) is None


def test_a_start_at_the_floor_is_not_read():
    assert measure_rate(np.array([1.0, 0.5, 0.25]), floor=1.0) is None


def test_slope_reads_any_window_of_another_path():
    times = np.arange(100.0)
    steepness, _ = slope(0.7**times, 20, 60)
    assert np.exp(steepness) == pytest.approx(0.7)


def test_slope_of_a_path_that_ends_at_zero():
    assert slope(np.array([1.0, 0.5, 0.0]), 0, 2) == (-np.inf, 1.0)
