"""What the papers show: compute, then draw; and `plot` for any result."""

from __future__ import annotations

from functools import cache

from momentum_dynamics.catalogue import gather, look_up
from momentum_dynamics.figures.base import Figure
from momentum_dynamics.figures.plots import plot

__all__ = ["Figure", "figure", "list_figures", "plot"]


@cache
def _catalogue() -> dict[str, Figure]:
    return gather(__name__, Figure)


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
    return look_up("figure", slug, _catalogue())
