"""What is no linear method, and matrices that have no state at rest."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    HeavyBall,
    LinearMethod,
    Quadratic,
    ShapeError,
    UnknownNameError,
    analyze,
    simulate,
    spectral_radius,
    state_space,
    tune,
)


@dataclasses.dataclass(frozen=True)
class Custom:
    """A method with any update and query of one slot."""

    move: object
    ask: object = staticmethod(lambda state: state[0])

    def initial_state(self, point):
        return (point,)

    def query(self, state):
        return self.ask(state)

    def update(self, state, gradient):
        return (self.move(state[0], gradient),)


@pytest.mark.parametrize(
    "move",
    [
        lambda x, g: x**2 - g,
        lambda x, g: x - abs(g) * g,
        lambda x, g: x - g - x * g,
        lambda x, g: max(x, 0) - g,
        lambda x, g: x - np.sign(g),
    ],
    ids=["square", "gradient", "product", "clipped", "sign"],
)
def test_update_that_is_not_linear_is_refused(move):
    with pytest.raises(DomainError, match="Custom is not linear"):
        state_space(Custom(move))


def test_query_that_is_not_linear_is_refused():
    with pytest.raises(DomainError, match="Custom is not linear"):
        state_space(Custom(lambda x, g: x - g, lambda state: state[0] ** 3))


def test_linear_ones_are_read():
    assert state_space(Custom(lambda x, g: 0.3 * x - 1e9 * g)).B.item() == -1e9
    assert state_space(Custom(lambda x, g: x / 3 - g / 7)).A.item() == pytest.approx(1 / 3)


def test_matrices_without_a_state_at_rest_ask_for_a_start():
    method = LinearMethod(A=[[0.5]], B=[[-1.0]], C=[[1.0]])
    with pytest.raises(DomainError, match="give start="):
        method.initial_state(1.0)
    exact = LinearMethod(
        A=sympy.Matrix([[sympy.Rational(1, 2)]]), B=sympy.Matrix([[-1]]), C=sympy.Matrix([[1]])
    )
    with pytest.raises(DomainError, match="give start="):
        exact.initial_state(1)
    given = LinearMethod(A=[[0.5]], B=[[-1.0]], C=[[1.0]], start=[1.0])
    assert given.initial_state(2.0) == (2.0,)


@pytest.mark.parametrize("matrix", [1, [1.0]])
def test_one_number_is_no_matrix(matrix):
    with pytest.raises(ShapeError, match=r"write one slot as \[\[a\]\]"):
        LinearMethod(A=matrix, B=[[1]], C=[[1]])


@pytest.mark.parametrize("bad", [np.nan, "a", None])
def test_entries_that_are_no_numbers_are_refused(bad):
    with pytest.raises(DomainError, match="B is"):
        LinearMethod(A=[[1.0]], B=[[bad]], C=[[1.0]])
    with pytest.raises(DomainError, match="A is"):
        LinearMethod(A=sympy.Matrix([[sympy.nan]]), B=[[1.0]], C=[[1.0]])


def test_numbers_do_not_load_sympy():
    text = (
        "import sys; from momentum_dynamics import LinearMethod, spectral_radius; "
        "m = LinearMethod(A=[[1.0]], B=[[-0.1]], C=[[1.0]]); m.initial_state(1.0); "
        "spectral_radius(m, 1.0); sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_numbers_are_no_kinds():
    with pytest.raises(UnknownNameError, match="called 3"):
        tune(3, smallest_curvature=1, largest_curvature=2)


@pytest.mark.parametrize(
    "question",
    [
        state_space,
        lambda method: spectral_radius(method, 1.0),
        lambda method: simulate(method, Quadratic([1.0]), steps=2),
    ],
    ids=["state space", "radius", "simulate"],
)
@pytest.mark.parametrize(
    ("method", "message"),
    [
        (HeavyBall, "HeavyBall is a class; make a method of it first"),
        (3.0, "A float is no method: it has no initial_state and no query"),
        (
            type("Own", (), {"query": lambda _, s: s[0], "update": lambda _, s, __: s,
                             "initial_state": lambda _, x: [x]})(),
            r"Own.initial_state returns \[0\], but must return a tuple",
        ),
    ],
)  # fmt: skip
def test_what_is_no_method_is_told_what_to_do(question, method, message):
    with pytest.raises(DomainError, match=message):
        question(method)


def test_a_file_name_is_no_data():
    with pytest.raises(DomainError, match=r"'x.csv' is a name, no data; read it first: analyze"):
        analyze("x.csv")
