"""Reading a user's data, and the real data sets that need no download."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import MomentumDynamicsError, UnknownNameError

__all__ = ["SHIPPED", "DataError", "NamedData", "named_data", "read_data"]

Array = NDArray[np.float64]


class DataError(MomentumDynamicsError, ValueError):
    """A file that cannot be read as features and a target."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedData:
    """Features, a target and what they are called.

    Attributes
    ----------
    X : array ``(samples, features)``
    y : array ``(samples,)``
    features : tuple of str
    target : str
    name : str
    """

    X: Array
    y: Array
    features: tuple[str, ...]
    target: str
    name: str

    def standardized(self) -> NamedData:
        """The same data, every column and the target at mean 0 and variance 1.

        A constant column becomes zero. Shifting takes the place of an intercept, scaling brings all
        columns to one unit, which often lowers the condition number by orders of magnitude.

        Examples
        --------
        >>> data = NamedData(
        ...     X=np.array([[1.0, 5.0], [3.0, 5.0]]), y=np.array([0.0, 8.0]),
        ...     features=("a", "b"), target="c", name="example",
        ... )
        >>> data.standardized().X
        array([[-1.,  0.],
               [ 1.,  0.]])
        """
        return replace(self, X=_standardized(self.X), y=_standardized(self.y))


def _standardized(columns: Array) -> Array:
    size = np.abs(columns).max(axis=0)
    # Only numbers whose squares would overflow or vanish are brought to one first.
    extreme = (size > 1 / _SMALL) | ((size > 0) & (size < _SMALL))
    columns = columns / np.where(extreme, size, 1.0)
    spread = columns.std(axis=0)
    constant = spread <= _ROUNDING * np.abs(columns).max(axis=0)
    shifted = np.where(constant, 0.0, columns - columns.mean(axis=0))
    return np.asarray(shifted / np.where(constant, 1.0, spread))


_SMALL = 1e-100

_ROUNDING = 1e-14
"""A spread below this share of a column is rounding of its mean."""


def read_data(
    path: str | Path, target: str | None = None, *, drop: Sequence[str] = ()
) -> NamedData:
    r"""Read features and a target from a table with a header, or an ``.npz`` with X and y.

    Parameters
    ----------
    path : path
        ``.npz`` holds arrays ``X`` and ``y``; anything else is read as text in UTF-8, its columns
        separated by commas, semicolons or tabs.
    target : str, optional
        The column to predict; needed for text.
    drop : sequence of str
        Columns to leave out. All others are features, as they are.

    Returns
    -------
    NamedData

    Raises
    ------
    DataError
        In one sentence, if the file is missing, empty or ragged, a column is no number, an entry
        is missing or not finite, there is one row only, or the target is not there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "houses.csv"
    ...     _ = file.write_text("rooms,age,price\n3,10,200\n4,5,320\n")
    ...     data = read_data(file, target="price")
    >>> data.features, data.y
    (('rooms', 'age'), array([200., 320.]))
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise DataError(f"{file} is a folder; give the path of a .csv or .npz file.")
        if not file.exists():
            raise DataError(f"{file} does not exist; give the path of a .csv or .npz file.")
        if file.suffix.lower() == ".npz":
            return _read_npz(file, target, drop)
        with file.open(newline="", encoding="utf-8-sig") as stream:
            return _read_table(file, stream, target, drop)
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text in UTF-8; save it again as 'CSV UTF-8'.") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error


def _read_table(
    file: Path, stream: Iterable[str], target: str | None, drop: Sequence[str]
) -> NamedData:
    lines = _records(file, stream)
    _, header = next(lines, (0, []))
    header = [cell.strip() for cell in header]
    _check_header(file, header, target)
    if target is None:
        raise DataError(f"No target column was named; choose one of: {_shown(header)}.")
    for name in (target, *drop):
        if name not in header:
            raise DataError(str(UnknownNameError.among("column", name, header)))
    if target in drop:
        raise DataError(f"Column {target!r} is the target and cannot be dropped as well.")
    kept = [index for index, name in enumerate(header) if name not in drop]
    if len(kept) < 2:
        raise DataError(f"{file} has no column beside the target; it needs at least one feature.")
    numbers = array("d")
    for line, row in lines:
        if len(row) != len(header):
            raise DataError(
                f"{file}, line {line}: {_counted(len(row), 'entry', 'entries')}, but the header "
                f"names {len(header)} columns; complete or remove the line."
            )
        for index in kept:
            cell = row[index]
            try:
                value = float(cell)
            except ValueError:
                value = np.nan
            if not -np.inf < value < np.inf or "_" in cell:
                raise DataError(f"{file}, line {line}: {_complaint(header[index], cell.strip())}")
            numbers.append(value)
    table = np.array(numbers).reshape(-1, len(kept))
    if len(table) < 2:
        raise DataError(
            f"{file} has {_counted(len(table), 'row')} below its header; least squares needs at "
            "least two."
        )
    names = [header[index] for index in kept]
    chosen = names.index(target)
    return NamedData(
        X=np.delete(table, chosen, axis=1),
        y=table[:, chosen].copy(),
        features=(*names[:chosen], *names[chosen + 1 :]),
        target=target,
        name=file.name,
    )


def _records(file: Path, stream: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells of all rows that are not blank; the first row tells the separator."""
    lines = iter(stream)
    blank = 0
    first = ""
    for first in lines:
        if first.strip():
            break
        blank += 1
    unquoted = re.sub(r'"[^"]*"', "", first)
    separator = max(",;\t", key=unquoted.count)
    reader = csv.reader(chain([first], lines), delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield blank + reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"{file}, line {blank + reader.line_num} cannot be read as a table: {error}."
        ) from error


