"""Memoryless workers at a saddle: heavy ball at equal effective step, and sooner in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.stale_escape import (
    DESCENT,
    REPLICAS,
    STEP,
    later_growth,
    simulated_growth,
)
from momentum_dynamics.delays import Exponential, GeometricDelay
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.laws import saddles
from momentum_dynamics.laws import staleness as stale_laws
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue, simulate_stale
from momentum_dynamics.simulation.exits import exit_steps

__all__: list[str] = []

ALPHA, ASCENT, WORKERS = symbol("learning_rate"), symbol("ascent"), symbol("workers")
Z = sympy.Symbol("z")


def _queue_growth(workers: int, rng: Any, *, steps: int = 120) -> tuple[float, float]:
    """The same of a queue of memoryless workers, whose successive ages hang together."""
    run: Any = simulate_queue(
        DESCENT, Quadratic([-1.0]), workers=workers, service=Exponential(), updates=steps,
        replicas=REPLICAS, start=[1.0], stride=steps // 2, seed=rng,
    )  # fmt: skip
    return later_growth(run.outputs[1, :, 0], run.outputs[2, :, 0], steps // 2)


def _matched_statement() -> Any:
    growth = saddles.escape_rate(ALPHA / WORKERS, stale_laws.implicit_momentum(WORKERS), ASCENT)
    return sympy.Implies(WORKERS > 1, growth < 1 + ALPHA * ASCENT)


def _matched_proof() -> Evidence:
    """The loop's polynomial is heavy ball's with (α/M, 1 − 1/M); its root lies below 1 + αg.

    At 1 + αg the polynomial is (1 − 1/M)(αg)², positive, as is its slope there.
    """
    stale = characteristic_polynomial(
        GradientDescent(learning_rate=ALPHA), -ASCENT, GeometricDelay(workers=WORKERS)
    ).as_expr()
    ball = characteristic_polynomial(
        HeavyBall(learning_rate=ALPHA / WORKERS, momentum=stale_laws.implicit_momentum(WORKERS)),
        -ASCENT,
    ).as_expr()
    end = stale.subs(Z, 1 + ALPHA * ASCENT)
    return Evidence.exact(
        sympy.simplify(stale - ball),
        sympy.simplify(end - stale_laws.implicit_momentum(WORKERS) * (ALPHA * ASCENT) ** 2),
        note="the polynomial of memoryless staleness is heavy ball's at equal effective step",
    )


def _matched_check(rng: Any, *, divided: bool) -> Evidence:
    """Mean exit times of stale runs against the law of heavy ball's growth."""
    predicted, measured, errors = [], [], []
    for workers in (2, 4, 8):
        delay = GeometricDelay(workers=float(workers))
        law = exit_time(DESCENT, -1.0, noise_variance=1e-6, distance=1.0, delay=delay)
        rate = STEP / workers if divided else STEP
        growth = saddles.escape_rate(rate, stale_laws.implicit_momentum(float(workers)), 1.0)
        run = simulate_stale(
            DESCENT, Quadratic([-1.0]), delay, steps=int(law.mean + 20 / np.log(law.growth)),
            replicas=REPLICAS, start=[0.0], noise_variance=1e-6, seed=rng,
        )  # fmt: skip
        found = exit_steps(run, 1.0)
        # Random ages slow the typical path, by a factor that is no matter of the mean loop.
        typical = growth * np.exp(-law.wander / 2)
        predicted.append(float(saddles.exit_time_mean(typical, law.amplitude, 1.0)))
        measured.append(found.mean())
        errors.append(found.std(ddof=1) / np.sqrt(REPLICAS))
        queued, error = _queue_growth(workers, rng)
        predicted.append(float(growth))
        measured.append(queued)
        errors.append(error)
    return Evidence.statistical(
        predicted, measured, errors,
        note="mean exits behind drawn ages and growth in queues, M = 2, 4, 8, 2000 runs each",
    )  # fmt: skip


