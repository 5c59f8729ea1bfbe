"""The gradient transformation for optax: as the NumPy tuner, compiled and scanned."""

import numpy as np
import pytest

from momentum_dynamics import DomainError, ShapeError, YellowFin

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import jax.numpy as jnp  # noqa: E402

from momentum_dynamics.adapters.optax import yellowfin  # noqa: E402

pytestmark = pytest.mark.extras

COMPILED = (
    "biased", "clip-norm", "first-momentum", "linear-smoothing", "paper", "paper-several",
    "released-root", "several", "sparse", "spikes", "weight-decay", "zeros-at-first",
)  # fmt: skip
"""A case of each kind: every one is compiled anew."""


def info(state):
    used = {"learning_rate": state.learning_rate, "momentum": state.momentum, "clip": state.clip}
    return {name: float(value) for name, value in (used | state.reading._asdict()).items()}


def stepper(settings, start):
    optimizer = yellowfin(**settings)
    points = [jnp.asarray(point) for point in start]
    state = optimizer.init(points)
    update = jax.jit(optimizer.update)

    def step(gradients):
        nonlocal points, state
        moves, state = update([jnp.asarray(one) for one in gradients], state, points)
        points = optax.apply_updates(points, moves)
        return [np.asarray(point) for point in points], info(state)

    return step


@pytest.mark.parametrize("case", COMPILED, indirect=True)
def test_walks_like_the_numpy_tuner(case, walk):
    settings, scenario, (used, end) = case
    with jax.enable_x64(True):
        ours, here = walk(scenario, stepper(settings, scenario.start()))
    np.testing.assert_allclose(ours, used, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(here, end, rtol=1e-9, atol=1e-9)


CURVATURES = np.geomspace(0.1, 10, 10)


def scanned(optimizer, noise, start):
    """All steps in one compiled loop."""

    def body(carry, push):
        point, state = carry
        moves, state = optimizer.update(
            jnp.asarray(CURVATURES, push.dtype) * point + push, state, point
        )
        return (optax.apply_updates(point, moves), state), state.learning_rate

    return jax.lax.scan(body, (start, optimizer.init(start)), noise)


def test_scans_in_single_precision_like_the_numpy_tuner():
    noise = np.random.default_rng(0).standard_normal((600, 10)).astype(np.float32)
    (end, state), rates = scanned(yellowfin(preset="reference"), jnp.asarray(noise), jnp.ones(10))
    assert {leaf.dtype.name for leaf in jax.tree.leaves(state)} == {"int32", "float32"}
    tuner = YellowFin(preset="reference")
    point = np.ones(10)
    memory = tuner.init(point)
    expected = []
    for push in noise.astype(float):
        memory, point, used = tuner.update(memory, CURVATURES * point + push, point)
        expected.append(used["learning_rate"])
    np.testing.assert_allclose(rates[20:], expected[20:], rtol=2e-3)
    np.testing.assert_allclose(end, point, atol=2e-3)


def test_first_readings_in_single_precision_have_six_digits():
    """An average that has seen a thousandth of its weight is divided by it."""
    optimizer = yellowfin()
    gradient = jnp.asarray(np.linspace(1, 2, 7), jnp.float32)
    state, update = optimizer.init(gradient), jax.jit(optimizer.update)
    for _ in range(3):
        _, state = update(gradient, state)
        assert float(state.reading.h_max) == pytest.approx(float(gradient @ gradient), rel=2e-6)


def test_without_smoothing_the_last_gradient_is_all_there_is():
    optimizer = yellowfin(smoothing=0.0, window=1)
    state = optimizer.init(jnp.ones(3))
    for size in (1.0, 2.0):
        _, state = optimizer.update(jnp.full(3, size), state)
        assert float(state.reading.h_max) == pytest.approx(3 * size**2)


def test_a_restored_state_goes_on_bit_for_bit():
    noise = jnp.asarray(np.random.default_rng(0).standard_normal((40, 10)), jnp.float32)
    optimizer = yellowfin(preset="reference", window=7)
    step = jax.jit(optimizer.update)
    state, point, stored = optimizer.init(jnp.ones(10)), jnp.ones(10), None
    for k, push in enumerate(noise):
        if k == 20:
            stored = [np.asarray(leaf) for leaf in jax.tree.leaves((state, point))]
        moves, state = step(push + point, state, point)
        point = point + moves
    again, place = jax.tree.unflatten(jax.tree.structure((state, point)), stored)
    for push in noise[20:]:
        moves, again = step(push + place, again, place)
        place = place + moves
    np.testing.assert_array_equal(place, point)


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_zero_and_constant_gradients_keep_single_precision_finite(preset):
    optimizer = yellowfin(preset=preset)
    update = jax.jit(optimizer.update)
    for gradient in (jnp.zeros(3), jnp.full(3, 1e4), jnp.full(3, 1e-12)):
        state = optimizer.init(gradient)
        for _ in range(30):
            moves, state = update(gradient, state)
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves((moves, state)))
        assert 0 <= float(state.momentum) < 1


def test_half_precision_parameters_have_averages_in_single():
    optimizer = yellowfin(preset="reference")
    params = {"w": jnp.ones((3, 2), jnp.bfloat16), "b": jnp.ones(2, jnp.bfloat16)}
    state = optimizer.init(params)
    moves, state = jax.jit(optimizer.update)(params, state, params)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(moves)} == {"bfloat16"}
    assert {leaf.dtype.name for leaf in jax.tree.leaves(state)} == {"int32", "float32"}


