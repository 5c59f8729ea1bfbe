"""What the papers say, each with its proof, its experiment and its source."""

from __future__ import annotations

from functools import cache

from momentum_dynamics.catalogue import gather, look_up
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
    return gather(__name__, Claim)


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
    return look_up("claim", slug, _catalogue())
