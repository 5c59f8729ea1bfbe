"""The main job, on a few slugs: what it writes, twice the same, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from momentum_dynamics import reproduce
from momentum_dynamics.claims.numbers import list_numbers
from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.figures import figure
from momentum_dynamics.reproduce import Report, write_gallery

CLAIM, PICTURE = "stable-steps", "root-locus"


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    return folder, write_gallery(
        [CLAIM, PICTURE], out=folder, jobs=1, quick=True, formats=("svg", "png")
    )


def test_it_writes_pictures_data_pages_and_scorecard(first):
    folder, report = first
    key = figure(PICTURE).source.key
    expected = {f"{key}/{PICTURE}.{kind}" for kind in ("svg", "png", "npz", "json")}
    assert set(files(folder)) == expected | {"index.html", "scorecard.html", "scorecard.json"}
    assert report.exit_code == 0
    assert report.figures == (PICTURE,)
    assert [entry["slug"] for entry in report.claims] == [CLAIM]
    assert "proved" in report.summary()


def test_the_scorecard_follows_its_schema(first):
    folder, _ = first
    card = json.loads((folder / "scorecard.json").read_text(encoding="utf-8"))
    assert card["schema"] == 1
    for entry in card["claims"]:
        assert {"slug", "title", "source", "kind", "expected", "verdict", "live", "seed"} <= set(
            entry
        )
        for check in entry["checks"]:
            assert check["role"] in {"proof", "counterexample", "experiment", "control"}
            assert {"predicted", "measured", "passed"} <= set(check)
            assert ("standard_error" in check) != ("tolerance" in check)
            for name in ("predicted", "measured"):
                assert check[name] is None or isinstance(check[name], int | float)


def test_the_data_beside_the_picture_are_the_figures_data(first):
    folder, _ = first
    item = figure(PICTURE)
    data = item.data(**item.quick)
    with np.load(folder / item.source.key / f"{PICTURE}.npz", allow_pickle=False) as kept:
        for name in kept:
            np.testing.assert_array_equal(kept[name], getattr(data, name))


def test_the_pages_name_what_is_there_and_ask_for_nothing_outside(first):
    folder, _ = first
    index = (folder / "index.html").read_text(encoding="utf-8")
    card = (folder / "scorecard.html").read_text(encoding="utf-8")
    assert figure(PICTURE).title in index
    assert CLAIM in card
    assert "<math" in card
    for page in (index, card):
        assert 'src="http' not in page
        assert "<script" not in page


@pytest.mark.slow
def test_two_runs_and_two_processes_give_the_same_bytes(first, tmp_path):
    folder, _ = first
    write_gallery([CLAIM, PICTURE], out=tmp_path, jobs=2, quick=True, formats=("svg", "png"))
    assert files(tmp_path) == files(folder)


def test_a_quick_gallery_has_pictures_of_one_kind(tmp_path):
    write_gallery([PICTURE], out=tmp_path, jobs=1, quick=True)
    key = figure(PICTURE).source.key
    assert {f"{key}/{PICTURE}.{kind}" for kind in ("png", "npz", "json")} < set(files(tmp_path))
    assert f"{key}/{PICTURE}.svg" not in files(tmp_path)
    assert f'src="{key}/{PICTURE}.png"' in (tmp_path / "index.html").read_text(encoding="utf-8")


LIVE = "real-workers-conserve-staleness"


def measured(value):
    """The entry of a live claim that measured a number."""
    check = {"role": "experiment", "predicted": 1.0, "measured": value, "tolerance": 2.0}
    return {
        "slug": LIVE, "title": "Live.", "source": "", "kind": "identity", "expected": "confirmed",
        "verdict": "confirmed", "live": True, "seed": 1, "remark": "", "figures": [],
        "checks": [check | {"passed": True, "note": "compared"}], "statement": "x",
        "statement_mathml": "<math></math>",
    }  # fmt: skip


def test_what_real_workers_measured_is_kept_apart(tmp_path, monkeypatch):
    written = []
    for value in (1.25, 1.75):
        monkeypatch.setattr(reproduce, "_judge", lambda _, value=value: measured(value))
        report = write_gallery([LIVE], out=tmp_path, quick=True)
        assert report.claims[0]["checks"][0]["measured"] == value
        written.append(files(tmp_path))
    first, second = written
    assert {name for name in first if first[name] != second[name]} == {"live.json", "live.html"}
    (kept,) = json.loads(second["live.json"])["claims"]
    assert kept == measured(1.75)
    assert b"1.75" in second["live.html"]
    (shown,) = json.loads(second["scorecard.json"])["claims"]
    (check,) = shown["checks"]
    assert check["measured"] is check["predicted"] is check["tolerance"] is None
    assert check["passed"]
    assert f'href="live.html#{LIVE}"'.encode() in second["scorecard.html"]


def test_what_real_workers_measured_outlives_other_runs(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(reproduce, "_judge", lambda _: measured(1.25))
        write_gallery([LIVE], out=tmp_path, quick=True)
    before = files(tmp_path)["live.json"]
    write_gallery([CLAIM], out=tmp_path, jobs=1, quick=True)
    assert files(tmp_path)["live.json"] == before
    # A gallery that came without those numbers gets none that were not measured.
    (tmp_path / "live.json").unlink()
    (tmp_path / "live.html").unlink()
    write_gallery([CLAIM], out=tmp_path, jobs=1, quick=True)
    assert "live.json" not in files(tmp_path)
    assert LIVE in (tmp_path / "scorecard.json").read_text(encoding="utf-8")


def test_a_second_run_keeps_what_others_wrote(tmp_path):
    write_gallery([PICTURE], out=tmp_path, jobs=1, quick=True, formats=["svg"])
    write_gallery([CLAIM], out=tmp_path, jobs=1, quick=True)
    assert PICTURE in (tmp_path / "index.html").read_text(encoding="utf-8")
    write_gallery([PICTURE], out=tmp_path, jobs=1, quick=True, formats=["svg"])
    assert CLAIM in (tmp_path / "scorecard.json").read_text(encoding="utf-8")


def test_worked_numbers_are_those_of_the_last_whole_run(tmp_path, monkeypatch):
    def kept():
        return json.loads((tmp_path / "scorecard.json").read_text(encoding="utf-8"))["numbers"]

    monkeypatch.setattr(reproduce, "list_numbers", lambda: list_numbers()[:3])
    some = {"out": tmp_path, "jobs": 1, "formats": ["svg"]}
    assert write_gallery([PICTURE], **some).numbers == ()
    assert kept() == []
    with monkeypatch.context() as patched:
        patched.setattr(reproduce, "_choose", lambda _: ([], [PICTURE]))
        whole = write_gallery(**some)
    assert whole.claims == ()
    assert kept() == [number.to_dict() for number in list_numbers()[:3]] == list(whole.numbers)
    again = write_gallery([PICTURE], **some)
    assert again.numbers == whole.numbers
    assert kept() == list(whole.numbers)


def test_a_quick_run_never_writes_over_a_full_gallery(tmp_path):
    write_gallery([CLAIM], out=tmp_path, jobs=1)
    before = files(tmp_path)
    with pytest.raises(DomainError, match="full gallery"):
        write_gallery([CLAIM], out=tmp_path, jobs=1, quick=True)
    assert files(tmp_path) == before


def test_files_of_others_are_left_alone(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "own.json").write_text('{"slug": "mine", "files": ["../own.txt"]}')
    (tmp_path / "own.txt").write_text("mine")
    write_gallery([PICTURE], out=tmp_path, jobs=1, quick=True, formats=["svg"])
    assert (tmp_path / "own.txt").read_text() == "mine"
    assert (tmp_path / "notes" / "own.json").exists()


def test_a_picture_of_a_figure_that_is_gone_is_removed(tmp_path):
    gone = tmp_path / "own"
    gone.mkdir()
    (gone / "old.svg").write_text("<svg/>")
    about = {"made_by": "momentum_dynamics", "slug": "old", "key": "own", "files": ["own/old.svg"]}
    (gone / "old.json").write_text(json.dumps(about))
    write_gallery([CLAIM], out=tmp_path, jobs=1, quick=True)
    assert not (gone / "old.svg").exists()
    assert not (gone / "old.json").exists()


def test_bad_requests_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UnknownNameError, match=f"did you mean '{PICTURE}'"):
        write_gallery(["root-locs"], out=tmp_path / "x")
    with pytest.raises(UnknownNameError, match="format"):
        write_gallery(formats=["gif"], out=tmp_path / "x")
    with pytest.raises(DomainError, match="format"):
        write_gallery(formats=[], out=tmp_path / "x")
    with pytest.raises(DomainError, match="jobs"):
        write_gallery(jobs=0, out=tmp_path / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(DomainError, match="cannot be made"):
        write_gallery([CLAIM], jobs=1, out=tmp_path / "file")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("verdict", "quick", "code"),
    [
        ("proved", False, 0),
        ("inconclusive", False, 1),
        ("inconclusive", True, 0),
        ("refuted", True, 1),
    ],
)
def test_the_exit_code_tells_surprises(tmp_path, verdict, quick, code):
    entry = {"slug": "x", "expected": "proved", "verdict": verdict}
    report = Report(claims=(entry,), figures=(), out=tmp_path, quick=quick, seconds=0.0)
    assert report.exit_code == code


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_leaves_no_half_written_file(tmp_path):
    code = f"""
from momentum_dynamics.reproduce import write_gallery
while True:
    write_gallery([{PICTURE!r}, {CLAIM!r}], out={str(tmp_path)!r}, jobs=1, quick=True)
"""
    run = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not (tmp_path / "scorecard.json").exists():
            assert run.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    for path in tmp_path.rglob("*"):
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".npz":
            with np.load(path) as kept:
                assert list(kept)
        elif path.suffix in {".svg", ".html"}:
            assert path.read_text(encoding="utf-8").rstrip().endswith(("</svg>", "</html>"))
    write_gallery([PICTURE], out=tmp_path, jobs=1, quick=True)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".momentum-part")]
