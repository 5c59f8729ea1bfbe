"""Methods made for games, beside negative momentum: what each reaches, and at what cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.experiments import growth_factor
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import games, optima, shapes
from momentum_dynamics.methods import (
    ComplexMomentum,
    GradientDescent,
    HeavyBall,
    OptimisticGradient,
)
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import (
    BilinearGame,
    Consensus,
    HamiltonianDescent,
    QuadraticGame,
)
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

ALPHA, BETA, PHASE, H = map(symbol, ("learning_rate", "momentum", "phase", "curvature"))
S = symbol("singular_value")
Z = sympy.Symbol("z")


# Optimistic gradient -----------------------------------------------------------------------------


def _optimistic_proof() -> Evidence:
    """The same polynomial, and Schur and Cohn's condition on the imaginary axis."""
    optimistic = characteristic_polynomial(OptimisticGradient(learning_rate=ALPHA), H).as_expr()
    ball = characteristic_polynomial(HeavyBall(learning_rate=ALPHA, momentum=BETA), H).as_expr()
    substituted = ball.subs(BETA, -ALPHA * H)
    # z² − (1 − 2ic)z − ic: stable iff |b|² < 1 and |a₁ − ā₁ b| < 1 − |b|², with b = −ic.
    c = sympy.Symbol("c", positive=True)
    lead, last = -(1 - 2 * sympy.I * c), -sympy.I * c
    left = sympy.expand(lead - sympy.conjugate(lead) * last)
    margin = sympy.factor((1 - c**2) ** 2 - left * sympy.conjugate(left))
    return Evidence.exact(
        sympy.expand(optimistic - substituted),
        sympy.expand(margin - c**2 * (1 - 3 * c**2)) if margin.has(c) else False,
        note="its polynomial, and stability for αs < 1/√3",
    )  # fmt: skip


def _optimistic_experiment(*, turned: bool) -> Evidence:
    """Play against heavy ball's roots with momentum −αλ, or with the real −α|λ|."""
    predicted, found = [], []
    for step in (0.3, 0.5, 0.6):
        curvature = 1j
        momentum = -step * (curvature if turned else abs(curvature))
        roots = np.roots([1, -(1 + momentum - step * curvature), momentum])
        predicted.append(float(np.abs(roots).max()))
        path = play(
            OptimisticGradient(learning_rate=step), BilinearGame(1.0), steps=300,
            play="simultaneous",
        )  # fmt: skip
        found.append(growth_factor(path.distance))
    return Evidence.close(
        predicted, found, tolerance=2e-2, note="growth per round in play at αs = 0.3, 0.5, 0.6"
    )


