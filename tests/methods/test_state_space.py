"""Superposition: what it reads, what it refuses, and `LinearMethod`, the way back."""

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Chebyshev,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    Nesterov,
    Quadratic,
    ShapeError,
    simulate,
    spectral_radius,
    state_space,
    symbol,
)
from momentum_dynamics.methods.protocol import spread
from momentum_dynamics.methods.rows import combine, stack


def test_nesterov_by_hand():
    system = state_space(Nesterov(learning_rate=0.1, momentum=0.5))
    np.testing.assert_allclose(system.A, [[1.5, -0.5], [1, 0]])
    np.testing.assert_allclose(system.B, [[-0.1], [0]])
    np.testing.assert_allclose(system.C, [[1.5, -0.5]])
    np.testing.assert_allclose(system.D, [[0]])
    np.testing.assert_allclose(system.E, [[1, 0]])
    assert (system.slots, system.gradients) == (2, 1)


def test_extragradient_by_hand():
    """Two gradients a period; the second query hangs on the first gradient."""
    system = state_space(Extragradient(learning_rate=0.25))
    np.testing.assert_allclose(system.A, [[1, 0], [1, 0]])
    np.testing.assert_allclose(system.B, [[0, -0.25], [0, -0.25]])
    np.testing.assert_allclose(system.C, [[1, 0], [1, 0]])
    np.testing.assert_allclose(system.D, [[0, 0], [-0.25, 0]])
    step = 0.25 * 1.2
    closed, noise = system.closed_rows(1.2)
    np.testing.assert_allclose(stack(closed), [[1 - step + step**2, 0], [1 - step + step**2, 0]])
    np.testing.assert_allclose(stack(noise)[0], [0.25 * step, -0.25])


def test_one_step_of_extragradient():
    odd = state_space(Extragradient(learning_rate=0.25), step=3)
    np.testing.assert_allclose(odd.C, [[0, 1]])
    np.testing.assert_allclose(odd.E, [[1, 0]])


def test_proximal_step_has_feedthrough_on_the_diagonal():
    """A query that hangs on its own gradient: x₊ = x − αh x₊ contracts by 1/(1 + αh)."""
    from momentum_dynamics.methods import StateSpace

    system = StateSpace(
        transition=((1,),), injection=((-0.5,),), observation=((1,),), feedthrough=((-0.5,),),
        readout=((1,),),
    )  # fmt: skip
    assert stack(system.closed_rows(3.0)[0]) == pytest.approx(1 / (1 + 0.5 * 3.0))


def test_methods_that_never_settle_ask_for_a_step():
    method = Chebyshev(smallest_curvature=0.1, largest_curvature=1.0)
    with pytest.raises(DomainError, match=r"state_space\(method, step="):
        state_space(method)
    assert state_space(method, step=5).slots == 2


def test_negative_steps_are_refused():
    with pytest.raises(DomainError, match="step is -1, but must be a whole number in"):
        state_space(GradientDescent(learning_rate=0.1), step=-1)


class Warmed:
    """Gradient descent with an exceptional first step."""

    transient = 1

    def stage(self, step):
        return GradientDescent(learning_rate=0.1 if step else 0.5)

    def initial_state(self, point):
        return (point,)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        return self.stage(0).update(state, gradient)


def test_a_transient_is_left_out_of_the_settled_system():
    assert pytest.approx(-0.1) == state_space(Warmed()).B
    assert pytest.approx(-0.5) == state_space(Warmed(), step=0).B
    assert spectral_radius(Warmed(), 1.0) == pytest.approx(0.9)
    run = simulate(Warmed(), Quadratic([1.0]), steps=3)
    assert run.points[-1, 0] == pytest.approx(0.5 * 0.9**2)


def moving(offset=0.0, slots=1):
    class Odd:
        def initial_state(self, point):
            return (point,)

        def query(self, state):
            return state[0]

        def update(self, state, gradient):
            return (state[0] - gradient + offset,) * slots

    return Odd()


def test_an_offset_is_no_linear_method():
    with pytest.raises(DomainError, match="is not linear: from a state of zeros"):
        state_space(moving(offset=1.0))
    with pytest.raises(DomainError, match="is not linear"):
        state_space(moving(offset=symbol("momentum")))


