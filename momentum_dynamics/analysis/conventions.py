"""Which momentum is this? One method in every convention, as a table."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from math import inf
from typing import Any

from momentum_dynamics.dynamics.conversion import CONVENTIONS, convert
from momentum_dynamics.errors import DomainError
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.methods import Method, Scheduled
from momentum_dynamics.notation import symbol

__all__ = ["ConventionRow", "Conventions", "conventions", "update_rule"]


@dataclass(frozen=True, kw_only=True)
class ConventionRow:
    """A method in one convention.

    Attributes
    ----------
    convention : str
        As `convert` takes it.
    method : str
        The method, as it is written in Python; empty if it has no form here.
    rule : tuple of str
        What the slots become, and where the gradient is asked if that is not x.
    learning_rates, momenta : tuple of float
        One for each step; the last ones stay.
    reason : str
        Why there is no form, if there is none.
    """

    convention: str
    method: str = ""
    rule: tuple[str, ...] = ()
    learning_rates: tuple[float, ...] = ()
    momenta: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """A method in every convention.

    Attributes
    ----------
    method : str
    nesterov : bool
        Whether it is Nesterov's method; otherwise it is heavy ball.
    effective_learning_rate : float
        Of the settled coefficients; infinite at momentum 1.
    rows : tuple of ConventionRow
    """

    method: str
    nesterov: bool
    effective_learning_rate: float
    rows: tuple[ConventionRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        effective = self.effective_learning_rate
        return {
            "method": self.method,
            "nesterov": self.nesterov,
            "effective_learning_rate": effective if abs(effective) < inf else None,
            "rows": [vars(row) for row in self.rows],
        }

    def __str__(self) -> str:
        kind = "Nesterov's method" if self.nesterov else "heavy ball"
        lines = [
            self.method,
            f"is {kind} with effective learning rate {self.effective_learning_rate:.6g}",
            "",
            f"{'convention':<11}{'rate α':>10}{'momentum β':>12}   update",
        ]
        for row in self.rows:
            if row.reason:
                lines.append(textwrap.fill(f"{row.convention:<11} {row.reason}", 80, **_HANGING))
            for step, pair in enumerate(zip(row.learning_rates, row.momenta, strict=True)):
                shown = f" step {step} on" if step else row.convention
                rule = "" if step else "; ".join(row.rule)
                rate, momentum = (f"{value:.6g}" for value in pair)
                lines.append(f"{shown:<11}{rate:>10}{momentum:>12}   {rule}".rstrip())
        return "\n".join(lines)


_HANGING: Any = {"subsequent_indent": " " * 12}


def conventions(method: Method) -> Conventions:
    """Find a method in every convention.

    Parameters
    ----------
    method : Method
        Heavy ball or Nesterov's method in any form, with plain numbers.

    Returns
    -------
    Conventions
        Prints as a table.

    Raises
    ------
    DomainError
        If it is neither, with the reason.

    Examples
    --------
    >>> from momentum_dynamics import TorchSGD
    >>> found = conventions(TorchSGD(learning_rate=0.1, momentum=0.9))
    >>> found.rows[3].method
    'ExponentialAverage(learning_rate=1.0, momentum=0.9)'
    """
    nesterov = False
    try:
        polyak = convert(method, to="polyak")
    except DomainError as error:
        try:
            polyak, nesterov = convert(method, to="polyak", nesterov=True), True
        except DomainError:
            raise error from None
    last = _stages(polyak)[-1]
    effective = (
        inf if last.momentum == 1 else effective_learning_rate(last.learning_rate, last.momentum)
    )
    return Conventions(
        method=repr(method),
        nesterov=nesterov,
        effective_learning_rate=float(effective),
        rows=tuple(_row(method, name, nesterov=nesterov) for name in CONVENTIONS),
    )


def _stages(method: Any) -> tuple[Any, ...]:
    return tuple(method.stages) if isinstance(method, Scheduled) else (method,)


def _row(method: Method, name: str, *, nesterov: bool) -> ConventionRow:
    kind = CONVENTIONS[name].nesterov if nesterov else CONVENTIONS[name].plain
    letters = kind(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    try:
        found = convert(method, to=name, nesterov=nesterov)
    except DomainError as error:
        return ConventionRow(convention=name, reason=str(error))
    return ConventionRow(
        convention=name,
        method=repr(found),
        rule=update_rule(letters),
        learning_rates=tuple(float(stage.learning_rate) for stage in _stages(found)),
        momenta=tuple(float(stage.momentum) for stage in _stages(found)),
    )


def update_rule(method: Method) -> tuple[str, ...]:
    """What a method of one point and one velocity or earlier point does, read off its functions.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, symbol
    >>> ball = HeavyBall(learning_rate=symbol("learning_rate"), momentum=symbol("momentum"))
    >>> update_rule(ball)
    ('x ← x + β(x − x₋) − αg',)
    """
    import sympy

    point, gradient = sympy.symbols("x g")
    other = sympy.Symbol("x₋" if method.initial_state(point)[1] == point else "v")
    moved, kept = method.update((point, other), gradient)
    velocity = sympy.Symbol("v")
    rule = [f"x ← {_written(moved.subs(kept, velocity) if other == velocity else moved)}"]
    if other == velocity:
        rule.insert(0, f"v ← {_written(kept)}")
    asked = method.query((point, other))
    return (*rule, *(() if asked == point else (f"g at {_written(asked)}",)))


def _written(expression: Any) -> str:
    """A sum as one writes it by hand: the point first, the gradient last, Greek letters."""
    import sympy

    point, gradient = sympy.symbols("x g")
    terms = sorted(
        sympy.Add.make_args(expression), key=lambda term: (term != point, term.has(gradient))
    )
    first, *others = (sympy.sstr(term).replace("alpha", "α").replace("beta", "β") for term in terms)
    text = first + "".join(f" - {term[1:]}" if term[0] == "-" else f" + {term}" for term in others)
    return re.sub(r"g\(([^()]+)\)", r"(\1)g", text.replace("*", "").replace("-", "−"))
