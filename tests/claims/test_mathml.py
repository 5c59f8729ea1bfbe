"""Formulas as MathML: what SymPy's own printer gets wrong."""

import html

import pytest
import sympy

from momentum_dynamics.claims.mathml import to_mathml

x, t, h = sympy.symbols("x t h")
f, q = sympy.Function("f"), sympy.Function("q")


def inside(statement):
    """The markup in the outermost element, its entities as characters."""
    return html.unescape(to_mathml(statement)).removeprefix('<math display="block">')[
        : -len("</math>")
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("varphi", "<mi>φ</mi>"),
        ("ell_2", "<msub><mi>ℓ</mi><mi>2</mi></msub>"),
        ("muhat_i", "<msub><mi>μ̂</mi><mi>i</mi></msub>"),
        ("mu^*", "<msup><mi>μ</mi><mi>*</mi></msup>"),
        (r"x_\infty", "<msub><mi>x</mi><mi>∞</mi></msub>"),
        (r"\nabla E", "<mi>∇E</mi>"),
        ("h_min", "<msub><mi>h</mi><mi>min</mi></msub>"),
    ],
)
def test_names_are_shown_in_letters(name, shown):
    assert inside(sympy.Symbol(name)) == shown


def test_a_function_keeps_its_capital_and_its_index():
    assert inside(sympy.Function("P_t")(x)).startswith("<mrow><msub><mi>P</mi><mi>t</mi></msub>")


def test_a_second_derivative_is_by_the_square_of_its_variable():
    fraction = "<mfrac><msup><mo>d</mo><mn>2</mn></msup><mrow><mo>d</mo><msup><mi>t</mi><mn>2</mn>"
    assert fraction in inside(sympy.Derivative(f(t), t, t))
    assert inside(sympy.Derivative(f(t, x), t, x)).count("<mo>∂</mo>") == 3


def test_a_value_of_a_derivative_says_where():
    printed = inside(sympy.Subs(sympy.Derivative(q(x), x), x, h))
    where = "<mo>|</mo></mrow><mrow><mrow><mi>x</mi><mo>=</mo><mi>h</mi>"
    assert printed.startswith("<msub>")
    assert where in printed


def test_an_order_and_a_series_have_their_usual_names():
    assert inside(sympy.Order(x**2)).startswith("<mrow><mi>O</mi><mrow><mo>(</mo><msup>")
    assert "<mi>₀F₁</mi>" in inside(sympy.hyper((), (h,), x))
    assert "<mi>H</mi>" in inside(sympy.harmonic(h))


def test_minus_signs_are_no_hyphens():
    assert "<mo>−</mo>" in inside(x - h)
