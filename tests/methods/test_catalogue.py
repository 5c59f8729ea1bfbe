"""Every method, found by inspection: linear, at rest at the solution, and its own state space."""

import dataclasses
import inspect

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    HeavyBall,
    LinearMethod,
    Quadratic,
    Scheduled,
    characteristic_polynomial,
    methods,
    simulate,
    state_space,
    symbol,
    transition_matrix,
)
from momentum_dynamics.methods.protocol import output_of, period_of, stage_of, transient_of
from momentum_dynamics.notation import quantities

VALUES = {
    "learning_rate": 0.13, "momentum": 0.6, "lookahead": 0.35, "discount": 0.7, "phase": 0.8,
    "smallest_curvature": 0.2, "largest_curvature": 3.0, "robustness": 0.3, "variance": 1.4,
    "aspect_ratio": 0.3, "dampening": 0.25,
}  # fmt: skip

HAND_MADE = {
    LinearMethod: LinearMethod(
        A=[[1.4, -0.4, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.2]],
        B=[[-0.1], [0.0], [0.05]],
        C=[[1.2, -0.2, 0.0]],
        E=[[1.0, 0.0, 0.0]],
    ),
    Scheduled: Scheduled(
        stages=[HeavyBall(learning_rate=rate, momentum=0.6) for rate in (0.3, 0.2, 0.1)]
    ),
}

CLASSES = [
    cls
    for name in methods.__all__
    if inspect.isclass(cls := getattr(methods, name))
    and all(hasattr(cls, member) for member in ("initial_state", "query", "update"))
    and cls is not methods.Method
]
RECORDS = [cls for cls in CLASSES if cls not in HAND_MADE]


def make(cls, **changed):
    if cls in HAND_MADE:
        return HAND_MADE[cls]
    return cls(**{name: changed.get(name, VALUES[name]) for name in quantities(cls)})


def symbolic(cls):
    return cls(**{name: symbol(name) for name in quantities(cls)})


SETTLED = [cls for cls in CLASSES if period_of(make(cls)) is not None]
ONE_GRADIENT = [cls for cls in SETTLED if period_of(make(cls)) == 1 and not transient_of(make(cls))]

every_method = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
every_record = pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)


every_settled = pytest.mark.parametrize("cls", SETTLED, ids=lambda cls: cls.__name__)
one_gradient = pytest.mark.parametrize("cls", ONE_GRADIENT, ids=lambda cls: cls.__name__)


def random_state(method, rng, dimension=3):
    return tuple(rng.normal(size=dimension) for _ in method.initial_state(0))


def combined(first, second, weight):
    return tuple(a + weight * b for a, b in zip(first, second, strict=True))


def test_inspection_finds_the_methods():
    names = {cls.__name__ for cls in CLASSES}
    assert {"HeavyBall", "Nesterov", "Extragradient", "Chebyshev", "LinearMethod"} <= names
    assert len(names) >= 12


@every_method
@pytest.mark.parametrize("step", [0, 1, 2, 7])
def test_is_linear(cls, step):
    rng = np.random.default_rng(step)
    method = make(cls)
    stage = stage_of(method, step)
    first, second = random_state(method, rng), random_state(method, rng)
    g, k = rng.normal(size=(2, 3))
    for part in (
        stage.update,
        lambda state, _: (stage.query(state),),
        lambda state, _: (output_of(method, state),),
        lambda state, _: method.initial_state(state[0]),
    ):
        whole = part(combined(first, second, -0.7), g - 0.7 * k)
        pieces = combined(part(first, g), part(second, k), -0.7)
        np.testing.assert_allclose(whole, pieces, rtol=1e-12, atol=1e-12)


@every_method
def test_rests_where_no_gradient_pulls(cls):
    method = make(cls)
    point = np.array([1.5, -2.0])
    state = method.initial_state(point)
    for step in range(5):
        stage = stage_of(method, step)
        np.testing.assert_allclose(stage.query(state), point, atol=1e-12)
        np.testing.assert_allclose(output_of(method, state), point, atol=1e-12)
        moved = stage.update(state, np.zeros(2))
        np.testing.assert_allclose(moved, state, atol=1e-12)
        state = moved


@every_method
def test_a_solution_is_a_fixed_point_of_the_simulation(cls):
    problem = Quadratic([0.5, 2.0], solution=[3.0, -1.0])
    run = simulate(make(cls), problem, steps=12, start=problem.solution, engine="direct")
    np.testing.assert_allclose(run.points, np.broadcast_to(problem.solution, (13, 2)), atol=1e-11)


def by_matrices(method, curvature, start, steps):
    """Queries and answers of one mode, from the state space of every single step."""
    state = np.array([float(slot) for slot in method.initial_state(start)])
    queries, answers = [], []
    for step in range(steps + 1):
        system = state_space(method, step=step)
        queries.append((system.C @ state).item())
        answers.append((system.E @ state).item())
        state = (system.A + curvature * system.B @ system.C) @ state
    return np.array(queries), np.array(answers)


