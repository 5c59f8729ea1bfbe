"""Sharpness of a network in training, by whole and by small batches: full runs and their record.

The full runs take about ten minutes on two processors, nearly all of it by small batches; what they
found lies beside this module, so that figures and claims are the same in every run. `reproduce
--full` makes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.minibatch import method_kinds
from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.methods import Method
from momentum_dynamics.problems import DigitsNetwork
from momentum_dynamics.simulation.records import origin, read_record, run_units, write_record

__all__ = [
    "FULL_STORE",
    "MEASURES",
    "STUDIES",
    "EdgeProtocol",
    "EdgeResults",
    "EdgeSetting",
    "Plateau",
    "recorded_edge",
    "run_edge",
    "run_setting",
]

Array = NDArray[np.float64]

MEASURES = ("sharpness", "batch_sharpness", "along", "loss")

FULL_STORE = Path("build") / "edge" / "settings.jsonl"
"""Where the full runs keep what is done, so that they go on after a kill."""

_WHOLE = 200
_DIVERGED = 1000.0
"""A run has diverged once its loss is so many times that at the start."""


class EdgeSetting(NamedTuple):
    """What is run: kind of method, learning rate, momentum, and how many samples a batch has."""

    kind: str
    learning_rate: float
    momentum: float
    batch_size: int = _WHOLE

    @property
    def method(self) -> Method:
        """The method, ready to run."""
        build = method_kinds()[self.kind]
        return build(learning_rate=self.learning_rate, momentum=self.momentum)


@dataclass(frozen=True, kw_only=True)
class EdgeProtocol:
    """How settings are run and measured.

    Attributes
    ----------
    settings : tuple of EdgeSetting
    steps, stride : int
        How long, and after how many steps the network is looked at.
    seeds : int
        From 0 on; one stands for initial weights and for batches, and is run with every setting.
    batches : int
        Over how many the batch sharpness is taken.
    samples, hidden : int
        Of the network.
    version : int
        To be raised when a run or a measure changes, so that finished ones are not taken for new.
    """

    settings: tuple[EdgeSetting, ...]
    steps: int
    stride: int
    seeds: int
    batches: int = 128
    samples: int = _WHOLE
    hidden: int = 16
    version: int = 1


_WHOLE_BATCH = EdgeProtocol(
    settings=tuple(
        EdgeSetting(*each)
        for each in (
            ("heavy-ball", 0.667, 0.0), ("heavy-ball", 1.0, 0.5), ("heavy-ball", 1.267, 0.9),
            ("heavy-ball", 0.588, 0.0), ("heavy-ball", 0.882, 0.5), ("heavy-ball", 1.118, 0.9),
            ("nesterov", 0.5, 0.5), ("nesterov", 0.452, 0.9), ("nesterov", 0.441, 0.5),
            ("nesterov", 0.399, 0.9),
        )
    ),
    steps=1600,
    stride=20,
    seeds=4,
)  # fmt: skip

_SMALL_BATCHES = EdgeProtocol(
    settings=tuple(
        EdgeSetting(kind, rate, momentum, batch_size)
        for kind, rate, momentum in (
            ("heavy-ball", 0.8, 0.0), ("heavy-ball", 0.4, 0.5), ("heavy-ball", 0.08, 0.9),
            ("heavy-ball", 0.4, 0.0), ("heavy-ball", 0.4, 0.9),
            ("heavy-ball", 0.8, 0.5), ("heavy-ball", 0.2, 0.9), ("heavy-ball", 0.08, 0.0),
            ("nesterov", 0.4, 0.5), ("nesterov", 0.08, 0.9),
        )
        for batch_size in (4, 16, 64)
    ),
    steps=16_000,
    stride=400,
    seeds=8,
)  # fmt: skip
"""Momenta 0, 0.5, 0.9 at the effective step 0.8, and at the learning rates 0.4 and 0.8."""

STUDIES: dict[str, tuple[EdgeProtocol, Path]] = {
    "whole batches": (_WHOLE_BATCH, Path(__file__).with_name("edge_whole.npz")),
    "small batches": (_SMALL_BATCHES, Path(__file__).with_name("edge_small.npz")),
}
"""What is run in full, and what figures and claims are made from."""


def run_setting(protocol: EdgeProtocol, setting: EdgeSetting) -> dict[str, Array]:
    """Train one setting with every seed, and look at the network as it trains.

    Parameters
    ----------
    protocol : EdgeProtocol
    setting : EdgeSetting

    Returns
    -------
    dict
        Each measure ``(snapshots, seeds)``, at the points where gradients are taken; NaN once a
        run has diverged.
    """
    setting = EdgeSetting(*setting)
    networks = [
        DigitsNetwork(samples=protocol.samples, hidden=protocol.hidden, seed=seed)
        for seed in range(protocol.seeds)
    ]
    network, method, size = networks[0], setting.method, setting.batch_size
    draws = [np.random.default_rng((seed, 1)) for seed in range(protocol.seeds)]
    looks = [np.random.default_rng((seed, 2)) for seed in range(protocol.seeds)]
    state = method.initial_state(np.stack([each.start for each in networks]))
    snapshots = protocol.steps // protocol.stride + 1
    seen = {name: np.full((snapshots, protocol.seeds), np.nan) for name in MEASURES}
    largest = np.array([_DIVERGED * network.loss(each.start) for each in networks])
    with np.errstate(all="ignore"):
        for snapshot in range(snapshots):
            points = np.asarray(method.query(state))
            losses = network.loss(points)
            for lane in np.flatnonzero(losses < largest):
                point = points[lane]
                found = network.batch_sharpness(point, size, looks[lane], batches=protocol.batches)
                for name, value in zip(
                    MEASURES, (network.sharpness(point), *found, losses[lane]), strict=True
                ):
                    seen[name][snapshot, lane] = value
            # What has diverged once may come back, but is no training any more.
            largest[~(losses < largest)] = -np.inf
            if snapshot == snapshots - 1 or not (losses < largest).any():
                break
            chosen = [network.draw(size, (protocol.stride,), rng) for rng in draws]
            for batch in np.stack(chosen, axis=1):
                is_whole = size == protocol.samples
                gradient = network.field(method.query(state), None if is_whole else batch)
                state = method.update(state, gradient)
    return seen


class Plateau(NamedTuple):
    """Mean and standard error over the seeds that came to the end, and how many these are."""

    value: float
    error: float
    seeds: int

    @classmethod
    def of(cls, late: Array) -> Plateau:
        """Of a number for each seed, NaN where it did not come to the end.

        NaN if fewer than two came to the end.
        """
        found = late[np.isfinite(late)]
        if len(found) < 2:
            return cls(np.nan, np.nan, len(found))
        error = found.std(ddof=1) / np.sqrt(len(found))
        return cls(float(found.mean()), float(error), len(found))


@dataclass(frozen=True, kw_only=True, eq=False)
class EdgeResults:
    """What the runs of one study found.

    Attributes
    ----------
    about : mapping
        The protocol, and with what it was run.
    settings : tuple of EdgeSetting
    sharpness : array ``(settings, snapshots, seeds)``
        The largest eigenvalue of the Hessian on all samples.
    batch_sharpness : array ``(settings, snapshots, seeds)``
        E gᵀHg/E|g|² over batches, with gradient and Hessian of the batch.
    along : array ``(settings, snapshots, seeds)``
        The same with the Hessian on all samples.
    loss : array ``(settings, snapshots, seeds)``
        On all samples. All are NaN once a run has diverged.
    """

    about: Mapping[str, Any]
    settings: tuple[EdgeSetting, ...]
    sharpness: Array
    batch_sharpness: Array
    along: Array
    loss: Array

    @property
    def seeds(self) -> int:
        """How many seeds each setting was run with."""
        return int(self.loss.shape[-1])

    @property
    def steps(self) -> NDArray[np.int64]:
        """After how many steps each snapshot was taken."""
        return int(self.about["protocol"]["stride"]) * np.arange(self.loss.shape[1])

    @property
    def network(self) -> DigitsNetwork:
        """The network, with the weights of the first seed."""
        protocol = self.about["protocol"]
        return DigitsNetwork(samples=protocol["samples"], hidden=protocol["hidden"])

    def index(self, setting: EdgeSetting) -> int:
        """Where a setting is.

        Raises
        ------
        UnknownNameError
            If it was not run.
        """
        if setting not in self.settings:
            known = map(str, map(tuple, self.settings))
            raise UnknownNameError.among("setting", str(tuple(setting)), known)
        return self.settings.index(setting)

    def late(self, measure: str, setting: EdgeSetting, *, quarter: int = 4) -> Array:
        """The mean of one measure over a quarter of the run, by default the last, of each seed."""
        found: Array = getattr(self, measure)[self.index(setting), 1:]
        ends = np.arange(5) * len(found) // 4
        return np.asarray(found[ends[quarter - 1] : ends[quarter]].mean(axis=0))

    def plateau(self, measure: str, setting: EdgeSetting) -> Plateau:
        """The mean over the last quarter, with its standard error over seeds.

        NaN if fewer than two seeds came to the end.
        """
        return Plateau.of(self.late(measure, setting))

    def save(self, path: Path) -> None:
        """Write all of it into one compressed file."""
        names = ("kind", "learning_rate", "momentum", "batch_size")
        columns = {
            name: np.array(column)
            for name, column in zip(names, zip(*self.settings, strict=True), strict=True)
        }
        measured = {name: getattr(self, name).astype(np.float32) for name in MEASURES}
        write_record(path, self.about, columns | measured)

    @classmethod
    def load(cls, path: Path) -> EdgeResults:
        """Read what `save` wrote.

        Raises
        ------
        MomentumDynamicsError
            If there is no such file.
        """
        about, held = read_record(path)
        columns = (held[name].tolist() for name in EdgeSetting._fields)
        return cls(
            about=about,
            settings=tuple(EdgeSetting(*each) for each in zip(*columns, strict=True)),
            **{name: held[name].astype(float) for name in MEASURES},
        )


def run_edge(
    protocol: EdgeProtocol,
    path: Path,
    *,
    store: Path = FULL_STORE,
    jobs: int = 2,
    watch: Callable[[EdgeSetting], Any] = lambda _: None,
) -> EdgeResults:
    """Run a whole study, or what is left of it, and write what it found.

    Parameters
    ----------
    protocol : EdgeProtocol
    path : path
        Where results go; figures and claims read those of `STUDIES`.
    store : path
        The file of finished settings, from which killed runs go on.
    jobs : int
        Processes; with one all is run in this process.
    watch : callable
        Told every setting that is done.

    Returns
    -------
    EdgeResults

    Raises
    ------
    DomainError
        If there is no job.
    """
    done = run_units(
        protocol.settings,
        partial(run_setting, protocol),
        store=store,
        common={name: value for name, value in asdict(protocol).items() if name != "settings"},
        jobs=jobs,
        watch=watch,
    )
    rows = [done[json.dumps(setting)] for setting in protocol.settings]
    results = EdgeResults(
        about=origin(asdict(protocol), ("numpy", "scipy", "autograd", "scikit-learn")),
        settings=protocol.settings,
        **{name: np.array([row[name] for row in rows]) for name in MEASURES},
    )
    results.save(path)
    recorded_edge.cache_clear()
    return results


@cache
def recorded_edge(study: str) -> EdgeResults:
    """The results of a study as they are committed.

    Parameters
    ----------
    study : {"whole batches", "small batches"}

    Raises
    ------
    UnknownNameError
        If there is no such study.
    """
    if study not in STUDIES:
        raise UnknownNameError.among("study", study, STUDIES)
    return EdgeResults.load(STUDIES[study][1])
