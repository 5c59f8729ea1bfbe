"""Which momentum is this: what frameworks share, and where they part."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.conversion import CONVENTIONS, convert
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.laws import conventions as laws
from momentum_dynamics.laws.noise import effective_learning_rate
from momentum_dynamics.methods import (
    ExponentialAverage,
    HeavyBall,
    KerasSGD,
    Method,
    Nesterov,
    Scheduled,
    TorchSGD,
)
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Rosenbrock
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
EARLIER = symbol("earlier_learning_rate")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
RATE, MOMENTUM, STEPS = 0.001, 0.9, 60
TOLERANCE = 1e-9


def _points(method: Method) -> Any:
    """Where a method asks its gradients on Rosenbrock's function, whose gradient is not linear."""
    return simulate(method, Rosenbrock(), steps=STEPS).points


def _gap(first: Any, second: Any, *, note: str) -> Evidence:
    """The largest distance between two paths, which the claim says is none."""
    largest = float(np.abs(first - second).max())
    return Evidence.close(0.0, largest, tolerance=TOLERANCE, note=note)


# One method ------------------------------------------------------------------------------------


def _one_method_statement() -> Any:
    average = ExponentialAverage(learning_rate=effective_learning_rate(ALPHA, BETA), momentum=BETA)
    return sympy.And(
        *(
            sympy.Eq(_transfer(name), transfer_function(method), evaluate=False)
            for name, method in (("Polyak", BALL), ("average", average))
        ),
        evaluate=False,
    )


def _transfer(name: str) -> Any:
    return sympy.Function(f"G_{name}")(sympy.Symbol("z"))


def _one_method_proof() -> Evidence:
    """Whatever convention heavy ball is converted to, its transfer function stays."""
    twins = {name: convert(BALL, to=name) for name in CONVENTIONS}
    average = twins["average"].learning_rate - effective_learning_rate(ALPHA, BETA)
    others = [twin.learning_rate - ALPHA for name, twin in twins.items() if name != "average"]
    loops = [transfer_function(twin) - transfer_function(BALL) for twin in twins.values()]
    return Evidence.exact(
        *loops, *others, average, *(twin.momentum - BETA for twin in twins.values()),
        note="one transfer function; the learning rate is α, and α/(1 − β) for the average",
    )  # fmt: skip


def _one_method_experiment(_: np.random.Generator, *, converted: bool) -> Evidence:
    ball = HeavyBall(learning_rate=RATE, momentum=MOMENTUM)
    paths = [
        _points(
            convert(ball, to=name)
            if converted
            else convention.plain(learning_rate=RATE, momentum=MOMENTUM)
        )
        for name, convention in CONVENTIONS.items()
    ]
    spread = np.ptp(np.array(paths), axis=0)
    return _gap(spread, 0, note=f"five paths on Rosenbrock's function over {STEPS} steps")


ONE_METHOD = Claim(
    slug="five-conventions-are-one-method",
    title="Polyak's, PyTorch's, Keras's, Sutskever's and the averaged momentum are one method; "
    "only the average's learning rate is another, α/(1 − β).",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_one_method_statement,
    proof=_one_method_proof,
    experiment=lambda rng: _one_method_experiment(rng, converted=True),
    control=lambda rng: _one_method_experiment(rng, converted=False),
    expected=Verdict.PROVED,
    figures=("which-momentum",),
    remark="With settled coefficients, no dampening and a start at rest. The control gives all "
    "five the same two numbers.",
)


# Dampening -------------------------------------------------------------------------------------

DAMPED = TorchSGD(learning_rate=ALPHA, momentum=BETA, dampening=BETA)
AVERAGE = ExponentialAverage(learning_rate=ALPHA, momentum=BETA)


def _dampening_statement() -> Any:
    """Where a unit gradient of the first step takes both: no power of β makes these equal."""
    first, average = (
        method.update(method.initial_state(0), 1)[0] for method in (DAMPED.stage(0), AVERAGE)
    )
    return sympy.Eq(first, average, evaluate=False)


def _dampening_proof() -> Evidence:
    """The corrected statement: an average whose first step keeps nothing, and takes all in."""
    found = convert(DAMPED, to="average")
    first, later = found.stages
    return Evidence.exact(
        first.momentum, later.momentum - BETA,
        first.learning_rate - ALPHA, later.learning_rate - ALPHA,
        note="the average with the same numbers, but with momentum 0 in its first step",
    )  # fmt: skip


def _dampening_experiment(_: np.random.Generator, *, dampening: float) -> Evidence:
    damped = TorchSGD(learning_rate=RATE, momentum=MOMENTUM, dampening=dampening)
    average = ExponentialAverage(learning_rate=RATE, momentum=MOMENTUM)
    return _gap(_points(damped), _points(average), note="distance of the two paths, at most")


DAMPENING = Claim(
    slug="dampening-makes-an-average",
    title="PyTorch's SGD with dampening equal to momentum is the exponential average of gradients.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_dampening_statement,
    proof=_dampening_proof,
    experiment=lambda _: _dampening_experiment(_, dampening=MOMENTUM),
    control=lambda _: _dampening_experiment(_, dampening=0.0),
    expected=Verdict.REFUTED,
    figures=("which-momentum",),
    remark="Refuted as it is often told: the first step is not dampened, so it is 1/(1 − β) times "
    "as long, ten times at β = 0.9. From the second step on the two move alike, from different "
    "velocities.",
)


