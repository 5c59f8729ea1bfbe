"""YellowFin's one-step rule in closed form, for one coordinate and for many."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import noisy_quadratic, regions, tuning
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression
from momentum_dynamics.tuning.rule import single_step

__all__: list[str] = []

ROOT, P = symbol("root_momentum"), symbol("signal_to_noise")


def _cubic_statement() -> Any:
    return sympy.Eq(expression(tuning.cubic), 0)


def _cubic_proof() -> Evidence:
    """The objective's slope is the cubic, which rises from −1 at 0 to p at 1; Cardano solves it.

    With w³ and v³ the sum and difference of Cardano's two terms, w³ − v³ = p and 3wv = p, so
    g = w − v obeys g³ + pg − p = 0, and p/(w² + wv + v²) is the same number.
    """
    distance, low = symbol("displacement"), symbol("smallest_curvature")
    variance = symbol("noise_variance")
    objective = expression(tuning.single_step_objective)
    ratio = distance**2 * low**2 / (2 * variance)
    slope = sympy.diff(objective, ROOT) - 4 * variance / low**2 * tuning.cubic(ROOT, ratio)
    rise = sympy.diff(expression(tuning.cubic), ROOT) - (P + 3 * (1 - ROOT) ** 2)
    w, v = sympy.symbols("w v", positive=True)
    gap = w - v
    cardano = sympy.expand(gap**3 + 3 * w * v * gap - (w**3 - v**3))
    stable = sympy.simplify((w**3 - v**3) / (w**2 + w * v + v**2) - gap)
    product = (P / 2 + sympy.sqrt(P**2 / 4 + P**3 / 27)) * (
        -P / 2 + sympy.sqrt(P**2 / 4 + P**3 / 27)
    )
    with mpmath.workdps(60):
        residuals = []
        for power in range(-24, 25, 3):
            p = mpmath.mpf(10) ** power
            root = 1 - tuning.cubic_root(p)
            residuals.append(abs(tuning.cubic(root, p)) < mpmath.mpf(10) ** -50 * max(p, 1))
    return Evidence.exact(
        sympy.expand(slope), sympy.expand(rise), tuning.cubic(sympy.Integer(0), P) + 1,
        tuning.cubic(sympy.Integer(1), P) - P, cardano, stable,
        sympy.expand(product - (P / 3) ** 3), all(residuals),
        note="one sign change, and the stable root solves it to 50 digits",
    )  # fmt: skip


def _minimum(*, edge: bool) -> Evidence:
    """The minimum of the objective, searched, against the law's momentum."""
    from scipy.optimize import minimize_scalar

    ratios = np.array([1e-3, 0.1, 1.0, 10.0, 1e3])
    found = []
    for ratio in ratios:
        search = minimize_scalar(
            lambda u, p=ratio: tuning.single_step_objective(u, np.sqrt(2 * p), 1.0, 1.0),
            bounds=(0, 1), method="bounded", options={"xatol": 1e-12},
        )  # fmt: skip
        found.append(search.x)
    predicted = 1 - tuning.cubic_root(ratios if edge else 2 * ratios)
    return Evidence.close(
        predicted, found, tolerance=1e-6, note="√β at the searched minimum, five p"
    )


CUBIC = Claim(
    slug="yellowfin-cubic-has-one-root",
    title=(
        "For every positive signal-to-noise ratio YellowFin's one-step objective is least at the "
        "one root in (0, 1) of a cubic."
    ),
    source=Citation("zhang2017", "SingleStep"),
    kind=Kind.IDENTITY,
    statement=_cubic_statement,
    proof=_cubic_proof,
    experiment=lambda _: _minimum(edge=True),
    control=lambda _: _minimum(edge=False),
    expected=Verdict.PROVED,
    figures=("yellowfin-cubic",),
    remark="The tuner then takes the larger of this momentum and the robust region's least. The "
    "root is written so that 1 − √β loses no digits. The control forgets the factor 2 of p = "
    "d²h²/(2σ²).",
)


# Many coordinates ------------------------------------------------------------------------------


def _stand_in(displacement: Any, noise_variance: Any) -> Any:
    return noisy_quadratic.surrogate_second_moment(
        symbol("learning_rate"), symbol("momentum"), displacement, noise_variance, symbol("steps")
    )


def _sums_statement() -> Any:
    index, count = sympy.Idx("i"), sympy.Symbol("k", integer=True, positive=True)
    distances, variances = sympy.IndexedBase("d"), sympy.IndexedBase("v")

    def over_all(term: Any) -> Any:
        return sympy.Sum(term, (index, 1, count))

    return sympy.Eq(
        over_all(_stand_in(distances[index], variances[index])),
        _stand_in(sympy.sqrt(over_all(distances[index] ** 2)), over_all(variances[index])),
        evaluate=False,
    )


def _sums_proof() -> Evidence:
    """The stand-in is linear in d² and σ², with weights that no curvature is in: sums add up."""
    distance, variance = symbol("displacement"), symbol("noise_variance")
    weights = _stand_in(1, 0), _stand_in(0, 1)
    linear = distance**2 * weights[0] + variance * weights[1]
    free = _stand_in(distance, variance).free_symbols
    return Evidence.exact(
        sympy.simplify(_stand_in(distance, variance) - linear),
        not any(weight.free_symbols & {distance, variance} for weight in weights),
        not free & {symbol(f"{end}curvature") for end in ("", "smallest_", "largest_")},
        note="linear in d² and σ², with the same two weights for every coordinate",
    )


def _sums_experiment(rng: np.random.Generator, *, summed: bool) -> Evidence:
    """Every √β with the least learning rate for all coordinates, and what each of them costs."""
    grid = np.linspace(0, 1, 100_001)[:-1]
    low, high = regions.robust_low_end(grid**2), regions.robust_high_end(grid**2)
    found, predicted = [], []
    for dimension in (2, 5, 30):
        curvatures = rng.uniform(1.0, 2.0, dimension)
        distances, variances = rng.normal(size=dimension), rng.exponential(size=dimension)
        rate = np.max([low / each for each in curvatures], axis=0)
        fits = np.all([rate <= high / each for each in curvatures], axis=0)
        costs = [
            noisy_quadratic.surrogate_second_moment(rate, grid**2, distance, variance, 1)
            for distance, variance in zip(distances, variances, strict=True)
        ]
        found.append(grid[np.argmin(np.where(fits, np.sum(costs, axis=0), np.inf))])
        step = single_step(
            h_max=curvatures.max(), h_min=curvatures.min(), distance=np.linalg.norm(distances),
            variance=variances.sum() if summed else variances.mean(),
        )  # fmt: skip
        predicted.append(1 - step.one_minus_root)
    return Evidence.close(
        predicted, found, tolerance=2e-5,
        note="√β of least cost summed over 2, 5 and 30 coordinates, each in the robust region",
    )  # fmt: skip


SUMS = Claim(
    slug="yellowfin-needs-two-sums-over-the-coordinates",
    title="With many coordinates YellowFin's problem is the one-dimensional one: D² and C are sums "
    "over the coordinates, and the range of curvatures is that of all.",
    source=Citation("zhang2017"),
    kind=Kind.IDENTITY,
    statement=_sums_statement,
    proof=_sums_proof,
    experiment=lambda rng: _sums_experiment(rng, summed=True),
    control=lambda rng: _sums_experiment(rng, summed=False),
    expected=Verdict.PROVED,
    remark="Coordinates along the axes of the quadratic; the squared distance and the trace of the "
    "noise's covariance are the same along any others. Because the stand-in forgets the curvature: "
    "true noise floors have one each. The control takes the mean of the variances.",
)
