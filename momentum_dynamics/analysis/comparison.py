"""`analyze`: predict from the spectrum, run every tuned method, measure, compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.analysis.ready import EPSILON, Run, prepare, require_scale
from momentum_dynamics.analysis.report import Analysis, AnalysisRow
from momentum_dynamics.dynamics.optimum import tune, worst_rate
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.methods.protocol import period_of
from momentum_dynamics.notation import quantities
from momentum_dynamics.problems import LinearProblem, NamedData, Quadratic, Ridge
from momentum_dynamics.simulation import Outcome, simulate
from momentum_dynamics.simulation.rates import measure_rate, slope

__all__ = ["analyze"]

Array = NDArray[np.float64]

_METHODS = (
    ("gradient descent", "gradient-descent", "quadratic"),
    ("heavy ball", "heavy-ball", "quadratic"),
    ("Nesterov", "nesterov", "quadratic"),
    ("Nesterov, standard", "nesterov", "smooth-convex"),
    ("triple momentum", "triple-momentum", "quadratic"),
    ("robust momentum", "robust-momentum", "quadratic"),
    ("Chebyshev", "chebyshev", "quadratic"),
)
"""The rows, in the order of the table: name, and kind and objective of `tune`."""


def analyze(
    problem: NamedData | LinearProblem,
    *,
    ridge: float = 0.0,
    steps: int | None = None,
    name: str | None = None,
) -> Analysis:
    """Predict how fast every tuned method solves a problem, then run each and measure.

    Parameters
    ----------
    problem : NamedData or LinearProblem
        What `read_data` returns, or `LeastSquares`, `Ridge`, `Quadratic`. Data are taken as they
        are: no intercept, no scaling.
    ridge : float
        R ≥ 0, added to every curvature; with data only.
    steps : int, optional
        How long each method runs; by default until rounding takes over, at most 10,000 steps,
        fewer where a step is expensive.
    name : str, optional
        For the headline.

    Returns
    -------
    Analysis
        Print it, plot it, or take its `to_dict`.

    Raises
    ------
    DomainError
        If no curvature is above zero, one is below, numbers are too large or too small to be
        squared, or a setting is not admissible.
    ShapeError
        If the problem is no data and has no spectrum of real curvatures.

    Notes
    -----
    Each method is tuned for the smallest curvature above zero and the largest, started at the
    problem's start (zero weights for data), and run through `simulate` on the problem's own field.
    The distance is measured to the solution that the start tends to: with directions left open,
    the nearest one, which from zero weights is the one of least norm. What counts as rounding is
    measured too, from the gradient that is computed at the solution, where it should be zero.

    Tall data are first folded: with [X y] = QR, the rows of R, one for each column of [X y], give
    the same loss and the same gradient for all weights, at the cost of a small step.

    Examples
    --------
    >>> from momentum_dynamics import Quadratic
    >>> found = analyze(Quadratic([1.0, 4.0, 9.0]))
    >>> found.condition_number
    9.0
    >>> ball = found.rows[1]
    >>> ball.name, ball.predicted, abs(ball.measured - ball.predicted) <= ball.uncertainty
    ('heavy ball', 0.5, True)
    """
    if steps is not None and (steps != int(steps) or steps < 1):
        raise DomainError(f"steps is {steps}, but must be a whole number from 1.")
    if isinstance(problem, str | Path):
        raise DomainError(
            f"{str(problem)!r} is a name, no data; read it first: "
            f'analyze(read_data({str(problem)!r}, target="…")).'
        )
    data = problem if isinstance(problem, NamedData) else None
    if data is not None:
        problem = Ridge(data.X, data.y, ridge=ridge)
    elif ridge:
        raise DomainError(
            "ridge goes with data; give the problem itself one: Ridge(X, y, ridge=…)."
        )
    if isinstance(problem, Ridge):
        require_scale(problem, data)
    if not isinstance(problem, LinearProblem):
        raise ShapeError(
            f"{type(problem).__name__} has no fixed spectrum of real curvatures; analyze takes "
            "data, LeastSquares, Ridge or Quadratic."
        )
    run = prepare(problem)
    rows = tuple(
        _row(run, title, kind, objective, steps)
        for title, kind, objective in _METHODS
        if kind != "robust-momentum" or not run.is_round
    )
    return Analysis(
        name=name or (data.name if data is not None else type(problem).__name__),
        samples=len(problem.X) if isinstance(problem, Ridge) else None,
        features=problem.dimension,
        rank=problem.rank if isinstance(problem, Ridge) else len(run.curvatures),
        dropped=run.dropped,
        smallest_curvature=run.low,
        largest_curvature=run.high,
        condition_number=run.high / run.low,
        ridge=problem.ridge if isinstance(problem, Ridge) else 0.0,
        rows=rows,
        notes=tuple(_notes(problem, run, rows)),
    )


def _row(run: Run, name: str, kind: str, objective: str, steps: int | None) -> AnalysisRow:
    def best(which: str, goal: str) -> Any:
        return tune(which, smallest_curvature=run.low, largest_curvature=run.high, objective=goal)

    method = best(kind, objective)
    # What never settles tends to heavy ball: the best coefficients for ever are constant ones.
    settled = method if period_of(method) is not None else best("heavy-ball", "quadratic")
    predicted = worst_rate(settled, run.curvatures)
    core = getattr(method, "core", method)
    count = 0 if run.is_solved else _steps(run, predicted, steps)
    path = np.zeros(1)
    if count:
        path = simulate(method, run, steps=count, engine="direct").distance
    found = measure_rate(path, floor=run.floor) if count else None
    expected = None
    if found is not None:
        modes = simulate(
            method,
            Quadratic(run.curvatures),
            start=run.along,
            steps=found.last,
            replicas=1,
            engine="numpy",
        )
        exact = modes.distance[:, 0]
        expected = math.exp(slope(exact, found.first, found.last)[0])
    return AnalysisRow(
        name=name,
        kind=kind,
        objective=objective,
        parameters={name: float(getattr(core, name)) for name in quantities(core)},
        predicted=predicted,
        expected=expected,
        measured=None if found is None else found.rate,
        uncertainty=None if found is None else found.uncertainty,
        window=None if found is None else (found.first, found.last),
        steps=count,
        outcome=_outcome(path, run.floor).value,
        final_distance=float(path[-1] / path[0]) if path[0] > 0 else 0.0,
        gradients_predicted=_gradients(predicted),
        gradients_measured=_reached(path),
    )


def _steps(run: Run, predicted: float, steps: int | None) -> int:
    """As asked, or until the floor is reached as far as the budget goes."""
    most = _KEPT // run.dimension
    if steps is not None:
        if steps > most:
            raise DomainError(
                f"steps is {steps}, but with {run.dimension} coordinates a run of more than {most} "
                "steps does not fit into memory."
            )
        return int(steps)
    limit = max(_FEWEST, min(_MOST, _KEPT // (5 * run.dimension), int(_WORK / run.cost)))
    if not 0 < predicted < 1:
        return _FEWEST if predicted <= 0 else limit
    decay = -math.log(predicted)
    if decay * limit < 0.1:  # The slowest mode stands still within any budget.
        return max(_FEWEST, limit // 10)
    depth = math.log(run.away / run.floor) if run.floor else -math.log(EPSILON)
    # A double root costs a factor of the number of steps.
    wanted = (depth + math.log1p(depth / decay)) / decay + _FEWEST
    return int(min(limit, wanted))


_FEWEST, _MOST = 32, 10_000
_KEPT = 50_000_000
"""Numbers of a path that fit into memory."""
_WORK = 2e10
"""Operations that one method may take: some seconds."""


def _outcome(path: Array, floor: float) -> Outcome:
    if not np.isfinite(path).all():
        return Outcome.DIVERGED
    return Outcome.CONVERGED if path[-1] <= floor else Outcome.BUDGET_SPENT


def _gradients(rate: float) -> float:
    if rate <= 0:
        return 1.0
    return max(1.0, math.log(1000) / -math.log(rate)) if rate < 1 else math.inf


def _reached(path: Array) -> int | None:
    """After how many steps the path stays within a thousandth of where it began."""
    outside = np.flatnonzero(~(path <= path[0] / 1000))
    if len(outside) == 0 or path[0] == 0:
        return 0
    count = int(outside[-1]) + 1
    return count if count < len(path) else None


def _notes(problem: LinearProblem, run: Run, rows: tuple[AnalysisRow, ...]) -> Iterator[str]:
    """What a reader should know, one sentence or two each."""
    condition_number = run.high / run.low
    is_data = isinstance(problem, Ridge)
    if run.dropped:
        total = run.dropped + len(run.curvatures)
        why = (
            " (fewer rows than columns, or columns that are zero or sums of others)"
            if is_data
            else ""
        )
        yield (
            f"{run.dropped} of {total} curvatures {'is' if run.dropped == 1 else 'are'} zero{why}; "
            "these directions never move, and all rates are those of the smallest curvature above "
            "zero."
        )
    if run.is_solved:
        yield "Already solved: the start is the solution, so there is nothing to measure."
    if condition_number > _VAST:
        better = (run.high - _MILD * run.low) / (_MILD - 1)
        advice = (
            "drop columns that nearly repeat others, bring columns to one scale, or add a ridge: "
            f"{better:.2g} more brings it down to {_MILD:g}."
            if is_data
            else "no method that asks for gradients gets far."
        )
        yield f"The condition number {condition_number:.2g} is vast; {advice}"
    if run.is_round:
        yield (
            "All curvatures are equal: one gradient step solves it and momentum is of no use; "
            "robust momentum is left out, since it is defined for condition numbers above 1 only."
        )
    size = np.abs(run.along)
    moving = run.curvatures[size > _UNMOVED * size.max(initial=0)]
    if len(moving) and moving[0] > run.low and not run.is_solved:
        yield (
            f"From this start nothing moves along the curvatures below {moving[0]:.4g}; a method "
            "whose slowest mode lies there runs faster than predicted."
        )
    spent = [row for row in rows if row.outcome == Outcome.BUDGET_SPENT.value]
    if spent:
        lengths = {row.steps for row in spent}
        names = "all methods" if len(spent) == len(rows) else "; ".join(row.name for row in spent)
        count = f"{min(lengths)}" if len(lengths) == 1 else f"{min(lengths)} to {max(lengths)}"
        yield (
            f"The budget of {count} steps was spent before rounding took over ({names}): compare "
            "the measured rate with the prediction for these steps, not with the long run."
        )


_VAST, _MILD = 1e10, 1e4
"""Beyond the one a run in double precision sees no end; the other takes some hundred steps."""

_UNMOVED = 1e-10
"""A share of the displacement that takes too long to show."""
