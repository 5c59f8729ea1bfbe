"""What a figure is: computing gives frozen data, drawing only draws."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from momentum_dynamics.claims import Citation
from momentum_dynamics.errors import UnknownNameError

__all__ = ["Figure", "data_arrays", "number"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Figure:
    """A picture of the theory, with its source and its data.

    Attributes
    ----------
    slug, title : str
    source : Citation
        The paper whose result or picture this is; its key is the folder of the gallery.
    claims : tuple of str
        Slugs of the claims it shows.
    compute : callable
        ``compute(**parameters)`` gives a frozen dataclass of arrays, numbers and strings.
    draw : callable
        ``draw(data, axes)`` draws on what `panels` asks for: one axes, an array of them, or a
        dictionary.
    caption : callable
        ``caption(data)`` states what is seen, with its numbers taken from the data.
    panels : (int, int) or str
        Rows and columns of axes, or a mosaic: one line a row, one letter a panel.
    size : (float, float)
        Width and height in inches.
    quick : mapping
        Parameters for a fast, coarse version.
    remark : str
        What differs from the source's picture.
    """

    slug: str
    title: str
    source: Citation
    claims: tuple[str, ...]
    compute: Callable[..., Any]
    draw: Callable[[Any, Any], None]
    caption: Callable[[Any], str]
    panels: tuple[int, int] | str = (1, 1)
    size: tuple[float, float] = (6.4, 4.0)
    quick: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def __repr__(self) -> str:
        """One line."""
        return f"<Figure {self.slug}: {self.title}>"

    @property
    def parameters(self) -> dict[str, Any]:
        """What can be set, with the defaults."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.compute).parameters.items()
        }

    def data(self, **parameters: Any) -> Any:
        """Compute with some parameters changed.

        Raises
        ------
        UnknownNameError
            If the figure has no such parameter.
        """
        for name in parameters:
            if name not in self.parameters:
                raise UnknownNameError.among(f"parameter of {self.slug}", name, self.parameters)
        return self.compute(**parameters)

    def render(self, data: Any) -> Any:
        """Draw data in the house style and return the Matplotlib figure."""
        from momentum_dynamics.figures.style import new_figure, styled

        with styled():
            picture, axes = new_figure(self.panels, self.size)
            self.draw(data, axes[0, 0] if self.panels == (1, 1) else axes)
        return picture


def number(value: float, digits: int = 6) -> str:
    """A number as it stands in a sentence: a true minus, powers of ten written out.

    Examples
    --------
    >>> number(-0.5), number(3.2e-05, 1), number(20000)
    ('−0.5', '3·10⁻⁵', '20,000')
    """
    mantissa, _, power = f"{value:,.{digits}g}".partition("e")
    if power:
        mantissa += f"·10{str(int(power)).translate(_RAISED)}"
    return mantissa.replace("-", "−")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def data_arrays(data: Any) -> dict[str, Any]:
    """A figure's data by field, every value an array."""
    return {item.name: np.asarray(getattr(data, item.name)) for item in dataclasses.fields(data)}
