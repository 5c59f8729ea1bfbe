"""YellowFin's rule: how it depends on its input, what it admits, and how it is computed."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import optima, regions, tuning
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression
from momentum_dynamics.tuning.rule import single_step

__all__ = ["exact_roots", "relative_error"]

Array = NDArray[np.float64]

ROOT, P, GAP = symbol("root_momentum"), symbol("signal_to_noise"), symbol("root_gap")
LOW, HIGH = symbol("smallest_curvature"), symbol("largest_curvature")
YELLOWFIN = Citation("zhang2017")

DECADES = np.geomspace(1e-24, 1e24, 97)


def exact_roots(signals: ArrayLike) -> tuple[list[Any], list[Any]]:
    """√β and 1 − √β of YellowFin's cubic to 60 digits, without a closed form.

    g³ + pg − p is convex and rises, so Newton's method from g = 1 comes down to the root.
    """
    roots, gaps = [], []
    with mpmath.workdps(70):
        for signal in np.atleast_1d(np.asarray(signals, dtype=float)):
            p, gap, step = mpmath.mpf(float(signal)), mpmath.mpf(1), mpmath.mpf(1)
            while abs(step) > mpmath.mpf(10) ** -62 * gap:
                step = (gap**3 + p * gap - p) / (3 * gap * gap + p)
                gap -= step
            roots.append(gap**3 / p)
            gaps.append(gap)
    return roots, gaps


def relative_error(found: ArrayLike, truth: list[Any]) -> Array:
    """How far numbers are from a truth with more digits, in its units."""
    numbers = np.atleast_1d(np.asarray(found, dtype=float))
    with mpmath.workdps(70):
        return np.array(
            [
                float(abs(mpmath.mpf(float(one)) / two - 1))
                for one, two in zip(numbers, truth, strict=True)
            ]
        )


# How the choice depends on the signal ----------------------------------------------------------


def _monotone_proof() -> Evidence:
    """The slope by implicit differentiation, and both ends by series."""
    cubic = expression(tuning.cubic)
    slope = -sympy.diff(cubic, P) / sympy.diff(cubic, ROOT)
    small = sympy.Symbol("q", positive=True)  # the cube root of p
    gap = small - small**2 / 3
    left_over = sympy.expand(tuning.cubic(1 - gap, small**3))
    large = sympy.Symbol("e", positive=True)  # one over p
    root = large - 3 * large**2
    at_end = sympy.expand(large * tuning.cubic(root, 1 / large))
    return Evidence.exact(
        slope + ROOT / (3 * (1 - ROOT) ** 2 + P),
        *(left_over.coeff(small, power) for power in range(5)),
        *(at_end.coeff(large, power) for power in range(3)),
        note="slope −√β/(3(1 − √β)² + p) < 0; 1 − √β = q − q²/3 + O(q³), √β = 1/p − 3/p² + O(1/p³)",
    )


def _monotone_rates(*, turned: bool) -> Evidence:
    """The slope of the computed root over several decades, by small differences."""
    p = np.geomspace(1e-6, 1e6, 25)
    step = 1e-4
    ends = [1 - tuning.cubic_root(p * factor) for factor in (1 - step, 1 + step)]
    measured = (ends[1] - ends[0]) / (2 * step)
    root = 1 - tuning.cubic_root(p)
    predicted = -p * root / (3 * (1 - root) ** 2 + p)
    return Evidence.close(
        -predicted if turned else predicted, measured, tolerance=1e-6,
        note="p times the slope of √β by differences, 25 p from 1e-6 to 1e6",
    )  # fmt: skip


MONOTONE = Claim(
    slug="yellowfin-momentum-falls-with-the-signal",
    title="YellowFin's momentum falls as the signal p rises, from 1 − √β ≈ p^{1/3} − p^{2/3}/3 "
    "for much noise to √β ≈ 1/p for little.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Lt(-ROOT / (3 * (1 - ROOT) ** 2 + P), sympy.Integer(0), evaluate=False),
    proof=_monotone_proof,
    experiment=lambda _: _monotone_rates(turned=False),
    control=lambda _: _monotone_rates(turned=True),
    expected=Verdict.PROVED,
    figures=("yellowfin-cubic", "yellowfin-surfaces"),
    remark="A longer distance and a larger curvature lower momentum, noise raises it; without "
    "noise it is the least that the range of curvatures needs. The control turns the sign.",
)


# What the rule admits --------------------------------------------------------------------------


def _interval_ends(root: Any) -> tuple[Any, Any]:
    """The least and the largest learning rate that put both curvatures in the robust region."""
    return regions.robust_low_end(root**2) / LOW, regions.robust_high_end(root**2) / HIGH


def _admits_proof() -> Evidence:
    """The ends meet at the law's momentum, and the room between their roots grows with it."""
    low, high = sympy.symbols("l h", positive=True)  # roots of the curvatures
    room = (1 + ROOT) / high - (1 - ROOT) / low
    least = tuning.robust_root_momentum(low**2, high**2)
    ends = [end.subs({LOW: low**2, HIGH: high**2}) for end in _interval_ends(ROOT)]
    return Evidence.exact(
        sympy.simplify(ends[0] - ((1 - ROOT) / low) ** 2),
        sympy.simplify(ends[1] - ((1 + ROOT) / high) ** 2),
        sympy.simplify(room.subs(ROOT, least)),
        sympy.simplify(sympy.diff(room, ROOT) - (1 / high + 1 / low)),
        sympy.simplify(1 - least - tuning.robust_root_gap(low**2, high**2)),
        sympy.simplify(least - optima.heavy_ball_rate(high**2 / low**2)),
        note="(1 + √β)/√h_max − (1 − √β)/√h_min rises with √β and vanishes at the law",
    )


