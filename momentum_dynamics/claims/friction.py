"""Friction and momentum: which friction is best, and what each of two methods adds to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.continuous import equation_of_motion
from momentum_dynamics.dynamics.flows import flow
from momentum_dynamics.laws import continuous, spectrum
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import ConvexRosenbrock, LogisticRegression, Quadratic, named_data
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
FRICTION, TICK, TIME = map(symbol, ("friction", "tick", "time"))


# Critical friction -----------------------------------------------------------------------------


def _critical_statement() -> Any:
    return sympy.And(
        sympy.Eq(FRICTION, expression(continuous.critical_friction), evaluate=False),
        sympy.Eq(sympy.Symbol("rate"), expression(continuous.damped_rate), evaluate=False),
    )


def _critical_proof() -> Evidence:
    """The slower root falls with friction once the roots are real; and heavy ball's momentum."""
    h, gap = sympy.symbols("h g", positive=True)
    friction = sympy.sqrt(4 * h + gap**2)  # over-damped: g is the root of the discriminant
    slow = 2 * h / (friction + gap)
    best = continuous.critical_friction(h)
    momentum = spectrum.critical_momentum(TICK**2, h)
    return Evidence.exact(
        sympy.simplify(slow**2 - friction * slow + h),  # −slow is an exponent
        sympy.simplify(sympy.diff(slow, gap) + slow / friction),  # and falls as g grows
        sympy.simplify(continuous.damped_rate(best, h) - sympy.sqrt(h)),
        sympy.expand(momentum - (1 - best * TICK + h * TICK**2)),
        note="up to 2√h the rate is half the friction, beyond it falls; β = 1 − ad + hd²",
    )


_FRICTIONS = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 20.0])


def _critical_experiment(*, more_is_faster: bool) -> Evidence:
    """Two integrated paths make the map over one unit of time; its radius is the rate."""
    curvature, rates = 4.0, []
    for friction in _FRICTIONS:
        columns = []
        for start, velocity in ((1.0, 0.0), (0.0, 1.0)):
            path = flow(
                Quadratic([curvature]), [1.0], friction=float(friction), start=[start],
                velocity=[velocity],
            )  # fmt: skip
            columns.append([path.points[-1, 0], path.velocities[-1, 0]])
        roots = np.linalg.eigvals(np.array(columns).T)
        rates.append(-np.log(np.abs(roots).max()))
    predicted = _FRICTIONS / 2 if more_is_faster else continuous.damped_rate(_FRICTIONS, curvature)
    return Evidence.close(
        predicted, rates, tolerance=1e-4, note="rates of integrated paths, eight frictions, h = 4"
    )


CRITICAL = Claim(
    slug="critical-friction-is-fastest",
    title="x″ + ax′ + hx = 0 dies out fastest at a = 2√h; beyond, friction only slows it. In steps "
    "this is heavy ball's critical momentum, 1 − 2√(αh) + αh.",
    source=Citation("polyak1964"),
    kind=Kind.IDENTITY,
    statement=_critical_statement,
    proof=_critical_proof,
    experiment=lambda _: _critical_experiment(more_is_faster=False),
    control=lambda _: _critical_experiment(more_is_faster=True),
    expected=Verdict.PROVED,
    figures=("damping-regimes", "phase-portraits"),
    remark="The control believes that the rate is half the friction for every friction.",
)


# Areas -----------------------------------------------------------------------------------------


def _jacobian(method: Any, slope: Any) -> Any:
    """Of one step in one dimension, for a gradient of any form."""
    here, before, y = sympy.symbols("x w y")
    query = method.query((here, before))
    moved = method.update((here, before), slope(y)).__iter__()
    rows = []
    for slot in moved:
        inner = sympy.diff(slot, y)
        rows.append(
            [sympy.diff(slot, each) + inner * sympy.diff(query, each) for each in (here, before)]
        )
    return sympy.Matrix(rows), y


def _area_statement() -> Any:
    ball = sympy.MatrixSymbol("J", 2, 2)
    return sympy.Eq(sympy.Determinant(ball), BETA, evaluate=False)


