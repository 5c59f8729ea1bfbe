"""Formulas as MathML, for the pages: what SymPy prints, but for what it gets wrong."""

from __future__ import annotations

import re
from typing import Any

import sympy
from sympy.printing.conventions import requires_partial, split_super_sub
from sympy.printing.mathml import MathMLPresentationPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol

__all__ = ["to_mathml"]

_MACRO = re.compile(r"\\([A-Za-z]+) ?")
_LETTERS = {"ell": "ℓ", "infty": "∞", "nabla": "∇", "varepsilon": "ε", "varphi": "φ"}
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def to_mathml(statement: Any) -> str:
    r"""A displayed formula, with the letters that LaTeX would show.

    Parameters
    ----------
    statement : sympy.Basic or tuple
        What a claim states. Names of symbols are SymPy's (``muhat``) or hold macros of single
        signs (``\nabla E``).
    """
    markup = _Printer().doprint(statement)
    return f'<math display="block">{markup.replace("<mo>-</mo>", "<mo>&#x2212;</mo>")}</math>'


class _Printer(MathMLPresentationPrinter):  # type: ignore[misc] # SymPy has no types
    """SymPy's spells some letters out, makes names of functions small, and prints d²/d²t."""

    def _print_Symbol(self, symbol: Any, style: str = "plain") -> Any:
        base, above, below = split_super_sub(symbol.name)
        parts = [base, *(f"^{part}" for part in above), *(f"_{part}" for part in below)]
        return super()._print_Symbol(sympy.Symbol("".join(map(_in_letters, parts))), style)

    def _print_AppliedUndef(self, applied: Any) -> Any:
        return self._call(applied.func.__name__, applied.args)

    def _print_Order(self, order: Any) -> Any:
        return self._call("O", [order.expr])

    def _print_harmonic(self, number: Any) -> Any:
        return self._call("H", number.args)

    def _print_hyper(self, series: Any) -> Any:
        counts = f"{len(series.ap)}F{len(series.bq)}"
        return self._call(counts.translate(_LOWERED), (*series.ap, *series.bq, series.argument))

    def _print_Subs(self, subs: Any) -> Any:
        where = map(sympy.Eq, subs.variables, subs.point)
        return self._tag(
            "msub", self._tag("mrow", subs.expr, self._sign("|")), self._tag("mrow", *where)
        )

    def _print_Derivative(self, derivative: Any) -> Any:
        d = "∂" if requires_partial(derivative.expr) else "d"
        above = self._power(self._sign(d), sum(times for _, times in derivative.variable_count))
        below = [
            part
            for variable, times in derivative.variable_count
            for part in (self._sign(d), self._power(variable, times))
        ]
        operator = self._tag("mfrac", above, self._tag("mrow", *below))
        return self._tag("mrow", operator, derivative.expr)

    def _call(self, name: str, arguments: Any) -> Any:
        first, *others = arguments
        more = [part for item in others for part in (self._sign(","), item)]
        inside = self._tag("mrow", self._sign("("), first, *more, self._sign(")"))
        return self._tag("mrow", sympy.Symbol(name), inside)

    def _power(self, base: Any, exponent: Any) -> Any:
        return base if exponent == 1 else self._tag("msup", base, exponent)

    def _sign(self, text: str) -> Any:
        sign = self.dom.createElement("mo")
        sign.appendChild(self.dom.createTextNode(text))
        return sign

    def _tag(self, tag: str, *items: Any) -> Any:
        """An element of elements; what is none yet is printed."""
        element = self.dom.createElement(tag)
        for item in items:
            element.appendChild(item if hasattr(item, "nodeType") else self._print(item))
        return element


def _in_letters(part: str) -> str:
    r"""A part of a name with its mark, in letters: φ for varphi, _μ̂ for _muhat, ∇E for \nabla E."""
    mark = part[0] if part[0] in "^_" else ""
    name = _MACRO.sub(lambda macro: _in_letter(macro[1]), part.removeprefix(mark))
    return mark + _in_letter(name)


def _in_letter(word: str) -> str:
    return _LETTERS.get(word) or str(pretty_symbol(word))
