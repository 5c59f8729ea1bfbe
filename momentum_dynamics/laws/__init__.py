"""Closed formulas, each written once: arithmetic, integers, `scalars` functions and other laws.

Nothing here knows arrays from symbols; `scalars.expression` reads any law as a SymPy expression.
A law has no guards: where a formula asks for a domain, the engine that uses it checks.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

__all__ = ["catalogue"]


def catalogue() -> dict[str, Callable[..., Any]]:
    """Every law of the package by its dotted name, found by inspection.

    Examples
    --------
    >>> "noise.stationary_variance" in catalogue()
    True
    """
    found: dict[str, Callable[..., Any]] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for name, law in inspect.getmembers(module, inspect.isfunction):
            if law.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{module_info.name}.{name}"] = law
    return found
