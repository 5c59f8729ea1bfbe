"""What the papers say, each with its proof, its experiment and its source."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from momentum_dynamics.claims.bibliography import cite
from momentum_dynamics.claims.evidence import (
    Citation,
    Claim,
    Evidence,
    Judgement,
    Kind,
    Verdict,
    judge,
)
from momentum_dynamics.errors import UnknownNameError

__all__ = [
    "Citation",
    "Claim",
    "Evidence",
    "Judgement",
    "Kind",
    "Verdict",
    "cite",
    "claim",
    "judge",
    "list_claims",
]


@cache
def _catalogue() -> dict[str, Claim]:
    found: dict[str, Claim] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, Claim):
                found[value.slug] = value
    return found


def list_claims() -> tuple[Claim, ...]:
    """Every claim of the package, found by inspection, in the order of its topics.

    Examples
    --------
    >>> "optimal-heavy-ball" in [claim.slug for claim in list_claims()]
    True
    """
    return tuple(_catalogue().values())


def claim(slug: str) -> Claim:
    """One claim by its slug.

    Raises
    ------
    UnknownNameError
        With the nearest slugs, if there is none of this name.
    """
    catalogue = _catalogue()
    if slug not in catalogue:
        raise UnknownNameError.among("claim", slug, catalogue)
    return catalogue[slug]
