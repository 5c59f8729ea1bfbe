"""Which momentum is this? From any method to a convention, and back, exactly or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from momentum_dynamics.delays import NoDelay
from momentum_dynamics.dynamics.equivalence import equivalent_momentum
from momentum_dynamics.dynamics.exact import Exactly
from momentum_dynamics.dynamics.responses import (
    observed,
    respond_alike,
    response,
    short,
    vanishes,
)
from momentum_dynamics.errors import DomainError, MomentumDynamicsError, UnknownNameError
from momentum_dynamics.laws import conventions as laws
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.methods import (
    ExponentialAverage,
    HeavyBall,
    KerasSGD,
    Method,
    Nesterov,
    Scheduled,
    Sutskever,
    ThreeParameter,
    TorchSGD,
    state_space,
)
from momentum_dynamics.methods.protocol import (
    State,
    period_of,
    transient_of,
)
from momentum_dynamics.methods.rows import combine
from momentum_dynamics.notation import Scalar

__all__ = ["CONVENTIONS", "Convention", "convert", "convert_state"]

Pairs: TypeAlias = list[tuple[Scalar, Scalar]]
"""Learning rate and momentum of each step; the last ones stay."""


def _velocities(pairs: Pairs) -> Pairs:
    """The learning rate outside the velocity, so that its momentum follows the learning rate."""
    earlier = (pairs[0][0], *(rate for rate, _ in pairs))
    return [
        (rate, laws.velocity_momentum(momentum, rate, before))
        for (rate, momentum), before in zip(pairs, earlier, strict=False)
    ]


def _averages(pairs: Pairs) -> Pairs:
    """The effective learning rate outside an average, from the settled one back to the first.

    What the first average keeps of nothing is free: it takes in as much as its step needs.
    """
    rates = [effective_learning_rate(*pairs[-1])]
    for earlier, (rate, momentum) in zip(pairs[-2::-1], pairs[:0:-1], strict=True):
        free = vanishes(momentum)  # the average forgets all that was before
        rates.append(
            effective_learning_rate(*earlier)
            if free
            else laws.earlier_effective_learning_rate(rates[-1], rate, momentum)
        )
    rates.reverse()
    momenta = [
        laws.velocity_momentum(momentum, rate, before)
        for (_, momentum), rate, before in zip(pairs[1:], rates[1:], rates, strict=False)
    ]
    return list(zip(rates, (1 - pairs[0][0] / rates[0], *momenta), strict=True))


@dataclass(frozen=True)
class Convention:
    """One way of writing momentum.

    Attributes
    ----------
    plain, nesterov : callable
        Its heavy ball and its Nesterov's method, from `learning_rate` and `momentum`.
    from_polyak : callable
        Its learning rates and momenta from Polyak's.
    """

    plain: Callable[..., Method]
    nesterov: Callable[..., Method]
    from_polyak: Callable[[Pairs], Pairs] = list


def _both(kind: Callable[..., Method], **how: Any) -> Convention:
    """A class that has both kinds of momentum behind one switch."""
    return Convention(partial(kind, nesterov=False), partial(kind, nesterov=True), **how)


CONVENTIONS = {
    "polyak": Convention(HeavyBall, Nesterov),
    "pytorch": _both(TorchSGD, from_polyak=_velocities),
    "keras": _both(KerasSGD),
    "average": _both(ExponentialAverage, from_polyak=_averages),
    "sutskever": _both(Sutskever),
}


def convert(method: Method, to: str, nesterov: bool = False) -> Any:  # noqa: FBT001, FBT002
    """The same method in another convention: same queries and answers from the same start.

    Parameters
    ----------
    method : Method
        Any method that is heavy ball or Nesterov's in some convention, one's own and schedules
        included; numbers, batches or symbols in its fields.
    to : {"polyak", "pytorch", "keras", "average", "sutskever"}
        The convention.
    nesterov : bool
        Ask for the convention's form of Nesterov's method instead of heavy ball's.

    Returns
    -------
    Method
        `HeavyBall`, `Nesterov`, `TorchSGD`, `KerasSGD`, `ExponentialAverage` or `Sutskever`; a
        `Scheduled` of them where the coefficients must change with the step (a damped PyTorch
        method with its undamped first step, a changing learning rate).

    Raises
    ------
    UnknownNameError
        If there is no such convention.
    DomainError
        If the method has no equal there, with the reason.

    Notes
    -----
    The coefficients are read off the responses to single gradients, in exact arithmetic, and the
    result is returned only if all its responses and its start are those of the method. For a run
    under way, `convert_state` maps the state, and with it the velocity.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, TorchSGD, symbol
    >>> convert(HeavyBall(learning_rate=0.1, momentum=0.9), to="pytorch")
    TorchSGD(learning_rate=0.1, momentum=0.9)
    >>> damped = TorchSGD(learning_rate=0.1, momentum=0.9, dampening=0.9)
    >>> [stage.learning_rate for stage in convert(damped, to="polyak").stages]
    [0.1, 0.01]
    >>> alpha, beta = symbol("learning_rate"), symbol("momentum")
    >>> convert(HeavyBall(learning_rate=alpha, momentum=beta), to="average").learning_rate
    -alpha/(beta - 1)
    """
    if to not in CONVENTIONS:
        raise UnknownNameError.among("convention", to, CONVENTIONS)
    if period_of(method) != 1:
        raise DomainError(
            f"The coefficients of {type(method).__name__} do not settle to those of one step, so "
            "no convention is equal to it; convert its stages one by one."
        )
    exactly = Exactly()
    source = exactly(method)
    found = _find(source, to, nesterov=nesterov)
    if found is None:
        raise DomainError(_reason(method, source, to, nesterov=nesterov))
    pairs, switch = found
    symbolic = state_space(method, step=0).is_symbolic
    settled = [tuple(exactly.back(value, symbolic=symbolic) for value in pair) for pair in pairs]
    return _build(to, settled, nesterov=nesterov, switch=switch)


def convert_state(state: State, method: Method, converted: Method, *, step: int = 0) -> State:
    """The state of a run under way, in the convention it was converted to.

    Parameters
    ----------
    state : tuple of scalars or arrays
        The slots of `method` before step `step`.
    method, converted : Method
        As `convert` takes and gives.
    step : int
        How many steps the run has made; only schedules care.

    Returns
    -------
    tuple
        The slots of `converted` from which all queries and answers are the same.

    Raises
    ------
    DomainError
        If no state of `converted` does.

    Examples
    --------
    >>> from momentum_dynamics import HeavyBall, TorchSGD
    >>> ball = HeavyBall(learning_rate=0.5, momentum=0.9)
    >>> convert_state((2.0, 3.0), ball, convert(ball, to="pytorch"))  # x and the x before it
    (2.0, 2.0)
    """
    import sympy

    exactly = Exactly()
    mine, theirs = exactly(method), exactly(converted)
    count = len(mine.initial_state(0)) + len(theirs.initial_state(0))
    seen, wanted = (
        sympy.Matrix([row for pair in observed(each, step, count) for row in pair])
        for each in (theirs, mine)
    )
    unknowns = sympy.symbols(f"s:{seen.cols}", cls=sympy.Dummy)
    rows = []
    for column in range(wanted.cols):
        solutions = sympy.linsolve((seen, wanted[:, column]), *unknowns)
        if not solutions:
            raise DomainError(
                f"No state of {type(converted).__name__} goes on as this one of "
                f"{type(method).__name__}; convert the method first."
            )
        (solution,) = solutions
        # A slot that nothing depends on, as a velocity with momentum 0, is left at rest.
        rows.append([entry.subs(dict.fromkeys(unknowns, 0)) for entry in solution])
    symbolic = state_space(method, step=step).is_symbolic
    return tuple(
        combine([exactly.back(row[slot], symbolic=symbolic) for row in rows], state)
        for slot in range(seen.cols)
    )


def _find(source: Method, to: str, *, nesterov: bool) -> tuple[Pairs, dict[str, bool]] | None:
    """The coefficients of the exact method in a convention, and whose answer it gives."""
    pairs = _polyak_pairs(source, nesterov=nesterov)
    if pairs is None:
        return None
    translated = _trimmed(CONVENTIONS[to].from_polyak(pairs))
    switches: list[dict[str, bool]] = [{}]
    if nesterov:
        switches += [{"answers_lookahead": answer} for answer in (False, True)]
    for switch in switches:
        try:
            made = _build(to, translated, nesterov=nesterov, switch=switch)
        except DomainError:  # no schedule: where the answer stands changes from step to step
            continue
        if respond_alike(source, made):
            return translated, switch
    return None


def _build(to: str, pairs: Pairs, *, nesterov: bool, switch: dict[str, bool]) -> Method:
    kind = CONVENTIONS[to].nesterov if nesterov else CONVENTIONS[to].plain
    made = [kind(learning_rate=rate, momentum=momentum, **switch) for rate, momentum in pairs]
    return made[0] if len(made) == 1 else Scheduled(stages=made)


def _polyak_pairs(source: Method, *, nesterov: bool) -> Pairs | None:
    """Polyak's learning rate and momentum of each step, as three queries after a gradient tell."""
    rates, momenta = [], []
    for step in range(transient_of(source) + 2):
        first, second, third = (query for query, _ in response(source, step, 3)[1:])
        if vanishes(first):
            return None
        kicks = first, second - first, third - second
        ahead = nesterov and not vanishes(kicks[1])
        momentum = kicks[2] / kicks[1] if ahead else kicks[1] / kicks[0]
        momenta.append(short(momentum))
        rates.append(short(-first / (1 + momentum) if ahead else -first))
    # What the first step keeps of no displacement is free: as much as the settled ones.
    return list(zip(rates, (momenta[-1], *momenta), strict=False))


