"""Workers in event order with a heap of Python's: on any problem, and where numba is missing."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.methods import Method
from momentum_dynamics.methods.protocol import State, answer_before, spread, stage_of
from momentum_dynamics.problems import LinearProblem, Problem
from momentum_dynamics.simulation.direct import begin
from momentum_dynamics.simulation.kernels import Stages, weighted
from momentum_dynamics.simulation.queue_draws import Draws
from momentum_dynamics.simulation.queue_run import QueueSettings, Tape

__all__ = ["DirectMachine", "LoopLanes", "Machine", "ModesMachine"]

Array = NDArray[np.float64]


class Machine(Protocol):
    """How the server's state is asked, read and moved."""

    def begin(self, lane: int) -> Any:
        """The initial state of one replica."""
        ...

    def read(self, state: Any, step: int) -> Any:
        """What a worker that reads before update `step` takes along."""
        ...

    def query(self, state: Any, step: int) -> Array:
        """Where the method asks before update `step`."""
        ...

    def answer(self, state: Any, step: int) -> Array:
        """The answer before update `step`."""
        ...

    def away(self, answer: Array) -> Array:
        """How far an answer is from the solution, mode by mode where there are modes."""
        ...

    def update(self, state: Any, asked: Any, noise: Array | None, step: int, age: int) -> Any:
        """The state after the write of a worker that took `asked` along `age` updates ago."""
        ...


class ModesMachine:
    """The state space on the modes of a linear problem, in the order of the compiled kernel."""

    def __init__(self, stages: Stages, settings: QueueSettings, h: Array, state: Array) -> None:
        self._stages, self._h = stages, h
        self._deviations = settings.common.deviations
        self._state = state

    def begin(self, lane: int) -> Any:
        return list(self._state[..., lane])

    def read(self, state: Any, step: int) -> Array:
        return self.query(state, step)

    def query(self, state: Any, step: int) -> Array:
        return weighted(self._stages.C[self._stages.index(step)], state)

    def answer(self, state: Any, step: int) -> Array:
        return weighted(self._stages.E[self._stages.index(step)], state)

    def away(self, answer: Array) -> Array:
        return answer

    def update(
        self,
        state: Any,
        asked: Array,
        noise: Array | None,
        step: int,
        age: int,  # noqa: ARG002
    ) -> Any:
        u = self._h * asked
        if noise is not None:
            u = self._deviations * noise + u
        at = self._stages.index(step)
        rows = zip(self._stages.A[at], self._stages.B[at], strict=True)
        return [weighted(row, state) + gain * u for row, gain in rows]


class DirectMachine:
    """A method's own functions on any problem, and weights of staleness where there are any."""

    def __init__(
        self,
        method: Method,
        problem: Problem,
        settings: QueueSettings,
        weight: Callable[[Any], Any] | None = None,
    ) -> None:
        self._weight = weight
        common = settings.common
        self._problem, self._deviations = problem, common.deviations
        self._basis = problem.modes[1] if isinstance(problem, LinearProblem) else None
        self._method = spread(method, 1)
        shape = (*common.replicas, problem.dimension)
        slots = begin(spread(method, len(shape)), common.start, shape)
        # A start is kept as given, so it may still have to be copied for every replica.
        self._slots = [
            np.broadcast_to(slot, shape).reshape(-1, problem.dimension) for slot in slots
        ]

    def begin(self, lane: int) -> State:
        return tuple(slot[lane].copy() for slot in self._slots)

    def read(self, state: State, step: int) -> Array:
        return self.query(state, step)

    def query(self, state: State, step: int) -> Array:
        return np.asarray(stage_of(self._method, step).query(state), dtype=float)

    def answer(self, state: State, step: int) -> Array:
        return np.asarray(answer_before(self._method, step, state), dtype=float)

    def away(self, answer: Array) -> Array:
        along: Array = answer - self._problem.solution
        return along if self._basis is None else along @ self._basis

    def update(self, state: State, asked: Array, noise: Array | None, step: int, age: int) -> State:
        gradient = self._problem.field(asked)
        if noise is not None:
            along = noise * self._deviations
            gradient = gradient + (along if self._basis is None else along @ self._basis.T)
        if self._weight is not None:
            gradient = float(self._weight(np.array(age))) * gradient
        return stage_of(self._method, step).update(state, gradient)


class LoopLanes:
    """A block of replicas, one after the other."""

    def __init__(
        self, machine: Machine, settings: QueueSettings, tape: Tape, lanes: range, draws: Draws
    ) -> None:
        self._lanes = [
            _Lane(machine, settings, tape, lane, draws.service.values[row])
            for row, lane in enumerate(lanes)
        ]

    def advance(self, draws: Draws) -> None:
        """Run all replicas up to the target of the draws."""
        with np.errstate(all="ignore"):
            for row, lane in enumerate(self._lanes):
                lane.advance(draws, row)

    def finish(self) -> None:
        """Write down where the replicas ended."""
        for lane in self._lanes:
            lane.finish()


