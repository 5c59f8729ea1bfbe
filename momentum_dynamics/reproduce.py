"""The main job: judge every claim, draw every figure, write the gallery and the scorecard."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from momentum_dynamics.claims import claim, judge, list_claims, topic
from momentum_dynamics.claims.numbers import list_numbers
from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.figures import figure, list_figures
from momentum_dynamics.figures.base import data_arrays
from momentum_dynamics.figures.style import save, styled
from momentum_dynamics.gallery import index_page, live_page, scorecard_page
from momentum_dynamics.inputs import require_counts
from momentum_dynamics.processes import results_of

__all__ = ["FORMATS", "QUICK_FOLDER", "Report", "write_gallery"]

FORMATS = ("svg", "png", "pdf")
FULL_FOLDER = Path("figures")
QUICK_FOLDER = Path("build") / "quick-figures"
SCHEMA = 1

_PART = ".momentum-part"
_MAKER = "momentum_dynamics"


_Task: TypeAlias = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""A slug, what to do for it, and with which arguments."""

_NUMBERS = "worked numbers"
"""What stands for a slug where they are computed: of a run that was asked for nothing else."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What one run of the main job found and wrote.

    Attributes
    ----------
    claims : tuple of mappings
        The scorecard's entries of this run.
    figures : tuple of str
        Slugs drawn in this run.
    numbers : tuple of mappings
        The worked numbers of the scorecard; those of the last whole run if this is none.
    out : Path
    quick : bool
    seconds : float
    """

    claims: tuple[Mapping[str, Any], ...]
    figures: tuple[str, ...]
    out: Path
    quick: bool
    seconds: float
    numbers: tuple[Mapping[str, Any], ...] = ()

    @property
    def surprises(self) -> tuple[Mapping[str, Any], ...]:
        """Claims whose verdict is not the expected one; inconclusive is forgiven under quick."""
        return tuple(
            entry
            for entry in self.claims
            if entry["verdict"] != entry["expected"]
            and not (self.quick and entry["verdict"] == "inconclusive")
        )

    @property
    def wrong_numbers(self) -> tuple[Mapping[str, Any], ...]:
        """Worked numbers that should agree with their source and do not, or the reverse."""
        return tuple(entry for entry in self.numbers if entry["agrees"] != entry["expected"])

    @property
    def exit_code(self) -> int:
        """1 if some verdict or worked number is not as expected, else 0."""
        return 1 if self.surprises or self.wrong_numbers else 0

    def summary(self) -> str:
        """A table of verdicts for the terminal."""
        width = max((len(entry["slug"]) for entry in self.claims), default=0)
        lines = []
        for entry in self.claims:
            note = (
                "" if entry["verdict"] == entry["expected"] else f"  expected {entry['expected']}"
            )
            lines.append(f"{entry['slug']:<{width}}  {entry['verdict']}{note}")
        if lines:
            lines.append("")
        lines.append(
            f"{len(self.claims)} claims, {len(self.surprises)} not as expected; "
            f"{len(self.figures)} figures; {self.seconds:.0f} s."
        )
        lines += [f"Not as expected: {entry['quantity']}" for entry in self.wrong_numbers]
        lines.append(f"Gallery: {self.out / 'index.html'}")
        lines.append(f"Scorecard: {self.out / 'scorecard.html'}, {self.out / 'scorecard.json'}")
        return "\n".join(lines)


