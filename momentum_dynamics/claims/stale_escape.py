"""Asynchrony at a saddle: stale gradients slow every escape, and many workers hasten it in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import (
    Delay,
    EmpiricalDelay,
    FixedDelay,
    GeometricDelay,
    UniformDelay,
)
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.loop import loop_equation
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import saddles
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_stale
from momentum_dynamics.simulation.exits import exit_steps

__all__ = ["DESCENT", "REPLICAS", "STEP", "later_growth", "simulated_growth"]

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


def simulated_growth(delay: Delay, rng: Any, *, steps: int = 120) -> tuple[float, float]:
    """The growth factor of the mean of simulated stale runs, over the later half, and its error."""
    run: Any = simulate_stale(
        DESCENT, Quadratic([-1.0]), delay, steps=steps, replicas=REPLICAS, start=[1.0],
        seed=rng, record="all",
    )  # fmt: skip
    return later_growth(run.outputs[steps // 2, :, 0], run.outputs[steps, :, 0], steps // 2)


def later_growth(before: Any, after: Any, steps: int) -> tuple[float, float]:
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
        growth, error = simulated_growth(delay, rng)
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
    grown = {name: simulated_growth(delay, rng) for name, delay in SAME_MEAN.items()}
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
