"""The rows of the table of worked numbers, paper by paper."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from momentum_dynamics.claims.continuous import exponent_order
from momentum_dynamics.claims.cycles import POINTS, exceptions
from momentum_dynamics.claims.evidence import Citation
from momentum_dynamics.claims.numbers import WorkedNumber
from momentum_dynamics.dynamics.average import average_case
from momentum_dynamics.dynamics.cycles import cycle
from momentum_dynamics.dynamics.loop import transition_matrix
from momentum_dynamics.dynamics.optimum import tune, worst_rate
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.dynamics.stationary import stationary_variance
from momentum_dynamics.laws import guarantees, minibatch, optima, regions, spectrum, tuning
from momentum_dynamics.methods import HeavyBall, Nesterov
from momentum_dynamics.problems import ConvexRosenbrock, PiecewiseQuadratic
from momentum_dynamics.simulation import simulate

__all__ = ["ROWS"]

GOH, LESSARD, PEP = Citation("goh2017"), Citation("lessard2016"), Citation("goujaud2022")
YELLOWFIN, SHI = Citation("zhang2017"), Citation("shi2022")
GOUJAUD, MOHAMMADI, SCIEUR = map(Citation, ("goujaud2023", "mohammadi2021", "scieur2020"))


def _tuned(kind: str, kappa: float) -> Any:
    return tune(kind, smallest_curvature=1.0, largest_curvature=kappa)


def _rate(kind: str, kappa: float) -> float:
    return worst_rate(_tuned(kind, kappa), np.array([1.0, kappa]))


def _best_rate(kind: Any, kappa: float) -> float:
    """The best worst rate on [1, κ], by a search that knows no formula."""
    from scipy.optimize import minimize

    ends = np.array([1.0, kappa])

    def worst(parameters: Any) -> float:
        learning_rate, momentum = map(float, parameters)
        return worst_rate(kind(learning_rate=learning_rate / kappa, momentum=momentum), ends)

    options = {"xatol": 1e-12, "fatol": 1e-12, "maxiter": 2000}
    starts = ((1.0, 0.3), (1.5, 0.5), (2.0, 0.3))
    return min(
        float(minimize(worst, start, method="Nelder-Mead", options=options).fun)
        for start in starts
    )  # fmt: skip


def _rosenbrock_optimum() -> Any:
    """Polyak's optimum for the ends of the spectrum that the page's code prints."""
    return optima.heavy_ball(4.641917, 996.358093)


def _chain_condition() -> float:
    ends = ConvexRosenbrock(dimension=200, condition_number=50.0).spectrum()[[-1, 0]]
    return float(np.divide(*ends))


def _cycle_point(place: int) -> float:
    """One of the last three of 999 steps from 3.3, ascending."""
    run = simulate(_tuned("heavy-ball", 25.0), PiecewiseQuadratic.lessard(), steps=999, start=[3.3])
    return float(np.sort(run.points[-3:, 0])[place])


def _near_cycle() -> float:
    """The squared norm of eight steps of the errors near the three-cycle, on curvature 25."""
    matrix = transition_matrix(_tuned("heavy-ball", 25.0), 25.0)
    return float(np.linalg.norm(np.linalg.matrix_power(matrix, 8), 2) ** 2)


def _threshold(length: int) -> float:
    """The condition number at which tuned heavy ball begins to have a cycle of a length."""
    from scipy.optimize import brentq

    def margin(kappa: float) -> float:
        return cycle(_tuned("heavy-ball", kappa), 1.0, kappa, length).margin

    return float(brentq(margin, 3.0, 600.0, xtol=1e-10))


def _worst_heavy_ball() -> float:
    """f₂/f₀ on the parabola of curvature μ = 0.1, with α = 1/2 and β = √((1 − αμ)(1 − αL))."""
    ball = HeavyBall(learning_rate=0.5, momentum=float(np.sqrt(0.95 * 0.5)))
    return float(residual_polynomial(ball, 2)(0.1)) ** 2


def _worst_nesterov() -> float:
    """The largest f₂/(f₀ + μd²/2) over parabolas with curvatures from 0.1 to 1."""
    best = optima.nesterov_smooth(0.1, 1.0)
    method = Nesterov(learning_rate=best.learning_rate, momentum=best.momentum)
    h = np.linspace(0.1, 1.0, 9001)
    return float((h * residual_polynomial(method, 2)(h) ** 2 / (h + 0.1)).max())


def _triple_bound(exponent: int) -> float:
    """κL/2 times a power of the rate, at μ = 0.1 and L = 1."""
    return 5 * float(optima.triple_momentum_rate(10.0)) ** exponent


def _optimal_guarantee(condition_number: float, steps: int) -> float:
    """The guarantee of the exactly optimal method, by its recursion of weights."""
    weight = 0.0
    for _ in range(steps):
        weight = guarantees.optimal_weight(weight, condition_number)
    return float(guarantees.optimal_guarantee(weight, condition_number))


def _slowest_growth(steps: int) -> float:
    """The loss after n steps of αₜ = 1/(t + 2), βₜ = t/(t + 2) on max |wᵢ|²/2, the worst one.

    The gradient has one coordinate only, so n steps leave one of n + 1 untouched.
    """
    point = before = np.full(steps + 1, 1 / np.sqrt(steps + 1))
    for step in range(steps):
        place = int(np.argmax(np.abs(point)))
        gradient = point * (np.arange(steps + 1) == place)
        ball = HeavyBall(learning_rate=1 / (step + 2), momentum=step / (step + 2))
        point, before = ball.update((point, before), gradient)
    return float(np.abs(point).max() ** 2 / 2)


def _bias_factor(steps: int) -> float:
    """The printed bias factor of the noisy quadratic model at αh = 0.01, β = 0.5."""
    step, momentum = 0.01, 0.5
    first, second = np.roots([1, step - 1 - momentum, momentum])
    late, early = (first**n - second**n for n in (steps + 1, steps))
    return float(((late - momentum * early) / (first - second)) ** 2)


def _bias(steps: int) -> float:
    ball = HeavyBall(learning_rate=0.01, momentum=0.5)
    return float(residual_polynomial(ball, steps)(1.0)) ** 2


def _amplified() -> float:
    """Stationary variance under noise of the iterate, over gradient descent's."""
    found = []
    for kind in ("heavy-ball", "gradient-descent"):
        method: Any = _tuned(kind, 100.0)
        found.append(float(stationary_variance(method, 30.0, 1 / method.learning_rate**2)))
    return found[0] / found[1]


