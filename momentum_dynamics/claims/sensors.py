"""Momentum measured: what a sensor sees of what staleness begets, and feedback on what it sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import Deterministic, Exponential, FixedDelay, GeometricDelay
from momentum_dynamics.dynamics.asynchrony.sensing import feedback_eigenvalue, feedback_spectrum
from momentum_dynamics.dynamics.loop import characteristic_polynomial, loop_equation
from momentum_dynamics.laws import sensors, staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.scalars import expression
from momentum_dynamics.simulation import QueueRun, simulate_queue
from momentum_dynamics.tuning import (
    measured_implicit_momentum,
    simulate_closed_loop,
    total_momentum,
)

__all__: list[str] = []

ALPHA, BETA, H = map(symbol, ("learning_rate", "momentum", "curvature"))
WORKERS, STALE, TOTAL, MEAN = map(symbol, ("workers", "staleness", "total_momentum", "mean"))
BALL = HeavyBall(learning_rate=ALPHA, momentum=BETA)
Z = sympy.Symbol("z")


class _AnyLaw:
    """A delay of which nothing is known but that its chances sum to one and its mean is m."""

    mean = MEAN

    def generating_function(self, w: Any) -> Any:
        """q(w); about w = 1 it is 1 + m(w − 1) and what is of second order, with any factor."""
        return 1 + MEAN * (w - 1) + sympy.Symbol("c") * (w - 1) ** 2


def _step_on_pole(delay: Any) -> Any:
    """The curvature for which z is a pole of heavy ball behind a delay."""
    (found,) = sympy.solve(loop_equation(BALL, H, delay), H)
    return found


def _by_step(reading: Any, curvature: Any) -> tuple[Any, Any]:
    """A reading at z = 1, and its derivative by αh there, both as functions of z on the pole."""
    reading = sympy.cancel(sympy.together(reading))
    slope = sympy.diff(reading, Z) / sympy.diff(ALPHA * curvature, Z)
    return reading.subs(Z, 1), sympy.cancel(sympy.together(slope)).subs(Z, 1)


# The sensor on slow directions -----------------------------------------------------------------


def _slow_statement() -> Any:
    order = sympy.Order(sympy.Symbol("a") ** 2)
    law = sensors.slow_reading(1, sympy.Symbol("a"), BETA, MEAN)
    return sympy.Eq(sympy.Symbol("muhat"), sympy.Add(law, order, evaluate=False))


def _slow_proof() -> Evidence:
    """On a pole αh is a function of z, and so is the reading: z − (z − β)/q(1/z)."""
    checks: list[Any] = []
    for delay, law in (
        (GeometricDelay(workers=WORKERS), sensors.geometric_delay_reading(Z, BETA, WORKERS)),
        (FixedDelay(staleness=STALE), sensors.fixed_delay_reading(Z, BETA, STALE)),
        (_AnyLaw(), Z - (Z - BETA) / _AnyLaw().generating_function(1 / Z)),
    ):
        checks.append(sensors.mode_reading(Z, ALPHA, _step_on_pole(delay)) - law)
    curvature = _step_on_pole(_AnyLaw())
    level, slope = _by_step(sensors.mode_reading(Z, ALPHA, curvature), curvature)
    expected = expression(sensors.slow_reading)
    checks += [level - expected.subs(H, 0), slope - expected.coeff(ALPHA * H)]
    return Evidence.exact(*checks, note="for every law of staleness: β at αh = 0, slope m")


def _round_robin(step: float, momentum: float, workers: int = 16) -> QueueRun:
    ball = HeavyBall(learning_rate=step, momentum=momentum)
    updates = round(2 / step) if step < 0.005 else 800
    return simulate_queue(
        ball, Quadratic([1.0]), workers=workers, service=Deterministic(), updates=updates
    )


def _slow_experiment(step: float) -> Evidence:
    momenta = np.array([0.0, 0.3])
    found = [
        total_momentum(_round_robin(step, momentum), lambda x: x, step)[-1] for momentum in momenta
    ]
    return Evidence.close(
        sensors.slow_reading(step, 1.0, momenta, 15), found, tolerance=5e-4,
        note=f"reading of a round robin of 16, αh = {step:g}, explicit momentum 0 and 0.3",
    )  # fmt: skip


SLOW = Claim(
    slug="sensor-reads-explicit-momentum-on-slow-directions",
    title="On slow directions YellowFin's sensor of total momentum reads the explicit momentum: "
    "β + αh times the mean staleness, whatever momentum staleness begets.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_slow_statement,
    proof=_slow_proof,
    experiment=lambda _: _slow_experiment(0.001),
    control=lambda _: _slow_experiment(0.02),
    expected=Verdict.PROVED,
    figures=("what-the-sensor-reads",),
    remark="Staleness keeps the total gain of the gradient, momentum multiplies it by 1/(1 − β), "
    "and the sensor's ratio presumes the latter. The control is a stiff direction.",
)


# The sensor of implicit momentum ---------------------------------------------------------------


def _implicit_statement() -> Any:
    law = expression(sensors.slow_implicit_reading)
    return sympy.Eq(sympy.Symbol("muhat_i"), law, evaluate=False)


def _implicit_proof() -> Evidence:
    """The ratio of v' − βv + αg to v − βv₋ + αg on a pole is (1 − q(1/z))/(1 − q(1/z)/z)."""
    checks: list[Any] = []
    for delay, law in (
        (GeometricDelay(workers=WORKERS), staleness.implicit_momentum(WORKERS)),
        (FixedDelay(staleness=STALE), sensors.fixed_delay_implicit_reading(Z, STALE)),
        (_AnyLaw(), None),
    ):
        push, moved = ALPHA * _step_on_pole(delay), (1 - 1 / Z) * (Z - BETA)
        ratio = (moved + push) / (moved / Z + push)
        if law is None:
            slow = sympy.cancel(sympy.together(ratio)).subs(Z, 1)
            checks.append(slow - sensors.slow_implicit_reading(MEAN))
        else:
            # z^τ as a symbol of its own makes the fixed delay a matter of polynomials.
            gap = sympy.expand_power_exp(ratio - law)
            checks.append(sympy.cancel(sympy.together(gap.subs(Z**STALE, sympy.Symbol("p")))))
    return Evidence.exact(*checks, note="in the limit of slow modes, for every law and every β")


