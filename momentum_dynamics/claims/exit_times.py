"""When noise lets a run leave a saddle: mean, spread and shape of the exit time."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Delay, FixedDelay
from momentum_dynamics.dynamics.escape import ExitTime, exit_time
from momentum_dynamics.dynamics.fluctuations import noise_transfer
from momentum_dynamics.laws import saddles
from momentum_dynamics.methods import GradientDescent, HeavyBall, Method, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic, QuarticSaddle
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate, simulate_stale
from momentum_dynamics.simulation.exits import exit_steps, first_steps

__all__ = ["SETTINGS", "exit_runs", "foretold", "quartic_exits"]

ALPHA, BETA, ASCENT = symbol("learning_rate"), symbol("momentum"), symbol("ascent")
NOISE, GROWTH = symbol("noise_variance"), symbol("growth")
LEARNING_RATE, VARIANCE, DISTANCE, REPLICAS = 0.05, 1e-6, 1.0, 3000
SETTINGS: tuple[tuple[str, Method, Delay | None], ...] = (
    ("gradient descent", GradientDescent(learning_rate=LEARNING_RATE), None),
    ("heavy ball, β = −0.5", HeavyBall(learning_rate=LEARNING_RATE, momentum=-0.5), None),
    ("heavy ball, β = 0.5", HeavyBall(learning_rate=LEARNING_RATE, momentum=0.5), None),
    ("heavy ball, β = 0.9", HeavyBall(learning_rate=LEARNING_RATE, momentum=0.9), None),
    ("Nesterov, β = 0.9", Nesterov(learning_rate=LEARNING_RATE, momentum=0.9), None),
    (
        "gradient descent, τ = 4",
        GradientDescent(learning_rate=LEARNING_RATE),
        FixedDelay(staleness=4),
    ),
)
"""What the exit is tried on: its name, the method, the delay."""


def foretold(method: Method, delay: Delay | None = None) -> ExitTime:
    """The law of the exit time at the settings of the claims."""
    return exit_time(method, -1.0, noise_variance=VARIANCE, distance=DISTANCE, delay=delay)


def exit_runs(method: Method, delay: Delay | None, rng: Any, *, replicas: int = REPLICAS) -> Any:
    """Exit times of simulated runs, ``(replicas,)``; run until the slowest has left."""
    law = foretold(method, delay)
    # A coefficient smaller than this share of its deviation comes once in 10⁵ times as many runs.
    rare = 1e-5 / replicas
    steps = int(law.mean + np.log(1 / rare) / np.log(law.growth))
    shared: Any = {
        "steps": steps, "start": [0.0], "noise_variance": VARIANCE, "replicas": replicas,
        "seed": rng,
    }  # fmt: skip
    if delay is None:
        return exit_steps(simulate(method, Quadratic([-1.0]), **shared), DISTANCE)
    return exit_steps(simulate_stale(method, Quadratic([-1.0]), delay, **shared), DISTANCE)


def _law_statement() -> Any:
    return sympy.Eq(sympy.Symbol("E[T]"), expression(saddles.exit_time_mean), evaluate=False)


def _law_proof() -> Evidence:
    """What noise leaves to grow, and the first two moments of −log |N|.

    The residue of the loop's noise transfer at r₊, over √(r₊² − 1), is the deviation of W; the
    moments follow from E|N|ᵖ = 2^(p/2) Γ((p + 1)/2)/√π.
    """
    transfer = noise_transfer(HeavyBall(learning_rate=ALPHA, momentum=BETA), -ASCENT)
    z, p = sympy.Symbol("z"), sympy.Symbol("p")
    slope = sympy.diff(_value(transfer.denominator, z), z)
    away = expression(saddles.escape_rate)
    residue = (_value(transfer.numerator, z) / slope).subs(z, away)
    amplitude = expression(saddles.amplified_noise)
    moment = 2 ** (p / 2) * sympy.gamma((p + 1) / 2) / sympy.sqrt(sympy.pi)
    mean = -sympy.diff(sympy.log(moment), p).subs(p, 0)
    variance = sympy.diff(sympy.log(moment), p, 2).subs(p, 0)
    # Any setting, by its roots r₋ and r₊ = r₋ + d: β is their product, αg = (r₊ − 1)(1 − r₋).
    back, apart = sympy.Symbol("q", real=True), sympy.Symbol("d", positive=True)
    roots = {BETA: back * (back + apart), ASCENT: (back + apart - 1) * (1 - back) / ALPHA}
    left, grown = (
        sympy.simplify(each.subs(roots))
        for each in (residue**2 * NOISE / (away**2 - 1), amplitude**2)
    )
    law = expression(saddles.exit_time_mean) * sympy.log(GROWTH)
    distance, size = symbol("distance"), symbol("amplitude")
    shifted = sympy.log(distance / size) + mean + sympy.log(GROWTH) / 2
    deviation = expression(saddles.exit_time_deviation) * sympy.log(GROWTH)
    return Evidence.exact(
        sympy.simplify(left - grown),
        sympy.simplify(
            sympy.expand_log(sympy.expand(law - shifted), force=True).rewrite(sympy.log)
        ),
        sympy.simplify(deviation**2 - variance),
        note="residue of the loop at r₊; mean and variance of −log |N|",
    )


def _value(coefficients: Any, z: Any) -> Any:
    return sympy.Poly.from_list(list(coefficients), gens=z).as_expr()


def _law_check(rng: Any, growth: Any) -> Evidence:
    """Mean and deviation of simulated exit times against laws with a given growth factor."""
    predicted, measured, errors = [], [], []
    for _, method, delay in SETTINGS:
        law = foretold(method, delay)
        rate = growth(law)
        found = exit_runs(method, delay, rng)
        mean = saddles.exit_time_mean(rate, law.amplitude, DISTANCE)
        spread = np.sqrt(saddles.exit_time_deviation(rate) ** 2 + 1 / 12)
        # The fourth moment of log |N| is 7 times its squared variance: the error of a deviation.
        size = np.sqrt(REPLICAS)
        predicted += [float(mean), float(spread)]
        measured += [found.mean(), found.std(ddof=1)]
        errors += [spread / size, spread * np.sqrt(6 / 4) / size]
    return Evidence.statistical(
        predicted, measured, errors,
        note="mean and deviation of the exit time, six methods, 3000 runs each",
    )  # fmt: skip


LAW = Claim(
    slug="exit-time-from-a-noisy-saddle",
    title=(
        "Noise σ lets a run leave a saddle after (log(Δ/s) + (γ + log 2)/2)/log r₊ + 1/2 steps on "
        "average, with deviation π/(2√2 log r₊)."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_law_statement,
    proof=_law_proof,
    experiment=lambda rng: _law_check(rng, lambda law: law.growth),
    control=lambda rng: _law_check(rng, lambda law: np.full_like(law.growth, 1 + LEARNING_RATE)),
    expected=Verdict.PROVED,
    figures=("exit-time-collapse",),
    remark=(
        "s = ασ/((r₊ − r₋)√(1 − r₊⁻²)) for heavy ball; for Δ ≫ s. The control takes gradient "
        "descent's growth for all."
    ),
)


def _shape_statement() -> Any:
    steps = symbol("steps")
    survival = expression(saddles.exit_time_survival)
    return sympy.Eq(sympy.Function("P")(sympy.Gt(sympy.Symbol("T"), steps)), survival)


def _largest_gap(steps: Any, law: ExitTime) -> float:
    """Kolmogorov and Smirnov's distance times the root of the number of runs, at whole steps."""
    times = np.arange(int(steps.max()) + 1)
    seen = np.searchsorted(np.sort(steps), times, side="right") / len(steps)
    return float(np.abs(seen - law.cdf(times)).max() * np.sqrt(len(steps)))


