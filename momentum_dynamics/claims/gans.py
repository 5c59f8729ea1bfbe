"""The Dirac-GAN: what regularizers and momentum do to a game that can be solved."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.playing import round_radius, stationary_radius
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.laws import gans, shapes
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Consensus, DiracGAN
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import play

__all__: list[str] = []

Array = NDArray[np.float64]

SLOPE, PENALTY = symbol("slope"), symbol("gradient_penalty")
HALF = 0.5
"""The slope of a logistic loss where it is undecided."""


# Curvatures ------------------------------------------------------------------------------------

_THETA, _PSI = sympy.symbols("theta psi", real=True)


def _logistic(value: Any) -> Any:
    return -sympy.log(1 + sympy.exp(-value))


def _curvatures(first: Any, second: Any) -> tuple[Any, Any]:
    """Half the trace and the determinant, at 0, of the field of two losses that are lowered."""
    field = sympy.Matrix([sympy.diff(first, _THETA), sympy.diff(second, _PSI)])
    at = field.jacobian([_THETA, _PSI]).subs({_THETA: 0, _PSI: 0})
    return at.trace() / 2, at.det()


def _curvatures_proof() -> Evidence:
    """From the losses: half the trace is the pull, and the determinant the squared modulus.

    Under instance noise the second derivatives at 0 are polynomials in the noise, of which the
    square has the mean σ² and the first power 0. Consensus adds γJᵀJ, and J is there the slope
    times a quarter turn.
    """
    f, half, variance = _logistic, sympy.Rational(1, 2), symbol("noise_variance")
    plain = f(_PSI * _THETA) + f(0)
    wasserstein = _PSI * _THETA
    made, real = sympy.symbols("epsilon_1 epsilon_2", real=True)
    noisy = f(_PSI * (_THETA + made)) + f(-_PSI * real)
    bend = sympy.diff(f(_PSI), _PSI, 2).subs(_PSI, 0)

    def gap(found: tuple[Any, Any], pull: Any, square: Any) -> list[Any]:
        return [found[0] - pull, found[1] - square]

    def mean(value: Any) -> Any:
        poly = sympy.Poly(sympy.expand(value), made, real)
        moments = {0: 1, 1: 0, 2: variance}
        return sum(c * moments[i] * moments[j] for (i, j), c in poly.terms())

    noise = [mean(value) for value in _curvatures(noisy, -noisy)]
    turn = sympy.Matrix([[0, SLOPE], [-SLOPE, 0]])
    agreed = turn + PENALTY * turn.T * turn
    return Evidence.exact(
        *gap(_curvatures(plain, -plain), 0, half**2),
        *gap(_curvatures(-f(-_PSI * _THETA), -plain), 0, half**2),
        *gap(_curvatures(wasserstein, -wasserstein), 0, 1),
        *gap(
            _curvatures(plain, PENALTY / 2 * _PSI**2 - plain),
            gans.penalized_pull(PENALTY),
            half**2,
        ),
        noise[0] - gans.instance_noise_pull(bend, variance),
        noise[1] - half**2,
        bend + half**2,
        agreed.trace() / 2 - gans.consensus_pull(SLOPE, PENALTY),
        agreed.det() - agreed[0, 0] ** 2 - SLOPE**2,
        gans.penalized_turn(SLOPE, gans.penalized_pull(gans.critical_penalty(SLOPE))),
        note="derived from seven pairs of losses",
    )


def _measured_curvatures(game: Any, step: float = 1e-5) -> Array:
    """Eigenvalues by differences of the field alone, upper half plane first."""
    columns = [
        (game.field(step * unit) - game.field(-step * unit)) / (2 * step) for unit in np.eye(2)
    ]
    found = np.linalg.eigvals(np.array(columns).T).astype(complex)
    ordered: Array = found[np.argsort(-found.imag)]
    return ordered


def _curvatures_experiment(loss: str) -> Evidence:
    penalty, deviation = 0.3, 0.7
    pulls = [
        (DiracGAN(loss), 0.0),
        (DiracGAN(loss, gradient_penalty=penalty), gans.penalized_pull(penalty)),
        (
            DiracGAN(loss, noise_deviation=deviation),
            gans.instance_noise_pull(-(HALF**2), deviation**2),
        ),
    ]
    predicted, measured = [], []
    for game, pull in pulls:
        predicted.append(pull + 1j * gans.penalized_turn(HALF, pull))
        measured.append(_measured_curvatures(game)[0])
    predicted.append(gans.consensus_pull(HALF, 1.0) + 1j * HALF)
    measured.append(_measured_curvatures(Consensus(DiracGAN(loss), 1.0))[0])
    both = np.array([predicted, measured])
    return Evidence.close(
        [*both[0].real, *both[0].imag], [*both[1].real, *both[1].imag], tolerance=1e-8,
        note="curvatures by differences of the field: plain, R1, instance noise, consensus",
    )  # fmt: skip


CURVATURES = Claim(
    slug="dirac-gan-curvatures",
    title=(
        "At its equilibrium every unregularized Dirac-GAN only turns; a gradient penalty, instance "
        "noise and consensus pull it in, by γ/2, −f″(0)σ² and γf′(0)²."
    ),
    source=Citation("mescheder2018"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(
        expression(gans.penalized_pull),
        expression(gans.instance_noise_pull),
        expression(gans.consensus_pull),
        expression(gans.penalized_turn),
    ),
    proof=_curvatures_proof,
    experiment=lambda _: _curvatures_experiment("saturating"),
    control=lambda _: _curvatures_experiment("wasserstein"),
    expected=Verdict.PROVED,
    figures=("dirac-gan-variants",),
    remark="In the sign of a descent; the source prints minus these. The control has the slope 1 "
    "of a Wasserstein GAN.",
)


# Momentum in place of a penalty ----------------------------------------------------------------


def _penalized_proof() -> Evidence:
    """The steepest pair that momentum β contracts at rate r is steeper the smaller β is.

    The slope of the tangent falls with β on (−r², r²): its derivative is −r²(1 − β) over positive
    roots. So β = −r² reaches furthest, and there the slope is that of the pair of the penalty.
    """
    rate, beta = symbol("rate"), symbol("momentum")
    derivative = sympy.diff(shapes.pair_slope(beta, rate), beta)
    positive = sympy.sqrt((1 - rate**2) * (rate**2 - beta**2)) * (rate**2 - beta**2)
    share = 1 / (1 + sympy.Symbol("w", positive=True))  # the penalty over the critical one
    law = gans.penalized_rate(SLOPE, share * gans.critical_penalty(SLOPE))
    best = gans.penalized_optimum(SLOPE, share * gans.critical_penalty(SLOPE))
    pull = gans.penalized_pull(share * gans.critical_penalty(SLOPE))
    # tan² of the argument, from the squares of pull and turn.
    steep = sympy.simplify(gans.penalized_turn(SLOPE, pull) ** 2 / pull**2)
    furthest = sympy.simplify((shapes.pair_slope(-(rate**2), rate) ** 2).subs(rate, law))
    descent = gans.penalized_descent_rate(SLOPE, share * gans.critical_penalty(SLOPE))
    sine = gans.penalized_turn(SLOPE, pull) ** 2 / SLOPE**2
    return Evidence.exact(
        sympy.simplify(derivative * positive + rate**2 * (1 - beta)),
        sympy.simplify(furthest - steep),
        sympy.simplify(best.momentum + law**2),
        # The ellipse of that rate is centered on the scaled pair: its real axis has shrunk to 0.
        sympy.simplify(best.learning_rate * pull - (1 + best.momentum)),
        sympy.simplify(descent**2 - sine),
        note="the tangent to the level set, steepest at β = −r², meets the pair of the penalty",
    )


def _penalized_experiment(sign: int) -> Evidence:
    """Play near the equilibrium, and the least radius on a grid that does not know the optimum."""
    predicted, measured = [], []
    for penalty in (0.3, 0.6):
        game = DiracGAN(gradient_penalty=penalty)
        best = gans.penalized_optimum(HALF, penalty)
        method = HeavyBall(learning_rate=best.learning_rate, momentum=sign * best.momentum)
        path = play(method, game, steps=60, play="simultaneous", start=[1e-4, 1e-4])
        early, late = path.distance[30], path.distance[60]
        # Both roots coincide, so the distance is t times a power: a doubled time adds a factor 2.
        predicted.append(gans.penalized_rate(HALF, penalty))
        measured.append((late / (2 * early)) ** (1 / 30))
        momentum = np.linspace(-0.9, 0.9, 361)[:, None]
        step = np.linspace(0.1, 5, 491)
        grid = HeavyBall(learning_rate=step, momentum=momentum)
        predicted.append(gans.penalized_rate(HALF, penalty))
        measured.append(spectral_radius(grid, complex(_measured_curvatures(game)[0])).min())
        predicted.append(gans.penalized_descent_rate(HALF, penalty))
        plain = HeavyBall(learning_rate=step, momentum=0.0)
        measured.append(spectral_radius(plain, complex(_measured_curvatures(game)[0])).min())
    return Evidence.close(
        predicted, measured, tolerance=0.02,
        note="rates of play, least radii on a grid with and without momentum; γ = 0.3 and 0.6",
    )  # fmt: skip


PENALIZED = Claim(
    slug="negative-momentum-substitutes-for-a-penalty",
    title=(
        "Players of an R1-regularized Dirac-GAN who move at once are fastest with momentum "
        "−(1 − γ)/(1 + γ): the rate √((1 − γ)/(1 + γ)) in place of √(1 − γ²)."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Tuple(
        *(
            sympy.simplify(value.subs(SLOPE, sympy.Rational(1, 2)))
            for value in (
                *gans.penalized_optimum(SLOPE, PENALTY)[:2],
                gans.penalized_rate(SLOPE, PENALTY),
            )
        )
    ),
    proof=_penalized_proof,
    experiment=lambda _: _penalized_experiment(1),
    control=lambda _: _penalized_experiment(-1),
    expected=Verdict.PROVED,
    figures=("dirac-gan-penalty-and-momentum",),
    remark="For a logistic loss and γ below the critical 1; in general 2f′(0) takes the place of "
    "1. The control turns the sign of the momentum around.",
)


# The linear rate far away ----------------------------------------------------------------------

MOMENTA = (-0.7, -0.5, -0.3, -0.1)


def _sweep_experiment(rng: np.random.Generator, order: str) -> Evidence:
    """From so many starts that two per cent are more than three standard errors beyond the mean."""
    count = 4000
    method = HeavyBall(learning_rate=0.5, momentum=np.array(MOMENTA))
    run = play(
        method, DiracGAN(), steps=2000, play=order, start=rng.standard_normal((count, 2)),
        replicas=count, stride=1000,
    )  # fmt: skip
    told = np.log10(run.distance / run.distance[0])
    rate = np.log10(round_radius(method, DiracGAN(), order))[:, None]
    ratios = np.concatenate([told[2] / (2000 * rate), (told[2] - told[1]) / (1000 * rate)])
    error = float(ratios.std(axis=-1).max()) / np.sqrt(count)
    return Evidence.close(
        1.0, ratios.mean(axis=-1), tolerance=0.02,
        note="log distance over rounds times log ρ, 2,000 rounds and their second half; 4,000 "
        f"normal starts, four momenta, standard errors up to {error:.1g}",
    )  # fmt: skip


SWEEP = Claim(
    slug="dirac-gan-follows-its-linear-rate",
    title=(
        "Players of an unregularized Dirac-GAN who alternate with negative momentum converge from "
        "far away, within 2 % at the rate of the bilinear game; at once they do not."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Eq(
        sympy.log(sympy.Symbol("d_n") / sympy.Symbol("d_0")),
        symbol("steps") * sympy.log(sympy.Symbol("rho")),
        evaluate=False,
    ),
    proof=None,
    experiment=lambda rng: _sweep_experiment(rng, "alternating"),
    control=lambda rng: _sweep_experiment(rng, "simultaneous"),
    expected=Verdict.CONFIRMED,
    figures=("dirac-gan-sweep",),
    remark="Learning rate 1/2. The control lets them move at once: a flat loss bounds how far they "
    "run, and they do not come back.",
)


# Noise -----------------------------------------------------------------------------------------

_SETTLED = (-0.7, -0.5, -0.3)


@cache
def _radii(order: str, seed: int) -> tuple[Array, Array]:
    """Mean squared radius of each momentum and its standard error, over 800 runs."""
    rng = np.random.default_rng(seed)
    method = HeavyBall(learning_rate=0.5, momentum=np.array(_SETTLED))
    run = play(
        method, DiracGAN(), steps=2000, play=order, start=0.3 * rng.standard_normal((800, 2)),
        replicas=800, noise_variance=0.01, seed=rng, stride=10,
    )  # fmt: skip
    square = (run.distance[100:] ** 2).mean(axis=0)
    return square.mean(axis=-1), square.std(axis=-1) / np.sqrt(square.shape[-1])


def _noise_experiment(rng: np.random.Generator, order: str) -> Evidence:
    square, error = _radii(order, int(rng.integers(2**31)))
    radius = np.sqrt(square)
    law = stationary_radius(
        HeavyBall(learning_rate=0.5, momentum=np.array(_SETTLED)), DiracGAN(), 0.01
    )
    steps = np.diff(square) / np.hypot(error[1:], error[:-1])
    return Evidence.close(
        [*np.ones(len(law)), 1.0], [*(radius / law), float((steps > 3).all())], tolerance=0.04,
        note="settled radius over that of the linear game, and whether each is larger than the one "
        f"before by 3 standard errors ({', '.join(f'{step:.0f}' for step in steps)})",
    )  # fmt: skip


NOISE = Claim(
    slug="negative-momentum-settles-a-noisy-dirac-gan",
    title=(
        "With noisy gradients players of a Dirac-GAN who alternate settle at the radius of the "
        "linear game, which is the smaller the more negative their momentum."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Le(symbol("momentum"), -sympy.Rational(3, 10)),
    proof=None,
    experiment=lambda rng: _noise_experiment(rng, "alternating"),
    control=lambda rng: _noise_experiment(rng, "simultaneous"),
    expected=Verdict.CONFIRMED,
    figures=("dirac-gan-sweep",),
    remark="Learning rate 1/2, noise of deviation 0.1, from near the equilibrium; from far away "
    "a run in a hundred is lost for long where the loss is flat. The control lets "
    "them move at once.",
)


# WGAN-GP ---------------------------------------------------------------------------------------


def _kink_proof() -> Evidence:
    """Next to the equilibrium the penalty pushes the discriminator with force γ·target.

    From |ψ| small a step moves it by η times that force, so no step size lets it come to rest.
    """
    target = sympy.Symbol("c", positive=True)
    force = sympy.diff(PENALTY / 2 * (sympy.Abs(_PSI) - target) ** 2, _PSI)
    right, left = (sympy.limit(force, _PSI, 0, side) for side in "+-")
    return Evidence.exact(
        right + PENALTY * target, left - PENALTY * target,
        note="the force on either side of a flat discriminator, ∓γ·target",
    )  # fmt: skip


def _kink_experiment(rng: np.random.Generator, target: float) -> Evidence:
    game = DiracGAN("wasserstein", gradient_penalty=0.7, target=target)
    method = HeavyBall(
        learning_rate=np.array([0.02, 0.1, 0.3])[:, None], momentum=np.array([-0.5, -0.2, 0.0])
    )
    run = play(method, game, steps=4000, start=rng.standard_normal((20, 2)), replicas=20, stride=10)
    nearest = run.distance[200:].max(axis=0)
    push = 0.7 * np.array([0.02, 0.1, 0.3])[:, None, None]
    kept = float((nearest > push / 4).mean())
    return Evidence.close(
        1.0, kept, tolerance=0,
        note="share of 180 runs that are thrown out by more than ηγ/4 again and again",
    )  # fmt: skip


KINK = Claim(
    slug="wgan-gp-does-not-converge",
    title=(
        "A Dirac-GAN with the penalty of WGAN-GP converges at no step size, with or without "
        "negative momentum: next to the equilibrium the penalty pushes it away."
    ),
    source=Citation("mescheder2018"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Ne(PENALTY * sympy.Symbol("c", positive=True), 0, evaluate=False),
    proof=_kink_proof,
    experiment=lambda rng: _kink_experiment(rng, 1.0),
    control=lambda rng: _kink_experiment(rng, 0.0),
    expected=Verdict.PROVED,
    figures=("dirac-gan-variants",),
    remark="c is the slope that the penalty asks of the discriminator. The control asks for 0: the "
    "plain gradient penalty.",
)
