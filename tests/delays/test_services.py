"""Every law of service times, found by inspection, against SciPy, quadrature and mpmath."""

import inspect
import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from scipy import integrate, stats

from momentum_dynamics import DomainError, NotTraceableError, delays, symbol
from momentum_dynamics.delays import (
    Deterministic,
    Empirical,
    Exponential,
    Gamma,
    Hyperexponential,
    LogNormal,
    Pareto,
    ShiftedExponential,
    SlowestOf,
)

EXAMPLES = {
    "Deterministic": [{}, {"mean": 2.5}],
    "Empirical": [{"times": [1.0]}, {"times": [3.0, 0.5, 1, 1, 0.25]}],
    "Exponential": [{}, {"mean": 2.5}],
    "Gamma": [{"shape": 4}, {"shape": 0.5, "mean": 3}, {"shape": 60.5}],
    "Hyperexponential": [{"variation": 2}, {"variation": 1.01, "mean": 4}, {"variation": 9}],
    "LogNormal": [{"variation": 1}, {"variation": 0.1, "mean": 4}, {"variation": 5}],
    "Pareto": [{"tail": 2.5}, {"tail": 1.2, "mean": 3}, {"tail": 40}],
    "ShiftedExponential": [{"shift": 0.5}, {"shift": 0, "mean": 2}, {"shift": 2.9, "mean": 3}],
    "SlowestOf": [
        {"service": Exponential(mean=2), "count": 30},
        {"service": ShiftedExponential(shift=0.9), "count": 500},
        {"service": Gamma(shape=4), "count": 1},
        {"service": Gamma(shape=0.5), "count": 7},
        {"service": LogNormal(variation=0.1), "count": 9600},
        {"service": Pareto(tail=3), "count": 50},
        {"service": Hyperexponential(variation=2), "count": 5},
        {"service": Deterministic(mean=2), "count": 5},
        {"service": Empirical(times=[1.0, 2.0, 4.0]), "count": 3},
        {"service": SlowestOf(service=Exponential(), count=3), "count": 4},
    ],
}
CLASSES = [
    cls
    for name in delays.__all__
    if inspect.isclass(cls := getattr(delays, name))
    and hasattr(cls, "laplace_transform")
    and cls is not delays.Service
]
CASES = [getattr(delays, name)(**own) for name, given in EXAMPLES.items() for own in given]
CHANCES = np.array([0.001, 0.1, 0.37, 0.5, 0.9, 0.999])


def _every(cases):
    return pytest.mark.parametrize("law", cases, ids=str)


every_law = _every(CASES)


def _is_smooth(law):
    return not isinstance(getattr(law, "service", law), Deterministic | Empirical)


every_smooth_law = _every([law for law in CASES if _is_smooth(law)])


def test_every_law_has_examples():
    assert {cls.__name__ for cls in CLASSES} == set(EXAMPLES)


@every_law
def test_distribution_and_survival_add_up_to_one(law):
    times = np.concatenate([[-1.0, 0.0], law.quantile(CHANCES), [1e3 * float(law.mean)]])
    np.testing.assert_allclose(law.distribution(times) + law.survival(times), 1, rtol=1e-14)
    assert (np.diff(law.distribution(np.sort(times))) >= 0).all()
    np.testing.assert_array_equal(law.distribution([-1.0, 0.0]), 0)
    assert law.distribution(times.reshape(3, 3)).shape == (3, 3)
    assert np.ndim(law.distribution(1.0)) == 0


@every_smooth_law
def test_quantile_inverts_the_distribution(law):
    np.testing.assert_allclose(law.distribution(law.quantile(CHANCES)), CHANCES, rtol=1e-10)
    assert law.distribution(law.quantile(0.0)) == 0
    assert law.quantile(1.0) == np.inf


@_every([law for law in CASES if not _is_smooth(law)])
def test_quantile_is_the_smallest_time_with_that_chance(law):
    at = law.quantile(np.array([*CHANCES, 1.0]))
    assert (law.distribution(at) >= [*CHANCES, 1.0]).all()
    assert (law.distribution(at - 1e-9) < [*CHANCES, 1.0]).all()
    assert law.quantile(0.0) > 0


@every_law
def test_chances_outside_the_unit_interval_have_no_quantile(law):
    for p in (-0.1, [0.5, 1.1], np.nan):
        with pytest.raises(DomainError, match="a chance must lie in"):
            law.quantile(p)


def _points(law):
    """Where an integrand may have a kink or bend sharply."""
    return np.unique(law.quantile(np.array([0, 1e-9, 1e-6, 1e-3, 0.03, 0.2, 0.5, 0.8, 0.97])))


