"""`yellowfin`, a gradient transformation of optax; its arithmetic is `momentum_dynamics.tuning`."""

from __future__ import annotations

import math
import reprlib
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from momentum_dynamics import tuning
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.tuning.states import check_kind
from momentum_dynamics.tuning.statistics import Averages, Reading, guarded, read, tune

__all__ = ["YellowFinState", "yellowfin"]


class YellowFinState(NamedTuple):
    """All that the transformation remembers, and what its last step used.

    Attributes
    ----------
    step : int array
        How many gradients were seen.
    window : array, (window,)
        ‖g‖² of the last steps, the oldest first; before it is full, the first in place of more.
    averages : Averages
    gradients, velocities : pytrees like the parameters
        The average of the gradient, and the velocity or the last displacement.
    reading : Reading
        h_min, h_max, variance and distance as used in the last step.
    learning_rate, momentum, clip : array
        As used in the last step.
    """

    step: Any
    window: Any
    averages: Averages
    gradients: Any
    velocities: Any
    reading: Reading
    learning_rate: Any
    momentum: Any
    clip: Any


def yellowfin(**settings: Any) -> optax.GradientTransformation:
    """The tuner of the YellowFin paper, for a training loop with optax.

    **When not to use it.** It spares a search, and is no better than what a search finds: on small
    data, tuned Adam and tuned momentum mostly reach lower losses. It takes the squared norm of
    the gradient for a curvature, so that a loss multiplied by c gets a learning rate divided by c²,
    not by c: normalize the loss, to a mean over samples in natural units. Its averages need about
    1/(1 − smoothing) steps to settle; for runs of a few thousand steps take ``smoothing=0.99``.

    Parameters
    ----------
    **settings
        Those of `momentum_dynamics.YellowFin`, such as ``preset="reference"`` or ``smoothing``.
        ``learning_rate_factor`` may be a traced number.

    Returns
    -------
    optax.GradientTransformation
        Its updates are to be added to the parameters, with ``optax.apply_updates``; they hold the
        learning rate already. Its state tells what the step used.

    Raises
    ------
    DomainError
        If a setting is inadmissible, parameters or gradients are no real numbers with a fraction,
        parameters are missing that weight decay needs, or the state is another transformation's.
    ShapeError
        If gradients, state and parameters do not have one structure and the same shapes.

    Notes
    -----
    It runs under ``jax.jit`` and ``jax.lax.scan``, in single or double precision. Memory: two
    buffers of the size of the parameters, as many as Adam has, in single precision at least.

    Compiled code cannot raise: a gradient that is not finite makes the state so. Where that may
    happen, wrap: ``optax.apply_if_finite(yellowfin(), max_consecutive_errors=5)``.

    A schedule is a factor on the learning rate, and comes after: ``optax.chain(yellowfin(
    preset="reference"), optax.scale_by_schedule(schedule))``. To have the factor in the state, name
    it, for ``optax.inject_hyperparams`` takes no function with open keywords, and would trace all
    other settings: ``optax.inject_hyperparams(lambda factor: yellowfin(learning_rate_factor=factor,
    preset="reference"))(factor=schedule)``.

    References
    ----------
    [zhang2017]_

    Examples
    --------
    >>> import jax, jax.numpy as jnp, optax
    >>> from momentum_dynamics.adapters.optax import yellowfin
    >>> inputs = jax.random.normal(jax.random.key(0), (256, 8))
    >>> labels = inputs @ jnp.arange(8.0)
    >>> def loss(weights, batch):
    ...     return jnp.mean((inputs[batch] @ weights - labels[batch]) ** 2)
    >>> optimizer = yellowfin(preset="reference", smoothing=0.99)
    >>> @jax.jit
    ... def train(weights, state, key):
    ...     batch = jax.random.choice(key, 256, (32,))
    ...     updates, state = optimizer.update(jax.grad(loss)(weights, batch), state, weights)
    ...     return optax.apply_updates(weights, updates), state
    >>> weights = jnp.zeros(8)
    >>> state = optimizer.init(weights)
    >>> for key in jax.random.split(jax.random.key(1), 1000):
    ...     weights, state = train(weights, state, key)
    >>> bool(loss(weights, jnp.arange(256)) < 0.1), bool(0 < state.momentum < 1)
    (True, True)
    """
    factor = settings.get("learning_rate_factor")
    if isinstance(factor, jax.core.Tracer):  # has no value yet that could be checked
        settings = settings | {"learning_rate_factor": 1.0}
    else:
        factor = None
    tuner = tuning.YellowFin(**settings)

    def init(params: Any) -> YellowFinState:
        _check_real("A parameter", params)
        kind = _kind(params)
        zero = jnp.zeros((), kind)
        empty = jax.tree.map(lambda leaf: jnp.zeros_like(leaf, dtype=_kind(leaf)), params)
        return YellowFinState(
            step=jnp.zeros((), jnp.int32),
            window=jnp.zeros(tuner.window, kind),
            averages=Averages(*[zero] * len(Averages._fields)),
            gradients=empty,
            velocities=empty,
            reading=Reading(*[zero] * len(Reading._fields)),
            learning_rate=zero,
            momentum=zero,
            clip=zero,
        )

    def update(
        updates: Any, state: YellowFinState, params: Any = None
    ) -> tuple[Any, YellowFinState]:
        if tuner.weight_decay and params is None:
            raise DomainError(
                "weight_decay needs the parameters; call update(gradients, state, parameters)."
            )
        check_kind(state, YellowFinState)
        _check_real("A gradient", updates)
        updates = jax.tree.map(jnp.asarray, updates)
        _check_alike("gradients", updates, state.gradients)
        if tuner.weight_decay:
            _check_alike("parameters", params, state.gradients)
        if state.window.shape != (tuner.window,):
            raise ShapeError(
                f"The state holds a window of {len(state.window)}, but window is {tuner.window}; "
                "call init of this transformation."
            )
        return _update(tuner, updates, state, params, factor)

    return optax.GradientTransformation(init, update)


