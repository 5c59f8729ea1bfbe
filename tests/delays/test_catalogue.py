"""Every delay, found by inspection: probabilities, generating function, filter, sampler agree."""

import dataclasses
import inspect
from fractions import Fraction

import numpy as np
import pytest
import sympy
from scipy import stats

from momentum_dynamics import DomainError, NotTraceableError, delays, symbol
from momentum_dynamics.delays import (
    Deterministic,
    Empirical,
    Exponential,
    Gamma,
    Hyperexponential,
    LogNormal,
    ShiftedExponential,
    SlowestOf,
)

RATIONAL = {
    "NoDelay": [{}],
    "FixedDelay": [{"staleness": 0}, {"staleness": 1}, {"staleness": 4}],
    "GeometricDelay": [{"workers": 1}, {"workers": 2.5}, {"workers": 8}],
    "UniformDelay": [{"largest": 0}, {"largest": 3}, {"largest": 20}],
    "NegativeBinomialDelay": [
        {"mean": 3, "stages": 1},
        {"mean": 7, "stages": 4},
        {"mean": 0, "stages": 2},
    ],
    "MixtureDelay": [
        {"speeds": [3]},
        {"speeds": [2, 2, 2]},
        {"speeds": [1, 3, 3, 7.5]},
        {"speeds": np.array([0.5, 4.0])},
    ],
    "EmpiricalDelay": [
        {"probabilities": [1]},
        {"probabilities": [0.5, 0, 0.25, 0.25, 0]},
        {"probabilities": np.full(30, 1 / 30)},
    ],
    "ShiftedDelay": [
        {"delay": delays.GeometricDelay(workers=3), "by": 0},
        {"delay": delays.GeometricDelay(workers=2.5), "by": 1},
        {"delay": delays.UniformDelay(largest=4), "by": 3},
        {"delay": delays.ShiftedDelay(delay=delays.FixedDelay(staleness=2), by=1), "by": 2},
    ],
    "ServiceDelay": [
        {"service": Exponential(mean=3), "workers": 4},
        {"service": Deterministic(), "workers": 4},
        {"service": Gamma(shape=4), "workers": 1},
    ],
}
OTHERS = {
    "NegativeBinomialDelay": [{"mean": 4, "stages": 0.5}, {"mean": 2.5, "stages": 12.5}],
    "ServiceDelay": [
        {"service": Gamma(shape=4, mean=7), "workers": 4},
        {"service": Gamma(shape=0.5), "workers": 2},
        {"service": ShiftedExponential(shift=0.5), "workers": 6},
        {"service": Hyperexponential(variation=1.5), "workers": 3},
        {"service": LogNormal(variation=0.3), "workers": 18},
        {"service": SlowestOf(service=Exponential(), count=20), "workers": 5},
        {"service": Empirical(times=[0.7, 1.1, 1.9]), "workers": 3},
    ],
}
CLASSES = [
    cls
    for name in delays.__all__
    if inspect.isclass(cls := getattr(delays, name))
    and hasattr(cls, "generating_function")
    and cls is not delays.Delay
]


def _cases(examples):
    return [getattr(delays, name)(**own) for name, given in examples.items() for own in given]


def _every(cases):
    return pytest.mark.parametrize("delay", cases, ids=str)


FILTERS, FREE = _cases(RATIONAL), _cases(OTHERS)
every_case = _every(FILTERS + FREE)
every_filter = _every(FILTERS)


def test_every_delay_has_examples():
    assert {cls.__name__ for cls in CLASSES} == set(RATIONAL)


@every_case
def test_probabilities_sum_to_one(delay):
    chances = delay.probabilities(600)
    assert chances.shape == (600,)
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(delay.probabilities(7), chances[:7], rtol=1e-14)
    assert delay.probabilities(0).shape == (0,)
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
def test_generating_function_on_the_unit_circle(delay):
    circle = np.exp(1j * np.array([[0.01, 0.3], [2.0, -1.0]]))
    chances = delay.probabilities(600)
    expected = (circle[..., None] ** np.arange(600) * chances).sum(axis=-1)
    np.testing.assert_allclose(delay.generating_function(circle), expected, rtol=0, atol=1e-8)
    assert delay.generating_function(circle[1, 0]) == pytest.approx(expected[1, 0], abs=1e-8)


@every_case
def test_mean_by_probabilities_and_by_the_derivative(delay):
    assert delay.probabilities(600) @ np.arange(600) == pytest.approx(delay.mean, abs=1e-7)
    slope = np.imag(delay.generating_function(1 + 1e-5j)) / 1e-5
    assert slope == pytest.approx(float(delay.mean), abs=1e-5)


@every_filter
def test_mean_by_the_symbolic_derivative(delay):
    w = sympy.Symbol("w")
    slope = sympy.diff(sympy.sympify(delay.generating_function(w)), w).subs(w, 1)
    assert float(slope) == pytest.approx(float(delay.mean), abs=1e-9)


