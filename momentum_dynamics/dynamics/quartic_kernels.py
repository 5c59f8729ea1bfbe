"""The quartic of a round of two players, compiled for maps of many points."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from momentum_dynamics.dynamics import quartic_lanes as lanes
from momentum_dynamics.dynamics.kernels import compile_law
from momentum_dynamics.dynamics.polynomials import schur_cohn, two_player_coefficients
from momentum_dynamics.laws import spectrum

__all__ = ["is_large", "quartic_map", "stability_map"]


def is_large(pair: Any) -> bool:
    """Whether the map is worth a compiler."""
    return math.prod(np.broadcast_shapes(*map(np.shape, pair))) >= _WORTH_FACTORING


def quartic_map(*pair: Any) -> Any:
    """The spectral radius of a round of two players, from what its polynomial is made of.

    Large maps are answered by a compiled factorization into two real quadratics; small ones, and
    all where numba is missing, by the eigenvalues of the companion matrix.

    Parameters
    ----------
    *pair : 13 arrays
        The arguments of `polynomials.two_player_coefficients`, broadcast against each other.
    """
    if is_large(pair):
        compiled = _compiled_quartic()
        if compiled is not None:
            with np.errstate(all="ignore"):
                return _by_rows(compiled[0], _floats(pair))
    cubic, square, linear, constant = np.broadcast_arrays(*two_player_coefficients(*pair))
    companion = np.zeros((*cubic.shape, 4, 4))
    companion[..., 0, :] = np.stack([-cubic, -square, -linear, -constant], axis=-1)
    companion[..., [1, 2, 3], [0, 1, 2]] = 1
    finite: Any = np.isfinite(companion).all(axis=(-2, -1))
    values = np.linalg.eigvals(np.where(finite[..., None, None], companion, 0))
    return np.where(finite, np.abs(values).max(axis=-1), np.inf)


def _by_rows(compiled: Callable[..., Any], parts: list[Any]) -> Any:
    """A compiled map along the longest axis, all parts broadcast without being copied."""
    whole = np.broadcast_arrays(*parts)
    axis = int(np.argmax(whole[0].shape))
    return np.moveaxis(compiled(*(np.moveaxis(part, axis, -1) for part in whole)), -1, axis)


def stability_map(*pair: Any) -> Any:
    """Whether a round of two players converges, by Schur and Cohn's test, broadcast.

    Compiled where the map is large, with the same margins as `polynomials.schur_cohn`.

    Parameters
    ----------
    *pair : 13 arrays
        As of `quartic_map`.
    """
    if is_large(pair):
        compiled = _compiled_quartic()
        if compiled is not None:
            with np.errstate(all="ignore"):
                return compiled[1](*_floats(pair))
    return schur_cohn((1.0, *two_player_coefficients(*pair)))


def _floats(pair: Any) -> list[Any]:
    """Floats throughout: whole numbers among them would be cast point by point."""
    return [np.asarray(part, dtype=float) for part in pair]


_WORTH_FACTORING = 20_000
"""Below this many points the eigenvalues are done before a compiler has started."""


@cache
def _compiled_quartic() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The largest modulus of a root along rows, and whether all are inside, point by point."""
    try:
        import numba
    except ImportError:
        return None
    coefficients = compile_law(two_player_coefficients)
    radius = compile_law(spectrum.spectral_radius)
    polish: Any = numba.njit(_polish, error_model="numpy")
    resolvent: Any = numba.njit(_resolvent, error_model="numpy")

    def alone(c3: Any, c2: Any, c1: Any, c0: Any) -> Any:
        if not math.isfinite(c3 + c2 + c1 + c0):
            return math.inf
        # z = y + shift leaves y⁴ + py² + qy + r.
        shift = -c3 / 4
        p = c2 - 6 * shift * shift
        q = c1 + 2 * c2 * shift - 8 * shift**3
        r = c0 + shift * (c1 + shift * (c2 - 3 * shift * shift))
        m = resolvent(p, q, r)
        w = math.sqrt(2 * m)
        skew = q / (2 * w) if w > 0 else 0.0
        middle = p / 2 + m
        if m <= 0:  # y² is a root of a quadratic
            w, skew = 0.0, math.sqrt(max(p * p / 4 - r, 0.0))
            middle = p / 2
        # y² + wy + middle − skew and y² − wy + middle + skew, back in z.
        sum_one, product_one = 2 * shift - w, shift * shift + shift * -w + middle - skew
        sum_two, product_two = 2 * shift + w, shift * shift + shift * w + middle + skew
        sum_one, product_one, sum_two, product_two = polish(
            c3, c2, c1, c0, sum_one, product_one, sum_two, product_two
        )
        return max(radius(sum_one, product_one), radius(sum_two, product_two))

    solve: Any = numba.njit(alone, error_model="numpy")

    shrinks: Any = numba.njit(_shrinks, error_model="numpy")

    def stable(
        t: Any, u: Any, d: Any, e: Any, s: Any, v: Any, f: Any, g: Any,
        a: Any, b: Any, c: Any, h: Any, later: Any,
    ) -> Any:  # fmt: skip
        c3, c2, c1, c0 = coefficients(t, u, d, e, s, v, f, g, a, b, c, h, later)
        return shrinks(c3, c2, c1, c0)

    kinds = "f8," * 12 + "f8"
    rows = _compiled_rows(coefficients, radius, solve)
    return rows, numba.vectorize([f"b1({kinds})"])(stable)


