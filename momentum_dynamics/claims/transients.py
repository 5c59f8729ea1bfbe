"""Before the rate sets in: residual polynomials, overshoot, and what takes it away."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.dynamics.transients import kreiss_constant, transient_peak
from momentum_dynamics.laws import optima, regions, transients
from momentum_dynamics.methods import HeavyBall, Method, Scheduled
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, H, STEPS = map(symbol, ("learning_rate", "momentum", "curvature", "steps"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
KAPPA = 100.0


def _balanced(learning_rate: Any, momentum: Any) -> Scheduled:
    """Heavy ball from rest with first step α/(1 + β)."""
    first = transients.balanced_step(learning_rate, momentum)
    return Scheduled(
        stages=[HeavyBall(learning_rate=rate, momentum=momentum) for rate in (first, learning_rate)]
    )


def _tuned(condition_number: float) -> Any:
    return tune("heavy-ball", smallest_curvature=1.0, largest_curvature=condition_number)


def _paths(method: Method, steps: int, condition_number: float = KAPPA) -> Any:
    """What runs leave of every mode of a spectrum, ``(steps + 1, modes)``."""
    wave = (1 - np.cos(np.linspace(0, np.pi, 301))) / 2
    curvatures = 1 + (condition_number - 1) * wave
    return np.abs(simulate(method, Quadratic(curvatures), steps=steps).outputs)


# Residual polynomials --------------------------------------------------------------------------


def _residual_statement() -> Any:
    left = sympy.Function("P_n")(H)
    return sympy.Eq(left, expression(transients.rest_residual), evaluate=False)


def _residual_proof() -> Evidence:
    """By induction: both laws begin as the method does, and obey its recursion for every n.

    In σ = cos φ the polynomials are sines and cosines, so the recursion is an identity of angles.
    """
    angle, root = sympy.Symbol("varphi", real=True), symbol("root_momentum")
    beta = root**2
    step = 1 + beta - 2 * root * sympy.cos(angle)  # αh, from the definition of σ
    begins: list[Any] = []
    steps: list[Any] = []
    for law, method in (
        (transients.rest_residual, BALL),
        (transients.balanced_residual, _balanced(ALPHA, BETA)),
    ):
        begins += [
            sympy.simplify(
                residual_polynomial(method, n).as_expr().subs(BETA, beta)
                - law(ALPHA, beta, H, sympy.Integer(n))
            )
            for n in (0, 1, 2)
        ]
        before, now, after = (_in_angles(law, beta, step, STEPS + k, angle) for k in (0, 1, 2))
        recursion = after - (1 + beta - step) * now + beta * before
        steps.append(sympy.simplify(sympy.expand_trig(sympy.expand(recursion / root**STEPS))))
    return Evidence.exact(
        *begins, *steps, note="right for n = 0, 1, 2, and the recursion holds for every n"
    )


def _in_angles(law: Any, momentum: Any, step: Any, steps: Any, angle: Any) -> Any:
    """The law with Tₙ(cos φ) = cos nφ and Uₙ(cos φ) = sin (n + 1)φ / sin φ."""
    cosine = sympy.cos(angle)
    found = law(1, momentum, step, steps)
    found = found.replace(sympy.chebyshevt, lambda n, _: sympy.cos(n * angle))
    return found.replace(
        sympy.chebyshevu, lambda n, _: sympy.sin((n + 1) * angle) / sympy.sqrt(1 - cosine**2)
    ).subs(sympy.sqrt(1 - cosine**2), sympy.sin(angle))


def _residual_experiment(law: Any) -> Evidence:
    ball = _tuned(KAPPA)
    curvatures, count = np.linspace(1, KAPPA, 25), 30
    run = simulate(ball, Quadratic(curvatures), steps=count).outputs
    predicted = law(ball.learning_rate, ball.momentum, curvatures, np.arange(count + 1)[:, None])
    return Evidence.close(
        predicted, run, tolerance=1e-9, note=f"25 modes, each of {count} steps from rest"
    )


RESIDUAL = Claim(
    slug="heavy-ball-residual-polynomials",
    title="From rest, n steps of heavy ball leave β^{n/2}(Uₙ(σ) − √β Uₙ₋₁(σ)) of a direction, with "
    "σ = (1 + β − αh)/(2√β).",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_residual_statement,
    proof=_residual_proof,
    experiment=lambda _: _residual_experiment(transients.rest_residual),
    control=lambda _: _residual_experiment(transients.balanced_residual),
    expected=Verdict.PROVED,
    figures=("overshoot",),
    remark="With first step α/(1 + β) it is β^{n/2}(2β Tₙ + (1 − β) Uₙ)/(1 + β): the control takes "
    "that polynomial for a run with a full first step.",
)


# Overshoot -------------------------------------------------------------------------------------


def _overshoot_statement() -> Any:
    low, high = regions.robust_low_end(BETA), regions.robust_high_end(BETA)
    left = sympy.Function("max")(sympy.Abs(sympy.Function("P_n")(H)))
    return sympy.And(
        sympy.Eq(left, expression(transients.rest_envelope), evaluate=False),
        sympy.Contains(ALPHA * H, sympy.Interval(low, high), evaluate=False),
        evaluate=False,
    )


def _overshoot_proof() -> Evidence:
    """At the upper edge σ = −1 and all terms have one sign; elsewhere |Uₙ| ≤ n + 1 is classical."""
    root, n = symbol("root_momentum"), sympy.Symbol("n", integer=True, positive=True)
    beta = root**2
    edge = transients.rest_residual(1, beta, regions.robust_high_end(beta), n)
    known = {sympy.chebyshevu(m, -1): (-1) ** m * (m + 1) for m in (n, n - 1)}
    value = sympy.simplify(edge.subs(known) * (-1) ** n - transients.rest_envelope(beta, n))
    bound = root**n * ((n + 1) + root * n) - transients.rest_envelope(beta, n)
    t = sympy.Symbol("tau", positive=True)
    k = sympy.Symbol("k", positive=True)
    rate = optima.heavy_ball_rate(k**2)
    scaled = transients.rest_envelope(rate**2, t * k) / k
    limit = sympy.limit(sympy.simplify(scaled), k, sympy.oo)
    best = sympy.solve(sympy.diff(limit, t), t)
    return Evidence.exact(
        value, sympy.simplify(bound), sympy.simplify(limit - 2 * t * sympy.exp(-2 * t)),
        len(best) == 1, limit.subs(t, best[0]) - sympy.exp(-1), best[0] - sympy.Rational(1, 2),
        note="attained at the stiffest mode; √κ/e at step √κ/2 in the limit",
    )  # fmt: skip


def _overshoot_experiment(method: Any) -> Evidence:
    ball = _tuned(KAPPA)
    worst = _paths(method, 60).max(axis=1)
    predicted = transients.rest_envelope(ball.momentum, np.arange(61))
    return Evidence.close(
        predicted, worst, tolerance=1e-9, note="the worst of 301 modes after 0 to 60 steps, κ = 100"
    )


OVERSHOOT = Claim(
    slug="tuned-heavy-ball-overshoots-by-root-kappa",
    title="Tuned heavy ball from rest first moves away, by β^{n/2}(1 + (1 + √β)n): up to √κ/e, "
    "after √κ/2 steps, on the stiffest mode.",
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=_overshoot_statement,
    proof=_overshoot_proof,
    experiment=lambda _: _overshoot_experiment(_tuned(KAPPA)),
    control=lambda _: _overshoot_experiment(
        _balanced(_tuned(KAPPA).learning_rate, _tuned(KAPPA).momentum)
    ),
    expected=Verdict.PROVED,
    figures=("overshoot",),
    remark="An artefact of the full first step: the control takes α/(1 + β) first and stays "
    "below 1.",
)


def _balanced_statement() -> Any:
    return sympy.Le(expression(transients.balanced_envelope), 1)


def _balanced_proof() -> Evidence:
    """With √β = e^{−c} the envelope is e^{−cn}(1 + n tanh c), and tanh c ≤ c, 1 + cn ≤ e^{cn}.

    Both have equality at 0 and the right sign of their derivative.
    """
    c, n = sympy.symbols("c n", positive=True)
    envelope = transients.balanced_envelope(sympy.exp(-2 * c), n)
    rewritten = sympy.exp(-c * n) * (1 + n * sympy.tanh(c))
    slower = sympy.simplify(sympy.diff(c - sympy.tanh(c), c) - sympy.tanh(c) ** 2)
    grows = sympy.simplify(sympy.diff(sympy.exp(c * n) - 1 - c * n, c) - n * (sympy.exp(c * n) - 1))
    edges = [
        sympy.simplify(
            transients.balanced_residual(1, sympy.exp(-2 * c), sign, k)
            * (-1 if at == "high" else 1) ** k
            - envelope.subs(n, k)
        )
        for k in (1, 2, 3)
        for at, sign in (
            ("low", regions.robust_low_end(sympy.exp(-2 * c))),
            ("high", regions.robust_high_end(sympy.exp(-2 * c))),
        )
    ]
    return Evidence.exact(
        sympy.simplify((envelope - rewritten).rewrite(sympy.exp)), slower, grows, *edges,
        note="e^{−cn}(1 + n tanh c) ≤ 1, attained at both edges of the robust region",
    )  # fmt: skip


def _balanced_experiment(*, balanced: bool) -> Evidence:
    highest = []
    for kappa in (10.0, 100.0, 10_000.0):
        ball = _tuned(kappa)
        method = _balanced(ball.learning_rate, ball.momentum) if balanced else ball
        highest.append(_paths(method, 200, kappa).max())
    return Evidence.close(
        1.0, highest, tolerance=1e-9, note="the largest distance of 301 modes over 200 steps"
    )


BALANCED = Claim(
    slug="a-smaller-first-step-removes-the-overshoot",
    title="With first step α/(1 + β) tuned heavy ball never moves away: "
    "β^{n/2}(1 + n(1 − β)/(1 + β)) ≤ 1.",
    source=Citation(None),
    kind=Kind.UPPER_BOUND,
    statement=_balanced_statement,
    proof=_balanced_proof,
    experiment=lambda _: _balanced_experiment(balanced=True),
    control=lambda _: _balanced_experiment(balanced=False),
    expected=Verdict.PROVED,
    figures=("overshoot",),
    remark="For the tuned method the first step is gradient descent's best, 2/(L + μ).",
)


# Powers and the Kreiss constant ----------------------------------------------------------------


def _kreiss_statement() -> Any:
    constant, power = sympy.Symbol("K"), sympy.Symbol("p")
    return sympy.And(sympy.Le(constant, power), sympy.Le(power, 2 * sympy.E * constant))


def _kreiss_experiment(*, slots: float) -> Evidence:
    """How far the largest power leaves the bracket [K, e·slots·K] of Kreiss's theorem."""
    outside = []
    for kappa in (4.0, 10.0, 100.0, 1000.0, 10_000.0):
        for method in (
            _tuned(kappa),
            tune("nesterov", smallest_curvature=1.0, largest_curvature=kappa),
        ):
            for curvature in (1.0, np.sqrt(kappa), kappa):
                constant = kreiss_constant(method, curvature)
                power = float(transient_peak(method, curvature).power_norm)
                outside.append(max(constant - power, power - np.e * slots * constant, 0.0) / power)
    return Evidence.close(
        0.0, outside, tolerance=1e-6, note="thirty loops, the largest power outside the bracket"
    )


