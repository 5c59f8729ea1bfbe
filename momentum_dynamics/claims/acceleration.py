"""Asynchrony accelerates the mean, and nothing but the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.laws import optima, staleness
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation.exponents import path_exponent

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
WORKERS, NOISE = symbol("workers"), symbol("noise_variance")
DESCENT = GradientDescent(learning_rate=ALPHA)


# Asynchrony accelerates the mean alone ---------------------------------------------------------


def _tuned_for_asynchrony(root: Any) -> tuple[Any, Any]:
    """Workers and learning rate whose mean is tuned heavy ball on curvatures from 1/κ to 1."""
    tuned = optima.heavy_ball(1 / root**2, sympy.Integer(1))
    workers = sympy.simplify(1 / (1 - tuned.momentum))
    return workers, sympy.simplify(tuned.learning_rate * workers)


def _acceleration_proof() -> Evidence:
    """The tuning asks for αL = √κ, and M(αL)² − αL − 2 > 0 from κ = 4 on: second moments explode.

    With k = √κ it is (k³ + 2k² − 3k − 8)/4; written in k − 2 ≥ 0 all coefficients are positive.
    """
    root, beyond = sympy.Symbol("k", positive=True), sympy.Symbol("x", nonnegative=True)
    workers, rate = _tuned_for_asynchrony(root)
    excess = sympy.expand((workers * rate**2 - rate - 2).subs(root, 2 + beyond))
    return Evidence.exact(
        workers - (root + 1) ** 2 / (4 * root),
        rate - root,
        all(bool(c > 0) for c in sympy.Poly(excess, beyond).coeffs()),
        note="the mean is tuned heavy ball's, and unstable in mean square for every κ ≥ 4",
    )


def _acceleration_experiment(rng: np.random.Generator, *, workers: int) -> Evidence:
    """The rate of almost every path on the stiffest curvature against tuned heavy ball's."""
    kappa = 100.0
    alone = float(optima.gradient_descent(1 / kappa, 1.0).learning_rate)
    rate = np.sqrt(kappa) if workers > 1 else alone
    found = path_exponent(
        GradientDescent(learning_rate=rate), 1.0, workers=workers, updates=1000, replicas=128,
        seed=rng,
    )  # fmt: skip
    predicted = float(np.log(optima.heavy_ball_rate(kappa)))
    return Evidence.statistical(
        predicted, found.value, max(found.error, 1e-12),
        note=f"log of the rate of single paths, κ = {kappa:g}, M = {workers}",
    )  # fmt: skip


ACCELERATES = Claim(
    slug="asynchrony-accelerates-as-momentum-does",
    title=(
        "With the right number of workers, (√κ + 1)²/(4√κ), asynchronous gradient descent is as "
        "fast as tuned heavy ball."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("rho"), expression(optima.heavy_ball_rate), evaluate=False
    ),
    proof=_acceleration_proof,
    experiment=lambda rng: _acceleration_experiment(rng, workers=3),
    control=lambda rng: _acceleration_experiment(rng, workers=1),
    expected=Verdict.REFUTED,
    figures=("mean-is-fine", "best-rates-of-queues"),
    remark="True of the mean and of nothing else: the theorem speaks of the mean, and this reading "
    "of it is not the paper's claim. The learning rate that it takes is αL = √κ, at which second "
    "moments explode from κ = 4 on, and single paths grow. The control is one worker, whose "
    "gradient descent is slower.",
)


def _best_mean_square(workers: int, kappa: float) -> float:
    """The best mean-square rate of gradient descent over learning rates, by golden section."""
    from scipy.optimize import minimize_scalar

    ends = np.array([1 / kappa, 1.0])
    limit = float(staleness.queue_mean_square_limit(workers))

    def worst(rate: float) -> float:
        method = GradientDescent(learning_rate=float(rate))
        return float(queue_moments(method, ends, workers=workers).mean_square_rate.max())

    found = minimize_scalar(worst, bounds=(0.1 * limit, limit), method="bounded")
    return float(np.sqrt(found.fun))


def _never_experiment(_: np.random.Generator, *, kappa: float, in_mean: bool) -> Evidence:
    """The largest gain over gradient descent of one worker that any number of workers has."""
    counts = (2, 3, 4, 8, 16, 64)
    own = float(optima.gradient_descent_rate(kappa))
    if in_mean:
        rates = [float(optima.heavy_ball_rate(kappa))]
    else:
        rates = [_best_mean_square(count, kappa) for count in counts]
    gains = [max(own - rate, 0.0) for rate in rates]
    return Evidence.close(
        0.0, gains, tolerance=1e-9,
        note=f"gain in the rate over one worker, κ = {kappa:g}, M = 2 … 64, best step for each",
    )  # fmt: skip


NEVER = Claim(
    slug="more-workers-are-slower-per-update-in-mean-square",
    title=(
        "In mean square gradient descent with any number of memoryless workers is slower per "
        "update than with one, each with its best learning rate."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Ge(
        sympy.Symbol("rho_M"), expression(optima.gradient_descent_rate), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _never_experiment(rng, kappa=100.0, in_mean=False),
    control=lambda rng: _never_experiment(rng, kappa=100.0, in_mean=True),
    expected=Verdict.CONFIRMED,
    figures=("best-rates-of-queues",),
    remark="Rates are roots of mean-square rates. Computed, not proved; the control is the best "
    "rate of the mean. Per unit of time M workers make M updates, and gain.",
)


# Almost every path -----------------------------------------------------------------------------


def _between(rng: np.random.Generator, workers: tuple[int, ...]) -> Evidence:
    """Just beyond the mean-square limit paths shrink; well below the mean's limit they grow."""
    checks, told = [], []
    for count in workers:
        low = 1.1 * float(staleness.queue_mean_square_limit(count))
        high = 0.5 * float(staleness.geometric_delay_step_limit(count))
        shrinks, grows = (
            path_exponent(
                GradientDescent(learning_rate=step), 1.0, workers=count, updates=600,
                replicas=128, seed=rng,
            )
            for step in (low, high)
        )  # fmt: skip
        checks += [shrinks.value < -5 * shrinks.error, grows.value > 5 * grows.error]
        told.append(f"M = {count}: {shrinks.value:.3f}, {grows.value:.2f}")
    return Evidence.exact(
        *map(bool, checks), note="exponents 10 % beyond, and at half: " + "; ".join(told)
    )


ALMOST_SURE = Claim(
    slug="almost-every-path-stops-converging-between-the-two-limits",
    title=(
        "As the step grows, second moments explode first, then almost every path, and the mean "
        "last."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(
        expression(staleness.queue_mean_square_limit),
        expression(staleness.geometric_delay_step_limit),
        evaluate=False,
    ),
    proof=None,
    experiment=lambda rng: _between(rng, (2, 4, 16)),
    control=lambda rng: _between(rng, (1,)),
    expected=Verdict.CONFIRMED,
    figures=("limits-of-stale-steps",),
    remark="M memoryless workers on one curvature without noise; exponents have errors from "
    "independent paths. With one worker, the control, there is one limit for all three.",
)
