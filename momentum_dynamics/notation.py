"""The glossary: every quantity's one name, its symbol, its range and what it means.

Signatures, fields, options and axis labels of the package all take their names from here, and
`record`, the decorator of methods and delays, checks fields against it.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, dataclass_transform

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    import sympy

__all__ = [
    "GLOSSARY",
    "Quantity",
    "Range",
    "Scalar",
    "is_switch",
    "is_symbolic",
    "quantities",
    "record",
    "require_fitting_axes",
    "symbol",
]

Scalar: TypeAlias = Any
"""A float, an array of batch axes, a Fraction, an mpmath interval or a SymPy expression."""

_Class = TypeVar("_Class", bound=type)


@dataclass(frozen=True)
class Range:
    """An interval of the real line, as data: check, message and test are made from it."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __str__(self) -> str:
        """Write the interval as in a textbook."""
        left = "(" if self.low_open or np.isinf(self.low) else "["
        right = ")" if self.high_open or np.isinf(self.high) else "]"
        return f"{left}{_end(self.low)}, {_end(self.high)}{right}"

    def holds(self, value: Scalar) -> bool:
        """Say whether every number of `value` lies inside."""
        array = np.asarray(value, dtype=float)
        above = array > self.low if self.low_open else array >= self.low
        below = array < self.high if self.high_open else array <= self.high
        return bool(np.all(above & below))


def _end(value: float) -> str:
    return {np.inf: "∞", -np.inf: "−∞"}.get(value, f"{value:g}")


POSITIVE = Range(0, np.inf, low_open=True, high_open=True)
NONNEGATIVE = Range(0, np.inf, high_open=True)
REAL = Range(-np.inf, np.inf, low_open=True, high_open=True)
FROM_ONE = Range(1, np.inf, high_open=True)
ABOVE_ONE = Range(1, np.inf, low_open=True, high_open=True)
OPEN_UNIT = Range(0, 1, low_open=True, high_open=True)
OPEN_BELOW_ONE = Range(0, 1, high_open=True)
BELOW_HALF = Range(0, 0.5, high_open=True)


@dataclass(frozen=True)
class Quantity:
    """One entry of the glossary."""

    name: str
    latex: str
    meaning: str
    range: Range = REAL
    integer: bool = False

    @property
    def label(self) -> str:
        """The axis label: the words, then the symbol."""
        return f"{self.name.replace('_', ' ')} ${self.latex}$"

    @property
    def symbol(self) -> sympy.Symbol:
        """The SymPy symbol, with the assumptions that the range carries."""
        return symbol(self.name)

    def check(self, value: Scalar) -> None:
        """Raise `DomainError` unless every number of `value` is in the range."""
        if is_symbolic(value):
            return
        try:
            fine = self.range.holds(value) and not (self.integer and np.any(np.mod(value, 1)))
        except (TypeError, ValueError):
            fine = False
        if not fine:
            kind = "be a whole number" if self.integer else "lie"
            raise DomainError(
                f"{self.name} is {_shown(value)}, but must {kind} in {self.range}: {self.meaning}."
            )


def _shown(value: Scalar) -> str:
    if np.ndim(value) == 0:
        return repr(value) if isinstance(value, str) else str(value)
    return f"an array from {np.min(value)} to {np.max(value)}"


