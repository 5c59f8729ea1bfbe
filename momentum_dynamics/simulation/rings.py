"""Momentum on a ring of Gaussians: the full runs, resumable, and the record that is kept of them.

The full runs take about ten minutes on two processors; what they found lies beside this module, so
that figures and claims are the same in every run. `reproduce --full` makes it anew.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems.rings import RingGAN
from momentum_dynamics.simulation.games import play
from momentum_dynamics.simulation.records import read_record, write_record

__all__ = [
    "FULL_STORE",
    "MEASURES",
    "RECORD",
    "RingProtocol",
    "RingResults",
    "Setting",
    "recorded_rings",
    "run_block",
    "run_full",
]

Array = NDArray[np.float64]
Setting: TypeAlias = tuple[float, float]
"""Momentum and learning rate."""

MEASURES = ("modes", "quality", "total_variation")

RECORD = Path(__file__).with_name("rings.npz")
"""What figures and claims are made from."""

FULL_STORE = Path("build") / "rings" / "blocks.jsonl"
"""Where the full runs keep what is done, so that they go on after a kill."""

_SETTINGS = (
    (-0.5, 0.075), (0.0, 0.05), (0.5, 0.025),
    (-0.5, 0.15), (0.0, 0.1), (0.5, 0.05),
    (-0.5, 0.05), (-0.5, 0.1), (0.5, 0.1),
)  # fmt: skip
"""Three momenta at the effective steps 0.05 and 0.1, and at the learning rates 0.05 and 0.1."""


@dataclass(frozen=True, kw_only=True)
class RingProtocol:
    """What is run: every setting from the same networks on the same batches, block by block.

    Attributes
    ----------
    settings : tuple of (momentum, learning rate)
    blocks, block_size : int
        Seeds are run together in blocks; the block is part of what a seed means.
    rounds, stride : int
        Each is one step of either player; every so many rounds samples are looked at.
    samples : int
        Points of the generator that are looked at.
    loss : str
    batch_size, hidden : int
    """

    settings: tuple[Setting, ...] = _SETTINGS
    blocks: int = 2
    block_size: int = 8
    rounds: int = 8000
    stride: int = 100
    samples: int = 2000
    loss: str = "saturating"
    batch_size: int = 128
    hidden: int = 32

    @property
    def seeds(self) -> int:
        """How many seeds each setting is run with."""
        return self.blocks * self.block_size


def run_block(protocol: RingProtocol, setting: Setting, block: int) -> dict[str, Any]:
    """Train one setting on one block of seeds.

    Parameters
    ----------
    protocol : RingProtocol
    setting : (momentum, learning rate)
    block : int

    Returns
    -------
    dict
        Each measure as an array ``(snapshots, block_size)``, without the start, and the first
        seed's last samples.
    """
    momentum, learning_rate = setting
    game = RingGAN(
        hidden=protocol.hidden,
        batch_size=protocol.batch_size,
        loss=protocol.loss,
        seed=np.random.SeedSequence((block, 1)),
    )
    run = play(
        HeavyBall(learning_rate=learning_rate, momentum=momentum),
        game,
        steps=protocol.rounds,
        start=game.starts(protocol.block_size, np.random.SeedSequence((block, 0))),
        replicas=protocol.block_size,
        stride=protocol.stride,
    )
    rng = np.random.default_rng((block, 2))
    seen: dict[str, list[Array]] = {name: [] for name in MEASURES}
    samples = np.empty(0)
    for point in run.outputs[1:]:
        samples = game.generated(point, protocol.samples, rng)
        coverage = game.coverage(samples)
        for name in MEASURES:
            seen[name].append(getattr(coverage, name))
    return {
        **{name: np.array(values) for name, values in seen.items()},
        "samples": samples[0, :400],
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class RingResults:
    """What the runs found.

    Attributes
    ----------
    about : mapping
        The protocol, and with what it was run.
    settings : tuple of (momentum, learning rate)
    modes, quality, total_variation : array ``(settings, snapshots, seeds)``
    samples : array ``(settings, points, 2)``
        Of the first seed, in the end.
    """

    about: Mapping[str, Any]
    settings: tuple[Setting, ...]
    modes: Array
    quality: Array
    total_variation: Array
    samples: Array

    @property
    def seeds(self) -> int:
        """How many seeds each setting was run with."""
        return int(self.modes.shape[-1])

    @property
    def rounds(self) -> Array:
        """After how many rounds each snapshot was taken."""
        stride = self.about["protocol"]["stride"]
        return stride * np.arange(1.0, self.modes.shape[1] + 1)

    def index(self, setting: Setting) -> int:
        """Where a setting is.

        Raises
        ------
        UnknownNameError
            If it was not run.
        """
        for index, each in enumerate(self.settings):
            if np.allclose(each, setting):
                return index
        raise UnknownNameError.among("setting", str(setting), map(str, self.settings))

    def late(self, measure: str, setting: Setting, *, last: int = 10) -> Array:
        """One measure of each seed, the mean of the last snapshots."""
        found: Array = getattr(self, measure)[self.index(setting), -last:].mean(axis=0)
        return found

    def save(self, path: Path) -> None:
        """Write all of it into one compressed file."""
        arrays = {
            "settings": np.array(self.settings),
            "modes": self.modes.astype(np.uint8),
            "quality": self.quality.astype(np.float32),
            "total_variation": self.total_variation.astype(np.float32),
            "samples": self.samples.astype(np.float16),
        }
        write_record(path, self.about, arrays)

    @classmethod
    def load(cls, path: Path) -> RingResults:
        """Read what `save` wrote.

        Raises
        ------
        MomentumDynamicsError
            If there is no such file.
        """
        about, held = read_record(path)
        return cls(
            about=about,
            settings=tuple((float(first), float(rate)) for first, rate in held["settings"]),
            **{name: held[name].astype(float) for name in (*MEASURES, "samples")},
        )


def _read(store: Path, protocol: str) -> dict[tuple[Setting, int], dict[str, Any]]:
    """The finished blocks of a protocol; a line that a kill cut off is passed over."""
    found = {}
    for line in store.read_text(encoding="utf-8").splitlines() if store.exists() else ():
        try:
            entry = json.loads(line)
            if entry["protocol"] != protocol:
                continue
            key = (tuple(entry["setting"]), entry["block"])
            found[key] = {name: np.array(entry[name]) for name in (*MEASURES, "samples")}
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _append(store: Path, entry: Mapping[str, Any]) -> None:
    """One line, brought to the disk; the line break before it ends what a kill may have cut off."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a", encoding="utf-8", newline="\n") as file:
        file.write("\n" + json.dumps(entry, default=lambda array: array.tolist()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def run_full(
    *,
    path: Path = RECORD,
    store: Path = FULL_STORE,
    protocol: RingProtocol | None = None,
    jobs: int = 2,
    watch: Callable[[Setting], Any] = lambda _: None,
) -> RingResults:
    """Run the whole protocol, or what is left of it, and write what it found.

    Parameters
    ----------
    path : path
        Where results go; by default where figures and claims find them.
    store : path
        The file of finished blocks, from which killed runs go on.
    protocol : RingProtocol, optional
    jobs : int
        Processes; with one all is run in this process.
    watch : callable
        Told the setting of every block that is done.

    Returns
    -------
    RingResults

    Raises
    ------
    DomainError
        If there is no job.
    """
    if jobs < 1:
        raise DomainError(f"jobs is {jobs}, but must be at least 1.")
    chosen = protocol or RingProtocol()
    # What one block depends on: neither which settings there are, nor how many blocks.
    common = {k: v for k, v in asdict(chosen).items() if k not in {"settings", "blocks"}}
    text = json.dumps(common, sort_keys=True)
    done = _read(store, text)
    units = [(setting, block) for block in range(chosen.blocks) for setting in chosen.settings]
    missing = [unit for unit in units if unit not in done]

    def keep(unit: tuple[Setting, int], found: dict[str, Any]) -> None:
        done[unit] = found
        _append(store, {"protocol": text, "setting": unit[0], "block": unit[1], **found})
        watch(unit[0])

    if jobs == 1:
        for unit in missing:
            keep(unit, run_block(chosen, *unit))
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            waiting = {pool.submit(run_block, chosen, *unit): unit for unit in missing}
            for future in as_completed(waiting):
                keep(waiting[future], future.result())
    results = _gather(chosen, done)
    results.save(path)
    recorded_rings.cache_clear()
    return results


def _gather(
    protocol: RingProtocol, done: Mapping[tuple[Setting, int], Mapping[str, Any]]
) -> RingResults:
    def joined(setting: Setting, name: str) -> Array:
        blocks = [done[setting, block][name] for block in range(protocol.blocks)]
        return np.concatenate(blocks, axis=-1)

    return RingResults(
        about={
            "made_by": "momentum-dynamics reproduce --full",
            "protocol": asdict(protocol),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("numpy", "autograd")},
            },
            "machine": f"{platform.machine()}, {platform.system()}",
        },
        settings=protocol.settings,
        samples=np.array([done[setting, 0]["samples"] for setting in protocol.settings]),
        **{
            name: np.array([joined(setting, name) for setting in protocol.settings])
            for name in MEASURES
        },
    )


@cache
def recorded_rings() -> RingResults:
    """The results of the full runs as they are committed."""
    return RingResults.load(RECORD)
