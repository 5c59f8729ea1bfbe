"""Staleness is momentum, and the staleness that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Delay, FixedDelay, GeometricDelay, NoDelay
from momentum_dynamics.dynamics.equivalence import equivalent_momentum
from momentum_dynamics.dynamics.loop import loop_equation, transfer_function
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall, Method
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, H, WORKERS = symbol("learning_rate"), symbol("curvature"), symbol("workers")
DESCENT = GradientDescent(learning_rate=ALPHA)


def _twin() -> HeavyBall:
    return HeavyBall(
        learning_rate=staleness.implicit_learning_rate(ALPHA, WORKERS),
        momentum=staleness.implicit_momentum(WORKERS),
    )


# Asynchrony begets momentum --------------------------------------------------------------------


def _asynchrony_statement() -> Any:
    z = sympy.Symbol("z")
    delay = GeometricDelay(workers=WORKERS).generating_function(1 / z)
    stale = sympy.Mul(delay, transfer_function(DESCENT), evaluate=False)
    return sympy.Eq(stale, transfer_function(_twin()), evaluate=False)


def _asynchrony_proof() -> Evidence:
    """q(1/z)G(z) of gradient descent is heavy ball's G(z), for every number of workers at once."""
    z = sympy.Symbol("z")
    delay = GeometricDelay(workers=WORKERS)
    product = delay.generating_function(1 / z) * transfer_function(DESCENT)
    found = equivalent_momentum(DESCENT, delay)
    if not isinstance(found, HeavyBall):
        return Evidence.exact(False, note="the equivalent is no heavy ball")
    loops = loop_equation(DESCENT, H, delay) - loop_equation(_twin(), H)
    return Evidence.exact(
        product - transfer_function(_twin()), loops,
        found.learning_rate - _twin().learning_rate, found.momentum - _twin().momentum,
        note="transfer functions and closed loops agree for every M",
    )  # fmt: skip


def _mean_path(rng: np.random.Generator, delay: Delay, *, full_first_step: bool) -> Evidence:
    """The mean over replicas of stale gradient descent against the heavy ball of eight workers."""
    workers, learning_rate, replicas, steps = 8, 0.3, 40_000, 60
    problem = Quadratic([1.0], solution=[2.0])
    stale = simulate(
        GradientDescent(learning_rate=learning_rate), problem, steps=steps, replicas=replicas,
        delay=delay, seed=rng, record="moments",
    )  # fmt: skip
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(learning_rate, workers),
        momentum=staleness.implicit_momentum(workers),
    )
    begin = problem.start
    start = (begin, begin + learning_rate * problem.field(begin)) if full_first_step else begin
    predicted = simulate(twin, problem, steps=steps, start=start).outputs - problem.solution
    return Evidence.statistical(
        predicted[2:, 0], stale.mean[2:, 0], stale.mean_error[2:, 0],
        note=f"mean path of {replicas:,} stale runs, M = {workers}, steps 2 to {steps}",
    )  # fmt: skip


ASYNCHRONY = Claim(
    slug="asynchrony-begets-momentum",
    title=(
        "On a quadratic, gradient descent with independent geometric staleness is, in the mean, "
        "heavy ball with momentum 1 − 1/M and learning rate α/M."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=_asynchrony_statement,
    proof=_asynchrony_proof,
    experiment=lambda rng: _mean_path(rng, GeometricDelay(workers=8), full_first_step=True),
    control=lambda rng: _mean_path(rng, GeometricDelay(workers=8), full_first_step=False),
    expected=Verdict.PROVED,
    figures=("staleness-is-momentum",),
    remark="In the mean only, and with the velocity −α∇f(w₀) that the first stale step leaves. "
    "The control starts heavy ball from rest instead.",
)


# Fixed delay -----------------------------------------------------------------------------------


def _fixed_statement() -> Any:
    return sympy.Eq(loop_equation(DESCENT, H, FixedDelay(staleness=symbol("staleness"))), 0)


def _fixed_proof() -> Evidence:
    """q(1/z)G(z) = −α/(zᵗ(z − 1)): nothing cancels, so τ + 1 slots are the fewest."""
    z = sympy.Symbol("z")
    checks: list[Any] = []
    for stale in range(2, 9):
        gain = transfer_function(DESCENT) * FixedDelay(staleness=stale).generating_function(1 / z)
        above, below = (sympy.Poly(part, z) for part in sympy.fraction(sympy.cancel(gain)))
        checks += [above.degree() == 0, below.degree() == stale + 1]
    symbolic = symbol("staleness")
    loop = loop_equation(DESCENT, H, FixedDelay(staleness=symbolic))
    checks.append(sympy.simplify((loop - 1) * z**symbolic * (z - 1) - ALPHA * H))
    return Evidence.exact(*checks, note="numerator and denominator are coprime, degree τ + 1")


def _hankel_rank(method: Method, delay: Delay) -> Evidence:
    """The shortest linear recursion a path obeys: the rank of its Hankel matrix."""
    path = simulate(method, Quadratic([1.0]), steps=24, delay=delay).outputs[1:, 0]
    hankel = path[np.add.outer(np.arange(10), np.arange(10))]
    values = np.linalg.svd(hankel, compute_uv=False)
    rank = int(np.sum(values > 1e-10 * values[0]))
    return Evidence.close(4, rank, tolerance=0, note="Hankel rank of a simulated path, τ = 3")


FIXED = Claim(
    slug="fixed-delay-has-no-two-slot-equivalent",
    title=(
        "Behind a fixed delay τ gradient descent needs τ + 1 slots: from τ = 2 on no method with "
        "two slots, heavy ball included, is its equal."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_fixed_statement,
    proof=_fixed_proof,
    experiment=lambda _: _hankel_rank(GradientDescent(learning_rate=0.2), FixedDelay(staleness=3)),
    control=lambda _: _hankel_rank(HeavyBall(learning_rate=0.05, momentum=0.75), NoDelay()),
    expected=Verdict.PROVED,
    figures=("staleness-is-momentum",),
    remark="The control is the heavy ball that geometric staleness of the same mean is: rank 2.",
)