def _implicit_experiment(*, total: bool) -> Evidence:
    step, workers = 0.004, np.array([2, 4, 8])
    found = []
    for count in workers:
        run = _round_robin(step, 0.3, int(count))
        measured = (
            total_momentum(run, lambda x: x, step) - 0.3
            if total
            else measured_implicit_momentum(run, lambda x: x, step, 0.3)
        )
        found.append(measured[-1])
    return Evidence.close(
        sensors.slow_implicit_reading(workers - 1), found, tolerance=0.01,
        note=f"round robins of 2, 4 and 8 workers, αh = {step:g}, explicit momentum 0.3",
    )  # fmt: skip


IMPLICIT = Claim(
    slug="implicit-sensor-reads-one-minus-one-over-m",
    title="The sensor of implicit momentum reads m/(m + 1) on slow directions behind any delay of "
    "mean m: 1 − 1/M with M workers, whatever the service times.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=_implicit_statement,
    proof=_implicit_proof,
    experiment=lambda _: _implicit_experiment(total=False),
    control=lambda _: _implicit_experiment(total=True),
    expected=Verdict.PROVED,
    remark="Without noise: numerator and denominator vanish on slow directions two orders of αh "
    "before the displacements do. The control reads YellowFin's sensor less the explicit momentum.",
)


# Two lag poles ---------------------------------------------------------------------------------


def _poles_statement() -> Any:
    loop = characteristic_polynomial(BALL, 0, GeometricDelay(workers=WORKERS)).as_expr()
    return sympy.Eq(sympy.factor(loop), 0, evaluate=False)


