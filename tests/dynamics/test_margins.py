"""Marginal loops: no curvature and the exact step limit are not stable, whatever is rounded."""

import numpy as np
import pytest

from momentum_dynamics import (
    ComplexMomentum,
    Extragradient,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Nesterov,
    OptimisticGradient,
    QuasiHyperbolic,
    RobustMomentum,
    ThreeParameter,
    TripleMomentum,
    UnstableDynamicsError,
    characteristic_polynomial,
    is_stable,
    stationary_variance,
)

SHARES = np.linspace(0, 0.99, 200)
BATCHES = [
    GradientDescent(learning_rate=0.1 + SHARES),
    HeavyBall(learning_rate=0.1, momentum=SHARES),
    Nesterov(learning_rate=0.1, momentum=SHARES),
    QuasiHyperbolic(learning_rate=0.1, momentum=SHARES, discount=0.7),
    ThreeParameter(learning_rate=0.1, momentum=SHARES, lookahead=0.3),
    TripleMomentum(smallest_curvature=1.0, largest_curvature=2.0 + SHARES),
    RobustMomentum(smallest_curvature=1.0, largest_curvature=2.0 + SHARES, robustness=0.3),
    OptimisticGradient(learning_rate=0.1 + SHARES),
    Extragradient(learning_rate=0.1 + SHARES),
    ComplexMomentum(learning_rate=0.1, momentum=SHARES, phase=1.0),
]


@pytest.mark.parametrize("method", BATCHES, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("flat", [0.0, 0j])
def test_no_method_is_stable_without_curvature(method, flat):
    assert not is_stable(method, flat).any()
    assert not is_stable(method, flat, GeometricDelay(workers=3)).any()
    if flat == 0.0:
        with pytest.raises(UnstableDynamicsError):
            stationary_variance(method, 0.0, 1.0)


@pytest.mark.parametrize("method", BATCHES, ids=lambda method: type(method).__name__)
def test_no_method_is_stable_at_its_step_limit(method):
    """Where a pole sits at −1, found from the polynomial there: p₀(−1) = h c(−1)."""
    signs = np.array([(-1.0) ** k for k in range(4)])

    def value(curvature):
        found = characteristic_polynomial(method, curvature)
        return (found * signs[: found.shape[-1]]).sum(axis=-1)

    with np.errstate(all="ignore"):
        limit = value(0.0) / (value(0.0) - value(1.0))
        for _ in range(3):
            limit = limit * value(0.0) / (value(0.0) - value(limit))
    inside = np.isfinite(limit) & (limit > 0) & np.isclose(value(limit), 0, atol=1e-12)
    assert not is_stable(method, np.where(inside, limit, 0.0)).any()
    if isinstance(method, GradientDescent | HeavyBall | Nesterov | ThreeParameter):
        assert inside.all()
        assert is_stable(method, limit * (1 - 1e-12)).all()
