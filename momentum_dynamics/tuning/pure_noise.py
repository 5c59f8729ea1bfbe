"""What YellowFin makes of gradients that are noise and nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np

from momentum_dynamics.inputs import require_counts
from momentum_dynamics.tuning.rule import SingleStep, single_step
from momentum_dynamics.tuning.statistics import Reading

__all__ = ["reading_of_noise", "step_of_noise"]


def reading_of_noise(
    dimension: int, *, window: int = 20, smoothing: float = 0.999, noise_variance: float = 1.0
) -> Reading:
    """What YellowFin's averages settle at when every gradient is Gaussian noise.

    Parameters
    ----------
    dimension : int
        How many parameters there are.
    window : int
    smoothing : float
        Without logarithms.
    noise_variance : float
        Of each coordinate.

    Returns
    -------
    Reading

    Raises
    ------
    DomainError
        If dimension or window is no whole number from 1 on.

    Notes
    -----
    ‖g‖² is σ² times a χ² variable of `dimension` degrees of freedom. The curvatures are the mean
    least and largest of `window` of them, by ∫(1 − F)ʷ and ∫(1 − Fʷ); the distance is E‖g‖/E‖g‖²;
    the variance is short of E‖g‖² by the share (1 − η)/(1 + η) that the average gradient keeps of
    the noise. Averages are taken for their means.

    Examples
    --------
    >>> reading = reading_of_noise(400)
    >>> round(float(reading.h_min)), round(float(reading.h_max))
    (349, 455)
    """
    from scipy.integrate import quad
    from scipy.special import gammaln
    from scipy.stats import chi2

    require_counts(dimension=dimension, window=window)
    spread = np.sqrt(2 * dimension)
    law = chi2(dimension)
    ends = law.ppf(1e-15), law.isf(1e-17)
    cuts = np.clip(dimension + spread * np.array([-4, -2, 0, 2, 4]), *ends)
    integral = partial(quad, epsabs=0, epsrel=1e-10, limit=400, points=np.unique(cuts)[1:-1])
    least = ends[0] + integral(lambda x: law.sf(x) ** window, *ends)[0]
    most = ends[0] + integral(lambda x: -np.expm1(window * law.logcdf(x)), *ends)[0]
    norm = np.sqrt(2) * np.exp(gammaln((dimension + 1) / 2) - gammaln(dimension / 2))
    kept = (1 - smoothing) / (1 + smoothing)
    sigma = np.sqrt(noise_variance)
    return Reading(
        h_min=float(noise_variance * least),
        h_max=float(noise_variance * most),
        variance=float(noise_variance * dimension * (1 - kept)),
        distance=float(norm / dimension / sigma),
    )


def step_of_noise(
    dimension: int, *, window: int = 20, smoothing: float = 0.999, noise_variance: float = 1.0
) -> SingleStep:
    """The step that YellowFin's rule makes of `reading_of_noise`.

    Momentum does not depend on the variance of the noise, but on the dimension: with many
    parameters norms hardly differ, p = D²h_min²/(2C) goes to 1/2 and √β to the root of the cubic
    there, β = 0.168. With few, the least of the window is far below the mean, and β is near 1.

    Raises
    ------
    DomainError
        As `reading_of_noise`.

    Examples
    --------
    >>> [round(step_of_noise(n).momentum, 3) for n in (1, 10, 1000, 10**7)]
    [0.952, 0.433, 0.187, 0.168]
    """
    reading = reading_of_noise(
        dimension, window=window, smoothing=smoothing, noise_variance=noise_variance
    )
    return single_step(**reading._asdict())
