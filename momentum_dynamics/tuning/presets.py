"""What YellowFin's settings may be, and what the two presets make of those not given."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError

__all__ = ["settled"]

_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "log_smoothing": False,
        "zero_debias": True,
        "slow_start": True,
        "adaptive_clip": False,
        "statistics_guard": None,
        "largest_move": None,
        "sparsity_debias": False,
        "floor": sys.float_info.min,
        "update_rule": "difference",
        "first_gradient_in_velocity": True,
    },
    "reference": {
        "log_smoothing": True,
        "zero_debias": True,
        "slow_start": True,
        "adaptive_clip": True,
        "statistics_guard": 100.0,
        "largest_move": 100.0,
        "sparsity_debias": False,
        "floor": 1e-6,
        "update_rule": "velocity",
        "first_gradient_in_velocity": False,
    },
}
_SWITCHES = (
    "log_smoothing", "zero_debias", "slow_start", "adaptive_clip", "sparsity_debias",
    "first_gradient_in_velocity",
)  # fmt: skip
_WORDS = {
    "preset": tuple(_PRESETS),
    "root": ("exact", "released"),
    "update_rule": ("difference", "velocity"),
}
_OPTIONAL = ("statistics_guard", "largest_move", "clip_norm")
_RANGES = {
    "window": (1, math.inf),
    "smoothing": (0.0, 1.0),
    "initial_learning_rate": (0.0, math.inf),
    "initial_momentum": (-math.inf, math.inf),
    "statistics_guard": (0.0, math.inf),
    "largest_move": (0.0, math.inf),
    "clip_norm": (0.0, math.inf),
    "learning_rate_factor": (0.0, math.inf),
    "weight_decay": (0.0, math.inf),
    "floor": (0.0, math.inf),
}


def settled(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings of a tuner by name, those not given as the preset has them.

    What may be left out altogether is not given as ``...``, for None means that it is left out.

    Raises
    ------
    DomainError
        If one is not admissible.
    """
    _check_word("preset", given["preset"])
    defaults = _PRESETS[given["preset"]]
    for name, value in given.items():
        missing = value is (... if name in _OPTIONAL else None)
        chosen = defaults[name] if missing and name in defaults else value
        if name in _WORDS:
            _check_word(name, chosen)
        elif name in _SWITCHES:
            if not isinstance(chosen, bool | np.bool_):
                raise DomainError(f"{name} is {chosen!r}, but must be True or False.")
            chosen = bool(chosen)
        elif not (name in _OPTIONAL and chosen is None):
            chosen = _number(name, chosen, *_RANGES[name])
        if name == "window":
            if chosen != int(chosen):
                raise DomainError(f"window is {value!r}, but must be a whole number from 1 on.")
            chosen = int(chosen)
        yield name, chosen


def _check_word(name: str, value: Any) -> None:
    if value not in _WORDS[name]:
        raise DomainError(f"{name} is {value!r}, but must be one of {', '.join(_WORDS[name])}.")


def _number(name: str, value: Any, low: float, high: float) -> float:
    ends = f"{'(' if low == -math.inf else '['}{low:g}, {high:g})".replace("inf", "∞")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool | str) or not (math.isfinite(number) and low <= number < high):
        raise DomainError(f"{name} is {value!r}, but must be a number in {ends}.")
    return number
