"""Settled covariances in symbols: they end, and say what the numbers say."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    ComplexMomentum,
    Extragradient,
    HeavyBall,
    OptimisticGradient,
    UnstableDynamicsError,
    stationary_covariance,
    stationary_variance,
    symbol,
)

NAMES = {"learning_rate": 0.1, "momentum": 0.5, "phase": 1.0, "curvature": 0.7}
FIELDS = {
    ComplexMomentum: ("learning_rate", "momentum", "phase"),
    OptimisticGradient: ("learning_rate",),
    Extragradient: ("learning_rate",),
    HeavyBall: ("learning_rate", "momentum"),
}
CASES = [
    (cls, traced)
    for cls, names in FIELDS.items()
    for traced in ((), names[:1], names[:2], names)
    if len(traced) <= len(names)
]


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "traced"), CASES)
@pytest.mark.parametrize("question", [stationary_variance, stationary_covariance])
def test_symbols_say_what_numbers_say(cls, traced, question):
    values = {name: NAMES[name] for name in FIELDS[cls]}
    mixed = cls(**{name: symbol(name) if name in traced else v for name, v in values.items()})
    found = question(mixed, symbol("curvature"), 0.3)
    at = found.subs({symbol(name): value for name, value in NAMES.items()})
    wanted = question(cls(**values), NAMES["curvature"], 0.3)
    np.testing.assert_allclose(np.array(at, dtype=float), wanted, rtol=1e-10, atol=1e-14)


def test_exact_numbers_stay_exact():
    method = OptimisticGradient(learning_rate=sympy.Rational(1, 10))
    found = stationary_variance(method, sympy.Integer(1), sympy.Integer(1))
    assert found == sympy.Rational(13, 187)


def test_marginal_symbols_are_refused():
    alpha = symbol("learning_rate")
    for method in (
        OptimisticGradient(learning_rate=alpha),
        ComplexMomentum(learning_rate=alpha, momentum=0.5, phase=1.0),
    ):
        with pytest.raises(UnstableDynamicsError, match="for all values of its symbols"):
            stationary_variance(method, 0, 1)
