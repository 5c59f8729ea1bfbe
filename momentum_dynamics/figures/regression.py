"""After Goh's page: which features are fitted first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.claims import Citation
from momentum_dynamics.dynamics.residual import residual_polynomial
from momentum_dynamics.figures.base import Figure, number
from momentum_dynamics.figures.style import COLORS, GRAY, INK, WIDTH, label, shades
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import LeastSquares

__all__: list[str] = []

Array = NDArray[np.float64]


# Polynomial regression -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """Eigenfeatures of a polynomial fit, what is fitted of each, fits on the way, their errors."""

    seed: int
    momentum: float
    samples: Array
    target: Array
    place: Array
    truth: Array
    curvature: Array
    feature: Array
    count: Array
    fitted: Array
    fit: Array
    best: Array
    step: Array
    error: Array
    settled: float


def _truth(place: Any) -> Any:
    """The curve behind the samples."""
    return np.sin(3 * place)


_COUNTS = (10, 100, 1000)


def _regression(
    *,
    degree: int = 8,
    samples: int = 14,
    noise: float = 0.4,
    momentum: float = 0.9,
    points: int = 25,
    seed: int = 3,
) -> Regression:
    rng = np.random.default_rng(seed)
    data = np.linspace(-1, 1, samples)
    target = _truth(data) + noise * rng.standard_normal(samples)
    powers = np.arange(degree + 1)
    problem = LeastSquares(data[:, None] ** powers, target)
    curvatures, modes = map(np.asarray, problem.modes)
    order = np.argsort(curvatures)[::-1]
    curvatures, modes = curvatures[order], modes[:, order]
    place = np.linspace(-1, 1, 201)
    features = (place[:, None] ** powers) @ modes
    weights = modes.T @ problem.solution
    steepest = 1 / (5 * float(curvatures[0]))
    balls = HeavyBall(learning_rate=steepest, momentum=np.array([[0.0], [momentum]]))
    descent = HeavyBall(learning_rate=steepest, momentum=0.0)
    fitted = np.array([1 - residual_polynomial(descent, n)(curvatures) for n in _COUNTS])
    steps = np.unique(np.geomspace(1, 10_000, points).astype(int))
    shares = np.array([1 - residual_polynomial(balls, int(n))(curvatures) for n in steps])
    fits = (shares * weights) @ features.T
    truth = _truth(place)
    return Regression(
        seed=int(seed),
        momentum=float(momentum),
        samples=data,
        target=target,
        place=place,
        truth=truth,
        curvature=curvatures,
        feature=features.T,
        count=np.array(_COUNTS, dtype=float),
        fitted=fitted,
        fit=(fitted * weights) @ features.T,
        best=features @ weights,
        step=steps.astype(float),
        error=np.sqrt(((fits - truth) ** 2).mean(axis=-1)).T,
        settled=float(np.sqrt(((features @ weights - truth) ** 2).mean())),
    )


def _draw_regression(data: Regression, axes: Any) -> None:
    colors = shades(len(data.curvature))
    stack, share, fits, errors = axes.ravel()
    for row, (feature, h, color) in enumerate(
        zip(data.feature, data.curvature, colors, strict=True)
    ):
        shift = -2.2 * row
        stack.axhline(shift, color="#dddddd", linewidth=0.8)
        stack.plot(data.place, shift + feature / np.abs(feature).max(), color=color, linewidth=1.3)
        stack.text(1.06, shift, f"{number(float(h), 2)}", va="center", size=8, color=INK)
    stack.set(yticks=[], title="eigenfeatures, and their curvatures", xlim=(-1, 1.45))
    stack.set_xticks([-1, 0, 1])
    mode = np.arange(1, len(data.curvature) + 1)
    chosen = (COLORS[1], COLORS[0], COLORS[2])
    for fitted, fit, count, color in zip(data.fitted, data.fit, data.count, chosen, strict=True):
        words = f"{number(float(count))} steps"
        share.plot(mode, fitted, "o-", color=color, label=words)
        fits.plot(data.place, fit, color=color, label=words)
    share.set(xlabel="eigenfeature", title="share fitted by gradient descent", xticks=mode)
    share.legend(fontsize=8, loc="upper right")
    fits.plot(data.place, data.best, color=INK, linewidth=1.2, label="for ever")
    fits.plot(data.place, data.truth, "--", color=GRAY, linewidth=1.6, label="truth")
    fits.plot(data.samples, data.target, "o", color=GRAY, markersize=4)
    reach = 1.4 * np.abs(data.target).max()
    fits.set(xlabel="place", title="fits on the way", ylim=(-reach, reach))
    fits.legend(fontsize=8, loc="upper left", ncols=2)
    for error, name, color in zip(
        data.error, ("gradient descent", f"momentum {data.momentum:g}"), (COLORS[3], COLORS[4]),
        strict=True,
    ):  # fmt: skip
        errors.semilogx(data.step, error, "o-", color=color, markersize=3, label=name)
    errors.axhline(data.settled, color=INK, linewidth=1.2)
    errors.set(xlabel=label("step"), title="distance from the truth", ylim=(0, None))
    errors.legend(fontsize=8, loc="lower left")


def _tell_regression(data: Regression) -> str:
    kappa = float(data.curvature[0] / data.curvature[-1])
    least = data.step[data.error.argmin(axis=1)]
    return (
        f"A polynomial of degree {len(data.curvature) - 1} fitted to {len(data.samples)} noisy "
        f"samples of a sine, seed {data.seed}. The directions that move on their own, as "
        f"functions, have curvatures down to {number(1 / kappa, 1)} of the first. Smooth ones "
        "are fitted first and the most wiggly ones, which noise moves most, last: stopping early "
        f"is a kind of regularization. Best after {number(float(least[0]))} steps of gradient "
        f"descent (root mean square distance {data.error[0].min():.2f}), and after "
        f"{number(float(least[1]))} with momentum {number(data.momentum)} at the same learning "
        f"rate, {number(1 / (1 - data.momentum), 2)} times the effective step. Fitted "
        f"for ever the distance is {data.settled:.2f}."
    )


REGRESSION = Figure(
    slug="polynomial-regression",
    title="Smooth features are fitted first: stopping early regularizes, with momentum too",
    source=Citation("goh2017"),
    claims=("fixed-momentum-tends-to-gradient-flow",),
    compute=_regression,
    draw=_draw_regression,
    caption=_tell_regression,
    panels=(2, 2),
    size=(WIDTH, 5.2),
    quick={"points": 9},
    remark="The page's samples are not at hand: these were made here, and momentum is added.",
)
