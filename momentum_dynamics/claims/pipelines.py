"""Pipelines: whether each stage may take the step that its own delay bears."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.asynchrony.pipeline import pipeline_ages, staged_radius
from momentum_dynamics.laws import staleness
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

TAU = symbol("staleness")


def coupled(rng: np.random.Generator, size: int, smallest: float = 0.01) -> NDArray[np.float64]:
    """A Hessian with curvatures from `smallest` to 1 along directions drawn at random."""
    directions, _ = np.linalg.qr(rng.standard_normal((size, size)))
    curvatures = np.concatenate([[smallest, 1.0], rng.uniform(smallest, 1.0, size)])[:size]
    return np.asarray((directions * curvatures) @ directions.T)


def stage_limits(stages: int) -> NDArray[np.float64]:
    """The largest learning rate of each stage's own loop for curvatures up to 1."""
    return np.asarray(staleness.fixed_delay_step_limit(np.diag(pipeline_ages(stages))))


def _proof() -> Evidence:
    r"""Every Hessian with curvatures in (0, λ] is stable for α_s λ < 2 sin(π/(4τ_s + 2)).

    A pole z = e^{2iφ} on the circle has a w with Hw = Gw, G = diag g_s, g_s = (1 − z)z^{τ_s}/α_s,
    once the two parts of the ages are taken together (a similarity). With 0 ≤ H ≤ λ, w*Hw is real
    and |Hw|² ≤ λ w*Hw, so that for p_s = |g_s w_s|² and the gains q_s = λ/g_s it follows that
    Σ p_s(1 − Re q_s) ≤ 0 and Σ p_s Im q_s = 0. That is impossible once all q_s lie on one side of
    a line through 1: Re q_s − k Im q_s < 1 for some k. At the share c < 1 of the limits, with
    t = (2τ_s + 1)φ,

        Re q_s − k Im q_s = c F(t),   F(t) = sin(πφ/(2t)) (sin t − k cos t) / sin φ,   t ≥ φ.

    Take k = (2φ/π) cot φ = tan δ, so that F(π/2) = 1 and F'(π/2) = 0. On (δ, π + δ) the slope
    t (ln F)' = t cot(t − δ) − u cot u with u = πφ/(2t) falls: the first term's derivative is
    (½ sin 2x − t)/sin² x < 0 for x = t − δ < t, and u cot u falls in u, which falls in t. So F ≤ 1
    there; before, F ≤ 0; and beyond, u < φ/2, F < √(1 + k²)/(2 cos(φ/2)) ≤ √((1 + 4/π²)/2) < 1.
    No pole ever reaches the circle as the rates grow from 0, where all converge.
    """
    t, phi, delta, u = sympy.symbols("t phi delta u", positive=True)
    k = 2 * phi / sympy.pi * sympy.cot(phi)
    value = sympy.sin(sympy.pi * phi / (2 * t)) * (sympy.sin(t) - k * sympy.cos(t)) / sympy.sin(phi)
    limit = expression(staleness.fixed_delay_step_limit)
    own = limit.subs(TAU, (t / phi - 1) / 2) / (2 * sympy.sin(phi))
    first = sympy.diff(t * sympy.cot(t - delta), t)
    second = sympy.diff(u * sympy.cot(u), u)
    x = t - delta
    return Evidence.exact(
        sympy.simplify(own * (sympy.sin(t) - k * sympy.cos(t)) - value),
        value.subs(t, sympy.pi / 2) - 1,
        sympy.simplify(sympy.diff(value, t).subs(t, sympy.pi / 2)),
        sympy.simplify(first - (sympy.sin(2 * x) / 2 - t) / sympy.sin(x) ** 2),
        sympy.simplify(second - (sympy.sin(2 * u) / 2 - u) / sympy.sin(u) ** 2),
        sympy.limit(k, phi, 0) - 2 / sympy.pi,
        bool((1 + 4 / sympy.pi**2) / 2 < 1),
        *_similar(),
        *_rule(),
        note="a line through the critical point for each frequency, whatever couples the stages",
    )


