"""Where heavy ball fails: the three-cycle, the regions of cycles, certified rates."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.certificates import certified_rate
from momentum_dynamics.dynamics.cycles import cycle
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import spectral_radius
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label
from momentum_dynamics.laws import cycles, optima, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import PiecewiseQuadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ThreeCycle:
    """The derivative, the cycle, errors of three methods and the basin of the cycle."""

    place: Array
    slope: Array
    cycle: Array
    names: tuple[str, ...]
    error: Array
    start: Array
    trapped: NDArray[np.int64]


def _three_cycle(*, steps: int = 60, starts: int = 1201) -> ThreeCycle:
    problem = PiecewiseQuadratic.lessard()
    kinds = ("heavy-ball", "gradient-descent", "nesterov")
    methods: list[Any] = [
        tune(kind, smallest_curvature=1.0, largest_curvature=25.0) for kind in kinds[:2]
    ]
    methods.append(
        tune("nesterov", smallest_curvature=1.0, largest_curvature=25.0, objective="smooth-convex")
    )
    runs = [simulate(method, problem, steps=steps, start=[3.3]).outputs[:, 0] for method in methods]
    line = np.linspace(-6, 6, starts)
    ended = simulate(methods[0], problem, steps=600, replicas=starts, start=line[:, None]).outputs[
        -1, :, 0
    ]
    place = np.linspace(-2.4, 3.4, 200)
    last = simulate(methods[0], problem, steps=600, start=[3.3]).points[-3:, 0]
    return ThreeCycle(
        place=place,
        slope=problem.field(place),
        cycle=last,
        names=("heavy ball", "gradient descent", "Nesterov"),
        error=np.abs(np.array(runs)),
        start=line,
        trapped=(np.abs(ended) > 0.1).astype(int),
    )


def _draw_three_cycle(data: ThreeCycle, axes: Any) -> None:
    ax = axes["A"]
    ax.axhline(0, color="#bbbbbb", linewidth=0.8)
    ax.plot(data.place, data.slope, color=INK)
    ax.plot(data.cycle, np.interp(data.cycle, data.place, data.slope), "o", color=COLORS[1])
    arrow = {"arrowstyle": "->", "color": COLORS[1], "connectionstyle": "arc3,rad=-0.25"}
    for here, there in itertools.pairwise([*data.cycle, data.cycle[0]]):
        ax.annotate(
            "", (there, np.interp(there, data.place, data.slope)),
            (here, np.interp(here, data.place, data.slope)),
            arrowprops=arrow,
        )  # fmt: skip
    ax.set(xlabel="$x$", ylabel="$f'(x)$", title="A  the cycle")
    ax = axes["B"]
    for name, path, color in zip(data.names, data.error, (COLORS[1], GRAY, COLORS[2]), strict=True):
        ax.semilogy(np.maximum(path, 1e-9), color=color, label=name, linewidth=1.4)
    ax.set(xlabel=label("step"), ylabel="distance", ylim=(1e-7, 20), title="B  from 3.3")
    ax.legend(loc="lower left", fontsize=9)
    ax = axes["C"]
    ax.imshow(
        data.trapped[None, :], aspect="auto", cmap="Oranges", vmin=0, vmax=1.3,
        extent=(data.start[0], data.start[-1], 0, 1), interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="start at rest", yticks=[], title="C  starts that end in the cycle")
    ax.grid(visible=False)


def _tell_three_cycle(data: ThreeCycle) -> str:
    points = ", ".join(f"{number(float(value), 4)}" for value in data.cycle)
    return (
        "Heavy ball with its optimal parameters for curvatures 1 and 25 on a convex function with "
        f"exactly these. (A) It goes round {points} for ever. (B) From the same start gradient "
        "descent and Nesterov's method converge. (C) "
        f"{100 * data.trapped.mean():.0f} % of the starts between −6 and 6 end in the cycle."
    )


THREE_CYCLE = Figure(
    slug="three-cycle",
    title="Tuned for quadratics, heavy ball runs in circles on a convex function",
    source=Citation("lessard2016"),
    claims=("tuned-heavy-ball-has-a-three-cycle",),
    compute=_three_cycle,
    draw=_draw_three_cycle,
    caption=_tell_three_cycle,
    panels="AB\nCC",
    size=(WIDTH, 4.4),
    quick={"starts": 301},
    remark="The source shows the error of heavy ball; cycle and basin are ours.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class CycleRegions:
    """Over αL and β: the rate on quadratics and the shortest cycle; and one cycle in the plane."""

    condition_number: float
    step: Array
    momentum: Array
    rate: Array
    shortest: Array
    tuned: Array
    points: Array
    path: Array


def _cycle_regions(
    *, condition_number: float = 100.0, points: int = 181, longest: int = 25, length: int = 3
) -> CycleRegions:
    kappa = float(condition_number)
    step = np.linspace(0.02, 3.98, points)
    momentum = np.linspace(0.0, 0.995, points)[:, None]
    balls = HeavyBall(learning_rate=step / kappa, momentum=momentum)
    rate = np.maximum(spectral_radius(balls, 1.0), spectral_radius(balls, kappa))
    shortest = np.full((points, points), np.nan)
    for k in range(longest, 2, -1):
        margin = cycles.cycle_margin(step / kappa, momentum, 1.0, kappa, np.cos(2 * np.pi / k))
        shortest = np.where(np.broadcast_to(margin, shortest.shape) <= 0, k, shortest)
    best: Any = tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
    found = cycle(best, 1.0, kappa, length)
    run = simulate(
        best, found.problem, steps=90, start=tuple(0.75 * slot for slot in found.start)
    ).points
    turns = np.exp(2j * np.pi * np.arange(length + 1) / length)
    corners = found.problem.corner * turns
    return CycleRegions(
        condition_number=kappa,
        step=step,
        momentum=momentum[:, 0],
        rate=np.where(rate < 1, rate, np.nan),
        shortest=np.where(rate < 1, shortest, np.nan),
        tuned=np.array([best.learning_rate * kappa, best.momentum]),
        points=np.stack([corners.real, corners.imag], axis=-1),
        path=run,
    )


def _draw_cycle_regions(data: CycleRegions, axes: Any) -> None:
    left, right = axes[0]
    left.contour(
        data.step, data.momentum, data.rate, levels=[0.85, 0.9, 0.95, 0.98, 1 - 1e-9],
        colors=INK, linewidths=0.7,
    )  # fmt: skip
    picture = left.pcolormesh(
        data.step,
        data.momentum,
        data.shortest,
        cmap="viridis_r",
        vmin=3,
        vmax=25,
        shading="nearest",
        rasterized=True,
    )
    left.figure.colorbar(picture, ax=left, label="shortest cycle $K$", ticks=[3, 10, 20])
    left.plot(*data.tuned, "*", color=COLORS[1], markersize=12, markeredgecolor="white")
    left.set(
        xlabel="$\\alpha L$", ylabel=label("momentum"), xlim=(0, 4), ylim=(0, 1),
        title=f"$\\kappa = {data.condition_number:g}$",
    )  # fmt: skip
    angle = np.linspace(0, 2 * np.pi, 200)
    right.plot(np.cos(angle), np.sin(angle), color="#bbbbbb", linewidth=0.8)
    right.fill(*data.points.T, color=COLORS[5], alpha=0.4)
    right.plot(*data.path.T, "-", color=GRAY, linewidth=0.6)
    right.plot(*data.path[-3:].T, "o", color=COLORS[1], markersize=7)
    right.plot(*data.path[0], "s", color=INK, markersize=5)
    right.plot(0, 0, "+", color=INK)
    right.set(
        aspect="equal", title="a run that is drawn into one", xticks=[-1, 0, 1], yticks=[-1, 0, 1]
    )


def _tell_cycle_regions(data: CycleRegions) -> str:
    share = np.isfinite(data.shortest[np.isfinite(data.rate)]).mean()
    fast = np.isfinite(data.shortest[data.rate < _FAST]).mean()
    return (
        f"Left: condition number {number(data.condition_number)}. Colored: parameters of heavy "
        "ball for which some smooth strongly convex function of the plane has a cycle, by its "
        "length, up to 25; lines: rates on quadratics (0.85 to 1), the star the optimum. "
        f"{100 * share:.0f} % of the stable parameters shown are trapped, and {100 * fast:.0f} % "
        f"of those with a rate below {_FAST:g}. "
        "Right: a run from the square, with optimal parameters, on the function made of the "
        "triangle: it ends on the unit circle, not at the minimum (+)."
    )


_FAST = 0.9
"""A rate that momentum reaches at κ = 100 and gradient descent does not."""


REGIONS = Figure(
    slug="cycle-regions",
    title="Where heavy ball is fast on quadratics, some convex function traps it",
    source=Citation("goujaud2023"),
    claims=(
        "heavy-ball-cycles-on-roots-of-unity",
        "heavy-ball-accelerates-or-is-safe-never-both",
        "tuned-heavy-ball-is-safe-up-to-seventeen-point-nine",
    ),
    compute=_cycle_regions,
    draw=_draw_cycle_regions,
    caption=_tell_cycle_regions,
    panels=(1, 2),
    size=(WIDTH, 3.4),
    quick={"points": 61},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Certified:
    """Certified rates ``(curves, condition numbers)``, NaN where nothing is certified."""

    kappa: Array
    names: tuple[str, ...]
    certified: Array
    quadratic: Array
    switching: Array
    lower: Array


def _certified(*, points: int = 33, frequencies: int = 1001) -> Certified:
    kappa = np.unique(np.concatenate([np.geomspace(1.2, 300, points), [5.8, 17.9, 18.0]]))
    curves: tuple[tuple[str, str, str], ...] = (
        ("heavy ball", "heavy-ball", "quadratic"),
        ("Nesterov", "nesterov", "smooth-convex"),
        ("triple momentum", "triple-momentum", "smooth-convex"),
        ("gradient descent", "gradient-descent", "smooth-convex"),
    )
    rows = []
    for _, kind, objective in curves:
        row = []
        for value in kappa:
            method = tune(
                kind, smallest_curvature=1.0, largest_curvature=float(value), objective=objective
            )
            rate = certified_rate(method, 1.0, float(value), frequencies=frequencies).rate
            row.append(np.nan if rate is None else rate)
        rows.append(row)
    root = optima.heavy_ball_rate(kappa)
    growth = spectrum.switching_growth(2 * root, root**2)
    return Certified(
        kappa=kappa,
        names=tuple(name for name, _, _ in curves),
        certified=np.array(rows, dtype=float),
        quadratic=np.asarray(root, dtype=float),
        switching=np.where(growth < 1, growth, np.nan),
        lower=np.asarray(optima.nesterov_smooth_rate(kappa), dtype=float),
    )


def _draw_certified(data: Certified, ax: Any) -> None:
    colors = (COLORS[1], COLORS[0], COLORS[2], GRAY)
    for name, row, color in zip(data.names, data.certified, colors, strict=True):
        ax.semilogx(data.kappa, row, color=color, label=name)
    ax.semilogx(data.kappa, data.switching, "--", color=COLORS[1], label="heavy ball, switching")
    ax.semilogx(data.kappa, data.quadratic, ":", color=INK, label="heavy ball, quadratics")
    for value in (3 + 2 * np.sqrt(2), (2 + np.sqrt(5)) ** 2):
        ax.axvline(value, color="#bbbbbb", linewidth=0.9, zorder=0)
        ax.annotate(
            f"{value:.2f}", (value, 0.03), (3, 0), textcoords="offset points", color=INK, size=9
        )
    ax.axhline(1, color="#bbbbbb", linewidth=0.8)
    ax.set(xlabel=label("condition_number"), ylabel=label("rate"), ylim=(0, 1.03))
    ax.legend(loc="lower right", fontsize=9)


def _tell_certified(data: Certified) -> str:
    last = data.kappa[np.isfinite(data.certified[0])].max()
    return (
        "Rates that hold for all smooth strongly convex functions (lines; by frequency-domain "
        "conditions on a grid, so evidence and no proof). Tuned heavy ball is certified up to κ = "
        f"{number(float(last), 4)}, where its cycles begin; when the curvature may change at every "
        "step (dashed) only up to 5.83. On quadratics (dotted) it is the fastest. Triple momentum "
        "is the fastest with a certificate, Nesterov's method close behind."
    )


CERTIFIED = Figure(
    slug="certified-rates",
    title="What holds for all smooth strongly convex functions",
    source=Citation("lessard2016"),
    claims=(
        "tuned-heavy-ball-is-safe-up-to-seventeen-point-nine",
        "circle-criterion-is-exact-for-tuned-heavy-ball",
        "triple-momentum-is-certified-at-its-quadratic-rate",
        "switching-bears-momentum-up-to-one-over-kappa",
    ),
    compute=_certified,
    draw=_draw_certified,
    caption=_tell_certified,
    quick={"points": 13, "frequencies": 401},
    remark="The source solves linear matrix inequalities; the frequency-domain form is equivalent.",
)