def _admits_experiment(*, roots: bool) -> Evidence:
    """The least momentum with a learning rate for both curvatures, by bisection."""
    ratios = np.array([1.5, 10.0, 1e3, 1e6])
    low, high = np.zeros(len(ratios)), np.ones(len(ratios))
    for _ in range(60):
        middle = (low + high) / 2
        fits = regions.robust_low_end(middle) * ratios <= regions.robust_high_end(middle)
        low, high = np.where(fits, low, middle), np.where(fits, middle, high)
    law = tuning.robust_root_momentum(1.0, ratios) if roots else (ratios - 1) / (ratios + 1)
    return Evidence.close(
        law**2, high, tolerance=1e-9, note="least momentum by bisection, four ranges of curvature"
    )


ADMITS = Claim(
    slug="the-robust-rule-admits-a-learning-rate-from-polyaks-momentum-on",
    title="There is a learning rate that puts the whole range of curvatures into the robust region "
    "if and only if momentum is at least ((√ν − 1)/(√ν + 1))², ν = h_max/h_min.",
    source=YELLOWFIN,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Ge(
        symbol("momentum"), expression(tuning.robust_root_momentum) ** 2, evaluate=False
    ),
    proof=_admits_proof,
    experiment=lambda _: _admits_experiment(roots=True),
    control=lambda _: _admits_experiment(roots=False),
    expected=Verdict.PROVED,
    figures=("radius-against-learning-rate", "yellowfin-surfaces"),
    remark="At the least momentum one learning rate is left, and both are Polyak's optimum. The "
    "control leaves out the roots, as gradient descent has it.",
)


# How it is computed ----------------------------------------------------------------------------


def _stable_proof() -> Evidence:
    """With c³ − d³ = 1 and p = 27c³d³ the law is 3cd(c − d), which solves the cubic.

    And √β = g³/p is the cubic itself.
    """
    c, d = sympy.symbols("c d", positive=True)
    ratio = c / (3 * d)  # t of the law: c² over the cube root of p
    gap = sympy.simplify(1 / (ratio + sympy.Rational(1, 3) + 1 / (9 * ratio)))
    signal = 27 * c**3 * d**3
    cubic = sympy.expand((3 * c * d * (c - d)) ** 3 + signal * 3 * c * d * (c - d) - signal)
    law = sympy.Symbol("C", positive=True)  # c³
    return Evidence.exact(
        sympy.simplify(gap * (c**2 + c * d + d**2) - 3 * c * d),
        sympy.factor(sympy.rem(cubic, c**3 - d**3 - 1, c)),
        # c³ = (1 + √(1 + 4p/27))/2 is the positive root of c³(c³ − 1) = p/27.
        sympy.expand((law**2 - law - P / 27).subs(law, (1 + sympy.sqrt(1 + 4 * P / 27)) / 2)),
        sympy.expand(P * tuning.best_root_momentum(GAP, P) - GAP**3),
        note="the law solves the cubic; √β = (1 − √β)³/p is the cubic",
    )


