"""After Goh's page: colors that spread over a picture, and how hard a graph makes a problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, WIDTH, label
from momentum_dynamics.laws import optima
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__: list[str] = []

Array = NDArray[np.float64]


# Graphs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Graphs:
    """Condition numbers and steps to a millionth ``(graphs, sizes)``."""

    names: NDArray[np.str_]
    nodes: Array
    condition: Array
    predicted: Array
    measured: Array


def _path_laplacian(size: int) -> Array:
    matrix = 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    matrix[0, 0] = matrix[-1, -1] = 1
    return matrix


def _grid_laplacian(size: int) -> Array:
    line, eye = _path_laplacian(size), np.eye(size)
    return np.kron(line, eye) + np.kron(eye, line)


def _expander_laplacian(side: int) -> Array:
    """Margulis' graph: (x, y) joined to (x ± 2y, y), (x ± (2y + 1), y), and the same for y by x.

    Eight edges at each node, and the condition number stays below 16/(8 − 5√2) = 17.3.
    """
    adjacency = np.zeros((side * side, side * side))
    x, y = np.divmod(np.arange(side * side), side)
    for shift in (2 * y, 2 * y + 1):
        adjacency[side * x + y, side * ((x + shift) % side) + y] += 1
    for shift in (2 * x, 2 * x + 1):
        adjacency[side * x + y, side * x + (y + shift) % side] += 1
    adjacency = adjacency + adjacency.T
    return np.asarray(np.diag(adjacency.sum(axis=1)) - adjacency)


_TARGET = 1e-6


def _graphs(*, sides: Sequence[int] = (4, 8, 16, 24)) -> Graphs:
    families = (
        ("path", [_path_laplacian(side**2) for side in sides]),
        ("grid", [_grid_laplacian(side) for side in sides]),
        ("expander", [_expander_laplacian(side) for side in sides]),
    )
    nodes, condition, predicted, measured = ([] for _ in range(4))
    for _, matrices in families:
        spectra = [np.linalg.eigvalsh(matrix)[1:] for matrix in matrices]  # but for the constants
        nodes.append([len(matrix) for matrix in matrices])
        condition.append([spectrum[-1] / spectrum[0] for spectrum in spectra])
        steps = np.array([_steps_needed(spectrum) for spectrum in spectra])
        predicted.append(steps[:, 0])
        measured.append(steps[:, 1])
    return Graphs(
        names=np.array([name for name, _ in families]),
        nodes=np.array(nodes, dtype=float),
        condition=np.array(condition),
        predicted=np.array(predicted),
        measured=np.array(measured),
    )


def _steps_needed(spectrum: Any) -> list[list[float]]:
    """Steps to a millionth of the start by both methods: by the rate, and counted on runs."""
    low, high = float(spectrum[0]), float(spectrum[-1])
    kappa = high / low
    rates = (optima.gradient_descent_rate(kappa), optima.heavy_ball_rate(kappa))
    foreseen = [float(np.log(_TARGET) / np.log(rate)) for rate in rates]
    counted = []
    for name, guess in zip(("gradient-descent", "heavy-ball"), foreseen, strict=True):
        method = tune(name, smallest_curvature=low, largest_curvature=high)
        modes = np.array([low, high])
        steps = int(2 * guess) + 60
        if steps > _LONGEST:
            counted.append(np.nan)
            continue
        run = simulate(method, Quadratic(modes), steps=steps)
        near = np.linalg.norm(run.outputs, axis=1) <= _TARGET * np.linalg.norm(run.outputs[0])
        counted.append(float(np.flatnonzero(~near)[-1] + 1))
    return [foreseen, counted]


_LONGEST = 3_000
"""Longer runs are left to the prediction."""


def _draw_graphs(data: Graphs, axes: Any) -> None:
    left, right = axes[0]
    for row, (name, color) in enumerate(zip(data.names, COLORS, strict=False)):
        left.loglog(data.nodes[row], data.condition[row], "o-", color=color, label=str(name))
        for method, style in ((0, ":"), (1, "-")):
            right.loglog(
                data.condition[row], data.predicted[row, :, method], style, color=color,
                linewidth=1.4,
            )  # fmt: skip
            right.loglog(
                data.condition[row], data.measured[row, :, method], "os"[method], color=color,
                markersize=4.5,
            )  # fmt: skip
    left.set(xlabel="nodes", ylabel="condition number $\\kappa$", title="of the graph's Laplacian")
    left.minorticks_off()
    left.set_xticks(data.nodes[0], [f"{count:g}" for count in data.nodes[0]])
    left.legend(fontsize=8)
    right.set(xlabel=label("condition_number"), ylabel="steps to $10^{-6}$")
    right.set_title("gradient descent (dotted), heavy ball")


def _tell_graphs(data: Graphs) -> str:
    worst = ", ".join(
        f"{name} {number(float(row[-1]), 3)}"
        for name, row in zip(data.names, data.condition, strict=True)
    )
    return (
        "A color spreads from the marked pixels to their neighbors, and so on: the problem is as "
        f"hard as its graph is long. Condition number with the most nodes: {worst}. It grows with "
        "the square of a path's length, like the number of a grid's pixels, and stays bounded on "
        "an expander. Lines are steps by the rate, marks are counted on the two extreme modes: "
        "momentum takes the root of the steps, and from rest a few more than its rate says. The "
        "longest runs were not made."
    )


GRAPHS = Figure(
    slug="graph-conditioning",
    title="How hard a problem is can be seen from its graph",
    source=Citation("goh2017"),
    claims=("optimal-heavy-ball",),
    compute=_graphs,
    draw=_draw_graphs,
    caption=_tell_graphs,
    panels=(1, 2),
    size=(WIDTH, 3.3),
    quick={"sides": (4, 8)},
    remark="After the page's section on colorization; the expander, Margulis', was chosen here, "
    "and the curvatures are those beside the constants.",
)


# Colorization ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Colorization:
    """A picture on its way, ``(methods, frames, rows, columns)``, and its distance from the end."""

    names: tuple[str, ...]
    condition_number: float
    momentum: float
    step: Array
    picture: Array
    distance: Array
    marked: Array


def _strokes(rows: int, columns: int) -> Array:
    """What a hand marks on the sheet: a stroke of color 1, one of color −1, and 0 elsewhere."""
    sheet = np.zeros((rows, columns))
    sheet[rows // 4, columns // 8 : columns // 2] = 1.0
    sheet[rows // 2 : -rows // 8, 3 * columns // 4] = -1.0
    return sheet


def _colorization(
    *, rows: int = 28, columns: int = 40, steps: Sequence[int] = (10, 50, 250)
) -> Colorization:
    sheet = _strokes(rows, columns)
    marked = sheet != 0
    # f = Σ over neighbors (wᵢ − wⱼ)²/2 + Σ over marked pixels (wᵢ − cᵢ)²/2
    matrix = (
        np.kron(_path_laplacian(rows), np.eye(columns))
        + np.kron(np.eye(rows), _path_laplacian(columns))
        + np.diag(marked.ravel().astype(float))
    )
    solution = np.linalg.solve(matrix, sheet.ravel())
    problem = Quadratic(matrix=matrix, solution=solution)
    spectrum = problem.spectrum()
    low, high = float(spectrum.min()), float(spectrum.max())
    ball: Any = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
    descent: Any = tune("gradient-descent", smallest_curvature=low, largest_curvature=high)
    pictures, distances = [], []
    for method in (descent, ball):
        run = simulate(method, problem, steps=max(steps), start=np.zeros(rows * columns))
        pictures.append(run.outputs[list(steps)].reshape(-1, rows, columns))
        distances.append(run.distance / run.distance[0])
    return Colorization(
        names=("gradient descent", "heavy ball"),
        condition_number=high / low,
        momentum=float(ball.momentum),
        step=np.asarray(steps, dtype=float),
        picture=np.array(pictures),
        distance=np.array(distances),
        marked=sheet,
    )


def _draw_colorization(data: Colorization, axes: Any) -> None:
    for line, name, pictures, distance in zip(
        axes, data.names, data.picture, data.distance, strict=True
    ):
        shown = [data.marked, *pictures]
        titles = ["marked", *(f"{number(float(step))} steps" for step in data.step)]
        for ax, picture, title in zip(line, shown, titles, strict=True):
            ax.imshow(picture, cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ax.set_title(title, fontsize=9)
            ax.grid(visible=False)
        for ax, step in zip(line[1:], data.step, strict=True):
            ax.set_xlabel(f"{number(100 * float(distance[int(step)]), 2)} % to go", fontsize=8)
        line[0].set_ylabel(name)


def _tell_colorization(data: Colorization) -> str:
    last = int(data.step[-1])
    rows, columns = data.marked.shape
    return (
        f"Two strokes on a sheet of {rows} × {columns} pixels, whose colors spread to their "
        f"neighbors: κ = {number(round(data.condition_number))}. Tuned gradient descent hands on "
        f"color slowly; momentum {data.momentum:.4f} carries it over the sheet and after "
        f"{number(float(last))} steps has {number(100 * float(data.distance[1, last]), 2)} % of "
        f"the way to go, against {number(100 * float(data.distance[0, last]), 2)} %."
    )


COLORIZATION = Figure(
    slug="colorization",
    title="Color spreads over a picture as fast as momentum carries it",
    source=Citation("goh2017"),
    claims=("optimal-heavy-ball",),
    compute=_colorization,
    draw=_draw_colorization,
    caption=_tell_colorization,
    panels=(2, 4),
    size=(WIDTH, 3.4),
    quick={"rows": 14, "columns": 20, "steps": (10, 30, 100)},
    remark="The page's sheet has as many pixels; the strokes were drawn here.",
)
