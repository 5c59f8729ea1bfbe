"""Every delay, found by inspection: probabilities, generating function, filter, sampler agree."""

import dataclasses
import inspect

import numpy as np
import pytest
import sympy
from scipy import stats

from momentum_dynamics import DomainError, NotTraceableError, delays, symbol

EXAMPLES = {
    "NoDelay": [{}],
    "FixedDelay": [{"staleness": 0}, {"staleness": 1}, {"staleness": 4}],
    "GeometricDelay": [{"workers": 1}, {"workers": 2.5}, {"workers": 8}],
}
CLASSES = [
    cls
    for name in delays.__all__
    if inspect.isclass(cls := getattr(delays, name))
    and hasattr(cls, "generating_function")
    and cls is not delays.Delay
]
CASES = [cls(**settings) for cls in CLASSES for settings in EXAMPLES.get(cls.__name__, [])]

every_case = pytest.mark.parametrize("delay", CASES, ids=str)


def test_every_delay_has_examples():
    assert {cls.__name__ for cls in CLASSES} == set(EXAMPLES)


@every_case
def test_probabilities_sum_to_one(delay):
    chances = delay.probabilities(400)
    assert chances.shape == (400,)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(delay.probabilities(7), chances[:7])
    assert delay.generating_function(1.0) == pytest.approx(1)


@every_case
def test_probabilities_are_the_series_of_the_generating_function(delay):
    """By Cauchy's formula on a circle where both are small."""
    count, radius = 64, 0.7
    circle = radius * np.exp(2j * np.pi * np.arange(count) / count)
    values = delay.generating_function(circle) * np.ones(count)
    series = (np.fft.fft(values) / count).real / radius ** np.arange(count)
    np.testing.assert_allclose(series[:16], delay.probabilities(16), atol=1e-7)


@every_case
def test_mean_by_probabilities_and_by_the_derivative(delay):
    assert delay.probabilities(600) @ np.arange(600) == pytest.approx(delay.mean, abs=1e-12)
    w = sympy.Symbol("w")
    slope = sympy.diff(sympy.sympify(delay.generating_function(w)), w).subs(w, 1)
    assert float(slope) == pytest.approx(float(delay.mean), abs=1e-9)


@every_case
def test_rational_filter_is_the_generating_function_at_one_over_z(delay):
    above, below = delay.rational()
    assert below[0] == 1
    assert len(above) <= len(below)
    for z in (1.3, -2.0, 0.4 + 1.5j):
        value = np.polyval(above, z) / np.polyval(below, z)
        assert value == pytest.approx(delay.generating_function(1 / z), rel=1e-12)


@every_case
def test_sampler_follows_the_probabilities(delay):
    """A χ² test over the catalogue's fixed seeds, at one false alarm in a million."""
    size = 20_000
    drawn = delay.sample(np.random.default_rng(20240501), (size // 4, 4))
    assert drawn.shape == (size // 4, 4)
    assert np.issubdtype(drawn.dtype, np.integer)
    chances = delay.probabilities(500)
    likely = np.flatnonzero(chances * size >= 10)
    observed = np.bincount(drawn.ravel(), minlength=500)
    assert observed[chances == 0].sum() == 0
    pooled = np.append(observed[likely], size - observed[likely].sum())
    expected = np.append(chances[likely], max(0.0, 1 - chances[likely].sum())) * size
    kept = expected > 1e-6
    assert pooled[~kept].sum() == 0
    if kept.sum() > 1:
        squares = ((pooled - expected) ** 2 / np.where(kept, expected, 1))[kept].sum()
        assert stats.chi2.sf(squares, kept.sum() - 1) > 1e-6


@every_case
def test_sampler_is_reproducible(delay):
    first, second = (delay.sample(np.random.default_rng(3), 50) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_symbolic_geometric_delay():
    delay, z = delays.GeometricDelay(workers=symbol("workers")), sympy.Symbol("z")
    above, below = delay.rational()
    filter_ = sympy.Poly(above, z).as_expr() / sympy.Poly(below, z).as_expr()
    assert sympy.simplify(filter_ - delay.generating_function(1 / z)) == 0
    assert (
        sympy.series(delay.generating_function(z), z, 0, 3)
        .coeff(z, 1)
        .equals((1 / symbol("workers")) * (1 - 1 / symbol("workers")))
    )
    assert delay.mean == symbol("workers") - 1


def test_symbolic_staleness_has_a_generating_function_but_no_polynomial():
    delay = delays.FixedDelay(staleness=symbol("staleness"))
    assert delay.generating_function(sympy.Symbol("w")) == sympy.Symbol("w") ** symbol("staleness")
    with pytest.raises(NotTraceableError, match=r"no polynomial of known degree; .*loop_equation"):
        delay.rational()
    assert delays.FixedDelay(staleness=sympy.Integer(2)).rational() == ((1,), (1, 0, 0))


def test_geometric_delay_takes_batches():
    workers = np.array([1.0, 2.0, 5.0])
    delay = delays.GeometricDelay(workers=workers)
    chances = delay.probabilities(300)
    assert chances.shape == (3, 300)
    np.testing.assert_allclose(chances.sum(axis=-1), 1)
    for row, number in zip(chances, workers, strict=True):
        np.testing.assert_allclose(row, delays.GeometricDelay(workers=number).probabilities(300))


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (delays.FixedDelay, {"staleness": -1}, "must be a whole number in"),
        (delays.FixedDelay, {"staleness": 1.5}, "must be a whole number in"),
        (delays.FixedDelay, {"staleness": np.inf}, "must be a whole number in"),
        (delays.FixedDelay, {"staleness": np.array([1, 2])}, "must be one whole number"),
        (delays.FixedDelay, {"staleness": "late"}, "must be a real number"),
        (delays.FixedDelay, {"staleness": sympy.Rational(1, 2)}, "must be one whole number"),
        (delays.GeometricDelay, {"workers": 0.5}, "must lie in"),
        (delays.GeometricDelay, {"workers": np.array([2.0, 0.0])}, "an array from 0.0 to 2.0"),
        (delays.GeometricDelay, {"workers": np.nan}, "must be a real number"),
    ],
)
def test_what_is_no_delay_is_refused(cls, settings, message):
    with pytest.raises(DomainError, match=message):
        cls(**settings)


def test_delays_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        delays.FixedDelay(staleness=1).staleness = 2
