"""Our rules beside YellowFin's on real data: true floors, true curvatures, workers that are known.

As in the race itself, verdicts are what was measured. A new race may change them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.claims.training import LOSS_RATIO, ends_higher, ends_lower, final_ratios
from momentum_dynamics.training.contenders import CONTENDERS

__all__: list[str] = []

_RESOLVED = 3.0
"""Standard errors that an effect must be apart from none."""


def _over_all_workloads(ours: str, theirs: str, order: str) -> tuple[float, float, int]:
    """The logarithm of the ratio of final losses, in the mean over workloads, and its error."""
    ratios = np.array(list(final_ratios(ours, theirs, order).values()))
    seeds = np.log(ratios).mean(axis=0)
    return float(seeds.mean()), float(seeds.std(ddof=1) / np.sqrt(len(seeds))), len(ratios)


def _lower_on_the_whole(ours: str, theirs: str, orders: Iterable[str] = ("fresh",)) -> Evidence:
    """Whether the mean of log ratios is below 0 by three standard errors, whoever computes."""
    found = {order: _over_all_workloads(ours, theirs, order) for order in orders}
    scores = {order: mean / error for order, (mean, error, _) in found.items()}
    worst = max(scores, key=lambda order: scores[order])
    mean, error, workloads = found[worst]
    return Evidence(
        predicted=0.0,
        measured=mean,
        standard_error=error,
        passed=scores[worst] <= -_RESOLVED,
        note=f"log of final losses of {CONTENDERS[ours].title} over {CONTENDERS[theirs].title}, in "
        f"the mean over {workloads} workloads, a seed at a time, workers: {worst}; "
        f"{scores[worst]:.1f} standard errors, at most −{_RESOLVED:g} asked for",
    )


PRODUCTS = Claim(
    slug="curvature-from-products-ends-lower-than-yellowfin",
    title="YellowFin's rule fed with curvatures from Hessian-vector products ends lower, in the "
    "geometric mean over eight workloads, than fed with squared gradients.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(LOSS_RATIO, 1),
    proof=None,
    experiment=lambda _: _lower_on_the_whole("equivariant-products", "yellowfin"),
    control=lambda _: _lower_on_the_whole("equivariant-products", "adam"),
    expected=Verdict.CONFIRMED,
    figures=("race-of-rules",),
    remark="Not on each: on cancer-mlp, which can be fitted exactly, YellowFin's learning rate "
    "runs away, some seeds end near 0 and others far off, and ours ends higher in the mean. A "
    "product costs two to five gradients, which steps do not count. The control compares with "
    "tuned Adam, which ends lower.",
)  # fmt: skip

FLOOR = Claim(
    slug="the-true-floor-ends-lower-than-its-stand-in",
    title="A rule that knows the true noise floor ends lower than YellowFin's rule on the same "
    "measurements.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Le(LOSS_RATIO, 1),
    proof=None,
    counterexample=lambda: ends_higher("true-floor-products", "equivariant-products", "fresh"),
    experiment=lambda _: ends_lower("true-floor-products", "equivariant-products", "fresh"),
    control=lambda _: ends_lower("equivariant-products", "true-floor-products", "fresh"),
    expected=Verdict.REFUTED,
    figures=("race-of-rules",),
    remark="The rule charges the floor that the gradient's noise would keep for ever, and takes a "
    "third of the step, α/(1 − β), or less; on data that can be fitted noise fades with the loss. "
    "One searched horizon does not change it. From secants it is worse: the first readings are "
    "noise, curvature in the tens, the distance seems short, and the rule stops. The control "
    "claims the reverse, which fails where the floor is real.",
)  # fmt: skip

_STALE = ("round-robin", "queue")

QUEUE = Claim(
    slug="a-rule-that-knows-the-workers-ends-lower-than-yellowfin",
    title="With sixteen workers the queue rule ends lower than YellowFin, in the geometric mean "
    "over five workloads.",
    source=Citation(None),
    kind=Kind.EMPIRICAL,
    statement=lambda: sympy.Lt(LOSS_RATIO, 1),
    proof=None,
    experiment=lambda _: _lower_on_the_whole("queue-rule", "yellowfin", _STALE),
    control=lambda _: _lower_on_the_whole("true-floor-products", "yellowfin", _STALE),
    expected=Verdict.CONFIRMED,
    figures=("race-of-rules-stale",),
    remark="With nothing set it is lower on each workload where workers write in turn; with random "
    "times it is higher on zen-letters with every seed. It leaves momentum to the workers "
    "and keeps within their mean-square limit, so that nothing explodes; tuned Adam still ends "
    "lower. The control is a rule that does not know of workers.",
)  # fmt: skip