@every_case
def test_tail_is_the_smallest_staleness_beyond_which_little_is_left(delay):
    beyond = 1 - np.cumsum(delay.probabilities(600))
    for chance in (1.0, 0.6, 0.3, 1e-3, 1e-6):
        last = delay.tail(chance)
        assert beyond[last] <= chance + 1e-9
        assert last == 0 or beyond[last - 1] > chance - 1e-9


@every_case
def test_chances_outside_their_range_have_no_tail(delay):
    for chance in (-0.1, 1.5, np.nan, np.array([0.1, 0.2]), sympy.Symbol("c")):
        with pytest.raises(DomainError, match=r"chance is .*, but must lie in"):
            delay.tail(chance)


@_every([delay for delay in FILTERS + FREE if delay.mean > 0 and delay.tail(1e-9) > 50])
def test_unbounded_staleness_has_no_tail_of_no_chance(delay):
    with pytest.raises(DomainError, match="no largest value here"):
        delay.tail(0)


@_every([*_cases({"UniformDelay": [{"largest": 6}], "FixedDelay": [{"staleness": 6}]}),
         delays.EmpiricalDelay(probabilities=[0.5, 0, 0, 0, 0, 0, 0.5, 0])])  # fmt: skip
def test_bounded_staleness_has_a_largest_value(delay):
    assert delay.tail(0) == 6


@every_filter
def test_rational_filter_is_the_generating_function_at_one_over_z(delay):
    above, below = delay.rational()
    assert below[0] == 1
    assert len(above) <= len(below)
    rng = np.random.default_rng(5)
    far = rng.uniform(1.05, 3, 20) * np.exp(2j * np.pi * rng.random(20))
    for z in (1.3, -2.0, *far):
        value = np.polyval(above, z) / np.polyval(below, z)
        assert value == pytest.approx(delay.generating_function(1 / z), rel=1e-9)


@_every(FREE)
def test_what_is_no_filter_says_what_to_do(delay):
    with pytest.raises(NotTraceableError, match=r"not? rational.*; (give|cut it off)"):
        delay.rational()


EXACT = [
    delays.FixedDelay(staleness=3),
    delays.GeometricDelay(workers=Fraction(7, 2)),
    delays.UniformDelay(largest=Fraction(4)),
    delays.NegativeBinomialDelay(mean=Fraction(5, 3), stages=2),
    delays.MixtureDelay(speeds=[Fraction(1), Fraction(1), Fraction(5, 2)]),
    delays.EmpiricalDelay(probabilities=[Fraction(1, 3), 0, Fraction(2, 3)]),
    delays.ShiftedDelay(delay=delays.GeometricDelay(workers=Fraction(7, 2)), by=2),
]


@_every(EXACT)
def test_fractions_stay_exact(delay):
    """Filter, series by long division and generating function at rational points, with no gap."""
    above, below = delay.rational()
    above = [*[0] * (len(below) - len(above)), *above]
    series, rest = [], list(map(Fraction, above))
    for _ in range(40):
        lead = rest[0]
        series.append(lead)
        rest = [
            own - lead * pole for own, pole in zip([*rest[1:], 0], [*below[1:], 0], strict=True)
        ]
    np.testing.assert_allclose(np.array(series, dtype=float), delay.probabilities(40), rtol=1e-12)
    for w in (Fraction(1, 2), Fraction(-2, 3), Fraction(1)):
        value = delay.generating_function(w)
        assert isinstance(value, Fraction)
        top = sum(part / w**k for k, part in enumerate(reversed(above)))
        bottom = sum(part / w**k for k, part in enumerate(reversed(below)))
        assert value == top / bottom
    left = delay.generating_function(Fraction(1, 2)) - sum(p / 2**k for k, p in enumerate(series))
    assert 0 <= left <= Fraction(1, 2**40)


def test_service_delays_take_fractions_too():
    delay = delays.ServiceDelay(service=Gamma(shape=4), workers=3)
    value = delay.generating_function(Fraction(1, 2))
    assert value == pytest.approx(delay.generating_function(0.5), rel=1e-14)
    with pytest.raises(NotTraceableError, match="no closed generating function; give numbers"):
        delay.generating_function(sympy.Symbol("w"))


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


def test_symbolic_filters_are_their_generating_functions():
    z, (a, b) = sympy.Symbol("z"), sympy.symbols("a b", positive=True)
    for delay, mean in (
        (delays.NegativeBinomialDelay(mean=symbol("mean"), stages=3), symbol("mean")),
        (delays.MixtureDelay(speeds=[a, a, b]), 2),
        (delays.UniformDelay(largest=sympy.Integer(3)), sympy.Rational(3, 2)),
    ):
        above, below = (sympy.Poly.from_list(part, gens=z).as_expr() for part in delay.rational())
        w = sympy.Symbol("w")
        assert sympy.cancel(above / below - delay.generating_function(1 / z)) == 0
        assert sympy.cancel(sympy.diff(delay.generating_function(w), w).subs(w, 1) - mean) == 0
        assert sympy.simplify(delay.mean - mean) == 0


