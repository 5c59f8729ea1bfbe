"""The files around the package agree with each other and with it."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pybtex.database
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import momentum_dynamics

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKED_EXTRAS = {
    "adapters": ("optax",),
    "cluster": ("cluster",),
    "dev": ("notebooks", "reproduce", "dev"),
    "reproduce": ("reproduce",),
}
CONDA_NAMES = {"matplotlib-base": "matplotlib"}
KEY_USES = re.compile(
    r"""Citation\(\s*(?:key=)?["'](?P<citation>[^"']+)["']
      | \bcite\(\s*["'](?P<call>[^"']+)["']
      | \[(?P<reference>[a-z]+\d{4}[a-z]*)\]_
      | momentum-dynamics\ cite\ (?P<command>[a-z]+\d{4}[a-z]*)""",
    re.VERBOSE,
)


def floors(requirements):
    """Name to version specifier, extras of the requirement dropped."""
    parsed = map(Requirement, requirements)
    return {canonicalize_name(item.name): item.specifier for item in parsed}


def direct_dependencies(extras):
    """What the package and some of its extras ask for by name."""
    return floors(PROJECT["dependencies"] + [item for name in extras for item in EXTRAS[name]])


def pins(name):
    """Package to pinned version of a lock file, extras of the pin dropped."""
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,-]+\])?==([^\s;\\]+)", text, re.MULTILINE))


# --- the conda environment ----------------------------------------------------------------------


def environment():
    document = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = [item["pip"] for item in document["dependencies"] if isinstance(item, dict)]
    conda = floors(item for item in document["dependencies"] if isinstance(item, str))
    return {CONDA_NAMES.get(name, name): floor for name, floor in conda.items()}, pip


def test_conda_environment_has_the_floors_of_the_project():
    conda, _ = environment()
    expected = direct_dependencies(["notebooks", "reproduce"])
    expected |= {"python": SpecifierSet(PROJECT["requires-python"]), "pip": SpecifierSet()}
    assert conda == expected


def test_conda_environment_installs_the_checkout_itself():
    _, pip = environment()
    assert pip == [["-e .[notebooks,reproduce]"]]


# --- the locks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(LOCKED_EXTRAS))
def test_lock_pins_everything_by_hash_and_names_no_host(name):
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    entries = re.split(r"\n(?=\S)", code.strip())
    assert entries
    pin = re.compile(r"[a-z0-9.-]+(\[[a-z,-]+\])?==\S+ ")
    assert [entry for entry in entries if not pin.match(entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert set(re.findall(r"--[a-z-]+", code)) == {"--hash"}
    assert "://" not in text


@pytest.mark.parametrize("name", sorted(LOCKED_EXTRAS))
def test_lock_satisfies_the_floors_of_the_project(name):
    locked = pins(name)
    wanted = direct_dependencies(LOCKED_EXTRAS[name])
    wanted |= floors((ROOT / "requirements/build.in").read_text().splitlines()[1:])
    missing = {key: floor for key, floor in wanted.items() if key not in locked}
    assert missing == {}
    assert {key: locked[key] for key, floor in wanted.items() if locked[key] not in floor} == {}


@pytest.mark.parametrize("name", sorted(LOCKED_EXTRAS))
def test_lock_leaves_the_heavy_extras_out(name):
    left_out = {"cluster", "torch", "optax"} - set(LOCKED_EXTRAS[name])
    heavy = {key for extra in left_out for key in floors(EXTRAS[extra])}
    assert "torch" in heavy
    assert "jax" in heavy or name == "adapters"
    assert "dask" in heavy or name == "cluster"
    assert heavy & pins(name).keys() == set()


def test_locks_agree_with_each_other():
    assert pins("reproduce").items() <= pins("dev").items()
    development = pins("dev")
    for name in ("cluster", "adapters"):
        extras = pins(name)
        shared = extras.keys() & development.keys()
        assert {"numpy", "numba", "sympy"} <= shared
        assert {key: extras[key] for key in shared} == {key: development[key] for key in shared}
    shared = pins("cluster").keys() & pins("adapters").keys()
    assert {key: pins("cluster")[key] for key in shared} == {
        key: pins("adapters")[key] for key in shared
    }


def test_torch_is_pinned_within_the_floor_of_the_project():
    """And no lock holds it: see the comment of its file."""
    assert pins("torch").keys() == {"torch"}
    assert pins("torch")["torch"] in direct_dependencies(["torch"])["torch"]


# --- the bibliography ---------------------------------------------------------------------------


def bibliography_text():
    return (ROOT / "references.bib").read_text(encoding="utf-8")


def test_bibliography_is_sorted_and_has_no_key_twice():
    keys = re.findall(r"^@\w+\{([^,]+),", bibliography_text(), re.MULTILINE)
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert keys == sorted(keys)


def test_bibliography_parses_and_every_entry_says_who_what_and_when():
    entries = pybtex.database.parse_string(bibliography_text(), "bibtex").entries
    assert entries
    for key, entry in entries.items():
        assert entry.persons["author"], key
        assert entry.fields["title"], key
        assert entry.fields["year"] in key, key
        if "eprint" in entry.fields:
            assert re.fullmatch(r"\d{4}\.\d{4,5}", entry.fields["eprint"]), key
            assert entry.fields["archiveprefix"] == "arXiv", key


def test_cite_knows_the_keys_that_a_bibtex_parser_finds():
    for key in pybtex.database.parse_string(bibliography_text(), "bibtex").entries:
        entry = momentum_dynamics.cite(key)
        parsed = pybtex.database.parse_string(entry, "bibtex").entries
        assert list(parsed) == [key]


def key_uses():
    """Every bibliography key that the repository names, with where it stands."""
    files = [*ROOT.glob("*.md")]
    for folder in ("momentum_dynamics", "notebooks"):
        files += (ROOT / folder).rglob("*.py")
    for file in files:
        for match in KEY_USES.finditer(file.read_text(encoding="utf-8")):
            yield next(filter(None, match.groups())), file.relative_to(ROOT)


def test_every_key_used_is_in_the_bibliography():
    uses = list(key_uses())
    assert uses
    known = pybtex.database.parse_string(bibliography_text(), "bibtex").entries.keys()
    assert [(key, str(file)) for key, file in uses if key not in known] == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('Citation("goh2017", "Figure 1")', "goh2017"),
        ('Citation(\n    key="goh2017",', "goh2017"),
        ('cite("goh2017")', "goh2017"),
        ("[goh2017]_", "goh2017"),
        ("[zhang2019nqm]_, Table 1", "zhang2019nqm"),
        ("momentum-dynamics cite goh2017", "goh2017"),
    ],
)
def test_uses_of_keys_are_recognized(text, key):
    assert [next(filter(None, match.groups())) for match in KEY_USES.finditer(text)] == [key]


# --- words about the project --------------------------------------------------------------------


def test_citation_file_describes_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == momentum_dynamics.__version__
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [PROJECT["authors"][0]["name"]]
    assert {"title", "message", "type"} <= citation.keys()


def test_changelog_has_a_place_for_the_next_change():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)[0] == "Unreleased"


def test_files_named_in_the_contributing_guide_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/.-]+\.(?:py|toml|bib|cff|yml|md|txt|in))`", text))
    assert named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_make_help_lists_every_target():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split())
    listed = set(re.findall(r'@echo "make ([\w-]+)', text))
    assert listed == targets - {"help"}
