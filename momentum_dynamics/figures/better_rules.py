"""YellowFin beside the rule on the true noise floor, and the rule for asynchronous workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.better_rules import followed
from momentum_dynamics.delays import Exponential
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label, shades
from momentum_dynamics.laws import noisy_quadratic, queue_tuning, staleness
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate, simulate_queue
from momentum_dynamics.tuning.rule import single_step
from momentum_dynamics.tuning.rules import exact_single_step, queue_single_step

__all__: list[str] = []

Array = NDArray[np.float64]

PLAIN: dict[str, Any] = {"h_max": 1.0, "h_min": 1.0, "variance": 1.0}


# On the true floor -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class ExactRule:
    """Choices ``(rules, signals)``, what they cost, and E x² ``(rules, steps + 1)`` followed."""

    rules: NDArray[np.str_]
    horizon: Array
    signal_to_noise: Array
    root_momentum: Array
    cost_ratio: Array
    simulated_signal: Array
    simulated_ratio: Array
    simulated_error: Array
    second_moment: Array
    rest: Array
    distance: float
    replicas: int
    seed: int


def _exact_rule(
    *,
    horizons: Sequence[int] = (1, 10, 100),
    smallest: float = 1e-5,
    largest: float = 1e4,
    points: int = 200,
    distance: float = 10.0,
    steps: int = 5000,
    replicas: int = 20_000,
    seed: int = 6,
) -> ExactRule:
    p = np.geomspace(smallest, largest, points)
    distances = np.sqrt(2 * p)
    counts = np.atleast_1d(np.asarray(horizons))
    gaps = [single_step(**PLAIN, distance=distances).one_minus_root]
    gaps += [
        exact_single_step(**PLAIN, distance=distances, horizon=n).one_minus_root for n in counts
    ]

    def cost(gap: Array) -> Array:
        """At n = 1, over that of the exact rule."""
        return np.asarray(noisy_quadratic.exact_objective(1 - gap, distances, 1.0, 1.0, 1))

    tried = np.array([1e-2, 0.1, 1.0, 10.0, 100.0])
    found = [_simulated_ratio(float(signal), replicas, seed, k) for k, signal in enumerate(tried)]
    paths = [followed(lambda d: single_step(**PLAIN, distance=d), distance=distance, steps=steps)]
    paths += [
        followed(
            lambda d, n=n: exact_single_step(**PLAIN, distance=d, horizon=n),  # type: ignore[misc]
            distance=distance, steps=steps,
        )
        for n in counts
    ]  # fmt: skip
    return ExactRule(
        rules=np.array(["YellowFin", *(f"exact, n = {n}" for n in counts)]),
        horizon=counts.astype(float),
        signal_to_noise=p,
        root_momentum=1 - np.array(gaps),
        cost_ratio=cost(gaps[0]) / cost(exact_single_step(**PLAIN, distance=distances)[2]),
        simulated_signal=tried,
        simulated_ratio=np.array([ratio for ratio, _ in found]),
        simulated_error=np.array([error for _, error in found]),
        second_moment=np.array(paths),
        rest=1 / (8 * counts),
        distance=float(distance),
        replicas=int(replicas),
        seed=int(seed),
    )


def _simulated_ratio(signal: float, replicas: int, seed: int, place: int) -> tuple[float, float]:
    """How many times as much βD² + settled variance is by YellowFin as by the exact rule."""
    distance = np.sqrt(2 * signal)
    costs, errors = [], []
    for index, step in enumerate(
        (single_step(**PLAIN, distance=distance), exact_single_step(**PLAIN, distance=distance))
    ):
        if step.learning_rate == 0:
            costs.append(step.momentum * distance**2)
            errors.append(0.0)
            continue
        run: Any = simulate(
            HeavyBall(learning_rate=step.learning_rate, momentum=step.momentum), Quadratic([1.0]),
            steps=int(16 / step.one_minus_root) + 20, start=np.zeros(1), replicas=replicas,
            noise_variance=1.0, record="moments", seed=np.random.SeedSequence([seed, place, index]),
        )  # fmt: skip
        costs.append(step.momentum * distance**2 + run.variance[-1, 0])
        errors.append(run.variance_error[-1, 0])
    ratio = costs[0] / costs[1]
    return float(ratio), float(ratio * np.hypot(errors[0] / costs[0], errors[1] / costs[1]))


def _draw_exact_rule(data: ExactRule, axes: Any) -> None:
    left, middle, right = axes[0]
    colors = [COLORS[1], *shades(len(data.horizon))]
    for roots, name, color in zip(data.root_momentum, data.rules, colors, strict=True):
        left.semilogx(data.signal_to_noise, roots, color=color, label=name)
    left.set(ylim=(-0.03, 1.03), xlabel="signal to noise $p$", ylabel="$\\sqrt{\\beta}$ chosen")
    middle.loglog(data.signal_to_noise, data.cost_ratio, color=COLORS[1])
    middle.errorbar(
        data.simulated_signal, data.simulated_ratio, 2 * data.simulated_error, fmt="o",
        color=COLORS[1], markerfacecolor="white", markeredgewidth=1.4,
    )  # fmt: skip
    middle.axhline(1, color=GRAY, linewidth=1)
    middle.axvline(1 / 16, color=GRAY, linewidth=1, linestyle=":")
    middle.set(xlabel="signal to noise $p$", ylabel="cost, YellowFin over exact")
    time = np.arange(1, data.second_moment.shape[1])
    for path, color in zip(data.second_moment, colors, strict=True):
        right.loglog(time, path[1:], color=color)
    for level, color in zip(data.rest, colors[1:], strict=True):
        right.axhline(level, color=color, linewidth=1, linestyle=":")
    right.set(xlabel=label("step"), ylabel="$E\\,x^2$, in $C/h^2$", xlim=(1, time[-1]))
    left.figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=len(data.rules)
    )  # fmt: skip


def _tell_exact_rule(data: ExactRule) -> str:
    ends = ", ".join(
        f"{number(path[-1], 2)} ({name})"
        for path, name in zip(data.second_moment, data.rules, strict=True)
    )
    return (
        "YellowFin's rule, which charges a setting with one step's noise, beside the rule that "
        "charges it with its true noise floor, on one curvature. Left: √β against the signal p; "
        "where pn ≤ 1/16 the exact rule does not move. Middle: βD² plus true floor, YellowFin's "
        f"over the exact rule's at n = 1, {number(data.cost_ratio[0], 3)} times at p = "
        f"{number(data.signal_to_noise[0], 1)}; circles: simulated, {data.replicas:,} runs, ±2 "
        f"standard errors, seed {data.seed}. Right: E x² when each rule is told the true distance "
        f"before every step, from {number(data.distance)}: after "
        f"{data.second_moment.shape[1] - 1:,} steps {ends}. Dotted: C/(8nh²). Patience n "
        "gets farther, and begins later."
    )


EXACT_RULE = Figure(
    slug="exact-rule",
    title="What the stand-in costs, and what patience buys",
    source=Citation(None),
    claims=(
        "the-exact-rule-is-a-convex-problem",
        "the-exact-rule-pays-less-on-the-true-floor",
        "what-rules-come-to-when-followed",
        "second-moments-at-the-edge-of-the-robust-region",
    ),
    compute=_exact_rule,
    draw=_draw_exact_rule,
    caption=_tell_exact_rule,
    panels=(1, 3),
    size=(WIDTH, 3.2),
    quick={"points": 40, "replicas": 400, "steps": 300},
)


# Asynchronous workers --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class QueueRule:
    """Settings and costs against the number of workers."""

    workers: Array
    step: Array
    best_step: Array
    best_momentum: Array
    limit: Array
    cost: Array
    best_cost: Array
    naive_workers: Array
    naive_cost: Array
    simulated_workers: Array
    simulated_cost: Array
    simulated_error: Array
    condition_number: float
    displacement: float
    horizon: int
    replicas: int
    seed: int


def _queue_cost(
    rate: Any, momentum: Any, low: float, distance: float, horizon: int, workers: Any
) -> Array:
    """The objective of the rule."""
    near = queue_tuning.queue_horizon_objective(
        rate, momentum, low, distance, 0.5, workers, horizon
    )
    far = staleness.heavy_ball_queue_stationary_variance(rate, momentum, 1.0, 0.5, workers)
    return np.asarray(near + far)


def _queue_rule(
    *,
    condition_number: float = 10.0,
    displacement: float = 30.0,
    horizon: int = 1000,
    most: float = 256.0,
    points: int = 49,
    shown: Sequence[int] = (1, 4, 16, 64),
    replicas: int = 400,
    seed: int = 7,
) -> QueueRule:
    low = 1 / condition_number
    count = np.geomspace(1, most, points)
    setting: dict[str, Any] = {
        "h_max": 1.0, "h_min": low, "variance": 1.0, "distance": displacement, "horizon": horizon,
    }  # fmt: skip
    plain = queue_single_step(**setting, workers=count)
    best = queue_single_step(**setting, workers=count, momentum=None)
    alone = queue_single_step(**setting, workers=1)
    # Where one worker's learning rate is at the limit, Ma² − a − 2 = 0.
    end = (2 + alone.learning_rate) / alone.learning_rate**2
    naive = np.geomspace(1, 0.95 * end, points)
    chosen = np.atleast_1d(np.asarray(shown))
    found = [
        _simulated_cost(int(one), setting, replicas, np.random.SeedSequence([seed, place]))
        for place, one in enumerate(chosen)
    ]
    arguments = (low, displacement, horizon)
    return QueueRule(
        workers=count,
        step=plain.learning_rate,
        best_step=best.learning_rate,
        best_momentum=best.momentum,
        limit=staleness.queue_mean_square_limit(count),
        cost=_queue_cost(plain.learning_rate, 0.0, *arguments, count),
        best_cost=_queue_cost(best.learning_rate, best.momentum, *arguments, count),
        naive_workers=naive,
        naive_cost=_queue_cost(alone.learning_rate, 0.0, *arguments, naive),
        simulated_workers=chosen.astype(float),
        simulated_cost=np.array([cost for cost, _ in found]),
        simulated_error=np.array([error for _, error in found]),
        condition_number=float(condition_number),
        displacement=float(displacement),
        horizon=int(horizon),
        replicas=int(replicas),
        seed=int(seed),
    )


def _simulated_cost(
    workers: int, setting: dict[str, Any], replicas: int, seed: np.random.SeedSequence
) -> tuple[float, float]:
    """The mean squared distance over the horizon, of a slow and a stiff mode."""
    chosen = queue_single_step(**setting, workers=workers)
    run: Any = simulate_queue(
        HeavyBall(learning_rate=chosen.learning_rate, momentum=0.0),
        Quadratic([setting["h_min"], 1.0]), workers=workers, service=Exponential(),
        updates=setting["horizon"], replicas=replicas, noise_variance=0.5,
        start=[setting["distance"], 0.0], seed=seed,
    )  # fmt: skip
    each = (run.outputs[:-1] ** 2).sum(axis=-1).mean(axis=0)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(replicas))


def _draw_queue_rule(data: QueueRule, axes: Any) -> None:
    left, middle, right = axes[0]
    left.loglog(data.workers, data.limit, color=GRAY, label="limit, $\\beta = 0$")
    left.loglog(data.workers, data.step, color=COLORS[0], label="rule, $\\beta = 0$")
    left.loglog(data.workers, data.best_step, color=COLORS[2], label="rule, best $\\beta$")
    left.set(xlabel=label("workers"), ylabel="$\\alpha h_{\\max}$")
    middle.semilogx(data.workers, data.best_momentum, color=COLORS[2])
    middle.axhline(0, color=GRAY, linewidth=1)
    middle.set(xlabel=label("workers"), ylabel="best explicit momentum $\\beta$")
    right.loglog(data.workers, data.cost, color=COLORS[0])
    right.loglog(data.workers, data.best_cost, ":", color=COLORS[2], linewidth=2.4, zorder=3)
    right.loglog(
        data.naive_workers, data.naive_cost, "--", color=COLORS[1],
        label="one worker's $\\alpha$ kept",
    )  # fmt: skip
    right.annotate(
        "explodes", (data.naive_workers[-1], data.naive_cost[-1]), (4, 4),
        textcoords="offset points", color=INK, size=9,
    )  # fmt: skip
    right.errorbar(
        data.simulated_workers, data.simulated_cost, 2 * data.simulated_error, fmt="o",
        color=COLORS[0], markerfacecolor="white", markeredgewidth=1.4,
    )  # fmt: skip
    right.set(xlabel=label("workers"), ylabel="averaged $E\\,x^2$")
    right.set_ylim(0.8 * data.best_cost.min(), 3 * data.cost.max())
    handles, names = left.get_legend_handles_labels()
    more, words = right.get_legend_handles_labels()
    left.figure.legend(
        [*handles, *more], [*names, *words], loc="outside lower center", ncols=4
    )  # fmt: skip


def _tell_queue_rule(data: QueueRule) -> str:
    gain, end = data.cost[-1] / data.best_cost[-1], data.naive_workers[-1] / 0.95
    return (
        f"The setting for M memoryless workers that minimizes the mean of E x² over "
        f"{data.horizon:,} updates, from exact moments: curvatures "
        f"1/{number(data.condition_number)} and 1, noise of variance one half on each, a "
        f"start {number(data.displacement)} away on the flat one. αh_max falls from "
        f"{data.step[0]:.3f} to {data.step[-1]:.3f} at M = {data.workers[-1]:.0f}, below the limit "
        "in mean square throughout. The best explicit "
        f"momentum falls from {number(data.best_momentum[0], 2)} to "
        f"{number(data.best_momentum[-1], 2)} and "
        f"saves a factor {gain:.2f} there. One worker's learning rate, kept, is at the limit from "
        f"M = {end:.1f} on. Circles: queues simulated, {data.replicas} runs, "
        f"±2 standard errors, seed {data.seed}."
    )


QUEUE_RULE = Figure(
    slug="queue-rule",
    title="The best setting for many workers, from a convex problem",
    source=Citation(None),
    claims=("the-horizon-objective-of-queues-is-convex",),
    compute=_queue_rule,
    draw=_draw_queue_rule,
    caption=_tell_queue_rule,
    panels=(1, 3),
    size=(WIDTH, 3.2),
    quick={"points": 7, "replicas": 40, "horizon": 200},
)