def _stable_experiment(*, released: bool) -> Evidence:
    roots, gaps = exact_roots(DECADES)
    if released:
        with np.errstate(all="ignore"):
            found = tuning.released_cubic_root(DECADES, 1e-6)
        errors = relative_error(found, roots)
    else:
        step = single_step(h_max=1.0, h_min=1.0, variance=0.5, distance=np.sqrt(DECADES))
        signals = tuning.signal_to_noise(np.sqrt(DECADES), 1.0, 0.5)
        roots, gaps = exact_roots(signals)
        squares = [root**2 for root in roots], [gap**2 for gap in gaps]
        errors = np.concatenate(
            [
                relative_error(step.momentum, squares[0]),
                relative_error(step.learning_rate, squares[1]),
            ]
        )
    return Evidence.close(
        0.0, errors, tolerance=1e-14, note="relative errors against 60 digits, 97 p over 48 decades"
    )


STABLE = Claim(
    slug="yellowfin-root-has-all-digits-over-48-decades",
    title="The root of YellowFin's cubic, written as 1/(t + 1/3 + 1/(9t)), gives momentum and "
    "learning rate to 14 digits for every p from 1e-24 to 1e24.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(GAP, expression(tuning.cubic_root)),
    proof=_stable_proof,
    experiment=lambda _: _stable_experiment(released=False),
    control=lambda _: _stable_experiment(released=True),
    expected=Verdict.PROVED,
    figures=("cubic-root-precision",),
    remark="t = c²/p^{1/3}, c³ = 1/2 + √(1/4 + p/27): sums and products of positive numbers only. "
    "The formula is proved, its digits are measured. The control is the formula of the released "
    "code.",
)


def _released_proof() -> Evidence:
    """Without the floor the released formula solves the cubic; with it there is one pole.

    The denominator vanishes where w³ = ε³, that is p³/27 + ε³p − ε⁶ = 0, which rises with p.
    """
    w = sympy.Symbol("w", positive=True)  # minus the released code's w
    signal = sympy.Symbol("p", positive=True)
    root = 1 - w + signal / (3 * w)
    residual = sympy.fraction(sympy.together(tuning.cubic(root, signal)))[0]
    defining = w**6 - signal * w**3 - signal**3 / 27  # from w³ = (√(p² + 4p³/27) + p)/2
    floor = sympy.Symbol("epsilon", positive=True)
    pole = signal**3 / 27 + floor**3 * signal - floor**6
    at_pole = defining.subs(w, floor)
    return Evidence.exact(
        sympy.rem(sympy.expand(residual), sympy.expand(27 * defining), w),
        sympy.expand(at_pole + pole),
        sympy.expand(pole.subs(signal, floor**3) - floor**9 / 27),
        bool(sympy.diff(pole, signal).is_positive),
        note="exact without a floor; with floor ε a pole just below p = ε³",
    )


def _released_experiment(signals: Array, *, shift: float = 1.0) -> Evidence:
    roots, _ = exact_roots(shift * signals)
    with np.errstate(all="ignore"):
        found = tuning.released_cubic_root(signals, 1e-6)
    return Evidence.close(
        0.0, relative_error(found, roots), tolerance=1e-4,
        note="relative errors of √β against 60 digits",
    )  # fmt: skip


RELEASED = Claim(
    slug="released-root-is-accurate",
    title="The released code's formula for the root of YellowFin's cubic gives √β to four digits.",
    source=YELLOWFIN,
    kind=Kind.UPPER_BOUND,
    statement=lambda: sympy.Eq(ROOT, expression(tuning.released_cubic_root)),
    proof=_released_proof,
    experiment=lambda _: _released_experiment(DECADES),
    control=lambda _: _released_experiment(np.geomspace(1e-12, 1.0, 25), shift=1.01),
    expected=Verdict.REFUTED,
    figures=("cubic-root-precision",),
    remark="Refuted as a formula for all p: its floor 1e-6 makes a pole at p = 1e-18, to which "
    "gradients that are all zero lead, and two differences cancel, so that from p = 1e3 on "
    "digits are lost and at 1e6 all of them. From 1e-12 to 1 it is right; there the control, "
    "which takes p to be 1 % larger, is told apart.",
)