def test_slots_must_not_change_their_number():
    with pytest.raises(ShapeError, match="returns 2 slots, but initial_state 1"):
        state_space(moving(slots=2))


def test_batch_axes_that_do_not_broadcast_are_refused():
    with pytest.raises(ShapeError, match=r"learning_rate \(3,\), momentum \(4,\); give each"):
        HeavyBall(learning_rate=np.ones(3), momentum=np.ones(4))
    with pytest.raises(ShapeError, match="do not broadcast"):
        stack(((np.ones(3), np.ones(4)),))


def test_batch_axes_broadcast():
    method = HeavyBall(learning_rate=np.ones((3, 1)), momentum=np.ones(4))
    assert state_space(method).A.shape == (3, 4, 2, 2)
    assert spectral_radius(method, 1.0).shape == (3, 4)


def test_one_symbol_makes_all_matrices_exact():
    system = state_space(GradientDescent(learning_rate=symbol("learning_rate")))
    assert isinstance(system.A, sympy.MatrixBase)
    ball = state_space(HeavyBall(learning_rate=1, momentum=symbol("momentum")))
    assert all(isinstance(getattr(ball, name), sympy.MatrixBase) for name in "ABCDE")
    assert sympy.eye(1) == system.A
    assert "\\alpha" in system._repr_latex_()
    assert "0.1" in state_space(GradientDescent(learning_rate=0.1))._repr_latex_()


def test_combine_leaves_plain_zeros_out():
    assert combine((0, 2), (np.inf, 3.0)) == 6.0
    assert combine((sympy.Integer(0), 1), (np.nan, 4)) == 4


MATRICES = {"A": np.diag([1.0, 0.5]), "B": np.ones((2, 1)), "C": np.ones((1, 2))}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("A", np.ones((2, 3))), ("B", np.ones((2, 2))), ("C", np.ones((2, 2))), ("E", np.ones((1, 3))),
     ("D", np.ones((2, 2)))],
)  # fmt: skip
def test_linear_method_refuses_shapes_that_do_not_fit(name, wrong):
    with pytest.raises(ShapeError, match="one gradient a step it must end in"):
        LinearMethod(**{**MATRICES, name: wrong})


def test_linear_method_refuses_proximal_steps():
    with pytest.raises(ShapeError, match="proximal"):
        LinearMethod(**MATRICES, D=[[0.1]])
    assert LinearMethod(**MATRICES, D=[[0.0]]).query((1.0, 2.0)) == 3.0


def test_linear_method_finds_its_rest():
    ball = state_space(HeavyBall(learning_rate=0.1, momentum=0.9))
    method = LinearMethod(A=ball.A, B=ball.B, C=ball.C)
    np.testing.assert_allclose(method.initial_state(2.0), (2.0, 2.0))
    given = LinearMethod(A=ball.A, B=ball.B, C=ball.C, start=(1.0, 0.0))
    assert given.initial_state(2.0) == (2.0, 0.0)


def test_linear_method_takes_lists_and_batches():
    ball = HeavyBall(learning_rate=np.array([0.1, 0.2]), momentum=0.5)
    system = state_space(ball)
    twin = LinearMethod(A=system.A, B=system.B, C=system.C, E=system.E)
    problem = Quadratic([0.5, 1.0, 2.0])
    np.testing.assert_allclose(
        simulate(twin, problem, steps=9).points, simulate(ball, problem, steps=9).points, rtol=1e-12
    )
    started = LinearMethod(A=system.A, B=system.B, C=system.C, start=(np.ones(2), np.ones(2)))
    np.testing.assert_allclose(
        simulate(started, problem, steps=9).points,
        simulate(ball, problem, steps=9).points,
        rtol=1e-12,
    )
    plain = LinearMethod(A=[[1.0]], B=[[-0.1]], C=[[1.0]])
    assert spectral_radius(plain, 1.0) == pytest.approx(0.9)


def test_spread_moves_batch_axes_in_front_of_points():
    ball = HeavyBall(learning_rate=np.ones((3, 1)), momentum=0.5)
    assert spread(ball, 2).learning_rate.shape == (3, 1, 1, 1)
    assert spread(HeavyBall(learning_rate=0.1, momentum=0.5), 2).learning_rate == 0.1
    own = Warmed()
    assert spread(own, 2) is own
