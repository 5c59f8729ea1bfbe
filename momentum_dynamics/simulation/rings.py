"""Momentum on a ring of Gaussians: the full runs, resumable, and the record that is kept of them.

The full runs take about ten minutes on two processors; what they found lies beside this module, so
that figures and claims are the same in every run. `reproduce --full` makes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems.rings import RingGAN
from momentum_dynamics.simulation.games import play
from momentum_dynamics.simulation.records import origin, read_record, run_units, write_record

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
    version : int
        To be raised when a run or a measure changes, so that finished ones are not taken for new.
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
    version: int = 1

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
    chosen = protocol or RingProtocol()
    done = run_units(
        [(setting, block) for block in range(chosen.blocks) for setting in chosen.settings],
        partial(_run_unit, chosen),
        store=store,
        # What one block depends on: neither which settings there are, nor how many blocks.
        common={k: v for k, v in asdict(chosen).items() if k not in {"settings", "blocks"}},
        jobs=jobs,
        watch=lambda unit: watch(unit[0]),
    )
    results = _gather(chosen, done)
    results.save(path)
    recorded_rings.cache_clear()
    return results


def _run_unit(protocol: RingProtocol, unit: tuple[Setting, int]) -> dict[str, Any]:
    return run_block(protocol, *unit)


def _gather(protocol: RingProtocol, done: Mapping[str, Mapping[str, Any]]) -> RingResults:
    def of(setting: Setting, block: int) -> Mapping[str, Any]:
        return done[json.dumps((setting, block))]

    def joined(setting: Setting, name: str) -> Array:
        blocks = [of(setting, block)[name] for block in range(protocol.blocks)]
        return np.concatenate(blocks, axis=-1)

    return RingResults(
        about=origin(asdict(protocol), ("numpy", "autograd")),
        settings=protocol.settings,
        samples=np.array([of(setting, 0)["samples"] for setting in protocol.settings]),
        **{
            name: np.array([joined(setting, name) for setting in protocol.settings])
            for name in MEASURES
        },
    )


@cache
def recorded_rings() -> RingResults:
    """The results of the full runs as they are committed."""
    return RingResults.load(RECORD)