_ENTRIES = (
    Quantity("learning_rate", r"\alpha", "the factor of the gradient in one update"),
    Quantity("momentum", r"\beta", "the share of the last displacement that is kept"),
    Quantity("lookahead", r"\gamma", "how far along the last displacement the gradient is asked"),
    Quantity("discount", r"\nu", "the weight of the averaged against the plain gradient"),
    Quantity("extrapolation", r"\delta", "how far along the last displacement the answer lies"),
    Quantity(
        "effective_learning_rate",
        r"\alpha_{e}",
        "the displacement per step that a constant unit gradient causes in the long run",
    ),
    Quantity("earlier_learning_rate", r"\alpha_{-}", "the learning rate of the step before"),
    Quantity("dampening", r"\theta", "the share of each gradient that the velocity leaves out"),
    Quantity("robustness", r"\lambda", "0 is the fastest and 1 the most robust", Range(0, 1)),
    Quantity("compensation", r"\lambda_c", "the share of the motion since that is corrected for"),
    Quantity("phase", r"\varphi", "the angle of complex momentum, in radians"),
    Quantity("curvature", "h", "an eigenvalue of the Hessian, or of a game's Jacobian"),
    Quantity("smallest_curvature", r"h_{\min}", "the low end of the spectrum", POSITIVE),
    Quantity("largest_curvature", r"h_{\max}", "the high end of the spectrum", POSITIVE),
    Quantity("condition_number", r"\kappa", "largest over smallest curvature", FROM_ONE),
    Quantity("noise_variance", r"\sigma^2", "the variance of gradient noise", NONNEGATIVE),
    Quantity(
        "curvature_variance", r"\tau^2", "the variance of the curvature of a gradient", NONNEGATIVE
    ),
    Quantity("dimension", "n", "how many coordinates a point has", POSITIVE, integer=True),
    Quantity("frequency", r"\omega", "an angle per step, in radians"),
    Quantity("variance", "v", "the variance of the data behind a Marchenko-Pastur law", POSITIVE),
    Quantity("aspect_ratio", "r", "features over samples of a data matrix", OPEN_UNIT),
    Quantity("workers", "M", "how many workers compute gradients at once", FROM_ONE),
    Quantity("total_momentum", "T", "the momentum that is meant in all, explicit and implicit"),
    Quantity("gain", r"\gamma_c", "how far feedback moves momentum for each unit of error"),
    Quantity("smoothing", r"\eta", "the share of an average that an update leaves", OPEN_BELOW_ONE),
    Quantity("trim", "q", "the share of ratios left out at each end", BELOW_HALF),
    Quantity("staleness", r"\tau", "the age of a gradient in updates", NONNEGATIVE, integer=True),
    Quantity(
        "largest", r"\tau_{\max}", "the largest staleness that occurs", NONNEGATIVE, integer=True
    ),
    Quantity("mean", "m", "the mean of a law of times or of staleness", NONNEGATIVE),
    Quantity("variation", "c", "the standard deviation of a law of times over its mean", POSITIVE),
    Quantity("shift", "t_0", "the fixed part of every service time", NONNEGATIVE),
    Quantity("shape", "k", "how many memoryless stages make one service time", POSITIVE),
    Quantity("tail", "a", "the power by which chances of long times decay", ABOVE_ONE),
    Quantity("times", "S", "measured service times", POSITIVE),
    Quantity("stages", "n", "how many geometric delays follow each other", POSITIVE),
    Quantity("speeds", r"\lambda", "how many gradients each worker computes per time", POSITIVE),
    Quantity("probabilities", "q", "the chances of staleness 0, 1, 2, …", Range(0, 1)),
    Quantity("count", "k", "how many nodes a barrier waits for", FROM_ONE, integer=True),
    Quantity("nodes", "N", "how many machines a cluster has", FROM_ONE, integer=True),
    Quantity("groups", "g", "how many groups of nodes work side by side", FROM_ONE, integer=True),
    Quantity("group_time", "t_{g}", "how long a group takes before it asks the server", POSITIVE),
    Quantity("server_time", "t_{s}", "how long the server takes for one update", POSITIVE),
    Quantity("communication", "c", "seconds for one exchange of a model", NONNEGATIVE),
    Quantity("target", r"L^{*}", "the loss that is good enough", POSITIVE),
    Quantity("floor", "V", "the settled variance that is allowed", POSITIVE),
    Quantity("by", "s", "how many updates older each gradient is", NONNEGATIVE, integer=True),
    Quantity("step", "t", "the index of an update, from 0", NONNEGATIVE, integer=True),
    Quantity("steps", "n", "a number of updates", NONNEGATIVE, integer=True),
    Quantity("updates", "T", "how many gradients the server applies", NONNEGATIVE, integer=True),
    Quantity("replicas", "R", "how many independent copies run", FROM_ONE, integer=True),
    Quantity("trace", "T", "the sum of the eigenvalues of a transition matrix"),
    Quantity("determinant", "D", "the product of the eigenvalues of a transition matrix"),
    Quantity("lead", "n_1", "the weight of the newest state in a two-slot output"),
    Quantity("lag", "n_0", "the weight of the state before in a two-slot output"),
    Quantity("eigenvalue", "z", "an eigenvalue of a transition matrix, a pole of the loop"),
    Quantity("rate", "r", "the factor by which a distance shrinks in one step", NONNEGATIVE),
    Quantity("displacement", "d", "the distance between a point and the solution", NONNEGATIVE),
    Quantity("singular_value", "s", "a coupling strength of a bilinear game", POSITIVE),
    Quantity("coupling", "c", "learning rates times singular value, squared for a round"),
    Quantity("other_momentum", r"\beta_2", "the momentum of the other player"),
    Quantity("first_player", "x_1", "where the first player stands"),
    Quantity("second_player", "x_2", "where the second player stands"),
    Quantity("pull", "a", "the real part of a complex curvature"),
    Quantity("turn", "b", "the imaginary part of a complex curvature"),
    Quantity("angle", r"\psi", "the argument of a complex curvature"),
    Quantity("slope", r"\ell", "the slope of a GAN's loss where it is undecided", POSITIVE),
    Quantity("bend", r"\ell_2", "the second derivative of a GAN's loss there"),
    Quantity("gradient_penalty", r"\gamma_1", "the weight of a GAN's regularizer", NONNEGATIVE),
    Quantity("center", "d", "the center of an ellipse of curvatures, on the real axis", POSITIVE),
    Quantity("real_half_axis", "p", "its half axis along the real axis", NONNEGATIVE),
    Quantity("imaginary_half_axis", "q", "its half axis along the imaginary axis", NONNEGATIVE),
    Quantity("real_part", "x", "the real part of learning rate times curvature"),
    Quantity("imaginary_part", "y", "the imaginary part of learning rate times curvature"),
    Quantity(
        "signal_to_noise",
        "p",
        "half the squared distance times squared curvature, over noise variance",
        NONNEGATIVE,
    ),
    Quantity("cosine", "c", "the cosine of the angle of one turn"),
    Quantity("root_momentum", "u", "the square root of momentum", Range(0, 1)),
    Quantity("root_gap", "g", "one minus the square root of momentum", Range(0, 1)),
    Quantity("safeguard", r"\varepsilon", "what keeps a measured quantity from zero", NONNEGATIVE),
    Quantity("amplification", "S", "the largest modulus that the trace can reach", NONNEGATIVE),
    Quantity("time", "t", "steps times the tick of the clock", NONNEGATIVE),
    Quantity("age", r"\vartheta", "how old gradients are on average, in updates", NONNEGATIVE),
    Quantity("tick", "d", "the time that one step takes", NONNEGATIVE),
    Quantity("friction", "a", "the force against a velocity, in continuous time", NONNEGATIVE),
    Quantity(
        "vanishing_friction", "r", "the force against a velocity, times the time", NONNEGATIVE
    ),
    Quantity("weight", "A", "what a guarantee has gained so far, from 0", NONNEGATIVE),
    Quantity("batch_size", "B", "how many samples one gradient sees", FROM_ONE, integer=True),
    Quantity("samples", "N_s", "how many samples the data hold", FROM_ONE, integer=True),
    Quantity("ascent", "g", "minus a negative curvature, at a saddle", POSITIVE),
    Quantity("scaled_gap", "c", "one minus momentum, over the root of αg", NONNEGATIVE),
    Quantity("position", "x", "where a coordinate is, seen from a saddle"),
    Quantity("earlier_position", "x_{-}", "where it was one step before"),
    Quantity("growth", "r_{+}", "the factor by which a distance grows in one step", ABOVE_ONE),
    Quantity("amplitude", "s", "the deviation of what noise has left to grow", POSITIVE),
    Quantity("distance", r"\Delta", "how far from a saddle one has left it", POSITIVE),
)  # fmt: skip

