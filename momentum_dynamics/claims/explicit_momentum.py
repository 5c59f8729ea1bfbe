"""Explicit momentum on top of asynchrony: optima below zero, and rules of thumb."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.asynchrony.tuning import tune_queue
from momentum_dynamics.laws import optima, staleness
from momentum_dynamics.notation import symbol

__all__: list[str] = []

BETA, WORKERS = map(symbol, ("momentum", "workers"))


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
