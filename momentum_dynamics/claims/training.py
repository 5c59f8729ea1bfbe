"""Optimizers on real data: what a recorded race and runs of this minute say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.training.race import CONTENDERS
from momentum_dynamics.training.results import Results, recorded

__all__: list[str] = []

Array = NDArray[np.float64]

SPEEDUP = sympy.Symbol("s")
_STALE = ("round-robin", "queue")


def _told(results: Results) -> str:
    return f"{len(results.workloads)} workloads, {len(results.seeds)} seeds, {results.steps} steps"


def _at_least_one(values: Sequence[float], note: str) -> Evidence:
    """Every speedup is at least 1; the least one is told."""
    found = np.where(np.isfinite(values), values, 0.0)
    return Evidence(
        predicted=1.0,
        measured=float(found.min()),
        passed=bool((found >= 1).all()),
        note=f"{note}; {int((found >= 1).sum())} of {len(found)} are at least 1",
    )


# YellowFin against Adam ------------------------------------------------------------------------


def _against_adam(name: str) -> Evidence:
    results = recorded()
    values = [results.speedup(each, name).value for each in results.workloads]
    return _at_least_one(
        values, f"the least speedup of {CONTENDERS[name].title} over tuned Adam, {_told(results)}"
    )


def _slower_somewhere() -> Evidence:
    """On some workload the whole interval of the speedup lies below 1."""
    results = recorded()
    slower = [each for each in results.workloads if results.speedup(each, "yellowfin").high < 1]
    return Evidence.exact(
        bool(slower), note=f"the whole interval is below 1 on {', '.join(slower) or 'none'}"
    )


UNTUNED = Claim(
    slug="untuned-yellowfin-is-faster-than-tuned-adam",
    title="YellowFin with nothing set is faster than tuned Adam.",
    source=Citation("zhang2017"),
    kind=Kind.EMPIRICAL,
    statement=lambda: SPEEDUP >= 1,
    proof=_slower_somewhere,
    experiment=lambda _: _against_adam("yellowfin"),
    control=lambda _: _against_adam("adagrad"),
    expected=Verdict.REFUTED,
    figures=("race-curves", "race-scores", "yellowfin-traces"),
    remark="s is the ratio of iterations to the higher one of both least losses, the paper's own "
    "measure. The paper found it on large nets; on the small workloads that need no download it "
    "holds on some and not on others. The control asks the same of tuned AdaGrad.",
)