GLOSSARY: dict[str, Quantity] = {entry.name: entry for entry in _ENTRIES}


_TYPESETTING = str.maketrans("", "", "\\{}")
"""What LaTeX needs and a symbol's name does not: SymPy finds sub- and superscripts itself."""


@cache
def symbol(name: str) -> sympy.Symbol:
    """The SymPy symbol of a quantity: pass it as a field and answers come out symbolic.

    Parameters
    ----------
    name : str
        A name of the glossary, such as ``"momentum"``.

    Returns
    -------
    sympy.Symbol
        Real; positive, nonnegative or integer where the glossary says so.

    Raises
    ------
    UnknownNameError
        If the glossary has no such entry.

    Examples
    --------
    >>> symbol("learning_rate")
    alpha
    """
    import sympy

    if name not in GLOSSARY:
        letters = {entry.latex.translate(_TYPESETTING): entry.name for entry in _ENTRIES}
        if name in letters:
            raise UnknownNameError(
                f"The glossary goes by names: for {name} ask symbol({letters[name]!r})."
            )
        raise UnknownNameError.among("quantity", name, GLOSSARY)
    entry = GLOSSARY[name]
    assumptions: dict[str, bool] = {"real": True}
    if entry.range.low >= 0:
        assumptions[
            "positive" if entry.range.low > 0 or entry.range.low_open else "nonnegative"
        ] = True
    if entry.integer:
        assumptions["integer"] = True
    return sympy.Symbol(entry.latex.translate(_TYPESETTING), **assumptions)


