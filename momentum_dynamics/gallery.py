"""The gallery and the scorecard as pages: plain HTML that opens by a double click."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from momentum_dynamics.claims.bibliography import short_reference

__all__ = ["index_page", "live_page", "scorecard_page"]

_STYLE = """
:root { --ink: #1b1b1f; --soft: #5c5f66; --line: #dfe1e5; --paper: #fff; --card: #fafbfc;
  --proved: #00694d; --confirmed: #00548a; --refuted: #a84600; --inconclusive: #6b3f6b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ea; --soft: #a2a6ad; --line: #34363b;
  --paper: #17181b; --card: #1e2024; --proved: #5fc9a5; --confirmed: #6cb6ea; --refuted: #f0a368;
  --inconclusive: #d39ad3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p.lead { color: var(--soft); margin: 0 0 1rem; max-width: 46rem; }
a { color: inherit; text-underline-offset: .2em; }
.grid { display: grid; gap: 1.25rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  overflow: hidden; display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
figure > a { background: #fff; display: flex; align-items: center; padding: .5rem; }
figure img { width: 100%; max-height: 26rem; object-fit: contain; display: block; }
@media (max-width: 46rem) { figure { grid-template-columns: minmax(0, 1fr); } }
figcaption { padding: .75rem 1rem 1rem; font-size: .875rem; }
figcaption h3 { margin: 0 0 .35rem; font-size: 1rem; }
figcaption p { margin: 0 0 .5rem; } .soft { color: var(--soft); }
.verdict { font-weight: 600; white-space: nowrap; } .proved { color: var(--proved); }
.confirmed { color: var(--confirmed); } .refuted { color: var(--refuted); }
.inconclusive { color: var(--inconclusive); }
table { border-collapse: collapse; width: 100%; font-size: .8125rem; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
article { border-top: 1px solid var(--line); padding: 1.1rem 0; }
article h2, article h3 { margin: 0 0 .25rem; font-size: 1.05rem; }
section > h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; }
nav ol { columns: 22rem; margin: 1rem 0; padding: 0; list-style: none; font-size: .875rem; }
nav li { break-inside: avoid; margin: 0 0 .25rem; }
article p { margin: .25rem 0; } .scroll { overflow: auto hidden; padding: .4em 0; }
.scroll table { min-width: 36rem; }
math { font-size: 1.05em; }
""".strip()


def _page(title: str, lead: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="lead">{lead}</p>\n{body}\n</body>\n</html>\n'
    )


def _badge(verdict: str) -> str:
    return f'<span class="verdict {escape(verdict)}">{escape(verdict)}</span>'


def index_page(figures: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]]) -> str:
    """The gallery: a card for every figure, grouped by the paper it comes from.

    Parameters
    ----------
    figures : sequence of mappings
        What `reproduce` keeps of each figure beside its picture.
    claims : sequence of mappings
        The entries of the scorecard.
    """
    verdicts = {entry["slug"]: entry["verdict"] for entry in claims}
    counts = _counted(claims)
    parts, contents = [], []
    ordered = sorted(figures, key=lambda entry: (entry["key"], entry["slug"]))
    for key, group in groupby(ordered, key=lambda entry: str(entry["key"])):
        heading = "Results of this project" if key == "own" else short_reference(key)
        cards = "\n".join(_card(entry, verdicts) for entry in group)
        people_and_year = re.sub(r"(\(\d+\)), .*", r"\1", heading)
        contents.append(f'<a href="#{escape(key)}">{escape(people_and_year)}</a>')
        parts.append(
            f'<section>\n<h2 id="{escape(key)}">{escape(heading)}</h2>\n'
            f'<div class="grid">\n{cards}\n</div>\n</section>'
        )
    lead = (
        f"{len(figures)} figures, each with its source and the data it was drawn from; "
        f'<a href="scorecard.html">{len(claims)} claims on the scorecard</a>: {counts}.'
    )
    parts.insert(0, f'<nav class="soft">{" · ".join(contents)}</nav>')
    return _page("Momentum: the gallery", lead, "\n".join(parts))


def _card(entry: Mapping[str, Any], verdicts: Mapping[str, str]) -> str:
    slug, files = entry["slug"], entry["files"]
    picture = next(name for name in (*files, "") if name.endswith((".svg", ".png", "")))
    linked = " · ".join(
        f'<a href="{escape(name)}">{escape(name.rsplit(".", 1)[1])}</a>' for name in files
    )
    shown = "<br>".join(
        f'<a href="scorecard.html#{escape(claim)}">{escape(claim)}</a> {_badge(verdicts[claim])}'
        if claim in verdicts
        else escape(claim)
        for claim in entry["claims"]
    )
    remark = f'<p class="soft">{escape(entry["remark"])}</p>' if entry["remark"] else ""
    is_ours = entry["key"] == "own"  # which the heading says
    after = "" if is_ours else f'<p class="soft">After {escape(entry["source"])}.</p>'
    return (
        f'<figure id="{escape(slug)}">\n<a href="{escape(picture)}">'
        f'<img src="{escape(picture)}" alt="{escape(entry["title"])}" loading="lazy"></a>\n'
        f"<figcaption>\n<h3>{escape(entry['title'])}</h3>\n<p>{escape(entry['caption'])}</p>\n{remark}"
        f"{after}\n<p>{shown}</p>\n"
        f'<p class="soft">{linked}</p>\n</figcaption>\n</figure>'
    )


def _counted(claims: Sequence[Mapping[str, Any]]) -> str:
    order = ("proved", "confirmed", "refuted", "inconclusive")
    found = [entry["verdict"] for entry in claims]
    return ", ".join(f"{found.count(name)} {name}" for name in order if name in found)


def live_page(claims: Sequence[Mapping[str, Any]]) -> str:
    """What claims about real threads and processes measured in the last run.

    Parameters
    ----------
    claims : sequence of mappings
        The entries of those claims, with their numbers.
    """
    lead = (
        f"{len(claims)} claims about real workers: {_counted(claims)}. These are the numbers of "
        "the last run on this machine; every run writes others, and nothing is compared with them. "
        '<a href="scorecard.html">The scorecard</a> has the verdicts; the same as '
        '<a href="live.json">JSON</a>.'
    )
    body = "\n".join(_article(entry, is_measured=True) for entry in claims)
    return _page("Momentum: real workers", lead, body)


def scorecard_page(
    claims: Sequence[Mapping[str, Any]], numbers: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The scorecard for people: every claim with its evidence, and the worked numbers.

    Parameters
    ----------
    claims, numbers : sequence of mappings
        The entries of the scorecard.
    """
    parts, contents = [], []
    for place, (name, group) in enumerate(groupby(claims, key=lambda entry: entry["topic"])):
        contents.append(f'<li><a href="#topic-{place}">{escape(name)}</a></li>')
        articles = "\n".join(_article(entry, is_measured=not entry["live"]) for entry in group)
        parts.append(
            f'<section>\n<h2 id="topic-{place}">{escape(name)}</h2>\n{articles}\n</section>'
        )
    topics = f'<nav class="soft"><ol>\n{"".join(contents)}\n</ol></nav>'
    if numbers:
        parts.append(_worked(numbers))
    body = "\n".join([topics, *parts])
    told = f' <a href="#numbers">{len(numbers)} worked numbers</a>.' if numbers else ""
    lead = (
        f"{len(claims)} claims: {_counted(claims)}. Proved: an exact proof and an experiment "
        "agree, and a control with one assumption broken does not. Confirmed: the same without a "
        "proof. Refuted: the experiment contradicts the claim, and what is right instead is "
        f"proved or measured.{told} "
        'The same as <a href="scorecard.json">JSON</a>; '
        '<a href="index.html">the gallery</a>.'
    )
    return _page("Momentum: the scorecard", lead, body)


def _agreement(entry: Mapping[str, Any]) -> str:
    told = "yes" if entry["agrees"] else "no"
    return told if entry["agrees"] == entry["expected"] else f"{told} (not expected)"


def _worked(numbers: Sequence[Mapping[str, Any]]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(entry['source'])}</td><td>{escape(entry['quantity'])}</td>"
        f'<td class="number">{entry["published"]:.8g}</td>'
        f'<td class="number">{entry["computed"]:.8g}</td>'
        f'<td class="number">{entry["difference"]:.1e}</td>'
        f"<td>{_agreement(entry)}</td><td>{escape(entry['note'])}</td></tr>"
        for entry in numbers
    )
    return (
        '<article id="numbers">\n<h2>Worked numbers</h2>\n'
        "<p>What sources print, or what their printed formulas give, beside what is computed "
        "here; for this project, what was derived or simulated apart from the package.</p>\n"
        '<div class="scroll"><table>\n<tr><th>source</th><th>quantity</th><th>published</th>'
        "<th>computed</th><th>difference</th><th>agrees</th><th>note</th></tr>\n"
        f"{rows}\n</table></div>\n</article>"
    )


def _article(entry: Mapping[str, Any], *, is_measured: bool) -> str:
    rows = "\n".join(_row(check, is_measured=is_measured) for check in entry["checks"])
    elsewhere = (
        ""
        if is_measured
        else '<p class="soft">Real workers give other numbers in every run, so none are kept: '
        f'each writes its own to <a href="live.html#{escape(entry["slug"])}">live.html</a>.</p>\n'
    )
    surprise = (
        "" if entry["verdict"] == entry["expected"] else f" (expected: {escape(entry['expected'])})"
    )
    figures = ", ".join(
        f'<a href="index.html#{escape(slug)}">{escape(slug)}</a>' for slug in entry["figures"]
    )
    remark = f"<p>{escape(entry['remark'])}</p>\n" if entry["remark"] else ""
    return (
        f'<article id="{escape(entry["slug"])}">\n<h3>{escape(entry["title"])}</h3>\n'
        f"<p>{_badge(entry['verdict'])}{surprise} · {escape(entry['kind'])} · "
        f'<span class="soft">{escape(entry["source"])} · {escape(entry["slug"])}</span></p>\n'
        f'<p class="scroll">{entry["statement_mathml"]}</p>\n{remark}'
        '<div class="scroll"><table>\n<tr><th>check</th><th>compared</th><th>predicted</th>'
        "<th>measured</th><th>error or tolerance</th><th>agrees</th></tr>\n"
        f"{rows}\n</table></div>\n{elsewhere}"
        + (f'<p class="soft">Figures: {figures}</p>\n' if figures else "")
        + "</article>"
    )


def _row(check: Mapping[str, Any], *, is_measured: bool) -> str:
    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.6g}"

    if not is_measured:
        error = "differs"
    elif check.get("standard_error") is not None:
        error = f"± {check['standard_error']:.2g}"
    else:
        error = "exact" if check.get("tolerance") is None else f"≤ {check['tolerance']:.2g}"
    yes, no = {
        "control": ("yes", "no, as it must"),
        "counterexample": ("contradicts", "does not contradict"),
    }.get(check["role"], ("yes", "no"))
    agrees = yes if check["passed"] else no
    return (
        f"<tr><td>{escape(check['role'])}</td><td>{escape(check['note'])}</td>"
        f'<td class="number">{shown(check["predicted"])}</td>'
        f'<td class="number">{shown(check["measured"])}</td>'
        f'<td class="number">{error}</td><td>{agrees}</td></tr>'
    )
