"""How much noise momentum leaves, and what is wrongly said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.moments import second_moments
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import minibatch, noise, optima
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
VARIANCE, STEPS = map(symbol, ("noise_variance", "steps"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


# The noise floor at equal effective step -------------------------------------------------------


def _matched(momentum: Any, effective: Any) -> Any:
    """The learning rate with which momentum has an effective learning rate."""
    return effective / noise.effective_learning_rate(1, momentum)


def _raises_statement() -> Any:
    effective = symbol("effective_learning_rate")
    ball = noise.stationary_variance(_matched(BETA, effective), BETA, H, VARIANCE)
    return sympy.Ge(ball, noise.stationary_variance(effective, 0, H, VARIANCE))


def _raises_proof() -> Evidence:
    """The corrected statement: below, by a factor that is 1 to first order in the step."""
    effective, share = symbol("effective_learning_rate"), symbol("root_momentum")
    plain = noise.stationary_variance(effective, 0, H, VARIANCE)
    ball = noise.stationary_variance(_matched(share, effective), share, H, VARIANCE)
    step = sympy.Symbol("a", positive=True)
    ratio = sympy.simplify((ball / plain).subs(effective, step / H))
    lower = sympy.simplify(1 - ratio)
    known = 2 * share * step / ((1 + share) * 2 - step * (1 - share))
    return Evidence.exact(
        sympy.simplify(lower - known), ratio.subs(step, 0) - 1,
        note="below by 2βa/(2(1 + β) − a(1 − β)), a = α_eff h, for every 0 < β < 1",
    )  # fmt: skip


def _raises_experiment(rng: np.random.Generator, *, as_bound: bool) -> Evidence:
    momentum, effective, replicas = 0.9, 1.0, 20_000
    ball = HeavyBall(learning_rate=_matched(momentum, effective), momentum=momentum)
    run = simulate(
        ball, Quadratic([1.0]), steps=600, stride=600, replicas=replicas, noise_variance=1.0,
        engine="jump", record="moments", seed=rng,
    )  # fmt: skip
    claimed = noise.stationary_variance(effective, 0, 1.0, 1.0)
    measured = run.variance[-1]
    if as_bound:
        measured = np.minimum(measured, claimed)
    else:
        claimed = 2 * claimed
    return Evidence.statistical(
        claimed, measured, run.variance_error[-1],
        note="variance at equal effective learning rate 1, β = 0.9, against plain descent's",
    )  # fmt: skip


RAISES = Claim(
    slug="momentum-raises-the-noise-floor",
    title="Momentum raises the noise floor, at equal effective learning rate too.",
    source=Citation(None),
    kind=Kind.LOWER_BOUND,
    statement=_raises_statement,
    proof=_raises_proof,
    experiment=lambda rng: _raises_experiment(rng, as_bound=True),
    control=lambda rng: _raises_experiment(rng, as_bound=False),
    expected=Verdict.REFUTED,
    figures=("noise-floor",),
    remark="Refuted: at equal α/(1 − β) momentum lowers the floor, and to first order in the step "
    "it changes nothing. What is true is the comparison at equal α, which hides a larger step.",
)


# Noise amplification ---------------------------------------------------------------------------


def _amplify_statement() -> Any:
    ratio = sympy.Symbol("J_HB") / sympy.Symbol("J_GD")
    return sympy.Eq(ratio, expression(minibatch.amplification), evaluate=False)


def _amplify_proof() -> Evidence:
    """At Polyak's optimum, for a mode anywhere in the spectrum, and in the form with κ."""
    k, share = sympy.symbols("k t", positive=True)
    kappa = (1 + k) ** 2
    h = 1 + share * (kappa - 1)
    ball, descent = optima.heavy_ball(1, kappa), optima.gradient_descent(1, kappa)
    # Noise of the iterate itself: x₊ = … + ξ, so a gradient noise of variance 1/α².
    tuned = noise.stationary_variance(
        ball.learning_rate, ball.momentum, h, 1 / ball.learning_rate**2
    )
    plain = noise.stationary_variance(descent.learning_rate, 0, h, 1 / descent.learning_rate**2)
    law = minibatch.amplification(kappa)
    written = (2 + k) ** 4 / (8 * (1 + k) * (kappa + 1))
    return Evidence.exact(
        sympy.simplify(law - written),
        *(sympy.simplify((tuned / plain).subs(share, value) - law)
          for value in (0, sympy.Rational(1, 3), 1)),
        note="the same for every mode; (√κ + 1)⁴/(8√κ(κ + 1))",
    )  # fmt: skip


def _amplify_experiment(rng: np.random.Generator, *, kind: str) -> Evidence:
    kappa, replicas = 100.0, 20_000
    curvatures = np.array([1.0, 30.0, 100.0])
    variances, errors = [], []
    for name in (kind, "gradient-descent"):
        method: Any = tune(name, smallest_curvature=1.0, largest_curvature=kappa)
        run = simulate(
            method, Quadratic(curvatures), steps=4000, stride=4000, replicas=replicas,
            noise_variance=1 / method.learning_rate**2, engine="jump", record="moments", seed=rng,
        )  # fmt: skip
        variances.append(run.variance[-1])
        errors.append(run.variance_error[-1] / run.variance[-1])
    measured = variances[0] / variances[1]
    return Evidence.statistical(
        minibatch.amplification(kappa), measured, measured * np.hypot(*errors),
        note="variance over gradient descent's, three modes, κ = 100",
    )  # fmt: skip


