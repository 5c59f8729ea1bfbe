"""Continuous-time accounts of asynchrony: a gradient with a memory, and a gradient of fixed age.

The unit of time is one update. The stochastic modified equation of M memoryless workers (An, Lu
and Ying; derived here anew) reads a mean of the past, x̄' = (x − x̄)/M, and moves by
dx = −αh x̄ dt + ασ dB: in the time √(α/M) for an update that is Langevin's equation. A stochastic
delay differential equation reads x(t − θ) instead. Both are linear: all is answered in closed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.errors import UnstableDynamicsError
from momentum_dynamics.laws import lagged
from momentum_dynamics.notation import Scalar, record

__all__ = ["DelayEquation", "MemoryEquation"]


@record
class MemoryEquation:
    r"""A gradient of exponential age: dx = −αh·x̄ dt + ασ dB, dx̄ = (x − x̄)/θ dt.

    The stochastic modified equation of M memoryless workers is the one of the age M.

    Parameters
    ----------
    learning_rate, curvature : scalar
        α > 0 and h > 0.
    age : scalar
        θ > 0, the mean age of what is read.
    noise_variance : scalar
        σ² ≥ 0 of one gradient.
    keeps_spread : bool
        Whether the deviation δ of a single read from the mean read is kept as noise too, as in a
        queue: it moves x by −αh δ and x̄ by −δ/θ, and its variance is that of the reads.

    Notes
    -----
    Without the spread E x² settles at (ασ²/2h)(1 + αhθ) whatever the step. With it there is a limit
    in mean square, which is the queue's but for 1/θ. [an2018]_

    Examples
    --------
    >>> equation = MemoryEquation(learning_rate=0.25, curvature=1.0, age=4, noise_variance=1.0)
    >>> equation.stationary_variance
    0.25
    >>> equation.mean_square_limit
    inf
    """

    learning_rate: Scalar
    curvature: Scalar
    age: Scalar
    noise_variance: Scalar = 0
    keeps_spread: bool = False

    @property
    def _step(self) -> Any:
        return self.learning_rate * self.curvature

    @property
    def mean_rate(self) -> Any:
        """The factor of the mean in one update, exp(Re s) with θs² + s + αh = 0."""
        root = np.sqrt(np.asarray(1 - 4 * self._step * self.age, dtype=complex))
        return np.exp((-2 * self._step / (1 + root)).real)

    @property
    def mean_square_rate(self) -> Any:
        """The factor of second moments in one update."""
        if not self.keeps_spread:
            return self.mean_rate**2
        return np.exp(np.linalg.eigvals(self.moment_drift()).real.max(axis=-1))

    def moment_drift(self) -> NDArray[np.float64]:
        """The drift of (E x², E xx̄, E x̄², c), ``(*batch, 4, 4)``; c is the mean square of reads."""
        step, age = np.broadcast_arrays(
            np.asarray(self._step, dtype=float), np.asarray(self.age, dtype=float)
        )
        drift = np.zeros((*step.shape, 4, 4))
        drift[..., 0, 1] = -2 * step
        drift[..., 1, 0] = 1 / age
        drift[..., 1, 1] = -1 / age
        drift[..., 1, 2] = -step
        drift[..., 2, 1] = 2 / age
        drift[..., 2, 2] = -2 / age
        drift[..., 3, 0] = 1 / age
        drift[..., 3, 3] = -1 / age
        if self.keeps_spread:
            for row, kick in enumerate((step**2, step / age, 1 / age**2)):
                drift[..., row, 3] += kick
                drift[..., row, 2] -= kick
        return drift

    @property
    def mean_limit(self) -> float:
        """The largest αh at which the mean is stable: there is none."""
        return np.inf

    @property
    def mean_square_limit(self) -> Any:
        """The largest αh at which second moments settle; infinite without the spread."""
        return lagged.spread_equation_step_limit(self.age) if self.keeps_spread else np.inf

    @property
    def stationary_variance(self) -> Any:
        """The settled variance of x.

        Raises
        ------
        UnstableDynamicsError
            If second moments do not settle.
        """
        _require_below(self._step, self.mean_square_limit, "the memory equation")
        law = lagged.spread_equation_variance if self.keeps_spread else _memory_variance
        return law(self.learning_rate, self.curvature, self.noise_variance, self.age)

    def mean(self, times: ArrayLike) -> NDArray[np.float64]:
        """The mean of x after times from rest at 1, ``times.shape``; for one setting."""
        from scipy.linalg import expm

        drift = np.array([[0.0, -float(self._step)], [1 / float(self.age), -1 / float(self.age)]])
        grid = np.asarray(times, dtype=float)
        flows = [expm(drift * time)[0].sum() for time in grid.ravel()]
        return np.reshape(np.array(flows, dtype=float), grid.shape)


_memory_variance = lagged.memory_equation_variance


@record
class DelayEquation:
    r"""A gradient of fixed age: dx = −αh·x(t − θ) dt + ασ dB.

    Parameters
    ----------
    learning_rate, curvature : scalar
        α > 0 and h > 0.
    age : scalar
        θ ≥ 0.
    noise_variance : scalar
        σ² ≥ 0 of one gradient.

    Notes
    -----
    Exponents solve s + αh e^{−sθ} = 0, so that sθ = W(−αhθ) with Lambert's W. The covariance K(t)
    of x solves K'(t) = −αh K(θ − t) up to the age, hence K'' = −(αh)² K, with K'(0) = −α²σ²/2: that
    gives the floor. A round robin of M workers has the age M − 1 in whole updates; the age M − ½ is
    nearer, since an update stands for one whole unit of time. [yu2025]_

    Examples
    --------
    >>> equation = DelayEquation(learning_rate=0.1, curvature=1.0, age=5, noise_variance=1.0)
    >>> round(float(equation.mean_limit), 4), round(float(equation.stationary_variance), 4)
    (0.3142, 0.0843)
    """

    learning_rate: Scalar
    curvature: Scalar
    age: Scalar
    noise_variance: Scalar = 0

    @property
    def _step(self) -> Any:
        return self.learning_rate * self.curvature

    @property
    def mean_rate(self) -> Any:
        """The factor of the mean in one update, exp(Re s) for the rightmost exponent s."""
        from scipy.special import lambertw

        step, age = np.broadcast_arrays(
            np.asarray(self._step, dtype=float), np.asarray(self.age, dtype=float)
        )
        late = age > 0
        exponent = lambertw(-step * age).real / np.where(late, age, 1.0)
        return np.exp(np.where(late, exponent, -step))

    @property
    def mean_square_rate(self) -> Any:
        """The factor of second moments in one update: that of the mean, squared."""
        return self.mean_rate**2

    @property
    def mean_limit(self) -> Any:
        """The largest αh at which the mean is stable, π/(2θ)."""
        age = np.asarray(self.age, dtype=float)
        found = lagged.delay_equation_step_limit(np.where(age > 0, age, 1.0))
        return np.where(age > 0, found, np.inf)

    @property
    def mean_square_limit(self) -> Any:
        """The same, since the age is certain."""
        return self.mean_limit

    @property
    def stationary_variance(self) -> Any:
        """The settled variance of x.

        Raises
        ------
        UnstableDynamicsError
            If it does not settle.
        """
        _require_below(self._step, self.mean_limit, "the delay equation")
        return lagged.delay_equation_variance(
            self.learning_rate, self.curvature, self.noise_variance, self.age
        )

    def mean(self, times: ArrayLike) -> NDArray[np.float64]:
        """The mean of x after times from rest at 1, ``times.shape``; for one setting.

        It is the power series Σ (−αh)ᵏ(t − (k − 1)θ)₊ᵏ/k! of the method of steps, which loses
        digits as exp(αh·t) grows.
        """
        from scipy.special import gammaln

        grid = np.asarray(times, dtype=float)
        age, step = float(self.age), float(self._step)
        if age == 0:
            return np.exp(-step * grid)
        found = np.ones(grid.shape)
        for k in range(1, int(grid.max(initial=0.0) / age) + 2):
            left = np.maximum(grid - (k - 1) * age, 0)
            with np.errstate(divide="ignore"):
                size = np.exp(k * np.log(step * left) - gammaln(k + 1))
            found = found + (-1) ** k * size
        return found


def _require_below(step: Any, limit: Any, which: str) -> None:
    if np.all(np.asarray(step < limit)) and np.all(np.asarray(step > 0)):
        return
    raise UnstableDynamicsError(
        f"No stationary variance: {which} settles for learning rate times curvature between 0 and "
        f"{float(np.min(limit)):.6g}, which {np.max(step):.6g} is not."
    )
