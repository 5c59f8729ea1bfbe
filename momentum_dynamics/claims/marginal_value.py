"""Momentum against rescaled stochastic gradient descent, on real data with paired seeds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.laws import noise
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import LogisticRegression, named_data

__all__ = ["paired_losses"]

Array = NDArray[np.float64]

_TRAINED, _RIDGE = 400, 1e-3


@cache
def _standardized() -> tuple[Array, Array]:
    data = named_data("breast-cancer")
    return data.standardized().X, data.y


def paired_losses(
    learning_rate: Array, momentum: Array, *, seeds: Sequence[int], steps: int, batch_size: int = 8
) -> Array:
    """Test losses of mini-batch heavy ball on breast cancer, ``(seeds, settings)``.

    Logistic regression with a ridge of 0.001. For each seed all settings are trained on the same
    400 samples and see the same batches; the other 169 samples are the test.
    """
    X, y = _standardized()
    balls = HeavyBall(
        learning_rate=np.asarray(learning_rate, dtype=float)[:, None],
        momentum=np.asarray(momentum, dtype=float)[:, None],
    )
    losses = []
    for seed in seeds:
        rng = np.random.default_rng([int(seed), 7])
        order = rng.permutation(len(X))
        train, test = order[:_TRAINED], order[_TRAINED:]
        problem = LogisticRegression(X[train], y[train], ridge=_RIDGE)
        unseen = LogisticRegression(X[test], y[test], ridge=_RIDGE)
        state: Any = balls.initial_state(np.zeros((len(momentum), X.shape[1])))
        for _ in range(steps):
            batch = rng.integers(_TRAINED, size=batch_size)
            state = balls.update(state, problem.batch_field(balls.query(state), batch))
        losses.append(unseen.loss(state[0]))
    return np.array(losses)


def _statement() -> Any:
    loss, alpha, beta = sympy.Function("L"), symbol("learning_rate"), symbol("momentum")
    return sympy.Eq(
        loss(alpha, beta), loss(noise.effective_learning_rate(alpha, beta), 0), evaluate=False
    )


def _experiment(rng: np.random.Generator, *, is_effective: bool) -> Evidence:
    """Paired differences from plain descent, at effective steps 0.03 and 0.1."""
    momenta, steps = np.array([0.0, 0.5, 0.9]), np.array([[0.03], [0.1]])
    seeds = rng.integers(1 << 30, size=40).tolist()
    rates = steps * (1 - momenta) if is_effective else steps + 0 * momenta
    losses = paired_losses(rates.ravel(), np.tile(momenta, 2), seeds=seeds, steps=2500)
    paired = losses.reshape(len(seeds), *rates.shape)
    table = (paired[..., 1:] - paired[..., :1]).reshape(len(seeds), -1)
    error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
    return Evidence.statistical(
        0.0, table.mean(axis=0), error,
        note="test loss minus that of plain descent, 40 paired seeds, β = 0.5 and 0.9",
    )  # fmt: skip


MARGINAL = Claim(
    slug="momentum-is-a-rescaled-step-on-real-data",
    title="With small steps and mini-batches momentum tests as plain stochastic gradient descent "
    "does with the effective learning rate α/(1 − β).",
    source=Citation("wang2024"),
    kind=Kind.EMPIRICAL,
    statement=_statement,
    proof=None,
    experiment=lambda rng: _experiment(rng, is_effective=True),
    control=lambda rng: _experiment(rng, is_effective=False),
    expected=Verdict.CONFIRMED,
    figures=("momentum-against-a-rescaled-step",),
    remark="Logistic regression on breast cancer, batches of 8, the same batches for all. What is "
    "equal within intervals need not be equal: the larger the step, the larger the difference. "
    "The control keeps the learning rate.",
)