def _update(
    tuner: tuning.YellowFin, pulls: Any, state: YellowFinState, params: Any, rate_factor: Any
) -> tuple[Any, YellowFinState]:
    kind, step, earlier = state.window.dtype, state.step, state.reading.h_max
    # A floor below the numbers of this precision would be none.
    tuner = replace(tuner, floor=max(tuner.floor, float(np.finfo(kind).tiny)))
    keep = tuner.smoothing
    squared = _squared_norm(pulls, kind)
    factor = jnp.asarray(guarded(tuner, step, earlier, squared), kind)
    averages = jax.tree.map(
        lambda mean, pull: keep * mean + ((1 - keep) * factor).astype(mean.dtype) * pull,
        state.gradients, pulls,
    )  # fmt: skip
    squared = factor * factor * squared
    window = jnp.where(step == 0, squared, jnp.append(state.window[1:], squared))
    sums, reading = read(
        tuner, state.averages, step, squared, _squared_norm(averages, kind),
        (window.min(), window.max()), _density(pulls, kind),
        -jnp.expm1((step + 1) * jnp.asarray(math.log(keep) if keep else -math.inf, kind)),
    )  # fmt: skip
    tuned = tune(tuner, step, earlier, squared, reading, rate_factor)
    rate, momentum, clip = (jnp.asarray(number, kind) for number in tuned)
    clip = clip * factor

    def moved(velocity: Any, pull: Any, point: Any) -> Any:
        push = clip.astype(velocity.dtype) * pull
        if tuner.weight_decay:
            push = push + tuner.weight_decay * point
        if tuner.update_rule == "difference":
            push = -rate.astype(velocity.dtype) * push
        return momentum.astype(velocity.dtype) * velocity + push

    places = pulls if params is None else params
    velocities = jax.tree.map(moved, state.velocities, pulls, places)
    share = 1 if tuner.update_rule == "difference" else -rate
    told = jax.tree.map(lambda fresh, pull: (share * fresh).astype(pull.dtype), velocities, pulls)
    if tuner.forgets_first_gradient:
        velocities = jax.tree.map(lambda fresh: jnp.where(step == 0, 0, fresh), velocities)
    now = YellowFinState(
        step + 1, window, sums, averages, velocities, reading, rate, momentum, clip
    )
    return told, now


def _kind(tree: Any) -> Any:
    """The precision of the single numbers: that of the parameters, or single if theirs is lower."""
    return jnp.result_type(jnp.float32, *jax.tree.leaves(tree))


def _squared_norm(tree: Any, kind: Any) -> Any:
    return sum(
        (jnp.sum(jnp.square(leaf.astype(kind))) for leaf in jax.tree.leaves(tree)),
        start=jnp.zeros((), kind),
    )


def _density(tree: Any, kind: Any) -> Any:
    """The share of entries that are not 0."""
    leaves = jax.tree.leaves(tree)
    total = sum(leaf.size for leaf in leaves)
    counted = sum((jnp.count_nonzero(leaf) for leaf in leaves), start=jnp.zeros((), jnp.int32))
    return counted.astype(kind) / max(total, 1)


# Shapes and types are known when a program is traced: none of these checks is compiled.


def _check_real(what: str, tree: Any) -> None:
    for leaf in jax.tree.leaves(tree):
        try:
            kind = jnp.result_type(leaf)
        except TypeError:
            kind = type(leaf).__name__
        if isinstance(kind, str) or not jnp.issubdtype(kind, jnp.floating):
            raise DomainError(
                f"{what} is {kind}, but must be a floating-point array; convert it, or leave it "
                "out with optax.masked."
            )


def _check_alike(what: str, tree: Any, held: Any) -> None:
    given, known = (jax.tree.map(jnp.shape, one) for one in (tree, held))
    shapes = ([jnp.shape(leaf) for leaf in jax.tree.leaves(one)] for one in (tree, held))
    if jax.tree.structure(tree) != jax.tree.structure(held) or next(shapes) != next(shapes):
        raise ShapeError(
            f"The {what} are {reprlib.repr(given)}, but the state is of parameters "
            f"{reprlib.repr(known)}; give one number for each parameter, or call init anew."
        )
