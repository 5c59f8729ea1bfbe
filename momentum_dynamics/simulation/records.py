"""Runs that take long: they go on after a kill, and what they find is kept with its origin."""

from __future__ import annotations

import io
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from momentum_dynamics import __version__
from momentum_dynamics.errors import MomentumDynamicsError
from momentum_dynamics.inputs import require_counts
from momentum_dynamics.processes import results_of

__all__ = [
    "append_entries",
    "origin",
    "read_entries",
    "read_record",
    "run_units",
    "write_record",
]


def write_record(path: Path, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write arrays, and what is to be said about them, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


def read_record(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is to be said about the arrays of a record, and the arrays by name.

    Raises
    ------
    MomentumDynamicsError
        If there is no such file.
    """
    if not path.exists():
        raise MomentumDynamicsError(
            f"There are no results in {path}; `momentum-dynamics reproduce --full` makes them."
        )
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    about: dict[str, Any] = json.loads(str(arrays.pop("about")))
    return about, arrays


def origin(protocol: Mapping[str, Any], packages: Iterable[str]) -> dict[str, Any]:
    """What is to be said about a record of `reproduce --full`: the protocol, and with what."""
    versions = {"python": platform.python_version(), "momentum-dynamics": __version__}
    return {
        "made_by": "momentum-dynamics reproduce --full",
        "protocol": dict(protocol),
        "versions": versions | {name: version(name) for name in packages},
        "machine": f"{platform.machine()}, {platform.system()}",
    }


def run_units(
    units: Iterable[Any],
    work: Callable[[Any], Mapping[str, Any]],
    *,
    store: Path,
    common: Mapping[str, Any],
    jobs: int,
    watch: Callable[[Any], Any] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """Do units of work, or what is left of them, and keep each one as soon as it is done.

    Parameters
    ----------
    units : iterable of tuples
        Of numbers and texts; what distinguishes one unit from another.
    work : callable
        ``work(unit)`` gives arrays by name. With several jobs other processes call it.
    store : path
        The file of finished units, one line each, from which killed work goes on.
    common : mapping
        What all units depend on; lines with anything else are passed over.
    jobs : int
        Processes; with one all is done in this process.
    watch : callable
        Told every unit that is done now.

    Returns
    -------
    dict from str to dict from str to array
        By `json.dumps` of the unit.

    Raises
    ------
    DomainError
        If there is no job.
    """
    require_counts(jobs=jobs)
    protocol = json.dumps(common, sort_keys=True)
    done = _read(store, protocol)
    missing = [unit for unit in units if json.dumps(unit) not in done]

    for unit, found in results_of(work, missing, jobs):
        done[json.dumps(unit)] = dict(found)
        append_entries(store, [{"protocol": protocol, "unit": unit, "found": found}])
        watch(unit)
    return done


def _read(store: Path, protocol: str) -> dict[str, dict[str, Any]]:
    """The finished units of a protocol."""
    found = {}
    for entry in read_entries(store):
        try:
            if entry["protocol"] == protocol:
                arrays = {name: np.array(value) for name, value in entry["found"].items()}
                found[json.dumps(entry["unit"])] = arrays
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def read_entries(path: Path) -> Iterator[Any]:
    """What `append_entries` wrote, line by line; one that a kill cut off is passed over."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def append_entries(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """A line for each, brought to the disk; the break before them ends what a kill has cut off."""
    lines = [json.dumps(entry, default=lambda array: array.tolist()) for entry in entries]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(["", *lines, ""]))
        file.flush()
        os.fsync(file.fileno())
