"""Catalogues found by inspection: what a package's modules define is listed by its slug."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import TypeVar

from momentum_dynamics.errors import UnknownNameError

__all__ = ["gather", "look_up"]

_Entry = TypeVar("_Entry")


def gather(package: str, kind: type[_Entry]) -> dict[str, _Entry]:
    """Every object of a kind in the modules of a package, by its ``slug``."""
    found = {}
    for module_info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, kind):
                found[str(getattr(value, "slug"))] = value  # noqa: B009 - a slug is all we ask of a kind
    return found


def look_up(what: str, name: str, catalogue: Mapping[str, _Entry]) -> _Entry:
    """One entry by its name.

    Raises
    ------
    UnknownNameError
        With the nearest names, if there is none of this name.
    """
    if name not in catalogue:
        raise UnknownNameError.among(what, name, catalogue)
    return catalogue[name]
