"""Figures of continuous time and after Goh: what they show against independent numbers."""

import numpy as np
import pytest
from scipy.special import jv

from momentum_dynamics import DomainError, ShapeError
from momentum_dynamics.figures import figure


def test_portraits_shrink_areas_by_the_momentum():
    data = figure("phase-portraits").data(steps=10)
    paths = data.paths[:, 1:-1]  # between momentum 1 and 0
    corners = np.stack([paths[:, :, 1], paths[:, :, 2]], axis=-1)  # steps, coordinates, starts
    area = np.linalg.det(corners)
    ratio = area[..., 1:] / area[..., :-1]
    # Position and displacement are one more linear map of position and predecessor.
    expected = np.broadcast_to(data.momentum[1:-1, None], ratio.shape[1:])
    np.testing.assert_allclose(ratio, np.broadcast_to(expected, ratio.shape), rtol=1e-6)


@pytest.mark.slow
def test_the_high_resolution_equation_is_closer_everywhere():
    data = figure("orbits-and-equations").data(points=41)
    assert (data.high_gap < data.low_gap / 2).all()
    assert (data.low_gap[:, 0] < data.low_gap[:, 1]).all()
    np.testing.assert_allclose(data.low[0, 0, 0], 1)


@pytest.mark.slow
def test_the_accelerated_equation_is_bessels_and_obeys_its_bound():
    data = figure("accelerated-equation").data(points=61)
    time = data.time[1:]
    np.testing.assert_allclose(data.bessel[1:], 2 * jv(1, time) / time, atol=1e-12)
    _, less, three, _ = data.quotient
    assert three.max() <= 1 < less.max()
    assert data.gap[1] < data.gap[0] / 3


def test_the_banana_ends_where_momentum_leads():
    data = figure("banana").data(points=11)
    assert data.path.shape == (2, 151, 2)
    assert data.end[1] < 0.1
    assert data.end[0] > 1


def test_the_three_modes_have_the_published_rates():
    data = figure("loss-by-mode").data()
    assert data.rates == pytest.approx([99 / 101, 9 / 11], abs=1e-7)
    assert data.loss[:, :, 0] == pytest.approx(0.5)
    late = np.log(data.loss[0, [0, 2], 100] / data.loss[0, [0, 2], 50]) / 100
    assert np.exp(late) == pytest.approx(99 / 101)


def test_eigenfeatures_are_the_singular_vectors():
    data = figure("polynomial-regression").data(points=3)
    design = data.samples[:, None] ** np.arange(9)
    singular = np.linalg.svd(design, compute_uv=False)
    np.testing.assert_allclose(data.curvature, singular**2 / len(data.samples), rtol=1e-6)
    assert (np.diff(data.fitted, axis=1) <= 1e-9).all()  # stiff features first
    assert (np.diff(data.fitted, axis=0) >= -1e-12).all()
    best = np.polynomial.Polynomial.fit(data.samples, data.target, 8)
    np.testing.assert_allclose(data.best, best(data.place), atol=1e-6)


def test_graphs_have_their_known_condition_numbers():
    data = figure("graph-conditioning").data(sides=(4, 8))
    path, grid, expander = data.condition
    ends = [[2 - 2 * np.cos(np.pi * k / n) for k in (n - 1, 1)] for n in (16, 64)]
    np.testing.assert_allclose(path, np.divide(*np.transpose(ends)))
    ends = [[2 - 2 * np.cos(np.pi * k / n) for k in (n - 1, 1)] for n in (4, 8)]
    np.testing.assert_allclose(grid, 2 * np.divide(*np.transpose(ends)))
    assert (expander < 16 / (8 - 5 * np.sqrt(2))).all()
    known = np.isfinite(data.measured)
    assert (data.measured[known] < 2 * data.predicted[known]).all()
    assert (data.measured[known] > 0.9 * data.predicted[known]).all()


@pytest.mark.parametrize(
    ("slug", "settings", "said"),
    [
        ("phase-portraits", {"momentum": (0.5,)}, "4 rows of step and 7 of momentum"),
        ("orbits-and-equations", {"step": (0.1,)}, "two columns"),
        ("orbits-and-equations", {"step": (0.1, -0.1)}, "must be above 0"),
        ("accelerated-equation", {"step": (0.0, 0.1)}, "must be above 0"),
    ],
)
def test_settings_that_cannot_be_drawn_are_refused(slug, settings, said):
    with pytest.raises((DomainError, ShapeError), match=said):
        figure(slug).data(**settings)