def test_symbolic_largest_staleness_and_stages_have_no_polynomial():
    uniform, w = delays.UniformDelay(largest=symbol("largest")), sympy.Symbol("w")
    own = uniform.generating_function(w)
    listed = delays.UniformDelay(largest=4).generating_function(w)
    assert sympy.simplify(own.subs(symbol("largest"), 4) - sympy.nsimplify(listed)) == 0
    with pytest.raises(NotTraceableError, match=r"no polynomial of known degree; .*loop_equation"):
        uniform.rational()
    staged = delays.NegativeBinomialDelay(mean=3, stages=symbol("stages"))
    with pytest.raises(NotTraceableError, match=r"n stages .*not rational; give a whole number"):
        staged.rational()


@pytest.mark.parametrize("workers", [1, 2, 5, 12])
def test_equal_speeds_one_stage_and_memoryless_services_are_geometric(workers):
    geometric = delays.GeometricDelay(workers=workers)
    for same in (
        delays.MixtureDelay(speeds=[0.3] * workers),
        delays.NegativeBinomialDelay(mean=workers - 1, stages=1),
        delays.ServiceDelay(service=Exponential(mean=3), workers=workers),
    ):
        np.testing.assert_allclose(same.probabilities(50), geometric.probabilities(50), rtol=1e-12)
        assert same.tail(1e-4) == geometric.tail(1e-4)
        assert same.generating_function(0.3j) == pytest.approx(geometric.generating_function(0.3j))
        for own, other in zip(same.rational(), geometric.rational(), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-12, atol=1e-15)


def test_a_measured_histogram_is_its_law():
    drawn = delays.UniformDelay(largest=3).sample(np.random.default_rng(8), (50, 4))
    delay = delays.EmpiricalDelay.from_staleness(drawn)
    assert delay.mean == pytest.approx(drawn.mean())
    np.testing.assert_allclose(delay.probabilities(4), np.bincount(drawn.ravel()) / 200)
    assert repr(delay).startswith("EmpiricalDelay(probabilities=[0.")
    assert repr(delays.EmpiricalDelay(probabilities=[0.1] * 10)).endswith("0.1, …])")
    nearly = delays.EmpiricalDelay(probabilities=[0.25, 0.75 + 5e-10])
    assert sum(nearly.chances) == pytest.approx(1, abs=1e-15)


def test_long_power_series_agree_with_horners_rule():
    chances = np.random.default_rng(2).dirichlet(np.ones(1000))
    delay = delays.EmpiricalDelay(probabilities=chances)
    w = np.exp(1j * np.linspace(0.1, 3, 7)) * 0.999
    np.testing.assert_allclose(delay.generating_function(w), np.polyval(chances[::-1], w))