AMPLIFY = Claim(
    slug="acceleration-amplifies-noise",
    title="Tuned heavy ball amplifies noise of the iterate (√κ + 1)⁴/(8√κ(κ + 1)) times as much as "
    "tuned gradient descent.",
    source=Citation("mohammadi2021"),
    kind=Kind.IDENTITY,
    statement=_amplify_statement,
    proof=_amplify_proof,
    experiment=lambda rng: _amplify_experiment(rng, kind="heavy-ball"),
    control=lambda rng: _amplify_experiment(rng, kind="nesterov"),
    expected=Verdict.PROVED,
    figures=("noise-against-speed",),
    remark="The same for every mode; it grows like √κ/8. The control has Nesterov's method.",
)


# Unrolled momentum -----------------------------------------------------------------------------


def _unrolled(sign: int, gradients: Any, learning_rate: Any, momentum: Any) -> Any:
    """Distill's sum over all gradients so far, with a sign in front."""
    count = len(gradients)
    shares = [(1 - momentum ** (count - i)) / (1 - momentum) for i in range(count)]
    return 1 + sign * learning_rate * sum(s * g for s, g in zip(shares, gradients, strict=True))


def _unrolled_statement() -> Any:
    k, i = sympy.symbols("k i", integer=True, nonnegative=True)
    w, g = sympy.Function("w"), sympy.Function("g")
    share = (1 - BETA ** (k + 1 - i)) / (1 - BETA)
    return sympy.Eq(w(k + 1), w(0) + ALPHA * sympy.Sum(share * g(i), (i, 0, k)), evaluate=False)


def _path_and_gradients(learning_rate: Any, momentum: Any, curvature: Any, steps: int) -> Any:
    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    state, gradients = ball.initial_state(1), []
    for _ in range(steps):
        gradients.append(curvature * ball.query(state))
        state = ball.update(state, gradients[-1])
    return state[0], gradients


def _unrolled_proof() -> Evidence:
    found = []
    for steps in (1, 2, 4):
        point, gradients = _path_and_gradients(ALPHA, BETA, H, steps)
        found.append(sympy.simplify(point - _unrolled(-1, gradients, ALPHA, BETA)))
    return Evidence.exact(*found, note="with a minus, after 1, 2 and 4 steps, letters throughout")


def _unrolled_experiment(sign: int, momentum: float) -> Evidence:
    point, gradients = _path_and_gradients(0.1, 0.8, 1.0, 25)
    return Evidence.close(
        _unrolled(sign, gradients, 0.1, momentum), point, tolerance=1e-9,
        note="the 25th point against the sum over its gradients",
    )  # fmt: skip


UNROLLED = Claim(
    slug="momentum-unrolls-with-a-plus",
    title="Unrolled, momentum is the start plus α times a weighted sum of all gradients.",
    source=Citation("goh2017"),
    kind=Kind.IDENTITY,
    statement=_unrolled_statement,
    proof=_unrolled_proof,
    experiment=lambda _: _unrolled_experiment(1, 0.8),
    control=lambda _: _unrolled_experiment(-1, 0.7),
    expected=Verdict.REFUTED,
    remark="A misprint: the sign is a minus, with weights (1 − βᵏ⁺¹⁻ⁱ)/(1 − β). The control has "
    "the right sign and the wrong momentum.",
)


# The noisy quadratic model ---------------------------------------------------------------------


def _nqm_statement() -> Any:
    k = STEPS
    risk, bias = sympy.Function("E")(k), sympy.Function("P")(k)
    floor = noise.stationary_variance(ALPHA, BETA, H, VARIANCE)
    return sympy.Le(risk, bias**2 + floor)


def _nqm_proof() -> Evidence:
    """The bias as printed, in the roots, is heavy ball's residual polynomial from rest."""
    first, second = sympy.symbols("r_1 r_2")
    found = []
    for k in (0, 1, 2, 3):
        powers = first ** (k + 1) - second ** (k + 1)
        printed = sympy.cancel(
            (powers - first * second * (first**k - second**k)) / (first - second)
        )
        own = residual_polynomial(BALL, k).as_expr()
        own = own.subs(ALPHA, (1 + BETA - (first + second)) / H).subs(BETA, first * second)
        found.append(sympy.simplify(printed - own))
    grows = second_moments(BALL, H, VARIANCE, steps=2).variance
    gain = sympy.factor(sympy.simplify(grows[2] - grows[1]))
    square = sympy.simplify(gain / VARIANCE / ALPHA**2 - (1 + BETA - ALPHA * H) ** 2)
    return Evidence.exact(
        *found, square, note="the bias is exact; the variance grows by a square with every step"
    )


def _nqm_experiment(*, bias: bool) -> Evidence:
    """The largest quotient of exact second moment and bound; the control leaves the bias out."""
    quotients = []
    for rate, momentum, h in ((0.1, 0.9, 1.0), (0.5, 0.5, 2.0), (1.0, 0.2, 0.3)):
        ball = HeavyBall(learning_rate=rate, momentum=momentum)
        exact = second_moments(ball, h, 1.0, steps=200)
        floor = float(stationary_variance(ball, h, 1.0))
        bound = floor + (exact.mean**2 if bias else 0)
        quotients.append(max(1.0, float((exact.second_moment / bound).max())))
    return Evidence.close(1.0, quotients, tolerance=1e-9, note="second moment over bound, at most")


NQM = Claim(
    slug="noisy-quadratic-model-bounds-the-risk",
    title="In the noisy quadratic model the risk of heavy ball is at most its exact bias squared "
    "plus its stationary variance.",
    source=Citation("zhang2019nqm"),
    kind=Kind.UPPER_BOUND,
    statement=_nqm_statement,
    proof=_nqm_proof,
    experiment=lambda _: _nqm_experiment(bias=True),
    control=lambda _: _nqm_experiment(bias=False),
    expected=Verdict.PROVED,
    figures=("two-parts-of-the-loss",),
    remark="A bound and no equality: the variance starts at 0 and grows to the stationary one. "
    "second_moments has the exact value.",
)
