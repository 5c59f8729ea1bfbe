"""Where heavy ball fails: cycles on smooth strongly convex functions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.certificates import certified_rate
from momentum_dynamics.dynamics.cycles import cycle
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import cycles, optima
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import PiecewiseQuadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
LOW, HIGH = symbol("smallest_curvature"), symbol("largest_curvature")
KAPPA = 100.0


def _tuned(kappa: float) -> Any:
    return tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)


# The 3-cycle in one dimension ------------------------------------------------------------------

POINTS = (Fraction(792, 1225), Fraction(-2208, 1225), Fraction(2592, 1225))


def _lessard_statement() -> Any:
    x = sympy.Function("x")
    t = symbol("step")
    return sympy.Eq(x(t + 3), x(t), evaluate=False)


def _lessard_proof() -> Evidence:
    """Three steps in exact fractions come back, with the optimum's own parameters."""
    problem = PiecewiseQuadratic.lessard()
    best = optima.heavy_ball(Fraction(1), Fraction(25))
    ball = HeavyBall(learning_rate=Fraction(1, 9), momentum=Fraction(4, 9))
    state = (POINTS[0], POINTS[2])
    visited = []
    for _ in range(3):
        state = ball.update(state, problem.slope(state[0]))
        visited.append(state[0])
    # Near the cycle every point is on a piece of curvature 25, so small errors die out.
    attracted = sympy.Matrix(
        [[1 + ball.momentum - 25 * ball.learning_rate, -ball.momentum], [1, 0]]
    )
    roots = [abs(root) for root in attracted.eigenvals()]
    return Evidence.exact(
        visited == [POINTS[1], POINTS[2], POINTS[0]],
        best.learning_rate == ball.learning_rate, best.momentum == ball.momentum,
        *(sympy.simplify(root - sympy.Rational(2, 3)) for root in roots),
        note="exact fractions over 1225; errors near the cycle shrink by 2/3 a step",
    )  # fmt: skip


def _lessard_experiment(*, start: float) -> Evidence:
    ball = HeavyBall(learning_rate=1 / 9, momentum=4 / 9)
    run = simulate(ball, PiecewiseQuadratic.lessard(), steps=999, start=[start])
    found = np.sort(run.points[-3:, 0])
    return Evidence.close(
        sorted(map(float, POINTS)), found, tolerance=1e-9,
        note=f"the last of 999 steps from {start:g}",
    )  # fmt: skip


LESSARD = Claim(
    slug="tuned-heavy-ball-has-a-three-cycle",
    title="On a smooth strongly convex function of one variable heavy ball, tuned for its "
    "curvatures 1 and 25, runs in a circle of three points for ever.",
    source=Citation("lessard2016"),
    kind=Kind.IDENTITY,
    statement=_lessard_statement,
    proof=_lessard_proof,
    experiment=lambda _: _lessard_experiment(start=3.3),
    control=lambda _: _lessard_experiment(start=2.0),
    expected=Verdict.PROVED,
    figures=("three-cycle",),
    remark="f' has slope 25 below 1, 1 up to 2 and 25 beyond. From most starts the method "
    "converges, as in the control.",
)


# Roots of unity --------------------------------------------------------------------------------


def _roots_statement() -> Any:
    return sympy.Le(expression(cycles.cycle_margin), 0)