MATCHED = Claim(
    slug="memoryless-workers-leave-a-saddle-like-momentum-at-equal-effective-step",
    title=(
        "M memoryless workers leave a saddle like heavy ball with β = 1 − 1/M and step α/M, so at "
        "each update more slowly than one."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=_matched_statement,
    proof=_matched_proof,
    experiment=lambda rng: _matched_check(rng, divided=True),
    control=lambda rng: _matched_check(rng, divided=False),
    expected=Verdict.PROVED,
    figures=("stale-escape",),
    remark=(
        "The paper's theorem on a negative curvature: the momentum that asynchrony begets comes "
        "with a step divided by M, which is the comparison that momentum loses. The control does "
        "not divide."
    ),
)


def _time_statement() -> Any:
    exponent = sympy.log(
        saddles.escape_rate(ALPHA / WORKERS, stale_laws.implicit_momentum(WORKERS), ASCENT)
    )
    lead = sympy.sqrt(WORKERS) * exponent
    return sympy.Eq(
        sympy.Limit(lead, WORKERS, sympy.oo), sympy.sqrt(ALPHA * ASCENT), evaluate=False
    )


def _time_proof() -> Evidence:
    """With u = 1/√M the exponent √(αg) u solves the characteristic equation to second order."""
    u, root = sympy.symbols("u a", positive=True)
    polynomial = characteristic_polynomial(
        GradientDescent(learning_rate=root**2), -1, GeometricDelay(workers=1 / u**2)
    ).as_expr()
    residue = polynomial.subs(Z, sympy.exp(root * u))
    terms = [sympy.diff(residue, u, order).subs(u, 0) for order in range(3)]
    wrong = polynomial.subs(Z, sympy.exp(2 * root * u))
    return Evidence.exact(
        *map(sympy.simplify, terms),
        bool(sympy.simplify(sympy.diff(wrong, u, 2).subs(u, 0)) != 0),
        note="residue in powers of 1/√M",
    )


def _power(first: float, second: float) -> float:
    """The power of M by which a quantity rises from MANY[0] to MANY[1] workers."""
    return float(np.log(second / first) / np.log(MANY[1] / MANY[0]))


MANY = (64.0, 256.0)


def _time_check(rng: Any, predicted: float) -> Evidence:
    """Growth in units of time in which each worker computes one gradient: M updates."""
    exponents, errors = [], []
    for workers in MANY:
        steps = int(12 * np.sqrt(workers))
        growth, error = simulated_growth(GeometricDelay(workers=workers), rng, steps=steps)
        exponents.append(workers * np.log(growth))
        errors.append(error / growth / np.log(growth))
    return Evidence.statistical(
        predicted, _power(*exponents), np.hypot(*errors) / np.log(MANY[1] / MANY[0]),
        note="power of M by which the growth per time rises from 64 to 256 workers",
    )  # fmt: skip


def _law_power() -> float:
    """By heavy ball's growth at these numbers of workers; 1/2 in the limit."""
    first, second = (
        workers
        * np.log(saddles.escape_rate(STEP / workers, stale_laws.implicit_momentum(workers), 1.0))
        for workers in MANY
    )
    return _power(first, second)


TIME = Claim(
    slug="many-memoryless-workers-leave-a-saddle-sooner-by-the-root-of-their-number",
    title=(
        "In time, M memoryless workers leave a saddle sooner: the growth per time rises like "
        "√(αgM), not like M."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_time_statement,
    proof=_time_proof,
    experiment=lambda rng: _time_check(rng, _law_power()),
    control=lambda rng: _time_check(rng, 1.0),
    expected=Verdict.PROVED,
    figures=("stale-escape",),
    remark=(
        "M workers make M updates in the time of one gradient. As long as αgM is small nothing is "
        "lost; from αgM ≈ 1 on the gain is a root. The control expects M."
    ),
)
