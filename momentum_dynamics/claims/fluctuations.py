"""How heavy ball fluctuates around a solution: in time, in size, and what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.fluctuations import power_spectrum
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.laws import noise
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
VARIANCE, OMEGA, STEPS = map(symbol, ("noise_variance", "frequency", "steps"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


def _settled_run(rng: np.random.Generator, ball: HeavyBall, steps: int, replicas: int) -> Any:
    """Answers ``(steps + 1, replicas)`` of settled runs on curvature 1 with unit noise.

    One jump settles them; the run goes on from there.
    """
    settled = simulate(
        ball, Quadratic([1.0]), steps=4096, stride=4096, replicas=replicas, noise_variance=1.0,
        engine="jump", seed=rng,
    ).outputs[-1]  # fmt: skip
    run = simulate(
        ball, Quadratic([1.0]), steps=steps + 200, replicas=replicas, noise_variance=1.0,
        seed=rng, start=settled,
    )  # fmt: skip
    return run.outputs[200:, :, 0]


# Power spectrum --------------------------------------------------------------------------------


def _spectrum_statement() -> Any:
    return sympy.Eq(sympy.Function("S")(OMEGA), expression(noise.power_spectrum), evaluate=False)


def _spectrum_proof() -> Evidence:
    """The law is the engine's spectrum, and its slope vanishes at the law of resonance."""
    law = noise.power_spectrum(ALPHA, BETA, H, VARIANCE, OMEGA)
    cosine = sympy.Symbol("c", real=True)
    swing = (1 / law).subs(sympy.cos(2 * OMEGA), 2 * cosine**2 - 1)
    swing = swing.subs(sympy.cos(OMEGA), cosine)
    slope = sympy.diff(swing, cosine).subs(cosine, noise.resonance_cosine(ALPHA, BETA, H))
    return Evidence.exact(
        sympy.simplify(sympy.expand_trig(law - power_spectrum(BALL, H, VARIANCE, OMEGA))),
        sympy.simplify(slope),
        note="the spectrum of the state space; its peak is where cos ω = s(1 + β)/(4β)",
    )


def _spectrum_experiment(rng: np.random.Generator, *, momentum: float) -> Evidence:
    """Welch's estimate at one sample a step, one-sided, so twice the two-sided density."""
    from scipy.signal import welch

    ball = HeavyBall(learning_rate=0.5, momentum=0.6)
    path = _settled_run(rng, ball, 4095, 128)
    frequency, density = welch(path, nperseg=256, axis=0, detrend=False)
    chosen = slice(2, -2, 6)
    measured = density[chosen] / 2
    predicted = noise.power_spectrum(0.5, momentum, 1.0, 1.0, 2 * np.pi * frequency[chosen])
    # A window of 256 steps smears a curve by its curvature, well within a hundredth here.
    error = np.hypot(measured.std(axis=1, ddof=1) / np.sqrt(128), 0.01 * measured.mean(axis=1))
    return Evidence.statistical(
        predicted, measured.mean(axis=1), error, note="Welch's estimate of 128 runs of 4096 steps"
    )


SPECTRUM = Claim(
    slug="power-spectrum-of-heavy-ball",
    title="Settled heavy ball has the power spectrum α²σ²/|1 − s e^{−iω} + β e^{−2iω}|², with a "
    "resonance at cos ω = s(1 + β)/(4β).",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_spectrum_statement,
    proof=_spectrum_proof,
    experiment=lambda rng: _spectrum_experiment(rng, momentum=0.6),
    control=lambda rng: _spectrum_experiment(rng, momentum=0.5),
    expected=Verdict.PROVED,
    figures=("fluctuations",),
    remark="s = 1 + β − αh. The control predicts with momentum 0.5 where 0.6 runs.",
)


# Autocorrelation -------------------------------------------------------------------------------


def _correlation_statement() -> Any:
    return sympy.Eq(sympy.Function("r")(STEPS), expression(noise.autocorrelation), evaluate=False)


def _correlation_proof() -> Evidence:
    """Lags 0 and 1 are those of the covariance, and the law obeys the loop's recursion."""
    from momentum_dynamics.dynamics.fluctuations import autocorrelation

    begins = [
        sympy.simplify(
            noise.autocorrelation(ALPHA, BETA, H, sympy.Integer(k))
            - autocorrelation(BALL, H, VARIANCE, k)
        )
        for k in (0, 1, 2)
    ]
    angle, root = sympy.Symbol("varphi", real=True), symbol("root_momentum")
    beta = root**2
    step = 1 + beta - 2 * root * sympy.cos(angle)

    def at(lag: Any) -> Any:
        found = noise.autocorrelation(1, beta, step, lag)
        found = found.replace(sympy.chebyshevt, lambda n, _: sympy.cos(n * angle))
        return found.replace(
            sympy.chebyshevu, lambda n, _: sympy.sin((n + 1) * angle) / sympy.sin(angle)
        )

    recursion = at(STEPS + 2) - (1 + beta - step) * at(STEPS + 1) + beta * at(STEPS)
    return Evidence.exact(
        *begins, sympy.simplify(sympy.expand_trig(sympy.expand(recursion / root**STEPS))),
        note="right at lags 0, 1, 2, and the recursion of the loop holds for every lag",
    )  # fmt: skip