def _shape_check(rng: Any) -> Evidence:
    gaps = [
        _largest_gap(exit_runs(method, delay, rng), foretold(method, delay))
        for _, method, delay in SETTINGS
    ]
    return Evidence.close(
        0, max(gaps), tolerance=_KOLMOGOROV,
        note="largest √R · |F_R − F| of six methods, R = 3000; above 2.9 by chance once in 10⁷",
    )  # fmt: skip


def _wrong_shape_check(rng: Any) -> Evidence:
    ball, other = (HeavyBall(learning_rate=LEARNING_RATE, momentum=b) for b in (0.5, 0.45))
    return Evidence.close(
        0, _largest_gap(exit_runs(ball, None, rng), foretold(other)), tolerance=_KOLMOGOROV,
        note="√R · |F_R − F| of β = 0.5 beside the law of β = 0.45",
    )  # fmt: skip


_KOLMOGOROV = 2.9
"""Beyond which Kolmogorov's law, 2 exp(−2x²), has a chance of 1e-7."""


def _shape_proof() -> Evidence:
    """The survival in the time y = (T − E T) log r, half a step apart, knows no parameter."""
    y = sympy.Symbol("y", real=True)
    distance, size = symbol("distance"), symbol("amplitude")
    mean = expression(saddles.exit_time_mean) - sympy.Rational(1, 2)
    steps = mean + y / sympy.log(GROWTH)
    survival = expression(saddles.exit_time_survival).subs(symbol("steps"), steps)
    argument = survival.args[0]
    logarithm = sympy.expand_log(sympy.log(argument), force=True)
    plain = -y - sympy.EulerGamma / 2 - sympy.log(2)
    gap = sympy.simplify(sympy.expand(logarithm - plain))
    return Evidence.exact(
        gap,
        {distance, size, GROWTH}.isdisjoint(sympy.simplify(logarithm).free_symbols),
        note="P(T > E T − 1/2 + y/log r) = erf(e^(−y − γ/2)/2)",
    )