def test_a_shift_is_a_pipe_of_fixed_delays():
    shifted = delays.ShiftedDelay(delay=delays.FixedDelay(staleness=2), by=3)
    fixed = delays.FixedDelay(staleness=5)
    assert shifted.rational() == fixed.rational()
    np.testing.assert_array_equal(shifted.probabilities(9), fixed.probabilities(9))
    np.testing.assert_array_equal(shifted.probabilities(2), [0, 0])
    assert [shifted.tail(chance) for chance in (0, 0.5, 1)] == [5, 5, 0]
    batch = delays.ShiftedDelay(delay=delays.GeometricDelay(workers=np.array([1.0, 4.0])), by=1)
    assert batch.probabilities(5).shape == (2, 5)
    np.testing.assert_allclose(batch.mean, [1, 4])
    assert repr(shifted) == "ShiftedDelay(delay=FixedDelay(staleness=2), by=3)"


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
        (delays.UniformDelay, {"largest": -1}, "must be a whole number in"),
        (delays.UniformDelay, {"largest": 2.5}, "must be a whole number in"),
        (delays.UniformDelay, {"largest": np.inf}, "must be a whole number in"),
        (delays.UniformDelay, {"largest": np.nan}, "must be a real number"),
        (delays.UniformDelay, {"largest": [1, 2]}, "must be one whole number"),
        (delays.UniformDelay, {"largest": sympy.Rational(1, 2)}, "must be one whole number"),
        (delays.NegativeBinomialDelay, {"mean": -1, "stages": 2}, "mean is -1, but must lie in"),
        (delays.NegativeBinomialDelay, {"mean": 1, "stages": 0}, "stages is 0, but must lie in"),
        (delays.NegativeBinomialDelay, {"mean": 1, "stages": np.inf}, "stages is inf, but must"),
        (delays.NegativeBinomialDelay, {"mean": np.nan, "stages": 1}, "must be a real number"),
        (delays.NegativeBinomialDelay, {"mean": [1, 2], "stages": 1}, "one mean and one number"),
        (delays.MixtureDelay, {"speeds": []}, r"speeds is \[\], but must be one row"),
        (delays.MixtureDelay, {"speeds": 3}, "must be one row of at least one number"),
        (delays.MixtureDelay, {"speeds": [1, 0]}, "speeds is .*must lie in"),
        (delays.MixtureDelay, {"speeds": [1, -2]}, "speeds is .*must lie in"),
        (delays.MixtureDelay, {"speeds": [1, np.inf]}, "speeds is .*must lie in"),
        (delays.MixtureDelay, {"speeds": [1, np.nan]}, "must be one row of at least one number"),
        (delays.MixtureDelay, {"speeds": ["fast"]}, "must be one row of at least one number"),
        (delays.MixtureDelay, {"speeds": np.ones((2, 2))}, "must be one row of at least one"),
        (delays.EmpiricalDelay, {"probabilities": []}, "must be one row of at least one number"),
        (delays.EmpiricalDelay, {"probabilities": [0.5, 0.4]}, "sum to 0.9, but must sum to 1"),
        (delays.EmpiricalDelay, {"probabilities": [0, 0]}, "sum to 0, but must sum to 1"),
        (delays.EmpiricalDelay, {"probabilities": [1.5, -0.5]}, "must lie in"),
        (delays.EmpiricalDelay, {"probabilities": [np.nan, 1]}, "must be one row of at least one"),
        (delays.EmpiricalDelay, {"probabilities": [3, 1]}, "must lie in"),
        (delays.EmpiricalDelay, {"probabilities": "all"}, "must be one row of at least one"),
        (delays.ShiftedDelay, {"delay": 3, "by": 1}, "delay is 3, but must be a law of staleness"),
        (delays.ShiftedDelay, {"delay": delays.NoDelay, "by": 1}, "but must be a law of staleness"),
        (
            delays.ShiftedDelay,
            {"delay": delays.NoDelay(), "by": -1},
            "by is -1, but must be a whole",
        ),
        (delays.ShiftedDelay, {"delay": delays.NoDelay(), "by": 0.5}, "but must be a whole number"),
        (delays.ShiftedDelay, {"delay": delays.NoDelay(), "by": np.nan}, "but must be a whole"),
        (delays.ShiftedDelay, {"delay": delays.NoDelay(), "by": "one"}, "but must be a whole"),
        (
            delays.ShiftedDelay,
            {"delay": delays.NoDelay(), "by": [1, 2]},
            "must be one whole number",
        ),
        (delays.ServiceDelay, {"service": 1.0, "workers": 2}, "must be a law of service times"),
        (delays.ServiceDelay, {"service": Gamma, "workers": 2}, "must be a law of service times"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": 0}, "must lie in"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": 1.5}, "be a whole number"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": np.nan}, "must lie in"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": np.inf}, "must lie in"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": "two"}, "must lie in"),
        (delays.ServiceDelay, {"service": Exponential(), "workers": [2, 3]}, "one whole number"),
        (
            delays.ServiceDelay,
            {"service": Exponential(), "workers": symbol("workers")},
            "one whole number",
        ),
        (
            delays.ServiceDelay,
            {"service": Exponential(mean=symbol("mean")), "workers": 2},
            "must hold numbers, no symbols",
        ),
    ],
)
def test_what_is_no_delay_is_refused(cls, settings, message):
    with pytest.raises(DomainError, match=message):
        cls(**settings)


def test_symbols_and_empty_histograms_are_no_measured_law():
    with pytest.raises(NotTraceableError, match="EmpiricalDelay takes numbers"):
        delays.EmpiricalDelay(probabilities=[symbol("momentum"), 1 - symbol("momentum")])
    with pytest.raises(DomainError, match="no staleness to make a histogram of"):
        delays.EmpiricalDelay.from_staleness([])
    for values in ([0, -1], [0.5], [np.nan], ["late"]):
        with pytest.raises(DomainError, match=r"staleness is .*, but must be a whole number"):
            delays.EmpiricalDelay.from_staleness(values)


@pytest.mark.parametrize(("delay", "name"), [
    (delays.FixedDelay(staleness=1), "staleness"),
    (delays.MixtureDelay(speeds=[1]), "speeds"),
    (delays.EmpiricalDelay(probabilities=[1]), "chances"),
    (delays.ServiceDelay(service=Exponential(), workers=2), "workers"),
    (delays.ShiftedDelay(delay=delays.NoDelay(), by=2), "by"),
])  # fmt: skip
def test_delays_are_immutable(delay, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(delay, name, 2)