def test_weight_decay_needs_the_parameters():
    optimizer = yellowfin(weight_decay=0.1)
    state = optimizer.init(jnp.ones(3))
    with pytest.raises(DomainError, match="weight_decay needs the parameters"):
        optimizer.update(jnp.ones(3), state)


def test_composes_with_optax():
    optimizer = optax.apply_if_finite(
        optax.chain(optax.clip_by_global_norm(1.0), yellowfin(preset="reference")), 5
    )
    point = jnp.ones(3)
    state = optimizer.init(point)
    update = jax.jit(optimizer.update)
    _, state = update(jnp.ones(3), state, point)
    moves, state = update(jnp.array([1.0, jnp.nan, 1.0]), state, point)
    assert (moves == 0).all()
    moves, state = update(jnp.ones(3), state, point)
    assert jnp.isfinite(moves).all()


@pytest.mark.parametrize("spoiled", [jnp.ones(4), jnp.ones(()), {"w": jnp.ones(3)}])
@pytest.mark.parametrize("what", ["gradients", "parameters"])
def test_other_shapes_are_refused_where_they_would_be_broadcast(what, spoiled):
    optimizer, point = yellowfin(weight_decay=0.1), jnp.ones(3)
    given = (spoiled, point) if what == "gradients" else (point, spoiled)
    for update in (optimizer.update, jax.jit(optimizer.update)):
        with pytest.raises(ShapeError, match=f"The {what} are .* the state is of parameters"):
            update(given[0], optimizer.init(point), given[1])


@pytest.mark.parametrize("kind", [jnp.int32, jnp.bool_, jnp.complex64])
def test_what_has_no_fraction_is_refused(kind):
    optimizer = yellowfin()
    with pytest.raises(DomainError, match=r"A parameter is .* floating-point array"):
        optimizer.init({"w": jnp.ones(3), "n": jnp.ones(3, kind)})
    with pytest.raises(DomainError, match=r"A gradient is .* floating-point array"):
        optimizer.update(jnp.ones(3, kind), optimizer.init(jnp.ones(3)))


def test_the_state_of_another_transformation_or_window_is_refused():
    point = jnp.ones(3)
    with pytest.raises(DomainError, match="what its init or its last update returned"):
        yellowfin().update(point, optax.adam(0.1).init(point), point)
    with pytest.raises(ShapeError, match="holds a window of 20, but window is 5"):
        yellowfin(window=5).update(point, yellowfin().init(point), point)


def test_no_parameters_at_all_are_nothing_to_do():
    optimizer = yellowfin(preset="reference", sparsity_debias=True)
    moves, state = jax.jit(optimizer.update)({}, optimizer.init({}), {})
    assert moves == {}
    assert int(state.step) == 1


def test_a_schedule_that_comes_after_is_a_factor_on_the_learning_rate():
    half = yellowfin(preset="reference", learning_rate_factor=0.5)
    chained = optax.chain(yellowfin(preset="reference"), optax.scale(0.5))
    points = [jnp.ones(3), jnp.ones(3)]
    states = [half.init(points[0]), chained.init(points[1])]
    for step in range(30):
        for place, optimizer in enumerate((half, chained)):
            gradient = points[place] * (1 + 0.1 * (-1) ** step)
            moves, states[place] = optimizer.update(gradient, states[place], points[place])
            points[place] = optax.apply_updates(points[place], moves)
    np.testing.assert_allclose(points[0], points[1], rtol=1e-5)


def test_a_factor_in_the_state_is_one_on_the_learning_rate():
    """Traced where the update is compiled, and to be changed between two steps."""
    injected = optax.inject_hyperparams(
        lambda factor: yellowfin(preset="reference", learning_rate_factor=factor)
    )(factor=0.5)
    half = yellowfin(preset="reference", learning_rate_factor=0.5)
    point = jnp.ones(3)
    state, plain = injected.init(point), half.init(point)
    update, told = jax.jit(injected.update), jax.jit(half.update)
    for step in range(30):
        gradient = point * (1 + 0.1 * (-1) ** step)
        moves, state = update(gradient, state, point)
        expected, plain = told(gradient, plain, point)
        np.testing.assert_allclose(moves, expected, rtol=1e-5)
    rates = []
    for factor in (0.5, 0.25):
        state.hyperparams["factor"] = jnp.asarray(factor)
        rates.append(float(update(gradient, state, point)[1].inner_state.learning_rate))
    assert rates[1] == pytest.approx(rates[0] / 2, rel=1e-6)


def test_a_schedule_of_the_factor_in_the_state():
    """On the same gradients the tuned learning rate is the same, whatever the factor was."""
    schedule = optax.linear_schedule(1.0, 0.5, 10)
    scheduled = optax.inject_hyperparams(lambda factor: yellowfin(learning_rate_factor=factor))(
        factor=schedule
    )
    plain, point = yellowfin(), jnp.ones(3)
    state, alone = scheduled.init(point), plain.init(point)
    update, tell = jax.jit(scheduled.update), jax.jit(plain.update)
    for step in range(12):
        _, state = update(point, state, point)
        _, alone = tell(point, alone, point)
        told = float(state.inner_state.learning_rate / alone.learning_rate)
        assert told == pytest.approx(float(schedule(step)), rel=1e-6)
