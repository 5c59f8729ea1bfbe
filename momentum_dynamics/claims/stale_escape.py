"""Asynchrony at a saddle: stale gradients slow every escape, and many workers hasten it in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import (
    Delay,
    EmpiricalDelay,
    Exponential,
    FixedDelay,
    GeometricDelay,
    UniformDelay,
)
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.loop import characteristic_polynomial, loop_equation
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import saddles
from momentum_dynamics.laws import staleness as stale_laws
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue, simulate_stale
from momentum_dynamics.simulation.exits import exit_steps

__all__: list[str] = []

ALPHA, ASCENT, WORKERS = symbol("learning_rate"), symbol("ascent"), symbol("workers")
AGE = symbol("staleness")
Z = sympy.Symbol("z")
DESCENT, STEP = GradientDescent(learning_rate=0.1), 0.1
TWO_AGES = (0.5, *(0.0,) * 11, 0.5)
SAME_MEAN: dict[str, Delay] = {
    "fixed": FixedDelay(staleness=6),
    "uniform": UniformDelay(largest=12),
    "geometric": GeometricDelay(workers=7.0),
    "two ages": EmpiricalDelay(probabilities=TWO_AGES),
}
"""Laws of one mean, 6."""


def _growth(delay: Delay) -> float:
    """The law's: the spectral radius of the averaged loop."""
    return float(spectral_radius(DESCENT, -1.0, delay))


