"""The noisy quadratic behind YellowFin: exact moments at the edge, and the tuner's units."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import noise, noisy_quadratic, tuning
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin
from momentum_dynamics.tuning.yellowfin import YellowFin

__all__ = ["noisy_run", "secant_readings"]

GAP, H, LOW = symbol("root_gap"), symbol("curvature"), symbol("smallest_curvature")
ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
VARIANCE, DISTANCE = symbol("noise_variance"), symbol("displacement")
YELLOWFIN, OURS = Citation("zhang2017"), Citation(None)


# Exact moments at the edge ---------------------------------------------------------------------


def _edge_proof() -> Evidence:
    """The law against the exact recursion for three steps; its limit is the noise floor.

    That it holds for all n: what is left of a start at rest, 1 before the first step and at it, and
    nuⁿ⁻¹, which a unit of noise leaves n steps later, obey the recursion with trace 2u and
    determinant u²; and the increments of the variance are the squares n²qⁿ⁻¹.
    """
    u, n = 1 - GAP, symbol("steps")
    rate = tuning.robust_learning_rate(GAP, LOW)
    ball = HeavyBall(learning_rate=rate, momentum=u**2)
    path = second_moments(ball, LOW, VARIANCE, steps=3, start=DISTANCE).second_moment
    laws = [noisy_quadratic.edge_second_moment(GAP, LOW, DISTANCE, VARIANCE, k) for k in range(4)]
    spread = noisy_quadratic.edge_second_moment(GAP, LOW, 0, VARIANCE, n)
    gain = spread.subs(n, n + 1) - spread
    floor = noisy_quadratic.edge_floor(GAP, LOW, VARIANCE)

    pole = sympy.Symbol("u", positive=True)

    def left(steps: Any) -> Any:
        return noisy_quadratic.edge_residual(1 - pole, steps)

    def response(steps: Any) -> Any:
        return steps * pole ** (steps - 1)

    return Evidence.exact(
        *(
            sympy.simplify(law(n + 1) - 2 * pole * law(n) + pole**2 * law(n - 1))
            for law in (left, response)
        ),
        sympy.simplify(1 + u**2 - rate * LOW - 2 * u),
        *(sympy.simplify(left(sympy.Integer(k)) - 1) for k in (-1, 0)),
        *(response(sympy.Integer(k)) - k for k in (0, 1)),
        *(sympy.expand(a - sympy.cancel(b)) for a, b in zip(path, laws, strict=True)),
        sympy.simplify(gain - rate**2 * VARIANCE * (n + 1) ** 2 * u ** (2 * n)),
        sympy.simplify(floor - noise.stationary_variance(rate, u**2, LOW, VARIANCE)),
        sympy.simplify(
            floor / noise.surrogate_variance(rate, u**2, VARIANCE)
            - noisy_quadratic.edge_surrogate_ratio(GAP)
        ),
        note="three steps of the moments, the recursion and every increment, and the floor",
    )


def _edge_experiment(rng: np.random.Generator, *, surrogate: bool) -> Evidence:
    gap, distance, replicas, steps = 0.3, 2.0, 40_000, np.arange(2, 31, 4)
    rate, momentum = float(tuning.robust_learning_rate(gap, 1.0)), (1 - gap) ** 2
    run: Any = simulate(
        HeavyBall(learning_rate=rate, momentum=momentum), Quadratic([1.0]), steps=int(steps[-1]),
        start=np.array([distance]), replicas=replicas, noise_variance=1.0, record="moments",
        seed=rng,
    )  # fmt: skip
    variance = noisy_quadratic.edge_second_moment(gap, 1.0, 0.0, 1.0, steps)
    if surrogate:
        variance = noisy_quadratic.surrogate_second_moment(rate, momentum, 0.0, 1.0, steps)
    return Evidence.statistical(
        variance, run.variance[steps, 0], run.variance_error[steps, 0],
        note=f"variance of {replicas:,} runs after 2, 6, … steps, √β = 0.7",
    )  # fmt: skip


EDGE = Claim(
    slug="second-moments-at-the-edge-of-the-robust-region",
    title="At the low edge of the robust region E x² has a closed form: a bias u²ⁿ(1 + n(1 − u))² "
    "d², which decays later than the rate says, and a variance whose nth step adds n²u²ⁿ⁻²α²σ².",
    source=YELLOWFIN,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("E x_n^2"), expression(noisy_quadratic.edge_second_moment)
    ),
    proof=_edge_proof,
    experiment=lambda rng: _edge_experiment(rng, surrogate=False),
    control=lambda rng: _edge_experiment(rng, surrogate=True),
    expected=Verdict.PROVED,
    figures=("exact-rule",),
    remark="The exact moments are the paper's formula with the operators of bias and variance, "
    "here in closed form. The control replaces both operators by their radii, as the rule does: "
    "exact in its first variance only.",
)


# Units -----------------------------------------------------------------------------------------

C = sympy.Symbol("c", positive=True)


def _rule_in_units(scale: Any, *, squared: bool) -> tuple[Any, Any]:
    """The rule's p and α where a loss is multiplied, with the tuner's curvature or a true one."""
    square = sympy.Symbol("G", positive=True)  # ‖g‖², which is multiplied by scale²
    curvature = scale**2 * square if squared else scale * LOW
    distance = scale * sympy.sqrt(square) / curvature
    signal = tuning.signal_to_noise(distance, curvature, scale**2 * VARIANCE)
    return signal, tuning.robust_learning_rate(GAP, curvature)


def _units_proof(*, squared: bool) -> Evidence:
    before, after = (_rule_in_units(scale, squared=squared) for scale in (sympy.Integer(1), C))
    power = 2 if squared else 1
    return Evidence.exact(
        sympy.simplify(after[0] / before[0]) - 1,
        sympy.simplify(after[1] / before[1] - C**-power),
        note=f"the signal p, hence momentum, is the same; the learning rate falls by c^{power}",
    )


def noisy_run(
    tuner: Any,
    *,
    steps: int,
    seed: int,
    noise_deviation: float,
    scale: float = 1.0,
    workers: int = 1,
    product: bool = False,
) -> Any:
    """Losses and what the tuner used, on ten curvatures from 0.1 to 1, the loss multiplied.

    Parameters
    ----------
    tuner : Optimizer
    steps, seed : int
    noise_deviation : float
        σ of each gradient's entry, before the loss is multiplied.
    scale : float
        What the loss is multiplied by.
    workers : int
        Memoryless workers, one of whom writes at each step and then reads; 1 is no asynchrony.
    product : bool
        Whether the tuner is given Hessian-vector products.

    Returns
    -------
    losses, learning_rate : array ``(steps,)``
        The loss in its own units.
    """
    rng, turns = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    curvatures = np.geomspace(0.1, 1.0, 10)
    point = np.ones(10)
    held = [point] * workers
    state, losses, rates = tuner.init(point), np.empty(steps), np.empty(steps)
    for step in range(steps):
        who = int(turns.integers(workers))
        gradient = scale * (curvatures * held[who] + noise_deviation * rng.standard_normal(10))
        extra = {"product": scale * curvatures * gradient} if product else {}
        state, point, info = tuner.update(state, gradient, point, **extra)
        held[who] = point
        losses[step] = (curvatures * point**2).sum() / 2
        rates[step] = info["learning_rate"]
    return losses, rates


def _units_experiment(tuner: Any, *, power: int) -> Evidence:
    """What the tuner makes of the very same gradients in two units, after two hundred of them."""
    rates = []
    for scale in (1.0, 8.0):
        rng = np.random.default_rng(5)
        point = np.zeros(10)
        state = tuner.init(point)
        for _ in range(200):
            gradient = 1 + 0.5 * rng.standard_normal(10)
            state, _, info = tuner.update(state, scale * gradient, point)
            # The path is a walk that no tuner chose, so that only the units differ.
            point = point + 0.01 * rng.standard_normal(10)
        rates.append(info["learning_rate"])
    return Evidence.close(
        1.0, rates[0] / rates[1] / 8.0**power, tolerance=1e-6,
        note="learning rate on the same gradients over that on 8 times as large ones",
    )  # fmt: skip


UNITS = Claim(
    slug="yellowfin-learning-rate-has-the-units-of-a-learning-rate",
    title="A loss multiplied by c gets from YellowFin the learning rate divided by c.",
    source=OURS,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        _rule_in_units(C, squared=True)[1], _rule_in_units(sympy.Integer(1), squared=True)[1] / C,
        evaluate=False,
    ),
    proof=lambda: _units_proof(squared=True),
    experiment=lambda _: _units_experiment(YellowFin(smoothing=0.9), power=1),
    control=lambda _: _units_experiment(YellowFin(smoothing=0.9), power=0),
    expected=Verdict.REFUTED,
    figures=("scale-test",),
    remark="Refuted: it is divided by c². The tuner takes ‖g‖² for a curvature, which "
    "has the units of a squared one; momentum is right. In other units of the parameters both are "
    "right. So losses must be normalized. The control expects no change at all.",
)  # fmt: skip


def _walk_free(secant: str, power: int) -> Evidence:
    tuner = EquivariantYellowFin(smoothing=0.9, secant=secant)
    ends = []
    for scale in (1.0, 8.0):
        losses, rates = noisy_run(tuner, scale=scale, steps=120, seed=4, noise_deviation=0.1)
        ends.append([rates[-1], losses[-1]])
    (rate, loss), (other_rate, other_loss) = ends
    return Evidence.close(
        1.0, [rate / other_rate / 8.0**power, loss / other_loss], tolerance=1e-6,
        note="learning rate, and loss in its own units, after 120 steps of 1 and 8 times the loss",
    )  # fmt: skip


EQUIVARIANT = Claim(
    slug="curvature-from-secants-makes-yellowfin-equivariant",
    title="With curvatures measured as such, a loss multiplied by c gets the learning rate divided "
    "by c and the same path.",
    source=OURS,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(sympy.Function("alpha")(C), _rule_in_units(C, squared=False)[1]),
    proof=lambda: _units_proof(squared=False),
    experiment=lambda _: _walk_free("instrumented", 1),
    control=lambda _: _walk_free("instrumented", 2),
    expected=Verdict.PROVED,
    figures=("scale-test",),
    remark="The control has the exponent that YellowFin has.",
)  # fmt: skip


# Secants under noise ---------------------------------------------------------------------------


def _secant_proof() -> Evidence:
    """From the noise floor and the first autocorrelation; Δx holds −α times the older noise."""
    floor = stationary_variance(HeavyBall(learning_rate=ALPHA, momentum=BETA), H, VARIANCE)
    trace = 1 + BETA - ALPHA * H
    near, far = trace / (1 + BETA), trace * trace / (1 + BETA) - BETA  # autocorrelations
    moved = 2 * floor * (1 - near)
    reading = (H * moved + ALPHA * VARIANCE) / moved
    along = floor * (2 * near - 1 - far)  # of successive displacements
    return Evidence.exact(
        sympy.simplify(reading - noisy_quadratic.settled_secant(ALPHA, BETA, H)),
        sympy.simplify(along / moved - (BETA - ALPHA * H / 2)),
        note="E ΔgΔx/E Δx²; successive displacements correlate by β − αh/2",
    )


def secant_readings(
    rng: np.random.Generator, *, learning_rate: float, momentum: float, curvature: float
) -> tuple[float, float, float, float]:
    """Plain and instrumented secant of a settled noisy run, each with its standard error.

    Ratios of sums over ten thousand runs of thirty steps each; errors over groups of runs.
    """
    groups, replicas, steps, settle = 100, 10_000, 30, 60
    run: Any = simulate(
        HeavyBall(learning_rate=learning_rate, momentum=momentum), Quadratic([curvature]),
        steps=steps + settle, replicas=replicas, noise_variance=1.0, seed=rng, start=np.zeros(1),
    )  # fmt: skip
    points = run.points[settle:, :, 0]
    moved = np.diff(points, axis=0)
    # Each gradient, noise and all, as the method must have seen it.
    gradients = (momentum * moved[:-1] - moved[1:]) / learning_rate
    change, step, before = np.diff(gradients, axis=0), moved[1:-1], moved[:-2]
    found: list[float] = []
    for along in (step, before):
        above, below = (
            (along * other).sum(axis=0).reshape(groups, -1).sum(axis=1) for other in (change, step)
        )
        ratio = above.sum() / below.sum()
        error = np.std(above - ratio * below, ddof=1) * np.sqrt(groups) / abs(below.sum())
        found += [float(ratio), float(error)]
    return found[0], found[1], found[2], found[3]


def _secant_experiment(rng: np.random.Generator, *, instrumented: bool, truth: bool) -> Evidence:
    settings = {"learning_rate": 0.2, "momentum": 0.6, "curvature": 1.0}
    plain, plain_error, careful, careful_error = secant_readings(rng, **settings)
    found, error = (careful, careful_error) if instrumented else (plain, plain_error)
    law = 1.0 if truth else noisy_quadratic.settled_secant(0.2, 0.6, 1.0)
    return Evidence.statistical(
        law, found, error, note="secant of 10,000 settled runs, α = 0.2, β = 0.6, h = 1"
    )


SECANT = Claim(
    slug="secants-of-noisy-gradients-read-the-learning-rate",
    title="At the noise floor the secant ΔgΔx/Δx² of noisy gradients reads "
    "(1 + β)((1 − β)/α + h/2), whatever the noise.",
    source=OURS,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(sympy.Symbol("reading"), expression(noisy_quadratic.settled_secant)),
    proof=_secant_proof,
    experiment=lambda rng: _secant_experiment(rng, instrumented=False, truth=False),
    control=lambda rng: _secant_experiment(rng, instrumented=False, truth=True),
    expected=Verdict.PROVED,
    figures=("scale-test",),
    remark="Errors in variables: the older gradient's noise made the step. A tuner that believes "
    "it lowers its learning rate without end. The control expects the curvature.",
)

INSTRUMENT = Claim(
    slug="the-displacement-before-is-an-instrument-for-curvature",
    title="Taken along the displacement before, the secant of noisy gradients reads the curvature.",
    source=OURS,
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(sympy.Symbol("reading"), H),
    proof=_secant_proof,
    experiment=lambda rng: _secant_experiment(rng, instrumented=True, truth=True),
    control=lambda rng: _secant_experiment(rng, instrumented=False, truth=True),
    expected=Verdict.PROVED,
    figures=("scale-test",),
    remark="That displacement was made before either gradient, so their noise is not in it. It is "
    "correlated with the displacement by β − αh/2: without momentum there is little to read. The "
    "control takes the displacement itself.",
)
