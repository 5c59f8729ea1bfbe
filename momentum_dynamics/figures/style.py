"""The one style of all pictures, and writing them byte for byte the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from momentum_dynamics.notation import GLOSSARY

__all__ = [
    "COLORS",
    "GRAY",
    "INK",
    "WIDTH",
    "label",
    "new_figure",
    "product_label",
    "save",
    "shades",
    "styled",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, told apart by color-blind readers too; for kinds of things."""

INK, GRAY = "#222222", "#8a8f98"
"""For text and predictions drawn on top; for limits and what recedes."""

WIDTH = 7.2
"""Inches of a picture as wide as a text."""

_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def label(name: str) -> str:
    """The axis label of a quantity, as the glossary has it."""
    return GLOSSARY[name].label


def product_label(first: str, second: str) -> str:
    """The axis label of a product of two quantities."""
    words = [GLOSSARY[name].name.replace("_", " ") for name in (first, second)]
    return f"{words[0]} × {words[1]} ${GLOSSARY[first].latex} {GLOSSARY[second].latex}$"


def shades(count: int) -> list[str]:
    """Colors from dark to light, for the values of one quantity in their order."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    ramp = mpl.colormaps["viridis"]
    return [to_hex(ramp(0.8 * index / max(count - 1, 1))) for index in range(count)]


@contextmanager
def styled() -> Iterator[None]:
    """The house style for the time of a with-block; nothing of the user's settings is changed."""
    import matplotlib as mpl
    from matplotlib import style

    sheet = resources.files("momentum_dynamics.figures") / "momentum.mplstyle"
    with resources.as_file(sheet) as path, mpl.rc_context():
        mpl.rcdefaults()
        style.use(path)
        yield


def new_figure(panels: tuple[int, int] | str, size: tuple[float, float]) -> tuple[Any, Any]:
    """A figure without pyplot, and its axes: an array ``(rows, columns)``, or by letter."""
    from matplotlib.figure import Figure as Canvas

    picture = Canvas(figsize=size, layout="constrained")
    if isinstance(panels, str):
        return picture, picture.subplot_mosaic(panels)
    return picture, picture.subplots(*panels, squeeze=False)


def save(picture: Any, path: Path, kind: str = "svg") -> None:
    """Write a picture so that the same data give the same bytes: no dates, a fixed salt."""
    with styled():
        picture.savefig(path, format=kind, metadata=_METADATA[kind])