def write_gallery(
    slugs: Iterable[str] = (),
    *,
    quick: bool = False,
    full: bool = False,
    jobs: int | None = None,
    out: str | Path | None = None,
    formats: Sequence[str] | None = None,
    progress: bool = False,
) -> Report:
    """Judge claims, draw figures, write gallery and scorecard.

    Parameters
    ----------
    slugs : iterable of str
        Claims or figures; all of both by default. Pages keep what other runs wrote.
    quick : bool
        Coarse figures and no worked numbers, in a folder of their own.
    full : bool
        First run the race of optimizers on real data, about an hour, the networks on a ring of
        Gaussians, and the sharpness of a network on digits, ten minutes each, and put their results
        in place of the committed ones; all go on where they were killed.
    jobs : int, optional
        Processes; one for each processor by default, at most four.
    out : path, optional
        ``figures``, or ``build/quick-figures`` under quick.
    formats : sequence of {"svg", "png", "pdf"}, optional
        By default SVG and PNG, under quick PNG alone.
    progress : bool
        Show a bar where the output is a terminal.

    Returns
    -------
    Report

    Raises
    ------
    UnknownNameError
        If a slug is neither a claim nor a figure.
    DomainError
        If a format or the number of jobs is not admissible, a run is both quick and full, or a
        quick run would write over the full gallery.

    Notes
    -----
    Every file is written beside its place and moved there whole, so a killed run leaves no half of
    one. Two runs on one machine give the same bytes, but for ``live.json`` and ``live.html``: live
    claims, on real threads and processes, are judged last, one by one, when nothing else runs, and
    what they measure is kept there; the scorecard holds their verdicts.
    """
    begun = time.monotonic()
    if formats is None:
        formats = ("png",) if quick else ("svg", "png")
    for name in formats:
        if name not in FORMATS:
            raise UnknownNameError.among("format", name, FORMATS)
    if not formats:
        raise DomainError("No format was named; choose from svg, png, pdf.")
    if jobs is not None:
        require_counts(jobs=jobs)
    if quick and full:
        raise DomainError("A run is quick or full, not both; leave one of them out.")
    wanted = list(dict.fromkeys(slugs))
    chosen_claims, chosen_figures = _choose(wanted)
    folder = Path(out) if out is not None else (QUICK_FOLDER if quick else FULL_FOLDER)
    scorecard = folder / "scorecard.json"
    kept = _read_scorecard(scorecard)
    if kept is not None and kept.get("quick", False) != quick:
        raise DomainError(
            f"{folder} holds a {'quick' if kept.get('quick') else 'full'} gallery; choose another "
            "folder with --out, or remove it."
        )
    _prepare(folder)
    count = jobs or min(os.cpu_count() or 1, 4)
    if full:
        from momentum_dynamics.training.full import run_everything

        run_everything(count, progress=progress)
    # The longest task comes first, so that no process is left with it at the end.
    tasks: list[_Task] = [] if wanted or quick else [(_NUMBERS, _compute_numbers, ())]
    tasks += [(slug, _draw, (slug, str(folder), tuple(formats), quick)) for slug in chosen_figures]
    order = [item.slug for item in list_claims()]
    is_live = {item.slug: item.live for item in list_claims()}
    tasks += [(slug, _judge, (slug,)) for slug in chosen_claims if not is_live[slug]]
    timed: list[_Task] = [(slug, _judge, (slug,)) for slug in chosen_claims if is_live[slug]]
    results = _watched(
        chain(results_of(_done, tasks, count), results_of(_done, timed, 1)),
        len(tasks) + len(timed),
        progress=progress,
    )
    judged = {slug: result for slug, result in results if result is not None}
    numbers = judged.pop(_NUMBERS, (kept or {}).get("numbers", []))
    known = _by_slug(kept) | judged
    entries = [{**known[slug], "topic": topic(slug)} for slug in order if slug in known]
    measured = _by_slug(_read_scorecard(folder / "live.json")) | judged
    live = [measured[slug] for slug in order if is_live[slug] and slug in measured]
    _write_pages(folder, entries, live, numbers, quick=quick)
    return Report(
        claims=tuple(judged[slug] for slug in order if slug in judged),
        figures=tuple(chosen_figures),
        out=folder,
        quick=quick,
        seconds=time.monotonic() - begun,
        numbers=tuple(numbers),
    )


