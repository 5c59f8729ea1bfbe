"""The best on average, the best at all, and the best of a family."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.average import average_case
from momentum_dynamics.dynamics.loop import transfer_function
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import optima, schedules
from momentum_dynamics.methods import (
    HeavyBall,
    MarchenkoPastur,
    QuasiHyperbolic,
    ThreeParameter,
)
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import ConvexRosenbrock
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, GAMMA, NU = map(symbol, ("learning_rate", "momentum", "lookahead", "discount"))
KAPPA = symbol("condition_number")
VARIANCE, RATIO, STEP = symbol("variance"), symbol("aspect_ratio"), symbol("step")


# Average case ----------------------------------------------------------------------------------


def _polyak_limit() -> Any:
    t = STEP
    stage = schedules.marchenko_pastur(VARIANCE, RATIO, t)
    low = schedules.marchenko_pastur_low_end(VARIANCE, RATIO)
    high = schedules.marchenko_pastur_high_end(VARIANCE, RATIO)
    return stage, optima.heavy_ball(low, high)


def _average_statement() -> Any:
    stage, polyak = _polyak_limit()
    return sympy.Eq(
        sympy.Limit(stage.momentum, STEP, sympy.oo), sympy.simplify(polyak.momentum), evaluate=False
    )


DENSITIES: dict[str, Any] = {
    "uniform": np.ones_like,
    "falling": lambda h: np.exp(-h / 4),
    "with root edges": lambda h: np.sqrt((h - 1) * (20 - h)),
}


def _average_experiment(*, gap: bool) -> Evidence:
    """Coefficients after 150 steps; in the control the middle of the spectrum is empty."""
    polyak: Any = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=20.0)
    densities: list[Any] = (
        [lambda h: np.where((h < 4) | (h > 15), 1.0, 0.0)] if gap else list(DENSITIES.values())
    )
    found: list[Any] = [
        average_case(density, smallest_curvature=1.0, largest_curvature=20.0, steps=150).stages[-1]
        for density in densities
    ]
    measured: Any = [[stage.learning_rate * 20, stage.momentum] for stage in found]
    return Evidence.close(
        [[polyak.learning_rate * 20, polyak.momentum]] * len(found), measured, tolerance=1e-3,
        note="αL and β of step 150, three densities on [1, 20]",
    )  # fmt: skip


UNIVERSAL = Claim(
    slug="average-case-tends-to-polyak",
    title="Whatever the density between the ends of the spectrum, the fastest method on average "
    "tends to Polyak's.",
    source=Citation("scieur2020"),
    kind=Kind.ASYMPTOTIC,
    statement=_average_statement,
    proof=None,
    experiment=lambda _: _average_experiment(gap=False),
    control=lambda _: _average_experiment(gap=True),
    expected=Verdict.CONFIRMED,
    figures=("average-case",),
    remark="The density must be positive between the ends: the control has a gap in the middle, "
    "and its coefficients go on swinging. The formula shown is that of random data, proved in "
    "marchenko-pastur-is-fastest-on-average.",
)


def _marchenko_statement() -> Any:
    share = sympy.Function("delta")
    p = (1 + RATIO) / sympy.sqrt(RATIO)
    return sympy.And(
        sympy.Eq(share(1), -1 / p, evaluate=False),
        sympy.Eq(share(STEP + 1), -1 / (p + share(STEP)), evaluate=False),
    )


def _marchenko_proof() -> Evidence:
    """The closed form solves the recursion from −1/p, and its limit is Polyak's."""
    root = sympy.Symbol("q", positive=True)
    ratio, p = root**2, (1 + root**2) / root

    def share(step: Any) -> Any:
        """δ of a step, from the learning rate −δ/(v√r)."""
        return -schedules.marchenko_pastur(1, ratio, step - 1).learning_rate * root

    begin = sympy.simplify(share(sympy.Integer(1)) + 1 / p)
    recursion = sympy.simplify(share(STEP + 1) * (p + share(STEP)) + 1)
    stage, polyak = _polyak_limit()
    vanish = {RATIO ** (STEP + 1): 0, RATIO ** (STEP + 2): 0}
    limits = [
        sympy.simplify(
            (getattr(stage, name).subs(vanish) - getattr(polyak, name)).subs(RATIO, ratio)
        ).subs(root, sympy.Rational(part, 7))
        for name in ("learning_rate", "momentum")
        for part in (1, 3, 6)
    ]
    return Evidence.exact(
        begin, recursion, *map(sympy.simplify, limits),
        note="begins at −1/p, obeys the recursion for every step, tends to Polyak's",
    )  # fmt: skip


