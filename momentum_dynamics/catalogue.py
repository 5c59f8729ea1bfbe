"""Catalogues found by inspection: what a package's modules define is listed by its slug."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TypeVar

from momentum_dynamics.errors import UnknownNameError

__all__ = ["gather", "look_up", "topics"]

_Entry = TypeVar("_Entry")


def gather(package: str, kind: type[_Entry]) -> dict[str, _Entry]:
    """Every object of a kind in the modules of a package, by its ``slug``."""
    return {slug: value for _, slug, value in _entries(package, kind)}


def topics(package: str, kind: type[_Entry]) -> dict[str, str]:
    """What the module of each object is about, by slug: the first line of its text."""
    return {
        slug: (module.__doc__ or "").partition("\n")[0].rstrip(".")
        for module, slug, _ in _entries(package, kind)
    }


def _entries(package: str, kind: type[_Entry]) -> Iterator[tuple[ModuleType, str, _Entry]]:
    for module_info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, kind):
                yield module, str(getattr(value, "slug")), value  # noqa: B009 - all we ask of a kind


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