def _area_proof() -> Evidence:
    slope = sympy.Function("g")
    ball, _ = _jacobian(HeavyBall(learning_rate=ALPHA, momentum=BETA), slope)
    nesterov, y = _jacobian(Nesterov(learning_rate=ALPHA, momentum=BETA), slope)
    return Evidence.exact(
        sympy.simplify(ball.det() - BETA),
        sympy.simplify(nesterov.det() - BETA * (1 - ALPHA * slope(y).diff(y))),
        note="for every loss; Nesterov's determinant is β(1 − αf″)",
    )


def _area_experiment(kind: Any) -> Evidence:
    """A disk of states in the double well x⁴/4 − x²/2, after 1, 2, … steps."""
    method = kind(learning_rate=0.05, momentum=0.9)
    angle = np.linspace(0, 2 * np.pi, 20_001)[:-1]
    state = (1.2 + 0.5 * np.cos(angle), 1.2 + 0.5 * np.sin(angle))
    areas = []
    for _ in range(21):
        x, w = state
        areas.append(abs(np.sum(x * np.roll(w, -1) - w * np.roll(x, -1))) / 2)
        query = method.query(state)
        state = method.update(state, query**3 - query)
    return Evidence.close(
        0.9 ** np.arange(21), np.array(areas) / areas[0], tolerance=1e-5,
        note="area of a disk of states in a double well over 20 steps, β = 0.9",
    )  # fmt: skip


AREA = Claim(
    slug="momentum-is-how-areas-shrink",
    title="Heavy ball shrinks every area of states by β a step, whatever the loss and wherever it "
    "is.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_area_statement,
    proof=_area_proof,
    experiment=lambda _: _area_experiment(HeavyBall),
    control=lambda _: _area_experiment(Nesterov),
    expected=Verdict.PROVED,
    remark="One coordinate and its predecessor make the plane; in n dimensions volumes shrink by "
    "βⁿ. The control is Nesterov's method, whose factor β(1 − αf″) knows the curvature.",
)


# The gradient correction -----------------------------------------------------------------------


def _correction() -> Any:
    """Nesterov's equation of motion less heavy ball's, for any friction."""
    fading = 1 - FRICTION * TICK + sympy.Symbol("b") * TICK**2
    own = [
        equation_of_motion(kind(learning_rate=TICK**2, momentum=fading), H, TICK).as_expr()
        for kind in (Nesterov, HeavyBall)
    ]
    return sympy.expand(own[0] - own[1])


def _correction_statement() -> Any:
    x = sympy.Function("x")(TIME)
    return sympy.Eq(sympy.Symbol("difference"), TICK * H * x.diff(TIME), evaluate=False)


def _correction_proof() -> Evidence:
    return Evidence.exact(
        _correction() - TICK * H * sympy.Symbol("lambda"),
        note="of the equations of motion, to first order in the tick, for every friction",
    )


def _correction_experiment(*, corrected: bool) -> Evidence:
    """The sum of both exponents, from how fast x₊x₋ − x² shrinks along a path: by D a step."""
    tick, curvatures = 0.01, np.array([4.0, 9.0, 16.0])
    momentum = float((1 - tick) / (1 + tick))
    sums = []
    for kind in (Nesterov, HeavyBall):
        run = simulate(
            kind(learning_rate=tick**2, momentum=momentum), Quadratic(curvatures), steps=400
        )
        x = run.outputs
        casorati = x[2:] * x[:-2] - x[1:-1] ** 2
        sums.append(np.log(casorati[-1] / casorati[0]) / (len(casorati) - 1) / tick)
    predicted = -tick * curvatures if corrected else np.zeros(3)
    return Evidence.close(
        predicted, sums[0] - sums[1], tolerance=1e-3,
        note="sum of Nesterov's exponents less heavy ball's, three modes, s = 10⁻⁴",
    )  # fmt: skip


