"""For notebooks: sliders that set a target and a cluster's server, and the best groups follow."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Deterministic
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures.base import number
from momentum_dynamics.figures.interactive import needed_ipywidgets, png
from momentum_dynamics.figures.style import COLORS, GRAY, label, new_figure, styled
from momentum_dynamics.laws import systems as laws
from momentum_dynamics.systems import Cluster, hardware_efficiency

__all__ = ["GroupExplorer", "GroupView", "group_explorer", "group_view"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupView:
    """Seconds per update, price of staleness and their product, against the number of groups.

    Attributes
    ----------
    groups : int array
        Powers of two up to all nodes.
    pace : float array
        Seconds per update.
    price : float array
        Updates over those of one group, `statistical_efficiency`.
    best : int
        The number of groups with the least product.
    """

    groups: NDArray[np.int64]
    pace: Array
    price: Array

    @property
    def time(self) -> Array:
        """Seconds, in units of one group's updates."""
        return self.pace * self.price

    @property
    def best(self) -> int:
        return int(self.groups[self.time.argmin()])

    @property
    def words(self) -> str:
        """One line."""
        gain = self.time[0] / self.time.min()
        return (
            f"best groups {self.best}: {gain:.2f} times as fast as one group, "
            f"{self.time[-1] / self.time.min():.2f} times as fast as {self.groups[-1]} groups"
        )


def group_view(cluster: Cluster, floor: float) -> GroupView:
    """How many groups a cluster of fixed times should form for a noise floor, in closed form.

    Gradient descent on curvature 1 with noise of variance 1, and groups taken as memoryless where
    staleness is concerned: what the laws of `laws.systems` say, and no more.

    Parameters
    ----------
    cluster : Cluster
        Whose nodes split a batch.
    floor : float
        The variance to settle at, in units of σ²/h².

    Returns
    -------
    GroupView

    Raises
    ------
    DomainError
        If the nodes do not split a batch, so that the noise would differ between groups.

    Examples
    --------
    >>> cluster = Cluster(
    ...     nodes=32, service=Deterministic(mean=32), server=0.35, shares_batch=True
    ... )
    >>> [group_view(cluster, floor).best for floor in (0.3, 0.03, 0.003)]
    [1, 2, 8]
    """
    if not cluster.shares_batch:
        raise DomainError(
            "The nodes of this cluster have a batch each, so that noise differs between numbers of "
            "groups; set shares_batch=True."
        )
    groups = 2 ** np.arange(cluster.nodes.bit_length())
    pace = [hardware_efficiency(cluster, int(count)).seconds for count in groups]
    price = laws.statistical_efficiency(floor, 1.0, 1.0, groups.astype(float))
    return GroupView(groups=groups, pace=np.array(pace), price=np.asarray(price))


class GroupExplorer:
    """Two sliders, a line of text, and a picture of the two efficiencies that follows them.

    Attributes
    ----------
    floor : ipywidgets.FloatLogSlider
    server : ipywidgets.FloatSlider
        Seconds of the server for one update.
    readout : ipywidgets.Label
        Begins with ``best groups`` and their number.
    picture : ipywidgets.Image
    widget : ipywidgets.VBox
    """

    def __init__(self, *, nodes: int, batch: float, communication: float) -> None:
        widgets = needed_ipywidgets()
        self.nodes, self.batch, self.communication = nodes, batch, communication
        wide = {"description_width": "11em"}
        self.floor = widgets.FloatLogSlider(
            value=0.03, base=10, min=-4, max=0, step=0.05, readout_format=".2g", style=wide,
            continuous_update=False, description="floor to settle at", layout={"width": "32em"},
        )  # fmt: skip
        self.server = widgets.FloatSlider(
            value=0.35, min=0.0, max=4.0, step=0.05, readout_format=".2f", style=wide,
            continuous_update=False, description="seconds at the server", layout={"width": "32em"},
        )  # fmt: skip
        self.readout = widgets.Label()
        self.picture = widgets.Image(format="png", width=f"{round(100 * _WIDE)}")
        self._redraw()
        for slider in (self.floor, self.server):
            slider.observe(self._redraw, names="value")
        self.widget = widgets.VBox([self.floor, self.server, self.readout, self.picture])

    def _redraw(self, _: Any = None) -> None:
        cluster = Cluster(
            nodes=self.nodes, service=Deterministic(mean=self.batch), server=self.server.value,
            communication=self.communication, shares_batch=True,
        )  # fmt: skip
        view = group_view(cluster, self.floor.value)
        self.readout.value = view.words
        with styled():
            picture, axes = new_figure((1, 3), (_WIDE, 2.9))
            _draw(view, axes[0], self.floor.value)
        self.picture.value = png(picture)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and for readers without a kernel the picture and the text."""
        live: dict[str, Any] = self.widget._repr_mimebundle_()
        encoded = base64.b64encode(self.picture.value).decode("ascii")
        still = {"image/png": encoded, "text/plain": self.readout.value}
        return {**live, **still}, {"image/png": {"width": round(100 * _WIDE)}}


_WIDE = 10.4


def _draw(view: GroupView, axes: Any, floor: float) -> None:
    panels = (
        (view.pace / view.pace[0], "relative seconds per update"),
        (view.price, "relative updates"),
        (view.time / view.time.min(), "time, over the best"),
    )
    for ax, (values, text) in zip(axes, panels, strict=True):
        ax.axhline(1, color=GRAY, linewidth=0.8)
        ax.plot(view.groups, values, "o-", color=COLORS[0], markersize=4)
        ax.set(xlabel=label("groups"), ylabel=text, xscale="log")
        ax.set(xticks=view.groups, xticklabels=[f"{count}" for count in view.groups])
        ax.minorticks_off()
    axes[2].plot([view.best], [1], "o", color=COLORS[1], markersize=8)
    axes[1].set_title(f"floor {number(floor, 2)}")
    axes[2].set_title(f"best: {view.best}")


def group_explorer(
    *, nodes: int = 32, batch: float = 32.0, communication: float = 0.02
) -> GroupExplorer:
    """Sliders for the floor and for the server, and how many groups are best.

    Parameters
    ----------
    nodes : int
        That split a batch.
    batch : float
        Seconds that one node would take for it.
    communication : float
        Seconds of one exchange.

    Returns
    -------
    GroupExplorer

    Raises
    ------
    DomainError
        If ipywidgets is not installed, or a number is not admissible.
    """
    return GroupExplorer(nodes=nodes, batch=batch, communication=communication)