def _yellowfin_minimum(signal_to_noise: float) -> float:
    """The best √β by minimizing the one-step objective, with d = h_min = 1 and p = 1/(2σ²)."""
    from scipy.optimize import minimize_scalar

    variance = 1 / (2 * signal_to_noise)
    found = minimize_scalar(
        lambda root: tuning.single_step_objective(root, 1.0, 1.0, variance),
        bounds=(0, 1), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    return float(found.x)


def _average(name: str) -> float:
    """A coefficient of the last of 120 stages for the uniform density on [1, 20]."""
    method = average_case(np.ones_like, smallest_curvature=1.0, largest_curvature=20.0, steps=120)
    return float(getattr(method.stages[-1], name))


def _plateau(momentum: float) -> float:
    return float(spectral_radius(HeavyBall(learning_rate=1.0, momentum=momentum), 1.0))


def _order(kind: Any, *, high: bool) -> float:
    return exponent_order(kind, high=high)[0]


def _signed(value: object) -> str:
    return str(value).replace("-", "−")


_GOH_ROWS = (
    WorkedNumber(
        source=GOH, quantity="rate of gradient descent, κ = 100", published=99 / 101,
        compute=lambda: _rate("gradient-descent", 100.0), tolerance=1e-9,
    ),
    WorkedNumber(
        source=GOH, quantity="rate of momentum, κ = 100", published=9 / 11,
        compute=lambda: _rate("heavy-ball", 100.0), tolerance=1e-7,
    ),
    WorkedNumber(
        source=GOH, quantity="critical momentum, α = 10⁻⁴, λ = 100", published=0.81,
        compute=lambda: float(spectrum.critical_momentum(1e-4, 100.0)), tolerance=1e-12,
    ),
    WorkedNumber(
        source=GOH, quantity="learning rate preset for three modes, λ = 1, 10, 100",
        published=2 / 101.5, compute=lambda: float(_tuned("gradient-descent", 100.0).learning_rate),
        tolerance=1e-6, agrees=False, note="the preset is just below the optimum, 2/101",
    ),
    WorkedNumber(
        source=GOH, quantity="learning rate preset for the convex Rosenbrock",
        published=0.0035749, compute=lambda: float(_rosenbrock_optimum().learning_rate),
        tolerance=1e-7, agrees=False, note="the preset is near Polyak's optimum, not at it",
    ),
    WorkedNumber(
        source=GOH, quantity="momentum preset for the convex Rosenbrock", published=0.80952,
        compute=lambda: float(_rosenbrock_optimum().momentum), tolerance=1e-5, agrees=False,
        note="as above",
    ),
    WorkedNumber(
        source=GOH, quantity="modulus of complex roots over √β", published=2.0,
        compute=lambda: _plateau(0.64) / 0.8,
        tolerance=1e-9, agrees=False, note="a misprint: the modulus is √β",
    ),
    WorkedNumber(
        source=GOH, quantity="condition number of the chain, n = 200, κ = 50", published=50.0,
        compute=_chain_condition, tolerance=0.1, note="reached in the limit of a long chain",
    ),
)  # fmt: skip

_LESSARD_ROWS = (
    WorkedNumber(
        source=LESSARD, quantity="learning rate for curvatures 1 and 25", published=1 / 9,
        compute=lambda: float(optima.heavy_ball(Fraction(1), Fraction(25)).learning_rate),
        tolerance=1e-12,
    ),
    *(
        WorkedNumber(
            source=LESSARD, quantity=f"point of the three-cycle, {_signed(1225 * point)}/1225",
            published=float(point), compute=partial(_cycle_point, place),
            tolerance=1e-9, note="from the last steps of a run",
        )
        for place, point in enumerate(sorted(POINTS))
    ),
    WorkedNumber(
        source=LESSARD, quantity="rate at which errors die out near the cycle", published=2 / 3,
        compute=lambda: float(spectral_radius(_tuned("heavy-ball", 25.0), 25.0)), tolerance=1e-9,
    ),
    WorkedNumber(
        source=LESSARD, quantity="squared norm of eight steps near the cycle", published=0.46044,
        compute=_near_cycle, tolerance=1e-5, note="below a half, so the cycle attracts",
    ),
    WorkedNumber(
        source=LESSARD, quantity="distance of the cycle from the kink at 2", published=142 / 1225,
        compute=lambda: _cycle_point(2) - 2, tolerance=1e-9,
    ),
    *(
        WorkedNumber(
            source=LESSARD, quantity=f"best rate of {name}, κ = 10", published=float(law(10.0)),
            compute=partial(_best_rate, kind, 10.0), tolerance=1e-5,
            note="the formula beside a search over learning rate and momentum",
        )
        for name, kind, law in (
            ("heavy ball", HeavyBall, optima.heavy_ball_rate),
            ("Nesterov's method", Nesterov, optima.nesterov_quadratic_rate),
        )
    ),
)  # fmt: skip

_PEP_ROWS = (
    WorkedNumber(
        source=PEP, quantity="heavy ball, two steps, worst f₂/f₀", published=0.753493,
        compute=_worst_heavy_ball, tolerance=1e-6, note="the worst case is a parabola",
    ),
    WorkedNumber(
        source=PEP, quantity="Nesterov's method, μ = 0.1, n = 2, bound", published=0.467544,
        compute=lambda: float(optima.nesterov_smooth_rate(10.0)) ** 2, tolerance=1e-6,
    ),
    WorkedNumber(
        source=PEP, quantity="Nesterov's method, μ = 0.1, n = 2, worst case", published=0.347602,
        compute=_worst_nesterov, tolerance=1e-6, agrees=False,
        note="ours is the worst parabola; other functions are worse",
    ),
    WorkedNumber(
        source=PEP, quantity="triple momentum, μ = 0.1, n = 4, bound", published=0.238925,
        compute=lambda: _triple_bound(8), tolerance=1e-6,
    ),
    WorkedNumber(
        source=PEP, quantity="the same bound with the printed exponent 2(n + 1)",
        published=0.238925, compute=lambda: _triple_bound(10), tolerance=1e-6, agrees=False,
        note="a misprint of the docstring: the exponent is 2n",
    ),
    WorkedNumber(
        source=PEP, quantity="robust momentum, κ = 10, λ = 0.2, squared rate", published=0.528555,
        compute=lambda: float(optima.robust_momentum_rate(10.0, 0.2)) ** 2, tolerance=1e-6,
    ),
    WorkedNumber(
        source=PEP, quantity="exactly optimal method, μ = 0.001, n = 15, bound",
        published=0.756605, compute=lambda: _optimal_guarantee(1000.0, 15), tolerance=1e-6,
    ),
    WorkedNumber(
        source=PEP, quantity="heavy ball under quadratic growth, n = 5", published=0.0833333,
        compute=lambda: _slowest_growth(5), tolerance=1e-7,
        note="a run on the worst function, max |wᵢ|²/2",
    ),
)  # fmt: skip

_YELLOWFIN_ROWS = (
    *(
        WorkedNumber(
            source=YELLOWFIN, quantity=f"plateau of the radius at momentum {momentum:g}, h = 1",
            published=float(np.sqrt(momentum)),
            compute=partial(_plateau, momentum),
            tolerance=1e-9,
        )
        for momentum in (0.1, 0.3, 0.5)
    ),
    *(
        WorkedNumber(
            source=YELLOWFIN, quantity=f"√β from the cubic, signal to noise {ratio:g}",
            published=float(1 - tuning.cubic_root(ratio)),
            compute=partial(_yellowfin_minimum, ratio), tolerance=1e-6,
            note="the formula beside a direct search",
        )
        for ratio in (0.01, 1.0)
    ),
    WorkedNumber(
        source=YELLOWFIN, quantity="momentum at which κ = 1000 fits the robust region",
        published=float(optima.heavy_ball_rate(1000.0)) ** 2,
        compute=lambda: _robust_floor(1000.0), tolerance=1e-9,
        note="where the two ends of the region are κ apart, by a search",
    ),
)  # fmt: skip


def _robust_floor(kappa: float) -> float:
    from scipy.optimize import brentq

    def spread(momentum: float) -> float:
        ends = regions.robust_high_end(momentum) / regions.robust_low_end(momentum)
        return float(ends) - kappa

    return float(brentq(spread, 0.01, 0.999, xtol=1e-14))


_LIMIT_ROWS = (
    WorkedNumber(
        source=GOUJAUD, quantity="first κ with a three-cycle, (2 + √5)²",
        published=float((2 + np.sqrt(5)) ** 2), compute=lambda: _threshold(3), tolerance=1e-6,
    ),
    WorkedNumber(
        source=GOUJAUD, quantity="accelerated settings without a cycle, C = 50/3", published=0,
        compute=lambda: float(exceptions()), tolerance=0,
        note="on a grid of 121 × 121 settings for each of μ/L = 1/100, 3/1000, 1/1000",
    ),
    WorkedNumber(
        source=Citation("zhang2019nqm"), quantity="bias factor, αh = 0.01, β = 0.5, 40 steps",
        published=_bias_factor(40), compute=lambda: _bias(40), tolerance=1e-12,
        note="the printed formula beside 40 steps of the state space",
    ),
    WorkedNumber(
        source=MOHAMMADI, quantity="noise amplification, κ = 100",
        published=float(minibatch.amplification(100.0)), compute=_amplified, tolerance=1e-6,
        note="the formula beside solved covariances",
    ),
    *(
        WorkedNumber(
            source=SCIEUR,
            quantity=f"{name.replace('_', ' ')} of step 120, uniform density on [1, 20]",
            published=float(getattr(optima.heavy_ball(1.0, 20.0), name)),
            compute=partial(_average, name), tolerance=tolerance,
            note="beside its limit, Polyak's",
        )
        for name, tolerance in (("learning_rate", 1e-5), ("momentum", 1e-4))
    ),
    *(
        WorkedNumber(
            source=SHI, quantity=f"order in s of the exponents, {resolution} resolution, {name}",
            published=1.0 if resolution == "high" else 0.5,
            compute=partial(_order, kind, high=resolution == "high"),
            tolerance=0.01, note="the slope of a regression over 13 steps",
        )
        for resolution in ("low", "high")
        for name, kind in (("heavy ball", HeavyBall), ("Nesterov's method", Nesterov))
    ),
)  # fmt: skip

ROWS: tuple[WorkedNumber, ...] = (
    *_GOH_ROWS, *_LESSARD_ROWS, *_PEP_ROWS, *_YELLOWFIN_ROWS, *_LIMIT_ROWS,
)  # fmt: skip
