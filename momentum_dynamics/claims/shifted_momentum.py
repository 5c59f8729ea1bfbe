"""Momentum as old as the gradient, and a velocity for each worker: one method, a larger speed."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Exponential, FixedDelay
from momentum_dynamics.dynamics.loop import loop_equation
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.methods.remedies import ShiftedHeavyBall, ShiftedMomentum, WorkerMomentum
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_queue

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
STALENESS = symbol("staleness")


def _shifted_step(momentum: Any, staleness: Any) -> Any:
    """arccos(β)√(1 − β²)/(τ + 1)."""
    return sympy.acos(momentum) * sympy.sqrt(1 - momentum**2) / (staleness + 1)


def _shifted_proof() -> Evidence:
    """On the edge z = exp(iφ/(τ + 1)), and (τ + 1)αh = (τ + 1)(1 − 1/z)(β − e^iφ) → iφ(β − e^iφ).

    It is real where cos φ = β, and there it is φ sin φ. Over 1 − β it grows with β: the derivative
    of arccos(β)√((1 + β)/(1 − β)) has the sign of φ − sin φ.
    """
    angle, turn = sympy.symbols("theta phi", positive=True)
    z = sympy.exp(sympy.I * turn / (STALENESS + 1))
    shifted = ShiftedHeavyBall(learning_rate=ALPHA, momentum=BETA, staleness=3)
    mark = sympy.Symbol("z")
    equation = loop_equation(shifted, 1, FixedDelay(staleness=3))
    edge = sympy.solve(equation, ALPHA)[0]
    scaled = sympy.limit(
        (STALENESS + 1) * (1 - 1 / z), STALENESS, sympy.oo
    )  # what is left of (τ + 1)(1 − 1/z)
    left = sympy.expand_complex(scaled * (BETA - sympy.exp(sympy.I * turn)))
    effective = (angle * sympy.sin(angle)) / (1 - sympy.cos(angle))
    slope = sympy.simplify(sympy.diff(effective, angle) * (1 - sympy.cos(angle)))
    return Evidence.exact(
        sympy.simplify(edge - (1 - 1 / mark) * (BETA - mark**4)),
        sympy.im(left) - turn * (BETA - sympy.cos(turn)),
        sympy.re(left) - turn * sympy.sin(turn),
        sympy.simplify(slope - (sympy.sin(angle) - angle)),
        note="the edge of the loop, its limit, and that the effective step falls with φ",
    )


def _edge(momentum: float, staleness: int, *, shifted: bool) -> float:
    """The largest αh with all roots of the recursion inside the circle, by bisection."""
    leading = np.zeros(staleness + 3)
    if shifted:  # z^(τ + 1)(z − 1) − β(z − 1) + αh z
        leading[:2] = 1.0, -1.0
        leading[-2:] += -momentum, momentum
    else:  # z^τ(z − 1)(z − β) + αh z
        leading[:3] = 1.0, -1.0 - momentum, momentum
    low, high = 0.0, 4.0 / (staleness + 1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        polynomial = leading.copy()
        polynomial[-2] += middle
        low, high = (middle, high) if np.abs(np.roots(polynomial)).max() < 1 else (low, middle)
    return low


_HALVINGS = 14


def _shifted_experiment(_: np.random.Generator, *, shifted: bool) -> Evidence:
    staleness = 63
    momenta = (0.0, 0.3, 0.6, 0.9)
    scales = [(staleness + 1) / (1 - momentum) for momentum in momenta]
    predicted = [
        float(_shifted_step(m, staleness)) * c for m, c in zip(momenta, scales, strict=True)
    ]
    measured = [
        _edge(m, staleness, shifted=shifted) * c for m, c in zip(momenta, scales, strict=True)
    ]
    return Evidence.close(
        predicted, measured, tolerance=0.05,
        note=f"(τ + 1)αh/(1 − β) where a root leaves the circle, β = 0 … 0.9, τ = {staleness}",
    )  # fmt: skip


SHIFTED = Claim(
    slug="shifted-momentum-raises-the-stable-speed",
    title=(
        "Behind a long fixed delay, momentum as old as the gradient is stable up to αh = "
        "arccos(β)√(1 − β²)/(τ + 1): the speed α/(1 − β) that is stable grows with β, from π/2 to "
        "2 over τ + 1, while fresh momentum lowers it."
    ),
    source=Citation("giladi2020"),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Lt(ALPHA * H, _shifted_step(BETA, STALENESS), evaluate=False),
    proof=_shifted_proof,
    experiment=lambda rng: _shifted_experiment(rng, shifted=True),
    control=lambda rng: _shifted_experiment(rng, shifted=False),
    expected=Verdict.PROVED,
    figures=("shifted-momentum",),
    remark="The method is the paper's, whose abstract alone was read; the limit was derived here. "
    "αh itself falls with β, and what is won in speed is at most 4/π − 1 = 27 %.",
)


def _own_proof() -> Evidence:
    """With the held displacement d = −αv, both updates are the same."""
    point, read, velocity, gradient = sympy.symbols("x r v g")
    mine = WorkerMomentum(learning_rate=ALPHA, momentum=BETA, lookahead=0)
    shifted = ShiftedMomentum(learning_rate=ALPHA, momentum=BETA)
    one, held = mine.update((point,), (read, velocity), (0, 0), gradient)
    other, kept = shifted.update((point,), (read, -ALPHA * velocity), (0, 0), gradient)
    return Evidence.exact(
        sympy.expand(one[0] - other[0]),
        sympy.expand(held[0] - kept[0]),
        sympy.expand(-ALPHA * held[1] - kept[1]),
        note="one update of both, in symbols",
    )


def _own_experiment(rng: np.random.Generator, *, own: bool) -> Evidence:
    seed = int(rng.integers(2**31))

    def run(method: Any) -> Any:
        return simulate_queue(
            method, Quadratic([1.0, 0.1]), workers=5, service=Exponential(), updates=200,
            noise_variance=1.0, seed=seed,
        ).outputs  # fmt: skip

    first = run(
        WorkerMomentum(learning_rate=0.2, momentum=0.6, lookahead=0)
        if own
        else HeavyBall(learning_rate=0.2, momentum=0.6)
    )
    second = run(ShiftedMomentum(learning_rate=0.2, momentum=0.6))
    return Evidence.close(
        0.0, first - second, tolerance=1e-9,
        note="difference of two runs with the same workers and noise, 200 updates, M = 5",
    )  # fmt: skip


OWN = Claim(
    slug="a-velocity-for-each-worker-is-shifted-momentum",
    title=(
        "To keep a velocity for each worker, and to take momentum as old as the gradient, is the "
        "same method, path by path, whatever the service times."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(sympy.Symbol("d_i"), -ALPHA * sympy.Symbol("v_i"), evaluate=False),
    proof=_own_proof,
    experiment=lambda rng: _own_experiment(rng, own=True),
    control=lambda rng: _own_experiment(rng, own=False),
    expected=Verdict.PROVED,
    figures=("remedies-against-staleness",),
    remark="A worker reads right after its own write, so that the last displacement that it finds "
    "is its own. The control is one velocity for all, at the server.",
)
