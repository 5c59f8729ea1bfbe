"""Spectra and correlations against SciPy, quadrature and the covariance."""

import numpy as np
import pytest
import sympy
from scipy.integrate import quad

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    Nesterov,
    QuasiHyperbolic,
    TripleMomentum,
    UnstableDynamicsError,
    autocorrelation,
    power_spectrum,
    state_space,
    stationary_variance,
    symbol,
    transition_matrix,
)
from momentum_dynamics.laws import noise

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=0.7),
    HeavyBall(learning_rate=0.3, momentum=-0.4),
    Nesterov(learning_rate=0.3, momentum=0.7),
    QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.5),
    TripleMomentum(smallest_curvature=0.1, largest_curvature=2.0),
]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)


@every_method
def test_spectrum_is_the_response_to_waves(method):
    system = state_space(method)
    closed = transition_matrix(method, 0.8)
    omega = np.linspace(0, np.pi, 7)
    shifted = np.exp(1j * omega)[:, None, None] * np.eye(len(closed)) - closed
    response = (system.E @ np.linalg.solve(shifted, system.B + 0 * shifted[..., :1]))[:, 0, 0]
    found = power_spectrum(method, 0.8, 0.3, omega)
    np.testing.assert_allclose(found, 0.3 * np.abs(response) ** 2, rtol=1e-9)


@every_method
def test_the_mean_of_the_spectrum_is_the_variance(method):
    integral, _ = quad(lambda w: float(power_spectrum(method, 0.8, 0.3, w)), 0, np.pi, limit=200)
    assert integral / np.pi == pytest.approx(float(stationary_variance(method, 0.8, 0.3)), rel=1e-8)


@every_method
def test_correlation_is_the_transform_of_the_spectrum(method):
    variance = float(stationary_variance(method, 0.8, 0.3))
    found = autocorrelation(method, 0.8, 0.3, [0, 1, 5])
    for lag, value in zip((0, 1, 5), found, strict=True):
        integral, _ = quad(
            lambda w, k=lag: float(power_spectrum(method, 0.8, 0.3, w)) * np.cos(k * w), 0, np.pi,
            limit=200,
        )  # fmt: skip
        assert value == pytest.approx(integral / np.pi / variance, abs=1e-8)


def test_symbols_are_the_laws():
    alpha, beta, h = map(symbol, ("learning_rate", "momentum", "curvature"))
    sigma, omega = symbol("noise_variance"), symbol("frequency")
    ball = HeavyBall(learning_rate=alpha, momentum=beta)
    law = noise.power_spectrum(alpha, beta, h, sigma, omega)
    found = power_spectrum(ball, h, sigma, omega)
    assert sympy.simplify(sympy.expand_trig(found - law)) == 0
    one = autocorrelation(ball, h, sigma, 1)
    assert sympy.simplify(one - (1 + beta - alpha * h) / (1 + beta)) == 0
    assert [sympy.simplify(r) for r in autocorrelation(ball, h, sigma, [0])] == [1]


def test_batches_come_first():
    family = HeavyBall(learning_rate=np.array([0.1, 0.3])[:, None], momentum=0.5)
    spectrum = power_spectrum(family, [0.5, 1.0, 2.0], 1.0, [0.1, 0.2, 0.3, 0.4])
    assert spectrum.shape == (2, 3, 4)
    alone = power_spectrum(HeavyBall(learning_rate=0.3, momentum=0.5), 2.0, 1.0, 0.4)
    assert spectrum[1, 2, 3] == pytest.approx(float(alone))
    lags = autocorrelation(family, [0.5, 1.0, 2.0], 1.0, [0, 1])
    assert lags.shape == (2, 3, 2)
    np.testing.assert_allclose(lags[..., 0], 1)
    assert np.shape(autocorrelation(family, [0.5, 1.0, 2.0], 1.0, 1)) == (2, 3)


@pytest.mark.parametrize(
    "question",
    [lambda m, h: power_spectrum(m, h, 1.0, 0.1), lambda m, h: autocorrelation(m, h, 1.0, 1)],
)
def test_refusals(question):
    with pytest.raises(UnstableDynamicsError):
        question(GradientDescent(learning_rate=3.0), 1.0)
    with pytest.raises(DomainError, match="real curvatures"):
        question(GradientDescent(learning_rate=0.3), 1j)
    with pytest.raises(DomainError, match="not stationary from step to step"):
        question(Extragradient(learning_rate=0.3), 1.0)
    with pytest.raises(DomainError):
        question(Chebyshev(smallest_curvature=1.0, largest_curvature=2.0), 1.0)


def test_lags_and_noise_are_checked():
    with pytest.raises(DomainError, match="steps is -1"):
        autocorrelation(METHODS[0], 1.0, 1.0, [-1])
    with pytest.raises(DomainError, match="nothing fluctuates"):
        autocorrelation(METHODS[0], 1.0, 0.0, 1)
