"""Compiling the texts of kernels: the one place of the simulations where numba compiles."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable
from hashlib import blake2s
from typing import Any

from momentum_dynamics.errors import DomainError

__all__ = ["chosen_text", "compile_text"]


def compile_text(text: Callable[..., Any], **bound: Any) -> Any:
    """A kernel's text, compiled and kept on disk; None where numba is not installed.

    Parameters
    ----------
    text : callable
    **bound
        Names that the text takes from its module, bound anew, as to the compiled texts it calls.

    Notes
    -----
    Code that is kept is used as long as its own file is as it was; what it calls in other files has
    been compiled into it. So the name that it is kept under tells their contents.
    """
    try:
        import numba
    except ImportError:
        return None
    native = types.FunctionType(text.__code__, {**text.__globals__, **bound}, text.__name__)
    native.__qualname__ = f"{text.__name__}_{_contents(text, bound)}"
    try:
        return numba.njit(native, cache=True, error_model="numpy", nogil=True)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(native, error_model="numpy", nogil=True)


def _contents(text: Callable[..., Any], bound: dict[str, Any]) -> str:
    """A digest of the file of a text and, by their names, of those of the texts it is bound to."""
    told = blake2s(inspect.getsource(sys.modules[text.__module__]).encode(), digest_size=8)
    for name in sorted(bound):
        told.update(getattr(bound[name], "__qualname__", "").encode())
    return told.hexdigest()


def chosen_text(
    engine: str, compiled: Callable[[], Callable[..., None] | None], in_numpy: Callable[..., None]
) -> Callable[..., None]:
    """The text that engine 'compiled' or 'numpy' runs.

    Raises
    ------
    DomainError
        If it is to be compiled, but numba is not installed.
    """
    text = compiled() if engine == "compiled" else in_numpy
    if text is None:
        raise DomainError("engine 'compiled' needs numba, which is not installed; use 'numpy'.")
    return text