def _simulated_growth(delay: Delay, rng: Any, *, steps: int = 120) -> tuple[float, float]:
    """The growth factor of the mean of simulated stale runs, over the later half, and its error."""
    run: Any = simulate_stale(
        DESCENT, Quadratic([-1.0]), delay, steps=steps, replicas=REPLICAS, start=[1.0],
        seed=rng, record="all",
    )  # fmt: skip
    return _later_growth(run.outputs[steps // 2, :, 0], run.outputs[steps, :, 0], steps // 2)


def _queue_growth(workers: int, rng: Any, *, steps: int = 120) -> tuple[float, float]:
    """The same of a queue of memoryless workers, whose successive ages hang together."""
    run: Any = simulate_queue(
        DESCENT, Quadratic([-1.0]), workers=workers, service=Exponential(), updates=steps,
        replicas=REPLICAS, start=[1.0], stride=steps // 2, seed=rng,
    )  # fmt: skip
    return _later_growth(run.outputs[1, :, 0], run.outputs[2, :, 0], steps // 2)


def _later_growth(before: Any, after: Any, steps: int) -> tuple[float, float]:
    """The factor per step between the means of two moments, and its standard error."""
    ratio = after.mean() / before.mean()
    spread = (after - ratio * before).std(ddof=1) / np.sqrt(len(before)) / before.mean()
    growth = ratio ** (1 / steps)
    return float(growth), float(spread / ratio * growth / steps)


REPLICAS = 2000


def _slower_statement() -> Any:
    """At the growth r of any law q: r = 1 + αg q(1/r), which lies below 1 + αg."""
    chance = sympy.Function("q")
    growth = symbol("growth")
    return sympy.And(
        sympy.Eq(growth, 1 + ALPHA * ASCENT * chance(1 / growth), evaluate=False),
        growth < 1 + ALPHA * ASCENT,
        evaluate=False,
    )


def _slower_proof() -> Evidence:
    """The loop equation r − 1 − αg Σ qₖ r⁻ᵏ changes sign between 1 and 1 + αg, for every age k.

    It is a mean over ages, so one age k, a symbol, is enough. At 1 it is −αg; at 1 + αg it is
    αg(1 − (1 + αg)⁻ᵏ), which is 0 at k = 0 and rises with k. It rises in between, so the root is
    the only one beyond 1. Heavy ball's, at the growth r that it has without delay, is 1 − r⁻ᵏ: not
    negative either, and it rises too, since 1 minus it falls: its logarithm has the slope
    −(k + 1/(z − 1) + z/(z − β))/z. No complex root is larger: with |z − 1| ≥ |z| − 1 and
    |z − β| ≥ |z| − β the equation is not positive at its modulus.
    """
    gain, beyond = sympy.symbols("a s", positive=True)
    beta, friction = symbol("momentum"), sympy.Symbol("w", positive=True)
    fixed, growth = FixedDelay(staleness=AGE), 1 + beyond
    stale = loop_equation(GradientDescent(learning_rate=gain), -1, fixed)
    loop = sympy.expand(sympy.simplify(stale * (Z - 1)))
    end = loop.subs(Z, 1 + gain)
    ball = HeavyBall(learning_rate=beyond * (growth - beta) / growth, momentum=beta)
    equation = loop_equation(ball, -1, fixed)
    late, rest = sympy.simplify(equation.subs(Z, growth)), 1 - equation
    slope = sympy.simplify(-Z * sympy.diff(rest, Z) / rest)
    return Evidence.exact(
        loop.subs(Z, 1) + gain,
        end.subs(AGE, 0),
        _is_positive(sympy.diff(end, AGE)),
        _is_positive(sympy.diff(loop, Z).subs(Z, growth)),
        late.subs(AGE, 0),
        _is_positive(sympy.diff(late, AGE)),
        slope - (AGE + 1 / (Z - 1) + Z / (Z - beta)),
        _is_positive((AGE + 1 / (Z - 1) + Z / (Z - beta)).subs({beta: 1 - friction, Z: growth})),
        note="signs of the loop equation at 1 and at the growth without delay, and its slopes in z "
        "and in the age k, for every k; heavy ball with β < 1",
    )


def _is_positive(expression: Any) -> bool:
    """Whether SymPy sees from the signs of the symbols that it is, at any real age."""
    return bool(sympy.simplify(expression).is_positive)


def _slower_check(rng: Any, lead: int) -> Evidence:
    """Growth with each law against the loop's, and whether it is below gradient descent's."""
    predicted, measured, errors = [], [], []
    for delay in SAME_MEAN.values():
        growth, error = _simulated_growth(delay, rng)
        predicted += [_growth(delay), lead]
        measured += [growth, float(np.sign(1 + STEP - growth))]
        errors += [error, 0.1]  # a sign of the other kind is 20 of these away
    return Evidence.statistical(
        predicted, measured, errors,
        note="growth of the mean of 2000 stale runs, four laws; 1 where below 1 + αg",
    )  # fmt: skip


SLOWER = Claim(
    slug="any-staleness-slows-the-escape-from-a-saddle",
    title=(
        "Whatever its law, staleness slows the escape of gradient descent, and of heavy ball with "
        "β ≥ 0, from a saddle at each update, and never prevents it."
    ),
    source=Citation(None),
    kind=Kind.UPPER_BOUND,
    statement=_slower_statement,
    proof=_slower_proof,
    experiment=lambda rng: _slower_check(rng, 1),
    control=lambda rng: _slower_check(rng, -1),
    expected=Verdict.PROVED,
    figures=("stale-escape",),
    remark="The control says that staleness, like momentum at equal step, makes it faster.",
)


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


def _fixed_statement() -> Any:
    growth, chance = symbol("growth"), sympy.Function("q")
    return sympy.Ge(chance(1 / growth), growth ** (-AGE), evaluate=False)


def _fixed_proof() -> Evidence:
    """Jensen: r⁻ᵏ ≥ r⁻ᵐ(1 − (k − m) log r) for every age k, and the mean of k is m.

    With x = (k − m) log r that is e⁻ˣ ≥ 1 − x: the difference is 0 with slope 0 at x = 0, and
    convex.
    """
    x = sympy.Symbol("x", real=True)
    gap = sympy.exp(-x) - (1 - x)
    return Evidence.exact(
        gap.subs(x, 0), sympy.diff(gap, x).subs(x, 0), bool(sympy.diff(gap, x, 2).is_positive),
        note="Jensen's inequality through a tangent",
    )  # fmt: skip


def _fixed_check(rng: Any, slowest: str) -> Evidence:
    grown = {name: _simulated_growth(delay, rng) for name, delay in SAME_MEAN.items()}
    least, own_error = grown[slowest]
    leads = [
        (value - least) / np.hypot(error, own_error or 1e-12)
        for name, (value, error) in grown.items()
        if name != slowest
    ]
    return Evidence.close(
        np.ones(len(leads)), [1.0 if lead > 3 else -1.0 for lead in leads], tolerance=0,
        note=f"other laws of mean age 6 lead the {slowest} one by more than 3 standard errors",
    )  # fmt: skip


FIXED = Claim(
    slug="a-fixed-age-is-the-slowest-way-off-a-saddle",
    title="Of all laws of staleness with one mean, the fixed age leaves a saddle most slowly.",
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=_fixed_statement,
    proof=_fixed_proof,
    experiment=lambda rng: _fixed_check(rng, "fixed"),
    control=lambda rng: _fixed_check(rng, "geometric"),
    expected=Verdict.PROVED,
    figures=("stale-escape",),
    remark=(
        "Randomness helps here: now and then a gradient is fresh. At a minimum a fixed age is the "
        "most fragile as well. The control names the geometric law."
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
        growth, error = _simulated_growth(GeometricDelay(workers=workers), rng, steps=steps)
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


def _wander_statement() -> Any:
    """What one drawn age does to log |W|, squared, on average: for gradient descent, αg = a."""
    growth, chance, gain = symbol("growth"), sympy.Function("q"), ALPHA * ASCENT
    place = sympy.Symbol("w")
    slope = sympy.Subs(sympy.Derivative(chance(1 / place), place), place, growth)
    kick = gain / (growth * (1 - gain * slope))
    spread = chance(1 / growth**2) - chance(1 / growth) ** 2
    return sympy.Eq(sympy.Symbol("D"), kick**2 * spread, evaluate=False)


_SETTINGS: Any = {"noise_variance": 1e-6}


def _wander_check(rng: Any, *, wandering: bool) -> Evidence:
    replicas, predicted, measured, errors = 4000, [], [], []
    descent, settings = GradientDescent(learning_rate=0.5), _SETTINGS
    for delay in (GeometricDelay(workers=8.0), UniformDelay(largest=14)):
        law = exit_time(descent, -1.0, distance=1.0, delay=delay, **settings)
        mean, spread = float(law.mean), float(law.standard_deviation)
        if not wandering:
            mean = float(saddles.exit_time_mean(law.growth, law.amplitude, 1.0))
            spread = float(saddles.exit_time_deviation(law.growth))
        run = simulate_stale(
            descent, Quadratic([-1.0]), delay, steps=int(law.mean + 25 / np.log(law.growth)),
            replicas=replicas, start=[0.0], seed=rng, **settings,
        )  # fmt: skip
        found = exit_steps(run, 1.0)
        predicted += [mean, spread]
        measured += [found.mean(), found.std(ddof=1)]
        errors += [spread / np.sqrt(replicas), spread * np.sqrt(6 / 4 / replicas)]
    return Evidence.statistical(
        predicted, measured, errors,
        note="mean and deviation of the exit at αg = 1/2, ages geometric and uniform of mean 7",
    )  # fmt: skip


WANDER = Claim(
    slug="random-ages-slow-and-spread-the-exit",
    title=(
        "Where ages are random log |W| wanders: the typical path grows more slowly than the mean, "
        "and exit times spread more than the mean loop says."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_wander_statement,
    proof=None,
    experiment=lambda rng: _wander_check(rng, wandering=True),
    control=lambda rng: _wander_check(rng, wandering=False),
    expected=Verdict.CONFIRMED,
    figures=("stale-escape",),
    remark=(
        "The typical growth is r exp(−D/2), the variance of T gains D E T/(log r)². To first order "
        "in D, with independent ages; a fixed age has none of it. The control is the mean loop."
    ),
)