CORRECTION = Claim(
    slug="gradient-correction-is-the-whole-difference",
    title="To first order in √s, Nesterov's equation of motion is heavy ball's plus √s·∇²f·x′: a "
    "friction that grows with the curvature.",
    source=Citation("shi2022"),
    kind=Kind.ASYMPTOTIC,
    statement=_correction_statement,
    proof=_correction_proof,
    experiment=lambda _: _correction_experiment(corrected=True),
    control=lambda _: _correction_experiment(corrected=False),
    expected=Verdict.PROVED,
    figures=("orbits-and-equations",),
    remark="Shown on quadratics, for every momentum 1 − ad + O(d²) with d = √s. The control leaves "
    "the correction out.",
)


# The bound of the accelerated equation ---------------------------------------------------------


def _bound_statement() -> Any:
    left = sympy.Symbol("f") - sympy.Symbol("f_*")
    return sympy.Le(left, expression(continuous.vanishing_friction_bound))


def _bound_proof() -> Evidence:
    """E = t²(f − f*) + 2|x + tx′/2 − x*|² begins at 2d² and has E′ = −2t(f* − f − f′·(x* − x)).

    The bracket is at least 0 for a convex f, so t²(f − f*) ≤ E ≤ 2d².
    """
    t = sympy.Symbol("t", positive=True)
    best, low = sympy.symbols("x_* f_*", real=True)
    x, f = sympy.Function("x")(t), sympy.Function("f")
    u = sympy.Symbol("u")
    slope = f(u).diff(u).subs(u, x)
    energy = t**2 * (f(x) - low) + 2 * (x + t * x.diff(t) / 2 - best) ** 2
    bend = -3 / t * x.diff(t) - slope
    change = sympy.diff(energy, t).doit().subs(x.diff(t, 2), bend)
    bracket = low - f(x) - slope * (best - x)
    begin = energy.subs(x.diff(t), 0).subs(t, 0) - 2 * (x - best).subs(t, 0) ** 2
    bound = t**2 * continuous.vanishing_friction_bound(best, t) - 2 * best**2
    return Evidence.exact(
        sympy.simplify((change + 2 * t * bracket).doit()), sympy.simplify(begin),
        sympy.simplify(bound), note="an energy that never grows on a convex loss",
    )  # fmt: skip


def _bound_problems() -> list[Any]:
    data = named_data("breast-cancer")
    return [
        Quadratic(np.geomspace(0.01, 10, 8)),
        ConvexRosenbrock(dimension=12, condition_number=400.0),
        LogisticRegression(data.X[:, :4], data.y, ridge=0.01),
    ]


def _bound_experiment(*, vanishing_friction: float) -> Evidence:
    times, quotients = np.linspace(0.05, 40, 800), []
    for problem in _bound_problems():
        path = flow(problem, times, vanishing_friction=vanishing_friction)
        gap = problem.loss(path.points) - problem.loss(problem.solution)
        distance = float(np.linalg.norm(problem.start - problem.solution))
        bound = continuous.vanishing_friction_bound(distance, times)
        quotients.append(max(1.0, float((gap / bound).max())))
    return Evidence.close(
        1.0, quotients, tolerance=1e-9, note="loss over bound, at most, on three convex losses"
    )


BOUND = Claim(
    slug="accelerated-flow-decays-like-one-over-time-squared",
    title="On every convex loss x″ + (3/t)x′ + ∇f = 0 leaves at most 2|x₀ − x*|²/t².",
    source=Citation("su2016"),
    kind=Kind.UPPER_BOUND,
    statement=_bound_statement,
    proof=_bound_proof,
    experiment=lambda _: _bound_experiment(vanishing_friction=3.0),
    control=lambda _: _bound_experiment(vanishing_friction=0.5),
    expected=Verdict.PROVED,
    figures=("accelerated-equation", "damping-regimes"),
    remark="The control has the friction 1/(2t), which is too little. On one mode of a quadratic "
    "t²(f − f*)/|x₀ − x*|² is 2J₁², at most 0.677: a third of the bound.",
)
