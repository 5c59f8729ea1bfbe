"""Compiling the texts of kernels: the one place of the simulations that imports numba."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from momentum_dynamics.errors import DomainError

__all__ = ["chosen_text", "compile_text"]


def compile_text(text: Callable[..., Any], **bound: Any) -> Any:
    """A kernel's text, compiled and kept on disk; None where numba is not installed.

    Parameters
    ----------
    text : callable
        All that it calls stands in its own file: compiled code that is kept notices no other.
    **bound
        Names that the text takes from its module, bound anew, as to the compiled texts it calls.
    """
    try:
        import numba
    except ImportError:
        return None
    native = types.FunctionType(text.__code__, {**text.__globals__, **bound}, text.__name__)
    try:
        return numba.njit(native, cache=True, error_model="numpy", nogil=True)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(native, error_model="numpy", nogil=True)


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
