"""Remedies against staleness: what each buys, and what it is paid with."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential
from momentum_dynamics.dynamics.asynchrony.comparison import compare_remedies, usual_remedies
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.methods.remedies import (
    DelayCompensated,
    InverseStaleness,
    StalenessWeighted,
    StaleThreshold,
)
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
WORKERS, NOISE, SHARE = map(symbol, ("workers", "noise_variance", "compensation"))
STALENESS = symbol("staleness")
DESCENT = GradientDescent(learning_rate=ALPHA)


def _whole_operator(method: Any, curvature: float, workers: int) -> Any:
    """E A ⊗ A of what is shared and of what each worker holds, written out worker by worker."""
    shared, held = method.initial_state(0.0)
    first, each = len(shared), len(held)
    size = first + workers * each
    total = np.zeros((size**2, size**2))
    for writer in range(workers):
        columns = []
        for unit in np.eye(size):
            kept = unit[first:].reshape(workers, each)
            own = tuple(unit[:first]), tuple(kept[writer])
            others = tuple(kept.sum(axis=0) - kept[writer])
            moved = method.update(*own, others, curvature * method.query(*own))
            column = unit.copy()
            column[:first] = moved[0]
            column[first:].reshape(workers, each)[writer] = moved[1]
            columns.append(column)
        matrix = np.array(columns).T
        total += np.kron(matrix, matrix) / workers
    return total


# Compensation ----------------------------------------------------------------------------------


def _compensated_floor(share: Any) -> Any:
    """The queue's floor with compensation for a share of the motion, on curvature 1."""
    moments = queue_moments(
        DelayCompensated(method=DESCENT, compensation=SHARE), 1, workers=WORKERS, noise_variance=1
    )
    return moments.stationary_variance.subs(SHARE, share)


def _compensated_runs(rng: np.random.Generator, *, share: float) -> Evidence:
    workers, rate, updates, replicas = 6, 0.5, 120, 1_024
    method = DelayCompensated(method=GradientDescent(learning_rate=rate), compensation=share)
    run: Any = simulate_queue(
        method, Quadratic([1.0]), workers=workers, service=Exponential(), updates=updates,
        noise_variance=1.0, replicas=replicas, record="moments", stride=updates, start=[0.0],
        seed=rng,
    ).moments  # fmt: skip
    alone = float(stationary_variance(GradientDescent(learning_rate=rate), 1.0, 1.0))
    return Evidence.statistical(
        alone, run.variance[-1, 0], run.variance_error[-1, 0],
        note=f"variance of {replicas:,} queues of {workers} workers against one worker's floor",
    )  # fmt: skip


FULL = Claim(
    slug="compensation-by-the-true-curvature-removes-staleness",
    title=(
        "A stale gradient corrected by the true curvature for all of the motion since is a fresh "
        "one: on a quadratic no trace of staleness is left, not even in the noise."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("V"), stationary_variance(DESCENT, H, NOISE), evaluate=False
    ),
    proof=lambda: Evidence.exact(
        _compensated_floor(1) - stationary_variance(DESCENT, 1, 1),
        _compensated_floor(0)
        - queue_moments(DESCENT, 1, workers=WORKERS, noise_variance=1).stationary_variance,
        note="the floor for any share of compensation, at 1 one worker's, at 0 the queue's",
    ),
    experiment=lambda rng: _compensated_runs(rng, share=1.0),
    control=lambda rng: _compensated_runs(rng, share=0.5),
    expected=Verdict.PROVED,
    figures=("remedies-against-staleness",),
    remark="Idealized: DC-ASGD has squares of noisy gradients in place of the curvature. The "
    "control compensates half of the motion.",
)


def _half_proof() -> Evidence:
    """At one half the floor is α(1 + (M − ½)α)/((2 − α)(1 + Mα/2)): its only pole is at 2."""
    half = _compensated_floor(sympy.Rational(1, 2))
    above = 1 + (WORKERS - sympy.Rational(1, 2)) * ALPHA
    return Evidence.exact(
        half - ALPHA * above / ((2 - ALPHA) * (1 + WORKERS * ALPHA / 2)),
        half / stationary_variance(DESCENT, 1, 1) - above / (1 + WORKERS * ALPHA / 2),
        2 * (1 + WORKERS * ALPHA / 2) - above - (1 + ALPHA / 2),
        note="the pole is at αh = 2 for every M, and the floor is below twice one worker's",
    )


def _half_experiment(_: np.random.Generator, *, share: float) -> Evidence:
    method = DelayCompensated(method=GradientDescent(learning_rate=2.0), compensation=share)
    rates = [
        np.abs(np.linalg.eigvals(_whole_operator(method, 1.0, count))).max()
        for count in (1, 2, 3, 4, 5)
    ]
    return Evidence.close(
        1.0, rates, tolerance=1e-6,
        note="spectral radius of E A⊗A over all workers' reads at αh = 2, M = 1 … 5",
    )  # fmt: skip


