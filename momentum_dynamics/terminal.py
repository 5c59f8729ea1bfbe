"""Text for terminals and from them: encodings that lack a letter, lists, JSON, name=value pairs."""

from __future__ import annotations

import ast
import codecs
import json
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO, Any

from momentum_dynamics.errors import DomainError

__all__ = [
    "catalogue",
    "evidence_text",
    "filled",
    "formula",
    "json_text",
    "settings",
    "write_plainly",
]


def json_text(value: Any) -> str:
    """JSON that every parser reads: ASCII, no NaN."""
    return json.dumps(value, indent=2, allow_nan=False)


def catalogue(entries: Iterable[tuple[str, str]]) -> str:
    """Slugs on lines of their own, each with its text indented below."""
    return "\n".join(
        f"{slug}\n{textwrap.indent(filled(text, width=96), '    ')}" for slug, text in entries
    )


def filled(text: str, *, hanging: int = 0, width: int = 100) -> str:
    """Text broken into lines, all but the first indented."""
    return textwrap.fill(text, width, subsequent_indent=" " * hanging)


def formula(expression: Any, encoding: str | None) -> str:
    """A SymPy expression drawn in letters, in plain ones where the encoding has no others."""
    import sympy

    try:
        "√σ⎛".encode(encoding or "ascii")
        full = True
    except (UnicodeEncodeError, LookupError):
        full = False
    drawn = sympy.pretty(expression, wrap_line=False, use_unicode=full)
    return textwrap.indent("\n".join(line.rstrip() for line in drawn.splitlines()), "    ")


def evidence_text(role: str, evidence: Any) -> str:
    """What one check of a claim found; a control must disagree, a counterexample contradict."""
    passed, failed = {
        "control": ("agrees, but must not", "disagrees, as it must"),
        "counterexample": ("contradicts", "does not contradict"),
    }.get(role, ("agrees", "disagrees"))
    numbers = ""
    if evidence.predicted is not None and evidence.measured is not None:
        numbers = f": predicted {evidence.predicted:.6g}, found {evidence.measured:.6g}"
        if evidence.standard_error is not None:
            numbers += f" ± {evidence.standard_error:.1g}"
        elif evidence.tolerance is not None:
            numbers += f", tolerance {evidence.tolerance:.1g}"
    note = f" ({evidence.note})" if evidence.note else ""
    return f"{passed if evidence.passed else failed}{numbers}{note}"


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs, their values read as Python literals."""
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (equals and name.strip() and text.strip()):
            raise DomainError(f"{pair} is not of the form name=value.")
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise DomainError(
                f"{pair}: {text!r} cannot be read; write a number such as 0.9, a list such "
                "as [0.1,0.9], or text in quotes."
            ) from error
        found[name.strip().replace("-", "_")] = value
    return found


def write_plainly(stream: IO[str]) -> None:
    """Let a stream replace letters that its encoding lacks, instead of failing on them."""
    codecs.register_error(_PLAINLY, _plainly)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_PLAINLY)


_PLAINLY = "momentum_dynamics.plainly"

_PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "±": "+-",
    "×": "x",
    "·": "*",
    "≤": "<=",
    "≥": ">=",
    "∞": "inf",
    "→": "->",
    "’": "'",
    "“": '"',
    "”": '"',
}


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Greek letters by their names, others by likeness."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end + 1]
    pairs = zip(error.object[error.start : error.end], f"{letters[1:]} ", strict=False)
    return "".join(_plain(letter, after) for letter, after in pairs), error.end


def _plain(letter: str, after: str) -> str:
    if letter in _PLAIN:
        return _PLAIN[letter]
    words = unicodedata.name(letter, "?").lower().split()
    name = words[3] if words[0] == "greek" and len(words) > 3 else "sqrt" if letter == "√" else ""
    if name:
        return f"{name} " if unicodedata.category(after)[0] == "L" else name
    mark = {"superscript": "^", "subscript": "_"}.get(words[0], "")
    return mark + (unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?")
