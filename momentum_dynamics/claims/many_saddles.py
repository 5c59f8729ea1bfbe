"""Beyond one direction: a degenerate saddle, many in a row, and a random one of many directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.dynamics.escape import exit_time
from momentum_dynamics.dynamics.escape_modes import exit_from_saddle
from momentum_dynamics.laws import saddles
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import (
    MonkeySaddle,
    Quadratic,
    SaddleChain,
    semicircle_saddle,
    wishart_saddle,
)
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import simulate
from momentum_dynamics.simulation.exits import exit_steps, first_steps

__all__ = ["monkey_steps", "passages"]

ALPHA, BETA = symbol("learning_rate"), symbol("momentum")
DISTANCE, DISPLACEMENT = symbol("distance"), symbol("displacement")


def monkey_steps(
    momenta: Any, displacement: float, *, learning_rate: float = 0.1, distance: float = 1.0
) -> Any:
    """Steps from rest at (−d, 0) on the monkey saddle until the point is a distance away.

    One for each momentum.
    """
    momenta = np.asarray(momenta, dtype=float)
    slowest = (1 - momenta.min()) / (3 * learning_rate * displacement)
    ball = HeavyBall(learning_rate=learning_rate, momentum=momenta)
    # Who has left falls for ever, and falls beyond floats.
    run = simulate(
        ball, MonkeySaddle(), steps=int(1.2 * slowest) + 60, start=[-displacement, 0.0]
    )  # fmt: skip
    return first_steps(~(run.distance < distance))


def _monkey_statement() -> Any:
    steps = sympy.Function("T")(DISPLACEMENT)
    limit = sympy.Limit(DISPLACEMENT * steps, DISPLACEMENT, 0)
    return sympy.Eq(limit, (1 - BETA) / (3 * ALPHA), evaluate=False)


def _monkey_proof() -> Evidence:
    """All curvatures vanish. With x the distance, p = xₜ − βxₜ₋₁ grows by 3αx² at each step, β ≥ 0.

    No sooner: x rises from rest, so each displacement is at most 3αx²/(1 − β), and 1/x falls by at
    most 3α/(1 − β) at a step.

    No later: p = (1 − β)x + β(xₜ − xₜ₋₁) is therefore at most (1 − β)x(1 + cx) with c = 3αβ/(1 −
    β)². So up to x = ε, any, a step takes at least 3α/((1 − β)²(1 + cε)² + 3αp) off 1/p. From p =
    (1 − β)d on that is (1 − β)/(3αd) steps, times what tends to 1 with ε, and from ε on a number
    that does not depend on d. Without momentum 1/x falls by 3α/(1 + 3αx) exactly.
    """
    x, y, step, beta, before = sympy.symbols("x y a beta x_b", positive=True)
    field = MonkeySaddle().field(np.array([x, y], dtype=object))
    slopes = [sympy.diff(part, place).subs({x: 0, y: 0}) for part in field for place in (x, y)]
    # On the way along −x; −x for x leaves the gradient as it is, and turns the point around.
    push = step * field[0].subs(y, 0)
    ball = HeavyBall(learning_rate=step, momentum=beta)
    after = ball.update((-x, -before), field[0].subs(y, 0))[0]
    kept = x - beta * before
    share = 3 * step / (1 - beta)
    bound = (1 - beta) * x * (1 + 3 * step * beta * x / (1 - beta) ** 2)
    held, square = sympy.symbols("p s", positive=True)
    falls = 1 / held - 1 / (held + 3 * step * square)
    least = (held / (1 - beta)) ** 2 / (1 + y) ** 2  # of x², with y for cx
    wanted = 3 * step / ((1 - beta) ** 2 * (1 + y) ** 2 + 3 * step * held)
    return Evidence.exact(
        *slopes,
        sympy.expand(push - 3 * step * x**2),
        sympy.expand(-after - beta * x - kept - 3 * step * x**2),
        sympy.simplify((1 - beta) * x + beta * share * x**2 - bound),
        sympy.simplify(falls.subs(square, least) - wanted),
        bool(sympy.factor(sympy.diff(falls, square)).is_positive),
        # From x = d, at this pace, the law's number of steps.
        sympy.simplify(
            1 / ((1 - beta) * x) / wanted.subs({y: 0, held: 0}) - (1 - beta) / (3 * step * x)
        ),
        sympy.simplify(falls.subs({held: x, square: x**2}) - 3 * step / (1 + 3 * step * x)),
        note="curvatures at the saddle; what a step of heavy ball takes off 1/x and 1/p",
    )


def _monkey_check(law: Callable[[float, float], float]) -> Evidence:
    momenta, near = (0.0, 0.5, 0.9), 3e-4
    predicted = [law(momentum, near) for momentum in momenta]
    return Evidence.close(
        1, monkey_steps(momenta, near) / predicted, tolerance=0.1,
        note="simulated over predicted steps from d = 3·10⁻⁴ to 1, β = 0, 0.5, 0.9",
    )  # fmt: skip


def _power_law(momentum: float, displacement: float) -> float:
    return (1 - momentum) / (0.3 * displacement)


def _strict_law(momentum: float, displacement: float) -> float:
    """As from a strict saddle of curvature −1."""
    return float(saddles.deterministic_exit_time(0.1, momentum, 1.0, displacement, 1.0))


MONKEY = Claim(
    slug="a-monkey-saddle-is-left-polynomially",
    title=(
        "From a distance d the monkey saddle x³ − 3xy² is left in about (1 − β)/(3αd) steps: a "
        "power of 1/d, not its logarithm."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_monkey_statement,
    proof=_monkey_proof,
    experiment=lambda _: _monkey_check(_power_law),
    control=lambda _: _monkey_check(_strict_law),
    expected=Verdict.PROVED,
    figures=("strict-and-degenerate-saddles",),
    remark=(
        "Theorems about strict saddles do not cover it: no curvature is negative. For 0 ≤ "
        "β < 1, from rest. The control takes a strict saddle's logarithm."
    ),
)


def passages(
    momentum: float,
    ascents: Any,
    rng: Any,
    *,
    replicas: int,
    learning_rate: float = 0.05,
    noise_variance: float = 1e-6,
) -> Any:
    """When each coordinate of a chain of saddles has come halfway, ``(saddles, replicas)``."""
    ball = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    laws = exit_time(ball, -np.asarray(ascents), noise_variance=noise_variance, distance=1 / 2)
    steps = int((laws.mean + 8 * laws.standard_deviation).sum())
    run = simulate(
        ball, SaddleChain(ascents), steps=steps, start=np.zeros(len(ascents)),
        noise_variance=noise_variance, replicas=replicas, seed=rng,
    )  # fmt: skip
    return first_steps(np.abs(np.moveaxis(run.outputs, -1, 1)) >= 1 / 2)


def _chain_statement() -> Any:
    count = symbol("count")
    deviation = expression(saddles.exit_time_deviation)
    variance = sympy.Function("Var")(sympy.Symbol("T_k"))
    return sympy.Eq(variance, count * deviation**2)


def _chain_check(rng: Any, power: float) -> Evidence:
    """Deviations of the passages against k^power times one's, and equal increments."""
    replicas, predicted, measured, errors = 600, [], [], []
    for momentum in (0.0, 0.5, 0.9):
        times = passages(momentum, np.ones(4), rng, replicas=replicas)
        one = exit_time(
            HeavyBall(learning_rate=0.05, momentum=momentum), -1.0, noise_variance=1e-6,
            distance=1 / 2,
        ).standard_deviation  # fmt: skip
        for k, passage in enumerate(times, start=1):
            predicted.append(float(one) * k**power)
            measured.append(passage.std(ddof=1))
            # The excess of log |N| is 4, of the sum of k of them 4/k.
            errors.append(float(one) * np.sqrt(k) * np.sqrt((2 + 4 / k) / 4 / replicas))
        steps = np.diff(times, axis=0)
        for first, second in ((0, 1), (1, 2)):
            predicted.append(0.0)
            measured.append(steps[second].mean() - steps[first].mean())
            errors.append(
                np.sqrt((steps[first].var(ddof=1) + steps[second].var(ddof=1)) / replicas)
            )
    return Evidence.statistical(
        predicted, measured, errors,
        note="deviations after 1 to 4 saddles, differences of the times between, three momenta",
    )  # fmt: skip


