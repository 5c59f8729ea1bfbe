"""YellowFin's one-step rule in closed form."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import tuning
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

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