@every_law
def test_shortfall_is_the_integral_of_the_distribution(law):
    """By quadrature with kinks as break points, between the smallest time and each of a few."""
    chances = np.array([0.2, 0.5, 0.97])
    ends = [*law.quantile(chances), 3 * float(law.mean)]
    kinks = _points(law) if _is_smooth(law) else np.unique(law.quantile(np.linspace(0, 1, 200)))
    for end in ends:
        cuts = np.unique([0.0, *kinks[kinks < end], end])
        parts = [
            integrate.quad(law.distribution, a, b, epsabs=1e-12, epsrel=1e-10)[0]
            for a, b in itertools.pairwise(cuts)
        ]
        assert law.shortfall(end) == pytest.approx(sum(parts), rel=1e-9, abs=1e-11)
    assert law.shortfall(np.array([[-1.0, 0.0]])).tolist() == [[0.0, 0.0]]


@every_law
def test_mean_is_what_shortfall_leaves_at_a_late_time(law):
    """E (t − S)⁺ = t − E S + E (S − t)⁺, the last of them small and bounded by the law's tail."""
    late = 1e9 * float(law.mean)
    rest = late * float(law.survival(late)) / 0.2
    assert late - law.shortfall(late) == pytest.approx(float(law.mean), abs=1e-6 * late**0.5 + rest)


@every_smooth_law
def test_mean_and_variation_by_quantiles(law):
    """E S and E S² as integrals of the quantile over the chances, in log-odds."""
    u = np.linspace(-36, 36, 4001)
    odds = 1 / (1 + np.exp(-u))
    weights = odds * (1 - odds) * (u[1] - u[0])
    above = law.quantile(odds[u <= 0]), u[u > 0]
    # 1 − p keeps no digits near 1: times there are roots of the survival by bisection in t.
    target = 1 / (1 + np.exp(above[1]))
    low, high = np.full_like(target, law.quantile(0.5)), np.full_like(target, law.quantile(0.5))
    while (far := law.survival(high) > target).any():
        high = np.where(far, 2 * high, high)
    for _ in range(100):
        middle = (low + high) / 2
        too_low = law.survival(middle) > target
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    times = np.concatenate([above[0], high])
    if np.isfinite(law.variation) and law.variation < 3:
        assert weights @ times == pytest.approx(float(law.mean), rel=1e-6)
        deviation = (weights @ (times - float(law.mean)) ** 2) ** 0.5
        assert deviation / float(law.mean) == pytest.approx(float(law.variation), rel=1e-3)
    else:
        assert weights @ times == pytest.approx(float(law.mean), rel=0.02)