CHAIN = Claim(
    slug="exit-times-of-a-chain-of-saddles-add-up",
    title=(
        "Saddles one behind the other are left in independent times that add up: k take k times as "
        "long as one, with √k times its deviation."
    ),
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_chain_statement,
    proof=None,
    experiment=lambda rng: _chain_check(rng, 1 / 2),
    control=lambda rng: _chain_check(rng, 1.0),
    expected=Verdict.CONFIRMED,
    figures=("chain-of-saddles",),
    remark=(
        "Linear in the number of saddles, since each is reached along the stable directions of the "
        "next, where noise alone decides. The control adds deviations."
    ),
)


SADDLES = {
    "semicircle": (semicircle_saddle, {"dimension": 40, "shift": 0.5, "seed": 5}),
    "Wishart": (wishart_saddle, {"samples": 80, "dimension": 40, "shift": 0.5, "seed": 5}),
}
BALL, VARIANCE = HeavyBall(learning_rate=0.1, momentum=0.5), 1e-4


def _random_statement() -> Any:
    directions, value = symbol("count"), sympy.IndexedBase("v")
    index = sympy.Symbol("i", integer=True)
    whole = sympy.Sum(value[index], (index, 1, directions)) ** 2
    squares = sympy.Sum(value[index] ** 2, (index, 1, directions))
    return sympy.Eq(sympy.Symbol("p"), whole / squares)


