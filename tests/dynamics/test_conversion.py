"""Conversions are exact: same queries and answers, on fields that are not linear too."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    ExponentialAverage,
    Extragradient,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    KerasSGD,
    LinearMethod,
    Nesterov,
    QuasiHyperbolic,
    Rosenbrock,
    Scheduled,
    Sutskever,
    TorchSGD,
    TripleMomentum,
    UnknownNameError,
    convert,
    convert_state,
    equivalent_momentum,
    simulate,
    state_space,
    symbol,
)
from momentum_dynamics.dynamics.conversion import CONVENTIONS

PLAIN = {
    "polyak": HeavyBall(learning_rate=0.001, momentum=0.8),
    "pytorch": TorchSGD(learning_rate=0.001, momentum=0.8),
    "keras": KerasSGD(learning_rate=0.001, momentum=0.8),
    "average": ExponentialAverage(learning_rate=0.005, momentum=0.8),
    "sutskever": Sutskever(learning_rate=0.001, momentum=0.8, nesterov=False),
}
AHEAD = {
    "polyak": Nesterov(learning_rate=0.001, momentum=0.8),
    "pytorch": TorchSGD(learning_rate=0.001, momentum=0.8, nesterov=True),
    "keras": KerasSGD(learning_rate=0.001, momentum=0.8, nesterov=True),
    "average": ExponentialAverage(learning_rate=0.005, momentum=0.8, nesterov=True),
    "sutskever": Sutskever(learning_rate=0.001, momentum=0.8),
}
NESTEROV = [False, True]


def assert_same_run(first, second, steps=30, start=None):
    """On Rosenbrock's function, whose gradient is not linear."""
    starts = start or (None, None)
    runs = [
        simulate(each, Rosenbrock(), steps=steps, start=begun)
        for each, begun in zip((first, second), starts, strict=True)
    ]
    np.testing.assert_allclose(runs[0].points, runs[1].points, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(runs[0].outputs, runs[1].outputs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("nesterov", NESTEROV)
@pytest.mark.parametrize(("source", "target"), list(product(PLAIN, CONVENTIONS)))
def test_every_pair(source, target, nesterov):
    family = AHEAD if nesterov else PLAIN
    found = convert(family[source], to=target, nesterov=nesterov)
    assert type(found) is type(family[target])
    assert found.learning_rate == pytest.approx(family[target].learning_rate, rel=1e-15)
    assert found.momentum == family[target].momentum
    assert_same_run(family[source], found)


@settings(max_examples=25, deadline=None)
@given(
    rate=st.floats(1e-6, 10), momentum=st.floats(-0.99, 0.99),
    source=st.sampled_from(list(PLAIN)), target=st.sampled_from(list(PLAIN)),
    nesterov=st.booleans(),
)  # fmt: skip
def test_there_and_back(rate, momentum, source, target, nesterov):
    kind = CONVENTIONS[source].nesterov if nesterov else CONVENTIONS[source].plain
    method = kind(learning_rate=rate, momentum=momentum)
    back = convert(convert(method, target, nesterov), source, nesterov)
    assert back.learning_rate == pytest.approx(rate, rel=1e-9)
    assert back.momentum == pytest.approx(momentum, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("target", list(CONVENTIONS))
def test_dampening_becomes_a_first_step_of_its_own(target):
    damped = TorchSGD(learning_rate=0.002, momentum=0.8, dampening=0.25)
    found = convert(damped, to=target)
    assert isinstance(found, Scheduled)
    assert_same_run(damped, found)


def test_dampening_by_momentum_is_an_average_that_begins_with_a_whole_gradient():
    found = convert(TorchSGD(learning_rate=0.1, momentum=0.9, dampening=0.9), to="average")
    assert [stage.momentum for stage in found.stages] == [0.0, 0.9]
    assert [stage.learning_rate for stage in found.stages] == pytest.approx([0.1, 0.1], rel=1e-15)


RATES = (0.002, 0.002, 0.0005, 0.001)


@pytest.mark.parametrize("target", list(CONVENTIONS))
def test_a_changing_learning_rate_outside_the_velocity(target):
    schedule = Scheduled(stages=[TorchSGD(learning_rate=rate, momentum=0.8) for rate in RATES])
    assert_same_run(schedule, convert(schedule, to=target))


def test_momentum_correction():
    """PyTorch's momentum 0.8 is one of 0.8 α/α₋ in Keras, and the other way round 0.8 α₋/α."""
    torch = Scheduled(stages=[TorchSGD(learning_rate=rate, momentum=0.8) for rate in RATES])
    keras = Scheduled(stages=[KerasSGD(learning_rate=rate, momentum=0.8) for rate in RATES])
    into_keras = [stage.momentum for stage in convert(torch, to="keras").stages]
    into_torch = [stage.momentum for stage in convert(keras, to="pytorch").stages]
    np.testing.assert_allclose(into_keras, [0.8, 0.8, 0.2, 1.6, 0.8])
    np.testing.assert_allclose(into_torch, [0.8, 0.8, 3.2, 0.4, 0.8])
    assert_same_run(keras, convert(keras, to="pytorch"))
    uncorrected = simulate(keras, Rosenbrock(), steps=6).points
    assert np.abs(uncorrected - simulate(torch, Rosenbrock(), steps=6).points).max() > 1e-4


def test_nesterov_with_a_changing_learning_rate_inside_the_velocity():
    keras = Scheduled(
        stages=[KerasSGD(learning_rate=rate, momentum=0.8, nesterov=True) for rate in RATES]
    )
    for target in ("polyak", "sutskever"):
        assert_same_run(keras, convert(keras, to=target, nesterov=True))


def test_symbols():
    alpha, beta, theta = map(symbol, ("learning_rate", "momentum", "dampening"))
    average = convert(HeavyBall(learning_rate=alpha, momentum=beta), to="average")
    assert sympy.simplify(average.learning_rate - alpha / (1 - beta)) == 0
    assert average.momentum == beta
    damped = convert(TorchSGD(learning_rate=alpha, momentum=beta, dampening=theta), to="polyak")
    first, later = (stage.learning_rate for stage in damped.stages)
    assert first == alpha
    assert sympy.simplify(later - alpha * (1 - theta)) == 0


def test_batches_and_fractions():
    found = convert(HeavyBall(learning_rate=[0.1, 0.3], momentum=[0.9, 0.5]), to="average")
    np.testing.assert_allclose(found.learning_rate, [1.0, 0.6], rtol=1e-15)
    exact = convert(HeavyBall(learning_rate=Fraction(1, 3), momentum=Fraction(1, 2)), to="average")
    assert exact.learning_rate == pytest.approx(2 / 3, rel=1e-16)


def test_what_is_heavy_ball_without_being_called_so():
    """A method of one's own, a family's member, a matrix, and gradient descent that is stale."""

    @dataclass
    class Ball:
        rate: float

        def initial_state(self, point):
            return (point, 0 * point)

        def query(self, state):
            return state[0]

        def update(self, state, gradient):
            velocity = 0.7 * state[1] - self.rate * gradient
            return (state[0] + velocity, velocity)

    system = state_space(HeavyBall(learning_rate=0.002, momentum=0.7))
    same = [
        Ball(0.002),
        QuasiHyperbolic(learning_rate=0.002 / 0.3, momentum=0.7, discount=1.0),
        LinearMethod(A=system.A, B=system.B, C=system.C),
    ]
    for method in same:
        found = convert(method, to="pytorch")
        assert (found.learning_rate, found.momentum) == pytest.approx((0.002, 0.7), rel=1e-12)
    stale = equivalent_momentum(GradientDescent(learning_rate=0.1), GeometricDelay(workers=4))
    found = convert(stale, to="average")
    assert (found.learning_rate, found.momentum) == pytest.approx((0.1, 0.75), rel=1e-12)


def test_gradient_descent_is_momentum_zero_in_all():
    for target, nesterov in product(CONVENTIONS, NESTEROV):
        found = convert(GradientDescent(learning_rate=0.1), target, nesterov)
        assert (found.learning_rate, found.momentum) == (0.1, 0.0)


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        (AHEAD["polyak"], ("keras",), "ask for nesterov=True"),
        (PLAIN["polyak"], ("keras", True), "leave nesterov=True out"),
        (
            QuasiHyperbolic(learning_rate=0.1, momentum=0.9, discount=0.7),
            ("keras",),
            "asks its gradient 2.7 displacements ahead",
        ),
        (TripleMomentum(smallest_curvature=1.0, largest_curvature=10.0), ("pytorch",), "0.21096"),
        (Extragradient(learning_rate=0.1), ("polyak",), "do not settle to those of one step"),
        (Chebyshev(smallest_curvature=1, largest_curvature=2), ("polyak",), "do not settle"),
        (HeavyBall(learning_rate=0.1, momentum=1.0), ("average",), "momentum 1 takes no gradient"),
        (
            Scheduled(stages=[KerasSGD(learning_rate=r, momentum=0.9) for r in (0.1, 0.0, 0.1)]),
            ("pytorch",),
            "learning rate of 0",
        ),
        (
            Scheduled(stages=[TorchSGD(learning_rate=r, momentum=0.9, nesterov=True)
                              for r in (0.1, 0.1, 0.2)]),
            ("keras", True),
            "change with the step",
        ),
        (
            LinearMethod(A=np.diag([1.0, 0.5, 0.2]), B=-np.ones((3, 1)), C=np.ones((1, 3))),
            ("keras",),
            "does not answer a gradient as heavy ball",
        ),
        (
            LinearMethod(A=[[1.0]], B=[[-0.1]], C=[[2.0]], start=[1.0]),
            ("keras",),
            "does not start at rest",
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_refusals_say_why(method, arguments, message):
    with pytest.raises(DomainError, match=message):
        convert(method, *arguments)


def test_an_unknown_convention():
    with pytest.raises(UnknownNameError, match="did you mean 'keras'"):
        convert(PLAIN["polyak"], to="kears")


@pytest.mark.parametrize("nesterov", NESTEROV)
@pytest.mark.parametrize(("source", "target"), list(product(PLAIN, CONVENTIONS)))
def test_a_run_under_way_goes_on_in_another_convention(source, target, nesterov):
    """The velocity is mapped: stop after 7 steps, convert, and the path is as if never stopped."""
    family = AHEAD if nesterov else PLAIN
    method, problem = family[source], Rosenbrock()
    whole = simulate(method, problem, steps=20)
    state = method.initial_state(np.asarray(problem.start, dtype=float))
    for _ in range(7):
        state = method.update(state, problem.field(method.query(state)))
    found = convert(method, to=target, nesterov=nesterov)
    rest = simulate(found, problem, steps=13, start=convert_state(state, method, found))
    np.testing.assert_allclose(rest.points, whole.points[7:], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rest.outputs, whole.outputs[7:], rtol=1e-9, atol=1e-12)


def test_states_after_a_damped_first_step():
    """After the first step a damped method is heavy ball from the velocity −α·g₀."""
    damped = TorchSGD(learning_rate=0.1, momentum=0.9, dampening=0.9)
    ball = HeavyBall(learning_rate=0.01, momentum=0.9)
    first = damped.stage(0).update(damped.initial_state(1.0), 2.0)
    point, before = convert_state(first, damped, ball, step=1)
    assert (point, before) == pytest.approx((0.8, 1.0))


def test_states_of_symbols_and_of_no_momentum():
    x, v = sympy.symbols("x v")
    alpha, beta = symbol("learning_rate"), symbol("momentum")
    torch = TorchSGD(learning_rate=alpha, momentum=beta)
    point, before = convert_state((x, v), torch, convert(torch, to="polyak"))
    assert point == x
    assert sympy.simplify(before - (x + alpha * v)) == 0
    still = convert_state((1.0,), GradientDescent(learning_rate=0.1), PLAIN["keras"])
    assert still == (1.0, 0.0)


def test_states_of_unequal_methods_are_refused():
    with pytest.raises(DomainError, match="No state of KerasSGD goes on"):
        convert_state((1.0, 2.0), PLAIN["polyak"], KerasSGD(learning_rate=0.1, momentum=0.3))
