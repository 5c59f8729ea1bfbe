"""Spectral radius, stability and regimes against eigenvalues of a matrix built step by step."""

import inspect

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from momentum_dynamics import (
    ComplexMomentum,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    Nesterov,
    NoDelay,
    NotTraceableError,
    OptimisticGradient,
    Quadratic,
    QuasiHyperbolic,
    Regime,
    ThreeParameter,
    eigenvalues,
    is_stable,
    methods,
    regime,
    simulate,
    spectral_radius,
    state_space,
    symbol,
)
from momentum_dynamics.dynamics import kernels
from momentum_dynamics.dynamics.kernels import radius_map
from momentum_dynamics.laws import spectrum
from momentum_dynamics.methods.protocol import period_of, stage_of, transient_of
from momentum_dynamics.notation import quantities

VALUES = {
    "learning_rate": 0.3, "momentum": 0.6, "lookahead": 0.35, "discount": 0.7, "phase": 0.8,
    "smallest_curvature": 0.2, "largest_curvature": 3.0, "robustness": 0.3,
    "dampening": 0.4,
}  # fmt: skip
CLASSES = [
    cls
    for name in methods.__all__
    if inspect.isclass(cls := getattr(methods, name))
    and all(hasattr(cls, member) for member in ("initial_state", "query", "update"))
    and cls not in {methods.Method, methods.Scheduled, LinearMethod}
    and set(quantities(cls)) <= set(VALUES)
    and getattr(cls, "period", 1) is not None
]
METHODS = [
    *(cls(**{name: VALUES[name] for name in quantities(cls)}) for cls in CLASSES),
    HeavyBall(learning_rate=0.3, momentum=-0.5),
    LinearMethod(A=[[1.4, -0.4, 0], [1, 0, 0], [0.5, 0.5, 0.2]], B=[[-0.1], [0], [0.05]],
                 C=[[1.2, -0.2, 0.0]]),
]  # fmt: skip
CURVATURES = [0.2, 1.0, 2.9, 12.0, -0.5, 0.7 + 0.9j, 2j, -0.3 - 1j]


DELAYS = [
    None,
    NoDelay(),
    FixedDelay(staleness=1),
    FixedDelay(staleness=3),
    GeometricDelay(workers=2.5),
]


def loop_matrix(method, curvature, delay):
    """One period of the mean loop on unit vectors: slots, then past queries or their mean."""
    own = len(method.initial_state(0))
    lag = delay.staleness if isinstance(delay, FixedDelay) else 0
    workers = delay.workers if isinstance(delay, GeometricDelay) else None
    size = own + lag + (workers is not None)
    columns = []
    for unit in np.eye(size):
        state, memory = tuple(unit[:own]), list(unit[own:])
        for step in range(period_of(method)):
            stage = stage_of(method, transient_of(method) + step)
            query = stage.query(state)
            if lag:
                asked, memory = memory[-1], [query, *memory[:-1]]
            elif workers is not None:
                asked = query / workers + (1 - 1 / workers) * memory[0]
                memory = [asked]
            else:
                asked = query
            state = stage.update(state, curvature * asked)
        columns.append([*state, *memory])
    return np.array(columns).T


def tolerance(roots):
    """An eigenvalue moves by ε over its distance from the next one, and by √ε where they meet."""
    top = np.argmax(np.abs(roots))
    gap = np.abs(np.delete(roots, top) - roots[top]).min(initial=np.inf)
    scale = np.finfo(float).eps * max(1, np.abs(roots).max())
    return min(1e-7, max(1e-14, 100 * scale / gap if gap else np.inf))


