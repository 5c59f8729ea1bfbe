"""Finished runs on disk, one line each, so that a killed protocol goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from momentum_dynamics.simulation.records import append_entries, read_entries

__all__ = ["Run", "Setting", "Store"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is run once for every seed.

    Attributes
    ----------
    workload, optimizer : str
    order : str
        Who computes gradients: fresh, round-robin, queue.
    value : float
        The learning rate, or the factor of a tuned one.
    """

    workload: str
    optimizer: str
    order: str = "fresh"
    value: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One finished run.

    Attributes
    ----------
    setting : Setting
    seed, steps : int
    curve : tuple of float
        The smoothed training loss, infinite from where the run diverged.
    final, accuracy : float
        The training loss in the end, and the test accuracy or NaN.
    diverged : int
        The step at which it diverged, or the number of steps.
    """

    setting: Setting
    seed: int
    steps: int
    curve: tuple[float, ...]
    final: float
    accuracy: float
    diverged: int


class Store:
    """A file of runs, read once and appended to.

    Parameters
    ----------
    path : path
    protocol : str
        What all runs have in common; runs of another protocol are passed over.

    Notes
    -----
    Every run is one line, written at once and brought to the disk. A line that a kill cut off is
    passed over.

    Examples
    --------
    >>> import tempfile
    >>> setting = Setting(workload="wine-softmax", optimizer="adam", value=0.1)
    >>> run = Run(
    ...     setting=setting, seed=0, steps=1, curve=(0.5,), final=0.4, accuracy=1.0, diverged=1
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Store(f"{folder}/runs.jsonl", "1").add([run])
    ...     found = Store(f"{folder}/runs.jsonl", "1").runs(setting)
    >>> found[0].final
    0.4
    """

    def __init__(self, path: str | Path, protocol: str) -> None:
        self.path = Path(path)
        self.protocol = protocol
        self._known: dict[tuple[Setting, int], Run] = {}
        for entry in read_entries(self.path):
            self._take(entry)

    def _take(self, entry: Any) -> None:
        try:
            found = dict(entry)
            if found.pop("protocol") != self.protocol:
                return
            setting = Setting(**found.pop("setting"))
            final, accuracy = (float(found.pop(name)) for name in ("final", "accuracy"))
            curve = tuple(math.inf if each is None else each for each in found.pop("curve"))
            run = Run(setting=setting, curve=curve, final=final, accuracy=accuracy, **found)
        except (ValueError, KeyError, TypeError):
            return
        self._known[setting, run.seed] = run

    def add(self, runs: Iterable[Run]) -> None:
        """Append runs."""
        entries = [self._entry(run) for run in runs]
        append_entries(self.path, entries)
        for entry in entries:
            self._take(entry)

    def _entry(self, run: Run) -> Mapping[str, Any]:
        curve = [float(f"{each:.5g}") if math.isfinite(each) else None for each in run.curve]
        numbers = {name: _text(getattr(run, name)) for name in ("final", "accuracy")}
        return {"protocol": self.protocol, **asdict(run), "curve": curve, **numbers}

    def runs_of(self, setting: Setting, seeds: Sequence[int]) -> list[Run]:
        """The finished runs of a setting with these seeds; none if one of them is missing."""
        found = [self._known.get((setting, seed)) for seed in seeds]
        return [run for run in found if run is not None] if None not in found else []

    def runs(self, setting: Setting) -> list[Run]:
        """The finished runs of a setting, by seed, with the digits that are kept."""
        found = [run for (each, _), run in self._known.items() if each == setting]
        return sorted(found, key=lambda run: run.seed)

    def settings(self) -> list[Setting]:
        """All settings of which there is a run."""
        return list(dict.fromkeys(setting for setting, _ in self._known))


def _text(value: float) -> float | str:
    """JSON has no infinities."""
    return float(f"{value:.8g}") if math.isfinite(value) else str(value)
