"""Predicted rates against rates measured on data that nobody generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from momentum_dynamics.analysis import analyze
from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import optima
from momentum_dynamics.problems import named_data
from momentum_dynamics.scalars import expression

__all__: list[str] = []

DATA = (("diabetes", 0.0), ("wine", 0.0), ("breast-cancer", 0.01))


def _statement() -> Any:
    return sympy.Eq(sympy.Symbol("rho"), expression(optima.heavy_ball_rate))


def _rates(*, ends_known: bool) -> Evidence:
    """Every method on every data set: measured minus predicted rate, over its uncertainty.

    The control forgets the square root in heavy ball's rate, which then is gradient descent's.
    """
    predicted, measured, allowed = [], [], []
    for name, ridge in DATA:
        found = analyze(named_data(name), ridge=ridge)
        for row in found.rows:
            if row.measured is None or row.uncertainty is None:
                continue
            rate = row.predicted
            if not ends_known and row.kind == "heavy-ball":
                rate = float(optima.gradient_descent_rate(found.condition_number))
            predicted.append(rate)
            measured.append(row.measured)
            allowed.append(row.uncertainty)
    return Evidence.close(
        np.zeros(len(predicted)),
        (np.array(measured) - np.array(predicted)) / np.maximum(allowed, 1e-6),
        tolerance=1.0,
        note=f"measured minus predicted rate over its uncertainty, {len(predicted)} runs on "
        f"{len(DATA)} data sets",
    )


REAL_DATA = Claim(
    slug="rates-hold-on-real-data",
    title="The spectrum of a data set predicts how fast every tuned method fits it.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=_statement,
    proof=None,
    experiment=lambda _: _rates(ends_known=True),
    control=lambda _: _rates(ends_known=False),
    expected=Verdict.CONFIRMED,
    figures=("rates-on-real-data",),
    remark="Diabetes, wine and breast-cancer, standardized; the last with a ridge of 0.01. "
    "The control predicts heavy ball by gradient descent's rate.",
)