def _roots_proof() -> Evidence:
    """The normal-cone condition, from heavy ball's transfer function, is a negative multiple."""
    cosine, z = sympy.Symbol("c", real=True), sympy.Symbol("z")
    sine = sympy.Symbol("s", positive=True)
    ball = HeavyBall(learning_rate=ALPHA, momentum=BETA)
    reciprocal = 1 / transfer_function(ball)
    # On the unit circle 1/z is the conjugate, so 1/G = (1 + β − z − β/z)/α.
    known = (1 + BETA - z - BETA / z) / ALPHA
    same = sympy.simplify(reciprocal - known)
    real, imaginary = (1 + BETA - cosine - BETA * cosine) / ALPHA, (1 - BETA) * sine / ALPHA
    width = HIGH - LOW
    x, y = (real - LOW) / width, imaginary / width
    margin = x - x**2 - y**2 - y * (1 + cosine) / sine
    factor = -HIGH / (ALPHA**2 * LOW * width**2)
    law = cycles.cycle_margin(ALPHA, BETA, LOW, HIGH, cosine)
    gap = sympy.expand(sympy.simplify(margin - factor * law))
    gap = sympy.simplify(gap.subs(sine**2, 1 - cosine**2))
    return Evidence.exact(
        same, gap, note="for every α, every β < 1, and every number of corners at once"
    )


def _roots_experiment(lengths: tuple[int, ...]) -> Evidence:
    """Begun a hundredth off a cycle, runs must settle on the unit circle."""
    ball = _tuned(KAPPA)
    radii = []
    for length in lengths:
        found = cycle(ball, 1.0, KAPPA, length)
        start = tuple(1.01 * slot for slot in found.start)
        run = simulate(ball, found.problem, steps=3000, start=start)
        radii.append(float(np.linalg.norm(run.points[-1])))
    return Evidence.close(
        1.0, radii, tolerance=1e-9, note=f"distance after 3000 steps, κ = 100, K = {lengths}"
    )


ROOTS = Claim(
    slug="heavy-ball-cycles-on-roots-of-unity",
    title="Heavy ball runs around the K-th roots of unity on a smooth strongly convex function of "
    "the plane exactly where a quadratic in αμ is at most 0.",
    source=Citation("goujaud2023"),
    kind=Kind.TIGHT_BOUND,
    statement=_roots_statement,
    proof=_roots_proof,
    experiment=lambda _: _roots_experiment((3, 4, 5, 6)),
    control=lambda _: _roots_experiment((7,)),
    expected=Verdict.PROVED,
    figures=("cycle-regions",),
    remark="Tuned for κ = 100 there are cycles of length 3 to 6, "
    "each attracting; at length 7 there is none, and the method converges: the control.",
)


# No acceleration without a cycle ---------------------------------------------------------------


def _accelerated(constant: float, ratio: float, points: int = 121) -> tuple[Any, Any]:
    """Over a grid of αL and β: what is faster than (1 − Cμ/L)/(1 + Cμ/L), and has no cycle.

    The rate is that on the ends of the spectrum; cycles of 3 to 400 points are looked for.
    """
    steps = np.linspace(0, 4, points + 1)[1:]
    momenta = np.linspace(0, 1, points + 1)[:-1, None]
    balls = HeavyBall(learning_rate=steps, momentum=momenta)
    rate = np.maximum(spectral_radius(balls, ratio), spectral_radius(balls, 1.0))
    fast = rate < (1 - constant * ratio) / (1 + constant * ratio)
    cosine = np.cos(2 * np.pi / np.arange(3, 401))[:, None, None]
    margin = cycles.cycle_margin(steps, momenta, ratio, 1.0, cosine)
    return fast, fast & (margin > 0).all(axis=0)


CONSTANT = 50 / 3


def exceptions(constant: float = CONSTANT) -> int:
    """How many settings are accelerated and have no cycle, for μ/L = 1/100, 3/1000 and 1/1000."""
    return sum(int(_accelerated(constant, ratio)[1].sum()) for ratio in (1e-2, 3e-3, 1e-3))


def _either_statement() -> Any:
    rate, ratio = symbol("rate"), LOW / HIGH
    constant = sympy.Rational(50, 3) * ratio
    law = cycles.cycle_margin(ALPHA, BETA, LOW, HIGH, sympy.cos(2 * sympy.pi / sympy.Symbol("K")))
    return sympy.Implies(
        sympy.Lt(rate, (1 - constant) / (1 + constant)), sympy.Le(law, 0), evaluate=False
    )