class _Lane:
    """One replica: the server, its workers, and the heap of those that compute."""

    def __init__(
        self,
        machine: Machine,
        settings: QueueSettings,
        tape: Tape,
        lane: int,
        services: Array,
    ) -> None:
        self._machine, self._settings, self._tape, self._number = machine, settings, tape, lane
        self._made = self._served = self._lost = self._change = 0
        self._now = self._written = 0.0
        self._done = np.inf
        self._line: deque[int] = deque()
        self._state = machine.begin(lane)
        query = machine.query(self._state, 0)
        self._read: list[Any] = [machine.read(self._state, 0)] * settings.everyone
        self._version = [0] * settings.workers + [-1] * (settings.everyone - settings.workers)
        # A job of a worker that failed stays in the heap under an old number.
        self._number_of_job = [0] * settings.everyone
        first = services[: settings.workers] / settings.speeds[: settings.workers]
        self._heap = [(time, worker, 0) for worker, time in enumerate(first.tolist())]
        heapq.heapify(self._heap)
        self._job = settings.workers
        answer = machine.answer(self._state, 0)
        tape.keep_start(lane, query, answer, machine.away(answer))

    def advance(self, draws: Draws, row: int) -> None:
        self._draws, self._row = draws, row
        begun, noisy = self._made, draws.noise.size > 0
        changes, heap = self._settings.changes, self._heap
        while self._made < draws.target:
            while heap and heap[0][2] != self._number_of_job[heap[0][1]]:
                heapq.heappop(heap)
            soonest = heap[0][0] if heap else np.inf
            if self._change < len(changes.times) and changes.times[self._change] <= min(
                soonest, self._done
            ):
                self._make_change()
                continue
            if self._done <= soonest:
                if self._done == np.inf:
                    return
                self._now = self._done
                worker = self._line.popleft()
                self._serve()
            else:
                self._now, worker, _ = heapq.heappop(heap)
                if self._settings.server is not None:
                    self._line.append(worker)
                    if len(self._line) == 1:
                        self._serve()
                    continue
            self._write(worker, draws.noise[row, self._made - begun] if noisy else None)

    def _make_change(self) -> None:
        changes = self._settings.changes
        worker = int(changes.workers[self._change])
        self._now = float(changes.times[self._change])
        if changes.joins[self._change]:
            self._read[worker] = self._machine.read(self._state, self._made)
            self._version[worker] = self._made
            self._begin_job(worker)
        else:
            self._lost += 1
            self._version[worker] = -1
            self._number_of_job[worker] += 1
            if worker in self._line:
                in_service = self._line[0] == worker
                self._line.remove(worker)
                if in_service:
                    self._serve()
        self._change += 1

    def _serve(self) -> None:
        """Let the server begin with the first write in its line."""
        self._done = np.inf
        if self._line:
            window = self._draws.server
            self._done = self._now + float(window.values[self._row, self._served - window.first])
            self._served += 1

    def _begin_job(self, worker: int) -> None:
        window = self._draws.service
        time = window.values[self._row, self._job - window.first] / self._settings.speeds[worker]
        entry = (self._now + float(time), worker, self._number_of_job[worker])
        heapq.heappush(self._heap, entry)
        self._job += 1

    def _write(self, worker: int, noise: Array | None) -> None:
        machine, tape, lane, step = self._machine, self._tape, self._number, self._made
        age = step - self._version[worker]
        tape.total[lane] += age
        tape.histogram[min(age, len(tape.histogram) - 1)] += 1
        if tape.times.size:
            tape.staleness[lane, step], tape.times[lane, step] = age, self._now
        asked = self._read[worker]
        if self._settings.reads_first:
            self._read[worker] = machine.read(self._state, step)
            self._version[worker] = step
        self._state = machine.update(self._state, asked, noise, step, age)
        self._made = step = step + 1
        self._written = self._now
        if not self._settings.reads_first:
            self._read[worker] = machine.read(self._state, step)
            self._version[worker] = step
        stride = self._settings.common.stride
        if step % stride == 0 and (tape.paths.size or len(tape.sums)):
            self._keep_frame(step // stride)
        self._begin_job(worker)

    def _keep_frame(self, frame: int) -> None:
        machine, tape = self._machine, self._tape
        answer = machine.answer(self._state, self._made)
        if tape.paths.size:
            query = machine.query(self._state, self._made)
            tape.paths[self._number, :, frame] = query, answer
            return
        away = machine.away(answer)
        tape.hours[frame] += self._now
        tape.sums[frame] += away
        tape.squares[frame] += away * away

    def finish(self) -> None:
        tape, lane, machine = self._tape, self._number, self._machine
        tape.made[lane], tape.lost[lane] = self._made, self._lost
        tape.written[lane] = self._written
        version = np.array(self._version)
        tape.ages[lane] = np.where(version < 0, -1, self._made - version)
        with np.errstate(all="ignore"):
            answer = machine.answer(self._state, self._made)
            query = machine.query(self._state, self._made)
            tape.keep_end(lane, query, answer, machine.away(answer))