def _compiled_rows(coefficients: Any, radius: Any, solve: Any) -> Callable[..., Any]:
    """Rows of quartics in blocks that stay in the cache, pass by pass; what resists, by itself."""
    import numba

    begin, halve, split, improve, unsettled = (
        numba.njit(loop, error_model="numpy")
        for loop in (lanes.begin, lanes.halve, lanes.split, lanes.improve, lanes.unsettled)
    )

    def row(
        t: Any, u: Any, d: Any, e: Any, s: Any, v: Any, f: Any, g: Any,
        a: Any, b: Any, c: Any, h: Any, later: Any, out: Any,
    ) -> None:  # fmt: skip
        w = np.empty((14, _LANES))
        c3, c2, c1, c0 = w[0], w[1], w[2], w[3]
        for first in range(0, out.size, _LANES):
            count = min(_LANES, out.size - first)
            for i in range(count):
                j = first + i
                c3[i], c2[i], c1[i], c0[i] = coefficients(
                    t[j], u[j], d[j], e[j], s[j], v[j], f[j], g[j],
                    a[j], b[j], c[j], h[j], later[j],
                )  # fmt: skip
            begin(c3, c2, c1, c0, w[4], w[5], w[6], w[7], w[8], count)
            for _ in range(_HALVINGS):
                halve(w[4], w[5], w[6], w[7], w[8], count)
            split(c3, w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11], w[12], count)
            for _ in range(_NEWTONS):
                improve(c3, c2, c1, c0, w[9], w[10], w[11], w[12], count)
            unsettled(c3, c2, c1, c0, w[9], w[10], w[11], w[12], w[13], count)
            for i in range(count):
                w[4, i] = max(radius(w[9, i], w[10, i]), radius(w[11, i], w[12, i]))
            for i in range(count):
                resists = w[13, i] > 0
                out[first + i] = solve(c3[i], c2[i], c1[i], c0[i]) if resists else w[4, i]

    kinds, axes = "f8[:]," * 13, "(n)," * 12
    return numba.guvectorize([f"void({kinds}f8[:])"], f"{axes}(n)->(n)")(row)


_LANES, _HALVINGS, _NEWTONS = 256, 8, 4
"""Quartics at a time; halvings until Newton's method finds its way; and its steps."""


def _shrinks(c3: float, c2: float, c1: float, c0: float) -> bool:
    """Schur and Cohn's test of a monic real quartic, with margins for rounding."""
    size = 1 + abs(c3) + abs(c2) + abs(c1) + abs(c0)
    if not math.isfinite(size):
        return False
    rounding = _MARGIN * size
    even, odd = 1 + c2 + c0, c3 + c1
    if not (abs(c0) < 1 - rounding and even + odd > rounding and even - odd > rounding):
        return False
    scale = 1 / (1 - c0 * c0)
    b2, b1, b0 = (c3 - c0 * c1) * scale, c2 * (1 - c0) * scale, (c1 - c0 * c3) * scale
    if not abs(b0) < 1:
        return False
    scale = 1 / (1 - b0 * b0)
    a1, a0 = (b2 - b0 * b1) * scale, (b1 - b0 * b2) * scale
    return abs(a0) < 1 and abs(a1) < 1 + a0


_MARGIN = 8 * float(np.finfo(float).eps)
"""Two roundings of each coefficient per degree, as in `polynomials`."""


def _resolvent(p: float, q: float, r: float) -> float:
    """The largest real root of m³ + pm² + (p²/4 − r)m − q²/8, which is not negative."""
    # m = x − p/3 leaves x³ + kx + j.
    k = -p * p / 12 - r
    j = -p * p * p / 108 + p * r / 3 - q * q / 8
    inside = j * j / 4 + k * k * k / 27
    if inside > 0:
        root = math.sqrt(inside)
        far = -j / 2 + root if j < 0 else -j / 2 - root
        side = math.copysign(abs(far) ** (1 / 3), far)
        x = side - k / (3 * side) if side != 0 else 0.0
    else:
        size = 2 * math.sqrt(max(-k / 3, 0.0))
        cosine = 3 * j / (k * size) if size > 0 else 0.0
        x = size * math.cos(math.acos(min(max(cosine, -1.0), 1.0)) / 3)
    m = max(x - p / 3, 0.0)
    for _ in range(2):
        slope = 3 * m * m + 2 * p * m + p * p / 4 - r
        if slope > 0:
            value = ((m + p) * m + p * p / 4 - r) * m - q * q / 8
            m = max(m - value / slope, 0.0)
    return m


def _polish(
    c3: float, c2: float, c1: float, c0: float, s: float, p: float, t: float, q: float
) -> tuple[float, float, float, float]:
    """Newton on z⁴ + … = (z² − sz + p)(z² − tz + q), as long as the mismatch falls."""
    last = math.inf
    old = (s, p, t, q)
    for _ in range(3):
        e3, e2 = c3 + s + t, c2 - p - q - s * t
        e1, e0 = c1 + s * q + t * p, c0 - p * q
        size = abs(e3) + abs(e2) + abs(e1) + abs(e0)
        if not size < last:
            return old
        old, last = (s, p, t, q), size
        # dt = −e3 − ds and dq = e2 − dp − t ds − s dt leave two equations for ds, dp.
        sum_gap, product_gap = s - t, q - p
        # e1 = −(q ds + s dq + p dt + t dp),  e0 = p dq + q dp
        fixed = e2 + s * e3
        a11, a12 = q - p + s * sum_gap, t - s
        a21, a22 = p * sum_gap, product_gap
        b1, b2 = -e1 - s * fixed + p * e3, e0 - p * fixed
        det = a11 * a22 - a12 * a21
        if det == 0:
            return old
        ds = (b1 * a22 - a12 * b2) / det
        dp = (a11 * b2 - b1 * a21) / det
        dt = -e3 - ds
        dq = e2 - dp - t * ds - s * dt
        s, p, t, q = s + ds, p + dp, t + dt, q + dq
    return s, p, t, q
