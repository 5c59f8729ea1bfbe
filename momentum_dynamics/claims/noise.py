"""The noise floor, and the stand-in for it that is no bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.stationary import stationary_covariance, stationary_variance
from momentum_dynamics.laws import noise, regions
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, H = symbol("learning_rate"), symbol("momentum"), symbol("curvature")
VARIANCE, ROOT = symbol("noise_variance"), symbol("root_momentum")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)

REPLICAS = 20_000


def _simulated_floor(
    rng: np.random.Generator, learning_rate: float, momentum: float, curvatures: Any
) -> tuple[Any, Any]:
    """The variance over replicas of a settled run, and its standard error."""
    run = simulate(
        HeavyBall(learning_rate=learning_rate, momentum=momentum),
        Quadratic(curvatures),
        steps=int(20 / (1 - momentum) + 20 / (learning_rate * min(curvatures))),
        replicas=REPLICAS,
        noise_variance=1.0,
        record="moments",
        seed=rng,
    )
    return run.variance[-1], run.variance_error[-1]


# Noise floor -----------------------------------------------------------------------------------


def _floor_statement() -> Any:
    return sympy.Eq(sympy.Symbol("Var"), expression(noise.stationary_variance))


def _floor_proof() -> Evidence:
    """The law solves the Lyapunov equation of the state space, two ways."""
    law = noise.stationary_variance(ALPHA, BETA, H, VARIANCE)
    covariance = stationary_covariance(BALL, H, VARIANCE)
    own = covariance[0, 0]
    effective = noise.effective_learning_rate(ALPHA, BETA)
    plain = noise.stationary_variance(effective, 0, H, VARIANCE)
    ratio = sympy.series((law / plain).subs(H, sympy.Symbol("e") / ALPHA), sympy.Symbol("e"), 0, 1)
    return Evidence.exact(
        law - own, law - stationary_variance(BALL, H, VARIANCE),
        sympy.simplify(ratio.removeO() - 1),
        note="solves the Lyapunov equation; SGD's at equal effective step to first order",
    )  # fmt: skip


def _floor_experiment(rng: np.random.Generator, *, without_momentum: bool) -> Evidence:
    learning_rate, momentum, curvatures = 0.2, 0.8, np.array([0.25, 0.5, 1.0, 1.5])
    measured, error = _simulated_floor(rng, learning_rate, momentum, curvatures)
    assumed = 0.0 if without_momentum else momentum
    step = (
        noise.effective_learning_rate(learning_rate, momentum)
        if without_momentum
        else learning_rate
    )
    predicted = noise.stationary_variance(step, assumed, curvatures, 1.0)
    return Evidence.statistical(
        predicted, measured, error, note=f"variance over {REPLICAS:,} replicas, four curvatures"
    )


FLOOR = Claim(
    slug="noise-floor-of-heavy-ball",
    title="Heavy ball settles to the variance ασ²(1 + β)/(h(1 − β)(2(1 + β) − αh)).",
    source=Citation("mohammadi2021"),
    kind=Kind.IDENTITY,
    statement=_floor_statement,
    proof=_floor_proof,
    experiment=lambda rng: _floor_experiment(rng, without_momentum=False),
    control=lambda rng: _floor_experiment(rng, without_momentum=True),
    expected=Verdict.PROVED,
    figures=("noise-floor", "two-parts-of-the-loss"),
    remark="At equal learning rate momentum raises the floor where αh < 1 + β; at equal effective "
    "step α/(1 − β) it lowers it, for every 0 < β < 1. The control predicts by SGD at the "
    "effective step.",
)


# Surrogate -------------------------------------------------------------------------------------


def _surrogate_statement() -> Any:
    law = noise.stationary_variance(ALPHA, BETA, H, VARIANCE)
    return sympy.Le(law, expression(noise.surrogate_variance))


def _surrogate_proof() -> Evidence:
    """The corrected statement: the ratio of truth to stand-in, at the edge and in the middle."""
    law = noise.stationary_variance(ALPHA, BETA, H, VARIANCE)
    ratio = law / noise.surrogate_variance(ALPHA, BETA, VARIANCE)
    beta = ROOT**2
    edge = noise.surrogate_ratio(regions.robust_low_end(beta), beta, 1)
    middle = noise.surrogate_ratio(1 + BETA, BETA, 1)
    return Evidence.exact(
        ratio - noise.surrogate_ratio(ALPHA, BETA, H),
        edge - (1 + beta) / (1 - beta) ** 2,
        middle - 1 / (1 + BETA),
        note="ratio is (1 + β)/(1 − β)² at the edge and 1/(1 + β) in the middle",
    )


def _surrogate_experiment(rng: np.random.Generator, *, as_bound: bool) -> Evidence:
    """At the low edge of the robust region, where YellowFin tunes.

    As a bound, only an excess counts against it. The control is two-sided: the true floor of the
    middle of the region, where the stand-in is nearest, is not what is measured at the edge.
    """
    momentum = 0.81
    learning_rate = float(regions.robust_low_end(momentum))
    measured, error = _simulated_floor(rng, learning_rate, momentum, np.array([1.0]))
    claimed = noise.surrogate_variance(learning_rate, momentum, 1.0)
    if as_bound:
        measured = np.maximum(measured, claimed)
    else:
        claimed = claimed * noise.surrogate_ratio(1 + momentum, momentum, 1.0)
    return Evidence.statistical(
        claimed, measured, error, note="stationary variance against the stand-in, β = 0.81"
    )


SURROGATE = Claim(
    slug="surrogate-is-an-upper-bound",
    title="YellowFin's stand-in α²σ²/(1 − β) is a bound for the noise floor on the robust region.",
    source=Citation("zhang2017", "variance surrogate"),
    kind=Kind.UPPER_BOUND,
    statement=_surrogate_statement,
    proof=_surrogate_proof,
    experiment=lambda rng: _surrogate_experiment(rng, as_bound=True),
    control=lambda rng: _surrogate_experiment(rng, as_bound=False),
    expected=Verdict.REFUTED,
    figures=("noise-floor",),
    remark="Refuted, if the stand-in is read as a bound: at the edge, where the tuner works, the "
    "truth is (1 + β)/(1 − β)² times as large, 190 times at β = 0.9. The first step's variance is "
    "exact.",
)