def _marchenko_experiment(*, late: int) -> Evidence:
    """The closed form against orthogonalization; the control begins the recursion one step late."""
    variance, ratio, steps = 1.7, 0.4, 30
    method = MarchenkoPastur(variance=variance, aspect_ratio=ratio)
    low, high = (
        float(end(variance, ratio))
        for end in (schedules.marchenko_pastur_low_end, schedules.marchenko_pastur_high_end)
    )
    best = average_case(
        lambda h: np.sqrt((h - low) * (high - h)) / h,
        smallest_curvature=low, largest_curvature=high, steps=steps,
    )  # fmt: skip
    rows: list[list[Any]] = [[], []]
    for step in range(late, steps):
        pair: Any = best.stages[step], method.stage(step - late)
        for row, stage in zip(rows, pair, strict=True):
            row.append([stage.learning_rate, stage.momentum])
    return Evidence.close(
        rows[0], rows[1], tolerance=1e-12, note="30 steps against orthogonal polynomials"
    )


MARCHENKO = Claim(
    slug="marchenko-pastur-is-fastest-on-average",
    title="On least squares with random data the fastest method on average has the recursion "
    "δ₊ = −1/(p + δ), begun at −1/p with p = (1 + r)/√r.",
    source=Citation("pedregosa2020"),
    kind=Kind.IDENTITY,
    statement=_marchenko_statement,
    proof=_marchenko_proof,
    experiment=lambda _: _marchenko_experiment(late=0),
    control=lambda _: _marchenko_experiment(late=1),
    expected=Verdict.PROVED,
    figures=("average-case",),
    remark="Begun one step late, at δ = 0 beside the first momentum step, the residual polynomials "
    "are no longer orthogonal: the control.",
)


# Lower bound -----------------------------------------------------------------------------------


def _cone_statement() -> Any:
    n = symbol("steps")
    distance = sympy.Function("d")(n)
    return sympy.Ge(distance, expression(optima.heavy_ball_rate) ** (n + 1))


def _cone_proof() -> Evidence:
    """wᵢ = rⁱ solves every equation of the chain; n gradients reach n coordinates only."""
    root = sympy.Symbol("k", positive=True)
    kappa = (1 + root) ** 2
    r = optima.heavy_ball_rate(kappa)
    diagonal = 2 + 4 / (kappa - 1)
    inside = sympy.simplify(diagonal - 1 / r - r)  # the equation of wᵢ, divided by rⁱ
    edge = sympy.simplify(diagonal * r - r**2 - 1)
    chain = ConvexRosenbrock(dimension=9, condition_number=50.0)
    method = tune("heavy-ball", smallest_curvature=0.5, largest_curvature=4.0)
    reached = simulate(method, chain, steps=8).points
    outside = max(float(np.abs(reached[n, n:]).max(initial=0)) for n in range(9))
    return Evidence.exact(
        inside, edge, outside < 1e-14,
        note="the solution is rⁱ, and after n steps coordinate n + 1 is still 0",
    )  # fmt: skip


def _cone_experiment(*, exponent: float) -> Evidence:
    """The largest coordinate error over the bound, at its smallest over steps and methods."""
    kappa, dimension, steps = 100.0, 400, 100
    chain = ConvexRosenbrock(dimension=dimension, condition_number=kappa)
    low, high = map(float, chain.spectrum()[[0, -1]])
    rate = float(optima.heavy_ball_rate(kappa))
    bound = rate ** (exponent * (np.arange(steps + 1) + 1))
    least = []
    for kind in ("gradient-descent", "heavy-ball", "nesterov", "chebyshev"):
        method = tune(kind, smallest_curvature=low, largest_curvature=high)
        run = simulate(method, chain, steps=steps)
        error = np.abs(run.points - chain.solution).max(axis=-1)
        least.append(min(1.0, float((error / bound).min())))
    return Evidence.close(
        1.0, least, tolerance=1e-9, note="error over bound, the least of 100 steps, four methods"
    )


CONE = Claim(
    slug="no-gradient-method-outruns-the-light-cone",
    title="On the convex Rosenbrock chain every method that adds up gradients leaves at least rⁿ⁺¹ "
    "after n steps, r = (√κ − 1)/(√κ + 1).",
    source=Citation("nesterov2004"),
    kind=Kind.LOWER_BOUND,
    statement=_cone_statement,
    proof=_cone_proof,
    experiment=lambda _: _cone_experiment(exponent=1.0),
    control=lambda _: _cone_experiment(exponent=0.5),
    expected=Verdict.PROVED,
    figures=("light-cone",),
    remark="In a chain that is long enough. The control has the rate √r, which Chebyshev beats.",
)


# The family ------------------------------------------------------------------------------------


