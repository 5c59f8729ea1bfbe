"""Every claim, found by inspection: its statement, its proof, its experiment, its control."""

import html
import inspect
import re

import numpy as np
import pytest
import sympy
from sympy.printing.pretty.pretty_symbology import greek_unicode

from momentum_dynamics.claims import (
    Claim,
    Verdict,
    cite,
    claim,
    judge,
    list_claims,
    race_of_rules,
    training,
)
from momentum_dynamics.claims.mathml import to_mathml
from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.figures import list_figures

CLAIMS = list_claims()
SLUGS = [item.slug for item in CLAIMS]
SPELLED = set(greek_unicode) | {"ell", "hat", "infinity", "infty", "nabla", "varepsilon", "varphi"}


def draws(check):
    """Whether a check takes random numbers: one that does not names its generator ``_``."""
    return not next(iter(inspect.signature(check).parameters)).startswith("_")


DRAWN = [item for item in CLAIMS if draws(item.experiment) or draws(item.control)]


RACED = [
    item
    for module in (training, race_of_rules)
    for item in vars(module).values()
    if isinstance(item, Claim)
    and item.statement().free_symbols & {training.SPEEDUP, training.LOSS_RATIO}
]
"""Who was faster, who ended lower: the text says what was measured, and no test presumes it."""

SETTLED = [item for item in CLAIMS if item not in RACED]


@pytest.fixture(params=CLAIMS, ids=SLUGS)
def each(request):
    return request.param


def test_slugs_are_unique_and_kebab_case():
    assert len(set(SLUGS)) == len(SLUGS) >= 18
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in SLUGS)


@pytest.mark.slow
@pytest.mark.parametrize("settled", SETTLED, ids=[item.slug for item in SETTLED])
def test_the_verdict_is_the_expected_one(settled):
    judgement = judge(settled)
    told = {role: (found.predicted, found.measured) for role, found in judgement.checks.items()}
    assert judgement.verdict == settled.expected, told
    assert not judgement.checks["control"].passed
    # What was measured is no proof, whatever it shows.
    assert "proof" not in told or told["proof"] == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("raced", RACED, ids=[item.slug for item in RACED])
def test_who_won_is_measured_and_told(raced):
    """Whoever it is: the scorecard has what the record says beside what the text expects."""
    entry = judge(raced).to_dict()
    assert {"experiment", "control"} <= {check["role"] for check in entry["checks"]}
    for check in entry["checks"]:
        assert check["note"]
        assert check["role"] == "counterexample" or isinstance(check["measured"], float)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", DRAWN, ids=[item.slug for item in DRAWN])
def test_the_experiment_does_not_hang_on_the_seed(drawn):
    rng = np.random.default_rng(1)
    assert drawn.experiment(rng).passed == (drawn.expected is not Verdict.REFUTED)
    assert not drawn.control(rng).passed


def test_the_statement_is_a_formula(each):
    statement = each.statement()
    assert isinstance(statement, sympy.Basic)
    assert sympy.latex(statement)
    assert not isinstance(statement, sympy.logic.boolalg.BooleanAtom), "it says True alone"
    assert not statement.atoms(sympy.Float)


def test_the_formula_on_the_page_has_its_letters(each):
    names = set(re.findall(r"<mi>(.*?)</mi>", html.unescape(to_mathml(each.statement()))))
    assert not {name for name in names if set(re.findall("[A-Za-z]+", name)) & SPELLED}
    assert not {name for name in names if re.search(r"[\\_{}()|]", name)}


def test_the_source_and_the_figures_exist(each):
    if each.source.key is not None:
        assert each.source.key in cite(each.source.key)
    assert set(each.figures) <= {picture.slug for picture in list_figures()}
    assert str(each.source)
    if each.source.place and not each.source.seen:
        assert each.source.place not in str(each.source)


def test_every_refuted_claim_says_what_is_right():
    refuted = [item for item in CLAIMS if item.expected is Verdict.REFUTED]
    assert refuted
    assert all(item.remark for item in refuted)
    # Exactly, or by what was measured instead; nothing else may contradict itself.
    assert all((item.proof is None) != (item.counterexample is None) for item in refuted)
    others = [item for item in CLAIMS if item.expected is not Verdict.REFUTED]
    assert all(item.counterexample is None for item in others)


def test_an_unknown_claim_names_its_neighbors():
    with pytest.raises(UnknownNameError, match="optimal-heavy-ball"):
        claim("optimal-heavy-bal")
    with pytest.raises(UnknownNameError, match="polyak1964"):
        cite("polyak1965")
