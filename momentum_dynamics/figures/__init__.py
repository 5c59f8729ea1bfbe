"""What the papers show: compute, then draw; and `plot` for any result."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.figures.base import Figure
from momentum_dynamics.figures.plots import plot

__all__ = ["Figure", "figure", "list_figures", "plot"]


@cache
def _catalogue() -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, Figure):
                found[value.slug] = value
    return found


def list_figures() -> tuple[Figure, ...]:
    """Every figure of the package, found by inspection.

    Examples
    --------
    >>> "root-locus" in [figure.slug for figure in list_figures()]
    True
    """
    return tuple(_catalogue().values())


def figure(slug: str) -> Figure:
    """One figure by its slug.

    Raises
    ------
    UnknownNameError
        With the nearest slugs, if there is none of this name.

    Examples
    --------
    >>> picture = figure("root-locus")
    >>> picture.source.key
    'goh2017'
    """
    catalogue = _catalogue()
    if slug not in catalogue:
        raise UnknownNameError.among("figure", slug, catalogue)
    return catalogue[slug]