def _family_statement() -> Any:
    best = sympy.Function("rho")(ALPHA, BETA, GAMMA)
    return sympy.Ge(best, expression(optima.heavy_ball_rate))


def _family_experiment(rng: np.random.Generator, *, lookahead: bool) -> Evidence:
    """The best worst-case radius that a search over (α, β, γ) finds; the control sets γ = β."""
    from scipy.optimize import differential_evolution

    found, rates = [], []
    for kappa in (10.0, 100.0):
        curvatures = np.linspace(1.0, kappa, 9)[:, None]

        def worst(place: Any, curvatures: Any = curvatures) -> Any:
            """For each column of `place`: αL, β and γ."""
            rate, momentum, ahead = place if lookahead else (*place, place[1])
            method = ThreeParameter(
                learning_rate=rate / curvatures[-1, 0], momentum=momentum, lookahead=ahead
            )
            return spectral_radius(method, curvatures).max(axis=0)

        bounds = [(0.1, 4.0), (-0.5, 0.99), (-1.0, 1.0)]
        search = differential_evolution(
            worst, bounds if lookahead else bounds[:2], rng=rng, vectorized=True,
            updating="deferred", popsize=20, maxiter=400, tol=0, polish=False,
        )  # fmt: skip
        found.append(float(search.fun))
        rates.append(float(optima.heavy_ball_rate(kappa)))
    return Evidence.close(
        rates, found, tolerance=2e-3, note="the best of a search over the family, κ = 10 and 100"
    )


FAMILY = Claim(
    slug="best-of-the-family-is-heavy-ball",
    title="Over the (α, β, γ) family no look-ahead does better on quadratics than none: the best "
    "is heavy ball's (√κ − 1)/(√κ + 1).",
    source=Citation(None),
    kind=Kind.LOWER_BOUND,
    statement=_family_statement,
    proof=None,
    experiment=lambda rng: _family_experiment(rng, lookahead=True),
    control=lambda rng: _family_experiment(rng, lookahead=False),
    expected=Verdict.CONFIRMED,
    remark="Found by search, so it is evidence and no proof. The control sets γ = β, and finds "
    "Nesterov's best, 1 − 2/√(3κ + 1).",
)


def _hyperbolic_statement() -> Any:
    return sympy.Eq(
        sympy.Function("G")(sympy.Symbol("z")),
        transfer_function(QuasiHyperbolic(learning_rate=ALPHA, momentum=BETA, discount=NU)),
        evaluate=False,
    )


def _twin(learning_rate: Any, momentum: Any, discount: Any) -> ThreeParameter:
    return ThreeParameter(
        learning_rate=learning_rate * (1 - momentum),
        momentum=momentum,
        lookahead=momentum * (1 - discount) / (1 - momentum),
    )


def _hyperbolic_proof() -> Evidence:
    """Equal transfer functions; the ends of the family are the named methods."""
    mine = transfer_function(QuasiHyperbolic(learning_rate=ALPHA, momentum=BETA, discount=NU))
    twin = transfer_function(_twin(ALPHA, BETA, NU))
    ball = transfer_function(HeavyBall(learning_rate=ALPHA * (1 - BETA), momentum=BETA))
    return Evidence.exact(
        sympy.simplify(mine - twin), sympy.simplify(mine.subs(NU, 1) - ball),
        sympy.simplify(_twin(ALPHA, BETA, BETA).lookahead - BETA),
        note="one transfer function; ν = 1 is heavy ball, ν = β Nesterov's method",
    )  # fmt: skip


def _hyperbolic_experiment(*, discount: float) -> Evidence:
    curvatures = np.linspace(0.1, 4.0, 40)
    mine = QuasiHyperbolic(learning_rate=0.9, momentum=0.8, discount=0.7)
    return Evidence.close(
        spectral_radius(_twin(0.9, 0.8, discount), curvatures), spectral_radius(mine, curvatures),
        tolerance=1e-10, note="spectral radii at 40 curvatures",
    )  # fmt: skip


HYPERBOLIC = Claim(
    slug="quasi-hyperbolic-is-the-family",
    title="Quasi-hyperbolic momentum (α, β, ν) is the family's (α(1 − β), β, β(1 − ν)/(1 − β)).",
    source=Citation("gitman2019"),
    kind=Kind.IDENTITY,
    statement=_hyperbolic_statement,
    proof=_hyperbolic_proof,
    experiment=lambda _: _hyperbolic_experiment(discount=0.7),
    control=lambda _: _hyperbolic_experiment(discount=0.8),
    expected=Verdict.PROVED,
    remark="On quadratics, in the points where gradients are asked.",
)
