"""Workers in event order, compiled: a calendar queue, and the linear loop mode by mode.

A worker that computes is one event. Time is cut into buckets, a few to the mean gap between two
events, and the buckets of the near future stand in a ring. A bucket that is not empty has its bit
set in a word for every 32, so the next one is found without walking, and most hold one event:
hardly a branch is taken that a processor cannot foresee. Events beyond the ring wait in a list,
which is looked through once every half turn, before any of them can be due. Where buckets have
become too long or too short for the gaps that were seen, the ring is laid out anew. So an event
costs the same at 10 and at 10,000 workers, whatever the law of the times: a heavy tail only fills
the list. Equal times are taken by the number of the worker.

Who writes when does not depend on what is written. So some events are followed first, and then
their updates are made: two short loops stay in a processor's registers, one long loop does not.

All of it stands in one file: compiled code that is kept on disk notices changes of its own file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from momentum_dynamics.simulation.compiling import compile_text

__all__ = ["CLOCKS", "COUNTS", "advance_block", "bucket_count", "compiled_block"]

# Where a lane's numbers stand between two calls, in `counts` and in `clocks`.
MADE, JOB, SERVED, BUCKET, FIRST, LAST, INSIDE, FAR, TURN, MARK, SHIFTS = range(11)
CHANGE, FRONT, WAITING, LOST, TOTAL = range(11, 16)
COUNTS = 16
WRITTEN, ORIGIN, SPEED, MARK_TIME, DONE, NOW = range(6)
CLOCKS = 6

FINE = 3.0
"""How many buckets there are to the mean gap between two events."""
AT_ONCE = 1024
"""How many events are followed before their updates are made: they stay in the nearest cache."""
NOBODY = np.uint32(2**32 - 1)
"""The end of a chain of workers. Their numbers are unsigned: no index is checked for its sign."""


def bucket_count(workers: int) -> int:
    """How many buckets the ring has: a power of two, at least 64 and eight for each worker."""
    return 1 << max(6, (8 * workers - 1).bit_length())


def _lowest(word: int) -> int:
    """The place of the lowest one in a word: how many bits stand below it, counted in parallel.

    Compilers know this text: it becomes one instruction.
    """
    below = (word & -word) - 1
    pairs = below - ((below >> 1) & 0x5555555555555555)
    fours = (pairs & 0x3333333333333333) + ((pairs >> 2) & 0x3333333333333333)
    eights = (fours + (fours >> 4)) & 0x0F0F0F0F0F0F0F0F
    return ((eights * 0x0101010101010101) >> 56) & 255


def _put(link: Any, head: Any, marks: Any, place: Any, worker: Any) -> None:
    """Put a worker in front of the others in a bucket of the ring, and mark the bucket."""
    link[worker] = head[place]
    head[place] = worker
    marks[place >> 5] |= 1 << (place & 31)


def _insert(near: Any, first: int, last: int, due: Any, worker: int) -> Any:
    """Put a worker in its place among those that are due next; the last result counts the moves."""
    time = due[worker]
    if first > 0:
        place = first - 1
        while place + 1 < last:
            other = near[place + 1]
            if due[other] > time or (due[other] == time and other > worker):
                break
            near[place] = other
            place += 1
        near[place] = worker
        return first - 1, last, place - first + 1
    place = last
    while place > 0:
        other = near[place - 1]
        if due[other] < time or (due[other] == time and other < worker):
            break
        near[place] = other
        place -= 1
    near[place] = worker
    return first, last + 1, last - place


def _sort(near: Any, count: int, due: Any) -> None:
    """Sort a bucket by time, then by worker: few by insertion, many as a heap.

    A bucket comes with the newest first. So many at equal times, as equal workers make them, are
    in the opposite order, and once turned around need no sorting.
    """
    if count <= 16:
        for end in range(1, count):
            worker = near[end]
            time = due[worker]
            place = end
            while place > 0:
                other = near[place - 1]
                if due[other] < time or (due[other] == time and other < worker):
                    break
                near[place] = other
                place -= 1
            near[place] = worker
        return
    for i in range(count // 2):
        near[i], near[count - 1 - i] = near[count - 1 - i], near[i]
    place = 1
    while place < count:
        before, worker = near[place - 1], near[place]
        if due[before] > due[worker] or (due[before] == due[worker] and before > worker):
            break
        place += 1
    if place == count:
        return
    for top in range(count // 2 - 1, -1, -1):
        _sift(near, top, count, due)
    for end in range(count - 1, 0, -1):
        near[0], near[end] = near[end], near[0]
        _sift(near, 0, end, due)


def _sift(near: Any, top: int, count: int, due: Any) -> None:
    """Let a worker sink in a heap whose root is the last one due."""
    worker = near[top]
    time = due[worker]
    while 2 * top + 1 < count:
        child = 2 * top + 1
        other = near[child]
        if child + 1 < count:
            rival = near[child + 1]
            if due[rival] > due[other] or (due[rival] == due[other] and rival > other):
                child, other = child + 1, rival
        if due[other] < time or (due[other] == time and other < worker):
            break
        near[top] = other
        top = child
    near[top] = worker


def _gap(due: Any, near: Any, events: int, span: float, before: float) -> float:
    """The mean time between two events, as seen lately or as far as the next ones tell."""
    if events > 0 and span > 0.0:
        found = span / events
    else:
        pending = 0
        for worker in range(due.size):
            if due[worker] < np.inf:
                near[pending] = worker
                pending += 1
        _sort(near, pending, due)
        rank = max(1, pending // 8)
        found = 0.0
        if pending > rank:
            found = (due[near[rank]] - due[near[0]]) / rank
        if found == 0.0 and pending > 0:
            found = due[near[pending - 1]] / pending
    if found > 0.0 and FINE / found < np.inf and FINE / found > 0.0:
        return found
    return before


def _lay_out(due: Any, link: Any, head: Any, marks: Any, far: Any, gap: float) -> Any:
    """Put all events in a new ring that begins with the first of them."""
    head[:] = NOBODY
    marks[:] = 0
    origin = due.min()
    speed = FINE / gap
    inside, beyond = 0, 0
    for worker in range(due.size):
        if due[worker] < np.inf:
            moment = (due[worker] - origin) * speed
            if moment >= head.size - 1:
                far[beyond] = worker
                beyond += 1
            else:
                bucket = int(moment)
                _put(link, head, marks, bucket, worker)
                inside += 1
    return origin, speed, inside, beyond


def _gather(
    due: Any,
    link: Any,
    head: Any,
    marks: Any,
    far: Any,
    beyond: int,
    bucket: int,
    origin: float,
    speed: float,
) -> Any:
    """Move what has come within the ring from the list into it."""
    left = 0
    for i in range(beyond):
        worker = far[i]
        moment = (due[worker] - origin) * speed
        if moment >= bucket + head.size:
            far[left] = worker
            left += 1
        else:
            _put(link, head, marks, int(moment) & (head.size - 1), worker)
    return left


def _leave(line: Any, front: int, waiting: int, worker: int) -> bool:
    """Take a worker's write out of the server's line; whether it was the one in service."""
    place = 0
    while line[(front + place) % line.size] != worker:
        place += 1
    for i in range(place, waiting - 1):
        line[(front + i) % line.size] = line[(front + i + 1) % line.size]
    return place == 0


def _follow(  # noqa: C901, PLR0912, PLR0915 - a kernel is one flat text
    limit: float,
    count: int,
    has_server: int,
    speeds: Any,
    services: Any,
    first_job: int,
    serving: Any,
    first_served: int,
    due: Any,
    link: Any,
    head: Any,
    marks: Any,
    near: Any,
    far: Any,
    line: Any,
    counts: Any,
    clocks: Any,
    order: Any,
    when: Any,
) -> int:
    """Write down who writes when, `count` updates long or up to the time `limit`; how many."""
    workers, buckets = due.size, head.size
    half = buckets // 2
    # A number of 32 bits by its text, so no place in the ring is checked for its sign.
    mask = np.int64(np.uint32(buckets - 1))
    uneven = speeds.size > 0
    job, served = counts[JOB], counts[SERVED]
    bucket, first, last = counts[BUCKET], counts[FIRST], counts[LAST]
    inside, beyond, turn = counts[INSIDE], counts[FAR], counts[TURN]
    front, waiting = counts[FRONT], counts[WAITING]
    mark, shifts = counts[MARK], counts[SHIFTS]
    now, done = clocks[NOW], clocks[DONE]
    origin, speed, mark_time = clocks[ORIGIN], clocks[SPEED], clocks[MARK_TIME]
    if turn == 0:
        gap = _gap(due, near, 0, 0.0, 1.0)
        origin, speed, inside, beyond = _lay_out(due, link, head, marks, far, gap)
        bucket, turn, mark, mark_time = -1, half, job, now
    until = min(limit, done)
    made = 0
    while made < count:
        while first == last and inside + beyond > 0:
            if inside == 0 or bucket + 1 >= turn:
                events = job - mark
                if inside == 0 or events > half or 16 * events < half:
                    gap = _gap(due, near, events, now - mark_time, FINE / speed)
                    origin, speed, inside, beyond = _lay_out(due, link, head, marks, far, gap)
                    bucket, turn = -1, half
                else:
                    left = _gather(due, link, head, marks, far, beyond, bucket, origin, speed)
                    inside += beyond - left
                    beyond = left
                    turn += half
                mark, mark_time, shifts = job, now, 0
                continue
            place = (bucket + 1) & mask
            ahead = marks[place >> 5] >> (place & 31)
            if ahead == 0:
                bucket += 32 - (place & 31)
                continue
            steps = _lowest(ahead)
            bucket += 1 + steps
            place += steps
            marks[place >> 5] &= ~(1 << (place & 31))
            worker = head[place]
            head[place] = NOBODY
            first, last = 0, 0
            while worker != NOBODY:
                near[last] = worker
                last += 1
                worker = link[worker]
            inside -= last
            if last == 2:  # most of those that are not alone
                one, other = near[0], near[1]
                if due[other] < due[one] or (due[other] == due[one] and other < one):
                    near[0], near[1] = other, one
            elif last > 1:
                _sort(near, last, due)
        soonest = due[near[first]] if first < last else np.inf
        if until <= soonest:
            if limit <= until:
                break
            now = done
            worker = line[front]
            front = front + 1 if front + 1 < workers else 0
            waiting -= 1
            done = np.inf
            if waiting > 0:
                done = now + serving[served - first_served]
                served += 1
            until = min(limit, done)
        else:
            worker = near[first]
            first += 1
            now = soonest
            if has_server == 1:
                due[worker] = np.inf
                line[(front + waiting) % workers] = worker
                waiting += 1
                if waiting == 1:
                    done = now + serving[served - first_served]
                    served += 1
                    until = min(limit, done)
                continue
        order[made] = worker
        when[made] = now
        made += 1
        time = services[job - first_job]
        if uneven:
            time = time / speeds[worker]
        time += now
        due[worker] = time
        job += 1
        moment = (time - origin) * speed
        if moment >= bucket + buckets:
            far[beyond] = worker
            beyond += 1
        elif moment >= bucket + 1:
            _put(link, head, marks, int(moment) & mask, worker)
            inside += 1
        else:
            first, last, moves = _insert(near, first, last, due, worker)
            shifts += moves
            if shifts > 8 * buckets:
                gap = _gap(due, near, job - mark, now - mark_time, FINE / speed)
                origin, speed, inside, beyond = _lay_out(due, link, head, marks, far, gap)
                bucket, turn, first, last = -1, half, 0, 0
                mark, mark_time, shifts = job, now, 0
    counts[JOB], counts[SERVED] = job, served
    counts[BUCKET], counts[FIRST], counts[LAST] = bucket, first, last
    counts[INSIDE], counts[FAR], counts[TURN] = inside, beyond, turn
    counts[FRONT], counts[WAITING] = front, waiting
    counts[MARK], counts[SHIFTS] = mark, shifts
    clocks[NOW], clocks[DONE] = now, done
    clocks[ORIGIN], clocks[SPEED], clocks[MARK_TIME] = origin, speed, mark_time
    return made


def _change(
    worker: int,
    moment: float,
    joins: Any,
    speeds: Any,
    services: Any,
    first_job: int,
    serving: Any,
    first_served: int,
    due: Any,
    link: Any,
    head: Any,
    marks: Any,
    far: Any,
    line: Any,
    counts: Any,
    clocks: Any,
) -> None:
    """Let a worker begin a job, or take its job away; then lay all events out anew."""
    if joins:
        time = services[counts[JOB] - first_job]
        if speeds.size > 0:
            time = time / speeds[worker]
        due[worker] = moment + time
        counts[JOB] += 1
    else:
        counts[LOST] += 1
        if due[worker] < np.inf:
            due[worker] = np.inf
        else:
            in_service = _leave(line, counts[FRONT], counts[WAITING], worker)
            counts[WAITING] -= 1
            if in_service:
                clocks[DONE] = np.inf
                if counts[WAITING] > 0:
                    clocks[DONE] = moment + serving[counts[SERVED] - first_served]
                    counts[SERVED] += 1
    origin, speed, inside, beyond = _lay_out(due, link, head, marks, far, FINE / clocks[SPEED])
    counts[BUCKET], counts[TURN], counts[FIRST], counts[LAST] = -1, head.size // 2, 0, 0
    counts[INSIDE], counts[FAR], counts[MARK], counts[SHIFTS] = inside, beyond, counts[JOB], 0
    clocks[NOW], clocks[ORIGIN], clocks[SPEED], clocks[MARK_TIME] = moment, origin, speed, moment


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
        change = counts[CHANGE]
        limit = changes[change] if change < changes.size else np.inf
        if in_turn == 1:
            count = asked
            worker = made % due.size
            for i in range(count):
                order[i] = worker
                worker = worker + 1 if worker + 1 < due.size else 0
        else:
            count = _follow(
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
            worker = changed[change]
            version[worker] = -1
            if joins[change]:
                version[worker] = made
                period = A.shape[0] - transient
                at = made if made < transient else transient + (made - transient) % period
                for k in range(modes):
                    ask = C[at, 0] * state[k, 0]
                    for j in range(1, slots):
                        ask = ask + C[at, j] * state[k, j]
                    read[worker, k] = ask
            _change(
                worker, limit, joins[change], speeds, services, first_job, serving, first_served,
                due, link, head, marks, far, line, counts, clocks,
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
    put, sort = compile_text(_put), compile_text(_sort, _sift=compile_text(_sift))
    lay_out = compile_text(_lay_out, _put=put)
    follow = compile_text(
        _follow,
        _insert=compile_text(_insert),
        _lowest=compile_text(_lowest),
        _put=put,
        _sort=sort,
        _gap=compile_text(_gap, _sort=sort),
        _lay_out=lay_out,
        _gather=compile_text(_gather, _put=put),
    )
    lane = compile_text(
        _advance,
        _follow=follow,
        _apply=compile_text(_apply),
        _tell=compile_text(_tell),
        _change=compile_text(_change, _leave=compile_text(_leave), _lay_out=lay_out),
    )
    compiled: Callable[..., None] = compile_text(advance_block, _advance=lane)
    return compiled
