"""Every figure of the catalogue: its data, its words and its picture."""

import dataclasses
import hashlib
import re
import warnings

import numpy as np
import pytest

from momentum_dynamics.claims import cite, list_claims
from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.figures import figure, list_figures
from momentum_dynamics.figures.base import data_arrays, number
from momentum_dynamics.figures.style import label, product_label, save
from momentum_dynamics.notation import GLOSSARY

SLUGS = [entry.slug for entry in list_figures()]
HOLES = {
    "orbits-and-equations": {"orbit", "orbit_time"},  # runs of different lengths
    "accelerated-equation": {"orbit", "orbit_time"},
    "graph-conditioning": {"measured"},  # runs that would take too long
    "overshoot": {
        "rate",
        "rest",
        "balanced",
        "nesterov",
        "rest_envelope",
        "balanced_envelope",
    },
    "cycle-regions": {"rate", "shortest"},
    "certified-rates": {"certified", "switching"},
    "noise-against-speed": {"radius"},
    "radius-against-learning-rate": {"plateau", "height"},  # no momentum, no robust region
    "covariance-gan": {"curve", "late", "error"},  # starts that overflowed
    "noise-floor": {"surrogate"},  # drawn on the robust region only
    # runs that diverged, workloads without classes, searches of different lengths
    "race-curves": {"mean", "low", "high"},
    "race-scores": {"speedup", "loss", "accuracy"},
    "race-rerun": {"accuracy"},
    "race-stale": {"mean"},
    "race-without-momentum": {"speedup", "loss"},
    "learning-rate-factor": {"value", "loss", "untuned"},
}
"""Fields in which a NaN stands for what does not exist."""

SLOW = {
    "noise-floor",
    "rates-on-real-data",
    "nonlinear-fields",
    "race-rerun",
    "exit-time-collapse",
    "chain-of-saddles",
    "random-saddle",
    "stale-escape",
    "gaps-against-condition",
    "methods-per-gradient",
    "spectral-shapes",
    "best-momentum-over-the-complex-plane",
}
each_figure = pytest.mark.parametrize(
    "entry",
    [
        pytest.param(
            figure(slug),
            id=slug,
            # One process for all tests of a figure, which computes its data once.
            marks=[pytest.mark.xdist_group(slug), *[pytest.mark.slow] * (slug in SLOW)],
        )
        for slug in SLUGS
    ],
)


@pytest.fixture(scope="module")
def quick_data():
    """Each figure's quick data, computed once."""
    found = {}

    def data(entry):
        if entry.slug not in found:
            found[entry.slug] = entry.data(**entry.quick)
        return found[entry.slug]

    return data


def fingerprint(data):
    digest = hashlib.sha256()
    for name, array in data_arrays(data).items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_slugs_are_kebab_case_and_found():
    assert len(SLUGS) >= 13
    assert len(set(SLUGS)) == len(SLUGS)
    for slug in SLUGS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        assert figure(slug).slug == slug


def test_an_unknown_figure_names_its_neighbors():
    with pytest.raises(UnknownNameError, match="root-locus"):
        figure("root-loci")


def test_an_unknown_parameter_names_its_neighbors():
    with pytest.raises(UnknownNameError, match="learning_rate"):
        figure("noise-floor").data(learning_rat=0.1)


@each_figure
def test_data_are_frozen_arrays_numbers_and_strings(entry, quick_data):
    data = quick_data(entry)
    assert dataclasses.is_dataclass(data)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(data, dataclasses.fields(data)[0].name, None)
    for name, array in data_arrays(data).items():
        assert array.dtype.kind in "fciuU", name
        assert array.size, name
        if array.dtype.kind in "fc" and name not in HOLES.get(entry.slug, ()):
            assert np.isfinite(array).all(), name


@each_figure
def test_data_are_the_same_twice(entry, quick_data):
    assert fingerprint(quick_data(entry)) == fingerprint(entry.data(**entry.quick))


@each_figure
def test_quick_parameters_exist(entry):
    assert entry.quick.keys() <= entry.parameters.keys()
    assert entry.quick


@each_figure
def test_claims_and_source_exist(entry):
    known = {claim.slug for claim in list_claims()}
    assert entry.claims
    assert set(entry.claims) <= known
    assert entry.source.key is None or cite(entry.source.key)
    # A number of a figure or theorem is printed only where it was seen.
    assert (
        entry.source.seen or not entry.source.place or entry.source.place not in str(entry.source)
    )


def test_claims_name_only_figures_that_name_them():
    shown = {entry.slug: set(entry.claims) for entry in list_figures()}
    for claim in list_claims():
        for slug in claim.figures:
            assert claim.slug in shown[slug], (claim.slug, slug)


@each_figure
def test_caption_and_title_are_sentences_without_holes(entry, quick_data):
    caption = entry.caption(quick_data(entry))
    assert caption.endswith(".")
    assert len(caption) > 100
    for text in (caption, entry.title, entry.remark):
        assert not re.search(r"\b(nan|inf|None)\b|\be[+-]\d", text)
        assert "  " not in text
        assert not re.search(r"(?<![\w])-\d", text)  # a true minus sign
    if "seed" in entry.parameters:
        assert "eed " in caption


@pytest.mark.slow
@each_figure
def test_draws_without_warnings_and_the_same_bytes_twice(entry, quick_data, tmp_path):
    data = quick_data(entry)
    before = fingerprint(data)
    made = {}
    for name in ("first.svg", "second.svg"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = entry.render(data)
            save(picture, tmp_path / name, "svg")
        made[name] = (tmp_path / name).read_bytes()
    assert fingerprint(data) == before
    # Of lines and letters; that a PNG has the same bytes too, the main job's test sees.
    assert made["first.svg"] == made["second.svg"]
    save(picture, tmp_path / "first.png", "png")
    assert len(made["first.svg"]) < 400_000
    assert (tmp_path / "first.png").stat().st_size < 300_000
    texts = [ax.get_xlabel() for ax in picture.axes] + [ax.get_ylabel() for ax in picture.axes]
    assert any(texts)
    # Whoever names a quantity of the glossary on an axis names it as the glossary does.
    for text in filter(None, texts):
        words, _, symbol = text.partition(" $")
        entry_of = GLOSSARY.get(words.replace(" ", "_"))
        if entry_of is not None and symbol:
            assert text.startswith(entry_of.label[:-1]), text


def test_numbers_in_sentences():
    assert number(-0.5) == "−0.5"
    assert number(3.2e-5, 1) == "3·10⁻⁵"
    assert number(1312.4, 4) == "1,312"
    assert number(np.float64(2)) == "2"


def test_labels_come_from_the_glossary():
    assert label("momentum") == r"momentum $\beta$"
    assert product_label("learning_rate", "curvature") == r"learning rate × curvature $\alpha h$"
