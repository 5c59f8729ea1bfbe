"""Passes over many quartics at once, each a plain loop that a compiler turns into vector code.

A monic quartic z⁴ + c₃z³ + … is factored into (z² − sz + p)(z² − tz + q). With z = y − c₃/4 it is
y⁴ + py² + qy + r, and any positive root m of the resolvent m³ + pm² + (p²/4 − r)m − q²/8 gives two
factors y² ± √(2m) y + …. A rough root is enough: Newton's method on the factors does the rest.
There is no branch in a loop; `unsettled` flags a quartic that resists, which is solved by itself.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["begin", "halve", "improve", "split", "unsettled"]


def begin(
    c3: Any, c2: Any, c1: Any, c0: Any, p: Any, q: Any, r: Any, low: Any, high: Any, count: int
) -> None:
    """The quartic without its cubic term, and Cauchy's bound of the resolvent's roots."""
    for i in range(count):
        shift = -c3[i] / 4
        a = c2[i] - 6 * shift * shift
        b = c1[i] + 2 * c2[i] * shift - 8 * shift * shift * shift
        c = c0[i] + shift * (c1[i] + shift * (c2[i] - 3 * shift * shift))
        p[i], q[i], r[i] = a, b, c
        largest, other = abs(a), abs(a * a / 4 - c)
        largest = max(largest, other)
        other = b * b / 8
        largest = max(largest, other)
        low[i], high[i] = 0.0, 1 + largest


def halve(p: Any, q: Any, r: Any, low: Any, high: Any, count: int) -> None:
    """Halve the bracket of a root of the resolvent, which is not positive at 0."""
    for i in range(count):
        m = (low[i] + high[i]) / 2
        value = ((m + p[i]) * m + p[i] * p[i] / 4 - r[i]) * m - q[i] * q[i] / 8
        low[i] = m if value <= 0 else low[i]
        high[i] = high[i] if value <= 0 else m


def split(
    c3: Any, p: Any, q: Any, r: Any, low: Any, high: Any,
    first_sum: Any, first_product: Any, second_sum: Any, second_product: Any, count: int,
) -> None:  # fmt: skip
    """Two steps of Newton within the bracket, and the two factors in z."""
    for i in range(count):
        m = (low[i] + high[i]) / 2
        k = p[i] * p[i] / 4 - r[i]
        last = q[i] * q[i] / 8
        moved = m - (((m + p[i]) * m + k) * m - last) / ((3 * m + 2 * p[i]) * m + k)
        m = moved if (moved > low[i]) & (moved < high[i]) else m
        moved = m - (((m + p[i]) * m + k) * m - last) / ((3 * m + 2 * p[i]) * m + k)
        m = moved if (moved > low[i]) & (moved < high[i]) else m
        w = math.sqrt(2 * m)
        skew, middle, shift = q[i] / (2 * w), p[i] / 2 + m, -c3[i] / 4
        first_sum[i], second_sum[i] = 2 * shift - w, 2 * shift + w
        first_product[i] = shift * shift - shift * w + middle - skew
        second_product[i] = shift * shift + shift * w + middle + skew


def improve(
    c3: Any, c2: Any, c1: Any, c0: Any,
    first_sum: Any, first_product: Any, second_sum: Any, second_product: Any, count: int,
) -> None:  # fmt: skip
    """One step of Newton on both factors.

    dt = −e₃ − ds and dq = e₂ − dp − t ds − s dt leave two equations for ds and dp.
    """
    for i in range(count):
        s, p, t, q = first_sum[i], first_product[i], second_sum[i], second_product[i]
        e3, e2 = c3[i] + s + t, c2[i] - p - q - s * t
        e1, e0 = c1[i] + s * q + t * p, c0[i] - p * q
        fixed = e2 + s * e3
        a11, a12 = q - p + s * (s - t), t - s
        a21, a22 = p * (s - t), q - p
        b1, b2 = -e1 - s * fixed + p * e3, e0 - p * fixed
        scale = 1 / (a11 * a22 - a12 * a21)
        ds, dp = (b1 * a22 - a12 * b2) * scale, (a11 * b2 - b1 * a21) * scale
        dt = -e3 - ds
        first_sum[i], first_product[i], second_sum[i] = s + ds, p + dp, t + dt
        second_product[i] = q + e2 - dp - t * ds - s * dt


def unsettled(
    c3: Any, c2: Any, c1: Any, c0: Any,
    first_sum: Any, first_product: Any, second_sum: Any, second_product: Any,
    flag: Any, count: int,
) -> None:  # fmt: skip
    """Flag the quartics whose factors do not multiply back to them up to rounding."""
    for i in range(count):
        s, p, t, q = first_sum[i], first_product[i], second_sum[i], second_product[i]
        miss = (
            abs(c3[i] + s + t) + abs(c2[i] - p - q - s * t)
            + abs(c1[i] + s * q + t * p) + abs(c0[i] - p * q)
        )  # fmt: skip
        size = 1 + abs(c3[i]) + abs(c2[i]) + abs(c1[i]) + abs(c0[i])
        flag[i] = 0.0 if miss <= 1e-14 * size else 1.0