OPTIMISTIC = Claim(
    slug="optimistic-gradient-is-imaginary-momentum",
    title=(
        "On curvature λ the optimistic gradient is heavy ball with momentum −αλ: on a rotation an "
        "imaginary one, which converges at once for αs < 1/√3."
    ),
    source=Citation("daskalakis2018"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(BETA, -ALPHA * H),
    proof=_optimistic_proof,
    experiment=lambda _: _optimistic_experiment(turned=True),
    control=lambda _: _optimistic_experiment(turned=False),
    expected=Verdict.PROVED,
    figures=("methods-per-gradient", "complex-momentum"),
    remark="The control gives heavy ball the real momentum −α|λ|.",
)


# Constants per gradient --------------------------------------------------------------------------


def _constants_proof() -> Evidence:
    """Extragradient at αs = 1 and the optimistic gradient at 1/√3, at the slow end s = 1/κ.

    Extragradient's factor on is is 1 − c² − ic: squared modulus 1 − c² + c⁴. The optimistic
    gradient's slow root has 1 − c²/2 to second order, c = 1/(√3 κ) at the limit of stability.
    """
    c = sympy.Symbol("c", positive=True)
    kappa = symbol("condition_number")
    factor = 1 - sympy.I * c * (1 - sympy.I * c)
    square = sympy.expand(factor * sympy.conjugate(factor))
    root = ((1 - 2 * sympy.I * c) + sympy.sqrt((1 - 2 * sympy.I * c) ** 2 + 4 * sympy.I * c)) / 2
    series = sympy.series(sympy.sqrt(1 - 4 * c**2), c, 0, 4).removeO()
    slow = sympy.expand((1 - 2 * sympy.I * c + series) / 2)
    modulus = sympy.expand(slow * sympy.conjugate(slow)).coeff(c, 2)
    polyak = 1 - optima.heavy_ball_rate(kappa**2) - games.hamiltonian_gap(kappa)
    return Evidence.exact(
        square - (1 - c**2 + c**4), sympy.simplify(root**2 - (1 - 2 * sympy.I * c) * root - sympy.I * c),  # noqa: E501
        modulus + 1, sympy.simplify(polyak),
        sympy.Rational(1, 2) - games.extragradient_gap(kappa) * kappa**2,
        sympy.Rational(1, 2) / 3 - games.optimistic_gap(kappa) * kappa**2,
        note="slow ends to second order: 1/2 and 1/6; Polyak's rate on squared singular values",
    )  # fmt: skip


_KAPPA = 40.0


def _per_gradient(order: str) -> list[float]:
    """Gap × κ² per gradient of each player: momentum in turn, extragradient, optimistic."""
    game, square = BilinearGame(np.diag([1.0, 1 / _KAPPA])), _KAPPA**2
    ball = tune("heavy-ball", game=game, play=order)
    extra = tune("extragradient", game=game, play="simultaneous")
    optimistic = tune("optimistic-gradient", game=game, play="simultaneous")
    return [
        (1 - spectral_radius(ball, game, play=order)) * square,
        (1 - np.sqrt(spectral_radius(extra, game, play="simultaneous"))) * square,
        (1 - spectral_radius(optimistic, game, play="simultaneous")) * square,
    ]


def _constants_experiment(laws: tuple[Any, ...]) -> Evidence:
    predicted = [float(law(_KAPPA)) * _KAPPA**2 for law in laws]
    predicted[1] /= 2
    game = HamiltonianDescent(BilinearGame(np.diag([1.0, 1 / _KAPPA])))
    best = tune("heavy-ball", spectrum=game.spectrum().real)
    gap = 1 - float(np.max(spectral_radius(best, game.spectrum().real)))
    return Evidence.close(
        [*predicted, float(games.hamiltonian_gap(_KAPPA))], [*_per_gradient("alternating"), gap],
        tolerance=4e-3,
        note="gap × κ² per gradient at κ = 40, by searches, and the gap on the Hamiltonian",
    )  # fmt: skip


_IN_ORDER = (games.minimax_alternating_gap, games.extragradient_gap, games.optimistic_gap)

CONSTANTS = Claim(
    slug="negative-momentum-in-turn-wins-per-gradient",
    title=(
        "Per gradient on an ill-conditioned bilinear game, negative momentum in turn (8/27) beats "
        "extragradient (1/4) and the optimistic gradient (1/6); heavy ball on the Hamiltonian "
        "beats all by a power of κ."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Tuple(*(expression(law) for law in _IN_ORDER)),
    proof=_constants_proof,
    experiment=lambda _: _constants_experiment(_IN_ORDER),
    control=lambda _: _constants_experiment((_IN_ORDER[0], _IN_ORDER[2], _IN_ORDER[1])),
    expected=Verdict.PROVED,
    figures=("methods-per-gradient",),
    remark=(
        "One minus the radius, times κ². Extragradient takes two gradients in a step and the "
        "Hamiltonian a product with the Jacobian. The control exchanges the last two constants."
    ),
)


# Complex momentum --------------------------------------------------------------------------------


def _complex_proof() -> Evidence:
    """The polynomial, and that its roots on the curvature i lie inside the circle for three."""
    method = ComplexMomentum(learning_rate=ALPHA, momentum=BETA, phase=PHASE)
    found = characteristic_polynomial(method, H).as_expr()
    real = BETA * sympy.cos(PHASE)
    printed = (Z - 1) * (Z**2 - 2 * real * Z + BETA**2) + ALPHA * H * Z * (Z - real)
    reached = []
    for modulus, phase, step, rate in _PRINTED_COMPLEX:
        numbers = {BETA: modulus, PHASE: phase, ALPHA: step, H: sympy.I}
        roots = sympy.Poly(sympy.expand(printed.subs(numbers)), Z).nroots(n=20)
        reached.append(abs(max(map(abs, map(complex, roots))) - rate) < 2e-3)
    return Evidence.exact(
        sympy.simplify(sympy.expand(found - printed)), *reached,
        note="the polynomial of a superposed step, and its radii below one at three arguments",
    )  # fmt: skip


_PRINTED_COMPLEX = ((0.68, 3 * np.pi / 8, 0.537, 0.9042), (0.70, np.pi / 2, 0.80, 0.9154),
                    (0.83, np.pi / 8, 0.087, 0.9488))  # fmt: skip


def _complex_experiment(turn: float) -> Evidence:
    predicted, found = [], []
    for modulus, phase, step, rate in _PRINTED_COMPLEX:
        method = ComplexMomentum(learning_rate=step, momentum=modulus, phase=turn * phase)
        path = play(method, BilinearGame(1.0), steps=300, play="simultaneous")
        predicted.append(rate)
        found.append(growth_factor(path.distance))
    return Evidence.close(
        predicted, found, tolerance=4e-3, note="growth per round in play at once, three arguments"
    )


COMPLEX = Claim(
    slug="complex-momentum-converges-where-real-fails",
    title=(
        "Complex momentum converges on a bilinear game played at once, where every real momentum "
        "fails: with argument 3π/8 by 0.904 per round."
    ),
    source=Citation("lorraine2022"),
    kind=Kind.IDENTITY,
    statement=lambda: characteristic_polynomial(
        ComplexMomentum(learning_rate=ALPHA, momentum=BETA, phase=PHASE), H
    ).as_expr(),
    proof=_complex_proof,
    experiment=lambda _: _complex_experiment(1.0),
    control=lambda _: _complex_experiment(0.0),
    expected=Verdict.PROVED,
    figures=("complex-momentum",),
    remark="The rates at three arguments come from a grid. The control sets the argument to 0.",
)


# Transforms and noise ----------------------------------------------------------------------------


def _consensus_proof() -> Evidence:
    weight, game = sympy.Symbol("gamma", positive=True), QuadraticGame(0, S, 0)
    rotation = game.jacobian()
    return Evidence.exact(
        *(Consensus(game, weight).jacobian() - (weight * S**2 * sympy.eye(2) + rotation)),
        *(HamiltonianDescent(game).jacobian() - S**2 * sympy.eye(2)),
        note="±is becomes γs² ± is, and the Hamiltonian's curvature is s²",
    )


def _consensus_experiment(weight: float) -> Evidence:
    game = Consensus(BilinearGame(1.0), weight)
    angle = np.arctan2(1.0, 0.5)
    predicted = [float(shapes.pair_descent_rate(angle)), 1.0]
    step = 0.5 / 1.25
    path = play(GradientDescent(learning_rate=step), game, steps=400, play="simultaneous")
    return Evidence.close(
        predicted, [growth_factor(path.distance), float(path.outcome == "converged")],
        tolerance=1e-3, note="growth per round at once with weight 1/2, and whether it converges",
    )  # fmt: skip


CONSENSUS = Claim(
    slug="consensus-leaves-the-imaginary-axis",
    title=(
        "Consensus moves the curvatures ±is of a bilinear game to γs² ± is, so that plain descent "
        "at once converges."
    ),
    source=Citation("mescheder2017"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        H,
        sympy.Symbol("gamma") * symbol("singular_value") ** 2 + sympy.I * symbol("singular_value"),
    ),
    proof=_consensus_proof,
    experiment=lambda _: _consensus_experiment(0.5),
    control=lambda _: _consensus_experiment(0.0),
    expected=Verdict.PROVED,
    figures=("methods-per-gradient",),
    remark="The control plays without the pull.",
)