def _correlation_experiment(rng: np.random.Generator, *, momentum: float) -> Evidence:
    """Products of answers some steps apart, over replicas."""
    ball = HeavyBall(learning_rate=0.3, momentum=0.8)
    replicas = 20_000
    path = _settled_run(rng, ball, 12, replicas)
    products = path[0] * path[1:]
    variance = noise.stationary_variance(0.3, 0.8, 1.0, 1.0)
    predicted = noise.autocorrelation(0.3, momentum, 1.0, np.arange(1, 13)) * variance
    return Evidence.statistical(
        predicted, products.mean(axis=1), products.std(axis=1, ddof=1) / np.sqrt(replicas),
        note=f"covariances at lags 1 to 12 over {replicas:,} replicas",
    )  # fmt: skip


CORRELATION = Claim(
    slug="autocorrelation-of-heavy-ball",
    title="Settled heavy ball's answers some steps apart are correlated by "
    "βᵏᐟ²(Tₖ(σ) + σUₖ₋₁(σ)(1 − β)/(1 + β)).",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_correlation_statement,
    proof=_correlation_proof,
    experiment=lambda rng: _correlation_experiment(rng, momentum=0.8),
    control=lambda rng: _correlation_experiment(rng, momentum=0.7),
    expected=Verdict.PROVED,
    figures=("fluctuations",),
    remark="σ = (1 + β − αh)/(2√β). The correlation after one step is s/(1 + β).",
)


# Jumps -----------------------------------------------------------------------------------------


def _jump_statement() -> Any:
    n, k = sympy.symbols("n k", integer=True, positive=True)
    matrix, source = sympy.MatrixSymbol("M", 2, 2), sympy.MatrixSymbol("Q", 2, 2)
    total = sympy.Sum(matrix**k * source * (matrix.T) ** k, (k, 0, n - 1))
    return sympy.Eq(sympy.MatrixSymbol("C", 2, 2), total, evaluate=False)


def _jump_experiment(rng: np.random.Generator, *, stride: int) -> Evidence:
    """One draw for 50 steps against the exact moments after 50 steps."""
    ball, curvatures = HeavyBall(learning_rate=0.05, momentum=0.9), np.array([0.3, 1.0, 3.0])
    replicas = 40_000
    run = simulate(
        ball, Quadratic(curvatures), steps=stride, stride=stride, replicas=replicas,
        noise_variance=1.0, engine="jump", record="moments", seed=rng,
    )  # fmt: skip
    exact = second_moments(ball, curvatures, 1.0, steps=50)
    return Evidence.statistical(
        [exact.mean[-1], exact.variance[-1]], [run.mean[-1], run.variance[-1]],
        [run.mean_error[-1], run.variance_error[-1]],
        note=f"means and variances of three modes over {replicas:,} replicas",
    )  # fmt: skip


def _jump_proof() -> Evidence:
    """Doubling gives the sum, for matrices of letters and 1 to 6 steps."""
    from momentum_dynamics.simulation.jump import jump_maps

    matrix = np.array([[ALPHA, BETA], [1, 0]], dtype=object)
    source = np.array([[VARIANCE, 0], [0, 0]], dtype=object)
    found: list[Any] = []
    for stride in range(1, 7):
        power, total = jump_maps(matrix, source, stride)
        exact = np.array(sympy.Matrix(matrix) ** stride, dtype=object)
        own = sum(
            np.linalg.matrix_power(matrix, k) @ source @ np.linalg.matrix_power(matrix, k).T
            for k in range(stride)
        )
        found += [sympy.expand(entry) for entry in (power - exact).ravel()]
        found += [sympy.expand(entry) for entry in (total - own).ravel()]
    return Evidence.exact(*found, note="doubling gives the sum of all kicks, for 1 to 6 steps")


JUMP = Claim(
    slug="one-gaussian-draw-replaces-many-steps",
    title="Under Gaussian noise n steps of a linear loop are one draw, with mean Mⁿs and "
    "covariance Q + MQMᵀ + … + Mⁿ⁻¹QMⁿ⁻¹ᵀ.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_jump_statement,
    proof=_jump_proof,
    experiment=lambda rng: _jump_experiment(rng, stride=50),
    control=lambda rng: _jump_experiment(rng, stride=45),
    expected=Verdict.PROVED,
    remark="Doubling makes the covariance of a thousand steps cost ten products. The control jumps "
    "over 45 steps instead of 50.",
)
