"""First and second moments of a noisy loop, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.loop import asks_for_round
from momentum_dynamics.dynamics.lyapunov import is_floating, readable
from momentum_dynamics.dynamics.stationary import noisy_loop
from momentum_dynamics.errors import DomainError
from momentum_dynamics.methods.linear import state_space
from momentum_dynamics.methods.protocol import period_of, stage_index, transient_of
from momentum_dynamics.methods.rows import Rows, stack
from momentum_dynamics.notation import GLOSSARY, Scalar, is_symbolic
from momentum_dynamics.problems.plays import Play

__all__ = ["Moments", "in_symbols", "second_moments"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Moments:
    """Mean and second moment of the answer's displacement from the solution, step by step.

    Attributes
    ----------
    mean, variance : array ``(steps + 1, *batch)``
        Of the displacement of the answer; of players ``(steps + 1, *batch, dimension)``.
    covariance : array ``(steps + 1, *batch, slots, slots)``
        Of the state; of players with all their states in one.

    With symbols the arrays hold SymPy expressions.
    """

    mean: NDArray[Any]
    variance: NDArray[Any]
    covariance: NDArray[Any]

    def __repr__(self) -> str:
        """One line."""
        return f"<Moments: {len(self.mean) - 1} steps, each of shape {self.mean.shape[1:]}>"

    @property
    def second_moment(self) -> NDArray[Any]:
        """Variance plus squared mean."""
        return self.variance + self.mean**2

    def to_dict(self) -> dict[str, Any]:
        """The arrays by name."""
        return {"mean": self.mean, "second_moment": self.second_moment, "variance": self.variance}


def second_moments(
    method: Any,
    curvature: Any,
    noise_variance: Scalar,
    *,
    steps: int,
    start: Any = None,
    curvature_variance: Scalar = 0,
    play: Play | str | None = None,
) -> Moments:
    """Exact moments of the answer after 0, 1, …, `steps` steps, under gradient noise.

    Parameters
    ----------
    method : Method
        Any method; each step is one stage, with its own coefficients. On a game one for all
        players, or one each, with constant coefficients.
    curvature : scalar or Game
        h, real.
    noise_variance : scalar
        σ² ≥ 0 of each gradient.
    steps : int
        With symbols keep to about ten, which take SymPy ten seconds with two slots.
    start : scalar or tuple of scalars, optional
        The displacement from the solution at rest (default 1), or the whole initial state. Of a
        game the displacement of all players together, by default that of its own start.
    curvature_variance : scalar
        τ² ≥ 0 of the curvature that each gradient sees, as with mini-batches; independent of the
        other noise; not for games.
    play : Play or {"alternating", "simultaneous"}, optional
        Of a game: who moves when, by default in turn; a step is then a round.

    Returns
    -------
    Moments
        Arrays ``(steps + 1, *batch)``, of a game ``(steps + 1, *batch, dimension)``; of SymPy
        expressions if anything given is symbolic.
        Unstable methods are answered too: their moments grow.

    Raises
    ------
    DomainError
        If a variance or the number of steps is negative, the curvature complex, an order of play
        is given for one player, or a game with a curvature that varies.
    NotTraceableError
        If symbols meet batches of numbers.
    ShapeError
        If the batch axes of what is given do not broadcast.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent, symbol
    >>> second_moments(GradientDescent(learning_rate=0.5), 1.0, 0.0, steps=3).mean
    array([1.   , 0.5  , 0.25 , 0.125])
    >>> method = GradientDescent(learning_rate=symbol("learning_rate"))
    >>> second_moments(method, 1, symbol("noise_variance"), steps=2).variance
    array([0, alpha**2*sigma^2, alpha**2*sigma^2*(alpha**2 - 2*alpha + 2)],
          dtype=object)

    Two noisy players in turn, the mean square distance of both after 0, 1 and 2 rounds:

    >>> from momentum_dynamics import BilinearGame
    >>> descent = GradientDescent(learning_rate=0.5)
    >>> path = second_moments(descent, BilinearGame(1.0), 0.25, steps=2)
    >>> path.second_moment.sum(axis=-1)
    array([2.        , 1.953125  , 1.70019531])
    """
    GLOSSARY["steps"].check(steps)
    if asks_for_round(curvature, None, play):
        # Imported here: loops of one player are closed without knowing of games.
        from momentum_dynamics.dynamics.round_moments import round_moments

        GLOSSARY["noise_variance"].check(noise_variance)
        if is_symbolic(curvature_variance) or np.any(np.asarray(curvature_variance) != 0):
            raise DomainError(
                "The curvatures of a game do not vary here; leave curvature_variance out."
            )
        return round_moments(
            method, curvature, noise_variance, steps=steps, play=play or "alternating", start=start
        )
    displacement = 1 if start is None else start
    state = displacement if isinstance(displacement, tuple) else method.initial_state(displacement)
    GLOSSARY["curvature_variance"].check(curvature_variance)
    others = (curvature_variance, *state)
    system, curvature, symbolic = noisy_loop(method, 0, curvature, noise_variance, *others)
    entries = (*system.entries, curvature, noise_variance, *others)
    array, tidy, shown = in_symbols(*entries) if symbolic else (stack, np.asarray, np.asarray)
    noise, varying = array(((noise_variance,),)), array(((curvature_variance,),))
    cache: dict[int, tuple[Any, Any, Any, Any]] = {}

    def maps(step: int) -> tuple[Any, Any, Any, Any]:
        """Transition, source, readout and query of a step, computed once per distinct stage."""
        period = period_of(method)
        key = stage_index(step, transient_of(method), period)
        if key not in cache:
            system = state_space(method, step=key)
            rows, injection = system.closed_rows(curvature)
            transition, vector, readout = map(array, (rows, injection, system.readout))
            source = vector @ np.swapaxes(vector, -1, -2)
            cache[key] = transition, source, readout, array(system.observation)
            if period is None:
                cache.pop(key - 1, None)
        return cache[key]

    matrix, source, *_ = maps(0)
    mean = np.swapaxes(array((state,)), -1, -2)
    batch = np.broadcast_shapes(
        *(part.shape[:-2] for part in (matrix, source, mean, noise, varying))
    )
    mean = np.broadcast_to(mean, (*batch, *mean.shape[-2:]))
    covariance = np.zeros((*batch, *matrix.shape[-2:]), dtype=mean.dtype)
    found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    with np.errstate(all="ignore"):
        for step in range(int(steps) + 1):
            matrix, source, readout, query = maps(step)
            spread = readout @ covariance @ np.swapaxes(readout, -1, -2)
            now = (readout @ mean)[..., 0, 0], spread[..., 0, 0], covariance
            for series, value in zip(found, now, strict=True):
                series.append(value)
            asked = query @ (covariance + mean @ np.swapaxes(mean, -1, -2))
            kick = noise + varying * (asked @ np.swapaxes(query, -1, -2))
            mean = tidy(matrix @ mean)
            covariance = tidy(matrix @ covariance @ np.swapaxes(matrix, -1, -2) + kick * source)
    along, spreads, covariances = (shown(np.stack(series)) for series in found)
    return Moments(mean=along, variance=spreads, covariance=covariances)


def in_symbols(
    *values: Scalar,
) -> tuple[Callable[[Rows], Any], Callable[[Any], Any], Callable[[Any], Any]]:
    """How rows of symbols become arrays, are kept short between steps, and are shown at the end.

    Floats enter as exact fractions and are floats again when shown.
    """
    import sympy

    floating = is_floating(*values)

    def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return np.vectorize(lambda entry: change(sympy.sympify(entry)), otypes=[object])

    def array(rows: Rows) -> Any:
        return each(lambda entry: sympy.nsimplify(entry, rational=True))(
            np.array(rows, dtype=object)
        )

    return array, each(sympy.cancel), each(lambda entry: readable(entry, floating=floating))