def _random_check(rng: Any, *, alone: bool) -> Evidence:
    replicas, predicted, measured, errors = 400, [], [], []
    for make, settings in SADDLES.values():
        saddle: Quadratic = make(**settings)  # type: ignore[operator]
        spectrum = saddle.spectrum()
        used = spectrum[:1] if alone else spectrum
        law = exit_from_saddle(BALL, used, noise_variance=VARIANCE, distance=1.0)
        steps = len(law.inside)
        run = simulate(
            BALL, saddle, steps=steps, start=np.zeros(len(spectrum)), replicas=replicas,
            noise_variance=VARIANCE, seed=rng,
        )  # fmt: skip
        found = exit_steps(run, 1.0)
        middle = int(law.mean / 2)
        squares = run.distance[middle] ** 2
        predicted += [law.mean, float(law.mean_square[middle])]
        measured += [found.mean(), squares.mean()]
        errors += [
            found.std(ddof=1) / np.sqrt(replicas), squares.std(ddof=1) / np.sqrt(replicas)
        ]  # fmt: skip
    return Evidence.statistical(
        predicted, measured, errors,
        note="mean exit time and mean square halfway, from two random spectra of 40 curvatures",
    )  # fmt: skip


RANDOM = Claim(
    slug="a-random-saddle-is-left-by-all-its-negative-directions",
    title=(
        "From a random saddle of many directions the exit is a joint one, sooner than by the most "
        "negative curvature alone."
    ),
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=_random_statement,
    proof=None,
    experiment=lambda rng: _random_check(rng, alone=False),
    control=lambda rng: _random_check(rng, alone=True),
    expected=Verdict.CONFIRMED,
    figures=("random-saddle",),
    remark=(
        "Predicted from exact variances along all directions; the formula is the number that take "
        "part. In the end the most negative curvature wins, but the distance is often reached "
        "before. The control takes it alone."
    ),
)