def test_inspection_finds_the_methods():
    assert {Extragradient, Nesterov, OptimisticGradient, QuasiHyperbolic} <= set(CLASSES)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_radius_is_that_of_the_loop(method, delay):
    for curvature in CURVATURES:
        roots = np.linalg.eigvals(loop_matrix(method, curvature, delay))
        oracle = np.abs(roots).max()
        assert spectral_radius(method, curvature, delay) == pytest.approx(
            oracle, abs=tolerance(roots) * max(1, oracle), rel=0
        )
        assert bool(is_stable(method, curvature, delay)) is bool(oracle < 1)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_broadcasts_over_curvatures_and_lists(method, delay):
    for curvatures in (CURVATURES, [0.2, 1.0, 12.0]):
        whole = spectral_radius(method, curvatures, delay)
        single = [spectral_radius(method, curvature, delay) for curvature in curvatures]
        np.testing.assert_allclose(whole, single, rtol=1e-12)
        np.testing.assert_array_equal(is_stable(method, curvatures, delay), np.array(single) < 1)


def test_eigenvalues_are_all_of_them():
    found = eigenvalues(HeavyBall(learning_rate=0.3, momentum=0.6), [1.0, 2.0])
    assert found.shape == (2, 2)
    for row, curvature in zip(found, [1.0, 2.0], strict=True):
        oracle = np.roots([1, -(1.6 - 0.3 * curvature), 0.6])
        np.testing.assert_allclose(np.sort_complex(row), np.sort_complex(oracle), rtol=1e-12)


def test_parameters_broadcast_against_curvatures():
    method = HeavyBall(
        learning_rate=np.array([0.1, 0.5])[:, None, None],
        momentum=np.array([0.2, 0.9, -0.3])[:, None],
    )
    curvatures = np.linspace(-1, 5, 4)
    found = spectral_radius(method, curvatures)
    assert found.shape == (2, 3, 4)
    for i, j, k in np.ndindex(found.shape):
        alone = HeavyBall(
            learning_rate=float(method.learning_rate[i, 0, 0]),
            momentum=float(method.momentum[j, 0]),
        )
        assert found[i, j, k] == spectral_radius(alone, curvatures[k])
    np.testing.assert_array_equal(is_stable(method, curvatures), found < 1)


def test_what_overflows_is_infinite_and_unstable():
    method = HeavyBall(learning_rate=1e200, momentum=0.5)
    assert spectral_radius(method, 1e200) == np.inf
    assert not is_stable(method, 1e200)
    three = ComplexMomentum(learning_rate=1e200, momentum=0.5, phase=0.1)
    assert spectral_radius(three, 1e200) == np.inf
    assert not is_stable(three, 1e200)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(700, 1, 400), (300, 1000)])
def test_large_maps_are_compiled_with_the_same_bits(shape):
    rng = np.random.default_rng(8)
    learning_rate = rng.uniform(-1, 4, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    momentum = rng.uniform(-1.2, 1.2, shape[0] // 100 * 2)[:, None] if len(shape) == 3 else 0.7
    curvatures = rng.uniform(-1, 3, shape[-1])
    entries = (1 + momentum, -learning_rate, momentum, 0, curvatures)
    with np.errstate(all="raise"):
        whole = radius_map(*entries)
    assert whole.size > 200_000
    text = spectrum.spectral_radius(
        1 + momentum - learning_rate * curvatures, momentum + 0 * curvatures
    )
    np.testing.assert_array_equal(whole, text)


@pytest.mark.slow
def test_large_maps_of_full_arrays_are_compiled_with_the_same_bits():
    """Where parameters vary along the last axis as well."""
    rng = np.random.default_rng(9)
    trace, determinant = rng.uniform(-3, 3, (2, 500, 500))
    curvatures = rng.uniform(0, 2, 500)
    found = radius_map(trace, 0.1, determinant, -0.2, curvatures)
    text = spectrum.spectral_radius(trace + curvatures * 0.1, determinant + curvatures * -0.2)
    np.testing.assert_array_equal(found, text)


def test_small_maps_are_not_compiled(monkeypatch):
    monkeypatch.setattr(kernels, "_compiled_radius", lambda: pytest.fail("compiled a small map"))
    assert spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.0), [0.5]) == 0.5


def test_double_roots_are_exact_to_the_square_root_of_rounding():
    momentum = np.linspace(0.01, 0.99, 99)
    edge = (1 - np.sqrt(momentum)) ** 2
    found = spectral_radius(HeavyBall(learning_rate=edge, momentum=momentum), 1.0)
    np.testing.assert_allclose(found, np.sqrt(momentum), atol=1e-7)


