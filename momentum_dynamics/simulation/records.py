"""Records of runs that take long: arrays and where they come from, in one committed file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from momentum_dynamics.errors import MomentumDynamicsError

__all__ = ["read_record", "write_record"]


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
