"""What a claim is, what counts as evidence, and how a verdict follows."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from momentum_dynamics.claims.bibliography import short_reference

__all__ = ["Citation", "Claim", "Evidence", "Judgement", "Kind", "Verdict", "judge"]


class Kind(StrEnum):
    """What sort of statement a claim makes."""

    IDENTITY = "identity"
    TIGHT_BOUND = "tight bound"
    UPPER_BOUND = "upper bound"
    LOWER_BOUND = "lower bound"
    ASYMPTOTIC = "asymptotic"
    EMPIRICAL = "empirical"


class Verdict(StrEnum):
    """What the evidence says."""

    PROVED = "proved"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Citation:
    """Where a claim comes from.

    Parameters
    ----------
    key : str or None
        Of the bibliography; None for results of this project.
    place : str
        Theorem or figure, as the source numbers it.
    seen : bool
        Whether the number was seen in the source; only then is it printed.
    """

    key: str | None
    place: str = ""
    seen: bool = False

    def __str__(self) -> str:
        """Author, year and title, and the place where it was seen."""
        if self.key is None:
            return "this project"
        place = f", {self.place}" if self.place and self.seen else ""
        return short_reference(self.key) + place


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A prediction beside a measurement, and whether they agree.

    Attributes
    ----------
    predicted, measured : float or None
        None where the evidence is symbolic.
    standard_error, tolerance : float or None
        Of the measurement, if it is statistical; else what deviation is admitted.
    passed : bool
    note : str
        What was compared, in a few words.
    """

    predicted: float | None
    measured: float | None
    standard_error: float | None = None
    tolerance: float | None = None
    passed: bool
    note: str = ""

    @classmethod
    def exact(cls, *statements: Any, note: str) -> Evidence:
        """Every statement must be true, or a SymPy expression that simplifies to zero."""
        return cls(
            predicted=None,
            measured=None,
            passed=all(_holds(item) for item in statements),
            note=note,
        )

    @classmethod
    def close(
        cls, predicted: ArrayLike, measured: ArrayLike, *, tolerance: float, note: str
    ) -> Evidence:
        """The worst of several deviations must stay within a tolerance."""
        expected, found = np.broadcast_arrays(
            np.asarray(predicted, dtype=float), np.asarray(measured, dtype=float)
        )
        with np.errstate(invalid="ignore"):
            gap = np.abs(found - expected).ravel()
        gap = np.where(np.isfinite(gap), gap, np.inf)
        worst = int(np.argmax(gap))
        return cls(
            predicted=float(expected.ravel()[worst]),
            measured=float(found.ravel()[worst]),
            tolerance=tolerance,
            passed=bool(gap[worst] <= tolerance),
            note=note,
        )

    @classmethod
    def statistical(
        cls,
        predicted: ArrayLike,
        measured: ArrayLike,
        standard_error: ArrayLike,
        *,
        note: str,
        alarm: float = 1e-6,
    ) -> Evidence:
        """The worst of several deviations must stay within what chance allows.

        A deviation by rounding alone is none, also where chance allows nothing: a process without
        chance must be able to agree.

        The bound in standard errors is set so that all comparisons together raise a false alarm
        with probability `alarm` (Bonferroni, Gaussian errors).
        """
        from scipy.special import ndtri

        expected, found, error = np.broadcast_arrays(
            np.asarray(predicted, dtype=float),
            np.asarray(measured, dtype=float),
            np.asarray(standard_error, dtype=float),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.abs(found - expected)
            is_rounding = gap <= _ROUNDING * np.maximum(np.abs(expected), 1)
            score = np.where(is_rounding & np.isfinite(gap), 0, gap / error)
        score = np.where(np.isfinite(score), score, np.inf).ravel()
        worst = int(np.argmax(score))
        bound = -ndtri(alarm / 2 / score.size)
        among = f", the worst of {score.size}" if score.size > 1 else ""
        away = f"{score[worst]:.{'1f' if score[worst] < 1e6 else '0e'}}"
        return cls(
            predicted=float(expected.ravel()[worst]),
            measured=float(found.ravel()[worst]),
            standard_error=float(error.ravel()[worst]),
            passed=bool(score[worst] <= bound),
            note=f"{note}; {away} standard errors{among}, at most {bound:.1f} allowed",
        )


_ROUNDING = 1e-12
"""A deviation that is rounding, relative to a prediction above 1."""


def _holds(statement: Any) -> bool:
    import sympy

    # A SymPy symbol counts as a Boolean too: only true and false themselves are taken as such.
    if isinstance(statement, sympy.Expr):
        return bool(sympy.simplify(statement) == 0)
    return statement is True or statement is sympy.true or statement is np.True_


Check = Callable[[np.random.Generator], Evidence]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Claim:
    """One statement of one paper, or of this project, with its checks.

    Attributes
    ----------
    slug, title : str
    source : Citation
    kind : Kind
    statement : callable
        Builds the formula from laws and methods.
    proof : callable or None
        Exact evidence. For a refuted claim: the corrected statement, or an exact counterexample.
    counterexample : callable or None
        For a claim about data, in place of a proof: what was measured instead, beyond chance. Where
        it passes, the claim is contradicted.
    experiment : callable
        The claim's prediction against a simulation or a computation that does not know it.
    control : callable
        One assumption broken: here the prediction must not agree.
    expected : Verdict
    live : bool
        Whether it measures real threads or times, which differ from run to run.
    figures : tuple of str
    remark : str
        What the source got wrong, or under which condition the claim holds.
    """

    slug: str
    title: str
    source: Citation
    kind: Kind
    statement: Callable[[], Any]
    proof: Callable[[], Evidence] | None
    experiment: Check
    control: Check
    expected: Verdict
    counterexample: Callable[[], Evidence] | None = None
    live: bool = False
    figures: tuple[str, ...] = ()
    remark: str = ""

    def __repr__(self) -> str:
        """One line."""
        return f"<Claim {self.slug}: {self.title}>"

    @property
    def seed(self) -> int:
        """The seed of its random numbers, from the slug: no two claims share one."""
        return zlib.crc32(self.slug.encode())

    def _repr_latex_(self) -> str:
        import sympy

        return f"${sympy.latex(self.statement())}$"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Judgement:
    """A claim with the evidence for it and the verdict that follows."""

    claim: Claim
    verdict: Verdict
    checks: dict[str, Evidence] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line."""
        return f"<Judgement of {self.claim.slug}: {self.verdict}>"

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.verdict == self.claim.expected

    def to_dict(self) -> dict[str, Any]:
        """The claim's entry of the scorecard."""
        claim = self.claim
        checks = []
        for role, evidence in self.checks.items():
            entry: dict[str, Any] = {
                "role": role,
                "predicted": _number(evidence.predicted),
                "measured": _number(evidence.measured),
            }
            if evidence.standard_error is not None:
                entry["standard_error"] = _number(evidence.standard_error)
            else:
                entry["tolerance"] = _number(evidence.tolerance)
            checks.append({**entry, "passed": evidence.passed, "note": evidence.note})
        return {
            "slug": claim.slug,
            "title": claim.title,
            "source": str(claim.source),
            "kind": claim.kind.value,
            "expected": claim.expected.value,
            "verdict": self.verdict.value,
            "live": claim.live,
            "seed": claim.seed,
            "remark": claim.remark,
            "figures": list(claim.figures),
            "checks": checks,
        }


def _number(value: float | None) -> float | None:
    """A number that JSON has: infinities and NaN become null."""
    return None if value is None or not np.isfinite(value) else value


def judge(claim: Claim) -> Judgement:
    """Run a claim's checks and draw the verdict from what they say, not from what is expected.

    Proved: proof and experiment agree and the control does not. Confirmed: the same without a
    proof. Refuted: the experiment contradicts the claim, the exact correction or the counterexample
    holds, and the control still tells right from wrong. Anything else is inconclusive.
    """
    experiment_seed, control_seed = np.random.SeedSequence(claim.seed).spawn(2)
    checks = {}
    if claim.proof is not None:
        checks["proof"] = claim.proof()
    if claim.counterexample is not None:
        checks["counterexample"] = claim.counterexample()
    checks["experiment"] = claim.experiment(np.random.default_rng(experiment_seed))
    checks["control"] = claim.control(np.random.default_rng(control_seed))
    return Judgement(claim=claim, verdict=_verdict(checks), checks=checks)


def _verdict(checks: dict[str, Evidence]) -> Verdict:
    passed = {role: evidence.passed for role, evidence in checks.items()}
    proof, contradicted = passed.get("proof"), passed.get("counterexample", False)
    if passed["control"] or proof is False:
        return Verdict.INCONCLUSIVE
    if passed["experiment"] and not contradicted:
        return Verdict.PROVED if proof else Verdict.CONFIRMED
    if not passed["experiment"] and (proof or contradicted):
        return Verdict.REFUTED
    return Verdict.INCONCLUSIVE