@given(
    learning_rate=st.floats(0.001, 3), momentum=st.floats(-1.5, 1.5), curvature=st.floats(-3, 3),
    factor=st.floats(0.01, 100),
)  # fmt: skip
def test_only_the_product_of_learning_rate_and_curvature_matters(
    learning_rate, momentum, curvature, factor
):
    one = spectral_radius(HeavyBall(learning_rate=learning_rate, momentum=momentum), curvature)
    other = spectral_radius(
        HeavyBall(learning_rate=learning_rate * factor, momentum=momentum), curvature / factor
    )
    assert one == pytest.approx(other, abs=1e-6)


@given(
    momentum=st.floats(-0.95, 0.95), x=st.floats(-1, 5), y=st.floats(-3, 3),
)  # fmt: skip
def test_complex_curvature_is_stable_inside_the_ellipse(momentum, x, y):
    inside = ((x - 1 - momentum) / (1 + momentum)) ** 2 + (y / (1 - momentum)) ** 2 - 1
    if abs(inside) > 1e-6:
        method = HeavyBall(learning_rate=1.0, momentum=momentum)
        assert bool(is_stable(method, complex(x, y))) is (inside < 0)
        assert bool(spectral_radius(method, complex(x, y)) < 1) is (inside < 0)
        assert spectral_radius(method, complex(x, -y)) == pytest.approx(
            spectral_radius(method, complex(x, y)), abs=1e-7
        )


@pytest.mark.parametrize("momentum", [-0.875, -0.25, 0.0, 0.5, 0.984375])
def test_heavy_ball_is_stable_up_to_its_limit(momentum):
    method = HeavyBall(learning_rate=1.0, momentum=momentum)
    limit = 2 * (1 + momentum)
    assert is_stable(method, [1e-9, limit - 1e-9]).all()
    assert not is_stable(method, [0.0, -1e-9, limit + 1e-9]).any()


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.999])
def test_nesterov_is_stable_up_to_its_limit(momentum):
    method = Nesterov(learning_rate=1.0, momentum=momentum)
    limit = 2 * (1 + momentum) / (1 + 2 * momentum)
    assert is_stable(method, [1e-9, limit - 1e-9]).all()
    assert not is_stable(method, [0.0, limit + 1e-9]).any()


@pytest.mark.parametrize("staleness", [0, 1, 2, 5, 20])
def test_fixed_staleness_shrinks_the_stable_steps(staleness):
    limit = 2 * np.sin(np.pi / (2 * (2 * staleness + 1)))
    stable = is_stable(
        GradientDescent(learning_rate=1.0),
        [limit - 1e-8, limit + 1e-8],
        FixedDelay(staleness=staleness),
    )
    assert stable.tolist() == [True, False]


@given(
    learning_rate=st.floats(0.01, 4), momentum=st.floats(-1.2, 1.2), lookahead=st.floats(-1, 1.5),
)  # fmt: skip
def test_three_parameters_are_stable_in_jurys_triangle(learning_rate, momentum, lookahead):
    trace = 1 + momentum - learning_rate * (1 + lookahead)
    determinant = momentum - learning_rate * lookahead
    margins = (1 - abs(determinant), learning_rate, 1 + determinant + trace)
    if min(map(abs, margins)) > 1e-9:
        method = ThreeParameter(learning_rate=learning_rate, momentum=momentum, lookahead=lookahead)
        assert bool(is_stable(method, 1.0)) is (min(margins) > 0)


@pytest.mark.slow
def test_symbolic_radius_of_two_slots():
    alpha, beta, h = symbol("learning_rate"), symbol("momentum"), symbol("curvature")
    found = spectral_radius(HeavyBall(learning_rate=alpha, momentum=beta), h)
    rng = np.random.default_rng(2)
    for a, b, c in rng.uniform(-1, 3, (8, 3)):
        value = float(found.subs({alpha: a, beta: b, h: c}))
        assert value == pytest.approx(
            spectral_radius(HeavyBall(learning_rate=a, momentum=b), c), rel=1e-12
        )
    behind = spectral_radius(GradientDescent(learning_rate=alpha), h, FixedDelay(staleness=1))
    numbers = spectral_radius(GradientDescent(learning_rate=0.3), 2.0, FixedDelay(staleness=1))
    assert float(behind.subs({alpha: 0.3, h: 2})) == pytest.approx(numbers)