KREISS = Claim(
    slug="kreiss-constant-brackets-the-powers",
    title="The largest power of a loop lies between its Kreiss constant K and 2eK, in every "
    "dimension.",
    source=Citation(None),
    kind=Kind.UPPER_BOUND,
    statement=_kreiss_statement,
    proof=None,
    experiment=lambda _: _kreiss_experiment(slots=2),
    control=lambda _: _kreiss_experiment(slots=1 / np.e),
    expected=Verdict.CONFIRMED,
    figures=("pseudospectra",),
    remark="Kreiss's matrix theorem with the two slots of a mode: modes decouple, so the number of "
    "coordinates does not enter. The control would have the largest power at most K.",
)


# Nesterov --------------------------------------------------------------------------------------


def _nesterov(kappa: Any) -> Any:
    return tune(
        "nesterov", smallest_curvature=1, largest_curvature=kappa, objective="smooth-convex"
    )


def _nesterov_statement() -> Any:
    k = sympy.Symbol("kappa", positive=True)
    power = sympy.Function("p")(k)
    return sympy.Eq(
        sympy.Limit(power / sympy.sqrt(k), k, sympy.oo), sympy.sqrt(2) / sympy.E, evaluate=False
    )


def _nesterov_proof() -> Evidence:
    """At h = μ the standard tuning has a double root r: rows of powers are r^{n−1}((n + 1)r, −nr²).

    So the first row has norm rⁿ√((n + 1)² + n²r²), and with n = τ√κ it is √κ·√2·τe^{−τ} in the
    limit, largest at τ = 1.
    """
    k, t = sympy.symbols("k tau", positive=True)
    method = _nesterov(k**2)
    trace, determinant = sympy.Integer(1), sympy.Integer(1)
    first = sympy.simplify(method.update((1, 0), method.query((1, 0)))[0])
    second = sympy.simplify(method.update((0, 1), method.query((0, 1)))[0])
    trace, determinant = first, -second
    root = 1 - 1 / k
    scaled = root ** (t * k) * sympy.sqrt((t * k + 1) ** 2 + (t * k) ** 2 * root**2) / k
    limit = sympy.limit(scaled, k, sympy.oo)
    best = sympy.solve(sympy.diff(limit, t), t)
    return Evidence.exact(
        sympy.simplify(trace - 2 * root), sympy.simplify(determinant - root**2),
        sympy.simplify(limit - sympy.sqrt(2) * t * sympy.exp(-t)), len(best) == 1, best[0] - 1,
        note="a double root 1 − 1/√κ on the flattest mode; √2 τ e^{−τ} is largest at τ = 1",
    )  # fmt: skip