def _poles_proof() -> Evidence:
    """Times any z − c, heavy ball's polynomial is the queue's for all h only if βμ = 0."""
    delay = GeometricDelay(workers=WORKERS)
    hidden, gain = (
        staleness.implicit_momentum(WORKERS),
        staleness.implicit_learning_rate(ALPHA, WORKERS),
    )
    loop = sympy.Poly(characteristic_polynomial(BALL, H, delay).as_expr(), Z, H)
    expected = (Z - 1) * (Z - BETA) * (Z - hidden) + gain * H * Z**2
    rate, cancelled = sympy.symbols("r c")
    single = characteristic_polynomial(HeavyBall(learning_rate=rate, momentum=TOTAL), H).as_expr()
    gaps = (sympy.Poly(single * (Z - cancelled), Z, H) - loop).coeffs()
    # The terms with h leave c = 0 and the gain; then the constant one is βμ.
    (by_gain,) = sympy.solve([gap for gap in gaps if gap.has(rate)], [rate, cancelled], dict=True)
    rest = [sympy.simplify(gap.subs(by_gain)) for gap in gaps]
    constant = [gap for gap in rest if gap != 0 and not gap.has(TOTAL)]
    return Evidence.exact(
        sympy.expand(loop.as_expr() - expected), by_gain[rate] - gain, by_gain[cancelled],
        len(constant) == 1, sympy.simplify(constant[0] ** 2 - (BETA * hidden) ** 2),
        note="lag poles β and 1 − 1/M; one pole would do only if β(1 − 1/M) = 0",
    )  # fmt: skip


def _poles_experiment(rng: np.random.Generator, *, both: bool) -> Evidence:
    """What the mean recursion leaves over, replica by replica: linear, hence without bias."""
    step, momentum, workers, replicas = 0.3, 0.3, 4, 20_000
    problem = Quadratic([1.0])
    run = simulate_queue(
        HeavyBall(learning_rate=step, momentum=momentum), problem, workers=workers,
        service=Exponential(), updates=12, replicas=replicas, seed=rng,
    )  # fmt: skip
    hidden = staleness.implicit_momentum(workers)
    points: Any = run.points
    v = np.diff(points[..., 0], axis=0)
    push = staleness.implicit_learning_rate(step, workers) * problem.field(points)[2:-1, :, 0]
    left = v[2:] - (momentum + hidden) * v[1:-1] + push
    if both:
        left += momentum * hidden * v[:-2]
    return Evidence.statistical(
        0.0, left.mean(axis=1), left.std(axis=1, ddof=1) / np.sqrt(replicas),
        note=f"what the recursion leaves of the mean of {replicas:,} runs, M = {workers}, explicit "
        f"momentum {momentum:g}, updates 2 to 11",
    )  # fmt: skip


POLES = Claim(
    slug="explicit-and-implicit-momentum-are-two-poles",
    title="Explicit momentum β on M memoryless workers makes two lag poles, β and 1 − 1/M: no "
    "single number is the total momentum.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_poles_statement,
    proof=_poles_proof,
    experiment=lambda rng: _poles_experiment(rng, both=True),
    control=lambda rng: _poles_experiment(rng, both=False),
    expected=Verdict.PROVED,
    figures=("best-momentum-of-queues",),
    remark="The statement is the loop at curvature 0. The control takes the sum of both for the "
    "momentum of one pole.",
)


# Feedback --------------------------------------------------------------------------------------

_STEP, _TARGET, _STALE = 0.02, 0.2, 15


def _balance_statement() -> Any:
    pole = sympy.Symbol("z")
    target = characteristic_polynomial(HeavyBall(learning_rate=ALPHA, momentum=TOTAL), H)
    reading = sensors.fixed_delay_reading(pole, BETA, STALE)
    return sympy.And(sympy.Eq(reading, TOTAL), sympy.Eq(target.as_expr(), 0))


def _balance_proof() -> Evidence:
    """The reading is T exactly on a pole of heavy ball with momentum T; then β follows."""
    target = characteristic_polynomial(HeavyBall(learning_rate=ALPHA, momentum=TOTAL), H).as_expr()
    reading = sensors.mode_reading(Z, ALPHA, H)
    pole = sensors.target_eigenvalue(ALPHA, H, TOTAL)
    balance = sensors.fixed_delay_balance(ALPHA, H, TOTAL, STALE)
    exact = [sympy.Rational(1, 50), 1, sympy.Rational(1, 5), _STALE]
    number = sensors.fixed_delay_balance(*exact)
    return Evidence.exact(
        (reading - TOTAL) * (Z - 1) - target, target.subs(Z, pole),
        sensors.fixed_delay_reading(pole, balance, STALE) - TOTAL,
        bool(sympy.N(number, 30) < 0),
        note="feedback puts the pole where heavy ball with momentum T has it without delay",
    )  # fmt: skip