def test_symbols_not_declared_real_count_as_complex():
    h = sympy.Symbol("h")
    found = spectral_radius(HeavyBall(learning_rate=1, momentum=sympy.Rational(1, 2)), h)
    value = complex(found.subs(h, 1 + 2 * sympy.I).evalf())
    oracle = spectral_radius(HeavyBall(learning_rate=1.0, momentum=0.5), 1 + 2j)
    assert value == pytest.approx(oracle)
    with pytest.raises(NotTraceableError, match="may have complex coefficients"):
        is_stable(HeavyBall(learning_rate=1, momentum=sympy.Rational(1, 2)), h)


def test_symbolic_stability_of_two_slots():
    alpha, beta, h = symbol("learning_rate"), symbol("momentum"), symbol("curvature")
    found = is_stable(HeavyBall(learning_rate=alpha, momentum=beta), h)
    for a, b, c in np.random.default_rng(3).uniform(-1, 3, (12, 3)):
        numbers = is_stable(HeavyBall(learning_rate=a, momentum=b), c)
        assert bool(found.subs({alpha: a, beta: b, h: c})) is bool(numbers)


def test_three_slots_have_no_closed_form():
    method = QuasiHyperbolic(learning_rate=symbol("learning_rate"), momentum=0.5, discount=0.5)
    delay = FixedDelay(staleness=1)
    with pytest.raises(NotTraceableError, match="has 3 slots, and no closed form"):
        spectral_radius(method, 1, delay)
    with pytest.raises(NotTraceableError, match="has degree 3, and no stability condition"):
        is_stable(method, 1, delay)


def test_regimes_of_distill():
    method = HeavyBall(learning_rate=1.0, momentum=0.5)
    low, high, limit = (1 - 0.5**0.5) ** 2, (1 + 0.5**0.5) ** 2, 3.0
    names = regime(method, [low - 0.01, low + 0.01, high - 0.01, high + 0.01, limit + 0.01, -0.1])
    assert names.tolist() == [
        Regime.MONOTONE, Regime.RIPPLES, Regime.RIPPLES, Regime.OSCILLATING, Regime.DIVERGING,
        Regime.DIVERGING,
    ]  # fmt: skip
    assert regime(method, 1.0) is Regime.RIPPLES
    assert regime(GradientDescent(learning_rate=1.0), 1.5) is Regime.OSCILLATING
    assert regime(GradientDescent(learning_rate=1.0), 0.5) is Regime.MONOTONE


def test_regimes_are_seen_in_paths():
    for curvature in np.linspace(0.02, 3.3, 23):
        method = HeavyBall(learning_rate=1.0, momentum=0.4)
        path = simulate(method, Quadratic([curvature]), steps=60).points[30:, 0]
        signs = np.sign(path[1:] * path[:-1])
        seen = {
            Regime.MONOTONE: (signs > 0).all(),
            Regime.OSCILLATING: (signs < 0).all(),
            Regime.DIVERGING: abs(path[-1]) > abs(path[0]),
            Regime.RIPPLES: True,
        }
        assert seen[regime(method, curvature)], curvature


def test_regimes_are_named_for_two_slots_only():
    method = LinearMethod(A=np.eye(3), B=np.ones((3, 1)), C=np.ones((1, 3)))
    with pytest.raises(NotTraceableError, match="named for two slots; this method has 3"):
        regime(method, 1.0)


def test_radius_of_two_gradients_is_per_period():
    method = Extragradient(learning_rate=0.2)
    assert state_space(method).gradients == 2
    assert spectral_radius(method, 1.0) == pytest.approx(1 - 0.2 + 0.04)
