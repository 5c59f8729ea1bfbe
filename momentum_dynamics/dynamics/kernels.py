"""Laws compiled for maps of millions of points; without numba the laws' NumPy text answers."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from momentum_dynamics import scalars
from momentum_dynamics.laws import noise, spectrum

__all__ = ["compile_law", "radius_map", "variance_map"]

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
        compiled = _compiled_radius()
        if compiled is not None:
            return _over(compiled, pair, h)
    with np.errstate(all="ignore"):
        return spectrum.spectral_radius(t0 + h * t1, d0 + h * d1)


def _over(compiled: tuple[Callable[..., Any], Callable[..., Any]], parts: Any, h: Any) -> Any:
    """A compiled map by rows of curvatures where they share all parameters, else by points."""
    row, point = compiled
    if h.ndim and all(np.shape(part)[-1:] in {(), (1,)} for part in parts):
        return row(*(e[..., 0] if np.ndim(e) else e for e in parts), np.ascontiguousarray(h))
    return point(*parts, h)


@cache
def _compiled_radius() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The radius over rows of curvatures that share their parameters, and point by point."""
    try:
        import numba
    except ImportError:
        return None
    law = compile_law(spectrum.spectral_radius)

    def fill(t0: Any, t1: Any, d0: Any, d1: Any, h: Any, out: Any) -> None:
        for i in range(h.shape[0]):
            out[i] = law(t0 + h[i] * t1, d0 + h[i] * d1)

    def point(t0: Any, t1: Any, d0: Any, d1: Any, h: Any) -> Any:
        return law(t0 + h * t1, d0 + h * d1)

    along = numba.guvectorize(["void(f8,f8,f8,f8,f8[::1],f8[::1])"], "(),(),(),(),(n)->(n)")
    return along(fill), numba.vectorize(["f8(f8,f8,f8,f8,f8)"])(point)


_MANY_VARIANCES = 50_000
"""From here on a map of variances, which takes many passes in NumPy, is worth a compiler."""

_CLEARLY = 1e-12
"""Margins of stability below this are left to the careful test."""


def variance_map(entries: Any, curvature: Any, noise_variance: Any) -> Any:
    """The settled variance of what a loop of two slots shows, in one pass; or None.

    None where the map is small, where numba is missing, or where some loop is not clearly stable:
    then the text in NumPy answers, and words the refusal.

    Parameters
    ----------
    entries : sequence of 10 arrays
        A by rows, B, C and the row that is seen, broadcast against each other.
    curvature, noise_variance : array
    """
    parts = (*entries, noise_variance)
    if math.prod(np.broadcast_shapes(np.shape(curvature), *map(np.shape, parts))) < _MANY_VARIANCES:
        return None
    compiled = None if any(map(np.iscomplexobj, parts)) else _compiled_variance()
    if compiled is None:
        return None
    with np.errstate(all="ignore"):
        found = _over(compiled, parts, curvature)
    return None if np.isnan(found).any() else found


@cache
def _compiled_variance() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The law of two slots over maps, NaN where the loop is not clearly stable."""
    try:
        import numba
    except ImportError:
        return None
    law = compile_law(noise.two_slot_variance)
    margin = _CLEARLY

    def point(
        a: Any, b: Any, c: Any, d: Any, b0: Any, b1: Any, c0: Any, c1: Any, e0: Any, e1: Any,
        noise_variance: Any, h: Any,
    ) -> Any:  # fmt: skip
        p, q, r, s = a + b0 * h * c0, b + b0 * h * c1, c + b1 * h * c0, d + b1 * h * c1
        trace, determinant = p + s, p * s - q * r
        lead = e0 * b0 + e1 * b1
        lag = e0 * (p * b0 + q * b1) + e1 * (r * b0 + s * b1) - trace * lead
        edge = min(1 - abs(determinant), 1 + determinant - abs(trace))
        value = law(trace, determinant, lead, lag, noise_variance)
        return value if edge > margin else math.nan

    one = numba.njit(point, error_model="numpy")

    def fill(
        a: Any, b: Any, c: Any, d: Any, b0: Any, b1: Any, c0: Any, c1: Any, e0: Any, e1: Any,
        noise_variance: Any, h: Any, out: Any,
    ) -> None:  # fmt: skip
        for i in range(h.shape[0]):
            out[i] = one(a, b, c, d, b0, b1, c0, c1, e0, e1, noise_variance, h[i])

    kinds, axes = "f8," * 11, "()," * 11
    along = numba.guvectorize([f"void({kinds}f8[::1],f8[::1])"], f"{axes}(n)->(n)")
    return along(fill), numba.vectorize([f"f8({kinds}f8)"])(point)
