"""The protocol: every optimizer on every workload, its rate searched, with the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.inputs import require_counts
from momentum_dynamics.training.comparison import smoothed
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.loop import ORDERS, WORKERS, staleness_of, train
from momentum_dynamics.training.store import Run, Setting, Store
from momentum_dynamics.training.workloads import WORKLOADS, workload

__all__ = ["Protocol", "best_setting", "race", "reached", "run_setting"]

VERSION = 1
"""Counted up when a change makes old runs incomparable with new ones."""

_LOWEST, _HIGHEST = -9, 5
"""Decades beyond which no search goes."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What a race consists of.

    Attributes
    ----------
    workloads, contenders : tuple of str
    steps : int
    seeds : tuple of int
    window, stride : int
        Of the smoothed training loss that is kept.
    workers : int
        Where gradients are stale.
    orders : tuple of str
        Who computes gradients, of what a contender takes part in.
    stale_workloads : tuple of str
        On which of the workloads gradients are computed by others than one worker, too.
    """

    workloads: tuple[str, ...] = WORKLOADS
    contenders: tuple[str, ...] = field(default_factory=lambda: tuple(CONTENDERS))
    steps: int = 2500
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    window: int = 100
    stride: int = 20
    workers: int = WORKERS
    orders: tuple[str, ...] = ORDERS
    stale_workloads: tuple[str, ...] = (
        "cancer-mlp", "digits-mlp", "digits-factors", "digits-rows", "zen-letters",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse names that nobody has."""
        for name in self.contenders:
            if name not in CONTENDERS:
                raise UnknownNameError.among("contender", name, CONTENDERS)
        for name in self.workloads:
            workload(name)

    @property
    def common(self) -> str:
        """What runs must share to be compared."""
        return (
            f"{VERSION}: {self.steps} steps, window {self.window}, stride {self.stride}, "
            f"{self.workers} workers"
        )

    def searches(self) -> Iterator[tuple[str, str, str]]:
        """Workload, contender and order of every search."""
        for order in self.orders:
            for name in self.workloads:
                if order != "fresh" and name not in self.stale_workloads:
                    continue
                for contender in self.contenders:
                    if order in CONTENDERS[contender].orders:
                        yield name, contender, order


def run_setting(setting: Setting, protocol: Protocol) -> list[Run]:
    """Train once for every seed.

    Parameters
    ----------
    setting : Setting
    protocol : Protocol

    Returns
    -------
    list of Run
    """
    stale = [
        staleness_of(setting.order, protocol.steps, workers=protocol.workers, seed=seed)
        for seed in protocol.seeds
    ]
    contender = CONTENDERS[setting.optimizer]
    found = train(
        workload(setting.workload),
        contender.make(setting.value),
        seeds=protocol.seeds,
        steps=protocol.steps,
        staleness=np.stack(stale, axis=1),
        products=contender.products,
    )
    curves = smoothed(found.losses, protocol.window, stride=protocol.stride)
    return [
        Run(
            setting=setting,
            seed=seed,
            steps=protocol.steps,
            curve=tuple(curves[:, lane].tolist()),
            final=float(found.train_loss[lane]),
            accuracy=float(found.test_accuracy[lane]),
            diverged=int(found.diverged[lane]),
        )
        for lane, seed in enumerate(protocol.seeds)
    ]


def reached(runs: Sequence[Run]) -> float:
    """The least smoothed loss of the mean over seeds; infinite if any run diverged.

    Parameters
    ----------
    runs : sequence of Run
        Of one setting.
    """
    if any(run.diverged < run.steps for run in runs):
        return np.inf
    return float(np.mean([run.curve for run in runs], axis=0).min())


def best_setting(finished: Mapping[Setting, Sequence[Run]]) -> Setting:
    """Of several settings the one whose mean training curve comes lowest.

    Parameters
    ----------
    finished : mapping from Setting to sequence of Run

    Returns
    -------
    Setting
        The one with the smallest value among equals; no other one, if in each a run diverged.
    """
    order = sorted(finished, key=lambda setting: setting.value)
    return min(order, key=lambda setting: reached(finished[setting]))


class _Search:
    """The values of one contender on one workload: which are done, which are wanted next."""

    def __init__(self, where: tuple[str, str, str], protocol: Protocol, store: Store) -> None:
        self.where = where
        self.seeds = protocol.seeds
        self.done: dict[Setting, list[Run]] = {}
        self.open: set[Setting] = set()
        self.store = store
        self.chosen = [self._at(value) for value in CONTENDERS[where[1]].values]

    def _at(self, value: float) -> Setting:
        name, contender, order = self.where
        return Setting(workload=name, optimizer=contender, order=order, value=value)

    def take(self, setting: Setting) -> None:
        """As the store gives it back, whose digits a race that goes on reads as well."""
        self.open.discard(setting)
        self.done[setting] = self.store.runs_of(setting, self.seeds)

    def wanted(self) -> list[Setting]:
        """What to run now; what the store holds is taken from there."""
        while not self.open:
            fresh = [setting for setting in self.chosen if setting not in self.done]
            if not fresh:
                self.chosen = self._beyond()
                if not self.chosen:
                    return []
                continue
            for setting in fresh:
                if runs := self.store.runs_of(setting, self.seeds):
                    self.done[setting] = runs
                else:
                    self.open.add(setting)
            if self.open:
                return [setting for setting in fresh if setting in self.open]
        return []

    def _beyond(self) -> list[Setting]:
        """The next decade, where the best value so far is an end."""
        if not CONTENDERS[self.where[1]].extends:
            return []
        values = sorted(setting.value for setting in self.done)
        best = best_setting(self.done).value
        if best not in (values[0], values[-1]):
            return []
        following = round(np.log10(best)) + (1 if best == values[-1] else -1)
        return [self._at(10.0**following)] if _LOWEST <= following <= _HIGHEST else []


def race(
    protocol: Protocol,
    store: Store,
    *,
    jobs: int = 1,
    watch: Callable[[Setting], Any] = lambda _: None,
) -> dict[tuple[str, str, str], dict[Setting, list[Run]]]:
    """Run all that the store does not hold yet.

    Parameters
    ----------
    protocol : Protocol
    store : Store
        Where every setting is kept as soon as it is done.
    jobs : int
        Processes.
    watch : callable
        Told of every setting that is done.

    Returns
    -------
    dict
        Runs by setting, for each workload, contender and order.

    Raises
    ------
    DomainError
        If there is no job.
    """
    require_counts(jobs=jobs)
    searches = {where: _Search(where, protocol, store) for where in protocol.searches()}
    if jobs == 1:
        for search in searches.values():
            while wanted := search.wanted():
                for setting in wanted:
                    store.add(run_setting(setting, protocol))
                    search.take(setting)
                    watch(setting)
    else:
        _race_apart(list(searches.values()), protocol, store, jobs, watch)
    return {where: search.done for where, search in searches.items()}


def _race_apart(
    searches: list[_Search],
    protocol: Protocol,
    store: Store,
    jobs: int,
    watch: Callable[[Setting], Any],
) -> None:
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"))
    running: dict[Future[list[Run]], tuple[_Search, Setting]] = {}

    def submit(setting: Setting) -> Future[list[Run]]:
        return pool.submit(run_setting, setting, protocol)

    try:
        for search in searches:
            running.update({submit(each): (search, each) for each in search.wanted()})
        while running:
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                search, setting = running.pop(future)
                store.add(future.result())
                search.take(setting)
                watch(setting)
                running.update({submit(each): (search, each) for each in search.wanted()})
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
