"""The one style of all pictures, and writing them byte for byte the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["COLORS", "new_figure", "save", "styled"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, told apart by color-blind readers too."""

_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """The house style for the time of a with-block; nothing of the user's settings is changed."""
    import matplotlib as mpl  # noqa: PLC0415

    sheet = resources.files("momentum_dynamics.figures") / "momentum.mplstyle"
    with resources.as_file(sheet) as path, mpl.rc_context():
        mpl.rcdefaults()
        mpl.style.use(path)
        yield


def new_figure(panels: tuple[int, int], size: tuple[float, float]) -> tuple[Any, Any]:
    """A figure without pyplot, and its axes as an array ``(rows, columns)``."""
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415

    picture = Canvas(figsize=size, layout="constrained")
    return picture, picture.subplots(*panels, squeeze=False)


def save(picture: Any, path: Path, kind: str = "svg") -> None:
    """Write a picture so that the same data give the same bytes: no dates, a fixed salt."""
    picture.savefig(path, format=kind, metadata=_METADATA[kind])