# The look-ahead --------------------------------------------------------------------------------


def _lookahead_statement() -> Any:
    torch = TorchSGD(learning_rate=ALPHA, momentum=BETA, nesterov=True)
    return sympy.Eq(_transfer("Nesterov"), transfer_function(torch), evaluate=False)


def _lookahead_proof() -> Evidence:
    """Queries agree; and with the stored point as the answer, both answers are the query."""
    nesterov = Nesterov(learning_rate=ALPHA, momentum=BETA)
    statements: list[Any] = []
    for kind in (TorchSGD, KerasSGD):
        framework = kind(learning_rate=ALPHA, momentum=BETA, nesterov=True)
        system = state_space(framework)
        found = convert(framework, to="polyak", nesterov=True)
        statements += [
            transfer_function(framework) - transfer_function(nesterov),
            *(system.E - system.C), *(system.E - sympy.Matrix([[1, 0]])),
            found.learning_rate - ALPHA, found.momentum - BETA, found.answers_lookahead,
        ]  # fmt: skip
    return Evidence.exact(
        *statements, note="the stored point is where the gradient is asked: Nesterov's y"
    )


def _lookahead_experiment(_: np.random.Generator, *, of_the_lookahead: bool) -> Evidence:
    run = simulate(Nesterov(learning_rate=RATE, momentum=MOMENTUM), Rosenbrock(), steps=STEPS)
    compared = run.points if of_the_lookahead else run.outputs
    paths = [
        simulate(
            kind(learning_rate=RATE, momentum=MOMENTUM, nesterov=True), Rosenbrock(), steps=STEPS
        ).outputs
        for kind in (TorchSGD, KerasSGD)
    ]
    return _gap(np.array(paths), compared, note="stored points against Nesterov's")


LOOKAHEAD = Claim(
    slug="frameworks-store-the-lookahead",
    title="With nesterov=True PyTorch and Keras run Nesterov's method, and their parameters are "
    "its look-ahead y = x + β(x − x₋), not x.",
    source=Citation("sutskever2013"),
    kind=Kind.IDENTITY,
    statement=_lookahead_statement,
    proof=_lookahead_proof,
    experiment=lambda _: _lookahead_experiment(_, of_the_lookahead=True),
    control=lambda _: _lookahead_experiment(_, of_the_lookahead=False),
    expected=Verdict.PROVED,
    remark="The gradients are the same, the points reported are not: under noise x and y have "
    "different variances. The control compares the parameters with x.",
)


# The learning rate outside the velocity --------------------------------------------------------


def _scheduled(kind: Any, rates: Any, momentum: Any) -> Scheduled:
    return Scheduled(stages=[kind(learning_rate=rate, momentum=momentum) for rate in rates])


def _outside_statement() -> Any:
    polyak = sympy.Symbol("beta_t")
    law = laws.velocity_momentum(polyak, ALPHA, EARLIER)
    return sympy.Eq(BETA, law, evaluate=False)


def _outside_proof() -> Evidence:
    """Polyak's momentum at the change of the rate, put into the law, is PyTorch's constant one."""
    torch = convert(_scheduled(TorchSGD, (EARLIER, ALPHA), BETA), to="polyak")
    keras = convert(_scheduled(KerasSGD, (EARLIER, ALPHA), BETA), to="polyak")
    changed = torch.stages[1]
    return Evidence.exact(
        laws.velocity_momentum(changed.momentum, ALPHA, EARLIER) - BETA,
        changed.learning_rate - ALPHA,
        *(stage.momentum - BETA for stage in (torch.stages[0], torch.stages[-1], *keras.stages)),
        note="β α/α₋ at the step where the learning rate changes; Keras keeps β",
    )


def _outside_experiment(_: np.random.Generator, *, corrected: bool) -> Evidence:
    rates = [RATE] * 20 + [RATE / 10] * 20 + [RATE]
    torch = _scheduled(TorchSGD, rates, MOMENTUM)
    keras = convert(torch, to="keras") if corrected else _scheduled(KerasSGD, rates, MOMENTUM)
    return _gap(
        _points(torch), _points(keras), note="the rate drops tenfold after 20 steps and comes back"
    )


OUTSIDE = Claim(
    slug="rate-outside-the-velocity",
    title="When the learning rate changes, PyTorch's momentum β is Polyak's β α/α₋, while Keras "
    "keeps β.",
    source=Citation("goyal2017"),
    kind=Kind.IDENTITY,
    statement=_outside_statement,
    proof=_outside_proof,
    experiment=lambda _: _outside_experiment(_, corrected=True),
    control=lambda _: _outside_experiment(_, corrected=False),
    expected=Verdict.PROVED,
    figures=("which-momentum",),
    remark="This is the momentum correction of large-batch training: whoever holds the learning "
    "rate inside the velocity must scale the velocity by α/α₋ to follow PyTorch's schedule.",
)