def _trimmed(pairs: Pairs) -> Pairs:
    """The pairs without repetitions at the end."""
    found = [(short(rate), short(momentum)) for rate, momentum in pairs]
    while len(found) > 1 and all(vanishes(a - b) for a, b in zip(*found[-2:], strict=True)):
        found.pop()
    return found


def _reason(method: Method, source: Method, to: str, *, nesterov: bool) -> str:
    """Why a method is not what was asked for."""
    name = type(method).__name__
    asked = "Nesterov's method" if nesterov else "heavy ball"
    if any(not vanishes(value - 1) for pair in response(source, None, 3, rest=1) for value in pair):
        return (
            f"{name} does not start at rest, so it is {asked} from another start only; "
            "map its state with convert_state."
        )
    if _find(source, "polyak", nesterov=nesterov) is not None:
        return (
            f"{name} is {asked}, but its velocity cannot be kept as in {to!r}: that would need a "
            "learning rate that is infinite or never settles (an average with momentum 1 takes no "
            "gradient in; one with constant momentum follows no change of learning rate inside "
            "the velocity)."
        )
    if _find(source, "polyak", nesterov=not nesterov) is not None:
        other = (
            "heavy ball; leave nesterov=True out"
            if nesterov
            else ("Nesterov's; ask for nesterov=True")
        )
        return f"{name} is not {asked} but {other}."
    if transient_of(source):
        return f"The coefficients of {name} change with the step, and not as those of {asked} can."
    try:
        family = equivalent_momentum(method, NoDelay())
    except MomentumDynamicsError:
        family = None
    if isinstance(family, ThreeParameter):
        return (
            f"{name} asks its gradient {family.lookahead:.6g} displacements ahead, where heavy "
            f"ball asks 0 and Nesterov's method {family.momentum:.6g}; no convention writes that."
        )
    return f"{name} does not answer a gradient as {asked} does, so no convention is equal to it."
