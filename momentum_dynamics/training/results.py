"""What a race found, with how it was made: written once, drawn many times.

The full race takes about an hour. `reproduce --full` runs it, and puts what it found into the file
beside this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.simulation.records import origin, read_record, write_record
from momentum_dynamics.training.comparison import Interval, paired_difference, paired_ratio, speedup
from momentum_dynamics.training.contenders import CONTENDERS
from momentum_dynamics.training.protocol import Protocol, best_setting, race, reached
from momentum_dynamics.training.store import Run, Setting, Store

__all__ = ["FULL_STORE", "RECORD", "Outcome", "Results", "recorded", "run_full", "summarize"]

Array = NDArray[np.float64]

RECORD = Path(__file__).with_name("results.npz")
"""The results that figures and claims are made from."""

FULL_STORE = Path("build") / "race" / "runs.jsonl"
"""Where the full race keeps its runs, so that it goes on after a kill."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The best of what one search tried.

    Attributes
    ----------
    setting : Setting
    curve : array ``(points, seeds)``
        The smoothed training loss.
    reached : float
        The least smoothed loss of the mean over seeds; infinite if a run diverged.
    final, accuracy : array ``(seeds,)``
        Training loss and test accuracy in the end: infinite and NaN where a run diverged.
    """

    setting: Setting
    curve: Array
    reached: float
    final: Array
    accuracy: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """All settings of a race, and the curves of the best ones.

    Attributes
    ----------
    about : mapping
        The protocol, and with what it was run.
    settings : tuple of Setting
    reached : array ``(settings,)``
        The least smoothed loss of the mean over seeds; infinite if a run diverged.
    final, accuracy : array ``(settings, seeds)``
    diverged : array of int ``(settings, seeds)``
        At which step, or the number of steps.
    curves : mapping from Setting to array ``(points, seeds)``
        Of the best setting of each search.
    """

    about: Mapping[str, Any]
    settings: tuple[Setting, ...]
    reached: Array
    final: Array
    accuracy: Array
    diverged: NDArray[np.int64]
    curves: Mapping[Setting, Array]

    def __repr__(self) -> str:
        """One line."""
        return (
            f"<Results of {len(self.settings)} settings, {len(self.seeds)} seeds, "
            f"{self.steps} steps>"
        )

    @property
    def steps(self) -> int:
        """How many steps a run has."""
        return int(self.about["protocol"]["steps"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of each setting's runs."""
        return tuple(self.about["protocol"]["seeds"])

    @property
    def window(self) -> int:
        """Of the smoothed training loss."""
        return int(self.about["protocol"]["window"])

    @property
    def stride(self) -> int:
        """How many steps points of a curve are apart."""
        return int(self.about["protocol"]["stride"])

    @property
    def iterations(self) -> Array:
        """At which step each point of a curve counts: the last one of its window."""
        points = (self.steps - self.window) // self.stride + 1
        return np.asarray(self.window + self.stride * np.arange(points), dtype=float)

    @property
    def workloads(self) -> tuple[str, ...]:
        """The workloads of which there is a result."""
        return tuple(dict.fromkeys(setting.workload for setting in self.settings))

    def has(self, workload: str, optimizer: str, order: str = "fresh") -> bool:
        """Whether there is a result of this search."""
        return any(_is_of(each, workload, optimizer, order) for each in self.curves)

    def best(self, workload: str, optimizer: str, order: str = "fresh") -> Outcome:
        """The best setting that a search found.

        Parameters
        ----------
        workload, optimizer, order : str

        Raises
        ------
        UnknownNameError
            If there was no such search.
        """
        for setting, curve in self.curves.items():
            if _is_of(setting, workload, optimizer, order):
                index = self.settings.index(setting)
                return Outcome(
                    setting=setting, curve=curve, reached=float(self.reached[index]),
                    final=self.final[index], accuracy=self.accuracy[index],
                )  # fmt: skip
        wanted = f"{optimizer} on {workload}, {order}"
        known = [f"{each.optimizer} on {each.workload}, {each.order}" for each in self.curves]
        raise UnknownNameError.among("search", wanted, known)

    def tried(self, workload: str, optimizer: str, order: str = "fresh") -> tuple[Array, Array]:
        """The values that a search tried, in order, and what each reached."""
        rows = [
            (setting.value, reached)
            for setting, reached in zip(self.settings, self.reached, strict=True)
            if _is_of(setting, workload, optimizer, order)
        ]
        values, found = np.array(sorted(rows)).T
        return values, found

    def speedup(
        self, workload: str, optimizer: str, baseline: str = "adam", order: str = "fresh"
    ) -> Interval:
        """How many times fewer iterations than a baseline; see `speedup`."""
        ours, theirs = (self.best(workload, name, order) for name in (optimizer, baseline))
        return speedup(ours.curve, theirs.curve, window=self.window, stride=self.stride)

    def final_ratio(
        self, workload: str, optimizer: str, baseline: str = "adam", order: str = "fresh"
    ) -> Interval:
        """The ratio of final training losses to a baseline's; see `paired_ratio`."""
        ours, theirs = (self.best(workload, name, order) for name in (optimizer, baseline))
        return paired_ratio(ours.final, theirs.final)

    def accuracy_gain(
        self, workload: str, optimizer: str, baseline: str = "adam", order: str = "fresh"
    ) -> Interval:
        """The difference of test accuracies to a baseline's; see `paired_difference`."""
        ours, theirs = (self.best(workload, name, order) for name in (optimizer, baseline))
        return paired_difference(ours.accuracy, theirs.accuracy)

    def save(self, path: Path) -> None:
        """Write all of it into one compressed file."""
        best = [self.settings.index(setting) for setting in self.curves]
        columns = {
            name: np.array([getattr(setting, name) for setting in self.settings])
            for name in ("workload", "optimizer", "order", "value")
        }
        arrays = columns | {
            "reached": self.reached,
            "final": self.final,
            "accuracy": self.accuracy,
            "diverged": self.diverged,
            "best": np.array(best),
            "curves": _rounded(np.array(list(self.curves.values()))),
        }
        write_record(path, self.about, arrays)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote.

        Raises
        ------
        MomentumDynamicsError
            If there is no such file.
        """
        about, held = read_record(path)
        columns = zip(
            *(held[name].tolist() for name in ("workload", "optimizer", "order", "value")),
            strict=True,
        )
        settings = tuple(
            Setting(workload=name, optimizer=optimizer, order=order, value=value)
            for name, optimizer, order, value in columns
        )
        return cls(
            about=about,
            settings=settings,
            reached=held["reached"],
            final=held["final"],
            accuracy=held["accuracy"],
            diverged=held["diverged"],
            curves={
                settings[index]: curve.astype(float)
                for index, curve in zip(held["best"], held["curves"], strict=True)
            },
        )


def _is_of(setting: Setting, workload: str, optimizer: str, order: str) -> bool:
    return (setting.workload, setting.optimizer, setting.order) == (workload, optimizer, order)


def _rounded(curves: Array, digits: int = 12) -> NDArray[np.float32]:
    """Single precision with so many binary digits, which compresses; what is too large is cut."""
    largest = float(np.finfo(np.float32).max) / 2
    mantissa, exponent = np.frexp(np.where(np.isinf(curves), np.inf, np.minimum(curves, largest)))
    return np.ldexp(np.round(mantissa * 2**digits) / 2**digits, exponent).astype(np.float32)


def summarize(
    protocol: Protocol, found: Mapping[tuple[str, str, str], Mapping[Setting, Sequence[Run]]]
) -> Results:
    """Gather what `race` returned.

    Parameters
    ----------
    protocol : Protocol
    found : mapping
        Searches that have come to their end.

    Returns
    -------
    Results
    """
    rows = [pair for settings in found.values() for pair in sorted(settings.items(), key=_value)]
    best = [best_setting(settings) for settings in found.values()]
    runs = dict(rows)

    def column(name: str) -> Any:
        return np.array([[getattr(run, name) for run in each] for _, each in rows])

    return Results(
        about=origin(asdict(protocol), ("numpy", "autograd", "scikit-learn"))
        | {"contenders": {name: CONTENDERS[name].title for name in protocol.contenders}},
        settings=tuple(runs),
        reached=np.array([reached(each) for _, each in rows]),
        final=column("final"),
        accuracy=column("accuracy"),
        diverged=column("diverged"),
        curves={each: np.array([run.curve for run in runs[each]]).T for each in best},
    )


def _value(pair: tuple[Setting, Any]) -> float:
    return pair[0].value


def run_full(
    *,
    path: Path = RECORD,
    store: Path = FULL_STORE,
    protocol: Protocol | None = None,
    jobs: int = 2,
    watch: Callable[[Setting], Any] = lambda _: None,
) -> Results:
    """Run the whole protocol, or what is left of it, and write the results.

    Parameters
    ----------
    path : path
        Where results go; by default where figures and claims find them.
    store : path
        The file of finished runs, from which a killed race goes on.
    protocol : Protocol, optional
    jobs : int
        Processes.
    watch : callable
        Told of every setting that is done.

    Returns
    -------
    Results

    Raises
    ------
    DomainError
        If there is no job.
    """
    chosen = protocol or Protocol()
    found = summarize(chosen, race(chosen, Store(store, chosen.common), jobs=jobs, watch=watch))
    found.save(path)
    recorded.cache_clear()
    return found


@cache
def recorded() -> Results:
    """The results of the full race as they are committed.

    Examples
    --------
    >>> found = recorded()
    >>> found.best("digits-mlp", "adam").setting.value
    0.01
    """
    return Results.load(RECORD)
