"""Workers in event order, compiled: the linear loop mode by mode, update by update.

Who writes when does not depend on what is written. So some events are followed first, in the
calendar, and then their updates are made: two short loops stay in a processor's registers, one long
loop does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from momentum_dynamics.simulation.calendar_kernels import (
    CHANGE,
    MADE,
    TOTAL,
    WRITTEN,
    change,
    compiled_calendar,
    follow,
)
from momentum_dynamics.simulation.compiling import compile_text

__all__ = ["advance_block", "compiled_block"]

AT_ONCE = 1024
"""How many events are followed before their updates are made: they stay in the nearest cache."""


def _apply(  # noqa: C901, PLR0912, PLR0915 - a kernel is one flat text
    A: Any,
    B: Any,
    C: Any,
    E: Any,
    transient: int,
    curvatures: Any,
    deviations: Any,
    reads_first: int,
    noise: Any,
    begun: int,
    first_noise: int,
    count: int,
    stride: int,
    order: Any,
    when: Any,
    state: Any,
    read: Any,
    version: Any,
    moved: Any,
    ages: Any,
    paths: Any,
    sums: Any,
    squares: Any,
    hours: Any,
) -> None:
    """Make `count` updates, each by the next worker in `order`, who reads again."""
    modes, slots = state.shape
    noisy = noise.size > 0
    keep_paths, keep_sums = paths.size > 0, sums.size > 0
    until_frame = stride - begun % stride if keep_paths or keep_sums else count + 1
    period = A.shape[0] - transient
    at = begun if begun < transient else transient + (begun - transient) % period
    # One mode of a settled method of two slots is kept in hand: same order, same bits.
    in_hand = modes == 1 and slots == 2 and A.shape[0] == 1
    other_slot = slots - 1
    a, b, c, d = A[0, 0, 0], A[0, 0, other_slot], A[0, other_slot, 0], A[0, other_slot, other_slot]
    first_gain, second_gain = B[0, 0], B[0, other_slot]
    ask_newest, ask_before = C[0, 0], C[0, other_slot]
    newest, before = state[0, 0], state[0, other_slot]
    h, sigma = curvatures[0], deviations[0]
    for i in range(count):
        worker = order[i]
        ages[i] = begun + i - version[worker]
        version[worker] = begun + i + 1 - reads_first
        after = at + 1 if at + 1 < A.shape[0] else transient
        if in_hand:
            u = h * read[worker, 0]
            if noisy:
                u = sigma * noise[first_noise + i, 0] + u
            if reads_first == 1:
                read[worker, 0] = ask_newest * newest + ask_before * before
            moved_newest = (a * newest + b * before) + first_gain * u
            before = (c * newest + d * before) + second_gain * u
            newest = moved_newest
            if reads_first == 0:
                read[worker, 0] = ask_newest * newest + ask_before * before
        for k in range(0 if in_hand else modes):
            u = curvatures[k] * read[worker, k]
            if noisy:
                u = deviations[k] * noise[first_noise + i, k] + u
            if reads_first == 1:
                ask = C[at, 0] * state[k, 0]
                for j in range(1, slots):
                    ask = ask + C[at, j] * state[k, j]
                read[worker, k] = ask
            for i_slot in range(slots):
                next_slot = A[at, i_slot, 0] * state[k, 0]
                for j in range(1, slots):
                    next_slot = next_slot + A[at, i_slot, j] * state[k, j]
                moved[i_slot] = next_slot + B[at, i_slot] * u
            for i_slot in range(slots):
                state[k, i_slot] = moved[i_slot]
            if reads_first == 0:
                ask = C[after, 0] * state[k, 0]
                for j in range(1, slots):
                    ask = ask + C[after, j] * state[k, j]
                read[worker, k] = ask
        at = after
        until_frame -= 1
        if until_frame == 0:
            until_frame = stride
            frame = (begun + i + 1) // stride
            if in_hand:
                state[0, 0], state[0, 1] = newest, before
            if keep_sums:
                hours[frame] += when[i]
            for k in range(modes):
                answer, ask = E[at, 0] * state[k, 0], C[at, 0] * state[k, 0]
                for j in range(1, slots):
                    answer = answer + E[at, j] * state[k, j]
                    ask = ask + C[at, j] * state[k, j]
                if keep_paths:
                    paths[0, frame, k] = ask
                    paths[1, frame, k] = answer
                if keep_sums:
                    sums[frame, k] += answer
                    squares[frame, k] += answer * answer
    if in_hand:
        state[0, 0], state[0, 1] = newest, before


def _tell(
    ages: Any,
    when: Any,
    begun: int,
    count: int,
    staleness: Any,
    times: Any,
    histogram: Any,
) -> int:
    """Write down staleness and times; the sum of the staleness.

    In a loop of its own: among the updates, each would wait for the cache.
    """
    total = 0
    longest = histogram.size - 1
    for i in range(count):
        total += ages[i]
        histogram[min(ages[i], longest)] += 1
    if times.size > 0:
        for i in range(count):
            staleness[begun + i] = ages[i]
            times[begun + i] = when[i]
    return total


def _advance(
    A: Any,
    B: Any,
    C: Any,
    E: Any,
    transient: int,
    curvatures: Any,
    deviations: Any,
    speeds: Any,
    changes: Any,
    joins: Any,
    changed: Any,
    reads_first: int,
    has_server: int,
    in_turn: int,
    services: Any,
    first_job: int,
    serving: Any,
    first_served: int,
    noise: Any,
    target: int,
    stride: int,
    state: Any,
    read: Any,
    version: Any,
    due: Any,
    link: Any,
    head: Any,
    marks: Any,
    near: Any,
    far: Any,
    line: Any,
    counts: Any,
    clocks: Any,
    staleness: Any,
    times: Any,
    paths: Any,
    sums: Any,
    squares: Any,
    hours: Any,
    histogram: Any,
) -> None:
    """Run one replica until it has made `target` updates or no worker is left.

    With `in_turn` the workers write one after the other and there are no events: the bound that
    the calendar is measured against.
    """
    modes, slots = state.shape
    begun = counts[MADE]
    order, when = np.empty(AT_ONCE, dtype=np.uint32), np.zeros(AT_ONCE)
    ages, moved = np.empty(AT_ONCE, dtype=np.int64), np.empty(slots)
    while counts[MADE] < target:
        made = counts[MADE]
        asked = min(target - made, AT_ONCE)
        next_change = counts[CHANGE]
        limit = changes[next_change] if next_change < changes.size else np.inf
        if in_turn == 1:
            count = asked
            worker = made % due.size
            for i in range(count):
                order[i] = worker
                worker = worker + 1 if worker + 1 < due.size else 0
        else:
            count = follow(
                limit, asked, has_server, speeds, services, first_job, serving, first_served,
                due, link, head, marks, near, far, line, counts, clocks, order, when,
            )  # fmt: skip
        _apply(
            A, B, C, E, transient, curvatures, deviations, reads_first, noise, made, made - begun,
            count, stride, order, when, state, read, version, moved, ages, paths, sums, squares,
            hours,
        )  # fmt: skip
        counts[TOTAL] += _tell(ages, when, made, count, staleness, times, histogram)
        made += count
        counts[MADE] = made
        if count > 0:
            clocks[WRITTEN] = when[count - 1]
        if count < asked:
            if limit == np.inf:
                break
            worker = changed[next_change]
            version[worker] = -1
            if joins[next_change]:
                version[worker] = made
                period = A.shape[0] - transient
                at = made if made < transient else transient + (made - transient) % period
                for k in range(modes):
                    ask = C[at, 0] * state[k, 0]
                    for j in range(1, slots):
                        ask = ask + C[at, j] * state[k, j]
                    read[worker, k] = ask
            change(
                worker, limit, joins[next_change], speeds, services, first_job, serving,
                first_served, due, link, head, marks, far, line, counts, clocks,
            )  # fmt: skip
            counts[CHANGE] += 1


def advance_block(
    A: Any,
    B: Any,
    C: Any,
    E: Any,
    transient: int,
    curvatures: Any,
    deviations: Any,
    speeds: Any,
    changes: Any,
    joins: Any,
    changed: Any,
    reads_first: int,
    has_server: int,
    in_turn: int,
    services: Any,
    first_job: int,
    serving: Any,
    first_served: int,
    noise: Any,
    target: int,
    stride: int,
    state: Any,
    read: Any,
    version: Any,
    due: Any,
    head: Any,
    marks: Any,
    links: Any,
    counts: Any,
    clocks: Any,
    staleness: Any,
    times: Any,
    paths: Any,
    sums: Any,
    squares: Any,
    hours: Any,
    histogram: Any,
) -> None:
    """Run a block of replicas, one after the other: what they own has them as its first axis."""
    for lane in range(due.shape[0]):
        _advance(
            A, B, C, E, transient, curvatures, deviations, speeds, changes, joins, changed,
            reads_first, has_server, in_turn, services[lane], first_job, serving[lane],
            first_served, noise[lane], target, stride, state[lane], read[lane], version[lane],
            due[lane], links[lane, 0], head[lane], marks[lane], links[lane, 1], links[lane, 2],
            links[lane, 3], counts[lane], clocks[lane], staleness[lane], times[lane], paths[lane],
            sums, squares, hours, histogram,
        )  # fmt: skip


@cache
def compiled_block() -> Callable[..., None] | None:
    """The same as `advance_block`, compiled; None where numba is not installed."""
    if find_spec("numba") is None:
        return None
    lane = compile_text(
        _advance,
        _apply=compile_text(_apply),
        _tell=compile_text(_tell),
        **compiled_calendar(),
    )
    compiled: Callable[..., None] = compile_text(advance_block, _advance=lane)
    return compiled
