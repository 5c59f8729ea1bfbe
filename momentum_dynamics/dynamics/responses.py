"""What a method does after one gradient, and after none: exact responses, step by step."""

from __future__ import annotations

from typing import Any

from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import State, answer_before, stage_of, transient_of
from momentum_dynamics.notation import Scalar

__all__ = ["observed", "respond_alike", "response", "short", "vanishes"]


def response(
    method: Method, step: int | None, count: int, *, rest: int = 0
) -> list[tuple[Scalar, Scalar]]:
    """Queries and answers from the step of a unit gradient on, or without any from a point at rest.

    The first pair is the one before the gradient, and `count` follow.
    """
    first = 0 if step is None else step
    state = stage_of(method, 0).initial_state(rest)
    found = []
    for now in range(first, first + count + 1):
        stage = stage_of(method, now)
        pair = stage.query(state), answer_before(method, now, state)
        found.append((short(pair[0]), short(pair[1])))
        state = stage.update(state, int(now == step))
    return found


def respond_alike(one: Method, other: Method) -> bool:
    """Say whether two methods rest at a point and answer every gradient alike.

    After the first steps both are linear systems that do not change: as many responses as they
    have slots together decide.
    """
    transient = max(transient_of(one), transient_of(other))
    slots = sum(len(stage_of(each, 0).initial_state(0)) for each in (one, other))
    count = transient + slots + 2
    steps = range(transient + 2)
    trials = [(None, 1), *((step, 0) for step in steps)]
    for step, rest in trials:
        mine, theirs = (response(each, step, count, rest=rest) for each in (one, other))
        for here, there in zip(mine, theirs, strict=True):
            if not all(vanishes(a - b) for a, b in zip(here, there, strict=True)):
                return False
    return True


def observed(method: Method, step: int, count: int) -> list[tuple[list[Scalar], list[Scalar]]]:
    """Queries and answers of the next steps without gradients, as rows over the slots."""
    slots = len(method.initial_state(0))
    units: list[State] = [tuple(int(i == j) for j in range(slots)) for i in range(slots)]
    found = []
    for now in range(step, step + count):
        stage = stage_of(method, now)
        answers = [answer_before(method, now, unit) for unit in units]
        found.append(([stage.query(unit) for unit in units], answers))
        units = [stage.update(unit, 0) for unit in units]
    return found


def short(value: Scalar) -> Any:
    """The value as one reduced fraction."""
    import sympy

    return sympy.cancel(sympy.sympify(value))


def vanishes(value: Scalar) -> bool:
    """Say whether a value is zero for all values of its symbols; floats up to rounding."""
    import sympy

    found = short(value)
    tiny = {number: 0 for number in found.atoms(sympy.Float) if abs(number) < _ROUNDING}
    return bool(found.xreplace(tiny) == 0)


_ROUNDING = 1e-12
"""What numbers that a method holds in its code, and not in its fields, leave of a zero."""