def _choose(wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    claims = [item.slug for item in list_claims()]
    figures = [item.slug for item in list_figures()]
    if not wanted:
        return claims, figures
    for slug in wanted:
        if slug not in claims and slug not in figures:
            raise UnknownNameError.among("claim or figure", slug, (*claims, *figures))
    return [s for s in claims if s in wanted], [s for s in figures if s in wanted]


def _read_scorecard(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("schema") == SCHEMA else None


def _by_slug(card: Mapping[str, Any] | None) -> dict[str, Any]:
    return {entry["slug"]: entry for entry in (card or {}).get("claims", ())}


def _prepare(folder: Path) -> None:
    """Make the folder, and remove what a killed run left behind."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DomainError(f"{folder} cannot be made: {error.strerror}.") from error
    for pattern in (f".*{_PART}", f"*/.*{_PART}"):
        for left in folder.glob(pattern):
            left.unlink()


def _done(task: _Task) -> Any:
    _, function, arguments = task
    return function(*arguments)


def _watched(
    results: Iterator[tuple[_Task, Any]], total: int, *, progress: bool
) -> Iterator[tuple[str, Any]]:
    """Results by slug, counted on a bar where the output is a terminal."""
    from tqdm import tqdm

    with tqdm(total=total, disable=None if progress else True, leave=False) as bar:
        for (slug, *_), result in results:
            bar.set_description_str(slug[:40])
            bar.update()
            yield slug, result


def _compute_numbers() -> list[dict[str, Any]]:
    """The entries of all worked numbers."""
    return [number.to_dict() for number in list_numbers()]


def _judge(slug: str) -> dict[str, Any]:
    """One claim's entry of the scorecard, with its statement as formulas."""
    from sympy import latex

    from momentum_dynamics.claims.mathml import to_mathml

    item = claim(slug)
    statement = item.statement()
    return {
        **judge(item).to_dict(),
        "statement": latex(statement),
        "statement_mathml": to_mathml(statement),
    }


def _draw(slug: str, folder: str, formats: tuple[str, ...], quick: bool) -> None:  # noqa: FBT001
    """Compute one figure and write its pictures, its data and what the gallery says of it."""
    item = figure(slug)
    key = item.source.key or "own"
    home = Path(folder) / key
    home.mkdir(exist_ok=True)
    parameters = {**item.parameters, **(item.quick if quick else {})}
    data = item.data(**(item.quick if quick else {}))
    with styled():
        picture = item.render(data)
        for kind in formats:
            with _whole(home / f"{slug}.{kind}") as part:
                save(picture, part, kind)
    with _whole(home / f"{slug}.npz") as part:
        _save_data(part, data_arrays(data))
    names = [*(f"{key}/{slug}.{kind}" for kind in formats), f"{key}/{slug}.npz"]
    about = {
        "made_by": _MAKER,
        "slug": slug,
        "title": item.title,
        "caption": item.caption(data),
        "source": str(item.source),
        "key": key,
        "claims": list(item.claims),
        "remark": item.remark,
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "quick": quick,
        "files": names,
    }
    _write_json(home / f"{slug}.json", about)


def _save_data(path: Path, arrays: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    path.write_bytes(buffer.getvalue())


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A hidden name beside a file's place; what is written there is moved into place whole."""
    part = path.with_name(f".{path.name}{_PART}")
    yield part
    part.replace(path)


def _write_text(path: Path, text: str) -> None:
    with _whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _write_json(path: Path, content: Any) -> None:
    _write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _read_about(path: Path) -> dict[str, Any] | None:
    """What a figure's file says of it; None for files that are not ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(found, dict) and found.get("made_by") == _MAKER
    return found if ours else None


def _write_pages(
    folder: Path,
    entries: Sequence[Mapping[str, Any]],
    live: Sequence[Mapping[str, Any]],
    numbers: Sequence[Mapping[str, Any]],
    *,
    quick: bool,
) -> None:
    """The pages, from all that lies in the folder; pictures of no known figure are removed."""
    known = {item.slug for item in list_figures()}
    about = []
    for path in sorted(folder.glob("*/*.json")):
        found = _read_about(path)
        if found is None:
            continue
        if found["slug"] in known and found["key"] == path.parent.name:
            about.append(found)
        else:
            for name in found["files"]:
                (folder / name).unlink(missing_ok=True)
            path.unlink()
    lasting = [_without_measurements(entry) if entry["live"] else entry for entry in entries]
    card = {"schema": SCHEMA, "quick": quick, "claims": lasting, "numbers": list(numbers)}
    _write_json(folder / "scorecard.json", card)
    _write_text(folder / "scorecard.html", scorecard_page(lasting, numbers))
    _write_text(folder / "index.html", index_page(about, entries))
    if live:
        _write_json(folder / "live.json", {"schema": SCHEMA, "quick": quick, "claims": list(live)})
        _write_text(folder / "live.html", live_page(live))


def _without_measurements(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A live claim's entry with what is the same in every run that finds the same verdict."""
    same = ("role", "passed", "note")
    nothing = {"predicted": None, "measured": None, "tolerance": None}
    checks = [nothing | {name: check[name] for name in same} for check in entry["checks"]]
    return {**entry, "checks": checks}
