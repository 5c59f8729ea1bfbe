"""Make the executed notebooks from their sources: percent-format text in, `.ipynb` out.

The text is the source. What is generated holds nothing of the machine that made it: cell ids come
from position and source, and times, paths and widget states are left out, so that building twice
gives the same bytes.

    python notebooks/build.py                  execute all
    python notebooks/build.py 02 03            execute those whose names begin so
    python notebooks/build.py --check          compare sources only, in a second
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
SECONDS = 60
"""What one notebook may take."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_OF_THE_MACHINE = re.compile(r"0x[0-9a-f]{6,}|(?<![\w.])/(?:home|root|tmp|usr|Users|work)/")


def sources(names: Sequence[str] = ()) -> list[Path]:
    """The percent-format texts, all or those whose names begin with one of `names`."""
    found = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
    return [path for path in found if not names or path.name.startswith(tuple(names))]


def convert(source: Path) -> Any:
    """The notebook of a text, without outputs, its cell ids from position and source."""
    book = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    book.nbformat, book.nbformat_minor = 4, 5
    book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for position, cell in enumerate(book.cells):
        text = f"{position}\n{cell.cell_type}\n{cell.source}"
        # Blank lines between cells are the formatter's business.
        cell.metadata.pop("lines_to_next_cell", None)
        cell.id = hashlib.sha256(text.encode()).hexdigest()[:12]
    return book


def execute(book: Any, folder: Path = FOLDER) -> None:
    """Run a notebook from top to bottom in a kernel of its own, and tidy what came out."""
    metadata = dict(book.metadata)
    NotebookClient(
        book,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        record_timing=False,
        store_widget_state=False,
    ).execute()
    book.metadata = nbformat.from_dict(metadata)
    for cell in book.cells:
        if "outputs" in cell:
            cell.outputs = _joined(cell.outputs)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            # A widget lives in its kernel only; its picture stays for readers without one.
            data.pop(_WIDGET, None)
            output.get("metadata", {}).pop(_WIDGET, None)
    nbformat.validate(book)


def _joined(outputs: list[Any]) -> list[Any]:
    """Pieces of one stream as one output: where they were cut is a matter of timing."""
    kept: list[Any] = []
    for output in outputs:
        if kept and output.get("name") and kept[-1].get("name") == output["name"]:
            kept[-1]["text"] += output["text"]
        else:
            kept.append(output)
    return kept


def faults(book: Any) -> Iterator[str]:
    """What should not be in a committed notebook: warnings, and traces of the machine."""
    for position, cell in enumerate(book.cells):
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                yield f"cell {position} warns: {output['text'].strip()}"
            texts = [output.get("text", "")]
            texts += [
                v for kind, v in output.get("data", {}).items() if not kind.startswith("image")
            ]
            for text in texts:
                trace = _OF_THE_MACHINE.search(str(text))
                if trace:
                    yield f"cell {position} shows {trace.group()!r}, which differs between machines"


def differences(source: Path) -> Iterator[str]:
    """How a committed notebook differs from its text, outputs aside."""
    target = source.with_suffix(".ipynb")
    if not target.exists():
        yield f"{target.name} is missing"
        return
    fresh, kept = convert(source), nbformat.read(target, as_version=4)
    if len(fresh.cells) != len(kept.cells):
        yield f"{target.name} has {len(kept.cells)} cells and its source {len(fresh.cells)}"
    for position, (new, old) in enumerate(zip(fresh.cells, kept.cells, strict=False)):
        same = (new.cell_type, new.source, new.metadata) == (
            old.cell_type,
            old.source,
            old.metadata,
        )
        if not same or new.id != old.get("id"):
            yield f"{target.name}: cell {position} is not the one of its source"
    if fresh.metadata != kept.metadata:
        yield f"{target.name} has other metadata than `build.py` writes"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check, and say what was done."""
    parser = argparse.ArgumentParser(description="Make the executed notebooks from their sources.")
    parser.add_argument("names", nargs="*", help="beginnings of names; all notebooks if none")
    parser.add_argument("--check", action="store_true", help="compare sources, execute nothing")
    options = parser.parse_args(arguments)
    chosen = sources(options.names)
    if not chosen:
        print(f"No notebook begins with {' or '.join(options.names)}.", file=sys.stderr)
        return 2
    if options.check:
        found = [line for source in chosen for line in differences(source)]
        if not options.names:
            books = set(FOLDER.glob("*.ipynb")) - {path.with_suffix(".ipynb") for path in chosen}
            found += [f"{path.name} has no source" for path in sorted(books)]
        for line in found:
            print(f"{line}; run `make notebooks`.", file=sys.stderr)
        return 1 if found else 0
    status = 0
    for source in chosen:
        begun = time.perf_counter()
        book = convert(source)
        execute(book)
        wrong = list(faults(book))
        for line in wrong:
            print(f"{source.name}: {line}.", file=sys.stderr)
        if wrong:
            status = 1
            continue
        target = source.with_suffix(".ipynb")
        text = nbformat.writes(book) + "\n"
        partial = target.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
        print(f"{target.name}: {time.perf_counter() - begun:.0f} s, {len(text) / 1e6:.2f} MB")
    return status


if __name__ == "__main__":
    sys.exit(main())