def _check_header(file: Path, header: Sequence[str], target: str | None) -> None:
    if not header:
        raise DataError(f"{file} is empty; it needs a header line and at least two rows.")
    if target not in header and all(_is_number(cell) for cell in header):
        raise DataError(f"{file} has no header line; name the columns in its first line.")
    if "" in header:
        raise DataError(
            f"{file}: column {header.index('') + 1} has no name; name it, or leave it out if it "
            "numbers the rows (pandas: to_csv(…, index=False))."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{file} has two columns called {twice[0]!r}; rename one of them.")
    if len(header) == 1:
        raise DataError(
            f"{file} has one column only, {_short(header[0])}; separate columns by commas, "
            "semicolons or tabs."
        )


_MISSING = frozenset({"-", "--", ".", "?", "#n/a", "n/a", "na", "nan", "none", "null"})


def _complaint(name: str, cell: str) -> str:
    """What is wrong with an entry, and what to do about it."""
    if not cell or cell.lower().lstrip("+-") in _MISSING or cell in _MISSING:
        what = f"is {_short(cell)}" if cell else "is empty"
        return f"column {name!r} {what}; fill in or drop rows with missing entries first."
    if _is_number(cell) and "_" not in cell:
        return f"column {name!r} is {cell}, which is not finite; drop or correct such rows first."
    if re.fullmatch(r"[-+]?[\d.,' _\u00a0\u202f]*\d(e[-+]?\d+)?", cell, re.IGNORECASE):
        return (
            f"column {name!r} is {_short(cell)}; write numbers with a decimal point and no "
            "thousands separators."
        )
    return (
        f"column {name!r} is {_short(cell)}, which is no number; leave it out (--drop "
        f"{name!r}) or encode it as numbers."
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _shown(names: Sequence[str]) -> str:
    few = ", ".join(names[:8])
    return few + (f", … ({len(names)} in all)" if len(names) > 8 else "")


def _read_npz(file: Path, target: str | None, drop: Sequence[str]) -> NamedData:
    if drop or target not in {None, "y"}:
        raise DataError(
            f"{file} has no named columns: its features are the array X and its target is y; leave "
            f"{'--drop' if drop else 'the target'} out."
        )
    names, arrays = _load_arrays(file)
    for name in ("X", "y"):
        if name not in arrays:
            raise DataError(
                f"{file} holds {_shown(names) or 'nothing'}, but no {name}; save it with "
                "numpy.savez(path, X=X, y=y)."
            )
        if arrays[name].dtype.kind not in "biuf":
            raise DataError(
                f"{file}: {name} holds {arrays[name].dtype} entries; save real numbers."
            )
    data, goal = (np.asarray(arrays[name], dtype=float) for name in ("X", "y"))
    if goal.ndim == 2 and goal.shape[1] == 1:
        goal = goal[:, 0]
    if data.ndim != 2 or goal.ndim != 1 or len(data) != len(goal) or data.shape[1] == 0:
        raise DataError(
            f"{file}: X has shape {data.shape} and y {goal.shape}; they must be (samples, "
            "features) and (samples,)."
        )
    if len(data) < 2:
        raise DataError(
            f"{file} has {_counted(len(data), 'row')}; least squares needs at least two."
        )
    for name, values in (("X", data), ("y", goal)):
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise DataError(
                f"{file}: {name}{place} is {values[tuple(place)]}; drop or fill such rows first."
            )
    return NamedData(
        X=data,
        y=goal,
        features=tuple(f"x{index}" for index in range(data.shape[1])),
        target="y",
        name=file.name,
    )


def _load_arrays(file: Path) -> tuple[list[str], dict[str, NDArray[np.generic]]]:
    """All names in an archive, and what it holds under X and y."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = sorted(archive)
            return names, {name: archive[name] for name in names if name in {"X", "y"}}
    except OSError:
        raise
    except Exception as error:  # NumPy raises a dozen kinds on broken archives.
        raise DataError(
            f"{file} is not an archive of numeric arrays; save it with numpy.savez(path, X=X, y=y)."
        ) from error


SHIPPED = {
    "diabetes": "load_diabetes",
    "wine": "load_wine",
    "breast-cancer": "load_breast_cancer",
}
"""Data sets of scikit-learn by their name here."""


def named_data(name: str) -> NamedData:
    """A real data set that scikit-learn ships, features and target standardized.

    Parameters
    ----------
    name : {"diabetes", "wine", "breast-cancer"}

    Returns
    -------
    NamedData

    Raises
    ------
    UnknownNameError
        If there is no such data set.
    DataError
        If scikit-learn is not installed.

    Examples
    --------
    >>> named_data("diabetes").X.shape
    (442, 10)
    """
    if name not in SHIPPED:
        raise UnknownNameError.among("data set", name, SHIPPED)
    try:
        from sklearn import datasets
    except ImportError as error:
        raise DataError(
            "The shipped data sets come with scikit-learn; "
            "pip install 'momentum-dynamics[reproduce]'."
        ) from error
    loaded = getattr(datasets, SHIPPED[name])()
    data, goal = np.asarray(loaded.data, dtype=float), np.asarray(loaded.target, dtype=float)
    features = tuple(str(feature) for feature in loaded.feature_names)
    return NamedData(X=data, y=goal, features=features, target="target", name=name).standardized()
