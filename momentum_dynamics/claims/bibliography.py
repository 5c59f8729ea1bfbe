"""The bibliography: one BibTeX file, keys looked up by `cite`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from momentum_dynamics.catalogue import look_up
from momentum_dynamics.errors import MomentumDynamicsError

__all__ = ["cite", "entries", "short_reference"]

_ENTRY = re.compile(r"^@\w+\{(?P<key>[^,\s]+),.*?^\}", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*$", re.MULTILINE)


@cache
def entries() -> dict[str, str]:
    """Every BibTeX entry by its key.

    Raises
    ------
    MomentumDynamicsError
        If the file is not beside the package.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package, package.parent):
        file = folder / "references.bib"
        if file.exists():
            text = file.read_text(encoding="utf-8")
            return {match["key"]: match.group() for match in _ENTRY.finditer(text)}
    raise MomentumDynamicsError("references.bib is missing; install the package again.")


def cite(key: str) -> str:
    """The BibTeX entry of a source.

    Parameters
    ----------
    key : str
        Such as ``"polyak1964"``.

    Raises
    ------
    UnknownNameError
        If the bibliography has no such key.

    Examples
    --------
    >>> print(cite("polyak1964").splitlines()[0])
    @article{polyak1964,
    """
    return look_up("source", key, entries())


def short_reference(key: str) -> str:
    """Author, year and title of a source on one line, for captions and tables."""
    fields = dict(_FIELD.findall(cite(key)))
    plain = {name: re.sub(r"[{}]|\\['`\"^]", "", value) for name, value in fields.items()}
    people = [name.split(",")[0].strip() for name in plain.get("author", key).split(" and ")]
    shown = (
        people[0]
        if len(people) == 1
        else (" & ".join(people) if len(people) == 2 else f"{people[0]} et al.")
    )
    return f"{shown} ({plain.get('year', '?')}), {plain.get('title', key)}"