SHAPE = Claim(
    slug="exit-times-have-one-shape",
    title=(
        "(T − E T) log r₊ has one law, of the logarithm of a normal number, whatever method, "
        "momentum or fixed staleness."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_shape_statement,
    proof=_shape_proof,
    experiment=_shape_check,
    control=_wrong_shape_check,
    expected=Verdict.PROVED,
    figures=("exit-time-collapse",),
    remark="Where ages are random exit times spread more. The control sets the law of β = 0.45 "
    "beside runs of β = 0.5.",
)


def _noise_statement() -> Any:
    distance, size = symbol("distance"), symbol("amplitude")
    mean = saddles.exit_time_mean
    later = mean(GROWTH, size / 10, distance) - mean(GROWTH, size, distance)
    return sympy.Eq(sympy.expand_log(later, force=True), sympy.log(10) / sympy.log(GROWTH))


def _noise_proof() -> Evidence:
    statement = _noise_statement()
    if statement is sympy.true:
        return Evidence.exact(statement, note="difference of the means")
    return Evidence.exact(
        sympy.simplify(sympy.expand_log(statement.lhs - statement.rhs, force=True)),
        note="difference of the means",
    )


def quartic_exits(rng: Any, deviation: float, momenta: Any, replicas: int, steps: int) -> Any:
    """First steps within a tenth of a minimum of the quartic saddle, ``(momenta, replicas)``."""
    ball = HeavyBall(learning_rate=LEARNING_RATE, momentum=np.asarray(momenta))
    run = simulate(
        ball, QuarticSaddle(), steps=steps, start=np.zeros(2), replicas=replicas,
        noise_variance=[deviation**2, 0.0], seed=rng,
    )  # fmt: skip
    return first_steps(np.abs(np.abs(run.outputs[..., 0]) - 1) < _NEAR)


_NEAR = 0.1


def _noise_check(rng: Any, exponent: Any) -> Evidence:
    momenta, replicas = np.array([-0.5, 0.0, 0.5, 0.9]), 500
    times = [quartic_exits(rng, size, momenta, replicas, 900) for size in (1e-3, 1e-4)]
    later = times[1].mean(axis=1) - times[0].mean(axis=1)
    error = np.sqrt(sum(part.var(axis=1, ddof=1) for part in times) / replicas)
    return Evidence.statistical(
        np.log(10) / exponent(LEARNING_RATE, momenta, 1.0), later, error,
        note="steps that noise of 10⁻⁴ takes longer than 10⁻³ to a minimum of the quartic saddle",
    )  # fmt: skip


LESS_NOISE = Claim(
    slug="less-noise-delays-the-exit-by-a-logarithm",
    title="A tenth of the noise delays the exit from a strict saddle by log 10/log r₊ steps.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_noise_statement,
    proof=_noise_proof,
    experiment=lambda rng: _noise_check(rng, lambda a, b, g: np.log(saddles.escape_rate(a, b, g))),
    control=lambda rng: _noise_check(rng, saddles.overdamped_exponent),
    expected=Verdict.PROVED,
    figures=("strict-and-degenerate-saddles",),
    remark=(
        "Measured on the quartic saddle, which is linear at its saddle alone. The control takes "
        "the exponent of the effective step, αg/(1 − β)."
    ),
)
