"""Units: what a tuner makes of a loss that is multiplied, and what secants of noise read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.claims.noisy_quadratic import noisy_run, secant_readings
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import noisy_quadratic
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin
from momentum_dynamics.tuning.yellowfin import YellowFin

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaleTest:
    """Learning rates and losses ``(tuners, scales)``; readings of secants against learning rate."""

    tuners: NDArray[np.str_]
    scale: Array
    learning_rate: Array
    loss: Array
    start_loss: float
    secant_rate: Array
    secant_law: Array
    measured_rate: Array
    plain: Array
    plain_error: Array
    instrumented: Array
    instrumented_error: Array
    momentum: float
    steps: int
    noise_deviation: float
    seed: int


def _scale_test(
    *,
    scale: Sequence[float] = (0.01, 0.1, 1.0, 10.0, 100.0),
    steps: int = 2000,
    noise_deviation: float = 0.1,
    smoothing: float = 0.99,
    secant_rates: Sequence[float] = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    momentum: float = 0.6,
    seed: int = 8,
) -> ScaleTest:
    tuners: dict[str, Any] = {
        "YellowFin": YellowFin(smoothing=smoothing),
        "instrumented secants": EquivariantYellowFin(smoothing=smoothing, distance_from="mean"),
        "plain secants": EquivariantYellowFin(
            smoothing=smoothing, distance_from="mean", secant="plain"
        ),
    }
    scales = np.atleast_1d(np.asarray(scale, dtype=float))
    rates, losses = np.empty((2, len(tuners), len(scales)))
    for row, tuner in enumerate(tuners.values()):
        for column, factor in enumerate(scales):
            path, used = noisy_run(
                tuner, scale=float(factor), steps=steps, seed=seed, noise_deviation=noise_deviation
            )
            rates[row, column] = np.median(used[-steps // 4 :])
            losses[row, column] = path[-steps // 4 :].mean()
    tried = np.atleast_1d(np.asarray(secant_rates, dtype=float))
    found = np.array(
        [
            secant_readings(
                np.random.default_rng([seed, place]), learning_rate=float(rate),
                momentum=momentum, curvature=1.0,
            )
            for place, rate in enumerate(tried)
        ]
    )  # fmt: skip
    line = np.geomspace(tried[0], tried[-1], 100)
    return ScaleTest(
        tuners=np.array(list(tuners)),
        scale=scales,
        learning_rate=rates,
        loss=losses,
        start_loss=float(np.geomspace(0.1, 1.0, 10).sum() / 2),
        secant_rate=line,
        secant_law=noisy_quadratic.settled_secant(line, momentum, 1.0),
        measured_rate=tried,
        plain=found[:, 0],
        plain_error=found[:, 1],
        instrumented=found[:, 2],
        instrumented_error=found[:, 3],
        momentum=float(momentum),
        steps=int(steps),
        noise_deviation=float(noise_deviation),
        seed=int(seed),
    )


_KINDS = ((COLORS[1], "s-"), (COLORS[0], "o-"), (COLORS[4], "^-"))


def _draw_scale_test(data: ScaleTest, axes: Any) -> None:
    left, middle, right = axes[0]
    for row, (name, (color, line)) in enumerate(zip(data.tuners, _KINDS, strict=True)):
        kept = data.learning_rate[row] * data.scale
        left.loglog(data.scale, kept, line, color=color, label=name, markersize=5)
        middle.loglog(data.scale, data.loss[row], line, color=color, markersize=5)
    left.set(xlabel="loss multiplied by $c$", ylabel="rescaled rate $c\\,\\alpha$, late")
    middle.axhline(data.start_loss, color=GRAY, linewidth=1)
    middle.text(
        data.scale[-1], data.start_loss, "at the start", color=INK, size=9, ha="right", va="bottom"
    )
    middle.set(xlabel="loss multiplied by $c$", ylabel="loss in its own units, late")
    right.loglog(data.secant_rate, data.secant_law, color=COLORS[4])
    right.axhline(1, color=COLORS[0])
    for values, errors, color, mark in (
        (data.plain, data.plain_error, COLORS[4], "^"),
        (data.instrumented, data.instrumented_error, COLORS[0], "o"),
    ):
        right.errorbar(
            data.measured_rate, values, 2 * errors, fmt=mark, color=color,
            markerfacecolor="white", markeredgewidth=1.4,
        )  # fmt: skip
    right.set(xlabel=label("learning_rate"), ylabel="curvature as read, true one 1")
    left.figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=len(data.tuners)
    )  # fmt: skip


def _tell_scale_test(data: ScaleTest) -> str:
    spread = data.learning_rate * data.scale
    worst, best = spread.max(axis=1), spread.min(axis=1)
    return (
        f"A loss multiplied by c, on ten curvatures from 0.1 to 1 with gradient noise of deviation "
        f"{number(data.noise_deviation)}; the last quarter of {data.steps:,} steps, seed "
        f"{data.seed}. Left: cα should not depend on c. YellowFin's goes from "
        f"{number(best[0], 2)} to {number(worst[0], 2)}, that of instrumented secants stays at "
        f"{number(worst[1], 2)}. Middle: the loss that results. Plain "
        "secants keep their units as well, but their learning rate has gone to "
        f"{number(worst[2], 1)}. Right: why. At the noise floor, with momentum "
        f"{number(data.momentum)}, the plain secant reads the learning rate, "
        "the instrumented one the curvature. Lines: laws; marks: 10,000 runs, ±2 standard errors."
    )


SCALE = Figure(
    slug="scale-test",
    title="A curvature must have the units of a curvature",
    source=Citation(None),
    claims=(
        "yellowfin-learning-rate-has-the-units-of-a-learning-rate",
        "curvature-from-secants-makes-yellowfin-equivariant",
        "secants-of-noisy-gradients-read-the-learning-rate",
        "the-displacement-before-is-an-instrument-for-curvature",
    ),
    compute=_scale_test,
    draw=_draw_scale_test,
    caption=_tell_scale_test,
    panels=(1, 3),
    size=(WIDTH, 3.2),
    quick={"scale": (0.1, 10.0), "steps": 300, "secant_rates": (0.1, 0.5)},
)
