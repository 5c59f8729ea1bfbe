"""Best parameters: the rates they declare, and no better ones nearby."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    MarchenkoPastur,
    Nesterov,
    RobustMomentum,
    TripleMomentum,
    UnknownNameError,
    spectral_radius,
    symbol,
    tune,
    worst_rate,
)
from momentum_dynamics.dynamics.optimum import TUNED_KINDS
from momentum_dynamics.notation import quantities

KAPPAS = [1.5, 10.0, 1e3]


def rates(kappa):
    """The textbook's rate of every kind on quadratics."""
    root = kappa**0.5
    return {
        "gradient-descent": (kappa - 1) / (kappa + 1),
        "heavy-ball": (root - 1) / (root + 1),
        "nesterov": 1 - 2 / (3 * kappa + 1) ** 0.5,
        "triple-momentum": 1 - 1 / root,
        "robust-momentum": 0.5 * (1 - 1 / kappa) + 0.5 * (1 - 1 / root),
        "chebyshev": (root - 1) / (root + 1),
    }


def test_rates_of_all_kinds_are_known():
    assert set(rates(2.0)) == set(TUNED_KINDS)


@pytest.mark.parametrize("kappa", [*KAPPAS, 1e8])
@pytest.mark.parametrize("kind", TUNED_KINDS)
def test_tuned_methods_reach_their_rates(kind, kappa):
    method = tune(kind, smallest_curvature=3.0, largest_curvature=3.0 * kappa)
    curvatures = 3.0 * np.linspace(1, kappa, 501)
    rate = rates(kappa)[kind]
    assert worst_rate(method, curvatures) == pytest.approx(rate, abs=1e-7)


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("kind", ["gradient-descent", "heavy-ball", "nesterov"])
def test_no_better_parameters_are_nearby(kind, kappa):
    ends = np.array([1.0, kappa])
    best = tune(kind, smallest_curvature=1.0, largest_curvature=kappa)
    rng = np.random.default_rng(42)
    for size in (1e-3, 1e-2, 0.1):
        fields = {name: getattr(best, name) for name in quantities(best)}
        for name, value in fields.items():
            scale = value if name == "learning_rate" else 1.0
            fields[name] = value + size * scale * rng.normal(size=(3000, 1))
        others = spectral_radius(type(best)(**fields), ends).max(axis=-1)
        assert others.min() >= worst_rate(best, ends) - 1e-7


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("gradient-descent", GradientDescent),
        ("nesterov", Nesterov),
        ("triple-momentum", TripleMomentum),
        ("robust-momentum", RobustMomentum),
    ],
)
def test_parameters_for_all_smooth_strongly_convex_functions(kind, cls):
    method = tune(kind, smallest_curvature=0.1, largest_curvature=1.0, objective="smooth-convex")
    assert isinstance(method, cls)
    if cls is Nesterov:
        root = 10**0.5
        assert method.learning_rate == pytest.approx(1.0)
        assert method.momentum == pytest.approx((root - 1) / (root + 1))
        assert worst_rate(method, [0.1, 1.0]) == pytest.approx(1 - 1 / root, abs=1e-7)


def test_tuning_takes_batches_and_symbols():
    many = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=np.array([4.0, 9.0]))
    np.testing.assert_allclose(many.momentum, [1 / 9, 1 / 4])
    low, high = symbol("smallest_curvature"), symbol("largest_curvature")
    exact = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
    assert exact.learning_rate.subs({low: 1, high: 9}) == sympy.Rational(1, 4)
    plain = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=9.0)
    assert type(plain.learning_rate) is float


def test_one_curvature_is_solved_at_once():
    for kind in ("gradient-descent", "heavy-ball", "nesterov", "triple-momentum", "chebyshev"):
        method = tune(kind, smallest_curvature=2.0, largest_curvature=2.0)
        assert worst_rate(method, [2.0]) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kind": "heavyball"}, UnknownNameError, "did you mean 'heavy-ball'"),
        (
            {"objective": "convex"},
            UnknownNameError,
            "No objective is called 'convex'; did you mean",
        ),
        ({"objective": "smooth-convex"}, DomainError, "ask for 'nesterov' or 'triple-momentum'"),
        ({"smallest_curvature": 0.0}, DomainError, "smallest_curvature is 0.0, but must lie in"),
        ({"smallest_curvature": -1.0}, DomainError, "smallest_curvature is -1.0"),
        ({"largest_curvature": 0.5}, DomainError, "must be at most largest_curvature 0.5; swap"),
        ({"largest_curvature": np.array([2.0, 0.5])}, DomainError, "swap them or"),
        ({"largest_curvature": np.nan}, DomainError, "largest_curvature is nan"),
    ],
)
def test_refusals(settings, error, message):
    good = {"kind": "heavy-ball", "smallest_curvature": 1.0, "largest_curvature": 4.0}
    with pytest.raises(error, match=message):
        tune(**{**good, **settings})


def test_chebyshev_for_smooth_convex_is_not_known():
    with pytest.raises(UnknownNameError, match="No tuned method is called 'chebyshev'"):
        tune("chebyshev", smallest_curvature=1, largest_curvature=2, objective="smooth-convex")


def test_worst_rate_is_per_gradient():
    method = Extragradient(learning_rate=0.2)
    assert worst_rate(method, [1.0, 2.0]) == pytest.approx((1 - 0.2 + 0.04) ** 0.5)


def test_worst_rate_of_methods_that_tend_to_heavy_ball():
    ratio, variance = 0.25, 2.0
    method = MarchenkoPastur(variance=variance, aspect_ratio=ratio)
    low, high = variance * (1 - ratio**0.5) ** 2, variance * (1 + ratio**0.5) ** 2
    best = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
    assert isinstance(best, HeavyBall)
    assert worst_rate(method, [low, high]) == pytest.approx(ratio**0.5, abs=1e-7)
    assert worst_rate(best, [low, high]) == pytest.approx(ratio**0.5, abs=1e-7)
    ends = Chebyshev(smallest_curvature=low, largest_curvature=high)
    assert worst_rate(ends, [low, high]) == pytest.approx(ratio**0.5, abs=1e-7)
