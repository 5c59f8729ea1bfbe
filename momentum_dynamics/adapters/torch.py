"""`YellowFin` as an optimizer of PyTorch; its arithmetic is `momentum_dynamics.tuning`."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from numbers import Real
from typing import Any

import torch

from momentum_dynamics import tuning
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.tuning.states import as_numbers, restored
from momentum_dynamics.tuning.statistics import OF_FLOATS, Averages, Reading
from momentum_dynamics.tuning.yellowfin import not_finite

__all__ = ["YellowFin"]

_BUFFERS = ("mean_gradient", "velocity")
_SHARED = {field.name for field in fields(tuning.YellowFin)} - {"weight_decay"} | {"momentum"}

_PART = 1 << 17
"""Inner products are summed in parts of so many: of 10⁷ numbers in single precision, one sum on a
processor may have three digits left, by its library. Other devices sum in parts themselves."""


class YellowFin(torch.optim.Optimizer):
    """The tuner of the YellowFin paper, for a training script in PyTorch.

    **When not to use it.** It spares a search, and is no better than what a search finds: on small
    data, tuned Adam and tuned momentum mostly reach lower losses. It takes the squared norm of
    the gradient for a curvature, so that a loss multiplied by c gets a learning rate divided by c²,
    not by c: normalize the loss, to a mean over samples in natural units. Its averages need about
    1/(1 − smoothing) steps to settle; for runs of a few thousand steps take ``smoothing=0.99``.

    Parameters
    ----------
    params : iterable
        Parameters, or groups of parameters, in single or double precision. All groups share one
        set of statistics, one momentum and one learning rate.
    lr : float
        A factor on the tuned learning rate, 1 for none; no learning rate, so leave out what stood
        here for another optimizer. It stands where PyTorch keeps a learning rate, so that each
        group can have its own and schedulers work on it. The learning rate itself is in ``info``.
    weight_decay : float
        Added to the gradient, times the parameters, after everything is measured; may differ
        between groups.
    **settings
        Those of `momentum_dynamics.YellowFin`, such as ``preset="reference"`` or ``smoothing``.

    Attributes
    ----------
    info : dict
        What the last step used: ``learning_rate`` (of the first group), ``momentum``, ``h_min``,
        ``h_max``, ``variance``, ``distance`` and ``clip``.

    Raises
    ------
    DomainError
        At once, if a setting or the type of a parameter is inadmissible, or a group has a setting
        that all share. From ``step``, if a
        gradient is sparse or not finite; parameters and state are then as before the step, so that
        a training loop may catch the error and go on with the next batch.

    Notes
    -----
    Memory: two buffers of the size, type and device of the parameters (``mean_gradient`` and
    ``velocity``), as many as Adam has. Single numbers live on the host in double precision; the
    device is waited for once in a step, for three inner products.

    A parameter without a gradient is left alone, and so are its averages. The settings are part of
    ``state_dict``, and a restored run goes on bit for bit.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import torch
    >>> from momentum_dynamics.adapters.torch import YellowFin
    >>> _ = torch.manual_seed(0)
    >>> inputs = torch.randn(256, 8)
    >>> labels = inputs @ torch.ones(8, 1) + 0.1 * torch.randn(256, 1)
    >>> model = torch.nn.Linear(8, 1)
    >>> optimizer = YellowFin(model.parameters(), preset="reference", smoothing=0.99)
    >>> for epoch in range(100):
    ...     for batch in torch.randperm(256).split(32):
    ...         optimizer.zero_grad()
    ...         loss = torch.nn.functional.mse_loss(model(inputs[batch]), labels[batch])
    ...         loss.backward()
    ...         _ = optimizer.step()
    >>> loss.item() < 0.1, 0 < optimizer.info["momentum"] < 1
    (True, True)
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1.0, *, weight_decay: float = 0.0, **settings: Any
    ) -> None:
        if "learning_rate_factor" in settings:
            raise DomainError("Give the factor on the learning rate as lr, as PyTorch calls it.")
        self.tuner = tuning.YellowFin(**settings)
        self.info: dict[str, float] = {}
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.state["tuner"] = {
            "step": 0, "window": (), "averages": tuple(Averages()), "h_max": 0.0,
        }  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs."""
        return super().__getstate__() | {"tuner": self.tuner, "info": self.info}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, with an ``lr`` and a ``weight_decay`` of its own if wanted."""
        super().add_param_group(param_group)
        try:
            self._check(self.param_groups[-1])
        except DomainError:
            self.param_groups.pop()
            raise

    def _check(self, group: dict[str, Any]) -> None:
        for parameter in group["params"]:
            if parameter.dtype not in {torch.float32, torch.float64}:
                raise DomainError(
                    f"A parameter is {parameter.dtype}, but averages over a thousand steps need "
                    "torch.float32 or torch.float64; keep the parameters in single precision and "
                    "compute in a lower one with torch.autocast."
                )
        for name in ("lr", "weight_decay"):
            if not (isinstance(group[name], Real) and 0 <= group[name] < math.inf):
                raise DomainError(f"{name} is {group[name]!r}, but must be a number in [0, ∞).")
        for name in sorted(_SHARED.intersection(group)):
            advice = "it is tuned, leave it out" if name == "momentum" else "give it to YellowFin"
            raise DomainError(
                f"A group has a {name} of its own, but all groups share one; {advice}."
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything that a restored run needs, settings included; plain numbers and tensors."""
        return super().state_dict() | {"settings": asdict(self.tuner)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken.

        Raises
        ------
        DomainError
            If this is the state of another optimizer, or something is missing.
        ShapeError
            If it belongs to parameters of other shapes. The optimizer is then as before.
        """
        parts = ("state", "param_groups", "settings")
        if not isinstance(state_dict, Mapping) or any(part not in state_dict for part in parts):
            raise DomainError(
                "This is no state of a YellowFin optimizer; give what its state_dict told."
            )
        tuner = tuning.YellowFin(**state_dict["settings"])
        self._check_stored(state_dict)
        # Else this optimizer and the one that told the state would average into the same tensors.
        super().load_state_dict(copy.deepcopy(state_dict))
        self.tuner = tuner

    def _check_stored(self, stored: dict[str, Any]) -> None:
        restored(
            dict, "a YellowFin optimizer", stored["state"].get("tuner", {}), "state_dict",
            step=int, window=as_numbers, averages=as_numbers, h_max=float,
        )  # fmt: skip
        names = [name for group in stored["param_groups"] for name in group["params"]]
        points = [point for group in self.param_groups for point in group["params"]]
        # Where there are more of one than of the other PyTorch says so.
        for name, point in zip(names, points, strict=False):
            held = stored["state"].get(name)
            if not held:  # it never had a gradient
                continue
            for buffer in _BUFFERS:
                if buffer not in held:
                    raise DomainError(
                        f"The stored state of parameter {name} has no {buffer}; give all that "
                        "state_dict told."
                    )
                if held[buffer].shape != point.shape:
                    raise ShapeError(
                        f"Parameter {name} has shape {tuple(point.shape)}, but its stored {buffer} "
                        f"has {tuple(held[buffer].shape)}; give the state of the same model."
                    )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Tune, and take one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss again, and its gradients.

        Returns
        -------
        The loss of the closure, if there is one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = [(group, *self._tensors(group)) for group in self.param_groups]
        if any(points for _, points, *_ in groups):
            self._advance(groups)
        return loss

    def _tensors(self, group: dict[str, Any]) -> tuple[list[Any], ...]:
        """Parameters that have a gradient, their gradients, averages and velocities."""
        points, gradients, averages, velocities = [], [], [], []
        for point in group["params"]:
            gradient = point.grad
            if gradient is None:
                continue
            if gradient.layout is not torch.strided:
                raise DomainError(
                    f"A gradient is sparse ({gradient.layout}), but YellowFin averages gradients; "
                    "build the layer with sparse=False."
                )
            state = self.state[point]
            if not state:
                state.update({buffer: torch.zeros_like(point) for buffer in _BUFFERS})
            points.append(point)
            gradients.append(gradient)
            averages.append(state["mean_gradient"])
            velocities.append(state["velocity"])
        return points, gradients, averages, velocities

    def _advance(self, groups: list[tuple[Any, ...]]) -> None:
        tuner, numbers = self.tuner, self.state["tuner"]
        step, keep, earlier = numbers["step"], tuner.smoothing, numbers["h_max"]
        gradients = [gradient for _, _, some, _, _ in groups for gradient in some]
        averages = [average for _, _, _, some, _ in groups for average in some]
        squared, mixed, before, density = self._measured(gradients, averages)
        if not squared < math.inf:
            raise DomainError(not_finite(step, [gradient.cpu().numpy() for gradient in gradients]))
        factor = OF_FLOATS.guarded(tuner, step, earlier, squared)
        take = (1 - keep) * factor
        # ‖keep a + take g‖², told before anything is changed.
        after = keep * (keep * before + 2 * take * mixed) + take * take * squared
        squared = factor * factor * squared
        first, *others = dict.fromkeys([group["lr"] for group, *_ in groups])
        (window, sums, h_max), tuned, info = tuner.advance(
            (tuple(numbers["window"]), Averages(*numbers["averages"]), earlier),
            step, squared, max(after, 0.0), density, first,
        )  # fmt: skip
        rates = {first: tuned.learning_rate}
        for lr in others:
            reading = Reading(*(info[name] for name in Reading._fields))
            rates[lr] = OF_FLOATS.tune(tuner, step, earlier, squared, reading, lr).learning_rate
        _average(averages, gradients, keep, take)
        clip = info["clip"] = factor * tuned.clip
        for group, points, pulls, _, velocities in groups:
            if points:
                rate, decay = rates[group["lr"]], group["weight_decay"]
                self._move(points, pulls, velocities, rate, tuned.momentum, clip, decay)
        if step == 0 and tuner.forgets_first_gradient:
            for _, _, _, _, velocities in groups:
                torch._foreach_zero_(velocities)
        self.info = info
        numbers.update(step=step + 1, window=window, averages=tuple(sums), h_max=h_max)

    def _measured(
        self, gradients: list[Any], averages: list[Any]
    ) -> tuple[float, float, float, float]:
        """‖g‖², ⟨a, g⟩, ‖a‖² and the share of entries of g that are not 0."""
        counted = self.tuner.sparsity_debias
        told: list[Any] = []
        for gradient, average in zip(gradients, averages, strict=True):
            g, a = gradient.flatten(), average.flatten()
            told += (_inner(g, g), _inner(a, g), _inner(a, a))
            if counted:
                told.append(torch.count_nonzero(g))
        try:
            found = torch.stack(told).tolist()
        except RuntimeError:  # the parameters are on several devices
            found = torch.stack([number.to(told[0].device) for number in told]).tolist()
        columns = 4 if counted else 3
        squared, mixed, before = (
            sum(found[::columns]), sum(found[1::columns]), sum(found[2::columns])
        )  # fmt: skip
        if not counted:
            return squared, mixed, before, 1.0
        total = sum(gradient.numel() for gradient in gradients)
        return squared, mixed, before, sum(found[3::4]) / total

    def _move(
        self,
        points: list[Any],
        gradients: list[Any],
        velocities: list[Any],
        rate: float,
        momentum: float,
        clip: float,
        decay: float,
    ) -> None:
        push, share = (-rate, 1.0) if self.tuner.update_rule == "difference" else (1.0, -rate)
        if points[0].is_cpu:  # where tensor by tensor is how it is done anyway
            for point, gradient, velocity in zip(points, gradients, velocities, strict=True):
                velocity.mul_(momentum).add_(gradient, alpha=push * clip)
                if decay:
                    velocity.add_(point, alpha=push * decay)
                point.add_(velocity, alpha=share)
            return
        torch._foreach_mul_(velocities, momentum)
        torch._foreach_add_(velocities, gradients, alpha=push * clip)
        if decay:
            torch._foreach_add_(velocities, points, alpha=push * decay)
        torch._foreach_add_(points, velocities, alpha=share)


def _average(averages: list[Any], gradients: list[Any], keep: float, take: float) -> None:
    if take == 1 - keep:
        torch._foreach_lerp_(averages, gradients, take)  # one pass in place of two
    else:
        torch._foreach_mul_(averages, keep)
        torch._foreach_add_(averages, gradients, alpha=take)


def _inner(one: Any, two: Any) -> Any:
    """The inner product of two flat tensors."""
    if one.numel() <= _PART or not one.is_cpu or one.dtype is torch.float64:
        return torch.dot(one, two)
    pairs = zip(one.split(_PART), two.split(_PART), strict=True)
    return torch.stack([torch.dot(left, right) for left, right in pairs]).sum()
