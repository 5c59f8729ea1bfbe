"""Spectral radius, robust region, stability: what two roots can do."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import growth_factor, simulated_rates
from momentum_dynamics.dynamics.loop import characteristic_polynomial, transition_matrix
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import regions, spectrum
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.scalars import expression

__all__: list[str] = []

ALPHA, BETA, H = symbol("learning_rate"), symbol("momentum"), symbol("curvature")
ROOT = symbol("root_momentum")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


def _pair(method: Any, curvature: Any = H) -> tuple[Any, Any]:
    """Trace and determinant, read off the characteristic polynomial."""
    _, minus_trace, determinant = characteristic_polynomial(method, curvature).all_coeffs()
    return -minus_trace, determinant


# One closed form -------------------------------------------------------------------------------


def _radius_statement() -> Any:
    return sympy.Eq(sympy.Symbol("rho"), expression(spectrum.elliptic_spectral_radius))


def _radius_proof() -> Evidence:
    """With roots p², q²: the trace is p² + q², a root of the determinant pq.

    |T − 2pq| + |T + 2pq| = |p − q|² + |p + q|² = 2(|p|² + |q|²), the parallelogram law; the other
    root of the determinant swaps the two terms. So the law, with x = |p|² and y = |q|², is the
    larger.
    """
    a, b, c, d = sympy.symbols("a b c d", real=True)
    p, q = a + sympy.I * b, c + sympy.I * d

    def square(value: Any) -> Any:
        return sympy.expand(value * sympy.conjugate(value))

    far = sympy.expand(p**2 + q**2 + 2 * p * q - (p + q) ** 2)
    near = sympy.expand(p**2 + q**2 - 2 * p * q - (p - q) ** 2)
    parallelogram = sympy.expand(square(p - q) + square(p + q) - 2 * square(p) - 2 * square(q))
    trace, determinant = sympy.symbols("T D")
    smaller, excess = sympy.symbols("y e", nonnegative=True)
    larger, first = smaller + excess, sympy.Symbol("m", positive=True)
    focus = 2 * sympy.sqrt(determinant)
    law = spectrum.elliptic_spectral_radius(trace, determinant).subs(
        {
            sympy.Abs(trace - focus): first,
            sympy.Abs(trace + focus): 2 * (larger + smaller) - first,
            sympy.Abs(determinant): larger * smaller,
        }
    )
    own_trace, own_determinant = _pair(BALL)
    return Evidence.exact(
        far, near, parallelogram, sympy.simplify(law) - larger,
        own_trace - (1 + BETA - ALPHA * H), own_determinant - BETA,
        note="parallelogram law; the law is then the larger modulus",
    )  # fmt: skip


def _random_loops(rng: np.random.Generator) -> tuple[Any, Any]:
    momentum = rng.uniform(-1, 1, 4000)
    curvature = rng.uniform(-1, 4, 4000) + 1j * rng.uniform(-2, 2, 4000)
    curvature[:1000] = curvature[:1000].real
    return momentum, curvature


def _radius_gap(rng: np.random.Generator, *, real_focus: bool) -> Evidence:
    """All three laws of the radius against eigenvalues; a quarter of the loops is real."""
    momentum, curvature = _random_loops(rng)
    matrix = transition_matrix(HeavyBall(learning_rate=1.0, momentum=momentum), curvature)
    roots = np.linalg.eigvals(matrix)
    largest = np.abs(roots).max(axis=-1)
    trace, determinant = roots.sum(axis=-1), np.prod(roots, axis=-1)
    focus = abs(determinant) if real_focus else determinant
    real = slice(0, 1000)
    laws = [
        spectrum.elliptic_spectral_radius(trace, focus),
        spectrum.complex_spectral_radius(trace, determinant),
        spectrum.spectral_radius(trace.real[real], determinant.real[real]),
    ]
    return Evidence.close(
        np.concatenate([largest, largest, largest[real]]),
        np.concatenate(laws),
        tolerance=1e-6,
        note="largest eigenvalue against the laws, 4,000 loops; √ε at double roots",
    )


RADIUS = Claim(
    slug="spectral-radius-has-one-closed-form",
    title=(
        "One closed form gives heavy ball's spectral radius for every real momentum and "
        "every complex curvature."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_radius_statement,
    proof=_radius_proof,
    experiment=lambda rng: _radius_gap(rng, real_focus=False),
    control=lambda rng: _radius_gap(rng, real_focus=True),
    expected=Verdict.PROVED,
    figures=("radius-against-learning-rate", "regimes"),
    remark="The control replaces √β by √|β|, which is wrong for negative momentum.",
)


# Robust region ---------------------------------------------------------------------------------


def _robust_statement() -> Any:
    return sympy.Implies(
        expression(regions.is_robust), sympy.Eq(sympy.Symbol("rho"), sympy.sqrt(BETA))
    )


def _robust_proof() -> Evidence:
    """The discriminant factors at the edges, and conjugate roots have modulus √D = √β."""
    trace, determinant = _pair(HeavyBall(learning_rate=ALPHA, momentum=ROOT**2))
    step = ALPHA * H
    factored = (step - regions.robust_low_end(ROOT**2)) * (step - regions.robust_high_end(ROOT**2))
    return Evidence.exact(
        sympy.expand(spectrum.discriminant(trace, determinant) - factored),
        sympy.expand(determinant - ROOT**2),
        note="discriminant factors at (1 ∓ √β)²",
    )


def _robust_rates(*, inside: bool) -> Evidence:
    momentum, low, high = 0.81, regions.robust_low_end(0.81), regions.robust_high_end(0.81)
    outside = np.array([low / 4, high * 1.03])
    steps = np.linspace(low * 1.05, high * 0.99, 25) if inside else outside
    rates = simulated_rates(HeavyBall(learning_rate=1.0, momentum=momentum), steps)
    return Evidence.close(
        np.sqrt(momentum), rates, tolerance=0.01, note="contraction of simulated paths, β = 0.81"
    )


ROBUST = Claim(
    slug="robust-region",
    title="Inside the robust region heavy ball's spectral radius is √β, whatever the curvature.",
    source=Citation("zhang2017", "robust region of momentum"),
    kind=Kind.IDENTITY,
    statement=_robust_statement,
    proof=_robust_proof,
    experiment=lambda _: _robust_rates(inside=True),
    control=lambda _: _robust_rates(inside=False),
    expected=Verdict.PROVED,
    figures=("radius-against-learning-rate",),
    remark="For 0 ≤ β < 1, and about one curvature at a time: see "
    "switching-breaks-the-robust-region.",
)


# Switching curvature ---------------------------------------------------------------------------


def _edge_product() -> Any:
    ball = HeavyBall(learning_rate=1, momentum=ROOT**2)
    ends = regions.robust_low_end(ROOT**2), regions.robust_high_end(ROOT**2)
    low, high = (transition_matrix(ball, sympy.expand(end)) for end in ends)
    return low * high


def _switching_statement() -> Any:
    return sympy.Eq(sympy.Symbol("growth"), spectrum.switching_growth(2 * ROOT, ROOT**2))


def _switching_proof() -> Evidence:
    """The product of the edge matrices has the eigenvalue −((1 + √2)√β)²; nothing grows faster.

    |x₊| ≤ S|x| + β|x₋| with S = 2√β bounds every path by the recursion whose root the law is.
    """
    z = sympy.Symbol("z")
    growth = spectrum.switching_growth(2 * ROOT, ROOT**2)
    polynomial = sympy.expand(_edge_product().charpoly(z).as_expr())
    bound = growth**2 - 2 * ROOT * growth - ROOT**2
    traces = [
        1 + ROOT**2 - regions.robust_low_end(ROOT**2) - 2 * ROOT,
        1 + ROOT**2 - regions.robust_high_end(ROOT**2) + 2 * ROOT,
    ]
    return Evidence.exact(
        sympy.simplify(polynomial.subs(z, -(growth**2))), sympy.simplify(bound), *traces,
        note="eigenvalue of the product, and the bound it attains",
    )  # fmt: skip


def _switching_path(*, switching: bool) -> Evidence:
    momentum, steps = 0.5, 400
    ends = np.array([regions.robust_low_end(momentum), regions.robust_high_end(momentum)])
    ball = HeavyBall(learning_rate=1.0, momentum=momentum)
    state, path = ball.initial_state(1.0), []
    for step in range(steps + 1):
        path.append(abs(ball.query(state)))
        curvature = ends[step % 2] if switching else ends[0]
        state = ball.update(state, curvature * ball.query(state))
    return Evidence.close(
        spectrum.switching_growth(2 * np.sqrt(momentum), momentum),
        growth_factor(path),
        tolerance=2e-3,
        note="growth per step of a simulated path, β = 0.5",
    )


SWITCHING = Claim(
    slug="switching-breaks-the-robust-region",
    title=(
        "A curvature that switches between the edges of the robust region makes heavy ball "
        "change by the factor (1 + √2)√β per step, the worst possible."
    ),
    source=Citation(None),
    kind=Kind.TIGHT_BOUND,
    statement=_switching_statement,
    proof=_switching_proof,
    experiment=lambda _: _switching_path(switching=True),
    control=lambda _: _switching_path(switching=False),
    expected=Verdict.PROVED,
    figures=("switching-curvature", "generalized-curvature-paths"),
    remark="So the robust region is safe against changing curvature only for β < 3 − 2√2 ≈ 0.17.",
)


# Stable steps ----------------------------------------------------------------------------------


def _steps_statement() -> Any:
    ball, nesterov = sympy.Symbol("a_ball"), sympy.Symbol("a_Nesterov")
    return sympy.And(
        sympy.Eq(ball, expression(regions.heavy_ball_step_limit)),
        sympy.Eq(nesterov, expression(regions.nesterov_step_limit)),
    )


def _steps_proof() -> Evidence:
    """Jury's triangle, |T| < 1 + D and |D| < 1, for 0 ≤ β < 1.

    1 − T + D = αh for both, and 1 + T + D vanishes exactly at the limit. Between 0 and the limit D
    runs, straight, from β to β for heavy ball and to −β/(1 + 2β) for Nesterov: inside (−1, 1).
    """
    found: list[Any] = []
    nesterov = Nesterov(learning_rate=ALPHA, momentum=BETA)
    cases = (
        (BALL, regions.heavy_ball_step_limit(BETA), 1, BETA, 4),
        (
            nesterov, regions.nesterov_step_limit(BETA), 1 + 2 * BETA,
            -BETA / (1 + 2 * BETA), sympy.Rational(4, 3),
        ),
    )  # fmt: skip
    for method, limit, factor, end, extreme in cases:
        trace, determinant = _pair(method)
        found += [
            sympy.expand(1 - trace + determinant - ALPHA * H),
            1 + trace + determinant - factor * (limit - ALPHA * H),
            determinant.subs(ALPHA, 0) - BETA,
            determinant.subs(ALPHA, limit / H) - end,
            sympy.diff(determinant, ALPHA, 2),
            limit.subs(BETA, 1) - extreme,
        ]
    return Evidence.exact(*found, note="Jury's conditions factor at the limits")


def _largest_stable(method_type: Any, momentum: float, guess: float) -> float:
    """The largest learning rate of a fine grid at which a simulated path shrinks."""
    rates = guess * np.linspace(0.9, 1.1, 401)
    factors = simulated_rates(
        method_type(learning_rate=rates, momentum=momentum), [1.0], steps=2000
    )[:, 0]
    return float(rates[factors < 1].max(initial=0))


def _steps_experiment(*, swapped: bool) -> Evidence:
    momenta = (0.0, 0.5, 0.9)
    limits = [regions.nesterov_step_limit(m) for m in momenta]
    predicted = [regions.heavy_ball_step_limit(m) for m in momenta] if swapped else limits
    measured = [
        _largest_stable(Nesterov, m, limit) for m, limit in zip(momenta, limits, strict=True)
    ]
    ball = [_largest_stable(HeavyBall, m, regions.heavy_ball_step_limit(m)) for m in momenta]
    return Evidence.close(
        [*predicted, *(regions.heavy_ball_step_limit(m) for m in momenta)],
        [*measured, *ball],
        tolerance=5e-3,
        note="largest learning rate at which simulated paths shrink",
    )


STABLE_STEPS = Claim(
    slug="stable-steps",
    title=(
        "As momentum grows to 1, the range of stable αh grows from 2 to 4 for heavy ball and "
        "shrinks to 4/3 for Nesterov."
    ),
    source=Citation("goh2017"),
    kind=Kind.TIGHT_BOUND,
    statement=_steps_statement,
    proof=_steps_proof,
    experiment=lambda _: _steps_experiment(swapped=False),
    control=lambda _: _steps_experiment(swapped=True),
    expected=Verdict.PROVED,
    figures=("regimes", "radius-against-learning-rate", "stable-ranges"),
    remark="Heavy ball's half is the source's, Nesterov's is ours. The control predicts "
    "Nesterov's limit by heavy ball's law.",
)


# Complex ellipse -------------------------------------------------------------------------------


def _ellipse_statement() -> Any:
    return sympy.Lt(expression(regions.level_set_equation), 0)


def _ellipse_proof() -> Evidence:
    """Schur and Cohn on z = rw: w² − sw/r + β/r² is stable iff |β| < r² and the ellipse holds.

    The second condition is |s − βs̄/r²| < r(1 − β²/r⁴). On the ellipse s = z + β/z with |z| = r, so
    that z and β/z are the roots: the radius is r there.
    """
    x, y, rate = symbol("real_part"), symbol("imaginary_part"), symbol("rate")
    trace, determinant = _pair(BALL)
    s = sympy.expand(trace.subs(H, (x + sympy.I * y) / ALPHA))
    share = determinant / rate**2
    inner = sympy.expand(s - share * sympy.conjugate(s))
    square = sympy.expand(inner * sympy.conjugate(inner))
    width = rate**2 * (1 - share**2) ** 2
    z = rate * sympy.exp(sympy.I * sympy.Symbol("t", real=True))
    edge = trace.subs(H, 0) - z - determinant / z
    along, across = sympy.expand(edge, complex=True).as_real_imag()
    return Evidence.exact(
        sympy.simplify(square - width - width * regions.level_set_equation(x, y, BETA, rate)),
        sympy.simplify(regions.level_set_equation(along, across, BETA, rate)),
        note="Schur–Cohn condition at every rate is the ellipse, and on it one root has the rate",
    )


def _ellipse_mask(rng: np.random.Generator, *, swapped: bool) -> Evidence:
    momentum = rng.uniform(-0.95, 0.95, 4000)
    rate = rng.uniform(np.sqrt(abs(momentum)), 1.2)
    rate[::4] = 1
    steps = 1 + momentum + 2.2 * rate * (rng.uniform(-1, 1, 4000) + 1j * rng.uniform(-1, 1, 4000))
    faster = spectral_radius(HeavyBall(learning_rate=1.0, momentum=momentum), steps) < rate
    sign = -1 if swapped else 1
    inside = regions.level_set_equation(steps.real, steps.imag, sign * momentum, rate) < 0
    return Evidence.close(
        0, np.mean(faster != inside), tolerance=0,
        note="share of 4,000 random loops misjudged at rates from √|β| to 1.2, a quarter at 1",
    )  # fmt: skip


ELLIPSE = Claim(
    slug="complex-stability-ellipse",
    title=(
        "For r > √|β| heavy ball contracts faster than r exactly where the complex αh lies inside "
        "the ellipse around 1 + β with half axes r + β/r and r − β/r; r = 1 is stability."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_ellipse_statement,
    proof=_ellipse_proof,
    experiment=lambda rng: _ellipse_mask(rng, swapped=False),
    control=lambda rng: _ellipse_mask(rng, swapped=True),
    expected=Verdict.PROVED,
    figures=("stability-ellipses",),
    remark="On the ellipse the radius is r. At r = √|β| it has shrunk to the segment between its "
    "foci, for β > 0 the robust region, and nothing is faster. The condition is Schur's and "
    "Cohn's. The control changes the sign of the momentum, which swaps the half axes.",
)
