"""The exact expected risk of stopping early on least squares, for any linear method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum_dynamics.dynamics.average import root_edge_nodes
from momentum_dynamics.dynamics.residual import answers, residual_polynomial
from momentum_dynamics.errors import DomainError, NotTraceableError, ShapeError
from momentum_dynamics.inputs import one_number, real_numbers
from momentum_dynamics.laws import schedules
from momentum_dynamics.methods import Method, state_space
from momentum_dynamics.methods.protocol import require_method, spread
from momentum_dynamics.notation import GLOSSARY, Scalar
from momentum_dynamics.problems import LeastSquares

__all__ = ["RidgePath", "RiskPath", "limit_risk_path", "ridge_path", "ridge_ratio", "risk_path"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskPath:
    """E|w − θ|² before the first step and after each, and what it consists of.

    Attributes
    ----------
    bias : array ``(steps + 1, *batch)``
        Σ Pₜ(h)²θ²: what of the truth is not fitted yet.
    variance : array ``(steps + 1, *batch)``
        Σ (1 − Pₜ(h))²σ²/(nh): what of the noise is.
    """

    bias: Array
    variance: Array

    @property
    def risk(self) -> Array:
        """Bias and variance together, ``(steps + 1, *batch)``."""
        return self.bias + self.variance

    @property
    def best_steps(self) -> Any:
        """When to stop, ``(*batch,)``."""
        return np.argmin(self.risk, axis=0)

    @property
    def best_risk(self) -> Any:
        """The risk at the best time to stop, ``(*batch,)``."""
        return self.risk.min(axis=0)

    def __repr__(self) -> str:
        """One line."""
        return f"<RiskPath of {len(self.bias) - 1} steps>"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Spectrum:
    """Curvatures, the squared truth along each, and the variance of a perfect fit of the noise."""

    curvature: Array
    truth: Array
    noise: Array

    def risk(self, left: Array) -> tuple[Array, Array]:
        """Bias and variance for what is left of each direction, ``(*batch, modes)``."""
        return (left**2 * self.truth).sum(axis=-1), ((1 - left) ** 2 * self.noise).sum(axis=-1)


def risk_path(
    method: Method, X: ArrayLike, truth: ArrayLike, noise_variance: Scalar, steps: int
) -> RiskPath:
    """The exact expected risk E|wₜ − θ|² of a linear method on least squares, from w = 0.

    The data are y = Xθ + ε with independent noise, the loss is that of `LeastSquares`,
    |Xw − y|²/(2n). The method multiplies what is missing along a direction of curvature h by its
    residual polynomial Pₜ(h), so no run and no draw of the noise is needed.

    Parameters
    ----------
    method : Method
        With numbers; its batch axes are kept.
    X : array ``(samples, features)``
    truth : array ``(features,)``
        θ.
    noise_variance : float
        σ² ≥ 0 of the targets.
    steps : int

    Returns
    -------
    RiskPath

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DomainError
        If a number is not admissible.
    NotTraceableError
        With symbols.

    Notes
    -----
    Directions that the data leave open keep their whole bias and take no noise. The claim
    ``exact-risk-of-stopping-early`` holds it against runs.

    References
    ----------
    [ali2019]_

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> path = risk_path(GradientDescent(learning_rate=2.0), X, [1.0, 2.0], 0.25, 3)
    >>> path.risk
    array([5. , 0.5, 0.5, 0.5])
    """
    _require_path(method, noise_variance, steps)
    return _path(method, _finite_spectrum(X, truth, noise_variance), int(steps))


def limit_risk_path(
    method: Method,
    *,
    aspect_ratio: float,
    noise_variance: Scalar,
    steps: int,
    signal: float = 1.0,
) -> RiskPath:
    """What `risk_path` tends to for ever more samples and features of independent data.

    The entries of X have variance 1, and the spectrum of XᵀX/n tends to the law of Marchenko and
    Pastur.

    Parameters
    ----------
    method : Method
        With numbers; its batch axes are kept.
    aspect_ratio : float
        r > 0, features over samples. Above 1 the share 1 − 1/r of directions stays open.
    noise_variance : float
        σ² ≥ 0 of the targets.
    steps : int
    signal : float
        |θ|² ≥ 0.

    Returns
    -------
    RiskPath

    Raises
    ------
    DomainError, NotTraceableError
        As `risk_path`.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> path = limit_risk_path(
    ...     GradientDescent(learning_rate=0.5), aspect_ratio=0.5, noise_variance=1.0, steps=200
    ... )
    >>> path.risk[[0, -1]].round(6)  # at last r/(1 − r), the risk of least squares
    array([1.      , 0.999993])
    """
    _require_path(method, noise_variance, steps)
    given = one_number("aspect_ratio", aspect_ratio), one_number("signal", signal)
    if not (np.isfinite(given).all() and given[0] > 0 and given[1] >= 0):
        raise DomainError(
            f"aspect_ratio is {aspect_ratio} and signal {signal}, but must lie in (0, ∞) and "
            "[0, ∞)."
        )
    h, weights = _marchenko_pastur(float(aspect_ratio), int(steps))
    open_share = max(0.0, 1 - 1 / aspect_ratio)
    return _path(
        method,
        _Spectrum(
            curvature=np.append(h, 0.0),
            truth=signal * np.append(weights, open_share),
            noise=np.append(noise_variance * aspect_ratio * weights / h, 0.0),
        ),
        int(steps),
    )


def _marchenko_pastur(ratio: float, steps: int) -> tuple[Array, Array]:
    """Curvatures and their shares, of which the directions that data determine have min(1, 1/r)."""
    low = float(schedules.marchenko_pastur_low_end(1, ratio))
    high = float(schedules.marchenko_pastur_high_end(1, ratio))
    h, weights = root_edge_nodes(steps, low, high)
    shares = weights * np.sqrt((high - h) * (h - low)) / h
    return h, shares * min(1.0, 1 / ratio) / shares.sum()


def _finite_spectrum(X: ArrayLike, truth: ArrayLike, noise_variance: Scalar) -> _Spectrum:
    data, theta = real_numbers("X", X), real_numbers("truth", truth)
    if data.ndim != 2 or theta.shape != data.shape[1:]:
        raise ShapeError(
            f"X has shape {data.shape} and truth {theta.shape}; give X as (samples, features) and "
            "truth as (features,)."
        )
    if not np.isfinite(theta).all():
        raise DomainError("truth holds a number that is not finite.")
    curvature, vectors = LeastSquares(data, np.zeros(len(data))).modes
    along = theta if vectors is None else theta @ vectors
    is_open = curvature == 0
    noise = np.where(is_open, 0, noise_variance / (len(data) * np.where(is_open, 1, curvature)))
    return _Spectrum(curvature=curvature, truth=along**2, noise=noise)


def _path(method: Method, spectrum: _Spectrum, steps: int) -> RiskPath:
    """Run the method once on all curvatures, and weigh what it leaves."""
    parts = [
        spectrum.risk(np.asarray(left + 0 * spectrum.curvature))
        for left in answers(spread(method, 1), spectrum.curvature, steps)
    ]
    # Before the first step the batch axes of the method have not come in.
    bias, variance = (np.array(np.broadcast_arrays(*column)) for column in zip(*parts, strict=True))
    return RiskPath(bias=bias, variance=variance)


def _require_path(method: Method, noise_variance: Scalar, steps: int) -> None:
    require_method(method)
    GLOSSARY["steps"].check(steps)
    _require_one(noise_variance)
    if state_space(method, step=0).is_symbolic:
        raise NotTraceableError(
            "Risk paths are answered for numbers; for symbols ask residual_polynomial(method, "
            "steps)."
        )


def _require_one(noise_variance: Scalar) -> None:
    GLOSSARY["noise_variance"].check(noise_variance)
    one_number("noise_variance", noise_variance)


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgePath:
    """The exact expected risk of ridge regression for many ridges.

    Attributes
    ----------
    ridge : array ``(ridges,)``
    bias, variance : array ``(ridges,)``
    """

    ridge: Array
    bias: Array
    variance: Array

    @property
    def risk(self) -> Array:
        """Bias and variance together, ``(ridges,)``."""
        return self.bias + self.variance

    @property
    def best_ridge(self) -> float:
        """The ridge of least risk among those asked for."""
        return float(self.ridge[np.argmin(self.risk)])

    @property
    def best_risk(self) -> float:
        """The risk there."""
        return float(self.risk.min())

    def __repr__(self) -> str:
        """One line."""
        return f"<RidgePath of {len(self.ridge)} ridges>"


def ridge_path(
    X: ArrayLike, truth: ArrayLike, noise_variance: Scalar, ridge: ArrayLike
) -> RidgePath:
    """The exact expected risk E|w − θ|² of ridge regression, for many ridges.

    The loss is that of `Ridge`, |Xw − y|²/(2n) + c|w|²/2, so that a direction of curvature h keeps
    the share c/(h + c) of its bias.

    Parameters
    ----------
    X : array ``(samples, features)``
    truth : array ``(features,)``
    noise_variance : float
    ridge : array ``(ridges,)``
        c > 0.

    Returns
    -------
    RidgePath

    Raises
    ------
    ShapeError, DomainError
        As `risk_path`, and if a ridge is not positive.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> path = ridge_path(X, [1.0, 2.0], 0.25, [0.05, 0.1, 0.2])
    >>> path.best_ridge, path.risk.round(6)
    (0.05, array([0.454545, 0.486111, 0.663265]))
    """
    _require_one(noise_variance)
    amounts = np.atleast_1d(real_numbers("ridge", ridge))
    if (
        amounts.ndim != 1
        or not amounts.size
        or not (np.isfinite(amounts).all() and (amounts > 0).all())
    ):
        raise DomainError(
            f"ridge is {amounts}, but must be a row of numbers in (0, ∞), at least one."
        )
    spectrum = _finite_spectrum(X, truth, noise_variance)
    bias, variance = spectrum.risk(amounts[:, None] / (spectrum.curvature + amounts[:, None]))
    return RidgePath(bias=bias, variance=variance, ridge=amounts)


def ridge_ratio(method: Method, curvature: Scalar, steps: int, ridge: Scalar) -> Any:
    """The Bayes risk of stopping along one direction over that of the best ridge.

    The truth is Gaussian with the variance for which `ridge` is the best there is, σ²/(n·ridge).

    Parameters
    ----------
    method : Method
        With numbers.
    curvature : array
        h > 0.
    steps : int
    ridge : float
        c > 0; with `laws.generalization.matched_ridge` the two are calibrated to each other.

    Returns
    -------
    array
        (P² + c(1 − P)²/h)(h + c)/c, at least 1.

    Raises
    ------
    DomainError
        If a curvature or the ridge is not positive.

    Examples
    --------
    >>> from momentum_dynamics import GradientDescent
    >>> h = np.linspace(0.01, 1, 100)
    >>> ratio = ridge_ratio(GradientDescent(learning_rate=0.01), h, 1000, 0.1)
    >>> round(float(ratio.max()), 3)
    1.215
    """
    h, c = np.asarray(curvature, dtype=float), np.asarray(ridge, dtype=float)
    if not ((h > 0).all() and (c > 0).all()):
        raise DomainError(
            f"curvature goes down to {h.min()} and ridge to {c.min()}, but both must be positive."
        )
    left = residual_polynomial(method, steps)(h)
    return (left**2 + c * (1 - left) ** 2 / h) * (h + c) / c