HALF = Claim(
    slug="half-a-compensation-restores-the-limit-of-one-worker",
    title=(
        "Compensated for half of the motion, gradient descent on any number of memoryless workers "
        "is stable in mean square up to αh = 2, as with one, at less than twice the noise."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(ALPHA * H, 2, evaluate=False),
    proof=_half_proof,
    experiment=lambda rng: _half_experiment(rng, share=0.5),
    control=lambda rng: _half_experiment(rng, share=0.4),
    expected=Verdict.PROVED,
    figures=("remedies-against-staleness",),
    remark="So a curvature known to a factor of two is of use. No earlier source was found.",
)


# Weights ---------------------------------------------------------------------------------------


def _weights_proof() -> Evidence:
    """Means of weights under the geometric law, p = 1/M and μ = 1 − p.

    Σ pμᵏ/(k + 1) is the integral of p/(1 − μx) over [0, 1], and Σ pμᵏ/(k + 1)² is by definition
    (p/μ)Li₂(μ). Dropping keeps Σ pμᵏ up to T, which is the mean and the mean square of its weight.

    These make the floor: with r the read and τ its age, E x² settles where
    2αh E φxr = α²(h² E φ²r² + σ² E φ²). What r was read knows nothing of the draws that make τ, and
    x − r is of order α, while x is of order √α. So E φxr = E φ E x² (1 + O(√α)), and
    E x² → ασ² E φ²/(2h E φ): at the common speed αhE φ it grows by E φ²/(E φ)².
    """
    age, last = sympy.symbols("k T", integer=True, nonnegative=True)
    point = sympy.Symbol("x", positive=True)
    chance = 1 / WORKERS
    stay = 1 - chance
    integral = -sympy.log(1 - stay * point) * chance / stay
    return Evidence.exact(
        sympy.diff(integral, point) - chance / (1 - stay * point),
        integral.subs(point, 0),
        integral.subs(point, 1) - sympy.log(WORKERS) / (WORKERS - 1),
        chance / stay - 1 / (WORKERS - 1),
        sympy.summation(chance * stay**age, (age, 0, last)) - (1 - stay ** (last + 1)),
        note="E φ = ln M/(M − 1) and E φ² = Li₂(1 − 1/M)/(M − 1); the share kept when dropping",
    )


def _noise_factor(weight: Any, workers: int) -> float:
    """E φ²/(E φ)² under the law of staleness."""
    if isinstance(weight, StaleThreshold):
        return 1 / (1 - (1 - 1 / workers) ** (int(weight.largest) + 1))
    from scipy.special import spence

    return float((workers - 1) * spence(1 / workers) / np.log(workers) ** 2)


def _weights_experiment(_: np.random.Generator, *, paid: bool) -> Evidence:
    """Floors at a small common speed over those without weights."""
    predicted, measured = [], []
    for workers in (4, 16):
        for weight in (InverseStaleness(), StaleThreshold(largest=workers - 1)):
            factor = _noise_factor(weight, workers)
            ages = np.arange(60 * workers)
            law = (1 - 1 / workers) ** ages / workers
            small = 1e-4
            rate = small / float(law @ weight(ages))
            moments = [
                queue_moments(method, 1.0, workers=workers, noise_variance=1.0)
                for method in (
                    StalenessWeighted(method=GradientDescent(learning_rate=rate), weight=weight),
                    GradientDescent(learning_rate=small),
                )
            ]
            measured.append(moments[0].stationary_variance / moments[1].stationary_variance)
            predicted.append(factor if paid else 1.0)
    return Evidence.close(
        predicted, measured, tolerance=0.01,
        note="floors at the speed of αh = 10⁻⁴, over those without weights, M = 4 and 16",
    )  # fmt: skip


WEIGHTS = Claim(
    slug="weights-of-staleness-are-paid-for-in-noise",
    title=(
        "Learning rates that fall with staleness, dropping included, add noise: at equal small "
        "speed the floor grows by E φ²/(E φ)², for the rate 1/(τ + 1) on M memoryless workers by "
        "(M − 1)Li₂(1 − 1/M)/ln² M."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Eq(
        sympy.Symbol("V_phi") / sympy.Symbol("V"),
        (WORKERS - 1) * sympy.polylog(2, 1 - 1 / WORKERS) / sympy.log(WORKERS) ** 2,
        evaluate=False,
    ),
    proof=_weights_proof,
    experiment=lambda rng: _weights_experiment(rng, paid=True),
    control=lambda rng: _weights_experiment(rng, paid=False),
    expected=Verdict.PROVED,
    figures=("remedies-against-staleness",),
    remark="By the inequality of Cauchy and Schwarz no weights have a factor below 1: every "
    "gradient is equally noisy, however old. What weights buy is a larger stable step.",
)


def _dropping_experiment(_: np.random.Generator, *, name: str) -> Evidence:
    """Whether a remedy bears a larger step, and is slower and noisier all the same."""
    checks, told = [], []
    for workers in (4, 8, 16):
        usual = usual_remedies(workers, 0.01, 1.0)
        table = compare_remedies(
            workers, 0.01, 1.0, remedies={key: usual[key] for key in ("none", name)}
        )
        step, rate, floor = table.largest_step, table.root_mean_square_rate, table.noise_floor
        checks += [step[1] > step[0], rate[1] > rate[0], floor[1] > floor[0]]
        told.append(f"M = {workers}: {rate[1]:.5f} after {rate[0]:.5f}")
    return Evidence.exact(*map(bool, checks), note="best root mean-square rates " + "; ".join(told))


DROPPING = Claim(
    slug="dropping-stale-gradients-is-slower-and-noisier",
    title=(
        "Dropping the gradients that are older than the mean staleness lets the step grow, but "
        "gradient descent is slower at its best, and noisier at equal speed."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Gt(sympy.Symbol("rho_drop"), sympy.Symbol("rho"), evaluate=False),
    proof=None,
    experiment=lambda rng: _dropping_experiment(rng, name="dropped beyond M - 1"),
    control=lambda rng: _dropping_experiment(rng, name="half rate beyond M - 1"),
    expected=Verdict.CONFIRMED,
    figures=("remedies-against-staleness",),
    remark="Per update, κ = 100, exact second moments; a dropped gradient is an update with the "
    "gradient 0. The control halves the rate of old gradients instead, which is faster.",
)