def _either_experiment(constant: float) -> Evidence:
    fast = sum(int(_accelerated(constant, ratio)[0].sum()) for ratio in (1e-2, 3e-3, 1e-3))
    return Evidence.close(
        0, exceptions(constant), tolerance=0,
        note=f"settings without a cycle among {fast} that are faster than (1 − Cμ/L)/(1 + Cμ/L), "
        f"C = {constant:.3g}",
    )  # fmt: skip


EITHER = Claim(
    slug="heavy-ball-accelerates-or-is-safe-never-both",
    title="Wherever heavy ball is faster than (1 − Cμ/L)/(1 + Cμ/L) on quadratics, C = 50/3, it "
    "has a cycle on some smooth strongly convex function.",
    source=Citation("goujaud2023"),
    kind=Kind.EMPIRICAL,
    statement=_either_statement,
    proof=None,
    experiment=lambda _: _either_experiment(CONSTANT),
    control=lambda _: _either_experiment(2.0),
    expected=Verdict.CONFIRMED,
    figures=("cycle-regions",),
    remark="The source's theorem, here on a grid only. Settings faster with C = 2 need not have a "
    "cycle: the control.",
)


# The first cycle of tuned heavy ball -----------------------------------------------------------


def _threshold_statement() -> Any:
    kappa = symbol("condition_number")
    best = optima.heavy_ball(sympy.Integer(1), kappa)
    law = cycles.cycle_margin(*best[:2], 1, kappa, sympy.cos(2 * sympy.pi / 3))
    return sympy.Implies(sympy.Ge(kappa, (2 + sympy.sqrt(5)) ** 2), sympy.Le(law, 0))


def _threshold_proof() -> Evidence:
    """With Polyak's parameters the law for K = 3 changes sign at √κ = 2 + √5, and only there."""
    root = sympy.Symbol("k", positive=True)
    best = optima.heavy_ball(sympy.Integer(1), root**2)
    law = cycles.cycle_margin(best.learning_rate, best.momentum, 1, root**2, sympy.Rational(-1, 2))
    zeros = [value for value in sympy.solve(sympy.simplify(law), root) if value > 1]
    beyond = sympy.simplify(law.subs(root, 5)) < 0
    return Evidence.exact(
        len(zeros) == 1, zeros[0] - 2 - sympy.sqrt(5), bool(beyond),
        note="cycles of length 3 begin at κ = (2 + √5)² = 17.944",
    )  # fmt: skip


def _threshold_experiment(constraint: str) -> Evidence:
    """Where the certificate for tuned heavy ball ends, by bisection."""
    low, high = 2.0, 60.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        passes = certified_rate(_tuned(middle), 1.0, middle, constraint).rate is not None
        low, high = (middle, high) if passes else (low, middle)
    return Evidence.close(
        float((2 + np.sqrt(5)) ** 2), (low + high) / 2, tolerance=2e-2,
        note="where the frequency-domain certificate of tuned heavy ball ends",
    )  # fmt: skip


THRESHOLD = Claim(
    slug="tuned-heavy-ball-is-safe-up-to-seventeen-point-nine",
    title="Tuned heavy ball has a cycle of length three exactly from κ = (2 + √5)² = 17.94 on, and "
    "its certificate for all smooth strongly convex functions ends there.",
    source=Citation("goujaud2023"),
    kind=Kind.TIGHT_BOUND,
    statement=_threshold_statement,
    proof=_threshold_proof,
    experiment=lambda _: _threshold_experiment("off-by-one"),
    control=lambda _: _threshold_experiment("sector"),
    expected=Verdict.PROVED,
    figures=("certified-rates", "cycle-regions"),
    remark="The cycle is proved; the certificate is on a grid of frequencies, so that side is "
    "strong evidence. The control asks for curvature that may change at every step, where the end "
    "is at 3 + 2√2 = 5.83.",
)
