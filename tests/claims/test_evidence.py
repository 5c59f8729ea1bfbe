"""What counts as agreement, and which verdict follows from what."""

import itertools
import json

import numpy as np
import pytest
import sympy

from momentum_dynamics.claims import Citation, Claim, Evidence, Kind, Verdict, judge
from momentum_dynamics.gallery import scorecard_page
from momentum_dynamics.terminal import evidence_text

X = sympy.Symbol("x")


def evidence(passed):
    return Evidence(predicted=1.0, measured=1.0, tolerance=0.0, passed=passed)


def make(proof, experiment, control, counterexample=None):
    return Claim(
        slug="made-up",
        title="Made up.",
        source=Citation(None),
        kind=Kind.EMPIRICAL,
        statement=lambda: sympy.Eq(X, 1),
        proof=None if proof is None else lambda: evidence(proof),
        experiment=lambda _: evidence(experiment),
        control=lambda _: evidence(control),
        counterexample=None if counterexample is None else lambda: evidence(counterexample),
        expected=Verdict.PROVED,
    )


EXPECTED = {
    (True, True, False): Verdict.PROVED,
    (None, True, False): Verdict.CONFIRMED,
    (True, False, False): Verdict.REFUTED,
}


@pytest.mark.parametrize(
    "case", list(itertools.product([None, True, False], [True, False], [True, False]))
)
def test_verdicts_follow_from_the_evidence_alone(case):
    assert judge(make(*case)).verdict == EXPECTED.get(case, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ((None, False, False, True), Verdict.REFUTED),
        ((None, False, False, False), Verdict.INCONCLUSIVE),
        ((None, False, True, True), Verdict.INCONCLUSIVE),
        ((None, True, False, True), Verdict.INCONCLUSIVE),
        ((None, True, False, False), Verdict.CONFIRMED),
        ((False, False, False, True), Verdict.INCONCLUSIVE),
        ((True, True, False, True), Verdict.INCONCLUSIVE),
    ],
)
def test_a_measured_counterexample_refutes_and_proves_nothing(case, verdict):
    judgement = judge(make(*case))
    assert judgement.verdict is verdict
    roles = ["counterexample", "experiment", "control"]
    assert [role for role in judgement.checks if role != "proof"] == roles


def test_a_control_that_agrees_spoils_every_verdict():
    assert judge(make(True, True, True)).verdict is Verdict.INCONCLUSIVE


def test_exact_evidence_needs_every_statement():
    good = (X + 1) ** 2 - X**2 - 2 * X - 1
    assert Evidence.exact(good, True, note="").passed
    assert not Evidence.exact(good, X, note="").passed
    assert not Evidence.exact(good, sympy.false, note="").passed


def test_the_worst_deviation_decides():
    found = Evidence.close([1.0, 2.0], [1.0, 2.5], tolerance=0.1, note="")
    assert (found.predicted, found.measured, found.passed) == (2.0, 2.5, False)
    assert Evidence.close([1.0, 2.0], [1.05, 2.0], tolerance=0.1, note="").passed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_never_passes(bad):
    assert not Evidence.close([1.0], [bad], tolerance=1e9, note="").passed
    assert not Evidence.statistical([1.0], [bad], [1.0], note="").passed
    assert not Evidence.statistical([1.0], [1.5], [0.0], note="").passed


def test_without_chance_only_rounding_is_allowed():
    """A control without chance, as of fixed times, must be able to agree: else it tells nothing."""
    assert Evidence.statistical([1.0, 0.0], [1.0 + 1e-15, 1e-15], [0.0, 0.0], note="").passed
    assert not Evidence.statistical([1.0], [1.0 + 1e-9], [0.0], note="").passed
    for bad in (np.nan, np.inf):
        for found in (1.0, bad):
            assert not Evidence.statistical([bad], [found], [0.0], note="").passed


def test_a_deviation_beyond_all_chance_is_noted_in_few_digits():
    note = Evidence.statistical([1.0], [1.25], [1e-12], note="x").note
    assert note.startswith("x; 2e+11 standard errors, at most")


def test_false_alarms_are_as_rare_as_promised():
    """With an alarm rate of one in ten, 2,000 honest experiments raise about 200 alarms."""
    rng = np.random.default_rng(5)
    noise = rng.standard_normal((2000, 50))
    alarms = sum(
        not Evidence.statistical(np.zeros(50), row, 1.0, note="", alarm=0.1).passed for row in noise
    )
    assert 140 < alarms < 260


def test_statistics_catch_a_shift_of_a_fifth_of_a_deviation():
    rng = np.random.default_rng(6)
    sample = rng.standard_normal(4000)
    error = sample.std() / np.sqrt(len(sample))
    assert Evidence.statistical(0.0, sample.mean(), error, note="").passed
    assert not Evidence.statistical(0.2, sample.mean(), error, note="").passed


def test_the_scorecard_entry_is_json():
    entry = judge(make(True, True, False)).to_dict()
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert [check["role"] for check in entry["checks"]] == ["proof", "experiment", "control"]
    assert all({"predicted", "measured", "passed"} <= set(check) for check in entry["checks"])


@pytest.mark.parametrize(
    ("role", "passed", "told", "shown"),
    [
        ("experiment", True, "agrees", "yes"),
        ("proof", False, "disagrees", "no"),
        ("control", True, "agrees, but must not", "yes"),
        ("control", False, "disagrees, as it must", "no, as it must"),
        ("counterexample", True, "contradicts", "contradicts"),
        ("counterexample", False, "does not contradict", "does not contradict"),
    ],
)
def test_terminal_and_page_say_what_a_check_found(role, passed, told, shown):
    made = {"proof": True, "experiment": True, "control": False, role: passed}
    entry = judge(make(**made)).to_dict()
    entry |= {"statement": "x = 1", "statement_mathml": "<math></math>", "topic": "One"}
    assert evidence_text(role, evidence(passed)).startswith(f"{told}:")
    row = next(line for line in scorecard_page([entry], []).split("<tr>") if f"<td>{role}" in line)
    assert f"<td>{shown}</td>" in row
