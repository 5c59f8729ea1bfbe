"""The exceptions of the package: one sentence each, saying what came and what is admissible."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DomainError",
    "MomentumDynamicsError",
    "NotTraceableError",
    "ShapeError",
    "UnknownNameError",
    "UnstableDynamicsError",
]


class MomentumDynamicsError(Exception):
    """Whatever this package refuses to do: catch this one to catch them all."""


class DomainError(MomentumDynamicsError, ValueError):
    """A number outside the range in which the question has an answer."""


class UnstableDynamicsError(DomainError):
    """A stationary quantity was asked of a loop whose spectral radius is not below one."""


class ShapeError(MomentumDynamicsError, ValueError):
    """Arrays whose shapes do not fit together."""


class NotTraceableError(MomentumDynamicsError, TypeError):
    """A closed form was asked where none exists or none can be read off."""


class UnknownNameError(MomentumDynamicsError, LookupError):
    """A name that is not in the catalogue it was looked up in."""

    @classmethod
    def among(cls, kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
        """Build the error, with the names that hold this one, or else the nearest, as a hint.

        Examples
        --------
        >>> print(UnknownNameError.among("figure", "root-locs", ["root-locus", "regimes"]))
        No figure is called 'root-locs'; did you mean 'root-locus'?
        """
        known = sorted(known)
        near = [match for match in known if len(str(name)) > 2 and str(name) in match]
        near = near or difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
        if near:
            hint = "did you mean " + " or ".join(repr(match) for match in near) + "?"
        else:
            hint = "known are: " + ", ".join(known) + "."
        return cls(f"No {kind} is called {name!r}; {hint}")