@every_method
def test_simulation_is_the_product_of_matrices(cls):
    method, curvatures = make(cls), np.array([0.3, 1.0, 2.5])
    start = np.array([1.0, -2.0, 0.5])
    run = simulate(method, Quadratic(curvatures), steps=25, start=start, engine="direct")
    for mode, (curvature, begun) in enumerate(zip(curvatures, start, strict=True)):
        queries, answers = by_matrices(method, curvature, begun, 25)
        np.testing.assert_allclose(run.points[:, mode], queries, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(run.outputs[:, mode], answers, rtol=1e-10, atol=1e-12)


@every_settled
def test_simulation_is_the_power_of_the_settled_transition(cls):
    method = make(cls)
    period, transient = period_of(method), transient_of(method)
    matrix, system = transition_matrix(method, 0.8), state_space(method)
    run = simulate(method, Quadratic([0.8]), steps=transient + 6 * period, start=[1.0])
    state = np.array([float(slot) for slot in method.initial_state(1.0)])
    for step in range(transient):
        first = state_space(method, step=step)
        state = (first.A + 0.8 * first.B @ first.C) @ state
    for turn in range(7):
        answer = (system.E @ np.linalg.matrix_power(matrix, turn) @ state).item()
        assert run.outputs[transient + turn * period, 0] == pytest.approx(answer, rel=1e-10)


SCALING = {
    "learning_rate": -1, "smallest_curvature": 1, "largest_curvature": 1, "variance": 1,
}  # fmt: skip


@every_record
def test_only_learning_rate_times_curvature_matters(cls):
    """The scale of the curvature is known by the learning rate, or by the ends of the spectrum."""
    factor, curvature = 3.7, 0.9
    scales = {
        name: VALUES[name] * factor ** SCALING[name] for name in quantities(cls) if name in SCALING
    }
    assert scales, "nothing tells this method the scale of the curvature"
    step = 4 if period_of(make(cls)) is None else None
    before, after = make(cls), make(cls, **scales)
    if step is not None:
        before, after = before.stage(step), after.stage(step)
    np.testing.assert_allclose(
        characteristic_polynomial(after, factor * curvature),
        characteristic_polynomial(before, curvature),
        rtol=1e-12, atol=1e-14,
    )  # fmt: skip


@every_record
def test_symbolic_state_space_evaluates_to_the_numeric_one(cls):
    step = 3 if period_of(make(cls)) is None else None
    numbers, symbols = state_space(make(cls), step=step), state_space(symbolic(cls), step=step)
    assert symbols.is_symbolic
    assert not numbers.is_symbolic
    values = {symbol(name): sympy.Float(value, 30) for name, value in VALUES.items()}
    for name in "ABCDE":
        matrix = getattr(symbols, name)
        assert isinstance(matrix, sympy.MatrixBase), "one symbol makes all five exact"
        assert not matrix.atoms(sympy.Float)
        evaluated = np.array(matrix.subs(values).evalf().tolist(), dtype=float)
        np.testing.assert_allclose(evaluated, getattr(numbers, name), rtol=1e-12, atol=1e-15)


@one_gradient
def test_round_trip_through_a_linear_method(cls):
    method = make(cls)
    system = state_space(method)
    twin = LinearMethod(A=system.A, B=system.B, C=system.C, D=system.D, E=system.E)
    problem = Quadratic([0.4, 1.0, 2.0])
    runs = [simulate(each, problem, steps=40, engine="direct") for each in (method, twin)]
    np.testing.assert_allclose(runs[0].points, runs[1].points, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(runs[0].outputs, runs[1].outputs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cls", [methods.HeavyBall, methods.Nesterov, methods.QuasiHyperbolic])
def test_round_trip_with_symbols(cls):
    method = symbolic(cls)
    system = state_space(method)
    twin = LinearMethod(A=system.A, B=system.B, C=system.C, E=system.E)
    again = state_space(twin)
    for name in "ABCE":
        assert sympy.simplify(getattr(system, name) - getattr(again, name)).is_zero_matrix
    weights = [sympy.simplify(entry) for entry in twin.initial_state(1)]
    assert weights == [sympy.sympify(entry) for entry in method.initial_state(1)]


@every_method
def test_output_is_the_query_unless_said_otherwise(cls):
    method = make(cls)
    state = random_state(method, np.random.default_rng(5))
    if not hasattr(cls, "output"):
        np.testing.assert_array_equal(output_of(method, state), method.query(state))
        np.testing.assert_array_equal(state_space(method, step=0).E, state_space(method, step=0).C)
    else:
        np.testing.assert_array_equal(output_of(method, state), method.output(state))


@every_record
def test_fields_carry_batch_axes(cls):
    names = quantities(cls)
    factors = np.array([0.9, 1.0, 1.05])
    whole = make(cls, **{name: VALUES[name] * factors for name in names})
    problem = Quadratic([0.5, 1.5])
    run = simulate(whole, problem, steps=9)
    assert run.points.shape == (10, 3, 2)
    for place, factor in enumerate(factors):
        alone = make(cls, **{name: VALUES[name] * factor for name in names})
        single = simulate(alone, problem, steps=9)
        np.testing.assert_allclose(run.outputs[:, place], single.outputs, rtol=1e-12, atol=1e-14)
        step = 2 if period_of(alone) is None else None
        for part in "ABCDE":
            stacked = getattr(state_space(whole, step=step), part)
            own = getattr(state_space(alone, step=step), part)
            shape = np.broadcast_to(stacked, (3, *own.shape))
            np.testing.assert_allclose(shape[place], own, rtol=1e-12, atol=1e-15)


@every_record
@pytest.mark.parametrize("wrong", [np.nan, "fast", None, 1j, [], [0.1, np.nan]])
def test_fields_refuse_what_is_no_number(cls, wrong):
    name = dataclasses.fields(cls)[0].name
    with pytest.raises(ValueError, match=name):
        make(cls, **{name: wrong})


@every_record
def test_is_immutable_and_compared_by_identity(cls):
    method = make(cls)
    name = dataclasses.fields(cls)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(method, name, 1.0)
    assert method != make(cls)
    assert method == method  # noqa: PLR0124 - identity is what is tested
    with pytest.raises(TypeError):
        cls(1.0)