def is_symbolic(value: object) -> bool:
    """Say whether a value is a SymPy expression, without importing SymPy."""
    sympy_module = sys.modules.get("sympy")
    return sympy_module is not None and isinstance(value, sympy_module.Basic)


def _check_number(owner: str, name: str, value: Any) -> None:
    if is_symbolic(value):
        fine = getattr(value, "is_extended_real", None) is not False and str(value) != "nan"
    elif isinstance(value, numbers.Real):
        fine = not math.isnan(value)
    else:
        fine = _is_real_array(value)
    if not fine:
        raise DomainError(
            f"{owner}: {name} is {value!r}, but must be a real number (NaN is none), an array of "
            "at least one, or a SymPy symbol."
        )


def is_switch(field: Field[Any]) -> bool:
    """Say whether a field of a record is a switch, true or false, and no quantity."""
    return field.type in ("bool", bool)


def quantities(owner: Any) -> list[str]:
    """The names of the fields of a record, or of its class, that hold quantities.

    Examples
    --------
    >>> from momentum_dynamics import Nesterov
    >>> quantities(Nesterov)
    ['learning_rate', 'momentum']
    """
    return [field.name for field in fields(owner) if not is_switch(field)]


def _check_switch(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise DomainError(f"{owner}: {name} is {value!r}, but must be True or False.")


def _is_real_array(value: Any) -> bool:
    try:
        array = np.asarray(value)
        return array.dtype.kind in "iuf" and array.size > 0 and not bool(np.isnan(array).any())
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """A field as it is kept: sequences become arrays, NumPy's scalars Python's numbers."""
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        return value.item()
    return value


def require_fitting_axes(owner: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `ShapeError` unless batch axes broadcast.

    Parameters
    ----------
    owner : str
        Who the sentence is about.
    shapes : mapping from str to tuple of int
        The batch axes of each quantity by name.
    """
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ShapeError(
            f"{owner}: the batch axes do not broadcast, {found}; give each quantity "
            "an axis of its own, as in momentum[:, None]."
        ) from error


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
def record(cls: _Class) -> _Class:
    """Make a class an immutable record of named numbers, as all methods and delays are.

    A record is a frozen, keyword-only dataclass compared by identity. Lists become arrays, and
    NumPy's scalars Python's numbers. It rejects what is no number
    (NaN, strings); a quantity that the glossary gives a range is held to it. The range of a
    learning rate or of momentum is the whole line: instability is a subject here, no mistake.
    A field annotated ``bool`` is a switch and no quantity. The representation leaves out what has
    its default value.

    Raises
    ------
    DomainError, ShapeError
        On construction, by the class made.
    """

    def __post_init__(self: Any) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if is_switch(field):
                _check_switch(cls.__name__, field.name, value)
                continue
            _check_number(cls.__name__, field.name, value)
            if field.name in GLOSSARY:
                GLOSSARY[field.name].check(value)
            object.__setattr__(self, field.name, _plain(value))
        shapes = {field.name: np.shape(getattr(self, field.name)) for field in fields(self)}
        if any(shapes.values()):
            require_fitting_axes(cls.__name__, shapes)
            for field in fields(self):
                value = getattr(self, field.name)
                if isinstance(value, Fraction):
                    # Beside arrays a fraction would turn every result into an array of objects.
                    object.__setattr__(self, field.name, float(value))
        own = getattr(self, "check", None)
        if own is not None:
            own()

    def __repr__(self: Any) -> str:
        given = [(field.name, getattr(self, field.name), field.default) for field in fields(self)]
        shown = [f"{name}={value!r}" for name, value, default in given if value is not default]
        return f"{type(self).__name__}({', '.join(shown)})"

    members: dict[str, Any] = {"__post_init__": __post_init__, "__repr__": __repr__}
    for name, member in members.items():
        setattr(cls, name, member)
    return dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)  # type: ignore[return-value]
