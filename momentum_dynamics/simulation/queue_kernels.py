"""Workers in event order, compiled: a calendar queue, and the linear loop mode by mode.

A worker that computes is one event. Time is cut into buckets about as long as the mean gap between
two events, and the buckets of the near future stand in a ring. The next event is found by walking
on to the next bucket that is not empty and sorting the few events in it. Events beyond the ring
wait in a list, which is looked through once every half turn, before any of them can be due. Where
buckets have become too long or too short for the gaps that were seen, the ring is laid out anew.
So an event costs the same at 10 and at 10,000 workers, whatever the law of the times: a heavy tail
only fills the list. Equal times are taken by the number of the worker.

All of it stands in one file: compiled code that is kept on disk notices changes of its own file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from momentum_dynamics.simulation.kernels import compile_text

__all__ = ["CLOCKS", "COUNTS", "advance_block", "bucket_count", "compiled_block"]

# Where a lane's numbers stand between two calls, in `counts` and in `clocks`.
MADE, JOB, SERVED, BUCKET, FIRST, LAST, INSIDE, FAR, TURN, MARK, SHIFTS = range(11)
CHANGE, FRONT, WAITING, LOST, TOTAL = range(11, 16)
COUNTS = 16
WRITTEN, ORIGIN, SPEED, MARK_TIME, DONE, NOW = range(6)
CLOCKS = 6


def bucket_count(workers: int) -> int:
    """How many buckets the ring has: a power of two, at least two for each worker."""
    return 1 << max(6, (2 * workers - 1).bit_length())


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
    if found > 0.0 and 1.0 / found < np.inf and 1.0 / found > 0.0:
        return found
    return before


def _lay_out(due: Any, link: Any, head: Any, far: Any, gap: float) -> Any:
    """Put all events in a new ring that begins with the first of them."""
    head[:] = -1
    origin = due.min()
    speed = 1.0 / gap
    inside, beyond = 0, 0
    for worker in range(due.size):
        if due[worker] < np.inf:
            moment = (due[worker] - origin) * speed
            if moment >= head.size - 1:
                far[beyond] = worker
                beyond += 1
            else:
                bucket = int(moment)
                link[worker] = head[bucket]
                head[bucket] = worker
                inside += 1
    return origin, speed, inside, beyond


def _gather(
    due: Any, link: Any, head: Any, far: Any, beyond: int, bucket: int, origin: float, speed: float
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
            place = int(moment) & (head.size - 1)
            link[worker] = head[place]
            head[place] = worker
    return left


def _leave(line: Any, front: int, waiting: int, worker: int) -> bool:
    """Take a worker's write out of the server's line; whether it was the one in service."""
    place = 0
    while line[(front + place) % line.size] != worker:
        place += 1
    for i in range(place, waiting - 1):
        line[(front + i) % line.size] = line[(front + i + 1) % line.size]
    return place == 0


def _advance(  # noqa: C901, PLR0912, PLR0915 - a kernel is one flat text
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
    workers, buckets = due.size, head.size
    mask, half = buckets - 1, buckets // 2
    modes, slots = state.shape
    period = A.shape[0] - transient
    noisy, uneven = noise.size > 0, speeds.size > 0
    keep_updates, keep_paths, keep_sums = times.size > 0, paths.size > 0, sums.size > 0
    moved = np.empty(slots)
    made, job, served = counts[MADE], counts[JOB], counts[SERVED]
    bucket, first, last = counts[BUCKET], counts[FIRST], counts[LAST]
    inside, beyond, turn = counts[INSIDE], counts[FAR], counts[TURN]
    change, front, waiting = counts[CHANGE], counts[FRONT], counts[WAITING]
    mark, shifts = counts[MARK], counts[SHIFTS]
    now, written = clocks[NOW], clocks[WRITTEN]
    origin, speed = clocks[ORIGIN], clocks[SPEED]
    mark_time, done = clocks[MARK_TIME], clocks[DONE]
    begun = made
    ages = np.empty(target - made, dtype=np.int64)
    until_frame = stride - made % stride
    at = made if made < transient else transient + (made - transient) % period
    next_in_turn = made % workers
    # One mode of a settled method of two slots is kept in hand: same order, same bits.
    in_hand = modes == 1 and slots == 2 and A.shape[0] == 1
    other_slot = slots - 1
    a, b, c, d = A[0, 0, 0], A[0, 0, other_slot], A[0, other_slot, 0], A[0, other_slot, other_slot]
    first_gain, second_gain = B[0, 0], B[0, other_slot]
    ask_newest, ask_before = C[0, 0], C[0, other_slot]
    newest, before = state[0, 0], state[0, other_slot]
    h, sigma = curvatures[0], deviations[0]
    if turn == 0:
        gap = _gap(due, near, 0, 0.0, 1.0)
        origin, speed, inside, beyond = _lay_out(due, link, head, far, gap)
        bucket, turn, mark, mark_time = -1, half, job, now
    while made < target:
        if in_turn == 1:
            worker = next_in_turn
            next_in_turn = worker + 1 if worker + 1 < workers else 0
        else:
            while first == last and inside + beyond > 0:
                if inside == 0 or bucket + 1 >= turn:
                    events = job - mark
                    if inside == 0 or events > 4 * half or 4 * events < half:
                        gap = _gap(due, near, events, now - mark_time, 1.0 / speed)
                        origin, speed, inside, beyond = _lay_out(due, link, head, far, gap)
                        bucket, turn = -1, half
                    else:
                        left = _gather(due, link, head, far, beyond, bucket, origin, speed)
                        inside += beyond - left
                        beyond = left
                        turn += half
                    mark, mark_time, shifts = job, now, 0
                    continue
                bucket += 1
                worker = head[bucket & mask]
                if worker < 0:
                    continue
                head[bucket & mask] = -1
                first, last = 0, 0
                while worker >= 0:
                    near[last] = worker
                    last += 1
                    worker = link[worker]
                inside -= last
                if last > 1:
                    _sort(near, last, due)
            soonest = due[near[first]] if first < last else np.inf
            if change < changes.size and changes[change] <= min(soonest, done):
                now, worker = changes[change], changed[change]
                if joins[change]:
                    for k in range(modes):
                        ask = C[at, 0] * state[k, 0]
                        for j in range(1, slots):
                            ask = ask + C[at, j] * state[k, j]
                        read[worker, k] = ask
                    version[worker] = made
                    time = services[job - first_job]
                    if uneven:
                        time = time / speeds[worker]
                    due[worker] = now + time
                    job += 1
                else:
                    counts[LOST] += 1
                    version[worker] = -1
                    if due[worker] < np.inf:
                        due[worker] = np.inf
                    else:
                        in_service = _leave(line, front, waiting, worker)
                        waiting -= 1
                        if in_service:
                            done = np.inf
                            if waiting > 0:
                                done = now + serving[served - first_served]
                                served += 1
                change += 1
                origin, speed, inside, beyond = _lay_out(due, link, head, far, 1.0 / speed)
                bucket, turn, first, last = -1, half, 0, 0
                mark, mark_time, shifts = job, now, 0
                continue
            if done <= soonest:
                if done == np.inf:
                    break
                now = done
                worker = line[front]
                front = (front + 1) % workers
                waiting -= 1
                done = np.inf
                if waiting > 0:
                    done = now + serving[served - first_served]
                    served += 1
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
                    continue
        age = made - version[worker]
        ages[made - begun] = age
        if keep_updates:
            staleness[made] = age
            times[made] = now
        written = now
        made += 1
        after = at + 1 if at + 1 < A.shape[0] else transient
        if in_hand:
            u = h * read[worker, 0]
            if noisy:
                u = sigma * noise[made - 1 - begun, 0] + u
            if reads_first == 1:
                read[worker, 0] = ask_newest * newest + ask_before * before
            moved_newest = (a * newest + b * before) + first_gain * u
            before = (c * newest + d * before) + second_gain * u
            newest = moved_newest
            state[0, 0], state[0, 1] = newest, before
            if reads_first == 0:
                read[worker, 0] = ask_newest * newest + ask_before * before
        for k in range(0 if in_hand else modes):
            u = curvatures[k] * read[worker, k]
            if noisy:
                u = deviations[k] * noise[made - 1 - begun, k] + u
            if reads_first == 1:
                ask = C[at, 0] * state[k, 0]
                for j in range(1, slots):
                    ask = ask + C[at, j] * state[k, j]
                read[worker, k] = ask
            for i in range(slots):
                next_slot = A[at, i, 0] * state[k, 0]
                for j in range(1, slots):
                    next_slot = next_slot + A[at, i, j] * state[k, j]
                moved[i] = next_slot + B[at, i] * u
            for i in range(slots):
                state[k, i] = moved[i]
            if reads_first == 0:
                ask = C[after, 0] * state[k, 0]
                for j in range(1, slots):
                    ask = ask + C[after, j] * state[k, j]
                read[worker, k] = ask
        at = after
        version[worker] = made - reads_first
        until_frame -= 1
        if until_frame == 0:
            until_frame = stride
            frame = made // stride
            if keep_sums:
                hours[frame] += now
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
        if in_turn == 1:
            continue
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
            place = int(moment) & mask
            link[worker] = head[place]
            head[place] = worker
            inside += 1
        else:
            first, last, moves = _insert(near, first, last, due, worker)
            shifts += moves
            if shifts > 8 * buckets:
                gap = _gap(due, near, job - mark, now - mark_time, 1.0 / speed)
                origin, speed, inside, beyond = _lay_out(due, link, head, far, gap)
                bucket, turn, first, last = -1, half, 0, 0
                mark, mark_time, shifts = job, now, 0
    # In a loop of its own: counted one by one, ages would wait for the cache at every update.
    longest = histogram.size - 1
    for i in range(made - begun):
        counts[TOTAL] += ages[i]
        histogram[min(ages[i], longest)] += 1
    counts[MADE], counts[JOB], counts[SERVED] = made, job, served
    counts[BUCKET], counts[FIRST], counts[LAST] = bucket, first, last
    counts[INSIDE], counts[FAR], counts[TURN] = inside, beyond, turn
    counts[CHANGE], counts[FRONT], counts[WAITING] = change, front, waiting
    counts[MARK], counts[SHIFTS] = mark, shifts
    clocks[NOW], clocks[WRITTEN] = now, written
    clocks[ORIGIN], clocks[SPEED] = origin, speed
    clocks[MARK_TIME], clocks[DONE] = mark_time, done


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
            due[lane], links[lane, 0], head[lane], links[lane, 1], links[lane, 2], links[lane, 3],
            counts[lane], clocks[lane], staleness[lane], times[lane], paths[lane], sums, squares,
            hours, histogram,
        )  # fmt: skip


@cache
def compiled_block() -> Callable[..., None] | None:
    """The same as `advance_block`, compiled; None where numba is not installed."""
    if find_spec("numba") is None:
        return None
    insert, sift = compile_text(_insert), compile_text(_sift)
    sort = compile_text(_sort, _sift=sift)
    lane = compile_text(
        _advance,
        _insert=insert,
        _sort=sort,
        _gap=compile_text(_gap, _sort=sort),
        _lay_out=compile_text(_lay_out),
        _gather=compile_text(_gather),
        _leave=compile_text(_leave),
    )
    compiled: Callable[..., None] = compile_text(advance_block, _advance=lane)
    return compiled