@every_law
def test_laplace_transform_by_the_distribution(law):
    """E exp(−sS) = s ∫ exp(−st) P(S ≤ t) dt, by Gauss and Legendre's rule on many panels."""
    mean = float(law.mean)
    fine = np.concatenate([
        np.linspace(0, 60 * mean, 2000),
        law.quantile(np.linspace(0, 0.999, 500)),
        law.quantile(np.geomspace(1e-12, 0.5, 300)),
    ])  # fmt: skip
    edges = np.unique(fine[fine <= 60 * mean])
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = np.diff(edges)[:, None] / 2
    at, mass = (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
    done = law.distribution(at)
    for s in (1 / mean, 3 / mean, (0.6 + 2j) / mean):
        value = s * ((np.exp(-s * at) * done) @ mass)
        assert law.laplace_transform(s) == pytest.approx(value, rel=1e-6, abs=1e-9)


@every_law
def test_laplace_transform_near_zero_and_on_arrays(law):
    s = np.array([[1e-12, 0.3], [2.0, 7.0]])
    values = law.laplace_transform(s)
    assert values.shape == (2, 2)
    assert np.isrealobj(values)
    assert (np.diff(values.ravel()) < 0).all()
    assert law.laplace_transform(0.0) == pytest.approx(1, rel=1e-12)
    turning = law.laplace_transform(1j * np.array([0.0, 0.5, 40.0]) / float(law.mean))
    assert turning[0] == pytest.approx(1, rel=1e-12)
    assert (abs(turning) <= 1 + 1e-12).all()
    for own, at in zip(turning, (0.0, 0.5, 40.0), strict=True):
        assert law.laplace_transform(1j * at / float(law.mean)) == pytest.approx(own, rel=1e-9)


@every_law
def test_sampler_follows_the_distribution(law):
    """Kolmogorov and Smirnov's test with a fixed seed, at one false alarm in a million."""
    drawn = law.sample(np.random.default_rng(20240601), (500, 8))
    assert drawn.shape == (500, 8)
    assert (drawn > 0).all()
    assert np.isfinite(drawn).all()
    values, counts = np.unique(drawn, return_counts=True)
    after = np.cumsum(counts) / drawn.size
    before = np.append(0, after[:-1])
    gap = max(
        abs(after - law.distribution(values)).max(),
        abs(before - law.distribution(np.nextafter(values, 0))).max(),
    )
    assert gap < stats.kstwo.isf(1e-6, drawn.size)
    again = law.sample(np.random.default_rng(20240601), (500, 8))
    np.testing.assert_array_equal(drawn, again)


SCIPY = [
    (Exponential(mean=2.5), stats.expon(scale=2.5)),
    (ShiftedExponential(shift=2.9, mean=3), stats.expon(loc=2.9, scale=0.1)),
    (Gamma(shape=4), stats.gamma(4, scale=0.25)),
    (Gamma(shape=0.5, mean=3), stats.gamma(0.5, scale=6)),
    (LogNormal(variation=1), stats.lognorm(np.sqrt(np.log(2)), scale=2**-0.5)),
    (Pareto(tail=2.5), stats.pareto(2.5, scale=0.6)),
]


@pytest.mark.parametrize(("law", "known"), SCIPY, ids=[str(law) for law, _ in SCIPY])
def test_against_scipy(law, known):
    times = known.ppf(CHANCES)
    for own, other in (
        (law.distribution(times), known.cdf(times)),
        (law.survival(30 * times), known.sf(30 * times)),
        (law.quantile(CHANCES), times),
        (law.mean, known.mean()),
        (law.variation, known.std() / known.mean()),
    ):
        np.testing.assert_allclose(own, other, rtol=1e-10)


def test_hyperexponential_has_balanced_means_and_the_variation_asked():
    for variation in (1.001, 2, 30.0):
        law = Hyperexponential(variation=variation, mean=3)
        (short, quick), (long, slow) = law.phases
        assert short + long == pytest.approx(1, rel=1e-14)
        assert short * quick == pytest.approx(1.5) == long * slow
        square = 2 * (short * quick**2 + long * slow**2)
        assert square / 9 - 1 == pytest.approx(variation**2, rel=1e-12)
    tiny, far = law.survival(1e4), law.quantile(1 - 1e-12)
    assert tiny == pytest.approx(long * np.exp(-1e4 / slow), rel=1e-12)
    assert law.survival(far) == pytest.approx(1e-12, rel=1e-3)


@pytest.mark.parametrize("s", [0.001, 2.0, 500.0, 0.5 + 3j, 40j])
def test_transforms_without_closed_form_against_mpmath(s):
    with mpmath.workdps(20):
        log_normal = LogNormal(variation=1)
        deviation = mpmath.sqrt(mpmath.log(2))
        # Along a path turned into the lower half plane, where exp(−st) does not swing.
        turn = -mpmath.arg(s) * 1j
        value = mpmath.quad(
            lambda x: (
                mpmath.exp(-s * mpmath.exp(x + turn))
                * mpmath.npdf(x + turn, -mpmath.log(2) / 2, deviation)
            ),
            [-14, -8, -4, -2, 0, 2, 4, 8],
        )
        known = complex(value)
        pareto = Pareto(tail=2.5)
        low = mpmath.mpf(3) / 5
        tail = mpmath.mpf(5) / 2
        incomplete = tail * (low * s) ** tail * mpmath.gammainc(-tail, low * s)
    assert log_normal.laplace_transform(s) == pytest.approx(known, rel=1e-10, abs=1e-13)
    assert pareto.laplace_transform(s) == pytest.approx(complex(incomplete), rel=1e-9, abs=1e-13)


def test_symbols_where_there_is_a_closed_form():
    s, mean, shift, shape, variation = (
        sympy.Symbol("s", positive=True), *map(symbol, ("mean", "shift", "shape", "variation"))
    )  # fmt: skip
    for law, spread in (
        (Exponential(mean=mean), 1),
        (Deterministic(mean=mean), 0),
        (ShiftedExponential(shift=shift, mean=mean), (mean - shift) / mean),
        (Gamma(shape=shape, mean=mean), 1 / sympy.sqrt(shape)),
        (Hyperexponential(variation=variation, mean=mean), variation),
    ):
        transform = law.laplace_transform(s)
        first, second = (sympy.diff(transform, s, k).subs(s, 0) for k in (1, 2))
        assert sympy.simplify(first + mean) == 0
        numbers = {mean: 3, shift: 1, shape: 4, variation: 2}
        square = (second / mean**2 - 1 - spread**2).subs(numbers)
        assert abs(square.evalf()) < 1e-12
        assert sympy.simplify(law.variation - spread) == 0
    assert Exponential(mean=Fraction(1, 2)).laplace_transform(Fraction(1)) == Fraction(2, 3)
    two = Empirical(times=[1.0, 3.0]).laplace_transform(s)
    assert two.subs(s, 1).evalf() == pytest.approx((np.exp(-1) + np.exp(-3)) / 2)
    for law in (LogNormal(variation=1), Pareto(tail=2), SlowestOf(service=Gamma(shape=2), count=2)):
        with pytest.raises(NotTraceableError, match=r"Laplace transform of .* give numbers"):
            law.laplace_transform(s)


def test_limits_of_families_meet():
    times = np.linspace(0.1, 5, 9)
    for same, other in (
        (Gamma(shape=1, mean=2), Exponential(mean=2)),
        (ShiftedExponential(shift=0, mean=2), Exponential(mean=2)),
        (Hyperexponential(variation=1 + 1e-12, mean=2), Exponential(mean=2)),
        (SlowestOf(service=Gamma(shape=3), count=1), Gamma(shape=3)),
    ):
        for member in ("distribution", "survival", "shortfall", "laplace_transform"):
            own, known = (getattr(law, member)(times) for law in (same, other))
            np.testing.assert_allclose(own, known, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        *(
            (cls, {**own, "mean": mean}, message)
            for cls, own in (
                (Exponential, {}),
                (Deterministic, {}),
                (Gamma, {"shape": 2}),
                (LogNormal, {"variation": 1}),
                (Pareto, {"tail": 2}),
                (Hyperexponential, {"variation": 2}),
                (ShiftedExponential, {"shift": 0}),
            )
            for mean, message in (
                (0, r"mean is 0, but must lie in \(0, ∞\)"),
                (-1, "mean is -1, but must lie in"),
                (np.inf, "mean is inf, but must lie in"),
                (np.nan, "mean is nan, but must be a real number"),
                ([1.0, 2.0], "mean is .*, but must be one number"),
                ("long", "mean is 'long', but must be a real number"),
            )
        ),
        (Gamma, {"shape": 0}, "shape is 0, but must lie in"),
        (Gamma, {"shape": np.inf}, "shape is inf, but must lie in"),
        (LogNormal, {"variation": 0}, "variation is 0, but must lie in"),
        (Hyperexponential, {"variation": 1}, r"variation is 1, but must lie in \(1, ∞\)"),
        (Hyperexponential, {"variation": 0.5}, "variation is 0.5, but must lie in"),
        (Pareto, {"tail": 1}, r"tail is 1, but must lie in \(1, ∞\)"),
        (Pareto, {"tail": -2}, "tail is -2, but must lie in"),
        (ShiftedExponential, {"shift": -0.1}, "shift is -0.1, but must lie in"),
        (ShiftedExponential, {"shift": 1}, "must be below mean 1, .* take Deterministic"),
        (Empirical, {"times": []}, "times is .*, but must be"),
        (Empirical, {"times": 1.0}, r"times has shape \(\), but must be one row of times"),
        (Empirical, {"times": [[1.0], [2.0]]}, "must be one row of times"),
        (Empirical, {"times": [1.0, 0.0]}, "times is an array from 0.0 to 1.0, but must lie in"),
        (Empirical, {"times": [1.0, -2.0]}, "times is an array from -2.0 to 1.0, but must lie"),
        (Empirical, {"times": [1.0, np.nan]}, "times is .*, but must be a real number"),
        (Empirical, {"times": [1.0, np.inf]}, "times is an array from 1.0 to inf, but must lie"),
        (Empirical, {"times": ["one"]}, "times is .*, but must be a real number"),
        (Empirical, {"times": symbol("mean")}, "must be one row of times"),
        (SlowestOf, {"service": 3, "count": 2}, "service is 3, but must be a law of service"),
        (SlowestOf, {"service": Exponential, "count": 2}, "must be a law of service times"),
        (
            SlowestOf,
            {"service": Exponential(mean=symbol("mean")), "count": 2},
            "must hold numbers, no symbols",
        ),
        (SlowestOf, {"service": Exponential(), "count": 0}, "count is 0, but must be a whole"),
        (SlowestOf, {"service": Exponential(), "count": 2.5}, "count is 2.5, but must be a whole"),
        (SlowestOf, {"service": Exponential(), "count": np.inf}, "count is inf, but must be a"),
        (SlowestOf, {"service": Exponential(), "count": np.nan}, "count is nan, but must be a"),
        (SlowestOf, {"service": Exponential(), "count": [2, 3]}, "must be one whole number"),
        (SlowestOf, {"service": Exponential(), "count": symbol("count")}, "one whole number"),
    ],
)
def test_what_is_no_law_is_refused(cls, settings, message):
    with pytest.raises(DomainError, match=message):
        cls(**settings)