def _nesterov_experiment(*, from_rest: bool) -> Evidence:
    """The largest row of a power over √κ, at κ = 10⁶; the control begins at rest."""
    kappa = 1e6
    method = _nesterov(kappa)
    predicted = np.sqrt(2) / np.e
    peak = transient_peak(method, 1.0)
    start = (1.0, 1.0) if from_rest else tuple(map(float, peak.worst_start))
    run = simulate(
        method, Quadratic([1.0]), steps=int(3 * np.sqrt(kappa)),
        start=tuple(np.array([slot]) for slot in start),
    )  # fmt: skip
    return Evidence.close(
        predicted, np.abs(run.outputs).max() / np.sqrt(kappa), tolerance=1e-3,
        note="the largest distance from the worst start, over √κ, κ = 10⁶",
    )  # fmt: skip


NESTEROV = Claim(
    slug="nesterov-overshoots-from-some-starts",
    title="From rest Nesterov's method does not overshoot, but from other starts it grows like √κ "
    "too: by √2·√κ/e.",
    source=Citation("mohammadi2021"),
    kind=Kind.ASYMPTOTIC,
    statement=_nesterov_statement,
    proof=_nesterov_proof,
    experiment=lambda _: _nesterov_experiment(from_rest=False),
    control=lambda _: _nesterov_experiment(from_rest=True),
    expected=Verdict.PROVED,
    figures=("overshoot",),
    remark="Transients of order √κ belong to acceleration, not to heavy ball; what differs is the "
    "start. The constant is ours.",
)
