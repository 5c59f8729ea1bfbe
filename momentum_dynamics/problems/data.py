"""Reading a user's data, and the real data sets that need no download."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, MomentumDynamicsError, UnknownNameError

__all__ = ["DataError", "NamedData", "named_data", "read_data"]


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

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    features: tuple[str, ...]
    target: str
    name: str


def read_data(path: str | Path, target: str | None = None) -> NamedData:
    """Read features and a target from a CSV file with a header, or an ``.npz`` with X and y.

    Parameters
    ----------
    path : path
        ``.npz`` holds arrays ``X`` and ``y``; anything else is read as comma-separated text.
    target : str, optional
        The column to predict; needed for CSV. All other columns are features, as they are.

    Returns
    -------
    NamedData

    Raises
    ------
    DataError
        In one sentence, if the file is missing, empty or ragged, a column is no number, an entry
        is missing or not finite, there is one row only, or the target is not there.
    """
    file = Path(path)
    if file.is_dir() or not file.exists():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise DataError(f"{file} {what}; give the path of a .csv or .npz file.")
    if file.suffix == ".npz":
        return _read_npz(file)
    header, rows = _read_rows(file)
    if target is None:
        raise DataError(f"No target was named; choose one with --target: {_shown(header)}.")
    if target not in header:
        raise DataError(str(UnknownNameError.among("column", target, header)))
    if len(header) < 2:  # noqa: PLR2004
        raise DataError(f"{file} has the target column only; it needs at least one feature.")
    table = np.array([_numbers(file, header, row, line) for line, row in rows])
    chosen = header.index(target)
    return NamedData(
        X=np.delete(table, chosen, axis=1),
        y=table[:, chosen],
        features=tuple(name for name in header if name != target),
        target=target,
        name=file.name,
    )


def _read_rows(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{file} cannot be read as comma-separated text in UTF-8; export it as CSV."
        ) from error
    except OSError as error:
        raise DataError(f"{file} cannot be opened: {error.strerror}.") from error
    if not lines:
        raise DataError(f"{file} is empty; it needs a header line and at least two rows.")
    header = [cell.strip() for cell in lines[0][1]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{file} has two columns called {twice[0]!r}; rename one of them.")
    if len(header) == 1 and ";" in header[0]:
        raise DataError(f"{file} is separated by semicolons; export it with commas.")
    if all(_is_number(cell) for cell in header):
        raise DataError(f"{file} has no header line; name the columns in its first line.")
    if len(lines) < 3:  # noqa: PLR2004
        raise DataError(
            f"{file} has {len(lines) - 1} row{'s' if len(lines) == 1 else ''} below its header; "
            "least squares needs at least two."
        )
    return header, lines[1:]


def _numbers(file: Path, header: Sequence[str], row: Sequence[str], line: int) -> list[float]:
    if len(row) != len(header):
        raise DataError(
            f"{file}, line {line}: {len(row)} entries, but the header names {len(header)}."
        )
    values = []
    for name, cell in zip(header, row, strict=True):
        if not _is_number(cell):
            what = "is empty" if not cell.strip() else f"is {cell.strip()!r}, which is no number"
            raise DataError(
                f"{file}, line {line}: column {name!r} {what}; drop the column or encode it as numbers."
            )
        value = float(cell)
        if not np.isfinite(value):
            raise DataError(
                f"{file}, line {line}: column {name!r} is {cell.strip()}; drop or fill such rows first."
            )
        values.append(value)
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shown(names: Sequence[str]) -> str:
    few = ", ".join(names[:8])
    return few + (f", … ({len(names)} in all)" if len(names) > 8 else "")  # noqa: PLR2004


def _read_npz(file: Path) -> NamedData:
    try:
        with np.load(file, allow_pickle=False) as archive:
            missing = [name for name in ("X", "y") if name not in archive]
            if missing:
                raise DataError(
                    f"{file} holds {_shown(sorted(archive)) or 'nothing'}, but no {missing[0]}; save "
                    "it with numpy.savez(path, X=X, y=y)."
                )
            data, goal = (np.asarray(archive[name], dtype=float) for name in ("X", "y"))
    except DataError:
        raise
    except Exception as error:  # numpy raises a dozen kinds on broken archives
        raise DataError(
            f"{file} is not an archive of numeric arrays; save it with numpy.savez(path, X=X, y=y)."
        ) from error
    if data.ndim != 2 or goal.ndim != 1 or len(data) != len(goal):  # noqa: PLR2004
        raise DataError(
            f"{file}: X has shape {data.shape} and y {goal.shape}; they must be (samples, features) "
            "and (samples,)."
        )
    return NamedData(
        X=data, y=goal, features=tuple(f"x{i}" for i in range(data.shape[1])), target="y", name=file.name
    )


_SHIPPED = {"diabetes": "load_diabetes", "wine": "load_wine", "breast-cancer": "load_breast_cancer"}


def named_data(name: str) -> NamedData:
    """A real data set that scikit-learn ships, features and target standardized.

    Parameters
    ----------
    name : {"diabetes", "wine", "breast-cancer"}

    Raises
    ------
    UnknownNameError
        If there is no such data set.
    DomainError
        If scikit-learn is not installed.
    """
    if name not in _SHIPPED:
        raise UnknownNameError.among("data set", name, _SHIPPED)
    try:
        from sklearn import datasets  # noqa: PLC0415
    except ImportError as error:
        raise DomainError(
            "The shipped data sets come with scikit-learn; pip install 'momentum-dynamics[reproduce]'."
        ) from error
    loaded = getattr(datasets, _SHIPPED[name])()
    data, goal = np.asarray(loaded.data, dtype=float), np.asarray(loaded.target, dtype=float)
    return NamedData(
        X=(data - data.mean(axis=0)) / data.std(axis=0),
        y=(goal - goal.mean()) / goal.std(),
        features=tuple(str(feature) for feature in loaded.feature_names),
        target="target",
        name=name,
    )
