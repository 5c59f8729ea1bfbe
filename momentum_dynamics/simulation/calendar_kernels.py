"""Who writes when, compiled: the events of asynchronous workers in a calendar queue.

A worker that computes is one event. Time is cut into buckets, a few to the mean gap between two
events, and the buckets of the near future stand in a ring. A bucket that is not empty has its bit
set in a word for every 32, so the next one is found without walking, and most hold one event:
hardly a branch is taken that a processor cannot foresee. Events beyond the ring wait in a list,
which is looked through once every half turn, before any of them can be due. Where buckets have
become too long or too short for the gaps that were seen, the ring is laid out anew. So an event
costs the same at 10 and at 10,000 workers, whatever the law of the times: a heavy tail only fills
the list. Equal times are taken by the number of the worker.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from momentum_dynamics.simulation.compiling import compile_text

__all__ = ["CLOCKS", "COUNTS", "bucket_count", "change", "compiled_calendar", "follow"]

# Where a lane's numbers stand between two calls, in `counts` and in `clocks`.
MADE, JOB, SERVED, BUCKET, FIRST, LAST, INSIDE, FAR, TURN, MARK, SHIFTS = range(11)
CHANGE, FRONT, WAITING, LOST, TOTAL = range(11, 16)
COUNTS = 16
WRITTEN, ORIGIN, SPEED, MARK_TIME, DONE, NOW = range(6)
CLOCKS = 6

FINE = 3.0
"""How many buckets there are to the mean gap between two events."""
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


def follow(  # noqa: C901, PLR0912, PLR0915 - a kernel is one flat text
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


def change(
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


def compiled_calendar() -> dict[str, Any]:
    """`follow` and `change` compiled, by name; None in their place where numba is not installed."""
    put, sort = compile_text(_put), compile_text(_sort, _sift=compile_text(_sift))
    lay_out = compile_text(_lay_out, _put=put)
    return {
        "follow": compile_text(
            follow,
            _insert=compile_text(_insert),
            _lowest=compile_text(_lowest),
            _put=put,
            _sort=sort,
            _gap=compile_text(_gap, _sort=sort),
            _lay_out=lay_out,
            _gather=compile_text(_gather, _put=put),
        ),
        "change": compile_text(change, _leave=compile_text(_leave), _lay_out=lay_out),
    }
