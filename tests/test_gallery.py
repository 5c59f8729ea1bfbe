"""The pages of the gallery: every link leads somewhere."""

import re
from pathlib import Path

from momentum_dynamics.gallery import index_page, scorecard_page

COMMITTED = Path(__file__).resolve().parent.parent / "figures"


def picture(slug, key, *claims):
    return {
        "slug": slug, "key": key, "title": slug, "caption": "", "remark": "", "source": key,
        "files": [f"{key}/{slug}.svg"], "claims": claims,
    }  # fmt: skip


def judged(slug, *figures, live=False):
    return {
        "slug": slug, "title": slug, "source": "", "kind": "identity", "expected": "confirmed",
        "verdict": "confirmed", "live": live, "remark": "", "figures": figures, "checks": [],
        "statement_mathml": "<math></math>", "topic": f"On {slug}",
    }  # fmt: skip


def links(page):
    return re.findall(r'(?:href|src)="([^"]*)"', page)


def dangling(pages, exists):
    """Links of pages, by name, that lead to no file or no element."""
    anchors = {name: set(re.findall(r' id="([^"]*)"', page)) for name, page in pages.items()}
    found = []
    for name, page in pages.items():
        for link in links(page):
            file, _, anchor = link.partition("#")
            is_there = not file or file in pages or exists(file)
            if not is_there or (anchor and anchor not in anchors.get(file or name, ())):
                found.append((name, link))
    return found


def test_links_of_the_committed_pages_lead_somewhere():
    pages = {
        name: (COMMITTED / name).read_text(encoding="utf-8")
        for name in ("index.html", "scorecard.html")
    }
    broken = dangling(pages, lambda file: (COMMITTED / file).is_file() or file == "live.html")
    assert [link for link in broken if not link[1].startswith("live.html#")] == []


def test_the_contents_lead_to_every_paper():
    page = index_page([picture("regimes", "goh2017"), picture("ours", "own")], [])
    contents = re.search("<nav.*</nav>", page).group()
    assert links(contents) == ["#goh2017", "#own"]
    assert ">Goh (2017)<" in contents
    assert (
        dangling({"index.html": page}, lambda file: file.startswith(("goh", "own", "score"))) == []
    )


def test_a_claim_and_its_figure_lead_to_each_other():
    claims = [judged("robust-region", "regimes")]
    pages = {
        "index.html": index_page([picture("regimes", "goh2017", "robust-region")], claims),
        "scorecard.html": scorecard_page(claims),
    }
    assert "scorecard.html#robust-region" in links(pages["index.html"])
    assert "index.html#regimes" in links(pages["scorecard.html"])
    assert dangling(pages, {"goh2017/regimes.svg", "scorecard.json"}.__contains__) == []


def test_claims_stand_under_their_topics():
    claims = [judged("first"), judged("second") | {"topic": "On first"}, judged("third")]
    page = scorecard_page(claims)
    assert re.findall("<h2.*?>(.*?)</h2>", page) == ["On first", "On third"]
    contents = re.search("<nav.*?</nav>", page, re.DOTALL).group()
    assert links(contents) == ["#topic-0", "#topic-1"]
    assert dangling({"scorecard.html": page}, lambda _: True) == []


def test_only_a_source_of_others_is_drawn_after():
    page = index_page([picture("regimes", "goh2017"), picture("ours", "own")], [])
    assert re.findall("After (.*?)[.]", page) == ["goh2017"]


def test_a_claim_that_was_not_judged_is_named_without_a_link():
    page = index_page([picture("regimes", "goh2017", "robust-region")], [])
    assert "robust-region" in page
    assert "scorecard.html#robust-region" not in links(page)
