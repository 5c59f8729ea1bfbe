"""What the papers say, each with its proof, its experiment and its source."""

from __future__ import annotations

from functools import cache

from momentum_dynamics.catalogue import gather, look_up, topics
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
    "topic",
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


def topic(slug: str) -> str:
    """What a claim is about, together with its neighbors in the list.

    Raises
    ------
    UnknownNameError
        With the nearest slugs, if there is none of this name.

    Examples
    --------
    >>> topic("optimal-heavy-ball")
    'Optimal parameters for a spectrum, and the method they are the limit of'
    """
    return look_up("claim", slug, _topics())


@cache
def _topics() -> dict[str, str]:
    return topics(__name__, Claim)
