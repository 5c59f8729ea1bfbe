"""What settings of tuners may be, and what YellowFin's two presets make of those not given."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError
from momentum_dynamics.inputs import require_counts

__all__ = [
    "BY_PRESET",
    "as_float",
    "check_number",
    "check_switch",
    "check_word",
    "settled",
]


class _ByPreset:
    """In place of a setting that may be None, for None leaves out what it is about."""

    def __repr__(self) -> str:
        """As `help` shows the default."""
        return "by preset"


BY_PRESET = _ByPreset()
"""The default of a setting that the preset decides on."""

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

    Not given are None, and `BY_PRESET` where None means that something is left out.

    Raises
    ------
    DomainError
        If one is not admissible.
    """
    check_word("preset", given["preset"], _WORDS["preset"])
    defaults = _PRESETS[given["preset"]]
    for name, value in given.items():
        missing = value is (BY_PRESET if name in _OPTIONAL else None)
        chosen = defaults[name] if missing and name in defaults else value
        if name in _WORDS:
            check_word(name, chosen, _WORDS[name])
        elif name in _SWITCHES:
            chosen = check_switch(name, chosen)
        elif name == "window":
            require_counts(window=chosen)
            chosen = int(chosen)
        elif not (name in _OPTIONAL and chosen is None):
            chosen = check_number(name, chosen, *_RANGES[name])
        yield name, chosen


def check_word(name: str, value: Any, words: Sequence[str]) -> str:
    """One of some words, or a `DomainError` that lists them."""
    if not (isinstance(value, str) and value in words):
        raise DomainError(f"{name} is {value!r}, but must be one of {', '.join(words)}.")
    return value


def check_switch(name: str, value: Any) -> bool:
    """True or False, or a `DomainError`."""
    if not isinstance(value, bool | np.bool_):
        raise DomainError(f"{name} is {value!r}, but must be True or False.")
    return bool(value)


def check_number(
    name: str, value: Any, low: float, high: float, *, open_low: bool = False
) -> float:
    """A number from low on, or above it, and below high; or a `DomainError` with the interval."""
    number, is_open = as_float(value), open_low or low == -math.inf
    if not (math.isfinite(number) and low <= number < high and not (open_low and number == low)):
        ends = f"{'(' if is_open else '['}{low:g}, {high:g})".replace("inf", "∞")
        raise DomainError(f"{name} is {value!r}, but must be a number in {ends}.")
    return number


def as_float(value: Any) -> float:
    """The number, NaN for what is none."""
    if isinstance(value, bool | str):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
