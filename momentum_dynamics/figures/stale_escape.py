"""Leaving a saddle with stale gradients: slower at each update, sooner in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.delays import Delay, FixedDelay, GeometricDelay, UniformDelay
from momentum_dynamics.dynamics.escape import ExitTime, exit_time
from momentum_dynamics.dynamics.loop import characteristic_polynomial
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import saddles
from momentum_dynamics.laws import staleness as stale_laws
from momentum_dynamics.methods import GradientDescent
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate_stale
from momentum_dynamics.simulation.exits import exit_steps

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StaleEscape:
    """Exponents and mean exit times of three laws of one mean age ``(laws, ages)``."""

    learning_rate: float
    names: Any
    age: Array
    exponent: Array
    ball: Array
    plain: float
    mean: Array
    seen_age: Array
    seen: Array
    error: Array
    predicted: Array
    workers: Array
    lead: Array
    root: Array
    replicas: int
    seed: int


def _laws(age: int) -> tuple[Delay, ...]:
    return (
        GeometricDelay(workers=float(age + 1)),
        UniformDelay(largest=2 * age),
        FixedDelay(staleness=age),
    )


def _stale_escape(
    *, learning_rate: float = 0.1, oldest: int = 20, seen: Sequence[int] = (0, 2, 5, 10, 20),
    most: int = 256, replicas: int = 500, seed: int = 8,
) -> StaleEscape:  # fmt: skip
    descent, noisy = GradientDescent(learning_rate=learning_rate), {
        "noise_variance": 1e-6, "distance": 1.0,
    }  # fmt: skip

    def law(delay: Delay) -> ExitTime:
        return exit_time(descent, -1.0, delay=delay, **noisy)

    ages, chosen = np.arange(oldest + 1), np.asarray(seen)
    every = [[law(delay) for delay in _laws(int(age))] for age in ages]
    found, errors, predicted = [], [], []
    for age in chosen:
        for delay in _laws(int(age)):
            one = law(delay)
            steps = int(one.mean + 18 / np.log(one.growth))
            run = simulate_stale(
                descent, Quadratic([-1.0]), delay, steps=steps, replicas=replicas, start=[0.0],
                noise_variance=1e-6, seed=seed + int(age),
            )  # fmt: skip
            exits = exit_steps(run, 1.0)
            found.append(exits.mean())
            errors.append(exits.std(ddof=1) / np.sqrt(replicas))
            predicted.append(float(one.mean))
    shape = (len(chosen), 3)
    plain = float(np.log(saddles.plain_escape_rate(learning_rate, 1.0)))
    workers = np.unique(np.geomspace(1, most, 40).round())
    implicit = stale_laws.implicit_momentum(workers)
    memoryless = workers * np.log(saddles.escape_rate(learning_rate / workers, implicit, 1.0))
    # Of long delays the polynomial is at hand sooner than the state space.
    polynomials = [
        characteristic_polynomial(descent, -1.0, FixedDelay(staleness=int(m) - 1)) for m in workers
    ]
    in_turn = [np.abs(np.roots(polynomial)).max() for polynomial in polynomials]
    robin = workers * np.log(in_turn)
    shared = stale_laws.implicit_momentum(ages + 1.0)
    return StaleEscape(
        learning_rate=float(learning_rate),
        names=np.array(["memoryless", "uniform", "fixed"]),
        age=ages.astype(float),
        exponent=np.array([[np.log(float(one.growth)) for one in row] for row in every]).T,
        ball=np.log(saddles.escape_rate(learning_rate / (ages + 1.0), shared, 1.0)),
        plain=plain,
        mean=np.array([[float(one.mean) for one in row] for row in every]).T,
        seen_age=chosen.astype(float),
        seen=np.reshape(found, shape).T,
        error=np.reshape(errors, shape).T,
        predicted=np.reshape(predicted, shape).T,
        workers=workers,
        lead=np.array([memoryless, robin]) / plain,
        root=np.sqrt(learning_rate * workers) / plain,
        replicas=int(replicas),
        seed=int(seed),
    )


def _draw_stale_escape(data: StaleEscape, axes: Any) -> None:
    left, middle, right = axes[0]
    for row, mark in enumerate("os^"):
        color, name = COLORS[row], str(data.names[row])
        left.plot(data.age, data.exponent[row], color=color, label=name)
        middle.plot(data.age, data.mean[row], color=color)
        middle.errorbar(
            data.seen_age, data.seen[row], 3 * data.error[row], fmt=mark, color=color, capsize=2,
            markersize=4, markerfacecolor="white",
        )  # fmt: skip
    left.plot(data.age, data.ball, ":", color=INK, linewidth=1.6, label="heavy ball")
    left.axhline(data.plain, color=GRAY, linewidth=1, linestyle="--")
    left.set(
        xlabel=r"mean staleness $\mathrm{E}\,\tau$", ylabel=r"exponent $\log r$", ylim=(0, None),
        title="each update",
    )  # fmt: skip
    left.legend(fontsize=7.5)
    middle.set(xlabel=r"mean staleness $\mathrm{E}\,\tau$", ylabel="mean exit, updates")
    middle.set(ylim=(0, None), title="until it has left")
    right.loglog(data.workers, data.workers, ":", color=GRAY)
    right.loglog(data.workers, data.root, "--", color=GRAY, linewidth=1)
    right.loglog(data.workers, data.lead[0], color=COLORS[0])
    right.loglog(data.workers, data.lead[1], color=COLORS[2])
    right.annotate("$M$", (20, 20), (-12, 4), textcoords="offset points", color=INK)
    right.annotate(
        r"$\propto\sqrt{\alpha g M}$", (data.workers[-1], data.root[-1]), (-26, 6),
        textcoords="offset points", color=INK, fontsize=8.5,
    )  # fmt: skip
    right.set(xlabel=label("workers"), ylabel="times sooner than one", ylim=(0.9, 120))
    right.set_title("in time")


def _tell_stale_escape(data: StaleEscape) -> str:
    off = np.abs((data.seen - data.predicted) / data.error).max()
    last = int(data.workers[-1])
    return (
        f"Gradient descent at a saddle, αg = {number(data.learning_rate)}, with stale gradients. "
        "Left: the exponent for each update falls with the mean age; memoryless staleness is heavy "
        "ball with β = 1 − 1/M and step α/M (dotted), below no staleness (dashed), and a fixed age "
        f"is the slowest of all laws. Middle: mean exit times of {data.replicas} runs ±3 standard "
        f"errors (at most {off:.1f} off the law, lines). Right: M workers make M updates in the "
        f"time of one gradient, so they leave sooner: {last} memoryless ones "
        f"{number(data.lead[0, -1], 3)} times, in turn {number(data.lead[1, -1], 3)} times. "
        f"Seed {data.seed}."
    )


STALE_ESCAPE = Figure(
    slug="stale-escape",
    title="Asynchrony at a saddle: slower at each update, sooner in time",
    source=Citation("mitliagkas2016"),
    claims=(
        "any-staleness-slows-the-escape-from-a-saddle",
        "memoryless-workers-leave-a-saddle-like-momentum-at-equal-effective-step",
        "a-fixed-age-is-the-slowest-way-off-a-saddle",
        "random-ages-slow-and-spread-the-exit",
        "many-memoryless-workers-leave-a-saddle-sooner-by-the-root-of-their-number",
    ),
    compute=_stale_escape,
    draw=_draw_stale_escape,
    caption=_tell_stale_escape,
    panels=(1, 3),
    size=(WIDTH, 2.9),
    quick={"oldest": 6, "seen": (0, 4), "most": 16, "replicas": 60},
    remark="The paper's theorem, taken to a negative curvature; the picture is ours.",
)