def _balance_experiment(rng: np.random.Generator, *, wide: bool) -> Evidence:
    problem = Quadratic(np.geomspace(0.01, 1, 64) if wide else [1.0])
    run = simulate_closed_loop(
        _TARGET, problem, learning_rate=_STEP, momentum=_TARGET, workers=_STALE + 1,
        service=Deterministic(), updates=3000, seed=rng,
    )  # fmt: skip
    return Evidence.close(
        sensors.fixed_delay_balance(_STEP, 1.0, _TARGET, _STALE), run.momentum[-1000:].mean(),
        tolerance=1e-4,
        note=f"explicit momentum at the end, round robin of {_STALE + 1}, αh = {_STEP:g}, "
        f"target {_TARGET:g}",
    )  # fmt: skip


BALANCE = Claim(
    slug="feedback-finds-negative-momentum-on-one-curvature",
    title="Feedback that puts the measured total momentum on its target takes explicit momentum "
    "below zero on one stiff curvature, and leaves it almost as it is on a wide spectrum.",
    source=Citation("zhang2017"),
    kind=Kind.IDENTITY,
    statement=_balance_statement,
    proof=_balance_proof,
    experiment=lambda rng: _balance_experiment(rng, wide=False),
    control=lambda rng: _balance_experiment(rng, wide=True),
    expected=Verdict.PROVED,
    figures=("closed-loop-momentum",),
    remark="The source reports explicit momentum falling, below zero at times. The control is the "
    "same loop on 64 curvatures from 0.01 to 1, where the median direction is slow. Gradient noise "
    "alone blinds the sensor as well: see noise_reading.",
)


def _gain_statement() -> Any:
    """(λ − 1)p(w) + γλ^−τ(1 − 1/w)(μ̂(w) − T) = 0 with w = λz."""
    w, ratio = sympy.symbols("w lambda")
    loop = loop_equation(BALL, H, FixedDelay(staleness=STALE))
    above = (1 - 1 / w) * (w - BETA) * loop.subs(Z, w)
    seen = (1 - 1 / w) * (sensors.mode_reading(w, ALPHA, H) - TOTAL)
    return sympy.Eq((ratio - 1) * above + symbol("gain") * ratio**-STALE * seen, 0)


def _decay(gain: float, shrinks_by: Callable[[HeavyBall, float], float]) -> Evidence:
    rest = float(sensors.fixed_delay_balance(_STEP, 1.0, _TARGET, _STALE))
    run = simulate_closed_loop(
        _TARGET, Quadratic([1.0]), learning_rate=_STEP, momentum=rest + 1e-3,
        workers=_STALE + 1, service=Deterministic(), updates=800, gain=gain,
    )  # fmt: skip
    error = run.momentum - rest
    return Evidence.close(
        shrinks_by(HeavyBall(learning_rate=_STEP, momentum=rest), gain),
        (error[700] / error[400]) ** (1 / 300),
        tolerance=1e-5,
        note=f"factor of the error of explicit momentum an update, gain {gain:g}",
    )  # fmt: skip


GAIN = Claim(
    slug="feedback-on-momentum-is-as-slow-as-its-reading-is-old",
    title="Feedback on momentum behind a fixed delay shrinks its error by the largest root of one "
    "polynomial, which knows the age of the reading; 1 − γ dμ̂/dβ is its limit for small gains.",
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=_gain_statement,
    proof=None,
    experiment=lambda _: _decay(
        0.01, lambda ball, gain: abs(feedback_spectrum(ball, 1.0, gain, _STALE)[0])
    ),
    control=lambda _: _decay(
        0.01,
        lambda ball, gain: feedback_eigenvalue(ball, 1.0, gain, FixedDelay(staleness=_STALE)),
    ),
    expected=Verdict.CONFIRMED,
    figures=("closed-loop-momentum",),
    remark="The control is the slow limit, which leaves the age out.",
)
