"""For notebooks: sliders that set a target and a cluster's server, and the best groups follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.delays import Deterministic
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures.base import number
from momentum_dynamics.figures.explorers import Explorer, new_slider
from momentum_dynamics.figures.style import COLORS, GRAY, label
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
    floor : float
        The variance to settle at.
    best : int
        The number of groups with the least product.
    """

    groups: NDArray[np.int64]
    pace: Array
    price: Array
    floor: float

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
    return GroupView(
        groups=groups, pace=np.array(pace), price=np.asarray(price), floor=float(floor)
    )


def _draw_pace(view: GroupView, ax: Any) -> None:
    _draw(view.groups, view.pace / view.pace[0], ax)
    ax.set_ylabel("relative seconds per update")


def _draw_price(view: GroupView, ax: Any) -> None:
    _draw(view.groups, view.price, ax)
    ax.set(ylabel="relative updates", title=f"floor {number(view.floor, 2)}")


def _draw_time(view: GroupView, ax: Any) -> None:
    _draw(view.groups, view.time / view.time.min(), ax)
    ax.plot([view.best], [1], "o", color=COLORS[1], markersize=8)
    ax.set(ylabel="time, over the best", title=f"best: {view.best}")


def _draw(groups: NDArray[np.int64], values: Array, ax: Any) -> None:
    ax.axhline(1, color=GRAY, linewidth=0.8)
    ax.plot(groups, values, "o-", color=COLORS[0], markersize=4)
    ax.set(xlabel=label("groups"), xscale="log")
    ax.set(xticks=groups, xticklabels=[f"{count}" for count in groups])
    ax.minorticks_off()


class GroupExplorer(Explorer):
    """The two efficiencies of a cluster and their product, for a floor and a server.

    Attributes
    ----------
    floor : ipywidgets.FloatLogSlider
    server : ipywidgets.FloatSlider
        Seconds of the server for one update.
    readout : ipywidgets.Label
        Begins with ``best groups`` and their number.
    """

    def __init__(self, *, nodes: int, batch: float, communication: float) -> None:
        self.nodes, self.batch, self.communication = nodes, batch, communication
        self.floor = new_slider(
            "FloatLogSlider", "noise floor", 0.03, -4, 0, base=10, step=0.05, readout_format=".2g"
        )
        self.server = new_slider(
            "FloatSlider", "server, s", 0.35, 0.0, 4.0, step=0.05, readout_format=".2f"
        )
        super().__init__(
            {"floor": self.floor, "server": self.server},
            {},
            (_draw_pace, _draw_price, _draw_time),
            view=self._seen,
        )

    def _seen(self, values: dict[str, float]) -> GroupView:
        cluster = Cluster(
            nodes=self.nodes, service=Deterministic(mean=self.batch), server=values["server"],
            communication=self.communication, shares_batch=True,
        )  # fmt: skip
        return group_view(cluster, values["floor"])


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
