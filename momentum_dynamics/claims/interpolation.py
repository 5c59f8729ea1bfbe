"""Does momentum find something else on least squares? Where it stops, and where it ends."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.residual import answers, residual_polynomial
from momentum_dynamics.dynamics.risk import risk_path
from momentum_dynamics.methods import GradientDescent, HeavyBall, Nesterov
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import LeastSquares
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)


# Where it stops --------------------------------------------------------------------------------


def _stop_statement() -> Any:
    best = sympy.Function("R_min")
    return sympy.Ge(best(BETA), best(0), evaluate=False)


def _exact_best(momentum: Fraction, truth: tuple[int, int]) -> Fraction:
    """The least risk over 90 steps, in fractions: curvatures 1 and 1/5, σ²/n = 1/4."""
    rate = Fraction(1, 50) * (1 - momentum)
    ball = HeavyBall(learning_rate=rate, momentum=momentum)
    risk = [Fraction(0)] * 91
    for h, along in ((Fraction(1), truth[0]), (Fraction(1, 5), truth[1])):
        for step, left in enumerate(answers(ball, h, 90)):
            risk[step] += left**2 * along**2 + (1 - left) ** 2 / (4 * h)
    return min(risk)


def _stop_proof() -> Evidence:
    """Both signs occur, in fractions: the truth along the stiff direction, and along both."""
    plain, heavy = Fraction(0), Fraction(9, 10)
    return Evidence.exact(
        _exact_best(heavy, (1, 0)) < Fraction(97, 100) * _exact_best(plain, (1, 0)),
        _exact_best(heavy, (1, 1)) > Fraction(1001, 1000) * _exact_best(plain, (1, 1)),
        note="in fractions: 3 % less risk with β = 0.9 for a stiff truth, more for an even one",
    )


def _stop_experiment(rng: np.random.Generator, *, never_better: bool) -> Evidence:
    """Squared errors with β = 0.9 minus those without, each stopped at its best, over 4,000 draws.

    Twelve features of curvatures 1 and 1/5 in 60 samples; what a claim of one sign admits nearest
    to the difference is set against it.
    """
    samples, step, draws = 60, 0.02, 4000
    h = np.repeat([1.0, 0.2], 6)
    X = np.linalg.qr(rng.normal(size=(samples, 12)))[0] * np.sqrt(samples * h)
    truth = np.repeat([1.0, 0.0 if never_better else 1.0], 6)
    targets = X @ truth + np.sqrt(samples / 4) * rng.normal(size=(draws, samples))
    squares = []
    for momentum in (0.0, 0.9):
        ball = HeavyBall(learning_rate=step * (1 - momentum), momentum=momentum)
        best = int(risk_path(ball, X, truth, samples / 4, 200).best_steps)
        state: Any = (np.zeros((draws, 12)),) * 2
        for _ in range(best):
            state = ball.update(state, (state[0] @ X.T - targets) @ X / samples)
        squares.append(((state[0] - truth) ** 2).sum(axis=1))
    difference = squares[1] - squares[0]
    found = float(difference.mean())
    return Evidence.statistical(
        max(found, 0.0) if never_better else min(found, 0.0), found,
        difference.std(ddof=1) / np.sqrt(draws),
        note=f"risk with momentum minus that without, if {'no' if never_better else 'not'} "
        f"{'lower' if never_better else 'higher'}, {draws:,} draws of noise",
    )  # fmt: skip


STOP = Claim(
    slug="momentum-stops-at-no-lower-risk",
    title="At equal effective step and stopped at its best, momentum has no lower risk than "
    "gradient descent.",
    source=Citation(None),
    kind=Kind.LOWER_BOUND,
    statement=_stop_statement,
    proof=_stop_proof,
    experiment=lambda rng: _stop_experiment(rng, never_better=True),
    control=lambda rng: _stop_experiment(rng, never_better=False),
    expected=Verdict.REFUTED,
    figures=("risk-against-effective-time",),
    remark="It depends on where the truth lies. Momentum's filter is steeper: where the truth is "
    "along stiff directions its best risk is some per cent lower, and where the truth is spread "
    "or along flat ones it is higher. The control claims the reverse, of such a truth.",
)


# The interpolator of least norm ----------------------------------------------------------------


def _norm_statement() -> Any:
    left = sympy.Function("P_t")
    return sympy.Eq(left(0), 1, evaluate=False)


def _norm_proof() -> Evidence:
    """1 − Pₜ has no constant term: along directions that the data leave open nothing moves."""
    found: list[Any] = []
    for method in (BALL, Nesterov(learning_rate=ALPHA, momentum=BETA)):
        found += [residual_polynomial(method, steps).eval(0) - 1 for steps in (1, 2, 5)]
    return Evidence.exact(*found, note="Pₜ(0) = 1 for heavy ball and Nesterov, any (α, β)")


def _norm_experiment(rng: np.random.Generator, *, from_zero: bool) -> Evidence:
    """Twelve samples of thirty features: where gradient descent, heavy ball and Nesterov end."""
    X = rng.normal(size=(12, 30))
    y = rng.normal(size=12)
    problem = LeastSquares(X, y)
    top = float(problem.spectrum()[-1])
    start = np.zeros(30) if from_zero else 0.1 * rng.normal(size=30)
    least = np.linalg.norm(np.linalg.pinv(X) @ y)
    methods = (
        GradientDescent(learning_rate=1 / top), HeavyBall(learning_rate=1 / top, momentum=0.7),
        Nesterov(learning_rate=1 / top, momentum=0.7),
    )  # fmt: skip
    norms = [
        np.linalg.norm(simulate(each, problem, steps=3000, start=start).outputs[-1])
        for each in methods
    ]
    return Evidence.close(
        1.0, np.array(norms) / least, tolerance=1e-9,
        note="norm of three methods' limits over the least one",
    )  # fmt: skip


LEAST_NORM = Claim(
    slug="momentum-does-not-choose-another-interpolator",
    title="On least squares with more features than samples every linear method from 0 ends at the "
    "same interpolator, the one of least norm: momentum changes the path only.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_norm_statement,
    proof=_norm_proof,
    experiment=lambda rng: _norm_experiment(rng, from_zero=True),
    control=lambda rng: _norm_experiment(rng, from_zero=False),
    expected=Verdict.PROVED,
    remark="For linear regression; not a statement on networks. The control starts elsewhere.",
)
