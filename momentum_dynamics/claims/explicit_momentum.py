"""Explicit momentum on top of asynchrony: two lag poles, and optima below zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import GeometricDelay
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue
from momentum_dynamics.dynamics.equivalence import equivalent_momentum
from momentum_dynamics.dynamics.loop import characteristic_polynomial, transfer_function
from momentum_dynamics.laws import optima, staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol

__all__: list[str] = []

ALPHA, BETA, WORKERS = map(symbol, ("learning_rate", "momentum", "workers"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
Z = sympy.Symbol("z")


# Two lag poles ---------------------------------------------------------------------------------


def _poles_proof() -> Evidence:
    """(z − 1)(z − b)(z − μ) + a(1 − μ)z² = 0, and no heavy ball has that transfer function."""
    delay = GeometricDelay(workers=WORKERS)
    kept = staleness.implicit_momentum(WORKERS)
    loop = characteristic_polynomial(BALL, 1, delay).as_expr()
    open_loop = (Z - 1) * (Z - BETA) * (Z - kept)
    gain = sympy.cancel(transfer_function(BALL) * delay.generating_function(1 / Z))
    return Evidence.exact(
        loop - open_loop - ALPHA * (1 - kept) * Z**2,
        not isinstance(equivalent_momentum(BALL, delay), HeavyBall),
        sympy.degree(sympy.denom(gain), Z) == 3,
        gain + ALPHA * (1 - kept) * Z**2 / open_loop,
        note="both poles stand in the open loop for every M and b; nothing cancels",
    )


def _recursion(_: np.random.Generator, *, two: bool) -> Evidence:
    """The exact mean path of a queue against the recursion with two lags, or with one."""
    workers, momentum, rate, steps = 4, 0.5, 0.2, 40
    method = HeavyBall(learning_rate=rate, momentum=momentum)
    path = queue_moments(method, 1.0, workers=workers).path(steps).mean
    kept = float(staleness.implicit_momentum(workers))
    velocity = np.diff(path)
    first, second = (momentum + kept, momentum * kept) if two else (momentum + kept, 0.0)
    predicted = first * velocity[1:-1] - second * velocity[:-2] - rate / workers * path[2:-1]
    return Evidence.close(
        predicted, velocity[2:], tolerance=1e-12,
        note=f"the next step of the exact mean, M = {workers}, b = {momentum:g}",
    )  # fmt: skip


POLES = Claim(
    slug="explicit-and-implicit-momentum-are-two-lags",
    title=(
        "With explicit momentum b on M memoryless workers the mean has two lag poles, b and "
        "1 − 1/M: there is no single total momentum."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        characteristic_polynomial(BALL, 1, GeometricDelay(workers=WORKERS)).as_expr(),
        0,
        evaluate=False,
    ),
    proof=_poles_proof,
    experiment=lambda rng: _recursion(rng, two=True),
    control=lambda rng: _recursion(rng, two=False),
    expected=Verdict.PROVED,
    figures=("best-momentum-of-queues",),
    remark="E vₜ₊₁ = (b + μ) E vₜ − bμ E vₜ₋₁ − (α/M) E g(wₜ). The control adds the two momenta "
    "into one, as rules of thumb do.",
)


# Optima ----------------------------------------------------------------------------------------


def _sign(_: np.random.Generator, workers: tuple[int, ...]) -> Evidence:
    """The best momentum of the mean and of second moments, and what going below 0 gains."""
    kappa = 100.0
    pairs = [
        tune_queue(1 / kappa, 1.0, workers=m, sense=sense)
        for m in workers
        for sense in ("mean", "mean-square")
    ]
    told = "; ".join(f"{tuned.method.momentum:.2f} (rate {tuned.rate:.5f})" for tuned in pairs)
    return Evidence.exact(
        *(tuned.method.momentum < -0.01 for tuned in pairs),
        note=f"κ = {kappa:g}, M = {workers}: mean and mean square by turns, {told}",
    )


NEGATIVE = Claim(
    slug="best-explicit-momentum-becomes-negative",
    title=(
        "The best explicit momentum falls as workers are added, and is negative from a few on, in "
        "the mean and in mean square."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(BETA, 0, evaluate=False),
    proof=None,
    experiment=lambda rng: _sign(rng, (8, 16)),
    control=lambda rng: _sign(rng, (1, 2)),
    expected=Verdict.CONFIRMED,
    figures=("best-momentum-of-queues",),
    remark="The abstract says that negative momentum can improve performance under high "
    "asynchrony. It does; in mean square the gain is in the fifth digit at κ = 100, M = 8.",
)


# Rules of thumb --------------------------------------------------------------------------------


def _rule(_: np.random.Generator, law: Callable[[float, int], float]) -> Evidence:
    kappa = 100.0
    total = float(optima.heavy_ball(1 / kappa, 1.0).momentum)
    counts = (2, 3)
    best = [tune_queue(1 / kappa, 1.0, workers=m, sense="mean").method.momentum for m in counts]
    return Evidence.close(
        [float(law(total, m)) for m in counts], best, tolerance=0.05,
        note=f"best explicit momentum of the mean, κ = {kappa:g}, M = {counts}",
    )  # fmt: skip


ADDITIVE = Claim(
    slug="momenta-add-up-for-few-workers",
    title=(
        "For two and three workers the best explicit momentum of the mean is within 0.05 of the "
        "target less 1 − 1/M, with tuned heavy ball's momentum as the target."
    ),
    source=Citation("hadjis2016"),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Eq(
        BETA, staleness.additive_momentum(symbol("total_momentum"), WORKERS), evaluate=False
    ),
    proof=None,
    experiment=lambda rng: _rule(rng, staleness.additive_momentum),
    control=lambda rng: _rule(rng, staleness.time_constant_momentum),
    expected=Verdict.CONFIRMED,
    figures=("best-momentum-of-queues",),
    remark="A heuristic: from M = 4 on it is off by 0.1 and more, and the best in mean square is "
    "nearer to the control, equal mean lags, at M = 2. No rule is exact.",
)