def _similar() -> list[Any]:
    """Ages a_s + b_r have the characteristic polynomial of a_s + b_s by row: three coordinates."""
    z = sympy.Symbol("z", nonzero=True)
    rates = sympy.diag(*sympy.symbols("alpha_1:4"))
    hessian = sympy.Matrix(3, 3, lambda s, r: sympy.Symbol(f"h_{min(s, r)}{max(s, r)}"))
    reads, writes = (2, 0, 1), (1, 3, 0)
    both, own = (
        sympy.Matrix(3, 3, lambda s, r, by=by: hessian[s, r] / z ** (reads[s] + writes[(s, r)[by]]))
        for by in (1, 0)
    )
    found = [
        ((z - 1) * sympy.eye(3) + rates * part).det(method="berkowitz") for part in (both, own)
    ]
    return [sympy.expand(found[0] - found[1])]


def _rule() -> list[Any]:
    """The rule 1/(τ + ½) is below the limit: sin x is above its chord 2x/π up to a quarter turn."""
    x = sympy.Symbol("x", positive=True)
    gap = sympy.sin(x) - 2 * x / sympy.pi
    limit = expression(staleness.fixed_delay_step_limit)
    rule = expression(staleness.stage_learning_rate).subs(symbol("curvature"), 1)
    angle = sympy.pi / (4 * TAU + 2)
    return [
        sympy.simplify(limit - rule - 2 * gap.subs(x, angle)),
        gap.subs(x, 0),
        gap.subs(x, sympy.pi / 2),
        sympy.diff(gap, x, 2) + sympy.sin(x),
    ]


def _experiment(rng: np.random.Generator, *, own_curvature: bool, others_later: int) -> Evidence:
    """The largest radius at 0.999 of the limits, over Hessians drawn at random."""
    largest = 0.0
    for stages in (2, 3, 5):
        ages = pipeline_ages(stages)
        ages = ages + others_later * (1 - np.eye(stages, dtype=np.int64))
        for _ in range(60):
            hessian = coupled(rng, stages)
            scale = np.diag(hessian) if own_curvature else 1.0
            rates = 0.999 * stage_limits(stages) / scale
            largest = max(largest, staged_radius(hessian, rates, ages))
    beyond = staged_radius(np.diag([1.0, 0.5, 0.5]), 1.001 * stage_limits(3), pipeline_ages(3))
    return Evidence(
        predicted=1.0,
        measured=largest,
        tolerance=0.0,
        passed=bool(largest < 1 < beyond),
        note=f"largest radius over 180 coupled Hessians; {beyond:.5f} beyond a stage's own limit",
    )


def _control(rng: np.random.Generator) -> Evidence:
    """Neither a stage's own curvature suffices, nor its own delay where others are read later."""
    found = [
        _experiment(rng, own_curvature=own, others_later=later)
        for own, later in ((True, 0), (False, 3))
    ]
    agreeing = [one for one in found if one.passed]
    return (agreeing or found)[0]


STAGES = Claim(
    slug="each-stage-bears-what-its-own-delay-bears",
    title=(
        "A pipeline whose stages' own loops have the delays τ_s is stable for α_s λ below "
        "2 sin(π/(4τ_s + 2)) at every stage, whatever couples them, if no curvature is above λ; so "
        "it is with α_s = 1/(λ(τ_s + ½))."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=lambda: sympy.Lt(
        symbol("learning_rate") * symbol("curvature"),
        expression(staleness.fixed_delay_step_limit),
        evaluate=False,
    ),
    proof=_proof,
    experiment=lambda rng: _experiment(rng, own_curvature=False, others_later=0),
    control=_control,
    expected=Verdict.PROVED,
    figures=("pipeline-stages",),
    remark="The limit counts λ of the whole Hessian: by the stage's own curvature it does not "
    "suffice, nor where others are read later than a_s + b_r, the two controls. A rule of rates "
    "inversely proportional to the delay is known for pipelines, and conditions of this form for "
    "networks with delays; neither source was read. With weights kept, τ_s = 2(S − 1 − s).",
)
