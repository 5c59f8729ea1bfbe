"""Noise keeps small steps at a temperature: of one minimum, and of two that are shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.stationary import stationary_covariance, stationary_variance
from momentum_dynamics.laws import generalization, noise
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import DoubleWell, Quadratic
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.wells import (
    gibbs_occupation,
    limit_exit_time,
    simulate_well,
)

__all__ = ["WELL_TEMPERATURE"]

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
SIGMA, EFFECTIVE = symbol("noise_variance"), symbol("effective_learning_rate")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)

WELL_TEMPERATURE = 0.4
"""Of runs in double wells whose barrier is 1."""


# One minimum -----------------------------------------------------------------------------------


def _temperature_statement() -> Any:
    variance = stationary_variance(
        HeavyBall(learning_rate=EFFECTIVE * (1 - BETA), momentum=BETA), H, SIGMA
    )
    return sympy.Eq(sympy.Limit(H * variance / EFFECTIVE, EFFECTIVE, 0), SIGMA / 2, evaluate=False)


def _temperature_proof() -> Evidence:
    """The limit of h Var is T along α = α_e(1 − β), and neighbors in time become one.

    A linear loop under Gaussian noise settles at a Gaussian: for small steps at exp(−V/T).
    """
    small = {ALPHA: EFFECTIVE * (1 - BETA)}
    heat = generalization.temperature(ALPHA, BETA, SIGMA)
    spread = stationary_covariance(BALL, H, SIGMA)
    ratio = sympy.simplify((H * spread[0, 0] / heat).subs(small))
    correlation = sympy.simplify((spread[0, 1] / spread[0, 0]).subs(small))
    return Evidence.exact(
        sympy.limit(ratio, EFFECTIVE, 0) - 1,
        sympy.limit(correlation, EFFECTIVE, 0) - 1,
        sympy.simplify(heat - noise.effective_learning_rate(ALPHA, BETA) * SIGMA / 2),
        note="limits of the exact stationary covariance at fixed effective step",
    )


def _temperature_experiment(rng: np.random.Generator, *, is_effective: bool) -> Evidence:
    """Three curvatures under four momenta at one effective step of 0.01, 4,000 settled replicas."""
    step, replicas, h = 0.01, 4000, np.array([0.5, 1.0, 2.0])
    predicted, found, error = [], [], []
    for momentum in (0.0, 0.5, 0.9, 0.97):
        rate = step * (1 - momentum)
        run = simulate(
            HeavyBall(learning_rate=rate, momentum=momentum), Quadratic(h), steps=4000,
            replicas=replicas, noise_variance=2.0, seed=rng, engine="jump", stride=4000,
            start=np.zeros(3),
        )  # fmt: skip
        squares = np.asarray(run.outputs)[-1] ** 2 * h
        found.append(squares.mean(axis=0))
        error.append(squares.std(axis=0, ddof=1) / np.sqrt(replicas))
        counted = momentum if is_effective else 0.0
        predicted.append(np.full(3, float(generalization.temperature(rate, counted, 2.0))))
    return Evidence.statistical(
        predicted, found, error, note=f"curvature times variance, {replicas:,} replicas"
    )


TEMPERATURE = Claim(
    slug="temperature-of-heavy-ball",
    title="Gradient noise keeps small steps at the temperature ασ²/(2(1 − β)): a direction of "
    "curvature h is found with variance T/h, and only the effective step counts.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_temperature_statement,
    proof=_temperature_proof,
    experiment=lambda rng: _temperature_experiment(rng, is_effective=True),
    control=lambda rng: _temperature_experiment(rng, is_effective=False),
    expected=Verdict.PROVED,
    figures=("temperature-collapse",),
    remark="The control leaves the factor 1/(1 − β) out.",
)


# Two minima ------------------------------------------------------------------------------------

_STEP = 0.005


def _exit_statement() -> Any:
    time, step = sympy.Symbol("tau"), noise.effective_learning_rate(ALPHA, BETA)
    barrier = sympy.Symbol(r"\Delta V")
    heat = generalization.temperature(ALPHA, BETA, SIGMA)
    return sympy.Eq(sympy.log(step * time), barrier / heat, evaluate=False)


def _exit_experiment(rng: np.random.Generator, *, is_effective: bool) -> Evidence:
    """Effective times of 1,000 exits for each momentum, against the law of small steps."""
    well, heat = DoubleWell(), WELL_TEMPERATURE
    top = -float(well.curvature(np.array(well.top)))
    predicted, found, error = [], [], []
    for momentum in (0.0, 0.5, 0.8):
        rate = _STEP * (1 - momentum) if is_effective else _STEP
        step = float(noise.effective_learning_rate(rate, momentum))
        run = simulate_well(
            HeavyBall(learning_rate=rate, momentum=momentum), well,
            noise_variance=2 * heat / _STEP, steps=round(400 / _STEP), replicas=1000,
            until_exit=True, seed=rng,
        )  # fmt: skip
        found.append(step * run.mean_exit)
        # Steps of this size still heat by some hundredths.
        allowed = 0.01 * found[-1]
        error.append(np.hypot(step * run.exit_error, allowed))
        later = float(generalization.inertia_factor(rate, momentum, top))
        predicted.append(limit_exit_time(well, heat) * later)
    return Evidence.statistical(
        predicted, found, error, note="effective time to leave a well, 1,000 replicas, β to 0.8"
    )


EXIT = Claim(
    slug="momentum-leaves-a-well-no-sooner",
    title="At equal effective learning rate momentum leaves a well as late as gradient descent "
    "does, up to its inertia, which makes it later; at equal learning rate it is only hotter.",
    source=Citation("kramers1940"),
    kind=Kind.ASYMPTOTIC,
    statement=_exit_statement,
    proof=None,
    experiment=lambda rng: _exit_experiment(rng, is_effective=True),
    control=lambda rng: _exit_experiment(rng, is_effective=False),
    expected=Verdict.CONFIRMED,
    figures=("exits-from-a-well",),
    remark="Beside the factor of inertia, 1/2 + √(1/4 + mg) over a top of curvature −g, with m = "
    "αβ/(1 − β)², the times are exact for small steps; one hundredth is allowed for their size. "
    "The control keeps the learning rate, and so raises the temperature by 1/(1 − β).",
)


def _share_statement() -> Any:
    x, left = sympy.symbols("x x_0")
    loss = sympy.Function("V")
    heat = generalization.temperature(ALPHA, BETA, SIGMA)
    weight = sympy.exp(-loss(x) / heat)
    whole = sympy.Integral(weight, (x, -sympy.oo, sympy.oo))
    return sympy.Eq(
        sympy.Symbol("p"), sympy.Integral(weight, (x, -sympy.oo, left)) / whole, evaluate=False
    )


def _share_experiment(rng: np.random.Generator, *, is_effective: bool) -> Evidence:
    """The share of 4,000 runs in the flat, shallow well after 60 units of effective time."""
    well, heat = DoubleWell(top=-0.1), WELL_TEMPERATURE
    predicted, found, error = [], [], []
    for momentum in (0.0, 0.5, 0.9):
        rate = 0.01 * (1 - momentum) if is_effective else 0.01
        run = simulate_well(
            HeavyBall(learning_rate=rate, momentum=momentum if is_effective else momentum / 2),
            well, noise_variance=2 * heat / 0.01, steps=6000, replicas=4000, seed=rng,
        )  # fmt: skip
        found.append(run.occupation)
        error.append(run.occupation_error)
        predicted.append(gibbs_occupation(well, heat))
    return Evidence.statistical(
        predicted, found, error, note="share in the flat well, 4,000 replicas, β to 0.9"
    )


SHARE = Claim(
    slug="momentum-shares-two-wells-as-its-effective-step-does",
    title="How often a deep sharp well and a shallow flat one are found depends on the effective "
    "learning rate alone: momentum by itself does not prefer the flat one.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_share_statement,
    proof=None,
    experiment=lambda rng: _share_experiment(rng, is_effective=True),
    control=lambda rng: _share_experiment(rng, is_effective=False),
    expected=Verdict.CONFIRMED,
    figures=("exits-from-a-well",),
    remark="The control keeps the learning rate, with momenta up to 0.45: hotter, so the flat "
    "well is found more often, as it is with a longer step.",
)
