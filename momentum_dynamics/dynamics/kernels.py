"""Laws compiled for maps of millions of points; without numba the laws' NumPy text answers."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from momentum_dynamics import scalars
from momentum_dynamics.laws import spectrum

__all__ = ["compile_law", "radius_map"]

_WORTH_COMPILING = 200_000
"""Below this many points the NumPy text is done before a compiler has started."""

_NATIVE: dict[Callable[..., Any], Callable[..., Any]] = {
    scalars.sqrt: math.sqrt,
    scalars.absolute: abs,
    scalars.maximum: max,
}


def compile_law(law: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a law's own text, with the scalar functions bound to native ones.

    The code object is the law's; only the names it looks up are bound anew, laws that it calls
    being compiled the same way. There is no second text that could differ.

    Raises
    ------
    ImportError
        If numba is not installed.
    """
    import numba

    bound = {}
    for name in law.__code__.co_names:
        value = law.__globals__.get(name)
        if isinstance(value, types.FunctionType):
            bound[name] = _NATIVE.get(value) or compile_law(value)
    native = types.FunctionType(law.__code__, {**law.__globals__, **bound}, law.__name__)
    compiled: Callable[..., Any] = numba.njit(native, error_model="numpy")
    return compiled


def radius_map(t0: Any, t1: Any, d0: Any, d1: Any, h: Any) -> Any:
    """The spectral radius of trace T₀ + hT₁ and determinant D₀ + hD₁, broadcast.

    Small maps, and all maps where numba is missing, are answered by the law's NumPy text, which
    needs no compilation; large ones by the compiled law, with the same bits.
    """
    pair = (t0, t1, d0, d1)
    shape = np.broadcast_shapes(np.shape(h), *(np.shape(entry) for entry in pair))
    if math.prod(shape) >= _WORTH_COMPILING:
        row, point = _compiled_radius()
        if row is not None and h.ndim and all(np.shape(e)[-1:] in {(), (1,)} for e in pair):
            return row(*(e[..., 0] if np.ndim(e) else e for e in pair), np.ascontiguousarray(h))
        if point is not None:
            return point(*pair, h)
    with np.errstate(all="ignore"):
        return spectrum.spectral_radius(t0 + h * t1, d0 + h * d1)


@cache
def _compiled_radius() -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    """The radius over rows of curvatures that share their parameters, and point by point."""
    try:
        import numba
    except ImportError:
        return None, None
    law = compile_law(spectrum.spectral_radius)

    def fill(t0: Any, t1: Any, d0: Any, d1: Any, h: Any, out: Any) -> None:
        for i in range(h.shape[0]):
            out[i] = law(t0 + h[i] * t1, d0 + h[i] * d1)

    def point(t0: Any, t1: Any, d0: Any, d1: Any, h: Any) -> Any:
        return law(t0 + h * t1, d0 + h * d1)

    along = numba.guvectorize(["void(f8,f8,f8,f8,f8[::1],f8[::1])"], "(),(),(),(),(n)->(n)")
    return along(fill), numba.vectorize(["f8(f8,f8,f8,f8,f8)"])(point)
