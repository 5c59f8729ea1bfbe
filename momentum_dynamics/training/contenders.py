"""Who takes part in the race: optimizers by name, with what is searched for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from momentum_dynamics.training.loop import ORDERS, WORKERS
from momentum_dynamics.training.optimizers import (
    AdaGrad,
    Adam,
    RMSProp,
    WithoutMomentum,
    momentum,
    nesterov,
    sgd,
)
from momentum_dynamics.tuning import ClosedLoopYellowFin, Optimizer, YellowFin
from momentum_dynamics.tuning.equivariant import EquivariantYellowFin

__all__ = ["CONTENDERS", "Contender"]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """An optimizer in the race.

    Attributes
    ----------
    title : str
    make : callable
        The optimizer from the value that is searched, or that is 1 where nothing is.
    values : tuple of float
        What is tried first.
    extends : bool
        Whether the search goes on by decades until the best value is no end of what was tried.
    orders : tuple of str
        Who computes gradients.
    products : bool
        Whether it reads curvature from Hessian-vector products.
    """

    title: str
    make: Callable[[float], Optimizer]
    values: tuple[float, ...]
    extends: bool = True
    orders: tuple[str, ...] = ("fresh",)
    products: bool = False


_STALE = ("round-robin", "queue")


def _searched(
    title: str, maker: Callable[..., Optimizer], *decades: int, orders: tuple[str, ...] = ("fresh",)
) -> Contender:
    return Contender(
        title=title,
        make=lambda value: maker(learning_rate=value),
        values=tuple(10.0**each for each in decades),
        orders=orders,
    )


_FACTORS = (0.1, 1 / 3, 0.5, 1.0, 2.0, 3.0, 10.0)


def _untuned(
    title: str, make: Callable[[], Optimizer], orders: tuple[str, ...] = ("fresh",)
) -> Contender:
    return Contender(
        title=title, make=lambda _: make(), values=(1.0,), extends=False, orders=orders
    )


def _ours(
    title: str,
    orders: tuple[str, ...] = ("fresh",),
    *,
    products: bool = False,
    horizons: tuple[float, ...] = (),
    **options: Any,
) -> Contender:
    """With curvatures that are curvatures; stale gradients tell no secants, only products."""
    if horizons:
        return Contender(
            title=title, make=lambda value: EquivariantYellowFin(horizon=value, **options),
            values=horizons, extends=False, orders=orders, products=products,
        )  # fmt: skip
    return Contender(
        title=title, make=lambda _: EquivariantYellowFin(**options), values=(1.0,), extends=False,
        orders=orders, products=products,
    )  # fmt: skip


def _factor(value: float) -> Optimizer:
    return YellowFin(preset="reference", learning_rate_factor=value)


def _closed(**options: Any) -> Optimizer:
    """With the staleness of a round robin, and the gain of the paper."""
    tuner = YellowFin(preset="reference")
    return ClosedLoopYellowFin(staleness=WORKERS - 1, gain=0.01, tuner=tuner, **options)


CONTENDERS: dict[str, Contender] = {
    "sgd": _searched("SGD", sgd, -2, -1, 0),
    "momentum": _searched("momentum 0.9", momentum, -3, -2, -1, orders=ORDERS),
    "momentum-without": _searched(
        "SGD at ten times its rate",
        lambda learning_rate: WithoutMomentum(tuner=momentum(learning_rate=learning_rate)),
        -3, -2, -1,
    ),
    "nesterov": _searched("Nesterov 0.9", nesterov, -3, -2, -1),
    "adam": _searched("Adam", Adam, -3, -2, -1, orders=ORDERS),
    "adagrad": _searched("AdaGrad", AdaGrad, -2, -1, 0),
    "rmsprop": _searched("RMSProp", RMSProp, -3, -2, -1),
    "yellowfin": _untuned(
        "YellowFin, released", lambda: YellowFin(preset="reference"), ORDERS
    ),
    "yellowfin-closed": _untuned("YellowFin, closed loop", _closed, _STALE),
    "yellowfin-closed-clipped": _untuned(
        "YellowFin, closed loop, errors up to 1", lambda: _closed(clip=1.0), _STALE
    ),
    "yellowfin-without": _untuned(
        "YellowFin without momentum",
        lambda: WithoutMomentum(tuner=YellowFin(preset="reference")),
    ),
    "yellowfin-paper": _untuned("YellowFin, paper", YellowFin),
    "yellowfin-short": _untuned(
        "YellowFin, smoothing 0.99", lambda: YellowFin(preset="reference", smoothing=0.99)
    ),
    "equivariant": _ours("ours, equivariant"),
    "equivariant-products": _ours("ours, equivariant, products", ORDERS, products=True),
    "true-floor": _ours("ours, true floor", horizon=10),
    "true-floor-products": _ours("ours, true floor, products", ORDERS, products=True, horizon=10),
    "true-floor-horizon": _ours(
        "ours, true floor, one horizon", products=True, horizons=(1, 3, 10, 30, 100)
    ),
    "queue-rule": _ours(
        "ours, queue rule, products", _STALE, products=True, horizon=1000, workers=WORKERS
    ),
    "yellowfin-factor": Contender(
        title="YellowFin, one factor", make=_factor, values=_FACTORS
    ),
}  # fmt: skip
"""All optimizers of the race by name."""
