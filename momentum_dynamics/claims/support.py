"""Where staleness is counted from: from 1 it is no momentum, but a delayed one."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential, GeometricDelay, ShiftedDelay
from momentum_dynamics.dynamics.asynchrony.limits import delay_stability_limit
from momentum_dynamics.dynamics.equivalence import equivalent_momentum
from momentum_dynamics.dynamics.loop import characteristic_polynomial, loop_equation
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, ThreeParameter
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

ALPHA, H, WORKERS = map(symbol, ("learning_rate", "curvature", "workers"))
DESCENT = GradientDescent(learning_rate=ALPHA)
FROM_ONE = ShiftedDelay(delay=GeometricDelay(workers=WORKERS), by=1)
Z = sympy.Symbol("z")


def mean_path(
    step: float, workers: int, updates: int, *, age: int = 1, gain: float | None = None
) -> NDArray[np.float64]:
    """The momentum recursion v' = μv − g·e of an age, from 1 and the first update −a.

    The age of the displacement e that the gradient is of is 0 for heavy ball and 1 for staleness
    that counts from 1; the gain g is a/M unless another is given.
    """
    own = step / workers if gain is None else gain
    kept = staleness.implicit_momentum(workers)
    found = [1.0, 1.0 - step]
    for t in range(1, updates):
        found.append(found[t] + kept * (found[t] - found[t - 1]) - own * found[t - age])
    return np.array(found)


def _statement() -> Any:
    mu = staleness.implicit_momentum(WORKERS)
    return sympy.Eq(Z**2 - (1 + mu) * Z + mu + ALPHA * H * (1 - mu), 0)


def _polynomial() -> sympy.Poly:
    """The loop's numerator: the filter's pole at 0 cancels, since the newest query is not asked."""
    return sympy.Poly(
        sympy.cancel(characteristic_polynomial(DESCENT, H, FROM_ONE).as_expr() / Z), Z
    )


def _proof() -> Evidence:
    """The polynomial, its limit by Jury's triangle, and the method that it belongs to.

    Its last coefficient is μ + a/M: the product of the poles, which is momentum for a heavy ball,
    moves with the curvature, and reaches 1 at a = 1, while p(1) = a/M and p(−1) stay positive.
    """
    mu = staleness.implicit_momentum(WORKERS)
    found, step = _polynomial(), ALPHA * H
    twin: Any = equivalent_momentum(DESCENT, FROM_ONE)
    loops = loop_equation(DESCENT, H, FROM_ONE) - _statement().lhs / ((Z - 1) * (Z - mu))
    return Evidence.exact(
        loops,
        found.as_expr() - _statement().lhs,
        found.eval(0) - 1 - (step - 1) / WORKERS,
        found.eval(1) - step / WORKERS,
        found.eval(-1) - 2 * (1 + mu) - step / WORKERS,
        isinstance(twin, ThreeParameter),
        twin.momentum - mu,
        twin.learning_rate - staleness.implicit_learning_rate(ALPHA, WORKERS),
        twin.lookahead + 1,
        note="for every M; stable for a < 1; the three-parameter method with look-ahead −1",
    )


def _runs(rng: np.random.Generator, predictions: list[NDArray[np.float64]]) -> Evidence:
    """Workers that read before they write, against any of some predictions: the nearest counts."""
    workers, step, updates, replicas = 8, 0.5, 60, 20_000
    run: Any = simulate_queue(
        GradientDescent(learning_rate=step), Quadratic([1.0]), workers=workers,
        service=Exponential(), updates=updates, replicas=replicas, record="moments", stride=1,
        order="read-then-write", start=[1.0], seed=rng,
    ).moments  # fmt: skip
    # The first two updates are of the start for certain: from the third on chance comes in.
    found = [
        Evidence.statistical(
            path[3:], run.mean[3:, 0], run.mean_error[3:, 0],
            note=f"mean of {replicas:,} queues that read before they write, M = {workers}",
        )
        for path in predictions
    ]  # fmt: skip
    agreeing = [one for one in found if one.passed]
    return (agreeing or found)[0]


FROM_ONE_CLAIM = Claim(
    slug="stale-support-from-one",
    title=(
        "Geometric staleness that counts from 1 is no heavy ball: in the mean it is one with a "
        "delayed gradient, z² − (1 + μ)z + μ + a(1 − μ) = 0 with a = αh, which bears no step "
        "beyond a = 1 whatever the number of workers."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_statement,
    proof=_proof,
    experiment=lambda rng: _runs(rng, [mean_path(0.5, 8, 60)]),
    control=lambda rng: _runs(
        rng, [mean_path(0.5, 8, 60, age=0), mean_path(0.5, 8, 60, age=0, gain=0.5)]
    ),
    expected=Verdict.PROVED,
    figures=("stale-support-from-one",),
    remark="The negative control of asynchrony-begets-momentum: with the support from 0 the mean "
    "bears a < 4M − 2. It is the three-parameter method with look-ahead −1, which asks one point "
    "back. Workers that read before their own write is applied count from 1. The "
    "control predicts heavy ball, once with the gain α/M and once with the gain α.",
)


# The limit itself ------------------------------------------------------------------------------


def limits(counts: Any, by: int) -> NDArray[np.float64]:
    """The largest αh of the mean behind geometric staleness that counts from `by`."""
    descent = GradientDescent(learning_rate=1.0)
    return np.array(
        [
            float(
                delay_stability_limit(
                    descent, ShiftedDelay(delay=GeometricDelay(workers=float(count)), by=by)
                )
            )
            for count in counts
        ]
    )


def _limit_evidence(by: int) -> Evidence:
    return Evidence.close(
        1.0, limits((1.5, 2, 4, 16, 64), by), tolerance=1e-9,
        note="crossings of the unit circle, M = 1.5 … 64",
    )  # fmt: skip


ONE_UPDATE = Claim(
    slug="one-update-of-age-takes-the-gain-of-random-staleness",
    title=(
        "One update of age for certain takes all the stability that random staleness gives the "
        "mean: 4M − 2 falls to 1, for every M."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        sympy.Integer(1), expression(staleness.geometric_delay_step_limit), evaluate=False
    ),
    proof=lambda: Evidence.exact(
        _polynomial().eval(0).subs(ALPHA, 1 / H) - 1,
        sympy.discriminant(_polynomial().as_expr().subs(ALPHA, 1 / H), Z)
        - (1 - 4 * WORKERS) / WORKERS**2,
        sympy.discriminant(_polynomial().as_expr().subs(ALPHA, 1 / (4 * WORKERS * H)), Z),
        note="at αh = 1 the poles are complex and their product is 1; double at 1/(4M)",
    ),
    experiment=lambda _: _limit_evidence(1),
    control=lambda _: _limit_evidence(0),
    expected=Verdict.PROVED,
    figures=("stale-support-from-one",),
    remark="Critical damping is at αh = 1/(4M) exactly, which support from 0 has to first order. "
    "The control counts from 0.",
)
