"""The rule from exact moments of queues: its objective is convex, for any workers and momentum."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential
from momentum_dynamics.dynamics.asynchrony.moments import queue_moments
from momentum_dynamics.laws import queue_tuning, staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

ALPHA, BETA, WORKERS = map(symbol, ("learning_rate", "momentum", "workers"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


# The summed bias -------------------------------------------------------------------------------


def _moment_steps() -> sympy.Matrix:
    """How seven second moments of heavy ball on curvature 1 move in one update of the queue.

    Those of (x, y, u), where u is the mean of what the M workers hold, and the mean square c of
    it. Any worker is the next to write: given all that happened its g has E g = u and E g² = c, and
    the newest query takes its place.
    """
    x, y, u, c, g = sympy.symbols("x y u c g")
    after = BALL.update((x, y), g)
    newest = BALL.query(after)
    states = dict(zip((x, y, u), (*after, u + (newest - g) / WORKERS), strict=True))
    moments = (x * x, x * y, y * y, x * u, y * u, u * u, c)
    rows = []
    for moment in moments:
        moved = moment.subs(states, simultaneous=True)
        if moment == c:
            moved += (newest**2 - g**2) / WORKERS
        square, linear, free = (sympy.Poly(moved, g).coeff_monomial(g**k) for k in (2, 1, 0))
        seen = sympy.Poly(square * c + linear * u + free, x, y, u, c)
        rows.append([seen.coeff_monomial(other) for other in moments])
    return sympy.Matrix(rows)


def _summed(steps: sympy.Matrix) -> Any:
    """The sum of E x² over all updates from rest at 1, where all seven moments are 1."""
    from sympy.polys.matrices import DomainMatrix

    system = (sympy.eye(7) - steps).row_join(sympy.ones(7, 1))
    solved, _ = DomainMatrix.from_Matrix(system).to_field().rref()
    return solved.to_Matrix()[0, 7]


def _paths(steps: sympy.Matrix) -> list[Any]:
    """The first updates of two settings in fractions, beside the moments of any queue."""
    gaps = []
    for step, momentum, workers in (("1/5", "-2/3", 3), ("1/7", "1/3", 2)):
        rate, kept = sympy.Rational(step), sympy.Rational(momentum)
        own = steps.subs({ALPHA: rate, BETA: kept, WORKERS: workers})
        ball = HeavyBall(learning_rate=rate, momentum=kept)
        path = queue_moments(ball, sympy.Integer(1), workers=workers).path(5).second_moment
        gaps += [(own**k * sympy.ones(7, 1))[0] - value for k, value in enumerate(path)]
    return gaps


# Convexity -------------------------------------------------------------------------------------

MORE, RISING = sympy.symbols("k y", positive=True)
EVERY = RISING - 1, RISING + 1
"""Numerator and denominator of any momentum in (−1, 1), with y > 0."""


def _is_positive(value: Any, momentum: tuple[Any, Any] = EVERY) -> bool:
    """Whether a rational function of M and β is positive for M = 1 + k ≥ 1 and β as given.

    By the coefficients in k and y of its numerator and its denominator, which all have one sign.
    Some are free of k: each of the two has this sign at M = 1, and does not come closer to 0.
    """
    signs = set()
    for part in sympy.fraction(sympy.cancel(value)):
        inside = sympy.Poly(part, BETA, WORKERS)
        above, below, workers = (
            sympy.Poly(sympy.sympify(e).subs(WORKERS, 1 + MORE), MORE, RISING)
            for e in (*momentum, WORKERS)
        )
        most = inside.degree(BETA)
        total = sum(
            (c * above**power * below ** (most - power) * workers**count)
            for (power, count), c in inside.terms()
        )
        if all(count for count, _ in total.monoms()):
            return False
        signs |= {sympy.sign(c) for c in total.coeffs()}
    return len(signs) == 1


def _queue_proof() -> Evidence:
    """The formulas from the moments; then the sign of the second derivatives.

    With a = αh and h = 1 both costs have the denominator q = C − Ba − Aa², where A, C > 0: one root
    a₋ < 0, and one, the limit, a₊ > 0. V, and R = S − (1 − β)/(2a), are w₊/(a₊ − a) + w₋/(a − a₋)
    up to a constant. With w₊ ≥ 0 each is either convex, or w₋ < 0 and its second derivative rises
    with a.

    V: the numerator has positive coefficients, so that w₊ > 0, and V″(0) > 0. Convex.

    R: the numerator is e₁a + e₀ up to a multiple of q, with e₁ > 0. At a = −e₀/e₁ q is not
    negative, so this point is at most a₊, and w₊ ≥ 0. R″(0) > 0 for β ≥ 0: S is convex there.

    R for β < 0, at the point c = (1 − β)/M: R″(0) + (1 − β)/c³ > 0. Where R″ rises, S″ = R″ +
    (1 − β)/a³ is so positive up to c. If c is below a₊, there q > 0, hence −β < M²(1 + β), and for
    such momenta R″(c) > 0: S″ is positive from c on.
    """
    a, b, m = ALPHA, BETA, WORKERS
    second, first, constant = staleness.queue_step_polynomial(b, m)
    q = -(second * a**2 + first * a + constant)
    bias = queue_tuning.heavy_ball_queue_summed_bias(a, b, 1, m)
    above = sympy.Poly(
        sympy.cancel(staleness.heavy_ball_queue_stationary_variance(a, b, 1, 1, m) * q), a
    )
    rest = sympy.Poly(sympy.cancel((bias - (1 - b) / (2 * a)) * q), a)
    e1, e0 = sympy.rem(rest, sympy.Poly(q, a)).all_coeffs()

    def bend(numerator: sympy.Poly, at: Any) -> Any:
        """The second derivative of numerator/q, times q³: the quotient rule twice."""
        below = sympy.Poly(q, a)
        slope = numerator.diff(a) * below - numerator * below.diff(a)
        return (slope.diff(a) * below - 2 * slope * below.diff(a)).eval(at)

    near, corner, more = (1 - b) / m, q.subs(a, (1 - b) / m), m - 1
    start = 8 * b * (1 + b) * more**2 + 2 * (1 - b**2) * more + (1 - b) ** 2
    start /= 8 * (1 - b) ** 3 * (1 + b)  # R″(0)
    every_negative = -RISING, 1 + RISING
    share = m**2 * RISING  # −β/(1 + β) is M² y/(1 + y), which is any number below M²
    steps = _moment_steps()
    one = (1 + b) ** 2 / (2 * (1 - b) * (2 * (1 + b) - a)) + (1 - b) / (2 * a)
    return Evidence.exact(
        sympy.cancel(_summed(steps) - bias), *_paths(steps),
        sympy.cancel(queue_tuning.heavy_ball_summed_bias(a, b, 1) - one),
        sympy.cancel(bias.subs(m, 1) - one),
        sympy.cancel(bias.subs(b, 0) - queue_tuning.queue_summed_bias(a, 1, m)),
        _is_positive(second), _is_positive(-constant),
        above.degree() == 2, above.eval(0), rest.degree() == 2,
        *(_is_positive(weight) for weight in above.all_coeffs()[:2]),
        _is_positive(bend(above, 0)),
        _is_positive(e1),
        # q at −e₀/e₁, times e₁².
        _is_positive(sympy.cancel((-constant * e1**2 + first * e0 * e1 - second * e0**2) / more)),
        sympy.cancel(bend(rest, 0) + start * constant**3),
        _is_positive(start + (1 - b) / near**3, every_negative),
        # With −β > 0, q > 0 at the point makes the first bracket positive.
        sympy.expand(
            corner * m**2 / (1 - b)
            - 4 * m * (m**2 * (1 + b) + b) + 2 * m**3 * (1 + b) ** 2 - b * (1 - b)
        ),
        _is_positive(bend(rest, near), (-share, 1 + RISING + share)),
        note="the sum from seven closed moments; then convex for every M ≥ 1 and −1 < β < 1",
    )  # fmt: skip


# The claim -------------------------------------------------------------------------------------


def _queue_experiment(rng: np.random.Generator, *, workers: int | None) -> Evidence:
    """The mean of E x² over 150 updates of a queue, against the objective."""
    count, updates, distance, replicas, rate, momentum = 8, 150, 3.0, 4_000, 0.25, -0.2
    ball = HeavyBall(learning_rate=rate, momentum=momentum)
    run: Any = simulate_queue(
        ball, Quadratic([1.0]), workers=count, service=Exponential(), updates=updates,
        replicas=replicas, noise_variance=1.0, start=[distance], seed=rng,
    )  # fmt: skip
    each = (run.outputs[:-1, :, 0] ** 2).mean(axis=0)
    assumed = workers or count
    predicted = queue_tuning.queue_horizon_objective(
        rate, momentum, 1.0, distance, 1.0, assumed, updates
    )
    # The floor is charged from the first update on, though it has yet to build up.
    exact = queue_moments(ball, 1.0, workers=assumed, noise_variance=1.0)
    late = exact.stationary_variance - exact.path(updates - 1, start=0.0).variance.mean()
    return Evidence.statistical(
        predicted - late,
        each.mean(),
        each.std(ddof=1) / np.sqrt(replicas),
        note=f"mean square of {replicas:,} queues over {updates} updates, M = {count}, α = ¼",
    )


QUEUE = Claim(
    slug="the-horizon-objective-of-queues-is-convex",
    title="On M memoryless workers the mean squared distance over a horizon is a rational function "
    "of the learning rate, strictly convex up to the limit in mean square: one best setting.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("S"), expression(queue_tuning.heavy_ball_queue_summed_bias)
    ),
    proof=_queue_proof,
    experiment=lambda rng: _queue_experiment(rng, workers=None),
    control=lambda rng: _queue_experiment(rng, workers=1),
    expected=Verdict.PROVED,
    figures=("queue-rule",),
    remark="Proved for every M ≥ 1 and every momentum in (−1, 1). The control predicts by one "
    "worker.",
)
